//! Files to a judgement, as `check` does it, for one rule and without a process.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use kubectl_karpcheck::engine;
use kubectl_karpcheck::engine::{Engine, Limits, Pack, Selected};
use kubectl_karpcheck::findings::finding::{CheckResults, Finding, RuleInfo};
use kubectl_karpcheck::inventory::{At, Builder, Cause, Inventory, Origin, Stated};
use kubectl_karpcheck::karpenter;
use kubectl_karpcheck::schema::kinds::GatherScope;
use kubectl_karpcheck::sources;

/// The engine and the pack that the program carries.
pub(crate) struct Harness {
    pub(crate) engine: Engine,
    pub(crate) builtin: Pack,
}

/// The one that all tests share.
pub(crate) fn harness() -> &'static Harness {
    static HARNESS: OnceLock<Harness> = OnceLock::new();
    HARNESS.get_or_init(|| {
        let engine = Engine::new(Limits::default(), None).unwrap();
        let builtin = engine.builtin().unwrap();
        Harness { engine, builtin }
    })
}

/// The top level.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A folder of fixtures.
pub(crate) struct Case {
    /// The rule's id.
    pub(crate) rule: String,
    /// `fail-…`, `pass-…` or `unknown-…`.
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
}

impl Case {
    /// The input, in the order of its names.
    pub(crate) fn input(&self) -> Vec<PathBuf> {
        const OURS: &[&str] = &["args", "expected", "ORIGIN"];
        let named =
            |path: &PathBuf| path.file_name().and_then(|name| name.to_str()).is_some_and(|name| OURS.contains(&name));
        entries(&self.folder).into_iter().filter(|path| !named(path)).collect()
    }

    /// What its `args` state.
    pub(crate) fn stated(&self) -> Stated {
        let mut stated = Stated::default();
        for line in fs::read_to_string(self.folder.join("args")).unwrap_or_default().lines() {
            let (flag, value) = line.split_once(' ').unwrap_or_else(|| panic!("{}: {line}", self.folder.display()));
            let field = match flag {
                "--karpenter-version" => &mut stated.karpenter_version,
                "--cluster-name" => &mut stated.cluster_name,
                "--account" => &mut stated.account,
                "--region" => &mut stated.region,
                "--partition" => &mut stated.partition,
                _ => panic!("{}: no fact is stated by {flag}", self.folder.display()),
            };
            *field = Some(value.into());
        }
        stated
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries
}

/// All of them, in a fixed order.
pub(crate) fn cases() -> Vec<Case> {
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let rules = entries(&root().join("tests/fixtures/rules"));
    let all = rules.iter().flat_map(|rule| {
        let cases = entries(rule).into_iter();
        cases.map(|folder| Case { rule: name(rule), name: name(&folder), folder })
    });
    all.collect()
}

/// What a rule said of an inventory.
pub(crate) struct CaseResults {
    pub(crate) inventory: Arc<Inventory>,
    pub(crate) results: CheckResults,
    /// What file names are to be told without.
    prefix: String,
}

impl Harness {
    /// Judges a case by the rule that it belongs to.
    pub(crate) fn judge(&self, pack: &Pack, case: &Case) -> CaseResults {
        self.files(pack, rule(pack, &case.rule), &case.input(), case.stated(), &case.folder)
    }

    /// Judges files by a rule. What cannot be read ends the test.
    pub(crate) fn files(
        &self,
        pack: &Pack,
        rule: &RuleInfo,
        files: &[PathBuf],
        stated: Stated,
        folder: &Path,
    ) -> CaseResults {
        self.files_by(pack, &[rule], files, stated, folder)
    }

    /// Judges files by several rules.
    pub(crate) fn files_by(
        &self,
        pack: &Pack,
        rules: &[&RuleInfo],
        files: &[PathBuf],
        stated: Stated,
        folder: &Path,
    ) -> CaseResults {
        let needed = rules.iter().flat_map(|rule| rule.subjects.iter().chain(&rule.reads));
        let sharpens = rules.iter().flat_map(|rule| &rule.reads_if_allowed);
        let plan = GatherScope::new(
            needed.map(|kind| (kind.as_str(), false)).chain(sharpens.map(|kind| (kind.as_str(), true))),
        );
        let mut builder = Builder::new(stated);
        sources::files(
            sources::Named { paths: files, ..sources::Named::default() },
            &plan,
            &mut builder,
            &mut std::io::empty(),
        );
        let mut judged = self.inventory_by(pack, rules, karpenter::inventory(builder));
        judged.prefix = format!("{}/", folder.display());
        let unread: Vec<String> = judged
            .inventory
            .problems()
            .iter()
            // That AWS refused something is what such a case is about.
            .filter(|problem| problem.is_incomplete())
            .filter(|problem| problem.reasons.iter().all(|reason| reason.cause != Cause::Refused))
            .map(|problem| problem.to_string())
            .collect();
        assert!(unread.is_empty(), "{}: {unread:?}", folder.display());
        judged
    }

    /// Judges an inventory by a rule.
    pub(crate) fn inventory(&self, pack: &Pack, rule: &RuleInfo, inventory: Inventory) -> CaseResults {
        self.inventory_by(pack, &[rule], inventory)
    }

    fn inventory_by(&self, pack: &Pack, rules: &[&RuleInfo], inventory: Inventory) -> CaseResults {
        let inventory = Arc::new(inventory);
        let selected: Vec<Selected<'_>> = rules.iter().map(|rule| Selected::new(pack, rule)).collect();
        let results = engine::run_rules(&self.engine, &selected, &inventory);
        assert!(results.faults.is_empty(), "{:?}", results.faults);
        CaseResults { inventory, results, prefix: String::new() }
    }
}

/// A pack's rule by its id.
pub(crate) fn rule<'a>(pack: &'a Pack, id: &str) -> &'a RuleInfo {
    pack.rules().iter().find(|rule| rule.id == id).unwrap_or_else(|| panic!("there is no rule {id}"))
}

impl CaseResults {
    /// `outcome severity kind name place pointer message` for each finding, and how many subjects passed, if any did.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.results.findings.iter().map(|finding| self.line(finding)).collect();
        let passed: u32 = self.results.coverage.iter().map(|coverage| coverage.passed).sum();
        if passed > 0 {
            lines.push(format!("passed {passed}"));
        }
        lines
    }

    fn line(&self, finding: &Finding) -> String {
        let item = self.inventory.item(finding.subject).unwrap();
        let place =
            self.inventory.place(finding.subject, &finding.pointer).map_or_else(|| "-".into(), |at| self.place(at));
        let pointer = if finding.pointer.is_empty() { "-" } else { &finding.pointer };
        let (outcome, severity) = (finding.outcome.as_str(), finding.severity.as_str());
        let mut line =
            format!("{outcome} {severity} {} {} {place} {pointer} {}", item.kind, item.name, finding.sentence());
        if let Some(reason) = &finding.reason {
            write!(line, " [{}: {}]", reason.cause.as_str(), reason).unwrap();
        }
        line
    }

    fn place(&self, at: At) -> String {
        match &self.inventory.document(at.doc).origin {
            Origin::File(path) => {
                let path = path.strip_prefix(&*self.prefix).unwrap_or(path);
                format!("{path}:{}", at.line)
            }
            Origin::Flag(flag) => (*flag).to_owned(),
            Origin::Setting(path) => format!("{path}:{}", at.line),
            Origin::Live(live) => format!("{}/{}", live.kind, live.name),
            Origin::Aws(aws) => aws.command.to_string(),
        }
    }
}
