//! The cost of judging grows with the work: every rule over N and 4N relevant items, counted and not timed.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use kubectl_karpcheck::engine::{Engine, Limits, Pack, Selected, run_rules};
use kubectl_karpcheck::findings::finding::RuleCost;
use kubectl_karpcheck::inventory::{Builder, Stated};
use kubectl_karpcheck::karpenter;
use kubectl_karpcheck::schema::kinds::GatherScope;
use kubectl_karpcheck::sources;

/// What four times the input may cost, in hundredths: a tenth more for what is sorted, and for what is worked out once.
const MOST: u64 = 440;
/// What one rule may cost besides, half a millisecond: to hand each controller the others of a fleet is a square, and
/// a small one.
const FREE: u64 = 5_000_000;

type Files = Vec<(String, String)>;

fn engine() -> &'static (Engine, Pack) {
    static ENGINE: OnceLock<(Engine, Pack)> = OnceLock::new();
    ENGINE.get_or_init(|| {
        let engine = Engine::new(Limits::default(), None).unwrap();
        let pack = engine.builtin().unwrap();
        (engine, pack)
    })
}

/// What each rule costs over some files.
fn costs(files: &Files) -> BTreeMap<String, RuleCost> {
    let (engine, pack) = engine();
    let selected: Vec<Selected<'_>> = pack.rules().iter().map(|rule| Selected::new(pack, rule)).collect();
    let plan = GatherScope::new(pack.rules().iter().flat_map(|rule| rule.kinds().map(|kind| (kind, false))));
    let mut builder = Builder::new(Stated::default());
    let texts: Vec<_> = files.iter().map(|(name, text)| (Path::new(name.as_str()), text.as_bytes())).collect();
    sources::texts(&texts, &plan, &mut builder);
    let inventory = Arc::new(karpenter::inventory(builder));
    let results = run_rules(engine, &selected, &inventory);
    assert_eq!(results.faults, []);
    results.costs.into_iter().map(|cost| (cost.rule.clone(), cost)).collect()
}

/// Every rule, and all together, cost at most 4.4 times as much over four times as many.
fn grows_with_the_work(make: fn(usize) -> Files, few: usize) {
    let (small, large) = (costs(&make(few)), costs(&make(4 * few)));
    let total = |cost: &RuleCost| cost.fuel + cost.work;
    let sum = |costs: &BTreeMap<String, RuleCost>| costs.values().map(total).sum::<u64>();
    let mut worse = String::new();
    if sum(&large) > sum(&small) * MOST / 100 {
        writeln!(worse, "all: {} over {few}, {} over {}", sum(&small), sum(&large), 4 * few).unwrap();
    }
    for (rule, cost) in &large {
        let before = small.get(rule).map_or(0, total);
        if total(cost).saturating_sub(FREE) > before * MOST / 100 {
            writeln!(worse, "{rule}: {before} over {few}, {} over {}", total(cost), 4 * few).unwrap();
        }
    }
    assert!(!large.is_empty() && worse.is_empty(), "the cost outgrows the work:\n{worse}");
}

fn controller(cluster: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: karpenter, namespace: kube-system}}\nspec: {{template: {{spec: \
         {{containers: [{{name: controller, image: \"public.ecr.aws/karpenter/controller:1.8.1\", env: [{{name: CLUSTER_NAME, value: \
         {cluster}}}, {{name: INTERRUPTION_QUEUE, value: {cluster}}}]}}]}}}}}}\n---\n"
    )
}

fn class(number: usize, tag: &str) -> String {
    format!(
        "apiVersion: karpenter.k8s.aws/v1\nkind: EC2NodeClass\nmetadata: {{name: class-{number}}}\nspec: {{role: nodes, amiSelectorTerms: \
         [{{alias: al2023@v20250101}}], blockDeviceMappings: [{{deviceName: /dev/xvda, ebs: {{encrypted: true, kmsKeyID: \
         \"arn:aws:kms:eu-west-1:111122223333:key/{number}\"}}}}], subnetSelectorTerms: [{{tags: {{karpenter.sh/discovery: {tag}}}}}], \
         securityGroupSelectorTerms: [{{tags: {{karpenter.sh/discovery: {tag}}}}}]}}\n---\napiVersion: karpenter.sh/v1\nkind: \
         NodePool\nmetadata: {{name: pool-{number}}}\nspec: {{template: {{spec: {{nodeClassRef: {{group: karpenter.k8s.aws, kind: \
         EC2NodeClass, name: class-{number}}}}}}}}}\n---\n"
    )
}

/// The node classes and pools of one cluster.
fn classes(count: usize) -> Files {
    let classes: String = (0..count).map(|number| class(number, "demo")).collect();
    vec![("all.yaml".into(), controller("demo") + &classes)]
}

/// ACK's tables, each with a key of its own.
fn tables(count: usize) -> Files {
    let table = |number: usize| {
        format!(
            "apiVersion: dynamodb.services.k8s.aws/v1alpha1\nkind: Table\nmetadata: {{name: table-{number}, namespace: team}}\nspec: \
             {{tableName: table-{number}, sseSpecification: {{enabled: true, sseType: KMS, kmsMasterKeyRef: {{from: {{name: \
             key-{number}}}}}}}}}\n---\napiVersion: kms.services.k8s.aws/v1alpha1\nkind: Key\nmetadata: {{name: key-{number}, namespace: \
             team}}\nspec: {{description: of a table}}\n---\n"
        )
    };
    vec![("all.yaml".into(), controller("demo") + &(0..count).map(table).collect::<String>())]
}

/// Clusters, each with its controller, its queue and its classes.
fn clusters(count: usize) -> Files {
    let cluster = |number: usize| {
        let name = format!("cluster-{number}");
        let queue = format!(
            "Resources:\n  Queue:\n    Type: AWS::SQS::Queue\n    Properties: {{QueueName: {name}, KmsMasterKeyId: !Ref Key}}\n  Key:\n    \
             Type: AWS::KMS::Key\n    Properties: {{Description: of a queue}}\n  Rule:\n    Type: AWS::Events::Rule\n    Properties: \
             {{EventPattern: {{source: [aws.ec2], detail-type: [EC2 Spot Instance Interruption Warning]}}, Targets: [{{Id: queue, Arn: \
             !GetAtt Queue.Arn}}]}}\n"
        );
        [
            (format!("{name}/all.yaml"), controller(&name) + &class(1, &name) + &class(2, "shared")),
            (format!("{name}/queue.yaml"), queue),
        ]
    };
    (0..count).flat_map(cluster).collect()
}

/// Policies of one account, of which few are the controller's.
fn policies(count: usize) -> Files {
    let policy = |number: usize| {
        format!(
            "  Policy{number}:\n    Type: AWS::IAM::ManagedPolicy\n    Properties:\n      ManagedPolicyName: policy-{number}\n      \
             PolicyDocument:\n        Statement:\n          - {{Effect: Allow, Action: [\"ec2:RunInstances\", \"ec2:CreateFleet\", \
             \"ec2:CreateTags\"], Resource: \"*\"}}\n          - {{Effect: Allow, Action: \"ec2:TerminateInstances\", Resource: \"*\", \
             Condition: {{StringEquals: {{\"aws:ResourceTag/kubernetes.io/cluster/demo\": owned}}}}}}\n"
        )
    };
    let policies: String = (0..count).map(policy).collect();
    vec![("all.yaml".into(), controller("demo")), ("policies.yaml".into(), format!("Resources:\n{policies}"))]
}

/// What a call costs the host at least.
const CALL: u64 = 8;

/// Rules over every object are most of a run over many: helpers that ask what another one asked before would not be noticed in
/// the growth.
#[test]
fn an_object_is_asked_for_each_thing_once() {
    let costs = costs(&classes(50));
    for rule in ["field-unknown", "object-refused"] {
        let cost = &costs[rule];
        let calls = cost.work / u64::from(cost.subjects) / CALL;
        assert!(calls < 12, "{rule} asks {calls} times of each object");
    }
}

#[test]
fn with_the_classes_of_a_cluster() {
    grows_with_the_work(classes, 50);
}

#[test]
fn with_tables() {
    grows_with_the_work(tables, 50);
}

#[test]
fn with_clusters() {
    grows_with_the_work(clusters, 15);
}

#[test]
fn with_policies() {
    grows_with_the_work(policies, 20);
}
