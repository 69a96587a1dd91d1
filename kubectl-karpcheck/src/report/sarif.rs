//! `-o sarif`: SARIF 2.1.0, for code scanning. What is wrong is a result; what could not be decided is none, since code
//! scanning makes an alert of each, but a notification of the tool. A place in a file is a physical location; every subject is a logical one as well,
//! and an object of a live cluster is nothing but that.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use crate::findings::finding;
use crate::findings::finding::{Finding, Outcome, RuleInfo, Severity};
use crate::findings::suppression::{Suppression, SuppressionSource};
use crate::inventory::Place;
use crate::inventory::{ItemId, Origin, Problem};
use crate::report::excerpt::Excerpts;
use crate::report::rows;
use crate::report::rows::Spot;
use crate::report::{Piece, Pieces, Run, closing, encoding, matrix, message, text};

/// Results that GitHub takes of a run:
/// <https://docs.github.com/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning>
const RESULTS: usize = 25_000;
/// Locations that GitHub shows of a result.
const LOCATIONS: usize = 100;
/// Characters of a rule's description.
const DESCRIPTION: usize = 1024;

pub(super) fn write(run: &Run<'_>, pieces: &Pieces, out: &mut dyn Write) -> io::Result<()> {
    encoding::json(&log(run, pieces), out)
}

#[derive(Serialize)]
struct Log<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [OneRun<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OneRun<'a> {
    tool: Tool,
    invocations: [Invocation<'a>; 1],
    results: Vec<Result>,
    column_kind: &'static str,
}

#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    name: &'static str,
    semantic_version: &'static str,
    information_uri: &'static str,
    rules: Vec<Rule>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: String,
    short_description: Message,
    full_description: Message,
    help: Message,
    /// Its page on the web.
    #[serde(skip_serializing_if = "Option::is_none")]
    help_uri: Option<String>,
    default_configuration: Configuration,
    properties: RuleProperties,
}

#[derive(Serialize)]
struct Configuration {
    enabled: bool,
    level: &'static str,
}

#[derive(Serialize)]
struct RuleProperties {
    tags: Vec<String>,
    #[serde(rename = "problem.severity")]
    severity: &'static str,
}

#[derive(Serialize)]
struct Message {
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    markdown: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation<'a> {
    /// Did the run do its whole job, in SARIF's terms?
    execution_successful: bool,
    end_time_utc: &'a str,
    tool_execution_notifications: Vec<Notification>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Notification {
    level: &'static str,
    message: Message,
    /// The rule that could not decide.
    #[serde(skip_serializing_if = "Option::is_none")]
    associated_rule: Option<RuleReference>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    locations: Vec<Location>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Result {
    rule_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_index: Option<usize>,
    kind: &'static str,
    level: &'static str,
    message: Message,
    locations: Vec<Location>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<Location>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fixes: Vec<Fix>,
    partial_fingerprints: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suppressions: Vec<Suppressed>,
    properties: BTreeMap<&'static str, String>,
}

/// That, why and until when a result is accepted (§3.35).
#[derive(Serialize)]
struct Suppressed {
    kind: &'static str,
    status: &'static str,
    justification: String,
    properties: BTreeMap<&'static str, String>,
}

#[derive(Serialize)]
struct RuleReference {
    id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Fix {
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<Message>,
    artifact_changes: Vec<ArtifactChange>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ArtifactChange {
    artifact_location: Artifact,
    replacements: Vec<Replacement>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Replacement {
    deleted_region: Region,
    #[serde(skip_serializing_if = "Option::is_none")]
    inserted_content: Option<Content>,
}

#[derive(Serialize)]
struct Content {
    text: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    physical_location: Option<Physical>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    logical_locations: Vec<Logical>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Message>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Physical {
    artifact_location: Artifact,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<Region>,
}

#[derive(Serialize)]
struct Artifact {
    uri: String,
}

#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_column: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_line: Option<u32>,
    /// Behind the last character.
    #[serde(skip_serializing_if = "Option::is_none")]
    end_column: Option<u32>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Logical {
    name: String,
    fully_qualified_name: String,
    kind: &'static str,
}

fn log<'a>(run: &'a Run<'a>, pieces: &Pieces) -> Log<'a> {
    let (sorted, undecided): (Vec<_>, Vec<_>) =
        rows::sorted(run).into_iter().partition(|finding| finding.outcome == Outcome::Fail);
    let suppressed: Vec<&finding::Suppressed> =
        run.results.suppressed.iter().filter(|suppressed| suppressed.finding.outcome == Outcome::Fail).collect();
    let mut excerpts = Excerpts::default();
    let mut notes: Vec<Notification> = run.problems().map(|problem| notification(run, problem)).collect();
    let plain = |level, text: String| Notification {
        level,
        message: Message::plain(text),
        associated_rule: None,
        locations: vec![],
    };
    notes.extend(undecided.into_iter().map(|finding| Notification {
        level: level(finding.severity),
        message: Message::plain(text::clean(&message::finding(run, finding).join("\n"))),
        associated_rule: Some(RuleReference { id: finding.rule.clone() }),
        locations: vec![location(run, finding.subject, &finding.pointer, &mut excerpts)],
    }));
    notes.extend(run.results.faults.iter().map(|fault| plain("error", text::clean(&fault.to_string()))));
    // A green run, too, states what was checked and what was not.
    notes.extend(closing::summary(run).into_iter().map(|line| plain("note", line)));
    if sorted.len() > RESULTS {
        // The worst come first.
        let left = text::count(sorted.len() - RESULTS, "finding");
        notes.push(plain("warning", format!("{left} left out: code scanning takes {RESULTS} of a run")));
    }
    let fatal = run.inventory.problems().iter().any(|problem| problem.is_fatal());
    Log {
        schema: "https://json.schemastore.org/sarif-2.1.0.json",
        version: "2.1.0",
        runs: [OneRun {
            tool: Tool {
                driver: Driver {
                    name: "kubectl-karpcheck",
                    semantic_version: env!("CARGO_PKG_VERSION"),
                    information_uri: env!("CARGO_PKG_REPOSITORY"),
                    rules: run.rules.iter().map(rule).collect(),
                },
            },
            invocations: [Invocation {
                execution_successful: !fatal && run.results.faults.is_empty(),
                end_time_utc: &run.at,
                tool_execution_notifications: notes,
            }],
            results: sorted
                .into_iter()
                .map(|finding| (finding, None))
                .chain(suppressed.into_iter().map(|suppressed| (&suppressed.finding, Some(&suppressed.by))))
                .take(RESULTS)
                .map(|(finding, by)| Result {
                    suppressions: by.map(suppression).into_iter().collect(),
                    ..result(run, finding, pieces, &mut excerpts)
                })
                .collect(),
            column_kind: "unicodeCodePoints",
        }],
    }
}

impl Message {
    const fn plain(text: String) -> Self {
        Self { text, markdown: None }
    }
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

fn rule(rule: &RuleInfo) -> Rule {
    let title: String = text::one_line(&rule.title).chars().take(DESCRIPTION).collect();
    let page = text::clean(&rule.docs);
    let page = if page.trim().is_empty() { title.clone() } else { page.trim().to_owned() };
    Rule {
        id: rule.label(),
        short_description: Message::plain(title.clone()),
        full_description: Message::plain(title),
        help: Message { text: page.clone(), markdown: Some(page) },
        help_uri: message::page_url(rule),
        default_configuration: Configuration { enabled: rule.enabled, level: level(rule.severity) },
        properties: RuleProperties {
            tags: vec!["karpenter".to_owned(), text::one_line(&rule.area)],
            severity: match rule.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Info => "recommendation",
            },
        },
    }
}

fn suppression(by: &Suppression) -> Suppressed {
    let Suppression { source, place, reason, owner, expires } = by;
    let kind = match source {
        SuppressionSource::Comment | SuppressionSource::Annotation => "inSource",
        SuppressionSource::Config | SuppressionSource::Baseline => "external",
    };
    let more = [("place", Some(place)), ("owner", owner.as_ref()), ("expires", expires.as_ref())];
    Suppressed {
        kind,
        status: "accepted",
        justification: text::clean(reason),
        properties: more.into_iter().filter_map(|(name, text)| Some((name, text::one_line(text?)))).collect(),
    }
}

fn result(run: &Run<'_>, finding: &Finding, pieces: &Pieces, excerpts: &mut Excerpts) -> Result {
    let mut properties = BTreeMap::from([
        ("area", finding.area.clone()),
        ("confidence", finding.confidence.as_str().to_owned()),
        ("severity", finding.severity.as_str().to_owned()),
    ]);
    if matrix::is_shown(run) {
        properties.insert("scope", finding.scopes.join(", "));
    }
    let related = finding.related.iter().take(LOCATIONS);
    // Of what is suppressed there are no pieces.
    let own = number_of(run, finding).and_then(|number| pieces.get(&number)).map_or(&[][..], Vec::as_slice);
    Result {
        rule_id: finding.rule.clone(),
        rule_index: run.rules.iter().position(|rule| rule.is_called(&finding.rule)),
        kind: "fail",
        level: level(finding.severity),
        message: Message::plain(text::clean(&message::finding(run, finding).join("\n"))),
        locations: vec![location(run, finding.subject, &finding.pointer, excerpts)],
        related_locations: related.zip(1..).map(|(place, id)| explains(run, place, id, excerpts)).collect(),
        fixes: fix(finding, own).into_iter().collect(),
        partial_fingerprints: BTreeMap::from([("karpcheck/v1", finding.fingerprint.clone())]),
        suppressions: vec![],
        properties,
    }
}

/// The place of a finding among those of the run.
fn number_of(run: &Run<'_>, finding: &Finding) -> Option<usize> {
    run.results.findings.element_offset(finding)
}

/// What the edits of a finding replace, file by file.
fn fix(finding: &Finding, pieces: &[Piece]) -> Option<Fix> {
    let mut files: Vec<ArtifactChange> = vec![];
    for piece in pieces {
        let uri = uri(&piece.path);
        let replacement = Replacement {
            deleted_region: Region {
                start_line: piece.start.0,
                start_column: Some(piece.start.1),
                end_line: Some(piece.end.0),
                end_column: Some(piece.end.1),
            },
            inserted_content: (!piece.text.is_empty()).then(|| Content { text: piece.text.clone() }),
        };
        match files.iter_mut().find(|file| file.artifact_location.uri == uri) {
            Some(file) => file.replacements.push(replacement),
            None => files.push(ArtifactChange { artifact_location: Artifact { uri }, replacements: vec![replacement] }),
        }
    }
    let description = text::clean(&finding.remediation);
    let description = (!description.is_empty()).then(|| Message::plain(description));
    (!files.is_empty()).then_some(Fix { description, artifact_changes: files })
}

fn explains(run: &Run<'_>, place: &Place, id: usize, excerpts: &mut Excerpts) -> Location {
    let note = text::one_line(&place.note);
    let text = if note.is_empty() { rows::subject(run, place.item) } else { note };
    Location {
        id: Some(id),
        message: Some(Message::plain(text)),
        ..location(run, place.item, &place.pointer, excerpts)
    }
}

fn location(run: &Run<'_>, item: ItemId, pointer: &str, excerpts: &mut Excerpts) -> Location {
    let spot = rows::spot_of(run, item, pointer);
    let subject = rows::subject(run, item);
    let whole = match spot.map(|spot| spot.origin) {
        Some(Origin::Live(live)) => text::one_line(&format!("{}/{}/{subject}", live.context, live.api_version)),
        Some(Origin::Aws(aws)) => text::one_line(&format!("{}/{}/{subject}", aws.account, aws.region)),
        _ => subject.clone(),
    };
    let fully_qualified_name = format!("{whole}{}", text::one_line(pointer));
    let physical = spot.and_then(|spot| physical(spot, excerpts.end(spot))).unwrap_or_else(|| address(spot, &whole));
    let region = physical.region.or(Some(Region { start_line: 1, ..Region::default() }));
    Location {
        id: None,
        physical_location: Some(Physical { region, ..physical }),
        logical_locations: vec![Logical { name: subject, fully_qualified_name, kind: "resource" }],
        message: None,
    }
}

fn notification(run: &Run<'_>, problem: &Problem) -> Notification {
    let physical = problem.at.and_then(|at| physical(rows::spot(run, at), None));
    Notification {
        level: if problem.is_fatal() {
            "error"
        } else if problem.is_incomplete() {
            "warning"
        } else {
            "note"
        },
        message: Message::plain(text::clean(&problem.to_string())),
        associated_rule: None,
        locations: physical
            .into_iter()
            .map(|physical| Location {
                id: None,
                physical_location: Some(physical),
                logical_locations: vec![],
                message: None,
            })
            .collect(),
    }
}

/// What stands for a file where there is none: GitHub refuses a whole report for one result without a file and a line.
/// <https://docs.github.com/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning#location-object>
fn address(spot: Option<Spot<'_>>, whole: &str) -> Physical {
    let named = match spot {
        Some(spot) if spot.file == Some("-") => "stdin",
        _ => whole.trim_start_matches('/'),
    };
    let line = spot.map_or(0, |spot| spot.at.line);
    let region = (line > 0).then(|| Region { start_line: line, ..Region::default() });
    Physical { artifact_location: Artifact { uri: uri(named) }, region }
}

/// The place in a file. Standard input is none.
fn physical(spot: Spot<'_>, end: Option<u32>) -> Option<Physical> {
    let path = spot.file?;
    if path == "-" {
        return None;
    }
    let region = (spot.at.line > 0).then(|| Region {
        start_line: spot.at.line,
        start_column: (spot.at.column > 0).then_some(spot.at.column),
        end_line: end.map(|_| spot.at.line),
        end_column: end,
    });
    Some(Physical { artifact_location: Artifact { uri: uri(path) }, region })
}

/// A path as a reference: relative to the repository.
fn uri(path: &str) -> String {
    let path = path.strip_prefix("./").unwrap_or(path);
    let path = if cfg!(windows) { path.replace('\\', "/") } else { path.to_owned() };
    let mut made = match path.as_bytes() {
        [b'/', ..] => "file://".to_owned(),
        [drive, b':', ..] if drive.is_ascii_alphabetic() && cfg!(windows) => "file:///".to_owned(),
        _ => String::new(),
    };
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => made.push(char::from(byte)),
            byte => made.push_str(&format!("%{byte:02X}")),
        }
    }
    made
}
