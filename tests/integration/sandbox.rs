//! Hostile packs: each is contained, and costs its own verdicts only.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

pub(crate) mod guest;
mod malformed;
mod parts;

use std::io::Write as _;
use std::num::NonZeroUsize;
use std::process::{Command, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use kubectl_karpcheck::engine::{
    Cache, Engine, Limits, NotAPack, Pack, PackError, PackFault, Selected, run_rules, run_rules_for,
};
use kubectl_karpcheck::findings::finding::{CheckResults, Coverage, Finding, Outcome, RuleInfo, Severity};
use kubectl_karpcheck::inventory::{
    At, AwsFacts, Builder, Cause, ClusterId, DocId, Draft, Gap, Inventory, List, Listing, Map, Node, Origin, Reason,
    SourceKind, Value,
};
use kubectl_karpcheck::karpenter;
use sha2::{Digest as _, Sha256};

/// Queues of the inventory.
const QUEUES: u32 = 3;

fn node(doc: DocId, json: &serde_json::Value) -> Node {
    use serde_json::Value as Json;
    let value = match json {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Flag(*flag),
        Json::Number(number) => Value::Number(number.as_f64().unwrap()),
        Json::String(text) => Value::Text(text.as_str().into()),
        Json::Array(items) => Value::List(items.iter().map(|item| node(doc, item)).collect::<List>()),
        Json::Object(members) => {
            Value::Map(members.iter().map(|(key, value)| (key.as_str().into(), node(doc, value))).collect::<Map>())
        }
    };
    Node::new(value, At::whole(doc))
}

/// Three queues with a key, the key, a controller; a cluster that refused to list nodes.
fn inventory() -> Arc<Inventory> {
    let mut builder = Builder::default();
    let doc = builder.document(Origin::File("all.yaml".into()));
    let cluster = builder.cluster("demo", "https://demo.example", vec![]);
    builder.listed(
        cluster,
        "core/Node",
        Listing::Partial(Reason::new(Cause::Refused, Gap::said("listing nodes was refused"))),
    );
    builder.listed(
        cluster,
        "core/Pod",
        Listing::Partial(Reason::new(Cause::Failed, Gap::said("listing pods took too long"))),
    );
    let deep = (0..30).fold(serde_json::json!({"leaf": 1}), |inner, _| serde_json::json!({"a": inner, "b": [1, 2, 3]}));
    let mut add = |kind: &str, name: &str, id: &str, cluster: ClusterId, body: serde_json::Value| {
        let mut draft = Draft::new(kind, name, node(doc, &body), SourceKind::Template);
        draft.cluster = cluster;
        if kind.starts_with("AWS::") {
            let text = |text: &str| Some(Node::text(text, At::whole(doc)));
            draft.aws = Some(Box::new(AwsFacts {
                partition: text("aws"),
                account: text("111122223333"),
                region: text("eu-west-1"),
                arn: text(id),
                id: Some(name.into()),
                ..AwsFacts::default()
            }));
        }
        builder.add(draft);
    };
    let key = "arn:aws:kms:eu-west-1:111122223333:key/0b1c2d3e-0000-4000-8000-000000000000";
    for number in 1..=QUEUES {
        let name = format!("queue-{number}");
        let body = serde_json::json!({"QueueName": name, "KmsMasterKeyId": key, "Tags": deep});
        add("AWS::SQS::Queue", &name, &format!("arn:aws:sqs:eu-west-1:111122223333:{name}"), ClusterId::FILES, body);
    }
    add("AWS::KMS::Key", "key", key, ClusterId::FILES, serde_json::json!({"Description": "secret"}));
    let controller = serde_json::json!({"Version": "1.8.7", "InterruptionQueue": "queue-1"});
    add("Karpcheck::Controller", "karpenter", "", ClusterId::FILES, controller);
    Arc::new(karpenter::inventory(builder))
}

fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    // A debug build's host takes ten times as long for the work that it does for a guest.
    let limits = Limits { host_work: Limits::default().host_work / 10, ..Limits::default() };
    ENGINE.get_or_init(|| Engine::new(limits, None).unwrap())
}

fn load(name: &str) -> Result<Pack, PackError> {
    engine().from_bytes(name, &guest::component(name))
}

/// Runs a guest's rules with a well-behaved rule before and after them, whose verdicts must stand. Returns the others.
fn beside(name: &str) -> CheckResults {
    let (good, pack) = (load("well_behaved").unwrap(), load(name).unwrap());
    let first = Selected::new(&good, &good.rules()[0]);
    let mut rules = vec![first.clone()];
    rules.extend(pack.rules().iter().map(|rule| Selected::new(&pack, rule)));
    rules.push(first);
    let mut all = run_rules(engine(), &rules, &inventory());
    let well = |finding: &Finding| finding.rule == "well-behaved/well-behaved";
    assert_eq!(all.findings.iter().filter(|finding| well(finding)).count(), 2 * QUEUES as usize);
    all.findings.retain(|finding| !well(finding));
    for coverage in [all.coverage.remove(0), all.coverage.pop().unwrap()] {
        assert_eq!((coverage.failed, coverage.unknown), (QUEUES, 0));
    }
    all
}

/// A guest whose rule ends at its first subject: all are unknown, one finding and one sentence say so.
fn ends(name: &str, what: &str, how: &str) {
    let all = beside(name);
    let [fault] = &*all.faults else { panic!("{name}: {:?}", all.faults) };
    let fault = fault.to_string();
    let own = name.replace('_', "-");
    let begins = format!("rule {own} of pack {own} {what} on Queue queue-1: ");
    assert!(fault.starts_with(&begins) && fault.contains(how), "{name}: {fault}");
    let [finding] = &*all.findings else { panic!("{name}: {:?}", all.findings) };
    assert_eq!((finding.outcome, finding.severity), (Outcome::Unknown, Severity::Warning));
    assert_eq!(finding.message, format!("this and 2 more could not be judged: the rule {what}"));
    assert_eq!(all.coverage, [coverage(name, 0, 0, QUEUES)]);
}

fn coverage(name: &str, passed: u32, failed: u32, unknown: u32) -> Coverage {
    let own = name.replace('_', "-");
    Coverage { rule: format!("{own}/{own}"), passed, failed, unknown, skipped: None, unseen: vec![] }
}

#[test]
fn verdicts_before_a_crash_stand_and_its_last_words_are_told() {
    let all = beside("passes_then_traps");
    assert_eq!(all.coverage, [coverage("passes_then_traps", 0, 1, 2)]);
    let messages: Vec<&str> = all.findings.iter().map(|finding| &*finding.message).collect();
    assert_eq!(messages, ["it is as it should not be", "this and one more could not be judged: the rule crashed"]);
    let [fault] = &*all.faults else { panic!("{:?}", all.faults) };
    let fault = fault.to_string();
    assert!(fault.contains("crashed on Queue queue-2") && fault.contains("unreachable"), "{fault}");
    assert!(fault.ends_with("it had logged: about to [31mcrash / about to [31mcrash"), "{fault}");
}

#[test]
fn every_function_of_the_contract_is_served() {
    let all = beside("every_function");
    assert_eq!((all.faults, all.coverage), (vec![], vec![coverage("every_function", 0, QUEUES, 0)]));
}

/// A component as it was built once, byte by byte: the README beside it says of what, and holds its digest.
fn kept(name: &str) -> Vec<u8> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/components/kept");
    let component = std::fs::read(folder.join(name)).unwrap();
    let digest: String = Sha256::digest(&component).iter().map(|byte| format!("{byte:02x}")).collect();
    let readme = std::fs::read_to_string(folder.join("README.md")).unwrap();
    assert!(
        readme.contains(&digest),
        "{name} ({digest}) is another than the README says: it is kept and never rebuilt"
    );
    component
}

#[test]
fn a_component_of_an_earlier_build_goes_on_loading() {
    let pack = engine().from_bytes("kept", &kept("every_function.wasm")).unwrap();
    assert_eq!((pack.name(), pack.version()), ("every-function", "1.0.0"));
    let all = run_rules(engine(), &[Selected::new(&pack, &pack.rules()[0])], &inventory());
    assert_eq!((all.faults, all.coverage), (vec![], vec![coverage("every_function", 0, QUEUES, 0)]));
    let messages: Vec<&str> = all.findings.iter().map(|finding| &*finding.message).collect();
    assert_eq!(messages, ["it is as it should not be"; QUEUES as usize]);

    let pack = engine().from_bytes("kept", &kept("platform.wasm")).unwrap();
    assert_eq!((pack.name(), pack.version()), ("platform", "0.1.0"));
    let ids: Vec<&str> = pack.rules().iter().map(|rule| &*rule.id).collect();
    assert_eq!(ids, ["node-pool-without-team"]);
}

#[test]
fn endless_work_ends() {
    ends("loops", "ran out of fuel", "1000000000 units");
    ends("nests", "crashed", "nest too deep");
    ends("logs_megabytes", "went beyond its limits", "more work than one subject may cost");
    ends("selects_nothing", "went beyond its limits", "more work than one subject may cost");
    ends("posts_forever", "ran out of fuel", "1000000000 units");
    ends("allocates_forever", "ran out of fuel", "1000000000 units");
    ends("asks_over_and_over", "went beyond its limits", "more work than one subject may cost");
    ends("asks_every_way", "went beyond its limits", "more work than one subject may cost");
    ends("decides_over_templates", "went beyond its limits", "bytes with its fields put in; 65536 are allowed");
    ends("decides_over_keys", "went beyond its limits", "bytes with its fields put in; 65536 are allowed");
    ends("decides_often", "went beyond its limits", "more work than one subject may cost");
    ends("fills_forever", "ran out of fuel", "1000000000 units");
    ends("makes_indexes", "went beyond its limits", "the peers of more than 32 fields");
}

#[test]
fn wall_time_is_the_backstop() {
    let limits = Limits { fuel: u64::MAX, wall: Duration::from_millis(50), ..Limits::default() };
    let engine = Engine::new(limits, None).unwrap();
    let pack = engine.from_bytes("loops", &guest::component("loops")).unwrap();
    let all = run_rules(&engine, &[Selected::new(&pack, &pack.rules()[0])], &inventory());
    assert!(all.faults[0].to_string().contains("took longer than 0.05 s on Queue queue-1"), "{:?}", all.faults);
}

#[test]
fn memory_is_summed() {
    ends("allocates", "went beyond its limits", "more than 128 MiB of memory");
    ends("sums_memories", "went beyond its limits", "more than 128 MiB of memory");
    ends("grows_table", "went beyond its limits", "more than 200000 elements of tables");
    let refused = load("claims_memory").unwrap_err().to_string();
    assert!(
        refused.contains("could not list its rules") && refused.contains("more than 128 MiB of memory"),
        "{refused}"
    );
    let refused = load("many_memories").unwrap_err().to_string();
    assert!(refused.contains("could not list its rules") && refused.contains("memory count too high"), "{refused}");
}

#[test]
fn a_pack_that_lies_about_its_rules_is_refused() {
    for (name, why) in [
        ("loops_in_describe", "could not list its rules: it ran out of fuel"),
        ("starts_forever", "could not list its rules: it ran out of fuel"),
        ("logs_in_describe", "could not list its rules: it went beyond its limits: it logs more than it may"),
        ("asks_in_describe", "it made a mistake: it asks the inventory while it lists its rules"),
        ("describes_nothing", "lists no rules"),
        ("bad_pack_name", "calls itself \"Not_Kebab\", which is not kebab-case"),
        ("bad_pack_version", "has the version \"one\", which is not a semantic version"),
        ("duplicate_ids", "lists the rule twice twice"),
        ("bad_id", "\"Not_Kebab\", which is not kebab-case"),
        ("bad_versions", "whose Karpenter versions \"about-1\" are none"),
        ("declares_secrets", "declares core/*, and Secrets are never read"),
    ] {
        let refused = load(name).unwrap_err().to_string();
        assert!(refused.starts_with(&format!("pack {name} ")) && refused.contains(why), "{refused}");
    }
    assert_eq!(beside("changes_its_list").coverage, [coverage("changes_its_list", QUEUES, 0, 0)]);
    ends("worse_than_declared", "made a mistake", "it reports an error, and declares no worse than warning");
}

#[test]
fn a_rule_sees_only_what_it_declares() {
    ends("reads_undeclared", "made a mistake", "it asks for AWS::KMS::Key, a kind that it does not declare");
    ends("peers_undeclared", "made a mistake", "it asks for AWS::KMS::Key, a kind that it does not declare");
    ends("guesses_items", "made a mistake", "it names item 5, which it was never shown");
    ends("names_item_zero", "made a mistake", "it names item 0, which it was never shown");
    ends("undeclared_setting", "made a mistake", "the setting \"threshold\", which it does not declare");
    let all = beside("hidden_key");
    assert_eq!(all.coverage, [coverage("hidden_key", 0, 0, QUEUES)]);
    assert_eq!(all.findings[0].sentence(), "could not be judged: the rule does not declare AWS::KMS::Key");
    assert_eq!(all.findings[0].severity, Severity::Info);
    assert_eq!(all.faults, []);
}

#[test]
fn nonsense_ends_the_rule() {
    for (name, what, how) in [
        ("bad_pointer", "made a mistake", "\"KmsMasterKeyId\" is no JSON pointer"),
        ("asks_by_bad_pointer", "made a mistake", "\"KmsMasterKeyId\" is no JSON pointer"),
        ("empty_message", "made a mistake", "a finding without a message"),
        ("found_nothing", "made a mistake", "gives no finding"),
        ("unknown_without_reason", "made a mistake", "without a reason"),
        ("bad_code", "made a mistake", "the code \"Listing Keys Was Refused\", which is not kebab-case"),
        ("decides_nonsense", "made a mistake", "the action \"decrypt\""),
        ("thousand_findings", "went beyond its limits", "gives 1000 findings; 100 are allowed"),
        ("million_findings", "went beyond its limits", "more than 8388608 bytes at once"),
        ("edits_with_megabytes", "went beyond its limits", "an edit with a value of more than 65536 bytes"),
        ("message_of_100_megabytes", "went beyond its limits", "more than 8388608 bytes at once"),
        ("shares_a_megabyte", "went beyond its limits", "more than 8388608 bytes at once"),
        ("asks_in_realloc", "crashed", "cannot leave component instance"),
        ("allocates_nowhere", "crashed", "realloc"),
        ("invalid_verdict", "crashed", "discriminant"),
        ("invalid_text", "crashed", "utf-8"),
    ] {
        ends(name, what, how);
    }
}

#[test]
fn texts_are_bounded_and_cannot_move_the_cursor() {
    let all = beside("huge_message");
    assert_eq!(all.coverage, [coverage("huge_message", 0, QUEUES, 0)]);
    assert_eq!(all.findings[0].message.len(), Limits::default().message);
    assert_eq!(beside("grouped").findings[0].group, "not-rotated");
    let all = beside("control_characters");
    assert_eq!((&*all.findings[0].message, &*all.findings[0].remediation), ("a [2J b cd 31m", "a [2J b cd 31m"));
}

#[test]
fn a_flood_of_log_lines_is_cut() {
    let all = beside("floods_log");
    let [fault] = &*all.faults else { panic!("{:?}", all.faults) };
    let fault = fault.to_string();
    assert!(fault.contains("crashed") && fault.contains("it had logged: line / line"), "{fault}");
    assert!(fault.matches("line").count() <= Limits::default().log_lines, "{fault}");
}

#[test]
fn what_was_refused_is_a_warning_unless_it_may_be_refused() {
    let all = beside("refused");
    let said: Vec<(&str, Severity)> = all.findings.iter().map(|finding| (&*finding.rule, finding.severity)).collect();
    let expected: Vec<(&str, Severity)> =
        [("refused/needs-nodes", Severity::Warning), ("refused/likes-nodes", Severity::Info)]
            .into_iter()
            .flat_map(|said| std::iter::repeat_n(said, QUEUES as usize))
            .collect();
    assert_eq!(said, expected);
    assert_eq!(all.findings[0].sentence(), "could not be judged: listing nodes was refused");
    assert_eq!(all.findings[0].reason.as_ref().map(|reason| reason.cause), Some(Cause::Refused));
}

#[test]
fn what_a_rule_did_not_judge_is_told() {
    let all = beside("about_others");
    let [old, these, pods] = &*all.coverage else { panic!("{:?}", all.coverage) };
    assert_eq!(old.failed, QUEUES - 1, "queues of no controller are judged");
    assert_eq!(old.skipped.as_deref(), Some("1 of 3 skipped: about Karpenter <1, and the controller is 1.8.7"));
    assert_eq!((these.failed, these.skipped.as_deref()), (QUEUES, None));
    assert_eq!(pods.shortfall().as_deref(), Some("not all were seen: listing pods took too long"));
}

#[test]
fn a_door_to_the_outside_is_refused_and_named() {
    for (name, all) in [
        ("imports_wasi", &["wasi:cli/environment@0.2.6", "wasi:filesystem/types@0.2.6"][..]),
        ("imports_something", &["acme:cloud/credentials@1.0.0"]),
    ] {
        let Err(PackError { fault: PackFault::NotAPack(NotAPack::Imports(imports)), .. }) = load(name) else {
            panic!("{name}")
        };
        assert_eq!(imports, all);
    }
}

#[test]
fn a_flood_of_names_is_refused_in_a_line() {
    let refused = |count: usize| {
        let names: String = (0..count).map(|number| format!("(import \"a{number}\" (func))")).collect();
        let component = wat::parse_str(format!("(component {names})")).unwrap();
        engine().from_bytes("flood", &component).unwrap_err().to_string()
    };
    assert!(refused(20_000).ends_with("imports or exports more than 1000 names, and a pack has a handful"));
    assert!(refused(500).starts_with("pack flood imports a0, a1, a2, a3, a4, a5, a6, a7, a8, a9 and 490 more, "));
}

#[test]
fn what_is_no_pack_is_told_apart() {
    for (name, why) in [
        (
            "made_for_later",
            "is made for karpcheck:rules@0.3, and this karpcheck serves karpcheck:rules@0.1: it needs a newer one",
        ),
        ("uses_a_new_function", "needs a newer karpcheck"),
        ("no_rules", "does not export karpcheck:rules/rules"),
        ("core_module", "is a core module, not a component"),
    ] {
        let refused = load(name).unwrap_err().to_string();
        assert!(refused.contains(why), "{refused}");
    }
    let refused = |bytes: &[u8]| engine().from_bytes("file", bytes).unwrap_err().to_string();
    assert_eq!(refused(b"\x7fELF"), "pack file is not WebAssembly");
    let cut = &guest::component("well_behaved")[..200];
    assert!(refused(cut).starts_with("pack file cannot be compiled: "), "{}", refused(cut));
    let small = Engine::new(Limits { component: 100, ..Limits::default() }, None).unwrap();
    let large = small.from_bytes("file", &guest::component("well_behaved")).unwrap_err();
    assert!(matches!(large.fault, PackFault::TooLarge { most: 100 }), "{large}");
}

#[test]
fn compiled_code_is_never_taken_from_a_file() {
    let refused = engine().from_bytes("evil", &machine_code()).unwrap_err();
    assert!(matches!(refused.fault, PackFault::NotAPack(NotAPack::Compiled)), "{refused}");
}

/// The code that the compiling child makes, without its first line.
fn machine_code() -> Vec<u8> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_kubectl-karpcheck"));
    compiled_by(child.args([kubectl_karpcheck::engine::COMPILE_COMMAND, "60", "4294967296"]))
}

fn compiled_by(child: &mut Command) -> Vec<u8> {
    let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let component = guest::component("well_behaved");
    child.stdin.take().unwrap().write_all(&component).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), &*output.stderr), (Some(0), &b""[..]));
    let mut code = output.stdout;
    let line = code.iter().position(|byte| *byte == b'\n').unwrap();
    code.split_off(line + 1)
}

#[test]
fn a_pack_is_compiled_in_a_child_and_then_found_in_the_cache() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("cache");
    let cached = |program: &str| {
        let engine = Engine::new(Limits::default(), Some(Cache::at(folder.clone()))).unwrap();
        let engine = engine.compiler(Some(program.into()));
        let pack = engine.from_bytes("well_behaved", &guest::component("well_behaved")).unwrap();
        run_rules(&engine, &[Selected::new(&pack, &pack.rules()[0])], &inventory())
    };
    let first = cached(env!("CARGO_BIN_EXE_kubectl-karpcheck"));
    assert_eq!(first.coverage, [coverage("well_behaved", 0, QUEUES, 0)]);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
    assert_eq!(cached("/nonexistent"), first);
}

/// Whatever cannot be compiled within limits is not compiled at all.
#[test]
fn without_its_compiler_no_pack_is_compiled() {
    let engine = Engine::new(Limits::default(), None).unwrap().compiler(Some("/nonexistent".into()));
    let refused = engine.from_bytes("x", &guest::component("well_behaved")).unwrap_err();
    assert!(matches!(refused.fault, PackFault::NoCompiler(_)), "{refused}");
}

#[cfg(target_os = "linux")]
#[test]
fn compiling_is_bounded_in_cpu_time_and_memory() {
    let program = || Some(env!("CARGO_BIN_EXE_kubectl-karpcheck").into());
    let refused = |limits: Limits, component: &[u8]| {
        Engine::new(limits, None).unwrap().compiler(program()).from_bytes("x", component).unwrap_err()
    };
    let large = guest::functions(1_500);
    let limits = Limits { compile: Duration::from_secs(1), ..Limits::default() };
    let slow = refused(limits, &large);
    assert!(matches!(slow.fault, PackFault::Slow { seconds: 1 }), "{slow}");
    let limits = Limits { compile_memory: 128 << 20, ..Limits::default() };
    let fat = refused(limits, &large);
    assert!(matches!(fat.fault, PackFault::Large { mebibytes: 128, .. }), "{fat}");
    let no_pack = refused(Limits::default(), &guest::functions(10));
    assert!(matches!(no_pack.fault, PackFault::Link(_)), "{no_pack}");
}

/// No process may raise a limit that it was started with, except with rights that root has.
#[cfg(target_os = "linux")]
#[test]
fn a_stricter_limit_of_the_shell_stays() {
    let [program, command] = [env!("CARGO_BIN_EXE_kubectl-karpcheck"), kubectl_karpcheck::engine::COMPILE_COMMAND];
    let script = "ulimit -v 4000000 && ulimit -t 50 && exec \"$0\" \"$@\"";
    let code = compiled_by(Command::new("sh").args(["-c", script, program, command, "60", "8589934592"]));
    assert!(!code.is_empty());
}

/// 2 KB that would unfold to 2³⁰ instances, and the like.
#[test]
fn nested_components_are_counted_before_they_are_compiled() {
    for (name, why) in [
        ("nested_instances", "makes more than 2000 instances"),
        ("nested_a_hundred_times", "makes more than 2000 instances"),
        ("nested_too_deep", "nests components more than 16 levels deep"),
        ("passes_components", "passes components to components"),
        ("types_double", "type size"),
    ] {
        let refused = load(name).unwrap_err().to_string();
        assert!(refused.contains(why), "{refused}");
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_is_no_pack() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe.wasm");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let refused = engine().load(&pipe, None).unwrap_err();
    assert!(matches!(refused.fault, PackFault::NoFile), "{refused}");
}

#[cfg(unix)]
#[test]
fn a_compiler_that_hangs_is_killed() {
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().unwrap();
    let program = home.path().join("compiler");
    std::fs::write(&program, "#!/bin/sh\nexec sleep 600\n").unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
    let limits = Limits { compile: Duration::from_millis(100), ..Limits::default() };
    let engine = Engine::new(limits, None).unwrap().compiler(Some(program));
    let refused = engine.from_bytes("slow", &guest::component("well_behaved")).unwrap_err();
    assert!(matches!(refused.fault, PackFault::Late { seconds: 3 }), "{refused}");
}

/// Whether its pack or the run has nothing left for it, what is known of its subjects without it is still said.
#[test]
fn a_rule_that_is_left_out_loses_its_verdicts_only() {
    let limits = Limits { pack_fuel: 0, ..Limits::default() };
    let engine = Engine::new(limits, None).unwrap();
    let pack = engine.from_bytes("well_behaved", &guest::component("well_behaved")).unwrap();
    let subjects = vec!["AWS::SQS::Queue".to_owned(), "core/Node".to_owned()];
    let rule = RuleInfo { subjects, ..pack.rules()[0].clone() };
    let rules = [Selected::new(&pack, &rule), Selected::new(&pack, &rule)];
    let seen = |results: &CheckResults| -> Vec<(u32, Vec<String>)> {
        let of = |coverage: &Coverage| (coverage.unknown, coverage.unseen.iter().map(ToString::to_string).collect());
        results.coverage.iter().map(of).collect()
    };
    let expected = (QUEUES, vec!["listing nodes was refused".to_owned()]);
    let spent = run_rules(&engine, &rules, &inventory());
    assert_eq!(seen(&spent), [expected.clone(), expected.clone()]);
    let [fault] = &*spent.faults else { panic!("{:?}", spent.faults) };
    assert!(fault.to_string().contains("the rules of pack well-behaved use more than 0 units of fuel"), "{fault}");

    let late = run_rules_for(&engine, &rules, &inventory(), Duration::ZERO);
    assert_eq!(seen(&late), [expected.clone(), expected]);
    let said: Vec<String> = late.faults.iter().map(ToString::to_string).collect();
    assert!(said.iter().all(|said| said.contains("all rules of a run take more than 0 s together")), "{said:?}");
}

/// Findings kept, fuel and the host's work: of a pack, and of a run, which has twice as much.
#[test]
fn beyond_a_budget_the_later_rules_are_left_out_and_that_is_said() {
    let with = |guest: &str, limits: Limits, packs: usize, rules: usize| {
        let engine = Engine::new(limits, None).unwrap();
        let component = guest::component(guest);
        let named = |number: usize| format!("pack-{number}");
        let packs: Vec<Pack> =
            (0..packs).map(|number| engine.load_bytes("x", &component, Some(&named(number))).unwrap()).collect();
        let all: Vec<Selected<'_>> =
            packs.iter().flat_map(|pack| vec![Selected::new(pack, &pack.rules()[0]); rules]).collect();
        run_rules(&engine, &all, &inventory())
    };
    let (talks, asks) = ("huge_message", "every_function");
    let cost = |guest| with(guest, Limits::default(), 1, 1).costs[0].clone();
    let (fuel, work) = ((cost(talks).fuel * 3).div_ceil(2), (cost(asks).work * 3).div_ceil(2));
    assert!(fuel > 0 && work > 0, "{fuel} {work}");
    for (guest, limits, of_pack, of_run, counted) in [
        // A rule has three messages of 2,000 bytes, and the places of three findings.
        (
            talks,
            Limits { pack_text: 10_000, ..Limits::default() },
            "have more than 0 MiB of findings".to_owned(),
            "have more than 0 MiB of findings".to_owned(),
            2,
        ),
        (
            talks,
            Limits { pack_fuel: fuel, ..Limits::default() },
            format!("use more than {fuel} units of fuel"),
            format!("use more than {} units of fuel", 2 * fuel),
            3,
        ),
        (
            asks,
            Limits { pack_work: work, ..Limits::default() },
            format!("ask the inventory for more than {work} units of work"),
            format!("ask the inventory for more than {} units of work", 2 * work),
            3,
        ),
    ] {
        let failed =
            |results: &CheckResults| results.coverage.iter().map(|coverage| coverage.failed).collect::<Vec<_>>();
        let one = with(guest, limits.clone(), 1, 4);
        assert_eq!(failed(&one), [QUEUES, 0, 0, 0], "{of_pack}");
        assert!(one.coverage[1..].iter().all(|coverage| coverage.unknown == QUEUES), "{of_pack}");
        let [fault] = &*one.faults else { panic!("{:?}", one.faults) };
        assert!(fault.to_string().contains(&format!("the rules of pack pack-0 {of_pack}")), "{fault}");
        let five = with(guest, limits, 5, 1);
        let expected = [vec![QUEUES; counted], vec![0; 5 - counted]].concat();
        assert_eq!(failed(&five), expected, "{of_run}");
        assert_eq!(five.faults.len(), 5 - counted, "{:?}", five.faults);
        assert!(
            five.faults.iter().all(|fault| fault.to_string().contains(&format!("all rules {of_run}"))),
            "{:?}",
            five.faults
        );
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let names =
        ["well_behaved", "passes_then_traps", "refused", "about_others", "hidden_key", "bad_pointer", "allocates"];
    let with = |threads| {
        let engine = Engine::new(Limits::default(), None).unwrap().threads(NonZeroUsize::new(threads).unwrap());
        let packs: Vec<Pack> =
            names.iter().map(|name| engine.from_bytes(name, &guest::component(name)).unwrap()).collect();
        let rules: Vec<Selected<'_>> =
            packs.iter().flat_map(|pack| pack.rules().iter().map(|rule| Selected::new(pack, rule))).collect();
        run_rules(&engine, &rules, &inventory())
    };
    let one = with(1);
    assert!(one.findings.len() > 10 && one.faults.len() == 3, "{:?}", one.faults);
    for _ in 0..5 {
        assert_eq!(with(4), one);
    }
}

#[test]
fn the_built_in_pack_is_the_same_compiled_ahead_of_time_or_here() {
    let asset = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/builtin.wasm");
    match engine().builtin() {
        Ok(ahead) => {
            let here = engine().from_bytes("builtin", &std::fs::read(asset).unwrap()).unwrap();
            assert_eq!((ahead.name(), ahead.digest(), ahead.rules()), ("builtin", here.digest(), here.rules()));
        }
        Err(error) => assert!(matches!(error.fault, PackFault::NoBuiltin) && !asset.exists(), "{error}"),
    }
}
