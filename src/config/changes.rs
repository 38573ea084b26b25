//! Which settings differ between two readings. Only names of keys are kept, because values may be secrets.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use toml::{Table, Value};

use crate::settings::secret_in;

/// The settings that a reload cannot change in the running program.
const AT_START_ONLY: [&str; 8] = [
    "listen",
    "admin_listen",
    "database",
    "key_file",
    "keep_alive",
    "trusted_proxies",
    "policy.resets_per_admin",
    "policy.window",
];

/// One reading of the settings: a digest of each value. Only the value of a secret counts, not where it was read from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    digests: BTreeMap<String, [u8; 32]>,
    /// Keys whose files systemd copied when the service started.
    copied: BTreeSet<String>,
}

/// What differs between two readings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    pub keys: Vec<String>,
    /// Those that take effect at the next restart.
    pub at_restart: Vec<String>,
    /// Those that need a restart and cannot be postponed while the others take effect.
    pub impossible: Vec<String>,
}

impl Reading {
    /// Of file, environment and defaults together. Reads the files that the settings name.
    pub(super) fn of(table: &Table) -> Self {
        let mut reading = Self::default();
        reading.take("", table, copied_folder().as_deref());
        reading
    }

    fn take(&mut self, section: &str, table: &Table, copied: Option<&Path>) {
        for (key, value) in table {
            let name = if section.is_empty() {
                key.clone()
            } else {
                format!("{section}.{key}")
            };
            match value {
                Value::Table(table) => {
                    // The section itself counts too: even an empty one enables a platform.
                    self.digests.insert(name.clone(), digest(b"section"));
                    self.take(&name, table, copied);
                }
                Value::Array(list) if list.iter().any(Value::is_table) => {
                    for (number, one) in list.iter().enumerate() {
                        if let Value::Table(table) = one {
                            self.take(
                                &format!("{name}[{}]", number.saturating_add(1)),
                                table,
                                copied,
                            );
                        }
                    }
                }
                Value::String(path) if key.ends_with("_file") && key != "key_file" => {
                    self.take_file(&name, Path::new(path), copied);
                }
                Value::String(_)
                | Value::Integer(_)
                | Value::Float(_)
                | Value::Boolean(_)
                | Value::Datetime(_)
                | Value::Array(_) => {
                    self.digests.insert(name, of_value(value));
                }
            }
        }
    }

    /// A secret is compared by its value, as if it were written in the settings; other files by name and contents.
    fn take_file(&mut self, name: &str, path: &Path, copied: Option<&Path>) {
        let contents = std::fs::read(path).unwrap_or_default();
        let secret = name
            .strip_suffix("_file")
            .filter(|_| !name.ends_with("ca_file"));
        let (name, value) = match (secret, String::from_utf8(contents.clone())) {
            (Some(secret), Ok(text)) => (secret, of_value(&Value::from(secret_in(&text)))),
            (_, _) => (
                name,
                digest(&[path.as_os_str().as_encoded_bytes(), &contents].concat()),
            ),
        };
        self.digests.insert(name.to_owned(), value);
        if copied.is_some_and(|folder| path.starts_with(folder)) {
            self.copied.insert(name.to_owned());
        }
    }

    /// What differs in a later reading.
    pub fn changes(&self, later: &Self) -> Changes {
        let names: BTreeSet<&String> = self.digests.keys().chain(later.digests.keys()).collect();
        let differs = |name: &&String| self.digests.get(*name) != later.digests.get(*name);
        let keys: Vec<String> = names.into_iter().filter(differs).cloned().collect();
        let at_restart = keys
            .iter()
            .filter(|key| AT_START_ONLY.contains(&key.as_str()))
            .cloned()
            .collect();
        let impossible = keys
            .iter()
            .filter(|key| self.is_made_at_start(key))
            .cloned()
            .collect();
        Changes {
            keys,
            at_restart,
            impossible,
        }
    }

    /// True for what one part of the program uses as it was at the start, while others would use the new value.
    fn is_made_at_start(&self, key: &str) -> bool {
        // The routes of a platform are added at the start. A removed section makes them answer 404.
        let is_new_platform = crate::domain::Platform::ALL
            .iter()
            .any(|platform| platform.as_str() == key)
            && !self.digests.contains_key(key);
        // The members' pages, which belong to the built-in directory, are added at the start too.
        let is_kind = key.starts_with("directory[") && key.ends_with("].kind");
        is_new_platform || is_kind
    }

    /// Keys whose files systemd copied when the service started, so that a change of the original is not seen.
    pub fn copied(&self) -> impl Iterator<Item = &str> {
        self.copied.iter().map(String::as_str)
    }
}

/// True where the file is a copy that systemd made when the service started (`LoadCredential`); the original may have
/// changed.
pub(crate) fn is_copied(file: &Path) -> bool {
    copied_folder().is_some_and(|folder| file.starts_with(folder))
}

fn copied_folder() -> Option<PathBuf> {
    std::env::var_os("CREDENTIALS_DIRECTORY")
        .filter(|folder: &OsString| !folder.is_empty())
        .map(PathBuf::from)
}

/// As JSON, so that a number and the same digits as a text differ.
fn of_value(value: &Value) -> [u8; 32] {
    digest(&serde_json::to_vec(value).unwrap_or_default())
}

fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(text: &str) -> Reading {
        Reading::of(&text.parse().unwrap())
    }

    fn changed(before: &str, after: &str) -> [String; 3] {
        let Changes {
            keys,
            at_restart,
            impossible,
        } = reading(before).changes(&reading(after));
        [keys, at_restart, impossible].map(|keys| keys.join(" "))
    }

    #[test]
    fn changed_keys_are_named_with_those_that_need_a_restart() {
        for (before, after, keys, at_restart, impossible) in [
            ("log = \"info\"", "log = \"info\"", "", "", ""),
            ("log = \"info\"", "log = \"debug\"", "log", "", ""),
            (
                "listen = \"a\"\nlog = \"info\"",
                "listen = \"b\"",
                "listen log",
                "listen",
                "",
            ),
            (
                "[policy]\nwindow = \"1h\"",
                "[policy]\nwindow = \"2h\"\nsend = \"link\"",
                "policy.send policy.window",
                "policy.window",
                "",
            ),
            (
                "",
                "[discord]\nguild_id = \"1\"",
                "discord discord.guild_id",
                "",
                "discord",
            ),
            (
                "[discord]\nguild_id = \"1\"",
                "",
                "discord discord.guild_id",
                "",
                "",
            ),
            (
                "[discord]\nguild_id = \"1\"",
                "[discord]\nguild_id = \"2\"",
                "discord.guild_id",
                "",
                "",
            ),
            (
                "[[directory]]\nkind = \"builtin\"",
                "[[directory]]\nkind = \"ldap\"\nurl = \"x\"",
                "directory[1].kind directory[1].url",
                "",
                "directory[1].kind",
            ),
            (
                "[admins]\nprimary = [\"a\"]",
                "[admins]\nprimary = [\"b\"]",
                "admins.primary",
                "",
                "",
            ),
        ] {
            assert_eq!(
                changed(before, after),
                [keys, at_restart, impossible],
                "{before} → {after}"
            );
        }
    }

    /// Where a secret is written makes no difference, its value does. Certificates are compared by their contents.
    #[test]
    fn files_count_by_what_is_in_them() {
        let folder = std::env::temp_dir().join(format!("relatch-reading-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = |name: &str| folder.join(name);
        let write = |name: &str, text: &str| std::fs::write(path(name), text).unwrap();
        let settings = format!(
            "[slack]\nbot_token_file = {:?}\n[email]\nca_file = {:?}",
            path("token").display().to_string(),
            path("ca.pem").display().to_string()
        );
        write("token", "xoxb-1\n");
        write("ca.pem", "one");
        let before = reading(&settings);
        let inline = settings.replace(
            &format!("bot_token_file = {:?}", path("token").display().to_string()),
            "bot_token = \"xoxb-1\"",
        );
        assert_eq!(before.changes(&reading(&inline)).keys, Vec::<String>::new());
        write("token", "xoxb-2\n");
        assert_eq!(
            before.changes(&reading(&settings)).keys,
            ["slack.bot_token"]
        );
        write("ca.pem", "two");
        assert_eq!(
            before.changes(&reading(&settings)).keys,
            ["email.ca_file", "slack.bot_token"]
        );
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
