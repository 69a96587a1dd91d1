//! Findings that are accepted: by a comment beside the source, an annotation of an object, the configuration or a baseline.

use std::fmt;

/// The annotation of an object that accepts findings of it: a line for each.
pub const ANNOTATION: &str = "karpcheck.dev/ignore";

/// Was an annotation of this name meant to accept something, though it is called otherwise?
pub fn is_like_annotation(name: &str) -> bool {
    let word = name.split_once('/').filter(|(prefix, _)| prefix.contains("karpcheck")).map(|(_, word)| word);
    name != ANNOTATION
        && word.is_some_and(|word| ["ignor", "disabl", "skip", "suppress"].iter().any(|meant| word.starts_with(meant)))
}

/// Where it stands that a finding is accepted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum SuppressionSource {
    /// A comment in the source.
    Comment,
    /// An annotation of the object.
    Annotation,
    /// The configuration.
    Config,
    /// A report of an earlier run.
    Baseline,
}

impl SuppressionSource {
    /// Its name in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Comment => "comment",
            Self::Annotation => "annotation",
            Self::Config => "config",
            Self::Baseline => "baseline",
        }
    }

    /// By its name in reports.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Comment, Self::Annotation, Self::Config, Self::Baseline]
            .into_iter()
            .find(|source| source.as_str() == name)
    }
}

/// That, why and until when findings are accepted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Suppression {
    /// Where it stands.
    pub source: SuppressionSource,
    /// `queue.yaml:3:1`, for a reader.
    pub place: String,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: Option<String>,
    /// The last day on which it counts: `2027-01-31`.
    pub expires: Option<String>,
}

/// What a comment or a line of an annotation says: `RULE[,RULE] reason="…" [owner=…] [expires=2027-01-31]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Directive {
    /// The rules.
    pub rules: Vec<String>,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: Option<String>,
    /// The last day on which it counts, as it is written.
    pub expires: Option<String>,
}

/// What is wrong with a directive.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum DirectiveFault {
    /// It is written otherwise than what suppresses.
    Misspelt,
    /// An annotation of another name.
    MisspeltAnnotation,
    /// It names no rule.
    NoRule,
    /// It has no reason.
    NoReason,
    /// A word that is no `name=value`, or of another name.
    Unknown(String),
    /// A quote that does not end.
    Unquoted,
}

impl fmt::Display for DirectiveFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Misspelt => f.write_str("write it as # karpcheck:ignore RULE reason=\"…\""),
            Self::MisspeltAnnotation => write!(f, "the annotation is called {ANNOTATION}"),
            Self::NoRule => f.write_str("it names no rule: karpcheck:ignore RULE reason=\"…\""),
            Self::NoReason => f.write_str("it gives no reason: add reason=\"…\""),
            Self::Unknown(word) => {
                write!(f, "`{word}` is not reason=, owner= or expires=, and a text with spaces needs quotes")
            }
            Self::Unquoted => f.write_str("a quote is not closed"),
        }
    }
}

impl Directive {
    /// Reads one.
    ///
    /// # Errors
    /// It cannot be read, and accepts nothing.
    pub fn parse(text: &str) -> Result<Self, DirectiveFault> {
        let mut words = words(text)?.into_iter().peekable();
        let mut rules = words.next().filter(|first| !first.contains('=')).ok_or(DirectiveFault::NoRule)?;
        // A space may follow a comma.
        while rules.ends_with(',') {
            let Some(rule) = words.next_if(|word| !word.contains('=')) else { break };
            rules.push_str(&rule);
        }
        let rules: Vec<String> = rules.split(',').filter(|rule| !rule.is_empty()).map(str::to_owned).collect();
        let (mut reason, mut owner, mut expires) = (None, None, None);
        for word in words {
            let slot = match word.split_once('=') {
                Some(("reason", value)) => (&mut reason, value),
                Some(("owner", value)) => (&mut owner, value),
                Some(("expires", value)) => (&mut expires, value),
                _ => return Err(DirectiveFault::Unknown(word)),
            };
            *slot.0 = Some(slot.1.to_owned());
        }
        let reason = reason.filter(|reason| !reason.trim().is_empty()).ok_or(DirectiveFault::NoReason)?;
        Ok(Self { rules, reason, owner, expires })
    }
}

/// The words of a line, without their quotes; what is quoted may have spaces.
fn words(text: &str) -> Result<Vec<String>, DirectiveFault> {
    let (mut words, mut word, mut quote) = (vec![], String::new(), None);
    for char in text.chars() {
        match (quote, char) {
            (Some(open), char) if open == char => quote = None,
            (None, '"' | '\'') if word.ends_with('=') => quote = Some(char),
            (None, char) if char.is_whitespace() => {
                words.extend(Some(std::mem::take(&mut word)).filter(|word| !word.is_empty()))
            }
            (_, char) => word.push(char),
        }
    }
    if quote.is_some() {
        return Err(DirectiveFault::Unquoted);
    }
    words.extend(Some(word).filter(|word| !word.is_empty()));
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directive_has_rules_and_a_reason() {
        let directive =
            Directive::parse("a,platform/b reason=\"it's a lab\" owner='team a' expires=2027-01-31").unwrap();
        assert_eq!(directive.rules, ["a", "platform/b"]);
        assert_eq!((&*directive.reason, directive.owner.as_deref()), ("it's a lab", Some("team a")));
        assert_eq!(directive.expires.as_deref(), Some("2027-01-31"));
        for (name, is_like) in [
            (ANNOTATION, false),
            ("karpcheck.dev/ignored", true),
            ("karpcheck.io/ignore", true),
            ("karpcheck.dev/last-run", false),
            ("example.com/ignore", false),
        ] {
            assert_eq!(is_like_annotation(name), is_like, "{name}");
        }
        let spaced = Directive::parse("a, b,c reason=x").unwrap();
        assert_eq!(spaced.rules, ["a", "b", "c"]);
        for (text, fault) in [
            ("", DirectiveFault::NoRule),
            ("reason=x", DirectiveFault::NoRule),
            ("a", DirectiveFault::NoReason),
            ("a reason=\" \"", DirectiveFault::NoReason),
            ("a reason=x until=2027", DirectiveFault::Unknown("until=2027".into())),
            ("a because it is", DirectiveFault::Unknown("because".into())),
            ("a reason=\"x", DirectiveFault::Unquoted),
        ] {
            assert_eq!(Directive::parse(text), Err(fault), "{text}");
        }
    }
}
