//! One rule's run: which kinds it declares, what it was shown, and what is left of its work.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;

use crate::engine::guest_fault::GuestFault;
use crate::engine::host::MOST_WHY;
use crate::engine::text;
use crate::findings::finding::RuleInfo;
use crate::inventory::reason::Gathered;
use crate::inventory::{Cause, FieldValue, Found, Inventory, ItemId, Unknown, Wording};
use crate::schema::pattern::kind_matches;

const MOST_KIND: usize = 200;
/// Bytes copied that count as one unit of work.
pub(super) const BYTES_A_UNIT: usize = 64;
/// How many kinds are remembered: so many are looked through faster than a kind is compared.
const MOST_NEEDS: usize = 16;
/// How many refusals are remembered.
const MOST_REASONS: usize = 1_000;

/// The inventory as one rule holds it: each call takes hold of it, and if all rules counted at one place, their threads would wait for
/// each other there.
pub(in crate::engine) struct Shared(Arc<Inventory>);

impl Deref for Shared {
    type Target = Inventory;

    fn deref(&self) -> &Inventory {
        &self.0
    }
}

/// One rule's run.
pub(super) struct CurrentRule {
    pub(super) inventory: Rc<Shared>,
    subjects: Vec<String>,
    reads: Vec<String>,
    optional: Vec<String>,
    pub(super) settings: BTreeMap<String, serde_json::Value>,
    /// The subject: calls that name no item are answered within its scope.
    pub(super) subject: ItemId,
    /// Which kinds of items the rule declares, as far as it met them.
    needs: Vec<(Arc<str>, Option<Need>)>,
    /// Items that the rule has been given, one bit each.
    shown: Vec<u64>,
    /// Items of other kinds that a decision named: they may be shown in a finding, not read.
    pub(super) named: HashSet<u32>,
    /// The work that is left for this subject.
    pub(super) work: u64,
    /// The work that was done for all subjects.
    pub(super) spent: u64,
    /// How often it asked for what, of this subject: a dozen functions at most.
    pub(super) calls: Vec<(&'static str, u64)>,
    /// Refusals and failures, each with how much the rule needs the kind that met it.
    pub(super) refusals: HashMap<(Cause, String), Need>,
    /// Is it charged for indexes? A rule is, once, and not once for each part of its subjects.
    pub(super) pays: bool,
    /// The indexes of peers that it was charged for: kind and pattern.
    pub(super) indexes: HashSet<(String, String)>,
    /// The indexes of referrers that it was charged for: the first item of the scope, and the kind.
    pub(super) referrers: HashSet<(ItemId, String)>,
    pub(super) wording: Wording,
}

/// How much a rule needs a kind.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Need {
    /// It is in `reads-if-allowed` only.
    Optional,
    /// It is in `subjects` or `reads`.
    Required,
}

impl CurrentRule {
    pub(super) fn new(
        inventory: &Arc<Inventory>,
        rule: &RuleInfo,
        settings: &BTreeMap<String, serde_json::Value>,
        work: u64,
        wording: Wording,
    ) -> Self {
        let mut all: BTreeMap<String, serde_json::Value> =
            rule.settings.iter().map(|(name, _, default)| (name.clone(), default.clone())).collect();
        for (name, value) in settings {
            if let Some(default) = all.get_mut(name) {
                *default = value.clone();
            }
        }
        Self {
            inventory: Rc::new(Shared(Arc::clone(inventory))),
            subjects: rule.subjects.clone(),
            reads: rule.reads.clone(),
            optional: rule.reads_if_allowed.clone(),
            settings: all,
            subject: ItemId(0),
            needs: vec![],
            shown: vec![0; inventory.items().count() / 64 + 1],
            named: HashSet::new(),
            work,
            spent: 0,
            calls: vec![],
            refusals: HashMap::new(),
            pays: true,
            indexes: HashSet::new(),
            referrers: HashSet::new(),
            wording,
        }
    }

    /// Starts a new subject, which may take so much work.
    pub(super) fn begin(&mut self, subject: ItemId, work: u64) {
        self.work = work;
        self.calls.clear();
        self.subject = subject;
        self.show(subject);
    }

    pub(super) fn declared(&self) -> impl Iterator<Item = &String> {
        self.subjects.iter().chain(&self.reads).chain(&self.optional)
    }

    fn need(&self, kind: &str) -> Option<Need> {
        let among = |kinds: &[String]| kinds.iter().any(|declared| kind_matches(declared, kind));
        if among(&self.subjects) || among(&self.reads) {
            Some(Need::Required)
        } else {
            among(&self.optional).then_some(Need::Optional)
        }
    }

    pub(super) fn need_of_asked(&self, kind: &str) -> Result<Need, GuestFault> {
        short(kind, MOST_KIND)?;
        self.need(kind).ok_or_else(|| {
            GuestFault::Mistake(format!("it asks for {}, a kind that it does not declare", text::line(kind, MOST_KIND)))
        })
    }

    pub(super) fn need_of_item(&mut self, id: ItemId) -> Option<Need> {
        let kind = &self.inventory.item(id)?.kind;
        // A rule reads a few kinds, and mostly the one that it read before.
        if let Some((_, need)) = self.needs.iter().find(|(known, _)| Arc::ptr_eq(known, kind)) {
            return *need;
        }
        let need = self.need(kind);
        if self.needs.len() < MOST_NEEDS {
            self.needs.push((Arc::clone(kind), need));
        }
        need
    }

    pub(super) fn show(&mut self, id: ItemId) {
        if let Some(word) = self.shown.get_mut(id.0 as usize / 64) {
            *word |= 1 << (id.0 % 64);
        }
    }

    pub(super) fn is_shown(&self, item: u32) -> bool {
        item != 0 && self.shown.get(item as usize / 64).is_some_and(|word| word >> (item % 64) & 1 == 1)
    }

    pub(super) fn readable(&self, item: u32) -> Result<ItemId, GuestFault> {
        if self.is_shown(item) { Ok(ItemId(item)) } else { Err(never_shown(item)) }
    }

    pub(super) fn charge(&mut self, work: u64) -> Result<(), GuestFault> {
        match self.work.checked_sub(work) {
            Some(left) => {
                self.work = left;
                self.spent += work;
                Ok(())
            }
            None => Err(self.exhausted()),
        }
    }

    pub(super) fn exhausted(&mut self) -> GuestFault {
        self.spent += self.work;
        self.work = 0;
        GuestFault::Limit("it asks the inventory for more work than one subject may cost".into())
    }

    /// Charges the bytes of a value, and fails where they are more than one call may return. Returns their number.
    pub(super) fn hand_over(&mut self, value: &mut FieldValue<'_>, most: usize) -> Result<usize, GuestFault> {
        let bytes = match value {
            FieldValue::Text(text) => text.len(),
            FieldValue::Json(json) => json.len(),
            FieldValue::Unknown(unknown) => {
                self.hand_out(unknown, None);
                unknown.reason.to_string().len()
            }
            FieldValue::Absent | FieldValue::Number(_) | FieldValue::Flag(_) => 0,
        };
        if bytes > most {
            return Err(too_much(bytes, most));
        }
        if bytes >= BYTES_A_UNIT {
            self.charge((bytes / BYTES_A_UNIT) as u64)?;
        }
        Ok(bytes)
    }

    /// Lets the rule read an item of a declared kind; any other becomes unknown.
    pub(super) fn admit(&mut self, found: &mut Found, asked: Option<Need>) {
        match found {
            Found::Known(id) => {
                let id = *id;
                if self.need_of_item(id).is_some() {
                    self.show(id);
                } else if let Some(item) = self.inventory.item(id) {
                    // Nothing that is given would tell: it is the rule's author who has to name the kind.
                    *found = Found::Unknown(Unknown::new(
                        Cause::Undecidable,
                        Gathered::Undeclared { kind: Arc::clone(&item.kind) },
                    ));
                }
            }
            Found::Unknown(unknown) => self.hand_out(unknown, asked),
            Found::Absent(_) => {}
        }
    }

    /// A reason as the rule gets it: with its place if the rule may see that. Refusals are remembered.
    pub(super) fn hand_out(&mut self, unknown: &mut Unknown, asked: Option<Need>) {
        if let Some((id, _)) = unknown.place {
            if self.need_of_item(id).is_some() {
                self.show(id);
            } else {
                unknown.place = None;
            }
        }
        if unknown.reason.cause.is_unanswered() {
            let need = asked.unwrap_or(Need::Required);
            let reason = bare(unknown.reason.cause, &self.wording.of(unknown.reason.to_string()));
            if let Some(known) = self.refusals.get_mut(&reason) {
                *known = need.max(*known);
            } else if self.refusals.len() < MOST_REASONS {
                self.refusals.insert(reason, need);
            }
        }
    }
}

/// A reason as a verdict gives it back, whether or not the guest keeps its code.
pub(super) fn bare(cause: Cause, why: &str) -> (Cause, String) {
    (cause, text::line(why, MOST_WHY))
}

/// The first segments of a pattern that is too long, for a message.
pub(super) fn short(text: &str, most: usize) -> Result<(), GuestFault> {
    if text.len() > most {
        let (bytes, beginning) = (text.len(), text::line(text, 60));
        return Err(GuestFault::Mistake(format!(
            "it asks for {beginning:?}, a name of {bytes} bytes; {most} are allowed"
        )));
    }
    Ok(())
}

pub(super) fn never_shown(item: u32) -> GuestFault {
    GuestFault::Mistake(format!("it names item {item}, which it was never shown"))
}

pub(super) fn too_much(bytes: usize, most: usize) -> GuestFault {
    GuestFault::Limit(format!("it asks for {bytes} bytes at once; {most} are allowed"))
}
