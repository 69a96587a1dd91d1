//! What expressions take from files: texts, templates, values of a release, manifests.

use super::{field, files, folder, item, module, problems, read};
use crate::inventory::Inventory;

fn release(more: &str) -> String {
    format!(
        "resource \"helm_release\" \"karpenter\" {{\n  name = \"karpenter\"\n  namespace = \"kube-system\"\n  \
         repository = \"oci://public.ecr.aws/karpenter\"\n  chart = \"karpenter\"\n  version = \"1.8.1\"\n{more}}}\n"
    )
}

const BLANK: &str = "replicas: 2\nsettings:\n  clusterName: \"\"\n  interruptionQueue: \"\"\n  clusterEndpoint: keep\n";
const SET: &str = "  set {\n    name = \"settings.clusterName\"\n    value = \"prod\"\n  }\n";

/// The controllers, each with its cluster's name and queue.
fn controllers(all: &Inventory) -> Vec<(String, String)> {
    all.items()
        .filter(|(_, item)| &*item.kind == "Karpcheck::Controller")
        .map(|(_, item)| (field(item, &["ClusterName"]), field(item, &["InterruptionQueue"])))
        .collect()
}

#[test]
fn what_is_set_wins_over_a_file_of_values_that_is_the_releases_alone() {
    for values in [
        "  values = [file(\"${path.module}/karpenter.yaml\")]\n",
        "  values = [data.local_file.v.content]\n",
        "  values = [local_file.v.content]\n",
        "  values = [templatefile(\"karpenter.yaml\", {})]\n",
        "  values = [local.values]\n",
    ] {
        let all = files(&[
            ("karpenter.yaml", BLANK),
            ("main.tf", &release(&format!("{values}{SET}"))),
            (
                "files.tf",
                "locals {\n  values = file(\"${path.root}/karpenter.yaml\")\n}\n\
                 data \"local_file\" \"v\" {\n  filename = \"${path.module}/karpenter.yaml\"\n}\n\
                 resource \"local_file\" \"v\" {\n  content = file(\"./karpenter.yaml\")\n  filename = \"x\"\n}\n",
            ),
        ]);
        assert_eq!(controllers(&all), [("\"prod\"".to_owned(), "\"\"".to_owned())], "{values}");
    }
}

#[test]
fn values_that_cannot_be_told_leave_what_they_might_set_unknown() {
    let of = |layers: &str| {
        let all = files(&[("karpenter.yaml", BLANK), ("main.tf", &release(layers))]);
        let (name, queue) = controllers(&all).pop().expect("a controller");
        (name, queue.contains("the variable more has no value"))
    };
    let file = "file(\"karpenter.yaml\")";
    // Over the file, anything of it may be something else; what is set still wins.
    let (name, open) = of(&format!("  values = [{file}, var.more]\n{SET}"));
    assert_eq!((name.as_str(), open), ("\"prod\"", true));
    let (name, _) = of(&format!("  values = [{file}, var.more]\n"));
    assert!(name.contains("the variable more has no value"), "{name}");
    // Below the file, what the file sets counts.
    let (name, open) = of(&format!("  values = [var.more, {file}]\n"));
    assert_eq!((name.as_str(), open), ("\"\"", false));
}

#[test]
fn places_in_a_file_are_the_files() {
    let all = files(&[
        ("karpenter.yaml", "a: 1\nsettings:\n  clusterName: prod\n  interruptionQueue: q\n"),
        ("main.tf", &release("  values = [file(\"karpenter.yaml\")]\n")),
        ("policy.json", "{\n \"Statement\": [\n  {\"Sid\": \"X\"}\n ]\n}\n"),
        ("policy.tf", "resource \"aws_iam_policy\" \"p\" {\n  name = \"p\"\n  policy = file(\"policy.json\")\n}\n"),
    ]);
    let (_, controller) = all.items().find(|(_, item)| &*item.kind == "Karpcheck::Controller").expect("one");
    let name = controller.body.member("ClusterName").expect("there");
    assert!(all.document(name.at.doc).origin.to_string().ends_with("karpenter.yaml"));
    assert_eq!((name.at.line, name.at.column), (3, 16));
    let policy = item(&all, "AWS::IAM::ManagedPolicy", "p");
    let sid = policy.body.at_path(&["PolicyDocument", "Statement"]).and_then(|list| list.elements()[0].member("Sid"));
    assert_eq!(sid.expect("there").at.line, 3);
}

#[test]
fn templates_are_rendered_with_what_they_get() {
    let template = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\ndata:\n\
                    %{ for key, value in pairs ~}\n  ${key}: \"${value}\"\n%{ endfor ~}\n\
                    %{~ if more }\n  more: ${upper(\"up\")}\n%{ else }\n  less: x\n%{ endif ~}\n";
    let call = |vars: &str| {
        format!(
            "resource \"kubectl_manifest\" \"m\" {{\n  yaml_body = templatefile(\"${{path.module}}/m.yaml.tftpl\", {vars})\n}}\n"
        )
    };
    let data = |vars: &str| {
        let all = files(&[("m.yaml.tftpl", template), ("main.tf", &call(vars))]);
        assert_eq!(problems(&all), Vec::<String>::new());
        field(item(&all, "core/ConfigMap", "x"), &["data"])
    };
    assert_eq!(
        data("{ name = \"x\", pairs = { a = 1, b = var.b }, more = true }"),
        r#"{"a":"1","b":"${var.b}","more":"UP"}"#
    );
    assert_eq!(data("{ name = \"x\", pairs = {}, more = false }"), r#"{"less":"x"}"#);
}

#[test]
fn a_template_below_a_module_is_found_from_there() {
    let all = files(&[
        ("live/prod/main.tf", "module \"k\" {\n  source = \"../../modules/k\"\n  name = \"prod\"\n}\n"),
        (
            "modules/k/main.tf",
            "variable \"name\" {}\nresource \"aws_iam_policy\" \"p\" {\n  name = \"p\"\n  \
             policy = templatefile(\"${path.module}/p.json.tpl\", { name = var.name })\n}\n",
        ),
        ("modules/k/p.json.tpl", "{\"Statement\": [{\"Sid\": \"${name}\"}]}"),
    ]);
    let policy = item(&all, "AWS::IAM::ManagedPolicy", "p");
    assert_eq!(field(policy, &["PolicyDocument", "Statement", "0", "Sid"]), "\"prod\"");
}

#[test]
fn manifests_of_a_folder_are_the_roots() {
    let pool = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {cluster: x}\n---\n\
                apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n";
    for resource in [
        "resource \"kubectl_manifest\" \"m\" {\n  for_each = toset(data.kubectl_path_documents.d.documents)\n  \
         yaml_body = each.value\n}\n",
        "resource \"kubectl_manifest\" \"m\" {\n  count = length(data.kubectl_path_documents.d.documents)\n  \
         yaml_body = element(data.kubectl_path_documents.d.documents, count.index)\n}\n",
        "resource \"kubectl_manifest\" \"m\" {\n  for_each = data.kubectl_file_documents.d.manifests\n  \
         yaml_body = each.value\n}\n",
        "resource \"kubectl_manifest\" \"m\" {\n  for_each = fileset(path.module, \"manifests/*.{yaml,yml}\")\n  \
         yaml_body = file(\"${path.module}/${each.value}\")\n}\n",
    ] {
        let data = "data \"kubectl_path_documents\" \"d\" {\n  pattern = \"./manifests/*.yaml\"\n}\n\
                    data \"kubectl_file_documents\" \"d\" {\n  content = file(\"manifests/a.yaml\")\n}\n";
        let all = files(&[("manifests/a.yaml", pool), ("main.tf", &format!("{data}{resource}"))]);
        let maps: Vec<_> = all.items().filter(|(_, item)| &*item.kind == "core/ConfigMap").collect();
        assert_eq!(maps.len(), 2, "{resource}");
        assert!(maps.iter().all(|(_, item)| item.unit.is_some()), "{resource}");
        assert_eq!(item(&all, "core/ConfigMap", "b").at().line, 6, "{resource}");
    }
}

#[test]
fn files_outside_of_what_was_given_are_not_read() {
    let folder = folder(&[
        ("secret.json", "{\"Statement\": [{\"Sid\": \"hunter2\"}]}"),
        (
            "given/main.tf",
            "resource \"aws_iam_policy\" \"p\" {\n  name = \"p\"\n  policy = file(\"../secret.json\")\n}\n",
        ),
        ("given/linked.tf", "resource \"aws_iam_policy\" \"q\" {\n  name = \"q\"\n  policy = file(\"link.json\")\n}\n"),
    ]);
    #[cfg(unix)]
    std::os::unix::fs::symlink(folder.path().join("secret.json"), folder.path().join("given/link.json")).expect("made");
    let all = read(&folder.path().join("given"), &[]);
    for name in ["p", "q"] {
        let document = field(item(&all, "AWS::IAM::ManagedPolicy", name), &["PolicyDocument"]);
        assert!(document.contains("file()"), "{document}");
    }
}

#[test]
fn a_file_has_its_shortest_path_whoever_leads_to_it() {
    let folder = folder(&[
        ("env/dev/main.tf", "module \"queue\" {\n  source = \"../../modules/queue\"\n}\n"),
        (
            "modules/queue/main.tf",
            "resource \"aws_iam_policy\" \"p\" {\n  name = \"p\"\n  policy = file(\"${path.module}/policy.json\")\n}\n",
        ),
        ("modules/queue/policy.json", "{\"Statement\": []}"),
    ]);
    for given in ["", "env/dev"] {
        let all = read(&folder.path().join(given), &[]);
        let policy = item(&all, "AWS::IAM::ManagedPolicy", "p");
        let statement = policy.body.at_path(&["PolicyDocument", "Statement"]).expect("the statements");
        for (at, file) in [(policy.body.at, "modules/queue/main.tf"), (statement.at, "modules/queue/policy.json")] {
            let path = all.document(at.doc).origin.to_string();
            assert!(path.ends_with(file) && !path.contains(".."), "{given}: {path}");
        }
    }
}

#[test]
fn lines_within_a_directive_lose_the_indentation_of_their_heredoc() {
    for (start, end) in
        [("%{ if true }", "%{ endif }"), ("%{~if true~}", "%{~endif~}"), ("%{~for x in [1]~}", "%{~endfor~}")]
    {
        let text = format!(
            "resource \"kubectl_manifest\" \"c\" {{\n  yaml_body = <<-YAML\n    apiVersion: karpenter.k8s.aws/v1\n    \
             kind: EC2NodeClass\n    metadata:\n      name: default\n    spec:\n      amiSelectorTerms:\n        \
             - alias: al2023@latest\n      {start}\n      role: nodes\n      {end}\n      kubelet:\n        \
             maxPods: 20\n  YAML\n}}\n"
        );
        let all = files(&[("main.tf", &text)]);
        let class = item(&all, "karpenter.k8s.aws/EC2NodeClass", "default");
        assert_eq!(field(class, &["spec", "role"]), "\"nodes\"", "{start}");
        assert_eq!(field(class, &["spec", "kubelet", "maxPods"]), "20", "{start}");
    }
}

#[test]
fn what_stands_in_a_heredoc_has_the_place_of_its_line() {
    for (sign, margin) in [("<<-", "    "), ("<<", "    "), ("<<", "")] {
        let text = format!(
            "resource \"aws_iam_policy\" \"p\" {{\n  name = \"p\"\n  policy = {sign}EOT\n{margin}{{\n{margin}  \"Statement\": []\n{margin}}}\nEOT\n}}\n\
             resource \"kubectl_manifest\" \"c\" {{\n  yaml_body = {sign}EOT\n{margin}apiVersion: karpenter.k8s.aws/v1\n\
             {margin}kind: EC2NodeClass\n{margin}metadata: {{name: default}}\n{margin}spec:\n{margin}  role: nodes\nEOT\n}}\n"
        );
        let all = files(&[("main.tf", &text)]);
        let place = |kind: &str, name: &str, path: &[&str]| {
            let at = item(&all, kind, name).body.at_path(path).unwrap().at;
            (at.line as usize, at.column as usize)
        };
        let policy = place("AWS::IAM::ManagedPolicy", "p", &["PolicyDocument", "Statement"]);
        assert_eq!(policy, (5, margin.len() + 3), "{sign}{margin}");
        let class = place("karpenter.k8s.aws/EC2NodeClass", "default", &["spec", "role"]);
        assert_eq!(class, (15, margin.len() + 9), "{sign}{margin}");
    }
}

#[test]
fn files_of_opentofu_are_read_and_take_the_place_of_their_twins() {
    let queue = |name: &str| format!("resource \"aws_sqs_queue\" \"q\" {{\n  name = \"{name}\"\n}}\n");
    let all = files(&[("main.tofu", &queue("tofu")), ("main.tf", &queue("terraform")), ("x.tofu.json", "{}")]);
    item(&all, "AWS::SQS::Queue", "tofu");
    assert_eq!(all.of_kind("AWS::SQS::Queue").len(), 1);
}

#[test]
fn resources_of_another_provider_of_aws_are_told() {
    let all = module(
        r#"
        resource "awscc_sqs_queue" "interruption" { queue_name = "prod" }
        resource "awscc_iam_managed_policy" "controller" { policy_document = jsonencode({}) }
        resource "awscc_s3_bucket" "logs" {}
        resource "random_id" "one" { byte_length = 2 }
        "#,
    );
    let [problem] = all.problems() else { panic!("{:?}", all.problems()) };
    assert_eq!(problem.code(), "provider-not-read");
    let said = problem.to_string();
    assert!(said.contains("and 1 more)") && !said.contains("s3"), "{said}");
}
