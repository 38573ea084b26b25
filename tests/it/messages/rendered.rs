//! Every e-mail and SMS as it is sent, with ordinary and with the longest names and addresses: held against the rules of all
//! texts, the length of an SMS, and what people copy out of it.

use std::collections::BTreeSet;
use std::time::Duration;

use rand::{SeedableRng, rngs::StdRng};
use relatch::surface::app::Organization;
use relatch::surface::clock::Zone;
use relatch::surface::config::Settings;
use relatch::surface::delivery::Deliveries;
use relatch::surface::domain::delivery::{Outcome, Ways};
use relatch::surface::domain::member::clean_name;
use relatch::surface::domain::{Channel, Destination, Password};
use relatch::surface::net;
use relatch::surface::store::ResetRow;
use syn::visit::Visit;

use super::faults::{cut_words, faults_of_mail, faults_of_sms, faults_of_text, words};
use super::samples::notes::{self, NoteWorld, SampleNote};
use super::{MINA, PLAIN, longest_email, member, recorded};
use crate::support::directories::mail::Mailbox;
use crate::support::mime::Mail;
use crate::support::{START, TestBot};

/// What the messages of one world are made of.
struct Case {
    name: &'static str,
    /// Of the organization, the member and the administrator.
    names: String,
    email: String,
    contact: String,
    public_url: String,
    password_length: u8,
    /// Whom messages name for help.
    help_phone: Option<&'static str>,
    has_help: bool,
    has_security: bool,
    has_pages: bool,
}

impl Case {
    fn ordinary() -> Self {
        Self {
            name: "ordinary",
            names: "Mina Park".to_owned(),
            email: MINA.to_owned(),
            contact: "mina@mail.example".to_owned(),
            public_url: "https://reset.acme.example".to_owned(),
            password_length: 8,
            help_phone: None,
            has_help: true,
            has_security: true,
            has_pages: true,
        }
    }

    fn all() -> Vec<Self> {
        let named = |name, names: &str| Self {
            name,
            names: clean_name(names),
            ..Self::ordinary()
        };
        let longest = |name, names: &str| Self {
            email: longest_email().to_string(),
            contact: longest_email().to_string(),
            // With a longer one the settings are refused.
            public_url: format!("https://{}.example", "w".repeat(61 - 16)),
            password_length: 24,
            ..named(name, names)
        };
        let long_words = "Wilhelmina Featherstonehaugh Cholmondeley Marjoribanks Beauchamp";
        vec![
            Self::ordinary(),
            Self {
                help_phone: Some("+82 2 555 0100"),
                ..named("with a phone", "Mina Park")
            },
            Self {
                has_help: false,
                ..named("with an address", "Mina Park")
            },
            Self {
                has_help: false,
                has_security: false,
                has_pages: false,
                ..named("without help", "Mina Park")
            },
            named("marks", PLAIN),
            named("markup", "Al <b>Acme</b> \"x\" &amp; https://evil.example"),
            longest("long words", long_words),
            longest("one word", &"W".repeat(64)),
            Self {
                contact: "mina@\u{d55c}\u{ad6d}.example".to_owned(),
                ..named("other letters", &"\u{d55c}".repeat(64))
            },
        ]
    }

    fn contact(&self) -> Destination {
        Destination::Email(self.contact.parse().unwrap())
    }

    fn organization(&self, like: &Organization) -> Organization {
        let is_ordinary = self.name == "ordinary";
        Organization {
            name: if is_ordinary {
                "Acme".to_owned()
            } else {
                self.names.clone()
            },
            public_url: self.public_url.parse().ok().filter(|_| self.has_pages),
            company: like.company.clone(),
            help_phone: self.help_phone.map(|phone| phone.parse().unwrap()),
            help_url: like.help_url.clone().filter(|_| self.has_help),
            sign_in_url: like.sign_in_url.clone(),
            security_email: like.security_email.clone().filter(|_| self.has_security),
            admins: like.admins.clone(),
            ..*like
        }
    }

    /// Every message, and what in it people copy.
    fn messages(&self, bot: &TestBot, row: &ResetRow) -> Rendered {
        let organization = self.organization(&bot.app.organization);
        let sign_in_at = format!("{}/signin", self.public_url);
        let link = format!("{}/not-me/{}", self.public_url, "x".repeat(43));
        let password = Password::generate(&mut StdRng::seed_from_u64(3), self.password_length);
        let code = "408315";
        let copied = vec![
            password.expose().to_owned(),
            code.to_owned(),
            link.clone(),
            sign_in_at.clone(),
            sign_in_at.replace("signin", "account"),
            format!("{}/account/{}", self.public_url, "x".repeat(160)),
        ];
        let world = NoteWorld {
            organization: &organization,
            member: relatch::surface::domain::Member {
                name: self.names.clone(),
                business_email: self.email.parse().unwrap(),
                ..member()
            },
            row: ResetRow {
                member_name: self.names.clone(),
                admin_name: self.names.clone(),
                reason: Some("INC-2041".to_owned()),
                ..row.clone()
            },
            contact: self.contact(),
            link: &link,
            sign_in_at: &sign_in_at,
            password,
            code,
            zone: Zone::named("Asia/Seoul").unwrap(),
            now: START,
        };
        let notes = notes::of(&world);
        Rendered {
            notes,
            copied,
            organization: organization.name.clone(),
        }
    }
}

/// The messages of one world.
struct Rendered {
    notes: Vec<SampleNote>,
    copied: Vec<String>,
    organization: String,
}

/// Everything that e-mails and SMS say, whoever the settings name for help.
pub(super) fn all_texts(bot: &TestBot, row: &ResetRow) -> String {
    let mut texts = String::new();
    for case in Case::all() {
        for note in case.messages(bot, row).notes {
            let note = note.note;
            for text in [
                &note.subject,
                note.text_for(Channel::Email),
                note.text_for(Channel::Sms),
            ] {
                texts.extend([text, "\n"]);
            }
        }
    }
    texts
}

/// A mail server, and what sends to it.
async fn mail_server() -> (Deliveries, Mailbox) {
    let (address, mailbox) = Mailbox::start().await;
    let settings = format!(
        "listen = \"127.0.0.1:0\"\npublic_url = \"https://reset.acme.example\"\n\
         [admins]\nsource = \"list\"\nprimary = [\"jo@acme.example\"]\n\
         [email]\nsmtp_url = \"smtp://{address}\"\nfrom = \"Acme IT <it@acme.example>\"\n"
    );
    let settings = Settings::read(&settings, &[]).unwrap_or_else(|problems| panic!("{problems}"));
    let http = net::client(Duration::from_secs(5)).unwrap();
    (
        Deliveries::open(settings.channels, Ways::default(), None, &http),
        mailbox,
    )
}

/// Each message of a world with the e-mail that was sent, where it goes by e-mail.
async fn sent(rendered: &Rendered) -> Vec<(&SampleNote, Option<Mail>)> {
    let (deliveries, mailbox) = mail_server().await;
    let to = Destination::Email("mina@mail.example".parse().unwrap());
    let mut sent = Vec::new();
    for sample in &rendered.notes {
        let mail = if sample.channels.contains(&Channel::Email) {
            let outcome = deliveries.tell(&to, &sample.note, "1").await;
            assert_eq!(outcome, Outcome::Accepted);
            let content = mailbox.take_all().pop().expect("a mail");
            Some(Mail::read(&content))
        } else {
            None
        };
        sent.push((sample, mail));
    }
    sent
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mail_and_sms_can_be_read_as_it_is_sent() {
    let bot = TestBot::new().await;
    let (row, _) = recorded(&bot).await;
    let cases = Case::all();
    let rendered: Vec<Rendered> = cases.iter().map(|case| case.messages(&bot, &row)).collect();
    let sent = futures_util::future::join_all(rendered.iter().map(sent)).await;
    let ordinary = rendered[0].notes.iter();
    let known: BTreeSet<String> = ordinary
        .flat_map(|sample| {
            words(&sample.note.text).chain(words(sample.note.text_for(Channel::Sms)))
        })
        .collect();
    let mut wrong = BTreeSet::new();
    for ((case, rendered), sent) in cases.iter().zip(&rendered).zip(sent) {
        let about = (rendered.organization.as_str(), rendered.copied.as_slice());
        for (sample, mail) in sent {
            for channel in sample.channels {
                let text = sample.note.text_for(*channel);
                let mut faults = faults_of_text(text, &rendered.copied);
                faults.extend(cut_words(text, &case.names, &known));
                if *channel == Channel::Sms {
                    faults.extend(faults_of_sms(text));
                } else if let Some(mail) = &mail {
                    assert_eq!(mail.text.trim_end(), text.trim_end());
                    faults.extend(faults_of_mail(mail, about, case.name == "ordinary"));
                }
                let (name, case) = (sample.name, case.name);
                let shown: String = text.chars().take(400).collect();
                let told = |fault| format!("{name}, {channel}, {case}: {fault}: {shown}");
                wrong.extend(faults.into_iter().map(told));
            }
        }
    }
    let wrong: Vec<String> = wrong.into_iter().collect();
    assert!(
        wrong.is_empty(),
        "{}\n{} in all",
        wrong.join("\n"),
        wrong.len()
    );
}

/// The functions that make a message, as the source has them.
#[derive(Default)]
struct Makers {
    found: BTreeSet<String>,
    of_type: Option<String>,
}

impl Makers {
    fn note(&mut self, is_public: bool, signature: &syn::Signature) {
        let syn::ReturnType::Type(_, made) = &signature.output else {
            return;
        };
        let syn::Type::Path(made) = made.as_ref() else {
            return;
        };
        let last = made.path.segments.last().unwrap().ident.to_string();
        if is_public && ["Note", "Zeroizing"].contains(&last.as_str()) {
            let of_type = self.of_type.as_ref();
            let of_type = of_type.map_or_else(String::new, |name| format!("{name}::"));
            self.found.insert(format!("{of_type}{}", signature.ident));
        }
    }
}

impl<'ast> Visit<'ast> for Makers {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.note(matches!(item.vis, syn::Visibility::Public(_)), &item.sig);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if let syn::Type::Path(named) = item.self_ty.as_ref() {
            self.of_type = Some(named.path.segments.last().unwrap().ident.to_string());
        }
        syn::visit::visit_item_impl(self, item);
        self.of_type = None;
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.note(matches!(item.vis, syn::Visibility::Public(_)), &item.sig);
    }
}

/// A new message needs a sample: else nobody has held it against the rules.
#[tokio::test(flavor = "multi_thread")]
async fn every_mail_and_sms_has_a_sample() {
    let bot = TestBot::new().await;
    let (row, _) = recorded(&bot).await;
    let rendered = Case::ordinary().messages(&bot, &row);
    let sampled: BTreeSet<String> = rendered
        .notes
        .iter()
        .map(|sample| sample.name.to_owned())
        .collect();
    let mut makers = Makers::default();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/flow/messages");
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        makers.visit_file(&syn::parse_file(&text).unwrap());
    }
    assert_eq!(makers.found, sampled);
}
