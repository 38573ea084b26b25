//! `relatch register mattermost`: what it writes, and what it says where the server does not let it.

use relatch::surface::domain::Platform;
use serde_json::json;

use crate::support::mattermost::commands::{OTHERS, OWN};
use crate::support::mattermost::{Server, TEAM, TOKEN};
use crate::support::{BOT_TOKEN, Ran, TestBot};

/// A bot whose settings have these tokens of commands, in front of a server that is set up like this.
async fn with_server(tokens: &str, set_up: impl FnOnce(&mut Server)) -> TestBot {
    let bot = TestBot::new().await;
    bot.on(Platform::Mattermost);
    bot.write_settings(&format!(
        "public_url = \"https://reset.acme.example\"\n[mattermost]\nurl = \"{}/mm/\"\nbot_token = \"{BOT_TOKEN}\"\ncommand_tokens = [{tokens}]\n",
        bot.slack.base
    ));
    set_up(&mut bot.slack.memory.mattermost.lock().unwrap());
    bot
}

fn register(bot: &TestBot, more: &[&str]) -> Ran {
    bot.relatch(&[&["register", "mattermost", "--team"], more].concat())
}

/// Settings and server agree only when the token in the settings is the command's.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_to_do_only_with_the_command_s_token() {
    let bot = with_server("", |_| {}).await;
    let told = format!("its token, for command_tokens: {TOKEN}\n");
    let made = register(&bot, &[TEAM]);
    assert_eq!(
        (made.code, made.out),
        (0, format!("+ reset-password\nwritten\n{told}"))
    );
    let again = register(&bot, &[TEAM]);
    assert_eq!(
        (again.code, again.out),
        (0, format!("= reset-password\n{told}"))
    );
    let tried = register(&bot, &[TEAM, "--dry-run"]);
    assert_eq!(
        (tried.code, tried.out),
        (
            0,
            "= reset-password\nits token is not in command_tokens\n".to_owned()
        )
    );
    bot.slack.memory.mattermost.lock().unwrap().commands[0]["method"] = "G".into();
    let changed = register(&bot, &[TEAM]);
    assert_eq!(
        changed.out,
        format!("~ reset-password: method\nwritten\n{told}")
    );
    let commands = bot.slack.memory.mattermost.lock().unwrap().commands.clone();
    let bot = with_server(&format!("\"{TOKEN}\""), |server| server.commands = commands).await;
    let same = register(&bot, &[TEAM]);
    assert_eq!(
        (same.code, same.out),
        (0, "= reset-password\nnothing to do\n".to_owned())
    );
}

/// The server posts to the whole of `public_url`.
#[tokio::test(flavor = "multi_thread")]
async fn the_command_posts_to_the_path_of_public_url() {
    let bot = with_server("", |_| {}).await;
    bot.write_settings(&format!(
        "public_url = \"https://acme.example/reset/\"\n[mattermost]\nurl = \"{}/mm/\"\nbot_token = \"{BOT_TOKEN}\"\n",
        bot.slack.base
    ));
    assert_eq!(register(&bot, &[TEAM]).code, 0);
    let commands = bot.slack.memory.mattermost.lock().unwrap().commands.clone();
    assert_eq!(
        commands[0]["url"],
        "https://acme.example/reset/mattermost/commands"
    );
}

/// Each refusal of the server is said, and nothing is called written.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_refuses_is_said() {
    type SetUp = fn(&mut Server);
    let of_another = |server: &mut Server| {
        let command = json!({
            "id": "othercommand00000000000000", "trigger": "reset-password", "team_id": TEAM, "token": "x".repeat(26),
            "creator_id": "somebody000000000000000000",
        });
        server.commands.push(command);
    };
    let hidden: SetUp = |server| server.permissions = vec![OWN];
    let cases: [(&str, SetUp, bool, &str); 9] = [
        (
            TEAM,
            |server| server.permissions = Vec::new(),
            false,
            "the bot lacks the permission manage_own_slash_commands",
        ),
        (
            TEAM,
            |server| {
                server.permissions = vec![OWN];
                server.is_in_team = false;
            },
            false,
            "the bot may not see this team; add it to the team",
        ),
        // The permission was taken away meanwhile.
        (
            TEAM,
            |server| server.lost_after_list = Some(OTHERS),
            true,
            "the bot lacks the permission manage_others_slash_commands",
        ),
        (
            TEAM,
            |server| server.lost_after_list = Some(OWN),
            true,
            "the command is gone, or the bot may no longer change it; run this again",
        ),
        (
            TEAM,
            hidden,
            true,
            "the team has a command of this name that the bot may not see",
        ),
        (
            TEAM,
            |server| server.enable_commands = false,
            false,
            "slash commands are off",
        ),
        (
            "nosuchteam0000000000000000",
            |_| {},
            false,
            "no team has this id",
        ),
        (
            TEAM,
            |server| server.team_deleted_at = 5,
            false,
            "this team is archived",
        ),
        (
            TEAM,
            |server| server.limited_for = Some(7),
            false,
            "asks to wait 7 s",
        ),
    ];
    for (team, set_up, has_another, told) in cases {
        let bot = with_server("", |server| {
            set_up(server);
            if has_another {
                of_another(server);
            }
        })
        .await;
        let before = bot.slack.memory.mattermost.lock().unwrap().commands.clone();
        let ran = register(&bot, &[team]);
        assert!(
            ran.code == 1
                && ran.err.contains(told)
                && ran.err.contains("nothing was changed")
                && !ran.out.contains("written"),
            "{told}: {} {} {}",
            ran.code,
            ran.out,
            ran.err
        );
        let after = bot.slack.memory.mattermost.lock().unwrap().commands.clone();
        assert_eq!(before, after, "{told}");
    }
}

/// Somebody else's command that the bot sees and may change is changed, and the difference is shown first.
#[tokio::test(flavor = "multi_thread")]
async fn a_command_of_somebody_else_is_changed_where_the_bot_may() {
    let bot = with_server("", |server| {
        server.permissions = vec![OWN, OTHERS];
        server.commands.push(json!({
            "id": "othercommand00000000000000", "trigger": "reset-password", "team_id": TEAM, "token": "x".repeat(26),
            "creator_id": "somebody000000000000000000", "url": "https://old.acme.example/",
        }));
    })
    .await;
    let ran = register(&bot, &[TEAM]);
    assert!(
        ran.out.starts_with("~ reset-password: ") && ran.out.contains("url"),
        "{}",
        ran.out
    );
    let commands = bot.slack.memory.mattermost.lock().unwrap().commands.clone();
    assert_eq!(
        commands[0]["url"],
        "https://reset.acme.example/mattermost/commands"
    );
    assert_eq!(commands[0]["creator_id"], "somebody000000000000000000");
}
