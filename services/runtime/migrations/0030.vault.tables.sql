-- The vault: keys wrapped by keys that are not in this database, and the gates that stand before them.
-- depends: 0002.runtime.consumers

create schema vault;

-- One key per person. Destroying this row erases her: all else about her is sealed under it.
create table vault.subject_keys (
    subject_id uuid primary key,
    kek_epoch integer not null,
    wrapped_key bytea not null,
    created_at timestamptz not null
);
create index on vault.subject_keys (kek_epoch);

-- The keys of one event's slots that are hers, as one padded bundle: single rows would count the real slots.
create table vault.key_bundles (
    subject_id uuid not null,
    event_id uuid not null,
    wrapped bytea not null,
    primary key (subject_id, event_id)
);
alter table vault.key_bundles alter column wrapped set storage external;

-- version counts narrowings; a grant decided under a lower version is stale. Stays after an erasure.
create table vault.gates (
    subject_id uuid primary key,
    version bigint not null default 0,
    closed boolean not null default false,
    reason_code text collate "C" not null default 'open'
        check (reason_code in ('open', 'closed', 'erased'))
) with (fillfactor = 50);

-- sealed lists the granted slots, under the subject's facts key.
create table vault.grants (
    dispatch_id uuid primary key,
    subject_id uuid not null,
    recipient uuid not null,
    gate_version bigint not null,
    expires_at timestamptz,
    revoked boolean not null default false,
    sealed bytea not null
) with (fillfactor = 80);
alter table vault.grants alter column sealed set storage external;
create index on vault.grants (subject_id);

grant usage on schema vault to sampan_vault;
grant select, insert, update, delete on all tables in schema vault to sampan_vault;
-- Embedded, vault and services share a transaction and so a role. The wrapping keys are in neither.
do $$ begin perform runtime.open_to_services('vault'); end $$;
