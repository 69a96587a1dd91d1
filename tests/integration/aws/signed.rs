//! AWS, asked by karpcheck itself: a scripted AWS on this machine sees what is signed, with which credentials, and answers as AWS does
//! on a bad day. There is no `aws` on the PATH unless a test puts one there.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Output;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use super::{TestDir, problems};

/// A request as it came.
#[derive(Clone, Debug)]
struct Asked {
    path: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Asked {
    fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// `GetRole`, in whatever protocol.
    fn operation(&self) -> String {
        let action = || self.parameter("Action");
        let target = self.header("x-amz-target").rsplit('.').next().unwrap_or_default();
        match (target, self.path.as_str()) {
            ("", path) if path.starts_with("/clusters/") => "Eks".into(),
            ("", _) => action().unwrap_or_default(),
            (target, _) => target.to_owned(),
        }
    }

    fn parameter(&self, name: &str) -> Option<String> {
        let pair = self.body.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        pair.map(str::to_owned)
    }

    /// Access key and service of its signature.
    fn signer(&self) -> Option<(String, String)> {
        let credential = self.header("authorization").strip_prefix("AWS4-HMAC-SHA256 Credential=")?;
        let parts: Vec<&str> = credential.split(',').next()?.split('/').collect();
        Some((parts[0].to_owned(), parts[3].to_owned()))
    }
}

/// What is answered: status, further headers, body.
type Answer = (u16, &'static str, String);

/// A scripted AWS.
struct Aws {
    url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Aws {
    /// Answers with what a function makes of a request and of how often this operation was asked before; None is [`usual`].
    fn start(answer: impl Fn(&Asked, usize) -> Option<Answer> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let (kept, answer) = (Arc::clone(&asked), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (kept, answer) = (Arc::clone(&kept), Arc::clone(&answer));
                std::thread::spawn(move || drop(serve(stream, &kept, &*answer)));
            }
        });
        Self { url, asked }
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    fn count(&self, operation: &str) -> usize {
        self.asked().iter().filter(|asked| asked.operation() == operation).count()
    }
}

fn serve(
    mut stream: TcpStream,
    kept: &Mutex<Vec<Asked>>,
    answer: &dyn Fn(&Asked, usize) -> Option<Answer>,
) -> std::io::Result<()> {
    let mut bytes = vec![];
    let mut part = [0; 4096];
    let (head, length) = loop {
        let read = stream.read(&mut part)?;
        if read == 0 {
            return Ok(());
        }
        bytes.extend_from_slice(&part[..read]);
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let length =
                head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
            break (head, end + 4 + length.unwrap_or(0));
        }
    };
    while bytes.len() < length {
        let read = stream.read(&mut part)?;
        bytes.extend_from_slice(&part[..read]);
    }
    let mut lines = head.lines();
    let path = lines.next().unwrap_or_default().split(' ').nth(1).unwrap_or_default().to_owned();
    let headers = lines.filter_map(|line| line.split_once(": "));
    let asked = Asked {
        path,
        headers: headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect(),
        body: String::from_utf8_lossy(&bytes[head.len() + 4..]).into_owned(),
    };
    let before = {
        let mut kept = kept.lock().unwrap();
        let before = kept.iter().filter(|known| known.operation() == asked.operation()).count();
        kept.push(asked.clone());
        before
    };
    let (status, more, body) = answer(&asked, before).unwrap_or_else(|| usual(&asked));
    let length =
        if more.contains("content-length") { String::new() } else { format!("content-length: {}\r\n", body.len()) };
    let response = format!("HTTP/1.1 {status} x\r\nconnection: close\r\n{length}{more}\r\n{body}");
    stream.write_all(response.as_bytes())
}

const IDENTITY: &str = "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::111122223333:user/x</Arn>\
    <UserId>x</UserId><Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";

/// An AWS that says who asks, and refuses all else.
fn usual(asked: &Asked) -> Answer {
    match &*asked.operation() {
        "GetCallerIdentity" => (200, "", IDENTITY.into()),
        "AssumeRoleWithWebIdentity" => (
            200,
            "",
            "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>\
             <AccessKeyId>ASIAIRSA</AccessKeyId><SecretAccessKey>s3cret</SecretAccessKey><SessionToken>t0ken</SessionToken>\
             </Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"
                .into(),
        ),
        operation => {
            let message = format!("User: x is not authorized to perform: x:{operation} on resource: y");
            if asked.parameter("Action").is_some() {
                let error = format!("<Error><Code>AccessDenied</Code><Message>{message}</Message></Error>");
                return (403, "", format!("<ErrorResponse>{error}</ErrorResponse>"));
            }
            (400, "", json!({"__type": "com.amazonaws#AccessDeniedException", "message": message}).to_string())
        }
    }
}

const KEYS: [(&str, &str); 3] =
    [("AWS_ACCESS_KEY_ID", "AKIAENV"), ("AWS_SECRET_ACCESS_KEY", "s3cret"), ("AWS_SESSION_TOKEN", "t0ken")];

/// A check of a controller with a queue, before this AWS, with these variables.
fn run(aws: &Aws, place: &TestDir, variables: &[(&str, &str)], args: &[&str]) -> Output {
    let program = Path::new(env!("CARGO_BIN_EXE_kubectl-karpcheck"));
    let ran = place
        .command(program, &place.at("bin").display().to_string())
        .args(["check", "--offline", "-f", "controller.yaml", "-o", "json", "--aws", "--region", "eu-west-1"])
        .args(args)
        .env("AWS_ENDPOINT_URL", &aws.url)
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let said = [&ran.stdout[..], &ran.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(!said.contains("s3cret") && !said.contains("t0ken"), "a secret is printed: {said}");
    ran
}

/// Without a CLI.
fn place() -> TestDir {
    let place = TestDir::new("prod", "");
    fs::remove_file(place.at("bin/aws")).unwrap();
    place
}

fn report(ran: &Output) -> (Value, i32) {
    let report = serde_json::from_slice(&ran.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&ran.stderr)));
    (report, ran.status.code().unwrap())
}

fn check(aws: &Aws, variables: &[(&str, &str)], args: &[&str]) -> (Value, i32) {
    report(&run(aws, &place(), variables, args))
}

#[test]
fn every_request_is_signed_with_the_credentials_of_the_environment() {
    let aws = Aws::start(|_, _| None);
    let (report, _) = check(&aws, &KEYS, &[]);
    let asked = aws.asked();
    assert!(asked.len() > 8, "{asked:#?}");
    let mut services: Vec<String> = vec![];
    for request in &asked {
        let (key, service) = request.signer().unwrap_or_else(|| panic!("{request:#?}"));
        assert_eq!((&*key, request.header("x-amz-security-token")), ("AKIAENV", "t0ken"));
        assert_eq!(request.header("host"), aws.url.trim_start_matches("http://"));
        services.push(service);
    }
    services.sort();
    services.dedup();
    for service in ["ec2", "eks", "iam", "monitoring", "sqs", "sts"] {
        assert!(services.iter().any(|known| known == service), "{service}: {services:?}");
    }
    // IAM has one region for all.
    let iam = asked.iter().find(|request| request.operation() == "GetRole").unwrap();
    assert!(iam.header("authorization").contains("/us-east-1/iam/aws4_request"), "{iam:#?}");
    assert!(problems(&report).contains("AWS refused x:GetQueueUrl"), "{}", problems(&report));
}

#[test]
fn a_queue_is_followed_through_its_answers() {
    let aws = Aws::start(|asked, _| {
        let body = match &*asked.operation() {
            "GetQueueUrl" => json!({"QueueUrl": "https://sqs.eu-west-1.amazonaws.com/111122223333/prod"}),
            "GetQueueAttributes" => {
                assert_eq!(
                    serde_json::from_str::<Value>(&asked.body).unwrap(),
                    json!({"QueueUrl": "https://sqs.eu-west-1.amazonaws.com/111122223333/prod", "AttributeNames": ["All"]})
                );
                json!({"Attributes": {"QueueArn": "arn:aws:sqs:eu-west-1:111122223333:prod", "KmsMasterKeyId": "alias/aws/sqs",
                    "CreatedTimestamp": "1", "VisibilityTimeout": "30"}})
            }
            "ListRuleNamesByTarget" => json!({"RuleNames": ["spot"]}),
            "DescribeRule" => {
                json!({"Name": "spot", "State": "ENABLED", "Arn": "arn:aws:events:eu-west-1:111122223333:rule/spot",
                "EventPattern": "{\"source\":[\"aws.ec2\"],\"detail-type\":[\"EC2 Spot Instance Interruption Warning\"]}"})
            }
            "ListTargetsByRule" => {
                json!({"Targets": [{"Id": "1", "Arn": "arn:aws:sqs:eu-west-1:111122223333:prod"}]})
            }
            _ => return None,
        };
        Some((200, "", body.to_string()))
    });
    let (report, code) = check(&aws, &KEYS, &["--rule", "queue-aws-managed-key"]);
    let failed: Vec<&Value> =
        report["findings"].as_array().unwrap().iter().filter(|finding| finding["outcome"] == "fail").collect();
    assert_eq!((failed.len(), code), (1, 1), "{report:#}");
    // The place of a finding is the command that shows it, whoever asked.
    assert!(report.to_string().contains("aws sqs get-queue-attributes"), "{report:#}");
}

#[test]
fn what_is_asked_too_often_is_asked_again_when_aws_says_so() {
    let aws = Aws::start(|asked, before| match (&*asked.operation(), before) {
        ("GetQueueUrl", 0) => Some((
            400,
            "retry-after: 0\r\n",
            json!({"__type": "ThrottlingException", "message": "Rate exceeded"}).to_string(),
        )),
        ("GetQueueUrl", 1) => Some((503, "retry-after: 0\r\n", "busy".into())),
        ("GetRole", _) => {
            let error = "<ErrorResponse><Error><Code>Throttling</Code><Message>m</Message></Error></ErrorResponse>";
            Some((400, "retry-after: 3600\r\n", error.into()))
        }
        _ => None,
    });
    let (report, _) = check(&aws, &KEYS, &[]);
    assert_eq!(aws.count("GetQueueUrl"), 3);
    let told = problems(&report);
    assert!(told.contains("AWS throttles `aws iam get-role`"), "{told}");
    assert!(!told.contains("throttles `aws sqs"), "{told}");
}

#[test]
fn an_expired_session_and_a_wrong_clock_are_each_one_sentence() {
    let expired = |asked: &Asked, _: usize| {
        assert_eq!(asked.operation(), "GetCallerIdentity");
        let error = "<Error><Code>ExpiredToken</Code><Message>The security token is expired</Message></Error>";
        Some((403, "", format!("<ErrorResponse>{error}</ErrorResponse>")))
    };
    let aws = Aws::start(expired);
    let (report, code) = check(&aws, &KEYS, &[]);
    assert!(problems(&report).contains("the AWS session has expired: log in again"), "{}", problems(&report));
    assert_eq!((code, aws.asked().len()), (3, 1));
    let aws = Aws::start(|_, _| {
        let error = "<Error><Code>SignatureDoesNotMatch</Code><Message>Signature expired</Message></Error>";
        Some((403, "date: Sat, 01 Jan 2000 00:00:00 GMT\r\n", format!("<ErrorResponse>{error}</ErrorResponse>")))
    });
    let (report, code) = check(&aws, &KEYS, &[]);
    let told = problems(&report);
    assert!(told.contains("the clock of this machine is") && told.contains("minutes ahead of AWS's"), "{told}");
    assert_eq!((code, aws.asked().len()), (3, 1));
}

#[test]
fn a_region_that_is_not_enabled_costs_only_what_is_in_it() {
    const CODE: &str = "UnrecognizedClientException";
    let aws = Aws::start(|asked, _| match &*asked.operation() {
        "GetCallerIdentity" => None,
        operation if operation.contains("Role") => None,
        // EC2 says it otherwise than all else.
        _ if asked.parameter("Action").is_some() => {
            let error = "<Error><Code>AuthFailure</Code><Message>AWS was not able to validate them</Message></Error>";
            Some((401, "", format!("<Response><Errors>{error}</Errors></Response>")))
        }
        _ => Some((400, "", json!({"__type": CODE, "message": "The security token is invalid"}).to_string())),
    });
    let (report, code) = check(&aws, &KEYS, &[]);
    let told = problems(&report);
    assert_eq!(told.matches("in region eu-west-1").count(), 1, "{told}");
    assert!(!told.contains("log in again") && told.contains("is the region enabled for the account"), "{told}");
    assert!(aws.count("ListAttachedRolePolicies") == 1, "{:?}", aws.asked());
    assert_eq!(code, 0, "{report:#}");
}

#[test]
fn what_is_slow_breaks_off_or_is_no_answer_costs_only_itself() {
    let aws = Aws::start(|asked, _| match &*asked.operation() {
        "GetQueueUrl" => {
            std::thread::sleep(Duration::from_secs(30));
            None
        }
        "GetRole" => Some((200, "content-length: 1000\r\n", "<GetRoleResponse>".into())),
        "ListRolePolicies" => Some((200, "", "<html><body>captive portal</body></html>".into())),
        "Eks" => Some((200, "", "<html>".into())),
        _ => None,
    });
    let (report, _) = check(&aws, &KEYS, &["--aws-timeout", "2s"]);
    let told = problems(&report);
    for text in [
        "`aws sqs get-queue-url` did not end within 2 s",
        "`aws iam get-role` failed: the answer broke off",
        "`aws iam list-role-policies` was answered with something else than an answer: it begins with <html>",
        "`aws eks describe-cluster` was answered with something else than an answer",
    ] {
        assert!(told.contains(text), "{text}: {told}");
    }
    assert_eq!(report["summary"]["complete"], false);
}

#[test]
fn pages_are_followed_and_an_end_is_made() {
    let policies = |names: &str, next: &str| {
        let list = format!("<PolicyNames>{names}</PolicyNames>{next}");
        format!(
            "<ListRolePoliciesResponse><ListRolePoliciesResult>{list}</ListRolePoliciesResult></ListRolePoliciesResponse>"
        )
    };
    let aws = Aws::start(move |asked, _| {
        match &*asked.operation() {
        "ListRolePolicies" => Some((
            200,
            "",
            match asked.parameter("Marker").as_deref() {
                None => policies("<member>one</member>", "<IsTruncated>true</IsTruncated><Marker>a/b=</Marker>"),
                Some("a%2Fb%3D") => policies("<member>two</member>", "<IsTruncated>false</IsTruncated>"),
                Some(other) => panic!("{other}"),
            },
        )),
        "ListAttachedRolePolicies" => Some((
            200,
            "",
            "<ListAttachedRolePoliciesResponse><ListAttachedRolePoliciesResult><AttachedPolicies/><Marker>again</Marker>\
             </ListAttachedRolePoliciesResult></ListAttachedRolePoliciesResponse>"
                .into(),
        )),
        _ => None,
    }
    });
    let (report, _) = check(&aws, &KEYS, &[]);
    let names: Vec<String> = aws.asked().iter().filter_map(|asked| asked.parameter("PolicyName")).collect();
    assert!(names.contains(&"one".into()) && names.contains(&"two".into()), "{names:?}");
    assert_eq!(aws.count("ListAttachedRolePolicies"), 100);
    assert!(problems(&report).contains("pages without end"), "{}", problems(&report));
}

#[test]
fn in_a_pod_the_credentials_come_from_pod_identity() {
    let place = place();
    fs::write(place.at("token"), "the-pods-token\n").unwrap();
    let aws = Aws::start(|asked, _| {
        (asked.path == "/v1/credentials").then(|| {
            assert_eq!(asked.header("authorization"), "the-pods-token");
            let keys = json!({"AccessKeyId": "ASIAPOD", "SecretAccessKey": "s3cret", "Token": "t0ken",
                "AccountId": "111122223333", "Expiration": "2099-01-01T00:00:00Z"});
            (200, "", keys.to_string())
        })
    });
    let (uri, token) = (format!("{}/v1/credentials", aws.url), place.at("token").display().to_string());
    let variables = [
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", &*uri),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", &*token),
        // The agent is on the link, whatever the proxy.
        ("HTTP_PROXY", "http://127.0.0.1:9"),
    ];
    report(&run(&aws, &place, &variables, &[]));
    let asked = aws.asked();
    let signers: Vec<(String, String)> = asked.iter().filter_map(Asked::signer).collect();
    assert!(signers.len() > 8 && signers.iter().all(|(key, _)| key == "ASIAPOD"), "{signers:?}");
    assert_eq!(asked.iter().filter(|asked| asked.path == "/v1/credentials").count(), 1, "once");

    let strange = [("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://192.0.2.1/"), variables[1]];
    let (report, code) = report(&run(&aws, &place, &strange, &[]));
    let told = problems(&report);
    assert!(
        told.contains("AWS_CONTAINER_CREDENTIALS_FULL_URI") && told.contains("a token is not sent there"),
        "{told}"
    );
    assert_eq!(code, 3);
}

#[test]
fn in_a_pod_with_irsa_the_token_of_the_cluster_is_exchanged() {
    let place = place();
    fs::write(place.at("token"), "a.jwt.b\n").unwrap();
    let token = place.at("token").display().to_string();
    let role = "arn:aws:iam::111122223333:role/karpcheck";
    let variables = [("AWS_WEB_IDENTITY_TOKEN_FILE", &*token), ("AWS_ROLE_ARN", role)];
    let aws = Aws::start(|_, _| None);
    report(&run(&aws, &place, &variables, &[]));
    let asked = aws.asked();
    assert_eq!(asked[0].operation(), "AssumeRoleWithWebIdentity");
    assert_eq!(asked[0].parameter("WebIdentityToken").as_deref(), Some("a.jwt.b"));
    assert_eq!(asked[0].parameter("RoleArn").as_deref(), Some("arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Fkarpcheck"));
    assert_eq!(asked[0].signer(), None, "the token says who asks");
    assert!(asked[1..].iter().all(|asked| asked.signer().unwrap().0 == "ASIAIRSA"), "{asked:#?}");

    let refused = Aws::start(|asked, _| {
        (asked.operation() == "AssumeRoleWithWebIdentity").then(|| {
            let error = "<Error><Code>AccessDenied</Code><Message>Not authorized to perform sts:AssumeRoleWithWebIdentity</Message></Error>";
            (403, "", format!("<ErrorResponse>{error}</ErrorResponse>"))
        })
    });
    let (report, code) = report(&run(&refused, &place, &variables, &[]));
    let told = problems(&report);
    assert!(told.contains("AWS_WEB_IDENTITY_TOKEN_FILE names cannot be had: AccessDenied"), "{told}");
    assert_eq!((code, refused.asked().len()), (3, 1));
}

/// A CLI that hands out its credentials, and answers like the scripts of the other tests.
fn with_cli(place: &TestDir) {
    use std::os::unix::fs::PermissionsExt as _;
    let export = r#"case "$1 $2" in 'configure export-credentials')
  echo '{"Version": 1, "AccessKeyId": "AKIACLI", "SecretAccessKey": "s3cret", "SessionToken": "t0ken"}'; exit ;;
esac
echo '{}'"#;
    fs::write(place.at("bin/aws"), super::script(export)).unwrap();
    fs::set_permissions(place.at("bin/aws"), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn the_cli_is_asked_for_its_credentials_once() {
    let place = place();
    with_cli(&place);
    let aws = Aws::start(|_, _| None);
    // The scripts are run by a shell, which has its tools elsewhere.
    let path = format!("{}:/usr/bin:/bin", place.at("bin").display());
    report(&run(&aws, &place, &[("PATH", &path)], &["--aws-profile", "ops"]));
    let log = fs::read_to_string(place.at("bin/aws.log")).unwrap();
    assert_eq!(log.trim(), "configure|export-credentials|--format|process|--profile|ops|");
    let asked = aws.asked();
    assert!(asked.len() > 8 && asked.iter().all(|asked| asked.signer().unwrap().0 == "AKIACLI"), "{asked:#?}");
}

#[test]
fn where_only_the_cli_reaches_aws_it_asks() {
    let path = |place: &TestDir| format!("{}:/usr/bin:/bin", place.at("bin").display());
    // Nothing listens there.
    let nowhere = Aws { url: "http://127.0.0.1:9".into(), asked: Arc::default() };
    let place = place();
    with_cli(&place);
    for credentials in [&[][..], &KEYS] {
        report(&run(&nowhere, &place, &[credentials, &[("PATH", &path(&place))]].concat(), &[]));
        assert!(place.calls().len() > 8, "{:?}", place.calls());
        fs::remove_file(place.at("bin/aws.log")).unwrap();
    }
    // What is configured of the way there only the CLI follows.
    let aws = Aws::start(|_, _| None);
    fs::write(place.at("config"), "[default]\nca_bundle = /etc/ca.pem\n").unwrap();
    let config = place.at("config").display().to_string();
    let variables = [&KEYS[..], &[("AWS_CONFIG_FILE", &config)]].concat();
    report(&run(&aws, &place, &[&variables[..], &[("PATH", &path(&place))]].concat(), &[]));
    assert_eq!(aws.asked().len(), 0);
    assert!(place.calls().len() > 8, "{:?}", place.calls());
    fs::remove_file(place.at("bin/aws")).unwrap();
    let (checked, code) = report(&run(&aws, &place, &variables, &[]));
    let told = problems(&checked);
    assert!(told.contains("ca_bundle in") && told.contains("only the AWS CLI follows"), "{told}");
    assert_eq!((code, aws.asked().len()), (3, 0));
    let (checked, code) = report(&run(&nowhere, &place, &KEYS, &[]));
    let told = problems(&checked);
    assert!(told.contains("127.0.0.1:9 could not be reached") && !told.contains("PATH"), "{told}");
    assert_eq!(code, 3);
}

#[test]
fn a_region_that_is_none_leads_to_no_other_host() {
    let place = place();
    let program = Path::new(env!("CARGO_BIN_EXE_kubectl-karpcheck"));
    let ran = place
        .command(program, "")
        .args(["check", "--offline", "-f", "controller.yaml", "-o", "json", "--aws"])
        .envs(KEYS)
        .env("AWS_REGION", "evil.example/x-1")
        .output()
        .unwrap();
    let (report, code) = report(&ran);
    assert!(problems(&report).contains("no address of sts in region evil.example/x-1"), "{report:#}");
    assert_eq!(code, 3);
}
