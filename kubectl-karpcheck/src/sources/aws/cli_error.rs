//! What the `aws` CLI says when it has no answer.

use crate::sources::aws::error;
use crate::sources::aws::error::{AwsError, Login, ProfileOption};
use crate::sources::cluster::tidy;

/// What it means.
pub(super) fn classify(text: &str, profile: Option<&str>) -> AwsError {
    let lower = text.to_ascii_lowercase();
    let option = || ProfileOption(profile.map(str::to_owned));
    if let Some(code) = code(text) {
        return error::of_code(code, text, profile);
    }
    if lower.contains("sso")
        && (lower.contains("expired") || lower.contains("error loading sso token") || lower.contains("does not exist"))
    {
        return AwsError::Login(Login::SsoExpired(option()));
    }
    if lower.contains("expired") {
        return AwsError::Login(Login::Expired(option()));
    }
    if lower.contains("unable to locate credentials") || lower.contains("no credentials") {
        return AwsError::Login(Login::NoCredentials);
    }
    if lower.contains("config profile") && lower.contains("could not be found") {
        return AwsError::Login(Login::NoProfile(profile.map(str::to_owned)));
    }
    if lower.contains("must specify a region") {
        return AwsError::Login(Login::NoRegion);
    }
    AwsError::Other
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_name_what_to_ask_for() {
        let text = "\nAn error occurred (AccessDeniedException) when calling the GetKeyPolicy operation: User: \
                    arn:aws:iam::111122223333:user/x is not authorized to perform: kms:GetKeyPolicy on resource: \
                    arn:aws:kms:eu-west-1:111122223333:key/k because no identity-based policy allows the \
                    kms:GetKeyPolicy action\n";
        assert_eq!(classify(text, None), AwsError::Refused(Some("kms:GetKeyPolicy".into())));
        let text = "An error occurred (UnauthorizedOperation) when calling the DescribeImages operation: You are not \
                    authorized to perform this operation.";
        assert_eq!(classify(text, None), AwsError::Refused(None));
    }

    #[test]
    fn what_is_missing_throttled_or_broken_is_told_apart() {
        let said = |code: &str| classify(&format!("An error occurred ({code}) when calling the X operation: y"), None);
        for code in
            ["NoSuchEntity", "NotFoundException", "AWS.SimpleQueueService.NonExistentQueue", "InvalidSnapshot.NotFound"]
        {
            assert_eq!(said(code), AwsError::NotFound, "{code}");
        }
        for code in ["Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"] {
            assert_eq!(said(code), AwsError::Throttled, "{code}");
        }
        assert_eq!(said("InternalFailure"), AwsError::Other);
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
            let AwsError::Login(login) = classify(text, Some("prod")) else { panic!("{text}") };
            assert!(login.to_string().contains(cure), "{login}");
        }
    }
}
