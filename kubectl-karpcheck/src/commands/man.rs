//! `man`: the manual pages, made of the same tree of commands as `--help`.

use std::fs;
use std::path::PathBuf;

use clap::{Args, Command};

use crate::commands::completion::BINARY;
use crate::commands::shared::error::CommandError;
use crate::commands::shared::streams::Streams;
use crate::exit::Exit;

/// The flags of `man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// The folder to write the pages to, one for each command
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
}

/// Writes a page for each command.
///
/// # Errors
/// One could not be written.
pub fn run(args: &ManArgs, command: Command, streams: &mut Streams<'_>) -> Result<Exit, CommandError> {
    fs::create_dir_all(&args.folder)?;
    // Pages are found by one name: `man kubectl-karpcheck-check`.
    let command = command.name(BINARY).disable_help_subcommand(true);
    clap_mangen::generate_to(command, &args.folder)?;
    writeln!(
        streams.err,
        "try `man -M {}/.. kubectl-karpcheck` where the folder is called man1",
        args.folder.display()
    )?;
    Ok(Exit::Clean)
}
