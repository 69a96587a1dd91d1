//! Problems of live clusters.

use std::sync::Arc;

super::problems! {
    /// Of live clusters.
    pub enum ClusterProblem {
        Fatal "cluster-not-reached" NotReached { error: Arc<str> } = "{error}";
        Fatal "interrupted" Interrupted = "the run was interrupted: this is what was found so far";
        Fatal "cluster-refused-all" AllRefused { context: Arc<str>, hint: &'static str } = "context {context} refused every list that a rule needs, so nothing of it could be judged: `kubectl karpcheck rbac --subject KIND:NAME` prints the rights that are needed{hint}";
        Note "namespace-only" NamespaceOnly { namespace: Arc<str>, context: Arc<str> } = "only namespace {namespace} of context {context} was read (-n), so that what lies outside of it is unknown: leave -n out to read all";
        Unread "namespace-empty" NamespaceEmpty { namespace: Arc<str>, context: Arc<str> } = "namespace {namespace} of context {context} holds nothing of what was asked for, and nothing else was read (-n): is it the right one? Leave -n out to read all";
        Note "no-karpenter" NoKarpenter { context: Arc<str> } = "neither Karpenter nor ACK was found in context {context}: is it the right one?";
        Fatal "karpenter-required" KarpenterRequired { context: Arc<str> } = "Karpenter was not found in context {context}, and --require karpenter asks for it";
        Unread "snapshot-interrupted" SnapshotInterrupted = "the snapshot was interrupted while it was taken, so that what was not read by then is not in it: take it anew";
        Note "cluster-twice" SameCluster { context: ReadContext, other: ReadContext } = "context {context} is the same cluster as context {other}, which was read in its place";
        Unread "group-not-served" Group { group: Arc<str>, context: Arc<str>, error: Arc<str>, kind: Arc<str> } = "what {group} serves in context {context} is not known: {error}: see `kubectl get apiservices`; rules that read {kind} stay unknown";
        Note "list-cut" Cut { most: usize, what: Arc<str>, context: Arc<str> } = "there are more than {most} {what} in context {context}, and only the first {most} were read: rules that look for symptoms among them may miss some";
        Unread "list-refused" Refused { doing: &'static str, kind: Arc<str>, place: Arc<str>, right: Arc<str> } = "{doing} {kind}{place} was refused, so rules that read it stay unknown: ask for `{right}`; `kubectl karpcheck rbac` prints all rights that are needed";
        Unread "lists-refused" RefusedLists { context: Arc<str>, count: usize, kinds: Arc<str>, hint: &'static str } = "context {context} refused {count} lists ({kinds}), so rules that read them stay unknown: `kubectl karpcheck rbac --subject KIND:NAME` prints all rights that are needed{hint}";
        Unread "log-not-read" LogNotRead { pod: Arc<str>, error: Arc<str> } = "the log of {pod} could not be read: {error}";
        Unread "lists-failed" FailedLists { context: Arc<str>, count: usize, kinds: Arc<str>, error: Arc<str> } = "{count} lists of context {context} failed ({kinds}), so rules that read them stay unknown: {error}";
        Unread "list-failed" Failed { doing: &'static str, kind: Arc<str>, place: Arc<str>, error: Arc<str> } = "{doing} {kind}{place} failed, so rules that read it stay unknown: {error}";
    }
}

/// A context by its name and, where it was read from a snapshot, by which one: several may have a context of one name.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ReadContext {
    /// Its name.
    pub context: Arc<str>,
    /// The snapshot; none where the cluster was asked now.
    pub snapshot: Option<SnapshotFile>,
}

impl std::fmt::Display for ReadContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.context)?;
        self.snapshot.as_ref().map_or(Ok(()), |SnapshotFile { file, at }| write!(f, " of {file} (taken {at})"))
    }
}

/// A snapshot by its file and when it was taken.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct SnapshotFile {
    /// The file, as it was named.
    pub file: Arc<str>,
    /// RFC 3339.
    pub at: Arc<str>,
}
