//! Names the modules that a macro declares, so that `cargo fmt` formats their files too: it follows only what is written
//! as `mod`. Nothing of this is compiled.

#[cfg(false)]
#[path = "../src/chat/discord/mod.rs"]
mod discord;
#[cfg(false)]
#[path = "../src/delivery/email/mod.rs"]
mod email;
#[cfg(false)]
#[path = "../src/chat/lark/mod.rs"]
mod lark;
#[cfg(false)]
#[path = "../src/chat/mattermost/mod.rs"]
mod mattermost;
#[cfg(false)]
#[path = "../src/chat/slack/mod.rs"]
mod slack;
#[cfg(false)]
#[path = "../src/delivery/sms/mod.rs"]
mod sms;

use std::path::Path;

/// The folders whose `mod.rs` declares modules by a list.
const FOLDERS: [&str; 2] = ["src/chat", "src/delivery"];

#[test]
fn cargo_fmt_finds_every_module() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let named_here = include_str!("format.rs");
    for folder in FOLDERS {
        let declared = std::fs::read_to_string(root.join(folder).join("mod.rs")).unwrap();
        for entry in root.join(folder).read_dir().unwrap() {
            let path = entry.unwrap().path();
            let module = path.file_stem().unwrap().to_str().unwrap();
            assert!(
                module == "mod"
                    || declared.contains(&format!("mod {module};"))
                    || named_here.contains(&format!("\"../{folder}/{module}")),
                "name {folder}/{module} in tests/format.rs"
            );
        }
    }
}
