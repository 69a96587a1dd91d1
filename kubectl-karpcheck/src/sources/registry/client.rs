//! Requests to a registry, as the OCI distribution specification has them.
//!
//! A credential goes to the registry that it belongs to and to the token service that this registry names, over TLS; a redirect
//! to another host is followed without it. Without TLS only this machine is spoken to. Whom TLS trusts is the system's to say, or
//! SSL_CERT_FILE's, and beside it docker's and podman's for one registry (`certs.d`).

use std::time::Duration;

use base64::Engine as _;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, LOCATION, USER_AGENT, WWW_AUTHENTICATE};
use http::uri::{Authority, Scheme};
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Limited};
use kube::client::Body;
use serde::Deserialize;

use crate::sources::cluster::{proxy, tidy, unless_interrupted};
use crate::sources::registry::credentials::{BASE64, Credential};
use crate::sources::registry::manifest::{DOCKER_MANIFEST, Descriptor, MOST_BYTES, OCI_MANIFEST};
use crate::sources::registry::{Reference, RegistryError, authorities, credentials, digest};

/// To a connection, and between two pieces of an answer.
const SILENCE: Duration = Duration::from_secs(30);
/// Bytes of an error's or a token service's answer.
const MOST_ANSWER: usize = 1 << 20;
/// A blob may be sent to a store, and on from there.
const MOST_REDIRECTS: usize = 5;
const AGENT: &str = concat!("kubectl-karpcheck/", env!("CARGO_PKG_VERSION"));

/// What is to be done with a repository.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Access {
    Pull,
    Push,
}

impl Access {
    const fn actions(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "pull,push",
        }
    }
}

/// A repository in a registry.
pub(super) struct Client {
    /// As the reference calls it.
    registry: String,
    repository: String,
    access: Access,
    origin: Origin,
    connection: kube::Client,
    /// The header that it wants to see, once it said so.
    authorization: std::sync::Mutex<Option<HeaderValue>>,
}

/// Runs what asks a registry, on a thread of its own that waits so long at most.
pub(super) fn run<T>(
    registry: &str,
    patience: Duration,
    work: impl Future<Output = Result<T, RegistryError>>,
) -> Result<T, RegistryError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| RegistryError::Machine { why: error.to_string() })?;
    runtime.block_on(async {
        match unless_interrupted(tokio::time::timeout(patience, work)).await {
            None => Err(RegistryError::Interrupted),
            Some(Err(_)) => Err(RegistryError::Slow { registry: registry.to_owned(), seconds: patience.as_secs() }),
            Some(Ok(done)) => done,
        }
    })
}

/// An answer whose body is read.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &http::HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// What a request carries.
struct Asked<'a> {
    method: Method,
    /// Path and query.
    path: &'a str,
    accept: &'a [&'static str],
    content_type: &'a str,
    body: &'a [u8],
    /// Bytes of the answer's body.
    most: usize,
}

impl Default for Asked<'_> {
    fn default() -> Self {
        Self { method: Method::GET, path: "/", accept: &[], content_type: "", body: &[], most: MOST_ANSWER }
    }
}

impl Client {
    pub(super) fn new(reference: &Reference, access: Access) -> Result<Self, RegistryError> {
        let Reference { registry, repository, .. } = reference;
        // Docker Hub's registry has another name than its images, and a folder for those without one.
        let hub = registry == "docker.io";
        let host = if hub { "registry-1.docker.io" } else { registry };
        let repository =
            if hub && !repository.contains('/') { format!("library/{repository}") } else { repository.clone() };
        let garbage = || RegistryError::Garbage { registry: registry.clone(), why: "its name is no address".into() };
        let authority: Authority = host.parse().map_err(|_| garbage())?;
        let scheme = if proxy::is_local(authority.host()) { Scheme::HTTP } else { Scheme::HTTPS };
        let origin = Origin { scheme, authority };
        let connection = origin.connect(registry)?;
        let registry = registry.clone();
        Ok(Self { registry, repository, access, origin, connection, authorization: std::sync::Mutex::default() })
    }

    /// A registry on this machine has TLS or not, and its name does not say which. It is asked without first, before anything of the
    /// user's is sent.
    pub(super) async fn settled(mut self) -> Result<Self, RegistryError> {
        let asked = Asked { path: "/v2/", ..Asked::default() };
        if self.origin.scheme == Scheme::HTTPS {
            return Ok(self);
        }
        match self.send(&self.connection, &asked, None).await {
            // What a server with TLS says to a request without, where it says anything.
            Ok(answer) if answer.status != StatusCode::BAD_REQUEST => return Ok(self),
            Ok(_) | Err(_) => {}
        }
        self.origin.scheme = Scheme::HTTPS;
        self.connection = self.origin.connect(&self.registry)?;
        self.send(&self.connection, &asked, None).await?;
        Ok(self)
    }

    /// The bytes of a manifest: those of the digest, if the reference has one.
    pub(super) async fn manifest(&self, reference: &Reference) -> Result<Vec<u8>, RegistryError> {
        let name = reference.digest.as_deref().or(reference.tag.as_deref()).unwrap_or_default();
        let path = format!("/v2/{}/manifests/{name}", self.repository);
        let most = usize::try_from(MOST_BYTES).unwrap_or(usize::MAX);
        let accept = &[OCI_MANIFEST, DOCKER_MANIFEST, "*/*"];
        let answer = self.ask(&Asked { path: &path, accept, most, ..Asked::default() }).await?;
        let body = self.done(answer, &[StatusCode::OK])?.body;
        match &reference.digest {
            Some(wanted) => self.proven(body, wanted),
            None => Ok(body),
        }
    }

    /// The bytes of a layer.
    pub(super) async fn blob(&self, layer: &Descriptor, most: u64) -> Result<Vec<u8>, RegistryError> {
        let mut path = format!("/v2/{}/blobs/{}", self.repository, layer.digest);
        let size = layer.size.min(most);
        let most = usize::try_from(size).unwrap_or(usize::MAX);
        let longer = |error| match error {
            RegistryError::TooLarge { most } if most == size => {
                self.garbage("its layer is longer than its manifest says")
            }
            other => other,
        };
        let mut elsewhere: Option<Origin> = None;
        for _ in 0..=MOST_REDIRECTS {
            let asked = Asked { path: &path, accept: &["*/*"], most, ..Asked::default() };
            let answer = match &elsewhere {
                None => self.ask(&asked).await.map_err(longer)?,
                // It gets the address that the registry made for it, and nothing of the user's.
                Some(origin) => self.send(&origin.connect(&self.registry)?, &asked, None).await.map_err(longer)?,
            };
            if !answer.status.is_redirection() {
                let body = self.done(answer, &[StatusCode::OK])?.body;
                return self.proven(body, &layer.digest);
            }
            let from = elsewhere.as_ref().unwrap_or(&self.origin);
            let (origin, target) = self.target(from, &answer)?;
            elsewhere = (origin != self.origin).then_some(origin);
            path = target;
        }
        Err(self.garbage("it redirects without end"))
    }

    /// Uploads a blob that is not there yet.
    pub(super) async fn upload(&self, bytes: &[u8]) -> Result<(), RegistryError> {
        let digest = digest(bytes);
        let path = format!("/v2/{}/blobs/{digest}", self.repository);
        let there = self.ask(&Asked { method: Method::HEAD, path: &path, ..Asked::default() }).await?;
        if there.status == StatusCode::OK {
            return Ok(());
        }
        let path = format!("/v2/{}/blobs/uploads/", self.repository);
        let begun = self.ask(&Asked { method: Method::POST, path: &path, ..Asked::default() }).await?;
        let begun = self.done(begun, &[StatusCode::ACCEPTED])?;
        let (origin, mut path) = self.target(&self.origin, &begun)?;
        if origin != self.origin {
            return Err(self.garbage("it wants the pack to be uploaded to another host"));
        }
        path.push(if path.contains('?') { '&' } else { '?' });
        path.push_str("digest=");
        path.push_str(&encoded(&digest));
        let content_type = "application/octet-stream";
        let put = Asked { method: Method::PUT, path: &path, content_type, body: bytes, ..Asked::default() };
        let answer = self.ask(&put).await?;
        self.done(answer, &[StatusCode::CREATED, StatusCode::NO_CONTENT]).map(drop)
    }

    /// Gives a manifest a name: a tag, or its digest.
    pub(super) async fn put_manifest(&self, name: &str, manifest: &[u8]) -> Result<(), RegistryError> {
        let path = format!("/v2/{}/manifests/{name}", self.repository);
        let put =
            Asked { method: Method::PUT, path: &path, content_type: OCI_MANIFEST, body: manifest, ..Asked::default() };
        let answer = self.ask(&put).await?;
        self.done(answer, &[StatusCode::CREATED]).map(drop)
    }

    /// Asks the registry, with credentials if it wants some.
    async fn ask(&self, asked: &Asked<'_>) -> Result<Answer, RegistryError> {
        let known = self.authorization.lock().ok().and_then(|known| known.clone());
        let answer = self.send(&self.connection, asked, known.as_ref()).await?;
        if answer.status != StatusCode::UNAUTHORIZED || known.is_some() {
            return Ok(answer);
        }
        let Some(authorization) = self.authorize(&answer).await? else { return Ok(answer) };
        let answer = self.send(&self.connection, asked, Some(&authorization)).await?;
        if let Ok(mut known) = self.authorization.lock() {
            *known = Some(authorization);
        }
        Ok(answer)
    }

    async fn send(
        &self,
        connection: &kube::Client,
        asked: &Asked<'_>,
        authorization: Option<&HeaderValue>,
    ) -> Result<Answer, RegistryError> {
        let mut request = Request::builder().method(&asked.method).uri(asked.path).header(USER_AGENT, AGENT);
        for accept in asked.accept {
            request = request.header(ACCEPT, *accept);
        }
        if !asked.content_type.is_empty() {
            request = request.header(CONTENT_TYPE, asked.content_type);
        }
        if let Some(authorization) = authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let request = request
            .body(Body::from(asked.body.to_vec()))
            .map_err(|error| self.garbage(&format!("it names an address that is none: {error}")))?;
        let unreachable = |why: String| RegistryError::Unreachable { registry: self.registry.clone(), why: tidy(&why) };
        let response = connection.send(request).await.map_err(|error| unreachable(deepest(&error)))?;
        let (head, body) = response.into_parts();
        // What says more than it should is cut where it is only an error's text.
        let most = if head.status.is_success() { asked.most } else { MOST_ANSWER };
        let body = Limited::new(body, most).collect().await.map_err(|error| {
            if error.is::<http_body_util::LengthLimitError>() {
                RegistryError::TooLarge { most: most as u64 }
            } else {
                unreachable(format!("its answer broke off: {error}"))
            }
        })?;
        Ok(Answer { status: head.status, headers: head.headers, body: body.to_bytes().into() })
    }

    /// The header that a challenge asks for. None where it asks for what there is not.
    async fn authorize(&self, refused: &Answer) -> Result<Option<HeaderValue>, RegistryError> {
        let challenges = refused.headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|header| header.to_str().ok());
        let challenges: Vec<Challenge<'_>> = challenges.filter_map(Challenge::read).collect();
        let wants = |scheme: &str| challenges.iter().find(|one| one.scheme.eq_ignore_ascii_case(scheme));
        let credential = || {
            let found = credentials::of(&self.registry);
            found.map_err(|why| RegistryError::Credentials { why: tidy(&why) })
        };
        if let Some(bearer) = wants("Bearer") {
            let token = self.token(bearer, credential()?).await?;
            return self.secret(&format!("Bearer {token}")).map(Some);
        }
        if wants("Basic").is_some()
            && let Some(Credential::Basic { user, password }) = credential()?
        {
            return self.secret(&basic(&user, &password)).map(Some);
        }
        Ok(None)
    }

    fn secret(&self, value: &str) -> Result<HeaderValue, RegistryError> {
        let mut value = HeaderValue::from_str(value).map_err(|_| RegistryError::Credentials {
            why: format!("the credentials for {} fit no header", self.registry),
        })?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// A token of the service that a registry names, for what is to be done and no more.
    async fn token(&self, bearer: &Challenge<'_>, credential: Option<Credential>) -> Result<String, RegistryError> {
        #[derive(Deserialize)]
        struct Token {
            #[serde(default)]
            token: String,
            #[serde(default)]
            access_token: String,
        }
        let realm: Uri =
            bearer.get("realm").parse().map_err(|_| self.garbage("it names no address that gives tokens"))?;
        let origin = self.allowed(&realm)?;
        let scope = format!("repository:{}:{}", self.repository, self.access.actions());
        let query = format!("service={}&scope={}", encoded(bearer.get("service")), encoded(&scope));
        let path = realm.path_and_query().map_or("/", |path| path.as_str());
        let connection = origin.connect(&self.registry)?;
        let answer = match credential {
            Some(Credential::Refresh(refresh)) => {
                let form = format!(
                    "grant_type=refresh_token&client_id=kubectl-karpcheck&{query}&refresh_token={}",
                    encoded(&refresh)
                );
                let content_type = "application/x-www-form-urlencoded";
                let asked =
                    Asked { method: Method::POST, path, content_type, body: form.as_bytes(), ..Asked::default() };
                self.send(&connection, &asked, None).await?
            }
            basic_or_none => {
                let path = format!("{path}{}{query}", if path.contains('?') { '&' } else { '?' });
                let header = match basic_or_none {
                    Some(Credential::Basic { user, password }) => Some(self.secret(&basic(&user, &password))?),
                    _ => None,
                };
                self.send(&connection, &Asked { path: &path, ..Asked::default() }, header.as_ref()).await?
            }
        };
        let answer = self.done(answer, &[StatusCode::OK])?;
        let Token { token, access_token } =
            serde_json::from_slice(&answer.body).map_err(|_| self.garbage("its token service gives no token"))?;
        Ok(if token.is_empty() { access_token } else { token })
    }

    /// Where an answer sends to: the host, and the path with its query.
    fn target(&self, from: &Origin, answer: &Answer) -> Result<(Origin, String), RegistryError> {
        let location = answer.header(&LOCATION).unwrap_or_default();
        let uri: Uri = location.parse().map_err(|_| self.garbage("it redirects to no address"))?;
        let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        let origin = if uri.authority().is_some() { self.allowed(&uri)? } else { from.clone() };
        if !path.starts_with('/') {
            return Err(self.garbage("it redirects to no address"));
        }
        Ok((origin, path))
    }

    /// The host of an address, if it may be asked: over TLS, or on this machine where the registry is on it, too.
    fn allowed(&self, uri: &Uri) -> Result<Origin, RegistryError> {
        let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
            return Err(self.garbage("it names an address without a host"));
        };
        let local = self.origin.scheme == Scheme::HTTP && proxy::is_local(authority.host());
        if *scheme == Scheme::HTTPS || (*scheme == Scheme::HTTP && local) {
            return Ok(Origin { scheme: scheme.clone(), authority: authority.clone() });
        }
        let to = tidy(&format!("{scheme}://{}", authority.host()));
        Err(RegistryError::Redirected { registry: self.registry.clone(), to })
    }

    /// An answer of one of these statuses.
    fn done(&self, answer: Answer, wanted: &[StatusCode]) -> Result<Answer, RegistryError> {
        if wanted.contains(&answer.status) {
            return Ok(answer);
        }
        let (registry, code) = (self.registry.clone(), answer.status.as_u16());
        let message = message(&answer.body);
        Err(match code {
            401 | 403 => RegistryError::Denied { registry, code, message },
            404 => RegistryError::NotFound { registry },
            _ => RegistryError::Status { registry, code, message },
        })
    }

    /// The bytes, if they are those that were asked for.
    fn proven(&self, bytes: Vec<u8>, wanted: &str) -> Result<Vec<u8>, RegistryError> {
        let found = digest(&bytes);
        if found == wanted {
            return Ok(bytes);
        }
        Err(RegistryError::OtherDigest { registry: self.registry.clone(), found, wanted: wanted.to_owned() })
    }

    fn garbage(&self, why: &str) -> RegistryError {
        RegistryError::Garbage { registry: self.registry.clone(), why: tidy(why) }
    }
}

/// A host and how it is spoken to.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Origin {
    scheme: Scheme,
    authority: Authority,
}

impl Origin {
    /// A client of this host, through the proxy of the environment. It connects when it is first asked.
    fn connect(&self, registry: &str) -> Result<kube::Client, RegistryError> {
        let unusable = |why: String| RegistryError::Unreachable { registry: registry.to_owned(), why: tidy(&why) };
        let Self { scheme, authority } = self;
        let uri = Uri::builder().scheme(scheme.clone()).authority(authority.clone()).path_and_query("/").build();
        let mut config = kube::Config::new(uri.map_err(|error| unusable(error.to_string()))?);
        config.connect_timeout = Some(SILENCE);
        config.read_timeout = Some(SILENCE);
        config.write_timeout = Some(SILENCE);
        // A digest is of the bytes as they are sent.
        config.disable_compression = true;
        config.default_retry = false;
        if let Some(proxy) = proxy::of_environment(&config.cluster_url) {
            let proxy = proxy.parse().map_err(|_| unusable("the proxy of the environment is no address".into()))?;
            config.proxy_url = Some(proxy);
        }
        if *scheme == Scheme::HTTPS
            && let Some(trusted) = authorities::of(authority.as_str()).map_err(unusable)?
        {
            if !trusted.authorities.is_empty() {
                // What the system has and cannot be read is not trusted, as without the folder.
                let system = rustls_native_certs::load_native_certs().certs;
                let system = system.into_iter().map(|certificate| certificate.as_ref().to_owned());
                config.root_cert = Some(system.chain(trusted.authorities).collect());
            }
            if let Some((certificate, key)) = trusted.identity {
                config.auth_info.client_certificate = Some(certificate.display().to_string());
                config.auth_info.client_key = Some(key.display().to_string());
            }
        }
        kube::Client::try_from(config).map_err(|error| unusable(deepest(&error)))
    }
}

/// What a registry wants to see: `Bearer realm="https://…",service="…"`.
#[derive(PartialEq, Eq, Debug)]
struct Challenge<'a> {
    scheme: &'a str,
    parameters: Vec<(&'a str, &'a str)>,
}

impl<'a> Challenge<'a> {
    fn read(header: &'a str) -> Option<Self> {
        let header = header.trim();
        let (scheme, mut rest) = header.split_once(' ').unwrap_or((header, ""));
        let mut parameters = vec![];
        while let Some((name, value)) = rest.split_once('=') {
            let name = name.trim_matches([' ', ',']);
            // A quoted value may have commas; none of these has an escape.
            let (value, left) = match value.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"')?,
                None => value.split_once(',').unwrap_or((value, "")),
            };
            parameters.push((name, value.trim()));
            rest = left;
        }
        Some(Self { scheme, parameters })
    }

    fn get(&self, name: &str) -> &'a str {
        let found = self.parameters.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value)
    }
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", BASE64.encode(format!("{user}:{password}")))
}

/// A value of a query.
fn encoded(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut query, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            query.push(char::from(byte));
        } else {
            let _ = write!(query, "%{byte:02X}");
        }
        query
    })
}

/// What a registry says of an error: `{"errors": [{"code": …, "message": …}]}`, else nothing.
fn message(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Errors {
        errors: Vec<Of>,
    }
    #[derive(Deserialize)]
    struct Of {
        #[serde(default)]
        code: String,
        #[serde(default)]
        message: String,
    }
    let errors = serde_json::from_slice::<Errors>(body).map(|errors| errors.errors).unwrap_or_default();
    let said = errors.into_iter().next().map(|Of { code, message }| if message.is_empty() { code } else { message });
    said.map(|said| tidy(&said)).unwrap_or_default()
}

/// The last cause of an error: the outer ones say only that a request failed.
fn deepest(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(cause) = last.source() {
        last = cause;
    }
    last.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_read_with_their_commas() {
        let read = Challenge::read(
            r#"Bearer realm="https://auth.example/token?a=b",service="registry.example", scope="repository:a:pull,push""#,
        );
        let read = read.map(|read| [read.scheme, read.get("realm"), read.get("service"), read.get("scope")]);
        let wanted = ["Bearer", "https://auth.example/token?a=b", "registry.example", "repository:a:pull,push"];
        assert_eq!(read, Some(wanted));
        let basic = Challenge::read("Basic realm=x").map(|read| (read.scheme, read.get("realm")));
        assert_eq!(basic, Some(("Basic", "x")));
        assert_eq!(Challenge::read("Negotiate").map(|read| read.scheme), Some("Negotiate"));
        assert_eq!(Challenge::read("Bearer realm=\"open").map(|read| read.scheme), None);
    }

    #[test]
    fn only_this_machine_is_spoken_to_without_tls() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let _entered = runtime.enter();
        let client = |registry: &str| {
            let reference = Reference::parse(&format!("{registry}/rules:1")).unwrap_or_else(|why| panic!("{why}"));
            Client::new(&reference, Access::Pull).unwrap_or_else(|why| panic!("{why}"))
        };
        let may = |registry: &str, to: &str| {
            let to: Uri = to.parse().unwrap_or_default();
            client(registry).allowed(&to).is_ok()
        };
        assert!(may("ghcr.io", "https://blobs.example/x") && may("localhost:5000", "https://blobs.example/x"));
        assert!(may("localhost:5000", "http://127.0.0.1:9000/x"));
        assert!(!may("ghcr.io", "http://blobs.example/x") && !may("ghcr.io", "http://127.0.0.1:9000/x"));
        assert!(!may("localhost:5000", "http://169.254.169.254/x") && !may("localhost:5000", "/x"));
        assert_eq!(client("ghcr.io").origin.scheme, Scheme::HTTPS);
        assert_eq!(client("docker.io").origin.authority.as_str(), "registry-1.docker.io");
        assert_eq!(client("docker.io").repository, "library/rules");
    }
}
