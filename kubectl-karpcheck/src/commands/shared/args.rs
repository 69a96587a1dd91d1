//! Flags that several commands share, and the parsers of their values.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum, ValueHint};
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};

use crate::commands::shared::error::CommandError;
use crate::config;
use crate::config::Config;
use crate::config::values::{account, partition, region, version};
use crate::findings::finding::{Confidence, Severity};
use crate::inventory::Stated;
use crate::report::Shard;
use crate::sources;
use crate::sources::aws::AwsOptions;
use crate::sources::cluster::ClusterOptions;

/// What is read: files, a cluster, facts.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Sources")]
pub struct SourceArgs {
    /// A file, a folder (read recursively), a snapshot, a glob pattern, or - for standard input; repeatable, or several
    /// separated by commas
    #[arg(short = 'f', long, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub filename: Vec<PathBuf>,
    /// Leave out the files and folders that match a glob as in a .gitignore, relative to the working directory or to what
    /// -f names; repeatable
    #[arg(long, value_name = "GLOB", value_parser = glob)]
    pub exclude: Vec<String>,
    /// Judge only the scope with this name, as the report shows it; * and ? are wildcards; repeatable
    #[arg(long, value_name = "NAME")]
    pub scope: Vec<String>,
    /// A folder with a kustomization, built with `kubectl kustomize`; repeatable
    #[arg(short = 'k', long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub kustomize: Vec<PathBuf>,
    /// Do not exit with 3 because of files that mention Karpenter or ACK or were named, but cannot be read, or of folders
    /// with nothing to read: only report them
    #[arg(long)]
    pub allow_unread: bool,
    /// Accepted for compatibility with kubectl: folders are always read recursively
    #[arg(short = 'R', long)]
    pub recursive: bool,
    /// Read only files: no cluster is contacted
    #[arg(long)]
    pub offline: bool,
    /// Of the snapshots that -f names, read only part INDEX, from 0, of COUNT. An indexed Job passes
    /// $(JOB_COMPLETION_INDEX)/COUNT
    #[arg(long, value_name = "INDEX/COUNT", value_parser = shard)]
    pub shard: Option<Shard>,
    /// Facts that nothing else states.
    #[command(flatten)]
    pub facts: FactArgs,
    /// Which cluster.
    #[command(flatten)]
    pub cluster: ClusterArgs,
    /// What the configuration says of what is read.
    #[arg(skip)]
    pub config: Option<Arc<Config>>,
}

impl SourceArgs {
    /// The facts of the flags, and under them those of the configuration for every scope.
    pub fn facts(&self) -> FactArgs {
        self.facts.with(self.config.as_deref())
    }
}

/// Facts that neither the cluster nor the files state. They never override what these say.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Facts that nothing else states")]
pub struct FactArgs {
    /// The version of the Karpenter controller: 1.8.7
    #[arg(long, value_name = "VERSION", value_parser = version)]
    pub karpenter_version: Option<String>,
    /// The version of Karpenter's chart that Helm values are for, if nothing next to them says so
    #[arg(long, value_name = "VERSION", value_parser = version)]
    pub chart_version: Option<String>,
    /// The name of the EKS cluster
    #[arg(long, value_name = "NAME")]
    pub cluster_name: Option<String>,
    /// The AWS account that the files are for
    #[arg(long, value_name = "ID", value_parser = account)]
    pub account: Option<String>,
    /// The AWS region that the files are for
    #[arg(long, value_name = "REGION", value_parser = region)]
    pub region: Option<String>,
    /// The AWS partition that the files are for: aws, aws-cn, aws-us-gov
    #[arg(long, value_name = "PARTITION", value_parser = partition)]
    pub partition: Option<String>,
    /// The value of a CloudFormation parameter or a Terraform variable; repeatable
    #[arg(long, value_name = "NAME=VALUE", value_parser = parameter)]
    pub parameter: Vec<(String, String)>,
}

impl FactArgs {
    /// These facts, and under them those of the configuration for every scope.
    #[must_use]
    pub fn with(&self, config: Option<&Config>) -> Self {
        let Some(facts) = config.map(|config| &config.settings.facts) else { return self.clone() };
        let or = |flag: &Option<String>, fact: &Option<String>| flag.clone().or_else(|| fact.clone());
        // The last value of a parameter counts.
        let parameters = facts.parameters.iter().map(|(name, value)| (name.clone(), value.clone()));
        Self {
            karpenter_version: or(&self.karpenter_version, &facts.karpenter_version),
            chart_version: or(&self.chart_version, &facts.chart_version),
            cluster_name: or(&self.cluster_name, &facts.cluster_name),
            account: or(&self.account, &facts.account),
            region: or(&self.region, &facts.region),
            partition: or(&self.partition, &facts.partition),
            parameter: parameters.chain(self.parameter.iter().cloned()).collect(),
        }
    }
}

impl From<FactArgs> for Stated {
    fn from(flags: FactArgs) -> Self {
        let FactArgs { karpenter_version, chart_version, cluster_name, account, region, partition, parameter } = flags;
        Self {
            karpenter_version,
            chart_version,
            cluster_name,
            account,
            region,
            partition,
            parameters: parameter,
            ..Self::default()
        }
    }
}

/// Which configuration holds.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Configuration")]
pub struct ConfigArgs {
    /// The configuration file [default: .karpcheck.toml, searched upwards from the first -f, else from the working
    /// directory, to the repository's root]
    #[arg(long, value_name = "FILE", global = true, value_hint = ValueHint::FilePath, help_heading = "Configuration")]
    pub config: Option<PathBuf>,
    /// Ignore every configuration file
    #[arg(long, global = true, conflicts_with = "config", help_heading = "Configuration")]
    pub no_config: bool,
}

impl ConfigArgs {
    /// The configuration of a run whose first file is this.
    ///
    /// # Errors
    /// It cannot be read, or says something that cannot be meant.
    pub fn load(&self, first: Option<&Path>) -> Result<Option<Arc<Config>>, CommandError> {
        if self.no_config {
            return Ok(None);
        }
        Ok(config::load(self.config.as_deref(), first)?.map(Arc::new))
    }
}

/// Which cluster is read, and as which user: kubectl's own flags.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Cluster")]
pub struct ClusterArgs {
    /// The kubeconfig file [default: the files in $KUBECONFIG, else ~/.kube/config]
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// The kubeconfig context; * and ? are wildcards; repeatable, every match is read [default: the current context]
    #[arg(long, value_name = "NAME", add = ArgValueCandidates::new(context_candidates))]
    pub context: Vec<String>,
    /// Read every context of the kubeconfig
    #[arg(long, conflicts_with = "context")]
    pub all_contexts: bool,
    /// The kubeconfig cluster to use instead of the context's
    #[arg(long, value_name = "NAME")]
    pub cluster: Option<String>,
    /// The kubeconfig user to use instead of the context's
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// Read only this namespace [default: all namespaces]
    #[arg(short = 'n', long, value_name = "NAME")]
    pub namespace: Option<String>,
    /// Read all namespaces (the default)
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    pub all_namespaces: bool,
    /// Also read the last lines of the Karpenter controller's log; needs an extra permission, see rbac --logs
    #[arg(long)]
    pub logs: bool,
    /// The URL of the API server
    #[arg(short = 's', long, value_name = "URL")]
    pub server: Option<String>,
    /// A bearer token to authenticate with
    #[arg(long, value_name = "TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// Act as this user
    #[arg(long = "as", value_name = "USER")]
    pub impersonate: Option<String>,
    /// Act as a member of this group; repeatable
    #[arg(long = "as-group", value_name = "GROUP")]
    pub impersonate_group: Vec<String>,
    /// Act as the user with this UID
    #[arg(long = "as-uid", value_name = "UID")]
    pub impersonate_uid: Option<String>,
    /// Act with this extra attribute of a user; repeatable
    #[arg(long = "as-user-extra", value_name = "KEY=VALUE", value_parser = extra)]
    pub impersonate_user_extra: Vec<(String, String)>,
    /// The user name for basic authentication to the API server
    #[arg(long, value_name = "NAME")]
    pub username: Option<String>,
    /// The password for basic authentication to the API server
    #[arg(long, value_name = "PASSWORD", hide_env_values = true)]
    pub password: Option<String>,
    /// Accepted for compatibility with kubectl: karpcheck caches nothing of a cluster
    #[arg(long, value_name = "DIR")]
    pub cache_dir: Option<PathBuf>,
    /// How long to wait for one response of the API server: 30, 30s, 2m; 0 waits forever [default: 30s]
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
    /// The server name to expect in the API server's certificate
    #[arg(long, value_name = "NAME")]
    pub tls_server_name: Option<String>,
    /// Do not verify the API server's certificate (insecure)
    #[arg(long)]
    pub insecure_skip_tls_verify: bool,
    /// Request uncompressed responses
    #[arg(long)]
    pub disable_compression: bool,
}

impl ClusterArgs {
    /// The flags as the reader of clusters takes them.
    pub fn options(&self) -> ClusterOptions {
        let Self {
            kubeconfig,
            context,
            all_contexts,
            cluster,
            user,
            namespace,
            // The default, which -n alone narrows.
            all_namespaces: _,
            logs,
            server,
            token,
            impersonate,
            impersonate_group,
            impersonate_uid,
            impersonate_user_extra,
            username,
            password,
            cache_dir: _,
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
            contexts: context,
            all_contexts,
            cluster,
            user,
            namespace,
            logs,
            server,
            token,
            impersonate,
            impersonate_group,
            impersonate_uid,
            impersonate_user_extra,
            username,
            password,
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
    /// Also ask AWS, read-only, with the credentials of the environment or of your `aws` CLI; =plan only prints the
    /// questions, as commands
    #[arg(long, value_name = "HOW", num_args = 0..=1, require_equals = true, default_missing_value = "ask")]
    pub aws: Option<AwsMode>,
    #[command(flatten)]
    #[expect(missing_docs, reason = "it would be taken for the heading's text")]
    pub login: LoginArgs,
    /// How long to wait for one response of AWS: 30, 30s, 2m
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "60s", hide_default_value = false)]
    pub aws_timeout: Duration,
    /// Reuse answers of AWS that are in the user's cache and no older than this: 5m. Denied and failed requests are sent
    /// again
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "0", hide_default_value = true)]
    pub aws_cache: Duration,
}

/// The profile with which AWS is asked.
#[derive(Clone, Debug, Default, Args)]
pub struct LoginArgs {
    /// The profile of the `aws` CLI, or CONTEXT=NAME for one context; repeatable [default: the kubeconfig's, else the
    /// CLI's]
    #[arg(long, value_name = "NAME")]
    pub aws_profile: Vec<String>,
}

impl LoginArgs {
    /// The profiles of the flags, then those of the configuration: the first that fits a context counts.
    pub fn profiles(&self, config: Option<&Config>) -> Vec<String> {
        let contexts = config.iter().flat_map(|config| &config.settings.contexts);
        let configured =
            contexts.filter_map(|of| of.aws_profile.as_ref().map(|profile| format!("{}={profile}", of.name)));
        // A flag for every context counts before the configuration of one.
        let every = self.aws_profile.iter().any(|profile| !profile.contains('='));
        self.aws_profile.iter().cloned().chain(configured.filter(|_| !every)).collect()
    }
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
    /// The flags as the reader of AWS takes them, and under them what the configuration says of contexts.
    pub fn options(&self, config: Option<&Config>) -> AwsOptions {
        AwsOptions { profiles: self.login.profiles(config), timeout: self.aws_timeout, cache: self.aws_cache }
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
    /// At any finding that --baseline does not have.
    New,
    /// Never.
    None,
}

impl FailOn {
    /// The least severity; none for never.
    pub const fn severity(self) -> Option<Severity> {
        match self {
            Self::Error => Some(Severity::Error),
            Self::Warning => Some(Severity::Warning),
            Self::Info | Self::New => Some(Severity::Info),
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

/// A value of the configuration as the flag of its name has it. The configuration knows the same words.
pub fn configured<T: ValueEnum>(word: Option<&str>) -> Option<T> {
    word.and_then(|word| T::from_str(word, false).ok())
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

fn shard(text: &str) -> Result<Shard, String> {
    const EXPECTED: &str = "a part looks like 0/4: its number, from 0, and how many there are";
    let (index, count) = text.split_once('/').ok_or(EXPECTED)?;
    let (index, count) = (index.parse().map_err(|_| EXPECTED)?, count.parse().map_err(|_| EXPECTED)?);
    if index < count { Ok(Shard { index, count }) } else { Err(EXPECTED.into()) }
}

fn glob(text: &str) -> Result<String, String> {
    sources::is_glob(text).map(|()| text.to_owned())
}

fn extra(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("a further fact is given as KEY=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn parameter(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("a parameter is given as NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

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
