//! `.karpcheck.toml`: where it is found, what it says, and what is wrong with it.

use super::*;

const CHECK: &[&str] = &["check", "--offline", "-f", "good.yaml"];

fn with(content: &str) -> TestDir {
    let place = TestDir::new();
    place.write(".karpcheck.toml", content);
    place
}

#[test]
fn a_mistake_has_its_place_and_what_was_meant() {
    let place =
        with("fail-on = \"none\"\n\n[rules.ebs-key-without-encryption]\nenabeld = false\nseverity = \"eror\"\n");
    let ended = place.run(CHECK);
    ended.code(2).complains(
        "error: .karpcheck.toml:4:1: there is no key `enabeld`, did you mean `enabled`?\n.karpcheck.toml:5:12: `eror` \
         is not one of error, warning, info: did you mean error?\n",
    );
    let place = with("[rules.ebs-key-without-encrypt]\nenabled = false\n");
    place.run(CHECK).code(2).complains(
        "error: .karpcheck.toml:1:8: there is no rule ebs-key-without-encrypt, did you mean ebs-key-without-encryption?",
    );
    let place = with("[rules.ebs-key-without-encryption.settings]\nmost = 1\n");
    place
        .run(CHECK)
        .code(2)
        .complains("error: .karpcheck.toml:2:1: rule ebs-key-without-encryption has no setting most; it has none");
    with("fail-on = error").run(CHECK).code(2).complains("error: .karpcheck.toml:1:11: it is not valid TOML: ");
    let ended = TestDir::new().run(&["check", "--offline", "-f", "good.yaml", "--config", "no.toml"]);
    ended.code(2).complains("error: the configuration no.toml cannot be read: ");
}

#[test]
fn rules_are_on_or_off_and_as_severe_as_it_says() {
    let off = with("[rules.ebs-key-without-encryption]\nenabled = false\n");
    off.run(CHECK).code(0).has_not("ebs-key-without-encryption");
    // What the command line names runs, and what says no configuration has none.
    off.run(&[CHECK, &["--rule", "ebs-key-without-encryption"]].concat()).code(1);
    off.run(&[CHECK, &["--no-config"]].concat()).code(1).has("error     ebs-key-without-encryption");

    let milder = with("[rules.ebs-key-without-encryption]\nseverity = \"warning\"\n");
    let ended = milder.run(CHECK);
    ended.code(0).has("warning   ebs-key-without-encryption");
    milder.run(&[CHECK, &["--fail-on", "warning"]].concat()).code(1);
    let sarif = milder.run(&[CHECK, &["-o", "sarif"]].concat()).json();
    assert_eq!(sarif["runs"][0]["results"][0]["level"], "warning");
}

#[test]
fn flags_win_over_it_and_the_report_names_it() {
    let place = with("fail-on = \"none\"\n[facts]\naccount = \"111122223333\"\nkarpenter-version = \"v1.8\"\n");
    let ended = place.run(&[CHECK, &["-o", "json"]].concat());
    let report = ended.code(0).json();
    assert_eq!(report["run"]["config"], ".karpcheck.toml");
    assert_eq!(report["run"]["assumed"]["account"], "111122223333");
    assert_eq!(report["run"]["assumed"]["karpenterVersion"], "1.8.0");
    let ended = place.run(&[CHECK, &["-o", "json", "--fail-on", "error", "--account", "222233334444"]].concat());
    assert_eq!(ended.code(1).json()["run"]["assumed"]["account"], "222233334444");
    let report = place.run(&[CHECK, &["-o", "json", "--no-config"]].concat()).json();
    assert!(report["run"]["config"].is_null());
}

#[test]
fn it_is_found_upwards_to_the_root_of_the_repository_and_no_further() {
    let place = with("fail-on = \"none\"\n");
    place.write("repo/infra/class.yaml", BROKEN_CLASS);
    let check = &["check", "--offline", "-f", "repo/infra/class.yaml"];
    // Outside of a repository it counts for the working directory alone.
    let below = |folder: &str, file: &str| {
        let mut command = place.command(&["check", "--offline", "-f", file]);
        command.current_dir(place.path().join(folder));
        Ended::from(command.output().unwrap()).code
    };
    assert_eq!(below(".", "repo/infra/class.yaml"), 0);
    assert_eq!(below("repo/infra", "class.yaml"), 1);
    // That of the repository of what is checked counts before that of the working directory.
    place.write("repo/.git/HEAD", "");
    place.write("repo/.karpcheck.toml", "fail-on = \"error\"\n");
    place.run(check).code(1);
    assert_eq!(below("repo/infra", "class.yaml"), 1);
    place.write("repo/.karpcheck.toml", "fail-on = \"none\"\n");
    assert_eq!(below("repo/infra", "class.yaml"), 0);
    let report = place.run(&[check, &["-o", "json"][..]].concat()).code(0).json();
    assert_eq!(report["run"]["config"], ".karpcheck.toml");
    fs::remove_file(place.path().join("repo/.karpcheck.toml")).unwrap();
    // Nothing above the repository counts for its folders; the working directory's own does.
    assert_eq!(below("repo/infra", "class.yaml"), 1);
    place.run(check).code(0);
}

#[test]
fn excludes_are_relative_to_its_folder() {
    let place = with("exclude = [\"/infra/old\"]\n");
    place.write(".git/HEAD", "");
    place.write("infra/old/class.yaml", BROKEN_CLASS);
    place.write("infra/new/class.yaml", SOUND_CLASS);
    place.run(&["check", "--offline", "-f", "infra"]).code(0).has("Skipped: 1 file by --exclude");
    let mut command = place.command(&["check", "--offline", "-f", ".."]);
    let ended = Ended::from(command.current_dir(place.path().join("infra/new")).output().unwrap());
    ended.code(0).has("1 file by --exclude");
    place.run(&["check", "--offline", "-f", "infra", "--no-config"]).code(1);
}

#[test]
fn facts_are_stated_by_scope_and_for_all() {
    // Two clusters, of which neither says its version.
    let controller = |name: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: karpenter, namespace: kube-system}}\nspec:\n  template:\n    \
             spec:\n      containers:\n      - name: controller\n        image: public.ecr.aws/karpenter/controller\n        \
             env:\n        - {{name: CLUSTER_NAME, value: {name}}}\n---\n{BROKEN_CLASS}"
        )
    };
    let place =
        with("[facts]\nkarpenter-version = \"1.8.7\"\n[[scopes]]\nname = \"de*\"\nkarpenter-version = \"0.37.8\"\n");
    place.write("all/dev/karpenter.yaml", controller("dev"));
    place.write("all/prod/karpenter.yaml", controller("prod"));
    let versions = |args: &[&str]| {
        let all = [&["check", "--offline", "-f", "all", "-o", "json"], args].concat();
        let report = place.run(&all).json();
        let problems = report["problems"].as_array().unwrap();
        assert_eq!(problems.len(), 0, "{problems:?}");
        let upgrade = ["upgrade", "--to", "1.9.0", "--offline", "-f", "all", "-o", "json"];
        let report = place.run(&[&upgrade[..], args].concat()).json();
        report["from"].to_string()
    };
    let of_config = versions(&[]);
    assert!(of_config.contains("0.37.8") && of_config.contains("1.8.7"), "{of_config}");
    let of_flag = versions(&["--karpenter-version", "1.6.0"]);
    assert!(!of_flag.contains("0.37.8") && of_flag.contains("1.6.0"), "{of_flag}");
}

/// A queue whose key is a parameter, and a controller that says which cluster it is of.
fn stack(cluster: &str) -> String {
    format!(
        "Parameters: {{Key: {{Type: String}}}}\nResources:\n  Queue:\n    Type: AWS::SQS::Queue\n    Properties:\n      \
         QueueName: karpenter-{cluster}\n      KmsMasterKeyId: !Ref Key\n  Cluster:\n    Type: AWS::EKS::Cluster\n    \
         Properties: {{Name: {cluster}, RoleArn: 'arn:aws:iam::111122223333:role/cluster', ResourcesVpcConfig: {{SubnetIds: []}}}}\n"
    )
}

#[test]
fn facts_of_a_scope_reach_the_reading_of_its_files() {
    let place = with(
        "[[scopes]]\nname = \"dev/*\"\naccount = \"222233334444\"\nregion = \"eu-west-1\"\n\
         parameters = { Key = \"alias/aws/sqs\" }\n\
         [[scopes]]\nname = \"prod/*\"\naccount = \"333344445555\"\nparameters = { Key = \"alias/own\" }\n",
    );
    place.write("clusters/dev/template.yaml", stack("dev"));
    place.write("clusters/prod/template.yaml", stack("prod"));
    let check = ["check", "--offline", "-f", "clusters", "-o", "json", "--rule", "queue-aws-managed-key"];
    let failing = |args: &[&str]| {
        let report = place.run(&[&check[..], args].concat()).json();
        let findings = report["findings"].as_array().unwrap();
        let fails = findings.iter().filter(|finding| finding["outcome"] == "fail");
        fails.map(|finding| finding["subject"]["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(failing(&[]), ["karpenter-dev"]);
    assert_eq!(failing(&["--no-config"]), [""; 0]);
    // A flag is for all, and wins.
    assert_eq!(failing(&["--parameter", "Key=alias/aws/sqs"]), ["karpenter-dev", "karpenter-prod"]);
    let arn = |queue: &str| {
        let can = [
            "can",
            "arn:aws:iam::111122223333:role/x",
            "sqs:SendMessage",
            queue,
            "--offline",
            "-f",
            "clusters",
            "--all",
        ];
        let ended = place.run(&can);
        format!("{}{}", ended.out, ended.err)
    };
    assert!(
        arn("karpenter-dev").contains("arn:aws:sqs:eu-west-1:222233334444:karpenter-dev"),
        "{}",
        arn("karpenter-dev")
    );
    assert!(arn("karpenter-prod").contains("333344445555:karpenter-prod"), "{}", arn("karpenter-prod"));
    // Standard input is read once, whatever is stated.
    let of_input = with("[[scopes]]\nname = \"files\"\nparameters = { Key = \"alias/aws/sqs\" }\n");
    let check = ["check", "--offline", "-f", "-", "--rule", "queue-aws-managed-key"];
    of_input.run_with(&check, stack("dev").as_bytes()).code(1).has("queue-aws-managed-key");
}

#[test]
fn a_fact_of_it_has_its_line_as_its_place() {
    let place = with("fail-on = \"none\"\n[facts]\nkarpenter-version = \"1.0.5\"\ncluster-name = \"prod\"\n");
    let check = ["check", "--offline", "-f", "good.yaml", "-o", "json", "--rule", "controller-role-missing"];
    let origin = |args: &[&str]| {
        let report = place.run(&[&check[..], args].concat()).json();
        report["findings"][0]["subject"]["origin"].clone()
    };
    let expected = serde_json::json!({ "file": ".karpcheck.toml", "line": 3, "column": 1 });
    let of_config = origin(&[]);
    for key in ["file", "line", "column"] {
        assert_eq!(of_config[key], expected[key], "{of_config}");
    }
    assert_eq!(origin(&["--karpenter-version", "1.0.6"])["flag"], "--karpenter-version");
}

#[test]
fn outputs_stand_in_it_and_stay_beside_it() {
    let place = with("output = [\"table\", \"json=out/report.json\"]\n");
    fs::create_dir(place.path().join("out")).unwrap();
    place.run(CHECK).code(1).has("ebs-key-without-encryption");
    let report = fs::read_to_string(place.path().join("out/report.json")).unwrap();
    assert!(report.contains("\"karpcheck.report/v1\""), "{report}");
    // -o says it all.
    fs::remove_file(place.path().join("out/report.json")).unwrap();
    place.run(&[CHECK, &["-o", "name"]].concat()).code(1).has("ec2nodeclass.karpenter.k8s.aws/general");
    assert!(!place.path().join("out/report.json").exists());
    // From another folder it is the same file.
    place.run_in("out", &["check", "--offline", "-f", "../good.yaml"]).code(1);
    assert!(place.path().join("out/report.json").exists());
    for (output, expected) in [
        ("sariff", ".karpcheck.toml:1:11: `sariff` is not one of table, "),
        ("json=../report.json", ".karpcheck.toml:1:11: the file must be beside or below this one"),
        ("json=.git/config", ".karpcheck.toml:1:11: the file must be beside or below this one"),
    ] {
        with(&format!("output = [\"{output}\"]\n")).run(CHECK).code(2).complains(&format!("error: {expected}"));
    }
    let twice = with("output = [\"table\", \"json\"]\n");
    twice.run(CHECK).code(2).complains("-o table and -o json both go to standard output");
    #[cfg(unix)]
    {
        let place = with("output = [\"json=link/report.json\"]\n");
        let outside = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(outside.path(), place.path().join("link")).unwrap();
        place.run(CHECK).code(2).complains("a symbolic link leads out of the configuration's folder");
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    }
}

#[test]
fn a_fact_that_nothing_needs_is_mentioned() {
    let place = TestDir::new();
    place.write("stack.yaml", stack("prod"));
    let role = "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: karpenter\n  namespace: kube-system\n  annotations: \
                {eks.amazonaws.com/role-arn: 'arn:aws:iam::111122223333:role/karpenter'}\n";
    place.write("account.yaml", role);
    let check = |file: &str, args: &[&str]| place.run(&[&["check", "--offline", "-f", file], args].concat());
    let note = "--account 222233334444 was not used: everything that was read states its own account";
    check("account.yaml", &["--account", "222233334444"]).has(note);
    check("account.yaml", &["--account", "111122223333"]).has_not("was not used");
    check("stack.yaml", &["--account", "222233334444", "--region", "eu-west-1"]).has_not("was not used");
    // The configuration is for many runs.
    place.write(".karpcheck.toml", "[facts]\naccount = \"222233334444\"\n");
    check("account.yaml", &[]).has_not("was not used");
}

#[test]
fn a_pack_is_loaded_from_beside_it_and_pinned() {
    let place = with("[[packs]]\npath = \"rules/no.wasm\"\n");
    place.run(CHECK).code(3).has("problem: the pack rules/no.wasm was not loaded: no such file").has("good.yaml:7:5");
    place.run(&["rules"]).code(3);
    let place = with("[[packs]]\npath = \"a.wasm\"\nreference = \"registry.example/a:1\"\n");
    place.run(CHECK).code(2).complains("error: .karpcheck.toml:1:1: a pack has either a `path` or a `reference`");
    // Of a pack with another digest nothing is compiled, and nothing runs.
    let pinned = format!("[[packs]]\npath = \"a.wasm\"\ndigest = \"sha256:{}\"\n", "0".repeat(64));
    let place = with(&pinned);
    let mut broken = crate::sandbox::guest::component("well_behaved");
    broken.truncate(broken.len() - 1);
    for component in [broken, crate::sandbox::guest::component("well_behaved")] {
        place.write("a.wasm", component);
        place.run(CHECK).code(3).has("problem: the pack a.wasm was not loaded: its digest is sha256:");
    }
}

#[test]
fn a_setting_that_a_pack_does_not_have_is_told() {
    let place = with("[[packs]]\npath = \"a.wasm\"\nname = \"team\"\n[packs.settings]\nlable = \"x\"\n");
    place.write("a.wasm", crate::sandbox::guest::component("well_behaved"));
    place.run(CHECK).code(2).complains(".karpcheck.toml:5:1: pack team has no setting lable; it has none");
}

/// The schema and the list of keys are made of the table by which a configuration is read. `BLESS=1` writes them anew.
#[test]
fn the_schema_and_the_documentation_are_made_of_the_keys() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let schema = docs.join("schema/karpcheck.config.schema.json");
    let page = docs.join("configuration.md");
    let made = format!("{:#}\n", kubectl_karpcheck::config::schema());
    let text = fs::read_to_string(&page).unwrap();
    let (before, rest) = text.split_once("<!-- keys -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- end of keys -->\n").unwrap();
    let keys = kubectl_karpcheck::config::reference();
    let whole = format!("{before}<!-- keys -->\n\n{keys}\n<!-- end of keys -->\n{after}");
    if std::env::var_os("BLESS").is_some() {
        fs::create_dir_all(schema.parent().unwrap()).unwrap();
        fs::write(&schema, &made).unwrap();
        fs::write(&page, &whole).unwrap();
    }
    assert!(fs::read_to_string(schema).unwrap() == made, "the schema is another: BLESS=1 cargo test keys");
    assert!(text == whole || std::env::var_os("BLESS").is_some(), "the keys are others: BLESS=1 cargo test keys");
}

/// The words of the configuration are those of the flags.
#[test]
fn its_words_are_those_of_the_flags() {
    let help = TestDir::new().run(&["check", "--help"]).out;
    let schema = kubectl_karpcheck::config::schema();
    for key in ["fail-on", "min-confidence", "require-complete"] {
        let words = schema["properties"][key]["enum"].as_array().unwrap();
        let after = help.split(&format!("--{key}")).nth(1).unwrap();
        let end = after.find("\n      --").unwrap_or(after.len());
        for word in words {
            assert!(after[..end].contains(&format!("- {}", word.as_str().unwrap())), "{key}: {word}");
        }
    }
    let after = help.split("--output").nth(1).unwrap();
    let formats: Vec<&str> =
        after[..after.find("\n      --").unwrap()].lines().filter_map(|line| line.trim().strip_prefix("- ")).collect();
    let formats: Vec<&str> = formats.iter().filter_map(|line| line.split(':').next()).collect();
    assert_eq!(formats, kubectl_karpcheck::config::values::FORMATS);
}
