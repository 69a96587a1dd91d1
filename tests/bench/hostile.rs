//! What each hostile pack took: `cargo bench -p kubectl-karpcheck --bench hostile` prints the table of docs/threat-model.md. It
//! watches processes through /proc, so it is for Linux; `KARPCHECK_BIN` names another build of the program.

#![expect(clippy::print_stdout, reason = "a benchmark prints")]
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on ends there")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[path = "../integration/sandbox/guest.rs"]
#[expect(dead_code, reason = "the tests need more of the guests than this does")]
mod guest;

/// What all packs are asked about.
const QUEUES: &str = "AWSTemplateFormatVersion: '2010-09-09'\nResources:\n  One: {Type: 'AWS::SQS::Queue', Properties: {QueueName: one}}\n  \
                      Two: {Type: 'AWS::SQS::Queue', Properties: {QueueName: two}}\n";

fn main() {
    let program = std::env::var_os("KARPCHECK_BIN").unwrap_or_else(|| env!("CARGO_BIN_EXE_kubectl-karpcheck").into());
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("queues.yaml"), QUEUES).unwrap();
    println!("| guest | bytes | time | memory | exit code | how it ends |\n|---|---|---|---|---|---|");
    for name in guests() {
        let component = guest::component(&name);
        fs::write(folder.path().join("pack.wasm"), &component).unwrap();
        let Took { time, memory, code, out } = run(Path::new(&program), folder.path());
        let (bytes, seconds) = (component.len(), time.as_secs_f64());
        println!("| `{name}` | {bytes} | {seconds:.1} s | {} MB | {code} | {} |", memory / 1000, ended(&out));
    }
}

/// The names of all guests.
fn guests() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/components");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let guests = files.filter(|file| file.extension().is_some_and(|ending| ending == "wat"));
    let names = guests.map(|file| file.file_stem().unwrap().to_string_lossy().into_owned());
    names.filter(|name| name != "prelude").collect()
}

struct Took {
    time: Duration,
    /// Kilobytes that the program and those that it started held at most, each at its own peak.
    memory: u64,
    code: i32,
    out: String,
}

fn run(program: &Path, folder: &Path) -> Took {
    let begun = Instant::now();
    let out = folder.join("out");
    let mut child = Command::new(program)
        .args(["check", "--offline", "-f", "queues.yaml", "--pack", "pack.wasm"])
        .current_dir(folder)
        // An empty home each time: nothing is compiled yet.
        .env("HOME", tempfile::tempdir().unwrap().path())
        .env_remove("XDG_CACHE_HOME")
        .stdout(fs::File::create(&out).unwrap())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (mut own, mut started) = (0, 0);
    let code = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status.code().unwrap_or(-1);
        }
        let id = child.id();
        own = own.max(peak(id));
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
        started = children.split_whitespace().filter_map(|id| id.parse().ok()).map(peak).fold(started, u64::max);
        std::thread::sleep(Duration::from_millis(1));
    };
    Took { time: begun.elapsed(), memory: own + started, code, out: fs::read_to_string(&out).unwrap_or_default() }
}

/// The most that a process has held so far, in kilobytes.
fn peak(process: u32) -> u64 {
    let status = fs::read_to_string(PathBuf::from(format!("/proc/{process}/status"))).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

/// What the first problem says happened, without whose it is.
fn ended(out: &str) -> String {
    let Some(said) = out.lines().find_map(|line| line.strip_prefix("problem: ")) else { return "judged".into() };
    let said = said.split_once(": ").filter(|_| said.starts_with("rule ")).map_or(said, |(_, how)| how);
    let said = said.split("pack.wasm was refused: ").last().unwrap_or(said);
    said.chars().take(110).collect::<String>().replace('|', "/")
}
