//! ## What it finds
//!
//! An object that the API server refuses by the rest of its definition: a value of another type, one that does not match the
//! definition's pattern or limits, a required field that is missing, a value from another version of the API
//! (`consolidationPolicy: WhenUnderutilized` in `v1`), and what breaks a rule of `x-kubernetes-validations`. What decides is the
//! CRD, where the cluster's was read or files give it, else the definitions of the running release of Karpenter; where neither
//! is known, only what every release refuses is reported.
//!
//! Also an EC2NodeClass whose `role` is an ARN or has a path: the API server takes it, IAM does not, which wants a name. From 1.2 on
//! Karpenter takes what stands behind the last slash.
//!
//! Of the rules' language (CEL) the part is evaluated in which Karpenter's definitions are written. Rules of other definitions
//! that need more of it are not evaluated; the verdict says how many. Rules that compare with the object as it was before are
//! about changes, and are left out. What node-class-role-invalid and field-unknown say is not said again.
//!
//! ## Why it matters
//!
//! The object is not created, or stays as it was: a NodePool that is not there launches nothing, and a deployment from Git
//! stops at it.
//!
//! ## How to fix it
//!
//! Correct what the message names; `kubectl explain` shows a field as the cluster has it, and
//! `kubectl apply --dry-run=server -f FILE` what the API server says.
//!
//! ## Example that fails
//!
//! ```yaml
//! apiVersion: karpenter.sh/v1
//! kind: NodePool
//! metadata: {name: default}
//! spec:
//!   disruption: {consolidationPolicy: WhenUnderutilized, consolidateAfter: 1m}
//!   template:
//!     spec:
//!       nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: default}
//!       requirements:
//!         - {key: karpenter.k8s.aws/instance-generation, operator: Gt, values: [4]}
//! ```
//!
//! ## Example that passes
//!
//! ```yaml
//! apiVersion: karpenter.sh/v1
//! kind: NodePool
//! metadata: {name: default}
//! spec:
//!   disruption: {consolidationPolicy: WhenEmptyOrUnderutilized, consolidateAfter: 1m}
//!   template:
//!     spec:
//!       nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: default}
//!       requirements:
//!         - {key: karpenter.k8s.aws/instance-generation, operator: Gt, values: ["4"]}
//! ```
//!
//! ## Sources
//!
//! - Kubernetes, "Validation" and "Validation rules" of CustomResourceDefinitions:
//!   <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation>
//! - The definitions of each release: <https://github.com/aws/karpenter-provider-aws/tree/v1.14.1/pkg/apis/crds>
//! - IAM, AddRoleToInstanceProfile, `RoleName`:
//!   <https://docs.aws.amazon.com/IAM/latest/APIReference/API_AddRoleToInstanceProfile.html>
//! - What Karpenter makes of a role with a path, from 1.2 on:
//!   <https://github.com/aws/karpenter-provider-aws/blob/v1.2.0/pkg/providers/instanceprofile/instanceprofile.go>

use karpcheck_sdk::prelude::*;

use crate::schemas::{self, Broken, Completeness, Deciding, Fault, Node, Written, dotted};
use crate::versions::{self, Minor};
use crate::{ack, crds};

pub(crate) const RULE: Rule = Rule {
    title: "The API server rejects an object",
    severity: Error,
    subjects: &[
        "karpenter.sh/NodePool",
        "karpenter.sh/NodeClaim",
        "karpenter.sh/NodeOverlay",
        "karpenter.k8s.aws/EC2NodeClass",
        ack::KINDS,
    ],
    reads_if_allowed: &[crds::KIND],
    uses: &[schemas::READS],
    check,
    ..Rule::DEFAULT
};

/// Karpenter leaves the path of a role out from this release on, and with it all of an ARN but the name.
const ROLES_WITH_PATHS: Minor = (1, 2);

fn check(object: Item) -> Check {
    // What is stored was accepted.
    if object.observed() {
        return skip();
    }
    let written = Written::of(object);
    if written.is_of_others() {
        return skip();
    }
    both([role(object, &written), by_definition(object, written)])
}

/// Not the API server's word, but AWS's.
fn role(class: Item, written: &Written) -> Check {
    if class.noun() != "EC2NodeClass" {
        return skip();
    }
    // Of most classes it needs no further question.
    match written.at("/spec/role") {
        Some(None) => return skip(),
        Some(Some(Node::Text(role))) if !role.contains('/') => return skip(),
        _ => {}
    }
    let role = class.field("/spec/role");
    if role.is_absent() || !role.matches("*/*").is_yes() {
        return skip();
    }
    let (what, running) =
        (if role.matches("arn:*").is_yes() { "an ARN" } else { "a name with a path" }, schemas::running(class));
    let before = |version: &Minor| *version < ROLES_WITH_PATHS;
    if !running.is_empty() && !running.iter().any(|(_, version)| before(version)) {
        return pass();
    }
    // What serves `v1beta1` is older.
    if running.is_empty() && !class.known_text("/apiVersion").is_some_and(|version| version.ends_with("beta1")) {
        let why = format!(
            "the role of EC2NodeClass {} is {what}, of which Karpenter takes the name only from 1.2 on, and which version runs is not \
             known (--karpenter-version states it)",
            class.name()
        );
        return unknown(versions::not_known(why).at(role.place("")));
    }
    fail(
        &role,
        format!(
            "role of EC2NodeClass {} is {what}, but Karpenter hands it to IAM as a role's name, which IAM refuses: there is no \
             instance profile, and no node is launched",
            class.name()
        ),
    )
    .remedy("Write the role's name alone, without path.")
    .check()
}

fn by_definition(object: Item, written: Written) -> Check {
    let Some(deciding) = schemas::deciding(&written)? else { return skip() };
    let node = written.into_tree()?;
    let (node, open) = match deciding.completeness(object, &node) {
        Completeness::Whole => (node, None),
        Completeness::Patch => (node.into_patch(), None),
        Completeness::Open(lacks) => (node.into_patch(), Some(lacks)),
    };
    let judgement = deciding.judge(&node);
    let mut findings: Vec<Finding> =
        judgement.broken.iter().filter_map(|broken| finding(&deciding, object, &node, broken)).collect();
    if let Some(lacks) = open {
        let why = format!(
            "it lacks {lacks}, which its definition requires, and whether it is a patch that another object is to be merged with \
             is not known"
        );
        let reason = Unknown::undecidable(why).with_code("may-be-a-patch");
        let message = format!(
            "{} {} lacks {lacks}: unless it is a patch, the API server refuses it",
            object.noun(),
            object.name()
        );
        findings
            .push(undecided(reason, "/spec", message).remedy(format!("Add {lacks}, unless another object has it.")));
    }
    if findings.is_empty() && !judgement.unread.is_empty() {
        let several = judgement.unread.len();
        let why = format!("{several} rules of the definition are in a part of CEL that is not evaluated here");
        return unknown(Unknown::undecidable(why).with_code("rules-not-evaluated"));
    }
    let unread = judgement.unread.len();
    let noted = |finding: Finding| {
        if unread == 0 { finding } else { finding.property("rules-not-evaluated", unread.to_string()) }
    };
    found(findings.into_iter().map(noted).collect())
}

fn finding(deciding: &Deciding, object: Item, node: &Node, broken: &Broken) -> Option<Finding> {
    let (noun, name, at) = (object.noun(), object.name(), broken.at.as_str());
    let field = dotted(at);
    let (what, remedy) = match &broken.fault {
        Fault::Field => return None,
        Fault::Value if schemas::is_of_another_version(object, at, node) => {
            let values: Vec<String> = deciding.newest()?.at(at)?.values.iter().map(Node::shown).collect();
            (
                format!("{field} is {}, a value from another version of the API", node.at(at)?.shown()),
                format!("Write one of {}.", values.join(", ")),
            )
        }
        Fault::Value => return None,
        Fault::Type(wanted, is) => {
            let wanted = if wanted == "int-or-string" { "an integer or a string".into() } else { article(wanted) };
            let remedy = match (wanted.as_str(), *is) {
                ("a string", "integer" | "number" | "boolean") => "Put it in quotes.".into(),
                _ => format!("Write {wanted}."),
            };
            (format!("{field} is {}, where it must be {wanted}", article(is)), remedy)
        }
        Fault::Pattern(pattern) => (
            format!("{field} is {}, which does not match {pattern}", node.at(at)?.shown()),
            "Write it in the form that the definition asks for.".into(),
        ),
        Fault::Limit(limit, number) => (
            format!("{field} is beyond the definition's {limit} of {number}"),
            format!("Keep within {limit} {number}."),
        ),
        Fault::Required(lacks) => {
            if at.ends_with("/nodeClassRef") && matches!(lacks.as_str(), "group" | "kind") {
                return None;
            }
            let of = if field.is_empty() { "it".into() } else { field.clone() };
            (format!("{of} lacks {lacks}, which is required"), format!("Add {lacks}."))
        }
        Fault::Rule(message, cel) => {
            if is_said_elsewhere(at, cel) {
                return None;
            }
            let says = if message.is_empty() { cel } else { message };
            let of = if field.is_empty() { "the object".into() } else { field.clone() };
            (format!("{of} breaks a rule of the definition: {says}"), format!("Change {of} so that this rule holds."))
        }
    };
    let who = match deciding.who {
        schemas::Who::AnyRelease => "every known release of Karpenter".into(),
        ref who => who.called(),
    };
    let group = at.split('/').map(|part| if part.parse::<usize>().is_ok() { "*" } else { part }).collect::<Vec<_>>();
    let message = format!("{noun} {name} is rejected by the API server, as {who} defines it: {what}");
    Some(fail(object.field(at), message).remedy(remedy).related(deciding.who.place()).group(group.join("/")))
}

/// What node-class-role-invalid says: which of role and instanceProfile, and the tags that are Karpenter's own.
fn is_said_elsewhere(at: &str, cel: &str) -> bool {
    let own_tags = ["kubernetes.io/cluster", "karpenter.sh/", "karpenter.k8s.aws/", "eks:"];
    (at == "/spec" && cel.contains("self.instanceProfile"))
        || (at == "/spec/tags" && own_tags.iter().any(|tag| cel.contains(tag)))
}

fn article(kind: &str) -> String {
    let article = if kind.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {kind}")
}
