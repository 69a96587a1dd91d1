//! What a rule asked of IAM and its verdict, subject by subject, for `why`.

use std::sync::{Arc, Mutex, PoisonError};

use crate::iam::{Operand, RequestSpec};
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
pub struct Recorder(Arc<Mutex<Recorded>>);

/// Bytes of all requests that are kept.
const MOST_BYTES: usize = 8 << 20;
/// Requests of one subject that are kept.
const MOST_REQUESTS: usize = 500;

#[derive(Debug, Default)]
struct Recorded {
    verdicts: Vec<RecordedVerdict>,
    bytes: usize,
    dropped: u64,
}

impl Recorder {
    /// All that was recorded so far, and how many more requests there were than are kept.
    pub fn take(&self) -> (Vec<RecordedVerdict>, u64) {
        let mut recorded = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Recorded { verdicts, dropped, .. } = std::mem::take(&mut *recorded);
        (verdicts, dropped)
    }

    fn last(&self, record: impl FnOnce(&mut RecordedVerdict, &mut usize, &mut u64)) {
        let mut recorded = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Recorded { verdicts, bytes, dropped } = &mut *recorded;
        if let Some(last) = verdicts.last_mut() {
            record(last, bytes, dropped);
        }
    }

    pub(super) fn begin(&self, subject: ItemId) {
        let mut recorded = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        recorded.verdicts.push(RecordedVerdict { subject, requests: vec![], verdict: None });
    }

    pub(super) fn record_request(&self, request: &RequestSpec) {
        self.last(|last, bytes, dropped| {
            if last.requests.contains(request) {
                return;
            }
            *bytes += size(request);
            if *bytes > MOST_BYTES || last.requests.len() >= MOST_REQUESTS {
                *dropped += 1;
            } else {
                last.requests.push(request.clone());
            }
        });
    }

    pub(super) fn record_verdict(&self, verdict: &'static str) {
        self.last(|last, _, _| last.verdict = Some(verdict));
    }
}

/// Bytes of a request's texts, and of the entries that hold them.
fn size(request: &RequestSpec) -> usize {
    let context = request.context.iter().map(|(key, value)| {
        let value = match value {
            Operand::Text(text) | Operand::Template(text) => text.len(),
            Operand::Absent | Operand::Unknown(_) | Operand::Number(_) | Operand::Flag(_) => 0,
        };
        size_of_val(&request.context[0]) + key.len() + value
    });
    let fields = request.fields.iter().map(|field| size_of_val(field) + field.1.len());
    size_of::<RequestSpec>() + request.action.len() + context.sum::<usize>() + fields.sum::<usize>()
}
