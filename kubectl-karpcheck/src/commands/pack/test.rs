//! `kubectl karpcheck pack test`: builds a pack and judges its fixtures.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;

use crate::commands::pack::build;
use crate::commands::pack::fixtures::{Case, Judged, cases, judge};
use crate::commands::pack::{PackError, at};
use crate::commands::shared::error::CommandError;
use crate::commands::shared::rule_selection;
use crate::commands::shared::streams::Streams;
use crate::engine::Pack;
use crate::exit::Exit;

/// Build a pack and judge its fixtures.
///
/// A fixture is a file or a folder in fixtures/RULE/pass, fail or unknown. The folder says what the rule is to find; a file
/// CASE.expected beside it, line by line, what it is to say. Exits with 1 if a rule says anything else.
#[derive(Args, Clone, Debug)]
pub struct TestArgs {
    /// The folder of the pack's project
    #[arg(value_name = "FOLDER", default_value = ".")]
    pub folder: PathBuf,
    /// Judge by this component, and build nothing
    #[arg(long, value_name = "FILE")]
    pub pack: Option<PathBuf>,
    /// The fixtures [default: `fixtures` in the project]
    #[arg(long, value_name = "FOLDER")]
    pub fixtures: Option<PathBuf>,
    /// Write down what the rules say as what is expected of them
    #[arg(long)]
    pub update: bool,
    /// Only cases whose name has this in it, as RULE/fail/CASE.yaml
    #[arg(long, value_name = "TEXT")]
    pub only: Option<String>,
    /// Print what rules log
    #[arg(short, long)]
    pub verbose: bool,
}

/// Builds and tests.
///
/// # Errors
/// The pack cannot be built or loaded, or there are no fixtures.
pub fn run(args: &TestArgs, streams: &mut Streams<'_>) -> Result<Exit, CommandError> {
    let component = match &args.pack {
        Some(component) => component.clone(),
        None => build::into_target(&args.folder, streams)?,
    };
    let packs = rule_selection::sandbox()?;
    let pack = packs.load(&component, None).map_err(|error| CommandError::PackRefused(error.to_string()))?;
    let folder = args.fixtures.clone().unwrap_or_else(|| args.folder.join("fixtures"));
    let wanted = |case: &Case| args.only.as_ref().is_none_or(|only| case.name().contains(only));
    let all = cases(&folder)?;
    let count = all.len();
    let cases: Vec<Case> = all.into_iter().filter(wanted).collect();
    if cases.is_empty() {
        return Err(match &args.only {
            Some(only) if count > 0 => PackError::NoSuchFixture { folder, only: only.clone(), count },
            _ => PackError::NoFixtures { folder },
        }
        .into());
    }
    writeln!(streams.out, "\nrunning {} fixtures of pack {} {}", cases.len(), pack.name(), pack.version())?;
    let start = Instant::now();
    let mut failures: Vec<(String, String)> = vec![];
    for case in &cases {
        // A case that cannot be judged fails, and the others are judged all the same.
        let (judged, failure) = match judge(&packs, &pack, case) {
            Ok(judged) => {
                let failure = outcome(case, &judged, args.update).unwrap_or_else(|error| Some(error.to_string()));
                (judged, failure)
            }
            Err(error) => (Judged::default(), Some(error.to_string())),
        };
        let result = if failure.is_none() { "ok" } else { "FAILED" };
        writeln!(streams.out, "test {} ... {result}", case.name())?;
        if args.verbose {
            for line in &judged.log {
                writeln!(streams.err, "  {line}")?;
            }
        }
        failures.extend(failure.map(|failure| (case.name(), failure)));
    }
    for (name, failure) in &failures {
        writeln!(streams.out, "\n---- {name} ----\n{}", failure.trim_end())?;
    }
    let untested = untested(&pack, &cases);
    if !untested.is_empty() && args.only.is_none() {
        writeln!(streams.err, "\nwarning: no fixture of {}", untested.join(", "))?;
    }
    let (passed, failed) = (cases.len() - failures.len(), failures.len());
    let result = if failed == 0 { "ok" } else { "FAILED" };
    let seconds = start.elapsed().as_secs_f64();
    writeln!(streams.out, "\ntest result: {result}. {passed} passed; {failed} failed; finished in {seconds:.2}s\n")?;
    Ok(if failed == 0 { Exit::Clean } else { Exit::Findings })
}

/// The rules without a fixture.
fn untested<'a>(pack: &'a Pack, cases: &[Case]) -> Vec<&'a str> {
    let rules = pack.rules().iter().map(|rule| rule.id.as_str());
    rules.filter(|rule| !cases.iter().any(|case| case.rule == *rule)).collect()
}

/// What is wrong with what a rule said. Where it is to be updated, it is written down; a folder's claim has to hold then, too.
fn outcome(case: &Case, judged: &Judged, update: bool) -> Result<Option<String>, PackError> {
    let file = case.beside("expected");
    if let Some(wrong) = &judged.wrong {
        // What could not be done is in it already, with its place.
        let said = judged.said.lines().filter(|line| !line.starts_with("error ")).collect::<Vec<_>>().join("\n");
        return Ok(Some(format!("{wrong}\n{said}")));
    }
    let expected = match fs::read_to_string(&file) {
        Ok(expected) => Some(expected.replace("\r\n", "\n")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(at(&file)(error)),
    };
    match expected {
        Some(expected) if expected == judged.said => Ok(None),
        _ if update => {
            fs::write(&file, &judged.said).map_err(at(&file))?;
            Ok(None)
        }
        // The claim of the folder is all that is known, and holds.
        None => Ok(None),
        Some(expected) => Ok(Some(difference(&file, &expected, &judged.said))),
    }
}

fn difference(file: &Path, expected: &str, said: &str) -> String {
    let diff = similar::TextDiff::from_lines(expected, said);
    let diff = diff.unified_diff().context_radius(2).header("expected", "said").to_string();
    format!("{diff}It is not what {} says; --update writes it down", file.display())
}
