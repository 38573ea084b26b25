//! relatch
