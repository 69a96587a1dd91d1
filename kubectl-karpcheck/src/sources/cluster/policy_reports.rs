//! Writes a report into the cluster that it is about: the only thing that karpcheck ever writes anywhere, and only when it is
//! asked to.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::sources::cluster::api::{Api, Failure, Patience};
use crate::sources::cluster::{ClusterOptions, connect};

/// The object's name, and the name under which its fields are held.
pub const NAME: &str = "karpcheck";
/// Groups that hold such reports, the younger one first: group and version, kind, plural.
pub const KINDS: [(&str, &str, &str); 2] = [
    ("openreports.io/v1alpha1", "ClusterReport", "clusterreports"),
    ("wgpolicyk8s.io/v1alpha2", "ClusterPolicyReport", "clusterpolicyreports"),
];

/// Writes the report on one cluster, whichever of the kinds it serves. Gives `kind.group` of what was written.
///
/// # Errors
/// The cluster cannot be reached, serves none of the kinds, or refuses it: in one sentence, with what to do.
pub fn write(args: &ClusterOptions, context: &str, body: &Value) -> Result<String, String> {
    let one = ClusterOptions { contexts: vec![context.to_owned()], all_contexts: false, ..args.clone() };
    // In a cluster there is no kubeconfig, and the context is only a word for it.
    let one = if args.contexts.is_empty() && !args.all_contexts { args.clone() } else { one };
    let chosen =
        connect::choose(&one).into_iter().next().ok_or("no such context")?.map_err(|error| error.to_string())?;
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let client = chosen.connect(true).map_err(|error| error.to_string())?.client;
        let api = Api::new(client, Patience::within(args.request_timeout), Arc::new(Semaphore::new(1)));
        for (version, kind, plural) in KINDS {
            let group = version.split('/').next().unwrap_or_default();
            match api.get(&format!("/apis/{version}"), "application/json").await {
                Ok(_) => {}
                Err(Failure::NotFound) => continue,
                Err(failure) => return Err(format!("context {context}: {failure}")),
            }
            let mut object = body.clone();
            object["apiVersion"] = json!(version);
            object["kind"] = json!(kind);
            object["metadata"]["name"] = json!(NAME);
            object["metadata"]["labels"] = json!({ "app.kubernetes.io/managed-by": NAME });
            let path = format!("/apis/{version}/{plural}/{NAME}?fieldManager={NAME}&force=true");
            return match api.apply(&path, &object).await {
                Ok(()) => Ok(format!("{plural}.{group}")),
                Err(Failure::Forbidden(_)) => Err(format!(
                    "context {context}: writing the report was refused: ask for `patch {plural}.{group}`; `kubectl \
                     karpcheck rbac --write-reports` prints all rights that are needed"
                )),
                Err(failure) => Err(format!("context {context}: the report was not written: {failure}")),
            };
        }
        Err(format!(
            "context {context} serves neither openreports.io/v1alpha1 nor wgpolicyk8s.io/v1alpha2: install the definitions of \
             one of them"
        ))
    })
}
