#!/usr/bin/env bash
# Prints figures about the structure of `src/`: sizes, imports, functions, names, comments. Tests are left out.
#
#   scripts/structure.sh             the working tree
#   scripts/structure.sh main~10     a git revision
#   scripts/structure.sh FOLDER      another checkout
#
# A copy is formatted with this checkout's rustfmt.toml first, so that two revisions can be compared.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
what=${1:-$root}

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
if [ -d "$what/src" ]; then
    cp -R "$what/src" "$copy/src"
else
    git -C "$root" archive "$what" src | tar -x -C "$copy"
fi
cp "$root/rustfmt.toml" "$copy"
find "$copy/src" -name '*.rs' -exec rustfmt --quiet {} +

printf 'structure of %s\n' "${1:-the working tree}"
python3 "$root/scripts/structure.py" "$copy/src"
