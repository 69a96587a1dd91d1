//! The tags that a controller's requests carry.

use super::Actor;
use crate::versions::{Version, last_of};

use super::table::{PROFILE, STATIC, TEMPLATE_TAGS, Tag, Tags};

/// Where another cluster's name stands in tags.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Pinned {
    /// `kubernetes.io/cluster/NAME`.
    InKeys,
    /// `eks:eks-cluster-name`.
    InValues,
}

impl Actor {
    /// The tags that go with it, keys and values as templates.
    fn own_tags(&self, tags: Tags) -> Vec<(String, String)> {
        let of = |rows: &[Tag], release: Version| -> Vec<(String, String)> {
            rows.iter()
                .filter(|row| row.since <= release && release < row.before)
                .map(|row| (self.fill(row.key), self.fill(row.value)))
                .collect()
        };
        match tags {
            Tags::None | Tags::Unknown => vec![],
            Tags::Launch => of(STATIC, self.tags_of),
            Tags::Template => [of(STATIC, self.tags_of), of(TEMPLATE_TAGS, self.release)].concat(),
            Tags::Beta => of(STATIC, last_of((0, 37))),
            Tags::Profile => of(PROFILE, self.tags_of),
            Tags::Names => [("Name", "default/probe"), ("karpenter.sh/nodeclaim", "default-probe")]
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into(),
            Tags::ClusterName => vec![("eks:eks-cluster-name".into(), self.fill("{cluster}"))],
        }
    }

    /// The tags, and what another cluster's name makes of them.
    pub(super) fn tags(&self, tags: Tags) -> Vec<(String, String)> {
        let mut own = self.own_tags(tags);
        match &self.beside {
            None => {}
            Some((other, Pinned::InKeys)) => {
                let named = own.iter().filter(|(key, _)| key.starts_with("kubernetes.io/cluster/"));
                let more: Vec<_> =
                    named.map(|(_, value)| (format!("kubernetes.io/cluster/{other}"), value.clone())).collect();
                own.extend(more);
            }
            Some((other, Pinned::InValues)) => {
                for (_, value) in own.iter_mut().filter(|(key, _)| key == "eks:eks-cluster-name") {
                    value.clone_from(other);
                }
            }
        }
        own
    }
}
