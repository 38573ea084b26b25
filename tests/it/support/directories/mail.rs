//! A mail server that takes everything and keeps what it took.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What was taken.
#[derive(Clone, Default)]
pub(crate) struct Mailbox(Arc<Mutex<Vec<String>>>);

impl Mailbox {
    /// Starts the server.
    pub(crate) async fn start() -> (SocketAddr, Self) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mailbox = Self::default();
        let taken = mailbox.clone();
        super::super::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // A client that hangs up has said enough.
                taken.take(stream).await.ok();
            }
        });
        (address, mailbox)
    }

    /// One conversation, as far as RFC 5321 needs it.
    async fn take(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        stream.write_all(b"220 mail.test\r\n").await?;
        let mut line = String::new();
        while stream.read_line(&mut line).await? > 0 {
            let word = line.trim().to_uppercase();
            if word == "DATA" {
                stream.write_all(b"354 go on\r\n").await?;
                let mut message = String::new();
                while stream.read_line(&mut message).await? > 0 && !message.ends_with("\r\n.\r\n") {
                }
                self.0.lock().unwrap().push(message);
            }
            let is_over = word == "QUIT";
            let answer = if is_over { "221 bye\r\n" } else { "250 ok\r\n" };
            stream.write_all(answer.as_bytes()).await?;
            if is_over {
                break;
            }
            line.clear();
        }
        Ok(())
    }

    /// Everything that was taken since the last call, as it was sent.
    pub(crate) fn take_all(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// The first link of the last message, which is written in lines of quoted-printable (RFC 2045, 6.7).
    pub(crate) fn link(&self) -> String {
        let last = self.0.lock().unwrap().last().cloned().expect("a message");
        let text = last.replace("=\r\n", "").replace("=3D", "=");
        let at = text
            .find("http://")
            .unwrap_or_else(|| panic!("no link: {text}"));
        let end = |c: char| c.is_whitespace() || c == '"' || c == '<';
        text[at..].split(end).next().unwrap().to_owned()
    }
}
