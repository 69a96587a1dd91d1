//! What items say of the cluster that they are of.

use std::collections::{BTreeMap, BTreeSet};

use crate::inventory::arn;
use crate::inventory::builder::Builder;
use crate::inventory::item::{Item, SourceKind};
use crate::inventory::location::{endpoint, location_in};
use crate::inventory::node::Node;
use crate::karpenter::controller::Identity;
use crate::karpenter::scopes::sightings::{Sighting, Sightings};
use crate::karpenter::scopes::{Core, Unit};
use crate::karpenter::{controller, policies};

/// What identifies a cluster, as far as it is known.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Facts {
    /// Names of clusters that it certainly speaks of.
    pub(super) names: BTreeSet<String>,
    /// Names that are usual for a cluster's: a discovery tag, the end of a role's name.
    pub(super) likely: BTreeSet<String>,
    pub(super) endpoints: BTreeSet<String>,
    /// Names of roles that it makes or refers to as the controller's.
    roles: BTreeSet<String>,
    /// Names of queues that it makes or refers to.
    queues: BTreeSet<String>,
    pub(super) accounts: BTreeSet<String>,
    pub(super) regions: BTreeSet<String>,
    /// Objects that were seen in a cluster, and in another place, too.
    pub(super) seen: BTreeSet<Sighting>,
    /// Does it hold a policy of a controller's?
    pub(super) has_rights: bool,
}

impl Facts {
    pub(super) fn take(&mut self, other: Self) {
        self.names.extend(other.names);
        self.likely.extend(other.likely);
        self.endpoints.extend(other.endpoints);
        self.roles.extend(other.roles);
        self.queues.extend(other.queues);
        self.accounts.extend(other.accounts);
        self.regions.extend(other.regions);
        self.seen.extend(other.seen);
        self.has_rights |= other.has_rights;
    }

    /// What two of them have in common that speak of one cluster. The names come first.
    const fn identities(&self) -> [&BTreeSet<String>; 4] {
        [&self.names, &self.endpoints, &self.roles, &self.queues]
    }

    /// Do they say the same of account, region and API server?
    pub(super) fn is_beside(&self, other: &Self) -> bool {
        self.accounts == other.accounts && self.regions == other.regions && self.endpoints == other.endpoints
    }

    /// Was one object, with its uid, seen in both? Then they are of one cluster.
    pub(super) fn shares_object(&self, other: &Self) -> bool {
        !self.seen.is_disjoint(&other.seen)
    }

    /// Has an object another uid in each, and none the same? A uid is never used again, and an object may be made anew.
    pub(super) fn has_other_objects(&self, other: &Self) -> bool {
        let elsewhere = |seen: &Sighting| other.seen.range(seen.object()).next().is_some();
        !self.shares_object(other) && self.seen.iter().any(elsewhere)
    }

    /// Are they certainly of two accounts, regions, API servers or clusters?
    pub(super) fn apart(&self, other: &Self) -> bool {
        let differ = |one: &BTreeSet<String>, other: &BTreeSet<String>| {
            !one.is_empty() && !other.is_empty() && one.is_disjoint(other)
        };
        differ(&self.accounts, &other.accounts)
            || differ(&self.regions, &other.regions)
            || differ(&self.endpoints, &other.endpoints)
            || self.has_other_objects(other)
    }
}

/// Cores by what identifies them.
pub(super) struct Named<'a>([BTreeMap<&'a str, Vec<usize>>; 4]);

impl<'a> Named<'a> {
    pub(super) fn new(cores: &'a [Core]) -> Self {
        let mut named = Self([const { BTreeMap::new() }; 4]);
        for (number, core) in cores.iter().enumerate() {
            for (index, words) in named.0.iter_mut().zip(core.facts.identities()) {
                words.iter().for_each(|word| index.entry(word).or_default().push(number));
            }
        }
        named
    }

    /// The cores that name one cluster with these facts: see [`Facts::identities`].
    pub(super) fn meeting(&self, facts: &Facts) -> BTreeSet<usize> {
        let named = self.called(&facts.names);
        let mut meeting = named.clone();
        for (index, words) in self.0.iter().zip(facts.identities()).skip(1) {
            for cores in words.iter().filter_map(|word| index.get(word.as_str())) {
                // What several clusters call by one name, a role in each of their accounts, is the one's that is named.
                let several = cores.len() > 1 && cores.iter().any(|core| named.contains(core));
                meeting.extend(cores.iter().filter(|core| !several || named.contains(core)));
            }
        }
        meeting
    }

    /// The cores of clusters with one of these names.
    pub(super) fn called(&self, names: &BTreeSet<String>) -> BTreeSet<usize> {
        names.iter().filter_map(|name| self.0[0].get(name.as_str())).flatten().copied().collect()
    }
}

/// What the items of a unit say of the cluster that they are of.
pub(super) fn of_unit(builder: &Builder, unit: &Unit, sightings: &Sightings) -> Facts {
    let mut facts = Facts { seen: sightings.repeated(&unit.items), ..Facts::default() };
    let items = unit.items.iter().map(|index| &builder.items()[*index]);
    // A question without an answer says what was asked about, and nothing of what there is.
    for item in items.filter(|item| !item.is_unanswered()) {
        of_item(item, &mut facts);
    }
    if let Some(cluster) = unit.cluster {
        let own = unit.items.iter().map(|index| &builder.items()[*index]);
        let (region, account) = location_in(cluster, own);
        facts.regions.extend(region);
        facts.accounts.extend(account);
    }
    facts
}

fn of_item(item: &Item, facts: &mut Facts) {
    let known = |path: &[&str]| item.body.str_at(path).filter(|text| !text.is_empty()).map(str::to_owned);
    let id = || item.aws.as_deref().and_then(|aws| aws.id.as_ref()?.known().map(str::to_owned));
    match &*item.kind {
        "AWS::EKS::Cluster" => {
            facts.names.extend(known(&["Name"]).or_else(id));
            facts.endpoints.extend(known(&["Endpoint"]).map(|url| endpoint(&url)));
        }
        "AWS::EKS::PodIdentityAssociation"
            if item.body.str_at(&["ServiceAccount"]).is_some_and(|account| account.contains("karpenter")) =>
        {
            facts.names.extend(known(&["ClusterName"]));
            facts.roles.extend(known(&["RoleArn"]).map(|name| last(&name)));
        }
        "AWS::IAM::Role" => facts.roles.extend(id().map(|name| last(&name))),
        "AWS::SQS::Queue" => facts.queues.extend(id()),
        "core/ServiceAccount" => {
            let role = known(&["metadata", "annotations", "eks.amazonaws.com/role-arn"]);
            if item.name.contains("karpenter") {
                facts.roles.extend(role.map(|name| last(&name)));
            }
        }
        _ => {}
    }
    facts.has_rights |= policies::is_of_a_controller(item);
    for name in controller::pinned_in(item) {
        facts.names.insert(name);
    }
    for (name, sure) in controller::names_in(item) {
        if sure {
            facts.names.insert(name)
        } else {
            facts.likely.insert(name)
        };
    }
    if let Some(aws) = item.aws.as_deref()
        && item.source == SourceKind::Aws
    {
        let own = |node: &Option<Node>| node.as_ref().and_then(Node::as_str).map(str::to_owned);
        facts.accounts.extend(own(&aws.account));
        facts.regions.extend(own(&aws.region));
    }
}

/// What a controller says of its cluster.
pub(super) fn of_identity(identity: &Identity) -> Facts {
    let set = |text: &Option<String>| text.iter().cloned().collect::<BTreeSet<_>>();
    Facts {
        names: set(&identity.name),
        likely: BTreeSet::new(),
        endpoints: set(&identity.endpoint),
        roles: identity.role.iter().map(|role| last(role)).collect(),
        queues: identity.queue.iter().map(|queue| last(queue)).collect(),
        accounts: identity.role.iter().filter_map(|role| account(role)).collect(),
        regions: set(&identity.region),
        seen: BTreeSet::new(),
        has_rights: false,
    }
}

/// The account of an ARN.
fn account(arn: &str) -> Option<String> {
    let parts = arn::split(&arn.into())?;
    parts[4].known().filter(|account| !account.is_empty()).map(str::to_owned)
}

/// The last part of an ARN or URL: a name.
fn last(text: &str) -> String {
    text.rsplit(['/', ':']).next().unwrap_or_default().to_owned()
}
