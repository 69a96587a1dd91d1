//! Releases of Karpenter.

use std::cell::RefCell;
use std::collections::BTreeMap;

use karpcheck_sdk::prelude::*;

/// What [`version_for`] looks at.
pub(crate) const READS: &[&str] = &["Karpcheck::Controller"];

/// `(1, 8)` of `1.8.7`.
pub(crate) type Minor = (u64, u64);

/// `(1, 8, 7)` of `1.8.7`.
pub(crate) type Version = (u64, u64, u64);

/// A minor release as a whole, by its last patch.
pub(crate) const fn last_of((major, minor): Minor) -> Version {
    (major, minor, u64::MAX)
}

/// The version of a controller, to the patch; without one it is the first.
pub(crate) fn exact_version(controller: Item) -> Result<Option<Version>, Unknown> {
    let exact = |version: &str| {
        let (major, minor) = minor(version)?;
        Some(patch(version).unwrap_or((major, minor, 0)))
    };
    stated(controller, |stated| Ok(stated?.and_then(exact)))
}

/// The minor version in a text such as `1.8.7`.
pub(crate) fn minor(version: &str) -> Option<Minor> {
    let mut parts = version.trim_start_matches('v').split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// `(1, 8, 7)` of `1.8.7`.
fn patch(version: &str) -> Option<Version> {
    let (major, minor) = minor(version)?;
    let rest = version.trim_start_matches('v').split('.').nth(2)?;
    let digits = rest.split(|char: char| !char.is_ascii_digit()).next()?;
    Some((major, minor, digits.parse().ok()?))
}

thread_local! {
    /// What controllers say of their version: all objects of a cluster ask the same one.
    static VERSIONS: RefCell<BTreeMap<Item, Result<Option<String>, Unknown>>> = const { RefCell::new(BTreeMap::new()) };
    static NEWEST: RefCell<BTreeMap<Item, Minor>> = const { RefCell::new(BTreeMap::new()) };
}

/// What a controller says of its version.
fn stated<T>(controller: Item, read: impl FnOnce(Result<Option<&str>, Unknown>) -> T) -> T {
    VERSIONS.with_borrow_mut(|known| {
        let stated = known.entry(controller).or_insert_with(|| controller.text("/Version"));
        read(stated.as_ref().map(Option::as_deref).map_err(Clone::clone))
    })
}

/// The version of a controller.
pub(crate) fn version(controller: Item) -> Result<Option<Minor>, Unknown> {
    stated(controller, |stated| Ok(stated?.and_then(minor)))
}

/// The version of the controllers that an item belongs to, or of the only ones there are; none where they differ or do
/// not say.
pub(crate) fn version_for(item: Item) -> Option<Minor> {
    common(item, minor)
}

/// The same, with the number of the patch.
pub(crate) fn patch_for(item: Item) -> Option<Version> {
    common(item, patch)
}

fn common<V: PartialEq + Copy>(item: Item, parse: fn(&str) -> Option<V>) -> Option<V> {
    let own: Vec<Item> = item.linked("@controller").collect();
    let all = if own.is_empty() { select("Karpcheck::Controller").known().collect() } else { own };
    let mut versions =
        all.into_iter().map(|controller| stated(controller, |stated| stated.ok().flatten().and_then(parse)));
    let first = versions.next()??;
    versions.all(|version| version == Some(first)).then_some(first)
}

/// The newest release that the host knows: a later one is judged as this one.
pub(crate) fn newest(controller: Item) -> Minor {
    NEWEST.with_borrow_mut(|known| {
        *known.entry(controller).or_insert_with(|| {
            let releases = controller.each("/Releases").known().filter_map(|release| release.known_text());
            releases.last().as_deref().and_then(minor).unwrap_or_default()
        })
    })
}

/// Why a rule that depends on the version cannot judge: what follows from that, if there is more to say.
pub(crate) fn not_known(why: impl Into<String>) -> Unknown {
    Unknown::not_provided(why).with_code("version-not-known").settled_by(Settlement::Fact("karpenter-version".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minor_versions_are_read() {
        assert_eq!(minor("1.8.7"), Some((1, 8)));
        assert_eq!(minor("v0.37.3"), Some((0, 37)));
        assert_eq!(minor("latest"), None);
        assert_eq!(patch("v1.6.8"), Some((1, 6, 8)));
        assert_eq!(patch("1.7.3-hash-fix"), Some((1, 7, 3)));
        assert_eq!(patch("1.6"), None);
        assert!(patch("0.32.10") < Some(last_of((0, 32))));
    }
}
