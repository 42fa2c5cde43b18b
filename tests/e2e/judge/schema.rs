//! The JSON of a check conforms to `docs/schemas/check.schema.json`: as much of JSON Schema (draft 2020-12) as it uses.
//! A keyword that is not checked here is an error.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

/// Panics with the place where a check's JSON is not as its schema says.
pub(super) fn conforms(value: &Value) {
    if let Err(fault) = fits(&schema(), value, "$") {
        panic!("{fault}\n{value:#}");
    }
}

fn schema() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schemas/check.schema.json");
    crate::support::json(&fs::read_to_string(path).unwrap())
}

/// Whether a value is as a schema says, with the path of what is not.
fn fits(schema: &Value, value: &Value, path: &str) -> Result<(), String> {
    let keywords = schema.as_object().ok_or_else(|| format!("{path}: its schema is no object"))?;
    for (keyword, rule) in keywords {
        match keyword.as_str() {
            "$schema" | "title" | "description" if rule.is_string() => {}
            "type" => typed(rule, value, path)?,
            "enum" => {
                let any = rule.as_array().is_some_and(|all| all.contains(value));
                ensure(any, || format!("{path}: {value} is none of {rule}"))?;
            }
            "const" => ensure(value == rule, || format!("{path}: {value} is not {rule}"))?,
            "minimum" => {
                let least = rule.as_f64().ok_or_else(|| format!("{path}: minimum {rule}"))?;
                ensure(value.as_f64().is_none_or(|v| v >= least), || format!("{path}: {value} is below {rule}"))?;
            }
            "required" => {
                let names = rule.as_array().ok_or_else(|| format!("{path}: required {rule}"))?;
                for name in names.iter().filter_map(Value::as_str).filter(|_| value.is_object()) {
                    ensure(value.get(name).is_some(), || format!("{path}: lacks `{name}`"))?;
                }
            }
            "properties" => {
                let known = rule.as_object().ok_or_else(|| format!("{path}: properties {rule}"))?;
                for (name, schema) in known {
                    if let Some(own) = value.get(name) {
                        fits(schema, own, &format!("{path}.{name}"))?;
                    }
                }
            }
            "additionalProperties" if *rule == false => {
                let known = schema["properties"].as_object();
                for name in value.as_object().into_iter().flat_map(serde_json::Map::keys) {
                    ensure(known.is_some_and(|k| k.contains_key(name)), || format!("{path}: `{name}` is unknown"))?;
                }
            }
            "items" => {
                for (i, item) in value.as_array().into_iter().flatten().enumerate() {
                    fits(rule, item, &format!("{path}[{i}]"))?;
                }
            }
            other => return Err(format!("{path}: the schema's `{other}`: {rule} is not checked here")),
        }
    }
    Ok(())
}

fn ensure(good: bool, fault: impl Fn() -> String) -> Result<(), String> {
    if good { Ok(()) } else { Err(fault()) }
}

fn typed(rule: &Value, value: &Value, path: &str) -> Result<(), String> {
    let is = |name: &Value| match name.as_str() {
        Some("null") => Ok(value.is_null()),
        Some("boolean") => Ok(value.is_boolean()),
        Some("string") => Ok(value.is_string()),
        Some("array") => Ok(value.is_array()),
        Some("object") => Ok(value.is_object()),
        Some("number") => Ok(value.is_number()),
        Some("integer") => Ok(value.as_f64().is_some_and(|v| v.fract() == 0.0)),
        _ => Err(format!("{path}: there is no type {name}")),
    };
    let names = rule.as_array().map_or(std::slice::from_ref(rule), Vec::as_slice);
    for name in names {
        if is(name)? {
            return Ok(());
        }
    }
    Err(format!("{path}: {value} is no {rule}"))
}

/// Every schema within a schema, with its path.
fn within<'a>(schema: &'a Value, path: &str, all: &mut Vec<(String, &'a Value)>) {
    all.push((path.to_owned(), schema));
    for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
        within(inner, &format!("{path}.{name}"), all);
    }
    if let Some(inner) = schema.get("items") {
        within(inner, &format!("{path}[]"), all);
    }
}

#[test]
fn the_schema_is_closed_and_describes_every_field() {
    let schema = schema();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    let mut all = Vec::new();
    within(&schema, "$", &mut all);
    assert!(all.len() > 60, "{}", all.len());
    for (path, inner) in all {
        assert!(inner["description"].as_str().is_some_and(|d| d.ends_with('.')), "{path} has no description");
        assert!(!inner["type"].is_null(), "{path} has no type");
        for (keyword, rule) in inner.as_object().unwrap() {
            let alone = Value::Object([(keyword.clone(), rule.clone())].into_iter().collect());
            let fault = fits(&alone, &Value::Null, &path).err().unwrap_or_default();
            assert!(!fault.contains("is not checked here"), "{fault}");
        }
        let types = inner["type"].to_string();
        if types.contains("array") {
            assert!(inner["items"].is_object(), "{path}");
        }
        if types.contains("object") {
            assert_eq!(inner["additionalProperties"], false, "{path}");
            let required = inner["required"].as_array().unwrap();
            for name in inner["properties"].as_object().unwrap().keys() {
                let either = matches!(name.as_str(), "comparison" | "incomparable");
                assert_eq!(required.iter().any(|r| r == name.as_str()), !either, "{path}.{name}");
            }
        }
    }
}

#[test]
fn what_does_not_conform_is_told_with_its_place() {
    let schema = json!({
        "type": "object",
        "required": ["rows"],
        "properties": {
            "rows": { "type": "array", "items": {
                "type": ["object", "null"],
                "properties": {
                    "n": { "type": "integer", "minimum": 1 },
                    "x": { "type": ["number", "null"] },
                    "unit": { "enum": ["s", null] },
                    "schema": { "const": 1 },
                },
                "additionalProperties": false,
            } },
        },
        "additionalProperties": false,
    });
    let rows = |row: Value| json!({ "rows": [null, row] });
    let good = rows(json!({ "n": 2, "x": null, "unit": null, "schema": 1 }));
    assert_eq!(fits(&schema, &good, "$"), Ok(()));
    for (value, fault) in [
        (json!([]), "$: [] is no \"object\""),
        (json!({}), "$: lacks `rows`"),
        (json!({ "rows": [], "more": 1 }), "$: `more` is unknown"),
        (json!({ "rows": [7] }), "$.rows[0]: 7 is no [\"object\",\"null\"]"),
        (rows(json!({ "n": 0 })), "$.rows[1].n: 0 is below 1"),
        (rows(json!({ "n": 1.5 })), "$.rows[1].n: 1.5 is no \"integer\""),
        (rows(json!({ "x": "1" })), "$.rows[1].x: \"1\" is no [\"number\",\"null\"]"),
        (rows(json!({ "unit": "ms" })), "$.rows[1].unit: \"ms\" is none of [\"s\",null]"),
        (rows(json!({ "schema": 2 })), "$.rows[1].schema: 2 is not 1"),
        (rows(json!({ "m": 1 })), "$.rows[1]: `m` is unknown"),
    ] {
        // A value may be wrong in several ways, of which the first keyword by name tells its own.
        assert_eq!(fits(&schema, &value, "$").unwrap_err(), fault);
    }
    for unknown in [json!({ "pattern": "^a" }), json!({ "additionalProperties": true }), json!({ "type": "text" })] {
        let fault = fits(&json!({ "properties": { "a": unknown } }), &json!({ "a": "b" }), "$").unwrap_err();
        assert!(fault.starts_with("$.a: "), "{fault}");
    }
}
