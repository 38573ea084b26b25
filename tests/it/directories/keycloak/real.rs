//! What Keycloak itself does with a reset: the real server, asked and answered as in use.

use super::super::all;
use crate::support::directories::keycloak::Keycloak;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Keycloak"]
async fn keycloak_itself() {
    let server = Keycloak::start(3780).await;
    all(server).await;
}
