//! Why an undelivered password cannot be sent any more.

use crate::app::App;
use crate::domain::Denied;
use crate::store::{ClickRefused, ResetRow, StoreError};

/// Why nothing can follow any more on a click about an undelivered password.
pub(super) async fn gone(app: &App, row: &ResetRow) -> Result<ClickRefused, StoreError> {
    Ok(if row.disowned_at.is_some() {
        ClickRefused::Denied(Denied::Disowned)
    } else {
        ClickRefused::Wiped(app.store.why_wiped(row).await?)
    })
}
