//! `can` and `why`: one question, and a rule's questions, with the trail of the decision.

use super::TestDir;

const TEMPLATE: &str = r#"AWSTemplateFormatVersion: "2010-09-09"
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Properties: {QueueName: demo}
  Policy:
    Type: AWS::SQS::QueuePolicy
    Properties:
      Queues: [!Ref Queue]
      PolicyDocument:
        Version: "2012-10-17"
        Statement:
        - Sid: Events
          Effect: Allow
          Principal: {Service: events.amazonaws.com}
          Action: sqs:SendMessage
          Resource: !GetAtt Queue.Arn
          Condition: {ArnLike: {aws:SourceArn: "arn:aws:events:*:111122223333:rule/*"}}
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: karpenter
      AssumeRolePolicyDocument: {Version: "2012-10-17", Statement: []}
      Policies:
      - PolicyName: own
        PolicyDocument:
          Version: "2012-10-17"
          Statement:
          - {Effect: Allow, Action: [sqs:ReceiveMessage, sqs:DeleteMesage], Resource: !GetAtt Queue.Arn}
"#;

const FILES: [&str; 7] = ["--offline", "-f", "t.yaml", "--account", "111122223333", "--region", "eu-west-1"];

fn place() -> TestDir {
    let place = TestDir::new();
    place.write("t.yaml", TEMPLATE);
    place
}

fn can<'a>(question: &[&'a str]) -> Vec<&'a str> {
    ["can"].iter().chain(question).chain(&FILES).copied().collect()
}

#[test]
fn the_exit_code_of_can_is_the_answer() {
    let place = place();
    for (question, code, word) in [
        (&["karpenter", "sqs:ReceiveMessage", "demo"][..], 0, "allowed"),
        (&["karpenter", "sqs:DeleteMessage", "demo"], 1, "denied"),
        (&["karpenter", "sqs:ReceiveMessage", "arn:aws:sqs:eu-west-1:111122223333:demo"], 0, "allowed"),
        (&["events.amazonaws.com", "sqs:SendMessage", "demo"], 4, "unknown"),
        (
            &[
                "events.amazonaws.com",
                "sqs:SendMessage",
                "Queue/demo",
                "--context-key",
                "aws:SourceArn=arn:aws:events:eu-west-1:111122223333:rule/x",
            ],
            0,
            "allowed",
        ),
        (
            &[
                "events.amazonaws.com",
                "sqs:SendMessage",
                "demo",
                "--context-key",
                "aws:SourceArn=arn:aws:events:eu-west-1:444455556666:rule/x",
            ],
            1,
            "denied",
        ),
        (&["events.amazonaws.com", "sqs:SendMessage", "demo", "--context-key", "aws:SourceArn"], 1, "denied"),
        (&["*", "sqs:SendMessage", "demo"], 1, "denied"),
        (&["arn:aws:iam::111122223333:role/other", "sqs:SendMessage", "demo"], 4, "unknown"),
    ] {
        let ended = place.run(&can(question));
        ended.code(code);
        assert!(ended.out.starts_with(word), "{question:?}: {}", ended.out);
    }
}

#[test]
fn can_shows_the_statement_its_place_and_what_fails_in_it() {
    let place = place();
    let ended = place.run(&can(&["karpenter", "sqs:DeleteMessage", "demo"]));
    ended.code(1).has("ANSWER").has("t.yaml:29:13");
    ended
        .has("fault: t.yaml:29:58: sqs has no action DeleteMesage")
        .has("sqs:DeleteMessage may be meant; AWS accepts it, and it never matches");
    ended.has("is not among its actions; in it, sqs has no action DeleteMesage");
    ended.has("note: organisation policies were not seen");
    let ended = place.run(&can(&["events.amazonaws.com", "sqs:SendMessage", "demo", "--context-key", "aws:SourceArn"]));
    ended.code(1).has("does not match").has("statement Events").has("the request has no aws:SourceArn");
}

#[test]
fn can_answers_in_json() {
    let place = place();
    let json = place.run(&can(&["karpenter", "sqs:ReceiveMessage", "demo", "-o", "json"])).json();
    assert_eq!(json["schema"], "karpcheck.decision/v1alpha1");
    assert_eq!(json["access"], "allowed");
    let statements = json["statements"].as_array().unwrap();
    let allows: Vec<_> = statements.iter().filter(|statement| statement["applies"] == "yes").collect();
    assert_eq!(allows.len(), 1);
    assert_eq!((&allows[0]["policy"], &allows[0]["effect"]), (&"identity".into(), &"Allow".into()));
    assert_eq!(allows[0]["at"]["origin"]["file"], "t.yaml");
    assert_eq!(json["faults"][0]["at"]["pointer"], "/Policies/0/PolicyDocument/Statement/0/Action/1");
}

#[test]
fn a_question_about_nothing_is_a_mistake() {
    let place = place();
    for (question, words) in [
        (&["nobody", "sqs:SendMessage", "demo"][..], "no role, user or policy is called nobody"),
        (&["karpenter", "sqs:SendMessage", "nothing"], "no AWS resource is called nothing"),
        (&["controller", "sqs:SendMessage", "demo"], "no Karpenter controller was read"),
        (&["karpenter", "SendMessage", "demo"], "an action looks like sqs:ReceiveMessage"),
        (&["karpenter", "sqs:SendMessage", "demo", "--context-key", "SourceArn=x"], "a key looks like"),
    ] {
        let ended = place.run(&can(question));
        ended.code(2);
        assert!(ended.err.contains(words), "{question:?}: {}", ended.err);
    }
}

#[test]
fn who_names_an_alias_asks_of_its_key() {
    let place = TestDir::new();
    let template = |key: &str| {
        format!(
            "Resources:\n  Key:\n    Type: AWS::KMS::Key\n    Properties:\n      KeyPolicy:\n        Statement:\n        \
             - {{Effect: Allow, Principal: {{Service: events.amazonaws.com}}, Action: \"kms:*\", Resource: \"*\"}}\n  \
             Alias:\n    Type: AWS::KMS::Alias\n    Properties: {{AliasName: alias/q, TargetKeyId: {key}}}\n"
        )
    };
    for (key, code, word) in [("!GetAtt Key.Arn", 0, "allowed: "), ("!ImportValue key", 4, "unknown: ")] {
        place.write("t.yaml", template(key));
        place.run(&can(&["events.amazonaws.com", "kms:Decrypt", "alias/q"])).code(code).has(word);
    }
    let ended = place.run(&can(&["arn:aws:iam::111122223333:role/x", "sqs:ListQueues", "*"]));
    ended.has_not("a policy of * itself");
}

#[test]
fn why_shows_what_a_rule_asked_and_its_passes() {
    let place = place();
    let args: Vec<&str> = ["why", "queue-policy-denies-eventbridge"].iter().chain(&FILES).copied().collect();
    let asked = |ended: &super::Ended| {
        ended.code(0).has("sqs:SendMessage to events.amazonaws.com").has("statement Events");
    };
    let ended = place.run(&args);
    asked(&ended);
    ended.has("unknown: Queue/demo (t.yaml:3:3)").has("whether a request has aws:SourceArn is not known");
    // The same without its condition passes, and is shown all the same.
    let condition = TEMPLATE.lines().find(|line| line.contains("Condition")).unwrap();
    place.write("t.yaml", TEMPLATE.replace(condition, ""));
    let ended = place.run(&args);
    asked(&ended);
    ended.has("pass: Queue/demo (t.yaml:3:3)").has("allows");
    let one: Vec<&str> =
        ["why", "queue-policy-denies-eventbridge", "Queue/other"].iter().chain(&FILES).copied().collect();
    let ended = place.run(&one);
    ended.code(2);
    assert!(ended.err.contains("has no subject Queue/other"), "{}", ended.err);
    let json: Vec<&str> = args.iter().chain(&["-o", "json"]).copied().collect();
    let json = place.run(&json).json();
    assert_eq!(json["schema"], "karpcheck.why/v1alpha1");
    assert_eq!(json["subjects"][0]["decisions"][0]["action"], "sqs:SendMessage");
}
