//! What is wrong with settings that can each be used, but not together or not for a server that people reach.

use super::report::{CheckReport, Level};
use crate::cli::NOTHING_SET;
use crate::config::Settings;
use crate::directory;
use crate::domain::Channel;
use crate::net;

/// Looks at the settings alone, without asking anybody.
pub(super) fn examine(settings: &Settings, report: &mut CheckReport) {
    for warning in &settings.warnings {
        if warning.fails_check {
            report.add_unsound(&warning.key, warning.advice());
        } else {
            report.add(Level::Warn, &warning.key, warning.advice());
        }
    }
    let has_pages = settings
        .directories
        .iter()
        .any(directory::Config::is_builtin);
    what_is_served(settings, has_pages, report);
    public_url(settings, has_pages, report);
    sign_in_url(settings, report);
    security_email(settings, report);
}

fn what_is_served(settings: &Settings, has_pages: bool, report: &mut CheckReport) {
    if !settings.chats.is_empty() {
        return;
    }
    if !settings.is_anything_set {
        report.add_unsound("settings", NOTHING_SET);
    } else if has_pages {
        let told = "no chat has a section, so only the members' pages are served; add one, such as [slack]";
        report.add(Level::Warn, "settings", told);
    } else {
        let told = "no chat has a section, and only the built-in directory has pages, so there is nothing to serve; add a \
            chat, such as [slack]";
        report.add_unsound("settings", told);
    }
}

fn public_url(settings: &Settings, has_pages: bool, report: &mut CheckReport) {
    let is_reached_from_elsewhere = !settings.listen.ip().is_loopback();
    match &settings.public_url {
        None if has_pages && is_reached_from_elsewhere => {
            let told = format!(
                "is missing, and relatch listens beyond this machine ({}), where members reach its pages; set the address \
                under which they do, such as https://reset.acme.example",
                settings.listen
            );
            report.add_unsound("public_url", told);
        }
        None if has_pages => {
            let told = "is missing, so no message leads to the members' pages; set the address under which they reach them, \
                such as https://reset.acme.example";
            report.add(Level::Warn, "public_url", told);
        }
        Some(url) if net::is_this_machine(url) && is_reached_from_elsewhere => {
            let told = "is an address of this machine, and relatch listens beyond it; links in messages lead nobody else there";
            report.add(Level::Warn, "public_url", told);
        }
        None | Some(_) => {}
    }
}

fn sign_in_url(settings: &Settings, report: &mut CheckReport) {
    let mut directories = settings.directories.iter();
    let has_other_directory = directories.any(|config| !config.is_builtin());
    if has_other_directory && settings.sign_in_url.is_none() {
        let told = "is missing, so no message with a password says where to sign in, except to members of the built-in \
            directory; set the address, such as https://login.acme.example";
        report.add(Level::Warn, "sign_in_url", told);
    }
}

fn security_email(settings: &Settings, report: &mut CheckReport) {
    let has_mail = settings
        .channels
        .iter()
        .any(|config| config.channel() == Channel::Email);
    match &settings.security_email {
        None => {
            let told = "is missing, so no security team is told of alarms, such as a member's \"this wasn't me\"; set an address";
            report.add(Level::Warn, "security_email", told);
        }
        Some(_) if !has_mail => {
            let told = "is set, and there is no [email] to reach it by";
            report.add(Level::Warn, "security_email", told);
        }
        Some(_) => {}
    }
}
