//! Compiling a component that is not trusted, in a child process with its own limits.
//!
//! Cranelift promises no bound on its time or memory, so neither size nor fuel bounds them. The child is this program again,
//! with the hidden command [`COMMAND`]: the component on its standard input, the code on its standard output. Before it reads
//! anything, it takes limits from the operating system: CPU time, since a busy machine must not make a good pack fail, and
//! address space. Windows has neither; there the wall clock alone ends the child, and what [`super::imports`] counts
//! beforehand has to bound its memory.

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
/// The exit code of a child that says what is wrong with the component.
const REFUSED: u8 = 1;
/// The program's name; under any other this is a test or another program that uses the library.
const PROGRAM: &str = "kubectl-karpcheck";
/// How often the child is polled. Its answer nearly always comes first.
const POLL: Duration = Duration::from_millis(2);
/// Bytes of machine code, which is up to 3.5 times as large as the component.
const MOST_CODE: u64 = 128 << 20;
const MOST_COMPLAINT: u64 = 16 << 10;
/// Wall time is only the backstop of CPU time, where that is limited: so many times as long.
const BUSY: u32 = if cfg!(unix) { 30 } else { 1 };

/// Why there is no code.
#[derive(Debug)]
pub(super) enum Failure {
    /// The component is invalid, or uses a proposal that is switched off.
    Invalid(String),
    /// It took more CPU time than it may.
    Slow,
    /// It did not end within this wall time, whatever it was waiting for.
    Late(Duration),
    /// It took too much memory, most likely: what the compiler said last.
    Large(String),
    /// The compiler could not be started, or did not answer.
    NoCompiler(String),
}

/// What compiling one component may cost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct CompileLimits {
    /// CPU time.
    pub(super) time: Duration,
    /// Bytes of address space.
    pub(super) memory: u64,
}

/// This program, if it can be its own compiler.
pub(super) fn own_program() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    (program.file_stem()?.to_str()? == PROGRAM).then_some(program)
}

/// Compiles a component in a child process; without a program for it here, and without limits.
pub(super) fn compile(
    engine: &wasmtime::Engine,
    program: Option<&Path>,
    component: &[u8],
    limits: CompileLimits,
) -> Result<Vec<u8>, Failure> {
    match program {
        Some(program) => in_child(program, component, limits)
            .unwrap_or_else(|error| Err(Failure::NoCompiler(text::line(&error.to_string(), 500)))),
        None => engine.precompile_component(component).map_err(|error| Failure::Invalid(complaint(&error))),
    }
}

/// What the hidden command does, under the limits that its arguments give. Returns the process's exit code: 0, or 1 with the
/// reason on `complaints`.
pub fn compile_child(
    limits: impl Iterator<Item = String>,
    component: impl Read,
    mut code: impl Write,
    mut complaints: impl Write,
) -> u8 {
    let made = || -> wasmtime::Result<Vec<u8>> {
        let limits: Vec<u64> = limits.map(|limit| limit.parse()).collect::<Result<_, _>>()?;
        let [seconds, memory] = limits[..] else { return Err(wasmtime::Error::msg("it takes two limits")) };
        os::limit(seconds, memory)?;
        let mut bytes = vec![];
        component.take(MOST_CODE).read_to_end(&mut bytes)?;
        wasmtime::Engine::new(&config::config(cfg!(windows)))?.precompile_component(&bytes)
    };
    let done = match made() {
        Ok(made) => code.write_all(ANSWER).and_then(|()| code.write_all(&made)).and_then(|()| code.flush()),
        Err(error) => write!(complaints, "{}", complaint(&error)).and(Err(io::ErrorKind::InvalidData.into())),
    };
    if done.is_ok() { 0 } else { REFUSED }
}

fn in_child(program: &Path, component: &[u8], limits: CompileLimits) -> io::Result<Result<Vec<u8>, Failure>> {
    let mut child = Killed(
        Command::new(program)
            .arg(COMMAND)
            .arg(limits.time.as_secs().to_string())
            .arg(limits.memory.to_string())
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
    let patience = limits.time * BUSY;
    let until = Instant::now() + patience;
    thread::scope(|scope| {
        // A child that is killed closes its pipes, which ends these.
        scope.spawn(move || stdin.write_all(component));
        let code = scope.spawn(|| read(stdout, MOST_CODE));
        let complaint = scope.spawn(|| read(stderr, MOST_COMPLAINT));
        let Some(status) = wait(&mut child.0, until)? else { return Ok(Err(Failure::Late(patience))) };
        let mut answer = code.join().map_err(|_| io::ErrorKind::Other)??;
        let complaint = complaint.join().map_err(|_| io::ErrorKind::Other)??;
        if answer.len() as u64 >= MOST_CODE {
            let most = MOST_CODE >> 20;
            return Ok(Err(Failure::Invalid(format!("its machine code has more than {most} MiB"))));
        }
        if !status.success() {
            let complaint = text::line(&String::from_utf8_lossy(&complaint), 500);
            return Ok(Err(if os::out_of_time(status) {
                Failure::Slow
            } else if status.code() == Some(REFUSED.into()) {
                Failure::Invalid(complaint)
            } else if os::was_asked_to_end(status) {
                Failure::NoCompiler(format!("it was ended from outside ({status})"))
            } else {
                // Without memory it is aborted, or cannot start its threads.
                Failure::Large(if complaint.is_empty() { status.to_string() } else { complaint })
            }));
        }
        if !answer.starts_with(ANSWER) {
            // Another program of this name.
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{} is no compiler", program.display())));
        }
        answer.drain(..ANSWER.len());
        Ok(Ok(answer))
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

#[cfg(unix)]
mod os {
    use std::io;
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::ExitStatus;

    use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};

    /// Limits this process, for good. What is limited more strictly stays so: no process may raise it.
    pub(super) fn limit(seconds: u64, memory: u64) -> io::Result<()> {
        let limit = |resource, current: u64, maximum: u64| {
            let most = |own: u64| Some(getrlimit(resource).maximum.map_or(own, |most| most.min(own)));
            setrlimit(resource, Rlimit { current: most(current), maximum: most(maximum) })
        };
        // One second between the signal that ends it and the one that cannot be ignored.
        limit(Resource::Cpu, seconds, seconds.saturating_add(1))?;
        limit(Resource::Core, 0, 0)?;
        match limit(Resource::As, memory, memory) {
            // macOS refuses what is below the address space that every process has there.
            Err(_) if cfg!(target_os = "macos") => Ok(()),
            limited => Ok(limited?),
        }
    }

    /// Was it ended for the CPU time that it took? What is killed otherwise was most likely in the way of others' memory.
    pub(super) fn out_of_time(status: ExitStatus) -> bool {
        status.signal() == Some(Signal::XCPU.as_raw())
    }

    /// Was it ended by who started the run, or by what stops a job? That says nothing about the pack.
    pub(super) fn was_asked_to_end(status: ExitStatus) -> bool {
        let asks = [Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT];
        status.signal().is_some_and(|own| asks.iter().any(|signal| signal.as_raw() == own))
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_job_that_is_stopped_is_not_taken_for_a_large_pack() {
            assert!(was_asked_to_end(ExitStatus::from_raw(Signal::TERM.as_raw())));
            assert!(!was_asked_to_end(ExitStatus::from_raw(Signal::KILL.as_raw())));
            assert!(!was_asked_to_end(ExitStatus::from_raw(0)));
        }

        #[test]
        fn a_machine_without_memory_is_not_taken_for_a_slow_pack() {
            assert!(out_of_time(ExitStatus::from_raw(Signal::XCPU.as_raw())));
            assert!(!out_of_time(ExitStatus::from_raw(Signal::KILL.as_raw())));
            assert!(!out_of_time(ExitStatus::from_raw(Signal::ABORT.as_raw())));
        }
    }
}

#[cfg(not(unix))]
mod os {
    use std::io;
    use std::process::ExitStatus;

    #[expect(clippy::unnecessary_wraps, reason = "it can fail elsewhere")]
    pub(super) const fn limit(_: u64, _: u64) -> io::Result<()> {
        Ok(())
    }

    /// There are no such signals here.
    pub(super) const fn was_asked_to_end(_: ExitStatus) -> bool {
        false
    }

    /// There is no such limit here: the wall clock ends it.
    pub(super) const fn out_of_time(_: ExitStatus) -> bool {
        false
    }
}
