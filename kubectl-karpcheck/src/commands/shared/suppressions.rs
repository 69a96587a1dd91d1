//! Which findings of a run are accepted, and what there is to say of what accepts them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::commands::shared::error::CommandError;
use crate::commands::shared::item_names::label;
use crate::commands::shared::known_findings::KnownFindings;
use crate::commands::shared::rule_selection::{Packs, unknown_rule};
use crate::config::{SuppressionSettings, values};
use crate::findings::finding::{CheckResults, Finding, Suppressed};
use crate::findings::suppression::{
    ANNOTATION, Directive, DirectiveFault, Suppression, SuppressionSource, is_like_annotation,
};
use crate::inventory::problem::SuppressionProblem;
use crate::inventory::{At, Inventory, ItemId, Origin, Problem};
use crate::schema::pattern::glob;

/// What accepts findings, in one place.
struct Entry {
    rules: Vec<String>,
    by: Suppression,
    about: About,
    /// Where it stands, if that is a document of the run.
    at: Option<At>,
    /// The rules that it was of use for.
    used: BTreeSet<usize>,
}

/// Which findings of its rules.
enum About {
    /// Those with a place on a line: of the field itself or of what it is in.
    Line(String, u32),
    /// Those of an object.
    Object(ItemId, At),
    /// Those that the configuration chooses.
    Chosen { path: Option<Gitignore>, literal: Option<PathBuf>, resource: Option<String>, scope: Option<String> },
}

/// How findings are accepted in a run.
pub struct Acceptance<'a> {
    /// The packs, whose rules can be named, with the configuration.
    pub packs: &'a Packs,
    /// Does nothing count but a baseline (`--no-suppressions`)?
    pub audit: bool,
    /// Were scopes left out, so that what finds nothing may be about these?
    pub in_part: bool,
}

impl Acceptance<'_> {
    /// Takes out of the results what is accepted. What accepts nothing any more, or cannot be read, becomes a note.
    ///
    /// # Errors
    /// The configuration names a rule that no pack has.
    pub fn apply(&self, inventory: &Inventory, results: &mut CheckResults) -> Result<(), CommandError> {
        if self.audit {
            return Ok(());
        }
        let today = jiff::Timestamp::now().to_string();
        let today = today.get(..10).unwrap_or_default();
        let (mut entries, mut notes) = (vec![], vec![]);
        self.comments(inventory, &mut entries, &mut notes);
        self.annotations(inventory, &mut entries, &mut notes);
        self.configured(&mut entries)?;
        if entries.is_empty() {
            results.notes.extend(notes);
            return Ok(());
        }
        let (mut entries, expired): (Vec<Entry>, Vec<Entry>) =
            entries.into_iter().partition(|entry| entry.by.expires.as_deref().is_none_or(|last| today <= last));
        for entry in expired {
            let (before, day) = (entry.before(), entry.by.expires.as_deref().unwrap_or_default().into());
            let expired = SuppressionProblem::Expired { before, rule: entry.rules.join(", ").into(), day };
            notes.push(Problem::new(expired, entry.at));
        }
        let mut places = Places { inventory, files: HashMap::new() };
        let mut kept = vec![];
        for finding in std::mem::take(&mut results.findings) {
            let lines = places.lines(&finding);
            let by = entries.iter_mut().find_map(|entry| {
                let rule = entry.rules.iter().position(|rule| is_meant(rule, &finding.rule))?;
                let fits = entry.fits(&finding, &lines, &mut places);
                fits.then(|| {
                    entry.used.insert(rule);
                    entry.by.clone()
                })
            });
            match by {
                Some(by) => results.suppressed.push(Suppressed { finding, by }),
                None => kept.push(finding),
            }
        }
        results.findings = kept;
        for entry in &entries {
            for (_, rule) in entry.rules.iter().enumerate().filter(|(number, _)| !entry.used.contains(number)) {
                if !self.in_part && judged(results, rule) && entry.is_here(&mut places) {
                    let (before, named) = (entry.before(), rule.as_str().into());
                    let unused = match entry.nearest(rule, &results.findings, inventory) {
                        Some(line) => SuppressionProblem::Elsewhere { before, rule: named, line },
                        None => SuppressionProblem::Unused { before, rule: named },
                    };
                    notes.push(Problem::new(unused, entry.at));
                }
            }
        }
        results.notes.extend(notes);
        Ok(())
    }

    fn comments(&self, inventory: &Inventory, entries: &mut Vec<Entry>, notes: &mut Vec<Problem>) {
        // A file may be read as itself and as a part of something.
        let mut seen = BTreeSet::new();
        for remark in inventory.remarks() {
            let Origin::File(path) = &inventory.document(remark.at.doc).origin else { continue };
            let file = inventory.repository().place(path);
            if seen.insert((file.clone(), remark.at.line)) {
                let place = format!("{file}:{}:{}", remark.at.line, remark.at.column);
                let about = About::Line(file, remark.line);
                let source = SuppressionSource::Comment;
                let entry = if remark.misspelt {
                    Err(SuppressionProblem::Malformed {
                        before: "".into(),
                        why: DirectiveFault::Misspelt.to_string().into(),
                    })
                } else {
                    self.directive(&remark.text, source, place, about, remark.at)
                };
                match entry {
                    Ok(entry) => entries.push(entry),
                    Err(problem) => notes.push(Problem::new(problem, Some(remark.at))),
                }
            }
        }
    }

    fn annotations(&self, inventory: &Inventory, entries: &mut Vec<Entry>, notes: &mut Vec<Problem>) {
        let mut seen = BTreeSet::new();
        for (id, item) in inventory.items() {
            let Some(annotations) = item.body.at_path(&["metadata", "annotations"]) else { continue };
            for (name, node) in annotations.as_map().into_iter().flat_map(|map| &map.entries) {
                if name.known().is_some_and(is_like_annotation) && seen.insert((node.at, name.to_string())) {
                    let why = DirectiveFault::MisspeltAnnotation.to_string().into();
                    notes.push(Problem::new(SuppressionProblem::Malformed { before: "".into(), why }, Some(node.at)));
                }
            }
            let Some(node) = annotations.member(ANNOTATION) else { continue };
            let Some(text) = node.as_str() else { continue };
            let origin = match &inventory.document(node.at.doc).origin {
                Origin::File(path) => inventory.repository().place(path),
                origin => origin.to_string(),
            };
            let place =
                if node.at.line == 0 { origin } else { format!("{origin}:{}:{}", node.at.line, node.at.column) };
            for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
                let about = About::Object(id, item.at());
                match self.directive(line, SuppressionSource::Annotation, place.clone(), about, node.at) {
                    Ok(entry) => entries.push(entry),
                    // An item of several scopes is there several times.
                    Err(problem) if seen.insert((node.at, line.to_owned())) => {
                        notes.push(Problem::new(problem, Some(node.at)));
                    }
                    Err(_) => {}
                }
            }
        }
    }

    fn directive(
        &self,
        text: &str,
        source: SuppressionSource,
        place: String,
        about: About,
        at: At,
    ) -> Result<Entry, SuppressionProblem> {
        let before: Arc<str> = "".into();
        let Directive { rules, reason, owner, expires } = Directive::parse(text).map_err(|fault| {
            SuppressionProblem::Malformed { before: Arc::clone(&before), why: fault.to_string().into() }
        })?;
        if let Some(word) = expires.as_ref().filter(|word| values::date(word).is_err()) {
            return Err(SuppressionProblem::NoDay { before, word: word.as_str().into() });
        }
        if let Some(unknown) = rules.iter().find_map(|rule| self.unknown(rule)) {
            return Err(SuppressionProblem::NoRule { before, unknown: unknown.into() });
        }
        let by = Suppression { source, place, reason, owner, expires };
        Ok(Entry { rules, by, about, at: Some(at), used: BTreeSet::new() })
    }

    /// Why there is no such rule. One of a pack that is not of this run may be there all the same.
    fn unknown(&self, rule: &str) -> Option<String> {
        let all = || self.packs.packs.iter().flat_map(|pack| pack.rules());
        let of_others =
            rule.rsplit_once('/').is_some_and(|(name, _)| !self.packs.packs.iter().any(|pack| pack.name() == name));
        (!of_others && !all().any(|known| known.is_meant_by(rule)))
            .then(|| unknown_rule(rule, all().map(|known| known.id.as_str())))
    }

    fn configured(&self, entries: &mut Vec<Entry>) -> Result<(), CommandError> {
        let Some(config) = &self.packs.config else { return Ok(()) };
        for (number, of) in config.settings.suppressions.iter().enumerate() {
            let SuppressionSettings { rule, reason, owner, expires, path, resource, scope } = of;
            let place = config.place(&format!("suppressions/{number}"));
            if let Some(unknown) = self.unknown(rule) {
                return Err(CommandError::Usage(format!("{place}: {unknown}")));
            }
            let literal = path.as_ref().filter(|path| !path.contains(['*', '?', '[', '!']));
            let literal = literal.map(|path| config.folder().join(path.trim_start_matches('/')));
            entries.push(Entry {
                rules: vec![rule.clone()],
                by: Suppression {
                    source: SuppressionSource::Config,
                    place,
                    reason: reason.clone(),
                    owner: owner.clone(),
                    expires: expires.clone(),
                },
                about: About::Chosen {
                    path: path.as_ref().map(|path| {
                        let mut builder = GitignoreBuilder::new(config.folder());
                        // It was read as a glob when the configuration was.
                        let _ = builder.add_line(None, path);
                        builder.build().unwrap_or_else(|_| Gitignore::empty())
                    }),
                    literal,
                    resource: resource.clone(),
                    scope: scope.clone(),
                },
                at: None,
                used: BTreeSet::new(),
            });
        }
        Ok(())
    }
}

impl Entry {
    /// What stands before a sentence about it: its place, where that is in no document.
    fn before(&self) -> Arc<str> {
        if self.at.is_some() { "".into() } else { format!("{}: ", self.by.place).into() }
    }

    fn fits(&self, finding: &Finding, lines: &BTreeSet<(String, u32)>, places: &mut Places<'_>) -> bool {
        match &self.about {
            About::Line(file, line) => lines.contains(&(file.clone(), *line)),
            About::Object(id, at) => {
                finding.subject == *id
                    || places.inventory.item(finding.subject).is_some_and(|item| {
                        (item.at() == *at && at.line > 0)
                            || (at.line == 0 && item.at().doc == at.doc)
                            || item.same.contains(id)
                    })
            }
            About::Chosen { path, resource, scope, literal: _ } => {
                let called = || called(places.inventory, finding.subject);
                resource.as_ref().is_none_or(|pattern| called().iter().any(|name| glob(pattern, name)))
                    && scope.as_ref().is_none_or(|pattern| finding.scopes.iter().any(|scope| glob(pattern, scope)))
                    && path
                        .as_ref()
                        .is_none_or(|globs| places.files_of(finding).iter().any(|file| matches(globs, file)))
            }
        }
    }

    /// The line of the nearest finding of a rule in the file of a comment.
    fn nearest(&self, rule: &str, findings: &[Finding], inventory: &Inventory) -> Option<u32> {
        let About::Line(file, own) = &self.about else { return None };
        let places = findings.iter().filter(|finding| is_meant(rule, &finding.rule));
        let places = places.filter_map(|finding| inventory.place(finding.subject, &finding.pointer));
        let is_there = |at: &At| match &inventory.document(at.doc).origin {
            Origin::File(path) => at.line > 0 && inventory.repository().place(path) == *file,
            _ => false,
        };
        places.filter(is_there).map(|at| at.line).min_by_key(|line| line.abs_diff(*own))
    }

    /// Is what it is about among what was read? What the configuration accepts elsewhere is of no concern to this run; a file
    /// that is gone is.
    fn is_here(&self, places: &mut Places<'_>) -> bool {
        let About::Chosen { path, literal, resource, scope } = &self.about else { return true };
        let inventory = places.inventory;
        let gone = literal.as_ref().is_some_and(|file| !file.exists());
        gone || ((path.as_ref().is_none_or(|globs| {
            inventory.items().any(|(_, item)| places.file(item.at()).is_some_and(|file| matches(globs, &file)))
        })) && resource.as_ref().is_none_or(|pattern| {
            inventory.items().any(|(id, _)| called(inventory, id).iter().any(|name| glob(pattern, name)))
        }) && scope
            .as_ref()
            .is_none_or(|pattern| inventory.scopes().iter().any(|scope| glob(pattern, scope.name()))))
    }
}

fn matches(globs: &Gitignore, file: &Path) -> bool {
    file.starts_with(globs.path()) && globs.matched_path_or_any_parents(file, false).is_ignore()
}

/// `Kind/name`, `Kind/namespace/name`, `name`.
fn called(inventory: &Inventory, id: ItemId) -> Vec<String> {
    let Some(item) = inventory.item(id) else { return vec![] };
    let kind = item.kind.rsplit(['/', ':']).next().unwrap_or_default();
    let long = item.namespace.as_deref().map(|namespace| format!("{kind}/{namespace}/{}", item.name));
    [Some(label(inventory, id)), long, Some(item.name.to_string())].into_iter().flatten().collect()
}

/// Is a rule, by the name that it is reported under, meant by this name?
fn is_meant(written: &str, reported: &str) -> bool {
    let written = written.strip_prefix("builtin/").unwrap_or(written);
    written == reported || reported.rsplit_once('/').is_some_and(|(_, id)| id == written)
}

/// Did a rule judge all that it had to?
fn judged(results: &CheckResults, rule: &str) -> bool {
    results.coverage.iter().any(|coverage| is_meant(rule, &coverage.rule) && coverage.skipped.is_none())
}

/// Where findings are.
struct Places<'a> {
    inventory: &'a Inventory,
    /// Files by their path as it was named, from the root of the file system.
    files: HashMap<String, Option<PathBuf>>,
}

impl Places<'_> {
    /// The lines of a finding: of its field, and of each thing that this is in, in every source that has it.
    fn lines(&self, finding: &Finding) -> BTreeSet<(String, u32)> {
        let inventory = self.inventory;
        let ends = finding.pointer.match_indices('/').map(|(at, _)| at).chain([finding.pointer.len()]);
        let mut lines = BTreeSet::new();
        for pointer in ends.map(|end| &finding.pointer[..end]) {
            let own = inventory.place(finding.subject, pointer);
            let views = inventory.views(finding.subject, pointer).unwrap_or_default().into_iter().map(|view| view.at);
            for at in own.into_iter().chain(views).filter(|at| at.line > 0) {
                if let Origin::File(path) = &inventory.document(at.doc).origin {
                    lines.insert((inventory.repository().place(path), at.line));
                }
            }
        }
        lines
    }

    fn files_of(&mut self, finding: &Finding) -> Vec<PathBuf> {
        let inventory = self.inventory;
        let places = [inventory.place(finding.subject, ""), inventory.place(finding.subject, &finding.pointer)];
        places.into_iter().flatten().filter_map(|at| self.file(at)).collect()
    }

    fn file(&mut self, at: At) -> Option<PathBuf> {
        let Origin::File(path) = &self.inventory.document(at.doc).origin else { return None };
        let known = self.files.entry(path.to_string());
        known.or_insert_with(|| std::fs::canonicalize(&**path).ok()).clone()
    }
}

/// Takes out of the results what a baseline has, and says how much of it is gone.
pub fn accept_known(known: &KnownFindings, file: &Path, results: &mut CheckResults) {
    let mut left: BTreeMap<&str, ()> = known.fingerprints().map(|print| (print, ())).collect();
    for finding in results.findings.iter().chain(results.suppressed.iter().map(|suppressed| &suppressed.finding)) {
        left.remove(&*finding.fingerprint);
    }
    let gone = left.len();
    let shown = file.display().to_string();
    let (accepted, new): (Vec<Finding>, Vec<Finding>) =
        std::mem::take(&mut results.findings).into_iter().partition(|finding| known.accepts(finding));
    results.findings = new;
    results.suppressed.extend(accepted.into_iter().map(|finding| Suppressed {
        finding,
        by: Suppression {
            source: SuppressionSource::Baseline,
            place: shown.clone(),
            reason: "known before".to_owned(),
            owner: None,
            expires: None,
        },
    }));
    if gone > 0 {
        results.notes.push(Problem::new(SuppressionProblem::Gone { count: gone, file: shown.into() }, None));
    }
}
