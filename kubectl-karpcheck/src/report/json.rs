//! `-o json` and `-o yaml`: a contract, `karpcheck.report/v1alpha1`, with types of its own, so that the inventory can change.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use crate::findings::finding;
use crate::findings::finding::{FixOutcome, Outcome};
use crate::inventory::{ItemId, Origin};
use crate::report::rows;
use crate::report::rows::Spot;
use crate::report::{PackInfo, Run, fingerprint, matrix};

const SCHEMA: &str = "karpcheck.report/v1alpha1";

pub(super) fn write(run: &Run<'_>, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &report(run))?;
    writeln!(out)
}

pub(super) fn write_yaml(run: &Run<'_>, out: &mut dyn Write) -> io::Result<()> {
    serde_yaml::to_writer(out, &report(run)).map_err(io::Error::other)
}

#[derive(Serialize)]
struct Report<'a> {
    schema: &'static str,
    run: About<'a>,
    summary: Summary,
    /// What was found in each scope, by area; left out where there is one scope.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    scopes: BTreeMap<&'a str, BTreeMap<&'a str, Cell>>,
    findings: Vec<Finding<'a>>,
    coverage: Vec<Coverage<'a>>,
    problems: Vec<Problem<'a>>,
}

/// The tool, the packs and the assumptions of the run.
#[derive(Serialize)]
pub(super) struct About<'a> {
    tool: &'static str,
    packs: Vec<Pack<'a>>,
    contexts: Vec<&'a str>,
    assumed: BTreeMap<&'a str, &'a str>,
    at: &'a str,
}

#[derive(Serialize)]
struct Pack<'a> {
    name: &'a str,
    version: &'a str,
    digest: &'a str,
}

#[derive(Serialize)]
struct Summary {
    error: usize,
    warning: usize,
    info: usize,
    unknown: usize,
    passed: usize,
    rules: usize,
    items: usize,
    complete: bool,
}

/// What was judged of one area in one scope.
#[derive(Serialize)]
struct Cell {
    error: usize,
    warning: usize,
    info: usize,
    unknown: usize,
    passed: usize,
}

#[derive(Serialize)]
pub(super) struct Finding<'a> {
    rule: &'a str,
    area: &'a str,
    outcome: &'static str,
    severity: &'static str,
    confidence: &'static str,
    message: Cow<'a, str>,
    remediation: &'a str,
    subject: Subject<'a>,
    cause: Option<&'static str>,
    settle: Option<String>,
    fingerprint: String,
    related: Vec<Related<'a>>,
    edits: Vec<Edit<'a>>,
    /// With `--verify-fixes`, what the edits do.
    #[serde(skip_serializing_if = "Option::is_none")]
    verified: Option<Verified<'a>>,
    /// The fingerprint of the finding that this one is a consequence of.
    #[serde(rename = "followsFrom", skip_serializing_if = "Option::is_none")]
    follows_from: Option<String>,
    /// The scopes that it was found in; left out where there is one scope.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    scopes: &'a [String],
    properties: BTreeMap<&'a str, &'a str>,
}

#[derive(Serialize)]
pub(super) struct Subject<'a> {
    kind: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
    pointer: &'a str,
    origin: Option<Place<'a>>,
}

#[derive(Serialize)]
struct Related<'a> {
    #[serde(flatten)]
    subject: Subject<'a>,
    note: &'a str,
}

#[derive(Serialize)]
struct Edit<'a> {
    kind: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
    pointer: &'a str,
    /// Null removes the field.
    value: Option<&'a serde_json::Value>,
}

#[derive(Serialize)]
struct Verified<'a> {
    result: &'static str,
    /// What the edits reveal, what stays, or why they were not tried.
    details: Vec<&'a str>,
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Place<'a> {
    File {
        file: &'a str,
        #[serde(skip_serializing_if = "none")]
        line: u32,
        #[serde(skip_serializing_if = "none")]
        column: u32,
    },
    #[serde(rename_all = "camelCase")]
    Live {
        context: &'a str,
        api_version: &'a str,
        kind: &'a str,
        namespace: &'a str,
        name: &'a str,
    },
    Flag {
        flag: &'a str,
    },
    Aws {
        command: &'a str,
        account: &'a str,
        region: &'a str,
    },
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn none(number: &u32) -> bool {
    *number == 0
}

#[derive(Serialize)]
struct Coverage<'a> {
    rule: &'a str,
    passed: u32,
    failed: u32,
    unknown: u32,
    skipped: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Problem<'a> {
    code: &'a str,
    message: String,
    origin: Option<Place<'a>>,
}

fn report<'a>(run: &'a Run<'a>) -> Report<'a> {
    let rows::Summary { error, warning, info, unknown, passed, rules, items, complete } = rows::summary(run);
    Report {
        schema: SCHEMA,
        run: about(run),
        summary: Summary { error, warning, info, unknown, passed, rules, items, complete },
        scopes: scopes(run),
        findings: findings(run),
        coverage: run
            .results
            .coverage
            .iter()
            .map(|coverage| Coverage {
                rule: &coverage.rule,
                passed: coverage.passed,
                failed: coverage.failed,
                unknown: coverage.unknown,
                skipped: coverage.shortfall(),
            })
            .collect(),
        problems: problems(run),
    }
}

/// The tool, the packs and the assumptions of a run.
pub(super) fn about<'a>(run: &'a Run<'a>) -> About<'a> {
    About {
        tool: env!("CARGO_PKG_VERSION"),
        packs: run.packs.iter().map(|PackInfo { name, version, digest }| Pack { name, version, digest }).collect(),
        contexts: run.inventory.clusters().iter().map(|cluster| &*cluster.context).collect(),
        assumed: run.assumed.iter().map(|(name, value)| (*name, value.as_str())).collect(),
        at: &run.at,
    }
}

/// All findings, worst first.
pub(super) fn findings<'a>(run: &'a Run<'a>) -> Vec<Finding<'a>> {
    let sorted = rows::sorted(run);
    let prints = fingerprint::all(run, &sorted);
    let print_of = |cause: &finding::Finding| {
        sorted.iter().position(|finding| std::ptr::eq(*finding, cause)).map(|at| prints[at].clone())
    };
    sorted
        .iter()
        .zip(&prints)
        .map(|(finding, print)| {
            let follows_from = rows::cause(run, finding).and_then(print_of);
            finding_of(run, finding, print.clone(), follows_from)
        })
        .collect()
}

fn scopes<'a>(run: &Run<'a>) -> BTreeMap<&'a str, BTreeMap<&'a str, Cell>> {
    let cell = |cell: matrix::Cell| {
        let matrix::Cell { error, warning, info, unknown, passed } = cell;
        Cell { error, warning, info, unknown, passed }
    };
    matrix::scopes(run)
        .into_iter()
        .map(|(name, areas)| (name, areas.into_iter().map(|(area, of)| (area, cell(of))).collect()))
        .collect()
}

/// The problems.
pub(super) fn problems<'a>(run: &'a Run<'a>) -> Vec<Problem<'a>> {
    let all = run.inventory.problems().iter().chain(&run.results.faults);
    all.map(|problem| Problem {
        code: problem.code(),
        message: problem.to_string(),
        origin: problem.at.map(|at| place(rows::spot(run, at))),
    })
    .collect()
}

fn finding_of<'a>(
    run: &'a Run<'a>,
    finding: &'a finding::Finding,
    fingerprint: String,
    follows_from: Option<String>,
) -> Finding<'a> {
    let reason = finding.reason.as_ref().filter(|_| finding.outcome == Outcome::Unknown);
    // The place of the reason explains an unknown, like a related place.
    let ended = finding.reason_at.iter().filter(|place| {
        place.item != finding.subject || (place.pointer != finding.pointer && !place.pointer.is_empty())
    });
    Finding {
        rule: &finding.rule,
        area: &finding.area,
        outcome: finding.outcome.as_str(),
        severity: finding.severity.as_str(),
        confidence: finding.confidence.as_str(),
        message: finding.sentence(),
        remediation: &finding.remediation,
        subject: subject(run, finding.subject, &finding.pointer),
        cause: reason.map(|reason| reason.cause.as_str()),
        settle: rows::suggested_command(run, finding),
        fingerprint,
        related: finding
            .related
            .iter()
            .chain(ended)
            .map(|place| Related { subject: subject(run, place.item, &place.pointer), note: &place.note })
            .collect(),
        edits: finding
            .edits
            .iter()
            .map(|edit| {
                let Subject { kind, name, namespace, .. } = subject(run, edit.item, "");
                Edit { kind, name, namespace, pointer: &edit.pointer, value: edit.value.as_ref() }
            })
            .collect(),
        verified: finding.cure.as_ref().map(|cure| match cure {
            FixOutcome::Cleared => Verified { result: "cleared", details: vec![] },
            FixOutcome::Reveals(new) => {
                Verified { result: "reveals", details: new.iter().map(String::as_str).collect() }
            }
            FixOutcome::NotEnough(left) => Verified { result: "not-enough", details: vec![left] },
            FixOutcome::NotTried(why) => Verified { result: "not-tried", details: vec![why] },
        }),
        follows_from,
        scopes: if matrix::is_shown(run) { &finding.scopes } else { &[] },
        properties: finding.properties.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
    }
}

pub(super) fn subject<'a>(run: &'a Run<'a>, item: ItemId, pointer: &'a str) -> Subject<'a> {
    let known = run.inventory.item(item);
    Subject {
        kind: known.map_or("", |item| &item.kind),
        name: known.map_or("", |item| &item.name),
        namespace: known.and_then(|item| item.namespace.as_deref()),
        pointer,
        origin: rows::spot_of(run, item, pointer).map(place),
    }
}

pub(super) fn place(spot: Spot<'_>) -> Place<'_> {
    match spot.origin {
        Origin::File(path) => {
            Place::File { file: spot.file.unwrap_or(path), line: spot.at.line, column: spot.at.column }
        }
        Origin::Live(live) => Place::Live {
            context: &live.context,
            api_version: &live.api_version,
            kind: &live.kind,
            namespace: &live.namespace,
            name: &live.name,
        },
        Origin::Flag(flag) => Place::Flag { flag },
        Origin::Aws(aws) => Place::Aws { command: &aws.command, account: &aws.account, region: &aws.region },
    }
}
