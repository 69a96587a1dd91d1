//! An object held against a schema, as the API server does when it is applied.

use std::borrow::Cow;

use crate::schemas::cel::Stop;
use crate::schemas::schema::Schema;
use crate::schemas::tree::{Node, Whole};

/// What the API server would not take as it is.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Broken {
    /// Where, as a pointer.
    pub(crate) at: String,
    pub(crate) fault: Fault,
}

#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Fault {
    /// There is no such field.
    Field,
    /// It is not among the values of the list.
    Value,
    /// It is of another type: which one is wanted, and which one it is.
    Type(String, &'static str),
    /// It does not match the expression.
    Pattern(String),
    /// It is beyond a limit: its keyword and number.
    Limit(String, f64),
    /// It lacks a field.
    Required(String),
    /// It breaks a rule: the rule's own message, and the rule.
    Rule(String, String),
}

/// What was found.
#[derive(Default, Debug)]
pub(crate) struct Judgement {
    pub(crate) broken: Vec<Broken>,
    /// Rules and patterns that are not evaluated here.
    pub(crate) unread: Vec<String>,
}

/// Holds an object against a schema.
pub(crate) fn judge(schema: &Schema, object: &Node) -> Judgement {
    let mut judgement = Judgement::default();
    judgement.visit(schema, &with_defaults(schema, object), &mut String::new());
    judgement
}

/// Looks only for fields and values that a schema does not have.
pub(crate) fn judge_names(schema: &Schema, object: &Node) -> Judgement {
    let mut judgement = Judgement::default();
    judgement.names(schema, object, &mut String::new());
    judgement
}

/// The API server puts defaults in before it judges. What has none stays as it is.
fn with_defaults<'a>(schema: &Schema, node: &'a Node) -> Cow<'a, Node> {
    if !schema.has_defaults() {
        return Cow::Borrowed(node);
    }
    match node {
        Node::Map(members, whole) => {
            let lacking = |(name, field): &'_ (String, Schema)| {
                let default = field.default.as_ref().filter(|_| *whole == Whole::Yes)?;
                members
                    .iter()
                    .all(|(own, _)| own != name)
                    .then(|| (name.clone(), with_defaults(field, default).into_owned()))
            };
            let added: Vec<(String, Node)> = schema.fields.iter().filter_map(lacking).collect();
            let inner = |(name, node): &'a (String, Node)| {
                let schema = schema.field(name).or(schema.member.as_deref());
                (name, schema.map_or(Cow::Borrowed(node), |schema| with_defaults(schema, node)))
            };
            let own: Vec<(&String, Cow<'_, Node>)> = members.iter().map(inner).collect();
            if added.is_empty() && own.iter().all(|(_, node)| matches!(node, Cow::Borrowed(_))) {
                return Cow::Borrowed(node);
            }
            let own = own.into_iter().map(|(name, node)| (name.clone(), node.into_owned()));
            Cow::Owned(Node::Map(own.chain(added).collect(), *whole))
        }
        Node::List(list, whole) => {
            let Some(element) = &schema.element else { return Cow::Borrowed(node) };
            let own: Vec<Cow<'_, Node>> = list.iter().map(|node| with_defaults(element, node)).collect();
            if own.iter().all(|node| matches!(node, Cow::Borrowed(_))) {
                return Cow::Borrowed(node);
            }
            Cow::Owned(Node::List(own.into_iter().map(Cow::into_owned).collect(), *whole))
        }
        _ => Cow::Borrowed(node),
    }
}

/// Looks at a value and its place, which is as it was in the end.
type Visit = fn(&mut Judgement, &Schema, &Node, &mut String);

impl Judgement {
    /// Of a value and its place, the names alone.
    fn names(&mut self, schema: &Schema, node: &Node, at: &mut String) {
        let (named, before) = (schema.named(), self.broken.len());
        // What is of another type is refused as such.
        if named.is_some_and(|named| named.has(node)) || of_another_type(&schema.kind, node).is_some() {
            return;
        }
        if !schema.values.is_empty() && !matches!(node, Node::Unknown | Node::Part) && !schema.values.contains(node) {
            self.add(at, Fault::Value);
        }
        self.below(schema, node, at, Self::names);
        if let Some(named) = named.filter(|_| self.broken.len() == before) {
            named.add(node);
        }
    }

    /// What is in an object or a list.
    fn below(&mut self, schema: &Schema, node: &Node, at: &mut String, visit: Visit) {
        match node {
            Node::Map(members, _) => {
                for (name, node) in members {
                    let length = at.len();
                    at.push('/');
                    if name.contains(['~', '/']) {
                        at.push_str(&name.replace('~', "~0").replace('/', "~1"));
                    } else {
                        at.push_str(name);
                    }
                    match schema.field(name).or(schema.member.as_deref()) {
                        Some(schema) => visit(self, schema, node, at),
                        // A directive of a patch: `$patch`, `$setElementOrder/…`.
                        None if name.starts_with('$') || schema.keeps || schema.kind.is_empty() => {}
                        None => self.add(at, Fault::Field),
                    }
                    at.truncate(length);
                }
            }
            Node::List(list, _) => {
                if let Some(schema) = &schema.element {
                    for (index, element) in list.iter().enumerate() {
                        let length = at.len();
                        at.push('/');
                        at.push_str(&index.to_string());
                        visit(self, schema, element, at);
                        at.truncate(length);
                    }
                }
            }
            _ => {}
        }
    }

    /// Of a value and its place, which is as it was in the end.
    fn visit(&mut self, schema: &Schema, node: &Node, at: &mut String) {
        let sound = schema.sound();
        if sound.is_some_and(|sound| sound.has(node)) {
            return;
        }
        let (before, unread) = (self.broken.len(), self.unread.len());
        if let Some(fault) = of_another_type(&schema.kind, node) {
            self.add(at, fault);
        } else if !matches!(node, Node::Unknown | Node::Part) {
            self.value(schema, node, at);
            self.below(schema, node, at, Self::visit);
            if let Node::Map(members, Whole::Yes) = node {
                self.required(schema, members, at);
            }
        }
        // The API server asks the rules only of what is otherwise well-formed; a dropped field does not matter to them.
        if self.broken[before..].iter().all(|broken| broken.fault == Fault::Field) {
            self.rules(schema, node, at);
        }
        if let Some(sound) = sound.filter(|_| (self.broken.len(), self.unread.len()) == (before, unread)) {
            sound.add(node);
        }
    }

    fn add(&mut self, at: &str, fault: Fault) {
        self.broken.push(Broken { at: at.to_owned(), fault });
    }

    /// A value by itself.
    fn value(&mut self, schema: &Schema, node: &Node, at: &str) {
        if !schema.values.is_empty() && !schema.values.contains(node) {
            self.add(at, Fault::Value);
            return;
        }
        if let Node::Text(text) = node {
            for pattern in &schema.patterns {
                match pattern.is_match(text) {
                    Ok(true) => {}
                    Ok(false) => self.add(at, Fault::Pattern(pattern.written().to_owned())),
                    Err(_) => self.unread.push(pattern.written().to_owned()),
                }
            }
        }
        for (limit, number) in &schema.limits {
            let size = match (limit.as_str(), node) {
                ("minimum" | "maximum", Node::Number(own)) => *own,
                ("minLength" | "maxLength", Node::Text(text)) => text.chars().count() as f64,
                ("minItems" | "maxItems", Node::List(list, _)) => list.len() as f64,
                ("minProperties" | "maxProperties", Node::Map(members, _)) => members.len() as f64,
                _ => continue,
            };
            let open = matches!(node, Node::List(_, Whole::No) | Node::Map(_, Whole::No));
            let below = limit.starts_with("min") && size < *number && !open;
            if below || (limit.starts_with("max") && size > *number) {
                self.add(at, Fault::Limit(limit.clone(), *number));
            }
        }
    }

    fn required(&mut self, schema: &Schema, members: &[(String, Node)], at: &str) {
        for name in &schema.required {
            if !members.iter().any(|(own, _)| own == name) {
                self.add(at, Fault::Required(name.clone()));
            }
        }
    }

    fn rules(&mut self, schema: &Schema, node: &Node, at: &str) {
        // An object that is made has no change.
        for rule in schema.rules.iter().filter(|rule| !rule.is_about_changes()) {
            if !rule.is_supported() {
                self.unread.push(rule.cel.clone());
                continue;
            }
            match rule.holds(node) {
                Ok(true) | Err(Stop::Unknown | Stop::Unsupported) => {}
                Ok(false) | Err(Stop::Error) => {
                    self.add(at, Fault::Rule(rule.message.clone(), rule.cel.clone()));
                }
            }
        }
    }
}

fn of_another_type(wanted: &str, node: &Node) -> Option<Fault> {
    let is = match node {
        Node::Text(_) => "string",
        Node::Number(number) if number.fract() == 0.0 => "integer",
        Node::Number(_) => "number",
        Node::Flag(_) => "boolean",
        Node::List(..) => "array",
        Node::Map(..) => "object",
        Node::Unknown | Node::Part => return None,
    };
    let fits = match (wanted, node) {
        ("", _) => true,
        ("int-or-string", _) => matches!(is, "integer" | "string"),
        ("number", _) => matches!(is, "integer" | "number"),
        // YAML 1.1, which Kubernetes reads, takes these for flags.
        ("boolean", Node::Text(text)) => {
            matches!(text.to_ascii_lowercase().as_str(), "yes" | "no" | "on" | "off" | "y" | "n")
        }
        _ => wanted == is,
    };
    (!fits).then(|| Fault::Type(wanted.to_owned(), is))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schemas::table;

    fn judged(kind: &str, version: &str, minor: (u64, u64), object: &str) -> Vec<Broken> {
        let schema = table::release(kind, version, minor).unwrap();
        let judgement = judge(&schema, &Node::parse(object).unwrap());
        assert_eq!(judgement.unread, Vec::<String>::new());
        judgement.broken
    }

    const CLASS: &str = "karpenter.k8s.aws/EC2NodeClass";
    const POOL: &str = "karpenter.sh/NodePool";

    fn class(more: &str) -> String {
        format!(
            r#"{{"apiVersion": "karpenter.k8s.aws/v1", "kind": "EC2NodeClass", "metadata": {{"name": "a"}}, "spec": {{
            "amiSelectorTerms": [{{"alias": "al2023@latest"}}], "subnetSelectorTerms": [{{"tags": {{"a": "b"}}}}],
            "securityGroupSelectorTerms": [{{"tags": {{"a": "b"}}}}] {more}}}}}"#
        )
    }

    #[test]
    fn a_class_is_judged_as_the_api_server_does() {
        let judge = |more: &str| judged(CLASS, "v1", (1, 14), &class(more));
        assert_eq!(judge(r#", "role": "a""#), []);
        let mapping = r#", "role": "a", "blockDeviceMappings": [{"deviceName": "/dev/xvda",
            "ebs": {"volumeSize": "20Gi", "encypted": true}}]"#;
        let unknown = Broken { at: "/spec/blockDeviceMappings/0/ebs/encypted".into(), fault: Fault::Field };
        assert_eq!(judge(mapping), [unknown]);
        let both = judge(r#", "role": "a", "instanceProfile": "b""#);
        assert!(
            matches!(&both[..], [Broken { fault: Fault::Rule(message, _), .. }] if message.contains("exactly one")),
            "{both:?}"
        );
        assert_eq!(
            judge(r#", "role": 7"#),
            [Broken { at: "/spec/role".into(), fault: Fault::Type("string".into(), "integer") }]
        );
        let family = judge(r#", "role": "a", "amiFamily": "Ubuntu""#);
        assert_eq!(family, [Broken { at: "/spec/amiFamily".into(), fault: Fault::Value }]);
    }

    #[test]
    fn defaults_are_there_before_it_is_judged() {
        let pool = |disruption: &str| {
            format!(
                r#"{{"spec": {{"disruption": {disruption}, "template": {{"spec": {{"requirements": [],
                "nodeClassRef": {{"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "a"}}}}}}}}}}"#
            )
        };
        assert_eq!(judged(POOL, "v1", (1, 14), &pool(r#"{"consolidateAfter": "1m"}"#)), []);
        let lacks = judged(POOL, "v1", (1, 14), &pool("{}"));
        assert_eq!(
            lacks,
            [Broken { at: "/spec/disruption".into(), fault: Fault::Required("consolidateAfter".into()) }]
        );
        let old = judged(
            POOL,
            "v1",
            (1, 14),
            &pool(r#"{"consolidationPolicy": "WhenUnderutilized", "consolidateAfter": "1m"}"#),
        );
        assert_eq!(old, [Broken { at: "/spec/disruption/consolidationPolicy".into(), fault: Fault::Value }]);
    }

    #[test]
    fn every_rule_and_pattern_of_every_release_is_evaluated() {
        for kind in table::kinds() {
            for (version, served) in table::versions_of(kind) {
                for minor in served.minors() {
                    let schema = table::release(kind, version, minor).unwrap();
                    schema.walk(String::new(), &mut |at, schema| {
                        for rule in schema.rules.iter().filter(|rule| !rule.is_about_changes()) {
                            assert!(rule.is_supported(), "{kind} {version} {at}: {}", rule.cel);
                        }
                        for pattern in &schema.patterns {
                            assert!(pattern.is_match("").is_ok(), "{kind} {version} {at}: {}", pattern.written());
                        }
                    });
                }
            }
        }
    }

    #[test]
    fn a_patch_lacks_nothing() {
        let schema = table::release(CLASS, "v1", (1, 14)).unwrap();
        let patch = Node::parse(r#"{"spec": {"tags": {"team": "a"}}}"#).unwrap().into_patch();
        assert_eq!(judge(&schema, &patch).broken, []);
    }
}
