//! `-o html`: one file without scripts, fonts or anything to load, to be mailed or archived. Filters are radio buttons that the
//! style sheet asks about, so that the page's policy forbids all else.

mod graph;

use std::collections::BTreeSet;
use std::io::{self, Write};

use crate::findings::finding::{Finding, Outcome};
use crate::report::excerpt::Excerpts;
use crate::report::notes;
use crate::report::notes::About;
use crate::report::rows;
use crate::report::rows::Group;
use crate::report::{Run, closing, matrix, message, text};

const STYLE: &str = include_str!("html/page.css");
/// Lines that are shown before and behind the one that is meant.
const CONTEXT: usize = 2;
/// The severities in the words of the first column.
const SEVERITIES: [&str; 4] = ["error", "warning", "info", "unknown"];

pub(super) fn write(run: &Run<'_>, out: &mut dyn Write) -> io::Result<()> {
    let (undecided, told): (Vec<Group<'_>>, Vec<Group<'_>>) =
        rows::grouped(run).into_iter().partition(|group| group.first().outcome == Outcome::Unknown);
    let areas: Vec<String> = names(told.iter().map(|group| &group.first().area));
    let scopes: Vec<String> =
        if matrix::is_shown(run) { names(told.iter().flat_map(|group| scopes_of(group))) } else { vec![] };
    let mut summary = closing::summary(run).into_iter();
    let verdict = summary.next().unwrap_or_default();
    write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" \
         content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n<meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\">\n<title>karpcheck: {}</title>\n<style>\n{STYLE}{}</style>\n</head>\n<body>\n\
         <h1>karpcheck</h1>\n<p>{}</p>\n",
        escape(&verdict),
        filters_style(&areas, &scopes),
        words(&verdict)
    )?;
    counts(run, out)?;
    for problem in closing::problems(run).into_iter().filter(|problem| problem.loud) {
        writeln!(out, "<p class=\"error\"><span class=\"tone\">not read</span> {}</p>", words(&problem.text))?;
    }
    write_matrix(run, out)?;
    if !told.is_empty() {
        writeln!(out, "<h2>Findings</h2>")?;
        filters(&told, &areas, &scopes, out)?;
    }
    let mut excerpts = Excerpts::default();
    for group in &told {
        article(run, group, &areas, &scopes, &mut excerpts, out)?;
    }
    if !undecided.is_empty() {
        let number: usize = undecided.iter().map(|group| group.findings.len()).sum();
        writeln!(
            out,
            "<details class=\"undecided\"><summary><h2 style=\"display:inline\">Undecided: {number}</h2></summary>"
        )?;
        for group in &undecided {
            article(run, group, &areas, &scopes, &mut excerpts, out)?;
        }
        writeln!(out, "</details>")?;
    }
    passed(run, out)?;
    writeln!(out, "<details><summary>What was checked, and what was not</summary>\n<ul class=\"plain small\">")?;
    let notes = closing::problems(run).into_iter().filter(|problem| !problem.loud).map(|problem| problem.to_string());
    for line in notes.chain(summary) {
        writeln!(out, "<li>{}</li>", words(&line))?;
    }
    let tool = concat!("kubectl-karpcheck ", env!("CARGO_PKG_VERSION"));
    writeln!(
        out,
        "</ul></details>\n<footer class=\"small soft\">{tool}, {}</footer>\n</body>\n</html>",
        escape(&run.at)
    )
}

fn names<'a>(all: impl Iterator<Item = &'a String>) -> Vec<String> {
    all.cloned().collect::<BTreeSet<_>>().into_iter().collect()
}

fn scopes_of<'a>(group: &'a Group<'_>) -> impl Iterator<Item = &'a String> {
    group.findings.iter().flat_map(|finding| &finding.scopes)
}

/// A rule of style for each button: what is not of its kind is not shown.
fn filters_style(areas: &[String], scopes: &[String]) -> String {
    let mut style = String::new();
    let mut hide = |id: String, class: String| {
        style.push_str(&format!("body:has(#{id}:checked) article:not(.{class}) {{ display: none; }}\n"));
    };
    SEVERITIES.iter().take(3).for_each(|severity| hide(format!("v-{severity}"), (*severity).to_owned()));
    (0..areas.len()).for_each(|area| hide(format!("a-{area}"), format!("in-a{area}")));
    (0..scopes.len()).for_each(|scope| hide(format!("s-{scope}"), format!("in-s{scope}")));
    style
}

fn counts(run: &Run<'_>, out: &mut dyn Write) -> io::Result<()> {
    let summary = rows::summary(run);
    writeln!(out, "<ul class=\"counts\">")?;
    for (class, number, one, many) in [
        ("error", summary.error, "error", "errors"),
        ("warning", summary.warning, "warning", "warnings"),
        ("info", summary.info, "info", "infos"),
        ("unknown", summary.unknown, "undecided", "undecided"),
        ("ok", summary.passed, "passed", "passed"),
    ] {
        let noun = if number == 1 { one } else { many };
        writeln!(out, "<li class=\"{class}\"><b>{number}</b>{noun}</li>")?;
    }
    writeln!(out, "</ul>")
}

fn write_matrix(run: &Run<'_>, out: &mut dyn Write) -> io::Result<()> {
    let Some((header, rows)) = matrix::table(run) else { return Ok(()) };
    writeln!(out, "<h2>Scopes</h2>\n<div class=\"scroll\" tabindex=\"0\"><table>\n<thead><tr>")?;
    for cell in header {
        write!(out, "<th scope=\"col\">{}</th>", escape(&cell.to_lowercase()))?;
    }
    writeln!(out, "</tr></thead>\n<tbody>")?;
    for row in rows {
        write!(out, "<tr>")?;
        for (number, cell) in row.iter().enumerate() {
            let class = ["error", "warning", "undecided", "info", "ok"].iter().find(|word| cell.contains(*word));
            let class = class.map_or("soft", |word| if *word == "undecided" { "unknown" } else { word });
            if number == 0 {
                write!(out, "<th scope=\"row\">{}</th>", escape(cell))?;
            } else {
                write!(out, "<td class=\"{class}\"><span class=\"tone\">{}</span></td>", escape(cell))?;
            }
        }
        writeln!(out, "</tr>")?;
    }
    writeln!(out, "</tbody></table></div>")
}

fn filters(told: &[Group<'_>], areas: &[String], scopes: &[String], out: &mut dyn Write) -> io::Result<()> {
    let there = |severity: &&&str| told.iter().any(|group| message::severity(group.first()) == **severity);
    let severities: Vec<(String, String)> = SEVERITIES
        .iter()
        .take(3)
        .filter(there)
        .map(|severity| (format!("v-{severity}"), (*severity).to_owned()))
        .collect();
    let numbered = |letter: char, names: &[String]| -> Vec<(String, String)> {
        names.iter().enumerate().map(|(number, name)| (format!("{letter}-{number}"), name.clone())).collect()
    };
    for (legend, key, options) in
        [("severity", 'v', severities), ("area", 'a', numbered('a', areas)), ("scope", 's', numbered('s', scopes))]
    {
        // One choice is none.
        if options.len() < 2 {
            continue;
        }
        write!(
            out,
            "<fieldset><legend>{legend}</legend><input type=\"radio\" name=\"{key}\" id=\"{key}-all\" checked><label for=\"{key}-all\">all</label>"
        )?;
        for (id, name) in options {
            write!(
                out,
                "<input type=\"radio\" name=\"{key}\" id=\"{id}\"><label for=\"{id}\">{}</label>",
                escape(&name)
            )?;
        }
        writeln!(out, "</fieldset>")?;
    }
    Ok(())
}

fn article(
    run: &Run<'_>,
    group: &Group<'_>,
    areas: &[String],
    scopes: &[String],
    excerpts: &mut Excerpts,
    out: &mut dyn Write,
) -> io::Result<()> {
    let first = group.first();
    let severity = message::severity(first);
    let mut classes = vec![severity.to_owned()];
    classes.extend(areas.iter().position(|area| *area == first.area).map(|area| format!("in-a{area}")));
    let own: BTreeSet<&String> = scopes_of(group).collect();
    classes
        .extend(scopes.iter().enumerate().filter(|(_, scope)| own.contains(scope)).map(|(at, _)| format!("in-s{at}")));
    let places = group.places(run);
    let times = if places.len() > 1 {
        format!("<span class=\"soft small\">{} times</span>", places.len())
    } else {
        String::new()
    };
    let rules: Vec<String> = group.rules().iter().map(|rule| link(run, rule)).collect();
    writeln!(
        out,
        "<article class=\"{}\"><header><span class=\"tone\">{severity}</span><h3 class=\"mono\">{}</h3><span class=\"soft small\">{}, \
         confidence {}</span>{times}</header>",
        classes.join(" "),
        rules.join(", "),
        escape(&first.area),
        group.confidence()
    )?;
    writeln!(out, "<p>{}</p>", prose(&message::message(first)))?;
    excerpt(run, first, excerpts, out)?;
    if let Some(picture) = graph::svg(run, first) {
        writeln!(out, "<div class=\"scroll\">{picture}</div>")?;
    }
    writeln!(out, "<dl>")?;
    for note in notes::of_group(run, group) {
        let text = if matches!(note.about, About::Run | About::OrRun) { code(&note.text) } else { prose(&note.text) };
        writeln!(out, "<dt>{}</dt><dd>{text}</dd>", note.label())?;
    }
    let shown: Vec<String> = places.iter().map(|(subject, place)| placed(subject, place)).collect();
    write!(out, "<dt>where</dt><dd>")?;
    folded(&shown, out)?;
    writeln!(out, "</dd>")?;
    let related: Vec<String> = message::related_to_group(run, group).iter().map(|place| words(place)).collect();
    if !related.is_empty() {
        write!(out, "<dt>see</dt><dd>")?;
        folded(&related, out)?;
        writeln!(out, "</dd>")?;
    }
    writeln!(out, "</dl></article>")
}

fn placed(subject: &str, place: &str) -> String {
    if place.is_empty() {
        code(subject)
    } else {
        format!("{} <span class=\"soft\">{}</span>", code(subject), code(place))
    }
}

/// A few lines, and the others folded away.
fn folded(all: &[String], out: &mut dyn Write) -> io::Result<()> {
    if all.len() <= text::PLACES + 1 {
        return write!(out, "{}", all.join("<br>"));
    }
    let (shown, hidden) = all.split_at(text::PLACES);
    write!(
        out,
        "{}<details><summary>and {} more</summary>{}</details>",
        shown.join("<br>"),
        hidden.len(),
        hidden.join("<br>")
    )
}

/// The source's own lines with the place marked.
fn excerpt(run: &Run<'_>, finding: &Finding, excerpts: &mut Excerpts, out: &mut dyn Write) -> io::Result<()> {
    let Some(spot) = rows::spot_of(run, finding.subject, &finding.pointer) else { return Ok(()) };
    let Some((first, lines)) = excerpts.around(spot, CONTEXT) else { return Ok(()) };
    let meant = excerpts.of(spot);
    write!(out, "<pre tabindex=\"0\" aria-label=\"{}\">", escape(&rows::spot_words(run, spot)))?;
    for (line, number) in lines.iter().zip(first..) {
        let (class, shown) = match meant.as_ref().filter(|meant| meant.line == number) {
            Some(meant) => {
                let (before, rest) = meant.text.split_at(meant.span.start);
                let (own, behind) = rest.split_at(meant.span.len());
                ("row meant", format!("{}<mark>{}</mark>{}", escape(before), escape(own), escape(behind)))
            }
            None => ("row", escape(line)),
        };
        write!(out, "<span class=\"{class}\"><span class=\"number\">{number}</span>{shown}</span>")?;
    }
    writeln!(out, "</pre>")
}

/// What passed, by rule, folded away.
fn passed(run: &Run<'_>, out: &mut dyn Write) -> io::Result<()> {
    let passed: Vec<_> = run.results.coverage.iter().filter(|coverage| coverage.passed > 0).collect();
    if passed.is_empty() {
        return Ok(());
    }
    let total: u32 = passed.iter().map(|coverage| coverage.passed).sum();
    writeln!(
        out,
        "<details><summary>Passed: {}</summary><div class=\"scroll\"><table><thead><tr><th>rule</th><th>passed</th></tr></thead><tbody>",
        text::count(total as usize, "judgement")
    )?;
    for coverage in passed {
        writeln!(out, "<tr><td class=\"mono\">{}</td><td>{}</td></tr>", link(run, &coverage.rule), coverage.passed)?;
    }
    writeln!(out, "</tbody></table></div></details>")
}

/// A rule's id with its page.
fn link(run: &Run<'_>, rule: &str) -> String {
    let url = run.rules.iter().find(|known| known.is_called(rule)).and_then(message::page_url);
    match url {
        Some(url) => format!("<a href=\"{}\" rel=\"noreferrer\">{}</a>", escape(&url), escape(rule)),
        None => escape(rule),
    }
}

/// For text and attributes alike.
fn escape(text: &str) -> String {
    let mut made = String::with_capacity(text.len());
    for char in text::clean(text).chars() {
        match char {
            '&' => made.push_str("&amp;"),
            '<' => made.push_str("&lt;"),
            '>' => made.push_str("&gt;"),
            '"' => made.push_str("&quot;"),
            '\'' => made.push_str("&#39;"),
            '\n' => made.push_str("<br>"),
            char => made.push(char),
        }
    }
    made
}

/// Text with what stands between backticks as code.
fn prose(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return words(text);
    }
    let part = |(at, part): (usize, &&str)| if at % 2 == 1 { code(part) } else { words(part) };
    parts.iter().enumerate().map(part).collect()
}

/// Text in which a long path or ARN may end a line behind one of its separators, and a word nowhere.
fn words(text: &str) -> String {
    let mut made = String::with_capacity(text.len());
    for (number, word) in text::clean(text).split(' ').enumerate() {
        if number > 0 {
            made.push(' ');
        }
        if word.len() < 16 {
            made.push_str(&escape(word));
            continue;
        }
        for part in word.split_inclusive(['/', ':', '.', '-', '_', ',', '=', '@']) {
            made.push_str(&escape(part));
            if part.len() < word.len() {
                made.push_str("<wbr>");
            }
        }
    }
    made
}

fn code(text: &str) -> String {
    format!("<code>{}</code>", words(text))
}
