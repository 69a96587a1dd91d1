//! Requests to AWS over the HTTP client and the TLS that clusters are asked with: the proxy of the environment, AWS_CA_BUNDLE, a
//! deadline for each request, an end as soon as the user wants one.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::header::USER_AGENT;
use http::{HeaderMap, Method, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use kube::client::Body;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use crate::sources::cluster;
use crate::sources::cluster::{tidy, unless_interrupted};

const AGENT: &str = concat!("kubectl-karpcheck/", env!("CARGO_PKG_VERSION"));
/// More than any answer, in bytes.
const LONGEST: usize = 64 << 20;
/// To a connection.
const CONNECT: Duration = Duration::from_secs(10);

/// One request, whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Request {
    pub(super) method: Method,
    /// Path and query.
    pub(super) target: String,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
}

/// Its answer, whatever the status.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Response {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// Why there is no answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum SendError {
    /// The server is not reached, or does not begin to answer.
    Unreachable(String),
    /// The answer broke off.
    Broken(String),
    /// Nothing came in time.
    Slow,
    /// The user ended the run.
    Interrupted,
}

/// Connections, one client for each origin, on a thread of their own.
pub(super) struct Http {
    handle: Handle,
    /// The thread ends with it.
    _end: oneshot::Sender<()>,
    clients: Mutex<HashMap<String, kube::Client>>,
    patience: Duration,
}

impl std::fmt::Debug for Http {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Http").field("patience", &self.patience).finish_non_exhaustive()
    }
}

impl Http {
    /// # Errors
    /// The machine has no more threads or sockets.
    pub(super) fn new(patience: Duration) -> std::io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (end, ended) = oneshot::channel::<()>();
        std::thread::Builder::new().name("aws".into()).spawn(move || drop(runtime.block_on(ended)))?;
        Ok(Self { handle, _end: end, clients: Mutex::default(), patience })
    }

    /// Sends a request to `https://host`, from whatever thread. What is on the local link is never asked through a proxy.
    ///
    /// # Errors
    /// There is no whole answer.
    pub(super) fn send(&self, origin: &str, direct: bool, request: Request) -> Result<Response, SendError> {
        self.handle.block_on(async {
            let exchange = async { self.exchange(&self.client(origin, direct)?, request).await };
            match unless_interrupted(tokio::time::timeout(self.patience, exchange)).await {
                None => Err(SendError::Interrupted),
                Some(Err(_)) => Err(SendError::Slow),
                Some(Ok(done)) => done,
            }
        })
    }

    fn client(&self, origin: &str, direct: bool) -> Result<kube::Client, SendError> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(origin) {
            return Ok(client.clone());
        }
        let authorities = std::env::var("AWS_CA_BUNDLE").ok().filter(|path| !path.is_empty());
        let unusable = |error: &dyn std::error::Error| SendError::Unreachable(without_roots(&tidy(&deepest(error))));
        let mut config = cluster::of_server(origin, authorities).map_err(|error| unusable(&error))?;
        config.connect_timeout = Some(CONNECT.min(self.patience));
        config.read_timeout = None;
        config.write_timeout = None;
        config.disable_compression = true;
        if direct {
            config.proxy_url = None;
        }
        let client = kube::Client::try_from(config).map_err(|error| unusable(&error))?;
        clients.insert(origin.to_owned(), client.clone());
        Ok(client)
    }

    async fn exchange(&self, client: &kube::Client, request: Request) -> Result<Response, SendError> {
        let mut builder = http::Request::builder().method(request.method).uri(request.target).header(USER_AGENT, AGENT);
        for (name, value) in request.headers {
            let mut value = http::HeaderValue::try_from(value)
                .map_err(|_| SendError::Unreachable(format!("{name} has characters that no header can hold")))?;
            value.set_sensitive(matches!(name, "authorization" | "x-amz-security-token"));
            builder = builder.header(name, value);
        }
        let request =
            builder.body(Body::from(request.body)).map_err(|error| SendError::Unreachable(tidy(&error.to_string())))?;
        let response = client.send(request).await.map_err(|error| SendError::Unreachable(tidy(&deepest(&error))))?;
        let (head, body) = response.into_parts();
        let body =
            Limited::new(body, LONGEST).collect().await.map_err(|error| SendError::Broken(tidy(&error.to_string())))?;
        Ok(Response { status: head.status, headers: head.headers, body: body.to_bytes().into() })
    }
}

/// An empty image has no certificate authorities: what is missing is named.
fn without_roots(text: &str) -> String {
    if text.contains("root CA") || text.contains("No CA certificates") {
        return format!("{text}: AWS_CA_BUNDLE or SSL_CERT_FILE names a file of certificate authorities");
    }
    text.to_owned()
}

/// The last cause of an error: the outer ones say only that a request failed.
fn deepest(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(cause) = last.source() {
        last = cause;
    }
    last.to_string()
}
