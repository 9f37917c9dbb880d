/* Transfers of one wallet, newest first: history_int.h in SQLite. */
#include <assert.h>

#include "store/history_int.h"
#include "store/radix_int.h"
#include "store/sqlite_int.h"

/* --- writing ------------------------------------------------------------------------ */

/* Pairs of the transfers in (after, upto]; a transfer to oneself is one pair. */
static wr_status read_pairs(wr_sqlite *q, int64_t after, int64_t upto,
                            wr_history_pair *out /* [2 * rows] */, size_t *count,
                            wr_err *err)
{
    static const char sql[] =
        "select seq, from_id, to_id from transactions where seq > ? and seq <= ?";
    WR_SQLITE_STMT *s = NULL;
    bool has_row = false;
    size_t n = 0;
    WR_TRY(wr_sqlite_stmt(q, sql, &s, err));
    (void)sqlite3_bind_int64(s, 1, after);
    (void)sqlite3_bind_int64(s, 2, upto);
    WR_TRY(wr_sqlite_step(q, s, &has_row, err));
    while (has_row) {
        n += wr_history_pairs_of(out + n, (uint32_t)sqlite3_column_int64(s, 1),
                                 (uint32_t)sqlite3_column_int64(s, 2),
                                 (uint32_t)(sqlite3_column_int64(s, 0) - after));
        WR_TRY(wr_sqlite_step(q, s, &has_row, err));
    }
    *count = n;
    return WR_OK;
}

static wr_status write_piece(wr_sqlite *q, const wr_history_pair *p, size_t n,
                             int64_t after, int64_t upto, wr_err *err)
{
    static const char sql[] =
        "insert into wallet_history (upto_seq, first_wallet, first_seq, "
        "pairs) values (?, ?, ?, ?)";
    uint8_t bytes[WR_HISTORY_PIECE_BYTES];
    const size_t len = wr_history_pack(bytes, p, n);
    WR_SQLITE_STMT *s = NULL;
    WR_TRY(wr_sqlite_stmt(q, sql, &s, err));
    (void)sqlite3_bind_int64(s, 1, upto);
    (void)sqlite3_bind_int64(s, 2, wr_history_wallet(p[0]));
    (void)sqlite3_bind_int64(s, 3, wr_history_seq(p[0], after));
    (void)sqlite3_bind_blob(s, 4, bytes, (int)len, SQLITE_STATIC);
    return wr_sqlite_run(q, s, err);
}

static wr_status write_block(wr_sqlite *q, int64_t after, int64_t upto, wr_err *err)
{
    size_t n = 0;
    size_t max = 2 * (size_t)(upto - after);
    WR_AUTO_ARRAY wr_history_pair *p = wr_calloc(max, sizeof *p);
    WR_AUTO_ARRAY wr_history_pair *scratch = wr_calloc(max, sizeof *scratch);
    if (!p || !scratch)
        return wr_fail(err, WR_ENOMEM, "history of %lld transfers",
                       (long long)(upto - after));
    WR_TRY(read_pairs(q, after, upto, p, &n, err));
    wr_radix_sort(p, scratch, n, 32); /* they come in the order of seq */
    for (size_t i = 0; i < n; i += WR_HISTORY_PIECE_PAIRS) {
        size_t piece = n - i < WR_HISTORY_PIECE_PAIRS ? n - i : WR_HISTORY_PIECE_PAIRS;
        WR_TRY(write_piece(q, p + i, piece, after, upto, err));
    }
    return WR_OK;
}

wr_status wr_sqlite_history_extend(wr_sqlite *q, int64_t max_seq, wr_err *err)
{
    static const char sql[] = "select max(upto_seq) from wallet_history";
    assert(q->is_writing);
    int64_t upto;
    WR_TRY(wr_sqlite_int(q, sql, 0, &upto, err));
    while (max_seq - upto >= q->history_min) {
        int64_t rows = max_seq - upto < q->history_max ? max_seq - upto : q->history_max;
        WR_TRY(write_block(q, upto, upto + rows, err));
        upto += rows;
    }
    return WR_OK;
}

/* --- reading ------------------------------------------------------------------------ */

typedef struct lookup {
    wr_sqlite *q;
    uint32_t wallet;
    int64_t before_seq; /* exclusive; moves down */
    uint32_t left;      /* rows still wanted */
    wr_transfer_fn fn;
    void *ctx;
} lookup;

static wr_status emit(lookup *l, int64_t seq, wr_err *err)
{
    bool is_found;
    WR_TRY(wr_sqlite_transfer_at(l->q, seq, l->fn, l->ctx, &is_found, err));
    if (!is_found)
        return wr_fail(err, WR_ECORRUPT,
                       "wallet_history names seq %lld, which is not in "
                       "transactions",
                       (long long)seq);
    l->left--;
    return WR_OK;
}

/* Transfers behind the newest block. */
static wr_status from_rows(lookup *l, int64_t after, wr_err *err)
{
    static const char sql[] =
        "select seq from transactions where seq > ?1 and seq < ?2 and "
        "(from_id = ?3 or to_id = ?3) order by seq desc";
    WR_SQLITE_STMT *s = NULL;
    bool has_row = false;
    WR_TRY(wr_sqlite_stmt(l->q, sql, &s, err));
    (void)sqlite3_bind_int64(s, 1, after);
    (void)sqlite3_bind_int64(s, 2, l->before_seq);
    (void)sqlite3_bind_int64(s, 3, l->wallet);
    WR_TRY(wr_sqlite_step(l->q, s, &has_row, err));
    while (has_row && l->left > 0) {
        WR_TRY(emit(l, sqlite3_column_int64(s, 0), err));
        WR_TRY(wr_sqlite_step(l->q, s, &has_row, err));
    }
    return WR_OK;
}

/* One block (after, upto]: its pieces that can hold the wallet, from the last backwards.
 */
static wr_status from_block(lookup *l, int64_t after, int64_t upto, wr_err *err)
{
    static const char sql[] =
        "select first_wallet, pairs from wallet_history where upto_seq = ?1 and "
        "first_wallet <= ?2 order by first_wallet desc, first_seq desc";
    WR_SQLITE_STMT *s = NULL;
    bool has_row = false;
    WR_TRY(wr_sqlite_stmt(l->q, sql, &s, err));
    (void)sqlite3_bind_int64(s, 1, upto);
    (void)sqlite3_bind_int64(s, 2, l->wallet);
    WR_TRY(wr_sqlite_step(l->q, s, &has_row, err));
    while (has_row && l->left > 0) {
        int64_t seq[WR_HISTORY_PIECE_PAIRS];
        size_t n = 0;
        bool is_begin = sqlite3_column_int64(s, 0) < l->wallet;
        const wr_text piece = {.p = sqlite3_column_blob(s, 1),
                               .len = (uint32_t)sqlite3_column_bytes(s, 1)};
        WR_TRY(wr_history_unpack(seq, &n, piece, l->wallet, after, err));
        while (n-- > 0 && l->left > 0)
            if (seq[n] < l->before_seq)
                WR_TRY(emit(l, seq[n], err));
        if (is_begin)
            break; /* what is before this piece is of lower wallets */
        WR_TRY(wr_sqlite_step(l->q, s, &has_row, err));
    }
    return WR_OK;
}

static wr_status from_blocks(lookup *l, int64_t upto, wr_err *err)
{
    static const char sql[] =
        "select max(upto_seq) from wallet_history where upto_seq < ?";
    while (upto > 0 && l->left > 0) {
        WR_SQLITE_STMT *s = NULL;
        bool has_row = false;
        WR_TRY(wr_sqlite_stmt(l->q, sql, &s, err));
        (void)sqlite3_bind_int64(s, 1, upto);
        WR_TRY(wr_sqlite_step(l->q, s, &has_row, err));
        int64_t after = wr_sqlite_int_or(s, 0, 0);
        if (after < l->before_seq - 1)
            WR_TRY(from_block(l, after, upto, err));
        upto = after;
    }
    return WR_OK;
}

static wr_status look_up(lookup *l, wr_err *err)
{
    static const char sql[] = "select max(upto_seq) from wallet_history";
    int64_t upto;
    WR_TRY(wr_sqlite_int(l->q, sql, 0, &upto, err));
    WR_TRY(from_rows(l, upto, err));
    return from_blocks(l, upto, err);
}

/* NOLINTNEXTLINE(readability-function-size): the parameters of store.h */
wr_status wr_sqlite_wallet_transfers(wr_store *st, const wr_chain *chain, wr_text address,
                                     int64_t before_seq, uint32_t limit,
                                     wr_transfer_fn fn, void *ctx, wr_err *err)
{
    wr_sqlite *q = wr_sqlite_of(st);
    lookup l = {.q = q,
                .before_seq = before_seq ? before_seq : INT64_MAX,
                .left = limit,
                .fn = fn,
                .ctx = ctx};
    uint32_t chain_id;
    WR_TRY(wr_sqlite_chain_find(q, chain, &chain_id, err));
    if (chain_id != 0)
        WR_TRY(wr_sqlite_wallet_find(q, chain_id, address, &l.wallet, err));
    if (l.wallet == 0 || limit == 0)
        return WR_OK; /* a wallet nobody has seen has no transfers */
    /* One view of the file for all statements: a block may be written meanwhile. */
    WR_TRY(wr_sqlite_exec(q, "begin", err));
    wr_status s = look_up(&l, err);
    (void)sqlite3_exec(q->db, "commit", NULL, NULL, NULL);
    return s;
}
