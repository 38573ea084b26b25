//! JSON Schema, as far as `discord.json` uses it. A field that the schema does not name is a problem.

use std::sync::LazyLock;

use serde_json::{Map, Value};

static SCHEMAS: LazyLock<Map<String, Value>> =
    LazyLock::new(|| serde_json::from_str(include_str!("discord.json")).unwrap());

/// Why this value is none of the named kind.
pub(super) fn problems(name: &str, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(&SCHEMAS[name], value, name, &mut found);
    found
}

fn check(schema: &Value, value: &Value, place: &str, found: &mut Vec<String>) {
    for (rule, wanted) in schema.as_object().unwrap() {
        let holds = match rule.as_str() {
            "$ref" => {
                let name = wanted.as_str().unwrap().rsplit('/').next().unwrap();
                check(&SCHEMAS[name], value, place, found);
                true
            }
            "type" => wanted.as_array().map_or_else(
                || is_a(wanted, value),
                |kinds| kinds.iter().any(|kind| is_a(kind, value)),
            ),
            "properties" => {
                properties(wanted, value, place, found);
                true
            }
            "required" => {
                let names = wanted.as_array().unwrap();
                !value.is_object()
                    || names
                        .iter()
                        .all(|name| value.get(name.as_str().unwrap()).is_some())
            }
            "items" => {
                for (at, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(wanted, item, &format!("{place}[{at}]"), found);
                }
                true
            }
            "oneOf" => one_of(wanted, value, place, found),
            "allOf" => {
                for one in wanted.as_array().unwrap() {
                    check(one, value, place, found);
                }
                true
            }
            "const" => value == wanted,
            "enum" => wanted.as_array().unwrap().contains(value),
            "maxLength" => count(value).is_none_or(|length| Some(length) <= wanted.as_u64()),
            "minLength" => count(value).is_none_or(|length| Some(length) >= wanted.as_u64()),
            "maxItems" => items(value).is_none_or(|length| Some(length) <= wanted.as_u64()),
            "minItems" => items(value).is_none_or(|length| Some(length) >= wanted.as_u64()),
            "maximum" => value
                .as_i64()
                .is_none_or(|number| Some(number) <= wanted.as_i64()),
            "minimum" => value
                .as_i64()
                .is_none_or(|number| Some(number) >= wanted.as_i64()),
            "uniqueItems" => value.as_array().is_none_or(|items| {
                items
                    .iter()
                    .enumerate()
                    .all(|(at, item)| !items[..at].contains(item))
            }),
            // Only ids have one, and none is sent.
            "pattern" => true,
            other => panic!("{other} is not read"),
        };
        if !holds {
            found.push(format!("{place}: {rule} {wanted}"));
        }
    }
}

/// Any of the kinds fits. Where none does, the problems of the kind whose `type` is right are told.
fn one_of(kinds: &Value, value: &Value, place: &str, found: &mut Vec<String>) -> bool {
    let all = kinds.as_array().unwrap();
    let tries = all.iter().map(|kind| {
        let mut problems = Vec::new();
        check(kind, value, place, &mut problems);
        problems
    });
    let best = tries.min_by_key(Vec::len).unwrap_or_default();
    let fits = best.is_empty();
    found.extend(best);
    fits
}

fn properties(known: &Value, value: &Value, place: &str, found: &mut Vec<String>) {
    for (name, inside) in value.as_object().into_iter().flatten() {
        match known.get(name) {
            Some(schema) => check(schema, inside, &format!("{place}.{name}"), found),
            None => found.push(format!("{place}.{name} is not known")),
        }
    }
}

fn is_a(kind: &Value, value: &Value) -> bool {
    match kind.as_str().unwrap() {
        "null" => value.is_null(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other} is not read"),
    }
}

fn count(value: &Value) -> Option<u64> {
    Some(value.as_str()?.chars().count() as u64)
}

fn items(value: &Value) -> Option<u64> {
    Some(value.as_array()?.len() as u64)
}
