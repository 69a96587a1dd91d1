//! The configuration as the commands use it. Its keys are those of the table in `keys`: a test holds the two together.

use std::collections::BTreeMap;

use serde::Deserialize;

/// What a configuration says.
#[derive(Clone, PartialEq, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Settings {
    /// As `--fail-on`.
    pub fail_on: Option<String>,
    /// As `--min-confidence`.
    pub min_confidence: Option<String>,
    /// As `--require-complete`.
    pub require_complete: Option<String>,
    /// As `--allow-unread`.
    pub allow_unread: bool,
    /// As `--baseline`, relative to the file's folder.
    pub baseline: Option<String>,
    /// As `-o` of `check`: `FORMAT` or `FORMAT=FILE`, the file relative to this file's folder.
    pub output: Vec<String>,
    /// As `--exclude`, relative to the file's folder.
    pub exclude: Vec<String>,
    /// Facts for every scope.
    pub facts: Facts,
    /// Facts about single scopes.
    pub scopes: Vec<ScopeSettings>,
    /// What is true of live clusters.
    pub contexts: Vec<ContextSettings>,
    /// Packs beside the built-in one.
    pub packs: Vec<PackSettings>,
    /// Rules by id.
    pub rules: BTreeMap<String, RuleSettings>,
    /// Findings that are accepted.
    pub suppressions: Vec<SuppressionSettings>,
}

/// Facts that nothing else states, each as the flag of its name.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Facts {
    /// `--karpenter-version`, without a leading `v`.
    pub karpenter_version: Option<String>,
    /// `--chart-version`, without a leading `v`.
    pub chart_version: Option<String>,
    /// `--cluster-name`.
    pub cluster_name: Option<String>,
    /// `--account`.
    pub account: Option<String>,
    /// `--region`.
    pub region: Option<String>,
    /// `--partition`.
    pub partition: Option<String>,
    /// `--parameter`, by name.
    pub parameters: BTreeMap<String, String>,
}

/// `[[scopes]]`: facts about the scopes of a name.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ScopeSettings {
    /// The scope's name, with `*` and `?`.
    pub name: String,
    /// `--karpenter-version`.
    pub karpenter_version: Option<String>,
    /// `--chart-version`.
    pub chart_version: Option<String>,
    /// `--cluster-name`.
    pub cluster_name: Option<String>,
    /// `--account`.
    pub account: Option<String>,
    /// `--region`.
    pub region: Option<String>,
    /// `--partition`.
    pub partition: Option<String>,
    /// `--parameter`, by name.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
}

/// `[[contexts]]`: what is true of the live cluster of a kubeconfig context.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ContextSettings {
    /// The context's name, with `*` and `?`.
    pub name: String,
    /// The profile of the `aws` CLI with which AWS is asked about it.
    pub aws_profile: Option<String>,
    /// The version of its Karpenter controller.
    pub karpenter_version: Option<String>,
    /// The EKS cluster's true name.
    pub cluster_name: Option<String>,
    /// Its account.
    pub account: Option<String>,
    /// Its region.
    pub region: Option<String>,
    /// Its partition.
    pub partition: Option<String>,
}

/// `[[packs]]`: a pack of rules beside the built-in one.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PackSettings {
    /// The component's file, relative to the configuration's folder. Exactly one of `path` and `reference` is there.
    pub path: Option<String>,
    /// The component in an OCI registry.
    pub reference: Option<String>,
    /// A name instead of its own.
    pub name: Option<String>,
    /// `sha256:…` that the component must have.
    pub digest: Option<String>,
    /// Settings for every rule of the pack that has them.
    #[serde(default)]
    pub settings: BTreeMap<String, serde_json::Value>,
}

/// `[rules.ID]`: a rule.
#[derive(Clone, PartialEq, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct RuleSettings {
    /// On or off, whatever the default is.
    pub enabled: Option<bool>,
    /// `error`, `warning` or `info`.
    pub severity: Option<String>,
    /// Its settings.
    pub settings: BTreeMap<String, serde_json::Value>,
}

/// `[[suppressions]]`: findings that are accepted.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SuppressionSettings {
    /// The rule's id.
    pub rule: String,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: Option<String>,
    /// The last day on which it counts.
    pub expires: Option<String>,
    /// Only in these files: a line as in a `.gitignore`.
    pub path: Option<String>,
    /// Only of this resource, with `*` and `?`.
    pub resource: Option<String>,
    /// Only in this scope, with `*` and `?`.
    pub scope: Option<String>,
}
