//! What a platform team does: write a crate with rules, build it, load it.

use std::path::{Path, PathBuf};

use kubectl_karpcheck::commands::pack::PackError;
use kubectl_karpcheck::commands::pack::build::{BuildArgs, run};

use crate::skipped::skipped;

/// Builds the example pack; none where this machine has no toolchain for WebAssembly, which is said aloud.
fn example_pack(folder: &Path) -> Option<PathBuf> {
    let output = folder.join("example.wasm");
    let args = BuildArgs {
        crate_dir: Path::new(env!("CARGO_MANIFEST_DIR")).join("../rules-wasm/examples/rust"),
        output: Some(output.clone()),
        profile: "pack".into(),
        record: None,
    };
    let (mut out, mut err) = (vec![], vec![]);
    match run(&args, &mut out, &mut err) {
        Ok(()) => {
            assert_eq!(String::from_utf8(out).unwrap().trim(), output.to_str().unwrap());
            assert!(String::from_utf8(err).unwrap().starts_with("example-rust-pack: "));
            Some(output)
        }
        Err(cause @ (PackError::NoToolchain | PackError::NoLinker)) => {
            skipped(&format!("a pack of one's own: {cause}"));
            None
        }
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_pack_of_ones_own_is_built_and_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let Some(pack) = example_pack(folder.path()) else { return };
    finds_a_pool_without_team(&pack, "platform/node-pool-without-team");
}

#[test]
fn a_pack_that_was_built_earlier_finds_the_same() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/components/kept/platform.wasm");
    finds_a_pool_without_team(&kept, "platform/node-pool-without-team");
    let named = PathBuf::from(format!("other={}", kept.display()));
    finds_a_pool_without_team(&named, "other/node-pool-without-team");
}

/// Checks a NodePool without a team with this pack beside the built-in one.
fn finds_a_pool_without_team(pack: &Path, rule: &str) {
    let folder = tempfile::tempdir().unwrap();
    let manifest = folder.path().join("pool.yaml");
    std::fs::write(
        &manifest,
        "apiVersion: karpenter.sh/v1\nkind: NodePool\nmetadata:\n  name: default\nspec:\n  template:\n    spec:\n      \
         nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: default}\n",
    )
    .unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_kubectl-karpcheck"))
        .args(["check", "--offline", "-o", "json", "--fail-on", "warning", "--pack"])
        .arg(pack)
        .arg("-f")
        .arg(&manifest)
        .output()
        .unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let findings = report["findings"].as_array().unwrap();
    let own = findings.iter().find(|finding| finding["rule"] == rule).unwrap_or_else(|| panic!("{report}"));
    let (name, _) = rule.split_once('/').unwrap();
    let loaded = &report["run"]["packs"][1];
    assert_eq!((loaded["name"].as_str(), loaded["version"].as_str()), (Some(name), Some("0.1.0")));
    assert_eq!((own["severity"].as_str(), own["area"].as_str()), (Some("warning"), Some("platform")));
    assert!(own["message"].as_str().unwrap().contains("example.com/team"), "{own}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_folder_without_a_crate_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let args = BuildArgs { crate_dir: folder.path().to_owned(), output: None, profile: "pack".into(), record: None };
    let error = run(&args, &mut vec![], &mut vec![]).unwrap_err();
    assert!(matches!(error, PackError::NoCrate { .. }), "{error}");
}
