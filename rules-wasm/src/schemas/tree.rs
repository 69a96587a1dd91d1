//! Objects as trees, with what is not known of them.

use karpcheck_sdk::prelude::*;

use crate::schemas::json;

/// A value of an object.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Node {
    /// It may be anything, or nothing.
    Unknown,
    /// A text that is set, of which only a part is known.
    Part,
    Text(String),
    Number(f64),
    Flag(bool),
    List(Vec<Self>, Whole),
    /// The members that are there: what is null is not.
    Map(Vec<(String, Self)>, Whole),
}

/// Is it all that there is?
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Whole {
    Yes,
    /// There may be more.
    No,
}

impl Node {
    /// What a field holds, none where it is absent.
    pub(crate) fn read(field: &Field) -> Option<Self> {
        let node = match field.value() {
            Value::Absent => return None,
            Value::Text(text) => Self::of_text(text.clone()),
            Value::Number(number) => Self::Number(*number),
            Value::Flag(flag) => Self::Flag(*flag),
            Value::Json(json) => return Self::parse(json),
            Value::Unknown(_) => Self::read_parts(field),
        };
        Some(node)
    }

    /// Of what is not known as a whole, the parts that are.
    fn read_parts(field: &Field) -> Self {
        let mut whole = if field.open().is_some() { Whole::No } else { Whole::Yes };
        let mut children: Vec<(String, Field)> = vec![];
        for child in field.each() {
            match child {
                // A name that is known in part names nothing.
                Ok(child) if child.index().is_none() && child.key().text().is_err() => whole = Whole::No,
                Ok(child) => children.push((child.name(), child)),
                Err(_) => whole = Whole::No,
            }
        }
        if children.is_empty() {
            return if field.matches("?*").is_yes() { Self::Part } else { Self::Unknown };
        }
        let parts = children.iter().filter_map(|(name, child)| Some((name.clone(), Self::read(child)?)));
        if children.iter().all(|(_, child)| child.index().is_some()) {
            return Self::List(parts.map(|(_, node)| node).collect(), whole);
        }
        Self::Map(parts.collect(), whole)
    }

    /// A text; what is left for a tool to fill in is known in part.
    pub(super) fn of_text(text: String) -> Self {
        if is_template(&text) { Self::Part } else { Self::Text(text) }
    }

    /// What a JSON text says; none where it is null, or no JSON.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        json::parse(text, json::Texts::Templates)
    }

    /// The same of an object, but for some of its members.
    pub(crate) fn parse_without(text: &str, left_out: &[&str]) -> Option<Self> {
        json::parse_without(text, json::Texts::Templates, left_out)
    }

    /// The text, if it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The member of this name.
    pub(crate) fn member(&self, name: &str) -> Option<&Self> {
        let Self::Map(members, _) = self else { return None };
        members.iter().find(|(own, _)| own == name).map(|(_, node)| node)
    }

    /// As a message has it.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Flag(flag) => flag.to_string(),
            Self::List(..) => "a list".into(),
            Self::Map(..) => "an object".into(),
            Self::Unknown | Self::Part => "not known".into(),
        }
    }

    /// A part, by a pointer.
    pub(crate) fn at(&self, pointer: &str) -> Option<&Self> {
        pointer.split('/').skip(1).try_fold(self, |node, segment| match node {
            Self::List(list, _) => list.get(segment.parse::<usize>().ok()?),
            _ if segment.contains('~') => node.member(&segment.replace("~1", "/").replace("~0", "~")),
            _ => node.member(segment),
        })
    }

    /// The same with maps that may have more members: all but those inside of lists, which a patch takes the place of.
    pub(crate) fn into_patch(self) -> Self {
        match self {
            Self::Map(members, _) => {
                Self::Map(members.into_iter().map(|(name, node)| (name, node.into_patch())).collect(), Whole::No)
            }
            other => other,
        }
    }
}

/// Does a text hold a place that a tool is yet to fill, in a notation which the readers do not take for one?
fn is_template(text: &str) -> bool {
    // Hardly a text has a sign that any of them begins with.
    text.bytes().any(|byte| matches!(byte, b'{' | b'$' | b'<' | b'_')) && has_template(text)
}

fn has_template(text: &str) -> bool {
    ["{{", "${", "$(", "<%", "{%"].iter().any(|open| text.contains(open))
        || (text.starts_with('<') && text.ends_with('>'))
        || (text.starts_with("__") && text.ends_with("__") && text.len() > 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_read_from_json() {
        let node = Node::parse(r#"{"a": [1, {"b/c": true}], "gone": null, "t": "${X}"}"#).unwrap();
        assert_eq!(node.at("/a/1/b~1c"), Some(&Node::Flag(true)));
        assert_eq!(node.member("gone"), None);
        assert_eq!(node.member("t"), Some(&Node::Part));
        assert_eq!(Node::parse("no json"), None);
    }

    #[test]
    fn a_patch_may_have_more_members_but_not_inside_of_lists() {
        let node = Node::parse(r#"{"a": {"b": [{"c": 1}]}}"#).unwrap().into_patch();
        let Some(Node::Map(_, inner)) = node.at("/a") else { panic!() };
        let Some(Node::Map(_, element)) = node.at("/a/b/0") else { panic!() };
        assert_eq!((*inner, *element), (Whole::No, Whole::Yes));
    }
}
