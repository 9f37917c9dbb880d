#include "scoring/forest.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "util/rng.h"

enum { HEAD_BYTES = 28, NODE_BYTES = 16, ROWS_PER_TASK = 256 };

#define NAN_LEFT   0x80000000U
#define FEATURE_OF 0x7FFFFFFFU

static const char MAGIC[8] = "wrforest";
static const uint32_t VERSION = 1;

typedef struct node {
    float at;         /* a row below it goes left */
    uint32_t feature; /* and NAN_LEFT */
    uint32_t child;   /* the left one, within the tree; right follows; 0 = leaf */
    uint32_t rows;    /* of the sample */
} node;

struct wr_forest {
    uint32_t trees, features, sample;
    double *rest;   /* [sample + 1] c(n): what a leaf of n rows adds; the last divides */
    uint32_t *root; /* [trees + 1] first node of each tree */
    node *n;
};

/* What one tree is built with; the arrays are its own. */
typedef struct builder {
    const float *x;
    uint32_t features, sample, depth_most;
    wr_rng r;
    uint32_t *row;  /* [sample] rows of the sample, each node's side by side */
    uint32_t *from; /* [2 sample] first of a node's rows */
    uint8_t *depth; /* [2 sample] */
    uint32_t *open; /* [features] those that differ within a node */
    node *n;        /* [2 sample] */
    uint32_t nodes;
} builder;

double wr_forest_mean_path(uint32_t n)
{
    double h = 0.0;
    if (n < 2)
        return 0.0;
    for (uint32_t i = n - 1; i > 0; i--) /* smallest first */
        h += 1.0 / i;
    return 2.0 * h - 2.0 * (n - 1.0) / n;
}

/* `sample` different rows of `rows` (Floyd); few enough to look through. */
static void draw_rows(builder *b, size_t rows)
{
    for (uint32_t i = 0; i < b->sample; i++) {
        const uint64_t last = rows - b->sample + i;
        uint32_t pick = (uint32_t)wr_rng_below(&b->r, last + 1);
        for (uint32_t k = 0; k < i; k++)
            if (b->row[k] == pick) {
                pick = (uint32_t)last;
                break;
            }
        b->row[i] = pick;
    }
}

static void range_of(const builder *b, const node *n, uint32_t from, uint32_t feature,
                     float *least, float *most)
{
    *least = INFINITY;
    *most = -INFINITY;
    for (uint32_t i = from; i < from + n->rows; i++) {
        const float v = b->x[(size_t)b->row[i] * b->features + feature];
        *least = v < *least ? v : *least; /* NaN is neither */
        *most = v > *most ? v : *most;
    }
}

/* A feature that differs here and a place above its least, up to its most value. */
static bool draw_cut(builder *b, node *n, uint32_t from)
{
    uint32_t open = 0;
    float least, most;
    for (uint32_t k = 0; k < b->features; k++) {
        range_of(b, n, from, k, &least, &most);
        if (least < most)
            b->open[open++] = k;
    }
    if (open == 0)
        return false;
    n->feature = b->open[wr_rng_below(&b->r, open)];
    range_of(b, n, from, n->feature, &least, &most);
    const double u = wr_rng_unit(&b->r);
    n->at = (float)((double)least + u * ((double)most - (double)least));
    if (!(n->at > least))
        n->at = nextafterf(least, most);
    return true;
}

/* Sorts a node's rows to its two sides; returns how many go left. */
static uint32_t part(builder *b, node *n, uint32_t from)
{
    uint32_t below = 0, above = 0;
    for (uint32_t i = from; i < from + n->rows; i++) {
        const float v = b->x[(size_t)b->row[i] * b->features + n->feature];
        below += v < n->at;
        above += v >= n->at;
    }
    const bool is_nan_left = below >= above;
    uint32_t left = from;
    for (uint32_t i = from; i < from + n->rows; i++) {
        const float v = b->x[(size_t)b->row[i] * b->features + n->feature];
        if (isnan(v) ? !is_nan_left : v >= n->at)
            continue;
        const uint32_t swap = b->row[left];
        b->row[left++] = b->row[i];
        b->row[i] = swap;
    }
    n->feature |= is_nan_left ? NAN_LEFT : 0;
    return left - from;
}

static void grow(builder *b, size_t rows)
{
    draw_rows(b, rows);
    b->n[0] = (node){.rows = b->sample};
    b->from[0] = 0;
    b->depth[0] = 0;
    b->nodes = 1;
    for (uint32_t i = 0; i < b->nodes; i++) {
        node *n = &b->n[i];
        const uint32_t from = b->from[i];
        if (n->rows < 2 || b->depth[i] == b->depth_most || !draw_cut(b, n, from))
            continue;
        const uint32_t left = part(b, n, from);
        const uint32_t c = n->child = b->nodes;
        b->n[c] = (node){.rows = left};
        b->n[c + 1] = (node){.rows = n->rows - left};
        b->from[c] = from;
        b->from[c + 1] = from + left;
        b->depth[c] = b->depth[c + 1] = (uint8_t)(b->depth[i] + 1);
        b->nodes += 2;
    }
}

static wr_status check(const float *x, size_t rows, uint32_t features,
                       const wr_forest_opts *o, wr_err *err)
{
    if (o->trees < 1 || o->trees > WR_FOREST_TREES_MAX)
        return wr_fail(err, WR_EINVAL, "trees %u outside 1..%d", o->trees,
                       WR_FOREST_TREES_MAX);
    if (o->sample < 2 || o->sample > WR_FOREST_SAMPLE_MAX)
        return wr_fail(err, WR_EINVAL, "sample %u outside 2..%d", o->sample,
                       WR_FOREST_SAMPLE_MAX);
    if (features < 1 || features > WR_FOREST_FEATURES_MAX)
        return wr_fail(err, WR_EINVAL, "features %u outside 1..%d", features,
                       WR_FOREST_FEATURES_MAX);
    if (rows < 2 || rows > UINT32_MAX)
        return wr_fail(err, WR_EINVAL, "%zu rows, not 2..%u", rows, UINT32_MAX);
    for (size_t i = 0; i < rows * features; i++)
        if (isinf(x[i]))
            return wr_fail(err, WR_EINVAL, "feature %zu of row %zu is infinite",
                           i % features, i / features);
    return WR_OK;
}

static wr_status new_forest(wr_forest **out, uint32_t trees, uint32_t features,
                            uint32_t sample, size_t nodes, wr_err *err)
{
    WR_AUTO(wr_forest) f = wr_calloc(1, sizeof *f);
    if (!f)
        return wr_fail(err, WR_ENOMEM, "forest");
    f->trees = trees;
    f->features = features;
    f->sample = sample;
    f->root = wr_calloc(trees + 1ULL, sizeof *f->root);
    f->n = wr_calloc(nodes, sizeof *f->n);
    f->rest = wr_calloc(sample + 1ULL, sizeof *f->rest);
    if (!f->root || !f->n || !f->rest)
        return wr_fail(err, WR_ENOMEM, "forest of %zu nodes", nodes);
    for (uint32_t i = 0; i <= sample; i++)
        f->rest[i] = wr_forest_mean_path(i);
    *out = WR_STEAL(f);
    return WR_OK;
}

wr_status wr_forest_fit(wr_forest **out, const float *x, size_t rows, uint32_t features,
                        const wr_forest_opts *o, wr_err *err)
{
    WR_TRY(check(x, rows, features, o, err));
    const uint32_t trees = o->trees;
    const uint32_t sample = rows < o->sample ? (uint32_t)rows : o->sample;
    const size_t room = 2ULL * sample; /* nodes of a tree: 2 sample - 1 at most */
    uint32_t depth_most = 0;
    while ((1U << depth_most) < sample)
        depth_most++;
    WR_AUTO(wr_forest) f = NULL;
    WR_TRY(new_forest(&f, trees, features, sample, trees * room, err));
    WR_AUTO_ARRAY uint32_t *row = wr_calloc((size_t)trees * sample, sizeof *row);
    WR_AUTO_ARRAY uint32_t *from = wr_calloc(trees * room, sizeof *from);
    WR_AUTO_ARRAY uint8_t *depth = wr_calloc(trees * room, 1);
    WR_AUTO_ARRAY uint32_t *open = wr_calloc((size_t)trees * features, sizeof *open);
    if (!row || !from || !depth || !open)
        return wr_fail(err, WR_ENOMEM, "forest of %u trees", trees);
    wr_rng seed = {.s = o->seed};
    const uint64_t base = wr_rng_u64(&seed);
    node *n = f->n;
    uint32_t *root = f->root;
#pragma omp parallel for default(none) schedule(dynamic, 1)                            \
    shared(x, rows, features, trees, sample, room, depth_most, row, from, depth, open, \
           base, n, root)
    for (uint32_t t = 0; t < trees; t++) {
        wr_rng own = {.s = base};
        builder b = {.x = x,
                     .features = features,
                     .sample = sample,
                     .depth_most = depth_most,
                     .r = wr_rng_fork(&own, t)};
        b.row = row + (size_t)t * sample;
        b.from = from + t * room;
        b.depth = depth + t * room;
        b.open = open + (size_t)t * features;
        b.n = n + t * room;
        grow(&b, rows);
        root[t + 1] = b.nodes;
    }
    for (uint32_t t = 0; t < trees; t++) { /* side by side, in the order of trees */
        const uint32_t nodes = root[t + 1];
        memmove(n + root[t], n + t * room, nodes * sizeof *n);
        root[t + 1] = root[t] + nodes;
    }
    *out = WR_STEAL(f);
    return WR_OK;
}

void wr_forest_free(wr_forest *f)
{
    if (!f)
        return;
    wr_free(f->root);
    wr_free(f->rest);
    wr_free(f->n);
    wr_free(f);
}

uint32_t wr_forest_features(const wr_forest *f)
{
    return f->features;
}

static double path_in(const node *n, const double *rest, const float *x)
{
    uint32_t at = 0;
    uint32_t depth = 0;
    for (; n[at].child; depth++) {
        const float v = x[n[at].feature & FEATURE_OF];
        const bool is_left = isnan(v) ? (n[at].feature & NAN_LEFT) != 0 : v < n[at].at;
        at = n[at].child + (is_left ? 0 : 1);
    }
    return depth + rest[n[at].rows];
}

double wr_forest_path(const wr_forest *f, const float *x)
{
    double sum = 0.0;
    for (uint32_t t = 0; t < f->trees; t++)
        sum += path_in(f->n + f->root[t], f->rest, x);
    return sum / f->trees;
}

double wr_forest_score(const wr_forest *f, const float *x)
{
    return exp2(-wr_forest_path(f, x) / f->rest[f->sample]);
}

void wr_forest_scores(double *score, const wr_forest *f, const float *x, size_t rows)
{
    const size_t d = f->features;
#pragma omp parallel for default(none) shared(score, f, x, rows, d) \
    schedule(static, ROWS_PER_TASK)
    for (size_t i = 0; i < rows; i++)
        score[i] = wr_forest_score(f, x + i * d);
}

static uint8_t *put(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        *p++ = (uint8_t)(v >> (8 * i));
    return p;
}

static uint32_t get(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
           (uint32_t)p[3] << 24;
}

wr_status wr_forest_save(void **bytes, size_t *len, const wr_forest *f, wr_err *err)
{
    const uint32_t nodes = f->root[f->trees];
    const size_t size = HEAD_BYTES + 4ULL * f->trees + (size_t)NODE_BYTES * nodes;
    uint8_t *to = wr_calloc(size, 1);
    if (!to)
        return wr_fail(err, WR_ENOMEM, "forest of %zu bytes", size);
    memcpy(to, MAGIC, sizeof MAGIC);
    uint8_t *p = put(to + sizeof MAGIC, VERSION);
    p = put(p, f->trees);
    p = put(p, f->features);
    p = put(p, f->sample);
    p = put(p, nodes);
    for (uint32_t t = 1; t <= f->trees; t++)
        p = put(p, f->root[t]);
    for (uint32_t i = 0; i < nodes; i++) {
        uint32_t bits;
        memcpy(&bits, &f->n[i].at, sizeof bits);
        p = put(put(put(put(p, bits), f->n[i].feature), f->n[i].child), f->n[i].rows);
    }
    *bytes = to;
    *len = size;
    return WR_OK;
}

/* Children come later than their parent and stay within the tree: no walk can loop. */
static wr_status check_tree(const wr_forest *f, uint32_t t, wr_err *err)
{
    const uint32_t nodes = f->root[t + 1] - f->root[t];
    const node *n = f->n + f->root[t];
    for (uint32_t i = 0; i < nodes; i++) {
        const bool is_leaf = n[i].child == 0;
        if (n[i].rows > f->sample || (n[i].feature & FEATURE_OF) >= f->features ||
            isnan(n[i].at) ||
            (!is_leaf && (n[i].child <= i || n[i].child + 1ULL >= nodes)))
            return wr_fail(err, WR_ECORRUPT,
                           "forest: node %u of tree %u is out of bounds", i, t);
    }
    return WR_OK;
}

wr_status wr_forest_load(wr_forest **out, const void *bytes, size_t len, wr_err *err)
{
    const uint8_t *p = bytes;
    if (len < HEAD_BYTES || memcmp(p, MAGIC, sizeof MAGIC) != 0)
        return wr_fail(err, WR_ECORRUPT, "no forest in %zu bytes", len);
    if (get(p + 8) != VERSION)
        return wr_fail(err, WR_ECORRUPT, "forest of version %u", get(p + 8));
    const uint32_t trees = get(p + 12), features = get(p + 16), sample = get(p + 20);
    const uint32_t nodes = get(p + 24);
    if (trees < 1 || trees > WR_FOREST_TREES_MAX || features < 1 ||
        features > WR_FOREST_FEATURES_MAX || sample < 2 || sample > WR_FOREST_SAMPLE_MAX)
        return wr_fail(err, WR_ECORRUPT, "forest of %u trees, %u features, sample %u",
                       trees, features, sample);
    if (len != HEAD_BYTES + 4ULL * trees + (uint64_t)NODE_BYTES * nodes)
        return wr_fail(err, WR_ECORRUPT, "forest of %u nodes in %zu bytes", nodes, len);
    WR_AUTO(wr_forest) f = NULL;
    WR_TRY(new_forest(&f, trees, features, sample, nodes, err));
    p += HEAD_BYTES;
    for (uint32_t t = 1; t <= trees; t++, p += 4) {
        f->root[t] = get(p);
        if (f->root[t] <= f->root[t - 1] || f->root[t] > nodes)
            return wr_fail(err, WR_ECORRUPT, "forest: tree %u is out of bounds", t - 1);
    }
    if (f->root[trees] != nodes)
        return wr_fail(err, WR_ECORRUPT, "forest: nodes behind its last tree");
    for (uint32_t i = 0; i < nodes; i++, p += NODE_BYTES) {
        const uint32_t bits = get(p);
        f->n[i] = (node){.feature = get(p + 4), .child = get(p + 8), .rows = get(p + 12)};
        memcpy(&f->n[i].at, &bits, sizeof bits);
    }
    for (uint32_t t = 0; t < trees; t++)
        WR_TRY(check_tree(f, t, err));
    *out = WR_STEAL(f);
    return WR_OK;
}
