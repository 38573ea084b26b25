//! The contacts of one member, as `relatch members show` lists them: where each comes from, and since when.

use serde::Serialize;

use crate::clock::rfc3339;
use crate::domain::contacts::{self, AddedAs};
use crate::domain::{Member, Moment};
use crate::store::ContactRow;

/// A contact of the member.
#[derive(Serialize)]
pub(super) struct ContactJson {
    channel: &'static str,
    address: String,
    /// "import", or who added it: "operator", "administrator", "proven" or "member".
    origin: &'static str,
    /// The full name of whoever added it, at that time.
    added_by: Option<String>,
    /// None for one of the import, of which only the present value is kept.
    added_at: Option<String>,
    /// When a code that was sent to it came back.
    answered_at: Option<String>,
    #[serde(skip)]
    added: Option<(AddedAs, Moment)>,
}

/// Those of the import first, then the added ones, the oldest first.
pub(super) fn contacts_of(member: &Member, added: &[ContactRow]) -> Vec<ContactJson> {
    let imported = contacts::of_directory(member)
        .into_iter()
        .map(|to| ContactJson {
            channel: to.channel().as_str(),
            address: to.full().to_owned(),
            origin: "import",
            added_by: None,
            added_at: None,
            answered_at: None,
            added: None,
        });
    let added = added.iter().map(|row| ContactJson {
        channel: row.channel.as_str(),
        address: row.address.clone(),
        origin: row.added_as.as_str(),
        added_by: Some(row.added_by_name.clone()),
        added_at: Some(rfc3339(row.added_at)),
        answered_at: row.answered_at.map(rfc3339),
        added: Some((row.added_as, row.added_at)),
    });
    imported.chain(added).collect()
}

impl ContactJson {
    /// As a line of the table.
    pub(super) fn line(&self, now: Moment) -> String {
        let Some((added_as, at)) = self.added else {
            return format!("{}  from the import", self.address);
        };
        let by = self.added_by.as_deref().unwrap_or_default();
        let how = match added_as {
            AddedAs::Proven => ", signed in with a code",
            AddedAs::Member => ", signed in with a password alone",
            AddedAs::Administrator => ", an administrator",
            AddedAs::Operator => "",
        };
        let answered = if self.answered_at.is_some() {
            "has answered a code"
        } else {
            "has answered no code"
        };
        format!(
            "{}  added by {by}{how}, {} ago ({}), {answered}",
            self.address,
            now - at,
            rfc3339(at)
        )
    }
}
