//! Packs in OCI registries: components that are pulled and pushed by name.
//!
//! ```text
//! reference -> manifest (store, or registry) -> the one layer that is a component (store, or registry) -> its bytes
//! ```
//!
//! The layout is that of the CNCF for WebAssembly: one layer `application/wasm` and a configuration that says what the component
//! imports and exports. Whatever a registry answers is held to the digest that it was asked by, and to a size, before it is used.
//! The client is a few requests over the HTTP and TLS that kube brings, through the proxies of the environment; the crates that do
//! the same bring 60 more, and read answers without a bound.

mod authorities;
mod client;
mod credentials;
mod manifest;
mod store;

use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::formats::hex::hex;
pub use crate::formats::oci_reference::Reference;
use crate::sources::registry::client::{Access, Client};
use crate::sources::registry::manifest::Manifest;
pub use manifest::Interfaces;
pub use store::Store;

/// For one pack, from the first connection to the last byte.
const PATIENCE: Duration = Duration::from_secs(180);

/// A pack that was pulled.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pulled {
    /// The digest of its manifest: what `NAME@sha256:…` is.
    pub manifest: String,
    /// The component.
    pub component: Vec<u8>,
}

/// Why a registry gave, or took, no pack.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RegistryError {
    /// There is no connection.
    #[error("{registry} cannot be reached: {why}")]
    Unreachable {
        /// The host.
        registry: String,
        /// What the system or the TLS library said.
        why: String,
    },
    /// It takes too long.
    #[error("{registry} took more than {seconds} s")]
    Slow {
        /// The host.
        registry: String,
        /// The bound.
        seconds: u64,
    },
    /// The user ended the run.
    #[error("the run was interrupted")]
    Interrupted,
    /// 401 or 403.
    #[error("{registry} refused ({code}{}): `docker login {registry}` gives credentials", said(message))]
    Denied {
        /// The host.
        registry: String,
        /// The status.
        code: u16,
        /// What it said.
        message: String,
    },
    /// 404.
    #[error("{registry} has no such pack")]
    NotFound {
        /// The host.
        registry: String,
    },
    /// Another answer than was wanted.
    #[error("{registry} answered {code}{}", said(message))]
    Status {
        /// The host.
        registry: String,
        /// The status.
        code: u16,
        /// What it said.
        message: String,
    },
    /// It answered what it must not.
    #[error("{registry} answered what is not understood: {why}")]
    Garbage {
        /// The host.
        registry: String,
        /// What.
        why: String,
    },
    /// It gave other bytes than those that were asked for.
    #[error("{registry} gave {found} where {wanted} was asked for")]
    OtherDigest {
        /// The host.
        registry: String,
        /// The digest of what it gave.
        found: String,
        /// The one that it was asked by.
        wanted: String,
    },
    /// It is larger than allowed.
    #[error("it has more than {most} bytes, which is the most that is loaded")]
    TooLarge {
        /// The bound.
        most: u64,
    },
    /// The name leads to something else.
    #[error("it is no pack: {what}")]
    NotAPack {
        /// What it is.
        what: String,
    },
    /// A redirect to where nothing is sent.
    #[error("{registry} sends to {to}, which is not asked: it is not encrypted")]
    Redirected {
        /// The host.
        registry: String,
        /// Where to.
        to: String,
    },
    /// The user's credentials cannot be used.
    #[error("{why}")]
    Credentials {
        /// Why.
        why: String,
    },
    /// This machine refuses.
    #[error("this machine refuses: {why}")]
    Machine {
        /// Why.
        why: String,
    },
}

fn said(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(" {message}") }
}

/// `sha256:…` of some bytes.
pub fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(&Sha256::digest(bytes)))
}

/// Pulls a component of at most so many bytes. What has a digest and is in the store is not asked for.
///
/// # Errors
/// See [`RegistryError`].
pub fn pull(reference: &Reference, most: u64, store: Option<&Store>) -> Result<Pulled, RegistryError> {
    if let Some(pulled) = store.and_then(|store| kept(reference, most, store)) {
        return Ok(pulled);
    }
    client::run(&reference.registry, PATIENCE, async {
        let client = Client::new(reference, Access::Pull)?.settled().await?;
        let bytes = client.manifest(reference).await?;
        let manifest = digest(&bytes);
        let layer = Manifest::read(&bytes, &reference.registry)?.component(most)?;
        let component = match store.and_then(|store| store.get(&layer.digest, most)) {
            Some(component) => component,
            None => client.blob(&layer, most).await?,
        };
        if let Some(store) = store {
            store.put(&manifest, &bytes);
            store.put(&layer.digest, &component);
        }
        Ok(Pulled { manifest, component })
    })
}

/// A pack that the store has whole.
fn kept(reference: &Reference, most: u64, store: &Store) -> Option<Pulled> {
    let manifest = reference.digest.clone()?;
    let bytes = store.get(&manifest, manifest::MOST_BYTES)?;
    let layer = Manifest::read(&bytes, &reference.registry).ok()?.component(most).ok()?;
    Some(Pulled { manifest, component: store.get(&layer.digest, most)? })
}

/// Pushes a component under the tag of a reference. Returns the digest of its manifest: the same component gives the same one.
///
/// # Errors
/// See [`RegistryError`].
pub fn push(reference: &Reference, component: &[u8], interfaces: &Interfaces) -> Result<String, RegistryError> {
    let config = manifest::config(component, interfaces);
    let manifest = manifest::of(&config, component);
    let digest = digest(&manifest);
    client::run(&reference.registry, PATIENCE, async {
        let client = Client::new(reference, Access::Push)?.settled().await?;
        client.upload(&config).await?;
        client.upload(component).await?;
        client.put_manifest(reference.tag.as_deref().unwrap_or(&digest), &manifest).await
    })?;
    Ok(digest)
}
