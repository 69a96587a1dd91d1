//! ## What it finds
//!
//! The traces of two controllers that take each other's instances for their own, in a log of the controller (`-f
//! karpenter.log`) and in the cluster's events. Each trace has other causes, too, so it takes two instances and stays a
//! warning of low confidence:
//!
//! - `garbage collected cloudprovider instance` (Karpenter 0.32 and later, at debug level): this controller terminated
//!   instances that no NodeClaim of its cluster has. Leftovers of failed launches, or another cluster's nodes;
//! - `garbage collecting nodeclaim with no cloudprovider representation` (0.32 and later, at debug level), or `initiating
//!   delete from interruption message` (0.32 and later) of the kind `StateChangeKind` or, in later releases,
//!   `instance_terminated`, for NodeClaims that had registered: somebody else terminated instances that were well;
//! - the events `InstanceTerminating` or `InstanceStopping` together with `TerminatingOnInterruption` on a Node (0.32 and
//!   later) that neither `SpotInterrupted` nor `InstanceUnhealthy` explains: the same.
//!
//! ## Why it matters
//!
//! Two controllers with one cluster name in one account and region terminate each other's nodes every two minutes. In the
//! cluster it looks as if nodes vanish at random.
//!
//! ## How to fix it
//!
//! Look at who called: `aws cloudtrail lookup-events --lookup-attributes
//! AttributeKey=EventName,AttributeValue=TerminateInstances`. Is it another Karpenter, see `cluster-name-shared`: give the
//! contexts or settings of both clusters to one run.
//!
//! ## Example that fails
//!
//! ```yaml
//! {"level":"DEBUG","time":"2024-11-08T18:02:20.220Z","logger":"controller","message":"garbage collected cloudprovider instance","commit":"901a5dc","provider-id":"aws:///eu-west-2b/i-0020b1afef4daeb4e"}
//! {"level":"DEBUG","time":"2024-11-08T18:04:20.310Z","logger":"controller","message":"garbage collected cloudprovider instance","commit":"901a5dc","provider-id":"aws:///eu-west-2a/i-0a1b2c3d4e5f60718"}
//! ```
//!
//! ## Example that passes
//!
//! ```yaml
//! {"level":"DEBUG","time":"2024-11-08T18:02:20.220Z","logger":"controller","message":"deleted launch template","commit":"901a5dc","name":"karpenter.k8s.aws/1769955589050201676"}
//! {"level":"INFO","time":"2024-11-08T18:04:20.310Z","logger":"controller","message":"initialized nodeclaim","commit":"901a5dc","NodeClaim":{"name":"default-z6qqm"}}
//! ```
//!
//! ## Sources
//!
//! - Two clusters of one name, with the log: <https://github.com/aws/karpenter-provider-aws/issues/7356>
//! - The messages: <https://github.com/aws/karpenter-provider-aws/blob/v1.14.1/pkg/controllers/nodeclaim/garbagecollection/controller.go>,
//!   <https://github.com/kubernetes-sigs/karpenter/blob/main/pkg/controllers/nodeclaim/garbagecollection/controller.go>,
//!   <https://github.com/aws/karpenter-provider-aws/blob/v1.14.1/pkg/controllers/interruption/controller.go>
//! - The events: <https://github.com/aws/karpenter-provider-aws/blob/v1.14.1/pkg/controllers/interruption/events/events.go>

use std::collections::{BTreeMap, BTreeSet};

use karpcheck_sdk::prelude::*;

use crate::controllers::only_controller;

pub(crate) const RULE: Rule = Rule {
    title: "Something else terminates instances, such as another controller with the same cluster name",
    severity: Warning,
    subjects: &["Karpcheck::Log", "Karpcheck::Controller"],
    reads_if_allowed: &["core/Event"],
    properties: &[("follows", "cluster-name-shared cluster-name-mismatch")],
    applies: |_| Some(Confidence::Low),
    check,
    ..Rule::DEFAULT
};

/// One instance may have been a leftover, or switched off by a person.
const ENOUGH: usize = 2;
/// Places that are shown.
const SHOWN: usize = 5;
const REMEDY: &str = "Look up TerminateInstances in CloudTrail: if another Karpenter called it, give each cluster a settings.clusterName of its own.";

fn check(subject: Item) -> Check {
    if subject.kind() == "Karpcheck::Log" { log(subject) } else { events(subject) }
}

/// What a log says of instances that somebody terminated: the message of the first line about each.
#[derive(Default)]
struct Traces {
    /// Instances that the controller itself took for leftovers.
    killed: BTreeMap<String, Field>,
    /// NodeClaims whose instances were lost.
    lost: BTreeMap<String, Field>,
    /// Has it lines of the level that tells of these?
    debug: bool,
}

fn traces(log: Item) -> Traces {
    let (mut traces, mut grown) = (Traces::default(), BTreeSet::new());
    for level in log.find("/Lines/*/Level").known() {
        let message = level.sibling("Message");
        let says = |pattern: &str| message.matches(pattern).is_yes();
        let named = |field: &str| level.sibling(field).known_text();
        traces.debug |= level.is("DEBUG");
        if says("registered *") || says("initialized *") {
            grown.extend(named("NodeClaim"));
        } else if says("garbage collected cloudprovider instance") {
            let instance = named("ProviderId").unwrap_or_else(|| level.parent().pointer().to_owned());
            traces.killed.entry(instance).or_insert(message);
        } else if says("garbage collecting nodeclaim with no cloudprovider representation")
            || (says("initiating delete from interruption message")
                && named("MessageKind").is_some_and(|kind| kind == "StateChangeKind" || kind == "instance_terminated"))
        {
            // What never registered died at its launch.
            if let Some(claim) = named("NodeClaim").filter(|claim| grown.contains(claim)) {
                traces.lost.entry(claim).or_insert(message);
            }
        }
    }
    traces
}

fn log(log: Item) -> Check {
    let traces = traces(log);
    let killed = (
        &traces.killed,
        "leftovers",
        "the controller terminated {} instances that no NodeClaim of its cluster has: leftovers of launches, or the nodes of another cluster of the same name",
    );
    let lost = (
        &traces.lost,
        "lost",
        "the instances of {} NodeClaims that had registered were terminated by something else, as another cluster's Karpenter with the same cluster name would",
    );
    let mut findings = vec![];
    for (found, group, what) in [killed, lost] {
        let Some(first) = found.values().min_by_key(|message| message.parent().index()) else { continue };
        if found.len() < ENOUGH {
            continue;
        }
        findings.push(
            fail(first, what.replace("{}", &found.len().to_string()))
                .remedy(REMEDY)
                .related(found.iter().take(SHOWN).map(|(name, message)| message.place(name.clone())))
                .related(only_controller())
                .group(group),
        );
    }
    if findings.is_empty() && !traces.debug {
        return unknown(
            Unknown::not_provided(
                "the log has no debug lines, which are where Karpenter reports this: set logLevel to debug for a while",
            )
            .with_code("no-debug-lines"),
        );
    }
    found(findings)
}

fn events(controller: Item) -> Check {
    // For each Node the reasons of its events, and the event of its termination.
    let mut nodes: BTreeMap<String, (BTreeSet<String>, Option<Item>)> = BTreeMap::new();
    for event in select("core/Event").known() {
        if controller.same("@cluster", event, "@cluster").is_no()
            || !event.matches("/involvedObject/kind", "Node").is_yes()
        {
            continue;
        }
        let (Some(node), Some(reason)) = (event.known_text("/involvedObject/name"), event.known_text("/reason")) else {
            continue;
        };
        let (reasons, last) = nodes.entry(node).or_default();
        if reason == "TerminatingOnInterruption" {
            *last = Some(event);
        }
        reasons.insert(reason);
    }
    let interrupted: Vec<_> =
        nodes.iter().filter_map(|(node, (reasons, event))| Some((node, reasons, (*event)?))).collect();
    if interrupted.is_empty() {
        return skip();
    }
    let has = |reasons: &BTreeSet<String>, any: [&str; 2]| any.iter().any(|reason| reasons.contains(*reason));
    let lost: Vec<_> = interrupted
        .into_iter()
        .filter(|(_, reasons, _)| {
            has(reasons, ["InstanceTerminating", "InstanceStopping"])
                && !has(reasons, ["SpotInterrupted", "InstanceUnhealthy"])
        })
        .collect();
    if lost.len() < ENOUGH {
        return pass();
    }
    fail(
        "",
        format!(
            "{} nodes of Controller {} were terminated by something else, as another cluster's Karpenter with the same cluster name would",
            lost.len(),
            controller.name()
        ),
    )
    .remedy(REMEDY)
    .related(lost.iter().take(SHOWN).map(|(node, _, event)| event.place("/reason", (*node).clone())))
    .check()
}
