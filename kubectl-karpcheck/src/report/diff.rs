//! `-o diff`: the edits of the findings as a unified diff, for `git apply` and `patch -p1` at the repository's root.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use similar::TextDiff;

use crate::report::{Run, rows, text};

/// A file as its edits would leave it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Patched {
    /// Its path, as it was given.
    pub path: String,
    /// Its path from the root of its repository; where there is none, from what was named.
    pub in_repository: String,
    /// Its text.
    pub before: String,
    /// Its text with the edits.
    pub after: String,
    /// The numbers of the findings whose edits changed it.
    pub findings: Vec<usize>,
}

/// A piece of text in place of another. Lines and columns count from 1, columns in characters.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Piece {
    /// The file's path from the root of its repository.
    pub path: String,
    /// Line and column of the first character that goes.
    pub start: (u32, u32),
    /// Line and column of the character behind the last that goes.
    pub end: (u32, u32),
    /// What comes instead.
    pub text: String,
}

/// What the edits of findings replace, by the finding's number.
pub type Pieces = BTreeMap<usize, Vec<Piece>>;

/// A fix that no file can show.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NotShown {
    /// The number of the finding.
    pub finding: usize,
    /// Why.
    pub why: String,
}

/// A file's unified diff, as `git diff` has it.
pub(super) fn text(Patched { in_repository, before, after, .. }: &Patched) -> String {
    let diff = TextDiff::from_lines(before.as_str(), after.as_str());
    let (old, new) = (name(&format!("a/{in_repository}")), name(&format!("b/{in_repository}")));
    diff.unified_diff().context_radius(3).header(&old, &new).to_string()
}

/// Writes the diffs of files. One that a terminal or a pipeline would take for commands is told instead.
pub(super) fn write_files(files: &[Patched], out: &mut dyn Write, err: &mut dyn Write) -> io::Result<()> {
    for file in files {
        let diff = text(file);
        let harms = |char: char| text::is_harmful(char) && !matches!(char, '\n' | '\r' | '\t');
        let command = |line: &str| text::is_command(line.get(1..).unwrap_or_default());
        if diff.contains(harms) || diff.lines().any(command) {
            let path = text::one_line(&file.path);
            writeln!(
                err,
                "not in the diff: {path}: lines next to the change contain control characters or pipeline commands"
            )?;
        } else {
            write!(out, "{diff}")?;
        }
    }
    Ok(())
}

/// A path as git writes it: what a line cannot hold is escaped in quotes. A tab ends a path with blanks, which `patch` would cut there.
fn name(path: &str) -> String {
    if !path.chars().any(|char| matches!(char, '"' | '\\') || text::is_harmful(char)) {
        return if path.contains(' ') { format!("{path}\t") } else { path.to_owned() };
    }
    let mut quoted = "\"".to_owned();
    for char in path.chars() {
        match char {
            '"' | '\\' => quoted.extend(['\\', char]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            char if text::is_harmful(char) => {
                let mut bytes = [0; 4];
                char.encode_utf8(&mut bytes).bytes().for_each(|byte| quoted.push_str(&format!("\\{byte:03o}")));
            }
            char => quoted.push(char),
        }
    }
    quoted.push('"');
    quoted
}

pub(super) fn write(
    run: &Run<'_>,
    files: &[Patched],
    not_shown: &[NotShown],
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<()> {
    write_files(files, out, err)?;
    let findings = &run.results.findings;
    let name = |number: usize| {
        let finding = &findings[number];
        text::one_line(&format!(
            "{} {} ({})",
            finding.rule,
            rows::subject(run, finding.subject),
            rows::place(run, finding)
        ))
    };
    for NotShown { finding, why } in not_shown {
        writeln!(err, "not in the diff: {}: {}", name(*finding), text::one_line(why))?;
    }
    // An empty or partial diff must not look like everything there is to do.
    let shown: BTreeSet<usize> = files.iter().flat_map(|file| &file.findings).copied().collect();
    let without = (0..findings.len()).filter(|at| findings[*at].edits.is_empty() && !shown.contains(at)).count();
    if without > 0 {
        let s = if without == 1 { " has" } else { "s have" };
        writeln!(err, "{without} finding{s} no edit that a tool can make: the table of `check` says what to do")?;
    }
    Ok(())
}
