/*
 * Transfers of one wallet, newest first: history_int.h in PostgreSQL.
 *
 * A block ends at an answer of safe_seq, so nothing can appear inside it later.  One
 * handle at a time writes (WR_PG_LOCK_HISTORY).  A block that was not written for
 * whatever reason is written later: until then its transfers are scanned, which is slower
 * and no less right.
 */
#include <inttypes.h>
#include <stdio.h>

#include "store/history_int.h"
#include "store/radix_int.h"
#include "store/store_pg_int.h"

enum {
    LOOK_ROWS = 16384, /* a handle that stored so many looks whether a block is due */
    PAGE = 1024,       /* transfers read by one statement */
    GROUP_MAX = 64,    /* blocks read by one statement */
    PAIR_COLUMNS = 3,
    PAIR_BYTES = 2 + 12 + 8 + 8, /* count, then (length, value) of seq from to */
};

/* --- writing --------------------------------------------------------------------------
 */

typedef struct block {
    int64_t after, upto;   /* at most history_max apart */
    wr_history_pair *pair; /* owned, grows */
    size_t count, cap;
} block;

static wr_status pair_row(void *ctx, const char *p, size_t len, wr_err *err)
{
    block *b = ctx;
    if (len != PAIR_BYTES)
        return wr_fail(err, WR_ECORRUPT, "postgresql: transfer row of %zu bytes", len);
    wr_history_pair *grown = wr_grow(b->pair, &b->cap, b->count + 2, sizeof *grown);
    if (!grown)
        return wr_fail(err, WR_ENOMEM, "history of %zu transfers", b->count);
    b->pair = grown;
    const uint64_t seq = wr_pg_load_be64(p + 6) - (uint64_t)b->after;
    b->count += wr_history_pairs_of(b->pair + b->count, wr_pg_load_be32(p + 18),
                                    wr_pg_load_be32(p + 26), (uint32_t)seq);
    return WR_OK;
}

static wr_status sort_pairs(block *b, wr_err *err)
{
    WR_AUTO_ARRAY uint64_t *scratch = wr_calloc(b->count, sizeof *scratch);
    if (!scratch)
        return wr_fail(err, WR_ENOMEM, "history of %zu transfers", b->count);
    wr_radix_sort(b->pair, scratch, b->count, 0);
    return WR_OK;
}

static void copy_piece(wr_pg_copy *c, const block *b, const wr_history_pair *p, size_t n)
{
    uint8_t bytes[WR_HISTORY_PIECE_BYTES];
    const size_t len = wr_history_pack(bytes, p, n);
    wr_pg_copy_row(c, 4);
    wr_pg_copy_i64(c, b->upto);
    wr_pg_copy_i32(c, (int32_t)wr_history_wallet(p[0]));
    wr_pg_copy_i64(c, wr_history_seq(p[0], b->after));
    wr_pg_copy_bytes(c, bytes, len);
}

static wr_status write_block(wr_pg_store *st, block *b, wr_err *err)
{
    char sql[200];
    uint64_t rows;
    b->count = 0;
    (void)snprintf(
        sql, sizeof sql,
        "copy (select seq, from_id, to_id from transactions where seq > %" PRId64
        " and seq <= %" PRId64 ") to stdout (format binary)",
        b->after, b->upto);
    WR_TRY(wr_pg_copy_out(st, sql, PAIR_COLUMNS, pair_row, b, err));
    WR_TRY(sort_pairs(b, err));
    WR_TRY(
        wr_pg_copy_begin(st,
                         "copy wallet_history (upto_seq, first_wallet, first_seq, pairs) "
                         "from stdin (format binary)",
                         err));
    for (size_t i = 0; i < b->count; i += WR_HISTORY_PIECE_PAIRS)
        copy_piece(st->copy, b, b->pair + i,
                   b->count - i < WR_HISTORY_PIECE_PAIRS ? b->count - i
                                                         : WR_HISTORY_PIECE_PAIRS);
    return wr_pg_copy_end(st, WR_OK, &rows, err);
}

/* The next block; *is_done: less than history_min is left, or another handle is at it. */
static wr_status next_block(wr_pg_store *st, block *b, bool *is_done, wr_err *err)
{
    static const char lock[] = "select pg_try_advisory_xact_lock($1, $2)::int4";
    static const char bounds[] =
        "select (select coalesce(max(upto_seq), 0) from wallet_history), "
        "walletrisk_safe_seq()";
    WR_AUTO(PGresult) res = NULL;
    int64_t is_mine;
    wr_pg_args a = {0};
    wr_pg_arg_i32(&a, WR_PG_LOCK_SPACE);
    wr_pg_arg_i32(&a, WR_PG_LOCK_HISTORY);
    WR_TRY(wr_pg_exec_i64(st, &is_mine, lock, &a, err));
    *is_done = !is_mine;
    if (!is_mine)
        return WR_OK;
    WR_TRY(wr_pg_exec(st, &res, bounds, NULL, err));
    b->after = wr_pg_i64(res, 0, 0);
    int64_t due = wr_pg_i64(res, 0, 1) - b->after;
    *is_done = due < st->history_min;
    if (*is_done)
        return WR_OK;
    b->upto = b->after + (due < st->history_max ? due : st->history_max);
    return write_block(st, b, err);
}

wr_status wr_pg_history_extend(wr_pg_store *st, wr_err *err)
{
    block b = {0};
    bool is_done = false;
    wr_status s = WR_OK;
    while (s == WR_OK && !is_done) {
        s = wr_pg_begin(st, "begin isolation level read committed", err);
        if (s == WR_OK)
            s = wr_pg_end(st, next_block(st, &b, &is_done, err), err);
    }
    wr_free(b.pair);
    return s;
}

void wr_pg_history_after_put(wr_pg_store *st, uint64_t rows)
{
    st->rows_since_history += rows;
    if (st->has_seen_history && st->rows_since_history < LOOK_ROWS)
        return;
    /* The put is stored: what fails here is done again by whoever looks next. */
    if (wr_pg_history_extend(st, NULL) == WR_OK) {
        st->has_seen_history = true;
        st->rows_since_history = 0;
    }
}

/* --- reading ---------------------------------------------------------------------------
 */

typedef struct lookup {
    wr_pg_store *st;
    uint32_t wallet;
    int64_t before_seq; /* exclusive */
    uint32_t left;      /* rows still wanted */
    wr_transfer_fn fn;
    void *ctx;
    size_t count;
    int64_t seq[PAGE]; /* descending; found, not yet handed on */
} lookup;

static wr_status hand_on(lookup *l, wr_err *err)
{
    size_t found;
    if (l->count == 0)
        return WR_OK;
    WR_TRY(wr_pg_transfers_at(l->st, l->seq, l->count, &found, l->fn, l->ctx, err));
    if (found != l->count)
        return wr_fail(err, WR_ECORRUPT,
                       "wallet_history names %zu transfers from seq %" PRId64
                       " down, %zu are stored",
                       l->count, l->seq[0], found);
    l->count = 0;
    return WR_OK;
}

static wr_status add(lookup *l, int64_t seq, wr_err *err)
{
    if (l->count == PAGE)
        WR_TRY(hand_on(l, err));
    l->seq[l->count++] = seq;
    l->left--;
    return WR_OK;
}

/* Transfers behind the newest block. */
static wr_status from_rows(lookup *l, int64_t after, wr_err *err)
{
    static const char sql[] =
        "select seq from transactions where seq > $1 and seq < $2 and "
        "(from_id = $3 or to_id = $3) order by seq desc limit $4";
    WR_AUTO(PGresult) res = NULL;
    wr_pg_args a = {0};
    wr_pg_arg_i64(&a, after);
    wr_pg_arg_i64(&a, l->before_seq);
    wr_pg_arg_i32(&a, (int32_t)l->wallet);
    wr_pg_arg_i64(&a, l->left);
    WR_TRY(wr_pg_exec(l->st, &res, sql, &a, err));
    for (int i = 0; i < PQntuples(res); i++)
        WR_TRY(add(l, wr_pg_i64(res, i, 0), err));
    return WR_OK;
}

/*
 * Pieces that can hold the wallet in the next `group` blocks from upto downwards, newest
 * first.  *upto moves below them; 0 = that was the last.
 */
static wr_status from_blocks(lookup *l, int64_t *upto, int32_t group, wr_err *err)
{
    static const char sql[] =
        "with recursive b(upto, after, n) as ("
        " select $1::int8, (select coalesce(max(upto_seq), 0) from wallet_history"
        "                   where upto_seq < $1), 1"
        " union all select after, (select coalesce(max(upto_seq), 0) from wallet_history"
        "                          where upto_seq < b.after), n + 1"
        " from b where after > 0 and n < $4) "
        "select b.after, p.pairs from b left join lateral ("
        " (select first_wallet, first_seq, pairs from wallet_history where upto_seq = "
        "b.upto"
        "   and first_wallet = $2 and first_seq < $3 order by first_seq desc limit $5)"
        " union all"
        " (select first_wallet, first_seq, pairs from wallet_history where upto_seq = "
        "b.upto"
        "   and first_wallet < $2 order by first_wallet desc, first_seq desc limit 1)"
        ") p on b.after < $3 - 1 "
        "order by b.upto desc, p.first_wallet desc, p.first_seq desc";
    WR_AUTO(PGresult) res = NULL;
    wr_pg_args a = {0};
    wr_pg_arg_i64(&a, *upto);
    wr_pg_arg_i32(&a, (int32_t)l->wallet);
    wr_pg_arg_i64(&a, l->before_seq);
    wr_pg_arg_i32(&a, group);
    /* full pieces of this wallet alone, plus one that begins before it or ends the block
     */
    wr_pg_arg_i64(&a, (int64_t)l->left / WR_HISTORY_PIECE_PAIRS + 2);
    WR_TRY(wr_pg_exec(l->st, &res, sql, &a, err));
    for (int i = 0; i < PQntuples(res) && l->left > 0; i++) {
        int64_t seq[WR_HISTORY_PIECE_PAIRS];
        size_t n = 0;
        *upto = wr_pg_i64(res, i, 0);
        if (wr_pg_is_null(res, i, 1)) /* a block without the wallet */
            continue;
        WR_TRY(wr_history_unpack(seq, &n, wr_pg_text(res, i, 1), l->wallet, *upto, err));
        while (n-- > 0 && l->left > 0)
            if (seq[n] < l->before_seq)
                WR_TRY(add(l, seq[n], err));
    }
    return WR_OK;
}

static wr_status look_up(lookup *l, wr_err *err)
{
    static const char newest[] = "select coalesce(max(upto_seq), 0) from wallet_history";
    int64_t upto;
    WR_TRY(wr_pg_exec_i64(l->st, &upto, newest, NULL, err));
    WR_TRY(from_rows(l, upto, err));
    for (int32_t group = 1; upto > 0 && l->left > 0; group *= 2)
        WR_TRY(from_blocks(l, &upto, group < GROUP_MAX ? group : GROUP_MAX, err));
    return hand_on(l, err);
}

/* NOLINTNEXTLINE(readability-function-size): the contract has so many parameters */
wr_status wr_pg_wallet_transfers(wr_store *base, const wr_chain *chain, wr_text address,
                                 int64_t before_seq, uint32_t limit, wr_transfer_fn fn,
                                 void *ctx, wr_err *err)
{
    wr_pg_store *st = wr_pg_of(base);
    lookup l = {.st = st,
                .before_seq = before_seq ? before_seq : INT64_MAX,
                .left = limit,
                .fn = fn,
                .ctx = ctx};
    WR_TRY(wr_pg_wallet_id(st, &l.wallet, chain, address, err));
    if (l.wallet == 0 || limit == 0)
        return WR_OK; /* a wallet that nobody has seen has no transfers */
    /* One snapshot for all statements: a block may be written meanwhile. */
    WR_TRY(wr_pg_begin(st, "begin isolation level repeatable read read only", err));
    return wr_pg_end(st, look_up(&l, err), err);
}
