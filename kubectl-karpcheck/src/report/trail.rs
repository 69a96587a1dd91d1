//! How AWS decides, statement by statement: `can` and `why`, for people and for machines.

use std::io::{self, Write};

use serde::Serialize;

use crate::iam::{Access, Decision, Principal, Request, StatementTrail};
use crate::inventory::{Inventory, ItemId, SymbolScope, Ternary};
use crate::report::json;
use crate::report::json::Place;
use crate::report::rows;
use crate::report::rows::Spot;
use crate::report::{cause_words, closing, encoding, layout, text};

/// A request with its answer.
#[derive(Clone, Copy, Debug)]
pub struct Answered<'a> {
    /// The request in full.
    pub request: &'a Request,
    /// The context keys that the question named: `aws:SourceArn = …`.
    pub context: &'a [String],
    /// The answer.
    pub decision: &'a Decision,
    /// What each statement contributes.
    pub trail: &'a [StatementTrail],
}

/// One subject of a rule.
#[derive(Clone, Debug)]
pub struct Reasons<'a> {
    /// The subject.
    pub subject: ItemId,
    /// `skip`, `pass`, `unknown` or `fail`.
    pub verdict: &'static str,
    /// The rule's messages.
    pub messages: Vec<String>,
    /// Its IAM requests.
    pub answers: Vec<Answered<'a>>,
}

/// Statements that are all shown where none comes near.
const FEW: usize = 6;

fn who(request: &Request) -> String {
    match &request.principal {
        // The role's item is known even where its ARN is not.
        Principal::Identity(identity) if identity.arn.hole().is_some_and(|hole| hole.scope == SymbolScope::Field) => {
            "the controller's role".into()
        }
        Principal::Identity(identity) => identity.arn.to_string(),
        Principal::Service(name) => name.to_string(),
        Principal::Federated(provider) => format!("identities that {provider} vouches for"),
        Principal::Anyone => "anyone in another account".into(),
    }
}

const fn access_words(access: Access) -> &'static str {
    match access {
        Access::Allowed => "allowed",
        Access::ImplicitDeny => "denied",
        Access::ExplicitDeny => "denied explicitly",
        Access::Unknown => "unknown",
    }
}

/// What a statement does.
const fn effect(statement: &StatementTrail) -> &'static str {
    match (statement.applies, statement.effect.as_bytes()) {
        (Ternary::Yes, b"Allow") => "allows",
        (Ternary::Yes, b"Deny") => "denies",
        (Ternary::No, _) => "does not match",
        (Ternary::Unknown, _) | (Ternary::Yes, _) => "unknown",
    }
}

fn spot<'a>(inventory: &'a Inventory, item: ItemId, pointer: &str) -> Option<Spot<'a>> {
    let at = inventory.place(item, pointer)?;
    Some(Spot::new(inventory, at))
}

fn spot_words(inventory: &Inventory, item: ItemId, pointer: &str) -> String {
    spot(inventory, item, pointer).map_or_else(String::new, |spot| {
        let origin = text::one_line(&spot.origin.to_string());
        if spot.at.line == 0 { origin } else { format!("{origin}:{}:{}", spot.at.line, spot.at.column) }
    })
}

fn subject_words(inventory: &Inventory, item: ItemId) -> String {
    inventory.item(item).map_or_else(String::new, |item| {
        let kind = rows::short_kind(&item.kind);
        text::one_line(&match item.namespace.as_deref() {
            Some(namespace) if !namespace.is_empty() => format!("{kind}/{namespace}/{}", item.name),
            _ => format!("{kind}/{}", item.name),
        })
    })
}

/// What in a statement does not match or is unknown.
fn misses(statement: &StatementTrail) -> String {
    let notes: Vec<String> = statement
        .elements
        .iter()
        .filter(|element| {
            element.answer != Ternary::Yes && (statement.applies != Ternary::No || element.answer == Ternary::No)
        })
        .map(|element| text::one_line(&element.note))
        .filter(|note| !note.is_empty())
        .collect();
    notes.join(", and ")
}

/// Writes one answer for people, with all statements or with those that come near alone.
pub fn decision_table(
    inventory: &Inventory,
    answered: &Answered<'_>,
    all: bool,
    width: Option<usize>,
    out: &mut dyn Write,
) -> io::Result<()> {
    problems_of(inventory, width, out)?;
    write_answer(inventory, answered, all, (width, ""), out)
}

fn problems_of(inventory: &Inventory, width: Option<usize>, out: &mut dyn Write) -> io::Result<()> {
    for problem in inventory.problems() {
        for line in text::wrap(&closing::problem(inventory, problem), width.map_or(usize::MAX, |width| width.max(40))) {
            writeln!(out, "{line}")?;
        }
    }
    Ok(())
}

fn write_answer(
    inventory: &Inventory,
    answered: &Answered<'_>,
    all: bool,
    (width, indent): (Option<usize>, &str),
    out: &mut dyn Write,
) -> io::Result<()> {
    let Answered { request, context, decision, trail } = answered;
    let room = width.map_or(usize::MAX, |width| width.saturating_sub(indent.len()).max(30));
    let mut say = |text: &str| -> io::Result<()> {
        for line in text::wrap(&text::clean(text), room) {
            writeln!(out, "{indent}{line}")?;
        }
        Ok(())
    };
    say(&format!("{}: {} to {} on {}", access_words(decision.access), request.action, who(request), request.resource))?;
    if !context.is_empty() {
        say(&format!("with {}", context.join("; ")))?;
    }
    say(&decision.why)?;
    if let Some(unknown) = &decision.unknown {
        say(&format!("to be known ({}): {}", cause_words(unknown.reason.cause), unknown.reason))?;
    }
    // Statements about other actions are counted, unless there are few and nothing else to show.
    let named = trail.iter().any(|statement| statement.applies != Ternary::No || statement.near);
    let all = all || (!named && trail.len() <= FEW);
    let (near, far): (Vec<&StatementTrail>, Vec<&StatementTrail>) =
        trail.iter().partition(|statement| all || statement.applies != Ternary::No || statement.near);
    if !near.is_empty() {
        let rows: Vec<Vec<String>> = near
            .iter()
            .map(|statement| {
                vec![
                    effect(statement).to_owned(),
                    text::one_line(&statement.place.note),
                    spot_words(inventory, statement.place.item, &statement.place.pointer),
                    misses(statement),
                ]
            })
            .collect();
        writeln!(out)?;
        for line in statements(&rows, width.map(|_| room)) {
            writeln!(out, "{}", format!("{indent}{line}").trim_end())?;
        }
        writeln!(out)?;
    }
    let mut say = |text: &str| -> io::Result<()> {
        for line in text::wrap(&text::one_line(text), room) {
            writeln!(out, "{indent}{line}")?;
        }
        Ok(())
    };
    if !far.is_empty() {
        say(&format!("{} about other actions (--all shows them)", text::count(far.len(), "statement")))?;
    }
    for (item, fault) in &decision.faults {
        say(&format!("fault: {}: {fault}", spot_words(inventory, *item, &fault.pointer)))?;
    }
    for note in &decision.notes {
        say(&format!("note: {note}"))?;
    }
    Ok(())
}

/// The statements as a table; where that is wider than the terminal, as a list.
fn statements(rows: &[Vec<String>], room: Option<usize>) -> Vec<String> {
    let table = layout::columns(&["ANSWER", "STATEMENT", "WHERE", "WHY"], rows);
    let Some(room) = room.filter(|room| table.iter().any(|line| text::width(line) > *room)) else { return table };
    let mut lines = vec![];
    for row in rows {
        let [answer, statement, place, why] = row.as_slice() else { continue };
        for (line, number) in text::wrap(&format!("{answer}: {statement}"), room.saturating_sub(4)).iter().zip(0..) {
            lines.push(format!("{}{line}", if number == 0 { "  - " } else { "    " }));
        }
        let rest = [place, why].into_iter().filter(|text| !text.is_empty());
        lines
            .extend(rest.flat_map(|text| text::wrap(text, room.saturating_sub(6))).map(|line| format!("      {line}")));
    }
    lines
}

/// Writes a rule's reasons for people, with all statements or with those that come near alone.
pub fn why_table(
    inventory: &Inventory,
    rule: &str,
    reasons: &[Reasons<'_>],
    skipped: Option<&str>,
    all: bool,
    width: Option<usize>,
    out: &mut dyn Write,
) -> io::Result<()> {
    problems_of(inventory, width, out)?;
    let room = width.map_or(usize::MAX, |width| width.max(40));
    let lines = |indent: &str, text: &str, out: &mut dyn Write| -> io::Result<()> {
        for line in text::wrap(&text::one_line(text), room - indent.len()) {
            writeln!(out, "{indent}{line}")?;
        }
        Ok(())
    };
    for (index, reason) in reasons.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        let place = spot_words(inventory, reason.subject, "");
        lines("", &format!("{}: {} ({place})", reason.verdict, subject_words(inventory, reason.subject)), out)?;
        for message in &reason.messages {
            lines("  ", message, out)?;
        }
        if reason.answers.is_empty() {
            writeln!(out, "  the rule asked nothing of IAM")?;
        }
        for answered in &reason.answers {
            writeln!(out)?;
            write_answer(inventory, answered, all, (width, "  "), out)?;
        }
    }
    if reasons.is_empty() {
        lines("", &format!("{rule} has no subject in what was read"), out)?;
    }
    if let Some(skipped) = skipped {
        lines("", skipped, out)?;
    }
    Ok(())
}

#[derive(Serialize)]
struct Json<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<&'static str>,
    principal: String,
    action: &'a str,
    resource: String,
    context: &'a [String],
    access: &'static str,
    why: &'a str,
    /// What is unknown in it.
    unknown: Option<Unknown<'a>>,
    statements: Vec<Statement<'a>>,
    faults: Vec<Fault<'a>>,
    notes: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    problems: Option<Vec<String>>,
}

#[derive(Serialize)]
struct Unknown<'a> {
    cause: &'static str,
    why: String,
    at: Option<Where<'a>>,
}

#[derive(Serialize)]
struct Where<'a> {
    kind: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
    pointer: &'a str,
    origin: Option<Place<'a>>,
}

#[derive(Serialize)]
struct Statement<'a> {
    name: &'a str,
    policy: &'static str,
    effect: &'a str,
    /// `yes`, `no`, `unknown`.
    applies: &'static str,
    at: Where<'a>,
    elements: Vec<Element<'a>>,
}

#[derive(Serialize)]
struct Element<'a> {
    pointer: &'a str,
    matches: &'static str,
    note: &'a str,
    origin: Option<Place<'a>>,
}

#[derive(Serialize)]
struct Fault<'a> {
    message: &'a str,
    consequence: &'static str,
    at: Where<'a>,
}

const fn answer(answer: Ternary) -> &'static str {
    match answer {
        Ternary::Yes => "yes",
        Ternary::No => "no",
        Ternary::Unknown => "unknown",
    }
}

fn place<'a>(inventory: &'a Inventory, item: ItemId, pointer: &'a str) -> Where<'a> {
    let known = inventory.item(item);
    Where {
        kind: known.map_or("", |item| &item.kind),
        name: known.map_or("", |item| &item.name),
        namespace: known.and_then(|item| item.namespace.as_deref()),
        pointer,
        origin: spot(inventory, item, pointer).map(json::place),
    }
}

fn as_json<'a>(inventory: &'a Inventory, answered: &Answered<'a>) -> Json<'a> {
    let Answered { request, context, decision, trail } = *answered;
    Json {
        schema: None,
        principal: who(request),
        action: &request.action,
        resource: request.resource.to_string(),
        context,
        access: decision.access.as_str(),
        why: &decision.why,
        unknown: decision.unknown.as_ref().map(|unknown| Unknown {
            cause: unknown.reason.cause.as_str(),
            why: unknown.reason.to_string(),
            at: unknown.place.as_ref().map(|(item, pointer)| place(inventory, *item, pointer)),
        }),
        statements: trail
            .iter()
            .map(|statement| Statement {
                name: &statement.place.note,
                policy: statement.kind.as_str(),
                effect: statement.effect,
                applies: answer(statement.applies),
                at: place(inventory, statement.place.item, &statement.place.pointer),
                elements: statement
                    .elements
                    .iter()
                    .map(|element| Element {
                        pointer: &element.pointer,
                        matches: answer(element.answer),
                        note: &element.note,
                        origin: spot(inventory, statement.place.item, &element.pointer).map(json::place),
                    })
                    .collect(),
            })
            .collect(),
        faults: decision
            .faults
            .iter()
            .map(|(item, fault)| Fault {
                message: &fault.message,
                consequence: fault.consequence.as_str(),
                at: place(inventory, *item, &fault.pointer),
            })
            .collect(),
        notes: &decision.notes,
        problems: None,
    }
}

fn problems(inventory: &Inventory) -> Vec<String> {
    inventory.problems().iter().map(ToString::to_string).collect()
}

/// Writes one answer as JSON: `karpcheck.decision/v1alpha1`.
pub fn decision_json(inventory: &Inventory, answered: &Answered<'_>, out: &mut dyn Write) -> io::Result<()> {
    let json = Json {
        schema: Some("karpcheck.decision/v1alpha1"),
        problems: Some(problems(inventory)),
        ..as_json(inventory, answered)
    };
    encoding::json(&json, out)
}

#[derive(Serialize)]
struct Why<'a> {
    schema: &'static str,
    rule: &'a str,
    subjects: Vec<Subject<'a>>,
    skipped: Option<&'a str>,
    problems: Vec<String>,
}

#[derive(Serialize)]
struct Subject<'a> {
    subject: Where<'a>,
    verdict: &'static str,
    messages: &'a [String],
    decisions: Vec<Json<'a>>,
}

/// Writes a rule's reasons as JSON: `karpcheck.why/v1alpha1`.
pub fn why_json(
    inventory: &Inventory,
    rule: &str,
    reasons: &[Reasons<'_>],
    skipped: Option<&str>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let subjects = reasons
        .iter()
        .map(|reason| Subject {
            subject: place(inventory, reason.subject, ""),
            verdict: reason.verdict,
            messages: &reason.messages,
            decisions: reason.answers.iter().map(|answered| as_json(inventory, answered)).collect(),
        })
        .collect();
    let why = Why { schema: "karpcheck.why/v1alpha1", rule, subjects, skipped, problems: problems(inventory) };
    encoding::json(&why, out)
}
