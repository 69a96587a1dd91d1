//! The report of a run: what was read, with which packs and under which assumptions.

use crate::commands::shared::args::FactArgs;
use crate::commands::shared::rule_selection::Packs;
use crate::engine::Selected;
use crate::findings::finding::{CheckResults, RuleInfo};
use crate::inventory::Inventory;
use crate::report::{Invocation, PackInfo, Run, Sources};
use crate::sources::FileSummary;
use crate::sources::aws_cli::AwsSummary;

/// What all reports of one run have in common.
#[derive(Debug)]
pub struct RunReport {
    rules: Vec<RuleInfo>,
    packs: Vec<PackInfo>,
    assumed: Vec<(&'static str, String)>,
    at: String,
    sources: Sources,
    invocation: Invocation,
}

impl RunReport {
    /// Of a run that starts now.
    pub fn new(
        packs: &Packs,
        selected: &[Selected<'_>],
        facts: &FactArgs,
        files: &FileSummary,
        answers: AwsSummary,
        inventory: &Inventory,
    ) -> Self {
        Self {
            rules: selected.iter().map(|selected| selected.rule.clone()).collect(),
            packs: packs
                .packs
                .iter()
                .map(|pack| PackInfo {
                    name: pack.name().to_owned(),
                    version: pack.version().to_owned(),
                    digest: pack.digest().to_owned(),
                })
                .collect(),
            assumed: assumed(facts),
            at: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            sources: Sources {
                files: count(files.files),
                documents: count(files.documents),
                excluded: count(files.excluded),
                left_alone: count(files.left_alone.values().sum()),
                unread: count(files.unread),
                objects: inventory.items().filter(|(_, item)| inventory.cluster(item.cluster).is_some()).count(),
                asked: answers.calls,
            },
            invocation: Invocation::new(std::env::args_os().skip(1)),
        }
    }

    /// The rules that were selected.
    pub fn rules(&self) -> &[RuleInfo] {
        &self.rules
    }

    /// The report of these results.
    pub fn run<'a>(&'a self, inventory: &'a Inventory, results: &'a CheckResults) -> Run<'a> {
        Run {
            inventory,
            results,
            rules: &self.rules,
            packs: &self.packs,
            assumed: &self.assumed,
            at: self.at.clone(),
            sources: self.sources,
            invocation: &self.invocation,
        }
    }
}

/// A reader's count as the report's type.
fn count(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// The facts that flags state, by their names in JSON.
fn assumed(facts: &FactArgs) -> Vec<(&'static str, String)> {
    let flags = [
        ("karpenterVersion", &facts.karpenter_version),
        ("chartVersion", &facts.chart_version),
        ("clusterName", &facts.cluster_name),
        ("account", &facts.account),
        ("region", &facts.region),
        ("partition", &facts.partition),
    ];
    flags.into_iter().filter_map(|(name, value)| value.clone().map(|value| (name, value))).collect()
}
