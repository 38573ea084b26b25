//! The forms: one input each, and why one was not opened.

use super::words::{ADD_PERMISSION, TELL_OPERATOR, message, refusal, with_reference};
use crate::chat::{ApiError, Form, FormKind, Message};
use crate::domain::sign_in::CODE_PAUSE;
use crate::domain::{Reference, Span};

/// The form for an address or a code (S24, S25, S28).
pub fn typed_form(kind: FormKind, member_name: &str, value: String) -> Form {
    let (title, label, hint, submit) = match kind {
        FormKind::Destination => (
            "Another way",
            format!("Phone or email of {member_name}"),
            "A mobile number with its country code, such as +82 10 1234 5678, or a private email. Never their business email.",
            "Continue",
        ),
        FormKind::CopyAddress => (
            "Copy to me",
            "Email for your copy".to_owned(),
            "For this reset only; your registered address stays as it is.",
            "Continue",
        ),
        FormKind::ContactCode => (
            "Code of the contact",
            format!("The code that {member_name} reads out"),
            "Six digits. It shows that the contact works, and opens nothing.",
            "Check",
        ),
    };
    Form {
        kind,
        value,
        title: title.to_owned(),
        label,
        hint: hint.to_owned(),
        submit: submit.to_owned(),
    }
}

/// The form for the code that was sent to an added contact.
pub fn contact_code_form(member_name: &str, to: &str, value: String) -> Form {
    let form = typed_form(FormKind::ContactCode, member_name, value);
    Form {
        hint: format!("It goes to {to}. {}", form.hint),
        ..form
    }
}

/// The chat did not open a form. A contact's code is sent while its form opens, and the next one has to wait.
pub fn form_not_opened(kind: FormKind, error: &ApiError, reference: &Reference) -> Message {
    let pause = Some(CODE_PAUSE).filter(|_| kind == FormKind::ContactCode);
    let (what, next) = why_not_opened(error, pause);
    if pause.is_none() {
        return refusal(&what, &next, reference);
    }
    let sent = format!("A code may have been sent all the same. The next one replaces it. {next}");
    with_reference(reference, message("The form was not opened", [what, sent]))
}

/// Why a form was not opened, and what to do: at once, or after the pause.
fn why_not_opened(error: &ApiError, pause: Option<Span>) -> (String, String) {
    let press = |wait: Option<Span>| {
        let wait = wait.map_or_else(String::new, |wait| format!(" in {wait}"));
        format!("Press the button again{wait}.")
    };
    match error {
        ApiError::TooLate => (
            "The form could not be opened in time.".to_owned(),
            press(pause),
        ),
        ApiError::RateLimited(wait) => (
            "The chat asks me to slow down, so the form was not opened.".to_owned(),
            press(pause.max(Some(*wait))),
        ),
        ApiError::MissingScope(scope) => (
            format!("relatch's app lacks the permission {scope}, so the form was not opened."),
            ADD_PERMISSION.to_owned(),
        ),
        ApiError::Refused(_) => (
            "The chat refuses relatch's token, so the form was not opened.".to_owned(),
            TELL_OPERATOR.to_owned(),
        ),
        ApiError::NotFound | ApiError::Unavailable => (
            "The chat did not open the form.".to_owned(),
            format!(
                "{} If that does not help, tell whoever runs relatch.",
                press(pause)
            ),
        ),
    }
}
