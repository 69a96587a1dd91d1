//! Stacks of CloudFormation that other templates, and other tools, make.

use super::releases::{controllers, of_kinds};
use super::*;

const KINDS: &[&str] = &["AWS::SQS::Queue", "AWS::KMS::Key"];

const QUEUE: &str = "AWSTemplateFormatVersion: '2010-09-09'
Parameters: {Name: {Type: String}, Key: {Type: String}}
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Properties: {QueueName: !Ref Name, KmsMasterKeyId: !Ref Key}
Outputs:
  Name: {Value: !GetAtt Queue.QueueName}
";

const KEY: &str = "AWSTemplateFormatVersion: '2010-09-09'
Resources:
  Key: {Type: AWS::KMS::Key, Properties: {Description: queue}}
Outputs:
  Arn: {Value: !GetAtt Key.Arn}
";

/// Name and key of the queues.
fn queues(inventory: &Inventory) -> Vec<[Json; 2]> {
    let text = |id: ItemId, pointer: &str| json_of(inventory, id, pointer);
    let found = inventory.of_kind("AWS::SQS::Queue");
    found.into_iter().map(|id| ["/QueueName", "/KmsMasterKeyId"].map(|pointer| text(id, pointer))).collect()
}

fn problems(inventory: &Inventory) -> Vec<&'static str> {
    inventory.problems().iter().map(|problem| problem.code()).collect()
}

#[test]
fn a_nested_stack_has_the_parameters_that_it_is_given() {
    let parent = "Parameters: {Cluster: {Type: String, Default: demo}}
Resources:
  Stack:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: ./nested/queue.yaml
      Parameters: {Name: !Sub '${Cluster}-karpenter', Key: alias/aws/sqs}
";
    let inventory = of_kinds(&[("parent.yaml", parent), ("nested/queue.yaml", QUEUE)], KINDS);
    assert_eq!(queues(&inventory), [[json!("demo-karpenter"), json!("alias/aws/sqs")]]);
    assert_eq!(problems(&inventory), Vec::<&str>::new());
}

#[test]
fn what_one_nested_stack_puts_out_another_one_is_given() {
    let parent = "Parameters: {Bucket: {Type: String}}
Resources:
  Key:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: !Sub 'https://${Bucket}.s3.amazonaws.com/x/templates/key.yaml'}
  Queue:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: !Join ['', ['https://s3.amazonaws.com/', !Ref Bucket, /templates/queue.yaml]]
      Parameters: {Name: karpenter, Key: !GetAtt Key.Outputs.Arn}
";
    let files = [("templates/parent.yaml", parent), ("templates/key.yaml", KEY), ("templates/queue.yaml", QUEUE)];
    let inventory = of_kinds(&files, KINDS);
    let queue = only(&inventory, "AWS::SQS::Queue");
    assert_eq!(refers(&inventory, queue, "/KmsMasterKeyId"), ["Key"]);
    // One stack is one scope, in which what refers is found.
    assert_eq!(inventory.scopes().len(), 1);
}

#[test]
fn a_template_that_is_nested_twice_makes_two_stacks() {
    let parent = |name: &str| {
        format!(
            "Resources:\n  Queue:\n    Type: AWS::Serverless::Application\n    Properties: {{Location: ../queue.yaml, \
             Parameters: {{Name: {name}, Key: alias/{name}}}}}\n"
        )
    };
    let (dev, prod) = (parent("dev"), parent("prod"));
    let inventory = of_kinds(&[("dev/a.yaml", &dev), ("prod/a.yaml", &prod), ("queue.yaml", QUEUE)], KINDS);
    assert_eq!(queues(&inventory), [[json!("dev"), json!("alias/dev")], [json!("prod"), json!("alias/prod")]]);
}

#[test]
fn a_template_of_another_kind_of_stack_is_not_the_nested_one() {
    let parent = "Resources:
  Stack:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: https://s3.amazonaws.com/vendor/queue.yaml
      Parameters: {QueueName: karpenter}
";
    let inventory = of_kinds(&[("parent.yaml", parent), ("queue.yaml", QUEUE)], KINDS);
    assert_eq!(problems(&inventory), ["nested-stack-not-read"]);
    assert_eq!(inventory.of_kind("AWS::SQS::Queue").len(), 1, "it stands by itself");
}

#[test]
fn terraform_makes_stacks_of_templates() {
    let main = "resource \"aws_cloudformation_stack\" \"queue\" {
  name          = \"queue\"
  template_body = file(\"${path.module}/queue.yaml\")
  parameters    = { Name = \"demo\", Key = aws_kms_key.queue.arn }
}
resource \"aws_kms_key\" \"queue\" {}
resource \"aws_cloudformation_stack\" \"other\" {
  name         = \"other\"
  template_url = \"https://s3.amazonaws.com/vendor/karpenter.yaml\"
}
";
    let inventory = of_kinds(&[("main.tf", main), ("queue.yaml", QUEUE)], KINDS);
    let queue = only(&inventory, "AWS::SQS::Queue");
    assert_eq!(json_of(&inventory, queue, "/QueueName"), "demo");
    assert_eq!(refers(&inventory, queue, "/KmsMasterKeyId"), ["aws_kms_key.queue"]);
    assert_eq!(problems(&inventory), ["nested-stack-not-read"]);
}

#[test]
fn the_serverless_framework_makes_a_stack() {
    let service = format!(
        "service: x\nprovider: {{name: aws}}\nresources:\n{}",
        "Resources:\n  Queue:\n    Type: AWS::SQS::Queue\n    Properties: {QueueName: 'karpenter-${self:provider.stage}', \
         KmsMasterKeyId: alias/aws/sqs}\n"
            .lines()
            .map(|line| format!("  {line}\n"))
            .collect::<String>()
    );
    let inventory = of_kinds(&[("serverless.yml", &service)], KINDS);
    let queue = only(&inventory, "AWS::SQS::Queue");
    assert_eq!(json_of(&inventory, queue, "/KmsMasterKeyId"), "alias/aws/sqs");
    assert!(matches!(inventory.get(queue, "/QueueName").unwrap(), FieldValue::Unknown(_)));
}

#[test]
fn aws_tells_the_template_of_a_stack() {
    let template = "Resources:\n  Queue:\n    Type: AWS::SQS::Queue\n    Properties: {QueueName: karpenter}\n";
    let text = json!({"TemplateBody": template, "StagesAvailable": ["Original"]}).to_string();
    let object = json!({
        "TemplateBody": {"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "karpenter"}}}},
        "StagesAvailable": ["Original", "Processed"],
    });
    for answer in [text, object.to_string()] {
        let inventory = of_kinds(&[("template.json", &answer)], KINDS);
        assert_eq!(json_of(&inventory, only(&inventory, "AWS::SQS::Queue"), "/QueueName"), "karpenter");
    }
}

#[test]
fn what_pulumi_exports_is_a_state() {
    let urn = |kind: &str| format!("urn:pulumi:prod::cluster::{kind}::karpenter");
    let resource = |kind: &str, inputs: Json, outputs: Json| json!({"urn": urn(kind), "type": kind, "inputs": inputs, "outputs": outputs});
    let arn = "arn:aws:sqs:eu-west-1:111122223333:karpenter";
    let queue = json!({"name": "karpenter", "arn": arn, "kmsMasterKeyId": "alias/aws/sqs", "tags": {"someTag": "x"}});
    let rule = json!({"name": "spot", "eventPattern": "{\"source\":[\"aws.ec2\"]}"});
    let values = json!({"settings": {"clusterName": "prod", "interruptionQueue": "karpenter"}});
    let release = json!({"chart": "oci://public.ecr.aws/karpenter/karpenter", "version": "1.8.7", "name": "karpenter", "values": values});
    let class = json!({"apiVersion": "karpenter.k8s.aws/v1", "kind": "EC2NodeClass", "metadata": {"name": "default"}});
    let export = json!({"version": 3, "deployment": {"resources": [
        resource("aws:sqs/queue:Queue", json!({}), queue),
        resource("aws:cloudwatch/eventRule:EventRule", json!({}), rule),
        resource("aws:cloudwatch/eventTarget:EventTarget", json!({}), json!({"rule": "spot", "arn": arn})),
        resource("kubernetes:helm.sh/v3:Release", release, json!({})),
        resource("kubernetes:karpenter.k8s.aws/v1:EC2NodeClass", class.clone(), class),
    ]}});
    let kinds = [KINDS, &["AWS::Events::Rule", "karpenter.k8s.aws/EC2NodeClass", "Karpcheck::Controller"]].concat();
    let inventory = of_kinds(&[("stack.json", &export.to_string())], &kinds);
    let queue = only(&inventory, "AWS::SQS::Queue");
    assert_eq!(json_of(&inventory, queue, "/KmsMasterKeyId"), "alias/aws/sqs");
    assert_eq!(refers(&inventory, only(&inventory, "AWS::Events::Rule"), "/Targets/0/Arn"), ["karpenter"]);
    assert_eq!(controllers(&inventory), [[json!("prod"), json!("karpenter"), json!("1.8.7")]]);
    only(&inventory, "karpenter.k8s.aws/EC2NodeClass");
}
