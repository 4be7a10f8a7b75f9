#!/bin/sh
# Makes deploy/compose/secrets: random passwords, and the addresses of the database that carry them. Never twice.
# The folder is its owner's alone; the files inside are readable, because containers read them as users of their own.
set -eu
folder="${1:-$(dirname "$0")/secrets}"
if [ -e "$folder" ]; then
  echo "secrets.sh: $folder is there already; a new passphrase would not open the old keyring" >&2
  exit 1
fi
umask 077
mkdir -p "$folder"
random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
put() { printf '%s' "$2" > "$folder/$1" && chmod 444 "$folder/$1"; }
owner=$(random) service=$(random)
put owner_password "$owner"
put service_password "$service"
put vault_password "$(random)"
put passphrase "$(random)"
put owner_url "postgresql://sampan_owner:$owner@postgres:5432/sampan"
put service_url "postgresql://sampan_service:$service@postgres:5432/sampan"
