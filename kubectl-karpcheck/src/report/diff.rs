//! `-o diff`: the edits of the findings as a unified diff, for `patch -p0` or `git apply -p0`.

use std::io::{self, Write};

use similar::TextDiff;

use crate::report::{Run, rows, text};

/// A file as its edits would leave it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Patched {
    /// Its path, as it was given.
    pub path: String,
    /// Its text.
    pub before: String,
    /// Its text with the edits.
    pub after: String,
}

/// An edit that no file can show.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NotShown {
    /// The number of the finding.
    pub finding: usize,
    /// Why.
    pub why: String,
}

/// A file's unified diff.
pub(super) fn text(Patched { path, before, after }: &Patched) -> String {
    let diff = TextDiff::from_lines(before.as_str(), after.as_str());
    diff.unified_diff().context_radius(3).header(path, path).to_string()
}

pub(super) fn write(
    run: &Run<'_>,
    files: &[Patched],
    not_shown: &[NotShown],
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<()> {
    for file in files {
        write!(out, "{}", text(file))?;
    }
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
    let without = findings.iter().filter(|finding| finding.edits.is_empty()).count();
    if without > 0 {
        let s = if without == 1 { " has" } else { "s have" };
        writeln!(err, "{without} finding{s} no edit that a tool can make: `-o table` says what to do")?;
    }
    Ok(())
}
