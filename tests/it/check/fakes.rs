//! The services that `check` asks here: a Slack, a mail server, and a directory of `support`.

use std::net::SocketAddr;

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use crate::support::{SECRET, spawn};

pub(super) const TOKEN: &str = "xoxb-canary-bot-token-1234567890";
pub(super) const TEAM: &str = "T0ACME";

/// A Slack that knows one token.
#[derive(Clone)]
pub(super) struct Slack {
    pub(super) scopes: &'static str,
    pub(super) team: &'static str,
    /// The organization, and whether the token is of all its workspaces.
    pub(super) enterprise: Option<(&'static str, bool)>,
}

impl Slack {
    /// With the scopes of the manifest.
    pub(super) fn good() -> Self {
        Self {
            scopes: "commands,users:read,users:read.email,chat:write",
            team: TEAM,
            enterprise: None,
        }
    }

    pub(super) async fn start(self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/api/", listener.local_addr().unwrap());
        let answer = move |headers: HeaderMap| std::future::ready(self.auth_test(&headers));
        let router = Router::new().route("/api/auth.test", post(answer));
        spawn(async move { axum::serve(listener, router).await.unwrap() });
        base
    }

    /// Slack, "auth.test method": fields, and `invalid_auth` for a token that is none. The scopes are in a header of every
    /// answer (Slack's Node SDK, `buildResult` of `WebClient.ts`), separated by commas.
    fn auth_test(&self, headers: &HeaderMap) -> Response {
        let bearer = headers
            .get("authorization")
            .and_then(|own| own.to_str().ok());
        if bearer != Some(format!("Bearer {TOKEN}").as_str()) {
            let refused = json!({ "ok": false, "error": "invalid_auth" });
            return (StatusCode::OK, refused.to_string()).into_response();
        }
        let mut answer = json!({
            "ok": true, "url": "https://acme.slack.com/", "team": "Acme", "user": "relatch", "team_id": self.team,
            "user_id": "U0RELATCH", "bot_id": "B0RELATCH", "is_enterprise_install": false,
        });
        if let Some((enterprise, is_of_all)) = self.enterprise {
            answer["enterprise_id"] = enterprise.into();
            answer["is_enterprise_install"] = is_of_all.into();
        }
        ([("x-oauth-scopes", self.scopes)], answer.to_string()).into_response()
    }
}

/// A mail server that answers MAIL FROM like this (RFC 5321, 4.1.1 and 4.2.2). Whoever goes further breaks off.
pub(super) async fn mail_server(mail: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            spawn(async move {
                let mut stream = BufReader::new(stream);
                stream.write_all(b"220 mail.example ESMTP\r\n").await.ok();
                let mut line = String::new();
                while stream.read_line(&mut line).await.is_ok_and(|read| read > 0) {
                    let answer = match line.split([' ', '\r']).next().unwrap_or_default() {
                        "EHLO" => "250 mail.example",
                        "MAIL" => mail,
                        "RSET" => "250 ok",
                        "QUIT" => "221 bye",
                        _ => return,
                    };
                    stream.write_all(answer.as_bytes()).await.ok();
                    stream.write_all(b"\r\n").await.ok();
                    line.clear();
                }
            });
        }
    });
    address
}

/// The settings of a whole, right set-up with a chat, mail and the built-in directory.
pub(super) async fn whole(slack: Slack) -> String {
    let (slack, mail) = (slack.start().await, mail_server("250 ok").await);
    format!(
        "listen = \"127.0.0.1:0\"\npublic_url = \"https://reset.acme.example\"\norganization = \"Acme\"\n\
         security_email = \"security@acme.example\"\n\
         [admins]\nsource = \"list\"\nprimary = [\"jo@acme.example\"]\n\
         [slack]\nsigning_secret = \"{SECRET}\"\nbot_token = \"{TOKEN}\"\nteam_id = \"{TEAM}\"\napi_url = \"{slack}\"\n\
         [email]\nsmtp_url = \"smtp://{mail}\"\nfrom = \"Acme IT <it@acme.example>\"\n"
    )
}

/// The same with a directory at this address, whose own groups name the administrators.
pub(super) async fn with_ldap(address: SocketAddr) -> String {
    let administrators = "source = \"list\"\nprimary = [\"jo@acme.example\"]\n";
    let whole = whole(Slack::good()).await;
    let whole = whole.replace(administrators, "source = \"directory\"\n");
    format!(
        "help_url = \"https://help.acme.example\"\nsign_in_url = \"https://sso.acme.example\"\n{whole}[[directory]]\nkind = \"ldap\"\nurl = \"ldap://{address}\"\ntls = \"none\"\n\
         bind_dn = \"cn=relatch,dc=corp,dc=example\"\npassword = \"Service-account-1\"\n\
         base = \"ou=people,dc=corp,dc=example\"\nprotected_groups = [\"cn=guarded,ou=groups,dc=corp,dc=example\"]\n\
         primary_admin_groups = [\"cn=helpdesk,ou=groups,dc=corp,dc=example\"]\n"
    )
}
