//! Answers that were saved: in the envelope of `collect`, or as they came, where the file's name may say what they are.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::inventory::problem::{AwsProblem, Days};
use crate::inventory::{Builder, Node, Problem, Value};
use crate::schema::kinds::GatherScope;
use crate::sources::aws::account_region;
use crate::sources::aws::responses::{Asked, Outcome};
use crate::sources::reader::{Content, Context, Document, Reader};

/// What the file of an answer begins with.
const ENVELOPE: &str = "aws-answer/v1";

/// The option that says what an operation is about, where its answer does not.
const SUBJECTS: &[(&str, &[&str])] = &[
    ("get-key-policy", &["key-id"]),
    ("get-key-rotation-status", &["key-id"]),
    ("list-grants", &["key-id"]),
    ("describe-key", &["key-id"]),
    ("get-queue-attributes", &["queue-name"]),
    ("list-targets-by-rule", &["rule"]),
    ("list-role-policies", &["role-name"]),
    ("list-attached-role-policies", &["role-name"]),
    ("get-role-policy", &["role-name", "policy-name"]),
];

/// Is this a saved answer?
pub(super) fn is_saved(node: &Node) -> bool {
    node.str_at(&["karpcheck"]).is_some_and(|form| form.starts_with("aws-answer/")) || super::is_answer(node)
}

/// Answers wait until all are there: those of one folder are of one account and region.
#[derive(Debug, Default)]
pub(crate) struct Saved {
    all: Vec<(PathBuf, Node)>,
}

impl Reader for Saved {
    fn detects(&self, document: &Document<'_>) -> bool {
        document.node().is_some_and(is_saved)
    }

    fn read(&mut self, document: Document<'_>, _context: &mut Context<'_>) -> u64 {
        let Content::Node { node, .. } = document.content else { return 0 };
        self.keep(&document.path, node);
        1
    }

    fn finish(&mut self, context: &mut Context<'_>) -> u64 {
        std::mem::take(self).take(context.gather_scope, context.builder, context.now);
        // Each answer was counted when it was read.
        0
    }
}

impl Saved {
    /// Keeps an answer.
    pub(super) fn keep(&mut self, path: &Path, node: Node) {
        self.all.push((path.to_owned(), node));
    }

    /// Takes all in. Returns how many facts they hold.
    pub(super) fn take(self, gather_scope: &GatherScope, builder: &mut Builder, now: jiff::Timestamp) -> u64 {
        let mut homes: BTreeMap<PathBuf, Places> = BTreeMap::new();
        for (path, node) in &self.all {
            homes.entry(folder(path)).or_default().learn(node);
        }
        let mut facts = 0;
        let mut oldest: Option<(jiff::Timestamp, crate::inventory::At)> = None;
        for (path, node) in self.all {
            let at = node.at;
            let Some((mut asked, outcome)) = opened(&path, node, builder) else { continue };
            if let Some(places) = homes.get(&folder(&path)) {
                asked.account = asked.account.or_else(|| places.account());
                asked.region = asked.region.or_else(|| places.region());
            }
            if let Some(time) = asked.at.as_deref().and_then(|time| time.parse::<jiff::Timestamp>().ok())
                && oldest.is_none_or(|(known, _)| time < known)
            {
                oldest = Some((time, at));
            }
            facts += super::read(Some(&asked), outcome, gather_scope, builder);
        }
        if let Some((time, at)) = oldest
            && let days @ 1.. = (now.as_second() - time.as_second()) / (24 * 3600)
        {
            builder.problem(Problem::new(AwsProblem::Old { days: Days(days) }, Some(at)));
        }
        facts
    }
}

fn folder(path: &Path) -> PathBuf {
    path.parent().map(Path::to_owned).unwrap_or_default()
}

/// What was asked, and what came of it.
fn opened(path: &Path, node: Node, builder: &mut Builder) -> Option<(Asked, Outcome)> {
    let at = node.at;
    let Some(form) = node.str_at(&["karpcheck"]).map(str::to_owned) else {
        let asked = by_name(path).map(|asked| Asked { place: at, ..asked });
        return Some((asked.unwrap_or_else(|| Asked { place: at, ..Asked::default() }), Outcome::Answer(node)));
    };
    if form != ENVELOPE {
        builder.problem(Problem::new(AwsProblem::Form { form: form.into() }, Some(at)));
        return None;
    }
    let words: Vec<&str> =
        node.member("command").map(Node::elements).unwrap_or_default().iter().filter_map(Node::as_str).collect();
    let text = |name: &str| node.str_at(&[name]).filter(|text| !text.is_empty()).map(str::to_owned);
    let asked =
        Asked { account: text("account"), region: text("region"), at: text("at"), place: at, ..of_command(&words) };
    let outcome = match (node.member("answer"), node.str_at(&["error"])) {
        (_, Some(error)) => super::of_error(&asked, error),
        (Some(answer), None) => Outcome::Answer(answer.clone()),
        (None, None) => Outcome::Failed("there is neither an answer nor an error in the file".into()),
    };
    Some((asked, outcome))
}

/// `["aws", "kms", "get-key-policy", "--key-id", "…"]`, with global options wherever they stand.
fn of_command(words: &[&str]) -> Asked {
    let mut asked = Asked::default();
    let mut option = None;
    for word in words.iter().skip(usize::from(words.first() == Some(&"aws"))) {
        match (word.strip_prefix("--"), &option) {
            (Some(name), _) => match name.split_once('=') {
                Some((name, value)) => asked.options.push((name.to_owned(), value.to_owned())),
                None => option = Some(name.to_owned()),
            },
            (None, Some(name)) => asked.options.push((name.clone(), (*word).to_owned())),
            (None, None) if asked.service.is_empty() => asked.service = (*word).to_owned(),
            (None, None) if asked.operation.is_empty() => asked.operation = (*word).to_owned(),
            (None, None) => {}
        }
    }
    asked
}

/// What a file's name says: `get-key-policy--KEY_ID.json`, `get-key-policy/KEY_ID.json`, `KEY_ID/get-key-policy.json`.
fn by_name(path: &Path) -> Option<Asked> {
    let stem = path.file_stem()?.to_string_lossy().into_owned();
    let parent =
        path.parent().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let words: Vec<&str> = stem.split("--").collect();
    let operation_of = |text: &str| {
        SUBJECTS.iter().find(|(operation, _)| text == *operation || text.ends_with(&format!("-{operation}")))
    };
    let (operation, options, values): (_, &[&str], Vec<String>) = match (operation_of(words[0]), operation_of(&parent))
    {
        (Some((operation, options)), _) => {
            let values = words[1..].iter().map(|word| (*word).to_owned()).collect();
            (*operation, options, values)
        }
        (None, Some((operation, options))) => {
            (*operation, options, words.iter().map(|word| (*word).to_owned()).collect())
        }
        (None, None) => return None,
    };
    let mut values = values;
    // A key's id is found wherever it stands.
    if options == ["key-id"]
        && let Some(key) = account_region::key_in(path)
    {
        values = vec![key];
    }
    let options = options.iter().zip(values).map(|(option, value)| ((*option).to_owned(), value)).collect();
    Some(Asked { operation: operation.to_owned(), options, ..Asked::default() })
}

/// The accounts and regions that the answers of a folder name.
#[derive(Debug, Default)]
struct Places {
    accounts: BTreeSet<String>,
    regions: BTreeSet<String>,
}

impl Places {
    fn learn(&mut self, node: &Node) {
        match &node.value {
            Value::Text(text) => {
                let Some(parts) = text.known().map(|text| text.splitn(6, ':').collect::<Vec<_>>()) else { return };
                if let ["arn", _, _, region, account, _] = parts[..] {
                    // AWS's own policies are of no account.
                    if !account.is_empty() && account != "aws" {
                        self.accounts.insert(account.to_owned());
                    }
                    if !region.is_empty() {
                        self.regions.insert(region.to_owned());
                    }
                }
            }
            Value::List(list) => list.items.iter().for_each(|item| self.learn(item)),
            Value::Map(map) => {
                for (key, value) in &map.entries {
                    // Others are named in policies and grants.
                    let foreign = key.known().is_some_and(|key| {
                        key.ends_with("Document")
                            || matches!(
                                key,
                                "Document" | "Grants" | "Policy" | "CloudTrailEvent" | "MultiRegionConfiguration"
                            )
                    });
                    if !foreign {
                        self.learn(value);
                    }
                }
            }
            _ => {}
        }
    }

    fn account(&self) -> Option<String> {
        self.accounts.first().filter(|_| self.accounts.len() == 1).cloned()
    }

    fn region(&self) -> Option<String> {
        self.regions.first().filter(|_| self.regions.len() == 1).cloned()
    }
}
