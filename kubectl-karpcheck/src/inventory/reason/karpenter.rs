//! Gaps of Karpenter's controller: its version, its settings, its role.

use std::sync::Arc;

use crate::inventory::reason::{Fact, Settlement};

super::gaps! {
    /// Of Karpenter's controller: its version, its settings, its role.
    pub enum Controller {
        "version-not-known" Version = "the controller's version is not known: --karpenter-version states it", settled by Settlement::Fact(Fact::KarpenterVersion);
        "cluster-name-not-known" ClusterName = "the controller's cluster name is not known: --cluster-name states it", settled by Settlement::Fact(Fact::ClusterName);
        "role-not-known" Role = "the controller's role is not known: give its ServiceAccount or its Pod Identity association";
        "role-not-read" RoleNotRead = "the controller's role is not known: neither an annotation nor a Pod Identity association was read";
        "several-service-accounts" ServiceAccounts { count: usize, account: Arc<str>, annotation: Arc<str> } = "{count} ServiceAccounts are called {account}, and differ in {annotation}";
        "setting-not-known" Setting { what: &'static str } = "the controller's {what} is not known: give its Deployment";
        "controller-policies-not-given" NoPolicies = "neither the controller's role nor a policy of it was given";
        "controller-policies-in-part" SomePolicies = "the policies given are only a part of a controller's";
        "controller-role-not-known" TwoRoles { one: Arc<str>, other: Arc<str> } = "which of the roles {one} and {other} is the controller's is not known";
        "controller-role-not-given" OtherRole { named: Arc<str>, other: Arc<str> } = "the controller's role {named} was not given, and the policies that look like a controller's are those of role {other}";
        "chart-version-range" ChartVersion { text: Arc<str> } = "the chart's version is given as {text}: which version that is depends on when it is installed";
        "setting-of-variables" OfVariables { name: Arc<str> } = "{name} is made of other variables";
        "flag-of-variables" FlagOfVariables { name: Arc<str> } = "--{name} is made of variables";
        "setting-from-elsewhere" FromElsewhere { name: Arc<str> } = "{name} comes from a Secret, a ConfigMap or the Pod itself";
        "settings-from-elsewhere" EnvFrom = "the controller takes variables from a ConfigMap or Secret (envFrom)";
        "setting-blank-in-values" BlankInValues = "it is blank in these values, and another file or --set may fill it in";
        "setting-not-in-values" NotInValues = "these values do not set it, and other values may";
    }
}
