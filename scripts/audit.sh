#!/usr/bin/env bash
# Licences, sources, bans and known vulnerabilities of the dependencies. Needs the network and builds a tool, so it
# stands beside `.ci/run` and not in it.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v cargo-deny >/dev/null || cargo install --locked cargo-deny
cargo deny check "$@"
