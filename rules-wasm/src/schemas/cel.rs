//! The part of CEL that the rules of CRDs are written in: operators, `has`, `all`, `exists`, `filter`, `size`, and what texts
//! are asked. What is written otherwise is said to be unsupported, never guessed.
//!
//! Language: <https://github.com/google/cel-spec/blob/master/doc/langdef.md>; what Kubernetes adds:
//! <https://kubernetes.io/docs/reference/using-api/cel/>.

mod syntax;

use std::borrow::Cow;
use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

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

/// A rule of `x-kubernetes-validations`. It is parsed when it is first asked.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) cel: String,
    pub(crate) message: String,
    /// None where it is in a part of the language that is not read here.
    parsed: OnceCell<Option<Expression>>,
    about_changes: bool,
}

/// One rule is the same, parsed or not.
impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        self.cel == other.cel && self.message == other.message
    }
}

impl Rule {
    pub(crate) fn new(cel: String, message: String) -> Self {
        let about_changes = cel.contains("oldSelf");
        Self { cel, message, parsed: OnceCell::new(), about_changes }
    }

    /// Is it about changes, of which an object that is made has none?
    pub(super) const fn is_about_changes(&self) -> bool {
        self.about_changes
    }

    fn expression(&self) -> Option<&Expression> {
        self.parsed.get_or_init(|| syntax::parse(&self.cel).filter(is_read)).as_ref()
    }

    /// Is it written in the part of the language that is read here?
    pub(super) fn is_supported(&self) -> bool {
        self.expression().is_some()
    }

    /// Is it true of a value?
    pub(super) fn holds(&self, own: &Node) -> Result<bool, Stop> {
        let expression = self.expression().ok_or(Stop::Unsupported)?;
        truth(&evaluate(expression, &mut vec![("self", Value::of(own))])?)
    }
}

/// What a regular expression found in a text.
type Found = Option<(usize, usize)>;

/// An expression for texts. It is compiled when it is first asked, and what it found last is kept: of many objects it is asked
/// the same again and again.
#[derive(Clone, Debug)]
pub(crate) struct Regex {
    written: String,
    compiled: OnceCell<Option<regex_lite::Regex>>,
    found: RefCell<Vec<(String, Found)>>,
}

/// One expression is the same, whatever was asked.
impl PartialEq for Regex {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

/// How many answers are kept of one expression.
const MOST_FOUND: usize = 16;

impl Regex {
    pub(crate) const fn new(written: String) -> Self {
        Self { written, compiled: OnceCell::new(), found: RefCell::new(vec![]) }
    }

    /// As it is written.
    pub(crate) fn written(&self) -> &str {
        &self.written
    }

    /// Where it first matches; an error where it is no expression that is read here.
    fn find(&self, text: &str) -> Result<Found, Stop> {
        if let Some(found) = self.found.borrow().iter().find(|(own, _)| own == text).map(|(_, found)| *found) {
            return Ok(found);
        }
        let compiled = self.compiled.get_or_init(|| regex_lite::Regex::new(&self.written).ok());
        let found = compiled.as_ref().ok_or(Stop::Unsupported)?.find(text).map(|found| (found.start(), found.end()));
        let mut all = self.found.borrow_mut();
        if all.len() == MOST_FOUND {
            all.remove(0);
        }
        all.push((text.to_owned(), found));
        Ok(found)
    }

    /// Does it match somewhere? An error where it is no expression that is read here.
    pub(super) fn is_match(&self, text: &str) -> Result<bool, Stop> {
        self.find(text).map(|found| found.is_some())
    }
}

thread_local! {
    /// The expressions that rules name.
    static REGEXES: RefCell<Vec<Rc<Regex>>> = const { RefCell::new(vec![]) };
}

fn regex(pattern: &str) -> Rc<Regex> {
    let is = |known: &&Rc<Regex>| known.written == pattern;
    if let Some(known) = REGEXES.with_borrow(|all| all.iter().find(is).cloned()) {
        return known;
    }
    let made = Rc::new(Regex::new(pattern.to_owned()));
    REGEXES.with_borrow_mut(|all| all.push(Rc::clone(&made)));
    made
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

/// A value on the way: of the object it is a part, never a copy.
#[derive(Clone, Debug)]
enum Value<'a> {
    Unknown,
    Part,
    Text(Cow<'a, str>),
    Number(f64),
    Flag(bool),
    Nodes(&'a [Node], Whole),
    List(Vec<Self>, Whole),
    Map(&'a [(String, Node)], Whole),
}

impl<'a> Value<'a> {
    fn of(node: &'a Node) -> Self {
        match node {
            Node::Unknown => Self::Unknown,
            Node::Part => Self::Part,
            Node::Text(text) => Self::Text(Cow::Borrowed(text)),
            Node::Number(number) => Self::Number(*number),
            Node::Flag(flag) => Self::Flag(*flag),
            Node::List(list, whole) => Self::Nodes(list, *whole),
            Node::Map(members, whole) => Self::Map(members, *whole),
        }
    }
}

type Outcome<'a> = Result<Value<'a>, Stop>;
type Names<'a> = Vec<(&'a str, Value<'a>)>;

const fn truth(value: &Value<'_>) -> Result<bool, Stop> {
    match value {
        Value::Flag(flag) => Ok(*flag),
        Value::Unknown | Value::Part => Err(Stop::Unknown),
        _ => Err(Stop::Error),
    }
}

fn evaluate<'a>(expression: &'a Expression, names: &mut Names<'a>) -> Outcome<'a> {
    match expression {
        Expression::Literal(node) => Ok(Value::of(node)),
        Expression::List(list) => {
            let list = list.iter().map(|one| evaluate(one, names)).collect::<Result<_, _>>()?;
            Ok(Value::List(list, Whole::Yes))
        }
        Expression::Name(name) => {
            let found = names.iter().rev().find(|(own, _)| own == name).map(|(_, value)| value.clone());
            known(found.ok_or(Stop::Unsupported)?)
        }
        Expression::Member(of, name) => member(&evaluate(of, names)?, name),
        Expression::Index(of, index) => {
            let (of, index) = (evaluate(of, names)?, evaluate(index, names)?);
            let at = |length: usize, number: f64| (0..length).find(|at| *at as f64 == number);
            match (of, &index) {
                (Value::Nodes(list, whole), Value::Number(number)) => {
                    let element = at(list.len(), *number).map(|at| Value::of(&list[at]));
                    known(element.ok_or(gone(whole))?)
                }
                (Value::List(mut list, whole), Value::Number(number)) => {
                    let element = at(list.len(), *number).map(|at| list.swap_remove(at));
                    known(element.ok_or(gone(whole))?)
                }
                (of @ Value::Map(..), Value::Text(name)) => member(&of, name),
                (_, Value::Part) => Err(Stop::Unknown),
                _ => Err(Stop::Error),
            }
        }
        Expression::Not(inner) => Ok(Value::Flag(!truth(&evaluate(inner, names)?)?)),
        Expression::If(condition, then, other) => {
            if truth(&evaluate(condition, names)?)? {
                evaluate(then, names)
            } else {
                evaluate(other, names)
            }
        }
        Expression::Binary(Operator::And, one, other) => either(false, one, other, names),
        Expression::Binary(Operator::Or, one, other) => either(true, one, other, names),
        Expression::Binary(operator, one, other) => {
            let (one, other) = (evaluate(one, names)?, evaluate(other, names)?);
            compare(*operator, &one, &other).map(Value::Flag)
        }
        Expression::Call(of, name, arguments) => call(of.as_deref(), name, arguments, names),
    }
}

fn known(value: Value<'_>) -> Outcome<'_> {
    if matches!(value, Value::Unknown) { Err(Stop::Unknown) } else { Ok(value) }
}

/// What it means that something is not among the members.
const fn gone(whole: Whole) -> Stop {
    match whole {
        Whole::Yes => Stop::Error,
        Whole::No => Stop::Unknown,
    }
}

fn named<'a>(members: &'a [(String, Node)], name: &str) -> Option<&'a Node> {
    members.iter().find(|(own, _)| own == name).map(|(_, node)| node)
}

fn member<'a>(of: &Value<'a>, name: &str) -> Outcome<'a> {
    match of {
        Value::Map(members, whole) => known(Value::of(named(members, name).ok_or(gone(*whole))?)),
        Value::Unknown | Value::Part => Err(Stop::Unknown),
        _ => Err(Stop::Error),
    }
}

/// `||` and `&&`: whichever side decides, the other one may fail.
fn either<'a>(decides: bool, one: &'a Expression, other: &'a Expression, names: &mut Names<'a>) -> Outcome<'a> {
    let mut side = |expression| evaluate(expression, names).and_then(|value| truth(&value));
    let first = side(one);
    if first == Ok(decides) {
        return Ok(Value::Flag(decides));
    }
    match (first, side(other)) {
        (_, Ok(second)) if second == decides => Ok(Value::Flag(decides)),
        (Ok(_), second) => second.map(Value::Flag),
        (Err(stop), Ok(_)) => Err(stop),
        (Err(first), Err(second)) => Err(worse(first, second)),
    }
}

const fn worse(one: Stop, other: Stop) -> Stop {
    match (one, other) {
        (Stop::Unsupported, _) | (_, Stop::Unsupported) => Stop::Unsupported,
        (Stop::Unknown, _) | (_, Stop::Unknown) => Stop::Unknown,
        _ => Stop::Error,
    }
}

fn compare(operator: Operator, one: &Value<'_>, other: &Value<'_>) -> Result<bool, Stop> {
    match operator {
        Operator::Equal => equal(one, other),
        Operator::Unequal => equal(one, other).map(|equal| !equal),
        Operator::In => contains(other, one),
        Operator::Less | Operator::AtMost | Operator::More | Operator::AtLeast => {
            let order = match (one, other) {
                (Value::Number(one), Value::Number(other)) => one.partial_cmp(other),
                (Value::Text(one), Value::Text(other)) => Some(one.cmp(other)),
                (Value::Part | Value::Unknown, _) | (_, Value::Part | Value::Unknown) => return Err(Stop::Unknown),
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

fn equal(one: &Value<'_>, other: &Value<'_>) -> Result<bool, Stop> {
    match (one, other) {
        // A text of which a part is known is not empty.
        (Value::Part, Value::Text(text)) | (Value::Text(text), Value::Part) if text.is_empty() => Ok(false),
        (Value::Part | Value::Unknown, _) | (_, Value::Part | Value::Unknown) => Err(Stop::Unknown),
        (Value::Map(..), Value::Map(..)) | (Value::List(..) | Value::Nodes(..), Value::List(..) | Value::Nodes(..)) => {
            Err(Stop::Unsupported)
        }
        (Value::Text(one), Value::Text(other)) => Ok(one == other),
        (Value::Number(one), Value::Number(other)) => Ok(one == other),
        (Value::Flag(one), Value::Flag(other)) => Ok(one == other),
        _ => Ok(false),
    }
}

fn contains(all: &Value<'_>, one: &Value<'_>) -> Result<bool, Stop> {
    let listed = |found: Result<bool, Stop>, whole: Whole| {
        let found = found?;
        if !found && whole == Whole::No { Err(Stop::Unknown) } else { Ok(found) }
    };
    match (all, one) {
        (Value::Map(members, whole), Value::Text(name)) => match named(members, name) {
            Some(Node::Unknown) => Err(Stop::Unknown),
            Some(_) => Ok(true),
            None if *whole == Whole::No => Err(Stop::Unknown),
            None => Ok(false),
        },
        (Value::List(list, whole), _) => {
            listed(list.iter().map(|element| equal(element, one)).fold(Ok(false), any), *whole)
        }
        (Value::Nodes(list, whole), _) => {
            listed(list.iter().map(|element| equal(&Value::of(element), one)).fold(Ok(false), any), *whole)
        }
        (Value::Part | Value::Unknown, _) | (_, Value::Part | Value::Unknown) => Err(Stop::Unknown),
        _ => Err(Stop::Error),
    }
}

/// One yes is enough, whatever fails beside it.
const fn any(so_far: Result<bool, Stop>, next: Result<bool, Stop>) -> Result<bool, Stop> {
    match (so_far, next) {
        (Ok(true), _) | (_, Ok(true)) => Ok(true),
        (Err(one), Err(other)) => Err(worse(one, other)),
        (Err(stop), _) | (_, Err(stop)) => Err(stop),
        _ => Ok(false),
    }
}

fn call<'a>(of: Option<&'a Expression>, name: &str, arguments: &'a [Expression], names: &mut Names<'a>) -> Outcome<'a> {
    match (of, name, arguments) {
        (None, "has", [Expression::Member(of, name)]) => {
            let of = evaluate(of, names)?;
            contains(&of, &Value::Text(Cow::Borrowed(name))).map(Value::Flag)
        }
        (None, "size", [of]) | (Some(of), "size", []) => {
            let size = match evaluate(of, names)? {
                Value::Text(text) => text.chars().count(),
                Value::List(list, Whole::Yes) => list.len(),
                Value::Nodes(list, Whole::Yes) => list.len(),
                Value::Map(members, Whole::Yes) => members.len(),
                Value::List(_, Whole::No)
                | Value::Nodes(_, Whole::No)
                | Value::Map(_, Whole::No)
                | Value::Part
                | Value::Unknown => return Err(Stop::Unknown),
                _ => return Err(Stop::Error),
            };
            Ok(Value::Number(size as f64))
        }
        (None, "int", [of]) => match evaluate(of, names)? {
            Value::Number(number) => Ok(Value::Number(number.trunc())),
            Value::Text(text) => {
                text.parse::<i64>().map(|number| Value::Number(number as f64)).map_err(|_| Stop::Error)
            }
            Value::Part | Value::Unknown => Err(Stop::Unknown),
            _ => Err(Stop::Error),
        },
        (Some(of), "all" | "exists" | "filter", [Expression::Name(variable), condition]) => {
            each(name, evaluate(of, names)?, variable, condition, names)
        }
        (Some(of), "find" | "matches" | "split" | "startsWith" | "endsWith" | "contains", [argument]) => {
            match (evaluate(of, names)?, evaluate(argument, names)?) {
                (Value::Text(text), Value::Text(argument)) => of_text(name, text, &argument),
                (Value::Part | Value::Unknown, _) | (_, Value::Part | Value::Unknown) => Err(Stop::Unknown),
                _ => Err(Stop::Error),
            }
        }
        _ => Err(Stop::Unsupported),
    }
}

fn of_text<'a>(function: &str, text: Cow<'a, str>, argument: &str) -> Outcome<'a> {
    let part = |start: usize, end: usize| match &text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[start..end]),
        Cow::Owned(text) => Cow::Owned(text[start..end].to_owned()),
    };
    Ok(match function {
        "find" => Value::Text(regex(argument).find(&text)?.map(|(start, end)| part(start, end)).unwrap_or_default()),
        "matches" => Value::Flag(regex(argument).is_match(&text)?),
        "split" => {
            let parts = match &text {
                Cow::Borrowed(text) => text.split(argument).map(|part| Value::Text(Cow::Borrowed(part))).collect(),
                Cow::Owned(text) => text.split(argument).map(|part| Value::Text(Cow::Owned(part.to_owned()))).collect(),
            };
            Value::List(parts, Whole::Yes)
        }
        "startsWith" => Value::Flag(text.starts_with(argument)),
        "endsWith" => Value::Flag(text.ends_with(argument)),
        _ => Value::Flag(text.contains(argument)),
    })
}

/// `all`, `exists` and `filter` over the elements of a list, or the names of a map's members.
fn each<'a>(
    what: &str,
    of: Value<'a>,
    variable: &'a str,
    condition: &'a Expression,
    names: &mut Names<'a>,
) -> Outcome<'a> {
    let (elements, whole): (Vec<Value<'a>>, Whole) = match of {
        Value::List(list, whole) => (list, whole),
        Value::Nodes(list, whole) => (list.iter().map(Value::of).collect(), whole),
        Value::Map(members, whole) => {
            (members.iter().map(|(name, _)| Value::Text(Cow::Borrowed(name.as_str()))).collect(), whole)
        }
        Value::Part | Value::Unknown => return Err(Stop::Unknown),
        _ => return Err(Stop::Error),
    };
    let mut holding = vec![];
    // `all` is that none does not.
    let wanted = what != "all";
    let mut found = Ok(false);
    for element in elements {
        names.push((variable, element.clone()));
        let outcome = evaluate(condition, names).and_then(|value| truth(&value));
        names.pop();
        if what == "filter" {
            if outcome? {
                holding.push(element);
            }
            continue;
        }
        found = any(found, outcome.map(|holds| holds == wanted));
    }
    if what == "filter" {
        return Ok(Value::List(holding, whole));
    }
    match found? {
        false if whole == Whole::No => Err(Stop::Unknown),
        found => Ok(Value::Flag(found == wanted)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(cel: &str) -> Rule {
        Rule::new(cel.to_owned(), String::new())
    }

    fn holds(cel: &str, own: &str) -> Result<bool, Stop> {
        rule(cel).holds(&Node::parse(own).unwrap())
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
        let patch = |cel: &str, own: &str| rule(cel).holds(&Node::parse(own).unwrap().into_patch());
        assert_eq!(patch("has(self.a) || has(self.b)", r#"{"a": 1}"#), Ok(true));
        assert_eq!(patch("has(self.a) || has(self.b)", r#"{"c": 1}"#), Err(Stop::Unknown));
        assert_eq!(patch("self.all(k, k != 'a')", r#"{"a": 1}"#), Ok(false));
        assert_eq!(patch("self.all(k, k != 'a')", r#"{"b": 1}"#), Err(Stop::Unknown));
    }

    #[test]
    fn what_is_not_read_here_is_unsupported() {
        for cel in ["duration(self) > duration('1h')", "self.map(x, x)", "self + 1 == 2", "self ==", ""] {
            assert!(!rule(cel).is_supported(), "{cel}");
            assert_eq!(holds(cel, "1"), Err(Stop::Unsupported), "{cel}");
        }
    }
}
