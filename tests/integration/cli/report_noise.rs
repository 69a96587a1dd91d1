//! What must not be said, or not forty times; and that every format ends alike.

use clap::Parser as _;
use kubectl_karpcheck::cli;
use kubectl_karpcheck::cli::Cli;
use kubectl_karpcheck::commands::shared::progress::Progress;
use kubectl_karpcheck::commands::shared::streams::Streams;

use super::*;

/// The report of a folder on a terminal of so many columns.
fn on_terminal(place: &TestDir, width: usize) -> String {
    let path = place.path().to_string_lossy();
    let cli = Cli::parse_from(["kubectl-karpcheck", "check", "--offline", "--color", "never", "-f", &path]);
    let (mut out, mut err) = (vec![], vec![]);
    let mut streams = Streams {
        out: &mut out,
        err: &mut err,
        input: &mut std::io::empty(),
        width: Some(width),
        progress: Progress::default(),
    };
    cli::run(cli, &mut streams).unwrap();
    String::from_utf8(out).unwrap()
}

fn empty() -> TestDir {
    TestDir(tempfile::tempdir().unwrap())
}

#[test]
fn forty_classes_with_one_mistake_are_one_row() {
    let place = empty();
    // One is called like a word of the messages.
    for name in (1..40).map(|number| format!("class-{number:02}")).chain(["default".to_owned()]) {
        place.write(&format!("{name}.yaml"), BROKEN_CLASS.replace("general", &name));
    }
    for width in [80, 200] {
        let table = on_terminal(&place, width);
        let errors: Vec<&str> = table.lines().filter(|line| line.starts_with("error")).collect();
        assert_eq!(errors.len(), 1, "{table}");
        assert!(errors[0].contains("ebs-key-without-encryption"), "{table}");
        assert!(table.contains("and 36 more"), "{table}");
        assert!(table.contains("40 errors"), "every one is counted: {table}");
        assert!(table.lines().count() < 40, "{table}");
    }
}

#[test]
fn a_folder_without_karpenter_or_ack_says_so_and_is_clean() {
    let place = empty();
    place.write("web.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 2}\n");
    place.write("settings.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {a: b}\n");
    place.write("certificate.yaml", "apiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: {name: web}\n");
    place
        .run(&["check", "--offline", "-f", "."])
        .code(0)
        .line("There is nothing to check in 3 files: no Karpenter object, ACK object or AWS resource.");
}

#[test]
fn a_manifest_alone_is_not_blamed_for_what_was_not_given() {
    let pool = "\
apiVersion: karpenter.sh/v1
kind: NodePool
metadata: {name: general}
spec:
  template:
    spec:
      requirements: [{key: karpenter.sh/capacity-type, operator: In, values: [spot]}]
      nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: general}
";
    let class = BROKEN_CLASS.replace("ebs: {", "ebs: {encrypted: true, ");
    let values = "\
settings: {clusterName: prod, interruptionQueue: prod}
serviceAccount: {annotations: {eks.amazonaws.com/role-arn: 'arn:aws:iam::111122223333:role/karpenter'}}
";
    let deployment = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: karpenter, namespace: kube-system}
spec:
  template:
    metadata: {labels: {app.kubernetes.io/name: karpenter}}
    spec:
      serviceAccountName: karpenter
      containers:
      - name: controller
        image: public.ecr.aws/karpenter/controller:1.8.1
        env: [{name: CLUSTER_NAME, value: prod}, {name: INTERRUPTION_QUEUE, value: prod}]
";
    let queue = "\
apiVersion: sqs.services.k8s.aws/v1alpha1
kind: Queue
metadata: {name: prod}
spec:
  queueName: prod
  kmsMasterKeyID: arn:aws:kms:eu-west-1:111122223333:key/aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee
";
    for (name, content) in
        [("pool", pool), ("class", &class), ("values", values), ("deployment", deployment), ("queue", queue)]
    {
        let place = empty();
        place.write("alone.yaml", content);
        let ended = place.run(&["check", "--offline", "-f", "alone.yaml", "--fail-on", "warning", "-o", "json"]);
        let report = ended.code(0).json();
        let fails: Vec<_> =
            report["findings"].as_array().unwrap().iter().filter(|finding| finding["outcome"] == "fail").collect();
        assert!(fails.is_empty(), "{name}: {fails:#?}");
        assert_ne!(report["summary"]["items"], 0, "{name} was read");
    }
}

#[test]
fn an_ordinary_queue_is_left_alone() {
    let place = empty();
    place.write(
        "queues.yaml",
        "Resources:\n  Orders:\n    Type: AWS::SQS::Queue\n    Properties: {QueueName: orders, KmsMasterKeyId: alias/aws/sqs}\n",
    );
    place.run(&["check", "--offline", "-f", "queues.yaml", "-o", "json"]).code(0);
    let report = place.run(&["check", "--offline", "-f", "queues.yaml", "-o", "json"]).json();
    assert_eq!((&report["findings"], &report["summary"]["items"]), (&serde_json::json!([]), &serde_json::json!(1)));
    // Also beside a controller that has another queue.
    place.write(
        "values.yaml",
        "settings: {clusterName: prod, interruptionQueue: prod}\nserviceAccount: {name: karpenter}\n",
    );
    let report = place.run(&["check", "--offline", "-f", "queues.yaml", "-f", "values.yaml", "-o", "json"]).json();
    let names: Vec<_> =
        report["findings"].as_array().unwrap().iter().map(|finding| finding["subject"]["name"].clone()).collect();
    assert!(!names.is_empty() && names.iter().all(|name| name == "karpenter"), "{report:#}");
}

#[test]
fn where_the_version_is_unknown_the_versions_in_question_are_named() {
    let place = empty();
    place.write(
        "pool.yaml",
        "apiVersion: karpenter.sh/v1beta1\nkind: NodePool\nmetadata: {name: general}\nspec: {template: {spec: {}}}\n",
    );
    place.run(&["check", "--offline", "-f", "pool.yaml"]).code(0).has(
        "Karpenter does not serve v1beta1 from 1.1 on, and which version runs is not known (--karpenter-version states it)",
    );
    let check = |version: &str| place.run(&["check", "--offline", "-f", "pool.yaml", "--karpenter-version", version]);
    check("1.0.8").code(0);
    check("1.1.0").code(1);
}

#[test]
fn every_format_ends_with_the_same_exit_code() {
    let place = TestDir::new();
    place.write("sound.yaml", SOUND_CLASS);
    place.write("broken.yaml", "a: [");
    for format in ["table", "wide", "json", "yaml", "name", "sarif", "junit", "github", "markdown", "html", "diff"] {
        let check = |file: &str, more: &[&str]| {
            let ended = place.run(&[&["check", "--offline", "-f", file, "-o", format], more].concat());
            assert!(!ended.out.contains('\u{1b}'), "{format}");
            ended.code
        };
        let codes = [
            check("good.yaml", &[]),
            check("good.yaml", &["--fail-on", "none"]),
            check("sound.yaml", &[]),
            check("broken.yaml", &[]),
        ];
        assert_eq!(codes, [1, 0, 0, 3], "{format}");
    }
}

#[test]
fn the_picture_of_a_finding_marks_the_link_that_is_broken() {
    // The class's role is the controller's: what is wrong is its link to the role, not that to the controller.
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/fixtures/rules/node-role-is-controllers/fail-it-is-the-controllers");
    let path = fixture.to_string_lossy();
    let check = ["check", "--offline", "-f", &path, "--rule", "node-role-is-controllers", "-o", "html"];
    let page = TestDir::new().run(&check).out;
    let picture = page.split("<svg").nth(1).unwrap().split("</svg>").next().unwrap();
    let ends: Vec<&str> = picture.split("<path class=\"").skip(1).collect();
    let [controller, role] = ends.as_slice() else { panic!("{picture}") };
    assert!(controller.starts_with('"') && controller.contains(">karpenter<"), "{picture}");
    assert!(role.starts_with("broken\"") && role.contains(">KarpenterController-demo<"), "{picture}");
}
