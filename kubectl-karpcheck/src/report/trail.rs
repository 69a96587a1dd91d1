//! How AWS decides, statement by statement: `can` and `why`, for people and for machines.

use std::io::{self, Write};

use serde::Serialize;

use crate::iam::{Access, Decision, Principal, Request, StatementTrail};
use crate::inventory::{Inventory, ItemId, SymbolScope, Ternary};
use crate::report::json;
use crate::report::json::Place;
use crate::report::rows;
use crate::report::rows::Spot;
use crate::report::{cause_words, closing, layout, text};

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

fn who(request: &Request) -> String {
    match &request.principal {
        // The role's item is known even where its ARN is not.
        Principal::Identity(identity) if identity.arn.hole().is_some_and(|hole| hole.scope == SymbolScope::Field) => {
            "the controller's role".into()
        }
        Principal::Identity(identity) => identity.arn.to_string(),
        Principal::Service(name) => name.to_string(),
        Principal::Federated(provider) => format!("whom {provider} vouches for"),
        Principal::Anyone => "anyone of another account".into(),
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

/// Writes one answer for people.
pub fn decision_table(
    inventory: &Inventory,
    answered: &Answered<'_>,
    width: Option<usize>,
    out: &mut dyn Write,
) -> io::Result<()> {
    for problem in inventory.problems() {
        writeln!(out, "{}", closing::problem(inventory, problem))?;
    }
    write_answer(inventory, answered, width, "", out)
}

fn write_answer(
    inventory: &Inventory,
    answered: &Answered<'_>,
    width: Option<usize>,
    indent: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    let Answered { request, context, decision, trail } = answered;
    let room = width.map_or(usize::MAX, |width| width.saturating_sub(indent.len()).max(40));
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
    // Statements about other actions are counted, unless there is nothing else to show.
    let named = trail.iter().any(|statement| statement.applies != Ternary::No || statement.near);
    let (near, far): (Vec<&StatementTrail>, Vec<&StatementTrail>) =
        trail.iter().partition(|statement| !named || statement.applies != Ternary::No || statement.near);
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
        for line in layout::columns(&["ANSWER", "STATEMENT", "WHERE", "WHY"], &rows) {
            writeln!(out, "{indent}{line}")?;
        }
        writeln!(out)?;
    }
    if !far.is_empty() {
        writeln!(out, "{indent}{} about other actions", text::count(far.len(), "statement"))?;
    }
    for (item, fault) in &decision.faults {
        let place = spot_words(inventory, *item, &fault.pointer);
        writeln!(out, "{indent}fault: {}", text::one_line(&format!("{place}: {fault}")))?;
    }
    for note in &decision.notes {
        writeln!(out, "{indent}note: {}", text::one_line(note))?;
    }
    Ok(())
}

/// Writes a rule's reasons for people.
pub fn why_table(
    inventory: &Inventory,
    rule: &str,
    reasons: &[Reasons<'_>],
    skipped: Option<&str>,
    width: Option<usize>,
    out: &mut dyn Write,
) -> io::Result<()> {
    for problem in inventory.problems() {
        writeln!(out, "{}", closing::problem(inventory, problem))?;
    }
    for (index, reason) in reasons.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        let place = spot_words(inventory, reason.subject, "");
        writeln!(out, "{}: {} ({place})", reason.verdict, subject_words(inventory, reason.subject))?;
        for message in &reason.messages {
            writeln!(out, "  {}", text::one_line(message))?;
        }
        if reason.answers.is_empty() {
            writeln!(out, "  nothing was asked of IAM")?;
        }
        for answered in &reason.answers {
            writeln!(out)?;
            write_answer(inventory, answered, width, "  ", out)?;
        }
    }
    if reasons.is_empty() {
        writeln!(out, "{rule} has no subject in what was read")?;
    }
    if let Some(skipped) = skipped {
        writeln!(out, "{}", text::one_line(skipped))?;
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
    serde_json::to_writer_pretty(&mut *out, &json)?;
    writeln!(out)
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
    serde_json::to_writer_pretty(&mut *out, &why)?;
    writeln!(out)
}
