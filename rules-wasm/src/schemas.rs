//! What an API server accepts: the schemas of CRDs, those of the cluster or of Karpenter's releases, and objects held against
//! them.

mod cel;
mod deciding;
mod json;
mod judge;
mod schema;
mod table;
mod tree;

pub(crate) use deciding::{
    Completeness, Deciding, READS, Who, Written, deciding, dotted, is_of_another_version, meant, running, schema_of,
    version_in, version_of,
};
pub(crate) use judge::{Broken, Fault};
pub(crate) use schema::Schema;
pub(crate) use table::{Release, Served, kinds, parse, release, served, versions_of};
pub(crate) use tree::Node;
