//! Clusters that do not answer and packs that are none.

use super::*;

/// The kubeconfig of a cluster at a port of this machine where nothing listens.
fn silent_cluster(place: &TestDir) {
    // Bound and let go: nobody else is there.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    place.write(
        "kc",
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: prod\nclusters:\n- name: c\n  cluster: {{server: \
             'http://127.0.0.1:{port}'}}\ncontexts:\n- name: prod\n  context: {{cluster: c, user: u}}\nusers:\n- name: u\n  \
             user: {{token: x}}\n"
        ),
    );
}

#[test]
fn without_a_kubeconfig_the_cure_is_named() {
    let place = TestDir::new();
    let ended = place.run(&[]);
    ended
        .code(3)
        .has("problem: there is no kubeconfig (looked for ")
        .has("): name one with --kubeconfig or KUBECONFIG, or check only files with --offline")
        .line("Nothing was read.");
    assert_eq!(ended.err, "");
    place.run(&["check", "-f", "good.yaml"]).code(3).has("good.yaml:7:5").has("problem: there is no kubeconfig");
}

#[test]
fn a_broken_kubeconfig_is_told_in_one_line() {
    let place = TestDir::new();
    place.write("kc", "apiVersion: v1\nkind: \"Config");
    let ended = place.run(&["check", "-f", "good.yaml"]);
    ended
        .code(3)
        .has("good.yaml:7:5")
        .has("kc cannot be read: it is not valid YAML: line 2 column 7")
        .has_not("<input>");
    for (content, words) in [
        (&b"\xff\xfe\xff"[..], "it is UTF-16 that ends in the middle of a character: save it as UTF-8"),
        (b"\xff", "it is not UTF-8: save it as UTF-8"),
    ] {
        place.write("kc", content);
        place
            .run(&["check", "-f", "good.yaml"])
            .code(3)
            .has("good.yaml:7:5")
            .has(&format!("kc cannot be read: {words}"));
    }
    let bomb: String =
        (1..20).map(|level| format!("a{level}: &a{level} [{0}, {0}, {0}]\n", format!("*a{}", level - 1))).collect();
    for tower in ["[".repeat(10_000), format!("a0: &a0 [x]\n{bomb}")] {
        place.write("kc", tower);
        let ended = place.run(&["check", "-f", "good.yaml"]);
        ended.code(3).has("good.yaml:7:5").has("problem: the kubeconfig");
    }
    fs::File::create(place.path().join("kc")).unwrap().set_len(1 << 30).unwrap();
    place.run(&["check", "-f", "good.yaml"]).code(3).has("kc cannot be read: it is larger than 16 MB");
    let folder = place.run(&["check", "-f", "good.yaml", "--kubeconfig", "."]);
    folder.code(3).line("problem: the kubeconfig . cannot be read: it is a folder: name the file in it");
    let named = place.run(&["check", "-f", "good.yaml", "--kubeconfig", "nokc"]);
    named.code(3).line("problem: the kubeconfig nokc cannot be read: no such file");
    place.write("kc", "apiVersion: v1\nkind: Config\n");
    place.run(&["check", "-f", "good.yaml"]).code(3).has("problem: the kubeconfig has no current context");
}

#[test]
fn a_context_that_is_not_there_is_told_with_those_that_are() {
    let place = TestDir::new();
    silent_cluster(&place);
    let ended = place.run(&["check", "--context", "nope", "-f", "good.yaml"]);
    ended.code(3).line("problem: the kubeconfig has no context nope: there is prod").has("good.yaml:7:5");
}

#[test]
fn a_server_that_is_no_url_is_told() {
    let place = TestDir::new();
    for server in ["nonsense", "localhost:8080", "ftp://localhost", "https://", "http://a b"] {
        let ended = place.run(&["check", "-f", "good.yaml", "--server", server]);
        ended.code(3).has("good.yaml:7:5").line(&format!(
            "problem: the API server {server} is no URL: write it as https://HOST:PORT, in the kubeconfig or with --server"
        ));
    }
}

#[test]
fn credentials_that_no_header_can_hold_cost_only_the_cluster() {
    let place = TestDir::new();
    silent_cluster(&place);
    for flags in [["--as", "a\nb"], ["--as", "\u{e9}"], ["--as-group", "\u{7f}"], ["--token", "a\nb"], ["--token", ""]]
    {
        let ended = place.run(&[&["check", "-f", "good.yaml"][..], &flags].concat());
        ended.code(3).has("good.yaml:7:5").has("problem: context prod").has_not("a\nb");
    }
    let kubeconfig = fs::read_to_string(place.path().join("kc")).unwrap();
    place.write("kc", kubeconfig.replace("{token: x}", "{token: \"x\\n\"}"));
    place.run(&["check", "-f", "good.yaml"]).code(3).line(
        "problem: context prod of the kubeconfig cannot be used: its token has a line break, or another character that no \
         header can hold: write it on one line",
    );
}

#[test]
fn a_cluster_that_does_not_answer_is_told_once() {
    let place = TestDir::new();
    silent_cluster(&place);
    let ended = place.run(&["check", "-f", "good.yaml", "--request-timeout", "5s"]);
    ended.code(3).has("good.yaml:7:5").has("problem: context prod: no answer from http://127.0.0.1:");
    let all = |line: &str| {
        line.starts_with("Not checked in full: all ")
            && line.ends_with(" rules: not all were seen: see the problem above.")
    };
    assert!(ended.out.lines().any(all), "{}", ended.out);
    assert_eq!(
        ended.out.matches("nothing listens there: is the cluster up, or its tunnel?").count(),
        1,
        "{}",
        ended.out
    );
}

#[test]
fn a_pack_that_is_none_costs_only_itself() {
    let place = TestDir::new();
    place.write("text.wasm", "hello");
    place.write("empty.wasm", "");
    place.write("core.wasm", b"\0asm\x01\0\0\0");
    fs::create_dir(place.path().join("folder")).unwrap();
    for (pack, words) in [
        ("text.wasm", "the pack text.wasm was refused: it is not WebAssembly"),
        (
            "core.wasm",
            "the pack core.wasm was refused: it is a core module, not a component: `kubectl karpcheck pack build` makes a \
             component of it",
        ),
        ("nope.wasm", "the pack nope.wasm was not loaded: no such file"),
    ] {
        let ended = place.run(&["check", "--offline", "-f", "good.yaml", "--pack", pack]);
        ended.code(3).has("good.yaml:7:5").line(&format!("problem: {words}"));
        assert_eq!(ended.err, "");
        let listed = place.run(&["rules", "--pack", pack]);
        listed.code(3).has("queue-aws-managed-key").has_not(pack);
        assert_eq!(listed.err, format!("error: {words}\n"));
    }
    for (pack, words) in [("empty.wasm", "is not WebAssembly"), ("folder", "the pack folder was not loaded: ")] {
        place.run(&["check", "--offline", "-f", "good.yaml", "--pack", pack]).code(3).has("good.yaml:7:5").has(words);
    }
}

#[test]
fn a_cluster_that_accepts_and_says_nothing_is_given_up() {
    let place = TestDir::new();
    // Connections wait in the listener's queue.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    let ended = place.run(&["check", "-f", "good.yaml", "--server", &server, "--request-timeout", "200ms"]);
    ended.code(3).has("good.yaml:7:5").line(&format!(
        "problem: context {server}: no answer from {server}: nothing came within 0.2 s: --request-timeout allows more"
    ));
}

#[test]
fn a_context_whose_user_is_missing_costs_itself_and_says_so() {
    let place = TestDir::new();
    place.write(
        "kubeconfig",
        "apiVersion: v1\nkind: Config\ncurrent-context: one\nclusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}]\n\
         contexts: [{name: one, context: {cluster: c, user: gone}}, {name: two, context: {cluster: c, user: there}}]\n\
         users: [{name: there, user: {token: x}}]\n",
    );
    let why = "context one of the kubeconfig cannot be used: the kubeconfig has no user gone: there is there";
    place.run(&["check", "--kubeconfig", "kubeconfig", "-f", "good.yaml", "--context", "one"]).code(3).has(why);
    let all = place.run(&["check", "--kubeconfig", "kubeconfig", "--all-contexts"]);
    all.code(3).has(why).has("context two: no answer from https://127.0.0.1:1");
}

#[test]
fn a_pack_has_its_own_name_or_the_one_it_is_given() {
    let place = TestDir::new();
    let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/components/kept/platform.wasm");
    fs::copy(kept, place.path().join("rules.wasm")).unwrap();
    let rule = "platform/node-pool-without-team";
    place.run(&["rules", "--pack", "rules.wasm"]).code(0).has(rule);
    place.run(&["explain", rule, "--pack", "rules.wasm"]).code(0).has(rule);
    place
        .run(&["explain", rule, "--pack", "other=rules.wasm"])
        .code(2)
        .complains("there is no pack platform: --pack FILE loads it");
    let twice = ["check", "--offline", "-f", "good.yaml", "--pack", kept, "--pack"];
    place.run(&[&twice[..], &["rules.wasm"]].concat()).code(3).has(&format!(
        "the pack rules.wasm was not loaded: it is called platform as {kept} is, another name is given by --pack \
         NAME=rules.wasm"
    ));
    let renamed = [&twice[..], &["next=rules.wasm"]].concat();
    place.run(&renamed).code(1).has_not("problem");
    place.run(&["explain", "node-pool-without-team", "--pack", kept, "--pack", "next=rules.wasm"]).code(2).complains(
        "several packs have a rule node-pool-without-team: name one of platform/node-pool-without-team, \
         next/node-pool-without-team",
    );
    let own = place.run(&["rules", "--pack", "builtin=rules.wasm"]);
    assert!(own.code(3).err.contains("it is called builtin as karpcheck's own rules are"), "{}", own.err);
}
