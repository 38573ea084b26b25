#!/usr/bin/env bash
# Runs every test, real servers included. On a fresh Debian machine it installs what they need first (as root).
set -euo pipefail
cd "$(dirname "$0")/.."
export INSTA_UPDATE=no

missing=()
# What building needs besides Rust.
{ command -v cc && [ -e /usr/include/stdio.h ]; } >/dev/null || missing+=(gcc libc6-dev)
command -v openssl >/dev/null || missing+=(openssl)
command -v strace >/dev/null || missing+=(strace)
command -v chromium >/dev/null || missing+=(chromium fonts-dejavu-core)
command -v chromedriver >/dev/null || missing+=(chromium-driver)
command -v npm >/dev/null || missing+=(npm)
python3 -c 'import venv, ensurepip' 2>/dev/null || missing+=(python3-venv)
# The directories that are tested for real, and what reset passwords are delivered through.
command -v slapd >/dev/null || missing+=(slapd ldap-utils)
command -v ns-slapd >/dev/null || missing+=(389-ds-base ldap-utils libnss3-tools)
command -v samba >/dev/null || missing+=(samba samba-ad-provision samba-dsdb-modules samba-vfs-modules winbind)
command -v kinit >/dev/null || missing+=(krb5-user)
command -v bearerbox >/dev/null || missing+=(kannel kannel-extras)
command -v postfix >/dev/null || missing+=(postfix)
command -v mvn >/dev/null || missing+=(maven)
command -v java >/dev/null || missing+=(default-jre-headless)
command -v unzip >/dev/null || missing+=(unzip)
command -v ip >/dev/null || missing+=(iproute2)
command -v nginx >/dev/null || missing+=(nginx-light)
if [ ${#missing[@]} -gt 0 ]; then
    apt-get -o Acquire::Retries=3 update -qq
    # The packages' own services stay off: the tests start servers of their own, and one of them needs port 389. What keeps
    # them off goes when the parentheses end, however that comes.
    (
        policy=/usr/sbin/policy-rc.d
        if [ ! -e $policy ]; then
            trap 'rm -f $policy' EXIT
            printf '#!/bin/sh\nexit 101\n' >$policy
            chmod +x $policy
        fi
        DEBIAN_FRONTEND=noninteractive apt-get -o Acquire::Retries=3 install -y -qq --no-install-recommends "${missing[@]}"
    )
fi

# The oldest Keycloak that the README names, besides a present one.
oldest_keycloak=24.0.5
tests/servers/keycloak.sh --get
KEYCLOAK_VERSION=$oldest_keycloak tests/servers/keycloak.sh --get

# What the integration tests see relatch send is read again by the platforms' own validators.
SENT_BY_RELATCH_DIR=$(mktemp -d)
export SENT_BY_RELATCH_DIR
# What the tests print tells with which servers they passed.
printed=$(mktemp)
trap 'rm -rf "$SENT_BY_RELATCH_DIR" "$printed"' EXIT
# A test spends much of its time waiting, so one more runs than there are cores.
RUST_TEST_THREADS=$(($(nproc) + 1)) cargo test --locked 2>&1 | tee -a "$printed"

# The real directories wait for each other's servers, and the release program is built beside them.
release_build=$(mktemp)
# It has a process group of its own, which ends with this script.
setsid nice -n 19 cargo build --locked --release >"$release_build" 2>&1 &
building=$!
trap 'kill -- -$building 2>/dev/null || true; rm -rf "$SENT_BY_RELATCH_DIR" "$printed" "$release_build"' EXIT
cargo test --locked --test it directories:: -- --ignored --test-threads=1 2>&1 | tee -a "$printed"
KEYCLOAK_VERSION=$oldest_keycloak cargo test --locked --test it directories::keycloak::real::keycloak_itself -- --ignored
built=0
wait $building || built=$?
trap 'rm -rf "$SENT_BY_RELATCH_DIR" "$printed" "$release_build"' EXIT
cat "$release_build"
[ $built = 0 ]
# A benchmark's own build, with what only tests need linked in, takes this place.
cp target/release/relatch target/relatch
# Only the debug program fails on demand.
if grep -aq FAULT_IN_RELATCH target/relatch; then
    echo "the release program reads FAULT_IN_RELATCH" >&2
    exit 1
fi
target/relatch demo --once >/dev/null
# That the benchmark runs is seen without optimising it: what it prints here is no figure.
RELATCH="$PWD/target/relatch" cargo test --locked --bench webhooks -- --smoke
# `cargo test` built the debug program.
tests/e2e/run.sh target/relatch target/debug/relatch 2>&1 | tee -a "$printed"
python3 tests/tested_with.py "$printed"
