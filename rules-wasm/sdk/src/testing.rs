//! Running rules natively, in `cargo test`.
//!
//! [`Inventory`] holds what a test gives, and says what a rule finds in it. [`undeclared_reads`] runs all rules against invented
//! answers: it does not say what a rule should find, but what it does wrong whatever it is answered. Whole files are for
//! `kubectl karpcheck pack test`, which reads them as a user's.

mod inventory;

use std::collections::BTreeSet;

use crate::finding;
use crate::host;
use crate::host::Respond;
use crate::item::Item;
use crate::pack::Rule;

pub use inventory::{Inventory, Told, ToldFinding};

/// Each rule is run so often on each kind of its subjects.
const ROUNDS: u64 = 150;

/// The kinds that rules ask for and do not declare, as `RULE: KIND`. In a unit test of a pack:
/// `assert_eq!(karpcheck_sdk::testing::undeclared_reads(RULES), Vec::<String>::new());`
///
/// Each rule is run over many inventories of invented answers, the same ones each time.
///
/// # Panics
///
/// Where a rule panics.
pub fn undeclared_reads(rules: &[Rule]) -> Vec<String> {
    let mut undeclared = BTreeSet::new();
    for rule in rules {
        for subject in 0..rule.subjects.len() {
            for seed in 0..ROUNDS {
                let oracle = Oracle::new(rule, seed);
                let subject = oracle.item_of(subject);
                let (_, oracle) = host::with(Box::new(oracle), || finding::verdict(rule, Item(subject)));
                let asked = oracle.map(|mut oracle| oracle.undeclared()).unwrap_or_default();
                undeclared.extend(asked.into_iter().map(|kind| format!("{}: {kind}", rule.id)));
            }
        }
    }
    undeclared.into_iter().collect()
}

/// Some item, to build fields of in unit tests: nothing can be asked of it.
pub const fn item() -> Item {
    Item(1)
}

/// Two items of each kind that a rule declares, and an answer to everything, the same each time it is asked.
pub(crate) struct Oracle {
    seed: u64,
    kinds: Vec<String>,
    declared: Vec<&'static str>,
    rule: Rule,
    undeclared: BTreeSet<String>,
}

/// Texts that rules look for.
const TEXTS: &[&str] = &[
    "",
    "Allow",
    "AWS",
    "False",
    "True",
    "1.4.0",
    "0.31.0",
    "Disabled",
    "owned",
    "spot",
    "In",
    "demo",
    "karpenter.sh/v1",
    "karpenter.sh/v1beta1",
    "observed",
    "2026-03-02T09:21:15Z",
    "EC2 Spot Instance Interruption Warning",
    "aws.ec2",
    "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    "alias/aws/ebs",
    "arn:aws:iam::111122223333:role/karpenter",
    "/dev/xvda",
    "Bottlerocket",
];
const CAUSES: &[&str] = &["not-provided", "refused", "failed", "symbolic", "undecidable"];
/// The last words of a pointer that stands for any.
const NAMES: &[&str] = &["0", "1", "name", "namespace"];

impl Oracle {
    fn new(rule: &Rule, seed: u64) -> Self {
        let declared = rule.declared();
        let concrete = |kind: &&str| kind.replace("/*", "/Table").replace('*', "dynamodb");
        Self {
            seed,
            kinds: declared.iter().map(concrete).collect(),
            declared,
            rule: *rule,
            undeclared: BTreeSet::new(),
        }
    }

    fn item_of(&self, kind: usize) -> u32 {
        u32::try_from(kind * 2 + 1).unwrap_or(1)
    }

    fn kind(&self, item: u32) -> &str {
        let index = usize::try_from(item).unwrap_or(1).saturating_sub(1) / 2;
        self.kinds.get(index).map_or("core/Unknown", String::as_str)
    }

    /// A number below `most`, the same for the same question.
    fn choice(&self, question: &str, most: usize) -> usize {
        let start = 0xcbf2_9ce4_8422_2325 ^ self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut hash =
            question.bytes().fold(start, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        hash ^= hash >> 29;
        hash = hash.wrapping_mul(0xbf58_476d_1ce4_e5b9);
        hash ^= hash >> 32;
        usize::try_from(hash % (most.max(1) as u64)).unwrap_or(0)
    }

    fn reason(&self, question: &str) -> host::Reason {
        host::Reason {
            cause: CAUSES[self.choice(question, CAUSES.len())].into(),
            code: String::new(),
            why: question.into(),
            settled_by: vec![],
            at: None,
        }
    }

    /// The items of a kind that is asked for.
    fn asked(&mut self, kind: &str) -> Vec<u32> {
        if !self.declared.iter().any(|declared| covers(declared, kind)) {
            self.undeclared.insert(kind.to_owned());
        }
        let fits = |index: &usize| covers(kind, &self.kinds[*index]) || self.kinds[*index] == kind;
        (0..self.kinds.len()).filter(fits).flat_map(|kind| [self.item_of(kind), self.item_of(kind) + 1]).collect()
    }

    fn answer(&self, question: &str) -> host::Answer {
        [host::Answer::Yes, host::Answer::No, host::Answer::Unknown][self.choice(question, 3)]
    }
}

impl Respond for Oracle {
    fn undeclared(&mut self) -> BTreeSet<String> {
        std::mem::take(&mut self.undeclared)
    }

    fn select(&mut self, kind: &str) -> Vec<host::Found> {
        let items = self.asked(kind);
        let most = self.choice(kind, items.len() + 1);
        let mut found: Vec<host::Found> = items.into_iter().take(most).map(host::Found::Known).collect();
        if self.choice(&format!("{kind} more"), 3) == 0 {
            found.push(host::Found::Unknown(self.reason(kind)));
        }
        found
    }

    fn get(&self, item: u32, pointer: &str) -> host::Value {
        let question = format!("{item}{pointer}");
        match pointer {
            "@kind" => host::Value::Text(self.kind(item).into()),
            "@name" => host::Value::Text(format!("karpenter-{item}")),
            _ => match self.choice(&question, 9) {
                0 | 1 => host::Value::Absent,
                2 => host::Value::Unknown(self.reason(&question)),
                3 => host::Value::Flag(self.choice(&question, 2) == 0),
                4 => host::Value::Json(["{}", "[]"][self.choice(&question, 2)].into()),
                5 => host::Value::Number(self.choice(&question, 3) as f64),
                _ => host::Value::Text(TEXTS[self.choice(&format!("{question} text"), TEXTS.len())].into()),
            },
        }
    }

    fn views(&self, item: u32, pointer: &str) -> Vec<host::Seen> {
        let at = host::Place { item, pointer: pointer.into(), note: String::new() };
        vec![host::Seen { source: "live".into(), value: self.get(item, pointer), at }]
    }

    fn open(&self, item: u32, pointer: &str) -> Option<host::Reason> {
        let question = format!("{item}{pointer} open");
        (self.choice(&question, 3) == 0).then(|| self.reason(&question))
    }

    fn matches(&self, item: u32, pointer: &str, pattern: &str) -> host::Answer {
        self.answer(&format!("{item}{pointer} {pattern}"))
    }

    fn same(&self, item: u32, pointer: &str, other: u32, other_pointer: &str) -> host::Answer {
        self.answer(&format!("{item}{pointer} {other}{other_pointer}"))
    }

    fn peers(&mut self, item: u32, _: &str, kind: &str, _: &str) -> Vec<host::Link> {
        self.referrers(item, kind)
    }

    fn find(&self, item: u32, pattern: &str) -> Vec<host::Field> {
        let question = format!("{item}{pattern} find");
        let count = self.choice(&question, 4);
        let mut fields: Vec<host::Field> = (0..count.min(2))
            .map(|index| {
                let fill = |segment: &str| match segment {
                    "**" => "a".to_owned(),
                    "*" => NAMES[(index + self.choice(&question, 3)) % NAMES.len()].to_owned(),
                    named => named.replace('*', "kmsKey"),
                };
                let at = pattern.split('/').map(fill).collect::<Vec<_>>().join("/");
                host::Field { value: self.get(item, &at), at }
            })
            .collect();
        if count == 3 {
            let known = pattern.split('*').next().unwrap_or_default().trim_end_matches('/');
            fields.push(host::Field { at: known.into(), value: host::Value::Unknown(self.reason(&question)) });
        }
        fields
    }

    fn related(&self, item: u32, pattern: &str) -> Vec<host::Link> {
        let question = format!("{item}{pattern} related");
        let at = if pattern.starts_with('@') { String::new() } else { pattern.replace('*', "0") };
        let link = |found| vec![host::Link { item: found, at: at.clone() }];
        match self.choice(&question, 6) {
            0 => vec![],
            1 => link(host::Found::Absent("key".into())),
            2 => link(host::Found::Unknown(self.reason(&question))),
            _ => {
                let items = self.kinds.len() * 2;
                link(host::Found::Known(u32::try_from(self.choice(&question, items) + 1).unwrap_or(1)))
            }
        }
    }

    fn referrers(&mut self, item: u32, kind: &str) -> Vec<host::Link> {
        let items = self.asked(kind);
        let question = format!("{item}{kind} referrers");
        let most = self.choice(&question, items.len() + 1);
        let at = ["/InterruptionQueue", "/Targets/0/Arn", ""][self.choice(&question, 3)];
        let mut links: Vec<host::Link> = items
            .into_iter()
            .take(most)
            .map(|item| host::Link { item: host::Found::Known(item), at: at.into() })
            .collect();
        if self.choice(&format!("{question} more"), 3) == 0 {
            links.push(host::Link { item: host::Found::Unknown(self.reason(&question)), at: String::new() });
        }
        links
    }

    fn decide(&self, request: &host::Request) -> host::Decision {
        let question = format!("{request:?}");
        let access =
            [host::Access::Allowed, host::Access::ImplicitDeny, host::Access::ExplicitDeny, host::Access::Unknown]
                [self.choice(&question, 4)];
        let item = u32::try_from(self.choice(&question, self.kinds.len() * 2) + 1).unwrap_or(1);
        let pointer = ["/PolicyDocument/Statement/0/Resource", "/KeyPolicy/Statement", ""][self.choice(&question, 3)];
        host::Decision {
            access,
            why: "so it is".into(),
            statements: vec![host::Place { item, pointer: pointer.into(), note: String::new() }],
            unknown: matches!(access, host::Access::Unknown).then(|| self.reason("decide")),
        }
    }

    fn setting(&self, name: &str) -> host::Value {
        let setting = self.rule.settings.iter().find(|setting| setting.name == name);
        setting.map_or(host::Value::Absent, |setting| setting.default.into())
    }
}

/// Does a declared kind stand for another?
pub(crate) fn covers(declared: &str, kind: &str) -> bool {
    declared == kind
        || declared.split_once("*").is_some_and(|(start, end)| {
            kind.len() + 1 >= declared.len()
                && kind.starts_with(start)
                && match end.strip_suffix("/*") {
                    Some(end) => kind.split_once('/').is_some_and(|(group, _)| group.ends_with(end)),
                    None => kind.ends_with(end),
                }
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prelude::*;

    const RULE: Rule = Rule { id: "bad-thing", subjects: &["core/Thing"], ..Rule::DEFAULT };

    #[test]
    fn what_a_rule_asks_for_and_does_not_declare_is_found() {
        let check = |thing: Item| {
            if thing.text("/a")?.is_some() {
                return skip();
            }
            both([all(select("core/Event"), |_| pass()), all(thing.referrers("core/Pod"), |_| pass())])
        };
        assert_eq!(undeclared_reads(&[Rule { check, ..RULE }]), ["bad-thing: core/Event", "bad-thing: core/Pod"]);
        let declared = Rule { check, reads: &["core/Pod"], reads_if_allowed: &["core/Event"], ..RULE };
        assert_eq!(undeclared_reads(&[declared]), Vec::<String>::new());
    }

    #[test]
    fn a_pattern_of_kinds_covers_them() {
        assert!(covers("*.services.k8s.aws/*", "sqs.services.k8s.aws/Queue"));
        assert!(!covers("*.services.k8s.aws/*", "karpenter.sh/NodePool") && !covers("core/Pod", "core/Pods"));
    }

    #[test]
    #[should_panic(expected = "no host")]
    fn without_an_oracle_there_is_no_host() {
        Item(1).name();
    }
}
