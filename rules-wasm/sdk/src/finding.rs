//! What a rule says.

use crate::item::{Item, Place};
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
    severity: Severity,
    confidence: Confidence,
    pointer: String,
    message: String,
    remedy: String,
    related: Vec<Place>,
    edits: Vec<(Item, String, Value)>,
    properties: Vec<(String, String)>,
}

/// The rule has nothing to say about this subject (a queue without a key, to a rule about keys).
pub fn skip() -> Check {
    Ok(Verdict::Skip)
}

/// All is well.
pub fn pass() -> Check {
    Ok(Verdict::Pass)
}

/// It cannot be told.
pub fn unknown(why: impl Into<Unknown>) -> Check {
    Err(why.into())
}

/// Something is wrong: at which field of the subject (empty for the whole), and what, as one plain sentence with its names
/// and values, which also says what will come of it.
pub fn fail(severity: Severity, pointer: impl Into<String>, message: impl Into<String>) -> Finding {
    Finding {
        undecided: None,
        severity,
        confidence: Confidence::High,
        pointer: pointer.into(),
        message: message.into(),
        remedy: String::new(),
        related: vec![],
        edits: vec![],
        properties: vec![],
    }
}

/// It cannot be told, but there is more to say than the reason: what to check by hand, how bad it would be.
pub fn undecided(why: impl Into<Unknown>, pointer: impl Into<String>, message: impl Into<String>) -> Finding {
    Finding { undecided: Some(why.into()), confidence: Confidence::Low, ..fail(Severity::Info, pointer, message) }
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

    /// Other places that explain it: the statement, the other cluster, the key.
    #[must_use]
    pub fn see(mut self, places: impl IntoIterator<Item = Place>) -> Self {
        self.related.extend(places);
        self
    }

    /// A change that mends it, offered and never made unasked: the new value of a field ([`Value::Absent`] removes it, a
    /// last segment `-` appends to a list).
    #[must_use]
    pub fn edit(mut self, item: Item, pointer: impl Into<String>, value: impl Into<Value>) -> Self {
        self.edits.push((item, pointer.into(), value.into()));
        self
    }

    /// How sure the rule is: [`Confidence::High`] unless it says otherwise.
    #[must_use]
    pub const fn confidence(mut self, confidence: Confidence) -> Self {
        self.confidence = confidence;
        self
    }

    /// How bad it is.
    #[must_use]
    pub const fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// A fact for machines, shown in JSON.
    #[must_use]
    pub fn property(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.properties.push((name.into(), value.into()));
        self
    }

    /// Did it fail at this severity?
    pub fn is(&self, severity: Severity) -> bool {
        self.undecided.is_none() && self.severity == severity
    }

    /// The rule's verdict: this one finding.
    pub fn check(self) -> Check {
        Ok(Verdict::Found(vec![self]))
    }
}

/// Judges several things and sums up: what was found stands, what is unknown is said (each reason once), and only then
/// all is well. Nothing to judge is [`skip`].
pub fn all<T>(things: impl IntoIterator<Item = T>, mut judge: impl FnMut(T) -> Check) -> Check {
    let (mut findings, mut unknowns, mut passed) = (vec![], vec![], false);
    for thing in things {
        match judge(thing) {
            Ok(Verdict::Found(more)) => findings.extend(more),
            Err(unknown) => unknowns.push(unknown),
            Ok(Verdict::Pass) => passed = true,
            Ok(Verdict::Skip) => {}
        }
    }
    let mut said: Vec<Unknown> = vec![];
    for unknown in unknowns {
        if !said.iter().any(|other| other.cause == unknown.cause && other.why == unknown.why) {
            said.push(unknown);
        }
    }
    match (findings.is_empty(), said.len()) {
        (true, 0) if passed => pass(),
        (true, 0) => skip(),
        (true, 1) => Err(said.swap_remove(0)),
        _ => {
            for unknown in said {
                if !findings
                    .iter()
                    .any(|finding: &Finding| finding.undecided.as_ref().is_some_and(|other| other.why == unknown.why))
                {
                    let why = unknown.why.clone();
                    findings.push(undecided(unknown, "", why));
                }
            }
            Ok(Verdict::Found(findings))
        }
    }
}

/// The contract's verdict about a subject.
pub(crate) fn verdict(subject: Item, check: Check) -> out::Verdict {
    match check {
        Ok(Verdict::Skip) => out::Verdict::Skip,
        Ok(Verdict::Pass) => out::Verdict::Pass,
        Ok(Verdict::Found(findings)) if findings.is_empty() => out::Verdict::Pass,
        Ok(Verdict::Found(findings)) => {
            out::Verdict::Found(findings.into_iter().map(|finding| finding.given_to(subject)).collect())
        }
        Err(unknown) => out::Verdict::Unknown(unknown.into()),
    }
}

impl Finding {
    fn given_to(self, subject: Item) -> out::Finding {
        // Where knowledge ends in the subject itself, that is the finding's place.
        let pointer = match self.undecided.as_ref().and_then(|unknown| unknown.at.as_ref()) {
            Some(at) if self.pointer.is_empty() && at.item == subject => at.pointer.clone(),
            _ => self.pointer,
        };
        out::Finding {
            outcome: if self.undecided.is_some() { out::Outcome::Unknown } else { out::Outcome::Fail },
            severity: self.severity,
            confidence: self.confidence,
            reason: self.undecided.map(Into::into),
            pointer,
            message: self.message,
            remediation: self.remedy,
            related: self.related.into_iter().map(Into::into).collect(),
            edits: self
                .edits
                .into_iter()
                .map(|(item, pointer, value)| out::Edit { item: item.0, pointer, value: value.into() })
                .collect(),
            properties: self.properties,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bad(message: &str) -> Check {
        fail(Severity::Error, "/a", message).check()
    }

    fn messages(check: Check) -> Vec<String> {
        match check {
            Ok(Verdict::Found(findings)) => findings.into_iter().map(|finding| finding.message).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn nothing_to_judge_is_skipped_and_one_pass_is_enough() {
        assert_eq!(all::<Check>([], |check| check), skip());
        assert_eq!(all([skip(), skip()], |check| check), skip());
        assert_eq!(all([skip(), pass()], |check| check), pass());
    }

    #[test]
    fn an_unknown_outweighs_a_pass() {
        assert_eq!(all([pass(), unknown("nobody said")], |check| check), unknown("nobody said"));
    }

    #[test]
    fn findings_stand_beside_unknowns_and_each_reason_is_said_once() {
        let check = all([bad("x"), unknown("u"), unknown("u"), unknown("v"), pass()], |check| check);
        assert_eq!(messages(check), ["x", "u", "v"]);
        let nested = all([all([bad("x"), unknown("u")], |check| check), unknown("u")], |check| check);
        assert_eq!(messages(nested), ["x", "u"]);
    }

    #[test]
    fn several_reasons_are_all_said() {
        let check = all([unknown("u"), pass(), unknown("v")], |check| check);
        assert_eq!(messages(check), ["u", "v"]);
    }

    #[test]
    fn an_undecided_finding_stands_where_knowledge_ends() {
        let subject = Item(7);
        let reason = Unknown::undecidable("known after apply").at(subject.place("/spec/x", ""));
        let out::Verdict::Found(found) = verdict(subject, undecided(reason, "", "look at it").check()) else {
            panic!("no finding")
        };
        assert_eq!((found[0].pointer.as_str(), found[0].outcome), ("/spec/x", out::Outcome::Unknown));
    }
}
