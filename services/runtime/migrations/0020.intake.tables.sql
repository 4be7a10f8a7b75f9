-- Intake: which case an event belongs to, who calls it what, and what was submitted before.
-- depends: 0002.runtime.consumers

create schema intake;

-- log_key orders a case's records; a baby's case keeps its mother's, because one event enters both.
create table intake.cases (
    case_id uuid primary key,
    log_key uuid not null,
    owner uuid not null,
    opened_at timestamptz not null
);

create table intake.subjects (
    subject_id uuid primary key,
    case_id uuid not null references intake.cases,
    ordinal smallint not null,
    parent_id uuid,
    unique (case_id, ordinal)
);
create index on intake.subjects (parent_id) where parent_id is not null;

-- Each agency knows a case by a code of its own, so that two cannot join on it.
create table intake.codes (
    code text collate "C" primary key,
    case_id uuid not null references intake.cases,
    agency_id uuid not null,
    unique (case_id, agency_id)
);

-- What an agency calls a case, subject or dispatch (an alias), and what it is.
create table intake.refs (
    ref uuid primary key,
    kind "char" not null, -- c case, s subject, d dispatch received, o dispatch told to another
    id uuid not null,
    agency_id uuid not null
);
create index on intake.refs (id, agency_id);

-- mac is keyed: a bare hash of identity data could be guessed.
create table intake.submissions (
    sender uuid not null,
    submission_id uuid not null,
    event_id uuid not null unique,
    case_id uuid not null,
    mac bytea not null,
    receipt jsonb not null,
    recorded_at timestamptz not null,
    primary key (sender, submission_id)
);
create index on intake.submissions (case_id);

-- A refused submission leaves place and code, never a value.
create table intake.rejections (
    id bigint generated always as identity primary key,
    sender uuid not null,
    mac bytea not null,
    code text not null,
    field text,
    at timestamptz not null
);

do $$ begin perform runtime.open_to_services('intake'); end $$;
