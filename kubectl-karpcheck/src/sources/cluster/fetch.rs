//! Asking: all contexts side by side, each with a time of its own, within a bound on connections.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use crate::schema::kinds::GatherScope;
use crate::schema::pattern::kind_matches;
use crate::sources::cluster::answered::{Absence, Answered, Done, Lists, Log, NotAsked, Refusal, Target};
use crate::sources::cluster::api::{Api, Failure, Patience};
use crate::sources::cluster::connect::Chosen;
use crate::sources::cluster::discovery::{Discovered, Served};
use crate::sources::cluster::list::{Read, Wanted};
use crate::sources::cluster::{
    ClusterOptions, DEPLOYMENT, NODE, SECRET, connect, controller, discovery, events, in_group, list, now,
};
use crate::sources::{interrupt, kubernetes};

/// Lists of one cluster that are under way at one time. An API server gives one user's requests turns anyway.
const AT_ONCE: usize = 8;
/// Requests to all clusters that are under way at one time: each has a socket, of which a process may have 256 in places.
const SOCKETS: usize = 96;
/// Contexts that are asked at one time.
const CONTEXTS: usize = 40;
/// Credential plugins that run at one time: each is an interpreter of its own, and one that hangs is ended after half a minute.
const PLUGINS: usize = 16;
/// Nodes tell the region and the cluster's name, which all of them share.
const SOME_NODES: usize = 20;
/// Pods of the controller whose last lines are read: one leads, and the other one may have led before it.
const PODS_WITH_LOGS: usize = 2;
/// The last lines of a Pod that are read.
const LOG_LINES: usize = 5_000;
/// The namespace whose uid is the cluster's.
const KUBE_SYSTEM: &str = "/api/v1/namespaces/kube-system";

/// Asks all clusters that the flags name.
pub(super) fn all(
    args: &ClusterOptions,
    gather_scope: &GatherScope,
    progress: &mut dyn FnMut(&str),
    patience: Patience,
) -> Vec<Answered> {
    let chosen = connect::choose(args);
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return vec![Answered::nowhere(&format!("this machine refuses: {error}"))],
    };
    let answered = runtime.block_on(async {
        let count = chosen.len();
        let common = Arc::new(Common {
            gather_scope: gather_scope.clone(),
            namespace: args.namespace.clone(),
            logs: args.logs,
            alone: count == 1,
            patience,
            sockets: Arc::new(Semaphore::new(SOCKETS)),
            plugins: Semaphore::new(PLUGINS),
        });
        let (tell, mut told) = mpsc::unbounded_channel();
        let mut waiting = chosen.into_iter().enumerate();
        let mut running = JoinSet::new();
        let mut answered: BTreeMap<usize, Answered> = BTreeMap::new();
        loop {
            while running.len() < CONTEXTS
                && let Some((number, chosen)) = waiting.next()
            {
                match chosen {
                    Err(error) => drop(answered.insert(number, Answered::nowhere(&error.to_string()))),
                    Ok(chosen) => {
                        let asking = Asking::new(&chosen, Arc::clone(&common), tell.clone());
                        running.spawn(async move { (number, asking.ask(chosen).await) });
                    }
                }
            }
            if running.is_empty() {
                break;
            }
            // Both are only ever dropped when all is over.
            match either(running.join_next(), told.recv()).await {
                Either::First(Some(Ok((number, one)))) => {
                    answered.insert(number, one);
                    if count > 1 {
                        progress(&format!("{} of {count} clusters read", answered.len()));
                    }
                }
                Either::Second(Some(line)) => progress(&line),
                // A task neither panics nor is it cancelled.
                Either::First(_) | Either::Second(None) => {}
            }
        }
        answered.into_values().collect()
    });
    // A parser that is not done is not waited for: nobody wants its page any more.
    runtime.shutdown_background();
    answered
}

enum Either<A, B> {
    First(A),
    Second(B),
}

/// Whichever is ready first; the other one is dropped, and must not mind.
async fn either<A, B>(first: impl Future<Output = A>, second: impl Future<Output = B>) -> Either<A, B> {
    let (mut first, mut second) = (std::pin::pin!(first), std::pin::pin!(second));
    std::future::poll_fn(|context| {
        if let std::task::Poll::Ready(done) = first.as_mut().poll(context) {
            return std::task::Poll::Ready(Either::First(done));
        }
        second.as_mut().poll(context).map(Either::Second)
    })
    .await
}

/// What is the same for all contexts.
struct Common {
    gather_scope: GatherScope,
    namespace: Option<String>,
    /// Are the controller's last lines read, too?
    logs: bool,
    /// Is it the only context?
    alone: bool,
    patience: Patience,
    sockets: Arc<Semaphore>,
    plugins: Semaphore,
}

/// One context that is asked.
struct Asking {
    common: Arc<Common>,
    tell: mpsc::UnboundedSender<String>,
    context: Arc<str>,
    server: String,
    proxy: Option<String>,
    /// Are its credentials asked for as those of an EKS cluster?
    of_eks: bool,
    /// Does it send nothing but a name and a password?
    only_password: bool,
}

impl Asking {
    fn new(chosen: &Chosen, common: Arc<Common>, tell: mpsc::UnboundedSender<String>) -> Self {
        let (context, server) = (chosen.context.as_str().into(), chosen.server.clone());
        let (of_eks, only_password) = (chosen.is_of_eks(), chosen.has_only_password());
        Self { common, tell, context, server, proxy: chosen.proxy.clone(), of_eks, only_password }
    }

    async fn ask(self, chosen: Chosen) -> Answered {
        self.progress(format!("asking {}", self.context));
        let mut answered = Answered {
            context: Arc::clone(&self.context),
            snapshot: None,
            server: self.server.clone(),
            within: &*self.context == connect::IN_CLUSTER,
            hints: chosen.hints.clone(),
            login: chosen.login(),
            namespace: self.common.namespace.clone(),
            uid: None,
            outcome: Err(NotAsked::Interrupted),
        };
        answered.outcome = match self.discovered(chosen).await {
            Err(why) => Err(why),
            Ok((api, discovered)) => {
                let (uid, lists) = self.read(&api, &discovered).await;
                answered.uid = uid;
                Ok(lists)
            }
        };
        answered
    }

    fn progress(&self, line: String) {
        // Who listens has gone only when all is over.
        let _ = self.tell.send(line);
    }

    /// Gets the credentials. A plugin blocks, so it runs on a thread of its own.
    async fn connected(&self, chosen: Chosen) -> Result<Api, NotAsked> {
        let _turn = self.common.plugins.acquire().await;
        if interrupt::is_raised() {
            return Err(NotAsked::Interrupted);
        }
        let alone = self.common.alone;
        let connecting = tokio::task::spawn_blocking(move || chosen.connect(alone));
        match connecting.await {
            Ok(Ok(connection)) => {
                Ok(Api::new(connection.client, self.common.patience, Arc::clone(&self.common.sockets)))
            }
            _ if interrupt::is_raised() => Err(NotAsked::Interrupted),
            Ok(Err(error)) => Err(NotAsked::Failed(error.to_string())),
            Err(error) => Err(NotAsked::Failed(format!("context {}: {error}", self.context))),
        }
    }

    /// What the cluster serves.
    async fn discovered(&self, chosen: Chosen) -> Result<(Api, Discovered), NotAsked> {
        let again = chosen.has_plugin().then(|| chosen.clone());
        let api = self.connected(chosen).await?;
        let failure = match self.discover(&api).await {
            Ok(discovered) => return Ok((api, discovered)),
            Err(failure) => failure,
        };
        // A plugin may have handed out what it kept for too long: asked once more, it mostly has another one.
        let (Failure::Unauthorized(_), Some(again)) = (&failure, again) else {
            return Err(self.not_answering(&failure));
        };
        let api = self.connected(again).await?;
        let discovered = self.discover(&api).await.map_err(|failure| self.not_answering(&failure))?;
        Ok((api, discovered))
    }

    async fn discover(&self, api: &Api) -> Result<Discovered, Failure> {
        discovery::discover(api, |group| self.matters(group)).await
    }

    /// The cluster's uid, if it may be seen, and what was listed.
    async fn read(&self, api: &Api, discovered: &Discovered) -> (Option<String>, Lists) {
        let (targets, absent) = self.targets(discovered);
        let uid = {
            let api = api.clone();
            tokio::spawn(async move { uid(&api).await })
        };
        let mut done = self.read_all(api, discovered, targets).await;
        self.settle_not_found(api, &mut done).await;
        let logs = if self.common.logs { self.logs(api, &done).await } else { vec![] };
        (uid.await.ok().flatten(), Lists { absent, done, logs })
    }

    /// Why the first question had no answer, with what to do.
    fn not_answering(&self, failure: &Failure) -> NotAsked {
        let Self { context, server, .. } = self;
        let through = self.proxy.as_ref().map(|proxy| format!(" through the proxy {proxy}")).unwrap_or_default();
        NotAsked::Failed(match failure {
            Failure::Interrupted => return NotAsked::Interrupted,
            Failure::Unauthorized(_) | Failure::Anonymous => {
                format!("context {context}: {failure}: {}", self.log_in(failure))
            }
            Failure::Forbidden(said) => format!(
                "context {context}: the API server does not say what it serves ({said}): ask for the cluster role \
                 system:discovery"
            ),
            Failure::NotFound => format!("context {context}: {server} is no API server: it has no /api"),
            _ => format!("context {context}: no answer from {server}{through}: {failure}"),
        })
    }

    /// What to do where the server does not know who asks.
    fn log_in(&self, failure: &Failure) -> String {
        let context = &self.context;
        if **context == *connect::IN_CLUSTER {
            return "start the Pod anew with a service account of this cluster and its token".to_owned();
        }
        let whose = match failure {
            _ if self.only_password => {
                "Kubernetes 1.19 removed basic authentication: log in with a token, a client certificate or an exec plugin"
            }
            Failure::Anonymous => "log in, or give the context a user with credentials",
            _ if self.of_eks => {
                "log in to AWS again, as an identity that the cluster knows by an access entry or in aws-auth (`aws sts \
                 get-caller-identity` shows who you are)"
            }
            _ => "they have expired, or belong to no user of this cluster: log in again",
        };
        format!("{whose}; `kubectl --context {context} auth whoami` tells whether it worked")
    }

    /// The kinds to list, and those of which it is known beforehand that there is nothing to list.
    fn targets(&self, discovered: &Discovered) -> (Vec<Target>, Vec<Absence>) {
        let gather_scope = &self.common.gather_scope;
        let mut targets: BTreeMap<&str, Target> = BTreeMap::new();
        let mut absent = vec![];
        for (pattern, optional) in gather_scope.listed() {
            // A kind that is served all the same is listed as well as it goes.
            let served = || discovered.served.iter().filter(|served| kind_matches(pattern, &served.kind));
            let broken = || discovered.broken.iter().filter(|(group, _)| in_group(pattern, group));
            if pattern.contains('*') || served().next().is_none() {
                absent.extend(broken().map(|(group, why)| Absence::broken(group, why, pattern, optional)));
            }
            if controller::KINDS.contains(&pattern) && !gather_scope.declares(pattern) {
                continue;
            }
            let mut any = false;
            for served in served() {
                any = true;
                if &*served.kind == SECRET {
                    absent.push(Absence::Secrets);
                    continue;
                }
                let wanted = match &*served.kind {
                    NODE if !gather_scope.declares(NODE) => Wanted::First(SOME_NODES),
                    _ => Wanted::All,
                };
                let namespace = self.common.namespace.clone().filter(|_| served.namespaced);
                targets
                    .entry(&served.kind)
                    .and_modify(|target| target.optional &= optional)
                    .or_insert_with(|| Target { served: served.clone(), optional, wanted, namespace });
            }
            if !any && broken().next().is_none() {
                absent.push(Absence::NotInstalled { kind: pattern.to_owned() });
            }
        }
        let of_crossplane = |served: &&Served| {
            kubernetes::is_of_crossplane(&served.kind, gather_scope) && !targets.contains_key(&*served.kind)
        };
        let more: Vec<Target> = discovered
            .served
            .iter()
            .filter(of_crossplane)
            .map(|served| Target {
                served: served.clone(),
                optional: false,
                wanted: Wanted::All,
                namespace: self.common.namespace.clone().filter(|_| served.namespaced),
            })
            .collect();
        (targets.into_values().chain(more).flat_map(|target| each_list(target, discovered)).collect(), absent)
    }

    /// Reads all targets, and what turns out to be a controller's own by name.
    async fn read_all(&self, api: &Api, discovered: &Discovered, targets: Vec<Target>) -> Vec<Done> {
        // Deployments come first, since more follows from them.
        let mut queue: Vec<(usize, Target)> = targets.into_iter().enumerate().rev().collect();
        queue.sort_by_key(|(_, target)| &*target.served.kind == DEPLOYMENT);
        let mut total = queue.len();
        let mut running = JoinSet::new();
        let mut done: Vec<(usize, Done)> = vec![];
        loop {
            while running.len() < AT_ONCE
                && let Some((number, target)) = queue.pop()
            {
                let api = api.clone();
                running.spawn(async move {
                    let read_at = now();
                    let Read { objects, failure, cut } =
                        list::read(&api, &target.served, target.namespace.as_deref(), &target.wanted).await;
                    (number, Done { target, objects, failure: failure.map(Into::into), cut, read_at })
                });
            }
            // A task neither panics nor is it cancelled; if it were, its kind would be told as not read.
            let Some(Ok((number, mut one))) = running.join_next().await else { break };
            if &*one.target.served.kind == DEPLOYMENT {
                for (kind, namespace, wanted) in controller::by_name(&mut one.objects) {
                    let Some((served, optional)) = self.by_name(kind, discovered) else { continue };
                    queue.push((total, Target { served, optional, wanted, namespace: Some(namespace) }));
                    total += 1;
                }
            }
            done.push((number, one));
            if self.common.alone {
                let objects: usize = done.iter().map(|(_, done)| done.objects.len()).sum();
                self.progress(format!("{}: {} of {total} lists, {objects} objects", self.context, done.len()));
            }
        }
        // The same cluster gives the same order, whichever list was faster.
        done.sort_by_key(|(number, _)| *number);
        done.into_iter().map(|(_, done)| done).collect()
    }

    /// A list that is not there is of a kind that went away since the discovery, if the discovery now says so.
    async fn settle_not_found(&self, api: &Api, done: &mut [Done]) {
        if done.iter().all(|one| one.failure != Some(Refusal::NotFound)) {
            return;
        }
        let now = self.discover(api).await.ok();
        // What cannot be asked again may be served.
        let is_served = |kind: &str| {
            now.as_ref().is_none_or(|now| {
                now.served.iter().any(|served| &*served.kind == kind)
                    || now.broken.iter().any(|(group, _)| in_group(kind, group))
            })
        };
        done.iter_mut().for_each(|one| one.settle_not_found(is_served));
    }

    /// Is anything of a group wanted?
    fn matters(&self, group: &str) -> bool {
        let mut listed = self.common.gather_scope.listed();
        listed.any(|(kind, _)| in_group(kind, group)) || kubernetes::is_group_of_crossplane(group)
    }

    /// The last lines of the controller's Pods, and of those that crashed before them.
    async fn logs(&self, api: &Api, done: &[Done]) -> Vec<Log> {
        let pods = done.iter().filter(|done| matches!(done.target.wanted, Wanted::Labelled(..)));
        let mut logs = vec![];
        for pod in pods.flat_map(|done| &done.objects).take(PODS_WITH_LOGS) {
            let Some(namespace) = &pod.namespace else { continue };
            let container = controller::container_in(pod);
            let container = container.map(|name| format!("&container={}", list::escaped(&name))).unwrap_or_default();
            let path = format!("/api/v1/namespaces/{namespace}/pods/{}/log?tailLines={LOG_LINES}{container}", pod.name);
            let text = api.get(&path, "*/*").await;
            let crashed = pod.body.at_path(&["status", "containerStatuses"]).is_some_and(|statuses| {
                statuses.elements().iter().any(|status| status.at_path(&["lastState", "terminated"]).is_some())
            });
            logs.push(Log {
                namespace: namespace.to_string(),
                pod: pod.name.to_string(),
                text: text.map_err(Into::into),
            });
            if crashed && let Ok(text) = api.get(&format!("{path}&previous=true"), "*/*").await {
                logs.push(Log { namespace: namespace.to_string(), pod: pod.name.to_string(), text: Ok(text) });
            }
        }
        logs
    }

    /// Is a kind wanted by name only, and served?
    fn by_name(&self, kind: &str, discovered: &Discovered) -> Option<(Served, bool)> {
        let gather_scope = &self.common.gather_scope;
        let (_, optional) = gather_scope.listed().find(|(listed, _)| *listed == kind)?;
        if gather_scope.declares(kind) {
            return None;
        }
        Some((discovered.served.iter().find(|served| &*served.kind == kind)?.clone(), optional))
    }
}

/// The uid of the namespace kube-system: the identity of a cluster, whichever name and address it has. None where it may not
/// be seen.
async fn uid(api: &Api) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Namespace {
        metadata: Metadata,
    }
    #[derive(serde::Deserialize)]
    struct Metadata {
        uid: Option<String>,
    }
    // Only its metadata, where the server can do so.
    let accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";
    let text = api.get(KUBE_SYSTEM, accept).await.ok()?;
    serde_json::from_slice::<Namespace>(&text).ok()?.metadata.uid.filter(|uid| !uid.is_empty())
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
