//! The forms: one input each, and why one was not opened.

use super::words::refusal;
use crate::chat::{ApiError, Form, FormKind, Message};
use crate::domain::Reference;

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

/// The chat did not open a form.
pub fn form_not_opened(error: &ApiError, reference: &Reference) -> Message {
    let (what, next) = match error {
        ApiError::TooLate => (
            "The form could not be opened in time.".to_owned(),
            "Press the button again.".to_owned(),
        ),
        ApiError::RateLimited(wait) => (
            "The chat asks me to slow down, so the form was not opened.".to_owned(),
            format!("Press the button again in {wait}."),
        ),
        ApiError::MissingScope(scope) => (
            format!("relatch's app lacks the permission {scope}, so the form was not opened."),
            "Whoever runs relatch has to add it and install the app again.".to_owned(),
        ),
        ApiError::Refused(_) => (
            "The chat refuses relatch's token, so the form was not opened.".to_owned(),
            "Tell whoever runs relatch.".to_owned(),
        ),
        ApiError::NotFound | ApiError::Unavailable => (
            "The chat did not open the form.".to_owned(),
            "Press the button again. If that does not help, tell whoever runs relatch.".to_owned(),
        ),
    };
    refusal(&what, &next, reference)
}
