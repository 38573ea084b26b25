#!/usr/bin/env bash
# Drives the built program from outside: Slack's own library signs, real SMTP and HTTP servers receive, and Chromium
# plays the demo and the member's pages.
# usage: tests/e2e/run.sh PROGRAM [DEBUG_PROGRAM]
# The debug program has the faults that a release build does not have; without it their test is skipped.
set -euo pipefail
program=$(realpath "$1")
if [ $# -gt 1 ]; then
    DEBUG_RELATCH=$(realpath "$2")
    export DEBUG_RELATCH
fi
cd "$(dirname "$0")"
venv=../../target/e2e-venv
if ! "$venv/bin/python" -c 'import aiosmtpd, discord_interactions, lark_oapi, slack_sdk' 2>/dev/null; then
    python3 -m venv --clear "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r requirements.txt
fi
if ! cmp -s package-lock.json node_modules/.lock; then
    npm ci --silent
    cp package-lock.json node_modules/.lock
fi
export RELATCH="$program" PYTHONDONTWRITEBYTECODE=1
"$venv/bin/python" -W ignore -m unittest -v test_resets test_discord test_lark test_mattermost test_portal test_demo test_browser test_pages test_public_path test_validators test_failures test_mail test_crashes test_process test_connections test_first_hour test_tested_with
# The SMS centre of the last one listens everywhere, so it gets a network of its own where one can be made.
journey=("$venv/bin/python" -W ignore -m unittest -v test_journey)
if unshare -n ip link set lo up 2>/dev/null; then
    unshare -n sh -c 'ip link set lo up && exec "$@"' journey "${journey[@]}"
else
    "${journey[@]}"
fi
