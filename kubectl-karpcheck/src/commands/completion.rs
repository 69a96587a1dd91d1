//! `completion`: scripts that complete the command line, and the candidates that kubectl asks for.

use std::ffi::OsString;
use std::io;

use clap::{Args, Command, ValueEnum};
use clap_complete::engine::CompletionCandidate;
use clap_complete::env::{Bash, Elvish, EnvCompleter, Fish, Powershell, Zsh};

use crate::commands::shared::error::CommandError;
use crate::commands::shared::streams::Streams;
use crate::exit::Exit;

/// The name of the binary, as a shell completes it.
pub const BINARY: &str = "kubectl-karpcheck";
/// The variable that tells the binary to complete instead of running.
pub const VARIABLE: &str = "KARPCHECK_COMPLETE";

/// The flags of `completion`.
#[derive(Debug, Args)]
pub struct CompletionArgs {
    /// The shell; `kubectl` is for the script that kubectl's own completion calls
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

/// What a script is written for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Shell {
    /// For `kubectl karpcheck`, in every shell that completes kubectl.
    Kubectl,
    /// For `kubectl-karpcheck` in bash.
    Bash,
    /// For `kubectl-karpcheck` in zsh.
    Zsh,
    /// For `kubectl-karpcheck` in fish.
    Fish,
    /// For `kubectl-karpcheck` in PowerShell.
    #[value(name = "powershell")]
    PowerShell,
    /// For `kubectl-karpcheck` in elvish.
    Elvish,
}

/// How the help of `completion` ends.
pub const HELP: &str = "Examples:
  # kubectl karpcheck: kubectl calls a program of this name on the PATH
  kubectl karpcheck completion kubectl > ~/.local/bin/kubectl_complete-karpcheck
  chmod +x ~/.local/bin/kubectl_complete-karpcheck

  # kubectl-karpcheck in bash: now, and in each new shell
  source <(kubectl-karpcheck completion bash)
  echo 'source <(kubectl-karpcheck completion bash)' >> ~/.bashrc

  # zsh
  echo 'source <(kubectl-karpcheck completion zsh)' >> ~/.zshrc

  # fish
  kubectl-karpcheck completion fish > ~/.config/fish/completions/kubectl-karpcheck.fish

  # PowerShell: to be called in the file that $PROFILE names
  kubectl-karpcheck completion powershell | Out-String | Invoke-Expression";

/// The script that kubectl's completion calls.
const KUBECTL: &str = "#!/bin/sh
# Completes `kubectl karpcheck`: kubectl calls this program, which must be on the PATH as kubectl_complete-karpcheck.
exec kubectl karpcheck __complete \"$@\"
";

/// Prints the script of a shell.
///
/// # Errors
/// It could not be written.
pub fn run(args: &CompletionArgs, streams: &mut Streams<'_>) -> Result<Exit, CommandError> {
    let shell: &dyn EnvCompleter = match args.shell {
        Shell::Kubectl => {
            streams.out.write_all(KUBECTL.as_bytes())?;
            return Ok(Exit::Clean);
        }
        Shell::Bash => &Bash,
        Shell::Zsh => &Zsh,
        Shell::Fish => &Fish,
        Shell::PowerShell => &Powershell,
        Shell::Elvish => &Elvish,
    };
    let mut script = vec![];
    shell.write_registration(VARIABLE, BINARY, BINARY, BINARY, &mut script)?;
    streams.out.write_all(&script)?;
    Ok(Exit::Clean)
}

/// The flags of the hidden `__complete`.
#[derive(Debug, Args)]
pub struct CandidatesArgs {
    /// The words after `kubectl karpcheck`; the last one is being completed
    #[arg(value_name = "WORD", trailing_var_arg = true, allow_hyphen_values = true)]
    pub words: Vec<OsString>,
}

/// Prints the candidates for the last word as kubectl reads them: a line each with what it is behind a tab, then a number
/// of flags: 4 for "no files", 0 for "files, too".
///
/// # Errors
/// It could not be written.
pub fn candidates(
    args: &CandidatesArgs,
    mut command: Command,
    streams: &mut Streams<'_>,
) -> Result<Exit, CommandError> {
    let candidates = complete(&args.words, &mut command)?;
    let mut files = false;
    for candidate in &candidates {
        let value = candidate.get_value().to_string_lossy();
        // The shell completes paths better, with its own colours and marks.
        if std::path::Path::new(&*value).exists() {
            files = true;
            continue;
        }
        let help = candidate.get_help().map(ToString::to_string).unwrap_or_default();
        let help = help.lines().next().unwrap_or_default().split(';').next().unwrap_or_default();
        if help.is_empty() {
            writeln!(streams.out, "{value}")?;
        } else {
            writeln!(streams.out, "{value}\t{help}")?;
        }
    }
    writeln!(streams.out, ":{}", if files { 0 } else { 4 })?;
    Ok(Exit::Clean)
}

fn complete(words: &[OsString], command: &mut Command) -> io::Result<Vec<CompletionCandidate>> {
    let mut line = vec![OsString::from(BINARY)];
    line.extend(words.iter().cloned());
    if words.is_empty() {
        line.push(OsString::new());
    }
    let last = line.len() - 1;
    let here = std::env::current_dir().ok();
    let mut candidates = clap_complete::engine::complete(command, line, last, here.as_deref())?;
    candidates.retain(|candidate| !candidate.is_hide_set());
    Ok(candidates)
}
