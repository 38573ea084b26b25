//! What Lark refuses in a card of JSON 1.0 or in the answer to a callback, or would make of a name.
//!
//! Sources: Lark's pages "Card JSON 1.0 structure", "Title", "Common modules and elements", "Button", "Form container", "Input
//! field" and "Card callback communication".

use serde_json::Value;

use super::GROUP;

/// Longest body of a call with a card ("Send message", "Delay update message card": 30 KB).
pub(super) const SIZE: usize = 30 * 1024;
/// Most elements of a card ("Card JSON 2.0 structure"; that it holds for JSON 1.0 too is assumed).
const ELEMENTS: usize = 200;
/// "Title", `template`.
const COLORS: [&str; 13] = [
    "blue",
    "wathet",
    "turquoise",
    "green",
    "yellow",
    "orange",
    "red",
    "carmine",
    "violet",
    "purple",
    "indigo",
    "grey",
    "default",
];
/// "Button", `type`.
const KINDS: [&str; 9] = [
    "default",
    "primary",
    "danger",
    "text",
    "primary_text",
    "danger_text",
    "primary_filled",
    "danger_filled",
    "laser",
];

fn list<'a>(of: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    of[name].as_array().into_iter().flatten()
}

/// What stands at this place, or null.
pub(super) fn at<'a>(of: &'a Value, place: &str) -> &'a Value {
    of.pointer(place).unwrap_or(&Value::Null)
}

/// The buttons of a card that send a click: those of its rows, and those beside a text.
pub(super) fn buttons(card: &Value) -> impl Iterator<Item = &Value> {
    list(card, "elements").flat_map(|element| list(element, "actions").chain(element.get("extra")))
}

/// The button that submits the form of a card.
pub(super) fn submit(card: &Value) -> Option<&Value> {
    let form = list(card, "elements").find(|element| element["tag"] == "form")?;
    list(form, "elements").find(|part| part["action_type"] == "form_submit")
}

/// What is wrong with the answer to a click: it has a toast, a card, both, or nothing.
pub(super) fn of_callback(answer: &Value, is_group: bool) -> Vec<String> {
    let mut broken = Broken::default();
    let known = ["toast", "card"];
    broken.hold(
        has_only(answer, &known),
        "an answer to a click that Lark does not know",
    );
    if let Some(toast) = answer.get("toast") {
        let kind = toast["type"].as_str().unwrap_or_default();
        broken.hold(
            ["info", "success", "error", "warning"].contains(&kind) && is_text(&toast["content"]),
            "a toast has no text, or a kind that Lark does not know",
        );
    }
    if let Some(card) = answer.get("card") {
        broken.hold(card["type"] == "raw", "a card in an answer is not raw");
        broken.0.extend(of_card(&card["data"], is_group));
    }
    broken.0
}

/// What is wrong with a card. In a group it is for one person alone, and its buttons name the group.
pub(super) fn of_card(card: &Value, is_group: bool) -> Vec<String> {
    let mut broken = Broken::default();
    broken.hold(card.to_string().len() <= SIZE, "a card has more than 30 KB");
    broken.hold(
        has_only(card, &["config", "header", "elements"]),
        "a card has a field that Lark does not know",
    );
    broken.hold(
        *at(card, "/config/enable_forward") == false,
        "a card can be forwarded",
    );
    // "Update the message card sent by the app": `update_multi`, before and after.
    broken.hold(
        *at(card, "/config/update_multi") == true,
        "a card cannot be changed",
    );
    broken.plain(at(card, "/header/title"), "a title");
    let color = at(card, "/header/template").as_str().unwrap_or_default();
    broken.hold(
        COLORS.contains(&color),
        "a header has a colour that Lark does not know",
    );
    for element in list(card, "elements") {
        broken.element(element, is_group);
    }
    broken.hold(count(card) <= ELEMENTS, "a card has more than 200 elements");
    broken.0
}

/// True for an object with none but these fields.
pub(super) fn has_only(object: &Value, known: &[&str]) -> bool {
    object
        .as_object()
        .is_some_and(|fields| fields.keys().all(|name| known.contains(&name.as_str())))
}

fn is_text(text: &Value) -> bool {
    text.as_str().is_some_and(|text| !text.is_empty())
}

fn count(part: &Value) -> usize {
    let inside = ["elements", "actions", "fields"];
    let below: usize = inside
        .iter()
        .flat_map(|name| list(part, name))
        .chain(part.get("extra"))
        .map(|one| 1 + count(one))
        .sum();
    below
}

/// The rules that were broken so far.
#[derive(Default)]
struct Broken(Vec<String>);

impl Broken {
    fn hold(&mut self, holds: bool, rule: &str) {
        if !holds {
            self.0.push(rule.to_owned());
        }
    }

    /// A text in which Lark reads no markup, no mention and no link.
    fn plain(&mut self, text: &Value, whose: &str) {
        let fits = text["tag"] == "plain_text" && is_text(&text["content"]);
        self.hold(fits, &format!("{whose} is no plain text, or empty"));
    }

    fn element(&mut self, element: &Value, is_group: bool) {
        match element["tag"].as_str().unwrap_or_default() {
            "div" => self.div(element, is_group),
            "note" => {
                self.hold(
                    list(element, "elements").next().is_some(),
                    "a note is empty",
                );
                for text in list(element, "elements") {
                    self.plain(text, "a note");
                }
            }
            "action" => {
                self.hold(
                    list(element, "actions").next().is_some(),
                    "a row has no buttons",
                );
                for button in list(element, "actions") {
                    self.button(button, is_group);
                    self.hold(
                        button.get("action_type").is_none(),
                        "a button of a form stands outside it",
                    );
                }
            }
            "form" => self.form(element, is_group),
            other => self.hold(false, &format!("{other:?} is no element of a card")),
        }
    }

    /// A `div` has a text, or fields with a text each, and one element at its side.
    fn div(&mut self, div: &Value, is_group: bool) {
        self.hold(
            has_only(div, &["tag", "text", "fields", "extra"]),
            "a div has a field that Lark does not know",
        );
        for field in list(div, "fields") {
            self.hold(
                field["is_short"].is_boolean(),
                "a field does not say if it is short",
            );
            self.plain(&field["text"], "a field");
        }
        if list(div, "fields").next().is_none() || div.get("text").is_some() {
            self.plain(&div["text"], "a div");
        }
        if let Some(extra) = div.get("extra") {
            self.button(extra, is_group);
        }
    }

    fn button(&mut self, button: &Value, is_group: bool) {
        self.hold(
            button["tag"] == "button",
            "a row has something else than buttons",
        );
        self.plain(&button["text"], "a label");
        let label = at(button, "/text/content").as_str().unwrap_or_default();
        self.hold(
            label.chars().count() <= 100,
            "a label has more than 100 characters",
        );
        let kind = button["type"].as_str().unwrap_or_default();
        self.hold(
            KINDS.contains(&kind),
            "a button has a type that Lark does not know",
        );
        self.hold(
            button["value"].is_object(),
            "the value of a button is no object",
        );
        // Our own rule: a click in a group is answered there.
        self.hold(
            (*at(button, "/value/group") == GROUP) == is_group,
            "a button does not know where it stands",
        );
    }

    /// A form has a name, and so has everything in it; one button submits it.
    fn form(&mut self, form: &Value, is_group: bool) {
        let mut names = vec![&form["name"]];
        for part in list(form, "elements") {
            names.push(&part["name"]);
            match part["tag"].as_str().unwrap_or_default() {
                "input" => self.input(part),
                "button" => self.button(part, is_group),
                other => self.hold(false, &format!("{other:?} is no element of a form")),
            }
        }
        let are_new = names
            .iter()
            .enumerate()
            .all(|(at, name)| is_text(name) && !names.iter().take(at).any(|one| one == name));
        self.hold(are_new, "a part of a form has no name of its own");
        let submits = list(form, "elements").filter(|part| part["action_type"] == "form_submit");
        self.hold(submits.count() == 1, "not one button submits a form");
    }

    fn input(&mut self, input: &Value) {
        let most = input["max_length"].as_u64().unwrap_or_default();
        self.hold(
            (1..=1000).contains(&most),
            "an input takes less than 1 or more than 1000 characters",
        );
        self.plain(&input["label"], "the label of an input");
        self.plain(&input["placeholder"], "a placeholder");
        let hint = at(input, "/placeholder/content")
            .as_str()
            .unwrap_or_default();
        self.hold(
            hint.chars().count() <= 100,
            "a placeholder has more than 100 characters",
        );
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The pretend Lark must be as strict as the real one, or it would prove nothing.
    #[test]
    fn the_rules_have_teeth() {
        let plain = json!({ "tag": "plain_text", "content": "x" });
        let button = json!({ "tag": "button", "type": "primary", "text": plain, "value": { "group": GROUP } });
        let mut submit = button.clone();
        submit["name"] = "submit".into();
        submit["action_type"] = "form_submit".into();
        let input = json!({
            "tag": "input", "name": "destination", "required": true, "max_length": 300, "label": plain, "placeholder": plain,
        });
        let good = json!({
            "config": { "enable_forward": false, "update_multi": true },
            "header": { "title": plain, "template": "blue" },
            "elements": [
                { "tag": "form", "name": "form", "elements": [input, submit] },
                { "tag": "action", "actions": [button] },
                { "tag": "div", "fields": [{ "is_short": true, "text": plain }] },
                { "tag": "div", "text": plain, "extra": button },
                { "tag": "note", "elements": [plain] },
            ],
        });
        assert_eq!(of_card(&good, true), Vec::<String>::new());
        assert_ne!(of_card(&good, false), Vec::<String>::new());
        assert!(submit_of(&good) && buttons(&good).count() == 2);
        for (place, value) in [
            ("/elements/0/name", json!("submit")),
            ("/elements/0/elements/0/name", json!("")),
            ("/elements/0/elements/0/max_length", json!(1001)),
            ("/elements/0/elements/0/tag", json!("div")),
            ("/elements/0/elements/1/action_type", json!("request")),
            ("/elements/1/actions/0/value", json!("x")),
            ("/elements/1/actions/0/type", json!("warning")),
            ("/elements/1/actions/0/text/content", json!("x".repeat(101))),
            ("/elements/1/actions", json!([])),
            ("/elements/1", json!({ "tag": "input" })),
            ("/elements/2/fields", json!([])),
            ("/elements/2/fields/0/is_short", Value::Null),
            ("/elements/2/fields/0/text/tag", json!("lark_md")),
            ("/elements/3/text/content", json!("")),
            ("/elements/3/extra/type", json!("warning")),
            ("/elements/4/elements", json!([])),
            ("/header/template", json!("pink")),
            ("/config/update_multi", json!(false)),
            ("/config/enable_forward", json!(true)),
            ("/header/title/content", json!("x".repeat(SIZE))),
            ("/elements", json!(vec![good["elements"][1].clone(); 101])),
        ] {
            let mut bad = good.clone();
            *bad.pointer_mut(place).unwrap() = value;
            assert_ne!(of_card(&bad, true), Vec::<String>::new(), "{place}");
        }
        for bad in [
            json!({ "toast": { "type": "bad", "content": "x" } }),
            json!({ "card": { "type": "template", "data": good } }),
            json!({ "text": "x" }),
        ] {
            assert_ne!(of_callback(&bad, true), Vec::<String>::new(), "{bad}");
        }
    }

    fn submit_of(card: &Value) -> bool {
        submit(card).is_some_and(|button| button["name"] == "submit")
    }
}
