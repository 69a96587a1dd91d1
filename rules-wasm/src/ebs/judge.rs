//! May a class's controllers use a key for its volumes? The verdict, in words.

use super::{ESSENTIAL, Use, Who, called, role_name, ruling, sources, statement};
use crate::karpenter::{listed, sure_of_role};
use karpcheck_sdk::prelude::*;

/// Those who launch with a class: its controllers, or some role of the account where none was given.
pub(crate) fn users(class: Item) -> Vec<Who> {
    let controllers: Vec<Who> =
        class.related("@controller").iter().filter_map(Link::given).map(Who::Controller).collect();
    if controllers.is_empty() { vec![Who::Someone] } else { controllers }
}

/// Why nothing can be said of a controller that was not given.
pub(crate) fn nobody() -> Unknown {
    Unknown::not_provided("the controller, whose role has to use the key, was not given")
}

/// That a key or its policy was not given, and what it must hold.
pub(crate) fn unverified(class: Item, one: &Use, unknown: Unknown) -> Check {
    undecided(
        unknown,
        &one.at,
        format!(
            "{} uses {}, and whether that lets the controller's role use it cannot be verified: unless it does, every instance dies right after its launch",
            called(class),
            one.words()
        ),
    )
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
            && source.key.as_ref().is_none_or(|(source, _)| source.given() != Some(key))
    });
    let essential = ruling(who, key, ESSENTIAL);
    let further = ruling(who, key, &["kms:DescribeKey", "kms:ReEncryptTo"]);
    let Who::Controller(controller) = who else {
        let allowed = essential.denied.is_empty() && essential.open.is_none();
        return if allowed { pass() } else { unverified(class, one, nobody()) };
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
        "the instances are launched and die before they are nodes"
    } else {
        "EC2 may refuse the volume, and does where the image is encrypted under another key"
    };
    let role = role_name(controller);
    let finding = fail(
        if hard { Error } else { Warning },
        &one.at,
        format!(
            "{} uses {}, and the {role} may not use {} on it: {}; {will}",
            called(class),
            one.words(),
            listed(&names),
            first.why
        ),
    )
    .confidence(sure_of_role(controller))
    .property("actions", names.join(","));
    let forbidden = denied.iter().any(|(_, decision)| decision.access == Access::ExplicitDeny);
    let places: Vec<Place> = denied.iter().flat_map(|(_, decision)| decision.statements.clone()).collect();
    if forbidden {
        return finding
            .remedy(format!("Take the {role}, as it calls through EC2, out of the statement that denies it."))
            .see(places)
            .check();
    }
    let remedy = match statement(controller, key, &names) {
        Some(statement) => format!("Add to the key's policy: {statement}"),
        None => format!(
            "Let the {role} use {} on the key through EC2, in the key's policy or in one of its own.",
            listed(&names)
        ),
    };
    let finding = finding.remedy(remedy).see(places);
    let list = key.get("/KeyPolicy/Statement/0") != Value::Absent;
    let own = controller.related("/Role").first().and_then(Link::given);
    let abroad = own.is_some_and(|role| role.same("@account", key, "@account") == Answer::No);
    match statement(controller, key, &names) {
        Some(statement) if list && !abroad => finding.edit(key, "/KeyPolicy/Statement/-", Value::Json(statement)),
        _ => finding,
    }
    .check()
}

/// EBS itself decrypts by the grant that it got. No grant helps where the key's policy forbids it.
fn infrastructure(class: Item, one: &Use, key: Item) -> Option<Finding> {
    let unsure = || Value::Unknown("how EBS presents itself is AWS's affair".into());
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
            Error,
            &one.at,
            format!(
                "{} uses {}, whose policy forbids kms:Decrypt to EBS itself (aws:ec2-infrastructure): {}; no volume can be attached",
                called(class),
                one.words(),
                decision.why
            ),
        )
        .remedy("Spare arn:aws:iam::ACCOUNT:role/aws:ec2-infrastructure in the statement that denies it.")
        .see(decision.statements)
    })
}
