//! What the host knows of a request without being told: the context keys that follow from who asks, for what and where.
//!
//! Source: the IAM user guide, reference_policies_condition-keys.html, and the KMS developer guide, conditions-kms.html.

use crate::inventory::arn::AccountRegion;
use crate::inventory::reason::Iam;
use crate::inventory::{Cause, Reason, Text};

use crate::iam::context::{Context, Given};
use crate::iam::identity::{IdentityKind, Principal};

/// A value that is no one's: what the keys of a stranger hold.
const STRANGER: &str = "(another account)";

/// The regions that the Price List API has endpoints in: AWS Billing user guide, using-price-list-query-api-endpoints.
const PRICING: &[&str] = &["us-east-1", "eu-central-1", "ap-south-1", "cn-northwest-1"];

/// What the keys follow from.
pub(super) struct Facts<'a> {
    pub(super) principal: &'a Principal,
    /// `kms`.
    pub(super) service: &'a str,
    pub(super) own: &'a AccountRegion,
    pub(super) target: &'a AccountRegion,
    /// The resource's ARN in its parts, if it is one.
    pub(super) resource: Option<&'a [Text; 6]>,
}

/// Adds the keys that the request does not name.
pub(super) fn add(context: &mut Context, facts: &Facts<'_>) {
    let via = matches!(context.get("kms:ViaService"), Some(Given::Values(_)));
    let set = &mut |key: &'static str, given: Given| context.set_fact(key, given);
    set("aws:SecureTransport", Given::one("true"));
    let resource = facts.resource;
    if let Some(account) = resource.map(|parts| &parts[4]).filter(|account| !account.is_empty()) {
        set("aws:ResourceAccount", Given::one(account.clone()));
    }
    let region = match facts.service {
        // Which of its endpoints is called does not follow from the region of who asks, unless that region has one.
        "pricing" if !facts.own.region.known().is_some_and(|own| PRICING.contains(&own)) => {
            let gap = Iam::Endpoint { service: facts.service.into() };
            set("aws:RequestedRegion", Given::Unknown(Reason::new(Cause::NotProvided, gap)));
            Text::from("")
        }
        // Their endpoints are all in one region.
        "iam" | "organizations" | "route53" if facts.own.partition.known() == Some("aws") => Text::from("us-east-1"),
        "iam" | "organizations" | "route53" | "sts" | "s3" => Text::from(""),
        _ => resource.map(|parts| parts[3].clone()).filter(|region| !region.is_empty()).unwrap_or_else(|| match facts
            .principal
        {
            Principal::Identity(_) => facts.own.region.clone(),
            Principal::Service(_) | Principal::Federated(_) | Principal::Anyone => facts.target.region.clone(),
        }),
    };
    if !region.is_empty() {
        if facts.service == "ec2" {
            set("ec2:Region", Given::one(region.clone()));
        }
        set("aws:RequestedRegion", Given::one(region));
    }
    match facts.principal {
        Principal::Identity(identity) => {
            set("aws:PrincipalArn", Given::one(identity.arn.clone()));
            set("aws:PrincipalAccount", Given::one(identity.account.clone()));
            set("aws:PrincipalIsAWSService", Given::one("false"));
            set("aws:ViaAWSService", Given::one(if via { "true" } else { "false" }));
            for key in
                ["aws:PrincipalServiceName", "aws:PrincipalServiceNamesList", "aws:SourceArn", "aws:SourceAccount"]
            {
                set(key, Given::Absent);
            }
            match identity.kind {
                IdentityKind::Role => {
                    set("aws:PrincipalType", Given::one("AssumedRole"));
                    set("aws:username", Given::Absent);
                }
                IdentityKind::User => {
                    set("aws:PrincipalType", Given::one("User"));
                    if let Some(name) = identity.name() {
                        set("aws:username", Given::one(name));
                    }
                }
                IdentityKind::Root => set("aws:PrincipalType", Given::one("Account")),
            }
            if facts.service == "kms" {
                set("kms:CallerAccount", Given::one(identity.account.clone()));
            }
        }
        Principal::Service(name) => {
            set("aws:PrincipalIsAWSService", Given::one("true"));
            set("aws:PrincipalServiceName", Given::one(name.clone()));
            set("aws:ViaAWSService", Given::one("false"));
            for key in [
                "aws:PrincipalArn",
                "aws:PrincipalAccount",
                "aws:PrincipalOrgID",
                "aws:PrincipalOrgPaths",
                "aws:PrincipalTag/*",
                "aws:userid",
                "aws:username",
                "aws:SourceVpc",
                "aws:SourceVpce",
                "aws:VpcSourceIp",
                "aws:TokenIssueTime",
                "aws:MultiFactorAuthPresent",
                "aws:MultiFactorAuthAge",
                "kms:CallerAccount",
            ] {
                set(key, Given::Absent);
            }
        }
        // Who brings a token has no identity in AWS yet.
        Principal::Federated(_) => {
            set("aws:PrincipalIsAWSService", Given::one("false"));
            set("aws:ViaAWSService", Given::one("false"));
            for key in [
                "aws:PrincipalArn",
                "aws:PrincipalAccount",
                "aws:PrincipalOrgID",
                "aws:PrincipalOrgPaths",
                "aws:PrincipalServiceName",
                "aws:PrincipalServiceNamesList",
                "aws:PrincipalTag/*",
                "aws:SourceArn",
                "aws:SourceAccount",
                "aws:userid",
                "aws:username",
                "aws:MultiFactorAuthPresent",
                "aws:MultiFactorAuthAge",
                "aws:TokenIssueTime",
            ] {
                set(key, Given::Absent);
            }
        }
        Principal::Anyone => {
            set("aws:PrincipalIsAWSService", Given::one("false"));
            set("aws:ViaAWSService", Given::one("false"));
            set("aws:PrincipalType", Given::one("AssumedRole"));
            for key in [
                "aws:PrincipalServiceName",
                "aws:PrincipalServiceNamesList",
                "aws:SourceArn",
                "aws:SourceAccount",
                "aws:SourceOrgID",
            ] {
                set(key, Given::Absent);
            }
            for key in [
                "aws:PrincipalArn",
                "aws:PrincipalAccount",
                "aws:PrincipalOrgID",
                "aws:PrincipalOrgPaths",
                "aws:userid",
                "aws:username",
                "aws:SourceVpc",
                "aws:SourceVpce",
                "aws:SourceIp",
                "kms:CallerAccount",
            ] {
                set(key, Given::one(STRANGER));
            }
        }
    }
}
