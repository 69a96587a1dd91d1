//! Gaps of live clusters: what was not listed.

use std::sync::Arc;

use crate::inventory::reason::Settlement;

super::gaps! {
    /// Of live clusters: what was not listed.
    pub enum Live {
        "cluster-not-reached" NotReached { error: Arc<str> } = "{error}";
        "interrupted" Interrupted = "the run was interrupted";
        "left-out-of-snapshot" LeftOut = "the snapshot leaves out what no built-in rule reads and what may be secret";
        "kind-not-in-snapshot" NotInSnapshot { kind: Arc<str> } = "the snapshot was taken with other rules and does not have {kind}", settled by Settlement::Kind(Arc::clone(kind));
        "secrets-not-read" Secrets = "Secrets are never read";
        "group-not-served" Group { group: Arc<str>, context: Arc<str>, error: Arc<str> } = "what {group} serves in context {context} is not known: {error}";
        "events-of-others" Events { kinds: Arc<str> } = "of a cluster's events only those about objects of kind {kinds} are read";
        "namespace-only" Namespace { namespace: Arc<str>, kind: Arc<str> } = "only namespace {namespace} was read (-n); there may be more of kind {kind}", settled by Settlement::Kind(Arc::clone(kind));
        "list-refused" Refused { doing: &'static str, kind: Arc<str>, context: Arc<str>, right: Arc<str> } = "{doing} {kind} in context {context} was refused: ask for {right}";
        "list-failed" Failed { doing: &'static str, kind: Arc<str>, context: Arc<str>, error: Arc<str> } = "{doing} {kind} in context {context} failed: {error}";
    }
}
