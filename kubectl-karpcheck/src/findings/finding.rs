//! Rules and their findings in the host's own types, independent of the contract's version and of any format.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::findings::fingerprint::Fingerprints;
use crate::findings::suppression::Suppression;
use crate::inventory::id::ItemId;
use crate::inventory::item::{ClusterId, Place, SourceKind};
use crate::inventory::reason::Reason;
use crate::inventory::{At, Inventory, Problem};

/// From good to know to bad, so that the worst is the greatest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Severity {
    /// Good to know.
    Info,
    /// A risk, or a failure that depends on something not seen.
    Warning,
    /// It fails, or will.
    Error,
}

impl Severity {
    /// Its name in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }

    /// By its name in reports.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Info, Self::Warning, Self::Error].into_iter().find(|severity| severity.as_str() == name)
    }
}

/// How sure a rule is, from least to most.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Confidence {
    /// It is inferred.
    Low,
    /// It follows from files that may not be what runs.
    Medium,
    /// It follows from what was read.
    High,
}

impl Confidence {
    /// Its name in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }

    /// By its name in reports.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Low, Self::Medium, Self::High].into_iter().find(|confidence| confidence.as_str() == name)
    }
}

/// Failed, or not decided.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Outcome {
    /// It could not be decided.
    Unknown,
    /// It is wrong.
    Fail,
}

impl Outcome {
    /// Its name in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Fail => "fail",
        }
    }
}

/// A change that mends a finding.
#[derive(Clone, PartialEq, Debug)]
pub struct Edit {
    /// The item.
    pub item: ItemId,
    /// RFC 6901; a last segment `-` appends.
    pub pointer: String,
    /// The new value; none removes the field.
    pub value: Option<serde_json::Value>,
}

/// A fail or unknown verdict as reported.
#[derive(Clone, PartialEq, Debug)]
pub struct Finding {
    /// The rule's id, with the pack's name before it where it is not built in.
    pub rule: String,
    /// The rule's area.
    pub area: String,
    /// The item that was judged.
    pub subject: ItemId,
    /// Where in the subject.
    pub pointer: String,
    /// Failed, or not decided.
    pub outcome: Outcome,
    /// How bad.
    pub severity: Severity,
    /// How sure.
    pub confidence: Confidence,
    /// Of an unknown outcome.
    pub reason: Option<Reason>,
    /// Where knowledge ended, of an unknown outcome.
    pub reason_at: Option<Place>,
    /// What is wrong, in one sentence. Empty where there is nothing to say beyond the reason.
    pub message: String,
    /// What to do about it. May be empty.
    pub remediation: String,
    /// Other places that explain it.
    pub related: Vec<Place>,
    /// Changes that mend it.
    pub edits: Vec<Edit>,
    /// What findings of one defect have in common; empty where their place says it.
    pub group: String,
    /// Facts for machines.
    pub properties: Vec<(String, String)>,
    /// What its edits would do; none if they were not tried.
    pub cure: Option<FixOutcome>,
    /// The finding of which this one is a consequence, by its number in the judgement.
    pub follows: Option<usize>,
    /// What it is called from run to run; see [`fingerprint`](crate::findings::fingerprint).
    pub fingerprint: String,
    /// The scopes that it was found in, by name: a module that several roots call is judged in each.
    pub scopes: Vec<String>,
}

impl Finding {
    /// Does it say nothing beyond its reason?
    pub fn is_plain(&self) -> bool {
        self.message.is_empty() && self.reason.is_some()
    }

    /// A fact for machines, by its name.
    pub fn property(&self, name: &str) -> Option<&str> {
        self.properties.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// What it says, in one sentence.
    pub fn sentence(&self) -> Cow<'_, str> {
        match &self.reason {
            Some(reason) if self.message.is_empty() => format!("could not be judged: {reason}").into(),
            _ => (&*self.message).into(),
        }
    }
}

/// A finding that is accepted.
#[derive(Clone, PartialEq, Debug)]
pub struct Suppressed {
    /// The finding.
    pub finding: Finding,
    /// What accepts it.
    pub by: Suppression,
}

/// What a finding's edits do when they are made in memory and all rules judge again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FixOutcome {
    /// The finding is gone, and nothing new came.
    Cleared,
    /// The finding is gone, and these came: a rule and its message each.
    Reveals(Vec<String>),
    /// The finding stays, with this message.
    NotEnough(String),
    /// The edits could not be made.
    NotTried(String),
}

/// What the pack that is built in calls itself.
pub const BUILTIN: &str = "builtin";

/// A rule, as its pack describes it.
#[derive(Clone, PartialEq, Debug)]
pub struct RuleInfo {
    /// The name of the pack that it comes from: `builtin`, `platform`.
    pub pack: String,
    /// Kebab-case.
    pub id: String,
    /// The group.
    pub area: String,
    /// The defect in one line.
    pub title: String,
    /// The page, in markdown.
    pub docs: String,
    /// The worst that it may report.
    pub severity: Severity,
    /// Does it run by default?
    pub enabled: bool,
    /// Kinds that it judges.
    pub subjects: Vec<String>,
    /// Further kinds that it looks at.
    pub reads: Vec<String>,
    /// Kinds that a careful owner may refuse.
    pub reads_if_allowed: Vec<String>,
    /// A version requirement, empty for any.
    pub karpenter: String,
    /// Name, docs and default of each setting.
    pub settings: Vec<(String, String, serde_json::Value)>,
    /// What later versions of the contract added: `follows`, see [`CheckResults::trace`], and `across`, see
    /// [`is_across_clusters`](Self::is_across_clusters).
    pub properties: Vec<(String, String)>,
}

impl RuleInfo {
    /// A rule of which nothing but its name is known.
    pub fn named(pack: &str, id: &str) -> Self {
        Self {
            pack: pack.to_owned(),
            id: id.to_owned(),
            area: String::new(),
            title: id.to_owned(),
            docs: String::new(),
            severity: Severity::Error,
            enabled: true,
            subjects: vec![],
            reads: vec![],
            reads_if_allowed: vec![],
            karpenter: String::new(),
            settings: vec![],
            properties: vec![],
        }
    }

    /// The rules whose findings explain those of this rule, the deepest cause first.
    pub fn follows(&self) -> impl Iterator<Item = &str> {
        self.properties.iter().filter(|(name, _)| name == "follows").flat_map(|(_, rules)| rules.split_whitespace())
    }

    /// Does it compare clusters, so that what it says of a part of a fleet is not what it says of the whole?
    pub fn is_across_clusters(&self) -> bool {
        self.properties.iter().any(|(name, what)| name == "across" && what == "clusters")
    }

    /// The name that it is reported under: its id, with its pack before it where it is not built in.
    pub fn label(&self) -> String {
        if self.pack == BUILTIN { self.id.clone() } else { format!("{}/{}", self.pack, self.id) }
    }

    /// Is it reported under this name?
    pub fn is_called(&self, name: &str) -> bool {
        match name.rsplit_once('/') {
            Some((pack, id)) => self.pack == pack && self.id == id,
            None => self.pack == BUILTIN && self.id == name,
        }
    }

    /// Does a user mean it by this name: its id alone, or with its pack before it?
    pub fn is_meant_by(&self, name: &str) -> bool {
        self.id == name || name.rsplit_once('/').is_some_and(|(pack, id)| self.pack == pack && self.id == id)
    }

    /// All kinds that the rule may see.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.subjects.iter().chain(&self.reads).chain(&self.reads_if_allowed).map(String::as_str)
    }
}

/// What a rule covered.
#[derive(Clone, PartialEq, Debug)]
pub struct Coverage {
    /// The rule's id.
    pub rule: String,
    /// Subjects that were judged and found well.
    pub passed: u32,
    /// Subjects with a fail.
    pub failed: u32,
    /// Subjects that could not be judged.
    pub unknown: u32,
    /// Why the rule did not run, or did not judge some subjects (made for other versions of Karpenter).
    pub skipped: Option<String>,
    /// Why there may be more subjects than were seen.
    pub unseen: Vec<Reason>,
}

impl Coverage {
    /// Why it is not whole, in one line.
    pub fn shortfall(&self) -> Option<String> {
        self.shortfall_with(Reason::to_string)
    }

    /// The same, where a reason may be told otherwise: by what stands above already.
    pub fn shortfall_with(&self, words: impl Fn(&Reason) -> String) -> Option<String> {
        let mut all: Vec<String> = self.skipped.iter().cloned().collect();
        let mut unseen: Vec<String> =
            self.unseen.iter().map(|reason| format!("not all were seen: {}", words(reason))).collect();
        unseen.sort();
        unseen.dedup();
        all.extend(unseen);
        (!all.is_empty()).then(|| all.join("; "))
    }
}

/// What the rules said.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct CheckResults {
    /// All findings, in the order of rules and subjects.
    pub findings: Vec<Finding>,
    /// One entry a rule that was selected.
    pub coverage: Vec<Coverage>,
    /// What went wrong with rules themselves: a trap, a spent limit, nonsense.
    pub faults: Vec<Problem>,
    /// Findings that are accepted, which count nowhere else.
    pub suppressed: Vec<Suppressed>,
    /// What there is to say of suppressions.
    pub notes: Vec<Problem>,
    /// What rules logged for their authors: the rule's id and a line. The last lines of each rule only.
    pub log: Vec<(String, String)>,
    /// How many subjects were found well, by the name of their scope and the rule's area.
    pub passed: BTreeMap<(String, String), u32>,
    /// In how many scopes anything was judged.
    pub scopes: usize,
    /// What each rule cost that had subjects.
    pub costs: Vec<RuleCost>,
}

/// What it cost to judge all subjects of a rule. All but the time is the same in every run over the same input, and compared.
#[derive(Clone, Debug)]
pub struct RuleCost {
    /// The rule as [`Coverage::rule`] has it.
    pub rule: String,
    /// How many subjects it judged.
    pub subjects: u32,
    /// The rule's own work: fuel, some one unit an instruction.
    pub fuel: u64,
    /// What the host did for it: nodes visited, statements evaluated, 64 bytes copied or compared, each one unit.
    pub work: u64,
    /// How long it took, in nanoseconds.
    pub nanoseconds: u64,
}

impl PartialEq for RuleCost {
    fn eq(&self, other: &Self) -> bool {
        let Self { rule, subjects, fuel, work, nanoseconds: _ } = self;
        (rule, *subjects, *fuel, *work) == (&other.rule, other.subjects, other.fuel, other.work)
    }
}

impl CheckResults {
    /// Says of each finding which scopes it is of, and makes one of those that say the same of one place in several scopes.
    pub fn merge_scopes(&mut self, inventory: &Inventory) {
        let several = inventory.scopes().len() > 1;
        let mut first: HashMap<(String, String, At, String), Vec<usize>> = HashMap::new();
        let mut kept: Vec<Finding> = Vec::with_capacity(self.findings.len());
        for mut finding in std::mem::take(&mut self.findings) {
            let scope = inventory.scope(finding.subject).map(|scope| scope.name().to_owned());
            let also = std::mem::take(&mut finding.scopes).into_iter().filter(|also| Some(also) != scope.as_ref());
            finding.scopes = scope.clone().into_iter().chain(also).collect();
            let item = inventory.item(finding.subject).filter(|_| several);
            let Some(item) = item else {
                kept.push(finding);
                continue;
            };
            let key = (finding.rule.clone(), finding.message.clone(), item.at(), finding.pointer.clone());
            let known = first.entry(key).or_default();
            let same = |other: &&usize| {
                let other = &kept[**other];
                other.outcome == finding.outcome
                    && other.severity == finding.severity
                    && other.reason == finding.reason
                    && other.remediation == finding.remediation
                    && other.scopes.first() != finding.scopes.first()
                    && inventory.item(other.subject).is_some_and(|one| one.kind == item.kind && one.name == item.name)
            };
            match known.iter().find(same) {
                Some(other) => kept[*other].scopes.extend(finding.scopes),
                None => {
                    known.push(kept.len());
                    kept.push(finding);
                }
            }
        }
        let judged: BTreeSet<&String> =
            self.passed.keys().map(|(scope, _)| scope).chain(kept.iter().flat_map(|finding| &finding.scopes)).collect();
        self.scopes = judged.len();
        self.findings = kept;
        self.name_findings(inventory);
    }

    /// Gives each finding its fingerprint.
    pub fn name_findings(&mut self, inventory: &Inventory) {
        let mut prints = Fingerprints::default();
        for finding in &mut self.findings {
            finding.fingerprint = prints.next(inventory, &finding.rule, finding.subject, &finding.pointer);
        }
    }

    /// Makes one of what is found in several states of one object. A manifest counts before its live object, since that is where it
    /// is mended; the object in a cluster that is asked counts before a dump of it.
    pub fn merge_states(&mut self, inventory: &Inventory) {
        type Key = (String, String, String);
        let key = |finding: &Finding| (finding.rule.clone(), finding.pointer.clone(), finding.message.clone());
        let item = |number: usize| inventory.item(self.findings[number].subject);
        // A dump and what it shows are two items of one uid.
        let uid = |number: usize| {
            let seen = item(number).filter(|item| item.source == SourceKind::Live)?;
            Some((seen.kind.clone(), seen.body.str_at(&["metadata", "uid"])?.to_owned()))
        };
        let mut written: HashMap<Key, Vec<usize>> = HashMap::new();
        let mut seen: HashMap<(Key, _), Vec<usize>> = HashMap::new();
        for (number, finding) in self.findings.iter().enumerate() {
            if item(number).is_some_and(|item| item.source == SourceKind::Manifest) {
                written.entry(key(finding)).or_default().push(number);
            } else if let Some(uid) = uid(number) {
                seen.entry((key(finding), uid)).or_default().push(number);
            }
        }
        let mut states: Vec<(usize, usize)> = vec![];
        for (number, finding) in self.findings.iter().enumerate() {
            let Some(live) = item(number).filter(|item| item.source == SourceKind::Live) else { continue };
            let agrees = |other: &&usize| {
                let other = &self.findings[**other];
                (other.outcome, other.severity, &other.reason) == (finding.outcome, finding.severity, &finding.reason)
            };
            let own = |other: &&usize| live.same.contains(&self.findings[**other].subject) && agrees(other);
            let manifest = written.get(&key(finding)).and_then(|all| all.iter().find(own));
            let first = || {
                let all = seen.get(&(key(finding), uid(number)?))?;
                let dumped = |number: usize| item(number).is_some_and(|item| item.cluster == ClusterId::FILES);
                let first = all.iter().filter(agrees).min_by_key(|other| (dumped(**other), **other));
                first.filter(|first| self.findings[**first].subject != finding.subject)
            };
            let kept = manifest.or_else(first);
            states.extend(kept.map(|kept| (number, *kept)));
        }
        for (live, manifest) in &states {
            let (subject, pointer) = (self.findings[*live].subject, self.findings[*live].pointer.clone());
            let confidence = self.findings[*live].confidence;
            let is_dump = inventory.item(subject).is_some_and(|item| item.cluster == ClusterId::FILES);
            let note = match inventory.item(self.findings[*manifest].subject).map(|item| item.source) {
                Some(SourceKind::Live) if is_dump => "this is the same object in a dump",
                _ => "this is what runs now",
            };
            let kept = &mut self.findings[*manifest];
            kept.confidence = kept.confidence.max(confidence);
            kept.related.push(Place { item: subject, pointer, note: note.to_owned() });
        }
        let gone: BTreeSet<usize> = states.into_iter().map(|(live, _)| live).collect();
        let mut number = 0;
        self.findings.retain(|_| {
            number += 1;
            !gone.contains(&(number - 1))
        });
    }
}
