//! Questions over an inventory: whose policies count, and what the host adds to a request.

mod controllers;

use kubectl_karpcheck::iam::{Access, Decision, Evaluator, Operand, PrincipalSpec, RequestSpec, Target};
use kubectl_karpcheck::inventory::arn::unstated;
use kubectl_karpcheck::inventory::{
    Address, At, AwsFacts, Builder, Draft, Gap, Inventory, ItemId, Logical, Node, Origin, Part, SourceKind, Stated,
    Symbol, SymbolScope, Text, Value,
};
use kubectl_karpcheck::karpenter;
use serde_json::{Value as Json, json};

use super::node;

const ROLE_ARN: &str = "arn:aws:iam::111122223333:role/karpenter";
const QUEUE_ARN: &str = "arn:aws:sqs:us-west-2:111122223333:demo";
const KEY_ARN: &str = "arn:aws:kms:us-west-2:111122223333:key/k";

struct InventoryFixture {
    builder: Builder,
}

impl InventoryFixture {
    fn new() -> Self {
        Self { builder: Builder::new(Stated::default()) }
    }

    fn add(&mut self, kind: &str, name: &str, arn: Option<&str>, body: &Json) -> &mut Self {
        self.add_as(kind, name, arn, body, SourceKind::Template)
    }

    fn add_as(&mut self, kind: &str, name: &str, arn: Option<&str>, body: &Json, source: SourceKind) -> &mut Self {
        let doc = self.builder.document(Origin::File("test.yaml".into()));
        let at = At::whole(doc);
        let mut draft = Draft::new(kind, name, node(body), source);
        if kind.starts_with("AWS::") {
            let logical = vec![Logical { scope: SymbolScope::Template(1), id: name.into() }];
            let arn = arn.map(|arn| Node::text(super::text(arn), at));
            draft.aws = Some(Box::new(AwsFacts { arn, logical, ..AwsFacts::default() }));
        }
        self.builder.add(draft);
        self
    }

    fn build(self) -> Inventory {
        karpenter::inventory(self.builder)
    }
}

fn id(inventory: &Inventory, name: &str) -> ItemId {
    inventory.items().find(|(_, item)| &*item.name == name).map(|(id, _)| id).expect("an item")
}

fn ask(
    inventory: &Inventory,
    principal: PrincipalSpec,
    action: &str,
    target: Target,
    context: &[(&str, &str)],
) -> Decision {
    let context = context.iter().map(|(key, value)| ((*key).to_owned(), Operand::Text((*value).to_owned()))).collect();
    let question = RequestSpec { principal, action: action.into(), target, context, fields: vec![] };
    Evaluator::new(inventory.first()).decide(&question)
}

fn allow(action: &str, resource: &str) -> Json {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": resource}]})
}

fn role(extra: Json) -> Json {
    let mut role = json!({"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}});
    role.as_object_mut().expect("an object").extend(extra.as_object().expect("an object").clone());
    role
}

fn key_for_account() -> Json {
    json!({"KeyPolicy": {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "kms:*", "Resource": "*"}]}})
}

fn service(name: &str) -> PrincipalSpec {
    PrincipalSpec::Service(name.into())
}

#[test]
fn inline_managed_and_attached_policies_count() {
    let mut world = InventoryFixture::new();
    world
        .add(
            "AWS::IAM::Role",
            "karpenter",
            Some(ROLE_ARN),
            &role(json!({
                "Policies": [{"PolicyName": "own", "PolicyDocument": allow("ec2:RunInstances", "*")}],
                "ManagedPolicyArns": ["arn:aws:iam::111122223333:policy/given"]
            })),
        )
        .add(
            "AWS::IAM::ManagedPolicy",
            "given",
            Some("arn:aws:iam::111122223333:policy/given"),
            &json!({"PolicyDocument": allow("sqs:*", "*")}),
        )
        .add(
            "AWS::IAM::Policy",
            "side",
            None,
            &json!({"PolicyDocument": allow("iam:PassRole", "*"), "Roles": [ROLE_ARN]}),
        )
        .add("AWS::IAM::ManagedPolicy", "unrelated", None, &json!({"PolicyDocument": allow("s3:*", "*")}));
    let inventory = world.build();
    let role = id(&inventory, "karpenter");
    let access = |action: &str| ask(&inventory, PrincipalSpec::Item(role), action, Target::Arn("*".into()), &[]).access;
    for action in ["ec2:RunInstances", "sqs:ReceiveMessage", "iam:PassRole"] {
        assert_eq!(access(action), Access::Allowed, "{action}");
    }
    assert_eq!(access("s3:GetObject"), Access::ImplicitDeny);
    let decision = ask(&inventory, PrincipalSpec::Item(role), "ec2:RunInstances", Target::Arn("*".into()), &[]);
    assert_eq!(decision.statements[0].pointer, "/Policies/0/PolicyDocument/Statement/0");
    assert!(decision.notes.iter().any(|note| note.contains("organisation")), "{:?}", decision.notes);
}

#[test]
fn an_attached_policy_that_was_not_given_leaves_a_denial_open() {
    let mut world = InventoryFixture::new();
    world.add(
        "AWS::IAM::Role",
        "karpenter",
        Some(ROLE_ARN),
        &role(json!({
            "Policies": [{"PolicyName": "own", "PolicyDocument": allow("ec2:RunInstances", "*")}],
            "ManagedPolicyArns": ["arn:aws:iam::111122223333:policy/elsewhere"]
        })),
    );
    let inventory = world.build();
    let role = id(&inventory, "karpenter");
    let decision = |action: &str| ask(&inventory, PrincipalSpec::Item(role), action, Target::Arn("*".into()), &[]);
    assert_eq!(decision("ec2:RunInstances").access, Access::Allowed);
    let open = decision("sqs:ReceiveMessage");
    assert_eq!(open.access, Access::Unknown);
    let unknown = open.unknown.expect("a reason");
    assert_eq!(unknown.reason.cause.as_str(), "not-provided");
    assert_eq!(unknown.place.expect("a place").1, "/ManagedPolicyArns/0");
}

#[test]
fn known_policies_of_aws_count_and_others_leave_a_denial_open() {
    let with = |policy: &str| {
        let mut world = InventoryFixture::new();
        let arn = format!("arn:aws:iam::aws:policy/{policy}");
        world.add("AWS::IAM::Role", "karpenter", Some(ROLE_ARN), &role(json!({"ManagedPolicyArns": [arn]})));
        world.build()
    };
    let access = |policy: &str, action: &str| {
        let inventory = with(policy);
        ask(&inventory, PrincipalSpec::Item(id(&inventory, "karpenter")), action, Target::Arn("*".into()), &[]).access
    };
    assert_eq!(access("AdministratorAccess", "kms:ListKeys"), Access::Allowed);
    assert_eq!(access("AmazonSQSFullAccess", "sqs:DeleteMessage"), Access::Allowed);
    assert_eq!(access("AmazonSQSFullAccess", "ec2:RunInstances"), Access::ImplicitDeny);
    assert_eq!(access("AmazonEKSWorkerNodePolicy", "ec2:DescribeInstances"), Access::Unknown);
    assert_eq!(access("AmazonEKSWorkerNodePolicy", "sqs:DeleteMessage"), Access::ImplicitDeny);
    assert_eq!(access("SomethingNew", "sqs:DeleteMessage"), Access::Unknown);
}

#[test]
fn a_key_needs_its_own_policy() {
    let mut world = InventoryFixture::new();
    world
        .add("AWS::IAM::Role", "karpenter", Some(ROLE_ARN), &role(json!({
            "Policies": [{"PolicyName": "own", "PolicyDocument": allow("kms:Decrypt", KEY_ARN)}]})))
        .add("AWS::KMS::Key", "account", Some(KEY_ARN), &key_for_account())
        .add("AWS::KMS::Key", "default", Some(&KEY_ARN.replace("key/k", "key/d")), &json!({}))
        .add("AWS::KMS::Key", "closed", Some(&KEY_ARN.replace("key/k", "key/c")), &json!({"KeyPolicy": {"Statement": [
            {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:role/other"}, "Action": "kms:*", "Resource": "*"}]}}))
        .add_as("AWS::KMS::Key", "observed", Some(&KEY_ARN.replace("key/k", "key/o")), &json!({}), SourceKind::Aws);
    let inventory = world.build();
    let role = id(&inventory, "karpenter");
    let decision =
        |key: &str| ask(&inventory, PrincipalSpec::Item(role), "kms:Decrypt", Target::Item(id(&inventory, key)), &[]);
    assert_eq!(decision("account").access, Access::Allowed);
    assert_eq!(decision("default").access, Access::ImplicitDeny, "the role's policy names another key");
    let closed = decision("closed");
    assert_eq!(closed.access, Access::ImplicitDeny);
    assert_eq!(closed.statements[0].pointer, "/KeyPolicy/Statement/0/Principal");
    assert_eq!(decision("observed").access, Access::Unknown);
    // The default policy lets the account alone, so a service never.
    let events = |key: &str| {
        ask(&inventory, service("events.amazonaws.com"), "kms:Decrypt", Target::Item(id(&inventory, key)), &[]).access
    };
    assert_eq!(events("default"), Access::ImplicitDeny);
    assert_eq!(events("observed"), Access::Unknown);
    // A target given by ARN is the same key.
    let by_arn = ask(&inventory, PrincipalSpec::Item(role), "kms:Decrypt", Target::Arn(KEY_ARN.into()), &[]);
    assert_eq!(by_arn.access, Access::Allowed);
}

#[test]
fn a_key_without_an_arn_is_still_a_key_of_its_account() {
    let access = |resource: &str| {
        let mut world = InventoryFixture::new();
        world
            .add(
                "AWS::IAM::Role",
                "karpenter",
                Some(ROLE_ARN),
                &role(json!({"Policies": [{"PolicyName": "own", "PolicyDocument": allow("kms:Decrypt", resource)}]})),
            )
            .add("AWS::KMS::Key", "key", None, &key_for_account());
        let inventory = world.build();
        let (role, key) = (id(&inventory, "karpenter"), id(&inventory, "key"));
        ask(&inventory, PrincipalSpec::Item(role), "kms:Decrypt", Target::Item(key), &[]).access
    };
    assert_eq!(access("arn:aws:kms:*:111122223333:key/*"), Access::Allowed);
    assert_eq!(access(KEY_ARN), Access::Unknown);
    assert_eq!(access("arn:aws:kms:*:111122223333:alias/*"), Access::ImplicitDeny);
    assert_eq!(access(QUEUE_ARN), Access::ImplicitDeny);
}

#[test]
fn a_service_control_policy_denies_and_need_not_allow() {
    let scp = |targets: Json, statements: Json| {
        json!({"Name": "fence", "Type": "SERVICE_CONTROL_POLICY", "TargetIds": targets,
               "Content": {"Version": "2012-10-17", "Statement": statements}})
    };
    let deny = json!([{"Effect": "Deny", "Action": "ec2:RunInstances", "Resource": "*"}]);
    let access = |scp: Option<Json>| {
        let mut world = InventoryFixture::new();
        let own = json!({"Policies": [{"PolicyName": "own", "PolicyDocument": allow("ec2:*", "*")}]});
        world.add("AWS::IAM::Role", "karpenter", Some(ROLE_ARN), &role(own));
        if let Some(scp) = scp {
            world.add("AWS::Organizations::Policy", "fence", None, &scp);
        }
        let inventory = world.build();
        let role = id(&inventory, "karpenter");
        ask(&inventory, PrincipalSpec::Item(role), "ec2:RunInstances", Target::Arn("*".into()), &[]).access
    };
    assert_eq!(access(None), Access::Allowed);
    for own in ["r-abcd", "111122223333"] {
        assert_eq!(access(Some(scp(json!([own]), deny.clone()))), Access::ExplicitDeny, "{own}");
    }
    assert_eq!(access(Some(scp(json!(["ou-abcd-12345678"]), deny.clone()))), Access::Unknown);
    assert_eq!(access(Some(scp(json!(["444455556666"]), deny.clone()))), Access::Allowed);
    let mut backup = scp(json!(["r-abcd"]), deny);
    backup["Type"] = json!("BACKUP_POLICY");
    assert_eq!(access(Some(backup)), Access::Allowed);
    let spared = json!([{"Effect": "Deny", "Action": "ec2:*", "Resource": "*",
        "Condition": {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/karpenter*"}}}]);
    assert_eq!(access(Some(scp(json!(["r-abcd"]), spared))), Access::Allowed);
    // It allows another service only: AWS's own FullAWSAccess stands beside it.
    let other = json!([{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]);
    assert_eq!(access(Some(scp(json!(["r-abcd"]), other))), Access::Allowed);
}

#[test]
fn eventbridge_is_judged_by_the_queue_alone() {
    let mut world = InventoryFixture::new();
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": ["events.amazonaws.com", "sqs.amazonaws.com"]}, "Action": "sqs:SendMessage", "Resource": QUEUE_ARN},
        {"Sid": "DenyHTTP", "Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": QUEUE_ARN,
         "Condition": {"Bool": {"aws:SecureTransport": false}}}]});
    let organisation = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"},
        {"Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": "*",
         "Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}}]});
    world
        .add("AWS::SQS::Queue", "official", Some(QUEUE_ARN), &json!({"Policy": policy}))
        .add(
            "AWS::SQS::Queue",
            "organisation",
            Some("arn:aws:sqs:us-west-2:111122223333:o"),
            &json!({"Policy": organisation}),
        )
        .add("AWS::SQS::Queue", "bare", Some("arn:aws:sqs:us-west-2:111122223333:b"), &json!({}));
    let inventory = world.build();
    let decision = |queue: &str, who: PrincipalSpec| {
        ask(&inventory, who, "sqs:SendMessage", Target::Item(id(&inventory, queue)), &[])
    };
    let events = || service("events.amazonaws.com");
    assert_eq!(decision("official", events()).access, Access::Allowed);
    assert_eq!(decision("official", service("events.amazonaws.com.cn")).access, Access::ImplicitDeny);
    assert_eq!(decision("official", PrincipalSpec::Anyone).access, Access::ImplicitDeny);
    assert_eq!(decision("organisation", events()).access, Access::ExplicitDeny);
    assert_eq!(decision("bare", events()).access, Access::ImplicitDeny);
}

#[test]
fn conditions_of_the_account_close_a_policy_to_the_public() {
    let mut world = InventoryFixture::new();
    let open = |condition: Json| {
        json!({"KeyPolicy": {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "kms:Decrypt", "Resource": "*", "Condition": condition}]}})
    };
    world
        .add(
            "AWS::KMS::Key",
            "ebs",
            Some(KEY_ARN),
            &open(json!({"StringEquals": {
            "kms:ViaService": "ec2.us-west-2.amazonaws.com", "kms:CallerAccount": "111122223333"}})),
        )
        .add("AWS::KMS::Key", "public", Some(&KEY_ARN.replace("key/k", "key/p")), &open(json!({})))
        .add("AWS::IAM::Role", "karpenter", Some(ROLE_ARN), &role(json!({})));
    let inventory = world.build();
    let decrypt = |who: PrincipalSpec, key: &str, via: &[(&str, &str)]| {
        ask(&inventory, who, "kms:Decrypt", Target::Item(id(&inventory, key)), via).access
    };
    let via: &[(&str, &str)] = &[("kms:ViaService", "ec2.us-west-2.amazonaws.com")];
    assert_eq!(decrypt(PrincipalSpec::Anyone, "ebs", via), Access::ImplicitDeny);
    assert_eq!(decrypt(PrincipalSpec::Anyone, "public", &[]), Access::Allowed);
    let role = id(&inventory, "karpenter");
    assert_eq!(decrypt(PrincipalSpec::Item(role), "ebs", via), Access::Allowed, "the caller's account is the role's");
    assert_eq!(decrypt(PrincipalSpec::Item(role), "ebs", &[]), Access::Unknown, "by which service is not said");
}

#[test]
fn a_boundary_limits_and_an_unseen_one_leaves_it_open() {
    let boundary = |arn: &str| {
        let mut world = InventoryFixture::new();
        world
            .add(
                "AWS::IAM::Role",
                "karpenter",
                Some(ROLE_ARN),
                &role(json!({
                "Policies": [{"PolicyName": "own", "PolicyDocument": allow("*", "*")}], "PermissionsBoundary": arn})),
            )
            .add(
                "AWS::IAM::ManagedPolicy",
                "limit",
                Some("arn:aws:iam::111122223333:policy/limit"),
                &json!({"PolicyDocument": allow("ec2:*", "*")}),
            );
        world.build()
    };
    let access = |arn: &str, action: &str| {
        let inventory = boundary(arn);
        ask(&inventory, PrincipalSpec::Item(id(&inventory, "karpenter")), action, Target::Arn("*".into()), &[]).access
    };
    assert_eq!(access("arn:aws:iam::111122223333:policy/limit", "ec2:RunInstances"), Access::Allowed);
    assert_eq!(access("arn:aws:iam::111122223333:policy/limit", "sqs:ReceiveMessage"), Access::ImplicitDeny);
    assert_eq!(access("arn:aws:iam::111122223333:policy/elsewhere", "ec2:RunInstances"), Access::Unknown);
    assert_eq!(access("arn:aws:iam::aws:policy/AdministratorAccess", "ec2:RunInstances"), Access::Allowed);
}

#[test]
fn a_symbolic_cluster_name_meets_itself_in_a_key() {
    let mut world = InventoryFixture::new();
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ec2:CreateTags", "Resource": "*",
        "Condition": {"StringEquals": {"aws:RequestTag/kubernetes.io/cluster/<Cluster>": "owned"}}}]});
    world
        .add("AWS::IAM::ManagedPolicy", "policy", None, &json!({"PolicyDocument": policy}))
        .add("Karpcheck::Controller", "own", None, &json!({"ClusterName": "<Cluster>"}))
        .add("Karpcheck::Controller", "other", None, &json!({"ClusterName": "prod"}));
    let inventory = world.build();
    let ask = |controller: &str| {
        let question = RequestSpec {
            principal: PrincipalSpec::Item(id(&inventory, "policy")),
            action: "ec2:CreateTags".into(),
            target: Target::Arn("arn::ec2:::instance/x".into()),
            context: vec![
                ("aws:RequestTag/kubernetes.io/cluster/{0}".into(), Operand::Text("owned".into())),
                ("aws:RequestTag/*".into(), Operand::Absent),
            ],
            fields: vec![(id(&inventory, controller), "/ClusterName".into())],
        };
        Evaluator::new(inventory.first()).decide(&question)
    };
    assert_eq!(ask("own").access, Access::Allowed);
    let other = ask("other");
    assert_eq!(other.access, Access::Unknown);
    assert_eq!(other.unknown.expect("a reason").reason.cause.as_str(), "symbolic");
}

#[test]
fn references_by_address_and_pseudo_parameters_are_resolved() {
    let mut world = InventoryFixture::new();
    let reference = Text::symbol(Symbol::new("${Queue.Arn}", SymbolScope::Template(1), Gap::said("an attribute")))
        .referring(Address { scope: SymbolScope::Template(1), id: "Queue".into(), attribute: "Arn".into() });
    let at = At::default();
    let mut statement = node(&json!({"Effect": "Allow", "Action": "sqs:*"}));
    let region = Text::from_parts(["arn:aws:ec2:", ":*:fleet/*"].iter().enumerate().flat_map(|(index, known)| {
        let hole = (index == 0).then(|| unstated("${AWS::Region}").into_parts());
        std::iter::once(Part::Known((*known).into())).chain(hole.into_iter().flatten())
    }));
    let mut fleets = node(&json!({"Effect": "Allow", "Action": "ec2:*"}));
    for (target, resource) in [(&mut statement, reference), (&mut fleets, region)] {
        if let Value::Map(map) = &mut target.value {
            map.set("Resource", Node::text(resource, at));
        }
    }
    let mut document = node(&json!({"Version": "2012-10-17"}));
    if let Value::Map(map) = &mut document.value {
        map.set("Statement", Node::new(Value::List([statement, fleets].into_iter().collect()), at));
    }
    world.add("AWS::SQS::Queue", "Queue", Some(QUEUE_ARN), &json!({}));
    world.add("AWS::SQS::Queue", "Other", Some("arn:aws:sqs:us-west-2:111122223333:other"), &json!({}));
    let mut body = node(&json!({}));
    if let Value::Map(map) = &mut body.value {
        map.set("PolicyDocument", document);
    }
    let mut draft = Draft::new("AWS::IAM::ManagedPolicy", "policy", body, SourceKind::Template);
    draft.aws = Some(Box::new(AwsFacts { region: Some(Node::text("us-west-2", at)), ..AwsFacts::default() }));
    world.builder.add(draft);
    let inventory = world.build();
    let access = |action: &str, target: Target| {
        ask(&inventory, PrincipalSpec::Item(id(&inventory, "policy")), action, target, &[]).access
    };
    assert_eq!(access("sqs:ReceiveMessage", Target::Item(id(&inventory, "Queue"))), Access::Allowed);
    assert_ne!(access("sqs:ReceiveMessage", Target::Item(id(&inventory, "Other"))), Access::Allowed);
    let fleet = |region: &str| Target::Arn(format!("arn:aws:ec2:{region}:111122223333:fleet/x"));
    assert_eq!(access("ec2:CreateFleet", fleet("us-west-2")), Access::Allowed);
    assert_eq!(access("ec2:CreateFleet", fleet("eu-west-1")), Access::ImplicitDeny);
}

#[test]
fn the_spot_services_role_needs_the_key_to_let_it() {
    let spot =
        || PrincipalSpec::Arn("arn::iam:::role/aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot".into());
    let mut world = InventoryFixture::new();
    let grants = json!([{"GranteePrincipal": "arn:aws:iam::111122223333:role/aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot",
        "Operations": ["Decrypt", "CreateGrant"]}]);
    let mut granted = key_for_account();
    granted["Grants"] = grants;
    world.add("AWS::KMS::Key", "account", Some(KEY_ARN), &key_for_account()).add(
        "AWS::KMS::Key",
        "granted",
        Some(&KEY_ARN.replace("key/k", "key/g")),
        &granted,
    );
    let inventory = world.build();
    let access = |key: &str, who: PrincipalSpec| {
        ask(&inventory, who, "kms:Decrypt", Target::Item(id(&inventory, key)), &[]).access
    };
    assert_eq!(
        access("account", spot()),
        Access::ImplicitDeny,
        "the account lets it, but its own policy says nothing of keys"
    );
    assert_eq!(access("granted", spot()), Access::Allowed);
    assert_eq!(access("account", PrincipalSpec::Arn("arn::iam:::role/somebody".into())), Access::Unknown);
}

#[test]
fn what_a_template_is_put_together_to_is_bounded() {
    let mut world = InventoryFixture::new();
    let long = "x".repeat(10_000);
    world
        .add(
            "AWS::IAM::Role",
            "karpenter",
            Some(ROLE_ARN),
            &role(json!({"Policies": [{"PolicyName": "own", "PolicyDocument": {"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Action": "sqs:*", "Resource": "*",
                 "Condition": {"StringEquals": {"aws:RequestTag/team": "a"}}}]}}]})),
        )
        .add("AWS::SQS::Queue", "long", Some(QUEUE_ARN), &json!({"QueueName": long}));
    let inventory = world.build();
    let queue = id(&inventory, "long");
    let ask = |context: Vec<(String, Operand)>| {
        let question = RequestSpec {
            principal: PrincipalSpec::Item(id(&inventory, "karpenter")),
            action: "sqs:SendMessage".into(),
            target: Target::Item(queue),
            context,
            fields: vec![(queue, "/QueueName".into())],
        };
        Evaluator::new(inventory.first()).decide(&question)
    };
    // A value that is longer than any of AWS's is no value that could be compared.
    let often = "{0}".repeat(1300);
    let decision = ask(vec![("aws:RequestTag/team".into(), Operand::Template(often.clone()))]);
    assert_eq!(decision.access, Access::Unknown);
    assert!(decision.why.contains("more than 4096 bytes"), "{}", decision.why);
    // Keys, too: such a one may be any.
    let keys = (0..200).map(|number| (format!("aws:RequestTag/{number}{often}"), Operand::Text("a".into())));
    assert_eq!(ask(keys.collect()).access, Access::Unknown);
}

#[test]
fn statements_are_met_in_their_order_whatever_names_their_actions() {
    let decide = |action: &str| {
        let mut world = InventoryFixture::new();
        let statement =
            |sid: &str, action: Json| json!({"Sid": sid, "Effect": "Allow", "Action": action, "Resource": "*"});
        let statements = json!([
            statement("Stars", json!("ec2:*Tags")),
            statement("Plain", json!(["ec2:CreateTags", "ec2:DeleteTags"])),
            statement("Twice", json!(["ec2:createtags", "EC2:CreateTags"])),
            {"Sid": "Not", "Effect": "Allow", "NotAction": "ec2:*", "Resource": "*"},
            statement("All", json!("*")),
            {"Sid": "Never", "Effect": "Deny", "Action": ["sqs:DeleteQueue"], "Resource": "*"},
        ]);
        let document = json!({"Version": "2012-10-17", "Statement": statements});
        let own = role(json!({"Policies": [{"PolicyName": "own", "PolicyDocument": document}]}));
        world.add("AWS::IAM::Role", "karpenter", Some(ROLE_ARN), &own);
        let inventory = world.build();
        ask(&inventory, PrincipalSpec::Item(id(&inventory, "karpenter")), action, Target::Arn("*".into()), &[])
    };
    for (action, access, by) in [
        ("ec2:CreateTags", Access::Allowed, "Stars"),
        ("EC2:deleteTAGS", Access::Allowed, "Stars"),
        ("ec2:RunInstances", Access::Allowed, "All"),
        ("sqs:SendMessage", Access::Allowed, "Not"),
        ("sqs:DeleteQueue", Access::ExplicitDeny, "Never"),
    ] {
        let decision = decide(action);
        assert_eq!(decision.access, access, "{action}");
        assert!(decision.why.contains(&format!("statement {by} of")), "{action}: {}", decision.why);
    }
}
