//! The commands, one file each: they put sources, engine and report together.

use std::io::{self, Write};

use crate::cli::{Cli, Command, PackCommand};
use crate::exit::Exit;

pub mod can;
pub mod check;
pub mod collect;
pub mod explain;
pub mod iam_policy;
pub mod pack;
pub mod rbac;
pub mod rules;
pub mod shared;
pub mod upgrade;
pub mod why;

/// Why a command could not do anything at all.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The user's mistake in what was asked for.
    #[error("{0}")]
    Usage(String),
    /// The engine, or a pack without which nothing can be said.
    #[error("{0}")]
    Engine(String),
    /// A crate could not be built to a pack.
    #[error(transparent)]
    Pack(#[from] pack::PackError),
    /// Standard output went away or is full.
    #[error(transparent)]
    Output(#[from] io::Error),
}

impl CommandError {
    /// The exit code.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) => Exit::Usage,
            Self::Engine(_) | Self::Pack(_) => Exit::NotDone,
            // `karpcheck | head` is no failure.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Clean,
            Self::Output(_) => Exit::NotDone,
        }
    }
}

/// A reader that went away, as `head` does, has what it wanted: the run goes on to its exit code.
///
/// # Errors
/// Any other error.
pub fn ignore_broken_pipe(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// The streams of a run, and what is known of them.
pub struct Streams<'a> {
    /// Data.
    pub out: &'a mut dyn Write,
    /// Progress and complaints.
    pub err: &'a mut dyn Write,
    /// Where `-f -` reads from.
    pub input: &'a mut dyn io::Read,
    /// The terminal's width, if standard output is one.
    pub width: Option<usize>,
    /// Is standard error a terminal, so that progress is of use?
    pub progress: bool,
}

/// Runs a command.
pub fn run(cli: Cli, streams: &mut Streams<'_>) -> Result<Exit, CommandError> {
    match cli.command {
        None => check::run(&cli.check, streams),
        Some(Command::Check(args)) => check::run(&args, streams),
        Some(Command::Rules(args)) => rules::run(&args, streams),
        Some(Command::Explain(args)) => explain::run(&args, streams),
        Some(Command::Upgrade(args)) => upgrade::run(&args, streams),
        Some(Command::Can(args)) => can::run(&args, streams),
        Some(Command::Why(args)) => why::run(&args, streams),
        Some(Command::Rbac(args)) => rbac::run(&args, streams),
        Some(Command::IamPolicy(args)) => iam_policy::run(&args, streams),
        Some(Command::Collect(args)) => collect::run(&args, streams),
        Some(Command::Pack(PackCommand::Build(args))) => {
            pack::build::run(&args, streams.out, streams.err)?;
            Ok(Exit::Clean)
        }
    }
}
