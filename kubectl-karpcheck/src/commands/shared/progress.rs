//! The progress line: what a run is doing, on a terminal, for anything that takes longer than half a second.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A run that is done by then shows nothing.
const AFTER: Duration = Duration::from_millis(500);
/// How often the line is drawn anew.
const TICK: Duration = Duration::from_millis(100);

/// A line on standard error that is gone at the end.
#[derive(Clone, Default)]
pub struct Progress {
    /// None where nobody looks: in a pipe, in CI, on a terminal that cannot take a line back.
    bar: Option<ProgressBar>,
    /// Is it over? Then the line must not appear any more.
    ended: Arc<Mutex<bool>>,
}

impl Progress {
    /// A line for a terminal, or nothing.
    pub fn new(wanted: bool) -> Self {
        if !wanted {
            return Self::default();
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
            bar.set_style(style);
        }
        let progress = Self { bar: Some(bar.clone()), ended: Arc::default() };
        let ended = Arc::clone(&progress.ended);
        // Without the thread there is no line, and nothing else is missing.
        let _ = std::thread::Builder::new().name("karpcheck-progress".into()).spawn(move || {
            std::thread::sleep(AFTER);
            if let Ok(ended) = ended.lock()
                && !*ended
            {
                bar.set_draw_target(ProgressDrawTarget::stderr());
                bar.enable_steady_tick(TICK);
            }
        });
        progress
    }

    /// Says what is done from now on.
    pub fn say(&self, what: &str) {
        if let Some(bar) = &self.bar {
            let plain: String = what.chars().map(|char| if char.is_control() { ' ' } else { char }).collect();
            bar.set_message(plain);
        }
    }

    /// A writer before whose first bytes the line goes away.
    pub fn before<W: Write>(&self, out: W) -> Before<W> {
        Before { progress: self.clone(), out }
    }

    /// Takes the line away for good.
    pub fn end(&self) {
        if let Ok(mut ended) = self.ended.lock()
            && let Some(bar) = &self.bar
        {
            *ended = true;
            bar.finish_and_clear();
        }
    }
}

/// See [`Progress::before`].
#[derive(Debug)]
pub struct Before<W> {
    progress: Progress,
    out: W,
}

impl<W: Write> Write for Before<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.progress.end();
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress").field("shown", &self.bar.is_some()).finish_non_exhaustive()
    }
}
