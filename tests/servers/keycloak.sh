#!/usr/bin/env bash
# Keycloak in the foreground, with its data in memory. The tests give it the realm of keycloak-realm.json.
# KEYCLOAK_VERSION chooses another version than the one that the tests are written for.
# usage: keycloak.sh PORT (HTTP at PORT on loopback, its management at PORT+1; the administrator is admin, admin-of-the-test-1)
#        keycloak.sh --get (only downloads it, 177 MB, into target/keycloak) | --version
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
version=${KEYCLOAK_VERSION:-26.7.3}
cache=$here/../../target/keycloak
home=$cache/keycloak-$version
if [ "$1" = --version ]; then
    echo "Keycloak $version"
    exit
fi
if [ ! -e "$home/ready" ]; then
    rm -rf "$home"
    mkdir -p "$cache"
    mvn -q -B "-Dmaven.repo.local=$cache/m2" dependency:copy \
        "-Dartifact=org.keycloak:keycloak-quarkus-dist:$version:zip" "-DoutputDirectory=$cache"
    unzip -q "$cache/keycloak-quarkus-dist-$version.zip" -d "$cache"
    rm -rf "$cache/m2" "$cache/keycloak-quarkus-dist-$version.zip"
    touch "$home/ready"
fi
if [ "$1" = --get ]; then
    exit
fi
export KC_BOOTSTRAP_ADMIN_USERNAME=admin KC_BOOTSTRAP_ADMIN_PASSWORD=admin-of-the-test-1 JAVA_OPTS_APPEND=-Xmx512m
own_port=(--http-management-port=$(($1 + 1)))
if [ "${version%%.*}" -lt 25 ]; then
    # Up to 24 it has no port of its own for its management, and other names for the first administrator.
    own_port=()
    export KEYCLOAK_ADMIN=$KC_BOOTSTRAP_ADMIN_USERNAME KEYCLOAK_ADMIN_PASSWORD=$KC_BOOTSTRAP_ADMIN_PASSWORD
fi
exec "$home/bin/kc.sh" start-dev --db=dev-mem --http-host=127.0.0.1 --http-port="$1" "${own_port[@]}"
