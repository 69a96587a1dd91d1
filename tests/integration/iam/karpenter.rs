//! Karpenter's own policies (tests/fixtures/karpenter/iam) against the requests that its controller makes.

use kubectl_karpcheck::iam::{
    Access, Context, Decision, Given, Identity, Policies, PolicyKind, Principal, Request, decide,
};
use kubectl_karpcheck::inventory::Text;
use serde_json::Value as Json;

use super::policy;

const V0_32: &str = include_str!("../../fixtures/karpenter/iam/rendered-v0.32.10.json");
const V0_37: &str = include_str!("../../fixtures/karpenter/iam/rendered-v0.37.8.json");
const V1_0: &str = include_str!("../../fixtures/karpenter/iam/rendered-v1.0.14.json");
const V1_14: &str = include_str!("../../fixtures/karpenter/iam/rendered-v1.14.1.json");

const CREATED: &[(&str, &str)] = &[
    ("instance", "RunInstances"),
    ("volume", "RunInstances"),
    ("network-interface", "RunInstances"),
    ("spot-instances-request", "RunInstances"),
    ("fleet", "CreateFleet"),
    ("launch-template", "CreateLaunchTemplate"),
];

fn tags(cluster: &str, v1: bool) -> Vec<(String, String)> {
    let mut tags = vec![
        (format!("kubernetes.io/cluster/{cluster}"), "owned".to_owned()),
        ("karpenter.sh/nodepool".into(), "default".into()),
        ("karpenter.k8s.aws/ec2nodeclass".into(), "default".into()),
    ];
    tags.push(if v1 {
        ("eks:eks-cluster-name".into(), cluster.into())
    } else {
        ("karpenter.sh/managed-by".into(), cluster.into())
    });
    tags
}

fn ask(document: &str, action: &str, resource: &str, keys: Vec<(String, Vec<String>)>) -> Decision {
    let json: Json = serde_json::from_str(document).expect("JSON");
    let mut policies = Policies::default();
    policies.identity.push(policy(&json, PolicyKind::Identity, "/PolicyDocument"));
    let mut context = Context::of_service(action.split(':').next().expect("a service"));
    for (key, values) in keys {
        context.set(key, Given::Values(values.into_iter().map(Text::from).collect()));
    }
    for family in ["aws:RequestTag/*", "aws:ResourceTag/*", "aws:TagKeys", "ec2:CreateAction"] {
        context.set_default(family, Given::Absent);
    }
    context.set("aws:RequestedRegion", Given::one("us-west-2"));
    let principal = Principal::Identity(Identity::new(Text::from("arn:aws:iam::111122223333:role/karpenter")));
    decide(&Request::new(principal, action, resource, context), &policies)
}

fn request_tags(tags: &[(String, String)]) -> Vec<(String, Vec<String>)> {
    let mut keys: Vec<(String, Vec<String>)> =
        tags.iter().map(|(key, value)| (format!("aws:RequestTag/{key}"), vec![value.clone()])).collect();
    keys.push(("aws:TagKeys".into(), tags.iter().map(|(key, _)| key.clone()).collect()));
    keys
}

fn resource_tags(tags: &[(String, String)]) -> Vec<(String, Vec<String>)> {
    tags.iter().map(|(key, value)| (format!("aws:ResourceTag/{key}"), vec![value.clone()])).collect()
}

fn at_launch(document: &str, kind: &str, create: &str, cluster: &str, v1: bool) -> Decision {
    let mut keys = request_tags(&tags(cluster, v1));
    keys.push(("ec2:CreateAction".into(), vec![create.into()]));
    ask(document, "ec2:CreateTags", &format!("arn:aws:ec2:us-west-2:111122223333:{kind}/x"), keys)
}

fn on_existing(document: &str, asked: &[(&str, &str)], owner: &str, v1: bool) -> Decision {
    let asked: Vec<(String, String)> = asked.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
    let mut keys = request_tags(&asked);
    keys.extend(resource_tags(&tags(owner, v1)));
    ask(document, "ec2:CreateTags", "arn:aws:ec2:us-west-2:111122223333:instance/i-1", keys)
}

#[test]
fn each_release_may_tag_what_it_creates() {
    for (document, v1) in [(V0_37, false), (V1_0, true), (V1_14, true)] {
        for (kind, create) in CREATED {
            let decision = at_launch(document, kind, create, "demo", v1);
            assert_eq!(decision.access, Access::Allowed, "{kind}: {}", decision.why);
        }
    }
}

#[test]
fn another_cluster_may_not_be_tagged_at_launch() {
    for (document, v1) in [(V0_37, false), (V1_0, true), (V1_14, true)] {
        for (kind, create) in CREATED {
            let decision = at_launch(document, kind, create, "prod", v1);
            assert_eq!(decision.access, Access::ImplicitDeny, "{kind}");
        }
    }
}

#[test]
fn v0_32_does_not_know_spot_requests() {
    let decision = at_launch(V0_32, "spot-instances-request", "RunInstances", "demo", false);
    assert_eq!(decision.access, Access::ImplicitDeny);
    assert!(decision.statements[0].pointer.ends_with("/Resource"), "{:?}", decision.statements);
    assert!(decision.why.contains("AllowScopedResourceCreationTagging"), "{}", decision.why);
    assert_eq!(at_launch(V0_32, "instance", "RunInstances", "demo", false).access, Access::Allowed);
}

#[test]
fn a_v1_policy_denies_an_older_controller() {
    for (kind, create) in CREATED {
        let decision = at_launch(V1_14, kind, create, "demo", false);
        assert_eq!(decision.access, Access::ImplicitDeny, "{kind}");
        assert!(decision.why.contains("the request has no aws:RequestTag/eks:eks-cluster-name"), "{}", decision.why);
        let place = &decision.statements[0].pointer;
        assert!(place.ends_with("/Condition/StringEquals/aws:RequestTag~1eks:eks-cluster-name"), "{place}");
    }
}

#[test]
fn existing_instances_may_be_named() {
    let asked = [("Name", "default/ip"), ("karpenter.sh/nodeclaim", "default-x")];
    for (document, v1) in [(V0_32, false), (V0_37, false), (V1_0, true), (V1_14, true)] {
        let decision = on_existing(document, &asked, "demo", v1);
        assert_eq!(decision.access, Access::Allowed, "{}", decision.why);
        assert_eq!(on_existing(document, &asked, "prod", v1).access, Access::ImplicitDeny);
    }
}

#[test]
fn a_beta_policy_denies_the_cluster_name_on_old_instances() {
    let asked = [("eks:eks-cluster-name", "demo")];
    let decision = on_existing(V0_37, &asked, "demo", false);
    assert_eq!(decision.access, Access::ImplicitDeny);
    assert!(decision.why.contains("aws:TagKeys has eks:eks-cluster-name, which is not among"), "{}", decision.why);
    let place = &decision.statements[0].pointer;
    assert!(place.ends_with("/Condition/ForAllValues:StringEquals/aws:TagKeys"), "{place}");
    assert_eq!(on_existing(V1_14, &asked, "demo", false).access, Access::Allowed);
}

#[test]
fn only_own_instances_may_be_terminated() {
    let instance = "arn:aws:ec2:us-west-2:111122223333:instance/i-1";
    for document in [V0_32, V0_37, V1_0, V1_14] {
        let ask = |keys| ask(document, "ec2:TerminateInstances", instance, keys).access;
        assert_eq!(ask(resource_tags(&tags("demo", true))), Access::Allowed);
        assert_eq!(ask(resource_tags(&tags("prod", true))), Access::ImplicitDeny);
        assert_eq!(ask(vec![]), Access::ImplicitDeny);
    }
}

#[test]
fn regions_and_other_actions_are_held_to_the_policy() {
    let allowed = |action, resource| ask(V1_14, action, resource, vec![]).access;
    assert_eq!(allowed("ec2:DescribeInstances", "*"), Access::Allowed);
    assert_eq!(allowed("iam:ListInstanceProfiles", "*"), Access::Allowed);
    assert_eq!(ask(V1_0, "iam:ListInstanceProfiles", "*", vec![]).access, Access::ImplicitDeny);
    assert_eq!(allowed("ec2:RunInstances", "arn:aws:ec2:us-west-2::image/ami-1"), Access::Allowed);
    assert_eq!(allowed("ec2:RunInstances", "arn:aws:ec2:us-east-1::image/ami-1"), Access::ImplicitDeny);
    assert_eq!(allowed("iam:CreateUser", "arn:aws:iam::111122223333:user/x"), Access::ImplicitDeny);
}

#[test]
fn no_official_policy_is_faulty() {
    for document in [V0_32, V0_37, V1_0, V1_14] {
        let json: Json = serde_json::from_str(document).expect("JSON");
        assert_eq!(kubectl_karpcheck::iam::validate(&super::node(&json), PolicyKind::Identity), []);
    }
}
