//! What several rules know of Karpenter: which queue is an interruption queue, which NodePool admits spot, and versions.

use karpcheck_sdk::prelude::*;

/// `(1, 8)` of `1.8.7`.
pub(crate) type Minor = (u64, u64);

/// The minor version in a text such as `1.8.7`.
pub(crate) fn minor(version: &str) -> Option<Minor> {
    let mut parts = version.trim_start_matches('v').split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// The version of a controller.
pub(crate) fn version(controller: Item) -> Result<Option<Minor>, Unknown> {
    Ok(controller.text("/Version")?.as_deref().and_then(minor))
}

/// The version of the controllers that an item belongs to, or of the only ones there are; none where they differ or do
/// not say.
pub(crate) fn version_for(item: Item) -> Option<Minor> {
    let own: Vec<Item> = item.related("@controller").iter().filter_map(Link::given).collect();
    let all = if own.is_empty() { select("Karpcheck::Controller").given().collect() } else { own };
    let mut versions = all.into_iter().map(|controller| version(controller).ok().flatten());
    let first = versions.next()??;
    versions.all(|version| version == Some(first)).then_some(first)
}

/// The detail types of the events that Karpenter handles:
/// pkg/controllers/interruption/messages of aws/karpenter-provider-aws.
pub(crate) const DETAIL_TYPES: &[&str] = &[
    "EC2 Spot Instance Interruption Warning",
    "EC2 Instance State-change Notification",
    "AWS Health Event",
    "EC2 Instance Rebalance Recommendation",
    "EC2 Capacity Reservation Instance Interruption Warning",
];

/// Is it an interruption queue? A controller's setting names it, an EventBridge rule with one of Karpenter's patterns
/// sends to it, or its policy lets EventBridge send. A queue whose name alone says karpenter counts with low confidence;
/// any other queue is none of our business.
pub(crate) fn interruption(queue: Item) -> Option<Confidence> {
    let named = queue
        .referrers("Karpcheck::Controller")
        .iter()
        .any(|link| link.given().is_some() && link.at == "/InterruptionQueue");
    if named
        || queue.referrers("AWS::Events::Rule").iter().filter_map(Link::given).any(is_karpenters)
        || lets_events_send(queue)
    {
        return Some(Confidence::High);
    }
    let says_so = queue.name().to_ascii_lowercase().contains("karpenter")
        || queue
            .find("/Tags/*/*")
            .iter()
            .any(|field| matches!(&field.value, Value::Text(text) if text.to_ascii_lowercase().contains("karpenter")));
    says_so.then_some(Confidence::Low)
}

/// Does an EventBridge rule listen for one of Karpenter's events?
pub(crate) fn is_karpenters(rule: Item) -> bool {
    rule.find("/EventPattern/detail-type/*")
        .iter()
        .any(|field| matches!(&field.value, Value::Text(text) if DETAIL_TYPES.contains(&text.as_str())))
}

/// Does an Allow of the queue's policy name EventBridge, whatever else it says?
fn lets_events_send(queue: Item) -> bool {
    statements(queue, "/Policy").iter().any(|statement| {
        queue.matches(&format!("{statement}/Effect"), "Allow") == Answer::Yes
            && ["Principal/**", "Condition/**"].iter().any(|part| {
                queue.find(&format!("{statement}/{part}")).iter().any(|field| {
                    ["events.amazonaws.com*", "arn:*:events:*"]
                        .iter()
                        .any(|pattern| queue.matches(&field.at, pattern) == Answer::Yes)
                })
            })
    })
}

/// The pointers of a policy's statements, which may be a list or a single one.
pub(crate) fn statements(item: Item, policy: &str) -> Vec<String> {
    let single = format!("{policy}/Statement");
    if item.get(&format!("{single}/Effect")) != Value::Absent {
        return vec![single];
    }
    item.find(&format!("{single}/*")).into_iter().map(|field| field.at).filter(|at| *at != single).collect()
}

/// Is a NodePool's class an EC2NodeClass, so that a self-managed Karpenter launches its nodes? Under EKS Auto Mode it is
/// `eks.amazonaws.com/NodeClass`.
pub(crate) fn is_self_managed(pool: Item) -> bool {
    pool.matches("/spec/template/spec/nodeClassRef/group", "eks.amazonaws.com") != Answer::Yes
}

const CAPACITY_TYPE: &str = "karpenter.sh/capacity-type";

/// The kinds that can admit spot.
pub(crate) const POOLS: &[&str] = &["karpenter.sh/NodePool", "karpenter.sh/Provisioner"];

/// Does some NodePool or Provisioner admit spot? None if there is none at all, or none that is known to.
pub(crate) enum Spot {
    /// This one does.
    Admitted(Item),
    /// There are some, and none does.
    NotAdmitted,
    /// There are none.
    NoPools,
}

/// Looks at all pools of the same cluster as an item.
pub(crate) fn spot(near: Item) -> Spot {
    let mut any = false;
    for pool in POOLS.iter().flat_map(|kind| select(kind).given()) {
        let same_cluster = near.same("@cluster", pool, "@cluster") != Answer::No
            || !near.observed()
            || near.kind().starts_with("AWS::");
        if !is_self_managed(pool) || !same_cluster {
            continue;
        }
        any = true;
        if admits_spot(pool) == Ok(true) {
            return Spot::Admitted(pool);
        }
    }
    if any { Spot::NotAdmitted } else { Spot::NoPools }
}

/// Does a pool admit spot? A NodePool that does not speak of the capacity type does, a v1alpha5 Provisioner does not.
pub(crate) fn admits_spot(pool: Item) -> Result<bool, Unknown> {
    let provisioner = pool.kind() == "karpenter.sh/Provisioner";
    let (requirements, labels) = if provisioner {
        ("/spec/requirements", "/spec/labels")
    } else {
        ("/spec/template/spec/requirements", "/spec/template/metadata/labels")
    };
    let mut mentioned = false;
    if let Some(label) = pool.text(&format!("{labels}/karpenter.sh~1capacity-type"))? {
        mentioned = true;
        if label != "spot" {
            return Ok(false);
        }
    }
    for key in pool.find(&format!("{requirements}/*/key")) {
        if key.value != Value::Text(CAPACITY_TYPE.into()) {
            if let Value::Unknown(unknown) = key.value {
                return Err(unknown);
            }
            continue;
        }
        mentioned = true;
        let at = key.at.trim_end_matches("/key").to_owned();
        let operator = pool.text(&format!("{at}/operator"))?.unwrap_or_default();
        let values = pool.find(&format!("{at}/values/*"));
        let names_spot = values.iter().any(|value| value.value == Value::Text("spot".into()));
        if let (false, Some(Value::Unknown(unknown))) =
            (names_spot, values.into_iter().map(|value| value.value).find(|value| matches!(value, Value::Unknown(_))))
        {
            return Err(unknown);
        }
        let admitted = match operator.as_str() {
            "In" => names_spot,
            "NotIn" => !names_spot,
            "Exists" => true,
            "DoesNotExist" => false,
            other => return Err(format!("the operator {other} is not known").into()),
        };
        if !admitted {
            return Ok(false);
        }
    }
    Ok(mentioned || !provisioner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minor_versions_are_read() {
        assert_eq!(minor("1.8.7"), Some((1, 8)));
        assert_eq!(minor("v0.37.3"), Some((0, 37)));
        assert_eq!(minor("latest"), None);
    }
}
