//! All outputs of a plan, ready to be sent: whatever can fail before the password exists has been tried.

use futures_util::future::BoxFuture;

use super::{Deliveries, Note, OutgoingText, ReadyMessage};
use crate::domain::delivery::{Outcome, Refusal, Way};
use crate::domain::{Channel, Destination, Plan, Step};

/// Outputs that are ready; nothing was sent yet.
pub struct Prepared<'a> {
    /// None where the administrator is shown the password instead.
    to_member: Option<(Channel, ReadyMessage<'a>)>,
    to_self: Option<ReadyMessage<'a>>,
}

/// A channel that could not be made ready.
#[derive(Debug)]
pub struct NotReady {
    pub channel: Channel,
    /// The output that needs it.
    pub step: Step,
    pub why: Refusal,
}

impl NotReady {
    /// Nothing answered before the caller gave up. Only a mail server is connected to beforehand, so the first output by
    /// e-mail is named.
    pub fn timed_out(plan: &Plan) -> Self {
        let (channel, step) = match &plan.way {
            Way::Send(to) if to.channel() == Channel::Email || plan.copy_to_self.is_none() => {
                (to.channel(), Step::Deliver)
            }
            Way::Send(_) | Way::Copy => (Channel::Email, Step::CopyToSelf),
        };
        let why = Refusal::Unreachable;
        Self { channel, step, why }
    }
}

impl Deliveries {
    /// Prepares everything that the plan needs. On failure nothing stays open, and the output at fault is named.
    pub async fn prepare(&self, plan: &Plan) -> Result<Prepared<'_>, NotReady> {
        let to_member = match &plan.way {
            Way::Copy => None,
            Way::Send(to) => {
                let (channel, step) = (to.channel(), Step::Deliver);
                let ready = self.ready(to).await;
                let ready = ready.map_err(|why| NotReady { channel, step, why })?;
                Some((channel, ready))
            }
        };
        let mut prepared = Prepared {
            to_member,
            to_self: None,
        };
        if let Some(to) = &plan.copy_to_self {
            match self.ready(&Destination::Email(to.clone())).await {
                Ok(ready) => prepared.to_self = Some(ready),
                Err(why) => {
                    prepared.abandon().await;
                    return Err(NotReady {
                        channel: Channel::Email,
                        step: Step::CopyToSelf,
                        why,
                    });
                }
            }
        }
        Ok(prepared)
    }
}

impl Prepared<'_> {
    /// Sends every output, whatever becomes of the others, and names each outcome. `short` is the text for channels that
    /// carry a short one only.
    pub async fn send(
        self,
        mail: &Note,
        short: &str,
        copy: &Note,
        id: &str,
    ) -> Vec<(Step, Outcome)> {
        let to_member = async {
            let (channel, ready) = self.to_member?;
            let is_short = channel.facts().is_short;
            let body = if is_short { short } else { &mail.text };
            let subject = &mail.subject;
            let outcome = ready.send(OutgoingText { subject, body, id }).await;
            Some((Step::Deliver, outcome))
        };
        let to_self = async {
            let (subject, body) = (&copy.subject, &copy.text);
            let outcome = self.to_self?.send(OutgoingText { subject, body, id }).await;
            Some((Step::CopyToSelf, outcome))
        };
        let (first, second) = tokio::join!(to_member, to_self);
        [first, second].into_iter().flatten().collect()
    }

    pub async fn abandon(self) {
        for close in self.closing() {
            close.await;
        }
    }

    /// The same as futures that borrow nothing, for a caller that closes in a task of its own.
    pub fn closing(self) -> Vec<BoxFuture<'static, ()>> {
        let to_member = self.to_member.map(|(_, ready)| ready.closing());
        let to_self = self.to_self.map(ReadyMessage::closing);
        to_member.into_iter().chain(to_self).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Carries;

    #[test]
    fn a_mail_server_is_blamed_for_what_it_kept_waiting() {
        let email = Destination::Email("mina@mail.example".parse().unwrap());
        let sms = Destination::Phone("+821012345642".parse().unwrap());
        let own = || "jo@acme.example".parse().ok();
        for (way, copy_to_self, channel, step) in [
            (
                Way::Send(email.clone()),
                None,
                Channel::Email,
                Step::Deliver,
            ),
            (Way::Send(email), own(), Channel::Email, Step::Deliver),
            (
                Way::Send(sms.clone()),
                own(),
                Channel::Email,
                Step::CopyToSelf,
            ),
            (Way::Send(sms), None, Channel::Sms, Step::Deliver),
            (Way::Copy, own(), Channel::Email, Step::CopyToSelf),
        ] {
            let plan = Plan {
                way,
                copy_to_self,
                also_show: false,
                carries: Carries::Password,
            };
            let named = NotReady::timed_out(&plan);
            assert_eq!((named.channel, named.step), (channel, step), "{plan:?}");
        }
    }
}
