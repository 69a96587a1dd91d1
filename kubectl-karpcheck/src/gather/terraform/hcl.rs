//! Terraform's own files.
use std::path::Path;
use crate::model::kinds::Plan;
use crate::model::{Builder, DocId};
/// Modules.
#[derive(Default)]
pub(in super::super) struct Modules {}
impl Modules {
    /// x
    pub(in super::super) fn file(&mut self, _path: &Path, _doc: DocId, _text: String, _named: bool) {}
    /// x
    pub(in super::super) fn add(self, _builder: &mut Builder, _plan: &Plan, _parameters: &[(String, String)]) -> u64 { 0 }
}
