//! Which environment variable set which key, so that a complaint about a value names the variable.

use std::collections::BTreeMap;

use crate::settings::Problem;

/// The variables by the keys that they set.
#[derive(Default)]
pub(super) struct Variables(BTreeMap<String, String>);

impl Variables {
    pub(super) fn note(&mut self, key: String, variable: &str) {
        self.0.insert(key, variable.to_owned());
    }

    /// Names the variable in a complaint about what it set. `smtp_url` may have been set by `smtp_url_file`, and a section by
    /// the variable of any of its keys.
    pub(super) fn name_in(&self, problem: &mut Problem) {
        let section = format!("{}.", problem.key);
        let of_section = || self.0.iter().find(|(key, _)| key.starts_with(&section));
        let own = self.0.get_key_value(&problem.key);
        let own = own.or_else(|| self.0.get_key_value(&format!("{}_file", problem.key)));
        let Some((_, variable)) = own.or_else(of_section) else {
            return;
        };
        if let Some(nearest) = &mut problem.nearest {
            *nearest = corrected(variable, &problem.key, nearest);
        }
        problem.key = format!("{} ({variable})", problem.key);
    }
}

/// The variable of the key that was meant: the last part is corrected of a key in a section, the first one of a section.
fn corrected(variable: &str, key: &str, nearest: &str) -> String {
    let nearest = nearest.to_ascii_uppercase().replace('.', "__");
    let parts = if key.contains('.') {
        variable
            .rsplit_once("__")
            .map(|(start, _)| format!("{start}__{nearest}"))
    } else {
        variable
            .split_once("__")
            .map(|(_, end)| format!("RELATCH_{nearest}__{end}"))
    };
    parts.unwrap_or_else(|| format!("RELATCH_{nearest}"))
}

#[cfg(test)]
mod tests {
    use super::corrected;

    #[test]
    fn the_variable_that_was_meant_is_spelled_out() {
        for (variable, key, nearest, meant) in [
            (
                "RELATCH_POLCY__WINDOW",
                "polcy",
                "policy",
                "RELATCH_POLICY__WINDOW",
            ),
            (
                "RELATCH_POLICY__WINDWO",
                "policy.windwo",
                "window",
                "RELATCH_POLICY__WINDOW",
            ),
            (
                "RELATCH_POLICY_WINDOW",
                "policy_window",
                "policy.window",
                "RELATCH_POLICY__WINDOW",
            ),
            ("RELATCH_LISTN", "listn", "listen", "RELATCH_LISTEN"),
            (
                "RELATCH_DIRECTORY__2__PASWORD",
                "directory[2].pasword",
                "password",
                "RELATCH_DIRECTORY__2__PASSWORD",
            ),
        ] {
            assert_eq!(corrected(variable, key, nearest), meant);
        }
    }
}
