// What is made in a project's folder: what tools write, and what is written once. The build script includes this file too: what
// it embeds of the examples is what a project's author wrote.

/// Is a file or folder of this name made?
pub(crate) fn is_made(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "target",
        "sdk",
        "wit",
        "node_modules",
        "dist",
        "__pycache__",
        "wit_world",
        "Cargo.lock",
        "package-lock.json",
    ];
    const ENDS: &[&str] = &[".wasm", ".part", ".tmp", ".venv"];
    NAMES.contains(&name) || ENDS.iter().any(|end| name.ends_with(end))
}
