//! What a person sees: the binary on a pseudo terminal of several widths.

use std::path::Path;
use std::process::{Command, Stdio};

use super::TestDir;
use crate::skipped::skipped;

const WIDTHS: [usize; 4] = [40, 80, 120, 200];

/// Runs on a terminal of so many columns; none where Python, which makes one, is not there.
fn on_terminal(place: &TestDir, columns: usize, args: &[&str]) -> Option<String> {
    const SCRIPT: &str = "
import fcntl, os, pty, struct, sys, termios
columns, command = int(sys.argv[1]), sys.argv[2:]
child, terminal = pty.fork()
if child == 0:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack('HHHH', 50, columns, 0, 0))
    os.execv(command[0], command)
seen = b''
while True:
    try:
        piece = os.read(terminal, 65536)
    except OSError:
        break
    if not piece:
        break
    seen += piece
os.waitpid(child, 0)
sys.stdout.buffer.write(seen.replace(b'\\r\\n', b'\\n'))
";
    let binary = env!("CARGO_BIN_EXE_kubectl-karpcheck");
    let mut command = place.command(&[]);
    let environment: Vec<_> =
        command.get_envs().map(|(name, value)| (name.to_owned(), value.map(std::ffi::OsStr::to_owned))).collect();
    command = Command::new("python3");
    for (name, value) in environment {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.args(["-I", "-c", SCRIPT, &columns.to_string(), binary]).args(args).current_dir(place.path());
    let ended = command.env("NO_COLOR", "1").env("CI", "1").env("TERM", "xterm").stdin(Stdio::null()).output();
    let Ok(ended) = ended else {
        skipped("there is no python3");
        return None;
    };
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    Some(String::from_utf8(ended.stdout).unwrap())
}

/// Holds an output to the file in `terminal/`; with `BLESS=1` in the environment it becomes that file.
fn snapshot(name: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/integration/cli/terminal").join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, actual).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap().replace("\r\n", "\n");
    assert!(expected == actual, "{name} differs; BLESS=1 takes this for right:\n{actual}");
}

/// No line is wider than the terminal, but for a word that has no room on a line of its own.
fn fits(text: &str, columns: usize, what: &str) {
    for line in text.lines().filter(|line| line.chars().count() > columns) {
        let longest = line.split_whitespace().map(|word| word.chars().count()).max().unwrap_or(0);
        let command = line.trim_start().starts_with("run: ") || line.trim_start().starts_with("= run: ");
        assert!(longest + 16 > columns || command, "{what} at {columns}: {line}");
    }
}

/// The cluster of the examples.
fn cluster() -> TestDir {
    fn copy(place: &TestDir, from: &Path, to: &str) {
        for entry in std::fs::read_dir(from).unwrap() {
            let path = entry.unwrap().path();
            let name = format!("{to}/{}", path.file_name().unwrap().to_str().unwrap());
            if path.is_dir() {
                copy(place, &path, &name);
            } else {
                place.write(&name, std::fs::read(&path).unwrap());
            }
        }
    }
    let place = TestDir::new();
    copy(&place, &Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/broken-cluster"), "cluster");
    place
}

#[test]
fn the_table_is_laid_out_to_the_terminal() {
    let place = TestDir::new();
    for columns in WIDTHS {
        let Some(text) = on_terminal(&place, columns, &["check", "--offline", "-f", "good.yaml"]) else { return };
        fits(&text, columns, "check");
        snapshot(&format!("check-{columns}.txt"), &text);
    }
}

#[test]
fn every_command_is_laid_out_to_the_terminal() {
    let place = cluster();
    let commands: [&[&str]; 8] = [
        &["check", "--offline", "-f", "cluster"],
        &["check", "--offline", "-f", "cluster", "-o", "wide"],
        &["rules"],
        &["explain", "queue-aws-managed-key"],
        &["can", "controller", "sqs:ReceiveMessage", "*", "--offline", "-f", "cluster"],
        &["can", "controller", "kms:Decrypt", "*", "--offline", "-f", "cluster", "--all"],
        &["why", "queue-policy-denies-eventbridge", "--offline", "-f", "cluster"],
        &["upgrade", "--to", "1.14.1", "--offline", "-f", "cluster"],
    ];
    for args in commands {
        for columns in WIDTHS {
            let Some(text) = on_terminal(&place, columns, args) else { return };
            assert!(!text.trim().is_empty(), "{args:?}");
            // The lines of files stay as they are.
            let own: Vec<&str> = text.lines().filter(|line| !line.starts_with(['+', '-', ' ', '@'])).collect();
            let quotes = ["upgrade", "explain"].contains(&args[0]);
            fits(if quotes { own.join("\n") } else { text.clone() }.as_str(), columns, &args.join(" "));
        }
    }
}

#[test]
fn the_matrix_of_scopes_fits_whatever_the_width_is() {
    let place = cluster();
    let (deployment, role) =
        (include_str!("../../fixtures/story/deployment.yaml"), include_str!("../../fixtures/story/role.yaml"));
    for name in ["one-with-a-name-of-some-length", "two"] {
        place.write(&format!("{name}/deployment.yaml"), deployment.replace("prod-a", name));
        place.write(&format!("{name}/role.yaml"), role.replace("prod-a", name));
    }
    for columns in WIDTHS {
        let Some(text) = on_terminal(&place, columns, &["check", "--offline", "-f", "."]) else { return };
        let matrix: Vec<&str> = text.lines().take_while(|line| !line.is_empty()).collect();
        assert!(matrix[0].starts_with("SCOPE"), "{text}");
        for scope in ["length", "two"] {
            assert!(matrix.iter().any(|line| line.contains(scope)), "{scope} at {columns}: {text}");
        }
        for line in matrix {
            assert!(line.chars().count() <= columns, "at {columns}: {line}");
        }
    }
}
