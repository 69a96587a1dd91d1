//! Validates a guest's verdict and turns it into findings.

use crate::engine::contract;
use crate::engine::contract::{WitFinding, WitPlace, WitReason, WitSettlement, WitValue, WitVerdict};
use crate::engine::describe::kebab;
use crate::engine::guest_fault::GuestFault;
use crate::engine::host::{Host, MOST_WHY, well_formed};
use crate::engine::limits::Limits;
use crate::engine::text;
use crate::findings::finding::{Confidence, Edit, Finding, Outcome, RuleInfo, Severity};
use crate::inventory::Place;
use crate::inventory::Wording;
use crate::inventory::{ItemId, Reason};

/// Bytes that a finding counts for beside its texts.
const OVERHEAD: usize = size_of::<Finding>();
/// Bytes that a place, an edit or a property counts for beside its texts.
const DETAIL: usize = 64;
/// Bytes that a segment of an edit's pointer takes once the edit is made in a file: it is a text of its own, twice.
const SEGMENT: usize = 128;
/// What is said in place of edits that were left out.
const NO_EDIT: &str =
    "(No edit is offered: the name of a field on its way is too long, or has characters that cannot be shown.)";
/// Segments of the pointer of an edit. Kubernetes' deepest fields have some 20.
const MOST_SEGMENTS: usize = 64;

/// One subject's verdict.
#[derive(Debug)]
pub(super) enum Verdict {
    Skip,
    Pass,
    /// At least one.
    Findings(Vec<Finding>),
}

impl Verdict {
    /// Its name.
    pub(super) fn as_str(&self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Pass => "pass",
            Self::Findings(findings) if findings.iter().any(|finding| finding.outcome == Outcome::Fail) => "fail",
            Self::Findings(_) => "unknown",
        }
    }
}

/// Turns verdicts into findings, for one rule.
pub(super) struct VerdictReader<'a> {
    pub(super) rule: &'a RuleInfo,
    /// The rule's name in the report.
    pub(super) label: &'a str,
    pub(super) limits: &'a Limits,
    /// Bytes of all texts so far.
    text: usize,
}

impl<'a> VerdictReader<'a> {
    pub(super) const fn new(rule: &'a RuleInfo, label: &'a str, limits: &'a Limits) -> Self {
        Self { rule, label, limits, text: 0 }
    }

    /// Bytes of all findings so far.
    pub(super) const fn text(&self) -> usize {
        self.text
    }

    pub(super) fn verdict(&mut self, host: &Host, subject: ItemId, verdict: WitVerdict) -> Result<Verdict, GuestFault> {
        let mut findings = match verdict {
            WitVerdict::Skip => return Ok(Verdict::Skip),
            WitVerdict::Pass => return Ok(Verdict::Pass),
            WitVerdict::Unknown(reason) => vec![self.undecided(host, subject, reason)?],
            WitVerdict::Found(found) if found.is_empty() => {
                return Err(GuestFault::Mistake("it says that it found something, and gives no finding".into()));
            }
            WitVerdict::Found(found) if found.len() > self.limits.findings => {
                let (count, most) = (found.len(), self.limits.findings);
                return Err(GuestFault::Limit(format!("it gives {count} findings; {most} are allowed")));
            }
            WitVerdict::Found(found) => {
                found.into_iter().map(|found| self.finding(host, subject, found)).collect::<Result<_, _>>()?
            }
        };
        // What goes beyond the limit is not kept, and so it counts for no other limit.
        let text = self.text + findings.iter().map(size).sum::<usize>();
        if text > self.limits.text {
            return Err(too_much_text(self.limits));
        }
        self.text = text;
        for finding in &mut findings {
            reword(finding, host.wording());
        }
        Ok(Verdict::Findings(findings))
    }

    /// A finding of the host: the subject could not be checked.
    pub(super) fn unknown(&self, subject: ItemId, reason: Reason, severity: Severity, message: String) -> Finding {
        Finding {
            rule: self.label.to_owned(),
            area: self.rule.area.clone(),
            subject,
            pointer: String::new(),
            outcome: Outcome::Unknown,
            severity,
            confidence: Confidence::High,
            reason: Some(reason),
            reason_at: None,
            message,
            remediation: String::new(),
            related: vec![],
            edits: vec![],
            group: String::new(),
            properties: vec![],
            cure: None,
            fingerprint: String::new(),
            follows: None,
            scopes: vec![],
        }
    }

    fn undecided(&self, host: &Host, subject: ItemId, reason: WitReason) -> Result<Finding, GuestFault> {
        let (reason, reason_at) = self.reason(host, reason)?;
        let severity = severity(host, &reason);
        // A reason whose place is in the subject is also the finding's place.
        let pointer = match &reason_at {
            Some(place) if place.item == subject => place.pointer.clone(),
            _ => String::new(),
        };
        Ok(Finding { pointer, reason_at, ..self.unknown(subject, reason, severity, String::new()) })
    }

    fn finding(&self, host: &Host, subject: ItemId, found: WitFinding) -> Result<Finding, GuestFault> {
        let declared = self.rule.severity;
        let claimed = contract::severity(found.severity);
        if claimed > declared {
            let (claimed, declared) = (claimed.as_str(), declared.as_str());
            return Err(GuestFault::Mistake(format!("it reports an {claimed}, and declares no worse than {declared}")));
        }
        let outcome = contract::outcome(found.outcome);
        let (reason, reason_at, severity) = match (outcome, found.reason) {
            (Outcome::Fail, _) => (None, None, claimed),
            (Outcome::Unknown, None) => {
                return Err(GuestFault::Mistake("it gives an unknown finding without a reason".into()));
            }
            (Outcome::Unknown, Some(reason)) => {
                let (reason, at) = self.reason(host, reason)?;
                let severity = severity(host, &reason);
                (Some(reason), at, severity)
            }
        };
        let message = text::line(&found.message, self.limits.message);
        if message.is_empty() {
            return Err(GuestFault::Mistake("it gives a finding without a message".into()));
        }
        well_formed(&found.pointer)?;
        for (what, count) in
            [("places", found.related.len()), ("edits", found.edits.len()), ("properties", found.properties.len())]
        {
            let most = self.limits.details;
            if count > most {
                return Err(GuestFault::Limit(format!("it gives a finding with {count} {what}; {most} are allowed")));
            }
        }
        let note = |text: &str| text::line(text, self.limits.note);
        let mut remediation = text::line(&found.remediation, self.limits.message);
        let offered = found.edits.into_iter().map(|edit| self.edit(host, edit)).collect::<Result<Vec<_>, _>>()?;
        // A part of a fix is none.
        let edits = offered.into_iter().collect::<Option<Vec<_>>>().unwrap_or_else(|| {
            remediation = text::line(&format!("{remediation} {NO_EDIT}"), self.limits.message + NO_EDIT.len());
            vec![]
        });
        Ok(Finding {
            rule: self.label.to_owned(),
            area: self.rule.area.clone(),
            subject,
            pointer: text::pointer(found.pointer),
            outcome,
            severity,
            confidence: contract::confidence(found.confidence),
            reason,
            reason_at,
            message,
            remediation,
            related: found.related.into_iter().map(|place| self.place(host, place)).collect::<Result<_, _>>()?,
            edits,
            group: note(&found.group),
            properties: found.properties.iter().map(|(name, value)| (note(name), note(value))).collect(),
            cure: None,
            fingerprint: String::new(),
            follows: None,
            scopes: vec![],
        })
    }

    fn reason(&self, host: &Host, reason: WitReason) -> Result<(Reason, Option<Place>), GuestFault> {
        let why = text::line(&reason.why, MOST_WHY);
        if why.is_empty() {
            return Err(GuestFault::Mistake("it gives an unknown without saying why".into()));
        }
        let at = reason.at.clone().map(|place| self.place(host, place)).transpose()?;
        if reason.settled_by.len() > self.limits.details {
            let (count, most) = (reason.settled_by.len(), self.limits.details);
            return Err(GuestFault::Limit(format!(
                "it gives an unknown that {count} things settle; {most} are allowed"
            )));
        }
        for settlement in &reason.settled_by {
            if let WitSettlement::Item(item) = settlement {
                host.nameable(*item)?;
            }
        }
        if !reason.code.is_empty() && !kebab(&reason.code) {
            let code = text::line(&reason.code, 60);
            return Err(GuestFault::Mistake(format!(
                "it gives an unknown with the code {code:?}, which is not kebab-case"
            )));
        }
        Ok((contract::reason(&reason, why), at))
    }

    fn place(&self, host: &Host, place: WitPlace) -> Result<Place, GuestFault> {
        let item = host.nameable(place.item)?;
        well_formed(&place.pointer)?;
        Ok(Place { item, pointer: text::pointer(place.pointer), note: text::line(&place.note, self.limits.note) })
    }

    /// An edit, none where its place cannot be told whole: cut short, it would change the parent.
    fn edit(&self, host: &Host, edit: contract::WitEdit) -> Result<Option<Edit>, GuestFault> {
        let item = host.nameable(edit.item)?;
        well_formed(&edit.pointer)?;
        // Before it is parsed, which takes many times as much memory.
        if let WitValue::Json(json) = &edit.value
            && json.len() > self.limits.docs
        {
            return Err(self.large_edit());
        }
        let value = contract::to_json(edit.value)
            .map_err(|why| GuestFault::Mistake(format!("it offers an edit whose value cannot be written: {why}")))?;
        if let Some(value) = &value
            && value.to_string().len() > self.limits.docs
        {
            return Err(self.large_edit());
        }
        let whole = text::pointer(edit.pointer.clone()) == edit.pointer;
        let told = whole && edit.pointer.matches('/').count() <= MOST_SEGMENTS;
        Ok(told.then_some(Edit { item, pointer: edit.pointer, value }))
    }

    fn large_edit(&self) -> GuestFault {
        let most = self.limits.docs;
        GuestFault::Limit(format!("it offers an edit with a value of more than {most} bytes"))
    }
}

/// That a rule's findings are too long together.
pub(super) fn too_much_text(limits: &Limits) -> GuestFault {
    GuestFault::Limit(format!("its findings have more than {} MiB of text", limits.text >> 20))
}

/// A finding's sentences as the run words them; those of its reason were worded before the rule saw them.
fn reword(finding: &mut Finding, wording: Wording) {
    if !finding.message.is_empty() {
        finding.message = wording.of(std::mem::take(&mut finding.message));
    }
    if !finding.remediation.is_empty() {
        finding.remediation = wording.of(std::mem::take(&mut finding.remediation));
    }
    for place in finding.related.iter_mut().chain(&mut finding.reason_at) {
        place.note = wording.of(std::mem::take(&mut place.note));
    }
}

/// An unknown is an info; a warning where required evidence was refused or failed.
fn severity(host: &Host, reason: &Reason) -> Severity {
    if host.alarming(reason) { Severity::Warning } else { Severity::Info }
}

fn size(finding: &Finding) -> usize {
    let place = |place: &Place| DETAIL + place.pointer.len() + place.note.len();
    OVERHEAD
        + finding.rule.len()
        + finding.area.len()
        + finding.pointer.len()
        + finding.message.len()
        + finding.remediation.len()
        + finding.group.len()
        + finding.reason.as_ref().map_or(0, |reason| reason.to_string().len())
        + finding.reason_at.iter().chain(&finding.related).map(place).sum::<usize>()
        + finding.edits.iter().map(edit_size).sum::<usize>()
        + finding.properties.iter().map(|(name, value)| DETAIL + name.len() + value.len()).sum::<usize>()
}

/// A pointer is taken apart when its edit is made: a deep one takes much more than its text then.
fn edit_size(edit: &Edit) -> usize {
    let segments = edit.pointer.matches('/').count();
    DETAIL + edit.pointer.len() + SEGMENT * segments + edit.value.as_ref().map_or(0, json_size)
}

fn json_size(json: &serde_json::Value) -> usize {
    use serde_json::Value as Json;
    DETAIL
        + match json {
            Json::String(text) => text.len(),
            Json::Array(items) => items.iter().map(json_size).sum(),
            Json::Object(members) => members.iter().map(|(name, value)| name.len() + json_size(value)).sum(),
            Json::Null | Json::Bool(_) | Json::Number(_) => 0,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deep_pointer_counts_for_what_it_is_taken_apart_into() {
        let edit = |pointer: String| Edit { item: ItemId(1), pointer, value: Some("v".into()) };
        let (flat, deep) = (edit_size(&edit("/spec".into())), edit_size(&edit("/a".repeat(MOST_SEGMENTS))));
        assert!(flat < 300, "{flat}");
        // A rule's findings of 16 MiB then have two thousand such edits, and not a hundred thousand.
        assert!(deep > MOST_SEGMENTS * SEGMENT, "{deep}");
    }
}
