//! What is not in the inventory: why items may be missing, and which AWS says do not exist.

use crate::inventory::answer::Unknown;
use crate::inventory::cluster::Listing;
use crate::inventory::id::ItemId;
use crate::inventory::item::Item;
use crate::inventory::lookup::{LookupRecord, LookupResult};
use crate::inventory::node::{Node, Value};
use crate::inventory::reason::{Cause, Gathered, Reason};
use crate::inventory::scope::Scope;
use crate::inventory::text::Text;
use crate::schema::kinds;
use crate::schema::pattern::kind_matches;

impl LookupRecord {
    /// `queue prod in 111122223333, eu-west-1`, as a sentence goes on.
    fn place(&self) -> String {
        let place: Vec<&str> = [&self.account, &self.region].into_iter().flatten().map(String::as_str).collect();
        if place.is_empty() { String::new() } else { format!(" in {}", place.join(", ")) }
    }

    /// May this be about where an item lives? Not if either is certainly elsewhere.
    fn may_concern(&self, inventory: &Scope, item: &Item) -> bool {
        let fits = |fact: &str, asked: &Option<String>| match (inventory.home(item, fact).and_then(Node::as_str), asked)
        {
            (Some(own), Some(asked)) => own == asked,
            _ => true,
        };
        fits("account", &self.account) && fits("region", &self.region)
    }

    /// Is it about where an item lives, both being known?
    fn concerns(&self, item: &Item) -> bool {
        let Some(aws) = item.aws.as_deref() else { return false };
        let known =
            |own: &Option<Node>, asked: &Option<String>| own.as_ref().and_then(Node::as_str) == asked.as_deref();
        known(&aws.account, &self.account) && known(&aws.region, &self.region) && self.account.is_some()
    }
}

impl Scope {
    /// Why some items of a kind may be missing.
    pub fn missing(&self, kind: &str) -> Option<Unknown> {
        let known = self.missing.lock().ok().and_then(|known| known.get(kind).cloned());
        known.unwrap_or_else(|| {
            let missing = self.lacks(kind);
            if let Ok(mut known) = self.missing.lock() {
                known.insert(kind.to_owned(), missing.clone());
            }
            missing
        })
    }

    fn lacks(&self, kind: &str) -> Option<Unknown> {
        let gathered = crate::schema::kinds::gathered_for(kind);
        let partial = self.clusters.iter().flat_map(|cluster| {
            cluster.listed.iter().filter_map(|(listed, listing)| match listing {
                Listing::Partial(reason)
                    if listed == kind || gathered.iter().any(|wanted| kind_matches(wanted, listed)) =>
                {
                    Some(reason.clone())
                }
                _ => None,
            })
        });
        // A refusal outweighs a failure: it is what somebody can change.
        if let Some(reason) = partial.min_by_key(|reason| reason.cause) {
            return Some(Unknown { reason, place: None });
        }
        if let Some(reason) = self.untold(kind) {
            return Some(Unknown { reason: reason.clone(), place: None });
        }
        (self.clusters.is_empty() || !crate::schema::kinds::listable(kind))
            .then(|| Unknown::new(Cause::NotProvided, Gathered::MayBeMore { kind: kind.into() }))
    }

    /// What an item's reference names and AWS says does not exist, in words.
    pub(crate) fn nonexistent(&self, kinds: &[&str], text: &Text, from: &Item) -> Option<String> {
        let text = text.known()?;
        let arn: Vec<&str> = text.splitn(6, ':').collect();
        let told = self.told.iter().filter(|told| kinds.contains(&&*told.kind));
        told.into_iter().find_map(|told| {
            let noun = crate::schema::aws::noun(&told.kind);
            let missing = match &told.word {
                LookupResult::NotFound(name) if name == text => told.may_concern(self, from) || arn.len() == 6,
                // The name that was asked for and the ARN that is written, or the other way round.
                LookupResult::NotFound(name) => {
                    match (arn.as_slice(), name.splitn(6, ':').collect::<Vec<_>>().as_slice()) {
                        ([_, _, _, region, account, id], [_]) => {
                            let fits = |part: &str, asked: &Option<String>| asked.as_deref() == Some(part);
                            (id == name || id.rsplit('/').next() == Some(name))
                                && (region.is_empty() || fits(region, &told.region))
                                && fits(account, &told.account)
                        }
                        ([_], [_, _, _, _, _, id]) => {
                            (*id == text || id.rsplit('/').next() == Some(text)) && told.may_concern(self, from)
                        }
                        _ => false,
                    }
                }
                // A list of all aliases lacks it.
                LookupResult::Complete => {
                    arn.len() < 6
                        && text.starts_with("alias/")
                        && &*told.kind == "AWS::KMS::Alias"
                        && told.concerns(from)
                }
                // A list of another account or region says nothing of this one. Roles are the account's, in all regions.
                LookupResult::Only(names) => {
                    let regional = !told.kind.starts_with("AWS::IAM::");
                    let (region, account, name) = match arn.as_slice() {
                        [_, _, _, region, account, name] => (Some(*region), Some(*account), *name),
                        _ => {
                            let (region, account) = self.looks_in(from);
                            (region, account, text)
                        }
                    };
                    let name = if regional { name } else { name.rsplit('/').next().unwrap_or(name) };
                    !names.contains(name)
                        && (!regional || (region.is_some() && region == told.region.as_deref()))
                        && account.is_some()
                        && account == told.account.as_deref()
                }
                LookupResult::CompleteFor(_) | LookupResult::Unavailable(_) => false,
            };
            missing.then(|| format!("{noun} {text}{}", told.place()))
        })
    }

    /// The region and account in which an item looks for what it names by name alone, as far as they are known: where it
    /// lives, or those that it says itself. A controller looks in the account of its role.
    fn looks_in<'a>(&'a self, item: &'a Item) -> (Option<&'a str>, Option<&'a str>) {
        let home = |fact: &str| self.home(item, fact).and_then(Node::as_str);
        if &*item.kind != kinds::CONTROLLER {
            return (home("region"), home("account"));
        }
        let said = |field: &str| item.body.str_at(&[field]).filter(|text| !text.is_empty());
        let account = said("Role").and_then(|role| role.split(':').nth(4)).filter(|account| !account.is_empty());
        (said("Region").or_else(|| home("region")), account.or_else(|| home("account")))
    }

    /// Why some items of a kind that refer to this one may be missing.
    pub fn missing_referrers(&self, kind: &str, id: ItemId) -> Option<Unknown> {
        let unknown = self.missing(kind)?;
        let Some(item) = self.item(id) else { return Some(unknown) };
        let arn = item.aws.as_deref().and_then(|aws| aws.arn.as_ref()).and_then(Node::as_str);
        let about = |told: &&LookupRecord| *told.kind == *kind;
        let whole = self.told.iter().filter(about).any(|told| match &told.word {
            LookupResult::CompleteFor(of) => Some(of.as_str()) == arn,
            LookupResult::Complete => told.concerns(item) && self.all_say_to_whom(kind),
            LookupResult::NotFound(_) | LookupResult::Only(_) | LookupResult::Unavailable(_) => false,
        });
        if whole {
            return None;
        }
        let untold = self.told.iter().filter(about).find_map(|told| match &told.word {
            LookupResult::Unavailable(reason) if told.may_concern(self, item) => Some(reason.clone()),
            _ => None,
        });
        Some(untold.map_or(unknown, |reason| Unknown { reason, place: None }))
    }

    /// Do all rules of EventBridge that were read say whom they send to?
    fn all_say_to_whom(&self, kind: &str) -> bool {
        self.of_kind(kind)
            .into_iter()
            .filter_map(|id| self.item(id))
            .all(|item| item.body.member("Targets").is_none_or(|targets| !matches!(targets.value, Value::Unknown(_))))
    }

    /// Why which items of a kind there are was not told by AWS, if it was asked and refused or failed.
    pub(crate) fn untold(&self, kind: &str) -> Option<&Reason> {
        self.told.iter().filter(|told| *told.kind == *kind).find_map(|told| match &told.word {
            LookupResult::Unavailable(reason) if reason.cause.is_unanswered() => Some(reason),
            _ => None,
        })
    }
}
