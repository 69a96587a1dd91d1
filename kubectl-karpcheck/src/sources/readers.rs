//! The formats that karpcheck reads, and the loop that gives each document to its reader.

use crate::formats::json::Prune;
use crate::sources::aws::responses::saved::Saved;
use crate::sources::cloudformation::CloudFormation;
use crate::sources::helm::Helm;
use crate::sources::iam_policies::IamPolicies;
use crate::sources::kubernetes::Kubernetes;
use crate::sources::logs::Logs;
use crate::sources::pulumi::Pulumi;
use crate::sources::reader::{Context, Document, Reader};
use crate::sources::terraform::Terraform;

/// One reader of each format.
pub(super) struct Readers(Vec<Box<dyn Reader>>);

impl Readers {
    /// All of them, in the order in which they are asked: values of a chart have no mark of their own, so Helm comes last.
    pub(super) fn new() -> Self {
        Self(vec![
            // Objects that Terraform takes from a file are its own: all others are there by then.
            Box::<Kubernetes>::default(),
            Box::<Terraform>::default(),
            Box::new(Pulumi),
            Box::new(Logs),
            Box::<CloudFormation>::default(),
            Box::new(IamPolicies),
            Box::<Saved>::default(),
            Box::<Helm>::default(),
        ])
    }

    /// Reads a document and those inside of it, outer before inner. Returns the number of objects and resources, or the
    /// document back if no reader knows its format.
    pub(super) fn read<'t>(&mut self, document: Document<'t>, context: &mut Context<'_>) -> Result<u64, Document<'t>> {
        let reader = self.0.iter_mut().find(|reader| reader.detects(&document));
        let Some(reader) = reader else { return Err(document) };
        if let Some(root) = document.root {
            context.builder.enter(root);
        }
        context.builder.enter_part(document.part.clone());
        let count = reader.read(document, context);
        context.builder.leave();
        Ok(count + self.nested(context))
    }

    /// Reads what takes all documents to tell. Returns the number of objects and resources.
    pub(super) fn finish(&mut self, context: &mut Context<'_>) -> u64 {
        let mut count = 0;
        let (last, first): (Vec<usize>, Vec<usize>) =
            (0..self.0.len()).partition(|index| self.0[*index].finishes_last());
        for index in first.into_iter().chain(last) {
            count += self.0[index].finish(context);
            count += self.nested(context);
        }
        count
    }

    /// The members of a JSON text that no reader will look at.
    pub(super) fn prune(&self, text: &str) -> Option<Prune> {
        self.0.iter().find_map(|reader| reader.prune(text))
    }

    /// Nested documents in the order in which they stand. One that no reader knows is a part of its parent that says nothing here.
    fn nested(&mut self, context: &mut Context<'_>) -> u64 {
        let mut count = 0;
        for document in std::mem::take(&mut context.nested) {
            count += self.read(document, context).unwrap_or(0);
        }
        count
    }
}
