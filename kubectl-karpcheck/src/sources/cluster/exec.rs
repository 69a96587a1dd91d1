//! The kubeconfig's credential plugin (`aws eks get-token` and its like), run once and bounded.
//!
//! kube runs plugins itself, but two or three times for one client, without a deadline, and what a plugin says is lost
//! or printed between our lines. An operator whose login expired needs one sentence.

use std::io::IsTerminal;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use kube::config::{ExecAuthCluster, ExecConfig, ExecInteractiveMode};
use serde::Deserialize;

use crate::inventory::ClusterLogin;
use crate::sources::cluster::api::tidy;
use crate::sources::process;
use crate::sources::process::{Ended, Terminal};

/// A plugin that opens a browser or asks something waits for its user.
const WITH_USER: Duration = Duration::from_secs(120);
/// One that talks to AWS alone takes a second or two.
const ALONE: Duration = Duration::from_secs(30);
/// More than any credential, in bytes.
const MOST: u64 = 1 << 20;

/// What a plugin hands out.
#[derive(Debug)]
pub(super) enum Credential {
    /// A bearer token.
    Token(String),
    /// A client certificate: kube runs the plugin again and sets it up.
    Certificate,
}

/// A plugin that did not hand anything out.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExecError {
    /// The user's, mostly: it is not installed.
    #[error("the kubeconfig gets its credentials from `{0}`, which is not installed here{hint}", hint = .1)]
    NotInstalled(String, String),
    /// The system's.
    #[error("`{0}`, which the kubeconfig gets its credentials from, could not be started: {1}")]
    NotStarted(String, std::io::Error),
    /// The user's: the login expired, the profile is missing.
    #[error("`{command}`, which the kubeconfig gets its credentials from, failed: {said}{cure}")]
    Failed {
        /// The command, without what may be secret.
        command: String,
        /// Its last words.
        said: String,
        /// What to do.
        cure: String,
    },
    /// It hangs.
    #[error(
        "`{0}`, which the kubeconfig gets its credentials from, did not finish within {limit} s: run it by hand",
        limit = .1.as_secs()
    )]
    TimedOut(String, Duration),
    /// The plugin's.
    #[error("`{0}`, which the kubeconfig gets its credentials from, printed no ExecCredential with a token")]
    Garbage(String),
}

#[derive(Deserialize)]
struct ExecCredential {
    status: Option<Status>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    token: Option<String>,
    client_certificate_data: Option<String>,
}

/// Runs a plugin. One of several that run side by side must not ask its user anything.
pub(super) fn run(exec: &ExecConfig, cluster: Option<&ExecAuthCluster>, alone: bool) -> Result<Credential, ExecError> {
    run_within(exec, cluster, alone, if is_interactive(exec, alone) { WITH_USER } else { ALONE })
}

/// May a plugin ask its user something? AWS's own ask nothing on their streams (a one-time password is asked for on the
/// terminal itself), and what they say is worth a sentence.
fn is_interactive(exec: &ExecConfig, alone: bool) -> bool {
    let program = exec.command.as_deref().unwrap_or_default();
    let quiet = program_name(program).starts_with("aws") && exec.interactive_mode != Some(ExecInteractiveMode::Always);
    alone && !quiet && exec.interactive_mode != Some(ExecInteractiveMode::Never) && std::io::stderr().is_terminal()
}

fn run_within(
    exec: &ExecConfig,
    cluster: Option<&ExecAuthCluster>,
    alone: bool,
    patience: Duration,
) -> Result<Credential, ExecError> {
    let name = shown(exec);
    let Some(program) = exec.command.as_deref().filter(|program| !program.is_empty()) else {
        return Err(ExecError::Garbage("(no command)".into()));
    };
    let interactive = is_interactive(exec, alone);
    let mut command = Command::new(program);
    command.args(exec.args.iter().flatten());
    for variable in exec.env.iter().flatten() {
        if let (Some(name), Some(value)) = (variable.get("name"), variable.get("value")) {
            command.env(name, value);
        }
    }
    for variable in exec.drop_env.iter().flatten() {
        command.env_remove(variable);
    }
    let mut spec = serde_json::json!({ "interactive": interactive });
    if let Some(cluster) = cluster.filter(|_| exec.provide_cluster_info)
        && let Ok(cluster) = serde_json::to_value(cluster)
    {
        spec["cluster"] = cluster;
    }
    let info = serde_json::json!({ "apiVersion": exec.api_version, "kind": "ExecCredential", "spec": spec });
    command.env("KUBERNETES_EXEC_INFO", info.to_string());
    command.stdout(Stdio::piped());
    if interactive {
        command.stdin(Stdio::inherit()).stderr(Stdio::inherit());
    } else {
        command.stdin(Stdio::null()).stderr(Stdio::piped());
    }
    // Alone, a plugin may ask for a one-time password on the terminal, whatever its streams are.
    let terminal = if alone { Terminal::Shared } else { Terminal::None };
    let ended = process::run(command, terminal, patience, MOST).map_err(|error| {
        if error.kind() == std::io::ErrorKind::NotFound {
            let hint = exec.install_hint.as_deref().map(|hint| format!(": {}", tidy(hint))).unwrap_or_default();
            ExecError::NotInstalled(name.clone(), hint)
        } else {
            ExecError::NotStarted(name.clone(), error)
        }
    })?;
    let Some(Ended { success, out, err }) = ended else { return Err(ExecError::TimedOut(name, patience)) };
    let (out, err) = (String::from_utf8_lossy(&out), String::from_utf8_lossy(&err));
    if !success {
        let said = err.lines().rev().map(tidy).find(|line| !line.is_empty());
        return Err(ExecError::Failed {
            command: name,
            cure: cure(&err, exec),
            said: said.unwrap_or_else(|| "it said nothing".into()),
        });
    }
    // Plugins may print YAML, too.
    let status = serde_yaml::from_str::<ExecCredential>(&out).ok().and_then(|credential| credential.status);
    match status {
        Some(Status { token: Some(token), .. }) if !token.is_empty() => Ok(Credential::Token(token)),
        Some(Status { client_certificate_data: Some(_), .. }) => Ok(Credential::Certificate),
        _ => Err(ExecError::Garbage(name)),
    }
}

/// The command as it is told: up to its first option, since options may hold secrets.
fn shown(exec: &ExecConfig) -> String {
    let program = exec.command.as_deref().map(program_name).unwrap_or_default();
    let words = exec.args.iter().flatten().map(String::as_str).take_while(|word| !word.starts_with('-'));
    tidy(&std::iter::once(program).chain(words).collect::<Vec<_>>().join(" "))
}

fn program_name(program: &str) -> &str {
    Path::new(program).file_stem().and_then(|name| name.to_str()).unwrap_or(program)
}

/// What to do about what a plugin says.
fn cure(said: &str, exec: &ExecConfig) -> String {
    let said = said.to_ascii_lowercase();
    let profile = aws_login(exec).profile.map(|profile| format!(" --profile {profile}")).unwrap_or_default();
    if said.contains("sso") {
        format!(": log in again with `aws sso login{profile}`")
    } else if said.contains("expired") || said.contains("unable to locate credentials") {
        format!(": log in to AWS again, `aws sts get-caller-identity{profile}` shows whether it worked")
    } else {
        String::new()
    }
}

/// As whom and where a plugin asks AWS.
pub(super) fn aws_login(exec: &ExecConfig) -> ClusterLogin {
    let args = exec.args.as_deref().unwrap_or_default();
    let variable = |wanted: &str| {
        let is = |variable: &&std::collections::HashMap<String, String>| {
            variable.get("name").is_some_and(|name| name == wanted)
        };
        exec.env.iter().flatten().find(is).and_then(|variable| variable.get("value").cloned())
    };
    let plain = |value: &String| !value.is_empty() && !value.starts_with('-') && !value.contains('$');
    ClusterLogin {
        profile: variable("AWS_PROFILE").or_else(|| option(args, "--profile")).filter(plain),
        region: option(args, "--region")
            .or_else(|| variable("AWS_REGION"))
            .or_else(|| variable("AWS_DEFAULT_REGION"))
            .filter(plain),
    }
}

/// The value of an option, `--name value` or `--name=value`.
fn option(args: &[String], name: &str) -> Option<String> {
    args.iter().enumerate().find_map(|(index, word)| match word.strip_prefix(name)? {
        "" => args.get(index + 1).cloned(),
        rest => rest.strip_prefix('=').map(str::to_owned),
    })
}

/// The name of the cluster that a plugin is asked for: `aws eks get-token --cluster-name`, `aws-iam-authenticator token
/// -i`. AWS's own `--cluster-id` is not a name: it is the id of a cluster on Outposts.
pub(super) fn cluster_name(exec: &ExecConfig) -> Option<(String, &'static str)> {
    let args = exec.args.as_deref().unwrap_or_default();
    let authenticator = std::iter::once(exec.command.as_deref().unwrap_or_default())
        .chain(args.iter().map(String::as_str))
        .any(|word| matches!(program_name(word), "aws-iam-authenticator" | "heptio-authenticator-aws"));
    let (name, source) = if authenticator {
        let name = ["--cluster-id", "-i"].iter().find_map(|name| option(args, name))?;
        (name, "aws-iam-authenticator's cluster id in the kubeconfig")
    } else {
        (option(args, "--cluster-name")?, "aws eks get-token --cluster-name in the kubeconfig")
    };
    (!name.is_empty() && !name.contains('$')).then_some((name, source))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plugin(command: &str, args: &[&str]) -> ExecConfig {
        ExecConfig {
            command: Some(command.into()),
            args: Some(args.iter().map(|arg| (*arg).to_owned()).collect()),
            api_version: Some("client.authentication.k8s.io/v1beta1".into()),
            interactive_mode: Some(ExecInteractiveMode::Never),
            ..ExecConfig::default()
        }
    }

    fn shell(script: &str) -> Result<Credential, ExecError> {
        run_within(&plugin("sh", &["-c", script]), None, false, Duration::from_secs(20))
    }

    #[test]
    fn a_token_is_taken_from_json_and_yaml() {
        for script in [r#"echo '{"status":{"token":"t"}}'"#, "printf 'status:\\n  token: t\\n'"] {
            assert!(matches!(shell(script), Ok(Credential::Token(token)) if token == "t"), "{script}");
        }
    }

    #[test]
    fn an_expired_login_is_told_in_one_sentence_with_its_cure() {
        let mut exec =
            plugin("sh", &["-c", "echo; echo 'Error loading SSO Token: Token for x has expired' >&2; exit 255"]);
        exec.env =
            Some(vec![[("name", "AWS_PROFILE"), ("value", "prod")].map(|(k, v)| (k.to_owned(), v.to_owned())).into()]);
        let error = run_within(&exec, None, false, Duration::from_secs(20)).unwrap_err().to_string();
        assert_eq!(
            error,
            "`sh`, which the kubeconfig gets its credentials from, failed: Error loading SSO Token: Token for x has \
             expired: log in again with `aws sso login --profile prod`"
        );
    }

    #[test]
    fn a_plugin_that_hangs_is_ended() {
        let error = run_within(&plugin("sleep", &["1000"]), None, false, Duration::from_millis(50)).unwrap_err();
        assert!(matches!(error, ExecError::TimedOut(..)), "{error}");
    }

    #[test]
    fn a_missing_plugin_and_an_empty_answer_are_told_apart() {
        let error = run(&plugin("karpcheck-no-such-plugin", &["token"]), None, false).unwrap_err().to_string();
        assert!(error.contains("`karpcheck-no-such-plugin token`, which is not installed here"), "{error}");
        assert!(matches!(shell("true"), Err(ExecError::Garbage(_))));
    }

    #[test]
    fn secrets_among_the_options_are_not_told() {
        assert_eq!(shown(&plugin("/usr/bin/aws", &["eks", "get-token", "--secret", "x"])), "aws eks get-token");
    }

    #[test]
    fn the_cluster_is_named_by_the_tools_that_take_a_name() {
        let name = |command, args: &[&str]| cluster_name(&plugin(command, args)).map(|(name, _)| name);
        assert_eq!(
            name("aws", &["--region", "r", "eks", "get-token", "--cluster-name", "prod"]).as_deref(),
            Some("prod")
        );
        assert_eq!(name("aws", &["eks", "get-token", "--cluster-name=prod"]).as_deref(), Some("prod"));
        assert_eq!(name("/opt/aws-iam-authenticator", &["token", "-i", "prod"]).as_deref(), Some("prod"));
        assert_eq!(
            name("aws-vault", &["exec", "p", "--", "aws", "eks", "get-token", "--cluster-name", "x"]).as_deref(),
            Some("x")
        );
        assert_eq!(name("aws", &["eks", "get-token", "--cluster-id", "8f3c"]), None);
        assert_eq!(name("sh", &["-i", "x"]), None);
        assert_eq!(name("aws", &["eks", "get-token", "--cluster-name", "$NAME"]), None);
    }
}
