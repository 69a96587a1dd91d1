//! The conditions of a template: whether they hold, as far as that can be told.

use super::{MAX_REFERENCES, Template, plain};
use crate::inventory::{Node, Ternary, Text, Value};

impl Template<'_> {
    pub(super) fn condition(&self, name: &str) -> Ternary {
        if self.depth.get() >= MAX_REFERENCES || self.spent(1) {
            return Ternary::Unknown;
        }
        let Some(condition) = self.root.at_path(&["Conditions", name]) else { return Ternary::Unknown };
        self.depth.set(self.depth.get() + 1);
        let answer = self.truth(condition);
        self.depth.set(self.depth.get() - 1);
        answer
    }

    fn truth(&self, node: &Node) -> Ternary {
        if self.spent(1) {
            return Ternary::Unknown;
        }
        if let Some([(name, argument)]) = node.as_map().map(|map| map.entries.as_slice()) {
            return match name.known() {
                Some("Condition") => argument.as_str().map_or(Ternary::Unknown, |name| self.condition(name)),
                Some(name) => self.predicate(name, argument),
                None => Ternary::Unknown,
            };
        }
        match &node.value {
            Value::Flag(true) => Ternary::Yes,
            Value::Flag(false) => Ternary::No,
            _ => Ternary::Unknown,
        }
    }

    pub(super) fn predicate(&self, name: &str, argument: &Node) -> Ternary {
        let all = || argument.elements().iter().map(|element| self.truth(element));
        match name {
            "Fn::Equals" => match argument.elements() {
                [one, other] => {
                    let (one, other) = (self.evaluate(one), self.evaluate(other));
                    let text = |node: &Node| match &node.value {
                        Value::Text(text) => Some(text.clone()),
                        Value::Flag(_) | Value::Number(_) => Some(Text::from(plain(node))),
                        Value::Null => Some(Text::from("")),
                        _ => None,
                    };
                    match (text(&one), text(&other)) {
                        (Some(one), Some(other)) => one.same(&other),
                        _ => Ternary::Unknown,
                    }
                }
                _ => Ternary::Unknown,
            },
            "Fn::Not" => match argument.elements() {
                [one] => !self.truth(one),
                _ => Ternary::Unknown,
            },
            "Fn::And" => Ternary::all(all()),
            "Fn::Or" => Ternary::any(all()),
            _ => Ternary::Unknown,
        }
    }
}
