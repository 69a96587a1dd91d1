//! Organizations.

use crate::schema::aws::{Kind, Type, Unique, property};

pub(super) const TYPES: &[Type] = &[Type::new(
    "AWS::Organizations::Policy",
    "organisation policy",
    &[
        property("Name", Kind::Text),
        property("Type", Kind::Text),
        property("Content", Kind::Document),
        property("TargetIds", Kind::List(&Kind::Text)),
        property("Tags", Kind::Tags),
    ],
)
.named_by("Name")
.unique(Unique::InAccount)
.kept()];
