//! The clock behind the backstop: it counts an engine's epochs, on a thread of its own, while the engine exists.

use std::io;
use std::thread;
use std::time::Duration;

/// The length of an epoch.
const TICK: Duration = Duration::from_millis(10);

/// Starts the clock.
pub(super) fn start(engine: &wasmtime::Engine) -> io::Result<()> {
    let engine = engine.weak();
    thread::Builder::new().name("karpcheck-epochs".into()).stack_size(64 << 10).spawn(move || {
        // Missed ticks, on a machine that was busy or asleep, are skipped, so that a rule does not lose time by them.
        loop {
            thread::sleep(TICK);
            let Some(engine) = engine.upgrade() else { return };
            engine.increment_epoch();
        }
    })?;
    Ok(())
}

/// A time in epochs, plus the one that has begun.
pub(super) fn ticks(wall: Duration) -> u64 {
    u64::try_from(wall.as_millis() / TICK.as_millis()).unwrap_or(u64::MAX / 2).min(u64::MAX / 2) + 1
}
