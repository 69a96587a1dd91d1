//! Questions that are signed here and sent to AWS's own endpoints, with answers as the CLI prints them: a command takes more than half a
//! second of a processor, a request some milliseconds. And an image without the CLI can ask.
//!
//! ```text
//! credentials                        endpoints
//!        \                               |
//! question -> wire -> sigv4 -> http -> service -> answer (shapes) -> JSON
//! ```

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::header::{DATE, RETRY_AFTER};
use serde_json::Value;

use crate::sources::aws::Target;
use crate::sources::aws::call::Question;
use crate::sources::aws::endpoints::Endpoints;
use crate::sources::aws::error;
use crate::sources::aws::error::{AwsError, Login};
use crate::sources::aws::reply::{CallFailure, Reply};
use crate::sources::cluster::tidy;

use credentials::{CredentialError, Source};
use http_client::{Http, Request, Response, SendError};

mod answer;
mod credentials;
mod endpoints;
mod http_client;
mod keys;
mod shapes;
mod sigv4;
mod wire;

pub(super) use keys::Credentials;

/// Pages of one answer. A list of grants has a thousand entries in ten.
const MOST_PAGES: usize = 100;
/// A signature of a time that is further from AWS's is not taken, in seconds.
const MOST_SKEW: i64 = 4 * 60;

/// A server that failed is asked again after this pause.
const SERVER_ERROR: Duration = Duration::from_millis(300);

/// How AWS is asked for one context.
#[derive(Debug)]
pub(super) struct Signed {
    http: Http,
    credentials: Credentials,
    region: String,
    profile: Option<String>,
    endpoints: Endpoints,
    patience: Duration,
    /// Hosts that were not reached, and why: they are not waited for again.
    dead: Mutex<HashMap<String, String>>,
}

impl Signed {
    /// With credentials of the environment. None where it names none, or a profile counts.
    ///
    /// # Errors
    /// It names some that are not to be had.
    pub(super) fn of_environment(target: &Target, patience: Duration) -> Result<Option<Self>, CallFailure> {
        let Some(source) = Source::of_environment(target.profile.as_deref()) else { return Ok(None) };
        if target.region.is_none() {
            return Err(CallFailure::Login(Login::NoRegion));
        }
        let http = client(patience)?;
        let endpoints = Endpoints::of_environment();
        let keys = source.keys(&http, target.region.as_deref(), &endpoints);
        let credentials = keys.map_err(|error| match error {
            CredentialError::Interrupted => CallFailure::Interrupted,
            CredentialError::Unavailable { source, why } => CallFailure::NoCredentials { source_name: source, why },
        })?;
        Self::with(target, patience, http, endpoints, credentials).map(Some)
    }

    /// With credentials.
    ///
    /// # Errors
    /// No region is known, or the machine has no more threads.
    pub(super) fn new(target: &Target, patience: Duration, credentials: Credentials) -> Result<Self, CallFailure> {
        Self::with(target, patience, client(patience)?, Endpoints::of_environment(), credentials)
    }

    fn with(
        target: &Target,
        patience: Duration,
        http: Http,
        endpoints: Endpoints,
        credentials: Credentials,
    ) -> Result<Self, CallFailure> {
        let region = target.region.clone().ok_or(CallFailure::Login(Login::NoRegion))?;
        let (profile, dead) = (target.profile.clone(), Mutex::default());
        Ok(Self { http, credentials, region, profile, endpoints, patience, dead })
    }

    /// Asks once, for all pages of the answer.
    pub(super) fn ask(&self, question: &Question) -> Reply {
        let call = format!("`aws {} {}`", question.service, question.name);
        let pages = wire::pages(question.service, question.name);
        let mut whole: Option<Value> = None;
        let mut next: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let mut page = match self.page(question, &call, next.as_deref()) {
                Ok(page) => page,
                Err(reply) => return *reply,
            };
            let Some(pages) = &pages else { return Reply::Answer(page.to_string()) };
            let members = page.as_object_mut();
            let token = members.and_then(|members| {
                // That there is more is no part of the whole, as the CLI has it.
                members.remove("Truncated");
                members.remove(pages.next)
            });
            next = token.as_ref().and_then(Value::as_str).filter(|token| !token.is_empty()).map(str::to_owned);
            match &mut whole {
                None => whole = Some(page),
                Some(whole) => {
                    let more = page.get_mut(pages.list).map(Value::take);
                    let list = whole.get_mut(pages.list).and_then(Value::as_array_mut);
                    if let (Some(list), Some(Value::Array(more))) = (list, more) {
                        list.extend(more);
                    }
                }
            }
            if next.is_none() {
                return Reply::Answer(whole.unwrap_or_default().to_string());
            }
        }
        Reply::Failed(CallFailure::Endless(call))
    }

    fn page(&self, question: &Question, call: &str, page: Option<&str>) -> Result<Value, Box<Reply>> {
        let no_endpoint = || {
            Box::new(Reply::Never(CallFailure::NoEndpoint { service: question.service, region: self.region.clone() }))
        };
        let is_region = endpoints::is_region(&self.region) || self.endpoints.of(question.service).is_some();
        let endpoint = endpoints::of(question.service, &self.region, &self.endpoints).filter(|_| is_region);
        let endpoint = endpoint.ok_or_else(no_endpoint)?;
        let unreachable = |why: String| CallFailure::Unreachable { host: endpoint.host.clone(), why };
        if let Some(why) = self.dead().get(&endpoint.host) {
            return Err(Box::new(Reply::Failed(unreachable(why.clone()))));
        }
        let request = self.signed(question, page, &endpoint).ok_or_else(no_endpoint)?;
        let sent = self.http.send(&endpoint.origin, false, request.clone());
        let sent = match sent {
            // A connection may break once.
            Err(SendError::Unreachable(_) | SendError::Broken(_)) => self.http.send(&endpoint.origin, false, request),
            sent => sent,
        };
        let response = sent.map_err(|error| {
            Box::new(match error {
                SendError::Interrupted => Reply::Never(CallFailure::Interrupted),
                SendError::Slow => {
                    Reply::Failed(CallFailure::Timeout { call: call.to_owned(), seconds: self.patience.as_secs() })
                }
                SendError::Broken(why) => {
                    let text = format!("the answer broke off: {why}");
                    Reply::Failed(CallFailure::Other { call: call.to_owned(), text })
                }
                SendError::Unreachable(why) => {
                    self.dead().insert(endpoint.host.clone(), why.clone());
                    Reply::Failed(unreachable(why))
                }
            })
        })?;
        if !response.status.is_success() {
            return Err(Box::new(self.refused(question, call, &response)));
        }
        let read = answer::read(question, &response);
        read.map_err(|error| {
            Box::new(Reply::Failed(CallFailure::NotAnAnswer { call: call.to_owned(), error: tidy(&error) }))
        })
    }

    fn dead(&self) -> std::sync::MutexGuard<'_, HashMap<String, String>> {
        self.dead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn signed(&self, question: &Question, page: Option<&str>, endpoint: &endpoints::Endpoint) -> Option<Request> {
        let request = wire::request(question, page)?;
        let path = format!("{}{}", endpoint.prefix, request.path);
        let mut headers = request.headers;
        headers.push(("host", endpoint.host.clone()));
        let signable = sigv4::Signable {
            method: request.method.as_str(),
            path: &path,
            query: &request.query,
            headers,
            body: &request.body,
        };
        let service = wire::signing_name(question.service);
        let scope = sigv4::Scope { service, region: &endpoint.region, now: jiff::Timestamp::now() };
        let headers = signable.sign(&scope, &self.credentials);
        let query = sigv4::query(&request.query);
        let target = if query.is_empty() { path } else { format!("{path}?{query}") };
        Some(Request { method: request.method, target, headers, body: request.body })
    }

    /// What a refusal means.
    fn refused(&self, question: &Question, call: &str, response: &Response) -> Reply {
        let fault = answer::fault(response);
        // The CLI's own sentence, so that a report does not depend on who asked.
        let operation = wire::pascal(question.name);
        let text = tidy(&format!(
            "An error occurred ({}) when calling the {operation} operation: {}",
            fault.code, fault.message
        ));
        let pause =
            response.header(RETRY_AFTER.as_str()).and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
        if let Some(login) = clock(response).filter(|_| error::is_about_time(&fault.code)) {
            return Reply::Never(CallFailure::Login(login));
        }
        match error::of_code(&fault.code, &fault.message, self.profile.as_deref()) {
            AwsError::Refused(action) => Reply::Refused(action, text),
            AwsError::NotFound => Reply::NotFound,
            AwsError::Login(login) => Reply::Never(CallFailure::Login(login)),
            AwsError::Throttled => Reply::Again { failure: CallFailure::Throttled(call.to_owned()), pause },
            AwsError::Other => {
                let failure = CallFailure::Other { call: call.to_owned(), text };
                if response.status.is_server_error() {
                    Reply::Again { failure, pause: pause.or(Some(SERVER_ERROR)) }
                } else {
                    Reply::Failed(failure)
                }
            }
        }
    }
}

fn client(patience: Duration) -> Result<Http, CallFailure> {
    Http::new(patience).map_err(|error| CallFailure::NoClient(error.to_string()))
}

/// Is this machine's clock too far from AWS's?
fn clock(response: &Response) -> Option<Login> {
    let there = jiff::fmt::rfc2822::parse(response.header(DATE.as_str())?).ok()?.timestamp();
    let ahead = jiff::Timestamp::now().as_second() - there.as_second();
    (ahead.abs() > MOST_SKEW).then(|| Login::Clock { minutes: ahead.unsigned_abs() / 60, ahead: ahead > 0 })
}
