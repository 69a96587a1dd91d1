//! What it means when AWS has no answer, and what to do about it.

/// Why there is no answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum AwsError {
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
    /// Signatures are only good for some minutes.
    #[error(
        "the clock of this machine is {minutes} minutes {} AWS's, which takes no signature of then: set it",
        if *.ahead { "ahead of" } else { "behind" }
    )]
    Clock {
        /// How far.
        minutes: u64,
        /// Is it ahead?
        ahead: bool,
    },
    /// No region is configured.
    #[error("no region is known: name it with --region")]
    NoRegion,
}

/// ` --profile NAME`, where there is a profile.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct ProfileOption(pub(super) Option<String>);

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
const THROTTLED: [&str; 12] = [
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestLimitExceeded",
    "TooManyRequestsException",
    "SlowDown",
    "EC2ThrottledException",
    "ProvisionedThroughputExceededException",
    "PriorRequestNotComplete",
    // The status, where there is no code.
    "429",
];
const EXPIRED: [&str; 4] = ["ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"];
const UNKNOWN_CREDENTIALS: [&str; 6] = [
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "AuthFailure",
    "SignatureDoesNotMatch",
    "InvalidSignatureException",
    "IncompleteSignature",
];

/// What a code means, with AWS's words beside it.
pub(super) fn of_code(code: &str, message: &str, profile: Option<&str>) -> AwsError {
    let is = |codes: &[&str]| codes.contains(&code);
    let option = || ProfileOption(profile.map(str::to_owned));
    if is(&REFUSED) || code.starts_with("AccessDenied") {
        return AwsError::Refused(action(message));
    }
    if is(&NOT_FOUND) || code.ends_with(".NotFound") || code.ends_with(".NonExistentQueue") {
        return AwsError::NotFound;
    }
    if is(&THROTTLED) {
        return AwsError::Throttled;
    }
    if is(&EXPIRED) {
        return AwsError::Login(Login::Expired(option()));
    }
    if is(&UNKNOWN_CREDENTIALS) {
        return AwsError::Login(Login::NotAccepted(option()));
    }
    AwsError::Other
}

/// `kms:GetKeyPolicy` of `… is not authorized to perform: kms:GetKeyPolicy on resource: …`.
fn action(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("not authorized to perform: ")?;
    let action = rest.split_whitespace().next()?.trim_end_matches(['.', ',']);
    let fits = |char: char| char.is_ascii_alphanumeric() || char == ':' || char == '-';
    (action.contains(':') && action.chars().all(fits)).then(|| action.to_owned())
}

/// May it be that the signature is of another time?
pub(super) fn is_about_time(code: &str) -> bool {
    const CODES: [&str; 6] = [
        "RequestTimeTooSkewed",
        "RequestInTheFuture",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "InvalidSignatureException",
        "AuthFailure",
    ];
    CODES.contains(&code)
}
