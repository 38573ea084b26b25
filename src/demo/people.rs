//! The people of the demo: administrators, members, and one for every refusal.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Stop;
use crate::app::App;
use crate::domain::MemberId;
use crate::store::MemberRow;

/// Whom one plays as the member.
pub(super) const MINA: &str = "mina.park@acme.example";

/// What Mina signs in with before anything happens.
pub(super) const OLD_PASSWORD: &str = "yellow tractor in the rain";

/// One person of the workspace.
pub(super) struct Person {
    pub(super) name: &'static str,
    pub(super) email: &'static str,
    login_method: &'static str,
    status: &'static str,
    pub(super) phone: &'static str,
    pub(super) personal_email: &'static str,
    role: &'static str,
    department: &'static str,
    /// Whom one can be, and as what.
    pub(super) plays: &'static str,
    /// What there is to see with them.
    pub(super) about: &'static str,
    /// Of the chat only: not one of ours.
    pub(super) is_guest: bool,
}

/// An active member of Sales who signs in with the business e-mail.
const MEMBER: Person = Person {
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

/// All of them.
pub(super) const PEOPLE: [Person; 10] = [
    Person {
        name: "Jo Lim",
        email: "jo@acme.example",
        personal_email: "jo.lim@mail.example",
        role: "primary_admin",
        department: "IT",
        plays: "Primary administrator",
        ..MEMBER
    },
    Person {
        name: "Kim Cho",
        email: "kim@acme.example",
        role: "member_and_department",
        department: "IT",
        plays: "Administrator with the permission",
        ..MEMBER
    },
    Person {
        name: "Lee Han",
        email: "lee@acme.example",
        plays: "No administrator",
        ..MEMBER
    },
    Person {
        name: "Gus Ray",
        email: "gus@partner.example",
        plays: "Guest of the workspace",
        is_guest: true,
        ..MEMBER
    },
    Person {
        name: "Mina Park",
        email: MINA,
        phone: "+821012345642",
        personal_email: "mina@mail.example",
        about: "phone and private email",
        ..MEMBER
    },
    Person {
        name: "Noa Bae",
        email: "noa@acme.example",
        status: "inactive",
        about: "no outside contact",
        ..MEMBER
    },
    Person {
        name: "Ari Seo",
        email: "ari@acme.example",
        personal_email: "ari@acme.example",
        about: "business email only",
        ..MEMBER
    },
    Person {
        name: "Sam Oh",
        email: "sam@acme.example",
        status: "suspended",
        phone: "+821012345643",
        department: "Support",
        about: "suspended",
        ..MEMBER
    },
    Person {
        name: "Sol Yun",
        email: "sol@acme.example",
        login_method: "sso",
        personal_email: "sol@mail.example",
        department: "Support",
        about: "signs in by SSO",
        ..MEMBER
    },
    Person {
        name: "Dee Ma",
        email: "dee@acme.example",
        phone: "+821012345644",
        department: "Support",
        about: "phone only",
        ..MEMBER
    },
];

impl Person {
    /// Their account in the chat: `jo@acme.example` is `UJO`.
    pub(super) fn id(&self) -> String {
        let name = self.handle();
        format!("U{}", name.replace('.', "").to_uppercase())
    }

    /// What stands before the `@`.
    pub(super) fn handle(&self) -> &'static str {
        self.email.split('@').next().unwrap_or_default()
    }

    /// What `users.info` says.
    pub(super) fn account(&self, team: &str) -> Value {
        json!({
            "id": self.id(), "team_id": team, "name": self.handle(), "deleted": false, "real_name": self.name,
            "is_admin": false, "is_owner": false, "is_primary_owner": false, "is_restricted": self.is_guest,
            "is_ultra_restricted": false, "is_bot": false, "is_stranger": false, "is_email_confirmed": true,
            "profile": { "email": self.email, "real_name": self.name },
        })
    }

    /// Whose phone or mailbox an address is.
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

/// Puts them into the built-in directory, and gives Mina a password where she has none yet.
pub(super) async fn move_in(app: &Arc<App>) -> Result<(), Stop> {
    let rows: Vec<MemberRow> = PEOPLE
        .iter()
        .filter(|person| !person.is_guest)
        .map(Person::row)
        .collect();
    app.store.import_members(rows).await?;
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
            .set_password(&mina.member_id(), OLD_PASSWORD)
            .await?;
    }
    Ok(())
}
