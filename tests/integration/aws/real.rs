//! The real `aws` CLI before a fake AWS over HTTP (moto), the cluster on a real API server: found, cured, clean.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::apiserver::Guarded;
use crate::live;
use crate::skipped::skipped;

const ROLE: &str = "KarpenterControllerRole-prod";
const RULES: [&str; 3] = ["queue-aws-managed-key", "queue-key-denies-eventbridge", "queue-controller-cannot-decrypt"];

/// A fake AWS that was started for one test.
struct Aws {
    url: String,
    /// Where its `aws` is.
    bin: PathBuf,
    folder: tempfile::TempDir,
    _server: Guarded,
}

impl Aws {
    /// None, said aloud, where the CLI or the server is not to be had.
    fn start() -> Option<Self> {
        let bin = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/aws-venv/bin");
        if !bin.join("moto_server").exists() || !bin.join("aws").exists() {
            skipped(
                "no fake AWS: python3 -m venv target/aws-venv && target/aws-venv/bin/pip install awscli 'moto[server]'",
            );
            return None;
        }
        let bin = bin.canonicalize().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = tempfile::tempdir().unwrap();
        let args = ["MOTO_ACCOUNT_ID=111122223333".to_owned()].into_iter();
        let recording = format!("MOTO_RECORDER_FILEPATH={}", folder.path().join("recording").display());
        let server = bin.join("moto_server").display().to_string();
        let args: Vec<String> =
            args.chain([recording, server, "-H".into(), "127.0.0.1".into(), "-p".into(), port.to_string()]).collect();
        let server = Guarded::start(Path::new("env"), &args, &folder.path().join("log")).unwrap();
        let patience = Instant::now() + Duration::from_secs(120);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < patience, "the fake AWS does not start");
            std::thread::sleep(Duration::from_millis(100));
        }
        Some(Self { url: format!("http://127.0.0.1:{port}"), bin, folder, _server: server })
    }

    /// A command with this AWS for its own.
    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        let path = format!("{}:{}", self.bin.display(), std::env::var("PATH").unwrap_or_default());
        command.current_dir(self.folder.path()).env("PATH", path).env("HOME", self.folder.path());
        command.env_remove("KUBECONFIG").env_remove("AWS_PROFILE");
        command.envs([
            ("AWS_ENDPOINT_URL", self.url.as_str()),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_PAGER", ""),
        ]);
        command
    }

    /// Changes something through the CLI; gives its text.
    fn aws(&self, args: &[&str]) -> String {
        let ran = self
            .command("aws")
            .args(["--endpoint-url", &self.url, "--region", "eu-west-1", "--output", "text"])
            .args(args)
            .output()
            .unwrap();
        text(&ran)
    }

    /// A broken queue, and everything else that the controller's rules read.
    fn fill(&self) {
        self.aws(&[
            "sqs",
            "create-queue",
            "--queue-name",
            "prod-interruptions",
            "--attributes",
            "KmsMasterKeyId=alias/aws/sqs",
        ]);
        let pattern = r#"{"source":["aws.ec2"],"detail-type":["EC2 Spot Instance Interruption Warning"]}"#;
        self.aws(&["events", "put-rule", "--name", "spot", "--event-pattern", pattern]);
        let target = "Id=1,Arn=arn:aws:sqs:eu-west-1:111122223333:prod-interruptions";
        self.aws(&["events", "put-targets", "--rule", "spot", "--targets", target]);
        let trust = r#"{"Version":"2012-10-17","Statement":[]}"#;
        self.aws(&["iam", "create-role", "--role-name", ROLE, "--assume-role-policy-document", trust]);
        self.allow("receive", &["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueUrl"]);
        let policy =
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:Describe*","Resource":"*"}]}"#;
        self.aws(&["iam", "create-policy", "--policy-name", "describe", "--policy-document", policy]);
        let policy = "arn:aws:iam::111122223333:policy/describe";
        self.aws(&["iam", "attach-role-policy", "--role-name", ROLE, "--policy-arn", policy]);
    }

    fn allow(&self, name: &str, actions: &[&str]) {
        let statement = json!({"Effect": "Allow", "Action": actions, "Resource": "*"});
        let document = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
        self.aws(&[
            "iam",
            "put-role-policy",
            "--role-name",
            ROLE,
            "--policy-name",
            name,
            "--policy-document",
            &document,
        ]);
    }

    fn encrypt_queue_with(&self, key: &str) {
        let url = self.aws(&["sqs", "get-queue-url", "--queue-name", "prod-interruptions"]);
        let attributes = format!("KmsMasterKeyId={key}");
        self.aws(&["sqs", "set-queue-attributes", "--queue-url", url.trim(), "--attributes", &attributes]);
    }

    fn recorder(&self, what: &str) -> String {
        // Bodies of forms are recorded in base64.
        let fetch = format!(
            "import urllib.request, json, base64\n\
             text = urllib.request.urlopen(urllib.request.Request('{}/moto-api/recorder/{what}', method='{}')).read().decode()\n\
             for line in filter(lambda line: line.startswith(chr(123)), text.splitlines()):\n\
             \x20   entry = json.loads(line)\n\
             \x20   if entry.get('body_encoded'): entry['body'] = base64.b64decode(entry['body']).decode()\n\
             \x20   print(json.dumps(entry))",
            self.url,
            if what == "download-recording" { "GET" } else { "POST" }
        );
        text(&self.command("python3").args(["-c", &fetch]).output().unwrap())
    }

    /// What the server was asked since the recording began, as IAM actions.
    fn actions(&self) -> Vec<String> {
        let mut actions: Vec<String> = self
            .recorder("download-recording")
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .filter_map(|request| action(&request))
            .collect();
        actions.sort();
        actions.dedup();
        actions
    }
}

/// The IAM action of a recorded request: the service that it is signed for, and the operation in one of three protocols.
fn action(request: &Value) -> Option<String> {
    let headers = request["headers"].as_object()?;
    let header = |name: &str| {
        headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).and_then(|(_, value)| value.as_str())
    };
    let service = header("Authorization")?.split("Credential=").nth(1)?.split('/').nth(3)?;
    let operation = match header("X-Amz-Target") {
        Some(target) => target.rsplit('.').next()?.to_owned(),
        None if service == "eks" => "DescribeCluster".to_owned(),
        None => request["body"].as_str()?.split('&').find_map(|pair| pair.strip_prefix("Action="))?.to_owned(),
    };
    Some(format!("{service}:{operation}"))
}

fn text(ran: &Output) -> String {
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8_lossy(&ran.stdout).into_owned()
}

fn rules() -> impl Iterator<Item = &'static str> {
    RULES.iter().flat_map(|rule| ["--rule", rule])
}

/// The rules that fail, and those that are undecided.
fn outcome(report: &Value) -> (Vec<String>, Vec<String>) {
    (live::rules_of(report, "fail"), live::rules_of(report, "unknown"))
}

/// Is all that one answer says in the other one, too?
fn within(part: &Value, whole: &Value) -> bool {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => {
            // A member of moto's own, which AWS does not have and the CLI drops.
            let mut members = part.iter().filter(|(name, _)| *name != "GrantCount");
            members.all(|(name, value)| whole.get(name).is_some_and(|whole| within(value, whole)))
        }
        (Value::Array(part), Value::Array(whole)) => {
            part.len() == whole.len() && part.iter().zip(whole).all(|(part, whole)| within(part, whole))
        }
        (Value::Number(part), Value::Number(whole)) => part.as_f64() == whole.as_f64(),
        (part, whole) => part == whole || instant(part).is_some_and(|part| Some(part) == instant(whole)),
    }
}

/// A time, in milliseconds: the first version of the CLI prints times as they were sent, the second one with an offset.
fn instant(value: &Value) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "a time in milliseconds has 13 digits")]
    let of_seconds = |seconds: f64| (seconds * 1000.0).round() as i64;
    let of_text = |text: &str| text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond);
    value.as_f64().map(of_seconds).or_else(|| value.as_str().and_then(of_text))
}

/// The files of a cache of answers, by name.
fn answers(home: &Path) -> std::collections::BTreeMap<String, Value> {
    let files = fs::read_dir(home.join(".cache/kubectl-karpcheck/aws")).unwrap().map(|file| file.unwrap().path());
    let read = |path: PathBuf| {
        let answer = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        (path.file_name().unwrap().to_string_lossy().into_owned(), answer)
    };
    files.map(read).collect()
}

#[test]
fn the_answers_and_the_report_are_the_same_whoever_asks() {
    let Some(aws) = Aws::start() else { return };
    aws.fill();
    let key = aws.aws(&["kms", "create-key", "--query", "KeyMetadata.Arn"]).trim().to_owned();
    aws.aws(&["kms", "create-alias", "--alias-name", "alias/volumes", "--target-key-id", &key]);
    aws.encrypt_queue_with(&key);
    aws.aws(&["iam", "create-service-linked-role", "--aws-service-name", "spot.amazonaws.com"]);
    let cluster = ["--role-arn", "arn:aws:iam::111122223333:role/x", "--resources-vpc-config", "subnetIds=subnet-1"];
    aws.aws(&[&["eks", "create-cluster", "--name", "prod"][..], &cluster].concat());
    let image = aws.aws(&["ec2", "describe-images", "--query", "Images[0].ImageId"]).trim().to_owned();
    let tags = "ResourceType=instance,Tags=[{Key=kubernetes.io/cluster/prod,Value=owned}]";
    aws.aws(&[
        "ec2",
        "run-instances",
        "--image-id",
        &image,
        "--instance-type",
        "m5.large",
        "--tag-specifications",
        tags,
    ]);
    let data = json!({"ImageId": image, "UserData": "c2VjcmV0", "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
        "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"Encrypted": true, "VolumeSize": 20, "KmsKeyId": key}}]});
    let tags = "ResourceType=launch-template,Tags=[{Key=eks:eks-cluster-name,Value=prod}]";
    aws.aws(&[
        "ec2",
        "create-launch-template",
        "--launch-template-name",
        "nodes",
        "--launch-template-data",
        &data.to_string(),
        "--tag-specifications",
        tags,
    ]);
    let controller =
        super::CONTROLLER.replace("@NAME@", "prod-interruptions").replace("role/controller", &format!("role/{ROLE}"));
    fs::write(aws.folder.path().join("controller.yaml"), controller).unwrap();
    let class = json!({
        "apiVersion": "karpenter.k8s.aws/v1", "kind": "EC2NodeClass", "metadata": {"name": "encrypted"},
        "spec": {"blockDeviceMappings": [{"deviceName": "/dev/xvda", "ebs": {"encrypted": true, "kmsKeyID": key}}]},
        "status": {"amis": [{"id": image, "name": "x", "requirements": []}]},
    });
    fs::write(aws.folder.path().join("class.json"), class.to_string()).unwrap();
    // What is configured of the way to AWS only the CLI follows.
    let config = aws.folder.path().join("config");
    fs::write(&config, format!("[default]\nendpoint_url = {}\n", aws.url)).unwrap();
    let check = |who: &str| -> (Value, PathBuf) {
        let home = aws.folder.path().join(who);
        fs::create_dir(&home).unwrap();
        let mut command = aws.command(env!("CARGO_BIN_EXE_kubectl-karpcheck"));
        command.args(["check", "--offline", "-f", "controller.yaml", "-f", "class.json", "-o", "json"]);
        command
            .args(["--aws", "--aws-cache", "1h", "--aws-timeout", "10m", "--region", "eu-west-1"])
            .env("HOME", &home);
        if who == "cli" {
            command.env("AWS_CONFIG_FILE", &config);
        }
        let ran = command.output().unwrap();
        let report = serde_json::from_slice(&ran.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&ran.stderr)));
        (report, home)
    };
    let (signed, signed_home) = check("signed");
    let (cli, cli_home) = check("cli");
    assert_eq!(signed["findings"], cli["findings"]);
    // This moto fails at one question with a page of HTML, which either reader calls by another name.
    let problems = |report: &Value| -> Vec<String> {
        let all = super::problems(report);
        all.lines().filter(|line| !line.contains("get-ebs-default-kms-key-id")).map(str::to_owned).collect()
    };
    assert_eq!(problems(&signed), problems(&cli));
    let (of_signed, of_cli) = (answers(&signed_home), answers(&cli_home));
    assert!(of_signed.len() > 20, "{}", of_signed.len());
    assert_eq!(of_signed.keys().collect::<Vec<_>>(), of_cli.keys().collect::<Vec<_>>());
    for (name, answer) in &of_signed {
        assert!(within(answer, &of_cli[name]), "{answer:#}\nis not in\n{:#}", of_cli[name]);
    }
    assert!(!format!("{of_signed:?}").contains("c2VjcmV0"), "user data is kept");
}

#[test]
fn a_class_whose_key_refuses_the_controller_is_found_in_aws_itself() {
    let Some(server) = live::server() else { return };
    let Some(aws) = Aws::start() else { return };
    let kubeconfig = server.kubeconfig_for("admin").display().to_string();
    aws.fill();
    let key = aws.aws(&["kms", "create-key", "--query", "KeyMetadata.Arn"]).trim().to_owned();
    let class = json!({
        "apiVersion": "karpenter.k8s.aws/v1", "kind": "EC2NodeClass", "metadata": {"name": "encrypted"},
        "spec": {"blockDeviceMappings": [
            {"deviceName": "/dev/xvda", "ebs": {"encrypted": true, "kmsKeyID": key, "volumeSize": "20Gi"}},
        ]},
    });
    fs::write(aws.folder.path().join("class.json"), class.to_string()).unwrap();
    let check = || -> Value {
        let ran = aws
            .command(env!("CARGO_BIN_EXE_kubectl-karpcheck"))
            .args(["check", "-o", "json", "--kubeconfig", &kubeconfig, "-f", "class.json", "--aws"])
            .args(["--rule", "ebs-key-denies-controller"])
            .output()
            .unwrap();
        serde_json::from_slice(&ran.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&ran.stderr)))
    };
    let policy = |principal: &str| {
        let statement = json!({"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "kms:*", "Resource": "*"});
        json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
    };
    let put = |principal: &str| {
        aws.aws(&[
            "kms",
            "put-key-policy",
            "--key-id",
            &key,
            "--policy-name",
            "default",
            "--policy",
            &policy(principal),
        ]);
    };
    let rights = ["kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey*", "kms:ReEncrypt*"];
    aws.allow("volumes", &rights);
    // IAM counts only where the key lets the account decide.
    put("arn:aws:iam::111122223333:role/KeyAdmin");
    let report = check();
    assert_eq!(outcome(&report).0, ["ebs-key-denies-controller"], "{report:#}");
    put("arn:aws:iam::111122223333:root");
    let report = check();
    assert_eq!((outcome(&report).0, report["summary"]["passed"].as_u64()), (vec![], Some(1)), "{report:#}");
}

#[test]
fn a_broken_queue_is_found_in_aws_itself_and_its_cure_is_seen() {
    let Some(server) = live::server() else { return };
    let Some(aws) = Aws::start() else { return };
    let kubeconfig = server.kubeconfig_for("admin").display().to_string();
    let check = |args: &[&str]| -> Value {
        let ran = aws
            .command(env!("CARGO_BIN_EXE_kubectl-karpcheck"))
            .args(["check", "-o", "json", "--kubeconfig", &kubeconfig])
            .args(rules())
            .args(args)
            .output()
            .unwrap();
        serde_json::from_slice(&ran.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&ran.stderr)))
    };
    aws.fill();
    let report = check(&["--aws"]);
    assert_eq!(outcome(&report).0, ["queue-aws-managed-key"], "{report:#}");

    // A key of one's own, as it comes: only the account may use it.
    let key = aws.aws(&["kms", "create-key", "--query", "KeyMetadata.KeyId"]);
    let key = key.trim();
    aws.encrypt_queue_with(key);
    aws.recorder("start-recording");
    let report = check(&["--aws"]);
    aws.recorder("stop-recording");
    assert_eq!(outcome(&report).0, ["queue-controller-cannot-decrypt", "queue-key-denies-eventbridge"], "{report:#}");

    // The rights that are printed are those that were used; only a role that an annotation names was not looked for.
    let printed =
        aws.command(env!("CARGO_BIN_EXE_kubectl-karpcheck")).arg("iam-policy").args(rules()).output().unwrap();
    let policy: Value = serde_json::from_str(&text(&printed)).unwrap();
    let allowed: Vec<&str> =
        policy["Statement"][0]["Action"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
    let used = aws.actions();
    let unused: Vec<&&str> = allowed.iter().filter(|action| !used.iter().any(|used| used == **action)).collect();
    assert_eq!(unused, [&"eks:DescribePodIdentityAssociation", &"eks:ListPodIdentityAssociations"]);
    assert!(used.iter().all(|action| allowed.contains(&action.as_str())), "{used:?}");

    // Somebody else runs the script, and its folder says the same.
    let printed = aws
        .command(env!("CARGO_BIN_EXE_kubectl-karpcheck"))
        .args(["collect", "--kubeconfig", &kubeconfig])
        .args(rules())
        .output()
        .unwrap();
    fs::write(aws.folder.path().join("collect.sh"), text(&printed)).unwrap();
    text(&aws.command("sh").args(["collect.sh", "answers"]).output().unwrap());
    let read = check(&["-f", "answers"]);
    assert_eq!(outcome(&read), outcome(&report), "{read:#}");

    let statement = |principal: Value, actions: Value| json!({"Effect": "Allow", "Principal": principal, "Action": actions, "Resource": "*"});
    let policy = json!({"Version": "2012-10-17", "Statement": [
        statement(json!({"AWS": "arn:aws:iam::111122223333:root"}), json!("kms:*")),
        statement(json!({"Service": "events.amazonaws.com"}), json!(["kms:Decrypt", "kms:GenerateDataKey"])),
    ]});
    aws.aws(&["kms", "put-key-policy", "--key-id", key, "--policy-name", "default", "--policy", &policy.to_string()]);
    aws.allow("decrypt", &["kms:Decrypt"]);
    let report = check(&["--aws"]);
    assert_eq!(outcome(&report), (vec![], vec![]), "{report:#}");
    assert_eq!(report["summary"]["passed"], 3, "{report:#}");
}
