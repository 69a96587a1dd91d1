//! AWS's refusals, as errors tell of them in logs, conditions and events: what was refused, and by which kind of policy, since
//! that decides who can mend it.
//!
//! The sentences are AWS's: IAM user guide, "Troubleshoot access denied error messages"
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>). Karpenter shortens them in conditions
//! (`ToReasonMessage` in
//! <https://github.com/aws/karpenter-provider-aws/blob/v1.14.1/pkg/errors/errors.go>).

use karpcheck_sdk::prelude::*;

/// What AWS refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Refusal {
    /// AWS's code: `UnauthorizedOperation`; empty where the sentence has none.
    pub(crate) code: &'static str,
    /// `ec2:CreateTags`, as AWS writes it (SQS: in lower case).
    pub(crate) action: Option<String>,
    /// The ARN that it was asked for.
    pub(crate) resource: Option<String>,
    /// The role that asked, by name.
    pub(crate) role: Option<String>,
    /// What refused it.
    pub(crate) by: By,
    /// Does a statement forbid it, rather than none allow it?
    pub(crate) explicit: bool,
}

/// What refuses a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum By {
    /// A service control policy of the organisation.
    ServiceControl,
    /// A resource control policy of the organisation.
    ResourceControl,
    /// The role's permissions boundary.
    Boundary,
    /// The policy of the session.
    Session,
    /// The policy of a VPC endpoint.
    Endpoint,
    /// The policy of the resource: a queue's, a key's.
    Resource,
    /// The trust policy of the role.
    Trust,
    /// IAM has no such identity provider, or it does not take the token.
    Provider,
    /// The policies of the role.
    Identity,
    /// A service-linked role is missing, and the controller is not allowed to create it.
    LinkedRole,
    /// The image is not shared with the account.
    Image,
    /// It is not said.
    NotSaid,
}

/// AWS's codes. One that another begins with comes after it.
const CODES: &[&str] = &[
    "UnauthorizedOperation",
    "AccessDeniedException",
    "AccessDenied",
    "AuthFailure.ServiceLinkedRoleCreationNotPermitted",
    "AuthFailure",
    "InvalidIdentityToken",
    "AuthorizationError",
];
/// The words of a refusal that has no code with it.
const SENTENCE: &str = "not authorized to perform";
/// Karpenter's own words for every refusal that it has none for: they say nothing of the policy.
const KARPENTERS_GUESS: &str = "because no identity-based policy allows it";

/// The refusals that a text tells of, each once.
pub(crate) fn refusals(text: &str) -> Vec<Refusal> {
    let mut all: Vec<Refusal> = vec![];
    let mut before = 0;
    for (start, code, end) in segments(text) {
        let refusal = refusal(&text[before..start], code, &text[start..end]);
        before = start;
        if !all.iter().any(|other| other.is_alike(&refusal)) {
            all.push(refusal);
        }
    }
    // A code that is said once more, as in `(Service: Kms; Error Code: AccessDeniedException)`.
    if all.iter().any(Refusal::says_more) {
        all.retain(Refusal::says_more);
    }
    all
}

/// Where each refusal of a text begins, its code, and where the next one begins.
fn segments(text: &str) -> Vec<(usize, &'static str, usize)> {
    let mut starts: Vec<(usize, &'static str)> = vec![];
    let mut at = 0;
    while let Some((offset, code)) = next_code(&text[at..]) {
        starts.push((at + offset, code));
        at += offset + code.len();
    }
    if starts.is_empty() {
        starts.extend(text.find(SENTENCE).map(|_| (0, "")));
    }
    let ends = starts.iter().skip(1).map(|(start, _)| *start).chain([text.len()]);
    starts.iter().zip(ends).map(|((start, code), end)| (*start, *code, end)).collect()
}

fn next_code(text: &str) -> Option<(usize, &'static str)> {
    let found = CODES.iter().filter_map(|code| Some((text.find(code)?, *code)));
    found.min_by_key(|(offset, code)| (*offset, std::cmp::Reverse(code.len())))
}

fn refusal(before: &str, code: &'static str, text: &str) -> Refusal {
    let words = text.to_ascii_lowercase();
    let by = by(code, &words);
    let token =
        |rest: &str| rest.split_whitespace().next().map(|word| word.trim_end_matches(['.', ',', ';', '"']).to_owned());
    let after = |mark: &str| text.split_once(mark).and_then(|(_, rest)| token(rest)).filter(|word| !word.is_empty());
    // "not authorized to perform this operation. User: … is not authorized to perform: ec2:RunInstances"
    let named = text.match_indices("to perform").find_map(|(at, mark)| {
        let word = token(text[at + mark.len()..].trim_start_matches(':'))?;
        let (service, action) = word.split_once(':')?;
        (!service.is_empty() && !action.is_empty()).then(|| word.clone())
    });
    let role = after("User: ").and_then(|arn| {
        let (_, role) = arn.split_once(":assumed-role/")?;
        Some(role.rsplit_once('/').map_or(role, |(role, _)| role).to_owned())
    });
    let action = match by {
        By::LinkedRole => Some("iam:CreateServiceLinkedRole".to_owned()),
        By::Image => None,
        By::Provider => Some("sts:AssumeRoleWithWebIdentity".to_owned()),
        _ => named.or_else(|| operation(before)),
    };
    Refusal {
        code,
        action,
        resource: after("on resource: ").filter(|resource| resource.starts_with("arn:")),
        role,
        by,
        // Karpenter's short form, "due to a service control policy", stands for the explicit one.
        explicit: words.contains("explicit deny") || words.contains("due to a "),
    }
}

/// The action of `operation error SQS: GetQueueUrl, …`, as the SDK puts it before what AWS says.
fn operation(before: &str) -> Option<String> {
    let (_, rest) = before.rsplit_once("operation error ")?;
    let (service, rest) = rest.split_once(": ")?;
    let operation = rest.split([',', ' ', ':']).next().filter(|operation| !operation.is_empty())?;
    let prefix = match service {
        "ARC Zonal Shift" => "arc-zonal-shift".to_owned(),
        service => service.to_ascii_lowercase(),
    };
    prefix.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-').then(|| format!("{prefix}:{operation}"))
}

fn by(code: &str, words: &str) -> By {
    let has = |text: &str| words.contains(text);
    if code.ends_with("ServiceLinkedRoleCreationNotPermitted") {
        By::LinkedRole
    } else if has("not authorized for images") {
        By::Image
    } else if code == "InvalidIdentityToken" {
        By::Provider
    } else if has("service control polic") {
        By::ServiceControl
    } else if has("resource control polic") {
        By::ResourceControl
    } else if has("permissions boundary") || has("permission boundary") {
        By::Boundary
    } else if has("session polic") {
        By::Session
    } else if has("vpc endpoint polic") {
        By::Endpoint
    } else if has("resource-based polic") {
        By::Resource
    } else if has("trust polic") || has("sts:assumerole") {
        By::Trust
    } else if has("identity-based polic") && !has(KARPENTERS_GUESS) {
        By::Identity
    } else {
        By::NotSaid
    }
}

impl Refusal {
    /// Is more known of it than that there was one?
    fn says_more(&self) -> bool {
        self.action.is_some() || self.by != By::NotSaid
    }

    /// Is it the same call, refused for the same reason?
    pub(crate) fn is_alike(&self, other: &Self) -> bool {
        let lower = |refusal: &Self| refusal.action.as_ref().map(|action| action.to_ascii_lowercase());
        self.by == other.by && self.explicit == other.explicit && lower(self) == lower(other)
    }

    /// What it is shown as one row with, and what it has in common with what causes it.
    pub(crate) fn group(&self) -> String {
        let action = self.action.as_deref().unwrap_or_default().to_ascii_lowercase();
        format!("{action} {:?} {}", self.by, self.explicit)
    }

    /// What was refused: `ec2:CreateTags on arn:…`.
    pub(crate) fn what(&self) -> String {
        match (&self.action, &self.resource) {
            (Some(action), Some(resource)) => format!("{action} on {resource}"),
            (Some(action), None) => action.clone(),
            (None, _) if self.by == By::Image => "an image".to_owned(),
            (None, _) => "a call".to_owned(),
        }
    }

    /// The reason in words.
    pub(crate) fn why(&self) -> &'static str {
        match (self.by, self.explicit) {
            (By::ServiceControl, true) => "a service control policy of the organization denies it explicitly",
            (By::ServiceControl, false) => "no service control policy of the organization allows it",
            (By::ResourceControl, true) => "a resource control policy of the organization denies it explicitly",
            (By::ResourceControl, false) => "no resource control policy of the organization allows it",
            (By::Boundary, true) => "the role's permissions boundary denies it explicitly",
            (By::Boundary, false) => "the role's permissions boundary does not allow it",
            (By::Session, true) => "a session policy denies it explicitly",
            (By::Session, false) => "no session policy allows it",
            (By::Endpoint, true) => "the policy of a VPC endpoint denies it explicitly",
            (By::Endpoint, false) => "no policy of the VPC endpoint allows it",
            (By::Resource, true) => "the resource's own policy denies it explicitly",
            (By::Resource, false) => "the resource's own policy does not allow it",
            (By::Trust, _) => "the role's trust policy does not let the ServiceAccount in",
            (By::Provider, _) => "IAM has no OIDC provider that takes the cluster's tokens",
            (By::Identity, true) => "a policy of the role denies it explicitly",
            (By::Identity, false) => "no identity-based policy of the role allows it",
            (By::LinkedRole, _) => {
                "the account has no service-linked role for EC2 Spot, and the controller is not allowed to create it"
            }
            (By::Image, _) => "the image is not shared with this account",
            (By::NotSaid, _) => "AWS does not say which policy denied it",
        }
    }

    /// What to do, and whose job it is, where Karpenter's controller was refused.
    pub(crate) fn remedy(&self) -> String {
        self.remedy_for("the controller", "the running release's policy")
    }

    /// The same for any controller, and what to call the policy that it should have.
    pub(crate) fn remedy_for(&self, controller: &str, policy: &str) -> String {
        let role = self.role.as_ref().map_or_else(|| format!("{controller}'s role"), |role| format!("role {role}"));
        let what = self.what();
        match self.by {
            By::ServiceControl | By::ResourceControl => format!(
                "Ask the administrators of the AWS organization to exempt {role} from that policy: nothing in the role's own \
                 policies can allow what the organization denies."
            ),
            By::Boundary => format!(
                "Have {what} allowed in the permissions boundary of {role}: its own policies cannot go beyond the boundary."
            ),
            By::Session => {
                format!("Allow {what} in the session policy that whoever assumes {role} passes along, or pass none.")
            }
            By::Endpoint => format!("Allow {what} to {role} in the policy of the VPC endpoint of that service."),
            By::Resource => {
                format!("Allow {what} to {role} in the policy of the resource itself (the queue, the key).")
            }
            By::Trust => format!(
                "Let {controller}'s ServiceAccount in by the trust policy of {role}: its OIDC provider as principal, and the \
                 conditions :sub and :aud of this cluster."
            ),
            By::Provider => {
                "Create the IAM OIDC provider of this cluster (eksctl utils associate-iam-oidc-provider), and \
                             name it in the trust policy of the controller's role."
                    .to_owned()
            }
            By::Identity if self.explicit => {
                format!("Find the Deny in the policies of {role} that covers {what}, and narrow it.")
            }
            By::Identity => format!("Give {role} {what}, as {policy} does."),
            By::LinkedRole => "Create it once in this account: aws iam create-service-linked-role --aws-service-name \
                               spot.amazonaws.com."
                .to_owned(),
            By::Image => {
                "Share the image (and the key of its snapshots) with this account, or select another one.".to_owned()
            }
            By::NotSaid => format!(
                "See that {policy} is attached to {role} with {what}; if it is, look for a permissions \
                 boundary and for a service control policy of the organization."
            ),
        }
    }

    /// The rules whose findings can be its cause.
    const fn causes(&self) -> &'static str {
        match self.by {
            // What refuses it is out of karpcheck's sight.
            By::ServiceControl | By::ResourceControl | By::Session | By::Endpoint | By::Image => "",
            By::Trust | By::Provider => "controller-role-missing",
            By::Resource => "queue-controller-cannot-receive queue-controller-cannot-decrypt ebs-key-denies-controller",
            By::Boundary | By::Identity | By::LinkedRole | By::NotSaid => {
                "create-tags-denied-at-launch create-tags-denied-on-existing policy-newer-than-controller \
                 controller-permission-missing queue-controller-cannot-receive queue-controller-cannot-decrypt \
                 controller-role-missing"
            }
        }
    }

    /// A finding about it, with what machines and the report's order ask for.
    pub(crate) fn finding(&self, finding: Finding) -> Finding {
        let finding = finding.remedy(self.remedy()).group(self.group()).property("follows", self.causes());
        match &self.action {
            Some(action) => finding.property("actions", action.clone()),
            None => finding,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<(Option<String>, By, bool)> {
        refusals(text).into_iter().map(|refusal| (refusal.action, refusal.by, refusal.explicit)).collect()
    }

    fn one(text: &str, action: &str, by: By, explicit: bool) {
        assert_eq!(told(text), [(Some(action.to_owned()).filter(|action| !action.is_empty()), by, explicit)], "{text}");
    }

    #[test]
    fn the_kind_of_policy_is_what_aws_says() {
        let sentence = |why: &str| {
            format!(
                "creating instance, with fleet error(s), UnauthorizedOperation: You are not authorized to perform this \
                 operation. User: arn:aws:sts::111122223333:assumed-role/karpenter/1731 is not authorized to perform: \
                 ec2:RunInstances on resource: arn:aws:ec2:eu-west-1:111122223333:instance/* {why}. Encoded authorization \
                 failure message: g4oZPBqZ"
            )
        };
        for (why, by, explicit) in [
            ("with an explicit deny in a service control policy", By::ServiceControl, true),
            ("because no service control policy allows the ec2:RunInstances action", By::ServiceControl, false),
            ("with an explicit deny in a resource control policy", By::ResourceControl, true),
            ("with an explicit deny in a permissions boundary", By::Boundary, true),
            ("because no permissions boundary allows the ec2:RunInstances action", By::Boundary, false),
            ("because no session policy allows the ec2:RunInstances action", By::Session, false),
            ("because no VPC endpoint policy allows the ec2:RunInstances action", By::Endpoint, false),
            ("because no resource-based policy allows the ec2:RunInstances action", By::Resource, false),
            ("with an explicit deny in an identity-based policy", By::Identity, true),
            ("because no identity-based policy allows the ec2:RunInstances action", By::Identity, false),
            ("", By::NotSaid, false),
        ] {
            one(&sentence(why), "ec2:RunInstances", by, explicit);
        }
        let refusal = &refusals(&sentence(""))[0];
        assert_eq!(refusal.role.as_deref(), Some("karpenter"));
        assert_eq!(refusal.resource.as_deref(), Some("arn:aws:ec2:eu-west-1:111122223333:instance/*"));
    }

    #[test]
    fn each_service_refuses_in_its_own_words() {
        one(
            "operation error SQS: GetQueueUrl, https response error StatusCode: 403, RequestID: 7, api error AccessDenied: User: \
             arn:aws:sts::111122223333:assumed-role/a/b is not authorized to perform: sqs:getqueueurl on resource: \
             arn:aws:sqs:eu-west-1:111122223333:demo because no identity-based policy allows the sqs:getqueueurl action",
            "sqs:getqueueurl",
            By::Identity,
            false,
        );
        one(
            "operation error SQS: ReceiveMessage, https response error StatusCode: 400, KMS.AccessDeniedException: User: \
             arn:aws:sts::111122223333:assumed-role/a/b is not authorized to perform: kms:Decrypt on resource: \
             arn:aws:kms:eu-west-1:111122223333:key/1 because no resource-based policy allows the kms:Decrypt action \
             (Service: Kms; Status Code: 400; Error Code: AccessDeniedException)",
            "kms:Decrypt",
            By::Resource,
            false,
        );
        one(
            "Checking EC2 API connectivity, WebIdentityErr: failed to retrieve credentials\ncaused by: AccessDenied: Not \
             authorized to perform sts:AssumeRoleWithWebIdentity\n\tstatus code: 403",
            "sts:AssumeRoleWithWebIdentity",
            By::Trust,
            false,
        );
        one(
            "operation error STS: AssumeRoleWithWebIdentity, https response error StatusCode: 400, RequestID: 1, \
             InvalidIdentityToken: No OpenIDConnect provider found in your account for https://oidc.eks.eu-west-1.amazonaws.com/id/A",
            "sts:AssumeRoleWithWebIdentity",
            By::Provider,
            false,
        );
        one(
            "with fleet error(s), AuthFailure.ServiceLinkedRoleCreationNotPermitted: The provided credentials do not have \
             permission to create the service-linked role for EC2 Spot Instances.",
            "iam:CreateServiceLinkedRole",
            By::LinkedRole,
            false,
        );
        one("AuthFailure: Not authorized for images: [ami-0123456789abcdef0]", "", By::Image, false);
        one(
            "operation error EC2: CreateFleet, https response error StatusCode: 403, api error UnauthorizedOperation: You are \
             not authorized to perform this operation. Encoded authorization failure message: abc",
            "ec2:CreateFleet",
            By::NotSaid,
            false,
        );
    }

    #[test]
    fn karpenters_own_words_for_what_it_does_not_know_are_no_reason() {
        let guess =
            "Unauthorized: User is not authorized to perform this operation because no identity-based policy allows it";
        one(guess, "", By::NotSaid, false);
        let known = "User is not authorized to perform this operation due to a service control policy";
        one(known, "", By::ServiceControl, true);
    }

    #[test]
    fn several_refusals_in_one_text_are_told_apart_and_each_once() {
        let text = "UnauthorizedOperation: not authorized to perform: ec2:CreateTags on resource: arn:aws:ec2:a:b:volume/*; \
                    UnauthorizedOperation: not authorized to perform: ec2:CreateTags on resource: arn:aws:ec2:a:b:instance/*; \
                    UnauthorizedOperation: not authorized to perform: ec2:RunInstances on resource: arn:aws:ec2:a:b:image/*";
        let actions: Vec<Option<String>> = refusals(text).into_iter().map(|refusal| refusal.action).collect();
        assert_eq!(actions, [Some("ec2:CreateTags".into()), Some("ec2:RunInstances".into())]);
    }

    #[test]
    fn what_is_no_refusal_is_none() {
        for text in [
            "",
            "operation error IAM: ListInstanceProfiles, request send failed, dial tcp 10.0.0.1:443: i/o timeout",
            "InsufficientInstanceCapacity: We currently do not have sufficient capacity",
            "RequestLimitExceeded: Request limit exceeded.",
        ] {
            assert!(refusals(text).is_empty(), "{text}");
        }
    }
}
