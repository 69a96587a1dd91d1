//! Items and where they come from.

use std::fmt;
use std::sync::Arc;

use crate::inventory::id::ItemId;
use crate::inventory::node::{At, DocId, Map, Node, Value};
use crate::inventory::text::{Address, SymbolScope, Text};

/// A cluster of this run. Number 0 is the cluster that the files are about, whichever that is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct ClusterId(pub u32);

impl ClusterId {
    /// The cluster of the files.
    pub const FILES: Self = Self(0);

    /// Its place among the clusters that are asked; none for the files' own.
    pub(crate) const fn index(self) -> Option<usize> {
        (self.0 as usize).checked_sub(1)
    }
}

/// Whose word a value is, the strongest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum SourceKind {
    /// AWS's own answer.
    Aws,
    /// A cluster's object, asked for now or dumped to a file.
    Live,
    /// Terraform state.
    State,
    /// A Terraform plan.
    Plan,
    /// A Kubernetes manifest.
    Manifest,
    /// A CloudFormation template.
    Template,
    /// Source that is evaluated in part: Helm values, HCL, a policy document.
    Source,
    /// Stated on the command line.
    Flag,
}

impl SourceKind {
    /// The word of the contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::Live => "live",
            Self::State => "state",
            Self::Plan => "plan",
            Self::Manifest => "manifest",
            Self::Template => "template",
            Self::Source => "source",
            Self::Flag => "flag",
        }
    }

    /// Was it seen to be so, rather than declared?
    pub const fn observed(self) -> bool {
        matches!(self, Self::Aws | Self::Live | Self::State)
    }
}

/// Where a document comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Origin {
    /// A file, by the path that the user gave or that a walk found below it; `-` is standard input.
    File(Arc<str>),
    /// A live object.
    Live(Box<LiveOrigin>),
    /// Stated on the command line, by this flag.
    Flag(&'static str),
    /// Stated in the configuration, in this file.
    Setting(Arc<str>),
    /// AWS's answer, asked for in this run.
    Aws(Box<AwsOrigin>),
}

/// What AWS was asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AwsOrigin {
    /// The account, twelve digits; empty where it is not known.
    pub account: Arc<str>,
    /// The region.
    pub region: Arc<str>,
    /// The command, as a shell takes it: `aws kms get-key-policy --key-id …`.
    pub command: Box<str>,
}

/// The coordinates of a live object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LiveOrigin {
    /// The kubeconfig context.
    pub context: Arc<str>,
    /// `apps/v1`.
    pub api_version: Arc<str>,
    /// `Deployment`.
    pub kind: Arc<str>,
    /// Empty for a cluster-scoped object, and for a kind as a whole.
    pub namespace: Box<str>,
    /// Empty for a kind as a whole.
    pub name: Box<str>,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) | Self::Setting(path) => f.write_str(path),
            Self::Live(live) => {
                write!(f, "{}: {}", live.context, live.kind)?;
                match (&*live.namespace, &*live.name) {
                    ("", "") => Ok(()),
                    ("", name) => write!(f, " {name}"),
                    (namespace, name) => write!(f, " {namespace}/{name}"),
                }
            }
            Self::Flag(flag) => f.write_str(flag),
            Self::Aws(aws) => f.write_str(&aws.command),
        }
    }
}

/// A document: one unit that a reader was given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Document {
    /// Where it comes from.
    pub origin: Origin,
    /// Of a file that lies in a repository, its path from the root of that.
    pub in_repository: Option<Arc<str>>,
}

/// A resource's address in what declares it: a logical id in a template, an ACK object in its cluster.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Logical {
    /// The template or cluster.
    pub scope: SymbolScope,
    /// The logical id; `group/Kind/namespace/name` for an object.
    pub id: Arc<str>,
}

impl Logical {
    /// The resource that a text refers to, whatever attribute of it the text is.
    pub(crate) fn of(address: &Address) -> Self {
        Self { scope: address.scope, id: Arc::clone(&address.id) }
    }
}

/// Where an AWS resource lives and what it is called, as far as anyone said.
#[derive(Clone, Debug, Default)]
pub struct AwsFacts {
    /// `aws`, `aws-cn`, …
    pub partition: Option<Node>,
    /// The account's number.
    pub account: Option<Node>,
    /// `eu-west-1`.
    pub region: Option<Node>,
    /// The ARN, if it can be told or composed.
    pub arn: Option<Node>,
    /// The physical name or id by which others refer to it (a queue's name, a key's id, `alias/x`).
    pub id: Option<Text>,
    /// Its addresses in what declares it.
    pub logical: Vec<Logical>,
}

/// What one source says of an item.
#[derive(Clone, Debug)]
pub struct View {
    /// Whose word it is.
    pub source: SourceKind,
    /// When it was observed, RFC 3339.
    pub read_at: Option<Arc<str>>,
    /// What it says.
    pub body: Node,
}

/// A Kubernetes object, an AWS resource or a fact of karpcheck's own.
#[derive(Clone, Debug)]
pub struct Item {
    /// `group/Kind`, `AWS::…` or `Karpcheck::…`.
    pub kind: Arc<str>,
    /// What a person calls it.
    pub name: Box<str>,
    /// Of a Kubernetes object that has one.
    pub namespace: Option<Box<str>>,
    /// What is known of it: the strongest word on each field.
    pub body: Node,
    /// Whose word the body is, or the strongest of them.
    pub source: SourceKind,
    /// The cluster that it belongs to.
    pub cluster: ClusterId,
    /// When it was observed, RFC 3339.
    pub read_at: Option<Arc<str>>,
    /// Of an AWS resource.
    pub aws: Option<Box<AwsFacts>>,
    /// The word of each source, the strongest first; empty where there is only one.
    pub views: Vec<View>,
    /// The same thing from other sources.
    pub same: Vec<ItemId>,
    /// What it was read as part of, where that is not the file that it stands in: the folder of a root of Terraform.
    pub unit: Option<Arc<str>>,
    /// The part of that which it stands in.
    pub part: Option<UnitPart>,
}

/// A part of what was read as one that may be of a cluster of its own.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum UnitPart {
    /// The call of a module, by its address: `module.karpenter["prod"]`.
    Call(Arc<str>),
    /// What Argo CD installs in a cluster, by the name or the address that it has the cluster by.
    Destination(Arc<str>),
    /// What one API server answered to one question: of a file of dumps a list, or an object that stands alone, by its number.
    Answer(u32),
}

impl Item {
    /// The item as a whole.
    pub const fn at(&self) -> At {
        self.body.at
    }

    /// The document that it stands in.
    pub const fn doc(&self) -> DocId {
        self.body.at.doc
    }

    /// Is it a question to AWS that was refused or failed, and nothing else?
    pub(crate) fn is_unanswered(&self) -> bool {
        let unknown = |node: &Node| matches!(&node.value, Value::Unknown(reason) if reason.cause.is_unanswered());
        let only = |map: &Map| map.entries.iter().all(|(key, node)| key.is("Arn") || unknown(node));
        self.source == SourceKind::Aws && self.body.as_map().is_some_and(only)
    }

    /// Is it an AWS resource, in which an empty text is nothing?
    pub fn is_aws(&self) -> bool {
        self.kind.starts_with("AWS::")
    }
}

/// A place in an item.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Place {
    /// The item.
    pub item: ItemId,
    /// RFC 6901; empty for the whole.
    pub pointer: String,
    /// What is to be seen there.
    pub note: String,
}
