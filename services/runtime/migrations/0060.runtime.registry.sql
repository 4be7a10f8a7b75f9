-- Who may call, and whose signature counts when. Tokens are kept as hashes.
-- depends: 0002.runtime.consumers

create table runtime.tokens (
    token_hash bytea primary key,
    agency_id uuid not null,
    scopes text[] not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    revoked_at timestamptz
);

create table runtime.signing_keys (
    agency_id uuid not null,
    key_id text not null,
    public_key bytea not null,
    valid_from timestamptz not null,
    valid_to timestamptz,
    primary key (agency_id, key_id)
);

-- One row: which instance this database is.
create table runtime.instance (
    only_row boolean primary key default true check (only_row),
    instance_id uuid not null,
    name text not null,
    demo boolean not null
);

do $$ begin perform runtime.open_to_services('runtime'); end $$;
