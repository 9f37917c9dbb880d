#include "store/sqlite_int.h"
#include "util/clock.h"

/* --- writing ------------------------------------------------------------------------ */

typedef struct label_change {
    wr_sqlite *q;
    int64_t rev; /* of this change */
    int64_t at_s;
    sqlite3_stmt *find, *insert, *close;
    wr_labels_report rep;
} label_change;

static wr_status next_revision(wr_sqlite *q, int64_t *rev, wr_err *err)
{
    static const char sql[] = "select max(rev) + 1 from label_revisions";
    return wr_sqlite_int(q, sql, 1, rev, err);
}

static wr_status add_revision(wr_sqlite *q, int64_t rev, int64_t at_s,
                              const wr_labels_report *rep, uint64_t removed, wr_err *err)
{
    static const char sql[] =
        "insert into label_revisions (rev, at, added, updated, removed) "
        "values (?, ?, ?, ?, ?)";
    WR_SQLITE_STMT *s = NULL;
    WR_TRY(wr_sqlite_stmt(q, sql, &s, err));
    (void)sqlite3_bind_int64(s, 1, rev);
    (void)sqlite3_bind_int64(s, 2, at_s);
    (void)sqlite3_bind_int64(s, 3, (int64_t)rep->added);
    (void)sqlite3_bind_int64(s, 4, (int64_t)rep->updated);
    (void)sqlite3_bind_int64(s, 5, (int64_t)removed);
    return wr_sqlite_run(q, s, err);
}

/* The current row with the key of l: its id (0 = none) and whether it says the same. */
static wr_status find_current(label_change *c, uint32_t chain_id, const wr_label *l,
                              int64_t *label_id, bool *is_same, wr_err *err)
{
    sqlite3_stmt *s = c->find;
    bool has_row = false;
    (void)sqlite3_bind_int64(s, 1, chain_id);
    wr_sqlite_bind(s, 2, l->address);
    wr_sqlite_bind(s, 3, l->source);
    wr_sqlite_bind(s, 4, l->category);
    wr_status status = wr_sqlite_step(c->q, s, &has_row, err);
    if (status == WR_OK && has_row) {
        *label_id = sqlite3_column_int64(s, 0);
        *is_same = sqlite3_column_int(s, 1) == l->confidence &&
                   wr_text_eq(wr_sqlite_text(s, 2), l->uri) &&
                   wr_text_eq(wr_sqlite_text(s, 3), l->actor) &&
                   wr_text_eq(wr_sqlite_text(s, 4), l->name) &&
                   wr_sqlite_int_or(s, 5, WR_TIME_NONE) == l->valid_from_s &&
                   wr_sqlite_int_or(s, 6, WR_TIME_NONE) == l->valid_to_s;
    } else {
        *label_id = 0;
        *is_same = false;
    }
    (void)sqlite3_reset(s);
    return status;
}

static wr_status insert_label(label_change *c, uint32_t chain_id, const wr_label *l,
                              wr_err *err)
{
    sqlite3_stmt *s = c->insert;
    (void)sqlite3_bind_int64(s, 1, chain_id);
    wr_sqlite_bind(s, 2, l->address);
    wr_sqlite_bind(s, 3, l->category);
    wr_sqlite_bind(s, 4, l->source);
    (void)sqlite3_bind_int(s, 5, l->confidence);
    wr_sqlite_bind(s, 6, l->uri);
    wr_sqlite_bind(s, 7, l->actor);
    wr_sqlite_bind(s, 8, l->name);
    wr_sqlite_bind_int_or(s, 9, l->valid_from_s, WR_TIME_NONE);
    wr_sqlite_bind_int_or(s, 10, l->valid_to_s, WR_TIME_NONE);
    (void)sqlite3_bind_int64(s, 11, c->rev);
    (void)sqlite3_bind_int64(s, 12, c->at_s);
    return wr_sqlite_run(c->q, s, err);
}

static wr_status put_label(label_change *c, const wr_label *l, wr_err *err)
{
    uint32_t chain_id;
    int64_t old;
    bool is_same;
    WR_TRY(wr_sqlite_chain_put(c->q, l->chain, &chain_id, err));
    WR_TRY(find_current(c, chain_id, l, &old, &is_same, err));
    if (is_same) {
        c->rep.unchanged++;
        return WR_OK;
    }
    if (old != 0) {
        (void)sqlite3_bind_int64(c->close, 1, c->rev);
        (void)sqlite3_bind_int64(c->close, 2, old);
        WR_TRY(wr_sqlite_run(c->q, c->close, err));
        c->rep.updated++;
    } else {
        c->rep.added++;
    }
    return insert_label(c, chain_id, l, err);
}

static wr_status put_labels(label_change *c, const wr_label *label, size_t n, wr_err *err)
{
    static const char find_sql[] =
        "select label_id, confidence, uri, actor, name, valid_from, valid_to from labels "
        "where chain_id = ? and address = ? and source = ? and category = ? "
        "and removed_rev is null";
    static const char insert_sql[] = "insert into labels (chain_id, address, category, "
                                     "source, confidence, uri, actor, "
                                     "name, valid_from, valid_to, added_rev, added_at) "
                                     "values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    static const char close_sql[] =
        "update labels set removed_rev = ? where label_id = ?";
    WR_SQLITE_STMT *find = NULL;
    WR_SQLITE_STMT *insert = NULL;
    WR_SQLITE_STMT *close = NULL;
    WR_TRY(wr_sqlite_stmt(c->q, find_sql, &find, err));
    WR_TRY(wr_sqlite_stmt(c->q, insert_sql, &insert, err));
    WR_TRY(wr_sqlite_stmt(c->q, close_sql, &close, err));
    c->find = find;
    c->insert = insert;
    c->close = close;
    WR_TRY(next_revision(c->q, &c->rev, err));
    for (size_t i = 0; i < n; i++)
        WR_TRY(put_label(c, &label[i], err));
    if (c->rep.added + c->rep.updated == 0)
        return WR_OK;
    return add_revision(c->q, c->rev, c->at_s, &c->rep, 0, err);
}

wr_status wr_sqlite_labels_put(wr_store *st, const wr_label *label, size_t n,
                               wr_labels_report *rep, wr_err *err)
{
    wr_sqlite *q = wr_sqlite_of(st);
    label_change c = {.q = q, .at_s = wr_clock_wall_s()};
    WR_TRY(wr_sqlite_begin(q, err));
    WR_TRY(wr_sqlite_end(q, put_labels(&c, label, n, err), err));
    *rep = c.rep;
    return WR_OK;
}

static wr_status remove_labels(wr_sqlite *q, const wr_label_filter *f, uint64_t *removed,
                               wr_err *err)
{
    static const char sql[] =
        "update labels set removed_rev = ?1 where removed_rev is null "
        "and (?2 is null or chain_id = ?2) and (?3 is null or address = ?3) "
        "and (?4 is null or source = ?4) and (?5 is null or category = ?5)";
    uint32_t chain_id = 0;
    int64_t rev;
    *removed = 0;
    if (f->chain)
        WR_TRY(wr_sqlite_chain_find(q, f->chain, &chain_id, err));
    if (f->chain && chain_id == 0)
        return WR_OK;
    WR_TRY(next_revision(q, &rev, err));
    WR_SQLITE_STMT *s = NULL;
    WR_TRY(wr_sqlite_stmt(q, sql, &s, err));
    (void)sqlite3_bind_int64(s, 1, rev);
    wr_sqlite_bind_int_or(s, 2, chain_id, 0);
    wr_sqlite_bind(s, 3, f->address);
    wr_sqlite_bind(s, 4, f->source);
    wr_sqlite_bind(s, 5, f->category);
    WR_TRY(wr_sqlite_run(q, s, err));
    *removed = (uint64_t)sqlite3_changes64(q->db);
    static const wr_labels_report none = {0};
    return *removed ? add_revision(q, rev, wr_clock_wall_s(), &none, *removed, err)
                    : WR_OK;
}

wr_status wr_sqlite_labels_remove(wr_store *st, const wr_label_filter *f,
                                  uint64_t *removed, wr_err *err)
{
    wr_sqlite *q = wr_sqlite_of(st);
    uint64_t n = 0;
    WR_TRY(wr_sqlite_begin(q, err));
    WR_TRY(wr_sqlite_end(q, remove_labels(q, f, &n, err), err));
    *removed = n;
    return WR_OK;
}

/* --- reading ------------------------------------------------------------------------ */

#define LABEL_COLUMNS                                                                \
    "select l.label_id, l.chain_id, l.address, l.category, l.confidence, l.source, " \
    "l.uri, "                                                                        \
    "l.actor, l.name, l.valid_from, l.valid_to, l.added_at, w.wallet_id from labels l "
#define WALLET_OF_LABEL "on w.chain_id = l.chain_id and w.address = l.address "
#define LABEL_IS_WANTED                                                       \
    "where l.label_id > ?1 and l.added_rev <= ?2 "                            \
    "and (l.removed_rev is null or l.removed_rev > ?2) "                      \
    "and (?3 is null or l.chain_id = ?3) and (?4 is null or l.address = ?4) " \
    "and (?5 is null or l.source = ?5) and (?6 is null or l.category = ?6) "
#define LABEL_OF_WALLET \
    "and l.removed_rev is null and l.chain_id = ?3 and l.address = ?4 "
#define LABEL_ORDER "order by l.label_id limit ?7"

/* Labels outside, wallets looked up by their index: few labels or many wallets are the
 * rule. */
static const char *list_sql(bool is_in_graph_only, bool is_one_wallet)
{
    static const char all[] =
        LABEL_COLUMNS "left join wallets w " WALLET_OF_LABEL LABEL_IS_WANTED LABEL_ORDER;
    static const char in_graph[] =
        LABEL_COLUMNS "cross join wallets w " WALLET_OF_LABEL LABEL_IS_WANTED LABEL_ORDER;
    static const char wallet[] =
        LABEL_COLUMNS "left join wallets w " WALLET_OF_LABEL LABEL_IS_WANTED
            LABEL_OF_WALLET LABEL_ORDER;
    static const char in_graph_wallet[] =
        LABEL_COLUMNS "cross join wallets w " WALLET_OF_LABEL LABEL_IS_WANTED
            LABEL_OF_WALLET LABEL_ORDER;
    if (is_one_wallet)
        return is_in_graph_only ? in_graph_wallet : wallet;
    return is_in_graph_only ? in_graph : all;
}

static wr_status label_of(wr_sqlite *q, sqlite3_stmt *s, wr_label_row *row, wr_err *err)
{
    *row = (wr_label_row){
        .id = sqlite3_column_int64(s, 0),
        .label = {.address = wr_sqlite_text(s, 2),
                  .category = wr_sqlite_text(s, 3),
                  .confidence = (uint8_t)sqlite3_column_int(s, 4),
                  .source = wr_sqlite_text(s, 5),
                  .uri = wr_sqlite_text(s, 6),
                  .actor = wr_sqlite_text(s, 7),
                  .name = wr_sqlite_text(s, 8),
                  .valid_from_s = wr_sqlite_int_or(s, 9, WR_TIME_NONE),
                  .valid_to_s = wr_sqlite_int_or(s, 10, WR_TIME_NONE)},
        .added_s = sqlite3_column_int64(s, 11),
        .wallet_id = (uint32_t)wr_sqlite_int_or(s, 12, 0),
    };
    return wr_sqlite_chain(q, sqlite3_column_int64(s, 1), &row->label.chain, err);
}

/* All rows of s to fn. */
static wr_status give_labels(wr_sqlite *q, sqlite3_stmt *s, wr_label_fn fn, void *ctx,
                             wr_err *err)
{
    bool has_row = false;
    WR_TRY(wr_sqlite_step(q, s, &has_row, err));
    while (has_row) {
        wr_label_row row;
        WR_TRY(label_of(q, s, &row, err));
        WR_TRY(fn(ctx, &row, err));
        WR_TRY(wr_sqlite_step(q, s, &has_row, err));
    }
    return WR_OK;
}

/* NOLINTNEXTLINE(readability-function-size): the parameters of store.h */
wr_status wr_sqlite_labels_list(wr_store *st, int64_t rev, const wr_label_filter *f,
                                bool is_in_graph_only, int64_t after_id, uint32_t limit,
                                wr_label_fn fn, void *ctx, wr_err *err)
{
    wr_sqlite *q = wr_sqlite_of(st);
    bool is_one_wallet = rev < 0 && f->chain && f->address.p;
    uint32_t chain_id = 0;
    if (f->chain)
        WR_TRY(wr_sqlite_chain_find(q, f->chain, &chain_id, err));
    if (f->chain && chain_id == 0)
        return WR_OK;
    WR_SQLITE_STMT *s = NULL;
    WR_TRY(wr_sqlite_stmt(q, list_sql(is_in_graph_only, is_one_wallet), &s, err));
    (void)sqlite3_bind_int64(s, 1, after_id);
    (void)sqlite3_bind_int64(s, 2, rev < 0 ? INT64_MAX - 1 : rev);
    wr_sqlite_bind_int_or(s, 3, chain_id, 0);
    wr_sqlite_bind(s, 4, f->address);
    wr_sqlite_bind(s, 5, f->source);
    wr_sqlite_bind(s, 6, f->category);
    (void)sqlite3_bind_int64(s, 7, limit ? (int64_t)limit : -1);
    return give_labels(q, s, fn, ctx, err);
}

wr_status wr_sqlite_label_rev(wr_store *st, int64_t *rev, wr_err *err)
{
    static const char sql[] = "select max(rev) from label_revisions";
    return wr_sqlite_int(wr_sqlite_of(st), sql, 0, rev, err);
}

wr_status wr_sqlite_labels_of(wr_store *st, int64_t rev, const uint32_t *wallet_id,
                              size_t n, wr_label_fn fn, void *ctx, wr_err *err)
{
    /* current and past rows have an index each; cross join: the wallet comes first */
#define OF_WALLET \
    "l.chain_id = w.chain_id and l.address = w.address and l.added_rev <= ?2 and "
    static const char sql[] = LABEL_COLUMNS
        "join wallets w on w.wallet_id = ?1 where l.label_id in "
        "(select l.label_id from wallets w cross join labels l on " OF_WALLET
        "l.removed_rev is null where w.wallet_id = ?1 union all "
        "select l.label_id from wallets w cross join labels l on " OF_WALLET
        "l.removed_rev > ?2 where w.wallet_id = ?1)";
#undef OF_WALLET
    wr_sqlite *q = wr_sqlite_of(st);
    WR_SQLITE_STMT *s = NULL;
    WR_TRY(wr_sqlite_stmt(q, sql, &s, err));
    (void)sqlite3_bind_int64(s, 2, rev < 0 ? INT64_MAX - 1 : rev);
    for (size_t i = 0; i < n; i++) {
        (void)sqlite3_bind_int64(s, 1, wallet_id[i]);
        WR_TRY(give_labels(q, s, fn, ctx, err));
        (void)sqlite3_reset(s);
    }
    return WR_OK;
}

wr_status wr_sqlite_labels_changed(wr_store *st, int64_t after_rev, int64_t upto_rev,
                                   uint32_t limit, wr_label_fn fn, void *ctx, wr_err *err)
{
    /* A key given twice in one call leaves a row that was never current. */
    static const char sql[] =
        LABEL_COLUMNS "left join wallets w " WALLET_OF_LABEL "where l.label_id in "
                      "(select label_id from labels where added_rev > ?1 and "
                      "added_rev <= ?2 union select label_id from labels "
                      "where removed_rev > ?1 and removed_rev <= ?2) "
                      "and (l.removed_rev is null or l.removed_rev > l.added_rev) "
                      "order by l.label_id limit ?3";
    wr_sqlite *q = wr_sqlite_of(st);
    WR_SQLITE_STMT *s = NULL;
    WR_TRY(wr_sqlite_stmt(q, sql, &s, err));
    (void)sqlite3_bind_int64(s, 1, after_rev);
    (void)sqlite3_bind_int64(s, 2, upto_rev);
    (void)sqlite3_bind_int64(s, 3, limit ? (int64_t)limit : -1);
    return give_labels(q, s, fn, ctx, err);
}
