//! `.karpcheck.toml`: what a repository settles for every run over it.
//!
//! ```text
//! file -> checked tree (keys: every key known, every value of its type) -> Settings -> commands, which put them under the flags
//! ```
//!
//! One table has the keys; the JSON Schema and the documentation are made of it. The configuration knows no flag: `commands`
//! decides what wins.

mod find;
mod keys;
mod model;
pub mod nearest;
mod read;
mod schema;
pub mod values;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

pub use find::FILE_NAME;
pub use model::{ContextSettings, Facts, PackSettings, RuleSettings, ScopeSettings, Settings, SuppressionSettings};
pub use schema::{reference, schema};

/// A configuration and where it stands.
#[derive(Clone, PartialEq, Debug)]
pub struct Config {
    /// The file.
    pub file: PathBuf,
    /// What it says.
    pub settings: Settings,
    /// Line and column of each key and of each entry of a list of tables, by its path: `packs/0`, `facts/account`.
    places: BTreeMap<String, (u32, u32)>,
}

impl Config {
    /// The folder that paths in it are relative to.
    pub fn folder(&self) -> &Path {
        self.file.parent().unwrap_or_else(|| Path::new(""))
    }

    /// Line and column of a key or an entry by its path.
    pub fn position(&self, path: &str) -> Option<(u32, u32)> {
        self.places.get(path).copied()
    }

    /// `FILE:LINE:COLUMN` of a key or an entry by its path, for a message.
    pub fn place(&self, path: &str) -> String {
        match self.position(path) {
            Some((line, column)) => format!("{}:{line}:{column}", self.file_shown()),
            None => self.file_shown(),
        }
    }

    /// The file as a person in the working directory writes it.
    pub fn file_shown(&self) -> String {
        shown(&self.file).display().to_string()
    }

    /// The file by its path from the root of its repository, else by its name: the same wherever the run is.
    pub fn in_repository(&self) -> String {
        let file = std::fs::canonicalize(&self.file).unwrap_or_else(|_| self.file.clone());
        let root = file.ancestors().skip(1).find(|folder| folder.join(".git").exists()).or_else(|| file.parent());
        let path = root.and_then(|root| file.strip_prefix(root).ok()).unwrap_or(&file).to_string_lossy().into_owned();
        if cfg!(windows) { path.replace('\\', "/") } else { path }
    }

    /// A path that is relative to its folder, as a person in the working directory writes it.
    pub fn shown_beside(&self, path: &str) -> PathBuf {
        shown(&self.folder().join(path))
    }
}

/// What is wrong at a place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// From 1 on.
    pub line: u32,
    /// From 1 on, in characters.
    pub column: u32,
    /// What.
    pub fault: ConfigFault,
}

/// What can be wrong with a configuration.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ConfigFault {
    /// It is not TOML.
    #[error("it is not valid TOML: {message}")]
    Syntax {
        /// The parser's word.
        message: String,
    },
    /// A key that does not exist.
    #[error("there is no key `{name}`{}", meant_or(meant.as_deref(), names))]
    UnknownKey {
        /// As it is written.
        name: String,
        /// The one that was meant.
        meant: Option<String>,
        /// All that there are.
        names: Vec<&'static str>,
    },
    /// A key that must be there.
    #[error("the key `{name}` is missing")]
    MissingKey {
        /// Its name.
        name: &'static str,
    },
    /// A value of another type.
    #[error("it must be {wanted}, not {given}")]
    Type {
        /// What is wanted.
        wanted: &'static str,
        /// What is there.
        given: &'static str,
    },
    /// A word that is none of those that can stand there.
    #[error("`{word}` is not one of {}{}", words.join(", "), meant.as_ref().map(|meant| format!(": did you mean {meant}?")).unwrap_or_default())]
    NoChoice {
        /// As it is written.
        word: String,
        /// The one that was meant.
        meant: Option<String>,
        /// All that there are.
        words: &'static [&'static str],
    },
    /// A text that is not what it should be.
    #[error("{why}")]
    Wrong {
        /// What it should look like.
        why: String,
    },
}

/// `, did you mean X?`, or the names.
fn meant_or(meant: Option<&str>, names: &[&str]) -> String {
    match meant {
        Some(meant) => format!(", did you mean `{meant}`?"),
        None => format!(": there are {}", names.join(", ")),
    }
}

/// A configuration cannot be used.
#[derive(Debug)]
pub enum ConfigError {
    /// It cannot be read.
    Unreadable(PathBuf, io::Error),
    /// What it says is wrong, each fault at its place.
    Faults(PathBuf, Vec<Fault>),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(file, error) => {
                write!(f, "the configuration {} cannot be read: {error}", shown(file).display())
            }
            Self::Faults(file, faults) => {
                let lines: Vec<String> = faults
                    .iter()
                    .map(|Fault { line, column, fault }| format!("{}:{line}:{column}: {fault}", shown(file).display()))
                    .collect();
                f.write_str(&lines.join("\n"))
            }
        }
    }
}

impl std::error::Error for ConfigError {}

/// A path as a person in the working directory writes it.
fn shown(file: &Path) -> PathBuf {
    let here = std::env::current_dir().and_then(std::fs::canonicalize).ok();
    let below = here.and_then(|here| file.strip_prefix(here).ok().map(Path::to_owned));
    below.unwrap_or_else(|| file.to_owned())
}

/// The configuration of a run: the file that was named, else the one that is found from the first path on, else from the
/// working directory.
///
/// # Errors
/// It cannot be read, or says something that cannot be meant.
pub fn load(named: Option<&Path>, first: Option<&Path>) -> Result<Option<Config>, ConfigError> {
    let here = std::env::current_dir().unwrap_or_default();
    let file = match named {
        Some(file) => file.to_owned(),
        None => match find::find(first, &here) {
            Some(file) => file,
            None => return Ok(None),
        },
    };
    let text = std::fs::read_to_string(&file).map_err(|error| ConfigError::Unreadable(file.clone(), error))?;
    parse(file, &text).map(Some)
}

/// Reads the text of a configuration.
///
/// # Errors
/// It says something that cannot be meant.
pub fn parse(file: PathBuf, text: &str) -> Result<Config, ConfigError> {
    let (value, places) = match read::read(text, keys::FILE) {
        Ok(read) => read,
        Err(faults) => return Err(ConfigError::Faults(file, faults)),
    };
    let at = |path: &str, why: String| {
        let (line, column) = places.get(path).copied().unwrap_or((1, 1));
        Fault { line, column, fault: ConfigFault::Wrong { why } }
    };
    let settings: Settings = match serde_json::from_value(value) {
        Ok(settings) => settings,
        Err(error) => return Err(ConfigError::Faults(file, vec![at("", error.to_string())])),
    };
    let of_registry = |path: &String| path.starts_with("oci://");
    let faults: Vec<Fault> = (0..)
        .zip(&settings.packs)
        .filter_map(|(index, pack): (usize, _)| {
            if pack.path.is_some() == pack.reference.is_some() {
                return Some(at(&format!("packs/{index}"), "a pack has either a `path` or a `reference`".to_owned()));
            }
            let why = "a pack in a registry has a `reference`, without oci://".to_owned();
            pack.path.as_ref().is_some_and(of_registry).then(|| at(&format!("packs/{index}/path"), why))
        })
        .collect();
    if faults.is_empty() { Ok(Config { file, settings, places }) } else { Err(ConfigError::Faults(file, faults)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, String> {
        parse(PathBuf::from("c.toml"), text).map_err(|error| error.to_string())
    }

    /// A value that a key takes.
    fn sample(kind: &keys::Kind) -> String {
        match kind {
            keys::Kind::Flag => "true".to_owned(),
            keys::Kind::Text(format) => {
                let digest = format!("sha256:{}", "0".repeat(64));
                let samples = ["1.8.7", "111122223333", "eu-west-1", "aws", "2027-01-31", &digest, "x", "json"];
                let fitting = samples.iter().find(|text| (format.read)(text).is_ok());
                format!("{:?}", fitting.unwrap())
            }
            keys::Kind::Choice(words) => format!("{:?}", words[0]),
            keys::Kind::List(of) => format!("[{}]", sample(of)),
            keys::Kind::Table(keys) => table(keys),
            keys::Kind::Tables(keys) => format!("[{}]", table(keys)),
            keys::Kind::Map { of, .. } => format!("{{ x = {} }}", sample(of)),
            keys::Kind::Any => "[1, { x = 0x10 }, 1.5]".to_owned(),
        }
    }

    fn table(groups: &[&[keys::Key]]) -> String {
        // A pack has one of the two.
        let keys = groups.iter().flat_map(|keys| keys.iter()).filter(|key| key.name != "reference");
        let members: Vec<String> = keys.map(|key| format!("{} = {}", key.name, sample(&key.kind))).collect();
        format!("{{ {} }}", members.join(", "))
    }

    #[test]
    fn every_key_of_the_table_is_a_field_of_the_settings() {
        let text: String = keys::FILE[0].iter().map(|key| format!("{} = {}\n", key.name, sample(&key.kind))).collect();
        let config = read(&text).unwrap();
        assert_eq!(config.settings.facts.parameters["x"], "1.8.7");
        assert_eq!(config.settings.packs[0].settings["x"], serde_json::json!([1, { "x": 16 }, 1.5]));
        assert!(read("[[packs]]\nreference = \"registry.example/rules:1\"").is_ok());
    }

    #[test]
    fn faults_have_a_place_and_what_was_meant() {
        for (text, expected) in [
            ("fail-onn = \"error\"", "c.toml:1:1: there is no key `fail-onn`, did you mean `fail-on`?"),
            ("\n[rules.x]\nlevel = 1", "c.toml:3:1: there is no key `level`: there are enabled, severity, settings"),
            (
                "fail-on = \"eror\"",
                "c.toml:1:11: `eror` is not one of error, warning, info, new, none: did you mean error?",
            ),
            ("fail-on = 1", "c.toml:1:11: it must be a quoted string, not a number"),
            ("[facts]\naccount = \"12\"", "c.toml:2:11: an account id has twelve digits"),
            ("[facts]\naccount = 111122223333", "c.toml:2:11: it must be a quoted string, not a number"),
            ("[[contexts]]\nregion = \"eu-west-1\"", "c.toml:1:1: the key `name` is missing"),
            ("[[packs]]\nname = \"x\"", "c.toml:1:1: a pack has either a `path` or a `reference`"),
            ("[[packs]]\npath = \"oci://x/y:1\"", "c.toml:2:1: a pack in a registry has a `reference`, without oci://"),
            (
                "[contexts]\nname = \"x\"",
                "c.toml:1:1: it must be a list of tables, each under its own [[…]], not a table",
            ),
            ("exclude = [\"{a\"]", "c.toml:1:12: "),
            ("a = ", "c.toml:1:5: it is not valid TOML: "),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.starts_with(expected), "{text}: {error}");
        }
    }

    #[test]
    fn values_are_normalised() {
        let config = read("[facts]\nkarpenter-version = \"v1.8\"\n[[contexts]]\nname = \"prod-*\"\n").unwrap();
        assert_eq!(config.settings.facts.karpenter_version.as_deref(), Some("1.8.0"));
        assert_eq!(config.place("contexts/0"), "c.toml:3:1");
    }
}
