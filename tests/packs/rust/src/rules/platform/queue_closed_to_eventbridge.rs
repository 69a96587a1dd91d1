//! ## What it finds
//!
//! A queue to which EventBridge may not send, as far as its policy says.

use karpcheck_sdk::prelude::*;

const CONTROLLER: &str = "Karpcheck::Controller";

pub(crate) const RULE: Rule = Rule {
    title: "EventBridge may not send to a queue",
    severity: Error,
    subjects: &["AWS::SQS::Queue"],
    reads: &[CONTROLLER],
    applies,
    check,
    ..Rule::DEFAULT
};

/// A queue that no controller names is as likely as not another team's.
fn applies(queue: Item) -> Option<Confidence> {
    let named = queue.referring(CONTROLLER).next().is_some();
    Some(if named { Confidence::High } else { Confidence::Low })
}

fn check(queue: Item) -> Check {
    let decision = Request::by_service("events.amazonaws.com", "sqs:SendMessage", queue)
        .field("partition", queue.field("@partition"))
        .field("region", queue.field("@region"))
        .field("account", queue.field("@account"))
        .with_template("aws:SourceArn", "arn:{partition}:events:{region}:{account}:rule/interruption")
        .with("aws:SecureTransport", true)
        .decide();
    let policy = queue.field("/Policy");
    if let Access::Unknown = decision.access {
        let why = decision.unknown.unwrap_or_else(|| decision.why.as_str().into());
        let message = format!("may EventBridge send to {}? {}", queue.name(), decision.why);
        return undecided(why, "", message).related(decision.statements).check();
    }
    if decision.allowed()? {
        return pass();
    }
    let places = select(CONTROLLER).known().map(|controller| {
        let same = controller.field("/InterruptionQueue").same(&queue.field("/QueueName"));
        let note = match same {
            Answer::Yes => "it polls this queue",
            Answer::No => "it polls another queue",
            Answer::Unknown => "which queue it polls is not known",
        };
        controller.place("/InterruptionQueue", note)
    });
    fail(policy, format!("EventBridge may not send to queue {}: {}", queue.name(), decision.why))
        .remedy("Allow events.amazonaws.com to use sqs:SendMessage.")
        .related(decision.statements.clone())
        .related(places)
        .group(if decision.access == Access::ExplicitDeny { "denied" } else { "not-allowed" })
        .check()
}
