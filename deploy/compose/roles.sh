#!/bin/sh
# Run once by PostgreSQL's image on an empty data folder: the roles that own nothing, and a database for the vault, which
# the services' role cannot enter. Migrations give them their rights.
set -eu
password() { tr -d '\n' < "/run/secrets/$1"; }
psql --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
  --set service="$(password service_password)" --set vault="$(password vault_password)" <<'SQL'
create role sampan_service login password :'service';
create role sampan_vault login password :'vault';
create database vault;
revoke connect on database vault from public;
grant connect on database vault to sampan_vault;
SQL
