-- Which store this is: made once, so that a file written beside a store (the graph kept for
-- the next start) is never taken for another store's.  A copy of the database keeps it.

insert into store_settings values ('store_id', randomblob(16));
