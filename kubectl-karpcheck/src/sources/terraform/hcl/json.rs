//! Terraform's JSON syntax, rewritten in its own: the same code reads both.

use std::fmt::Write;

use crate::formats::json;
use crate::formats::json::Base;
use crate::inventory::{At, DocId, Map, Node, Value};

/// How deep templates may nest in each other: the parser recurses.
const MAX_DEPTH: usize = 64;

/// A text of Terraform's, and where each of its parts stands in the JSON that it was made of, by offset.
#[derive(Debug, Default)]
pub(super) struct Rewritten {
    pub(super) text: String,
    pub(super) places: Vec<(usize, At)>,
}

/// Rewrites a file. What is wrong with its JSON, and where, if something is.
pub(super) fn rewrite(doc: DocId, text: &str) -> Result<Rewritten, (String, At)> {
    let (nodes, _, broken) = json::read(text, Base::File(doc));
    if let Some(broken) = broken {
        return Err((broken.kind.to_string(), broken.at));
    }
    let mut out = Rewritten::default();
    for (key, node) in nodes.iter().flat_map(entries) {
        match key {
            "resource" | "data" => {
                for (kind, named) in entries(node) {
                    for (name, body) in entries(named) {
                        out.block(&format!("{key} {} {}", quoted(kind), quoted(name)), body, kind.starts_with("aws_"));
                    }
                }
            }
            "module" | "output" | "provider" | "variable" => {
                for (name, body) in entries(node) {
                    let head = format!("{key} {}", quoted(name));
                    if key == "variable" { out.literal(&head, body) } else { out.block(&head, body, false) }
                }
            }
            "locals" => out.block(key, node, false),
            // Only that there are some counts.
            "terraform" => {
                for (name, _) in entries(node).into_iter().filter(|(name, _)| matches!(*name, "backend" | "cloud")) {
                    out.mark(node.at);
                    let _ = writeln!(out.text, "terraform {{\n{name} {{\n}}\n}}");
                }
            }
            _ => {}
        }
    }
    Ok(out)
}

/// Rewrites a file of values, `*.tfvars.json`, whose texts are no templates.
pub(super) fn rewrite_values(doc: DocId, text: &str) -> Result<Rewritten, (String, At)> {
    let (nodes, _, broken) = json::read(text, Base::File(doc));
    if let Some(broken) = broken {
        return Err((broken.kind.to_string(), broken.at));
    }
    let mut out = Rewritten::default();
    for (name, node) in nodes.iter().flat_map(entries).filter(|(name, _)| is_identifier(name)) {
        out.attribute(name, node, false);
    }
    Ok(out)
}

/// The members of an object, or of the objects in a list: JSON's syntax takes both for blocks.
fn entries(node: &Node) -> Vec<(&str, &Node)> {
    bodies(node).flat_map(|(_, map)| &map.entries).filter_map(|(key, node)| Some((key.known()?, node))).collect()
}

fn bodies(node: &Node) -> impl Iterator<Item = (At, &Map)> {
    let all = if node.as_map().is_some() { std::slice::from_ref(node) } else { node.elements() };
    all.iter().filter_map(|node| Some((node.at, node.as_map()?)))
}

impl Rewritten {
    fn mark(&mut self, at: At) {
        self.places.push((self.text.len(), at));
    }

    fn put(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// A block for each body. Are objects in it blocks too? Of the AWS provider's arguments all are but the tags.
    fn block(&mut self, head: &str, node: &Node, nested: bool) {
        for (at, map) in bodies(node) {
            self.mark(at);
            let _ = writeln!(self.text, "{head} {{");
            for (name, node) in map.entries.iter().filter_map(|(key, node)| Some((key.known()?, node))) {
                let objects = bodies(node).next().is_some();
                match name {
                    _ if node.is_null() || !is_identifier(name) => {}
                    "dynamic" if objects => {
                        for (label, body) in entries(node) {
                            self.block(&format!("dynamic {}", quoted(label)), body, nested);
                        }
                    }
                    "tags" | "tags_all" | "for_each" => self.attribute(name, node, true),
                    "content" | "lifecycle" | "set" | "set_sensitive" if objects => self.block(name, node, nested),
                    _ if nested && objects => self.block(name, node, nested),
                    _ => self.attribute(name, node, true),
                }
            }
            self.put("}\n");
        }
    }

    /// A variable's block, whose texts are no templates.
    fn literal(&mut self, head: &str, node: &Node) {
        for (at, map) in bodies(node) {
            self.mark(at);
            let _ = writeln!(self.text, "{head} {{");
            for (key, node) in &map.entries {
                if let Some(name @ ("default" | "sensitive" | "nullable")) = key.known() {
                    self.attribute(name, node, false);
                }
            }
            self.put("}\n");
        }
    }

    fn attribute(&mut self, name: &str, node: &Node, templates: bool) {
        self.mark(node.at);
        let _ = write!(self.text, "{name} = ");
        self.expression(node, templates);
        self.put("\n");
    }

    fn expression(&mut self, node: &Node, templates: bool) {
        self.mark(node.at);
        match &node.value {
            Value::Text(text) => {
                let text = text.known().unwrap_or_default();
                let written = if templates { template(text) } else { quoted(text) };
                self.put(&written);
            }
            Value::List(list) => {
                self.put("[");
                for item in &list.items {
                    self.expression(item, templates);
                    self.put(", ");
                }
                self.put("]");
            }
            Value::Map(map) => {
                self.put("{\n");
                for (key, node) in map.entries.iter().filter_map(|(key, node)| Some((key.known()?, node))) {
                    let key = if templates { template(key) } else { quoted(key) };
                    self.put(&key);
                    self.put(" = ");
                    self.expression(node, templates);
                    self.put("\n");
                }
                self.put("}");
            }
            _ => {
                let written = node.to_json().to_string();
                self.put(&written);
            }
        }
    }
}

fn is_identifier(name: &str) -> bool {
    name.starts_with(|first: char| first.is_alphabetic() || first == '_')
        && name.chars().all(|one| one.is_alphanumeric() || matches!(one, '_' | '-'))
}

/// A text that means itself.
fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text).replace("${", "$${").replace("%{", "%%{"))
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for one in text.chars() {
        match one {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            one if one.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(one));
            }
            one => out.push(one),
        }
    }
    out
}

/// A text whose `${…}` are expressions, which are kept as they are. One that is nothing else is the expression's value.
fn template(text: &str) -> String {
    if let Some(inner) = text.strip_prefix("${")
        && end(text, 2, 0) == text.len()
        && let Some(inner) = inner.strip_suffix('}')
        && !inner.starts_with('~')
        && !inner.ends_with('~')
    {
        return format!("({})", inner.trim());
    }
    let mut out = String::from("\"");
    let mut from = 0;
    while let Some(found) = text[from..].find(['$', '%']).map(|found| from + found) {
        out.push_str(&escaped(&text[from..found]));
        let rest = &text[found..];
        let to = if rest.starts_with("$${") || rest.starts_with("%%{") {
            found + 3
        } else if rest.starts_with("${") || rest.starts_with("%{") {
            end(text, found + 2, 0)
        } else {
            found + 1
        };
        out.push_str(&text[found..to]);
        from = to;
    }
    out.push_str(&escaped(&text[from..]));
    out.push('"');
    out
}

/// Where the expression ends that begins at an offset: behind its brace, or at the end of the text.
fn end(text: &str, from: usize, depth: usize) -> usize {
    let bytes = text.as_bytes();
    let (mut at, mut braces, mut in_text) = (from, 0_usize, false);
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match (in_text, byte) {
            (true, b'\\') => at += 1,
            (_, b'"') => in_text = !in_text,
            (true, b'$' | b'%') if bytes.get(at) == Some(&b'{') => {
                if depth >= MAX_DEPTH {
                    return text.len();
                }
                at = end(text, at + 1, depth + 1);
            }
            (false, b'{') => braces += 1,
            (false, b'}') if braces == 0 => return at,
            (false, b'}') => braces -= 1,
            _ => {}
        }
    }
    text.len()
}
