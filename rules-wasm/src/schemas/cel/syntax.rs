//! Expressions of CEL, read from text.

use crate::schemas::tree::Node;

#[derive(Clone, PartialEq, Debug)]
pub(super) enum Expression {
    Literal(Node),
    List(Vec<Self>),
    Name(String),
    Member(Box<Self>, String),
    Index(Box<Self>, Box<Self>),
    Not(Box<Self>),
    If(Box<Self>, Box<Self>, Box<Self>),
    Binary(Operator, Box<Self>, Box<Self>),
    /// What it is called on, its name, its arguments.
    Call(Option<Box<Self>>, String, Vec<Self>),
}

impl Expression {
    /// Is something true of it and of all its parts?
    pub(super) fn all(&self, is: &impl Fn(&Self) -> bool) -> bool {
        let parts: Vec<&Self> = match self {
            Self::Literal(_) | Self::Name(_) => vec![],
            Self::List(list) => list.iter().collect(),
            Self::Member(of, _) | Self::Not(of) => vec![of],
            Self::Index(one, other) | Self::Binary(_, one, other) => vec![one, other],
            Self::If(one, two, three) => vec![one, two, three],
            Self::Call(of, _, arguments) => of.as_deref().into_iter().chain(arguments).collect(),
        };
        is(self) && parts.into_iter().all(|part| part.all(is))
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Operator {
    Or,
    And,
    Equal,
    Unequal,
    Less,
    AtMost,
    More,
    AtLeast,
    In,
}

/// Reads an expression; none where it has something that is not supported.
pub(super) fn parse(text: &str) -> Option<Expression> {
    let mut reader = Reader { tokens: tokens(text)?, at: 0 };
    let expression = reader.conditional()?;
    (reader.at == reader.tokens.len()).then_some(expression)
}

#[derive(Clone, PartialEq, Debug)]
enum Token {
    Word(String),
    Number(f64),
    Text(String),
    Sign(&'static str),
}

/// The longer ones first.
const SIGNS: &[&str] = &["&&", "||", "==", "!=", "<=", ">=", "<", ">", "!", "?", ":", ".", ",", "(", ")", "[", "]"];

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = vec![];
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if first.is_ascii_alphabetic() || first == '_' {
            let length = rest.find(|next: char| !next.is_ascii_alphanumeric() && next != '_').unwrap_or(rest.len());
            tokens.push(Token::Word(rest[..length].to_owned()));
            length
        } else if first.is_ascii_digit() {
            let length = rest.find(|next: char| !next.is_ascii_digit() && next != '.').unwrap_or(rest.len());
            tokens.push(Token::Number(rest[..length].parse().ok()?));
            length
        } else if first == '\'' || first == '"' {
            let (value, length) = quoted(rest, first)?;
            tokens.push(Token::Text(value));
            length
        } else {
            let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign))?;
            tokens.push(Token::Sign(sign));
            sign.len()
        };
        rest = rest[length..].trim_start();
    }
    Some(tokens)
}

/// A text in quotes, and how long it is with them.
fn quoted(rest: &str, quote: char) -> Option<(String, usize)> {
    let mut value = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, char)) = chars.next() {
        match char {
            '\\' => value.push(match chars.next()?.1 {
                'n' => '\n',
                't' => '\t',
                plain @ ('\\' | '\'' | '"') => plain,
                _ => return None,
            }),
            end if end == quote => return Some((value, at + 1)),
            other => value.push(other),
        }
    }
    None
}

struct Reader {
    tokens: Vec<Token>,
    at: usize,
}

impl Reader {
    fn takes(&mut self, sign: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some(Token::Sign(own)) if *own == sign);
        self.at += usize::from(found);
        found
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some(Token::Word(own)) if own == word);
        self.at += usize::from(found);
        found
    }

    fn conditional(&mut self) -> Option<Expression> {
        let condition = self.binary(0)?;
        if !self.takes("?") {
            return Some(condition);
        }
        let then = self.binary(0)?;
        if !self.takes(":") {
            return None;
        }
        Some(Expression::If(Box::new(condition), Box::new(then), Box::new(self.conditional()?)))
    }

    /// The operators of a level bind less than those of the next one.
    fn binary(&mut self, level: usize) -> Option<Expression> {
        const LEVELS: &[&[(&str, Operator)]] = &[
            &[("||", Operator::Or)],
            &[("&&", Operator::And)],
            &[
                ("==", Operator::Equal),
                ("!=", Operator::Unequal),
                ("<=", Operator::AtMost),
                (">=", Operator::AtLeast),
                ("<", Operator::Less),
                (">", Operator::More),
            ],
        ];
        let Some(operators) = LEVELS.get(level) else { return self.unary() };
        let mut left = self.binary(level + 1)?;
        loop {
            let sign = operators.iter().find(|(sign, _)| self.takes(sign)).map(|(_, operator)| *operator);
            let relation = level + 1 == LEVELS.len();
            let operator = sign.or_else(|| (relation && self.takes_word("in")).then_some(Operator::In));
            let Some(operator) = operator else { return Some(left) };
            left = Expression::Binary(operator, Box::new(left), Box::new(self.binary(level + 1)?));
        }
    }

    fn unary(&mut self) -> Option<Expression> {
        if self.takes("!") {
            return Some(Expression::Not(Box::new(self.unary()?)));
        }
        let mut expression = self.primary()?;
        loop {
            if self.takes(".") {
                let Some(Token::Word(name)) = self.tokens.get(self.at).cloned() else { return None };
                self.at += 1;
                expression = if self.takes("(") {
                    Expression::Call(Some(Box::new(expression)), name, self.list(")")?)
                } else {
                    Expression::Member(Box::new(expression), name)
                };
            } else if self.takes("[") {
                let index = self.conditional()?;
                if !self.takes("]") {
                    return None;
                }
                expression = Expression::Index(Box::new(expression), Box::new(index));
            } else {
                return Some(expression);
            }
        }
    }

    fn primary(&mut self) -> Option<Expression> {
        if self.takes("(") {
            let inner = self.conditional()?;
            return self.takes(")").then_some(inner);
        }
        if self.takes("[") {
            return Some(Expression::List(self.list("]")?));
        }
        let token = self.tokens.get(self.at).cloned()?;
        self.at += 1;
        Some(match token {
            Token::Number(number) => Expression::Literal(Node::Number(number)),
            Token::Text(text) => Expression::Literal(Node::Text(text)),
            Token::Word(word) if word == "true" || word == "false" => Expression::Literal(Node::Flag(word == "true")),
            Token::Word(word) if self.takes("(") => Expression::Call(None, word, self.list(")")?),
            Token::Word(word) => Expression::Name(word),
            Token::Sign(_) => return None,
        })
    }

    /// Up to the closing sign.
    fn list(&mut self, close: &str) -> Option<Vec<Expression>> {
        let mut list = vec![];
        if self.takes(close) {
            return Some(list);
        }
        loop {
            list.push(self.conditional()?);
            if self.takes(close) {
                return Some(list);
            }
            if !self.takes(",") {
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_bind_as_the_language_says() {
        assert_eq!(parse("!a && b || c == 1"), parse("((!a) && b) || (c == 1)"));
        assert_eq!(parse("a ? b : c ? d : e"), parse("a ? b : (c ? d : e)"));
        assert_eq!(parse("!(x in ['a', \"b\"])"), parse("! (x in [ 'a' , 'b' ] )"));
        assert!(parse("a +").is_none() && parse("a b").is_none() && parse("'open").is_none() && parse("f(").is_none());
    }
}
