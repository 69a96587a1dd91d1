//! `kubectl karpcheck pack inspect`: what a pack is, reads and costs.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::commands::pack::fixtures::{cases, judge};
use crate::commands::pack::{PackError, at};
use crate::commands::shared::args::ListOutput;
use crate::commands::shared::error::CommandError;
use crate::commands::shared::pack_source::{PackSource, fetch, source_parser};
use crate::commands::shared::rule_selection;
use crate::commands::shared::streams::Streams;
use crate::engine;
use crate::engine::Engine;
use crate::exit::Exit;
use crate::findings::finding::RuleInfo;
use crate::formats::hex::hex;
use crate::report;

/// Show what a pack is: its rules, what they read and cost, and its door to the outside.
///
/// A pack that would be refused is shown as far as it can be, with the reason. Exits with 3 then.
#[derive(Args, Clone, Debug)]
pub struct InspectArgs {
    /// The component: a file, or oci://REGISTRY/NAME:TAG
    #[arg(value_name = "FILE", value_parser = source_parser())]
    pub pack: PackSource,
    /// Judge these fixtures, and show what they cost
    #[arg(long, value_name = "FOLDER")]
    pub fixtures: Option<PathBuf>,
    /// How to print it
    #[arg(short = 'o', long, value_name = "FORMAT", default_value = "table")]
    pub output: ListOutput,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Inspected {
    file: String,
    size: u64,
    digest: String,
    /// Of the manifest, where it is in a registry.
    manifest: Option<String>,
    imports: Vec<String>,
    exports: Vec<String>,
    /// Why it is refused.
    refused: Option<String>,
    name: Option<String>,
    version: Option<String>,
    rules: Vec<Inspection>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Inspection {
    id: String,
    area: String,
    severity: &'static str,
    title: String,
    enabled: bool,
    karpenter: String,
    subjects: Vec<String>,
    reads: Vec<String>,
    reads_if_allowed: Vec<String>,
    settings: Vec<Setting>,
    cost: Option<Cost>,
}

#[derive(Serialize)]
struct Setting {
    name: String,
    default: serde_json::Value,
}

/// What the fixtures of a rule cost together.
#[derive(Default, Serialize)]
struct Cost {
    fixtures: u32,
    subjects: u32,
    fuel: u64,
    work: u64,
}

/// Shows a pack.
///
/// # Errors
/// The file or the fixtures cannot be read.
pub fn run(args: &InspectArgs, streams: &mut Streams<'_>) -> Result<Exit, CommandError> {
    let engine = rule_selection::sandbox()?;
    let most = engine.limits().component;
    let (bytes, manifest) = match &args.pack {
        PackSource::File(file) => (read(file, most)?, None),
        PackSource::Registry(reference) => {
            let fetched = fetch(reference, most);
            let fetched = fetched.map_err(|why| CommandError::PackRefused(format!("{}: {why}", args.pack)))?;
            (fetched.component, Some(fetched.manifest))
        }
    };
    let (imports, exports) = engine::interface_names(&bytes);
    let mut shown = Inspected {
        file: args.pack.to_string(),
        size: bytes.len() as u64,
        digest: format!("sha256:{}", hex(&Sha256::digest(&bytes))),
        manifest,
        imports,
        exports,
        refused: None,
        name: None,
        version: None,
        rules: vec![],
    };
    let loaded = match &args.pack {
        // As a run loads it, which reads no pipe.
        PackSource::File(file) => engine.load(file, None),
        PackSource::Registry(_) => engine.load_bytes(&shown.file, &bytes, None),
    };
    match loaded {
        Ok(pack) => {
            (shown.name, shown.version) = (Some(pack.name().to_owned()), Some(pack.version().to_owned()));
            shown.rules = pack.rules().iter().map(inspection).collect();
            if let Some(folder) = &args.fixtures {
                costs(&engine, &pack, folder, &mut shown.rules)?;
            }
        }
        Err(error) => shown.refused = Some(format!("it {}", error.fault)),
    }
    match args.output {
        ListOutput::Table => table(&shown, streams)?,
        ListOutput::Json => {
            report::document(&shown, streams.out)?;
        }
    }
    Ok(if shown.refused.is_none() { Exit::Clean } else { Exit::NotDone })
}

/// The file, as far as it would be loaded. A pipe is not read: it may never end.
fn read(file: &Path, most: u64) -> Result<Vec<u8>, PackError> {
    let mut bytes = vec![];
    let found = fs::metadata(file).map_err(at(file))?;
    if found.is_dir() {
        return Err(at(file)(io::ErrorKind::IsADirectory.into()));
    }
    if found.is_file() {
        let opened = fs::File::open(file).map_err(at(file))?;
        opened.take(most + 1).read_to_end(&mut bytes).map_err(at(file))?;
    }
    Ok(bytes)
}

fn inspection(rule: &RuleInfo) -> Inspection {
    Inspection {
        id: rule.id.clone(),
        area: rule.area.clone(),
        severity: rule.severity.as_str(),
        title: rule.title.clone(),
        enabled: rule.enabled,
        karpenter: rule.karpenter.clone(),
        subjects: rule.subjects.clone(),
        reads: rule.reads.clone(),
        reads_if_allowed: rule.reads_if_allowed.clone(),
        settings: rule
            .settings
            .iter()
            .map(|(name, _, default)| Setting { name: name.clone(), default: default.clone() })
            .collect(),
        cost: None,
    }
}

fn costs(engine: &Engine, pack: &engine::Pack, folder: &Path, rules: &mut [Inspection]) -> Result<(), PackError> {
    for case in cases(folder)? {
        let judged = judge(engine, pack, &case)?;
        if let Some(rule) = rules.iter_mut().find(|rule| rule.id == case.rule) {
            let cost = rule.cost.get_or_insert_default();
            cost.fixtures += 1;
            cost.subjects += judged.subjects;
            cost.fuel += judged.fuel;
            cost.work += judged.work;
        }
    }
    Ok(())
}

fn table(shown: &Inspected, streams: &mut Streams<'_>) -> Result<(), CommandError> {
    let out = &mut *streams.out;
    writeln!(out, "{}", shown.file)?;
    if let (Some(name), Some(version)) = (&shown.name, &shown.version) {
        writeln!(out, "  pack      {name} {version}")?;
    }
    writeln!(out, "  size      {} KB", shown.size.div_ceil(1024))?;
    writeln!(out, "  digest    {}", shown.digest)?;
    if let Some(manifest) = &shown.manifest {
        writeln!(out, "  manifest  {manifest}")?;
    }
    writeln!(out, "  imports   {}", list(&shown.imports))?;
    writeln!(out, "  exports   {}", list(&shown.exports))?;
    if let Some(why) = &shown.refused {
        writeln!(out, "  refused   {why}")?;
    }
    for rule in &shown.rules {
        let off = if rule.enabled { "" } else { ", off by default" };
        writeln!(out, "\n  {} ({}, {}{off}): {}", rule.id, rule.area, rule.severity, rule.title)?;
        writeln!(out, "    subjects          {}", list(&rule.subjects))?;
        for (name, kinds) in [("reads", &rule.reads), ("reads if allowed", &rule.reads_if_allowed)] {
            if !kinds.is_empty() {
                writeln!(out, "    {name:<17} {}", list(kinds))?;
            }
        }
        if !rule.karpenter.is_empty() {
            writeln!(out, "    Karpenter         {}", rule.karpenter)?;
        }
        for setting in &rule.settings {
            writeln!(out, "    setting           {} = {}", setting.name, setting.default)?;
        }
        if let Some(Cost { fixtures, subjects, fuel, work }) = &rule.cost {
            let each = |sum: u64| sum / u64::from((*subjects).max(1));
            writeln!(
                out,
                "    cost              {} fuel and {} host work a subject, over {subjects} in {fixtures} fixtures",
                each(*fuel),
                each(*work)
            )?;
        }
    }
    Ok(())
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
