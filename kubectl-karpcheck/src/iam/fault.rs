//! What is wrong with a policy document in itself.

use crate::inventory::reason::Iam;
use crate::inventory::{Cause, Reason};

/// What AWS does with a fault.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Consequence {
    /// It refuses the whole document: `MalformedPolicyDocument`.
    Rejected,
    /// It stores the document, and the element never matches.
    NeverMatches,
    /// It stores the document, and the condition always holds.
    AlwaysHolds,
}

impl Consequence {
    /// What AWS does, in words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rejected => "AWS refuses the policy",
            Self::NeverMatches => "AWS accepts it, and it never matches",
            Self::AlwaysHolds => "AWS accepts it, and the condition always holds",
        }
    }
}

/// A fault in a policy document.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// Where, from the root of the document: `/Statement/0/Condition/StringEqual`.
    pub pointer: String,
    /// What is wrong, as one plain sentence.
    pub message: String,
    /// What AWS does with it.
    pub consequence: Consequence,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}; {}", self.message, self.consequence.as_str())
    }
}

impl Fault {
    /// AWS refuses the document.
    pub(super) fn rejected(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), message: message.into(), consequence: Consequence::Rejected }
    }

    /// AWS stores it, and it never matches.
    pub(super) fn never(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), message: message.into(), consequence: Consequence::NeverMatches }
    }

    /// AWS stores it, and the condition always holds.
    pub(super) fn always(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), message: message.into(), consequence: Consequence::AlwaysHolds }
    }
}

/// Why what AWS refuses cannot be evaluated.
pub(super) fn refused(message: &str) -> Reason {
    Reason::new(Cause::Undecidable, Iam::Malformed { fault: message.into() })
}
