//! `relatch check` on set-ups as people make them: broken ones, each with one mistake, and right ones.

mod broken;
mod fakes;
mod right;
mod set_up;
mod traces;
