//! Who may reset whom. The rules are checked for the card, at each click and by `why`.
//!
//! The rules follow the edition of 2025-01-23 of the help page "Admin | Reset member passwords" (S44). To add a
//! rule: add a variant to [`Rule`] and one to [`Denied`] with its code, its check to [`Case::check`], and a row to the
//! table of the tests. The compiler then asks for two sentences: of the refusal in `flow/messages/denied.rs`, and of the rule
//! for `why` in `flow/messages/overview.rs`. No other file changes.

use super::look_up::TooMany;
use super::written_enum;
use super::{Guard, LoginMethod, Member, MemberId, Quota, Role, Status};

written_enum! {
    /// The rules, in the order of checking. The administrator is told the first one that fails.
    pub Rule {
        /// The caller is a primary administrator or has "Member and Department" (S1–S3).
        CallerMayReset = "caller_may_reset",
        /// Nobody can reset themselves (Q9).
        NotOneself = "not_oneself",
        /// Only a primary administrator may reset a primary administrator (Q8).
        RankSuffices = "rank_suffices",
        /// The member signs in with a business e-mail and password (S8, S9).
        LoginMethod = "login_method",
        /// The account is active or inactive (S16).
        Status = "status",
        /// The directory lets this account be reset from here.
        Unguarded = "unguarded",
    }
}

/// A refusal. It is a value that the administrator is told, not an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denied {
    /// S3: the caller may not reset anybody. The answer must not say anything about the member.
    NotAdmin,
    /// Q9: the caller is the member.
    Oneself,
    /// Q8: the member is a primary administrator, the caller is not.
    Outranked,
    /// S9: the member signs in with something else.
    LoginMethod(LoginMethod),
    /// S16: the account is neither active nor inactive.
    Status(Status),
    /// The directory does not let this account be reset from here.
    Guarded(Guard),
    /// S36: no slot is left.
    Limit(Quota),
    /// The administrator looked up too many members, or was refused too often.
    TooMany(TooMany),
    /// The member has said that they did not ask for this administrator's last reset.
    Disowned,
    /// Another administrator is resetting the member right now.
    Busy {
        /// Full name of that administrator.
        admin_name: String,
    },
}

impl Denied {
    /// The word in the audit and in logs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotAdmin => "not_admin",
            Self::Oneself => "oneself",
            Self::Outranked => "outranked",
            Self::LoginMethod(_) => "login_method",
            Self::Status(_) => "status",
            Self::Guarded(guard) => guard.code(),
            Self::Limit(_) => "limit",
            Self::TooMany(too_many) => too_many.code(),
            Self::Disowned => "disowned",
            Self::Busy { .. } => "busy",
        }
    }
}

/// One side of a case: a member with the role that the configured source of administrators gives them.
#[derive(Clone, Copy, Debug)]
pub struct Party<'a> {
    /// The account in the directory.
    pub member: &'a Member,
    /// The role by that source.
    pub role: Role,
}

impl Party<'_> {
    /// S1–S3: True for an account in use with a role that may reset somebody.
    pub fn may_administer(&self) -> bool {
        self.member.is_in_use() && self.role != Role::Member
    }
}

/// One administrator and one member, as they were just read.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// Whoever asks for the reset.
    pub admin: Party<'a>,
    /// Whoever gets a new password.
    pub member: Party<'a>,
}

impl Case<'_> {
    /// Checks one rule, for `why`; [`approve`] checks all.
    pub fn check(&self, rule: Rule) -> Result<(), Denied> {
        let refused = match rule {
            Rule::CallerMayReset => (!self.admin.may_administer()).then_some(Denied::NotAdmin),
            Rule::NotOneself => {
                (self.admin.member.id == self.member.member.id).then_some(Denied::Oneself)
            }
            Rule::RankSuffices => (self.member.role == Role::PrimaryAdmin
                && self.admin.role != Role::PrimaryAdmin)
                .then_some(Denied::Outranked),
            Rule::LoginMethod => {
                let method = self.member.member.login_method;
                (method != LoginMethod::BusinessEmail).then_some(Denied::LoginMethod(method))
            }
            Rule::Status => match self.member.member.status {
                Status::Active | Status::Inactive => None,
                status @ (Status::Suspended | Status::Pending | Status::Resigned) => {
                    Some(Denied::Status(status))
                }
            },
            Rule::Unguarded => self.member.member.guard.map(Denied::Guarded),
        };
        refused.map_or(Ok(()), Err)
    }
}

/// Proof that all rules held. It is made anew at each click, never taken over from the card.
#[derive(Debug)]
pub struct Permit {
    admin: MemberId,
    member: MemberId,
}

impl Permit {
    /// The administrator, whose quota counts the reset (S37, Q12).
    pub fn admin(&self) -> &MemberId {
        &self.admin
    }

    /// The member whose password may be reset.
    pub fn member(&self) -> &MemberId {
        &self.member
    }
}

/// Checks all rules and returns the permit or the first refusal.
///
/// ```
/// use relatch::surface::domain::policy::{Case, Party, approve};
/// use relatch::surface::domain::{Denied, LoginMethod, Member, MemberId, Role, SecondFactors, Status};
///
/// let mina = Member {
///     id: MemberId("m-1".into()),
///     name: "Mina Park".into(),
///     business_email: "mina.park@acme.example".parse()?,
///     login_method: LoginMethod::BusinessEmail,
///     status: Status::Active,
///     phone: None,
///     personal_email: None,
///     role: Role::Member,
///     department: None,
///     manager_email: None,
///     aliases: Vec::new(),
///     guard: None,
///     phone_remarks: Vec::new(),
///     never_expires: false,
///     has_other_password: false,
///     second_factors: SecondFactors::default(),
/// };
/// let jo = Member { id: MemberId("m-2".into()), name: "Jo Lim".into(), ..mina.clone() };
/// let member = Party { member: &mina, role: Role::Member };
///
/// let case = Case { admin: Party { member: &jo, role: Role::PrimaryAdmin }, member };
/// assert!(approve(&case).is_ok());
/// let case = Case { admin: Party { member: &jo, role: Role::Member }, member };
/// assert_eq!(approve(&case).unwrap_err(), Denied::NotAdmin);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn approve(case: &Case<'_>) -> Result<Permit, Denied> {
    for rule in Rule::ALL {
        case.check(*rule)?;
    }
    Ok(Permit {
        admin: case.admin.member.id.clone(),
        member: case.member.member.id.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Moment, SecondFactors};

    fn person(id: &str, status: Status, login_method: LoginMethod) -> Member {
        Member {
            id: MemberId(id.to_owned()),
            name: id.to_owned(),
            business_email: format!("{id}@acme.example").parse().unwrap(),
            login_method,
            status,
            phone: None,
            personal_email: None,
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

    /// S1–S3, S8, S9, S16, Q8, Q9: who, whom, what is said.
    #[test]
    fn table_of_cases() {
        use LoginMethod::{BusinessEmail, PersonalEmail, Phone, Sso};
        use Role::{Member as Plain, MemberAndDepartment as Delegated, PrimaryAdmin as Primary};
        use Status::{Active, Inactive, Pending, Resigned, Suspended};

        let ok = None;
        #[rustfmt::skip]
        let table = [
            // caller's role and status, member's role, login method, status, what is refused
            (Primary,   Active,    Plain,     BusinessEmail, Active,    ok.clone()),
            (Primary,   Active,    Delegated, BusinessEmail, Inactive,  ok.clone()),
            (Primary,   Active,    Primary,   BusinessEmail, Active,    ok.clone()),
            (Delegated, Active,    Plain,     BusinessEmail, Active,    ok.clone()),
            (Delegated, Inactive,  Delegated, BusinessEmail, Active,    ok),
            (Delegated, Active,    Primary,   BusinessEmail, Active,    Some(Denied::Outranked)),
            (Plain,     Active,    Plain,     BusinessEmail, Active,    Some(Denied::NotAdmin)),
            (Plain,     Active,    Plain,     Sso,           Suspended, Some(Denied::NotAdmin)),
            (Primary,   Suspended, Plain,     BusinessEmail, Active,    Some(Denied::NotAdmin)),
            (Primary,   Resigned,  Plain,     BusinessEmail, Active,    Some(Denied::NotAdmin)),
            (Primary,   Pending,   Plain,     BusinessEmail, Active,    Some(Denied::NotAdmin)),
            (Primary,   Active,    Plain,     PersonalEmail, Active,    Some(Denied::LoginMethod(PersonalEmail))),
            (Primary,   Active,    Plain,     Phone,         Active,    Some(Denied::LoginMethod(Phone))),
            (Primary,   Active,    Plain,     Sso,           Active,    Some(Denied::LoginMethod(Sso))),
            (Primary,   Active,    Plain,     BusinessEmail, Suspended, Some(Denied::Status(Suspended))),
            (Primary,   Active,    Plain,     BusinessEmail, Pending,   Some(Denied::Status(Pending))),
            (Primary,   Active,    Plain,     BusinessEmail, Resigned,  Some(Denied::Status(Resigned))),
        ];
        for (admin_role, admin_status, member_role, method, status, expected) in table {
            let (jo, mina) = (
                person("jo", admin_status, BusinessEmail),
                person("mina", status, method),
            );
            let case = Case {
                admin: Party {
                    member: &jo,
                    role: admin_role,
                },
                member: Party {
                    member: &mina,
                    role: member_role,
                },
            };
            assert_eq!(
                approve(&case).err(),
                expected,
                "{admin_role} {admin_status} on {member_role} {method} {status}"
            );
        }
    }

    /// No role may reset a guarded account.
    #[test]
    fn guarded_accounts_are_reset_by_nobody() {
        let jo = person("jo", Status::Active, LoginMethod::BusinessEmail);
        for guard in [
            Guard::Protected,
            Guard::ManagedElsewhere,
            Guard::SmartCard,
            Guard::Locked,
            Guard::ServiceAccount,
            Guard::Expired(Moment(0)),
            Guard::NotYetValid(Moment(9)),
        ] {
            let mina = Member {
                guard: Some(guard),
                ..person("mina", Status::Active, LoginMethod::BusinessEmail)
            };
            let case = Case {
                admin: Party {
                    member: &jo,
                    role: Role::PrimaryAdmin,
                },
                member: Party {
                    member: &mina,
                    role: Role::Member,
                },
            };
            assert_eq!(approve(&case).unwrap_err(), Denied::Guarded(guard));
        }
    }

    /// An account that is expired or locked for good does not administer; a protected one may.
    #[test]
    fn who_is_out_of_date_or_locked_resets_nobody() {
        let mina = person("mina", Status::Active, LoginMethod::BusinessEmail);
        for (guard, expected) in [
            (Guard::Protected, None),
            (Guard::Locked, Some(Denied::NotAdmin)),
            (Guard::Expired(Moment(0)), Some(Denied::NotAdmin)),
            (Guard::NotYetValid(Moment(9)), Some(Denied::NotAdmin)),
        ] {
            let jo = Member {
                guard: Some(guard),
                ..person("jo", Status::Active, LoginMethod::BusinessEmail)
            };
            let case = Case {
                admin: Party {
                    member: &jo,
                    role: Role::PrimaryAdmin,
                },
                member: Party {
                    member: &mina,
                    role: Role::Member,
                },
            };
            assert_eq!(approve(&case).err(), expected);
        }
    }

    #[test]
    fn nobody_resets_themselves() {
        let jo = person("jo", Status::Active, LoginMethod::BusinessEmail);
        let me = Party {
            member: &jo,
            role: Role::PrimaryAdmin,
        };
        assert_eq!(
            approve(&Case {
                admin: me,
                member: me
            })
            .unwrap_err(),
            Denied::Oneself
        );
    }

    #[test]
    fn a_permit_names_the_pair_it_was_made_for() {
        let (jo, mina) = (
            person("jo", Status::Active, LoginMethod::BusinessEmail),
            person("mina", Status::Active, LoginMethod::BusinessEmail),
        );
        let case = Case {
            admin: Party {
                member: &jo,
                role: Role::PrimaryAdmin,
            },
            member: Party {
                member: &mina,
                role: Role::Member,
            },
        };
        let permit = approve(&case).unwrap();
        assert_eq!((permit.admin(), permit.member()), (&jo.id, &mina.id));
    }
}
