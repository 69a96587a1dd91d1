//! Functions of numbers. A text of digits is a number, too.

use super::numeric;
use crate::inventory::{At, Node, Value};

pub(super) fn call(name: &str, args: &[Node], at: At) -> Option<Node> {
    let number = |number: f64| Some(Node::new(Value::Number(number), at));
    match (name, args) {
        ("abs", [one]) => number(numeric(one)?.abs()),
        ("ceil", [one]) => number(numeric(one)?.ceil()),
        ("floor", [one]) => number(numeric(one)?.floor()),
        ("signum", [one]) => {
            let one = numeric(one)?;
            number(if one == 0.0 { 0.0 } else { one.signum() })
        }
        ("pow", [base, exponent]) => number(numeric(base)?.powf(numeric(exponent)?)),
        ("max" | "min", all) => {
            let all: Vec<f64> = all.iter().map(numeric).collect::<Option<_>>()?;
            let pick = if name == "max" { f64::max } else { f64::min };
            number(all.into_iter().reduce(pick)?)
        }
        ("sum", [list]) => {
            let Value::List(list) = &list.value else { return None };
            let all: Vec<f64> = list.items.iter().map(numeric).collect::<Option<_>>()?;
            number(all.into_iter().reduce(|sum, one| sum + one).filter(|_| list.more.is_none())?)
        }
        ("parseint", [text, base]) => {
            let base = numeric(base).filter(|base| (2.0..=36.0).contains(base) && base.fract() == 0.0)?;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "held to its bounds")]
            let parsed =
                i64::from_str_radix(text.as_str()?, base as u32).ok().filter(|parsed| parsed.abs() < 1 << 53)?;
            #[expect(clippy::cast_precision_loss, reason = "held to its bounds")]
            number(parsed as f64)
        }
        _ => None,
    }
}
