-- A consumer may follow several logs: a lease stays one for each partition, a position is one for each log.
-- depends: 0002.runtime.consumers

-- The lease is a row of its own: two processes must never fold one partition, whichever logs its records stand in.
create table runtime.leases (
    consumer text collate "C" not null,
    topic text collate "C" not null,
    partition smallint not null,
    epoch bigint not null default 0,
    owner text,
    lease_until timestamptz,
    primary key (consumer, topic, partition)
) with (fillfactor = 20);
insert into runtime.leases (consumer, topic, partition, epoch, owner, lease_until)
select consumer, topic, partition, epoch, owner, lease_until from runtime.positions;

alter table runtime.positions
    drop column epoch, drop column owner, drop column lease_until,
    drop constraint positions_pkey,
    add primary key (consumer, topic, partition, log_id);

alter table runtime.parked_records
    drop constraint parked_records_pkey,
    add primary key (consumer, log_id, topic, partition, "offset");

do $$ begin perform runtime.open_to_services('runtime'); end $$;
