//! Whom docker and podman trust for one registry, and who they say that they are: `certs.d/HOST:PORT` beside their configuration,
//! where `*.crt` are certificate authorities and `*.cert` with its `*.key` is a certificate of the client's own.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

/// What such a folder holds.
#[derive(Default, PartialEq, Eq, Debug)]
pub(super) struct Trusted {
    /// Certificates of authorities in DER, which count beside the system's.
    pub(super) authorities: Vec<Vec<u8>>,
    /// The client's certificate and its key, both in PEM.
    pub(super) identity: Option<(PathBuf, PathBuf)>,
}

/// What the first folder for a host says, a user's own before the machine's. None where there is no folder.
///
/// # Errors
/// What it holds cannot be used, by which file.
pub(super) fn of(host: &str) -> Result<Option<Trusted>, String> {
    first(&folders(), host)
}

fn folders() -> Vec<PathBuf> {
    let configured = std::env::var_os("XDG_CONFIG_HOME").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let own = configured.or_else(|| Some(etcetera::home_dir().ok()?.join(".config")));
    let own = own.into_iter().flat_map(|folder| ["containers", "docker"].map(|name| folder.join(name)));
    let all = own.chain(["/etc/containers", "/etc/docker"].map(PathBuf::from));
    all.map(|folder| folder.join("certs.d")).collect()
}

fn first(folders: &[PathBuf], host: &str) -> Result<Option<Trusted>, String> {
    // A redirect's host is anybody's word.
    if host.starts_with('.') {
        return Ok(None);
    }
    folders
        .iter()
        .map(|folder| folder.join(host))
        .find(|folder| folder.is_dir())
        .map(|folder| read(&folder))
        .transpose()
}

fn read(folder: &Path) -> Result<Trusted, String> {
    let failed = |path: &Path, error: io::Error| format!("{}: {error}", path.display());
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let mut files: Vec<PathBuf> =
        entries.map_err(|error| failed(folder, error))?.into_iter().map(|entry| entry.path()).collect();
    files.sort();
    let mut trusted = Trusted::default();
    for file in files {
        match file.extension().and_then(|ending| ending.to_str()) {
            Some("crt") => {
                let text = fs::read_to_string(&file).map_err(|error| failed(&file, error))?;
                let found =
                    certificates(&text).ok_or_else(|| format!("{} holds no certificate in PEM", file.display()))?;
                trusted.authorities.extend(found);
            }
            Some("cert") if trusted.identity.is_none() => {
                let key = file.with_extension("key");
                if !key.is_file() {
                    return Err(format!("{} has no key beside it ({})", file.display(), key.display()));
                }
                trusted.identity = Some((file, key));
            }
            _ => {}
        }
    }
    Ok(trusted)
}

/// The certificates of a PEM file in DER. None where it has none, or one that is broken.
fn certificates(text: &str) -> Option<Vec<Vec<u8>>> {
    let all = CertificateDer::pem_slice_iter(text.as_bytes());
    let found: Option<Vec<Vec<u8>>> = all.map(|one| Some(one.ok()?.as_ref().to_owned())).collect();
    found.filter(|found| !found.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEM: &str = "a comment\n-----BEGIN CERTIFICATE-----\nAQID\nBA==\n-----END CERTIFICATE-----\n";

    #[test]
    fn a_hosts_first_folder_says_whom_to_trust() {
        let folder = tempfile::tempdir().expect("a folder");
        let folders = [folder.path().join("mine"), folder.path().join("machine")];
        let host = "registry.example.com:5000";
        let write = |file: &str, text: &str| {
            let file = folder.path().join(file);
            fs::create_dir_all(file.parent().expect("a parent")).expect("a folder");
            fs::write(file, text).expect("a file");
        };
        assert_eq!(first(&folders, host), Ok(None));
        write("machine/registry.example.com:5000/ca.crt", &format!("{PEM}{PEM}"));
        write("machine/registry.example.com:5000/README", "nothing");
        write("machine/registry.example.com/ca.crt", "of another port");
        let authorities = vec![vec![1, 2, 3, 4]; 2];
        assert_eq!(first(&folders, host), Ok(Some(Trusted { authorities, identity: None })));
        assert_eq!(first(&folders, "../machine/registry.example.com"), Ok(None));

        write("mine/registry.example.com:5000/client.cert", PEM);
        let said = first(&folders, host).expect_err("no key");
        assert!(said.contains("client.cert has no key beside it"), "{said}");
        write("mine/registry.example.com:5000/client.key", "a key");
        let found = first(&folders, host).expect("read").expect("there");
        let (cert, key) = found.identity.expect("an identity");
        assert!(cert.ends_with("client.cert") && key.ends_with("client.key") && found.authorities.is_empty());

        for broken in
            ["", "-----BEGIN CERTIFICATE-----\nAQID", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----"]
        {
            write("mine/registry.example.com:5000/ca.crt", broken);
            let said = first(&folders, host).expect_err("no certificate");
            assert!(said.contains("ca.crt holds no certificate in PEM"), "{said}");
        }
    }
}
