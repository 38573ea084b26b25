//! The people of the demo: administrators, members, and one for each refusal.

use std::sync::Arc;

use serde_json::{Value, json};

use super::error::DemoError;
use crate::app::App;
use crate::domain::{MemberId, OwnPassword, Platform};
use crate::store::{MemberRow, Moving, NewLink};

/// Who has said what the app says.
pub(super) const APP_NAME: &str = "relatch";

/// The member whom the visitor plays.
pub(super) const MINA: &str = "mina.park@acme.example";

/// Mina's password before the first reset.
pub(super) const OLD_PASSWORD: &str = "yellow tractor in the rain";

/// One person of the workspace.
pub(super) struct DemoPerson {
    pub(super) name: &'static str,
    pub(super) email: &'static str,
    login_method: &'static str,
    status: &'static str,
    pub(super) phone: &'static str,
    pub(super) personal_email: &'static str,
    role: &'static str,
    department: &'static str,
    /// The role in which the visitor can be this person; empty if they cannot.
    pub(super) plays: &'static str,
    /// What a reset of this person shows.
    pub(super) about: &'static str,
    /// A guest of the chat, who is not in the directory.
    pub(super) is_guest: bool,
}

/// An active member of Sales who signs in with the business e-mail.
const MEMBER: DemoPerson = DemoPerson {
    name: "",
    email: "",
    login_method: "business_email",
    status: "active",
    phone: "",
    personal_email: "",
    role: "member",
    department: "Sales",
    plays: "",
    about: "",
    is_guest: false,
};

pub(super) const PEOPLE: [DemoPerson; 10] = [
    DemoPerson {
        name: "Jo Lim",
        email: "jo@acme.example",
        personal_email: "jo.lim@mail.example",
        role: "primary_admin",
        department: "IT",
        plays: "Primary admin",
        ..MEMBER
    },
    DemoPerson {
        name: "Kim Cho",
        email: "kim@acme.example",
        role: "member_and_department",
        department: "IT",
        plays: "Delegated admin",
        ..MEMBER
    },
    DemoPerson {
        name: "Lee Han",
        email: "lee@acme.example",
        plays: "No admin",
        ..MEMBER
    },
    DemoPerson {
        name: "Gus Ray",
        email: "gus@partner.example",
        plays: "Guest",
        is_guest: true,
        ..MEMBER
    },
    DemoPerson {
        name: "Mina Park",
        email: MINA,
        phone: "+821012345642",
        personal_email: "mina@mail.example",
        about: "phone and private email",
        ..MEMBER
    },
    DemoPerson {
        name: "Noa Bae",
        email: "noa@acme.example",
        status: "inactive",
        about: "no outside contact",
        ..MEMBER
    },
    DemoPerson {
        name: "Ari Seo",
        email: "ari@acme.example",
        personal_email: "ari@acme.example",
        about: "business email only",
        ..MEMBER
    },
    DemoPerson {
        name: "Sam Oh",
        email: "sam@acme.example",
        status: "suspended",
        phone: "+821012345643",
        department: "Support",
        about: "suspended",
        ..MEMBER
    },
    DemoPerson {
        name: "Sol Yun",
        email: "sol@acme.example",
        login_method: "sso",
        personal_email: "sol@mail.example",
        department: "Support",
        about: "signs in by SSO",
        ..MEMBER
    },
    DemoPerson {
        name: "Dee Ma",
        email: "dee@acme.example",
        phone: "+821012345644",
        department: "Support",
        about: "phone only",
        ..MEMBER
    },
];

impl DemoPerson {
    /// Their account in the chat: `jo@acme.example` is `UJO`.
    pub(super) fn id(&self) -> String {
        let name = self.handle();
        format!("U{}", name.replace('.', "").to_uppercase())
    }

    /// Their account in Discord: 18 digits.
    pub(super) fn snowflake(&self) -> String {
        let at = PEOPLE.iter().position(|one| one.email == self.email);
        format!("3{:017}", at.unwrap_or_default() + 1)
    }

    /// Their account in Mattermost: 26 letters and digits.
    pub(super) fn mattermost_id(&self) -> String {
        format!("{:0<26}", self.id().to_lowercase())
    }

    /// Their account in Lark, as our app knows it.
    pub(super) fn lark_id(&self) -> String {
        format!("ou_{:0<32}", self.id().to_lowercase())
    }

    /// The local part of the e-mail.
    pub(super) fn handle(&self) -> &'static str {
        self.email.split('@').next().unwrap_or_default()
    }

    pub(super) fn account(&self, team: &str) -> Value {
        json!({
            "id": self.id(), "team_id": team, "name": self.handle(), "deleted": false, "real_name": self.name,
            "is_admin": false, "is_owner": false, "is_primary_owner": false, "is_restricted": self.is_guest,
            "is_ultra_restricted": false, "is_bot": false, "is_stranger": false, "is_email_confirmed": true,
            "profile": { "email": self.email, "real_name": self.name },
        })
    }

    /// The name of the person whose phone or mailbox an address is.
    pub(super) fn owner_of(address: &str) -> &'static str {
        let owns =
            |person: &&Self| [person.phone, person.email, person.personal_email].contains(&address);
        PEOPLE
            .iter()
            .find(owns)
            .map_or("somebody else", |person| person.name)
    }

    fn member_id(&self) -> MemberId {
        MemberId(format!("demo-{}", self.email))
    }

    fn row(&self) -> MemberRow {
        let maybe = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        MemberRow {
            member_id: self.member_id(),
            name: self.name.to_owned(),
            business_email: self.email.to_owned(),
            business_email_key: self.email.to_owned(),
            login_method: self.login_method.to_owned(),
            status: self.status.to_owned(),
            phone: maybe(self.phone),
            personal_email: maybe(self.personal_email),
            role: self.role.to_owned(),
            department: maybe(self.department),
            manager_email: None,
        }
    }
}

/// Discord tells no e-mails, so its accounts are linked.
fn links() -> Vec<NewLink> {
    let members = PEOPLE.iter().filter(|person| !person.is_guest);
    let link = |person: &DemoPerson| NewLink {
        platform: Platform::Discord,
        chat_user: person.snowflake(),
        email_key: person.email.to_owned(),
    };
    members.map(link).collect()
}

/// Imports everybody into the built-in directory, and gives Mina a password if she has none yet.
pub(super) async fn import(app: &Arc<App>) -> Result<(), DemoError> {
    let rows: Vec<MemberRow> = PEOPLE
        .iter()
        .filter(|person| !person.is_guest)
        .map(DemoPerson::row)
        .collect();
    app.store.import_members(rows).await?;
    app.store.link_all(links(), Moving::Allowed).await?;
    let mina = PEOPLE
        .iter()
        .find(|person| person.email == MINA)
        .zip(app.directories.builtin());
    let Some((mina, builtin)) = mina else {
        return Ok(());
    };
    let account = app.store.account(mina.email).await?;
    if account.is_some_and(|(_, account)| account.credential.is_none()) {
        builtin
            .set_password(&mina.member_id(), &OwnPassword::chosen(OLD_PASSWORD)?)
            .await?;
    }
    Ok(())
}
