//! Expressions to values that may be known in part.

use hcl_edit::Span;
use hcl_edit::expr::{BinaryOperator, Expression, ForExpr, ObjectKey, Traversal, TraversalOperator, UnaryOperator};

use super::{Env, Evaluator};
use crate::inventory::reason::Terraform;
use crate::inventory::{At, Cause, List, Map, Node, Reason, Text, Value};
use crate::sources::terraform::hcl::functions;
use crate::sources::terraform::hcl::functions::{failed, flag, numeric};

impl<'a> Evaluator<'a> {
    pub(super) fn expression(&self, env: &Env<'a>, expression: &'a Expression, at: At) -> Node {
        match expression {
            Expression::Null(_) => Node::new(Value::Null, at),
            Expression::Bool(flag) => Node::new(Value::Flag(*flag.value()), at),
            Expression::Number(number) => Node::new(Value::Number(number.value().as_f64().unwrap_or_default()), at),
            Expression::String(text) => Node::text(text.value().as_str(), at),
            Expression::Parenthesis(inner) => self.eval(env, inner.inner()),
            Expression::StringTemplate(_) | Expression::HeredocTemplate(_) => match expression.as_template() {
                Some(template) => {
                    let (indent, at) = match expression {
                        // As a block of lines in YAML, it is where its first line is.
                        Expression::HeredocTemplate(heredoc) => {
                            let indent = heredoc.indent().unwrap_or_default();
                            (indent, env.source.lines(expression.span(), indent).unwrap_or(at))
                        }
                        _ => (0, at),
                    };
                    self.template(env, template, indent, at)
                }
                None => Node::new(Value::Null, at),
            },
            Expression::Array(array) => {
                let items = array.iter().map(|item| self.eval(env, item)).collect();
                Node::new(Value::List(List { items, more: None }), at)
            }
            Expression::Object(object) => {
                let mut map = Map::default();
                for (key, value) in object {
                    let node = self.eval(env, value.expr());
                    let key = match key {
                        ObjectKey::Ident(ident) => Value::Text(ident.as_str().into()),
                        ObjectKey::Expression(Expression::Variable(name)) => Value::Text(name.as_str().into()),
                        ObjectKey::Expression(key) => self.eval(env, key).value,
                    };
                    match key {
                        Value::Text(key) => map.set(key, node),
                        Value::Number(_) | Value::Flag(_) => {
                            map.set(Node::new(key, at).to_json().to_string(), node);
                        }
                        _ => map.more = Some(Box::new(Reason::new(Cause::Symbolic, Terraform::Key))),
                    }
                }
                Node::new(Value::Map(map), at)
            }
            Expression::Variable(name) => match env.vars.iter().rev().find(|(known, _)| known == name.as_str()) {
                Some((_, node)) => node.clone(),
                None => failed(Terraform::Undeclared { name: name.as_str().into() }, at),
            },
            Expression::Conditional(choice) => {
                let condition = self.eval(env, &choice.cond_expr);
                match flag(&condition) {
                    Some(true) => self.eval(env, &choice.true_expr),
                    Some(false) => self.eval(env, &choice.false_expr),
                    None => {
                        let (one, other) = (self.eval(env, &choice.true_expr), self.eval(env, &choice.false_expr));
                        if self.assume.get() && nothing(&other) {
                            return one;
                        }
                        if self.assume.get() && nothing(&one) {
                            return other;
                        }
                        if one.first_unknown().is_none() && one.to_json() == other.to_json() {
                            return one;
                        }
                        // An expression that the user did not write says nothing to him: what it depends on does.
                        match condition.first_unknown().filter(|_| env.module.code.known.is_some()) {
                            Some((reason, _)) => Node::because(reason.as_cause(Cause::Symbolic), at),
                            None => {
                                let gap = Terraform::Condition { written: written(&choice.cond_expr).into() };
                                Node::unknown(Cause::Symbolic, gap, at)
                            }
                        }
                    }
                }
            }
            Expression::FuncCall(call) => self.call(env, call, at),
            Expression::Traversal(traversal) => self.traversal(env, traversal, at),
            Expression::UnaryOp(operation) => {
                let node = self.eval(env, &operation.expr);
                match operation.operator.value() {
                    UnaryOperator::Not => flag(&node).map(|flag| Node::new(Value::Flag(!flag), at)),
                    UnaryOperator::Neg => numeric(&node).map(|number| Node::new(Value::Number(-number), at)),
                }
                .unwrap_or_else(|| self.unclear(env, expression, &[&node], at))
            }
            Expression::BinaryOp(operation) => {
                let (left, right) = (self.eval(env, &operation.lhs_expr), self.eval(env, &operation.rhs_expr));
                binary(*operation.operator.value(), &left, &right)
                    .map_or_else(|| self.unclear(env, expression, &[&left, &right], at), |value| Node::new(value, at))
            }
            Expression::ForExpr(each) => self.each(env, each, at),
        }
    }

    /// A symbol for an expression that cannot be evaluated, made of these values.
    pub(super) fn unclear(&self, env: &Env<'a>, expression: &Expression, of: &[&Node], at: At) -> Node {
        let written = written(expression);
        if env.module.code.known.is_some()
            && let Some((reason, _)) = of.iter().find_map(|node| node.first_unknown())
        {
            return Node::text(Text::symbol(self.symbol(env, &written, reason)), at);
        }
        Node::text(
            Text::symbol(self.symbol(env, &written, Terraform::WhenRun { written: written.as_str().into() })),
            at,
        )
    }

    fn call(&self, env: &Env<'a>, call: &'a hcl_edit::expr::FuncCall, at: At) -> Node {
        let name = call.name.name.as_str();
        if name == "try" || name == "can" {
            for argument in call.args.iter() {
                let before = self.trying.replace(true);
                let node = self.eval(env, argument);
                self.trying.set(before);
                let fails = matches!(&node.value, Value::Unknown(reason) if reason.cause == Cause::Failed);
                if name == "can" {
                    // What is not known as a whole may fail yet.
                    return if !fails && functions::maybe_nothing(&node) {
                        let (written, argument) = (format!("can({})", written(argument)), node.first_unknown());
                        let reason =
                            argument.map_or_else(|| Reason::new(Cause::Symbolic, Terraform::Try), |(why, _)| why);
                        Node::text(Text::symbol(self.symbol(env, &written, reason)), at)
                    } else {
                        Node::new(Value::Flag(!fails), at)
                    };
                }
                if !fails {
                    return node;
                }
            }
            return failed(Terraform::Try, at);
        }
        let mut args: Vec<Node> = call.args.iter().map(|argument| self.eval(env, argument)).collect();
        if call.args.expand_final()
            && let Some(Node { value: Value::List(list), .. }) = args.last().cloned()
        {
            args.pop();
            args.extend(list.items);
        }
        self.spent(args.iter().map(Node::size).sum());
        let around = env.module.around.as_ref();
        if let Some(node) = around.and_then(|around| around.call(name, &args, at)) {
            return node;
        }
        if let Some(node) = self.file_function(env, name, &args, at).or_else(|| functions::call(name, &args, at)) {
            return node;
        }
        let written = match call.args.iter().next() {
            Some(first) if call.args.len() == 1 => format!("{name}({})", written(first)),
            _ => format!("{name}(…)@{}:{}", at.line, at.column),
        };
        let reason = args.iter().find_map(Node::first_unknown).map_or_else(
            || Reason::new(Cause::Symbolic, Terraform::Function { name: name.into() }),
            |(reason, _)| reason,
        );
        Node::text(Text::symbol(self.symbol(env, &written, reason)), at)
    }

    fn each(&self, env: &Env<'a>, each: &'a ForExpr, at: At) -> Node {
        let over = self.eval(env, &each.intro.collection_expr);
        let (entries, mut more) = match elements(&over, at) {
            Ok(found) => found,
            Err(reason) => return Node::because(reason, at),
        };
        let (mut items, mut map) = (vec![], Map::default());
        for (key, value) in entries {
            let mut vars = vec![(each.intro.value_var.as_str().to_owned(), value)];
            if let Some(name) = &each.intro.key_var {
                vars.push((name.as_str().to_owned(), key));
            }
            let inner = env.with(vars);
            if let Some(condition) = &each.cond {
                match flag(&self.eval(&inner, &condition.expr)) {
                    Some(true) => {}
                    Some(false) => continue,
                    None if self.assume.get() => {}
                    None => {
                        let gap = Terraform::Elements { written: written(&condition.expr).into() };
                        more.get_or_insert_with(|| Box::new(Reason::new(Cause::Symbolic, gap)));
                        continue;
                    }
                }
            }
            let node = self.eval(&inner, &each.value_expr);
            match &each.key_expr {
                None => items.push(node),
                Some(key) => {
                    let key = match self.eval(&inner, key).value {
                        Value::Text(key) => Ok(key),
                        other => {
                            let key = Node::new(other, at);
                            key.first_unknown()
                                .map_or_else(|| Ok(key.to_json().to_string().into()), |(why, _)| Err(why))
                        }
                    };
                    match key {
                        Ok(key) if each.grouping => {
                            let group = map.entries.iter_mut().find(|(known, _)| *known == key);
                            match group.map(|(_, group)| &mut group.value) {
                                Some(Value::List(group)) => group.items.push(node),
                                _ => map.set(key, Node::new(Value::List(std::iter::once(node).collect()), at)),
                            }
                        }
                        Ok(key) => map.set(key, node),
                        Err(reason) => map.more = Some(Box::new(reason)),
                    }
                }
            }
        }
        if each.key_expr.is_none() {
            Node::new(Value::List(List { items, more }), at)
        } else {
            map.more = map.more.or(more);
            Node::new(Value::Map(map), at)
        }
    }

    fn traversal(&self, env: &Env<'a>, traversal: &'a Traversal, at: At) -> Node {
        let Expression::Variable(root) = &traversal.expr else {
            let node = self.eval(env, &traversal.expr);
            return self.steps(env, node, &traversal.operators_slice(), at, &written(&traversal.expr));
        };
        let operators = traversal.operators_slice();
        let name = |index: usize| match operators.get(index) {
            Some(TraversalOperator::GetAttr(name)) => Some(name.as_str()),
            _ => None,
        };
        let root = root.as_str();
        let local = |key: &str| env.vars.iter().rev().find(|(known, _)| known == key).map(|(_, node)| node.clone());
        match (root, name(0)) {
            ("each" | "count", Some(field)) => {
                let node = local(&format!("{root}.{field}"))
                    .unwrap_or_else(|| failed(Terraform::NoField { root: root.into(), field: field.into() }, at));
                self.steps(env, node, &operators[1..], at, &format!("{root}.{field}"))
            }
            (root, _) if local(root).is_some() => {
                let node = local(root).unwrap_or_else(|| failed(Terraform::NotThere, at));
                self.steps(env, node, &operators, at, root)
            }
            ("var", Some(field)) => {
                let node = self.variable(env, field, at);
                self.steps(env, node, &operators[1..], at, &format!("var.{field}"))
            }
            ("local", Some(field)) => {
                let node = self.local(env, field, at);
                self.steps(env, node, &operators[1..], at, &format!("local.{field}"))
            }
            (root, Some(field)) if env.module.around.is_some() && (root == "include" || root == "dependency") => {
                match env.module.around.as_ref().and_then(|around| around.named(root)) {
                    Some(node) => self.steps(env, node, &operators, at, root),
                    None => {
                        let rest = operators.iter().skip(1).filter_map(|operator| match operator {
                            TraversalOperator::GetAttr(name) => Some(format!(".{}", name.as_str())),
                            _ => None,
                        });
                        let written = format!("{root}.{field}{}", rest.collect::<String>());
                        let gap = Terraform::WhenRun { written: written.as_str().into() };
                        Node::text(Text::symbol(self.symbol(env, &written, gap)), at)
                    }
                }
            }
            ("module", Some(call)) => self.module_output(env, call, &operators[1..], at),
            ("data", Some(kind)) => match name(1) {
                Some(field) => self.resource(env, true, kind, field, &operators[2..], at),
                None => failed(Terraform::Data, at),
            },
            ("path", Some("module")) if env.module.folder.is_some() => {
                Node::text(env.module.folder.as_deref().unwrap_or_default(), at)
            }
            ("path", Some("root")) => Node::text(".", at),
            ("path" | "terraform" | "self", Some(field)) => {
                let written = format!("{root}.{field}");
                Node::text(
                    Text::symbol(self.symbol(env, &written, Terraform::WhenRun { written: written.as_str().into() })),
                    at,
                )
            }
            (kind, Some(field)) => self.resource(env, false, kind, field, &operators[1..], at),
            _ => failed(Terraform::Undeclared { name: root.into() }, at),
        }
    }

    /// Goes on from a value.
    pub(super) fn steps(
        &self,
        env: &Env<'a>,
        node: Node,
        operators: &[&'a TraversalOperator],
        at: At,
        so_far: &str,
    ) -> Node {
        let Some((operator, rest)) = operators.split_first() else {
            // A value stands where it is used; the text of a file stays in its file.
            let at = if self.files.is_read(node.at.doc) { node.at } else { at };
            return Node::new(node.value, at);
        };
        self.spent(1);
        let key = match operator {
            TraversalOperator::GetAttr(name) => Node::text(name.as_str(), at),
            TraversalOperator::Index(index) => self.eval(env, index),
            TraversalOperator::LegacyIndex(index) => {
                functions::number(usize::try_from(*index.value()).unwrap_or(0), at)
            }
            TraversalOperator::AttrSplat(_) | TraversalOperator::FullSplat(_) => {
                let list = match node.value {
                    Value::List(list) => list,
                    Value::Null => List::default(),
                    value => match Node::new(value, at) {
                        node if node.first_unknown().is_some() => return self.beyond(env, &node, at, so_far, "*"),
                        node => List { items: vec![node], more: None },
                    },
                };
                let items =
                    list.items.into_iter().map(|item| self.steps(env, item, rest, at, so_far)).collect::<Vec<_>>();
                return Node::new(Value::List(List { items, more: list.more }), at);
            }
        };
        let written = key.to_json();
        let written = written.as_str().map_or_else(|| written.to_string(), str::to_owned);
        let found = match (&node.value, &key.value) {
            (Value::Map(map), Value::Text(name)) => match map.get(&name.to_string()) {
                Some(node) => node.clone(),
                None if map.more.is_some() || name.hole().is_some() => {
                    return self.beyond(env, &node, at, so_far, &written);
                }
                None => return failed(Terraform::NoMember { of: so_far.into(), name: written.into() }, at),
            },
            (Value::List(list), Value::Number(index)) =>
            {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "out of range finds nothing"
                )]
                match list.items.get(*index as usize) {
                    Some(node) => node.clone(),
                    None if list.more.is_some() => return self.beyond(env, &node, at, so_far, &written),
                    None => return failed(Terraform::NoElement { of: so_far.into(), index: written.into() }, at),
                }
            }
            (Value::Null, _) => return failed(Terraform::Null { of: so_far.into() }, at),
            (Value::Unknown(reason), _) if reason.cause == Cause::Failed => return node,
            _ => return self.beyond(env, &node, at, so_far, &written),
        };
        self.steps(env, found, rest, at, &format!("{so_far}.{written}"))
    }

    /// A part of something unknown.
    fn beyond(&self, env: &Env<'a>, node: &Node, at: At, so_far: &str, step: &str) -> Node {
        let reason = node.first_unknown().map_or_else(
            || Reason::new(Cause::Symbolic, Terraform::WhenRun { written: format!("{so_far}.{step}").into() }),
            |(reason, _)| reason.as_cause(Cause::Symbolic),
        );
        // What differs from one instance to the other is no symbol that could be compared.
        if so_far.starts_with("each.") || matches!(node.value, Value::Unknown(_)) {
            return Node::because(reason, at);
        }
        Node::text(Text::symbol(self.symbol(env, &format!("{so_far}.{step}"), reason)), at)
    }
}

/// The traversal's operators, without their decoration.
trait Operators {
    fn operators_slice(&self) -> Vec<&TraversalOperator>;
}

impl Operators for Traversal {
    fn operators_slice(&self) -> Vec<&TraversalOperator> {
        self.operators.iter().map(|operator| operator.value()).collect()
    }
}

/// An expression as it is written, on one line.
pub(super) fn written(expression: &Expression) -> String {
    let text = expression.to_string();
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ");
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}…@{}", &text[..end], expression.span().map_or(0, |span| span.start)),
        None => text,
    }
}

/// The keys and values of a collection, and why there may be more of them.
pub(super) type Elements = (Vec<(Node, Node)>, Option<Box<Reason>>);

/// What a loop goes over, or why it cannot be told.
pub(super) fn elements(over: &Node, at: At) -> Result<Elements, Reason> {
    Ok(match &over.value {
        Value::List(list) => {
            let numbered = list.items.iter().enumerate();
            (numbered.map(|(index, node)| (functions::number(index, at), node.clone())).collect(), list.more.clone())
        }
        Value::Map(map) => {
            let entries = functions::in_order(map).into_iter();
            (entries.map(|(key, node)| (Node::text(key.clone(), node.at), node.clone())).collect(), map.more.clone())
        }
        Value::Null => (vec![], None),
        _ => {
            let unknown = over.first_unknown().map(|(reason, _)| reason);
            let reason = unknown.unwrap_or_else(|| Reason::new(Cause::Symbolic, Terraform::NoCollection));
            return Err(reason.as_cause(Cause::Symbolic));
        }
    })
}

fn nothing(node: &Node) -> bool {
    match &node.value {
        Value::Null => true,
        Value::List(list) => list.items.is_empty() && list.more.is_none(),
        Value::Map(map) => map.entries.is_empty() && map.more.is_none(),
        Value::Number(number) => *number == 0.0,
        _ => false,
    }
}

fn binary(operator: BinaryOperator, left: &Node, right: &Node) -> Option<Value> {
    use BinaryOperator::{And, Div, Eq, Greater, GreaterEq, Less, LessEq, Minus, Mod, Mul, NotEq, Or, Plus};
    let numbers = || numeric(left).zip(numeric(right));
    Some(match operator {
        And => match (flag(left), flag(right)) {
            (Some(false), _) | (_, Some(false)) => Value::Flag(false),
            (Some(true), Some(true)) => Value::Flag(true),
            _ => return None,
        },
        Or => match (flag(left), flag(right)) {
            (Some(true), _) | (_, Some(true)) => Value::Flag(true),
            (Some(false), Some(false)) => Value::Flag(false),
            _ => return None,
        },
        Eq | NotEq => {
            let same = match (&left.value, &right.value) {
                (Value::Text(left), Value::Text(right)) => match left.same(right) {
                    crate::inventory::Ternary::Yes => true,
                    crate::inventory::Ternary::No => false,
                    crate::inventory::Ternary::Unknown => return None,
                },
                _ if left.first_unknown().is_some() || right.first_unknown().is_some() => return None,
                _ => left.to_json() == right.to_json(),
            };
            Value::Flag(same == (operator == Eq))
        }
        Less => numbers().map(|(left, right)| Value::Flag(left < right))?,
        LessEq => numbers().map(|(left, right)| Value::Flag(left <= right))?,
        Greater => numbers().map(|(left, right)| Value::Flag(left > right))?,
        GreaterEq => numbers().map(|(left, right)| Value::Flag(left >= right))?,
        Plus => numbers().map(|(left, right)| Value::Number(left + right))?,
        Minus => numbers().map(|(left, right)| Value::Number(left - right))?,
        Mul => numbers().map(|(left, right)| Value::Number(left * right))?,
        Div => numbers().filter(|(_, right)| *right != 0.0).map(|(left, right)| Value::Number(left / right))?,
        Mod => numbers().filter(|(_, right)| *right != 0.0).map(|(left, right)| Value::Number(left % right))?,
    })
}

pub(super) fn step_written(step: &TraversalOperator) -> String {
    match step {
        TraversalOperator::GetAttr(name) => format!(".{}", name.as_str()),
        TraversalOperator::Index(index) => format!("[{}]", written(index)),
        TraversalOperator::LegacyIndex(index) => format!(".{}", index.value()),
        TraversalOperator::AttrSplat(_) => ".*".to_owned(),
        TraversalOperator::FullSplat(_) => "[*]".to_owned(),
    }
}
