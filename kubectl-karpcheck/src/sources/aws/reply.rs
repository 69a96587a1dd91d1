//! What comes of a question, whoever put it.

use std::time::Duration;

use crate::sources::aws::error::Login;

/// What one attempt came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Reply {
    /// JSON, as the CLI prints it.
    Answer(String),
    /// Refused: the permission, where it is named, and AWS's words.
    Refused(Option<String>, String),
    /// There is no such thing.
    NotFound,
    /// It may be answered later: what it is if not, and how long AWS asks to wait.
    Again { failure: CallFailure, pause: Option<Duration> },
    /// This question has no answer.
    Failed(CallFailure),
    /// No question has.
    Never(CallFailure),
}

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

/// Why there is no usable answer to a call. The first group is about all of them: nothing more can be asked.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, thiserror::Error)]
pub(super) enum CallFailure {
    /// There is no CLI.
    #[error(
        "there is no `aws` on the PATH, and the environment names no credentials: install the AWS CLI, export credentials, \
         or have someone who has them run the script that `kubectl karpcheck collect` prints"
    )]
    NoCli,
    /// What is configured only the CLI follows, and there is none.
    #[error(
        "{0} says how AWS is reached, which only the AWS CLI follows, and there is no `aws` on the PATH: install it"
    )]
    NeedsCli(String),
    /// The environment names where credentials are, and they are not to be had there.
    #[error("the credentials that {source_name} names cannot be had: {why}")]
    NoCredentials {
        /// The variable.
        source_name: &'static str,
        /// What went wrong.
        why: String,
    },
    /// The address of a service is none, or there is no region for it.
    #[error("there is no address of {service} in region {region}: see --region and AWS_ENDPOINT_URL")]
    NoEndpoint {
        /// The service.
        service: &'static str,
        /// The region.
        region: String,
    },
    /// The machine has no more threads or sockets.
    #[error("AWS could not be asked: {0}")]
    NoClient(String),
    /// The CLI cannot be run.
    #[error("`aws` could not be started: {0}")]
    NotStarted(String),
    /// Nothing can be asked before somebody does this.
    #[error("{0}")]
    Login(Login),
    /// The account is not known.
    #[error("`aws sts get-caller-identity` does not say which account it is")]
    NoAccount,
    /// AWS knows who asks, and does not accept the same credentials in a region.
    #[error(
        "AWS does not accept the credentials in {0}, though `aws sts get-caller-identity` does: is the region enabled for \
         the account, and is it the cluster's? A session token of the global STS does not count in every region"
    )]
    NotInRegion(String),
    /// AWS does not know the caller.
    #[error("`aws sts get-caller-identity` finds no identity")]
    NoIdentity,
    /// The user ended the run.
    #[error("the run was interrupted")]
    Interrupted,
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
    /// The service is not reached.
    #[error("{host} could not be reached: {why}")]
    Unreachable {
        /// Its host.
        host: String,
        /// What went wrong.
        why: String,
    },
    /// What came is no answer.
    #[error("{call} was answered with something else than an answer: {error}")]
    NotAnAnswer {
        /// The command.
        call: String,
        /// What is wrong with it.
        error: String,
    },
    /// There is always a next page.
    #[error("{0} is answered with pages without end")]
    Endless(String),
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
}
