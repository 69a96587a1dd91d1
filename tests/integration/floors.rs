//! The floors of the house: who may name whom. What is absent here cannot be seen in any one file, so a test looks.

use std::path::{Path, PathBuf};

mod circles;

/// Crates that only one module may name.
const DOORS: &[(&str, &str)] = &[
    ("wasmtime", "engine"),
    ("wasmparser", "engine"),
    ("kube", "sources"),
    ("k8s_openapi", "sources"),
    ("comfy_table", "report"),
];
/// The rooms from the ground up: a room uses only rooms below it, and those of one floor never use each other.
const ROOMS: &[&[&str]] = &[
    &["schema"],
    &["inventory"],
    &["formats"],
    &["iam"],
    &["karpenter"],
    &["findings"],
    &["storage"],
    &["sources", "engine", "report", "fixes", "config"],
    &["exit"],
    &["commands"],
    &["cli"],
];
/// Rooms without I/O.
const PURE: &[&str] = &["schema", "inventory", "formats", "iam", "karpenter", "findings"];
/// A name of [`OUTSIDE`] that a pure room may use all the same: how many bytes serde_json took is only seen by a reader, here one
/// over a text in memory.
const IN_MEMORY: &[(&str, &str)] = &[("formats", "std::io")];
/// What would let them reach outside.
const OUTSIDE: &[&str] = &[
    "std::fs",
    "std::net::TcpStream",
    "std::net::UdpSocket",
    "std::env",
    "std::process",
    "std::io",
    "std::time",
    "tokio",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// All Rust files below a folder, with their paths from the top level, in a fixed order.
fn sources(folder: &str) -> Vec<(String, String)> {
    let mut found = vec![];
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                if !path.ends_with("target") && !path.ends_with("node_modules") {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
                found.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// Source without its comments: prose may name anything.
fn code(source: &str) -> String {
    source.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// Does code name this path? As a whole: `kube` is not in `kubectl::x`, and a plain word counts before `::`, after
/// `use`, and inside the braces of a `use`.
fn names(source: &str, path: &str) -> bool {
    let code = code(source);
    let part = |char: char| char.is_alphanumeric() || char == '_';
    let uses: Vec<(usize, usize)> = code
        .match_indices("use ")
        .filter(|(at, _)| !code[..*at].ends_with(part))
        .map(|(at, _)| (at, code[at..].find(';').map_or(code.len(), |end| at + end)))
        .collect();
    code.match_indices(path).any(|(at, _)| {
        let end = at + path.len();
        if code[..at].ends_with(part) || code[end..].starts_with(part) {
            return false;
        }
        code[end..].starts_with("::")
            || path.contains("::")
            || uses.iter().any(|(from, to)| (*from..*to).contains(&at) && !code[..at].trim_end().ends_with(" as"))
    })
}

/// The module at the top of a library's path: `engine` of `kubectl-karpcheck/src/engine/store.rs`.
fn floor(path: &str) -> &str {
    let inside = path.strip_prefix("kubectl-karpcheck/src/").unwrap_or_default();
    inside.split('/').next().unwrap_or_default().trim_end_matches(".rs")
}

#[test]
fn a_crate_behind_a_door_is_named_by_one_module_only() {
    let mut broken = vec![];
    for (path, source) in sources("kubectl-karpcheck/src") {
        for (name, door) in DOORS {
            if floor(&path) != *door && names(&source, name) {
                broken.push(format!("{path} names {name}, which only {door} may"));
            }
        }
    }
    assert_eq!(broken, Vec::<String>::new());
}

/// The floor that a room is on.
fn storey(room: &str) -> Option<usize> {
    ROOMS.iter().position(|rooms| rooms.contains(&room))
}

#[test]
fn a_room_uses_only_rooms_below_it() {
    let mut broken = vec![];
    for (path, source) in sources("kubectl-karpcheck/src") {
        let room = floor(&path);
        let Some(own) = storey(room) else { continue };
        for other in ROOMS.iter().flat_map(|rooms| rooms.iter()).filter(|other| **other != room) {
            let above = storey(other).is_some_and(|storey| storey >= own);
            if above && (names(&source, &format!("crate::{other}")) || grouped(&source, other)) {
                broken.push(format!("{path} uses {other}, which is not below {room}"));
            }
        }
    }
    assert_eq!(broken, Vec::<String>::new());
}

/// Is a module imported by a `use crate::{…}`?
fn grouped(source: &str, module: &str) -> bool {
    let code = code(source);
    code.split("use crate::{").skip(1).any(|rest| {
        let inside = rest.split(';').next().unwrap_or_default();
        inside.split(|char: char| !(char.is_alphanumeric() || char == '_')).any(|word| word == module)
    })
}

#[test]
fn pure_rooms_reach_nothing_outside() {
    let mut broken = vec![];
    for (path, source) in sources("kubectl-karpcheck/src").into_iter().filter(|(path, _)| PURE.contains(&floor(path))) {
        for name in OUTSIDE.iter().chain(DOORS.iter().map(|(name, _)| name)) {
            if names(&source, name) && !IN_MEMORY.contains(&(floor(&path), name)) {
                broken.push(format!("{path} names {name}"));
            }
        }
    }
    assert_eq!(broken, Vec::<String>::new());
}

#[test]
fn iam_evaluates_and_knows_no_karpenter() {
    let named: Vec<String> = sources("kubectl-karpcheck/src/iam")
        .into_iter()
        .map(|(path, source)| (path, code(source.split("#[cfg(test)]").next().unwrap_or_default())))
        .filter(|(_, code)| {
            let code = code.to_ascii_lowercase();
            ["karpenter", "karpcheck::"].iter().any(|word| code.contains(word))
        })
        .map(|(path, _)| path)
        .collect();
    assert_eq!(named, Vec::<String>::new());
}

#[test]
fn the_newest_release_of_karpenter_is_written_once() {
    // Rows that say since when something is so name releases, too.
    const ROWS: &[&str] = &["rules-wasm/src/rules/upgrade/crd_outdated.rs"];
    let (major, minor) = kubectl_karpcheck::karpenter::releases::NEWEST;
    let newest = [format!("({major}, {minor})"), format!("\"{major}.{minor}"), format!("{major}_{minor}")];
    let all = ["kubectl-karpcheck/src", "rules-wasm/src"].into_iter().flat_map(sources);
    let named: Vec<String> = all
        .filter(|(path, _)| !ROWS.contains(&path.as_str()))
        .map(|(path, source)| (path, code(source.split("#[cfg(test)]").next().unwrap_or_default())))
        .filter(|(_, code)| newest.iter().any(|newest| code.contains(newest)))
        .map(|(path, _)| path)
        .collect();
    assert_eq!(named, ["kubectl-karpcheck/src/karpenter/releases.rs"]);
}

#[test]
fn modules_are_files_of_their_own_name() {
    let all = ["kubectl-karpcheck", "rules-wasm", "tests"].into_iter().flat_map(sources);
    let found: Vec<String> = all.map(|(path, _)| path).filter(|path| path.ends_with("/mod.rs")).collect();
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn every_test_file_is_named_in_main() {
    let main = std::fs::read_to_string(root().join("tests/integration/main.rs")).unwrap();
    let forgotten: Vec<String> = sources("tests/integration")
        .into_iter()
        .filter_map(|(path, _)| path.strip_prefix("tests/integration/")?.strip_suffix(".rs").map(str::to_owned))
        .filter(|name| !name.contains('/') && name != "main")
        .filter(|name| !main.lines().any(|line| line.trim() == format!("mod {name};")))
        .collect();
    assert_eq!(forgotten, Vec::<String>::new());
}

#[test]
fn the_search_finds_what_it_must_and_nothing_else() {
    for (source, name) in [
        ("use kube::Client;", "kube"),
        ("let x = kube::Client::new();", "kube"),
        ("use {std::fmt, kube};", "kube"),
        ("fn f() { std::fs::read(p) }", "std::fs"),
        ("use std::fs;", "std::fs"),
        ("use crate::engine::Pack;", "crate::engine"),
    ] {
        assert!(names(source, name), "{source}");
    }
    for (source, name) in [
        ("// kube::Client does it", "kube"),
        ("use kubectl_karpcheck::inventory;", "kube"),
        ("let kube = 1;", "kube"),
        ("use std::fsx;", "std::fs"),
        ("use crate::engines::Pack;", "crate::engine"),
    ] {
        assert!(!names(source, name), "{source}");
    }
    assert!(grouped("use crate::{\n    engine::Pack,\n    model,\n};", "engine"));
    assert!(!grouped("use crate::{model, report::Run};\nfn engine() {}", "engine"));
}
