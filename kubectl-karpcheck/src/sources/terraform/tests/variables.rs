//! What a variable's value is: given, of a file of values, by default, null.

use super::{field, files, folder, item, module, read};
use crate::inventory::Inventory;

fn name(all: &Inventory) -> String {
    let (_, queue) = all.items().find(|(_, item)| &*item.kind == "AWS::SQS::Queue").expect("a queue");
    field(queue, &["QueueName"])
}

const ROOT: &str = "provider \"aws\" {}\nvariable \"environment\" {\n  default = \"development\"\n}\n\
                    resource \"aws_sqs_queue\" \"q\" {\n  name = \"karpenter-${var.environment}\"\n}\n";

#[test]
fn a_default_is_a_guess_where_files_of_values_differ() {
    let unknown = "\"karpenter-${var.environment}\"";
    for (files_of_values, expected) in [
        (&[][..], "\"karpenter-development\""),
        // Of one that may be named, or several that agree, the value is known.
        (&[("vars/production.tfvars", "environment = \"production\"\n")], "\"karpenter-production\""),
        (&[("a.tfvars", "environment = \"x\"\n"), ("env/b.tfvars", "environment = \"x\"\n")], "\"karpenter-x\""),
        (&[("a.tfvars", "environment = \"x\"\n"), ("b.tfvars.json", "{\"environment\": \"y\"}")], unknown),
        // One that does not say it leaves the default.
        (&[("a.tfvars", "environment = \"x\"\n"), ("b.tfvars", "other = 1\nenvironment = \"x\"\n")], "\"karpenter-x\""),
        // What Terraform reads by itself is a fact, whatever lies beside it.
        (
            &[("a.tfvars", "environment = \"x\"\n"), ("terraform.tfvars", "environment = \"fact\"\n")],
            "\"karpenter-fact\"",
        ),
        (
            &[("terraform.tfvars", "environment = \"first\"\n"), ("z.auto.tfvars.json", "{\"environment\": \"last\"}")],
            "\"karpenter-last\"",
        ),
        // In another folder that name is like any other.
        (
            &[
                ("env/prod/terraform.tfvars", "environment = \"prod\"\n"),
                ("env/dev/terraform.tfvars", "environment = \"dev\"\n"),
            ],
            unknown,
        ),
    ] {
        let mut all = vec![("main.tf", ROOT)];
        all.extend(files_of_values);
        assert_eq!(name(&files(&all)), expected, "{files_of_values:?}");
    }
}

#[test]
fn the_candidates_are_named() {
    let all = files(&[
        ("main.tf", ROOT),
        ("vars/production.tfvars", "environment = \"production\"\n"),
        ("vars/local.tfvars", "environment = \"develop\"\n"),
    ]);
    let (_, queue) = all.items().find(|(_, item)| &*item.kind == "AWS::SQS::Queue").expect("a queue");
    let why = queue.body.member("QueueName").and_then(|node| node.first_unknown()).expect("unknown").0.to_string();
    assert!(why.contains("\"develop\" in vars/local.tfvars, \"production\" in vars/production.tfvars"), "{why}");
}

#[test]
fn values_beside_a_root_belong_to_it_by_what_they_name() {
    let beside = |values: &str| name(&files(&[("stacks/a/main.tf", ROOT), ("values/x.tfvars", values)]));
    assert_eq!(beside("environment = \"x\"\n"), "\"karpenter-x\"");
    assert_eq!(beside("environment = \"x\"\nother = 1\n"), "\"karpenter-development\"");
}

#[test]
fn a_named_file_of_values_counts() {
    let folder = folder(&[
        ("main.tf", ROOT),
        ("vars/production.tfvars", "environment = \"production\"\n"),
        ("vars/local.tfvars", "environment = \"develop\"\n"),
    ]);
    let mut builder = crate::inventory::Builder::default();
    let plan = crate::schema::kinds::GatherScope::new([("*", false), ("*/*", false)]);
    let paths = [folder.path().to_owned(), folder.path().join("vars/production.tfvars")];
    for paths in [&paths[..], &[paths[1].clone(), paths[0].clone()]] {
        let named = crate::sources::Named { paths, ..Default::default() };
        let mut builder = std::mem::take(&mut builder);
        crate::sources::files(named, &plan, &mut builder, &mut std::io::empty());
        assert_eq!(name(&crate::karpenter::inventory(builder)), "\"karpenter-production\"", "{paths:?}");
    }
}

#[test]
fn a_default_of_null_is_no_empty_text() {
    let head = "provider \"aws\" {}\nvariable \"x\" {\n  default = null\n}\n";
    for (expression, expected) in [
        ("\"a-${var.x}\"", "\"a-${var.x}\""),
        ("coalesce(var.x, \"demo\")", "\"demo\""),
        ("var.x == null ? \"none\" : var.x", "\"none\""),
        ("try(\"a-${var.x}\", \"tried\")", "\"tried\""),
        ("can(\"a-${var.x}\") ? \"yes\" : \"no\"", "\"no\""),
        ("var.x", "(absent)"),
    ] {
        let all = module(&format!("{head}resource \"aws_sqs_queue\" \"q\" {{\n  name = {expression}\n}}\n"));
        assert_eq!(name(&all), expected, "{expression}");
    }
    let all = module(&format!(
        "{head}data \"aws_iam_policy_document\" \"d\" {{\n  statement {{\n    actions = [\"a\", var.x]\n  }}\n}}\n\
         resource \"aws_iam_policy\" \"p\" {{\n  name = \"p\"\n  policy = data.aws_iam_policy_document.d.json\n}}\n"
    ));
    let policy = item(&all, "AWS::IAM::ManagedPolicy", "p");
    assert!(field(policy, &["PolicyDocument", "Statement", "0", "Action"]).contains("null here"));
}

#[test]
fn an_optional_attribute_is_null_or_what_its_type_says() {
    let all = module(
        r#"
provider "aws" {}
variable "s" {
  type = object({
    a = optional(string)
    b = optional(string, "b")
    c = optional(object({ d = optional(number, 1) }), {})
    e = list(object({ f = optional(string, "f") }))
  })
  default = { e = [{}] }
}
resource "aws_sqs_queue" "q" {
  name = "${coalesce(var.s.a, "a")}-${var.s.b}-${var.s.c.d}-${var.s.e[0].f}"
  tags = { x = "x-${var.s.a}" }
}
"#,
    );
    let queue = item(&all, "AWS::SQS::Queue", "a-b-1-f");
    assert_eq!(field(queue, &["Tags", "0", "Value"]), "\"x-${var.s.a}\"");
}

#[test]
fn a_sensitive_value_is_not_told_among_the_candidates() {
    let root = ROOT.replace("default =", "sensitive = true\n  default =");
    let folder = folder(&[
        ("main.tf", &root),
        ("a.tfvars", "environment = \"hunter2\"\n"),
        ("b.tfvars", "environment = \"hunter3\"\n"),
    ]);
    let all = read(folder.path(), &[]);
    assert!(!name(&all).contains("hunter"));
    let (_, queue) = all.items().find(|(_, item)| &*item.kind == "AWS::SQS::Queue").expect("a queue");
    assert!(!format!("{:?}", queue.body).contains("hunter"));
}

#[test]
fn terragrunt_gives_the_variables_of_the_folder_that_it_names() {
    let root = "variable \"name\" {\n  default = \"x\"\n}\nresource \"aws_sqs_queue\" \"q\" {\n  name = var.name\n}\n";
    let live = "terraform {\n  source = \"${get_terragrunt_dir()}/../../terraform//layer\"\n}\n";
    let all = files(&[
        ("repo/terraform/layer/main.tf", root),
        ("repo/live/demo/terragrunt.hcl", live),
        ("repo/.git/HEAD", ""),
    ]);
    assert_eq!(field(item(&all, "AWS::SQS::Queue", "aws_sqs_queue.q"), &["QueueName"]), "\"${var.name}\"");
    let other = live.replace("//layer", "//another");
    let all = files(&[
        ("repo/terraform/layer/main.tf", root),
        ("repo/live/demo/terragrunt.hcl", &other),
        ("repo/.git/HEAD", ""),
    ]);
    assert_eq!(field(item(&all, "AWS::SQS::Queue", "x"), &["QueueName"]), "\"x\"");
}

#[test]
fn each_unit_of_terragrunt_runs_its_folder_with_its_inputs() {
    let root = "variable \"cluster_name\" {}\nvariable \"suffix\" {\n  default = \"x\"\n}\nvariable \"key\" {}\n\
                resource \"aws_sqs_queue\" \"q\" {\n  name = var.cluster_name\n  kms_master_key_id = var.key\n  \
                tags = { a = var.suffix }\n}\n";
    let parent = "locals {\n  env = read_terragrunt_config(find_in_parent_folders(\"env.hcl\"))\n}\n\
                  terraform {\n  source = \"${get_parent_terragrunt_dir()}/../modules//${basename(get_terragrunt_dir())}\"\n}\n\
                  inputs = { cluster_name = \"demo-${local.env.locals.name}\", key = \"alias/a\" }\n";
    let unit = "include \"root\" {\n  path = find_in_parent_folders(\"root.hcl\")\n  expose = true\n}\n\
                dependency \"kms\" {\n  config_path = \"../kms\"\n}\n";
    let keyed = format!("{unit}inputs = {{ key = dependency.kms.outputs.arn }}\n");
    let all = files(&[
        ("repo/modules/queue/main.tf", root),
        ("repo/live/root.hcl", parent),
        ("repo/live/prod/env.hcl", "locals {\n  name = \"prod\"\n}\n"),
        ("repo/live/prod/queue/terragrunt.hcl", unit),
        ("repo/live/dev/env.hcl", "locals {\n  name = \"dev\"\n}\n"),
        ("repo/live/dev/queue/terragrunt.hcl", &keyed),
        ("repo/.git/HEAD", ""),
    ]);
    let [prod, dev] = ["demo-prod", "demo-dev"].map(|name| item(&all, "AWS::SQS::Queue", name));
    assert_eq!(field(prod, &["KmsMasterKeyId"]), "\"alias/a\"");
    assert_eq!(field(dev, &["KmsMasterKeyId"]), "\"${dependency.kms.outputs.arn}\"");
    // A default is no input.
    assert_eq!(field(prod, &["Tags", "0", "Value"]), "\"${var.suffix}\"");
    assert_eq!(all.items().filter(|(_, item)| &*item.kind == "AWS::SQS::Queue").count(), 2);
}

#[test]
fn what_terragrunt_runs_from_elsewhere_is_told_once() {
    let unit =
        "terraform {\n  source = \"tfr:///terraform-aws-modules/eks/aws//modules/karpenter?version=20.24.0\"\n}\n";
    let all = files(&[("live/a/terragrunt.hcl", unit), ("live/b/terragrunt.hcl", unit)]);
    let told: Vec<&str> = all.problems().iter().map(|problem| problem.code()).collect();
    assert_eq!(told, ["module-not-read"]);
}

#[test]
fn an_empty_default_for_a_name_that_must_be_given_is_no_name() {
    let of = |variable: &str| {
        let text = format!(
            "provider \"aws\" {{}}\nvariable \"{variable}\" {{\n  default = \"\"\n}}\n\
             resource \"aws_sqs_queue\" \"q\" {{\n  name = \"x-${{var.{variable}}}\"\n}}\n"
        );
        name(&files(&[("main.tf", &text)]))
    };
    for variable in ["cluster_name", "node_group_default_iam_role_name"] {
        assert_eq!(of(variable), format!("\"x-${{var.{variable}}}\""));
    }
    assert_eq!(of("suffix"), "\"x-\"");
}
