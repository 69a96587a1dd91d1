//! The clusters of a run, and how far each was listed.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::inventory::reason::Reason;

/// How far a kind of a cluster was listed.
#[derive(Clone, PartialEq, Debug)]
pub enum Listing {
    /// All of them.
    Complete,
    /// Some, or none, for this reason.
    Partial(Reason),
    /// The cluster does not serve this kind.
    NotInstalled,
}

/// As whom, and where, the kubeconfig's user asks AWS for a token: `aws --region r eks get-token --profile p`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ClusterLogin {
    /// The profile of the `aws` CLI.
    pub profile: Option<String>,
    /// The region.
    pub region: Option<String>,
}

/// What to call a context: of an EKS cluster's ARN the cluster's name.
pub fn short_name(context: &str) -> &str {
    context.rsplit(":cluster/").next().unwrap_or(context)
}

/// A cluster of this run.
#[derive(Clone, PartialEq, Debug)]
pub struct Cluster {
    /// The kubeconfig context.
    pub context: Arc<str>,
    /// The API server's URL.
    pub server: Arc<str>,
    /// What the kubeconfig calls it, each with where: names of contexts and clusters, and `exec:NAME` for the name that
    /// its credential plugin is given.
    pub hints: Vec<(String, String)>,
    /// Was it asked from within? The address is then the same in every cluster, and tells none from another.
    pub within: bool,
    /// Was it not asked in this run, but for a snapshot or a report?
    pub recorded: bool,
    /// The uid of its namespace kube-system, where it may be seen: its identity, whatever its context is called.
    pub uid: Option<String>,
    /// As whom, and where, its user asks AWS for a token.
    pub login: ClusterLogin,
    /// How far each kind was listed: `group/Kind`.
    pub listed: BTreeMap<String, Listing>,
}
