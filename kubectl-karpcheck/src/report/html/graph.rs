//! The resources of a finding as a small picture: the subject, what it is about, and the link that is broken.

use crate::findings::finding::{Finding, Outcome};
use crate::inventory::{Found, ItemId};
use crate::report::html::escape;
use crate::report::{Run, rows, text};

/// More are not drawn: the list under the picture has all.
const MOST: usize = 5;
const WIDE: usize = 210;
const HIGH: usize = 46;
const GAP: usize = 14;
/// Room for the name of a link between two columns.
const LINK: usize = 190;
/// Characters that a box has room for.
const CHARS: usize = 27;

/// A box: its kind and its name.
fn node(run: &Run<'_>, item: ItemId, at: (usize, usize), bad: bool) -> String {
    let Some(known) = run.inventory.item(item) else { return String::new() };
    let (x, y) = at;
    let whole = rows::subject(run, item);
    let kind = text::begin_of(rows::short_kind(&known.kind), CHARS);
    let name = text::end_of(&text::one_line(&known.name), CHARS);
    format!(
        "<g><title>{}</title><rect class=\"{}\" x=\"{x}\" y=\"{y}\" width=\"{WIDE}\" height=\"{HIGH}\" rx=\"5\"/><text class=\"kind\" x=\"{}\" \
         y=\"{}\">{}</text><text x=\"{}\" y=\"{}\">{}</text></g>",
        escape(&whole),
        if bad { "bad" } else { "" },
        x + 10,
        y + 18,
        escape(&kind),
        x + 10,
        y + 35,
        escape(&name)
    )
}

/// Which of these the link leads to that is broken, by its number: what an edit would change, else what the field refers to that
/// is wrong, else the policy whose statement decides, else the only one there is.
fn broken_link(run: &Run<'_>, finding: &Finding, others: &[ItemId]) -> Option<usize> {
    if finding.outcome != Outcome::Fail {
        return None;
    }
    let number = |item: ItemId| others.iter().position(|other| *other == item);
    let edited = finding.edits.iter().find_map(|edit| number(edit.item));
    let referred = || {
        let links = run.inventory.related(finding.subject, &finding.pointer).ok()?;
        links.iter().find_map(|link| match &link.item {
            Found::Known(item) => number(*item),
            Found::Absent(_) | Found::Unknown(_) => None,
        })
    };
    let stated = || {
        finding.related.iter().filter(|place| place.pointer.contains("/Statement")).find_map(|place| number(place.item))
    };
    edited.or_else(referred).or_else(stated).or_else(|| (others.len() == 1).then_some(0))
}

/// The picture of a finding; none where there is nothing beside its subject.
pub(super) fn svg(run: &Run<'_>, finding: &Finding) -> Option<String> {
    let mut others: Vec<ItemId> = vec![];
    for place in finding.related.iter().chain(&finding.reason_at) {
        if place.item != finding.subject && !others.contains(&place.item) {
            others.push(place.item);
        }
    }
    others.truncate(MOST);
    if others.is_empty() {
        return None;
    }
    let height = others.len() * (HIGH + GAP) - GAP + 4;
    let width = 2 * WIDE + LINK + 4;
    let middle = (height - HIGH) / 2;
    let fails = finding.outcome == Outcome::Fail;
    let broken = broken_link(run, finding, &others);
    let mut parts = vec![];
    for (number, other) in others.iter().enumerate() {
        let y = 2 + number * (HIGH + GAP);
        let (from, to) = (middle + HIGH / 2, y + HIGH / 2);
        let (start, end, half) = (WIDE + 2, WIDE + LINK + 2, WIDE + 2 + LINK / 2);
        let class = if broken == Some(number) { "broken" } else { "" };
        parts.push(format!("<path class=\"{class}\" d=\"M{start} {from} C{half} {from} {half} {to} {end} {to}\"/>"));
        parts.push(node(run, *other, (WIDE + LINK + 2, y), false));
    }
    parts.push(node(run, finding.subject, (2, middle), fails));
    if let Some(broken) = broken {
        let field = finding.pointer.rsplit('/').find(|segment| segment.parse::<usize>().is_err() && *segment != "-");
        let field = field.map(|field| field.replace("~1", "/").replace("~0", "~")).unwrap_or_default();
        let halfway = (middle + HIGH / 2).midpoint(2 + broken * (HIGH + GAP) + HIGH / 2);
        parts.push(format!(
            "<text class=\"broken-text\" text-anchor=\"middle\" x=\"{}\" y=\"{}\">{}</text>",
            WIDE + 2 + LINK / 2,
            halfway.saturating_sub(7).max(12),
            escape(&text::begin_of(&text::one_line(&field), 24))
        ));
    }
    let names: Vec<String> = others.iter().map(|item| rows::subject(run, *item)).collect();
    let label = format!("{} and {}", rows::subject(run, finding.subject), text::and(&names));
    Some(format!(
        "<svg role=\"img\" aria-label=\"{}\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\">{}</svg>",
        escape(&label),
        parts.concat()
    ))
}
