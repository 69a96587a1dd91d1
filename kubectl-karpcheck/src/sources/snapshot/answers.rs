//! Answers as they are written. These types are the format: what they are made from may change without it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::formats::json_value;
use crate::formats::json_value::Plain;
use crate::inventory::problem::SnapshotFile;
use crate::inventory::{ClusterLogin, Node};
use crate::sources::aws::{Exchange, Recording};
use crate::sources::cluster;
use crate::sources::cluster::{Absence, Answered, Done, Lists, NotAsked, Refusal, Served, Target, Wanted};
use crate::sources::snapshot::left_out;

/// One cluster.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Cluster {
    context: String,
    server: String,
    names: Vec<Name>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    uid: Option<String>,
    /// Where it could not be asked anything, why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    not_asked: Option<Unasked>,
    absent: Vec<Absent>,
    lists: Vec<List>,
}

/// What the kubeconfig calls a cluster, and where.
#[derive(Debug, Serialize, Deserialize)]
struct Name {
    name: String,
    from: String,
}

/// See [`Absence`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "why")]
enum Absent {
    NotInstalled { kind: String },
    GroupNotServed { group: String, error: String, kind: String, optional: bool },
    Secrets,
}

/// A list that was asked for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct List {
    kind: String,
    api_version: String,
    resource: String,
    namespaced: bool,
    optional: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    wanted: Which,
    read_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failed: Option<Failed>,
    cut: bool,
    objects: Vec<Body>,
}

/// See [`Wanted`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Which {
    All,
    First(usize),
    Labelled { labels: String, most: usize },
    Selected { fields: String, what: String, most: usize },
    Named(String),
}

/// See [`Refusal`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::enum_variant_names, reason = "the names of Refusal, one by one")]
enum Failed {
    Forbidden,
    NotFound,
    Interrupted,
    Failed(String),
}

/// See [`NotAsked`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Unasked {
    Interrupted,
    Failed(String),
}

/// An object's body.
#[derive(Debug)]
struct Body(Node);

impl Serialize for Body {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Plain(&self.0).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Plain::<Node>::deserialize(deserializer).map(|plain| Self(plain.0))
    }
}

impl Cluster {
    pub(super) fn of(answered: &Answered) -> Self {
        let (absent, lists, not_asked): (&[Absence], &[Done], _) = match &answered.outcome {
            Ok(lists) => (&lists.absent, &lists.done, None),
            Err(NotAsked::Interrupted) => (&[], &[], Some(Unasked::Interrupted)),
            Err(NotAsked::Failed(why)) => (&[], &[], Some(Unasked::Failed(why.clone()))),
        };
        Self {
            context: answered.context.to_string(),
            server: answered.server.clone(),
            names: answered.hints.iter().map(|(name, from)| Name { name: name.clone(), from: from.clone() }).collect(),
            region: answered.login.region.clone(),
            namespace: answered.namespace.clone(),
            uid: answered.uid.clone(),
            not_asked,
            absent: absent.iter().map(Absent::of).collect(),
            lists: lists.iter().map(List::of).collect(),
        }
    }

    pub(super) fn answered(self, snapshot: &SnapshotFile) -> Result<Answered, String> {
        let done = self.lists.into_iter().map(List::done).collect::<Result<_, _>>()?;
        let absent = self.absent.into_iter().map(Absent::absence).collect();
        Ok(Answered {
            within: self.context == cluster::IN_CLUSTER,
            context: self.context.into(),
            snapshot: Some(snapshot.clone()),
            server: self.server,
            hints: self.names.into_iter().map(|Name { name, from }| (name, from)).collect(),
            login: ClusterLogin { profile: None, region: self.region },
            namespace: self.namespace,
            uid: self.uid,
            outcome: match self.not_asked {
                None => Ok(Lists { absent, done, logs: vec![] }),
                Some(Unasked::Interrupted) => Err(NotAsked::Interrupted),
                Some(Unasked::Failed(why)) => Err(NotAsked::Failed(why)),
            },
        })
    }
}

impl Absent {
    fn of(absence: &Absence) -> Self {
        match absence.clone() {
            Absence::NotInstalled { kind } => Self::NotInstalled { kind },
            Absence::Broken { group, why, kind, optional } => {
                Self::GroupNotServed { group, error: why, kind, optional }
            }
            Absence::Secrets => Self::Secrets,
            // Only what was recorded lacks kinds; what was asked for now has all that was wanted.
            Absence::NotRecorded { kind } => Self::NotInstalled { kind },
        }
    }

    fn absence(self) -> Absence {
        match self {
            Self::NotInstalled { kind } => Absence::NotInstalled { kind },
            Self::GroupNotServed { group, error, kind, optional } => {
                Absence::Broken { group, why: error, kind, optional }
            }
            Self::Secrets => Absence::Secrets,
        }
    }
}

impl List {
    fn of(done: &Done) -> Self {
        let Done { target: Target { served, optional, wanted, namespace }, objects, failure, cut, read_at } = done;
        Self {
            kind: served.kind.to_string(),
            api_version: served.api_version.to_string(),
            resource: served.plural.to_string(),
            namespaced: served.namespaced,
            optional: *optional,
            namespace: namespace.clone(),
            wanted: match wanted.clone() {
                Wanted::All => Which::All,
                Wanted::First(most) => Which::First(most),
                Wanted::Labelled(labels, most) => Which::Labelled { labels, most },
                Wanted::Selected { fields, what, most } => Which::Selected { fields, what, most },
                Wanted::Named(name) => Which::Named(name),
            },
            read_at: read_at.to_string(),
            failed: failure.clone().map(|failure| match failure {
                Refusal::Forbidden => Failed::Forbidden,
                Refusal::NotFound => Failed::NotFound,
                Refusal::Interrupted => Failed::Interrupted,
                Refusal::Failed(why) => Failed::Failed(why),
            }),
            cut: *cut,
            objects: objects
                .iter()
                .map(|object| Body(left_out::of_object(&served.kind, object.body.clone())))
                .collect(),
        }
    }

    fn done(self) -> Result<Done, String> {
        let served = Served {
            kind: self.kind.into(),
            api_version: self.api_version.into(),
            plural: self.resource.into(),
            namespaced: self.namespaced,
        };
        let objects = self.objects.into_iter().map(|Body(mut body)| {
            left_out::mark(&mut body);
            json_value::of_body(body, &served.api_version, served.name()).map_err(|error| error.to_string())
        });
        Ok(Done {
            objects: objects.collect::<Result<_, _>>()?,
            target: Target {
                optional: self.optional,
                namespace: self.namespace,
                wanted: match self.wanted {
                    Which::All => Wanted::All,
                    Which::First(most) => Wanted::First(most),
                    Which::Labelled { labels, most } => Wanted::Labelled(labels, most),
                    Which::Selected { fields, what, most } => Wanted::Selected { fields, what, most },
                    Which::Named(name) => Wanted::Named(name),
                },
                served,
            },
            failure: self.failed.map(|failed| match failed {
                Failed::Forbidden => Refusal::Forbidden,
                Failed::NotFound => Refusal::NotFound,
                Failed::Interrupted => Refusal::Interrupted,
                Failed::Failed(why) => Refusal::Failed(why),
            }),
            cut: self.cut,
            read_at: Arc::from(self.read_at),
        })
    }
}

/// What AWS answered about one cluster, or about no cluster in particular.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Aws {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cluster: Option<usize>,
    #[serde(flatten)]
    recording: Recording,
}

impl Aws {
    pub(super) fn of(exchange: &Exchange, cluster: Option<usize>) -> Self {
        let mut recording = exchange.recording();
        for text in recording.answers_mut() {
            *text = left_out::of_answer(text);
        }
        Self { cluster, recording }
    }

    /// How many answers it has.
    pub(super) fn len(&self) -> usize {
        self.recording.len()
    }

    /// Why AWS could not be asked.
    pub(super) fn trouble(&self) -> Vec<String> {
        self.recording.trouble()
    }

    pub(super) fn exchange(self) -> (Option<usize>, Exchange) {
        (self.cluster, Exchange::of(self.recording))
    }
}
