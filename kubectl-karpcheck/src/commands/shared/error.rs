//! Why a command stops, and how an error is written.

use std::io;

use crate::commands::pack::PackError;
use crate::exit::Exit;

/// Why a command could not do anything.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The user's mistake in what was asked for.
    #[error("{0}")]
    Usage(String),
    /// The engine, or the built-in pack, could not be loaded.
    #[error("{0}")]
    Engine(String),
    /// A crate could not be built to a pack.
    #[error(transparent)]
    Pack(#[from] PackError),
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
            // `karpcheck | head` does not fail.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Clean,
            Self::Output(_) => Exit::NotDone,
        }
    }
}

/// An error and its causes in one line. A cause that the text before it contains already is not repeated.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
