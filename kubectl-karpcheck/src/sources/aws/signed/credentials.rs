//! Where the keys come from: the environment, EKS Pod Identity (or ECS), IRSA, or once from the `aws` CLI. They are held in memory
//! and nowhere else.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use http::Method;

use crate::sources::aws::endpoints::Endpoints;
use crate::sources::aws::signed::http_client::{Http, Request, Response, SendError};
use crate::sources::aws::signed::keys::Credentials;
use crate::sources::aws::signed::{answer, endpoints, sigv4, wire};
use crate::sources::cluster::{proxy, tidy};

/// Where keys can be had without the CLI.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Source {
    /// These.
    Keys(Credentials),
    /// An address on the local link gives some: EKS Pod Identity's agent, ECS.
    Container { url: String, token: Token },
    /// A token of the cluster is exchanged for some: IRSA.
    WebIdentity { role: String, token: PathBuf, session: String },
}

/// What the address wants to see.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Token {
    None,
    Text(String),
    File(PathBuf),
}

/// Why a source gave no keys.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::sources::aws) enum CredentialError {
    /// What was asked, and why it did not answer.
    Unavailable { source: &'static str, why: String },
    /// The user ended the run.
    Interrupted,
}

const POD_IDENTITY: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
const IRSA: &str = "AWS_WEB_IDENTITY_TOKEN_FILE";

impl Source {
    /// What the environment names, in the order in which the CLI looks. None where a profile decides, or where only the CLI knows
    /// (files, SSO, an instance's role).
    pub(super) fn of_environment(profile: Option<&str>) -> Option<Self> {
        Self::of(profile, |name| std::env::var(name).ok().filter(|value| !value.is_empty()), has_shared_files())
    }

    fn of(profile: Option<&str>, variable: impl Fn(&str) -> Option<String>, has_files: bool) -> Option<Self> {
        // Who names a profile means it.
        if profile.is_some() {
            return None;
        }
        let session_token = || variable("AWS_SESSION_TOKEN").or_else(|| variable("AWS_SECURITY_TOKEN"));
        if let (Some(access_key_id), Some(secret_access_key)) =
            (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY"))
        {
            return Some(Self::Keys(Credentials { access_key_id, secret_access_key, session_token: session_token() }));
        }
        // A profile of the environment comes before what is left, and only the CLI reads profiles.
        if variable("AWS_PROFILE").or_else(|| variable("AWS_DEFAULT_PROFILE")).is_some() {
            return None;
        }
        if let (Some(token), Some(role)) = (variable(IRSA), variable("AWS_ROLE_ARN")) {
            let session = variable("AWS_ROLE_SESSION_NAME").unwrap_or_else(|| "karpcheck".into());
            return Some(Self::WebIdentity { role, token: token.into(), session });
        }
        // The CLI reads its files before it asks the container.
        if has_files {
            return None;
        }
        let relative = || variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
        let url = relative().map(|path| format!("http://169.254.170.2{path}")).or_else(|| variable(POD_IDENTITY))?;
        let token =
            match (variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"), variable("AWS_CONTAINER_AUTHORIZATION_TOKEN")) {
                (Some(file), _) => Token::File(file.into()),
                (None, Some(text)) => Token::Text(text),
                (None, None) => Token::None,
            };
        Some(Self::Container { url, token })
    }

    /// The keys.
    ///
    /// # Errors
    /// They are not to be had.
    pub(super) fn keys(
        self,
        http: &Http,
        region: Option<&str>,
        own: &Endpoints,
    ) -> Result<Credentials, CredentialError> {
        match self {
            Self::Keys(credentials) => Ok(credentials),
            Self::Container { url, token } => container(http, &url, &token).map_err(|error| error.of(POD_IDENTITY)),
            Self::WebIdentity { role, token, session } => {
                web_identity(http, region, own, &role, &token, &session).map_err(|error| error.of(IRSA))
            }
        }
    }
}

/// Is there anything that a profile could stand in?
fn has_shared_files() -> bool {
    let named =
        ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"].map(|name| std::env::var_os(name).map(PathBuf::from));
    let usual = ["config", "credentials"].map(|name| std::env::home_dir().map(|home| home.join(".aws").join(name)));
    named.into_iter().zip(usual).filter_map(|(named, usual)| named.or(usual)).any(|path| path.is_file())
}

/// Why there are no keys, before it is said whose.
enum Failed {
    Interrupted,
    Why(String),
}

impl Failed {
    fn of(self, source: &'static str) -> CredentialError {
        match self {
            Self::Interrupted => CredentialError::Interrupted,
            Self::Why(why) => CredentialError::Unavailable { source, why },
        }
    }
}

impl From<SendError> for Failed {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Interrupted => Self::Interrupted,
            SendError::Slow => Self::Why("it does not answer in time".into()),
            SendError::Broken(why) => Self::Why(format!("its answer broke off: {why}")),
            SendError::Unreachable(why) => Self::Why(why),
        }
    }
}

/// A file with a token, without the line break that editors add.
fn read(path: &Path) -> Result<String, Failed> {
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|error| Failed::Why(format!("the token {} cannot be read: {error}", path.display())))?;
    Ok(text.trim().to_owned())
}

fn container(http: &Http, url: &str, token: &Token) -> Result<Credentials, Failed> {
    let (origin, target) = allowed(url).ok_or_else(|| {
        Failed::Why("it is no address of this machine or its link, and has no TLS: a token is not sent there".into())
    })?;
    let token = match token {
        Token::None => None,
        Token::Text(text) => Some(text.clone()),
        Token::File(path) => Some(read(path)?),
    };
    let mut headers = vec![("accept", "application/json".to_owned())];
    headers.extend(token.map(|token| ("authorization", token)));
    let request = Request { method: Method::GET, target, headers, body: vec![] };
    let response = retried(|| http.send(&origin, true, request.clone()))?;
    if !response.status.is_success() {
        return Err(Failed::Why(refused(&response)));
    }
    let keys = serde_json::from_slice::<Credentials>(&response.body).ok().filter(Credentials::is_whole);
    keys.ok_or_else(|| Failed::Why("its answer holds no credentials".into()))
}

/// Origin and path of an address that may see a token: with TLS, or on this machine, or one of the agents' own.
fn allowed(url: &str) -> Option<(String, String)> {
    const AGENTS: [&str; 3] = ["169.254.170.2", "169.254.170.23", "fd00:ec2::23"];
    let uri: http::Uri = url.parse().ok()?;
    let (scheme, authority) = (uri.scheme_str()?, uri.authority()?);
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    let is_agent = || {
        let address = host.parse::<IpAddr>().ok();
        AGENTS.iter().any(|agent| address.is_some() && agent.parse().ok() == address)
    };
    let fits = scheme == "https" || (scheme == "http" && (proxy::is_local(host) || is_agent()));
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    (fits && !authority.as_str().contains('@')).then(|| (format!("{scheme}://{authority}"), target.to_owned()))
}

fn web_identity(
    http: &Http,
    region: Option<&str>,
    own: &Endpoints,
    role: &str,
    token: &Path,
    session: &str,
) -> Result<Credentials, Failed> {
    let region = region.filter(|region| endpoints::is_region(region));
    let endpoint = region.and_then(|region| endpoints::of("sts", region, own));
    let endpoint = endpoint.ok_or_else(|| Failed::Why("no region is known: name it with --region".into()))?;
    let form = [
        ("Action", "AssumeRoleWithWebIdentity"),
        ("Version", "2011-06-15"),
        ("RoleArn", role),
        ("RoleSessionName", session),
        ("WebIdentityToken", &*read(token)?),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let request = Request {
        method: Method::POST,
        target: format!("{}/", endpoint.prefix),
        headers: vec![("content-type", wire::FORM.to_owned())],
        body: sigv4::query(&form).into_bytes(),
    };
    let response = retried(|| http.send(&endpoint.origin, false, request.clone()))?;
    if !response.status.is_success() {
        return Err(Failed::Why(refused(&response)));
    }
    answer::credentials(&response.body)
        .filter(Credentials::is_whole)
        .ok_or_else(|| Failed::Why("its answer holds no credentials".into()))
}

/// A second try, where the first one did not get through.
fn retried(mut send: impl FnMut() -> Result<Response, SendError>) -> Result<Response, SendError> {
    match send() {
        Err(SendError::Unreachable(_) | SendError::Broken(_)) => send(),
        Ok(response) if response.status.is_server_error() => send(),
        done => done,
    }
}

/// What an answer that is a refusal says. It never holds a key.
fn refused(response: &Response) -> String {
    let fault = answer::fault(response);
    tidy(&format!("{} {}", fault.code, fault.message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(profile: Option<&str>, variables: &[(&str, &str)], has_files: bool) -> Option<Source> {
        let find =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        Source::of(profile, find, has_files)
    }

    #[test]
    fn sources_come_in_the_order_of_the_cli() {
        let keys = [("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "key"), ("AWS_SESSION_TOKEN", "token")];
        let irsa = [(IRSA, "/token"), ("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/x")];
        let pod =
            [(POD_IDENTITY, "http://169.254.170.23/v1/credentials"), ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/t")];
        let all = [&keys[..], &irsa, &pod].concat();
        assert!(
            matches!(source(None, &all, true), Some(Source::Keys(keys)) if keys.session_token.as_deref() == Some("token"))
        );
        assert!(matches!(source(None, &[&irsa[..], &pod].concat(), true), Some(Source::WebIdentity { .. })));
        assert!(matches!(source(None, &pod, false), Some(Source::Container { token: Token::File(_), .. })));
        // What only the CLI knows how to read.
        assert_eq!(source(Some("ops"), &all, false), None);
        assert_eq!(source(None, &[&[("AWS_PROFILE", "ops")], &irsa[..]].concat(), false), None);
        assert_eq!(source(None, &pod, true), None);
        assert_eq!(source(None, &[], false), None);
        assert_eq!(source(None, &keys[..1], false), None);
    }

    #[test]
    fn a_token_is_sent_to_no_stranger() {
        for url in [
            "http://169.254.170.23/v1/credentials",
            "http://169.254.170.2/x?y",
            "http://[fd00:ec2::23]/v1/credentials",
            "http://localhost:1234/",
            "http://127.0.0.1:1/x",
            "https://example.com/x",
        ] {
            assert!(allowed(url).is_some(), "{url}");
        }
        for wrong in [
            "http://example.com/",
            "http://169.254.169.254/",
            "ftp://127.0.0.1/",
            "http://127.0.0.1@evil.example/",
            "x",
        ] {
            assert!(allowed(wrong).is_none(), "{wrong}");
        }
    }
}
