#include <stdlib.h>
#include <string.h>

#include "pipeline/input/load.h"
#include "util/buf.h"

typedef struct used_label {
    wr_vid v;
    uint8_t category;
    uint8_t confidence;
    uint32_t from_s, to_s;
    wr_text source;
} used_label;

typedef struct label_load {
    const wr_snapshot *g;
    const wr_taxonomy *tx;
    wr_seeds *seeds;
    used_label *used;
    size_t count, cap;
    wr_arena arena; /* source names */
} label_load;

uint32_t wr_label_time(int64_t t, uint32_t if_none)
{
    if (t == WR_TIME_NONE)
        return if_none;
    return t < 0 ? 0 : t > UINT32_MAX ? UINT32_MAX : (uint32_t)t;
}

static wr_status take_label(void *ctx, const wr_label_row *row, wr_err *err)
{
    label_load *l = ctx;
    const wr_label *b = &row->label;
    const wr_ids *ids = wr_snapshot_ids(l->g);
    wr_vid v = wr_ids_vertex_of_wallet(ids, row->wallet_id);
    if (v == WR_VID_NONE)
        return WR_OK; /* it came after the graph's last transfer */
    int c = wr_taxonomy_find(l->tx, b->category);
    if (c < 0)
        return wr_fail(err, WR_ECONFLICT,
                       "label category '%.*s' is not in categories.yaml",
                       WR_TEXT_ARG(b->category));
    used_label *p = wr_grow(l->used, &l->cap, l->count + 1, sizeof *p);
    if (!p)
        return wr_fail(err, WR_ENOMEM, "%zu labels", l->count);
    l->used = p;
    wr_text source = wr_arena_text(&l->arena, b->source);
    if (b->source.p && !source.p)
        return wr_fail(err, WR_ENOMEM, "label sources");
    used_label *u = &l->used[l->count++];
    *u = (used_label){.v = v,
                      .category = (uint8_t)c,
                      .confidence = b->confidence,
                      .from_s = wr_label_time(b->valid_from_s, 0),
                      .to_s = wr_label_time(b->valid_to_s, UINT32_MAX),
                      .source = source};
    wr_seeds_offer(l->seeds, l->tx, v, c, u->confidence / 100.0, u->from_s, u->to_s);
    return WR_OK;
}

static int cmp_u32(uint32_t a, uint32_t b)
{
    return (a > b) - (a < b);
}

static int by_meaning(const void *pa, const void *pb)
{
    const used_label *a = pa;
    const used_label *b = pb;
    int d = cmp_u32(a->v, b->v);
    d = d ? d : cmp_u32(a->category, b->category);
    d = d ? d : cmp_u32(a->confidence, b->confidence);
    d = d ? d : cmp_u32(a->from_s, b->from_s);
    d = d ? d : cmp_u32(a->to_s, b->to_s);
    d = d ? d : cmp_u32(a->source.len, b->source.len);
    return d || !a->source.len ? d : memcmp(a->source.p, b->source.p, a->source.len);
}

static wr_status digest_labels(wr_digest_hex *out, label_load *l, wr_err *err)
{
    if (l->count)
        qsort(l->used, l->count, sizeof *l->used, by_meaning);
    wr_digest d;
    WR_TRY(wr_digest_init(&d, err));
    wr_digest_add_u64(&d, l->count);
    for (size_t i = 0; i < l->count; i++) {
        const used_label *u = &l->used[i];
        wr_digest_add_u64(&d, u->v);
        wr_digest_add_text(&d, l->tx->category[u->category].id);
        wr_digest_add_u64(&d, u->confidence);
        wr_digest_add_u64(&d, (uint64_t)u->from_s << 32 | u->to_s);
        wr_digest_add_text(&d, u->source.p ? u->source.p : "");
    }
    wr_digest_hex_of(&d, out);
    wr_digest_release(&d);
    return WR_OK;
}

static int by_source(const void *pa, const void *pb)
{
    const used_label *a = pa;
    const used_label *b = pb;
    const uint32_t n = a->source.len < b->source.len ? a->source.len : b->source.len;
    int d = n ? memcmp(a->source.p, b->source.p, n) : 0;
    return d ? d : cmp_u32(a->source.len, b->source.len);
}

/* Reorders l->used. */
static wr_status name_sources(char **out, label_load *l, wr_err *err)
{
    wr_buf b;
    wr_buf_init(&b, 65536);
    wr_buf_adds(&b, "");
    if (l->count)
        qsort(l->used, l->count, sizeof *l->used, by_source);
    for (size_t i = 0; i < l->count; i++)
        if (i == 0 || !wr_text_eq(l->used[i].source, l->used[i - 1].source))
            wr_buf_addf(&b, "%s%.*s", b.len ? "; " : "", WR_TEXT_ARG(l->used[i].source));
    wr_status s = wr_buf_status(&b, "label sources", NULL);
    *out = wr_buf_steal(&b, NULL); /* over the maximum: the first of them */
    wr_buf_release(&b);
    return s == WR_ENOMEM ? wr_fail(err, s, "label sources") : WR_OK;
}

/* Keep the categories in use as columns, in taxonomy order. */
static void compact(wr_label_set *set)
{
    wr_seeds *s = &set->seeds;
    bool is_used_category[WR_CATEGORY_MAX] = {false};
    for (uint32_t v = 0; v < s->n; v++)
        if (s->category[v] >= 0)
            is_used_category[s->category[v]] = true;
    int8_t column_of[WR_CATEGORY_MAX] = {0};
    uint8_t kind[WR_CATEGORY_MAX] = {0};
    uint32_t c = 0;
    for (uint32_t k = 0; k < s->c; k++)
        if (is_used_category[k]) {
            column_of[k] = (int8_t)c;
            kind[c] = s->kind[k];
            set->column[c++] = (uint8_t)k;
        }
    if (c == 0) {
        kind[0] = s->kind[0];
        set->column[0] = 0;
        c = 1;
    }
    for (uint32_t v = 0; v < s->n; v++)
        if (s->category[v] >= 0)
            s->category[v] = column_of[s->category[v]];
    memcpy(s->kind, kind, sizeof kind);
    s->c = c;
}

static wr_status see_one(void *ctx, const wr_label_row *row, wr_err *err)
{
    (void)row;
    (void)err;
    *(bool *)ctx = true;
    return WR_OK;
}

static wr_status load_labels(wr_label_set *set, label_load *l, wr_store *st, wr_err *err)
{
    const wr_label_filter all = {0};
    WR_TRY(wr_store_labels_list(st, set->rev, &all, false, 0, 1, see_one,
                                &set->is_available, err));
    WR_TRY(wr_store_labels_list(st, set->rev, &all, true, 0, 0, take_label, l, err));
    set->count = l->count;
    compact(set);
    WR_TRY(digest_labels(&set->digest, l, err));
    return name_sources(&set->sources, l, err);
}

wr_status wr_load_labels(wr_label_set *out, wr_store *st, const wr_snapshot *g,
                         const wr_taxonomy *tx, int64_t rev, wr_err *err)
{
    wr_label_set set = {.rev = rev};
    if (rev < 0) {
        wr_counts counts;
        WR_TRY(wr_store_counts(st, &counts, err));
        set.rev = counts.label_rev;
    }
    WR_TRY(wr_seeds_init(&set.seeds, wr_snapshot_n(g), tx, err));
    label_load l = {.g = g, .tx = tx, .seeds = &set.seeds};
    wr_arena_init(&l.arena, 0);
    wr_status s = load_labels(&set, &l, st, err);
    wr_arena_release(&l.arena);
    wr_free(l.used);
    if (s != WR_OK) {
        wr_label_set_release(&set);
        return wr_fail_ctx(err, s, "loading labels");
    }
    *out = set;
    return WR_OK;
}

int8_t wr_label_column(const wr_label_set *l, const wr_taxonomy *tx, const char *word)
{
    const int category = wr_taxonomy_find(tx, wr_text_of(word));
    for (uint32_t k = 0; category >= 0 && k < l->seeds.c; k++)
        if (l->column[k] == category)
            return (int8_t)k;
    return WR_SEED_NONE;
}

void wr_label_set_release(wr_label_set *l)
{
    wr_seeds_release(&l->seeds);
    wr_free(l->sources);
    *l = (wr_label_set){0};
}
