//! KMS keys: whose they are, whether they can be used, and what a name of one says.

use karpcheck_sdk::prelude::*;

use crate::documents;

/// What the alias of a key begins with that AWS manages; the service that it is for follows.
const AWS_ALIAS: &str = "alias/aws/";

/// The service that AWS manages a key for, by the key's name: `ebs` of `alias/aws/ebs`.
pub(crate) fn aws_service(name: &str) -> Option<&str> {
    name.split_once(AWS_ALIAS).map(|(_, service)| service)
}

/// Is what a field says the name of a key that AWS manages for a service (`sqs`; `*` for any)?
pub(crate) fn names_aws_managed(field: &Field, service: &str) -> Answer {
    let answers = ["", "arn:*:kms:*:"].map(|form| field.matches(&format!("{form}{AWS_ALIAS}{service}")));
    if answers.contains(&Answer::Yes) {
        Answer::Yes
    } else if answers.contains(&Answer::Unknown) {
        Answer::Unknown
    } else {
        Answer::No
    }
}

/// Is it certainly a key that AWS manages?
pub(crate) fn is_aws_managed(key: Item) -> bool {
    key.matches("/KeyManager", "AWS").is_yes()
}

/// Why a key's policy is not known, if it was not given.
pub(crate) fn policy_not_given(key: Item) -> Option<Unknown> {
    documents::not_given(&key.field("/KeyPolicy"))
}

/// The region of a key's or an alias's ARN.
pub(crate) fn region(key: &str) -> Option<&str> {
    let mut parts = key.split(':');
    let of_kms = parts.next() == Some("arn") && parts.nth(1) == Some("kms");
    parts.next().filter(|region| of_kms && !region.is_empty())
}

/// Can a key be used?
pub(crate) enum State {
    /// It says so.
    Enabled,
    /// It does not say, and nothing speaks against it.
    NotDisabled,
    /// Not in this state, which the field tells.
    Broken(String, Field),
    /// It is `Creating` or `Updating`, which passes by itself.
    Changing(String),
    /// It was not described.
    NotDescribed,
}

/// The state of a key.
pub(crate) fn state(key: Item) -> Result<State, Unknown> {
    let field = key.field("/KeyState");
    match field.text() {
        Ok(Some(state)) => match state.as_str() {
            "Enabled" => Ok(State::Enabled),
            "Disabled" | "PendingDeletion" | "PendingReplicaDeletion" | "PendingImport" | "Unavailable" => {
                Ok(State::Broken(state, field))
            }
            _ => Ok(State::Changing(state)),
        },
        Err(unknown) if !unknown.is_not_provided() => Err(unknown),
        Ok(None) | Err(_) => {
            let field = key.field("/Enabled");
            match field.flag() {
                Ok(Some(false)) => Ok(State::Broken("Disabled".into(), field)),
                Ok(_) => Ok(State::NotDisabled),
                Err(unknown) if unknown.is_not_provided() => Ok(State::NotDescribed),
                Err(unknown) => Err(unknown),
            }
        }
    }
}

/// Whether a key will be usable is not known while its state changes.
pub(crate) fn changing(key: Item, state: &str) -> Unknown {
    Unknown::undecidable(format!("the key {} is in the state {state}", key.name())).with_code("key-state-changes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_arn_of_kms_says_a_region() {
        assert_eq!(region("arn:aws:kms:us-east-1:111122223333:alias/karpenter"), Some("us-east-1"));
        assert_eq!(region("arn:aws:ec2:us-east-1::snapshot/snap-1"), None);
        assert_eq!(region("arn:aws:sqs:us-east-1:111122223333:prod"), None);
        assert_eq!(region("alias/karpenter"), None);
    }
}
