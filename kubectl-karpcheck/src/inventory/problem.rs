//! What could not be read. The run goes on.

use crate::inventory::node::At;
use crate::inventory::reason::Reason;

/// Something could not be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// One sentence: what, and what to do about it.
    pub message: String,
    /// The reason that it leaves in what depends on it.
    pub reason: Option<Reason>,
    /// Where.
    pub at: Option<At>,
    /// Was it asked for by name, so that the job could not be done whole (exit code 3)?
    pub fatal: bool,
    /// Is something missing for it that somebody asked for, so that the run is not complete?
    pub incomplete: bool,
}

impl Problem {
    /// Something that was asked for and could not be read: the run is not complete.
    pub fn new(message: impl Into<String>, at: Option<At>) -> Self {
        Self { message: message.into(), reason: None, at, fatal: false, incomplete: true }
    }

    /// Worth saying, but nothing that was asked for is missing.
    pub fn note(message: impl Into<String>, at: Option<At>) -> Self {
        Self { message: message.into(), reason: None, at, fatal: false, incomplete: false }
    }

    /// The job could not be done whole: exit code 3.
    pub fn fatal(message: impl Into<String>, at: Option<At>) -> Self {
        Self { message: message.into(), reason: None, at, fatal: true, incomplete: true }
    }

    /// The same problem, as what leaves a reason.
    #[must_use]
    pub fn leaving(self, reason: Reason) -> Self {
        Self { reason: Some(reason), ..self }
    }
}
