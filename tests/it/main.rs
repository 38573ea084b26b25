//! Everything that is tested through the public surface, in one program.

mod conversation;
mod fixtures;
mod support;
