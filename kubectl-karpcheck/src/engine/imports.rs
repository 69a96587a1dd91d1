//! A component's imports and exports, read from their names before any of its code runs.

use wasmparser::{ComponentExternName, Parser, Payload};

use crate::engine::contract;

/// Why a component is not a pack.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotAPack {
    /// It could reach the outside.
    #[error(
        "imports {}, and a pack may import karpcheck:rules/* and nothing else. Without WASI a Rust pack is built for \
         wasm32-unknown-unknown, a Python one with --stub-wasi, a JavaScript one with all features off",
        listed(.0)
    )]
    Imports(Vec<String>),
    /// It is made for a later contract.
    #[error("is made for karpcheck:rules@{0}, and this karpcheck serves karpcheck:rules@{major}.{minor}: it needs a newer one",
        major = contract::VERSION.0, minor = contract::VERSION.1)]
    Newer(String),
    /// It is made for a contract that is no longer served.
    #[error("is made for karpcheck:rules@{0}, which is served no more: build it again for karpcheck:rules@{major}.{minor}",
        major = contract::VERSION.0, minor = contract::VERSION.1)]
    Older(String),
    /// It has no rules.
    #[error("does not export karpcheck:rules/rules: it is a component, but no pack of rules")]
    NoRules,
    /// Plain WebAssembly.
    #[error("is a core module, not a component: `kubectl karpcheck pack build` makes a component of it")]
    CoreModule,
    /// More names than any pack has.
    #[error("imports or exports more than {0} names, and a pack has a handful")]
    Names(usize),
    /// Its components instantiate each other, and unfold to far more than it has bytes for.
    #[error("makes more than {0} instances of the modules and components inside of it")]
    Instances(u64),
    /// Its components are in components.
    #[error("nests components more than {0} levels deep")]
    Nested(usize),
    /// It hands components around, so that its instances cannot be counted.
    #[error("passes components to components, which no pack needs")]
    HigherOrder,
    /// Anything else.
    #[error("is not WebAssembly{0}")]
    NotWasm(&'static str),
    /// Compiled code.
    #[error("is compiled code, which is never taken from a file: give the .wasm that it was made of")]
    Compiled,
}

/// Names of imports, or of exports, that are looked at.
const MOST_NAMES: usize = 1_000;
/// Names in a message.
const MOST_LISTED: usize = 10;

fn listed(names: &[String]) -> String {
    let more = names.len().saturating_sub(MOST_LISTED);
    let listed = names[..names.len() - more].join(", ");
    if more > 0 { format!("{listed} and {more} more") } else { listed }
}

/// Is this a component, by its first bytes?
pub(super) fn recognise(bytes: &[u8]) -> Result<(), NotAPack> {
    if wasmtime::Engine::detect_precompiled(bytes).is_some() {
        return Err(NotAPack::Compiled);
    }
    if Parser::is_component(bytes) {
        return Ok(());
    }
    if Parser::is_core_wasm(bytes) {
        return Err(NotAPack::CoreModule);
    }
    let text = bytes.trim_ascii_start();
    Err(NotAPack::NotWasm(if bytes.is_empty() {
        ": it is empty"
    } else if text.starts_with(b"(component") || text.starts_with(b"(module") || text.starts_with(b";;") {
        ": it is its text form; `wasm-tools parse` makes the binary one"
    } else if bytes.starts_with(b"version https://git-lfs") {
        ": it is a pointer of Git LFS; `git lfs pull` fetches the file"
    } else {
        ""
    }))
}

/// Checks the names in a component's bytes, so that a component that must be rejected is not compiled first, which takes up
/// to a minute. Bytes that cannot be parsed are left to the compiler; the proof is over what it made.
pub(super) fn look(bytes: &[u8]) -> Result<(), NotAPack> {
    let Some((imports, exports)) = names(bytes) else { return Ok(()) };
    if imports.len().max(exports.len()) > MOST_NAMES {
        return Err(NotAPack::Names(MOST_NAMES));
    }
    prove(imports.iter().map(String::as_str), exports.iter().map(String::as_str))
}

/// The names of what a component imports and exports, as far as it can be parsed and up to one more than any pack may have.
pub fn interface_names(bytes: &[u8]) -> (Vec<String>, Vec<String>) {
    let line = |names: Vec<String>| names.iter().map(|name| super::text::line(name, 100)).collect();
    names(bytes).map(|(imports, exports)| (line(imports), line(exports))).unwrap_or_default()
}

fn names(bytes: &[u8]) -> Option<(Vec<String>, Vec<String>)> {
    let (mut imports, mut exports, mut depth) = (vec![], vec![], 0_u32);
    for payload in Parser::new(0).parse_all(bytes) {
        let Ok(payload) = payload else { return None };
        match payload {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                let left = (MOST_NAMES + 1).saturating_sub(imports.len());
                imports.extend(section.into_iter().flatten().take(left).map(|import| name(&import.name)));
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                let left = (MOST_NAMES + 1).saturating_sub(exports.len());
                exports.extend(section.into_iter().flatten().take(left).map(|export| name(&export.name)));
            }
            _ => {}
        }
    }
    Some((imports, exports))
}

fn name(name: &ComponentExternName<'_>) -> String {
    name.name.to_owned()
}

/// Proves by its names that a component imports at most the inventory, and exports rules of a version that is served.
pub(super) fn prove<'a>(
    imports: impl Iterator<Item = &'a str> + Clone,
    exports: impl Iterator<Item = &'a str> + Clone,
) -> Result<(), NotAPack> {
    let refused: Vec<String> = imports
        .clone()
        .filter(|name| !matches!(name.strip_prefix(contract::PACKAGE), Some(rest) if rest.starts_with('/')))
        .map(|name| super::text::line(name, 100))
        .collect();
    if !refused.is_empty() {
        return Err(NotAPack::Imports(refused));
    }
    let rules = exports.filter(|name| interface(name) == contract::EXPORT);
    let mut offered = false;
    for (name, of_rules) in imports.map(|name| (name, false)).chain(rules.map(|name| (name, true))) {
        offered |= of_rules;
        let version = name.split_once('@').and_then(|(_, version)| semver::Version::parse(version).ok());
        let Some(version) = version else { return Err(NotAPack::NoRules) };
        let track = format!("{}.{}", version.major, version.minor);
        match (version.major, version.minor).cmp(&contract::VERSION) {
            std::cmp::Ordering::Greater => return Err(NotAPack::Newer(track)),
            std::cmp::Ordering::Less => return Err(NotAPack::Older(track)),
            std::cmp::Ordering::Equal => {}
        }
    }
    if offered { Ok(()) } else { Err(NotAPack::NoRules) }
}

fn interface(name: &str) -> &str {
    name.split_once('@').map_or(name, |(interface, _)| interface)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proved(imports: &[&str], exports: &[&str]) -> Result<(), NotAPack> {
        prove(imports.iter().copied(), exports.iter().copied())
    }

    #[test]
    fn all_refused_imports_are_named() {
        let refused = proved(
            &["wasi:cli/environment@0.2.6", "karpcheck:rules/inventory@0.1.0", "env", "karpcheck:rules-evil/x@0.1.0"],
            &["karpcheck:rules/rules@0.1.0"],
        );
        let all = ["wasi:cli/environment@0.2.6", "env", "karpcheck:rules-evil/x@0.1.0"].map(String::from);
        assert_eq!(refused, Err(NotAPack::Imports(all.into())));
    }

    #[test]
    fn a_version_is_read_from_the_names() {
        let with = |version: &str| proved(&[], &[&format!("karpcheck:rules/rules@{version}")]);
        assert_eq!(with("0.1.0"), Ok(()));
        assert_eq!(with("0.1.7"), Ok(()));
        assert_eq!(with("0.3.0"), Err(NotAPack::Newer("0.3".into())));
        assert_eq!(with("1.0.0"), Err(NotAPack::Newer("1.0".into())));
        assert_eq!(with("0.0.4"), Err(NotAPack::Older("0.0".into())));
        assert_eq!(proved(&["karpcheck:rules/inventory@0.1.0"], &["other:thing/x"]), Err(NotAPack::NoRules));
        let later = proved(&["karpcheck:rules/history@0.4.0"], &["karpcheck:rules/rules@0.1.0"]);
        assert_eq!(later, Err(NotAPack::Newer("0.4".into())));
    }

    #[test]
    fn what_is_no_component_is_told_apart() {
        assert_eq!(recognise(b"\0asm\x0d\0\x01\0"), Ok(()));
        assert_eq!(recognise(b"\0asm\x01\0\0\0"), Err(NotAPack::CoreModule));
        assert_eq!(recognise(b"\x7fELF"), Err(NotAPack::NotWasm("")));
        assert!(matches!(recognise(b"  (module)"), Err(NotAPack::NotWasm(cure)) if cure.contains("wasm-tools")));
        assert!(matches!(recognise(b""), Err(NotAPack::NotWasm(cure)) if cure.contains("empty")));
    }
}
