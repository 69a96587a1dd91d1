//! Placeholders in files that somebody fills in later: `$VAR` and `${VAR}` of envsubst, `{{ … }}` of Go templates,
//! `${schema.spec.x}` of kro, `<<NAME>>` and `<NAME>` of documentation. Each becomes a symbol of the whole run. Policy variables (`${aws:PrincipalTag/x}`) are not
//! placeholders.

use crate::inventory::reason::Template;
use crate::inventory::{Cause, Node, Part, Symbol, SymbolScope, Text, Value};

/// Which placeholders a text may have.
#[derive(Clone, Copy)]
struct Forms {
    /// `<NAME>`.
    bracketed: bool,
    /// The others.
    signed: bool,
}

/// Turns the placeholders of all texts and keys below a node into symbols.
pub(super) fn mark(node: &mut Node) {
    mark_all(node, Forms { bracketed: true, signed: true });
}

/// The same, of those in angle brackets alone: the text's own language has signs of its own for the others.
pub(super) fn mark_bracketed(node: &mut Node) {
    mark_all(node, Forms { bracketed: true, signed: false });
}

/// Of a Kubernetes object whose name is left blank, what else is left blank is to be filled in: nobody applies it as it is.
pub(super) fn mark_form(object: &mut Node) {
    let named = |name: &str| object.at_path(&["metadata", name]);
    if named("name").is_none_or(|name| !name.is_blank()) || named("generateName").is_some_and(|name| !name.is_blank()) {
        return;
    }
    if let Value::Map(map) = &mut object.value {
        for (_, node) in map.entries.iter_mut().filter(|(key, _)| !key.is("metadata")) {
            mark_blanks(node);
        }
    }
}

fn mark_blanks(node: &mut Node) {
    if node.is_blank() {
        *node = Node::unknown(Cause::Symbolic, Template::Form, node.at);
        return;
    }
    match &mut node.value {
        Value::List(list) => list.items.iter_mut().for_each(mark_blanks),
        Value::Map(map) => map.entries.iter_mut().for_each(|(_, node)| mark_blanks(node)),
        _ => {}
    }
}

/// Turns the variables of the Serverless Framework, `${self:custom.name}`, in the texts below a node into symbols.
pub(super) fn mark_serverless(node: &mut Node) {
    match &mut node.value {
        Value::Text(text) => text.split(|known| known.contains("${").then(|| variables(known)).flatten()),
        Value::List(list) => list.items.iter_mut().for_each(mark_serverless),
        Value::Map(map) => map.entries.iter_mut().for_each(|(_, node)| mark_serverless(node)),
        Value::Null | Value::Flag(_) | Value::Number(_) | Value::Unknown(_) => {}
    }
}

/// The pieces of a text with variables that name where they come from; none if it has none.
fn variables(text: &str) -> Option<Vec<Part>> {
    const SOURCES: &[&str] =
        &["self:", "opt:", "env:", "file(", "cf:", "cf(", "ssm:", "ssm(", "sls:", "param:", "s3:", "git:"];
    let mut parts = vec![];
    let mut rest = text;
    while let Some(found) = rest
        .match_indices("${")
        .map(|(index, _)| index)
        .find(|index| SOURCES.iter().any(|source| rest[index + 2..].trim_start().starts_with(source)))
    {
        // One may stand in another: `${self:custom.${opt:stage}}`.
        let end = found + closing(&rest[found + 2..])? + 3;
        let name = &rest[found..end];
        parts.push(Part::Known(rest[..found].into()));
        parts.push(Part::Hole(Symbol::new(name, SymbolScope::Run, Template::Placeholder { name: name.into() })));
        rest = &rest[end..];
    }
    if parts.is_empty() {
        return None;
    }
    parts.push(Part::Known(rest.into()));
    Some(parts)
}

fn mark_all(node: &mut Node, forms: Forms) {
    match &mut node.value {
        Value::Text(text) => mark_text(text, forms),
        Value::List(list) => list.items.iter_mut().for_each(|node| mark_all(node, forms)),
        Value::Map(map) => {
            for (key, node) in &mut map.entries {
                mark_text(key, forms);
                // In a template of EventBridge `<name>` is what an event has there.
                let template = ["inputTemplate", "InputTemplate", "input_template"].iter().any(|name| key.is(name));
                mark_all(node, Forms { bracketed: forms.bracketed && !template, ..forms });
            }
        }
        Value::Null | Value::Flag(_) | Value::Number(_) | Value::Unknown(_) => {}
    }
}

/// Gives placeholders in the texts below a node their values, by the words that they were written with. Did any get one?
pub(super) fn fill(node: &mut Node, value_of: &dyn Fn(&str) -> Option<Node>) -> bool {
    match &mut node.value {
        Value::Text(text) => match filled(text, value_of) {
            Some(value) => {
                node.value = value;
                true
            }
            None => false,
        },
        Value::List(list) => list.items.iter_mut().fold(false, |any, item| fill(item, value_of) | any),
        Value::Map(map) => map.entries.iter_mut().fold(false, |any, (_, item)| fill(item, value_of) | any),
        Value::Null | Value::Flag(_) | Value::Number(_) | Value::Unknown(_) => false,
    }
}

fn filled(text: &Text, value_of: &dyn Fn(&str) -> Option<Node>) -> Option<Value> {
    text.hole()?;
    let (mut parts, mut known, mut count): (Vec<Part>, bool, usize) = (vec![], false, 0);
    for part in text.clone().into_parts() {
        count += 1;
        let Part::Hole(symbol) = part else {
            parts.push(part);
            continue;
        };
        let value = value_of(&symbol.name);
        known |= value.is_some();
        match value.map(|value| (value.to_json(), value.value)) {
            Some((_, Value::Text(value))) => parts.extend(value.into_parts()),
            Some((json, _)) => parts.push(Part::Known(json.to_string().into())),
            None => parts.push(Part::Hole(symbol)),
        }
    }
    let made = Text::from_parts(parts);
    // The value becomes a part of the text of the file, so that one that stands alone is read as YAML.
    known.then(|| match made.known().filter(|_| count == 1) {
        Some("true") => Value::Flag(true),
        Some("false") => Value::Flag(false),
        _ => Value::Text(made),
    })
}

/// The names within an expression that only names something: `{{ .Values.cluster }}`, `{{name}}`.
pub(super) fn named(written: &str) -> Option<Vec<&str>> {
    let inner = written.strip_prefix("{{")?.strip_suffix("}}")?.trim_matches('-').trim();
    let plain = |name: &&str| {
        !name.is_empty() && name.chars().all(|char| char.is_ascii_alphanumeric() || matches!(char, '_' | '-'))
    };
    let names: Vec<&str> = inner.strip_prefix('.').unwrap_or(inner).split('.').collect();
    names.iter().all(plain).then_some(names)
}

fn mark_text(text: &mut Text, forms: Forms) {
    let any = |text: &str| text.contains(['$', '<']) || text.contains("{{");
    text.split(|known| any(known).then(|| split(known, forms)).flatten());
}

/// The pieces of a text with placeholders; none if it has none.
fn split(text: &str, forms: Forms) -> Option<Vec<Part>> {
    let mut parts = vec![];
    let mut rest = text;
    let mut plain = 0;
    while let Some(found) = rest[plain..].find(['$', '{', '<']).map(|index| plain + index) {
        let wanted = if rest[found..].starts_with('<') { forms.bracketed } else { forms.signed };
        match placeholder(&rest[found..]).filter(|_| wanted) {
            Some(length) => {
                let name = &rest[found..found + length];
                parts.push(Part::Known(rest[..found].into()));
                parts.push(Part::Hole(Symbol::new(
                    name,
                    SymbolScope::Run,
                    Template::Placeholder { name: name.into() },
                )));
                rest = &rest[found + length..];
                plain = 0;
            }
            None => plain = found + 1,
        }
    }
    if parts.is_empty() {
        return None;
    }
    parts.push(Part::Known(rest.into()));
    Some(parts)
}

/// The length of the placeholder at the beginning of a text.
fn placeholder(text: &str) -> Option<usize> {
    if let Some(inner) = text.strip_prefix("{{") {
        return inner.find("}}").map(|end| end + 4);
    }
    if let Some(inner) = text.strip_prefix("${") {
        let end = closing(inner)?;
        return (!is_policy_variable(&inner[..end])).then_some(end + 3);
    }
    if text.starts_with('<') {
        return bracketed(text);
    }
    // A bare `$NAME` only in the capitals of a variable: `$1`, `$ref` and prices stay what they are.
    let name = text.strip_prefix('$')?;
    let length = name
        .find(|char: char| !(char.is_ascii_uppercase() || char.is_ascii_digit() || char == '_'))
        .unwrap_or(name.len());
    let named = length > 1 && name.starts_with(|char: char| char.is_ascii_uppercase() || char == '_');
    let lower = name[length..].starts_with(|char: char| char.is_ascii_lowercase());
    (named && !lower).then_some(length + 1)
}

/// `<<NAME>>` or `<NAME>`, of a name's characters alone.
fn bracketed(text: &str) -> Option<usize> {
    let open = if text.starts_with("<<") { 2 } else { 1 };
    let name = &text[open..];
    let length = name.find(|char: char| !(char.is_ascii_alphanumeric() || matches!(char, '_' | '-' | '.')))?;
    let closed = name[length..].starts_with(&">>"[..open]);
    (closed && name.starts_with(|char: char| char.is_ascii_alphabetic())).then_some(length + 2 * open)
}

/// The end of `${…}`, with nested braces.
fn closing(inner: &str) -> Option<usize> {
    let mut depth = 0_u32;
    for (index, char) in inner.char_indices() {
        match char {
            '{' => depth += 1,
            '}' if depth == 0 => return (index > 0).then_some(index),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// `aws:username`, `ec2:SourceInstanceARN`, `*`, `?`, `$`: IAM fills these in.
fn is_policy_variable(inner: &str) -> bool {
    if matches!(inner, "*" | "?" | "$") {
        return true;
    }
    let Some((service, key)) = inner.split_once(':') else { return false };
    let service = service.trim();
    !service.is_empty()
        && service.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && key.starts_with(|char: char| char.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{At, Map};

    fn holes(text: &str) -> Vec<String> {
        let mut text = Text::from(text);
        mark_text(&mut text, Forms { bracketed: true, signed: true });
        text.holes().map(|symbol| symbol.name.to_string()).collect()
    }

    #[test]
    fn placeholders_are_found() {
        assert_eq!(holes("KarpenterNodeRole-${CLUSTER_NAME}"), ["${CLUSTER_NAME}"]);
        assert_eq!(holes("$KMS_KEY_ARN"), ["$KMS_KEY_ARN"]);
        assert_eq!(holes("{{ .Cluster.ID }}-x-${A}"), ["{{ .Cluster.ID }}", "${A}"]);
        assert_eq!(holes("${schema.spec.name}"), ["${schema.spec.name}"]);
        assert_eq!(holes("${VAR:-default}"), ["${VAR:-default}"]);
        assert_eq!(holes("<<KARPENTER_NODE_IAM_ROLE_NAME>>"), ["<<KARPENTER_NODE_IAM_ROLE_NAME>>"]);
        assert_eq!(holes("arn:aws:kms:<region>:x"), ["<region>"]);
    }

    #[test]
    fn languages_with_signs_of_their_own_have_bracketed_ones() {
        let mut text = Text::from_parts([
            Part::Hole(Symbol::new("var.a", SymbolScope::Run, Template::Placeholder { name: "var.a".into() })),
            Part::Known(":<region>:${literal}".into()),
        ]);
        mark_text(&mut text, Forms { bracketed: true, signed: false });
        assert_eq!(text.holes().map(|symbol| &*symbol.name).collect::<Vec<_>>(), ["var.a", "<region>"]);
        let mut template = Map::default();
        template.set("input_template", Node::text("<detail> of ${a}", At::default()));
        let mut node = Node::new(Value::Map(template), At::default());
        mark_bracketed(&mut node);
        assert_eq!(node.str_at(&["input_template"]), Some("<detail> of ${a}"));
    }

    #[test]
    fn other_dollars_are_texts() {
        for text in [
            "$1",
            "costs $5",
            "${aws:PrincipalTag/eks-cluster-name}",
            "${*}",
            "$ref",
            "{a}",
            "$",
            "${}",
            "a$b",
            "$Name",
            "a < b",
            "<",
            "<1>",
            "x<",
        ] {
            assert_eq!(holes(text), Vec::<String>::new(), "{text}");
        }
    }
}
