//! How far a policy reaches beyond its own cluster, found out with probes.

use crate::controllers::role;
use crate::documents::{allows, statements};
use crate::iam_calls::table::Tags;
use crate::iam_calls::{Actor, Name, name_of, pins, statement_of};
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

/// Does an Allow statement name one of these actions?
fn names(policy: Item, actions: &[&str]) -> bool {
    let named = |field: &Field| {
        field.known_text().is_some_and(|text| actions.iter().any(|action| text.eq_ignore_ascii_case(action)))
    };
    documents(policy).iter().flat_map(statements).any(|statement| {
        let own = statement.child("Action");
        allows(&statement) && (named(&own) || own.each().known().any(|field| named(&field)))
    })
}

/// The controllers that hold a policy; none if it is not a controller's. A policy that looks like a controller's, and that no
/// role is known to hold, counts.
pub(crate) fn holders(policy: Item) -> Option<Vec<Item>> {
    let controllers: Vec<Item> = select(CONTROLLER).known().collect();
    let mut roles: Vec<Item> = policy.linked("/Roles/*").collect();
    if policy.kind() == ROLE {
        roles.push(policy);
    }
    for link in policy.referrers(ROLE) {
        let Some(role) = link.known() else { continue };
        if link.field.name() == "PermissionsBoundary" {
            return None;
        }
        if link.field.parent().name() == "ManagedPolicyArns" {
            roles.push(role);
        }
    }
    let own: Vec<Item> =
        controllers.iter().copied().filter(|one| role(*one).is_some_and(|role| roles.contains(&role))).collect();
    if !own.is_empty() {
        return Some(own);
    }
    let loose: Vec<Item> = controllers.iter().copied().filter(|one| role(*one).is_none()).collect();
    if loose.is_empty() && !controllers.is_empty() {
        return None;
    }
    let full = names(policy, &["ec2:CreateFleet"]) || (karpenters(policy) && !documents(policy).is_empty());
    let part = roles.is_empty()
        && names(policy, &["ec2:CreateTags", "ec2:TerminateInstances"])
        && !names(policy, &["ec2:StopInstances"]);
    (full || part).then_some(loose)
}

/// Does it say Karpenter in its name? A role does only with a policy of its own that launches: nodes have roles, too.
fn karpenters(policy: Item) -> bool {
    let said = policy.name().to_ascii_lowercase().contains("karpenter")
        || ["/ManagedPolicyName", "/PolicyName"]
            .iter()
            .any(|name| ["*arpenter*", "*KARPENTER*"].iter().any(|text| policy.matches(name, text).is_yes()));
    said && (policy.kind() != ROLE || names(policy, &["ec2:RunInstances", "ec2:TerminateInstances"]))
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
    let some = holders.first().copied().or_else(|| select(CONTROLLER).known().next());
    let alone = ask(policy, some, probe);
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
    let mut through = holders.is_empty();
    for holder in holders {
        let decision = ask(*holder, Some(*holder), probe);
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

fn ask(principal: Item, controller: Option<Item>, probe: &Probe) -> Decision {
    let name = controller.map_or_else(|| Name::Text("this-cluster".into()), name_of);
    let actor = Actor {
        principal,
        controller: controller.unwrap_or(principal),
        class: None,
        name,
        beside: None,
        release: (1, 14),
        tags_of: (1, 14),
    };
    let mut request = actor.request(probe.action, probe.on, probe.sends, Tags::None, &[]);
    if probe.foreign {
        for (key, value) in FOREIGN {
            request = request.with_template(format!("aws:ResourceTag/{}", actor.fill(key)), actor.fill(value));
        }
    }
    if let Some(controller) = controller {
        for (number, pin) in pins(controller).into_iter().take(MOST_PINS).enumerate() {
            let name = format!("pin {number}");
            request = request
                .with(format!("aws:ResourceTag/kubernetes.io/cluster/{{{name}}}"), Value::Absent)
                .field(name, pin);
        }
    }
    if probe.shared {
        let own = controller.and_then(|one| one.known_text("/ClusterName")).unwrap_or_default();
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
