//! The user's own command, to be run again with something added.

use std::ffi::OsString;

use crate::findings::next_step::NextStep;

/// Flags with a value that must not be repeated in a report: a secret, or what only fits this run.
const LEFT_OUT: &[&str] = &["--token", "--password", "-o", "--output", "--write-baseline"];
/// Flags without one that change something.
const CHANGING: &[&str] = &["--yes", "-y", "--dry-run", "--write-policy-reports"];
/// A longer command is named, not repeated.
const LONGEST: usize = 300;

/// What was typed behind `kubectl karpcheck`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Invocation {
    words: Vec<String>,
}

impl Invocation {
    /// Of the words behind the program's name.
    pub fn new(words: impl IntoIterator<Item = OsString>) -> Self {
        let mut kept = vec![];
        let mut words = words.into_iter().map(|word| word.to_string_lossy().into_owned());
        while let Some(word) = words.next() {
            if LEFT_OUT.contains(&word.as_str()) {
                words.next();
            } else if word == "fix" && kept.is_empty() {
                // What would settle something is asked of `check`, and changes nothing.
                kept.push("check".to_owned());
            } else if !CHANGING.contains(&word.as_str()) && !LEFT_OUT.iter().any(|flag| is_with_value(&word, flag)) {
                kept.push(word);
            }
        }
        Self { words: kept }
    }

    /// Was AWS to be asked, whether or not it answered?
    pub(super) fn asks_aws(&self) -> bool {
        self.words.iter().any(|word| word == "--aws")
    }

    /// The command that takes a step: this one with something added, or one of its own.
    pub(super) fn next(&self, step: &NextStep) -> String {
        match step {
            NextStep::Flag(flag) => self.with(flag, &[]),
            NextStep::Context => self.with("--context CONTEXT", &["--offline"]),
            NextStep::Aws => self.with("--aws", &[]),
            NextStep::Command(line) => line.clone(),
        }
    }

    fn with(&self, added: &str, without: &[&str]) -> String {
        let words = self.words.iter().filter(|word| !without.contains(&word.as_str()));
        let mut line = "kubectl karpcheck".to_owned();
        for word in words {
            line.push(' ');
            line.push_str(&quoted(word));
        }
        if line.len() > LONGEST {
            return format!("the same command with {added}");
        }
        // A flag alone is one of `check`, which may be left out.
        format!("{line} {added}")
    }
}

/// `--token=x`, `-ojson`.
fn is_with_value(word: &str, flag: &str) -> bool {
    word.strip_prefix(flag)
        .is_some_and(|rest| if flag.starts_with("--") { rest.starts_with('=') } else { !rest.is_empty() })
}

/// A word as a POSIX shell reads it back.
fn quoted(word: &str) -> String {
    let plain = |char: char| char.is_ascii_alphanumeric() || "-_./:=@,+%".contains(char);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(words: &[&str]) -> Invocation {
        Invocation::new(words.iter().map(OsString::from))
    }

    #[test]
    fn the_same_command_with_a_flag() {
        let check = typed(&["check", "--offline", "-f", "my files", "-o", "json", "--token=abc", "--token", "abc"]);
        assert_eq!(check.next(&NextStep::Aws), "kubectl karpcheck check --offline -f 'my files' --aws");
        assert_eq!(check.next(&NextStep::Context), "kubectl karpcheck check -f 'my files' --context CONTEXT");
        let secrets = ["--password", "p", "--password=p", "--token", "t", "--username", "u"];
        assert_eq!(typed(&secrets).next(&NextStep::Aws), "kubectl karpcheck --username u --aws");
        let writes = ["check", "--write-baseline", "b.json", "--write-baseline=b.json", "--write-policy-reports"];
        assert_eq!(typed(&writes).next(&NextStep::Aws), "kubectl karpcheck check --aws");
        let fix = typed(&["fix", "--yes", "--offline", "-f", "."]);
        assert_eq!(fix.next(&NextStep::Aws), "kubectl karpcheck check --offline -f . --aws");
        assert_eq!(typed(&[]).next(&NextStep::Aws), "kubectl karpcheck --aws");
        assert_eq!(
            typed(&["-ojson", "-f", "it's"]).next(&NextStep::Flag("--account ID")),
            r"kubectl karpcheck -f 'it'\''s' --account ID"
        );
    }

    #[test]
    fn a_very_long_command_is_not_repeated() {
        let many: Vec<String> = (0..100).map(|number| format!("file-{number}.yaml")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(typed(&many).next(&NextStep::Aws), "the same command with --aws");
    }
}
