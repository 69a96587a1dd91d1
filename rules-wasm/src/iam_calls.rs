//! Karpenter's requests, simulated: what a controller of some release asks AWS for, for a class and its tags.
//!
//! [`table`] holds the rows. Here a row becomes questions to IAM, and the answers become what the rules report.

use std::collections::BTreeSet;

use crate::versions::{Version, exact_version, last_of, newest};
use crate::words::listed;
use karpcheck_sdk::prelude::*;

mod asked;
pub(crate) mod call;
mod conditions;
mod denied;
mod edits;
mod requests;
mod resources;
mod table;
mod tags;

use denied::note;
pub(crate) use denied::{Denied, Outcome};
use edits::is_given;
pub(crate) use edits::with_edits;

use call::{Call, Tags, When};
use resources::Resource;
use table::CALLS;
use tags::Pinned;

/// What the functions here look at.
pub(crate) const READS: &[&str] = &[
    "AWS::IAM::Role",
    "AWS::IAM::Policy",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::InstanceProfile",
    "karpenter.k8s.aws/EC2NodeClass",
    "karpenter.k8s.aws/AWSNodeTemplate",
    "karpenter.sh/NodePool",
    "karpenter.sh/Provisioner",
];

const CLASSES: &[&str] = &["karpenter.k8s.aws/EC2NodeClass", "karpenter.k8s.aws/AWSNodeTemplate"];
/// More classes than these are looked at only where they make other requests: where they are specified otherwise or have found
/// other resources, or, without a role, where their tags differ.
const MANY: usize = 30;
/// What a class has found, by which its requests differ.
const FOUND: &[&str] = &["/subnets", "/securityGroups", "/amis", "/capacityReservations"];
/// What a cluster is called whose name was not given.
const UNNAMED: &str = "this-cluster";

/// What a cluster is called in a request.
#[derive(Clone, PartialEq)]
pub(crate) enum Name {
    /// What a field holds, with its symbols.
    Field(Field),
    Text(String),
}

/// Who asks, of which release and for which class.
#[derive(Clone)]
pub(crate) struct Actor {
    pub principal: Item,
    pub controller: Item,
    pub class: Option<Item>,
    pub name: Name,
    /// Another cluster that its tags name, too.
    pub beside: Option<(String, Pinned)>,
    pub release: Version,
    /// The release whose tags it sends.
    pub tags_of: Version,
}

/// The releases that a controller may be of, and the tags that each sends.
pub(crate) struct Releases {
    pub all: Vec<(Version, Version)>,
    pub known: bool,
    /// ` (judged as 1.14, the newest release known)` or nothing.
    pub note: String,
}

pub(crate) fn releases(controller: Item) -> Releases {
    let given = |kinds: &[&str]| kinds.iter().any(|kind| select(kind).known().next().is_some());
    let alpha = given(&["karpenter.sh/Provisioner", "karpenter.k8s.aws/AWSNodeTemplate"]);
    let beta = given(&["karpenter.sh/NodePool", "karpenter.k8s.aws/EC2NodeClass"]);
    let newest = newest(controller);
    if let Ok(Some(version)) = exact_version(controller) {
        let newer = version > last_of(newest);
        let note = if newer {
            format!(" (judged as {}.{}, the newest release that karpcheck knows)", newest.0, newest.1)
        } else {
            String::new()
        };
        let release = if newer { last_of(newest) } else { version };
        // 0.32 serves both generations of objects, and tags as the object wants it.
        let all = match ((release.0, release.1) == (0, 32), alpha, beta) {
            (true, true, true) => vec![(release, last_of((0, 31))), (release, release)],
            (true, true, false) => vec![(release, last_of((0, 31)))],
            _ => vec![(release, release)],
        };
        return Releases { all, known: true, note };
    }
    let mut all = vec![];
    if !beta || alpha {
        all.push((0, 31));
    }
    if beta || !alpha {
        // Whoever has all objects as v1 runs a release that serves it.
        all.extend([(0, 37), (1, 0), newest].into_iter().filter(|minor| *minor >= (1, 0) || !all_are_v1()));
    }
    let all = all.into_iter().map(|minor| (last_of(minor), last_of(minor))).collect();
    Releases { all, known: false, note: String::new() }
}

/// Are there objects that a release serves from 1.0 on, and none that it served before?
fn all_are_v1() -> bool {
    let mut objects = ["karpenter.sh/NodePool", "karpenter.k8s.aws/EC2NodeClass"]
        .iter()
        .flat_map(|kind| select(kind).known())
        .peekable();
    objects.peek().is_some()
        && objects.all(|object| object.known_text("/apiVersion").is_some_and(|version| version.ends_with("/v1")))
}

/// The name that a controller's requests carry: its own, or, where it was not given or only a parameter stands in the
/// policies, the one that its policies pin.
pub(crate) fn name_of(controller: Item) -> Name {
    let (own, pins) = (controller.field("/ClusterName"), pins(controller));
    let named = match own.value() {
        Value::Text(name) if !name.trim().is_empty() => true,
        Value::Unknown(unknown) => unknown.is_symbolic(),
        _ => false,
    };
    if named {
        // What a template's parameter will be is cluster-name-policy-mismatch's question.
        let open = pins.iter().find(|pin| own.same(pin).is_unknown());
        return match open {
            Some(pin) if !pins.iter().any(|pin| own.same(pin).is_yes()) => Name::Field(pin.clone()),
            _ => Name::Field(own),
        };
    }
    match (pins.into_iter().next(), own.value()) {
        (Some(pin), _) => Name::Field(pin),
        // What the requests say is not known: a made-up name would be refused where the true one is let in.
        (None, Value::Unknown(_)) => Name::Field(own),
        (None, _) => Name::Text(UNNAMED.into()),
    }
}

/// Where the names that policies pin stand.
pub(crate) fn pins(controller: Item) -> Vec<Field> {
    controller.each("/ClusterNamesInPolicies").known().collect()
}

/// The names of other clusters that policies pin.
fn foreign_pins(controller: Item) -> Vec<String> {
    let own = controller.field("/ClusterName");
    if own.known_text().is_none_or(|name| name.trim().is_empty()) {
        return vec![];
    }
    pins(controller).into_iter().filter(|pin| own.same(pin).is_no()).filter_map(|pin| pin.known_text()).collect()
}

/// The classes that a controller launches for; `None` stands for one that was not given.
fn classes(controller: Item) -> Vec<Option<Item>> {
    let classes: Vec<Item> = CLASSES.iter().flat_map(|kind| controller.referring(kind)).collect();
    if classes.is_empty() {
        return vec![None];
    }
    if classes.len() <= MANY {
        return classes.into_iter().map(Some).collect();
    }
    let (mut tags, mut seen) = (BTreeSet::new(), BTreeSet::new());
    let mut asked = vec![];
    for class in classes {
        let status = class.field("/status");
        // Manifests have none.
        let found = if status.is_absent() { &[] } else { FOUND };
        let found = found.iter().map(|field| status.field(field).value().clone());
        let requests: Vec<String> =
            [Value::Text(class.kind()), class.get("/spec")].into_iter().chain(found).map(said).collect();
        // Of the same spec, the tags and the role are the same, too.
        let other_requests = seen.insert(requests)
            && (tags.insert(said(class.get("/spec/tags"))) || !class.get("/spec/role").is_absent());
        if asked.len() < MANY || other_requests {
            asked.push(Some(class));
        }
    }
    asked
}

/// What a field says, in a form to compare.
fn said(value: Value) -> String {
    match value {
        Value::Absent => String::new(),
        Value::Text(text) => ["=", &text].concat(),
        Value::Json(json) => json,
        other => format!("{other:?}"),
    }
}

impl Actor {
    /// All that a controller can be: each release, each class.
    pub(crate) fn all(controller: Item, release: (Version, Version)) -> Vec<Self> {
        let name = name_of(controller);
        classes(controller)
            .into_iter()
            .map(|class| Self {
                principal: controller,
                controller,
                class,
                name: name.clone(),
                beside: None,
                release: release.0,
                tags_of: release.1,
            })
            .collect()
    }

    /// The kind of class that its release has.
    pub(super) const fn class_kind(&self) -> &'static str {
        if self.release.0 == 0 && self.release.1 < 32 { CLASSES[1] } else { CLASSES[0] }
    }

    pub(crate) fn named(&self, name: Name) -> Self {
        Self { name, ..self.clone() }
    }

    /// The cluster's name, unless it is a parameter or was not given.
    fn known_name(&self) -> Option<String> {
        match &self.name {
            Name::Field(field) => field.known_text(),
            Name::Text(name) => (name != UNNAMED).then(|| name.clone()),
        }
    }

    /// Is its cluster's name not known, not even as a parameter?
    pub(crate) fn is_unnamed(&self) -> bool {
        match &self.name {
            Name::Field(field) => matches!(field.value(), Value::Unknown(unknown) if !unknown.is_symbolic()),
            Name::Text(name) => name == UNNAMED,
        }
    }

    /// A template, with what is not a field filled in.
    pub(crate) fn fill(&self, text: &str) -> String {
        let text = if self.class.is_none() && text == "{class}" { "default" } else { text };
        match &self.name {
            Name::Text(name) if text.contains('{') => text.replace("{cluster}", name),
            _ => text.to_owned(),
        }
    }
}

/// Asks for all calls of a kind, and leaves out what another rule says: that the policies name another cluster, or are
/// made for a newer release.
pub(crate) fn judge(controller: Item, pick: fn(&Call) -> bool) -> Outcome {
    let releases = releases(controller);
    let mut all: Vec<Denied> = vec![];
    let mut outcome = Outcome::default();
    for release in &releases.all {
        let actors = Actor::all(controller, *release);
        let mut newer: Option<Option<Version>> = None;
        for actor in &actors {
            for call in CALLS.iter().filter(|call| pick(call)) {
                let certain = match actor.makes(call) {
                    Ok(true) => None,
                    Ok(false) => continue,
                    Err(unknown) => Some(unknown),
                };
                for on in call.on {
                    let asked: Vec<(Resource, Decision)> = actor
                        .resources(on)
                        .into_iter()
                        .map(|resource| {
                            let decision = actor.ask_on(call, &resource);
                            (resource, decision)
                        })
                        .collect();
                    outcome.asked |= !asked.is_empty();
                    let partial = asked.iter().any(|(_, decision)| decision.access == Access::Allowed);
                    for (resource, decision) in asked {
                        match decision.access {
                            Access::Allowed => continue,
                            // A call that it may not even make is no open question of its own.
                            Access::Unknown if certain.is_some() => continue,
                            // Which role a profile has is seldom given; that some role may be passed is all there is to say.
                            Access::Unknown if call.action == "iam:PassRole" && resource.gap.is_some() => continue,
                            Access::Unknown => {
                                outcome.open.get_or_insert(decision.unknown.into());
                                continue;
                            }
                            Access::ImplicitDeny | Access::ExplicitDeny => {}
                        }
                        if let Some(unknown) = certain.clone().or_else(|| by_path(actor, call, &decision)) {
                            outcome.open.get_or_insert(unknown);
                            continue;
                        }
                        let newer =
                            *newer.get_or_insert_with(|| if releases.known { newer_for(&actors[0]) } else { None });
                        if explained(actor, call, on, newer) {
                            continue;
                        }
                        note(&mut all, call, on, (resource.id, partial), decision, actor);
                    }
                }
            }
        }
    }
    let mut count: Vec<Version> = releases.all.iter().map(|(release, _)| *release).collect();
    count.dedup();
    (outcome.denied, outcome.sometimes) = Denied::joined(all, count.len());
    outcome
}

/// A role may have a path, which a class does not name and an ARN does.
fn by_path(actor: &Actor, call: &Call, decision: &Decision) -> Option<Unknown> {
    let class = actor.class.filter(|_| call.action == "iam:PassRole")?;
    let role = class.field("/spec/role");
    let name = role.known_text().filter(|name| role.linked().is_none() && !name.contains('/'))?;
    let at = decision.statements.iter().map(statement_at).filter(|statement| is_given(statement.item())).find(
        |statement| {
            let resources = statement.child("Resource");
            let list = resources.each().known();
            std::iter::once(resources.clone())
                .chain(list)
                .any(|one| one.known_text().is_some_and(|arn| ends_in(&arn, &name)))
        },
    )?;
    let why = format!("whether role {name} has the path that the policy names is not known");
    let reason = Unknown::not_provided(why).with_code("role-path-not-known");
    Some(reason.settled_by(Settlement::Kind("AWS::IAM::Role".into())).at(at.place("")))
}

/// May an ARN with a path be that of a role of this name?
fn ends_in(arn: &str, name: &str) -> bool {
    let Some((_, last)) = arn.split_once(":role/").and_then(|(_, role)| role.rsplit_once('/')) else { return false };
    let start = last.split(['*', '?']).next().unwrap_or_default();
    if start.len() == last.len() { last == name } else { name.starts_with(start) }
}

/// `volume` of `arn::ec2:::volume/*`.
pub(crate) fn kind_of(on: &str) -> String {
    on.rsplit(':')
        .next()
        .and_then(|last| last.split('/').next())
        .filter(|kind| *kind != "*")
        .unwrap_or_default()
        .to_owned()
}

/// The statement that decides or comes nearest.
pub(crate) fn statement_of(decision: &Decision) -> Option<Field> {
    decision.statements.first().map(statement_at)
}

/// The statement that a place belongs to, which may be the only one of its document.
fn statement_at(place: &Place) -> Field {
    let mut at = place.item.field(place.pointer.as_str());
    let mut below: Option<Field> = None;
    while !at.pointer().is_empty() {
        if at.name() == "Statement" {
            return below.filter(|statement| statement.index().is_some()).unwrap_or(at);
        }
        let parent = at.parent();
        below = Some(at);
        at = parent;
    }
    place.item.field(place.pointer.as_str())
}

/// Is another cluster's name, or a policy for a newer release, the only reason?
fn explained(actor: &Actor, call: &Call, on: &str, newer: Option<Version>) -> bool {
    let allowed = |actor: Actor| actor.ask(call, on).access == Access::Allowed;
    by_other_cluster(actor, call, on).is_some()
        || newer.is_some_and(|tags_of| allowed(Actor { tags_of, ..actor.clone() }))
}

/// The other cluster under whose name a denied call would be allowed, if a condition says so; and whether it would be with
/// that name everywhere, or beside the own one: some conditions of a statement may name the right cluster.
pub(crate) fn by_other_cluster(actor: &Actor, call: &Call, on: &str) -> Option<(String, bool)> {
    // There the name is the resource's, and no condition pins it.
    if call.on.iter().any(|on| on.contains(":cluster/{cluster}")) {
        return None;
    }
    let allowed = |actor: Actor| actor.ask(call, on).access == Access::Allowed;
    let foreign = actor.fact(|facts| &mut facts.foreign_pins, || foreign_pins(actor.controller).into());
    foreign.iter().cloned().find_map(|pin| {
        let beside = |pinned: Pinned| Actor { beside: Some((pin.clone(), pinned)), ..actor.clone() };
        if allowed(actor.named(Name::Text(pin.clone()))) {
            return Some((pin, true));
        }
        (allowed(beside(Pinned::InKeys)) || allowed(beside(Pinned::InValues))).then_some((pin, false))
    })
}

/// Is it the tagging of what is made?
pub(crate) fn at_launch(call: &Call) -> bool {
    call.action == "ec2:CreateTags" && matches!(call.sends, Tags::Launch | Tags::Template)
}

/// The release whose tags the policies want, if they let nothing of this release be tagged at launch, but all of that.
pub(crate) fn newer_for(actor: &Actor) -> Option<Version> {
    let all = |tags_of: Version, wanted: bool| {
        let actor = Actor { tags_of, ..actor.clone() };
        CALLS.iter().filter(|call| at_launch(call) && call.when == When::Always).all(|call| {
            call.on.iter().all(|on| {
                let access = actor.ask(call, on).access;
                if wanted { access == Access::Allowed } else { access == Access::ImplicitDeny }
            })
        })
    };
    if !all(actor.tags_of, false) {
        return None;
    }
    [(0, 32, 0), (1, 0, 0)].into_iter().find(|newer| *newer > actor.tags_of && all(*newer, true))
}

/// Every call, whatever the classes need.
pub(crate) fn every_call() -> impl Iterator<Item = (&'static Call, &'static str)> {
    CALLS.iter().flat_map(|call| call.on.iter().map(move |on| (call, *on)))
}

/// `1.0`, `0.31 and 0.37`.
pub(crate) fn written(releases: &[Version]) -> String {
    let names: Vec<String> = releases.iter().map(|(major, minor, _)| format!("{major}.{minor}")).collect();
    listed(&names.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The controller in a message: `karpenter (1.0.14)`.
pub(crate) fn title(controller: Item) -> String {
    match controller.known_text("/Version") {
        Some(version) => format!("{} ({version})", controller.name()),
        None => controller.name(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_a_source_and_a_span() {
        for call in CALLS {
            assert!(!call.source.is_empty(), "{}", call.action);
            assert!(call.since < call.before && !call.on.is_empty(), "{}", call.action);
        }
    }

    #[test]
    fn a_statement_is_found_in_a_pointer() {
        let at = |pointer: &str| statement_at(&karpcheck_sdk::testing::item().place(pointer, "")).pointer().to_owned();
        assert_eq!(at("/PolicyDocument/Statement/3/Condition/X/y"), "/PolicyDocument/Statement/3");
        assert_eq!(at("/PolicyDocument/Statement/Action"), "/PolicyDocument/Statement");
        assert_eq!(at("/Tags"), "/Tags");
        assert_eq!(kind_of("arn::ec2:::volume/*"), "volume");
        assert_eq!(kind_of("*"), "");
        assert!(ends_in("arn:aws:iam::111122223333:role/nodes/*", "demo"));
        assert!(ends_in("arn:aws:iam::111122223333:role/nodes/demo", "demo"));
        assert!(!ends_in("arn:aws:iam::111122223333:role/nodes/dem", "demo"));
        assert!(!ends_in("arn:aws:iam::111122223333:role/de*", "demo"));
    }
}
