//! `kubectl karpcheck rbac`: the least rights that a live check needs, as a ClusterRole to review and apply.

use std::io;
use std::sync::Arc;

use clap::Args;
use serde::Serialize;

use crate::commands::shared::error::CommandError;
use crate::commands::shared::rule_selection;
use crate::commands::shared::rule_selection::RuleSelectionArgs;
use crate::commands::shared::streams::Streams;
use crate::config::Config;
use crate::exit::Exit;
use crate::schema::kinds::GatherScope;
use crate::sources::cluster::policy_reports;
use rules::rules;

mod rules;

/// The role's name.
pub const NAME: &str = "karpcheck-reader";

/// A ClusterRole, as RBAC has it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterRole {
    /// `rbac.authorization.k8s.io/v1`.
    pub api_version: &'static str,
    /// `ClusterRole`.
    pub kind: &'static str,
    /// Its name.
    pub metadata: Metadata,
    /// What it allows.
    pub rules: Vec<PolicyRule>,
}

/// The metadata of a [`ClusterRole`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Metadata {
    /// Its name.
    pub name: String,
}

/// One rule of a [`ClusterRole`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyRule {
    /// API groups; the core group is empty.
    pub api_groups: Vec<String>,
    /// Plural names, or `*`.
    pub resources: Vec<String>,
    /// The only objects that it is about; empty for all of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resource_names: Vec<String>,
    /// `get`, `list`.
    pub verbs: Vec<&'static str>,
    /// What it is for. Printed as a comment.
    #[serde(skip)]
    pub why: String,
}

/// The least role with which everything in this scope can be read.
pub fn cluster_role(gather_scope: &GatherScope) -> ClusterRole {
    ClusterRole {
        api_version: "rbac.authorization.k8s.io/v1",
        kind: "ClusterRole",
        metadata: Metadata { name: NAME.to_owned() },
        rules: rules(gather_scope),
    }
}

/// The flags of `rbac`.
#[derive(Debug, Args)]
pub struct RbacArgs {
    /// Which rules are chosen.
    #[command(flatten)]
    pub chosen: RuleSelectionArgs,
    /// Also print a ClusterRoleBinding, of its own, for user:NAME, group:NAME or serviceaccount:NAMESPACE:NAME; repeatable
    #[arg(long, value_name = "KIND:NAME", value_parser = subject)]
    pub subject: Vec<Subject>,
    /// Also print the permission to write reports to the cluster, for check --write-policy-reports
    #[arg(long)]
    pub write_reports: bool,
    /// Also print the permission to read the controller's log, for --logs
    #[arg(long)]
    pub logs: bool,
}

/// Who is given a role, as RBAC has it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Subject {
    /// Empty for a ServiceAccount.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub api_group: &'static str,
    /// `User`, `Group`, `ServiceAccount`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// Of a ServiceAccount.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

impl Subject {
    /// What its binding is called: one of its own, so that whoever is given the role next does not take it from those before.
    fn binding(&self) -> String {
        let kind = self.kind.to_ascii_lowercase();
        let parts = [Some(NAME), Some(&*kind), self.namespace.as_deref(), Some(&*self.name)];
        // A name is a part of a path.
        parts.into_iter().flatten().collect::<Vec<_>>().join(":").replace(['/', '%'], "-")
    }
}

fn subject(text: &str) -> Result<Subject, String> {
    const EXPECTED: &str = "a subject looks like user:NAME, group:NAME or serviceaccount:NAMESPACE:NAME";
    const GROUP: &str = "rbac.authorization.k8s.io";
    let (kind, name) = text.split_once(':').filter(|(_, name)| !name.is_empty()).ok_or(EXPECTED)?;
    // A ServiceAccount is written as `kubectl create clusterrolebinding --serviceaccount` has it.
    let (api_group, kind, name, namespace) = match &*kind.to_ascii_lowercase() {
        "user" => (GROUP, "User", name, None),
        "group" => (GROUP, "Group", name, None),
        "serviceaccount" | "sa" => {
            let (namespace, name) = name.split_once(':').ok_or(EXPECTED)?;
            ("", "ServiceAccount", name, Some(namespace.to_owned()))
        }
        _ => return Err(EXPECTED.into()),
    };
    if name.is_empty() || namespace.as_deref() == Some("") {
        return Err(EXPECTED.into());
    }
    Ok(Subject { api_group, kind, name: name.to_owned(), namespace })
}

/// A ClusterRoleBinding, as RBAC has it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Binding<'a> {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata,
    role_ref: RoleRef,
    subjects: [&'a Subject; 1],
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RoleRef {
    api_group: &'static str,
    kind: &'static str,
    name: &'static str,
}

/// Prints the role that the chosen rules need, and who is given it.
pub fn run(args: &RbacArgs, config: Option<&Arc<Config>>, streams: &mut Streams<'_>) -> Result<Exit, CommandError> {
    let packs = rule_selection::load(&args.chosen.pack, config)?;
    let selected = packs.select(&args.chosen)?;
    let mut role = cluster_role(&rule_selection::gather_scope(&selected));
    if args.logs {
        role.rules.push(PolicyRule {
            api_groups: vec![String::new()],
            resources: vec!["pods/log".into()],
            resource_names: vec![],
            verbs: vec!["get"],
            why: "The last lines of the controller's Pods, for --logs; a Role in the controller's namespace does"
                .into(),
        });
    }
    if args.write_reports {
        role.rules.extend(write_reports());
    }
    write_role(&role, args.subject.is_empty(), streams.out)?;
    for subject in &args.subject {
        let binding = Binding {
            api_version: "rbac.authorization.k8s.io/v1",
            kind: "ClusterRoleBinding",
            metadata: Metadata { name: subject.binding() },
            role_ref: RoleRef { api_group: "rbac.authorization.k8s.io", kind: "ClusterRole", name: NAME },
            subjects: [subject],
        };
        write!(streams.out, "---\n{}", serde_yaml::to_string(&binding).map_err(io::Error::other)?)?;
    }
    for problem in &packs.problems {
        writeln!(streams.err, "error: {problem}")?;
    }
    Ok(if packs.problems.is_empty() { Exit::Clean } else { Exit::NotDone })
}

/// Prints the role as YAML, each rule under a comment that says what it is for.
///
/// # Errors
/// The output cannot be written.
pub fn write(gather_scope: &GatherScope, out: &mut dyn io::Write) -> io::Result<()> {
    write_role(&cluster_role(gather_scope), true, out)
}

/// The rights that writing a report needs, whichever of its kinds the cluster serves. An object that is applied and not yet there
/// is created, and a name cannot be given for that.
fn write_reports() -> Vec<PolicyRule> {
    let rule = |(version, _, plural): &(&str, &str, &str)| PolicyRule {
        api_groups: vec![version.split('/').next().unwrap_or_default().to_owned()],
        resources: vec![(*plural).to_owned()],
        resource_names: vec![],
        verbs: vec!["create", "patch"],
        why: "The report that check --write-policy-reports writes".into(),
    };
    policy_reports::KINDS.iter().map(rule).collect()
}

fn write_role(role: &ClusterRole, unbound: bool, out: &mut dyn io::Write) -> io::Result<()> {
    writeln!(out, "# What kubectl karpcheck reads for the chosen rules, and no more; Secrets are never read.")?;
    writeln!(
        out,
        "# Every user can discover what a cluster serves (system:discovery), unless that permission was removed."
    )?;
    if unbound {
        writeln!(out, "# To bind it: --subject=user:NAME also prints a binding.")?;
    }
    let head = serde_yaml::to_string(&ClusterRole { rules: vec![], ..role.clone() }).map_err(io::Error::other)?;
    write!(out, "{}", head.replace("rules: []\n", ""))?;
    writeln!(out, "rules:{}", if role.rules.is_empty() { " []" } else { "" })?;
    for rule in &role.rules {
        writeln!(out, "# {}", rule.why)?;
        write!(out, "{}", serde_yaml::to_string(&[rule]).map_err(io::Error::other)?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::rules::plural;
    use super::*;

    fn printed(gather_scope: &GatherScope) -> String {
        let mut out = vec![];
        write(gather_scope, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn printed_role(role: &ClusterRole) -> String {
        let mut out = vec![];
        write_role(role, true, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// What Crossplane may describe is read whatever the rules are: roles and policies are of all of them.
    fn without_crossplane(gather_scope: &GatherScope) -> ClusterRole {
        let mut role = cluster_role(gather_scope);
        role.rules.retain(|rule| !rule.why.contains("Crossplane"));
        role
    }

    fn scope_of(kinds: &[&str]) -> GatherScope {
        GatherScope::new(kinds.iter().map(|kind| (*kind, false)))
    }

    #[test]
    fn what_is_printed_is_the_role() {
        for kinds in [&["Karpcheck::Controller", "karpenter.sh/NodePool", "*.services.k8s.aws/*"][..], &[]] {
            let gather_scope = scope_of(kinds);
            let read: serde_yaml::Value = serde_yaml::from_str(&printed(&gather_scope)).unwrap();
            assert_eq!(read, serde_yaml::to_value(cluster_role(&gather_scope)).unwrap());
        }
    }

    #[test]
    fn each_subject_has_a_binding_of_its_own() {
        let name = |text: &str| subject(text).unwrap().binding();
        assert_eq!(name("user:alice"), "karpcheck-reader:user:alice");
        assert_eq!(name("sa:karpcheck:checker"), "karpcheck-reader:serviceaccount:karpcheck:checker");
        assert_eq!(name("group:a/b%c"), "karpcheck-reader:group:a-b-c");
    }

    #[test]
    fn a_controller_is_read_with_the_least_rights() {
        let text = printed_role(&without_crossplane(&scope_of(&["Karpcheck::Controller"])));
        let rules = text.split_once("rules:\n").unwrap().1;
        assert_eq!(
            rules,
            "\
# The Karpenter controller, and what other components call the cluster
- apiGroups:
  - apps
  resources:
  - deployments
  verbs:
  - list
# The controller's settings of Karpenter up to 0.32; this one ConfigMap, in the controller's namespace only
- apiGroups:
  - ''
  resources:
  - configmaps
  resourceNames:
  - karpenter-global-settings
  verbs:
  - get
# Up to five Pods of the controller, for the role that is injected into them; a Role in the controller's namespace does
- apiGroups:
  - ''
  resources:
  - pods
  verbs:
  - list
# The controller's ServiceAccount, which names its role; a Role in the controller's namespace does
- apiGroups:
  - ''
  resources:
  - serviceaccounts
  verbs:
  - get
# The uid of this one namespace, which identifies the cluster; may be left out where clusters are not compared from within: then the server's address does
- apiGroups:
  - ''
  resources:
  - namespaces
  resourceNames:
  - kube-system
  verbs:
  - get
"
        );
    }

    #[test]
    fn a_kind_that_a_rule_reads_itself_is_listed_at_large() {
        let role = cluster_role(&scope_of(&["Karpcheck::Controller", "core/Pod"]));
        let pods: Vec<_> = role.rules.iter().filter(|rule| rule.resources.contains(&"pods".to_owned())).collect();
        assert_eq!(pods.len(), 1);
        assert_eq!(pods[0].verbs, ["list"]);
    }

    #[test]
    fn subjects_are_written_as_kubectl_has_them() {
        let read = |text: &str| subject(text).map(|subject| (subject.kind, subject.namespace, subject.name));
        assert_eq!(read("user:jane:x"), Ok(("User", None, "jane:x".into())));
        assert_eq!(read("Group:ops"), Ok(("Group", None, "ops".into())));
        assert_eq!(
            read("serviceaccount:karpcheck:reader"),
            Ok(("ServiceAccount", Some("karpcheck".into()), "reader".into()))
        );
        for wrong in ["", "jane", "user:", "serviceaccount:reader", "serviceaccount::x", "robot:x"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn no_plan_asks_for_secrets() {
        for kinds in [&["core/Secret"][..], &["core/*"], &["*/*"], &["*/Secret"]] {
            for rule in cluster_role(&scope_of(kinds)).rules {
                assert!(!rule.resources.contains(&"secrets".to_owned()) || !rule.api_groups.contains(&String::new()));
                assert!(rule.resources != ["*"] || !rule.api_groups.contains(&String::new()), "{rule:?}");
                assert!(!rule.api_groups.contains(&"*".to_owned()));
            }
        }
    }

    #[test]
    fn what_crossplane_may_describe_is_in_the_role() {
        let role = cluster_role(&scope_of(&["AWS::SQS::Queue"]));
        for group in ["sqs.aws.upbound.io", "sqs.aws.m.upbound.io", "sqs.aws.crossplane.io"] {
            let lists = |rule: &PolicyRule| {
                rule.api_groups.iter().any(|own| own == group) && rule.resources.iter().any(|own| own == "queues")
            };
            assert!(role.rules.iter().any(lists), "{group}: {role:?}");
        }
    }

    #[test]
    fn a_pattern_of_groups_names_the_known_ones() {
        let role = without_crossplane(&scope_of(&["*.services.k8s.aws/*"]));
        let [rule, _] = &role.rules[..] else { panic!("{role:?}") };
        assert_eq!(rule.resources, ["*"]);
        for group in ["sqs", "kms", "dynamodb", "iam", "eventbridge", "eks", "rds"] {
            assert!(rule.api_groups.contains(&format!("{group}.services.k8s.aws")), "{group}");
        }
    }

    #[test]
    fn what_is_optional_is_said_to_be() {
        let role = without_crossplane(&GatherScope::new([("karpenter.sh/NodePool", true)]));
        assert!(role.rules[0].why.ends_with("may be left out, the rules that read it do without"));
    }

    #[test]
    fn plurals_are_those_of_the_definitions() {
        #[derive(serde::Deserialize)]
        struct Definition {
            spec: Spec,
        }
        #[derive(serde::Deserialize)]
        struct Spec {
            names: Names,
        }
        #[derive(serde::Deserialize)]
        struct Names {
            kind: String,
            plural: String,
        }
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/crds");
        let mut seen = 0;
        for file in std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()) {
            if file.extension().is_some_and(|extension| extension == "yaml") {
                let text = std::fs::read_to_string(&file).unwrap();
                let Definition { spec: Spec { names } } = serde_yaml::from_str(&text).unwrap();
                assert_eq!(plural(&names.kind), names.plural, "{}", file.display());
                seen += 1;
            }
        }
        assert!(seen >= 11, "{seen}");
        for (kind, expected) in [
            ("Ingress", "ingresses"),
            ("Endpoints", "endpoints"),
            ("NodeOverlay", "nodeoverlays"),
            ("DBProxy", "dbproxies"),
            ("InstanceProfile", "instanceprofiles"),
        ] {
            assert_eq!(plural(kind), expected);
        }
    }
}
