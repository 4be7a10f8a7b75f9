-- What operators did, and the dead letters that strangers' bytes on Kafka became.
-- depends: 0002.runtime.consumers

create schema operations;

-- Who, when, why; place names topics and positions, never a fact of a case. Services add, and alter nothing.
create table operations.acts (
    act_id bigint generated always as identity primary key,
    act text not null check (act ~ '^[a-z]+(-[a-z]+)*$'),
    place text not null,
    said_by text not null,
    reason text not null,
    acted_at timestamptz not null
);

-- Found on Kafka itself, where no log offset is theirs. Sizes and a hash: the bytes are foreign and stay on Kafka.
create table operations.dead_letters (
    place text collate "C" primary key,
    topic text collate "C" not null,
    error_code text not null,
    value_bytes integer not null,
    key_bytes integer not null,
    headers integer not null,
    sha256 bytea not null,
    found_at timestamptz not null
);

-- A dead letter that somebody dealt with, wherever it stands.
create table operations.settled (
    place text collate "C" primary key,
    act_id bigint not null references operations.acts
);

grant usage on schema operations to sampan_service;
grant select, insert on all tables in schema operations to sampan_service;
