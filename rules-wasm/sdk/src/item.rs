//! The things that rules ask about, and the questions.

use crate::facts;
use crate::field::{Field, Fields};
use crate::host;
use crate::value::{Unknown, Value};

/// A Kubernetes object, an AWS resource, or a fact of karpcheck's own. Equal items are one item; the number behind it
/// means nothing after the run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Item(pub(crate) u32);

/// A place to show to the reader.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// The item.
    pub item: Item,
    /// RFC 6901; empty for the item as a whole.
    pub pointer: String,
    /// What is to be seen there, in a few words. May be empty.
    pub note: String,
}

/// The answer to a search for an item.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Lookup {
    /// It is there.
    Known(Item),
    /// It certainly does not exist. What was looked for and where.
    Absent(String),
    /// It may exist. At the end of a list: there may be more.
    Unknown(Unknown),
}

impl Lookup {
    /// The item, none if it certainly does not exist.
    pub fn item(&self) -> Result<Option<Item>, Unknown> {
        match self {
            Self::Known(item) => Ok(Some(*item)),
            Self::Absent(_) => Ok(None),
            Self::Unknown(unknown) => Err(unknown.clone()),
        }
    }

    /// The item, if it is among what was read.
    pub const fn known(&self) -> Option<Item> {
        match self {
            Self::Known(item) => Some(*item),
            Self::Absent(_) | Self::Unknown(_) => None,
        }
    }
}

/// One reference between two items.
#[derive(Clone, PartialEq, Debug)]
pub struct Link {
    /// The item at the other end.
    pub item: Lookup,
    /// The field that refers, in the item that holds the reference: the one asked about for
    /// [`related`](Item::related), the one at the other end for [`referrers`](Item::referrers) and
    /// [`peers`](Item::peers). The whole item for a relation that no field holds.
    pub field: Field,
}

impl Link {
    /// The item at the other end, none if it certainly does not exist.
    pub fn item(&self) -> Result<Option<Item>, Unknown> {
        self.item.item()
    }

    /// The item at the other end, if it is among what was read.
    pub const fn known(&self) -> Option<Item> {
        self.item.known()
    }
}

/// What one source says of a field.
#[derive(Clone, PartialEq, Debug)]
pub struct Seen {
    /// `live`, `aws`, `state`, `plan`, `manifest`, `template`, `source`, `flag`. To show: whether a source says all that
    /// there is, [`Item::open`] tells.
    pub source: String,
    /// What it says.
    pub value: Value,
    /// Where.
    pub at: Place,
}

/// The answer to a question about a text that may be known in part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// Whatever the unknown parts are.
    Yes,
    /// Whatever the unknown parts are.
    No,
    /// It depends on the unknown parts.
    Unknown,
}

impl Answer {
    /// Is it certainly so?
    pub const fn is_yes(self) -> bool {
        matches!(self, Self::Yes)
    }

    /// Is it certainly not so?
    pub const fn is_no(self) -> bool {
        matches!(self, Self::No)
    }

    /// Does it depend on what is unknown?
    pub const fn is_unknown(self) -> bool {
        matches!(self, Self::Unknown)
    }
}

impl Item {
    /// The field at an RFC 6901 pointer (`/spec/role`), to read, to step from and to show; empty for the whole. `@` names
    /// are facts beside the body: `@kind`, `@name`, `@namespace`, `@scope`, `@partition`, `@account`, `@region`, `@arn`,
    /// `@cluster`, `@view` (`declared` or `observed`), `@read-at`.
    pub fn field(self, pointer: impl Into<String>) -> Field {
        Field::new(self, pointer)
    }

    /// What a field holds.
    pub fn get(self, pointer: &str) -> Value {
        if pointer.starts_with('@') { facts::get(self, pointer) } else { host::get(self.0, pointer).into() }
    }

    /// A text, none where the field is absent.
    pub fn text(self, pointer: &str) -> Result<Option<String>, Unknown> {
        self.get(pointer).text()
    }

    /// A text if it is known, for what is only shown or compared: none where the field is absent, unknown or not a text.
    pub fn known_text(self, pointer: &str) -> Option<String> {
        match self.get(pointer) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// True or false, none where the field is absent.
    pub fn flag(self, pointer: &str) -> Result<Option<bool>, Unknown> {
        self.get(pointer).flag()
    }

    /// A number, none where the field is absent.
    pub fn number(self, pointer: &str) -> Result<Option<f64>, Unknown> {
        self.get(pointer).number()
    }

    /// What a person calls it.
    pub fn name(self) -> String {
        self.known_text("@name").unwrap_or_default()
    }

    /// `AWS::SQS::Queue`, `karpenter.sh/NodePool`.
    pub fn kind(self) -> String {
        self.known_text("@kind").unwrap_or_default()
    }

    /// The last part of the kind, for messages: `Queue`, `NodePool`.
    pub fn noun(self) -> String {
        let mut kind = self.kind();
        let start = kind.bytes().rposition(|byte| matches!(byte, b'/' | b':')).map_or(0, |at| at + 1);
        kind.drain(..start);
        kind
    }

    /// Was it seen in a running system (live, a state, AWS's answer, a dump), or only declared (a manifest, a template, a
    /// plan)?
    pub fn observed(self) -> bool {
        self.get("@view").is("observed")
    }

    /// Every field that a pattern matches: `*` stands for every element or member, `*Ref` for members with such names,
    /// `**` for any depth. Where there may be more, the last is an `Err` that says why.
    pub fn find(self, pattern: &str) -> Fields {
        Fields::new(self, pattern)
    }

    /// Every element of a list or member of an object: [`find`](Self::find) with `/*`.
    pub fn each(self, pointer: &str) -> Fields {
        self.find(&[pointer, "/*"].concat())
    }

    /// Why an object or a list may have members that were not read; none where it is whole, and for a field that is absent or
    /// is neither. Of the item as a whole with an empty pointer.
    pub fn open(self, pointer: &str) -> Option<Unknown> {
        host::open(self.0, pointer).map(Unknown::from)
    }

    /// The items that a field refers to, by id, ARN, alias, name or reference. `@controller`, `@same` and `@policies` are
    /// relations that no field holds. An absent field gives no link.
    pub fn related(self, pattern: &str) -> Vec<Link> {
        let link = |link: host::Link| Link { item: link.item.into(), field: self.field(link.at) };
        host::related(self.0, pattern).into_iter().map(link).collect()
    }

    /// The items that a field refers to, as far as they are known: see [`related`](Self::related).
    pub fn linked(self, pattern: &str) -> impl Iterator<Item = Self> {
        self.related(pattern).into_iter().filter_map(|link| link.known())
    }

    /// The items of a kind that refer to this one. Where some may be missing, the last link is unknown.
    pub fn referrers(self, kind: &str) -> Vec<Link> {
        host::referrers(self.0, kind).into_iter().map(|link| self.held_elsewhere(link)).collect()
    }

    /// The items of a kind that refer to this one, as far as they are known: see [`referrers`](Self::referrers).
    pub fn referring(self, kind: &str) -> impl Iterator<Item = Self> {
        self.referrers(kind).into_iter().filter_map(|link| link.known())
    }

    /// The items of a kind that have a field which certainly holds the same as this item's field: other clusters' controllers of
    /// the same `/ClusterName`. The host has an index, so that this costs what there is to find. It looks across clusters, and
    /// hands over what is of this item's own kind only from other clusters. Where some may be missing, the last link is unknown.
    pub fn peers(self, pointer: &str, kind: &str, pattern: &str) -> Vec<Link> {
        host::peers(self.0, pointer, kind, pattern).into_iter().map(|link| self.held_elsewhere(link)).collect()
    }

    fn held_elsewhere(self, link: host::Link) -> Link {
        let item = Lookup::from(link.item);
        let field = item.known().map_or_else(|| self.field(""), |holder| holder.field(link.at));
        Link { item, field }
    }

    /// Does a field's text match a pattern of `*` and `?`? `alias/${Env}-orders` matches `alias/*`, whatever the
    /// parameter is. `No` where the field is absent or not a text.
    pub fn matches(self, pointer: &str, pattern: &str) -> Answer {
        host::matches(self.0, pointer, pattern).into()
    }

    /// [`matches`](Self::matches) for `?`: where it depends on the unknown parts, the reason why they are unknown.
    pub fn matches_or_unknown(self, pointer: &str, pattern: &str) -> Result<bool, Unknown> {
        match self.matches(pointer, pattern) {
            Answer::Yes => Ok(true),
            Answer::No => Ok(false),
            Answer::Unknown => match self.get(pointer) {
                Value::Unknown(unknown) => Err(unknown),
                _ => Err(Unknown::undecidable(format!("{pointer} is known in part"))),
            },
        }
    }

    /// Do two fields hold the same? The same symbol on both sides is the same.
    pub fn same(self, pointer: &str, other: Self, other_pointer: &str) -> Answer {
        host::same(self.0, pointer, other.0, other_pointer).into()
    }

    /// Each source's word on a field, the strongest first.
    pub fn views(self, pointer: &str) -> Vec<Seen> {
        host::views(self.0, pointer)
            .into_iter()
            .map(|seen| Seen { source: seen.source, value: seen.value.into(), at: seen.at.into() })
            .collect()
    }

    /// A place in this item, for a finding's related places. The note may be empty.
    pub fn place(self, pointer: impl Into<String>, note: impl Into<String>) -> Place {
        Place { item: self, pointer: pointer.into(), note: note.into() }
    }
}

/// All items of a kind, in a fixed order: see [`select`].
#[derive(Debug)]
pub struct Selection(std::vec::IntoIter<host::Found>);

impl Selection {
    /// Only what was read; that there may be more is left out. For rules that judge what they see, not for those that miss
    /// something.
    pub fn known(self) -> impl Iterator<Item = Item> {
        self.filter_map(Result::ok)
    }
}

impl Iterator for Selection {
    type Item = Result<Item, Unknown>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.find_map(|found| Lookup::from(found).item().transpose())
    }
}

/// All items of a kind. Where some may be missing, the last is an `Err` that says why: collect into a `Result`, or take
/// what is [`known`](Selection::known).
pub fn select(kind: &str) -> Selection {
    Selection(host::select(kind).into_iter())
}

/// A setting of the rule that is running, from the user's configuration or its default. Never unknown.
pub fn setting(name: &str) -> Value {
    host::setting(name).into()
}

/// A line for the rule's author, shown with `-v` and beside a crash. No part of the verdict.
pub fn log(text: &str) {
    host::log(text);
}

impl From<host::Found> for Lookup {
    fn from(found: host::Found) -> Self {
        match found {
            host::Found::Known(item) => Self::Known(Item(item)),
            host::Found::Absent(what) => Self::Absent(what),
            host::Found::Unknown(reason) => Self::Unknown(reason.into()),
        }
    }
}

impl From<host::Answer> for Answer {
    fn from(answer: host::Answer) -> Self {
        match answer {
            host::Answer::Yes => Self::Yes,
            host::Answer::No => Self::No,
            host::Answer::Unknown => Self::Unknown,
        }
    }
}

impl From<host::Place> for Place {
    fn from(place: host::Place) -> Self {
        Self { item: Item(place.item), pointer: place.pointer, note: place.note }
    }
}

impl From<Place> for host::Place {
    fn from(place: Place) -> Self {
        Self { item: place.item.0, pointer: place.pointer, note: place.note }
    }
}
