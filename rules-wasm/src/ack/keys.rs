//! The fields of ACK's objects that hold a KMS key, and what each controller makes of what is written there.

use std::cell::RefCell;
use std::collections::BTreeMap;

use karpcheck_sdk::prelude::*;

use super::controllers::Release;

/// What comes of a key that is not written as AWS returns it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Class {
    /// Endless updates until AWS throttles: ack-key-loops.
    Loop,
    /// The controller writes AWS's ARN over it.
    Rewrite,
    /// The same, under a CRD that forbids to change the field.
    RewriteFixed,
    /// A difference and an update at every resync, to no effect.
    Resync,
    /// The controller refuses the difference for good.
    Terminal,
    /// AWS returns the key's id, so that here the ARN is the stranger.
    Inverse,
    /// AWS returns the ARN, a reference gives the id, and the controller cannot update.
    InverseBug,
    /// AWS takes nothing but an ARN.
    ArnOnly,
    /// The field cannot be changed once it is set.
    Fixed,
    /// It probably comes back as another text; it was not observed yet.
    Perhaps,
    /// AWS returns what was written, it is not compared, or nothing is known.
    Quiet,
}

/// One key field of one kind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyField {
    /// The field that holds the key, as a pattern.
    pub(crate) key: &'static str,
    /// The field that refers to an ACK Key, as a pattern; empty where there is none.
    pub(crate) reference: &'static str,
    /// The first release of the controller that has the reference.
    pub(crate) since: Option<Release>,
    pub(crate) class: Class,
}

const TABLE: &str = include_str!("key-fields.tsv");

/// The key fields of a kind.
pub(crate) fn of_kind(kind: &str) -> impl Iterator<Item = &'static KeyField> {
    thread_local! {
        /// By the kinds that were asked for: a rule's subjects are of few.
        static FIELDS: RefCell<BTreeMap<String, &'static [KeyField]>> = const { RefCell::new(BTreeMap::new()) };
    }
    let known = FIELDS.with_borrow(|known| known.get(kind).copied());
    let fields = known.unwrap_or_else(|| {
        let made: &'static [KeyField] = Vec::leak(rows_of(kind).filter_map(row).collect());
        FIELDS.with_borrow_mut(|known| known.insert(kind.to_owned(), made));
        made
    });
    fields.iter()
}

/// The rows of a kind: the table is sorted, so that most of it need not be read.
fn rows_of(kind: &str) -> impl Iterator<Item = &'static str> {
    let kind_at = |line: usize| -> &str { TABLE[line..].split('\t').next().unwrap_or_default() };
    let (mut start, mut end) = (0, TABLE.len());
    while start < end {
        // The line that the middle lies in.
        let middle = start.midpoint(end);
        let line = TABLE[start..middle].rfind('\n').map_or(start, |at| start + at + 1);
        if kind_at(line) < kind {
            start = TABLE[line..end].find('\n').map_or(end, |at| line + at + 1);
        } else {
            end = line;
        }
    }
    let kind = kind.to_owned();
    TABLE[start..].lines().take_while(move |line| line.split('\t').next() == Some(&*kind))
}

fn row(line: &'static str) -> Option<KeyField> {
    let mut columns = line.split('\t');
    let mut next = || columns.next().filter(|_| !line.starts_with('#'));
    // The kind, by which it was found.
    next()?;
    Some(KeyField {
        key: next()?,
        reference: next()?,
        since: next()?.parse().ok(),
        class: match next()? {
            "LOOP" => Class::Loop,
            "REWRITE" => Class::Rewrite,
            "REWRITE+CEL" => Class::RewriteFixed,
            "RESYNC" => Class::Resync,
            "TERMINAL" => Class::Terminal,
            "INVERSE" => Class::Inverse,
            "INVERSE-BUG" => Class::InverseBug,
            "ARNONLY" => Class::ArnOnly,
            "CEL" => Class::Fixed,
            other if other.ends_with('?') => Class::Perhaps,
            _ => Class::Quiet,
        },
    })
}

/// The ARN of a key, as a pattern.
pub(crate) const ARN: &str = "arn:*:kms:*:*:key/?*";

/// What kind of name a field gives a key: `the alias`.
fn form(key: &Field) -> &'static str {
    if key.matches("alias/*").is_yes() {
        "the alias"
    } else if key.matches("arn:*:alias/*").is_yes() {
        "the alias ARN"
    } else if key.matches("arn:*").is_yes() {
        "the ARN"
    } else if key.known_text().is_some_and(|written| is_id(&written)) {
        "the key id"
    } else {
        "the name"
    }
}

/// The name that a field gives a key, with its kind: `the alias alias/orders`.
pub(crate) fn named(key: &Field) -> String {
    let form = form(key);
    key.known_text().map_or_else(|| form.to_owned(), |name| format!("{form} {name}"))
}

/// Is it the id of a key, a UUID or a multi-Region one?
pub(crate) fn is_id(text: &str) -> bool {
    let hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match text.strip_prefix("mrk-") {
        Some(id) => id.len() == 32 && hex(id),
        None => {
            let parts: Vec<&str> = text.split('-').collect();
            parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12]) && parts.iter().all(|part| hex(part))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_is_read() {
        let rows: Vec<&str> = TABLE.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(
            rows.iter().filter_map(|line| row(line)).all(|field| field.reference.is_empty() == field.since.is_none())
        );
        let kinds: Vec<&str> = rows.iter().filter_map(|line| line.split('\t').next()).collect();
        assert!(kinds.is_sorted());
        for of_one in kinds.chunk_by(|one, next| one == next) {
            assert_eq!(of_kind(of_one[0]).count(), of_one.len(), "{}", of_one[0]);
        }
        assert_eq!(of_kind("").count() + of_kind("aaa").count() + of_kind("zzz.services.k8s.aws/Z").count(), 0);
    }

    #[test]
    fn a_table_has_two_key_fields_and_a_queue_one() {
        let fields: Vec<Class> = of_kind("dynamodb.services.k8s.aws/Table").map(|field| field.class).collect();
        assert_eq!(fields, [Class::Loop, Class::Quiet]);
        assert_eq!(of_kind("sqs.services.k8s.aws/Queue").count(), 1);
        assert_eq!(of_kind("sqs.services.k8s.aws/Other").count(), 0);
    }

    #[test]
    fn key_ids_are_told_from_names() {
        assert!(is_id("1234abcd-12ab-34cd-56ef-1234567890ab"));
        assert!(is_id("mrk-1234abcd12ab34cd56ef1234567890ab"));
        assert!(!is_id("orders") && !is_id("alias/orders") && !is_id("mrk-1") && !is_id("1234abcd-12ab"));
    }
}
