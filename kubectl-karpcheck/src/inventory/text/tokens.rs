//! A pattern of `*` and `?` laid over a text, where pieces of either may be symbols.

use crate::inventory::Ternary;
use crate::inventory::text::Symbol;

/// A piece of a text or of a pattern.
#[derive(Clone, Copy, Debug)]
pub enum Token<'a> {
    /// This character.
    Char(char),
    /// Any one character: in patterns only.
    Any,
    /// Any characters or none: in patterns only.
    Star,
    /// What a symbol stands for.
    Hole(&'a Symbol),
}

/// A pattern of `*` and `?`, piece by piece.
pub(super) fn pattern_tokens(pattern: &str) -> Vec<Token<'_>> {
    let token = |char| match char {
        '*' => Token::Star,
        '?' => Token::Any,
        char => Token::Char(char),
    };
    pattern.chars().map(token).collect()
}

/// Does a text match a pattern? `Yes` and `No` hold whatever the symbols on either side stand for.
pub fn wildcard(pattern: &[Token<'_>], text: &[Token<'_>]) -> Ternary {
    let (pattern, text) = unshared(pattern, text);
    // What differs at an end whatever the symbols stand for needs no alignment.
    let differ = |one: Option<&Token<'_>>, other: Option<&Token<'_>>| match (one, other) {
        (Some(Token::Char(one)), Some(Token::Char(other))) => one != other,
        (Some(Token::Char(_) | Token::Any), None) | (None, Some(Token::Char(_))) => true,
        _ => false,
    };
    if differ(pattern.first(), text.first()) || differ(pattern.last(), text.last()) {
        return Ternary::No;
    }
    if align(pattern, text, false) {
        Ternary::Yes
    } else if align(pattern, text, true) {
        Ternary::Unknown
    } else {
        Ternary::No
    }
}

/// Without what both begin and end with. Whatever a symbol at the same end of both stands for, it is the same there: so
/// `other-${Name}` is certainly not `${Name}`. In a pattern a symbol may stand for a wildcard, but not one that the text has,
/// too: the text names what exists, and no name in AWS has a `*` or `?`.
fn unshared<'p, 't, 'a, 'b>(
    mut pattern: &'p [Token<'a>],
    mut text: &'t [Token<'b>],
) -> (&'p [Token<'a>], &'t [Token<'b>]) {
    let shared = |one: &Token<'_>, other: &Token<'_>| match (one, other) {
        (Token::Char(one), Token::Char(other)) => one == other,
        (Token::Hole(one), Token::Hole(other)) => one.is(other),
        _ => false,
    };
    while let ([one, rest @ ..], [other, others @ ..]) = (pattern, text)
        && shared(one, other)
    {
        (pattern, text) = (rest, others);
    }
    while let ([rest @ .., one], [others @ .., other]) = (pattern, text)
        && shared(one, other)
    {
        (pattern, text) = (rest, others);
    }
    (pattern, text)
}

/// One row per piece of the text, one bit per position in the pattern. Certain: a hole is matched by itself or by a star
/// only. Possible: a hole on either side may stand for anything.
fn align(pattern: &[Token<'_>], text: &[Token<'_>], possible: bool) -> bool {
    let spans = |token: &Token<'_>| matches!(token, Token::Star) || (possible && matches!(token, Token::Hole(_)));
    // reached[j]: the text so far is matched by the first j pieces of the pattern.
    let close = |reached: &mut [bool]| {
        for (j, token) in pattern.iter().enumerate() {
            if reached[j] && spans(token) {
                reached[j + 1] = true;
            }
        }
    };
    let mut reached = vec![false; pattern.len() + 1];
    let mut next = reached.clone();
    reached[0] = true;
    close(&mut reached);
    for piece in text {
        next.fill(false);
        if possible && matches!(piece, Token::Hole(_)) {
            // It may stand for whatever any further stretch of the pattern needs.
            if let Some(first) = reached.iter().position(|reached| *reached) {
                next[first..].fill(true);
            }
        } else {
            for (j, token) in pattern.iter().enumerate() {
                if !reached[j] {
                    continue;
                }
                let (stays, steps) = match (token, piece) {
                    (Token::Star, _) => (true, false),
                    (Token::Hole(_), Token::Char(_)) if possible => (true, false),
                    (Token::Any, Token::Char(_)) => (false, true),
                    (Token::Char(a), Token::Char(b)) => (false, a == b),
                    (Token::Hole(a), Token::Hole(b)) => (false, a.is(b)),
                    _ => (false, false),
                };
                next[j] |= stays;
                next[j + 1] |= steps;
            }
        }
        close(&mut next);
        std::mem::swap(&mut reached, &mut next);
        if !reached.contains(&true) {
            return false;
        }
    }
    reached[pattern.len()]
}
