//! Somebody else's program, waited for no longer than it is worth.

use std::io::{self, Read};
use std::process::{Child, Command};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::sources::interrupt;

/// How a program ended.
#[derive(Debug)]
pub(super) struct Ended {
    /// Did it succeed?
    pub(super) success: bool,
    /// What it printed.
    pub(super) out: Vec<u8>,
    /// What it complained of.
    pub(super) err: Vec<u8>,
}

/// May a program ask its user something on the terminal?
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Terminal {
    /// No: it is a process group of its own, which ends as a whole, with all that it started.
    None,
    /// Yes, where there is one: it stays in the terminal's group, or the terminal would stop it.
    Shared,
}

impl Terminal {
    /// Is a program to be a process group of its own? One that nobody can answer is.
    fn is_apart(self) -> bool {
        match self {
            Self::None => true,
            // The terminal that the process belongs to, whatever its streams are.
            Self::Shared => std::fs::File::open("/dev/tty").is_err(),
        }
    }
}

/// Runs a program and takes what it prints to the streams that are piped, up to `most` bytes each. One that does not end in
/// time, or before the user ends the run, is killed: None.
///
/// # Errors
/// It cannot be started.
pub(super) fn run(command: Command, terminal: Terminal, patience: Duration, most: u64) -> io::Result<Option<Ended>> {
    run_as(command, terminal.is_apart(), patience, most)
}

fn run_as(mut command: Command, apart: bool, patience: Duration, most: u64) -> io::Result<Option<Ended>> {
    #[cfg(all(unix, feature = "live"))]
    if apart {
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
    }
    let mut child = command.spawn()?;
    // Both streams are read beside the waiting, so that a program that says much does not block.
    let out = Stream::of(child.stdout.take(), most);
    let err = Stream::of(child.stderr.take(), most);
    let end = Instant::now() + patience;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => {
                return Ok(Some(Ended { success: status.success(), out: out.taken(), err: err.taken() }));
            }
            Ok(None) if Instant::now() < end && !interrupt::is_raised() => {
                std::thread::sleep(Duration::from_millis(10));
            }
            _ => {
                kill(&mut child, apart);
                return Ok(None);
            }
        }
    }
}

/// Ends a program with all that it started: its group, or what the system knows to be its children.
fn kill(child: &mut Child, apart: bool) {
    #[cfg(all(unix, feature = "live"))]
    if let Some(own) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        use rustix::process::{Signal, kill_process, kill_process_group};
        // What has ended by itself just now is as good.
        if apart {
            let _ = kill_process_group(own, Signal::KILL);
        } else {
            let below = descendants(child.id());
            for pid in below.into_iter().filter_map(rustix::process::Pid::from_raw) {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
    }
    #[cfg(not(all(unix, feature = "live")))]
    let _ = apart;
    let _ = child.kill();
    let _ = child.wait();
}

/// What a process has started, and what these have: as Linux lists it. Empty elsewhere.
#[cfg(all(unix, feature = "live"))]
fn descendants(process: u32) -> Vec<i32> {
    let listed = std::fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
    let own: Vec<u32> = listed.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let below = own.iter().flat_map(|child| descendants(*child)).collect::<Vec<i32>>();
    own.iter().filter_map(|child| i32::try_from(*child).ok()).chain(below).collect()
}

/// What a program prints to one stream, read on a thread of its own.
struct Stream {
    read: Arc<Mutex<(Vec<u8>, bool)>>,
}

impl Stream {
    fn of(stream: Option<impl Read + Send + 'static>, most: u64) -> Self {
        let read = Arc::new(Mutex::new((vec![], stream.is_none())));
        let beside = Arc::clone(&read);
        if let Some(stream) = stream {
            std::thread::spawn(move || {
                let mut stream = stream.take(most);
                let mut part = vec![0; 1 << 14];
                loop {
                    let length = stream.read(&mut part).unwrap_or(0);
                    let mut read = beside.lock().unwrap_or_else(PoisonError::into_inner);
                    read.0.extend_from_slice(&part[..length]);
                    if length == 0 {
                        read.1 = true;
                        return;
                    }
                }
            });
        }
        Self { read }
    }

    /// What was read, after the program has ended: all of it, or what there is once nothing more comes. What the program
    /// left running in the background may hold the stream open for ever.
    fn taken(self) -> Vec<u8> {
        /// A program that has ended wrote all that it will; only the reader may be behind.
        const QUIET: Duration = Duration::from_millis(150);
        let (mut length, mut since) = (0, Instant::now());
        loop {
            let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
            if read.0.len() > length {
                (length, since) = (read.0.len(), Instant::now());
            }
            if read.1 || since.elapsed() > QUIET {
                return std::mem::take(&mut read.0);
            }
            drop(read);
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::process::Stdio;

    fn shell(script: &str, patience: Duration) -> Option<Ended> {
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        run(command, Terminal::None, patience, 1 << 20).expect("a shell")
    }

    #[test]
    fn a_child_in_the_background_holds_nothing_up() {
        let begun = Instant::now();
        let ended = shell("sleep 30 & echo said", Duration::from_secs(20)).expect("it ends");
        assert_eq!((ended.success, &*ended.out), (true, &b"said\n"[..]));
        assert!(begun.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn much_is_read_whole() {
        let ended = shell("head -c 700000 /dev/zero", Duration::from_secs(20)).expect("it ends");
        assert_eq!(ended.out.len(), 700_000);
    }

    #[cfg(feature = "live")]
    #[test]
    fn what_a_program_started_ends_with_it() {
        // In a group of its own, and in that of the terminal, where Linux lists its children.
        for apart in [true, false] {
            if !apart && !cfg!(target_os = "linux") {
                continue;
            }
            let folder = tempfile::tempdir().expect("a folder");
            let mark = folder.path().join("alive");
            // A wrapper, as many make of `aws`: its children would write the file a second later.
            let script = format!("(sleep 1; touch '{0}') & (sleep 1; touch '{0}'); true", mark.display());
            let mut command = Command::new("sh");
            command.args(["-c", &script]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
            assert!(run_as(command, apart, Duration::from_millis(200), 1 << 20).expect("a shell").is_none());
            std::thread::sleep(Duration::from_millis(1500));
            assert!(!mark.exists(), "the wrapper's child lives on, apart: {apart}");
        }
    }
}
