//! The limit of open files: raised as far as allowed, and how many connections fit into it.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files kept for other uses than incoming connections: the database, directories, mail servers and chats.
const RESERVED: usize = 256;

/// The least number of connections, even where files are scarce.
const LEAST: usize = 64;

/// Raises the soft limit to the hard one. Returns how many connections fit into it, at most `wanted`.
pub(super) fn room_for_connections(wanted: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let is_raised = limit.current == limit.maximum || setrlimit(Resource::Nofile, raised).is_ok();
    let files = if is_raised {
        limit.maximum
    } else {
        limit.current
    };
    // None means unlimited.
    let files = files.map_or(usize::MAX, |files| {
        usize::try_from(files).unwrap_or(usize::MAX)
    });
    let room = files.saturating_sub(RESERVED).max(LEAST).min(wanted);
    if room < wanted {
        tracing::warn!(
            files,
            connections = room,
            "the limit of open files allows fewer connections than usual"
        );
    }
    room
}
