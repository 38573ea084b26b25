//! Keycloak behind nginx, as many run it: with nginx's defaults, which speak HTTP/1.0 to Keycloak, and with connections that
//! nginx closes while relatch keeps them.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::super::{JO, email, reset};
use crate::support::directories::keycloak::Keycloak;
use crate::support::directories::{SignIn, World};
use crate::support::fresh_folder;
use crate::support::slack::{button_value, shown_password, text_of};

/// A running nginx, ended when it is dropped.
struct Nginx {
    child: Child,
    base: String,
}

impl Nginx {
    /// In front of `host`, with these lines besides.
    async fn start(host: &str, of_server: &str, of_location: &str) -> Self {
        let folder = fresh_folder();
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let path = folder.display();
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .iter()
            .map(|kind| format!("{kind}_temp_path {path}/{kind};\n"))
            .collect::<Vec<_>>()
            .concat();
        let settings = format!(
            "daemon off;\nmaster_process off;\npid {path}/pid;\nevents {{}}\nhttp {{\naccess_log off;\n{temporary}\
             upstream keycloak {{ server {host}; keepalive 8; }}\n\
             server {{\nlisten {address};\n{of_server}\nlocation / {{\nproxy_pass http://keycloak;\n\
             proxy_set_header Host {host};\n{of_location}\n}}\n}}\n}}\n"
        );
        std::fs::write(folder.join("nginx.conf"), settings).unwrap();
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "TERM", "nginx", "-p"])
            .arg(&folder)
            .arg("-e")
            .arg(Path::new(&folder).join("log"))
            .arg("-c")
            .arg(folder.join("nginx.conf"))
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("nginx is needed");
        let nginx = Self {
            child,
            base: format!("http://{address}"),
        };
        for _ in 0..200 {
            if tokio::net::TcpStream::connect(address).await.is_ok() {
                return nginx;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!(
            "nginx did not start: {}",
            std::fs::read_to_string(folder.join("log")).unwrap_or_default()
        );
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Keycloak and nginx"]
async fn a_proxy_that_speaks_http_1_0_to_keycloak_is_no_hindrance() {
    let server = Keycloak::start().await;
    // HTTP/1.0 to the server, and relatch's connection ends with each answer.
    let nginx = Nginx::start(server.host(), "keepalive_timeout 0;", "").await;
    let bot = server.bot_at(&nginx.base).await;
    let result = reset(&bot, "eli").await;
    let told = text_of(&result);
    let password = shown_password(&result).expect("a password");
    assert!(told.contains("signed out ✓"), "{told}");
    assert_eq!(server.sign_in("eli", &password).await, SignIn::MustChange);
}

/// Each pause is longer than nginx keeps a connection, so that every step finds its own closed, or about to be.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Keycloak and nginx"]
async fn connections_that_a_proxy_closed_are_not_used_again() {
    let server = Keycloak::start().await;
    let kept = "proxy_http_version 1.1; proxy_set_header Connection \"\";";
    let nginx = Nginx::start(server.host(), "keepalive_timeout 1s;", kept).await;
    let bot = server.bot_at(&nginx.base).await;
    for (name, pause) in [
        ("hung", 900),
        ("died", 1000),
        ("lost", 1100),
        ("cert", 1500),
    ] {
        let mut card = bot.command(JO, &email(name)).await.json();
        tokio::time::sleep(Duration::from_millis(pause)).await;
        if button_value(&card, "deliver_copy").is_none() {
            bot.click(JO, &card, "reachable").await;
            card = bot.slack.last();
        }
        bot.click(JO, &card, "deliver_copy").await;
        let look = bot.slack.last();
        tokio::time::sleep(Duration::from_millis(pause)).await;
        bot.click(JO, &look, "confirm").await;
        let result = bot.slack.last();
        let told = text_of(&result);
        let password = shown_password(&result).unwrap_or_else(|| panic!("{told}"));
        assert!(told.contains("signed out ✓"), "{told}");
        assert_eq!(server.sign_in(name, &password).await, SignIn::MustChange);
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
}
