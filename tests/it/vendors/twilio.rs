//! Twilio, by the example of its `OpenAPI` file and those of its "Error and Warning Dictionary".

use std::time::Duration;

use relatch::surface::config::Settings;
use relatch::surface::delivery::{Deliveries, Note};
use relatch::surface::domain::Destination;
use relatch::surface::domain::delivery::{Outcome, Refusal, Ways};
use relatch::surface::net;

use super::{settings, text, vendor};

const ACCOUNT: &str = "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

#[tokio::test(flavor = "multi_thread")]
async fn answers_of_twilio_are_read() {
    let error = |code: &str| text("twilio/error.json").replace("21211", code);
    let failed = |code: &str| {
        text("twilio/message.json")
            .replace("\"queued\"", "\"failed\"")
            .replace("\"error_code\": null", &format!("\"error_code\": {code}"))
    };
    let refused = Outcome::Refused;
    for (status, body, outcome) in [
        (201, text("twilio/message.json"), Outcome::Accepted),
        (400, text("twilio/error.json"), refused(Refusal::Address)),
        (
            401,
            text("twilio/error-authenticate.json"),
            refused(Refusal::Credentials),
        ),
        // The code says more than the status.
        (
            400,
            text("twilio/error-authenticate.json"),
            refused(Refusal::Credentials),
        ),
        // The member answered STOP.
        (400, error("21610"), refused(Refusal::OptedOut)),
        // The account may not write to this region, or to numbers that it has not verified.
        (400, error("21408"), refused(Refusal::SetUp)),
        (400, error("21608"), refused(Refusal::SetUp)),
        // A message that was taken has failed already.
        (201, failed("null"), refused(Refusal::Message)),
        (201, failed("30006"), refused(Refusal::Address)),
    ] {
        let path = format!("POST /2010-04-01/Accounts/{ACCOUNT}/Messages.json");
        let base = vendor(vec![(path, status, body.clone())]).await;
        let section = format!(
            "[sms]\nkind = \"twilio\"\naccount_sid = \"{ACCOUNT}\"\nauth_token = \"of-the-documents-1234\"\n\
             from = \"+14155552345\"\napi_url = \"{base}/\"\n"
        );
        let settings = Settings::read(&settings(&section), &[]);
        let channels = settings
            .unwrap_or_else(|problems| panic!("{problems}"))
            .channels;
        let http = net::client(Duration::from_secs(5)).unwrap();
        let deliveries = Deliveries::open(channels, Ways::default(), None, &http);
        let note = Note::new("", "Hello!".to_owned());
        let to = Destination::Phone("+821012345642".parse().unwrap());
        let told = deliveries.tell(&to, &note, "1").await;
        assert_eq!(told, outcome, "{status} {body}");
    }
}
