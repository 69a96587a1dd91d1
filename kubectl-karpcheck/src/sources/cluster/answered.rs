//! What clusters answered, and how it is taken in: the same whether it was asked for now or recorded in a snapshot.

mod taking;

use std::collections::BTreeMap;
use std::sync::Arc;

use self::taking::Taking;
use crate::formats::json_value::Object;
use crate::inventory::location::endpoint;
use crate::inventory::problem::{ClusterProblem, ReadContext, SnapshotFile};
use crate::inventory::{Builder, ClusterId, ClusterLogin, Problem};
use crate::schema::kinds::GatherScope;
use crate::schema::pattern::kind_matches;
use crate::sources::cluster::api::Failure;
use crate::sources::cluster::discovery::Served;
use crate::sources::cluster::list::Wanted;
use crate::sources::policy_documents;

/// What one cluster answered.
#[derive(Debug)]
pub(in crate::sources) struct Answered {
    /// The context's name; empty where there is none.
    pub(in crate::sources) context: Arc<str>,
    /// The snapshot that it is read from; none where it was asked now.
    pub(in crate::sources) snapshot: Option<SnapshotFile>,
    /// The API server's URL.
    pub(in crate::sources) server: String,
    /// Was it asked from within, where the API servers of all clusters have one address?
    pub(in crate::sources) within: bool,
    /// What the kubeconfig calls it: words and where they stand.
    pub(in crate::sources) hints: Vec<(String, String)>,
    /// As whom, and where, its credentials are asked for.
    pub(in crate::sources) login: ClusterLogin,
    /// The namespace that alone was read.
    pub(in crate::sources) namespace: Option<String>,
    /// The uid of its namespace kube-system.
    pub(in crate::sources) uid: Option<String>,
    /// What was listed.
    pub(in crate::sources) outcome: Result<Lists, NotAsked>,
}

/// Why a cluster could not be asked anything.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::sources) enum NotAsked {
    /// The user ended the run.
    Interrupted,
    /// Anything else, in a sentence.
    Failed(String),
}

/// What was listed of a cluster.
#[derive(Debug, Default)]
pub(in crate::sources) struct Lists {
    pub(in crate::sources) absent: Vec<Absence>,
    pub(in crate::sources) done: Vec<Done>,
    /// Where they were asked for, the controller's last lines.
    pub(in crate::sources) logs: Vec<Log>,
}

/// The last lines of a Pod of the controller.
#[derive(Debug)]
pub(in crate::sources) struct Log {
    pub(in crate::sources) namespace: String,
    pub(in crate::sources) pod: String,
    pub(in crate::sources) text: Result<Vec<u8>, Refusal>,
}

/// A kind of which it was known beforehand that there is nothing to list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::sources) enum Absence {
    /// It is not served.
    NotInstalled {
        /// `group/Kind`, or a pattern of such.
        kind: String,
    },
    /// The server of its group does not answer.
    Broken {
        /// The group.
        group: String,
        /// Why.
        why: String,
        /// `group/Kind`.
        kind: String,
        /// Can every rule do without it?
        optional: bool,
    },
    /// Secrets, which are never read.
    Secrets,
    /// The snapshot that it is read from was taken with rules that do not read it.
    NotRecorded {
        /// `group/Kind`, or a pattern of such.
        kind: String,
    },
}

impl Absence {
    pub(in crate::sources) fn broken(group: &str, why: &str, pattern: &str, optional: bool) -> Self {
        // Of a pattern, the part that is meant; so that each group is told once for each kind that is wanted of it.
        let kind = match pattern.split_once('/') {
            Some((_, kind)) => format!("{group}/{kind}"),
            None => pattern.to_owned(),
        };
        Self::Broken { group: group.to_owned(), why: why.to_owned(), kind, optional }
    }
}

/// A kind to read, and how.
#[derive(Clone, Debug)]
pub(in crate::sources) struct Target {
    pub(in crate::sources) served: Served,
    /// Can every rule do without it?
    pub(in crate::sources) optional: bool,
    pub(in crate::sources) wanted: Wanted,
    /// The namespace, where it is only one.
    pub(in crate::sources) namespace: Option<String>,
}

/// A target that was read.
#[derive(Debug)]
pub(in crate::sources) struct Done {
    pub(in crate::sources) target: Target,
    pub(in crate::sources) objects: Vec<Object>,
    pub(in crate::sources) failure: Option<Refusal>,
    /// Were there more than was wanted?
    pub(in crate::sources) cut: bool,
    pub(in crate::sources) read_at: Arc<str>,
}

impl Done {
    /// Says of a list that the server does not have, whether it no longer serves the kind either. A list that it serves, or of
    /// which a page came, is not whole: a proxy in between may not let it pass, or a cluster with several API servers is being
    /// changed.
    pub(in crate::sources) fn settle_not_found(&mut self, is_served: impl Fn(&str) -> bool) {
        if self.failure == Some(Refusal::NotFound) && (!self.objects.is_empty() || is_served(&self.target.served.kind))
        {
            self.failure =
                Some(Refusal::Failed("the server has no such list (404), although it serves the kind".into()));
        }
    }

    /// Was a list of all namespaces refused?
    fn is_denied_everywhere(&self) -> bool {
        self.failure == Some(Refusal::Forbidden) && self.target.served.namespaced && self.target.namespace.is_none()
    }

    /// Was nothing read, and not because there is nothing?
    fn is_lost(&self) -> bool {
        self.objects.is_empty() && matches!(self.failure, Some(Refusal::Forbidden | Refusal::Failed(_)))
    }
}

/// Why a list is not whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::sources) enum Refusal {
    /// RBAC does not allow it.
    Forbidden,
    /// The kind went away between discovery and list: the server says so when it is asked again.
    NotFound,
    /// The user ended the run.
    Interrupted,
    /// Anything else, in a sentence.
    Failed(String),
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Forbidden(_) => Self::Forbidden,
            Failure::NotFound => Self::NotFound,
            Failure::Interrupted => Self::Interrupted,
            // A token that ended in the middle of a run; a server that tells everyone what it serves.
            Failure::Unauthorized(_) | Failure::Anonymous => Self::Failed(format!("{failure}: log in again")),
            failure => Self::Failed(failure.to_string()),
        }
    }
}

/// Takes in what clusters answered. Two contexts that ask one cluster are one: what the other one read says nothing new.
///
/// Gives for each the cluster that it was taken in as.
pub(in crate::sources) fn take_in(
    answered: Vec<Answered>,
    gather_scope: &GatherScope,
    builder: &mut Builder,
) -> Vec<Option<ClusterId>> {
    builder.set_document_parser(policy_documents::object);
    // Whose uid may not be seen is told by its address.
    let uids: BTreeMap<String, String> =
        answered.iter().filter_map(|one| Some((endpoint(&one.server), one.uid.clone()?))).collect();
    let identity = |one: &Answered| match one.identity() {
        // Of what could not be asked each is told, unless that was when a snapshot was taken, and it was read another time.
        Some(identity) if one.outcome.is_ok() || answered.iter().any(|other| other.makes_up_for(one)) => {
            uids.get(&identity).cloned().unwrap_or(identity)
        }
        _ => String::new(),
    };
    let identities: Vec<String> = answered.iter().map(identity).collect();
    let mut best: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (number, (one, identity)) in answered.iter().zip(&identities).enumerate() {
        let missing = one.missing();
        let known = best.entry(identity).or_insert((number, missing));
        if !identity.is_empty() && missing < known.1 {
            *known = (number, missing);
        }
    }
    let names: Vec<ReadContext> = answered.iter().map(Answered::read_context).collect();
    let mut ids = vec![];
    for (number, one) in answered.into_iter().enumerate() {
        ids.push(match best.get(identities[number].as_str()) {
            // Where there is no address either, it is no cluster at all.
            Some((other, _)) if *other != number && !identities[number].is_empty() => {
                let problem =
                    ClusterProblem::SameCluster { context: names[number].clone(), other: names[*other].clone() };
                builder.problem(Problem::new(problem, None));
                None
            }
            _ => one.take_in(gather_scope, builder),
        });
    }
    ids
}

impl Answered {
    /// No cluster at all: what was asked for does not lead to one.
    pub(in crate::sources) fn nowhere(why: &str) -> Self {
        Self {
            context: "".into(),
            snapshot: None,
            server: String::new(),
            within: false,
            hints: vec![],
            login: ClusterLogin::default(),
            namespace: None,
            uid: None,
            outcome: Err(NotAsked::Failed(why.to_owned())),
        }
    }

    /// Which cluster it is: its uid, else its address where that is its own.
    pub(in crate::sources) fn identity(&self) -> Option<String> {
        self.uid.clone().or_else(|| (!self.within).then(|| endpoint(&self.server)))
    }

    /// Was what is asked of it ended by the user?
    pub(in crate::sources) fn is_interrupted(&self) -> bool {
        match &self.outcome {
            Ok(lists) => lists.done.iter().any(|done| done.failure == Some(Refusal::Interrupted)),
            Err(why) => *why == NotAsked::Interrupted,
        }
    }

    /// Was this cluster read, and the other one is the same, which could not be asked when another snapshot was taken?
    fn makes_up_for(&self, other: &Self) -> bool {
        self.outcome.is_ok()
            && other.snapshot.is_some()
            && self.snapshot != other.snapshot
            && !self.within
            && !other.within
            && endpoint(&self.server) == endpoint(&other.server)
    }

    fn read_context(&self) -> ReadContext {
        ReadContext { context: Arc::clone(&self.context), snapshot: self.snapshot.clone() }
    }

    /// How many objects were read of it.
    pub(in crate::sources) fn objects(&self) -> usize {
        self.outcome.iter().flat_map(|lists| &lists.done).map(|done| done.objects.len()).sum()
    }

    /// Says which kinds are wanted now that were not when it was recorded.
    pub(in crate::sources) fn lacks(&mut self, gather_scope: &GatherScope, recorded: &[String]) {
        let Ok(lists) = &mut self.outcome else { return };
        let missing = gather_scope.listed().filter(|(kind, _)| {
            let covers = |known: &String| known == kind || (!kind.contains('*') && kind_matches(known, kind));
            !recorded.iter().any(covers)
        });
        lists.absent.extend(missing.map(|(kind, _)| Absence::NotRecorded { kind: kind.to_owned() }));
    }

    /// How much could not be read.
    fn missing(&self) -> usize {
        match &self.outcome {
            Err(_) => usize::MAX,
            Ok(lists) => lists.done.iter().filter(|done| done.failure.is_some()).count(),
        }
    }

    fn take_in(self, gather_scope: &GatherScope, builder: &mut Builder) -> Option<ClusterId> {
        if self.context.is_empty() {
            if let Err(NotAsked::Failed(why)) = self.outcome {
                builder.problem(Problem::new(ClusterProblem::NotReached { error: why.into() }, None));
            }
            return None;
        }
        let id = builder.cluster(Arc::clone(&self.context), self.server.as_str(), self.hints.clone());
        builder.set_asked(id, self.within, self.snapshot.is_some());
        builder.set_uid(id, self.uid.clone());
        builder.set_login(id, self.login.clone());
        let taking = Taking { context: Arc::clone(&self.context), namespace: self.namespace.clone(), id };
        self.locate(&taking, builder);
        match self.outcome {
            Err(why) => taking.unreachable(gather_scope, builder, why),
            Ok(lists) => taking.lists(lists, gather_scope, builder),
        }
        Some(id)
    }

    /// Where its AWS resources live, by what the kubeconfig says: `arn:aws:eks:eu-west-1:111122223333:cluster/prod`, which
    /// the aws CLI writes, and the region that the token is asked for in.
    fn locate(&self, taking: &Taking, builder: &mut Builder) {
        let home = self.hints.iter().find_map(|(name, _)| match name.splitn(6, ':').collect::<Vec<_>>()[..] {
            ["arn", _, "eks", region, account, _] => Some((region, account)),
            _ => None,
        });
        let (region, account) = (home.map(|home| home.0).or(self.login.region.as_deref()), home.map(|home| home.1));
        if region.is_some() || account.is_some() {
            builder.set_location(taking.id, region, account, taking.origin("v1", "Cluster"));
        }
    }
}
