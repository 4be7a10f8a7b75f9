-- Router: each subject's folded state, the receipts, the timers, the reviews. All facts sealed.
-- depends: 0002.runtime.consumers

create schema router;

create table router.subject_state (
    subject_id uuid primary key,
    case_id uuid not null,
    log_key uuid not null,
    owner uuid not null,
    parent_id uuid,
    gate_version bigint not null, -- narrowings folded so far
    sealed bytea
);
create index on router.subject_state (case_id);

create table router.receipts (
    event_id uuid not null,
    subject_id uuid not null,
    case_id uuid not null,
    emitter uuid,
    decided_at timestamptz not null,
    log_position text not null,
    rule_set_hash text not null,
    directory_hash text not null,
    engine_version text not null,
    sealed bytea not null,
    primary key (event_id, subject_id)
);
create index on router.receipts (case_id, decided_at);
create index on router.receipts (emitter, decided_at);

create table router.timers (
    timer_id uuid primary key,
    subject_id uuid not null,
    case_id uuid not null,
    log_key uuid not null,
    due_at timestamptz not null
);
create index on router.timers (due_at);
create index on router.timers (subject_id);

create table router.reviews (
    review_id uuid primary key,
    case_id uuid not null,
    subject_id uuid not null,
    log_key uuid not null,
    event_id uuid not null,
    desk uuid, -- null: the operator
    opened_at timestamptz not null,
    due_at timestamptz,
    needs_second_person boolean not null,
    state text not null,
    closed_at timestamptz,
    sealed bytea not null
);
create index on router.reviews (state, desk);

-- Why a person answered a review as she did: sealed, beside the event that says that she did.
create table router.review_reasons (
    event_id uuid primary key,
    review_id uuid not null references router.reviews,
    agency_id uuid not null,
    at timestamptz not null,
    sealed bytea not null
);

do $$ begin perform runtime.open_to_services('router'); end $$;
