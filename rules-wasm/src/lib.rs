//! The built-in rule pack.
//!
//! A file in a folder of `src/rules` is a rule of that area: its page (the `//!` comment), its metadata, its logic, its unit
//! tests. There is no list to add it to. What several rules know stands beside, in modules that are named by their subject.
//! `kubectl karpcheck pack build rules-wasm` makes the component that the binary embeds.

mod ack;
mod clusters;
mod conditions;
mod controllers;
mod crds;
mod documents;
mod ebs;
mod iam_calls;
mod interruption;
mod kms;
mod logs;
mod policy_scope;
mod readiness;
mod refusals;
mod schemas;
mod spot;
mod time;
mod versions;
mod words;

karpcheck_sdk::pack!(name = "builtin");

#[cfg(test)]
mod tests {
    use super::RULES;

    const HEADINGS: &[&str] = &[
        "## What it finds",
        "## Why it matters",
        "## How to fix it",
        "## Example that fails",
        "## Example that passes",
        "## Sources",
    ];

    /// The lines of a page's headings, outside of its examples.
    fn headings(page: &str) -> Vec<&str> {
        let mut fenced = false;
        page.lines()
            .filter(|line| {
                fenced ^= line.starts_with("```");
                !fenced && line.starts_with("## ")
            })
            .collect()
    }

    #[test]
    fn every_page_has_the_same_headings_and_both_examples() {
        for rule in RULES {
            assert_eq!(headings(rule.docs), HEADINGS, "{}", rule.id);
            for heading in ["## Example that fails", "## Example that passes"] {
                let example = rule.docs.split(heading).nth(1).and_then(|text| text.split("\n## ").next());
                assert_eq!(example.map(|text| text.matches("\n```").count()), Some(2), "{}: {heading}", rule.id);
            }
            let sources = rule.docs.split("## Sources").nth(1).unwrap_or_default();
            assert!(sources.contains("\n- "), "{} names no source", rule.id);
        }
    }

    #[test]
    fn every_rule_declares_what_it_looks_at() {
        assert_eq!(karpcheck_sdk::testing::undeclared_reads(RULES), Vec::<String>::new());
    }

    #[test]
    fn every_rule_says_what_it_is_about() {
        const AREAS: &[&str] = &["queue", "ebs", "cluster-name", "tagging", "ack", "upgrade", "readiness"];
        for rule in RULES {
            assert!(AREAS.contains(&rule.area), "{}", rule.id);
            assert!(!rule.title.is_empty() && !rule.title.ends_with('.'), "{}", rule.id);
            assert!(!rule.subjects.is_empty(), "{}", rule.id);
        }
    }
}
