#include "store/store_pg_int.h"
#include "util/clock.h"

/*
 * Labels are compared here, not in SQL: a list is loaded in chunks, each looks up the
 * current rows of its keys, judges label by label and writes the difference.  One writer
 * at a time (WR_PG_LOCK_LABELS), so that revisions become visible in their order.
 */
enum { CHUNK = 16384, LABEL_COLUMNS = 12, CHAINS_KEPT = 64 };

#define READ_BEGIN "begin isolation level repeatable read read only"

/* --- judging ----------------------------------------------------------------------- */

/* One key of a chunk and what it says at the moment. */
typedef struct label_key {
    int64_t stored_id; /* current row in the database; 0 = none */
    uint32_t chain_id;
    bool has_content, is_changed;
    uint32_t changed_by; /* the last label of the chunk that changed it */
    wr_label now;
} label_key;

typedef struct label_chunk {
    label_key *key;  /* [CHUNK] */
    uint32_t *which; /* [CHUNK] key of each label */
    size_t count;
    wr_pg_dict dict; /* chain id, "address NUL source NUL category" -> index of key */
    wr_arena arena;  /* keys, cleaned and stored texts */
    /* chains of this transaction: one that it added is in no cache before the commit */
    const wr_chain *chain[CHAINS_KEPT];
    uint32_t chain_id[CHAINS_KEPT];
    size_t chain_count;
    wr_buf array[5];
} label_chunk;

static wr_status chunk_init(label_chunk *c, wr_err *err)
{
    *c = (label_chunk){0};
    wr_pg_dict_init(&c->dict, true);
    wr_arena_init(&c->arena, 0);
    for (size_t i = 0; i < sizeof c->array / sizeof c->array[0]; i++)
        wr_buf_init(&c->array[i], (size_t)1 << 28);
    c->key = wr_calloc(CHUNK, sizeof *c->key);
    c->which = wr_calloc(CHUNK, sizeof *c->which);
    return c->key && c->which ? WR_OK
                              : wr_fail(err, WR_ENOMEM, "chunk of %d labels", CHUNK);
}

static void chunk_release(label_chunk *c)
{
    for (size_t i = 0; i < sizeof c->array / sizeof c->array[0]; i++)
        wr_buf_release(&c->array[i]);
    wr_arena_release(&c->arena);
    wr_pg_dict_release(&c->dict);
    wr_free(c->key);
    wr_free(c->which);
}

static wr_status clean_label(label_chunk *c, wr_label *l, wr_err *err)
{
    wr_text *text[] = {&l->address, &l->category, &l->source,
                       &l->uri,     &l->actor,    &l->name};
    for (size_t i = 0; i < sizeof text / sizeof text[0]; i++)
        WR_TRY(wr_pg_clean_text(text[i], &c->arena, *text[i], err));
    return WR_OK;
}

static wr_status key_of(label_chunk *c, uint32_t *out, uint32_t chain_id,
                        const wr_label *l, wr_err *err)
{
    wr_buf *b = &c->array[0]; /* not in use before the look-up */
    bool is_new;
    wr_buf_clear(b);
    wr_buf_add(b, l->address.p, l->address.len);
    wr_buf_add(b, "", 1);
    wr_buf_add(b, l->source.p, l->source.len);
    wr_buf_add(b, "", 1);
    wr_buf_add(b, l->category.p, l->category.len);
    WR_TRY(wr_buf_status(b, "key of a label", err));
    wr_pg_dict_slot *s =
        wr_pg_dict_put(&c->dict, chain_id, (wr_text){.p = b->p, .len = (uint32_t)b->len},
                       (uint32_t)c->count, &is_new);
    if (!s)
        return wr_fail(err, WR_ENOMEM, "%zu keys of labels", c->count);
    if (is_new)
        c->key[c->count++] = (label_key){.chain_id = chain_id, .now = *l};
    *out = s->value;
    return WR_OK;
}

static wr_status keep(label_chunk *c, wr_text *out, wr_text t, wr_err *err)
{
    *out = wr_arena_text(&c->arena, t);
    return t.p && !out->p ? wr_fail(err, WR_ENOMEM, "texts of stored labels") : WR_OK;
}

static wr_status take_stored(label_chunk *c, const PGresult *res, int r, wr_err *err)
{
    label_key *k = &c->key[wr_pg_i64(res, r, 0)];
    k->stored_id = wr_pg_i64(res, r, 1);
    k->has_content = true;
    k->now.confidence = (uint8_t)wr_pg_i64(res, r, 2);
    k->now.valid_from_s = wr_pg_is_null(res, r, 6) ? WR_TIME_NONE : wr_pg_i64(res, r, 6);
    k->now.valid_to_s = wr_pg_is_null(res, r, 7) ? WR_TIME_NONE : wr_pg_i64(res, r, 7);
    WR_TRY(keep(c, &k->now.uri, wr_pg_text(res, r, 3), err));
    WR_TRY(keep(c, &k->now.actor, wr_pg_text(res, r, 4), err));
    return keep(c, &k->now.name, wr_pg_text(res, r, 5), err);
}

static wr_status look_up(wr_pg_store *st, label_chunk *c, wr_err *err)
{
    /* offset 0 keeps the keys outside and the index inside, whatever the tables' sizes
     * were when this was planned */
    static const char sql[] =
        "select u.n, l.* from unnest($1::int4[], $2::int2[], $3::text[], $4::text[], "
        "$5::text[]) u(n, chain, address, source, category) cross join lateral "
        "(select label_id, confidence, uri, actor, name, valid_from, valid_to from "
        "labels "
        " where chain_id = u.chain and address = u.address and source = u.source "
        " and category = u.category and removed_rev is null offset 0) l";
    WR_AUTO(PGresult) res = NULL;
    wr_pg_args a = {0};
    for (int i = 0; i < 5; i++)
        wr_pg_array_begin(&c->array[i]);
    for (size_t i = 0; i < c->count; i++) {
        const label_key *k = &c->key[i];
        wr_pg_array_i32(&c->array[0], (int32_t)i);
        wr_pg_array_i16(&c->array[1], (int32_t)k->chain_id);
        wr_pg_array_bytes(&c->array[2], k->now.address.p, k->now.address.len);
        wr_pg_array_bytes(&c->array[3], k->now.source.p, k->now.source.len);
        wr_pg_array_bytes(&c->array[4], k->now.category.p, k->now.category.len);
    }
    WR_TRY(wr_pg_arg_array(&a, &c->array[0], WR_PG_OID_INT4, c->count, err));
    WR_TRY(wr_pg_arg_array(&a, &c->array[1], WR_PG_OID_INT2, c->count, err));
    for (int i = 2; i < 5; i++)
        WR_TRY(wr_pg_arg_array(&a, &c->array[i], WR_PG_OID_TEXT, c->count, err));
    WR_TRY(wr_pg_exec(st, &res, sql, &a, err));
    for (int r = 0; r < PQntuples(res); r++)
        WR_TRY(take_stored(c, res, r, err));
    return WR_OK;
}

static bool is_same_claim(const wr_label *x, const wr_label *y)
{
    return x->confidence == y->confidence && wr_text_eq(x->uri, y->uri) &&
           wr_text_eq(x->actor, y->actor) && wr_text_eq(x->name, y->name) &&
           x->valid_from_s == y->valid_from_s && x->valid_to_s == y->valid_to_s;
}

static void judge(label_key *k, const wr_label *l, uint32_t number, wr_labels_report *rep)
{
    if (k->has_content && is_same_claim(&k->now, l)) {
        rep->unchanged++;
        return;
    }
    if (k->has_content)
        rep->updated++;
    else
        rep->added++;
    k->now = *l;
    k->has_content = k->is_changed = true;
    k->changed_by = number;
}

/* --- writing ----------------------------------------------------------------------- */

/*
 * Current rows that changed: closed at this revision, or, where this very call wrote
 * them, taken back: they were never current for anybody.
 */
static wr_status close_stored(wr_pg_store *st, label_chunk *c, int64_t rev, wr_err *err)
{
    static const char take_back[] =
        "delete from labels where label_id = any($1) and added_rev = $2";
    static const char close[] =
        "update labels set removed_rev = $2 where label_id = any($1) and added_rev < $2";
    size_t n = 0;
    wr_pg_args a = {0};
    wr_pg_array_begin(&c->array[0]);
    for (size_t i = 0; i < c->count; i++) {
        if (!c->key[i].is_changed || c->key[i].stored_id == 0)
            continue;
        wr_pg_array_i64(&c->array[0], c->key[i].stored_id);
        n++;
    }
    if (n == 0)
        return WR_OK;
    WR_TRY(wr_pg_arg_array(&a, &c->array[0], WR_PG_OID_INT8, n, err));
    wr_pg_arg_i64(&a, rev);
    WR_TRY(wr_pg_exec(st, NULL, take_back, &a, err));
    return wr_pg_exec(st, NULL, close, &a, err);
}

static void copy_label(wr_pg_copy *p, const label_key *k, int64_t rev, int64_t now_s)
{
    const wr_label *l = &k->now;
    wr_pg_copy_row(p, LABEL_COLUMNS);
    wr_pg_copy_i16(p, (int32_t)k->chain_id);
    wr_pg_copy_bytes(p, l->address.p, l->address.len);
    wr_pg_copy_bytes(p, l->category.p, l->category.len);
    wr_pg_copy_bytes(p, l->source.p, l->source.len);
    wr_pg_copy_i16(p, l->confidence);
    wr_pg_copy_text(p, l->uri);
    wr_pg_copy_text(p, l->actor);
    wr_pg_copy_text(p, l->name);
    int64_t time_s[2] = {l->valid_from_s, l->valid_to_s};
    for (int i = 0; i < 2; i++) {
        if (time_s[i] == WR_TIME_NONE)
            wr_pg_copy_null(p);
        else
            wr_pg_copy_i64(p, time_s[i]);
    }
    wr_pg_copy_i64(p, rev);
    wr_pg_copy_i64(p, now_s);
}

/* New rows in the order of the labels that made them: so do their ids come. */
static wr_status write_chunk(wr_pg_store *st, label_chunk *c, size_t n, int64_t rev,
                             int64_t now_s, wr_err *err)
{
    static const char sql[] =
        "copy labels (chain_id, address, category, source, confidence, uri, actor, name, "
        "valid_from, valid_to, added_rev, added_at) from stdin (format binary)";
    uint64_t rows;
    WR_TRY(close_stored(st, c, rev, err));
    WR_TRY(wr_pg_copy_begin(st, sql, err));
    for (size_t i = 0; i < n; i++) {
        const label_key *k = &c->key[c->which[i]];
        if (k->is_changed && k->changed_by == i)
            copy_label(st->copy, k, rev, now_s);
    }
    return wr_pg_copy_end(st, WR_OK, &rows, err);
}

/* The revision's row comes first: labels refer to it. */
static wr_status open_revision(wr_pg_store *st, int64_t *rev, int64_t now_s, wr_err *err)
{
    static const char sql[] =
        "insert into label_revisions (rev, at, added, updated, removed) "
        "select coalesce(max(rev), 0) + 1, $1, 0, 0, 0 "
        "from label_revisions returning rev";
    wr_pg_args a = {0};
    if (*rev)
        return WR_OK;
    wr_pg_arg_i64(&a, now_s);
    return wr_pg_exec_i64(st, rev, sql, &a, err);
}

static wr_status close_revision(wr_pg_store *st, int64_t rev, const wr_labels_report *rep,
                                uint64_t removed, wr_err *err)
{
    static const char sql[] = "update label_revisions set added = $2, updated = $3, "
                              "removed = $4 where rev = $1";
    wr_pg_args a = {0};
    if (rev == 0)
        return WR_OK;
    wr_pg_arg_i64(&a, rev);
    wr_pg_arg_i64(&a, (int64_t)rep->added);
    wr_pg_arg_i64(&a, (int64_t)rep->updated);
    wr_pg_arg_i64(&a, (int64_t)removed);
    return wr_pg_exec(st, NULL, sql, &a, err);
}

static wr_status chain_of_label(wr_pg_store *st, label_chunk *c, uint32_t *id,
                                const wr_chain *chain, wr_err *err)
{
    for (size_t i = 0; i < c->chain_count; i++) {
        if (c->chain[i] == chain) {
            *id = c->chain_id[i];
            return WR_OK;
        }
    }
    WR_TRY(wr_pg_chain_intern(st, id, chain, err));
    if (c->chain_count < CHAINS_KEPT) {
        c->chain[c->chain_count] = chain;
        c->chain_id[c->chain_count++] = *id;
    }
    return WR_OK;
}

static wr_status put_chunk(wr_pg_store *st, label_chunk *c, const wr_label *label,
                           size_t n, int64_t *rev, wr_labels_report *rep, wr_err *err)
{
    wr_labels_report before = *rep;
    int64_t now_s = wr_clock_wall_s();
    c->count = 0;
    wr_pg_dict_release(&c->dict);
    wr_arena_reset(&c->arena);
    for (size_t i = 0; i < n; i++) {
        uint32_t chain_id;
        wr_label l = label[i];
        WR_TRY(chain_of_label(st, c, &chain_id, l.chain, err));
        WR_TRY(clean_label(c, &l, err));
        WR_TRY(key_of(c, &c->which[i], chain_id, &l, err));
    }
    WR_TRY(look_up(st, c, err));
    for (size_t i = 0; i < n; i++) {
        wr_label l = label[i];
        WR_TRY(clean_label(c, &l, err));
        judge(&c->key[c->which[i]], &l, (uint32_t)i, rep);
    }
    if (before.added == rep->added && before.updated == rep->updated)
        return WR_OK;
    WR_TRY(open_revision(st, rev, now_s, err));
    return write_chunk(st, c, n, *rev, now_s, err);
}

wr_status wr_pg_labels_put(wr_store *base, const wr_label *label, size_t n,
                           wr_labels_report *rep, wr_err *err)
{
    wr_pg_store *st = wr_pg_of(base);
    wr_labels_report done = {0};
    label_chunk c;
    int64_t rev = 0;
    wr_status s = chunk_init(&c, err);
    if (s == WR_OK)
        s = wr_pg_begin(st, WR_PG_LOAD_BEGIN, err);
    if (s == WR_OK) {
        s = wr_pg_lock(st, WR_PG_LOCK_LABELS, err);
        for (size_t i = 0; s == WR_OK && i < n; i += CHUNK)
            s = put_chunk(st, &c, label + i, n - i < CHUNK ? n - i : CHUNK, &rev, &done,
                          err);
        if (s == WR_OK)
            s = close_revision(st, rev, &done, 0, err);
        s = wr_pg_end(st, s, err);
    }
    chunk_release(&c);
    if (s == WR_OK)
        *rep = done;
    return s;
}

/* --- removing and listing ---------------------------------------------------------- */

/* Arguments $1..$4 of a filter; *is_empty: it names a chain that nothing is on. */
static wr_status filter_args(wr_pg_store *st, wr_pg_args *a, const wr_label_filter *f,
                             bool *is_empty, wr_err *err)
{
    uint32_t chain_id = 0;
    *is_empty = false;
    if (f->chain) {
        WR_TRY(wr_pg_chain_id(st, &chain_id, f->chain, err));
        *is_empty = chain_id == 0;
        wr_pg_arg_i16(a, (int32_t)chain_id);
    } else {
        wr_pg_arg_null(a, WR_PG_OID_INT2);
    }
    wr_pg_arg_text(a, f->address);
    wr_pg_arg_text(a, f->source);
    wr_pg_arg_text(a, f->category);
    return WR_OK;
}

#define FILTER_SQL                                                                    \
    "($1::int2 is null or l.chain_id = $1) and ($2::text is null or l.address = $2) " \
    "and "                                                                            \
    "($3::text is null or l.source = $3) and ($4::text is null or l.category = $4)"

static wr_status remove_steps(wr_pg_store *st, const wr_label_filter *f,
                              uint64_t *removed, wr_err *err)
{
    static const char sql[] = "update labels l set removed_rev = $5 "
                              "where l.removed_rev is null and " FILTER_SQL;
    static const char next[] = "select coalesce(max(rev), 0) + 1 from label_revisions";
    const wr_labels_report none = {0};
    WR_AUTO(PGresult) res = NULL;
    bool is_empty;
    int64_t rev;
    int64_t made = 0;
    wr_pg_args a = {0};
    *removed = 0;
    WR_TRY(wr_pg_lock(st, WR_PG_LOCK_LABELS, err));
    WR_TRY(filter_args(st, &a, f, &is_empty, err));
    if (is_empty)
        return WR_OK;
    WR_TRY(wr_pg_exec_i64(st, &rev, next, NULL, err));
    wr_pg_arg_i64(&a, rev);
    WR_TRY(wr_pg_exec(st, &res, sql, &a, err));
    *removed = wr_pg_row_count(res);
    if (*removed == 0)
        return WR_OK;
    WR_TRY(open_revision(st, &made, wr_clock_wall_s(), err));
    return close_revision(st, made, &none, *removed, err);
}

wr_status wr_pg_labels_remove(wr_store *base, const wr_label_filter *f, uint64_t *removed,
                              wr_err *err)
{
    wr_pg_store *st = wr_pg_of(base);
    uint64_t n = 0;
    WR_TRY(wr_pg_begin(st, "begin isolation level read committed", err));
    WR_TRY(wr_pg_end(st, remove_steps(st, f, &n, err), err));
    *removed = n;
    return WR_OK;
}

typedef struct label_out {
    const wr_pg_store *st;
    wr_label_fn fn;
    void *ctx;
} label_out;

static wr_status label_row(void *ctx, const PGresult *res, wr_err *err)
{
    const label_out *o = ctx;
    wr_label_row row = {
        .id = wr_pg_i64(res, 0, 0),
        .label = {.address = wr_pg_text(res, 0, 2),
                  .category = wr_pg_text(res, 0, 3),
                  .source = wr_pg_text(res, 0, 4),
                  .confidence = (uint8_t)wr_pg_i64(res, 0, 5),
                  .uri = wr_pg_text(res, 0, 6),
                  .actor = wr_pg_text(res, 0, 7),
                  .name = wr_pg_text(res, 0, 8),
                  .valid_from_s =
                      wr_pg_is_null(res, 0, 9) ? WR_TIME_NONE : wr_pg_i64(res, 0, 9),
                  .valid_to_s =
                      wr_pg_is_null(res, 0, 10) ? WR_TIME_NONE : wr_pg_i64(res, 0, 10)},
        .added_s = wr_pg_i64(res, 0, 11),
        .wallet_id = (uint32_t)wr_pg_i64(res, 0, 12),
    };
    WR_TRY(wr_pg_chain_of(o->st, &row.label.chain, wr_pg_i64(res, 0, 1), err));
    return o->fn(o->ctx, &row, err);
}

#define LABEL_COLUMNS_SQL                                                            \
    "select l.label_id, l.chain_id, l.address, l.category, l.source, l.confidence, " \
    "l.uri, l.actor, l.name, l.valid_from, l.valid_to, l.added_at, "                 \
    "coalesce(w.wallet_id, 0) from "
#define LABELS_SQL                                    \
    LABEL_COLUMNS_SQL "labels l left join wallets w " \
                      "on w.chain_id = l.chain_id and w.address = l.address where "
#define LIST_SQL          \
    LABELS_SQL FILTER_SQL \
        " and l.label_id > $5 and ($6::int4 = 0 or w.wallet_id is not null)"

typedef struct list_opts {
    int64_t rev, after_id;
    const wr_label_filter *f;
    bool is_in_graph_only;
    uint32_t limit;
} list_opts;

static wr_status list_steps(wr_pg_store *st, const list_opts *q, label_out *o,
                            wr_err *err)
{
    bool is_empty;
    wr_pg_args a = {0};
    WR_TRY(wr_pg_chains_read(st, err));
    WR_TRY(filter_args(st, &a, q->f, &is_empty, err));
    if (is_empty)
        return WR_OK;
    wr_pg_arg_i64(&a, q->after_id);
    wr_pg_arg_i32(&a, q->is_in_graph_only);
    wr_pg_arg_i64_or_null(&a, q->limit, 0); /* limit null = no limit */
    if (q->rev < 0)
        return wr_pg_stream(
            st, LIST_SQL " and l.removed_rev is null order by l.label_id limit $7", &a,
            label_row, o, err);
    wr_pg_arg_i64(&a, q->rev);
    return wr_pg_stream(st,
                        LIST_SQL " and l.added_rev <= $8 and (l.removed_rev is null or "
                                 "l.removed_rev > $8) order by l.label_id limit $7",
                        &a, label_row, o, err);
}

/* NOLINTNEXTLINE(readability-function-size): the contract has so many parameters */
wr_status wr_pg_labels_list(wr_store *base, int64_t rev, const wr_label_filter *f,
                            bool is_in_graph_only, int64_t after_id, uint32_t limit,
                            wr_label_fn fn, void *ctx, wr_err *err)
{
    wr_pg_store *st = wr_pg_of(base);
    label_out o = {.st = st, .fn = fn, .ctx = ctx};
    const list_opts q = {.rev = rev,
                         .after_id = after_id,
                         .f = f,
                         .is_in_graph_only = is_in_graph_only,
                         .limit = limit};
    WR_TRY(wr_pg_begin(st, READ_BEGIN, err));
    return wr_pg_end(st, list_steps(st, &q, &o, err), err);
}

/* --- by wallet, by revision -------------------------------------------------------- */

static wr_status labels_of_chunk(wr_pg_store *st, int64_t rev, const uint32_t *wallet_id,
                                 size_t n, label_out *o, wr_err *err)
{
    wr_pg_args a = {0};
    wr_buf array;
    wr_buf_init(&array, (size_t)1 << 20);
    wr_status s = wr_pg_arg_ids(&a, &array, wallet_id, n, err);
    wr_pg_arg_i64(&a, rev < 0 ? INT64_MAX - 1 : rev);
    /* current and past rows have an index each, which offset 0 keeps inside */
    if (s == WR_OK)
        s = wr_pg_stream(
            st,
            LABEL_COLUMNS_SQL
            "wallets w cross join lateral (select * from labels x where x.chain_id = "
            "w.chain_id and x.address = w.address and x.removed_rev is null and "
            "x.added_rev <= $2 union all select * from labels x where x.chain_id = "
            "w.chain_id and x.address = w.address and x.removed_rev > $2 and "
            "x.added_rev <= $2 offset 0) l where w.wallet_id = any($1)",
            &a, label_row, o, err);
    wr_buf_release(&array);
    return s;
}

wr_status wr_pg_labels_of(wr_store *base, int64_t rev, const uint32_t *wallet_id,
                          size_t n, wr_label_fn fn, void *ctx, wr_err *err)
{
    wr_pg_store *st = wr_pg_of(base);
    label_out o = {.st = st, .fn = fn, .ctx = ctx};
    WR_TRY(wr_pg_begin(st, READ_BEGIN, err));
    wr_status s = wr_pg_chains_read(st, err);
    for (size_t i = 0; s == WR_OK && i < n; i += CHUNK)
        s = labels_of_chunk(st, rev, wallet_id + i, n - i < CHUNK ? n - i : CHUNK, &o,
                            err);
    return wr_pg_end(st, s, err);
}

wr_status wr_pg_labels_changed(wr_store *base, int64_t after_rev, int64_t upto_rev,
                               uint32_t limit, wr_label_fn fn, void *ctx, wr_err *err)
{
    wr_pg_store *st = wr_pg_of(base);
    label_out o = {.st = st, .fn = fn, .ctx = ctx};
    wr_pg_args a = {0};
    wr_pg_arg_i64(&a, after_rev);
    wr_pg_arg_i64(&a, upto_rev);
    wr_pg_arg_i64_or_null(&a, limit, 0); /* limit null = no limit */
    WR_TRY(wr_pg_begin(st, READ_BEGIN, err));
    wr_status s = wr_pg_chains_read(st, err);
    if (s == WR_OK)
        s = wr_pg_stream(st,
                         LABELS_SQL
                         "l.label_id in (select label_id from labels where added_rev > "
                         "$1 and added_rev <= $2 union select label_id from labels "
                         "where removed_rev > $1 and removed_rev <= $2) "
                         "order by l.label_id limit $3",
                         &a, label_row, &o, err);
    return wr_pg_end(st, s, err);
}
