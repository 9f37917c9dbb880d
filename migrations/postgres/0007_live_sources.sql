-- What a source that is followed live tells of itself, the labels that a revision changed, and
-- a word to those who wait for news.

alter table ingestion_state
    add column first_offset   bigint not null default -1, -- -1: not kept
    add column messages       bigint not null default 0,
    add column high_watermark bigint not null default 0,  -- 0: never told
    add column first_record   bigint,                     -- time of the oldest accepted transfer
    add column last_record    bigint,
    -- Records per second: exponential means over 1, 5 and 15 minutes as of rate_at.
    add column rate_1m  double precision not null default 0,
    add column rate_5m  double precision not null default 0,
    add column rate_15m double precision not null default 0,
    add column rate_at  bigint not null default 0;        -- unix microseconds

create index labels_added on labels (added_rev);
create index labels_removed on labels (removed_rev) where removed_rev is not null;

-- Once per statement; the server sends one message per transaction, at its commit.
create function walletrisk_notify_trigger() returns trigger language plpgsql as $$
begin
    perform pg_notify('walletrisk', '');
    return null;
end $$;

create trigger transactions_notify after insert on transactions
    for each statement execute function walletrisk_notify_trigger();
create trigger label_revisions_notify after insert on label_revisions
    for each statement execute function walletrisk_notify_trigger();
