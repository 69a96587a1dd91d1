//! Packs in registries: a real one on loopback (Debian's docker-registry), and one that lies.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use super::*;
use crate::apiserver::Guarded;
use crate::sandbox::guest;
use crate::skipped::skipped;

/// `me:pw`.
const HTPASSWD: &str = "me:$2b$04$muGWz5bV2FZcK5f/8ATscOagBPRoV5Auw/v/yJSJlZ9eX8hJpOGrW\n";
const BASIC: &str = "bWU6cHc=";
const QUEUE: &str = "AWSTemplateFormatVersion: '2010-09-09'\nResources:\n  Queue: {Type: 'AWS::SQS::Queue', Properties: {QueueName: q}}\n";

/// A registry in a folder. It ends with this value.
struct Registry {
    address: String,
    folder: tempfile::TempDir,
    process: Option<Guarded>,
}

impl Registry {
    /// Without credentials, or with those of [`HTPASSWD`].
    fn start(secured: bool) -> Option<Self> {
        Self::with(|folder| {
            fs::write(folder.join("htpasswd"), HTPASSWD).unwrap();
            let auth = format!("auth: {{htpasswd: {{realm: test, path: {}/htpasswd}}}}\n", folder.display());
            (String::new(), if secured { auth } else { String::new() })
        })
    }

    /// With more in its configuration: in `http`, and beside it.
    fn with(more: impl Fn(&Path) -> (String, String)) -> Option<Self> {
        let program = ["/usr/bin/docker-registry", "/usr/local/bin/docker-registry"].map(Path::new);
        let Some(program) = program.into_iter().find(|program| program.exists()) else {
            skipped("a test of OCI registries needs docker-registry: apt install docker-registry");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let at = folder.path().display();
        let (http, auth) = more(folder.path());
        let config = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {at}/data}}}}\nhttp: {{addr: '{address}'{http}}}\n{auth}"
        );
        fs::write(folder.path().join("config.yml"), config).unwrap();
        let args = ["serve".to_owned(), format!("{at}/config.yml")];
        let process = Guarded::start(program, &args, &folder.path().join("log")).unwrap();
        let until = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(&address).is_err() {
            assert!(Instant::now() < until, "{}", fs::read_to_string(folder.path().join("log")).unwrap());
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(Self { address, folder, process: Some(process) })
    }

    fn named(&self, name: &str) -> String {
        format!("oci://{}/acme/{name}", self.address)
    }
}

fn digest(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    format!("sha256:{}", hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

fn place() -> TestDir {
    let place = TestDir::new();
    place.write("queue.yaml", QUEUE);
    place.write("rules.wasm", guest::component("well_behaved"));
    place
}

fn check(place: &TestDir, pack: &str) -> Ended {
    place.run(&["check", "--offline", "-f", "queue.yaml", "--pack", pack, "--fail-on", "warning"])
}

#[test]
fn a_pack_is_pushed_and_pulled_and_then_needs_no_registry() {
    let Some(mut registry) = Registry::start(false) else { return };
    let place = place();
    let (tagged, elsewhere) = (registry.named("rules:1.2"), registry.named("other:1"));
    let pushed = place.run(&["pack", "push", "rules.wasm", &tagged]);
    let by_digest = pushed.code(0).out.trim_end().to_owned();
    assert!(by_digest.starts_with(&format!("{}@sha256:", registry.named("rules"))), "{by_digest}");
    assert!(pushed.err.starts_with("well-behaved 1.0.0, sha256:"), "{}", pushed.err);
    let again = place.run(&["pack", "push", "rules.wasm", &elsewhere]);
    let manifest = |named: &str| named.split_once('@').unwrap().1.to_owned();
    assert_eq!(manifest(again.code(0).out.trim_end()), manifest(&by_digest), "the same component, the same manifest");

    check(&place, &tagged).code(1).has("well-behaved/well-behaved");
    let named = format!("next={tagged}");
    check(&place, &named).code(1).has("next/well-behaved");
    place.run(&["pack", "inspect", &tagged]).code(0).has(&format!("manifest  {}", manifest(&by_digest)));
    check(&place, &registry.named("rules:1.3")).code(3).has("has no such pack");
    check(&place, &registry.named("none:1")).code(3).has("has no such pack");

    // What is kept on this machine is enough for a digest. A tag may have been moved.
    registry.process = None;
    check(&place, &by_digest).code(1).has("well-behaved/well-behaved");
    check(&place, &tagged).code(3).has("cannot be reached: ").has_not("well-behaved/well-behaved");
    let unknown = format!("{}@sha256:{}", registry.named("rules"), "0".repeat(64));
    check(&place, &unknown).code(3).has("cannot be reached: ");
    drop(registry.folder);
}

#[test]
fn what_is_no_pack_is_not_pushed() {
    let place = place();
    place.write("broken.wasm", b"\0asm");
    let push = |args: &[&str]| place.run(&[&["pack", "push"], args].concat());
    push(&["broken.wasm", "localhost:1/rules:1"]).code(3).complains("error: pack broken.wasm ");
    push(&["no.wasm", "localhost:1/rules:1"]).code(3).complains("no.wasm");
    push(&["rules.wasm", "localhost:1/rules:1"]).code(3).complains("localhost:1/rules:1 was not pushed: ");
    push(&["rules.wasm", "localhost:1/rules"]).code(2).complains("needs a tag or a digest");
    push(&["rules.wasm", &format!("localhost:1/rules@sha256:{}", "0".repeat(64))]).code(2).complains("under a tag");
    check(&place, "oci://Rules:1").code(2).complains("REGISTRY/NAME:TAG");
}

#[test]
fn a_registry_is_shown_dockers_credentials() {
    let Some(registry) = Registry::start(true) else { return };
    let place = place();
    let tagged = registry.named("rules:1");
    let login = format!("`docker login {}`", registry.address);
    place.run(&["pack", "push", "rules.wasm", &tagged]).code(3).complains(&login);
    let auths = format!("{{\"auths\": {{\"{}\": {{\"auth\": \"{BASIC}\"}}}}}}", registry.address);
    place.write(".docker/config.json", &auths);
    place.run(&["pack", "push", "rules.wasm", &tagged]).code(0);
    check(&place, &tagged).code(1).has("well-behaved/well-behaved");

    // A helper's, and a wrong one's.
    let helped = |answer: &str| {
        place.write(".docker/config.json", format!("{{\"credHelpers\": {{\"{}\": \"test\"}}}}", registry.address));
        let helper = place.path().join("bin/docker-credential-test");
        place.write("bin/docker-credential-test", format!("#!/bin/sh\nread -r server\n{answer}\n"));
        #[cfg(unix)]
        fs::set_permissions(&helper, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let path = std::env::var("PATH").unwrap();
        let mut command = place.command(&["check", "--offline", "-f", "queue.yaml", "--pack", &tagged]);
        command.env("PATH", format!("{}:{path}", place.path().join("bin").display()));
        Ended::from(command.output().unwrap())
    };
    let answer =
        |password: &str| format!("echo \"{{\\\"Username\\\": \\\"me\\\", \\\"Secret\\\": \\\"{password}\\\"}}\"");
    helped(&answer("pw")).code(0).has("well-behaved/well-behaved");
    let refused = helped(&answer("secret-of-mine"));
    refused.code(3).has(&login).has_not("secret-of-mine");
    helped("echo credentials not found in native keychain; exit 1").code(3).has(&login);
    helped("echo no access >&2; exit 1").code(3).has("docker-credential-test failed: no access");
}

#[test]
fn a_lock_holds_packs_and_what_they_read() {
    let Some(registry) = Registry::start(false) else { return };
    let place = place();
    let tagged = registry.named("rules:1");
    let reference = tagged.trim_start_matches("oci://");
    place.run(&["pack", "push", "rules.wasm", &tagged]).code(0);
    place.run(&["pack", "lock"]).code(2).complains("there is nothing to lock");
    place.write(".karpcheck.toml", format!("[[packs]]\nreference = \"{reference}\"\n"));
    let check = || place.run(&["check", "--offline", "-f", "queue.yaml", "-o", "json"]);
    let rules = |ended: &Ended| -> Vec<String> {
        let findings = ended.json()["findings"].as_array().unwrap().clone();
        findings.iter().map(|finding| finding["rule"].as_str().unwrap().to_owned()).collect()
    };
    assert!(rules(check().code(0)).iter().any(|rule| rule.ends_with("well-behaved")));

    place.run(&["pack", "lock"]).code(0).has(&format!("{reference} is sha256:")).has("  reads AWS::SQS::Queue\n");
    let locked = fs::read_to_string(place.path().join(".karpcheck.lock")).unwrap();
    check().code(0);
    // Another pack under the same tag: it is not what was locked, and it reads more.
    place.write("other.wasm", guest::component("refused"));
    place.run(&["pack", "push", "other.wasm", &tagged]).code(0);
    assert!(rules(check().code(0)).iter().any(|rule| rule.ends_with("well-behaved")), "it is as it was locked");
    place
        .run(&["pack", "lock"])
        .code(3)
        .complains("now reads core/Node, too: it stays as it is locked without --grant");
    assert_eq!(fs::read_to_string(place.path().join(".karpcheck.lock")).unwrap(), locked);
    place.run(&["pack", "lock", "--grant"]).code(0).has(", was sha256:");
    assert!(!rules(&check()).iter().any(|rule| rule.ends_with("well-behaved")));

    // A lock that grants less, lists nothing, or is none.
    let lock = fs::read_to_string(place.path().join(".karpcheck.lock")).unwrap();
    let mut less: serde_json::Value = serde_json::from_str(&lock).unwrap();
    less["packs"][0]["reads"] = serde_json::json!([]);
    place.write(".karpcheck.lock", less.to_string());
    check().code(3).has("which .karpcheck.lock does not grant");
    less["packs"] = serde_json::json!([]);
    place.write(".karpcheck.lock", less.to_string());
    check().code(3).has(".karpcheck.lock does not list it");
    place.write(".karpcheck.lock", "{");
    check().code(3).has(".karpcheck.lock: ");
}

/// What a request was, and what a registry of our own answers.
type Asked = (String, BTreeMap<String, String>);
type Answer = (u16, Vec<(String, String)>, Vec<u8>);

/// A registry that answers as it is told. Returns its address and what it was asked.
fn lying(answer: impl Fn(&Asked, &str) -> Answer + Send + 'static) -> (String, Arc<Mutex<Vec<Asked>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
    let (all, own) = (Arc::clone(&asked), address.clone());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            let Some(first) = lines.next() else { continue };
            let headers: BTreeMap<String, String> = lines
                .take_while(|line| !line.is_empty())
                .filter_map(|line| line.split_once(": ").map(|(name, value)| (name.to_ascii_lowercase(), value.into())))
                .collect();
            let request = (first.trim_end_matches(" HTTP/1.1").to_owned(), headers);
            let (status, headers, body) = answer(&request, &own);
            all.lock().unwrap().push(request);
            let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
            let head =
                format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
            // The rest of a request, so that the answer is not lost with it.
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let _ = stream.take(1 << 20).read_to_end(&mut vec![]);
        }
    });
    (address, asked)
}

fn manifest(kind: &str, component: &[u8]) -> Vec<u8> {
    let layer = serde_json::json!({"mediaType": kind, "digest": digest(component), "size": component.len()});
    serde_json::json!({"schemaVersion": 2, "config": layer, "layers": [layer]}).to_string().into_bytes()
}

#[test]
fn what_a_registry_answers_is_held_to_what_it_was_asked() {
    let component = guest::component("well_behaved");
    let of = component.clone();
    let (address, _) = lying(move |(request, _), _| {
        let is = |tag: &str| request.ends_with(&format!("/manifests/{tag}"));
        let image = "application/vnd.oci.image.layer.v1.tar+gzip";
        let plain = |body: Vec<u8>| (200, vec![], body);
        let of_lie = digest(b"another");
        match request {
            _ if is("older") => plain(manifest("application/vnd.wasm.content.layer.v1+wasm", &of)),
            _ if is("image") => plain(manifest(image, &of)),
            _ if is("lie") => plain(manifest("application/wasm", b"another")),
            _ if is("longer") => {
                let longer = String::from_utf8(manifest("application/wasm", b"long")).unwrap();
                plain(longer.replace("\"size\":4", "\"size\":3").into_bytes())
            }
            _ if is("html") => plain(b"<html>".to_vec()),
            _ if is("large") => {
                let large = String::from_utf8(manifest("application/wasm", &of)).unwrap();
                plain(large.replace(&format!("\"size\":{}", of.len()), "\"size\":99999999").into_bytes())
            }
            _ if is("endless") => plain(vec![b' '; 5 << 20]),
            _ if request.contains("/manifests/sha256:") => plain(manifest("application/wasm", &of)),
            _ if request.ends_with(&of_lie) => plain(b"anythin".to_vec()),
            _ if request.ends_with(&digest(b"long")) => plain(b"long".to_vec()),
            _ if request.contains("/blobs/") => plain(of.clone()),
            _ => (500, vec![], br#"{"errors": [{"code": "UNKNOWN", "message": "out of order\n::error::x"}]}"#.to_vec()),
        }
    });
    let place = place();
    let pulled = |name: &str| check(&place, &format!("oci://{address}/rules{name}"));
    pulled(":older").code(1).has("well-behaved/well-behaved");
    pulled(":image").code(3).has("it is no pack: its layer is application/vnd.oci.image.layer.v1.tar+gzip");
    pulled(":lie").code(3).has("where sha256:");
    pulled(":longer").code(3).has("its layer is longer than its manifest says");
    pulled(":html").code(3).has("its manifest is none");
    pulled(":large").code(3).has("it has more than 33554432 bytes");
    pulled(":endless").code(3).has("it has more than 4194304 bytes");
    pulled(&format!("@sha256:{}", "0".repeat(64))).code(3).has("was asked for");
    let broken = pulled(":broken");
    broken.code(3).has("answered 500 out of order");
    assert!(!broken.out.lines().any(|line| line.trim_start().starts_with("::error::")), "{}", broken.out);
}

#[test]
fn credentials_go_to_the_registry_and_its_token_service_alone() {
    let component = guest::component("well_behaved");
    let of = component.clone();
    let (store, stored) = lying(move |_, _| (200, vec![], of.clone()));
    let redirected = store.clone();
    let (address, asked) = lying(move |(request, headers), own| {
        let authorized = headers.get("authorization").is_some_and(|header| header == "Bearer the-token");
        let location = |to: String| (307, vec![("location".to_owned(), to)], vec![]);
        if request.starts_with("GET /token?") {
            return (200, vec![], br#"{"token": "the-token"}"#.to_vec());
        }
        if !authorized {
            let challenge = format!("Bearer realm=\"http://{own}/token\",service=\"a b\",scope=\"repository:x:*\"");
            return (401, vec![("www-authenticate".to_owned(), challenge)], vec![]);
        }
        match request {
            _ if request.contains("/manifests/") => (200, vec![], manifest("application/wasm", &component)),
            _ if request.contains("/plain/") => location("http://192.0.2.1/blob".into()),
            _ if request.contains("/round/") => location(format!("http://{own}{}", &request["GET ".len()..])),
            _ => location(format!("http://{redirected}/blob?signature=1")),
        }
    });
    let place = place();
    place.write(".docker/config.json", format!("{{\"auths\": {{\"{address}\": {{\"auth\": \"{BASIC}\"}}}}}}"));
    let pulled = |name: &str| check(&place, &format!("oci://{address}/{name}/rules:1"));
    pulled("a").code(1).has("well-behaved/well-behaved");
    let token = asked.lock().unwrap().iter().find(|(request, _)| request.contains("/token")).unwrap().clone();
    assert_eq!(token.0, "GET /token?service=a%20b&scope=repository%3Aa%2Frules%3Apull", "no more than is needed");
    assert_eq!(token.1.get("authorization").map(String::as_str), Some(&*format!("Basic {BASIC}")));
    {
        let stored = stored.lock().unwrap();
        let [(request, headers)] = &**stored else { panic!("{stored:?}") };
        assert_eq!(request, "GET /blob?signature=1");
        assert!(!headers.contains_key("authorization"), "another host gets nothing of the user's: {headers:?}");
    }
    fs::remove_dir_all(place.path().join(".cache")).unwrap();
    pulled("plain").code(3).has("sends to http://192.0.2.1, which is not asked: it is not encrypted");
    pulled("round").code(3).has("redirects without end");
}

/// openssl in a folder. None where it is not there.
fn openssl(folder: &Path, args: &str) -> Option<Vec<u8>> {
    let mut command = std::process::Command::new("openssl");
    let Ok(output) = command.args(args.split(' ')).current_dir(folder).output() else {
        skipped("a test of registries with TLS or tokens needs openssl: apt install openssl");
        return None;
    };
    assert!(output.status.success(), "{args}: {}", String::from_utf8_lossy(&output.stderr));
    Some(output.stdout)
}

/// A company's own authority, and a registry that shows its certificate.
#[test]
fn a_registry_with_a_certificate_of_a_private_authority_is_asked_over_tls() {
    let authority = tempfile::tempdir().unwrap();
    let at = authority.path();
    fs::write(at.join("leaf.ext"), "subjectAltName = IP:127.0.0.1\nextendedKeyUsage = serverAuth\n").unwrap();
    fs::write(at.join("client.ext"), "extendedKeyUsage = clientAuth\n").unwrap();
    for args in [
        "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 30 -subj /CN=authority",
        "req -newkey rsa:2048 -nodes -keyout leaf.key -out leaf.csr -subj /CN=registry",
        "x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile leaf.ext -out leaf.pem",
        "req -newkey rsa:2048 -nodes -keyout client.key -out client.csr -subj /CN=client",
        "x509 -req -in client.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile client.ext -out client.pem",
    ] {
        if openssl(at, args).is_none() {
            return;
        }
    }
    let tls = format!(", tls: {{certificate: '{0}/leaf.pem', key: '{0}/leaf.key'}}", at.display());
    let Some(registry) = Registry::with(|_| (tls.clone(), String::new())) else { return };
    trusts_whom_docker_trusts(at, &registry);
    let place = place();
    let tagged = registry.named("rules:1");
    place.run(&["pack", "push", "rules.wasm", &tagged]).code(3).complains("certificate");
    let trusting = |args: &[&str]| {
        let mut command = place.command(args);
        command.env("SSL_CERT_FILE", at.join("ca.pem"));
        Ended::from(command.output().unwrap())
    };
    trusting(&["pack", "push", "rules.wasm", &tagged]).code(0);
    let check = ["check", "--offline", "-f", "queue.yaml", "--pack", &tagged];
    trusting(&check).code(0).has("well-behaved/well-behaved");
    place.run(&check).code(3).has("certificate").has_not("well-behaved/well-behaved");
}

/// The folder of a registry beside docker's configuration: authorities, and a certificate of the client's own.
fn trusts_whom_docker_trusts(authority: &Path, registry: &Registry) {
    let place = place();
    let tagged = registry.named("docker:1");
    let push = ["pack", "push", "rules.wasm", &tagged];
    let trusted = |registry: &Registry, name: &str| format!(".config/docker/certs.d/{}/{name}", registry.address);
    let pem = fs::read(authority.join("ca.pem")).unwrap();
    place.run(&push).code(3).complains("certificate");
    place.write(&trusted(registry, "ca.crt"), "nothing");
    place.run(&push).code(3).complains("ca.crt holds no certificate in PEM");
    place.write(&trusted(registry, "ca.crt"), &pem);
    place.run(&push).code(0);

    let tls = format!(
        ", tls: {{certificate: '{0}/leaf.pem', key: '{0}/leaf.key', clientcas: ['{0}/ca.pem']}}",
        authority.display()
    );
    let Some(choosy) = Registry::with(|_| (tls.clone(), String::new())) else { return };
    let tagged = choosy.named("docker:1");
    let push = ["pack", "push", "rules.wasm", &tagged];
    place.write(&trusted(&choosy, "ca.crt"), &pem);
    place.run(&push).code(3).complains("ertificate");
    place.write(&trusted(&choosy, "client.cert"), fs::read(authority.join("client.pem")).unwrap());
    place.run(&push).code(3).complains("client.cert has no key beside it");
    place.write(&trusted(&choosy, "client.key"), fs::read(authority.join("client.key")).unwrap());
    place.run(&push).code(0);
}

/// docker's own registry, and a token service beside it that signs what it grants.
#[test]
fn a_token_service_grants_what_is_asked_and_the_registry_takes_it() {
    use base64::Engine as _;
    let base64url = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let signer = tempfile::tempdir().unwrap();
    let new = "req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 30 -subj /CN=tokens";
    if openssl(signer.path(), new).is_none() {
        return;
    }
    let der = openssl(signer.path(), "x509 -in cert.pem -outform DER").unwrap();
    let bundle = signer.path().join("cert.pem").display().to_string();
    let (tokens, asked) = lying(move |(request, headers), _| {
        if headers.get("authorization").is_none_or(|header| *header != format!("Basic {BASIC}")) {
            return (401, vec![], vec![]);
        }
        let scope = request.split("scope=").nth(1).unwrap().replace("%3A", ":").replace("%2F", "/").replace("%2C", ",");
        let mut parts = scope.split(':').map(str::to_owned);
        let (kind, name) = (parts.next().unwrap(), parts.next().unwrap());
        let actions: Vec<String> = parts.next().unwrap().split(',').map(str::to_owned).collect();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let x5c = base64::engine::general_purpose::STANDARD.encode(&der);
        let header = serde_json::json!({"typ": "JWT", "alg": "RS256", "x5c": [x5c]});
        let access = serde_json::json!([{"type": kind, "name": name, "actions": actions}]);
        let claims = serde_json::json!({"iss": "tokens", "sub": "me", "aud": "registry", "exp": now + 600, "nbf": now - 60,
            "iat": now - 60, "jti": "1", "access": access});
        let signed = [header, claims].map(|part| base64url.encode(part.to_string())).join(".");
        fs::write(signer.path().join("claims"), &signed).unwrap();
        let signature = openssl(signer.path(), "dgst -sha256 -sign key.pem claims").unwrap();
        let token = format!("{signed}.{}", base64url.encode(signature));
        (200, vec![], serde_json::json!({"token": token}).to_string().into_bytes())
    });
    let auth = format!(
        "auth: {{token: {{realm: 'http://{tokens}/token', service: registry, issuer: tokens, rootcertbundle: '{bundle}'}}}}\n"
    );
    let Some(registry) = Registry::with(|_| (String::new(), auth.clone())) else { return };
    let place = place();
    let tagged = registry.named("rules:1");
    place
        .run(&["pack", "push", "rules.wasm", &tagged])
        .code(3)
        .complains(&format!("`docker login {}`", registry.address));
    let auths = format!("{{\"auths\": {{\"{}\": {{\"auth\": \"{BASIC}\"}}}}}}", registry.address);
    place.write(".docker/config.json", &auths);
    place.run(&["pack", "push", "rules.wasm", &tagged]).code(0);
    check(&place, &tagged).code(1).has("well-behaved/well-behaved");
    let asked = asked.lock().unwrap();
    let scopes: Vec<&str> = asked.iter().filter_map(|(request, _)| request.split("scope=").nth(1)).collect();
    assert!(scopes.iter().any(|scope| scope.ends_with("%3Apull%2Cpush")), "{scopes:?}");
    assert!(scopes.last().is_some_and(|scope| scope.ends_with("%3Apull")), "no more than is needed: {scopes:?}");
}
