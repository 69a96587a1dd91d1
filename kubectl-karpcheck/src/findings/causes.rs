//! Which findings follow from which.

use std::collections::{BTreeSet, HashMap};

use crate::findings::finding::{CheckResults, Finding, Outcome, RuleInfo};
use crate::inventory::id::ItemId;

/// The failures of each rule by what they are about, in the order of the findings.
#[derive(Default)]
struct ByItem<'a> {
    subjects: HashMap<(&'a str, ItemId), Vec<usize>>,
    related: HashMap<(&'a str, ItemId), Vec<usize>>,
}

impl<'a> ByItem<'a> {
    fn new(findings: &'a [Finding]) -> Self {
        let mut index = Self::default();
        for (at, finding) in findings.iter().enumerate().filter(|(_, finding)| finding.outcome == Outcome::Fail) {
            index.subjects.entry((&finding.rule, finding.subject)).or_default().push(at);
            for item in spoken_of(finding) {
                index.related.entry((&finding.rule, item)).or_default().push(at);
            }
        }
        index
    }

    /// The failures of a rule that are about the same as a finding: about its subject, about what it speaks of, or they speak
    /// of its subject.
    fn about_the_same<'b>(&'b self, rule: &'b str, finding: &Finding) -> impl Iterator<Item = usize> + 'b {
        let own = self.subjects.get(&(rule, finding.subject)).into_iter();
        let spoken = spoken_of(finding).into_iter().filter_map(move |item| self.subjects.get(&(rule, item)));
        let speaking = self.related.get(&(rule, finding.subject)).into_iter();
        own.chain(spoken).chain(speaking).flatten().copied()
    }
}

fn spoken_of(finding: &Finding) -> BTreeSet<ItemId> {
    finding.related.iter().map(|place| place.item).collect()
}

impl CheckResults {
    /// Says of each finding which other one it follows from: one of a rule that the finding, or else its rule, names as a
    /// cause (`follows`), about the same item, or about one of which either speaks, and about the same actions where both
    /// name some (`actions`).
    pub fn trace(&mut self, rules: &[RuleInfo]) {
        let rules: HashMap<&str, &RuleInfo> = rules.iter().map(|rule| (rule.id.as_str(), rule)).collect();
        let index = ByItem::new(&self.findings);
        let cause = |finding: &Finding| {
            let rule = rules.get(finding.rule.as_str()).filter(|_| finding.outcome == Outcome::Fail)?;
            let own = finding.property("follows").map(|rules| rules.split_whitespace().collect::<Vec<&str>>());
            let follows = own.unwrap_or_else(|| rule.follows().collect());
            follows.into_iter().find_map(|cause| {
                let fits = |at: &usize| {
                    let other = &self.findings[*at];
                    // What is worse must not disappear under what is less bad.
                    other.severity >= finding.severity && share_an_action(finding, other)
                };
                index.about_the_same(cause, finding).filter(fits).min()
            })
        };
        let causes: Vec<Option<usize>> = self.findings.iter().map(cause).collect();
        for (finding, root) in self.findings.iter_mut().zip(roots(&causes)) {
            finding.follows = root;
        }
    }
}

/// Where each chain of causes ends. A chain of none, and one that leads into a circle, end nowhere.
fn roots(causes: &[Option<usize>]) -> Vec<Option<usize>> {
    /// Of a finding that was looked at: where its chain ends, once that is known.
    #[derive(Clone, Copy, PartialEq)]
    enum End {
        NotSeen,
        OnTheWay,
        At(usize),
        Nowhere,
    }
    let mut ends = vec![End::NotSeen; causes.len()];
    for start in 0..causes.len() {
        let (mut way, mut at) = (vec![], start);
        let end = loop {
            match (ends[at], causes[at]) {
                (End::NotSeen, Some(next)) => {
                    ends[at] = End::OnTheWay;
                    way.push(at);
                    at = next;
                }
                (End::NotSeen, None) => break End::At(at),
                (End::OnTheWay, _) => break End::Nowhere,
                (end, _) => break end,
            }
        };
        for passed in way {
            ends[passed] = end;
        }
    }
    let of = |(at, end): (usize, End)| match end {
        End::At(root) if root != at => Some(root),
        _ => None,
    };
    ends.into_iter().enumerate().map(of).collect()
}

/// Can they be about one refusal? Where both say which actions they are about, these must meet; AWS writes them in any case.
fn share_an_action(one: &Finding, other: &Finding) -> bool {
    let (Some(one), Some(other)) = (one.property("actions"), other.property("actions")) else { return true };
    one.split(',').any(|one| other.split(',').any(|other| one.eq_ignore_ascii_case(other)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::finding::{BUILTIN, Confidence, Severity};
    use crate::inventory::item::Place;

    fn rule(id: &str, follows: &str) -> RuleInfo {
        RuleInfo { properties: vec![("follows".into(), follows.into())], ..RuleInfo::named(BUILTIN, id) }
    }

    fn finding(rule: &str, subject: u32, related: &[u32], outcome: Outcome) -> Finding {
        let place = |item: &u32| Place { item: ItemId(*item), pointer: String::new(), note: String::new() };
        Finding {
            rule: rule.into(),
            area: "queue".into(),
            subject: ItemId(subject),
            pointer: String::new(),
            outcome,
            severity: Severity::Error,
            confidence: Confidence::High,
            reason: None,
            reason_at: None,
            message: String::new(),
            remediation: String::new(),
            related: related.iter().map(place).collect(),
            edits: vec![],
            group: String::new(),
            properties: vec![],
            cure: None,
            fingerprint: String::new(),
            follows: None,
            scopes: vec![],
        }
    }

    #[test]
    fn consequences_lead_to_the_root() {
        let rules = [
            rule("key", ""),
            rule("decrypt", "key"),
            rule("delivery", "nothing decrypt key"),
            rule("a", "b"),
            rule("b", "a"),
        ];
        let mut results = CheckResults {
            findings: vec![
                finding("delivery", 1, &[3], Outcome::Fail),
                finding("decrypt", 3, &[1], Outcome::Fail),
                finding("key", 1, &[], Outcome::Fail),
                // Another queue.
                finding("delivery", 2, &[], Outcome::Fail),
                // A circle.
                finding("a", 1, &[], Outcome::Fail),
                finding("b", 1, &[], Outcome::Fail),
                // What is not decided is no consequence.
                finding("decrypt", 1, &[], Outcome::Unknown),
            ],
            ..CheckResults::default()
        };
        results.trace(&rules);
        let follows: Vec<Option<usize>> = results.findings.iter().map(|finding| finding.follows).collect();
        assert_eq!(follows, [Some(2), Some(2), None, None, None, None, None]);
    }

    #[test]
    fn a_finding_names_its_causes_better_than_its_rule_and_actions_must_meet() {
        let with = |finding: Finding, properties: &[(&str, &str)]| Finding {
            properties: properties.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            ..finding
        };
        let denied = finding("denied", 1, &[2], Outcome::Fail);
        let cause = |actions| with(finding("missing", 2, &[], Outcome::Fail), &[("actions", actions)]);
        let mut results = CheckResults {
            findings: vec![
                with(denied.clone(), &[("actions", "sqs:getqueueurl")]),
                with(denied.clone(), &[("actions", "ec2:RunInstances"), ("follows", "")]),
                with(denied.clone(), &[("actions", "ec2:CreateTags")]),
                denied,
                cause("sqs:GetQueueUrl,sqs:ReceiveMessage"),
                cause("ec2:RunInstances"),
            ],
            ..CheckResults::default()
        };
        results.trace(&[rule("missing", ""), rule("denied", "missing")]);
        let follows: Vec<Option<usize>> = results.findings.iter().map(|finding| finding.follows).collect();
        assert_eq!(follows, [Some(4), None, None, Some(4), None, None]);
    }

    #[test]
    fn what_is_worse_is_no_consequence() {
        let mut results = CheckResults {
            findings: vec![
                finding("decrypt", 1, &[], Outcome::Fail),
                Finding { severity: Severity::Info, ..finding("key", 1, &[], Outcome::Fail) },
            ],
            ..CheckResults::default()
        };
        results.trace(&[rule("key", ""), rule("decrypt", "key")]);
        assert_eq!(results.findings[0].follows, None);
    }

    /// The definition, finding by finding.
    fn cause_of(findings: &[Finding], rules: &[RuleInfo], finding: &Finding) -> Option<usize> {
        let rule = rules.iter().find(|rule| rule.id == finding.rule).filter(|_| finding.outcome == Outcome::Fail)?;
        let speaks = |one: &Finding, other: &Finding| one.related.iter().any(|place| place.item == other.subject);
        rule.follows().find_map(|cause| {
            findings.iter().position(|other| {
                other.rule == cause
                    && other.outcome == Outcome::Fail
                    && other.severity >= finding.severity
                    && (one_subject(finding, other) || speaks(finding, other) || speaks(other, finding))
            })
        })
    }

    fn one_subject(one: &Finding, other: &Finding) -> bool {
        one.subject == other.subject
    }

    #[test]
    fn the_index_finds_what_the_definition_says() {
        let rules = [rule("a", ""), rule("b", "a"), rule("c", "b a"), rule("d", "e c"), rule("e", "d")];
        // A generator of Lehmer's, so that each run tries the same.
        let mut seed = 7_u64;
        let mut next = |below: u64| {
            seed = seed * 48_271 % 2_147_483_647;
            u32::try_from(seed % below).unwrap()
        };
        let mut results = CheckResults::default();
        for _ in 0..400 {
            let related: Vec<u32> = (0..next(3)).map(|_| next(120)).collect();
            let outcome = if next(5) == 0 { Outcome::Unknown } else { Outcome::Fail };
            let one = finding(&rules[next(5) as usize].id, next(120), &related, outcome);
            let severity = if next(3) == 0 { Severity::Warning } else { Severity::Error };
            results.findings.push(Finding { severity, ..one });
        }
        let causes: Vec<Option<usize>> =
            results.findings.iter().map(|finding| cause_of(&results.findings, &rules, finding)).collect();
        assert!(causes.iter().flatten().count() > 50);
        results.trace(&rules);
        let ends = |start: usize| {
            let chain = std::iter::successors(Some(start), |at| causes[*at]).take(causes.len() + 1).collect::<Vec<_>>();
            chain.last().copied().filter(|end| chain.len() <= causes.len() && *end != start)
        };
        for (at, finding) in results.findings.iter().enumerate() {
            assert_eq!(finding.follows, ends(at), "{at}");
        }
    }
}
