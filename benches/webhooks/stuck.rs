//! Sockets that are stuck: opened from sixteen addresses, each way of being stuck in turn, and opened again when closed.

use std::cell::Cell;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::io::{AsyncWriteExt, Interest, Ready};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::LocalSet;

const HEAD: &str = "POST /slack/commands HTTP/1.1\r\nhost: reset.acme.example\r\n";
const PAGE: &str = "GET /signin HTTP/1.1\r\nhost: reset.acme.example\r\n\r\n";

/// Each way with what a socket sends at its start, and what it sends again and again.
pub(crate) fn ways() -> [(&'static str, String, String); 5] {
    let unsigned =
        format!("{HEAD}content-type: application/x-www-form-urlencoded\r\ncontent-length: 11\r\n\r\nssl_check=1{PAGE}")
            .repeat(25);
    [
        ("idle", String::new(), String::new()),
        ("half a head", format!("{HEAD}x-more: "), ".".to_owned()),
        (
            "slow body",
            format!("{HEAD}content-length: 60000\r\n\r\n"),
            ".".to_owned(),
        ),
        ("reads nothing", PAGE.to_owned(), String::new()),
        ("pipelines and reads nothing", unsigned.clone(), unsigned),
    ]
}

/// Keeps so many sockets stuck while the work goes on.
pub(crate) async fn while_stuck<T>(
    server: SocketAddr,
    sockets: usize,
    (_, first, more): &(&str, String, String),
    work: impl Future<Output = T>,
) -> T {
    let local = LocalSet::new();
    let opened = std::rc::Rc::new(Cell::new(0));
    for number in 0..sockets {
        let (first, more, opened) = (first.clone(), more.clone(), std::rc::Rc::clone(&opened));
        local.spawn_local(async move {
            let mut is_first = true;
            loop {
                let from = Ipv4Addr::new(127, 0, 0, u8::try_from(2 + number % 16).unwrap());
                if let Ok(stream) = open(server, from).await {
                    opened.set(opened.get() + usize::from(std::mem::take(&mut is_first)));
                    stay(stream, &first, &more).await;
                }
                // This is about sockets that are stuck, not about a flood of new ones.
                tokio::time::sleep(Duration::from_secs(4)).await;
            }
        });
    }
    local
        .run_until(async {
            while opened.get() < sockets {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            work.await
        })
        .await
}

async fn open(server: SocketAddr, from: Ipv4Addr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(1024)?;
    socket.bind(SocketAddr::from((from, 0)))?;
    socket.connect(server).await
}

/// Sends and reads nothing, for as long as the other side has not closed the connection.
async fn stay(mut stream: TcpStream, first: &str, more: &str) {
    if stream.write_all(first.as_bytes()).await.is_err() {
        return;
    }
    loop {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let is_closed = stream
            .ready(Interest::READABLE)
            .now_or_never()
            .is_some_and(|ready| ready.is_ok_and(Ready::is_read_closed));
        let is_broken = |error: std::io::Error| error.kind() != std::io::ErrorKind::WouldBlock;
        if is_closed || stream.try_write(more.as_bytes()).is_err_and(is_broken) {
            return;
        }
    }
}
