-- Delivery: what is to be told to whom, each recipient's gapless feed, and the lanes to systems outside.
-- depends: 0002.runtime.consumers

create schema delivery;

create table delivery.dispatches (
    dispatch_id uuid primary key,
    alias uuid not null unique,
    case_id uuid not null,
    log_key uuid not null,
    subject_id uuid not null,
    event_id uuid not null,
    recipient uuid not null,
    generation integer not null,
    priority text not null,
    via text,
    dated timestamptz not null,
    received_at timestamptz not null,
    acknowledge_by timestamptz,
    decide_by timestamptz,
    status text not null, -- FHIR Task.status
    opened_at timestamptz,
    recalled boolean not null default false,
    sealed bytea not null,
    narrowed bytea -- what a later narrowing left of it
);
create index on delivery.dispatches (case_id, recipient);
create index on delivery.dispatches (recipient, status, acknowledge_by);
create index on delivery.dispatches (subject_id);

create table delivery.inbox_heads (
    recipient uuid primary key,
    cursor bigint not null
) with (fillfactor = 20);

-- Dense per recipient: assigned under the head row, so a reader never meets a gap.
create table delivery.inbox (
    recipient uuid not null,
    cursor bigint not null,
    dispatch_id uuid not null references delivery.dispatches,
    primary key (recipient, cursor)
);

-- A lane is the ordered dispatches of one case to one recipient over one channel.
create table delivery.lanes (
    lane_id uuid primary key,
    case_id uuid not null,
    recipient uuid not null,
    channel text not null,
    state text not null, -- flowing, retrying, unknown, parked
    attempts integer not null default 0,
    next_attempt_at timestamptz not null,
    claimed_by text,
    claim_until timestamptz,
    error_code text,
    unique (case_id, recipient, channel)
);
create index on delivery.lanes (next_attempt_at) where state <> 'parked';

create table delivery.lane_items (
    lane_id uuid not null references delivery.lanes,
    seq bigint generated always as identity,
    dispatch_id uuid not null references delivery.dispatches,
    what text not null, -- tell, recall
    state text not null, -- waiting, claimed, done, refused, dropped
    primary key (lane_id, seq)
);
create index on delivery.lane_items (lane_id, seq) where state in ('waiting', 'claimed');

create table delivery.attempts (
    attempt_id uuid primary key,
    dispatch_id uuid not null,
    channel text not null,
    attempt integer not null,
    claimed_at timestamptz not null,
    outcome text, -- null: unknown
    error_code text,
    ended_at timestamptz
);
create index on delivery.attempts (dispatch_id);

do $$ begin perform runtime.open_to_services('delivery'); end $$;
