//! The interruption queue: which queue is one, which events come to it, who sends them, and who reads it.

use karpcheck_sdk::prelude::*;

use crate::versions::Minor;
use crate::words::listed;
use crate::{documents, kms};

const QUEUE: &str = "AWS::SQS::Queue";
const RULE: &str = "AWS::Events::Rule";
const CONTROLLER: &str = "Karpcheck::Controller";

/// What the functions here look at. A queue's key is beside these.
pub(crate) const READS: &[&str] = &[QUEUE, RULE, CONTROLLER];

/// The service that sends the events.
const EVENTBRIDGE: &str = "events.amazonaws.com";

/// The field of a queue that names its key.
pub(crate) const KEY: &str = "/KmsMasterKeyId";

/// An event that Karpenter handles.
pub(crate) struct Event {
    pub source: &'static str,
    pub detail_type: &'static str,
    /// The first release that does.
    pub since: Minor,
    /// What is lost without it.
    pub loss: &'static str,
}

pub(crate) const SPOT_INTERRUPTION: &str = "EC2 Spot Instance Interruption Warning";
pub(crate) const STATE_CHANGE: &str = "EC2 Instance State-change Notification";
pub(crate) const HEALTH: &str = "AWS Health Event";

/// pkg/controllers/interruption/messages of aws/karpenter-provider-aws.
pub(crate) const EVENTS: &[Event] = &[
    Event {
        source: "aws.ec2",
        detail_type: SPOT_INTERRUPTION,
        since: (0, 19),
        loss: "spot nodes are taken away without being drained",
    },
    Event {
        source: "aws.ec2",
        detail_type: STATE_CHANGE,
        since: (0, 19),
        loss: "pods on instances that stop or terminate are moved minutes later",
    },
    Event {
        source: "aws.health",
        detail_type: HEALTH,
        since: (0, 19),
        loss: "nodes are not drained before scheduled maintenance",
    },
    Event {
        source: "aws.ec2",
        detail_type: "EC2 Instance Rebalance Recommendation",
        since: (0, 19),
        loss: "rebalance recommendations are not shown as events",
    },
    Event {
        source: "aws.ec2",
        detail_type: "EC2 Capacity Reservation Instance Interruption Warning",
        since: (1, 10),
        loss: "nodes on capacity reservations that end are not drained",
    },
];

/// Is it an interruption queue, and how sure is that? A controller's setting names it, an EventBridge rule with one of
/// Karpenter's patterns sends to it, or its policy lets EventBridge send. A queue whose name alone says karpenter counts with
/// low confidence. The `applies` of rules about queues.
pub(crate) fn queue(queue: Item) -> Option<Confidence> {
    let named = || {
        queue
            .referrers(CONTROLLER)
            .iter()
            .any(|link| link.known().is_some() && link.field.pointer() == "/InterruptionQueue")
    };
    if named() {
        return Some(Confidence::High);
    }
    if is_of_another_handler(queue) {
        return None;
    }
    if queue.referring(RULE).any(listens) || lets_events_send(queue) {
        return Some(Confidence::High);
    }
    says_karpenter(queue).then_some(Confidence::Low)
}

/// Why it is not known whether Karpenter reads a queue: no controller is there, or each names another queue, and nothing of
/// the queue says karpenter. Others handle the same events.
pub(crate) fn perhaps_not_read(queue: Item) -> Option<Unknown> {
    let own = queue.field("/QueueName");
    let others = |controller: Item| {
        let setting = controller.field("/InterruptionQueue");
        setting.linked().map_or_else(|| setting.same(&own).is_no(), |other| other != queue)
    };
    let says = |text: &str| text.to_ascii_lowercase().contains("karpenter");
    let targets_say =
        |rule: Item| rule.find("/Targets/*/Id").known().any(|field| field.known_text().is_some_and(|text| says(&text)));
    let rules_say = || queue.referring(RULE).any(|rule| says(&rule.name()) || targets_say(rule));
    let open = !says_karpenter(queue) && !rules_say() && select(CONTROLLER).known().all(others);
    open.then(|| {
        Unknown::not_provided(format!("nothing that was given shows that Karpenter reads queue {}", queue.name()))
    })
}

/// Does it say that it is AWS Node Termination Handler's, which takes the same events and those of lifecycle hooks?
fn is_of_another_handler(queue: Item) -> bool {
    let says = |text: &str| {
        let text = text.to_ascii_lowercase();
        text.replace(['-', '_', ' '], "").contains("terminationhandler")
            || text.split(|letter: char| !letter.is_ascii_alphanumeric()).any(|word| word == "nth")
    };
    let tagged = || queue.find("/Tags/*/*").known().any(|field| field.known_text().is_some_and(|text| says(&text)));
    let hooks = |rule: Item| {
        rule.find("/EventPattern/detail-type/*")
            .known()
            .any(|field| field.is("EC2 Instance-terminate Lifecycle Action"))
    };
    !says_karpenter(queue) && (says(&queue.name()) || tagged() || queue.referring(RULE).any(hooks))
}

/// Does its name or a tag say that it is Karpenter's?
fn says_karpenter(queue: Item) -> bool {
    let karpenter = |text: &str| text.to_ascii_lowercase().contains("karpenter");
    karpenter(&queue.name())
        || queue.find("/Tags/*/*").known().any(|field| field.known_text().is_some_and(|text| karpenter(&text)))
}

/// Does an EventBridge rule listen for one of Karpenter's events?
pub(crate) fn listens(rule: Item) -> bool {
    rule.find("/EventPattern/detail-type/*").known().any(|field| EVENTS.iter().any(|event| field.is(event.detail_type)))
}

/// Does an Allow of the queue's policy name EventBridge, whatever else it says?
fn lets_events_send(queue: Item) -> bool {
    let names_events =
        |field: Field| field.matches(&format!("{EVENTBRIDGE}*")).is_yes() || field.matches("arn:*:events:*").is_yes();
    documents::statements(&queue.field("/Policy")).iter().any(|statement| {
        documents::allows(statement)
            && ["/Principal/**", "/Condition/**"].iter().any(|part| statement.find(part).known().any(names_events))
    })
}

/// What EventBridge may not do, and for which rule.
pub(crate) struct Refused {
    /// The EventBridge rule; none where no rule was given, and it is so for every rule.
    sender: Option<Item>,
    action: &'static str,
    pub decision: Decision,
}

/// May EventBridge do all this for every rule that sends to a queue? What is refused, and beside it the first reason why
/// something is unknown.
pub(crate) fn refused(queue: Item, target: Item, actions: &[&'static str]) -> (Vec<Refused>, Option<Unknown>) {
    let (mut all, mut open) = (vec![], None);
    let senders = senders(queue);
    if senders.is_empty()
        && let Some(unknown) = perhaps_not_sent_by_service(queue)
    {
        return (all, Some(unknown));
    }
    let each: Vec<Option<Field>> =
        if senders.is_empty() { vec![None] } else { senders.into_iter().map(Some).collect() };
    for sender in each {
        if let Some(target) = &sender
            && !target.sibling("RoleArn").is_absent()
        {
            let why = format!("the rule {} sends as a role, not as {EVENTBRIDGE}", target.item().name());
            open.get_or_insert(Unknown::undecidable(why).at(target.sibling("RoleArn").place("")));
            continue;
        }
        let sender = sender.map(|target| target.item());
        for action in actions {
            let request = Request::by_service(EVENTBRIDGE, *action, target)
                .field("queue", queue.field("@arn"))
                .with_template("kms:EncryptionContext:aws:sqs:arn", "{queue}");
            let request = match sender {
                Some(rule) => request
                    .field("rule", rule.field("@arn"))
                    .field("account", rule.field("@account"))
                    .with_template("aws:SourceArn", "{rule}")
                    .with_template("aws:SourceAccount", "{account}"),
                None => request,
            };
            let decision = request.decide();
            match decision.access {
                Access::Allowed => {}
                Access::Unknown => {
                    open.get_or_insert(decision.unknown.into());
                }
                Access::ImplicitDeny | Access::ExplicitDeny => all.push(Refused { sender, action, decision }),
            }
        }
    }
    (all, open)
}

/// Why the policy need not name the service, where no rule is known to send to a queue: where one with Karpenter's pattern sends is
/// not known, and it may do so as a role, or to a function that passes its events on. A queue whose name AWS makes up is not
/// recognised in a target's ARN.
fn perhaps_not_sent_by_service(queue: Item) -> Option<Unknown> {
    let arn = queue.field("@arn");
    let rules = select(RULE).known().filter(|rule| listens(*rule));
    let mut targets = rules.flat_map(|rule| rule.each("/Targets").known().collect::<Vec<_>>());
    let target = targets.find(|target| {
        let to = target.child("Arn");
        to.linked().is_none() && !to.same(&arn).is_no()
    })?;
    let rule = target.item().name();
    let why = if target.child("RoleArn").is_absent() {
        format!("where the rule {rule} sends to is not known: to {}, or to what passes its events on", queue.name())
    } else {
        format!("whether the rule {rule}, which sends as a role, sends to {} is not known", queue.name())
    };
    Some(Unknown::undecidable(why).at(target.child("Arn").place("")))
}

/// The EventBridge rules that send to a queue, by the field of each that says so: those with one of Karpenter's patterns, or
/// all if there is none. One that is switched off, or on a bus where AWS's events never come, sends nothing.
fn senders(queue: Item) -> Vec<Field> {
    let sends = |rule: Item| !rule.matches("/State", "DISABLED").is_yes() && on_default_bus(rule);
    let all = queue.referrers(RULE).into_iter().filter(|link| link.known().is_some_and(sends)).map(|link| link.field);
    let (ours, others): (Vec<Field>, Vec<Field>) = all.partition(|target| listens(target.item()));
    if ours.is_empty() { others } else { ours }
}

fn on_default_bus(rule: Item) -> bool {
    let bus = rule.field("/EventBusName");
    bus.is_absent() || ["default", "arn:*:event-bus/default"].iter().any(|name| bus.matches(name).is_yes())
}

/// How many EventBridge rules send to a queue.
pub(crate) fn sender_count(queue: Item) -> usize {
    senders(queue).len()
}

/// What is refused, in words (`kms:Decrypt and kms:GenerateDataKey for the rule prod-spot`), and the places that say why.
pub(crate) fn in_words(refused: &[Refused], asked: usize) -> (String, Vec<Place>) {
    let (mut actions, mut rules, mut places): (Vec<&str>, Vec<String>, Vec<Place>) = (vec![], vec![], vec![]);
    for one in refused {
        if !actions.contains(&one.action) {
            actions.push(one.action);
        }
        if let Some(name) = one.sender.map(Item::name)
            && !rules.contains(&name)
        {
            rules.push(name);
        }
        for place in &one.decision.statements {
            if !places.contains(place) {
                places.push(place.clone());
            }
        }
    }
    let actions = listed(&actions);
    // That it is so for every rule goes without saying.
    if rules.is_empty() || rules.len() == asked {
        return (actions, places);
    }
    let names: Vec<&str> = rules.iter().map(String::as_str).collect();
    (format!("{actions} for the rule{} {}", if names.len() == 1 { "" } else { "s" }, listed(&names)), places)
}

/// The customer managed key that a queue is under, where its policy is known. That it is not known is said by
/// queue-key-unverified, that AWS manages the key by queue-aws-managed-key, that there is none by queue-key-unusable.
pub(crate) fn customer_key(queue: Item) -> Option<Item> {
    let named = queue.field(KEY);
    let key = named.linked()?;
    let aws = kms::is_aws_managed(key) || kms::names_aws_managed(&named, "*").is_yes();
    (!aws && kms::policy_not_given(key).is_none()).then_some(key)
}

/// The queue that a controller reads: the one that its setting names, or, where the setting was not given, the only
/// interruption queue there is, if it says that it is Karpenter's or is called like the cluster, as in Karpenter's template.
/// Others handle the same events: aws-node-termination-handler.
pub(crate) fn queue_of(controller: Item) -> Option<Item> {
    let setting = controller.field("/InterruptionQueue");
    if setting.is_absent() {
        return None;
    }
    if let Some(queue) = setting.linked() {
        return Some(queue);
    }
    if !setting.value().unknown().is_some_and(Unknown::is_not_provided) {
        return None;
    }
    let mut queues = select(QUEUE).known().filter(|one| queue(*one) == Some(Confidence::High));
    let only = queues.next().filter(|_| queues.next().is_none())?;
    let called = only.field("/QueueName");
    let like_the_cluster = || {
        let named = controller.field("/ClusterName");
        called.same(&named).is_yes()
            || controller.each("/ClusterNamesInPolicies").known().any(|pin| called.same(&pin).is_yes())
    };
    (says_karpenter(only) || like_the_cluster()).then_some(only)
}
