-- log.append as before, and a signal that no number of topics can make too long.

-- Appends one batch as the transaction's last statement and returns the offsets in the order given.
-- Heads are locked in sorted order, so two batches can wait for each other but never deadlock. A reader
-- never meets a gap: an offset becomes free for the next writer only when this transaction has ended.
create or replace function log.append(
    p_topics text[], p_partitions smallint[], p_keys uuid[], p_values bytea[], p_headers bytea[],
    p_appended_at timestamptz, p_notify boolean
) returns table (log_id uuid, ord bigint, "offset" bigint)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    insert into log.heads (topic, partition)
    select distinct n.topic, n.partition
      from unnest(p_topics, p_partitions) as n(topic, partition)
     where not exists (select 1 from log.heads h where h.topic = n.topic and h.partition = n.partition)
     order by n.topic, n.partition
    on conflict do nothing;

    perform 1
       from log.heads h
      where (h.topic, h.partition) in (select * from unnest(p_topics, p_partitions))
      order by h.topic, h.partition
        for update of h;

    if p_notify then
        -- NOTIFY refuses 8000 bytes, and with it the whole batch: many partners' topics at once wake everybody.
        perform pg_notify('sampan_log', case when octet_length(named) < 8000 then named else '*' end)
           from (select string_agg(distinct t, ',') as named from unnest(p_topics) as t) as batch;
    end if;

    return query
    with batch as (
        select b.*, row_number() over (partition by b.topic, b.partition order by b.ord) as rank
          from unnest(p_topics, p_partitions, p_keys, p_values, p_headers)
               with ordinality as b(topic, partition, key, value, headers, ord)
    ), advanced as (
        update log.heads h
           set next_offset = h.next_offset + c.added
          from (select topic, partition, count(*) as added from batch group by topic, partition) c
         where h.topic = c.topic and h.partition = c.partition
        returning h.topic, h.partition, h.next_offset - c.added as first_offset
    ), placed as (
        select b.topic, b.partition, a.first_offset + b.rank - 1 as "offset", b.key, b.value, b.headers, b.ord
          from batch b join advanced a on a.topic = b.topic and a.partition = b.partition
    ), written as (
        insert into log.records (topic, partition, "offset", key, value, headers, appended_at)
        select topic, partition, "offset", key, value, headers, p_appended_at from placed
    )
    select i.log_id, p.ord, p."offset" from placed p cross join log.identity i order by p.ord;
end
$$;
