//! How far a policy reaches beyond its own cluster, found out with probes.

use crate::karpenter::statements;
use crate::requests::table::Tags;
use crate::requests::{Actor, Name, name_of, pins, statement_of};
use karpcheck_sdk::prelude::*;

/// The subjects of rules about single policies.
pub(crate) const POLICIES: &[&str] = &["AWS::IAM::ManagedPolicy", "AWS::IAM::Policy", "AWS::IAM::Role"];

/// What to call one of them.
pub(crate) fn noun(policy: Item) -> &'static str {
    if policy.kind() == "AWS::IAM::Role" { "role" } else { "policy" }
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
pub(crate) fn documents(policy: Item) -> Vec<String> {
    if policy.kind() != "AWS::IAM::Role" {
        return vec!["/PolicyDocument".into()];
    }
    let found = policy.find("/Policies/*/PolicyDocument");
    found.into_iter().map(|field| field.at).filter(|at| at.ends_with("/PolicyDocument")).collect()
}

/// Does an Allow statement name one of these actions?
fn names(policy: Item, actions: &[&str]) -> bool {
    documents(policy).iter().flat_map(|document| statements(policy, document)).any(|statement| {
        policy.matches(&format!("{statement}/Effect"), "Allow") == Answer::Yes
            && ["Action", "Action/*"].iter().any(|at| {
                policy.find(&format!("{statement}/{at}")).iter().any(|field| {
                    matches!(&field.value, Value::Text(text)
                        if actions.iter().any(|action| text.eq_ignore_ascii_case(action)))
                })
            })
    })
}

/// The controllers that hold a policy; none if it is no controller's. A policy that looks like a controller's, and that no
/// role is known to hold, counts.
pub(crate) fn holders(policy: Item) -> Option<Vec<Item>> {
    let controllers: Vec<Item> = select("Karpcheck::Controller").given().collect();
    let role_of = |controller: &Item| controller.related("/Role").first().and_then(Link::given);
    let mut roles: Vec<Item> = policy.related("/Roles/*").iter().filter_map(Link::given).collect();
    if policy.kind() == "AWS::IAM::Role" {
        roles.push(policy);
    }
    for role in select("AWS::IAM::Role").given() {
        if role.related("/ManagedPolicyArns/*").iter().any(|link| link.given() == Some(policy)) {
            roles.push(role);
        }
        if role.related("/PermissionsBoundary").iter().any(|link| link.given() == Some(policy)) {
            return None;
        }
    }
    let own: Vec<Item> =
        controllers.iter().copied().filter(|one| role_of(one).is_some_and(|role| roles.contains(&role))).collect();
    if !own.is_empty() {
        return Some(own);
    }
    let loose: Vec<Item> = controllers.iter().copied().filter(|one| role_of(one).is_none()).collect();
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
            .any(|name| ["*arpenter*", "*KARPENTER*"].iter().any(|text| policy.matches(name, text) == Answer::Yes));
    said && (policy.kind() != "AWS::IAM::Role" || names(policy, &["ec2:RunInstances", "ec2:TerminateInstances"]))
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
    /// By this decision, and whether the statement has a condition.
    Allowed(Decision, bool),
    Unknown(Unknown),
}

/// Asks by the policy alone, and, if that lets it through, by all that its holders have: what another policy forbids is not
/// reached.
pub(crate) fn reach(policy: Item, holders: &[Item], probe: &Probe) -> Reach {
    let some = holders.first().copied().or_else(|| select("Karpcheck::Controller").given().next());
    let alone = ask(policy, some, probe);
    match alone.access {
        Access::Allowed => {}
        Access::Unknown => return Reach::Unknown(alone.unknown.into()),
        Access::ImplicitDeny | Access::ExplicitDeny => return Reach::Denied,
    }
    let Some((item, statement)) = statement_of(&alone) else { return Reach::Denied };
    // A role holds other policies, too: each is judged by itself.
    if item != policy {
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
        (true, _) => {
            let bare = item.get(&format!("{statement}/Condition")) == Value::Absent;
            Reach::Allowed(alone, !bare)
        }
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
    let fill = |text: &str| match &actor.name {
        Name::Field(..) => text.to_owned(),
        Name::Text(name) => text.replace("{0}", name),
    };
    if probe.foreign {
        for (key, value) in FOREIGN {
            request = request.with_template(format!("aws:ResourceTag/{}", fill(key)), fill(value));
        }
    }
    // The request has its own five fields.
    let mut next = 5;
    for (index, pin) in controller.map(pins).unwrap_or_default().into_iter().enumerate() {
        if let Some(controller) = controller.filter(|_| index < 10) {
            request = request.field(controller, pin);
            request = request.with(format!("aws:ResourceTag/kubernetes.io/cluster/{{{next}}}"), Value::Absent);
            next += 1;
        }
    }
    if probe.shared {
        for class in select("karpenter.k8s.aws/EC2NodeClass").given().take(5) {
            let own = controller.and_then(|one| one.text("/ClusterName").ok().flatten()).unwrap_or_default();
            for field in class.find("/spec/tags/*").into_iter().take(20) {
                if let (Value::Text(value), Some(key)) = (&field.value, field.at.strip_prefix("/spec/tags/"))
                    && !own.is_empty()
                    && !value.contains(&own)
                {
                    request = request
                        .with(format!("aws:ResourceTag/{}", key.replace("~1", "/").replace("~0", "~")), value.as_str());
                }
            }
        }
    }
    request.decide()
}

/// The tags of another cluster's nodes, of all releases.
const FOREIGN: &[(&str, &str)] = &[
    ("kubernetes.io/cluster/another-{0}", "owned"),
    ("eks:eks-cluster-name", "another-{0}"),
    ("karpenter.sh/managed-by", "another-{0}"),
    ("karpenter.k8s.aws/cluster", "another-{0}"),
    ("karpenter.sh/discovery", "another-{0}"),
    ("karpenter.sh/nodepool", "default"),
    ("karpenter.sh/provisioner-name", "default"),
    ("karpenter.k8s.aws/ec2nodeclass", "default"),
    ("karpenter.sh/nodeclaim", "default-probe"),
    ("Name", "default/probe"),
];
