-- Records: chains, assets, wallets, transactions, ingestion_state, dead_letters.
-- STRICT: SQLite keeps the declared types.  Numbers and names are equal to the
-- PostgreSQL files; types are each database's own.

create table chains (
    chain_id integer primary key,           -- 1.., order of first appearance
    caip2    text not null unique           -- eip155:1
) strict;

create table assets (
    asset_id integer primary key,           -- 0..65535, order of first appearance
    chain_id integer not null references chains,
    asset    text    not null,              -- ETH, erc20:0x...
    decimals integer not null,
    unique (chain_id, asset)
) strict;

create table wallets (
    wallet_id integer primary key,          -- 1.., order of first appearance
    chain_id  integer not null,
    address   text    not null              -- canonical; tx:<hash> for a UTXO hub
) strict;
-- Address first: SQLite compares a leading text much faster than one behind an equal number.
create unique index wallets_address on wallets (address, chain_id);

-- The columns that the graph reads come first: a scan decodes a row only as far as it needs.
-- Natural key (chain_id, tx_hash, position): held by transaction_keys, see below.
create table transactions (
    seq      integer primary key,           -- order of arrival; grows, never used again
    time     integer not null,              -- unix seconds
    from_id  integer not null,
    to_id    integer not null,
    value    real    not null,              -- USD when priced, else native units
    asset_id integer not null,
    flags    integer not null,              -- 1 unpriced, 2 from hub, 4 to hub, 8 self
    chain_id integer not null,
    decimals integer not null,
    position integer not null,              -- inside the transaction
    amount   any     not null,              -- base units: integer below 2^63, else 16 bytes big-endian
    tx_hash  blob    not null,              -- 32 bytes = 64 hex digits; other lengths = the text
    block    integer,
    memo     text
) strict;

-- SQLite only: the unique key of transactions in 16 bytes instead of 45.  key is a SipHash of
-- the natural key (its secret in store_settings) plus the number of other natural keys that
-- stood in the way; the row of transactions at seq decides whether it is the same one.
create table transaction_keys (
    key integer primary key,
    seq integer not null
) strict;

-- Transfers of a wallet, newest first, without an index entry per row.  One block
-- per some 100 000 transfers; pairs holds sorted (wallet, seq) differences; transfers after the
-- newest block are scanned.
create table wallet_history (
    upto_seq     integer not null,          -- the block ends here
    first_wallet integer not null,          -- first pair of this piece
    first_seq    integer not null,
    pairs        blob    not null,
    primary key (upto_seq, first_wallet, first_seq)
) strict, without rowid;

create table store_settings (
    name  text primary key,
    value blob not null
) strict, without rowid;
insert into store_settings values ('transaction_key_secret', randomblob(16));

-- Kept beside the rows so that counting does not scan.  Readers sum all slots.
create table store_totals (
    slot         integer primary key,
    transfers    integer not null,
    first_time   integer,
    last_time    integer
) strict;

create table ingestion_state (
    source      text    not null,
    partition   integer not null,
    next_offset integer not null,           -- where to continue
    resume      text,
    status      text    not null,           -- running, complete, stopped, failed
    last_error  text,
    records     integer not null,           -- inserted + duplicates + dead
    gaps        integer not null,
    inserted    integer not null,
    duplicates  integer not null,
    dead        integer not null,
    first_at    integer not null,           -- unix seconds, wall clock
    updated_at  integer not null,
    primary key (source, partition)
) strict, without rowid;

create table dead_letters (
    dead_id   integer primary key autoincrement,
    source    text    not null,
    partition integer not null,
    position  integer not null,             -- in the source; -1 unknown
    raw       blob    not null,             -- capped
    raw_bytes integer not null,             -- full length
    field     text    not null,
    reason    text    not null,
    at        integer not null
) strict;
create index dead_letters_source on dead_letters (source, dead_id);
