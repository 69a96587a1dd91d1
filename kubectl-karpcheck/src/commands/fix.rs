//! `fix`: make the edits of the findings in the files, check again, and say what is left.

use std::collections::{BTreeSet, HashMap};
use std::io::{self, BufRead as _, IsTerminal as _};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use crate::commands::shared::args::{AwsArgs, Color, FailOn, MinConfidence, SourceArgs, configured};
use crate::commands::shared::ending;
use crate::commands::shared::error::CommandError;
use crate::commands::shared::files::write_atomically;
use crate::commands::shared::fix_verification::{self, Fixes, Key};
use crate::commands::shared::gathering::{self, Gathered, Read};
use crate::commands::shared::rule_selection::{self, Packs, RuleSelectionArgs};
use crate::commands::shared::run_report::RunReport;
use crate::commands::shared::streams::{Streams, ignore_broken_pipe};
use crate::commands::shared::suppressions::Acceptance;
use crate::config::Config;
use crate::engine;
use crate::engine::Selected;
use crate::exit::Exit;
use crate::findings::finding::{CheckResults, Confidence, Finding};
use crate::inventory::Inventory;
use crate::report;
use crate::report::{Patched, TableOptions};
use crate::schema::kinds::GatherScope;
use crate::sources::interrupt;

/// The flags of `fix`.
#[derive(Debug, Args)]
pub struct FixArgs {
    /// What is read.
    #[command(flatten)]
    pub sources: SourceArgs,
    /// Whether and how AWS is asked.
    #[command(flatten)]
    pub aws: AwsArgs,
    /// Change the files without asking
    #[arg(short, long, help_heading = "Fixes")]
    pub yes: bool,
    /// Only show what would change
    #[arg(long, conflicts_with = "yes", help_heading = "Fixes")]
    pub dry_run: bool,
    /// Fix only findings of at least this confidence [default: low]
    #[arg(long, value_name = "CONFIDENCE", help_heading = "Fixes")]
    pub min_confidence: Option<MinConfidence>,
    /// The lowest severity of a remaining finding that makes the exit code 1 [default: error]
    #[arg(long, value_name = "SEVERITY", help_heading = "Fixes")]
    pub fail_on: Option<FailOn>,
    /// Which rules run.
    #[command(flatten)]
    pub chosen: RuleSelectionArgs,
    /// When to use colour
    #[arg(long, value_name = "WHEN", default_value = "auto", help_heading = "Fixes")]
    pub color: Color,
}

impl FixArgs {
    /// Takes what the command line leaves open from the configuration.
    pub fn configure(&mut self, config: Option<Arc<Config>>) {
        if let Some(settings) = config.as_deref().map(|config| &config.settings) {
            self.fail_on = self.fail_on.or_else(|| configured(settings.fail_on.as_deref()));
            self.min_confidence = self.min_confidence.or_else(|| configured(settings.min_confidence.as_deref()));
        }
        self.sources.config = config;
    }
}

/// What was found in one reading of the sources.
struct Checked {
    inventory: Arc<Inventory>,
    results: CheckResults,
    report: RunReport,
}

/// Shows what would be changed, asks, changes it and checks again.
///
/// # Errors
/// The arguments are bad, or a file cannot be written: then none is changed.
pub fn run(args: &FixArgs, streams: &mut Streams<'_>) -> Result<Exit, CommandError> {
    if args.sources.filename.iter().any(|path| path.as_os_str() == "-") {
        return Err(CommandError::Usage("standard input cannot be changed: name files with -f".into()));
    }
    if args.sources.filename.is_empty() && args.sources.kustomize.is_empty() {
        return Err(CommandError::Usage("only files can be changed: name some with -f".into()));
    }
    let packs = rule_selection::load(&args.chosen.pack, args.sources.config.as_ref())?;
    let selected = packs.select(&args.chosen)?;
    let scope = rule_selection::gather_scope(&selected);
    let before = match check(args, &packs, &selected, &scope, streams)? {
        ControlFlow::Continue(before) => before,
        ControlFlow::Break(exit) => return Ok(exit),
    };
    let Fixes { files, not_shown, .. } = fix_verification::patched(&before.inventory, &before.results);
    let run = before.report.run(&before.inventory, &before.results);
    ignore_broken_pipe(report::diff(&run, &files, &not_shown, streams.out, streams.err))?;
    if files.is_empty() {
        writeln!(streams.err, "There is nothing to change in the files.")?;
        ignore_broken_pipe(say_what_is_left(args, &before, streams))?;
        return Ok(exit(args, &before));
    }
    if args.dry_run {
        report::problems(&run, streams.err)?;
        return Ok(exit(args, &before));
    }
    if !args.yes && !agreed(&files, streams)? {
        writeln!(streams.err, "Nothing was changed.")?;
        report::problems(&run, streams.err)?;
        return Ok(exit(args, &before));
    }
    streams.out.flush()?;
    write_all(&files, &args.sources)?;

    let after = match check(args, &packs, &selected, &scope, streams)? {
        ControlFlow::Continue(after) => after,
        ControlFlow::Break(exit) => return Ok(exit),
    };
    let tried: BTreeSet<usize> = files.iter().flat_map(|file| &file.findings).copied().collect();
    let fixed = tried.len() - left(&before, &tried, &after);
    let changed = if files.len() == 1 { "1 file was".to_owned() } else { format!("{} files were", files.len()) };
    let findings = if fixed == 1 { "1 finding is".to_owned() } else { format!("{fixed} findings are") };
    writeln!(streams.err, "{changed} changed; {findings} fixed.")?;
    if fixed < tried.len() {
        writeln!(streams.err, "{} changed, but not fixed: see below.", tried.len() - fixed)?;
    }
    writeln!(streams.out)?;
    ignore_broken_pipe(say_what_is_left(args, &after, streams))?;
    Ok(exit(args, &after))
}

/// The findings that are in the files as they are, with what to do by hand.
fn say_what_is_left(args: &FixArgs, left: &Checked, streams: &mut Streams<'_>) -> io::Result<()> {
    let options = TableOptions {
        width: streams.width,
        color: args.color.enabled(streams.width.is_some()),
        ..TableOptions::default()
    };
    report::table(&left.report.run(&left.inventory, &left.results), &options, streams.out)
}

/// How many of the findings that were tried to be fixed are there still. A rule may say several things of one place: these are told
/// apart by their groups. One that is there afterwards and was not before is what a fix left of another.
fn left(before: &Checked, tried: &BTreeSet<usize>, after: &Checked) -> usize {
    type Groups<'a> = HashMap<Key, Vec<&'a str>>;
    fn groups<'a>(checked: &'a Checked, findings: impl Iterator<Item = &'a Finding>) -> Groups<'a> {
        let mut groups: Groups<'a> = HashMap::new();
        for finding in findings {
            let place = fix_verification::key(&checked.inventory, finding);
            groups.entry(place).or_default().push(&finding.group);
        }
        groups
    }
    let all = groups(before, before.results.findings.iter());
    let afterwards = groups(after, after.results.findings.iter());
    let tried = groups(before, tried.iter().map(|number| &before.results.findings[*number]));
    let of_place = |(place, tried): (&Key, &Vec<&str>)| {
        let Some(afterwards) = afterwards.get(place) else { return 0 };
        let same = tried.iter().filter(|group| afterwards.contains(group)).count();
        let others = afterwards.iter().filter(|group| !all[place].contains(group)).count();
        same + others.min(tried.len() - same)
    };
    tried.iter().map(of_place).sum()
}

/// Reads the sources and judges them; `--aws=plan` ends the run.
fn check(
    args: &FixArgs,
    packs: &Packs,
    selected: &[Selected<'_>],
    scope: &GatherScope,
    streams: &mut Streams<'_>,
) -> Result<ControlFlow<Exit, Checked>, CommandError> {
    let read = match gathering::gather(&args.sources, &args.aws, scope, &packs.problems, streams)? {
        Gathered::Read(read) => *read,
        Gathered::Planned(exit) => return Ok(ControlFlow::Break(exit)),
    };
    let Read { builder, files, answers } = read;
    let inventory = Arc::new(gathering::inventory(builder, &args.sources)?);
    let mut results = engine::run_rules(&packs.engine, selected, &inventory);
    let least: Confidence = args.min_confidence.unwrap_or(MinConfidence::Low).into();
    results.findings.retain(|finding| finding.confidence >= least);
    // What is accepted is left as it is.
    let acceptance = Acceptance { packs, audit: false, in_part: true };
    acceptance.apply(&inventory, &mut results)?;
    let report = RunReport::new(packs, selected, &args.sources, &files, answers, &inventory);
    results.trace(report.rules());
    Ok(ControlFlow::Continue(Checked { inventory, results, report }))
}

fn exit(args: &FixArgs, checked: &Checked) -> Exit {
    ending::exit(&checked.inventory, &checked.results.faults, &checked.results.findings, args.fail_on)
}

/// Asks, on a terminal.
///
/// # Errors
/// There is nobody to ask.
fn agreed(files: &[Patched], streams: &mut Streams<'_>) -> Result<bool, CommandError> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(CommandError::Usage(
            "this is not a terminal, so there is nobody to ask: --yes changes the files, --dry-run only shows the \
             changes"
                .into(),
        ));
    }
    streams.out.flush()?;
    let what = if files.len() == 1 { "this file".to_owned() } else { format!("these {} files", files.len()) };
    write!(streams.err, "Change {what}? [y/N] ")?;
    streams.err.flush()?;
    let mut answer = String::new();
    interrupt::while_waiting(|| io::BufReader::new(&mut *streams.input).read_line(&mut answer))?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// Writes all files, or none.
fn write_all(files: &[Patched], sources: &SourceArgs) -> Result<(), CommandError> {
    let refused = |file: &Patched, why: String| CommandError::File {
        path: file.path.clone().into(),
        error: io::Error::other(why),
    };
    for file in files {
        let path = Path::new(&file.path);
        let own = |error| CommandError::File { path: path.to_owned(), error };
        let real = std::fs::canonicalize(path).map_err(own)?;
        if !is_inside(&real, path, sources) {
            return Err(refused(file, format!("it is a link to {}, outside of what was named", real.display())));
        }
        if std::fs::read(path).map_err(own)? != file.before.as_bytes() {
            return Err(refused(file, "it was changed since it was read: run the command again".into()));
        }
    }
    for (number, file) in files.iter().enumerate() {
        let Err(error) = write_atomically(Path::new(&file.path), file.after.as_bytes()) else { continue };
        for written in &files[..number] {
            // What is reported is why the write failed.
            let _ = write_atomically(Path::new(&written.path), written.before.as_bytes());
        }
        return Err(CommandError::File { path: file.path.clone().into(), error });
    }
    Ok(())
}

/// Does a file lie in the repository, or else in the folder, of what was named?
fn is_inside(real: &Path, path: &Path, sources: &SourceArgs) -> bool {
    let named = sources.filename.iter().chain(&sources.kustomize).filter(|named| path.starts_with(named));
    // A pattern, or several paths in one flag, name files of the folder that they stand in.
    let folder = named.map(|named| if named.is_dir() { named.clone() } else { parent(named) }).next();
    let folder = folder.unwrap_or_else(|| parent(path));
    let Ok(folder) = std::fs::canonicalize(folder) else { return false };
    let root = folder.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(&folder);
    real.starts_with(root)
}

fn parent(path: &Path) -> PathBuf {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).map_or_else(|| PathBuf::from("."), Path::to_owned)
}
