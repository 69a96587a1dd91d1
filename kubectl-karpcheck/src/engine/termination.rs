//! How a guest's run ended early, in words.

use wasmtime::Trap;

use crate::engine::guest_fault::GuestFault;
use crate::engine::host::Host;
use crate::engine::text;

/// What ended a run: completes "the rule …".
#[derive(Clone, Copy, PartialEq, Debug, thiserror::Error)]
pub(super) enum FailureKind {
    /// It called the host, or answered it, in a way that the contract does not allow.
    #[error("made a mistake")]
    Mistake,
    /// It asked for more than one run may have.
    #[error("went beyond its limits")]
    Limit,
    /// The fuel of one subject is spent.
    #[error("ran out of fuel")]
    OutOfFuel,
    /// The wall time of one run, in seconds, is over.
    #[error("took longer than {0} s")]
    TooSlow(f64),
    /// A trap of its own.
    #[error("crashed")]
    Crashed,
    /// Its pack, or the run, had nothing left for it.
    #[error("was left out")]
    LeftOut,
    /// There was no room for it.
    #[error("could not be started")]
    NotStarted,
}

/// How a run ended.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct RunFailure {
    /// What ended it.
    pub(super) kind: FailureKind,
    /// The details: what it did, what it had logged. May be empty.
    pub(super) how: String,
}

impl From<&GuestFault> for RunFailure {
    fn from(fault: &GuestFault) -> Self {
        match fault {
            GuestFault::Mistake(how) => Self { kind: FailureKind::Mistake, how: how.clone() },
            GuestFault::Limit(how) => Self { kind: FailureKind::Limit, how: how.clone() },
        }
    }
}

impl RunFailure {
    pub(super) fn new(error: &wasmtime::Error, host: &mut Host) -> Self {
        let limits = &std::sync::Arc::clone(&host.limits);
        let (kind, mut how) = if let Some(stop) = error.downcast_ref::<GuestFault>() {
            let Self { kind, how } = stop.into();
            let how = if kind == FailureKind::Limit { beside(&how, &host.asked()) } else { how };
            (kind, how)
        } else {
            match error.downcast_ref::<Trap>() {
                Some(Trap::OutOfFuel) => (
                    FailureKind::OutOfFuel,
                    beside(&format!("it used up the {} units that one subject may cost", limits.fuel), &host.asked()),
                ),
                Some(Trap::Interrupt) => (
                    FailureKind::TooSlow(host.wall.as_secs_f64()),
                    beside("its work depends on how much there is to judge", &host.asked()),
                ),
                Some(Trap::StackOverflow) => (FailureKind::Crashed, "its calls nest too deep".into()),
                Some(trap) => (FailureKind::Crashed, trap.to_string()),
                // wasmtime gives this error no type of its own.
                None if error.to_string().contains("fuel allocated for hostcalls") => {
                    (FailureKind::Limit, format!("it gives more than {} bytes at once", limits.call_bytes))
                }
                None => (FailureKind::Crashed, text::line(&format!("{error:#}"), 500)),
            }
        };
        if kind == FailureKind::Crashed {
            let log: Vec<String> = host.take_log().into();
            if !log.is_empty() {
                how = format!("{how}; it had logged: {}", text::line(&log.join(" / "), limits.message));
            }
        }
        Self { kind, how }
    }

    /// "ran out of fuel: it used up …"
    pub(super) fn sentence(&self) -> String {
        if self.how.is_empty() { self.kind.to_string() } else { format!("{}: {}", self.kind, self.how) }
    }
}

/// A limit that was reached, and what the rule had asked for until then.
fn beside(limit: &str, asked: &str) -> String {
    if asked.is_empty() { limit.to_owned() } else { format!("{limit}; it had called {asked}") }
}
