//! krew-manifest.yaml, rendered as krew-release-bot does and held to krew's own rules: validate.go and
//! validate-krew-manifest of kubernetes-sigs/krew.

use std::collections::BTreeMap;
use std::path::Path;

use serde_yaml::Value;
use sha2::{Digest, Sha256};

const TAG: &str = "v0.1.0";
/// The pairs for which krew itself is built.
const PAIRS: &[(&str, &str)] = &[
    ("windows", "386"),
    ("windows", "amd64"),
    ("windows", "arm64"),
    ("linux", "386"),
    ("linux", "amd64"),
    ("linux", "arm"),
    ("linux", "arm64"),
    ("linux", "ppc64le"),
    ("darwin", "386"),
    ("darwin", "amd64"),
    ("darwin", "arm64"),
];
const HOST: (&str, &str) = (
    if cfg!(windows) {
        "windows"
    } else if cfg!(target_os = "macos") {
        "darwin"
    } else {
        "linux"
    },
    if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" },
);

/// Archives by their address.
type Archives = BTreeMap<String, Vec<u8>>;

fn file(path: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).unwrap()
}

fn template() -> String {
    String::from_utf8(file("krew-manifest.yaml")).unwrap()
}

/// A release archive. It is not compressed further: a debug build is large and a test is not a release.
pub(crate) fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let gzip = flate2::write::GzEncoder::new(vec![], flate2::Compression::none());
    let mut tar = tar::Builder::new(gzip);
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o755);
        header.set_cksum();
        tar.append_data(&mut header, name, *content).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

/// What stands for the binary in an archive: a script that runs it, since an unoptimised binary has hundreds of megabytes.
pub(crate) fn binary() -> Vec<u8> {
    format!("#!/bin/sh\nexec '{}' \"$@\"\n", env!("CARGO_BIN_EXE_kubectl-karpcheck")).into_bytes()
}

/// The archives of a release: for this machine's platform with what runs the binary, a stand-in for the others.
fn release() -> Archives {
    let (license, notice) = (file("LICENSE"), file("NOTICE"));
    let binary = binary();
    let base = "https://github.com/kubectl-karpcheck/kubectl-karpcheck/releases/download";
    [("linux", "amd64"), ("linux", "arm64"), ("darwin", "amd64"), ("darwin", "arm64"), ("windows", "amd64")]
        .into_iter()
        .map(|(os, arch)| {
            let name = if os == "windows" { "kubectl-karpcheck.exe" } else { "kubectl-karpcheck" };
            let content: &[u8] = if (os, arch) == HOST { &binary } else { b"a stand-in" };
            // What release/build.sh packs.
            let files = [
                (name, content),
                ("LICENSE", license.as_slice()),
                ("NOTICE", notice.as_slice()),
                ("THIRD-PARTY-LICENSES", b"a stand-in".as_slice()),
            ];
            (format!("{base}/{TAG}/kubectl-karpcheck_{os}_{arch}.tar.gz"), archive(&files))
        })
        .collect()
}

pub(crate) fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What krew-release-bot does: `addURIAndSha` becomes an address and the digest of what is there.
fn render(template: &str, archives: &Archives) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, call)) = rest.split_once("{{addURIAndSha \"") {
        let (url, after) = call.split_once("\" .TagName }}").ok_or("addURIAndSha is not called with .TagName")?;
        let url = url.replace("{{ .TagName }}", TAG);
        let archive = archives.get(&url).ok_or_else(|| format!("no archive at {url}"))?;
        out.push_str(&format!("{before}uri: {url}\n    sha256: {}", digest(archive)));
        rest = after;
    }
    out.push_str(rest);
    let out: String = out.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect();
    let out = out.replace("{{ .TagName }}", TAG);
    if out.contains("{{") { Err(format!("krew-release-bot knows no such function:\n{out}")) } else { Ok(out) }
}

/// Holds a manifest to krew's rules. All faults, one sentence each.
pub(crate) fn faults(file_name: &str, manifest: &str, archives: &Archives) -> Vec<String> {
    let mut faults = vec![];
    let manifest: Value = match serde_yaml::from_str(manifest) {
        Ok(manifest) => manifest,
        Err(error) => return vec![format!("not YAML: {error}")],
    };
    let mut need = |holds: bool, fault: &str| {
        if !holds {
            faults.push(fault.to_owned());
        }
    };
    let word = |value: &Value, field: &str| value.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    need(word(&manifest, "apiVersion") == "krew.googlecontainertools.github.com/v1alpha2", "apiVersion");
    need(word(&manifest, "kind") == "Plugin", "kind");
    let name = word(&manifest["metadata"], "name");
    need(format!("{name}.yaml") == file_name, "the name is not the file's");
    need(
        !name.is_empty() && name.chars().all(|char| char.is_ascii_alphanumeric() || "-_".contains(char)),
        "the name has other characters than letters, digits, - and _",
    );
    let device = ["con", "prn", "aux", "nul", "com1", "lpt1"].contains(&name.to_lowercase().as_str());
    need(!device && !name.starts_with("kube"), "the name is a Windows device's or begins with kube");
    let spec = &manifest["spec"];
    let version = word(spec, "version");
    let semver = version.strip_prefix('v').is_some_and(|version| semver::Version::parse(version).is_ok());
    need(semver, "the version is not a semantic one with v before it");
    let short = word(spec, "shortDescription");
    need(!short.is_empty() && !short.contains(['\n', '\r']), "shortDescription is empty or has a line break");
    need(short.chars().count() <= 50, "shortDescription is longer than the 50 characters that krew search shows");
    need(word(spec, "homepage").starts_with("https://"), "homepage");
    let description = word(spec, "description");
    need(!description.is_empty() && description.lines().all(|line| line.len() <= 80), "description is wider than 80");
    let none = vec![];
    let platforms = spec["platforms"].as_sequence().unwrap_or(&none);
    need(!platforms.is_empty(), "no platform");
    let mut taken: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for platform in platforms {
        let labels = platform["selector"]["matchLabels"].as_mapping().cloned().unwrap_or_default();
        need(!labels.is_empty(), "a selector is empty");
        need(labels.keys().all(|key| key == "os" || key == "arch"), "a selector is on something else than os and arch");
        let selects = |label: &str, value: &str| labels.get(label).is_none_or(|wanted| wanted == value);
        let pairs = PAIRS.iter().filter(|(os, arch)| selects("os", os) && selects("arch", arch));
        let before = taken.len();
        let mut selected = 0;
        for pair in pairs {
            *taken.entry(*pair).or_insert(0) += 1;
            selected += 1;
        }
        need(selected > 0, "a selector matches no pair that krew supports");
        need(taken.len() == before + selected, "two selectors overlap");
        let sha256 = word(platform, "sha256");
        let hex = |char: char| char.is_ascii_digit() || ('a'..='f').contains(&char);
        need(sha256.len() == 64 && sha256.chars().all(hex), "sha256 is not 64 lower-case hexadecimal digits");
        let uri = word(platform, "uri");
        need(uri.ends_with(".tar.gz") || uri.ends_with(".zip"), "the archive is neither .tar.gz nor .zip");
        let Some(archive) = archives.get(&uri) else {
            need(false, "there is nothing at uri");
            continue;
        };
        need(digest(archive) == sha256, "sha256 is not the archive's");
        let installed = installed(platform, archive);
        need(installed.is_some(), "files is empty, or one of its entries matches nothing in the archive");
        let installed = installed.unwrap_or_default();
        let bin = word(platform, "bin");
        need(!bin.is_empty() && installed.contains(&bin), "bin is not among the installed files");
        need(
            installed.iter().any(|file| file.starts_with("LICENSE") || file.starts_with("COPYING")),
            "no LICENSE is installed",
        );
    }
    faults
}

/// The files that krew puts into the plugin's folder: what `files` takes out of the archive, all by default.
fn installed(platform: &Value, archive: &[u8]) -> Option<Vec<String>> {
    let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(archive));
    let packed: Vec<String> =
        tar.entries().ok()?.map(|entry| Some(entry.ok()?.path().ok()?.to_str()?.to_owned())).collect::<Option<_>>()?;
    let Some(files) = platform.get("files") else { return Some(packed) };
    let mut installed = vec![];
    for operation in files.as_sequence().filter(|files| !files.is_empty())? {
        let (from, to) = (operation["from"].as_str()?, operation["to"].as_str()?);
        let matched: Vec<&String> = packed.iter().filter(|file| from == "*" || *file == from).collect();
        if matched.is_empty() {
            return None;
        }
        let folder = if to == "." { String::new() } else { format!("{}/", to.trim_end_matches('/')) };
        installed.extend(matched.into_iter().map(|file| format!("{folder}{file}")));
    }
    Some(installed)
}

#[test]
fn the_rendered_manifest_keeps_krews_rules() {
    let archives = release();
    let manifest = render(&template(), &archives).unwrap();
    assert_eq!(faults("karpcheck.yaml", &manifest, &archives), Vec::<String>::new());
    // Nothing of the release is left out.
    assert!(archives.keys().all(|uri| manifest.contains(uri)), "{manifest}");
}

/// A manifest is rendered in two places: by the bot for krew's index, and by a script for a custom index and at home.
#[cfg(unix)]
#[test]
fn the_script_renders_as_the_bot_does() {
    let archives = release();
    let name = |uri: &str| uri.rsplit('/').next().unwrap().to_owned();
    let dist = tempfile::tempdir().unwrap();
    let script = |archives: &Archives| {
        let sums: String = archives.iter().map(|(uri, bytes)| format!("{}  {}\n", digest(bytes), name(uri))).collect();
        std::fs::write(dist.path().join("SHA256SUMS"), sums).unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../release/krew.sh");
        let output = std::process::Command::new("bash").arg(script).arg(TAG).arg(dist.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(script(&archives), render(&template(), &archives).unwrap());
    // Of a platform that was not built here nothing stands in the manifest, which is a whole one all the same.
    let built: Archives = archives
        .iter()
        .filter(|(uri, _)| uri.contains("_linux_arm64"))
        .map(|(uri, bytes)| (uri.clone(), bytes.clone()))
        .collect();
    let manifest = script(&built);
    assert_eq!(faults("karpcheck.yaml", &manifest, &built), Vec::<String>::new());
    assert_eq!(manifest.matches("uri: ").count(), 1);
}

#[test]
fn every_rule_of_krew_can_be_broken() {
    let archives = release();
    let manifest = render(&template(), &archives).unwrap();
    let broken = |from: &str, to: &str| {
        assert!(manifest.contains(from), "the manifest has no {from:?}");
        faults("karpcheck.yaml", &manifest.replacen(from, to, 1), &archives).join("; ")
    };
    for (from, to, fault) in [
        ("v1alpha2", "v1alpha1", "apiVersion"),
        ("kind: Plugin", "kind: Plug", "kind"),
        ("name: karpcheck", "name: karp-check", "the name is not the file's"),
        ("name: karpcheck", "name: karp check", "other characters"),
        ("name: karpcheck", "name: kube-karpcheck", "begins with kube"),
        ("version: v0.1.0", "version: 0.1.0", "semantic"),
        ("version: v0.1.0", "version: v0.1", "semantic"),
        ("on AWS\n", "on AWS, and a good deal more than that\n", "50 characters"),
        ("shortDescription: ", "shortDescription: |-\n    a\n    ", "line break"),
        ("os: linux", "os: plan9", "no pair"),
        ("os: darwin", "os: linux", "overlap"),
        ("os: linux", "os: linux\n        libc: musl", "something else"),
        ("sha256: ", "sha256: A", "hexadecimal"),
        ("_linux_amd64.tar.gz", "_linux_arm64.tar.gz", "not the archive's"),
        ("_linux_amd64.tar.gz", "_linux_amd64.tar.xz", "neither"),
        ("bin: kubectl-karpcheck\n", "bin: karpcheck\n", "bin is not"),
        ("from: LICENSE", "from: COPYING", "matches nothing"),
        ("    - from: LICENSE\n      to: .\n", "", "no LICENSE"),
        (
            "    files:\n    - from: kubectl-karpcheck\n",
            "    files: []\n    was:\n    - from: kubectl-karpcheck\n",
            "files is empty",
        ),
    ] {
        let found = broken(from, to);
        assert!(found.contains(fault), "{from:?} -> {to:?}: wanted {fault:?}, found {found:?}");
    }
    let no_platforms = manifest.split("  platforms:").next().unwrap();
    assert_eq!(faults("karpcheck.yaml", no_platforms, &archives), ["no platform"]);
    assert!(render("{{ sprig }}", &archives).is_err());
}
