//! The streams of a run.

use std::io;
use std::io::Write;

use crate::commands::shared::progress::Progress;

/// The streams of a run and their properties.
pub struct Streams<'a> {
    /// Data.
    pub out: &'a mut dyn Write,
    /// Progress and complaints.
    pub err: &'a mut dyn Write,
    /// Where `-f -` reads from.
    pub input: &'a mut dyn io::Read,
    /// The terminal's width, if standard output is one.
    pub width: Option<usize>,
    /// What the run is doing, for who waits at a terminal.
    pub progress: Progress,
}

/// A reader that closed the pipe, as `head` does, has what it wanted: the run goes on to its exit code.
///
/// # Errors
/// Any other error.
pub fn ignore_broken_pipe(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}
