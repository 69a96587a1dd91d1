//! What a platform team does: write a crate with rules, build it, load it.
#![expect(clippy::print_stdout, reason = "what it took, and what is left out, is said to who runs the tests")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use kubectl_karpcheck::commands::pack::PackError;
use kubectl_karpcheck::commands::pack::build::{BuildArgs, run};

use crate::skipped::skipped;

/// The program, in a folder. Crates are built where the built-in pack is, since each would build the same dependencies.
fn karpcheck(folder: &Path, args: &[&str]) -> Output {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    Command::new(env!("CARGO_BIN_EXE_kubectl-karpcheck"))
        .args(args)
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", target)
        .env("XDG_CACHE_HOME", Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"))
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Where this machine has no toolchain for WebAssembly, that is said aloud.
fn no_toolchain(output: &Output) -> bool {
    let said = text(&output.stderr);
    let missing = said.contains("no Rust toolchain here can build") || said.contains("no linker for WebAssembly");
    if missing {
        skipped(&format!("a pack of one's own: {said}"));
    }
    missing
}

/// Makes a project, has its fixtures judged, and the pack find something beside the built-in one.
fn from_nothing_to_a_finding(language: &str, prepare: impl Fn(&Path)) {
    let start = Instant::now();
    let folder = tempfile::tempdir().unwrap();
    let made = karpcheck(folder.path(), &["pack", "new", "acme-rules", "--lang", language]);
    assert_eq!((made.status.code(), text(&made.stdout)), (Some(0), "acme-rules\n".into()), "{}", text(&made.stderr));
    let again = karpcheck(folder.path(), &["pack", "new", "acme-rules", "--lang", language]);
    assert_eq!(again.status.code(), Some(3), "{}", text(&again.stderr));
    let project = folder.path().join("acme-rules");
    for file in ["README.md", ".github/workflows/pack.yaml", ".gitignore"] {
        let content = std::fs::read_to_string(project.join(file)).unwrap();
        assert!(!content.contains("platform.wasm"), "{file} is about another pack");
    }
    prepare(&project);
    let tested = karpcheck(&project, &["pack", "test", "--update"]);
    if no_toolchain(&tested) {
        return;
    }
    let said = text(&tested.stdout);
    assert_eq!(tested.status.code(), Some(0), "{said}{}", text(&tested.stderr));
    assert!(said.contains("running 4 fixtures of pack acme-rules 0.1.0"), "{said}");
    assert!(said.contains("test node-pool-without-team/fail/no-label.yaml ... ok"), "{said}");
    assert!(said.contains("test result: ok. 4 passed; 0 failed"), "{said}");
    let expected = project.join("fixtures/node-pool-without-team/fail/no-label.expected");
    let told = std::fs::read_to_string(&expected).unwrap();
    assert_eq!(
        told,
        "fail warning karpenter.sh/NodePool default /spec/template/metadata/labels: the nodes of default get no label \
         example.com/team: their cost is booked to the platform team\n"
    );

    let built = karpcheck(&project, &["pack", "build", "-o", "acme.wasm"]);
    assert_eq!(text(&built.stdout).trim(), "acme.wasm", "{}", text(&built.stderr));
    let pack = project.join("acme.wasm");
    finds_a_pool_without_team(&pack, "acme-rules/node-pool-without-team");
    judges_as_the_kept_one(&pack);
    three_rules(language, &project);
    measures(language, &pack);
    let shown = karpcheck(&project, &["pack", "inspect", "acme.wasm", "--fixtures", "fixtures", "-o", "json"]);
    let shown: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(shown["imports"], serde_json::json!(["karpcheck:rules/inventory@0.1.0"]));
    assert_eq!(shown["rules"][0]["cost"]["fixtures"], 4, "{shown}");
    let rule = &shown["rules"][0];
    println!(
        "{language}: {} KB, {} fuel and {} work a subject, {:.0?} from nothing to a finding",
        shown["size"].as_u64().unwrap() / 1024,
        rule["cost"]["fuel"].as_u64().unwrap() / rule["cost"]["subjects"].as_u64().unwrap(),
        rule["cost"]["work"].as_u64().unwrap() / rule["cost"]["subjects"].as_u64().unwrap(),
        start.elapsed()
    );

    // What is expected is what counts.
    std::fs::write(&expected, told.replace("no label", "no name")).unwrap();
    let failed = karpcheck(&project, &["pack", "test", "--pack", "acme.wasm"]);
    let said = text(&failed.stdout);
    assert_eq!(failed.status.code(), Some(1), "{said}");
    assert!(said.contains("no-label.yaml ... FAILED") && said.contains("-fail warning"), "{said}");
    assert!(said.contains("test result: FAILED. 3 passed; 1 failed"), "{said}");
    // A folder's claim is not updated away.
    let folder = project.join("fixtures/node-pool-without-team");
    std::fs::rename(folder.join("pass/label.yaml"), folder.join("fail/label.yaml")).unwrap();
    let failed = karpcheck(&project, &["pack", "test", "--pack", "acme.wasm", "--update"]);
    assert!(text(&failed.stdout).contains("the rule finds nothing wrong"), "{}", text(&failed.stdout));
}

/// What rules say of all files among the fixtures, whatever their pack is called: findings, and what was covered. Commands that
/// would settle something name the pack's file.
fn verdicts(pack: &Path, rules: &[&str], more: &[&str]) -> Vec<serde_json::Value> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let named = format!("same={}", pack.display());
    let rules: Vec<String> = rules.iter().map(|rule| format!("--rule=same/{rule}")).collect();
    let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
    let folders = ["tests/fixtures/rules", "tests/fixtures/corpus", "tests/fixtures/equivalence"];
    let folders = folders.iter().flat_map(|folder| ["-f", folder]).collect();
    let args = [vec!["check", "--offline", "-o", "json", "--pack", &named], folders, rules, more.to_vec()].concat();
    let output = karpcheck(&top, &args);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {}{}", text(&output.stdout), text(&output.stderr));
    });
    let all = ["findings", "coverage"].iter().flat_map(|part| report[part].as_array().unwrap().clone());
    let mut all: Vec<serde_json::Value> = all.collect();
    all.iter_mut().for_each(|one| drop(one.as_object_mut().unwrap().remove("settle")));
    all
}

/// The rule as it was once built of Rust, and this one, over the whole corpus.
fn judges_as_the_kept_one(pack: &Path) {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/components/kept/platform.wasm");
    let of = |pack| verdicts(pack, &["node-pool-without-team"], &[]);
    let (expected, found) = (of(&kept), of(pack));
    assert!(expected.len() > 50, "{}", expected.len());
    assert_eq!(found, expected);
}

/// The rules of tests/packs, which use most of what an SDK has, written over a project. In Rust each must find something, in
/// another language the pack must say what the one in Rust says.
fn three_rules(language: &str, project: &Path) {
    const RULES: [&str; 3] = ["node-pool-without-team", "queue-closed-to-eventbridge", "volume-not-as-agreed"];
    // What is agreed in the corpus, so that there is something to find.
    let sets =
        ["volume-not-as-agreed.type=io?", "volume-not-as-agreed.most-iops=100"].map(|set| format!("--set=same/{set}"));
    let sets: Vec<&str> = sets.iter().map(String::as_str).collect();
    let built = |language: &str, project: &Path| {
        let packs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/packs");
        copy(&packs.join(language.replace("js", "javascript")), project);
        let built = karpcheck(project, &["pack", "build", "-o", "three.wasm"]);
        assert_eq!(text(&built.stdout).trim(), "three.wasm", "{}", text(&built.stderr));
        verdicts(&project.join("three.wasm"), &RULES, &sets)
    };
    let found = built(language, project);
    let says = |rule: &str, outcome: &str| {
        let rule = format!("same/{rule}");
        found.iter().filter(|finding| finding["rule"] == *rule && finding["outcome"] == *outcome).count()
    };
    let counts = RULES.map(|rule| (says(rule, "fail"), says(rule, "unknown")));
    println!("{language}: failed and unknown over the corpus: {counts:?}");
    assert!(
        counts[0].0 > 50 && counts[1].0 > 50 && counts[1].1 > 5 && counts[2].0 > 10 && counts[2].1 > 0,
        "{counts:?}"
    );
    if language != "rust" {
        let folder = tempfile::tempdir().unwrap();
        let made = karpcheck(folder.path(), &["pack", "new", "acme-rules"]);
        assert!(made.status.success(), "{}", text(&made.stderr));
        let expected = built("rust", &folder.path().join("acme-rules"));
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!(found, expected, "{language} says it in another way");
        }
        assert_eq!(found.len(), expected.len());
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            std::fs::copy(&path, &to).unwrap();
        }
    }
}

/// Prints what a pack of this language costs.
fn measures(language: &str, pack: &Path) {
    const POOLS: usize = 10_000;
    let folder = tempfile::tempdir().unwrap();
    let pool = |number| {
        format!(
            "---\napiVersion: karpenter.sh/v1\nkind: NodePool\nmetadata: {{name: p{number}}}\nspec: {{template: {{metadata: \
             {{labels: {{example.com/team: a}}}}}}}}\n"
        )
    };
    std::fs::write(folder.path().join("many.yaml"), (0..POOLS).map(pool).collect::<String>()).unwrap();
    let timed = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-karpcheck"));
        command.args(args).current_dir(folder.path()).env("XDG_CACHE_HOME", folder.path().join("cache"));
        let begun = Instant::now();
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
        begun.elapsed()
    };
    let pack = pack.to_str().unwrap();
    let (first, cached) = (timed(&["pack", "inspect", pack]), timed(&["pack", "inspect", pack]));
    let rule = ["check", "--offline", "-f", "many.yaml", "--pack", pack, "--rule", "acme-rules/node-pool-without-team"];
    let judged = timed(&rule);
    println!("{language}: compiled and listed {first:.1?}, from the cache {cached:.1?}, {POOLS} pools {judged:.1?}");
}

#[test]
fn a_pack_in_rust_from_nothing_to_a_finding() {
    from_nothing_to_a_finding("rust", |project| {
        let sdk = std::fs::read_to_string(project.join("sdk/Cargo.toml")).unwrap();
        assert!(!sdk.contains("workspace"), "{sdk}");
    });
}

/// Heavy, and needs the registry of the language: `KARPCHECK_TEST_LANGUAGES=js,python` runs both.
fn wanted(language: &str) -> bool {
    let wanted = std::env::var("KARPCHECK_TEST_LANGUAGES")
        .is_ok_and(|all| all == "1" || all.split(',').any(|one| one == language));
    if !wanted {
        // Not for want of a server, so it is allowed everywhere.
        println!("left out: packs in {language}, which KARPCHECK_TEST_LANGUAGES={language} builds");
    }
    wanted
}

fn succeeds(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}{}", text(&output.stdout), text(&output.stderr));
}

#[test]
fn a_pack_in_javascript_from_nothing_to_a_finding() {
    if wanted("js") {
        from_nothing_to_a_finding("js", |project| {
            let without = karpcheck(project, &["pack", "build"]);
            assert!(text(&without.stderr).contains("npm install"), "{}", text(&without.stderr));
            succeeds(Command::new("npm").args(["install", "--no-audit", "--no-fund"]).current_dir(project));
            exports_no_rules(project);
        });
    }
}

/// What the pack's module lacks is said when it is built, not as "unreachable" when it is first run.
fn exports_no_rules(project: &Path) {
    let entry = project.join("pack.js");
    let good = std::fs::read_to_string(&entry).unwrap();
    for (broken, said) in [
        (
            good.replace("const rules", "const rule"),
            "pack.js exports no rules, but rule: it needs export const rules =",
        ),
        (good.replace("const rules =", "default"), "pack.js exports no rules, but default: it needs"),
        (
            "export const rules = { describe() {} };".into(),
            "pack.js exports no rules with describe and check: it needs",
        ),
    ] {
        std::fs::write(&entry, broken).unwrap();
        let built = karpcheck(project, &["pack", "build"]);
        let told = text(&built.stderr);
        assert!(built.status.code() == Some(3) && told.contains(said), "{told}");
        assert!(!told.contains("node could not"), "the tool is componentize-qjs: {told}");
    }
    std::fs::remove_file(&entry).unwrap();
    let built = karpcheck(project, &["pack", "build"]);
    assert!(text(&built.stderr).contains("its main is pack.js, which is not there"), "{}", text(&built.stderr));
    std::fs::write(&entry, good).unwrap();
}

#[test]
fn a_pack_in_python_from_nothing_to_a_finding() {
    if wanted("python") {
        from_nothing_to_a_finding("python", |project| {
            succeeds(Command::new("python3").args(["-m", "venv", ".venv"]).current_dir(project));
            let pip = project.join(".venv/bin/pip");
            succeeds(Command::new(pip).args(["install", "-q", "componentize-py==0.25.1"]).current_dir(project));
            raises(project);
        });
    }
}

/// An exception is told with its name and its line, although there are no files to show the line from.
fn raises(project: &Path) {
    let file = project.join("rules/node_pool_without_team.py");
    let good = std::fs::read_to_string(&file).unwrap();
    let start = "def check(pool: Item) -> Check:\n";
    assert!(good.contains(start), "{good}");
    std::fs::write(&file, good.replace(start, &format!("{start}    1 / 0\n"))).unwrap();
    let tested = karpcheck(project, &["pack", "test"]);
    let said = text(&tested.stdout);
    assert_eq!(tested.status.code(), Some(1), "{said}{}", text(&tested.stderr));
    for words in ["node_pool_without_team.py:", "in check / ZeroDivisionError: division by zero"] {
        assert!(said.contains(words), "{said}");
    }
    std::fs::write(&file, good).unwrap();
}

/// The examples are what `pack new` makes projects of: what is alike in them is the same.
#[test]
fn the_examples_have_the_same_fixtures() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../rules-wasm/examples");
    let files = |language: &str| {
        let mut files = vec![];
        let mut folders = vec![examples.join(language).join("fixtures")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(examples.join(language)).unwrap().to_owned();
                    files.push((name, std::fs::read_to_string(&path).unwrap()));
                }
            }
        }
        files.sort();
        files
    };
    let rust = files("rust");
    assert!(rust.len() >= 5, "{rust:?}");
    for language in ["javascript", "python"] {
        assert_eq!(files(language), rust, "{language}");
    }
}

/// The example as someone copies it out of the repository, without what is written beside it.
#[test]
fn a_copied_example_builds() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy");
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../rules-wasm/examples/rust");
    for file in ["Cargo.toml", "build.rs", "src/lib.rs", "src/rules/platform/node_pool_without_team.rs"] {
        std::fs::create_dir_all(copy.join(file).parent().unwrap()).unwrap();
        std::fs::copy(example.join(file), copy.join(file)).unwrap();
    }
    let built = karpcheck(folder.path(), &["pack", "build", "copy", "-o", "copy.wasm"]);
    if no_toolchain(&built) {
        return;
    }
    assert_eq!(text(&built.stdout).trim(), "copy.wasm", "{}", text(&built.stderr));
    finds_a_pool_without_team(&folder.path().join("copy.wasm"), "platform/node-pool-without-team");
}

#[test]
fn a_pack_is_built_and_tested_again_when_a_file_changes() {
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().join("acme");
    assert_eq!(karpcheck(folder.path(), &["pack", "new", "acme", "--lang", "js"]).status.code(), Some(0));
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/components/kept/platform.wasm");
    let log = folder.path().join("log");
    let mut child = Command::new(env!("CARGO_BIN_EXE_kubectl-karpcheck"))
        .args(["pack", "dev", "acme", "--pack"])
        .arg(kept)
        .current_dir(folder.path())
        .stdout(std::fs::File::create(&log).unwrap())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let rounds = || std::fs::read_to_string(&log).unwrap().matches("test result: ok").count();
    let reaches = |wanted: usize| {
        let until = Instant::now() + Duration::from_secs(60);
        while rounds() < wanted && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(50));
        }
        rounds() == wanted
    };
    let first = reaches(1);
    let fixture = project.join("fixtures/node-pool-without-team/pass/label.yaml");
    let changed = std::fs::read_to_string(&fixture).unwrap() + "# changed\n";
    std::fs::write(&fixture, changed).unwrap();
    let second = reaches(2);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(first && second, "{}", std::fs::read_to_string(&log).unwrap());
}

#[test]
fn a_refused_pack_is_inspected_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let wasi = r#"(component (import "wasi:cli/environment@0.2.6" (instance)))"#;
    std::fs::write(folder.path().join("wasi.wasm"), wat::parse_str(wasi).unwrap()).unwrap();
    let shown = karpcheck(folder.path(), &["pack", "inspect", "wasi.wasm"]);
    let said = text(&shown.stdout);
    assert_eq!(shown.status.code(), Some(3), "{said}");
    assert!(said.contains("imports   wasi:cli/environment@0.2.6"), "{said}");
    assert!(said.contains("refused   it imports wasi:cli/environment@0.2.6, and a pack may import"), "{said}");
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
    let output = Command::new(env!("CARGO_BIN_EXE_kubectl-karpcheck"))
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
    assert!(matches!(error, PackError::NoProject { .. }), "{error}");
}

/// A refused pack is why its rules are not there: that is what is said, whichever of its rules was asked for.
#[test]
fn a_refused_packs_own_reason_is_not_lost() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("evil.wasm"), b"\x7fELF").unwrap();
    std::fs::write(folder.path().join("a.yaml"), "a: 1\n").unwrap();
    for asked in [["--area", "evil"], ["--rule", "evil/one"]] {
        let files = ["check", "--offline", "-f", "a.yaml", "--pack", "evil.wasm"];
        let output = karpcheck(folder.path(), &[&files[..], &asked].concat());
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(said.contains("the pack evil.wasm was refused: it is not WebAssembly"), "{said}");
    }
    let output = karpcheck(folder.path(), &["explain", "evil/one"]);
    assert!(text(&output.stderr).contains("there is no pack evil: --pack FILE loads it"), "{}", text(&output.stderr));
}

#[test]
fn a_folder_holds_several_packs() {
    let folder = tempfile::tempdir().unwrap();
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/components/kept");
    let listed = |folder: &Path| karpcheck(folder, &["rules", "-o", "json", "--pack", "."]);
    assert!(text(&listed(folder.path()).stderr).contains("it is a folder without a .wasm in it"));
    for file in ["platform.wasm", "every_function.wasm", "README.md"] {
        std::fs::copy(kept.join(file), folder.path().join(file)).unwrap();
    }
    let output = listed(folder.path());
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(said.contains("node-pool-without-team") && said.contains("every-function"), "{said}");
}

#[test]
fn a_setting_is_set_from_the_command_line() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/components/kept/platform.wasm");
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../rules-wasm/examples/rust/fixtures");
    let pool = fixtures.join("node-pool-without-team/pass/label.yaml");
    let checked = |set: &str| {
        let args = ["check", "--offline", "-o", "name", "--fail-on", "info", "--area", "platform"];
        let paths = ["--pack", kept.to_str().unwrap(), "-f", pool.to_str().unwrap(), "--set", set];
        karpcheck(Path::new("."), &[&args[..], &paths].concat())
    };
    for of in ["node-pool-without-team", "platform/node-pool-without-team", "platform"] {
        assert_eq!(checked(&format!("{of}.label=example.com/owner")).status.code(), Some(1), "{of}");
    }
    assert_eq!(checked("platform.label=example.com/team").status.code(), Some(0));
    for (wrong, why) in [
        ("platform.colour=red", "no rule of pack platform has a setting colour"),
        ("node-pool-without-team.colour=red", "has no setting colour; it has label"),
        ("node-pool-without-tea.label=x", "did you mean node-pool-without-team?"),
    ] {
        let output = checked(wrong);
        assert!(text(&output.stderr).contains(why), "{}", text(&output.stderr));
        assert_eq!(output.status.code(), Some(2));
    }
}
