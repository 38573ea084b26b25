//! Everything that is tested through the public surface, in one program.

mod admins;
mod claim;
mod connections;
mod contacts;
mod conversation;
mod directories;
mod domain;
mod fixtures;
mod hostile;
mod import;
mod leftovers;
mod logs;
mod look_ups;
mod manifests;
mod mattermost;

mod orders;
mod platforms;
mod portal;
mod portal_edges;
mod record;
mod revoked;
mod rules;
mod secrets;
mod sign_in;
mod store;
mod support;
mod trace;
mod upgrade;
