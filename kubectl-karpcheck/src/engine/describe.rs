//! Validates how a pack describes its rules. One invalid rule rejects the whole pack, since the others are then no more
//! trustworthy.

use std::collections::HashSet;

use crate::engine::contract;
use crate::engine::contract::{WitDescription, WitRule, WitValue};
use crate::engine::limits::Limits;
use crate::engine::text;
use crate::engine::versions::Requirement;
use crate::findings::finding::RuleInfo;
use crate::schema::pattern::kind_matches;

/// Bytes of an id, an area, a setting's name.
const MOST_ID: usize = 64;
const MOST_TITLE: usize = 200;
const MOST_KIND: usize = 200;
/// Secrets are never read, not even for a rule that declares them.
const NEVER: &str = "core/Secret";

/// A pack's name, version and rules.
#[derive(Debug)]
pub(super) struct Described {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) rules: Vec<RuleInfo>,
}

/// The pack and its rules, or what is wrong with them: a fragment that goes on "pack x …". The rules carry the name that
/// the pack is loaded under, which is its own unless the user gave another.
pub(super) fn pack(loaded_as: Option<&str>, described: WitDescription, limits: &Limits) -> Result<Described, String> {
    let WitDescription { name, version, rules: listed, properties } = described;
    if !kebab(&name) {
        return Err(format!("calls itself {:?}, which is not kebab-case", text::line(&name, MOST_ID)));
    }
    if version.len() > MOST_ID || semver::Version::parse(&version).is_err() {
        let version = text::line(&version, MOST_ID);
        return Err(format!("has the version {version:?}, which is not a semantic version such as 1.4.0"));
    }
    if properties.len() > limits.declared {
        return Err(format!("has {} properties; {} are allowed", properties.len(), limits.declared));
    }
    let called = loaded_as.unwrap_or(&name);
    let mut rules = rules(called, listed, limits)?;
    if called != name {
        let properties = rules.iter_mut().flat_map(|rule| &mut rule.properties);
        for (_, followed) in properties.filter(|(property, _)| property == "follows") {
            *followed = renamed(followed, &name, called);
        }
    }
    Ok(Described { name: called.to_owned(), version, rules })
}

/// Names of rules in which a pack has another name: its own rules go on following each other.
fn renamed(rules: &str, from: &str, to: &str) -> String {
    let name = |rule: &str| match rule.split_once('/') {
        Some((pack, id)) if pack == from => format!("{to}/{id}"),
        _ => rule.to_owned(),
    };
    rules.split_whitespace().map(name).collect::<Vec<_>>().join(" ")
}

/// The rules, or what is wrong with them.
fn rules(pack: &str, listed: Vec<WitRule>, limits: &Limits) -> Result<Vec<RuleInfo>, String> {
    if listed.is_empty() {
        return Err("lists no rules".into());
    }
    if listed.len() > limits.rules {
        return Err(format!("lists {} rules; {} are allowed", listed.len(), limits.rules));
    }
    let mut ids = HashSet::new();
    listed
        .into_iter()
        .map(|listed| {
            let id = text::line(&listed.id, MOST_ID);
            if !kebab(&listed.id) {
                return Err(format!("lists a rule with the id {id:?}, which is not kebab-case"));
            }
            if !ids.insert(listed.id.clone()) {
                return Err(format!("lists the rule {id} twice"));
            }
            rule(pack, listed, limits).map_err(|why| format!("lists the rule {id}, {why}"))
        })
        .collect()
}

fn rule(pack: &str, listed: WitRule, limits: &Limits) -> Result<RuleInfo, String> {
    if !kebab(&listed.area) {
        return Err(format!("whose area {:?} is not kebab-case", text::line(&listed.area, MOST_ID)));
    }
    let title = text::line(&listed.title, MOST_TITLE);
    if title.is_empty() {
        return Err("which has no title".into());
    }
    if listed.subjects.is_empty() {
        return Err("which has no subjects".into());
    }
    let most = limits.declared;
    if listed.subjects.len() + listed.reads.len() + listed.reads_if_allowed.len() > most
        || listed.settings.len() > most
        || listed.properties.len() > most
    {
        return Err(format!("which declares more than {most} kinds, settings or properties"));
    }
    for declared in listed.subjects.iter().chain(&listed.reads).chain(&listed.reads_if_allowed) {
        kind(declared)?;
    }
    Requirement::parse(&listed.karpenter).map_err(|error| {
        let (requirement, error) = (text::line(&listed.karpenter, 100), text::line(&error.to_string(), 100));
        format!("whose Karpenter versions {requirement:?} are none: {error}")
    })?;
    let mut settings: Vec<(String, String, serde_json::Value)> = vec![];
    for setting in listed.settings {
        let name = text::line(&setting.name, MOST_ID);
        if !kebab(&setting.name) || settings.iter().any(|(known, ..)| *known == name) {
            return Err(format!("whose setting {name:?} is not kebab-case, or there twice"));
        }
        // Before it is parsed, which takes many times as much memory; it is shown wherever the rule is.
        if let WitValue::Json(text) | WitValue::Text(text) = &setting.default
            && text.len() > limits.docs
        {
            return Err(format!("whose setting {name} has a default of more than {} bytes", limits.docs));
        }
        let default =
            contract::to_json(setting.default).map_err(|why| format!("whose setting {name} has no default: {why}"))?;
        settings.push((name, text::page(&setting.docs, limits.message), default.unwrap_or_default()));
    }
    Ok(RuleInfo {
        pack: pack.to_owned(),
        id: listed.id,
        area: listed.area,
        title,
        docs: text::page(&listed.docs, limits.docs),
        severity: contract::severity(listed.severity),
        enabled: listed.enabled,
        subjects: listed.subjects,
        reads: listed.reads,
        reads_if_allowed: listed.reads_if_allowed,
        karpenter: listed.karpenter,
        settings,
        properties: listed
            .properties
            .iter()
            .map(|(name, value)| (text::line(name, limits.note), text::line(value, limits.note)))
            .collect(),
    })
}

/// Is it kebab-case, of 64 bytes at most?
pub fn kebab(text: &str) -> bool {
    text.len() <= MOST_ID
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text
            .split('-')
            .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()))
}

/// `group/Kind`, `AWS::…`, `Karpcheck::…`, or a pattern of such.
fn kind(kind: &str) -> Result<(), String> {
    let plain = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'*'))
    };
    let named = match kind.split_once('/') {
        Some((group, name)) => plain(group) && plain(name),
        None => kind.contains("::") && kind.split("::").all(plain),
    };
    if !named || kind.len() > MOST_KIND {
        let kind = text::line(kind, 100);
        return Err(format!("which declares {kind:?}: a kind is group/Kind, core/Kind, AWS::… or Karpcheck::…"));
    }
    if kind_matches(kind, NEVER) {
        return Err(format!("which declares {kind}, and Secrets are never read"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::contract::WitSeverity;
    use crate::engine::contract::bindings::exports::karpcheck::rules::rules::Setting;

    #[test]
    fn the_default_of_a_setting_is_measured_before_it_is_parsed() {
        let listed = |default: WitValue| WitRule {
            id: "x".into(),
            area: "x".into(),
            title: "x".into(),
            docs: String::new(),
            severity: WitSeverity::Info,
            enabled: true,
            subjects: vec!["core/Pod".into()],
            reads: vec![],
            reads_if_allowed: vec![],
            karpenter: String::new(),
            settings: vec![Setting { name: "label".into(), docs: String::new(), default }],
            properties: vec![],
        };
        let limits = Limits { docs: 10, ..Limits::default() };
        let why = |default| rule("x", listed(default), &limits).err().unwrap_or_default();
        assert_eq!(why(WitValue::Json("[1,2]".into())), "");
        assert_eq!(why(WitValue::Text("a text".into())), "");
        for default in [WitValue::Json(format!("[{}]", " ".repeat(9))), WitValue::Text("x".repeat(11))] {
            assert_eq!(why(default), "whose setting label has a default of more than 10 bytes");
        }
    }

    #[test]
    fn kinds_are_what_the_contract_calls_kinds() {
        for good in
            ["core/Pod", "karpenter.sh/NodePool", "*.services.k8s.aws/*", "AWS::SQS::Queue", "Karpcheck::Cluster"]
        {
            assert_eq!(kind(good), Ok(()), "{good}");
        }
        for bad in ["", "Pod", "core/", "/Pod", "a/b/c", "AWS::", "core/P?d", "AWS::SQS::Queue\n", "a::b/c"] {
            assert!(kind(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_rules_of_a_renamed_pack_still_follow_each_other() {
        assert_eq!(
            renamed("queue-missing platform/team  other/a", "platform", "next"),
            "queue-missing next/team other/a"
        );
    }

    #[test]
    fn secrets_cannot_be_declared() {
        for secrets in ["core/Secret", "core/*", "*/*", "*/Secret"] {
            assert!(kind(secrets).unwrap_err().contains("never read"), "{secrets}");
        }
    }

    #[test]
    fn ids_are_kebab_case() {
        assert!(kebab("queue-aws-managed-key") && kebab("ebs") && kebab("v1-x2"));
        assert!(!kebab("") && !kebab("Queue") && !kebab("a--b") && !kebab("-a") && !kebab("a_b") && !kebab("a/b"));
        assert!(!kebab(&"a".repeat(65)));
    }
}
