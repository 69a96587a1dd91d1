//! What other runs reported, as a run: for the formats that people read. Where it was found, who says so and why come from the
//! reports; the inventories that the findings came from are not there, nor what would mend them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use crate::findings::finding::{CheckResults, Confidence, Coverage, Finding, FixOutcome, Outcome, Suppressed};
use crate::findings::suppression::{Suppression, SuppressionSource};
use crate::inventory::problem::{FileProblem, ProblemClass};
use crate::inventory::reason::Gap;
use crate::inventory::{
    At, AwsOrigin, Builder, Cause, Derivation, DocId, Draft, Inventory, ItemId, LiveOrigin, Node, Origin,
    Place as Related, Problem, Reason, SourceKind, StatedFact, Value as NodeValue,
};
use crate::report::merged::{self, Document, Totals};

/// A finding, as a report in JSON has it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct Reported {
    rule: String,
    area: String,
    outcome: String,
    severity: String,
    confidence: String,
    message: String,
    remediation: String,
    subject: Subject,
    cause: Option<String>,
    fingerprint: String,
    group: String,
    related: Vec<ReportedPlace>,
    verified: Option<Verified>,
    follows_from: Option<String>,
    suppression: Option<Accepted>,
    scopes: Vec<String>,
    properties: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Subject {
    kind: String,
    name: String,
    namespace: Option<String>,
    pointer: String,
    origin: Option<Place>,
}

#[derive(Deserialize)]
struct ReportedPlace {
    #[serde(flatten)]
    subject: Subject,
    #[serde(default)]
    note: String,
}

#[derive(Deserialize)]
struct Verified {
    result: String,
    details: Vec<String>,
}

#[derive(Deserialize)]
struct Accepted {
    source: String,
    place: String,
    reason: String,
    owner: Option<String>,
    expires: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ReportedProblem {
    class: String,
    message: String,
    origin: Option<Place>,
}

#[derive(Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(untagged)]
enum Place {
    File {
        file: String,
        #[serde(default)]
        line: u32,
        #[serde(default)]
        column: u32,
    },
    #[serde(rename_all = "camelCase")]
    Live {
        context: String,
        api_version: String,
        kind: String,
        namespace: String,
        name: String,
    },
    Flag {
        flag: String,
    },
    Aws {
        command: String,
        account: String,
        region: String,
    },
}

/// What is rebuilt, report by report.
#[derive(Default)]
pub struct Rebuilt {
    builder: Builder,
    documents: HashMap<Option<Place>, DocId>,
    items: HashMap<(String, String, Option<String>, Option<Place>), ItemId>,
    results: CheckResults,
    /// The fingerprint of what a finding follows from.
    follows: Vec<(usize, String)>,
}

impl std::fmt::Debug for Rebuilt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rebuilt").field("results", &self.results).finish_non_exhaustive()
    }
}

impl Rebuilt {
    /// Adds a report, but for the rules that judge anew.
    pub fn add(&mut self, report: Document, is_anew: &dyn Fn(&str) -> bool) {
        let (findings, suppressed, problems) = (report.findings, report.suppressed, report.problems);
        self.add_findings(findings.into_iter().filter(|one| !one["rule"].as_str().is_some_and(is_anew)));
        for finding in suppressed {
            let Ok(mut reported) = serde_json::from_value::<Reported>(finding) else { continue };
            let Some(Accepted { source, place, reason, owner, expires }) = reported.suppression.take() else {
                continue;
            };
            let source = SuppressionSource::parse(&source).unwrap_or(SuppressionSource::Config);
            let by = Suppression { source, place, reason, owner, expires };
            let finding = self.finding(reported);
            self.results.suppressed.push(Suppressed { finding, by });
        }
        for problem in problems {
            let Ok(ReportedProblem { class, message, origin }) = serde_json::from_value(problem) else { continue };
            let at = origin.map(|place| self.at(Some(&place)));
            let class = ProblemClass::parse(&class).unwrap_or(ProblemClass::Unread);
            let problem = Problem::new(FileProblem::Reported { message: message.into() }, at);
            self.builder.problem(problem.as_class(class));
        }
    }

    /// Adds findings in JSON.
    pub fn add_findings(&mut self, findings: impl Iterator<Item = Value>) {
        for finding in findings {
            let Ok(mut reported) = serde_json::from_value::<Reported>(finding) else { continue };
            let number = self.results.findings.len();
            self.follows.extend(reported.follows_from.take().map(|cause| (number, cause)));
            let finding = self.finding(reported);
            self.results.findings.push(finding);
        }
    }

    fn finding(&mut self, reported: Reported) -> Finding {
        let (outcome, severity) = merged::judgement(&reported.outcome, &reported.severity);
        let why = || Gap::Pack { code: "".into(), why: reported.message.as_str().into(), settled_by: vec![] };
        let cause = reported.cause.as_deref().filter(|_| outcome == Outcome::Unknown);
        let reason = cause.map(|cause| Reason::new(Cause::parse(cause), why()));
        let pointer = reported.subject.pointer.clone();
        Finding {
            subject: self.item(reported.subject),
            pointer,
            outcome,
            severity,
            confidence: Confidence::parse(&reported.confidence).unwrap_or(Confidence::Low),
            reason,
            reason_at: None,
            related: reported
                .related
                .into_iter()
                .map(|ReportedPlace { subject, note }| {
                    let pointer = subject.pointer.clone();
                    Related { item: self.item(subject), pointer, note }
                })
                .collect(),
            edits: vec![],
            cure: reported.verified.map(cure),
            follows: None,
            rule: reported.rule,
            area: reported.area,
            message: reported.message,
            remediation: reported.remediation,
            group: reported.group,
            properties: reported.properties.into_iter().collect(),
            fingerprint: reported.fingerprint,
            scopes: reported.scopes,
        }
    }

    /// What is there at the end: the places, and the findings with what the reports say together.
    pub fn finish(mut self, totals: &Totals) -> (Inventory, CheckResults) {
        for context in &totals.contexts {
            self.builder.cluster(context.as_str(), "", vec![]);
        }
        let findings = &mut self.results.findings;
        let known: HashMap<&str, usize> =
            findings.iter().zip(0..).map(|(finding, number)| (finding.fingerprint.as_str(), number)).collect();
        let causes: Vec<(usize, usize)> =
            self.follows.iter().filter_map(|(number, cause)| Some((*number, *known.get(cause.as_str())?))).collect();
        for (number, cause) in causes {
            findings[number].follows = Some(cause);
        }
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        self.results.coverage = totals
            .coverage()
            .map(|coverage| Coverage {
                rule: coverage.rule.clone(),
                passed: count(coverage.passed),
                failed: count(coverage.failed),
                unknown: count(coverage.unknown),
                skipped: coverage.skipped.clone(),
                unseen: vec![],
            })
            .collect();
        self.results.passed = totals.passed();
        self.results.scopes = totals.scopes();
        (self.builder.build(Derivation::NONE), self.results)
    }

    fn item(&mut self, subject: Subject) -> ItemId {
        let Subject { kind, name, namespace, origin, .. } = subject;
        let at = self.at(origin.as_ref());
        let builder = &mut self.builder;
        *self.items.entry((kind, name, namespace, origin)).or_insert_with_key(|(kind, name, namespace, _)| {
            // Nothing is joined with what is of no source: it is one item for each place.
            let body = Node::new(NodeValue::Null, at);
            let mut draft = Draft::new(kind.as_str(), name.as_str(), body, SourceKind::Source);
            draft.namespace = namespace.as_deref().map(Into::into);
            ItemId(u32::try_from(builder.add(draft)).unwrap_or(u32::MAX).saturating_add(1))
        })
    }

    fn at(&mut self, place: Option<&Place>) -> At {
        let (line, column) = match place {
            Some(Place::File { line, column, .. }) => (*line, *column),
            _ => (0, 0),
        };
        let document = match place {
            Some(Place::File { file, .. }) => Some(Place::File { file: file.clone(), line: 0, column: 0 }),
            other => other.cloned(),
        };
        let builder = &mut self.builder;
        let doc = *self.documents.entry(document).or_insert_with_key(|place| builder.document(origin(place.as_ref())));
        At { doc, line, column }
    }
}

fn cure(Verified { result, details }: Verified) -> FixOutcome {
    match result.as_str() {
        "cleared" => FixOutcome::Cleared,
        "reveals" => FixOutcome::Reveals(details),
        "not-enough" => FixOutcome::NotEnough(details.concat()),
        _ => FixOutcome::NotTried(details.concat()),
    }
}

fn origin(place: Option<&Place>) -> Origin {
    match place {
        Some(Place::File { file, .. }) => Origin::File(file.as_str().into()),
        Some(Place::Live { context, api_version, kind, namespace, name }) => Origin::Live(Box::new(LiveOrigin {
            context: context.as_str().into(),
            api_version: api_version.as_str().into(),
            kind: kind.as_str().into(),
            namespace: namespace.as_str().into(),
            name: name.as_str().into(),
        })),
        Some(Place::Flag { flag }) => {
            match StatedFact::ALL.into_iter().map(StatedFact::flag).find(|known| known == flag) {
                Some(flag) => Origin::Flag(flag),
                None => Origin::File(Arc::from(flag.as_str())),
            }
        }
        Some(Place::Aws { command, account, region }) => Origin::Aws(Box::new(AwsOrigin {
            account: account.as_str().into(),
            region: region.as_str().into(),
            command: command.as_str().into(),
        })),
        None => Origin::File(Arc::from("")),
    }
}
