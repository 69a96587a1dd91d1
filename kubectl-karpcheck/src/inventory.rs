//! The inventory: everything that was gathered, in one shape, with its origins and its gaps.
//!
//! Pure: nothing here reads a file, a cluster or a clock, so nothing here can fail. What could not be read arrives as a
//! [`Problem`]; what is not known is an [`Unknown`](node::Value::Unknown) value that keeps its reason.
//!
//! ```text
//! Draft (from a reader) -> Builder -> Inventory -> select, get, views, find, related, referrers
//! ```

mod absence;
pub mod answer;
pub mod arn;
pub mod builder;
pub mod cluster;
pub mod id;
pub mod item;
pub(crate) mod location;
pub mod lookup;
pub mod node;
pub(crate) mod paths;
pub mod peers;
pub mod pointer;
pub mod problem;
mod query;
pub mod reason;
mod references;
pub mod remark;
mod repository;
pub mod scope;
pub mod scopes;
pub mod stated;
mod ternary;
pub mod text;
mod wording;

pub use answer::{Field, FieldValue, Found, Link, Seen, Unknown};
pub use builder::{Builder, Derivation, Draft};
pub use cluster::{Cluster, ClusterLogin, Listing};
pub use id::ItemId;
pub use item::{
    AwsFacts, AwsOrigin, ClusterId, Document, Item, LiveOrigin, Logical, Origin, Place, SourceKind, UnitPart,
};
pub use lookup::{LookupRecord, LookupResult};
pub use node::{At, DocId, Key, List, Map, Node, Value, json_number};
pub use problem::{Problem, ProblemClass};
pub use reason::{Cause, Fact, Gap, Reason, Settlement};
pub use remark::Remark;
pub use scope::Scope;
pub use scopes::Inventory;
pub use stated::{ScopePattern, ScopedFacts, SettingPlace, Stated, StatedFact};
pub use ternary::Ternary;
pub use text::{Address, Part, Symbol, SymbolScope, Template, Text};
pub use wording::Wording;
