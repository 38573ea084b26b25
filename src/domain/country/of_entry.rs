//! The country of a directory's entry, with which its phone is read.

use super::Country;

impl Country {
    /// The country of an entry by its two letters (`c`), else by its number (`countryCode` of Active Directory, where 0 means
    /// none), else `default`. None where the entry names a country that is not known: the default would be a guess.
    pub fn of_entry(
        letters: Option<&str>,
        number: Option<&str>,
        default: Option<Self>,
    ) -> Option<Self> {
        let given = |text: &&str| !text.trim().is_empty();
        if let Some(letters) = letters.filter(given) {
            return letters.parse().ok();
        }
        match number
            .filter(given)
            .map(|number| number.trim().parse::<u16>())
        {
            None | Some(Ok(0)) => default,
            Some(Ok(number)) => by_number(number),
            Some(Err(_)) => None,
        }
    }
}

fn by_number(number: u16) -> Option<Country> {
    let digits = format!("{number:03}");
    NUMBERS
        .split_ascii_whitespace()
        .find_map(|entry| entry.strip_prefix(&digits))
        .and_then(|letters| letters.parse().ok())
}

/// The numeric codes with their two letters (ISO 3166-1).
const NUMBERS: &str = "\
    004AF 008AL 010AQ 012DZ 016AS 020AD 024AO 028AG 031AZ 032AR 036AU 040AT 044BS 048BH 050BD 051AM 052BB 056BE \
    060BM 064BT 068BO 070BA 072BW 074BV 076BR 084BZ 086IO 090SB 092VG 096BN 100BG 104MM 108BI 112BY 116KH 120CM \
    124CA 132CV 136KY 140CF 144LK 148TD 152CL 156CN 158TW 162CX 166CC 170CO 174KM 175YT 178CG 180CD 184CK 188CR \
    191HR 192CU 196CY 203CZ 204BJ 208DK 212DM 214DO 218EC 222SV 226GQ 231ET 232ER 233EE 234FO 238FK 239GS 242FJ \
    246FI 248AX 250FR 254GF 258PF 260TF 262DJ 266GA 268GE 270GM 275PS 276DE 288GH 292GI 296KI 300GR 304GL 308GD \
    312GP 316GU 320GT 324GN 328GY 332HT 334HM 336VA 340HN 344HK 348HU 352IS 356IN 360ID 364IR 368IQ 372IE 376IL \
    380IT 384CI 388JM 392JP 398KZ 400JO 404KE 408KP 410KR 414KW 417KG 418LA 422LB 426LS 428LV 430LR 434LY 438LI \
    440LT 442LU 446MO 450MG 454MW 458MY 462MV 466ML 470MT 474MQ 478MR 480MU 484MX 492MC 496MN 498MD 499ME 500MS \
    504MA 508MZ 512OM 516NA 520NR 524NP 528NL 531CW 533AW 534SX 535BQ 540NC 548VU 554NZ 558NI 562NE 566NG 570NU \
    574NF 578NO 580MP 581UM 583FM 584MH 585PW 586PK 591PA 598PG 600PY 604PE 608PH 612PN 616PL 620PT 624GW 626TL \
    630PR 634QA 638RE 642RO 643RU 646RW 652BL 654SH 659KN 660AI 662LC 663MF 666PM 670VC 674SM 678ST 682SA 686SN \
    688RS 690SC 694SL 702SG 703SK 704VN 705SI 706SO 710ZA 716ZW 724ES 728SS 729SD 732EH 740SR 744SJ 748SZ 752SE \
    756CH 760SY 762TJ 764TH 768TG 772TK 776TO 780TT 784AE 788TN 792TR 795TM 796TC 798TV 800UG 804UA 807MK 818EG \
    826GB 831GG 832JE 833IM 834TZ 840US 850VI 854BF 858UY 860UZ 862VE 876WF 882WS 887YE 894ZM";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_names_its_country_by_letters_or_number() {
        let default = Some("KR".parse().unwrap());
        for (letters, number, country) in [
            (Some("DE"), Some("250"), Some("DE")),
            (Some("de"), None, Some("DE")),
            (None, Some("276"), Some("DE")),
            (None, Some("8"), Some("AL")),
            (None, Some("0"), Some("KR")),
            (Some(""), None, Some("KR")),
            (None, None, Some("KR")),
            (Some("Germany"), Some("276"), None),
            (None, Some("1"), None),
            (None, Some("-276"), None),
        ] {
            let read = Country::of_entry(letters, number, default).map(|one| one.to_string());
            assert_eq!(read.as_deref(), country, "{letters:?} {number:?}");
        }
    }
}
