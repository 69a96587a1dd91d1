//! Changes in Terraform's configuration. hcl-edit says where each part stands; only what changes is written anew.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Range;

use hcl_edit::Span as _;
use hcl_edit::expr::{Array, Expression, Object, ObjectKey};
use hcl_edit::structure::{Block, Body, Structure};
use hcl_edit::template::Element;
use hcl_edit::visit::{Visit, visit_expr};
use serde_json::Value;

use super::documents::Documents;
use super::inline::{Inline, is_like_json};
use super::render::ordered;
use super::terraform_json::escaped;
use super::{Names, Refused, Splice, distinct, line_end, line_start, under};
use crate::fixes::edit::{Target, Written};
use crate::inventory::At;

/// The type of the blocks that write a policy's document.
const DOCUMENT: &str = "aws_iam_policy_document";

/// Something that a place may mean.
#[derive(Clone, Copy)]
enum Part<'b> {
    Block(&'b Block),
    Array(&'b Array),
    Object(&'b Object),
    /// Anything else that is a value.
    Value(&'b Expression),
}

/// What was found at a place.
struct Found<'b> {
    part: Part<'b>,
    /// The bytes of the value.
    range: Range<usize>,
    /// The bytes of the argument whose whole value it is.
    argument: Option<Range<usize>>,
    /// Does it stand in a block that makes or looks up something? What a variable has by default is no one's value.
    certain: bool,
}

/// The number of a change in a text that is JSON, its path there, and its value.
type InlineChange<'w> = (usize, &'w [String], Option<Value>);

/// The changes of one fix. With an error, the number of the change.
pub(super) fn splices(
    body: &Body,
    text: &str,
    changes: &[(usize, &Written)],
    names: Names<'_>,
) -> Result<Vec<Splice>, (usize, Refused)> {
    let mut arguments: Vec<(usize, &Written)> = vec![];
    let mut lines: Vec<(usize, Written)> = vec![];
    let mut texts: BTreeMap<usize, (Inline, Vec<InlineChange<'_>>)> = BTreeMap::new();
    let heredocs = heredocs(body, text);
    for &(number, written) in changes {
        let Some(offset) = offset(text, written.change.at) else { return Err((number, Refused::NotFound)) };
        // A text of Terraform's is a template.
        let value = written.change.value.as_ref().map(escaped);
        if heredocs.iter().any(|range| range.contains(&offset)) {
            let mut own = written.clone();
            own.change.value = value;
            lines.push((number, own));
            continue;
        }
        let Some((path, range)) = written.change.inside.as_ref().zip(json_text(body, text, offset)) else {
            arguments.push((number, written));
            continue;
        };
        let own = match texts.entry(offset) {
            Entry::Occupied(own) => own.into_mut(),
            Entry::Vacant(new) => {
                let place = (written.change.at.line, written.change.at.column);
                new.insert((Inline::read(text, range, place).ok_or((number, Refused::Inline))?, vec![]))
            }
        };
        own.1.push((number, path, value));
    }
    let mut splices: Vec<Splice> = vec![];
    if !lines.is_empty() {
        let own: Vec<(usize, &Written)> = lines.iter().map(|(number, written)| (*number, written)).collect();
        splices.extend(Documents::lines(text, heredocs.into_iter()).splices(text, &own, names)?);
    }
    for (inline, changes) in texts.values() {
        let changes: Vec<_> = changes.iter().map(|(number, path, value)| (*number, *path, value.as_ref())).collect();
        splices.extend(inline.splices(&changes)?);
    }
    // An argument that is added takes the place of one that is removed from the same block.
    let (removals, others): (Vec<_>, Vec<_>) =
        arguments.into_iter().partition(|(_, change)| change.change.value.is_none() && change.change.rest.is_empty());
    let mut free: Vec<Range<usize>> = vec![];
    for (number, change) in removals {
        free.push(removed(body, text, change).map_err(|why| (number, why))?);
    }
    for (number, change) in others {
        let splice = splice(body, text, change, names, &mut free).map_err(|why| (number, why))?;
        splices.push(splice);
    }
    splices.extend(free.into_iter().map(|range| Splice::new(whole_lines(text, range), String::new())));
    distinct(splices).map_err(|why| (changes[0].0, why))
}

/// The lines of the heredocs that stand in blocks which make or look up something.
fn heredocs(body: &Body, text: &str) -> Vec<Range<usize>> {
    struct Heredocs<'t> {
        text: &'t str,
        found: Vec<Range<usize>>,
    }
    impl Visit for Heredocs<'_> {
        fn visit_expr(&mut self, expression: &Expression) {
            if let (Expression::HeredocTemplate(_), Some(span)) = (expression, expression.span()) {
                let raw = &self.text[span.clone()];
                let first = raw.find('\n').map(|newline| span.start + newline + 1);
                let last = line_start(self.text, span.start + raw.trim_end().len());
                self.found.extend(first.filter(|first| *first < last).map(|first| first..last));
            }
            visit_expr(self, expression);
        }
    }
    let mut heredocs = Heredocs { text, found: vec![] };
    body.blocks().filter(|block| is_certain(block)).for_each(|block| heredocs.visit_block(block));
    heredocs.found
}

/// The bytes of a text in quotes that may be JSON, if one begins there.
fn json_text(body: &Body, text: &str, offset: usize) -> Option<Range<usize>> {
    let found = find(body, offset).into_iter().find(|found| match found.part {
        Part::Value(expression) => {
            let is_text = matches!(expression, Expression::String(_) | Expression::StringTemplate(_));
            found.certain && is_text && is_like_json(&text[found.range.clone()])
        }
        _ => false,
    });
    found.map(|found| found.range)
}

fn is_certain(block: &Block) -> bool {
    matches!(block.ident.as_str(), "resource" | "data" | "locals" | "module")
}

/// The argument to take away.
fn removed(body: &Body, text: &str, written: &Written) -> Result<Range<usize>, Refused> {
    let offset = offset(text, written.change.at).ok_or(Refused::NotFound)?;
    let found = find(body, offset).into_iter().rev().find(|found| found.certain && found.argument.is_some());
    found.and_then(|found| found.argument).ok_or(Refused::Expression)
}

fn splice(
    body: &Body,
    text: &str,
    written: &Written,
    names: Names<'_>,
    free: &mut Vec<Range<usize>>,
) -> Result<Splice, Refused> {
    let change = &written.change;
    let value = change.value.as_ref().ok_or(Refused::NotFound)?;
    if written.beside {
        return Err(Refused::Unnamed);
    }
    // What the resource lacks stands under the name of its argument.
    if !change.rest.is_empty() && change.at == written.root {
        let offset = offset(text, written.root).ok_or(Refused::NotFound)?;
        let block = find(body, offset).into_iter().find_map(|found| match found.part {
            Part::Block(block) => Some(block),
            _ => None,
        });
        let block = block.ok_or(Refused::NotFound)?;
        let kind = block.labels.first().map(|label| label.as_str()).ok_or(Refused::NotFound)?;
        let named = names(kind, &written.path).ok_or(Refused::Unnamed)?;
        // Of what is nested, it is not known whether it is a block.
        let ([name], false) = (named.as_slice(), value.is_object() || value.is_array()) else {
            return Err(Refused::Unnamed);
        };
        if block.body.has_attribute(name) {
            return Err(Refused::Expression);
        }
        return argument(text, block, name, &rendered(value, 0), free);
    }
    let offset = offset(text, change.at).ok_or(Refused::NotFound)?;
    let all = find(body, offset);
    if !all.iter().any(|found| found.certain) {
        return Err(if all.is_empty() { Refused::NotFound } else { Refused::Expression });
    }
    match (change.rest.as_slice(), &change.target) {
        ([], _) => {
            let fits = |found: &&Found<'_>| match (&change.target, found.part) {
                (Target::Map(_), Part::Object(_)) | (Target::List(_), Part::Array(_)) => true,
                (Target::Leaf, Part::Value(expression)) => is_literal(expression),
                _ => false,
            };
            let found = all.iter().find(fits).ok_or(Refused::Expression)?;
            Ok(Splice::new(found.range.clone(), rendered(value, margin(text, found.range.start))))
        }
        ([dash, more @ ..], Target::List(_)) if dash == "-" => {
            let value = under(more, value);
            let list = all.iter().find_map(|found| match found.part {
                Part::Array(array) => Some(append(text, found, array, &value)),
                Part::Block(block) if is_document(block) => Some(statement(text, block, &value)),
                _ => None,
            });
            list.unwrap_or(Err(Refused::Expression))
        }
        ([name, more @ ..], Target::Map(_)) => {
            let object = all.iter().find_map(|found| match found.part {
                Part::Object(object) => Some((found, object)),
                _ => None,
            });
            let (found, object) = object.ok_or(Refused::Expression)?;
            insert(text, found, object, name, &under(more, value))
        }
        _ => Err(Refused::Unfit),
    }
}

fn is_document(block: &Block) -> bool {
    block.ident.as_str() == "data" && block.labels.first().is_some_and(|label| label.as_str() == DOCUMENT)
}

fn is_literal(expression: &Expression) -> bool {
    match expression {
        Expression::String(_) | Expression::Bool(_) | Expression::Number(_) | Expression::Null(_) => true,
        // One that only escapes something is a text like any other.
        Expression::StringTemplate(template) => template.iter().all(|part| matches!(part, Element::Literal(_))),
        _ => false,
    }
}

/// The byte of a place.
fn offset(text: &str, at: At) -> Option<usize> {
    let mut start = 0;
    for _ in 1..at.line {
        start += text[start..].find('\n')? + 1;
    }
    // A byte order mark is in no column.
    let start = start + if start == 0 && text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let line = &text[start..line_end(text, start)];
    let column = (at.column as usize).checked_sub(1)?;
    line.char_indices().map(|(byte, _)| byte).chain([line.len()]).nth(column).map(|byte| start + byte)
}

/// All that begins at a byte, the outer before the inner.
fn find(body: &Body, offset: usize) -> Vec<Found<'_>> {
    let mut found = vec![];
    in_body(body, offset, false, &mut found);
    found
}

fn in_body<'b>(body: &'b Body, offset: usize, certain: bool, found: &mut Vec<Found<'b>>) {
    for structure in body {
        let Some(range) = structure.span().filter(|range| range.contains(&offset)) else { continue };
        match structure {
            Structure::Attribute(attribute) => in_expression(&attribute.value, offset, Some(range), certain, found),
            Structure::Block(block) => {
                let certain = certain || is_certain(block);
                if range.start == offset {
                    found.push(Found { part: Part::Block(block), range, argument: None, certain });
                }
                in_body(&block.body, offset, certain, found);
            }
        }
    }
}

fn in_expression<'b>(
    expression: &'b Expression,
    offset: usize,
    argument: Option<Range<usize>>,
    certain: bool,
    found: &mut Vec<Found<'b>>,
) {
    let Some(range) = expression.span().filter(|range| range.contains(&offset)) else { return };
    let part = match expression {
        Expression::Array(array) => Part::Array(array),
        Expression::Object(object) => Part::Object(object),
        other => Part::Value(other),
    };
    if range.start == offset {
        found.push(Found { part, range, argument, certain });
    }
    match expression {
        Expression::Array(array) => array.iter().for_each(|item| in_expression(item, offset, None, certain, found)),
        Expression::Object(object) => {
            for (_, value) in object {
                in_expression(value.expr(), offset, None, certain, found);
            }
        }
        Expression::Parenthesis(inner) => in_expression(inner.inner(), offset, None, certain, found),
        // `jsonencode({…})` is what stands in it.
        Expression::FuncCall(call) => {
            let own = found.last().is_some_and(|last| last.range.start == offset);
            for inner in call.args.iter() {
                let start = if own { inner.span().map_or(offset, |span| span.start) } else { offset };
                in_expression(inner, start, None, certain, found);
            }
        }
        _ => {}
    }
}

/// The lines of an argument with their break.
fn whole_lines(text: &str, range: Range<usize>) -> Range<usize> {
    let (start, end) = (line_start(text, range.start), line_end(text, range.end.saturating_sub(1).max(range.start)));
    if !text[start..range.start].trim().is_empty() {
        return range;
    }
    let end = end + text[end..].find('\n').map_or(0, |newline| newline + 1);
    start..end
}

fn margin(text: &str, at: usize) -> usize {
    let line = &text[line_start(text, at)..];
    line.len() - line.trim_start_matches(' ').len()
}

/// An argument at the end of a block's arguments, its `=` under theirs; or in the place of one that goes.
fn argument(
    text: &str,
    block: &Block,
    name: &str,
    value: &str,
    free: &mut Vec<Range<usize>>,
) -> Result<Splice, Refused> {
    let span = block.span().ok_or(Refused::NotFound)?;
    let adds = Some((span.start, name.to_owned()));
    let place = free.iter().position(|range| span.contains(&range.start));
    let spans: Vec<Range<usize>> = block.body.attributes().filter_map(hcl_edit::Span::span).collect();
    let beside = match place {
        Some(place) => free[place].clone(),
        None => match spans.last() {
            Some(last) => last.clone(),
            None => {
                // `resource "aws_kms_key" "k" {}`
                let open = text[span.clone()].find('{').ok_or(Refused::NotFound)? + span.start + 1;
                let outer = margin(text, span.start);
                let close = if text[open..].trim_start().starts_with('}')
                    && !text[open..line_end(text, open)].trim().is_empty()
                {
                    format!("\n{}", " ".repeat(outer))
                } else {
                    String::new()
                };
                let inner = " ".repeat(outer + 2);
                return Ok(Splice { range: open..open, text: format!("\n{inner}{name} = {value}{close}"), adds });
            }
        },
    };
    let line = &text[line_start(text, beside.start)..line_end(text, beside.start)];
    if !text[line_start(text, beside.start)..beside.start].trim().is_empty() {
        let new = format!("{name} = {value}");
        return match place {
            Some(place) => Ok(Splice { range: free.remove(place), text: new, adds }),
            None => on_lines(text, &span, &beside, &new).map(|splice| Splice { adds, ..splice }),
        };
    }
    // The column of `=` in the line beside it.
    let indent = line.len() - line.trim_start().len();
    let width = line.find('=').map_or(name.len(), |equals| equals.saturating_sub(indent + 1)).max(name.len());
    let new = format!("{name:width$} = {value}");
    match place {
        Some(place) => Ok(Splice { range: free.remove(place), text: new, adds }),
        None => {
            let end = line_end(text, beside.end.saturating_sub(1).max(beside.start));
            Ok(Splice { range: end..end, text: format!("\n{}{new}", &line[..indent]), adds })
        }
    }
}

/// A block of one line, which may hold no more than one argument, with that one and another on lines of their own.
fn on_lines(text: &str, block: &Range<usize>, only: &Range<usize>, new: &str) -> Result<Splice, Refused> {
    let open = text[block.start..only.start].rfind('{').ok_or(Refused::NotFound)? + block.start + 1;
    let close = text[only.end..block.end].find('}').ok_or(Refused::NotFound)? + only.end;
    let outer = margin(text, block.start);
    let (pad, inner) = (" ".repeat(outer), " ".repeat(outer + 2));
    let old = text[open..close].trim();
    Ok(Splice::new(open..close, format!("\n{inner}{old}\n{inner}{new}\n{pad}")))
}

fn append(text: &str, found: &Found<'_>, array: &Array, value: &Value) -> Result<Splice, Refused> {
    let Some(last) = array.iter().last().and_then(hcl_edit::Span::span) else {
        return Ok(Splice::new(found.range.clone(), format!("[{}]", rendered(value, 0))));
    };
    Ok(beside(text, &last, |margin| rendered(value, margin), true))
}

/// A new element behind another, on its own line where that one has its own.
fn beside(text: &str, last: &Range<usize>, new: impl Fn(usize) -> String, comma: bool) -> Splice {
    let start = line_start(text, last.start);
    let before = &text[start..last.start];
    if !before.trim().is_empty() {
        return Splice::new(last.end..last.end, format!(", {}", new(margin(text, last.start))));
    }
    let trailing = text[last.end..].trim_start_matches([' ', '\t']).starts_with(',');
    let new = format!("\n{before}{}", new(before.len()));
    if trailing {
        let end = last.end + text[last.end..].find(',').map_or(0, |at| at + 1);
        return Splice::new(end..end, format!("{new}{}", if comma { "," } else { "" }));
    }
    Splice::new(last.end..last.end, format!("{}{new}", if comma { "," } else { "" }))
}

fn insert(text: &str, found: &Found<'_>, object: &Object, name: &str, value: &Value) -> Result<Splice, Refused> {
    let adds = Some((found.range.start, name.to_owned()));
    let Some((key, last)) = object.iter().last() else {
        return Ok(Splice {
            range: found.range.clone(),
            text: format!("{{ {} = {} }}", self::key(name), rendered(value, 0)),
            adds,
        });
    };
    let last = last.expr().span().ok_or(Refused::NotFound)?;
    let key_at = match key {
        ObjectKey::Ident(ident) => ident.span(),
        ObjectKey::Expression(expression) => expression.span(),
    };
    let start = key_at.map_or(last.start, |span| span.start);
    let before = &text[line_start(text, start)..start];
    let quoted = text[start..].starts_with('"');
    let name = if quoted { Value::String(name.to_owned()).to_string() } else { self::key(name) };
    let sign = if text[start..last.start].trim_end().ends_with(':') { ":" } else { " =" };
    let own_line = before.trim().is_empty();
    let new = format!("{name}{sign} {}", rendered(value, if own_line { before.len() } else { 0 }));
    let comma = text[last.end..].trim_start_matches([' ', '\t']).starts_with(',');
    Ok(match (own_line, comma) {
        (false, _) => Splice { range: last.end..last.end, text: format!(", {new}"), adds },
        (true, true) => {
            let end = last.end + text[last.end..].find(',').map_or(0, |at| at + 1);
            Splice { range: end..end, text: format!("\n{before}{new},"), adds }
        }
        (true, false) => {
            let end = line_end(text, last.end.saturating_sub(1));
            Splice { range: end..end, text: format!("\n{before}{new}"), adds }
        }
    })
}

/// A statement of a policy as a block of a document, behind its last one.
fn statement(text: &str, document: &Block, value: &Value) -> Result<Splice, Refused> {
    let members = value.as_object().ok_or(Refused::Unfit)?;
    let span = document.span().ok_or(Refused::NotFound)?;
    let last = document
        .body
        .blocks()
        .filter(|block| block.ident.as_str() == "statement")
        .filter_map(hcl_edit::Span::span)
        .last();
    let outer = last.as_ref().map_or_else(|| margin(text, span.start) + 2, |last| margin(text, last.start));
    let (pad, inner) = (" ".repeat(outer), " ".repeat(outer + 2));
    let list = |value: &Value| match value {
        Value::Array(_) => rendered(value, outer + 2),
        one => format!("[{}]", rendered(one, 0)),
    };
    let mut lines: Vec<String> = vec![];
    for (name, value) in ordered(members) {
        match (name.as_str(), value) {
            ("Sid", value) => lines.push(format!("{inner}sid       = {}", rendered(value, 0))),
            ("Effect", value) => lines.push(format!("{inner}effect    = {}", rendered(value, 0))),
            ("Action", value) => lines.push(format!("{inner}actions   = {}", list(value))),
            ("Resource", value) => lines.push(format!("{inner}resources = {}", list(value))),
            ("Principal", Value::Object(kinds)) => {
                for (kind, identifiers) in kinds {
                    lines.push(format!(
                        "\n{inner}principals {{\n{inner}  type        = {}\n{inner}  identifiers = {}\n{inner}}}\n",
                        rendered(&Value::String(kind.clone()), 0),
                        list(identifiers)
                    ));
                }
            }
            ("Condition", Value::Object(tests)) => {
                for (test, keys) in tests {
                    for (variable, values) in keys.as_object().into_iter().flatten() {
                        lines.push(format!(
                            "\n{inner}condition {{\n{inner}  test     = {}\n{inner}  variable = {}\n{inner}  values   = {}\n{inner}}}",
                            rendered(&Value::String(test.clone()), 0),
                            rendered(&Value::String(variable.clone()), 0),
                            list(values)
                        ));
                    }
                }
            }
            _ => return Err(Refused::Unnamed),
        }
    }
    let block = format!("{pad}statement {{\n{}\n{pad}}}", lines.join("\n").replace("\n\n\n", "\n\n"));
    match last {
        Some(last) => Ok(Splice::new(last.end..last.end, format!("\n\n{block}"))),
        None => {
            let close = span.end - 1;
            let start = line_start(text, close);
            if text[start..close].trim().is_empty() {
                Ok(Splice::new(start..start, format!("{block}\n")))
            } else {
                Err(Refused::Unfit)
            }
        }
    }
}

fn key(name: &str) -> String {
    let plain = name.starts_with(|char: char| char.is_ascii_alphabetic() || char == '_')
        && name.chars().all(|char| char.is_ascii_alphanumeric() || "_-".contains(char));
    if plain { name.to_owned() } else { string(name) }
}

fn string(text: &str) -> String {
    // JSON's escapes are HCL's, and what begins an interpolation is doubled.
    Value::String(text.to_owned()).to_string().replace("${", "$${").replace("%{", "%%{")
}

/// A value as HCL writes it, its further lines at a margin.
fn rendered(value: &Value, margin: usize) -> String {
    let (pad, inner) = (" ".repeat(margin), " ".repeat(margin + 2));
    match value {
        Value::String(text) => string(text),
        Value::Array(items) if items.is_empty() => "[]".to_owned(),
        Value::Array(items) => {
            let short: Vec<String> = items.iter().map(|item| rendered(item, margin)).collect();
            let line = format!("[{}]", short.join(", "));
            if line.len() <= 80 && !line.contains('\n') {
                return line;
            }
            let items: Vec<String> =
                items.iter().map(|item| format!("{inner}{},\n", rendered(item, margin + 2))).collect();
            format!("[\n{}{pad}]", items.concat())
        }
        Value::Object(members) if members.is_empty() => "{}".to_owned(),
        Value::Object(members) => {
            let width = members.keys().map(|name| key(name).len()).max().unwrap_or(0);
            let members: Vec<String> = ordered(members)
                .into_iter()
                .map(|(name, value)| format!("{inner}{:width$} = {}\n", key(name), rendered(value, margin + 2)))
                .collect();
            format!("{{\n{}{pad}}}", members.concat())
        }
        other => other.to_string(),
    }
}
