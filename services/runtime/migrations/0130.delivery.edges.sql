-- Edges in agencies' own houses: their public keys, and what an attempt claimed, so that its outcome may come by HTTP.
-- depends: 0050.delivery.tables

-- An agency with a row here is performed by its own edge, also when none of its keys counts any more: no lapse of
-- a key gives its groups back to the hub.
create table delivery.edge_keys (
    agency_id uuid not null,
    key_id text not null,
    public_key bytea not null,
    valid_from timestamptz not null,
    valid_to timestamptz,
    asked_at timestamptz not null, -- when an edge last asked for work with this key
    primary key (agency_id, key_id)
);

alter table delivery.attempts
    add column lane_id uuid,
    add column seq bigint,
    add column what text,
    add column repeat boolean,
    add column parked boolean,
    add column claim_until timestamptz,
    add column claimed_by text;

do $$ begin perform runtime.open_to_services('delivery'); end $$;
