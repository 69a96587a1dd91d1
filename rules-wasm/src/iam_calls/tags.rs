//! The tags that a controller's requests carry, release by release. `KP` is as in `table`.

use super::Actor;
use super::call::{EVER, Tags};
use crate::versions::{Version, last_of};

/// A tag that everything launched gets.
struct Tag {
    /// `{cluster}` is the cluster's name.
    key: &'static str,
    /// `{cluster}` is the cluster's name, `{class}` the class's, `{region}` the region. The NodePool is called `default`.
    value: &'static str,
    since: Version,
    before: Version,
}

const fn tag(key: &'static str, value: &'static str, since: Version, before: Version) -> Tag {
    Tag { key, value, since, before }
}

/// KP pkg/cloudprovider/cloudprovider.go and pkg/utils (GetTags).
const STATIC: &[Tag] = &[
    tag("kubernetes.io/cluster/{cluster}", "owned", (0, 0, 0), EVER),
    tag("karpenter.sh/provisioner-name", "default", (0, 0, 0), (0, 32, 0)),
    tag("Name", "karpenter.sh/provisioner-name/default", (0, 0, 0), (0, 32, 0)),
    tag("karpenter.sh/managed-by", "{cluster}", (0, 28, 0), (1, 0, 0)),
    tag("karpenter.sh/nodepool", "default", (0, 32, 0), EVER),
    tag("karpenter.k8s.aws/ec2nodeclass", "{class}", (0, 32, 0), EVER),
    tag("eks:eks-cluster-name", "{cluster}", (1, 0, 0), EVER),
];

/// KP pkg/providers/launchtemplate/launchtemplate.go (TagManagedLaunchTemplate).
const TEMPLATE_TAGS: &[Tag] = &[tag("karpenter.k8s.aws/cluster", "{cluster}", (0, 14, 0), (1, 1, 0))];

/// KP pkg/controllers/nodeclass/instanceprofile.go.
const PROFILE: &[Tag] = &[
    tag("kubernetes.io/cluster/{cluster}", "owned", (0, 32, 0), EVER),
    tag("karpenter.sh/managed-by", "{cluster}", (0, 32, 0), (1, 0, 0)),
    tag("topology.kubernetes.io/region", "{region}", (0, 32, 0), EVER),
    tag("karpenter.k8s.aws/ec2nodeclass", "{class}", (0, 32, 0), EVER),
    tag("eks:eks-cluster-name", "{cluster}", (1, 0, 0), EVER),
];

/// Where another cluster's name stands in tags.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Pinned {
    /// `kubernetes.io/cluster/NAME`.
    InKeys,
    /// `eks:eks-cluster-name`.
    InValues,
}

/// Which rows of the tables a release has, a bit each.
pub(super) type Rows = u32;

/// The rows of a release, from a bit on.
fn rows_of(rows: &[Tag], release: Version, from: usize) -> Rows {
    let of_release = |row: &Tag| row.since <= release && release < row.before;
    rows.iter().enumerate().filter(|(_, row)| of_release(row)).map(|(at, _)| 1 << (from + at)).sum()
}

impl Actor {
    /// By which of the rows of its releases the tags differ.
    pub(super) fn rows(&self, tags: Tags) -> Rows {
        match tags {
            Tags::Launch => rows_of(STATIC, self.tags_of, 0),
            Tags::Template => rows_of(STATIC, self.tags_of, 0) | rows_of(TEMPLATE_TAGS, self.release, STATIC.len()),
            Tags::Profile => rows_of(PROFILE, self.tags_of, 0),
            // They are the same in all releases.
            Tags::None | Tags::Unknown | Tags::Beta | Tags::Alpha | Tags::Linked | Tags::Names | Tags::ClusterName => 0,
        }
    }

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
            Tags::Alpha => of(STATIC, last_of((0, 27))),
            Tags::Linked => [("karpenter.sh/managed-by", "{cluster}"), ("karpenter.sh/provisioner-name", "default")]
                .map(|(key, value)| (key.to_owned(), self.fill(value)))
                .into(),
            Tags::Profile => of(PROFILE, self.tags_of),
            Tags::Names => [("Name", "default/probe"), ("karpenter.sh/nodeclaim", "default-probe")]
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into(),
            Tags::ClusterName => vec![("eks:eks-cluster-name".into(), self.fill("{cluster}"))],
        }
    }

    /// The keys that no class sets: Karpenter sets them in some release, and from then on refuses them in a class.
    pub(super) fn no_class_tags(&self) -> impl Iterator<Item = String> + '_ {
        let keys = [STATIC, TEMPLATE_TAGS, PROFILE].into_iter().flatten().map(|row| row.key);
        keys.filter(|key| *key != "Name").map(|key| self.fill(key))
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
