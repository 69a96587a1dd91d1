"""## What it finds

A queue to which EventBridge may not send, as far as its policy says.
"""

from karpcheck import (
    Access, Answer, Check, Confidence, Item, Request, Rule, Severity, fail, pass_, select, undecided,
)

CONTROLLER = "Karpcheck::Controller"
NOTES = {
    Answer.YES: "it polls this queue",
    Answer.NO: "it polls another queue",
    Answer.UNKNOWN: "which queue it polls is not known",
}


def applies(queue: Item) -> Confidence:
    """A queue that no controller names is as likely as not another team's."""
    return Confidence.HIGH if queue.referring(CONTROLLER) else Confidence.LOW


def check(queue: Item) -> Check:
    decision = (
        Request.by_service("events.amazonaws.com", "sqs:SendMessage", queue)
        .field("partition", queue.field("@partition"))
        .field("region", queue.field("@region"))
        .field("account", queue.field("@account"))
        .with_template("aws:SourceArn", "arn:{partition}:events:{region}:{account}:rule/interruption")
        .with_value("aws:SecureTransport", True)
        .decide()
    )
    policy = queue.field("/Policy")
    if decision.access is Access.UNKNOWN:
        message = f"may EventBridge send to {queue.name()}? {decision.why}"
        return undecided(decision.unknown or decision.why, "", message).related(decision.statements)
    if decision.allowed():
        return pass_()
    places = [
        controller.place(
            "/InterruptionQueue", NOTES[controller.field("/InterruptionQueue").same(queue.field("/QueueName"))]
        )
        for controller in select(CONTROLLER).known()
    ]
    return (
        fail(policy, f"EventBridge may not send to queue {queue.name()}: {decision.why}")
        .remedy("Allow events.amazonaws.com to use sqs:SendMessage.")
        .related(decision.statements)
        .related(places)
        .group("denied" if decision.access is Access.EXPLICIT_DENY else "not-allowed")
    )


RULE = Rule(
    id="queue-closed-to-eventbridge",
    area="platform",
    title="EventBridge may not send to a queue",
    docs=__doc__,
    severity=Severity.ERROR,
    subjects=["AWS::SQS::Queue"],
    reads=[CONTROLLER],
    applies=applies,
    check=check,
)
