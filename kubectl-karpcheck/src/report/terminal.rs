//! The report on a terminal: a table that fits a screen, then for each cause what is wrong with the source's own line,
//! then what could not be decided, by what would decide it.

use annotate_snippets::{AnnotationKind, Element, Group as Block, Level, Renderer, Snippet};
use anstyle::{AnsiColor, Style};

use crate::findings::finding::{Finding, Severity};
use crate::inventory::Origin;
use crate::report::excerpt::Excerpts;
use crate::report::message;
use crate::report::notes;
use crate::report::notes::{About, Note};
use crate::report::options::{Detail, GroupBy, TableOptions};
use crate::report::rows;
use crate::report::rows::Group;
use crate::report::text::few;
use crate::report::{Run, layout, text};

/// Lines of text are not longer than this, however wide the terminal is.
const LONGEST: usize = 110;
/// Room for the least that a row says.
const NARROWEST: usize = 40;
/// Below this a row has no column for its subject.
const SUBJECT_FROM: usize = 64;

/// The lines of the findings, painted.
pub(super) fn lines(run: &Run<'_>, options: &TableOptions, width: usize) -> Vec<String> {
    let width = width.max(NARROWEST);
    let (undecided, told): (Vec<Group<'_>>, Vec<Group<'_>>) =
        rows::grouped(run).into_iter().partition(|group| message::is_unknown(group.first()));
    let sections = sections(run, told, options.group_by);
    let causes = || sections.iter().flat_map(|section| &section.causes);
    let mut lines = vec![];
    if causes().count() > 1 {
        lines.extend(summary(&sections, options, width));
        lines.push(String::new());
    }
    let mut excerpts = Excerpts::default();
    for cause in causes() {
        lines.extend(block(run, cause, options, width, &mut excerpts));
        lines.push(String::new());
    }
    if !options.quiet {
        lines.extend(undecided_lines(run, &undecided, options, width));
    }
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

/// Causes under one heading; the heading is empty where nothing is grouped.
struct Section<'a> {
    heading: String,
    causes: Vec<Cause<'a>>,
}

/// Findings of one cause.
struct Cause<'a> {
    group: Group<'a>,
    /// Each subject with its place.
    places: Vec<(String, String)>,
}

/// The causes by what `--group-by` names; a cause that belongs under several headings stands under the first.
fn sections<'a>(run: &Run<'a>, groups: Vec<Group<'a>>, by: Option<GroupBy>) -> Vec<Section<'a>> {
    let mut sections: Vec<Section<'a>> = vec![];
    for group in groups {
        let heading = by.map_or_else(String::new, |by| heading(run, group.first(), by));
        let cause = Cause { places: group.places(run), group };
        match sections.iter_mut().find(|section| section.heading == heading) {
            Some(section) => section.causes.push(cause),
            None => sections.push(Section { heading, causes: vec![cause] }),
        }
    }
    sections
}

/// What a finding stands under.
pub(super) fn heading(run: &Run<'_>, finding: &Finding, by: GroupBy) -> String {
    let heading = match by {
        GroupBy::Rule => finding.rule.clone(),
        GroupBy::Scope => finding.scopes.first().cloned().unwrap_or_default(),
        GroupBy::File => match rows::spot_of(run, finding.subject, &finding.pointer).map(|spot| spot.origin) {
            Some(Origin::File(path)) if &**path == "-" => "(standard input)".to_owned(),
            Some(Origin::File(path)) => path.to_string(),
            Some(_) => rows::place(run, finding),
            None => String::new(),
        },
    };
    text::one_line(&heading)
}

/// One row for each cause: severity, rule, subject, place, each on one line.
fn summary(sections: &[Section<'_>], options: &TableOptions, width: usize) -> Vec<String> {
    let rows: Vec<Vec<Row>> = sections.iter().map(section_rows).collect();
    let all = || rows.iter().flatten();
    let widest = |name: &str, cell: fn(&Row) -> &String| {
        all().map(|row| text::width(cell(row))).chain([name.len()]).max().unwrap_or(0)
    };
    // Severity and rule stay whole where they can; what is left is shared, and a path is cut at its beginning.
    let severity = "SEVERITY".len() + 2;
    let rule = widest("RULE", |row| &row.rule).min(width.saturating_sub(severity + 12).max(12));
    let left = width.saturating_sub(severity + rule + 2);
    // Too narrow a terminal has no column for the subject.
    let subject = (width >= SUBJECT_FROM).then(|| {
        let place = widest("WHERE", |row| &row.place).min(left.saturating_sub(2) / 2).max(8);
        widest("SUBJECT", |row| &row.subject).min(left.saturating_sub(place + 2))
    });
    let place = subject.map_or(left, |subject| left.saturating_sub(subject + 2));
    let cells: Vec<Vec<String>> = all()
        .map(|row| {
            let subject = subject.map(|room| text::begin_of(&row.subject, room));
            let before = [row.severity.to_owned(), text::begin_of(&row.rule, rule)];
            before.into_iter().chain(subject).chain([text::end_of(&row.place, place)]).collect()
        })
        .collect();
    let columns: &[&str] =
        if subject.is_some() { &["SEVERITY", "RULE", "SUBJECT", "WHERE"] } else { &["SEVERITY", "RULE", "WHERE"] };
    let mut table = layout::columns(columns, &cells).into_iter();
    let mut lines: Vec<String> = table.by_ref().take(1).filter(|_| options.headers).collect();
    for (section, rows) in sections.iter().zip(&rows) {
        if !section.heading.is_empty() {
            lines.push(bold(&section.heading, options.color));
        }
        lines.extend(table.by_ref().take(rows.len()).map(|line| paint(&line, options.color)));
    }
    lines
}

/// A row of the table of causes.
#[derive(PartialEq, Eq)]
struct Row {
    severity: &'static str,
    rule: String,
    subject: String,
    place: String,
}

impl Row {
    fn of(cause: &Cause<'_>) -> Self {
        let (subject, place) = cause.places.first().cloned().unwrap_or_default();
        let rules = cause.group.rules();
        let rule = match rules.as_slice() {
            [one] => one.clone(),
            [first, rest @ ..] => format!("{first} +{}", rest.len()),
            [] => String::new(),
        };
        Self { severity: message::severity(cause.group.first()), rule, subject, place }
    }
}

/// The rows of a section, with how many places each is about. Causes that differ in nothing that a row has are one row.
fn section_rows(section: &Section<'_>) -> Vec<Row> {
    let mut rows: Vec<(Row, usize)> = vec![];
    for cause in &section.causes {
        let row = Row::of(cause);
        match rows.last_mut() {
            Some((last, number)) if *last == row => *number += cause.places.len(),
            _ => rows.push((row, cause.places.len())),
        }
    }
    let counted = |(mut row, number): (Row, usize)| {
        if number > 1 {
            row.rule.push_str(&format!(" ×{number}"));
        }
        row
    };
    rows.into_iter().map(counted).collect()
}

/// What is wrong, the source's line, and what to do.
fn block(
    run: &Run<'_>,
    Cause { group, places }: &Cause<'_>,
    options: &TableOptions,
    width: usize,
    excerpts: &mut Excerpts,
) -> Vec<String> {
    let first = group.first();
    let width = width.min(LONGEST);
    let mut lines = heading_lines(run, first, options, width);
    let mut elements: Vec<Element<'_>> = vec![];
    let (subject, place) = places.first().cloned().unwrap_or_default();
    let spot = rows::spot_of(run, first.subject, &first.pointer);
    match spot.and_then(|spot| Some((spot, excerpts.of(spot)?))) {
        Some((spot, excerpt)) => {
            // A long line is cut, so that the snippet would not know the true column.
            lines.push(arrow(&rows::spot_words(run, spot), excerpt.line.to_string().len(), options.color));
            let room = width.saturating_sub(excerpt_gutter(excerpt.line));
            let excerpt = excerpt.fit(room);
            // The name is written under the mark where it does not make the line longer than the terminal.
            let shown = text::width(&excerpt.text[..excerpt.span.end]) + text::width(&subject) + 12 <= width;
            let mut mark = AnnotationKind::Primary.span(excerpt.span);
            if shown {
                mark = mark.label(subject.clone());
            }
            elements.push(Snippet::source(excerpt.text).line_start(excerpt.line).annotation(mark).into());
            if !shown {
                elements.push(note("subject", &subject, width));
            }
        }
        None => {
            let place = if place.is_empty() { subject.clone() } else { place };
            lines.push(arrow(&place, 0, options.color));
            if place != subject {
                elements.push(note("subject", &subject, width));
            }
        }
    }
    if let [_, others @ ..] = places.as_slice()
        && !others.is_empty()
    {
        let others: Vec<String> = others
            .iter()
            .map(|(subject, place)| if place.is_empty() { subject.clone() } else { format!("{subject} at {place}") })
            .collect();
        let others = if options.detail == Detail::Whole { others } else { few(&others) };
        elements.push(note("also", &others.join("\n"), width));
    }
    if options.detail == Detail::Whole {
        elements.push(note("confidence", group.confidence(), width));
        let related = message::related_to_group(run, group);
        if !related.is_empty() {
            elements.push(note("see", &related.join("\n"), width));
        }
    }
    elements.extend(notes_of(run, group).iter().map(|each| note(each.label(), &each.text, width)));
    let renderer = if options.color { Renderer::styled() } else { Renderer::plain() };
    let level = match first.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO,
    };
    let rendered = renderer.term_width(width).render(&[Block::with_level(level).elements(elements)]);
    lines.extend(rendered.lines().map(|line| line.trim_end().to_owned()));
    lines
}

/// `error[rule]: what is wrong`, wrapped without an indent: ids are long, and a column beside them is narrow.
fn heading_lines(run: &Run<'_>, finding: &Finding, options: &TableOptions, width: usize) -> Vec<String> {
    let (severity, rule) = (message::severity(finding), text::one_line(&finding.rule));
    let head = format!("{severity}[{rule}]:");
    let mut lines = text::wrap(&format!("{head} {}", text::clean(&message::message(finding))), width);
    if options.color
        && let Some(rest) = lines.first().and_then(|line| line.strip_prefix(&head))
    {
        let url = run.rules.iter().find(|known| known.is_called(&finding.rule)).and_then(message::page_url);
        // A link in the manner of OSC 8: the terminal shows the rule's id and opens its page.
        let rule = url.map_or(rule.clone(), |url| format!("\u{1b}]8;;{url}\u{1b}\\{rule}\u{1b}]8;;\u{1b}\\"));
        let style = style_of(severity).unwrap_or_default();
        lines[0] = format!("{style}{severity}[{rule}]:{style:#}{rest}");
    }
    lines
}

/// `  --> queue.yaml:11:19`, as wide as the number of the line under it.
fn arrow(place: &str, digits: usize, color: bool) -> String {
    let style = if color { Style::new().fg_color(Some(AnsiColor::BrightBlue.into())).bold() } else { Style::new() };
    format!("{:digits$}{style}-->{style:#} {place}", "")
}

/// What stands before a line of a source: its number and a bar.
fn excerpt_gutter(line: usize) -> usize {
    line.to_string().len() + 3
}

/// `= fix: …`: the name of the note, then its text, wrapped beside the line numbers, `= ` and the name.
fn note<'a>(label: &'static str, text: &str, width: usize) -> Element<'a> {
    let room = width.saturating_sub(label.len() + 12).max(20);
    Level::NOTE.with_name(label).message(text::wrap(&text::clean(text), room).join("\n")).into()
}

/// The notes of a cause in a terminal's order.
fn notes_of(run: &Run<'_>, group: &Group<'_>) -> Vec<Note> {
    let mut notes = notes::of_group(run, group);
    notes.sort_by_key(|note| note.about);
    notes
}

/// What could not be decided: a paragraph for each fact that is missing, with how much waits for it.
fn undecided_lines(run: &Run<'_>, groups: &[Group<'_>], options: &TableOptions, width: usize) -> Vec<String> {
    if groups.is_empty() {
        return vec![];
    }
    let width = width.min(LONGEST);
    let mut lines = vec![bold("Undecided", options.color)];
    for group in groups {
        let first = group.first();
        let rules = group.rules();
        let waiting = match (rules.as_slice(), group.findings.len()) {
            ([one], 1) => one.clone(),
            ([one], many) => format!("{one}, {many} times"),
            (several, _) => format!("{} rules: {}", several.len(), few(several).join(", ")),
        };
        let subject =
            if group.findings.len() == 1 { format!("{}: ", rows::subject(run, first.subject)) } else { String::new() };
        let said = format!("{subject}{} ({waiting})", message::message(first));
        for (index, line) in text::wrap(&text::clean(&said), width.saturating_sub(4)).into_iter().enumerate() {
            lines.push(format!("{}{line}", if index == 0 { "  - " } else { "    " }));
        }
        for note in notes_of(run, group) {
            let text = format!("{}: {}", note.label(), note.text);
            // A command is not wrapped: it is there to be copied.
            if matches!(note.about, About::Run | About::OrRun) {
                lines.push(format!("    {}", text::one_line(&text)));
                continue;
            }
            lines.extend(
                text::wrap(&text::clean(&text), width.saturating_sub(4)).iter().map(|line| format!("    {line}")),
            );
        }
    }
    lines
}

/// A heading.
fn bold(text: &str, color: bool) -> String {
    let style = if color { Style::new().bold() } else { Style::new() };
    format!("{style}{text}{style:#}")
}

/// Adds colour to the severity at the beginning of a row.
pub(super) fn paint(line: &str, color: bool) -> String {
    let word = line.split(' ').next().unwrap_or_default();
    match style_of(word) {
        Some(style) if color => format!("{style}{word}{style:#}{}", &line[word.len()..]),
        _ => line.to_owned(),
    }
}

fn style_of(severity: &str) -> Option<Style> {
    let style = |color: AnsiColor| Style::new().fg_color(Some(color.into()));
    Some(match severity {
        "error" => style(AnsiColor::Red).bold(),
        "warning" => style(AnsiColor::Yellow).bold(),
        "info" => style(AnsiColor::Cyan),
        "unknown" => style(AnsiColor::Magenta),
        _ => return None,
    })
}
