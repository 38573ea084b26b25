#!/usr/bin/env bash
# A certificate authority, a server certificate with names that fit, and one of a stranger.
# usage: pki.sh FOLDER
set -euo pipefail
cd "$1"
authority() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=$1 CA" \
        -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign -keyout "$1-ca.key" -out "$1-ca.pem"
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=localhost" -keyout "$1.key" -out "$1.csr"
    openssl x509 -req -in "$1.csr" -CA "$1-ca.pem" -CAkey "$1-ca.key" -CAcreateserial -days 2 -out "$1.pem" \
        -extfile <(printf 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:127.0.0.88\n')
}
{
    authority ours
    authority stranger
} 2>/dev/null
