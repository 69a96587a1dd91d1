//! Which rules run: loading packs and selecting their rules.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser};
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};

use crate::commands::shared::error::{CommandError, chain};
use crate::commands::shared::pack_lock;
use crate::commands::shared::pack_lock::Lock;
use crate::commands::shared::pack_source::{PackSource, fetch};
use crate::config::nearest::nearest;
use crate::config::{Config, PackSettings, RuleSettings};
use crate::engine;
use crate::engine::{Cache, Engine, Limits, Pack, PackError, PackFault, Selected};
use crate::findings::finding::{RuleInfo, Severity};
use crate::formats::oci_reference::{Reference, SCHEME};
use crate::inventory::Problem;
use crate::inventory::problem::PackProblem;
use crate::schema::kinds::GatherScope;

/// Which rules run.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Rules")]
pub struct RuleSelectionArgs {
    /// Run only this rule, even if it is off by default; repeatable, or several separated by commas
    #[arg(long, value_name = "ID", value_delimiter = ',', add = ArgValueCandidates::new(rule_candidates))]
    pub rule: Vec<String>,
    /// Run only the rules of this area: queue, ebs, cluster-name, tagging, ack, upgrade, readiness; repeatable, or several
    /// separated by commas
    #[arg(long, value_name = "AREA", value_delimiter = ',', add = ArgValueCandidates::new(area_candidates))]
    pub area: Vec<String>,
    /// A rule pack (a WebAssembly component), a folder of packs, or a pack in a registry (oci://REGISTRY/NAME:TAG or
    /// @sha256:DIGEST), in addition to the built-in one, under its own name or NAME; repeatable
    #[arg(long, value_name = "[NAME=]FILE", value_parser = pack_parser())]
    pub pack: Vec<PackArg>,
    /// Set a setting of one rule (RULE.NAME=VALUE), or of every rule of a pack that has it (PACK.NAME=VALUE); repeatable
    #[arg(long, value_name = "RULE.NAME=VALUE", value_parser = assignment)]
    pub set: Vec<Assignment>,
}

/// A setting from the command line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Assignment {
    /// A rule, as [`RuleInfo::is_meant_by`] takes it, or a pack.
    pub of: String,
    /// The setting.
    pub name: String,
    /// Its value, as it was written: the setting's default says of which type it is.
    pub value: String,
}

/// Parses `RULE.NAME=VALUE`.
///
/// # Errors
/// It has no `.` before its first `=`.
pub fn assignment(written: &str) -> Result<Assignment, String> {
    let parts = written.split_once('=').and_then(|(place, value)| Some((place.rsplit_once('.')?, value)));
    let Some(((of, name), value)) = parts else { return Err("a setting is given as RULE.NAME=VALUE".into()) };
    Ok(Assignment { of: of.to_owned(), name: name.to_owned(), value: value.to_owned() })
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
    /// What the configuration says of rules and of findings.
    pub config: Option<Arc<Config>>,
    /// What it says of the settings of all rules of a pack, by the pack's name.
    settings: BTreeMap<String, BTreeMap<String, serde_json::Value>>,
}

/// A pack that the user names: `FILE`, `oci://REFERENCE`, or one of them after `NAME=`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PackArg {
    /// A name instead of its own.
    pub name: Option<String>,
    /// Where it is.
    pub source: PackSource,
}

/// Parses `FILE` or `NAME=FILE`. The text before the first `=` is a name if it is kebab-case: `./a=b.wasm` is a file.
///
/// # Errors
/// What follows `oci://` is no reference.
pub fn pack_arg(written: &OsStr) -> Result<PackArg, String> {
    let (name, source) = match written.to_str().and_then(|text| text.split_once('=')) {
        Some((name, source)) if engine::kebab(name) => (Some(name.to_owned()), OsStr::new(source)),
        _ => (None, written),
    };
    Ok(PackArg { name, source: PackSource::parse(source)? })
}

/// The parser of `--pack`: a file's name need not be UTF-8.
pub fn pack_parser() -> impl TypedValueParser<Value = PackArg> {
    OsStringValueParser::new().try_map(|written| pack_arg(&written))
}

/// A pack to load, and what the configuration says of it.
struct Wanted {
    pack: PackArg,
    digest: Option<String>,
    settings: BTreeMap<String, serde_json::Value>,
    /// Does the configuration name it, so that a lock file must list it?
    configured: bool,
}

/// The packs of the configuration, then those of `--pack`.
///
/// # Errors
/// The configuration has a reference that is none.
fn wanted(named: &[PackArg], config: Option<&Config>) -> Result<Vec<Wanted>, CommandError> {
    let mut wanted = vec![];
    for (config, pack) in config.iter().flat_map(|config| config.settings.packs.iter().map(move |pack| (config, pack)))
    {
        let PackSettings { path, reference, name, digest, settings } = pack;
        let file = path.as_ref().map(|path| Ok(PackSource::File(config.shown_beside(path))));
        let registry = || Some(Reference::parse(reference.as_ref()?).map(PackSource::Registry));
        let Some(source) = file.or_else(registry) else { continue };
        let source = source.map_err(|why| CommandError::Usage(format!("{}: {why}", config.file_shown())))?;
        let pack = PackArg { name: name.clone(), source };
        wanted.push(Wanted { pack, digest: digest.clone(), settings: settings.clone(), configured: true });
    }
    wanted.extend(named.iter().map(|pack| Wanted {
        pack: pack.clone(),
        digest: None,
        settings: BTreeMap::new(),
        configured: false,
    }));
    Ok(wanted.into_iter().flat_map(in_folder).collect())
}

/// The packs of a folder, in the order of their names; of a file, itself.
fn in_folder(wanted: Wanted) -> Vec<Wanted> {
    let PackSource::File(file) = &wanted.pack.source else { return vec![wanted] };
    // A folder that cannot be read is refused as one without a pack.
    let entries = std::fs::read_dir(file).into_iter().flatten().flatten();
    let wasm = |file: &PathBuf| file.is_file() && file.extension().is_some_and(|ending| ending == "wasm");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(wasm).collect();
    files.sort();
    if files.is_empty() {
        return vec![wanted];
    }
    let Wanted { pack: PackArg { name, .. }, digest, settings, configured } = wanted;
    let of = |file| Wanted {
        pack: PackArg { name: name.clone(), source: PackSource::File(file) },
        digest: digest.clone(),
        settings: settings.clone(),
        configured,
    };
    files.into_iter().map(of).collect()
}

/// The sandbox, with the user's cache and this program as its compiler.
///
/// # Errors
/// It cannot be set up on this machine.
pub fn sandbox() -> Result<Engine, CommandError> {
    let engine =
        Engine::new(Limits::default(), Cache::of_user()).map_err(|error| CommandError::Engine(chain(&error)))?;
    // A path that cannot be told cannot be run either, and then no pack is compiled.
    Ok(engine.compiler(Some(std::env::current_exe().unwrap_or_default())))
}

/// Loads the built-in pack, those of the configuration, and those of `--pack`. One of the user's that is refused is a fatal
/// problem; the others still run.
pub fn load(named: &[PackArg], config: Option<&Arc<Config>>) -> Result<Packs, CommandError> {
    let engine = sandbox()?;
    let builtin = engine.builtin().map_err(|error| CommandError::Engine(chain(&error)))?;
    let mut loaded: Vec<(Option<&PackSource>, Pack)> = vec![(None, builtin)];
    let mut problems = vec![];
    let wanted = wanted(named, config.map(|config| &**config))?;
    let of_registry = wanted.iter().any(|wanted| matches!(wanted.pack.source, PackSource::Registry(_)));
    let lock = LockFile::read(config.filter(|_| of_registry).map(|config| &**config));
    let mut settings = BTreeMap::new();
    for Wanted { pack: PackArg { name, source }, digest, settings: of_pack, configured } in &wanted {
        let shown: Arc<str> = source.to_string().into();
        let taken = match source {
            PackSource::File(file) => {
                let loaded = engine.load_pinned(file, name.as_deref(), digest.as_deref());
                loaded.map_err(|error| Box::new(refused(Arc::clone(&shown), &error.fault, digest.as_deref())))
            }
            PackSource::Registry(reference) => {
                lock.load(&engine, reference, name.as_deref(), digest.as_deref(), *configured)
            }
        };
        let problem = match taken {
            Ok(pack) => match loaded.iter().find(|(_, other)| other.name() == pack.name()) {
                None => {
                    settings.insert(pack.name().to_owned(), of_pack.clone());
                    loaded.push((Some(source), pack));
                    continue;
                }
                Some((other, _)) => {
                    let name = pack.name().into();
                    match other {
                        Some(other) => PackProblem::Taken { file: shown, name, other: other.to_string().into() },
                        None => PackProblem::BuiltIn { file: shown, name },
                    }
                }
            },
            Err(problem) => *problem,
        };
        problems.push(Problem::new(problem, None));
    }
    let packs = loaded.into_iter().map(|(_, pack)| pack).collect();
    Ok(Packs { engine, packs, problems, config: config.cloned(), settings })
}

/// The lock file of a run.
struct LockFile {
    file: Arc<str>,
    /// None: there is none.
    lock: Result<Option<Lock>, String>,
}

impl LockFile {
    fn read(config: Option<&Config>) -> Self {
        let Some(config) = config else { return Self { file: "".into(), lock: Ok(None) } };
        let file = Lock::file(config);
        Self { lock: Lock::read(&file), file: file.display().to_string().into() }
    }

    /// Loads a pack of a registry: the one that is locked, if one is.
    fn load(
        &self,
        engine: &Engine,
        reference: &Reference,
        name: Option<&str>,
        pinned: Option<&str>,
        configured: bool,
    ) -> Result<Pack, Box<PackProblem>> {
        let shown: Arc<str> = format!("{SCHEME}{reference}").into();
        let file = || Arc::clone(&self.file);
        let lock = match &self.lock {
            Ok(lock) => lock.as_ref(),
            Err(why) => return Err(Box::new(PackProblem::NoLock { file: file(), why: why.as_str().into() })),
        };
        let locked = lock.and_then(|lock| lock.of(reference));
        if lock.is_some() && locked.is_none() && configured {
            return Err(Box::new(PackProblem::NotLocked { reference: shown, file: file() }));
        }
        let wanted = locked.map_or_else(|| reference.clone(), |locked| reference.at(&locked.digest));
        let fetched = fetch(&wanted, engine.limits().component)
            .map_err(|why| Box::new(PackProblem::NotPulled { reference: Arc::clone(&shown), why: why.into() }))?;
        let pack = engine.load_bytes_pinned(&shown, &fetched.component, name, pinned);
        let pack = pack.map_err(|PackError { fault, .. }| Box::new(refused(Arc::clone(&shown), &fault, pinned)))?;
        if let Some(locked) = locked {
            let reads = pack_lock::reads(&pack);
            let more: Vec<&str> = reads.difference(&locked.reads).map(String::as_str).collect();
            if !more.is_empty() {
                let kinds = more.join(", ").into();
                return Err(Box::new(PackProblem::ReadsMore { reference: shown, kinds, file: file() }));
            }
        }
        Ok(pack)
    }
}

/// Why a pack was refused.
fn refused(file: Arc<str>, fault: &PackFault, pinned: Option<&str>) -> PackProblem {
    match fault {
        PackFault::OtherDigest { digest } => {
            PackProblem::OtherDigest { file, digest: digest.as_str().into(), pinned: pinned.unwrap_or_default().into() }
        }
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
                return Err(self.unknown_rule(id));
            }
        }
        for area in &args.area {
            if !all().any(|(_, rule)| rule.area == *area) {
                let mut areas: Vec<&str> = all().map(|(_, rule)| rule.area.as_str()).collect();
                areas.sort_unstable();
                areas.dedup();
                let near = nearest(area, areas.iter().copied());
                return Err(self.missing(match near {
                    Some(near) => format!("no rule is of the area {area}, did you mean {near}?"),
                    None => format!("no rule is of the area {area}: there are {}", areas.join(", ")),
                }));
            }
        }
        let configured = Configured::new(self)?;
        let mut chosen: Vec<Selected<'_>> = all()
            .filter(|(_, rule)| {
                if args.rule.is_empty() {
                    configured.enabled(rule)
                } else {
                    args.rule.iter().any(|id| rule.is_meant_by(id))
                }
            })
            .filter(|(_, rule)| args.area.is_empty() || args.area.contains(&rule.area))
            .map(|(pack, rule)| configured.selected(pack, rule))
            .collect::<Result<_, _>>()?;
        for assignment in &args.set {
            self.set(assignment, &mut chosen)?;
        }
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

    /// Sets a setting of the rules that are meant; of those that do not run it is only looked at.
    fn set(&self, assignment: &Assignment, chosen: &mut [Selected<'_>]) -> Result<(), CommandError> {
        let Assignment { of, name, value } = assignment;
        let all = || self.packs.iter().flat_map(|pack| pack.rules().iter().map(move |rule| (pack, rule)));
        let of_pack = all().any(|(_, rule)| rule.pack == *of);
        let has = |rule: &RuleInfo| rule.settings.iter().any(|(known, ..)| known == name);
        let meant = |rule: &RuleInfo| if of_pack { rule.pack == *of && has(rule) } else { rule.is_meant_by(of) };
        let mut found = false;
        for (pack, rule) in all().filter(|(_, rule)| meant(rule)) {
            found = true;
            let value = typed(rule, name, value);
            let running = chosen.iter_mut().filter(|chosen| std::ptr::eq(chosen.rule, rule));
            let set = running.map(|running| running.set(name, value.clone())).collect::<Result<Vec<()>, _>>();
            set.and_then(|_| Selected::new(pack, rule).set(name, value))
                .map_err(|error| CommandError::Usage(error.to_string()))?;
        }
        match found {
            true => Ok(()),
            false if of_pack => Err(CommandError::Usage(format!("no rule of pack {of} has a setting {name}"))),
            false => Err(self.unknown_rule(of)),
        }
    }

    /// The error for a rule that no pack has.
    fn unknown_rule(&self, id: &str) -> CommandError {
        let all = || self.packs.iter().flat_map(|pack| pack.rules());
        if self.problems.is_empty() && all().any(|rule| rule.area == id) {
            return CommandError::Usage(format!(
                "there is no rule {id}, but an area: `kubectl karpcheck rules --area {id}` lists its rules"
            ));
        }
        if let Some((pack, _)) = id.rsplit_once('/')
            && self.problems.is_empty()
            && !all().any(|rule| rule.pack == pack)
        {
            return CommandError::Usage(format!("there is no pack {pack}: --pack FILE loads it"));
        }
        self.missing(unknown_rule(id, all().map(|rule| rule.id.as_str())))
    }

    /// The error for what no pack has; where one was refused it may be that pack's, and why it was is all that helps.
    fn missing(&self, what: String) -> CommandError {
        match &*self.problems {
            [] => CommandError::Usage(what),
            problems => {
                let why: Vec<String> = problems.iter().map(ToString::to_string).collect();
                CommandError::PackRefused(why.join("; "))
            }
        }
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
            [] => Err(self.unknown_rule(id)),
            several => {
                let names: Vec<String> = several.iter().map(|rule| format!("{}/{}", rule.pack, rule.id)).collect();
                Err(CommandError::Usage(format!("several packs have a rule {id}: name one of {}", names.join(", "))))
            }
        }
    }
}

/// What the configuration says of rules.
struct Configured<'a> {
    config: Option<&'a Config>,
    /// See [`Packs::settings`].
    settings: &'a BTreeMap<String, BTreeMap<String, serde_json::Value>>,
}

impl<'a> Configured<'a> {
    /// Of rules that there are.
    ///
    /// # Errors
    /// The configuration speaks of a rule that no pack has.
    fn new(packs: &'a Packs) -> Result<Self, CommandError> {
        let config = packs.config.as_deref();
        let all = || packs.packs.iter().flat_map(|pack| pack.rules());
        for (config, id) in config.iter().flat_map(|config| config.settings.rules.keys().map(move |id| (config, id))) {
            // A rule of a pack that is not of this run is settled for those that have it.
            let of_others =
                id.rsplit_once('/').is_some_and(|(name, _)| !packs.packs.iter().any(|pack| pack.name() == name));
            if !of_others && !all().any(|rule| rule.is_meant_by(id)) {
                let place = config.place(&format!("rules/{id}"));
                let unknown = unknown_rule(id, all().map(|rule| rule.id.as_str()));
                return Err(CommandError::Usage(format!("{place}: {unknown}")));
            }
        }
        for (config, (name, own)) in
            config.iter().flat_map(|config| packs.settings.iter().map(move |own| (config, own)))
        {
            // Those of a folder have one table, in which each finds its own.
            let alike = packs.packs.iter().filter(|pack| packs.settings.get(pack.name()) == Some(own));
            let all = alike.flat_map(Pack::rules).flat_map(|rule| &rule.settings);
            let known: BTreeSet<&str> = all.map(|(known, ..)| known.as_str()).collect();
            if let Some(unknown) = own.keys().find(|setting| !known.contains(setting.as_str())) {
                let has = match known.into_iter().collect::<Vec<_>>().as_slice() {
                    [] => "it has none".to_owned(),
                    known => format!("it has {}", known.join(", ")),
                };
                let at = config.settings.packs.iter().position(|pack| pack.settings == *own).unwrap_or_default();
                let place = config.place(&format!("packs/{at}/settings/{unknown}"));
                return Err(CommandError::Usage(format!("{place}: pack {name} has no setting {unknown}; {has}")));
            }
        }
        Ok(Self { config, settings: &packs.settings })
    }

    /// What it says of a rule, with the path of the entry. A name with the pack before it counts before one without.
    fn of(&self, rule: &RuleInfo) -> Option<(String, &'a RuleSettings)> {
        let rules = &self.config?.settings.rules;
        let named = [format!("{}/{}", rule.pack, rule.id), rule.id.clone()];
        named.into_iter().find_map(|name| rules.get(&name).map(|settings| (format!("rules/{name}"), settings)))
    }

    fn enabled(&self, rule: &RuleInfo) -> bool {
        self.of(rule).and_then(|(_, settings)| settings.enabled).unwrap_or(rule.enabled)
    }

    /// A rule with what is configured of it.
    ///
    /// # Errors
    /// It has no such setting, or of another type.
    fn selected(&self, pack: &'a Pack, rule: &'a RuleInfo) -> Result<Selected<'a>, CommandError> {
        let mut selected = Selected::new(pack, rule);
        let Some(config) = self.config else { return Ok(selected) };
        let has = |name: &str| rule.settings.iter().any(|(own, ..)| own == name);
        for (name, value) in self.settings.get(pack.name()).into_iter().flatten().filter(|(name, _)| has(name)) {
            let set = selected.set(name, value.clone());
            set.map_err(|why| CommandError::Usage(format!("{}: {why}", config.file_shown())))?;
        }
        if let Some((path, settings)) = self.of(rule) {
            for (name, value) in &settings.settings {
                let place = || config.place(&format!("{path}/settings/{name}"));
                selected.set(name, value.clone()).map_err(|why| CommandError::Usage(format!("{}: {why}", place())))?;
            }
            selected.severity = settings.severity.as_deref().and_then(Severity::parse);
        }
        Ok(selected)
    }
}

/// A value as its setting's default has it. One that is not of that type stays a text, which the setting then refuses.
pub fn typed(rule: &RuleInfo, name: &str, value: &str) -> serde_json::Value {
    let default = rule.settings.iter().find(|(known, ..)| known == name).map(|(_, _, default)| default);
    match default {
        None | Some(serde_json::Value::String(_) | serde_json::Value::Null) => value.into(),
        Some(_) => serde_json::from_str(value).unwrap_or_else(|_| value.into()),
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
    let Ok(packs) = load(&[], None) else { return vec![] };
    let rules = packs.packs.iter().flat_map(|pack| pack.rules());
    rules
        .map(|rule| {
            let (value, help) = candidate(rule);
            CompletionCandidate::new(value).help((!help.is_empty()).then(|| help.into()))
        })
        .collect()
}

/// The message for a rule that does not exist, with the id that is most like it.
pub fn unknown_rule<'a>(id: &str, known: impl Iterator<Item = &'a str>) -> String {
    let near = nearest(id, known).map(|known| format!(", did you mean {known}?"));
    format!("there is no rule {id}{}", near.unwrap_or_else(|| ": `kubectl karpcheck rules` lists them".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_given_by_its_rule() {
        let read = |text: &str| assignment(text).map(|Assignment { of, name, value }| [of, name, value].join(" "));
        assert_eq!(read("platform/no-team.label=a.b=c"), Ok("platform/no-team label a.b=c".into()));
        assert_eq!(read("queue-old.days="), Ok("queue-old days ".into()));
        assert!(read("label=x").is_err() && read("queue-old.days").is_err());
    }

    #[test]
    fn a_pack_may_be_given_a_name() {
        let read = |text: &str| {
            let PackArg { name, source } = pack_arg(OsStr::new(text)).unwrap_or_else(|why| panic!("{text}: {why}"));
            (name, source.to_string())
        };
        assert_eq!(read("rules.wasm"), (None, "rules.wasm".into()));
        assert_eq!(read("next=rules.wasm"), (Some("next".into()), "rules.wasm".into()));
        assert_eq!(read("./a=b.wasm"), (None, "./a=b.wasm".into()));
        assert_eq!(read("A=b.wasm"), (None, "A=b.wasm".into()));
        assert_eq!(read("next=oci://ghcr.io/a/b:1"), (Some("next".into()), "oci://ghcr.io/a/b:1".into()));
        assert!(pack_arg(OsStr::new("oci://ghcr.io/a/b")).is_err());
    }
}
