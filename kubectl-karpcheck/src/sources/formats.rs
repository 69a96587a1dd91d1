//! Texts as trees of nodes, each with its place.

pub(crate) mod json;
pub(crate) mod json_value;
pub(crate) mod yaml;
