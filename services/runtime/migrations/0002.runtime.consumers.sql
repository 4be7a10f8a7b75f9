-- What a consumer has applied, who owns which partition, and what is parked.

create schema runtime;

-- One row is both the lease and the position: whoever takes the lease raises the epoch, and a step's first
-- statement compares epoch and offset, so an owner that lost its lease cannot commit.
create table runtime.positions (
    consumer text collate "C" not null,
    topic text collate "C" not null,
    partition smallint not null,
    log_id uuid not null,
    applied_offset bigint not null default -1,
    epoch bigint not null default 0,
    owner text,
    lease_until timestamptz,
    primary key (consumer, topic, partition)
) with (fillfactor = 20);

create table runtime.parked_keys (
    consumer text collate "C" not null,
    key uuid not null,
    error_code text not null,
    parked_at timestamptz not null,
    release_requested boolean not null default false,
    primary key (consumer, key)
);

-- References only: the record itself stays in the log.
create table runtime.parked_records (
    consumer text collate "C" not null,
    key uuid not null,
    seq bigint generated always as identity,
    log_id uuid not null,
    topic text collate "C" not null,
    partition smallint not null,
    "offset" bigint not null,
    primary key (consumer, topic, partition, "offset"),
    foreign key (consumer, key) references runtime.parked_keys (consumer, key) on delete cascade
);
create index on runtime.parked_records (consumer, key, seq);

-- For the other rooms' migrations: opens every table of a schema to the service role, nothing to others.
create function runtime.open_to_services(p_schema text) returns void
language plpgsql
as $$
begin
    execute format('grant usage on schema %I to sampan_service', p_schema);
    execute format('grant select, insert, update, delete on all tables in schema %I to sampan_service', p_schema);
    execute format('grant usage, select on all sequences in schema %I to sampan_service', p_schema);
end
$$;
revoke all on function runtime.open_to_services(text) from public;

do $$ begin perform runtime.open_to_services('runtime'); end $$;
