//! May a class's controllers use a key for its volumes? The verdict, in words.

use super::kms_requests::statement;
use super::{ESSENTIAL, Use, Who, called, role_name, ruling, sources};
use crate::controllers::{role, sure_of_role};
use crate::words::listed;
use karpcheck_sdk::prelude::*;

/// Those who launch with a class: its controllers, or some role of the account where none was given.
pub(crate) fn users(class: Item) -> Vec<Who> {
    let controllers: Vec<Who> = class.linked("@controller").map(Who::Controller).collect();
    if controllers.is_empty() { vec![Who::Someone] } else { controllers }
}

/// Why nothing can be said of a controller that was not given.
pub(crate) fn controller_not_given() -> Unknown {
    Unknown::not_provided("the controller, whose role has to use the key, was not given")
        .with_code("controller-not-given")
        .settled_by(Settlement::Kind("Karpcheck::Controller".into()))
}

/// That a key or its policy was not given, and what it must hold.
pub(crate) fn unverified(class: Item, one: &Use, unknown: Unknown) -> Check {
    undecided(
        unknown,
        &one.at,
        format!(
            "{} uses {}, and whether that allows the controller's role to use it cannot be verified: unless it does, \
             every instance dies right after its launch",
            called(class),
            one.words()
        ),
    )
    .confidence(Confidence::Low)
    .remedy(
        "Check the key: enabled, symmetric, of this region; and the controller's role needs kms:CreateGrant, kms:Decrypt, kms:GenerateDataKeyWithoutPlaintext, kms:DescribeKey and kms:ReEncrypt* on it through EC2, by the key's policy or its own.",
    )
    .check()
}

/// May these use a customer's key for the volumes that are under it?
pub(crate) fn judge(class: Item, one: &Use, key: Item, who: Who) -> Check {
    // ReEncryptTo counts where an image or snapshot is encrypted under another key.
    let reencrypts = sources(class).iter().any(|source| {
        source.encrypted == Some(true)
            && one.devices.contains(&source.device)
            && source.key.as_ref().is_none_or(|(source, _)| source.known() != Some(key))
    });
    let essential = ruling(who, key, ESSENTIAL);
    let further = ruling(who, key, &["kms:DescribeKey", "kms:ReEncryptTo"]);
    let Who::Controller(controller) = who else {
        let allowed = essential.denied.is_empty() && essential.open.is_none();
        return if allowed { pass() } else { unverified(class, one, controller_not_given()) };
    };
    let hard = !essential.denied.is_empty()
        || (reencrypts && further.denied.iter().any(|(action, _)| *action == "kms:ReEncryptTo"));
    let denied: Vec<(&'static str, Decision)> = essential.denied.into_iter().chain(further.denied).collect();
    let Some((_, first)) = denied.first() else {
        if let Some(by) = infrastructure(class, one, key) {
            return by.check();
        }
        return match (essential.open, further.open) {
            (Some(unknown), _) => unverified(class, one, unknown),
            (None, Some(unknown)) => Err(unknown),
            (None, None) => pass(),
        };
    };
    let names: Vec<&str> = denied.iter().map(|(action, _)| *action).collect();
    let will = if hard {
        "the instances are launched and terminate before they become nodes"
    } else {
        "EC2 may refuse the volume, and does where the image is encrypted under another key"
    };
    let role_name = role_name(controller);
    let finding = fail(
        &one.at,
        format!(
            "{} uses {}, and the {role_name} is not allowed to use {} on it: {}; {will}",
            called(class),
            one.words(),
            listed(&names),
            first.why
        ),
    )
    .confidence(sure_of_role(controller))
    .severity(if hard { Error } else { Warning })
    .property("actions", names.join(","))
    .group(names.join(" "));
    let forbidden = denied.iter().any(|(_, decision)| decision.access == Access::ExplicitDeny);
    let places: Vec<Place> = denied.iter().flat_map(|(_, decision)| decision.statements.clone()).collect();
    if forbidden {
        return finding
            .remedy(format!("Exempt the {role_name}, as it calls through EC2, from the statement that denies it."))
            .related(places)
            .check();
    }
    let statement = statement(controller, key, &names);
    let remedy = match &statement {
        Some(statement) => format!("Add to the key's policy: {statement}"),
        None => format!(
            "Allow the {role_name} to use {} on the key through EC2, in the key's policy or in one of its own.",
            listed(&names)
        ),
    };
    let finding = finding.remedy(remedy).related(places);
    let policy = key.field("/KeyPolicy/Statement");
    let abroad = role(controller).is_some_and(|role| role.same("@account", key, "@account").is_no());
    match statement {
        Some(statement) if !policy.child("0").is_absent() && !abroad => {
            finding.edit(policy.child("-"), Value::Json(statement))
        }
        _ => finding,
    }
    .check()
}

/// EBS itself decrypts by the grant that it got. No grant helps where the key's policy forbids it.
fn infrastructure(class: Item, one: &Use, key: Item) -> Option<Finding> {
    let unsure = || Value::Unknown("how EBS identifies itself is not documented".into());
    let request = [
        "aws:PrincipalIsAWSService",
        "aws:ViaAWSService",
        "kms:ViaService",
        "aws:PrincipalType",
        "aws:SecureTransport",
    ]
    .iter()
    .fold(Request::by_arn("arn::iam:::role/aws:ec2-infrastructure", "kms:Decrypt", key), |request, name| {
        request.with(*name, unsure())
    });
    let decision = request.decide();
    (decision.access == Access::ExplicitDeny).then(|| {
        fail(
            &one.at,
            format!(
                "{} uses {}, whose policy denies kms:Decrypt to EBS itself (aws:ec2-infrastructure): {}; no volume \
                 can be attached",
                called(class),
                one.words(),
                decision.why
            ),
        )
        .remedy("Exempt arn:aws:iam::ACCOUNT:role/aws:ec2-infrastructure from the statement that denies it.")
        .group("ec2-infrastructure")
        .related(decision.statements)
    })
}
