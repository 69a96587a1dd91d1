//! What `can` and `why` read: files, a cluster, or both, as `check` does.

use std::sync::Arc;

use crate::cli::SourceArgs;
use crate::commands::{CommandError, Streams, check};
use crate::gather;
use crate::model::kinds::Plan;
use crate::model::{Builder, Inventory, Problem};

/// Gathers what the flags name.
///
/// # Errors
/// With `--offline` and no file.
pub fn inventory(
    args: &SourceArgs,
    plan: &Plan,
    problems: &[Problem],
    streams: &mut Streams<'_>,
) -> Result<Arc<Inventory>, CommandError> {
    if args.offline && args.filename.is_empty() {
        return Err(CommandError::Usage("--offline reads files alone: name some with -f".into()));
    }
    let mut builder = Builder::new(check::stated(&args.facts));
    problems.iter().cloned().for_each(|problem| builder.problem(problem));
    gather::files(&args.filename, &args.facts.parameter, plan, &mut builder, streams.input);
    if !args.offline {
        let (progress, err) = (streams.progress, &mut *streams.err);
        gather::cluster::gather(&args.cluster, plan, &mut builder, &mut |line| {
            if progress {
                // Progress that cannot be written is no reason to stop.
                let _ = writeln!(err, "{line}");
            }
        });
    }
    Ok(Arc::new(builder.build()))
}
