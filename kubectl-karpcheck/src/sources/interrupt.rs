//! The user's Ctrl-C, and a supervisor's SIGTERM: what is under way ends at once, and what was found so far is reported.

use std::sync::atomic::{AtomicBool, Ordering};

static RAISED: AtomicBool = AtomicBool::new(false);
static WAITING: AtomicBool = AtomicBool::new(false);

/// Is the run to end?
pub fn is_raised() -> bool {
    RAISED.load(Ordering::Relaxed)
}

/// Waits for a person, or for the program before a pipe. A signal then ends the process: nothing was found that could be reported, and
/// no read comes back by itself.
pub fn while_waiting<T>(wait: impl FnOnce() -> T) -> T {
    WAITING.store(true, Ordering::Relaxed);
    let come = wait();
    WAITING.store(false, Ordering::Relaxed);
    come
}

/// Ends the run: whatever waits stops waiting.
fn raise() {
    RAISED.store(true, Ordering::Relaxed);
}

/// Waits on a thread of its own for the signals that end a run. The first one lets it report what was found; the second one
/// ends the process with 130, as a shell has it.
#[cfg(feature = "live")]
pub fn watch() {
    let thread = std::thread::Builder::new().name("signals".into());
    // Without this thread a signal ends the process as it always did.
    let _ = thread.spawn(|| {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        runtime.block_on(async {
            loop {
                if !signalled().await {
                    return;
                }
                if is_raised() || WAITING.load(Ordering::Relaxed) {
                    #[expect(clippy::exit, reason = "who interrupts twice waits for nothing that is to be written")]
                    std::process::exit(130);
                }
                raise();
            }
        });
    });
}

/// Waits for one of the signals; false where they cannot be waited for.
#[cfg(all(feature = "live", unix))]
async fn signalled() -> bool {
    use std::task::Poll;
    use tokio::signal::unix::{Signal, SignalKind, signal};
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
    let mut streams: Vec<Signal> = kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect();
    if streams.is_empty() {
        return false;
    }
    std::future::poll_fn(|context| {
        if streams.iter_mut().any(|stream| stream.poll_recv(context).is_ready()) {
            Poll::Ready(true)
        } else {
            Poll::Pending
        }
    })
    .await
}

#[cfg(all(feature = "live", not(unix)))]
async fn signalled() -> bool {
    tokio::signal::ctrl_c().await.is_ok()
}
