//! The people of Acme, as the built-in directory has them.

use relatch::surface::domain::{MemberId, OwnPassword, Span};
use relatch::surface::store::MemberRow;

use super::{OWN, TestBot, browser};

pub(super) type Person = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    Option<&'static str>,
    Option<&'static str>,
    &'static str,
);

/// Name, business e-mail, login method, status, phone, personal e-mail, role
pub(crate) const PEOPLE: &[Person] = &[
    (
        "Jo Lim",
        "jo@acme.example",
        "business_email",
        "active",
        None,
        None,
        "primary_admin",
    ),
    (
        "Kim Cho",
        "kim@acme.example",
        "business_email",
        "active",
        None,
        None,
        "member_and_department",
    ),
    (
        "Lee Han",
        "lee@acme.example",
        "business_email",
        "active",
        None,
        None,
        "member",
    ),
    (
        "Mina Park",
        "mina.park@acme.example",
        "business_email",
        "active",
        Some("+821012345642"),
        Some("mina@mail.example"),
        "member",
    ),
    (
        "Noa Bae",
        "noa@acme.example",
        "business_email",
        "inactive",
        None,
        None,
        "member",
    ),
    (
        "Sam Suspended",
        "sam@acme.example",
        "business_email",
        "suspended",
        Some("+821012345643"),
        None,
        "member",
    ),
    (
        "Pia Pending",
        "pia@acme.example",
        "business_email",
        "pending",
        None,
        None,
        "member",
    ),
    (
        "Ria Resigned",
        "ria@acme.example",
        "business_email",
        "resigned",
        None,
        None,
        "member",
    ),
    (
        "Sol Sso",
        "sol@acme.example",
        "sso",
        "active",
        None,
        None,
        "member",
    ),
    (
        "Fon Phone",
        "fon@acme.example",
        "phone",
        "active",
        Some("+821012345644"),
        None,
        "member",
    ),
];

impl TestBot {
    /// One more plain member, `NAME@acme.example`.
    pub(crate) async fn add_member(&self, name: &str) {
        let email = format!("{name}@acme.example");
        let plain = PEOPLE
            .iter()
            .find(|person| person.1 == "lee@acme.example")
            .map(member_row)
            .unwrap();
        let row = MemberRow {
            member_id: MemberId(format!("id-{name}")),
            name: name.to_owned(),
            business_email: email.clone(),
            business_email_key: email,
            ..plain
        };
        self.app.store.import_members(vec![row]).await.unwrap();
    }

    /// Changes one column of a member, as an import would.
    pub(crate) async fn alter(&self, email: &str, column: &str, value: &str) {
        let mut row = member_row(PEOPLE.iter().find(|person| person.1 == email).unwrap());
        match column {
            "name" => value.clone_into(&mut row.name),
            "role" => value.clone_into(&mut row.role),
            "manager_email" => row.manager_email = Some(value.to_owned()),
            "personal_email" => row.personal_email = Some(value.to_owned()),
            "phone" => row.phone = Some(value.to_owned()).filter(|phone| !phone.is_empty()),
            "status" => value.clone_into(&mut row.status),
            "login_method" => value.clone_into(&mut row.login_method),
            other => panic!("{other}"),
        }
        self.app.store.import_members(vec![row]).await.unwrap();
    }

    /// A browser that is signed in with a password of the member's own, [`OWN`].
    pub(crate) async fn signed_in(&self, member: &str) -> browser::Browser {
        self.set_password(member, OWN).await;
        self.clock.advance(Span::seconds(1));
        let browser = self.browser();
        let page = browser.sign_in(member, OWN).await;
        assert!(page.to().ends_with("/account"), "{}", page.text);
        browser
    }

    /// True when the password is the member's present one.
    pub(crate) async fn signs_in(&self, member: &str, password: &str) -> bool {
        self.builtin
            .verify(
                &MemberId(format!("id-{}", member.split('@').next().unwrap())),
                password,
            )
            .await
            .unwrap()
    }

    pub(crate) async fn set_password(&self, member: &str, password: &str) {
        let id = MemberId(format!("id-{}", member.split('@').next().unwrap()));
        let own = OwnPassword::chosen(password).unwrap();
        self.builtin.set_password(&id, &own).await.unwrap();
    }
}

pub(super) fn member_row(
    (name, email, method, status, phone, personal, role): &Person,
) -> MemberRow {
    MemberRow {
        member_id: MemberId(format!("id-{}", email.split('@').next().unwrap())),
        name: (*name).to_owned(),
        business_email: (*email).to_owned(),
        business_email_key: (*email).to_owned(),
        login_method: (*method).to_owned(),
        status: (*status).to_owned(),
        phone: phone.map(str::to_owned),
        personal_email: personal.map(str::to_owned),
        role: (*role).to_owned(),
        department: Some("Sales".to_owned()),
        manager_email: None,
    }
}
