//! One kind's objects, page by page.

use std::collections::HashSet;

use crate::formats::json_value;
use crate::formats::json_value::Object;
use crate::sources::cluster::api::{Api, Failure};
use crate::sources::cluster::discovery::Served;

/// Objects per page, as kubectl asks for.
const PAGE: usize = 500;
/// What the API server may answer from its cache, which spares etcd the list and may be a moment behind: what stands around Karpenter,
/// and what only Karpenter writes, which reads it there itself. What somebody mends and checks again is asked for as it is now; and the
/// cache gives a list in one piece, however long, so that Deployments and nodes stay in pages.
const FROM_CACHE: [&str; 3] = ["apps/DaemonSet", "core/Service", "karpenter.sh/NodeClaim"];
/// A list with more pages than this does not come to an end: a million objects of one kind are more than an etcd bears.
const MOST_PAGES: usize = 2_000;
/// Pages without an object, one after the other: a selector may leave out all of a page's.
const MOST_EMPTY: usize = 100;

/// What to ask for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::sources) enum Wanted {
    /// All of a kind, or of a namespace.
    All,
    /// The first ones, of which nothing but a fact that they share is wanted.
    First(usize),
    /// Those of a namespace with these labels, the first ones.
    Labelled(String, usize),
    /// Those with these fields, page by page and no more than that many.
    Selected {
        /// A field selector.
        fields: String,
        /// What they are, to people.
        what: String,
        /// How many, in whole pages.
        most: usize,
    },
    /// One by its name.
    Named(String),
}

/// What came of a list: what was read stands, even if not all was.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) objects: Vec<Object>,
    pub(super) failure: Option<Failure>,
    /// Were there more than was wanted?
    pub(super) cut: bool,
}

impl Read {
    fn failed(failure: Failure) -> Self {
        Self { failure: Some(failure), ..Self::default() }
    }
}

/// Reads what is wanted of a kind.
pub(super) async fn read(api: &Api, served: &Served, namespace: Option<&str>, wanted: &Wanted) -> Read {
    let path = served.path(namespace);
    match wanted {
        Wanted::Named(name) => read_object(api, served, &format!("{path}/{}", escaped(name))).await,
        Wanted::First(limit) => first(api, served, &format!("{path}?limit={limit}")).await,
        Wanted::Labelled(labels, limit) => {
            first(api, served, &format!("{path}?labelSelector={}&limit={limit}", escaped(labels))).await
        }
        Wanted::Selected { fields, most, .. } => {
            let query = format!("fieldSelector={}&", escaped(fields));
            pages(api, served, &format!("{path}?{query}limit={PAGE}"), most.div_ceil(PAGE)).await
        }
        Wanted::All => pages(api, served, &format!("{path}?limit={PAGE}"), MOST_PAGES).await,
    }
}

/// A list that took longer than etcd remembers (five minutes) starts anew, once. The second time it goes on from where it was,
/// with objects of a later state: that is no state that ever was, which no rule minds.
async fn pages(api: &Api, served: &Served, path: &str, most: usize) -> Read {
    let read = all(api, served, path, most, false).await;
    if matches!(read.failure, Some(Failure::Gone { .. })) {
        return all(api, served, path, most, true).await;
    }
    read
}

async fn read_object(api: &Api, served: &Served, path: &str) -> Read {
    let text = match api.get(path, "application/json").await {
        Ok(text) => text,
        Err(Failure::NotFound) => return Read::default(),
        Err(failure) => return Read::failed(failure),
    };
    match json_value::object(&text, &served.api_version, served.name()) {
        Ok(object) => Read { objects: vec![object], ..Read::default() },
        Err(error) => Read::failed(Failure::Garbage(error.to_string())),
    }
}

async fn first(api: &Api, served: &Served, path: &str) -> Read {
    match api.get(path, "application/json").await {
        Ok(text) => taken(Read::default(), parse(served, text).await),
        Err(failure) => Read::failed(failure),
    }
}

/// All pages, or the first ones of them. While one is parsed on another thread, the next is fetched.
async fn all(api: &Api, served: &Served, path: &str, most: usize, inconsistent: bool) -> Read {
    let mut read = Read::default();
    let mut parsing: Option<tokio::task::JoinHandle<Result<Vec<Object>, Failure>>> = None;
    let mut next = String::new();
    let mut seen = Seen::default();
    for number in 1..=most {
        let mut text = match next.as_str() {
            "" => beginning(api, served, path).await,
            next => api.get(&format!("{path}&continue={}", escaped(next)), "application/json").await,
        };
        if let (Err(Failure::Gone { inconsistent: Some(token) }), true) = (&text, inconsistent) {
            text = api.get(&format!("{path}&continue={}", escaped(token)), "application/json").await;
        }
        if let Some(page) = parsing.take() {
            let page = joined(page).await;
            if page.as_ref().is_ok_and(|objects| seen.repeats(objects)) {
                read.failure = Some(Failure::Garbage("the list repeats the same page endlessly".into()));
                return read;
            }
            read = taken(read, page);
        }
        if read.failure.is_some() {
            return read;
        }
        let head = text.and_then(|text| match json_value::head(&text) {
            Ok(head) => Ok((text, head.metadata.next.unwrap_or_default())),
            Err(error) => Err(Failure::Garbage(error.to_string())),
        });
        match head {
            Err(failure) => {
                read.failure = Some(failure);
                return read;
            }
            Ok((text, token)) if token.is_empty() => return taken(read, parse(served, text).await),
            Ok((_, token)) if token == next => {
                read.failure = Some(Failure::Garbage("the list repeats the same page endlessly".into()));
                return read;
            }
            Ok((text, _)) if number == most && most < MOST_PAGES => {
                read.cut = true;
                return taken(read, parse(served, text).await);
            }
            Ok((text, token)) => {
                parsing = Some(spawn(served, text));
                next = token;
            }
        }
    }
    read.failure = Some(Failure::Garbage("the list does not come to an end".into()));
    read
}

/// A list's first page. Of which state a list is, it says alone.
async fn beginning(api: &Api, served: &Served, path: &str) -> Result<Vec<u8>, Failure> {
    if FROM_CACHE.contains(&&*served.kind) {
        match api.get(&format!("{path}&resourceVersion=0"), "application/json").await {
            // One piece may be too much where pages are not.
            Err(Failure::TooLarge | Failure::Timeout(_)) => {}
            answered => return answered,
        }
    }
    api.get(path, "application/json").await
}

/// What tells a list that goes round in circles behind ever new tokens: a page that begins as an earlier one did, or page
/// after page without an object.
#[derive(Default)]
struct Seen {
    first: HashSet<(Option<Box<str>>, Box<str>)>,
    empty: usize,
}

impl Seen {
    fn repeats(&mut self, page: &[Object]) -> bool {
        match page.first() {
            Some(object) => {
                self.empty = 0;
                !self.first.insert((object.namespace.clone(), object.name.clone()))
            }
            None => {
                self.empty += 1;
                self.empty > MOST_EMPTY
            }
        }
    }
}

fn taken(mut read: Read, page: Result<Vec<Object>, Failure>) -> Read {
    match page {
        Ok(mut objects) if read.objects.is_empty() => read.objects = std::mem::take(&mut objects),
        Ok(objects) => read.objects.extend(objects),
        Err(failure) => read.failure = Some(failure),
    }
    read
}

fn spawn(served: &Served, text: Vec<u8>) -> tokio::task::JoinHandle<Result<Vec<Object>, Failure>> {
    let served = served.clone();
    tokio::task::spawn_blocking(move || {
        json_value::page(&text, &served.api_version, served.name()).map_err(|error| Failure::Garbage(error.to_string()))
    })
}

async fn parse(served: &Served, text: Vec<u8>) -> Result<Vec<Object>, Failure> {
    joined(spawn(served, text)).await
}

async fn joined(page: tokio::task::JoinHandle<Result<Vec<Object>, Failure>>) -> Result<Vec<Object>, Failure> {
    page.await.unwrap_or_else(|error| Err(Failure::Garbage(error.to_string())))
}

/// A word in a URL's path or query.
pub(super) fn escaped(word: &str) -> String {
    let mut escaped = String::new();
    for byte in word.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}
