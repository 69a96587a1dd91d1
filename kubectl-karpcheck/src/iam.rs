//! Would AWS allow it? The three-valued evaluation of IAM policies. Pure, like the model.
//!
//! ```text
//! Node -> Document (statements, compiled once; faults)         document, principal, resource, condition
//! Question -> Request + Policies (over an inventory)           request, policies
//! Request + Policies -> Decision (access, why, places, notes)  decide
//! Request + Policies -> trail, statement by statement          trail
//! ```
//!
//! Every step has three answers. What is not known makes the decision unknown only where it could change it. A document
//! that nobody gave is taken to hold no Deny: it makes a denial unknown, and an allow keeps a note. A hole *inside* a
//! document that was given counts both ways.

mod action;
mod arn;
mod condition;
mod context;
mod decide;
mod document;
mod environment;
mod fault;
mod fold;
mod grant;
mod identity;
mod managed;
mod pattern;
mod policies;
mod principal;
pub mod request;
mod resource;
mod services;
mod trail;

pub use context::{Context, Given};
pub use decide::{Access, Decision, decide, rule};
pub use document::{Document, PolicyKind, validate};
pub use environment::Request;
pub use fault::{Consequence, Fault};
pub use grant::Grant;
pub use identity::{Identity, IdentityKind, Principal};
pub use policies::{Boundary, Policies, Policy};
pub use request::{Cache, Evaluator, Operand, PrincipalSpec, RequestSpec, Target};
pub use services::no_such_action;
pub use trail::{ElementTrail, StatementTrail, trail};
