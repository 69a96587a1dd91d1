//! Karpenter's releases. A new one is a row here, and nowhere else.

/// Major and minor: `(1, 8)` of `1.8.7`.
pub type Minor = (u64, u64);

/// The minor releases that the rules know, in their order, from the first one with an interruption queue on.
/// Source: the tags of <https://github.com/aws/karpenter-provider-aws>.
pub const RELEASES: &[Minor] = &[
    (0, 19),
    (0, 20),
    (0, 21),
    (0, 22),
    (0, 23),
    (0, 24),
    (0, 25),
    (0, 26),
    (0, 27),
    (0, 28),
    (0, 29),
    (0, 30),
    (0, 31),
    (0, 32),
    (0, 33),
    (0, 34),
    (0, 35),
    (0, 36),
    (0, 37),
    (1, 0),
    (1, 1),
    (1, 2),
    (1, 3),
    (1, 4),
    (1, 5),
    (1, 6),
    (1, 7),
    (1, 8),
    (1, 9),
    (1, 10),
    (1, 11),
    (1, 12),
    (1, 13),
    (1, 14),
];

/// The newest release that is known; a later one is judged as this one.
pub const NEWEST: Minor = RELEASES[RELEASES.len() - 1];

/// `1.0`.
pub fn written((major, minor): Minor) -> String {
    format!("{major}.{minor}")
}

/// Major, minor and patch.
pub fn parts(version: &str) -> Option<(u64, u64, u64)> {
    let version = semver::Version::parse(version).ok()?;
    Some((version.major, version.minor, version.patch))
}

/// Major and minor.
pub fn minor(version: &str) -> Option<Minor> {
    parts(version).map(|(major, minor, _)| (major, minor))
}

/// `v1.8.7`, `1.8.7` or `1.8` as `1.8.7`: the version in an image's tag or a chart's version.
pub(crate) fn number(tag: &str) -> Option<String> {
    let tag = tag.trim_start_matches('v');
    let plain = tag.split(['-', '+', '_']).next()?;
    let mut parts = plain.split('.');
    let numbers: Vec<u32> = parts.by_ref().take(3).map_while(|part| part.parse().ok()).collect();
    match (numbers.as_slice(), parts.next()) {
        ([major, minor], None) if plain.matches('.').count() == 1 => Some(format!("{major}.{minor}.0")),
        ([major, minor, patch], None) => Some(format!("{major}.{minor}.{patch}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_in_their_order() {
        assert!(RELEASES.is_sorted_by(|one, next| one < next));
    }

    #[test]
    fn versions_are_read_from_tags() {
        for (tag, version) in [("v1.8.7", "1.8.7"), ("1.8", "1.8.0"), ("v0.37.0-rc.1", "0.37.0")] {
            assert_eq!(number(tag).as_deref(), Some(version), "{tag}");
        }
        for tag in ["latest", "1", "1.x.2", "1.2.3.4"] {
            assert_eq!(number(tag), None, "{tag}");
        }
    }
}
