//! `kubectl karpcheck collect`: a script that asks AWS what the chosen rules read, for somebody who has the rights.

use crate::cli::{CollectArgs, FactArgs};
use crate::commands::{CommandError, Streams, chosen};
use crate::exit::Exit;
use crate::gather;
use crate::model::{Builder, Stated};

/// What a [`FactArgs`] states.
pub fn stated(facts: &FactArgs) -> Stated {
    Stated {
        karpenter_version: facts.karpenter_version.clone(),
        cluster_name: facts.cluster_name.clone(),
        account: facts.account.clone(),
        region: facts.region.clone(),
        partition: facts.partition.clone(),
    }
}

/// Gathers what the flags name, and prints the script that asks AWS about it.
pub fn run(args: &CollectArgs, streams: &mut Streams<'_>) -> Result<Exit, CommandError> {
    if args.offline && args.filename.is_empty() {
        return Err(CommandError::Usage("--offline reads files alone: name some with -f".into()));
    }
    let packs = chosen::load(&args.chosen.pack)?;
    let selected = packs.select(&args.chosen)?;
    let plan = chosen::plan(&selected);
    let mut builder = Builder::new(stated(&args.facts));
    packs.problems.iter().cloned().for_each(|problem| builder.problem(problem));
    gather::files(&args.filename, &args.facts.parameter, &plan, &mut builder, streams.input);
    if !args.offline {
        let (progress, err) = (streams.progress, &mut *streams.err);
        gather::cluster::gather(&args.cluster, &plan, &mut builder, &mut |line| {
            if progress {
                // Progress that cannot be written is no reason to stop.
                let _ = writeln!(err, "{line}");
            }
        });
    }
    let cluster = (!args.offline).then_some(&args.cluster);
    let script = gather::aws::script(&args.login, cluster, &plan, &builder);
    streams.out.write_all(script.as_bytes())?;
    problems(builder, streams)
}

/// Says what could not be read, where there is no report to hold it.
pub fn problems(builder: Builder, streams: &mut Streams<'_>) -> Result<Exit, CommandError> {
    let inventory = builder.build();
    let mut exit = Exit::Clean;
    for problem in inventory.problems().iter().filter(|problem| problem.incomplete || problem.fatal) {
        writeln!(streams.err, "problem: {}", problem.message)?;
        if problem.fatal {
            exit = Exit::NotDone;
        }
    }
    Ok(exit)
}
