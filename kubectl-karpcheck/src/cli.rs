//! The command line: what there is to say, and nothing of what is done about it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::error::{ContextKind, ContextValue};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::commands;
use crate::exit;
use crate::findings::finding::{Confidence, Severity};
use crate::sources::aws_cli::{AwsArgs, LoginArgs};
use crate::sources::cluster::ClusterArgs;

/// Find what will break Karpenter on AWS: queues, keys, names, tags and ACK references.
///
/// Without a command, the cluster of the current context is checked. With -f, files are checked together with it; with
/// --offline, files alone.
#[derive(Debug, Parser)]
#[command(
    name = "kubectl-karpcheck",
    bin_name = "kubectl karpcheck",
    version,
    after_help = exit::HELP,
    args_conflicts_with_subcommands = true,
    propagate_version = true
)]
pub struct Cli {
    /// The command; none checks the current context.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The flags of `check`.
    #[command(flatten)]
    pub check: CheckArgs,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check the current context, files, or both
    #[command(after_help = exit::HELP)]
    Check(Box<CheckArgs>),
    /// List the rules
    Rules(RulesArgs),
    /// Explain a rule: what it finds, why it matters, how to fix it
    Explain(ExplainArgs),
    /// Show what an upgrade of Karpenter breaks, changes or makes obsolete, in the order in which to do it
    #[command(after_help = exit::UPGRADE_HELP)]
    Upgrade(Box<UpgradeArgs>),
    /// Ask whether AWS would allow a request, and show how that is decided
    #[command(after_help = exit::CAN_HELP)]
    Can(Box<CanArgs>),
    /// Show how a rule came to its verdicts: what it asked of IAM and how that is decided
    Why(Box<WhyArgs>),
    /// Print the ClusterRole that the chosen rules need, and no more
    Rbac(RuleSelectionArgs),
    /// Print the IAM policy that --aws and collect need for the chosen rules, and no more
    IamPolicy(RuleSelectionArgs),
    /// Print a shell script that asks AWS what --aws would, for somebody who has the rights
    Collect(Box<CollectArgs>),
    /// Make packs of rules of your own
    #[command(subcommand)]
    Pack(PackCommand),
}

/// What can be done with packs.
#[derive(Debug, Subcommand)]
pub enum PackCommand {
    /// Build a crate to a pack that --pack loads
    Build(commands::pack::build::BuildArgs),
}

/// Which rules are meant.
#[derive(Clone, Debug, Default, Args)]
pub struct RuleSelectionArgs {
    /// Only this rule, also if it is off by default; can be repeated
    #[arg(long, value_name = "ID")]
    pub rule: Vec<String>,
    /// Only rules of this area: queue, ebs, cluster-name, tagging, ack, upgrade; can be repeated
    #[arg(long, value_name = "AREA")]
    pub area: Vec<String>,
    /// A pack of rules (a WebAssembly component) beside the built-in one; can be repeated
    #[arg(long, value_name = "FILE")]
    pub pack: Vec<PathBuf>,
}

/// What the commands read.
#[derive(Debug, Args)]
pub struct SourceArgs {
    /// A file, a folder (read recursively) or - for standard input; can be repeated
    #[arg(short = 'f', long, value_name = "PATH")]
    pub filename: Vec<PathBuf>,
    /// A folder with a kustomization, built by `kubectl kustomize`; can be repeated
    #[arg(short = 'k', long, value_name = "DIR")]
    pub kustomize: Vec<PathBuf>,
    /// Read the files alone: no cluster is asked
    #[arg(long)]
    pub offline: bool,
    /// What nothing else states.
    #[command(flatten)]
    pub facts: FactArgs,
    /// Which cluster.
    #[command(flatten)]
    pub cluster: ClusterArgs,
}

/// The flags of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// What is read.
    #[command(flatten)]
    pub sources: SourceArgs,
    /// Whether and how AWS is asked.
    #[command(flatten)]
    pub aws: AwsArgs,
    /// How to print the report
    #[arg(short = 'o', long, value_name = "FORMAT", default_value = "table", help_heading = "Options")]
    pub output: Output,
    /// Try the edits of each finding in memory, judge again, and say whether they are enough; nothing is written
    #[arg(long, help_heading = "Options")]
    pub verify_fixes: bool,
    /// The least severity of a finding that makes the exit code 1
    #[arg(long, value_name = "SEVERITY", default_value = "error", help_heading = "Options")]
    pub fail_on: FailOn,
    /// Report only what a rule is at least so sure of
    #[arg(long, value_name = "CONFIDENCE", default_value = "low", help_heading = "Options")]
    pub min_confidence: MinConfidence,
    /// Exit with 4 where something was refused or could not be read; =all: also where something was not given
    #[arg(
        long,
        value_name = "WHAT",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "read",
        help_heading = "Options"
    )]
    pub require_complete: Option<RequireComplete>,
    /// Which rules run.
    #[command(flatten)]
    pub chosen: RuleSelectionArgs,
    /// When to use colour
    #[arg(long, value_name = "WHEN", default_value = "auto", help_heading = "Options")]
    pub color: Color,
}

/// The flags of `upgrade`.
#[derive(Debug, Args)]
pub struct UpgradeArgs {
    /// The version of Karpenter to upgrade to: 1.14.1. The one that runs is read from the cluster or the files, or stated by
    /// --karpenter-version, which never overrides what was read
    #[arg(long, value_name = "VERSION", value_parser = version, required = true, help_heading = "Options")]
    pub to: String,
    /// What is read.
    #[command(flatten)]
    pub sources: SourceArgs,
    /// Whether and how AWS is asked.
    #[command(flatten)]
    pub aws: AwsArgs,
    /// How to print it: the steps for people or for machines, or what to add to the files as a unified diff
    #[arg(short = 'o', long, value_name = "FORMAT", default_value = "table", help_heading = "Options")]
    pub output: UpgradeOutput,
    /// The least severity of something new that makes the exit code 1
    #[arg(long, value_name = "SEVERITY", default_value = "error", help_heading = "Options")]
    pub fail_on: FailOn,
    /// Show only what a rule is at least so sure of
    #[arg(long, value_name = "CONFIDENCE", default_value = "low", help_heading = "Options")]
    pub min_confidence: MinConfidence,
    /// Which rules run.
    #[command(flatten)]
    pub chosen: RuleSelectionArgs,
    /// When to use colour
    #[arg(long, value_name = "WHEN", default_value = "auto", help_heading = "Options")]
    pub color: Color,
}

/// The flags of `collect`.
#[derive(Debug, Args)]
pub struct CollectArgs {
    /// What is read.
    #[command(flatten)]
    pub sources: SourceArgs,
    /// Which rules are meant.
    #[command(flatten)]
    pub chosen: RuleSelectionArgs,
    /// As whom AWS is asked.
    #[command(flatten)]
    pub login: LoginArgs,
}

/// The flags of `can`.
#[derive(Debug, Args)]
pub struct CanArgs {
    /// Who asks: a role or user by ARN or name, a service (events.amazonaws.com), a policy by name (as if it were all
    /// that its holder has), controller (Karpenter's), or * for anyone of another account
    #[arg(value_name = "PRINCIPAL")]
    pub principal: String,
    /// What for: sqs:ReceiveMessage
    #[arg(value_name = "ACTION", value_parser = action)]
    pub action: String,
    /// On what: an ARN, the name or id of a resource that was read, or * for none
    #[arg(value_name = "RESOURCE")]
    pub resource: String,
    /// A context key of the request and its value; can be repeated, the same key for several values. KEY alone: the
    /// request does not have it. A KEY that ends in * stands for all that begin so
    #[arg(long, value_name = "KEY=VALUE")]
    pub context_key: Vec<String>,
    /// What is read.
    #[command(flatten)]
    pub sources: SourceArgs,
    /// Whether and how AWS is asked.
    #[command(flatten)]
    pub aws: AwsArgs,
    /// How to print the answer
    #[arg(short = 'o', long, value_name = "FORMAT", default_value = "table")]
    pub output: ListOutput,
}

/// The flags of `why`.
#[derive(Debug, Args)]
pub struct WhyArgs {
    /// The rule
    #[arg(value_name = "RULE")]
    pub rule: String,
    /// Only this subject: Kind/name, or a name
    #[arg(value_name = "OBJECT")]
    pub object: Option<String>,
    /// A pack of rules beside the built-in one; can be repeated
    #[arg(long, value_name = "FILE")]
    pub pack: Vec<PathBuf>,
    /// What is read.
    #[command(flatten)]
    pub sources: SourceArgs,
    /// Whether and how AWS is asked.
    #[command(flatten)]
    pub aws: AwsArgs,
    /// How to print the answer
    #[arg(short = 'o', long, value_name = "FORMAT", default_value = "table")]
    pub output: ListOutput,
}

/// Facts that neither the cluster nor the files state. They never override what these say.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Facts that nothing else states")]
pub struct FactArgs {
    /// The version of the Karpenter controller: 1.8.7
    #[arg(long, value_name = "VERSION", value_parser = version)]
    pub karpenter_version: Option<String>,
    /// The version of Karpenter's chart that Helm values are for, where nothing beside them says it
    #[arg(long, value_name = "VERSION", value_parser = version)]
    pub chart_version: Option<String>,
    /// The true name of the EKS cluster
    #[arg(long, value_name = "NAME")]
    pub cluster_name: Option<String>,
    /// The AWS account that files are meant for
    #[arg(long, value_name = "ID", value_parser = account)]
    pub account: Option<String>,
    /// The AWS region that files are meant for
    #[arg(long, value_name = "REGION", value_parser = region)]
    pub region: Option<String>,
    /// The AWS partition that files are meant for: aws, aws-cn, aws-us-gov
    #[arg(long, value_name = "PARTITION", value_parser = partition)]
    pub partition: Option<String>,
    /// The value of a CloudFormation parameter; can be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = parameter)]
    pub parameter: Vec<(String, String)>,
}

/// The flags of `rules`.
#[derive(Debug, Args)]
pub struct RulesArgs {
    /// Which rules are listed.
    #[command(flatten)]
    pub chosen: RuleSelectionArgs,
    /// How to print the list
    #[arg(short = 'o', long, value_name = "FORMAT", default_value = "table")]
    pub output: ListOutput,
}

/// The flags of `explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// The rule
    #[arg(value_name = "RULE")]
    pub rule: String,
    /// A pack of rules beside the built-in one; can be repeated
    #[arg(long, value_name = "FILE")]
    pub pack: Vec<PathBuf>,
}

/// Output formats.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Output {
    /// For people.
    Table,
    /// The table with confidence, every place and what explains it.
    Wide,
    /// For machines: karpcheck.report/v1alpha1.
    Json,
    /// The same as YAML.
    Yaml,
    /// The names of the subjects with findings.
    Name,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// JUnit's XML, for CI servers.
    Junit,
    /// Workflow commands of GitHub Actions.
    Github,
    /// For a comment on a pull request.
    Markdown,
    /// One file for a browser.
    Html,
    /// The edits of the findings as a unified diff of the files.
    Diff,
}

/// Formats of `upgrade`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum UpgradeOutput {
    /// The steps, for people.
    Table,
    /// The steps, for machines: karpcheck.upgrade/v1alpha1.
    Json,
    /// What to add to the files, as a unified diff.
    Diff,
}

/// Formats of what is no report.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum ListOutput {
    /// For people.
    Table,
    /// For machines.
    Json,
}

/// Where the exit code becomes 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum FailOn {
    /// At errors.
    Error,
    /// At warnings and errors.
    Warning,
    /// At any finding.
    Info,
    /// Never.
    None,
}

impl FailOn {
    /// The least severity; none for never.
    pub const fn severity(self) -> Option<Severity> {
        match self {
            Self::Error => Some(Severity::Error),
            Self::Warning => Some(Severity::Warning),
            Self::Info => Some(Severity::Info),
            Self::None => None,
        }
    }
}

/// The least confidence.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum MinConfidence {
    /// What follows from what was read.
    High,
    /// What follows from files, too.
    Medium,
    /// What is inferred, too.
    Low,
}

impl From<MinConfidence> for Confidence {
    fn from(least: MinConfidence) -> Self {
        match least {
            MinConfidence::High => Self::High,
            MinConfidence::Medium => Self::Medium,
            MinConfidence::Low => Self::Low,
        }
    }
}

/// What has to be complete.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum RequireComplete {
    /// What was asked for was read.
    Read,
    /// Nothing is undecided for want of what nobody gave.
    All,
}

/// When to use colour.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

fn version(text: &str) -> Result<String, String> {
    let plain = text.trim_start_matches('v');
    let parts: Vec<&str> = plain.split('.').collect();
    let numeric = parts.iter().all(|part| part.parse::<u32>().is_ok());
    match (numeric, parts.len()) {
        (true, 3) => Ok(plain.to_owned()),
        (true, 2) => Ok(format!("{plain}.0")),
        _ => Err("a version of Karpenter looks like 1.8.7 or 0.37.3".into()),
    }
}

fn account(text: &str) -> Result<String, String> {
    let number = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    number.then(|| text.to_owned()).ok_or_else(|| "an account is a number of twelve digits".into())
}

fn region(text: &str) -> Result<String, String> {
    let parts: Vec<&str> = text.split('-').collect();
    let [words @ .., number] = parts.as_slice() else { return Err("a region looks like eu-west-1".into()) };
    let word = |word: &&str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
    let region = words.len() >= 2 && words.iter().all(word) && number.parse::<u8>().is_ok();
    region.then(|| text.to_owned()).ok_or_else(|| "a region looks like eu-west-1".into())
}

fn partition(text: &str) -> Result<String, String> {
    let partition = text == "aws" || text.starts_with("aws-");
    partition.then(|| text.to_owned()).ok_or_else(|| "a partition is aws, or begins with it: aws-cn, aws-us-gov".into())
}

fn action(text: &str) -> Result<String, String> {
    match text.split_once(':') {
        Some((service, name)) if !service.is_empty() && !name.is_empty() && !text.contains(['*', '?']) => {
            Ok(text.to_owned())
        }
        _ => Err("an action looks like sqs:ReceiveMessage, without wildcards".into()),
    }
}

fn parameter(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("a parameter is given as NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// The command line, and a word for those who name a file without `-f`, as a shell does with `-f *.yaml`.
///
/// # Errors
/// Clap's, which end the process with 2, or with 0 for `--help`.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(args).map_err(|mut error| {
        let stray = [ContextKind::InvalidArg, ContextKind::InvalidSubcommand].into_iter().find_map(|kind| match error
            .get(kind)
        {
            Some(ContextValue::String(text)) if Path::new(text).exists() => Some(text.clone()),
            _ => None,
        });
        if let Some(path) = stray {
            let tip = format!("files are named with -f, each: -f {path}");
            error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
        }
        error
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn versions_are_normalised() {
        assert_eq!(version("v1.8"), Ok("1.8.0".into()));
        assert_eq!(version("0.37.3"), Ok("0.37.3".into()));
        assert!(version("latest").is_err());
    }

    #[test]
    fn regions_of_all_partitions_are_regions() {
        for known in ["eu-west-1", "us-gov-west-1", "cn-north-1", "us-iso-east-1", "ap-southeast-7", "eusc-de-east-1"] {
            assert_eq!(region(known), Ok(known.into()));
        }
        for wrong in ["", "eu", "eu-west", "eu-west1", "eu-west-1a", "EU-WEST-1", "-west-1"] {
            assert!(region(wrong).is_err(), "{wrong}");
        }
    }
}
