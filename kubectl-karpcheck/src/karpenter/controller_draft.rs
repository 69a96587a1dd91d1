//! A controller in the making, as its Deployment, its values or the command line tell of it.

use std::sync::Arc;

use crate::inventory::item::{ClusterId, SourceKind};
use crate::inventory::node::{At, DocId, Map, Node};

/// A controller in the making.
#[derive(Debug)]
pub(super) struct ControllerDraft {
    pub(super) name: Box<str>,
    pub(super) namespace: Option<Box<str>>,
    pub(super) cluster: ClusterId,
    /// The uid of its Deployment, where that was seen in a cluster.
    pub(super) uid: Option<Box<str>>,
    pub(super) source: SourceKind,
    pub(super) read_at: Option<Arc<str>>,
    /// What its object was read as a part of.
    pub(super) unit: Option<Arc<str>>,
    pub(super) at: At,
    pub(super) fields: Map,
}

impl ControllerDraft {
    pub(super) fn set(&mut self, field: &str, node: Option<Node>) {
        if let Some(node) = node {
            self.fields.set(field, node);
        }
    }

    /// One of which nothing is known.
    pub(super) fn empty() -> Self {
        Self {
            name: "".into(),
            namespace: None,
            cluster: ClusterId::FILES,
            uid: None,
            source: SourceKind::Flag,
            read_at: None,
            unit: None,
            at: At { doc: DocId(0), line: 0, column: 0 },
            fields: Map { entries: vec![], more: None },
        }
    }
}
