//! What AWS was asked and said of resources that are not in the inventory: which do not exist, and which lists are whole.

use std::sync::Arc;

use super::inventory::{Inventory, Unknown};
use super::item::{Item, ItemId};
use super::node::{Cause, Node, Reason, Value};
use super::text::Text;

/// AWS's word on a kind, in one account and region.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Told {
    /// `AWS::SQS::Queue`.
    pub kind: Arc<str>,
    /// The account that was asked; none where nobody said.
    pub account: Option<String>,
    /// The region that was asked; none where nobody said, and for services without regions.
    pub region: Option<String>,
    /// What it said.
    pub word: Word,
}

/// See [`Told`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Word {
    /// None has this name, id or ARN.
    Missing(String),
    /// All that there are, are in the inventory.
    All,
    /// All that refer to the resource with this ARN are in the inventory.
    AllFor(String),
    /// Which there are was not told.
    Untold(Reason),
}

impl Told {
    /// `queue prod in 111122223333, eu-west-1`, as a sentence goes on.
    fn place(&self) -> String {
        let place: Vec<&str> = [&self.account, &self.region].into_iter().flatten().map(String::as_str).collect();
        if place.is_empty() { String::new() } else { format!(" in {}", place.join(", ")) }
    }

    /// May this be about where an item lives? Not if either is certainly elsewhere.
    fn may_concern(&self, inventory: &Inventory, item: &Item) -> bool {
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

impl Inventory {
    /// What an item's reference names and AWS says does not exist, in words.
    pub(super) fn nonexistent(&self, kinds: &[&str], text: &Text, from: &Item) -> Option<String> {
        let text = text.known()?;
        let arn: Vec<&str> = text.splitn(6, ':').collect();
        let told = self.told.iter().filter(|told| kinds.contains(&&*told.kind));
        told.into_iter().find_map(|told| {
            let noun = super::relations::noun(&told.kind);
            let missing = match &told.word {
                Word::Missing(name) if name == text => told.may_concern(self, from) || arn.len() == 6,
                // The name that was asked for and the ARN that is written, or the other way round.
                Word::Missing(name) => match (arn.as_slice(), name.splitn(6, ':').collect::<Vec<_>>().as_slice()) {
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
                },
                // A list of all aliases lacks it.
                Word::All => {
                    arn.len() < 6
                        && text.starts_with("alias/")
                        && &*told.kind == "AWS::KMS::Alias"
                        && told.concerns(from)
                }
                Word::AllFor(_) | Word::Untold(_) => false,
            };
            missing.then(|| format!("{noun} {text}{}", told.place()))
        })
    }

    /// Why some items of a kind that refer to this one may be missing.
    pub fn missing_referrers(&self, kind: &str, id: ItemId) -> Option<Unknown> {
        let unknown = self.missing(kind)?;
        let Some(item) = self.item(id) else { return Some(unknown) };
        let arn = item.aws.as_deref().and_then(|aws| aws.arn.as_ref()).and_then(Node::as_str);
        let about = |told: &&Told| *told.kind == *kind;
        let whole = self.told.iter().filter(about).any(|told| match &told.word {
            Word::AllFor(of) => Some(of.as_str()) == arn,
            Word::All => told.concerns(item) && self.all_say_to_whom(kind),
            Word::Missing(_) | Word::Untold(_) => false,
        });
        if whole {
            return None;
        }
        let untold = self.told.iter().filter(about).find_map(|told| match &told.word {
            Word::Untold(reason) if told.may_concern(self, item) => Some(reason.clone()),
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
    pub(super) fn untold(&self, kind: &str) -> Option<&Reason> {
        self.told.iter().filter(|told| *told.kind == *kind).find_map(|told| match &told.word {
            Word::Untold(reason) if matches!(reason.cause, Cause::Refused | Cause::Failed) => Some(reason),
            _ => None,
        })
    }
}
