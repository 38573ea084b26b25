//! Open files: the limit is raised as far as it may be, and connections keep within it.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What is kept free of connections from outside: for the database, and for directories, mail servers and chats.
const RESERVED: usize = 256;

/// The fewest connections, even where files are scarce.
const FEWEST: usize = 64;

/// Raises the soft limit to the hard one. Tells how many connections fit into it, `wanted` at most.
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
    // No limit is told as none.
    let files = files.map_or(usize::MAX, |files| {
        usize::try_from(files).unwrap_or(usize::MAX)
    });
    let room = files.saturating_sub(RESERVED).max(FEWEST).min(wanted);
    if room < wanted {
        tracing::warn!(
            files,
            connections = room,
            "the limit of open files allows fewer connections than usual"
        );
    }
    room
}
