//! What well-known Terraform modules make for Karpenter, by version and input: roles and whom they trust, what their
//! policies allow, the queue with its rules, names. A call then says what it does without the module's code.
//!
//! Values are written as Terraform writes them (`${var.cluster_name}`), as that is how the inputs of a call get into them.
//! A fact may hold in some versions only. Where a call leaves several versions open and a fact does not hold in all of
//! them, what it decides is unknown.

mod eks_karpenter;
mod eks_karpenter_19;
mod iam_role_for_service_accounts;
mod shared;

/// Major, minor and patch.
pub type Version = (u64, u64, u64);

/// Some versions of a module: from the first one up to the second, which is not among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Versions {
    /// The first one.
    pub from: Version,
    /// The first one after them.
    pub until: Version,
}

/// After every version.
const END: Version = (u64::MAX, 0, 0);
/// All versions.
const ALL: Versions = Versions { from: (0, 0, 0), until: END };

const fn since(from: Version) -> Versions {
    Versions { from, until: END }
}

const fn before(until: Version) -> Versions {
    Versions { from: (0, 0, 0), until }
}

/// How the versions that a call leaves open lie to those of a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// The fact holds in all of them.
    Yes,
    /// It holds in none of them.
    No,
    /// It holds in some of them.
    Perhaps,
}

impl Versions {
    /// Does a fact of these versions hold in the ones that a call leaves open?
    pub fn hold(self, open: Self) -> Holds {
        if self.from <= open.from && open.until <= self.until {
            Holds::Yes
        } else if open.until <= self.from || self.until <= open.from {
            Holds::No
        } else {
            Holds::Perhaps
        }
    }

    /// The versions that satisfy a constraint such as `~> 20.24` or `>= 20.0, < 21.0`. None without an upper bound, and
    /// of what is no constraint (a branch, a commit).
    pub fn satisfying(constraint: &str) -> Option<Self> {
        let mut all = ALL;
        for part in constraint.split(',').map(str::trim) {
            let (operator, number) = part.split_at(part.find(|c: char| c.is_ascii_digit() || c == 'v')?);
            let number = number.trim_start_matches('v');
            let parts: Vec<u64> = number.split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
            let version = (*parts.first()?, parts.get(1).copied().unwrap_or(0), parts.get(2).copied().unwrap_or(0));
            let (major, minor, patch) = version;
            let next = (major, minor, patch.checked_add(1)?);
            let these = match operator.trim() {
                "" | "=" => Self { from: version, until: next },
                "~>" if parts.len() > 2 => Self { from: version, until: (major, minor.checked_add(1)?, 0) },
                "~>" if parts.len() == 2 => Self { from: version, until: (major.checked_add(1)?, 0, 0) },
                ">=" => since(version),
                ">" => since(next),
                "<" => before(version),
                "<=" => before(next),
                // A version that is left out is one of many.
                "!=" => ALL,
                _ => return None,
            };
            all = Self { from: all.from.max(these.from), until: all.until.min(these.until) };
        }
        (all.until != END && all.from < all.until).then_some(all)
    }
}

/// A text in a list.
#[derive(Clone, Copy, Debug)]
pub struct Word {
    /// The versions that have it.
    pub versions: Versions,
    /// With the inputs in it.
    pub text: &'static str,
}

const fn word(text: &'static str) -> Word {
    Word { versions: ALL, text }
}

const fn new_in(from: Version, text: &'static str) -> Word {
    Word { versions: since(from), text }
}

/// A list of strings.
#[derive(Clone, Copy, Debug)]
pub enum Words {
    /// As they are.
    These(&'static [Word]),
    /// An expression over the inputs.
    Of(&'static str),
}

/// A condition of a statement.
#[derive(Clone, Copy, Debug)]
pub struct Condition {
    /// `StringEquals`.
    pub test: &'static str,
    /// `aws:RequestedRegion`.
    pub key: &'static str,
    /// Any of these.
    pub values: Words,
}

const fn condition(test: &'static str, key: &'static str, values: &'static [Word]) -> Condition {
    Condition { test, key, values: Words::These(values) }
}

/// A statement of a policy document.
#[derive(Clone, Copy, Debug)]
pub struct Statement {
    /// The versions that have it.
    pub versions: Versions,
    /// A condition over the inputs; empty where it is always there.
    pub when: &'static str,
    /// A map, for each entry of which there is one, as `statement.value`; empty where there is one.
    pub each: &'static str,
    /// Empty where it has none.
    pub sid: &'static str,
    /// `Allow` or `Deny`.
    pub effect: &'static str,
    /// Its actions.
    pub actions: Words,
    /// Its resources; none in a trust policy.
    pub resources: Words,
    /// The type of its principals, and these; none in a policy of a role.
    pub principals: Option<(&'static str, Words)>,
    /// All of them must hold.
    pub conditions: &'static [Condition],
}

impl Statement {
    const EMPTY: Self = Self {
        versions: ALL,
        when: "",
        each: "",
        sid: "",
        effect: "Allow",
        actions: Words::These(&[]),
        resources: Words::These(&[]),
        principals: None,
        conditions: &[],
    };
}

/// A policy document.
#[derive(Clone, Copy, Debug)]
pub struct Document {
    /// What it is called in the expressions of [`Made`].
    pub name: &'static str,
    /// Its statements: groups of them, each with the condition over the inputs under which it is there.
    pub statements: &'static [(&'static str, &'static [Statement])],
    /// Inputs that bring statements of the caller's.
    pub given: &'static [Given],
    /// Other arguments of the document: inputs with whole documents in them.
    pub arguments: &'static [Argument],
}

impl Document {
    const EMPTY: Self = Self { name: "", statements: &[], given: &[], arguments: &[] };
}

/// An input that brings statements of the caller's.
#[derive(Clone, Copy, Debug)]
pub struct Given {
    /// The versions that take it.
    pub versions: Versions,
    /// `iam_policy_statements`.
    pub input: &'static str,
    /// What conditions are called in it.
    pub conditions: &'static str,
    /// The `sid` of a `statement`.
    pub sid: &'static str,
}

/// An argument of something made, as an expression over the inputs.
#[derive(Clone, Copy, Debug)]
pub struct Argument {
    /// The versions that set it.
    pub versions: Versions,
    /// `kms_master_key_id`.
    pub name: &'static str,
    /// `var.queue_kms_master_key_id`.
    pub value: &'static str,
}

const fn argument(name: &'static str, value: &'static str) -> Argument {
    Argument { versions: ALL, name, value }
}

/// A resource that the module makes.
#[derive(Clone, Copy, Debug)]
pub struct Made {
    /// The versions that make it.
    pub versions: Versions,
    /// `aws_iam_role`.
    pub kind: &'static str,
    /// `controller`: addresses have it.
    pub name: &'static str,
    /// The inputs under which it is made.
    pub when: &'static str,
    /// A map, for each entry of which one is made; none where it is one.
    pub each: Option<&'static str>,
    /// What is said of it.
    pub arguments: &'static [Argument],
}

/// An event that is sent to the queue.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    /// The versions that have a rule for it.
    pub versions: Versions,
    /// The key of its rule.
    pub key: &'static str,
    /// The name of its rule, after the prefix.
    pub name: &'static str,
    /// `aws.ec2`.
    pub source: &'static str,
    /// `EC2 Instance State-change Notification`.
    pub detail_type: &'static str,
}

/// A module, over versions that differ in facts only.
#[derive(Clone, Copy, Debug)]
pub struct Module {
    /// The repository in the registry: `terraform-aws-modules/eks/aws`.
    pub registry: &'static str,
    /// The repository's name: `terraform-aws-eks`.
    pub repository: &'static str,
    /// The folder in it: `modules/karpenter`.
    pub folder: &'static str,
    /// The versions that are described; later ones of the last major version are taken for the newest known.
    pub versions: Versions,
    /// How inputs start of which exactly one may be given, and that one. Others bring what is not described here. Empty
    /// where every call is described.
    pub asked_with: (&'static str, &'static str),
    /// The inputs and what they are by default.
    pub inputs: &'static [Argument],
    /// Inputs that a version does not have, and what takes their place there.
    pub fixed: &'static [(Versions, &'static str, bool)],
    /// Expressions that several others use. Of several that hold the last one counts.
    pub locals: &'static [Argument],
    /// The events that rules send to the queue, as the local `events`.
    pub events: &'static [Event],
    /// The documents of its policies.
    pub documents: &'static [Document],
    /// What it makes.
    pub makes: &'static [Made],
    /// What it tells its caller.
    pub outputs: &'static [(&'static str, &'static str)],
}

/// All of them.
pub const MODULES: &[&Module] =
    &[&eks_karpenter_19::MODULE, &eks_karpenter::MODULE, &iam_role_for_service_accounts::MODULE];

/// The module that a call names with its `source` and `version`, and the versions that the call leaves open. `inputs` are
/// the names of what the call gives.
pub fn find(source: &str, version: Option<&str>, inputs: &[&str]) -> Option<(&'static Module, Versions)> {
    let (path, reference) = source.split_once("?ref=").map_or((source, None), |(path, r)| (path, Some(r)));
    let (repository, folder) = path.trim_end_matches('/').rsplit_once("//")?;
    let repository = repository.trim_end_matches(".git");
    let open = Versions::satisfying(version.or(reference)?)?;
    let module = MODULES.iter().find(|module| {
        let registry = repository == module.registry || repository.ends_with(&format!("/{}", module.registry));
        let git = repository.ends_with(&format!("terraform-aws-modules/{}", module.repository));
        folder == module.folder && (registry || git) && module.versions.hold(open) == Holds::Yes
    })?;
    let (start, only) = module.asked_with;
    let mut asked = inputs.iter().filter(|input| !start.is_empty() && input.starts_with(start));
    (start.is_empty() || (asked.next() == Some(&only) && asked.next().is_none())).then_some((*module, open))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constraint_leaves_versions_open() {
        let versions = |from, until| Some(Versions { from, until });
        for (constraint, open) in [
            ("20.37.2", versions((20, 37, 2), (20, 37, 3))),
            ("= 19.21.0", versions((19, 21, 0), (19, 21, 1))),
            ("v20.24.0", versions((20, 24, 0), (20, 24, 1))),
            ("~> 20.31", versions((20, 31, 0), (21, 0, 0))),
            ("~> 20.31.1", versions((20, 31, 1), (20, 32, 0))),
            (">= 20.0, < 21.0", versions((20, 0, 0), (21, 0, 0))),
            (">= 20.0", None),
            ("~> 20", None),
            ("main", None),
            ("4f60b8e", None),
            ("", None),
        ] {
            assert_eq!(Versions::satisfying(constraint), open, "{constraint}");
        }
    }

    #[test]
    fn a_module_is_found_by_source_and_version() {
        let found = |source, version| find(source, version, &[]).map(|(module, _)| module.versions.from.0);
        let registry = "terraform-aws-modules/eks/aws//modules/karpenter";
        let git = "git::https://github.com/terraform-aws-modules/terraform-aws-eks.git//modules/karpenter?ref=v20.8.4";
        assert_eq!(found(registry, Some("~> 19.15")), Some(19));
        assert_eq!(found(registry, Some("21.3.0")), Some(20));
        assert_eq!(found(git, None), Some(20));
        assert_eq!(found(registry, None), None);
        // Versions of both descriptions, and later ones.
        assert_eq!(found(registry, Some(">= 19.0, < 21.0")), None);
        assert_eq!(found(registry, Some("~> 99.0")), None);
        assert_eq!(found("somebody/eks/aws//modules/karpenter", Some("20.8.4")), None);
    }

    #[test]
    fn a_fact_holds_in_all_some_or_none_of_the_open_versions() {
        let open = Versions { from: (20, 24, 0), until: (21, 0, 0) };
        assert_eq!(since((20, 24, 0)).hold(open), Holds::Yes);
        assert_eq!(since((20, 37, 2)).hold(open), Holds::Perhaps);
        assert_eq!(before((20, 24, 0)).hold(open), Holds::No);
    }
}
