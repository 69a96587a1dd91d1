//! What edits would do: to the findings (`--verify-fixes`) and to the files (`-o diff`). Nothing is written to disk.

use std::collections::HashMap;
use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::engine;
use crate::engine::{Engine, Selected};
use crate::findings::finding::{CheckResults, Edit, Finding, FixOutcome, Outcome};
use crate::fixes;
use crate::fixes::edit::{Written, identity};
use crate::fixes::patch::Fix;
use crate::inventory::{Builder, Inventory, Origin, SourceKind};
use crate::karpenter;
use crate::report::{NotShown, Patched, Piece, Pieces};
use crate::sources;

/// Each trial runs all rules again, so there are at most this many. The findings beyond say that they were not tried.
const MOST_TRIALS: usize = 200;
/// Wall time of all trials together.
const MOST_TIME: Duration = Duration::from_secs(120);

/// Tries the edits of each finding by itself, on what was gathered: all that is derived is derived anew, and all rules
/// judge again.
pub fn verify(
    gathered: &Builder,
    inventory: &Inventory,
    engine: &Engine,
    rules: &[Selected<'_>],
    results: &mut CheckResults,
) {
    let before = by_key(inventory, results);
    let until = Instant::now() + MOST_TIME;
    let mut trials = 0;
    let mut tried: Vec<(usize, FixOutcome)> = vec![];
    for (number, finding) in results.findings.iter().enumerate() {
        if finding.edits.is_empty() {
            continue;
        }
        trials += 1;
        if trials > MOST_TRIALS {
            tried.push((number, FixOutcome::NotTried(format!("only the first {MOST_TRIALS} fixes are tried"))));
            continue;
        }
        let left = until.saturating_duration_since(Instant::now());
        let out_of_time = || FixOutcome::NotTried(format!("fixes are tried for {} s only", MOST_TIME.as_secs()));
        if left.is_zero() {
            tried.push((number, out_of_time()));
            continue;
        }
        let mut edited = gathered.clone();
        if !edited.edit(inventory, &finding.edits) {
            tried.push((number, FixOutcome::NotTried("the place of the edit was not found".into())));
            continue;
        }
        let mut after = karpenter::inventory(edited);
        after.choose_like(inventory);
        let after = Arc::new(after);
        let judged = engine::run_rules_for(engine, rules, &after, left);
        if until <= Instant::now() {
            tried.push((number, out_of_time()));
            continue;
        }
        tried.push((number, outcome(finding, inventory, &before, &after, &judged)));
    }
    for (number, cure) in tried {
        results.findings[number].cure = Some(cure);
    }
}

/// What a finding is about, whatever its number is in an inventory.
pub type Key = (String, Option<(String, String, String, u32)>, String);

/// What a finding is about.
pub fn key(inventory: &Inventory, finding: &Finding) -> Key {
    (finding.rule.clone(), identity(inventory, finding.subject), finding.pointer.clone())
}

fn fails<'a>(inventory: &'a Inventory, results: &'a CheckResults) -> impl Iterator<Item = (Key, &'a Finding)> {
    results
        .findings
        .iter()
        .filter(|finding| finding.outcome == Outcome::Fail)
        .map(|finding| (key(inventory, finding), finding))
}

/// The messages of the failures of each place.
fn by_key<'a>(inventory: &'a Inventory, results: &'a CheckResults) -> HashMap<Key, Vec<&'a str>> {
    let mut all: HashMap<Key, Vec<&str>> = HashMap::new();
    for (key, finding) in fails(inventory, results) {
        all.entry(key).or_default().push(&finding.message);
    }
    all
}

fn outcome(
    finding: &Finding,
    inventory: &Inventory,
    before: &HashMap<Key, Vec<&str>>,
    after: &Inventory,
    judged: &CheckResults,
) -> FixOutcome {
    let own = key(inventory, finding);
    let undecided = judged.findings.iter().find_map(|left| {
        let reason = left.reason.as_ref().filter(|_| left.outcome == Outcome::Unknown)?;
        (key(after, left) == own).then_some(reason)
    });
    if let Some(reason) = undecided {
        return FixOutcome::NotEnough(format!("it could not be decided then: {reason}"));
    }
    // A rule may say several things of one place.
    let left = by_key(after, judged).remove(&own).unwrap_or_default();
    let were = before.get(&own).map(Vec::as_slice).unwrap_or_default();
    if left.contains(&finding.message.as_str()) || left.len() >= were.len().max(1) {
        let changed = left.iter().find(|message| !were.contains(message)).or(left.first());
        return FixOutcome::NotEnough(changed.map_or_else(String::new, |message| (*message).to_owned()));
    }
    let new: Vec<String> = fails(after, judged)
        .filter(|(key, _)| !before.contains_key(key))
        .map(|(_, finding)| format!("{}: {}", finding.rule, finding.message))
        .collect();
    if new.is_empty() { FixOutcome::Cleared } else { FixOutcome::Reveals(new) }
}

/// What the edits of the findings make of files.
#[derive(Debug, Default)]
pub struct Fixes {
    /// The files as the edits of all findings would leave them.
    pub files: Vec<Patched>,
    /// The fixes that no file can show.
    pub not_shown: Vec<NotShown>,
    /// What each finding's edits replace, by the finding's number.
    pub pieces: Pieces,
}

/// What the edits of all findings make of files. Nothing is written.
pub fn patched(inventory: &Inventory, results: &CheckResults) -> Fixes {
    let mut not_shown = vec![];
    // The number of the finding, its edits, and what they change.
    let mut fixes: Vec<(usize, Fix)> = vec![];
    for (number, finding) in results.findings.iter().enumerate() {
        let fix: Result<Fix, String> = match event_rule(inventory, finding) {
            Some(rule) => Ok(vec![rule]),
            None if finding.edits.is_empty() => continue,
            None => finding.edits.iter().map(|edit| in_file(inventory, edit)).collect(),
        };
        match fix {
            Ok(fix) => fixes.push((number, fix)),
            Err(why) => not_shown.push(NotShown { finding: number, why: by_hand(&finding.edits, &why) }),
        }
    }
    let wanted: Vec<Fix> = fixes.iter().map(|(_, fix)| fix.clone()).collect();
    let mut texts: HashMap<String, Result<String, String>> = HashMap::new();
    let mut read = |path: &str| texts.entry(path.to_owned()).or_insert_with(|| text_of(path)).clone();
    let plan = fixes::patch::plan(&wanted, &mut read, &sources::written_as);
    for (fix, _, why) in plan.refused {
        let finding = fixes[fix].0;
        not_shown.push(NotShown { finding, why: by_hand(&results.findings[finding].edits, &why.to_string()) });
    }
    let patched = plan.files.into_iter().map(|file| Patched {
        in_repository: inventory.repository().place(&file.path),
        path: file.path,
        before: file.before,
        after: file.after,
        findings: file.fixes.into_iter().map(|fix| fixes[fix].0).collect(),
    });
    not_shown.sort_by(|one, other| (one.finding, &one.why).cmp(&(other.finding, &other.why)));
    let piece = |piece: fixes::patch::Replacement| Piece {
        path: inventory.repository().place(&piece.path),
        start: piece.start,
        end: piece.end,
        text: piece.text,
    };
    let pieces = plan.pieces.into_iter().map(|(fix, own)| (fixes[fix].0, own.into_iter().map(piece).collect()));
    Fixes { files: patched.collect(), pieces: pieces.collect(), not_shown }
}

/// The file of an edit, and the edit in its terms; else why there is none.
fn in_file(inventory: &Inventory, edit: &Edit) -> Result<(String, Written), String> {
    let written = inventory.written(edit).ok_or("its place was not found")?;
    match &inventory.document(written.change.at.doc).origin {
        Origin::File(path) if &**path == "-" => {
            Err("it was read from standard input, which cannot be read again".to_owned())
        }
        Origin::File(path) if written.change.at.line > 0 => Ok((path.to_string(), written)),
        Origin::File(_) => Err("its place in the file is not known".to_owned()),
        origin => Err(format!("it is not in a file, but in {origin}")),
    }
}

fn text_of(path: &str) -> Result<String, String> {
    let bytes = fs::read(path).map_err(|error| format!("the file cannot be read again: {error}"))?;
    String::from_utf8(bytes).map_err(|_| "the file is not UTF-8".to_owned())
}

/// The EventBridge rule that a queue of a template lacks: a resource of its own, which no edit of the queue can be.
fn event_rule(inventory: &Inventory, finding: &Finding) -> Option<(String, Written)> {
    let item = inventory.item(finding.subject).filter(|item| &*item.kind == "AWS::SQS::Queue")?;
    let (source, kind) = (finding.property("source")?, finding.property("detail-type")?);
    let Origin::File(path) = &inventory.document(item.doc()).origin else { return None };
    if item.source != SourceKind::Template || &**path == "-" || finding.outcome != Outcome::Fail {
        return None;
    }
    let queue = &item.aws.as_ref()?.logical.first()?.id;
    let name: String = kind.split(' ').filter(|word| !["EC2", "Instance", "Warning"].contains(word)).collect();
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let rule = serde_json::json!({
        "Type": "AWS::Events::Rule",
        "Properties": {
            "EventPattern": {"source": [source], "detail-type": [kind]},
            "Targets": [{"Id": "KarpenterInterruptionQueueTarget", "Arn": {"Fn::GetAtt": [&**queue, "Arn"]}}]
        }
    });
    Some((path.to_string(), inventory.beside(finding.subject, &format!("{name}Rule"), rule)?))
}

/// What is to be done by hand, and why.
fn by_hand(edits: &[Edit], why: &str) -> String {
    let edits: Vec<String> = edits
        .iter()
        .map(|edit| match &edit.value {
            Some(value) => format!("set {} to {value}", edit.pointer),
            None => format!("remove {}", edit.pointer),
        })
        .collect();
    if edits.is_empty() { why.to_owned() } else { format!("{why}; by hand: {}", edits.join(", ")) }
}
