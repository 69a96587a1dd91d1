//! An exchange with AWS as a snapshot has it. These types are a part of its format.

use serde::{Deserialize, Serialize};

use crate::inventory::ClusterId;
use crate::inventory::problem::AwsProblem;
use crate::schema::aws_calls;
use crate::sources::aws::call::{Call, Times};
use crate::sources::aws::reply::{CallFailure, CallOutcome};
use crate::sources::aws::{Exchange, Target};

/// What AWS was asked for one cluster, and what it answered.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::sources) struct Recording {
    context: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    from: String,
    to: String,
    whole: bool,
    /// The account that was asked, and what `sts get-caller-identity` answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    identity: Option<(String, String)>,
    strange: Vec<String>,
    calls: Vec<Recorded>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stopped: Option<String>,
    problems: Vec<Trouble>,
}

/// One question with its answer.
#[derive(Debug, Serialize, Deserialize)]
struct Recorded {
    service: String,
    operation: String,
    /// Its place among the questions of one name: `lookup-events` is asked about several events.
    number: usize,
    values: Vec<String>,
    #[serde(flatten)]
    came: Came,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Came {
    Answer(String),
    Refused { permission: String, text: String },
    NotFound(bool),
    Failed(String),
}

/// What was wrong with the whole of it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Trouble {
    NothingToAsk,
    NotAsked(String),
    OtherAccount { account: String, expected: String },
    NoRegion,
    QuestionsLeft { asked: usize, left: usize },
}

impl Trouble {
    fn problem(&self) -> AwsProblem {
        match self {
            Self::NothingToAsk => AwsProblem::NothingToAsk,
            Self::NotAsked(why) => AwsProblem::NotAsked { why: why.as_str().into() },
            Self::OtherAccount { account, expected } => {
                AwsProblem::OtherAccount { account: account.as_str().into(), expected: expected.as_str().into() }
            }
            Self::NoRegion => AwsProblem::NoRegion,
            Self::QuestionsLeft { asked, left } => AwsProblem::QuestionsLeft { asked: *asked, left: *left },
        }
    }
}

impl Recording {
    /// Its answers, to be changed.
    pub(in crate::sources) fn answers_mut(&mut self) -> impl Iterator<Item = &mut String> {
        self.calls.iter_mut().filter_map(|call| match &mut call.came {
            Came::Answer(text) => Some(text),
            _ => None,
        })
    }

    /// Why AWS could not be asked, each as the problem says it.
    pub(in crate::sources) fn trouble(&self) -> Vec<String> {
        let fatal =
            self.problems.iter().map(Trouble::problem).filter(|problem| !matches!(problem, AwsProblem::NothingToAsk));
        fatal.map(|problem| format!("context {}: {problem}", self.context)).collect()
    }

    /// How many questions were asked.
    pub(in crate::sources) const fn len(&self) -> usize {
        self.calls.len()
    }
}

impl Exchange {
    /// The exchange as it is recorded.
    pub(in crate::sources) fn recording(&self) -> Recording {
        let calls = self.came.iter().map(|(call, came)| {
            let same = aws_calls::TABLE.iter().filter(|operation| operation.name == call.operation.name);
            Recorded {
                service: call.operation.service.to_owned(),
                operation: call.operation.name.to_owned(),
                number: same.take_while(|operation| operation.options != call.operation.options).count(),
                values: call.values.clone(),
                came: match came {
                    CallOutcome::Answer(text) => Came::Answer(text.clone()),
                    CallOutcome::Refused(permission, text) => {
                        Came::Refused { permission: permission.clone(), text: text.clone() }
                    }
                    CallOutcome::NotFound => Came::NotFound(true),
                    CallOutcome::Failed(why) => Came::Failed(why.to_string()),
                },
            }
        });
        let problems = self.problems.iter().filter_map(|problem| {
            Some(match problem {
                AwsProblem::NothingToAsk => Trouble::NothingToAsk,
                AwsProblem::NotAsked { why } => Trouble::NotAsked(why.to_string()),
                AwsProblem::OtherAccount { account, expected } => {
                    Trouble::OtherAccount { account: account.to_string(), expected: expected.to_string() }
                }
                AwsProblem::NoRegion => Trouble::NoRegion,
                AwsProblem::QuestionsLeft { asked, left } => Trouble::QuestionsLeft { asked: *asked, left: *left },
                // An exchange has no other.
                _ => return None,
            })
        });
        Recording {
            context: self.target.context.clone(),
            region: self.target.region.clone(),
            account: self.target.account.clone(),
            from: self.times.from.clone(),
            to: self.times.to.clone(),
            whole: self.whole,
            identity: self.identity.as_ref().map(|(_, account, text)| (account.clone(), text.clone())),
            strange: self.strange.iter().cloned().collect(),
            calls: calls.collect(),
            stopped: self.stopped.as_ref().map(ToString::to_string),
            problems: problems.collect(),
        }
    }

    /// The exchange that was recorded. Questions that this version does not ask are left out: no rule of it reads them.
    pub(in crate::sources) fn of(recording: Recording) -> Self {
        let came = recording.calls.into_iter().filter_map(|call| {
            let Recorded { service, operation, number, values, came } = call;
            let mut same = aws_calls::TABLE.iter().filter(|known| known.service == service && known.name == operation);
            let outcome = match came {
                Came::Answer(text) => CallOutcome::Answer(text),
                Came::Refused { permission, text } => CallOutcome::Refused(permission, text),
                Came::NotFound(_) => CallOutcome::NotFound,
                Came::Failed(why) => CallOutcome::Failed(CallFailure::NotAsked(why)),
            };
            Some((Call { operation: same.nth(number)?, values }, outcome))
        });
        let identity = Call { operation: &aws_calls::IDENTITY, values: vec![] };
        Self {
            target: Target {
                context: recording.context,
                cluster: ClusterId::FILES,
                profile: None,
                region: recording.region,
                account: recording.account,
            },
            whole: recording.whole,
            times: Times { from: recording.from, to: recording.to },
            identity: recording.identity.map(|(account, text)| (identity, account, text)),
            strange: recording.strange.into_iter().collect(),
            came: came.collect(),
            stopped: recording.stopped.map(CallFailure::NotAsked),
            problems: recording.problems.iter().map(Trouble::problem).collect(),
        }
    }
}
