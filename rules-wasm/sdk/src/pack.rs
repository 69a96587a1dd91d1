//! Rules and the pack that exports them.

use std::sync::Once;

use crate::finding::{self, Check, Confidence, Severity};
use crate::item::{self, Item};
use crate::value::Unknown;
use crate::wit::exports::karpcheck::rules::rules as out;

/// A rule: what it is about, and the function that judges.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Kebab-case, names the defect. [`pack!`](crate::pack) sets it to the file's name.
    pub id: &'static str,
    /// The group it is listed and selected under: `queue`, `ebs`, or one of your own. [`pack!`](crate::pack) sets it to the
    /// name of the folder that the file is in, if it is in one.
    pub area: &'static str,
    /// The defect in one line, without a full stop.
    pub title: &'static str,
    /// The page for `explain`, markdown. [`pack!`](crate::pack) sets it to the file's `//!` comment.
    pub docs: &'static str,
    /// How bad it is, at its worst.
    pub severity: Severity,
    /// Does it run when the configuration does not say?
    pub enabled: bool,
    /// The kinds that it judges, one call an item. `*.services.k8s.aws/*` stands for all matching kinds.
    pub subjects: &'static [&'static str],
    /// Further kinds that it looks at by itself.
    pub reads: &'static [&'static str],
    /// What the functions that it shares with other rules look at: a module that asks for kinds says which, as a constant
    /// beside them (`uses: &[interruption::READS]`). A subject, and a kind that is read if allowed, stay what they are.
    pub uses: &'static [&'static [&'static str]],
    /// Kinds that sharpen its verdict and that a careful owner may refuse.
    pub reads_if_allowed: &'static [&'static str],
    /// The Karpenter versions that it is about (`>=0.32, <2`); empty for any.
    pub karpenter: &'static str,
    /// What its users may set.
    pub settings: &'static [Setting],
    /// What the host understands beside the rest: `follows` names, separated by spaces, the rules whose findings explain
    /// those of this rule where both are about one item; the report then leads with the cause. `across` with `clusters` says that the rule compares clusters, so that
    /// `merge` judges it anew over the clusters of all reports.
    pub properties: &'static [(&'static str, &'static str)],
    /// Is it about this subject, and how sure is what it says then? None skips the subject. What it says holds for every
    /// finding that does not say otherwise.
    pub applies: fn(Item) -> Option<Confidence>,
    /// Judges one subject. The verdict must depend on the inventory alone.
    pub check: fn(Item) -> Check,
}

impl Rule {
    /// A rule that says nothing: what a rule does not set, it takes from here (`..Rule::DEFAULT`).
    pub const DEFAULT: Self = Self {
        id: "",
        area: "custom",
        title: "",
        docs: "",
        severity: Severity::Error,
        enabled: true,
        subjects: &[],
        reads: &[],
        uses: &[],
        reads_if_allowed: &[],
        karpenter: "",
        settings: &[],
        properties: &[],
        applies: |_| Some(Confidence::High),
        check: |_| finding::skip(),
    };

    /// All further kinds that it looks at.
    fn all_reads(&self) -> Vec<&'static str> {
        let mut kinds: Vec<&str> = self.reads.to_vec();
        for kind in self.uses.concat() {
            if !kinds.contains(&kind) && !self.subjects.contains(&kind) && !self.reads_if_allowed.contains(&kind) {
                kinds.push(kind);
            }
        }
        kinds
    }

    /// All kinds that the host will show it.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn declared(&self) -> Vec<&'static str> {
        [self.subjects, &self.all_reads(), self.reads_if_allowed].concat()
    }
}

/// Something that a rule's users may set; [`setting`](crate::setting) reads it.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Kebab-case.
    pub name: &'static str,
    /// One or two sentences of markdown.
    pub docs: &'static str,
    /// What holds where it is not set. Its shape is the setting's type.
    pub default: SettingDefault,
}

/// The default of a [`Setting`].
#[derive(Clone, Copy, Debug)]
pub enum SettingDefault {
    /// None, of a text.
    Absent,
    /// A text.
    Text(&'static str),
    /// A number.
    Number(f64),
    /// True or false.
    Flag(bool),
    /// A list or an object as JSON.
    Json(&'static str),
}

impl From<SettingDefault> for out::Value {
    fn from(default: SettingDefault) -> Self {
        match default {
            SettingDefault::Absent => Self::Absent,
            SettingDefault::Text(text) => Self::Text(text.into()),
            SettingDefault::Number(number) => Self::Number(number),
            SettingDefault::Flag(flag) => Self::Flag(flag),
            SettingDefault::Json(json) => Self::Json(json.into()),
        }
    }
}

/// The export `describe`.
#[doc(hidden)]
pub fn describe(name: &str, version: &str, rules: &[Rule]) -> out::Description {
    let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
    let rule = |rule: &Rule| out::Rule {
        id: rule.id.into(),
        area: rule.area.into(),
        title: rule.title.into(),
        docs: rule.docs.into(),
        severity: rule.severity,
        enabled: rule.enabled,
        subjects: texts(rule.subjects),
        reads: texts(&rule.all_reads()),
        reads_if_allowed: texts(rule.reads_if_allowed),
        karpenter: rule.karpenter.into(),
        settings: rule
            .settings
            .iter()
            .map(|setting| out::Setting {
                name: setting.name.into(),
                docs: setting.docs.into(),
                default: setting.default.into(),
            })
            .collect(),
        properties: rule.properties.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
    };
    out::Description {
        // Crates may have `_` in their names, packs have not.
        name: name.replace('_', "-"),
        version: version.into(),
        rules: rules.iter().map(rule).collect(),
        properties: vec![],
    }
}

/// The export `check`.
#[doc(hidden)]
pub fn check(rules: &[Rule], id: &str, subject: u32) -> out::Verdict {
    // Without it a panic reaches the user as "unreachable" and nothing else.
    static HOOK: Once = Once::new();
    HOOK.call_once(|| std::panic::set_hook(Box::new(|crash| item::log(&crash.to_string()))));
    match rules.iter().find(|rule| rule.id == id) {
        Some(rule) => finding::verdict(rule, Item(subject)),
        None => out::Verdict::Unknown(Unknown::undecidable(format!("this pack has no rule {id}")).into()),
    }
}

/// Makes the crate a pack of the crate's name and version. Without arguments it takes every file of `src/rules`, as the build
/// script found them (`karpcheck_sdk::build::rules`) into a `RULES` list; with a list of rules it takes these, which then
/// name their own `id` and `docs`. `pack!(name = "platform")` and `pack!(name = "platform"; …)` give it another name.
#[macro_export]
macro_rules! pack {
    () => {
        $crate::pack!(name = env!("CARGO_PKG_NAME"));
    };
    (name = $name:expr) => {
        mod rules {
            include!(concat!(env!("OUT_DIR"), "/karpcheck_rules.rs"));
        }
        /// The rules of this pack.
        pub const RULES: &[$crate::Rule] = rules::RULES;
        $crate::pack!(@export $name);
    };
    (@export $name:expr) => {
        /// What the host calls.
        #[derive(Debug)]
        pub struct Pack;
        impl $crate::wit::exports::karpcheck::rules::rules::Guest for Pack {
            fn describe() -> $crate::wit::exports::karpcheck::rules::rules::Description {
                $crate::describe($name, env!("CARGO_PKG_VERSION"), RULES)
            }
            fn check(rule: String, subject: u32) -> $crate::wit::exports::karpcheck::rules::rules::Verdict {
                $crate::check(RULES, &rule, subject)
            }
        }
        // Natively there is no host: the exports' names would break the linking of tests.
        #[cfg(target_arch = "wasm32")]
        $crate::wit::export!(Pack with_types_in $crate::wit);
    };
    (name = $name:expr; $($rule:path),+ $(,)?) => {
        /// The rules of this pack.
        pub const RULES: &[$crate::Rule] = &[$($rule),+];
        $crate::pack!(@export $name);
    };
    ($($rule:path),+ $(,)?) => {
        $crate::pack!(name = env!("CARGO_PKG_NAME"); $($rule),+);
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Rule = Rule {
        id: "bad-thing",
        title: "A thing is bad",
        subjects: &["core/Thing"],
        settings: &[Setting { name: "limit", docs: "How many.", default: SettingDefault::Number(3.0) }],
        check: |_| finding::pass(),
        ..Rule::DEFAULT
    };

    #[test]
    fn a_rule_is_described_as_it_is_written() {
        let pack = describe("my_pack", "1.4.0", &[RULE]);
        assert_eq!((pack.name.as_str(), pack.version.as_str()), ("my-pack", "1.4.0"));
        let [described] = &pack.rules[..] else { panic!("one rule") };
        assert_eq!((described.id.as_str(), described.area.as_str()), ("bad-thing", "custom"));
        assert_eq!(described.subjects, ["core/Thing"]);
        assert!(matches!(described.settings[0].default, out::Value::Number(3.0)));
    }

    #[test]
    fn what_shared_functions_read_is_declared_once() {
        let rule = Rule {
            reads: &["core/Other"],
            uses: &[&["core/Thing", "core/Other", "core/Event"], &["core/Pod", "core/Pod"]],
            reads_if_allowed: &["core/Event"],
            ..RULE
        };
        assert_eq!(describe("p", "1.0.0", &[rule]).rules[0].reads, ["core/Other", "core/Pod"]);
    }

    #[test]
    fn a_rule_that_the_pack_does_not_have_is_unknown() {
        assert!(matches!(check(&[RULE], "bad-thing", 1), out::Verdict::Pass));
        assert!(matches!(check(&[RULE], "other", 1), out::Verdict::Unknown(reason) if reason.why.contains("other")));
    }
}
