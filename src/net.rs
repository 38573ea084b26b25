//! Outgoing HTTP: one client with deadlines, without redirects and proxies, and an error for each way a call can fail.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// How long connecting may take.
pub(crate) const CONNECT_DEADLINE: Duration = Duration::from_secs(3);

/// The largest answer that is read, in bytes; most answers of vendors are far smaller.
pub(crate) const ANSWER_LIMIT: usize = 256 * 1024;

/// The address of the client that sent a request; `None` behind a trusted proxy that does not name it. The web server adds
/// it to every request as an extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub Option<IpAddr>);

/// Why a call gave no answer that can be trusted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// Nothing was sent: no address, connection refused, or no TLS connection.
    #[error("the other side could not be reached")]
    NotSent(#[source] reqwest::Error),
    /// The request may have arrived and may have had its effect.
    #[error("the other side did not answer in time or broke off")]
    NoAnswer(#[source] reqwest::Error),
    /// The answer is longer than what is read of this call.
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
    /// The answer is not what the vendor's documentation promises.
    #[error("the answer could not be understood")]
    Malformed,
}

/// Why nothing could be sent, as far as the TLS library and the system tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreachable {
    #[error("no authority that is trusted signed its certificate; ca_file can name one")]
    UnknownAuthority,
    #[error("its certificate is for another name")]
    OtherName,
    #[error("its certificate has expired")]
    Expired,
    #[error("its certificate is not accepted")]
    BadCertificate,
    /// It answers the handshake in plain text, or refuses it.
    #[error("no TLS connection comes about; the port may be one without TLS")]
    NoTls,
    #[error("nothing listens there")]
    Refused,
    #[error("no connection")]
    NoConnection,
}

impl Unreachable {
    /// Reads the causes of an error.
    pub(crate) fn of(error: &(dyn std::error::Error + 'static)) -> Self {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if let Some(error) = error.downcast_ref::<rustls::Error>() {
                return Self::of_tls(error);
            }
            let io = error.downcast_ref::<std::io::Error>();
            if io.is_some_and(|io| io.kind() == std::io::ErrorKind::ConnectionRefused) {
                return Self::Refused;
            }
            // What an I/O error carries is not among its sources: they begin with those of the carried one.
            cause = match io.and_then(std::io::Error::get_ref) {
                Some(carried) => Some(carried),
                None => error.source(),
            };
        }
        Self::NoConnection
    }

    /// True where the connection failed for the other side's certificate.
    pub(crate) fn is_certificate(self) -> bool {
        match self {
            Self::UnknownAuthority | Self::OtherName | Self::Expired | Self::BadCertificate => true,
            Self::NoTls | Self::Refused | Self::NoConnection => false,
        }
    }

    /// True where it stays so until somebody changes something, there or here.
    pub(crate) fn is_lasting(self) -> bool {
        self.is_certificate() || self == Self::NoTls
    }

    fn of_tls(error: &rustls::Error) -> Self {
        use rustls::AlertDescription as Alert;
        use rustls::CertificateError as Why;

        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "the library's lists are long and grow"
        )]
        match error {
            rustls::Error::InvalidCertificate(Why::UnknownIssuer | Why::BadSignature) => {
                Self::UnknownAuthority
            }
            rustls::Error::InvalidCertificate(
                Why::NotValidForName | Why::NotValidForNameContext { .. },
            ) => Self::OtherName,
            rustls::Error::InvalidCertificate(Why::Expired | Why::ExpiredContext { .. }) => {
                Self::Expired
            }
            rustls::Error::InvalidCertificate(_) => Self::BadCertificate,
            rustls::Error::InvalidMessage(_)
            | rustls::Error::PeerIncompatible(_)
            | rustls::Error::AlertReceived(
                Alert::HandshakeFailure
                | Alert::ProtocolVersion
                | Alert::InsufficientSecurity
                | Alert::UnrecognisedName,
            ) => Self::NoTls,
            _ => Self::NoConnection,
        }
    }
}

/// An HTTP answer that was read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: u16,
    /// Seconds from `Retry-After`, where it was given in seconds.
    pub retry_after: Option<u64>,
    /// What the vendor says that the token may do (`x-oauth-scopes`), where it does.
    pub scopes: Option<String>,
    pub body: Vec<u8>,
}

/// Why TLS could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate file of the settings cannot be read.
    #[error("the certificate file cannot be read as PEM")]
    CaFile(#[source] rustls::pki_types::pem::Error),
    #[error("the certificate file holds no certificate")]
    NoCertificate,
    /// The TLS library refused its protocol versions.
    #[error("the TLS library refuses our settings")]
    Setup(#[from] rustls::Error),
    /// The HTTP client refused its settings.
    #[error("the HTTP client refuses our settings")]
    Client(#[from] reqwest::Error),
}

/// TLS with ring, which trusts the machine's root certificates and those of `ca_file`.
pub fn tls_config(ca_file: Option<&Path>) -> Result<rustls::ClientConfig, TlsError> {
    let mut roots = rustls::RootCertStore::empty();
    // A machine without certificates can still connect to loopback; for a real vendor the handshake fails.
    let (_added, _ignored) =
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = ca_file {
        let own: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect::<Result<_, _>>)
            .map_err(TlsError::CaFile)?;
        let (added, _ignored) = roots.add_parsable_certificates(own);
        if added == 0 {
            return Err(TlsError::NoCertificate);
        }
    }
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(
        rustls::crypto::ring::default_provider(),
    ))
    .with_safe_default_protocol_versions()?
    .with_root_certificates(roots)
    .with_no_client_auth();
    Ok(config)
}

/// The client for all outgoing HTTP. `deadline` is for a whole call.
pub fn client(deadline: Duration) -> Result<reqwest::Client, TlsError> {
    client_trusting(deadline, None)
}

/// The same, and it also trusts the certificates of a file.
#[expect(
    clippy::disallowed_methods,
    reason = "all outgoing HTTP uses this client"
)]
pub(crate) fn client_trusting(
    deadline: Duration,
    ca_file: Option<&Path>,
) -> Result<reqwest::Client, TlsError> {
    Ok(reqwest::Client::builder()
        .tls_backend_preconfigured(tls_config(ca_file)?)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(CONNECT_DEADLINE)
        .timeout(deadline)
        .user_agent(concat!("relatch/", env!("CARGO_PKG_VERSION")))
        .build()?)
}

/// Sends a request and reads its answer. The error never names the address, which may hold a token.
pub(crate) fn call(
    request: reqwest::RequestBuilder,
) -> impl Future<Output = Result<Answer, CallError>> + Send {
    // Not async, so that the request is not held twice.
    call_up_to(ANSWER_LIMIT, request)
}

/// The same, for an answer of up to `limit` bytes.
pub(crate) async fn call_up_to(
    limit: usize,
    request: reqwest::RequestBuilder,
) -> Result<Answer, CallError> {
    let classify = |error: reqwest::Error| {
        let error = error.without_url();
        if error.is_connect() || error.is_builder() {
            CallError::NotSent(error)
        } else {
            CallError::NoAnswer(error)
        }
    };
    let mut response = request.send().await.map_err(classify)?;
    let status = response.status().as_u16();
    let header = |name: &str| response.headers().get(name)?.to_str().ok();
    let retry_after = header("retry-after").and_then(|value| value.trim().parse().ok());
    let scopes = header("x-oauth-scopes").map(str::to_owned);
    let mut body = Vec::new();
    while let Some(piece) = response
        .chunk()
        .await
        .map_err(|error| CallError::NoAnswer(error.without_url()))?
    {
        if body.len().saturating_add(piece.len()) > limit {
            return Err(CallError::TooLong(limit));
        }
        body.extend_from_slice(&piece);
    }
    Ok(Answer {
        status,
        retry_after,
        scopes,
        body,
    })
}

/// True for `https`, and for `http` to this machine itself.
pub(crate) fn is_acceptable_url(url: &url::Url) -> bool {
    url.scheme() == "https" && url.has_host() || url.scheme() == "http" && is_this_machine(url)
}

/// True if the host is this machine itself. The `url` crate reads the IPv4 address of an unusual scheme as a name.
pub(crate) fn is_this_machine(url: &url::Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => {
            name == "localhost"
                || name
                    .parse()
                    .is_ok_and(|address: std::net::Ipv4Addr| address.is_loopback())
        }
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plaintext_goes_only_to_this_machine() {
        let fits = |text: &str| is_acceptable_url(&text.parse().unwrap());
        assert!(
            fits("https://slack.com/api/")
                && fits("http://127.0.0.1:9/")
                && fits("http://[::1]/")
                && fits("http://localhost/")
        );
        assert!(
            !fits("http://slack.com/")
                && !fits("http://10.0.0.1/")
                && !fits("ftp://127.0.0.1/")
                && !fits("http://localhost.evil/")
        );
    }

    /// A redirect is an answer and is not followed; a closed port is "not sent"; a timeout is "no answer".
    #[tokio::test]
    async fn calls_do_not_follow_and_failures_have_names() {
        use wiremock::matchers::any;
        use wiremock::{Mock, MockServer, ResponseTemplate};

        let canary = MockServer::start().await;
        Mock::given(any())
            .respond_with(ResponseTemplate::new(200))
            .expect(0)
            .mount(&canary)
            .await;
        let server = MockServer::start().await;
        Mock::given(any())
            .respond_with(
                ResponseTemplate::new(302)
                    .insert_header("location", canary.uri())
                    .insert_header("retry-after", "7"),
            )
            .mount(&server)
            .await;
        let client = client(Duration::from_millis(300)).unwrap();
        let answer = call(client.get(server.uri())).await.unwrap();
        assert_eq!((answer.status, answer.retry_after), (302, Some(7)));

        let dead = call(client.get("http://127.0.0.1:1/token-in-url"))
            .await
            .unwrap_err();
        assert!(
            matches!(dead, CallError::NotSent(_)) && !format!("{dead:?}").contains("token-in-url")
        );

        let slow = MockServer::start().await;
        Mock::given(any())
            .respond_with(ResponseTemplate::new(200).set_delay(Duration::from_secs(5)))
            .mount(&slow)
            .await;
        assert!(matches!(
            call(client.get(slow.uri())).await.unwrap_err(),
            CallError::NoAnswer(_)
        ));
    }

    #[tokio::test]
    async fn long_answers_are_cut_off() {
        use wiremock::matchers::any;
        use wiremock::{Mock, MockServer, ResponseTemplate};

        let server = MockServer::start().await;
        Mock::given(any())
            .respond_with(ResponseTemplate::new(200).set_body_bytes(vec![b'x'; ANSWER_LIMIT + 1]))
            .mount(&server)
            .await;
        let client = client(Duration::from_secs(5)).unwrap();
        assert!(matches!(
            call(client.get(server.uri())).await.unwrap_err(),
            CallError::TooLong(ANSWER_LIMIT)
        ));
        let longer = call_up_to(ANSWER_LIMIT + 1, client.get(server.uri())).await;
        assert_eq!(longer.unwrap().body.len(), ANSWER_LIMIT + 1);
    }
}
