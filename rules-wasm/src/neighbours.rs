//! What several rules know of two clusters: are they two at all, and do they share an account and a region?

use karpcheck_sdk::prelude::*;

/// How two items of clusters stand to each other.
pub(crate) enum Beside {
    /// One cluster, or one seen twice.
    Same,
    /// Two clusters that share nothing in AWS.
    Elsewhere,
    /// Two clusters of one account and region.
    Neighbours,
    /// Two clusters, of which nobody said whether they share both.
    Perhaps,
}

/// What is asked of the API server where a cluster is live; none of what stands in files.
fn server(item: Item) -> Option<String> {
    let cluster = select("Karpcheck::Cluster")
        .given()
        .find(|cluster| cluster.same("@cluster", item, "@cluster") == Answer::Yes)?;
    cluster.text("/Endpoint").ok()?.map(|url| url.trim_end_matches('/').to_ascii_lowercase())
}

/// Two controllers. Those of files were told apart by their endpoint, region or name when they were read; a manifest and a
/// live controller are one thing seen twice unless they say otherwise.
pub(crate) fn controllers(one: Item, other: Item) -> Beside {
    let differ = |field: &str| {
        let told = |item: Item| item.text(field).ok().flatten().filter(|text| !text.is_empty());
        matches!((told(one), told(other)), (Some(a), Some(b)) if !a.trim_end_matches('/').eq_ignore_ascii_case(b.trim_end_matches('/')))
    };
    let apart = ["/ClusterEndpoint", "/ClusterName", "/Region"].iter().any(|field| differ(field));
    let same = match (server(one), server(other)) {
        (Some(a), Some(b)) => a == b,
        _ => !apart,
    };
    if same {
        return Beside::Same;
    }
    let part = |item: Item, index: usize| {
        let arn = item.text("/Role").ok().flatten()?;
        arn.split(':').nth(index).filter(|part| !part.is_empty()).map(str::to_owned)
    };
    home(
        [one, other].map(|item| item.text("/Region").ok().flatten().or_else(|| fact(item, "@region"))),
        [one, other].map(|item| part(item, 4).or_else(|| fact(item, "@account"))),
    )
}

/// Two objects, each of the cluster that it was read from. Those of files are of one.
pub(crate) fn objects(one: Item, other: Item) -> Beside {
    match (server(one), server(other)) {
        (Some(a), Some(b)) if a != b => {
            home([one, other].map(|item| fact(item, "@region")), [one, other].map(|item| fact(item, "@account")))
        }
        _ => Beside::Same,
    }
}

fn fact(item: Item, name: &str) -> Option<String> {
    item.text(name).ok().flatten()
}

fn home(regions: [Option<String>; 2], accounts: [Option<String>; 2]) -> Beside {
    let mut sure = true;
    for pair in [regions, accounts] {
        match pair {
            [Some(a), Some(b)] if a != b => return Beside::Elsewhere,
            [Some(_), Some(_)] => {}
            _ => sure = false,
        }
    }
    if sure { Beside::Neighbours } else { Beside::Perhaps }
}

/// The controllers of other clusters whose field says the same as a controller's, each with whether it is certain that they
/// share account and region. An `Err` where one of the texts has no value and a controller of another cluster is there.
pub(crate) fn sharing(controller: Item, field: &str) -> Result<Vec<(Item, bool)>, Unknown> {
    let others = select("Karpcheck::Controller").given().filter(|other| *other != controller);
    let others: Vec<(Item, bool)> = others
        .filter_map(|other| match controllers(controller, other) {
            Beside::Same | Beside::Elsewhere => None,
            beside => Some((other, matches!(beside, Beside::Neighbours))),
        })
        .collect();
    if others.is_empty() {
        return Ok(vec![]);
    }
    let Some(own) = controller.text(field)?.filter(|own| !own.is_empty()) else { return Ok(vec![]) };
    // What another one does not say is told of that one.
    Ok(others.into_iter().filter(|(other, _)| other.matches(field, &own) == Answer::Yes).collect())
}

/// Is there a controller of another cluster that may share account and region?
pub(crate) fn alone(controller: Item) -> bool {
    !select("Karpcheck::Controller")
        .given()
        .any(|other| other != controller && !matches!(controllers(controller, other), Beside::Same))
}
