//! What the fuzz targets of the readers share: a text is read, and everything that a rule can ask is asked of what it held.

use std::path::Path;

use kubectl_karpcheck::iam::{Evaluator, Operand, PrincipalSpec, RequestSpec, Target};
use kubectl_karpcheck::inventory::{Builder, FieldValue, Inventory, Stated};
use kubectl_karpcheck::karpenter;
use kubectl_karpcheck::schema::kinds::GatherScope;
use kubectl_karpcheck::sources;

/// All that a rule may declare, so that nothing is left out for want of a reader's interest.
const KINDS: &[&str] = &["*/*", "AWS::*", "Karpcheck::*"];

/// Kinds that readers make, by which items are looked up.
const ASKED: &[&str] = &["AWS::KMS::Key", "AWS::SQS::Queue", "AWS::IAM::Role", "Karpcheck::Controller", "*/*"];

/// Reads texts as files of these names.
pub fn inventory(files: &[(&str, &[u8])]) -> Inventory {
    let described = [
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
        "Karpcheck::Cluster",
        "Karpcheck::Controller",
        "Karpcheck::EbsDefaults",
    ];
    let plan = GatherScope::new(KINDS.iter().chain(&described).map(|kind| (*kind, false)));
    let mut builder = Builder::new(Stated::default());
    let files: Vec<(&Path, &[u8])> = files.iter().map(|(name, bytes)| (Path::new(*name), *bytes)).collect();
    sources::texts(&files, &plan, &mut builder);
    karpenter::inventory(builder)
}

/// Reads a text as a file of this name and asks about all of it.
pub fn read(name: &str, bytes: &[u8]) {
    let inventory = inventory(&[(name, bytes)]);
    for kind in ASKED {
        let _ = inventory.first().select(kind);
    }
    let mut roles = 0;
    for (id, item) in inventory.items() {
        // A rule that asks for one of these gets an answer, whatever the source held.
        for pointer in ["", "/spec", "/Policy", "/KeyPolicy/Statement/*", "@name", "@arn", "/metadata/name"] {
            let _ = inventory.get(id, pointer);
            let _ = inventory.views(id, pointer);
            let _ = inventory.place(id, pointer);
        }
        let (fields, _) = inventory.find_within(id, "/**", 200).expect("the pattern is well formed");
        for field in &fields {
            let known = !matches!(field.value, FieldValue::Unknown(_));
            assert!(!known || inventory.node(id, &field.at).is_some(), "{} is no pointer of its item", field.at);
        }
        let _ = inventory.related_within(id, "/**", 200).expect("the pattern is well formed");
        let _ = inventory.referrers(id, "*/*");
        if &*item.kind == "AWS::IAM::Role" && roles < 3 {
            roles += 1;
            let question = RequestSpec {
                principal: PrincipalSpec::Item(id),
                action: "ec2:CreateTags".into(),
                target: Target::Arn("arn:aws:ec2:us-west-2:111122223333:instance/i-1".into()),
                context: vec![("aws:RequestTag/Name".into(), Operand::Text("n".into()))],
                fields: vec![],
            };
            let _ = Evaluator::new(inventory.first()).decide(&question);
        }
    }
}
