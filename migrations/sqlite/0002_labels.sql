-- Labels: versioned rows.  A label is current at revision r when
-- added_rev <= r and (removed_rev is null or r < removed_rev).

create table label_revisions (
    rev     integer primary key,            -- 1.., one per change
    at      integer not null,               -- unix seconds, wall clock
    added   integer not null,
    updated integer not null,
    removed integer not null
) strict;

create table labels (
    label_id    integer primary key autoincrement,
    chain_id    integer not null references chains,
    address     text    not null,           -- canonical; the wallet may not exist
    category    text    not null,
    source      text    not null,
    confidence  integer not null,           -- 0..100
    uri         text,
    actor       text,
    name        text,
    valid_from  integer,                    -- unix seconds; null = always
    valid_to    integer,                    -- exclusive; null = open
    added_rev   integer not null references label_revisions,
    removed_rev integer,                    -- null = current
    added_at    integer not null
) strict;
-- The key of a current label; also finds the current labels of an address.
create unique index labels_key on labels (address, chain_id, source, category)
    where removed_rev is null;
