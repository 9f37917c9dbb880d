-- What a source that is followed live tells of itself, and the labels that a revision changed.

alter table ingestion_state add column first_offset integer not null default -1; -- -1: not kept
alter table ingestion_state add column messages integer not null default 0;
alter table ingestion_state add column high_watermark integer not null default 0; -- 0: never told
alter table ingestion_state add column first_record integer; -- time of the oldest accepted transfer
alter table ingestion_state add column last_record integer;
-- Records per second: exponential means over 1, 5 and 15 minutes as of rate_at.
alter table ingestion_state add column rate_1m real not null default 0;
alter table ingestion_state add column rate_5m real not null default 0;
alter table ingestion_state add column rate_15m real not null default 0;
alter table ingestion_state add column rate_at integer not null default 0; -- unix microseconds

create index labels_added on labels (added_rev);
create index labels_removed on labels (removed_rev) where removed_rev is not null;
-- Past labels of an address.
create index labels_address on labels (address, chain_id) where removed_rev is not null;
