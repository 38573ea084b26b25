//! The contacts of one member, as `relatch members show` lists them: where each comes from, and since when.

use serde::Serialize;

use crate::clock::rfc3339;
use crate::domain::code_alone::OnRecordSince;
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
    /// For one of the import: when an import changed it last; none where no later one did.
    added_at: Option<String>,
    /// When a code that was sent to it came back.
    answered_at: Option<String>,
    #[serde(skip)]
    since: Since,
}

/// Since when a contact is on record.
enum Since {
    Import(Option<Moment>),
    Added(AddedAs, Moment),
}

/// Those of the import first, then the added ones, the oldest first.
pub(super) fn contacts_of(
    member: &Member,
    since: OnRecordSince,
    added: &[ContactRow],
) -> Vec<ContactJson> {
    let imported = contacts::of_directory(member).into_iter().map(|to| {
        let changed_at = since.of(to.channel());
        ContactJson {
            channel: to.channel().as_str(),
            address: to.full().to_owned(),
            origin: "import",
            added_by: None,
            added_at: changed_at.map(rfc3339),
            answered_at: None,
            since: Since::Import(changed_at),
        }
    });
    let added = added.iter().map(|row| ContactJson {
        channel: row.channel.as_str(),
        address: row.address.clone(),
        origin: row.added_as.as_str(),
        added_by: Some(row.added_by_name.clone()),
        added_at: Some(rfc3339(row.added_at)),
        answered_at: row.answered_at.map(rfc3339),
        since: Since::Added(row.added_as, row.added_at),
    });
    imported.chain(added).collect()
}

impl ContactJson {
    /// As a line of the table.
    pub(super) fn line(&self, now: Moment) -> String {
        let (added_as, at) = match self.since {
            Since::Added(added_as, at) => (added_as, at),
            Since::Import(Some(at)) => {
                let (ago, at) = (now - at, rfc3339(at));
                return format!("{}  from the import, {ago} ago ({at})", self.address);
            }
            Since::Import(None) => {
                return format!("{}  from the import; no later one changed it", self.address);
            }
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
