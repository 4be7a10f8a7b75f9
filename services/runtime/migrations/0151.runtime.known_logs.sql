-- Logs of other databases, as they made themselves known to the hub's: who reads Kafka learns from here whose records
-- are ours. A database's address stands in settings alone.
-- depends: 0150.runtime.logs

create table runtime.known_logs (
    log_id uuid primary key,
    service text not null,
    partitions smallint[] not null,
    known_since timestamptz not null
);

do $$ begin perform runtime.open_to_services('runtime'); end $$;
