//! Where a pack is: in a file, or in a registry.

use std::ffi::OsStr;
use std::fmt;
use std::path::PathBuf;

use clap::builder::{OsStringValueParser, TypedValueParser};

use crate::formats::oci_reference::{Reference, SCHEME};

/// Where a pack is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PackSource {
    /// A component, or a folder of such.
    File(PathBuf),
    /// A name in an OCI registry.
    Registry(Reference),
}

/// The bytes of a pack in a registry.
#[derive(Debug)]
pub struct Fetched {
    /// The digest of its manifest.
    pub manifest: String,
    /// The component.
    pub component: Vec<u8>,
}

impl PackSource {
    /// A file, or `oci://` and a reference.
    ///
    /// # Errors
    /// What follows `oci://` is no reference.
    pub fn parse(written: &OsStr) -> Result<Self, String> {
        match written.to_str().filter(|text| text.starts_with(SCHEME)) {
            Some(text) => Reference::parse(text).map(Self::Registry),
            None => Ok(Self::File(written.into())),
        }
    }
}

impl fmt::Display for PackSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => write!(f, "{}", file.display()),
            Self::Registry(reference) => write!(f, "{SCHEME}{reference}"),
        }
    }
}

/// The parser of an argument that is a pack: a file's name need not be UTF-8.
pub fn source_parser() -> impl TypedValueParser<Value = PackSource> {
    OsStringValueParser::new().try_map(|written| PackSource::parse(&written))
}

/// The parser of an argument that is a pack in a registry, with `oci://` or without.
///
/// # Errors
/// It is no reference.
pub fn reference(text: &str) -> Result<Reference, String> {
    Reference::parse(text)
}

/// Gets a pack of at most so many bytes from its registry, or from the user's store of those that were pulled.
///
/// # Errors
/// Why there is none.
#[cfg(feature = "oci")]
pub fn fetch(reference: &Reference, most: u64) -> Result<Fetched, String> {
    use crate::sources::registry::{Pulled, Store, pull};
    let pulled = pull(reference, most, Store::of_user().as_ref()).map_err(|error| error.to_string())?;
    let Pulled { manifest, component } = pulled;
    Ok(Fetched { manifest, component })
}

/// There is no client of registries in this build.
///
/// # Errors
/// Always.
#[cfg(not(feature = "oci"))]
pub fn fetch(_: &Reference, _: u64) -> Result<Fetched, String> {
    Err("this build reads packs from files alone".into())
}
