//! The sentences of a run, as a test may rewrite them: words are not data, and a run in other words has the same result.

/// How the host's sentences are worded: as they are written, unless a test rewrites them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wording(Option<fn(&str) -> String>);

impl Wording {
    /// Rewrites every sentence. Different sentences must stay different, and short ones short.
    pub const fn rewritten(rewrite: fn(&str) -> String) -> Self {
        Self(Some(rewrite))
    }

    /// A sentence in these words.
    pub(crate) fn of(self, sentence: String) -> String {
        match self.0 {
            Some(rewrite) => rewrite(&sentence),
            None => sentence,
        }
    }
}

/// The words make no difference between two things that are said.
impl PartialEq for Wording {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Wording {}
