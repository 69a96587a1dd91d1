//! Helm values of Karpenter's chart, recognised by what they hold.

use crate::model::controller::VALUES;
use crate::model::{Builder, Draft, Node, SourceKind};

/// Are these values of Karpenter's chart? They name its image, or have a setting that only Karpenter's chart has.
pub(super) fn is_values(node: &Node) -> bool {
    if node.member("apiVersion").is_some() || node.member("kind").is_some() {
        return false;
    }
    let image = node
        .str_at(&["controller", "image", "repository"])
        .is_some_and(|repository| repository.ends_with("karpenter/controller"));
    let settings = node.member("settings").and_then(Node::as_map).is_some_and(|settings| {
        let own = [
            "clusterName",
            "clusterEndpoint",
            "interruptionQueue",
            "interruptionQueueName",
            "featureGates",
            "vmMemoryOverheadPercent",
        ];
        let has = |name: &&str| settings.get(name).is_some();
        let aws = settings.get("aws").and_then(Node::as_map).is_some_and(|aws| {
            ["clusterName", "interruptionQueueName", "clusterEndpoint"].iter().any(|name| aws.get(name).is_some())
        });
        // `clusterName` alone could be anybody's; beside a queue, or as old settings, it is Karpenter's.
        aws || own.iter().filter(|name| has(name)).count() >= 2
            || ["interruptionQueue", "interruptionQueueName"].iter().any(has)
    });
    image || settings
}

/// Adds the values.
pub(super) fn add(builder: &mut Builder, node: Node) {
    builder.add(Draft::new(VALUES, "karpenter", node, SourceKind::Source));
}

/// Adds the values of a release, which says the namespace that it goes to.
pub(super) fn add_release(builder: &mut Builder, node: Node, namespace: Option<&str>) {
    let mut draft = Draft::new(VALUES, "karpenter", node, SourceKind::Source);
    draft.namespace = namespace.map(Into::into);
    builder.add(draft);
}
