//! Everything that is tested through the public surface, in one program.

mod claim;
mod contacts;
mod conversation;
mod directories;
mod fixtures;
mod hostile;
mod manifests;
mod orders;
mod platforms;
mod portal;
mod portal_edges;
mod record;
mod secrets;
mod store;
mod support;
