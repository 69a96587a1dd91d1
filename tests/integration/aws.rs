//! AWS, asked through the user's own CLI: what is run and with which words, and what is said when it does not answer. Here
//! the CLI is a script; [`real`] has the real one before a real server.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

mod real;
mod signed;

/// A controller with a queue and a role.
const CONTROLLER: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: karpenter, namespace: kube-system}
spec:
  template:
    spec:
      serviceAccountName: karpenter
      containers:
      - name: controller
        image: public.ecr.aws/karpenter/controller:1.8.7
        env:
        - {name: KARPENTER_SERVICE, value: karpenter}
        - {name: CLUSTER_NAME, value: prod}
        - {name: INTERRUPTION_QUEUE, value: @NAME@}
        - {name: AWS_ROLE_ARN, value: 'arn:aws:iam::111122223333:role/controller'}
";

/// The beginning of every scripted CLI: it keeps its words, and knows who asks.
const SCRIPT: &str = r#"#!/bin/sh
line=$(printf '%s|' "$@"); printf '%s\n' "$line" >>"$0.log"
case "$1 $2" in
'sts get-caller-identity')
  case "$*" in *--query*) echo 111122223333 ;; *) echo '{"UserId": "x", "Account": "111122223333", "Arn": "arn:aws:iam::111122223333:user/x"}' ;; esac
  exit ;;
'configure get') echo eu-west-1; exit ;;
esac
"#;

struct TestDir(tempfile::TempDir);

impl TestDir {
    /// A folder with a controller whose queue is called so, and an `aws` that does this.
    fn new(queue: &str, script: &str) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        fs::write(place.at("controller.yaml"), CONTROLLER.replace("@NAME@", queue)).unwrap();
        fs::create_dir(place.at("bin")).unwrap();
        fs::write(place.at("bin/aws"), script).unwrap();
        fs::set_permissions(place.at("bin/aws"), fs::Permissions::from_mode(0o755)).unwrap();
        place
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, program: &Path, path: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.0.path()).env_clear().env("HOME", self.0.path()).env("PATH", path);
        command
    }

    /// With the scripted CLI before everything else.
    fn path(&self) -> String {
        format!("{}:{}", self.at("bin").display(), std::env::var("PATH").unwrap_or_default())
    }

    fn karpcheck(&self, args: &[&str]) -> Output {
        let program = Path::new(env!("CARGO_BIN_EXE_kubectl-karpcheck"));
        self.command(program, &self.path()).args(args).output().unwrap()
    }

    /// The report of a check of the controller with AWS, and the exit code.
    fn check(&self, args: &[&str]) -> (serde_json::Value, i32) {
        let mut all = vec!["check", "--offline", "-f", "controller.yaml", "-o", "json", "--aws"];
        all.extend(args);
        let ran = self.karpcheck(&all);
        let report = serde_json::from_slice(&ran.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&ran.stderr)));
        (report, ran.status.code().unwrap())
    }

    /// The words of each question that the CLI was asked; it is asked for credentials before, and has none to give.
    fn calls(&self) -> Vec<String> {
        let log = fs::read_to_string(self.at("bin/aws.log")).unwrap_or_default();
        let mut calls: Vec<String> = log.lines().map(str::to_owned).collect();
        calls.retain(|call| !call.starts_with("configure|export-credentials|"));
        calls.sort();
        calls
    }
}

fn problems(report: &serde_json::Value) -> String {
    let problems = report["problems"].as_array().unwrap().iter().map(|problem| problem["message"].as_str().unwrap());
    problems.collect::<Vec<_>>().join("\n")
}

fn script(then: &str) -> String {
    format!("{SCRIPT}{then}\n")
}

#[test]
fn nothing_is_asked_unless_somebody_says_so() {
    let place = TestDir::new("prod", &script("exit 1"));
    place.karpcheck(&["check", "--offline", "-f", "controller.yaml"]);
    let planned =
        place.karpcheck(&["check", "--offline", "-f", "controller.yaml", "--aws=plan", "--region", "eu-west-1"]);
    assert_eq!(place.calls(), [""; 0]);
    let planned = String::from_utf8(planned.stdout).unwrap();
    assert!(
        planned.contains("\naws sqs get-queue-url --queue-name prod --region eu-west-1 --output json\n"),
        "{planned}"
    );
    assert!(planned.contains("\naws kms get-key-policy --key-id KEY_ARN --policy-name default "), "{planned}");
}

#[test]
fn every_call_has_the_profile_the_region_and_the_endpoint() {
    let place = TestDir::new("prod", &script("echo '{}'"));
    let program = Path::new(env!("CARGO_BIN_EXE_kubectl-karpcheck"));
    let ran = place
        .command(program, &place.path())
        .args(["check", "--offline", "-f", "controller.yaml", "--aws", "--aws-profile", "ops", "--region", "eu-west-3"])
        .envs([("AWS_ENDPOINT_URL", "http://127.0.0.1:1"), ("AWS_ENDPOINT_URL_IAM", "http://127.0.0.1:2")])
        .output()
        .unwrap();
    assert_ne!(ran.status.code(), Some(2), "{}", String::from_utf8_lossy(&ran.stderr));
    let calls = place.calls();
    assert!(calls.len() > 4, "{calls:#?}");
    for call in calls {
        let url = if call.starts_with("iam|") { "http://127.0.0.1:2" } else { "http://127.0.0.1:1" };
        assert!(
            call.ends_with(&format!("|--output|json|--region|eu-west-3|--profile|ops|--endpoint-url|{url}|")),
            "{call}"
        );
    }
}

#[test]
fn a_refusal_costs_only_what_depends_on_it_and_names_the_permission() {
    let place = TestDir::new(
        "prod",
        &script(
            r#"case "$1" in
sqs) echo '
An error occurred (AccessDenied) when calling the GetQueueUrl operation: User: arn:aws:iam::111122223333:user/x is not authorized to perform: sqs:GetQueueUrl on resource: prod' >&2; exit 254 ;;
*) echo '{}' ;;
esac"#,
        ),
    );
    let (report, code) = place.check(&["--region", "eu-west-1", "--require-complete"]);
    let told = problems(&report);
    assert!(told.contains("AWS refused sqs:GetQueueUrl") && told.contains("kubectl karpcheck iam-policy"), "{told}");
    assert_eq!(report["summary"]["complete"], false);
    assert_eq!(code, 4, "{report:#}");
    assert!(place.calls().iter().any(|call| call.starts_with("iam|get-role|")), "the rest is asked all the same");
}

#[test]
fn throttling_is_tried_again() {
    let place = TestDir::new(
        "prod",
        &script(
            r#"case "$1" in
sqs) if [ ! -e "$0.once" ]; then : >"$0.once"
  echo 'An error occurred (ThrottlingException) when calling the GetQueueUrl operation: Rate exceeded' >&2; exit 254; fi ;;
esac
echo '{}'"#,
        ),
    );
    let (report, _) = place.check(&["--region", "eu-west-1"]);
    assert!(!problems(&report).contains("throttles"), "{report:#}");
    assert_eq!(place.calls().iter().filter(|call| call.starts_with("sqs|get-queue-url|")).count(), 2);
}

#[test]
fn an_expired_login_is_one_sentence_with_its_cure() {
    let script = "#!/bin/sh\necho x >>\"$0.log\"\necho 'Error loading SSO Token: Token for https://x has expired' >&2\nexit 255\n";
    let place = TestDir::new("prod", script);
    let (report, code) = place.check(&["--region", "eu-west-1", "--aws-profile", "ops"]);
    let told = problems(&report);
    assert!(told.contains("`aws sso login --profile ops`"), "{told}");
    assert_eq!(told.matches("aws sso login").count(), 1, "{told}");
    assert_eq!((code, place.calls().len()), (3, 1), "{report:#}");
}

#[test]
fn without_the_cli_the_way_out_is_told() {
    let place = TestDir::new("prod", "");
    fs::remove_file(place.at("bin/aws")).unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_kubectl-karpcheck"));
    let ran = place
        .command(program, &place.at("bin").display().to_string())
        .args(["check", "--offline", "-f", "controller.yaml", "--aws", "--region", "eu-west-1"])
        .output()
        .unwrap();
    let out = String::from_utf8_lossy(&ran.stdout);
    assert!(out.contains("no `aws` on the PATH") && out.contains("kubectl karpcheck collect"), "{out}");
    assert!(!out.contains("--aws --aws"), "what was asked in vain is not to be asked again: {out}");
    assert_eq!(ran.status.code(), Some(3));
}

#[test]
fn a_call_that_hangs_is_ended_and_garbage_is_told() {
    let place = TestDir::new("prod", &script(r#"case "$1" in sqs) exec sleep 1000 ;; esac; echo '<html>'"#));
    let (report, _) = place.check(&["--region", "eu-west-1", "--aws-timeout", "1s"]);
    let told = problems(&report);
    assert!(told.contains("`aws sqs get-queue-url` did not end within 1 s"), "{told}");
    assert!(told.contains("something else than JSON"), "{told}");
    assert_eq!(report["summary"]["complete"], false);
}

#[test]
fn another_account_than_the_clusters_is_not_asked() {
    let place = TestDir::new("prod", &script("echo '{}'").replace("111122223333", "444455556666"));
    let (report, code) = place.check(&["--region", "eu-west-1"]);
    let told = problems(&report);
    assert!(told.contains("444455556666") && told.contains("--aws-profile"), "{told}");
    assert_eq!((code, place.calls().len()), (3, 1));
}

#[test]
fn no_value_of_an_object_becomes_an_option_a_file_or_an_address() {
    for queue in ["'--profile=evil'", "'-x'", "'file:///etc/passwd'", "'a b'", "\"a\\nb\"", "'$(touch owned)'"] {
        let place = TestDir::new(
            queue,
            &script("echo '{\"PolicyNames\": [\"ok\", \"-evil\", \"file:///etc/passwd\", \"a b\"]}'"),
        );
        let (report, _) = place.check(&["--region", "eu-west-1"]);
        let calls = place.calls().join("\n");
        assert!(!calls.contains("sqs|get-queue-url"), "{queue}: {calls}");
        assert!(calls.contains("|ok|") && !calls.contains("evil") && !calls.contains("passwd"), "{calls}");
        assert!(problems(&report).contains("stands where a name belongs"), "{report:#}");
        let script = place.karpcheck(&["collect", "--offline", "-f", "controller.yaml", "--region", "eu-west-1"]);
        fs::write(place.at("collect.sh"), script.stdout).unwrap();
        let ran = place.command(Path::new("sh"), &place.path()).args(["collect.sh", "out"]).output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        assert!(!place.at("owned").exists());
        let calls = place.calls().join("\n");
        assert!(!calls.contains("evil") && !calls.contains("passwd"), "{calls}");
    }
}

#[test]
fn the_number_of_calls_is_bounded_and_the_rest_is_told() {
    let names: Vec<String> = (0..400).map(|number| format!("\"p{number}\"")).collect();
    let place = TestDir::new("prod", &script(&format!("echo '{{\"PolicyNames\": [{}]}}'", names.join(","))));
    let (report, _) = place.check(&["--region", "eu-west-1"]);
    assert!(problems(&report).contains("AWS was asked 200 questions, and "), "{}", problems(&report));
    assert_eq!(place.calls().len(), 201, "the first is who asks");
}

#[test]
fn the_script_keeps_refusals_as_json_and_asks_each_question_once() {
    let place = TestDir::new(
        "prod",
        &script(
            r#"case "$*" in
*--query*PolicyNames*) printf 'one\ttwo\tone\tNone\n' ;;
*--query*) echo None ;;
*get-role-policy*) printf 'An error "occurred" (AccessDenied)\\\n\tin two\001 lines\n' >&2; exit 254 ;;
*) echo '{}' ;;
esac"#,
        ),
    );
    let printed = place.karpcheck(&["collect", "--offline", "-f", "controller.yaml", "--region", "eu-west-1"]);
    fs::write(place.at("collect.sh"), printed.stdout).unwrap();
    let ran = place.command(Path::new("sh"), &place.path()).args(["collect.sh", "-t", "out"]).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    assert!(place.at("out.tar").exists());
    let mut files: Vec<PathBuf> = fs::read_dir(place.at("out")).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let answers: Vec<serde_json::Value> =
        files.iter().map(|file| serde_json::from_slice(&fs::read(file).unwrap()).unwrap()).collect();
    let refused: Vec<&serde_json::Value> = answers.iter().filter(|answer| answer.get("error").is_some()).collect();
    assert_eq!(refused.len(), 2, "{answers:#?}");
    assert_eq!(refused[0]["error"], "An error \"occurred\" (AccessDenied)\\  in two lines ");
    assert_eq!(
        refused[0]["command"],
        serde_json::json!(["aws", "iam", "get-role-policy", "--role-name", "controller", "--policy-name", "one"])
    );
    for answer in &answers {
        assert_eq!(answer["karpcheck"], "aws-answer/v1");
        assert_eq!((&answer["account"], &answer["region"]), (&"111122223333".into(), &"eu-west-1".into()));
    }
}

/// The example of the README, checked with an `aws` that does this.
fn example(script: &str, args: &[&str]) -> (serde_json::Value, i32) {
    let place = TestDir::new("prod", script);
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/broken-cluster");
    let program = Path::new(env!("CARGO_BIN_EXE_kubectl-karpcheck"));
    let ran = place
        .command(program, &place.path())
        .args(["check", "--offline", "-o", "json", "--region", "eu-west-1", "-f"])
        .arg(example)
        .args(args)
        .output()
        .unwrap();
    (serde_json::from_slice(&ran.stdout).unwrap(), ran.status.code().unwrap())
}

/// Rule, subject and place of each failure.
fn failures(report: &serde_json::Value) -> Vec<String> {
    let failed = report["findings"].as_array().unwrap().iter().filter(|finding| finding["outcome"] == "fail");
    let mut lines: Vec<String> = failed
        .map(|finding| format!("{} {} {}", finding["rule"], finding["subject"]["name"], finding["subject"]["pointer"]))
        .collect();
    lines.sort();
    lines
}

#[test]
fn a_failed_question_weakens_nothing_that_the_files_decide() {
    let (alone, _) = example("#!/bin/sh\nexit 1\n", &[]);
    assert!(failures(&alone).len() >= 12, "{:?}", failures(&alone));
    let refused = "echo 'An error occurred (AccessDenied) when calling the X operation: not authorized' >&2; exit 254";
    let broken = "echo 'Could not connect to the endpoint URL' >&2; exit 255";
    let no_login = "#!/bin/sh\necho 'Unable to locate credentials' >&2; exit 253\n";
    for (what, script) in [("refused", &*script(refused)), ("broken", &script(broken)), ("no login", no_login)] {
        let (report, _) = example(script, &["--aws"]);
        assert_eq!(failures(&report), failures(&alone), "{what}");
        assert_eq!(report["summary"]["complete"], false, "{what}");
    }
}

#[test]
fn what_could_not_be_decided_is_no_finding_for_the_exit_code() {
    let refused = "echo 'An error occurred (AccessDenied) when calling the X operation: not authorized' >&2; exit 254";
    let place = TestDir::new("prod", &script(refused));
    let (report, code) = place.check(&["--fail-on", "warning"]);
    let undecided = report["summary"]["unknown"].as_u64().unwrap();
    assert!(undecided > 0 && failures(&report).is_empty(), "{report:#}");
    assert_eq!(code, 0, "{report:#}");
    let (_, code) = place.check(&["--fail-on", "warning", "--require-complete"]);
    assert_eq!(code, 4);
}

#[test]
fn a_wrapper_and_what_it_started_end_with_the_time() {
    let place = TestDir::new("prod", "");
    // What many have as `aws`: a script that runs the real one, or a container.
    let script = format!(
        "#!/bin/sh\ncase \"$1\" in sts) echo '{{\"Account\": \"111122223333\"}}'; exit;; esac\n\
         (sleep 3; touch '{}') &\nwait\n",
        place.at("alive").display()
    );
    fs::write(place.at("bin/aws"), script).unwrap();
    let (report, _) = place.check(&["--aws-timeout", "1s", "--rule", "queue-missing", "--region", "eu-west-1"]);
    assert!(problems(&report).contains("did not end within 1 s"), "{report:#}");
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert!(!place.at("alive").exists(), "what the wrapper started lives on");
}

#[test]
fn a_signal_ends_the_run_and_its_children_and_reports_what_was_found() {
    let place = TestDir::new("prod", "");
    let script = format!(
        "#!/bin/sh\ncase \"$1\" in sts) echo '{{\"Account\": \"111122223333\"}}'; exit;; esac\n\
         touch '{}'; (sleep 4; touch '{}') &\nwait\n",
        place.at("begun").display(),
        place.at("alive").display()
    );
    fs::write(place.at("bin/aws"), script).unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_kubectl-karpcheck"));
    let mut running = place
        .command(program, &place.path())
        .args(["check", "--offline", "-f", "controller.yaml", "-o", "json", "--aws", "--region", "eu-west-1"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let patience = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while !place.at("begun").exists() {
        assert!(std::time::Instant::now() < patience, "AWS is not asked");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let begun = std::time::Instant::now();
    let killed = Command::new("kill").args(["-TERM", &running.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let mut out = String::new();
    std::io::Read::read_to_string(&mut running.stdout.take().unwrap(), &mut out).unwrap();
    assert_eq!(running.wait().unwrap().code(), Some(130));
    assert!(begun.elapsed() < std::time::Duration::from_secs(3), "{:?}", begun.elapsed());
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["summary"]["complete"], false);
    assert!(problems(&report).contains("the run was interrupted"), "{report:#}");
    std::thread::sleep(std::time::Duration::from_secs(4));
    assert!(!place.at("alive").exists(), "a child lives on");
}

/// An AWS with a queue and two rules; what it does beside that is said.
fn queue_with_rules(sums: &str) -> String {
    script(&format!(
        "case \"$1 $2\" in\n\
         'sqs get-queue-url') echo '{{\"QueueUrl\": \"https://sqs.eu-west-1.amazonaws.com/111122223333/prod\"}}' ;;\n\
         'sqs get-queue-attributes') echo '{{\"Attributes\": {{\"QueueArn\": \"arn:aws:sqs:eu-west-1:111122223333:prod\"}}}}' ;;\n\
         'events list-rule-names-by-target') echo '{{\"RuleNames\": [\"one\", \"two\"]}}' ;;\n\
         {sums}\n\
         *) echo 'An error occurred (AccessDenied) when calling the X operation: no' >&2; exit 254 ;;\nesac"
    ))
}

#[test]
fn sums_are_one_question_where_that_is_allowed() {
    let result = |number: usize| {
        format!("{{\"Id\": \"q{number}\", \"Timestamps\": [], \"Values\": [], \"StatusCode\": \"Complete\"}}")
    };
    let all: Vec<String> = (0..5).map(result).collect();
    let at_once = format!("'cloudwatch get-metric-data') echo '{{\"MetricDataResults\": [{}]}}' ;;", all.join(", "));
    let count = |place: &TestDir, word: &str| place.calls().iter().filter(|call| call.contains(word)).count();
    let place = TestDir::new("prod", &queue_with_rules(&at_once));
    let (_, _) = place.check(&["--area", "queue"]);
    assert_eq!(
        (count(&place, "get-metric-data"), count(&place, "get-metric-statistics")),
        (1, 0),
        "{:?}",
        place.calls()
    );
    let alone = "'cloudwatch get-metric-statistics') echo '{\"Label\": \"x\", \"Datapoints\": []}' ;;";
    let place = TestDir::new("prod", &queue_with_rules(alone));
    let (report, _) = place.check(&["--area", "queue"]);
    assert_eq!(
        (count(&place, "get-metric-data"), count(&place, "get-metric-statistics")),
        (1, 5),
        "{:?}",
        place.calls()
    );
    // What could be asked otherwise is no refusal.
    assert!(!problems(&report).contains("GetMetric"), "{report:#}");
}

#[test]
fn answers_of_a_moment_ago_are_not_asked_for_again() {
    let alone = "'cloudwatch get-metric-statistics') echo '{\"Label\": \"x\", \"Datapoints\": []}' ;;";
    let place = TestDir::new("prod", &queue_with_rules(alone));
    let asked = |args: &[&str]| {
        let _ = fs::remove_file(place.at("bin/aws.log"));
        let (report, _) = place.check(&[&["--area", "queue"], args].concat());
        (report, place.calls())
    };
    let (first, _) = asked(&["--aws-cache", "5m"]);
    let (second, calls) = asked(&["--aws-cache", "5m"]);
    assert_eq!(failures(&first), failures(&second));
    assert!(calls.iter().any(|call| call.starts_with("sts|")), "who asks is always asked: {calls:?}");
    for kept in ["get-queue-url", "list-rule-names-by-target", "get-metric-statistics"] {
        assert!(!calls.iter().any(|call| call.contains(kept)), "{kept}: {calls:?}");
    }
    assert!(calls.iter().any(|call| call.contains("describe-rule")), "what was refused is asked anew: {calls:?}");
    let (_, calls) = asked(&[]);
    assert!(calls.iter().any(|call| call.contains("get-queue-url")), "{calls:?}");
}
