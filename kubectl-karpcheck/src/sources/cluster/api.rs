//! One request, with its deadline and its retries.

use std::error::Error as _;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;
use std::time::Duration;

use http_body_util::{BodyExt, LengthLimitError, Limited};
use kube::Client;
use kube::client::Body;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::sources::interrupt;

/// A page of 500 objects has some megabytes, an object can have 1.5, and a list in one piece tens: what is larger is not waited for.
const LARGEST_BODY: usize = 256 << 20;
/// An error's text is one sentence of a stranger's: enough of it to recognise it.
const LONGEST_MESSAGE: usize = 300;
/// How an API server calls who sent no credentials, where it says whom it refuses: nothing else in its answer tells.
const ANONYMOUS: &str = "User \"system:anonymous\"";
/// The wait for the first word of a server, where the user says nothing: what is not there answers no later either.
const FIRST_WORD: Duration = Duration::from_secs(10);
/// How often a request is sent to a server that sheds load and says when to come back: as often as client-go does.
const SHED: u32 = 10;
/// Requests without an answer, one after the other, after which a server is given up: as many as are under way at a time.
const SILENCE: u32 = 8;
/// A context's time, in deadlines of one request: five minutes, mostly.
const BUDGET: u32 = 10;

/// How long to wait and how often to try.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// For one request, from the connection to the last byte.
    pub(super) deadline: Duration,
    /// For the first request of all.
    pub(super) first: Duration,
    /// How often to send a request before giving up on it.
    pub(super) attempts: u32,
    /// How long to wait before the second attempt; then twice as long, and so on.
    pub(super) pause: Duration,
}

impl Patience {
    /// Four attempts within some three seconds of waiting: what a server that restarts or sheds load takes. `asked` is what the
    /// user allows for one request.
    pub(super) fn within(asked: Option<Duration>) -> Self {
        let (deadline, first) = match asked {
            None => (Duration::from_secs(30), FIRST_WORD),
            // For ever, as kubectl has it, is a day.
            Some(Duration::ZERO) => (Duration::from_secs(24 * 3600), Duration::from_secs(24 * 3600)),
            Some(asked) => (asked, asked),
        };
        Self { deadline, first, attempts: 4, pause: Duration::from_millis(400) }
    }
}

/// Why a request had no answer to work with.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum Failure {
    /// 401: the server does not know who asks.
    #[error("the server did not accept the credentials (401 {0})")]
    Unauthorized(String),
    /// 403 for who sent no credentials, or none of a kind that the server takes.
    #[error("the server saw no credentials that it knows, and refuses system:anonymous (403)")]
    Anonymous,
    /// 403: the server knows who asks, and refuses.
    #[error("{0}")]
    Forbidden(String),
    /// 404.
    #[error("not found (404)")]
    NotFound,
    /// 410: a list took so long that its state is gone.
    #[error("the list took so long that the server forgot its state (410)")]
    Gone {
        /// How to go on from there with objects of a later state, if the server allows it.
        inconsistent: Option<String>,
    },
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
    /// Request after request had no answer, so no more are sent.
    #[error("the server stopped answering: {SILENCE} requests in a row had no answer")]
    Silent,
    /// The time for the whole cluster is over.
    #[error("reading the cluster took longer than {} s: --request-timeout allows more", .0.as_secs_f32())]
    TooLong(Duration),
    /// The user ended the run.
    #[error("the run was interrupted")]
    Interrupted,
    /// A body without an end in sight.
    #[error("the answer is larger than {} MB", LARGEST_BODY >> 20)]
    TooLarge,
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
            Self::Connection(_) => true,
            // What had no answer for so long has none when it is asked once more.
            _ => false,
        }
    }
}

/// A client with its patience.
#[derive(Clone)]
pub(super) struct Api {
    client: Client,
    patience: Patience,
    /// When the time of this cluster is over.
    end: Instant,
    /// Requests that had no answer since the last one that had.
    silent: Arc<AtomicU32>,
    /// Requests that may be under way at one time, to all clusters together.
    sockets: Arc<Semaphore>,
}

impl Api {
    /// A client whose time begins now.
    pub(super) fn new(client: Client, patience: Patience, sockets: Arc<Semaphore>) -> Self {
        let end = Instant::now() + patience.deadline * BUDGET;
        Self { client, patience, end, silent: Arc::default(), sockets }
    }

    /// The body of what is at a path.
    pub(super) async fn get(&self, path: &str, accept: &str) -> Result<Vec<u8>, Failure> {
        let mut pause = self.patience.pause;
        let mut attempt = 1;
        loop {
            let (failure, asked) = match self.once(path, accept).await {
                Ok(body) => return Ok(body),
                Err(failure) => failure,
            };
            let told = asked.is_some() && matches!(failure, Failure::Status { code: 429, .. });
            let most = if told { SHED } else { self.patience.attempts };
            if !failure.passes() || attempt >= most {
                return Err(failure);
            }
            // A server that sheds load says when to come back; one that says "in an hour" is not waited for.
            tokio::time::sleep(asked.map_or(pause, |asked| asked.min(self.patience.pause * 8))).await;
            pause *= 2;
            attempt += 1;
        }
    }

    /// The same, only once and for a shorter time: for the first word with a server that may not be there.
    pub(super) async fn first_word(&self, path: &str, accept: &str) -> Result<Vec<u8>, Failure> {
        self.within(path, accept, self.patience.first).await.map_err(|(failure, _)| failure)
    }

    /// Applies an object on the server's side, in whole: what others added to it stays.
    pub(super) async fn apply(&self, path: &str, object: &serde_json::Value) -> Result<(), Failure> {
        let request = http::Request::patch(path)
            .header(http::header::CONTENT_TYPE, "application/apply-patch+yaml")
            .body(Body::from(object.to_string().into_bytes()))
            .map_err(|error| Failure::Garbage(error.to_string()))?;
        let asked = tokio::time::timeout(self.patience.deadline, self.answer(request));
        match asked.await {
            Ok(answer) => answer.map(|_| ()).map_err(|(failure, _)| failure),
            Err(_) => Err(Failure::Timeout(self.patience.deadline)),
        }
    }

    async fn once(&self, path: &str, accept: &str) -> Result<Vec<u8>, (Failure, Option<Duration>)> {
        self.within(path, accept, self.patience.deadline).await
    }

    async fn within(
        &self,
        path: &str,
        accept: &str,
        deadline: Duration,
    ) -> Result<Vec<u8>, (Failure, Option<Duration>)> {
        if self.silent.load(Ordering::Relaxed) >= SILENCE {
            return Err((Failure::Silent, None));
        }
        let left = self.end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err((Failure::TooLong(self.patience.deadline * BUDGET), None));
        }
        // Nothing closes the semaphore.
        let _socket = self.sockets.acquire().await;
        let asked = tokio::time::timeout(deadline.min(left), self.exchange(path, accept));
        match unless_interrupted(asked).await {
            None => Err((Failure::Interrupted, None)),
            Some(Err(_)) => {
                self.silent.fetch_add(1, Ordering::Relaxed);
                Err((Failure::Timeout(deadline.min(left)), None))
            }
            Some(Ok(result)) => {
                self.silent.store(0, Ordering::Relaxed);
                result
            }
        }
    }

    async fn exchange(&self, path: &str, accept: &str) -> Result<Vec<u8>, (Failure, Option<Duration>)> {
        let request = http::Request::get(path)
            .header(http::header::ACCEPT, accept)
            .body(Body::empty())
            .map_err(|error| (Failure::Garbage(error.to_string()), None))?;
        self.answer(request).await
    }

    async fn answer(&self, mut request: http::Request<Body>) -> Result<Vec<u8>, (Failure, Option<Duration>)> {
        let agent = http::HeaderValue::from_static(concat!("kubectl-karpcheck/", env!("CARGO_PKG_VERSION")));
        request.headers_mut().insert(http::header::USER_AGENT, agent);
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
                let broken = || Failure::Connection(format!("the answer broke off: {}", tidy(&error.to_string())));
                (if error.is::<LengthLimitError>() { Failure::TooLarge } else { broken() }, None)
            })?
            .to_bytes();
        if status.is_success() {
            return Ok(body.into());
        }
        let message = server_message(&body);
        let failure = match status.as_u16() {
            401 => Failure::Unauthorized(message),
            403 if message.contains(ANONYMOUS) => Failure::Anonymous,
            403 => Failure::Forbidden(message),
            404 => Failure::NotFound,
            410 => Failure::Gone { inconsistent: inconsistent(&body) },
            code => Failure::Status { code, message },
        };
        Err((failure, retry_after))
    }
}

/// What a future gives, or none as soon as the user ends the run.
pub(in crate::sources) async fn unless_interrupted<T>(future: impl Future<Output = T>) -> Option<T> {
    /// How long it takes to see that the run is to end.
    const GLANCE: Duration = Duration::from_millis(50);
    let mut future = pin!(future);
    let mut glances = tokio::time::interval(GLANCE);
    std::future::poll_fn(|context| {
        if let Poll::Ready(done) = future.as_mut().poll(context) {
            return Poll::Ready(Some(done));
        }
        while glances.poll_tick(context).is_ready() {
            if interrupt::is_raised() {
                return Poll::Ready(None);
            }
        }
        Poll::Pending
    })
    .await
}

/// The token with which a list goes on whose state is gone: `metadata.continue` of a 410.
fn inconsistent(body: &[u8]) -> Option<String> {
    let head = crate::formats::json_value::head(body).ok()?;
    head.metadata.next.filter(|token| !token.is_empty())
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
    } else if whole.contains("certificate not valid for name") {
        format!(
            "its certificate is for another name ({deepest}): is this its address? --tls-server-name names another one"
        )
    } else if whole.contains("certificate expired") || whole.contains("certificate not valid yet") {
        format!("its certificate is not valid now ({deepest}): is this machine's clock right?")
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
