//! Snapshots: what clusters and AWS answered, recorded in one file, and read as if they were asked now.
//!
//! ```text
//! clusters, AWS -> answers -> leave out -> JSON, gzip -> FILE      (`kubectl karpcheck snapshot`)
//!                  answers <- left out: unknown <----- FILE        (`-f FILE`)
//! ```
//!
//! A snapshot holds answers and not what follows from them, so that it is judged with the rules and the derivations of the
//! day on which it is read. The same answers give the same bytes, but for the times at which they were given.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::bufread::GzDecoder;
use flate2::{Compression, GzBuilder};
use serde::{Deserialize, Serialize};

use crate::inventory::problem::{ClusterProblem, FileProblem, ProblemClass, SnapshotFile};
use crate::inventory::{At, Builder, Cause, Origin, Problem, Reason, reason};
use crate::schema::kinds::GatherScope;
use crate::sources::aws::{self, AwsOptions, AwsSummary, Exchange};
use crate::sources::cluster::{self, Answered, ClusterOptions};
use crate::sources::interrupt;

mod answers;
pub mod facts;
mod left_out;

/// The format, which its name says. A later version of karpcheck reads every earlier one.
const SCHEMA: &str = "karpcheck.snapshot/v1alpha1";
/// What the files of a folder are called that are snapshots.
pub const EXTENSION: &str = "karpcheck";
/// The first bytes of a file that gzip wrote.
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// A snapshot is not larger than this when it is unpacked, in bytes: 200,000 objects.
const MOST: u64 = 2 << 30;

/// What was recorded.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recorded {
    schema: String,
    /// The version of karpcheck that took it.
    tool: String,
    /// When, RFC 3339.
    at: String,
    /// The kinds that the rules of the day read: of other kinds it says nothing.
    kinds: Vec<String>,
    /// What of the answers is not in it, in words.
    left_out: Vec<String>,
    /// Did the user end the run while it was taken?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    interrupted: bool,
    clusters: Vec<answers::Cluster>,
    aws: Vec<answers::Aws>,
}

/// A snapshot that was read.
#[derive(Debug)]
pub struct Snapshot {
    /// What its file is called, without its ending.
    name: String,
    file: SnapshotFile,
    kinds: Vec<String>,
    interrupted: bool,
    clusters: Vec<Answered>,
    /// By cluster: its place among the clusters.
    aws: Vec<(Option<usize>, Exchange)>,
}

/// How much was recorded.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SnapshotSummary {
    /// Clusters that answered.
    pub clusters: usize,
    /// What AWS could not be asked, each with why.
    pub trouble: Vec<String>,
    /// Clusters that did not answer, what the others refused or failed to say, and what is worth saying about them.
    pub problems: Vec<Problem>,
    /// Objects.
    pub objects: usize,
    /// Answers of AWS.
    pub answers: usize,
    /// What was left out, in words.
    pub left_out: &'static [&'static str],
}

/// Asks the clusters that the flags name, and AWS if it is to be asked, and writes what they answered.
///
/// # Errors
/// The file cannot be written.
pub fn record(
    cluster: &ClusterOptions,
    aws: Option<&AwsOptions>,
    gather_scope: &GatherScope,
    mut builder: Builder,
    out: &mut dyn Write,
    progress: &mut dyn FnMut(&str),
) -> io::Result<SnapshotSummary> {
    let asked = cluster::ask(cluster, gather_scope, progress);
    let reached = asked.iter().filter(|one| one.outcome.is_ok()).count();
    let kinds = gather_scope.listed().map(|(kind, _)| kind.to_owned()).collect();
    let clusters: Vec<answers::Cluster> = asked.iter().map(answers::Cluster::of).collect();
    let objects = asked.iter().map(Answered::objects).sum();
    // As when it is read: what is missing in it is told to who records it, too.
    let ids = cluster::take_in(asked, gather_scope, &mut builder);
    let exchanges = match aws {
        None => vec![],
        Some(options) => {
            // What AWS is asked about is what the clusters name.
            let exchanges = aws::ask(options, gather_scope, &builder, progress);
            exchanges
                .iter()
                .map(|exchange| answers::Aws::of(exchange, ids.iter().position(|id| *id == Some(exchange.cluster()))))
                .collect()
        }
    };
    let interrupted = interrupt::is_raised();
    if interrupted {
        builder.problem(Problem::new(ClusterProblem::SnapshotInterrupted, None));
    }
    let summary = SnapshotSummary {
        clusters: reached,
        trouble: exchanges.iter().flat_map(answers::Aws::trouble).collect(),
        problems: builder.problems,
        objects,
        answers: exchanges.iter().map(answers::Aws::len).sum(),
        left_out: left_out::WORDS,
    };
    let recorded = Recorded {
        schema: SCHEMA.into(),
        tool: env!("CARGO_PKG_VERSION").into(),
        at: cluster::now().to_string(),
        kinds,
        left_out: left_out::WORDS.iter().map(|word| (*word).to_owned()).collect(),
        interrupted,
        clusters,
        aws: exchanges,
    };
    // The time of packing is no part of it, so that the same answers give the same bytes.
    let mut packed = GzBuilder::new().mtime(0).write(out, Compression::default());
    serde_json::to_writer(&mut packed, &recorded).map_err(io::Error::other)?;
    packed.finish()?;
    Ok(summary)
}

/// The snapshots among what the command line names: files that are one, by what they hold, and those of folders that are called
/// one. Beside them what is left to be read as files, and the folders that snapshots were found in.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Found {
    /// Snapshots, in the order of their paths within a folder.
    pub snapshots: Vec<PathBuf>,
    /// All else.
    pub others: Vec<PathBuf>,
    /// Folders that hold a snapshot.
    pub folders: Vec<PathBuf>,
}

/// See [`Found`].
pub fn find(paths: &[PathBuf]) -> Found {
    let mut found = Found::default();
    for path in paths {
        if path.is_dir() {
            let before = found.snapshots.len();
            let walk = ignore::WalkBuilder::new(path).sort_by_file_path(Ord::cmp).build();
            let called = |path: &Path| path.extension().is_some_and(|extension| extension == EXTENSION);
            let files = walk.flatten().map(ignore::DirEntry::into_path).filter(|path| called(path) && path.is_file());
            found.snapshots.extend(files);
            if found.snapshots.len() > before {
                found.folders.push(path.clone());
            }
            found.others.push(path.clone());
        } else if path.is_file() && is_packed(path) {
            found.snapshots.push(path.clone());
        } else {
            found.others.push(path.clone());
        }
    }
    found
}

fn is_packed(path: &Path) -> bool {
    let mut begun = [0; 2];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut begun));
    read.is_ok() && begun == GZIP
}

/// Reads a snapshot. One that cannot be read is a problem.
pub fn read(path: &Path, builder: &mut Builder) -> Option<Snapshot> {
    let file: Arc<str> = Arc::from(path.to_string_lossy());
    let read = std::fs::read(path).map_err(|error| error.to_string()).and_then(|bytes| of_bytes(&bytes, &file));
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    match read {
        Ok(snapshot) => Some(Snapshot { name, ..snapshot }),
        Err(error) => {
            let doc = builder.document(Origin::File(file));
            let problem = Problem::new(FileProblem::Snapshot { error: error.into() }, Some(At::whole(doc)));
            builder.problem(problem.as_class(ProblemClass::Fatal));
            None
        }
    }
}

fn of_bytes(bytes: &[u8], file: &Arc<str>) -> Result<Snapshot, String> {
    #[derive(Deserialize)]
    struct Named {
        schema: String,
    }
    let mut text = vec![];
    GzDecoder::new(bytes).take(MOST + 1).read_to_end(&mut text).map_err(|error| error.to_string())?;
    if text.len() as u64 > MOST {
        return Err(format!("it is larger than {} MB when it is unpacked", MOST >> 20));
    }
    let named: Named =
        serde_json::from_slice(&text).map_err(|error| format!("it is no snapshot of karpcheck: {error}"))?;
    if named.schema != SCHEMA {
        return Err(format!("its format is {}, and this version reads {SCHEMA}: update karpcheck", named.schema));
    }
    let recorded: Recorded = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
    let file = SnapshotFile { file: Arc::clone(file), at: recorded.at.into() };
    Ok(Snapshot {
        name: String::new(),
        kinds: recorded.kinds,
        interrupted: recorded.interrupted,
        clusters: recorded.clusters.into_iter().map(|one| one.answered(&file)).collect::<Result<_, _>>()?,
        file,
        aws: recorded.aws.into_iter().map(answers::Aws::exchange).collect(),
    })
}

impl Snapshot {
    /// Of which cluster it is, as far as that can be told; else its own name.
    fn identity(&self) -> String {
        let asked = self.clusters.iter().find(|one| one.outcome.is_ok());
        asked.and_then(Answered::identity).unwrap_or_else(|| self.name.clone())
    }
}

/// How clusters are reached, and what is said of the progress.
pub type Live<'a> = (&'a ClusterOptions, &'a mut dyn FnMut(&str));

/// Takes in what clusters answer now and what they answered when snapshots of them were taken. Of one cluster that is there
/// twice what was read now counts, else what was read last.
///
/// Where there are several snapshots, of which `snapshots` may be a part, those that were taken within their clusters have no
/// context to tell them apart: they are called as their files are.
pub fn take_in(
    live: Option<Live<'_>>,
    mut snapshots: Vec<Snapshot>,
    are_several: bool,
    gather_scope: &GatherScope,
    builder: &mut Builder,
) -> AwsSummary {
    // In the order of their files, but that of two of one cluster the later one comes first.
    let mut first: BTreeMap<String, usize> = BTreeMap::new();
    for (number, one) in snapshots.iter().enumerate() {
        first.entry(one.identity()).or_insert(number);
    }
    snapshots.sort_by_cached_key(|one| (first.get(&one.identity()).copied(), Reverse(Arc::clone(&one.file.at))));
    let mut clusters = live.map(|(args, progress)| cluster::ask(args, gather_scope, progress)).unwrap_or_default();
    let mut exchanges: Vec<(Option<usize>, Exchange)> = vec![];
    let mut interrupted: Vec<(Arc<str>, Vec<usize>)> = vec![];
    for Snapshot { name, file, kinds, interrupted: ended, clusters: own, aws } in snapshots {
        let before = clusters.len();
        if ended {
            // Where all clusters were read by then, it was AWS that was not.
            let any = own.iter().any(Answered::is_interrupted);
            let lacking = own.iter().enumerate().filter(|(_, one)| !any || one.is_interrupted());
            interrupted.push((file.file, lacking.map(|(place, _)| before + place).collect()));
        }
        exchanges.extend(aws.into_iter().map(|(cluster, exchange)| (cluster.map(|place| before + place), exchange)));
        clusters.extend(own.into_iter().map(|mut one| {
            one.lacks(gather_scope, &kinds);
            if are_several && &*one.context == cluster::IN_CLUSTER {
                one.context = name.as_str().into();
            }
            one
        }));
    }
    let ids = cluster::take_in(clusters, gather_scope, builder);
    for (file, lacking) in interrupted {
        // What another one made up for is not missing.
        if lacking.iter().any(|place| ids.get(*place).is_some_and(Option::is_some)) {
            let at = At::whole(builder.document(Origin::File(file)));
            let reason = Reason::new(Cause::Failed, reason::Live::Interrupted);
            builder.problem(Problem::new(ClusterProblem::SnapshotInterrupted, Some(at)).leaving([reason]));
        }
    }
    let exchanges = exchanges
        .into_iter()
        .filter_map(|(cluster, exchange)| match cluster {
            // Of a cluster that was not taken in, AWS's answers are not either.
            Some(place) => Some(exchange.about(ids.get(place).copied().flatten()?)),
            None => Some(exchange),
        })
        .collect();
    aws::take_in(exchanges, gather_scope, builder)
}
