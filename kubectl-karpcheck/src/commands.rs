//! The commands, one file each with its arguments and its `run`: they put sources, engine and report together.

pub mod can;
pub mod check;
pub mod collect;
pub mod completion;
pub mod diff;
pub mod explain;
pub mod fix;
pub mod iam_policy;
pub mod man;
pub mod merge;
pub mod pack;
pub mod rbac;
pub mod rules;
pub mod shared;
pub mod snapshot;
pub mod upgrade;
pub mod why;
