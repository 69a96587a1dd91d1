//! A request's texts, with the fields of items put in.

use std::cell::OnceCell;

use crate::inventory::pointer;
use crate::inventory::pointer::Step;
use crate::inventory::reason::Iam;
use crate::inventory::{Cause, ItemId, Part, Reason, Symbol, SymbolScope, Text, Value};

use crate::iam::context::Given;
use crate::iam::request::{Evaluator, Operand, acts_as_role};

/// The longest text that a template is put together to, in bytes: more than any ARN, tag or key of AWS has.
const LONGEST: usize = 4096;

/// The fields of a question, each read when it is first put in.
pub(super) struct Fields<'a> {
    all: &'a [(ItemId, String)],
    texts: Vec<OnceCell<Text>>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(all: &'a [(ItemId, String)]) -> Self {
        Self { all, texts: vec![OnceCell::new(); all.len()] }
    }
}

impl Evaluator<'_> {
    pub(super) fn given(&self, operand: &Operand, fields: &Fields<'_>) -> Given {
        match operand {
            Operand::Absent => Given::Absent,
            Operand::Unknown(reason) => Given::Unknown(reason.clone()),
            Operand::Text(text) => Given::one(text.as_str()),
            Operand::Number(number) => Given::one(crate::inventory::node::json_number(*number).to_string()),
            Operand::Flag(flag) => Given::one(if *flag { "true" } else { "false" }),
            Operand::Template(template) => {
                let text = self.template(template, fields);
                match text.hole() {
                    // Nothing of it is known: it may even be absent.
                    Some(symbol) if text.is(&symbol.name) && symbol.scope == SymbolScope::Field => {
                        Given::Unknown(symbol.reason.clone())
                    }
                    _ => Given::one(text),
                }
            }
        }
    }

    /// A template with its fields put in.
    pub(super) fn template(&self, written: &str, fields: &Fields<'_>) -> Text {
        if !written.contains('{') {
            return Text::from(written);
        }
        let field = |index: usize| {
            let (id, pointer) = fields.all.get(index)?;
            Some(fields.texts.get(index)?.get_or_init(|| self.field(*id, pointer)))
        };
        // A template that is one field keeps what the field refers to.
        let whole =
            written.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).and_then(|index| index.parse().ok());
        let too_long = || {
            Text::symbol(Symbol {
                name: format!("(a text of more than {LONGEST} bytes)").into(),
                scope: SymbolScope::Field,
                reason: Reason::new(Cause::Undecidable, Iam::TooLong { bytes: LONGEST }),
            })
        };
        if let Some(text) = whole.and_then(field) {
            return if text.known_len() > LONGEST { too_long() } else { text.clone() };
        }
        // What is known since the last hole.
        let (mut parts, mut run): (Vec<Part>, String) = (vec![], String::new());
        let mut length = 0;
        let mut rest = written;
        while let Some((before, after)) = rest.split_once('{') {
            run.push_str(before);
            let end = after.find('}');
            let put = end.and_then(|end| field(after[..end].parse().ok()?).map(|text| (text, end)));
            match put {
                Some((text, end)) => {
                    length += before.len() + text.known_len();
                    if length > LONGEST {
                        return too_long();
                    }
                    match text.known() {
                        Some(known) => run.push_str(known),
                        None => {
                            parts.push(Part::Known(std::mem::take(&mut run).into()));
                            parts.extend(text.clone().into_parts());
                        }
                    }
                    rest = &after[end + 1..];
                }
                None => {
                    run.push('{');
                    rest = after;
                }
            }
        }
        run.push_str(rest);
        if parts.is_empty() {
            return Text::from(run);
        }
        parts.push(Part::Known(run.into()));
        Text::from_parts(parts)
    }

    /// A field's text, with its symbols. What is unknown or absent is a hole of its own.
    pub(super) fn field(&self, id: ItemId, pointer: &str) -> Text {
        let hole = |reason| {
            Text::symbol(Symbol {
                name: format!("(field {}{pointer})", id.0).into(),
                scope: SymbolScope::Field,
                reason,
            })
        };
        let Some(item) = self.inventory.item(id) else {
            return hole(Reason::new(Cause::NotProvided, Iam::NoItem));
        };
        let absent = || {
            hole(Reason::new(Cause::NotProvided, Iam::NoField { item: (&*item.name).into(), pointer: pointer.into() }))
        };
        if let Some(fact) = pointer.strip_prefix('@') {
            // What acts as a role lives where the role or its policies do.
            if acts_as_role(item) {
                let home = self.homes(self.asker_item(id).as_deref(), None).0;
                match fact {
                    "account" => return home.account,
                    "region" => return home.region,
                    "partition" => return home.partition,
                    _ => {}
                }
            }
            let aws = item.aws.as_deref();
            let node = match fact {
                "arn" => return self.arn_of(id),
                "account" => aws.and_then(|aws| aws.account.as_ref()),
                "region" => aws.and_then(|aws| aws.region.as_ref()),
                "partition" => aws.and_then(|aws| aws.partition.as_ref()),
                "name" => return Text::from(&*item.name),
                _ => None,
            };
            return match node.map(|node| &node.value) {
                Some(Value::Text(text)) => text.clone(),
                Some(Value::Unknown(reason)) => hole((**reason).clone()),
                _ => absent(),
            };
        }
        let segments = pointer::segments(pointer).unwrap_or_default();
        match pointer::follow(&item.body, &segments) {
            Step::Absent => absent(),
            Step::Unknown(reason, ..) => hole(reason),
            Step::Key(key, _) => key.clone(),
            Step::Node(node) => match &node.value {
                Value::Text(text) => text.clone(),
                Value::Number(number) => Text::from(crate::inventory::node::json_number(*number).to_string()),
                Value::Flag(flag) => Text::from(if *flag { "true" } else { "false" }),
                Value::Unknown(reason) => hole((**reason).clone()),
                Value::Null => absent(),
                Value::List(_) | Value::Map(_) => hole(Reason::new(
                    Cause::Undecidable,
                    Iam::NotText { item: (&*item.name).into(), pointer: pointer.into() },
                )),
            },
        }
    }
}
