//! The scripts of release/ that pack, render and say what changed, with a stand-in for the binary: what it takes to link one is
//! tried by `release/test.sh`.
#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::krew::{binary, digest, faults};
use crate::skipped::skipped;

const TAG: &str = "v0.1.0";
const PLATFORMS: [&str; 5] = ["linux-amd64", "linux-arm64", "darwin-amd64", "darwin-arm64", "windows-amd64"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A script of release/, where nothing is asked of a network.
fn script(name: &str, args: &[&str]) -> Output {
    Command::new("bash")
        .arg(root().join("release").join(name))
        .args(args)
        .env("CARGO_NET_OFFLINE", "true")
        .env("SOURCE_DATE_EPOCH", "1700000000")
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn printed(name: &str, args: &[&str]) -> String {
    let output = script(name, args);
    assert!(output.status.success(), "{name} {args:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

/// The archives of some platforms in a folder, with the address that each has in the manifest; none where this machine cannot pack.
fn packed(dist: &Path, platforms: &[&str], umask: &str) -> Option<Vec<(String, Vec<u8>)>> {
    let standing_in = dist.join("binary");
    std::fs::write(&standing_in, binary()).unwrap();
    platforms
        .iter()
        .map(|platform| {
            let (pack, dist) = (root().join("release/pack.sh"), dist.to_str().unwrap());
            let output = Command::new("bash")
                .args(["-c", "umask \"$1\" && shift && exec bash \"$@\"", "bash", umask])
                .args([pack.to_str().unwrap(), platform, standing_in.to_str().unwrap(), dist])
                .env("CARGO_NET_OFFLINE", "true")
                .env("SOURCE_DATE_EPOCH", "1700000000")
                .output()
                .unwrap();
            if !output.status.success() {
                let said = text(&output.stderr);
                assert!(said.contains("offline") || said.contains("python3: command not found"), "{platform}: {said}");
                skipped(&format!("an archive for {platform} (`cargo fetch --locked` brings the crates): {said}"));
                return None;
            }
            let name = format!("kubectl-karpcheck_{}.tar.gz", platform.replace('-', "_"));
            let archive = std::fs::read(Path::new(dist).join(&name)).unwrap();
            let base = "https://github.com/kubectl-karpcheck/kubectl-karpcheck/releases/download";
            Some((format!("{base}/{TAG}/{name}"), archive))
        })
        .collect()
}

#[test]
fn what_is_packed_is_what_krew_and_homebrew_install() {
    let (dist, again) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(archives) = packed(dist.path(), &PLATFORMS, "022") else { return };
    let repacked = packed(again.path(), &PLATFORMS[..1], "077");
    assert_eq!(repacked.as_deref(), Some(&archives[..1]), "the machine that packs shows in the archive");

    let folder = dist.path().to_str().unwrap();
    let manifest = printed("krew.sh", &[TAG, folder]);
    let formula = printed("formula.sh", &[TAG, folder]);
    let sums = std::fs::read_to_string(dist.path().join("SHA256SUMS")).unwrap();
    for (uri, archive) in &archives {
        let (digest, name) = (digest(archive), uri.rsplit('/').next().unwrap());
        assert!(sums.contains(&format!("{digest}  {name}\n")), "{sums}");
        assert_eq!(
            formula.contains(&format!("url \"{uri}\"\n      sha256 \"{digest}\"")),
            !name.contains("windows"),
            "{formula}"
        );
    }
    let entries = |archive: &[u8]| {
        let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(archive));
        let entries = tar.entries().unwrap().map(|entry| {
            let entry = entry.unwrap();
            let header = entry.header();
            assert_eq!((header.uid().unwrap(), header.mtime().unwrap()), (0, 1_700_000_000));
            (
                entry.path().unwrap().to_str().unwrap().trim_start_matches("./").to_owned(),
                header.mode().unwrap() & 0o777,
            )
        });
        entries.filter(|(name, _)| !name.is_empty()).collect::<Vec<_>>()
    };
    for (uri, archive) in &archives {
        let name = if uri.contains("windows") { "kubectl-karpcheck.exe" } else { "kubectl-karpcheck" };
        let wanted = [("LICENSE", 0o644), ("NOTICE", 0o644), ("THIRD-PARTY-LICENSES", 0o644), (name, 0o755)];
        assert_eq!(entries(archive), wanted.map(|(name, mode)| (name.to_owned(), mode)), "{uri}");
    }
    let archives = archives.into_iter().collect();
    assert_eq!(faults("karpcheck.yaml", &manifest, &archives), Vec::<String>::new());
    assert!(archives.keys().all(|uri| manifest.contains(uri)), "{manifest}");

    let notices = std::fs::read_to_string(dist.path().join("linux-amd64/THIRD-PARTY-LICENSES")).unwrap();
    // Of a crate, of the C in one, of one that is in the pack only, and of what the compiler links.
    for of in ["\nwasmtime 4", "Daan Leijen", "\nregex-lite 0", "The standard library of Rust", "\nmusl libc (MIT)\n"] {
        assert!(notices.contains(of), "no notice of {of:?}");
    }
    let notices = std::fs::read_to_string(dist.path().join("darwin-arm64/THIRD-PARTY-LICENSES")).unwrap();
    assert!(!notices.contains("\nmusl libc (MIT)\n") && notices.contains("The standard library of Rust"));
}

#[test]
fn what_lacks_archives_is_no_manifest_and_no_formula() {
    let empty = tempfile::tempdir().unwrap();
    let folder = empty.path().to_str().unwrap();
    for name in ["krew.sh", "formula.sh"] {
        let output = script(name, &[TAG, folder]);
        assert!(!output.status.success() && output.stdout.is_empty(), "{name}: {}", text(&output.stdout));
        assert!(text(&output.stderr).contains("SHA256SUMS"), "{name}: {}", text(&output.stderr));
    }
    std::fs::write(empty.path().join("SHA256SUMS"), "00  kubectl-karpcheck_linux_amd64.tar.gz\n").unwrap();
    let formula = script("formula.sh", &[TAG, folder]);
    assert!(!formula.status.success() && formula.stdout.is_empty(), "{}", text(&formula.stdout));
    assert!(text(&formula.stderr).contains("has no archive for darwin_arm64"), "{}", text(&formula.stderr));
    let manifest = script("krew.sh", &["0.1.0", folder]);
    assert!(!manifest.status.success() && manifest.stdout.is_empty(), "{}", text(&manifest.stdout));
}

/// Who copies a line of the docs, or uses the action, gets the release that the line is of.
#[test]
fn what_users_copy_names_the_version() {
    assert_eq!(printed("check.sh", &[]), "");
    let other = script("check.sh", &["v9.9.9"]);
    assert!(
        !other.status.success() && text(&other.stderr).contains("v9.9.9 is not the version"),
        "{}",
        text(&other.stderr)
    );
}

#[test]
fn what_changed_is_told_by_version() {
    let changes = printed("changes.sh", &[TAG]);
    assert!(changes.contains("### Added") && !changes.contains("\n## "), "{changes}");
    let none = script("changes.sh", &["v9.9.9"]);
    assert!(!none.status.success() && text(&none.stderr).contains("no section for v9.9.9"), "{}", text(&none.stderr));
}

/// The workflow builds for macOS on macOS, whose bash is of 2007: it knows no `${name^^}`, no maps, and takes an empty list for unset.
#[test]
fn what_runs_on_macos_runs_with_its_bash() {
    let mut files: Vec<(String, String)> = ["build.sh", "pack.sh", "platform.sh", "notices.sh", "sbom.sh"]
        .iter()
        .map(|name| ((*name).to_owned(), std::fs::read_to_string(root().join("release").join(name)).unwrap()))
        .collect();
    files.push(("action.yml".into(), std::fs::read_to_string(root().join("action.yml")).unwrap()));
    let mut faults = vec![];
    for (file, content) in files {
        for (number, line) in content.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with('#')) {
            let unknown = ["^^}", ",,}", "mapfile", "readarray", "declare -A", "local -n", "${!"]
                .iter()
                .any(|new| line.contains(new));
            // `"${list[@]}"`, unless it is what `${list[@]+…}` gives, or escaped for a script that is written.
            let bare = line.match_indices("\"${").any(|(at, _)| {
                let list = line[at + 3..].split('}').next().unwrap_or_default();
                list.ends_with("[@]") && !line[..at].ends_with(&format!("${{{list}+"))
            });
            if unknown || bare {
                faults.push(format!("{file}:{}: {line}", number + 1));
            }
        }
    }
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn binstall_knows_every_archive() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let args = ["metadata", "--offline", "--locked", "--no-deps", "--format-version=1", "--manifest-path"];
    let output = Command::new(env!("CARGO")).args(args).arg(manifest).output().unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let package =
        metadata["packages"].as_array().unwrap().iter().find(|one| one["name"] == "kubectl-karpcheck").unwrap();
    let overrides = package["metadata"]["binstall"]["overrides"].as_object().unwrap();
    let platforms: std::collections::BTreeSet<String> = overrides
        .iter()
        .map(|(target, settings)| {
            let system = ["linux", "darwin", "windows"].into_iter().find(|system| target.contains(system)).unwrap();
            let processor = if target.starts_with("x86_64-") { "amd64" } else { "arm64" };
            let name = format!("kubectl-karpcheck_{system}_{processor}.tar.gz");
            assert_eq!(settings["pkg-url"], format!("{{ repo }}/releases/download/v{{ version }}/{name}"), "{target}");
            format!("{system}-{processor}")
        })
        .collect();
    assert_eq!(platforms, PLATFORMS.map(str::to_owned).into());
}

/// `release/test.sh` builds it, where there is what that takes.
#[test]
fn the_image_is_the_binary_alone_and_runs_as_the_user_of_the_job() {
    let deploy = root().join("deploy");
    let file = std::fs::read_to_string(deploy.join("Dockerfile")).unwrap();
    let lines: Vec<&str> = file.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    let user = lines.iter().find_map(|line| line.strip_prefix("USER ")).unwrap();
    assert_eq!(
        lines,
        [
            "ARG BASE=gcr.io/distroless/static-debian12:nonroot",
            "FROM ${BASE}",
            "COPY --chmod=0555 kubectl-karpcheck /kubectl-karpcheck",
            &format!("USER {user}"),
            "ENTRYPOINT [\"/kubectl-karpcheck\"]",
        ],
        "nothing is run in it, and nothing else put in"
    );
    let job = std::fs::read_to_string(deploy.join("base/cron-job.yaml")).unwrap();
    let (number, group) = user.split_once(':').unwrap();
    assert_ne!(number, "0");
    for line in [&format!("runAsUser: {number}"), &format!("runAsGroup: {group}"), "image: kubectl-karpcheck"] {
        assert!(job.contains(line), "{line}");
    }
}
