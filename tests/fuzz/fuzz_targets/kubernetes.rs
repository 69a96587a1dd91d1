//! Kubernetes objects: Karpenter's, ACK's, Crossplane's, kro's, Argo CD's, Flux's, eksctl's: no text makes the reader panic or hang.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| karpcheck_fuzz::read("a.yaml", data));
