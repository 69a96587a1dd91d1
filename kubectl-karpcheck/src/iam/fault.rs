//! What is wrong with a policy document in itself.

/// What AWS does with a fault.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Consequence {
    /// It refuses the whole document: `MalformedPolicyDocument`.
    Rejected,
    /// It stores the document, and the element never matches.
    NeverMatches,
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

impl Fault {
    /// AWS refuses the document.
    pub(super) fn rejected(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), message: message.into(), consequence: Consequence::Rejected }
    }

    /// AWS stores it, and it never matches.
    pub(super) fn never(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), message: message.into(), consequence: Consequence::NeverMatches }
    }
}
