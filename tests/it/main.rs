//! Everything that is tested through the public surface, in one program.

mod conversation;
mod support;
