//! Packs of rules in their sandbox. The only place that names wasmtime.
