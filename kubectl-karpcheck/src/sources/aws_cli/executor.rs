//! The calls themselves: eight at a time, each question once, each with a deadline, and bounded in number.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::io;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::schema::aws_calls;
use crate::schema::aws_calls::Topic;
use crate::schema::kinds::GatherScope;
use crate::sources::aws_cli::Target;
use crate::sources::aws_cli::call;
use crate::sources::aws_cli::call::{Call, Times};
use crate::sources::aws_cli::cli_error;
use crate::sources::aws_cli::cli_error::{CliError, Login};
use crate::sources::aws_cli::schedule::Seeds;
use crate::sources::process;
use crate::sources::process::Ended;

/// Calls that are under way at one time.
const AT_ONCE: usize = 8;
/// Calls in all, for one context. A cluster with one queue takes some thirty.
pub(super) const MOST: usize = 200;
/// Attempts at a call that is throttled, beside those that the CLI makes itself.
const ATTEMPTS: u32 = 4;
/// More than any answer, in bytes.
const LONGEST: u64 = 64 << 20;

/// What came of a call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum CallOutcome {
    /// The answer.
    Answer(String),
    /// Refused: the permission to ask for, and AWS's words.
    Refused(String, String),
    /// There is no such thing.
    NotFound,
    /// No usable answer.
    Failed(CallFailure),
}

/// Why there is no usable answer to a call. The first group is about the CLI as a whole: nothing more can be asked.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, thiserror::Error)]
pub(super) enum CallFailure {
    /// There is no CLI.
    #[error(
        "there is no `aws` on the PATH: install the AWS CLI, or let somebody who has it run the script that `kubectl \
         karpcheck collect` prints"
    )]
    NoCli,
    /// The CLI cannot be run.
    #[error("`aws` could not be started: {0}")]
    NotStarted(String),
    /// Nothing can be asked before somebody does this.
    #[error("{0}")]
    Login(Login),
    /// The account is not known.
    #[error("`aws sts get-caller-identity` does not say which account it is")]
    NoAccount,
    /// AWS does not know the caller.
    #[error("`aws sts get-caller-identity` finds no identity")]
    NoIdentity,
    /// Nothing was asked, for a reason that stands beside it.
    #[error("{0}")]
    NotAsked(String),
    /// AWS or the resource's policy refused to say who is asking.
    #[error("{0}")]
    IdentityRefused(String),
    /// It was asked too often.
    #[error("AWS throttles {0}: try again later, or with fewer rules")]
    Throttled(String),
    /// Nothing came in time.
    #[error("{call} did not end within {seconds} s: --aws-timeout gives it more")]
    Timeout {
        /// The command.
        call: String,
        /// How long was waited.
        seconds: u64,
    },
    /// What it printed cannot be read.
    #[error("`aws` printed something else than text")]
    NotText,
    /// What it printed cannot be read.
    #[error("{call} printed something else than JSON: {error}")]
    NotJson {
        /// The command.
        call: String,
        /// The parser's words.
        error: String,
    },
    /// Anything else, in AWS's words.
    #[error("{call} failed: {text}")]
    Other {
        /// The command.
        call: String,
        /// AWS's words.
        text: String,
    },
    /// All attempts are used up.
    #[error("{0} was never answered")]
    Unanswered(String),
}

/// All that was asked.
#[derive(Debug, Default)]
pub(super) struct Results {
    /// In the order of their questions.
    pub(super) came: Vec<(Call, CallOutcome)>,
    /// Questions that were not asked, since they were too many.
    pub(super) left: usize,
    /// Why nothing more could be asked.
    pub(super) stopped: Option<CallFailure>,
    /// Texts in answers that are no names.
    pub(super) strange: Vec<String>,
}

/// How the CLI is run for one context.
#[derive(Clone, Debug)]
pub(super) struct Cli {
    /// The profile, for the words of a cure.
    pub(super) profile: Option<String>,
    /// Options that every call has.
    globals: Vec<String>,
    endpoints: Endpoints,
    patience: Duration,
    /// The first pause before a call that was throttled is tried again.
    pause: Duration,
}

/// Addresses in place of AWS's own: the CLI does not honour the variables in every version.
#[derive(Clone, Debug, Default)]
struct Endpoints {
    all: Option<String>,
    services: BTreeMap<&'static str, String>,
}

impl Endpoints {
    fn of_environment() -> Self {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        if variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return Self::default();
        }
        let services = aws_calls::TABLE.iter().chain([&aws_calls::IDENTITY]).map(|operation| operation.service);
        let of = |service: &str| variable(&format!("AWS_ENDPOINT_URL_{}", service.to_ascii_uppercase()));
        Self {
            all: variable("AWS_ENDPOINT_URL"),
            services: services.filter_map(|service| of(service).map(|url| (service, url))).collect(),
        }
    }

    fn of(&self, service: &str) -> Option<&str> {
        self.services.get(service).or(self.all.as_ref()).map(String::as_str)
    }
}

/// One attempt.
enum ProcessOutput {
    Out(String),
    Err(String),
    /// It cannot run at all.
    Never(CallFailure),
    /// It did not run to its end this once.
    Failed(CallFailure),
}

impl Cli {
    pub(super) fn new(target: &Target, patience: Duration) -> Self {
        let mut globals = vec!["--output".to_owned(), "json".to_owned()];
        if let Some(region) = &target.region {
            globals.extend(["--region".to_owned(), region.clone()]);
        }
        if let Some(profile) = &target.profile {
            globals.extend(["--profile".to_owned(), profile.clone()]);
        }
        Self {
            profile: target.profile.clone(),
            globals,
            endpoints: Endpoints::of_environment(),
            patience,
            pause: Duration::from_secs(1),
        }
    }

    /// The region that the CLI itself would take.
    pub(super) fn own_region(&self) -> Option<String> {
        let mut words = vec!["configure".to_owned(), "get".to_owned(), "region".to_owned()];
        if let Some(profile) = &self.profile {
            words.extend(["--profile".to_owned(), profile.clone()]);
        }
        match self.run(&words, &[]) {
            ProcessOutput::Out(region) => Some(region.trim().to_owned()).filter(|region| !region.is_empty()),
            ProcessOutput::Err(_) | ProcessOutput::Never(_) | ProcessOutput::Failed(_) => None,
        }
    }

    /// Which account it is. The first call of all, so it may ask its user on the terminal (a one-time password), and tells
    /// what is wrong with the login.
    ///
    /// # Errors
    /// Nothing can be asked.
    pub(super) fn account(&self, times: &Times) -> Result<(Call, String, String), CallFailure> {
        let call = Call { operation: &aws_calls::IDENTITY, values: vec![] };
        match self.ask(&call, times) {
            Ok(CallOutcome::Answer(text)) => {
                let answer: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
                match answer.get("Account").and_then(serde_json::Value::as_str) {
                    Some(account) => Ok((call, account.to_owned(), text)),
                    None => Err(CallFailure::NoAccount),
                }
            }
            Ok(CallOutcome::Refused(_, text)) => Err(CallFailure::IdentityRefused(text)),
            Ok(CallOutcome::Failed(why)) => Err(why),
            Ok(CallOutcome::NotFound) => Err(CallFailure::NoIdentity),
            Err(stop) => Err(stop),
        }
    }

    /// Asks until there is an answer, or none to be had.
    ///
    /// # Errors
    /// Nothing can be asked any more.
    fn ask(&self, call: &Call, times: &Times) -> Result<CallOutcome, CallFailure> {
        let mut pause = self.pause;
        let words = call.arguments(times);
        let name = format!("`aws {} {}`", call.operation.service, call.operation.name);
        for attempt in 1..=ATTEMPTS {
            let text = match self.run(&words, &self.globals_of(call.operation.service)) {
                ProcessOutput::Out(text) if text.trim().is_empty() => return Ok(CallOutcome::Answer("{}".into())),
                ProcessOutput::Out(text) => {
                    return Ok(match serde_json::from_str::<serde::de::IgnoredAny>(&text) {
                        Ok(_) => CallOutcome::Answer(text),
                        Err(error) => {
                            CallOutcome::Failed(CallFailure::NotJson { call: name, error: error.to_string() })
                        }
                    });
                }
                ProcessOutput::Err(text) => text,
                ProcessOutput::Never(why) => return Err(why),
                ProcessOutput::Failed(why) => return Ok(CallOutcome::Failed(why)),
            };
            match cli_error::classify(&text, self.profile.as_deref()) {
                CliError::Refused(action) => {
                    return Ok(CallOutcome::Refused(
                        action.unwrap_or_else(|| call.operation.action.to_owned()),
                        cli_error::one_line(&text),
                    ));
                }
                CliError::NotFound => return Ok(CallOutcome::NotFound),
                CliError::Login(login) => return Err(CallFailure::Login(login)),
                CliError::Throttled if attempt < ATTEMPTS => {
                    std::thread::sleep(pause);
                    pause *= 2;
                }
                CliError::Throttled => return Ok(CallOutcome::Failed(CallFailure::Throttled(name))),
                CliError::Other => {
                    let text = cli_error::one_line(&text);
                    return Ok(CallOutcome::Failed(CallFailure::Other { call: name, text }));
                }
            }
        }
        Ok(CallOutcome::Failed(CallFailure::Unanswered(name)))
    }

    fn globals_of(&self, service: &str) -> Vec<String> {
        let mut globals = self.globals.clone();
        if let Some(url) = self.endpoints.of(service) {
            globals.extend(["--endpoint-url".to_owned(), url.to_owned()]);
        }
        globals
    }

    /// Runs the CLI once: words, never a shell.
    fn run(&self, words: &[String], globals: &[String]) -> ProcessOutput {
        let child = Command::new("aws")
            .args(words)
            .args(globals)
            .env("AWS_PAGER", "")
            .env("AWS_CLI_AUTO_PROMPT", "off")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let child = match child {
            Ok(child) => child,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return ProcessOutput::Never(CallFailure::NoCli);
            }
            Err(error) => return ProcessOutput::Never(CallFailure::NotStarted(error.to_string())),
        };
        match process::finish(child, self.patience, LONGEST) {
            None => {
                let operation = words.iter().take(2).map(String::as_str).collect::<Vec<_>>().join(" ");
                let (call, seconds) = (format!("`aws {operation}`"), self.patience.as_secs());
                ProcessOutput::Failed(CallFailure::Timeout { call, seconds })
            }
            Some(Ended { success: true, out, .. }) => match String::from_utf8(out) {
                Ok(text) => ProcessOutput::Out(text),
                Err(_) => ProcessOutput::Failed(CallFailure::NotText),
            },
            Some(Ended { err, .. }) => ProcessOutput::Err(String::from_utf8_lossy(&err).into_owned()),
        }
    }

    /// Asks everything that the seeds lead to.
    pub(super) fn follow(
        &self,
        seeds: &Seeds,
        gather_scope: &GatherScope,
        times: &Times,
        progress: &mut dyn FnMut(&str),
    ) -> Results {
        let mut todo = Todo { gather_scope, seen: HashSet::new(), waiting: VecDeque::new(), left: 0 };
        for (topic, values) in &seeds.topics {
            todo.add(*topic, values);
        }
        let mut results = Results::default();
        let (send, receive) = mpsc::channel();
        let mut running = 0;
        std::thread::scope(|scope| {
            loop {
                while running < AT_ONCE
                    && let Some(call) = todo.waiting.pop_front()
                {
                    if let Some(stop) = &results.stopped {
                        results.came.push((call, CallOutcome::Failed(stop.clone())));
                        continue;
                    }
                    let send = send.clone();
                    running += 1;
                    scope.spawn(move || {
                        let came = self.ask(&call, times);
                        // Its receiver waits for every call that was begun.
                        let _ = send.send((call, came));
                    });
                }
                if running == 0 {
                    break;
                }
                let Ok((call, came)) = receive.recv() else { break };
                running -= 1;
                let came = came.unwrap_or_else(|stop| {
                    results.stopped.get_or_insert_with(|| stop.clone());
                    CallOutcome::Failed(stop)
                });
                if let CallOutcome::Answer(text) = &came
                    && let Ok(answer) = serde_json::from_str(text)
                {
                    let (topics, strange) = call.led_to(&answer);
                    results.strange.extend(strange);
                    for (topic, values) in topics {
                        todo.add(topic, &values);
                    }
                }
                results.came.push((call, came));
                progress(&format!(
                    "asking AWS: {} answered, {} to go",
                    results.came.len(),
                    running + todo.waiting.len()
                ));
            }
        });
        results.left = todo.left;
        // The order in which AWS answers is nobody's.
        results.came.sort_by_cached_key(|(call, _)| call.key());
        results
    }
}

/// What is still to be asked.
struct Todo<'a> {
    gather_scope: &'a GatherScope,
    seen: HashSet<(&'static str, &'static str, String)>,
    waiting: VecDeque<Call>,
    left: usize,
}

impl Todo<'_> {
    fn add(&mut self, topic: Topic, values: &[String]) {
        for operation in aws_calls::about(self.gather_scope, topic) {
            let call = Call { operation, values: values.to_vec() };
            if !self.seen.insert(call.key()) {
                continue;
            }
            if self.seen.len() > MOST {
                self.left += 1;
            } else {
                self.waiting.push_back(call);
            }
        }
    }
}

/// The command of a call as it is shown: without what is only this machine's.
pub(super) fn shown(call: &Call, times: &Times) -> String {
    call::line(&call.arguments(times))
}
