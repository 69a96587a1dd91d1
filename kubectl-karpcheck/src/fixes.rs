//! Edits of findings: made in memory, and in the text of files.

pub mod edit;
pub mod patch;
