//! Stands between the bot and an LDAP server, counts what goes through, and loses a change or everything when told to.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::Trouble;

/// What went through, shared with the test.
#[derive(Clone, Default)]
pub(crate) struct Seen {
    changes: Arc<AtomicUsize>,
    messages: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
    rounds: Arc<Mutex<Rounds>>,
    /// Ends every connection.
    hang_up: Arc<Notify>,
    /// Nothing passes any more through the connections up to this number.
    dead_up_to: Arc<AtomicUsize>,
    /// With the next change everything dies.
    dies_with_change: Arc<AtomicBool>,
    /// What happens to the next changes; none where nothing does.
    next: Arc<Mutex<VecDeque<Option<Trouble>>>>,
}

/// How often the bot asked after it had an answer to what it asked before.
#[derive(Default)]
struct Rounds {
    count: usize,
    is_waiting: bool,
    /// Answers are held back until nothing was asked for so long, so that what is asked at once counts as one.
    hold: Option<Duration>,
}

impl Seen {
    /// Counts answers in sequence from now on.
    pub(crate) fn count_rounds(&self) {
        *self.rounds.lock().unwrap() = Rounds {
            hold: Some(Duration::from_millis(40)),
            ..Rounds::default()
        };
    }

    /// Connections so far, and answers in sequence.
    pub(crate) fn counted(&self) -> (usize, usize) {
        let rounds = self.rounds.lock().unwrap().count;
        (self.connections(), rounds)
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Ends the connections that are open now.
    pub(crate) fn hang_up(&self) {
        self.hang_up.notify_waiters();
    }

    /// Lets nothing pass any more through the connections that are open now, and leaves them open.
    pub(crate) fn let_die(&self) {
        self.dead_up_to.store(self.connections(), Ordering::SeqCst);
    }

    /// Nothing passes any more through any connection, later ones too, when the next change has gone through.
    pub(crate) fn let_die_after_change(&self) {
        self.dies_with_change.store(true, Ordering::SeqCst);
    }

    fn is_dead(&self, number: usize) -> bool {
        number <= self.dead_up_to.load(Ordering::SeqCst)
    }

    fn note_question(&self) {
        self.messages.fetch_add(1, Ordering::SeqCst);
        let mut rounds = self.rounds.lock().unwrap();
        if !rounds.is_waiting {
            rounds.count += 1;
            rounds.is_waiting = true;
        }
    }

    fn note_answer(&self) {
        self.rounds.lock().unwrap().is_waiting = false;
    }

    /// Waits until the bot has asked everything that it asks at once.
    async fn hold(&self) {
        let hold = self.rounds.lock().unwrap().hold;
        let Some(hold) = hold else { return };
        loop {
            let before = self.messages();
            tokio::time::sleep(hold).await;
            if self.messages() == before {
                return;
            }
        }
    }

    pub(crate) fn changes(&self) -> usize {
        self.changes.load(Ordering::SeqCst)
    }

    pub(super) fn count_change(&self) {
        self.changes.fetch_add(1, Ordering::SeqCst);
    }

    /// What happens to the change that is made now.
    pub(super) fn take_trouble(&self) -> Option<Trouble> {
        self.next.lock().unwrap().pop_front().flatten()
    }

    /// Every message of the bot that could be read.
    pub(crate) fn messages(&self) -> usize {
        self.messages.load(Ordering::SeqCst)
    }

    pub(crate) fn next_change(&self, trouble: Trouble) {
        *self.next.lock().unwrap() = [Some(trouble)].into();
    }

    /// The next change goes through; this happens to the one after it.
    pub(crate) fn second_change(&self, trouble: Trouble) {
        *self.next.lock().unwrap() = [None, Some(trouble)].into();
    }
}

/// A proxy with this certificate (`FOLDER/NAME.pem`) in front of a TLS server.
pub(crate) async fn start(folder: &Path, name: &str, server: SocketAddr) -> (SocketAddr, Seen) {
    let provider = || Arc::new(rustls::crypto::ring::default_provider());
    let chain = vec![CertificateDer::from_pem_file(folder.join(format!("{name}.pem"))).unwrap()];
    let key = PrivateKeyDer::from_pem_file(folder.join(format!("{name}.key"))).unwrap();
    let acceptor = rustls::ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(folder.join("ours-ca.pem")).unwrap())
        .unwrap();
    let connector = rustls::ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let (acceptor, connector) = (
        TlsAcceptor::from(Arc::new(acceptor)),
        TlsConnector::from(Arc::new(connector)),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Seen::default();
    let shared = seen.clone();
    super::super::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, connector, seen) = (acceptor.clone(), connector.clone(), shared.clone());
            let number = seen.connections.fetch_add(1, Ordering::SeqCst) + 1;
            super::super::spawn(async move {
                let Ok(client) = acceptor.accept(stream).await else {
                    return;
                };
                let stream = TcpStream::connect(server).await.unwrap();
                let name = ServerName::try_from("localhost").unwrap();
                let server = connector.connect(name, stream).await.unwrap();
                pass(client, server, (seen, number)).await;
            });
        }
    });
    (address, seen)
}

/// A proxy in front of a server without TLS.
pub(crate) async fn start_plain(server: SocketAddr) -> (SocketAddr, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Seen::default();
    let shared = seen.clone();
    super::super::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let seen = shared.clone();
            let number = seen.connections.fetch_add(1, Ordering::SeqCst) + 1;
            super::super::spawn(async move {
                let server = TcpStream::connect(server).await.unwrap();
                pass(client, server, (seen, number)).await;
            });
        }
    });
    (address, seen)
}

/// A server that hangs up at once, and counts how often.
pub(crate) async fn hang_up() -> (SocketAddr, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Seen::default();
    let shared = seen.clone();
    super::super::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            shared.messages.fetch_add(1, Ordering::SeqCst);
            drop(stream);
        }
    });
    (address, seen)
}

/// A server that takes connections and says nothing.
pub(crate) async fn hang() -> (SocketAddr, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Seen::default();
    let shared = seen.clone();
    super::super::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            shared.messages.fetch_add(1, Ordering::SeqCst);
            held.push(stream);
        }
    });
    (address, seen)
}

/// A server that refuses StartTLS (RFC 4511, 4.14) and listens on.
pub(crate) async fn refuse_encryption() -> (SocketAddr, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Seen::default();
    let shared = seen.clone();
    super::super::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let seen = shared.clone();
            super::super::spawn(async move {
                while let Some(message) = read_message(&mut stream).await {
                    let id = message[4];
                    if message
                        .windows(22)
                        .any(|part| part == b"1.3.6.1.4.1.1466.20037")
                    {
                        // ExtendedResponse, protocolError.
                        let refusal = [
                            0x30, 0x0c, 0x02, 0x01, id, 0x78, 0x07, 0x0a, 0x01, 0x02, 0x04, 0x00,
                            0x04, 0x00,
                        ];
                        stream.write_all(&refusal).await.ok();
                    } else {
                        seen.messages.fetch_add(1, Ordering::SeqCst);
                    }
                }
            });
        }
    });
    (address, seen)
}

/// Passes messages on, one by one, until the end or the trouble.
async fn pass(
    client: impl AsyncRead + AsyncWrite,
    server: impl AsyncRead + AsyncWrite,
    (seen, number): (Seen, usize),
) {
    let (mut from_client, mut to_client) = tokio::io::split(client);
    let (mut from_server, mut to_server) = tokio::io::split(server);
    let is_silent = AtomicBool::new(false);
    let up = async {
        while let Some(message) = read_message(&mut from_client).await {
            if seen.is_dead(number) {
                continue;
            }
            seen.note_question();
            let trouble = if is_change(&message) {
                seen.take_trouble()
            } else {
                None
            };
            if is_change(&message) && trouble != Some(Trouble::HangBefore) {
                seen.count_change();
            }
            if trouble == Some(Trouble::HangBefore) {
                std::future::pending::<()>().await;
            }
            if trouble.is_some() {
                is_silent.store(true, Ordering::SeqCst);
            }
            if to_server.write_all(&message).await.is_err() {
                return;
            }
            to_server.flush().await.ok();
            if is_change(&message) && seen.dies_with_change.load(Ordering::SeqCst) {
                seen.dead_up_to.store(usize::MAX, Ordering::SeqCst);
            }
            if trouble == Some(Trouble::Die) {
                // The change is surely made when the answer would come.
                tokio::time::sleep(Duration::from_millis(500)).await;
                return;
            }
        }
    };
    let down = async {
        while let Some(message) = read_message(&mut from_server).await {
            if is_silent.load(Ordering::SeqCst) || seen.is_dead(number) {
                continue;
            }
            seen.hold().await;
            seen.note_answer();
            if to_client.write_all(&message).await.is_err() {
                return;
            }
            to_client.flush().await.ok();
        }
    };
    tokio::select! { () = up => {}, () = down => {}, () = seen.hang_up.notified() => {} }
}

/// One `LDAPMessage` (RFC 4511, 4.1.1), with its header.
pub(super) async fn read_message(from: &mut (impl AsyncRead + Unpin)) -> Option<Vec<u8>> {
    let mut message = vec![0; 2];
    from.read_exact(&mut message).await.ok()?;
    let length = match message[1] {
        short @ 0..=0x7f => usize::from(short),
        long => {
            let mut digits = vec![0; usize::from(long & 0x7f)];
            from.read_exact(&mut digits).await.ok()?;
            message.extend(&digits);
            digits
                .iter()
                .fold(0, |all, byte| all << 8 | usize::from(*byte))
        }
    };
    let begin = message.len();
    message.resize(begin + length, 0);
    from.read_exact(&mut message[begin..]).await.ok()?;
    Some(message)
}

/// A modification, or the extended operation that changes a password; but not of the entry that is not there, by which
/// `relatch check` asks whether the server takes changes.
pub(super) fn is_change(message: &[u8]) -> bool {
    const NOBODY: &[u8] = b"cn=relatch-check-";

    if message.windows(NOBODY.len()).any(|part| part == NOBODY) {
        return false;
    }
    let header = if message[1] < 0x80 {
        2
    } else {
        2 + usize::from(message[1] & 0x7f)
    };
    let id = 2 + usize::from(message[header + 1]);
    let is_password_modify = message
        .windows(23)
        .any(|part| part == b"1.3.6.1.4.1.4203.1.11.1");
    match message[header + id] {
        0x66 => true,
        0x77 => is_password_modify,
        _ => false,
    }
}
