//! Which events are asked for.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// A core group with events and nodes.
const CORE: &str = r#"{"kind":"APIGroupDiscoveryList","items":[{"metadata":{},"versions":[{"version":"v1","freshness":"Current","resources":[
    {"resource":"events","responseKind":{"kind":"Event"},"scope":"Namespaced","verbs":["list"]},
    {"resource":"nodes","responseKind":{"kind":"Node"},"scope":"Cluster","verbs":["list"]}]}]}]}"#;

#[test]
fn events_are_listed_by_the_kind_of_their_object() {
    let pages = AtomicUsize::new(0);
    let server = Server::new(move |path, _| match path {
        "/api" => Say::Json(CORE.into()),
        "/apis" => Say::Json(r#"{"kind":"APIGroupDiscoveryList","items":[]}"#.into()),
        _ if path.contains("/events?") => {
            let number = pages.fetch_add(1, Ordering::Relaxed).to_string();
            page(&[&format!("e{number}")], &number)
        }
        _ => empty(),
    });
    let file = kubeconfig(&server.url, "token: t");
    let args = ClusterOptions { kubeconfig: Some(file.path().into()), ..ClusterOptions::default() };
    let inventory = gathered_as(&args, &[("core/Event", true)]);
    let asked: Vec<String> = server.asked().into_iter().filter(|path| path.contains("/events")).collect();
    // NodeClaims and their kin are not served, and what is in no namespace has its events in the default one.
    let fields = "fieldSelector=involvedObject.kind%3DNode%2Csource%3Dkarpenter%2C";
    assert!(
        asked.iter().all(|path| path.starts_with(&format!("/api/v1/namespaces/default/events?{fields}"))),
        "{asked:?}"
    );
    assert_eq!(asked.len(), 10, "pages of 500");
    assert_eq!(
        only_problem(&inventory).to_string(),
        "there are more than 5000 events about objects of kind Node in context test, and only the first 5000 were read: \
         rules that look for symptoms among them may miss some"
    );
    assert!(!only_problem(&inventory).is_incomplete());
    let names = names(&inventory, "core/Event");
    assert_eq!((names.len(), &*names[10]), (11, "unknown: not-provided"), "other events may be there");
}

#[test]
fn events_that_may_not_be_listed_are_told_once() {
    let server = Server::new(|path, _| {
        match path {
        "/api" => Say::Json(CORE.into()),
        "/apis" => Say::Json(
            r#"{"kind":"APIGroupDiscoveryList","items":[{"metadata":{"name":"karpenter.sh"},"versions":[{"version":"v1","freshness":"Stale"}]}]}"#
                .into(),
        ),
        _ if path.contains("kind%3DNode%2C") => page(&["e"], ""),
        _ if path.contains("/events?") => Say::Status(403, "no"),
        _ => empty(),
    }
    });
    let inventory = gathered(&server, &[("core/Event", true)]);
    // What the broken group serves is not known: all that could be there is asked for.
    assert_eq!(server.asked().iter().filter(|path| path.contains("/events?")).count(), 5);
    let problem = only_problem(&inventory);
    assert!(problem.to_string().contains("ask for `list events`") && !problem.is_incomplete(), "{problem:?}");
    assert_eq!(names(&inventory, "core/Event"), ["e", "unknown: refused"]);
}
