//! Compiling a component that is not trusted, in a child process that can be killed.
//!
//! Cranelift promises no bound on its time, so neither size nor fuel bounds it. The child is this program again, with the
//! hidden command [`COMMAND`]: the component on its standard input, the code on its standard output.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::engine::{config, text};

/// The hidden command of the binary.
pub const COMMAND: &str = "__compile";
/// The first line of a child's answer, so that no other program's output is taken for code.
const ANSWER: &[u8; 20] = b"karpcheck compiled:\n";
/// A component of this size compiles faster than a process starts.
const SMALL: usize = 4 << 10;
/// The program's name; under any other this is a test or another program that uses the library.
const PROGRAM: &str = "kubectl-karpcheck";
/// How often the child is polled. Its answer nearly always comes first.
const POLL: Duration = Duration::from_millis(2);
const MOST_CODE: u64 = 256 << 20;
const MOST_COMPLAINT: u64 = 16 << 10;

/// Why there is no code.
#[derive(Debug)]
pub(super) enum Failure {
    /// The component is invalid, or uses a proposal that is switched off.
    Invalid(String),
    /// It took too long.
    Slow,
}

/// This program, if it can be its own compiler.
pub(super) fn own_program() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    (program.file_stem()?.to_str()? == PROGRAM).then_some(program)
}

/// Compiles a component; in a child process if there is a program for it.
pub(super) fn compile(
    engine: &wasmtime::Engine,
    program: Option<&Path>,
    component: &[u8],
    most: Duration,
) -> Result<Vec<u8>, Failure> {
    if component.len() > SMALL
        && let Some(program) = program
        && let Ok(answer) = in_child(program, component, most)
    {
        return answer;
    }
    // Small, or no process could be started.
    engine.precompile_component(component).map_err(|error| Failure::Invalid(complaint(&error)))
}

/// What the hidden command does. Returns the process's exit code: 0, or 1 with the reason on `complaints`.
pub fn compile_child(component: impl Read, mut code: impl Write, mut complaints: impl Write) -> u8 {
    let made = || -> wasmtime::Result<Vec<u8>> {
        let mut bytes = vec![];
        component.take(MOST_CODE).read_to_end(&mut bytes)?;
        wasmtime::Engine::new(&config::config())?.precompile_component(&bytes)
    };
    let done = match made() {
        Ok(made) => code.write_all(ANSWER).and_then(|()| code.write_all(&made)).and_then(|()| code.flush()),
        Err(error) => write!(complaints, "{}", complaint(&error)).and(Err(io::ErrorKind::InvalidData.into())),
    };
    u8::from(done.is_err())
}

fn in_child(program: &Path, component: &[u8], most: Duration) -> io::Result<Result<Vec<u8>, Failure>> {
    let mut child = Killed(
        Command::new(program)
            .arg(COMMAND)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?,
    );
    let (Some(mut stdin), Some(stdout), Some(stderr)) =
        (child.0.stdin.take(), child.0.stdout.take(), child.0.stderr.take())
    else {
        return Err(io::ErrorKind::BrokenPipe.into());
    };
    let until = Instant::now() + most;
    thread::scope(|scope| {
        // A child that is killed closes its pipes, which ends these.
        scope.spawn(move || stdin.write_all(component));
        let code = scope.spawn(|| read(stdout, MOST_CODE));
        let complaint = scope.spawn(|| read(stderr, MOST_COMPLAINT));
        let Some(status) = wait(&mut child.0, until)? else { return Ok(Err(Failure::Slow)) };
        let answer = code.join().map_err(|_| io::ErrorKind::Other)??;
        let complaint = complaint.join().map_err(|_| io::ErrorKind::Other)??;
        if !status.success() {
            let complaint = text::line(&String::from_utf8_lossy(&complaint), 500);
            let complaint = if complaint.is_empty() { format!("the compiler ended with {status}") } else { complaint };
            return Ok(Err(Failure::Invalid(complaint)));
        }
        match answer.strip_prefix(ANSWER) {
            Some(code) => Ok(Ok(code.to_vec())),
            // Another program of this name.
            None => Err(io::ErrorKind::InvalidData.into()),
        }
    })
}

/// Waits for the child to end, and kills it when its time is up. None if that failed.
fn wait(child: &mut Child, until: Instant) -> io::Result<Option<ExitStatus>> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(Some(status)),
            Ok(None) if Instant::now() < until => thread::sleep(POLL),
            // Its pipes must close, or their readers wait for ever.
            late => {
                child.kill()?;
                child.wait()?;
                return late.map(|_| None);
            }
        }
    }
}

fn read(from: impl Read, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![];
    from.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The innermost cause is what is wrong with the component; the outer ones only say where.
fn complaint(error: &wasmtime::Error) -> String {
    let mut causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    causes.dedup();
    text::line(&causes.join(": "), 500)
}

/// A child that does not outlive an early return.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}
