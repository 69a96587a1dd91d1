//! From kubeconfig and flags to a client, with kubectl's manners.

use std::collections::HashMap;
use std::path::PathBuf;

use kube::config::{
    AuthInfo, Cluster, Context, ExecAuthCluster, KubeConfigOptions, Kubeconfig, KubeconfigError, NamedAuthInfo,
    NamedCluster, NamedContext,
};
use kube::{Client, Config};

use crate::inventory::ClusterLogin;
use crate::schema::pattern::glob;
use crate::sources::cluster::api::tidy;
use crate::sources::cluster::exec;
use crate::sources::cluster::exec::{Credential, ExecError};
use crate::sources::cluster::{ClusterOptions, proxy};
use credentials::{token_fits, with_credentials, with_token};
use kubeconfig::{looked_for, read};

mod credentials;
mod kubeconfig;
mod lenient;

/// What the cluster is called that karpcheck runs in.
pub(in crate::sources) const IN_CLUSTER: &str = "in-cluster";

/// A cluster that can be asked.
pub(super) struct Connection {
    pub(super) client: Client,
}

/// The cluster that was chosen: what there is to say of it before it is asked.
#[derive(Clone, Debug)]
pub(super) struct Chosen {
    /// The context's name; the server's where there is no context.
    pub(super) context: String,
    /// The API server's URL.
    pub(super) server: String,
    /// What the kubeconfig calls it: words and where they stand.
    pub(super) hints: Vec<(String, String)>,
    /// The proxy that it is reached through.
    pub(super) proxy: Option<String>,
    config: Config,
}

/// Why no cluster can be asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    /// The user's: no kubeconfig anywhere.
    #[error(
        "there is no kubeconfig ({looked}): name one with --kubeconfig or KUBECONFIG, or check only files with --offline"
    )]
    NoKubeconfig {
        /// Where it was looked for.
        looked: String,
    },
    /// The user's: the named file is not there or not readable.
    #[error("the kubeconfig {path} cannot be read: {why}")]
    Unreadable {
        /// The file.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// The user's: a pattern that no context fits.
    #[error("--context {pattern}: the kubeconfig has no context of that name: there {known}")]
    NoMatch {
        /// The pattern.
        pattern: String,
        /// The contexts that there are.
        known: String,
    },
    /// The user's: --all-contexts where there is none.
    #[error("the kubeconfig has no contexts")]
    NoContexts,
    /// The user's: flags that speak of one cluster, with several contexts.
    #[error("{flag} speaks of one cluster, and {count} contexts are chosen: name one with --context")]
    OneCluster {
        /// The flag.
        flag: &'static str,
        /// How many contexts.
        count: usize,
    },
    /// The user's: nothing is chosen.
    #[error("the kubeconfig has no current context: choose one with --context ({known})")]
    NoContext {
        /// The contexts that there are.
        known: String,
    },
    /// The user's: a name that the kubeconfig does not have.
    #[error("the kubeconfig has no {what} {name}: there {known}")]
    Unknown {
        /// context, cluster or user.
        what: &'static str,
        /// The name.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// The user's: something in the kubeconfig, or in a flag, is wrong.
    #[error("context {context} of the kubeconfig cannot be used: {why}")]
    Invalid {
        /// The context.
        context: String,
        /// What is wrong.
        why: String,
    },
    /// The user's: the address of the API server is none.
    #[error("the API server {server} is no URL: write it as https://HOST:PORT, in the kubeconfig or with --server")]
    NoAddress {
        /// What was given.
        server: String,
    },
    /// The credential plugin's.
    #[error("context {context}: {source}")]
    Plugin {
        /// The context.
        context: String,
        /// Its failure.
        source: ExecError,
    },
}

/// The names of the contexts of the user's kubeconfig; none where it cannot be read.
pub fn contexts() -> Vec<String> {
    let kubeconfig = read(&ClusterOptions::default()).ok().flatten().unwrap_or_default();
    kubeconfig.contexts.into_iter().map(|context| context.name).collect()
}

/// Chooses the clusters that the flags and the kubeconfig name, in the kubeconfig's order.
pub(super) fn choose(args: &ClusterOptions) -> Vec<Result<Chosen, ConnectError>> {
    let kubeconfig = match read(args) {
        Ok(Some(kubeconfig)) => kubeconfig,
        Ok(None) if args.server.is_some() => Kubeconfig::default(),
        Ok(None) => return vec![without_kubeconfig()],
        Err(error) => return vec![Err(error)],
    };
    let (names, strange) = match named(args, &kubeconfig) {
        Ok(named) => named,
        Err(error) => return vec![Err(error)],
    };
    let one_only = [("--server", args.server.is_some()), ("--cluster", args.cluster.is_some())];
    if let (2.., Some((flag, _))) = (names.len(), one_only.into_iter().find(|(_, given)| *given)) {
        return vec![Err(ConnectError::OneCluster { flag, count: names.len() })];
    }
    let resolved = names.iter().map(|name| resolve(args, name.as_deref(), &kubeconfig));
    strange.into_iter().map(Err).chain(resolved).collect()
}

/// The names of the chosen contexts, each once; None is the current one. Beside them what was asked for and is not there.
type Names = (Vec<Option<String>>, Vec<ConnectError>);

fn named(args: &ClusterOptions, kubeconfig: &Kubeconfig) -> Result<Names, ConnectError> {
    let all = || kubeconfig.contexts.iter().map(|context| context.name.as_str());
    if args.all_contexts {
        let names: Vec<Option<String>> = all().map(|name| Some(name.to_owned())).collect();
        return if names.is_empty() { Err(ConnectError::NoContexts) } else { Ok((names, vec![])) };
    }
    if args.contexts.is_empty() {
        return Ok((vec![None], vec![]));
    }
    let strange = args.contexts.iter().filter(|pattern| !all().any(|name| glob(pattern, name)));
    let strange = strange
        .map(|pattern| {
            let (pattern, known) = (pattern.clone(), known("context", all()));
            if pattern.contains(['*', '?']) {
                ConnectError::NoMatch { pattern, known }
            } else {
                ConnectError::Unknown { what: "context", name: pattern, known }
            }
        })
        .collect();
    // A name that is written like a pattern is that name.
    let chosen = |name: &&str| args.contexts.iter().any(|pattern| pattern == name || glob(pattern, name));
    Ok((all().filter(chosen).map(|name| Some(name.to_owned())).collect(), strange))
}

fn without_kubeconfig() -> Result<Chosen, ConnectError> {
    if std::env::var_os("KUBERNETES_SERVICE_HOST").is_none() {
        return Err(ConnectError::NoKubeconfig { looked: looked_for() });
    }
    let mut config = Config::incluster().map_err(|error| invalid(IN_CLUSTER, &tidy(&error.to_string())))?;
    config.auth_info = with_token(config.auth_info).map_err(|why| invalid(IN_CLUSTER, &why))?;
    config.default_retry = false;
    let server = config.cluster_url.to_string();
    Ok(Chosen { context: IN_CLUSTER.into(), server, hints: vec![], proxy: None, config })
}

impl Chosen {
    /// How the credential plugin asks AWS; within a cluster, the region that IRSA and Pod Identity tell a Pod, which is the
    /// cluster's.
    pub(super) fn login(&self) -> ClusterLogin {
        if self.context == IN_CLUSTER {
            let told = ["AWS_REGION", "AWS_DEFAULT_REGION"].iter().find_map(|name| std::env::var(name).ok());
            return ClusterLogin { profile: None, region: told.filter(|region| !region.is_empty()) };
        }
        self.config.auth_info.exec.as_ref().map(exec::aws_login).unwrap_or_default()
    }

    /// Does it send nothing but a name and a password?
    pub(super) fn has_only_password(&self) -> bool {
        let user = &self.config.auth_info;
        let others = user.token.is_some()
            || user.exec.is_some()
            || user.auth_provider.is_some()
            || user.client_certificate.is_some()
            || user.client_certificate_data.is_some();
        user.username.as_deref().is_some_and(|name| !name.is_empty()) && !others
    }

    /// Are its credentials a plugin's?
    pub(super) const fn has_plugin(&self) -> bool {
        self.config.auth_info.exec.is_some()
    }

    /// Are its credentials asked for as those of an EKS cluster?
    pub(super) fn is_of_eks(&self) -> bool {
        self.config.auth_info.exec.as_ref().is_some_and(|exec| exec::cluster_name(exec).is_some())
    }

    /// Gets the credentials and makes the client. May run the credential plugin, so it blocks; `alone`, the plugin may ask its
    /// user something.
    pub(super) fn connect(mut self, alone: bool) -> Result<Connection, ConnectError> {
        if let Some(plugin) = self.config.auth_info.exec.clone() {
            let credential = exec::run(&plugin, plugin.cluster.as_ref(), alone)
                .map_err(|source| ConnectError::Plugin { context: self.context.clone(), source })?;
            if let Credential::Token(token) = credential {
                self.config.auth_info.exec = None;
                self.config.auth_info.token = Some(token.into());
            }
        }
        if !token_fits(&self.config.auth_info) {
            let why = "its token has a line break, or another character that no header can hold: write it on one line";
            return Err(invalid(&self.context, why));
        }
        let client = Client::try_from(self.config).map_err(|error| invalid(&self.context, &not_a_client(&error)))?;
        Ok(Connection { client })
    }
}

/// Why no client can be made.
fn not_a_client(error: &kube::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = cause.to_string();
        // kube's own word of a kubeconfig says which of its fields is meant, what is below it does not.
        source = if cause.is::<KubeconfigError>() { None } else { cause.source() };
    }
    // rustls reads the certificate's key out of it, and knows X.509 version 3 alone.
    if text.contains("UnsupportedCertVersion") {
        return "its client certificate is of X.509 version 1, which the TLS library does not take: have it issued with \
                extensions, as version 3"
            .into();
    }
    tidy(&text)
}

fn invalid(context: &str, why: &str) -> ConnectError {
    ConnectError::Invalid { context: context.to_owned(), why: why.to_owned() }
}

fn known<'a>(what: &str, names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    match names.as_slice() {
        [] => format!("are no {what}s in it"),
        names if names.len() > 10 => format!("are {} and {} more", names[..10].join(", "), names.len() - 10),
        names => format!("is {}", names.join(", ")),
    }
}

/// Applies the flags to what the kubeconfig says, as kubectl does: the flag counts.
fn resolve(args: &ClusterOptions, chosen: Option<&str>, kubeconfig: &Kubeconfig) -> Result<Chosen, ConnectError> {
    let contexts = || known("context", kubeconfig.contexts.iter().map(|context| context.name.as_str()));
    let chosen = chosen.or(kubeconfig.current_context.as_deref()).filter(|name| !name.is_empty());
    let context = match chosen {
        Some(name) => {
            let found = kubeconfig.contexts.iter().find(|context| context.name == *name);
            Some(
                found
                    .map(|found| (name.to_owned(), found.context.clone().unwrap_or_default()))
                    .ok_or_else(|| ConnectError::Unknown { what: "context", name: name.into(), known: contexts() })?,
            )
        }
        None if args.server.is_some() || args.cluster.is_some() => None,
        None => return Err(ConnectError::NoContext { known: format!("there {}", contexts()) }),
    };
    let cluster_name = args.cluster.as_ref().or(context.as_ref().map(|(_, context)| &context.cluster));
    let mut cluster = match cluster_name {
        Some(name) => match kubeconfig.clusters.iter().find(|cluster| cluster.name == *name) {
            Some(found) => found.cluster.clone().unwrap_or_default(),
            // The server is all that is needed of a cluster.
            None if args.server.is_some() && args.cluster.is_none() => Cluster::default(),
            None => {
                let known = known("cluster", kubeconfig.clusters.iter().map(|cluster| cluster.name.as_str()));
                return Err(match &context {
                    Some((context, _)) if args.cluster.is_none() && name.is_empty() => {
                        invalid(context, &format!("it names no cluster: there {known}"))
                    }
                    Some((context, _)) if args.cluster.is_none() => {
                        invalid(context, &format!("the kubeconfig has no cluster {name}: there {known}"))
                    }
                    _ => ConnectError::Unknown { what: "cluster", name: name.clone(), known },
                });
            }
        },
        None => Cluster::default(),
    };
    let user_name = args.user.as_ref().or(context.as_ref().and_then(|(_, context)| context.user.as_ref()));
    let found = user_name.and_then(|name| kubeconfig.auth_infos.iter().find(|user| user.name == *name));
    if let (Some(name), None) = (user_name.filter(|name| !name.is_empty()), found) {
        let known = known("user", kubeconfig.auth_infos.iter().map(|user| user.name.as_str()));
        // Asked as nobody, the cluster would refuse everything, and rights would seem to be what is missing.
        return Err(match &context {
            Some((context, _)) if args.user.is_none() => {
                invalid(context, &format!("the kubeconfig has no user {name}: there {known}"))
            }
            _ => ConnectError::Unknown { what: "user", name: name.clone(), known },
        });
    }
    let mut user = found.and_then(|user| user.auth_info.clone()).unwrap_or_default();
    let mut hints: Vec<(String, String)> = vec![];
    if let Some((name, _)) = &context {
        hints.push((name.clone(), "the context's name in the kubeconfig".into()));
    }
    // With another server, the kubeconfig's word is about another cluster.
    if args.server.is_none() {
        if let Some(name) = cluster_name {
            hints.push((name.clone(), "the cluster's name in the kubeconfig".into()));
        }
        if let Some((name, source)) = user.exec.as_ref().and_then(exec::cluster_name) {
            hints.push((format!("exec:{name}"), source.into()));
        }
    }
    apply(args, &mut cluster, &mut user);
    let server = cluster.server.clone().unwrap_or_default();
    if !server.is_empty() && !is_address(&server) {
        let of_context = context.as_ref().filter(|_| args.server.is_none());
        return Err(match of_context {
            Some((context, _)) => invalid(context, &ConnectError::NoAddress { server }.to_string()),
            None => ConnectError::NoAddress { server },
        });
    }
    let name = context.as_ref().map_or_else(|| server.clone(), |(name, _)| name.clone());
    let user = with_token(user).and_then(with_credentials).map_err(|why| invalid(&name, &why))?;
    let config = config(cluster, user, context.map(|(_, context)| context))
        .map_err(|error| invalid(&name, &tidy(&error.to_string())))?;
    let (context, server) = (without_password(&name), without_password(&server));
    let proxy = config.proxy_url.as_ref().map(|proxy| without_password(&proxy.to_string()));
    Ok(Chosen { context, server, hints, proxy, config })
}

/// An address as it may be printed: `https://user:password@host` is `https://host`.
fn without_password(server: &str) -> String {
    let Some((scheme, rest)) = server.split_once("://") else { return server.to_owned() };
    let host = rest.split('/').next().unwrap_or(rest);
    match host.rsplit_once('@') {
        Some((user, _)) => format!("{scheme}://{}", &rest[user.len() + 1..]),
        None => server.to_owned(),
    }
}

/// Can a client be made for this server? kube panics without a scheme.
fn is_address(server: &str) -> bool {
    server.parse::<http::Uri>().is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|host| !host.is_empty())
    })
}

fn apply(args: &ClusterOptions, cluster: &mut Cluster, user: &mut AuthInfo) {
    let path = |path: &PathBuf| path.to_string_lossy().into_owned();
    if let Some(server) = &args.server {
        cluster.server = Some(server.clone());
    }
    if let Some(authority) = &args.certificate_authority {
        cluster.certificate_authority = Some(path(authority));
        cluster.certificate_authority_data = None;
    }
    if let Some(name) = &args.tls_server_name {
        cluster.tls_server_name = Some(name.clone());
    }
    if args.insecure_skip_tls_verify {
        cluster.insecure_skip_tls_verify = Some(true);
    }
    if args.disable_compression {
        cluster.disable_compression = Some(true);
    }
    if let Some(token) = &args.token {
        // A token given is who asks, whoever the kubeconfig says.
        *user = AuthInfo { token: Some(token.clone().into()), ..AuthInfo::default() };
    }
    if args.username.is_some() || args.password.is_some() {
        // As a token, they are who asks.
        *user = AuthInfo {
            username: args.username.clone(),
            password: args.password.clone().map(Into::into),
            ..AuthInfo::default()
        };
    }
    if let Some(certificate) = &args.client_certificate {
        user.client_certificate = Some(path(certificate));
        user.client_certificate_data = None;
    }
    if let Some(key) = &args.client_key {
        user.client_key = Some(path(key));
        user.client_key_data = None;
    }
    if let Some(name) = &args.impersonate {
        user.impersonate = Some(name.clone());
    }
    if let Some(uid) = &args.impersonate_uid {
        user.impersonate_uid = Some(uid.clone());
    }
    if !args.impersonate_user_extra.is_empty() {
        let mut extra: HashMap<String, Vec<String>> = HashMap::new();
        for (key, value) in &args.impersonate_user_extra {
            extra.entry(key.clone()).or_default().push(value.clone());
        }
        user.impersonate_user_extra = Some(extra);
    }
    if !args.impersonate_group.is_empty() {
        user.impersonate_groups = Some(args.impersonate_group.clone());
    }
}

/// The configuration of a client for a server that is no cluster: with the proxy of the environment, and with certificate authorities
/// of a file, where one is named.
///
/// # Errors
/// The address is none, or the file cannot be read.
pub(in crate::sources) fn of_server(
    server: &str,
    certificate_authority: Option<String>,
) -> Result<Config, KubeconfigError> {
    let cluster = Cluster { server: Some(server.to_owned()), certificate_authority, ..Cluster::default() };
    config(cluster, AuthInfo::default(), None)
}

/// kube's configuration for one cluster and user.
fn config(cluster: Cluster, user: AuthInfo, context: Option<Context>) -> Result<Config, KubeconfigError> {
    const NAME: &str = "chosen";
    let cluster_info = ExecAuthCluster::try_from(&cluster);
    let proxy = cluster.proxy_url.clone().filter(|proxy| !proxy.is_empty());
    let mut user = user;
    if let (Some(exec), Ok(info)) = (&mut user.exec, cluster_info) {
        exec.cluster = exec.provide_cluster_info.then_some(info);
    }
    let single = Kubeconfig {
        clusters: vec![NamedCluster {
            name: NAME.into(),
            cluster: Some(Cluster { proxy_url: None, ..cluster }),
            other: Default::default(),
        }],
        auth_infos: vec![NamedAuthInfo { name: NAME.into(), auth_info: Some(user), other: Default::default() }],
        contexts: vec![NamedContext {
            name: NAME.into(),
            context: Some(Context {
                cluster: NAME.into(),
                user: Some(NAME.into()),
                namespace: context.and_then(|context| context.namespace),
                ..Context::default()
            }),
            other: Default::default(),
        }],
        current_context: Some(NAME.into()),
        ..Kubeconfig::default()
    };
    // Nothing in it waits: it is a future for the sake of its caller.
    let mut config = pollster(Config::from_custom_kubeconfig(single, &KubeConfigOptions::default()))?;
    let proxy = proxy.or_else(|| proxy::of_environment(&config.cluster_url));
    config.proxy_url = proxy.map(|proxy| proxy_uri(&proxy)).transpose().map_err(KubeconfigError::ParseProxyUrl)?;
    // What is asked of this machine itself needs no compression.
    config.disable_compression |= config.cluster_url.host().is_some_and(proxy::is_local);
    // Retries are ours: they are bounded and told.
    config.default_retry = false;
    Ok(config)
}

/// A proxy's address. One that kube has no protocol for it prints whole, so that one has no password.
fn proxy_uri(proxy: &str) -> Result<http::Uri, http::uri::InvalidUri> {
    let uri: http::Uri = proxy.parse()?;
    match uri.scheme_str() {
        Some("http" | "https" | "socks5") => Ok(uri),
        _ => without_password(proxy).parse(),
    }
}

/// Runs a future that never waits.
fn pollster<T>(future: impl Future<Output = Result<T, KubeconfigError>>) -> Result<T, KubeconfigError> {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(result) = future.as_mut().poll(&mut context) {
            return result;
        }
        std::thread::yield_now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_an_address_is_not_printed() {
        assert_eq!(without_password("https://user:secret@api.example:6443/k"), "https://api.example:6443/k");
        assert_eq!(without_password("https://api.example/a@b"), "https://api.example/a@b");
        assert_eq!(without_password("prod"), "prod");
        assert_eq!(proxy_uri("http://me:secret@proxy:3128").unwrap(), "http://me:secret@proxy:3128/");
        let cluster = Cluster {
            server: Some("https://api.example".into()),
            proxy_url: Some("socks5h://me:secret@proxy:1080".into()),
            ..Cluster::default()
        };
        let config = config(cluster, AuthInfo::default(), None).unwrap();
        let Err(error) = Client::try_from(config) else { panic!("kube knows no socks5h") };
        let said = not_a_client(&error);
        assert!(said.contains("socks5h://proxy:1080") && !said.contains("secret"), "{said}");
    }
}
