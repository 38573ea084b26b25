//! The message as it is sent: one recipient, and nothing in it that names this machine.

use std::time::SystemTime;

use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, SinglePart};
use zeroize::Zeroizing;

/// Why no message could be made.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoMessage {
    #[error("no random identifier")]
    Random(#[from] rand::rngs::SysError),
    #[error("the mail library refuses a header")]
    Header(#[from] lettre::error::Error),
}

/// Headers and text, ready for DATA.
#[expect(
    clippy::disallowed_methods,
    reason = "the Date header is for the mail server; no rule depends on it"
)]
pub(super) fn formatted(
    from: &Mailbox,
    to: &Mailbox,
    subject: &str,
    text: &str,
) -> Result<Zeroizing<Vec<u8>>, NoMessage> {
    let mut id = [0; 16];
    rand::TryRng::try_fill_bytes(&mut rand::rngs::SysRng, &mut id)?;
    let part = SinglePart::builder()
        .header(ContentType::TEXT_PLAIN)
        .header(ContentTransferEncoding::Base64)
        .body(text.to_owned());
    // By default the identifier would end in this machine's name.
    let message_id = format!("<{}@{}>", hex::encode(id), from.email.domain());
    let message = Message::builder()
        .from(from.clone())
        .to(to.clone())
        .subject(subject.to_owned())
        .date(SystemTime::now())
        .message_id(Some(message_id))
        .raw_header(HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".to_owned(),
        ))
        .singlepart(part)?;
    Ok(Zeroizing::new(message.formatted()))
}
