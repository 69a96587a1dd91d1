//! The part of CEL that the rules of CRDs are written in: operators, `has`, `all`, `exists`, `filter`, `size`, and what texts
//! are asked. What is written otherwise is said to be unsupported, never guessed.
//!
//! Language: <https://github.com/google/cel-spec/blob/master/doc/langdef.md>; what Kubernetes adds:
//! <https://kubernetes.io/docs/reference/using-api/cel/>.

mod syntax;

use std::cell::RefCell;
use std::rc::Rc;
use std::thread::LocalKey;

use regex_lite::Regex;

use crate::schemas::tree::{Node, Whole};
use syntax::{Expression, Operator};

/// Why there is no result.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Stop {
    /// It depends on what is not known.
    Unknown,
    /// An evaluation fails: there is no such member, a text is no number. The API server refuses then.
    Error,
    /// It is written in a part of the language that is not read here.
    Unsupported,
}

type Outcome = Result<Node, Stop>;

/// Is a rule true of a value?
pub(super) fn holds(rule: &str, own: &Node) -> Result<bool, Stop> {
    let expression = parsed(rule).ok_or(Stop::Unsupported)?;
    truth(evaluate(&expression, &mut vec![("self".to_owned(), own.clone())])?)
}

thread_local! {
    /// What was parsed: all objects of a kind are asked the same.
    static PARSED: RefCell<Vec<(String, Option<Rc<Expression>>)>> = const { RefCell::new(vec![]) };
    static REGEXES: RefCell<Vec<(String, Option<Rc<Regex>>)>> = const { RefCell::new(vec![]) };
}

/// A rule's expression, if all of it is in the part of the language that is read here.
fn parsed(rule: &str) -> Option<Rc<Expression>> {
    once(&PARSED, rule, |rule| syntax::parse(rule).filter(is_read))
}

/// An expression for texts; none where it is not one.
pub(super) fn regex(pattern: &str) -> Option<Rc<Regex>> {
    once(&REGEXES, pattern, |pattern| Regex::new(pattern).ok())
}

type Known<T> = RefCell<Vec<(String, Option<Rc<T>>)>>;

fn once<T>(known: &'static LocalKey<Known<T>>, text: &str, make: impl FnOnce(&str) -> Option<T>) -> Option<Rc<T>> {
    let found = known.with_borrow(|all| all.iter().find(|(own, _)| own == text).map(|(_, made)| made.clone()));
    found.unwrap_or_else(|| {
        let made = make(text).map(Rc::new);
        known.with_borrow_mut(|all| all.push((text.to_owned(), made.clone())));
        made
    })
}

/// Is a rule written in the part of the language that is read here?
pub(super) fn is_supported(rule: &str) -> bool {
    parsed(rule).is_some()
}

fn is_read(expression: &Expression) -> bool {
    expression.all(&|part| match part {
        Expression::Call(None, name, arguments) => match (name.as_str(), arguments.as_slice()) {
            ("has", [of]) => matches!(of, Expression::Member(..)),
            ("size" | "int", [_]) => true,
            _ => false,
        },
        Expression::Call(Some(_), name, arguments) => match (name.as_str(), arguments.as_slice()) {
            ("size", []) => true,
            ("all" | "exists" | "filter", [variable, _]) => matches!(variable, Expression::Name(_)),
            ("find" | "matches" | "split" | "startsWith" | "endsWith" | "contains", [_]) => true,
            _ => false,
        },
        _ => true,
    })
}

type Names = Vec<(String, Node)>;

fn truth(node: Node) -> Result<bool, Stop> {
    match node {
        Node::Flag(flag) => Ok(flag),
        Node::Unknown | Node::Part => Err(Stop::Unknown),
        _ => Err(Stop::Error),
    }
}

fn evaluate(expression: &Expression, names: &mut Names) -> Outcome {
    match expression {
        Expression::Literal(node) => Ok(node.clone()),
        Expression::List(list) => {
            let list = list.iter().map(|one| evaluate(one, names)).collect::<Result<_, _>>()?;
            Ok(Node::List(list, Whole::Yes))
        }
        Expression::Name(name) => {
            let found = names.iter().rev().find(|(own, _)| own == name).map(|(_, node)| node.clone());
            known(found.ok_or(Stop::Unsupported)?)
        }
        Expression::Member(of, name) => member(&evaluate(of, names)?, name),
        Expression::Index(of, index) => {
            let (of, index) = (evaluate(of, names)?, evaluate(index, names)?);
            match (&of, &index) {
                (Node::List(list, whole), Node::Number(number)) => {
                    let element = list.iter().enumerate().find(|(at, _)| *at as f64 == *number);
                    known(element.map(|(_, node)| node.clone()).ok_or(gone(*whole))?)
                }
                (Node::Map(..), Node::Text(name)) => member(&of, name),
                (_, Node::Part) => Err(Stop::Unknown),
                _ => Err(Stop::Error),
            }
        }
        Expression::Not(inner) => Ok(Node::Flag(!truth(evaluate(inner, names)?)?)),
        Expression::If(condition, then, other) => {
            if truth(evaluate(condition, names)?)? {
                evaluate(then, names)
            } else {
                evaluate(other, names)
            }
        }
        Expression::Binary(Operator::And, one, other) => either(false, one, other, names),
        Expression::Binary(Operator::Or, one, other) => either(true, one, other, names),
        Expression::Binary(operator, one, other) => {
            let (one, other) = (evaluate(one, names)?, evaluate(other, names)?);
            compare(*operator, &one, &other).map(Node::Flag)
        }
        Expression::Call(of, name, arguments) => call(of.as_deref(), name, arguments, names),
    }
}

fn known(node: Node) -> Outcome {
    if node == Node::Unknown { Err(Stop::Unknown) } else { Ok(node) }
}

/// What it means that something is not among the members.
const fn gone(whole: Whole) -> Stop {
    match whole {
        Whole::Yes => Stop::Error,
        Whole::No => Stop::Unknown,
    }
}

fn member(of: &Node, name: &str) -> Outcome {
    match of {
        Node::Map(_, whole) => known(of.member(name).cloned().ok_or(gone(*whole))?),
        Node::Unknown | Node::Part => Err(Stop::Unknown),
        _ => Err(Stop::Error),
    }
}

/// `||` and `&&`: whichever side decides, the other one may fail.
fn either(decides: bool, one: &Expression, other: &Expression, names: &mut Names) -> Outcome {
    let mut side = |expression| evaluate(expression, names).and_then(truth);
    let first = side(one);
    if first == Ok(decides) {
        return Ok(Node::Flag(decides));
    }
    match (first, side(other)) {
        (_, Ok(second)) if second == decides => Ok(Node::Flag(decides)),
        (Ok(_), second) => second.map(Node::Flag),
        (Err(stop), Ok(_)) => Err(stop),
        (Err(first), Err(second)) => Err(worse(first, second)),
    }
}

fn worse(one: Stop, other: Stop) -> Stop {
    match (one, other) {
        (Stop::Unsupported, _) | (_, Stop::Unsupported) => Stop::Unsupported,
        (Stop::Unknown, _) | (_, Stop::Unknown) => Stop::Unknown,
        _ => Stop::Error,
    }
}

fn compare(operator: Operator, one: &Node, other: &Node) -> Result<bool, Stop> {
    match operator {
        Operator::Equal => equal(one, other),
        Operator::Unequal => equal(one, other).map(|equal| !equal),
        Operator::In => contains(other, one),
        Operator::Less | Operator::AtMost | Operator::More | Operator::AtLeast => {
            let order = match (one, other) {
                (Node::Number(one), Node::Number(other)) => one.partial_cmp(other),
                (Node::Text(one), Node::Text(other)) => Some(one.cmp(other)),
                (Node::Part | Node::Unknown, _) | (_, Node::Part | Node::Unknown) => return Err(Stop::Unknown),
                _ => None,
            };
            let order = order.ok_or(Stop::Error)?;
            Ok(match operator {
                Operator::Less => order.is_lt(),
                Operator::AtMost => order.is_le(),
                Operator::More => order.is_gt(),
                _ => order.is_ge(),
            })
        }
        Operator::And | Operator::Or => Err(Stop::Unsupported),
    }
}

fn equal(one: &Node, other: &Node) -> Result<bool, Stop> {
    match (one, other) {
        // A text of which a part is known is not empty.
        (Node::Part, Node::Text(text)) | (Node::Text(text), Node::Part) if text.is_empty() => Ok(false),
        (Node::Part | Node::Unknown, _) | (_, Node::Part | Node::Unknown) => Err(Stop::Unknown),
        (Node::Map(..), Node::Map(..)) | (Node::List(..), Node::List(..)) => Err(Stop::Unsupported),
        _ => Ok(one == other),
    }
}

fn contains(all: &Node, one: &Node) -> Result<bool, Stop> {
    match (all, one) {
        (Node::Map(_, whole), Node::Text(name)) => match all.member(name) {
            Some(Node::Unknown) => Err(Stop::Unknown),
            Some(_) => Ok(true),
            None if *whole == Whole::No => Err(Stop::Unknown),
            None => Ok(false),
        },
        (Node::List(list, whole), _) => {
            let found = list.iter().map(|element| equal(element, one)).fold(Ok(false), any)?;
            if !found && *whole == Whole::No { Err(Stop::Unknown) } else { Ok(found) }
        }
        (Node::Part | Node::Unknown, _) | (_, Node::Part | Node::Unknown) => Err(Stop::Unknown),
        _ => Err(Stop::Error),
    }
}

/// One yes is enough, whatever fails beside it.
fn any(so_far: Result<bool, Stop>, next: Result<bool, Stop>) -> Result<bool, Stop> {
    match (so_far, next) {
        (Ok(true), _) | (_, Ok(true)) => Ok(true),
        (Err(one), Err(other)) => Err(worse(one, other)),
        (Err(stop), _) | (_, Err(stop)) => Err(stop),
        _ => Ok(false),
    }
}

fn call(of: Option<&Expression>, name: &str, arguments: &[Expression], names: &mut Names) -> Outcome {
    match (of, name, arguments) {
        (None, "has", [Expression::Member(of, name)]) => {
            let of = evaluate(of, names)?;
            contains(&of, &Node::Text(name.clone())).map(Node::Flag)
        }
        (None, "size", [of]) | (Some(of), "size", []) => {
            let size = match evaluate(of, names)? {
                Node::Text(text) => text.chars().count(),
                Node::List(list, Whole::Yes) => list.len(),
                Node::Map(members, Whole::Yes) => members.len(),
                Node::List(_, Whole::No) | Node::Map(_, Whole::No) | Node::Part | Node::Unknown => {
                    return Err(Stop::Unknown);
                }
                _ => return Err(Stop::Error),
            };
            Ok(Node::Number(size as f64))
        }
        (None, "int", [of]) => match evaluate(of, names)? {
            Node::Number(number) => Ok(Node::Number(number.trunc())),
            Node::Text(text) => text.parse::<i64>().map(|number| Node::Number(number as f64)).map_err(|_| Stop::Error),
            Node::Part | Node::Unknown => Err(Stop::Unknown),
            _ => Err(Stop::Error),
        },
        (Some(of), "all" | "exists" | "filter", [Expression::Name(variable), condition]) => {
            let (elements, whole) = elements(evaluate(of, names)?)?;
            each(
                name,
                elements,
                whole,
                |element, names| {
                    names.push((variable.clone(), element));
                    let outcome = evaluate(condition, names).and_then(truth);
                    names.pop();
                    outcome
                },
                names,
            )
        }
        (Some(of), "find" | "matches" | "split" | "startsWith" | "endsWith" | "contains", [argument]) => {
            let (text, argument) = match (evaluate(of, names)?, evaluate(argument, names)?) {
                (Node::Text(text), Node::Text(argument)) => (text, argument),
                (Node::Part | Node::Unknown, _) | (_, Node::Part | Node::Unknown) => return Err(Stop::Unknown),
                _ => return Err(Stop::Error),
            };
            of_text(name, &text, &argument)
        }
        _ => Err(Stop::Unsupported),
    }
}

fn of_text(function: &str, text: &str, argument: &str) -> Outcome {
    let regex = || regex(argument).ok_or(Stop::Unsupported);
    Ok(match function {
        "find" => Node::Text(regex()?.find(text).map(|found| found.as_str().to_owned()).unwrap_or_default()),
        "matches" => Node::Flag(regex()?.is_match(text)),
        "split" => Node::List(text.split(argument).map(|part| Node::Text(part.to_owned())).collect(), Whole::Yes),
        "startsWith" => Node::Flag(text.starts_with(argument)),
        "endsWith" => Node::Flag(text.ends_with(argument)),
        _ => Node::Flag(text.contains(argument)),
    })
}

/// The elements of a list, or the names of a map's members.
fn elements(of: Node) -> Result<(Vec<Node>, Whole), Stop> {
    match of {
        Node::List(list, whole) => Ok((list, whole)),
        Node::Map(members, whole) => Ok((members.into_iter().map(|(name, _)| Node::Text(name)).collect(), whole)),
        Node::Part | Node::Unknown => Err(Stop::Unknown),
        _ => Err(Stop::Error),
    }
}

fn each(
    what: &str,
    elements: Vec<Node>,
    whole: Whole,
    mut condition: impl FnMut(Node, &mut Names) -> Result<bool, Stop>,
    names: &mut Names,
) -> Outcome {
    let mut holding = vec![];
    // `all` is that none does not.
    let wanted = what != "all";
    let mut found = Ok(false);
    for element in elements {
        let outcome = condition(element.clone(), names);
        if what == "filter" {
            if outcome? {
                holding.push(element);
            }
            continue;
        }
        found = any(found, outcome.map(|holds| holds == wanted));
    }
    if what == "filter" {
        return Ok(Node::List(holding, whole));
    }
    match found? {
        false if whole == Whole::No => Err(Stop::Unknown),
        found => Ok(Node::Flag(found == wanted)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(rule: &str, own: &str) -> Result<bool, Stop> {
        super::holds(rule, &Node::parse(own).unwrap())
    }

    #[test]
    fn rules_of_karpenters_definitions_are_evaluated() {
        let one = "(has(self.role) && !has(self.instanceProfile)) || (!has(self.role) && has(self.instanceProfile))";
        assert_eq!(holds(one, r#"{"role": "a"}"#), Ok(true));
        assert_eq!(holds(one, r#"{"role": "a", "instanceProfile": "b"}"#), Ok(false));
        let values = "self.all(x, x.operator == 'In' ? x.values.size() != 0 : true)";
        assert_eq!(holds(values, r#"[{"operator": "Exists"}, {"operator": "In", "values": ["a"]}]"#), Ok(true));
        assert_eq!(holds(values, r#"[{"operator": "In", "values": []}]"#), Ok(false));
        assert_eq!(holds(values, r#"[{"operator": "In"}]"#), Err(Stop::Error));
        let label = r#"self in ["karpenter.sh/nodepool"] || !self.find("^([^/]+)").endsWith("karpenter.sh")"#;
        assert_eq!(holds(label, r#""karpenter.sh/nodepool""#), Ok(true));
        assert_eq!(holds(label, r#""karpenter.sh/other""#), Ok(false));
        assert_eq!(holds(label, r#""team""#), Ok(true));
        let alias = "self.split('@')[0] in ['al2','al2023']";
        assert_eq!(holds(alias, r#""al2023@latest""#), Ok(true));
        assert_eq!(holds("self.all(k, k != '' && self[k] != '')", r#"{"a": ""}"#), Ok(false));
        let limits = "!has(self.replicas) || (!has(self.limits) || size(self.limits) == 0 || (size(self.limits) == 1 && \
                      'nodes' in self.limits))";
        assert_eq!(holds(limits, r#"{"replicas": 1, "limits": {"nodes": 3}}"#), Ok(true));
        assert_eq!(holds(limits, r#"{"replicas": 1, "limits": {"cpu": 3}}"#), Ok(false));
        let root = "self.filter(x, has(x.rootVolume)?x.rootVolume==true:false).size() <= 1";
        assert_eq!(holds(root, r#"[{"rootVolume": true}, {"rootVolume": true}]"#), Ok(false));
        assert_eq!(holds("self.all(x, int(x.values[0]) >= 0)", r#"[{"values": ["a"]}]"#), Err(Stop::Error));
        assert_eq!(holds("self.all(x, has(x.schedule) == has(x.duration))", r#"[{"schedule": "@daily"}]"#), Ok(false));
    }

    #[test]
    fn what_is_not_known_is_unknown_unless_it_does_not_matter() {
        assert_eq!(holds("self != ''", r#""${ROLE}""#), Ok(true));
        assert_eq!(holds("self == 'a'", r#""${ROLE}""#), Err(Stop::Unknown));
        let patch = |rule: &str, own: &str| super::holds(rule, &Node::parse(own).unwrap().into_patch());
        assert_eq!(patch("has(self.a) || has(self.b)", r#"{"a": 1}"#), Ok(true));
        assert_eq!(patch("has(self.a) || has(self.b)", r#"{"c": 1}"#), Err(Stop::Unknown));
        assert_eq!(patch("self.all(k, k != 'a')", r#"{"a": 1}"#), Ok(false));
        assert_eq!(patch("self.all(k, k != 'a')", r#"{"b": 1}"#), Err(Stop::Unknown));
    }

    #[test]
    fn what_is_not_read_here_is_unsupported() {
        for rule in ["duration(self) > duration('1h')", "self.map(x, x)", "self + 1 == 2", "self ==", ""] {
            assert!(!is_supported(rule), "{rule}");
            assert_eq!(holds(rule, "1"), Err(Stop::Unsupported), "{rule}");
        }
    }
}
