//! Just as much of JSON Schema as SARIF's schema uses. A validator from a registry would bring forty crates for this one
//! test; a keyword that is not known here fails it, so that nothing is silently left unchecked.

use serde_json::Value as Json;

/// What in a value does not hold, each with its place.
pub(crate) fn faults(root: &Json, value: &Json) -> Vec<String> {
    let mut faults = vec![];
    check(root, root, value, "", &mut faults);
    faults
}

fn check(root: &Json, schema: &Json, value: &Json, at: &str, faults: &mut Vec<String>) {
    let object = schema.as_object().unwrap_or_else(|| panic!("{at}: a schema is an object"));
    for (keyword, rule) in object {
        let holds = match keyword.as_str() {
            "$schema" | "$id" | "title" | "description" | "default" | "definitions" | "additionalProperties" => true,
            "$ref" => {
                let target = root.pointer(rule.as_str().unwrap().strip_prefix('#').unwrap()).unwrap();
                check(root, target, value, at, faults);
                true
            }
            "type" => is_a(value, rule.as_str().unwrap()),
            "enum" => rule.as_array().unwrap().contains(value),
            "minimum" => value.as_f64().is_none_or(|number| number >= rule.as_f64().unwrap()),
            "maximum" => value.as_f64().is_none_or(|number| number <= rule.as_f64().unwrap()),
            "minItems" => value.as_array().is_none_or(|items| items.len() as u64 >= rule.as_u64().unwrap()),
            "uniqueItems" => {
                value.as_array().is_none_or(|items| (1..items.len()).all(|end| !items[..end].contains(&items[end])))
            }
            "required" => value.as_object().is_none_or(|fields| {
                rule.as_array().unwrap().iter().all(|name| fields.contains_key(name.as_str().unwrap()))
            }),
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(root, rule, item, &format!("{at}/{index}"), faults);
                }
                true
            }
            "properties" => {
                for (name, field) in value.as_object().into_iter().flatten() {
                    let known = rule.get(name).or_else(|| object.get("additionalProperties"));
                    match known {
                        Some(Json::Bool(false)) => faults.push(format!("{at}/{name}: no such property")),
                        Some(Json::Bool(true)) | None => {}
                        Some(schema) => check(root, schema, field, &format!("{at}/{name}"), faults),
                    }
                }
                true
            }
            "anyOf" => passing(root, rule, value) >= 1,
            "oneOf" => passing(root, rule, value) == 1,
            // Patterns are of GUIDs, language tags and dotted versions, none of which is written.
            "pattern" => value.as_str().is_none_or(|_| false),
            "format" => value.as_str().is_none_or(|text| has_format(text, rule.as_str().unwrap())),
            other => panic!("{at}: the keyword {other} is not known here"),
        };
        if !holds {
            faults.push(format!("{at}: {keyword} {rule} does not hold for {value}"));
        }
    }
}

fn passing(root: &Json, schemas: &Json, value: &Json) -> usize {
    let schemas = schemas.as_array().unwrap();
    schemas
        .iter()
        .filter(|schema| {
            let mut faults = vec![];
            check(root, schema, value, "", &mut faults);
            faults.is_empty()
        })
        .count()
}

fn is_a(value: &Json, kind: &str) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        other => panic!("the type {other} is not known here"),
    }
}

fn has_format(text: &str, format: &str) -> bool {
    let allowed = |char: char| char.is_ascii_alphanumeric() || "-._~:/?#[]@!$&'()*+,;=%".contains(char);
    match format {
        "uri-reference" => text.chars().all(allowed),
        "uri" => text.chars().all(allowed) && text.contains(':'),
        "date-time" => text.len() == 20 && text.ends_with('Z') && text.as_bytes()[10] == b'T',
        other => panic!("the format {other} is not known here"),
    }
}

#[test]
fn the_schema_finds_what_is_wrong() {
    let schema = serde_json::json!({
        "type": "object", "required": ["a"], "additionalProperties": false,
        "properties": {
            "a": {"type": "array", "minItems": 1, "uniqueItems": true, "items": {"$ref": "#/definitions/level"}},
            "u": {"type": "string", "format": "uri-reference"}
        },
        "definitions": {"level": {"enum": ["note", "error"]}}
    });
    assert_eq!(faults(&schema, &serde_json::json!({"a": ["note"], "u": "a%20b.yaml"})), Vec::<String>::new());
    for wrong in [
        serde_json::json!([]),
        serde_json::json!({}),
        serde_json::json!({"a": []}),
        serde_json::json!({"a": ["note", "note"]}),
        serde_json::json!({"a": ["fatal"]}),
        serde_json::json!({"a": ["note"], "b": 1}),
        serde_json::json!({"a": ["note"], "u": "a b.yaml"}),
    ] {
        assert!(!faults(&schema, &wrong).is_empty(), "{wrong}");
    }
}
