//! The plugin's entry: everything is in the library.

use std::io;
use std::process::ExitCode;

use kubectl_karpcheck::engine;

fn main() -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|command| command == engine::COMPILE_COMMAND) {
        return engine::compile_child(io::stdin().lock(), io::stdout().lock(), io::stderr().lock()).into();
    }
    ExitCode::SUCCESS
}
