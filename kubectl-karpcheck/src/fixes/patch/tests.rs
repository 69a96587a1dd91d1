use serde_json::json;

use super::*;
use crate::inventory::{At, DocId};

fn change(place: (u32, u32), target: Target, rest: &[&str], value: Option<serde_json::Value>) -> Change {
    let rest = rest.iter().map(|&segment| segment.to_owned()).collect();
    Change { at: At { doc: DocId(0), line: place.0, column: place.1 }, target, rest, value }
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
    assert_eq!(patched, CLASS.replace("  tags:\n", "  tags:\n    a: b\n    c:\n    - d\n"));
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
fn a_terraform_file_in_the_json_syntax_is_not_edited() {
    let told = file(Path::new("main.tf.json"), &[]).expect_err("refused");
    assert!(told.contains("Terraform's files are not edited"), "{told}");
}
