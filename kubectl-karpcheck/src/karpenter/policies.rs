//! Whose a policy is: `@policies`, the only answer to which policies are a controller's.
//!
//! A policy is a controller's by evidence alone: it is attached to the controller's role, or, where that role was not read,
//! it shows by what it says that it was made for Karpenter. What a policy merely could do is no evidence: other controllers
//! tag volumes and terminate instances, too. Where a role was not read, or may hold more than was read, the last link says so.

use crate::inventory::Ternary;
use crate::inventory::answer::{Found, Link, Unknown};
use crate::inventory::builder::Builder;
use crate::inventory::id::ItemId;
use crate::inventory::item::Item;
use crate::inventory::node::{At, Node, Value};
use crate::inventory::reason::{Cause, Controller};
use crate::inventory::scope::{Relations, Scope};
use crate::inventory::text::{Part, Text};
use crate::schema::kinds;
use crate::schema::pattern::glob;

/// The relation of a controller to its policies.
pub const RELATION: &str = "@policies";

const ROLE: &str = "AWS::IAM::Role";
/// Policies that are items of their own.
const POLICIES: [&str; 2] = ["AWS::IAM::ManagedPolicy", "AWS::IAM::Policy"];

/// What a controller does to its instances. A policy called after Karpenter that does none of it may be its nodes'.
const INSTANCES: &[&str] =
    &["ec2:CreateFleet", "ec2:RunInstances", "ec2:CreateLaunchTemplate", "ec2:TerminateInstances"];
/// What a part of a controller's policy may consist of, where it names nothing else.
const PARTS: &[&str] = &[
    "ec2:CreateTags",
    "ec2:CreateFleet",
    "ec2:RunInstances",
    "ec2:CreateLaunchTemplate",
    "ec2:DeleteLaunchTemplate",
    "ec2:TerminateInstances",
];
/// What others that launch fleets do as well, and Karpenter never does: image builders, autoscalers, administrators.
const OTHERS: &[&str] =
    &["ec2:StopInstances", "ec2:CreateImage", "ec2:CreateKeyPair", "ec2:CreateVpc", "iam:CreateRole"];
/// What Karpenter's own tags begin with.
const TAGS: &[&str] = &["karpenter.sh/", "karpenter.k8s.aws/"];

/// Keys of conditions that end in the name of the cluster, in lower case.
const NAMED_BY_KEY: &[&str] = &[
    "aws:resourcetag/kubernetes.io/cluster/",
    "aws:requesttag/kubernetes.io/cluster/",
    "ec2:resourcetag/kubernetes.io/cluster/",
];
/// Keys of conditions whose value is the name of the cluster, in lower case.
const NAMED_BY_VALUE: &[&str] = &["aws:resourcetag/eks:eks-cluster-name", "aws:requesttag/eks:eks-cluster-name"];

/// A policy document of an item, and its pointer.
pub(super) fn documents(item: &Item) -> Vec<(String, &Node)> {
    match &*item.kind {
        "AWS::IAM::ManagedPolicy" | "AWS::IAM::Policy" => {
            item.body.member("PolicyDocument").map(|node| ("/PolicyDocument".to_owned(), node)).into_iter().collect()
        }
        ROLE => {
            let own = item.body.member("Policies").map(Node::elements).unwrap_or_default().iter().enumerate();
            own.filter_map(|(number, policy)| {
                Some((format!("/Policies/{number}/PolicyDocument"), policy.member("PolicyDocument")?))
            })
            .collect()
        }
        _ => vec![],
    }
}

/// The elements of a list, or the only one, each with its pointer.
pub(super) fn each<'a>(at: &str, node: &'a Node) -> Vec<(String, &'a Node)> {
    match &node.value {
        Value::List(list) => {
            list.items.iter().enumerate().map(|(number, node)| (format!("{at}/{number}"), node)).collect()
        }
        _ => vec![(at.to_owned(), node)],
    }
}

/// The statements of a document that allow something.
pub(super) fn allows<'a>(at: &str, document: &'a Node) -> Vec<(String, &'a Node)> {
    let statements = document.member("Statement").map(|node| each(&format!("{at}/Statement"), node));
    let allows = |statement: &Node| statement.str_at(&["Effect"]) == Some("Allow");
    statements.unwrap_or_default().into_iter().filter(|(_, statement)| allows(statement)).collect()
}

/// All statements of an item that allow something.
fn statements(item: &Item) -> Vec<&Node> {
    documents(item)
        .into_iter()
        .flat_map(|(at, document)| allows(&at, document))
        .map(|(_, statement)| statement)
        .collect()
}

/// The texts of a statement's element, which is one or a list of them.
fn texts<'a>(statement: &'a Node, element: &str) -> impl Iterator<Item = &'a Text> {
    statement.member(element).into_iter().flat_map(|node| each("", node)).filter_map(|(_, node)| match &node.value {
        Value::Text(text) => Some(text),
        _ => None,
    })
}

/// Does a statement name one of these actions, to the letter?
fn names(statement: &Node, actions: &[&str]) -> bool {
    texts(statement, "Action")
        .filter_map(Text::known)
        .any(|written| actions.iter().any(|action| written.eq_ignore_ascii_case(action)))
}

fn says_karpenter(text: &str) -> bool {
    text.to_ascii_lowercase().contains("karpenter")
}

/// Is an item called after Karpenter, in a template or in AWS? A part of its name may be a parameter.
fn is_called_karpenter(item: &Item) -> bool {
    says_karpenter(&item.name)
        || ["ManagedPolicyName", "PolicyName", "RoleName"].iter().any(|name| {
            matches!(item.body.member(name).map(|node| &node.value), Some(Value::Text(text)) if says_karpenter(&text.to_string()))
        })
}

/// Do the conditions of a statement speak of tags that only Karpenter sets?
fn names_own_tags(statement: &Node) -> bool {
    let speaks = |text: &Text| TAGS.iter().any(|tag| text.to_string().to_ascii_lowercase().contains(tag));
    let operators = statement.member("Condition").and_then(Node::as_map);
    let keys = operators.into_iter().flat_map(|map| &map.entries).filter_map(|(_, keys)| keys.as_map());
    keys.flat_map(|keys| &keys.entries).any(|(key, values)| {
        speaks(key)
            || each("", values).iter().any(|(_, value)| matches!(&value.value, Value::Text(text) if speaks(text)))
    })
}

/// Does an item show by what it allows that it was made for Karpenter?
fn is_made_for_karpenter(item: &Item, queue: Option<&str>) -> bool {
    let statements = statements(item);
    let any = |actions: &[&str]| statements.iter().any(|statement| names(statement, actions));
    if statements.iter().any(|statement| names_own_tags(statement)) {
        return true;
    }
    let launches = any(&["ec2:CreateFleet"]) && !is_of_others(item);
    let its_queue = |statement: &&Node| {
        names(statement, &["sqs:ReceiveMessage", "sqs:DeleteMessage"])
            && texts(statement, "Resource").any(|resource| {
                let resource = resource.to_string();
                let name = resource.rsplit(':').next().unwrap_or_default();
                says_karpenter(name) || queue.is_some_and(|queue| name == queue)
            })
    };
    launches || statements.iter().any(its_queue) || (is_called_karpenter(item) && any(INSTANCES) && !is_of_others(item))
}

/// Does it allow what Karpenter never does?
fn is_of_others(item: &Item) -> bool {
    statements(item).iter().any(|statement| names(statement, OTHERS))
}

/// Does it allow nothing but what a controller does to instances? It may be a part of the controller's policy.
fn is_a_part(item: &Item) -> bool {
    let statements = statements(item);
    let part =
        |action: &Text| action.known().is_some_and(|action| PARTS.iter().any(|part| part.eq_ignore_ascii_case(action)));
    !statements.is_empty()
        && statements
            .iter()
            .all(|statement| statement.member("Action").is_some() && texts(statement, "Action").all(part))
}

/// Whom a role lets in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Trusted {
    /// The controller's service account, by name.
    Controller,
    /// Certainly others: instances, or another service account.
    Others,
    /// It does not say.
    Unknown,
}

/// The service account of a controller: its namespace and name, as far as they are known.
#[derive(Clone, Copy, Debug)]
struct Account<'a> {
    namespace: Option<&'a str>,
    name: Option<&'a str>,
}

impl Account<'_> {
    /// May a pattern of subjects, `system:serviceaccount:NAMESPACE:NAME`, mean this account?
    fn fits(self, pattern: &str) -> bool {
        match (self.namespace, self.name) {
            (Some(namespace), Some(name)) => glob(pattern, &format!("system:serviceaccount:{namespace}:{name}")),
            _ => says_karpenter(pattern),
        }
    }
}

fn trusted(role: &Item, account: Account<'_>) -> Trusted {
    let Some(document) = role.body.member("AssumeRolePolicyDocument") else { return Trusted::Unknown };
    let mut found = None;
    for (_, statement) in allows("", document) {
        let principal = statement.member("Principal");
        let services =
            principal.map(|principal| texts(principal, "Service").filter_map(Text::known).collect::<Vec<_>>());
        let services = services.unwrap_or_default();
        if services.iter().any(|service| service.starts_with("ec2.amazonaws.com")) {
            found = found.or(Some(Trusted::Others));
            continue;
        }
        let operators = statement.member("Condition").and_then(Node::as_map);
        let subjects: Vec<&Node> = operators
            .into_iter()
            .flat_map(|map| &map.entries)
            .filter_map(|(_, keys)| keys.as_map())
            .flat_map(|keys| &keys.entries)
            .filter(|(key, _)| key.to_string().ends_with(":sub"))
            .flat_map(|(_, values)| each("", values))
            .map(|(_, value)| value)
            .collect();
        // Whom a provider vouches for, or Pod Identity's associations choose, is not said here.
        if subjects.is_empty() {
            return Trusted::Unknown;
        }
        for subject in subjects {
            match subject.as_str() {
                Some(pattern) if account.fits(pattern) => return Trusted::Controller,
                Some(_) => found = found.or(Some(Trusted::Others)),
                None => return Trusted::Unknown,
            }
        }
    }
    found.unwrap_or(Trusted::Unknown)
}

/// The policies of every controller of a scope, and the names of clusters that they pin.
pub(super) fn relate(scope: &mut Scope) {
    let mut relations = Relations::new();
    for controller in scope.of_kind(kinds::CONTROLLER) {
        let links = of_controller(scope, controller);
        let pins = pinned_by(links.iter().filter_map(|link| match link.item {
            Found::Known(policy) => scope.item(policy),
            Found::Absent(_) | Found::Unknown(_) => None,
        }));
        if let (Some(first), Some(item)) = (pins.first().map(|pin| pin.at), scope.item_mut(controller))
            && let Value::Map(fields) = &mut item.body.value
        {
            fields.set("ClusterNamesInPolicies", Node::new(Value::List(pins.into_iter().collect()), first));
        }
        relations.entry(RELATION).or_default().insert(controller, links);
    }
    scope.relations = relations;
}

fn of_controller(scope: &Scope, controller: ItemId) -> Vec<Link> {
    let role = scope.related(controller, "/Role").unwrap_or_default().pop();
    let (mut known, open) = match role.map(|link| link.item) {
        Some(Found::Known(role)) => of_role(scope, role),
        _ => by_evidence(scope, controller),
    };
    known.sort_unstable();
    known.dedup();
    let known = known.into_iter().map(Found::Known);
    known.chain(open.map(Found::Unknown)).map(|item| Link { item, at: String::new() }).collect()
}

/// The policies of a role, itself for its inline ones among them, and why there may be more.
fn of_role(scope: &Scope, role: ItemId) -> (Vec<ItemId>, Option<Unknown>) {
    let mut known = vec![role];
    let mut open = scope.open(role, "/Policies").ok().flatten();
    let attached = scope.related(role, "/ManagedPolicyArns/*").unwrap_or_default();
    let attaching = POLICIES.iter().flat_map(|kind| scope.referrers(role, kind));
    for link in attached.into_iter().chain(attaching) {
        match link.item {
            Found::Known(policy) => known.push(policy),
            Found::Unknown(unknown) if open.as_ref().is_none_or(|open| !is_about_it(open)) => open = Some(unknown),
            Found::Unknown(_) | Found::Absent(_) => {}
        }
    }
    (known, open)
}

/// Is it about a certain attachment or a list that was refused? That there may be more than was given is so of everything in
/// files.
fn is_about_it(open: &Unknown) -> bool {
    open.place.is_some() || open.reason.cause != Cause::NotProvided
}

/// Where the role is not known: the roles and policies that show that they are the controller's.
fn by_evidence(scope: &Scope, controller: ItemId) -> (Vec<ItemId>, Option<Unknown>) {
    let Some(item) = scope.item(controller) else { return (vec![], None) };
    let queue = item.body.str_at(&["InterruptionQueue"]).and_then(|queue| queue.rsplit([':', '/']).next());
    let account = Account { namespace: item.namespace.as_deref(), name: item.body.str_at(&["ServiceAccount"]) };
    let called = item.body.str_at(&["Role"]).and_then(|arn| arn.rsplit('/').next());
    let mut known: Vec<ItemId> = vec![];
    let mut open: Option<Unknown> = None;
    let mut roles: Vec<(ItemId, &Item)> = vec![];
    // Those that nobody holds and that may as well be somebody else's: what they allow counts, and nothing else.
    let mut guessed: Vec<ItemId> = vec![];
    let mut shown = |role: ItemId, trusts: Trusted, made_for: bool| {
        if let Some(item) = scope.item(role)
            && (trusts == Trusted::Controller || (trusts == Trusted::Unknown && made_for))
            && !roles.iter().any(|(known, _)| *known == role)
        {
            roles.push((role, item));
        }
    };
    for role in scope.of_kind(ROLE) {
        let Some(item) = scope.item(role) else { continue };
        shown(role, trusted(item, account), is_made_for_karpenter(item, queue));
    }
    for policy in POLICIES.iter().flat_map(|kind| scope.of_kind(kind)) {
        let Some(item) = scope.item(policy) else { continue };
        let made_for = is_made_for_karpenter(item, queue);
        let holders = holders(scope, policy);
        for role in &holders.roles {
            let trusts = scope.item(*role).map_or(Trusted::Unknown, |role| trusted(role, account));
            shown(*role, trusts, made_for);
        }
        if !holders.roles.is_empty() || holders.bounds {
            continue;
        }
        // One that nobody holds may be a part of the controller's, unless it reads another's queue.
        // One called after Karpenter that does more may be that of who sets it up.
        let called = is_called_karpenter(item) && !is_of_others(item);
        let shows = made_for || called || (holders.unread.is_none() && is_a_part(item));
        let may_be = holders.unread.is_none() && reads_a_queue(item, queue) && !is_of_others(item);
        if shows {
            known.push(policy);
            open = open.or(holders.unread);
        } else if may_be {
            guessed.push(policy);
        }
    }
    let (others, may_be): (Vec<_>, Vec<_>) =
        roles.iter().partition(|(_, role)| called.is_some_and(|called| is_called_otherwise(role, called)));
    if let (Some(named), [(_, other), ..], []) = (called, others.as_slice(), may_be.as_slice()) {
        // Too much is too much whoever has it; what it lacks the controller's own role may have.
        let gap = Controller::OtherRole { named: named.into(), other: (&*other.name).into() };
        open = Some(Unknown::new(Cause::NotProvided, gap));
    } else {
        roles = may_be;
    }
    for (role, _) in &roles {
        let (own, more) = of_role(scope, *role);
        known.extend(own);
        open = open.or(more.filter(is_about_it));
    }
    let not_provided = |gap: Controller| Some(Unknown::new(Cause::NotProvided, gap));
    if known.is_empty() {
        open = open.or_else(|| not_provided(Controller::NoPolicies));
    } else if let [(_, one), (_, other), ..] = roles.as_slice() {
        let gap = Controller::TwoRoles { one: (&*one.name).into(), other: (&*other.name).into() };
        open = open.or_else(|| not_provided(gap));
    } else if !known.iter().filter_map(|id| scope.item(*id)).any(|item| {
        statements(item).iter().any(|statement| allows_action(statement, "ec2:CreateFleet", "ec2:RunInstances"))
    }) {
        open = open.or_else(|| not_provided(Controller::SomePolicies));
    }
    known.extend(guessed);
    (known, open)
}

/// Has a role certainly another name than this?
fn is_called_otherwise(role: &Item, name: &str) -> bool {
    role.body.str_at(&["RoleName"]).is_some_and(|own| !own.eq_ignore_ascii_case(name))
}

/// Does a statement allow one of two actions, be it by a wildcard?
fn allows_action(statement: &Node, one: &str, other: &str) -> bool {
    let matches = |pattern: &str, action: &str| glob(&pattern.to_ascii_lowercase(), &action.to_ascii_lowercase());
    texts(statement, "Action").filter_map(Text::known).any(|pattern| matches(pattern, one) || matches(pattern, other))
}

/// Does it let its holder read queues, of which one may be the controller's, or decrypt?
fn reads_a_queue(item: &Item, queue: Option<&str>) -> bool {
    statements(item).iter().any(|statement| {
        // Who may do everything is an administrator.
        texts(statement, "Action").all(|action| !action.is("*"))
            && allows_action(statement, "sqs:ReceiveMessage", "kms:Decrypt")
            && (!names(statement, &["sqs:ReceiveMessage"])
                || texts(statement, "Resource").any(|resource| match (resource.known(), queue) {
                    (Some(resource), Some(queue)) => glob(resource.rsplit(':').next().unwrap_or_default(), queue),
                    _ => true,
                }))
    })
}

/// Who holds a policy.
#[derive(Debug, Default)]
struct Holders {
    roles: Vec<ItemId>,
    /// A role that was not read holds it, and may hold more.
    unread: Option<Unknown>,
    /// It bounds what others may do, and gives nothing.
    bounds: bool,
}

fn holders(scope: &Scope, policy: ItemId) -> Holders {
    let mut holders = Holders::default();
    for link in scope.related(policy, "/Roles/*").unwrap_or_default() {
        match link.item {
            Found::Known(role) => holders.roles.push(role),
            Found::Unknown(unknown) => holders.unread = holders.unread.or(Some(unknown)),
            Found::Absent(_) => {}
        }
    }
    if let Some(unknown) = scope.open(policy, "/Roles").ok().flatten() {
        holders.unread.get_or_insert(unknown);
    }
    for link in scope.referrers(policy, ROLE) {
        let Found::Known(role) = link.item else { continue };
        if link.at == "/PermissionsBoundary" {
            holders.bounds = true;
        } else {
            holders.roles.push(role);
        }
    }
    holders
}

/// The names of clusters that the conditions of policies pin, the most frequent one first.
pub(super) fn pinned_by<'a>(policies: impl Iterator<Item = &'a Item>) -> Vec<Node> {
    let mut names: Vec<(Text, At, usize)> = vec![];
    let mut add = |name: Text, at: At| {
        let wild = name.known().is_some_and(|name| name.is_empty() || name.contains(['*', '?']));
        if wild {
            return;
        }
        match names.iter_mut().find(|(other, ..)| other.same(&name) == Ternary::Yes) {
            Some((_, _, count)) => *count += 1,
            None => names.push((name, at, 1)),
        }
    };
    for statement in policies.flat_map(statements) {
        let operators = statement.member("Condition").and_then(Node::as_map);
        for keys in operators.into_iter().flat_map(|map| &map.entries).filter_map(|(_, keys)| keys.as_map()) {
            for (key, values) in &keys.entries {
                if let Some(name) = NAMED_BY_KEY.iter().find_map(|prefix| after(key, prefix)) {
                    add(name, values.at);
                } else if key
                    .known()
                    .is_some_and(|key| NAMED_BY_VALUE.iter().any(|name| key.eq_ignore_ascii_case(name)))
                {
                    for (_, value) in each("", values) {
                        if let Value::Text(name) = &value.value {
                            add(name.clone(), value.at);
                        }
                    }
                }
            }
        }
    }
    names.sort_by_key(|(.., count)| std::cmp::Reverse(*count));
    names.into_iter().map(|(name, at, _)| Node::text(name, at)).collect()
}

/// What follows a beginning, whose case does not count.
fn after(key: &Text, prefix: &str) -> Option<Text> {
    let mut parts = key.clone().into_parts();
    let Some(Part::Known(first)) = parts.first_mut() else { return None };
    let begins = first.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    if !begins {
        return None;
    }
    *first = first[prefix.len()..].into();
    Some(Text::from_parts(parts))
}

/// A policy that launches nodes and was made for Karpenter, or a part of one: where nothing else tells of a
/// controller, it shows that there is one.
pub(super) fn first_of_a_controller(builder: &Builder) -> Option<At> {
    let parts = || {
        let held = |item: &Item| item.body.member("Roles").is_some_and(|roles| !roles.is_null());
        builder.items().iter().find(|item| &*item.kind != ROLE && is_a_part(item) && !held(item))
    };
    builder.items().iter().find(|item| is_of_a_controller(item)).or_else(parts).map(Item::at)
}

/// Does an item launch nodes, and was it made for Karpenter? Then it is of a controller's rights.
pub(super) fn is_of_a_controller(item: &Item) -> bool {
    let any = |actions: &[&str]| statements(item).iter().any(|statement| names(statement, actions));
    any(&["ec2:CreateFleet", "ec2:RunInstances"]) && is_made_for_karpenter(item, None)
}
