//! Whether a controller makes a call, for a class and its settings.

use super::call::{Call, When};
use super::{Actor, CLASSES};
use crate::spot::{Spot, spot};
use karpcheck_sdk::prelude::*;

impl Actor {
    /// Does it make this call? Unknown where a setting that decides is written and has no known value.
    pub(super) fn makes(&self, call: &Call) -> Result<bool, Unknown> {
        if self.release < call.since || self.release >= call.before {
            return Ok(false);
        }
        let class = self.class;
        let says = |pointer: &str| class.is_some_and(|class| !class.get(pointer).is_absent());
        // Where a list has no known end, there may be one that says it.
        let some = |pattern: &str| {
            class.is_some_and(|class| class.find(pattern).any(|field| field.map_or(true, |field| !field.is_absent())))
        };
        let housekeeping = || -> Result<bool, Unknown> { Ok(self.release < (1, 8, 3) || !self.is_set("isolatedVPC")?) };
        Ok(match call.when {
            When::Always => true,
            When::Role => says("/spec/role"),
            When::Housekeeping => housekeeping()?,
            When::RoleHousekeeping => says("/spec/role") && housekeeping()?,
            When::NoRoleHousekeeping => {
                class.is_some_and(|class| class.kind() == CLASSES[0]) && !says("/spec/role") && housekeeping()?
            }
            When::ImageParameter => !self.image_parameters().is_empty(),
            When::ImageSelector => says("/spec/amiSelectorTerms") || says("/spec/amiSelector"),
            When::Al2023 => self.is_al2023()?,
            When::NoEndpoint => match self.controller.get("/ClusterEndpoint") {
                Value::Unknown(unknown) => return Err(unknown),
                value => value.is_blank(),
            },
            When::EksControlPlane => self.is_set("eksControlPlane")?,
            When::Spot => matches!(spot(self.class.unwrap_or(self.controller)), Spot::Admitted(_)),
            When::SpotWithoutRole => {
                let absent = |link: &Link| matches!(link.item, Lookup::Absent(_));
                self.controller.related("/SpotServiceRole").iter().any(absent)
                    && matches!(spot(self.class.unwrap_or(self.controller)), Spot::Admitted(_))
            }
            When::Snapshot => some("/spec/blockDeviceMappings/*/ebs/snapshotID"),
            When::CapacityReservation => {
                says("/spec/capacityReservationSelectorTerms")
                    && self.gate("ReservedCapacity", "reservedCapacity", self.release >= (1, 6, 0))?
            }
            When::PlacementGroup => says("/spec/placementGroup") || says("/spec/placementGroupSelector"),
            When::ZonalShift => self.is_set("enableZonalShift")?,
            When::NotIsolated => !self.is_set("isolatedVPC")?,
            When::Pricing => {
                let no_endpoint = self.release >= (0, 24, 0) && self.is_in_govcloud();
                !no_endpoint && !self.is_set("isolatedVPC")?
            }
        })
    }

    /// A setting by the chart's name. Up to 0.32 it stands below `aws`.
    pub(super) fn setting(&self, name: &str) -> Field {
        let old = self.controller.field("/Settings/aws").child(name);
        if self.release < (0, 33, 0) && matches!(old.value(), Value::Text(_) | Value::Flag(_) | Value::Json(_)) {
            return old;
        }
        self.controller.field("/Settings").child(name)
    }

    /// Is a setting of the controller true? What nobody wrote has the default of Karpenter, which is false.
    fn is_set(&self, setting: &str) -> Result<bool, Unknown> {
        match self.setting(setting).value() {
            Value::Flag(flag) => Ok(*flag),
            Value::Text(text) => Ok(is_true(text)),
            Value::Unknown(unknown) if !unknown.is_not_provided() => Err(unknown.clone()),
            _ => Ok(false),
        }
    }

    /// Is a feature gate open? `gate` is its name in the variable, `name` in the chart.
    fn gate(&self, gate: &str, name: &str, default: bool) -> Result<bool, Unknown> {
        let gates = self.controller.field("/Settings").child("featureGates");
        match gates.value() {
            Value::Text(text) => {
                let written = text.split(',').find_map(|one| one.trim().strip_prefix(gate)?.strip_prefix('='));
                Ok(written.map_or(default, is_true))
            }
            Value::Unknown(unknown) if !unknown.is_not_provided() => match gates.child(name).value() {
                Value::Flag(flag) => Ok(*flag),
                Value::Absent => Ok(default),
                _ => Err(unknown.clone()),
            },
            _ => match gates.child(name).value() {
                Value::Flag(flag) => Ok(*flag),
                Value::Text(text) => Ok(is_true(text)),
                _ => Ok(default),
            },
        }
    }

    fn is_in_govcloud(&self) -> bool {
        self.region().is_some_and(|region| region.starts_with("us-gov-"))
    }

    /// Are the class's nodes of the family AL2023? An alias names the family, too.
    fn is_al2023(&self) -> Result<bool, Unknown> {
        let Some(class) = self.class else { return Ok(false) };
        for alias in class.find("/spec/amiSelectorTerms/*/alias").known() {
            if alias.matches_or_unknown("al2023@*")? {
                return Ok(true);
            }
        }
        class.matches_or_unknown("/spec/amiFamily", "AL2023")
    }
}

/// As Go reads it.
fn is_true(text: &str) -> bool {
    matches!(text, "1" | "t" | "T" | "true" | "TRUE" | "True")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_read_as_go_reads_them() {
        assert!(is_true("true") && is_true("1") && !is_true("yes") && !is_true("false"));
    }
}
