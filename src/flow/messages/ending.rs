//! What the text of a result is made of.

use super::contacts::ContactAdder;
use crate::clock::Zone;
use crate::delivery::Deliveries;
use crate::directory::Capabilities;
use crate::domain::contacts::Methods;
use crate::domain::{Member, Moment, Quota, SecondFactors, Span};
use crate::store::{OwnLink, ResetRow, StepRow};

/// A reset as it ended, with what its texts need.
pub struct Ending<'a> {
    /// The reset, from the record.
    pub row: &'a ResetRow,
    /// What was done so far, also what is not recorded yet.
    pub steps: &'a [StepRow],
    /// False where the record did not answer: then nothing is claimed of any step.
    pub are_steps_known: bool,
    /// The administrator's quota, if it is told.
    pub quota: Option<Quota>,
    /// The lifetime of the password.
    pub lifetime: Span,
    /// What the member's directory can enforce.
    pub capabilities: Capabilities,
    /// After an unknown end: when the directory shows a change, if it does. None if it was not asked, or did not answer.
    pub observed: Option<Option<Moment>>,
    /// Set in the one message that shows the password: whether it is replaced after a while.
    pub shows_password: Option<bool>,
    /// The member, if another way of delivery can still be chosen.
    pub retry_for: Option<&'a Member>,
    /// Until when it can.
    pub retry_until: Option<Moment>,
    /// True where this message is replaced when what is still to do is done.
    pub is_updated: bool,
    /// True where nobody else can read this.
    pub is_private: bool,
    /// Where the code goes; none where no code is asked for, or the record did not answer.
    pub codes: Option<&'a Methods>,
    /// Who can add a contact for it.
    pub adder: ContactAdder,
    /// What the directory's own sign-in asks for; none where that cannot be read.
    pub second_factors: Option<&'a SecondFactors>,
    /// The directory's own link that was sent before and may still work.
    pub own_link: Option<&'a OwnLink>,
    /// The channels that have settings.
    pub channels: &'a Deliveries,
    /// The opaque value of the buttons.
    pub value: &'a str,
    /// The time zone of texts.
    pub zone: &'a Zone,
    /// Times are told relative to it.
    pub now: Moment,
}
