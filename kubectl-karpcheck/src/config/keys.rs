//! The keys of the configuration: what is accepted, what the schema says and what the documentation lists are made of this table.

use crate::config::values;

/// A key of a table.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: &'static str,
    /// What it does, in the words of the documentation.
    pub(super) docs: &'static str,
    pub(super) kind: Kind,
    pub(super) required: bool,
}

/// What a key takes.
#[derive(Debug)]
pub(super) enum Kind {
    /// `true` or `false`.
    Flag,
    /// A text.
    Text(&'static Format),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A list.
    List(&'static Self),
    /// A table with these keys.
    Table(&'static [&'static [Key]]),
    /// `[[name]]`: tables with these keys.
    Tables(&'static [&'static [Key]]),
    /// A table whose keys are names of the user's; `names` says of what.
    Map { names: &'static str, of: &'static Self },
    /// Any value.
    Any,
}

/// What a text looks like.
#[derive(Debug)]
pub(super) struct Format {
    /// As JSON Schema's pattern; empty where none says it.
    pub(super) pattern: &'static str,
    /// Reads it; the error says what it looks like.
    pub(super) read: fn(&str) -> Result<String, String>,
}

const DATE: &Format = &Format { pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", read: values::date };
const TEXT: &Format = &Format { pattern: "", read: filled };
const VERSION: &Format = &Format { pattern: "^v?[0-9]+\\.[0-9]+(\\.[0-9]+)?$", read: values::version };
const ACCOUNT: &Format = &Format { pattern: "^[0-9]{12}$", read: values::account };
const REGION: &Format = &Format { pattern: "^[a-z]+(-[a-z]+)+-[0-9]+$", read: values::region };
const PARTITION: &Format = &Format { pattern: "^aws(-.*)?$", read: values::partition };
const DIGEST: &Format = &Format { pattern: "^sha256:[0-9a-f]{64}$", read: values::digest };
const REFERENCE: &Format = &Format { pattern: "^(oci://)?[^/@]+/[^@]+([:@].+)$", read: values::reference };
const ANY: &Format = &Format { pattern: "", read: |text| Ok(text.to_owned()) };
const OUTPUT: &Format = &Format {
    pattern: "^(table|wide|json|yaml|name|sarif|junit|github|gitlab|markdown|html|diff)(=[^./\\\\][^=]*)?$",
    read: values::output,
};
const GLOB: &Format = &Format { pattern: "", read: values::glob };

fn filled(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err("it must not be empty".into()) } else { Ok(text.to_owned()) }
}

/// A key that may be left out.
const fn key(name: &'static str, kind: Kind, docs: &'static str) -> Key {
    Key { name, docs, kind, required: false }
}

/// A key that must be there.
const fn required(name: &'static str, kind: Kind, docs: &'static str) -> Key {
    Key { name, docs, kind, required: true }
}

/// The file as a whole.
pub(super) const FILE: &[&[Key]] = &[&[
    key(
        "fail-on",
        Kind::Choice(&["error", "warning", "info", "new", "none"]),
        "As `--fail-on`: the least severity of a finding that makes the exit code 1.",
    ),
    key(
        "min-confidence",
        Kind::Choice(&["high", "medium", "low"]),
        "As `--min-confidence`: findings of less confidence are not reported.",
    ),
    key(
        "require-complete",
        Kind::Choice(&["read", "all"]),
        "As `--require-complete`: exit with 4 where something was refused or could not be read; `all`: also where something was not given.",
    ),
    key("allow-unread", Kind::Flag, "As `--allow-unread`: files that cannot be read do not make the exit code 3."),
    key(
        "baseline",
        Kind::Text(TEXT),
        "As `--baseline`: a report or baseline whose findings are accepted, relative to this file.",
    ),
    key(
        "output",
        Kind::List(&Kind::Text(OUTPUT)),
        "As `-o` of `check`, where no `-o` is given: `table`, or `sarif=reports/karpcheck.sarif` with a path beside or below this file.",
    ),
    key(
        "exclude",
        Kind::List(&Kind::Text(GLOB)),
        "Files and folders to leave out, as lines of a `.gitignore` beside this file.",
    ),
    key(
        "facts",
        Kind::Table(&[CLUSTER_FACTS, FILE_FACTS]),
        "Facts that neither the cluster nor the files state, for every scope. They never override what these say.",
    ),
    key(
        "scopes",
        Kind::Tables(&[SCOPE, CLUSTER_FACTS, FILE_FACTS]),
        "Facts about single scopes. For each fact the first entry counts whose `name` fits and which states it, before `[facts]`.",
    ),
    key(
        "contexts",
        Kind::Tables(&[CONTEXT, CLUSTER_FACTS]),
        "What is true of live clusters, by the name of their kubeconfig context. The first entry that fits counts.",
    ),
    key("packs", Kind::Tables(&[PACK]), "Packs of rules beside the built-in one; those of `--pack` come on top."),
    key(
        "rules",
        Kind::Map { names: "a rule's id, as `kubectl karpcheck rules` lists it", of: &Kind::Table(&[RULE]) },
        "Rules by their id: on or off, how severe, and their settings.",
    ),
    key("suppressions", Kind::Tables(&[SUPPRESSION]), "Findings that are accepted, each with its reason."),
]];

const CLUSTER_FACTS: &[Key] = &[
    key("karpenter-version", Kind::Text(VERSION), "The version of the Karpenter controller: `1.8.7`."),
    key("cluster-name", Kind::Text(TEXT), "The true name of the EKS cluster."),
    key("account", Kind::Text(ACCOUNT), "The AWS account that it lives in, twelve digits, as a string."),
    key("region", Kind::Text(REGION), "The AWS region."),
    key("partition", Kind::Text(PARTITION), "The AWS partition: `aws`, `aws-cn`, `aws-us-gov`."),
];

const FILE_FACTS: &[Key] = &[
    key(
        "chart-version",
        Kind::Text(VERSION),
        "The version of Karpenter's chart that Helm values are for, where nothing beside them says it.",
    ),
    key(
        "parameters",
        Kind::Map { names: "a parameter's name", of: &Kind::Text(ANY) },
        "Values of CloudFormation parameters and of variables of Terraform roots.",
    ),
];

const SCOPE: &[Key] = &[required(
    "name",
    Kind::Text(TEXT),
    "The scope's name as the report has it; `*` and `?` stand for any characters.",
)];

const CONTEXT: &[Key] = &[
    required("name", Kind::Text(TEXT), "The context's name; `*` and `?` stand for any characters."),
    key("aws-profile", Kind::Text(TEXT), "The profile of the `aws` CLI with which AWS is asked about this cluster."),
];

const PACK: &[Key] = &[
    key(
        "path",
        Kind::Text(TEXT),
        "The component's file, relative to this file. Either `path` or `reference` must be there.",
    ),
    key(
        "reference",
        Kind::Text(REFERENCE),
        "The component in an OCI registry: `ghcr.io/acme/rules:1.2`, or with its digest `ghcr.io/acme/rules@sha256:…`. What a tag \
         is, `kubectl karpcheck pack lock` writes down beside this file.",
    ),
    key("name", Kind::Text(TEXT), "What the pack is called in this run, instead of its own name."),
    key("digest", Kind::Text(DIGEST), "The digest that the component must have: any other one is refused."),
    key(
        "settings",
        Kind::Map { names: "a setting's name", of: &Kind::Any },
        "Settings for every rule of the pack that has them; those of a single rule stand under `rules`.",
    ),
];

const RULE: &[Key] = &[
    key("enabled", Kind::Flag, "`false`: the rule does not run. `true`: it runs, also where it is off by default."),
    key(
        "severity",
        Kind::Choice(&["error", "warning", "info"]),
        "How severe its findings are, whatever the rule says itself.",
    ),
    key(
        "settings",
        Kind::Map { names: "a setting's name", of: &Kind::Any },
        "Settings of the rule, as `kubectl karpcheck explain` lists them.",
    ),
];

const SUPPRESSION: &[Key] = &[
    required("rule", Kind::Text(TEXT), "The rule's id."),
    required("reason", Kind::Text(TEXT), "Why its findings are accepted."),
    key("owner", Kind::Text(TEXT), "Who answers for it."),
    key("expires", Kind::Text(DATE), "The last day on which it counts: `2027-01-31`."),
    key("path", Kind::Text(GLOB), "Only in these files: a line as in a `.gitignore` beside this file."),
    key(
        "resource",
        Kind::Text(TEXT),
        "Only of this resource: its name, `Kind/name` or `Kind/namespace/name`; `*` and `?` stand for any characters.",
    ),
    key("scope", Kind::Text(TEXT), "Only in this scope; `*` and `?` stand for any characters."),
];
