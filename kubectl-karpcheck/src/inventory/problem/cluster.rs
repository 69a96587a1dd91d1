//! Problems of live clusters.

use std::sync::Arc;

super::problems! {
    /// Of live clusters.
    pub enum ClusterProblem {
        Fatal "cluster-not-reached" NotReached { error: Arc<str> } = "{error}";
        Unread "group-not-served" Group { group: Arc<str>, context: Arc<str>, error: Arc<str>, kind: Arc<str> } = "what {group} serves in context {context} is not known: {error}: see `kubectl get apiservices`; rules that read {kind} stay unknown";
        Note "list-cut" Cut { most: usize, what: Arc<str>, context: Arc<str> } = "there are more than {most} {what} in context {context}, and only the first {most} were read: rules that look for symptoms among them may miss some";
        Unread "list-refused" Refused { doing: &'static str, kind: Arc<str>, place: Arc<str>, right: Arc<str> } = "{doing} {kind}{place} was refused, so rules that read it stay unknown: ask for `{right}`; `kubectl karpcheck rbac` prints all rights that are needed";
        Unread "list-failed" Failed { doing: &'static str, kind: Arc<str>, place: Arc<str>, error: Arc<str> } = "{doing} {kind}{place} failed, so rules that read it stay unknown: {error}";
    }
}
