//! `kubectl kustomize DIR`: where karpcheck runs as a plugin, kubectl is there.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::inventory::problem::FileProblem;
use crate::sources::process;
use crate::sources::process::Terminal;

/// Bases may come from git, which takes its time.
const PATIENCE: Duration = Duration::from_secs(60);

/// The objects of a folder, as YAML. At most so many bytes are taken.
///
/// # Errors
/// kubectl cannot be run, or does not build the folder.
pub(super) fn render(folder: &Path, most: u64) -> Result<Vec<u8>, FileProblem> {
    let mut command = Command::new("kubectl");
    // A folder may begin like a flag.
    command.arg("kustomize").arg("--").arg(folder);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // A base in git may ask for a passphrase.
    let ended = process::run(command, Terminal::Shared, PATIENCE, most).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => FileProblem::NoKubectl { folder: folder.display().to_string().into() },
        _ => FileProblem::KubectlNotStarted { error: error.to_string().into() },
    })?;
    let Some(ended) = ended else { return Err(FileProblem::KustomizeSlow { seconds: PATIENCE.as_secs() }) };
    if !ended.success {
        let said = String::from_utf8_lossy(&ended.err);
        let last = said.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("it said nothing");
        // Newer ones write it as a log line.
        let last = last.split_once(" err=\"").map_or(last, |(_, error)| error.trim_end_matches('"'));
        return Err(FileProblem::KustomizeFailed { error: last.trim_start_matches("error: ").into() });
    }
    Ok(ended.out)
}
