-- Runs (scoring runs and graph reloads) and the scores that a run published.

create table scoring_runs (
    run_no         integer primary key,
    id             text    not null unique, -- r20261120T161200Z-0a1b2c3d: sorts by time
    kind           text    not null,        -- score, reload
    status         text    not null,        -- running, complete, failed
    started_at     integer not null,
    finished_at    integer not null,        -- 0 while running
    as_of          integer not null,        -- time of the newest transfer seen
    max_seq        integer not null,
    label_rev      integer not null,
    wallets        integer not null,
    transfers      integer not null,
    labels         integer not null,
    scored         integer not null,
    unpriced       integer not null,
    graph_digest   text    not null,
    labels_digest  text    not null,
    config_digest  text    not null,
    output_digest  text    not null,
    code_version   text    not null,
    config         text,
    detail         text
) strict;

create table risk_scores (
    run_no      integer not null references scoring_runs,
    wallet_id   integer not null references wallets,
    score       real    not null,           -- 0..1
    base        real    not null,           -- before floors
    level       integer not null,           -- 0 low .. 3 severe
    category    integer not null,           -- strongest one; -1 none
    is_labelled integer not null,
    reasons     text                        -- JSON array
) strict;
create unique index risk_scores_wallet on risk_scores (run_no, wallet_id);
-- The order of GET /scores/top; the filters ride along so that leaving rows out is cheap.
create index risk_scores_top on risk_scores
    (run_no, score desc, wallet_id, level, category, is_labelled);
