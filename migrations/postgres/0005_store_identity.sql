-- Which store this is: made once, so that a file written beside a store (the graph kept for
-- the next start) is never taken for another store's.  A copy of the database keeps it.

-- Things of this store only, made at random once.
create table store_settings (
    name  text collate "C" primary key,
    value bytea not null
);
insert into store_settings values ('store_id', uuid_send(gen_random_uuid()));
