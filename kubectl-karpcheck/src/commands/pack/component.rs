//! Makes a component of a core module and checks its imports.

use std::path::Path;

use wit_component::{ComponentEncoder, DecodedWasm, decode};

use crate::commands::pack::PackError;

/// What a pack's imports and exports begin with.
const CONTRACT: &str = "karpcheck:rules/";

/// Wraps a core module that was built against the SDK as a component, and proves that it imports nothing but the contract.
/// `file` is where the module came from, for messages.
pub(super) fn wrap(module: &[u8], file: &Path) -> Result<Vec<u8>, PackError> {
    let not_a_pack = |why: String| PackError::NotAPack { file: file.to_owned(), why };
    let component = ComponentEncoder::default()
        .module(module)
        .and_then(|encoder| encoder.validate(true).encode())
        .map_err(|error| not_a_pack(format!("{error:#}").replace('\n', " ")))?;
    prove(&component, file)?;
    Ok(component)
}

/// Proves that a component imports nothing but the contract, and exports rules.
pub(super) fn prove(component: &[u8], file: &Path) -> Result<(), PackError> {
    let not_a_pack = |why: String| PackError::NotAPack { file: file.to_owned(), why };
    let DecodedWasm::Component(resolve, world) =
        decode(component).map_err(|error| not_a_pack(format!("{error:#}").replace('\n', " ")))?
    else {
        return Err(not_a_pack("it holds a WIT package, not code".into()));
    };
    let world = &resolve.worlds[world];
    if let Some(import) =
        world.imports.keys().map(|key| resolve.name_world_key(key)).find(|name| !name.starts_with(CONTRACT))
    {
        return Err(PackError::ForeignImport { import });
    }
    if !world.exports.keys().any(|key| resolve.name_world_key(key).starts_with(CONTRACT)) {
        return Err(not_a_pack("it exports no rules".into()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_without_the_contract_is_no_pack() {
        let module = wat::parse_str("(module)").expect("valid text");
        let error = wrap(&module, Path::new("x.wasm")).expect_err("no pack");
        assert!(matches!(&error, PackError::NotAPack { why, .. } if why.contains("exports no rules")), "{error}");
    }

    #[test]
    fn a_module_with_a_foreign_import_is_refused() {
        let module =
            wat::parse_str(r#"(module (import "wasi_snapshot_preview1" "fd_write" (func)))"#).expect("valid text");
        let error = wrap(&module, Path::new("x.wasm")).expect_err("no pack");
        assert!(error.to_string().contains("wasi_snapshot_preview1"), "{error}");
    }
}
