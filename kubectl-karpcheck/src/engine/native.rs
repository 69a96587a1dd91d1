//! Machine code that this program or its build made. The only unsafe code of this program; beside it there is the
//! allocator of packs, which runs in the sandbox.

use wasmtime::Engine;
use wasmtime::component::Component;

/// Loads a component's machine code.
///
/// The bytes must be what [`Engine::precompile_component`] returned: wasmtime checks its version and settings in them, not
/// the code. So the callers are three: the code embedded by the build, what the compiling child just answered, and the
/// user's cache, whose owner, mode and digest were checked. A `.cwasm` file from a user never gets here.
#[expect(unsafe_code, reason = "wasmtime trusts machine code; see above for whose this is")]
pub(super) fn load(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: the bytes come from `precompile_component`, by the rule above.
    unsafe { Component::deserialize(engine, code) }
}
