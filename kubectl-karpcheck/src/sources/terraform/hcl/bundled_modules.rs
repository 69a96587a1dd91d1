//! Modules for Karpenter that karpcheck knows by itself: their code by version, so that a call alone says what it does.
//!
//! terraform-aws-modules/eks/aws//modules/karpenter, by generation. What changed within one is a fact of the version, given
//! as a variable. A version that cannot be told (none, or a range without an upper bound) is not guessed at.

use std::cell::OnceCell;
use std::path::PathBuf;

use crate::inventory::DocId;
use crate::sources::terraform::hcl::code::{Code, Source};

/// What a span of versions is made of.
struct Generation {
    /// The first version of the span: it lasts to the next row.
    from: (u64, u64),
    files: &'static [&'static str],
    facts: &'static [(&'static str, bool)],
}

const MAIN: &str = include_str!("../../../../assets/terraform/eks-karpenter-main.tf");
const VARIABLES: &str = include_str!("../../../../assets/terraform/eks-karpenter-variables.tf");
const POLICY_20: &str = include_str!("../../../../assets/terraform/eks-karpenter-policy-20.tf");
const POLICY_21: &str = include_str!("../../../../assets/terraform/eks-karpenter-policy-21.tf");
const MAIN_19: &str = include_str!("../../../../assets/terraform/eks-karpenter-main-19.tf");
const VARIABLES_19: &str = include_str!("../../../../assets/terraform/eks-karpenter-variables-19.tf");

/// By first version, ascending.
const GENERATIONS: &[Generation] = &[
    Generation { from: (19, 0), files: &[MAIN_19, VARIABLES_19], facts: &[] },
    // One document, that of Karpenter 0.33 to 0.37, and no choice.
    Generation {
        from: (20, 0),
        files: &[MAIN, VARIABLES, POLICY_20],
        facts: &[("enable_v1_permissions", false), ("since_21_18", false)],
    },
    Generation { from: (20, 24), files: &[MAIN, VARIABLES, POLICY_20], facts: &[("since_21_18", false)] },
    Generation {
        from: (21, 0),
        files: &[MAIN, VARIABLES, POLICY_21],
        facts: &[("enable_irsa", false), ("since_21_2", false), ("since_21_18", false), ("since_21_19", false)],
    },
    Generation {
        from: (21, 2),
        files: &[MAIN, VARIABLES, POLICY_21],
        facts: &[("enable_irsa", false), ("since_21_2", true), ("since_21_18", false), ("since_21_19", false)],
    },
    Generation {
        from: (21, 18),
        files: &[MAIN, VARIABLES, POLICY_21],
        facts: &[("enable_irsa", false), ("since_21_2", true), ("since_21_18", true), ("since_21_19", false)],
    },
    Generation {
        from: (21, 19),
        files: &[MAIN, VARIABLES, POLICY_21],
        facts: &[("enable_irsa", false), ("since_21_2", true), ("since_21_18", true), ("since_21_19", true)],
    },
];
/// The newest major version that is known.
const NEWEST: u64 = 21;

/// The parsed files, made when a call wants them.
pub(super) struct Sources([OnceCell<Vec<Source>>; GENERATIONS.len()]);

impl Default for Sources {
    fn default() -> Self {
        Self(std::array::from_fn(|_| OnceCell::new()))
    }
}

/// The modules.
pub(super) struct Known<'k> {
    sources: &'k Sources,
    codes: [OnceCell<Code<'k>>; GENERATIONS.len()],
}

impl<'k> Known<'k> {
    pub(super) fn new(sources: &'k Sources) -> Self {
        Self { sources, codes: std::array::from_fn(|_| OnceCell::new()) }
    }

    /// The code that a call means.
    pub(super) fn find(&self, source: &str, version: Option<&str>) -> Option<&Code<'k>> {
        let (module, reference) = source.split_once("?ref=").map_or((source, None), |(module, r)| (module, Some(r)));
        let karpenter = module.trim_end_matches('/').ends_with("//modules/karpenter");
        if !karpenter || !(module.contains("terraform-aws-modules/eks/aws") || module.contains("terraform-aws-eks")) {
            return None;
        }
        let wanted = version_of(version.or(reference)?)?;
        let index = GENERATIONS.iter().rposition(|generation| generation.from <= wanted)?;
        let generation = &GENERATIONS[index];
        let sources = self.sources.0[index].get_or_init(|| {
            let parse = |text: &&str| Source::parse(DocId(0), (*text).to_owned()).ok();
            generation.files.iter().filter_map(parse).collect()
        });
        Some(self.codes[index].get_or_init(|| {
            let all: Vec<&'k Source> = sources.iter().collect();
            let mut code = Code::new(PathBuf::new(), &all).0;
            code.known = true;
            code.facts = generation.facts.to_vec();
            code
        }))
    }
}

/// Major and minor of what `terraform init` installs: of `~> 20.31` the newest 20, which is known.
fn version_of(constraint: &str) -> Option<(u64, u64)> {
    let text = constraint.trim();
    let (range, number) = match text.strip_prefix("~>") {
        Some(rest) => (true, rest.trim()),
        None => (false, text.trim_start_matches('=').trim().trim_start_matches('v')),
    };
    let parts: Vec<u64> = number.split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let (major, minor) = match (range, parts.as_slice()) {
        (true, [major, _]) => (*major, u64::MAX),
        (_, [major, minor, _]) => (*major, *minor),
        _ => return None,
    };
    (major <= NEWEST).then_some((major, minor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_known_code_is_parsed() {
        for generation in GENERATIONS {
            for text in generation.files {
                Source::parse(DocId(0), (*text).to_owned()).expect("it is HCL");
            }
        }
    }

    #[test]
    fn versions_are_what_init_installs() {
        for (constraint, version) in [
            ("20.37.2", Some((20, 37))),
            ("= 19.21.0", Some((19, 21))),
            ("v20.24.0", Some((20, 24))),
            ("~> 20.31", Some((20, u64::MAX))),
            ("~> 20.31.1", Some((20, 31))),
            (">= 20.0", None),
            (">= 20.0, < 21.0", None),
            ("~> 99.0", None),
            ("", None),
        ] {
            assert_eq!(version_of(constraint), version, "{constraint}");
        }
    }
}
