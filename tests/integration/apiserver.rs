//! A real kube-apiserver with its etcd on loopback, for as long as somebody holds it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends there")]

use std::collections::HashMap;
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, Once, PoisonError, Weak};
use std::time::{Duration, Instant};

use kube::Client;
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use serde_json::Value;

use crate::skipped::skipped;

/// The users that the server knows, by their tokens: an administrator; one whom a test may grant something; one who may
/// nothing.
const TOKENS: &str = "admin-token,admin,1,system:masters\nreader-token,reader,2\nnobody-token,nobody,3\n";

/// A running server. It ends with this value, and with the test process however that ends.
pub(crate) struct ApiServer {
    folder: tempfile::TempDir,
    url: String,
    /// What its tests put on it, once.
    pub(crate) set_up: Once,
    asking: Mutex<Asking>,
    // In the order in which they end.
    _server: Guarded,
    _etcd: Guarded,
}

/// A process that ends when its guard's standard input does.
pub(crate) struct Guarded {
    guard: Child,
    hold: Option<ChildStdin>,
}

impl Guarded {
    pub(crate) fn start(program: &Path, args: &[String], log: &Path) -> io::Result<Self> {
        let log = std::fs::File::create(log)?;
        // A killed test runs no destructor, but its end of the pipe is closed all the same.
        let script = r#""$@" </dev/null & pid=$!; read -r _; kill "$pid" 2>/dev/null; wait "$pid""#;
        let mut guard = Command::new("sh")
            .args(["-c", script, "guard"])
            .arg(program)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let hold = guard.stdin.take();
        Ok(Self { guard, hold })
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        drop(self.hold.take());
        let _ = self.guard.wait();
    }
}

/// The folder with both binaries; else it is said aloud how to get them.
fn binaries() -> Option<PathBuf> {
    let folder = std::env::var_os("KUBEBUILDER_ASSETS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/kubebuilder"), PathBuf::from);
    if ["etcd", "kube-apiserver"].iter().all(|name| folder.join(name).exists()) {
        return Some(folder);
    }
    skipped(&format!(
        "a test of the live cluster needs etcd and kube-apiserver in {}: run tests/apiserver/build.sh (four minutes, once), or point \
         KUBEBUILDER_ASSETS at a folder that has them",
        folder.display()
    ));
    None
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl ApiServer {
    /// The server that all tests of this process share while any of them needs it. None, said aloud, without binaries.
    pub(crate) fn shared() -> Option<Arc<Self>> {
        static SHARED: Mutex<Weak<ApiServer>> = Mutex::new(Weak::new());
        Self::one_of_all(&SHARED)
    }

    /// A second cluster, shared in the same way.
    pub(crate) fn second() -> Option<Arc<Self>> {
        static SECOND: Mutex<Weak<ApiServer>> = Mutex::new(Weak::new());
        Self::one_of_all(&SECOND)
    }

    fn one_of_all(all: &Mutex<Weak<Self>>) -> Option<Arc<Self>> {
        let mut shared = all.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = shared.upgrade() {
            return Some(running);
        }
        let server = Arc::new(Self::start(&binaries()?, &[]));
        *shared = Arc::downgrade(&server);
        Some(server)
    }

    /// A server of its own with further flags. None, said aloud, without binaries.
    pub(crate) fn with_flags(flags: &[&str]) -> Option<Self> {
        binaries().map(|folder| Self::start(&folder, flags))
    }

    /// A server with further flags. A port that somebody else took meanwhile costs another attempt.
    pub(crate) fn start(binaries: &Path, flags: &[&str]) -> Self {
        (0..3).find_map(|_| Self::try_start(binaries, flags)).expect("kube-apiserver starts")
    }

    fn try_start(binaries: &Path, flags: &[&str]) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(path("tokens.csv"), TOKENS).unwrap();
        let (client, peer, secure) = (free_port(), free_port(), free_port());
        let words = |line: String| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let etcd = words(format!(
            "--data-dir={} --listen-client-urls=http://127.0.0.1:{client} --advertise-client-urls=http://127.0.0.1:{client} \
             --listen-peer-urls=http://127.0.0.1:{peer} --initial-advertise-peer-urls=http://127.0.0.1:{peer} \
             --initial-cluster=default=http://127.0.0.1:{peer}",
            path("etcd")
        ));
        let etcd = Guarded::start(&binaries.join("etcd"), &etcd, &folder.path().join("etcd.log")).unwrap();
        // The key that the server makes for its own certificate serves for service accounts, too.
        let mut server = words(format!(
            "--etcd-servers=http://127.0.0.1:{client} --secure-port={secure} --bind-address=127.0.0.1 --cert-dir={certs} \
             --service-account-issuer=https://localhost --service-account-signing-key-file={certs}/apiserver.key \
             --service-account-key-file={certs}/apiserver.key --authorization-mode=RBAC --token-auth-file={tokens} \
             --service-cluster-ip-range=10.0.0.0/24 --disable-admission-plugins=ServiceAccount",
            certs = path("certs"),
            tokens = path("tokens.csv"),
        ));
        server.extend(flags.iter().map(|flag| (*flag).to_owned()));
        let log = folder.path().join("kube-apiserver.log");
        let server = Guarded::start(&binaries.join("kube-apiserver"), &server, &log).unwrap();
        let started = Self {
            folder,
            url: format!("https://127.0.0.1:{secure}"),
            set_up: Once::new(),
            asking: Asking::new(),
            _server: server,
            _etcd: etcd,
        };
        let patience = Instant::now() + Duration::from_secs(60);
        while Instant::now() < patience {
            if started.is_ready() {
                return Some(started);
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        let log = std::fs::read_to_string(log).unwrap_or_default();
        let last: Vec<&str> = log.lines().rev().take(5).collect();
        use io::Write as _;
        let _ = writeln!(io::stderr(), "kube-apiserver did not get ready: {last:#?}");
        None
    }

    fn is_ready(&self) -> bool {
        let ready = self.certificate().exists()
            && self.ask("admin", "GET", "/readyz", None).is_ok()
            && self.get("admin", "/api/v1/namespaces/kube-system").is_ok();
        if !ready {
            // A client that was made when half of the certificate was written trusts nobody.
            self.asking.lock().unwrap_or_else(PoisonError::into_inner).clients.clear();
        }
        ready
    }

    /// Its URL, and the file with its certificate authority.
    pub(crate) fn address(&self) -> (&str, PathBuf) {
        (&self.url, self.certificate())
    }

    fn certificate(&self) -> PathBuf {
        self.folder.path().join("certs/apiserver.crt")
    }

    /// The kubeconfig of a user: admin, reader or nobody. Its context is called `live`, its cluster as EKS names one.
    pub(crate) fn kubeconfig_for(&self, user: &str) -> PathBuf {
        let path = self.folder.path().join(format!("{user}.kubeconfig"));
        let cluster = "arn:aws:eks:eu-west-1:111122223333:cluster/prod";
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: live\n\
             clusters: [{{name: '{cluster}', cluster: {{server: '{}', certificate-authority: '{}'}}}}]\n\
             contexts: [{{name: live, context: {{cluster: '{cluster}', user: {user}}}}}]\n\
             users: [{{name: {user}, user: {{token: {user}-token}}}}]\n",
            self.url,
            self.certificate().display(),
        );
        // Written beside and moved, since another test may be reading it.
        let new = tempfile::NamedTempFile::new_in(self.folder.path()).unwrap();
        std::fs::write(new.path(), text).unwrap();
        new.persist(&path).unwrap();
        path
    }

    /// Asks the server as a user.
    pub(crate) fn get(&self, user: &str, path: &str) -> Result<Value, kube::Error> {
        self.ask(user, "GET", path, None).map(|text| serde_json::from_str(&text).unwrap())
    }

    /// How many requests the server answered with a status, as its metrics have it.
    pub(crate) fn answered_with(&self, code: u16) -> u64 {
        let metrics = self.ask("admin", "GET", "/metrics", None).unwrap();
        let code = format!("code=\"{code}\"");
        let own = metrics.lines().filter(|line| line.starts_with("apiserver_request_total{") && line.contains(&code));
        own.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
    }

    /// Applies every document of a YAML text as the administrator.
    pub(crate) fn apply(&self, yaml: &str) {
        use serde::Deserialize as _;
        for document in serde_yaml::Deserializer::from_str(yaml) {
            let object = Value::deserialize(document).unwrap();
            if !object.is_null() {
                self.apply_object(&object);
            }
        }
    }

    /// Applies one object, and its status if it has one.
    pub(crate) fn apply_object(&self, object: &Value) {
        let path = path_of(object);
        // A definition that was just applied takes a moment until it is served.
        let patience = Instant::now() + Duration::from_secs(20);
        let mut last = None;
        while Instant::now() < patience {
            let Err(error) = self.patch(&path, object) else {
                if object.get("status").is_some() {
                    self.patch(&format!("{path}/status"), object).unwrap();
                }
                return;
            };
            let missing = matches!(&error, kube::Error::Api(status) if status.code == 404);
            last = Some(error);
            assert!(missing, "{path}: {last:?}");
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("{path}: {last:?}");
    }

    /// Creates an object as a client does that does not ask for validation.
    pub(crate) fn create(&self, path: &str, object: &Value) {
        self.ask("admin", "POST", &format!("{path}?fieldValidation=Ignore"), Some(object)).unwrap();
    }

    fn patch(&self, path: &str, object: &Value) -> Result<String, kube::Error> {
        self.ask("admin", "PATCH", &format!("{path}?fieldManager=test&force=true"), Some(object))
    }

    /// Applies all definitions among the fixtures, and waits until they are served.
    pub(crate) fn apply_definitions(&self) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/crds");
        let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
        files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
        files.sort();
        for file in files {
            self.apply(&std::fs::read_to_string(file).unwrap());
        }
    }

    /// Waits until a user may list something: rights take a moment to count.
    pub(crate) fn wait_until_allowed(&self, user: &str, path: &str) {
        let patience = Instant::now() + Duration::from_secs(20);
        while self.get(user, path).is_err() {
            assert!(Instant::now() < patience, "{user} may still not read {path}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn ask(&self, user: &str, method: &str, path: &str, body: Option<&Value>) -> Result<String, kube::Error> {
        let mut asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        let Asking { runtime, clients } = &mut *asking;
        runtime.block_on(async {
            if !clients.contains_key(user) {
                let kubeconfig = Kubeconfig::read_from(self.kubeconfig_for(user)).unwrap();
                let mut config =
                    Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
                config.proxy_url = None;
                clients.insert(user.to_owned(), Client::try_from(config).unwrap());
            }
            let request = http::Request::builder()
                .method(method)
                .uri(path)
                .header(
                    "content-type",
                    if method == "POST" { "application/json" } else { "application/apply-patch+yaml" },
                )
                .body(body.map(|body| body.to_string().into_bytes()).unwrap_or_default())
                .unwrap();
            clients[user].request_text(request).await
        })
    }
}

/// One client for each user, since a connection costs more than a request.
struct Asking {
    runtime: tokio::runtime::Runtime,
    clients: HashMap<String, Client>,
}

impl Asking {
    fn new() -> Mutex<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Mutex::new(Self { runtime, clients: HashMap::new() })
    }
}

/// Where an object is served.
fn path_of(object: &Value) -> String {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    let version = text("/apiVersion").unwrap();
    let root = if version.contains('/') { "apis" } else { "api" };
    let kind = text("/kind").unwrap().to_ascii_lowercase();
    let stem = kind.strip_suffix('y').filter(|stem| !stem.ends_with(['a', 'e', 'i', 'o', 'u']));
    let plural = match (stem, kind.ends_with('s')) {
        (Some(stem), _) => format!("{stem}ies"),
        (None, true) => format!("{kind}es"),
        (None, false) => format!("{kind}s"),
    };
    let name = text("/metadata/name").unwrap();
    match text("/metadata/namespace") {
        Some(namespace) => format!("/{root}/{version}/namespaces/{namespace}/{plural}/{name}"),
        None => format!("/{root}/{version}/{plural}/{name}"),
    }
}
