//! Problems of Terraform files.

use std::sync::Arc;

super::problems! {
    /// Of Terraform files.
    pub enum TerraformProblem {
        Unread "syntax-error" NotParsed = "it is not valid HCL: it cannot be parsed";
        Unread "not-evaluated" NotEvaluated = "the Terraform files could not be evaluated";
        Unread "not-evaluated" TooMuch = "its expressions make more than karpcheck evaluates, so the rest of it is unknown: give the plan";
        Note "declared-twice" DeclaredTwice { what: Arc<str> } = "{what} is declared twice in this folder: its files are read one by one";
        Note "provider-not-read" CloudControl { resources: Addresses } = "resources of the provider awscc are not read ({resources}): karpcheck reads those of the provider aws, and with --aws what exists";
        Note "module-not-read" ModuleFolder { source: Arc<str>, calls: Calls } = "the module {source} was not read ({calls}): no files of Terraform are in that folder";
        Note "module-not-read" ModuleOfNoSource { calls: Calls } = "a module was not read ({calls}): its source is empty, or known only when Terraform runs";
        Note "module-not-read" OfTerragrunt { source: Arc<str> } = "{source}, which Terragrunt runs, was not read: give the plan (`terraform show -json PLAN`)";
        Note "module-not-read" Module { source: Arc<str>, calls: Calls } = "the module {source} was not read ({calls}): `terraform init` brings its code, or give the plan (`terraform show -json PLAN`)";
    }
}

/// The calls of a module.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Calls {
    /// The first one's name.
    pub key: Arc<str>,
    /// How many there are beside it.
    pub others: usize,
}

impl std::fmt::Display for Calls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { key, others } = self;
        match others {
            0 => write!(f, "module.{key}"),
            1 => write!(f, "module.{key} and one more call"),
            more => write!(f, "module.{key} and {more} more calls"),
        }
    }
}

/// Resources of Terraform.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Addresses {
    /// The first one's address.
    pub first: Arc<str>,
    /// How many there are beside it.
    pub others: usize,
}

impl std::fmt::Display for Addresses {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { first, others } = self;
        match others {
            0 => f.write_str(first),
            more => write!(f, "{first} and {more} more"),
        }
    }
}
