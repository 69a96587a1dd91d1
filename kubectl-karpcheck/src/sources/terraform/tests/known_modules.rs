//! What is stated of known modules, held against their own files.

use std::fs;
use std::path::Path;

use super::{files, fixture, item, module, problems};
use crate::inventory::{Inventory, Item, ItemId, Node};
use crate::karpenter::terraform_modules::{Holds, Versions};

/// Calls of the controller's module: from which version on, up to which, and with which inputs.
const CALLS: &[(&str, &str, &str)] = &[
    ("19.0.0", "22.0.0", ""),
    ("19.0.0", "22.0.0", "create = false"),
    ("19.0.0", "22.0.0", "create = var.given"),
    ("19.0.0", "22.0.0", "enable_spot_termination = false\ncreate_iam_role = false"),
    (
        "19.0.0",
        "22.0.0",
        "queue_name = \"own\"\nqueue_managed_sse_enabled = false\nqueue_kms_master_key_id = var.given",
    ),
    ("19.0.0", "22.0.0", "create_instance_profile = true\nrule_name_prefix = \"Own\"\ntags = { team = \"a\" }"),
    ("19.0.0", "20.0.0", "irsa_oidc_provider_arn = \"arn:aws:iam::111122223333:oidc-provider/oidc.example.com/id/A\""),
    ("19.0.0", "20.0.0", "create_irsa = false\nirsa_name = \"own\""),
    (
        "19.0.0",
        "20.0.0",
        "irsa_use_name_prefix = false\nirsa_tag_values = [\"a\", var.given]\ncluster_ip_family = \"ipv6\"",
    ),
    ("19.18.0", "20.0.0", "enable_karpenter_instance_profile_creation = true\npolicies = { a = var.given }"),
    ("19.0.0", "20.0.0", "create_iam_role = false\niam_role_arn = \"arn:aws:iam::111122223333:role/nodes\""),
    ("20.0.0", "21.0.0", "enable_irsa = true\nirsa_oidc_provider_arn = var.given"),
    ("20.2.0", "21.0.0", "enable_pod_identity = false\nirsa_namespace_service_accounts = [\"a:b\"]"),
    ("20.24.0", "21.0.0", "enable_v1_permissions = true"),
    (
        "20.24.0",
        "21.0.0",
        "enable_v1_permissions = true\nami_id_ssm_parameter_arns = [\"arn:aws:ssm:eu-west-1::parameter/own\"]",
    ),
    ("20.10.0", "22.0.0", "create_pod_identity_association = true\nnamespace = \"karpenter\""),
    ("20.10.0", "22.0.0", "create_pod_identity_association = false"),
    (
        "20.0.0",
        "22.0.0",
        "iam_role_use_name_prefix = false\niam_role_name = \"own\"\niam_policy_use_name_prefix = false",
    ),
    (
        "20.0.0",
        "22.0.0",
        "node_iam_role_use_name_prefix = false\nnode_iam_role_name = \"nodes\"\ncreate_instance_profile = true",
    ),
    (
        "20.0.0",
        "22.0.0",
        "create_node_iam_role = false\nnode_iam_role_arn = \"arn:aws:iam::111122223333:role/nodes\"\ncreate_instance_profile = true",
    ),
    ("20.0.0", "22.0.0", "iam_role_policies = { a = var.given }\nnode_iam_role_additional_policies = var.given"),
    (
        "20.16.0",
        "21.0.0",
        "iam_policy_statements = [{ sid = \"Own\", actions = [\"ec2:DescribeVpcs\"], resources = [\"*\"], conditions = [{ test = \"Bool\", variable = \"aws:SecureTransport\", values = [\"true\"] }] }]",
    ),
    (
        "21.0.0",
        "22.0.0",
        "iam_policy_statements = [{ sid = \"Own\", actions = [\"ec2:DescribeVpcs\"], resources = [\"*\"], condition = [{ test = \"Bool\", variable = \"aws:SecureTransport\", values = [\"true\"] }] }]",
    ),
    ("21.0.0", "22.0.0", "region = \"eu-central-1\"\niam_role_source_assume_policy_documents = [var.given]"),
    (
        "21.5.0",
        "22.0.0",
        "queue_policy_statements = { own = { actions = [\"sqs:SendMessage\"], resources = [\"*\"], principals = [{ type = \"AWS\", identifiers = [\"111122223333\"] }] } }",
    ),
    ("21.8.0", "22.0.0", "enable_inline_policy = true"),
];

/// What a call says and tells its caller.
fn told(source: &str, inputs: &str, outputs: &[&str], more: &[(String, String)]) -> Vec<String> {
    let mut text = format!(
        "variable \"given\" {{}}\nprovider \"aws\" {{\n  region = \"eu-west-1\"\n}}\n\
         module \"karpenter\" {{\n{source}\n{inputs}\n}}\n"
    );
    for output in outputs {
        text.push_str(&format!("resource \"aws_sqs_queue\" \"{output}\" {{\n  name = module.karpenter.{output}\n}}\n"));
    }
    let mut all: Vec<(&str, &str)> = vec![("main.tf", &text)];
    all.extend(more.iter().map(|(path, text)| (path.as_str(), text.as_str())));
    let all = files(&all);
    assert_eq!(problems(&all), Vec::<String>::new(), "{source}");
    all.items().filter(|(_, item)| item.is_aws()).map(|(id, item)| told_of(&all, id, item)).collect()
}

fn told_of(all: &Inventory, id: ItemId, item: &Item) -> String {
    let related = |pointer: &str| all.related(id, pointer).map(|links| links.len()).unwrap_or_default();
    let arn = item.aws.as_ref().and_then(|facts| facts.arn.as_ref()).map(Node::to_json);
    let links = related("/ManagedPolicyArns/*");
    without_places(&format!("{} {} {arn:?} {links} {}", item.kind, item.name, sorted(&item.body.to_json())))
}

/// The symbol of a call is named after the place of the call: `replace(…)@18:28`.
fn without_places(text: &str) -> String {
    let mut parts = text.split('@');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |all, part| all + part.trim_start_matches(|c: char| c.is_ascii_digit() || c == ':'))
}

/// With the elements of lists in one order, which says nothing of actions, resources and statements, and without the
/// expressions that an unknown value names.
fn sorted(value: &serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Array(items) => {
            let mut items: Vec<_> = items.iter().map(sorted).collect();
            items.sort_by_key(ToString::to_string);
            items.into()
        }
        serde_json::Value::Object(map) => {
            map.iter().map(|(key, value)| (key.clone(), sorted(value))).collect::<serde_json::Map<_, _>>().into()
        }
        serde_json::Value::String(text) if text.starts_with("(unknown: ") => "(unknown)".into(),
        other => other.clone(),
    }
}

/// A module's own files, as those of the folder `own`.
fn files_of(module: &Path) -> Vec<(String, String)> {
    let paths = fs::read_dir(module).expect("files").map(|entry| entry.expect("there").path());
    paths
        .map(|path| {
            let text = fs::read_to_string(&path).expect("text");
            (format!("own/{}", path.file_name().unwrap_or_default().to_string_lossy()), text)
        })
        .collect()
}

#[test]
fn a_known_module_makes_what_its_own_files_make() {
    let version = |text: &str| Versions::satisfying(text).expect("a version").from;
    let mut compared = 0;
    for folder in fs::read_dir(fixture("modules")).expect("fixtures").map(|entry| entry.expect("there").path()) {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some(number) = name.strip_prefix("eks-karpenter-") else { continue };
        let own = files_of(&folder);
        let outputs: &[&str] = if number.starts_with("19.") {
            &["irsa_name", "irsa_arn", "queue_name", "queue_arn", "role_name", "role_arn", "instance_profile_name"]
        } else {
            &["iam_role_name", "iam_role_arn", "queue_name", "queue_url", "node_iam_role_name", "node_iam_role_arn"]
        };
        let known = format!("source = \"terraform-aws-modules/eks/aws//modules/karpenter\"\nversion = \"{number}\"");
        for (from, until, inputs) in CALLS {
            let versions = Versions { from: version(from), until: version(until) };
            if versions.hold(Versions::satisfying(number).expect("a version")) != Holds::Yes {
                continue;
            }
            let inputs = format!("cluster_name = \"demo\"\n{inputs}");
            let (stated, written) =
                (told(&known, &inputs, outputs, &[]), told("source = \"./own\"", &inputs, outputs, &own));
            for (stated, written) in stated.iter().zip(&written) {
                assert_eq!(stated, written, "{number} with {inputs}");
            }
            assert_eq!(stated.len(), written.len(), "{number} with {inputs}");
            compared += 1;
        }
    }
    assert!(compared > 50, "{compared}");
}

#[test]
fn a_role_for_a_service_account_makes_what_its_own_files_make() {
    let own = files_of(&fixture("modules/iam-role-5.60.0"));
    let known =
        "source = \"terraform-aws-modules/iam/aws//modules/iam-role-for-service-accounts-eks\"\nversion = \"5.60.0\"";
    for inputs in [
        "",
        "role_name = \"karpenter\"\nallow_self_assume_role = true",
        "role_name_prefix = \"karpenter-\"\nkarpenter_controller_cluster_name = \"demo\"\nkarpenter_sqs_queue_arn = var.given",
        "karpenter_controller_cluster_id = var.given\nenable_karpenter_instance_profile_creation = true\n\
         oidc_providers = { a = { provider_arn = \"arn:aws:iam::111122223333:oidc-provider/oidc.example.com/id/A\", \
         namespace_service_accounts = [\"karpenter:karpenter\"] } }",
        "oidc_providers = var.given\nrole_policy_arns = { a = var.given }",
    ] {
        let inputs = format!("attach_karpenter_controller_policy = true\n{inputs}");
        let outputs = ["iam_role_name", "iam_role_arn"];
        assert_eq!(
            told(known, &inputs, &outputs, &[]),
            told("source = \"./own\"", &inputs, &outputs, &own),
            "{inputs}"
        );
    }
}

#[test]
fn what_versions_differ_in_is_unknown_where_a_call_leaves_them_open() {
    let policy = |version: &str, inputs: &str| {
        let all = module(&format!(
            "module \"karpenter\" {{\n  source = \"terraform-aws-modules/eks/aws//modules/karpenter\"\n  \
             version = \"{version}\"\n  cluster_name = \"demo\"\n{inputs}}}\n"
        ));
        item(&all, "AWS::IAM::ManagedPolicy", "module.karpenter.aws_iam_policy.controller[0]")
            .body
            .member("PolicyDocument")
            .expect("a document")
            .clone()
    };
    let differs = |node: &Node| format!("{node:?}").contains("ModuleVersion");
    assert!(!differs(&policy("21.19.0", "")) && !differs(&policy("20.37.2", "")));
    // The default is what the versions without the input have.
    assert!(!differs(&policy(">= 20.16, < 20.26", "")));
    assert!(differs(&policy(">= 20.16, < 20.26", "enable_v1_permissions = true\n")));
    // What is new in some of the versions is there under a condition that cannot be told, and nothing else is open.
    let open = policy("~> 21.0", "");
    let statements = open.member("Statement").expect("statements");
    let of = |action: &str| -> Vec<&Node> {
        let has = |statement: &&Node| {
            statement.member("Action").is_some_and(|all| all.to_json().to_string().contains(action))
        };
        statements.elements().iter().filter(has).collect()
    };
    for (action, sure) in [
        ("ec2:CreateTags", true),
        ("ec2:DescribeImages", true),
        ("iam:ListInstanceProfiles", false),
        ("ec2:DescribeInstanceStatus", false),
    ] {
        let found = of(action);
        assert!(!found.is_empty(), "{action}");
        assert_eq!(!found.iter().any(|statement| differs(statement)), sure, "{action}");
    }
}

/// Terragrunt runs one by its address, too, with and without what its file includes.
#[test]
fn a_known_module_that_terragrunt_runs_has_its_inputs() {
    for source in [
        "tfr:///terraform-aws-modules/eks/aws//modules/karpenter?version=20.8.5",
        "tfr://registry.terraform.io/terraform-aws-modules/eks/aws//modules/karpenter?version=20.8.5",
        "git::https://github.com/terraform-aws-modules/terraform-aws-eks.git//modules/karpenter?ref=v20.8.5",
    ] {
        let unit = format!(
            "include \"root\" {{\n  path = find_in_parent_folders()\n}}\nterraform {{\n  source = \"{source}\"\n}}\ninputs = {{\n  \
             queue_name              = \"prod\"\n  queue_kms_master_key_id = \"alias/aws/sqs\"\n}}\n"
        );
        let root = "inputs = { cluster_name = \"prod\" }\n";
        let all = files(&[("terragrunt.hcl", root), ("prod/karpenter/terragrunt.hcl", &unit)]);
        let queue = item(&all, "AWS::SQS::Queue", "prod");
        assert_eq!(super::field(queue, &["KmsMasterKeyId"]), "\"alias/aws/sqs\"", "{source}");
        assert_eq!(queue.at().line, 5, "{source}: the line that names the module");
        assert_eq!(problems(&all), Vec::<String>::new());
    }
}
