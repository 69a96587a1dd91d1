//! Gaps of Terraform: modules, plans and states.

use std::sync::Arc;

super::gaps! {
    /// Of Terraform: modules, plans and states.
    pub enum Terraform {
        "known-after-apply" AfterApply { address: Arc<str> } = "{address} is known after apply";
        "known-after-apply" MadeOf { address: Arc<str>, of: Arc<str> } = "{address} is known after apply: it is made of {of}";
        "refers-to-itself" Itself { address: Arc<str> } = "{address} refers to itself";
        "refers-to-itself" Circle { what: Arc<str> } = "{what} refers to itself, which Terraform refuses";
        "sensitive" Sensitive = "Terraform marks it as sensitive, so it was not kept";
        "known-when-terraform-runs" WhenRun { written: Arc<str> } = "{written} is known when Terraform runs";
        "known-when-terraform-runs" Instances = "what it is created for is known only when Terraform runs";
        "function-not-evaluated" Function { name: Arc<str> } = "{name}() is evaluated when Terraform runs";
        "variable-without-value" Variable { name: Arc<str> } = "the variable {name} has no value";
        "variable-of-caller" OfCaller { name: Arc<str> } = "the variable {name} has the value that a caller gives, and nothing that was read calls this module";
        "variable-without-input" Input { name: Arc<str> } = "the inputs that were read of Terragrunt do not give the variable {name}";
        "variable-in-variants" Variants { name: Arc<str>, values: Arc<str> } = "the variable {name} is {values}: name one of these files with -f, as `terraform -var-file` does";
        "null-here" NullHere { written: Arc<str> } = "{written} is null here, and a run of Terraform gives it a value";
        "attached-by-a-module" Attached { module: Arc<str> } = "the module {module} attaches it to something, and its code was not read";
        "condition-not-known" Condition { written: Arc<str> } = "it depends on {written}";
        "condition-not-known" Blocks { written: Arc<str> } = "whether there are more depends on {written}";
        "condition-not-known" Elements { written: Arc<str> } = "what is in it depends on {written}";
        "not-a-collection" NoCollection = "it is not a collection";
        "key-not-known" Key = "a key of it is not known";
        "instance-not-known" Instance { written: Arc<str> } = "which instance of {written} it is, is not known";
        "not-in-files" NotInFiles { written: Arc<str> } = "{written} is not in the files that were read";
        "module-not-read" Module { name: Arc<str> } = "the module {name} was not read: `terraform init` brings its code, or give the plan";
        "too-much-to-evaluate" TooDeep = "its expressions nest or repeat too much to be evaluated";
        "too-much-to-evaluate" TooOften = "its expressions repeat too much to be evaluated";
        "too-much-to-evaluate" TooLarge = "its expressions make more than karpcheck evaluates";
        "too-long" TooLong = "it is longer than any text that AWS takes";
        "module-version-not-known" ModuleVersion { constraint: Arc<str> } = "it differs among the versions of the module that {constraint} leaves open: state one version";
        "values-not-known" Values = "a part of the release's values is not known";
        "document-not-understood" Document = "a part of the policy document is not understood";
        "grants-of-services" Grants = "AWS services make grants that no file holds";
        "looked-up" LookedUp { address: Arc<str> } = "{address} only looks it up: what it does not say is as AWS has it";
        "refused-by-terraform" Undeclared { name: Arc<str> } = "{name} is not declared";
        "refused-by-terraform" NoFile { path: Arc<str> } = "{path} is not a file";
        "refused-by-terraform" NullInText { written: Arc<str> } = "{written} is null, which cannot be part of a string";
        "refused-by-terraform" Try = "no argument of try() can be evaluated";
        "refused-by-terraform" NoField { root: Arc<str>, field: Arc<str> } = "there is no {root}.{field} here";
        "refused-by-terraform" NoMember { of: Arc<str>, name: Arc<str> } = "{of} has no {name}";
        "refused-by-terraform" NoElement { of: Arc<str>, index: Arc<str> } = "{of} has no element {index}";
        "refused-by-terraform" Null { of: Arc<str> } = "{of} is null";
        "refused-by-terraform" None { written: Arc<str> } = "there is no {written}";
        "refused-by-terraform" Data = "data has a type and a name";
        "refused-by-terraform" NotThere = "not there";
    }
}
