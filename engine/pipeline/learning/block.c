#include "pipeline/learning/block.h"

#include <inttypes.h>
#include <string.h>

#include "util/clock.h"
#include "util/digest.h"

/* --- whom there is to choose from -----------------------------------------------------
 */

static bool is_service(const wr_seeds *s, wr_vid v)
{
    const int c = s->category[v];
    return c >= 0 && s->kind[c] == WR_CATEGORY_SERVICE;
}

static void find_first(wr_population *p, uint32_t n)
{
    const wr_columns col = wr_snapshot_columns(p->g);
    for (uint32_t v = 0; v < n; v++)
        p->first_s[v] = UINT32_MAX;
    for (uint64_t i = col.m; i-- > 0;) /* backwards: the first one is written last */
        p->first_s[col.from[i]] = p->first_s[col.to[i]] = col.time_s[i];
    for (uint32_t v = 0; v < n; v++)
        if (wr_snapshot_is_hub(p->g, v) || is_service(p->seeds, v) ||
            p->truth->is_unknown[v])
            p->first_s[v] = UINT32_MAX;
}

static void find_known(wr_population *p, uint32_t n)
{
    for (uint32_t k = 0; k < p->truth->incidents; k++)
        p->known_s[k] = UINT32_MAX;
    for (uint32_t v = 0; v < n; v++) {
        const uint32_t k = p->truth->incident[v];
        if (k == WR_INCIDENT_NONE || p->seeds->category[v] < 0)
            continue;
        const uint32_t from = p->seeds->from_s ? p->seeds->from_s[v] : 0;
        p->known_s[k] = from < p->known_s[k] ? from : p->known_s[k];
    }
}

wr_status wr_population_init(wr_population *p, const wr_snapshot *g,
                             const wr_seeds *seeds, const wr_truth_set *truth,
                             wr_err *err)
{
    const uint32_t n = wr_snapshot_n(g);
    *p = (wr_population){.g = g,
                         .seeds = seeds,
                         .truth = truth,
                         .first_s = wr_calloc(n, sizeof *p->first_s),
                         .known_s = wr_calloc(truth->incidents, sizeof *p->known_s)};
    if (!p->first_s || !p->known_s) {
        wr_population_release(p);
        return wr_fail(err, WR_ENOMEM, "first times of %" PRIu32 " wallets", n);
    }
    find_first(p, n);
    find_known(p, n);
    return WR_OK;
}

void wr_population_release(wr_population *p)
{
    wr_free(p->first_s);
    wr_free(p->known_s);
    *p = (wr_population){0};
}

/* --- one block ------------------------------------------------------------------------
 */

static bool is_of_block(const wr_block *b, const wr_population *p, const wr_block_opts *o,
                        wr_vid v)
{
    const uint32_t t = p->first_s[v];
    if (t < b->from_s || t >= b->to_s || t == UINT32_MAX)
        return false;
    if (o->share_of && o->share_of[v] != o->share)
        return false;
    return !o->is_label_kept_out || wr_seeds_at(p->seeds, v, b->to_s - 1) == WR_SEED_NONE;
}

static double draw(wr_vid v, uint64_t seed)
{
    return (double)(wr_hash64(&v, sizeof v, seed) >> 11) * 0x1.0p-53;
}

static void count(size_t *bad, size_t *good, const wr_block *b, const wr_population *p,
                  const wr_block_opts *o)
{
    *bad = *good = 0;
    for (uint32_t v = 0; v < p->truth->n; v++)
        if (is_of_block(b, p, o, v))
            ++*(wr_truth_is_bad(p->truth, v) ? bad : good);
}

static wr_status fill(wr_block *b, const wr_population *p, const wr_block_opts *o,
                      double rate, wr_err *err)
{
    WR_AUTO_ARRAY bool *is_seen = wr_calloc(p->truth->incidents, sizeof *is_seen);
    if (!is_seen)
        return wr_fail(err, WR_ENOMEM, "%" PRIu32 " incidents", p->truth->incidents);
    for (uint32_t v = 0; v < p->truth->n; v++) {
        const bool is_bad = wr_truth_is_bad(p->truth, v);
        if (!is_of_block(b, p, o, v) || (!is_bad && draw(v, o->seed) >= rate))
            continue;
        b->v[b->rows] = v;
        b->is_bad[b->rows] = is_bad;
        b->weight[b->rows++] = is_bad ? 1.0F : (float)(1 / rate);
        if (is_bad && !is_seen[p->truth->incident[v]]) {
            is_seen[p->truth->incident[v]] = true;
            b->incidents++;
        }
        b->bad += is_bad;
    }
    return WR_OK;
}

static wr_status pick(wr_block *b, const wr_population *p, const wr_block_opts *o,
                      wr_err *err)
{
    size_t bad = 0;
    size_t good = 0;
    count(&bad, &good, b, p, o);
    if (!bad || !good) {
        char from[WR_RFC3339_MAX];
        char to[WR_RFC3339_MAX];
        wr_time_format(from, b->from_s);
        wr_time_format(to, b->to_s);
        return wr_fail(err, WR_EINVAL,
                       "block '%s', wallets first seen from %s to %s: %zu bad and %zu "
                       "good ones, at least one of each is needed",
                       b->name, from, to, bad, good);
    }
    const size_t most = bad + good;
    b->v = wr_calloc(most, sizeof *b->v);
    b->is_bad = wr_calloc(most, sizeof *b->is_bad);
    b->weight = wr_calloc(most, sizeof *b->weight);
    if (!b->v || !b->is_bad || !b->weight)
        return wr_fail(err, WR_ENOMEM, "block of %zu wallets", most);
    return fill(b, p, o, good > o->good_max ? (double)o->good_max / (double)good : 1.0,
                err);
}

wr_status wr_block_pick(wr_block *out, const char *name, uint32_t from_s, uint32_t to_s,
                        const wr_population *p, const wr_block_opts *o, wr_err *err)
{
    *out = (wr_block){.name = name, .from_s = from_s, .to_s = to_s};
    const wr_status s = pick(out, p, o, err);
    if (s != WR_OK)
        wr_block_release(out);
    return s;
}

void wr_block_release(wr_block *b)
{
    wr_free(b->v);
    wr_free(b->is_bad);
    wr_free(b->weight);
    *b = (wr_block){0};
}

/* --- its rows -------------------------------------------------------------------------
 */

enum { PIECE_ROWS = 8192 };

typedef struct visit {
    const wr_block *b;
    const uint32_t *column;
    uint32_t columns;
    wr_block_fn *fn;
    void *ctx;
    float *piece; /* [PIECE_ROWS * columns] */
    size_t held;  /* rows in it */
    size_t at;    /* row of the block that comes next */
} visit;

static wr_status hand_over(visit *v, wr_err *err)
{
    const size_t rows = v->held;
    v->held = 0;
    return rows ? v->fn(v->ctx, v->at - rows, rows, v->piece, err) : WR_OK;
}

static wr_status take(void *ctx, wr_vid first, uint32_t rows, const float *x, wr_err *err)
{
    visit *v = ctx;
    const uint32_t all = wr_frame_columns();
    while (v->at < v->b->rows && v->b->v[v->at] - first < rows) {
        const float *row = x + (size_t)(v->b->v[v->at] - first) * all;
        float *to = v->piece + v->held * v->columns;
        for (uint32_t k = 0; k < v->columns; k++)
            to[k] = row[v->column[k]];
        v->at++;
        if (++v->held == PIECE_ROWS)
            WR_TRY(hand_over(v, err));
    }
    return WR_OK;
}

static bool has_motifs(const uint32_t *column, uint32_t columns)
{
    for (uint32_t k = 0; k < columns; k++)
        if (wr_frame_column_at(column[k])->group == WR_FRAME_MOTIFS)
            return true;
    return false;
}

wr_status wr_block_visit(const wr_block *b, const wr_frame_input *in,
                         const uint32_t *column, uint32_t columns, wr_block_fn *fn,
                         void *ctx, wr_err *err)
{
    WR_AUTO_ARRAY float *piece = wr_calloc((size_t)PIECE_ROWS * columns, sizeof *piece);
    if (!piece)
        return wr_fail(err, WR_ENOMEM, "rows of %" PRIu32 " columns", columns);
    visit v = {.b = b,
               .column = column,
               .columns = columns,
               .fn = fn,
               .ctx = ctx,
               .piece = piece};
    wr_frame_input frame = *in;
    if (!has_motifs(column, columns))
        frame.typologies.policy = NULL;
    WR_TRY(wr_frame_run(&frame, take, &v, err));
    return hand_over(&v, err);
}
