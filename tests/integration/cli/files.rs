//! Files, folders and standard input that are broken in every way.

use super::*;

/// What stands at the end of a run that missed something.
const INCOMPLETE: &str = "The run is incomplete: something above was refused or could not be read.";

/// What stands at the end of a run that met one file that is nobody's business.
const LEFT_ALONE: &str = "Skipped: 1 template or invalid file that mentions neither Karpenter nor ACK.";

/// Beside a good file: named, it is a failure of the run; found by a walk, it is left alone where it speaks of nothing that
/// karpcheck judges.
fn told(name: &str, content: &[u8], place_and_words: &str) {
    let place = TestDir::new();
    place.write(name, content);
    place.beside(name).code(3).line(&format!("problem: {place_and_words}")).line(INCOMPLETE);
    place.walk().code(1).has_not("problem: ").has_not(INCOMPLETE).line(LEFT_ALONE);
}

#[test]
fn a_broken_file_of_a_folder_that_speaks_of_karpenter_or_ack_is_a_failure_of_the_run() {
    for (content, words) in [
        ("apiVersion: karpenter.sh/v1\nkind: \"Node", "2:7: it is not valid YAML"),
        ("apiVersion: sqs.services.k8s.aws/v1alpha1\nmetadata:\n  name: {{ .Values.x }}\n", "3:10: it is a template"),
    ] {
        let place = TestDir::new();
        place.write("x.yaml", content);
        place.walk().code(3).has(&format!("problem: ./x.yaml:{words}")).line(INCOMPLETE).has_not("Skipped: ");
        let allowed = place.run(&["check", "--offline", "-f", ".", "--fail-on", "none", "--allow-unread"]);
        allowed.code(0).has(&format!("problem: ./x.yaml:{words}")).line(INCOMPLETE);
    }
}

#[test]
fn a_broken_description_of_aws_resources_leaves_the_run_incomplete() {
    let place = TestDir::new();
    place.write("queue.json", "{\"Type\": \"AWS::SQS::Queue\"");
    place.walk().code(1).has("problem: ./queue.json:").line(INCOMPLETE);
}

#[test]
fn templates_and_settings_of_others_are_counted_in_one_line() {
    let place = TestDir::new();
    place.write("chart/templates/a.yaml", "metadata:\n  {{- include \"x\" . | nindent 4 }}\n");
    place.write("tsconfig.json", "{\n  // comment\n  \"a\": 1,\n}\n");
    place.write("tf/queue.j2.tf", "{% if a %}\nresource \"aws_sqs_queue\" \"q\" {}\n{% endif %}\n");
    place.write("docker-compose.yml", "services: {a: 1}\nservices: {b: 2}\n");
    let ended = place.walk();
    ended
        .code(1)
        .has_not("problem: ")
        .has_not("note: ")
        .has("in 2 files (")
        .line("Skipped: 3 templates and invalid files that mention neither Karpenter nor ACK.");
}

#[test]
fn a_file_that_is_not_there_is_told() {
    TestDir::new().beside("nofile.yaml").code(3).line("problem: nofile.yaml: no such file or folder").line(INCOMPLETE);
}

#[test]
fn what_is_not_utf8_is_told_with_its_place() {
    told(
        "latin.yaml",
        b"apiVersion: v1\nkind: ConfigMap\ndata:\n  a: \xff\n",
        "latin.yaml:4:6: it is not UTF-8: save it as UTF-8",
    );
}

#[test]
fn a_binary_file_is_not_text() {
    let bytes: Vec<u8> = (0..=255).cycle().take(2048).collect();
    told(
        "bytes.yaml",
        &bytes,
        "bytes.yaml: it is not text: leave it out, or give the YAML or JSON that it was made of",
    );
}

#[test]
fn truncated_yaml_is_told_where_it_ends() {
    told(
        "cut.yaml",
        b"apiVersion: v1\nkind: \"Config",
        "cut.yaml:2:7: it is not valid YAML: while scanning a quoted scalar, found unexpected end of stream \
         (is the file whole?)",
    );
}

#[test]
fn truncated_json_is_told_where_it_ends() {
    told(
        "cut.json",
        b"{\"apiVersion\": \"v1\", \"kind\":",
        "cut.json:1:28: it is not valid JSON: it ends too early (is the file whole?)",
    );
}

#[test]
fn documents_before_a_broken_one_count() {
    let place = TestDir::new();
    place.write("two.yaml", format!("{BROKEN_CLASS}---\na: [1,\n---\n{SOUND_CLASS}"));
    let ended = place.run(&["check", "--offline", "-f", "two.yaml"]);
    ended.code(3).has("two.yaml:7:5").has("problem: two.yaml:").has("in 1 file (2 resources");
}

#[test]
fn a_template_is_to_be_rendered_first() {
    told(
        "service.yaml",
        b"apiVersion: v1\nkind: Service\nmetadata:\n  {{- include \"x\" . | nindent 4 }}\n",
        "service.yaml:4:5: it is a template, not YAML: render it first, as in `helm template CHART | kubectl karpcheck \
         check --offline -f -`",
    );
}

#[test]
fn a_template_that_terraform_renders_is_read_as_it_is_rendered() {
    let place = TestDir::new();
    place.write(
        "class.yaml",
        "apiVersion: karpenter.k8s.aws/v1\nkind: EC2NodeClass\nmetadata: {name: default}\nspec:\n  tags:\n    %{ for key, \
         value in tags ~}\n    ${key}: ${value}\n    %{ endfor }\n  role: nodes\n",
    );
    let walk = || place.run(&["check", "--offline", "-f", "."]);
    walk().code(3).has("class.yaml:6:5: it is not valid YAML");
    place.write(
        "main.tf",
        "resource \"kubectl_manifest\" \"class\" {\n  yaml_body = templatefile(\"${path.module}/class.yaml\", { tags = { team = \
         \"a\" } })\n}\n",
    );
    walk().code(1).has("(2 resources, ").has("EC2NodeClass/default").has_not("not valid YAML");
}

#[test]
fn a_chart_full_of_templates_is_one_line() {
    let place = TestDir::new();
    place.write("chart/templates/a.yaml", "metadata:\n  {{- include \"x\" . | nindent 4 }}\n");
    place.write("chart/templates/b.yaml", "{{- if .Values.b }}\na: 1\n{{- end }}\n");
    let ended = place.walk();
    ended.code(1).line("Skipped: 2 templates and invalid files that mention neither Karpenter nor ACK.");
    // Those that speak of Karpenter are a problem, and one line.
    place.write("chart/templates/a.yaml", "kind: NodePool # karpenter.sh\n{{- include \"x\" . | nindent 4 }}\n");
    place.write("chart/templates/b.yaml", "{{- if .Values.karpenter }}\na: 1\n{{- end }}\n");
    let ended = place.walk();
    ended.code(3).has(" (and 1 more): it is a template, not YAML: render it first");
    assert_eq!(ended.out.matches("problem: ").count(), 1, "{}", ended.out);
}

#[test]
fn a_huge_file_is_refused_by_its_size() {
    let place = TestDir::new();
    fs::File::create(place.path().join("huge.yaml")).unwrap().set_len(1 << 30).unwrap();
    let words = "huge.yaml: it is larger than 512 MB (1024 MB) and was not read: give karpcheck the part that matters";
    place.beside("huge.yaml").code(3).line(&format!("problem: {words}"));
    place.walk().code(1).line(&format!("problem: ./{words}"));
}

#[test]
fn a_tower_is_refused_where_it_gets_too_high() {
    let words = "it nests deeper than 128 levels, which nothing that Kubernetes or AWS takes does: leave it out";
    for (name, text, at) in [
        ("deep.yaml", format!("a: {}{}", "[".repeat(10_000), "]".repeat(10_000)), "1:131"),
        ("open.yaml", "[".repeat(10_000), "1:128"),
        ("block.yaml", (0..10_000).map(|level| format!("{}a:\n", " ".repeat(level))).collect(), "129:129"),
        ("deep.json", format!("{{\"a\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000)), "1:133"),
    ] {
        let place = TestDir::new();
        place.write(name, text);
        let ended = place.beside(name);
        ended.code(3).has(words).has_not("not valid");
        assert!(ended.out.contains(&format!("problem: {name}:")), "{at}: {}", ended.out);
        place.walk().code(1).has_not(words).line(LEFT_ALONE);
    }
}

#[test]
fn an_alias_bomb_does_not_go_off() {
    let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..20 {
        let before = vec![format!("*a{}", level - 1); 10].join(",");
        bomb.push_str(&format!("a{level}: &a{level} [{before}]\n"));
    }
    told(
        "bomb.yaml",
        bomb.as_bytes(),
        "bomb.yaml:5:38: its aliases expand to more than 100000 values (an alias bomb): leave it out",
    );
}

#[cfg(unix)]
#[test]
fn a_loop_of_links_is_walked_once() {
    let place = TestDir::new();
    place.write("loop/a/class.yaml", SOUND_CLASS);
    std::os::unix::fs::symlink("..", place.path().join("loop/a/up")).unwrap();
    let ended = place.run(&["check", "--offline", "-f", "loop"]);
    ended
        .code(0)
        .line("note: loop/a/up: a link back to loop, which is read already: not followed")
        .has("in 1 file (1 resource");
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_nowhere_is_noted_by_a_walk() {
    let place = TestDir::new();
    std::os::unix::fs::symlink("gone.yaml", place.path().join("link.yaml")).unwrap();
    place
        .walk()
        .code(1)
        .line("note: ./link.yaml: a symbolic link to something that is not there: left alone")
        .has_not(INCOMPLETE);
    place.beside("link.yaml").code(3).line("problem: link.yaml: no such file or folder");
    std::os::unix::fs::symlink("itself.yaml", place.path().join("itself.yaml")).unwrap();
    place.walk().has("problem: ./itself.yaml: too many levels of symbolic links");
}

#[test]
fn an_empty_file_that_was_named_is_a_mistake() {
    for content in ["", "\n\n", "# nothing but a comment\n---\n"] {
        let place = TestDir::new();
        place.write("empty.yaml", content);
        place.beside("empty.yaml").code(3).line("problem: empty.yaml: there is nothing in it");
        place.walk().code(1).has_not("problem").has_not(INCOMPLETE);
    }
}

#[test]
fn an_empty_input_points_at_the_command_before_the_pipe() {
    let ended = TestDir::new().run(&["check", "--offline", "-f", "-"]);
    ended
        .code(3)
        .line("problem: (standard input): there is nothing in it: did the command before the pipe fail?")
        .line("There is nothing to check in 1 file: no Karpenter object, ACK object or AWS resource.");
}

#[test]
fn a_folder_without_files_to_read_is_a_mistake() {
    let place = TestDir::new();
    fs::create_dir(place.path().join("empty")).unwrap();
    place.write("prose/README.md", "# hello\n");
    for folder in ["empty", "prose"] {
        let ended = place.run(&["check", "--offline", "-f", folder]);
        ended.code(3).line(&format!(
            "problem: {folder}: there is nothing in it to read: no file is named like YAML, JSON or Terraform"
        ));
        let ended = place.run(&["check", "--offline", "-f", folder, "--allow-unread"]);
        ended.code(0);
        ended.line("Nothing was read: no file there is named like YAML or JSON (.yaml, .yml, .json, .template).");
    }
}

#[test]
fn a_folder_without_anything_of_karpenter_is_clean_and_says_so() {
    let place = TestDir::new();
    place.write("app/map.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n");
    place.write("app/values.yaml", "image: nginx\n");
    let ended = place.run(&["check", "--offline", "-f", "app"]);
    ended
        .code(0)
        .line("There is nothing to check in 2 files: no Karpenter object, ACK object or AWS resource.")
        .has_not("problem");
}

#[test]
fn a_named_file_that_is_something_else_is_told() {
    let place = TestDir::new();
    place.write("values.yaml", "image: nginx\n");
    place.beside("values.yaml").code(3).line(
        "problem: values.yaml: karpcheck recognises nothing in it: neither Kubernetes objects, nor a CloudFormation \
         template, nor values of Karpenter's chart, nor an IAM policy, nor an answer of the aws CLI",
    );
}

#[test]
fn encodings_and_line_ends_of_windows_are_read() {
    let wide = |unit: fn(u16) -> [u8; 2]| -> Vec<u8> {
        "\u{feff}".encode_utf16().chain(BROKEN_CLASS.encode_utf16()).flat_map(unit).collect()
    };
    let place = TestDir::new();
    place.write("bom.yaml", format!("\u{feff}{BROKEN_CLASS}"));
    place.write("crlf.yaml", BROKEN_CLASS.replace('\n', "\r\n"));
    place.write("little.yaml", wide(u16::to_le_bytes));
    place.write("big.yaml", wide(u16::to_be_bytes));
    for name in ["bom.yaml", "crlf.yaml", "little.yaml", "big.yaml"] {
        let ended = place.run(&["check", "--offline", "-f", name]);
        ended.code(1).has(&format!("{name}:7:5")).has_not("problem");
    }
}

#[test]
fn a_key_that_occurs_twice_is_noted() {
    let place = TestDir::new();
    place.write("twice.yaml", SOUND_CLASS.replace("spec:", "kind: EC2NodeClass\nspec:"));
    let ended = place.run(&["check", "--offline", "-f", "twice.yaml"]);
    ended
        .code(0)
        .line("note: twice.yaml:4:7: `kind` occurs twice in one object: the last one counts, as it does for kubectl")
        .has_not(INCOMPLETE);
}

#[test]
fn standard_input_is_read() {
    let place = TestDir::new();
    let ended = place.run_with(&["check", "--offline", "-f", "-"], BROKEN_CLASS.as_bytes());
    ended.code(1).has("(standard input):7:5").has("in 1 file (");
}

#[test]
fn what_is_named_twice_is_read_once() {
    let place = TestDir::new();
    let twice = place.run(&["check", "--offline", "-f", "good.yaml", "-f", "./good.yaml", "-f", "."]);
    twice.code(1).has("1 error in 1 file (1 resource, ");
    let input = place.run_with(&["check", "--offline", "-f", "-", "-f", "-"], BROKEN_CLASS.as_bytes());
    input.code(1).has("1 error in 1 file (1 resource, ").has_not("problem");
}

#[test]
fn a_broken_file_that_was_named_is_fatal_also_where_a_walk_finds_it() {
    let place = TestDir::new();
    place.write("cut.json", "{");
    for order in [["-f", ".", "-f", "cut.json"], ["-f", "cut.json", "-f", "."]] {
        let ended = place.run(&[&["check", "--offline"][..], &order].concat());
        ended.code(3);
        assert_eq!(ended.out.matches("problem: ").count(), 1, "{}", ended.out);
    }
}

#[test]
fn much_that_is_broken_costs_nothing_else() {
    let place = TestDir::new();
    place.write("cut.json", "{");
    place.write("latin.yaml", b"a: \xff\n");
    place.write("tower.yaml", "[".repeat(10_000));
    let ended = place.run(&[
        "check",
        "--offline",
        "-f",
        "nofile",
        "-f",
        "cut.json",
        "-f",
        "latin.yaml",
        "-f",
        "tower.yaml",
        "--pack",
        "latin.yaml",
        "-f",
        "good.yaml",
    ]);
    ended.code(3).has("good.yaml:7:5").line("problem: nofile: no such file or folder").has("problem: cut.json:1:1: ");
    ended
        .has("problem: latin.yaml:1:4: ")
        .has("problem: tower.yaml:1:")
        .has("problem: the pack latin.yaml was refused");
}

#[test]
fn excluded_files_are_not_read_and_are_counted() {
    let dir = TestDir::new();
    dir.write("old/examples/broken.yaml", "a: [ # arn:aws");
    dir.write("old/examples/more.yaml", BROKEN_CLASS);
    dir.write("old/notes.txt", "");
    dir.write("infra/class.yaml", BROKEN_CLASS.replace("general", "infra"));
    let check = ["check", "--offline", "-f", "."];
    dir.run(&check).code(1).has("problem: ./old/examples/broken.yaml").has("EC2NodeClass/infra");
    let run = |more: &[&str]| dir.run(&[&check[..], more].concat());
    // A glob is one of .gitignore: relative to the working directory, at any depth, or of a file.
    for glob in ["old", "old/", "examples", "/old/examples", "old/**", "**/examples/*"] {
        run(&["--exclude", glob])
            .code(1)
            .has_not("problem")
            .has("EC2NodeClass/infra")
            .has("in 2 files (")
            .has("2 files by --exclude.");
    }
    run(&["--exclude", "old", "--exclude", "infra/*.yaml"])
        .has_not("infra")
        .has("in 1 file (")
        .has("3 files by --exclude");
    run(&["--exclude", "*.yaml", "--exclude", "!class.yaml", "--exclude", "examples"])
        .has("EC2NodeClass/infra")
        .has_not("EC2NodeClass/general")
        .has("in 1 file (")
        .has("3 files by --exclude");
    run(&["--exclude", "*"]).code(0).line("Nothing was read: --exclude names 4 files.");
    // What is named is left out, too, and a glob may be relative to it.
    let named = ["check", "--offline", "-f", "infra", "-f", "old", "-f", "good.yaml", "--exclude"];
    dir.run(&[&named[..], &["/examples"]].concat())
        .code(1)
        .has("EC2NodeClass/infra")
        .has("in 2 files (")
        .has("2 files by --exclude.");
    dir.run(&[&named[..], &["good.yaml"]].concat()).has_not("EC2NodeClass/general (").has("1 file by --exclude");
    dir.run(&[&named[..], &["old"]].concat())
        .code(1)
        .has_not("problem")
        .has("in 2 files (")
        .has("2 files by --exclude.");
}

#[test]
fn an_exclusion_without_effect_is_noted_and_a_bad_one_refused() {
    let dir = TestDir::new();
    let run = |glob: &str| dir.run(&["check", "--offline", "-f", ".", "--exclude", glob]);
    run("exmaples/").code(1).line(
        "note: --exclude exmaples/ matches nothing that was given: it is relative to the working directory or to what -f names",
    );
    run("{a,b").code(2).complains("invalid value '{a,b' for '--exclude <GLOB>'");
    run("#all").code(2).complains("it is empty, or a comment as in a .gitignore");
}

#[test]
fn all_commands_that_judge_files_can_exclude() {
    let dir = TestDir::new();
    dir.write("old/broken.yaml", "a: [ # arn:aws");
    dir.write(
        "controller.yaml",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: karpenter, namespace: kube-system}\nspec: {template: {spec: \
         {containers: [{name: controller, image: 'public.ecr.aws/karpenter/controller:1.8.1'}]}}}\n",
    );
    let files = ["--offline", "-f", ".", "--exclude", "old"];
    for command in [
        &["why", "ebs-key-without-encryption"][..],
        &["can", "*", "sqs:SendMessage", "*"],
        &["upgrade", "--to", "1.14.1"],
        &["collect"],
    ] {
        let problem = |args: &[&str]| {
            let ended = dir.run(&[command, args].concat());
            [ended.out, ended.err].iter().any(|text| text.contains("problem: ./old/broken.yaml:2:1: "))
        };
        assert!(problem(&files[..3]) && !problem(&files), "{}", command[0]);
    }
}

#[test]
fn a_module_that_is_excluded_is_still_read_where_it_is_called() {
    let dir = TestDir::new();
    dir.write("modules/queue/main.tf", "resource \"aws_sqs_queue\" \"this\" {\n  name = \"karpenter\"\n}\n");
    dir.write("prod/main.tf", "module \"queue\" {\n  source = \"../modules/queue\"\n}\n");
    let can = ["can", "*", "sqs:SendMessage", "karpenter", "--offline", "-f", "."];
    dir.run(&[&can[..], &["--exclude", "modules"]].concat()).has("karpenter");
    dir.run(&[&can[..], &["--exclude", "prod", "--exclude", "modules"]].concat()).code(2);
}

#[test]
fn a_folder_of_which_nothing_can_be_read_is_not_green_in_any_format() {
    let place = TestDir::new();
    place.write("only/x.yaml", "a: [b\n");
    place.write("broken/bad.yaml", "apiVersion: karpenter.k8s.aws/v1\nkind: EC2NodeClass\nmetadata: {name: x\n");
    place.write("broken/sound.yaml", SOUND_CLASS);
    fs::create_dir(place.path().join("empty")).unwrap();
    let says =
        [("only", "none of the files in it can be read"), ("broken", "bad.yaml"), ("empty", "there is nothing in it")];
    for (folder, words) in says {
        let format = |format: &str| place.run(&["check", "--offline", "-f", folder, "-o", format]);
        format("table").code(3).has(words);
        format("json").code(3).has(words);
        format("junit").code(3).has("<error message=").has(words);
        format("github").code(3).has("::error ").has(words);
        format("markdown").code(3).has(words);
        assert_eq!(
            format("sarif").code(3).json()["runs"][0]["invocations"][0]["executionSuccessful"],
            false,
            "{folder}"
        );
        place.run(&["check", "--offline", "-f", folder, "--allow-unread"]).code(0);
    }
    // Beside what can be read, a folder of which nothing can is told, too.
    place.run(&["check", "--offline", "-f", "broken/sound.yaml", "-f", "only"]).code(3).has("only: none of the files");
}

#[test]
fn a_parameter_that_nothing_has_is_noted() {
    let place = TestDir::new();
    place
        .write("t.yaml", "AWSTemplateFormatVersion: '2010-09-09'\nParameters: {Name: {Type: String}}\nResources: {}\n");
    place.write("tf/main.tf", "variable \"name\" {}\n");
    let check = ["check", "--offline", "-f", "t.yaml", "-f", "tf", "-f", "good.yaml"];
    let all = [&check[..], &["--parameter", "Name=x", "--parameter", "name=x", "--parameter", "Nmae=x"]].concat();
    let ended = place.run(&all);
    ended.has("note: --parameter Nmae was not used: no template or Terraform root here has a parameter of this name");
    ended.has_not("--parameter Name was").has_not("--parameter name was");
}
