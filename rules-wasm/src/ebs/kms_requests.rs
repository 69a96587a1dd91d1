//! May a principal use a key for volumes? The requests that EC2 and EBS make for who launches an instance.
//!
//! Sources: the EBS user guide, "Requirements for Amazon EBS encryption"; the KMS developer guide, "How Amazon EBS uses
//! AWS KMS" and "Condition keys for AWS KMS"; the CloudTrail record in aws/karpenter-provider-aws#4935.

use karpcheck_sdk::prelude::*;

use crate::controllers::role;

/// Without one of these no encrypted volume comes to be attached.
pub(crate) const ESSENTIAL: &[&str] = &["kms:CreateGrant", "kms:Decrypt", "kms:GenerateDataKeyWithoutPlaintext"];

/// All that EC2 may put into the grant that it makes for a volume.
const OPERATIONS: &[&str] = &[
    "Decrypt",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "CreateGrant",
    "DescribeKey",
    "ReEncryptFrom",
    "ReEncryptTo",
];

/// Who has to use the key.
#[derive(Clone, Copy)]
pub(crate) enum Who {
    /// The role of a controller.
    Controller(Item),
    /// Some role of the account: no controller was given.
    Someone,
    /// The spot service's own role in the account of a class.
    Spot(Item),
}

/// What a principal may not do.
pub(crate) struct Ruling {
    pub denied: Vec<(&'static str, Decision)>,
    /// The first reason why something is unknown.
    pub open: Option<Unknown>,
}

impl Ruling {
    /// The denied actions.
    pub(crate) fn actions(&self) -> Vec<&'static str> {
        self.denied.iter().map(|(action, _)| *action).collect()
    }

    /// Why, by the first of them; none where nothing is denied.
    pub(crate) fn why(&self) -> Option<&str> {
        self.denied.first().map(|(_, decision)| decision.why.as_str())
    }

    /// The statements that say so.
    pub(crate) fn places(&self) -> Vec<Place> {
        self.denied.iter().flat_map(|(_, decision)| decision.statements.clone()).collect()
    }
}

/// Asks for each action.
pub(crate) fn ruling(who: Who, key: Item, actions: &[&'static str]) -> Ruling {
    let mut ruling = Ruling { denied: vec![], open: None };
    for action in actions {
        let decision = decide(who, key, action);
        match decision.access {
            Access::Allowed => {}
            Access::Unknown => {
                ruling.open.get_or_insert(decision.unknown.into());
            }
            Access::ImplicitDeny | Access::ExplicitDeny => ruling.denied.push((action, decision)),
        }
    }
    ruling
}

/// One action, in each form that EC2 may ask in: allowed or denied only where all forms are.
fn decide(who: Who, key: Item, action: &str) -> Decision {
    // What EC2 is called there is not certain in the China regions; a partition that was not given is hardly theirs.
    let via: &[bool] = match key.matches("@partition", "aws-cn") {
        Answer::No => &[true],
        Answer::Yes => &[false],
        Answer::Unknown => &[true, false],
    };
    let operations: &[&[&str]] = if action == "kms:CreateGrant" { &[OPERATIONS, &OPERATIONS[..1]] } else { &[&[]] };
    let decisions: Vec<Decision> = operations
        .iter()
        .map(|operations| {
            let mut forms = via.iter().map(|via| request(who, key, action, *via, operations).decide());
            let first = forms.next();
            match (first, forms.next()) {
                // Denied as it is asked in most partitions, and not certainly so in all.
                (Some(first), Some(other)) if first.access != Access::Allowed && !other.is_denied() => other,
                (Some(first), _) => first,
                (None, _) => request(who, key, action, false, operations).decide(),
            }
        })
        .collect();
    let all = |wanted: fn(&Decision) -> bool| decisions.iter().all(wanted);
    let mixed = !all(|one| one.access == Access::Allowed) && !all(Decision::is_denied);
    let mut decisions = decisions.into_iter();
    let first = decisions.next().unwrap_or_else(|| request(who, key, action, false, &[]).decide());
    if !mixed || first.access == Access::Unknown {
        return first;
    }
    let unknown = decisions.find_map(|decision| decision.unknown);
    let why = "which operations EC2 puts into its grant is not documented, and the policy does not allow all of them";
    Decision { access: Access::Unknown, unknown: Some(unknown.unwrap_or_else(|| why.into())), ..first }
}

fn request(who: Who, key: Item, action: &str, via: bool, operations: &[&str]) -> Request {
    let request = match who {
        Who::Controller(controller) => Request::by_item(controller, action, key),
        // No role has a known name here.
        Who::Someone => Request::by_arn("arn::iam:::role/{role}", action, key).field("role", key.field("/(a role)")),
        Who::Spot(class) => Request::by_arn(
            format!(
                "arn::iam::{}:role/aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot",
                class.known_text("@account").unwrap_or_default()
            ),
            action,
            key,
        ),
    };
    let mut request = request
        .field("region", key.field("@region"))
        .with("aws:ViaAWSService", true)
        .with("kms:EncryptionContext:*", Value::Absent);
    if via {
        request = request.with_template("kms:ViaService", "ec2.{region}.amazonaws.com");
    }
    let volume = || Value::Unknown("the volume's id is known when it exists".into());
    request = match action {
        // Only looks the key up.
        "kms:DescribeKey" => request.with("kms:EncryptionContextKeys", Value::Absent),
        _ => request
            .with("kms:EncryptionContextKeys", "aws:ebs:id")
            .with("kms:EncryptionContext:aws:ebs:id", volume())
            .with("kms:EncryptionAlgorithm", "SYMMETRIC_DEFAULT"),
    };
    if action != "kms:CreateGrant" {
        // Keys of requests about grants: a statement that asks for them allows nothing else.
        return ["kms:GrantIsForAWSResource", "kms:GrantConstraintType", "kms:GrantOperations", "kms:GranteePrincipal"]
            .iter()
            .fold(request, |request, name| request.with(*name, Value::Absent));
    }
    let request =
        request.with("kms:GrantIsForAWSResource", true).with("kms:GrantConstraintType", "EncryptionContextSubset");
    operations.iter().fold(request, |request, operation| request.with("kms:GrantOperations", *operation))
}

/// The name of a controller's role, else that it is the controller's.
pub(crate) fn role_name(controller: Item) -> String {
    if let Some(role) = role(controller) {
        return format!("role {}", role.name());
    }
    match controller.known_text("/Role") {
        Some(arn) => format!("role {}", arn.rsplit('/').next().unwrap_or(&arn)),
        None => format!("the role of controller {}", controller.name()),
    }
}

/// A statement for a key's policy that lets a controller's role do this through EC2, if the role's ARN is known.
pub(crate) fn statement(controller: Item, key: Item, actions: &[&str]) -> Option<String> {
    let arn = role(controller).and_then(|role| role.known_text("@arn")).or_else(|| controller.known_text("/Role"));
    let arn = arn.filter(|arn| arn.starts_with("arn:") && !arn.contains(['"', '\\']))?;
    let region = key.known_text("@region").unwrap_or_else(|| "*".to_owned());
    let actions: Vec<String> = actions.iter().map(|action| format!("{action:?}")).collect();
    let via = if region == "*" { "StringLike" } else { "StringEquals" };
    Some(format!(
        r#"{{"Sid":"KarpenterVolumes","Effect":"Allow","Principal":{{"AWS":"{arn}"}},"Action":[{}],"Resource":"*","Condition":{{"{via}":{{"kms:ViaService":"ec2.{region}.amazonaws.com"}}}}}}"#,
        actions.join(",")
    ))
}
