#!/bin/sh
# Changes the code in many small ways and lists the changes that no test notices: scripts/mutants.sh [FOLDER [--it]]
#
#   scripts/mutants.sh domain        src/domain in a crate of its own, against its unit tests and tests/it/domain.rs: half an hour
#   scripts/mutants.sh domain --it   what survived that, against the whole program's unit tests and tests/it: minutes each
#   scripts/mutants.sh flow          another folder of src/, against the whole program's unit tests: hours
#   scripts/mutants.sh flow --it     as above
#
# It takes hours, so it is no part of CI. What survives is in target/mutants/FOLDER*/mutants.out/missed.txt; what a person
# would notice gets a test, and the rest a reason in docs/mutants.md. The sources are copied, never changed in place.
set -eu
cd "$(dirname "$0")/.."
folder=${1:-domain}
tools=$PWD/target/tools
out=$PWD/target/mutants
mkdir -p "$out"
[ -x "$tools/bin/cargo-mutants" ] || nice -n 15 cargo install cargo-mutants --locked --root "$tools"
mutants() { nice -n 15 "$tools/bin/cargo-mutants" mutants --jobs 1 --no-shuffle --colors never "$@"; }

if [ "${2:-}" = --it ]; then
    # Names have characters that mean something in a regular expression.
    missed=$out/$folder/mutants.out/missed.txt
    sed -e 's/[][\.*^$()+?{}|]/\\&/g' -e 's/.*/^&$/' "$missed" >"$out/names"
    set --
    while IFS= read -r name; do set -- "$@" --re "$name"; done <"$out/names"
    mutants --output "$out/$folder-it" --timeout 900 "$@" -- --locked --lib --test it
elif [ "$folder" = domain ]; then
    # The layer uses nothing above it, so a crate with this folder alone has its tests, and builds in seconds.
    crate=$out/domain-crate
    rm -rf "$crate"
    mkdir -p "$crate/src" "$crate/tests"
    cp -R src/domain "$crate/src/"
    cp tests/it/domain.rs "$crate/tests/"
    cp Cargo.lock "$crate/"
    {
        printf '//! The lowest layer alone.\n\npub mod domain;\n\npub mod surface {\n    pub use crate::domain;\n}\n'
    } >"$crate/src/lib.rs"
    {
        printf '[package]\nname = "relatch"\nversion = "0.1.0"\nedition = "2024"\npublish = false\n\n[dependencies]\n'
        awk '/^\[/ { section = $0; next } (section == "[dependencies]" || section == "[dev-dependencies]") && / = / { print }' Cargo.toml |
            while IFS= read -r line; do
                name=${line%% *}
                if grep -rq "\b$(printf %s "$name" | tr - _)::" src/domain; then printf '%s\n' "$line"; fi
            done
    } >"$crate/Cargo.toml"
    mutants --dir "$crate" --output "$out/domain" --timeout 60 -- --lib --test domain
else
    mutants --file "src/$folder/**" --output "$out/$folder" --timeout 300 -- --locked --lib
fi
