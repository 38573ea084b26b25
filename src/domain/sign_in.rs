//! Signing in to the member's pages: what the correct password gives, codes, the member's new password, and locks after
//! failed tries.

use rand::{CryptoRng, RngExt};

use super::written_enum;
use super::{Destination, Member, Moment, NotAPassword, OwnPassword, Span, Status};

/// Wrong passwords in a row after which a password alone is not enough: the maximum of NIST SP 800-63B-4, 3.2.2. With a
/// lower number anybody could lock a member out.
pub(crate) const TRIES_BEFORE_LOCK: u32 = 100;

/// Wrong passwords in a row after which a browser that signed in before is no longer trusted ("Slow Down Online Guessing
/// Attacks with Device Cookies", OWASP).
pub(crate) const TRIES_OF_A_DEVICE: u32 = 10;

/// How long a browser is trusted after it signed in.
pub const DEVICE_LIFE: Span = Span::hours(180 * 24);

/// How many browsers of a member are trusted.
pub(crate) const DEVICES_AT_ONCE: u32 = 20;

/// Wrong codes after which an account is locked, over all sessions and codes: somebody who has the password of a reset
/// can guess a code with a probability of at most 20 in a million.
pub(crate) const WRONG_CODES_BEFORE_LOCK: u32 = 20;

/// How long a code works (S40).
pub(crate) const CODE_LIFE: Span = Span::minutes(10);

/// How often a code may be typed.
pub(crate) const CODE_TRIES: u32 = 5;

/// The pause between two codes to the same contact.
pub const CODE_PAUSE: Span = Span::seconds(30);

/// How many codes a member may be sent in an hour.
pub(crate) const CODES_PER_HOUR: usize = 6;

/// The window of [`CODES_PER_HOUR`].
pub(crate) const CODES_COUNT_FOR: Span = Span::hours(1);

/// How long somebody has after the correct password to enter a code.
pub(crate) const PROVING_LIFE: Span = Span::minutes(30);

/// How long a session lasts.
pub(crate) const SESSION_LIFE: Span = Span::hours(12);

/// How many sessions a member may have. A further one ends the session at the earliest stage, the oldest of those.
pub(crate) const SESSIONS_AT_ONCE: usize = 20;

/// The longest password that a member may set, in characters.
pub(crate) const LONGEST_PASSWORD: usize = 128;

written_enum! {
    /// What locked an account, and so what unlocks it.
    pub LockedBy {
        /// Wrong passwords. The correct one unlocks it, with a code to a contact on record.
        Passwords = "passwords",
        /// Wrong codes. Only a reset or the operator unlocks it.
        Codes = "codes",
        /// The member, by "this wasn't me". Only a reset or the operator unlocks it.
        Member = "member",
    }
}

written_enum! {
    /// The stage of a session.
    pub Stage {
        /// The password of a reset or of a locked account was correct; a code is needed next (S39).
        Code = "code",
        /// The code was correct; only the page for a new password can be used (S33).
        NewPassword = "new_password",
        /// Signed in: all pages can be used.
        Open = "open",
    }
}

written_enum! {
    /// What a code that was sent for a session is for.
    pub CodePurpose {
        /// To open the session.
        SignIn = "sign_in",
        /// To add a contact.
        Contact = "contact",
        /// To set a new password without the old one.
        NewPassword = "new_password",
    }
}

/// What the correct password gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// The member's own password: signed in.
    Open,
    /// The password of a reset, or of an account locked by wrong passwords: a code is sent there first (S39, S40).
    Code(Destination),
    /// The password of a reset, and no contact for a code (S42).
    NoMethod,
    /// The password of a reset has expired (Q10).
    Ended(Moment),
    /// The account is not in use or is locked. The answer is the same as for a wrong password.
    Refused,
}

/// The state of an account, besides the member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AccountState {
    /// When the password of a reset expires; none if the member set the password.
    pub temporary_until: Option<Moment>,
    pub lock: Option<LockedBy>,
}

/// Decides what the correct password gives now; `methods` are the contacts that a code can go to.
pub(crate) fn admit(
    member: &Member,
    state: AccountState,
    methods: &[Destination],
    now: Moment,
) -> Admission {
    let is_in_use = matches!(member.status, Status::Active | Status::Inactive);
    if !is_in_use {
        return Admission::Refused;
    }
    let code_or = |otherwise| methods.first().cloned().map_or(otherwise, Admission::Code);
    match (state.lock, state.temporary_until) {
        (Some(LockedBy::Codes | LockedBy::Member), _) => Admission::Refused,
        // Without a contact the answer must not tell that the guess was correct.
        (Some(LockedBy::Passwords), None) => code_or(Admission::Refused),
        (None, None) => Admission::Open,
        (_, Some(until)) if until <= now => Admission::Ended(until),
        (_, Some(_)) => code_or(Admission::NoMethod),
    }
}

/// Six random digits, zeros in front included.
pub(crate) fn draw_code(rng: &mut impl CryptoRng) -> String {
    format!("{:06}", rng.random_range(0..1_000_000_u32))
}

/// Why no code may be sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeDenied {
    /// The last one was sent just now; the next may be sent then.
    Wait(Moment),
    /// Too many in the last hour; the next may be sent then.
    TooMany(Moment),
    /// The session has ended or is at another stage.
    NoSession,
}

/// A code that was sent to a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SentCode {
    pub at: Moment,
    /// The contact, by the beginning of its keyed digest; none where it is not known, so that it may be any.
    pub to: Option<String>,
}

/// Checks if a code may be sent to this contact; `sent` are earlier ones of the member. The pause is for each contact, so
/// that the code can go elsewhere at once when it does not arrive.
pub(crate) fn may_send_code(
    sent: &[SentCode],
    to: Option<&str>,
    now: Moment,
) -> Result<(), CodeDenied> {
    let mut recent: Vec<&SentCode> = sent
        .iter()
        .filter(|one| now - one.at < CODES_COUNT_FOR)
        .collect();
    recent.sort_unstable_by_key(|one| one.at);
    let may_be_same = |one: &SentCode| match (one.to.as_deref(), to) {
        (Some(one), Some(to)) => one == to,
        (None, _) | (_, None) => true,
    };
    let last = recent.iter().rfind(|one| may_be_same(one));
    if let Some(last) = last
        && now - last.at < CODE_PAUSE
    {
        return Err(CodeDenied::Wait(last.at + CODE_PAUSE));
    }
    let first_that_counts = recent
        .len()
        .checked_sub(CODES_PER_HOUR)
        .and_then(|at| recent.get(at));
    first_that_counts.map_or(Ok(()), |one| {
        Err(CodeDenied::TooMany(one.at + CODES_COUNT_FOR))
    })
}

/// Why the member may not set a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PasswordDenied {
    /// Shorter than this number of characters.
    TooShort(usize),
    TooLong,
    /// It has a control character, which some keyboards cannot type.
    ControlCharacter,
    /// On the list of common passwords, or made from the member's name and address.
    Common,
    /// The password that the reset made (S33).
    Same,
}

/// Reads a new password and checks its length, counted in its normal form. All characters that can be seen are allowed and
/// none are required (NIST SP 800-63B, 3.1.1.2).
pub(crate) fn choose_password(typed: &str, least: usize) -> Result<OwnPassword, PasswordDenied> {
    let own = OwnPassword::chosen(typed).map_err(|not_one| match not_one {
        NotAPassword::Empty => PasswordDenied::TooShort(least),
        NotAPassword::ControlCharacter => PasswordDenied::ControlCharacter,
    })?;
    match own.expose().chars().count() {
        length if length < least => Err(PasswordDenied::TooShort(least)),
        length if length > LONGEST_PASSWORD => Err(PasswordDenied::TooLong),
        _ => Ok(own),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{LoginMethod, MemberId, Role, SecondFactors};

    const NOW: Moment = Moment(1_000_000_000);

    fn mina() -> Member {
        Member {
            id: MemberId("mina".to_owned()),
            name: "Mina Park".to_owned(),
            business_email: "mina.park@acme.example".parse().unwrap(),
            login_method: LoginMethod::BusinessEmail,
            status: Status::Active,
            phone: Some("+821012345642".parse().unwrap()),
            personal_email: Some("mina@mail.example".parse().unwrap()),
            role: Role::Member,
            department: None,
            manager_email: None,
            aliases: Vec::new(),
            guard: None,
            phone_remarks: Vec::new(),
            never_expires: false,
            has_other_password: false,
            second_factors: SecondFactors::default(),
        }
    }

    fn state(temporary: Option<Span>) -> AccountState {
        AccountState {
            temporary_until: temporary.map(|span| NOW + span),
            lock: None,
        }
    }

    fn all(member: &Member) -> Vec<Destination> {
        crate::domain::contacts::of_directory(member)
    }

    /// S39, S40, S42, S43, Q10: what the password of a reset gives.
    #[test]
    fn the_password_of_a_reset_asks_for_a_code_on_record() {
        let (mina, temporary) = (mina(), state(Some(Span::hours(1))));
        let phone = Destination::Phone("+821012345642".parse().unwrap());
        assert_eq!(admit(&mina, state(None), &all(&mina), NOW), Admission::Open);
        assert_eq!(
            admit(&mina, temporary, &all(&mina), NOW),
            Admission::Code(phone.clone())
        );
        assert_eq!(admit(&mina, temporary, &[], NOW), Admission::NoMethod);
        assert_eq!(
            admit(&mina, state(Some(Span(0))), &all(&mina), NOW),
            Admission::Ended(NOW)
        );
        assert_eq!(
            admit(&mina, state(Some(Span(1))), &all(&mina), NOW),
            Admission::Code(phone)
        );
    }

    #[test]
    fn accounts_that_are_not_in_use_or_locked_are_refused() {
        for status in [Status::Suspended, Status::Pending, Status::Resigned] {
            assert_eq!(
                admit(
                    &Member { status, ..mina() },
                    state(None),
                    &all(&mina()),
                    NOW
                ),
                Admission::Refused
            );
        }
        for lock in [LockedBy::Codes, LockedBy::Member] {
            let locked = AccountState {
                lock: Some(lock),
                ..state(None)
            };
            assert_eq!(
                admit(&mina(), locked, &all(&mina()), NOW),
                Admission::Refused
            );
        }
    }

    /// NIST SP 800-63B-4, 3.2.2: after a hundred wrong passwords the right one needs a code too.
    #[test]
    fn wrong_passwords_lock_to_a_code() {
        let phone = Destination::Phone("+821012345642".parse().unwrap());
        let locked = |temporary| AccountState {
            lock: Some(LockedBy::Passwords),
            ..state(temporary)
        };
        assert_eq!(
            admit(&mina(), locked(None), &all(&mina()), NOW),
            Admission::Code(phone.clone())
        );
        assert_eq!(admit(&mina(), locked(None), &[], NOW), Admission::Refused);
        assert_eq!(
            admit(&mina(), locked(Some(Span(1))), &all(&mina()), NOW),
            Admission::Code(phone)
        );
        assert_eq!(
            admit(&mina(), locked(Some(Span(0))), &all(&mina()), NOW),
            Admission::Ended(NOW)
        );
    }

    #[test]
    fn codes_are_sent_with_pauses_and_not_too_often() {
        let ago = |seconds| NOW - Span::seconds(seconds);
        let sent = |seconds, to: Option<&str>| SentCode {
            at: ago(seconds),
            to: to.map(str::to_owned),
        };
        let to = Some("phone");
        assert_eq!(may_send_code(&[], to, NOW), Ok(()));
        let wait = Err(CodeDenied::Wait(ago(-1)));
        assert_eq!(may_send_code(&[sent(29, to)], to, NOW), wait);
        assert_eq!(may_send_code(&[sent(30, to)], to, NOW), Ok(()));
        // Another contact needs no pause; one that is not known may be the same.
        assert_eq!(may_send_code(&[sent(29, Some("email"))], to, NOW), Ok(()));
        assert_eq!(may_send_code(&[sent(29, None)], to, NOW), wait);
        assert_eq!(may_send_code(&[sent(29, to)], None, NOW), wait);
        let six = [3599, 600, 500, 400, 300, 200].map(|seconds| sent(seconds, Some("email")));
        let too_many = Err(CodeDenied::TooMany(ago(-1)));
        assert_eq!(may_send_code(&six, to, NOW), too_many);
        assert_eq!(may_send_code(&six, to, NOW + Span::seconds(1)), Ok(()));
    }

    #[test]
    fn a_password_of_ones_own_has_a_length_and_nothing_else() {
        let chosen = |typed: &str| choose_password(typed, 12).map(|own| own.expose().to_owned());
        let too_short = Err(PasswordDenied::TooShort(12));
        assert_eq!(chosen(""), too_short);
        assert_eq!(chosen("elf chars.."), too_short);
        // Eleven letters, however they are written.
        assert_eq!(chosen(&"e\u{301}".repeat(11)), too_short);
        assert_eq!(chosen(&"e\u{301}".repeat(12)), Ok("é".repeat(12)));
        let korean = "한글열두글자한글열두글자";
        assert_eq!(chosen(korean).as_deref(), Ok(korean));
        assert!(chosen(&"x".repeat(128)).is_ok());
        assert_eq!(chosen(&"x".repeat(129)), Err(PasswordDenied::TooLong));
        assert_eq!(
            chosen("twelve\tchars"),
            Err(PasswordDenied::ControlCharacter)
        );
    }
}
