//! Changes in YAML and JSON, and in JSON within blocks of lines, as the policies of CloudFormation templates are.

use std::ops::Range;

use super::inline::{InText, Inline, is_like_json};
use super::operations::{Op, add, at_line, followed, op_at, route, splices_of};
use super::render::Blocks;
use super::spans;
use super::spans::{Kind, Tree};
use super::terraform_json;
use super::{Names, Refused, Splice};
use crate::fixes::edit::{Change, Target, Written};

/// The documents of a file, and the JSON in their texts.
pub(super) struct Documents {
    documents: Vec<Tree>,
    /// In blocks of lines.
    embedded: Vec<Tree>,
    /// In quotes.
    inline: Vec<Inline>,
    /// Is it a configuration of Terraform's in JSON?
    terraform: bool,
    /// How blocks are written in it.
    blocks: Blocks,
}

impl Documents {
    pub(super) fn read(text: &str, terraform: bool) -> Self {
        let documents = spans::documents(text);
        let (mut blocks, mut others) = (vec![], vec![]);
        documents.iter().for_each(|tree| tree.texts(&mut blocks, &mut others));
        let embedded = blocks.into_iter().filter_map(|block| spans::embedded(text, block)).collect();
        let inline = others
            .into_iter()
            .filter_map(|tree| Inline::read(text, tree.start..tree.end, (tree.line, tree.column)))
            .collect();
        let blocks = Blocks::of(text, &documents);
        Self { documents, embedded, inline, terraform, blocks }
    }

    /// The JSON, or else the YAML, in lines of a file, by their bytes.
    pub(super) fn lines(text: &str, ranges: impl Iterator<Item = Range<usize>>) -> Self {
        let (mut documents, mut embedded) = (vec![], vec![]);
        for range in ranges {
            match spans::lines(text, range.clone()) {
                Some(json) => embedded.push(json),
                None => documents.extend(spans::manifests(text, range)),
            }
        }
        let blocks = Blocks::of(text, &documents);
        Self { documents, embedded, inline: vec![], terraform: false, blocks }
    }

    pub(super) const fn len(&self) -> usize {
        self.documents.len() + self.embedded.len()
    }

    /// The changes of one fix. With an error, the number of the change.
    pub(super) fn splices(
        &self,
        text: &str,
        changes: &[(usize, &Written)],
        names: Names<'_>,
    ) -> Result<Vec<Splice>, (usize, Refused)> {
        let mut ops: Vec<Op<'_>> = vec![];
        let mut inline: Vec<Vec<InText<'_>>> = vec![vec![]; self.inline.len()];
        for (number, written) in changes {
            let change = &written.change;
            match self.inline(text, written).map_err(|why| (*number, why))? {
                Some((at, path)) => inline[at].push((*number, path, change.value.as_ref())),
                None => add(&mut ops, self.op(text, written, names).map_err(|why| (*number, why))?),
            }
        }
        let first = changes.first().map_or(0, |(number, _)| *number);
        let mut splices = splices_of(text, self.blocks, ops).map_err(|why| (first, why))?;
        for (own, changes) in self.inline.iter().zip(inline).filter(|(_, changes)| !changes.is_empty()) {
            splices.extend(own.splices(&changes)?);
        }
        Ok(splices)
    }

    /// The text in quotes that a change is in, and its path there.
    fn inline<'w>(&self, text: &str, written: &'w Written) -> Result<Option<(usize, &'w [String])>, Refused> {
        let Some(path) = &written.change.inside else { return Ok(None) };
        let place = (written.change.at.line, written.change.at.column);
        if let Some(at) = self.inline.iter().position(|inline| inline.place == place) {
            return Ok(Some((at, path)));
        }
        let (mut blocks, mut others) = (vec![], vec![]);
        self.documents.iter().for_each(|tree| tree.texts(&mut blocks, &mut others));
        let is_text = |tree: &&Tree| (tree.line, tree.column) == place && is_like_json(&text[tree.start..tree.end]);
        if others.iter().any(is_text) { Err(Refused::Inline) } else { Ok(None) }
    }

    fn op<'t>(&'t self, text: &str, written: &Written, names: Names<'_>) -> Result<Op<'t>, Refused> {
        let change = &written.change;
        if self.terraform {
            return terraform_json::op(&self.documents, text, written, names);
        }
        if written.beside {
            let item =
                Change { at: written.root, target: Target::Map(vec![]), rest: vec![], value: None, inside: None };
            let route =
                at_line(&self.documents, item.at.line).and_then(|tree| route(tree, &item)).ok_or(Refused::NotFound)?;
            return op_at(&route[..route.len() - 1], &change.rest, change.value.as_ref());
        }
        let by_place = || {
            let route = self.route(change).ok_or(Refused::NotFound)?;
            op_at(&route, &change.rest, change.value.as_ref())
        };
        // The item as a whole stands where its document does, which has names of its own; so may an object that the
        // inventory made of single fields.
        let placed =
            if change.rest.is_empty() || change.at != written.root { by_place() } else { Err(Refused::NotFound) };
        if placed.is_ok() || change.rest.is_empty() {
            return placed;
        }
        match self.by_name(text, written, names) {
            Some((route, rest)) => op_at(&route, &rest, change.value.as_ref()),
            None => by_place(),
        }
    }

    /// The way to what a change is about, from a document or from the JSON in a block.
    fn route(&self, change: &Change) -> Option<Vec<&Tree>> {
        let find = |trees| at_line(trees, change.at.line).and_then(|tree| route(tree, change));
        find(&self.documents).or_else(|| find(&self.embedded))
    }

    /// Where the item as a whole says by its kind how its fields are named: the way to the last of them that exists, and
    /// the names of the others. None where the item is the document itself.
    fn by_name(&self, text: &str, written: &Written, names: Names<'_>) -> Option<(Vec<&Tree>, Vec<String>)> {
        let root = Change { at: written.root, target: Target::Map(vec![]), rest: vec![], value: None, inside: None };
        let found = at_line(&self.documents, root.at.line).and_then(|tree| route(tree, &root))?;
        let target = *found.last()?;
        let scalar = |name: &str| {
            let tree = target.member(name)?;
            let raw = text[tree.start..tree.end].trim_matches(['"', '\'']);
            matches!(tree.kind, Kind::Scalar { .. }).then_some(raw)
        };
        let named = match (scalar("apiVersion"), scalar("kind"), scalar("Type")) {
            (Some(version), Some(kind), _) => {
                let group = version.split_once('/').map_or("core", |(group, _)| group);
                names(&format!("{group}/{kind}"), &written.path)
            }
            (_, _, Some(kind)) if kind.starts_with("AWS::") => {
                Some(std::iter::once("Properties".to_owned()).chain(written.path.iter().cloned()).collect())
            }
            _ => return None,
        };
        // An object that is judged itself has the names of its own document.
        let named = named?;
        Some(followed(found, &named))
    }
}
