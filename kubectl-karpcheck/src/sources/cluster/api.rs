//! One request, with its deadline and its retries.

use std::error::Error as _;
use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use kube::Client;
use kube::client::Body;

/// A page of 500 objects has some megabytes; an object can have 1.5. More than this is no answer of an API server.
const LARGEST_BODY: usize = 256 << 20;
/// An error's text is one sentence of a stranger's: enough of it to recognise it.
const LONGEST_MESSAGE: usize = 300;

/// How long to wait and how often to try.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// For one request, from the connection to the last byte.
    pub(super) deadline: Duration,
    /// How often to send a request before giving up on it.
    pub(super) attempts: u32,
    /// How long to wait before the second attempt; then twice as long, and so on.
    pub(super) pause: Duration,
}

impl Patience {
    /// Four attempts within some three seconds of waiting: what a server that restarts or sheds load takes.
    pub(super) const fn within(deadline: Duration) -> Self {
        Self { deadline, attempts: 4, pause: Duration::from_millis(400) }
    }
}

/// Why a request had no answer to work with.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum Failure {
    /// 401: the server does not know who asks.
    #[error("the server did not accept the credentials (401 {0})")]
    Unauthorized(String),
    /// 403: the server knows who asks, and refuses.
    #[error("{0}")]
    Forbidden(String),
    /// 404.
    #[error("there is no such thing (404)")]
    NotFound,
    /// 410: a list took so long that its state is gone.
    #[error("the list took so long that the server forgot its state (410)")]
    Gone,
    /// Any other status.
    #[error("the server answered {code} {message}")]
    Status {
        /// The status code.
        code: u16,
        /// What the server says of it.
        message: String,
    },
    /// No answer in time.
    #[error("nothing came within {} s: --request-timeout allows more", .0.as_secs_f32())]
    Timeout(Duration),
    /// No connection, or a broken one.
    #[error("{0}")]
    Connection(String),
    /// An answer that cannot be read.
    #[error("the answer cannot be read: {0}")]
    Garbage(String),
}

impl Failure {
    /// Can the same request succeed a moment later?
    const fn passes(&self) -> bool {
        match self {
            Self::Status { code, .. } => matches!(code, 429 | 500 | 502..=504),
            Self::Timeout(_) | Self::Connection(_) => true,
            _ => false,
        }
    }
}

/// A client with its patience.
#[derive(Clone)]
pub(super) struct Api {
    pub(super) client: Client,
    pub(super) patience: Patience,
}

impl Api {
    /// The body of what is at a path.
    pub(super) async fn get(&self, path: &str, accept: &str) -> Result<Vec<u8>, Failure> {
        let mut pause = self.patience.pause;
        let mut attempt = 1;
        loop {
            let (failure, asked) = match self.once(path, accept).await {
                Ok(body) => return Ok(body),
                Err(failure) => failure,
            };
            if !failure.passes() || attempt >= self.patience.attempts {
                return Err(failure);
            }
            // A server that sheds load says when to come back; one that says "in an hour" is not waited for.
            tokio::time::sleep(asked.map_or(pause, |asked| asked.min(pause * 8))).await;
            pause *= 2;
            attempt += 1;
        }
    }

    /// The same, only once: for the first word with a server that may not be there.
    pub(super) async fn try_get(&self, path: &str, accept: &str) -> Result<Vec<u8>, Failure> {
        self.once(path, accept).await.map_err(|(failure, _)| failure)
    }

    async fn once(&self, path: &str, accept: &str) -> Result<Vec<u8>, (Failure, Option<Duration>)> {
        let deadline = self.patience.deadline;
        match tokio::time::timeout(deadline, self.exchange(path, accept)).await {
            Ok(result) => result,
            Err(_) => Err((Failure::Timeout(deadline), None)),
        }
    }

    async fn exchange(&self, path: &str, accept: &str) -> Result<Vec<u8>, (Failure, Option<Duration>)> {
        let request = http::Request::get(path)
            .header(http::header::ACCEPT, accept)
            .header(http::header::USER_AGENT, concat!("kubectl-karpcheck/", env!("CARGO_PKG_VERSION")))
            .body(Body::empty())
            .map_err(|error| (Failure::Garbage(error.to_string()), None))?;
        let response = self.client.send(request).await.map_err(|error| (broken(&error), None))?;
        let status = response.status();
        let retry_after = response
            .headers()
            .get(http::header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.trim().parse().ok())
            .map(Duration::from_secs);
        let body = Limited::new(response.into_body(), LARGEST_BODY)
            .collect()
            .await
            .map_err(|error| {
                (Failure::Connection(format!("the answer broke off: {}", tidy(&error.to_string()))), None)
            })?
            .to_bytes();
        if status.is_success() {
            return Ok(body.into());
        }
        let message = server_message(&body);
        let failure = match status.as_u16() {
            401 => Failure::Unauthorized(message),
            403 => Failure::Forbidden(message),
            404 => Failure::NotFound,
            410 => Failure::Gone,
            code => Failure::Status { code, message },
        };
        Err((failure, retry_after))
    }
}

/// What a server says in an answer that is not a success: the message of a `Status`, else the beginning of the text.
fn server_message(body: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Status {
        message: String,
    }
    match serde_json::from_slice::<Status>(body) {
        Ok(status) => tidy(&status.message),
        Err(_) => tidy(&String::from_utf8_lossy(&body[..body.len().min(4 * LONGEST_MESSAGE)])),
    }
}

/// A stranger's text as part of a line: without line breaks and control characters, and not too long.
pub(in crate::sources) fn tidy(text: &str) -> String {
    let mut line = String::new();
    for word in text.split(|char: char| char.is_whitespace() || char.is_control()).filter(|word| !word.is_empty()) {
        if line.len() + word.len() > LONGEST_MESSAGE {
            line.push('…');
            break;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

/// Why there is no connection, in words that say what to look at.
fn broken(error: &kube::Error) -> Failure {
    let mut chain = vec![];
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(io) = cause.downcast_ref::<std::io::Error>() {
            match io.kind() {
                std::io::ErrorKind::ConnectionRefused => {
                    return Failure::Connection("nothing listens there: is the cluster up, or its tunnel?".into());
                }
                std::io::ErrorKind::TimedOut => {
                    return Failure::Connection("it does not answer: is the VPN or tunnel up?".into());
                }
                _ => {}
            }
        }
        chain.push(cause.to_string());
        source = cause.source();
    }
    let deepest = tidy(chain.last().unwrap_or(&error.to_string()));
    let whole = chain.join(": ").to_ascii_lowercase();
    Failure::Connection(if whole.contains("dns error") || whole.contains("failed to lookup address") {
        format!("its name is not known here ({deepest}): is the VPN up, or the cluster deleted?")
    } else if whole.contains("certificate") {
        format!("its certificate is not trusted ({deepest}): see certificate-authority-data in the kubeconfig")
    } else if whole.contains("http/1.1") || whole.contains("invalidmessage") || whole.contains("corrupt message") {
        format!("it does not speak TLS ({deepest}): is this the API server's address?")
    } else {
        deepest
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strangers_text_stays_one_short_line() {
        assert_eq!(tidy(" a\n\tb\u{1b}[31m c "), "a b [31m c");
        assert!(tidy(&"word ".repeat(1000)).len() < LONGEST_MESSAGE + 10);
        assert!(tidy(&"é".repeat(10_000)).len() < 10, "one endless word is no sentence");
    }

    #[test]
    fn the_message_of_a_status_is_what_is_told() {
        assert_eq!(server_message(br#"{"kind":"Status","message":"too many\nrequests"}"#), "too many requests");
        assert_eq!(server_message(b"<html>Bad gateway</html>"), "<html>Bad gateway</html>");
        assert_eq!(server_message(b"\xff\xfe"), "\u{fffd}\u{fffd}");
    }
}
