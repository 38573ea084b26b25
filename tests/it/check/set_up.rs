//! A folder with settings as an operator has it, and what `check` says of it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

/// What a service's folder holds, and what its environment.
#[derive(Clone, Default)]
pub(super) struct SetUp {
    pub(super) settings: String,
    pub(super) files: Vec<(&'static str, String)>,
    pub(super) variables: Vec<(&'static str, String)>,
    /// Jo and Mina were imported into the built-in directory.
    pub(super) has_members: bool,
    /// There is a folder `full` on a file system without room.
    pub(super) has_full_disk: bool,
    /// Others may write the settings.
    pub(super) is_exposed: bool,
}

pub(super) const MEMBERS: &str = "name,business_email,login_method,status,phone,personal_email,role,department,manager_email
Jo Lim,jo@acme.example,business_email,active,,,primary_admin,IT,
Mina Park,mina.park@acme.example,business_email,active,+821012345642,mina@mail.example,member,Sales,jo@acme.example
";

impl SetUp {
    pub(super) fn of(settings: impl Into<String>) -> Self {
        Self {
            settings: settings.into(),
            ..Self::default()
        }
    }

    /// The same with another text in its settings, which must be there.
    pub(super) fn with(mut self, old: &str, new: &str) -> Self {
        assert!(self.settings.contains(old), "{old} is not there");
        self.settings = self.settings.replace(old, new);
        self
    }

    pub(super) fn with_file(mut self, name: &'static str, text: impl Into<String>) -> Self {
        self.files.push((name, text.into()));
        self
    }

    pub(super) fn with_variable(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    /// Runs `check` in a folder like this. The pretend services run beside it.
    pub(super) async fn check(self) -> Checked {
        tokio::task::spawn_blocking(move || self.check_now())
            .await
            .unwrap()
    }

    fn check_now(&self) -> Checked {
        let folder = self.folder();
        let before = names_below(&folder);
        let mut checked = self.run(&folder, &["check", "--format", "json"]);
        checked.left = names_below(&folder).difference(&before).cloned().collect();
        std::fs::remove_dir_all(&folder).unwrap();
        checked
    }

    /// Makes the folder.
    pub(super) fn folder(&self) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;

        static SERIAL: AtomicU32 = AtomicU32::new(0);
        let serial = SERIAL.fetch_add(1, Ordering::SeqCst);
        let name = format!("relatch-checked-{}-{serial}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        if self.has_members {
            std::fs::write(folder.join("members.csv"), MEMBERS).unwrap();
            std::fs::write(folder.join("import.toml"), "").unwrap();
            let words = [
                "members",
                "import",
                "members.csv",
                "--config",
                "import.toml",
            ];
            let imported = relatch(&folder, &words).output().unwrap();
            assert!(imported.status.success(), "{imported:?}");
        }
        for (name, text) in &self.files {
            let file = folder.join(name);
            std::fs::write(&file, text).unwrap();
            // Secrets are closed to others.
            std::fs::set_permissions(file, PermissionsExt::from_mode(0o600)).unwrap();
        }
        if !self.settings.is_empty() {
            let file = folder.join("relatch.toml");
            std::fs::write(&file, &self.settings).unwrap();
            let mode = if self.is_exposed { 0o666 } else { 0o640 };
            std::fs::set_permissions(file, PermissionsExt::from_mode(mode)).unwrap();
        }
        if self.has_full_disk {
            std::fs::create_dir(folder.join("full")).unwrap();
        }
        folder
    }

    /// Runs a command there.
    pub(super) fn run(&self, folder: &Path, words: &[&str]) -> Checked {
        let mut command = relatch(folder, words);
        if self.has_full_disk {
            command = on_full_disk(folder, words);
        }
        for (name, value) in &self.variables {
            command.env(name, value);
        }
        let output = command.output().unwrap();
        Checked {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
            left: Vec::new(),
        }
    }
}

fn relatch(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_relatch"));
    command.args(words).current_dir(folder).env_clear();
    command
}

/// Runs it where `full` is a file system of its own that has no room left, after an import with the settings `before.toml`,
/// where there are some. It is gone with the command. Whoever is not root needs user namespaces for that.
fn on_full_disk(folder: &Path, words: &[&str]) -> Command {
    const FILLED: &str = "mount -t tmpfs -o size=8m,mode=700 tmpfs full || exit 99
        if [ -f before.toml ]; then \"$0\" members import members.csv --config before.toml >&2 || exit 99; fi
        head -c 20m /dev/zero > full/other 2>/dev/null
        exec \"$0\" \"$@\"";

    let is_root = std::fs::metadata("/proc/self").is_ok_and(|own| {
        use std::os::unix::fs::MetadataExt;
        own.uid() == 0
    });
    let as_root: &[&str] = if is_root {
        &[]
    } else {
        &["--user", "--map-root-user"]
    };
    let mut command = Command::new("unshare");
    command
        .args(as_root)
        .args(["--mount", "sh", "-c", FILLED, env!("CARGO_BIN_EXE_relatch")])
        .args(words)
        .current_dir(folder)
        .env_clear()
        .env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin");
    command
}

/// Every file and folder below this one.
pub(super) fn names_below(folder: &Path) -> BTreeSet<PathBuf> {
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            names.extend(names_below(&path));
        }
        names.insert(path);
    }
    names
}

/// How `check` ended.
pub(super) struct Checked {
    pub(super) code: Option<i32>,
    pub(super) out: String,
    pub(super) err: String,
    /// The files that were not there before.
    pub(super) left: Vec<PathBuf>,
}

impl Checked {
    /// The lines of one level, each as key and text.
    pub(super) fn lines(&self, level: &str) -> Vec<(String, String)> {
        let all: Value = serde_json::from_str(&self.out)
            .unwrap_or_else(|error| panic!("{error}: {} {}", self.out, self.err));
        let all = all.as_array().unwrap().iter();
        let text = |line: &Value, name: &str| line[name].as_str().unwrap().to_owned();
        all.filter(|line| line["level"] == level)
            .map(|line| (text(line, "key"), text(line, "text")))
            .collect()
    }
}
