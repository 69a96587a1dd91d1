//! `kubectl karpcheck pack dev`: builds and tests again whenever a file changes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

use clap::Args;

use crate::commands::pack::project;
use crate::commands::pack::test;
use crate::commands::pack::test::TestArgs;
use crate::commands::shared::error::{CommandError, chain};
use crate::commands::shared::streams::Streams;
use crate::exit::Exit;

/// How often the files are looked at.
const POLL: Duration = Duration::from_millis(300);

/// Build and test a pack again whenever one of its files changes, until it is interrupted.
#[derive(Args, Clone, Debug)]
pub struct DevArgs {
    /// How it is tested.
    #[command(flatten)]
    pub test: TestArgs,
}

/// Never ends by itself.
///
/// # Errors
/// Standard output went away.
pub fn run(args: &DevArgs, streams: &mut Streams<'_>) -> Result<Exit, CommandError> {
    let folder = &args.test.folder;
    let stamps = || stamps(folder, args.test.update);
    loop {
        // What changes while it is built is built again.
        let seen = stamps();
        match test::run(&args.test, streams) {
            Ok(_) => {}
            Err(error @ CommandError::Output(_)) => return Err(error),
            Err(error) => writeln!(streams.err, "error: {}", chain(&error))?,
        }
        writeln!(streams.err, "waiting for a change in {}", folder.display())?;
        streams.out.flush()?;
        while stamps() == seen {
            thread::sleep(POLL);
        }
    }
}

/// When each file of a project was changed. What is expected of fixtures counts unless karpcheck itself writes it.
fn stamps(folder: &Path, update: bool) -> BTreeMap<PathBuf, SystemTime> {
    let files = project::written(folder).into_iter();
    let files = files.filter(|(file, _)| !update || file.extension().is_none_or(|end| end != "expected"));
    files.map(|(file, meta)| (file, meta.modified().unwrap_or(SystemTime::UNIX_EPOCH))).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_change_of_a_source_is_seen_and_one_of_a_build_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |file: &str, text: &str| {
            let file = folder.path().join(file);
            fs::create_dir_all(file.parent().expect("a parent")).expect("a folder");
            fs::write(file, text).expect("a file");
        };
        write("rules/a.js", "1");
        let before = stamps(folder.path(), false);
        assert_eq!(before.len(), 1);
        write("target/x.rs", "1");
        write("pack.wasm", "1");
        assert_eq!(stamps(folder.path(), false), before);
        write("rules/b.js", "1");
        assert_ne!(stamps(folder.path(), false), before);
    }
}
