//! Problems of AWS's answers, saved to files or asked for now.

use std::fmt;
use std::sync::Arc;

super::problems! {
    /// Of AWS's answers, saved to files or asked for now.
    pub enum AwsProblem {
        Note "not-a-name" NotAName { text: Arc<str> } = "`{text}` stands where a name belongs and is not one, so AWS was not asked about it";
        Note "nothing-to-ask" NothingToAsk = "the chosen rules read nothing of AWS that anything here names, so it was not asked";
        Fatal "aws-not-asked" NotAsked { why: Arc<str> } = "{why}";
        Fatal "other-account" OtherAccount { account: Arc<str>, expected: Arc<str> } = "the aws CLI is logged in to account {account}, but the cluster is in {expected}: name its profile with --aws-profile";
        Fatal "region-not-known" NoRegion = "no region is known: name it with --region";
        Unread "call-failed" CallFailed { why: Arc<str>, times: Times } = "{why}{times}";
        Unread "permission-refused" Refused { permission: Arc<str>, times: Times, text: Arc<str> } = "AWS refused {permission}{times}, so what depends on it stays unknown: ask for it, `kubectl karpcheck iam-policy` prints all that is needed ({text})";
        Unread "questions-left" QuestionsLeft { asked: usize, left: usize } = "AWS was asked {asked} questions, and {left} more were left: choose fewer rules with --rule or --area";
        Unread "permission-refused" SavedRefused { permission: Arc<str>, about: Arc<str>, text: Arc<str> } = "{permission} was refused{about}: allow the identity that runs karpcheck to use it, or provide the answer as a file ({text})";
        Unread "call-failed" SavedFailed { command: Arc<str>, about: Arc<str>, error: Arc<str> } = "`{command}` failed{about}: {error}";
        Unread "answer-not-recognised" NotTheAnswer { command: Arc<str> } = "it is no answer of `{command}`: nothing of it was used";
        Unread "answer-not-recognised" NotAnAnswer = "it is no answer of the aws CLI that karpcheck knows: nothing of it was used";
        Unread "answer-without-name" Nameless { operation: Arc<str>, what: Arc<str>, example: Arc<str> } = "an answer of `aws {operation}` does not say {what}: save it as {example}, or use `kubectl karpcheck collect`";
        Unread "answer-form-not-known" Form { form: Arc<str> } = "{form} is a form of answers that this version does not know: update karpcheck";
        Note "policy-version-not-default" PolicyVersion = "a version of a policy that is not its default one: it is not in force and was left out";
        Note "answers-old" Old { days: Days } = "the answers of AWS are {days} old: things may have changed since; collect them again";
    }
}

/// How often something went wrong; once is not mentioned.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Times(pub usize);

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 > 1 { write!(f, " ({} times)", self.0) } else { Ok(()) }
    }
}

/// A number of days.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Days(pub i64);

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 1 { f.write_str("a day") } else { write!(f, "{} days", self.0) }
    }
}
