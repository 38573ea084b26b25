//! Commands that are named but not built yet: they take anything and stop with a sentence.

use clap::Args;

/// Whatever was written behind it.
#[derive(Args)]
pub(super) struct Rest {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    _rest: Vec<String>,
}
