//! A live cluster: paged lists of just the kinds that the chosen rules read.
//!
//! ```text
//! flags, kubeconfig -> connect -> discovery -> lists (eight at a time) -> drafts
//!                                    Deployments of Karpenter -> its ServiceAccount, ConfigMap, Pods by name
//!                                    events -> a short list for each kind of object that rules ask about
//! ```
//!
//! Nothing that goes wrong stops the run: a cluster that cannot be asked is a fatal problem, a kind that cannot be
//! listed is a problem of its own, and in both cases what depends on it is unknown and not absent. Secrets are never
//! read.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::inventory::problem::{ClusterProblem, ProblemClass, ProblemKind};
use crate::inventory::reason::Live;
use crate::inventory::{
    At, Builder, Cause, ClusterId, Draft, Listing, LiveOrigin, Origin, Problem, Reason, SourceKind,
};
use crate::schema::kinds::GatherScope;
use crate::schema::pattern::kind_matches;

use crate::formats::json_value;
use crate::formats::json_value::Object;
use crate::sources::policy_documents;
pub(in crate::sources) use api::tidy;
use api::{Api, Failure, Patience};
use connect::Chosen;
pub use connect::contexts;
use discovery::{Discovered, Served};
use list::{Read, Wanted};

mod api;
mod connect;
mod controller;
mod discovery;
mod events;
mod exec;
mod list;
mod proxy;
#[cfg(test)]
mod tests;

/// Lists that are under way at one time. An API server gives one user's requests turns anyway.
const AT_ONCE: usize = 8;
/// Nodes tell the region and the cluster's name, which all of them share.
const SOME_NODES: usize = 20;
const NODE: &str = "core/Node";
const SECRET: &str = "core/Secret";
const DEPLOYMENT: &str = "apps/Deployment";

/// Which cluster is asked, and as whom: what kubectl's own flags say.
#[derive(Clone, Debug, Default)]
pub struct ClusterOptions {
    /// The kubeconfig file.
    pub kubeconfig: Option<PathBuf>,
    /// The kubeconfig context.
    pub context: Option<String>,
    /// The kubeconfig cluster, instead of the context's.
    pub cluster: Option<String>,
    /// The kubeconfig user, instead of the context's.
    pub user: Option<String>,
    /// Read this namespace only.
    pub namespace: Option<String>,
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
    /// How long to wait for one answer of the API server; zero is for ever, and without it 30 seconds.
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

/// As whom, and where, the kubeconfig's user asks AWS for a token: `aws --region r eks get-token --profile p`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct AwsLogin {
    pub(super) profile: Option<String>,
    pub(super) region: Option<String>,
}

/// The kubeconfig's own word on AWS. What is wrong with the kubeconfig is told by who connects.
pub(super) fn aws_login(args: &ClusterOptions) -> AwsLogin {
    connect::choose(args).map(|chosen| chosen.aws_login()).unwrap_or_default()
}

/// Reads what the plan asks for from the cluster that the flags name. What goes wrong becomes a problem.
///
/// `progress` is told, now and then, in a line without its end, what is under way.
pub fn gather(
    args: &ClusterOptions,
    gather_scope: &GatherScope,
    builder: &mut Builder,
    progress: &mut dyn FnMut(&str),
) {
    let deadline = match args.request_timeout {
        None => Duration::from_secs(30),
        // For ever, as kubectl has it, is a day.
        Some(Duration::ZERO) => Duration::from_secs(24 * 3600),
        Some(asked) => asked,
    };
    gather_within(args, gather_scope, builder, progress, Patience::within(deadline));
}

fn gather_within(
    args: &ClusterOptions,
    gather_scope: &GatherScope,
    builder: &mut Builder,
    progress: &mut dyn FnMut(&str),
    patience: Patience,
) {
    builder.set_document_parser(policy_documents::object);
    let chosen = match connect::choose(args) {
        Ok(chosen) => chosen,
        Err(error) => {
            return builder.problem(Problem::new(ClusterProblem::NotReached { error: error.to_string().into() }, None));
        }
    };
    let asked = Asked::new(&chosen, args.namespace.clone(), builder);
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return asked.unreachable(gather_scope, builder, &format!("this machine refuses: {error}")),
    };
    progress(&format!("asking {}", asked.context));
    runtime.block_on(async {
        match chosen.connect() {
            Ok(connection) => {
                let api = Api { client: connection.client, patience };
                asked.read(&api, gather_scope, builder, progress).await;
            }
            Err(error) => asked.unreachable(gather_scope, builder, &error.to_string()),
        }
    });
    // A parser that is not done is not waited for: nobody wants its page any more.
    runtime.shutdown_background();
}

/// The cluster that is asked.
struct Asked {
    context: Arc<str>,
    server: String,
    namespace: Option<String>,
    id: ClusterId,
}

/// A kind to read, and how.
#[derive(Clone)]
struct Target {
    served: Served,
    /// Is a refusal of no account?
    optional: bool,
    wanted: Wanted,
    /// The namespace, where it is only one.
    namespace: Option<String>,
}

/// A target that was read.
struct Done {
    target: Target,
    read: Read,
    read_at: Arc<str>,
}

impl Asked {
    fn new(chosen: &Chosen, namespace: Option<String>, builder: &mut Builder) -> Self {
        let context: Arc<str> = chosen.context.as_str().into();
        let id = builder.cluster(Arc::clone(&context), chosen.server.as_str(), chosen.hints.clone());
        // A kubeconfig that the aws CLI wrote: arn:aws:eks:eu-west-1:111122223333:cluster/prod
        let home = chosen.hints.iter().find_map(|(name, _)| match name.splitn(6, ':').collect::<Vec<_>>()[..] {
            ["arn", _, "eks", region, account, _] => Some((region, account)),
            _ => None,
        });
        if let Some((region, account)) = home {
            let origin = Origin::Live(Box::new(LiveOrigin {
                context: Arc::clone(&context),
                api_version: "v1".into(),
                kind: "Cluster".into(),
                namespace: "".into(),
                name: "".into(),
            }));
            builder.set_location(id, Some(region), Some(account), origin);
        }
        Self { context, server: chosen.server.clone(), namespace, id }
    }

    /// Nothing could be asked: one fatal problem, and everything that was wanted is unknown for that reason.
    fn unreachable(&self, gather_scope: &GatherScope, builder: &mut Builder, why: &str) {
        let at = self.whole("v1", "Cluster", builder);
        let reason = Reason::new(Cause::Failed, Live::NotReached { error: why.into() });
        let problem = Problem::new(ClusterProblem::NotReached { error: why.into() }, Some(at));
        builder.problem(problem.leaving(reason.clone()));
        for (kind, _) in gather_scope.listed() {
            builder.listed(self.id, kind, Listing::Partial(reason.clone()));
        }
    }

    /// A kind of the cluster as a whole, as a place.
    fn whole(&self, api_version: &str, kind: &str, builder: &mut Builder) -> At {
        At::whole(builder.document(Origin::Live(Box::new(LiveOrigin {
            context: Arc::clone(&self.context),
            api_version: api_version.into(),
            kind: kind.into(),
            namespace: "".into(),
            name: "".into(),
        }))))
    }

    async fn read(&self, api: &Api, gather_scope: &GatherScope, builder: &mut Builder, progress: &mut dyn FnMut(&str)) {
        let matters = |group: &str| gather_scope.listed().any(|(kind, _)| in_group(kind, group));
        let discovered = match discovery::discover(api, matters).await {
            Ok(discovered) => discovered,
            Err(failure) => return self.unreachable(gather_scope, builder, &self.not_answering(&failure)),
        };
        let targets = self.targets(gather_scope, &discovered, builder);
        let done = self.read_all(api, gather_scope, &discovered, targets, progress).await;
        self.take_in(gather_scope, done, builder);
    }

    /// Why the first question had no answer, with what to do.
    fn not_answering(&self, failure: &Failure) -> String {
        let Self { context, server, .. } = self;
        match failure {
            Failure::Unauthorized(_) => format!(
                "context {context}: {failure}: `kubectl --context {context} auth whoami` must work first, log in again \
                 if it does not"
            ),
            Failure::Forbidden(said) => format!(
                "context {context}: the API server does not tell what it serves ({said}): ask for the cluster role \
                 system:discovery"
            ),
            Failure::NotFound => format!("context {context}: {server} is no API server: it has no /api"),
            _ => format!("context {context}: no answer from {server}: {failure}"),
        }
    }

    /// The kinds to list. Those that are not served, or cannot be told of, are said to be so at once.
    fn targets(&self, gather_scope: &GatherScope, discovered: &Discovered, builder: &mut Builder) -> Vec<Target> {
        let mut targets: BTreeMap<&str, Target> = BTreeMap::new();
        for (pattern, optional) in gather_scope.listed() {
            // A kind that is served all the same is listed as well as it goes.
            let served = || discovered.served.iter().filter(|served| kind_matches(pattern, &served.kind));
            let broken = || discovered.broken.iter().filter(|(group, _)| in_group(pattern, group));
            if pattern.contains('*') || served().next().is_none() {
                for (group, why) in broken() {
                    self.broken(group, why, pattern, optional, builder);
                }
            }
            if controller::KINDS.contains(&pattern) && !gather_scope.declares(pattern) {
                continue;
            }
            let mut any = false;
            for served in served() {
                any = true;
                if &*served.kind == SECRET {
                    let reason = Reason::new(Cause::NotProvided, Live::Secrets);
                    builder.listed(self.id, SECRET, Listing::Partial(reason));
                    continue;
                }
                let wanted = match &*served.kind {
                    NODE if !gather_scope.declares(NODE) => Wanted::First(SOME_NODES),
                    _ => Wanted::All,
                };
                let namespace = self.namespace.clone().filter(|_| served.namespaced);
                targets
                    .entry(&served.kind)
                    .and_modify(|target| target.optional &= optional)
                    .or_insert_with(|| Target { served: served.clone(), optional, wanted, namespace });
            }
            if !any && broken().next().is_none() {
                builder.listed(self.id, pattern, Listing::NotInstalled);
            }
        }
        targets.into_values().flat_map(|target| each_list(target, discovered)).collect()
    }

    /// A group whose server does not answer.
    fn broken(&self, group: &str, why: &str, pattern: &str, optional: bool, builder: &mut Builder) {
        // Of a pattern, the part that is meant; so that each group is told once for each kind that is wanted of it.
        let kind = match pattern.split_once('/') {
            Some((_, kind)) => format!("{group}/{kind}"),
            None => pattern.to_owned(),
        };
        let (group_name, context, error): (Arc<str>, Arc<str>, Arc<str>) =
            (group.into(), Arc::clone(&self.context), why.into());
        let gap =
            Live::Group { group: Arc::clone(&group_name), context: Arc::clone(&context), error: Arc::clone(&error) };
        builder.listed(self.id, &kind, Listing::Partial(Reason::new(Cause::Failed, gap)));
        let at = self.whole(group, kind.rsplit_once('/').map_or("", |(_, kind)| kind), builder);
        let problem = ClusterProblem::Group { group: group_name, context, error, kind: kind.into() };
        builder.problem(Problem::new(problem, Some(at)).as_class(class_of(optional)));
    }

    /// Reads all targets, and what turns out to be a controller's own by name.
    async fn read_all(
        &self,
        api: &Api,
        gather_scope: &GatherScope,
        discovered: &Discovered,
        targets: Vec<Target>,
        progress: &mut dyn FnMut(&str),
    ) -> Vec<Done> {
        // Deployments come first, since more follows from them.
        let mut queue: Vec<(usize, Target)> = targets.into_iter().enumerate().rev().collect();
        queue.sort_by_key(|(_, target)| &*target.served.kind == DEPLOYMENT);
        let mut total = queue.len();
        let mut running = tokio::task::JoinSet::new();
        let mut done: Vec<(usize, Done)> = vec![];
        loop {
            while running.len() < AT_ONCE
                && let Some((number, target)) = queue.pop()
            {
                let api = api.clone();
                running.spawn(async move {
                    let read_at = now();
                    let read = list::read(&api, &target.served, target.namespace.as_deref(), &target.wanted).await;
                    (number, Done { target, read, read_at })
                });
            }
            // A task neither panics nor is it cancelled; if it were, its kind would be told as not read below.
            let Some(Ok((number, mut one))) = running.join_next().await else { break };
            if &*one.target.served.kind == DEPLOYMENT {
                for (kind, namespace, wanted) in controller::by_name(&mut one.read.objects) {
                    let Some((served, optional)) = self.by_name(kind, gather_scope, discovered) else { continue };
                    queue.push((total, Target { served, optional, wanted, namespace: Some(namespace) }));
                    total += 1;
                }
            }
            done.push((number, one));
            let objects: usize = done.iter().map(|(_, done)| done.read.objects.len()).sum();
            progress(&format!("{}: {} of {total} lists, {objects} objects", self.context, done.len()));
        }
        // The same cluster gives the same order, whichever list was faster.
        done.sort_by_key(|(number, _)| *number);
        done.into_iter().map(|(_, done)| done).collect()
    }

    /// Is a kind wanted by name only, and served?
    fn by_name(&self, kind: &str, gather_scope: &GatherScope, discovered: &Discovered) -> Option<(Served, bool)> {
        let (_, optional) = gather_scope.listed().find(|(listed, _)| *listed == kind)?;
        if gather_scope.declares(kind) {
            return None;
        }
        Some((discovered.served.iter().find(|served| &*served.kind == kind)?.clone(), optional))
    }

    /// Hands on what was read, and says how far each kind was.
    fn take_in(&self, gather_scope: &GatherScope, done: Vec<Done>, builder: &mut Builder) {
        let mut listings: BTreeMap<Arc<str>, Listing> = BTreeMap::new();
        let mut complaints: HashSet<ProblemKind> = HashSet::new();
        for Done { target, read, read_at } in done {
            let listing = match &read.failure {
                None => self.limited(&target, read.cut, builder),
                // Gone between the discovery and the list.
                Some(Failure::NotFound) => Listing::NotInstalled,
                Some(failure) => {
                    let (listing, problem) = self.failed(&target, failure, builder);
                    // Several lists of one kind are refused alike.
                    if complaints.insert(problem.kind.clone()) {
                        builder.problem(problem);
                    }
                    listing
                }
            };
            // Of several reads of one kind, the one that failed is told.
            let told = listings.entry(Arc::clone(&target.served.kind)).or_insert(Listing::Complete);
            if *told == Listing::Complete || read.failure.is_some() {
                *told = listing;
            }
            for object in read.objects {
                self.add(&target.served, object, &read_at, gather_scope, builder);
            }
        }
        for (kind, listing) in listings {
            builder.listed(self.id, &kind, listing);
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
    fn failed(&self, target: &Target, failure: &Failure, builder: &mut Builder) -> (Listing, Problem) {
        let served = &target.served;
        let (context, resource, kind) = (&self.context, served.resource(), &served.kind);
        let place =
            target.namespace.as_deref().map(|namespace| format!(" in namespace {namespace}")).unwrap_or_default();
        let (verb, doing) = match target.wanted {
            Wanted::Named(_) => ("get", "reading"),
            _ => ("list", "listing"),
        };
        let (reason, problem) = match failure {
            Failure::Forbidden(_) => (
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
            failure => (
                Reason::new(
                    Cause::Failed,
                    Live::Failed {
                        doing,
                        kind: kind.as_ref().into(),
                        context: context.as_ref().into(),
                        error: failure.to_string().into(),
                    },
                ),
                ClusterProblem::Failed {
                    doing,
                    kind: kind.as_ref().into(),
                    place: place.into(),
                    error: failure.to_string().into(),
                },
            ),
        };
        let at = self.whole(&served.api_version, served.name(), builder);
        let problem = Problem::new(problem, Some(at)).as_class(class_of(target.optional));
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
        super::kubernetes::add(builder, gather_scope, draft);
    }
}

/// The lists that a kind is read by: of events several short ones, of all else one.
fn each_list(target: Target, discovered: &Discovered) -> Vec<Target> {
    if &*target.served.kind != events::KIND {
        return vec![target];
    }
    let namespace = Some(events::NAMESPACE.to_owned());
    let wanted = events::wanted(discovered).into_iter();
    wanted.map(|wanted| Target { wanted, namespace: namespace.clone(), ..target.clone() }).collect()
}

/// Can a kind, or a kind that a pattern stands for, be of this group?
/// What it means that a list could not be read: a rule may do without it.
const fn class_of(optional: bool) -> ProblemClass {
    if optional { ProblemClass::Note } else { ProblemClass::Unread }
}

fn in_group(kind: &str, group: &str) -> bool {
    kind.split_once('/').is_some_and(|(pattern, _)| kind_matches(&format!("{pattern}/x"), &format!("{group}/x")))
}

/// The time, RFC 3339, in whole seconds.
fn now() -> Arc<str> {
    let now = jiff::Timestamp::now();
    jiff::Timestamp::from_second(now.as_second()).unwrap_or(now).to_string().into()
}
