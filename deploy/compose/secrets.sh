#!/bin/sh
# Makes deploy/compose/secrets: random passwords, the databases' addresses that carry them, the vault's token, and its
# certificate, which holds for ten years. Never twice. Needs openssl.
# The folder is its owner's alone; the files inside are readable, because containers read them as users of their own.
set -eu
folder="${1:-$(dirname "$0")/secrets}"
if [ -e "$folder" ]; then
  echo "secrets.sh: $folder is there already; a new passphrase would not open the old keyring" >&2
  exit 1
fi
command -v openssl > /dev/null || { echo "secrets.sh: openssl is needed, for the vault's certificate" >&2; exit 1; }
umask 077
mkdir -p "$folder"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj "/CN=vault of Sampan" \
  -addext "subjectAltName=DNS:vault,IP:127.0.0.1" -addext "basicConstraints=critical,CA:TRUE,pathlen:0" \
  -keyout "$folder/vault_private_key" -out "$folder/vault_certificate" 2> "$folder/said" \
  || { cat "$folder/said" >&2; rm -r "$folder"; exit 1; }
rm "$folder/said"
chmod 444 "$folder/vault_private_key" "$folder/vault_certificate"
random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
put() { printf '%s' "$2" > "$folder/$1" && chmod 444 "$folder/$1"; }
owner=$(random) service=$(random) vault=$(random)
put owner_password "$owner"
put service_password "$service"
put vault_password "$vault"
put vault_token "$(random)$(random)"
put passphrase "$(random)"
put owner_url "postgresql://sampan_owner:$owner@postgres:5432/sampan"
put service_url "postgresql://sampan_service:$service@postgres:5432/sampan"
put vault_owner_url "postgresql://sampan_owner:$owner@postgres:5432/vault"
put vault_url "postgresql://sampan_vault:$vault@postgres:5432/vault"
