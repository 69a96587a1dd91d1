//! A stream on which no text is more than a text.

use std::io::{self, Write};

use crate::report::text;

/// Bytes of a line that is not ended yet.
const LONGEST: usize = 1 << 20;

/// Writes lines as they are to be shown: what would control a terminal is replaced, what would command a pipeline is taken apart.
/// For what is no report: errors, warnings, what rules log, what tools say.
#[derive(Debug)]
pub struct CleanWriter<W: Write> {
    out: W,
    /// The beginning of a line.
    begun: Vec<u8>,
}

impl<W: Write> CleanWriter<W> {
    /// A writer before another one.
    pub const fn new(out: W) -> Self {
        Self { out, begun: vec![] }
    }

    /// Writes the lines up to here.
    fn write_out(&mut self, end: usize) -> io::Result<()> {
        let lines: Vec<u8> = self.begun.drain(..end).collect();
        self.out.write_all(text::clean(&String::from_utf8_lossy(&lines)).as_bytes())
    }
}

impl<W: Write> Write for CleanWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.begun.extend_from_slice(bytes);
        if let Some(end) = self.begun.iter().rposition(|byte| *byte == b'\n') {
            self.write_out(end + 1)?;
        }
        if self.begun.len() > LONGEST {
            self.write_out(self.begun.len())?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.write_out(self.begun.len())?;
        self.out.flush()
    }
}

impl<W: Write> Drop for CleanWriter<W> {
    fn drop(&mut self) {
        // As std's own writers: an error here has nobody left to see it.
        let _ = self.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_in_pieces_is_none() {
        let mut shown = vec![];
        let mut writer = CleanWriter::new(&mut shown);
        for piece in ["a #", "#[error]x\n::er", "ror::y\nred \u{1b}[31m", " é"] {
            writer.write_all(piece.as_bytes()).unwrap();
        }
        writer.flush().unwrap();
        writer.write_all(b"::notice::z").unwrap();
        drop(writer);
        let shown = String::from_utf8(shown).unwrap();
        assert_eq!(shown, "a # #[error]x\n: :error::y\nred \u{fffd}[31m é: :notice::z");
    }
}
