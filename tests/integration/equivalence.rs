//! The same architecture from every source: equal items, fields and verdicts.
//!
//! `tests/fixtures/equivalence/ARCHITECTURE/SOURCE` describes the AWS resources as that tool writes them; `common` holds the
//! cluster's own objects and is read with each of them. What a source cannot express is a row of `exceptions.tsv`: source,
//! kind or rule, field (with everything below it; `*` for a whole item) and reason. A row that no longer hides a difference
//! fails the test.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use kubectl_karpcheck::inventory::{Builder, Found, Inventory, Item, ItemId, List, Map, Node, Stated, Value};
use kubectl_karpcheck::karpenter;
use kubectl_karpcheck::schema::kinds::GatherScope;
use kubectl_karpcheck::sources;
use serde_json::{Value as Json, json};

const SOURCES: &[&str] = &["cloudformation", "terraform", "plan", "state", "ack", "crossplane", "aws"];
const ACCOUNT: &str = "111122223333";
const REGION: &str = "eu-west-1";

/// Sources whose reader passes every property on. A property that only these have is not part of the normal form.
const UNFILTERED: &[&str] = &["cloudformation", "aws"];

/// Kinds that some sources declare apart from the resource they belong to; they are compared as part of that resource.
const FRAGMENTS: &[&str] = &["AWS::SQS::QueuePolicy", "AWS::IAM::Policy"];

/// Members that identify an element of a list.
const IDENTITIES: &[&str] = &["Id", "PolicyName", "Sid", "Key", "GranteePrincipal"];

/// The value that stands for the existence of an item or of a list element.
const PRESENT: &str = "present";

/// Facts by kind or rule, name, and field or outcome.
type Facts = BTreeMap<[String; 3], Json>;
type Read = fn(&Path) -> Facts;

macro_rules! architectures {
    ($($name:ident = $folder:literal fails $failing:expr),* $(,)?) => {
        const ARCHITECTURES: &[&str] = &[$($folder),*];
        $(mod $name {
            #[test]
            fn fails_as_designed() {
                super::fails($folder, &$failing);
            }

            #[test]
            fn items_are_the_same() {
                super::compare($folder, "items", super::items);
            }

            #[test]
            fn verdicts_are_the_same() {
                super::compare($folder, "verdicts", super::verdicts);
            }
        })*
    };
}

architectures! {
    good_cluster = "good-cluster" fails [],
    broken_queue = "broken-queue" fails [
        "queue-event-rule-missing",
        "queue-key-denies-eventbridge",
        "queue-policy-denies-eventbridge",
    ],
    tagging_policy = "tagging-policy" fails [
        "controller-permission-missing",
        "create-tags-denied-at-launch",
        "create-tags-denied-on-existing",
        "queue-not-configured",
    ],
    volume_key = "volume-key" fails ["ebs-key-denies-controller", "queue-not-configured"],
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/equivalence")
}

// The items.

fn inventory(source: &Path) -> Inventory {
    let kinds = ["AWS::*", "Karpcheck::*", "karpenter.sh/*", "karpenter.k8s.aws/*", "*.services.k8s.aws/*"];
    let plan =
        GatherScope::new(kinds.into_iter().chain(["apps/Deployment", "core/ServiceAccount"]).map(|kind| (kind, false)));
    let stated = Stated { account: Some(ACCOUNT.into()), region: Some(REGION.into()), ..Stated::default() };
    let mut builder = Builder::new(stated);
    let paths = [source.with_file_name("common"), source.to_owned()];
    let named = sources::Named { paths: &paths, ..sources::Named::default() };
    sources::files(named, &plan, &mut builder, &mut std::io::empty());
    karpenter::inventory(builder)
}

/// The fields of all items.
fn items(source: &Path) -> Facts {
    let inventory = inventory(source);
    let mut facts = Facts::new();
    let problems: Vec<_> = inventory.problems().iter().filter(|problem| problem.is_incomplete()).collect();
    assert!(problems.is_empty(), "{}: {problems:?}", source.display());
    for (id, item) in inventory.items() {
        let ours = ["AWS::", "Karpcheck::"].iter().any(|prefix| item.kind.starts_with(prefix));
        if !ours || FRAGMENTS.contains(&&*item.kind) {
            continue;
        }
        let key = |field: &str| [item.kind.to_string(), name(&inventory, id, item), field.to_owned()];
        facts.insert(key(""), json!(PRESENT));
        let mut fields = BTreeMap::new();
        flatten(&inventory, id, &item.body, ("", ""), &mut fields);
        if let Some(arn) = item.aws.as_ref().and_then(|aws| aws.arn.as_ref()?.as_str()) {
            fields.insert("@arn".into(), json!(arn));
        }
        facts.extend(fields.into_iter().map(|(field, value)| (key(&field), value)));
    }
    inline_policies(&inventory, &mut facts);
    facts
}

/// A name that is the same in every source: a key goes by its alias, an association by its service account.
fn name(inventory: &Inventory, id: ItemId, item: &Item) -> String {
    let text = |field: &str| inventory.node(id, field).and_then(Node::as_str).unwrap_or_default().to_owned();
    let known = |found: &Found| match found {
        Found::Known(id) => inventory.item(*id),
        Found::Absent(_) | Found::Unknown(_) => None,
    };
    let own = || item.aws.as_ref().and_then(|aws| aws.id.as_ref()?.known()).unwrap_or(&item.name).to_owned();
    match &*item.kind {
        "AWS::KMS::Key" => {
            let aliases = inventory.referrers(id, "AWS::KMS::Alias");
            aliases.iter().find_map(|link| known(&link.item)).map_or_else(own, |alias| alias.name.to_string())
        }
        "AWS::EKS::PodIdentityAssociation" => format!("{}/{}", text("/Namespace"), text("/ServiceAccount")),
        "Karpcheck::EbsDefaults" => "ebs".into(),
        _ => own(),
    }
}

/// Collects the values below a node by pointer. List elements are addressed by their identity, scalars are sorted; absent,
/// null and empty are the same.
fn flatten(
    inventory: &Inventory,
    id: ItemId,
    node: &Node,
    (at, path): (&str, &str),
    fields: &mut BTreeMap<String, Json>,
) {
    let escaped = |text: &str| text.replace('~', "~0").replace('/', "~1");
    if let Value::Map(Map { more: Some(reason), .. }) | Value::List(List { more: Some(reason), .. }) = &node.value {
        fields.insert(format!("{path}/…"), json!({"unknown": reason.cause.as_str()}));
    }
    match &node.value {
        Value::Map(map) => {
            for (name, node) in &map.entries {
                let step = escaped(&name.to_string());
                flatten(inventory, id, node, (&format!("{at}/{step}"), &format!("{path}/{step}")), fields);
            }
        }
        Value::List(list) if list.items.iter().all(|item| item.as_map().is_some()) => {
            for (number, node) in list.items.iter().enumerate() {
                let own = IDENTITIES.iter().find_map(|name| node.str_at(&[name]));
                let path = format!("{path}/{}", own.map_or_else(|| number.to_string(), escaped));
                fields.insert(path.clone(), json!(PRESENT));
                flatten(inventory, id, node, (&format!("{at}/{number}"), &path), fields);
            }
        }
        value => {
            let one = |(number, node)| value_of(inventory, id, node, &format!("{at}/{number}"));
            let value = match value {
                Value::List(list) => {
                    let mut all: Vec<Json> = list.items.iter().enumerate().map(one).collect();
                    all.sort_by_cached_key(Json::to_string);
                    // In a policy one is the same as a list of one.
                    if path.contains("/Statement/") && all.len() == 1 { all.remove(0) } else { Json::Array(all) }
                }
                _ => value_of(inventory, id, node, at),
            };
            if !matches!(&value, Json::Null) && value != json!("") {
                fields.insert(path.to_owned(), value);
            }
        }
    }
}

/// A scalar; a reference becomes the kind and name of the item that it resolves to.
fn value_of(inventory: &Inventory, id: ItemId, node: &Node, at: &str) -> Json {
    match &node.value {
        Value::Text(text) => {
            let links = inventory.related(id, at).unwrap_or_default();
            let target = links.iter().find_map(|link| match link.item {
                Found::Known(target) => Some((target, inventory.item(target)?)),
                Found::Absent(_) | Found::Unknown(_) => None,
            });
            match (target, text.known()) {
                (Some((target, item)), _) => json!(format!("→ {} {}", item.kind, name(inventory, target, item))),
                (None, Some(known)) => json!(known),
                (None, None) => json!({"unknown": text.to_string()}),
            }
        }
        Value::Unknown(reason) => json!({"unknown": reason.cause.as_str()}),
        _ => node.to_json(),
    }
}

/// Adds inline policies that are items of their own to the fields of their roles.
fn inline_policies(inventory: &Inventory, facts: &mut Facts) {
    for id in inventory.of_kind("AWS::IAM::Policy") {
        let (Some(policy), Ok(roles)) = (inventory.item(id), inventory.related(id, "/Roles/*")) else { continue };
        let mut fields = BTreeMap::new();
        let own = policy.body.str_at(&["PolicyName"]).unwrap_or(&policy.name);
        let path = format!("/Policies/{own}");
        fields.insert(path.clone(), json!(PRESENT));
        flatten(inventory, id, &policy.body, ("", &path), &mut fields);
        for link in roles {
            let Found::Known(role) = link.item else { panic!("the role of {own} is not there") };
            let role = inventory.item(role).map(|item| name(inventory, role, item)).unwrap();
            let own = fields.iter().filter(|(field, _)| !field.ends_with("/Roles"));
            facts.extend(
                own.map(|(field, value)| (["AWS::IAM::Role".into(), role.clone(), field.clone()], value.clone())),
            );
        }
    }
}

// The verdicts.

/// The findings, the exit code, and for each rule whether anything passed.
fn verdicts(source: &Path) -> Facts {
    let home = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_kubectl-karpcheck"))
        .env("HOME", home.path())
        .env_remove("XDG_CACHE_HOME")
        .args(["check", "--offline", "-o", "json", "--account", ACCOUNT, "--region", REGION, "-f"])
        .arg(source.with_file_name("common"))
        .arg("-f")
        .arg(source)
        .output()
        .unwrap();
    let report: Json = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    let names = names(&inventory(source));
    let called = |text: &Json| {
        names.iter().fold(text.as_str().unwrap_or_default().to_owned(), |text, (from, to)| text.replace(from, to))
    };
    let text = |json: &Json| json.as_str().unwrap_or_default().to_owned();
    let mut facts = Facts::new();
    facts.insert(["exit".into(), String::new(), String::new()], json!(output.status.code()));
    for finding in report["findings"].as_array().unwrap() {
        let subject = &finding["subject"];
        let name = format!("{} {}", text(&subject["kind"]), called(&subject["name"]));
        // Why something is unknown depends on the source; a failure reads the same from every source.
        let outcome = text(&finding["outcome"]);
        let message = if outcome == "unknown" { String::new() } else { called(&finding["message"]) };
        let key = [text(&finding["rule"]), name, format!("{outcome} {message}")];
        facts.insert(key, finding["severity"].clone());
    }
    for rule in report["coverage"].as_array().unwrap() {
        // The count depends on whether a policy is an item or part of one.
        let passed = rule["passed"].as_u64().unwrap() > 0;
        facts.insert([text(&rule["rule"]), String::new(), "passed".into()], json!(passed));
    }
    // These rules judge ACK's own objects, which no other source has.
    facts.retain(|[rule, _, _], _| !rule.starts_with("ack-"));
    facts
}

/// The source's own names of the keys, longest first, with the common ones.
fn names(inventory: &Inventory) -> Vec<(String, String)> {
    let mut names: Vec<(String, String)> = vec![];
    for (id, item) in inventory.items().filter(|(_, item)| &*item.kind == "AWS::KMS::Key") {
        let arn = item.aws.as_deref().and_then(|aws| Some(aws.arn.as_ref()?.as_str()?.to_owned()));
        let to = name(inventory, id, item);
        names.extend(arn.into_iter().chain([item.name.to_string()]).map(|own| (own, to.clone())));
    }
    names.sort_by_key(|(from, _)| std::cmp::Reverse(from.len()));
    names
}

// The comparison.

struct Exception {
    source: String,
    kind: String,
    field: String,
}

impl Exception {
    fn covers(&self, source: &str, [kind, _, field]: &[String; 3]) -> bool {
        let below = || field.strip_prefix(&self.field).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        self.source == source && self.kind == *kind && (self.field == "*" || below())
    }
}

fn exceptions() -> Vec<Exception> {
    let table = std::fs::read_to_string(fixtures().join("exceptions.tsv")).unwrap();
    let row = |row: &str| {
        let [source, kind, field, why] = row.split('\t').collect::<Vec<_>>()[..] else { panic!("four columns: {row}") };
        assert!(SOURCES.contains(&source) && !why.is_empty(), "{row}");
        Exception { source: source.into(), kind: kind.into(), field: field.into() }
    };
    table.lines().skip(1).map(row).collect()
}

fn covered(exceptions: &[Exception], source: &str, key: &[String; 3]) -> bool {
    exceptions.iter().any(|exception| exception.covers(source, key))
}

fn read(architecture: &str, read: Read) -> Vec<(&'static str, Facts)> {
    SOURCES.iter().map(|source| (*source, read(&fixtures().join(architecture).join(source)))).collect()
}

fn keys(all: &[(&str, Facts)]) -> BTreeSet<[String; 3]> {
    all.iter().flat_map(|(_, facts)| facts.keys().cloned()).collect()
}

/// The values of one fact, each with the sources that have it, without those that are left out.
fn by_value<'a>(
    all: &'a [(&'static str, Facts)],
    key: &[String; 3],
    left_out: impl Fn(&str) -> bool,
) -> Vec<(Option<&'a Json>, Vec<&'static str>)> {
    let mut values: Vec<(Option<&Json>, Vec<&str>)> = vec![];
    for (source, facts) in all.iter().filter(|(source, _)| !left_out(source)) {
        let value = facts.get(key);
        match values.iter_mut().find(|(known, _)| *known == value) {
            Some((_, sources)) => sources.push(source),
            None => values.push((value, vec![source])),
        }
    }
    values
}

/// Do sources disagree? A field that only unfiltered sources have does not count.
fn differs([_, _, field]: &[String; 3], values: &[(Option<&Json>, Vec<&str>)]) -> bool {
    let says = |(value, sources): &(Option<&Json>, Vec<&str>)| {
        value.is_some() && !(field.starts_with('/') && sources.iter().all(|source| UNFILTERED.contains(source)))
    };
    values.len() > 1 && values.iter().any(says)
}

fn compare(architecture: &str, what: &str, facts: Read) {
    let (all, exceptions) = (read(architecture, facts), exceptions());
    let (mut differ, mut lacking) = (String::new(), vec![]);
    for key in keys(&all) {
        let below = |[kind, name, field]: &[String; 3]| {
            *kind == key[0] && *name == key[1] && key[2].strip_prefix(field).is_some_and(|rest| rest.starts_with('/'))
        };
        if lacking.iter().any(below) {
            continue;
        }
        let values = by_value(&all, &key, |source| covered(&exceptions, source, &key));
        if differs(&key, &values) {
            writeln!(differ, "{}", key.join(" ")).unwrap();
            if values.iter().any(|(value, _)| value.is_some_and(|value| value == PRESENT)) {
                lacking.push(key.clone());
            }
            for (value, sources) in values {
                let value = value.map_or("-".into(), Json::to_string);
                writeln!(differ, "    {}: {value}", sources.join(", ")).unwrap();
            }
        }
    }
    assert!(differ.is_empty(), "{architecture}: {what} differ\n{differ}");
}

/// The rules that fail, from each source, as far as it can express what they judge.
fn fails(architecture: &str, failing: &[&str]) {
    let exceptions = exceptions();
    let key = |rule: &str| [rule.to_owned(), String::new(), String::new()];
    let mut differ = String::new();
    for (source, facts) in read(architecture, verdicts) {
        let failed = facts.keys().filter(|[_, _, outcome]| outcome.starts_with("fail ")).map(|[rule, _, _]| &**rule);
        let judged = |rule: &&str| !covered(&exceptions, source, &key(rule));
        let failed: BTreeSet<&str> = failed.filter(judged).collect();
        let expected: BTreeSet<&str> = failing.iter().copied().filter(judged).collect();
        for rule in failed.difference(&expected) {
            writeln!(differ, "{source}: {rule} fails, which is not meant to").unwrap();
        }
        for rule in expected.difference(&failed) {
            writeln!(differ, "{source}: {rule} does not fail, which is meant to").unwrap();
        }
    }
    assert!(differ.is_empty(), "{architecture}\n{differ}");
}

#[test]
fn exceptions_are_needed() {
    let exceptions = exceptions();
    let mut needed = vec![false; exceptions.len()];
    for architecture in ARCHITECTURES {
        for facts in [items as Read, verdicts] {
            let all = read(architecture, facts);
            for key in keys(&all) {
                for (needed, own) in needed.iter_mut().zip(&exceptions) {
                    let left_out = |source: &str| source != own.source && covered(&exceptions, source, &key);
                    *needed |= own.covers(&own.source, &key) && differs(&key, &by_value(&all, &key, left_out));
                }
            }
        }
    }
    let idle = exceptions.iter().zip(needed).filter(|(_, needed)| !needed);
    let idle: Vec<String> = idle.map(|(own, _)| format!("{} {} {}", own.source, own.kind, own.field)).collect();
    assert!(idle.is_empty(), "the sources agree without these exceptions:\n{}", idle.join("\n"));
}
