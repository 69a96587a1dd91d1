//! Flags that several commands share, and the parsers of their values.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum, ValueHint};
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};

use crate::findings::finding::{Confidence, Severity};
use crate::sources;
use crate::sources::aws_cli::AwsOptions;
use crate::sources::cluster::ClusterOptions;

/// What is read: files, a cluster, facts.
#[derive(Debug, Args)]
#[command(next_help_heading = "Sources")]
pub struct SourceArgs {
    /// A file, a folder (read recursively), a pattern or - for standard input; can be repeated, and have several with commas
    #[arg(short = 'f', long, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub filename: Vec<PathBuf>,
    /// Leave out files and folders: a glob as in a .gitignore, relative to the working directory or to what -f names; can be
    /// repeated
    #[arg(long, value_name = "GLOB", value_parser = glob)]
    pub exclude: Vec<String>,
    /// Judge only the scope of this name, as the report has it; * and ? stand for any characters; can be repeated
    #[arg(long, value_name = "NAME")]
    pub scope: Vec<String>,
    /// A folder with a kustomization, built by `kubectl kustomize`; can be repeated
    #[arg(short = 'k', long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub kustomize: Vec<PathBuf>,
    /// Report files that speak of Karpenter or ACK and cannot be read, files that were named and cannot be read, and folders
    /// without anything to read, without exit code 3
    #[arg(long)]
    pub allow_unread: bool,
    /// Accepted as kubectl has it: folders are read recursively in any case
    #[arg(short = 'R', long)]
    pub recursive: bool,
    /// Read the files alone: no cluster is asked
    #[arg(long)]
    pub offline: bool,
    /// Facts that nothing else states.
    #[command(flatten)]
    pub facts: FactArgs,
    /// Which cluster.
    #[command(flatten)]
    pub cluster: ClusterArgs,
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

/// Which cluster is read, and as which user: kubectl's own flags.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Cluster")]
pub struct ClusterArgs {
    /// The kubeconfig file [default: those of $KUBECONFIG, else ~/.kube/config]
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// The kubeconfig context [default: the current one]
    #[arg(long, value_name = "NAME", add = ArgValueCandidates::new(context_candidates))]
    pub context: Option<String>,
    /// The kubeconfig cluster, instead of the context's
    #[arg(long, value_name = "NAME")]
    pub cluster: Option<String>,
    /// The kubeconfig user, instead of the context's
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// Read this namespace only [default: all namespaces]
    #[arg(short = 'n', long, value_name = "NAME")]
    pub namespace: Option<String>,
    /// Read all namespaces, which is the default
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    pub all_namespaces: bool,
    /// The URL of the API server
    #[arg(short = 's', long, value_name = "URL")]
    pub server: Option<String>,
    /// A bearer token to authenticate with
    #[arg(long, value_name = "TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// Act as this user
    #[arg(long = "as", value_name = "USER")]
    pub impersonate: Option<String>,
    /// Act as a member of this group; can be repeated
    #[arg(long = "as-group", value_name = "GROUP")]
    pub impersonate_group: Vec<String>,
    /// Act as the user with this UID
    #[arg(long = "as-uid", value_name = "UID")]
    pub impersonate_uid: Option<String>,
    /// How long to wait for one answer of the API server: 30, 30s, 2m; 0 is for ever [default: 30s]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub request_timeout: Option<Duration>,
    /// A file with the certificate authority of the API server
    #[arg(long, value_name = "FILE")]
    pub certificate_authority: Option<PathBuf>,
    /// A client certificate file
    #[arg(long, value_name = "FILE")]
    pub client_certificate: Option<PathBuf>,
    /// The key file of the client certificate
    #[arg(long, value_name = "FILE")]
    pub client_key: Option<PathBuf>,
    /// The name to expect in the API server's certificate
    #[arg(long, value_name = "NAME")]
    pub tls_server_name: Option<String>,
    /// Do not check the API server's certificate (insecure)
    #[arg(long)]
    pub insecure_skip_tls_verify: bool,
    /// Ask for answers that are not compressed
    #[arg(long)]
    pub disable_compression: bool,
}

impl ClusterArgs {
    /// The flags as the reader of clusters takes them.
    pub fn options(&self) -> ClusterOptions {
        let Self {
            kubeconfig,
            context,
            cluster,
            user,
            namespace,
            // The default, which -n alone narrows.
            all_namespaces: _,
            server,
            token,
            impersonate,
            impersonate_group,
            impersonate_uid,
            request_timeout,
            certificate_authority,
            client_certificate,
            client_key,
            tls_server_name,
            insecure_skip_tls_verify,
            disable_compression,
        } = self.clone();
        ClusterOptions {
            kubeconfig,
            context,
            cluster,
            user,
            namespace,
            server,
            token,
            impersonate,
            impersonate_group,
            impersonate_uid,
            request_timeout,
            certificate_authority,
            client_certificate,
            client_key,
            tls_server_name,
            insecure_skip_tls_verify,
            disable_compression,
        }
    }
}

/// The contexts of the kubeconfig, for a shell to complete.
fn context_candidates() -> Vec<CompletionCandidate> {
    sources::cluster::contexts().into_iter().map(CompletionCandidate::new).collect()
}

/// Whether and how AWS is asked.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "AWS")]
pub struct AwsArgs {
    /// Ask AWS, too, with your own `aws` CLI, read-only; =plan: only print the commands
    #[arg(long, value_name = "HOW", num_args = 0..=1, require_equals = true, default_missing_value = "ask")]
    pub aws: Option<AwsMode>,
    #[command(flatten)]
    #[expect(missing_docs, reason = "it would be taken for the heading's text")]
    pub login: LoginArgs,
    /// How long to wait for one answer of AWS: 30, 30s, 2m
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "60s", hide_default_value = false)]
    pub aws_timeout: Duration,
}

/// The profile with which AWS is asked.
#[derive(Clone, Debug, Default, Args)]
pub struct LoginArgs {
    /// The profile of the `aws` CLI, or CONTEXT=NAME for one context; can be repeated [default: the kubeconfig's, else the CLI's]
    #[arg(long, value_name = "NAME")]
    pub aws_profile: Vec<String>,
}

/// Values of `--aws`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum AwsMode {
    /// Ask.
    Ask,
    /// Print the commands.
    Plan,
}

impl AwsArgs {
    /// The flags as the reader of AWS takes them.
    pub fn options(&self) -> AwsOptions {
        AwsOptions { profiles: self.login.aws_profile.clone(), timeout: self.aws_timeout }
    }
}

/// Formats of commands without a report.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum ListOutput {
    /// For people.
    Table,
    /// For machines.
    Json,
}

/// Values of `--fail-on`: from which severity the exit code is 1.
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

/// Values of `--min-confidence`.
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

/// Values of `--color`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR, CLICOLOR=0 or TERM=dumb say no.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Color {
    /// Is colour used? By the flag, else by the terminal and what the environment asks for (<https://no-color.org>).
    pub fn enabled(self, terminal: bool) -> bool {
        let is = |name: &str, wanted: fn(&str) -> bool| std::env::var(name).is_ok_and(|value| wanted(&value));
        match self {
            Self::Always => true,
            Self::Never => false,
            // Any value counts, 0 as well.
            Self::Auto if is("NO_COLOR", |value| !value.is_empty()) => false,
            Self::Auto if is("CLICOLOR_FORCE", |value| !value.is_empty() && value != "0") => true,
            Self::Auto => terminal && !is("CLICOLOR", |value| value == "0") && !is("TERM", |value| value == "dumb"),
        }
    }
}

/// A version of Karpenter: `1.8.7`; `v1.8` is read as `1.8.0`.
pub fn version(text: &str) -> Result<String, String> {
    let plain = text.trim_start_matches('v');
    let parts: Vec<&str> = plain.split('.').collect();
    let numeric = parts.iter().all(|part| part.parse::<u32>().is_ok());
    match (numeric, parts.len()) {
        (true, 3) => Ok(plain.to_owned()),
        (true, 2) => Ok(format!("{plain}.0")),
        _ => Err("a version of Karpenter looks like 1.8.7 or 0.37.3".into()),
    }
}

/// `30`, `30s`, `2m`, `1h`, `500ms`, as kubectl reads it.
fn duration(text: &str) -> Result<Duration, String> {
    const EXPECTED: &str = "a time is a number of seconds, or has a unit: 30, 30s, 2m";
    let number = text.trim_end_matches(|char: char| char.is_ascii_alphabetic());
    let factor = match &text[number.len()..] {
        "" | "s" => 1.0,
        "ms" => 0.001,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(EXPECTED.into()),
    };
    let seconds = number.parse::<f64>().map_err(|_| EXPECTED)?;
    Duration::try_from_secs_f64(seconds * factor).map_err(|_| EXPECTED.into())
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

fn glob(text: &str) -> Result<String, String> {
    sources::is_glob(text).map(|()| text.to_owned())
}

fn parameter(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("a parameter is given as NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn times_are_read_as_kubectl_reads_them() {
        let read = |text| duration(text).map(|time| time.as_millis());
        assert_eq!(read("30"), Ok(30_000));
        assert_eq!(read("1.5s"), Ok(1_500));
        assert_eq!(read("2m"), Ok(120_000));
        assert_eq!(read("250ms"), Ok(250));
        assert_eq!(read("0"), Ok(0));
        for wrong in ["", "soon", "-1s", "5x", "1e300h"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
