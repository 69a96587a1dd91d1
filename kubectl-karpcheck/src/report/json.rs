//! `-o json` and `-o yaml`: a contract, `karpcheck.report/v1`, with types of its own, so that the inventory can change.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use crate::findings::finding;
use crate::findings::finding::{FixOutcome, Outcome, Suppressed};
use crate::inventory::{ItemId, Origin};
use crate::report::matrix::Cell;
use crate::report::rows;
use crate::report::rows::Spot;
use crate::report::{PackInfo, Run, Shard, encoding, matrix};

pub(super) const SCHEMA: &str = "karpcheck.report/v1";

pub(super) fn write(run: &Run<'_>, out: &mut dyn Write) -> io::Result<()> {
    encoding::json(&report(run), out)
}

pub(super) fn write_yaml(run: &Run<'_>, out: &mut dyn Write) -> io::Result<()> {
    encoding::yaml(&report(run), out)
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
    suppressed: Vec<Finding<'a>>,
    coverage: Vec<Coverage<'a>>,
    problems: Vec<Problem<'a>>,
    /// What `merge` judges across clusters; left out where the report is for no merge.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    facts: &'a [serde_json::Value],
}

/// The tool, the packs and the assumptions of the run.
#[derive(Serialize)]
pub(super) struct About<'a> {
    tool: &'static str,
    packs: Vec<Pack<'a>>,
    contexts: Vec<&'a str>,
    assumed: BTreeMap<&'a str, &'a str>,
    config: Option<&'a str>,
    at: &'a str,
    /// The part of the snapshots that alone was read; left out where all were.
    #[serde(skip_serializing_if = "Option::is_none")]
    shard: Option<Shard>,
}

#[derive(Serialize)]
struct Pack<'a> {
    name: &'a str,
    version: &'a str,
    digest: &'a str,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Summary {
    pub(super) error: usize,
    pub(super) warning: usize,
    pub(super) info: usize,
    pub(super) unknown: usize,
    pub(super) suppressed: usize,
    pub(super) passed: usize,
    pub(super) rules: usize,
    pub(super) items: usize,
    pub(super) complete: bool,
}

#[derive(Serialize)]
pub(super) struct Finding<'a> {
    pub(super) rule: &'a str,
    area: &'a str,
    pub(super) outcome: &'static str,
    pub(super) severity: &'static str,
    confidence: &'static str,
    message: Cow<'a, str>,
    remediation: Cow<'a, str>,
    subject: Subject<'a>,
    cause: Option<&'static str>,
    settle: Option<String>,
    fingerprint: &'a str,
    /// What findings of one defect have in common; left out where their place says it.
    #[serde(skip_serializing_if = "str::is_empty")]
    group: &'a str,
    related: Vec<Related<'a>>,
    edits: Vec<Edit<'a>>,
    /// With `--verify-fixes`, what the edits do.
    #[serde(skip_serializing_if = "Option::is_none")]
    verified: Option<Verified<'a>>,
    /// The fingerprint of the finding that this one is a consequence of.
    #[serde(rename = "followsFrom", skip_serializing_if = "Option::is_none")]
    follows_from: Option<&'a str>,
    /// What accepts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    suppression: Option<Suppression<'a>>,
    /// The scopes that it was found in; left out where there is one scope.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    scopes: &'a [String],
    properties: BTreeMap<&'a str, &'a str>,
}

/// That, why and until when a finding is accepted.
#[derive(Serialize)]
struct Suppression<'a> {
    source: &'static str,
    place: &'a str,
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<&'a str>,
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
    class: &'static str,
    message: String,
    origin: Option<Place<'a>>,
}

fn report<'a>(run: &'a Run<'a>) -> Report<'a> {
    let rows::Summary { error, warning, info, unknown, passed, rules, items, complete } = rows::summary(run);
    Report {
        schema: SCHEMA,
        run: about(run),
        summary: Summary {
            error,
            warning,
            info,
            unknown,
            suppressed: run.results.suppressed.len(),
            passed,
            rules,
            items,
            complete,
        },
        scopes: matrix::scopes(run),
        findings: findings(run),
        suppressed: suppressed(run),
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
        facts: run.facts,
    }
}

/// The tool, the packs and the assumptions of a run.
pub(super) fn about<'a>(run: &'a Run<'a>) -> About<'a> {
    About {
        tool: env!("CARGO_PKG_VERSION"),
        packs: run.packs.iter().map(|PackInfo { name, version, digest }| Pack { name, version, digest }).collect(),
        contexts: run.inventory.clusters().iter().map(|cluster| &*cluster.context).collect(),
        assumed: run.assumed.iter().map(|(name, value)| (*name, value.as_str())).collect(),
        config: run.config,
        at: &run.at,
        shard: run.shard,
    }
}

/// All findings, worst first.
pub(super) fn findings<'a>(run: &'a Run<'a>) -> Vec<Finding<'a>> {
    let cause = |finding: &finding::Finding| rows::cause(run, finding).map(|cause| &*cause.fingerprint);
    rows::sorted(run).into_iter().map(|finding| finding_of(run, finding, cause(finding))).collect()
}

/// What is accepted, with what accepts it.
fn suppressed<'a>(run: &'a Run<'a>) -> Vec<Finding<'a>> {
    let all = run.results.suppressed.iter();
    all.map(|Suppressed { finding, by }| Finding {
        suppression: Some(Suppression {
            source: by.source.as_str(),
            place: &by.place,
            reason: &by.reason,
            owner: by.owner.as_deref(),
            expires: by.expires.as_deref(),
        }),
        ..finding_of(run, finding, None)
    })
    .collect()
}

/// The problems.
pub(super) fn problems<'a>(run: &'a Run<'a>) -> Vec<Problem<'a>> {
    let all = run.problems().chain(&run.results.faults);
    all.map(|problem| Problem {
        code: problem.code(),
        class: problem.class.as_str(),
        message: problem.to_string(),
        origin: problem.at.map(|at| place(rows::spot(run, at))),
    })
    .collect()
}

fn finding_of<'a>(run: &'a Run<'a>, finding: &'a finding::Finding, follows_from: Option<&'a str>) -> Finding<'a> {
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
        remediation: remediation(run, finding),
        subject: subject(run, finding.subject, &finding.pointer),
        cause: reason.map(|reason| reason.cause.as_str()),
        settle: rows::suggested_command(run, finding),
        fingerprint: &finding.fingerprint,
        group: &finding.group,
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
        suppression: None,
        scopes: if matrix::is_shown(run) { &finding.scopes } else { &[] },
        properties: finding.properties.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
    }
}

/// What to do, and in which file.
fn remediation<'a>(run: &Run<'a>, finding: &'a finding::Finding) -> Cow<'a, str> {
    let remedy = finding.remediation.as_str();
    match rows::statement(run, finding).filter(|_| !remedy.is_empty()).map(place) {
        Some(Place::File { file, line, .. }) => Cow::Owned(format!("{remedy} (the statement: {file}:{line})")),
        _ => Cow::Borrowed(remedy),
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
        Origin::File(path) | Origin::Setting(path) => {
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
