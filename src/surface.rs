//! What the tests and the benchmark reach into. Nothing else may use it: the program's contract is its command line,
//! its routes and its settings.
//!
//! The modules have the names that they have in the crate. What is not listed here is private, so that the compiler
//! finds what nobody uses.

pub mod app {
    pub use crate::app::{Admins, App, Identity, Latest, Organization, ResetQueue};
}
pub mod chance {
    pub use crate::chance::Chance;
}
pub mod chat {
    pub use crate::chat::{
        AccountKind, Action, Adapter, ApiError, Aside, Asking, Button, Chat, ChatParts, Form,
        FormKind, Freshness, Immediate, Interaction, InteractionKind, Message, Placement, Profile,
        ReplyAddress, ShownPassword, Style, Tick, Verified, Warning,
    };
    pub mod discord {
        pub use crate::chat::discord::{
            COMMAND_NAME, Config, Discord, INTERACTIONS_ROUTE, MANIFEST, MENU_NAME,
        };
    }
    pub mod interaction {
        pub use crate::chat::interaction::{FormKind, MemberCommand, Trigger};
    }
    pub mod lark {
        pub use crate::chat::lark::{
            CARD_EVENT, COMMAND_NAME, Config, EVENTS_ROUTE, Lark, MANIFEST, MENU_EVENT,
            MESSAGE_EVENT,
        };
    }
    pub mod mattermost {
        pub use crate::chat::mattermost::{
            COMMAND_NAME, COMMANDS_ROUTE, Config, MANIFEST, Mattermost,
        };
    }
    pub mod slack {
        pub use crate::chat::slack::{
            COMMAND_NAME, COMMANDS_ROUTE, Config, INTERACTIONS_ROUTE, Slack,
        };
    }
}
pub mod cli {
    pub use crate::cli::runtime;
    pub mod build {
        pub use crate::cli::build::app;
    }
}
pub mod clock {
    pub use crate::clock::{Clock, Zone};
}
pub mod config {
    pub use crate::config::Settings;
}
pub mod delivery {
    pub use crate::delivery::{Delivered, Deliveries, Note, Outbox};
}
pub mod directory {
    pub use crate::directory::{
        AccountFault, Backend, Builtin, By, Capabilities, CharacterKind, Directories, Directory,
        DirectoryParts, Hasher, Match, MissingRight, NextReset, PasswordFault, ResetFailed,
        ResilientDirectory, RuleHelp, ScriptedDirectory, ServerFault, WhyRefused, read_text,
    };
}
pub mod domain {
    pub use crate::domain::{
        AsksForMore, Carries, Channel, ChatUser, CompanyDomains, Delivery, Denied, Destination,
        EmailAddress, Guard, LogLine, LoginMethod, Member, MemberId, Moment, OwnPassword, Password,
        Permit, Platform, Quota, Reference, ResetId, Role, SecondFactor, SecondFactors, Span,
        State, Status, Step, StepOutcome,
    };
    pub mod channel {
        pub use crate::domain::channel::DestinationDenied;
    }
    pub mod code_alone {
        pub use crate::domain::code_alone::CodeUse;
    }
    pub mod company {
        pub use crate::domain::company::CompanyDomains;
    }
    pub mod contacts {
        pub use crate::domain::contacts::{AddedAs, AddedContact, ContactRules, Method, Methods};
    }
    pub mod country {
        pub use crate::domain::country::Country;
    }
    pub mod delivery {
        pub use crate::domain::delivery::{
            Carries, Extra, ExtraDenied, Outcome, Plan, Refusal, Way, Ways,
        };
    }
    pub mod look_up {
        pub use crate::domain::look_up::{
            Allowance, LOOK_UPS, PAUSE, REFUSALS_WITHIN, TooMany, Tried, paused_until,
        };
    }
    pub mod member {
        pub use crate::domain::member::{Guard, clean_name};
    }
    pub mod password {
        pub use crate::domain::makeup::DEFAULT_LENGTH;
        pub use crate::domain::password::ALPHABET;
    }
    pub mod person {
        pub use crate::domain::person::{Traits, difference};
    }
    pub mod phone {
        pub use crate::domain::phone::{
            HelpPhone, NotAPhone, PhoneNumber, PhoneRemark, UnreadablePhone, phone_on_record,
        };
    }
    pub mod policy {
        pub use crate::domain::policy::{Case, Party, Rule, approve};
    }
    pub mod quota {
        pub use crate::domain::quota::Limit;
    }
    pub mod reset {
        pub use crate::domain::reset::SlotAfter;
    }
    pub mod sign_in {
        pub use crate::domain::sign_in::{CODE_PAUSE, CodeDenied, CodePurpose, DEVICE_LIFE, Stage};
    }
    pub mod sms_countries {
        pub use crate::domain::sms_countries::{NotThisCountry, SmsCountries};
    }
}
pub mod flow {
    pub use crate::flow::messages;
    pub mod pins {
        pub use crate::flow::pins::{pin_listed, report, run};
    }
    pub mod sweep {
        pub use crate::flow::sweep::{
            alarm, catch_up, end_left_behind, end_what_is_due, finish, hide, look, tell_again,
            tell_of_codes,
        };
    }
}
pub mod http {
    pub use crate::http::{ConnectionLimits, ConnectionSettings, TrustedProxies};
}
pub mod lark_api {
    pub use crate::lark_api::LarkApis;
}
pub mod net {
    pub use crate::net::{ClientAddress, client, tls_config};
}
pub mod secret {
    pub use crate::secret::{Keys, Link};
}
pub mod server {
    pub use crate::server::{Server, routes};
}
pub mod store {
    pub use crate::store::{
        AdminPin, Begun, CardClick, Choice, ClickRefused, CodeError, Earlier, HistoryFilter,
        LogLineRow, MadeCode, MemberKey, MemberRow, MoveRefused, OpenError, OwnLink, Past,
        PinnedBy, ReplayKey, Reservation, ResetRow, SessionRow, StepNote, StepRow, Store,
        StoreTasks, Use, Why, Wiped,
    };
}
