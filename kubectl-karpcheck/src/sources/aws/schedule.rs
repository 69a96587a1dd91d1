//! What to begin with: the values that the inventory names, of those topics that the chosen rules read about.

use std::collections::BTreeSet;

use crate::inventory::{ClusterId, FieldValue, Found, Inventory, ItemId, arn, location};
use crate::schema::ack;
use crate::schema::aws_calls;
use crate::schema::aws_calls::Topic;
use crate::schema::kinds;
use crate::schema::kinds::GatherScope;

/// What AWS is asked about, before any answer.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Seeds {
    /// Topics with their values. None twice.
    pub(super) topics: BTreeSet<(Topic, Vec<String>)>,
    /// Texts that stand where a name belongs and are none.
    pub(super) strange: BTreeSet<String>,
}

/// What a context's objects say of where its AWS resources live.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct ClusterHome {
    /// The region.
    pub(super) region: Option<String>,
    /// The account.
    pub(super) account: Option<String>,
}

/// Collects the seeds of one cluster, with what is in files.
pub(super) fn seeds(inventory: &Inventory, gather_scope: &GatherScope, cluster: ClusterId) -> Seeds {
    let mut reader = Reader { inventory, gather_scope, cluster, seeds: Seeds::default() };
    reader.add(Topic::Account, &[]);
    reader.controllers();
    reader.cluster_names();
    reader.queues();
    reader.volumes();
    reader.ack_keys();
    reader.tables();
    reader.seeds
}

struct Reader<'a> {
    inventory: &'a Inventory,
    gather_scope: &'a GatherScope,
    cluster: ClusterId,
    seeds: Seeds,
}

impl Reader<'_> {
    /// Adds a topic if anything about it is wanted.
    fn add(&mut self, topic: Topic, texts: &[&str]) {
        if aws_calls::about(self.gather_scope, topic).next().is_none() {
            return;
        }
        let values: Result<Vec<String>, String> = texts
            .iter()
            .enumerate()
            .map(|(number, text)| topic.value(number, text).ok_or_else(|| (*text).to_owned()))
            .collect();
        match values {
            Ok(values) => {
                self.seeds.topics.insert((topic, values));
            }
            Err(text) => {
                self.seeds.strange.insert(text);
            }
        }
    }

    /// The items of a kind that belong to this cluster or to files.
    fn of_kind(&self, kind: &str) -> Vec<ItemId> {
        let own = |id: &ItemId| {
            self.inventory
                .item(*id)
                .is_some_and(|item| item.cluster == self.cluster || item.cluster == ClusterId::FILES)
        };
        self.inventory.of_kind(kind).into_iter().filter(own).collect()
    }

    fn text(&self, id: ItemId, pointer: &str) -> Option<String> {
        match self.inventory.get(id, pointer) {
            Ok(FieldValue::Text(text)) if !text.is_empty() => Some(text.into_owned()),
            _ => None,
        }
    }

    fn texts(&self, id: ItemId, pattern: &str) -> Vec<String> {
        let fields = self.inventory.find(id, pattern).map(|(fields, _)| fields).unwrap_or_default();
        let text = |value| match value {
            FieldValue::Text(text) if !text.is_empty() => Some(text.into_owned()),
            _ => None,
        };
        fields.into_iter().filter_map(|field| text(field.value)).collect()
    }

    fn controllers(&mut self) {
        for id in self.of_kind(kinds::CONTROLLER) {
            if let Some(queue) = self.text(id, "/InterruptionQueue") {
                self.add(Topic::Queue, &[&queue]);
            }
            let name = self.text(id, "/ClusterName");
            if let Some(name) = &name {
                self.add(Topic::Cluster, &[name]);
            }
            match (self.text(id, "/Role"), name) {
                (Some(role), _) => self.add(Topic::Role, &[&role]),
                (None, Some(name)) => {
                    let account = self.text(id, "/ServiceAccount").unwrap_or_else(|| "karpenter".into());
                    if let Some(namespace) = self.text(id, "@namespace") {
                        self.add(Topic::ServiceAccount, &[&name, &namespace, &account]);
                    }
                }
                (None, None) => {}
            }
        }
    }

    /// What AWS's own tools call the cluster.
    fn cluster_names(&mut self) {
        for id in self.of_kind(kinds::CLUSTER) {
            let entries = self.inventory.find(id, "/Evidence/*/Rank").map(|(fields, _)| fields).unwrap_or_default();
            let strong = entries.into_iter().filter(
                |field| matches!(&field.value, FieldValue::Text(rank) if matches!(&**rank, "strong" | "definitive")),
            );
            for field in strong.collect::<Vec<_>>() {
                if let Some(name) =
                    field.at.strip_suffix("/Rank").and_then(|entry| self.text(id, &format!("{entry}/Name")))
                {
                    self.add(Topic::Cluster, &[&name]);
                }
            }
        }
    }

    /// Queues that rules aim at, beside the controllers' own; of an interruption queue in files the key, too.
    fn queues(&mut self) {
        for id in self.of_kind("AWS::SQS::Queue") {
            let aimed_at = self
                .inventory
                .referrers(id, "AWS::Events::Rule")
                .iter()
                .any(|link| matches!(link.item, Found::Known(_)));
            let used = || {
                self.inventory
                    .related(id, "@controller")
                    .is_ok_and(|links| links.iter().any(|link| matches!(link.item, Found::Known(_))))
            };
            if !aimed_at && !used() {
                continue;
            }
            let known = |item: &crate::inventory::Item| item.aws.as_ref()?.id.as_ref()?.known().map(str::to_owned);
            if let Some(name) = self.inventory.item(id).and_then(known) {
                self.add(Topic::Queue, &[&name]);
            }
            if let Some(key) = self.text(id, "/KmsMasterKeyId") {
                self.add(Topic::Key, &[&key]);
            }
        }
    }

    /// Keys, snapshots and images of Karpenter's classes.
    fn volumes(&mut self) {
        for kind in ["karpenter.k8s.aws/EC2NodeClass", "karpenter.k8s.aws/AWSNodeTemplate"] {
            for id in self.of_kind(kind) {
                for (pattern, topic) in [
                    ("/spec/blockDeviceMappings/*/ebs/kmsKeyID", Topic::Key),
                    ("/spec/blockDeviceMappings/*/ebs/snapshotID", Topic::Snapshot),
                    ("/status/amis/*/id", Topic::Image),
                ] {
                    for text in self.texts(id, pattern) {
                        self.add(topic, &[&text]);
                    }
                }
            }
        }
    }

    /// Keys of ACK's objects, where a chosen rule judges such objects.
    fn ack_keys(&mut self) {
        for field in ack::key_fields().iter().filter(|field| self.gather_scope.declares(field.kind)) {
            for id in self.of_kind(field.kind) {
                for text in self.texts(id, field.key) {
                    self.add(Topic::Key, &[&text]);
                }
            }
        }
    }

    fn tables(&mut self) {
        for id in self.of_kind("AWS::DynamoDB::Table") {
            if let Some(name) = self.text(id, "/TableName") {
                self.add(Topic::Table, &[&name]);
            }
        }
    }
}

/// Where the AWS resources of a cluster live, by what its objects and its kubeconfig say, the strongest word first.
pub(super) fn home(inventory: &Inventory, cluster: ClusterId) -> ClusterHome {
    let mut home = ClusterHome::default();
    let live = cluster.index().and_then(|index| inventory.clusters().get(index));
    for (name, _) in live.iter().flat_map(|live| &live.hints) {
        // arn:aws:eks:eu-west-1:111122223333:cluster/prod
        let parts: Vec<&str> = name.splitn(6, ':').collect();
        if let ["arn", _, "eks", region, account, _] = parts[..] {
            home.region.get_or_insert_with(|| region.to_owned());
            home.account.get_or_insert_with(|| account.to_owned());
        }
    }
    if let Some(live) = live {
        // https://0123ABCD.gr7.eu-west-1.eks.amazonaws.com
        let host = live.server.split("://").last().unwrap_or_default().split(['/', ':']).next().unwrap_or_default();
        if let Some(region) = host.split(".eks.amazonaws.com").next().filter(|front| front.len() < host.len()) {
            home.region = home.region.take().or_else(|| region.rsplit('.').next().map(str::to_owned));
        }
    }
    let items: Vec<_> = inventory.items().map(|(_, item)| item).collect();
    let (region, account) = location::location_in(cluster, items.into_iter());
    home.region = home.region.take().or(region);
    home.account = home.account.take().or(account);
    for (_, item) in inventory.items().filter(|(_, item)| item.cluster == cluster && &*item.kind == kinds::CONTROLLER) {
        let role = item.body.str_at(&["Role"]).map(|role| arn::split(&role.into()));
        if let Some(account) = role.flatten().and_then(|parts| parts[4].known().map(str::to_owned)) {
            home.account = home.account.take().or(Some(account).filter(|account| !account.is_empty()));
        }
    }
    home
}
