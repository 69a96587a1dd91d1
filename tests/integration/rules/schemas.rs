//! The table of what Karpenter's releases accept, held against definitions of some of them. `karpenter.py` beside the table
//! makes it of all tags.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_yaml::Value;

const TABLE: &str = include_str!("../../../rules-wasm/src/schemas/karpenter.tsv");
const LIMITS: &[&str] = &["minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "maxProperties"];

/// A path, a keyword, its value.
type Row = (String, String, String);

fn minor(release: &str) -> (u64, u64) {
    let mut parts = release.split('.').map(|part| part.parse().unwrap());
    (parts.next().unwrap(), parts.next().unwrap())
}

/// The rows of a kind in a version of its API, in a minor release.
fn table(kind: &str, version: &str, of: (u64, u64)) -> BTreeSet<Row> {
    let head = format!("{kind}\t{version}\t");
    let section = TABLE.split("\n@").find_map(|section| section.strip_prefix(&head)).unwrap_or_default();
    let covers = |ranges: &str| {
        ranges.is_empty()
            || ranges.split(',').any(|range| {
                let (first, last) = range.split_once('-').unwrap_or((range, range));
                (minor(first)..=minor(last)).contains(&of)
            })
    };
    let mut rows = BTreeSet::new();
    for line in section.lines().skip(1) {
        let cells: Vec<&str> = line.splitn(4, '\t').collect();
        let value = cells.get(3).copied().unwrap_or_default();
        if !covers(cells.get(2).copied().unwrap_or_default()) {
            continue;
        }
        let values = if matches!(cells[1], "enum" | "required") { value.split(' ').collect() } else { vec![value] };
        for value in values {
            rows.insert((cells[0].to_owned(), cells[1].to_owned(), value.to_owned()));
        }
    }
    rows
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The rows that a definition's schema gives.
fn described(schema: &Value, path: &str, into: &mut BTreeSet<Row>) {
    let mut add = |keyword: &str, value: String| into.insert((path.to_owned(), keyword.to_owned(), value));
    let flag = |name: &str| schema.get(name).and_then(Value::as_bool) == Some(true);
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let kind = if flag("x-kubernetes-int-or-string") {
        Some("int-or-string".to_owned())
    } else {
        schema.get("type").and_then(text)
    };
    add("type", kind.unwrap_or_default());
    if flag("x-kubernetes-preserve-unknown-fields") {
        add("keep", String::new());
    }
    for limit in LIMITS {
        if let Some(number) = schema.get(limit).and_then(Value::as_i64) {
            add(limit, number.to_string());
        }
    }
    let parts = schema.get("allOf").and_then(Value::as_sequence).into_iter().flatten().chain([schema]);
    for pattern in parts.filter_map(|part| part.get("pattern").and_then(text)) {
        add("pattern", pattern);
    }
    let list = |name: &str| schema.get(name).and_then(Value::as_sequence).into_iter().flatten();
    for value in list("enum") {
        add("enum", serde_json::to_string(value).unwrap());
    }
    for name in list("required").filter_map(text) {
        add("required", name);
    }
    if let Some(default) = schema.get("default") {
        add("default", serde_json::to_string(default).unwrap());
    }
    for rule in list("x-kubernetes-validations") {
        let part = |name: &str| one_line(rule.get(name).and_then(Value::as_str).unwrap_or_default());
        add("cel", format!("{}\t{}", part("rule"), part("message")).trim_end().to_owned());
    }
    for (name, field) in schema.get("properties").and_then(Value::as_mapping).into_iter().flatten() {
        let name = name.as_str().unwrap();
        if path.is_empty() && matches!(name, "metadata" | "status") {
            continue;
        }
        described(field, &format!("{path}/{name}"), into);
    }
    for (name, segment) in [("items", "*"), ("additionalProperties", "{}")] {
        if let Some(inner) = schema.get(name).filter(|inner| inner.is_mapping()) {
            described(inner, &format!("{path}/{segment}"), into);
        }
    }
}

fn definitions() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/crds");
    let files = [folder.clone(), folder.join("releases")].into_iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    files.map(|entry| entry.unwrap().path()).filter(|file| name(file).starts_with("karpenter-")).collect()
}

fn name(file: &Path) -> String {
    file.file_name().unwrap().to_string_lossy().into_owned()
}

/// What a definition says of its kind, and what the table says of it.
fn each_version(mut look: impl FnMut(&str, BTreeSet<Row>, BTreeSet<Row>)) {
    let mut seen = 0;
    for file in definitions() {
        let definition: Value = serde_yaml::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        let name = name(&file);
        let release = name.trim_end_matches(".yaml").rsplit_once("-v").unwrap().1.to_owned();
        let spec = &definition["spec"];
        let kind = format!("{}/{}", spec["group"].as_str().unwrap(), spec["names"]["kind"].as_str().unwrap());
        for version in spec["versions"].as_sequence().unwrap() {
            let version_name = version["name"].as_str().unwrap();
            let mut found = BTreeSet::new();
            described(&version["schema"]["openAPIV3Schema"], "", &mut found);
            let mut known = table(&kind, version_name, minor(&release));
            known.retain(|(path, keyword, _)| {
                keyword != "late" && !["/metadata", "/status"].iter().any(|own| path.starts_with(own))
            });
            look(&format!("{name} {version_name}"), found, known);
            seen += 1;
        }
    }
    assert!(seen >= 14, "{seen}");
}

/// Nothing that the API server of a release takes may be called wrong.
#[test]
fn a_field_or_value_that_a_release_has_is_in_the_table() {
    each_version(|what, found, known| {
        let fields = |rows: &BTreeSet<Row>| rows.iter().map(|(path, ..)| path.clone()).collect::<BTreeSet<_>>();
        assert_eq!(fields(&found).difference(&fields(&known)).collect::<Vec<_>>(), Vec::<&String>::new(), "{what}");
        let listed = |rows: &BTreeSet<Row>| rows.iter().filter(|row| row.1 == "enum").cloned().collect::<BTreeSet<_>>();
        // A list that the table does not have admits all.
        for row in listed(&found) {
            let any = known.iter().any(|(path, keyword, _)| *path == row.0 && keyword == "enum");
            assert!(!any || known.contains(&row), "{what}: {row:?}");
        }
    });
}

/// What the table asks for, each of the release's definitions asks for.
#[test]
fn what_the_table_asks_for_the_release_asks_for() {
    let alpha = |what: &str| what.ends_with("v1alpha5") || (what.ends_with("v1alpha1") && !what.contains("overlay"));
    each_version(|what, found, known| {
        let own: Vec<&Row> = known
            .difference(&found)
            // Fields and values are those of any patch, and of the kinds before v1beta1 of any release.
            .filter(|(path, keyword, value)| {
                let of_a_patch = matches!(keyword.as_str(), "enum" | "keep") || (keyword == "type" && value.is_empty());
                let elsewhere = !found.iter().any(|(other, ..)| other == path);
                !(of_a_patch || elsewhere && alpha(what))
            })
            .collect();
        assert_eq!(own, Vec::<&Row>::new(), "{what}");
    });
}

/// What only some patches ask for is left out, and that is not much.
#[test]
fn hardly_anything_is_left_out() {
    each_version(|what, found, known| {
        let left_out: Vec<&Row> = found.difference(&known).collect();
        let most =
            if what.ends_with("v1alpha5") || what.ends_with("v1alpha1") { found.len() / 2 } else { found.len() / 15 };
        assert!(left_out.len() <= most, "{what}: {left_out:#?}");
    });
}
