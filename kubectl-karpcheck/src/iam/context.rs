//! The context of a request: its keys and what is known of them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;

use crate::inventory::reason::Iam;
use crate::inventory::{Cause, Reason, Ternary, Text};

use crate::iam::fold::fold;

/// What is known of a key of a request.
#[derive(Clone, PartialEq, Debug)]
pub enum Given {
    /// The request does not have it.
    Absent,
    /// It may have any value, or none.
    Unknown(Reason),
    /// It has these values, at least one. Numbers and flags are texts, as in policies.
    Values(Vec<Text>),
}

impl Given {
    /// One value.
    pub fn one(value: impl Into<Text>) -> Self {
        Self::Values(vec![value.into()])
    }
}

/// Other names of the tags of a resource: what they begin with, and what `aws:` calls it. Every service that has the key
/// documents it as the older form of the global one.
const ALIASES: &[(&str, &str)] = &[
    ("ec2:resourcetag/", "aws:resourcetag/"),
    ("iam:resourcetag/", "aws:resourcetag/"),
    ("ssm:resourcetag/", "aws:resourcetag/"),
    ("autoscaling:resourcetag/", "aws:resourcetag/"),
    ("secretsmanager:resourcetag/", "aws:resourcetag/"),
    ("elasticloadbalancing:resourcetag/", "aws:resourcetag/"),
];

/// Keys that can have several values: "Multivalued keys" of the global context keys, and of the services at hand.
const SEVERAL: &[&str] = &[
    "aws:tagkeys",
    "aws:calledvia",
    "aws:principalorgpaths",
    "aws:principalservicenameslist",
    "aws:sourceorgpaths",
    "aws:resourceorgpaths",
    "kms:encryptioncontextkeys",
    "kms:grantoperations",
    "kms:resourcealiases",
];

/// Services whose keys no request to another service has.
const SERVICES: &[&str] = &[
    "arc-zonal-shift",
    "autoscaling",
    "cloudformation",
    "dynamodb",
    "ec2",
    "ecr",
    "eks",
    "elasticloadbalancing",
    "events",
    "iam",
    "kms",
    "lambda",
    "rds",
    "s3",
    "secretsmanager",
    "sns",
    "sqs",
    "ssm",
];

/// Keys that come with the credentials and so with requests to any service.
const TRAVELLING: &[&str] =
    &["ec2:sourceinstancearn", "ec2:roledelivery", "lambda:sourcefunctionarn", "ssm:sourceinstancearn"];

/// A key's name: case does not count, of the tag in it neither.
#[derive(Clone, Debug)]
pub(super) struct KeyName {
    folded: Text,
    written: Text,
}

impl KeyName {
    pub(super) fn new(written: &Text) -> Self {
        let mut folded = fold(written);
        for (alias, name) in ALIASES {
            if folded.starts_with(alias) {
                let mut parts = folded.into_parts();
                if let Some(crate::inventory::Part::Known(first)) = parts.first_mut() {
                    *first = format!("{name}{}", &first[alias.len()..]).into();
                }
                folded = Text::from_parts(parts);
                break;
            }
        }
        Self { folded, written: written.clone() }
    }

    /// As it is written, if it is known as a whole.
    pub(super) fn known(&self) -> Option<&str> {
        self.written.known()
    }

    /// Why nothing is known of it.
    pub(super) fn unsaid(&self) -> Reason {
        Reason::new(Cause::Undecidable, Iam::Unsaid { key: self.written.to_string().into() })
    }

    /// Can it have several values? A name that is known in part may turn out to be of such a key.
    pub(super) fn several(&self) -> bool {
        match self.folded.known() {
            Some(known) => SEVERAL.contains(&known),
            None => SEVERAL.iter().any(|several| self.folded.matches(several) != Ternary::No),
        }
    }

    /// Is it one that only requests to other services have?
    fn foreign(&self, service: &str) -> bool {
        let of_another = |beginning: &str| {
            beginning.split_once(':').is_some_and(|(own, _)| own != service && SERVICES.contains(&own))
        };
        match self.folded.known() {
            Some(known) => of_another(known) && !TRAVELLING.contains(&known),
            None => self.folded.beginning().is_some_and(of_another),
        }
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.written.fmt(f)
    }
}

/// What a request says of a key.
pub(super) enum Lookup<'a> {
    /// This.
    One(&'a Given),
    /// One of these: a name is known in part. Includes what holds if it is none of the named keys.
    Maybe(Vec<&'a Given>),
    /// Nothing.
    Unsaid,
}

static ABSENT: Given = Given::Absent;

/// The keys of a request.
#[derive(Clone, Debug, Default)]
pub struct Context {
    keys: Vec<(KeyName, Given)>,
    /// Where those stand whose names are known in part.
    partly: Vec<usize>,
    /// Keys that begin so, each with the length of that; the longest first.
    families: Vec<(usize, KeyName, Given)>,
    /// The service that is asked: keys of others are absent.
    service: Box<str>,
}

impl Context {
    /// The context of a request to a service, `ec2`. Keys of other services are absent in it.
    pub fn of_service(service: &str) -> Self {
        Self { service: service.to_ascii_lowercase().into(), ..Self::default() }
    }

    /// Names a key. A key that ends in `*` stands for all keys with that beginning that are not named themselves. A key
    /// that was named before gets more values; absent or unknown, it is what was said first.
    pub fn set(&mut self, key: impl Into<Text>, given: Given) {
        let key = key.into();
        let given = match given {
            Given::Values(values) if values.is_empty() => Given::Absent,
            given => given,
        };
        match without_star(&key) {
            Some(prefix) => self.add_family(KeyName::new(&prefix), given),
            None => self.add(KeyName::new(&key), given),
        }
    }

    fn add_family(&mut self, name: KeyName, given: Given) {
        let length = name.folded.length();
        let at = self.families.iter().position(|(other, ..)| *other < length);
        self.families.insert(at.unwrap_or(self.families.len()), (length, name, given));
    }

    fn add(&mut self, name: KeyName, given: Given) {
        let at = match name.folded.known() {
            Some(known) => self.position(known),
            None => self.partly.iter().copied().find(|at| self.keys[*at].0.folded == name.folded),
        };
        match at.map(|at| &mut self.keys[at]) {
            Some((_, Given::Values(old))) => match given {
                Given::Values(more) => old.extend(more),
                Given::Absent | Given::Unknown(_) => {}
            },
            Some(_) => {}
            None => {
                if name.folded.known().is_none() {
                    self.partly.push(self.keys.len());
                }
                self.keys.push((name, given));
            }
        }
    }

    /// Where the key of a name stands that is known. A request has some dozens of keys: to compare is cheaper than an index.
    fn position(&self, known: &str) -> Option<usize> {
        self.keys.iter().position(|(name, _)| name.folded.known() == Some(known))
    }

    /// Names a key unless it, or a family that it belongs to, is named already.
    pub fn set_default(&mut self, key: impl Into<Text>, given: Given) {
        let key = key.into();
        let given = match given {
            Given::Values(values) if values.is_empty() => Given::Absent,
            given => given,
        };
        if let Some(prefix) = without_star(&key) {
            let name = KeyName::new(&prefix);
            let named = self.families.iter().any(|(_, other, _)| {
                other.folded.known().zip(name.folded.known()).is_some_and(|(other, name)| name.starts_with(other))
            });
            if !named {
                self.add_family(name, given);
            }
            return;
        }
        self.set_default_name(KeyName::new(&key), given);
    }

    /// The same for a name without a star.
    fn set_default_name(&mut self, name: KeyName, given: Given) {
        let named = matches!(self.lookup(&name), Lookup::One(found) if !std::ptr::eq(found, &raw const ABSENT));
        if !named {
            self.add(name, given);
        }
    }

    /// The same for a key that every request has, whose name is worked out once.
    pub(super) fn set_fact(&mut self, key: &'static str, given: Given) {
        thread_local! {
            static NAMES: RefCell<HashMap<&'static str, KeyName>> = RefCell::default();
        }
        if key.ends_with('*') {
            return self.set_default(key, given);
        }
        let name =
            NAMES.with_borrow_mut(|names| names.entry(key).or_insert_with(|| KeyName::new(&Text::from(key))).clone());
        self.set_default_name(name, given);
    }

    /// What is said of a key by its name.
    pub fn get(&self, key: &str) -> Option<&Given> {
        match self.lookup(&KeyName::new(&Text::from(key))) {
            Lookup::One(given) => Some(given),
            Lookup::Maybe(_) | Lookup::Unsaid => None,
        }
    }

    /// The named keys that begin so (lower case), with what follows.
    pub(super) fn below<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a Given)> {
        self.keys.iter().filter_map(move |(name, given)| Some((name.folded.known()?.strip_prefix(prefix)?, given)))
    }

    pub(super) fn lookup(&self, name: &KeyName) -> Lookup<'_> {
        let mut maybe: Vec<&Given> = vec![];
        let known = name.folded.known();
        if let Some(at) = known.and_then(|known| self.position(known)) {
            return Lookup::One(&self.keys[at].1);
        }
        // A known name is none of the other known ones.
        let (partly, all) = if known.is_some() { (&*self.partly, &[][..]) } else { (&[][..], &*self.keys) };
        for key in partly.iter().map(|at| &self.keys[*at]).chain(all) {
            match name.folded.same(&key.0.folded) {
                Ternary::Yes => return Lookup::One(&key.1),
                Ternary::Unknown => maybe.push(&key.1),
                Ternary::No => {}
            }
        }
        let mut rest: Option<&Given> = None;
        for (_, prefix, given) in &self.families {
            let answer = match (known, prefix.folded.known()) {
                (Some(name), Some(prefix)) => Ternary::from(name.starts_with(prefix)),
                (None, Some(prefix)) => name.folded.matches(&format!("{prefix}*")),
                _ => Ternary::Unknown,
            };
            match answer {
                Ternary::Yes => {
                    rest = Some(given);
                    break;
                }
                Ternary::Unknown => maybe.push(given),
                Ternary::No => {}
            }
        }
        let rest = rest.or_else(|| (!self.service.is_empty() && name.foreign(&self.service)).then_some(&ABSENT));
        match (rest, maybe.is_empty()) {
            (Some(rest), true) => Lookup::One(rest),
            (Some(rest), false) => {
                maybe.push(rest);
                Lookup::Maybe(maybe)
            }
            (None, _) => Lookup::Unsaid,
        }
    }
}

/// What stands before a star at the end.
fn without_star(key: &Text) -> Option<Text> {
    if let Some(known) = key.known() {
        return known.strip_suffix('*').map(Text::from);
    }
    let mut parts = key.clone().into_parts();
    match parts.last_mut() {
        Some(crate::inventory::Part::Known(last)) if last.ends_with('*') => {
            *last = last[..last.len() - 1].into();
            Some(Text::from_parts(parts))
        }
        _ => None,
    }
}
