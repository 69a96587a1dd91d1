//! Patterns of policies: wildcards, policy variables and holes, matched against texts with holes.

use crate::inventory::reason::Iam;
use crate::inventory::text::{Token, wildcard};
use crate::inventory::{Cause, Reason, Symbol, SymbolScope, Ternary, Text};
use crate::schema::pattern::glob;

use crate::iam::context::{Given, KeyName, Lookup};
use crate::iam::environment::Env;
use crate::iam::fold::fold_char;

/// How the text of a pattern is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Syntax {
    /// `*` and `?` are wildcards.
    pub(super) wildcards: bool,
    /// `${…}` are policy variables: a document of 2012-10-17.
    pub(super) variables: bool,
    /// Case does not count. The text to match must be folded, too.
    pub(super) fold: bool,
}

/// A pattern, compiled.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    shape: Shape,
    /// As it is written.
    pub(super) written: Text,
    fold: bool,
}

#[derive(Clone, Debug)]
enum Shape {
    Any,
    Literal(Box<str>),
    Glob(Box<str>),
    Pieces(Vec<Piece>),
}

#[derive(Clone, Debug)]
pub(super) enum Piece {
    Char(char),
    One,
    Star,
    Hole(Symbol),
    Variable(Box<Variable>),
}

/// A policy variable: `${aws:PrincipalTag/team, 'none'}`.
#[derive(Clone, Debug)]
pub(super) struct Variable {
    key: KeyName,
    default: Option<Box<str>>,
    /// What it is where its value is not known.
    symbol: Symbol,
}

impl Pattern {
    pub(super) fn new(text: &Text, syntax: Syntax) -> Self {
        Self::from_pieces(pieces(text, syntax), text.clone(), syntax.fold)
    }

    pub(super) fn from_pieces(pieces: Vec<Piece>, written: Text, fold: bool) -> Self {
        let plain = pieces.iter().all(|piece| !matches!(piece, Piece::Hole(_) | Piece::Variable(_)));
        let wild = pieces.iter().any(|piece| matches!(piece, Piece::Star | Piece::One));
        // An escaped `${*}` is a star that is no wildcard: only the pieces can tell them apart.
        let stars = pieces.iter().any(|piece| matches!(piece, Piece::Char('*' | '?')));
        let shape = if plain && pieces.len() == 1 && matches!(pieces[0], Piece::Star) {
            Shape::Any
        } else if plain && !(wild && stars) {
            let text: String = pieces
                .iter()
                .map(|piece| match piece {
                    Piece::Char(char) => *char,
                    Piece::One => '?',
                    _ => '*',
                })
                .collect();
            if wild { Shape::Glob(text.into()) } else { Shape::Literal(text.into()) }
        } else {
            Shape::Pieces(pieces)
        };
        Self { shape, written, fold }
    }

    /// Does a known text match, where neither holes nor variables have a say?
    pub(super) fn plainly(&self, value: &Text) -> Option<bool> {
        match (&self.shape, value) {
            (Shape::Any, _) => Some(true),
            (Shape::Literal(literal), Text::Known(known)) => Some(**literal == **known),
            (Shape::Glob(pattern), Text::Known(known)) => Some(glob(pattern, known)),
            _ => None,
        }
    }

    /// The text that alone it matches, where it has no wildcards and no holes.
    pub(super) fn literal(&self) -> Option<&str> {
        match &self.shape {
            Shape::Literal(literal) => Some(literal),
            _ => None,
        }
    }

    /// Does it match everything?
    pub(super) const fn is_any(&self) -> bool {
        matches!(self.shape, Shape::Any)
    }

    pub(super) fn matches_str(&self, value: &str, env: &Env<'_>, doubt: &mut Option<Reason>) -> Ternary {
        match &self.shape {
            Shape::Any => Ternary::Yes,
            Shape::Literal(literal) => Ternary::from(**literal == *value),
            Shape::Glob(pattern) => Ternary::from(glob(pattern, value)),
            Shape::Pieces(pieces) => {
                // What begins otherwise needs no closer look.
                let begins = pieces.iter().map_while(|piece| match piece {
                    Piece::Char(char) => Some(*char),
                    _ => None,
                });
                let mut chars = value.chars();
                for char in begins {
                    if chars.next() != Some(char) {
                        return Ternary::No;
                    }
                }
                let tokens: Vec<Token<'_>> = value.chars().map(Token::Char).collect();
                self.matches_tokens(&tokens, env, doubt)
            }
        }
    }

    /// Does a text match, which may have holes?
    pub(super) fn matches(&self, value: &Text, env: &Env<'_>, doubt: &mut Option<Reason>) -> Ternary {
        if let (Some(one), Some(other)) = (self.written.refers(), value.refers())
            && one == other
        {
            return Ternary::Yes;
        }
        if others(&self.written, value) {
            return Ternary::No;
        }
        match value.known() {
            Some(known) => self.matches_str(known, env, doubt),
            None => self.matches_tokens(&value.tokens(), env, doubt),
        }
    }

    fn matches_tokens(&self, value: &[Token<'_>], env: &Env<'_>, doubt: &mut Option<Reason>) -> Ternary {
        let mut tokens: Vec<Token<'_>> = vec![];
        let mut reason: Option<Reason> = None;
        match &self.shape {
            Shape::Any => tokens.push(Token::Star),
            Shape::Literal(literal) => tokens.extend(literal.chars().map(Token::Char)),
            Shape::Glob(pattern) => tokens.extend(pattern.chars().map(|char| match char {
                '*' => Token::Star,
                '?' => Token::Any,
                char => Token::Char(char),
            })),
            Shape::Pieces(pieces) => {
                for piece in pieces {
                    match piece {
                        Piece::Char(char) => tokens.push(Token::Char(*char)),
                        Piece::One => tokens.push(Token::Any),
                        Piece::Star => tokens.push(Token::Star),
                        Piece::Hole(symbol) => match env.home(symbol) {
                            Some(text) => tokens.extend(text.tokens()),
                            None => {
                                reason.get_or_insert_with(|| symbol.reason.clone());
                                tokens.push(Token::Hole(symbol));
                            }
                        },
                        Piece::Variable(variable) => match variable.resolve(env) {
                            Resolved::Text(text) => push_text(&mut tokens, text, self.fold),
                            Resolved::Str(text) => tokens.extend(text.chars().map(Token::Char)),
                            // A variable without a value equals nothing.
                            Resolved::Nothing => return Ternary::No,
                            Resolved::Unknown(why) => {
                                reason.get_or_insert(why);
                                tokens.push(Token::Hole(&variable.symbol));
                            }
                        },
                    }
                }
            }
        }
        let answer = wildcard(&tokens, value);
        if answer == Ternary::Unknown && doubt.is_none() {
            *doubt = reason.or_else(|| {
                value.iter().find_map(|token| match token {
                    Token::Hole(symbol) => Some(symbol.reason.clone()),
                    _ => None,
                })
            });
        }
        answer
    }
}

/// Are these the ARNs of two resources of one template, neither of them known? Whatever AWS makes up, no two are equal.
/// Only CloudFormation's logical ids tell: `aws_x.this` and `aws_x.this[0]` may be one resource of Terraform's.
pub(super) fn others(one: &Text, other: &Text) -> bool {
    let logical = |id: &str| id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let (Some(a), Some(b)) = (one.refers(), other.refers()) else { return false };
    (one.known().is_none() && other.known().is_none())
        && matches!(a.scope, SymbolScope::Template(_))
        && (a.scope == b.scope && a.id != b.id && logical(&a.id) && logical(&b.id))
        && (&*a.attribute == "Arn" && &*b.attribute == "Arn")
}

fn push_text<'a>(tokens: &mut Vec<Token<'a>>, text: &'a Text, fold: bool) {
    tokens.extend(text.tokens().into_iter().map(|token| match token {
        Token::Char(char) if fold => Token::Char(fold_char(char)),
        token => token,
    }));
}

enum Resolved<'a> {
    Text(&'a Text),
    Str(&'a str),
    Nothing,
    Unknown(Reason),
}

impl Variable {
    fn resolve<'a>(&'a self, env: &Env<'a>) -> Resolved<'a> {
        let nothing = || self.default.as_deref().map_or(Resolved::Nothing, Resolved::Str);
        match env.request.context.lookup(&self.key) {
            Lookup::One(Given::Absent) => nothing(),
            Lookup::One(Given::Unknown(reason)) => Resolved::Unknown(reason.clone()),
            Lookup::One(Given::Values(values)) => match values.as_slice() {
                [] => nothing(),
                [one] => Resolved::Text(one),
                _ => Resolved::Unknown(Reason::new(
                    Cause::Undecidable,
                    Iam::SeveralInVariable { key: self.key.to_string().into() },
                )),
            },
            Lookup::Maybe(_) => Resolved::Unknown(self.symbol.reason.clone()),
            Lookup::Unsaid => Resolved::Unknown(self.key.unsaid()),
        }
    }
}

/// A text piece by piece.
pub(super) fn pieces(text: &Text, syntax: Syntax) -> Vec<Piece> {
    let tokens = text.tokens();
    let mut pieces = Vec::with_capacity(tokens.len());
    let mut rest = tokens.as_slice();
    while let Some((token, after)) = rest.split_first() {
        rest = after;
        match token {
            Token::Char('$') if syntax.variables && matches!(rest.first(), Some(Token::Char('{'))) => {
                let end = rest.iter().position(|token| matches!(token, Token::Char('}')));
                match end {
                    Some(end) => {
                        pieces.extend(variable(&rest[1..end], syntax));
                        rest = &rest[end + 1..];
                    }
                    None => pieces.push(Piece::Char('$')),
                }
            }
            Token::Char('*') if syntax.wildcards => {
                // Two stars are one.
                if !matches!(pieces.last(), Some(Piece::Star)) {
                    pieces.push(Piece::Star);
                }
            }
            Token::Char('?') if syntax.wildcards => pieces.push(Piece::One),
            Token::Char(char) => pieces.push(Piece::Char(if syntax.fold { fold_char(*char) } else { *char })),
            Token::Hole(symbol) => pieces.push(Piece::Hole((*symbol).clone())),
            Token::Any | Token::Star => {}
        }
    }
    pieces
}

/// What stands between `${` and `}`.
fn variable(inside: &[Token<'_>], syntax: Syntax) -> Option<Piece> {
    let known: Option<String> = inside
        .iter()
        .map(|token| match token {
            Token::Char(char) => Some(*char),
            _ => None,
        })
        .collect();
    let opaque = |name: String, cause, gap: Iam| {
        Some(Piece::Hole(Symbol { name: name.into(), scope: SymbolScope::Run, reason: Reason::new(cause, gap) }))
    };
    let Some(known) = known else {
        let name: String = inside
            .iter()
            .map(|token| match token {
                Token::Char(char) => char.to_string(),
                Token::Hole(symbol) => symbol.name.to_string(),
                _ => String::new(),
            })
            .collect();
        let gap = Iam::VariableName { name: name.as_str().into() };
        return opaque(format!("${{{name}}}"), Cause::Symbolic, gap);
    };
    match known.as_str() {
        "*" | "?" | "$" => return known.chars().next().map(Piece::Char),
        _ => {}
    }
    let (key, default) = match known.split_once(',') {
        Some((key, default)) => (key.trim(), Some(default.trim().trim_matches('\''))),
        None => (known.trim(), None),
    };
    let symbol = Symbol {
        name: format!("${{{known}}}").into(),
        scope: SymbolScope::Run,
        reason: Reason::new(Cause::Undecidable, Iam::Variable { name: known.as_str().into() }),
    };
    if !key.contains(':') {
        // No context key: a placeholder of whatever made the file, never a policy variable.
        return opaque(format!("${{{known}}}"), Cause::Symbolic, Iam::Placeholder { name: known.as_str().into() });
    }
    let default = default.map(|text| if syntax.fold { text.chars().map(fold_char).collect() } else { text.to_owned() });
    Some(Piece::Variable(Box::new(Variable {
        key: KeyName::new(&Text::from(key)),
        default: default.map(String::into_boxed_str),
        symbol,
    })))
}

/// A list that may go on may hold what was not found in it.
pub(super) fn open(answer: Ternary, open: Option<&Reason>, doubt: &mut Option<Reason>) -> Ternary {
    match (answer, open) {
        (Ternary::No, Some(reason)) => {
            doubt.get_or_insert_with(|| reason.clone());
            Ternary::Unknown
        }
        _ => answer,
    }
}
