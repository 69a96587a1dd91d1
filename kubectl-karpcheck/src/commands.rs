//! The commands, one file each: they put gather, engine and report together.

pub mod pack;
