//! Where a report goes: `-o FORMAT` to standard output, `-o FORMAT=FILE` to a file.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use clap::builder::{EnumValueParser, PossibleValue, TypedValueParser};
use clap::{Arg, Command, Error, ValueEnum};

use crate::commands::shared::error::CommandError;
use crate::commands::shared::files::write_atomically;
use crate::commands::shared::streams::{Streams, ignore_broken_pipe};
use crate::config::Config;

/// A format, and the file that it goes to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OutputTo<F> {
    /// The format.
    pub format: F,
    /// The file; none for standard output.
    pub file: Option<PathBuf>,
}

/// Reads `FORMAT` and `FORMAT=FILE`; a file `-` is standard output.
#[derive(Clone, Debug)]
pub struct OutputParser<F: ValueEnum + Clone + Send + Sync + 'static>(EnumValueParser<F>);

impl<F: ValueEnum + Clone + Send + Sync + 'static> Default for OutputParser<F> {
    fn default() -> Self {
        Self(EnumValueParser::new())
    }
}

impl<F: ValueEnum + Clone + Send + Sync + 'static> OutputParser<F> {
    /// A parser for the values of an enum.
    pub fn new() -> Self {
        Self::default()
    }
}

impl<F: ValueEnum + Clone + Send + Sync + 'static> TypedValueParser for OutputParser<F> {
    type Value = OutputTo<F>;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<Self::Value, Error> {
        let (format, file) = match value.to_str().and_then(|text| text.split_once('=')) {
            Some((format, file)) => (OsStr::new(format), Some(file)),
            None => (value, None),
        };
        let format = self.0.parse_ref(command, arg, format)?;
        Ok(OutputTo { format, file: file.filter(|file| !["", "-"].contains(file)).map(PathBuf::from) })
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        self.0.possible_values()
    }
}

/// The outputs that the configuration names. A file lies in its folder: the configuration of a foreign repository must not write
/// elsewhere, not even by a symbolic link.
///
/// # Errors
/// A file is elsewhere, or its folder does not exist.
pub fn configured<F: ValueEnum>(config: &Config) -> Result<Vec<OutputTo<F>>, CommandError> {
    let mut outputs = vec![];
    for (number, output) in config.settings.output.iter().enumerate() {
        let (format, file) = match output.split_once('=') {
            Some((format, file)) => (format, Some(file)),
            None => (output.as_str(), None),
        };
        let Ok(format) = F::from_str(format, false) else { continue };
        let file = file.map(|file| config.shown_beside(file));
        if let Some(file) = &file {
            let place = config.place(&format!("output/{number}"));
            let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let inside = fs::canonicalize(folder).and_then(|folder| {
                let own = if config.folder().as_os_str().is_empty() { Path::new(".") } else { config.folder() };
                Ok(folder.starts_with(fs::canonicalize(own)?))
            });
            match inside {
                Ok(true) => {}
                Ok(false) => {
                    let why = "a symbolic link leads out of the configuration's folder";
                    return Err(CommandError::Usage(format!("{place}: {}: {why}", file.display())));
                }
                Err(error) => return Err(CommandError::File { path: file.clone(), error }),
            }
        }
        outputs.push(OutputTo { format, file });
    }
    Ok(outputs)
}

/// Writes each output where it goes, standard output last. `write` has the streams that an output goes to; in a file there
/// is neither a width nor colour.
///
/// # Errors
/// Two outputs go to one place; one of them cannot be written, when all others were.
pub fn write<F: Copy>(
    outputs: &[OutputTo<F>],
    streams: &mut Streams<'_>,
    mut write: impl FnMut(F, &mut Streams<'_>) -> std::io::Result<()>,
) -> Result<(), CommandError> {
    let mut failed = Ok(());
    for OutputTo { format, file } in outputs {
        let Some(file) = file else { continue };
        let mut bytes = vec![];
        let mut inner = Streams {
            out: &mut bytes,
            err: &mut *streams.err,
            input: &mut *streams.input,
            width: None,
            progress: streams.progress.clone(),
        };
        let written = write(*format, &mut inner).and_then(|()| write_atomically(file, &bytes));
        if let Err(error) = written {
            failed = failed.and(Err(CommandError::File { path: file.clone(), error }));
        }
    }
    for OutputTo { format, .. } in outputs.iter().filter(|output| output.file.is_none()) {
        ignore_broken_pipe(write(*format, streams))?;
    }
    failed
}

/// Holds that no two outputs go to one place.
///
/// # Errors
/// They do.
pub fn check<F: ValueEnum>(outputs: &[OutputTo<F>]) -> Result<(), CommandError> {
    for (number, output) in outputs.iter().enumerate() {
        // `a.json` and `./a.json` are one file.
        let place =
            |output: &OutputTo<F>| output.file.as_ref().map(|file| std::path::absolute(file).unwrap_or(file.clone()));
        let Some(other) = outputs[..number].iter().find(|other| place(other) == place(output)) else { continue };
        let name = |output: &OutputTo<F>| {
            output.format.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
        };
        let place =
            output.file.as_ref().map_or_else(|| "standard output".to_owned(), |file| file.display().to_string());
        return Err(CommandError::Usage(format!(
            "-o {} and -o {} both go to {place}: give one a file of its own, as in -o {}=FILE",
            name(other),
            name(output),
            name(output)
        )));
    }
    Ok(())
}
