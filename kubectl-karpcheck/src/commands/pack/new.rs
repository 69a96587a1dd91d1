//! `kubectl karpcheck pack new`: a project to start from.

use std::path::PathBuf;

use clap::Args;

use crate::commands::pack::project;
use crate::commands::pack::project::Language;
use crate::commands::shared::error::CommandError;
use crate::commands::shared::streams::Streams;
use crate::engine::kebab;

/// Make a project for rules of your own.
///
/// It stands by itself: one rule with its fixtures, a README, a workflow for GitHub Actions, and the contract that it is made
/// for. Nothing is fetched.
#[derive(Args, Clone, Debug)]
pub struct NewArgs {
    /// The folder to make. Its last part is the pack's name, in kebab-case.
    #[arg(value_name = "NAME")]
    pub folder: PathBuf,
    /// What the rules are written in.
    #[arg(long, value_name = "LANGUAGE", default_value = "rust")]
    pub lang: Language,
}

/// Writes the project, and says what to do next.
///
/// # Errors
/// The name is not kebab-case, or the folder is there.
pub fn run(args: &NewArgs, streams: &mut Streams<'_>) -> Result<(), CommandError> {
    let name = args.folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if !kebab(name) {
        return Err(CommandError::Usage(format!("a pack's name is kebab-case, such as acme-rules: {name:?} is not")));
    }
    project::create(&args.folder, name, args.lang)?;
    let folder = args.folder.display();
    let tool = match args.lang {
        Language::Rust => "rustup target add wasm32-unknown-unknown",
        Language::JavaScript => "npm install",
        Language::Python => "python3 -m venv .venv && .venv/bin/pip install componentize-py==0.25.1",
    };
    writeln!(streams.out, "{folder}")?;
    writeln!(streams.err, "Next:\n  cd {folder}\n  {tool}\n  kubectl karpcheck pack test")?;
    Ok(())
}
