//! Where principal and target live, and the parts of an ARN that follow from it.

use crate::inventory::arn;
use crate::inventory::arn::AccountRegion;
use crate::inventory::{Item, Node, Part, SymbolScope, Text, Value};

use crate::iam::arn::split;
use crate::schema::aws;

/// What is known of a home.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    pub(super) partition: Option<Text>,
    pub(super) region: Option<Text>,
    pub(super) account: Option<Text>,
}

impl Known {
    pub(super) fn of_item(item: Option<&Item>) -> Self {
        let Some(facts) = item.and_then(|item| item.aws.as_deref()) else { return Self::default() };
        let text = |node: &Option<Node>| match node.as_ref().map(|node| &node.value) {
            Some(Value::Text(text)) if !text.is_empty() && !unstated(text) => Some(text.clone()),
            _ => None,
        };
        let arn = match facts.arn.as_ref().map(|node| &node.value) {
            Some(Value::Text(arn)) => Self::of_arn(arn),
            _ => Self::default(),
        };
        Self { partition: text(&facts.partition), region: text(&facts.region), account: text(&facts.account) }.or(arn)
    }

    /// The region that an item says it works in, and its partition.
    pub(super) fn said_by(item: Option<&Item>) -> Self {
        let Some(region) = item.and_then(|item| item.body.str_at(&["Region"])).filter(|region| !region.is_empty())
        else {
            return Self::default();
        };
        Self { partition: aws::partition_of(region).map(Text::from), region: Some(region.into()), account: None }
    }

    pub(super) fn of_arn(arn: &Text) -> Self {
        let Some(parts) = split(arn) else { return Self::default() };
        let part = |index: usize| Some(&parts[index]).filter(|part| !part.is_empty() && !unstated(part)).cloned();
        Self { partition: part(1), region: part(3), account: part(4).filter(|part| part.known() != Some("aws")) }
    }

    pub(super) fn or(self, other: Self) -> Self {
        Self {
            partition: self.partition.or(other.partition),
            region: self.region.or(other.region),
            account: self.account.or(other.account),
        }
    }

    pub(super) fn home(self) -> AccountRegion {
        AccountRegion {
            partition: self.partition.unwrap_or_else(|| arn::unstated(arn::PARTITION)),
            region: self.region.unwrap_or_else(|| arn::unstated(arn::REGION)),
            account: self.account.unwrap_or_else(|| arn::unstated(arn::ACCOUNT)),
        }
    }

    /// Where the resources of a policy live, as far as all of them agree.
    pub(super) fn of_policies<'n>(documents: impl Iterator<Item = &'n Node>) -> Self {
        let mut found: [Vec<String>; 3] = [vec![], vec![], vec![]];
        let mut requested: Vec<String> = vec![];
        for document in documents {
            let statements = document.member("Statement");
            let list = statements.map(Node::elements).unwrap_or_default();
            for statement in list.iter().chain(statements.filter(|node| node.as_map().is_some())) {
                for region in requested_regions(statement) {
                    if !requested.iter().any(|known| known == region) {
                        requested.push(region.to_owned());
                    }
                }
                let Some(resource) = statement.member("Resource") else { continue };
                for text in resource.elements().iter().chain(std::iter::once(resource)).filter_map(Node::as_str) {
                    let parts: Vec<&str> = text.splitn(6, ':').collect();
                    if parts.len() < 6 || parts[4] == "aws" {
                        continue;
                    }
                    for (slot, index) in [1, 3, 4].into_iter().enumerate() {
                        let part = parts[index];
                        let plain = !part.is_empty() && !part.contains(['*', '?', '$']);
                        if plain && !found[slot].iter().any(|known| known == part) {
                            found[slot].push(part.to_owned());
                        }
                    }
                }
            }
        }
        if found[1].is_empty() {
            found[1] = requested;
        }
        let only = |all: &[String]| match all {
            [one] => Some(Text::from(one.as_str())),
            _ => None,
        };
        Self { partition: only(&found[0]), region: only(&found[1]), account: only(&found[2]) }
    }
}

/// The regions that a statement is limited to by `aws:RequestedRegion`.
fn requested_regions(statement: &Node) -> impl Iterator<Item = &str> {
    statement
        .member("Condition")
        .and_then(|condition| condition.member("StringEquals"))
        .and_then(|keys| keys.member("aws:RequestedRegion"))
        .into_iter()
        .flat_map(|regions| regions.elements().iter().chain(std::iter::once(regions)))
        .filter_map(Node::as_str)
}

/// Is it a partition, region or account that nobody stated?
pub(super) fn unstated(text: &Text) -> bool {
    text.hole().is_some_and(|symbol| symbol.scope == SymbolScope::AccountRegion && text.is(&symbol.name))
}

/// Puts a home in for `${AWS::Region}` and its like.
pub(super) fn fill(text: &Text, home: &AccountRegion) -> Text {
    if !text.holes().any(|symbol| symbol.scope == SymbolScope::AccountRegion) {
        return text.clone();
    }
    let refers = text.refers().cloned();
    let parts = text.clone().into_parts().into_iter().flat_map(|part| match part {
        Part::Hole(symbol) if symbol.scope == SymbolScope::AccountRegion => match &*symbol.name {
            arn::PARTITION => home.partition.clone().into_parts(),
            arn::REGION => home.region.clone().into_parts(),
            arn::ACCOUNT => home.account.clone().into_parts(),
            _ => vec![Part::Hole(symbol)],
        },
        part => vec![part],
    });
    let filled = Text::from_parts(parts);
    match refers {
        Some(address) => filled.referring(address),
        None => filled,
    }
}

/// Fills in the parts of an ARN that were left empty, as far as ARNs of its kind have them.
pub(super) fn complete(written: &Text, home: &AccountRegion) -> Text {
    taken_apart(written, home).1
}

/// The same, and the parts that it then has.
pub(super) fn taken_apart(written: &Text, home: &AccountRegion) -> (Option<[Text; 6]>, Text) {
    let written = fill(written, home);
    let parts = split(&written);
    if !written.starts_with("arn:") || written.refers().is_some() {
        return (parts, written);
    }
    let Some(mut parts) = parts else { return (None, written) };
    let service = parts[2].known().unwrap_or_default();
    let regional = !matches!(service, "iam" | "s3" | "sts" | "organizations" | "cloudfront" | "route53" | "");
    let begins = |beginning: &str| parts[5].starts_with(beginning);
    let owned = match service {
        "s3" | "" => false,
        "ec2" => !(begins("image/") || begins("snapshot/")),
        "ssm" => !begins("parameter/aws/"),
        _ => true,
    };
    if parts[1].is_empty() {
        parts[1] = home.partition.clone();
    }
    if parts[3].is_empty() && regional {
        parts[3] = home.region.clone();
    }
    if parts[4].is_empty() && owned {
        parts[4] = home.account.clone();
    }
    let known: Option<Vec<&str>> = parts.iter().map(Text::known).collect();
    let whole = known.map_or_else(
        || {
            let colon = || Part::Known(":".into());
            let joined = parts
                .iter()
                .enumerate()
                .flat_map(|(index, part)| (index > 0).then(colon).into_iter().chain(part.clone().into_parts()));
            Text::from_parts(joined)
        },
        |known| Text::from(known.join(":")),
    );
    (Some(parts), whole)
}
