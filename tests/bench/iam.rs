//! How long a question takes: a role with 20 policies of 6 kB each, 1,000 questions; and how it grows with the policies.
//!
//!     cargo bench -p kubectl-karpcheck --bench iam

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Instant;

use kubectl_karpcheck::iam::{Evaluator, Operand, PrincipalSpec, RequestSpec, Target};
use kubectl_karpcheck::inventory::{
    At, AwsFacts, Builder, Draft, Inventory, ItemId, List, Map, Node, Origin, SourceKind, Stated, Value,
};
use kubectl_karpcheck::karpenter;
use serde_json::{Value as Json, json};

fn node(json: &Json) -> Node {
    let value = match json {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Flag(*flag),
        Json::Number(number) => Value::Number(number.as_f64().unwrap_or_default()),
        Json::String(text) => Value::Text(text.as_str().into()),
        Json::Array(items) => Value::List(items.iter().map(node).collect::<List>()),
        Json::Object(members) => {
            Value::Map(members.iter().map(|(key, value)| (key.as_str().into(), node(value))).collect::<Map>())
        }
    };
    Node::new(value, At::default())
}

/// Statements as Karpenter's policy has them, each for another cluster, up to 6 kB.
fn document(number: usize) -> Json {
    let mut statements: Vec<Json> = vec![];
    let mut size = 0;
    for index in 0.. {
        let cluster = format!("cluster-{number}-{index}");
        let mut key = String::new();
        let _ = write!(key, "aws:RequestTag/kubernetes.io/cluster/{cluster}");
        let statement = json!({"Sid": format!("Allow{number}x{index}"), "Effect": "Allow",
            "Action": ["ec2:RunInstances", "ec2:CreateFleet", "ec2:CreateTags"],
            "Resource": ["arn:aws:ec2:us-west-2:*:fleet/*", "arn:aws:ec2:us-west-2:*:instance/*", "arn:aws:ec2:us-west-2:*:volume/*"],
            "Condition": {"StringEquals": {key: "owned", "aws:RequestTag/eks:eks-cluster-name": cluster},
                          "StringLike": {"aws:RequestTag/karpenter.sh/nodepool": "*"}}});
        size += statement.to_string().len();
        if size > 6000 {
            break;
        }
        statements.push(statement);
    }
    json!({"Version": "2012-10-17", "Statement": statements})
}

fn world(policies: usize) -> (Inventory, ItemId, usize) {
    let mut builder = Builder::new(Stated::default());
    let doc = builder.document(Origin::File("bench".into()));
    let documents: Vec<Json> = (0..policies).map(document).collect();
    let statements = documents.iter().map(|document| document["Statement"].as_array().map_or(0, Vec::len)).sum();
    let policies: Vec<Json> = documents
        .into_iter()
        .enumerate()
        .map(|(index, document)| json!({"PolicyName": format!("p{index}"), "PolicyDocument": document}))
        .collect();
    let mut draft =
        Draft::new("AWS::IAM::Role", "karpenter", node(&json!({"Policies": policies})), SourceKind::Template);
    let arn = Node::text("arn:aws:iam::111122223333:role/karpenter", At::whole(doc));
    draft.aws = Some(Box::new(AwsFacts { arn: Some(arn), ..AwsFacts::default() }));
    builder.add(draft);
    (karpenter::inventory(builder), ItemId(1), statements)
}

fn question(role: ItemId, cluster: &str, action: &str) -> RequestSpec {
    let tag = |key: &str, value: &str| (format!("aws:RequestTag/{key}"), Operand::Text(value.into()));
    RequestSpec {
        principal: PrincipalSpec::Item(role),
        action: action.into(),
        target: Target::Arn("arn:aws:ec2:us-west-2:111122223333:instance/i-1".into()),
        context: vec![
            tag(&format!("kubernetes.io/cluster/{cluster}"), "owned"),
            tag("eks:eks-cluster-name", cluster),
            tag("karpenter.sh/nodepool", "default"),
            tag("*", ""),
        ]
        .into_iter()
        .map(|(key, value)| if key.ends_with('*') { (key, Operand::Absent) } else { (key, value) })
        .collect(),
        fields: vec![],
    }
}

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for policies in [1, 5, 20, 80] {
        let (inventory, role, statements) = world(policies);
        let last = format!("cluster-{}-0", policies - 1);
        for (what, cluster, action) in [
            ("allowed", last.as_str(), "ec2:CreateTags"),
            ("denied, nearest miss", "cluster-none", "ec2:CreateTags"),
            ("no such action", last.as_str(), "kms:ListKeys"),
        ] {
            let evaluator = Evaluator::new(inventory.first());
            let question = question(role, cluster, action);
            let first = Instant::now();
            let _ = evaluator.decide(&question);
            let first = first.elapsed();
            let start = Instant::now();
            for _ in 0..1000 {
                std::hint::black_box(evaluator.decide(std::hint::black_box(&question)));
            }
            let each = start.elapsed() / 1000;
            writeln!(
                out,
                "{policies:>3} policies of 6 kB, {statements:>4} statements: {:>8.1} µs a question ({what}); the first, with reading, {:.1} ms",
                each.as_secs_f64() * 1e6,
                first.as_secs_f64() * 1e3
            )?;
        }
    }
    Ok(())
}
