//! Live clusters: paged lists of just the kinds that the chosen rules read.
//!
//! ```text
//! flags, kubeconfig -> connect -> for each context, side by side (fetch):      -> answers, taken in (answered)
//!                                 discovery -> lists, eight at a time
//!                                 Deployments of Karpenter -> its ServiceAccount, ConfigMap, Pods by name
//!                                 events -> a short list for each kind of object that rules ask about
//! ```
//!
//! What a cluster answers is data ([`Answered`]) before it is anything else, so that a snapshot is the same as the cluster.
//! Nothing that goes wrong stops the run: a cluster that cannot be asked is a fatal problem, a kind that cannot be
//! listed is a problem of its own, and in both cases what depends on it is unknown and not absent. Secrets are never
//! read.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::inventory::Builder;
use crate::schema::kinds::GatherScope;
use crate::sources::kubernetes;

pub(in crate::sources) use answered::{Absence, Answered, Done, Lists, NotAsked, Refusal, Target, take_in};
use api::Patience;
pub(in crate::sources) use api::tidy;
#[cfg(feature = "oci")]
pub(in crate::sources) use api::unless_interrupted;
pub use connect::contexts;
pub(in crate::sources) use connect::{IN_CLUSTER, of_server};
pub(in crate::sources) use discovery::Served;
pub(in crate::sources) use list::Wanted;

mod answered;
mod api;
mod connect;
mod controller;
mod discovery;
mod events;
mod exec;
mod fetch;
mod list;
pub mod policy_reports;
pub(in crate::sources) mod proxy;
#[cfg(test)]
mod tests;

const NODE: &str = "core/Node";
const SECRET: &str = "core/Secret";
const DEPLOYMENT: &str = "apps/Deployment";

/// Which clusters are asked, and as whom: what kubectl's own flags say.
#[derive(Clone, Debug, Default)]
pub struct ClusterOptions {
    /// The kubeconfig file.
    pub kubeconfig: Option<PathBuf>,
    /// Kubeconfig contexts, by name or by a pattern with `*` and `?`; the current one where there is none.
    pub contexts: Vec<String>,
    /// All contexts of the kubeconfig.
    pub all_contexts: bool,
    /// The kubeconfig cluster, instead of the context's.
    pub cluster: Option<String>,
    /// The kubeconfig user, instead of the context's.
    pub user: Option<String>,
    /// Read this namespace only.
    pub namespace: Option<String>,
    /// Read the controller's last lines, too.
    pub logs: bool,
    /// The URL of the API server.
    pub server: Option<String>,
    /// A bearer token to authenticate with.
    pub token: Option<String>,
    /// Act as this user.
    pub impersonate: Option<String>,
    /// Act as a member of this group.
    pub impersonate_group: Vec<String>,
    /// Act as the user with this UID.
    pub impersonate_uid: Option<String>,
    /// Act with these further facts of a user.
    pub impersonate_user_extra: Vec<(String, String)>,
    /// A user's name, for basic authentication.
    pub username: Option<String>,
    /// The password, for basic authentication.
    pub password: Option<String>,
    /// How long to wait for one answer of the API server; zero is for ever, and without it 30 seconds, 10 for the first.
    pub request_timeout: Option<Duration>,
    /// A file with the certificate authority of the API server.
    pub certificate_authority: Option<PathBuf>,
    /// A client certificate file.
    pub client_certificate: Option<PathBuf>,
    /// The key file of the client certificate.
    pub client_key: Option<PathBuf>,
    /// The name to expect in the API server's certificate.
    pub tls_server_name: Option<String>,
    /// Do not check the API server's certificate (insecure).
    pub insecure_skip_tls_verify: bool,
    /// Ask for answers that are not compressed.
    pub disable_compression: bool,
}

/// Reads what the plan asks for from the clusters that the flags name. What goes wrong becomes a problem.
///
/// `progress` is told, now and then, in a line without its end, what is under way.
pub fn gather(
    args: &ClusterOptions,
    gather_scope: &GatherScope,
    builder: &mut Builder,
    progress: &mut dyn FnMut(&str),
) {
    take_in(ask(args, gather_scope, progress), gather_scope, builder);
}

/// The kinds of Crossplane's that are read beside those of the chosen rules, where they are served: they describe AWS resources that rules
/// look at.
pub fn crossplane_kinds(gather_scope: &GatherScope) -> impl Iterator<Item = String> {
    kubernetes::kinds_of_crossplane(gather_scope)
}

/// Asks the clusters that the flags name: what each of them answered, in the order of their contexts.
pub(super) fn ask(args: &ClusterOptions, gather_scope: &GatherScope, progress: &mut dyn FnMut(&str)) -> Vec<Answered> {
    fetch::all(args, gather_scope, progress, Patience::within(args.request_timeout))
}

/// The group of a kind, or of the kinds that a pattern stands for, is it this one?
fn in_group(kind: &str, group: &str) -> bool {
    use crate::schema::pattern::kind_matches;
    kind.split_once('/').is_some_and(|(pattern, _)| kind_matches(&format!("{pattern}/x"), &format!("{group}/x")))
}

/// The time, RFC 3339, in whole seconds.
pub(super) fn now() -> Arc<str> {
    let now = jiff::Timestamp::now();
    jiff::Timestamp::from_second(now.as_second()).unwrap_or(now).to_string().into()
}
