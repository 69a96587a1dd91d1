//! AWS's resource types as CloudFormation publishes them: one table, from which follow what a property holds, what it
//! refers to, what names a resource, and how its ARN is made.
//!
//! Only properties that some rule, relation or source depends on are listed. Others are kept as a source writes them.

mod dynamodb;
mod ec2;
mod eks;
mod events;
mod iam;
mod karpcheck;
mod kms;
mod organizations;
mod sqs;

pub use karpcheck::{CLUSTER, CONTROLLER, EBS_DEFAULTS};

/// A resource type.
#[derive(Clone, Copy, Debug)]
pub struct Type {
    /// `AWS::SQS::Queue`, or `Karpcheck::…` for facts that AWS has no type for.
    pub name: &'static str,
    /// What people call one: `queue`.
    pub noun: &'static str,
    /// The property by which others refer to one, if there is such: a name, or an id that AWS gives.
    pub identifier: Option<&'static str>,
    /// Does AWS give the identifier, so that no template has it?
    pub given_by_aws: bool,
    /// What `Ref` of CloudFormation gives of it.
    pub reference: Ref,
    /// How its ARN is made, if it follows from other properties.
    pub arn: Option<Arn>,
    /// Where two of them cannot have one identifier.
    pub unique: Unique,
    /// Is it kept whether a rule declares it or not, since others refer to it or are described by it?
    pub always: bool,
    /// The properties.
    pub properties: &'static [Property],
}

/// What `Ref` of CloudFormation gives of a resource.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ref {
    /// The property that identifies it.
    Identifier,
    /// Its ARN.
    Arn,
    /// Something that is not among the properties: a URL, an id that AWS gives.
    Other,
}

/// A property.
#[derive(Clone, Copy, Debug)]
pub struct Property {
    /// `KmsMasterKeyId`.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
}

/// What a property holds.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A text.
    Text,
    /// A text that begins so. Sources that leave the beginning out mean the same.
    Prefixed(&'static str),
    /// True or false.
    Flag,
    /// One of two words, which sources may write as true and false.
    Either(&'static str, &'static str),
    /// A number.
    Number,
    /// A policy or pattern: an object, which sources may write as a text of JSON.
    Document,
    /// The identifier of a resource of this type, or its ARN.
    Name(&'static str),
    /// The ARN of a resource of this type.
    Arn(&'static str),
    /// Values of one kind. One alone is a list of one.
    List(&'static Self),
    /// An object.
    Object(&'static [Property]),
    /// A list of `{Key, Value}`, which sources may write as a map.
    Tags,
    /// An object whose names are the user's.
    Map,
}

/// The shape of a type's ARNs: `arn:PARTITION:SERVICE:REGION:ACCOUNT:PREFIX` and the identifier.
#[derive(Clone, Copy, Debug)]
pub struct Arn {
    /// `sqs`.
    pub service: &'static str,
    /// What stands before the identifier: `role/`.
    pub prefix: &'static str,
    /// Does it name the region?
    pub regional: bool,
    /// Does it name the account?
    pub account: bool,
    /// The property that stands between prefix and identifier.
    pub between: Between,
}

/// What stands between the prefix of an ARN and the identifier.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Between {
    /// Nothing.
    Nothing,
    /// The path, a property that is `/` where there is none: `role/team/NAME`.
    Path(&'static str),
    /// What it belongs to, unless that is the default one: `rule/BUS/NAME`.
    Parent {
        /// The property that names the parent.
        property: &'static str,
        /// The parent that is left out.
        default: &'static str,
    },
    /// What it belongs to, always: `podidentityassociation/CLUSTER/ID`.
    Within(&'static str),
}

/// Where two resources of a type cannot have one identifier.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unique {
    /// Their ARNs alone tell them apart.
    ByArn,
    /// Anywhere, if it is an id as AWS gives one (36 characters) and not shared with replicas (`mrk-`).
    Everywhere,
    /// In an account, whatever the path.
    InAccount,
    /// In an account and region, as far as these are known.
    InRegion,
}

const TYPES: &[&[Type]] = &[
    sqs::TYPES,
    kms::TYPES,
    iam::TYPES,
    events::TYPES,
    eks::TYPES,
    ec2::TYPES,
    dynamodb::TYPES,
    organizations::TYPES,
    karpcheck::TYPES,
];

/// All types.
pub fn types() -> impl Iterator<Item = &'static Type> {
    TYPES.iter().copied().flatten()
}

/// A type by its name.
pub fn of(kind: &str) -> Option<&'static Type> {
    types().find(|known| known.name == kind)
}

/// What people call a resource of this type.
pub fn noun(kind: &str) -> &'static str {
    of(kind).map_or("resource", |known| known.noun)
}

/// Is this type kept whether a rule declares it or not?
pub fn always(kind: &str) -> bool {
    of(kind).is_some_and(|known| known.always)
}

/// The property by which others refer to a resource of this type.
pub fn identifier(kind: &str) -> Option<&'static str> {
    of(kind)?.identifier
}

/// The property that gives a resource of this type the name by which others refer to it; none where AWS gives it an id.
pub fn naming(kind: &str) -> Option<&'static str> {
    of(kind).filter(|known| !known.given_by_aws)?.identifier
}

/// The properties of a type; none are known of others.
pub fn properties(kind: &str) -> &'static [Property] {
    of(kind).map_or(OTHERS, |known| known.properties)
}

/// What documents are called in types that are not listed.
const OTHERS: &[Property] =
    &[property("PolicyDocument", Kind::Document), property("AssumeRolePolicyDocument", Kind::Document)];

/// What a property holds, by its path from the type: `EncryptionConfig/Provider/KeyArn`, lists left out.
pub fn kind_of(kind: &str, path: &str) -> Option<Kind> {
    path.split('/').try_fold(Kind::Object(properties(kind)), inner)
}

/// What a member of an object holds; of a list, a member of its elements.
pub fn inner(kind: Kind, name: &str) -> Option<Kind> {
    match kind {
        Kind::Object(properties) => properties.iter().find(|own| own.name == name).map(|own| own.kind),
        Kind::List(element) => inner(*element, name),
        Kind::Tags => ["Key", "Value"].contains(&name).then_some(Kind::Text),
        _ => None,
    }
}

impl Kind {
    /// The type that it refers to and the attribute that it holds of it; of a list, that of its elements.
    pub fn refers(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Name(to) => Some((to, identifier(to).unwrap_or("Name"))),
            Self::Arn(to) => Some((to, "Arn")),
            Self::List(element) => element.refers(),
            _ => None,
        }
    }
}

/// Where in its country a region lies, as AWS names regions: `northeast` of `ap-northeast-2`.
const DIRECTIONS: &[&str] =
    &["central", "east", "north", "northeast", "northwest", "south", "southeast", "southwest", "west"];

/// The partition that a region lies in, by its name, as botocore's `partitions.json` has them. None for a name that AWS gives
/// no region: one made up for a test lies anywhere.
pub fn partition_of(region: &str) -> Option<&'static str> {
    let (place, _) = region.rsplit_once('-')?;
    if !place.rsplit_once('-').is_some_and(|(_, direction)| DIRECTIONS.contains(&direction)) {
        return None;
    }
    Some(match region {
        region if region.starts_with("cn-") => "aws-cn",
        region if region.starts_with("us-gov-") => "aws-us-gov",
        region if region.starts_with("eusc-") => "aws-eusc",
        region if region.starts_with("eu-isoe-") => "aws-iso-e",
        region if region.starts_with("us-isof-") => "aws-iso-f",
        region if region.starts_with("us-isob-") => "aws-iso-b",
        region if region.starts_with("us-iso-") => "aws-iso",
        _ => "aws",
    })
}

impl Type {
    /// A type of which only its properties are known.
    const fn new(name: &'static str, noun: &'static str, properties: &'static [Property]) -> Self {
        Self {
            name,
            noun,
            identifier: None,
            given_by_aws: false,
            reference: Ref::Other,
            arn: None,
            unique: Unique::ByArn,
            always: false,
            properties,
        }
    }

    const fn named_by(mut self, property: &'static str) -> Self {
        self.identifier = Some(property);
        self
    }

    const fn given_id(mut self, property: &'static str) -> Self {
        self.identifier = Some(property);
        self.given_by_aws = true;
        self
    }

    const fn reference(mut self, reference: Ref) -> Self {
        self.reference = reference;
        self
    }

    const fn arn(mut self, service: &'static str, prefix: &'static str, between: Between) -> Self {
        self.arn = Some(Arn { service, prefix, regional: true, account: true, between });
        self
    }

    const fn global(mut self) -> Self {
        if let Some(arn) = &mut self.arn {
            arn.regional = false;
        }
        self
    }

    const fn of_no_account(mut self) -> Self {
        if let Some(arn) = &mut self.arn {
            arn.account = false;
        }
        self
    }

    const fn unique(mut self, unique: Unique) -> Self {
        self.unique = unique;
        self
    }

    const fn kept(mut self) -> Self {
        self.always = true;
        self
    }
}

const fn property(name: &'static str, kind: Kind) -> Property {
    Property { name, kind }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(kind: Kind) -> Option<&'static [Property]> {
        match kind {
            Kind::Object(properties) => Some(properties),
            Kind::List(element) => members(*element),
            _ => None,
        }
    }

    #[test]
    fn a_region_that_aws_does_not_name_lies_in_no_partition() {
        let known =
            ["eu-west-1", "mx-central-1", "cn-northwest-1", "us-gov-east-1", "eusc-de-east-1", "us-isob-east-1"];
        let partitions = ["aws", "aws", "aws-cn", "aws-us-gov", "aws-eusc", "aws-iso-b"];
        assert_eq!(known.map(partition_of), partitions.map(Some));
        assert_eq!(["us-test-1", "local", "", "east-1"].map(partition_of), [None; 4]);
    }

    #[test]
    fn types_and_properties_are_listed_once() {
        let mut names: Vec<&str> = types().map(|known| known.name).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
        fn once(properties: &[Property]) {
            let mut names: Vec<&str> = properties.iter().map(|own| own.name).collect();
            names.sort_unstable();
            assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
            for own in properties {
                if let Some(inner) = members(own.kind) {
                    once(inner);
                }
            }
        }
        types().for_each(|known| once(known.properties));
    }

    #[test]
    fn what_is_referred_to_and_what_arns_are_made_of_is_listed() {
        fn all(properties: &'static [Property], check: &mut dyn FnMut(Kind)) {
            for own in properties {
                check(own.kind);
                if let Some(inner) = members(own.kind) {
                    all(inner, check);
                }
            }
        }
        for known in types() {
            all(known.properties, &mut |kind| {
                assert!(kind.refers().is_none_or(|(to, _)| of(to).is_some()), "{kind:?} of {}", known.name);
            });
            let between = match known.arn.map(|arn| arn.between) {
                Some(Between::Path(name) | Between::Parent { property: name, .. } | Between::Within(name)) => {
                    Some(name)
                }
                Some(Between::Nothing) | None => None,
            };
            for name in between.into_iter().chain(known.identifier) {
                assert!(kind_of(known.name, name).is_some(), "{name} of {}", known.name);
            }
        }
    }

    #[test]
    fn a_property_is_found_by_its_path() {
        assert!(matches!(kind_of("AWS::EKS::Cluster", "EncryptionConfig/Provider/KeyArn"), Some(Kind::Arn(_))));
        assert!(matches!(kind_of("AWS::IAM::Role", "Policies/PolicyDocument"), Some(Kind::Document)));
        assert!(matches!(kind_of("AWS::S3::BucketPolicy", "PolicyDocument"), Some(Kind::Document)));
        assert!(kind_of("AWS::SQS::Queue", "Nothing").is_none());
    }
}
