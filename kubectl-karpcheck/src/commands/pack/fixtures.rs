//! A pack's fixtures: files, what a rule is to say of them, and what it says.
//!
//! `fixtures/RULE/{pass,fail,unknown}/CASE` is a file or a folder. Beside it, `CASE.expected` holds what the rule says, and
//! `CASE.args` flags, one a line; of a file the ending is left out.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::commands::pack::{PackError, at};
use crate::commands::shared::rule_selection::{gather_scope, typed};
use crate::engine::{Engine, Pack, Selected, run_rules};
use crate::findings::finding::{CheckResults, Outcome};
use crate::inventory::{At, Builder, Inventory, Problem, Stated};
use crate::{karpenter, sources};

/// What the rule is to say, by the folder that a case is in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Claim {
    Pass,
    Fail,
    Unknown,
}

impl Claim {
    const ALL: [Self; 3] = [Self::Fail, Self::Pass, Self::Unknown];

    pub(super) const fn folder(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Unknown => "unknown",
        }
    }
}

/// One case.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) rule: String,
    pub(super) claim: Claim,
    /// The file or folder.
    pub(super) input: PathBuf,
}

impl Case {
    /// `RULE/fail/CASE.yaml`.
    pub(super) fn name(&self) -> String {
        let file = self.input.file_name().unwrap_or_default().to_string_lossy();
        format!("{}/{}/{file}", self.rule, self.claim.folder())
    }

    /// The file beside the case, with this ending.
    pub(super) fn beside(&self, ending: &str) -> PathBuf {
        if self.input.is_dir() {
            let mut name = self.input.file_name().unwrap_or_default().to_owned();
            name.push(".");
            name.push(ending);
            self.input.with_file_name(name)
        } else {
            self.input.with_extension(ending)
        }
    }
}

/// The cases below a folder, in a fixed order.
///
/// # Errors
/// The folder cannot be read, or holds a folder that is none of `pass`, `fail` and `unknown`.
pub(super) fn cases(folder: &Path) -> Result<Vec<Case>, PackError> {
    let mut cases = vec![];
    for rule in entries(folder)?.into_iter().filter(|path| path.is_dir()) {
        for claimed in entries(&rule)? {
            let claim = Claim::ALL.into_iter().find(|claim| claimed.file_name() == Some(OsStr::new(claim.folder())));
            let Some(claim) = claim.filter(|_| claimed.is_dir()) else {
                return Err(PackError::NoClaim { path: claimed });
            };
            let ours = |path: &PathBuf| {
                path.is_file() && path.extension().is_some_and(|end| end == "expected" || end == "args")
            };
            let rule = rule.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let inputs = entries(&claimed)?.into_iter().filter(|path| !ours(path));
            cases.extend(inputs.map(|input| Case { rule: rule.clone(), claim, input }));
        }
    }
    Ok(cases)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, PackError> {
    let read = fs::read_dir(folder).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect());
    let mut entries: Vec<PathBuf> = match read {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Err(PackError::NoFixtures { folder: folder.to_owned() });
        }
        Err(error) => return Err(at(folder)(error)),
    };
    entries.retain(|path| !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.')));
    entries.sort();
    Ok(entries)
}

/// What a rule said of a case.
#[derive(Clone, Default, Debug)]
pub(super) struct Judged {
    /// Line by line, as the file beside the case holds it.
    pub(super) said: String,
    /// Why it is not what the folder claims.
    pub(super) wrong: Option<String>,
    /// What the rule logged.
    pub(super) log: Vec<String>,
    pub(super) subjects: u32,
    pub(super) fuel: u64,
    pub(super) work: u64,
}

/// Judges a case by its rule.
///
/// # Errors
/// The pack has no such rule, or the case's flags are not understood.
pub(super) fn judge(engine: &Engine, pack: &Pack, case: &Case) -> Result<Judged, PackError> {
    let rule = pack.rules().iter().find(|rule| rule.id == case.rule);
    let rule = rule.ok_or_else(|| PackError::NoRule { rule: case.rule.clone(), case: case.input.clone() })?;
    let mut selected = Selected::new(pack, rule);
    let mut stated = Stated::default();
    let args = case.beside("args");
    let flags = match fs::read_to_string(&args) {
        Ok(flags) => flags,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(at(&args)(error)),
    };
    for line in flags.lines().map(str::trim).filter(|line| !line.is_empty()) {
        flag(line, &mut stated, &mut selected).map_err(|why| PackError::Flag { file: args.clone(), why })?;
    }
    let scope = gather_scope(std::slice::from_ref(&selected));
    let mut builder = Builder::new(stated);
    let paths = [case.input.clone()];
    let named = sources::Named {
        paths: &paths,
        exclude: &[],
        exclude_beside: None,
        kustomizations: &[],
        holding: &[],
        allow_unread: false,
    };
    sources::files(named, &scope, &mut builder, &mut io::empty());
    let inventory = Arc::new(karpenter::inventory(builder));
    let results = run_rules(engine, std::slice::from_ref(&selected), &inventory);
    Ok(told(&inventory, &results, case.claim))
}

/// Reads a flag of a case: a fact, or a setting of its rule.
fn flag(line: &str, stated: &mut Stated, selected: &mut Selected<'_>) -> Result<(), String> {
    let (flag, value) = line.split_once([' ', '=']).ok_or_else(|| format!("{line:?} has no value"))?;
    let fact = match flag {
        "--set" => {
            let (name, value) = value.split_once('=').ok_or("a setting is given as --set NAME=VALUE")?;
            let value = typed(selected.rule, name, value);
            return selected.set(name, value).map_err(|error| error.to_string());
        }
        "--karpenter-version" => &mut stated.karpenter_version,
        "--chart-version" => &mut stated.chart_version,
        "--cluster-name" => &mut stated.cluster_name,
        "--account" => &mut stated.account,
        "--region" => &mut stated.region,
        "--partition" => &mut stated.partition,
        _ => return Err(format!("no fact or setting is stated by {flag}")),
    };
    *fact = Some(value.to_owned());
    Ok(())
}

/// A place of a file, as compilers write it, to stand before a message.
fn place(inventory: &Inventory, at: At) -> String {
    let origin = &inventory.document(at.doc).origin;
    if at.line == 0 { format!("{origin}: ") } else { format!("{origin}:{}:{}: ", at.line, at.column) }
}

fn told(inventory: &Inventory, results: &CheckResults, claim: Claim) -> Judged {
    let mut lines: Vec<String> = vec![];
    for finding in &results.findings {
        let subject = inventory.item(finding.subject);
        let subject = subject.map_or_else(String::new, |item| format!("{} {}", item.kind, item.name));
        let pointer = if finding.pointer.is_empty() { "-" } else { &finding.pointer };
        let (outcome, severity) = (finding.outcome.as_str(), finding.severity.as_str());
        lines.push(format!("{outcome} {severity} {subject} {pointer}: {}", finding.sentence()));
    }
    let count = |of: fn(&crate::findings::finding::Coverage) -> u32| results.coverage.iter().map(of).sum::<u32>();
    let passed = count(|coverage| coverage.passed);
    if passed > 0 {
        lines.push(format!("pass {passed}"));
    }
    let unread: Vec<&Problem> = inventory.problems().iter().filter(|problem| problem.is_incomplete()).collect();
    let faults = results.faults.iter().map(ToString::to_string);
    // What is expected is the same wherever the project is; what is shown says where to look.
    lines.extend(faults.clone().chain(unread.iter().map(ToString::to_string)).map(|broken| format!("error {broken}")));
    let placed =
        |problem: &&Problem| problem.at.map_or_else(String::new, |at| place(inventory, at)) + &problem.to_string();
    let broken: Vec<String> = faults.chain(unread.iter().map(placed)).collect();
    let has = |outcome| results.findings.iter().any(|finding| finding.outcome == outcome);
    let wrong = if !broken.is_empty() {
        Some(broken.join("\n"))
    } else {
        match claim {
            _ if results.costs.is_empty() => Some("nothing in it is a subject of the rule".to_owned()),
            Claim::Fail if !has(Outcome::Fail) => Some("the rule finds nothing wrong".to_owned()),
            Claim::Pass if has(Outcome::Fail) => Some("the rule finds something wrong".to_owned()),
            Claim::Pass if has(Outcome::Unknown) => Some("the rule does not know".to_owned()),
            Claim::Pass if passed == 0 => Some("the rule skips it".to_owned()),
            Claim::Unknown if has(Outcome::Fail) => Some("the rule finds something wrong".to_owned()),
            Claim::Unknown if !has(Outcome::Unknown) => Some("the rule finds nothing unknown".to_owned()),
            _ => None,
        }
    };
    Judged {
        said: lines.iter().map(|line| format!("{line}\n")).collect(),
        wrong,
        log: results.log.iter().map(|(_, line)| line.clone()).collect(),
        subjects: results.costs.iter().map(|cost| cost.subjects).sum(),
        fuel: results.costs.iter().map(|cost| cost.fuel).sum(),
        work: results.costs.iter().map(|cost| cost.work).sum(),
    }
}
