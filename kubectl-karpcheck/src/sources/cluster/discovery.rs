//! What a cluster serves, asked once.
//!
//! Servers from 1.27 on answer for everything at once; of older ones only the groups that matter are asked. A group
//! whose server is broken (an aggregated API without its backend) costs that group alone.

use std::collections::HashSet;
use std::sync::Arc;

use serde::Deserialize;

use crate::sources::cluster::api::{Api, Failure};

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
    application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

/// A kind that can be listed, in the version that the server prefers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::sources) struct Served {
    /// `group/Kind`, `core/Kind`.
    pub(in crate::sources) kind: Arc<str>,
    /// `apps/v1`, `v1`.
    pub(in crate::sources) api_version: Arc<str>,
    /// `deployments`.
    pub(in crate::sources) plural: Box<str>,
    /// Are its objects in namespaces?
    pub(in crate::sources) namespaced: bool,
}

impl Served {
    /// `Deployment`.
    pub(in crate::sources) fn name(&self) -> &str {
        self.kind.rsplit_once('/').map_or(&self.kind, |(_, name)| name)
    }

    /// `deployments.apps`, as RBAC and kubectl name it.
    pub(in crate::sources) fn resource(&self) -> String {
        match self.kind.split_once('/') {
            Some((group, _)) if group != "core" => format!("{}.{group}", self.plural),
            _ => self.plural.to_string(),
        }
    }

    /// The path of all its objects, or of a namespace's.
    pub(in crate::sources) fn path(&self, namespace: Option<&str>) -> String {
        let root = if self.api_version.contains('/') { "apis" } else { "api" };
        match namespace.filter(|_| self.namespaced) {
            Some(namespace) => format!("/{root}/{}/namespaces/{namespace}/{}", self.api_version, self.plural),
            None => format!("/{root}/{}/{}", self.api_version, self.plural),
        }
    }
}

/// What a cluster serves.
#[derive(Debug, Default)]
pub(super) struct Discovered {
    /// Kinds that can be listed, each once.
    pub(super) served: Vec<Served>,
    /// Groups of which nothing, or only a part, could be told, and why.
    pub(super) broken: Vec<(String, String)>,
}

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    kind: String,
    /// Of the aggregated answer.
    #[serde(default)]
    items: Vec<GroupDiscovery>,
    /// Of the older answer of `/apis`.
    #[serde(default)]
    groups: Vec<Group>,
    /// Of the older answer of `/api`.
    #[serde(default)]
    versions: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct GroupDiscovery {
    #[serde(default)]
    metadata: Named,
    #[serde(default)]
    versions: Vec<VersionDiscovery>,
}

#[derive(Default, Deserialize)]
struct Named {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct VersionDiscovery {
    #[serde(default)]
    version: String,
    #[serde(default)]
    resources: Vec<ResourceDiscovery>,
    #[serde(default)]
    freshness: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceDiscovery {
    resource: String,
    #[serde(default)]
    response_kind: Option<ResponseKind>,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    verbs: Vec<String>,
}

#[derive(Deserialize)]
struct ResponseKind {
    #[serde(default)]
    kind: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    name: String,
    #[serde(default)]
    versions: Vec<GroupVersion>,
    #[serde(default)]
    preferred_version: Option<GroupVersion>,
}

#[derive(Clone, PartialEq, Eq, Deserialize)]
struct GroupVersion {
    version: String,
}

#[derive(Deserialize)]
struct Resources {
    #[serde(default)]
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
struct Resource {
    name: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    namespaced: bool,
    #[serde(default)]
    verbs: Vec<String>,
}

/// Asks a cluster what it serves. Of a server that does not tell at once, only groups that `matters` says yes to are
/// asked for.
///
/// # Errors
/// The server cannot be reached or refuses to tell anything; then there is nothing to go on with.
pub(super) async fn discover(api: &Api, matters: impl Fn(&str) -> bool) -> Result<Discovered, Failure> {
    let mut found = Discovered::default();
    // The first word is said once: a server that is not there is not there three seconds later.
    let core = match api.first_word("/api", AGGREGATED).await {
        Err(Failure::Status { .. }) => api.get("/api", AGGREGATED).await?,
        other => other?,
    };
    let groups = api.get("/apis", AGGREGATED).await?;
    for (root, text) in [("/api", core), ("/apis", groups)] {
        let document: Document = serde_json::from_slice(&text)
            .map_err(|error| Failure::Garbage(format!("{root} is not what an API server answers ({error})")))?;
        match &*document.kind {
            "APIGroupDiscoveryList" => aggregated(document.items, &mut found),
            "APIVersions" => {
                let versions = document.versions.iter().filter_map(|version| version.as_str().map(str::to_owned));
                read_group(api, "core", versions.collect(), &mut found).await;
            }
            "APIGroupList" => {
                for group in document.groups.into_iter().filter(|group| matters(&group.name)) {
                    let mut versions: Vec<String> = group
                        .preferred_version
                        .iter()
                        .chain(&group.versions)
                        .map(|found| found.version.clone())
                        .collect();
                    let mut seen = HashSet::new();
                    versions.retain(|version| seen.insert(version.clone()));
                    read_group(api, &group.name, versions, &mut found).await;
                }
            }
            other => {
                let what = if other.is_empty() { "something else" } else { other };
                return Err(Failure::Garbage(format!(
                    "{root} is {what} and not what an API server serves: is this the API server's address?"
                )));
            }
        }
    }
    let mut seen = HashSet::new();
    found.served.retain(|served| seen.insert(Arc::clone(&served.kind)));
    Ok(found)
}

fn aggregated(groups: Vec<GroupDiscovery>, found: &mut Discovered) {
    for group in groups {
        let name = if group.metadata.name.is_empty() { "core" } else { &group.metadata.name };
        for version in group.versions {
            if version.freshness == "Stale" {
                broken(found, name, "its API server does not answer");
            }
            for resource in version.resources {
                let kind = resource.response_kind.map(|kind| kind.kind).unwrap_or_default();
                let namespaced = resource.scope == "Namespaced";
                add(found, name, &version.version, &kind, resource.resource, namespaced, &resource.verbs);
            }
        }
    }
}

/// Asks for each version of a group, the preferred one first.
async fn read_group(api: &Api, group: &str, versions: Vec<String>, found: &mut Discovered) {
    for version in versions {
        let path = if group == "core" { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
        let resources = match api.get(&path, "application/json").await {
            Ok(text) => serde_json::from_slice::<Resources>(&text).map_err(|error| error.to_string()),
            Err(failure) => Err(failure.to_string()),
        };
        match resources {
            Err(why) => broken(found, group, &why),
            Ok(resources) => {
                for resource in resources.resources.into_iter().filter(|resource| !resource.name.contains('/')) {
                    add(found, group, &version, &resource.kind, resource.name, resource.namespaced, &resource.verbs);
                }
            }
        }
    }
}

fn broken(found: &mut Discovered, group: &str, why: &str) {
    if !found.broken.iter().any(|(known, _)| known == group) {
        found.broken.push((group.to_owned(), why.to_owned()));
    }
}

fn add(
    found: &mut Discovered,
    group: &str,
    version: &str,
    kind: &str,
    plural: String,
    namespaced: bool,
    verbs: &[String],
) {
    // What becomes part of a path is not taken from a stranger unseen.
    let plain = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
    };
    if !verbs.iter().any(|verb| verb == "list") || ![group, version, kind, &plural].into_iter().all(plain) {
        return;
    }
    let api_version = if group == "core" { version.into() } else { format!("{group}/{version}").into() };
    found.served.push(Served {
        kind: format!("{group}/{kind}").into(),
        api_version,
        plural: plural.into(),
        namespaced,
    });
}
