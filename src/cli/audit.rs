//! Commands that are documented but not built yet. They accept any arguments and fail with a sentence.

use clap::Args;

/// Any arguments.
#[derive(Args)]
pub(super) struct IgnoredArgs {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    _rest: Vec<String>,
}
