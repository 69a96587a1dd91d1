//! YAML and JSON as trees of nodes, each with its position in the text.
//!
//! A room of its own below `sources`, which reads documents, and `fixes`, which edits their text. It opens no file.

pub(crate) mod json;
pub(crate) mod json_value;
pub(crate) mod yaml;
