//! Texts that may be known in part.
//!
//! A template's `arn:${AWS::Partition}:sqs:${AWS::Region}:…` is a text with holes. Each hole is a [`Symbol`], equal to
//! itself and to nothing else with certainty. Questions about such texts have three answers.

mod tokens;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::inventory::reason::{Cause, Gap, Reason};
use crate::inventory::ternary::Ternary;
use crate::schema::pattern::glob;

use tokens::pattern_tokens;
pub use tokens::{Token, wildcard};

/// Where a symbol means the same thing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum SymbolScope {
    /// The whole run: `$VAR`, `{{ … }}`.
    Run,
    /// The account and region that templates are deployed to: `${AWS::Region}`.
    AccountRegion,
    /// One template or module.
    Template(u32),
    /// The objects of one cluster, by its number: references between ACK objects.
    Cluster(u32),
    /// A field of an item whose value is not known, in a request to IAM.
    Field,
}

/// What a hole stands for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Symbol {
    /// As it is written: `${AWS::Region}`, `$KEY_ARN`.
    pub name: Arc<str>,
    /// Where the name means the same.
    pub scope: SymbolScope,
    /// Why it has no value: `symbolic`, or `not-provided` for an account or region that was not stated.
    pub reason: Reason,
}

impl Symbol {
    /// A symbol as a template or a placeholder has it.
    pub fn new(name: impl Into<Arc<str>>, scope: SymbolScope, gap: impl Into<Gap>) -> Self {
        Self { name: name.into(), scope, reason: Reason::new(Cause::Symbolic, gap) }
    }

    /// The reason why a text with this symbol is unknown.
    pub fn reason(&self) -> Reason {
        self.reason.clone()
    }

    fn is(&self, other: &Self) -> bool {
        self.name == other.name && self.scope == other.scope
    }
}

/// A piece of a text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Part {
    /// Known characters.
    Known(Box<str>),
    /// A hole.
    Hole(Symbol),
}

/// A resource of a template by its logical id, and the attribute of it that a text holds (`Arn`; empty for `Ref`).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Address {
    /// The template.
    pub scope: SymbolScope,
    /// The logical id.
    pub id: Arc<str>,
    /// The attribute.
    pub attribute: Arc<str>,
}

/// A text with holes, or one that refers to a resource of its template.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Template {
    /// The pieces; no two known ones side by side.
    pub parts: Vec<Part>,
    /// The resource that it refers to by its address, when the text is such a reference as a whole.
    pub refers: Option<Address>,
}

/// A text.
#[derive(Clone, Eq)]
pub enum Text {
    /// Known as a whole.
    Known(Arc<str>),
    /// Known in part, or a reference by address.
    Template(Arc<Template>),
}

/// A text's pieces, to find equal texts by: known ones without a scope, symbols with theirs.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Pieces(Vec<(Option<SymbolScope>, Box<str>)>);

impl Text {
    /// Its pieces. Equal for texts that certainly say the same.
    pub(crate) fn pieces(&self) -> Pieces {
        let of_part = |part: &Part| match part {
            Part::Known(known) => (None, known.clone()),
            Part::Hole(symbol) => (Some(symbol.scope), (*symbol.name).into()),
        };
        Pieces(match self {
            Self::Known(text) if text.is_empty() => vec![],
            Self::Known(text) => vec![(None, (**text).into())],
            Self::Template(template) => template.parts.iter().map(of_part).collect(),
        })
    }

    /// A text from its pieces.
    pub fn from_parts(parts: impl IntoIterator<Item = Part>) -> Self {
        let mut merged: Vec<Part> = Vec::new();
        // Known pieces side by side, which become one only when something else follows.
        let (mut first, mut run): (Option<Box<str>>, String) = (None, String::new());
        let close = |merged: &mut Vec<Part>, first: &mut Option<Box<str>>, run: &mut String| {
            let known = if run.is_empty() { first.take() } else { Some(std::mem::take(run).into()) };
            *first = None;
            merged.extend(known.map(Part::Known));
        };
        for part in parts {
            match part {
                Part::Known(text) if text.is_empty() => {}
                Part::Known(text) if first.is_none() => first = Some(text),
                Part::Known(text) => {
                    if run.is_empty() {
                        run.push_str(first.as_deref().unwrap_or_default());
                    }
                    run.push_str(&text);
                }
                hole @ Part::Hole(_) => {
                    close(&mut merged, &mut first, &mut run);
                    merged.push(hole);
                }
            }
        }
        close(&mut merged, &mut first, &mut run);
        match merged.as_slice() {
            [] => Self::Known("".into()),
            [Part::Known(text)] => Self::Known(Arc::from(&**text)),
            _ => Self::Template(Arc::new(Template { parts: merged, refers: None })),
        }
    }

    /// A text that is one hole.
    pub fn symbol(symbol: Symbol) -> Self {
        Self::from_parts([Part::Hole(symbol)])
    }

    /// The same text, which refers to a resource of its template.
    pub fn referring(self, address: Address) -> Self {
        let parts = self.into_parts();
        Self::Template(Arc::new(Template { parts, refers: Some(address) }))
    }

    /// Takes its known pieces apart where `split` does. What it refers to stays.
    pub(crate) fn split(&mut self, split: impl Fn(&str) -> Option<Vec<Part>>) {
        match self {
            Self::Known(text) => {
                if let Some(parts) = split(text) {
                    *self = Self::from_parts(parts);
                }
            }
            Self::Template(template) => {
                let known = |part: &Part| match part {
                    Part::Known(text) => split(text),
                    Part::Hole(_) => None,
                };
                let pieces: Vec<Option<Vec<Part>>> = template.parts.iter().map(known).collect();
                if pieces.iter().all(Option::is_none) {
                    return;
                }
                let whole = template.parts.iter().cloned().zip(pieces);
                let split = Self::from_parts(whole.flat_map(|(part, pieces)| pieces.unwrap_or_else(|| vec![part])));
                *self = match template.refers.clone() {
                    Some(address) => split.referring(address),
                    None => split,
                };
            }
        }
    }

    /// The whole text, if it is known.
    pub fn known(&self) -> Option<&str> {
        match self {
            Self::Known(text) => Some(text),
            Self::Template(template) => match template.parts.as_slice() {
                [] => Some(""),
                [Part::Known(text)] => Some(text),
                _ => None,
            },
        }
    }

    /// The first hole.
    pub fn hole(&self) -> Option<&Symbol> {
        self.holes().next()
    }

    /// The pieces of a text that is not known as a whole; none of one that is.
    fn parts(&self) -> &[Part] {
        match self {
            Self::Known(_) => &[],
            Self::Template(template) => &template.parts,
        }
    }

    /// How many bytes of it are known.
    pub(crate) fn known_len(&self) -> usize {
        match self {
            Self::Known(text) => text.len(),
            Self::Template(template) => template
                .parts
                .iter()
                .map(|part| match part {
                    Part::Known(text) => text.len(),
                    Part::Hole(_) => 0,
                })
                .sum(),
        }
    }

    /// All holes.
    pub fn holes(&self) -> impl Iterator<Item = &Symbol> {
        self.parts().iter().filter_map(|part| match part {
            Part::Hole(symbol) => Some(symbol),
            Part::Known(_) => None,
        })
    }

    /// The address that this text refers to.
    pub fn refers(&self) -> Option<&Address> {
        match self {
            Self::Known(_) => None,
            Self::Template(template) => template.refers.as_ref(),
        }
    }

    /// The pieces.
    pub fn into_parts(self) -> Vec<Part> {
        match self {
            Self::Known(text) if text.is_empty() => vec![],
            Self::Known(text) => vec![Part::Known((&*text).into())],
            Self::Template(template) => Arc::unwrap_or_clone(template).parts,
        }
    }

    /// Is it written like this? Holes count as they are written.
    pub fn is(&self, written: &str) -> bool {
        match self {
            Self::Known(text) => **text == *written,
            Self::Template(_) => self.to_string() == written,
        }
    }

    /// Is nothing there?
    pub fn is_empty(&self) -> bool {
        self.known() == Some("")
    }

    /// What it certainly begins with, up to the first hole.
    pub(crate) fn beginning(&self) -> Option<&str> {
        match self {
            Self::Known(text) => Some(text),
            Self::Template(template) => match template.parts.first() {
                Some(Part::Known(text)) => Some(text),
                _ => None,
            },
        }
    }

    /// Does it certainly begin so?
    pub fn starts_with(&self, prefix: &str) -> bool {
        match self {
            Self::Known(text) => text.starts_with(prefix),
            Self::Template(template) => {
                matches!(template.parts.first(), Some(Part::Known(text)) if text.starts_with(prefix))
            }
        }
    }

    /// Does it match a pattern of `*` and `?`?
    pub fn matches(&self, pattern: &str) -> Ternary {
        if let Some(known) = self.known() {
            return glob(pattern, known).into();
        }
        wildcard(&pattern_tokens(pattern), &self.tokens())
    }

    /// Do two texts say the same? The same symbol on both sides is the same.
    pub fn same(&self, other: &Self) -> Ternary {
        if let (Some(one), Some(other)) = (self.known(), other.known()) {
            return (one == other).into();
        }
        if self.ends_otherwise(other) {
            return Ternary::No;
        }
        wildcard(&self.tokens(), &other.tokens())
    }

    /// Do two texts begin or end in known characters that differ? Then they differ, whatever their holes stand for; most pairs do.
    fn ends_otherwise(&self, other: &Self) -> bool {
        let ((begin, end), (other_begin, other_end)) = (self.ends(), other.ends());
        begin.bytes().zip(other_begin.bytes()).any(|(one, other)| one != other)
            || end.bytes().rev().zip(other_end.bytes().rev()).any(|(one, other)| one != other)
    }

    /// Are the pieces the same, each hole the same symbol?
    fn parts_are(&self, other: &Self) -> bool {
        let (Self::Template(one), Self::Template(other)) = (self, other) else { return false };
        one.parts.len() == other.parts.len()
            && one.parts.iter().zip(&other.parts).all(|pair| match pair {
                (Part::Known(one), Part::Known(other)) => one == other,
                (Part::Hole(one), Part::Hole(other)) => one.is(other),
                _ => false,
            })
    }

    /// What stands before the first hole and behind the last.
    fn ends(&self) -> (&str, &str) {
        match self {
            Self::Known(text) => (text, text),
            Self::Template(template) => (known(template.parts.first()), known(template.parts.last())),
        }
    }

    /// As it is written, with the names of its holes.
    pub(crate) fn written(&self) -> Cow<'_, str> {
        self.known().map_or_else(|| Cow::Owned(self.to_string()), Cow::Borrowed)
    }

    /// How many pieces it has: characters and holes.
    pub(crate) fn length(&self) -> usize {
        match self {
            Self::Known(text) => text.chars().count(),
            Self::Template(template) => template
                .parts
                .iter()
                .map(|part| match part {
                    Part::Known(text) => text.chars().count(),
                    Part::Hole(_) => 1,
                })
                .sum(),
        }
    }

    /// The text piece by piece.
    pub fn tokens(&self) -> Vec<Token<'_>> {
        match self {
            Self::Known(text) => text.chars().map(Token::Char).collect(),
            Self::Template(template) => template
                .parts
                .iter()
                .flat_map(|part| match part {
                    Part::Known(text) => text.chars().map(Token::Char).collect(),
                    Part::Hole(symbol) => vec![Token::Hole(symbol)],
                })
                .collect(),
        }
    }
}

/// The characters of a known piece.
fn known(part: Option<&Part>) -> &str {
    match part {
        Some(Part::Known(text)) => text,
        _ => "",
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(text) => f.write_str(text),
            Self::Template(template) => template.parts.iter().try_for_each(|part| match part {
                Part::Known(text) => f.write_str(text),
                Part::Hole(symbol) => f.write_str(&symbol.name),
            }),
        }
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

/// The same pieces. A reference by address does not make a text another one.
impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        match (self.known(), other.known()) {
            (Some(one), Some(other)) => one == other,
            (None, None) => self.parts_are(other),
            _ => false,
        }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::Known(text.into())
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::Known(text.into())
    }
}

impl From<Arc<str>> for Text {
    fn from(text: Arc<str>) -> Self {
        Self::Known(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hole(name: &str) -> Part {
        Part::Hole(Symbol::new(
            name,
            SymbolScope::Run,
            crate::inventory::reason::Template::Placeholder { name: name.into() },
        ))
    }

    fn text(parts: &[&str]) -> Text {
        Text::from_parts(
            parts.iter().map(|part| if part.starts_with('$') { hole(part) } else { Part::Known((*part).into()) }),
        )
    }

    #[test]
    fn a_longer_text_around_a_symbol_is_not_the_symbol() {
        assert_eq!(text(&["another-", "$X"]).same(&text(&["$X"])), Ternary::No);
        assert_eq!(text(&["a/", "$X"]).same(&text(&["a/b-", "$X"])), Ternary::No);
        assert_eq!(text(&["$X", "-b"]).same(&text(&["$X"])), Ternary::No);
        assert_eq!(text(&["a/", "$X"]).same(&text(&["a/b-", "$Y"])), Ternary::Unknown);
        assert_eq!(text(&["$X"]).same(&text(&["$X"])), Ternary::Yes);
    }

    #[test]
    fn known_parts_decide_where_they_can() {
        for (parts, pattern, answer) in [
            (&["alias/", "$X"][..], "alias/*", Ternary::Yes),
            (&["alias/", "$X"], "arn:*", Ternary::No),
            (&["alias/", "$X"], "alias/aws/sqs", Ternary::Unknown),
            (&["$X"], "alias/*", Ternary::Unknown),
            (&["$X"], "*", Ternary::Yes),
            (&["$X"], "?*", Ternary::Unknown),
            (&["a", "$X", "z"], "a*y", Ternary::No),
            (&["a", "$X", "z"], "a*z", Ternary::Yes),
            (&["arn:", "$P", ":kms:", "$R", ":key/1"], "arn:*:key/*", Ternary::Yes),
            (&["plain"], "pl??n", Ternary::Yes),
            (&["plain"], "pl?n", Ternary::No),
            (&[""], "*", Ternary::Yes),
        ] {
            assert_eq!(text(parts).matches(pattern), answer, "{parts:?} against {pattern}");
        }
    }

    #[test]
    fn the_short_way_answers_as_the_long_one() {
        let pieces = ["", "a", "ab", "ba", "aab", "abab", "ü", "aXb", "arn:aws:kms:eu-west-1:111122223333:key/1"];
        for pattern in
            ["", "*", "?", "a*", "*b", "*a*b*", "a?b", "**", "?*?", "ab*ab", "ü", "arn:*:key/?*", "*:alias/*"]
        {
            for piece in pieces {
                let long = wildcard(&pattern_tokens(pattern), &Text::from(piece).tokens()) == Ternary::Yes;
                assert_eq!(glob(pattern, piece), long, "{piece:?} against {pattern:?}");
            }
        }
    }

    #[test]
    fn equal_symbols_are_equal_and_nothing_else_is_certain() {
        let cluster = text(&["$C"]);
        assert_eq!(cluster.same(&text(&["$C"])), Ternary::Yes);
        assert_eq!(cluster.same(&text(&["$D"])), Ternary::Unknown);
        assert_eq!(cluster.same(&text(&["demo"])), Ternary::Unknown);
        assert_eq!(text(&["a-", "$C"]).same(&text(&["b-", "$C"])), Ternary::No);
        assert_eq!(text(&["a-", "$C"]).same(&text(&["a-", "$C"])), Ternary::Yes);
        assert_eq!(text(&["$C", "-x"]).same(&text(&["demo-y"])), Ternary::No);
    }

    #[test]
    fn pieces_are_merged() {
        assert_eq!(text(&["a", "b", "", "c"]).known(), Some("abc"));
        assert_eq!(text(&["a", "$X", "b"]).to_string(), "a$Xb");
    }
}
