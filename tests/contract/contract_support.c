#include "contract.h"

contract ct;

wr_store *ct_again(const char *dsn)
{
    wr_store *st = NULL;
    assert_ok(wr_store_open(&st, dsn, &err));
    return st;
}

wr_store *ct_open(char dsn[CT_DSN_MAX])
{
    char own[CT_DSN_MAX];
    wr_migrate_report rep;
    ct.fresh(dsn ? dsn : own);
    wr_store *st = ct_again(dsn ? dsn : own);
    assert_ok(wr_store_migrate(st, &rep, &err));
    return st;
}

const wr_chain *ct_chain(const char *id)
{
    const wr_chain *chain = NULL;
    assert_ok(wr_chain_find(&chain, wr_text_of(id ? id : "opaque:test"), &err));
    return chain;
}

wr_text ct_hash(unsigned tx)
{
    static char text[CT_TX_MAX][65];
    assert_true(tx < CT_TX_MAX);
    if (!text[tx][0]) {
        /* Spread over the whole range, so that keys do not come in order. */
        uint64_t x = tx + 1;
        for (size_t i = 0; i < 4; i++) {
            x = (x ^ x >> 31) * UINT64_C(0x9e3779b97f4a7c15);
            (void)snprintf(text[tx] + 16 * i, 17, "%016llx", (unsigned long long)x);
        }
    }
    return (wr_text){.p = text[tx], .len = 64};
}

wr_transfer ct_transfer(unsigned tx, unsigned position, const char *from, const char *to,
                        uint64_t amount)
{
    return (wr_transfer){
        .chain = ct_chain(NULL),
        .tx_hash = ct_hash(tx),
        .position = position,
        .block = (int64_t)tx / 10,
        .time_s = INT64_C(1600000000) + tx,
        .from = wr_text_of(from),
        .to = wr_text_of(to),
        .asset = WR_TEXT_LIT("COIN"),
        .amount_base = amount,
        .decimals = 2,
        .flags = WR_TRANSFER_UNPRICED,
        .value = wr_amount_value(amount, 2),
    };
}

wr_label ct_label(const char *address, const char *source, const char *category)
{
    return (wr_label){.chain = ct_chain(NULL),
                      .address = wr_text_of(address),
                      .category = wr_text_of(category),
                      .confidence = 50,
                      .source = wr_text_of(source),
                      .valid_from_s = WR_TIME_NONE,
                      .valid_to_s = WR_TIME_NONE};
}

wr_run ct_run(const char *id)
{
    wr_run r = {
        .kind = "score", .status = WR_RUN_COMPLETE, .started_s = 10, .finished_s = 20};
    (void)snprintf(r.id, sizeof r.id, "%s", id);
    return r;
}

static wr_status copy_of(void *ctx, size_t i, wr_score *row, wr_err *err)
{
    (void)err;
    *row = ((const wr_score *)ctx)[i];
    return WR_OK;
}

wr_status ct_scores_put(wr_store *st, const wr_run *run, const wr_score *score, size_t n,
                        wr_err *err)
{
    union { /* the rows are only read */
        const wr_score *in;
        void *ctx;
    } u = {.in = score};
    return wr_store_scores_put(st, run, n, copy_of, u.ctx, err);
}

void ct_put_new(wr_store *st, const wr_transfer *t, size_t n)
{
    wr_put put = {.transfer = t, .transfer_count = n};
    wr_put_result res;
    assert_ok(wr_store_put(st, &put, NULL, &res, &err));
    assert_int_equal(res.inserted, n);
    assert_int_equal(res.duplicates + res.conflicts + res.dead, 0);
}

/* --- dump --------------------------------------------------------------------------- */

typedef struct dump {
    wr_buf *out;
    uint64_t n; /* rows so far: databases may leave gaps in ids, order counts */
    int64_t seq[CT_TX_MAX]; /* of edge n */
    uint32_t wallet[CT_TX_MAX];
    uint64_t wallets;
} dump;

static uint64_t rank_of(const dump *d, uint32_t wallet)
{
    for (uint64_t i = 0; i < d->wallets; i++)
        if (d->wallet[i] == wallet)
            return i + 1;
    return 0;
}

static void add_text(wr_buf *out, const char *name, wr_text t)
{
    if (t.p)
        wr_buf_addf(out, " %s=<%.*s>", name, WR_TEXT_ARG(t));
    else
        wr_buf_addf(out, " %s=none", name);
}

static wr_status dump_wallets(void *ctx, const wr_wallet_row *row, size_t n, wr_err *err)
{
    dump *d = ctx;
    for (size_t i = 0; i < n; i++) {
        if (d->wallets == CT_TX_MAX)
            return wr_fail(err, WR_ELIMIT, "too many wallets for a dump");
        d->wallet[d->wallets++] = row[i].id;
        wr_buf_addf(d->out, "wallet %s", row[i].chain->id);
        add_text(d->out, "address", row[i].address);
        wr_buf_adds(d->out, "\n");
    }
    return WR_OK;
}

static wr_status dump_asset(void *ctx, const wr_asset_row *row, wr_err *err)
{
    dump *d = ctx;
    (void)err;
    wr_buf_addf(d->out, "asset %u %s <%.*s> %u\n", row->id, row->chain->id,
                WR_TEXT_ARG(row->asset), row->decimals);
    return WR_OK;
}

static wr_status dump_edges(void *ctx, const wr_edge_row *row, size_t n, wr_err *err)
{
    dump *d = ctx;
    for (size_t i = 0; i < n; i++) {
        if (d->n == CT_TX_MAX)
            return wr_fail(err, WR_ELIMIT, "too many edges for a dump");
        d->seq[d->n++] = row[i].seq;
        wr_buf_addf(d->out, "edge %lld %llu->%llu asset %u flags %u value %.17g\n",
                    (long long)row[i].time_s, (unsigned long long)rank_of(d, row[i].from),
                    (unsigned long long)rank_of(d, row[i].to), row[i].asset, row[i].flags,
                    row[i].value);
    }
    return WR_OK;
}

static wr_status dump_transfer(void *ctx, const wr_transfer_row *row, wr_err *err)
{
    dump *d = ctx;
    const wr_transfer *t = &row->transfer;
    char amount[WR_AMOUNT_TEXT_MAX];
    (void)err;
    wr_amount_format(amount, t->amount_base);
    wr_buf_addf(d->out, "transfer %s", t->chain->id);
    add_text(d->out, "tx", t->tx_hash);
    wr_buf_addf(d->out, " %u block %lld time %lld", t->position, (long long)t->block,
                (long long)t->time_s);
    add_text(d->out, "from", t->from);
    add_text(d->out, "to", t->to);
    add_text(d->out, "asset", t->asset);
    add_text(d->out, "memo", t->memo);
    wr_buf_addf(d->out, " %s/%u flags %u value %.17g\n", amount, t->decimals, t->flags,
                t->value);
    return WR_OK;
}

static wr_status dump_source(void *ctx, const wr_source *s, wr_err *err)
{
    dump *d = ctx;
    (void)err;
    wr_buf_adds(d->out, "source");
    add_text(d->out, "source", s->source);
    add_text(d->out, "resume", s->resume);
    add_text(d->out, "status", s->status);
    add_text(d->out, "error", s->last_error);
    wr_buf_addf(d->out,
                " %d next %lld records %llu gaps %llu in %llu dup %llu dead %llu "
                "from %lld messages %llu end %lld times %lld %lld\n",
                s->partition, (long long)s->next_offset, (unsigned long long)s->records,
                (unsigned long long)s->gaps, (unsigned long long)s->inserted,
                (unsigned long long)s->duplicates, (unsigned long long)s->dead,
                (long long)s->first_offset, (unsigned long long)s->messages,
                (long long)s->high_watermark, (long long)s->first_record_s,
                (long long)s->last_record_s);
    return WR_OK;
}

static wr_status dump_dead(void *ctx, const wr_dead_row *r, wr_err *err)
{
    dump *d = ctx;
    (void)err;
    wr_buf_adds(d->out, "dead");
    add_text(d->out, "source", r->letter.source);
    add_text(d->out, "raw", r->letter.raw);
    add_text(d->out, "field", r->letter.field);
    add_text(d->out, "reason", r->letter.reason);
    wr_buf_addf(d->out, " %d %lld %llu\n", r->letter.partition,
                (long long)r->letter.position, (unsigned long long)r->letter.raw_bytes);
    return WR_OK;
}

static wr_status dump_label(void *ctx, const wr_label_row *r, wr_err *err)
{
    dump *d = ctx;
    (void)err;
    wr_buf_addf(d->out, "label %s", r->label.chain->id);
    add_text(d->out, "address", r->label.address);
    add_text(d->out, "category", r->label.category);
    add_text(d->out, "source", r->label.source);
    add_text(d->out, "uri", r->label.uri);
    add_text(d->out, "actor", r->label.actor);
    add_text(d->out, "name", r->label.name);
    wr_buf_addf(d->out, " %u from %lld to %lld wallet %llu\n", r->label.confidence,
                (long long)r->label.valid_from_s, (long long)r->label.valid_to_s,
                (unsigned long long)rank_of(d, r->wallet_id));
    return WR_OK;
}

static wr_status dump_run(void *ctx, const wr_run *r, wr_err *err)
{
    dump *d = ctx;
    (void)err;
    wr_buf_addf(d->out, "run %s %s %s %lld\n", r->id, r->kind,
                wr_run_status_name(r->status), (long long)r->max_seq);
    return WR_OK;
}

static wr_status dump_score(void *ctx, const wr_score_row *r, wr_err *err)
{
    dump *d = ctx;
    (void)err;
    wr_buf_addf(d->out, "score %.17g %.17g level %u category %d labelled %d",
                r->score.score, r->score.base, r->score.level, r->score.category,
                r->score.is_labelled);
    add_text(d->out, "address", r->address);
    add_text(d->out, "reasons", r->score.reasons);
    wr_buf_adds(d->out, "\n");
    return WR_OK;
}

void ct_dump(wr_store *st, wr_buf *out)
{
    static dump d; /* too big for a stack */
    wr_counts c;
    int64_t safe;
    d = (dump){.out = out};
    assert_ok(wr_store_counts(st, &c, &err));
    assert_ok(wr_store_safe_seq(st, &safe, &err));
    wr_buf_addf(out, "counts %llu %llu %llu %llu %llu rev %lld times %lld %lld\n",
                (unsigned long long)c.transfers, (unsigned long long)c.wallets,
                (unsigned long long)c.labels, (unsigned long long)c.dead,
                (unsigned long long)c.runs, (long long)c.label_rev,
                (long long)c.first_time_s, (long long)c.last_time_s);
    assert_ok(wr_store_scan_wallets(st, 0, dump_wallets, &d, &err));
    assert_ok(wr_store_scan_assets(st, dump_asset, &d, &err));
    assert_ok(wr_store_scan_edges(st, 0, safe, dump_edges, &d, &err));
    for (uint64_t i = 0; i < d.n; i++)
        assert_ok(wr_store_transfer_get(st, d.seq[i], dump_transfer, &d, &err));
    assert_ok(wr_store_sources(st, dump_source, &d, &err));
    assert_ok(wr_store_dead_list(st, (wr_text){0}, 0, 1000000, dump_dead, &d, &err));
    for (int64_t rev = 0; rev <= c.label_rev; rev++) {
        wr_buf_addf(out, "rev %lld\n", (long long)rev);
        assert_ok(wr_store_labels_list(st, rev, NULL, false, 0, 0, dump_label, &d, &err));
    }
    assert_ok(wr_store_run_list(st, "", 1000, dump_run, &d, &err));
    wr_score_query q = {.run_id = "", .level = -1, .category = -1, .limit = 100000};
    wr_status s = wr_store_scores_top(st, &q, dump_score, &d, NULL);
    assert_true(s == WR_OK || s == WR_ENOTFOUND);
    assert_ok(wr_buf_status(out, "dump", &err));
}
