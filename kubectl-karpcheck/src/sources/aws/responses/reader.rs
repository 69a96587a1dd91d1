//! What the operations share: fields by table, resources with where they live, what is not known.

use std::sync::Arc;

use crate::inventory::problem::AwsProblem;
use crate::inventory::reason::Answers;
use crate::inventory::{
    At, Builder, Cause, Draft, LookupRecord, LookupResult, Map, Node, Problem, Reason, SourceKind, Text, Value,
};
use crate::schema::aws;
use crate::schema::aws::Kind;
use crate::schema::kinds::GatherScope;
use crate::sources::aws::account_region;
use crate::sources::aws::responses::Asked;
use crate::sources::mapping::{Mapper, PLAIN, Rows};

/// Takes in one answer.
pub(super) struct ResponseReader<'a> {
    pub(super) asked: &'a Asked,
    pub(super) gather_scope: &'a GatherScope,
    pub(super) builder: &'a mut Builder,
    pub(super) facts: u64,
}

/// Members of an answer are absent where it could have them and has not.
const ANSWER: Mapper<'static> = Mapper { says_all: true, ..PLAIN };

/// Of what an answer is.
pub(super) struct Subject {
    /// By ARN.
    pub(super) arn: Option<Text>,
    /// By the name or id that others use.
    pub(super) id: Option<Text>,
    /// What a person calls it.
    pub(super) name: String,
}

impl Subject {
    /// By whatever text names it: an ARN, a name, an id.
    pub(super) fn named(text: &str) -> Self {
        let last = text.rsplit([':', '/']).next().unwrap_or(text);
        // The name of an alias has slashes of its own.
        let id = text.find("alias/").map_or(last, |start| &text[start..]);
        Self { arn: text.starts_with("arn:").then(|| text.into()), id: Some(id.into()), name: id.to_owned() }
    }
}

impl ResponseReader<'_> {
    /// The properties of a type that an answer holds. One that it could hold and does not is absent.
    pub(super) fn fields(&mut self, kind: &str, from: &Node, rows: Rows) -> Map {
        self.builder.unmapped("aws", kind, &|found| ANSWER.unmapped(rows, from, found));
        ANSWER.properties(rows, Kind::Object(aws::properties(kind)), from)
    }

    /// Adds what an answer says of a resource, if anything looks at this kind.
    pub(super) fn resource(&mut self, kind: &str, subject: Subject, mut map: Map, at: At) {
        self.facts += 1;
        if !self.wants(kind) {
            self.builder.skip(1);
            return;
        }
        let place =
            |text: &Option<String>| text.as_deref().filter(|text| !text.is_empty()).map(|text| Node::text(text, at));
        let mut facts = subject.arn.as_ref().and_then(|arn| account_region::of_arn(kind, arn, at)).unwrap_or_default();
        if let Some(arn) = subject.arn {
            map.set("Arn", Node::text(arn, at));
        }
        facts.id = subject.id.or(facts.id);
        facts.account = facts.account.or_else(|| place(&self.asked.account));
        facts.region = facts.region.or_else(|| place(&self.asked.region).filter(|_| !kind.starts_with("AWS::IAM::")));
        facts.partition =
            facts.partition.or_else(|| Some(Node::text(self.asked.region.as_deref().and_then(aws::partition_of)?, at)));
        let mut draft = Draft::new(kind, subject.name, Node::new(Value::Map(map), at), SourceKind::Aws);
        draft.aws = Some(Box::new(facts));
        draft.read_at = self.asked.at.as_deref().map(Arc::from);
        self.builder.add(draft);
    }

    /// Kinds that rules are about are kept, and so is what leads to them.
    fn wants(&self, kind: &str) -> bool {
        aws::always(kind) || self.gather_scope.wants(kind)
    }

    /// A part of a resource: what is not in it is not known from this answer.
    pub(super) fn part(&mut self, kind: &str, subject: Subject, mut map: Map, at: At) {
        let gap = Answers::NotDescribed { item: subject.name.as_str().into() };
        map.more = Some(Box::new(Reason::new(Cause::NotProvided, gap)));
        self.resource(kind, subject, map, at);
    }

    /// Properties that are not known, for this reason.
    pub(super) fn unknown(&mut self, kind: &str, subject: Subject, properties: &[&str], reason: &Reason) {
        let at = self.asked.place;
        let unknown = || Node::new(Value::Unknown(Box::new(reason.clone())), at);
        let map = properties.iter().map(|property| (Text::from(*property), unknown())).collect();
        self.part(kind, subject, map, at);
    }

    /// Tells the inventory of what is not among its items.
    pub(super) fn record(&mut self, kind: &str, word: LookupResult) {
        self.record_in(kind, self.asked.account.clone(), word);
    }

    /// The same of an account that the answer tells.
    pub(super) fn record_in(&mut self, kind: &str, account: Option<String>, word: LookupResult) {
        self.facts += 1;
        let regional = !kind.starts_with("AWS::IAM::");
        self.builder.record_lookup(LookupRecord {
            kind: kind.into(),
            account,
            region: self.asked.region.clone().filter(|_| regional),
            word,
        });
    }

    /// There is none of this name.
    pub(super) fn none_called(&mut self, kind: &str, option: &str) {
        if let Some(name) = self.asked.option(option).map(str::to_owned) {
            self.record(kind, LookupResult::NotFound(name));
        }
    }

    /// What the command was about, for a sentence: ` for KEY in 111122223333, eu-west-1`.
    pub(super) fn about(&self) -> String {
        let subject = self.asked.options.iter().find(|(name, _)| {
            !matches!(name.trim_start_matches('-'), "policy-name" | "attribute-names" | "namespace" | "metric-name")
        });
        let place: Vec<&str> =
            [&self.asked.account, &self.asked.region].into_iter().flatten().map(String::as_str).collect();
        let mut about = subject.map(|(_, value)| format!(" for {value}")).unwrap_or_default();
        if !place.is_empty() {
            about.push_str(" in ");
            about.push_str(&place.join(", "));
        }
        about
    }

    /// Reports that an answer does not say what it is about.
    pub(super) fn nameless(&mut self, operation: &str, what: &str, example: &str, at: At) {
        self.facts += 1;
        let nameless = AwsProblem::Nameless { operation: operation.into(), what: what.into(), example: example.into() };
        self.builder.problem(Problem::new(nameless, Some(at)));
    }

    /// What is not known of a list of which only a page was given: what it lists, and of which role or policy.
    pub(super) fn rest(node: &Node, what: &'static str, of: &str) -> Option<Box<Reason>> {
        let page = || Answers::Page { what, role: of.into() };
        (!Self::whole(node)).then(|| Box::new(Reason::new(Cause::NotProvided, page())))
    }

    /// Was all of a list given?
    pub(super) fn whole(node: &Node) -> bool {
        let cut = node.member("IsTruncated").is_some_and(|flag| matches!(flag.value, Value::Flag(true)))
            || node.member("Truncated").is_some_and(|flag| matches!(flag.value, Value::Flag(true)));
        let more = ["NextToken", "NextMarker", "Marker", "nextToken"];
        !cut && !more.iter().any(|name| node.member(name).is_some_and(|token| !token.is_null()))
    }
}

/// Unknown, since it was not among the answers.
pub(super) fn not_given(gap: Answers, at: At) -> Node {
    Node::unknown(Cause::NotProvided, gap, at)
}

/// Where an answer is of a resource without an ARN of its own.
pub(super) fn bare(id: &str, name: String) -> Subject {
    Subject { arn: None, id: Some(id.into()), name }
}

/// A text that is known and not empty.
pub(super) fn text_of(node: Option<&Node>) -> Option<&str> {
    node.and_then(Node::as_str).filter(|text| !text.is_empty())
}

/// Is a member of this type?
pub(super) fn is_text(node: &Node, member: &str) -> bool {
    node.member(member).is_some_and(|node| matches!(node.value, Value::Text(_)))
}

pub(super) fn is_map(node: &Node, member: &str) -> bool {
    node.member(member).is_some_and(|node| matches!(node.value, Value::Map(_)))
}

/// A list of objects; an empty one is of any kind.
pub(super) fn is_list(node: &Node, member: &str, sign: &str) -> bool {
    node.member(member).is_some_and(|node| match &node.value {
        Value::List(list) => list.items.iter().all(|item| item.member(sign).is_some()),
        _ => false,
    })
}

/// Where a refusal leaves nothing unknown that was known to be there.
pub(super) fn nothing_unavailable(_: &mut ResponseReader<'_>, _: &Reason) {}

/// Where it has no effect that something does not exist.
pub(super) fn nothing_missing(_: &mut ResponseReader<'_>) {}
