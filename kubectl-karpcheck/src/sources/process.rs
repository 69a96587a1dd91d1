//! Somebody else's program, waited for no longer than it is worth.

use std::io::Read;
use std::process::Child;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

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

/// Waits for a program and takes what it prints to the streams that are piped, up to `most` bytes each. One that does not
/// end in time is killed: None.
pub(super) fn finish(mut child: Child, patience: Duration, most: u64) -> Option<Ended> {
    // Both streams are read beside the waiting, so that a program that says much does not block. The readers are not
    // waited for longer than the program: a daemon that it leaves behind may hold the streams open.
    let out = reader(child.stdout.take(), most);
    let err = reader(child.stderr.take(), most);
    let end = Instant::now() + patience;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => {
                let rest = Duration::from_secs(2);
                let out = out.recv_timeout(rest).unwrap_or_default();
                let err = err.recv_timeout(rest).unwrap_or_default();
                return Some(Ended { success: status.success(), out, err });
            }
            Ok(None) if Instant::now() < end => std::thread::sleep(Duration::from_millis(10)),
            _ => {
                // It may have ended by itself just now, which is as good.
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    }
}

fn reader(stream: Option<impl Read + Send + 'static>, most: u64) -> Receiver<Vec<u8>> {
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = vec![];
        if let Some(stream) = stream {
            let _ = stream.take(most).read_to_end(&mut bytes);
        }
        let _ = send.send(bytes);
    });
    receive
}
