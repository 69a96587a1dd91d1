//! The credentials that `docker login` and its like left for a registry.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;

use crate::sources::cluster::tidy;
use crate::sources::process;
use crate::sources::process::Terminal;

/// Time for a helper, which may ask a cloud.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of a helper's answer.
const MOST_ANSWER: u64 = 1 << 20;
/// What Docker Hub is called in these files.
const HUB: &str = "https://index.docker.io/v1/";
/// Padded or not: both are found in these files.
pub(super) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What a registry is shown.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Credential {
    /// A user and a password or token.
    Basic { user: String, password: String },
    /// A token that gives tokens.
    Refresh(String),
}

/// No secret gets into a message.
impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credential")
    }
}

/// `~/.docker/config.json`, and what podman writes.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct DockerConfig {
    auths: BTreeMap<String, Auth>,
    creds_store: String,
    cred_helpers: BTreeMap<String, String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Auth {
    auth: String,
    username: String,
    password: String,
    identitytoken: String,
}

/// What a helper answers.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: String,
}

/// The user's credential for a registry. None where there is none, which is common for what is public.
///
/// # Errors
/// The file or its helper cannot be used: it may have had one.
pub(super) fn of(registry: &str) -> Result<Option<Credential>, String> {
    for file in files() {
        let text = match std::fs::read(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(format!("{}: {error}", file.display())),
        };
        // An error of the parser would quote the file.
        let config: DockerConfig = serde_json::from_slice(&text).map_err(|error| {
            format!("{}: it is not read as docker's configuration, line {}", file.display(), error.line())
        })?;
        if let Some(found) = of_config(&config, registry, helper)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Where docker has its configuration, then podman.
fn files() -> Vec<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let docker = variable("DOCKER_CONFIG").or_else(|| Some(etcetera::home_dir().ok()?.join(".docker")));
    let podman = variable("REGISTRY_AUTH_FILE")
        .or_else(|| variable("XDG_RUNTIME_DIR").map(|folder| folder.join("containers").join("auth.json")));
    docker.map(|folder| folder.join("config.json")).into_iter().chain(podman).collect()
}

fn of_config(
    config: &DockerConfig,
    registry: &str,
    helper: impl Fn(&str, &str) -> Result<Option<Credential>, String>,
) -> Result<Option<Credential>, String> {
    let key = if registry == "docker.io" { HUB } else { registry };
    if let Some(name) = config.cred_helpers.get(key).filter(|name| !name.is_empty()) {
        return helper(name, key);
    }
    // Old files have addresses for keys.
    let host = |key: &str| {
        let rest = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
        rest.split('/').next().unwrap_or_default().to_owned()
    };
    let auth = config.auths.get(key).or_else(|| {
        config.auths.iter().find(|(known, _)| known.contains('/') && host(known) == host(key)).map(|(_, auth)| auth)
    });
    if let Some(found) = auth.map(read).transpose()?.flatten() {
        return Ok(Some(found));
    }
    if config.creds_store.is_empty() { Ok(None) } else { helper(&config.creds_store, key) }
}

/// None where a store has the secret, and the entry only says that there is one.
fn read(auth: &Auth) -> Result<Option<Credential>, String> {
    let Auth { auth, username, password, identitytoken } = auth;
    if !identitytoken.is_empty() {
        return Ok(Some(Credential::Refresh(identitytoken.clone())));
    }
    if !auth.is_empty() {
        let decoded = BASE64.decode(auth.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let Some((user, password)) = decoded.as_deref().and_then(|text| text.split_once(':')) else {
            return Err("a registry's `auth` in docker's configuration is not user and password in base64".into());
        };
        return Ok(Some(Credential::Basic { user: user.to_owned(), password: password.to_owned() }));
    }
    if username.is_empty() {
        return Ok(None);
    }
    Ok(Some(Credential::Basic { user: username.clone(), password: password.clone() }))
}

/// Asks `docker-credential-NAME` for a registry's credential.
fn helper(name: &str, registry: &str) -> Result<Option<Credential>, String> {
    // It becomes a program's name: no path out of $PATH.
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')) {
        return Err(format!("docker's configuration names the helper `{}`, which is no program's name", tidy(name)));
    }
    let program = format!("docker-credential-{name}");
    let (reader, mut writer) = std::io::pipe().map_err(|error| error.to_string())?;
    // A name fits into any pipe.
    writer.write_all(registry.as_bytes()).map_err(|error| error.to_string())?;
    drop(writer);
    let mut command = Command::new(&program);
    command.arg("get").stdin(reader).stdout(Stdio::piped()).stderr(Stdio::piped());
    let ended = process::run(command, Terminal::Shared, PATIENCE, MOST_ANSWER)
        .map_err(|error| format!("docker's credential helper {program} cannot be run: {error}"))?;
    let Some(ended) = ended else { return Err(format!("{program} did not answer within {} s", PATIENCE.as_secs())) };
    let said = String::from_utf8_lossy(&ended.out);
    if !ended.success {
        // The protocol's word for it.
        if said.contains("credentials not found in native keychain") {
            return Ok(None);
        }
        let complaint = String::from_utf8_lossy(&ended.err);
        return Err(format!("{program} failed: {}", tidy(&format!("{said} {complaint}"))));
    }
    let Answer { username, secret } =
        serde_json::from_slice(&ended.out).map_err(|_| format!("{program} did not answer as a credential helper"))?;
    Ok(Some(match &*username {
        "<token>" => Credential::Refresh(secret),
        _ => Credential::Basic { user: username, password: secret },
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(config: &str, registry: &str) -> Result<Option<String>, String> {
        let config: DockerConfig = serde_json::from_str(config).map_err(|error| error.to_string())?;
        let helper = |name: &str, registry: &str| Ok(Some(Credential::Refresh(format!("{name} for {registry}"))));
        let found = of_config(&config, registry, helper)?;
        Ok(found.map(|found| match found {
            Credential::Basic { user, password } => format!("{user}:{password}"),
            Credential::Refresh(token) => token,
        }))
    }

    #[test]
    fn the_configuration_is_read_as_docker_reads_it() {
        let config = r#"{"auths": {
            "ghcr.io": {"auth": "bWU6cHc6Mg=="}, "unpadded.example": {"auth": "bWU6cA"}, "plain.example": {"username": "a", "password": "b"},
            "https://old.example/v1/": {"auth": "bzpw"}, "token.example": {"identitytoken": "t"}, "kept.example": {},
            "https://index.docker.io/v1/": {"auth": "aHViOnA="}},
            "credsStore": "desktop", "credHelpers": {"111122223333.dkr.ecr.eu-west-1.amazonaws.com": "ecr-login"}}"#;
        for (registry, expected) in [
            ("ghcr.io", "me:pw:2"),
            ("unpadded.example", "me:p"),
            ("plain.example", "a:b"),
            ("old.example", "o:p"),
            ("token.example", "t"),
            ("docker.io", "hub:p"),
            ("kept.example", "desktop for kept.example"),
            ("other.example", "desktop for other.example"),
            (
                "111122223333.dkr.ecr.eu-west-1.amazonaws.com",
                "ecr-login for 111122223333.dkr.ecr.eu-west-1.amazonaws.com",
            ),
        ] {
            assert_eq!(found(config, registry), Ok(Some(expected.to_owned())), "{registry}");
        }
        assert_eq!(found("{}", "ghcr.io"), Ok(None));
        // Another registry's credentials never leave.
        assert_eq!(found(r#"{"auths": {"ghcr.io": {"auth": "bWU6cHc="}}}"#, "ghcr.io.evil.example"), Ok(None));
        assert!(found(r#"{"auths": {"ghcr.io": {"auth": "?"}}}"#, "ghcr.io").is_err());
    }

    #[test]
    fn a_helper_is_a_name_and_no_path() {
        assert!(helper("../../tmp/x", "ghcr.io").is_err_and(|why| why.contains("no program's name")));
        assert!(helper("there-is-none-of-this", "ghcr.io").is_err_and(|why| why.contains("cannot be run")));
    }
}
