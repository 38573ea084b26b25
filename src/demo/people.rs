//! The people of the demo: administrators, members, and one for every refusal.

use super::Stop;
use crate::app::App;
use crate::domain::MemberId;
use crate::store::MemberRow;

/// Name, business e-mail, login method, status, phone, personal e-mail, role, department.
type Sample =
    (&'static str, &'static str, &'static str, &'static str, &'static str, &'static str, &'static str, &'static str);

/// The sample members.
pub(super) const PEOPLE: [Sample; 7] = [
    ("Jo Lim", "jo@acme.example", "business_email", "active", "", "jo.lim@mail.example", "primary_admin", "IT"),
    ("Kim Cho", "kim@acme.example", "business_email", "active", "", "", "member_and_department", "IT"),
    ("Lee Han", "lee@acme.example", "business_email", "active", "", "", "member", "Sales"),
    (
        "Mina Park",
        "mina.park@acme.example",
        "business_email",
        "active",
        "+821012345642",
        "mina@mail.example",
        "member",
        "Sales",
    ),
    ("Noa Bae", "noa@acme.example", "business_email", "inactive", "", "", "member", "Sales"),
    ("Sam Oh", "sam@acme.example", "business_email", "suspended", "+821012345643", "", "member", "Support"),
    ("Sol Yun", "sol@acme.example", "sso", "active", "", "sol@mail.example", "member", "Support"),
];

/// Puts them into the built-in directory.
pub(super) async fn move_in(app: &App) -> Result<(), Stop> {
    let maybe = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let row = |(name, email, method, status, phone, personal, role, department): &Sample| MemberRow {
        member_id: MemberId(format!("demo-{email}")),
        name: (*name).to_owned(),
        business_email: (*email).to_owned(),
        business_email_key: (*email).to_owned(),
        login_method: (*method).to_owned(),
        status: (*status).to_owned(),
        phone: maybe(phone),
        personal_email: maybe(personal),
        role: (*role).to_owned(),
        department: maybe(department),
        manager_email: None,
    };
    app.store.import_members(PEOPLE.iter().map(row).collect()).await?;
    Ok(())
}
