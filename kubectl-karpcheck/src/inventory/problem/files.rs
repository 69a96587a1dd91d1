//! Problems of files, folders and standard input, whatever their format.

use std::fmt;
use std::sync::Arc;

super::problems! {
    /// Of files, folders and standard input, whatever their format.
    pub enum FileProblem {
        Fatal "snapshot-not-read" Snapshot { error: Arc<str> } = "the snapshot cannot be read: {error}";
        Unread "file-not-found" NotFound = "no such file or folder";
        Unread "file-not-readable" Denied = "permission denied";
        Unread "file-not-readable" NotReadable { error: Arc<str> } = "{error}";
        Fatal "file-not-downloaded" Address = "karpcheck does not download files: fetch it first and name the file";
        Fatal "standard-input-not-readable" StandardInput { error: Arc<str> } = "standard input cannot be read: {error}";
        Note "link-loop" Loop { ancestor: Arc<str> } = "a link back to {ancestor}, which is read already: not followed";
        Note "link-dangling" Dangling = "a symbolic link to something that is not there: left alone";
        Unread "file-too-large" TooLarge { most: u64, size: Megabytes } = "it is larger than {most} MB{size} and was not read: give karpcheck the part that matters";
        Unread "file-not-text" Binary = "it is not text: leave it out, or give the YAML or JSON that it was made of";
        Unread "file-not-utf-8" NotUtf8 = "it is not UTF-8: save it as UTF-8";
        Fatal "file-not-recognised" NotRecognised = "karpcheck recognises nothing in it: neither Kubernetes objects, nor a CloudFormation template, nor values of Karpenter's chart, nor an IAM policy, nor an answer of the aws CLI";
        Fatal "folder-empty" EmptyFolder = "there is nothing in it to read: no file is named like YAML, JSON or Terraform";
        Fatal "folder-not-readable" NothingReadable = "none of the files in it can be read: they are templates or invalid, and nothing was checked here";
        Fatal "file-empty" Empty = "there is nothing in it";
        Fatal "file-empty" EmptyPipe = "there is nothing in it: did the command before the pipe fail?";
        Unread "syntax-error" Syntax { format: FileFormat, error: Arc<str>, cut: IsCut } = "it is not valid {format}: {error}{cut}";
        Unread "template-not-rendered" NotRendered = "it is a template, not YAML: render it first, as in `helm template CHART | kubectl karpcheck check --offline -f -`";
        Unread "pulumi-not-read" Pulumi = "the AWS resources and charts of a Pulumi program are not read: give what `pulumi stack export` prints";
        Unread "nests-too-deep" TooDeep { error: Arc<str> } = "{error}: leave it out";
        Unread "alias-bomb" AliasBomb { error: Arc<str> } = "{error}: leave it out";
        Note "key-twice" KeyTwice { key: Arc<str> } = "`{key}` occurs twice in one object: the last one counts, as it does for kubectl";
        Unread "log-not-recognised" OtherLog = "no line of this log is one that Karpenter's controller writes: give what `kubectl logs` prints of it";
        Note "dump-of-some-cluster" SeveralClusters { answers: usize } = "it holds dumps of several clusters, and of {answers} of the lists and objects in it nothing tells which of these they are of: each was judged alone. Give the dump of each cluster as a file of its own";
        Note "dump-of-some-cluster" AmongSeveralClusters = "it is a dump among those of several clusters, and nothing tells which of these it is of: it was judged alone. Give all of a cluster's in one list, as `kubectl get KIND,KIND -A -o yaml` prints them, or the dumps of each cluster in a folder of its own";
        Note "log-cut" LogCut { read: usize, total: usize } = "of this log the last {read} of {total} lines were read: give the part that matters";
        Note "reported" Reported { message: Arc<str> } = "{message}";
        Fatal "kustomization-not-built" NoKubectl { folder: Arc<str> } = "kubectl is not on the PATH: build it by other means, as in `kustomize build {folder} | kubectl karpcheck check -f -`";
        Fatal "kustomization-not-built" KubectlNotStarted { error: Arc<str> } = "kubectl could not be started: {error}";
        Fatal "kustomization-not-built" KustomizeSlow { seconds: u64 } = "`kubectl kustomize` did not finish within {seconds} s: run it by hand to see why";
        Fatal "kustomization-not-built" KustomizeFailed { error: Arc<str> } = "`kubectl kustomize` failed: {error}";
    }
}

/// The format that a file should have had.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FileFormat {
    /// JSON.
    Json,
    /// YAML.
    Yaml,
    /// Terraform's own syntax.
    Hcl,
    /// Terraform's JSON syntax, which is JSON already.
    TerraformJson,
}

impl fmt::Display for FileFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Json => "JSON",
            Self::Yaml => "YAML",
            Self::Hcl => "HCL",
            Self::TerraformJson => "Terraform code",
        })
    }
}

/// Does a text look as if its end is missing?
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct IsCut(pub bool);

impl fmt::Display for IsCut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0 { " (is the file whole?)" } else { "" })
    }
}

/// How large a file is, where that is known.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Megabytes(pub Option<u64>);

impl fmt::Display for Megabytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |size| write!(f, " ({size} MB)"))
    }
}
