//! For a pack's build script: `fn main() { karpcheck_sdk::build::rules(); }`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Lists `src/rules/*.rs` for [`pack!`](crate::pack): each file is a rule, its id is the file's name, its page the file's
/// `//!` comment.
///
/// # Panics
///
/// Where the folder cannot be read, or a file is no rule: that ends the build, with the file and what it lacks.
pub fn rules() {
    if let Err(error) = write(&variable("CARGO_MANIFEST_DIR").join("src/rules"), &variable("OUT_DIR")) {
        panic!("{error}");
    }
}

fn variable(name: &str) -> PathBuf {
    env::var_os(name).map(PathBuf::from).unwrap_or_default()
}

fn write(folder: &Path, out: &Path) -> io::Result<()> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .map_err(|error| about(folder, &error.to_string()))?
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<_>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "rs"));
    files.sort();
    let (mut modules, mut list) = (String::new(), String::new());
    for file in &files {
        let module = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        if !is_module(module) {
            return Err(about(file, "a rule's file is named after its id, in small letters with _ between the words"));
        }
        let page = page(&fs::read_to_string(file)?);
        if page.is_empty() {
            return Err(about(file, "a rule begins with its page, a `//!` comment"));
        }
        let id = module.replace('_', "-");
        // Writing to a String does not fail.
        let _ = writeln!(modules, "#[path = {:?}]\nmod {module};", file.display().to_string());
        let _ = writeln!(list, "    ::karpcheck_sdk::Rule {{ id: {id:?}, docs: {page:?}, ..{module}::RULE }},");
    }
    let generated = format!("{modules}\npub(crate) const RULES: &[::karpcheck_sdk::Rule] = &[\n{list}];\n");
    fs::write(out.join("karpcheck_rules.rs"), generated)?;
    let mut stdout = io::stdout().lock();
    io::Write::write_all(&mut stdout, format!("cargo::rerun-if-changed={}\n", folder.display()).as_bytes())
}

fn about(file: &Path, what: &str) -> io::Error {
    io::Error::other(format!("{}: {what}", file.display()))
}

fn is_module(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '_')
}

/// The `//!` comment at the head of a file, one leading blank off each line.
fn page(source: &str) -> String {
    let mut page = String::new();
    for line in source.lines() {
        let Some(text) = line.strip_prefix("//!") else { break };
        page.push_str(text.strip_prefix(' ').unwrap_or(text));
        page.push('\n');
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_the_comment_at_the_head() {
        let source = "//! ## What it finds\n//!\n//! ```yaml\n//!   a: 1\n//! ```\n\n//! not this\nuse x;\n";
        assert_eq!(page(source), "## What it finds\n\n```yaml\n  a: 1\n```\n");
        assert_eq!(page("use x;\n"), "");
    }

    #[test]
    fn file_names_are_ids() {
        assert!(is_module("queue_aws_managed_key"));
        assert!(!is_module("Queue") && !is_module("queue-key") && !is_module("_x") && !is_module(""));
    }
}
