-- What a vault apart from intake has counted. It commits before intake does, and intake may have to come again.
-- depends: 0030.vault.tables

create table vault.narrowings (
    event_id uuid not null,
    subject_id uuid not null,
    primary key (event_id, subject_id)
);

grant select, insert on vault.narrowings to sampan_vault;
do $$ begin perform runtime.open_to_services('vault'); end $$;
