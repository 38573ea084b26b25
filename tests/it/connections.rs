//! Connections to the running server: which are kept, which are closed, and whose share a request takes.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use futures_util::future::join_all;
use http_body_util::BodyExt;
use relatch::surface::http::{ConnectionLimits, ConnectionSettings, TrustedProxies};
use relatch::surface::net::ClientAddress;
use relatch::surface::server::{Server, routes};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

use crate::support::{TestBot, slack};

/// Longer than every deadline of these tests.
const DEADLINE: Duration = Duration::from_secs(20);

/// A server that trusts nobody or this machine, with deadlines that a test can wait for.
async fn serve(
    bot: &TestBot,
    is_trusted: bool,
    keep_alive: Duration,
    limits: ConnectionLimits,
) -> Server {
    let trusted_proxies = if is_trusted {
        TrustedProxies::default()
    } else {
        TrustedProxies(Vec::new())
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = ConnectionSettings {
        trusted_proxies,
        keep_alive,
        limits,
    };
    Server::start(std::sync::Arc::clone(&bot.app), listener, settings)
        .await
        .unwrap()
}

fn command(bot: &TestBot, text: &str) -> String {
    let body = slack::command_body("UJO", text, &format!("{}/reply/1", bot.slack.base));
    let signature = bot
        .sign(&body)
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .concat();
    post(&body, &signature)
}

fn post(body: &str, headers: &str) -> String {
    let kind = "content-type: application/x-www-form-urlencoded\r\n";
    format!(
        "POST /slack/commands HTTP/1.1\r\nhost: x\r\n{kind}{headers}content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

struct Raw(TcpStream);

impl Raw {
    async fn to(addr: SocketAddr) -> Self {
        Self(TcpStream::connect(addr).await.unwrap())
    }

    /// Sends a request and reads the head of the answer and its body.
    async fn ask(&mut self, request: &str) -> String {
        self.0.write_all(request.as_bytes()).await.unwrap();
        self.answer().await
    }

    async fn answer(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.0.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())
            .unwrap_or(0);
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await.unwrap();
        head
    }

    /// Waits until the other side closes it. Whether it does is the test: a connection that stays ends it after a while.
    async fn closed(&mut self) {
        let mut rest = Vec::new();
        tokio::time::timeout(DEADLINE, self.0.read_to_end(&mut rest))
            .await
            .expect("it stays open")
            .ok();
    }
}

fn closes(head: &str) -> bool {
    head.contains("connection: close\r\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_direct_connection_is_kept_only_after_a_good_request() {
    let bot = TestBot::new().await;
    let server = serve(
        &bot,
        false,
        Duration::from_secs(130),
        ConnectionLimits::default(),
    )
    .await;
    for (request, status) in [
        (post("ssl_check=1", ""), "200"),
        (post("text=help", ""), "401"),
        ("GET /nowhere HTTP/1.1\r\nhost: x\r\n\r\n".to_owned(), "404"),
    ] {
        let mut raw = Raw::to(server.addr).await;
        let head = raw.ask(&request).await;
        assert!(head.contains(status) && closes(&head), "{request}: {head}");
        raw.closed().await;
    }
    let signed = command(&bot, "help");
    let mut raw = Raw::to(server.addr).await;
    let head = raw.ask(&signed).await;
    assert!(head.contains("200") && !closes(&head), "{head}");
    // A page that is shown or leads on is good too; whoever repeats what they overheard is nobody known.
    for page in ["/signin", "/account"] {
        let head = raw
            .ask(&format!("GET {page} HTTP/1.1\r\nhost: x\r\n\r\n"))
            .await;
        assert!(
            (head.contains("200") || head.contains("303")) && !closes(&head),
            "{head}"
        );
    }
    let head = raw.ask(&signed).await;
    assert!(head.contains("409") && closes(&head), "{head}");
    raw.closed().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_proxy_keeps_its_connection_whatever_it_carried() {
    let bot = TestBot::new().await;
    let server = serve(
        &bot,
        true,
        Duration::from_secs(130),
        ConnectionLimits::default(),
    )
    .await;
    let mut raw = Raw::to(server.addr).await;
    for (request, status) in [
        (post("text=help", ""), "401"),
        (post("ssl_check=1", ""), "200"),
    ] {
        let head = raw.ask(&request).await;
        assert!(head.contains(status) && !closes(&head), "{head}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_end_after_keep_alive_and_old_ones_with_their_next_answer() {
    let bot = TestBot::new().await;
    let limits = ConnectionLimits {
        head: Duration::from_millis(100),
        greatest_age: Duration::from_millis(300),
        ..ConnectionLimits::default()
    };
    let server = serve(&bot, true, Duration::from_secs(2), limits).await;
    let mut kept = Raw::to(server.addr).await;
    assert!(!closes(&kept.ask(&post("ssl_check=1", "")).await));
    // Older than its greatest age and idle for longer than a head may take: it is open all the same.
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert!(closes(&kept.ask(&post("ssl_check=1", "")).await));
    kept.closed().await;
    let mut idle = Raw::to(server.addr).await;
    assert!(!closes(&idle.ask(&post("ssl_check=1", "")).await));
    let began = tokio::time::Instant::now();
    idle.closed().await;
    assert!(
        began.elapsed() >= Duration::from_millis(1900),
        "{:?}",
        began.elapsed()
    );
    server.stop().await;
}

/// Half a head, a slow body and silence, each on a connection that is otherwise allowed to stay for an hour.
#[tokio::test(flavor = "multi_thread")]
async fn stuck_connections_are_closed() {
    let bot = TestBot::new().await;
    let limits = ConnectionLimits {
        head: Duration::from_millis(100),
        unverified_life: Duration::from_millis(300),
        ..ConnectionLimits::default()
    };
    let server = serve(&bot, false, Duration::from_hours(1), limits).await;
    for sent in [
        "",
        "POST /slack/commands HTTP/1.1\r\nhost",
        "POST /slack/commands HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\na",
    ] {
        let mut raw = Raw::to(server.addr).await;
        raw.0.write_all(sent.as_bytes()).await.unwrap();
        raw.closed().await;
    }
    // Half a head after a good request.
    let mut raw = Raw::to(server.addr).await;
    raw.ask("GET /signin HTTP/1.1\r\nhost: x\r\n\r\n").await;
    raw.0.write_all(b"GET /signin").await.unwrap();
    raw.closed().await;
    server.stop().await;
}

/// Its pipelined requests are good, so it may stay; only what it does not read ends it.
#[tokio::test(flavor = "multi_thread")]
async fn who_reads_nothing_is_closed_and_has_one_answer_at_a_time() {
    let bot = TestBot::new().await;
    let limits = ConnectionLimits {
        write: Duration::from_millis(300),
        ..ConnectionLimits::default()
    };
    let server = serve(&bot, true, Duration::from_hours(1), limits).await;
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(1024).unwrap();
    let mut raw = Raw(socket.connect(server.addr).await.unwrap());
    let page = "GET /signin HTTP/1.1\r\nhost: x\r\n\r\n".repeat(100);
    let flood = async { while raw.0.write_all(page.as_bytes()).await.is_ok() {} };
    tokio::time::timeout(DEADLINE, flood)
        .await
        .expect("it stays open");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pipelined_requests_are_answered_in_turn() {
    let bot = TestBot::new().await;
    let server = serve(
        &bot,
        true,
        Duration::from_secs(130),
        ConnectionLimits::default(),
    )
    .await;
    let mut raw = Raw::to(server.addr).await;
    let page = "GET /signin HTTP/1.1\r\nhost: x\r\n\r\n".repeat(20);
    raw.0.write_all(page.as_bytes()).await.unwrap();
    for _ in 0..20 {
        assert!(raw.answer().await.contains("200"));
    }
    server.stop().await;
}

/// One address loses its own connections, never another's.
#[tokio::test(flavor = "multi_thread")]
async fn one_address_has_so_many_connections_and_no_more() {
    let bot = TestBot::new().await;
    let limits = ConnectionLimits {
        connections_of_one: 3,
        ..ConnectionLimits::default()
    };
    let server = serve(&bot, false, Duration::from_secs(130), limits).await;
    let mut first = Raw::to(server.addr).await;
    assert!(!closes(
        &first.ask("GET /signin HTTP/1.1\r\nhost: x\r\n\r\n").await
    ));
    let mut others = Vec::new();
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(5)).await;
        let mut other = Raw::to(server.addr).await;
        assert!(!closes(
            &other.ask("GET /signin HTTP/1.1\r\nhost: x\r\n\r\n").await
        ));
        others.push(other);
    }
    first.closed().await;
    for other in &mut others {
        assert!(!closes(
            &other.ask("GET /signin HTTP/1.1\r\nhost: x\r\n\r\n").await
        ));
    }
    server.stop().await;
}

/// The open page of a member outlives every limit of other connections.
#[tokio::test(flavor = "multi_thread")]
async fn the_event_stream_of_a_member_stays() {
    let bot = TestBot::new().await;
    let browser = bot.signed_in("mina.park@acme.example").await;
    let limits = ConnectionLimits {
        head: Duration::from_millis(100),
        unverified_life: Duration::from_millis(200),
        greatest_age: Duration::from_millis(200),
        write: Duration::from_millis(200),
        ..ConnectionLimits::default()
    };
    let server = serve(&bot, false, Duration::from_millis(200), limits).await;
    let mut raw = Raw::to(server.addr).await;
    let cookies: Vec<String> = browser
        .cookies
        .lock()
        .unwrap()
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let cookies = cookies.join("; ");
    let head = raw
        .ask(&format!(
            "GET /account/events HTTP/1.1\r\nhost: x\r\ncookie: {cookies}\r\n\r\n"
        ))
        .await;
    assert!(head.contains("text/event-stream"), "{head}");
    let mut rest = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(1), raw.0.read_to_end(&mut rest)).await;
    assert!(
        read.is_err(),
        "the stream ended: {}",
        String::from_utf8_lossy(&rest)
    );
    server.stop().await;
}

/// A comment line every 20 s, so that no proxy takes the stream for dead.
#[tokio::test(flavor = "multi_thread")]
async fn the_event_stream_of_a_member_tells_that_it_lives() {
    let bot = TestBot::new().await;
    let browser = bot.signed_in("mina.park@acme.example").await;
    let mut events = browser
        .send(Request::get("/account/events"), String::new())
        .await
        .into_body();
    let mut next = async || {
        let frame = tokio::time::timeout(Duration::from_secs(30), events.frame())
            .await
            .expect("it is silent");
        String::from_utf8(frame.unwrap().unwrap().into_data().unwrap().to_vec()).unwrap()
    };
    assert!(next().await.starts_with("retry:"));
    for _ in 0..2 {
        let begun = tokio::time::Instant::now();
        assert_eq!(next().await, ":\n\n");
        assert!(
            begun.elapsed() > Duration::from_secs(19),
            "more often than it needs to be"
        );
    }
}

/// One client's commands that cannot go on take its own share; another client finds a place meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_has_its_share_is_told_so_and_others_are_answered() {
    let bot = TestBot::new().await;
    let routes = routes(&bot.app);
    let ask = |client: u8, number: usize| {
        let body = slack::command_body(
            "UJO",
            "help",
            &format!("{}/reply/{client}.{number}", bot.slack.base),
        );
        let mut request = Request::post("/slack/commands")
            .header("content-type", "application/x-www-form-urlencoded");
        for (name, value) in bot.sign(&body) {
            request = request.header(name, value);
        }
        let client = ClientAddress(Some(IpAddr::from([192, 0, 2, client])));
        said(
            routes.clone(),
            request.extension(client).body(Body::from(body)).unwrap(),
        )
    };
    let asked = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let held = join_all((0..256).map(|number| ask(1, number)));
        let further = async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            tokio::join!(ask(1, 256), ask(2, 0))
        };
        tokio::join!(held, further)
    };
    let ((), (_, (refused, other))) =
        tokio::join!(bot.keep_the_record_busy(Duration::from_secs(4)), asked);
    assert!(
        refused.contains("relatch is busy") && refused.contains("Nothing was changed."),
        "{refused}"
    );
    assert!(!other.contains("busy"), "{other}");
    bot.settle().await;
}

async fn said(routes: Router, request: Request<Body>) -> String {
    let response: Response<Body> = routes.oneshot(request).await.unwrap();
    String::from_utf8(
        response
            .into_body()
            .collect()
            .await
            .unwrap()
            .to_bytes()
            .to_vec(),
    )
    .unwrap()
}
