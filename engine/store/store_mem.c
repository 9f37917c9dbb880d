#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>

#include "store/mem_int.h"
#include "util/clock.h"

bool wr_mem_grow(void *item_pointer, size_t *cap, size_t want, size_t size)
{
    void *item;
    memcpy(&item, item_pointer, sizeof item);
    void *bigger = wr_grow(item, cap, want, size);
    if (!bigger)
        return false;
    memcpy(item_pointer, &bigger, sizeof bigger);
    return true;
}

wr_status wr_mem_text(wr_mem *m, wr_text *t, wr_err *err)
{
    wr_text copy = wr_arena_text(&m->arena, *t);
    if (t->p && !copy.p)
        return wr_fail(err, WR_ENOMEM, "memory store: text of %u bytes", t->len);
    *t = copy;
    return WR_OK;
}

/* --- life and schema ---------------------------------------------------------------- */

static void mem_close(wr_store *st)
{
    wr_mem *m = wr_mem_of(st);
    wr_free(m->transfers.item);
    wr_free(m->wallets.item);
    wr_free(m->assets.item);
    wr_free(m->dead.item);
    wr_free(m->sources.item);
    wr_free(m->labels.item);
    wr_free(m->runs.item);
    wr_free(m->models.item);
    wr_free(m->scores.item);
    wr_arena_release(&m->arena);
    wr_free(m);
}

static wr_status mem_open(wr_store **out, const char *dsn, bool is_new, wr_err *err)
{
    (void)is_new;
    if (strcmp(dsn, "memory:") != 0)
        return wr_fail(err, WR_EINVAL, "'%s': memory: takes no name", dsn);
    uint64_t id[2];
    if (getrandom(id, sizeof id, 0) != (ssize_t)sizeof id)
        return wr_fail(err, WR_EIO, "memory store: no random numbers");
    wr_mem *m = wr_calloc(1, sizeof *m);
    if (!m)
        return wr_fail(err, WR_ENOMEM, "memory store");
    m->base.be = &wr_store_memory;
    wr_arena_init(&m->arena, 0);
    (void)snprintf(m->id, sizeof m->id, "%016" PRIx64 "%016" PRIx64, id[0], id[1]);
    *out = &m->base;
    return WR_OK;
}

/* There are no tables: the number alone goes up, by the rules that hold for all. */
static wr_status schema_begin(wr_store *st, wr_err *err)
{
    (void)err;
    wr_mem_of(st)->schema_before = wr_mem_of(st)->schema;
    return WR_OK;
}

static wr_status schema_end(wr_store *st, bool is_commit, wr_err *err)
{
    (void)err;
    if (!is_commit)
        wr_mem_of(st)->schema = wr_mem_of(st)->schema_before;
    return WR_OK;
}

static wr_status schema_read(wr_store *st, wr_schema_fn fn, void *ctx, wr_err *err)
{
    for (const wr_migration *m = wr_migrations; m->dialect; m++) {
        if (strcmp(m->dialect, st->be->dialect) != 0 || m->number > wr_mem_of(st)->schema)
            continue;
        wr_schema_row row = {.number = m->number, .sha256 = wr_text_of(m->sha256)};
        WR_TRY(fn(ctx, &row, err));
    }
    return WR_OK;
}

static wr_status schema_apply(wr_store *st, const wr_migration *m, wr_err *err)
{
    (void)err;
    wr_mem_of(st)->schema = m->number;
    return WR_OK;
}

wr_status wr_mem_ready(const wr_mem *m, wr_err *err)
{
    return m->schema ? WR_OK : wr_fail(err, WR_EIO, "memory store: no tables yet");
}

static wr_status mem_id(wr_store *st, char out[WR_STORE_ID_HEX + 1], wr_err *err)
{
    const wr_mem *m = wr_mem_of(st);
    WR_TRY(wr_mem_ready(m, err));
    memcpy(out, m->id, sizeof m->id);
    return WR_OK;
}

/* --- put ---------------------------------------------------------------------------- */

/* How long every list was: what a failed put goes back to. */
typedef struct put_mark {
    size_t transfers, wallets, assets, dead, sources;
} put_mark;

uint32_t wr_mem_wallet_id(const wr_mem *m, const wr_chain *chain, wr_text address)
{
    for (size_t i = 0; i < m->wallets.count; i++)
        if (m->wallets.item[i].chain == chain &&
            wr_text_eq(m->wallets.item[i].address, address))
            return (uint32_t)i + 1;
    return 0;
}

static wr_status name_wallet(wr_mem *m, const wr_chain *chain, wr_text address,
                             wr_err *err)
{
    if (wr_mem_wallet_id(m, chain, address) != 0)
        return WR_OK;
    wr_mem_wallet w = {.chain = chain, .address = address};
    WR_TRY(wr_mem_text(m, &w.address, err));
    return WR_MEM_APPEND(&m->wallets, w, "wallet", err);
}

static wr_status name_asset(wr_mem *m, const wr_transfer *t, wr_err *err)
{
    for (size_t i = 0; i < m->assets.count; i++)
        if (m->assets.item[i].chain == t->chain &&
            wr_text_eq(m->assets.item[i].asset, t->asset))
            return WR_OK;
    if (m->assets.count == WR_STORE_ASSET_COUNT_MAX)
        return wr_fail(err, WR_ELIMIT, "asset %.*s of %s: over %d assets",
                       WR_TEXT_ARG(t->asset), t->chain->id, WR_STORE_ASSET_COUNT_MAX);
    wr_asset_row a = {.id = (uint16_t)m->assets.count,
                      .chain = t->chain,
                      .asset = t->asset,
                      .decimals = t->decimals};
    WR_TRY(wr_mem_text(m, &a.asset, err));
    return WR_MEM_APPEND(&m->assets, a, "asset", err);
}

static const wr_transfer *find_key(const wr_mem *m, const wr_transfer *t)
{
    for (size_t i = 0; i < m->transfers.count; i++) {
        const wr_transfer *o = &m->transfers.item[i];
        if (o->chain == t->chain && o->position == t->position &&
            wr_text_eq(o->tx_hash, t->tx_hash))
            return o;
    }
    return NULL;
}

static wr_status add_transfer(wr_mem *m, const wr_transfer *t, wr_err *err)
{
    wr_transfer copy = *t;
    WR_TRY(name_wallet(m, t->chain, t->from, err));
    WR_TRY(name_wallet(m, t->chain, t->to, err));
    WR_TRY(name_asset(m, t, err));
    WR_TRY(wr_mem_text(m, &copy.tx_hash, err));
    WR_TRY(wr_mem_text(m, &copy.from, err));
    WR_TRY(wr_mem_text(m, &copy.to, err));
    WR_TRY(wr_mem_text(m, &copy.asset, err));
    WR_TRY(wr_mem_text(m, &copy.memo, err));
    return WR_MEM_APPEND(&m->transfers, copy, "transfer", err);
}

static wr_status add_dead(wr_mem *m, const wr_dead_letter *d, wr_err *err)
{
    wr_dead_row row = {.id = ++m->dead_last, .letter = *d, .at_s = wr_clock_wall_s()};
    if (row.letter.raw.len > WR_DEAD_RAW_MAX)
        row.letter.raw.len = WR_DEAD_RAW_MAX;
    wr_text *text[4] = {&row.letter.source, &row.letter.raw, &row.letter.field,
                        &row.letter.reason};
    for (size_t i = 0; i < 4; i++) {
        if (!text[i]->p)
            *text[i] = WR_TEXT_LIT("");
        WR_TRY(wr_mem_text(m, text[i], err));
    }
    return WR_MEM_APPEND(&m->dead, row, "dead letter", err);
}

/* What a put has come to so far. */
typedef struct put_done {
    wr_put_result res;
    wr_time_range accepted;
} put_done;

static void accept_time(put_done *done, int64_t time_s)
{
    wr_time_range *r = &done->accepted;
    r->first_s = time_s < r->first_s ? time_s : r->first_s;
    r->last_s = time_s > r->last_s ? time_s : r->last_s;
}

static wr_status put_one(wr_mem *m, const wr_put *put, size_t i, uint8_t *outcome,
                         put_done *done, wr_err *err)
{
    const wr_transfer *t = &put->transfer[i];
    const wr_transfer *stored = find_key(m, t);
    wr_put_outcome o = !stored                            ? WR_PUT_INSERTED
                       : wr_store_same_content(t, stored) ? WR_PUT_DUPLICATE
                                                          : WR_PUT_CONFLICT;
    if (outcome)
        outcome[i] = (uint8_t)o;
    if (o != WR_PUT_CONFLICT)
        accept_time(done, t->time_s);
    if (o == WR_PUT_INSERTED) {
        done->res.inserted++;
        return add_transfer(m, t, err);
    }
    if (o == WR_PUT_DUPLICATE) {
        done->res.duplicates++;
        return WR_OK;
    }
    wr_dead_letter letter;
    done->res.conflicts++;
    done->res.dead++;
    WR_TRY(wr_store_conflict_letter(&letter, &m->arena, put, i, stored, err));
    return add_dead(m, &letter, err);
}

static bool is_of_source(const wr_dead_row *d, const wr_source_mark *mark)
{
    return d->letter.partition == mark->partition &&
           wr_text_eq(d->letter.source, mark->source);
}

/* A restart takes all letters of its source away, resolved ids take those. */
static bool is_taken_away(const wr_dead_row *d, const wr_put *put)
{
    if (!is_of_source(d, put->mark))
        return false;
    bool is_named = put->mark->is_restart;
    for (size_t i = 0; !is_named && i < put->resolved_count; i++)
        is_named = put->resolved[i] == d->id;
    return is_named;
}

/* Letters among the first `count` that go. */
static uint64_t count_gone(const wr_mem *m, const wr_put *put, size_t count)
{
    uint64_t gone = 0;
    for (size_t i = 0; i < count; i++)
        gone += is_taken_away(&m->dead.item[i], put);
    return gone;
}

static void remove_gone(wr_mem *m, const wr_put *put, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < m->dead.count; i++)
        if (i >= count || !is_taken_away(&m->dead.item[i], put))
            m->dead.item[kept++] = m->dead.item[i];
    m->dead.count = kept;
}

static wr_mem_source *find_source(wr_mem *m, const wr_source_mark *mark)
{
    for (size_t i = 0; i < m->sources.count; i++)
        if (m->sources.item[i].s.partition == mark->partition &&
            wr_text_eq(m->sources.item[i].s.source, mark->source))
            return &m->sources.item[i];
    return NULL;
}

static void count_offsets(wr_source *s, const wr_source_mark *mark)
{
    if (mark->is_fenced && (s->first_offset < 0 || mark->is_restart)) {
        s->first_offset = wr_store_first_offset(mark);
        s->messages = 0;
        s->gaps = 0;
    }
    s->next_offset = mark->next_offset;
    s->messages += mark->messages;
    s->gaps += mark->gaps;
    if (mark->high_watermark > 0)
        s->high_watermark = mark->high_watermark;
}

static void count_records(wr_source *s, const wr_source_mark *mark, const put_done *done,
                          uint64_t gone)
{
    const wr_time_range *r = &done->accepted;
    gone = gone < s->dead ? gone : s->dead;
    s->records += mark->records - gone;
    s->inserted += done->res.inserted;
    s->duplicates += done->res.duplicates;
    s->dead += done->res.dead - gone;
    if (r->first_s > r->last_s)
        return;
    if (s->first_record_s == 0 || r->first_s < s->first_record_s)
        s->first_record_s = r->first_s;
    if (s->last_record_s == 0 || r->last_s > s->last_record_s)
        s->last_record_s = r->last_s;
}

static wr_status mark_source(wr_mem *m, const wr_source_mark *mark, const put_done *done,
                             uint64_t gone, wr_err *err)
{
    wr_mem_source *known = find_source(m, mark);
    int64_t now_us = wr_clock_wall_us();
    wr_mem_source next = {.s = {.source = mark->source.p ? mark->source : WR_TEXT_LIT(""),
                                .partition = mark->partition,
                                .first_offset = -1,
                                .first_s = now_us / 1000000}};
    if (known)
        next = *known;
    wr_source *s = &next.s;
    s->resume = mark->resume;
    s->status = wr_text_of(mark->status);
    s->last_error = mark->last_error;
    s->updated_s = now_us / 1000000;
    count_offsets(s, mark);
    count_records(s, mark, done, gone);
    wr_rates_add(&next.rates, mark->records, now_us);
    WR_TRY(wr_mem_text(m, &s->source, err));
    WR_TRY(wr_mem_text(m, &s->resume, err));
    WR_TRY(wr_mem_text(m, &s->status, err));
    WR_TRY(wr_mem_text(m, &s->last_error, err));
    if (!known)
        return WR_MEM_APPEND(&m->sources, next, "source", err);
    *known = next;
    return WR_OK;
}

static wr_status check_fence(wr_mem *m, const wr_source_mark *mark, wr_err *err)
{
    const wr_mem_source *known = mark && mark->is_fenced ? find_source(m, mark) : NULL;
    return known && known->s.next_offset != mark->from_offset
               ? wr_store_fence_fail(mark, known->s.next_offset, err)
               : WR_OK;
}

static wr_status put_all(wr_mem *m, const wr_put *put, uint8_t *outcome, put_done *done,
                         wr_err *err)
{
    const size_t before = m->dead.count;
    WR_TRY(check_fence(m, put->mark, err));
    for (size_t i = 0; i < put->dead_count; i++)
        WR_TRY(add_dead(m, &put->dead[i], err));
    done->res.dead = put->dead_count;
    for (size_t i = 0; i < put->transfer_count; i++)
        WR_TRY(put_one(m, put, i, outcome, done, err));
    /* Last, and itself all or nothing: the counters need no going back. */
    if (!put->mark)
        return WR_OK;
    const uint64_t gone = count_gone(m, put, before);
    WR_TRY(mark_source(m, put->mark, done, gone, err));
    if (gone)
        remove_gone(m, put, before);
    return WR_OK;
}

wr_status wr_mem_put(wr_store *st, const wr_put *put, uint8_t *outcome,
                     wr_put_result *res, wr_err *err)
{
    wr_mem *m = wr_mem_of(st);
    WR_TRY(wr_mem_ready(m, err));
    put_mark before = {m->transfers.count, m->wallets.count, m->assets.count,
                       m->dead.count, m->sources.count};
    put_done done = {.accepted = WR_TIME_RANGE_NONE};
    wr_status s = put_all(m, put, outcome, &done, err);
    if (s != WR_OK) {
        m->transfers.count = before.transfers;
        m->wallets.count = before.wallets;
        m->assets.count = before.assets;
        m->dead.count = before.dead;
        m->sources.count = before.sources;
        return s;
    }
    *res = done.res;
    return WR_OK;
}

const wr_store_backend wr_store_memory = {
    .kind = "memory",
    .dialect = "sqlite",
    .open = mem_open,
    .close = mem_close,
    .schema_begin = schema_begin,
    .schema_end = schema_end,
    .schema_read = schema_read,
    .schema_apply = schema_apply,
    .id = mem_id,
    .put = wr_mem_put,
    .bulk_begin = wr_mem_bulk,
    .bulk_end = wr_mem_bulk,
    .sources = wr_mem_sources,
    .source_get = wr_mem_source_get,
    .dead_list = wr_mem_dead_list,
    .counts = wr_mem_counts,
    .safe_seq = wr_mem_safe_seq,
    .label_rev = wr_mem_label_rev,
    .wait = wr_mem_wait,
    .scan_edges = wr_mem_scan_edges,
    .scan_wallets = wr_mem_scan_wallets,
    .wallets_get = wr_mem_wallets_get,
    .scan_assets = wr_mem_scan_assets,
    .labels_put = wr_mem_labels_put,
    .labels_remove = wr_mem_labels_remove,
    .labels_list = wr_mem_labels_list,
    .labels_of = wr_mem_labels_of,
    .labels_changed = wr_mem_labels_changed,
    .transfer_get = wr_mem_transfer_get,
    .wallet_transfers = wr_mem_wallet_transfers,
    .wallet_find = wr_mem_wallet_find,
    .run_put = wr_mem_run_put,
    .run_get = wr_mem_run_get,
    .run_list = wr_mem_run_list,
    .scores_put = wr_mem_scores_put,
    .scores_top = wr_mem_scores_top,
    .score_get = wr_mem_score_get,
    .model_put = wr_mem_model_put,
    .models = wr_mem_models,
    .model_get = wr_mem_model_get,
    .model_switch = wr_mem_model_switch,
};
