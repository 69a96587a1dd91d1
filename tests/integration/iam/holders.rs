//! Whose a policy is, whatever source says so: inline policies as resources of their own, groups, exclusive lists, policies of
//! the organisation; and what follows from sessions and their tags.

use kubectl_karpcheck::iam::{Access, Decision, Evaluator, Operand, PrincipalSpec, RequestSpec, Target};
use kubectl_karpcheck::inventory::{Builder, Inventory, Stated};
use kubectl_karpcheck::schema::kinds::GatherScope;
use kubectl_karpcheck::{karpenter, sources};
use serde_json::{Value as Json, json};

const ROLE: &str = "arn:aws:iam::111122223333:role/karpenter";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/karpenter/1731429849551905269";
const USER: &str = "arn:aws:iam::111122223333:user/ci";
const QUEUE: &str = "arn:aws:sqs:eu-west-1:111122223333:demo";

/// Reads files as `-f` does, for one account and region.
fn read(files: &[(&str, &str)]) -> Inventory {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let kinds = ["AWS::IAM::Role", "AWS::IAM::User", "AWS::SQS::Queue", "AWS::KMS::Key", "Karpcheck::Controller"];
    let plan = GatherScope::new(kinds.iter().map(|kind| (*kind, false)));
    let mut builder = Builder::new(Stated {
        account: Some("111122223333".into()),
        region: Some("eu-west-1".into()),
        ..Stated::default()
    });
    let paths = [folder.path().to_owned()];
    sources::files(
        sources::Named { paths: &paths, ..sources::Named::default() },
        &plan,
        &mut builder,
        &mut std::io::empty(),
    );
    karpenter::inventory(builder)
}

/// A template of these resources.
fn template(resources: &Json) -> Inventory {
    let text = json!({"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}).to_string();
    read(&[("template.json", &text)])
}

fn terraform(text: &str) -> Inventory {
    read(&[("main.tf", text)])
}

fn ask_with(inventory: &Inventory, who: &str, action: &str, resource: &str, context: &[(&str, &str)]) -> Decision {
    let question = RequestSpec {
        principal: if who.contains(".amazonaws.com") {
            PrincipalSpec::Service(who.into())
        } else {
            PrincipalSpec::Arn(who.into())
        },
        action: action.into(),
        target: Target::Arn(resource.into()),
        context: context.iter().map(|(key, value)| ((*key).into(), Operand::Text((*value).into()))).collect(),
        fields: vec![],
    };
    Evaluator::new(inventory.first()).decide(&question)
}

fn ask(inventory: &Inventory, who: &str, action: &str, resource: &str) -> Access {
    ask_with(inventory, who, action, resource, &[]).access
}

fn document(effect: &str, action: &str) -> Json {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": effect, "Action": action, "Resource": "*"}]})
}

fn of_queue(effect: &str, principal: &Json) -> Json {
    json!({"Version": "2012-10-17", "Statement": [
        {"Effect": effect, "Principal": principal, "Action": "sqs:*", "Resource": "*"}]})
}

fn role(extra: &Json) -> Json {
    let mut properties = json!({"RoleName": "karpenter",
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}});
    properties.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    json!({"Type": "AWS::IAM::Role", "Properties": properties})
}

fn allowed(action: &str) -> Json {
    json!({"Policies": [{"PolicyName": "p", "PolicyDocument": document("Allow", action)}]})
}

#[test]
fn inline_policies_that_are_resources_of_their_own_belong_to_role_user_and_group() {
    let single = |of: &str, property: &str, logical: &str| {
        json!({"Type": format!("AWS::IAM::{of}Policy"), "Properties": {"PolicyName": "p",
            property: {"Ref": logical}, "PolicyDocument": document("Allow", "sqs:*")}})
    };
    let inventory = template(&json!({"R": role(&json!({})), "P": single("Role", "RoleName", "R")}));
    assert_eq!(ask(&inventory, ROLE, "sqs:SendMessage", QUEUE), Access::Allowed);
    let user = json!({"Type": "AWS::IAM::User", "Properties": {"UserName": "ci"}});
    let inventory = template(&json!({"U": user, "P": single("User", "UserName", "U")}));
    assert_eq!(ask(&inventory, USER, "sqs:SendMessage", QUEUE), Access::Allowed);
    assert_eq!(ask(&inventory, USER, "sns:Publish", "*"), Access::ImplicitDeny);
    let group = json!({"Type": "AWS::IAM::Group", "Properties": {"GroupName": "ops"}});
    let member = json!({"Type": "AWS::IAM::User", "Properties": {"UserName": "ci", "Groups": [{"Ref": "G"}]}});
    let inventory = template(&json!({"U": member, "G": group.clone(), "P": single("Group", "GroupName", "G")}));
    assert_eq!(ask(&inventory, USER, "sqs:SendMessage", QUEUE), Access::Allowed);
    assert_eq!(ask(&inventory, USER, "sns:Publish", "*"), Access::ImplicitDeny);
    // A group that was not given may allow anything.
    let member = json!({"Type": "AWS::IAM::User", "Properties": {"UserName": "ci", "Groups": ["elsewhere"]}});
    assert_eq!(ask(&template(&json!({"U": member})), USER, "sns:Publish", "*"), Access::Unknown);
    let addition = json!({"Type": "AWS::IAM::UserToGroupAddition", "Properties": {"GroupName": {"Ref": "G"}, "Users": [{"Ref": "U"}]}});
    let user = json!({"Type": "AWS::IAM::User", "Properties": {"UserName": "ci"}});
    let inventory = template(&json!({"U": user, "G": group, "A": addition, "P": single("Group", "GroupName", "G")}));
    assert_eq!(ask(&inventory, USER, "sqs:SendMessage", QUEUE), Access::Allowed);
}

#[test]
fn one_policy_may_be_of_roles_users_and_groups() {
    for kind in ["AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"] {
        let policy = json!({"Type": kind, "Properties": {"PolicyName": "p", "PolicyDocument": document("Allow", "sqs:*"),
            "Roles": ["karpenter"], "Users": ["ci"]}});
        let user = json!({"Type": "AWS::IAM::User", "Properties": {"UserName": "ci"}});
        let inventory = template(&json!({"R": role(&json!({})), "U": user, "P": policy}));
        for who in [ROLE, USER] {
            assert_eq!(ask(&inventory, who, "sqs:SendMessage", QUEUE), Access::Allowed, "{kind} of {who}");
        }
    }
}

#[test]
fn a_queues_inline_policy_is_the_queues() {
    let queue = json!({"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "demo"}});
    let inline = |effect: &str| {
        json!({"Type": "AWS::SQS::QueueInlinePolicy", "Properties": {"Queue": {"Ref": "Q"},
            "PolicyDocument": of_queue(effect, &json!("*"))}})
    };
    let access = |effect: &str, own: &str| {
        let inventory = template(&json!({"R": role(&allowed(own)), "Q": queue.clone(), "I": inline(effect)}));
        ask(&inventory, ROLE, "sqs:SendMessage", QUEUE)
    };
    assert_eq!(access("Deny", "sqs:*"), Access::ExplicitDeny);
    assert_eq!(access("Allow", "sns:*"), Access::Allowed);
}

#[test]
fn resource_control_policies_bind_the_services_that_support_them() {
    let rcp = |targets: Json| {
        json!({"Type": "AWS::Organizations::Policy", "Properties": {"Name": "fence", "Type": "RESOURCE_CONTROL_POLICY",
            "TargetIds": targets, "Content": {"Version": "2012-10-17", "Statement": [
                {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}]}}})
    };
    let inventory = |targets: Json| {
        template(&json!({"R": role(&allowed("*")), "P": rcp(targets),
            "Q": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "demo"}},
            "QP": {"Type": "AWS::SQS::QueuePolicy", "Properties": {"Queues": [{"Ref": "Q"}],
                "PolicyDocument": of_queue("Allow", &json!({"Service": "events.amazonaws.com"}))}}}))
    };
    let own = inventory(json!(["111122223333"]));
    assert_eq!(ask(&own, ROLE, "sqs:SendMessage", QUEUE), Access::ExplicitDeny);
    assert_eq!(ask(&own, "events.amazonaws.com", "sqs:SendMessage", QUEUE), Access::ExplicitDeny);
    // EC2's resources are not among those that such a policy binds.
    let instance = "arn:aws:ec2:eu-west-1:111122223333:instance/i-1";
    assert_eq!(ask(&own, ROLE, "ec2:TerminateInstances", instance), Access::Allowed);
    assert_eq!(ask(&inventory(json!(["ou-abcd-12345678"])), ROLE, "sqs:SendMessage", QUEUE), Access::Unknown);
    assert_eq!(ask(&inventory(json!(["444455556666"])), ROLE, "sqs:SendMessage", QUEUE), Access::Allowed);
}

#[test]
fn terraforms_organisation_users_and_groups_count() {
    let world = |content: &str| {
        terraform(&format!(
            r#"
resource "aws_iam_user" "ci" {{ name = "ci" }}
resource "aws_iam_group" "ops" {{ name = "ops" }}
resource "aws_iam_user_group_membership" "ci" {{
  user   = aws_iam_user.ci.name
  groups = [aws_iam_group.ops.name]
}}
resource "aws_iam_group_policy" "ops" {{
  group  = aws_iam_group.ops.name
  policy = jsonencode({{Version = "2012-10-17", Statement = [{{Effect = "Allow", Action = "sqs:*", Resource = "*"}}]}})
}}
resource "aws_organizations_policy" "p" {{
  name    = "p"
  {content}
}}
resource "aws_organizations_policy_attachment" "p" {{
  policy_id = aws_organizations_policy.p.id
  target_id = "111122223333"
}}
"#
        ))
    };
    let policy = |kind: &str, principal: &str| {
        format!(
            "type = \"{kind}\"\n  content = jsonencode({{Version = \"2012-10-17\", Statement = [{{Effect = \"Deny\", {principal} \
             Action = \"sqs:DeleteMessage\", Resource = \"*\"}}]}})"
        )
    };
    for content in [policy("SERVICE_CONTROL_POLICY", ""), policy("RESOURCE_CONTROL_POLICY", "Principal = \"*\",")] {
        let inventory = world(&content);
        assert_eq!(ask(&inventory, USER, "sqs:SendMessage", QUEUE), Access::Allowed, "{content}");
        assert_eq!(ask(&inventory, USER, "sqs:DeleteMessage", QUEUE), Access::ExplicitDeny, "{content}");
    }
}

#[test]
fn exclusive_lists_say_which_policies_there_are() {
    let world = |names: &str, arns: &str| {
        terraform(&format!(
            r#"
resource "aws_iam_role" "karpenter" {{
  name               = "karpenter"
  assume_role_policy = "{{}}"
}}
resource "aws_iam_role_policy" "p" {{
  name   = "p"
  role   = aws_iam_role.karpenter.name
  policy = jsonencode({{Version = "2012-10-17", Statement = [{{Effect = "Allow", Action = "sqs:*", Resource = "*"}}]}})
}}
resource "aws_iam_role_policies_exclusive" "e" {{
  role_name    = aws_iam_role.karpenter.name
  policy_names = {names}
}}
resource "aws_iam_role_policy_attachments_exclusive" "e" {{
  role_name   = aws_iam_role.karpenter.name
  policy_arns = {arns}
}}
"#
        ))
    };
    let access = |names: &str, arns: &str, action: &str| ask(&world(names, arns), ROLE, action, "*");
    assert_eq!(access("[aws_iam_role_policy.p.name]", "[]", "sqs:ListQueues"), Access::Allowed);
    assert_eq!(access("[\"p\"]", "[]", "sns:ListTopics"), Access::ImplicitDeny);
    // It is given, and something removes it.
    assert_eq!(access("[]", "[]", "sqs:ListQueues"), Access::Unknown);
    // It is there, and was not given.
    assert_eq!(access("[\"p\", \"q\"]", "[]", "sns:ListTopics"), Access::Unknown);
    let admin = "[\"arn:aws:iam::aws:policy/AdministratorAccess\"]";
    assert_eq!(access("[\"p\"]", admin, "sns:ListTopics"), Access::Allowed);
    assert_eq!(access("[\"p\"]", "[\"arn:aws:iam::111122223333:policy/x\"]", "sns:ListTopics"), Access::Unknown);
}

#[test]
fn a_session_is_its_role_wherever_that_stands() {
    let at_path = role(&json!({"Path": "/team/", "Policies": [{"PolicyName": "p", "PolicyDocument": {
        "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:*", "Resource": "*",
            "Condition": {"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/team/karpenter"}}}]}}]}));
    let inventory = template(&json!({"R": at_path}));
    assert_eq!(ask(&inventory, SESSION, "sqs:SendMessage", QUEUE), Access::Allowed);
    // Of a role that was not given neither policies nor path are known.
    let other = SESSION.replace("/karpenter/", "/other/");
    let decision = ask_with(&inventory, &other, "sqs:SendMessage", QUEUE, &[]);
    assert_eq!(decision.access, Access::Unknown);
    assert!(decision.why.contains("role other"), "{}", decision.why);
}

#[test]
fn what_has_no_policy_of_its_own_is_not_waited_for() {
    let inventory = template(&json!({"R": role(&allowed("*"))}));
    for (action, resource, access) in [
        ("iam:GetPolicy", "arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy", Access::Allowed),
        ("iam:GetPolicy", "arn:aws:iam::444455556666:policy/x", Access::Unknown),
        ("kms:CreateAlias", "arn:aws:kms:eu-west-1:111122223333:alias/nodes", Access::Allowed),
        ("kms:CreateAlias", "arn:aws:kms:eu-west-1:111122223333:key/k", Access::Unknown),
        ("sts:GetCallerIdentity", "*", Access::Allowed),
    ] {
        let found = ask(&inventory, ROLE, action, resource);
        // Another account's policy has no resource policy that could let it, whether that was seen or not.
        let fits = found == access || (access == Access::Unknown && found == Access::ImplicitDeny);
        assert!(fits, "{action} {resource}: {found:?}");
    }
}

#[test]
fn an_allow_says_what_was_not_seen() {
    let unseen = json!({"ManagedPolicyArns": ["arn:aws:iam::111122223333:policy/unseen"]});
    let mut properties = allowed("sqs:*");
    properties.as_object_mut().unwrap().extend(unseen.as_object().unwrap().clone());
    let inventory = template(&json!({"R": role(&properties)}));
    let decision = ask_with(&inventory, ROLE, "sqs:SendMessage", QUEUE, &[]);
    assert_eq!(decision.access, Access::Allowed);
    assert!(decision.notes.iter().any(|note| note.contains("policy/unseen")), "{:?}", decision.notes);
    // A document of which a part is a parameter.
    let partly = json!({"Policies": [{"PolicyName": "p", "PolicyDocument": {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}, {"Ref": "More"}]}}]});
    let inventory = template(&json!({"R": role(&partly)}));
    assert_eq!(ask(&inventory, ROLE, "sqs:SendMessage", QUEUE), Access::Unknown);
}

#[test]
fn the_region_of_the_pricing_endpoint_does_not_follow_from_the_callers() {
    let policy = json!({"Policies": [{"PolicyName": "p", "PolicyDocument": {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "*", "Resource": "*",
            "Condition": {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}}]}}]});
    let inventory = template(&json!({"R": role(&policy)}));
    assert_eq!(ask(&inventory, ROLE, "pricing:GetProducts", "*"), Access::Unknown);
    assert_eq!(ask(&inventory, ROLE, "ec2:DescribeInstances", "*"), Access::Allowed);
    let said = [("aws:RequestedRegion", "us-east-1")];
    assert_eq!(ask_with(&inventory, ROLE, "pricing:GetProducts", "*", &said).access, Access::ImplicitDeny);
}

#[test]
fn session_tags_are_those_of_the_association_or_none() {
    let policy = json!({"PolicyName": "p", "PolicyDocument": {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "ec2:*", "Resource": "*", "Condition": {"StringEquals": {
            "aws:ResourceTag/cluster": "${aws:PrincipalTag/eks-cluster-name}"}}},
        {"Effect": "Allow", "Action": "sqs:*", "Resource": "*", "Condition": {"StringEquals": {
            "aws:PrincipalTag/kubernetes-namespace": "kube-system"}}}]}});
    let pods = json!([{"Effect": "Allow", "Principal": {"Service": "pods.eks.amazonaws.com"},
        "Action": ["sts:AssumeRole", "sts:TagSession"]}]);
    let tokens = json!([{"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": {"Federated": "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/A"}}]);
    let association = |cluster: &str, extra: Json| {
        let mut properties = json!({"ClusterName": cluster, "Namespace": "kube-system", "ServiceAccount": "karpenter",
            "RoleArn": {"Fn::GetAtt": ["R", "Arn"]}});
        properties.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        json!({"Type": "AWS::EKS::PodIdentityAssociation", "Properties": properties})
    };
    let world = |trust: &Json, tags: Json, more: &[Json]| {
        let mut resources = json!({"R": role(&json!({"Policies": [policy.clone()], "Tags": tags,
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": trust.clone()}}))});
        for (number, own) in more.iter().enumerate() {
            resources[format!("A{number}")] = own.clone();
        }
        template(&resources)
    };
    let instance = "arn:aws:ec2:eu-west-1:111122223333:instance/i-1";
    let ends = |inventory: &Inventory, cluster: &str| {
        ask_with(inventory, ROLE, "ec2:TerminateInstances", instance, &[("aws:ResourceTag/cluster", cluster)]).access
    };
    let none = json!([]);
    let demo = association("demo", json!({}));
    let known = world(&pods, none.clone(), std::slice::from_ref(&demo));
    assert_eq!(ends(&known, "demo"), Access::Allowed);
    assert_eq!(ends(&known, "other"), Access::ImplicitDeny);
    assert_eq!(ask(&known, ROLE, "sqs:SendMessage", QUEUE), Access::Allowed);
    // Two clusters: which of them asks is not known; in both it is the same namespace.
    let two = world(&pods, none.clone(), &[demo.clone(), association("other", json!({}))]);
    assert_eq!(ends(&two, "demo"), Access::Unknown);
    assert_eq!(ask(&two, ROLE, "sqs:SendMessage", QUEUE), Access::Allowed);
    // An association that was not given.
    assert_eq!(ends(&world(&pods, none.clone(), &[]), "demo"), Access::Unknown);
    // Tokens bring no tags, and an association may be told to bring none.
    assert_eq!(ends(&world(&tokens, none.clone(), &[]), "demo"), Access::ImplicitDeny);
    let without = association("demo", json!({"DisableSessionTags": true}));
    assert_eq!(ends(&world(&pods, none, &[without]), "demo"), Access::ImplicitDeny);
    // The role's own tags are the principal's, too; the session's come first.
    let own = json!([{"Key": "eks-cluster-name", "Value": "other"}]);
    assert_eq!(ends(&world(&tokens, own.clone(), &[]), "other"), Access::Allowed);
    assert_eq!(ends(&world(&pods, own, &[demo]), "other"), Access::ImplicitDeny);
}
