//! Karpenter's controllers, as other rules speak of them.

use karpcheck_sdk::prelude::*;

use crate::versions;

const KIND: &str = "Karpcheck::Controller";

/// What [`only_controller`] looks at.
pub(crate) const READS: &[&str] = &[KIND];

/// The policies that IAM is asked about.
pub(crate) const IAM: &[&str] = &["AWS::IAM::Role", "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"];

/// The role of a controller, if it was read.
pub(crate) fn role(controller: Item) -> Option<Item> {
    controller.field("/Role").linked()
}

/// How sure it is what a controller lacks: less where its role was not given, and the policies that look like a
/// controller's count as its own.
pub(crate) fn sure_of_role(controller: Item) -> Confidence {
    if role(controller).is_some() { Confidence::High } else { Confidence::Medium }
}

/// Was a controller's role not given, so that what it may do is not known? controller-role-missing says so.
pub(crate) fn role_not_given(controller: Item) -> bool {
    match controller.get("/Role") {
        Value::Unknown(why) => why.is_not_provided(),
        _ => controller
            .related("/Role")
            .iter()
            .any(|link| matches!(&link.item, Lookup::Unknown(why) if why.is_not_provided())),
    }
}

/// The controllers of an object, as places: so that a symptom stands under what is wrong with them.
pub(crate) fn of_object(object: Item) -> Vec<Place> {
    object.linked("@controller").map(|controller| controller.place("", "its controller")).collect()
}

/// The only controller that was given, as a place: whose log it is, a log does not say.
pub(crate) fn only_controller() -> Option<Place> {
    let mut all = select(KIND).known();
    let only = all.next()?;
    all.next().is_none().then(|| only.place("", "the controller"))
}

/// What AWS refuses in the trial that Karpenter makes of a class, by the reason that the class's conditions give: the action
/// that it is about.
pub(crate) const REFUSED_TRIALS: &[(&str, &str)] = &[
    ("CreateFleetAuthCheckFailed", "ec2:CreateFleet"),
    ("CreateLaunchTemplateAuthCheckFailed", "ec2:CreateLaunchTemplate"),
    ("RunInstancesAuthCheckFailed", "ec2:RunInstances"),
];

/// Where this release's chart, or the newest where it is not known, takes the cluster's name from.
pub(crate) fn cluster_name_setting(controller: Item) -> &'static str {
    match versions::version(controller).ok().flatten() {
        Some(version) if version < (0, 19) => "clusterName",
        Some(version) if version < (0, 32) => "settings.aws.clusterName",
        _ => "settings.clusterName",
    }
}
