//! Which versions of Kubernetes a release of Karpenter supports.
//!
//! From Karpenter's own table, from which its documentation is generated: hack/docs/compatibilitymatrix_gen/compatibility.yaml
//! of aws/karpenter-provider-aws, at 1d927085d (2026-08-21). <https://karpenter.sh/docs/upgrading/compatibility/>

use crate::karpenter::releases::{Minor, NEWEST};

/// Where the table is to be read.
pub const SOURCE: &str = "https://karpenter.sh/docs/upgrading/compatibility/";

/// The first release of a range, and the oldest and newest Kubernetes that it supports.
type Row = ((u64, u64, u64), Minor, Minor);

const SUPPORTED: &[Row] = &[
    ((0, 21, 0), (1, 21), (1, 24)),
    ((0, 25, 0), (1, 21), (1, 25)),
    ((0, 28, 0), (1, 23), (1, 27)),
    ((0, 31, 0), (1, 23), (1, 28)),
    ((0, 34, 0), (1, 23), (1, 29)),
    ((0, 37, 0), (1, 23), (1, 30)),
    ((1, 0, 0), (1, 25), (1, 30)),
    ((1, 0, 5), (1, 25), (1, 31)),
    ((1, 2, 0), (1, 25), (1, 32)),
    ((1, 5, 0), (1, 26), (1, 33)),
    ((1, 6, 0), (1, 26), (1, 34)),
    ((1, 9, 0), (1, 26), (1, 35)),
    ((1, 13, 0), (1, 26), (1, 36)),
];

/// The oldest and the newest version of Kubernetes that a release supports; none for one that the table does not have.
pub fn supported(release: (u64, u64, u64)) -> Option<(Minor, Minor)> {
    if (release.0, release.1) > NEWEST {
        return None;
    }
    SUPPORTED.iter().rev().find(|(first, ..)| *first <= release).map(|(_, oldest, newest)| (*oldest, *newest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_support_what_the_table_says() {
        assert_eq!(supported((0, 37, 8)), Some(((1, 23), (1, 30))));
        assert_eq!(supported((1, 0, 4)), Some(((1, 25), (1, 30))));
        assert_eq!(supported((1, 1, 0)), Some(((1, 25), (1, 31))));
        assert_eq!(supported((1, 13, 1)), Some(((1, 26), (1, 36))));
        assert_eq!(supported((NEWEST.0, NEWEST.1 + 1, 0)), None);
        assert_eq!(supported((0, 20, 0)), None);
        assert!(SUPPORTED.is_sorted());
    }
}
