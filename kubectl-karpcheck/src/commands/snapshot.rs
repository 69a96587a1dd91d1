//! `kubectl karpcheck snapshot`: what a check would read, as one file.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueHint};

use crate::commands::shared::args::{AwsArgs, AwsMode, ClusterArgs};
use crate::commands::shared::error::CommandError;
use crate::commands::shared::rule_selection::RuleSelectionArgs;
use crate::commands::shared::streams::Streams;
use crate::commands::shared::{gathering, rule_selection};
use crate::config::Config;
use crate::exit::Exit;
use crate::inventory::{Builder, Problem};
use crate::sources::snapshot;
use crate::storage;

/// How `snapshot --help` ends.
pub const HELP: &str = "Examples:
  # the cluster of the current context, with what AWS says about it
  kubectl karpcheck snapshot prod.karpcheck --aws
  # check it elsewhere, without the cluster; or a folder of them
  kubectl karpcheck check --offline -f prod.karpcheck
  kubectl karpcheck check --offline -f snapshots/

Exit codes:
  0  everything that was asked for is in the file
  2  bad arguments
  3  a cluster or AWS could not be asked, or refused everything; the file has all the rest, and
     without any cluster there is none";

/// The flags of `snapshot`.
#[derive(Debug, Args)]
pub struct SnapshotArgs {
    /// The file to write; - is standard output. In a folder that -f names, snapshots are recognised by the extension
    /// .karpcheck
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// Which clusters.
    #[command(flatten)]
    pub cluster: ClusterArgs,
    /// Whether and how AWS is asked.
    #[command(flatten)]
    pub aws: AwsArgs,
    /// Which rules are chosen: what they read is recorded.
    #[command(flatten)]
    pub chosen: RuleSelectionArgs,
}

/// Records what the chosen rules read.
pub fn run(args: &SnapshotArgs, config: Option<&Arc<Config>>, streams: &mut Streams<'_>) -> Result<Exit, CommandError> {
    if args.aws.aws == Some(AwsMode::Plan) {
        return Err(CommandError::Usage("--aws=plan prints commands: use it with check".into()));
    }
    if args.cluster.logs {
        let why = "--logs: a snapshot holds no lines of a log, in which anything may stand: use it with check";
        return Err(CommandError::Usage(why.into()));
    }
    let packs = rule_selection::load(&args.chosen.pack, config)?;
    let selected = packs.select(&args.chosen)?;
    let gather_scope = rule_selection::gather_scope(&selected);
    let mut bytes = vec![];
    let aws = args.aws.aws.map(|_| args.aws.options(config.map(|config| &**config)));
    let summary = {
        let mut progress = gathering::progress(streams);
        let options = args.cluster.options();
        snapshot::record(&options, aws.as_ref(), &gather_scope, Builder::default(), &mut bytes, &mut progress)?
    };
    // A file of before is not lost to a run that read nothing.
    let any = summary.clusters > 0;
    if any && args.file == Path::new("-") {
        streams.out.write_all(&bytes)?;
    } else if any {
        write(&args.file, &bytes).map_err(|error| CommandError::Usage(format!("{}: {error}", args.file.display())))?;
    }
    for why in &summary.trouble {
        writeln!(streams.err, "error: {why}")?;
    }
    for problem in &packs.problems {
        writeln!(streams.err, "error: {problem}")?;
    }
    for problem in &summary.problems {
        let word = if problem.is_fatal() {
            "error"
        } else if problem.is_incomplete() {
            "warning"
        } else {
            "note"
        };
        writeln!(streams.err, "{word}: {problem}")?;
    }
    if !any {
        writeln!(streams.err, "error: nothing was recorded, and no file was written")?;
        return Ok(Exit::NotDone);
    }
    let answers = if aws.is_some() { format!(", {} answers of AWS", summary.answers) } else { String::new() };
    writeln!(
        streams.err,
        "recorded {} with {} objects{answers}, {} kB; left out: {}",
        if summary.clusters == 1 { "1 cluster".to_owned() } else { format!("{} clusters", summary.clusters) },
        summary.objects,
        bytes.len().div_ceil(1000),
        summary.left_out.join("; "),
    )?;
    let lost = summary.problems.iter().any(Problem::is_fatal);
    let whole = summary.trouble.is_empty() && packs.problems.is_empty() && !lost;
    Ok(if whole { Exit::Clean } else { Exit::NotDone })
}

/// Writes a file that only its owner may read: it says a good deal of a cluster. One of before stays until the new one is whole.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let create = |path: &Path| {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(path)
    };
    // What is no file, a pipe or a device, is written to as it is.
    match std::fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() => OpenOptions::new().write(true).open(path)?.write_all(bytes),
        // A link stays one.
        _ => storage::put(&path.canonicalize().unwrap_or_else(|_| path.to_owned()), create, &[bytes]),
    }
}
