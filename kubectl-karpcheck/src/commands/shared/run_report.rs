//! The report of a run: what was read, with which packs and under which assumptions.

use std::collections::BTreeSet;

use crate::commands::shared::args::{FactArgs, SourceArgs};
use crate::commands::shared::rule_selection::Packs;
use crate::config::Config;
use crate::engine::Selected;
use crate::findings::finding::{BUILTIN, CheckResults, RuleInfo};
use crate::inventory::Inventory;
use crate::report::{Invocation, MergedSources, PackInfo, Paths, Run, Shard, Sources};
use crate::sources::FileSummary;
use crate::sources::aws::AwsSummary;
use crate::sources::snapshot::facts;

/// What all reports of one run have in common.
#[derive(Debug)]
pub struct RunReport {
    rules: Vec<RuleInfo>,
    packs: Vec<PackInfo>,
    assumed: Vec<(&'static str, String)>,
    at: String,
    sources: Sources,
    invocation: Invocation,
    config: Option<String>,
    facts: Vec<serde_json::Value>,
    shard: Option<Shard>,
    paths: Paths,
}

impl RunReport {
    /// Of a run that starts now.
    pub fn new(
        packs: &Packs,
        selected: &[Selected<'_>],
        sources: &SourceArgs,
        files: &FileSummary,
        answers: AwsSummary,
        inventory: &Inventory,
    ) -> Self {
        Self {
            rules: selected
                .iter()
                .map(|Selected { rule, severity, .. }| RuleInfo {
                    severity: severity.unwrap_or(rule.severity),
                    ..(*rule).clone()
                })
                .collect(),
            packs: packs
                .packs
                .iter()
                .map(|pack| PackInfo {
                    name: pack.name().to_owned(),
                    version: pack.version().to_owned(),
                    digest: pack.digest().to_owned(),
                })
                .collect(),
            assumed: assumed(&sources.facts()),
            at: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            sources: Sources {
                files: count(files.files),
                documents: count(files.documents),
                excluded: count(files.excluded),
                left_alone: count(files.left_alone.values().sum()),
                unread: count(files.unread),
                objects: inventory.items().filter(|(_, item)| inventory.cluster(item.cluster).is_some()).count(),
                asked: answers.calls,
                merged: None,
            },
            invocation: Invocation::new(std::env::args_os().skip(1)),
            config: sources.config.as_deref().map(Config::in_repository),
            facts: vec![],
            shard: sources.shard,
            paths: Paths::Named,
        }
    }

    /// The same report, which carries what `merge` needs of its clusters.
    #[must_use]
    pub fn for_merge(mut self, inventory: &Inventory) -> Self {
        self.facts = facts::of(inventory).iter().filter_map(|facts| serde_json::to_value(facts).ok()).collect();
        self
    }

    /// The same report, for a reader who is elsewhere.
    #[must_use]
    pub fn elsewhere(self) -> Self {
        Self { paths: Paths::Repository, ..self }
    }

    /// The rules that were selected.
    pub fn rules(&self) -> &[RuleInfo] {
        &self.rules
    }

    /// The same report, of what other runs reported. Of the rules that these covered, those of packs that are not loaded here
    /// have nothing but their names.
    #[must_use]
    pub fn merging(mut self, merged: MergedSources, at: &str, covered: &BTreeSet<&str>) -> Self {
        for rule in covered {
            if !self.rules.iter().any(|known| known.is_called(rule)) {
                let (pack, id) = rule.rsplit_once('/').unwrap_or((BUILTIN, rule));
                self.rules.push(RuleInfo { area: pack.into(), ..RuleInfo::named(pack, id) });
            }
        }
        self.sources.merged = Some(merged);
        at.clone_into(&mut self.at);
        self
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
            config: self.config.as_deref(),
            facts: &self.facts,
            shard: self.shard,
            paths: self.paths,
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
