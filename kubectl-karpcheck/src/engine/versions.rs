//! The Karpenter versions that a rule is about.

use semver::{Prerelease, Version, VersionReq};

use crate::inventory::{FieldValue, Found, Inventory, ItemId};
use crate::schema::kinds::CONTROLLER;

/// A rule's requirement; none for any version.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Requirement(Option<VersionReq>);

impl Requirement {
    pub(super) fn parse(text: &str) -> Result<Self, semver::Error> {
        if text.trim().is_empty() {
            return Ok(Self(None));
        }
        VersionReq::parse(text).map(Some).map(Self)
    }

    /// The versions of a subject's controllers, if all are known and the rule is about none of them.
    pub(super) fn outside(&self, inventory: &Inventory, subject: ItemId) -> Option<Vec<String>> {
        let requirement = self.0.as_ref()?;
        let controllers = if inventory.item(subject).is_some_and(|item| &*item.kind == CONTROLLER) {
            vec![subject]
        } else {
            let links = inventory.related(subject, "@controller").ok()?;
            links
                .into_iter()
                .map(|link| match link.item {
                    Found::Known(controller) => Some(controller),
                    Found::Absent(_) | Found::Unknown(_) => None,
                })
                .collect::<Option<Vec<_>>>()?
        };
        let versions = controllers
            .into_iter()
            .map(|controller| match inventory.get(controller, "/Version") {
                Ok(FieldValue::Text(text)) => Some(text.into_owned()),
                _ => None,
            })
            .collect::<Option<Vec<_>>>()?;
        let outside = !versions.is_empty()
            && versions.iter().all(|version| plain(version).is_some_and(|version| !requirement.matches(&version)));
        outside.then_some(versions)
    }
}

/// A version without its pre-release: 1.9.0-rc.1 has the defects of 1.9.0, and `<2` means it too.
fn plain(text: &str) -> Option<Version> {
    let mut version = Version::parse(text.strip_prefix('v').unwrap_or(text)).ok()?;
    version.pre = Prerelease::EMPTY;
    Some(version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{At, Builder, Draft, Map, Node, Origin, SourceKind, Value};
    use crate::karpenter;

    fn outside(requirement: &str, versions: &[Option<&str>]) -> bool {
        let mut builder = Builder::default();
        let doc = builder.document(Origin::File("controller.yaml".into()));
        for (number, version) in versions.iter().enumerate() {
            let body = version.map(|version| ("Version".into(), Node::text(version, At::whole(doc))));
            let body = Node::new(Value::Map(body.into_iter().collect::<Map>()), At::whole(doc));
            builder.add(Draft::new(CONTROLLER, format!("karpenter-{number}"), body, SourceKind::Manifest));
        }
        let body = Node::new(Value::Map(Map::default()), At::whole(doc));
        builder.add(Draft::new("karpenter.sh/NodePool", "default", body, SourceKind::Manifest));
        let inventory = karpenter::inventory(builder);
        let pool = inventory.of_kind("karpenter.sh/NodePool")[0];
        Requirement::parse(requirement).unwrap().outside(&inventory, pool).is_some()
    }

    #[test]
    fn a_subject_of_other_versions_is_skipped() {
        assert!(outside(">=0.32, <1", &[Some("1.8.7")]));
        assert!(outside(">=0.32, <1", &[Some("1.8.7"), Some("1.0.0")]));
        assert!(!outside(">=0.32, <2", &[Some("1.8.7")]));
        assert!(!outside(">=0.32, <1", &[Some("1.8.7"), Some("0.37.0")]), "one of them is meant");
        assert!(!outside(">=0.32, <1", &[Some("1.8.7"), None]), "one of them may be meant");
        assert!(!outside(">=0.32, <1", &[Some("snapshot")]), "no version that can be compared");
        assert!(!outside(">=0.32, <1", &[]), "no controller is known");
        assert!(!outside("", &[Some("1.8.7")]));
    }

    #[test]
    fn a_release_candidate_counts_as_its_release() {
        assert!(!outside(">=0.32, <2", &[Some("1.9.0-rc.1")]));
        assert!(outside(">=2", &[Some("v1.9.0-rc.1")]));
    }
}
