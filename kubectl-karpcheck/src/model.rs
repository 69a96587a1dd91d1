//! The inventory: everything that was gathered, in one shape, with its origins and its gaps.
//!
//! Pure: nothing here reads a file, a cluster or a clock, so nothing here can fail. What could not be read arrives as a
//! [`Problem`]; what is not known is an [`Unknown`](node::Value::Unknown) value that keeps its reason.
//!
//! ```text
//! Draft (from a reader) -> Builder -> Inventory -> select, get, views, find, related, referrers
//! ```

pub mod ack;
pub mod arn;
pub mod aws;
pub mod builder;
pub mod controller;
pub mod edit;
pub mod inventory;
pub mod item;
pub mod kinds;
pub mod node;
pub mod peers;
pub mod pointer;
pub mod problem;
mod relations;
pub mod settle;
pub mod text;
pub mod told;
pub mod verdict;

pub use builder::{Builder, Draft, Stated};
pub use inventory::{Cluster, Field, FieldValue, Found, Inventory, Link, Listing, Seen, Unknown};
pub use item::{AwsFacts, AwsOrigin, ClusterId, Document, Item, ItemId, LiveOrigin, Logical, Origin, SourceKind};
pub use node::{At, Cause, DocId, Key, List, Map, Node, Reason, Value};
pub use problem::Problem;
pub use text::{Address, Answer, Part, Scope, Symbol, Template, Text};
pub use told::{Told, Word};
