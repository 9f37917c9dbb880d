/*
 * GET /ingestion/status, and the same as metrics: where every source stands, whether it
 * adds up, and how far the live state is behind the store.
 */
#include "api/ingestion.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/page_token.h"
#include "api/request.h"
#include "api/routes.h"

enum { LIST = 's', METRIC_SOURCES_MAX = 200 };

static const char *const rate_names[] = {"1m", "5m", "15m"};

/* --- sources ---------------------------------------------------------------------------
 */

typedef struct source_page {
    wr_json_out *j;
    uint32_t limit, count;
    uint64_t skip, seen;
    bool is_more, is_balanced;
    uint64_t records, inserted, duplicates, dead, gaps; /* of all sources */
} source_page;

static void kv_known(wr_json_out *j, const char *key, int64_t value, bool is_known)
{
    wr_json_key(j, key);
    if (is_known)
        wr_json_i64(j, value);
    else
        wr_json_null(j);
}

static void put_rates(wr_json_out *j, const wr_source *s)
{
    wr_json_key(j, "records_per_s");
    wr_json_open(j, '{');
    for (int i = 0; i < 3; i++) {
        wr_json_key(j, rate_names[i]);
        wr_json_fixed(j, s->rate_per_s[i], 2);
    }
    wr_json_close(j, '}');
}

static void put_source(wr_json_out *j, const wr_source *s)
{
    const bool has_offsets = s->first_offset >= 0;
    wr_json_open(j, '{');
    wr_json_kv_text(j, "source", s->source);
    wr_json_kv_i64(j, "partition", s->partition);
    wr_json_kv_text(j, "status", s->status);
    kv_known(j, "first_offset", s->first_offset, has_offsets);
    wr_json_kv_i64(j, "next_offset", s->next_offset);
    kv_known(j, "high_watermark", s->high_watermark, s->high_watermark > 0);
    kv_known(j, "lag", wr_source_lag(s), wr_source_lag(s) >= 0);
    kv_known(j, "messages", (int64_t)s->messages, has_offsets);
    wr_json_kv_u64(j, "gaps", s->gaps);
    wr_json_kv_u64(j, "records", s->records);
    wr_json_kv_u64(j, "inserted", s->inserted);
    wr_json_kv_u64(j, "duplicates", s->duplicates);
    wr_json_kv_u64(j, "dead", s->dead);
    wr_json_kv_bool(j, "is_balanced", wr_source_adds_up(s));
    put_rates(j, s);
    wr_json_kv_text(j, "last_error", s->last_error.len ? s->last_error : (wr_text){0});
    wr_json_kv_time_or(j, "first_record_time", s->first_record_s, 0);
    wr_json_kv_time_or(j, "last_record_time", s->last_record_s, 0);
    wr_json_kv_time_or(j, "first_at", s->first_s, 0);
    wr_json_kv_time_or(j, "updated_at", s->updated_s, 0);
    wr_json_close(j, '}');
}

static wr_status take_source(void *ctx, const wr_source *s, wr_err *err)
{
    source_page *p = ctx;
    (void)err;
    p->records += s->records;
    p->inserted += s->inserted;
    p->duplicates += s->duplicates;
    p->dead += s->dead;
    p->gaps += s->gaps;
    p->is_balanced = p->is_balanced && wr_source_adds_up(s);
    if (p->seen++ < p->skip)
        return WR_OK;
    if (p->count == p->limit) {
        p->is_more = true;
        return WR_OK;
    }
    p->count++;
    put_source(p->j, s);
    return WR_OK;
}

static void put_totals(wr_json_out *j, const source_page *p)
{
    wr_json_key(j, "totals");
    wr_json_open(j, '{');
    wr_json_kv_u64(j, "sources", p->seen);
    wr_json_kv_u64(j, "records", p->records);
    wr_json_kv_u64(j, "inserted", p->inserted);
    wr_json_kv_u64(j, "duplicates", p->duplicates);
    wr_json_kv_u64(j, "dead", p->dead);
    wr_json_kv_u64(j, "gaps", p->gaps);
    wr_json_kv_bool(j, "is_balanced", p->is_balanced);
    wr_json_close(j, '}');
}

/* What the store held when the watch last counted, so that no request counts rows. */
static void put_store(wr_json_out *j, const wr_watched *w)
{
    wr_json_key(j, "store");
    if (!w->counted_s) {
        wr_json_null(j);
        return;
    }
    wr_json_open(j, '{');
    wr_json_kv_u64(j, "transfers", w->counts.transfers);
    wr_json_kv_u64(j, "wallets", w->counts.wallets);
    wr_json_kv_u64(j, "labels", w->counts.labels);
    wr_json_kv_u64(j, "dead_letters", w->counts.dead);
    wr_json_kv_i64(j, "max_seq", w->counts.max_seq);
    wr_json_kv_i64(j, "label_rev", w->counts.label_rev);
    wr_json_kv_time_or(j, "first_time", w->counts.first_time_s, 0);
    wr_json_kv_time_or(j, "last_time", w->counts.last_time_s, 0);
    wr_json_kv_time_or(j, "counted_at", w->counted_s, 0);
    wr_json_close(j, '}');
}

/* --- the live state --------------------------------------------------------------------
 */

static void put_typologies(wr_json_out *j, const wr_live_typologies_stats *s)
{
    wr_json_key(j, "typologies");
    wr_json_open(j, '{');
    wr_json_kv_bool(j, "is_following", s->is_followed);
    wr_json_kv_u64(j, "hits", s->hits);
    wr_json_kv_u64(j, "waiting_transfers", s->waiting);
    wr_json_kv_u64(j, "late_transfers", s->late);
    wr_json_kv_u64(j, "left_out", s->left_out);
    wr_json_kv_bool(j, "is_given_up", s->is_given_up);
    wr_json_kv_u64(j, "bytes", s->bytes);
    wr_json_close(j, '}');
}

void wr_ingestion_put_live(wr_json_out *j, wr_live *lv)
{
    wr_freshness f;
    char fold_error[WR_ERR_MSG_MAX];
    wr_live_freshness(lv, &f);
    const uint64_t folds = wr_live_folds(lv, fold_error);
    wr_live_own_runs own;
    wr_live_own_runs_of(lv, &own);
    const int64_t missing = f.store_seq - f.stats.seq;
    wr_json_key(j, "live");
    wr_json_open(j, '{');
    wr_json_kv_bool(j, "is_following", f.is_following);
    kv_known(j, "last_seq", f.stats.seq, f.is_following);
    wr_json_kv_i64(j, "store_seq", f.store_seq);
    kv_known(j, "seq_behind", missing > 0 ? missing : 0, f.is_following);
    wr_json_key(j, "behind_s");
    if (f.is_following)
        wr_json_fixed(j, f.behind_s, 3);
    else
        wr_json_null(j);
    wr_json_kv_u64(j, "applied_since_run", f.stats.applied);
    wr_json_kv_u64(j, "put_in_order_late", f.stats.undone);
    wr_json_kv_u64(j, "out_of_order", f.stats.out_of_order);
    wr_json_kv_u64(j, "wallets_moved", f.stats.wallets);
    wr_json_kv_u64(j, "wallets_not_exact", f.stats.marked);
    wr_json_kv_bool(j, "is_all_stale", f.stats.is_given_up);
    wr_json_kv_u64(j, "delta_transfers", f.stats.delta_transfers);
    wr_json_kv_u64(j, "folds", folds);
    wr_json_kv_u64(j, "bytes", f.stats.bytes);
    kv_known(j, "bytes_max", (int64_t)own.bytes_max, own.bytes_max > 0);
    wr_json_kv_u64(j, "own_runs", own.begun);
    put_typologies(j, &f.stats.typologies);
    wr_json_kv_cstr(j, "error", f.error[0] ? f.error : fold_error[0] ? fold_error : NULL);
    wr_json_close(j, '}');
}

/* --- route -----------------------------------------------------------------------------
 */

wr_status wr_route_ingestion_status(wr_exchange *x, wr_err *err)
{
    source_page p = {.limit = 100, .is_balanced = true};
    char payload[WR_PAGE_PAYLOAD_MAX + 1];
    const char *rest = payload;
    wr_query_u32(x, "limit", 1, 1000, &p.limit);
    if (wr_app_page(x, LIST, payload) &&
        (!wr_page_u64(&rest, 10, UINT32_MAX, &p.skip) || *rest))
        wr_request_note(x, "/query/page", "invalid", "not a page token of this list");
    WR_TRY(wr_request_check(x, err));
    wr_json_out j = wr_exchange_json(x);
    p.j = &j;
    wr_json_open(&j, '{');
    wr_json_key(&j, "sources");
    wr_json_open(&j, '[');
    wr_store *st = NULL;
    WR_TRY(wr_store_pool_take(x->app->pool, &st, err));
    wr_status s = wr_store_sources(st, take_source, &p, err);
    wr_store_pool_give(x->app->pool, st, s);
    WR_TRY(s);
    wr_json_close(&j, ']');
    put_totals(&j, &p);
    wr_watched w;
    wr_watch_get(x->app->watch, &w);
    put_store(&j, &w);
    wr_ingestion_put_live(&j, x->app->live);
    (void)snprintf(payload, sizeof payload, "%" PRIu64, p.skip + p.count);
    wr_app_next_page(&j, LIST, p.is_more ? payload : NULL);
    wr_json_close(&j, '}');
    return WR_OK;
}

/* --- metrics ---------------------------------------------------------------------------
 */

/* One metric: its number of a source. */
typedef struct column {
    const char *name, *type, *help;
    double (*value)(const wr_source *s);
} column;

#define COLUMN(field)                            \
    static double of_##field(const wr_source *s) \
    {                                            \
        return (double)s->field;                 \
    }
COLUMN(records)
COLUMN(inserted)
COLUMN(duplicates)
COLUMN(dead)
COLUMN(gaps)
COLUMN(messages)
COLUMN(next_offset)
COLUMN(high_watermark)
COLUMN(updated_s)
#undef COLUMN

static double of_lag(const wr_source *s)
{
    return (double)wr_source_lag(s);
}

static double of_rate(const wr_source *s)
{
    return s->rate_per_s[0];
}

static double of_balance(const wr_source *s)
{
    return wr_source_adds_up(s) ? 1.0 : 0.0;
}

static const column columns[] = {
    {"records_total", "counter", "Records consumed.", of_records},
    {"inserted_total", "counter", "Transfers stored.", of_inserted},
    {"duplicates_total", "counter", "Transfers that were there.", of_duplicates},
    {"dead_total", "counter", "Records refused.", of_dead},
    {"messages_total", "counter", "Offsets that held a message.", of_messages},
    {"gaps_total", "counter", "Offsets that held none.", of_gaps},
    {"next_offset", "gauge", "Where the source goes on.", of_next_offset},
    {"high_watermark", "gauge", "End of the partition as told last.", of_high_watermark},
    {"lag", "gauge", "Offsets still to be read, -1 = unknown.", of_lag},
    {"records_per_second", "gauge", "Mean over the last minute.", of_rate},
    {"is_balanced", "gauge", "1 when the counters add up.", of_balance},
    {"updated_timestamp_seconds", "gauge", "When the source last moved.", of_updated_s},
};
enum { COLUMNS = sizeof columns / sizeof *columns };

typedef struct table {
    uint32_t count;
    char (*label)[WR_INGESTION_LABEL_MAX]; /* [METRIC_SOURCES_MAX] */
    double (*value)[COLUMNS];
} table;

/* source="…",partition="…" with the three escapes of the text format. */
static void write_label(char out[WR_INGESTION_LABEL_MAX], const wr_source *s)
{
    size_t n = 0;
    char text[WR_INGESTION_LABEL_MAX - 64];
    for (uint32_t i = 0; i < s->source.len && n + 3 < sizeof text; i++) {
        const char c = s->source.p[i];
        if (c == '\\' || c == '"' || c == '\n')
            text[n++] = '\\';
        text[n++] = c == '\n' ? 'n' : c;
    }
    text[n] = '\0';
    (void)snprintf(out, WR_INGESTION_LABEL_MAX, "source=\"%s\",partition=\"%" PRId32 "\"",
                   text, s->partition);
}

static wr_status take_metrics(void *ctx, const wr_source *s, wr_err *err)
{
    table *t = ctx;
    (void)err;
    if (t->count == METRIC_SOURCES_MAX || s->first_offset < 0)
        return WR_OK; /* files are many, done when they are done, and named by anybody */
    write_label(t->label[t->count], s);
    for (int i = 0; i < COLUMNS; i++)
        t->value[t->count][i] = columns[i].value(s);
    t->count++;
    return WR_OK;
}

static void write_table(wr_buf *out, const table *t)
{
    for (int i = 0; i < COLUMNS && t->count; i++) { /* a metric without samples is none */
        const column *c = &columns[i];
        wr_buf_addf(out, "# HELP walletrisk_ingestion_%s %s\n", c->name, c->help);
        wr_buf_addf(out, "# TYPE walletrisk_ingestion_%s %s\n", c->name, c->type);
        for (uint32_t k = 0; k < t->count; k++)
            wr_buf_addf(out, "walletrisk_ingestion_%s{%s} %.17g\n", c->name, t->label[k],
                        t->value[k][i]);
    }
}

static void write_live_parts(wr_buf *out, const wr_overlay_stats *s)
{
    const wr_live_typologies_stats *t = &s->typologies;
    const wr_metric_part part[] = {
        {"ledger", s->ledger_bytes},
        {"board", s->board_bytes},
        {"delta", s->delta_bytes},
        {"wallets",
         s->bytes - s->ledger_bytes - s->board_bytes - s->delta_bytes - t->bytes},
        {"typology_stream", t->stream_bytes},
        {"typology_hits", t->hits_bytes},
        {"typology_arrivals", t->arrivals_bytes},
        {"typology_board", t->board_bytes},
        {"typology_wallets",
         t->bytes - t->stream_bytes - t->hits_bytes - t->arrivals_bytes - t->board_bytes},
    };
    wr_metric_write_parts(out, "walletrisk_live_part_bytes",
                          "Memory of a part of the live state.", part,
                          sizeof part / sizeof *part);
}

static void write_live(wr_buf *out, wr_live *lv)
{
    wr_freshness f;
    char error[WR_ERR_MSG_MAX];
    wr_live_freshness(lv, &f);
    wr_live_own_runs own;
    wr_live_own_runs_of(lv, &own);
    const struct {
        const char *name, *type, *help;
        double value;
    } m[] = {
        {"following", "gauge", "1 when the live state follows the store.",
         f.is_following},
        {"seq", "gauge", "Newest transfer that is applied.", (double)f.stats.seq},
        {"store_seq", "gauge", "Newest transfer in the store.", (double)f.store_seq},
        {"behind_seconds", "gauge", "How long ago all of the store was applied.",
         f.behind_s},
        {"applied_transfers", "gauge", "Applied since the run.", (double)f.stats.applied},
        {"wallets_not_exact", "gauge", "Wallets that only the next run makes exact.",
         (double)f.stats.marked},
        {"all_stale", "gauge", "1 when too much would have to be marked.",
         f.stats.is_given_up},
        {"delta_transfers", "gauge", "Transfers behind the graph.",
         (double)f.stats.delta_transfers},
        {"bytes", "gauge", "Memory of the live state.", (double)f.stats.bytes},
        {"bytes_max", "gauge", "Above it the server scores a run of its own; 0 = none.",
         (double)own.bytes_max},
        {"own_runs_total", "counter", "Runs begun because the live state was too large.",
         (double)own.begun},
        {"own_runs_failed_total", "counter", "Of them, those that failed.",
         (double)own.failed},
        {"typology_hits", "gauge", "Patterns with a transfer that came after the run.",
         (double)f.stats.typologies.hits},
        {"typology_late_transfers", "gauge",
         "Transfers that came too late to be part of a pattern until the next run.",
         (double)f.stats.typologies.late},
        {"typology_left_out", "gauge", "Patterns beyond the caps of the live state.",
         (double)f.stats.typologies.left_out},
        {"typology_bytes", "gauge", "Memory of the patterns, part of bytes.",
         (double)f.stats.typologies.bytes},
        {"folds_total", "counter", "Deltas folded into a graph.",
         (double)wr_live_folds(lv, error)},
    };
    for (size_t i = 0; i < sizeof m / sizeof *m; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "walletrisk_live_%s", m[i].name);
        wr_metric_write(out, name, m[i].type, m[i].help, m[i].value);
    }
    write_live_parts(out, &f.stats);
}

wr_status wr_ingestion_write_metrics(wr_exchange *x, wr_err *err)
{
    wr_store *st = NULL;
    wr_err why = {0};
    table t = {0};
    write_live(&x->out, x->app->live);
    t.label = wr_arena_alloc(&x->arena, METRIC_SOURCES_MAX * sizeof *t.label);
    t.value = wr_arena_alloc(&x->arena, METRIC_SOURCES_MAX * sizeof *t.value);
    if (!t.label || !t.value)
        return wr_fail(err, WR_ENOMEM, "metrics of sources");
    if (wr_store_pool_take(x->app->pool, &st, &why) != WR_OK)
        return WR_OK; /* walletrisk_store_up tells it */
    const wr_status s = wr_store_sources(st, take_metrics, &t, &why);
    wr_store_pool_give(x->app->pool, st, s);
    if (s == WR_OK)
        write_table(&x->out, &t);
    return WR_OK;
}
