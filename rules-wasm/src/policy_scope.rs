//! How far a policy reaches beyond its own cluster, found out with probes.

use crate::iam_calls::call::Tags;
use crate::iam_calls::{Actor, name_of, pins, statement_of};
use crate::versions::{last_of, newest};
use karpcheck_sdk::prelude::*;

/// The subjects of rules about single policies.
pub(crate) const POLICIES: &[&str] = &["AWS::IAM::ManagedPolicy", "AWS::IAM::Policy", "AWS::IAM::Role"];

const ROLE: &str = "AWS::IAM::Role";
const CONTROLLER: &str = "Karpcheck::Controller";
const CLASS: &str = "karpenter.k8s.aws/EC2NodeClass";

/// What the functions here look at. The classes only sharpen what a probe finds.
pub(crate) const READS: &[&str] = &[CONTROLLER, CLASS];

/// A policy in a message: `policy karpenter`.
pub(crate) fn called(policy: Item) -> String {
    format!("{} {}", if policy.kind() == ROLE { "role" } else { "policy" }, policy.name())
}

/// Each once, and a part not beside the whole: who can tag any instance can tag another cluster's.
pub(crate) fn widest(mut what: Vec<&'static str>) -> Vec<&'static str> {
    for (whole, part) in [
        ("any instance", "another cluster's instances"),
        ("terminate any instance", "terminate another cluster's instances"),
    ] {
        if what.contains(&whole) {
            what.retain(|one| *one != part);
        }
    }
    what
}

/// The documents of a policy, or of a role's own policies.
pub(crate) fn documents(policy: Item) -> Vec<Field> {
    if policy.kind() != ROLE {
        return vec![policy.field("/PolicyDocument")];
    }
    policy.find("/Policies/*/PolicyDocument").known().collect()
}

/// The controllers that a policy counts as one of; none if it is not a controller's, or a role without a policy of its own.
pub(crate) fn holders(policy: Item) -> Option<Vec<Item>> {
    let mut controllers: Vec<Item> = vec![];
    // A role is named as such, and for its policies.
    for controller in policy.referring(CONTROLLER) {
        if !controllers.contains(&controller) {
            controllers.push(controller);
        }
    }
    (!controllers.is_empty() && !documents(policy).is_empty()).then_some(controllers)
}

/// What is wrong with a policy, at the statement that decides.
pub(crate) fn finding(policy: Item, decision: &Decision, message: String) -> Finding {
    let at = statement_of(decision).unwrap_or_else(|| policy.field(""));
    fail(at, message).related(decision.statements.clone())
}

/// A request that should be denied.
pub(crate) struct Probe {
    pub action: &'static str,
    pub on: &'static str,
    /// What is reached, in words.
    pub what: &'static str,
    /// Is it another cluster's, with that cluster's tags?
    pub foreign: bool,
    pub sends: Tags,
    /// Has it got the tags that the classes here give, as a cluster of the same house may?
    pub shared: bool,
}

/// What a probe came to.
pub(crate) enum Reach {
    Denied,
    /// By this decision.
    Allowed(Decision),
    Unknown(Unknown),
}

/// Asks by the policy alone, and, if that lets it through, by all that its holders have: what another policy forbids is not
/// reached.
pub(crate) fn reach(policy: Item, holders: &[Item], probe: &Probe) -> Reach {
    let Some(some) = holders.first() else { return Reach::Denied };
    let alone = ask(policy, *some, probe);
    match alone.access {
        Access::Allowed => {}
        Access::Unknown => return Reach::Unknown(alone.unknown.into()),
        Access::ImplicitDeny | Access::ExplicitDeny => return Reach::Denied,
    }
    // A role holds other policies, too: each is judged by itself.
    if statement_of(&alone).is_none_or(|statement| statement.item() != policy) {
        return Reach::Denied;
    }
    let mut open = None;
    let mut through = false;
    for holder in holders {
        let decision = ask(*holder, *holder, probe);
        match decision.access {
            Access::Allowed => through = true,
            Access::Unknown => {
                open.get_or_insert(decision.unknown.into());
            }
            Access::ImplicitDeny | Access::ExplicitDeny => {}
        }
    }
    match (through, open) {
        (true, _) => Reach::Allowed(alone),
        (false, Some(unknown)) => Reach::Unknown(unknown),
        (false, None) => Reach::Denied,
    }
}

fn ask(principal: Item, controller: Item, probe: &Probe) -> Decision {
    let release = last_of(newest(controller));
    let name = name_of(controller);
    let actor = Actor { principal, controller, class: None, name, beside: None, release, tags_of: release };
    // Its id is nobody's in particular: a policy for `i-*` reaches it, one for some ids does not.
    let mut request = actor
        .request(probe.action, probe.on, probe.sends, Tags::None, &[])
        .field("id", controller.field("/unknown/id"));
    if probe.foreign {
        for (key, value) in FOREIGN {
            request = request.with_template(format!("aws:ResourceTag/{}", actor.fill(key)), actor.fill(value));
        }
    }
    for (number, pin) in pins(controller).into_iter().take(MOST_PINS).enumerate() {
        let name = format!("pin {number}");
        request =
            request.with(format!("aws:ResourceTag/kubernetes.io/cluster/{{{name}}}"), Value::Absent).field(name, pin);
    }
    if probe.shared {
        let own = controller.known_text("/ClusterName").unwrap_or_default();
        for class in select(CLASS).known().take(MOST_CLASSES) {
            for tag in class.each("/spec/tags").known().take(MOST_TAGS) {
                if let Some(value) = tag.known_text()
                    && !own.is_empty()
                    && !value.contains(&own)
                {
                    request = request.with(format!("aws:ResourceTag/{}", tag.name()), value);
                }
            }
        }
    }
    request.decide()
}

/// More names that policies pin, classes and tags are not looked at.
const MOST_PINS: usize = 10;
const MOST_CLASSES: usize = 5;
const MOST_TAGS: usize = 20;

/// The tags of another cluster's nodes, of all releases.
const FOREIGN: &[(&str, &str)] = &[
    ("kubernetes.io/cluster/another-{cluster}", "owned"),
    ("eks:eks-cluster-name", "another-{cluster}"),
    ("karpenter.sh/managed-by", "another-{cluster}"),
    ("karpenter.k8s.aws/cluster", "another-{cluster}"),
    ("karpenter.sh/discovery", "another-{cluster}"),
    ("karpenter.sh/nodepool", "default"),
    ("karpenter.sh/provisioner-name", "default"),
    ("karpenter.k8s.aws/ec2nodeclass", "default"),
    ("karpenter.sh/nodeclaim", "default-probe"),
    ("Name", "default/probe"),
];
