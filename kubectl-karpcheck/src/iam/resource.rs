//! ARNs against patterns, part by part, and the `Resource` and `NotResource` elements.

use crate::inventory::{Reason, Ternary, Text};

use crate::iam::arn::split;
use crate::iam::environment::Env;
use crate::iam::pattern::{Pattern, Piece, Syntax, open, others, pieces};

/// A pattern for ARNs. With six parts or more each part matches for itself, so that a star never spans the first five
/// colons; with fewer the pattern matches as a whole, or as an ARN of which the rest is anything.
#[derive(Clone, Debug)]
pub(super) struct ArnPattern {
    whole: Pattern,
    parts: Option<Box<[Pattern; 6]>>,
    /// Were parts left out?
    incomplete: bool,
}

impl ArnPattern {
    /// Of a condition, where nothing is added.
    pub(super) fn new(text: &Text, variables: bool) -> Self {
        Self::read(text, variables, false)
    }

    /// Of a resource: AWS completes an ARN that lacks parts (`arn:aws:sqs`) with stars.
    pub(super) fn completed(text: &Text, variables: bool) -> Self {
        Self::read(text, variables, true)
    }

    fn read(text: &Text, variables: bool, complete: bool) -> Self {
        let syntax = Syntax { wildcards: true, variables, fold: false };
        let all = pieces(text, syntax);
        let mut parts: Vec<Vec<Piece>> = vec![vec![]];
        for piece in &all {
            if matches!(piece, Piece::Char(':')) && parts.len() < 6 {
                parts.push(vec![]);
            } else if let Some(last) = parts.last_mut() {
                last.push(piece.clone());
            }
        }
        let incomplete = complete && (2..6).contains(&parts.len()) && text.starts_with("arn:");
        if incomplete {
            parts.resize_with(6, || vec![Piece::Star]);
        }
        let parts: Vec<Pattern> =
            parts.into_iter().map(|part| Pattern::from_pieces(part, Text::from(""), false)).collect();
        Self {
            whole: Pattern::from_pieces(all, text.clone(), false),
            parts: <[Pattern; 6]>::try_from(parts).ok().map(Box::new),
            incomplete,
        }
    }

    pub(super) const fn written(&self) -> &Text {
        &self.whole.written
    }

    /// Does a text match?
    pub(super) fn matches(&self, value: &Text, env: &Env<'_>, doubt: &mut Option<Reason>) -> Ternary {
        self.matches_parts(value, split(value).as_ref(), env, doubt)
    }

    /// Does the resource that is asked for match? Its ARN was taken apart once.
    fn matches_resource(&self, env: &Env<'_>, doubt: &mut Option<Reason>) -> Ternary {
        self.matches_parts(&env.request.resource, env.request.parts(), env, doubt)
    }

    fn matches_parts(
        &self,
        value: &Text,
        parts: Option<&[Text; 6]>,
        env: &Env<'_>,
        doubt: &mut Option<Reason>,
    ) -> Ternary {
        let Some(patterns) = &self.parts else { return self.whole.matches(value, env, doubt) };
        if let (Some(one), Some(other)) = (self.written().refers(), value.refers())
            && one == other
        {
            return Ternary::Yes;
        }
        if others(self.written(), value) {
            return Ternary::No;
        }
        if self.incomplete {
            // A star at the end of a part may also span the colons behind it.
            let spanning = self.whole.matches(value, env, doubt);
            return spanning.or(self.by_parts(patterns, value, parts, env, doubt));
        }
        self.by_parts(patterns, value, parts, env, doubt)
    }

    fn by_parts(
        &self,
        patterns: &[Pattern; 6],
        value: &Text,
        parts: Option<&[Text; 6]>,
        env: &Env<'_>,
        doubt: &mut Option<Reason>,
    ) -> Ternary {
        match parts {
            Some(parts) => {
                // One part that differs for certain is enough, whatever is in doubt of the others.
                let mut whole = true;
                for (pattern, part) in patterns.iter().zip(parts) {
                    match pattern.plainly(part) {
                        Some(true) => {}
                        Some(false) => return Ternary::No,
                        None => whole = false,
                    }
                }
                if whole {
                    return Ternary::Yes;
                }
                let mut own = None;
                let pairs = patterns.iter().zip(parts);
                let answer = Ternary::all(pairs.map(|(pattern, part)| pattern.matches(part, env, &mut own)));
                if answer == Ternary::Unknown && doubt.is_none() {
                    *doubt = own;
                }
                answer
            }
            None if value.known().is_some() => Ternary::No,
            // A hole may stand for several parts.
            None => self.whole.matches(value, env, doubt),
        }
    }
}

/// The resources of a statement.
#[derive(Clone, Debug)]
pub(super) struct Resources {
    pub(super) not: bool,
    patterns: Vec<ArnPattern>,
    open: Option<Reason>,
}

impl Resources {
    pub(super) fn new(not: bool, texts: &[&Text], variables: bool, open: Option<Reason>) -> Self {
        Self { not, patterns: texts.iter().map(|text| ArnPattern::completed(text, variables)).collect(), open }
    }

    /// All resources: of a document that leaves them out, as trust policies do.
    pub(super) fn all() -> Self {
        Self { not: true, patterns: vec![], open: None }
    }

    /// Is the resource that is asked for among them?
    pub(super) fn matches(&self, env: &Env<'_>, doubt: &mut Option<Reason>) -> Ternary {
        let listed =
            Ternary::any(self.patterns.iter().map(|pattern| {
                if pattern.whole.is_any() { Ternary::Yes } else { pattern.matches_resource(env, doubt) }
            }));
        let listed = open(listed, self.open.as_ref(), doubt);
        if self.not { !listed } else { listed }
    }
}
