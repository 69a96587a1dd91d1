//! What a rule asked of IAM, and what it said, subject by subject: for those who want to know why.

use std::sync::{Arc, Mutex};

use crate::iam::RequestSpec;
use crate::inventory::ItemId;

/// One subject of a rule.
#[derive(Clone, PartialEq, Debug)]
pub struct RecordedVerdict {
    /// The subject.
    pub subject: ItemId,
    /// What the rule asked, in order.
    pub questions: Vec<RequestSpec>,
    /// `skip`, `pass`, `unknown` or `fail`; none where the rule ended without a verdict.
    pub verdict: Option<&'static str>,
}

/// Listens to rules while they judge. Meant for one rule at a time.
#[derive(Clone, Debug, Default)]
pub struct Recorder(Arc<Mutex<Vec<RecordedVerdict>>>);

impl Recorder {
    /// All that was heard so far.
    pub fn take(&self) -> Vec<RecordedVerdict> {
        self.0.lock().map(|mut heard| std::mem::take(&mut *heard)).unwrap_or_default()
    }

    pub(super) fn begin(&self, subject: ItemId) {
        if let Ok(mut heard) = self.0.lock() {
            heard.push(RecordedVerdict { subject, questions: vec![], verdict: None });
        }
    }

    pub(super) fn asked(&self, question: &RequestSpec) {
        if let Some(last) = self.0.lock().ok().as_mut().and_then(|heard| heard.last_mut())
            && !last.questions.contains(question)
        {
            last.questions.push(question.clone());
        }
    }

    pub(super) fn said(&self, verdict: &'static str) {
        if let Some(last) = self.0.lock().ok().as_mut().and_then(|heard| heard.last_mut()) {
            last.verdict = Some(verdict);
        }
    }
}
