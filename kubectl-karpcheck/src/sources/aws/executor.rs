//! The calls themselves: eight at a time, each question once, each with a deadline, and bounded in number.
//!
//! They are signed and sent by karpcheck itself where it can have credentials, and put by the `aws` CLI else: the CLI takes half a second
//! of a processor for each.

use std::collections::{HashSet, VecDeque};
use std::sync::mpsc;
use std::time::Duration;

use crate::schema::aws_calls;
use crate::schema::aws_calls::{Operation, Topic};
use crate::schema::kinds::GatherScope;
use crate::sources::aws::Target;
use crate::sources::aws::answer_cache::AnswerCache;
use crate::sources::aws::call;
use crate::sources::aws::call::{Call, Question, Times};
use crate::sources::aws::command;
use crate::sources::aws::command::Cli;
use crate::sources::aws::error::Login;
use crate::sources::aws::reply::{CallFailure, CallOutcome, Reply};
use crate::sources::aws::schedule::Seeds;
use crate::sources::aws::signed::Signed;
use crate::sources::aws::sums;
use crate::sources::interrupt;
use crate::sources::process::Terminal;

/// Calls that are under way at one time.
const AT_ONCE: usize = 8;
/// Calls in all, for one context. A cluster with one queue takes some thirty.
pub(super) const MOST: usize = 200;
/// Attempts at a call that is throttled, beside those that the CLI makes itself.
const ATTEMPTS: u32 = 4;
/// The first pause before a call is tried again.
const PAUSE: Duration = Duration::from_secs(1);
/// Who is asked to wait longer does not.
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

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

/// Who puts the questions.
#[derive(Debug)]
enum Way {
    /// The CLI.
    Cli,
    /// Karpcheck itself.
    Signed(Box<Signed>),
}

/// How AWS is asked for one context.
#[derive(Debug)]
pub(super) struct Aws {
    way: Way,
    cli: Cli,
    /// For messages.
    region: String,
    /// Are several contexts asked side by side, so that the CLI must not ask its user anything?
    beside: bool,
    /// Answers of before.
    cache: Option<AnswerCache>,
}

impl Aws {
    /// Finds who asks: karpcheck itself with credentials of the environment, else with those that the CLI hands out once, else
    /// the CLI.
    ///
    /// # Errors
    /// Nothing can be asked.
    pub(super) fn new(target: &Target, patience: Duration, beside: bool) -> Result<Self, CallFailure> {
        let cli = Cli::new(target, patience);
        let terminal = if beside { Terminal::None } else { Terminal::Shared };
        let way = if command::own_way().is_some() {
            Way::Cli
        } else if let Some(signed) = Signed::of_environment(target, patience)? {
            Way::Signed(Box::new(signed))
        } else {
            match cli.credentials(terminal)? {
                Some(credentials) => Way::Signed(Box::new(Signed::new(target, patience, credentials)?)),
                None => Way::Cli,
            }
        };
        let region =
            target.region.as_ref().map_or("the profile's region".to_owned(), |region| format!("region {region}"));
        Ok(Self { way, cli, region, beside, cache: None })
    }

    /// The same, with answers of before.
    pub(super) fn caching(self, cache: Option<AnswerCache>) -> Self {
        Self { cache, ..self }
    }

    /// Which account it is, by whoever can ask. Where AWS is not reached with signed requests, the CLI asks this and everything that
    /// follows: it may have a proxy or a certificate authority of its own.
    ///
    /// # Errors
    /// Nothing can be asked.
    pub(super) fn account(&mut self, times: &Times) -> Result<(Call, String, String), CallFailure> {
        let asked = self.identity(times);
        match (&self.way, asked) {
            (Way::Signed(_), Err(failure @ (CallFailure::Unreachable { .. } | CallFailure::NoEndpoint { .. }))) => {
                self.way = Way::Cli;
                match self.identity(times) {
                    // Without a CLI it stays at that.
                    Err(CallFailure::NoCli) => Err(failure),
                    done => done,
                }
            }
            (Way::Cli, Err(CallFailure::NoCli)) => {
                Err(command::own_way().map_or(CallFailure::NoCli, CallFailure::NeedsCli))
            }
            (_, asked) => asked,
        }
    }

    /// Which account it is. The first call of all, so the CLI may ask its user on the terminal (a one-time password), and tells
    /// what is wrong with the login.
    ///
    /// # Errors
    /// Nothing can be asked.
    fn identity(&self, times: &Times) -> Result<(Call, String, String), CallFailure> {
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
        if let Some(answer) = self.known(call) {
            return Ok(CallOutcome::Answer(answer));
        }
        let came = self.ask_anew(call.operation, &call.question(times))?;
        if let CallOutcome::Answer(answer) = &came {
            self.keep(call, answer);
        }
        Ok(came)
    }

    /// The answer of before, if it is young enough.
    fn known(&self, call: &Call) -> Option<String> {
        self.cache.as_ref()?.get(&self.key(call).iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn keep(&self, call: &Call, answer: &str) {
        if let Some(cache) = &self.cache {
            cache.put(&self.key(call).iter().map(String::as_str).collect::<Vec<_>>(), answer);
        }
    }

    /// What an answer is kept under: the question but for its times, and where it is put. Who puts it makes no difference.
    fn key(&self, call: &Call) -> Vec<String> {
        let (service, operation, values) = call.key();
        let mut words = vec![service.to_owned(), operation.to_owned(), values];
        words.extend(self.cli.globals_of(call.operation.service));
        words
    }

    /// Asks for many sums at once. None where that is not allowed, or not answered whole: then each is asked for alone.
    ///
    /// # Errors
    /// Nothing can be asked any more.
    fn ask_sums(&self, calls: &[Call], times: &Times) -> Result<Option<Vec<String>>, CallFailure> {
        match self.ask_anew(calls[0].operation, &sums::question(calls, times))? {
            CallOutcome::Answer(text) => Ok(sums::answers(calls, &text)),
            CallOutcome::Refused(..) | CallOutcome::NotFound | CallOutcome::Failed(_) => Ok(None),
        }
    }

    /// Asks a question that is not in the cache.
    fn ask_anew(&self, operation: &Operation, question: &Question) -> Result<CallOutcome, CallFailure> {
        // Only the first question may ask for a one-time password.
        let first = operation.name == aws_calls::IDENTITY.name;
        let terminal = if first && !self.beside { Terminal::Shared } else { Terminal::None };
        let mut usual = PAUSE;
        let mut attempt = 0;
        loop {
            attempt += 1;
            let reply = match &self.way {
                Way::Cli => self.cli.ask(question, terminal),
                Way::Signed(signed) => signed.ask(question),
            };
            let (failure, pause) = match reply {
                Reply::Answer(text) => return Ok(CallOutcome::Answer(text)),
                Reply::Refused(action, text) => {
                    return Ok(CallOutcome::Refused(action.unwrap_or_else(|| operation.action.to_owned()), text));
                }
                Reply::NotFound => return Ok(CallOutcome::NotFound),
                Reply::Failed(why) => return Ok(CallOutcome::Failed(why)),
                // Who asks is known by then.
                Reply::Never(CallFailure::Login(Login::NotAccepted(_))) if !first => {
                    return Ok(CallOutcome::Failed(CallFailure::NotInRegion(self.region.clone())));
                }
                Reply::Never(why) => return Err(why),
                Reply::Again { failure, pause } => (failure, pause.unwrap_or(usual)),
            };
            if attempt == ATTEMPTS || pause > LONGEST_PAUSE {
                return Ok(CallOutcome::Failed(failure));
            }
            if !slept(pause) {
                return Err(CallFailure::Interrupted);
            }
            usual *= 2;
        }
    }

    /// Asks for the sums that were put off; those that cannot be had at once wait to be asked for alone.
    fn sums(&self, held: &mut Vec<Call>, times: &Times, results: &mut Results, todo: &mut Todo<'_>) {
        let (known, calls): (Vec<_>, Vec<_>) = held
            .drain(..held.len().min(sums::MOST))
            .map(|call| {
                let answer = self.known(&call);
                (call, answer)
            })
            .partition(|(_, answer)| answer.is_some());
        let known = known.into_iter().filter_map(|(call, answer)| Some((call, CallOutcome::Answer(answer?))));
        results.came.extend(known);
        let calls: Vec<Call> = calls.into_iter().map(|(call, _)| call).collect();
        // One sum is not worth another right.
        let answers = if calls.len() > 1 { self.ask_sums(&calls, times) } else { Ok(None) };
        match answers {
            Ok(Some(answers)) => {
                for (call, answer) in calls.into_iter().zip(answers) {
                    self.keep(&call, &answer);
                    results.came.push((call, CallOutcome::Answer(answer)));
                }
            }
            Ok(None) => {
                todo.sums_are_held = false;
                todo.waiting.extend(calls);
                todo.waiting.extend(held.drain(..));
            }
            Err(stop) => {
                results.stopped.get_or_insert(stop);
                todo.waiting.extend(calls);
            }
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
        let mut todo =
            Todo { gather_scope, seen: HashSet::new(), waiting: VecDeque::new(), left: 0, sums_are_held: true };
        for (topic, values) in &seeds.topics {
            todo.add(*topic, values);
        }
        let mut results = Results::default();
        let (send, receive) = mpsc::channel();
        let mut running = 0;
        // Sums come last, all of them at once: they show symptoms, all else decides.
        let mut held: Vec<Call> = vec![];
        std::thread::scope(|scope| {
            loop {
                while running < AT_ONCE
                    && let Some(call) = todo.waiting.pop_front()
                {
                    if let Some(stop) = &results.stopped {
                        results.came.push((call, CallOutcome::Failed(stop.clone())));
                        continue;
                    }
                    if todo.sums_are_held && sums::is_sum(&call) {
                        held.push(call);
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
                if running == 0 && !held.is_empty() {
                    self.sums(&mut held, times, &mut results, &mut todo);
                    continue;
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

/// Waits; false as soon as the user ends the run.
fn slept(pause: Duration) -> bool {
    let end = std::time::Instant::now() + pause;
    while std::time::Instant::now() < end {
        if interrupt::is_raised() {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20).min(pause));
    }
    true
}

/// What is still to be asked.
struct Todo<'a> {
    gather_scope: &'a GatherScope,
    seen: HashSet<(&'static str, &'static str, String)>,
    waiting: VecDeque<Call>,
    left: usize,
    /// Are sums put off until they can be asked for at once?
    sums_are_held: bool,
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
