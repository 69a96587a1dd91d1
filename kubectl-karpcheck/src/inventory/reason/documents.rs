//! Gaps of documents that stand as text in another document.

use std::sync::Arc;

super::gaps! {
    /// Of documents: what their text is not.
    pub enum Documents {
        "not-json" NotJson { error: Arc<str>, line: u32 } = "it is not valid JSON, {error} (line {line})";
        "not-json" NotAnObject = "it is not a JSON object";
    }
}
