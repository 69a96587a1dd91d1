use serde_json::json;

use super::*;
use crate::fixes::edit::{Change, Target};
use crate::inventory::{At, DocId};

fn no_name(_: &str, _: &[String]) -> Option<Vec<String>> {
    None
}

fn written(change: Change) -> Written {
    Written {
        root: At { doc: DocId(0), line: 999, column: 1 },
        path: vec![],
        source: SourceKind::Manifest,
        beside: false,
        given: vec![],
        change,
    }
}

/// Each change as a fix of its own.
fn apply(text: &str, changes: &[Change]) -> (String, Vec<(usize, Refused)>) {
    let fixes: Vec<Fix> = changes.iter().map(|change| vec![("a.yaml".to_owned(), written(change.clone()))]).collect();
    let plan = plan(&fixes, &mut |_| Ok(text.to_owned()), &no_name);
    let after = plan.files.into_iter().next().map_or_else(|| text.to_owned(), |file| file.after);
    (after, plan.refused.into_iter().map(|(fix, _, why)| (fix, why)).collect())
}

/// All changes as one fix.
fn at_once(path: &str, text: &str, changes: Vec<Written>) -> Result<String, Refused> {
    let fix: Fix = changes.into_iter().map(|change| (path.to_owned(), change)).collect();
    let plan = plan(&[fix], &mut |_| Ok(text.to_owned()), &names);
    match (plan.files.into_iter().next(), plan.refused.into_iter().next()) {
        (Some(file), None) => Ok(file.after),
        (None, Some((.., why))) => Err(why),
        other => panic!("{other:?}"),
    }
}

/// What ACK, Crossplane and Terraform call a queue's properties.
fn names(kind: &str, path: &[String]) -> Option<Vec<String>> {
    let [property] = path else { return None };
    let name = match (kind, property.as_str()) {
        ("sqs.services.k8s.aws/Queue", "SqsManagedSseEnabled") => "spec/sqsManagedSSEEnabled",
        ("sqs.aws.upbound.io/Queue", "SqsManagedSseEnabled") => "spec/forProvider/sqsManagedSseEnabled",
        ("aws_sqs_queue", "SqsManagedSseEnabled") => "sqs_managed_sse_enabled",
        _ => return None,
    };
    Some(name.split('/').map(str::to_owned).collect())
}

/// The key is taken away and SSE-SQS switched on, as queue-aws-managed-key has it.
fn managed(root: (u32, u32), key: (u32, u32), source: SourceKind) -> Vec<Written> {
    let at = |(line, column)| At { doc: DocId(0), line, column };
    let known = Target::Map(vec!["KmsMasterKeyId".into(), "QueueUrl".into()]);
    vec![
        Written {
            change: change(key, Target::Leaf, &[], None),
            root: at(root),
            path: vec!["KmsMasterKeyId".into()],
            source,
            beside: false,
            given: vec![],
        },
        Written {
            change: change(root, known, &["SqsManagedSseEnabled"], Some(json!(true))),
            root: at(root),
            path: vec!["SqsManagedSseEnabled".into()],
            source,
            beside: false,
            given: vec![],
        },
    ]
}

#[test]
fn what_is_missing_has_the_name_that_the_file_has_for_it() {
    let ack = "apiVersion: sqs.services.k8s.aws/v1alpha1\nkind: Queue\nspec:\n  kmsMasterKeyID: alias/aws/sqs # why\n  queueName: q\n";
    let fixed = at_once("a.yaml", ack, managed((1, 1), (4, 19), SourceKind::Manifest)).unwrap();
    assert_eq!(fixed, ack.replace("kmsMasterKeyID: alias/aws/sqs # why", "sqsManagedSSEEnabled: true"));
    let crossplane =
        "apiVersion: sqs.aws.upbound.io/v1beta1\nkind: Queue\nspec: {forProvider: {kmsMasterKeyId: alias/aws/sqs}}\n";
    let fixed = at_once("a.yaml", crossplane, managed((1, 1), (3, 38), SourceKind::Manifest)).unwrap();
    assert_eq!(fixed, crossplane.replace("kmsMasterKeyId: alias/aws/sqs", "sqsManagedSseEnabled: true"));
    let template = "Resources:\r\n  Queue:\r\n    Type: AWS::SQS::Queue\r\n    Properties:\r\n      KmsMasterKeyId: alias/aws/sqs\r\n";
    let fixed = at_once("a.yaml", template, managed((2, 3), (5, 23), SourceKind::Template)).unwrap();
    assert_eq!(fixed, template.replace("KmsMasterKeyId: alias/aws/sqs", "SqsManagedSseEnabled: true"));
    let json = "{\"Resources\": {\"Queue\": {\"Type\": \"AWS::SQS::Queue\", \"Properties\": {\n  \"KmsMasterKeyId\": \"alias/aws/sqs\"\n}}}}\n";
    let fixed = at_once("a.json", json, managed((1, 16), (2, 21), SourceKind::Template)).unwrap();
    assert_eq!(fixed, json.replace("\"KmsMasterKeyId\": \"alias/aws/sqs\"", "\"SqsManagedSseEnabled\": true"));
    let terraform =
        "resource \"aws_sqs_queue\" \"q\" {\n  name              = \"q\"\n  kms_master_key_id = \"alias/aws/sqs\"\n}\n";
    let fixed = at_once("a.tf", terraform, managed((1, 1), (3, 23), SourceKind::Source)).unwrap();
    assert_eq!(fixed, terraform.replace("kms_master_key_id = \"alias/aws/sqs\"", "sqs_managed_sse_enabled = true"));
}

#[test]
fn a_resource_goes_beside_another() {
    let text = "Resources:\n  Queue:\n    Type: AWS::SQS::Queue\n    Properties: {}\n  Other: {Type: X}\nOutputs: {}\n";
    let rule = json!({"Properties": {"Targets": [{"Arn": {"Fn::GetAtt": ["Queue", "Arn"]}, "Id": "T"}]}, "Type": "AWS::Events::Rule"});
    let change = Written { beside: true, ..written(change((2, 3), Target::Map(vec![]), &["Rule"], Some(rule))) };
    let change = Written { root: change.change.at, source: SourceKind::Template, ..change };
    let added = "  Rule:\n    Type: AWS::Events::Rule\n    Properties:\n      Targets:\n        - Id: T\n          Arn:\n            \
                 Fn::GetAtt:\n              - Queue\n              - Arn\n";
    assert_eq!(
        at_once("a.yaml", text, vec![change.clone()]).unwrap(),
        text.replace("Outputs", &format!("{added}Outputs"))
    );
    let taken = text.replace("Other", "Rule");
    assert_eq!(at_once("a.yaml", &taken, vec![change]), Err(Refused::Unfit));
}

#[test]
fn a_fix_is_whole_or_not_at_all() {
    let other = "apiVersion: x.example.com/v1\nkind: Queue\nspec:\n  kmsMasterKeyID: alias/aws/sqs\n";
    let refused = at_once("a.yaml", other, managed((1, 1), (4, 19), SourceKind::Manifest)).unwrap_err();
    assert_eq!(refused, Refused::NotFound);
    for (source, path) in
        [(SourceKind::Aws, "a.json"), (SourceKind::Plan, "plan.json"), (SourceKind::State, "a.tfstate")]
    {
        let refused = at_once(path, "{}", managed((1, 1), (1, 1), source)).unwrap_err();
        assert!(matches!(refused, Refused::File(_)), "{refused:?}");
    }
    // Of two fixes that change one place otherwise, the first is made.
    let to = |value: &str| change((6, 19), Target::Leaf, &[], Some(json!(value)));
    let (patched, refused) = apply(CLASS, &[to("x"), to("y"), to("x")]);
    assert_eq!((patched, refused), (CLASS.replace("alias/a'", "x'"), vec![(1, Refused::Overlap)]));
}

#[test]
fn what_an_anchor_shares_is_not_changed_in_one_place() {
    let text = "a: &x\n  k: 1\nb: *x\n";
    let (patched, refused) = apply(text, &[change((2, 6), Target::Leaf, &[], Some(json!(2)))]);
    assert_eq!((patched.as_str(), refused), (text, vec![(0, Refused::Shared)]));
}

#[test]
fn all_members_may_go_and_others_come() {
    let text = "ref:\n  name: k # why\nlist: {a: 1, b: 2, c: 3}\n";
    let own = |place, target, rest: &[&str], value| written(change(place, target, rest, value));
    let moved = [
        own((2, 9), Target::Leaf, &[], None),
        own((1, 1), map(&["name"]), &["from", "name"], Some(json!("k"))),
        own((1, 1), map(&["name"]), &["from", "namespace"], Some(json!("n"))),
    ];
    let fixed = at_once("a.yaml", text, moved.to_vec()).unwrap();
    assert_eq!(fixed, text.replace("  name: k # why\n", "  from:\n    name: k\n    namespace: n\n"));
    let gone = [own((3, 11), Target::Leaf, &[], None), own((3, 17), Target::Leaf, &[], None)];
    assert_eq!(at_once("a.yaml", text, gone.to_vec()).unwrap(), text.replace("a: 1, b: 2, c", "c"));
    let all = [gone.to_vec(), vec![own((3, 23), Target::Leaf, &[], None)]].concat();
    assert_eq!(at_once("a.yaml", text, all).unwrap(), text.replace("{a: 1, b: 2, c: 3}", "{}"));
}

const DOCUMENT: &str = r#"data "aws_iam_policy_document" "c" {
  statement {
    actions = [
      "ec2:CreateFleet",
      "ec2:RunInstances",
    ]
    resources = ["*"]
  }
}

resource "aws_iam_policy" "p" {
  policy = jsonencode({
    Statement = [
      {
        Effect = "Allow"
        Action = ["a:B"]
      },
    ]
  })
}

variable "key" {
  default = "alias/aws/sqs"
}
"#;

#[test]
fn configuration_is_edited_where_it_stands() {
    let tf = |place, target, rest: &[&str], value: Option<serde_json::Value>| {
        let change = Written { source: SourceKind::Source, ..written(change(place, target, rest, value)) };
        at_once("main.tf", DOCUMENT, vec![change])
    };
    assert_eq!(
        tf((3, 15), Target::List(2), &["-"], Some(json!("ec2:CreateTags"))).unwrap(),
        DOCUMENT.replace("\"ec2:RunInstances\",\n", "\"ec2:RunInstances\",\n      \"ec2:CreateTags\",\n")
    );
    assert_eq!(
        tf((16, 18), Target::List(1), &["-"], Some(json!("c:${D}"))).unwrap(),
        DOCUMENT.replace("[\"a:B\"]", "[\"a:B\", \"c:$${D}\"]")
    );
    let statement = json!({"Effect": "Allow", "Action": ["a:B", "a:C"], "Resource": "*", "Condition": {"StringEquals": {"aws:x": "y"}}});
    let added = tf((1, 1), Target::List(1), &["-"], Some(statement.clone())).unwrap();
    let block = "  }\n\n  statement {\n    effect    = \"Allow\"\n    actions   = [\"a:B\", \"a:C\"]\n    resources = [\"*\"]\n\n    \
                 condition {\n      test     = \"StringEquals\"\n      variable = \"aws:x\"\n      values   = [\"y\"]\n    }\n  }\n}\n\nresource";
    assert_eq!(added, DOCUMENT.replace("  }\n}\n\nresource", block));
    let added = tf((13, 17), Target::List(1), &["-"], Some(statement)).unwrap();
    let object = "      },\n      {\n        Effect    = \"Allow\"\n        Action    = [\"a:B\", \"a:C\"]\n        Resource  = \"*\"\n        \
                  Condition = {\n          StringEquals = {\n            \"aws:x\" = \"y\"\n          }\n        }\n      },\n    ]";
    assert_eq!(added, DOCUMENT.replace("      },\n    ]", object));
    // What a variable has by default is not what a resource has.
    assert_eq!(tf((23, 13), Target::Leaf, &[], Some(json!("x"))), Err(Refused::Expression));
    assert_eq!(tf((23, 13), Target::Leaf, &[], None), Err(Refused::Expression));
    let valid = tf((1, 1), Target::List(1), &["-"], Some(json!({"Effect": "Deny"}))).unwrap();
    hcl_edit::parser::parse_body(&valid).unwrap();
}

fn change(place: (u32, u32), target: Target, rest: &[&str], value: Option<serde_json::Value>) -> Change {
    let rest = rest.iter().map(|&segment| segment.to_owned()).collect();
    Change { at: At { doc: DocId(0), line: place.0, column: place.1 }, target, rest, value, inside: None }
}

fn map(keys: &[&str]) -> Target {
    Target::Map(keys.iter().map(|&key| key.to_owned()).collect())
}

fn with_change(text: &str, change: Change) -> String {
    let (patched, refused) = apply(text, &[change]);
    assert_eq!(refused, [], "{text}");
    patched
}

const CLASS: &str = "\
# ours
spec:
  blockDeviceMappings:
    - deviceName: /dev/xvda # root
      ebs:
        kmsKeyID: 'alias/a'   # the key

        volumeSize: 10Gi
    - deviceName: /dev/xvdb
      ebs: {kmsKeyID: alias/b}
  tags:
";

#[test]
fn a_member_is_added_at_the_end_of_its_object() {
    let patched = with_change(CLASS, change((5, 7), map(&["kmsKeyID"]), &["encrypted"], Some(json!(true))));
    assert_eq!(
        patched,
        CLASS.replace("        volumeSize: 10Gi\n", "        volumeSize: 10Gi\n        encrypted: true\n")
    );
    let patched = with_change(CLASS, change((10, 7), map(&["kmsKeyID"]), &["encrypted"], Some(json!(true))));
    assert_eq!(patched, CLASS.replace("alias/b}", "alias/b, encrypted: true}"));
    // Of two objects that begin at one place, the one with these members.
    let patched = with_change(CLASS, change((4, 7), map(&["deviceName", "ebs"]), &["rootVolume"], Some(json!(true))));
    assert_eq!(patched, CLASS.replace("volumeSize: 10Gi\n", "volumeSize: 10Gi\n      rootVolume: true\n"));
}

#[test]
fn a_scalar_keeps_its_quotes_and_its_comment() {
    let patched = with_change(CLASS, change((6, 19), Target::Leaf, &[], Some(json!("arn:x"))));
    assert_eq!(patched, CLASS.replace("'alias/a'", "'arn:x'"));
    let text = "a: \"x\\\" y\" # why\nb: 'it''s' # why\nc: plain # why\nd: !Sub '${X}' # why\n";
    let all: Vec<Change> = [(1, 4), (2, 4), (3, 4), (4, 4)]
        .into_iter()
        .map(|place| change(place, Target::Leaf, &[], Some(json!("new"))))
        .collect();
    // A tag goes with its value, whose place is its key's.
    let mut all = all;
    (all[3].at.line, all[3].at.column) = (4, 1);
    assert_eq!(apply(text, &all).0, "a: \"new\" # why\nb: 'new' # why\nc: new # why\nd: new # why\n");
}

#[test]
fn nothing_becomes_something() {
    let patched = with_change(CLASS, change((11, 3), Target::Leaf, &[], Some(json!({"a": "b", "c": ["d"]}))));
    assert_eq!(patched, CLASS.replace("  tags:\n", "  tags:\n    a: b\n    c:\n      - d\n"));
}

#[test]
fn members_and_elements_are_removed() {
    let patched = with_change(CLASS, change((6, 19), Target::Leaf, &[], None));
    assert_eq!(patched, CLASS.replace("kmsKeyID: 'alias/a'   # the key\n\n        ", ""));
    let patched = with_change(CLASS, change((8, 21), Target::Leaf, &[], None));
    assert_eq!(patched, CLASS.replace("\n        volumeSize: 10Gi", "").replace("key\n\n", "key\n"));
    let patched = with_change(CLASS, change((10, 23), Target::Leaf, &[], None));
    assert_eq!(patched, CLASS.replace("{kmsKeyID: alias/b}", "{}"));
    let patched = with_change(CLASS, change((9, 7), map(&["deviceName", "ebs"]), &[], None));
    assert_eq!(patched, CLASS.replace("\n    - deviceName: /dev/xvdb\n      ebs: {kmsKeyID: alias/b}", ""));
}

#[test]
fn a_block_of_lines_is_replaced_with_its_header() {
    let text = "spec:\n  policy: |- # a | b\n\n    y\n    x-y\n  other: 1\n";
    let patched = with_change(text, change((4, 5), Target::Leaf, &[], Some(json!("a"))));
    assert_eq!(patched, "spec:\n  policy: a\n  other: 1\n");
    let patched = with_change(text, change((4, 5), Target::Leaf, &[], Some(json!({"a": 1}))));
    assert_eq!(patched, "spec:\n  policy:\n    a: 1\n  other: 1\n");
    let empty = "a: |\nb: 1\n";
    let patched = with_change(empty, change((2, 4), Target::Leaf, &[], Some(json!(2))));
    assert_eq!(patched, "a: |\nb: 2\n");
    // A tag is a part of its value.
    let tagged = "- !Sub \"a-${B}\" # c\n- d\n";
    let patched = with_change(tagged, change((1, 3), Target::Leaf, &[], Some(json!("e"))));
    assert_eq!(patched, "- e # c\n- d\n");
    let patched = with_change(tagged, change((1, 1), Target::List(2), &["-"], Some(json!("f"))));
    assert_eq!(patched, format!("{tagged}- f\n"));
    // The dash of an element is the one before it, not one in a header, a comment or a text.
    let list = "- a\n- # x-y\n  |-\n  b-c\n- # e-f\n  d\n";
    let patched = with_change(list, change((4, 3), Target::Leaf, &[], None));
    assert_eq!(patched, "- a\n- # e-f\n  d\n");
    let patched = with_change(list, change((1, 1), Target::List(3), &["-"], Some(json!("g"))));
    assert_eq!(patched, format!("{list}- g\n"));
}

#[test]
fn of_two_members_with_one_key_the_one_that_counts_changes() {
    let text = "kind: Queue\napiVersion: sqs.services.k8s.aws/v1alpha1\nspec:\n  name: a\nspec:\n  name: b\n";
    let root = At { doc: DocId(0), line: 1, column: 1 };
    let known = Target::Map(vec!["KmsMasterKeyId".into(), "QueueUrl".into()]);
    let add = Written {
        change: change((1, 1), known, &["SqsManagedSseEnabled"], Some(json!(true))),
        root,
        path: vec!["SqsManagedSseEnabled".into()],
        source: SourceKind::Manifest,
        beside: false,
        given: vec![],
    };
    assert_eq!(at_once("a.yaml", text, vec![add]), Ok(format!("{text}  sqsManagedSSEEnabled: true\n")));
    // Without the last one the first would count.
    let (patched, refused) = apply(text, &[change((5, 1), map(&["name"]), &[], None)]);
    assert_eq!((patched.as_str(), refused), (text, vec![(0, Refused::Twice)]));
}

#[test]
fn elements_are_appended_in_the_style_of_the_list() {
    let text = "a:\n- x\n- y # why\nb: [x, y]\nc: []\n";
    let patched = with_change(text, change((1, 1), Target::List(2), &["-"], Some(json!("z"))));
    assert_eq!(patched, text.replace("# why\n", "# why\n- z\n"));
    let patched = with_change(text, change((4, 1), Target::List(2), &["-"], Some(json!("z: 1"))));
    assert_eq!(patched, text.replace("[x, y]", "[x, y, 'z: 1']"));
    let patched = with_change(text, change((5, 1), Target::List(0), &["-"], Some(json!({"k": 1}))));
    assert_eq!(patched, text.replace("[]", "[{k: 1}]"));
}

const POLICY: &str = r#"Resources:
  Policy:
    Properties:
      PolicyDocument: !Sub |
        {
          "Statement": [
            {
              "Action": "ec2:CreateTags",
              "Condition": {
                "ForAllValues:StringEquals": {
                  "aws:TagKeys": [
                    "karpenter.sh/nodeclaim",
                    "Name"
                  ]
                }
              }
            }
          ]
        }
      Name: x
"#;

#[test]
fn json_in_a_block_of_lines_is_edited_where_it_stands() {
    let patched = with_change(POLICY, change((11, 19), Target::List(2), &["-"], Some(json!("eks:eks-cluster-name"))));
    assert_eq!(patched, POLICY.replace("\"Name\"\n", "\"Name\",\n                    \"eks:eks-cluster-name\"\n"));
    // Without a tag, the parser says where the first line is.
    let untagged = POLICY.replace("!Sub |", "|");
    let patched =
        with_change(&untagged, change((11, 19), Target::List(2), &["-"], Some(json!("eks:eks-cluster-name"))));
    assert!(patched.contains("\"Name\",\n                    \"eks:eks-cluster-name\"\n"), "{patched}");
    let statement = json!({"Effect": "Allow", "Action": ["iam:ListInstanceProfiles"], "Resource": "*", "Sid": "List"});
    let patched = with_change(POLICY, change((6, 11), Target::List(1), &["-"], Some(statement)));
    let added = "            },\n            {\n              \"Effect\": \"Allow\",\n              \"Action\": [\n                \"iam:ListInstanceProfiles\"\n              ],\n              \"Resource\": \"*\",\n              \"Sid\": \"List\"\n            }\n          ]";
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(|line| line.trim_end_matches(',').to_owned()).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&patched), sorted(&POLICY.replace("            }\n          ]", added)));
    assert!(patched.contains("            },\n            {\n"), "{patched}");
}

#[test]
fn json_files_stay_json() {
    let text = "{\n\t\"a\": [\"x\"],\n\t\"b\": {\"c\": 1}\n}\n";
    let patched = with_change(text, change((2, 2), Target::List(1), &["-"], Some(json!("y"))));
    assert_eq!(patched, text.replace("[\"x\"]", "[\"x\", \"y\"]"));
    let patched = with_change(text, change((1, 1), map(&["a", "b"]), &["d"], Some(json!(true))));
    assert_eq!(patched, text.replace("1}\n", "1},\n\t\"d\": true\n"));
    assert!(serde_json::from_str::<serde_json::Value>(&patched).is_ok());
}

#[test]
fn several_changes_are_made_at_once_and_equal_ones_once() {
    let encrypted = |place| change(place, map(&["kmsKeyID"]), &["encrypted"], Some(json!(true)));
    let (patched, refused) = apply(
        CLASS,
        &[encrypted((10, 7)), encrypted((5, 7)), encrypted((5, 7)), change((99, 1), Target::Leaf, &[], None)],
    );
    assert_eq!(patched.matches("encrypted: true").count(), 2);
    assert_eq!(refused, [(3, Refused::NotFound)]);
}

#[test]
fn line_breaks_of_windows_stay() {
    let text = "a:\r\n  b: 1\r\nc: 2\r\n";
    let patched = with_change(text, change((1, 1), map(&["b"]), &["d"], Some(json!("x"))));
    assert_eq!(patched, "a:\r\n  b: 1\r\n  d: x\r\nc: 2\r\n");
}

#[test]
fn what_ends_its_lines_with_carriage_returns_alone_is_left_alone() {
    let text = "a: b\rc: |\r  d\re: f\n";
    let (patched, refused) = apply(text, &[change((3, 3), Target::Leaf, &[], Some(json!("g")))]);
    assert_eq!((patched.as_str(), refused), (text, vec![(0, Refused::NotFound)]));
}

#[test]
fn a_list_that_is_not_indented_is_replaced_whole() {
    for list in ["a:\n- b: 1\n  c: d\n- e\nf: g\n", "a: # x-y\n- b: 1\n- c\nf: g\n", "a:\n  - b: 1\n  - c\nf: g\n"] {
        let head = list.split('\n').next().unwrap();
        let text = with_change(list, change((1, 1), Target::List(2), &[], Some(json!("t"))));
        assert!(serde_yaml::from_str::<serde_json::Value>(&text).unwrap() == json!({"a": "t", "f": "g"}), "{text}");
        assert!(text.starts_with(head), "{text}");
    }
}

#[test]
fn only_the_right_document_of_a_stream_changes() {
    let text = "a: 1\n---\na: 1\n";
    let patched = with_change(text, change((3, 4), Target::Leaf, &[], Some(json!(2))));
    assert_eq!(patched, "a: 1\n---\na: 2\n");
}

#[test]
fn the_policy_of_an_official_template_is_edited_where_it_stands() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../tests/fixtures/rules/create-tags-denied-on-existing/fail-instances-from-before-v1/karpenter-v0.37.8.yaml"
    );
    let text = std::fs::read_to_string(path).expect("the fixture is there");
    let patched = with_change(&text, change((132, 19), Target::List(2), &["-"], Some(json!("eks:eks-cluster-name"))));
    let (before, after) = ("\"Name\"\n", "\"Name\",\n                    \"eks:eks-cluster-name\"\n");
    assert_eq!(patched, text.replacen(before, after, 1));
}

#[test]
fn terraform_in_json_is_edited_as_terraform() {
    let file = "{\"resource\": {\"aws_sqs_queue\": {\"q\": {\n  \"name\": \"q\",\n  \"kms_master_key_id\": \"alias/aws/sqs\"\n}}}}\n";
    let fixed = at_once("main.tf.json", file, managed((1, 33), (3, 24), SourceKind::Source)).unwrap();
    assert_eq!(fixed, file.replace("\"kms_master_key_id\": \"alias/aws/sqs\"", "\"sqs_managed_sse_enabled\": true"));
    let values = at_once("prod.tfvars.json", "{}", managed((1, 1), (1, 1), SourceKind::Source)).unwrap_err();
    assert!(values.to_string().contains("files of this kind are not edited"), "{values}");
    let leaf = |file: &str, column| {
        let change = change((1, column), Target::Leaf, &[], Some(json!("a${b}")));
        at_once("main.tf.json", file, vec![written(change)])
    };
    let text = "{\"resource\": {\"aws_sqs_queue\": {\"q\": {\"name\": \"x\"}}}}";
    assert_eq!(leaf(text, 47).unwrap(), text.replace("\"x\"", "\"a$${b}\""));
    // What is computed, and what a variable has by default, stay.
    assert_eq!(leaf(&text.replace('x', "${var.x}"), 47), Err(Refused::Expression));
    assert_eq!(leaf("{\"variable\": {\"x\": {\"default\": \"y\"}}}", 32), Err(Refused::Expression));
}

#[test]
fn a_statement_of_a_document_in_json_has_terraforms_names() {
    let file = "{\"data\": {\"aws_iam_policy_document\": {\"p\": {\"statement\": [{\"actions\": [\"a\"]}]}}}}";
    let statement = json!({
        "Effect": "Allow", "Action": "ec2:CreateTags", "Resource": ["*"], "Principal": {"AWS": "*"},
        "Condition": {"StringEquals": {"aws:ResourceTag/x": "${owned}"}}
    });
    let added = |file: &str, column| {
        let change = change((1, column), Target::List(1), &["-"], Some(statement.clone()));
        at_once("main.tf.json", file, vec![written(change)])
    };
    let new = json!({
        "effect": "Allow", "actions": ["ec2:CreateTags"], "resources": ["*"],
        "principals": [{"type": "AWS", "identifiers": ["*"]}],
        "condition": [{"test": "StringEquals", "variable": "aws:ResourceTag/x", "values": ["$${owned}"]}]
    });
    let body = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap()["data"].take();
    // The place of the list is its own, or that of its block.
    for column in [39, 45] {
        let fixed = body(&added(file, column).unwrap());
        assert_eq!(fixed.pointer("/aws_iam_policy_document/p/statement/1"), Some(&new));
    }
    let fixed = body(&added(&file.replace("\"statement\": [{\"actions\": [\"a\"]}]", ""), 39).unwrap());
    assert_eq!(fixed.pointer("/aws_iam_policy_document/p/statement/0"), Some(&new));
}

#[test]
fn json_within_a_text_is_edited_in_it() {
    let policy = r#"{"Statement": [{"Action": "a", "Resource": "it's \\ é"}]}"#;
    let quoted = serde_json::to_string(policy).unwrap();
    let single = format!("'{}'", policy.replace('\'', "''"));
    let files = [
        ("a.yaml", format!("kind: Policy\nspec: {single} # why\n"), (2, 7)),
        ("b.yaml", format!("kind: Policy\nspec: {quoted}\n"), (2, 7)),
        ("c.tf", format!("resource \"aws_iam_policy\" \"p\" {{\n  policy = {quoted}\n}}\n"), (2, 12)),
        (
            "d.tf.json",
            format!("{{\"resource\": {{\"aws_iam_policy\": {{\"p\": {{\n\"policy\": {quoted}}}}}}}}}\n"),
            (2, 11),
        ),
    ];
    for (path, before, place) in files {
        let inside = |path: &[&str]| Some(path.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        let action = Change {
            inside: inside(&["Statement", "0", "Action"]),
            ..change(place, Target::Leaf, &[], Some(json!(["a", "b"])))
        };
        let more = Change {
            inside: inside(&["Statement", "-"]),
            ..change(place, Target::List(1), &["-"], Some(json!({"Effect": "Deny"})))
        };
        let after = at_once(path, &before, vec![written(action), written(more)]).unwrap();
        let escaped = |text: &str| if path == "a.yaml" { text.to_owned() } else { text.replace('"', "\\\"") };
        let wanted = before.replace(&escaped("\"Action\": \"a\""), &escaped("\"Action\": [\"a\", \"b\"]")).replacen(
            "}]}",
            &escaped("}, {\"Effect\": \"Deny\"}]}"),
            1,
        );
        assert_eq!(after, wanted, "{path}");
    }
    // A text that goes over lines, in quotes, is left alone.
    let folded = "kind: Policy\nspec: '{\"Statement\":\n  []}'\n";
    let change = Change {
        inside: Some(vec!["Statement".into(), "-".into()]),
        ..change((2, 7), Target::List(0), &["-"], Some(json!(1)))
    };
    assert_eq!(at_once("a.yaml", folded, vec![written(change)]), Err(Refused::Inline));
}

#[test]
fn json_in_a_heredoc_is_edited_where_it_stands() {
    let file = "resource \"aws_iam_policy\" \"p\" {\n  policy = <<-EOT\n    {\"Statement\": [\n      {\"Action\": \"a\", \"Resource\": \"${x}\"}\n    ]}\n  EOT\n}\n";
    let more = change((3, 6), Target::List(1), &["-"], Some(json!("${b}")));
    let action = change((4, 18), Target::Leaf, &[], Some(json!(["a", "b"])));
    let after = at_once("main.tf", file, vec![written(action), written(more)]).unwrap();
    let wanted = file.replace("\"a\"", "[\"a\", \"b\"]").replace("${x}\"}", "${x}\"},\n      \"$${b}\"");
    assert_eq!(after, wanted);
}

#[test]
fn a_name_that_a_file_takes_from_a_variable_is_not_written_into_it() {
    let text = "resource \"aws_iam_policy\" \"p\" {\n  policy = jsonencode({\n    Statement = [{\n      Action = \"ec2:RunInstances\"\n    }]\n  })\n}\n";
    let statement =
        |cluster: &str| json!({"Condition": {"StringEquals": {format!("aws:ResourceTag/{cluster}"): "owned"}}});
    let at_list = |cluster: &str| Written {
        source: SourceKind::Source,
        given: vec!["prod".into()],
        ..written(change((3, 17), Target::List(1), &["-"], Some(statement(cluster))))
    };
    assert_eq!(at_once("main.tf", text, vec![at_list("prod")]), Err(Refused::Given("prod".into())));
    // It is a part of another word.
    assert!(at_once("main.tf", text, vec![at_list("prod-2")]).is_ok());
    // The file says it itself.
    let literal = format!("{text}# prod\n");
    assert!(at_once("main.tf", &literal, vec![at_list("prod")]).is_ok());
}

#[test]
fn a_text_that_is_put_together_is_not_replaced() {
    let replaced = |text: &str| {
        let value = Some(json!("b"));
        let change = Written { source: SourceKind::Source, ..written(change((2, 10), Target::Leaf, &[], value)) };
        at_once("main.tf", text, vec![change])
    };
    let resource = |name: &str| format!("resource \"aws_sqs_queue\" \"q\" {{\n  name = {name}\n}}\n");
    assert_eq!(replaced(&resource("\"${var.a}-q\"")), Err(Refused::Expression));
    for literal in ["\"a\"", "\"$${a}\""] {
        assert_eq!(replaced(&resource(literal)), Ok(resource("\"b\"")));
    }
}
