//! What can be asked of AWS: one table, from which `--aws` asks, `collect` writes its script, `iam-policy` its policy, and
//! the report says which command would settle what is not known.
//!
//! A question is about a value that the inventory or an earlier answer names (its [`Topic`]), and its answer leads to
//! further ones: queue name → URL → attributes → key → policy. Every operation here only reads.

use crate::schema::kinds::GatherScope;

/// What a question is about, and how many values it takes to name it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Topic {
    /// The account and region themselves.
    Account,
    /// A queue, by its name.
    Queue,
    /// A queue, by its URL.
    QueueUrl,
    /// A queue, by its ARN.
    QueueArn,
    /// An EventBridge rule of the default bus, by its name.
    Rule,
    /// A key, by whatever an object calls it: id, ARN, alias.
    Key,
    /// A customer's key, by its ARN.
    KeyArn,
    /// A role, by its name; an ARN is cut to it.
    Role,
    /// A role and one of its inline policies.
    RolePolicy,
    /// A managed policy, by its ARN.
    Policy,
    /// A managed policy and its version.
    PolicyVersion,
    /// An EKS cluster, by its name.
    Cluster,
    /// A cluster, a namespace and a service account.
    ServiceAccount,
    /// A cluster and a Pod Identity association's id.
    Association,
    /// A machine image.
    Image,
    /// A snapshot.
    Snapshot,
    /// A DynamoDB table, by its name.
    Table,
}

/// A part of an option's value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// As it stands.
    Fixed(&'static str),
    /// A value of the topic, by its number.
    Value(usize),
    /// [`SPAN`] ago, as a time.
    From,
    /// Now, as a time.
    To,
}

/// How far back sums and events are asked for, in seconds: a week.
pub const SPAN: u64 = 7 * 24 * 3600;

/// An option of a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Opt {
    /// With its dashes: `--key-id`.
    pub name: &'static str,
    /// What follows it: one word made of parts.
    pub value: &'static [Part],
}

/// From an answer to the next questions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lead {
    /// What its values name.
    pub to: Topic,
    /// Where they stand in the answer: names with dots between, `[]` behind the name of a list. A part of JMESPath, so that a
    /// script says the same with `--query`.
    pub path: &'static str,
    /// Only where the answer holds this text at this path.
    pub only: Option<(&'static str, &'static str)>,
    /// How many of the topic's own values come before the new one.
    pub keep: usize,
}

impl Lead {
    /// For `--query`.
    pub fn query(&self) -> String {
        match self.only {
            None => self.path.to_owned(),
            Some((path, value)) => format!("[@][?{path}=='{value}'].{}", self.path),
        }
    }
}

/// One thing to ask.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Operation {
    /// `kms`.
    pub service: &'static str,
    /// `get-key-policy`.
    pub name: &'static str,
    /// What IAM must allow.
    pub action: &'static str,
    /// What it is about.
    pub about: Topic,
    /// Its options.
    pub options: &'static [Opt],
    /// The kinds that it is asked for: those that it tells of, or that are told of by what it leads to.
    pub kinds: &'static [&'static str],
    /// What its answer leads to.
    pub leads: &'static [Lead],
}

const fn opt(name: &'static str, value: &'static [Part]) -> Opt {
    Opt { name, value }
}

const fn lead(to: Topic, path: &'static str) -> Lead {
    Lead { to, path, only: None, keep: 0 }
}

const fn keeping(lead: Lead, keep: usize) -> Lead {
    Lead { keep, ..lead }
}

const IT: &[Part] = &[Part::Value(0)];
const SECOND: &[Part] = &[Part::Value(1)];
const KEY: &[&str] = &["AWS::KMS::Key", "AWS::KMS::Alias"];
const ROLE: &[&str] = &["AWS::IAM::Role", "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"];
const POLICY: &[&str] = &["AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"];
const INLINE: &[&str] = &["AWS::IAM::Role", "AWS::IAM::Policy"];
const EVENTS: &[&str] = &["AWS::Events::Rule"];
const EVENTS_OR_SUMS: &[&str] = &["AWS::Events::Rule", "Karpcheck::Metric"];
const SUMS: &[&str] = &["Karpcheck::Metric"];
const QUEUE_OR_EVENTS: &[&str] = &["AWS::SQS::Queue", "AWS::Events::Rule", "Karpcheck::Metric"];
const EBS: &[&str] = &["Karpcheck::EbsDefaults"];
const IMAGES: &[&str] = &["AWS::EC2::Image", "AWS::EC2::Snapshot"];

/// The sum of a metric over [`SPAN`], in days.
macro_rules! sum {
    ($namespace:literal, $metric:literal, $dimension:literal, $topic:expr) => {
        Operation {
            service: "cloudwatch",
            name: "get-metric-statistics",
            action: SUM,
            about: $topic,
            options: &[
                opt("--namespace", &[Part::Fixed($namespace)]),
                opt("--metric-name", &[Part::Fixed($metric)]),
                opt("--dimensions", &[Part::Fixed(concat!("Name=", $dimension, ",Value=")), Part::Value(0)]),
                opt("--start-time", &[Part::From]),
                opt("--end-time", &[Part::To]),
                opt("--period", &[Part::Fixed("86400")]),
                opt("--statistics", &[Part::Fixed("Sum")]),
            ],
            kinds: SUMS,
            leads: &[],
        }
    };
}

macro_rules! operation {
    ($service:literal $operation:literal $action:literal $about:expr, $options:expr, $kinds:expr, $leads:expr) => {
        Operation {
            service: $service,
            name: $operation,
            action: concat!($service, ":", $action),
            about: $about,
            options: $options,
            kinds: $kinds,
            leads: $leads,
        }
    };
}

/// The permission to ask for one sum of a metric.
pub const SUM: &str = "cloudwatch:GetMetricStatistics";
/// The permission to ask for many of them at once.
pub const SUMS_AT_ONCE: &str = "cloudwatch:GetMetricData";

/// Who asks, and so which account it is: asked before anything else. It needs no permission.
pub const IDENTITY: Operation =
    operation!("sts" "get-caller-identity" "GetCallerIdentity" Topic::Account, &[], &[], &[]);

/// Everything else. Their IAM actions have the service's name before them, as it happens.
pub const TABLE: &[Operation] = &[
    operation!("sqs" "get-queue-url" "GetQueueUrl" Topic::Queue,
        &[opt("--queue-name", IT)], QUEUE_OR_EVENTS, &[lead(Topic::QueueUrl, "QueueUrl")]),
    operation!("sqs" "get-queue-attributes" "GetQueueAttributes" Topic::QueueUrl,
        &[opt("--queue-url", IT), opt("--attribute-names", &[Part::Fixed("All")])], QUEUE_OR_EVENTS,
        &[lead(Topic::QueueArn, "Attributes.QueueArn"), lead(Topic::Key, "Attributes.KmsMasterKeyId")]),
    sum!("AWS/SQS", "NumberOfMessagesSent", "QueueName", Topic::Queue),
    operation!("events" "list-rule-names-by-target" "ListRuleNamesByTarget" Topic::QueueArn,
        &[opt("--target-arn", IT)], EVENTS_OR_SUMS, &[lead(Topic::Rule, "RuleNames[]")]),
    operation!("events" "describe-rule" "DescribeRule" Topic::Rule, &[opt("--name", IT)], EVENTS, &[]),
    operation!("events" "list-targets-by-rule" "ListTargetsByRule" Topic::Rule, &[opt("--rule", IT)], EVENTS, &[]),
    sum!("AWS/Events", "Invocations", "RuleName", Topic::Rule),
    sum!("AWS/Events", "FailedInvocations", "RuleName", Topic::Rule),
    operation!("kms" "describe-key" "DescribeKey" Topic::Key, &[opt("--key-id", IT)], KEY,
        // Nobody can change the policy of a key that AWS manages, and what it says is known.
        &[Lead { only: Some(("KeyMetadata.KeyManager", "CUSTOMER")), ..lead(Topic::KeyArn, "KeyMetadata.Arn") }]),
    operation!("kms" "get-key-policy" "GetKeyPolicy" Topic::KeyArn,
        &[opt("--key-id", IT), opt("--policy-name", &[Part::Fixed("default")])], KEY, &[]),
    operation!("kms" "list-grants" "ListGrants" Topic::KeyArn, &[opt("--key-id", IT)], KEY, &[]),
    operation!("kms" "list-aliases" "ListAliases" Topic::KeyArn, &[opt("--key-id", IT)], KEY, &[]),
    operation!("kms" "get-key-rotation-status" "GetKeyRotationStatus" Topic::KeyArn, &[opt("--key-id", IT)], KEY, &[]),
    operation!("iam" "get-role" "GetRole" Topic::Role, &[opt("--role-name", IT)], ROLE,
        &[lead(Topic::Policy, "Role.PermissionsBoundary.PermissionsBoundaryArn")]),
    // Whether the account has it: without it only who may create it gets a spot instance.
    operation!("iam" "get-role" "GetRole" Topic::Account, &[opt("--role-name", &[Part::Fixed("AWSServiceRoleForEC2Spot")])],
        &["AWS::IAM::Role"], &[]),
    operation!("iam" "list-role-policies" "ListRolePolicies" Topic::Role, &[opt("--role-name", IT)], ROLE,
        &[keeping(lead(Topic::RolePolicy, "PolicyNames[]"), 1)]),
    operation!("iam" "get-role-policy" "GetRolePolicy" Topic::RolePolicy,
        &[opt("--role-name", IT), opt("--policy-name", SECOND)], INLINE, &[]),
    operation!("iam" "list-attached-role-policies" "ListAttachedRolePolicies" Topic::Role, &[opt("--role-name", IT)], ROLE,
        &[lead(Topic::Policy, "AttachedPolicies[].PolicyArn")]),
    operation!("iam" "get-policy" "GetPolicy" Topic::Policy, &[opt("--policy-arn", IT)], POLICY,
        &[keeping(lead(Topic::PolicyVersion, "Policy.DefaultVersionId"), 1)]),
    operation!("iam" "get-policy-version" "GetPolicyVersion" Topic::PolicyVersion,
        &[opt("--policy-arn", IT), opt("--version-id", SECOND)], POLICY, &[]),
    operation!("eks" "describe-cluster" "DescribeCluster" Topic::Cluster, &[opt("--name", IT)],
        &["AWS::EKS::Cluster", "Karpcheck::Cluster"],
        &[lead(Topic::Key, "cluster.encryptionConfig[].provider.keyArn")]),
    operation!("eks" "list-pod-identity-associations" "ListPodIdentityAssociations" Topic::ServiceAccount,
        &[opt("--cluster-name", IT), opt("--namespace", SECOND), opt("--service-account", &[Part::Value(2)])],
        &["AWS::EKS::PodIdentityAssociation", "AWS::IAM::Role", "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"],
        &[keeping(lead(Topic::Association, "associations[].associationId"), 1)]),
    operation!("eks" "describe-pod-identity-association" "DescribePodIdentityAssociation" Topic::Association,
        &[opt("--cluster-name", IT), opt("--association-id", SECOND)],
        &["AWS::EKS::PodIdentityAssociation", "AWS::IAM::Role", "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"],
        &[lead(Topic::Role, "association.roleArn")]),
    operation!("ec2" "get-ebs-encryption-by-default" "GetEbsEncryptionByDefault" Topic::Account, &[], EBS, &[]),
    operation!("ec2" "get-ebs-default-kms-key-id" "GetEbsDefaultKmsKeyId" Topic::Account, &[], EBS,
        &[lead(Topic::Key, "KmsKeyId")]),
    operation!("ec2" "describe-images" "DescribeImages" Topic::Image, &[opt("--image-ids", IT)], IMAGES,
        &[lead(Topic::Snapshot, "Images[].BlockDeviceMappings[].Ebs.SnapshotId")]),
    operation!("ec2" "describe-snapshots" "DescribeSnapshots" Topic::Snapshot, &[opt("--snapshot-ids", IT)], IMAGES,
        &[lead(Topic::Key, "Snapshots[].KmsKeyId")]),
    operation!("ec2" "describe-instances" "DescribeInstances" Topic::Cluster,
        &[opt("--filters", &[Part::Fixed("Name=tag-key,Values=kubernetes.io/cluster/"), Part::Value(0)])],
        &["AWS::EC2::Instance"], &[]),
    operation!("ec2" "describe-launch-template-versions" "DescribeLaunchTemplateVersions" Topic::Cluster,
        &[
            opt("--versions", &[Part::Fixed("$Default")]),
            opt("--filters", &[Part::Fixed("Name=tag:eks:eks-cluster-name,Values="), Part::Value(0)]),
        ],
        &["AWS::EC2::LaunchTemplate"], &[]),
    operation!("dynamodb" "describe-table" "DescribeTable" Topic::Table, &[opt("--table-name", IT)],
        &["AWS::DynamoDB::Table"], &[lead(Topic::Key, "Table.SSEDescription.KMSMasterKeyArn")]),
    operation!("cloudtrail" "lookup-events" "LookupEvents" Topic::Account,
        &[
            opt("--lookup-attributes", &[Part::Fixed("AttributeKey=EventName,AttributeValue=GenerateDataKeyWithoutPlaintext")]),
            opt("--start-time", &[Part::From]),
            opt("--max-items", &[Part::Fixed("50")]),
        ],
        &["Karpcheck::Denial"], &[]),
    operation!("cloudtrail" "lookup-events" "LookupEvents" Topic::Account,
        &[
            opt("--lookup-attributes", &[Part::Fixed("AttributeKey=EventName,AttributeValue=CreateTags")]),
            opt("--start-time", &[Part::From]),
            opt("--max-items", &[Part::Fixed("50")]),
        ],
        &["Karpcheck::Denial"], &[]),
];

/// The questions whose answers the chosen rules read.
pub fn wanted(gather_scope: &GatherScope) -> impl Iterator<Item = &'static Operation> {
    TABLE.iter().filter(|operation| operation.kinds.iter().any(|kind| gather_scope.declares(kind)))
}

/// The questions about a topic whose answers the chosen rules read.
pub fn about(gather_scope: &GatherScope, topic: Topic) -> impl Iterator<Item = &'static Operation> {
    wanted(gather_scope).filter(move |operation| operation.about == topic)
}

/// Can AWS tell of this kind?
pub fn tells_of(kind: &str) -> bool {
    TABLE.iter().any(|operation| operation.kinds.contains(&kind))
}

impl Topic {
    /// What stands for each of its values in a plan, while an earlier answer is awaited.
    pub const fn placeholders(self) -> &'static [&'static str] {
        match self {
            Self::Account => &[],
            Self::Queue => &["QUEUE_NAME"],
            Self::QueueUrl => &["QUEUE_URL"],
            Self::QueueArn => &["QUEUE_ARN"],
            Self::Rule => &["RULE_NAME"],
            Self::Key => &["KEY"],
            Self::KeyArn => &["KEY_ARN"],
            Self::Role => &["ROLE_NAME"],
            Self::RolePolicy => &["ROLE_NAME", "POLICY_NAME"],
            Self::Policy => &["POLICY_ARN"],
            Self::PolicyVersion => &["POLICY_ARN", "VERSION_ID"],
            Self::Cluster => &["CLUSTER_NAME"],
            Self::ServiceAccount => &["CLUSTER_NAME", "NAMESPACE", "SERVICE_ACCOUNT"],
            Self::Association => &["CLUSTER_NAME", "ASSOCIATION_ID"],
            Self::Image => &["IMAGE_ID"],
            Self::Snapshot => &["SNAPSHOT_ID"],
            Self::Table => &["TABLE_NAME"],
        }
    }

    /// Makes a value what the topic's questions take: the name out of a role's ARN, or out of a queue's ARN or URL. None
    /// where it is nothing that AWS would take there.
    ///
    /// What passes holds no white space, control character or quote and does not begin like an option; nor is it an
    /// address, which the CLI would fetch (`file://…`), but for a queue's URL.
    pub fn value(self, number: usize, text: &str) -> Option<String> {
        let last = |text: &str, separator: char| text.rsplit(separator).next().unwrap_or_default().to_owned();
        let text = match (self, number) {
            (Self::Role, 0) if text.starts_with("arn:") => last(text, '/'),
            (Self::Queue, 0) if text.starts_with("arn:") => last(text, ':'),
            (Self::Queue, 0) if text.starts_with("https://") => last(text, '/'),
            _ => text.to_owned(),
        };
        let (further, most): (&str, usize) = match (self, number) {
            (Self::Queue, _) => ("-_.", 80),
            (Self::QueueUrl, _) => ("-_.:/", 2048),
            (Self::QueueArn | Self::Key | Self::KeyArn, _) => ("-_.:/", 2048),
            (Self::Rule, _) => ("-_.", 64),
            (Self::Role, _) => ("+=,.@_-", 64),
            (Self::RolePolicy, _) => ("+=,.@_-", 128),
            (Self::Policy, _) | (Self::PolicyVersion, 0) => ("+=,.@_-:/", 2048),
            (Self::Cluster, _) | (Self::ServiceAccount | Self::Association, 0) => ("-_", 100),
            (Self::ServiceAccount, _) => ("-.", 253),
            (Self::PolicyVersion | Self::Association | Self::Image | Self::Snapshot, _) => ("-", 100),
            (Self::Table, _) => ("-_.", 255),
            (Self::Account, _) => ("", 0),
        };
        let fits = text.len() <= most
            && text
                .bytes()
                .next()
                .is_some_and(|first| first.is_ascii_alphanumeric() || (first == b'_' && further.contains('_')))
            && text.chars().all(|char| char.is_ascii_alphanumeric() || further.contains(char));
        let address = text.contains("://");
        let url = text.starts_with("https://") || text.starts_with("http://");
        (fits && address == (self == Self::QueueUrl) && (!address || url)).then_some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_only_reads_and_its_action_is_its_own() {
        for operation in TABLE.iter().chain([&IDENTITY]) {
            let verb = operation.name.split('-').next().unwrap_or_default();
            assert!(["get", "describe", "list", "lookup"].contains(&verb), "{}", operation.name);
            let camel: String =
                operation.name.split('-').map(|word| word[..1].to_ascii_uppercase() + &word[1..]).collect();
            assert_eq!(operation.action, format!("{}:{camel}", operation.service));
            assert!(
                operation.about == Topic::Account || operation.about.placeholders().len() == operation.about.arity()
            );
        }
    }

    impl Topic {
        /// The number of values that the questions about it use.
        fn arity(self) -> usize {
            let used = TABLE.iter().filter(|operation| operation.about == self).flat_map(|operation| operation.options);
            let numbers = used.flat_map(|option| option.value).filter_map(|part| match part {
                Part::Value(number) => Some(number + 1),
                _ => None,
            });
            numbers.max().unwrap_or(0)
        }
    }

    #[test]
    fn every_lead_names_its_topic_whole() {
        for operation in TABLE {
            for lead in operation.leads {
                assert_eq!(lead.keep + 1, lead.to.placeholders().len(), "{} to {:?}", operation.name, lead.to);
                assert!(TABLE.iter().any(|next| next.about == lead.to));
            }
        }
    }

    #[test]
    fn what_would_be_an_option_or_an_address_is_not_taken() {
        for topic in [Topic::Queue, Topic::Key, Topic::Role, Topic::Cluster, Topic::Rule, Topic::Policy, Topic::Table] {
            for wrong in [
                "",
                "-x",
                "--profile",
                "a b",
                "a\nb",
                "a\u{7}b",
                "a'b",
                "a\"b",
                "$(x)",
                "`x`",
                "a;b",
                "a*b",
                "é",
                "file://x",
                "fileb://x",
                "http://169.254.169.254/x y",
                "@x",
            ] {
                assert_eq!(topic.value(0, wrong), None, "{topic:?} {wrong:?}");
            }
        }
        for wrong in ["file:///etc/passwd", "-x://y", "sqs"] {
            assert_eq!(Topic::QueueUrl.value(0, wrong), None);
        }
        assert_eq!(Topic::Key.value(0, "https://example.com"), None);
    }

    #[test]
    fn names_are_cut_out_of_arns_and_urls() {
        let role = "arn:aws:iam::111122223333:role/karpenter/Controller";
        assert_eq!(Topic::Role.value(0, role).as_deref(), Some("Controller"));
        for queue in
            ["q-1", "arn:aws:sqs:eu-west-1:111122223333:q-1", "https://sqs.eu-west-1.amazonaws.com/111122223333/q-1"]
        {
            assert_eq!(Topic::Queue.value(0, queue).as_deref(), Some("q-1"));
        }
        for key in
            ["alias/aws/sqs", "mrk-1", "arn:aws:kms:eu-west-1:111122223333:key/aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"]
        {
            assert_eq!(Topic::Key.value(0, key).as_deref(), Some(key));
        }
    }
}
