//! Mentions of several people, as each platform writes them.

use relatch::surface::domain::Platform;

use crate::support::TestBot;

const JO: &str = "jo@acme.example";
const MINA: &str = "mina.park@acme.example";

/// What is typed on a platform, and what the answer calls it.
const GROUPS: &[(Platform, &[(&str, &str)])] = &[
    (
        Platform::Slack,
        &[
            ("<!here>", "@here"),
            ("<!channel|@channel>", "@channel"),
            ("<!everyone>", "@everyone"),
            ("<!subteam^SAZ94GDB8|@help-desk>", "@help-desk"),
            ("<!subteam^SAZ94GDB8>", "A user group"),
            ("<!subteam^SAZ94GDB8|>", "A user group"),
            // Where the command has no `should_escape`.
            ("@everyone,", "@everyone"),
        ],
    ),
    (Platform::Lark, &[("@_all", "@all"), ("@_all,", "@all")]),
    (
        Platform::Discord,
        &[
            ("<@&500000000000000009>", "A role"),
            ("@everyone", "@everyone"),
            ("@here,", "@here"),
        ],
    ),
];

/// S15: nobody is meant by it, the answer says so, and it mentions nobody itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_mention_of_several_people_is_no_member() {
    for &(platform, groups) in GROUPS {
        let bot = TestBot::new().await;
        bot.on(platform);
        for (typed, name) in groups {
            for before in ["", "why ", "log ", "contact "] {
                let answer = bot.command(JO, &format!("{before}{typed}")).await;
                let told = answer.text();
                assert!(
                    told.contains(&format!("{name} is not a member.")),
                    "{platform} {before}{typed}: {told}"
                );
                assert!(
                    told.contains("Nothing was changed.")
                        && told.contains("(ref ")
                        && told.chars().count() <= 350,
                    "{told}"
                );
                let raw = String::from_utf8_lossy(&answer.body).into_owned();
                assert!(!raw.contains("<!") && !raw.contains("<@"), "{raw}");
            }
        }
        assert_eq!(bot.count("reset").await, 0, "{platform}");
    }
}

/// In a reason it is a word like any other.
#[tokio::test(flavor = "multi_thread")]
async fn a_mention_of_several_people_in_a_reason_is_words() {
    for (platform, typed, read) in [
        (Platform::Slack, "<!here>", "asked @here at 9"),
        (
            Platform::Slack,
            "<!subteam^SAZ94GDB8>",
            "asked a user group at 9",
        ),
        (
            Platform::Discord,
            "<@&500000000000000009>",
            "asked a role at 9",
        ),
        (Platform::Lark, "@_all", "asked @all at 9"),
        (Platform::Mattermost, "@channel", "asked @channel at 9"),
    ] {
        let bot = TestBot::new().await;
        let said = format!("{MINA} asked {typed} at 9");
        let card = bot.on(platform).command(JO, &said).await.text();
        assert!(
            card.contains("Reset Mina Park's password?"),
            "{platform}: {card}"
        );
        let rows = bot.rows("reset", &[]).await.join("\n");
        assert!(rows.contains(read), "{platform} {typed}: {rows}");
    }
}

/// The label of a user group is anybody's text, so nothing in it changes the order of the answer.
#[tokio::test(flavor = "multi_thread")]
async fn the_name_of_a_group_does_not_reorder_the_answer() {
    let bot = TestBot::new().await;
    for before in ["", "why ", "log "] {
        let typed = format!("{before}<!subteam^SAZ94GDB8|@help\u{202e}desk>");
        let told = bot.command(JO, &typed).await.text();
        assert!(
            told.contains("@helpdesk is not a member.") && !told.contains('\u{202e}'),
            "{before}: {told:?}"
        );
    }
}
