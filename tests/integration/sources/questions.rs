//! Who holds the same, what may have more, and where an item belongs.

use kubectl_karpcheck::inventory::{Builder, Cause, FieldValue, Found, Inventory, ItemId, Link, Stated};
use kubectl_karpcheck::karpenter;
use kubectl_karpcheck::schema::kinds::GatherScope;
use kubectl_karpcheck::sources;

use super::only;

const CLASS: &str = "karpenter.k8s.aws/EC2NodeClass";
const TEMPLATE: &str = "karpenter.k8s.aws/AWSNodeTemplate";
const QUEUE: &str = "AWS::SQS::Queue";

fn read(files: &[(&str, &str)]) -> Inventory {
    let plan =
        GatherScope::new(super::KINDS.iter().chain(&[CLASS, TEMPLATE, "apps/Deployment"]).map(|kind| (*kind, false)));
    let mut builder = Builder::new(Stated::default());
    let files: Vec<_> = files.iter().map(|(name, text)| (std::path::Path::new(*name), text.as_bytes())).collect();
    sources::texts(&files, &plan, &mut builder);
    karpenter::inventory(builder)
}

/// A node class that selects subnets by a value.
fn class(name: &str, value: &str) -> String {
    format!(
        "apiVersion: karpenter.k8s.aws/v1\nkind: EC2NodeClass\nmetadata: {{name: {name}}}\nspec:\n  role: {value:?}\n  \
         tags: {{first: {value:?}, second: {value:?}}}\n"
    )
}

/// Classes that stand side by side in one cluster.
fn classes(values: &[(&str, &str)]) -> Inventory {
    let text = values.iter().map(|(name, value)| class(name, value)).collect::<Vec<_>>().join("---\n");
    read(&[("classes.yaml", &text)])
}

/// Classes of which each stands in a cluster of its own.
fn clusters(values: &[(&str, &str)]) -> Inventory {
    let files = values.iter().map(|(name, value)| {
        let controller = format!(
            "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: karpenter, namespace: kube-system}}\nspec: {{template: {{spec: \
             {{containers: [{{name: controller, image: \"public.ecr.aws/karpenter/controller:1.8.1\", env: [{{name: CLUSTER_NAME, \
             value: {name}}}]}}]}}}}}}\n"
        );
        (format!("{name}/all.yaml"), class(name, value) + &controller)
    });
    let files: Vec<(String, String)> = files.collect();
    let inventory = read(&files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect::<Vec<_>>());
    assert_eq!(inventory.scopes().len(), values.len());
    inventory
}

fn called(inventory: &Inventory, name: &str) -> ItemId {
    inventory.of_kind(CLASS).into_iter().find(|id| &*inventory.item(*id).unwrap().name == name).unwrap()
}

/// Who holds the same as a class, by name and field, and why there may be more.
fn peers(inventory: &Inventory, name: &str, pointer: &str, pattern: &str) -> (Vec<String>, Option<Cause>) {
    let of = (called(inventory, name), pointer);
    let answered = inventory.peers(of, CLASS, pattern, u64::MAX).unwrap().unwrap();
    let mut unknown = None;
    let known = answered.links.into_iter().filter_map(|Link { item, at }| match item {
        Found::Known(id) => Some(format!("{}{at}", inventory.item(id).unwrap().name)),
        Found::Absent(what) => panic!("{what}"),
        Found::Unknown(why) => {
            unknown = Some(why.reason.cause);
            None
        }
    });
    (known.collect(), unknown)
}

#[test]
fn each_peer_comes_once_with_its_first_field() {
    let inventory = clusters(&[("a", "prod"), ("b", "test"), ("c", "prod"), ("d", "prod")]);
    // Files alone never say that there are no more.
    let more = Some(Cause::NotProvided);
    assert_eq!(
        peers(&inventory, "a", "/spec/role", "/spec/role"),
        (vec!["c/spec/role".into(), "d/spec/role".into()], more)
    );
    let tagged = vec!["c/spec/tags/first".to_owned(), "d/spec/tags/first".to_owned()];
    assert_eq!(peers(&inventory, "a", "/spec/role", "/spec/tags/*"), (tagged, more));
    assert_eq!(peers(&inventory, "b", "/spec/role", "/spec/role"), (vec![], more));
    assert_eq!(
        peers(&inventory, "a", "/spec/instanceProfile", "/spec/role"),
        (vec![], None),
        "nothing of what is absent"
    );
    assert_eq!(peers(&inventory, "a", "@name", "@name"), (vec![], more), "an item is no peer of itself");
    assert_eq!(peers(&inventory, "a", "@kind", "@kind").0.len(), 3);
}

#[test]
fn what_stands_beside_an_item_in_its_cluster_is_a_peer_only_if_it_is_of_another_kind() {
    let template = class("t", "prod").replace("EC2NodeClass", "AWSNodeTemplate");
    let inventory = read(&[("a.yaml", &[class("a", "prod"), class("b", "prod"), template].join("---\n"))]);
    assert_eq!(peers(&inventory, "a", "/spec/role", "/spec/role").0, Vec::<String>::new());
    let of = (called(&inventory, "a"), "/spec/role");
    let answered = inventory.peers(of, TEMPLATE, "/spec/role", u64::MAX).unwrap().unwrap();
    let template = only(&inventory, TEMPLATE);
    assert_eq!(answered.links[0], Link { item: Found::Known(template), at: "/spec/role".into() });
    // Each symbol of a cluster means one thing in it.
    let template = class("t", "${ROLE}").replace("EC2NodeClass", "AWSNodeTemplate");
    let inventory = read(&[("a.yaml", &[class("a", "${ROLE}"), template].join("---\n"))]);
    let of = (called(&inventory, "a"), "/spec/role");
    let answered = inventory.peers(of, TEMPLATE, "/spec/role", u64::MAX).unwrap().unwrap();
    assert_eq!(answered.links[0].item, Found::Known(only(&inventory, TEMPLATE)));
    assert!(matches!(answered.links[1].item, Found::Unknown(_)));
}

#[test]
fn what_a_symbol_of_another_cluster_stands_for_may_be_anything() {
    let inventory = clusters(&[("a", "${ROLE}"), ("b", "${ROLE}"), ("c", "prod"), ("d", "x-${ROLE}")]);
    let symbolic = (vec![], Some(Cause::Symbolic));
    assert_eq!(peers(&inventory, "a", "/spec/role", "/spec/role"), symbolic, "two placeholders may mean two roles");
    assert_eq!(peers(&inventory, "c", "/spec/role", "/spec/role"), symbolic, "the symbol may be prod");
}

#[test]
fn an_index_costs_what_there_is_and_not_more_than_allowed() {
    let many: Vec<(String, String)> = (0..500).map(|number| (format!("c{number}"), format!("r{number}"))).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let inventory = classes(&many);
    let ask = |name: &str, most| inventory.peers((called(&inventory, name), "/spec/role"), CLASS, "/spec/role", most);
    assert!(ask("c0", 100).unwrap().is_none(), "an index that costs too much is not made");
    let (first, last) = (ask("c0", u64::MAX).unwrap().unwrap(), ask("c499", u64::MAX).unwrap().unwrap());
    assert_eq!(first.index, last.index, "whoever asks first, it costs the same");
    assert!(first.index < 500 * 10 && last.visited < 10, "{} nodes, then {}", first.index, last.visited);
    assert!(ask("c0", 1).is_ok_and(|found| found.is_some()), "once made it is there for all");
    // All of one cluster hold one value: none is looked at for any other.
    let one: Vec<(&str, &str)> = many.iter().map(|(name, _)| (*name, "prod")).collect();
    let inventory = classes(&one);
    let of = (called(&inventory, "c0"), "/spec/role");
    assert_eq!(inventory.peers(of, CLASS, "/spec/role", u64::MAX).unwrap().unwrap().visited, 1);
}

#[test]
fn what_aws_did_not_describe_may_have_more() {
    let template = "Resources:\n  Queue:\n    Type: AWS::SQS::Queue\n    Properties: {QueueName: prod}\n";
    let open = |inventory: &Inventory, pointer: &str| inventory.open(only(inventory, QUEUE), pointer).unwrap();
    let declared = read(&[("template.yaml", template)]);
    assert_eq!(open(&declared, "").map(|unknown| unknown.reason.cause), Some(Cause::NotProvided));
    assert_eq!(open(&declared, "/QueueName"), None);
    let answer = |attributes: &str| {
        let arn = "arn:aws:sqs:eu-west-1:111122223333:prod";
        let text = format!(r#"{{"Attributes": {{"QueueArn": "{arn}"{attributes}}}}}"#);
        read(&[("get-queue-attributes.json", &text)])
    };
    let part = answer("");
    assert!(open(&part, "").is_some(), "some of its attributes were asked for");
    let whole = answer(r#", "CreatedTimestamp": "1", "VisibilityTimeout": "30""#);
    assert_eq!(open(&whole, ""), None, "AWS says all that there is");
}

#[test]
fn a_value_that_is_unknown_may_have_members() {
    let inventory = read(&[("classes.yaml", &class("a", "prod").replace("tags: {", "tags: ${TAGS}\n  other: {"))]);
    let class = only(&inventory, CLASS);
    let cause = |pointer: &str| inventory.open(class, pointer).unwrap().map(|unknown| unknown.reason.cause);
    assert_eq!(cause("/spec/tags"), Some(Cause::Symbolic));
    assert_eq!((cause(""), cause("/spec"), cause("/spec/role"), cause("/spec/none")), (None, None, None, None));
}

#[test]
fn what_stands_in_files_is_in_their_scope() {
    let inventory = classes(&[("a", "prod")]);
    let scope = inventory.get(only(&inventory, CLASS), "@scope").unwrap();
    assert_eq!(scope, FieldValue::Json("[\"files\"]".into()));
}
