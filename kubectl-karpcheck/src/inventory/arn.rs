//! Amazon Resource Names, known in part or as a whole.

use std::sync::LazyLock;

use crate::inventory::node::Value;
use crate::inventory::reason::{Cause, Gathered, Reason};
use crate::inventory::ternary::Ternary;
use crate::inventory::text::{Part, Symbol, SymbolScope, Text};
use crate::schema::aws;
use crate::schema::aws::Between;

/// The name of a pseudo parameter, by the part of an ARN that it stands for.
pub const PARTITION: &str = "${AWS::Partition}";
/// The region.
pub const REGION: &str = "${AWS::Region}";
/// The account.
pub const ACCOUNT: &str = "${AWS::AccountId}";

/// The symbol for a partition, account or region that was not stated: the same one everywhere in a run.
pub fn unstated(name: &str) -> Text {
    // Each request to IAM asks for some.
    static ALL: LazyLock<[(&str, Text); 3]> =
        LazyLock::new(|| [PARTITION, REGION, ACCOUNT].map(|name| (name, new_unstated(name))));
    ALL.iter().find(|(known, _)| *known == name).map_or_else(|| new_unstated(name), |(_, text)| text.clone())
}

fn new_unstated(name: &str) -> Text {
    let gap = match name {
        PARTITION => Gathered::Partition,
        REGION => Gathered::Region,
        _ => Gathered::Account,
    };
    let reason = Reason::new(Cause::NotProvided, gap);
    Text::symbol(Symbol { name: name.into(), scope: SymbolScope::AccountRegion, reason })
}

/// Where something lives.
#[derive(Clone, Debug)]
pub struct AccountRegion {
    /// `aws`.
    pub partition: Text,
    /// `eu-west-1`.
    pub region: Text,
    /// The account's number.
    pub account: Text,
}

/// The ARN of a resource of a CloudFormation type by what its ARN ends in (a queue's name, a key's id, a role's name with
/// its path, see [`resource_id`]), if the type's ARNs are made of nothing else.
pub fn compose(kind: &str, home: &AccountRegion, id: &Text) -> Option<Text> {
    let shape = aws::of(kind)?.arn?;
    let known = |text: &str| Part::Known(text.into());
    let mut parts = vec![known("arn:")];
    parts.extend(home.partition.clone().into_parts());
    parts.push(known(&format!(":{}:", shape.service)));
    if shape.regional {
        parts.extend(home.region.clone().into_parts());
    }
    parts.push(known(":"));
    if shape.account {
        parts.extend(home.account.clone().into_parts());
    }
    parts.push(known(&format!(":{}", shape.prefix)));
    parts.extend(id.clone().into_parts());
    Some(Text::from_parts(parts))
}

/// What a resource's ARN ends in, from the identifier by which others refer to it and its properties: a role's path stands
/// before its name, a rule's bus, too. None where that is unknown.
pub fn resource_id(kind: &str, id: &Text, property: &dyn Fn(&str) -> Option<Value>) -> Option<Text> {
    let between = aws::of(kind).and_then(|known| known.arn).map_or(Between::Nothing, |arn| arn.between);
    let (name, default, required) = match between {
        Between::Nothing => return Some(id.clone()),
        Between::Path(name) => (name, "/", false),
        Between::Parent { property, default } => (property, default, false),
        Between::Within(name) => (name, "", true),
    };
    let before = match property(name) {
        Some(Value::Text(text)) if !text.is_empty() && !text.is(default) => text,
        Some(Value::Unknown(_)) => return None,
        _ if required => return None,
        _ => return Some(id.clone()),
    };
    // A path begins and ends with a slash; the type's own prefix has the first one.
    let mut parts = before.into_parts();
    match between {
        Between::Path(_) => {
            if let Some(Part::Known(first)) = parts.first_mut() {
                *first = first.trim_start_matches('/').into();
            }
        }
        _ => parts.push(Part::Known("/".into())),
    }
    Some(Text::from_parts(parts.into_iter().chain(id.clone().into_parts())))
}

/// The identifier by which others refer to a resource, from what its ARN ends in.
pub fn identifier(kind: &str, resource: &Text) -> Text {
    match (resource.known(), aws::of(kind).and_then(|known| known.arn)) {
        (_, Some(arn)) if arn.prefix.is_empty() => resource.clone(),
        // `key/ID`, `role/PATH/NAME`, `rule/NAME` or `rule/BUS/NAME`, `table/NAME`.
        (Some(known), _) => known.rsplit('/').next().unwrap_or(known).into(),
        (None, _) => resource.clone(),
    }
}

/// The six parts of an ARN; none if it does not begin like one or has fewer.
pub fn split(arn: &Text) -> Option<[Text; 6]> {
    if !arn.starts_with("arn:") {
        return None;
    }
    if let Some(known) = arn.known() {
        let parts: Vec<Text> = known.splitn(6, ':').map(Text::from).collect();
        return parts.try_into().ok();
    }
    let mut parts: Vec<Vec<Part>> = vec![vec![]];
    for piece in arn.clone().into_parts() {
        match piece {
            Part::Known(text) => {
                for (number, part) in text.splitn(7 - parts.len(), ':').enumerate() {
                    if number > 0 {
                        parts.push(vec![]);
                    }
                    parts.last_mut()?.push(Part::Known(part.into()));
                }
            }
            Part::Hole(symbol) => parts.last_mut()?.push(Part::Hole(symbol)),
        }
    }
    let texts: Vec<Text> = parts.into_iter().map(Text::from_parts).collect();
    texts.try_into().ok()
}

/// Do two ARNs name the same resource? Partition, region and account may be unstated on either side; service and
/// resource must be the same. Unlike [`Text::same`] this joins what can only be meant for each other.
pub fn joins(one: &Text, other: &Text) -> bool {
    let (Some(one), Some(other)) = (split(one), split(other)) else { return false };
    one.iter().zip(&other).enumerate().all(|(index, (a, b))| match index {
        1 | 3 | 4 => a.same(b) != Ternary::No,
        _ => a.same(b) == Ternary::Yes,
    })
}
