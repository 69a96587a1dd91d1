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

use crate::karpenter::only_controller;

pub(crate) const RULE: Rule = Rule {
    area: "cluster-name",
    title: "Instances are terminated by somebody else, as by a controller of the same cluster name",
    severity: Warning,
    subjects: &["Karpcheck::Log", "Karpcheck::Controller"],
    reads_if_allowed: &["core/Event"],
    properties: &[("follows", "cluster-name-shared cluster-name-mismatch")],
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

fn log(log: Item) -> Check {
    let says = |at: &str, pattern: &str| log.matches(&format!("{at}/Message"), pattern) == Answer::Yes;
    let named = |at: &str, field: &str| log.text(&format!("{at}/{field}")).ok().flatten();
    let (mut killed, mut lost, mut grown, mut debug) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new(), false);
    for field in log.find("/Lines/*/Level") {
        let at = field.at.trim_end_matches("/Level").to_owned();
        debug |= field.value == Value::from("DEBUG");
        if says(&at, "registered *") || says(&at, "initialized *") {
            grown.extend(named(&at, "NodeClaim"));
        } else if says(&at, "garbage collected cloudprovider instance") {
            killed.entry(named(&at, "ProviderId").unwrap_or_else(|| at.clone())).or_insert(at);
        } else if says(&at, "garbage collecting nodeclaim with no cloudprovider representation")
            || (says(&at, "initiating delete from interruption message")
                && named(&at, "MessageKind")
                    .is_some_and(|kind| kind == "StateChangeKind" || kind == "instance_terminated"))
        {
            // What never registered died at its launch.
            if let Some(claim) = named(&at, "NodeClaim").filter(|claim| grown.contains(claim)) {
                lost.entry(claim).or_insert(at);
            }
        }
    }
    let mut findings = vec![];
    for (traces, what) in [
        (
            &killed,
            "the controller terminated {} instances that no NodeClaim of its cluster has: leftovers of launches, or the nodes of another cluster of the same name",
        ),
        (
            &lost,
            "the instances of {} NodeClaims that had registered were terminated by somebody else, as another cluster's Karpenter of the same cluster name does",
        ),
    ] {
        if traces.len() < ENOUGH {
            continue;
        }
        let first = traces.values().min_by_key(|at| line(at)).cloned().unwrap_or_default();
        findings.push(
            fail(Warning, format!("{first}/Message"), what.replace("{}", &traces.len().to_string()))
                .confidence(Confidence::Low)
                .remedy(REMEDY)
                .see(traces.iter().take(SHOWN).map(|(name, at)| log.place(format!("{at}/Message"), name.clone())))
                .see(only_controller()),
        );
    }
    if findings.is_empty() && !debug {
        return unknown(Unknown::not_provided(
            "the log holds no debug lines, and it is there that Karpenter tells of it: set logLevel to debug for a while",
        ));
    }
    found(findings)
}

/// The number of a line, so that the first is shown.
fn line(at: &str) -> usize {
    at.rsplit('/').next().and_then(|number| number.parse().ok()).unwrap_or_default()
}

fn events(controller: Item) -> Check {
    // For each Node the reasons of its events, and the event of its termination.
    let mut nodes: BTreeMap<String, (BTreeSet<String>, Option<Item>)> = BTreeMap::new();
    for event in select("core/Event").given() {
        if controller.same("@cluster", event, "@cluster") == Answer::No
            || event.matches("/involvedObject/kind", "Node") != Answer::Yes
        {
            continue;
        }
        let (Ok(Some(node)), Ok(Some(reason))) = (event.text("/involvedObject/name"), event.text("/reason")) else {
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
        Warning,
        "",
        format!(
            "{} nodes of Controller {} were terminated by somebody else, as another cluster's Karpenter of the same cluster name does",
            lost.len(),
            controller.name()
        ),
    )
    .confidence(Confidence::Low)
    .remedy(REMEDY)
    .see(lost.iter().take(SHOWN).map(|(node, _, event)| event.place("/reason", (*node).clone())))
    .check()
}
