//! Which rules run: packs are loaded, rules picked.

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::commands::shared::error::{CommandError, chain};
use crate::engine::{Cache, Engine, Limits, Pack, PackError, Selected};
use crate::findings::finding::RuleInfo;
use crate::inventory::Problem;
use crate::schema::kinds::GatherScope;

/// Which rules are meant.
#[derive(Clone, Debug, Default, Args)]
pub struct RuleSelectionArgs {
    /// Only this rule, also if it is off by default; can be repeated
    #[arg(long, value_name = "ID")]
    pub rule: Vec<String>,
    /// Only rules of this area: queue, ebs, cluster-name, tagging, ack, upgrade; can be repeated
    #[arg(long, value_name = "AREA")]
    pub area: Vec<String>,
    /// A pack of rules (a WebAssembly component) beside the built-in one; can be repeated
    #[arg(long, value_name = "FILE")]
    pub pack: Vec<PathBuf>,
}

/// The packs of a run and what was wrong with others.
#[derive(Debug)]
pub struct Packs {
    /// What runs them.
    pub engine: Engine,
    /// The built-in one first.
    pub packs: Vec<Pack>,
    /// Packs that were refused.
    pub problems: Vec<Problem>,
}

/// Loads the built-in pack and those that were named. A pack of the user's that is refused is a fatal problem and costs
/// only its own rules.
pub fn load(files: &[PathBuf]) -> Result<Packs, CommandError> {
    let engine =
        Engine::new(Limits::default(), Cache::of_user()).map_err(|error| CommandError::Engine(chain(&error)))?;
    let engine = engine.compiler(std::env::current_exe().ok());
    let mut packs = vec![engine.builtin().map_err(|error| CommandError::Engine(chain(&error)))?];
    let mut problems = vec![];
    for file in files {
        match engine.load(file) {
            Ok(pack) if packs.iter().any(|other| other.name() == pack.name()) => problems.push(Problem::fatal(
                format!(
                    "the pack {} was not loaded: another pack is called {} already, rename the file",
                    file.display(),
                    pack.name()
                ),
                None,
            )),
            Ok(pack) => packs.push(pack),
            Err(error) => problems.push(Problem::fatal(refused(file, &error), None)),
        }
    }
    Ok(Packs { engine, packs, problems })
}

/// Why a pack was not taken: the file is named once.
fn refused(file: &Path, error: &PackError) -> String {
    let shown = file.display();
    if let PackError::Read { source, .. } = error {
        let why = match source.kind() {
            io::ErrorKind::NotFound => "no such file".to_owned(),
            io::ErrorKind::IsADirectory => "it is a folder, name the .wasm in it".to_owned(),
            _ => source.to_string(),
        };
        return format!("the pack {shown} was not loaded: {why}");
    }
    let text = chain(error);
    let name = file.file_stem().map(|stem| stem.to_string_lossy());
    match name.and_then(|name| text.strip_prefix(&format!("pack {name} "))) {
        Some(why) => format!("the pack {shown} was refused: it {}", why.strip_prefix("it ").unwrap_or(why)),
        None => format!("the pack {shown} was refused: {text}"),
    }
}

impl Packs {
    /// The rules that were asked for: those that are on by default, or those that were named, of the areas that were named.
    pub fn select(&self, args: &RuleSelectionArgs) -> Result<Vec<Selected<'_>>, CommandError> {
        let all = || self.packs.iter().flat_map(|pack| pack.rules().iter().map(move |rule| (pack, rule)));
        for id in &args.rule {
            if !all().any(|(_, rule)| named(rule, id)) {
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
                return Err(CommandError::Usage(format!(
                    "no rule is of the area {area}: there are {}",
                    areas.join(", ")
                )));
            }
        }
        let chosen: Vec<Selected<'_>> = all()
            .filter(
                |(_, rule)| {
                    if args.rule.is_empty() { rule.enabled } else { args.rule.iter().any(|id| named(rule, id)) }
                },
            )
            .filter(|(_, rule)| args.area.is_empty() || args.area.contains(&rule.area))
            .map(|(pack, rule)| Selected::new(pack, rule))
            .collect();
        // A run without rules is green and says nothing.
        if chosen.is_empty() && !args.rule.is_empty() && !args.area.is_empty() {
            return Err(CommandError::Usage(format!(
                "no rule is left: {} is not of the area {}",
                args.rule.join(", "),
                args.area.join(", ")
            )));
        }
        Ok(chosen)
    }
}

/// What the chosen rules read.
pub fn plan(selected: &[Selected<'_>]) -> GatherScope {
    GatherScope::new(selected.iter().flat_map(|selected| {
        let needed = selected.rule.subjects.iter().chain(&selected.rule.reads).map(|kind| (kind.as_str(), false));
        needed.chain(selected.rule.reads_if_allowed.iter().map(|kind| (kind.as_str(), true)))
    }))
}

fn named(rule: &RuleInfo, id: &str) -> bool {
    rule.id == id
        || id.strip_prefix(rule.pack.as_str()).is_some_and(|rest| rest.strip_prefix('/') == Some(rule.id.as_str()))
}

/// There is no such rule, but perhaps one of nearly that name.
pub fn unknown_rule<'a>(id: &str, known: impl Iterator<Item = &'a str>) -> String {
    let near = known
        .map(|known| (common(known, id), known))
        .max_by_key(|(common, _)| *common)
        .filter(|(common, _)| *common >= 2)
        .map(|(_, known)| format!(", did you mean {known}?"));
    format!("there is no rule {id}{}", near.unwrap_or_else(|| ": `kubectl karpcheck rules` lists them".into()))
}

/// How many words two ids share.
fn common(one: &str, other: &str) -> usize {
    one.split('-').filter(|word| other.split('-').any(|other| other == *word)).count()
}
