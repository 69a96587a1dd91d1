//! The intrinsic functions.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use crate::inventory::arn;
use crate::inventory::arn::AccountRegion;
use crate::inventory::reason::{Gathered, Template as Gap};
use crate::inventory::{
    Address, At, Cause, List, Map, Node, Part, Reason, Stated, Symbol, SymbolScope, Ternary, Text, Value,
};
use crate::schema::aws;
use crate::schema::aws::Ref;
use crate::sources::cloudformation::parameters;
use crate::sources::cloudformation::parameters::Given;
use crate::sources::cloudformation::stacks::Stack;

mod conditions;

/// Names may refer to names; a circle, which AWS refuses, ends here.
const MAX_REFERENCES: u32 = 32;
/// Values that are evaluated for one template, again for each name that means them: some twenty times what AWS takes. What
/// names itself several times over would otherwise take for ever.
const MAX_STEPS: u64 = 2_000_000;
/// Bytes of one text that functions make: AWS takes templates of 1 MB.
const MAX_TEXT: usize = 1 << 20;

/// A template that is being evaluated.
pub(super) struct Template<'a> {
    root: &'a Node,
    scope: SymbolScope,
    stated: &'a Stated,
    given: Rc<BTreeMap<String, Given>>,
    called: &'a BTreeSet<String>,
    calls: &'a BTreeMap<String, Stack<'a>>,
    /// Does another template give its parameters?
    nested: bool,
    depth: Rc<Cell<u32>>,
    steps: Rc<Cell<u64>>,
}

impl<'a> Template<'a> {
    /// The template of a stack, with what files give its parameters and what controllers call their cluster.
    pub(super) fn new(
        stack: &'a Stack<'a>,
        stated: &'a Stated,
        given: BTreeMap<String, Given>,
        called: &'a BTreeSet<String>,
    ) -> Self {
        Self {
            root: stack.node,
            scope: stack.scope,
            stated,
            given: Rc::new(given),
            called,
            calls: &stack.calls,
            nested: false,
            depth: Rc::new(Cell::new(0)),
            steps: Rc::new(Cell::new(0)),
        }
    }

    /// The template of a nested stack, with what this one gives its parameters.
    pub(super) fn nested(&self, id: &str) -> Option<Self> {
        let stack = self.calls.get(id)?;
        let parameters = self.resource(id)?.at_path(&["Properties", "Parameters"]).map(|all| self.evaluate(all));
        let entries = parameters.as_ref().and_then(Node::as_map).map(|map| &*map.entries).unwrap_or_default();
        let given = |(name, value): &(Text, Node)| Some((name.known()?.to_owned(), Given::Value(value.clone())));
        Some(Self {
            root: stack.node,
            scope: stack.scope,
            given: Rc::new(entries.iter().filter_map(given).collect()),
            calls: &stack.calls,
            nested: true,
            depth: Rc::clone(&self.depth),
            steps: Rc::clone(&self.steps),
            ..*self
        })
    }

    /// Takes steps. Were these too many?
    fn spent(&self, steps: usize) -> bool {
        self.steps.set(self.steps.get().saturating_add(steps as u64));
        self.steps.get() > MAX_STEPS
    }

    fn too_much(at: At) -> Node {
        Node::unknown(Cause::Symbolic, Gap::TooMuch, at)
    }

    /// A value that a name means, unless names lead too far.
    fn further(&self, node: &Node) -> Option<Node> {
        if self.depth.get() >= MAX_REFERENCES {
            return None;
        }
        self.depth.set(self.depth.get() + 1);
        let value = self.evaluate(node);
        self.depth.set(self.depth.get() - 1);
        Some(value)
    }

    /// Is the resource certainly not made, by its condition?
    pub(super) fn is_left_out(&self, resource: &Node) -> bool {
        resource.str_at(&["Condition"]).is_some_and(|name| self.condition(name) == Ternary::No)
    }

    /// A pseudo parameter's value, if it is stated, or its symbol.
    pub(super) fn pseudo(&self, name: &str, at: At) -> Option<Node> {
        let (stated, symbol) = match name {
            "AWS::Partition" => (self.stated.known_partition(), arn::PARTITION),
            "AWS::Region" => (self.stated.region.clone(), arn::REGION),
            "AWS::AccountId" => (self.stated.account.clone(), arn::ACCOUNT),
            "AWS::URLSuffix" => {
                let suffix = self.stated.known_partition().map(|partition| {
                    if partition == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" }.to_owned()
                });
                return Some(match suffix {
                    Some(suffix) => Node::text(suffix, at),
                    None => {
                        let gap = Gathered::OfRegion { what: "AWS::URLSuffix" };
                        Node::text(
                            Text::symbol(Symbol::new(format!("${{{name}}}"), SymbolScope::AccountRegion, gap)),
                            at,
                        )
                    }
                });
            }
            "AWS::NoValue" => return Some(Node::new(Value::Null, at)),
            "AWS::StackName" | "AWS::StackId" | "AWS::NotificationARNs" => {
                return Some(self.symbol(name, self.scope, Gap::WhenMade { name: name.into() }, at));
            }
            _ => return None,
        };
        Some(Node::text(stated.map_or_else(|| arn::unstated(symbol), Text::from), at))
    }

    fn symbol(&self, name: &str, scope: SymbolScope, gap: Gap, at: At) -> Node {
        Node::text(Text::symbol(Symbol::new(format!("${{{name}}}"), scope, gap)), at)
    }

    /// A value with its intrinsics evaluated. `AWS::NoValue` leaves nothing behind.
    pub(super) fn evaluate(&self, node: &Node) -> Node {
        if self.spent(1) {
            return Self::too_much(node.at);
        }
        let value = match &node.value {
            Value::Map(map) => {
                if let [(name, argument)] = map.entries.as_slice()
                    && let Some(name) = name.known()
                    && (name == "Ref" || name.starts_with("Fn::"))
                {
                    return self.call(name, argument, node.at);
                }
                let mut members = Map { entries: vec![], more: map.more.clone() };
                for (key, child) in &map.entries {
                    if key.starts_with("Fn::") {
                        // A transform, or a loop, beside other members: what it brings is known after it ran.
                        members.more = Some(Box::new(Reason::new(
                            Cause::Symbolic,
                            Gap::Members { function: key.to_string().into() },
                        )));
                        continue;
                    }
                    let child = self.evaluate(child);
                    if !child.is_null() {
                        members.entries.push((key.clone(), child));
                    }
                }
                Value::Map(members)
            }
            Value::List(list) => {
                let mut elements = List { items: vec![], more: list.more.clone() };
                for item in &list.items {
                    let evaluated = self.evaluate(item);
                    match evaluated.value {
                        Value::Null => {}
                        // A choice between an element and none, or between lists.
                        Value::Unknown(reason) if item.member("Fn::If").is_some() => elements.more = Some(reason),
                        _ => elements.items.push(evaluated),
                    }
                }
                Value::List(elements)
            }
            Value::Text(text) if text.known().is_some_and(|text| text.contains("{{resolve:")) => {
                let Value::Text(text) = self.dynamic(text.known().unwrap_or_default(), node.at).value else {
                    return node.clone();
                };
                Value::Text(text)
            }
            other => other.clone(),
        };
        Node::new(value, node.at)
    }

    fn call(&self, name: &str, argument: &Node, at: At) -> Node {
        match name {
            "Ref" => argument.as_str().map_or_else(|| Self::cannot(name, at), |name| self.reference(name, at)),
            "Fn::GetAtt" => {
                let (id, attribute) = match (argument.as_str(), argument.elements()) {
                    (Some(dotted), _) => match dotted.split_once('.') {
                        Some((id, attribute)) => (id.to_owned(), attribute.to_owned()),
                        None => return Self::cannot(name, at),
                    },
                    (None, [id, attribute]) => match (id.as_str(), self.evaluate(attribute).as_str()) {
                        (Some(id), Some(attribute)) => (id.to_owned(), attribute.to_owned()),
                        _ => return Self::cannot(name, at),
                    },
                    _ => return Self::cannot(name, at),
                };
                self.attribute(&id, &attribute, at).unwrap_or_else(|| Self::cannot(name, at))
            }
            "Fn::Sub" => self.substitute(argument, at),
            "Fn::Join" => self.join(argument, at),
            "Fn::Split" => match argument.elements() {
                [delimiter, source] => match (delimiter.as_str(), self.evaluate(source)) {
                    (Some(delimiter), source) if source.as_str().is_some() => {
                        let text = source.as_str().unwrap_or_default();
                        let items = text.split(delimiter).map(|piece| Node::text(piece, at)).collect();
                        Node::new(Value::List(List { items, more: None }), at)
                    }
                    (_, source) => Self::because(&source, at),
                },
                _ => Self::cannot(name, at),
            },
            "Fn::Select" => match argument.elements() {
                [index, list] => {
                    let index = self.evaluate(index);
                    let list = self.evaluate(list);
                    let number = match &index.value {
                        #[expect(
                            clippy::cast_possible_truncation,
                            clippy::cast_sign_loss,
                            reason = "an index that is out of range finds nothing"
                        )]
                        Value::Number(number) => Some(*number as usize),
                        Value::Text(text) => text.known().and_then(|text| text.parse().ok()),
                        _ => None,
                    };
                    match number.and_then(|number| list.elements().get(number)) {
                        Some(element) => Node::new(element.value.clone(), at),
                        None => Self::because(&list, at),
                    }
                }
                _ => Self::cannot(name, at),
            },
            "Fn::If" => match argument.elements() {
                [condition, then, otherwise] => {
                    let condition = condition.as_str().unwrap_or_default();
                    match self.condition(condition) {
                        Ternary::Yes => self.evaluate(then),
                        Ternary::No => self.evaluate(otherwise),
                        Ternary::Unknown => {
                            let (one, other) = (self.evaluate(then), self.evaluate(otherwise));
                            if one.first_unknown().is_none() && one.to_json() == other.to_json() {
                                return one;
                            }
                            Node::unknown(Cause::Symbolic, Gap::Condition { condition: condition.into() }, at)
                        }
                    }
                }
                _ => Self::cannot(name, at),
            },
            "Fn::FindInMap" => self.find_in_map(argument, at),
            // What a text is encoded for is of no interest here; its content is.
            "Fn::Base64" => Node::new(self.evaluate(argument).value, at),
            // A policy as text is read as the object that it is.
            "Fn::ToJsonString" => Node::new(self.evaluate(argument).value, at),
            "Fn::ImportValue" => {
                let export = self.evaluate(argument);
                let export = export.to_json().as_str().unwrap_or_default().to_owned();
                self.symbol(
                    &format!("ImportValue:{export}"),
                    SymbolScope::AccountRegion,
                    Gap::Export { export: export.as_str().into() },
                    at,
                )
            }
            "Fn::Equals" | "Fn::And" | "Fn::Or" | "Fn::Not" => match self.predicate(name, argument) {
                Ternary::Yes => Node::new(Value::Flag(true), at),
                Ternary::No => Node::new(Value::Flag(false), at),
                Ternary::Unknown => Self::cannot(name, at),
            },
            _ => Node::unknown(Cause::Symbolic, Gap::WhenMade { name: name.into() }, at),
        }
    }

    fn cannot(name: &str, at: At) -> Node {
        Node::unknown(Cause::Symbolic, Gap::NotEvaluated { name: name.into() }, at)
    }

    /// What depends on something unknown is unknown for its reason.
    fn because(source: &Node, at: At) -> Node {
        match source.first_unknown() {
            Some((reason, _)) => Node::new(Value::Unknown(Box::new(reason)), at),
            None => Node::unknown(Cause::Symbolic, Gap::NoElement, at),
        }
    }

    fn reference(&self, name: &str, at: At) -> Node {
        if let Some(pseudo) = self.pseudo(name, at) {
            return pseudo;
        }
        if let Some(parameter) = self.root.at_path(&["Parameters", name]) {
            return self.parameter(name, parameter, at);
        }
        if self.resource(name).is_some() {
            return self.attribute(name, "", at).unwrap_or_else(|| Self::cannot("Ref", at));
        }
        Node::unknown(Cause::Symbolic, Gap::NotDeclared { name: name.into() }, at)
    }

    fn resource(&self, id: &str) -> Option<&'a Node> {
        self.root.at_path(&["Resources", id])
    }

    fn parameter(&self, name: &str, parameter: &Node, at: At) -> Node {
        let kind = parameter.str_at(&["Type"]).unwrap_or("String");
        // What a nested stack is given is the other template's to say.
        let open = !self.nested || !self.given.contains_key(name);
        let stated = self.stated.parameters.iter().rev().filter(|_| open);
        let given = stated.into_iter().find(|(given, _)| given == name).map(|(_, value)| value.clone());
        let default = parameter.member("Default").filter(|default| !default.is_null());
        // The official template has a parameter that is the cluster's name and nothing else.
        let bound =
            if name == "ClusterName" && default.is_none() && open { self.stated.cluster_name.clone() } else { None };
        let stated = given.or(bound).map(|value| Node::text(value, at));
        let value = match (stated, self.given.get(name)) {
            (None, Some(Given::Differing(values))) => {
                let gap = Gap::ParameterFiles { name: name.into(), values: values.as_str().into() };
                return self.symbol(name, self.scope, gap, at);
            }
            (None, Some(Given::Value(value))) => Some(Node::new(value.value.clone(), at)),
            (stated, _) => stated,
        };
        if value.is_none()
            && let Some(default) = default.and_then(Node::as_str).filter(|default| self.is_guess(name, default))
        {
            let gap = Gap::Default { name: name.into(), default: default.into() };
            return self.symbol(name, self.scope, gap, at);
        }
        match value.or_else(|| default.cloned()) {
            // A default of such a type names a parameter of SSM, whose value is AWS's.
            Some(_) if kind.starts_with("AWS::SSM::") => {
                self.symbol(name, self.scope, Gap::Ssm { name: name.into() }, at)
            }
            Some(value) if kind == "CommaDelimitedList" || kind.starts_with("List<") => {
                let text = value.to_json();
                let items =
                    text.as_str().unwrap_or_default().split(',').map(|item| Node::text(item.trim(), at)).collect();
                Node::new(Value::List(List { items, more: None }), at)
            }
            Some(value) => Node::new(value.value, at),
            None => self.symbol(name, self.scope, Gap::Parameter { name: name.into() }, at),
        }
    }

    /// Is a parameter's default the name of a cluster that nothing else here speaks of, no flag either? A stack gives another
    /// name then.
    fn is_guess(&self, name: &str, default: &str) -> bool {
        let is_said = self.called.contains(default) || self.stated.cluster_name.as_deref() == Some(default);
        parameters::names_a_cluster(name) && !self.called.is_empty() && !is_said
    }

    /// What `Ref` (an empty attribute) or `GetAtt` gives of a resource.
    pub(super) fn attribute(&self, id: &str, attribute: &str, at: At) -> Option<Node> {
        if let Some(name) = attribute.strip_prefix("Outputs.") {
            let stack = self.nested(id)?;
            let output = stack.root.at_path(&["Outputs", name, "Value"])?;
            return stack.further(output).map(|value| Node::new(value.value, at));
        }
        let resource = self.resource(id)?;
        let kind = resource.str_at(&["Type"]).unwrap_or_default();
        let address = Address { scope: self.scope, id: Arc::from(id), attribute: Arc::from(attribute) };
        let name = || {
            let named = aws::naming(kind)
                .and_then(|field| resource.at_path(&["Properties", field]))
                .and_then(|name| self.further(name));
            match named?.value {
                Value::Text(text) if !text.is_empty() => Some(text),
                _ => None,
            }
        };
        let home = || AccountRegion {
            partition: self.text("AWS::Partition", at),
            region: self.text("AWS::Region", at),
            account: self.text("AWS::AccountId", at),
        };
        let arn = || {
            // What cannot be evaluated any further is unknown.
            let property = |name: &str| {
                let node = resource.at_path(&["Properties", name])?;
                let cannot = || Self::cannot(name, at);
                Some(self.further(node).unwrap_or_else(cannot).value)
            };
            let id = arn::resource_id(kind, &name()?, &property)?;
            arn::compose(kind, &home(), &id)
        };
        let known = aws::of(kind);
        let text = match (attribute, known.map(|known| known.reference)) {
            ("", Some(Ref::Identifier)) => name(),
            ("", Some(Ref::Arn)) | ("Arn" | "PolicyArn", _) => arn(),
            ("", _) => None,
            _ => name().filter(|_| known.is_some_and(|known| known.identifier == Some(attribute))),
        };
        let written = if attribute.is_empty() { id.to_owned() } else { format!("{id}.{attribute}") };
        let text = text.unwrap_or_else(|| {
            Text::symbol(Symbol::new(
                format!("${{{written}}}"),
                self.scope,
                Gap::WhenMade { name: written.as_str().into() },
            ))
        });
        Some(Node::text(text.referring(address), at))
    }

    fn text(&self, pseudo: &str, at: At) -> Text {
        match self.pseudo(pseudo, at).map(|node| node.value) {
            Some(Value::Text(text)) => text,
            _ => Text::from(""),
        }
    }

    fn substitute(&self, argument: &Node, at: At) -> Node {
        let (source, variables) = match argument.elements() {
            [template, variables, ..] => (template, Some(variables)),
            _ => (argument, None),
        };
        let Some(template) = source.as_str() else { return Self::cannot("Fn::Sub", at) };
        // What stands in a block of lines is found by the place of the block, not by that of the property.
        let at = if template.trim_end().contains('\n') { source.at } else { at };
        let (mut parts, mut made): (Vec<Part>, usize) = (vec![], 0);
        let mut whole = None;
        let mut rest = template;
        while let Some(start) = rest.find("${") {
            let Some(end) = rest[start..].find('}').map(|end| start + end) else { break };
            let name = &rest[start + 2..end];
            if made > MAX_TEXT || self.spent(1) {
                return Self::too_much(at);
            }
            parts.push(Part::Known(rest[..start].into()));
            if let Some(literal) = name.strip_prefix('!') {
                parts.push(Part::Known(format!("${{{literal}}}").into()));
            } else {
                let own = variables.and_then(|variables| variables.member(name)).map(|value| self.evaluate(value));
                let value = own.unwrap_or_else(|| match name.split_once('.') {
                    Some((id, attribute)) => {
                        self.attribute(id, attribute, at).unwrap_or_else(|| Self::cannot(name, at))
                    }
                    // `${aws:username}` in a policy is a mistake that AWS refuses; nothing else has a colon but these.
                    None => self.reference(name, at),
                });
                match value.value {
                    Value::Text(text) => {
                        if rest.len() == template.len() && start == 0 && end + 1 == template.len() {
                            whole = text.refers().cloned();
                        }
                        parts.extend(text.into_parts().into_iter().inspect(|part| made += length(part)));
                    }
                    Value::Flag(_) | Value::Number(_) => parts.push(Part::Known(plain(&value).into())),
                    Value::Null => {}
                    _ => {
                        let reason = value.first_unknown().map_or_else(
                            || Reason::new(Cause::Symbolic, Gap::NotText { name: name.into() }),
                            |(reason, _)| reason.as_cause(Cause::Symbolic),
                        );
                        parts.push(Part::Hole(Symbol {
                            name: format!("${{{name}}}").into(),
                            scope: self.scope,
                            reason,
                        }));
                    }
                }
            }
            rest = &rest[end + 1..];
        }
        parts.push(Part::Known(rest.into()));
        self.spent(made / 64);
        let text = Text::from_parts(parts);
        match (whole, text.known()) {
            (Some(address), _) => Node::text(text.referring(address), at),
            (None, Some(known)) if known.contains("{{resolve:") => self.dynamic(known, at),
            _ => Node::text(text, at),
        }
    }

    /// `{{resolve:ssm:…}}`: AWS fills it in.
    fn dynamic(&self, text: &str, at: At) -> Node {
        let mut parts = vec![];
        let mut rest = text;
        while let Some(start) = rest.find("{{resolve:") {
            let Some(end) = rest[start..].find("}}").map(|end| start + end + 2) else { break };
            let name = &rest[start..end];
            parts.push(Part::Known(rest[..start].into()));
            parts.push(Part::Hole(Symbol::new(name, SymbolScope::AccountRegion, Gap::Resolved { name: name.into() })));
            rest = &rest[end..];
        }
        parts.push(Part::Known(rest.into()));
        Node::text(Text::from_parts(parts), at)
    }

    fn join(&self, argument: &Node, at: At) -> Node {
        let [delimiter, list] = argument.elements() else { return Self::cannot("Fn::Join", at) };
        let Some(delimiter) = delimiter.as_str() else { return Self::cannot("Fn::Join", at) };
        let list = self.evaluate(list);
        let Value::List(List { items, more: None }) = &list.value else { return Self::because(&list, at) };
        let (mut parts, mut made) = (vec![], 0);
        for (index, item) in items.iter().enumerate() {
            if made > MAX_TEXT || self.spent(1) {
                return Self::too_much(at);
            }
            if index > 0 {
                made += delimiter.len();
                parts.push(Part::Known(delimiter.into()));
            }
            match &item.value {
                Value::Text(text) => {
                    let own = text.clone().into_parts();
                    parts.extend(own.into_iter().inspect(|part| made += length(part)));
                }
                Value::Flag(_) | Value::Number(_) => parts.push(Part::Known(plain(item).into())),
                _ => return Self::because(item, at),
            }
        }
        self.spent(made / 64);
        let text = Text::from_parts(parts);
        match items.as_slice() {
            [Node { value: Value::Text(only), .. }] if only.refers().is_some() => Node::text(only.clone(), at),
            _ => Node::text(text, at),
        }
    }

    fn find_in_map(&self, argument: &Node, at: At) -> Node {
        let keys: Vec<Node> = argument.elements().iter().take(3).map(|key| self.evaluate(key)).collect();
        let known: Vec<&str> = keys.iter().filter_map(Node::as_str).collect();
        let [map, first, second] = known.as_slice() else {
            return keys
                .iter()
                .find(|key| key.as_str().is_none())
                .map_or_else(|| Self::cannot("Fn::FindInMap", at), |key| Self::because(key, at));
        };
        match self.root.at_path(&["Mappings", map, first, second]) {
            Some(found) => Node::new(found.value.clone(), at),
            None => match argument.elements().get(3).and_then(|options| options.member("DefaultValue")) {
                Some(default) => self.evaluate(default),
                None => Self::cannot("Fn::FindInMap", at),
            },
        }
    }
}

/// Bytes of what is known, and at least one for each part.
fn length(part: &Part) -> usize {
    match part {
        Part::Known(text) => text.len().max(1),
        Part::Hole(_) => 1,
    }
}

fn plain(node: &Node) -> String {
    match node.to_json() {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    }
}
