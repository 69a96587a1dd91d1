//! The `aws` CLI: each question as a command of its own, and the keys for those who sign themselves.

use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::sources::aws::Target;
use crate::sources::aws::call::Question;
use crate::sources::aws::cli_error;
use crate::sources::aws::endpoints::Endpoints;
use crate::sources::aws::error::AwsError;
use crate::sources::aws::reply::{CallFailure, Reply};
use crate::sources::aws::signed::Credentials;
use crate::sources::interrupt;
use crate::sources::process;
use crate::sources::process::{Ended, Terminal};

/// More than any answer, in bytes.
const LONGEST: u64 = 64 << 20;

/// How the CLI is run for one context.
#[derive(Clone, Debug)]
pub(super) struct Cli {
    profile: Option<String>,
    /// Options that every call has.
    globals: Vec<String>,
    endpoints: Endpoints,
    patience: Duration,
}

/// What a run of it came to.
enum Output {
    Out(String),
    Err(String),
    /// It cannot run at all.
    Never(CallFailure),
    /// It did not run to its end this once.
    Failed(CallFailure),
}

impl Cli {
    pub(super) fn new(target: &Target, patience: Duration) -> Self {
        let mut globals = vec!["--output".to_owned(), "json".to_owned()];
        if let Some(region) = &target.region {
            globals.extend(["--region".to_owned(), region.clone()]);
        }
        if let Some(profile) = &target.profile {
            globals.extend(["--profile".to_owned(), profile.clone()]);
        }
        Self { profile: target.profile.clone(), globals, endpoints: Endpoints::of_environment(), patience }
    }

    /// The region that the CLI itself would take.
    pub(super) fn own_region(&self) -> Option<String> {
        match self.run(&self.of_configuration(&["get", "region"]), Terminal::None) {
            Output::Out(region) => Some(region.trim().to_owned()).filter(|region| !region.is_empty()),
            Output::Err(_) | Output::Never(_) | Output::Failed(_) => None,
        }
    }

    /// The keys that the CLI would sign with. None where it does not hand them out: older versions cannot.
    ///
    /// # Errors
    /// There are none to be had: what is wrong with the login, or there is no CLI.
    pub(super) fn credentials(&self, terminal: Terminal) -> Result<Option<Credentials>, CallFailure> {
        match self.run(&self.of_configuration(&["export-credentials", "--format", "process"]), terminal) {
            Output::Out(text) => Ok(Credentials::of_process(&text)),
            Output::Err(text) => match cli_error::classify(&text, self.profile.as_deref()) {
                AwsError::Login(login) => Err(CallFailure::Login(login)),
                _ => Ok(None),
            },
            Output::Never(why) => Err(why),
            // It is asked once more, with the first question.
            Output::Failed(_) => Ok(None),
        }
    }

    fn of_configuration(&self, words: &[&str]) -> Vec<String> {
        let mut words: Vec<String> = ["configure"].iter().chain(words).map(|word| (*word).to_owned()).collect();
        if let Some(profile) = &self.profile {
            words.extend(["--profile".to_owned(), profile.clone()]);
        }
        words
    }

    /// Asks once.
    pub(super) fn ask(&self, question: &Question, terminal: Terminal) -> Reply {
        let mut words = question.arguments();
        words.extend(self.globals_of(question.service));
        let name = format!("`aws {} {}`", question.service, question.name);
        let text = match self.run(&words, terminal) {
            Output::Out(text) if text.trim().is_empty() => return Reply::Answer("{}".into()),
            Output::Out(text) => {
                return match serde_json::from_str::<serde::de::IgnoredAny>(&text) {
                    Ok(_) => Reply::Answer(text),
                    Err(error) => Reply::Failed(CallFailure::NotJson { call: name, error: error.to_string() }),
                };
            }
            Output::Err(text) => text,
            Output::Never(why) => return Reply::Never(why),
            Output::Failed(why) => return Reply::Failed(why),
        };
        match cli_error::classify(&text, self.profile.as_deref()) {
            AwsError::Refused(action) => Reply::Refused(action, cli_error::one_line(&text)),
            AwsError::NotFound => Reply::NotFound,
            AwsError::Login(login) => Reply::Never(CallFailure::Login(login)),
            AwsError::Throttled => Reply::Again { failure: CallFailure::Throttled(name), pause: None },
            AwsError::Other => Reply::Failed(CallFailure::Other { call: name, text: cli_error::one_line(&text) }),
        }
    }

    /// What every call of a service has, beside its own words.
    pub(super) fn globals_of(&self, service: &str) -> Vec<String> {
        let mut globals = self.globals.clone();
        if let Some(url) = self.endpoints.of(service) {
            globals.extend(["--endpoint-url".to_owned(), url.to_owned()]);
        }
        globals
    }

    /// Runs the CLI once: words, never a shell.
    fn run(&self, words: &[String], terminal: Terminal) -> Output {
        let mut command = Command::new("aws");
        command.args(words);
        command.env("AWS_PAGER", "").env("AWS_CLI_AUTO_PROMPT", "off");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let ended = match process::run(command, terminal, self.patience, LONGEST) {
            Ok(ended) => ended,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Output::Never(CallFailure::NoCli),
            Err(error) => return Output::Never(CallFailure::NotStarted(error.to_string())),
        };
        match ended {
            None if interrupt::is_raised() => Output::Never(CallFailure::Interrupted),
            None => {
                let operation = words.iter().take(2).map(String::as_str).collect::<Vec<_>>().join(" ");
                let (call, seconds) = (format!("`aws {operation}`"), self.patience.as_secs());
                Output::Failed(CallFailure::Timeout { call, seconds })
            }
            Some(Ended { success: true, out, .. }) => match String::from_utf8(out) {
                Ok(text) => Output::Out(text),
                Err(_) => Output::Failed(CallFailure::NotText),
            },
            Some(Ended { err, .. }) => Output::Err(String::from_utf8_lossy(&err).into_owned()),
        }
    }
}

/// Is something configured of how AWS is reached that only the CLI knows how to follow: the setting, and where it stands?
pub(super) fn own_way() -> Option<String> {
    const SETTINGS: [&str; 5] =
        ["endpoint_url", "ca_bundle", "use_fips_endpoint", "use_dualstack_endpoint", "services"];
    let is_on = |name: &&str| std::env::var(name).is_ok_and(|value| value.eq_ignore_ascii_case("true"));
    if let Some(name) = ["AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"].iter().find(|name| is_on(name)) {
        return Some((*name).to_owned());
    }
    let named = std::env::var_os("AWS_CONFIG_FILE").map(PathBuf::from);
    let path = named.or_else(|| std::env::home_dir().map(|home| home.join(".aws").join("config")))?;
    let text = std::fs::read_to_string(&path).ok()?;
    let setting = setting(&text, &SETTINGS)?;
    Some(format!("{setting} in {}", path.display()))
}

/// A setting with a value in an INI file of the CLI's, whichever profile it belongs to.
fn setting<'a>(text: &str, names: &[&'a str]) -> Option<&'a str> {
    let is_set = |name: &&&str| {
        text.lines()
            .filter_map(|line| line.split_once('='))
            .any(|(key, value)| key.trim() == **name && !value.trim().is_empty())
    };
    names.iter().find(is_set).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_found_in_whatever_profile() {
        let text =
            "[default]\nregion = eu-west-1\n\n[profile ops]\nsso_session=x\nca_bundle = /etc/ca.pem\n# services = no\n";
        assert_eq!(setting(text, &["endpoint_url", "ca_bundle", "services"]), Some("ca_bundle"));
        assert_eq!(setting(text, &["endpoint_url", "services"]), None);
        assert_eq!(setting("endpoint_url =\n", &["endpoint_url"]), None);
    }
}
