//! What rules are and what they say, in the host's own words: free of the contract's version and of any format.

use super::item::ItemId;
use super::node::Reason;

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
    /// The word of the report.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
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
    /// The word of the report.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
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
    /// The word of the report.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Fail => "fail",
        }
    }
}

/// A place in an item.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Place {
    /// The item.
    pub item: ItemId,
    /// RFC 6901; empty for the whole.
    pub pointer: String,
    /// What is to be seen there.
    pub note: String,
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
    /// What is wrong, in one sentence.
    pub message: String,
    /// What to do about it. May be empty.
    pub remediation: String,
    /// Other places that explain it.
    pub related: Vec<Place>,
    /// Changes that mend it.
    pub edits: Vec<Edit>,
    /// Facts for machines.
    pub properties: Vec<(String, String)>,
}

/// A rule, as its pack describes it.
#[derive(Clone, PartialEq, Debug)]
pub struct RuleInfo {
    /// The pack that it comes from: `builtin`, or the file's name.
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
    /// Does it run when nobody asks for it?
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
    /// Room for what later versions understand.
    pub properties: Vec<(String, String)>,
}

impl RuleInfo {
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
}

/// What the rules said.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Judgement {
    /// All findings, in the order of rules and subjects.
    pub findings: Vec<Finding>,
    /// One entry a rule that was selected.
    pub coverage: Vec<Coverage>,
    /// What went wrong with rules themselves: a trap, a spent limit, nonsense. One sentence each.
    pub faults: Vec<String>,
    /// What rules logged for their authors: the rule's id and a line. The last lines of each rule only.
    pub log: Vec<(String, String)>,
}
