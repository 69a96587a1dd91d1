//! Flags that met nothing that they apply to.

use std::sync::Arc;

super::problems! {
    /// Of flags that met nothing that they apply to.
    pub enum FlagProblem {
        Note "flag-not-used" ChartVersion = "--chart-version was not used: no values of Karpenter's chart were read";
        Note "flag-not-used" Parameter { name: Arc<str> } = "--parameter {name} was not used: no template or Terraform root here has a parameter of this name";
        Note "flag-not-used" ClusterName = "--cluster-name was not used: every cluster here says its own name";
        Note "flag-not-used" KarpenterVersion { version: Arc<str>, name: Arc<str>, running: Arc<str> } = "--karpenter-version {version} was not used for {name}: it says {running} itself";
        Note "flag-not-used" Place { flag: &'static str, value: Arc<str>, what: &'static str } = "{flag} {value} was not used: everything that was read states its own {what}";
        Note "flag-not-used" NoController { version: Arc<str> } = "--karpenter-version {version} was not used: no controller was found";
        Note "flag-not-used" Exclude { glob: Arc<str> } = "--exclude {glob} matches nothing that was given: it is relative to the working directory or to what -f names";
        Note "report-again" ReportAgain { path: Arc<str> } = "{path} is about clusters that reports before it are about, and was left out";
        Note "report-overlaps" ReportOverlaps { path: Arc<str> } = "{path} is also about clusters that reports before it are about: what was found in them is counted twice";
        Unread "report-parts-missing" ReportPartsMissing { count: usize, missing: MissingParts } = "of the {count} parts of a check with --shard, no report of {missing} was given: what they found is missing here";
        Unread "report-without-facts" ReportWithoutFacts { path: Arc<str> } = "{path} carries nothing about its clusters, so rules that compare clusters could not judge them: make it with --for-merge";
    }
}

/// The parts that are missing, by their numbers from 0: the first ones, and how many there are.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct MissingParts {
    /// Some of their numbers.
    pub first: Vec<usize>,
    /// How many are missing.
    pub total: usize,
}

impl std::fmt::Display for MissingParts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let first: Vec<String> = self.first.iter().map(ToString::to_string).collect();
        write!(f, "{} {}", if self.total == 1 { "part" } else { "parts" }, first.join(", "))?;
        match self.total - self.first.len() {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}
