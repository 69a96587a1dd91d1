// How wasmtime is set up. The build script includes this file too: the built-in pack, compiled ahead of time, loads only
// into an engine with the same settings.

/// Address space reserved for a linear memory, so that it grows in place. The limiter lets no memory grow beyond it. Far
/// less than wasmtime's 4 GiB: shells and containers with `ulimit -v` are not so rare.
pub(crate) const MEMORY_RESERVATION: u64 = 256 << 20;

/// The settings that decide what code is made for a system, and which proposals a component may use.
pub(crate) fn config(windows: bool) -> wasmtime::Config {
    let mut config = wasmtime::Config::new();
    // Fuel limits a rule, the epoch is the backstop.
    config.consume_fuel(true);
    config.epoch_interruption(true);
    // The same inventory gives the same verdicts on every machine.
    config.cranelift_nan_canonicalization(true);
    config.wasm_relaxed_simd(false);
    // No guest language needs these.
    config.wasm_memory64(false);
    config.wasm_wide_arithmetic(false);
    config.wasm_custom_page_sizes(false);
    config.memory_reservation(MEMORY_RESERVATION);
    config.memory_reservation_for_growth(0);
    config.memory_guard_size(64 << 10);
    // A guest's stack, well below that of the thread it runs on.
    config.max_wasm_stack(512 << 10);
    // The rule's own log explains a crash: addresses in a stripped pack do not.
    config.wasm_backtrace_max_frames(None);
    config.generate_address_map(false);
    // For debuggers: a trap is found without, and it would be a tenth of a compiled pack. Windows runs no code without it.
    config.native_unwind_info(windows);
    config
}
