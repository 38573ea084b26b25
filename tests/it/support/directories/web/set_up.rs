//! What a test changes at a pretend server, and reads from it.

use serde_json::Value;

use super::super::realm::Realm;
use super::lark::outward;
use super::{AtChange, Blind, Fake, Person, next_time};

impl Fake {
    /// From now on the app lacks this scope.
    pub(crate) fn take_scope(&self, scope: &'static str) {
        self.memory.lock().unwrap().missing.push(scope);
    }

    /// From now on the client does not see this.
    pub(crate) fn make_blind(&self, blind: Blind) {
        self.memory.lock().unwrap().blind = Some(blind);
    }

    /// It sees everything again.
    pub(crate) fn make_see(&self) {
        self.memory.lock().unwrap().blind = None;
    }

    /// Makes the realm anew: its clients have other ids.
    pub(crate) fn make_realm_anew(&self) {
        self.memory.lock().unwrap().administration = "5d2c0002-cccc-dddd";
    }

    /// It is a Keycloak up to 26.2.
    pub(crate) fn make_old(&self) {
        self.memory.lock().unwrap().tells_locked_as_disabled = true;
    }

    /// From now on Keycloak's own link is refused so.
    pub(crate) fn refuse_links(&self, status: u16, message: &'static str) {
        self.memory.lock().unwrap().link_refusal = Some((status, message));
    }

    /// From now on a token is refused so.
    pub(crate) fn refuse_tokens(&self, status: u16, error: &'static str, told: &'static str) {
        self.memory.lock().unwrap().token_refusal = Some((status, error, told));
    }

    /// From now on Lark gives no token, with this code.
    pub(crate) fn refuse_app(&self, code: i64) {
        self.memory.lock().unwrap().codes.0 = Some(code);
    }

    /// From now on Lark answers every call with this code, but that for a token.
    pub(crate) fn refuse_calls(&self, code: i64) {
        self.memory.lock().unwrap().codes.1 = Some(code);
    }

    /// The next password is refused for its token, and no other token is given from then on.
    pub(crate) fn lose_secret_at_change(&self) {
        self.memory.lock().unwrap().at_change = Some(AtChange::LoseSecret);
    }

    /// The next change is made, and its answer is a redirect.
    pub(crate) fn redirect_after_change(&self) {
        self.memory.lock().unwrap().at_change = Some(AtChange::Redirect);
    }

    /// How many connections were accepted.
    pub(crate) fn connections(&self) -> usize {
        self.memory.lock().unwrap().connections
    }

    /// Changes how the realm is set up.
    pub(crate) fn set_realm(&self, change: impl FnOnce(&mut Realm)) {
        change(&mut self.memory.lock().unwrap().realm);
    }

    /// The calls since the last question, by method and path, with those for a token.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.memory.lock().unwrap().realm.asked)
    }

    /// Somebody has this realm role from now on, or has it no more.
    pub(crate) fn set_role(&self, name: &str, role: &'static str, has_it: bool) {
        self.with(name, |person| {
            person.realm_roles.retain(|own| *own != role);
            person.realm_roles.extend(has_it.then_some(role));
        });
    }

    /// Somebody disables an account.
    pub(crate) fn disable(&self, name: &str) {
        self.with(name, |person| person.is_enabled = false);
    }

    /// From now on people sign in by this flow.
    pub(crate) fn set_flow(&self, name: &'static str, executions: Value) {
        self.memory.lock().unwrap().flow = Some((name, executions));
    }

    /// How often credentials were asked for.
    pub(crate) fn credentials_asked(&self) -> usize {
        self.memory.lock().unwrap().credentials_asked
    }

    /// Somebody sets a password of their own past the generated one: by a page that was opened before, or by a link.
    pub(crate) fn set_by_an_open_page(&self, name: &str, password: &str) {
        self.with(name, |person| {
            password.clone_into(&mut person.password);
            person.must_change = false;
            person.set_at = next_time(person.set_at);
        });
    }

    /// From now on somebody does so right after each reset.
    pub(crate) fn set_own_after_reset(&self, password: &'static str) {
        self.memory.lock().unwrap().own_after_reset = Some(password);
    }

    /// Which applications hold an offline token.
    pub(crate) fn offline(&self, name: &str) -> usize {
        self.memory.lock().unwrap().people[name].offline.len()
    }

    /// To whom Keycloak sent its own link.
    pub(crate) fn links(&self) -> Vec<String> {
        self.memory.lock().unwrap().links.clone()
    }

    /// Somebody's id in Keycloak.
    pub(crate) fn id(&self, name: &str) -> String {
        self.with(name, |person| person.id.clone())
    }

    /// Somebody's id in Lark.
    pub(crate) fn outward(&self, name: &str) -> String {
        outward(&self.id(name))
    }

    /// Somebody has another e-mail from now on.
    pub(crate) fn set_email(&self, name: &str, email: &str) {
        self.with(name, |person| email.clone_into(&mut person.email));
    }

    /// From now on Lark finds people by their mailbox too. Its page says that it does not; no right may rest on that.
    pub(crate) fn find_mailboxes(&self) {
        self.memory.lock().unwrap().finds_mailboxes = true;
    }

    /// Somebody gives themselves a second e-mail; Lark's people can.
    pub(crate) fn set_second_email(&self, name: &str, email: &str) {
        self.with(name, |person| person.second_email = Some(email.to_owned()));
    }

    /// Somebody's phone is written like this from now on.
    pub(crate) fn set_phone(&self, name: &str, phone: &str) {
        self.with(name, |person| phone.clone_into(&mut person.phone));
    }

    /// Somebody leaves, and their account with them.
    pub(crate) fn remove(&self, name: &str) {
        self.memory.lock().unwrap().people.remove(name);
    }

    /// Somebody new, with the e-mail that their name makes.
    pub(crate) fn hire(&self, name: &str) {
        let mut memory = self.memory.lock().unwrap();
        let person = Person {
            id: format!("0b1c9{:03}-aaaa-bbbb", memory.people.len()),
            email: format!("{name}@corp.example"),
            second_email: None,
            ..memory.people["eli"].clone()
        };
        memory.people.insert(name.to_owned(), person);
    }

    pub(crate) fn sessions(&self, name: &str) -> usize {
        self.memory.lock().unwrap().people[name].sessions
    }

    pub(super) fn with<T>(&self, name: &str, change: impl FnOnce(&mut Person) -> T) -> T {
        change(self.memory.lock().unwrap().people.get_mut(name).unwrap())
    }
}
