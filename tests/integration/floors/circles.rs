//! No files use each other in a circle.
//!
//! A module and its own parts are one thing: it puts them together, and they use its types. Any other circle is one, whether a
//! path names the file itself or a module that hands the name on (`pub use`).

use std::collections::{BTreeMap, BTreeSet};

use super::{code, sources};

type Graph<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// The code of every file by its module, and what each imports: the name in the file and the whole path.
struct House {
    code: BTreeMap<String, String>,
    imports: BTreeMap<String, BTreeMap<String, String>>,
}

impl House {
    fn new(code: BTreeMap<String, String>) -> Self {
        let imports = code.iter().map(|(module, code)| (module.clone(), imports(module, code))).collect();
        Self { code, imports }
    }

    fn of_the_crate() -> Self {
        let files = sources("kubectl-karpcheck/src").into_iter().map(|(path, source)| {
            let module = path.trim_start_matches("kubectl-karpcheck/src/").trim_end_matches(".rs").replace('/', "::");
            let code = code(&source);
            let tests = code.find("#[cfg(test)]\nmod tests {").unwrap_or(code.len());
            (module, code[..tests].to_owned())
        });
        Self::new(files.filter(|(module, _)| module != "lib" && module != "main").collect())
    }

    /// Which file uses which.
    fn uses(&self) -> Graph<'_> {
        self.code
            .iter()
            .map(|(module, code)| {
                let imported = self.imports[module].values().cloned();
                let used = imported.chain(inline(module, code)).filter_map(|path| self.file_of(&path, 8));
                (module.as_str(), used.filter(|file| file != module).collect())
            })
            .collect()
    }

    /// The file that a path leads into: where a module only hands a name on, the one that it has it from.
    fn file_of(&self, path: &str, hops: u8) -> Option<&str> {
        let mut module = path;
        let file = loop {
            if let Some((file, _)) = self.code.get_key_value(module) {
                break file;
            }
            module = module.rsplit_once("::")?.0;
        };
        let name = path[file.len()..].trim_start_matches("::").split("::").next().unwrap_or_default();
        match self.imports[file].get(name).filter(|source| hops > 0 && *source != path) {
            Some(source) => self.file_of(source, hops - 1),
            None => Some(file),
        }
    }
}

/// Is this a part of a path?
fn in_path(char: char) -> bool {
    char.is_alphanumeric() || char == '_' || char == ':'
}

/// A path from the crate's root; none where it leads out of the crate.
fn absolute(module: &str, code: &str, path: &str) -> Option<String> {
    let mut base: Vec<&str> = module.split("::").collect();
    let mut rest = path.split("::").peekable();
    match *rest.peek()? {
        "crate" => {
            base.clear();
            rest.next();
        }
        "self" => _ = rest.next(),
        "super" => {
            while rest.next_if_eq(&"super").is_some() {
                base.pop();
            }
        }
        part if code.contains(&format!("mod {part};")) => {}
        _ => return None,
    }
    Some(base.into_iter().chain(rest).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("::"))
}

/// The names that a file imports, each with its whole path.
fn imports(module: &str, code: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for (at, _) in code.match_indices("use ") {
        if code[..at].ends_with(in_path) {
            continue;
        }
        let statement: String =
            code[at + 4..].split(';').next().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
        expand("", &statement, &mut |name, path| {
            if let Some(path) = absolute(module, code, path) {
                found.insert(name.to_owned(), path);
            }
        });
    }
    found
}

/// The names of a tree of imports, each with its path.
fn expand(prefix: &str, tree: &str, add: &mut dyn FnMut(&str, &str)) {
    let tree = tree.trim();
    let Some(open) = tree.find('{') else {
        let (path, name) = tree.split_once(" as ").unwrap_or((tree, ""));
        let path = format!("{prefix}{path}");
        let path = path.trim_end_matches("::self");
        let own = path.rsplit("::").next().unwrap_or_default();
        return add(if name.is_empty() { own } else { name }, path);
    };
    let prefix = format!("{prefix}{}", &tree[..open]);
    let inside = &tree[open + 1..tree.rfind('}').unwrap_or(tree.len())];
    let (mut depth, mut start) = (0, 0);
    for (at, char) in inside.char_indices().chain([(inside.len(), ',')]) {
        match char {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                if !inside[start..at].trim().is_empty() {
                    expand(&prefix, &inside[start..at], add);
                }
                start = at + 1;
            }
            _ => {}
        }
    }
}

/// Paths that stand in the code itself.
fn inline(module: &str, code: &str) -> Vec<String> {
    code.match_indices("::")
        .filter_map(|(at, _)| {
            let start = code[..at].rfind(|char| !in_path(char)).map_or(0, |before| before + 1);
            let before_this = &code[start..at];
            let end = code[at..].find(|char| !in_path(char)).map_or(code.len(), |length| at + length);
            // Each path once, at its first `::`, and none that goes on in braces: those are imports.
            (!before_this.contains("::") && !code[end..].starts_with('{'))
                .then(|| absolute(module, code, &code[start..end]))?
        })
        .collect()
}

/// The circles of a graph.
fn circles<'a>(graph: &Graph<'a>) -> Vec<Graph<'a>> {
    let reached: Graph<'a> = graph
        .keys()
        .map(|module| {
            let mut seen = BTreeSet::new();
            let mut next: Vec<&str> = graph[module].iter().copied().collect();
            while let Some(module) = next.pop() {
                if seen.insert(module) {
                    next.extend(graph.get(module).into_iter().flatten());
                }
            }
            (*module, seen)
        })
        .collect();
    let mut found: Vec<Graph<'a>> = vec![];
    for (module, others) in &reached {
        if others.contains(module) && !found.iter().any(|circle| circle.contains_key(module)) {
            let members: BTreeSet<&str> = others
                .iter()
                .copied()
                .filter(|other| reached.get(other).is_some_and(|back| back.contains(module)))
                .collect();
            found.push(
                members
                    .iter()
                    .map(|member| (*member, graph[member].intersection(&members).copied().collect()))
                    .collect(),
            );
        }
    }
    found
}

/// The circles that are not a module with its own parts.
fn forbidden(graph: &Graph<'_>) -> Vec<Vec<String>> {
    let part_of = |module: &str, parent: &str| module.strip_prefix(parent).is_some_and(|rest| rest.starts_with("::"));
    let mut found = vec![];
    for circle in circles(graph) {
        let whole = circle.keys().copied().find(|one| circle.keys().all(|other| other == one || part_of(other, one)));
        match whole {
            None => found.push(circle.keys().map(|module| (*module).to_owned()).collect()),
            Some(whole) => {
                let parts = circle.into_iter().filter(|(module, _)| *module != whole);
                let parts: Graph<'_> = parts
                    .map(|(module, used)| (module, used.into_iter().filter(|other| *other != whole).collect()))
                    .collect();
                found.extend(forbidden(&parts));
            }
        }
    }
    found
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    let house = House::of_the_crate();
    assert_eq!(forbidden(&house.uses()), Vec::<Vec<String>>::new());
}

#[test]
fn circles_are_seen_through_modules_that_hand_names_on() {
    let house = |files: &[(&str, &str)]| {
        House::new(files.iter().map(|(module, code)| ((*module).to_owned(), (*code).to_owned())).collect())
    };
    let circles = |files: &[(&str, &str)]| forbidden(&house(files).uses());
    // `b` uses `c` through `a`, which hands it on, and `c` uses `b`.
    assert_eq!(
        circles(&[
            ("a", "mod b;\nmod c;\npub use c::{Thing, other as more};"),
            ("a::b", "use super::Thing;"),
            ("a::c", "fn f() { crate::a::b::go() }"),
        ]),
        [["a::b", "a::c"]]
    );
    // A module with its parts.
    assert!(circles(&[("a", "mod b;\nfn f() { b::go() }"), ("a::b", "use super::Thing;")]).is_empty());
    // Through the parent to another of its parts, and back from a part of that.
    assert_eq!(
        circles(&[
            ("a", "mod b;\nmod c;"),
            ("a::b", "use super::c::X;"),
            ("a::c", "mod d;\nuse d::go;"),
            ("a::c::d", "use crate::{z::Y, a::b::{Z, W as V}};"),
        ]),
        [["a::b", "a::c", "a::c::d"]]
    );
}
