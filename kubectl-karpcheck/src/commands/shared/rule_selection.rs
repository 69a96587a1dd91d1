//! Which rules run: loading packs and selecting their rules.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser};
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};

use crate::commands::shared::error::{CommandError, chain};
use crate::commands::shared::nearest::nearest;
use crate::engine;
use crate::engine::{Cache, Engine, Limits, Pack, PackError, PackFault, Selected};
use crate::findings::finding::RuleInfo;
use crate::inventory::Problem;
use crate::inventory::problem::PackProblem;
use crate::schema::kinds::GatherScope;

/// Which rules run.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Rules")]
pub struct RuleSelectionArgs {
    /// Only this rule, also if it is off by default; can be repeated
    #[arg(long, value_name = "ID", add = ArgValueCandidates::new(rule_candidates))]
    pub rule: Vec<String>,
    /// Only rules of this area: queue, ebs, cluster-name, tagging, ack, upgrade, readiness; can be repeated
    #[arg(long, value_name = "AREA", add = ArgValueCandidates::new(area_candidates))]
    pub area: Vec<String>,
    /// A pack of rules (a WebAssembly component) beside the built-in one, called by its own name or by NAME; can be repeated
    #[arg(long, value_name = "[NAME=]FILE", value_parser = pack_parser())]
    pub pack: Vec<PackArg>,
}

/// The packs of a run.
#[derive(Debug)]
pub struct Packs {
    /// The sandbox that runs them.
    pub engine: Engine,
    /// The built-in one first.
    pub packs: Vec<Pack>,
    /// A problem for each pack that was refused.
    pub problems: Vec<Problem>,
}

/// A pack that the user names: `FILE`, or `NAME=FILE`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PackArg {
    /// A name instead of its own.
    pub name: Option<String>,
    /// The component.
    pub file: PathBuf,
}

/// Parses `FILE` or `NAME=FILE`. The text before the first `=` is a name if it is kebab-case: `./a=b.wasm` is a file.
pub fn pack_arg(written: &OsStr) -> PackArg {
    match written.to_str().and_then(|text| text.split_once('=')) {
        Some((name, file)) if engine::kebab(name) => PackArg { name: Some(name.to_owned()), file: file.into() },
        _ => PackArg { name: None, file: written.into() },
    }
}

/// The parser of `--pack`: a file's name need not be UTF-8.
pub fn pack_parser() -> impl TypedValueParser<Value = PackArg> {
    OsStringValueParser::new().map(|written| pack_arg(&written))
}

/// Loads the built-in pack and the user's. One of the user's that is refused is a fatal problem; the others still run.
pub fn load(named: &[PackArg]) -> Result<Packs, CommandError> {
    let engine =
        Engine::new(Limits::default(), Cache::of_user()).map_err(|error| CommandError::Engine(chain(&error)))?;
    let engine = engine.compiler(std::env::current_exe().ok());
    let builtin = engine.builtin().map_err(|error| CommandError::Engine(chain(&error)))?;
    let mut loaded: Vec<(Option<&Path>, Pack)> = vec![(None, builtin)];
    let mut problems = vec![];
    for PackArg { name, file } in named {
        let shown = file.display().to_string().into();
        let problem = match engine.load(file, name.as_deref()) {
            Ok(pack) => match loaded.iter().find(|(_, other)| other.name() == pack.name()) {
                None => {
                    loaded.push((Some(file), pack));
                    continue;
                }
                Some((other, _)) => {
                    let name = pack.name().into();
                    match other {
                        Some(other) => {
                            PackProblem::Taken { file: shown, name, other: other.display().to_string().into() }
                        }
                        None => PackProblem::BuiltIn { file: shown, name },
                    }
                }
            },
            Err(PackError { fault, .. }) => refused(shown, &fault),
        };
        problems.push(Problem::new(problem, None));
    }
    Ok(Packs { engine, packs: loaded.into_iter().map(|(_, pack)| pack).collect(), problems })
}

/// Why a pack was refused.
fn refused(file: Arc<str>, fault: &PackFault) -> PackProblem {
    match fault {
        PackFault::Unreadable(source) => match source.kind() {
            io::ErrorKind::NotFound => PackProblem::NotFound { file },
            io::ErrorKind::IsADirectory => PackProblem::Folder { file },
            _ => PackProblem::NotReadable { file, error: source.to_string().into() },
        },
        fault => PackProblem::Refused { file, fault: fault.to_string().into() },
    }
}

impl Packs {
    /// The rules to run: those named, else those that are on by default; in both cases only of the named areas, if any.
    pub fn select(&self, args: &RuleSelectionArgs) -> Result<Vec<Selected<'_>>, CommandError> {
        let all = || self.packs.iter().flat_map(|pack| pack.rules().iter().map(move |rule| (pack, rule)));
        for id in &args.rule {
            if !all().any(|(_, rule)| rule.is_meant_by(id)) {
                if all().any(|(_, rule)| rule.area == *id) {
                    return Err(CommandError::Usage(format!("there is no rule {id}, but an area: --area {id}")));
                }
                return Err(CommandError::Usage(unknown_rule(id, all().map(|(_, rule)| rule.id.as_str()))));
            }
        }
        for area in &args.area {
            if !all().any(|(_, rule)| rule.area == *area) {
                let mut areas: Vec<&str> = all().map(|(_, rule)| rule.area.as_str()).collect();
                areas.sort_unstable();
                areas.dedup();
                let near = nearest(area, areas.iter().copied());
                return Err(CommandError::Usage(match near {
                    Some(near) => format!("no rule is of the area {area}, did you mean {near}?"),
                    None => format!("no rule is of the area {area}: there are {}", areas.join(", ")),
                }));
            }
        }
        let chosen: Vec<Selected<'_>> =
            all()
                .filter(|(_, rule)| {
                    if args.rule.is_empty() { rule.enabled } else { args.rule.iter().any(|id| rule.is_meant_by(id)) }
                })
                .filter(|(_, rule)| args.area.is_empty() || args.area.contains(&rule.area))
                .map(|(pack, rule)| Selected::new(pack, rule))
                .collect();
        // A run without rules would be green and mean nothing.
        if chosen.is_empty() && !args.rule.is_empty() && !args.area.is_empty() {
            return Err(CommandError::Usage(format!(
                "no rule is left: {} is not of the area {}",
                args.rule.join(", "),
                args.area.join(", ")
            )));
        }
        Ok(chosen)
    }

    /// The one rule of this name.
    ///
    /// # Errors
    /// There is none, or several packs have one.
    pub fn rule(&self, id: &str) -> Result<&RuleInfo, CommandError> {
        let all = || self.packs.iter().flat_map(|pack| pack.rules());
        let found: Vec<&RuleInfo> = all().filter(|rule| rule.is_meant_by(id)).collect();
        match found.as_slice() {
            [rule] => Ok(rule),
            [] => Err(CommandError::Usage(unknown_rule(id, all().map(|rule| rule.id.as_str())))),
            several => {
                let names: Vec<String> = several.iter().map(|rule| format!("{}/{}", rule.pack, rule.id)).collect();
                Err(CommandError::Usage(format!("several packs have a rule {id}: name one of {}", names.join(", "))))
            }
        }
    }
}

/// What the chosen rules read.
pub fn gather_scope(selected: &[Selected<'_>]) -> GatherScope {
    GatherScope::new(selected.iter().flat_map(|selected| {
        let needed = selected.rule.subjects.iter().chain(&selected.rule.reads).map(|kind| (kind.as_str(), false));
        needed.chain(selected.rule.reads_if_allowed.iter().map(|kind| (kind.as_str(), true)))
    }))
}

/// The built-in rules, for a shell to complete. Packs that the line names are not loaded while somebody types.
pub fn rule_candidates() -> Vec<CompletionCandidate> {
    builtin_rules(|rule| (rule.id.clone(), rule.title.clone()))
}

fn area_candidates() -> Vec<CompletionCandidate> {
    let mut areas = builtin_rules(|rule| (rule.area.clone(), String::new()));
    areas.sort();
    areas.dedup();
    areas
}

fn builtin_rules(candidate: impl Fn(&RuleInfo) -> (String, String)) -> Vec<CompletionCandidate> {
    let Ok(packs) = load(&[]) else { return vec![] };
    let rules = packs.packs.iter().flat_map(|pack| pack.rules());
    rules
        .map(|rule| {
            let (value, help) = candidate(rule);
            CompletionCandidate::new(value).help((!help.is_empty()).then(|| help.into()))
        })
        .collect()
}

/// The message for a rule that does not exist, with the id that is most like it.
fn unknown_rule<'a>(id: &str, known: impl Iterator<Item = &'a str>) -> String {
    let near = nearest(id, known).map(|known| format!(", did you mean {known}?"));
    format!("there is no rule {id}{}", near.unwrap_or_else(|| ": `kubectl karpcheck rules` lists them".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pack_may_be_given_a_name() {
        let read = |text: &str| {
            let PackArg { name, file } = pack_arg(OsStr::new(text));
            (name, file.display().to_string())
        };
        assert_eq!(read("rules.wasm"), (None, "rules.wasm".into()));
        assert_eq!(read("next=rules.wasm"), (Some("next".into()), "rules.wasm".into()));
        assert_eq!(read("./a=b.wasm"), (None, "./a=b.wasm".into()));
        assert_eq!(read("A=b.wasm"), (None, "A=b.wasm".into()));
    }
}
