//! Texts with interpolations and directives in them.

use std::borrow::Cow;

use hcl_edit::template::{Directive, Element, ForDirective, IfDirective, Strip, Template};

use super::expressions::{elements, written};
use super::{Env, Evaluator};
use crate::inventory::reason::Terraform;
use crate::inventory::{At, Cause, Node, Part, Reason, Text, Value};
use crate::sources::terraform::hcl::functions::{failed, flag};

/// A text that is longer is nobody's name, policy or manifest.
const MAX_TEXT: usize = 1 << 20;
/// Parts of a text, known ones and holes: what compares two texts looks at each part of one beside each of the other.
const MAX_PARTS: usize = 4096;

/// A text in the making.
#[derive(Default)]
struct Rendered {
    parts: Vec<Part>,
    length: usize,
    /// What is no text, and makes all of it none.
    fails: Option<Node>,
    /// Of a heredoc: the indentation that the parser took off its lines, and left to those within directives.
    indent: usize,
    /// Does Terraform take none off it?
    unflushed: bool,
}

impl Rendered {
    fn push(&mut self, part: Part) {
        self.length += match &part {
            Part::Known(text) => text.len(),
            Part::Hole(symbol) => 64 + symbol.name.len(),
        };
        match (self.parts.last_mut(), part) {
            (Some(Part::Known(before)), Part::Known(text)) => *before = format!("{before}{text}").into(),
            (_, part) => self.parts.push(part),
        }
    }

    fn is_too_long(&self) -> bool {
        self.length > MAX_TEXT || self.parts.len() > MAX_PARTS
    }
}

/// Which ends of a template are stripped of their white space.
#[derive(Clone, Copy, Default)]
struct Stripped {
    start: bool,
    end: bool,
    /// Does it stand within a directive?
    nested: bool,
}

impl<'a> Evaluator<'a> {
    pub(super) fn template(&self, env: &Env<'a>, template: &'a Template, indent: usize, at: At) -> Node {
        let mut elements = template.iter();
        if let (Some(Element::Interpolation(only)), None) = (elements.next(), elements.next()) {
            return self.eval(env, &only.expr);
        }
        let unflushed = indent > 0 && begins_a_line_stripped(template, false, true);
        let mut rendered = Rendered { indent, unflushed, ..Rendered::default() };
        self.render(env, template, Stripped::default(), &mut rendered);
        self.spent((rendered.length / 64) as u64);
        if rendered.is_too_long() {
            return Node::unknown(Cause::Undecidable, Terraform::TooLong, at);
        }
        rendered.fails.unwrap_or_else(|| Node::text(Text::from_parts(rendered.parts), at))
    }

    fn render(&self, env: &Env<'a>, template: &'a Template, stripped: Stripped, into: &mut Rendered) {
        let elements: Vec<&'a Element> = template.iter().collect();
        for (index, element) in elements.iter().enumerate() {
            // A text may bring many parts, each of which costs some memory of its own.
            if into.is_too_long() || into.fails.is_some() || self.spent(1) {
                return;
            }
            match element {
                Element::Literal(text) => {
                    let before = index.checked_sub(1).and_then(|index| elements.get(index));
                    let after = elements.get(index + 1);
                    let start = before.map_or(stripped.start, |element| ends(element).1.strip_end());
                    let end = after.map_or(stripped.end, |element| ends(element).0.strip_start());
                    let text = flush(text.as_str(), into, stripped.nested, start, index == 0);
                    let text = strip(&text, start, end);
                    into.push(Part::Known(text.into()));
                }
                Element::Interpolation(inner) => {
                    let node = self.eval(env, &inner.expr);
                    self.interpolate(env, node, &written(&inner.expr), into);
                }
                Element::Directive(directive) => match &**directive {
                    Directive::If(choice) => self.choice(env, choice, into),
                    Directive::For(each) => self.repeat(env, each, into),
                },
            }
        }
    }

    fn interpolate(&self, env: &Env<'a>, node: Node, written: &str, into: &mut Rendered) {
        match node.value {
            Value::Text(text) => text.into_parts().into_iter().for_each(|part| into.push(part)),
            Value::Flag(_) | Value::Number(_) => into.push(Part::Known(node.to_json().to_string().into())),
            Value::Null if self.trying.get() => {
                into.fails = Some(failed(Terraform::NullInText { written: written.into() }, node.at));
            }
            // Terraform refuses it, so a run that succeeds has a value there.
            Value::Null => {
                let gap = Terraform::NullHere { written: written.into() };
                into.push(Part::Hole(self.symbol(env, written, gap)));
            }
            // A document within a text is its JSON, where it is known.
            Value::Map(_) | Value::List(_) if node.first_unknown().is_none() => {
                into.push(Part::Known(node.to_json().to_string().into()));
            }
            _ => {
                let reason = node.first_unknown().map_or_else(
                    || Reason::new(Cause::Symbolic, Terraform::WhenRun { written: written.into() }),
                    |(reason, _)| reason,
                );
                into.push(Part::Hole(self.symbol(env, written, reason)));
            }
        }
    }

    /// `%{ if … }`.
    fn choice(&self, env: &Env<'a>, choice: &'a IfDirective, into: &mut Rendered) {
        let condition = self.eval(env, &choice.if_expr.cond_expr);
        let last = choice.endif_expr.strip;
        let middle = choice.else_expr.as_ref().map_or(last, |other| other.strip);
        let first = Stripped { start: choice.if_expr.strip.strip_end(), end: middle.strip_start(), nested: true };
        match (flag(&condition), &choice.else_expr) {
            (Some(true), _) => self.render(env, &choice.if_expr.template, first, into),
            (Some(false), Some(other)) => {
                let stripped = Stripped { start: other.strip.strip_end(), end: last.strip_start(), nested: true };
                self.render(env, &other.template, stripped, into);
            }
            (Some(false), None) => {}
            (None, _) => {
                let written = written(&choice.if_expr.cond_expr);
                let gap = Terraform::Elements { written: written.as_str().into() };
                into.push(Part::Hole(self.symbol(env, &format!("%{{if {written}}}"), gap)));
            }
        }
    }

    /// `%{ for … }`.
    fn repeat(&self, env: &Env<'a>, each: &'a ForDirective, into: &mut Rendered) {
        let head = &each.for_expr;
        let over = self.eval(env, &head.collection_expr);
        let stripped =
            Stripped { start: head.strip.strip_end(), end: each.endfor_expr.strip.strip_start(), nested: true };
        let (entries, more) = match elements(&over, over.at) {
            Ok(found) => found,
            Err(reason) => (vec![], Some(Box::new(reason))),
        };
        for (key, value) in entries {
            if into.is_too_long() || into.fails.is_some() {
                return;
            }
            let mut vars = vec![(head.value_var.as_str().to_owned(), value)];
            if let Some(name) = &head.key_var {
                vars.push((name.as_str().to_owned(), key));
            }
            self.render(&env.with(vars), &head.template, stripped, into);
        }
        if let Some(reason) = more {
            let written = written(&head.collection_expr);
            into.push(Part::Hole(self.symbol(env, &format!("%{{for {written}}}"), *reason)));
        }
    }
}

/// How the first and the last mark of an element strip what is beside them.
fn ends(element: &Element) -> (Strip, Strip) {
    match element {
        Element::Literal(_) => (Strip::None, Strip::None),
        Element::Interpolation(inner) => (inner.strip, inner.strip),
        Element::Directive(directive) => match &**directive {
            Directive::If(choice) => (choice.if_expr.strip, choice.endif_expr.strip),
            Directive::For(each) => (each.for_expr.strip, each.endfor_expr.strip),
        },
    }
}

/// Does a line begin with a mark that strips what is before it? Then that line has no indentation to Terraform, and so no line
/// of the heredoc loses any.
fn begins_a_line_stripped(template: &Template, end: bool, at_start: bool) -> bool {
    let elements: Vec<&Element> = template.iter().collect();
    let before = |index: usize| match index.checked_sub(1).map(|index| elements[index]) {
        Some(Element::Literal(text)) => {
            let (line, first) = text.rsplit_once('\n').map_or((text.as_str(), true), |(_, line)| (line, false));
            line.trim().is_empty() && (!first || (index == 1 && at_start))
        }
        Some(_) => false,
        None => at_start,
    };
    (end && before(elements.len()))
        || elements.iter().enumerate().any(|(index, element)| {
            (ends(element).0.strip_start() && before(index))
                || match element {
                    Element::Directive(directive) => match &**directive {
                        Directive::If(choice) => {
                            let last = choice.endif_expr.strip.strip_start();
                            let other = choice.else_expr.as_ref();
                            let middle = other.map_or(last, |other| other.strip.strip_start());
                            begins_a_line_stripped(&choice.if_expr.template, middle, false)
                                || other.is_some_and(|other| begins_a_line_stripped(&other.template, last, false))
                        }
                        Directive::For(each) => {
                            let last = each.endfor_expr.strip.strip_start();
                            begins_a_line_stripped(&each.for_expr.template, last, false)
                        }
                    },
                    _ => false,
                }
        })
}

/// Of a heredoc with a dash: with the indentation that Terraform leaves to its lines. The parser took it off those outside of
/// directives. A line whose break the mark before it strips is no start of a line to Terraform, and keeps its own.
fn flush<'t>(text: &'t str, of: &Rendered, nested: bool, start: bool, first_of_all: bool) -> Cow<'t, str> {
    let indent = of.indent;
    if indent == 0 || (of.unflushed && nested) {
        return text.into();
    }
    let mut lines = text.split('\n');
    let first = lines.next().unwrap_or_default();
    let joined = start && first.trim().is_empty();
    let less = |line: &str| {
        let blank = line.chars().take(indent).take_while(|c| c.is_whitespace()).map(char::len_utf8).sum();
        line.get(blank..).unwrap_or_default().to_owned()
    };
    let more = |line: &str| if line.is_empty() { String::new() } else { " ".repeat(indent) + line };
    let flushed = lines.enumerate().map(|(index, line)| match (nested, joined && index == 0) {
        (true, false) => less(line),
        (false, joined) if joined || of.unflushed => more(line),
        _ => line.to_owned(),
    });
    let first = if of.unflushed && first_of_all { more(first) } else { first.to_owned() };
    flushed.fold(first, |all, line| all + "\n" + &line).into()
}

/// Without the white space at its ends, as far as the line goes that each stands in: that is how Terraform does it.
fn strip(text: &str, start: bool, end: bool) -> String {
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    if let (true, Some(first)) = (start, lines.first_mut()) {
        *first = first.trim_start();
    }
    if let (true, Some(last)) = (end, lines.last_mut()) {
        *last = last.trim_end();
    }
    lines.concat()
}
