//! An inventory of what a test gives, in the place of the host.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value as Json;

use crate::finding;
use crate::glob::glob;
use crate::host;
use crate::host::Respond;
use crate::item::Item;
use crate::pack::Rule;
use crate::testing::covers;
use crate::value::Unknown;
use crate::wit::exports::karpcheck::rules::rules as out;

/// What a rule said of a subject.
#[derive(Clone, PartialEq, Debug)]
pub enum Told {
    /// It has nothing to say.
    Skip,
    /// All is well.
    Pass,
    /// It could not judge.
    Unknown(Unknown),
    /// It found something, or has more to say of what is unknown.
    Found(Vec<ToldFinding>),
}

/// A finding as the host gets it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ToldFinding {
    /// Did something fail, or is it only not known?
    pub failed: bool,
    /// How bad.
    pub severity: finding::Severity,
    /// Where in the subject.
    pub pointer: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
    /// How many changes it offers.
    pub edits: usize,
}

impl Told {
    /// The messages of what was found.
    pub fn messages(&self) -> Vec<&str> {
        match self {
            Self::Found(findings) => findings.iter().map(|finding| finding.message.as_str()).collect(),
            Self::Skip | Self::Pass | Self::Unknown(_) => vec![],
        }
    }
}

/// Items, what they hold and how they refer to each other, to judge by a rule in `cargo test`.
///
/// An object `{"$unknown": "known after apply"}` stands for a value that is not known. Members of the whole whose names begin
/// with `@` are facts beside the body: `{"@arn": "arn:aws:sqs:…", "KmsMasterKeyId": "alias/orders"}`.
///
/// ```
/// use karpcheck_sdk::prelude::*;
/// use karpcheck_sdk::testing::{Inventory, Told};
///
/// fn check(pool: Item) -> Check {
///     match pool.text("/spec/weight")? {
///         Some(_) => pass(),
///         None => fail("/spec", format!("{} has no weight", pool.name())).check(),
///     }
/// }
/// const RULE: Rule = Rule { id: "no-weight", subjects: &["karpenter.sh/NodePool"], check, ..Rule::DEFAULT };
///
/// let mut inventory = Inventory::new();
/// let heavy = inventory.add("karpenter.sh/NodePool", "heavy", r#"{"spec": {"weight": "10"}}"#);
/// let light = inventory.add("karpenter.sh/NodePool", "light", r#"{"spec": {}}"#);
/// let maybe = inventory.add("karpenter.sh/NodePool", "maybe", r#"{"spec": {"weight": {"$unknown": "a parameter"}}}"#);
/// assert_eq!(inventory.judge(&RULE, heavy), Told::Pass);
/// assert_eq!(inventory.judge(&RULE, light).messages(), ["light has no weight"]);
/// assert!(matches!(inventory.judge(&RULE, maybe), Told::Unknown(why) if why.why == "a parameter"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    items: Vec<Given>,
    links: Vec<(u32, String, u32)>,
    answers: Vec<(String, out::Severity, String)>,
    settings: BTreeMap<String, Json>,
    incomplete: BTreeMap<String, String>,
    rule: Option<Rule>,
    undeclared: BTreeSet<String>,
}

#[derive(Clone, Debug)]
struct Given {
    kind: String,
    name: String,
    body: Json,
}

impl Inventory {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an item, its body as JSON.
    ///
    /// # Panics
    ///
    /// Where it is not JSON.
    pub fn add(&mut self, kind: &str, name: &str, body: &str) -> Item {
        let body = serde_json::from_str(body).unwrap_or_else(|error| panic!("{kind} {name}: {error}"));
        self.items.push(Given { kind: kind.into(), name: name.into(), body });
        Item(u32::try_from(self.items.len()).unwrap_or(u32::MAX))
    }

    /// Adds the Kubernetes objects of a JSON file, as `kubectl get -o json` prints them: one, or a list.
    ///
    /// # Panics
    ///
    /// Where the file cannot be read, or holds anything else.
    pub fn add_file(&mut self, file: impl AsRef<Path>) -> Vec<Item> {
        let file = file.as_ref();
        let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let json: Json = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let objects = match json.get("items").and_then(Json::as_array) {
            Some(items) => items.clone(),
            None => vec![json],
        };
        let objects = objects.iter().map(|object| {
            let text = |pointer: &str| object.pointer(pointer).and_then(Json::as_str).map(str::to_owned);
            let (Some(version), Some(kind), Some(name)) = (text("/apiVersion"), text("/kind"), text("/metadata/name"))
            else {
                panic!("{}: an object without apiVersion, kind or metadata.name", file.display())
            };
            let group = version.split_once('/').map_or("core", |(group, _)| group).to_owned();
            (format!("{group}/{kind}"), name, object.to_string())
        });
        objects.map(|(kind, name, body)| self.add(&kind, &name, &body)).collect()
    }

    /// Has a field of an item (a pointer, or a relation that no field holds, as `@controller`) refer to another.
    pub fn link(&mut self, from: Item, at: &str, to: Item) -> &mut Self {
        self.links.push((from.0, at.into(), to.0));
        self
    }

    /// Says that there may be more items of a kind, and why.
    pub fn may_lack(&mut self, kind: &str, why: &str) -> &mut Self {
        self.incomplete.insert(kind.into(), why.into());
        self
    }

    /// Has IAM allow an action. What is neither allowed nor denied is not known.
    pub fn allow(&mut self, action: &str) -> &mut Self {
        self.answers.push((action.into(), out::Severity::Info, format!("{action} is allowed")));
        self
    }

    /// Has IAM deny an action, and say why.
    pub fn deny(&mut self, action: &str, why: &str) -> &mut Self {
        self.answers.push((action.into(), out::Severity::Error, why.into()));
        self
    }

    /// Sets a setting of the rule, as JSON.
    ///
    /// # Panics
    ///
    /// Where it is not JSON.
    pub fn set(&mut self, name: &str, value: &str) -> &mut Self {
        let value = serde_json::from_str(value).unwrap_or_else(|error| panic!("the setting {name}: {error}"));
        self.settings.insert(name.into(), value);
        self
    }

    /// What a rule says of a subject.
    ///
    /// # Panics
    ///
    /// Where it panics, asks for a kind that it does not declare, or reports worse than it declares.
    pub fn judge(&self, rule: &Rule, subject: Item) -> Told {
        let world = Self { rule: Some(*rule), undeclared: BTreeSet::new(), ..self.clone() };
        let (verdict, world) = host::with(Box::new(world), || finding::verdict(rule, subject));
        let undeclared = world.map(|mut world| world.undeclared()).unwrap_or_default();
        assert!(undeclared.is_empty(), "{} asks for {undeclared:?}, which it does not declare", rule.id);
        match verdict {
            out::Verdict::Skip => Told::Skip,
            out::Verdict::Pass => Told::Pass,
            out::Verdict::Unknown(reason) => Told::Unknown(reason.into()),
            out::Verdict::Found(findings) => Told::Found(findings.into_iter().map(|found| told(rule, found)).collect()),
        }
    }

    fn given(&self, item: u32) -> &Given {
        let at = usize::try_from(item).unwrap_or(0).wrapping_sub(1);
        self.items.get(at).unwrap_or_else(|| panic!("there is no item {item}"))
    }

    fn numbers(&self) -> impl Iterator<Item = (u32, &Given)> {
        (1..).zip(&self.items)
    }

    /// The items of a kind, and why there may be more.
    fn of_kind(&mut self, kind: &str) -> (Vec<u32>, Option<host::Reason>) {
        let declared = self.rule.map(|rule| rule.declared()).unwrap_or_default();
        if !declared.iter().any(|declared| covers(declared, kind)) {
            self.undeclared.insert(kind.to_owned());
        }
        let items = self.numbers().filter(|(_, given)| covers(kind, &given.kind)).map(|(item, _)| item).collect();
        (items, self.incomplete.get(kind).map(|why| reason("not-provided", why)))
    }

    /// An item that a rule may be given: one of a kind that it declares.
    fn shown(&self, item: u32) -> host::Found {
        let kind = &self.given(item).kind;
        let declared = self.rule.map(|rule| rule.declared()).unwrap_or_default();
        if declared.iter().any(|declared| covers(declared, kind)) {
            host::Found::Known(item)
        } else {
            host::Found::Unknown(reason("undecidable", &format!("the rule does not declare {kind}")))
        }
    }

    fn text(&self, item: u32, pointer: &str) -> Option<String> {
        match self.get(item, pointer) {
            host::Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

fn told(rule: &Rule, found: out::Finding) -> ToldFinding {
    let rank = |severity: finding::Severity| match severity {
        finding::Severity::Error => 2,
        finding::Severity::Warning => 1,
        finding::Severity::Info => 0,
    };
    assert!(
        rank(found.severity) <= rank(rule.severity),
        "{} reports worse than it declares: {}",
        rule.id,
        found.message
    );
    ToldFinding {
        failed: found.outcome == out::Outcome::Fail,
        severity: found.severity,
        pointer: found.pointer,
        message: found.message,
        remedy: found.remediation,
        edits: found.edits.len(),
    }
}

fn reason(cause: &str, why: &str) -> host::Reason {
    host::Reason { cause: cause.into(), code: String::new(), why: why.into(), settled_by: vec![], at: None }
}

/// Why a value is not known, if it is one that stands for that.
fn unknown(json: &Json) -> Option<host::Reason> {
    let why = json.as_object().filter(|members| members.len() == 1)?.get("$unknown")?.as_str()?;
    Some(reason("symbolic", why))
}

/// The first thing in a value that is not known.
fn within(json: &Json) -> Option<host::Reason> {
    unknown(json).or_else(|| match json {
        Json::Array(items) => items.iter().find_map(within),
        Json::Object(members) => members.values().find_map(within),
        _ => None,
    })
}

fn value(json: &Json) -> host::Value {
    if let Some(why) = within(json) {
        return host::Value::Unknown(why);
    }
    match json {
        Json::Null => host::Value::Absent,
        Json::Bool(flag) => host::Value::Flag(*flag),
        Json::Number(number) => host::Value::Number(number.as_f64().unwrap_or_default()),
        Json::String(text) => host::Value::Text(text.clone()),
        Json::Array(_) | Json::Object(_) => host::Value::Json(json.to_string()),
    }
}

/// The fields that a pattern matches below a value, and where knowledge ends on the way.
fn find(json: &Json, at: &str, steps: &[&str], found: &mut Vec<host::Field>) {
    let Some((step, rest)) = steps.split_first() else {
        found.push(host::Field { at: at.to_owned(), value: value(json) });
        return;
    };
    if let Some(why) = unknown(json) {
        found.push(host::Field { at: at.to_owned(), value: host::Value::Unknown(why) });
        return;
    }
    if *step == "**" {
        find(json, at, rest, found);
    }
    let mut below = |name: &str, member: &Json| {
        let name = name.replace('~', "~0").replace('/', "~1");
        let at = format!("{at}/{name}");
        if *step == "**" {
            find(member, &at, steps, found);
        } else if glob(step, &name) {
            find(member, &at, rest, found);
        }
    };
    match json {
        Json::Object(members) => members.iter().for_each(|(name, member)| below(name, member)),
        Json::Array(items) => items.iter().enumerate().for_each(|(index, item)| below(&index.to_string(), item)),
        _ => {}
    }
}

impl Respond for Inventory {
    fn undeclared(&mut self) -> BTreeSet<String> {
        std::mem::take(&mut self.undeclared)
    }

    fn select(&mut self, kind: &str) -> Vec<host::Found> {
        let (items, more) = self.of_kind(kind);
        items.into_iter().map(host::Found::Known).chain(more.map(host::Found::Unknown)).collect()
    }

    fn get(&self, item: u32, pointer: &str) -> host::Value {
        let given = self.given(item);
        match pointer {
            "@kind" => host::Value::Text(given.kind.clone()),
            "@name" => host::Value::Text(given.name.clone()),
            "@namespace" => given.body.pointer("/metadata/namespace").map_or(host::Value::Absent, value),
            fact if fact.starts_with('@') => given.body.get(fact).map_or(host::Value::Absent, value),
            pointer => {
                let mut json = &given.body;
                for step in pointer.split('/').skip(1) {
                    if let Some(why) = unknown(json) {
                        return host::Value::Unknown(why);
                    }
                    let name = step.replace("~1", "/").replace("~0", "~");
                    let below = match json {
                        Json::Array(items) => name.parse::<usize>().ok().and_then(|index| items.get(index)),
                        json => json.get(&name),
                    };
                    match below {
                        Some(below) => json = below,
                        None => return host::Value::Absent,
                    }
                }
                value(json)
            }
        }
    }

    fn views(&self, item: u32, pointer: &str) -> Vec<host::Seen> {
        let at = host::Place { item, pointer: pointer.into(), note: String::new() };
        vec![host::Seen { source: "manifest".into(), value: self.get(item, pointer), at }]
    }

    fn open(&self, _: u32, _: &str) -> Option<host::Reason> {
        None
    }

    fn matches(&self, item: u32, pointer: &str, pattern: &str) -> host::Answer {
        match self.get(item, pointer) {
            host::Value::Text(text) if glob(pattern, &text) => host::Answer::Yes,
            host::Value::Unknown(_) => host::Answer::Unknown,
            _ => host::Answer::No,
        }
    }

    fn same(&self, item: u32, pointer: &str, other: u32, other_pointer: &str) -> host::Answer {
        match (self.get(item, pointer), self.get(other, other_pointer)) {
            (host::Value::Unknown(_), _) | (_, host::Value::Unknown(_)) => host::Answer::Unknown,
            (one, other) if format!("{one:?}") == format!("{other:?}") => host::Answer::Yes,
            _ => host::Answer::No,
        }
    }

    fn find(&self, item: u32, pattern: &str) -> Vec<host::Field> {
        let steps: Vec<&str> = pattern.split('/').skip(1).collect();
        let mut found = vec![];
        find(&self.given(item).body, "", &steps, &mut found);
        found
    }

    fn related(&self, item: u32, pattern: &str) -> Vec<host::Link> {
        let links = self.links.iter().filter(|(from, at, _)| *from == item && (at == pattern || glob(pattern, at)));
        links.map(|(_, at, to)| host::Link { item: self.shown(*to), at: at.clone() }).collect()
    }

    fn referrers(&mut self, item: u32, kind: &str) -> Vec<host::Link> {
        let (of_kind, more) = self.of_kind(kind);
        let links = self.links.iter().filter(|(from, _, to)| *to == item && of_kind.contains(from));
        let links = links.map(|(from, at, _)| host::Link { item: host::Found::Known(*from), at: at.clone() });
        links.chain(more.map(|why| host::Link { item: host::Found::Unknown(why), at: String::new() })).collect()
    }

    fn peers(&mut self, item: u32, pointer: &str, kind: &str, pattern: &str) -> Vec<host::Link> {
        let (of_kind, more) = self.of_kind(kind);
        let Some(own) = self.text(item, pointer) else { return vec![] };
        let holds = |other: u32| {
            let fields = if pattern.starts_with('@') {
                vec![host::Field { at: pattern.into(), value: self.get(other, pattern) }]
            } else {
                self.find(other, pattern)
            };
            fields.into_iter().find(|field| matches!(&field.value, host::Value::Text(text) if *text == own))
        };
        let others = of_kind.into_iter().filter(|other| *other != item);
        let links =
            others.filter_map(|other| Some(host::Link { item: host::Found::Known(other), at: holds(other)?.at }));
        links.chain(more.map(|why| host::Link { item: host::Found::Unknown(why), at: String::new() })).collect()
    }

    fn decide(&self, request: &host::Request) -> host::Decision {
        let answer = self.answers.iter().find(|(action, ..)| *action == request.action);
        let (access, why) = match answer {
            Some((_, out::Severity::Info, why)) => (host::Access::Allowed, why.clone()),
            Some((.., why)) => (host::Access::ImplicitDeny, why.clone()),
            None => (host::Access::Unknown, "the test does not say".to_owned()),
        };
        let unknown = matches!(access, host::Access::Unknown).then(|| reason("not-provided", &why));
        host::Decision { access, why, statements: vec![], unknown }
    }

    fn setting(&self, name: &str) -> host::Value {
        let default = || {
            let settings = self.rule.map_or(&[][..], |rule| rule.settings);
            settings.iter().find(|setting| setting.name == name).map(|setting| setting.default.into())
        };
        let set = self.settings.get(name).map(value);
        set.or_else(default).unwrap_or_else(|| panic!("the rule has no setting {name}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prelude::*;

    fn rule(check: fn(Item) -> Check) -> Rule {
        Rule { id: "x", subjects: &["AWS::SQS::Queue"], reads: &["AWS::KMS::Key"], check, ..Rule::DEFAULT }
    }

    #[test]
    fn relations_are_those_that_the_test_gives() {
        let mut inventory = Inventory::new();
        let queue = inventory.add("AWS::SQS::Queue", "orders", r#"{"@arn": "a", "KmsMasterKeyId": "k"}"#);
        let key = inventory.add("AWS::KMS::Key", "k", r#"{"Enabled": false}"#);
        inventory.link(queue, "/KmsMasterKeyId", key);
        let check = |queue: Item| {
            all(queue.related("/KmsMasterKeyId"), |link| match link.item()? {
                Some(key) if key.flag("/Enabled")? == Some(false) => {
                    fail(link.field, format!("{} is disabled", key.name())).check()
                }
                _ => pass(),
            })
        };
        assert_eq!(inventory.judge(&rule(check), queue).messages(), ["k is disabled"]);
        let back = |queue: Item| all(queue.referrers("AWS::KMS::Key"), |link| link.item().map(|_| Verdict::Pass));
        assert_eq!(inventory.judge(&rule(back), queue), Told::Skip);
        inventory.may_lack("AWS::KMS::Key", "no more were given");
        assert!(matches!(inventory.judge(&rule(back), queue), Told::Unknown(why) if why.is_not_provided()));
    }

    #[test]
    fn iam_answers_as_the_test_says() {
        let mut inventory = Inventory::new();
        let queue = inventory.add("AWS::SQS::Queue", "orders", "{}");
        let check = |queue: Item| {
            let decision = Request::by_service("events.amazonaws.com", "sqs:SendMessage", queue).decide();
            if decision.allowed()? { pass() } else { fail("", decision.why).check() }
        };
        assert!(matches!(inventory.judge(&rule(check), queue), Told::Unknown(_)));
        assert_eq!(inventory.clone().allow("sqs:SendMessage").judge(&rule(check), queue), Told::Pass);
        assert_eq!(inventory.deny("sqs:SendMessage", "no").judge(&rule(check), queue).messages(), ["no"]);
    }

    #[test]
    fn lists_end_where_knowledge_does() {
        let mut inventory = Inventory::new();
        let body = r#"{"Tags": [{"Key": "a"}, {"$unknown": "a parameter"}], "Other": {"a": {"Ref": 1}}}"#;
        let queue = inventory.add("AWS::SQS::Queue", "orders", body);
        let check = |queue: Item| {
            all(queue.find("/Tags/*/Key"), |key| match key?.is("a") {
                true => pass(),
                false => fail("", "x").check(),
            })
        };
        assert!(matches!(inventory.judge(&rule(check), queue), Told::Unknown(why) if why.why == "a parameter"));
        let deep = |queue: Item| {
            let found: Vec<String> = queue.find("/**/Re*").known().map(|field| field.pointer().to_owned()).collect();
            fail("", found.join(" ")).check()
        };
        assert_eq!(inventory.judge(&rule(deep), queue).messages(), ["/Other/a/Ref"]);
    }

    #[test]
    #[should_panic(expected = "which it does not declare")]
    fn a_kind_that_is_not_declared_ends_the_test() {
        let mut inventory = Inventory::new();
        let queue = inventory.add("AWS::SQS::Queue", "orders", "{}");
        inventory.judge(&rule(|_| all(select("core/Pod"), |_| pass())), queue);
    }
}
