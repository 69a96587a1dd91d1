//! `-o junit`: a suite for each rule, as CI servers read it. A finding at or above `--fail-on` is a failed test (its `type`
//! has the severity), one below it a passed test with the finding in its output; what could not be decided, and a rule that had nothing to judge, is a skipped one.

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::findings::finding::{Coverage, Finding, Outcome, RuleInfo, Severity};
use crate::report::{Run, closing, message, rows, text};

/// The outcome of a test. A server knows it by its rule and its name from run to run, so no line is in the name.
struct Case {
    name: String,
    /// Its file, and the line in it.
    file: Option<(String, u32)>,
    body: Body,
}

impl Case {
    /// A test that is about no file.
    const fn whole(name: String, body: Body) -> Self {
        Self { name, file: None, body }
    }
}

enum Body {
    Passed,
    Failure {
        kind: &'static str,
        message: String,
        text: String,
    },
    /// A finding for which the run does not fail.
    Noted {
        text: String,
    },
    Error {
        message: String,
    },
    Skipped {
        message: String,
    },
}

pub(super) fn write(run: &Run<'_>, least: Option<Severity>, out: &mut dyn Write) -> io::Result<()> {
    let mut of_rules: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for finding in rows::sorted(run) {
        of_rules.entry(&finding.rule).or_default().push(finding);
    }
    let mut suites: Vec<(String, String, Vec<Case>)> = run
        .results
        .coverage
        .iter()
        .map(|coverage| {
            let rule = run.rules.iter().find(|rule| rule.is_called(&coverage.rule));
            let findings = of_rules.remove(&*coverage.rule).unwrap_or_default();
            let area = rule.map_or("other", |rule| &rule.area).to_owned();
            (coverage.rule.clone(), area, cases(run, coverage, rule, &findings, least))
        })
        .collect();
    let problems = closing::problems(run);
    if !problems.is_empty() {
        let cases = problems.into_iter().map(|problem| {
            let message = problem.text;
            let body = if problem.loud { Body::Error { message: message.clone() } } else { Body::Passed };
            Case::whole(message, body)
        });
        suites.push(("not read in full".to_owned(), "problems".to_owned(), cases.collect()));
    }
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    let all: Vec<&Case> = suites.iter().flat_map(|(_, _, cases)| cases).collect();
    writeln!(out, r#"<testsuites name="karpcheck"{}>"#, numbers(&all))?;
    for (name, area, cases) in &suites {
        let numbers = numbers(&cases.iter().collect::<Vec<_>>());
        writeln!(out, r#"  <testsuite name="{}" timestamp="{}"{numbers}>"#, escape(name), escape(&run.at))?;
        for case in cases {
            write_case(out, area, name, case)?;
        }
        writeln!(out, "  </testsuite>")?;
    }
    writeln!(out, "</testsuites>")
}

fn cases(
    run: &Run<'_>,
    coverage: &Coverage,
    rule: Option<&RuleInfo>,
    findings: &[&Finding],
    least: Option<Severity>,
) -> Vec<Case> {
    let title = rule.map_or(&*coverage.rule, |rule| &rule.title);
    let mut cases: Vec<Case> = findings
        .iter()
        .map(|finding| {
            let place = rows::place(run, finding);
            let message = text::one_line(&message::whole_message(run, finding));
            let body = if finding.outcome == Outcome::Fail {
                let mut text = message::finding(run, finding);
                text.insert(0, format!("at {place}"));
                text.extend(message::related(run, finding).iter().map(|place| format!("see {place}")));
                let text = text.join("\n");
                if least.is_some_and(|least| finding.severity >= least) {
                    Body::Failure { kind: finding.severity.as_str(), message, text }
                } else {
                    Body::Noted { text: format!("{}: {message}\n{text}", finding.severity.as_str()) }
                }
            } else {
                Body::Skipped { message: message::in_one_line(&message::finding(run, finding)) }
            };
            let spot = rows::spot_of(run, finding.subject, &finding.pointer);
            let file = spot.and_then(|spot| Some((rows::file_words(spot)?, spot.at.line)));
            Case { name: name(run, finding, file.as_ref(), &place), file, body }
        })
        .collect();
    number(&mut cases);
    let whole = |body| Case::whole(title.to_owned(), body);
    match (&coverage.shortfall(), coverage.passed) {
        (Some(reason), _) => cases.push(whole(Body::Skipped { message: text::one_line(reason) })),
        (None, 0) if cases.is_empty() => {
            cases.push(whole(Body::Skipped { message: "nothing to judge".to_owned() }));
        }
        (None, 0) => {}
        (None, passed) => {
            cases.push(whole(Body::Noted { text: format!("{} passed", text::count(passed as usize, "judgement")) }));
        }
    }
    cases
}

/// What a finding is about, and where: in a file by the field, whatever line it is at.
fn name(run: &Run<'_>, finding: &Finding, file: Option<&(String, u32)>, place: &str) -> String {
    let subject = rows::subject(run, finding.subject);
    let spot = rows::spot_of(run, finding.subject, &finding.pointer);
    let is_piped = spot.is_some_and(|spot| spot.file == Some("-"));
    match file {
        Some((file, _)) if finding.pointer.is_empty() => format!("{subject} ({file})"),
        Some((file, _)) => format!("{subject} ({file} {})", text::one_line(&finding.pointer)),
        None if place.is_empty() => subject,
        None if is_piped => text::one_line(&format!("{subject} (standard input {}", finding.pointer)) + ")",
        None => format!("{subject} ({place})"),
    }
}

/// Numbers what a rule says several times of one field: of tests with one name a server keeps one.
fn number(cases: &mut [Case]) {
    let mut before: BTreeMap<String, usize> = BTreeMap::new();
    for case in cases {
        let times = before.entry(case.name.clone()).or_insert(0);
        *times += 1;
        if *times > 1 {
            case.name = format!("{} #{times}", case.name);
        }
    }
}

fn write_case(out: &mut dyn Write, area: &str, rule: &str, case: &Case) -> io::Result<()> {
    let name = escape(&case.name);
    let class = escape(&format!("karpcheck.{area}.{rule}"));
    write!(out, r#"    <testcase classname="{class}" name="{name}""#)?;
    if let Some((file, line)) = &case.file {
        write!(out, r#" file="{}""#, escape(file))?;
        if *line > 0 {
            write!(out, r#" line="{line}""#)?;
        }
    }
    write!(out, r#" time="0""#)?;
    match &case.body {
        Body::Passed => writeln!(out, "/>"),
        Body::Failure { kind, message, text } => {
            let (message, text) = (escape(message), escape(text));
            writeln!(out, ">\n      <failure type=\"{kind}\" message=\"{message}\">{text}</failure>\n    </testcase>")
        }
        Body::Noted { text } => {
            writeln!(out, ">\n      <system-out>{}</system-out>\n    </testcase>", escape(text))
        }
        Body::Error { message } => {
            writeln!(out, ">\n      <error message=\"{}\"/>\n    </testcase>", escape(message))
        }
        Body::Skipped { message } => {
            writeln!(out, ">\n      <skipped message=\"{}\"/>\n    </testcase>", escape(message))
        }
    }
}

fn numbers(cases: &[&Case]) -> String {
    let of = |wanted: fn(&Body) -> bool| cases.iter().filter(|case| wanted(&case.body)).count();
    format!(
        r#" tests="{}" failures="{}" errors="{}" skipped="{}" time="0""#,
        cases.len(),
        of(|body| matches!(body, Body::Failure { .. })),
        of(|body| matches!(body, Body::Error { .. })),
        of(|body| matches!(body, Body::Skipped { .. })),
    )
}

/// For text and attributes alike. What XML cannot hold at all is replaced.
fn escape(text: &str) -> String {
    let mut made = String::with_capacity(text.len());
    for char in text::clean(text).chars() {
        match char {
            '&' => made.push_str("&amp;"),
            '<' => made.push_str("&lt;"),
            '>' => made.push_str("&gt;"),
            '"' => made.push_str("&quot;"),
            '\n' => made.push_str("&#10;"),
            '\u{fffe}' | '\u{ffff}' => made.push('\u{fffd}'),
            char => made.push(char),
        }
    }
    made
}
