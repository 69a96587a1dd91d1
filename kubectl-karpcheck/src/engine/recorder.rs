//! What a rule asked of IAM and its verdict, subject by subject, for `why`.

use std::sync::{Arc, Mutex};

use crate::iam::RequestSpec;
use crate::inventory::ItemId;

/// One subject of a rule.
#[derive(Clone, PartialEq, Debug)]
pub struct RecordedVerdict {
    /// The subject.
    pub subject: ItemId,
    /// The rule's requests, in order.
    pub requests: Vec<RequestSpec>,
    /// `skip`, `pass`, `unknown` or `fail`; none if the rule ended without a verdict.
    pub verdict: Option<&'static str>,
}

/// Records requests and verdicts while a rule runs. For one rule at a time.
#[derive(Clone, Debug, Default)]
pub struct Recorder(Arc<Mutex<Vec<RecordedVerdict>>>);

impl Recorder {
    /// All that was recorded so far.
    pub fn take(&self) -> Vec<RecordedVerdict> {
        self.0.lock().map(|mut recorded| std::mem::take(&mut *recorded)).unwrap_or_default()
    }

    pub(super) fn begin(&self, subject: ItemId) {
        if let Ok(mut recorded) = self.0.lock() {
            recorded.push(RecordedVerdict { subject, requests: vec![], verdict: None });
        }
    }

    pub(super) fn record_request(&self, request: &RequestSpec) {
        if let Some(last) = self.0.lock().ok().as_mut().and_then(|recorded| recorded.last_mut())
            && !last.requests.contains(request)
        {
            last.requests.push(request.clone());
        }
    }

    pub(super) fn record_verdict(&self, verdict: &'static str) {
        if let Some(last) = self.0.lock().ok().as_mut().and_then(|recorded| recorded.last_mut()) {
            last.verdict = Some(verdict);
        }
    }
}
