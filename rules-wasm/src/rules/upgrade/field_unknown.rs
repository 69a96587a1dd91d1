//! ## What it finds
//!
//! An object of Karpenter's or ACK's kinds with a field, a value of a list, or a kind that its definition does not have:
//! `kmsKeyId` for `kmsKeyID`, `operator: Gte` before 1.9, `EC2NodeClas`. What decides is the CRD, where the cluster's was read
//! or files give it, else the definitions of the running release of Karpenter; where neither is known, only what no
//! release has is reported. Of a live object it is kubectl's note of what was last applied that shows what the
//! API server dropped.
//!
//! Of ACK's objects, without a CRD, only fields for KMS keys are known.
//!
//! ## Why it matters
//!
//! The API server drops a field that the definition does not have, without an error unless the client asks for strict
//! validation (kubectl does, Helm and most controllers do not). The object is saved, and what was set never happens: a volume
//! without the key that it was to have. A value that is not in the definition's list, and a kind that does not exist, are
//! refused.
//!
//! ## How to fix it
//!
//! Correct the name; where the field is of a later release, upgrade Karpenter and its CRDs first.
//! `kubectl apply --dry-run=server --validate=strict -f FILE` shows what a cluster makes of it.
//!
//! ## Example that fails
//!
//! ```yaml
//! apiVersion: karpenter.k8s.aws/v1
//! kind: EC2NodeClass
//! metadata: {name: default}
//! spec:
//!   role: KarpenterNodeRole-demo
//!   amiSelectorTerms: [{alias: al2023@latest}]
//!   subnetSelectorTerms: [{tags: {karpenter.sh/discovery: demo}}]
//!   securityGroupSelectorTerms: [{tags: {karpenter.sh/discovery: demo}}]
//!   blockDeviceMappings:
//!     - deviceName: /dev/xvda
//!       ebs:
//!         volumeSize: 50Gi
//!         encrypted: true
//!         kmsKeyId: arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab
//! ```
//!
//! ## Example that passes
//!
//! ```yaml
//! apiVersion: karpenter.k8s.aws/v1
//! kind: EC2NodeClass
//! metadata: {name: default}
//! spec:
//!   role: KarpenterNodeRole-demo
//!   amiSelectorTerms: [{alias: al2023@latest}]
//!   subnetSelectorTerms: [{tags: {karpenter.sh/discovery: demo}}]
//!   securityGroupSelectorTerms: [{tags: {karpenter.sh/discovery: demo}}]
//!   blockDeviceMappings:
//!     - deviceName: /dev/xvda
//!       ebs:
//!         volumeSize: 50Gi
//!         encrypted: true
//!         kmsKeyID: arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab
//! ```
//!
//! ## Sources
//!
//! - Kubernetes, "Field validation": <https://kubernetes.io/docs/reference/using-api/api-concepts/#field-validation>
//! - Kubernetes, "Field pruning":
//!   <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#field-pruning>
//! - The definitions of each release: <https://github.com/aws/karpenter-provider-aws/tree/v1.14.1/pkg/apis/crds>

use karpcheck_sdk::prelude::*;

use crate::ack::{self, keys};
use crate::crds;
use crate::schemas::{self, Broken, Deciding, Fault, Node, Who, Written, dotted, meant};
use crate::versions;

pub(crate) const RULE: Rule = Rule {
    title: "An object has a field, value or kind that its CRD does not define",
    severity: Error,
    subjects: &["karpenter.sh/*", "karpenter.k8s.aws/*", ack::KINDS],
    reads_if_allowed: &[crds::KIND],
    uses: &[schemas::READS],
    check,
    ..Rule::DEFAULT
};

/// What kubectl noted when the object was last applied: the JSON of the manifest.
const APPLIED: &str = "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration";

/// Fields on which other rules depend, or the launch of nodes: to lose one is not a matter of taste.
const WEIGHTY: &[&str] = &[
    "role",
    "instanceProfile",
    "encrypted",
    "kmsKeyID",
    "snapshotID",
    "blockDeviceMappings",
    "ebs",
    "tags",
    "amiSelectorTerms",
    "subnetSelectorTerms",
    "securityGroupSelectorTerms",
    "metadataOptions",
    "nodeClassRef",
    "requirements",
    "taints",
    "spec",
];

fn check(object: Item) -> Check {
    let kind = object.kind();
    let is_ack = ack::is_kind(&kind);
    if !is_ack && schemas::versions_of(&kind).is_empty() {
        return of_no_kind(object, &kind);
    }
    if object.observed() && object.get(APPLIED).is_absent() {
        return skip();
    }
    let written = Written::of(object);
    if written.is_of_others() {
        return skip();
    }
    let Some(deciding) = schemas::deciding(&written)? else {
        return if is_ack { keys_alone(object, &kind) } else { skip() };
    };
    if object.observed() {
        return applied(object, &deciding);
    }
    let node = written.into_tree()?;
    let judgement = deciding.judge_names(&node);
    let findings = judgement.broken.iter().filter_map(|broken| finding(&deciding, object, &node, broken)).collect();
    found(findings)
}

/// A kind that is not there.
fn of_no_kind(object: Item, kind: &str) -> Check {
    if !crds::of(object, kind).is_empty() || object.observed() {
        return pass();
    }
    let Some((group, noun)) = kind.split_once('/') else { return skip() };
    let kinds = schemas::kinds();
    let elsewhere = kinds.iter().find(|known| known.rsplit('/').next() == Some(noun));
    let like = meant(noun, kinds.iter().filter_map(|known| known.rsplit('/').next()));
    let (what, remedy) = match (elsewhere, like) {
        (Some(known), _) => {
            let group = known.split('/').next().unwrap_or_default();
            (format!(" ({noun} is of {group})"), format!("Write apiVersion: {group}/v1."))
        }
        (None, Some(like)) => (format!(" ({like} is meant)"), format!("Write kind: {like}.")),
        (None, None) if is_certain(object) => {
            (String::new(), "Remove it: no release of Karpenter has such a kind.".into())
        }
        // A kind of a later release, or of somebody's own.
        (None, None) => {
            return unknown(
                Unknown::not_provided(format!(
                    "no definition of {noun} in {group} was given, and no release of Karpenter has one"
                ))
                .with_code("no-definition")
                .settled_by(Settlement::Kind(crds::KIND.into())),
            );
        }
    };
    fail("/kind", format!("{group} has no kind {noun}{what}: the API server refuses object {}", object.name()))
        .remedy(remedy)
        .group("kind")
        .check()
}

/// Is the release that runs known here, so that a kind of a later one is out of the question?
fn is_certain(object: Item) -> bool {
    let running = schemas::running(object);
    !running.is_empty() && running.iter().all(|(controller, minor)| *minor <= versions::newest(*controller))
}

/// What the API server has dropped of a live object.
fn applied(live: Item, deciding: &Deciding) -> Check {
    let note = live.field(APPLIED);
    // Where the manifest was given it is judged itself.
    if live.linked("@same").any(|same| !same.observed() && same.kind() == live.kind()) {
        return skip();
    }
    let Some(node) = note.known_text().as_deref().and_then(Node::parse) else { return skip() };
    let judgement = deciding.judge_names(&node);
    let dropped = |broken: &&Broken| broken.fault == Fault::Field && live.field(broken.at.as_str()).is_absent();
    let findings: Vec<Finding> =
        judgement.broken.iter().filter(dropped).filter_map(|broken| finding(deciding, live, &node, broken)).collect();
    found(findings)
}

fn finding(deciding: &Deciding, object: Item, node: &Node, broken: &Broken) -> Option<Finding> {
    let who = object.name();
    let noun = object.noun();
    let at = broken.at.as_str();
    let applied = object.observed();
    let place = if applied { object.field(APPLIED) } else { object.field(at) };
    let finding = match &broken.fault {
        Fault::Field => {
            // The definition lags behind the releases that have the field: crd-outdated and ack-crd-outdated say so.
            if matches!(deciding.who, Who::Definition(_)) && is_known_elsewhere(object, at) {
                return None;
            }
            let (parent, name) = at.rsplit_once('/')?;
            let name = name.replace("~1", "/").replace("~0", "~");
            let schema = deciding.newest()?;
            let beside = schema
                .at(parent)
                .map(|schema| schema.fields.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>())
                .unwrap_or_default();
            let taken = |other: &&str| node.at(parent).and_then(|parent| parent.member(other)).is_none();
            let like = meant(&name, beside.iter().map(String::as_str).filter(taken)).map(str::to_owned);
            let hint = match &like {
                Some(like) => format!("{like} is meant"),
                None => elsewhere(deciding, object, at, &name),
            };
            let hint = if hint.is_empty() { hint } else { format!(" ({hint})") };
            let weighty = like.as_deref().is_some_and(|like| WEIGHTY.contains(&like) || is_key(object, parent, like));
            let loss = if applied {
                "the API server dropped it when it was applied"
            } else {
                "the API server silently drops it, or refuses the object if the client validates strictly"
            };
            let remedy = match &like {
                Some(like) => format!("Write {like} instead of {name}."),
                None => format!("Remove {name}, or put it where the definition has it."),
            };
            let message = format!(
                "{noun} {who} has {}, which {}{hint}: {loss}",
                dotted(at),
                deciding.who.does_not("know", "knows")
            );
            let finding = fail(place, message).remedy(remedy);
            if weighty { finding } else { finding.severity(Warning) }
        }
        Fault::Value if !schemas::is_of_another_version(object, at, node) => {
            let value = node.at(at)?.shown();
            let values = deciding.newest()?.at(at)?.values.iter().map(Node::shown).collect::<Vec<_>>();
            let since = since(object, at, node).map(|since| format!(" (it came with {since})")).unwrap_or_default();
            let like = meant(&value, values.iter().map(String::as_str)).filter(|_| since.is_empty());
            let hint = like.map(|like| format!(" ({like} is meant)")).unwrap_or_default();
            let remedy = match like {
                Some(like) => format!("Write {like}."),
                None => format!("Write one of {}.", values.join(", ")),
            };
            let message = format!(
                "{} of {noun} {who} is {value}, which {}{since}{hint}: the API server refuses the object",
                dotted(at),
                deciding.who.does_not("know", "knows"),
            );
            fail(place, message).remedy(remedy)
        }
        _ => return None,
    };
    let group = at.split('/').map(|part| if part.parse::<usize>().is_ok() { "*" } else { part }).collect::<Vec<_>>();
    Some(finding.related(deciding.who.place()).group(group.join("/")))
}

/// The version of the API that an object is written in.
fn version(object: Item) -> String {
    schemas::version_of(object).unwrap_or_default()
}

/// Has some release the field, so that only the definition that was given is old?
fn is_known_elsewhere(object: Item, at: &str) -> bool {
    let (kind, version) = (object.kind(), version(object));
    let released = schemas::served(&kind, &version).is_some_and(|served| {
        served
            .minors()
            .into_iter()
            .filter_map(|minor| schemas::release(&kind, &version, minor))
            .any(|schema| schema.at(at).is_some())
    });
    let of_a_reference = at.split('/').any(|segment| segment.ends_with("Ref") || segment.ends_with("Refs"));
    released || (ack::is_kind(&kind) && of_a_reference)
}

/// Where a field of this name is, or was: in another place, release or version of the API.
fn elsewhere(deciding: &Deciding, object: Item, at: &str, name: &str) -> String {
    let (kind, own) = (object.kind(), version(object));
    let (of_own, others): (Vec<_>, Vec<_>) =
        schemas::versions_of(&kind).into_iter().partition(|(version, _)| *version == own);
    for (version, served) in of_own.into_iter().chain(others) {
        let having = served
            .minors()
            .into_iter()
            .filter(|minor| schemas::release(&kind, version, *minor).is_some_and(|schema| schema.at(at).is_some()));
        let having: Vec<_> = having.collect();
        match having.as_slice() {
            [] => {}
            _ if version != own => return format!("it is a field of {version}"),
            // It is still there.
            [first, ..] if having.last() == served.minors().last() => {
                return format!("it came with {}.{}", first.0, first.1);
            }
            [first, .., last] => return format!("it is there from {}.{} to {}.{}", first.0, first.1, last.0, last.1),
            [only] => return format!("it came with {}.{}", only.0, only.1),
        }
    }
    let Some(schema) = deciding.newest() else { return String::new() };
    match schema.called(name).as_slice() {
        // A field of the elements of another list is another one.
        [only] if lists(only) == lists(at) => format!("it belongs at {}", dotted(only)),
        _ => String::new(),
    }
}

/// The lists that a pointer goes through.
fn lists(pointer: &str) -> Vec<String> {
    let pattern = pattern(pointer);
    let segments: Vec<&str> = pattern.split('/').collect();
    segments.windows(2).filter(|pair| pair[1] == "*").map(|pair| pair[0].to_owned()).collect()
}

/// The first release that has the value.
fn since(object: Item, at: &str, node: &Node) -> Option<String> {
    let (kind, own) = (object.kind(), version(object));
    let value = node.at(at)?;
    let first = schemas::served(&kind, &own)?.minors().into_iter().find(|minor| {
        schemas::release(&kind, &own, *minor)
            .is_some_and(|schema| schema.at(at).is_some_and(|schema| schema.values.contains(value)))
    })?;
    Some(format!("{}.{}", first.0, first.1))
}

/// Is a field of an ACK object one for a key?
fn is_key(object: Item, parent: &str, name: &str) -> bool {
    keys::of_kind(&object.kind()).any(|known| {
        [known.key, known.reference].iter().any(|at| at.rsplit_once('/') == Some((&pattern(parent), name)))
    })
}

/// `/spec/list/*/name` of `/spec/list/0/name`.
fn pattern(pointer: &str) -> String {
    let index = |segment: &str| !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit());
    pointer.split('/').map(|segment| if index(segment) { "*" } else { segment }).collect::<Vec<_>>().join("/")
}

/// Without a definition: a field that is a key's but for capitals.
fn keys_alone(object: Item, kind: &str) -> Check {
    if object.observed() {
        return skip();
    }
    let names: Vec<(&str, &str, &str)> = keys::of_kind(kind)
        .flat_map(|known| [known.key, known.reference])
        .filter_map(|at| at.rsplit_once('/').map(|(parent, name)| (at, parent, name)))
        .collect();
    // A key and its reference stand side by side.
    all(names.chunk_by(|(_, one, _), (_, next, _)| one == next), |beside| {
        let fields = object.find(&[beside[0].1, "/*"].concat()).known().filter(|field| field.index().is_none());
        let fields: Vec<(String, Field)> = fields.map(|field| (field.name(), field)).collect();
        all(beside, |(at, _, name)| {
            let like = fields.iter().filter(|(own, _)| own != name && own.eq_ignore_ascii_case(name));
            all(like, |(own, field)| {
                fail(
                    field,
                    format!(
                        "{} has {}, which no release of its controller knows ({name} is meant): the API server silently drops it, and the resource is encrypted with the key that AWS uses by default",
                        ack::called(object),
                        dotted(field.pointer())
                    ),
                )
                .remedy(format!("Write {name} instead of {own}."))
                .group(*at)
                .check()
            })
        })
    })
}
