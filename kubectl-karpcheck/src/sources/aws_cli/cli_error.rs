//! What the `aws` CLI says when it has no answer, and what to do about it.

use crate::sources::cluster::tidy;

/// Why there is no answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum CliError {
    /// IAM, or the resource's own policy, refused it; the action, where it is named.
    Refused(Option<String>),
    /// There is no such thing.
    NotFound,
    /// It was asked too often.
    Throttled,
    /// Nothing can be asked before somebody does this.
    Login(Login),
    /// Anything else.
    Other,
}

/// What is wrong with a login, with its cure.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, thiserror::Error)]
pub(super) enum Login {
    /// The session is over.
    #[error("the AWS session has expired: log in again, `aws sts get-caller-identity{0}` shows whether it worked")]
    Expired(ProfileOption),
    /// AWS knows no such credentials.
    #[error(
        "AWS does not accept the credentials: log in again, `aws sts get-caller-identity{0}` shows whether it worked"
    )]
    NotAccepted(ProfileOption),
    /// The session of IAM Identity Center is over.
    #[error("the SSO session of the aws CLI has expired: log in again with `aws sso login{0}`")]
    SsoExpired(ProfileOption),
    /// There are none.
    #[error(
        "the aws CLI has no credentials: log in with it, or name a profile with --aws-profile (`aws configure \
         list-profiles`)"
    )]
    NoCredentials,
    /// The profile, where it is named, is not configured.
    #[error(
        "the aws CLI has no profile {}: `aws configure list-profiles` lists those that there are, --aws-profile names one",
        .0.as_deref().unwrap_or("of that name")
    )]
    NoProfile(Option<String>),
    /// No region is configured.
    #[error("no region is known: name it with --region")]
    NoRegion,
}

/// ` --profile NAME`, where there is a profile.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct ProfileOption(Option<String>);

impl std::fmt::Display for ProfileOption {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.as_ref().map_or(Ok(()), |profile| write!(f, " --profile {profile}"))
    }
}

const REFUSED: [&str; 6] = [
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedOperation",
    "AuthorizationError",
    "AuthorizationErrorException",
    "AccessDenied.Exception",
];
const NOT_FOUND: [&str; 8] = [
    "NoSuchEntity",
    "NotFoundException",
    "ResourceNotFoundException",
    "ResourceNotFound",
    "AWS.SimpleQueueService.NonExistentQueue",
    "QueueDoesNotExist",
    "InvalidAMIID.Unavailable",
    "NoSuchEntityException",
];
const THROTTLED: [&str; 8] = [
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestLimitExceeded",
    "TooManyRequestsException",
    "SlowDown",
];
const EXPIRED: [&str; 4] = ["ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"];
const UNKNOWN_CREDENTIALS: [&str; 5] = [
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "AuthFailure",
    "SignatureDoesNotMatch",
    "IncompleteSignature",
];

/// What it means.
pub(super) fn classify(text: &str, profile: Option<&str>) -> CliError {
    let lower = text.to_ascii_lowercase();
    let option = || ProfileOption(profile.map(str::to_owned));
    if let Some(code) = code(text) {
        let is = |codes: &[&str]| codes.contains(&code);
        if is(&REFUSED) || code.starts_with("AccessDenied") {
            return CliError::Refused(action(text));
        }
        if is(&NOT_FOUND) || code.ends_with(".NotFound") || code.ends_with(".NonExistentQueue") {
            return CliError::NotFound;
        }
        if is(&THROTTLED) {
            return CliError::Throttled;
        }
        if is(&EXPIRED) {
            return CliError::Login(Login::Expired(option()));
        }
        if is(&UNKNOWN_CREDENTIALS) {
            return CliError::Login(Login::NotAccepted(option()));
        }
        return CliError::Other;
    }
    if lower.contains("sso")
        && (lower.contains("expired") || lower.contains("error loading sso token") || lower.contains("does not exist"))
    {
        return CliError::Login(Login::SsoExpired(option()));
    }
    if lower.contains("expired") {
        return CliError::Login(Login::Expired(option()));
    }
    if lower.contains("unable to locate credentials") || lower.contains("no credentials") {
        return CliError::Login(Login::NoCredentials);
    }
    if lower.contains("config profile") && lower.contains("could not be found") {
        return CliError::Login(Login::NoProfile(profile.map(str::to_owned)));
    }
    if lower.contains("must specify a region") {
        return CliError::Login(Login::NoRegion);
    }
    CliError::Other
}

/// The text in one line, the CLI's own usage lines left out.
pub(super) fn one_line(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    // A traceback, or a usage, ends in what matters.
    let said = tidy(&lines.iter().rev().take(2).rev().copied().collect::<Vec<_>>().join(" "));
    if said.is_empty() { "it said nothing".into() } else { said }
}

/// `AccessDenied` of `An error occurred (AccessDenied) when calling …`.
fn code(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("An error occurred (")?;
    Some(rest.split_once(')')?.0)
}

/// `kms:GetKeyPolicy` of `… is not authorized to perform: kms:GetKeyPolicy on resource: …`.
fn action(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("not authorized to perform: ")?;
    let action = rest.split_whitespace().next()?.trim_end_matches(['.', ',']);
    let fits = |char: char| char.is_ascii_alphanumeric() || char == ':' || char == '-';
    (action.contains(':') && action.chars().all(fits)).then(|| action.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_name_what_to_ask_for() {
        let text = "\nAn error occurred (AccessDeniedException) when calling the GetKeyPolicy operation: User: \
                    arn:aws:iam::111122223333:user/x is not authorized to perform: kms:GetKeyPolicy on resource: \
                    arn:aws:kms:eu-west-1:111122223333:key/k because no identity-based policy allows the \
                    kms:GetKeyPolicy action\n";
        assert_eq!(classify(text, None), CliError::Refused(Some("kms:GetKeyPolicy".into())));
        let text = "An error occurred (UnauthorizedOperation) when calling the DescribeImages operation: You are not \
                    authorized to perform this operation.";
        assert_eq!(classify(text, None), CliError::Refused(None));
    }

    #[test]
    fn what_is_missing_throttled_or_broken_is_told_apart() {
        let said = |code: &str| classify(&format!("An error occurred ({code}) when calling the X operation: y"), None);
        for code in
            ["NoSuchEntity", "NotFoundException", "AWS.SimpleQueueService.NonExistentQueue", "InvalidSnapshot.NotFound"]
        {
            assert_eq!(said(code), CliError::NotFound, "{code}");
        }
        for code in ["Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"] {
            assert_eq!(said(code), CliError::Throttled, "{code}");
        }
        assert_eq!(said("InternalFailure"), CliError::Other);
    }

    #[test]
    fn a_login_that_is_over_is_told_with_its_cure() {
        for (text, cure) in [
            ("Error loading SSO Token: Token for https://x has expired", "aws sso login --profile prod"),
            (
                "The SSO session associated with this profile has expired or is otherwise invalid.",
                "aws sso login --profile prod",
            ),
            (
                "Error when retrieving token from sso: Token has expired and refresh failed",
                "aws sso login --profile prod",
            ),
            ("An error occurred (ExpiredToken) when calling the GetCallerIdentity operation: x", "log in again"),
            (
                "Unable to locate credentials. You can configure credentials by running \"aws configure\".",
                "--aws-profile",
            ),
            ("The config profile (prod) could not be found", "aws configure list-profiles"),
            ("You must specify a region. You can also configure your region by running \"aws configure\".", "--region"),
        ] {
            let CliError::Login(login) = classify(text, Some("prod")) else { panic!("{text}") };
            assert!(login.to_string().contains(cure), "{login}");
        }
    }
}
