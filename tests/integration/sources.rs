//! What operators keep in files, as the inventory has it: one normal form, whatever the source.

mod carried;
mod corpus;
mod hostile;
mod joins;
mod overlays;
mod questions;
mod releases;
mod stacks;
mod story;
mod unmapped;

use kubectl_karpcheck::inventory::{Builder, Cause, FieldValue, Found, Inventory, ItemId, Stated};
use kubectl_karpcheck::karpenter;
use kubectl_karpcheck::schema::kinds::GatherScope;
use kubectl_karpcheck::sources;
use serde_json::{Value as Json, json};

/// All kinds that the sources tell of.
const KINDS: &[&str] = &[
    "AWS::DynamoDB::Table",
    "AWS::EC2::LaunchTemplate",
    "AWS::EKS::Cluster",
    "AWS::EKS::PodIdentityAssociation",
    "AWS::Events::Rule",
    "AWS::IAM::InstanceProfile",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Policy",
    "AWS::IAM::Role",
    "AWS::KMS::Alias",
    "AWS::KMS::Key",
    "AWS::SQS::Queue",
    "Karpcheck::Controller",
    "Karpcheck::EbsDefaults",
];

fn read_with(texts: &[&str], stated: Stated) -> Inventory {
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<_> = texts
        .iter()
        .enumerate()
        .map(|(number, text)| {
            let path = folder.path().join(format!("{number}.yaml"));
            std::fs::write(&path, text).unwrap();
            path
        })
        .collect();
    let plan = GatherScope::new(KINDS.iter().map(|kind| (*kind, false)));
    let mut builder = Builder::new(stated);
    let named = sources::Named { paths: &paths, ..sources::Named::default() };
    sources::files(named, &plan, &mut builder, &mut std::io::empty());
    karpenter::inventory(builder)
}

fn read(texts: &[&str]) -> Inventory {
    let inventory = read_with(texts, Stated::default());
    let problems: Vec<String> = inventory
        .problems()
        .iter()
        .filter(|problem| problem.is_incomplete())
        .map(|problem| problem.to_string())
        .collect();
    assert!(problems.is_empty(), "{problems:?}");
    inventory
}

fn only(inventory: &Inventory, kind: &str) -> ItemId {
    let found = inventory.of_kind(kind);
    assert_eq!(found.len(), 1, "{kind}");
    found[0]
}

fn json_of(inventory: &Inventory, id: ItemId, pointer: &str) -> Json {
    inventory.node(id, pointer).map_or(Json::Null, |node| node.to_json())
}

/// What a field refers to, by name.
fn refers(inventory: &Inventory, id: ItemId, pointer: &str) -> Vec<String> {
    let name = |found: Found| match found {
        Found::Known(id) => inventory.item(id).map(|item| item.name.to_string()).unwrap_or_default(),
        Found::Unknown(unknown) => format!("unknown: {}", unknown.reason),
        Found::Absent(what) => format!("absent: {what}"),
    };
    inventory.related(id, pointer).unwrap().into_iter().map(|link| name(link.item)).collect()
}

const ALIAS: &str = "
apiVersion: kms.aws.upbound.io/v1beta1
kind: Alias
metadata: {name: spot}
spec:
  forProvider: {region: eu-west-1, targetKeyIdRef: {name: spot-key}}
";

const KEY: &str = "
apiVersion: kms.aws.upbound.io/v1beta1
kind: Key
metadata: {name: spot-key, labels: {for: spot}}
spec:
  forProvider:
    region: eu-west-1
    policy: '{\"Statement\": [{\"Effect\": \"Allow\", \"Principal\": \"*\"}]}'
";

#[test]
fn a_reference_of_crossplane_finds_its_object_in_another_file() {
    let inventory = read(&[ALIAS, KEY]);
    let alias = only(&inventory, "AWS::KMS::Alias");
    assert_eq!(json_of(&inventory, alias, "/AliasName"), "alias/spot");
    assert_eq!(refers(&inventory, alias, "/TargetKeyId"), ["spot-key"]);
    let key = only(&inventory, "AWS::KMS::Key");
    assert_eq!(json_of(&inventory, key, "/KeyPolicy/Statement/0/Effect"), "Allow");
    assert_eq!(refers(&inventory, key, "@same"), ["spot-key"], "the object and what it describes are joined");
}

#[test]
fn the_objects_name_is_not_the_id_of_a_key() {
    let inventory = read(&[KEY]);
    assert_eq!(json_of(&inventory, only(&inventory, "AWS::KMS::Key"), "/KeyId"), Json::Null);
}

#[test]
fn a_selector_means_the_one_object_with_its_labels() {
    let table = "
apiVersion: dynamodb.aws.upbound.io/v1beta1
kind: Table
metadata: {name: t}
spec:
  forProvider:
    serverSideEncryption: [{enabled: true, kmsKeyArnSelector: {matchLabels: {for: spot}}}]
";
    let at = "/SSESpecification/KMSMasterKeyId";
    let inventory = read(&[table, KEY]);
    assert_eq!(refers(&inventory, only(&inventory, "AWS::DynamoDB::Table"), at), ["spot-key"]);
    let inventory = read(&[table, KEY, &KEY.replace("spot-key", "other-key")]);
    let several = refers(&inventory, only(&inventory, "AWS::DynamoDB::Table"), at);
    assert!(several[0].starts_with("unknown: "), "{several:?}");
}

#[test]
fn a_namespaced_reference_stays_in_its_namespace() {
    let at = |namespace: &str, kind: &str, spec: &str| {
        format!(
            "apiVersion: kms.aws.m.upbound.io/v1beta1\nkind: {kind}\nmetadata: {{name: k, namespace: {namespace}}}\n\
             spec: {{forProvider: {spec}}}\n"
        )
    };
    let alias = at("a", "Alias", "{targetKeyIdRef: {name: k}}");
    let inventory = read(&[&alias, &at("b", "Key", "{}")]);
    let found = refers(&inventory, only(&inventory, "AWS::KMS::Alias"), "/TargetKeyId");
    assert!(found[0].starts_with("unknown: "), "{found:?}");
    let inventory = read(&[&alias, &at("a", "Key", "{}")]);
    assert_eq!(refers(&inventory, only(&inventory, "AWS::KMS::Alias"), "/TargetKeyId"), ["k"]);
}

#[test]
fn parts_of_crossplane_come_to_their_wholes() {
    let inventory = read(&["
apiVersion: sqs.aws.upbound.io/v1beta1
kind: QueuePolicy
metadata: {name: p}
spec: {forProvider: {queueUrlRef: {name: q}, policy: '{\"Statement\": []}'}}
---
apiVersion: sqs.aws.upbound.io/v1beta1
kind: Queue
metadata: {name: q}
spec: {forProvider: {name: prod, sqsManagedSseEnabled: true, region: eu-west-1}}
---
apiVersion: cloudwatchevents.aws.upbound.io/v1beta1
kind: Target
metadata: {name: t}
spec: {forProvider: {arn: 'arn:aws:sqs:eu-west-1:111122223333:prod', ruleSelector: {matchLabels: {a: b}}}}
---
apiVersion: cloudwatchevents.aws.upbound.io/v1beta1
kind: Rule
metadata: {name: spot, labels: {a: b}}
spec: {forProvider: {eventPattern: '{\"source\": [\"aws.ec2\"]}', isEnabled: false}}
---
apiVersion: iam.aws.upbound.io/v1beta1
kind: RolePolicyAttachment
metadata: {name: a}
spec: {forProvider: {roleRef: {name: r}, policyArnRef: {name: pol}}}
---
apiVersion: iam.aws.upbound.io/v1beta1
kind: Role
metadata: {name: r}
spec: {forProvider: {assumeRolePolicy: '{}'}}
---
apiVersion: iam.aws.upbound.io/v1beta1
kind: Policy
metadata: {name: pol}
spec: {forProvider: {policy: '{\"Statement\": []}'}}
"]);
    let queue = only(&inventory, "AWS::SQS::Queue");
    assert_eq!(json_of(&inventory, queue, "/Policy"), json!({"Statement": []}));
    let rule = only(&inventory, "AWS::Events::Rule");
    assert_eq!(json_of(&inventory, rule, "/State"), "DISABLED");
    assert_eq!(json_of(&inventory, rule, "/EventPattern/source"), json!(["aws.ec2"]));
    assert_eq!(refers(&inventory, rule, "/Targets/*/Arn"), ["prod"]);
    assert_eq!(refers(&inventory, only(&inventory, "AWS::IAM::Role"), "/ManagedPolicyArns/*"), ["pol"]);
}

#[test]
fn an_object_that_observes_says_what_was_seen() {
    let inventory = read(&["
apiVersion: sqs.aws.upbound.io/v1beta1
kind: Queue
metadata: {name: q}
spec: {managementPolicies: [Observe], forProvider: {region: eu-west-1}}
status: {atProvider: {name: prod, kmsMasterKeyId: alias/aws/sqs}}
"]);
    let queue = only(&inventory, "AWS::SQS::Queue");
    assert_eq!(json_of(&inventory, queue, "/KmsMasterKeyId"), "alias/aws/sqs");
    let silent = read(&["
apiVersion: sqs.aws.upbound.io/v1beta1
kind: Queue
metadata: {name: q}
spec: {managementPolicies: [Observe], forProvider: {region: eu-west-1}}
"]);
    let asked = silent.get(only(&silent, "AWS::SQS::Queue"), "/KmsMasterKeyId").unwrap();
    assert!(matches!(asked, FieldValue::Unknown(unknown) if unknown.reason.cause == Cause::NotProvided));
}

#[test]
fn templates_of_kro_refer_to_each_other() {
    let inventory = read(&["
apiVersion: kro.run/v1alpha1
kind: ResourceGraphDefinition
metadata: {name: stack}
spec:
  schema: {apiVersion: v1alpha1, kind: Stack, spec: {name: string}}
  resources:
  - id: key
    template:
      apiVersion: kms.services.k8s.aws/v1alpha1
      kind: Key
      metadata: {name: '${schema.spec.name}-key'}
      spec: {}
  - id: queue
    template:
      apiVersion: sqs.services.k8s.aws/v1alpha1
      kind: Queue
      metadata: {name: '${schema.spec.name}'}
      spec:
        queueName: '${schema.spec.name}'
        kmsMasterKeyID: '${key.status.ackResourceMetadata.arn}'
        tags: {of: '${key.metadata.name}'}
"]);
    let queue = only(&inventory, "AWS::SQS::Queue");
    assert_eq!(refers(&inventory, queue, "/KmsMasterKeyId"), ["${schema.spec.name}-key"]);
    assert_eq!(json_of(&inventory, queue, "/Tags/0/Value"), "${schema.spec.name}-key");
    assert!(matches!(inventory.get(queue, "/QueueName").unwrap(), FieldValue::Unknown(_)));
}

const APPLICATION: &str = "
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: karpenter, namespace: argocd}
spec:
  destination: {namespace: kube-system}
  source:
    repoURL: public.ecr.aws/karpenter
    chart: karpenter
    targetRevision: 1.8.7
    helm:
      values: |
        settings:
          clusterName: lost
          interruptionQueue: prod-queue
        extraSecret: hunter2
      parameters:
      - {name: settings.clusterName, value: prod}
      - {name: 'serviceAccount.annotations.eks\\.amazonaws\\.com/role-arn', value: 'arn:aws:iam::111122223333:role/x'}
";

#[test]
fn an_application_of_argo_is_a_controller() {
    let inventory = read(&[APPLICATION]);
    let controller = only(&inventory, "Karpcheck::Controller");
    for (pointer, value) in [
        ("/Version", "1.8.7"),
        ("/ClusterName", "prod"),
        ("/InterruptionQueue", "prod-queue"),
        ("/Role", "arn:aws:iam::111122223333:role/x"),
    ] {
        assert_eq!(json_of(&inventory, controller, pointer), value, "{pointer}");
    }
    let queue = inventory.node(controller, "/InterruptionQueue").unwrap();
    assert_eq!((queue.at.line, queue.at.column), (15, 30), "a place in the block is a place in the file");
}

#[test]
fn values_that_may_be_secret_are_not_kept() {
    let values = "
settings: {clusterName: prod, interruptionQueue: q}
controller:
  env:
  - {name: CLUSTER_NAME, value: other}
  - {name: API_TOKEN, value: hunter2}
password: hunter2
";
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {token: hunter2}\n";
    let inventory = read(&[values, APPLICATION, secret]);
    assert_eq!(json_of(&inventory, inventory.of_kind("Karpcheck::Controller")[0], "/ClusterName"), "other");
    assert!(!format!("{:?}", inventory.items().collect::<Vec<_>>()).contains("hunter2"));
}

#[test]
fn a_range_of_versions_is_no_version() {
    let inventory = read(&[&APPLICATION.replace("1.8.7", "1.*")]);
    let version = inventory.get(only(&inventory, "Karpcheck::Controller"), "/Version").unwrap();
    assert!(matches!(version, FieldValue::Unknown(unknown) if unknown.reason.cause == Cause::Undecidable));
}

#[test]
fn charts_of_others_are_left_alone() {
    for other in [
        APPLICATION.replace("public.ecr.aws/karpenter", "mcr.microsoft.com/aks/karpenter"),
        APPLICATION.replace("chart: karpenter", "chart: karpenter-crd").replace("values:", "notValues:"),
    ] {
        let inventory = read(&[&other]);
        let found = inventory.of_kind("Karpcheck::Controller");
        let names: Vec<Json> = found.iter().map(|id| json_of(&inventory, *id, "/Version")).collect();
        assert!(!names.contains(&json!("1.8.7")), "{names:?}");
    }
}

#[test]
fn a_flux_release_has_its_repositorys_version() {
    let inventory = read(&[
        "
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: karpenter, namespace: flux-system}
spec:
  chartRef: {kind: OCIRepository, name: karpenter}
  targetNamespace: kube-system
  valuesFrom:
  - {kind: Secret, name: queue, targetPath: settings.interruptionQueue}
  values: {settings: {clusterName: prod}}
",
        "
apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata: {name: karpenter, namespace: flux-system}
spec: {url: 'oci://public.ecr.aws/karpenter/karpenter', ref: {tag: 1.8.7}}
",
    ]);
    let controller = only(&inventory, "Karpcheck::Controller");
    assert_eq!(json_of(&inventory, controller, "/Version"), "1.8.7");
    assert_eq!(json_of(&inventory, controller, "/ClusterName"), "prod");
    let queue = inventory.get(controller, "/InterruptionQueue").unwrap();
    assert!(matches!(queue, FieldValue::Unknown(unknown) if unknown.reason.to_string().contains("Secret queue")));
}

#[test]
fn a_copy_of_the_chart_in_a_folder_may_have_defaults_of_its_own() {
    let installed = APPLICATION.replace("          interruptionQueue: prod-queue\n", "");
    let queue = |application: &str| {
        let inventory = read(&[application]);
        let controller = only(&inventory, "Karpcheck::Controller");
        matches!(inventory.get(controller, "/InterruptionQueue").unwrap(), FieldValue::Absent)
    };
    assert!(queue(&installed));
    assert!(!queue(&installed.replace("chart: karpenter", "path: charts/karpenter")));
}

/// What the values of a release do not set is the chart's default, unless something else may set it.
#[test]
fn a_setting_that_a_release_does_not_have_is_absent_only_where_all_its_values_were_read() {
    let queue = |more: &str| {
        let inventory = read(&[&format!(
            "
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {{name: karpenter, namespace: kube-system}}
spec:
  chart: {{spec: {{chart: karpenter, version: 1.8.7, sourceRef: {{kind: HelmRepository, name: karpenter}}}}}}
{more}
"
        )]);
        let controller = only(&inventory, "Karpcheck::Controller");
        match inventory.get(controller, "/InterruptionQueue").unwrap() {
            FieldValue::Absent => "absent",
            FieldValue::Unknown(_) => "unknown",
            _ => "known",
        }
    };
    let values = "  values: {settings: {clusterName: prod}}";
    assert_eq!(queue(values), "absent");
    let from_elsewhere = [
        format!("{values}\n  valuesFrom: [{{kind: ConfigMap, name: cluster}}]"),
        "  values: {settings: {clusterName: prod}, controller: {envFrom: [{configMapRef: {name: cluster}}]}}".into(),
        // A chart around Karpenter's may be called like it.
        "  values: {replicas: 2}".into(),
    ];
    for more in from_elsewhere {
        assert_eq!(queue(&more), "unknown", "{more}");
    }
}

#[test]
fn a_cluster_of_eksctl_is_told_with_its_roles() {
    let inventory = read(&[
        "
apiVersion: eksctl.io/v1alpha5
kind: ClusterConfig
metadata: {name: prod, region: eu-west-1}
iam:
  podIdentityAssociations:
  - namespace: kube-system
    serviceAccountName: karpenter
    roleName: prod-karpenter
    permissionPolicyARNs: ['arn:aws:iam::111122223333:policy/p']
secretsEncryption: {keyARN: 'arn:aws:kms:eu-west-1:111122223333:key/k'}
karpenter: {version: 1.8.7, withSpotInterruptionQueue: true}
",
        "settings: {clusterName: prod, interruptionQueue: prod}\n",
    ]);
    let cluster = only(&inventory, "AWS::EKS::Cluster");
    assert_eq!(
        json_of(&inventory, cluster, "/EncryptionConfig/0/Provider/KeyArn"),
        "arn:aws:kms:eu-west-1:111122223333:key/k"
    );
    let association = only(&inventory, "AWS::EKS::PodIdentityAssociation");
    assert_eq!(refers(&inventory, association, "/RoleArn"), ["prod-karpenter"]);
    let controller = only(&inventory, "Karpcheck::Controller");
    assert_eq!(json_of(&inventory, controller, "/Version"), "1.8.7");
    assert_eq!(refers(&inventory, controller, "/Role"), ["prod-karpenter"]);
    assert_eq!(refers(&inventory, controller, "/ClusterName"), ["prod"]);
}

#[test]
fn chart_values_are_read_in_every_generation() {
    for values in [
        "settings: {clusterName: prod, interruptionQueue: q}",
        "settings: {aws: {clusterName: prod, interruptionQueueName: q}}",
        "clusterName: prod\nclusterEndpoint: https://e\naws: {defaultInstanceProfile: p}",
        "karpenter: {settings: {clusterName: prod}}",
        "dependencies: {karpenter-aws: {settings: {clusterName: prod}}}",
    ] {
        let inventory = read(&[values]);
        assert_eq!(json_of(&inventory, only(&inventory, "Karpcheck::Controller"), "/ClusterName"), "prod", "{values}");
    }
}

#[test]
fn the_charts_own_values_are_no_installation() {
    for (chart, installed) in [("karpenter", false), ("our-values", true)] {
        let folder = tempfile::tempdir().unwrap();
        let values = folder.path().join("values.yaml");
        std::fs::write(folder.path().join("Chart.yaml"), format!("apiVersion: v2\nname: {chart}\nversion: 1.14.1\n"))
            .unwrap();
        std::fs::write(&values, "settings: {clusterName: '', clusterEndpoint: '', interruptionQueue: ''}").unwrap();
        let plan = GatherScope::new(KINDS.iter().map(|kind| (*kind, false)));
        let mut builder = Builder::new(Stated::default());
        let named = sources::Named { paths: &[values], ..sources::Named::default() };
        sources::files(named, &plan, &mut builder, &mut std::io::empty());
        let inventory = karpenter::inventory(builder);
        assert_eq!(inventory.of_kind("Karpcheck::Controller").len(), usize::from(installed), "{chart}");
    }
}

#[test]
fn the_version_of_the_chart_can_be_stated() {
    let stated = || Stated { chart_version: Some("0.37.3".into()), ..Stated::default() };
    let inventory = read_with(&["settings: {clusterName: prod, interruptionQueue: q}"], stated());
    assert_eq!(json_of(&inventory, only(&inventory, "Karpcheck::Controller"), "/Version"), "0.37.3");
    let none = read_with(&[KEY], stated());
    assert!(none.problems().iter().any(|problem| problem.to_string().starts_with("--chart-version was not used")));
}

#[test]
fn what_a_template_keeps_elsewhere_is_said() {
    let inventory = read(&["
AWSTemplateFormatVersion: '2010-09-09'
Transform: [AWS::LanguageExtensions, Our::Macro]
Resources:
  Nested: {Type: 'AWS::CloudFormation::Stack', Properties: {TemplateURL: 'https://x/y.yaml'}}
  'Fn::ForEach::Queues': [Name, [a, b], {'${Name}': {Type: 'AWS::SQS::Queue'}}]
  Queue: {Type: 'AWS::SQS::Queue', Properties: {QueueName: q, KmsMasterKeyId: !ImportValue key}}
"]);
    let said: Vec<String> = inventory.problems().iter().map(|problem| problem.to_string()).collect();
    assert_eq!(
        said,
        [
            "the macro Our::Macro may change the template when the stack is made: what it makes was not read",
            "the template of the nested stack Nested (https://x/y.yaml) was not read: name it with -f",
            "the loop Queues makes resources when the stack is made: they were not read",
        ]
    );
    let key = inventory.get(only(&inventory, "AWS::SQS::Queue"), "/KmsMasterKeyId").unwrap();
    assert!(matches!(key, FieldValue::Unknown(unknown) if unknown.reason.cause == Cause::Symbolic));
}

#[test]
fn policies_as_text_and_choices_are_evaluated() {
    let inventory = read(&["
AWSTemplateFormatVersion: '2010-09-09'
Parameters: {Encrypt: {Type: String, Default: 'no'}, Name: {Type: String}}
Conditions: {Encrypts: !Equals [!Ref Encrypt, 'yes']}
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: q
      KmsMasterKeyId: !If [Encrypts, alias/x, !Ref AWS::NoValue]
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: r
      Policies:
      - PolicyName: inline
        PolicyDocument: !Sub '{\"Statement\": [{\"Effect\": \"Allow\", \"Resource\": \"${Queue.Arn}\", \"Sid\": \"${Name}\"}]}'
  Attached:
    Type: AWS::IAM::Policy
    Properties: {PolicyName: p, Roles: [!Ref Role], PolicyDocument: {Statement: []}}
"]);
    let queue = only(&inventory, "AWS::SQS::Queue");
    assert_eq!(json_of(&inventory, queue, "/KmsMasterKeyId"), Json::Null);
    let role = only(&inventory, "AWS::IAM::Role");
    let statement = "/Policies/0/PolicyDocument/Statement/0";
    assert_eq!(json_of(&inventory, role, &format!("{statement}/Effect")), "Allow");
    assert_eq!(json_of(&inventory, role, &format!("{statement}/Sid")), "${Name}");
    assert_eq!(refers(&inventory, only(&inventory, "AWS::IAM::Policy"), "/Roles/*"), ["r"]);
}

#[test]
fn a_place_in_a_policy_is_a_place_in_the_file() {
    let inventory = read(&["\
apiVersion: kms.services.k8s.aws/v1alpha1
kind: Key
metadata: {name: k}
spec:
  policy: |
    {
      \"Statement\": [
        {\"Effect\": \"Allow\"}
      ]
    }
"]);
    let effect = inventory.node(only(&inventory, "AWS::KMS::Key"), "/KeyPolicy/Statement/0/Effect").unwrap();
    assert_eq!((effect.at.line, effect.at.column), (8, 20));
}

#[test]
fn a_path_belongs_to_the_arn() {
    let stated = Stated { account: Some("111122223333".into()), partition: Some("aws".into()), ..Stated::default() };
    let inventory = read_with(
        &["apiVersion: iam.services.k8s.aws/v1alpha1\nkind: Policy\nmetadata: {name: p}\n\
           spec: {name: p, path: /team/, policyDocument: '{}'}\n"],
        stated,
    );
    let policy = inventory.item(only(&inventory, "AWS::IAM::ManagedPolicy")).unwrap();
    let arn = policy.aws.as_ref().and_then(|aws| aws.arn.as_ref()).and_then(|arn| arn.as_str());
    assert_eq!(arn, Some("arn:aws:iam::111122223333:policy/team/p"));
}
