//! `-o html`: one file without scripts, pictures or fonts, to be mailed or archived.

use std::io::{self, Write};

use crate::report::rows;
use crate::report::rows::Group;
use crate::report::{Run, closing, message, text};

const HEAD: &str = r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>karpcheck</title>
<style>
:root { color-scheme: light dark; }
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border-top: 1px solid #8886; padding: .5rem .6rem; text-align: left; vertical-align: top; }
th { font-size: .8rem; }
code { font: .9em ui-monospace, monospace; overflow-wrap: anywhere; }
p { margin: 0 0 .4rem; white-space: pre-wrap; }
ul { margin: 0; padding-left: 1.1rem; }
.error { color: #c62828; font-weight: 600; }
.warning { color: #a35c00; font-weight: 600; }
.info, .unknown { color: #5e6ad2; }
.small { font-size: .85rem; opacity: .8; }
</style>
</head>
<body>
<h1>karpcheck</h1>
"#;

pub(super) fn write(run: &Run<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut summary = closing::summary(run).into_iter();
    write!(out, "{HEAD}")?;
    writeln!(out, "<p>{}</p>", escape(&summary.next().unwrap_or_default()))?;
    let groups = rows::grouped(run);
    if !groups.is_empty() {
        writeln!(out, "<table>\n<thead><tr><th>SEVERITY<th>RULE<th>WHERE<th>MESSAGE</tr></thead>\n<tbody>")?;
        for group in &groups {
            row(run, group, out)?;
        }
        writeln!(out, "</tbody>\n</table>")?;
    }
    writeln!(out, "<h2>What was checked, and what was not</h2>\n<ul>")?;
    let problems = closing::problems(run).into_iter().map(|problem| problem.to_string());
    for line in problems.chain(summary) {
        writeln!(out, "<li>{}", escape(&line))?;
    }
    let tool = concat!("kubectl-karpcheck ", env!("CARGO_PKG_VERSION"));
    writeln!(out, "</ul>\n<p class=\"small\">{tool}, {}</p>\n</body>\n</html>", escape(&run.at))
}

fn row(run: &Run<'_>, group: &Group<'_>, out: &mut dyn Write) -> io::Result<()> {
    let first = group.first();
    let severity = message::severity(first);
    let rules: Vec<String> = group.rules().iter().map(|rule| code(rule)).collect();
    write!(out, "<tr><td class=\"{severity}\">{severity}<td>{}", rules.join("<br>"))?;
    let places: Vec<String> = group
        .places(run)
        .into_iter()
        .map(|(subject, place)| format!("{}<br><span class=\"small\">{}</span>", code(&subject), code(&place)))
        .collect();
    if places.len() > 1 {
        write!(out, "<p class=\"small\">{} times</p>", places.len())?;
    }
    match places.as_slice() {
        [first @ .., last] if places.len() > text::PLACES + 1 => {
            let (shown, hidden) = first.split_at(text::PLACES);
            let hidden: Vec<&str> = hidden.iter().chain([last]).map(String::as_str).collect();
            write!(out, "<td>{}", shown.join("<br>"))?;
            write!(out, "<details><summary>and {} more</summary>{}</details>", hidden.len(), hidden.join("<br>"))?;
        }
        places => write!(out, "<td>{}", places.join("<br>"))?,
    }
    let text = message::group(run, group);
    write!(out, "<td>")?;
    for text in text {
        write!(out, "<p>{}</p>", escape(&text))?;
    }
    let related = message::related_to_group(run, group);
    if !related.is_empty() {
        let related: Vec<String> = related.iter().map(|place| escape(place)).collect();
        write!(out, "<p class=\"small\">see {}</p>", related.join("<br>see "))?;
    }
    writeln!(out, "<p class=\"small\">confidence: {}</p></tr>", group.confidence())
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

fn code(text: &str) -> String {
    format!("<code>{}</code>", escape(text))
}
