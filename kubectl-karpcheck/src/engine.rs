//! Packs of rules in their sandbox. The only place that names wasmtime.
//!
//! ```text
//! component -> names proven -> compiled (child process, cache) -> proven again -> linked -> rules listed -> Pack
//! rule + inventory -> parts of its subjects -> a fresh store for each -> check, subject by subject -> findings
//! ```
//!
//! A pack is a WebAssembly component that imports at most `karpcheck:rules/inventory`, so a rule reaches nothing but the
//! inventory, and of that only the kinds that it declares. Its time is limited by fuel, so that the same input gives the
//! same verdicts on every machine. Wall time, memory, the host's work for it and the size of its output are limited too,
//! see [`Limits`]. A rule that fails loses its own verdicts only.

mod budget;
mod cache;
mod compile;
mod config;
mod contract;
mod decide;
mod describe;
mod epoch;
mod guest_calls;
mod guest_fault;
mod host;
mod imports;
mod limiter;
mod limits;
mod native;
mod nesting;
mod pack;
mod recorder;
mod rule_run;
mod termination;
mod text;
mod verdict;
mod versions;

use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use wasmtime::Store;
use wasmtime::component::Linker;

use crate::inventory::Wording;

pub use cache::Cache;
pub use compile::{COMMAND as COMPILE_COMMAND, compile_child};
pub use describe::kebab;
pub use imports::{NotAPack, interface_names};
pub use limits::Limits;
pub use pack::{Pack, PackError, PackFault};
pub use recorder::{RecordedVerdict, Recorder};
pub use rule_run::{Selected, SettingError, run_rules, run_rules_for};

use host::Host;

/// Each has the memory of an instance, and what a run does beside its rules is done by one.
const MOST_THREADS: usize = 8;

/// The sandbox could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// This processor or operating system cannot run it.
    #[error("set up the sandbox for rules on this machine: {0:#}")]
    Setup(wasmtime::Error),
    /// No thread could be started.
    #[error("start the clock that stops endless rules: {0}")]
    Clock(#[source] std::io::Error),
}

/// Loads packs and runs their rules.
pub struct Engine {
    engine: wasmtime::Engine,
    linker: Linker<Host>,
    limits: Arc<Limits>,
    cache: Option<Cache>,
    compiler: Option<PathBuf>,
    threads: usize,
    recorder: Option<Recorder>,
    wording: Wording,
}

impl Engine {
    /// An engine and its clock. Without a cache, custom packs are compiled in each run.
    pub fn new(limits: Limits, cache: Option<Cache>) -> Result<Self, EngineError> {
        let engine = wasmtime::Engine::new(&config::config(cfg!(windows))).map_err(EngineError::Setup)?;
        let mut linker = Linker::new(&engine);
        guest_calls::link(&mut linker).map_err(EngineError::Setup)?;
        epoch::start(&engine).map_err(EngineError::Clock)?;
        let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get).min(MOST_THREADS);
        Ok(Self {
            engine,
            linker,
            limits: Arc::new(limits),
            cache,
            compiler: compile::own_program(),
            threads,
            recorder: None,
            wording: Wording::default(),
        })
    }

    /// The program whose hidden command [`COMPILE_COMMAND`] compiles custom packs, under limits of its own. The default is
    /// this program, if its name is `kubectl-karpcheck`; without one, packs are compiled here, without a limit.
    #[must_use]
    pub fn compiler(self, program: Option<PathBuf>) -> Self {
        Self { compiler: program, ..self }
    }

    /// How many rules, or parts of their subjects, run at a time: by default as many as there are processors, up to 8. The
    /// verdicts do not depend on it.
    #[must_use]
    pub fn threads(self, threads: NonZeroUsize) -> Self {
        Self { threads: threads.get(), ..self }
    }

    /// Records what rules ask of IAM.
    #[must_use]
    pub fn recorded(self, recorder: Recorder) -> Self {
        Self { recorder: Some(recorder), ..self }
    }

    /// Has all sentences worded otherwise: what rules are told, and what they say.
    #[must_use]
    pub fn worded(self, wording: Wording) -> Self {
        Self { wording, ..self }
    }

    /// The limits of this engine.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// A new store with all its fuel, whose wall time starts now.
    fn store(&self, host: Host) -> wasmtime::Result<Store<Host>> {
        let (limits, wall) = (Arc::clone(&host.limits), host.wall);
        let mut store = Store::new(&self.engine, host);
        store.limiter(|host| &mut host.limiter);
        store.set_hostcall_fuel(limits.call_bytes);
        store.set_epoch_deadline(epoch::ticks(wall));
        store.set_fuel(limits.fuel)?;
        Ok(store)
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limits, cache, compiler, threads, recorder: _, engine: _, linker: _, wording: _ } = self;
        f.debug_struct("Engine")
            .field("limits", limits)
            .field("cache", cache)
            .field("compiler", compiler)
            .field("threads", threads)
            .finish_non_exhaustive()
    }
}
