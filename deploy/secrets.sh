#!/bin/sh
# Makes the files that compose.yaml reads, in deploy/secrets or in the given directory. Files that exist stay as they are.
# The certificate is for localhost and signed by itself: replace it by one of your certificate authority.
set -eu
dir=${1:-"$(dirname "$0")/secrets"}
umask 077
mkdir -p "$dir"
make() { [ -e "$dir/$1" ] || { "$2" >"$dir/$1.partial" && mv "$dir/$1.partial" "$dir/$1"; }; }
random() { openssl rand -hex 24; }
master_key() { openssl rand -base64 32; }
database_url() { printf 'postgresql://paystream:%s@postgres:5432/paystream\n' "$(cat "$dir/postgres-password")"; }
make postgres-password random
make database-url database_url
make master-key master_key
if [ ! -e "$dir/tls-certificate" ]; then
  openssl req -x509 -newkey rsa:2048 -nodes -days 365 -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
    -keyout "$dir/tls-key" -out "$dir/tls-certificate" 2>/dev/null
fi
# Only the owner may enter the directory. The files in it have to be readable for all: Compose mounts each by itself, with the mode that it has
# here, and the containers read them as users of their own.
chmod 700 "$dir" && chmod 644 "$dir"/*
