//! Names of what an OCI registry holds: `ghcr.io/acme/rules:1.2`, `ghcr.io/acme/rules@sha256:…`.
//!
//! The grammar is that of the distribution specification, with the registry always written out: a name without one means
//! Docker Hub to some tools and the local machine to others.

use std::fmt;

/// What may stand before a reference.
pub(crate) const SCHEME: &str = "oci://";
/// Bytes of a repository's name, which registries and file systems bound alike.
const MOST_NAME: usize = 255;
const MOST_TAG: usize = 128;

/// A manifest in a registry.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Reference {
    /// `HOST` or `HOST:PORT`.
    pub registry: String,
    /// `acme/rules`.
    pub repository: String,
    /// `1.2`: it may be moved. It says nothing where there is a digest, too.
    pub tag: Option<String>,
    /// `sha256:…` of the manifest.
    pub digest: Option<String>,
}

impl Reference {
    /// Parses a reference, with `oci://` before it or without.
    ///
    /// # Errors
    /// What is wrong with it, or that it has neither a tag nor a digest.
    pub fn parse(text: &str) -> Result<Self, String> {
        let rest = text.strip_prefix(SCHEME).unwrap_or(text);
        let (rest, digest) = match rest.split_once('@') {
            Some((rest, digest)) if is_digest(digest) => (rest, Some(digest.to_owned())),
            Some(_) => return Err("a digest is sha256: and 64 hexadecimal digits".into()),
            None => (rest, None),
        };
        let Some((registry, rest)) = rest.split_once('/') else {
            return Err("a pack in a registry is given as REGISTRY/NAME:TAG or REGISTRY/NAME@sha256:DIGEST".into());
        };
        let (repository, tag) = match rest.split_once(':') {
            Some((repository, tag)) => (repository, Some(tag.to_owned())),
            None => (rest, None),
        };
        if !is_registry(registry) {
            return Err(format!("`{registry}` is no registry: it is a host, as ghcr.io or localhost:5000"));
        }
        if repository.len() > MOST_NAME || !repository.split('/').all(is_component) {
            return Err(format!(
                "`{repository}` is no name in a registry: it has lower-case letters, digits and . _ - /"
            ));
        }
        if tag.as_ref().is_some_and(|tag| !is_tag(tag)) {
            return Err("a tag has letters, digits and . _ -".into());
        }
        if tag.is_none() && digest.is_none() {
            return Err("a pack in a registry needs a tag or a digest: NAME:TAG or NAME@sha256:DIGEST".into());
        }
        Ok(Self { registry: registry.to_owned(), repository: repository.to_owned(), tag, digest })
    }

    /// The same with this digest.
    #[must_use]
    pub fn at(&self, digest: &str) -> Self {
        Self { digest: Some(digest.to_owned()), ..self.clone() }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

/// Is it `sha256:` and 64 hexadecimal digits?
pub(crate) fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(|digits| {
        digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    })
}

/// A host with a dot or a port, or this machine: anything else is the first part of a name at Docker Hub.
fn is_registry(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !text.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let name = |host: &str| {
        let part = |part: &str| {
            !part.is_empty()
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !part.starts_with('-')
                && !part.ends_with('-')
        };
        host.len() <= MOST_NAME && host.split('.').all(part)
    };
    let address = |host: &str| {
        let inside = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        inside.is_some_and(|address| address.parse::<std::net::Ipv6Addr>().is_ok())
    };
    let said = host.contains('.') || host == "localhost" || port.is_some() || address(host);
    said && (name(host) || address(host)) && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

/// One part of a repository's name: runs of letters and digits with `.`, `_`, `__` or dashes between them.
fn is_component(text: &str) -> bool {
    let alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let (Some(first), Some(last)) = (text.bytes().next(), text.bytes().next_back()) else { return false };
    let separators = || text.split(|char: char| char.is_ascii_lowercase() || char.is_ascii_digit());
    let separator = |text: &str| matches!(text, "" | "." | "_" | "__") || text.bytes().all(|byte| byte == b'-');
    alphanumeric(first) && alphanumeric(last) && separators().all(separator)
}

fn is_tag(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.len() <= MOST_TAG
        && text.bytes().next().is_some_and(word)
        && text.bytes().all(|byte| word(byte) || matches!(byte, b'.' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_read_and_written() {
        let digest = format!("sha256:{}", "0a".repeat(32));
        for text in [
            "ghcr.io/acme/rules:1.2",
            "localhost/rules:1",
            "localhost:5000/rules:latest",
            "127.0.0.1:5000/a/b-c/d__e:v1.0-rc_1",
            "[::1]:5000/rules:1",
            "registry/rules:1",
            &format!("111122223333.dkr.ecr.eu-west-1.amazonaws.com/rules@{digest}"),
            &format!("ghcr.io/acme/rules:1.2@{digest}"),
        ] {
            // A single word is a part of a name, unless a port follows.
            let read = Reference::parse(text).map(|read| read.to_string());
            let expected = if text == "registry/rules:1" { None } else { Some(text.to_owned()) };
            assert_eq!(read.ok(), expected, "{text}");
            assert_eq!(Reference::parse(&format!("{SCHEME}{text}")).is_ok(), text != "registry/rules:1", "{text}");
        }
    }

    #[test]
    fn what_no_registry_would_take_is_refused() {
        for text in [
            "",
            "rules:1",
            "ghcr.io/acme/rules",
            "ghcr.io/Acme/rules:1",
            "ghcr.io/acme/../rules:1",
            "ghcr.io/acme//rules:1",
            "ghcr.io/acme/rules:",
            "ghcr.io/acme/rules:a/b",
            "ghcr.io/acme/rules:.1",
            "ghcr.io/acme/rules?x:1",
            "ghcr.io/acme/rules@sha256:0a",
            "ghcr.io/acme/rules@sha512:0a",
            "user:pw@ghcr.io/acme/rules:1",
            "ghcr.io:0/rules:1",
            "ghcr.io:x/rules:1",
            "-ghcr.io/rules:1",
            "ghcr..io/rules:1",
            "https://ghcr.io/acme/rules:1",
            "ghcr.io/acme/rules:1 2",
        ] {
            assert!(Reference::parse(text).is_err(), "{text}");
        }
    }
}
