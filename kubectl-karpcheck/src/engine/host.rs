//! Answers a guest's calls from the inventory, as far as the rule declares its kinds.
//!
//! All input is hostile. A mistake or an exceeded limit is a [`GuestFault`], which ends the rule's run.

mod current_rule;

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::guest_fault::GuestFault;
use crate::engine::limiter::Limiter;
use crate::engine::limits::Limits;
use crate::engine::text;
use crate::findings::finding::RuleInfo;
use crate::iam;
use crate::inventory::Wording;
use crate::inventory::answer::Answered;
use crate::inventory::pointer;
use crate::inventory::{Field, FieldValue, Found, Inventory, ItemId, Link, Reason, Unknown, Value};

use current_rule::{BYTES_A_UNIT, CurrentRule, Need, Shared, bare, never_shown, short, too_much};

/// Bytes of a pointer. Label keys have up to 317 characters, and nest.
const MOST_POINTER: usize = 8 << 10;
/// Bytes of a pattern of `*` and `?`, or of `find`.
const MOST_PATTERN: usize = 2 << 10;
/// Bytes of a reason.
pub(super) const MOST_WHY: usize = 2_000;
/// Fields by which a rule may ask for peers: each is an index over all items of a kind.
const MOST_INDEXES: usize = 32;
/// Work of a call itself, as much as visiting so many nodes: one that finds nothing is not free.
const CALL: u64 = 8;
/// Functions that a message about spent limits names.
const MOST_CALLS: usize = 3;

/// A store's data.
pub(super) struct Host {
    pub(super) limits: Arc<Limits>,
    /// The wall time of the rule: its limit, or what is left of the run's.
    pub(super) wall: Duration,
    pub(super) limiter: Limiter,
    /// Parsed policies of the inventory, shared by all rules.
    pub(super) policies: Arc<iam::Cache>,
    /// None while the pack lists its rules: then it may only log.
    run: Option<CurrentRule>,
    /// The work that is left for listing the rules.
    describing: u64,
    log: VecDeque<String>,
    /// Records what the rule asks, for `why`.
    pub(super) recorder: Option<super::Recorder>,
}

impl Host {
    /// For the listing of rules.
    pub(super) fn describing(limits: &Arc<Limits>) -> Self {
        Self {
            limits: Arc::clone(limits),
            wall: limits.wall,
            limiter: Limiter::new(limits),
            policies: Arc::default(),
            run: None,
            describing: limits.host_work,
            log: VecDeque::new(),
            recorder: None,
        }
    }

    /// For one rule's run.
    pub(super) fn judging(
        limits: &Arc<Limits>,
        inventory: &Arc<Inventory>,
        policies: &Arc<iam::Cache>,
        rule: &RuleInfo,
        settings: &BTreeMap<String, serde_json::Value>,
        wording: Wording,
    ) -> Self {
        let run = CurrentRule::new(inventory, rule, settings, limits.host_work, wording);
        Self { run: Some(run), policies: Arc::clone(policies), ..Self::describing(limits) }
    }

    /// The rule pays for indexes in another part of its run.
    pub(super) fn indexes_are_paid(&mut self) {
        if let Some(run) = &mut self.run {
            run.pays = false;
        }
    }

    /// Starts a new subject: the rule may read it, and has its full work again.
    pub(super) fn begin(&mut self, subject: ItemId) {
        if let Some(recorder) = &self.recorder {
            recorder.begin(subject);
        }
        if let Some(run) = &mut self.run {
            run.begin(subject, self.limits.host_work);
        }
    }

    /// The work that was done for the rule so far.
    pub(super) fn spent(&self) -> u64 {
        self.run.as_ref().map_or(0, |run| run.spent)
    }

    /// Counts a call of the guest's, and charges it with the bytes that it passes: copying them is work, too, and fuel sees one
    /// instruction.
    pub(super) fn called(&mut self, call: &'static str, bytes: usize) -> Result<(), GuestFault> {
        let work = CALL + (bytes / BYTES_A_UNIT) as u64;
        match &mut self.run {
            Some(run) => {
                match run.calls.iter_mut().find(|(known, _)| *known == call) {
                    Some((_, count)) => *count += 1,
                    None => run.calls.push((call, 1)),
                }
                run.charge(work)
            }
            None => {
                let left = self.describing.checked_sub(work);
                self.describing =
                    left.ok_or_else(|| GuestFault::Limit("it logs more than it may while it lists its rules".into()))?;
                Ok(())
            }
        }
    }

    /// What the rule asked of its last subject, the most frequent first, as a sentence goes on: `decide 1200 times, get twice`.
    pub(super) fn asked(&self) -> String {
        let mut calls: Vec<_> = self.run.iter().flat_map(|run| &run.calls).collect();
        calls.sort_by_key(|(call, count)| (std::cmp::Reverse(*count), *call));
        let calls: Vec<String> =
            calls.into_iter().take(MOST_CALLS).map(|(call, count)| format!("{call} {count} times")).collect();
        calls.join(", ")
    }

    /// The last lines that the rule logged.
    pub(super) fn take_log(&mut self) -> VecDeque<String> {
        std::mem::take(&mut self.log)
    }

    /// How its sentences are worded.
    pub(super) fn wording(&self) -> Wording {
        self.run.as_ref().map(|run| run.wording).unwrap_or_default()
    }

    /// May a finding name this item?
    pub(super) fn nameable(&self, item: u32) -> Result<ItemId, GuestFault> {
        match &self.run {
            Some(run) if run.is_shown(item) || run.named.contains(&item) => Ok(ItemId(item)),
            _ => Err(never_shown(item)),
        }
    }

    /// Was evidence that the rule requires refused, or did reading it fail?
    pub(super) fn alarming(&self, reason: &Reason) -> bool {
        reason.cause.is_unanswered()
            && self.run.as_ref().and_then(|run| run.refusals.get(&bare(reason.cause, &reason.to_string())))
                != Some(&Need::Optional)
    }

    pub(super) fn select(&mut self, kind: &str) -> Result<Vec<Found>, GuestFault> {
        let (run, inventory) = self.ask()?;
        let need = run.need_of_asked(kind)?;
        let mut found = inventory.scope(run.subject).map_or_else(Vec::new, |scope| scope.select(kind));
        run.charge(found.len() as u64)?;
        for entry in &mut found {
            run.admit(entry, Some(need));
        }
        Ok(found)
    }

    pub(super) fn get<'a>(
        &mut self,
        inventory: &'a Inventory,
        item: u32,
        pointer: &str,
    ) -> Result<FieldValue<'a>, GuestFault> {
        let most = self.limits.call_bytes;
        let run = self.run.as_mut().ok_or_else(too_early)?;
        let id = run.readable(item)?;
        short(pointer, MOST_POINTER)?;
        let mut value = inventory.get(id, pointer)?;
        let work = match &value {
            FieldValue::Unknown(_) => inventory.node(id, pointer).map_or(1, crate::inventory::Node::size),
            _ => 1,
        };
        run.charge(work)?;
        run.hand_over(&mut value, most)?;
        Ok(value)
    }

    /// What each source says: its name and the value.
    pub(super) fn views<'a>(
        &mut self,
        inventory: &'a Inventory,
        item: u32,
        pointer: &str,
    ) -> Result<Vec<(&'static str, FieldValue<'a>)>, GuestFault> {
        let most = self.limits.call_bytes;
        let run = self.run.as_mut().ok_or_else(too_early)?;
        let id = run.readable(item)?;
        short(pointer, MOST_POINTER)?;
        let mut views = inventory.views(id, pointer)?;
        run.charge(views.len() as u64)?;
        for seen in &mut views {
            run.hand_over(&mut seen.value, most)?;
        }
        Ok(views.into_iter().map(|seen| (seen.source.as_str(), seen.value)).collect())
    }

    pub(super) fn matches(
        &mut self,
        item: u32,
        pointer: &str,
        pattern: &str,
    ) -> Result<crate::inventory::Ternary, GuestFault> {
        let (run, inventory) = self.ask()?;
        let id = run.readable(item)?;
        short(pointer, MOST_POINTER)?;
        short(pattern, MOST_PATTERN)?;
        run.charge(comparison((pattern.len() as u64, true), length(&inventory, id, pointer)))?;
        Ok(inventory.matches(id, pointer, pattern)?)
    }

    pub(super) fn same(
        &mut self,
        item: u32,
        pointer: &str,
        other: u32,
        other_pointer: &str,
    ) -> Result<crate::inventory::Ternary, GuestFault> {
        let (run, inventory) = self.ask()?;
        let (id, other) = (run.readable(item)?, run.readable(other)?);
        short(pointer, MOST_POINTER)?;
        short(other_pointer, MOST_POINTER)?;
        run.charge(comparison(length(&inventory, id, pointer), length(&inventory, other, other_pointer)))?;
        Ok(inventory.same(id, pointer, other, other_pointer)?)
    }

    pub(super) fn find<'a>(
        &mut self,
        inventory: &'a Inventory,
        item: u32,
        pattern: &str,
    ) -> Result<Vec<Field<'a>>, GuestFault> {
        let most = self.limits.call_bytes;
        let run = self.run.as_mut().ok_or_else(too_early)?;
        let id = run.readable(item)?;
        short(pattern, MOST_PATTERN)?;
        let (mut fields, visited) = inventory.find_within(id, pattern, run.work)?;
        run.charge(visited)?;
        let mut bytes = 0;
        for field in &mut fields {
            bytes += field.at.len() + size_of::<FieldValue<'_>>() + run.hand_over(&mut field.value, most)?;
        }
        if bytes > most {
            return Err(too_much(bytes, most));
        }
        Ok(fields)
    }

    pub(super) fn related(&mut self, item: u32, pattern: &str) -> Result<Vec<Link>, GuestFault> {
        let (run, inventory) = self.ask()?;
        let id = run.readable(item)?;
        short(pattern, MOST_PATTERN)?;
        let (mut links, visited) = inventory.related_within(id, pattern, run.work)?;
        run.charge(visited + links.len() as u64)?;
        // Another source of the same thing is no gap where the rule does not declare its kind.
        if pattern == "@same" {
            links.retain(|link| !matches!(link.item, Found::Known(id) if run.need_of_item(id).is_none()));
        }
        for link in &mut links {
            run.admit(&mut link.item, None);
        }
        Ok(links)
    }

    pub(super) fn referrers(&mut self, item: u32, kind: &str) -> Result<Vec<Link>, GuestFault> {
        let (run, inventory) = self.ask()?;
        let id = run.readable(item)?;
        let need = run.need_of_asked(kind)?;
        // One index per kind, so there are as many as there are kinds, or declared ones.
        if kind.contains('*') && !run.declared().any(|declared| declared == kind) {
            return Err(GuestFault::Mistake(format!(
                "it asks for the referrers of {kind}, a pattern that it does not declare"
            )));
        }
        let mut links = match inventory.scope(id) {
            Some(scope) if scope.of_kind(kind).is_empty() => scope
                .missing_referrers(kind, id)
                .map(|unknown| Link { item: Found::Unknown(unknown), at: String::new() })
                .into_iter()
                .collect(),
            Some(scope) => {
                let Answered { links, index, visited } = scope.referrers_within(id, kind);
                // As with peers, each rule is charged for the index once.
                if run.referrers.insert((scope.first(), kind.to_owned())) && run.pays {
                    run.charge(index)?;
                }
                run.charge(visited)?;
                links
            }
            None => vec![],
        };
        run.charge(1)?;
        for link in &mut links {
            run.admit(&mut link.item, Some(need));
        }
        Ok(links)
    }

    pub(super) fn open(&mut self, item: u32, pointer: &str) -> Result<Option<Unknown>, GuestFault> {
        let (run, inventory) = self.ask()?;
        let id = run.readable(item)?;
        short(pointer, MOST_POINTER)?;
        run.charge(1)?;
        let mut open = inventory.open(id, pointer)?;
        if let Some(unknown) = &mut open {
            run.hand_out(unknown, None);
        }
        Ok(open)
    }

    pub(super) fn peers(
        &mut self,
        item: u32,
        pointer: &str,
        kind: &str,
        pattern: &str,
    ) -> Result<Vec<Link>, GuestFault> {
        let (run, inventory) = self.ask()?;
        let id = run.readable(item)?;
        let need = run.need_of_asked(kind)?;
        short(pointer, MOST_POINTER)?;
        short(pattern, MOST_PATTERN)?;
        let index = (kind.to_owned(), pattern.to_owned());
        let known = run.indexes.contains(&index);
        if !known && run.indexes.len() >= MOST_INDEXES {
            return Err(GuestFault::Limit(format!("it asks for the peers of more than {MOST_INDEXES} fields")));
        }
        let Some(Answered { mut links, index: cost, visited }) =
            inventory.peers((id, pointer), kind, pattern, run.work)?
        else {
            return Err(run.exhausted());
        };
        // Each rule is charged for the index once, also if another rule made it, so that its limits are the same in every run.
        if !known {
            if run.pays {
                run.charge(cost)?;
            }
            run.indexes.insert(index);
        }
        run.charge(visited)?;
        for link in &mut links {
            run.admit(&mut link.item, Some(need));
        }
        Ok(links)
    }

    pub(super) fn setting(&self, name: &str) -> Result<&serde_json::Value, GuestFault> {
        let run = self.run.as_ref().ok_or_else(too_early)?;
        run.settings.get(name).ok_or_else(|| {
            GuestFault::Mistake(format!(
                "it asks for the setting {:?}, which it does not declare",
                text::line(name, 60)
            ))
        })
    }

    pub(super) fn log(&mut self, line: &str) {
        if self.limits.log_lines > 0 {
            if self.log.len() >= self.limits.log_lines {
                self.log.pop_front();
            }
            self.log.push_back(text::line(line, self.limits.note));
        }
    }

    /// The subject.
    pub(super) fn subject(&self) -> Option<ItemId> {
        self.run.as_ref().map(|run| run.subject)
    }

    /// An item that a request or a finding names, to be read.
    pub(super) fn readable(&self, item: u32) -> Result<ItemId, GuestFault> {
        self.run.as_ref().ok_or_else(too_early)?.readable(item)
    }

    /// The inventory; a mistake while the pack lists its rules.
    pub(super) fn inventory(&self) -> Result<Rc<Shared>, GuestFault> {
        self.run.as_ref().map(|run| Rc::clone(&run.inventory)).ok_or_else(too_early)
    }

    /// Lets findings name these items, which a decision named.
    pub(super) fn name(&mut self, items: impl IntoIterator<Item = ItemId>) {
        if let Some(run) = &mut self.run {
            run.named.extend(items.into_iter().map(|item| item.0));
        }
    }

    /// Charges what the host did for a guest.
    pub(super) fn charge(&mut self, work: u64) -> Result<(), GuestFault> {
        self.run.as_mut().ok_or_else(too_early)?.charge(work)
    }

    fn ask(&mut self) -> Result<(&mut CurrentRule, Rc<Shared>), GuestFault> {
        let run = self.run.as_mut().ok_or_else(too_early)?;
        let inventory = Rc::clone(&run.inventory);
        Ok((run, inventory))
    }
}

/// A text's length, from which a comparison is charged, and whether it is known as a whole.
pub(super) fn length(inventory: &Inventory, id: ItemId, pointer: &str) -> (u64, bool) {
    let Some(node) = inventory.node(id, pointer) else { return (1, true) };
    match &node.value {
        Value::Text(text) => match text.known() {
            Some(known) => (known.len() as u64, true),
            None => (text.to_string().len() as u64, false),
        },
        Value::List(_) | Value::Map(_) => (node.size() * BYTES_A_UNIT as u64, true),
        _ => (1, true),
    }
}

/// What it takes to compare two texts. Where one is known in part, each piece of one is compared with each of the other.
const fn comparison((one, known): (u64, bool), (other, other_known): (u64, bool)) -> u64 {
    let pairs = if known && other_known { one + other } else { one * other };
    1 + pairs / BYTES_A_UNIT as u64
}

/// Is it a pointer that a finding may have?
pub(super) fn well_formed(pointer: &str) -> Result<(), GuestFault> {
    short(pointer, MOST_POINTER)?;
    pointer::segments(pointer).map(drop).map_err(|malformed| {
        GuestFault::Mistake(format!("it names a place in a wrong way: {}", text::line(&malformed.to_string(), 300)))
    })
}

fn too_early() -> GuestFault {
    GuestFault::Mistake("it asks the inventory while it lists its rules".into())
}
