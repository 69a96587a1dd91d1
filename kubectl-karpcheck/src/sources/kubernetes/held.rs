//! Objects that wait until all of a run are there.

use std::path::Path;
use std::sync::Arc;

use crate::inventory::{DocId, Node};

/// An object of a file, with where it stood.
pub(super) struct Held {
    pub(super) path: Arc<Path>,
    pub(super) doc: DocId,
    pub(super) named: bool,
    pub(super) node: Node,
}
