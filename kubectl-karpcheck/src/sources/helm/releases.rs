//! Files of values and what stands around them: the chart that they are for, the environments that are laid over a base, and
//! the release that names them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::formats::yaml;
use crate::inventory::paths::normalized;
use crate::inventory::reason::{Controller, Objects};
use crate::inventory::{At, Builder, Cause, Map, Node, Origin, Reason, SourceKind, Value};
use crate::sources::helm::values::{from_text, over, set_path};
use crate::sources::placeholders;
use crate::sources::reader::{Release, ValuesFile};
use crate::sources::referenced;

/// A chart stands at most so many folders above the values of its environments.
const CHART_ABOVE: usize = 4;

/// A file of values of Karpenter's chart, alone or below the key of a dependency.
#[derive(Debug)]
pub(super) struct FileOfValues {
    pub(super) path: PathBuf,
    pub(super) node: Node,
    /// The keys that the values stand below.
    pub(super) keys: Vec<String>,
}

impl FileOfValues {
    /// The values of Karpenter's chart in it.
    pub(super) fn values(&self) -> &Node {
        below(&self.node, &self.keys).unwrap_or(&self.node)
    }

    fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }
}

/// What stands below some keys.
pub(super) fn below<'n>(node: &'n Node, keys: &[String]) -> Option<&'n Node> {
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    node.at_path(&keys)
}

/// A chart as its `Chart.yaml` describes it.
#[derive(Debug)]
pub(super) struct Chart {
    /// Is it Karpenter's own?
    pub(super) own: bool,
    /// The version of Karpenter's chart that it depends on.
    pub(super) dependency: Option<Node>,
}

/// Reads a file of YAML that lies beside what was given.
fn read(builder: &mut Builder, path: &Path) -> Option<Node> {
    let (text, doc) = referenced::read(builder, path)?;
    let mut node = yaml::read(&text, doc).next()?.node.ok()?;
    placeholders::mark(&mut node);
    Some(node)
}

/// The chart in a folder.
pub(super) fn chart_in(builder: &mut Builder, folder: &Path) -> Option<Chart> {
    let path = folder.join("Chart.yaml");
    if !path.is_file() {
        return None;
    }
    let node = read(builder, &path)?;
    let dependencies = node.member("dependencies").map(Node::elements).unwrap_or_default();
    let dependency = dependencies.iter().find(|one| one.str_at(&["name"]) == Some("karpenter"));
    Some(Chart {
        own: node.str_at(&["name"]) == Some("karpenter") && dependency.is_none(),
        dependency: dependency.and_then(|one| one.member("version")).cloned(),
    })
}

/// The version of Karpenter's chart that values in a folder are for, where a chart there or above depends on it.
pub(super) fn version_for(builder: &mut Builder, folder: &Path) -> Option<Node> {
    let chart = folder.ancestors().take(CHART_ABOVE).find_map(|folder| chart_in(builder, folder))?;
    chart.dependency
}

/// For each file that is laid over others the file below it: the nearest base, in the same folder or above.
pub(super) fn bases(files: &[FileOfValues]) -> BTreeMap<usize, usize> {
    let is_base =
        |file: &FileOfValues| file.path.file_name().is_some_and(|name| name == "values.yaml" || name == "values.yml");
    let mut found = BTreeMap::new();
    for (number, file) in files.iter().enumerate() {
        let fits = |base: &FileOfValues| {
            let same = base.folder() == file.folder();
            base.path != file.path
                && is_base(base)
                && base.keys == file.keys
                && file.folder().starts_with(base.folder())
                // A folder with a chart of its own is no environment of another one.
                && (same || !file.path.with_file_name("Chart.yaml").is_file())
        };
        let nearest = files
            .iter()
            .enumerate()
            .filter(|(_, base)| fits(base))
            .max_by_key(|(_, base)| base.folder().components().count());
        if let Some((base, _)) = nearest {
            found.insert(number, base);
        }
    }
    found
}

/// A file's values over those of its base, and over those of the base's base.
pub(super) fn layered(files: &[FileOfValues], bases: &BTreeMap<usize, usize>, number: usize) -> Node {
    let file = &files[number];
    let mut values = file.values().clone();
    let at = values.at;
    let mut seen = BTreeSet::from([number]);
    let mut upper = number;
    while let Some(base) = bases.get(&upper).copied().filter(|base| seen.insert(*base)) {
        values = over(values, files[base].values().clone());
        upper = base;
    }
    // It is the environment's file that says what is installed.
    Node { at, ..values }
}

/// Makes unknown what files of values leave blank: a later file or `--set` may fill it in, so that blank is not empty.
pub(super) fn open_blanks(values: &mut Node) {
    const FILLED: &[&str] =
        &["clusterName", "clusterEndpoint", "interruptionQueue", "interruptionQueueName", "eks.amazonaws.com/role-arn"];
    let blank = |node: &Node| node.is_null() || node.as_str().is_some_and(str::is_empty);
    let Value::Map(map) = &mut values.value else { return };
    for (key, value) in &mut map.entries {
        if FILLED.iter().any(|name| key.is(name)) && blank(value) {
            *value = Node::unknown(Cause::Undecidable, Controller::BlankInValues, value.at);
        } else {
            open_blanks(value);
        }
    }
}

/// Makes the queue unknown that values with a cluster and a role do not name: most releases without one have no queue, and
/// another file may set it.
pub(super) fn open_queue(values: &mut Node) {
    let role = values.at_path(&["serviceAccount", "annotations", "eks.amazonaws.com/role-arn"]).is_some();
    let Value::Map(map) = &mut values.value else { return };
    let Some(Value::Map(settings)) = map.get_mut("settings").map(|settings| &mut settings.value) else { return };
    let Some(at) = settings.get("clusterName").filter(|name| name.first_unknown().is_none()).map(|name| name.at) else {
        return;
    };
    let queue = ["interruptionQueue", "interruptionQueueName", "aws"].iter().any(|name| settings.get(name).is_some());
    if role && !queue && settings.more.is_none() {
        settings.set("interruptionQueue", Node::unknown(Cause::Undecidable, Controller::NotInValues, at));
    }
}

/// The releases that one stands for whose files have placeholders in their names: one for each file that such a name fits, or
/// the one itself.
pub(super) fn variants(files: &[FileOfValues], release: Release) -> Vec<Release> {
    let has_one = |named: &ValuesFile| has_placeholder(&named.to_string());
    if !release.files.iter().any(has_one) {
        return vec![release];
    }
    // A file that is named as it is called is no other one.
    let plain: BTreeSet<usize> = release.files.iter().filter_map(|named| find(files, named)).collect();
    let each = release.files.iter().find_map(|named| {
        let others = files.iter().enumerate().filter(|(number, _)| !plain.contains(number));
        let fits: BTreeSet<Bindings> = others.filter_map(|(_, file)| bindings(named, &file.path)).collect();
        (!fits.is_empty()).then_some(fits)
    });
    let Some(each) = each else { return vec![release] };
    let one = |bindings: &Bindings| {
        let mut release = release.clone();
        let filled =
            |text: &str| bindings.iter().fold(text.to_owned(), |text, (hole, bound)| text.replace(hole, bound));
        for file in &mut release.files {
            match file {
                ValuesFile::At(path) => *path = PathBuf::from(filled(&path.to_string_lossy())),
                ValuesFile::InRepository { path, .. } | ValuesFile::InChart(path) => *path = filled(path),
            }
        }
        release.name = filled(&release.name).into();
        release.namespace = release.namespace.map(|namespace| filled(&namespace).into());
        let at = release.values.at;
        placeholders::fill(&mut release.values, &|written| {
            bindings.get(written).map(|bound| Node::text(bound.as_str(), at))
        });
        release
    };
    each.iter().map(one).collect()
}

/// What placeholders stand for, by the words that they are written with.
type Bindings = BTreeMap<String, String>;

/// What the placeholders in a file's name stand for, if it has any, so that it is this file.
fn bindings(named: &ValuesFile, path: &Path) -> Option<Bindings> {
    let (pattern, whole) = match named {
        ValuesFile::At(path) => (normalized(path), true),
        ValuesFile::InRepository { path, .. } => (normalized(Path::new(path)), false),
        ValuesFile::InChart(_) => return None,
    };
    let parts = |path: &Path| -> Vec<String> {
        path.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect()
    };
    let (pattern, path) = (parts(&pattern), parts(&normalized(path)));
    let from = path.len().checked_sub(pattern.len()).filter(|from| !whole || *from == 0)?;
    // What is a placeholder and nothing else would fit anything.
    if !pattern.iter().any(|part| has_placeholder(part)) || pattern.iter().all(|part| is_placeholder(part)) {
        return None;
    }
    let mut found = Bindings::new();
    pattern.iter().zip(&path[from..]).all(|(pattern, part)| bind(pattern, part, &mut found)).then_some(found)
}

fn has_placeholder(text: &str) -> bool {
    text.split_once("{{").is_some_and(|(_, rest)| rest.contains("}}"))
}

fn is_placeholder(text: &str) -> bool {
    text.strip_prefix("{{").and_then(|rest| rest.split_once("}}")).is_some_and(|(_, rest)| rest.is_empty())
}

/// Binds the placeholders of a name, so that it becomes another one; equal ones are bound to the same.
fn bind(pattern: &str, name: &str, found: &mut Bindings) -> bool {
    let Some((before, rest)) = pattern.split_once("{{") else { return pattern == name };
    let Some((inner, after)) = rest.split_once("}}") else { return pattern == name };
    let Some(rest) = name.strip_prefix(before) else { return false };
    let hole = format!("{{{{{inner}}}}}");
    (1..=rest.len()).filter(|end| rest.is_char_boundary(*end)).any(|end| {
        let (bound, left) = rest.split_at(end);
        let mut tried = found.clone();
        let fits =
            tried.entry(hole.clone()).or_insert_with(|| bound.to_owned()) == bound && bind(after, left, &mut tried);
        if fits {
            *found = tried;
        }
        fits
    })
}

/// The file that a release names, by its number.
pub(super) fn find(files: &[FileOfValues], named: &ValuesFile) -> Option<usize> {
    match named {
        ValuesFile::At(path) => files.iter().position(|file| normalized(&file.path) == normalized(path)),
        ValuesFile::InRepository { path, .. } => {
            let suffix = normalized(Path::new(path));
            let mut fits = (0..files.len()).filter(|number| normalized(&files[*number].path).ends_with(&suffix));
            // Where two folders fit, which one is meant is not known.
            fits.next().filter(|_| fits.next().is_none())
        }
        ValuesFile::InChart(_) => None,
    }
}

/// The values of a release: those of the files that it names, the last of them uppermost, below its own. What cannot be found
/// leaves them open.
pub(super) fn of_files(
    builder: &mut Builder,
    files: &[FileOfValues],
    named: &[ValuesFile],
    own: Node,
    used: &mut BTreeSet<usize>,
) -> Node {
    let at = own.at;
    let mut lower = Node::new(Value::Map(Map::default()), at);
    let mut missing = None;
    for one in named {
        let node = match (find(files, one), one) {
            (Some(number), _) => {
                used.insert(number);
                Some(files[number].node.clone())
            }
            (None, ValuesFile::At(path)) => read(builder, path),
            (None, ValuesFile::InRepository { optional, path }) => match in_repository(builder, at, path) {
                None if *optional && !has_placeholder(path) => continue,
                found => found,
            },
            (None, ValuesFile::InChart(_)) => None,
        };
        match node {
            Some(node) => lower = over(node, lower),
            None => {
                // It may fill in what those below it leave blank.
                open_blanks(&mut lower);
                missing = missing.or_else(|| Some(one.to_string()));
            }
        }
    }
    let mut values = over(own, lower);
    values.at = at;
    if let (Value::Map(map), Some(file)) = (&mut values.value, missing) {
        let gap = Objects::ValuesFile { file: file.into() };
        map.more.get_or_insert_with(|| Box::new(Reason::new(Cause::NotProvided, gap)));
    }
    values
}

/// A file of the repository that says too little to be known for values of Karpenter's by itself. The repository's root is a folder
/// above what names it.
fn in_repository(builder: &mut Builder, named_at: At, path: &str) -> Option<Node> {
    let Origin::File(file) = builder.origin(named_at.doc) else { return None };
    let found = Path::new(&**file).ancestors().skip(1).map(|above| above.join(path)).find(|found| found.is_file())?;
    read(builder, &found)
}

/// Does a document list releases as a helmfile does?
pub(super) fn is_helmfile(node: &Node) -> bool {
    let releases = node.member("releases").map(Node::elements).unwrap_or_default();
    node.member("kind").is_none() && releases.iter().any(|release| release.str_at(&["chart"]).is_some())
}

/// An environment of a helmfile: its name and its values.
#[derive(Clone, Debug)]
pub(super) struct Environment {
    name: String,
    values: Node,
}

/// The environments that a helmfile has.
pub(super) fn environments(builder: &mut Builder, node: &Node, path: &Path) -> Vec<Environment> {
    let all = node.member("environments").and_then(Node::as_map).map(|map| map.entries.as_slice()).unwrap_or_default();
    all.iter()
        .map(|(name, environment)| {
            let mut values = Node::new(Value::Map(Map::default()), environment.at);
            for one in environment.member("values").map(Node::elements).unwrap_or_default() {
                let layer = match one.as_str() {
                    Some(file) => read(builder, &beside(path, file)),
                    None => Some(one.clone()),
                };
                values = layer.into_iter().fold(values, |lower, upper| over(upper, lower));
            }
            Environment { name: name.to_string(), values }
        })
        .collect()
}

/// The releases of a helmfile, those that depend on its environments once for each.
pub(super) fn of_helmfile(node: &Node, path: &Path, environments: &[Environment]) -> Vec<Release> {
    let mut found: Vec<Release> = vec![];
    for environment in environments {
        let mut node = node.clone();
        let value = |written: &str| match placeholders::named(written)?.as_slice() {
            ["Environment", "Name"] => Some(Node::text(environment.name.as_str(), environment.values.at)),
            ["Values" | "StateValues", names @ ..] => environment.values.at_path(names).cloned(),
            _ => None,
        };
        if !placeholders::fill(&mut node, &value) {
            // Nothing in it depends on the environment.
            return in_environment(&node, path);
        }
        found.extend(in_environment(&node, path));
    }
    if environments.is_empty() { in_environment(node, path) } else { found }
}

fn in_environment(node: &Node, path: &Path) -> Vec<Release> {
    let repositories = node.member("repositories").map(Node::elements).unwrap_or_default();
    let releases = node.member("releases").map(Node::elements).unwrap_or_default();
    let text = |node: &Node, name: &str| node.str_at(&[name]).map(str::to_owned);
    releases
        .iter()
        .filter(|release| release.member("installed").is_none_or(|flag| !matches!(flag.value, Value::Flag(false))))
        .filter_map(|release| {
            let chart = text(release, "chart")?;
            let named = chart.split('/').next().unwrap_or_default();
            let repository = repositories.iter().find(|one| one.str_at(&["name"]) == Some(named));
            let mut values = Node::new(Value::Map(Map::default()), release.at);
            let mut files = vec![];
            for one in release.member("values").map(Node::elements).unwrap_or_default() {
                match &one.value {
                    // A name with a placeholder is of a file that is not there.
                    Value::Text(file) => files.push(ValuesFile::At(beside(path, &file.to_string()))),
                    _ => values = over(one.clone(), values),
                }
            }
            for set in release.member("set").map(Node::elements).unwrap_or_default() {
                if let (Some(name), Some(value)) = (set.str_at(&["name"]), set.member("value")) {
                    set_path(&mut values, name, value.clone());
                }
            }
            Some(Release {
                name: release.str_at(&["name"]).unwrap_or("karpenter").into(),
                namespace: release.str_at(&["namespace"]).map(Into::into),
                repository: repository.and_then(|one| text(one, "url")).unwrap_or_default(),
                version: release.member("version").cloned(),
                chart_ref: None,
                source: SourceKind::Source,
                chart,
                files,
                values,
            })
        })
        .collect()
}

/// The charts of a kustomization.
pub(super) fn of_kustomization(node: &Node, path: &Path) -> Vec<Release> {
    let charts = node.member("helmCharts").map(Node::elements).unwrap_or_default();
    let text = |node: &Node, name: &str| node.str_at(&[name]).map(str::to_owned);
    charts
        .iter()
        .filter_map(|chart| {
            let additional = chart.member("additionalValuesFiles").map(Node::elements).unwrap_or_default();
            let files = chart.member("valuesFile").into_iter().chain(additional);
            let inline = chart.member("valuesInline").cloned().and_then(|inline| from_text(&inline));
            Some(Release {
                name: chart.str_at(&["releaseName"]).unwrap_or("karpenter").into(),
                namespace: chart.str_at(&["namespace"]).or_else(|| node.str_at(&["namespace"])).map(Into::into),
                chart_ref: None,
                source: SourceKind::Source,
                chart: text(chart, "name")?,
                repository: text(chart, "repo").unwrap_or_default(),
                version: chart.member("version").cloned(),
                files: files.filter_map(Node::as_str).map(|file| ValuesFile::At(beside(path, file))).collect(),
                values: inline.unwrap_or_else(|| Node::new(Value::Map(Map::default()), chart.at)),
            })
        })
        .collect()
}

fn beside(path: &Path, file: &str) -> PathBuf {
    path.parent().unwrap_or(Path::new("")).join(file)
}
