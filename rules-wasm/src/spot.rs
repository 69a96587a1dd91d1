//! Which NodePools and Provisioners admit spot instances.

use karpcheck_sdk::prelude::*;

/// The kinds that can admit spot.
pub(crate) const READS: &[&str] = &["karpenter.sh/NodePool", PROVISIONER];

const PROVISIONER: &str = "karpenter.sh/Provisioner";
const CAPACITY_TYPE: &str = "karpenter.sh/capacity-type";

/// Does some NodePool or Provisioner admit spot?
pub(crate) enum Spot {
    /// This one does.
    Admitted(Item),
    /// There are some, and none is known to.
    NotAdmitted,
    /// There are none.
    NoPools,
}

/// Looks at all pools of the same cluster as an item.
pub(crate) fn spot(near: Item) -> Spot {
    let mut any = false;
    for pool in READS.iter().flat_map(|kind| select(kind).known()) {
        let same_cluster =
            !near.same("@cluster", pool, "@cluster").is_no() || !near.observed() || near.kind().starts_with("AWS::");
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

/// A pool that launches spot instances with a class, or none; unknown where a pool does not say.
pub(crate) fn spot_pool(class: Item) -> Result<Option<Item>, Unknown> {
    let mut pools: Vec<Item> =
        READS.iter().flat_map(|kind| class.referring(kind)).filter(|pool| is_self_managed(*pool)).collect();
    if class.kind() == PROVISIONER {
        pools.push(class);
    }
    let mut open = None;
    for pool in pools {
        match admits_spot(pool) {
            Ok(true) => return Ok(Some(pool)),
            Ok(false) => {}
            Err(unknown) => open = Some(unknown),
        }
    }
    open.map_or(Ok(None), Err)
}

/// Is a NodePool's class an EC2NodeClass, so that a self-managed Karpenter launches its nodes? Under EKS Auto Mode it is
/// `eks.amazonaws.com/NodeClass`.
pub(crate) fn is_self_managed(pool: Item) -> bool {
    !pool.matches("/spec/template/spec/nodeClassRef/group", "eks.amazonaws.com").is_yes()
}

/// Does a pool admit spot? A NodePool that does not speak of the capacity type does, a v1alpha5 Provisioner does not.
fn admits_spot(pool: Item) -> Result<bool, Unknown> {
    let provisioner = pool.kind() == PROVISIONER;
    let (requirements, labels) = if provisioner {
        ("/spec/requirements", "/spec/labels")
    } else {
        ("/spec/template/spec/requirements", "/spec/template/metadata/labels")
    };
    let mut mentioned = false;
    if let Some(label) = pool.field(labels).child(CAPACITY_TYPE).text()? {
        mentioned = true;
        if label != "spot" {
            return Ok(false);
        }
    }
    for key in pool.find(&format!("{requirements}/*/key")) {
        let key = key?;
        if let Some(unknown) = key.value().unknown() {
            return Err(unknown.clone());
        }
        if !key.is(CAPACITY_TYPE) {
            continue;
        }
        mentioned = true;
        let operator = key.sibling("operator").text()?.unwrap_or_default();
        let values: Vec<_> = key.sibling("values").each().collect();
        let names_spot = values.iter().flatten().any(|value| value.is("spot"));
        if !names_spot {
            for value in values {
                if let Some(unknown) = value?.value().unknown() {
                    return Err(unknown.clone());
                }
            }
        }
        let admitted = match operator.as_str() {
            "In" => names_spot,
            "NotIn" => !names_spot,
            "Exists" => true,
            "DoesNotExist" => false,
            other => {
                return Err(Unknown::undecidable(format!("the operator {other} is not known")).with_code("operator"));
            }
        };
        if !admitted {
            return Ok(false);
        }
    }
    Ok(mentioned || !provisioner)
}
