//! For a pack's build script: `fn main() { karpcheck_sdk::build::rules(); }`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Lists the files of `src/rules` for [`pack!`](crate::pack): each is a rule, its id is the file's name, its page the file's
/// `//!` comment. A file in a folder there is of the area that the folder is called.
///
/// # Panics
///
/// Where the folder cannot be read, or a file is not a rule: that ends the build, with the file and what it lacks.
pub fn rules() {
    if let Err(error) = write(&variable("CARGO_MANIFEST_DIR").join("src/rules"), &variable("OUT_DIR")) {
        panic!("{error}");
    }
}

fn variable(name: &str) -> PathBuf {
    env::var_os(name).map(PathBuf::from).unwrap_or_default()
}

fn write(folder: &Path, out: &Path) -> io::Result<()> {
    fs::write(out.join("karpcheck_rules.rs"), list(folder)?)?;
    let mut stdout = io::stdout().lock();
    io::Write::write_all(&mut stdout, format!("cargo::rerun-if-changed={}\n", folder.display()).as_bytes())
}

/// The modules of the rules, and the list of them, in the order of their ids.
fn list(folder: &Path) -> io::Result<String> {
    let mut rules: BTreeMap<String, Source> = BTreeMap::new();
    for entry in entries(folder)? {
        let found = if entry.is_dir() {
            let area = name(&entry, "a folder of rules is named after their area")?;
            entries(&entry)?.into_iter().map(|file| (Some(area.clone()), file)).collect()
        } else {
            vec![(None, entry)]
        };
        for (area, file) in found.into_iter().filter(|(_, file)| file.extension().is_some_and(|ending| ending == "rs"))
        {
            let module = name(&file, "a rule's file is named after its id")?;
            let page = page(&fs::read_to_string(&file)?);
            if page.is_empty() {
                return Err(about(&file, "a rule begins with its page, a `//!` comment"));
            }
            if let Some(other) = rules.get(&module) {
                return Err(about(&file, &format!("{} is a rule of the same id", other.file.display())));
            }
            rules.insert(module, Source { file, area, page });
        }
    }
    let (mut modules, mut list) = (String::new(), String::new());
    for (module, Source { file, area, page }) in rules {
        let id = module.replace('_', "-");
        let area = area.map(|area| format!("area: {:?}, ", area.replace('_', "-"))).unwrap_or_default();
        // Writing to a String does not fail.
        let _ = writeln!(modules, "#[path = {:?}]\nmod {module};", file.display().to_string());
        let _ = writeln!(list, "    ::karpcheck_sdk::Rule {{ id: {id:?}, {area}docs: {page:?}, ..{module}::RULE }},");
    }
    Ok(format!("{modules}\npub(crate) const RULES: &[::karpcheck_sdk::Rule] = &[\n{list}];\n"))
}

/// A rule's file.
struct Source {
    file: PathBuf,
    area: Option<String>,
    page: String,
}

fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .map_err(|error| about(folder, &error.to_string()))?
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<_>>()?;
    entries.sort();
    Ok(entries)
}

/// The name of a file or folder, which must do as a module's.
fn name(path: &Path, what: &str) -> io::Result<String> {
    let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    if is_module(name) {
        Ok(name.to_owned())
    } else {
        Err(about(path, &format!("{what}, in small letters with _ between the words")))
    }
}

fn about(file: &Path, what: &str) -> io::Error {
    io::Error::other(format!("{}: {what}", file.display()))
}

fn is_module(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '_')
}

/// The `//!` comment at the head of a file, one leading blank off each line.
fn page(source: &str) -> String {
    let mut page = String::new();
    for line in source.lines() {
        let Some(text) = line.strip_prefix("//!") else { break };
        page.push_str(text.strip_prefix(' ').unwrap_or(text));
        page.push('\n');
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_the_comment_at_the_head() {
        let source = "//! ## What it finds\n//!\n//! ```yaml\n//!   a: 1\n//! ```\n\n//! not this\nuse x;\n";
        assert_eq!(page(source), "## What it finds\n\n```yaml\n  a: 1\n```\n");
        assert_eq!(page("use x;\n"), "");
    }

    #[test]
    fn a_folder_is_an_area_and_ids_are_unique() {
        let folder = env::temp_dir().join(format!("karpcheck-sdk-build-{}", std::process::id()));
        let write = |file: &str| {
            let file = folder.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "//! A page.\n").unwrap();
        };
        write("cluster_name/name_shared.rs");
        write("loose.rs");
        let generated = list(&folder).unwrap();
        assert!(generated.contains(r#"Rule { id: "name-shared", area: "cluster-name", docs: "#), "{generated}");
        assert!(generated.contains(r#"Rule { id: "loose", docs: "#), "{generated}");
        write("other/loose.rs");
        assert!(list(&folder).unwrap_err().to_string().contains("a rule of the same id"));
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn file_names_are_ids() {
        assert!(is_module("queue_aws_managed_key"));
        assert!(!is_module("Queue") && !is_module("queue-key") && !is_module("_x") && !is_module(""));
    }
}
