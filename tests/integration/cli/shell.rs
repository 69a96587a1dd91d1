//! What a shell and a reader of manuals are given: completion, manual pages, the reference in docs/, patterns and lists of
//! paths.

use clap::CommandFactory as _;
use kubectl_karpcheck::cli::Cli;

use super::*;

fn candidates(words: &[&str]) -> String {
    let place = TestDir::new();
    let ended = place.run(&[&["__complete"], words].concat());
    ended.code(0);
    ended.out
}

#[test]
fn kubectl_is_given_candidates() {
    let commands = candidates(&[""]);
    assert!(commands.contains("\nexplain\tExplain a rule"), "{commands}");
    assert!(!commands.contains("__complete"), "{commands}");
    assert!(commands.ends_with("\n:4\n"), "{commands}");
    let rules = candidates(&["check", "--rule", "ebs-key-wi"]);
    assert!(rules.starts_with("ebs-key-without-encryption\tA volume has a KMS key"), "{rules}");
    assert_eq!(candidates(&["rules", "--area", "que"]), "queue\n:4\n");
    assert!(candidates(&["--output", "sar"]).starts_with("sarif\tSARIF 2.1.0"));
    // Paths are the shell's.
    assert_eq!(candidates(&["check", "-f", "go"]), ":0\n");
}

#[test]
fn contexts_are_completed_from_the_kubeconfig() {
    let place = TestDir::new();
    place.write("kc", "apiVersion: v1\nkind: Config\ncontexts:\n- {name: prod-a, context: {cluster: a, user: a}}\n");
    let ended = place.run(&["__complete", "check", "--context", "pr"]);
    ended.code(0);
    assert_eq!(ended.out, "prod-a\n:4\n");
}

#[test]
fn every_shell_has_a_script() {
    let place = TestDir::new();
    place.run(&["completion", "kubectl"]).code(0).has("exec kubectl karpcheck __complete \"$@\"");
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        place.run(&["completion", shell]).code(0).has("KARPCHECK_COMPLETE");
    }
}

/// The script in a real bash, as far as it goes without a terminal.
#[test]
fn bash_completes_with_the_script() {
    let place = TestDir::new();
    let script = place.run(&["completion", "bash"]).out;
    let folder = Path::new(env!("CARGO_BIN_EXE_kubectl-karpcheck")).parent().unwrap();
    let asked = format!(
        "{script}\nCOMP_WORDS=(kubectl-karpcheck explain queue-aws); COMP_CWORD=2; \
         _clap_complete_kubectl_karpcheck kubectl-karpcheck queue-aws explain; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    );
    let Ok(output) = Command::new("bash")
        .args(["--norc", "-c", &asked])
        .env("PATH", format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default()))
        .output()
    else {
        return;
    };
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "queue-aws-managed-key");
}

#[test]
fn there_is_a_manual_page_for_each_command() {
    let place = TestDir::new();
    place.run(&["man", "share/man1"]).code(0);
    for (page, text) in
        [("kubectl-karpcheck", "Find what will break Karpenter"), ("kubectl-karpcheck-can", "AWS would allow")]
    {
        let page = fs::read_to_string(place.path().join(format!("share/man1/{page}.1"))).unwrap();
        assert!(page.contains(".TH") && page.contains(text), "{page}");
        assert!(!page.contains("__complete"), "{page}");
    }
}

/// `docs/cli.md` is what `--help` prints: one text, so that neither can grow old. `BLESS=1` writes it anew.
#[test]
fn the_reference_is_what_help_prints() {
    let mut text =
        "# Commands and flags\n\nWhat `--help` prints of each command, made from the same source.\n".to_owned();
    let mut command = Cli::command().term_width(100).disable_help_subcommand(true);
    command.build();
    describe(&mut command, &mut text);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/cli.md");
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let found = fs::read_to_string(path).unwrap_or_default();
    assert!(found == text, "docs/cli.md is not what --help prints: BLESS=1 cargo test reference");
}

fn describe(command: &mut clap::Command, text: &mut String) {
    let name = command.get_bin_name().unwrap().to_owned();
    let help = command.render_long_help().to_string();
    let help: Vec<&str> = help.lines().map(str::trim_end).collect();
    text.push_str(&format!("\n## {name}\n\n```text\n{}\n```\n", help.join("\n").trim_end()));
    for inner in command.get_subcommands_mut().filter(|inner| !inner.is_hide_set()) {
        describe(inner, text);
    }
}

#[test]
fn paths_may_be_patterns_and_lists() {
    let place = TestDir::new();
    place.write("other.yaml", SOUND_CLASS);
    for named in ["*.yaml", "good.yaml,other.yaml"] {
        place.run(&["check", "--offline", "-R", "-f", named]).code(1).has("2 files");
    }
    place.run(&["check", "--offline", "-f", "*.tf"]).code(3).has("no such file");
}

#[test]
fn all_namespaces_is_the_default_and_may_be_said() {
    let place = TestDir::new();
    place.run(&["check", "--offline", "-A", "-f", "good.yaml"]).code(1);
    place.run(&["check", "-A", "-n", "infra"]).code(2).complains("cannot be used with");
}
