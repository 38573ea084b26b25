//! What the command line shows of reasons, of "this wasn't me", of refused tries and of contacts.

use super::{PEOPLE, Place};

/// A reset of Mina with a reason that a spreadsheet would compute, which she did not ask for.
const RESET: &str =
    "insert into reset (reset_id, platform, tenant, chat_user, admin_id, admin_name, admin_email, member_id,
        member_name, member_email, reason, state, edition, is_typed, also_show, offered_at, expires_at, claimed_at,
        changing_at, changed_at, finished_at, disowned_at)
    select '00000000000000000000000000000001', 'slack', 'T', 'UJO', 'a', 'Jo Lim', 'jo@acme.example', member_id,
        'Mina Park', 'mina.park@acme.example', '=1+1, INC-2041', 'delivered', 1, 0, 0, 1, 2, 3, 4, 5, 6, 7000
    from member where business_email = 'mina.park@acme.example'";

fn with_people() -> Place {
    let place = Place::new("");
    place.write("people.csv", PEOPLE);
    assert_eq!(place.run(&["members", "import", "people.csv"]).code, 0);
    place
}

#[test]
fn resets_show_the_reason_and_what_the_member_said() {
    let place = with_people();
    place.sql(RESET);
    let table = place.run(&["resets"]).out;
    assert!(
        table.contains("  \"this wasn't me\"  ")
            && table.contains("  1970-01-01T00:00:07.000Z  =1+1, INC-2041\n"),
        "{table}"
    );
    let json = place.run(&["resets", "--format", "json"]).out;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json[0]["reason"], "=1+1, INC-2041");
    assert_eq!(json[0]["disowned_at"], "1970-01-01T00:00:07.000Z");
    let csv = place.run(&["resets", "--format", "csv"]).out;
    let lines: Vec<&str> = csv.lines().collect();
    assert!(lines[0].ends_with(",steps,reason,disowned_at"), "{csv}");
    assert!(
        lines[1].ends_with(",\"'=1+1, INC-2041\",1970-01-01T00:00:07.000Z"),
        "{csv}"
    );
}

#[test]
fn refused_tries_and_added_contacts_are_listed_in_three_formats() {
    let place = with_people();
    let empty = place.run(&["resets", "--refused"]);
    assert_eq!(empty.code, 0, "{}", empty.err);
    assert!(
        empty
            .out
            .contains("No refused try and no added contact is on record."),
        "{}",
        empty.out
    );
    assert_eq!(
        place
            .run(&["resets", "--refused", "--format", "json"])
            .out
            .trim(),
        "[]"
    );
    place.sql(
        "insert into audit (noted_at, event, outcome, reference, platform, tenant, chat_user, admin_id, member_id, detail,
            log_line, admin_name, admin_email, member_name, member_email) values
        (1000, 'command', 'outranked', '7F3K', 'slack', 'T', 'UKIM', 'kim', 'jo', null,
            'refused', 'Kim Cho', 'Kim@acme.example', 'Jo Lim', 'jo@acme.example'),
        (2000, 'click', 'not_yours', '8F3K', 'slack', 'T', 'ULEE', null, 'mina', null,
            'refused', null, null, 'Mina Park', 'mina.park@acme.example'),
        (3000, 'contact', 'added', '9F3K', 'slack', 'T', 'UJO', 'jo', 'mina', '+82 ··· ··99',
            'contact', 'Jo Lim', 'jo@acme.example', 'Mina Park', 'mina.park@acme.example'),
        (4000, 'help', 'done', 'AF3K', 'slack', 'T', 'UJO', null, null, null, null, null, null, null, null)",
    );
    let table = place.run(&["resets", "--refused"]).out;
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 4, "{table}");
    assert!(lines[0].starts_with("ref    at "), "{table}");
    for (line, parts) in lines.iter().skip(1).zip([
        ["contact", "9F3K", "jo@acme.example", "+82 ··· ··99"],
        ["refused", "8F3K", "slack ULEE", "not_yours"],
        ["refused", "7F3K", "Kim@acme.example", "outranked"],
    ]) {
        for part in parts {
            assert!(line.contains(part), "{part}: {line}");
        }
    }
    let of = |more: &[&str]| {
        let words = [&["resets", "--refused", "--format", "json"], more].concat();
        let out = place.run(&words).out;
        let lines: Vec<serde_json::Value> = serde_json::from_str(&out).unwrap();
        let refs = lines
            .iter()
            .map(|line| line["ref"].as_str().unwrap().to_owned());
        refs.collect::<Vec<_>>()
    };
    assert_eq!(of(&["--admin", "kim@acme.example"]), ["7F3K"]);
    assert_eq!(
        of(&["--member", "mina.park@acme.example"]),
        ["9F3K", "8F3K"]
    );
    assert_eq!(of(&["--since", "1h"]), Vec::<String>::new());
    let csv = place.run(&["resets", "--refused", "--format", "csv"]).out;
    assert!(
        csv.starts_with(
            "at,kind,ref,event,outcome,admin,member,platform,chat_user,detail,reason\n"
        ) && csv.contains(
            ",refused,7F3K,command,outranked,Kim@acme.example,jo@acme.example,slack,UKIM,,"
        ),
        "{csv}"
    );
}

/// `members show` says where each contact comes from, since when, and whether it has answered.
#[test]
fn a_member_is_shown_with_contacts_origin_and_age() {
    let place = with_people();
    place.sql(
        "insert into contact (member_id, channel, address, added_by, added_at, added_as, added_by_name, answered_at)
        select member_id, 'sms', '+821012345699', 'kim', (unixepoch() - 87000) * 1000, 'administrator', 'Kim Cho', null
        from member where business_email = 'mina.park@acme.example'",
    );
    place.sql(
        "update member set personal_email_since = (unixepoch() - 90060) * 1000
        where business_email = 'mina.park@acme.example'",
    );
    let shown = place
        .run(&["members", "show", "mina.park@acme.example"])
        .out;
    for part in [
        "+821012345642  from the import; no later one changed it",
        "mina@mail.example  from the import, 1 d 1 h ago (",
        "+821012345699  added by Kim Cho, an administrator, 24 h ",
        "min ago (",
        "), has answered no code",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let json = place
        .run(&[
            "members",
            "show",
            "mina.park@acme.example",
            "--format",
            "json",
        ])
        .out;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["contacts"][0]["origin"], "import");
    assert!(
        json["contacts"][0]["added_at"].is_null() && json["contacts"][1]["added_at"].is_string()
    );
    assert_eq!(json["contacts"][2]["origin"], "administrator");
    assert_eq!(json["contacts"][2]["added_by"], "Kim Cho");
    assert!(
        json["contacts"][2]["added_at"].is_string() && json["contacts"][2]["answered_at"].is_null()
    );
    let listed = place.run(&["members", "list", "--format", "json"]).out;
    assert!(!listed.contains("contacts"), "{listed}");
}

/// Without a security address, and without e-mail to reach it, nobody beside the administrators hears of an alarm.
#[test]
fn check_warns_where_no_security_team_is_told() {
    for (settings, told) in [
        (
            "",
            "warn  security_email: is missing, so no security team is told",
        ),
        (
            "security_email = \"security@acme.example\"\n",
            "warn  security_email: is set, and there is no [email]",
        ),
    ] {
        let checked = Place::new(settings).run(&["check"]);
        assert!(checked.out.contains(told), "{}{}", checked.out, checked.err);
    }
}
