//! Files that nobody writes by hand: each is read to its end, with little memory. Without their bounds these tests would
//! not end at all.

use std::fmt::Write as _;
use std::path::Path;

use kubectl_karpcheck::inventory::{Builder, Inventory};
use kubectl_karpcheck::karpenter;
use kubectl_karpcheck::schema::kinds::GatherScope;
use kubectl_karpcheck::sources;

fn read(name: &str, text: &str) -> Inventory {
    let plan = GatherScope::new(super::KINDS.iter().map(|kind| (*kind, false)));
    let mut builder = Builder::default();
    sources::texts(&[(Path::new(name), text.as_bytes())], &plan, &mut builder);
    karpenter::inventory(builder)
}

fn queues(inventory: &Inventory) -> usize {
    inventory.of_kind("AWS::SQS::Queue").len()
}

#[test]
fn a_rule_on_the_bus_of_its_own_name_is_a_circle_that_ends() {
    let text = "Resources:\n  R:\n    Type: AWS::Events::Rule\n    Properties:\n      Name: r\n      EventBusName: !GetAtt R.Arn\n      Targets: [{Id: a, Arn: !GetAtt R.Arn}]\n";
    assert_eq!(read("a.yaml", text).of_kind("AWS::Events::Rule").len(), 1);
}

#[test]
fn aliases_of_aliases_are_not_followed() {
    let text = "Resources:\n  A:\n    Type: AWS::KMS::Alias\n    Properties: {AliasName: alias/a, TargetKeyId: alias/b}\n  B:\n    Type: AWS::KMS::Alias\n    Properties: {AliasName: alias/b, TargetKeyId: alias/a}\n  Q:\n    Type: AWS::SQS::Queue\n    Properties: {QueueName: q, KmsMasterKeyId: alias/a}\n";
    let inventory = read("a.yaml", text);
    let queue = super::only(&inventory, "AWS::SQS::Queue");
    let told = super::refers(&inventory, queue, "/KmsMasterKeyId");
    assert_eq!(told, ["unknown: alias/a names alias/b, which is an alias: AWS takes only a key there"]);
}

#[test]
fn conditions_that_fan_out_end() {
    let mut text = "Conditions:\n".to_owned();
    for n in 0..300 {
        writeln!(text, "  C{n}: !Or [!Condition C{}, !Condition C{}, !Condition C{}]", n + 1, n + 2, n + 3).unwrap();
    }
    text += "Resources:\n  Q:\n    Type: AWS::SQS::Queue\n    Properties: {QueueName: !If [C0, a, b]}\n";
    assert_eq!(queues(&read("a.yaml", &text)), 1);
}

#[test]
fn a_text_longer_than_any_template_is_not_made() {
    let text = format!(
        "Parameters: {{P: {{Type: String, Default: {}}}}}\nResources:\n  Q:\n    Type: AWS::SQS::Queue\n    Properties:\n      QueueName: !Sub '{}'\n",
        "x".repeat(1000),
        "${P}".repeat(20_000)
    );
    assert_eq!(queues(&read("a.yaml", &text)), 1);
}

#[test]
fn locals_that_double_each_other_end() {
    let mut text = "locals {\n  a0 = \"xxxxxxxxxx\"\n".to_owned();
    for n in 1..30 {
        writeln!(text, "  a{n} = \"{}\"", format!("${{local.a{}}}", n - 1).repeat(10)).unwrap();
    }
    text += "}\nresource \"aws_sqs_queue\" \"q\" { name = local.a29 }\n";
    assert_eq!(queues(&read("none-such/main.tf", &text)), 1);
}

#[test]
fn each_of_many_broken_documents_is_told() {
    assert_eq!(read("a.yaml", &"---\n]\n".repeat(2000)).problems().len(), 2000);
}
