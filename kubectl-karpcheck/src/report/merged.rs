//! Reports in JSON that are read again and put together: their sums are kept, and what they say is handed on word for word, one
//! report at a time, so that the memory of a merge does not grow with the findings.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use serde::ser::{Error as _, SerializeSeq as _};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Value, json};

use crate::findings::finding::{Outcome, Severity};
use crate::inventory::ProblemClass;
use crate::inventory::problem::{FlagProblem, MissingParts};
use crate::report::json::{SCHEMA, Summary};
use crate::report::matrix::Cell;
use crate::report::{Run, Shard, encoding, json as report_json};

/// A report, as it was read.
#[derive(Debug, Deserialize)]
#[serde(default)]
#[derive(Default)]
pub struct Document {
    schema: String,
    run: About,
    summary: Summary,
    scopes: BTreeMap<String, BTreeMap<String, Cell>>,
    /// What was found, each with its scopes.
    pub findings: Vec<Value>,
    /// What is accepted.
    pub suppressed: Vec<Value>,
    coverage: Vec<Coverage>,
    /// What could not be read.
    pub problems: Vec<Value>,
    /// What it carries for those rules that look across clusters.
    pub facts: Vec<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct About {
    tool: Value,
    packs: Vec<Value>,
    contexts: Vec<String>,
    at: String,
    shard: Option<Shard>,
    /// Of a merged report, the parts that it was made of.
    shards: Vec<Shard>,
}

/// What a rule covered, in all reports.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Coverage {
    /// The rule.
    pub rule: String,
    /// Subjects that were found well.
    pub passed: usize,
    /// Subjects with a fail.
    pub failed: usize,
    /// Subjects that could not be judged.
    pub unknown: usize,
    /// Why it did not judge all, in the first report that says so.
    pub skipped: Option<String>,
}

/// How bad findings are, as the place in which a report has them: the worst first, and fails before what is undecided.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Rank(u8);

impl Rank {
    /// All of them, the worst first.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..6).map(Self)
    }

    fn new(outcome: &str, severity: &str) -> Self {
        let (outcome, severity) = judgement(outcome, severity);
        let severity = match severity {
            Severity::Error => 0,
            Severity::Warning => 1,
            Severity::Info => 2,
        };
        Self(2 * severity + u8::from(outcome != Outcome::Fail))
    }

    /// Of a finding in JSON.
    pub fn of(finding: &Value) -> Self {
        Self::new(text(finding, "outcome"), text(finding, "severity"))
    }
}

/// Outcome and severity, as a report names them.
pub(super) fn judgement(outcome: &str, severity: &str) -> (Outcome, Severity) {
    let outcome = if outcome == Outcome::Fail.as_str() { Outcome::Fail } else { Outcome::Unknown };
    (outcome, Severity::parse(severity).unwrap_or(Severity::Info))
}

/// A text of an object; empty where it has none.
fn text<'a>(object: &'a Value, name: &str) -> &'a str {
    object[name].as_str().unwrap_or_default()
}

impl Document {
    /// Reads a report.
    ///
    /// # Errors
    /// It is no JSON, or no report.
    pub fn read(text: &[u8]) -> Result<Self, String> {
        let value: Value = serde_json::from_slice(text).map_err(|error| format!("it is not JSON: {error}"))?;
        match self::text(&value, "schema") {
            // Before 1.0 its name said that it may change.
            SCHEMA | "karpcheck.report/v1alpha1" => {}
            other if other.starts_with("karpcheck.report/") => {
                return Err(format!("its format is {other}, and this version reads {SCHEMA}: update karpcheck"));
            }
            _ => return Err("it is not a karpcheck report: -o json writes one".into()),
        }
        let mut document: Self =
            serde_json::from_value(value).map_err(|error| format!("it cannot be read: {error}"))?;
        document.forget_missing_parts();
        // A report of one scope does not name it.
        let only = document.only_scope().to_owned();
        for finding in document.findings.iter_mut().filter(|finding| finding.is_object()) {
            if finding["scopes"].as_array().is_none_or(Vec::is_empty) {
                finding["scopes"] = json!([only]);
            }
        }
        Ok(document)
    }

    /// Which parts a merged report was not made of is a question anew where it is merged with others.
    fn forget_missing_parts(&mut self) {
        let missing_parts = FlagProblem::ReportPartsMissing { count: 0, missing: MissingParts::default() }.code();
        let before = self.problems.len();
        self.problems.retain(|problem| text(problem, "code") != missing_parts);
        if self.problems.len() < before {
            let unread = |problem: &Value| {
                ProblemClass::parse(text(problem, "class")).is_none_or(|class| class >= ProblemClass::Unread)
            };
            // As a report is complete by itself.
            let missed = |finding: &Value| match text(finding, "cause") {
                "failed" => true,
                "refused" => Severity::parse(text(finding, "severity")) != Some(Severity::Info),
                _ => false,
            };
            self.summary.complete = !self.problems.iter().any(unread) && !self.findings.iter().any(missed);
        }
    }

    /// The parts of a check with `--shard` that it is the report of.
    pub fn shards(&self) -> impl Iterator<Item = Shard> {
        self.run.shard.iter().chain(&self.run.shards).copied()
    }

    /// No report, but problems beside those of reports.
    pub fn of_problems(problems: Vec<Value>) -> Self {
        Self { problems, ..Self::default() }
    }

    /// All that it judged, for comparison with another report: a digest of what was found and covered.
    pub fn judgements(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut digest = DefaultHasher::new();
        self.run.contexts.hash(&mut digest);
        for finding in self.findings.iter().chain(&self.suppressed) {
            ["fingerprint", "outcome", "severity", "message"].map(|field| text(finding, field)).hash(&mut digest);
        }
        for Coverage { rule, passed, failed, unknown, .. } in &self.coverage {
            (rule, passed, failed, unknown).hash(&mut digest);
        }
        digest.finish()
    }

    /// Was it read, so that its sums count?
    const fn is_report(&self) -> bool {
        !self.schema.is_empty()
    }

    /// Is it about clusters that were asked?
    pub fn is_of_clusters(&self) -> bool {
        !self.run.contexts.is_empty()
    }

    fn only_scope(&self) -> &str {
        self.run.contexts.first().map_or("files", String::as_str)
    }
}

/// What all reports say together.
#[derive(Debug, Default)]
pub struct Totals {
    tool: Value,
    packs: Vec<Value>,
    /// The contexts of all clusters.
    pub contexts: Vec<String>,
    /// The latest time of any.
    pub at: String,
    incomplete: bool,
    /// Could the job of any not be done whole?
    not_done: bool,
    /// How many items their inventories have.
    pub items: usize,
    suppressed: usize,
    /// The parts of checks with `--shard` that there are reports of.
    shards: BTreeSet<Shard>,
    /// All findings.
    all: Cell,
    scopes: BTreeMap<String, BTreeMap<String, Cell>>,
    coverage: BTreeMap<String, Coverage>,
}

impl Totals {
    /// Adds a report, but for the rules that judge anew. `area` is that of a rule, where it is known.
    pub fn add(&mut self, report: &Document, is_anew: &dyn Fn(&str) -> bool, area: &dyn Fn(&str) -> Option<String>) {
        let run = &report.run;
        if self.tool.is_null() {
            self.tool.clone_from(&run.tool);
        }
        for pack in &run.packs {
            if !self.packs.contains(pack) {
                self.packs.push(pack.clone());
            }
        }
        self.contexts.extend(run.contexts.iter().cloned());
        if self.at < run.at {
            self.at.clone_from(&run.at);
        }
        self.incomplete |= report.is_report() && !report.summary.complete;
        let classes = report.problems.iter().filter_map(|problem| ProblemClass::parse(text(problem, "class")));
        let worst = classes.max();
        self.incomplete |= worst >= Some(ProblemClass::Unread);
        self.not_done |= worst == Some(ProblemClass::Fatal);
        self.items += report.summary.items;
        self.suppressed += report.suppressed.len();
        for finding in report.findings.iter().filter(|finding| !is_anew(text(finding, "rule"))) {
            self.count(finding);
        }
        for (scope, areas) in &report.scopes {
            for (area, cell) in areas {
                self.cell(scope, area).passed += cell.passed;
            }
        }
        for coverage in report.coverage.iter().filter(|coverage| !is_anew(&coverage.rule)) {
            let own = self.coverage.entry(coverage.rule.clone()).or_default();
            own.rule.clone_from(&coverage.rule);
            own.passed += coverage.passed;
            own.failed += coverage.failed;
            own.unknown += coverage.unknown;
            own.skipped = own.skipped.take().or_else(|| coverage.skipped.clone());
            if let (true, Some(area)) = (report.scopes.is_empty(), area(&coverage.rule)) {
                self.cell(report.only_scope(), &area).passed += coverage.passed;
            }
        }
    }

    /// Adds the parts that a report is of.
    pub fn add_shards(&mut self, report: &Document) {
        self.shards.extend(report.shards());
    }

    /// Of each number of parts, which of them no report was given of.
    pub fn missing_parts(&self) -> Vec<FlagProblem> {
        /// Parts that are named.
        const MOST: usize = 10;
        let counts: BTreeSet<usize> = self.shards.iter().map(|shard| shard.count).collect();
        let missing = counts.into_iter().map(|count| {
            let given = self.shards.range(Shard { count, index: 0 }..Shard { count, index: count }).count();
            let lacks = |index: &usize| !self.shards.contains(&Shard { count, index: *index });
            let first = (0..count).filter(lacks).take(MOST).collect();
            FlagProblem::ReportPartsMissing { count, missing: MissingParts { first, total: count - given } }
        });
        missing
            .filter(|problem| !matches!(problem, FlagProblem::ReportPartsMissing { missing, .. } if missing.total == 0))
            .collect()
    }

    /// Adds what the rules that look across clusters say.
    pub fn add_run(&mut self, run: &Run<'_>) {
        for finding in &run.results.findings {
            let (scopes, area) = (finding.scopes.iter().map(String::as_str), &finding.area);
            self.count_one(scopes, area, finding.outcome, finding.severity);
        }
        for coverage in &run.results.coverage {
            let own = Coverage {
                rule: coverage.rule.clone(),
                passed: coverage.passed as usize,
                failed: coverage.failed as usize,
                unknown: coverage.unknown as usize,
                skipped: coverage.shortfall(),
            };
            self.coverage.insert(coverage.rule.clone(), own);
        }
        self.incomplete |= !run.results.faults.is_empty();
        self.not_done |= !run.results.faults.is_empty();
    }

    fn count(&mut self, finding: &Value) {
        let scopes = finding["scopes"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let (outcome, severity) = judgement(text(finding, "outcome"), text(finding, "severity"));
        self.count_one(scopes, text(finding, "area"), outcome, severity);
    }

    fn count_one<'a>(
        &mut self,
        scopes: impl Iterator<Item = &'a str>,
        area: &str,
        outcome: Outcome,
        severity: Severity,
    ) {
        self.all.count(outcome, severity);
        for scope in scopes {
            self.cell(scope, area).count(outcome, severity);
        }
    }

    fn cell(&mut self, scope: &str, area: &str) -> &mut Cell {
        self.scopes.entry(scope.to_owned()).or_default().entry(area.to_owned()).or_default()
    }

    /// Is every report complete?
    pub const fn complete(&self) -> bool {
        !self.incomplete
    }

    /// Could a part not do its job whole, or did a rule that looks across clusters crash?
    pub const fn not_done(&self) -> bool {
        self.not_done
    }

    /// The worst that fails.
    pub const fn worst(&self) -> Option<Severity> {
        match self.all {
            Cell { error: 1.., .. } => Some(Severity::Error),
            Cell { warning: 1.., .. } => Some(Severity::Warning),
            Cell { info: 1.., .. } => Some(Severity::Info),
            Cell { .. } => None,
        }
    }

    /// What each rule covered, by its name.
    pub fn coverage(&self) -> impl Iterator<Item = &Coverage> {
        self.coverage.values()
    }

    /// How many subjects were found well, by the name of their scope and the rule's area.
    pub fn passed(&self) -> BTreeMap<(String, String), u32> {
        let all = self.scopes.iter().flat_map(|(scope, areas)| {
            areas.iter().map(move |(area, cell)| {
                ((scope.clone(), area.clone()), u32::try_from(cell.passed).unwrap_or(u32::MAX))
            })
        });
        all.collect()
    }

    /// How many scopes there are in which anything was judged.
    pub fn scopes(&self) -> usize {
        self.scopes.len()
    }

    fn summary(&self) -> Summary {
        let Cell { error, warning, info, unknown, .. } = self.all;
        Summary {
            error,
            warning,
            info,
            unknown,
            suppressed: self.suppressed,
            passed: self.coverage.values().map(|one| one.passed).sum(),
            rules: self.coverage.len(),
            items: self.items,
            complete: self.complete(),
        }
    }
}

/// What a merged report takes from the reports that it is made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// Findings of one rank.
    Findings(Rank),
    /// What is accepted.
    Suppressed,
    /// What could not be read.
    Problems,
    /// What the next merge needs.
    Facts,
}

/// The reports, which are read as often as it takes.
pub trait Reports {
    /// Hands over the entries of a part, report by report.
    ///
    /// # Errors
    /// A report can no longer be read.
    fn each(&self, part: Part, take: &mut dyn FnMut(&Value)) -> io::Result<()>;
}

/// A merged report.
#[derive(Serialize)]
pub struct Merged<'a> {
    schema: &'static str,
    run: MergedRun<'a>,
    summary: Summary,
    #[serde(skip_serializing_if = "no_scopes")]
    scopes: &'a BTreeMap<String, BTreeMap<String, Cell>>,
    findings: Entries<'a>,
    suppressed: Entries<'a>,
    coverage: Vec<&'a Coverage>,
    problems: Entries<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    facts: Option<Entries<'a>>,
}

/// A report of one scope does not name it.
fn no_scopes(scopes: &BTreeMap<String, BTreeMap<String, Cell>>) -> bool {
    scopes.len() < 2
}

#[derive(Serialize)]
struct MergedRun<'a> {
    tool: &'a Value,
    packs: &'a [Value],
    contexts: &'a [String],
    assumed: BTreeMap<&'a str, &'a str>,
    config: Option<&'a str>,
    at: &'a str,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    shards: &'a BTreeSet<Shard>,
}

/// A list that is written while the reports are read.
struct Entries<'a> {
    parts: Vec<Part>,
    reports: &'a dyn Reports,
    /// What was found across clusters.
    across: Vec<report_json::Finding<'a>>,
}

impl Serialize for Entries<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        for part in &self.parts {
            for finding in &self.across {
                if *part == Part::Findings(Rank::new(finding.outcome, finding.severity)) {
                    list.serialize_element(finding)?;
                }
            }
            let mut written = Ok(());
            let read = self.reports.each(*part, &mut |entry| {
                if written.is_ok() {
                    written = list.serialize_element(entry);
                }
            });
            written?;
            read.map_err(S::Error::custom)?;
        }
        list.end()
    }
}

impl<'a> Merged<'a> {
    /// What reports come to: their sums, what was found across clusters, and what is read from them again as it is written.
    pub fn new(totals: &'a Totals, across: &'a Run<'a>, reports: &'a dyn Reports, has_facts: bool) -> Self {
        let entries = |parts| Entries { parts, reports, across: vec![] };
        Self {
            schema: SCHEMA,
            run: MergedRun {
                tool: &totals.tool,
                packs: &totals.packs,
                contexts: &totals.contexts,
                assumed: BTreeMap::new(),
                config: None,
                at: &totals.at,
                shards: &totals.shards,
            },
            summary: totals.summary(),
            scopes: &totals.scopes,
            findings: Entries {
                across: report_json::findings(across),
                ..entries(Rank::all().map(Part::Findings).collect())
            },
            suppressed: entries(vec![Part::Suppressed]),
            coverage: totals.coverage.values().collect(),
            problems: entries(vec![Part::Problems]),
            facts: has_facts.then(|| entries(vec![Part::Facts])),
        }
    }

    /// Writes the merged report as JSON.
    pub fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut out = io::BufWriter::new(out);
        encoding::json(self, &mut out)?;
        out.flush()
    }

    /// Writes the merged report as YAML, which is made as a whole before it is written.
    pub fn yaml(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut out = io::BufWriter::new(out);
        encoding::yaml(self, &mut out)?;
        out.flush()
    }
}

/// What was found across clusters, as a report in JSON has it.
pub fn findings_across(across: &Run<'_>) -> Vec<Value> {
    report_json::findings(across).iter().filter_map(|finding| serde_json::to_value(finding).ok()).collect()
}
