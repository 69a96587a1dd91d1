//! What the definitions of Karpenter's releases accept, as karpenter.py made it of them.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::OnceLock;

use crate::schemas::cel::{Regex, Rule};
use crate::schemas::schema::{LIMITS, Schema};
use crate::schemas::tree::Node;
use crate::versions::Minor;

const TABLE: &str = include_str!("karpenter.tsv");

/// Major, minor, patch.
pub(crate) type Release = (u64, u64, u64);

/// The releases that serve a kind in a version of its API.
pub(crate) struct Served {
    /// The first one of each minor release. Of the kinds before `v1beta1`, the first and the last of all.
    pub(crate) since: Vec<Release>,
    rows: &'static str,
    alpha: bool,
}

impl Served {
    /// The minor releases, by which the schemas differ.
    pub(crate) fn minors(&self) -> Vec<Minor> {
        self.since.iter().map(|(major, minor, _)| (*major, *minor)).collect()
    }

    /// Is it served by a release?
    pub(crate) fn by(&self, release: Release) -> bool {
        match (self.alpha, self.since.last()) {
            // When they came is longer ago than the table goes back.
            (true, Some(last)) => (release.0, release.1) <= (last.0, last.1),
            _ => self.since.iter().any(|since| (since.0, since.1) == (release.0, release.1) && *since <= release),
        }
    }

    /// Is it of the kinds before `v1beta1`, whose schemas are one?
    pub(crate) fn is_alpha(&self) -> bool {
        self.alpha
    }
}

/// The kinds and versions of the table.
fn sections() -> &'static [(&'static str, &'static str, Served)] {
    static SECTIONS: OnceLock<Vec<(&str, &str, Served)>> = OnceLock::new();
    SECTIONS.get_or_init(|| {
        let mut left = TABLE.split_once('\n').map(|(_, sections)| sections);
        let next = || {
            let (section, rest) = section(left?)?;
            left = Some(rest);
            Some(section)
        };
        std::iter::from_fn(next).collect()
    })
}

/// The first section of a text, and what follows it. Its head says how long it is: to look for the next one would take longer than
/// all that is done with one section.
fn section(text: &'static str) -> Option<((&'static str, &'static str, Served), &'static str)> {
    let (head, rows) = text.strip_prefix('@')?.split_once('\n')?;
    let mut head = head.split('\t');
    let (kind, version, since, length) = (head.next()?, head.next()?, head.next()?, head.next()?.parse().ok()?);
    let (rows, rest) = rows.split_at_checked(length)?;
    let alpha = version.starts_with("v1alpha") && !kind.ends_with("/NodeOverlay");
    Some(((kind, version, Served { since: since.split(' ').filter_map(parse).collect(), rows, alpha }), rest))
}

/// The versions that a kind of Karpenter ever had, in the order of the table; none where there is no such kind.
pub(crate) fn versions_of(kind: &str) -> Vec<(&'static str, &'static Served)> {
    sections().iter().filter(|(own, ..)| *own == kind).map(|(_, version, served)| (*version, served)).collect()
}

/// A kind in a version of its API.
pub(crate) fn served(kind: &str, version: &str) -> Option<&'static Served> {
    sections().iter().find(|(own, of, _)| *own == kind && *of == version).map(|(.., served)| served)
}

/// All kinds.
pub(crate) fn kinds() -> Vec<&'static str> {
    let mut kinds: Vec<&str> = sections().iter().map(|(kind, ..)| *kind).collect();
    kinds.dedup();
    kinds
}

/// A kind in a version of its API, a minor release, and its schema.
type Known = (&'static Served, Minor, Option<Rc<Schema>>);

thread_local! {
    static SCHEMAS: RefCell<Vec<Known>> = const { RefCell::new(vec![]) };
}

/// The schema of a kind in a version of its API, as a minor release has it.
pub(crate) fn release(kind: &str, version: &str, minor: Minor) -> Option<Rc<Schema>> {
    schema_of(served(kind, version)?, minor)
}

/// The same, of what the table has.
pub(super) fn schema_of(served: &'static Served, minor: Minor) -> Option<Rc<Schema>> {
    let is = |(own, of, _): &&Known| std::ptr::eq(*own, served) && *of == minor;
    if let Some(known) = SCHEMAS.with_borrow(|known| known.iter().find(is).map(|(.., schema)| schema.clone())) {
        return known;
    }
    let made = (served.alpha || served.minors().contains(&minor)).then(|| Rc::new(schema(served.rows, minor)));
    SCHEMAS.with_borrow_mut(|known| known.push((served, minor, made.clone())));
    made
}

fn schema(rows: &str, minor: Minor) -> Schema {
    let mut root = Schema::default();
    for row in rows.lines() {
        let mut cells = row.splitn(4, '\t');
        let (path, keyword, releases, value) = (
            cells.next().unwrap_or_default(),
            cells.next().unwrap_or_default(),
            cells.next().unwrap_or_default(),
            cells.next().unwrap_or_default(),
        );
        if !covers(releases, minor) {
            continue;
        }
        let schema = root.make(path);
        let values = || value.split(' ');
        match keyword {
            "type" => value.clone_into(&mut schema.kind),
            "keep" => schema.keeps = true,
            "late" => schema.late = true,
            "required" => schema.required.extend(values().map(str::to_owned)),
            "default" => schema.default = Node::parse(value),
            "enum" => schema.values.extend(values().filter_map(Node::parse)),
            "pattern" => schema.patterns.push(Regex::new(value.to_owned())),
            "cel" => {
                let (cel, message) = value.split_once('\t').unwrap_or((value, ""));
                schema.rules.push(Rule::new(cel.to_owned(), message.to_owned()));
            }
            limit if LIMITS.contains(&limit) => {
                schema.limits.extend(value.parse().ok().map(|number| (limit.to_owned(), number)));
            }
            _ => {}
        }
    }
    root
}

/// Does `0.33-1.0,1.3` cover a minor release? Nothing covers all.
fn covers(releases: &str, minor: Minor) -> bool {
    let ends = |range: &str| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        Some((crate::versions::minor(first)?, crate::versions::minor(last)?))
    };
    releases.is_empty() || releases.split(',').filter_map(ends).any(|(first, last)| first <= minor && minor <= last)
}

/// `1.8.7` as numbers.
pub(crate) fn parse(release: &str) -> Option<Release> {
    let mut parts = release.trim_start_matches('v').split(['.', '-', '+']);
    let mut next = || parts.next()?.parse().ok();
    Some((next()?, next()?, next().unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_read() {
        const KEYWORDS: &[&str] = &["type", "late", "keep", "required", "default", "enum", "pattern", "cel"];
        // Of a wrong length, what follows it would be lost.
        assert_eq!(sections().len(), TABLE.lines().filter(|line| line.starts_with('@')).count());
        for (kind, version, served) in sections() {
            assert!(!served.since.is_empty(), "{kind} {version}");
            for row in served.rows.lines() {
                let cells: Vec<&str> = row.split('\t').collect();
                assert!(KEYWORDS.contains(&cells[1]) || LIMITS.contains(&cells[1]), "{kind}: {row}");
                for range in
                    cells.get(2).into_iter().flat_map(|ranges| ranges.split([',', '-'])).filter(|end| !end.is_empty())
                {
                    assert!(crate::versions::minor(range).is_some(), "{kind}: {row}");
                }
            }
        }
    }

    #[test]
    fn releases_serve_what_their_definitions_have() {
        let v1 = served("karpenter.sh/NodePool", "v1").unwrap();
        assert!(v1.by((1, 0, 0)) && v1.by((1, 14, 1)) && !v1.by((0, 37, 0)) && v1.by((0, 37, 8)));
        let beta = served("karpenter.sh/NodePool", "v1beta1").unwrap();
        assert!(beta.by((0, 32, 0)) && beta.by((1, 0, 14)) && !beta.by((1, 1, 0)) && !beta.by((0, 31, 5)));
        let alpha = served("karpenter.sh/Provisioner", "v1alpha5").unwrap();
        assert!(alpha.by((0, 16, 3)) && alpha.by((0, 25, 0)) && alpha.by((0, 32, 10)) && !alpha.by((0, 33, 0)));
        assert!(
            served("karpenter.sh/NodePool", "v1alpha5").is_none() && versions_of("karpenter.sh/Nodepool").is_empty()
        );
    }

    #[test]
    fn a_release_has_its_own_schema() {
        let operators = |minor| {
            let schema = release("karpenter.sh/NodePool", "v1", minor).unwrap();
            schema.at("/spec/template/spec/requirements/0/operator").unwrap().values.clone()
        };
        let gte = Node::Text("Gte".into());
        assert!(operators((1, 9)).contains(&gte) && !operators((1, 8)).contains(&gte));
        let keys = release("karpenter.k8s.aws/EC2NodeClass", "v1", (1, 14)).unwrap();
        assert!(keys.at("/spec/blockDeviceMappings/0/ebs/kmsKeyID").is_some());
        assert!(keys.at("/spec/blockDeviceMappings/0/ebs/kmsKeyId").is_none());
    }
}
