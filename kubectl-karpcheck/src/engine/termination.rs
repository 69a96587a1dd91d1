//! How a guest's run ended early, in words.

use wasmtime::Trap;

use crate::engine::guest_fault::GuestFault;
use crate::engine::host::Host;
use crate::engine::limits::Limits;
use crate::engine::text;

/// How a run ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct RunFailure {
    /// Completes "the rule …": "ran out of fuel".
    pub(super) what: String,
    /// The details: what it did, what it had logged. May be empty.
    pub(super) how: String,
}

impl RunFailure {
    pub(super) fn new(error: &wasmtime::Error, host: &mut Host) -> Self {
        let limits = &std::sync::Arc::clone(&host.limits);
        let (what, mut how) = if let Some(stop) = error.downcast_ref::<GuestFault>() {
            let what = match stop {
                GuestFault::Mistake(_) => "made a mistake",
                GuestFault::Limit(_) => "went beyond its limits",
            };
            let how = match stop {
                GuestFault::Mistake(how) => how.clone(),
                GuestFault::Limit(how) => beside(how, &host.asked()),
            };
            (what.to_owned(), how)
        } else {
            match error.downcast_ref::<Trap>() {
                Some(Trap::OutOfFuel) => (
                    "ran out of fuel".into(),
                    beside(&format!("it used up the {} units that one subject may cost", limits.fuel), &host.asked()),
                ),
                Some(Trap::Interrupt) => {
                    (slow(limits), beside("its work depends on how much there is to judge", &host.asked()))
                }
                Some(Trap::StackOverflow) => ("crashed".into(), "its calls nest too deep".into()),
                Some(trap) => ("crashed".into(), trap.to_string()),
                // wasmtime gives this error no type of its own.
                None if error.to_string().contains("fuel allocated for hostcalls") => {
                    ("went beyond its limits".into(), format!("it gives more than {} bytes at once", limits.call_bytes))
                }
                None => ("crashed".into(), text::line(&format!("{error:#}"), 500)),
            }
        };
        if what == "crashed" {
            let log: Vec<String> = host.take_log().into();
            if !log.is_empty() {
                how = format!("{how}; it had logged: {}", text::line(&log.join(" / "), limits.message));
            }
        }
        Self { what, how }
    }

    /// "ran out of fuel: it used up …"
    pub(super) fn sentence(&self) -> String {
        if self.how.is_empty() { self.what.clone() } else { format!("{}: {}", self.what, self.how) }
    }
}

/// A limit that was reached, and what the rule had asked for until then.
fn beside(limit: &str, asked: &str) -> String {
    if asked.is_empty() { limit.to_owned() } else { format!("{limit}; it had called {asked}") }
}

fn slow(limits: &Limits) -> String {
    format!("took longer than {} s", limits.wall.as_secs_f64())
}
