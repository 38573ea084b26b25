//! [`Adapter`] for [`Chat`]: every call goes to the platform's own adapter.

use axum::http::HeaderMap;
use secrecy::SecretString;

use super::interaction::Trigger;
use super::{
    Adapter, ApiError, Asking, Assurance, Chat, Examination, Form, Freshness, Immediate,
    Interaction, InteractionKind, Matching, Message, NotVerified, Placement, PlannedCommand,
    Profile, RegisterError, ReplyAddress, ShownPassword, Verified,
};
use crate::domain::delivery::Outcome;
use crate::domain::{ChatUser, EmailAddress, Moment, Platform};
use crate::settings::Finding;

impl Adapter for Chat {
    fn platform(&self) -> Platform {
        each!(self, one => one.platform())
    }

    #[tracing::instrument(name = "verified", level = "debug", skip_all)]
    async fn receive(
        &self,
        route: &str,
        headers: &HeaderMap,
        body: &[u8],
        when: (Moment, Asking),
    ) -> Result<Verified<Interaction>, NotVerified> {
        each!(self, one => one.receive(route, headers, body, when).await)
    }

    fn advice_on_method(&self, route: &str) -> &'static str {
        each!(self, one => one.advice_on_method(route))
    }

    fn signature_header(&self) -> Option<&'static str> {
        each!(self, one => one.signature_header())
    }

    fn advice_on_refusal(&self, reason: &str) -> Option<&'static str> {
        each!(self, one => one.advice_on_refusal(reason))
    }

    fn take_state_from(&mut self, previous: &Self) {
        each_pair!((self, previous), (one, previous) => one.take_state_from(previous));
    }

    fn own_account(&self, id: &str) -> ChatUser {
        each!(self, one => one.own_account(id))
    }

    async fn profile(&self, user: &ChatUser, freshness: Freshness) -> Result<Profile, ApiError> {
        each!(self, one => one.profile(user, freshness).await)
    }

    async fn profile_by_email(
        &self,
        email: &EmailAddress,
    ) -> Result<Option<(String, Profile)>, ApiError> {
        each!(self, one => one.profile_by_email(email).await)
    }

    async fn profile_by_name(
        &self,
        name: &str,
        freshness: Freshness,
    ) -> Result<Option<(String, Profile)>, ApiError> {
        each!(self, one => one.profile_by_name(name, freshness).await)
    }

    fn tells_emails(&self) -> bool {
        each!(self, one => one.tells_emails())
    }

    fn immediate(&self, kind: InteractionKind, answer: Immediate<'_>) -> Vec<u8> {
        each!(self, one => one.immediate(kind, answer))
    }

    fn says_at_once(&self) -> bool {
        each!(self, one => one.says_at_once())
    }

    fn answers_replays(&self, kind: InteractionKind) -> bool {
        each!(self, one => one.answers_replays(kind))
    }

    async fn assurance(&self) -> Assurance {
        each!(self, one => one.assurance().await)
    }

    fn late_placement(&self) -> Placement {
        each!(self, one => one.late_placement())
    }

    fn opens_forms_at_once(&self) -> bool {
        each!(self, one => one.opens_forms_at_once())
    }

    fn can_replace(&self) -> bool {
        each!(self, one => one.can_replace())
    }

    fn has_boxes(&self) -> bool {
        each!(self, one => one.has_boxes())
    }

    fn uses_left(&self, to: &ReplyAddress) -> u32 {
        each!(self, one => one.uses_left(to))
    }

    async fn follow_up(
        &self,
        to: &ReplyAddress,
        message: &Message,
        placement: Placement,
    ) -> Outcome {
        each!(self, one => one.follow_up(to, message, placement).await)
    }

    async fn follow_up_alone(&self, to: &ReplyAddress, message: &Message) -> Outcome {
        each!(self, one => one.follow_up_alone(to, message).await)
    }

    async fn send_direct(&self, user: &str, message: &Message) -> Outcome {
        each!(self, one => one.send_direct(user, message).await)
    }

    async fn show(
        &self,
        to: &ReplyAddress,
        message: &Message,
        password: &ShownPassword<'_>,
    ) -> Outcome {
        each!(self, one => one.show(to, message, password).await)
    }

    async fn open_form(&self, trigger: &Trigger, form: &Form) -> Result<(), ApiError> {
        each!(self, one => one.open_form(trigger, form).await)
    }

    async fn planned_commands(
        &self,
        team: Option<&str>,
    ) -> Result<Vec<PlannedCommand>, RegisterError> {
        each!(self, one => one.planned_commands(team).await)
    }

    async fn register_commands(
        &self,
        planned: &[PlannedCommand],
    ) -> Result<Option<SecretString>, RegisterError> {
        each!(self, one => one.register_commands(planned).await)
    }

    async fn probe(&self) -> Result<(), Finding> {
        each!(self, one => one.probe().await)
    }

    async fn examine(&self, matching: &Matching) -> Examination {
        each!(self, one => one.examine(matching).await)
    }
}
