//! Which policies are taken for those of a controller whose role is not known.

use kubectl_karpcheck::iam::{Access, PrincipalSpec, Target};
use serde_json::{Value as Json, json};

use super::{InventoryFixture, QUEUE_ARN, allow, ask, id};

#[test]
fn a_controller_without_a_role_has_policies_by_resemblance() {
    let mut world = InventoryFixture::new();
    let launch = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["ec2:RunInstances", "ec2:CreateFleet"], "Resource": "arn:aws:ec2:us-west-2:*:fleet/*"}]});
    world
        .add(
            "Karpcheck::Controller",
            "karpenter",
            None,
            &json!({"Version": "1.14.1", "Role": {"unknown": "nobody said"}}),
        )
        .add(
            "AWS::IAM::ManagedPolicy",
            "KarpenterControllerNodeLifecyclePolicy",
            None,
            &json!({"PolicyDocument": launch}),
        )
        .add(
            "AWS::IAM::ManagedPolicy",
            "KarpenterControllerInterruptionPolicy",
            None,
            &json!({"PolicyDocument": allow("sqs:ReceiveMessage", QUEUE_ARN)}),
        )
        .add("AWS::IAM::ManagedPolicy", "billing", None, &json!({"PolicyDocument": allow("s3:*", "*")}));
    let inventory = world.build();
    let controller = id(&inventory, "karpenter");
    let access = |action: &str, arn: &str| {
        ask(&inventory, PrincipalSpec::Item(controller), action, Target::Arn(arn.into()), &[]).access
    };
    // Region and account are left to the host: the policies agree on a region, and the account matches any.
    assert_eq!(access("ec2:CreateFleet", "arn::ec2:::fleet/x"), Access::Allowed);
    assert_eq!(access("ec2:CreateFleet", "arn:aws:ec2:eu-west-1:111122223333:fleet/x"), Access::ImplicitDeny);
    assert_eq!(access("sqs:ReceiveMessage", QUEUE_ARN), Access::Allowed);
    assert_eq!(access("s3:GetObject", "*"), Access::ImplicitDeny);
    // A policy alone is all that its holder has.
    let policy = id(&inventory, "KarpenterControllerInterruptionPolicy");
    let alone =
        |action: &str| ask(&inventory, PrincipalSpec::Item(policy), action, Target::Arn("*".into()), &[]).access;
    assert_eq!(alone("ec2:CreateFleet"), Access::ImplicitDeny);
}

#[test]
fn a_controllers_policy_is_known_by_name_or_by_actions() {
    let launch = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["ec2:RunInstances", "ec2:CreateFleet"], "Resource": "*"}]});
    let access = |policy: &Json| {
        let mut world = InventoryFixture::new();
        world
            .add("Karpcheck::Controller", "karpenter", None, &json!({"Role": {"unknown": "nobody said"}}))
            .add("AWS::IAM::ManagedPolicy", "NodeLifecyclePolicy", None, &json!({"PolicyDocument": launch}))
            .add("AWS::IAM::ManagedPolicy", "InterruptionPolicy", None, policy);
        let inventory = world.build();
        let controller = PrincipalSpec::Item(id(&inventory, "karpenter"));
        ask(&inventory, controller, "sqs:GetQueueUrl", Target::Arn(QUEUE_ARN.into()), &[]).access
    };
    let named = json!({"ManagedPolicyName": "KarpenterControllerInterruptionPolicy-demo", "PolicyDocument": allow("sqs:GetQueueUrl", QUEUE_ARN)});
    assert_eq!(access(&named), Access::Allowed);
    let reads = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["sqs:GetQueueUrl", "sqs:ReceiveMessage"], "Resource": QUEUE_ARN}]});
    assert_eq!(access(&json!({"PolicyDocument": reads})), Access::Allowed);
    let anothers = json!({"PolicyDocument": reads, "Roles": ["arn:aws:iam::111122223333:role/orders"]});
    assert_eq!(access(&anothers), Access::ImplicitDeny);
}

#[test]
fn a_part_of_a_controllers_policy_leaves_a_denial_open() {
    let mut world = InventoryFixture::new();
    world.add("Karpcheck::Controller", "karpenter", None, &json!({"Role": {"unknown": "nobody said"}})).add(
        "AWS::IAM::ManagedPolicy",
        "tagging",
        None,
        &json!({"PolicyDocument": allow("ec2:CreateTags", "arn:aws:ec2:*:*:instance/*")}),
    );
    let inventory = world.build();
    let controller = id(&inventory, "karpenter");
    let access = |arn: &str| {
        ask(&inventory, PrincipalSpec::Item(controller), "ec2:CreateTags", Target::Arn(arn.into()), &[]).access
    };
    assert_eq!(access("arn::ec2:::instance/x"), Access::Allowed);
    assert_eq!(access("arn::ec2:::volume/x"), Access::Unknown);
}

#[test]
fn what_others_do_too_makes_no_controllers_policy() {
    let access = |actions: &Json| {
        let mut world = InventoryFixture::new();
        let policy =
            json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]});
        world.add("Karpcheck::Controller", "karpenter", None, &json!({"Role": {"unknown": "nobody said"}})).add(
            "AWS::IAM::ManagedPolicy",
            "volumes",
            None,
            &json!({"PolicyDocument": policy}),
        );
        let inventory = world.build();
        let controller = id(&inventory, "karpenter");
        ask(
            &inventory,
            PrincipalSpec::Item(controller),
            "ec2:CreateTags",
            Target::Arn("arn::ec2:::instance/x".into()),
            &[],
        )
        .access
    };
    assert_eq!(access(&json!(["ec2:CreateTags", "ec2:CreateFleet", "ec2:RunInstances"])), Access::Allowed);
    for others in [
        // Velero, the EBS CSI driver, Machine API.
        json!(["ec2:CreateTags", "ec2:CreateSnapshot", "ec2:DescribeVolumes"]),
        json!(["ec2:CreateTags", "ec2:AttachVolume", "ec2:CreateVolume"]),
        json!(["ec2:CreateTags", "ec2:RunInstances", "ec2:TerminateInstances", "ec2:DescribeVpcs"]),
        // An image builder launches fleets, too.
        json!(["ec2:CreateTags", "ec2:CreateFleet", "ec2:RunInstances", "ec2:CreateImage"]),
        json!(["*"]),
    ] {
        assert_eq!(access(&others), Access::Unknown, "{others}");
    }
}
