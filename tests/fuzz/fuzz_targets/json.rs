//! JSON of any shape: no text makes the reader panic or hang.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| karpcheck_fuzz::read("a.json", data));
