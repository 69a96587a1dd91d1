//! Why a command stops, and how an error is written.

use std::io;
use std::path::PathBuf;

use crate::config::ConfigError;
use crate::exit::Exit;

/// Why a command could not do anything.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The user's mistake in what was asked for.
    #[error("{0}")]
    Usage(String),
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The engine, or the built-in pack, could not be loaded.
    #[error("{0}")]
    Engine(String),
    /// What was asked for may be in a pack that was refused, for this reason.
    #[error("{0}")]
    PackRefused(String),
    /// A crate could not be built to a pack.
    #[error(transparent)]
    Pack(Box<dyn std::error::Error + Send + Sync>),
    /// A file could not be written.
    #[error("{}: it cannot be written: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Standard output went away or is full.
    #[error(transparent)]
    Output(#[from] io::Error),
}

impl CommandError {
    /// The exit code.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) | Self::Config(_) => Exit::Usage,
            Self::Engine(_) | Self::PackRefused(_) | Self::Pack(_) | Self::File { .. } => Exit::NotDone,
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
