//! ACK's controllers: one Deployment for each service, its release in the image's tag.

use std::fmt;
use std::str::FromStr;

use karpcheck_sdk::prelude::*;

pub(crate) const DEPLOYMENT: &str = "apps/Deployment";

/// A release of a controller.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Release(u64, u64, u64);

impl FromStr for Release {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let plain = text.trim_start_matches('v').split(['-', '+']).next().unwrap_or_default();
        let mut parts = plain.split('.').map(str::parse);
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(Ok(major)), Some(Ok(minor)), Some(Ok(patch)), None) => Ok(Self(major, minor, patch)),
            _ => Err(()),
        }
    }
}

impl fmt::Display for Release {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// Per service: the first release whose references take a namespace (runtime 0.36), and the first with the flag
/// `--enable-cross-namespace` (runtime 0.60), empty where none was seen yet.
const CROSS_NAMESPACE: &[(&str, &str, &str)] = &[
    ("athena", "0.0.1", "1.3.1"),
    ("backup", "0.1.0", "0.2.1"),
    ("bedrockagentcorecontrol", "0.1.0", "1.9.1"),
    ("cloudwatchlogs", "0.0.9", "1.3.1"),
    ("codeartifact", "0.0.1", "1.3.1"),
    ("documentdb", "0.0.8", ""),
    ("dynamodb", "1.2.13", "1.9.1"),
    ("ecr", "1.0.17", "1.6.2"),
    ("efs", "0.0.9", "1.3.1"),
    ("eks", "1.4.4", "1.15.1"),
    ("elasticache", "0.1.1", "1.4.1"),
    ("emrserverless", "0.1.0", ""),
    ("firehose", "0.1.0", "0.3.1"),
    ("keyspaces", "0.0.15", "1.3.1"),
    ("kms", "1.0.15", "1.3.2"),
    ("lambda", "1.5.2", "1.13.1"),
    ("memorydb", "1.0.4", "1.3.1"),
    ("mq", "0.0.35", "1.3.1"),
    ("mwaa", "0.1.0", "1.0.0"),
    ("rds", "1.4.3", "1.9.4"),
    ("s3vectors", "0.1.0", "0.1.0"),
    ("secretsmanager", "0.0.9", "1.3.1"),
    ("sns", "1.0.12", "1.5.3"),
    ("sqs", "1.0.15", "1.5.3"),
    ("ssm", "0.0.1", ""),
];

/// The releases of a service's controller that take a namespace in a reference, and that have a flag for it: the first
/// of each, where known.
pub(crate) fn cross_namespace_since(service: &str) -> Option<(Release, Option<Release>)> {
    let (_, namespace, flag) = CROSS_NAMESPACE.iter().find(|(known, ..)| *known == service)?;
    Some((namespace.parse().ok()?, flag.parse().ok()))
}

/// The service of a kind or group: `dynamodb` of `dynamodb.services.k8s.aws/Table`.
pub(crate) fn service(kind: &str) -> &str {
    kind.split('.').next().unwrap_or_default()
}

/// A service's controller.
pub(crate) struct Controller {
    /// Its Deployment.
    pub(crate) item: Item,
    /// The image of the container in it.
    image: Field,
    /// Its release, where the image or a label says.
    pub(crate) release: Option<Release>,
}

/// The controller of a service that reconciles an object, or what a definition defines; none where none was read.
///
/// # Errors
///
/// Where the Deployments could not be listed, or several fit.
pub(crate) fn of(object: Item, service: &str) -> Result<Option<Controller>, Unknown> {
    let mut found: Vec<Controller> = vec![];
    for deployment in select(DEPLOYMENT) {
        let item = match deployment {
            Ok(item) => item,
            // That files may lack it is no news: the caller says what it means.
            Err(unknown) if unknown.is_not_provided() => continue,
            Err(unknown) => return Err(unknown),
        };
        let elsewhere = object.observed() && item.observed() && object.same("@cluster", item, "@cluster").is_no();
        if elsewhere {
            continue;
        }
        for image in item.find("/spec/template/spec/containers/*/image").known() {
            let named = |end: &str| image.matches(&format!("*/{service}-controller{end}")).is_yes();
            if ["", ":*", "@*"].into_iter().any(named) {
                found.push(Controller { item, release: release(&image), image });
            }
        }
    }
    if found.iter().any(|controller| controller.item.observed()) {
        found.retain(|controller| controller.item.observed());
    }
    match found.len() {
        0 | 1 => Ok(found.pop()),
        several => {
            let why = format!("{several} controllers of {service} were read, and which one is in charge is not known");
            Err(Unknown::undecidable(why).with_code("several-controllers"))
        }
    }
}

fn release(image: &Field) -> Option<Release> {
    let tag = image.known_text().and_then(|image| image.split('@').next()?.rsplit_once(':')?.1.parse().ok());
    let label = |name: &str| {
        let text = image.item().field("/metadata/labels").child(name).known_text()?;
        text.rsplit_once("-chart-").map_or(text.as_str(), |(_, version)| version).parse().ok()
    };
    tag.or_else(|| label("app.kubernetes.io/version")).or_else(|| label("helm.sh/chart"))
}

impl Controller {
    /// Where its release is written.
    pub(crate) fn place(&self) -> Place {
        self.image.place("the controller's release")
    }

    /// A flag that is on or off, none where it is not given; and where it is.
    pub(crate) fn switch(&self, name: &str) -> Result<Option<(bool, Place)>, Unknown> {
        let words: Vec<Result<Field, Unknown>> =
            ["command", "args"].iter().flat_map(|list| self.image.sibling(list).each()).collect();
        for (index, word) in words.iter().enumerate() {
            // Where a list has no known end, the flag may follow.
            let word = word.as_ref().map_err(Clone::clone)?;
            if word.matches(&format!("*--{name}*")).is_no() {
                continue;
            }
            let Some(text) = word.text()? else { continue };
            let value = match text.trim_start_matches('-').strip_prefix(name) {
                Some("") => match words.get(index + 1) {
                    Some(Ok(next)) if next.is("false") => "false".to_owned(),
                    _ => "true".to_owned(),
                },
                Some(rest) => rest.trim_start_matches('=').to_owned(),
                None => continue,
            };
            let place = word.place("the controller's flag");
            return match value.as_str() {
                "true" | "1" => Ok(Some((true, place))),
                "false" | "0" => Ok(Some((false, place))),
                other => Err(Unknown::undecidable(format!("--{name} is {other}")).at(place)),
            };
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_compared_as_numbers() {
        let release = |text: &str| text.parse::<Release>();
        assert!(release("v1.2.21").unwrap() > release("1.2.9").unwrap());
        assert_eq!(release("1.9.2-arm64").unwrap().to_string(), "1.9.2");
        assert!(release("latest").is_err() && release("1.9").is_err());
    }

    #[test]
    fn every_row_of_the_table_is_read() {
        for (service, ..) in CROSS_NAMESPACE {
            assert!(cross_namespace_since(service).is_some(), "{service}");
        }
        assert_eq!(service("dynamodb.services.k8s.aws/Table"), "dynamodb");
    }
}
