//! ## What it finds
//!
//! Objects of Karpenter in a version of its API
//!
//! - that the running controller no longer serves: Provisioner, Machine and AWSNodeTemplate from 0.33 on, `v1beta1` of
//!   NodePool, NodeClaim and EC2NodeClass from 1.1 on;
//! - that it does not serve yet: `v1` before 1.0. The last patches of 0.33 to 0.37 have `v1` in their definitions, so that
//!   there is a way back from 1.0: good to know there, since each request then goes through the conversion webhook;
//! - that the kind never had: NodePool in `v1alpha5`.
//!
//! ## Why it matters
//!
//! The controller does not see such objects. A Provisioner that is still there scales nothing; a `v1beta1` manifest is
//! refused by the API server once the CRDs of 1.1 are installed ("no matches for kind"), so the next deployment from Git
//! fails, and with it every later change.
//!
//! ## How to fix it
//!
//! Rewrite the objects in `v1` before the controller is upgraded: 1.0 serves `v1beta1` and `v1` side by side and converts
//! what is stored. From `v1alpha5`, go through 0.32, which serves `v1alpha5` and `v1beta1`.
//!
//! ## Example that fails
//!
//! ```yaml
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata:
//!   name: karpenter
//!   namespace: kube-system
//!   labels: {app.kubernetes.io/name: karpenter}
//! spec:
//!   selector: {matchLabels: {app.kubernetes.io/name: karpenter}}
//!   template:
//!     metadata:
//!       labels: {app.kubernetes.io/name: karpenter}
//!     spec:
//!       containers:
//!         - name: controller
//!           image: public.ecr.aws/karpenter/controller:1.1.0
//!           env:
//!             - {name: CLUSTER_NAME, value: demo}
//!             - {name: INTERRUPTION_QUEUE, value: demo}
//! ---
//! apiVersion: karpenter.sh/v1beta1
//! kind: NodePool
//! metadata:
//!   name: default
//! spec:
//!   template:
//!     spec:
//!       nodeClassRef: {apiVersion: karpenter.k8s.aws/v1beta1, kind: EC2NodeClass, name: default}
//! ```
//!
//! ## Example that passes
//!
//! ```yaml
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata:
//!   name: karpenter
//!   namespace: kube-system
//!   labels: {app.kubernetes.io/name: karpenter}
//! spec:
//!   selector: {matchLabels: {app.kubernetes.io/name: karpenter}}
//!   template:
//!     metadata:
//!       labels: {app.kubernetes.io/name: karpenter}
//!     spec:
//!       containers:
//!         - name: controller
//!           image: public.ecr.aws/karpenter/controller:1.1.0
//!           env:
//!             - {name: CLUSTER_NAME, value: demo}
//!             - {name: INTERRUPTION_QUEUE, value: demo}
//! ---
//! apiVersion: karpenter.sh/v1
//! kind: NodePool
//! metadata:
//!   name: default
//! spec:
//!   template:
//!     spec:
//!       nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: default}
//! ```
//!
//! ## Sources
//!
//! - Karpenter, upgrade guide (0.33 and 1.1): <https://karpenter.sh/docs/upgrading/upgrade-guide/>
//! - Karpenter, migrating to v1: <https://karpenter.sh/v1.0/upgrading/v1-migration/>

use karpcheck_sdk::prelude::*;

use crate::crds;
use crate::schemas::{self, Release, Served};
use crate::versions::{self, Minor};

pub(crate) const RULE: Rule = Rule {
    title: "An object uses an API version that the controller does not serve",
    severity: Error,
    subjects: &[
        "karpenter.sh/Provisioner",
        "karpenter.sh/Machine",
        "karpenter.sh/NodePool",
        "karpenter.sh/NodeClaim",
        "karpenter.sh/NodeOverlay",
        "karpenter.k8s.aws/AWSNodeTemplate",
        "karpenter.k8s.aws/EC2NodeClass",
    ],
    reads: &["Karpcheck::Controller"],
    reads_if_allowed: &[crds::KIND],
    check,
    ..Rule::DEFAULT
};

/// The first release of `v1`.
const STABLE: Minor = (1, 0);

fn check(object: Item) -> Check {
    let written = object.field("/apiVersion");
    let api_version = written.text()?.unwrap_or_default();
    let (kind, version) = (object.kind(), schemas::version_in(&api_version));
    let Some(served) = schemas::served(&kind, version) else { return never(object, &written, &api_version, version) };
    let controllers = object.related("@controller");
    let removed = removed_in(served);
    let gone = removed.map(|(major, minor)| format!("Karpenter does not serve {version} from {major}.{minor} on"));
    if controllers.is_empty() {
        let Some(gone) = gone else { return pass() };
        return unknown(versions::not_known(format!(
            "{gone}, and which version runs is not known (--karpenter-version states it)"
        )));
    }
    all(controllers, |link| {
        let controller = match link.item() {
            // Which one it is, is not known, and nothing says that it is older.
            Err(_) if gone.is_none() => return pass(),
            found => found?,
        };
        let Some(controller) = controller else { return skip() };
        let field = controller.field("/Version");
        // What is not removed is served by whatever runs, as long as nothing says that it is older.
        let running = match (field.text(), &gone) {
            (Ok(Some(running)), _) => running,
            (_, None) => return pass(),
            (Ok(None), Some(gone)) => {
                return unknown(versions::not_known(format!("{gone}, and which version runs is not known")));
            }
            (Err(open), Some(gone)) => {
                let why = format!("{gone}, and {}", open.why);
                return Err(open.reworded(why));
            }
        };
        let Some(release) = schemas::parse(&running) else {
            return unknown(format!("{running} is no version of Karpenter"));
        };
        let newest = versions::newest(controller);
        let release = if (release.0, release.1) > newest { (newest.0, newest.1, u64::MAX) } else { release };
        judge(object, &written, &running, release, served).map_or_else(pass, |finding| {
            let group = format!("{} {version}", object.noun());
            finding.group(group).related([field.place("the controller's version")]).check()
        })
    })
}

/// What is wrong with it under a release.
fn judge(object: Item, written: &Field, running: &str, release: Release, served: &Served) -> Option<Finding> {
    let api_version = written.known_text().unwrap_or_default();
    let minor = (release.0, release.1);
    // Releases before 1.0 serve v1 for the way back alone.
    let stable = api_version.ends_with("/v1");
    let for_the_way_back = stable && minor < STABLE;
    let removed = removed_in(served).filter(|removed| minor >= *removed);
    // So it is with most objects, which need no words.
    if removed.is_none() && served.by(release) && !for_the_way_back {
        return None;
    }
    let (noun, name) = (object.noun(), object.name());
    let what = format!("{noun} {name} is {api_version}, which Karpenter {running}");
    let first = served.since.iter().map(|since| (since.0, since.1)).find(|since| !stable || *since >= STABLE);
    match removed {
        Some(removed) => {
            let message = format!(
                "{what} does not serve (removed in {}.{}): the controller does not see it",
                removed.0, removed.1
            );
            Some(fail(written, message).remedy(remedy(&noun, minor)))
        }
        None if served.by(release) => {
            let message = format!(
                "{what} serves only for a rollback from 1.0: the controller reads v1beta1, and each request goes \
                 through its conversion webhook"
            );
            Some(fail(written, message).severity(Info).remedy(remedy(&noun, minor)))
        }
        None => {
            let from = first.or_else(|| served.since.first().map(|since| (since.0, since.1)))?;
            let message = format!(
                "{what} does not serve yet (from {}.{} on): the API server refuses it, and the controller does not see it",
                from.0, from.1
            );
            Some(fail(written, message).remedy(format!(
                "{} Or upgrade Karpenter to {}.{} or later first.",
                remedy(&noun, minor),
                from.0,
                from.1
            )))
        }
    }
}

/// A version that the kind does not have in any release.
fn never(object: Item, written: &Field, api_version: &str, version: &str) -> Check {
    let kind = object.kind();
    if version.is_empty() {
        return skip();
    }
    if crds::of(object, &kind).into_iter().any(|definition| crds::version(definition, version).is_some()) {
        return pass();
    }
    for link in object.related("@controller") {
        let Some(controller) = link.known() else { continue };
        if versions::version(controller)?.is_some_and(|running| running > versions::newest(controller)) {
            return unknown(Unknown::undecidable("the running release is newer than any that karpcheck knows"));
        }
    }
    let (noun, name) = (object.noun(), object.name());
    let versions: Vec<&str> = schemas::versions_of(&kind).into_iter().map(|(version, _)| version).collect();
    let running = schemas::running(object).first().map(|(_, minor)| *minor);
    let newest = newest_version(&noun, running.unwrap_or(STABLE));
    fail(
        written,
        format!(
            "{noun} {name} is {api_version}, a version that {noun} never had ({}): the API server refuses it",
            versions.join(", ")
        ),
    )
    .remedy(format!("Write apiVersion: {}/{newest}.", kind.split('/').next().unwrap_or_default()))
    .check()
}

/// The first minor release that does not serve it any more.
fn removed_in(served: &Served) -> Option<Minor> {
    let last = served.since.last()?;
    match (last.0, last.1) {
        (0, 32) => Some((0, 33)),
        (1, 0) => Some((1, 1)),
        _ => None,
    }
}

/// The version of the API to write for a release.
fn newest_version(noun: &str, running: Minor) -> &'static str {
    match noun {
        "Provisioner" | "Machine" => "v1alpha5",
        "AWSNodeTemplate" | "NodeOverlay" => "v1alpha1",
        _ if running < STABLE => "v1beta1",
        _ => "v1",
    }
}

fn remedy(noun: &str, running: Minor) -> String {
    let (new, hint) = match noun {
        "Provisioner" => ("a NodePool", ""),
        "Machine" => ("a NodeClaim", ", which Karpenter creates by itself"),
        "AWSNodeTemplate" => ("an EC2NodeClass", ""),
        "NodeOverlay" => return "Remove it.".into(),
        _ if running < STABLE => return "Write it in v1beta1.".into(),
        _ => return "Rewrite it in v1, as the guide \"Migrating to v1\" describes.".into(),
    };
    format!("Replace it by {new} in {}{hint}, and delete it.", newest_version("", running))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_still_served_is_left_alone() {
        let removed = |kind: &str, version: &str| schemas::served(kind, version).and_then(removed_in);
        assert_eq!(removed("karpenter.sh/NodePool", "v1"), None);
        assert_eq!(removed("karpenter.sh/NodePool", "v1beta1"), Some((1, 1)));
        assert_eq!(removed("karpenter.k8s.aws/AWSNodeTemplate", "v1alpha1"), Some((0, 33)));
        assert_eq!(removed("karpenter.sh/NodeOverlay", "v1alpha1"), None);
    }

    #[test]
    fn what_takes_its_place_is_what_the_release_serves() {
        assert!(remedy("Provisioner", (0, 35)).contains("a NodePool in v1beta1"));
        assert!(remedy("Provisioner", (1, 2)).contains("a NodePool in v1,"));
    }
}
