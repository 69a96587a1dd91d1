//! Answers of the `aws` CLI in the normal form, whoever asked: files saved by hand, a folder of `collect`, `--aws`.
//!
//! An answer is recognised by its shape. What was asked ([`Asked`]) tells the rest: many answers do not say what they are
//! about (`get-key-policy` does not name its key), nor in which account and region they were given.

use crate::model::kinds::Plan;
use crate::model::{At, Builder, Node};

/// The command that an answer belongs to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Asked {
    /// `kms`.
    pub service: String,
    /// `get-key-policy`.
    pub operation: String,
    /// Options in their order, without the leading dashes: `("key-id", "…")`. An option that is repeated or takes
    /// several values has an entry for each.
    pub options: Vec<(String, String)>,
    /// The account that was asked, twelve digits.
    pub account: Option<String>,
    /// The region that was asked.
    pub region: Option<String>,
    /// When, RFC 3339.
    pub at: Option<String>,
    /// Was it asked for in this run (`--aws`), rather than saved?
    pub live: bool,
    /// Where the answer stands: the document as a whole is enough. Used where there is no answer with places of its own.
    pub place: At,
}

/// What came of it.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// The answer, each node with its place.
    Answer(Node),
    /// AWS refused it.
    Refused {
        /// What to ask for: `kms:GetKeyPolicy`.
        permission: String,
        /// AWS's words, shown as they are.
        text: String,
    },
    /// It could not be asked, or there was no usable answer: a timeout, throttling that did not end, garbage. In words.
    Failed(String),
    /// AWS says that what was asked for does not exist.
    NotFound,
}

/// Takes in what came of a command. Returns how many facts it held; 0 where an answer is of no known shape, or does not say
/// what it is about, which then is a problem of its own.
pub(crate) fn read(asked: Option<&Asked>, outcome: Outcome, plan: &Plan, builder: &mut Builder) -> u64 {
    let _ = (asked, outcome, plan, builder);
    0
}
