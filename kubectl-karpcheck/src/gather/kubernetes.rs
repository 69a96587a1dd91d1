//! Kubernetes objects, from wherever they were read.

use crate::model::kinds::Plan;
use crate::model::{Builder, Draft};

/// Adds an object, if it is of a kind that is wanted.
pub fn add(builder: &mut Builder, plan: &Plan, draft: Draft) {
    if plan.wants(&draft.kind) {
        builder.add(draft);
    } else {
        builder.skip(1);
    }
}
