//! Phones: which numbers can receive an SMS, in every country that the library of numbers knows.

use proptest::strategy::{Strategy, ValueTree};
use proptest::string::string_regex;
use proptest::test_runner::TestRunner;

use phonenumber::Metadata;
use phonenumber::metadata::{DATABASE, Descriptor};
use relatch::surface::domain::phone::PhoneNumber;

/// How many random numbers of each country are tried.
const RANDOM: usize = 20;

/// Every region with its mobile numbers.
fn regions() -> Vec<(&'static Metadata, &'static Descriptor)> {
    let with_mobiles = |region: &'static Metadata| Some((region, region.descriptors().mobile()?));
    let mut regions: Vec<_> = DATABASE
        .iter()
        .filter(|region| region.id() != "001")
        .filter_map(with_mobiles)
        .collect();
    regions.sort_by_key(|(region, _)| region.id().to_owned());
    regions
}

fn international(region: &Metadata, national: &str) -> String {
    format!("+{}{national}", region.country_code())
}

/// True for a number that is of another kind as well, such as a pager; those are refused.
fn is_of_another_kind(region: &Metadata, national: &str) -> bool {
    let kinds = region.descriptors();
    [
        kinds.premium_rate(),
        kinds.toll_free(),
        kinds.shared_cost(),
        kinds.voip(),
        kinds.personal_number(),
        kinds.pager(),
        kinds.uan(),
        kinds.voicemail(),
    ]
    .into_iter()
    .flatten()
    .any(|kind| kind.is_match(national))
}

/// Numbers of some countries begin with zeros behind the country code, which belong to the number (ITU-T E.164).
#[test]
fn the_example_mobile_of_every_country_is_a_phone() {
    let mut refused = Vec::new();
    let mut tried = 0;
    for (region, mobile) in regions() {
        let Some(example) = mobile.example() else {
            continue;
        };
        tried += 1;
        let number = international(region, example);
        if number.parse::<PhoneNumber>().map(|phone| phone.to_string()) != Ok(number.clone()) {
            refused.push(format!("{} {number}", region.id()));
        }
    }
    assert_eq!(refused, Vec::<String>::new());
    assert!(tried >= 244, "{tried} regions");
}

#[test]
fn random_mobiles_of_every_country_are_phones() {
    let mut runner = TestRunner::deterministic();
    let mut refused = Vec::new();
    for (region, mobile) in regions() {
        // In the generator a digit would be one of any script.
        let pattern = mobile.national_number().as_str().replace("\\d", "[0-9]");
        let numbers = string_regex(&pattern).unwrap();
        for _ in 0..RANDOM {
            let national = numbers.new_tree(&mut runner).unwrap().current();
            let fits = region.descriptors().general().is_match(&national)
                && mobile.is_match(&national)
                && !is_of_another_kind(region, &national);
            let number = international(region, &national);
            if fits
                && number.parse::<PhoneNumber>().map(|phone| phone.to_string())
                    != Ok(number.clone())
            {
                refused.push(format!("{} {number}", region.id()));
            }
        }
    }
    assert_eq!(refused, Vec::<String>::new());
}
