//! What several rules know of Karpenter: which queue is an interruption queue, who sends to it, which NodePool admits
//! spot, and versions.

use karpcheck_sdk::prelude::*;

/// `(1, 8)` of `1.8.7`.
pub(crate) type Minor = (u64, u64);

/// The minor version in a text such as `1.8.7`.
pub(crate) fn minor(version: &str) -> Option<Minor> {
    let mut parts = version.trim_start_matches('v').split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// The version of a controller.
pub(crate) fn version(controller: Item) -> Result<Option<Minor>, Unknown> {
    Ok(controller.text("/Version")?.as_deref().and_then(minor))
}

/// The version of the controllers that an item belongs to, or of the only ones there are; none where they differ or do
/// not say.
pub(crate) fn version_for(item: Item) -> Option<Minor> {
    let own: Vec<Item> = item.related("@controller").iter().filter_map(Link::given).collect();
    let all = if own.is_empty() { select("Karpcheck::Controller").given().collect() } else { own };
    let mut versions = all.into_iter().map(|controller| version(controller).ok().flatten());
    let first = versions.next()??;
    versions.all(|version| version == Some(first)).then_some(first)
}

/// The detail types of the events that Karpenter handles:
/// pkg/controllers/interruption/messages of aws/karpenter-provider-aws.
pub(crate) const DETAIL_TYPES: &[&str] = &[
    "EC2 Spot Instance Interruption Warning",
    "EC2 Instance State-change Notification",
    "AWS Health Event",
    "EC2 Instance Rebalance Recommendation",
    "EC2 Capacity Reservation Instance Interruption Warning",
];

/// Is it an interruption queue? A controller's setting names it, an EventBridge rule with one of Karpenter's patterns
/// sends to it, or its policy lets EventBridge send. A queue whose name alone says karpenter counts with low confidence;
/// any other queue is none of our business.
pub(crate) fn interruption(queue: Item) -> Option<Confidence> {
    let named = queue
        .referrers("Karpcheck::Controller")
        .iter()
        .any(|link| link.given().is_some() && link.at == "/InterruptionQueue");
    if named
        || queue.referrers("AWS::Events::Rule").iter().filter_map(Link::given).any(is_karpenters)
        || lets_events_send(queue)
    {
        return Some(Confidence::High);
    }
    let says_so = queue.name().to_ascii_lowercase().contains("karpenter")
        || queue
            .find("/Tags/*/*")
            .iter()
            .any(|field| matches!(&field.value, Value::Text(text) if text.to_ascii_lowercase().contains("karpenter")));
    says_so.then_some(Confidence::Low)
}

/// What EventBridge may not do, and for which rule.
pub(crate) struct Refused {
    /// The EventBridge rule; none where no rule was given, and it is so for every rule.
    pub sender: Option<Item>,
    pub action: &'static str,
    pub decision: Decision,
}

/// May EventBridge do all this for every rule that sends to a queue? What is refused, and beside it the first reason why
/// something cannot be told.
pub(crate) fn refused(queue: Item, target: Item, actions: &[&'static str]) -> (Vec<Refused>, Option<Unknown>) {
    let (mut all, mut open) = (vec![], None);
    let senders = senders(queue);
    let each: Vec<Option<(Item, String)>> =
        if senders.is_empty() { vec![None] } else { senders.into_iter().map(Some).collect() };
    for sender in each {
        if let Some((rule, at)) = &sender
            && rule.get(&at.replace("/Arn", "/RoleArn")) != Value::Absent
        {
            let why = format!("the rule {} sends as a role, not as events.amazonaws.com", rule.name());
            open.get_or_insert(Unknown::undecidable(why).at(rule.place(at.replace("/Arn", "/RoleArn"), "")));
            continue;
        }
        for action in actions {
            let request = Request::by_service("events.amazonaws.com", *action, target)
                .field(queue, "@arn")
                .with_template("kms:EncryptionContext:aws:sqs:arn", "{0}");
            let request = match &sender {
                Some((rule, _)) => request
                    .field(*rule, "@arn")
                    .field(*rule, "@account")
                    .with_template("aws:SourceArn", "{1}")
                    .with_template("aws:SourceAccount", "{2}"),
                None => request,
            };
            let decision = request.decide();
            match decision.access {
                Access::Allowed => {}
                Access::Unknown => {
                    open.get_or_insert(decision.unknown.into());
                }
                Access::ImplicitDeny | Access::ExplicitDeny => {
                    all.push(Refused { sender: sender.as_ref().map(|(rule, _)| *rule), action, decision });
                }
            }
        }
    }
    (all, open)
}

/// The EventBridge rules that send to a queue, and the field of each that says so: those with one of Karpenter's
/// patterns, or all if there is none. One that is switched off, or on a bus where AWS's events never come, sends nothing.
fn senders(queue: Item) -> Vec<(Item, String)> {
    let all: Vec<(Item, String)> = queue
        .referrers("AWS::Events::Rule")
        .into_iter()
        .filter_map(|link| Some((link.given()?, link.at)))
        .filter(|(rule, _)| rule.matches("/State", "DISABLED") != Answer::Yes && on_default_bus(*rule))
        .collect();
    let (ours, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|(rule, _)| is_karpenters(*rule));
    if ours.is_empty() { others } else { ours }
}

fn on_default_bus(rule: Item) -> bool {
    rule.get("/EventBusName") == Value::Absent
        || ["default", "arn:*:event-bus/default"].iter().any(|bus| rule.matches("/EventBusName", bus) == Answer::Yes)
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

/// How many EventBridge rules send to a queue.
pub(crate) fn sender_count(queue: Item) -> usize {
    senders(queue).len()
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}

/// Why nobody knows a document, if nobody gave it. One that was given and names a region or account that is not known was
/// given all the same.
pub(crate) fn not_given(item: Item, document: &str) -> Option<Unknown> {
    let Value::Unknown(unknown) = item.get(document) else { return None };
    let inside = format!("{document}/");
    let whole = !item.find(&format!("{document}/*")).iter().any(|field| field.at.starts_with(&inside));
    (whole && unknown.cause == "not-provided").then_some(unknown)
}

/// The customer managed key that a queue is under, where its policy is known. That it is not is said by
/// queue-key-unverified, that AWS manages the key by queue-aws-managed-key, that there is none by queue-key-unusable.
pub(crate) fn customer_key(queue: Item) -> Option<Item> {
    let key = queue.related("/KmsMasterKeyId").first()?.given()?;
    let aws = key.matches("/KeyManager", "AWS") == Answer::Yes
        || ["alias/aws/*", "arn:*:kms:*:alias/aws/*"]
            .iter()
            .any(|managed| queue.matches("/KmsMasterKeyId", managed) == Answer::Yes);
    (!aws && not_given(key, "/KeyPolicy").is_none()).then_some(key)
}

/// The queue that a controller reads: the one that its setting names, or, where nobody stated the setting, the only
/// interruption queue there is.
pub(crate) fn queue_of(controller: Item) -> Option<Item> {
    if controller.get("/InterruptionQueue") == Value::Absent {
        return None;
    }
    if let Some(queue) = controller.related("/InterruptionQueue").first().and_then(Link::given) {
        return Some(queue);
    }
    if !matches!(controller.get("/InterruptionQueue"), Value::Unknown(unknown) if unknown.cause == "not-provided") {
        return None;
    }
    let mut queues = select("AWS::SQS::Queue").given().filter(|queue| interruption(*queue) == Some(Confidence::High));
    let only = queues.next();
    only.filter(|_| queues.next().is_none())
}

/// How sure it is what a controller lacks: less where its role was not given, and the policies that look like a
/// controller's count as its own.
pub(crate) fn sure_of_role(controller: Item) -> Confidence {
    match controller.related("/Role").first().and_then(Link::given) {
        Some(_) => Confidence::High,
        None => Confidence::Medium,
    }
}

/// The controllers of an object, as places: so that a symptom stands under what is wrong with them.
pub(crate) fn of_controller(object: Item) -> Vec<Place> {
    let links = object.related("@controller");
    links.iter().filter_map(Link::given).map(|controller| controller.place("", "its controller")).collect()
}

/// The only controller that was given, as a place: whose log it is, a log does not say.
pub(crate) fn only_controller() -> Option<Place> {
    let mut all = select("Karpcheck::Controller").given();
    let only = all.next()?;
    all.next().is_none().then(|| only.place("", "the controller"))
}

/// Was a controller's role not given, so that nobody can tell what it may? controller-role-missing says so.
pub(crate) fn role_not_given(controller: Item) -> bool {
    let unknown = |unknown: &Unknown| unknown.cause == "not-provided";
    match controller.get("/Role") {
        Value::Unknown(why) => unknown(&why),
        _ => controller.related("/Role").iter().any(|link| matches!(&link.item, Found::Unknown(why) if unknown(why))),
    }
}

/// Does an EventBridge rule listen for one of Karpenter's events?
pub(crate) fn is_karpenters(rule: Item) -> bool {
    rule.find("/EventPattern/detail-type/*")
        .iter()
        .any(|field| matches!(&field.value, Value::Text(text) if DETAIL_TYPES.contains(&text.as_str())))
}

/// Does an Allow of the queue's policy name EventBridge, whatever else it says?
fn lets_events_send(queue: Item) -> bool {
    statements(queue, "/Policy").iter().any(|statement| {
        queue.matches(&format!("{statement}/Effect"), "Allow") == Answer::Yes
            && ["Principal/**", "Condition/**"].iter().any(|part| {
                queue.find(&format!("{statement}/{part}")).iter().any(|field| {
                    ["events.amazonaws.com*", "arn:*:events:*"]
                        .iter()
                        .any(|pattern| queue.matches(&field.at, pattern) == Answer::Yes)
                })
            })
    })
}

/// The pointers of a policy's statements, which may be a list or a single one. A list with an open end has its known ones.
pub(crate) fn statements(item: Item, policy: &str) -> Vec<String> {
    let single = format!("{policy}/Statement");
    let numbered = |at: &str| at.rsplit('/').next().is_some_and(|last| last.parse::<u32>().is_ok());
    let listed: Vec<String> =
        item.find(&format!("{single}/*")).into_iter().map(|field| field.at).filter(|at| numbered(at)).collect();
    if listed.is_empty() && item.get(&format!("{single}/Effect")) != Value::Absent {
        return vec![single];
    }
    listed
}

/// Is a NodePool's class an EC2NodeClass, so that a self-managed Karpenter launches its nodes? Under EKS Auto Mode it is
/// `eks.amazonaws.com/NodeClass`.
pub(crate) fn is_self_managed(pool: Item) -> bool {
    pool.matches("/spec/template/spec/nodeClassRef/group", "eks.amazonaws.com") != Answer::Yes
}

const CAPACITY_TYPE: &str = "karpenter.sh/capacity-type";

/// The kinds that can admit spot.
pub(crate) const POOLS: &[&str] = &["karpenter.sh/NodePool", "karpenter.sh/Provisioner"];

/// Does some NodePool or Provisioner admit spot? None if there is none at all, or none that is known to.
pub(crate) enum Spot {
    /// This one does.
    Admitted(Item),
    /// There are some, and none does.
    NotAdmitted,
    /// There are none.
    NoPools,
}

/// Looks at all pools of the same cluster as an item.
pub(crate) fn spot(near: Item) -> Spot {
    let mut any = false;
    for pool in POOLS.iter().flat_map(|kind| select(kind).given()) {
        let same_cluster = near.same("@cluster", pool, "@cluster") != Answer::No
            || !near.observed()
            || near.kind().starts_with("AWS::");
        if !is_self_managed(pool) || !same_cluster {
            continue;
        }
        any = true;
        if admits_spot(pool) == Ok(true) {
            return Spot::Admitted(pool);
        }
    }
    if any { Spot::NotAdmitted } else { Spot::NoPools }
}

/// Does a pool admit spot? A NodePool that does not speak of the capacity type does, a v1alpha5 Provisioner does not.
pub(crate) fn admits_spot(pool: Item) -> Result<bool, Unknown> {
    let provisioner = pool.kind() == "karpenter.sh/Provisioner";
    let (requirements, labels) = if provisioner {
        ("/spec/requirements", "/spec/labels")
    } else {
        ("/spec/template/spec/requirements", "/spec/template/metadata/labels")
    };
    let mut mentioned = false;
    if let Some(label) = pool.text(&format!("{labels}/karpenter.sh~1capacity-type"))? {
        mentioned = true;
        if label != "spot" {
            return Ok(false);
        }
    }
    for key in pool.find(&format!("{requirements}/*/key")) {
        if key.value != Value::Text(CAPACITY_TYPE.into()) {
            if let Value::Unknown(unknown) = key.value {
                return Err(unknown);
            }
            continue;
        }
        mentioned = true;
        let at = key.at.trim_end_matches("/key").to_owned();
        let operator = pool.text(&format!("{at}/operator"))?.unwrap_or_default();
        let values = pool.find(&format!("{at}/values/*"));
        let names_spot = values.iter().any(|value| value.value == Value::Text("spot".into()));
        if let (false, Some(Value::Unknown(unknown))) =
            (names_spot, values.into_iter().map(|value| value.value).find(|value| matches!(value, Value::Unknown(_))))
        {
            return Err(unknown);
        }
        let admitted = match operator.as_str() {
            "In" => names_spot,
            "NotIn" => !names_spot,
            "Exists" => true,
            "DoesNotExist" => false,
            other => return Err(format!("the operator {other} is not known").into()),
        };
        if !admitted {
            return Ok(false);
        }
    }
    Ok(mentioned || !provisioner)
}

/// The seconds since 1970 of a time as Kubernetes writes it: `2026-03-02T09:21:15Z`.
pub(crate) fn seconds(time: &str) -> Option<i64> {
    let (date, clock) = time.strip_suffix('Z')?.split_once('T')?;
    let numbers = |text: &str, mark: char| -> Option<Vec<i64>> {
        text.split(mark).map(|part| part.split('.').next().and_then(|part| part.parse().ok())).collect()
    };
    let [year, month, day] = numbers(date, '-')?[..] else { return None };
    let [hour, minute, second] = numbers(clock, ':')?[..] else { return None };
    if !(1..=12).contains(&month) {
        return None;
    }
    // Years that begin in March have the leap day at their end.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1 - 719_468;
    Some(days * 86_400 + hour * 3_600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_kubernetes_writes_them() {
        assert_eq!(seconds("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(seconds("2024-02-29T12:30:05.5Z"), Some(1_709_209_805));
        assert_eq!(
            seconds("2026-03-01T00:00:00Z").zip(seconds("2026-02-28T00:00:00Z")).map(|(b, a)| b - a),
            Some(86_400)
        );
        assert_eq!(seconds("yesterday"), None);
        assert_eq!(seconds("2026-13-01T00:00:00Z"), None);
    }

    #[test]
    fn minor_versions_are_read() {
        assert_eq!(minor("1.8.7"), Some((1, 8)));
        assert_eq!(minor("v0.37.3"), Some((0, 37)));
        assert_eq!(minor("latest"), None);
    }

    #[test]
    fn names_are_listed_as_in_a_sentence() {
        assert_eq!(listed(&["a"]), "a");
        assert_eq!(listed(&["a", "b"]), "a and b");
        assert_eq!(listed(&["a", "b", "c"]), "a, b and c");
    }
}
