//! What one cluster answered as items, listings and problems.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::{Absence, Done, Lists, Log, NotAsked, Refusal, Target};
use crate::formats::json_value;
use crate::formats::json_value::Object;
use crate::inventory::problem::{ClusterProblem, ProblemClass, ProblemKind};
use crate::inventory::reason::Live;
use crate::inventory::{
    At, Builder, Cause, ClusterId, Draft, Listing, LiveOrigin, Origin, Problem, Reason, SourceKind,
};
use crate::schema::kinds::GatherScope;
use crate::schema::pattern::kind_matches;
use crate::sources::cluster::discovery::Served;
use crate::sources::cluster::list::Wanted;
use crate::sources::cluster::{DEPLOYMENT, SECRET, events, in_group};
use crate::sources::{kubernetes, logs};

/// What could not be read, by what that means for the run and by its cause: problems and their kinds.
type Failing = Vec<(ProblemClass, Refusal, Vec<(Problem, Arc<str>)>)>;

/// A cluster whose answers are taken in.
pub(super) struct Taking {
    pub(super) context: Arc<str>,
    pub(super) namespace: Option<String>,
    pub(super) id: ClusterId,
}

impl Taking {
    /// Nothing could be asked: one fatal problem, and everything that was wanted is unknown for that reason.
    pub(super) fn unreachable(&self, gather_scope: &GatherScope, builder: &mut Builder, why: NotAsked) {
        let reason = match why {
            NotAsked::Interrupted => Reason::new(Cause::Failed, Live::Interrupted),
            NotAsked::Failed(why) => {
                let (at, error): (At, Arc<str>) = (self.whole("v1", "Cluster", builder), why.into());
                let reason = Reason::new(Cause::Failed, Live::NotReached { error: Arc::clone(&error) });
                let problem = Problem::new(ClusterProblem::NotReached { error }, Some(at));
                builder.problem(problem.leaving([reason.clone()]));
                reason
            }
        };
        for (kind, _) in gather_scope.listed() {
            builder.listed(self.id, kind, Listing::Partial(reason.clone()));
        }
    }

    pub(super) fn origin(&self, api_version: &str, kind: &str) -> Origin {
        Origin::Live(Box::new(LiveOrigin {
            context: Arc::clone(&self.context),
            api_version: api_version.into(),
            kind: kind.into(),
            namespace: "".into(),
            name: "".into(),
        }))
    }

    /// A kind of the cluster as a whole, as a place.
    fn whole(&self, api_version: &str, kind: &str, builder: &mut Builder) -> At {
        At::whole(builder.document(self.origin(api_version, kind)))
    }

    /// Hands on what was read, and says how far each kind was.
    pub(super) fn lists(&self, lists: Lists, gather_scope: &GatherScope, builder: &mut Builder) {
        self.neither(&lists, gather_scope, builder);
        for absence in lists.absent {
            self.absent(absence, builder);
        }
        // A cluster of which not one list came that a rule needs tells nothing: the job could not be done.
        let mut needed = lists.done.iter().filter(|done| !done.target.optional && done.target.wanted == Wanted::All);
        let lost = needed.clone().next().is_some() && needed.all(Done::is_lost);
        self.only_namespace(&lists.done, builder);
        let mut listings: BTreeMap<Arc<str>, Listing> = BTreeMap::new();
        let mut complaints: HashSet<ProblemKind> = HashSet::new();
        let mut failing: Failing = vec![];
        // In one namespace more may be allowed than everywhere.
        let hint = match &self.namespace {
            None if lists.done.iter().any(Done::is_denied_everywhere) => {
                "; if your rights are for one namespace, name it with -n"
            }
            Some(_) if lost => "; if your rights are for another namespace, name that with -n",
            _ => "",
        };
        for Done { target, objects, failure, cut, read_at } in lists.done {
            let listing = match &failure {
                None => self.limited(&target, cut, builder),
                // Gone between the discovery and the list.
                Some(Refusal::NotFound) => Listing::NotInstalled,
                Some(Refusal::Interrupted) => Listing::Partial(Reason::new(Cause::Failed, Live::Interrupted)),
                Some(failure) => {
                    let (listing, problem) = self.failed(&target, failure, builder);
                    // Several lists of one kind are refused alike.
                    if complaints.insert(problem.kind.clone()) {
                        let class = if lost && !target.optional { ProblemClass::Fatal } else { problem.class };
                        let alike = failing.iter_mut().find(|(of, why, _)| *of == class && why == failure);
                        let one = (problem.as_class(class), Arc::clone(&target.served.kind));
                        match alike {
                            Some((.., some)) => some.push(one),
                            None => failing.push((class, failure.clone(), vec![one])),
                        }
                    }
                    listing
                }
            };
            // Of several reads of one kind, the one that failed is told.
            let told = listings.entry(Arc::clone(&target.served.kind)).or_insert(Listing::Complete);
            if *told == Listing::Complete || failure.is_some() {
                *told = listing;
            }
            for object in objects {
                self.add(&target.served, object, &read_at, gather_scope, builder);
            }
        }
        self.tell(failing, hint, builder);
        for log in lists.logs {
            self.log(&log, gather_scope, builder);
        }
        for (kind, listing) in listings {
            // What Crossplane would have described is missing under its own name.
            if let (Some(described), Listing::Partial(_)) = (kubernetes::described_by_crossplane(&kind), &listing) {
                builder.listed(self.id, described, listing.clone());
            }
            builder.listed(self.id, &kind, listing);
        }
    }

    /// Hands on a log. Who asks for logs misses what was refused.
    fn log(&self, log: &Log, gather_scope: &GatherScope, builder: &mut Builder) {
        let Log { namespace, pod, text } = log;
        let doc = builder.document(Origin::Live(Box::new(LiveOrigin {
            context: Arc::clone(&self.context),
            api_version: "v1".into(),
            kind: "Pod".into(),
            namespace: namespace.as_str().into(),
            name: pod.as_str().into(),
        })));
        match text {
            Ok(text) => {
                let name = format!("{namespace}/{pod}");
                logs::of_pod(builder, gather_scope, &String::from_utf8_lossy(text), &name, doc, self.id);
            }
            Err(why) => {
                let error: Arc<str> = match why {
                    Refusal::Forbidden => {
                        "it was refused: ask for `get pods/log`, `kubectl karpcheck rbac --logs` prints it".into()
                    }
                    Refusal::NotFound => "it is gone".into(),
                    Refusal::Interrupted => return,
                    Refusal::Failed(why) => why.as_str().into(),
                };
                let problem = ClusterProblem::LogNotRead { pod: format!("{namespace}/{pod}").into(), error };
                builder.problem(Problem::new(problem, Some(At::whole(doc))));
            }
        }
    }

    /// Says what was refused or failed: a few lists one by one, many of one cause in one line.
    fn tell(&self, failing: Failing, hint: &'static str, builder: &mut Builder) {
        /// Lists that are told one by one.
        const FEW: usize = 3;
        let at = self.whole("v1", "Cluster", builder);
        let refused = |(_, why, _): &(_, Refusal, _)| *why == Refusal::Forbidden;
        let everything = failing.iter().all(refused);
        let all: Vec<Reason> =
            failing.iter().flat_map(|(.., some)| some).flat_map(|(one, _)| one.reasons.clone()).collect();
        for (class, why, some) in failing {
            if some.len() <= FEW {
                some.into_iter().for_each(|(problem, _)| builder.problem(problem));
                continue;
            }
            let kinds: Arc<str> = some.iter().map(|(_, kind)| &**kind).collect::<Vec<_>>().join(", ").into();
            let (context, count) = (Arc::clone(&self.context), some.len());
            let reasons = some.into_iter().flat_map(|(problem, _)| problem.reasons);
            let problem = match why {
                Refusal::Failed(error) => ClusterProblem::FailedLists { context, count, kinds, error: error.into() },
                _ if class == ProblemClass::Fatal && everything => {
                    // What rules could have done without says nothing more.
                    let problem = ClusterProblem::AllRefused { context, hint };
                    return builder.problem(Problem::new(problem, Some(at)).leaving(all));
                }
                _ => ClusterProblem::RefusedLists { context, count, kinds, hint },
            };
            builder.problem(Problem::new(problem, Some(at)).as_class(class).leaving(reasons));
        }
    }

    /// Says where there is neither Karpenter nor ACK, as far as was looked.
    fn neither(&self, lists: &Lists, gather_scope: &GatherScope, builder: &mut Builder) {
        const ACK: &str = "*.services.k8s.aws/*";
        let is_karpenter = |kind: &str| {
            ["karpenter.sh", "karpenter.k8s.aws", "eks.amazonaws.com"].iter().any(|group| in_group(kind, group))
        };
        let of_ack = |kind: &str| kind_matches(ACK, kind);
        let served = |wanted: &dyn Fn(&str) -> bool| {
            let broken = |absence: &Absence| matches!(absence, Absence::Broken { kind, .. } if wanted(kind));
            let unseen = |absence: &Absence| matches!(absence, Absence::NotRecorded { .. });
            lists.done.iter().any(|done| wanted(&done.target.served.kind))
                || lists.absent.iter().any(|absence| broken(absence) || unseen(absence))
        };
        // A controller is known by what is read because of it. Deployments that were refused may be one.
        let controller = lists.done.iter().any(|done| {
            matches!(done.target.wanted, Wanted::Named(_))
                || (&*done.target.served.kind == DEPLOYMENT && done.failure.is_some())
        });
        let karpenter = controller || served(&is_karpenter);
        let looked = gather_scope.listed().any(|(kind, _)| is_karpenter(kind));
        let context = Arc::clone(&self.context);
        if !karpenter && gather_scope.requires_karpenter() {
            let at = self.whole("v1", "Cluster", builder);
            builder.problem(Problem::new(ClusterProblem::KarpenterRequired { context }, Some(at)));
        } else if !karpenter && looked && !served(&of_ack) {
            let at = self.whole("v1", "Cluster", builder);
            builder.problem(Problem::new(ClusterProblem::NoKarpenter { context }, Some(at)));
        }
    }

    /// Says that one namespace alone was read, and whether there was anything in it.
    fn only_namespace(&self, done: &[Done], builder: &mut Builder) {
        let Some(namespace) = self.namespace.as_deref() else { return };
        let (namespace, context): (Arc<str>, _) = (namespace.into(), Arc::clone(&self.context));
        let within = |done: &&Done| done.target.wanted == Wanted::All && done.target.namespace.is_some();
        let refused = done.iter().filter(within).any(|done| done.failure.is_some());
        let problem = if refused || done.iter().filter(within).any(|done| !done.objects.is_empty()) {
            ClusterProblem::NamespaceOnly { namespace, context }
        } else {
            ClusterProblem::NamespaceEmpty { namespace, context }
        };
        let at = self.whole("v1", "Namespace", builder);
        builder.problem(Problem::new(problem, Some(at)));
    }

    fn absent(&self, absence: Absence, builder: &mut Builder) {
        match absence {
            Absence::NotRecorded { kind } => {
                let reason = Reason::new(Cause::NotProvided, Live::NotInSnapshot { kind: kind.as_str().into() });
                builder.listed(self.id, &kind, Listing::Partial(reason));
            }
            Absence::NotInstalled { kind } => builder.listed(self.id, &kind, Listing::NotInstalled),
            Absence::Secrets => {
                let reason = Reason::new(Cause::NotProvided, Live::Secrets);
                builder.listed(self.id, SECRET, Listing::Partial(reason));
            }
            Absence::Broken { group, why, kind, optional } => {
                let (group, error): (Arc<str>, Arc<str>) = (group.into(), why.into());
                let context = Arc::clone(&self.context);
                let gap =
                    Live::Group { group: Arc::clone(&group), context: Arc::clone(&context), error: Arc::clone(&error) };
                let reason = Reason::new(Cause::Failed, gap);
                builder.listed(self.id, &kind, Listing::Partial(reason.clone()));
                let at = self.whole(&group, kind.rsplit_once('/').map_or("", |(_, kind)| kind), builder);
                let problem = ClusterProblem::Group { group, context, error, kind: kind.into() };
                builder.problem(Problem::new(problem, Some(at)).as_class(class_of(optional)).leaving([reason]));
            }
        }
    }

    /// How far a list that went well goes.
    fn limited(&self, target: &Target, cut: bool, builder: &mut Builder) -> Listing {
        match (&target.wanted, &target.namespace) {
            (Wanted::Selected { what, most, .. }, _) => {
                if cut {
                    let context = Arc::clone(&self.context);
                    let at = self.whole(&target.served.api_version, target.served.name(), builder);
                    builder.problem(Problem::new(
                        ClusterProblem::Cut { most: *most, what: what.as_str().into(), context },
                        Some(at),
                    ));
                }
                Listing::Partial(Reason::new(Cause::NotProvided, events::gap()))
            }
            (Wanted::All, Some(namespace)) => {
                let kind = Arc::clone(&target.served.kind);
                Listing::Partial(Reason::new(
                    Cause::NotProvided,
                    Live::Namespace { namespace: namespace.as_str().into(), kind },
                ))
            }
            _ => Listing::Complete,
        }
    }

    /// A list that did not go well: with what it costs and what to do.
    fn failed(&self, target: &Target, failure: &Refusal, builder: &mut Builder) -> (Listing, Problem) {
        let served = &target.served;
        let (context, resource, kind) = (&self.context, served.resource(), &served.kind);
        let place =
            target.namespace.as_deref().map(|namespace| format!(" in namespace {namespace}")).unwrap_or_default();
        let (verb, doing) = match target.wanted {
            Wanted::Named(_) => ("get", "reading"),
            _ => ("list", "listing"),
        };
        let error: Arc<str> = match failure {
            Refusal::Failed(why) => why.as_str().into(),
            Refusal::Forbidden | Refusal::NotFound | Refusal::Interrupted => "".into(),
        };
        let (reason, problem) = match failure {
            Refusal::Forbidden => (
                Reason::new(
                    Cause::Refused,
                    Live::Refused {
                        doing,
                        kind: kind.as_ref().into(),
                        context: context.as_ref().into(),
                        right: format!("`{verb} {resource}`{place}").into(),
                    },
                ),
                ClusterProblem::Refused {
                    doing,
                    kind: kind.as_ref().into(),
                    place: place.into(),
                    right: format!("{verb} {resource}").into(),
                },
            ),
            Refusal::NotFound | Refusal::Interrupted | Refusal::Failed(_) => (
                Reason::new(
                    Cause::Failed,
                    Live::Failed {
                        doing,
                        kind: kind.as_ref().into(),
                        context: context.as_ref().into(),
                        error: Arc::clone(&error),
                    },
                ),
                ClusterProblem::Failed {
                    doing,
                    kind: kind.as_ref().into(),
                    place: place.into(),
                    error: Arc::clone(&error),
                },
            ),
        };
        let at = self.whole(&served.api_version, served.name(), builder);
        let problem = Problem::new(problem, Some(at)).as_class(class_of(target.optional)).leaving([reason.clone()]);
        (Listing::Partial(reason), problem)
    }

    fn add(
        &self,
        served: &Served,
        object: Object,
        read_at: &Arc<str>,
        gather_scope: &GatherScope,
        builder: &mut Builder,
    ) {
        let Object { name, namespace, mut body } = object;
        let doc = builder.document(Origin::Live(Box::new(LiveOrigin {
            context: Arc::clone(&self.context),
            api_version: Arc::clone(&served.api_version),
            kind: served.name().into(),
            namespace: namespace.clone().unwrap_or_default(),
            name: name.clone(),
        })));
        json_value::place(&mut body, At::whole(doc));
        let mut draft = Draft::new(Arc::clone(&served.kind), name, body, SourceKind::Live);
        draft.namespace = namespace;
        draft.cluster = self.id;
        draft.read_at = Some(Arc::clone(read_at));
        kubernetes::add(builder, gather_scope, draft);
    }
}

/// What it means that a list could not be read: a rule may do without it.
const fn class_of(optional: bool) -> ProblemClass {
    if optional { ProblemClass::Note } else { ProblemClass::Unread }
}
