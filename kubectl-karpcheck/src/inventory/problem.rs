//! What could not be read, or is worth saying about what was read. The run goes on.
//!
//! As with a [reason](crate::inventory::reason), the parts of a problem are compared and its sentence never is: each area has
//! its codes, fields and sentences in one file (`problems!`).

use std::fmt;
use std::sync::Arc;

use crate::inventory::node::At;
use crate::inventory::reason::Reason;
use crate::inventory::wording::Wording;

mod aws;
mod cluster;
mod files;
mod flags;
mod kubernetes;
mod packs;
mod policies;
mod suppressions;
mod templates;
mod terraform;

pub use aws::{AwsProblem, Days, Times};
pub use cluster::{ClusterProblem, ReadContext, SnapshotFile};
pub use files::{FileFormat, FileProblem, IsCut, Megabytes};
pub use flags::{FlagProblem, MissingParts};
pub use kubernetes::KubernetesProblem;
pub use packs::{Clause, PackProblem};
pub use policies::PolicyProblem;
pub use suppressions::SuppressionProblem;
pub use templates::{TemplateProblem, Written};
pub use terraform::{Addresses, Calls, TerraformProblem};

/// What a problem means for the run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ProblemClass {
    /// Worth saying, but nothing that was asked for is missing.
    Note,
    /// Something that was asked for could not be read: the run is not complete.
    Unread,
    /// The job could not be done whole: exit code 3.
    Fatal,
}

impl ProblemClass {
    const ALL: [Self; 3] = [Self::Note, Self::Unread, Self::Fatal];

    /// Its word in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Unread => "unread",
            Self::Fatal => "fatal",
        }
    }

    /// By its word in reports.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == word)
    }
}

/// Something could not be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// What, with the fields of its sentence.
    pub kind: ProblemKind,
    /// What it means for the run.
    pub class: ProblemClass,
    /// The reasons that it leaves in what depends on it.
    pub reasons: Vec<Reason>,
    /// Where.
    pub at: Option<At>,
    /// The context that it is about, where it has no place; empty where there is only one world.
    pub context: Arc<str>,
    wording: Wording,
}

impl Problem {
    /// A problem of the class that its code has in the catalogue.
    pub fn new(kind: impl Into<ProblemKind>, at: Option<At>) -> Self {
        let kind = kind.into();
        Self { class: kind.class(), kind, reasons: vec![], at, context: "".into(), wording: Wording::default() }
    }

    /// The same problem where who asked decides what it means: a file that was named, a list that a rule can do without.
    #[must_use]
    pub fn as_class(self, class: ProblemClass) -> Self {
        Self { class, ..self }
    }

    /// The same problem, as what leaves these reasons.
    #[must_use]
    pub fn leaving(self, reasons: impl IntoIterator<Item = Reason>) -> Self {
        Self { reasons: reasons.into_iter().collect(), ..self }
    }

    /// The same problem, about one context.
    #[must_use]
    pub fn in_context(self, context: &str) -> Self {
        Self { context: context.into(), ..self }
    }

    /// The same problem in other words.
    #[must_use]
    pub fn worded(self, wording: Wording) -> Self {
        Self { wording, ..self }
    }

    /// What it is, as a stable kebab-case word.
    pub fn code(&self) -> &'static str {
        self.kind.code()
    }

    /// Could the job not be done whole (exit code 3)?
    pub const fn is_fatal(&self) -> bool {
        matches!(self.class, ProblemClass::Fatal)
    }

    /// Is something missing that was asked for, so that the run is not complete?
    pub const fn is_incomplete(&self) -> bool {
        matches!(self.class, ProblemClass::Unread | ProblemClass::Fatal)
    }
}

/// One sentence: what, and what to do about it.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.context.is_empty() {
            write!(f, "context {}: ", self.context)?;
        }
        f.write_str(&self.wording.of(self.kind.to_string()))
    }
}

macro_rules! areas {
    ($($name:ident($area:ident)),+ $(,)?) => {
        /// What could not be read, by area.
        #[derive(Clone, PartialEq, Eq, Hash, Debug)]
        pub enum ProblemKind {
            $( #[doc = concat!("See [`", stringify!($area), "`].")] $name($area), )+
        }

        impl ProblemKind {
            /// Its stable kebab-case word.
            pub const fn code(&self) -> &'static str {
                match self {
                    $( Self::$name(kind) => kind.code(), )+
                }
            }

            /// What it means for the run, unless who asked decides.
            pub const fn class(&self) -> ProblemClass {
                match self {
                    $( Self::$name(kind) => kind.class(), )+
                }
            }
        }

        impl fmt::Display for ProblemKind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $( Self::$name(kind) => kind.fmt(f), )+
                }
            }
        }

        $(
            impl From<$area> for ProblemKind {
                fn from(kind: $area) -> Self {
                    Self::$name(kind)
                }
            }
        )+

        /// All codes, by area.
        #[cfg(test)]
        const CODES: &[&[&str]] = &[$($area::CODES),+];
    };
}
areas!(
    Aws(AwsProblem),
    Cluster(ClusterProblem),
    File(FileProblem),
    Flag(FlagProblem),
    Kubernetes(KubernetesProblem),
    Pack(PackProblem),
    Policy(PolicyProblem),
    Suppression(SuppressionProblem),
    Template(TemplateProblem),
    Terraform(TerraformProblem),
);

/// The problems of one area: the class, the code, the fields and the sentence side by side.
macro_rules! problems {
    (
        $(#[$doc:meta])*
        pub enum $area:ident {
            $( $class:ident $code:literal $kind:ident $({ $($field:ident: $type:ty),+ $(,)? })? = $words:literal; )+
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, Debug)]
        pub enum $area {
            $(
                #[doc = $words]
                $kind $({ $(#[doc = concat!("`{", stringify!($field), "}` of the sentence.")] $field: $type),+ })?,
            )+
        }

        impl $area {
            /// All codes of the area.
            #[cfg(test)]
            pub(super) const CODES: &[&str] = &[$($code),+];

            /// Its stable kebab-case word.
            pub const fn code(&self) -> &'static str {
                match self {
                    $( Self::$kind { .. } => $code, )+
                }
            }

            /// What it means for the run, unless who asked decides.
            pub const fn class(&self) -> $crate::inventory::problem::ProblemClass {
                match self {
                    $( Self::$kind { .. } => $crate::inventory::problem::ProblemClass::$class, )+
                }
            }
        }

        impl std::fmt::Display for $area {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self {
                    $(
                        Self::$kind $({ $($field),+ })? => {
                            $( $( let _ = $field; )+ )?
                            write!(f, $words)
                        }
                    )+
                }
            }
        }
    };
}
use problems;

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
