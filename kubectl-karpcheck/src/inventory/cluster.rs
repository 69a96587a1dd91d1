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
    /// How far each kind was listed: `group/Kind`.
    pub listed: BTreeMap<String, Listing>,
}
