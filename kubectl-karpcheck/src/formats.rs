//! YAML and JSON as trees of nodes, each with its position in the text; names in OCI registries; bytes as digits.
//!
//! A room of its own below `sources`, which reads documents, and `fixes`, which edits their text. It opens no file.

pub(crate) mod encoding;
pub(crate) mod hex;
pub(crate) mod json;
pub(crate) mod json_value;
#[cfg_attr(
    not(feature = "oci"),
    expect(unreachable_pub, reason = "without the client of registries it stays in the crate")
)]
pub(crate) mod oci_reference;
pub(crate) mod yaml;
