//! What a rule says.

use crate::field::Field;
use crate::item::{Item, Place};
use crate::pack::Rule;
use crate::value::{Unknown, Value};
use crate::wit::exports::karpcheck::rules::rules as out;

pub use out::{Confidence, Severity};

/// What a rule's function gives back. `?` on anything unknown ends it as unknown.
pub type Check = Result<Verdict, Unknown>;

/// What a rule says of one subject. That it cannot tell is the `Err` of [`Check`].
#[derive(Clone, PartialEq, Debug)]
pub enum Verdict {
    /// The rule has nothing to say about this subject. Not counted.
    Skip,
    /// It was judged, and all is well.
    Pass,
    /// Something is wrong with it, or could not be decided with more to say than a reason. At least one.
    Found(Vec<Finding>),
}

/// Something wrong with the subject: [`fail`] or [`undecided`] makes one, the methods add to it, and
/// [`check`](Self::check) turns it into the rule's verdict.
#[derive(Clone, PartialEq, Debug)]
pub struct Finding {
    undecided: Option<Unknown>,
    severity: Option<Severity>,
    confidence: Option<Confidence>,
    at: At,
    message: String,
    remedy: String,
    related: Vec<Place>,
    edits: Vec<(Field, Value)>,
    group: String,
    properties: Vec<(String, String)>,
}

/// Places that a finding may show beside its own: the host takes no more.
pub const MOST_PLACES: usize = 50;

/// Where a finding stands: a pointer in the subject, or a [`Field`]. A field of another item is shown as a related place.
#[derive(Clone, PartialEq, Debug)]
pub struct At(Option<Item>, String);

impl From<&str> for At {
    fn from(pointer: &str) -> Self {
        Self(None, pointer.into())
    }
}

impl From<Field> for At {
    fn from(field: Field) -> Self {
        Self::from(&field)
    }
}

impl From<&Field> for At {
    fn from(field: &Field) -> Self {
        Self(Some(field.item()), field.pointer().into())
    }
}

/// The rule has nothing to say about this subject (a queue without a key, to a rule about keys).
pub fn skip() -> Check {
    Ok(Verdict::Skip)
}

/// All is well.
pub fn pass() -> Check {
    Ok(Verdict::Pass)
}

/// It is not known.
pub fn unknown(why: impl Into<Unknown>) -> Check {
    Err(why.into())
}

/// Something is wrong: at which field of the subject (empty for the whole), and what, as one plain sentence with its names
/// and values, which also says what will come of it. It is as bad as the rule says, unless it says [less](Finding::severity).
pub fn fail(at: impl Into<At>, message: impl Into<String>) -> Finding {
    Finding {
        undecided: None,
        severity: None,
        confidence: None,
        at: at.into(),
        message: message.into(),
        remedy: String::new(),
        related: vec![],
        edits: vec![],
        group: String::new(),
        properties: vec![],
    }
}

/// It is not known, but there is more to say than the reason: what to check by hand, how bad it would be.
pub fn undecided(why: impl Into<Unknown>, at: impl Into<At>, message: impl Into<String>) -> Finding {
    Finding { undecided: Some(why.into()), severity: Some(Severity::Info), ..fail(at, message) }
}

/// These findings, or all is well.
pub fn found(findings: Vec<Finding>) -> Check {
    Ok(if findings.is_empty() { Verdict::Pass } else { Verdict::Found(findings) })
}

impl Finding {
    /// What to do about it, in the imperative.
    #[must_use]
    pub fn remedy(mut self, text: impl Into<String>) -> Self {
        self.remedy = text.into();
        self
    }

    /// Other places that explain it: the statement, the other cluster, the key. Those beyond [`MOST_PLACES`] are left out.
    #[must_use]
    pub fn related(mut self, places: impl IntoIterator<Item = Place>) -> Self {
        self.related.extend(places);
        self
    }

    /// A change that mends it, offered and never made unasked: the new value of a field ([`Value::Absent`] removes it; the
    /// child `-` of a list appends to it).
    #[must_use]
    pub fn edit(mut self, field: impl Into<Field>, value: impl Into<Value>) -> Self {
        self.edits.push((field.into(), value.into()));
        self
    }

    /// How sure the rule is, where that differs from what [`Rule::applies`] says of the subject.
    #[must_use]
    pub const fn confidence(mut self, confidence: Confidence) -> Self {
        self.confidence = Some(confidence);
        self
    }

    /// How bad it is, where that is less than the rule's severity.
    #[must_use]
    pub const fn severity(mut self, severity: Severity) -> Self {
        self.severity = Some(severity);
        self
    }

    /// What it has in common with findings that are the same defect elsewhere. They are shown as one row with a count. Without
    /// names of subjects, and not for the reader; needed only where the rule, the severity and the pointer (without its
    /// indices) do not tell defects apart, or tell one apart that is the same.
    #[must_use]
    pub fn group(mut self, group: impl Into<String>) -> Self {
        self.group = group.into();
        self
    }

    /// A fact for machines, shown in JSON.
    #[must_use]
    pub fn property(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.properties.push((name.into(), value.into()));
        self
    }

    /// Did it fail, and as badly as the rule can say?
    pub const fn is_worst(&self) -> bool {
        self.undecided.is_none() && self.severity.is_none()
    }

    /// The rule's verdict: this one finding.
    pub fn check(self) -> Check {
        Ok(Verdict::Found(vec![self]))
    }
}

/// Judges several things and sums up: what was found stands, what is unknown is said (each reason once), and only then
/// all is well. Nothing to judge is [`skip`].
pub fn all<T>(things: impl IntoIterator<Item = T>, mut judge: impl FnMut(T) -> Check) -> Check {
    let (mut findings, mut unknowns, mut passed): (Vec<Finding>, Vec<Unknown>, bool) = (vec![], vec![], false);
    for thing in things {
        match judge(thing) {
            Ok(Verdict::Found(more)) => findings.extend(more),
            Err(unknown) if unknowns.iter().any(|other| other.is_same(&unknown)) => {}
            Err(unknown) => unknowns.push(unknown),
            Ok(Verdict::Pass) => passed = true,
            Ok(Verdict::Skip) => {}
        }
    }
    match (findings.is_empty(), unknowns.len()) {
        (true, 0) if passed => pass(),
        (true, 0) => skip(),
        (true, 1) => Err(unknowns.swap_remove(0)),
        _ => {
            for unknown in unknowns {
                let said = |finding: &Finding| finding.undecided.as_ref().is_some_and(|other| other.is_same(&unknown));
                if !findings.iter().any(said) {
                    let why = unknown.why.clone();
                    findings.push(undecided(unknown, "", why).confidence(Confidence::Low));
                }
            }
            Ok(Verdict::Found(findings))
        }
    }
}

/// Sums up several judgements of one subject: see [`all`].
pub fn both(checks: impl IntoIterator<Item = Check>) -> Check {
    all(checks, |check| check)
}

/// The contract's verdict of a rule about a subject.
pub(crate) fn verdict(rule: &Rule, subject: Item) -> out::Verdict {
    let Some(confidence) = (rule.applies)(subject) else { return out::Verdict::Skip };
    match (rule.check)(subject) {
        Ok(Verdict::Skip) => out::Verdict::Skip,
        Ok(Verdict::Pass) => out::Verdict::Pass,
        Ok(Verdict::Found(findings)) if findings.is_empty() => out::Verdict::Pass,
        Ok(Verdict::Found(findings)) => out::Verdict::Found(
            findings.into_iter().map(|finding| finding.about(subject, rule.severity, confidence)).collect(),
        ),
        Err(unknown) => out::Verdict::Unknown(unknown.into()),
    }
}

impl Finding {
    fn about(mut self, subject: Item, severity: Severity, confidence: Confidence) -> out::Finding {
        let pointer = match (self.at, self.undecided.as_ref().and_then(|unknown| unknown.at.as_ref())) {
            // Where knowledge ends in the subject itself, that is the finding's place.
            (At(_, pointer), Some(end)) if pointer.is_empty() && end.item == subject => end.pointer.clone(),
            (At(Some(other), pointer), _) if other != subject => {
                self.related.insert(0, other.place(pointer, ""));
                String::new()
            }
            (At(_, pointer), _) => pointer,
        };
        out::Finding {
            outcome: if self.undecided.is_some() { out::Outcome::Unknown } else { out::Outcome::Fail },
            severity: self.severity.unwrap_or(severity),
            confidence: self.confidence.unwrap_or(confidence),
            reason: self.undecided.map(Into::into),
            pointer,
            message: self.message,
            remediation: self.remedy,
            related: self.related.into_iter().take(MOST_PLACES).map(Into::into).collect(),
            edits: self
                .edits
                .into_iter()
                .map(|(field, value)| out::Edit {
                    item: field.item().0,
                    pointer: field.pointer().into(),
                    value: value.into(),
                })
                .collect(),
            group: self.group,
            properties: self.properties,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUBJECT: Item = Item(7);

    fn bad(message: &str) -> Check {
        fail("/a", message).check()
    }

    fn messages(check: Check) -> Vec<String> {
        match check {
            Ok(Verdict::Found(findings)) => findings.into_iter().map(|finding| finding.message).collect(),
            other => panic!("{other:?}"),
        }
    }

    fn told(rule: Rule) -> out::Finding {
        match verdict(&rule, SUBJECT) {
            out::Verdict::Found(mut found) => found.remove(0),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn nothing_to_judge_is_skipped_and_one_pass_is_enough() {
        assert_eq!(both([]), skip());
        assert_eq!(both([skip(), skip()]), skip());
        assert_eq!(both([skip(), pass()]), pass());
    }

    #[test]
    fn an_unknown_outweighs_a_pass() {
        assert_eq!(both([pass(), unknown("it was not given")]), unknown("it was not given"));
    }

    #[test]
    fn findings_stand_beside_unknowns_and_each_reason_is_said_once() {
        let check = both([bad("x"), unknown("u"), unknown("u"), unknown("v"), pass()]);
        assert_eq!(messages(check), ["x", "u", "v"]);
        let nested = both([both([bad("x"), unknown("u")]), unknown("u")]);
        assert_eq!(messages(nested), ["x", "u"]);
    }

    #[test]
    fn several_reasons_are_all_said() {
        assert_eq!(messages(both([unknown("u"), pass(), unknown("v")])), ["u", "v"]);
    }

    #[test]
    fn an_undecided_finding_stands_where_knowledge_ends() {
        let check = |_| {
            let reason = Unknown::undecidable("known after apply").at(SUBJECT.place("/spec/x", ""));
            undecided(reason, "", "look at it").check()
        };
        let found = told(Rule { check, ..Rule::DEFAULT });
        assert_eq!((found.pointer.as_str(), found.outcome), ("/spec/x", out::Outcome::Unknown));
    }

    #[test]
    fn a_finding_may_override_severity_and_confidence() {
        let rule = Rule {
            severity: Severity::Warning,
            applies: |_| Some(Confidence::Medium),
            check: |_| bad("x"),
            ..Rule::DEFAULT
        };
        let found = told(rule);
        assert_eq!((found.severity, found.confidence), (Severity::Warning, Confidence::Medium));
        let own = |_| fail("", "x").severity(Severity::Info).confidence(Confidence::High).check();
        let found = told(Rule { check: own, ..rule });
        assert_eq!((found.severity, found.confidence), (Severity::Info, Confidence::High));
        assert!(matches!(verdict(&Rule { applies: |_| None, ..rule }, SUBJECT), out::Verdict::Skip));
    }

    #[test]
    fn a_field_of_another_item_is_related() {
        let found = told(Rule { check: |_| fail(Item(8).field("/b"), "x").check(), ..Rule::DEFAULT });
        assert_eq!((found.pointer.as_str(), found.related[0].item), ("", 8));
        let found = told(Rule { check: |_| fail(SUBJECT.field("/b"), "x").check(), ..Rule::DEFAULT });
        assert_eq!((found.pointer.as_str(), found.related.len()), ("/b", 0));
    }
}
