//! The message as it is sent: one recipient, and nothing in it that names this machine.
//!
//! Sources: RFC 2045, section 6 (encodings), RFC 3834 (`Auto-Submitted`).

use std::time::SystemTime;

use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart, SinglePart};
use zeroize::Zeroizing;

use super::html;

/// The longest line that is sent unencoded. Some servers fold longer ones, which breaks links.
const LONGEST_LINE: usize = 74;

/// Why no message could be made.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoMessage {
    #[error("no random identifier")]
    Random(#[from] rand::rngs::SysError),
    #[error("the mail library refuses a header")]
    Header(#[from] lettre::error::Error),
}

/// Who writes to whom.
pub(super) struct Correspondents<'a> {
    pub(super) from: &'a Mailbox,
    /// Where an answer goes; to the sender where it is none.
    pub(super) reply_to: Option<&'a Mailbox>,
    pub(super) to: &'a Mailbox,
}

/// Headers and text, ready for DATA.
#[expect(
    clippy::disallowed_methods,
    reason = "the Date header is for the mail server; no rule depends on it"
)]
pub(super) fn formatted(
    who: &Correspondents<'_>,
    subject: &str,
    text: &str,
) -> Result<Zeroizing<Vec<u8>>, NoMessage> {
    let mut id = [0; 16];
    rand::TryRng::try_fill_bytes(&mut rand::rngs::SysRng, &mut id)?;
    // By default the identifier would end in this machine's name.
    let message_id = format!("<{}@{}>", hex::encode(id), who.from.email.domain());
    let mut builder = Message::builder()
        .from(who.from.clone())
        .to(who.to.clone())
        .subject(subject.to_owned())
        .date(SystemTime::now())
        .message_id(Some(message_id))
        .raw_header(HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".to_owned(),
        ));
    if let Some(reply_to) = who.reply_to {
        builder = builder.reply_to(reply_to.clone());
    }
    let plain = part(ContentType::TEXT_PLAIN, text.to_owned());
    let message = if is_linked(text) {
        let html = part(ContentType::TEXT_HTML, html::of(text).to_string());
        let both = MultiPart::alternative().singlepart(plain);
        builder.multipart(both.singlepart(html))?
    } else {
        builder.singlepart(plain)?
    };
    Ok(Zeroizing::new(message.formatted()))
}

/// Text that can be read as it is sent: filters distrust an encoding that is not needed.
fn part(kind: ContentType, text: String) -> SinglePart {
    let builder = SinglePart::builder().header(kind);
    let is_short = text.lines().all(|line| line.len() <= LONGEST_LINE);
    if text.is_ascii() && !is_short {
        return builder
            .header(ContentTransferEncoding::QuotedPrintable)
            .body(text);
    }
    // The library sends short ASCII lines as they are, and other text in the shorter one of quoted-printable and base64.
    builder.body(text)
}

fn is_linked(text: &str) -> bool {
    text.split_whitespace().any(html::is_link)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(text: &str) -> String {
        let mailbox = |text: &str| text.parse::<Mailbox>().unwrap();
        let (from, to) = (
            mailbox("Acme IT <it@acme.example>"),
            mailbox("mina@mail.example"),
        );
        let who = Correspondents {
            from: &from,
            reply_to: Some(&from),
            to: &to,
        };
        String::from_utf8(formatted(&who, "Your new password", text).unwrap().to_vec()).unwrap()
    }

    #[test]
    fn text_is_readable_and_its_lines_are_short() {
        let long = "word ".repeat(40);
        for (text, encoding) in [
            ("k7Rm4Tqx\nIt works once.", "7bit"),
            (long.as_str(), "quoted-printable"),
            ("Grüße, and the rest is ASCII", "quoted-printable"),
        ] {
            let made = made(text);
            assert!(
                made.contains(&format!("Content-Transfer-Encoding: {encoding}")),
                "{made}"
            );
            assert!(made.lines().all(|line| line.len() < 78), "{made}");
            assert!(
                !made.contains("List-Unsubscribe") && made.contains("Reply-To: "),
                "{made}"
            );
        }
    }

    #[test]
    fn a_link_can_be_clicked_and_nothing_else_becomes_html() {
        let made = made("For <b>Mina</b> & you:\nhttps://reset.acme.example/c/x.\n");
        assert!(made.contains("multipart/alternative"), "{made}");
        assert!(
            made.contains("<a href=3D\"https://reset.acme.example/c/x\">")
                || made.contains("<a href=\"https://reset.acme.example/c/x\">"),
            "{made}"
        );
        assert!(
            made.contains("For &lt;b&gt;Mina&lt;/b&gt; &amp; you:<br>"),
            "{made}"
        );
    }
}
