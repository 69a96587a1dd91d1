//! The plugin's entry: streams, arguments and the exit code; everything else is in the library.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use clap::CommandFactory as _;
use clap_complete::CompleteEnv;
use kubectl_karpcheck::cli;
use kubectl_karpcheck::commands::completion;
use kubectl_karpcheck::commands::shared::error::chain;
use kubectl_karpcheck::commands::shared::progress::Progress;
use kubectl_karpcheck::commands::shared::streams::{Streams, ignore_broken_pipe};
use kubectl_karpcheck::engine;
use kubectl_karpcheck::report;
use kubectl_karpcheck::sources::interrupt;

/// The static builds' allocator.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // The child process that compiles a component that is not trusted, and that can be killed.
    if std::env::args_os().nth(1).is_some_and(|command| command == engine::COMPILE_COMMAND) {
        let limits = std::env::args().skip(2);
        return engine::compile_child(limits, io::stdin().lock(), io::stdout().lock(), io::stderr().lock()).into();
    }
    // A shell asks for candidates: the script of `completion` sets the variable.
    CompleteEnv::with_factory(cli::Cli::command).var(completion::VARIABLE).bin(completion::BINARY).complete();
    // Ends the process with 2 on bad arguments, with 0 on --help.
    let cli = cli::parse(std::env::args_os()).unwrap_or_else(|error| error.exit());
    interrupt::watch();
    let stdout = io::stdout();
    let width = stdout.is_terminal().then(|| terminal_size::terminal_size().map_or(80, |(width, _)| width.0.into()));
    let mut out = io::BufWriter::new(stdout.lock());
    // What is no report is for people and logs alone.
    let mut err = report::CleanWriter::new(io::stderr());
    let dumb = std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
    let progress = Progress::new(io::stderr().is_terminal() && !dumb && std::env::var_os("CI").is_none());
    progress.say("loading rules");
    let (mut out, mut shown) = (progress.before(&mut out), progress.before(&mut err));
    let input = &mut io::stdin().lock();
    let mut streams = Streams { out: &mut out, err: &mut shown, input, width, progress: progress.clone() };
    let ended = cli::run(cli, &mut streams).and_then(|exit| {
        ignore_broken_pipe(out.flush())?;
        Ok(exit)
    });
    progress.end();
    match ended {
        Ok(exit) => exit.code().into(),
        Err(error) => {
            let exit = error.exit();
            if exit.code() != 0 {
                // If standard error cannot be written, the exit code has to do.
                let _ = writeln!(err, "error: {}", chain(&error));
            }
            exit.code().into()
        }
    }
}
