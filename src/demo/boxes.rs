//! What a person has ticked in a message: Slack keeps it and sends it with every press.

use serde_json::{Map, Value, json};

/// An element of a message that can be pressed, with the id of its block.
pub(super) struct Pressable<'a> {
    pub(super) block_id: String,
    pub(super) element: &'a Value,
}

/// Everything in a message that can be pressed: the elements of its actions blocks, and what stands beside a section.
pub(super) fn pressables(message: &Value) -> impl Iterator<Item = Pressable<'_>> {
    let blocks = message["blocks"].as_array().into_iter().flatten();
    blocks.enumerate().flat_map(|(at, block)| {
        // Slack makes an id for a block that has none.
        let made = || format!("made{at}");
        let block_id = block["block_id"].as_str().map_or_else(made, str::to_owned);
        let inside = block["elements"].as_array().into_iter().flatten();
        inside
            .chain(Some(&block["accessory"]).filter(|accessory| !accessory.is_null()))
            .map(move |element| Pressable {
                block_id: block_id.clone(),
                element,
            })
    })
}

/// What is ticked in a message, as `state.values` tells it: by block and action. What was ticked `before` stays where block and
/// action are the same; so an app that sets other ticks needs a new `block_id` (Slack, "Actions block").
pub(super) fn ticked(message: &Value, before: &Value) -> Value {
    let mut values = Map::new();
    for Pressable { block_id, element } in pressables(message) {
        let Some(action) = element["action_id"]
            .as_str()
            .filter(|_| element["type"] == "checkboxes")
        else {
            continue;
        };
        let kept = before.get(&block_id).and_then(|block| block.get(action));
        let value = if let Some(kept) = kept {
            kept.clone()
        } else {
            let initial = element["initial_options"].as_array();
            selection(initial.map_or(&[], Vec::as_slice))
        };
        let block = values.entry(block_id).or_insert_with(|| json!({}));
        put(block, action, value);
    }
    Value::Object(values)
}

/// Sets a field of an object.
pub(super) fn put(object: &mut Value, name: &str, value: Value) {
    if let Some(fields) = object.as_object_mut() {
        fields.insert(name.to_owned(), value);
    }
}

/// A selection as Slack writes it.
pub(super) fn selection(options: &[Value]) -> Value {
    json!({ "type": "checkboxes", "selected_options": options })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(block_id: &str, initial: &Value) -> Value {
        json!({ "blocks": [{ "type": "actions", "block_id": block_id, "elements": [{
            "type": "checkboxes", "action_id": "also_show", "options": [{ "value": "on" }], "initial_options": initial,
        }]}]})
    }

    /// The client keeps what was ticked as long as the block keeps its id.
    #[test]
    fn a_new_block_takes_the_ticks_of_the_app() {
        let on = json!([{ "value": "on" }]);
        let first = ticked(&message("a", &Value::Null), &Value::Null);
        assert_eq!(first["a"]["also_show"]["selected_options"], json!([]));
        let same = ticked(&message("a", &on), &first);
        assert_eq!(same, first);
        let new = ticked(&message("b", &on), &first);
        assert_eq!(new["b"]["also_show"]["selected_options"], on);
        assert!(new["a"].is_null());
    }
}
