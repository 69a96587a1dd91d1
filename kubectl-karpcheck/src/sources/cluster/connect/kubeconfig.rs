//! The files of a kubeconfig: where they are looked for, and what cannot be read of them.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use kube::config::{Kubeconfig, KubeconfigError};

use super::{ConnectError, lenient};
use crate::sources::cluster::ClusterOptions;
use crate::sources::cluster::api::tidy;

/// The kubeconfig, if there is one: --kubeconfig, else the files of KUBECONFIG that exist, else ~/.kube/config.
pub(super) fn read(args: &ClusterOptions) -> Result<Option<Kubeconfig>, ConnectError> {
    let from = |path: &PathBuf| {
        if let Err(why) = readable(path) {
            return Err(ConnectError::Unreadable { path: path.display().to_string(), why });
        }
        let read = match Kubeconfig::read_from(path) {
            Err(KubeconfigError::Parse(error)) => lenient::read(path).ok_or(KubeconfigError::Parse(error)),
            read => read,
        };
        read.map_err(|error| {
            let why = match &error {
                KubeconfigError::ReadConfig(io, _) if io.kind() == std::io::ErrorKind::NotFound => {
                    "no such file".into()
                }
                KubeconfigError::ReadConfig(io, _) if io.kind() == std::io::ErrorKind::InvalidData => {
                    "it is not UTF-8: save it as UTF-8".into()
                }
                KubeconfigError::ReadConfig(io, _) => io.to_string(),
                // The first line says what and where, those below draw it.
                KubeconfigError::Parse(error) => {
                    let text = error.to_string();
                    let first = text.lines().next().unwrap_or_default();
                    format!("it is not valid YAML: {}", first.strip_prefix("error: ").unwrap_or(first))
                }
                other => other.to_string(),
            };
            ConnectError::Unreadable { path: path.display().to_string(), why: tidy(&why) }
        })
    };
    if let Some(path) = &args.kubeconfig {
        return from(path).map(Some);
    }
    let mut merged: Option<Kubeconfig> = None;
    for path in default_paths().iter().filter(|path| path.exists()) {
        let next = from(path)?;
        merged = Some(match merged {
            None => next,
            Some(merged) => merged.merge(next).map_err(|error| ConnectError::Unreadable {
                path: path.display().to_string(),
                why: tidy(&error.to_string()),
            })?,
        });
    }
    Ok(merged)
}

/// Is it something that kube reads? It takes files of any size, and panics at UTF-16 that ends in the middle of a character.
fn readable(path: &Path) -> Result<(), String> {
    /// More than any kubeconfig has, in bytes.
    const MOST: u64 = 16 << 20;
    // What is not there kube says itself; a pipe is read once only.
    let Ok(metadata) = std::fs::metadata(path) else { return Ok(()) };
    if metadata.is_dir() {
        return Err("it is a folder: name the file in it".into());
    }
    if !metadata.is_file() {
        return Ok(());
    }
    if metadata.len() > MOST {
        return Err(format!("it is larger than {} MB, which no kubeconfig is", MOST >> 20));
    }
    let mut mark = [0; 2];
    let begun = File::open(path).and_then(|mut file| file.read_exact(&mut mark));
    if begun.is_ok() && matches!(mark, [0xff, 0xfe] | [0xfe, 0xff]) && metadata.len() % 2 == 1 {
        return Err("it is UTF-16 that ends in the middle of a character: save it as UTF-8".into());
    }
    Ok(())
}

fn default_paths() -> Vec<PathBuf> {
    if let Some(list) = std::env::var_os("KUBECONFIG").filter(|list| !list.is_empty()) {
        return std::env::split_paths(&list).filter(|path| !path.as_os_str().is_empty()).collect();
    }
    std::env::home_dir().map(|home| home.join(".kube").join("config")).into_iter().collect()
}

pub(super) fn looked_for() -> String {
    let paths: Vec<String> = default_paths().iter().map(|path| path.display().to_string()).collect();
    match paths.as_slice() {
        [] => "there is no home directory to look in".into(),
        paths => format!("looked for {}", paths.join(", ")),
    }
}
