//! Whether a password is one that somebody who knows the member would try first.

use zeroize::Zeroizing;

use crate::domain::OwnPassword;

/// How many characters are rated: each more takes longer.
const RATED: usize = 40;

/// What a guess would be made of.
pub(crate) struct KnownWords {
    pub(crate) name: String,
    pub(crate) business_email: String,
    pub(crate) organization: String,
}

/// The part of the password that is rated.
pub(crate) fn rated_part(password: &OwnPassword) -> Zeroizing<String> {
    let password = password.expose();
    let end = password
        .char_indices()
        .nth(RATED)
        .map_or(password.len(), |(at, _)| at);
    Zeroizing::new(password.get(..end).unwrap_or_default().to_owned())
}

/// True for a password that is easy to guess. Rating takes long.
pub(crate) fn is_guessable(rated_part: &str, known: &KnownWords) -> bool {
    let own = [&known.name, &known.business_email, &known.organization];
    let parts = own
        .iter()
        .flat_map(|text| text.split([' ', '@', '.']))
        .filter(|word| word.len() > 2);
    let words: Vec<&str> = parts.chain(own.iter().map(|text| text.as_str())).collect();
    zxcvbn::zxcvbn(rated_part, &words).score() <= zxcvbn::Score::One
}
