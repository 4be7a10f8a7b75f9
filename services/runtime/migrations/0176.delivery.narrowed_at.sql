-- Which narrowing was applied last, so that reading one again neither tells its recipient twice nor undoes a later one.
-- With the log's id: where a case's dispatches come from another log by now, its offsets begin anew.
-- depends: 0050.delivery.tables

alter table delivery.dispatches
    add column narrowed_log uuid,
    add column narrowed_offset bigint not null default -1;
