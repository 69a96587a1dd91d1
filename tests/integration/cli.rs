//! The binary as its users meet it: exit codes, what goes to which stream, and the words for everything that can be wrong
//! with what it is given.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

mod arguments;
mod can;
mod clusters_and_packs;
mod config;
mod elsewhere;
mod files;
mod fixes;
mod hostile_packs;
mod layouts;
mod pack_fixtures;
#[cfg(feature = "oci")]
mod registry;
mod report_noise;
mod scopes;
mod shell;
mod suppressions;
mod terminal;
mod upgrade;

/// A class with the defect `ebs-key-without-encryption` at 7:5.
const BROKEN_CLASS: &str = "\
apiVersion: karpenter.k8s.aws/v1
kind: EC2NodeClass
metadata: {name: general}
spec:
  blockDeviceMappings:
  - deviceName: /dev/xvda
    ebs: {volumeSize: 20Gi, kmsKeyID: 'arn:aws:kms:eu-west-1:111122223333:key/aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee'}
";

/// An object that Karpenter serves.
const SOUND_CLASS: &str = "\
apiVersion: karpenter.k8s.aws/v1
kind: EC2NodeClass
metadata: {name: sound}
spec: {}
";

/// A folder to run in, which is also the only home that the binary knows.
struct TestDir(tempfile::TempDir);

/// What a run left.
struct Ended {
    code: i32,
    out: String,
    err: String,
}

impl TestDir {
    /// A folder with `good.yaml`, which has one finding of severity error.
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        place.write("good.yaml", BROKEN_CLASS);
        place
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-karpcheck"));
        command.args(args).current_dir(self.path()).env("HOME", self.path()).env("KUBECONFIG", self.path().join("kc"));
        for name in ["NO_COLOR", "CLICOLOR_FORCE", "KUBERNETES_SERVICE_HOST", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy"]
        {
            command.env_remove(name);
        }
        for name in ["https_proxy", "ALL_PROXY", "all_proxy", "XDG_CACHE_HOME"] {
            command.env_remove(name);
        }
        command
    }

    fn run(&self, args: &[&str]) -> Ended {
        self.run_with(args, b"")
    }

    /// Runs in a folder of this one.
    fn run_in(&self, folder: &str, args: &[&str]) -> Ended {
        Ended::from(self.command(args).current_dir(self.path().join(folder)).stdin(Stdio::null()).output().unwrap())
    }

    fn run_with(&self, args: &[&str], input: &[u8]) -> Ended {
        let mut command = self.command(args);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // Who reads nothing closes it, which is theirs to do.
        let _ = child.stdin.take().unwrap().write_all(input);
        Ended::from(child.wait_with_output().unwrap())
    }

    /// Checks the good file beside another, which is named: whatever is wrong with that one, the finding is reported.
    fn beside(&self, file: &str) -> Ended {
        let ended = self.run(&["check", "--offline", "-f", file, "-f", "good.yaml"]);
        ended.has("error     ebs-key-without-encryption  EC2NodeClass/general");
        assert_eq!(ended.err, "", "data is on standard output");
        ended
    }

    /// Checks the folder, so that the walk finds a file instead of the user naming it.
    fn walk(&self) -> Ended {
        let ended = self.run(&["check", "--offline", "-f", "."]);
        ended.has("error     ebs-key-without-encryption  EC2NodeClass/general");
        ended
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let ended = Self {
            code: output.status.code().expect("not killed by a signal"),
            out: text(output.stdout),
            err: text(output.stderr),
        };
        assert!(!ended.err.contains("panicked"), "{}", ended.err);
        ended
    }
}

impl Ended {
    fn code(&self, code: i32) -> &Self {
        assert_eq!(self.code, code, "\n{}{}", self.out, self.err);
        self
    }

    /// Standard output has this text.
    fn has(&self, text: &str) -> &Self {
        assert!(self.out.contains(text), "no `{text}` in\n{}{}", self.out, self.err);
        self
    }

    fn has_not(&self, text: &str) -> &Self {
        assert!(!self.out.contains(text), "`{text}` in\n{}", self.out);
        self
    }

    /// Standard output has exactly this line.
    fn line(&self, line: &str) -> &Self {
        assert!(self.out.lines().any(|one| one == line), "no line `{line}` in\n{}{}", self.out, self.err);
        self
    }

    /// Nothing on standard output, this on standard error.
    fn complains(&self, text: &str) -> &Self {
        assert_eq!(self.out, "", "nothing is reported");
        assert!(self.err.contains(text), "no `{text}` in\n{}", self.err);
        self
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap()
    }
}
