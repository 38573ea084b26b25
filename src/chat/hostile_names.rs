//! Names that would be markup on some platform, for the tests of the renderers.

/// 500 names that would be markup, a mention or a link somewhere; every renderer is tried on all of them.
pub(super) fn hostile_names() -> Vec<String> {
    const PARTS: [&str; 25] = [
        "@everyone",
        "@all @here",
        "<@300000000000000003>",
        "<!channel>",
        "<at id=all></at>",
        "</reset-password:1>",
        "<https://evil.example|x>",
        "<:x:1> :smile:",
        "**b**",
        "_i_ ~~s~~",
        "||h|| |t|",
        "```c```",
        "[x](https://evil.example)",
        "![i](x)",
        "https://evil.example",
        "> q",
        "# h",
        "~town-square",
        "discord.gg/x",
        "<font color=red>",
        "\\",
        "\u{202e}rtl",
        "\u{200b}",
        "-# small",
        "$`\\",
    ];
    let pairs = PARTS.iter().flat_map(|first| {
        PARTS
            .iter()
            .take(20)
            .map(move |second| format!("{first}{second}"))
    });
    let names: Vec<String> = pairs.collect();
    assert_eq!(names.len(), 500);
    names
}
