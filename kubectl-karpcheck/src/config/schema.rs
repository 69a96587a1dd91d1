//! The JSON Schema of the configuration, and the list of its keys in the documentation.

use serde_json::{Map, Value, json};

use crate::config::keys;
use crate::config::keys::{Key, Kind};

/// The schema, draft 2020-12: editors check a `.karpcheck.toml` by it.
pub fn schema() -> Value {
    let mut schema = of_table(keys::FILE);
    let about = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": concat!(env!("CARGO_PKG_REPOSITORY"), "/raw/main/docs/schema/karpcheck.config.schema.json"),
        "title": "The configuration of kubectl karpcheck",
    });
    if let (Value::Object(schema), Value::Object(about)) = (&mut schema, about) {
        let rest = std::mem::take(schema);
        schema.extend(about.into_iter().chain(rest));
    }
    schema
}

fn of_table(groups: &[&[Key]]) -> Value {
    let keys = || groups.iter().flat_map(|keys| keys.iter());
    let properties: Map<String, Value> = keys()
        .map(|key| {
            let mut schema = of_kind(&key.kind);
            if let Value::Object(schema) = &mut schema {
                schema.insert("description".to_owned(), key.docs.into());
            }
            (key.name.to_owned(), schema)
        })
        .collect();
    let required: Vec<&str> = keys().filter(|key| key.required).map(|key| key.name).collect();
    let mut schema = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    if !required.is_empty() {
        schema["required"] = required.into();
    }
    schema
}

fn of_kind(kind: &Kind) -> Value {
    match kind {
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Text(format) if format.pattern.is_empty() => json!({ "type": "string" }),
        Kind::Text(format) => json!({ "type": "string", "pattern": format.pattern }),
        Kind::Choice(words) => json!({ "enum": words }),
        Kind::List(of) => json!({ "type": "array", "items": of_kind(of) }),
        Kind::Table(keys) => of_table(keys),
        Kind::Tables(keys) => json!({ "type": "array", "items": of_table(keys) }),
        Kind::Map { names, of } => json!({
            "type": "object",
            "propertyNames": { "description": names },
            "additionalProperties": of_kind(of),
        }),
        Kind::Any => json!({}),
    }
}

/// The keys as a table of markdown for each table of the file.
pub fn reference() -> String {
    let mut sections = vec![];
    list("", keys::FILE, &mut sections);
    sections.join("\n\n") + "\n"
}

fn list(path: &str, groups: &[&[Key]], sections: &mut Vec<String>) {
    let mut lines = vec!["| key | value | |".to_owned(), "|---|---|---|".to_owned()];
    let mut below: Vec<(String, &[&[Key]])> = vec![];
    for key in groups.iter().flat_map(|keys| keys.iter()) {
        let inside = if path.is_empty() { key.name.to_owned() } else { format!("{path}.{}", key.name) };
        let value = match &key.kind {
            Kind::Flag => "`true`, `false`".to_owned(),
            Kind::Text(_) => "string".to_owned(),
            Kind::Choice(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "),
            Kind::List(_) => "list of strings".to_owned(),
            Kind::Table(keys) => {
                below.push((format!("[{inside}]"), *keys));
                format!("`[{inside}]`")
            }
            Kind::Tables(keys) => {
                below.push((format!("[[{inside}]]"), *keys));
                format!("`[[{inside}]]`")
            }
            Kind::Map { of: Kind::Table(keys), names } => {
                below.push((format!("[{inside}.NAME]"), *keys));
                format!("`[{inside}.NAME]`; NAME is {names}")
            }
            Kind::Map { names, .. } => format!("table; each key is {names}"),
            Kind::Any => "any value".to_owned(),
        };
        let required = if key.required { " Required." } else { "" };
        lines.push(format!("| `{}` | {value} | {}{required} |", key.name, key.docs));
    }
    let heading = if path.is_empty() { "### At the top".to_owned() } else { format!("### `{path}`") };
    sections.push(format!("{heading}\n\n{}", lines.join("\n")));
    for (name, keys) in below {
        list(&name, keys, sections);
    }
}
