//! The manifest of a component, and its configuration, as the CNCF's layout for WebAssembly has them.

use serde::{Deserialize, Serialize};

use crate::sources::cluster::tidy;
use crate::sources::registry::{RegistryError, digest};

/// Bytes of a manifest: what the distribution specification has every registry take.
pub(super) const MOST_BYTES: u64 = 4 << 20;

pub(super) const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(super) const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
const DOCKER_INDEX: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const CONFIG: &str = "application/vnd.wasm.config.v0+json";
const COMPONENT: &str = "application/wasm";
/// A component's layer before the layout above was settled.
const OLD_COMPONENT: &str = "application/vnd.wasm.content.layer.v1+wasm";

/// A manifest.
#[derive(Deserialize, Serialize, Debug)]
#[serde(rename_all = "camelCase")]
pub(super) struct Manifest {
    schema_version: u32,
    #[serde(default)]
    media_type: Option<String>,
    config: Option<Descriptor>,
    #[serde(default)]
    layers: Vec<Descriptor>,
}

/// What a manifest says of some bytes.
#[derive(Deserialize, Serialize, Clone, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase")]
pub(super) struct Descriptor {
    media_type: String,
    pub(super) digest: String,
    pub(super) size: u64,
}

/// What a component imports and exports.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Interfaces {
    /// `karpcheck:rules/inventory@1.0.0`.
    pub imports: Vec<String>,
    /// `karpcheck:rules/rules@1.0.0`.
    pub exports: Vec<String>,
}

impl Manifest {
    pub(super) fn read(bytes: &[u8], registry: &str) -> Result<Self, RegistryError> {
        serde_json::from_slice(bytes).map_err(|error| RegistryError::Garbage {
            registry: registry.to_owned(),
            why: format!("its manifest is none: {}", tidy(&error.to_string())),
        })
    }

    /// The one layer that is a component.
    pub(super) fn component(mut self, most: u64) -> Result<Descriptor, RegistryError> {
        let not_a_pack = |what: String| Err(RegistryError::NotAPack { what });
        if self.media_type.as_deref().is_some_and(|kind| [OCI_INDEX, DOCKER_INDEX].contains(&kind)) {
            return not_a_pack("it is a list of images for several platforms".into());
        }
        let of_component = |layer: &Descriptor| [COMPONENT, OLD_COMPONENT].contains(&&*layer.media_type);
        let (Some(layer), true) = (self.layers.pop(), self.layers.is_empty()) else {
            return not_a_pack("a pack is one layer, and it has none or several".into());
        };
        if !of_component(&layer) {
            return not_a_pack(format!("its layer is {}, and a pack's is {COMPONENT}", tidy(&layer.media_type)));
        }
        if layer.size > most {
            return Err(RegistryError::TooLarge { most });
        }
        if !crate::formats::oci_reference::is_digest(&layer.digest) {
            return not_a_pack("its layer's digest is none of SHA-256".into());
        }
        Ok(layer)
    }
}

/// The configuration of a component. It has no time of its own, so that the same component is the same manifest: `created`, which
/// the layout wants, is the epoch, as in other reproducible images.
pub(super) fn config(component: &[u8], interfaces: &Interfaces) -> Vec<u8> {
    let Interfaces { imports, exports } = interfaces;
    let config = serde_json::json!({
        "created": "1970-01-01T00:00:00Z",
        "architecture": "wasm",
        // Components are wasip2 in the layout, also those without any import of WASI.
        "os": "wasip2",
        "layerDigests": [digest(component)],
        "component": { "imports": imports, "exports": exports },
    });
    config.to_string().into_bytes()
}

/// The manifest of a component.
pub(super) fn of(config: &[u8], component: &[u8]) -> Vec<u8> {
    let descriptor = |media_type: &str, bytes: &[u8]| Descriptor {
        media_type: media_type.to_owned(),
        digest: digest(bytes),
        size: bytes.len() as u64,
    };
    let manifest = Manifest {
        schema_version: 2,
        media_type: Some(OCI_MANIFEST.to_owned()),
        config: Some(descriptor(CONFIG, config)),
        layers: vec![descriptor(COMPONENT, component)],
    };
    serde_json::to_vec(&manifest).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn component(manifest: &str, most: u64) -> Result<Descriptor, RegistryError> {
        Manifest::read(manifest.as_bytes(), "r").and_then(|manifest| manifest.component(most))
    }

    #[test]
    fn what_is_written_is_read() {
        let config = config(b"component", &Interfaces::default());
        let manifest = String::from_utf8(of(&config, b"component")).unwrap_or_default();
        let layer = component(&manifest, 9);
        assert_eq!(layer.map(|layer| (layer.digest, layer.size)), Ok((digest(b"component"), 9)));
        assert_eq!(component(&manifest, 8), Err(RegistryError::TooLarge { most: 8 }));
        let older = manifest.replace("application/wasm", OLD_COMPONENT);
        assert!(component(&older, 9).is_ok());
    }

    #[test]
    fn an_image_is_no_pack() {
        let layer = |kind: &str| format!(r#"{{"mediaType":"{kind}","digest":"{}","size":1}}"#, digest(b"x"));
        let of = |layers: &str| format!(r#"{{"schemaVersion":2,"config":{},"layers":[{layers}]}}"#, layer(CONFIG));
        let said = |manifest: &str| component(manifest, 9).unwrap_err().to_string();
        let image = of(&layer("application/vnd.oci.image.layer.v1.tar+gzip"));
        assert!(said(&image).contains("its layer is application/vnd.oci.image.layer.v1.tar+gzip"), "{}", said(&image));
        let two = of(&[layer(COMPONENT), layer(COMPONENT)].join(","));
        assert!(said(&two).contains("none or several") && said(&of("")).contains("none or several"));
        let index = format!(r#"{{"schemaVersion":2,"mediaType":"{OCI_INDEX}","manifests":[]}}"#);
        assert!(said(&index).contains("several platforms"));
        let odd = of(&layer(COMPONENT).replace("sha256:", "sha512:"));
        assert!(said(&odd).contains("none of SHA-256"));
        assert!(said("<html>").contains("its manifest is none"));
    }
}
