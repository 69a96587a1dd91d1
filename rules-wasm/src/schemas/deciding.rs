//! Which schema decides about an object: the definition that the cluster has, else that of the running release.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use karpcheck_sdk::prelude::*;

use crate::ack;
use crate::crds;
use crate::schemas::judge::{Broken, Fault, Judgement, judge, judge_names};
use crate::schemas::schema::Schema;
use crate::schemas::table::{self, Served};
use crate::schemas::tree::{Node, Whole};
use crate::versions::{self, Minor};

/// What [`deciding`] looks at.
pub(crate) const READS: &[&str] = &["Karpcheck::Controller"];

/// The schemas that an object may be held against: what all of them refuse is refused.
pub(crate) struct Deciding {
    schemas: Schemas,
    pub(crate) who: Who,
}

/// Schemas, the newest last.
enum Schemas {
    Given(Vec<Rc<Schema>>),
    /// Those of these releases, each of which serves the kind. Most objects need the newest only.
    Releases(&'static Served, Vec<Minor>),
}

impl Schemas {
    /// From the newest on.
    fn newest_first(&self) -> Box<dyn Iterator<Item = Rc<Schema>> + '_> {
        match self {
            Self::Given(schemas) => Box::new(schemas.iter().rev().cloned()),
            Self::Releases(served, minors) => {
                Box::new(minors.iter().rev().filter_map(|minor| table::schema_of(served, *minor)))
            }
        }
    }
}

/// Whose schemas they are.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Who {
    /// A CRD's that was given, or several of one name, of which one is installed.
    Definition(Item),
    /// Those of the release that this controller runs.
    Release(Item),
    /// Those of all releases: which one runs is not known.
    AnyRelease,
}

impl Who {
    /// As a sentence begins with it.
    pub(crate) fn called(&self) -> String {
        match self {
            Self::Definition(definition) => format!("CRD {}", definition.name()),
            Self::Release(controller) => {
                format!("Karpenter {}", controller.known_text("/Version").unwrap_or_default())
            }
            Self::AnyRelease => "No known release of Karpenter".into(),
        }
    }

    /// `CRD x does not know`, `No release … knows`.
    pub(crate) fn does_not(&self, verb: &str, verbs: &str) -> String {
        match self {
            Self::AnyRelease => format!("no known release of Karpenter {verbs}"),
            other => format!("{} does not {verb}", other.called()),
        }
    }

    /// The place of the definition.
    pub(crate) fn place(&self) -> Option<Place> {
        match self {
            Self::Definition(definition) => Some(definition.place("", "the definition")),
            Self::Release(_) | Self::AnyRelease => None,
        }
    }
}

/// A version of an object's API as it is written: `v1` of `karpenter.sh/v1`.
pub(crate) fn version_of(object: Item) -> Result<String, Unknown> {
    Ok(version_in(&object.text("/apiVersion")?.unwrap_or_default()).to_owned())
}

/// The version in an `apiVersion`.
pub(crate) fn version_in(api_version: &str) -> &str {
    api_version.rsplit('/').next().unwrap_or_default()
}

/// What decides about an object; none where its version is not among those that are defined, which is the matter of other
/// rules.
///
/// # Errors
///
/// Where a definition is not wholly known, or the running release is newer than any that karpcheck knows.
pub(crate) fn deciding(written: &Written) -> Result<Option<Deciding>, Unknown> {
    let object = written.object;
    let kind = object.kind();
    let version = match written.at("/apiVersion") {
        Some(Some(Node::Text(version))) => version_in(version).to_owned(),
        _ => version_of(object)?,
    };
    let definitions = crds::of(object, &kind);
    if let Some(first) = definitions.first() {
        let mut schemas = vec![];
        for definition in &definitions {
            schemas.extend(schema_of(*definition, &version)?);
        }
        if !schemas.is_empty() {
            return Ok(Some(Deciding { schemas: Schemas::Given(schemas), who: Who::Definition(*first) }));
        }
        if !definitions.iter().any(|definition| crds::version(*definition, &version).is_some()) {
            return Ok(None);
        }
    }
    let Some(served) = table::served(&kind, &version) else { return Ok(None) };
    let of = |minors, who| Ok(Some(Deciding { schemas: Schemas::Releases(served, minors), who }));
    let running = running(object);
    if served.is_alpha() {
        let gone = !running.is_empty() && running.iter().all(|(_, minor)| !served.by((minor.0, minor.1, 0)));
        return if gone { Ok(None) } else { of(served.minors(), Who::AnyRelease) };
    }
    for (controller, minor) in &running {
        if *minor > versions::newest(*controller) {
            return Err(Unknown::undecidable(format!(
                "Karpenter {}.{} is newer than the releases that karpcheck knows",
                minor.0, minor.1
            ))
            .with_code("release-not-known"));
        }
        if table::schema_of(served, *minor).is_none() {
            return Ok(None);
        }
    }
    match running.first() {
        None => of(served.minors(), Who::AnyRelease),
        Some((controller, _)) => of(running.iter().map(|(_, minor)| *minor).collect(), Who::Release(*controller)),
    }
}

/// The controllers of an object whose releases are known; none where one is not.
pub(crate) fn running(object: Item) -> Vec<(Item, Minor)> {
    let own: Vec<Item> = object.linked("@controller").collect();
    let all: Vec<Item> = if own.is_empty() { select("Karpcheck::Controller").known().collect() } else { own };
    let versions: Vec<(Item, Option<Minor>)> =
        all.into_iter().map(|controller| (controller, versions::version(controller).ok().flatten())).collect();
    if versions.iter().any(|(_, version)| version.is_none()) {
        return vec![];
    }
    versions.into_iter().filter_map(|(controller, version)| Some((controller, version?))).collect()
}

/// By the definition and a version of it.
type ByVersion = BTreeMap<(Item, String), Option<Rc<Schema>>>;

thread_local! {
    static SCHEMAS: RefCell<ByVersion> = const { RefCell::new(BTreeMap::new()) };
}

/// The schema of a definition's version; none where it does not have it, or only an abridged one, without what is in a spec.
pub(crate) fn schema_of(definition: Item, version: &str) -> Result<Option<Rc<Schema>>, Unknown> {
    let key = (definition, version.to_owned());
    if let Some(known) = SCHEMAS.with_borrow(|known| known.get(&key).cloned()) {
        return Ok(known);
    }
    let field = crds::version(definition, version).map(|version| version.field("/schema/openAPIV3Schema"));
    let schema = match field.as_ref().map(Field::value) {
        Some(Value::Json(json)) => Schema::parse(json).filter(|schema| schema.describes("/spec")).map(Rc::new),
        Some(Value::Unknown(unknown)) => return Err(unknown.clone()),
        _ => None,
    };
    SCHEMAS.with_borrow_mut(|known| known.insert(key, schema.clone()));
    Ok(schema)
}

impl Deciding {
    /// What all schemas find, in the words of the newest. Where one finds nothing, the others do not matter.
    pub(crate) fn judge(&self, object: &Node) -> Judgement {
        self.judge_by(object, judge)
    }

    /// The fields and values that no schema has: all that there is to find in the names.
    pub(crate) fn judge_names(&self, object: &Node) -> Judgement {
        self.judge_by(object, judge_names)
    }

    fn judge_by(&self, object: &Node, judge: impl Fn(&Schema, &Node) -> Judgement) -> Judgement {
        let mut schemas = self.schemas.newest_first();
        let Some(newest) = schemas.next() else { return Judgement::default() };
        let mut judgement = judge(&newest, object);
        let mut before = newest;
        while !judgement.broken.is_empty() {
            let Some(schema) = schemas.next() else { break };
            // Most releases have the same schema as the next one.
            if schema != before {
                let other = judge(&schema, object);
                judgement.broken.retain(|broken| other.broken.iter().any(|same| is_same(broken, same)));
                let more: Vec<String> =
                    other.unread.into_iter().filter(|rule| !judgement.unread.contains(rule)).collect();
                judgement.unread.extend(more);
            }
            before = schema;
        }
        judgement
    }

    /// The schema to look things up in: the newest.
    pub(crate) fn newest(&self) -> Option<Rc<Schema>> {
        self.schemas.newest_first().next()
    }
}

fn is_same(one: &Broken, other: &Broken) -> bool {
    one.at == other.at
        && match (&one.fault, &other.fault) {
            (Fault::Required(one), Fault::Required(other)) => one == other,
            (Fault::Rule(..), Fault::Rule(..)) => true,
            (one, other) => std::mem::discriminant(one) == std::mem::discriminant(other),
        }
}

/// An object as it is written. Most are known to their last leaf, and one question tells all of it.
pub(crate) struct Written {
    object: Item,
    /// Without its metadata and status.
    whole: OnceCell<Option<Node>>,
}

impl Written {
    pub(crate) const fn of(object: Item) -> Self {
        Self { object, whole: OnceCell::new() }
    }

    fn whole(object: Item) -> Option<Node> {
        match object.get("") {
            Value::Json(json) => Node::parse_without(&json, &["metadata", "status"]),
            _ => None,
        }
    }

    /// What stands at a pointer, where all of it is worth reading at once: of what is stored little is looked at, and of ACK's
    /// kinds there is seldom a definition to hold it against. None where it is to be asked for by itself.
    pub(crate) fn at(&self, pointer: &str) -> Option<Option<&Node>> {
        let object = self.object;
        if self.whole.get().is_none() && (object.observed() || ack::is_kind(&object.kind())) {
            return None;
        }
        self.whole.get_or_init(|| Self::whole(object)).as_ref().map(|node| node.at(pointer))
    }

    /// Is it certainly another provider's, whose definitions are others, or EKS Auto Mode's?
    pub(crate) fn is_of_others(&self) -> bool {
        let kind = self.object.kind();
        // A class of another provider is of another group, and so no object that is asked about here.
        let Some(noun) = kind.strip_prefix("karpenter.sh/") else { return false };
        let groups: &[&str] = match noun {
            "NodePool" => &["/spec/template/spec/nodeClassRef/group"],
            "NodeClaim" => &["/spec/nodeClassRef/group"],
            _ => &["/spec/template/spec/nodeClassRef/group", "/spec/nodeClassRef/group"],
        };
        let is_other = |group: &str| !group.is_empty() && group != "karpenter.k8s.aws";
        groups.iter().any(|at| match self.at(at) {
            Some(Some(Node::Text(group))) => is_other(group),
            Some(None) => false,
            // What a tool is yet to fill in is written, too.
            _ => matches!(&self.object.get(at), Value::Text(group) if is_other(group)),
        })
    }

    /// As the API server would be given it, without its metadata and status.
    ///
    /// # Errors
    ///
    /// Where all of its spec is unknown.
    pub(crate) fn into_tree(self) -> Result<Node, Unknown> {
        let object = self.object;
        if let Some(node) = self.whole.into_inner().unwrap_or_else(|| Self::whole(object)) {
            return Ok(node);
        }
        let whole = if object.open("").is_some() { Whole::No } else { Whole::Yes };
        let mut members = vec![];
        for field in object.each("").known().filter(|field| !matches!(field.pointer(), "/metadata" | "/status")) {
            match (Node::read(&field), field.value()) {
                (Some(Node::Unknown), Value::Unknown(unknown)) if field.pointer() == "/spec" => {
                    return Err(unknown.clone());
                }
                (Some(node), _) => members.push((field.name(), node)),
                (None, _) => {}
            }
        }
        Ok(Node::Map(members, whole))
    }
}

/// Has another version of the API a value, and the object's own in no release? Then it was written for that one.
pub(crate) fn is_of_another_version(object: Item, at: &str, node: &Node) -> bool {
    let (kind, own) = (object.kind(), version_of(object).unwrap_or_default());
    let known = |version: &str, served: &Served| {
        let mut minors = served.minors().into_iter().filter_map(|minor| table::release(&kind, version, minor));
        minors.any(|schema| {
            schema.at(at).is_some_and(|schema| node.at(at).is_some_and(|value| schema.values.contains(value)))
        })
    };
    let versions = table::versions_of(&kind);
    !versions.iter().any(|(version, served)| *version == own && known(version, served))
        && versions.iter().any(|(version, served)| *version != own && known(version, served))
}

/// What an object that lacks something required may be.
pub(crate) enum Completeness {
    Whole,
    /// A patch that another object of its name is to be merged with.
    Patch,
    /// One or the other: it lacks this.
    Open(String),
}

impl Deciding {
    /// Does an object have what every object of its kind must have?
    pub(crate) fn completeness(&self, object: Item, node: &Node) -> Completeness {
        let mut lacking = vec![];
        if let Some(schema) = self.newest() {
            lacks(&schema, node, &mut lacking);
        }
        let Some((others, names)) = lacking.first() else { return Completeness::Whole };
        // An object of another cluster is no base of this one, whatever it is called.
        let namesakes = object.peers("@name", &object.kind(), "@name");
        let mut bases =
            namesakes.iter().filter_map(Link::known).filter(|peer| peer.linked("@controller").next().is_none());
        match (lacking.len(), names.as_slice()) {
            _ if bases.next().is_some() => Completeness::Patch,
            // Two of three: a patch would rather set one.
            (1, [_]) if *others >= 2 => Completeness::Whole,
            (1, [name]) if *others == 1 => Completeness::Open(name.clone()),
            _ => Completeness::Patch,
        }
    }
}

/// The objects, outside of lists, that lack a required field: how many they have, and which they lack.
fn lacks(schema: &Schema, node: &Node, into: &mut Vec<(usize, Vec<String>)>) {
    let Node::Map(members, Whole::Yes) = node else { return };
    let without_default =
        |name: &&String| schema.field(name).is_none_or(|field| field.default.is_none()) && node.member(name).is_none();
    let missing: Vec<String> = schema.required.iter().filter(without_default).cloned().collect();
    if !missing.is_empty() {
        into.push((schema.required.len() - missing.len(), missing));
    }
    for (name, member) in members {
        if let Some(field) = schema.field(name) {
            lacks(field, member, into);
        }
    }
}

/// `spec.list[0].name` of `/spec/list/0/name`.
pub(crate) fn dotted(pointer: &str) -> String {
    let mut text = String::new();
    for segment in pointer.split('/').skip(1) {
        if segment == "*" {
            text.push_str("[]");
        } else if !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit()) {
            text.push_str(&format!("[{segment}]"));
        } else {
            if !text.is_empty() {
                text.push('.');
            }
            text.push_str(&segment.replace("~1", "/").replace("~0", "~"));
        }
    }
    text
}

/// Which of these names is meant, if one is like it.
pub(crate) fn meant<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |name: &str| name.to_ascii_lowercase().replace(['-', '_'], "");
    let own = plain(name);
    let near = |other: &&str| (distance(&own, &plain(other)), other.len().abs_diff(name.len()));
    let best = names.into_iter().min_by_key(near)?;
    let allowed = if own.len() < 5 { 1 } else { 2 };
    (near(&best).0 <= allowed).then_some(best)
}

/// How many letters to add, drop, change or swap.
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=other.len()).collect()];
    for (i, letter) in one.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, against) in other.iter().enumerate() {
            let change = rows[i][j] + usize::from(letter != against);
            let mut least = change.min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *letter == other[j - 1] && one[i - 1] == *against {
                least = least.min(rows[i - 1][j - 1] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[one.len()][other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_meant_is_near() {
        let names = ["kmsKeyID", "encrypted", "iops", "volumeSize", "deleteOnTermination"];
        assert_eq!(meant("kmsKeyId", names), Some("kmsKeyID"));
        assert_eq!(meant("encypted", names), Some("encrypted"));
        assert_eq!(meant("volumesize", names), Some("volumeSize"));
        assert_eq!(meant("throughput", names), None);
        assert_eq!(distance("abc", "acb"), 1);
    }

    #[test]
    fn fields_are_named_as_people_write_them() {
        assert_eq!(dotted("/spec/blockDeviceMappings/0/ebs/kmsKeyId"), "spec.blockDeviceMappings[0].ebs.kmsKeyId");
        assert_eq!(dotted("/spec/amiSelectorTerms/*/ssmParameter"), "spec.amiSelectorTerms[].ssmParameter");
        assert_eq!(dotted("/metadata/labels/a.b~1c"), "metadata.labels.a.b/c");
    }
}
