//! The forms: one input each, and why one does not open.

use super::words::refusal;
use crate::chat::{Form, FormKind, Message};
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

/// The platform's deadline passed before the form could be opened.
pub fn form_too_late(reference: &Reference) -> Message {
    refusal(
        "The form could not be opened in time.",
        "Press the button again.",
        reference,
    )
}
