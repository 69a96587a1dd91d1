//! What a snapshot does not hold: what may be secret, and what no built-in rule reads. What is left out is unknown to who reads
//! the snapshot, never absent.

use crate::formats::json_value::{Plain, UNKNOWN};
use crate::inventory::reason::Live;
use crate::inventory::{Cause, Node, Value};
use crate::karpenter::controller;
use crate::schema::pattern::glob;
use crate::schema::{ack, kinds};
use crate::sources::kubernetes;

/// The same in words, for the summary and in the file itself.
pub(super) const WORDS: &[&str] = &[
    "Secrets, which are never read",
    "values of environment variables and flags that neither Karpenter nor the name of a cluster is set by",
    "probes, lifecycle hooks and volumes of Pods",
    "user data of nodes and launch templates",
    "annotations, but for those of AWS, Karpenter, Helm, ACK and Crossplane",
    "texts of ACK's and Crossplane's objects, but for ARNs, references, keys, conditions and what says which resource an object describes",
    "fields whose name speaks of a password, a token or a secret",
    "access keys and addresses in CloudTrail's events",
];

/// What the controllers of ACK and Crossplane say of each object.
const STATUS: &[&str] = &["/status/conditions", "/status/ackResourceMetadata"];
/// What targets of rules are sent and called with: payloads and headers, which no rule reads.
const PAYLOADS: &[&str] = &[
    "input",
    "inputPath",
    "inputTransformer",
    "httpParameters",
    "httpTarget",
    "headerParameters",
    "queryStringParameters",
];
/// Words for people.
const DESCRIPTION: &str = "/description";
/// Domains whose annotations rules read, or that say who made an object.
const ANNOTATIONS: &[&str] =
    &["amazonaws.com", "k8s.aws", "karpenter.sh", "helm.sh", "crossplane.io", "upbound.io", "services.k8s.aws"];
const APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// Environment variables that are read of any container, beside the controller's settings.
const VARIABLES: &[&str] =
    &["AWS_ROLE_ARN", "AWS_REGION", "AWS_DEFAULT_REGION", "ACK_WATCH_NAMESPACE", "AWS_ACCOUNT_ID", "CLUSTER_NAME"];
/// Flags that are read of any container, beside the controller's settings.
const FLAGS: &[&str] = &[
    "cluster-name",
    "k8s-tag-cluster-id",
    "node-group-auto-discovery",
    "aws-region",
    "watch-namespace",
    "feature-gates",
    "enable-leader-election",
    "leader-election-namespace",
];
/// Names of fields that may hold a secret itself.
const SECRET_WORDS: &[&str] = &["password", "secret", "token", "privatekey", "userdata", "accesskey", "credential"];
/// Ends of names of fields that speak of secrets and hold none; `httpTokens` is how instances are asked for theirs.
const REFERENCES: &[&str] = &["ref", "refs", "arn", "arns", "name", "keyid", "id", "httptokens"];

/// An object as a snapshot has it.
pub(super) fn of_object(kind: &str, mut body: Node) -> Node {
    prune(kind, &mut body);
    body
}

fn prune(kind: &str, body: &mut Node) {
    annotations(kind, body);
    // What an object makes has annotations as well: a Deployment's Pods, a NodePool's nodes.
    if let Some(template) = member(body, &["spec", "template"]) {
        annotations(kind, template);
    }
    match kind {
        "apps/Deployment" | "apps/DaemonSet" => {
            if let Some(template) = member(body, &["spec", "template"]) {
                pod(template);
            }
            remove(body, &["status"]);
        }
        "core/Pod" => {
            pod(body);
            remove(body, &["status"]);
        }
        "core/Node" => {
            for field in ["images", "addresses", "volumesAttached", "volumesInUse"] {
                remove(body, &["status", field]);
            }
        }
        _ => {
            if let Some(texts) = Texts::of(kind) {
                texts.leave_out(body);
            }
        }
    }
    // A definition's defaults are no object's values.
    if kind != kinds::DEFINITION {
        secrets(body);
    }
}

fn annotations(kind: &str, body: &mut Node) {
    let Some(Value::Map(map)) = member(body, &["metadata", "annotations"]).map(|node| &mut node.value) else { return };
    for (name, value) in &mut map.entries {
        let Some(name) = name.known() else { continue };
        if name == APPLIED {
            applied(kind, value);
            continue;
        }
        let domain = name.split_once('/').map_or("", |(domain, _)| domain);
        let read = ANNOTATIONS
            .iter()
            .any(|known| domain.strip_suffix(known).is_some_and(|before| before.is_empty() || before.ends_with('.')));
        if !read {
            leave_out(value);
        }
    }
}

/// What was applied last is the object once more, as text.
fn applied(kind: &str, value: &mut Node) {
    let object = value.as_str().and_then(|text| serde_json::from_str::<Plain<Node>>(text).ok());
    match object {
        Some(Plain(mut object)) => {
            prune(kind, &mut object);
            match serde_json::to_string(&Plain(&object)) {
                Ok(text) => value.value = Value::Text(text.as_str().into()),
                Err(_) => leave_out(value),
            }
        }
        None => leave_out(value),
    }
}

/// A Pod, or a template of Pods.
fn pod(body: &mut Node) {
    remove(body, &["spec", "volumes"]);
    for field in ["containers", "initContainers", "ephemeralContainers"] {
        let Some(Value::List(list)) = member(body, &["spec", field]).map(|node| &mut node.value) else { continue };
        list.items.iter_mut().for_each(container);
    }
}

fn container(container: &mut Node) {
    for field in ["livenessProbe", "readinessProbe", "startupProbe", "lifecycle"] {
        remove(container, &[field]);
    }
    if let Some(Value::List(list)) = member(container, &["env"]).map(|node| &mut node.value) {
        for variable in &mut list.items {
            let read = variable.str_at(&["name"]).is_some_and(|name| {
                VARIABLES.contains(&name) || controller::variables().any(|variable| variable == name)
            });
            if !read {
                remove(variable, &["value"]);
            }
        }
    }
    let mut value_follows = None;
    for field in ["command", "args"] {
        let Some(Value::List(list)) = member(container, &[field]).map(|node| &mut node.value) else { continue };
        for word in &mut list.items {
            value_follows = argument(word, value_follows);
        }
    }
}

/// One word of a command line. `value_follows` says of the word before it, a flag without its value, whether that may be
/// kept; the same is given back of this one.
fn argument(word: &mut Node, value_follows: Option<bool>) -> Option<bool> {
    let Some(text) = word.as_str().map(str::to_owned) else {
        leave_out(word);
        return None;
    };
    if let Some(flag) = text.strip_prefix("--").or_else(|| text.strip_prefix('-')) {
        let (name, value) = flag.split_once('=').map_or((flag, None), |(name, value)| (name, Some(value)));
        let kept = FLAGS.contains(&name) || controller::variables().any(|variable| is_flag_of(variable, name));
        // A switch is no secret.
        let switch = value.is_some_and(|value| matches!(value, "true" | "false"));
        match value {
            None => return Some(kept),
            Some(_) if kept || switch => {}
            Some(_) => leave_out(word),
        }
        return None;
    }
    // A program, or the value of a flag.
    if value_follows != Some(true) && !text.starts_with('/') {
        leave_out(word);
    }
    None
}

fn is_flag_of(variable: &str, flag: &str) -> bool {
    variable.len() == flag.len()
        && variable.bytes().zip(flag.bytes()).all(|(one, other)| match one {
            b'_' => other == b'-',
            _ => one.eq_ignore_ascii_case(&other),
        })
}

/// The texts of an object of ACK's or Crossplane's that are kept: rules read those fields that say which resource it describes, keys,
/// references, and the fields that references stand for. Of all others they read no more than the names.
struct Texts {
    /// Pointers of fields, with `*` for the place in a list.
    read: Vec<String>,
}

impl Texts {
    /// None where the object describes nothing.
    fn of(kind: &str) -> Option<Self> {
        let described = kubernetes::described_in(kind)?.into_iter().filter(|field| !field.ends_with(DESCRIPTION));
        let keys = ack::key_fields().iter().filter(|field| field.kind == kind).map(|field| field.key.to_owned());
        let status = STATUS.iter().map(|field| (*field).to_owned());
        Some(Self { read: described.chain(keys).chain(status).collect() })
    }

    fn leave_out(&self, object: &mut Node) {
        for part in ["spec", "status"] {
            if let Some(part_of) = member(object, &[part]) {
                self.within(part_of, &format!("/{part}"));
                payloads(part_of);
            }
        }
    }

    fn within(&self, node: &mut Node, at: &str) {
        if self.read.iter().any(|field| glob(field, at)) {
            return;
        }
        match &mut node.value {
            Value::Map(map) => {
                let names: Vec<String> = map.entries.iter().map(|(name, _)| name.to_string()).collect();
                for ((_, value), name) in map.entries.iter_mut().zip(&names) {
                    if !is_reference(name) && !names.iter().any(|reference| stands_for(reference, name)) {
                        self.within(value, &format!("{at}/{name}"));
                    }
                }
            }
            Value::List(list) => {
                list.items.iter_mut().enumerate().for_each(|(index, item)| self.within(item, &format!("{at}/{index}")));
            }
            Value::Text(text) if !text.to_string().starts_with("arn:") => leave_out(node),
            _ => {}
        }
    }
}

/// Leaves out what is sent to somebody, wherever it stands in what is read.
fn payloads(node: &mut Node) {
    match &mut node.value {
        Value::Map(map) => {
            for (name, value) in &mut map.entries {
                if name.known().is_some_and(|name| PAYLOADS.contains(&name)) {
                    leave_out(value)
                } else {
                    payloads(value)
                }
            }
        }
        Value::List(list) => list.items.iter_mut().for_each(payloads),
        _ => {}
    }
}

/// Is a field called as references are, or, with Crossplane, choices by labels?
fn is_reference(name: &str) -> bool {
    ["Ref", "Refs", "Selector"].iter().any(|end| name.ends_with(end))
}

/// May a reference stand for a field: `roleRef` for `roleARN`, `policyRefs` for `policies`? Both together are a mistake.
fn stands_for(reference: &str, field: &str) -> bool {
    let stem = reference.strip_suffix("Refs").or_else(|| reference.strip_suffix("Ref"));
    stem.is_some_and(|stem| !stem.is_empty() && field.starts_with(stem.strip_suffix('y').unwrap_or(stem)))
}

/// Leaves out fields whose name says that they hold a secret.
fn secrets(node: &mut Node) {
    match &mut node.value {
        Value::Map(map) => {
            for (name, value) in &mut map.entries {
                let lower = name.to_string().to_ascii_lowercase();
                let speaks = SECRET_WORDS.iter().any(|word| lower.contains(word));
                let refers = REFERENCES.iter().any(|end| lower.ends_with(end));
                // Several of them are secret as one is.
                let texts = match &value.value {
                    Value::List(list) => list.items.iter().any(|item| matches!(item.value, Value::Text(_))),
                    value => matches!(value, Value::Text(_)),
                };
                if speaks && !refers && texts {
                    leave_out(value);
                } else {
                    secrets(value);
                }
            }
        }
        Value::List(list) => list.items.iter_mut().for_each(secrets),
        _ => {}
    }
}

/// An answer of AWS as a snapshot has it. What is no JSON stays what it is: it is told as unreadable.
pub(super) fn of_answer(text: &str) -> String {
    let Ok(Plain(mut answer)) = serde_json::from_str::<Plain<Node>>(text) else { return text.to_owned() };
    event_texts(&mut answer);
    // Tokens of pages are none of a credential, but no rule reads them.
    secrets(&mut answer);
    remove(&mut answer, &["ResponseMetadata"]);
    serde_json::to_string(&Plain(&answer)).unwrap_or_else(|_| "{}".to_owned())
}

/// CloudTrail's events are JSON as text.
fn event_texts(answer: &mut Node) {
    let Some(Value::List(events)) = member(answer, &["Events"]).map(|node| &mut node.value) else { return };
    for event in &mut events.items {
        remove(event, &["AccessKeyId"]);
        let Some(text) = member(event, &["CloudTrailEvent"]) else { continue };
        let Some(Plain(mut body)) = text.as_str().and_then(|text| serde_json::from_str::<Plain<Node>>(text).ok())
        else {
            leave_out(text);
            continue;
        };
        for path in [
            &["sourceIPAddress"][..],
            &["userAgent"],
            &["tlsDetails"],
            &["userIdentity", "accessKeyId"],
            &["requestParameters", "clientToken"],
        ] {
            remove(&mut body, path);
        }
        match serde_json::to_string(&Plain(&body)) {
            Ok(body) => text.value = Value::Text(body.as_str().into()),
            Err(_) => leave_out(text),
        }
    }
}

/// What was left out of a body that was read back is unknown.
pub(super) fn mark(node: &mut Node) {
    match &mut node.value {
        Value::Map(map) if matches!(map.entries.as_slice(), [(name, _)] if name.is(UNKNOWN)) => leave_out(node),
        Value::Map(map) => map.entries.iter_mut().for_each(|(_, value)| mark(value)),
        Value::List(list) => list.items.iter_mut().for_each(mark),
        _ => {}
    }
}

fn leave_out(node: &mut Node) {
    *node = Node::unknown(Cause::NotProvided, Live::LeftOut, node.at);
}

fn member<'a>(node: &'a mut Node, path: &[&str]) -> Option<&'a mut Node> {
    path.iter().try_fold(node, |node, name| match &mut node.value {
        Value::Map(map) => map.get_mut(name),
        _ => None,
    })
}

fn remove(node: &mut Node, path: &[&str]) {
    if let Some(found) = member(node, path) {
        leave_out(found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_objects_that_describe_resources_what_no_rule_reads_is_left_out() {
        let left = |kind: &str, body: &str| {
            let Plain(body): Plain<Node> = serde_json::from_str(body).unwrap();
            serde_json::to_string(&Plain(&of_object(kind, body)))
                .unwrap()
                .replace(r#"{"karpcheck.io/left-out":true}"#, "OUT")
        };
        assert_eq!(
            left(
                "lambda.services.k8s.aws/Function",
                r#"{"spec":{"name":"f","environment":{"variables":{"DSN":"postgres://u:p@db"}},"kmsKeyARN":"alias/x",
                    "roleRef":{"from":{"name":"r"}},"role":"both","timeout":3,"code":{"s3Bucket":"b"},"layers":["arn:aws:lambda:x"]},
                    "status":{"state":"Active","conditions":[{"type":"ACK.Terminal","message":"m"}]}}"#
            ),
            r#"{"spec":{"name":OUT,"environment":{"variables":{"DSN":OUT}},"kmsKeyARN":"alias/x","roleRef":{"from":{"name":"r"}},"role":"both","timeout":3,"code":{"s3Bucket":OUT},"layers":["arn:aws:lambda:x"]},"status":{"state":OUT,"conditions":[{"type":"ACK.Terminal","message":"m"}]}}"#
        );
        assert_eq!(
            left(
                "kms.services.k8s.aws/Key",
                r#"{"spec":{"description":"d","policy":"{}","tags":[{"tagKey":"k","tagValue":"v"}]},"status":{"keyID":"1","creationDate":"c"}}"#
            ),
            r#"{"spec":{"description":OUT,"policy":"{}","tags":[{"tagKey":"k","tagValue":"v"}]},"status":{"keyID":"1","creationDate":OUT}}"#
        );
        assert_eq!(
            left("dynamodb.services.k8s.aws/Table", r#"{"spec":{"tableName":"t","tags":[{"key":"k","value":"v"}]}}"#),
            r#"{"spec":{"tableName":"t","tags":[{"key":OUT,"value":OUT}]}}"#
        );
        assert_eq!(
            left(
                "sqs.aws.upbound.io/Queue",
                r#"{"spec":{"providerConfigRef":{"name":"p"},"forProvider":{"region":"eu-west-1","name":"q","kmsMasterKeyId":"alias/x",
                    "kmsMasterKeyIdSelector":{"matchLabels":{"a":"b"}},"delaySeconds":3,"redrivePolicy":"r","tags":{"k":"v"}}},
                    "status":{"atProvider":{"url":"https://q","arn":"arn:aws:sqs:x","id":"i"},"conditions":[{"type":"Ready","message":"m"}]}}"#
            ),
            r#"{"spec":{"providerConfigRef":{"name":"p"},"forProvider":{"region":"eu-west-1","name":"q","kmsMasterKeyId":"alias/x","kmsMasterKeyIdSelector":{"matchLabels":{"a":"b"}},"delaySeconds":3,"redrivePolicy":OUT,"tags":{"k":"v"}}},"status":{"atProvider":{"url":"https://q","arn":"arn:aws:sqs:x","id":OUT},"conditions":[{"type":"Ready","message":"m"}]}}"#
        );
        assert_eq!(
            left(
                "iam.aws.m.upbound.io/RolePolicyAttachment",
                r#"{"spec":{"forProvider":{"policyArn":"arn:x","role":"r","other":"o"},"initProvider":{"role":"first"}}}"#
            ),
            r#"{"spec":{"forProvider":{"policyArn":"arn:x","role":"r","other":OUT},"initProvider":{"role":"first"}}}"#
        );
        let target = r#"{"spec":{"targets":[{"arn":"arn:aws:sqs:x","id":"Karpenter","input":"{\"token\":1}","inputTransformer":{"inputTemplate":"t"}}]}}"#;
        assert_eq!(
            left("eventbridge.services.k8s.aws/Rule", target),
            r#"{"spec":{"targets":[{"arn":"arn:aws:sqs:x","id":"Karpenter","input":OUT,"inputTransformer":OUT}]}}"#
        );
        assert_eq!(
            left("rds.aws.crossplane.io/DBInstance", r#"{"spec":{"forProvider":{"dbName":"d"}}}"#),
            r#"{"spec":{"forProvider":{"dbName":OUT}}}"#
        );
        // What was applied is the object once more.
        let applied = r#"{"metadata":{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\"spec\":{\"dbName\":\"d\"}}"}}}"#;
        assert!(!left("rds.services.k8s.aws/DBInstance", applied).contains(r#"\"d\""#));
    }

    #[test]
    fn several_secrets_are_left_out_as_one_is() {
        let body =
            r#"{"spec":{"authTokens":["a"],"password":"b","secretNames":[{"name":"c"}],"kmsKeyIDs":["d"],"empty":[]}}"#;
        let Plain(mut body): Plain<Node> = serde_json::from_str(body).unwrap();
        secrets(&mut body);
        let left = r#"{"spec":{"authTokens":{"karpcheck.io/left-out":true},"password":{"karpcheck.io/left-out":true},"secretNames":[{"name":"c"}],"kmsKeyIDs":["d"],"empty":[]}}"#;
        assert_eq!(serde_json::to_string(&Plain(&body)).unwrap(), left);
    }
}
