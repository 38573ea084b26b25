//! Everything that is tested through the public surface, in one program.

mod admins;
mod claim;
mod conversation;
mod directories;
mod fixtures;
mod hostile;
mod import;
mod look_ups;
mod manifests;
mod orders;
mod platforms;
mod portal;
mod portal_edges;
mod record;
mod secrets;
mod store;
mod support;
mod upgrade;
