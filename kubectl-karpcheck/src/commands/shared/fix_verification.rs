//! What edits would do: to the findings (`--verify-fixes`) and to the files (`-o diff`). Nothing is written to disk.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use crate::engine;
use crate::engine::{Engine, Selected};
use crate::findings::finding::{CheckResults, Edit, Finding, FixOutcome, Outcome};
use crate::fixes;
use crate::fixes::edit::{Change, identity};
use crate::inventory::{Builder, Inventory, Origin};
use crate::karpenter;
use crate::report::{NotShown, Patched};

/// Each trial runs all rules again, so there are at most this many. The findings beyond say that they were not tried.
const MOST_TRIALS: usize = 200;

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
        let mut edited = gathered.clone();
        if !edited.edit(inventory, &finding.edits) {
            tried.push((number, FixOutcome::NotTried("the place of the edit was not found".into())));
            continue;
        }
        let mut after = karpenter::inventory(edited);
        after.choose_like(inventory);
        let after = Arc::new(after);
        let judged = engine::run_rules(engine, rules, &after);
        tried.push((number, outcome(finding, inventory, &before, &after, &judged)));
    }
    for (number, cure) in tried {
        results.findings[number].cure = Some(cure);
    }
}

/// What a finding is about, whatever its number is in an inventory.
type Key = (String, Option<(String, String, String, u32)>, String);

fn key(inventory: &Inventory, finding: &Finding) -> Key {
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

/// The files as the edits of all findings would leave them, and which edits no file can show.
pub fn patched(inventory: &Inventory, results: &CheckResults) -> (Vec<Patched>, Vec<NotShown>) {
    let mut files: BTreeMap<&str, Vec<(usize, &Edit, Change)>> = BTreeMap::new();
    let mut not_shown = vec![];
    for (number, finding) in results.findings.iter().enumerate() {
        for edit in &finding.edits {
            let Some(change) = inventory.change(edit) else {
                not_shown.push(NotShown { finding: number, why: by_hand(edit, "its place was not found") });
                continue;
            };
            match &inventory.document(change.at.doc).origin {
                Origin::File(path) if &**path != "-" && change.at.line > 0 => {
                    files.entry(path).or_default().push((number, edit, change));
                }
                Origin::File(_) => {
                    let why = "it was read from standard input, which cannot be read again";
                    not_shown.push(NotShown { finding: number, why: by_hand(edit, why) });
                }
                origin => {
                    let why = by_hand(edit, &format!("it is not in a file, but in {origin}"));
                    not_shown.push(NotShown { finding: number, why });
                }
            }
        }
    }
    let mut patched = vec![];
    for (path, changes) in files {
        let (edits, changes): (Vec<(usize, &Edit)>, Vec<Change>) =
            changes.into_iter().map(|(number, edit, change)| ((number, edit), change)).unzip();
        match fixes::patch::file(Path::new(path), &changes) {
            Ok(fixes::patch::File { before, after, refused }) => {
                not_shown.extend(refused.into_iter().map(|(at, why)| {
                    let (finding, edit) = edits[at];
                    NotShown { finding, why: by_hand(edit, &why.to_string()) }
                }));
                if before != after {
                    patched.push(Patched { path: path.to_owned(), before, after });
                }
            }
            Err(why) => {
                not_shown.extend(
                    edits.iter().map(|(finding, edit)| NotShown { finding: *finding, why: by_hand(edit, &why) }),
                );
            }
        }
    }
    not_shown.sort_by(|one, other| (one.finding, &one.why).cmp(&(other.finding, &other.why)));
    not_shown.dedup();
    (patched, not_shown)
}

/// What is to be done by hand, and why.
fn by_hand(edit: &Edit, why: &str) -> String {
    match &edit.value {
        Some(value) => format!("{why}; set {} to {value}", edit.pointer),
        None => format!("{why}; remove {}", edit.pointer),
    }
}
