//! The clock behind the backstop: it counts an engine's epochs, on a thread of its own, as long as the engine lives.

use std::io;
use std::thread;
use std::time::Duration;

/// The length of an epoch.
const TICK: Duration = Duration::from_millis(10);

/// Starts the clock.
pub(super) fn start(engine: &wasmtime::Engine) -> io::Result<()> {
    let engine = engine.weak();
    thread::Builder::new().name("karpcheck-epochs".into()).stack_size(64 << 10).spawn(move || {
        // Ticks that were missed, on a machine that was busy or asleep, are not made up for: a rule loses nothing by it.
        loop {
            thread::sleep(TICK);
            let Some(engine) = engine.upgrade() else { return };
            engine.increment_epoch();
        }
    })?;
    Ok(())
}

/// A time in epochs. The one that is running is never whole.
pub(super) fn ticks(wall: Duration) -> u64 {
    u64::try_from(wall.as_millis() / TICK.as_millis()).unwrap_or(u64::MAX / 2).min(u64::MAX / 2) + 1
}
