//! Facts that neither the cluster nor the files state: those of the command line and of the configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::schema::aws::partition_of;
use crate::schema::pattern::glob;

/// Facts that can be stated.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum StatedFact {
    /// The version of the controller.
    KarpenterVersion,
    /// The version of the chart that values are for.
    ChartVersion,
    /// The name of the EKS cluster.
    ClusterName,
    /// The AWS account.
    Account,
    /// The AWS region.
    Region,
    /// The AWS partition.
    Partition,
}

impl StatedFact {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::KarpenterVersion, Self::ChartVersion, Self::ClusterName, Self::Account, Self::Region, Self::Partition];

    /// The flag that states it.
    pub const fn flag(self) -> &'static str {
        match self {
            Self::KarpenterVersion => "--karpenter-version",
            Self::ChartVersion => "--chart-version",
            Self::ClusterName => "--cluster-name",
            Self::Account => "--account",
            Self::Region => "--region",
            Self::Partition => "--partition",
        }
    }
}

/// A line of the configuration that states a fact.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SettingPlace {
    /// The file, as a person in the working directory writes it.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

/// Facts stated on the command line or in the configuration.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Stated {
    /// `--karpenter-version`, without a leading `v`.
    pub karpenter_version: Option<String>,
    /// The version that every controller is judged as, whatever it says itself: `--to` of `upgrade`, without a leading `v`.
    pub target: Option<String>,
    /// `--chart-version`, without a leading `v`.
    pub chart_version: Option<String>,
    /// `--cluster-name`.
    pub cluster_name: Option<String>,
    /// `--account`.
    pub account: Option<String>,
    /// `--region`.
    pub region: Option<String>,
    /// `--partition`.
    pub partition: Option<String>,
    /// `--parameter`: names and values. The last value of a name counts.
    pub parameters: Vec<(String, String)>,
    /// Where the facts stand that the configuration states. A flag has no place.
    pub places: BTreeMap<StatedFact, SettingPlace>,
    /// What is stated of single scopes; it counts before what is stated of all. The first entry that fits and states a fact
    /// counts.
    pub scoped: Vec<ScopedFacts>,
    /// What is stated of single files and Terraform roots, by path, since the scope that they are in has such a name.
    pub of_units: BTreeMap<Arc<str>, Self>,
}

/// Facts about the scopes of a name or the live clusters of a context.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScopedFacts {
    /// Which scopes.
    pub of: ScopePattern,
    /// What is stated of them. It has neither `scoped` nor `of_units`.
    pub facts: Stated,
}

/// Which scopes a fact is about; `*` and `?` stand for any characters.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ScopePattern {
    /// Those of such a name.
    Scope(String),
    /// Those of which a live cluster was asked by such a context.
    Context(String),
}

impl Stated {
    /// What is stated of one scope, by its name, the contexts of its live clusters, and the files and roots that it is made of.
    #[must_use]
    pub fn of_scope(&self, name: &str, contexts: &[&str], units: &BTreeSet<String>) -> Self {
        let fits = |of: &ScopePattern| match of {
            ScopePattern::Scope(pattern) => glob(pattern, name),
            ScopePattern::Context(pattern) => contexts.iter().any(|context| glob(pattern, context)),
        };
        // What its files were read with counts for the scope as well, though it may have another name by now.
        let mut read_with = units.iter().filter_map(|unit| self.of_units.get(unit.as_str()));
        let first = read_with.next().filter(|first| read_with.all(|other| other == *first));
        let base = first.unwrap_or(self).clone();
        let mut own = Self { target: self.target.clone(), scoped: vec![], of_units: BTreeMap::new(), ..base };
        // The first entry counts, so it comes last.
        for scoped in self.scoped.iter().rev().filter(|scoped| fits(&scoped.of)) {
            own.overlay(&scoped.facts);
        }
        own
    }

    /// What is stated of one file or Terraform root, by its path.
    pub fn of_unit(&self, path: &str) -> &Self {
        self.of_units.get(path).unwrap_or(self)
    }

    /// Takes over each fact that the other states.
    fn overlay(&mut self, other: &Self) {
        for fact in StatedFact::ALL {
            if let Some(value) = other.value(fact) {
                *self.slot(fact) = Some(value.to_owned());
                match other.places.get(&fact) {
                    Some(place) => self.places.insert(fact, place.clone()),
                    None => self.places.remove(&fact),
                };
            }
        }
        self.parameters.extend(other.parameters.iter().cloned());
    }

    /// What is stated of a fact.
    pub fn value(&self, fact: StatedFact) -> Option<&str> {
        match fact {
            StatedFact::KarpenterVersion => &self.karpenter_version,
            StatedFact::ChartVersion => &self.chart_version,
            StatedFact::ClusterName => &self.cluster_name,
            StatedFact::Account => &self.account,
            StatedFact::Region => &self.region,
            StatedFact::Partition => &self.partition,
        }
        .as_deref()
    }

    /// Has the fact stated no longer.
    pub fn forget(&mut self, fact: StatedFact) {
        *self.slot(fact) = None;
        self.places.remove(&fact);
    }

    const fn slot(&mut self, fact: StatedFact) -> &mut Option<String> {
        match fact {
            StatedFact::KarpenterVersion => &mut self.karpenter_version,
            StatedFact::ChartVersion => &mut self.chart_version,
            StatedFact::ClusterName => &mut self.cluster_name,
            StatedFact::Account => &mut self.account,
            StatedFact::Region => &mut self.region,
            StatedFact::Partition => &mut self.partition,
        }
    }

    /// Does an entry for scopes of a name state what readers of files need?
    pub fn is_scoped_for_files(&self) -> bool {
        let needed = [StatedFact::ClusterName, StatedFact::Account, StatedFact::Region, StatedFact::Partition];
        self.scoped.iter().any(|ScopedFacts { of, facts }| {
            matches!(of, ScopePattern::Scope(_))
                && (!facts.parameters.is_empty() || needed.iter().any(|fact| facts.value(*fact).is_some()))
        })
    }

    /// The partition that was stated, or in which the stated region lies.
    pub fn known_partition(&self) -> Option<String> {
        self.partition.clone().or_else(|| self.region.as_deref().and_then(partition_of).map(str::to_owned))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pattern: &str, facts: Stated) -> ScopedFacts {
        ScopedFacts { of: ScopePattern::Scope(pattern.into()), facts }
    }

    #[test]
    fn of_each_fact_the_first_entry_counts_that_states_it() {
        let account = |account: &str| Stated { account: Some(account.into()), ..Stated::default() };
        let stated = Stated {
            region: Some("eu-west-1".into()),
            scoped: vec![
                of("prod", account("1")),
                of("p*", Stated { region: Some("us-east-1".into()), ..account("2") }),
            ],
            ..account("0")
        };
        let facts = |name: &str| {
            let own = stated.of_scope(name, &[], &BTreeSet::new());
            (own.account.unwrap(), own.region.unwrap())
        };
        assert_eq!(facts("prod"), ("1".into(), "us-east-1".into()));
        assert_eq!(facts("pre"), ("2".into(), "us-east-1".into()));
        assert_eq!(facts("dev"), ("0".into(), "eu-west-1".into()));
    }

    #[test]
    fn the_place_goes_with_the_fact() {
        let place = SettingPlace { file: "c.toml".into(), line: 3, column: 1 };
        let own = Stated {
            account: Some("1".into()),
            places: BTreeMap::from([(StatedFact::Account, place.clone())]),
            ..Stated::default()
        };
        let stated = Stated { account: Some("0".into()), scoped: vec![of("prod", own)], ..Stated::default() };
        assert_eq!(stated.of_scope("prod", &[], &BTreeSet::new()).places.get(&StatedFact::Account), Some(&place));
        assert!(stated.of_scope("dev", &[], &BTreeSet::new()).places.is_empty());
    }
}
