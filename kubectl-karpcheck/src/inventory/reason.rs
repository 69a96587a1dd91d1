//! Why something is unknown: what kind of ignorance it is, what exactly is missing as a code with fields, and what the user can
//! add to settle it.
//!
//! The parts of a reason are compared, its sentence never is: [`Display`](fmt::Display) writes it from the code and the
//! fields, and each area has its sentences in one file (`gaps!`). So a wording can change without changing a verdict, a group
//! or the next step, and a test that rewrites every sentence shows it.

use std::fmt;
use std::sync::Arc;

use crate::inventory::id::ItemId;

mod aws;
mod cluster;
mod documents;
mod iam;
mod inventory;
mod karpenter;
mod kubernetes;
mod rules;
mod templates;
mod terraform;

pub use aws::Answers;
pub use cluster::Live;
pub use documents::Documents;
pub use iam::Iam;
pub use inventory::Gathered;
pub use karpenter::Controller;
pub use kubernetes::Objects;
pub use rules::Rules;
pub use templates::Template;
pub use terraform::Terraform;

/// What kind of ignorance an unknown is: the causes of the contract.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Cause {
    /// It was not given.
    NotProvided,
    /// RBAC or IAM refused it.
    Refused,
    /// A timeout, an unreadable source.
    Failed,
    /// A parameter, a placeholder, a value known after apply.
    Symbolic,
    /// Given, but not decidable here.
    Undecidable,
}

impl Cause {
    /// The word of the contract and of the report.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotProvided => "not-provided",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Symbolic => "symbolic",
            Self::Undecidable => "undecidable",
        }
    }

    /// Was it asked for, and no answer came? That is worth a line, where what nobody gave is expected.
    pub const fn is_unanswered(self) -> bool {
        matches!(self, Self::Refused | Self::Failed)
    }

    /// The cause that a pack named. An unknown word is `undecidable`: the contract allows more words later.
    pub fn parse(word: &str) -> Self {
        match word {
            "not-provided" => Self::NotProvided,
            "refused" => Self::Refused,
            "failed" => Self::Failed,
            "symbolic" => Self::Symbolic,
            _ => Self::Undecidable,
        }
    }
}

/// A fact that the user can state on the command line.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Fact {
    /// Twelve digits.
    Account,
    /// `eu-west-1`.
    Region,
    /// `aws-cn`.
    Partition,
    /// The EKS cluster's name.
    ClusterName,
    /// The version of Karpenter that runs.
    KarpenterVersion,
}

impl Fact {
    const ALL: [Self; 5] = [Self::Account, Self::Region, Self::Partition, Self::ClusterName, Self::KarpenterVersion];

    /// The word of the contract, which is the flag without its dashes.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Region => "region",
            Self::Partition => "partition",
            Self::ClusterName => "cluster-name",
            Self::KarpenterVersion => "karpenter-version",
        }
    }

    /// The fact of a word of the contract.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fact| fact.as_str() == word)
    }
}

/// Something that the user can add to settle an unknown.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Settlement {
    /// A fact to state.
    Fact(Fact),
    /// Items of a kind, from a file, a cluster or AWS.
    Kind(Arc<str>),
    /// What AWS says of this item.
    Item(ItemId),
}

impl Settlement {
    /// Items of a kind.
    pub fn kind(kind: impl Into<Arc<str>>) -> Self {
        Self::Kind(kind.into())
    }
}

/// Why something is unknown. Cheap to clone; equal where cause, code and fields are equal.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Reason {
    /// What kind of ignorance.
    pub cause: Cause,
    /// What exactly is missing.
    pub gap: Arc<Gap>,
}

impl Reason {
    /// A reason for a gap.
    pub fn new(cause: Cause, gap: impl Into<Gap>) -> Self {
        Self { cause, gap: Arc::new(gap.into()) }
    }

    /// The same gap where it is another kind of ignorance: what a failed call leaves unknown in what depends on it.
    #[must_use]
    pub fn as_cause(&self, cause: Cause) -> Self {
        Self { cause, gap: Arc::clone(&self.gap) }
    }

    /// What exactly, as the contract's stable kebab-case word; empty where a pack gave none.
    pub fn code(&self) -> &str {
        self.gap.code()
    }

    /// What would settle it, the nearest first. Empty where nothing that the user can give would.
    pub fn settlements(&self) -> Vec<Settlement> {
        self.gap.settlements()
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.gap.fmt(f)
    }
}

/// What exactly is missing: an enum for each area, and what a pack says of its own.
macro_rules! areas {
    ($($area:ident),+) => {
        /// What exactly is missing, by area.
        #[derive(Clone, PartialEq, Eq, Hash, Debug)]
        pub enum Gap {
            $( #[doc = concat!("See [`", stringify!($area), "`].")] $area($area), )+
            /// A pack's own, as the contract carries it.
            Pack {
                /// Kebab-case; may be empty.
                code: Arc<str>,
                /// The sentence.
                why: Arc<str>,
                /// What would settle it.
                settled_by: Vec<Settlement>,
            },
        }

        impl Gap {
            fn code(&self) -> &str {
                match self {
                    $( Self::$area(gap) => gap.code(), )+
                    Self::Pack { code, .. } => code,
                }
            }

            fn settlements(&self) -> Vec<Settlement> {
                match self {
                    $( Self::$area(gap) => gap.settlements(), )+
                    Self::Pack { settled_by, .. } => settled_by.clone(),
                }
            }
        }

        impl fmt::Display for Gap {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $( Self::$area(gap) => gap.fmt(f), )+
                    Self::Pack { why, .. } => f.write_str(why),
                }
            }
        }

        $(
            impl From<$area> for Gap {
                fn from(gap: $area) -> Self {
                    Self::$area(gap)
                }
            }
        )+

        /// All codes, by area.
        #[cfg(test)]
        const CODES: &[&[&str]] = &[$($area::CODES),+];
    };
}
areas!(Answers, Controller, Documents, Gathered, Iam, Live, Objects, Rules, Template, Terraform);

impl Gap {
    /// What a pack gives as the reason, without a code.
    pub fn said(why: impl Into<Arc<str>>) -> Self {
        Self::Pack { code: "".into(), why: why.into(), settled_by: vec![] }
    }
}

/// What is missing there is missing here.
impl From<Reason> for Gap {
    fn from(reason: Reason) -> Self {
        Arc::unwrap_or_clone(reason.gap)
    }
}

/// The gaps of one area: the code, the fields, the sentence and what would settle it, side by side.
macro_rules! gaps {
    (
        $(#[$doc:meta])*
        pub enum $area:ident {
            $( $code:literal $gap:ident $({ $($field:ident: $type:ty),+ $(,)? })? = $words:literal $(, settled by $settled:expr)?; )+
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, Debug)]
        pub enum $area {
            $(
                #[doc = $words]
                $gap $({ $(#[doc = concat!("`{", stringify!($field), "}` of the sentence.")] $field: $type),+ })?,
            )+
        }

        impl $area {
            /// All codes of the area.
            pub const CODES: &[&str] = &[$($code),+];

            /// The contract's word.
            pub const fn code(&self) -> &'static str {
                match self {
                    $( Self::$gap { .. } => $code, )+
                }
            }

            /// What would settle it.
            pub fn settlements(&self) -> Vec<$crate::inventory::reason::Settlement> {
                match self {
                    $(
                        Self::$gap $({ $($field),+ })? => {
                            $( $( let _ = $field; )+ )?
                            let settlements: Vec<Option<$crate::inventory::reason::Settlement>> = vec![$($settled.into())?];
                            settlements.into_iter().flatten().collect()
                        }
                    )+
                }
            }
        }

        impl std::fmt::Display for $area {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self {
                    $(
                        Self::$gap $({ $($field),+ })? => {
                            $( $( let _ = $field; )+ )?
                            write!(f, $words)
                        }
                    )+
                }
            }
        }
    };
}
use gaps;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_kebab_case() {
        for code in CODES.iter().copied().flatten() {
            let kebab = !code.is_empty()
                && code.split('-').all(|word| {
                    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
                });
            assert!(kebab, "{code}");
        }
    }
}
