//! Amazon Resource Names, known in part or as a whole.

use crate::inventory::reason::{Cause, Reason};
use crate::inventory::text::{Part, Symbol, SymbolScope, Ternary, Text, Token};

/// The name of a pseudo parameter, by the part of an ARN that it stands for.
pub const PARTITION: &str = "${AWS::Partition}";
/// The region.
pub const REGION: &str = "${AWS::Region}";
/// The account.
pub const ACCOUNT: &str = "${AWS::AccountId}";

/// The symbol for a partition, account or region that nobody stated: the same one everywhere in a run.
pub fn unstated(name: &str) -> Text {
    let what = match name {
        PARTITION => "the partition is not known: --partition states it",
        REGION => "the region is not known: --region states it",
        _ => "the account is not known: --account states it",
    };
    Text::symbol(Symbol { name: name.into(), scope: SymbolScope::Home, reason: Reason::new(Cause::NotProvided, what) })
}

/// The partition that a region lies in, by its name.
pub fn partition_of(region: &str) -> &'static str {
    match region {
        region if region.starts_with("cn-") => "aws-cn",
        region if region.starts_with("us-gov-") => "aws-us-gov",
        region if region.starts_with("us-isob-") => "aws-iso-b",
        region if region.starts_with("us-iso-") => "aws-iso",
        _ => "aws",
    }
}

/// Where something lives.
#[derive(Clone, Debug)]
pub struct AccountRegion {
    /// `aws`.
    pub partition: Text,
    /// `eu-west-1`.
    pub region: Text,
    /// The account's number.
    pub account: Text,
}

/// The ARN of a resource of a CloudFormation type by its physical id (a queue's name, a key's id, a role's name with its
/// path), if the type's ARNs are made of nothing else.
pub fn compose(kind: &str, home: &AccountRegion, id: &Text) -> Option<Text> {
    let (service, before, regional) = match kind {
        "AWS::SQS::Queue" => ("sqs", "", true),
        "AWS::KMS::Key" => ("kms", "key/", true),
        "AWS::KMS::Alias" => ("kms", "", true),
        "AWS::Events::Rule" => ("events", "rule/", true),
        "AWS::DynamoDB::Table" => ("dynamodb", "table/", true),
        "AWS::EKS::Cluster" => ("eks", "cluster/", true),
        "AWS::IAM::Role" => ("iam", "role/", false),
        "AWS::IAM::ManagedPolicy" => ("iam", "policy/", false),
        "AWS::IAM::InstanceProfile" => ("iam", "instance-profile/", false),
        "AWS::EC2::Image" => ("ec2", "image/", true),
        "AWS::EC2::Snapshot" => ("ec2", "snapshot/", true),
        _ => return None,
    };
    let known = |text: &str| Part::Known(text.into());
    let mut parts = vec![known("arn:")];
    parts.extend(home.partition.clone().into_parts());
    parts.push(known(&format!(":{service}:")));
    if regional {
        parts.extend(home.region.clone().into_parts());
    }
    parts.push(known(":"));
    // Images and snapshots bear no account in their ARN: `arn:aws:ec2:eu-west-1::image/ami-0123`.
    if service != "ec2" {
        parts.extend(home.account.clone().into_parts());
    }
    parts.push(known(&format!(":{before}")));
    parts.extend(id.clone().into_parts());
    Some(Text::from_parts(parts))
}

/// The six parts of an ARN; none if it does not begin like one or has fewer.
pub fn split(arn: &Text) -> Option<[Text; 6]> {
    if !arn.starts_with("arn:") {
        return None;
    }
    let mut parts: Vec<Vec<Part>> = vec![vec![]];
    for token in arn.tokens() {
        match token {
            Token::Char(':') if parts.len() < 6 => parts.push(vec![]),
            Token::Char(char) => parts.last_mut()?.push(Part::Known(char.to_string().into())),
            Token::Hole(symbol) => parts.last_mut()?.push(Part::Hole(symbol.clone())),
            Token::Any | Token::Star => {}
        }
    }
    let texts: Vec<Text> = parts.into_iter().map(Text::from_parts).collect();
    texts.try_into().ok()
}

/// Do two ARNs name the same resource? Partition, region and account may be unstated on either side; service and
/// resource must be the same. Unlike [`Text::same`] this joins what can only be meant for each other.
pub fn joins(one: &Text, other: &Text) -> bool {
    let (Some(one), Some(other)) = (split(one), split(other)) else { return false };
    one.iter().zip(&other).enumerate().all(|(index, (a, b))| match index {
        1 | 3 | 4 => a.same(b) != Ternary::No,
        _ => a.same(b) == Ternary::Yes,
    })
}
