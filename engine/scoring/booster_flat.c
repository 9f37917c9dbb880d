#include "scoring/booster_flat.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "scoring/ubj_int.h"

enum { LANES = 8, NUMBER_MAX = 32, ROWS_PER_TASK = 256 };

#define NAN_LEFT   0x80000000U
#define IS_SPLIT   0x40000000U
#define FEATURE_OF 0x3FFFFFFFU

typedef struct node {
    float at;         /* a split's threshold, a leaf's value */
    uint32_t feature; /* and the two flags */
    uint32_t child;   /* the left one, the right one follows; a leaf's is itself */
} node;

typedef struct tree {
    uint32_t root;
    uint32_t depth; /* steps to the deepest leaf */
} tree;

struct wr_booster_flat {
    uint32_t features, trees;
    float base; /* margin before the first tree */
    tree *t;    /* [trees] */
    node *n;
    char *text;        /* the names, each with its NUL */
    const char **name; /* [features] */
    double *gain;      /* [features] */
    uint32_t *splits;  /* [features] */
};

/* One tree as it stands in the bytes; every array has `count` entries. */
typedef struct columns {
    size_t count;
    wr_ubj_value left, right, feature, at, nan_left, gain;
} columns;

typedef struct reader {
    wr_ubj u;
    wr_ubj_value trees;
    size_t nodes;      /* of all trees */
    size_t nodes_most; /* of one tree */
    uint32_t *order;   /* [nodes_most] its nodes, level by level */
    uint8_t *is_met;   /* [nodes_most] */
} reader;

static wr_status get(wr_ubj_value *out, const wr_ubj *u, const wr_ubj_value *in,
                     const char *key, wr_err *err)
{
    if (!wr_ubj_get(out, u, in, key))
        return wr_fail(err, WR_ECORRUPT, "model without '%s'", key);
    return WR_OK;
}

/* Parameters stand as text. */
static wr_status get_number(double *out, const wr_ubj *u, const wr_ubj_value *in,
                            const char *key, wr_err *err)
{
    wr_ubj_value v;
    char text[NUMBER_MAX] = {0};
    char *end;
    WR_TRY(get(&v, u, in, key, err));
    if (v.type != 'S' || v.count == 0 || v.count >= sizeof text)
        return wr_fail(err, WR_ECORRUPT, "model's '%s' is no number", key);
    memcpy(text, u->p + v.at, v.count);
    *out = (double)strtof(text, &end);
    if (*end || !isfinite(*out))
        return wr_fail(err, WR_ECORRUPT, "model's '%s' is no number", key);
    return WR_OK;
}

static wr_status want_number(const wr_ubj *u, const wr_ubj_value *in, const char *key,
                             size_t want, wr_err *err)
{
    double v;
    WR_TRY(get_number(&v, u, in, key, err));
    if (v != (double)want)
        return wr_fail(err, WR_ECORRUPT, "model's '%s' is %g, not %zu", key, v, want);
    return WR_OK;
}

static wr_status want_name(const wr_ubj *u, const wr_ubj_value *in, const char *key,
                           const char *want, wr_err *err)
{
    wr_ubj_value v, name;
    WR_TRY(get(&v, u, in, key, err));
    WR_TRY(get(&name, u, &v, "name", err));
    if (!wr_ubj_is_text(u, &name, want))
        return wr_fail(err, WR_ECORRUPT, "model's %s is not %s", key, want);
    return WR_OK;
}

/* An array of the tree: right type, as many entries as nodes. */
static wr_status get_column(wr_ubj_value *out, const wr_ubj *u, const wr_ubj_value *t,
                            const char *key, bool is_float, size_t count, wr_err *err)
{
    WR_TRY(get(out, u, t, key, err));
    if (is_float ? !wr_ubj_is_floats(out) : !wr_ubj_is_ints(out))
        return wr_fail(err, WR_ECORRUPT, "tree's '%s' is of another type", key);
    if (out->count != count)
        return wr_fail(err, WR_ECORRUPT, "tree's '%s' has %zu entries, not %zu", key,
                       out->count, count);
    return WR_OK;
}

static wr_status want_empty(const wr_ubj *u, const wr_ubj_value *t, const char *key,
                            wr_err *err)
{
    wr_ubj_value v;
    WR_TRY(get(&v, u, t, key, err));
    if (v.type != '[' || v.count > 0)
        return wr_fail(err, WR_ECORRUPT, "tree with '%s'", key);
    return WR_OK;
}

/* Also what only the library reads: it trusts these arrays. */
static wr_status get_columns(columns *c, const wr_ubj *u, const wr_ubj_value *t,
                             wr_err *err)
{
    wr_ubj_value v, param;
    WR_TRY(get(&v, u, t, "left_children", err));
    const size_t n = c->count = v.count;
    if (n == 0)
        return wr_fail(err, WR_ECORRUPT, "tree without nodes");
    WR_TRY(get(&param, u, t, "tree_param", err));
    WR_TRY(want_number(u, &param, "num_nodes", n, err));
    WR_TRY(want_number(u, &param, "size_leaf_vector", 0, err));
    WR_TRY(get_column(&c->left, u, t, "left_children", false, n, err));
    WR_TRY(get_column(&c->right, u, t, "right_children", false, n, err));
    WR_TRY(get_column(&c->feature, u, t, "split_indices", false, n, err));
    WR_TRY(get_column(&c->at, u, t, "split_conditions", true, n, err));
    WR_TRY(get_column(&c->nan_left, u, t, "default_left", false, n, err));
    WR_TRY(get_column(&c->gain, u, t, "loss_changes", true, n, err));
    WR_TRY(get_column(&v, u, t, "base_weights", true, n, err));
    WR_TRY(get_column(&v, u, t, "sum_hessian", true, n, err));
    WR_TRY(get_column(&v, u, t, "split_type", false, n, err));
    for (size_t i = 0; i < n; i++)
        if (wr_ubj_int(u, &v, i) != 0)
            return wr_fail(err, WR_ECORRUPT, "tree with a split by category");
    WR_TRY(get_column(&v, u, t, "parents", false, n, err));
    for (size_t i = 0; i < n; i++) {
        const int64_t parent = wr_ubj_int(u, &v, i);
        if (parent != INT_MAX && (parent < 0 || (uint64_t)parent >= n))
            return wr_fail(err, WR_ECORRUPT, "tree's node %zu has parent %lld", i,
                           (long long)parent);
    }
    WR_TRY(want_empty(u, t, "categories", err));
    WR_TRY(want_empty(u, t, "categories_nodes", err));
    WR_TRY(want_empty(u, t, "categories_segments", err));
    return want_empty(u, t, "categories_sizes", err);
}

/* A split's feature and children exist; a node without a left child has no right one. */
static wr_status check_nodes(const columns *c, const wr_ubj *u, uint32_t features,
                             wr_err *err)
{
    for (size_t i = 0; i < c->count; i++) {
        const int64_t left = wr_ubj_int(u, &c->left, i);
        const int64_t right = wr_ubj_int(u, &c->right, i);
        const int64_t feature = wr_ubj_int(u, &c->feature, i);
        const bool is_leaf = left == -1 && right == -1;
        if (!is_leaf && (left < 0 || (uint64_t)left >= c->count || right < 0 ||
                         (uint64_t)right >= c->count))
            return wr_fail(err, WR_ECORRUPT, "tree's node %zu has children %lld and %lld",
                           i, (long long)left, (long long)right);
        if (!is_leaf && (feature < 0 || feature >= features))
            return wr_fail(err, WR_ECORRUPT, "tree's node %zu asks for feature %lld", i,
                           (long long)feature);
        if (!isfinite(wr_ubj_float(u, &c->at, i)))
            return wr_fail(err, WR_ECORRUPT, "tree's node %zu is not finite", i);
    }
    return WR_OK;
}

/* Nodes that training gave up are not reached and so left out. */
static wr_status add_tree(wr_booster_flat *f, tree *t, uint32_t *used, const columns *c,
                          reader *r, wr_err *err)
{
    const wr_ubj *u = &r->u;
    const uint32_t base = *used;
    size_t known = 1;
    size_t level_end = 1;
    memset(r->is_met, 0, c->count);
    r->order[0] = 0;
    r->is_met[0] = 1;
    *t = (tree){.root = base};
    for (size_t i = 0; i < known; i++) {
        const uint32_t old = r->order[i];
        const int64_t child[2] = {wr_ubj_int(u, &c->left, old),
                                  wr_ubj_int(u, &c->right, old)};
        node *to = &f->n[base + i];
        if (i == level_end) {
            level_end = known;
            t->depth++;
        }
        *to = (node){.at = wr_ubj_float(u, &c->at, old), .child = base + (uint32_t)i};
        if (child[0] < 0)
            continue;
        const uint32_t feature = (uint32_t)wr_ubj_int(u, &c->feature, old);
        to->feature =
            feature | IS_SPLIT | (wr_ubj_int(u, &c->nan_left, old) ? NAN_LEFT : 0);
        to->child = base + (uint32_t)known;
        f->gain[feature] += (double)wr_ubj_float(u, &c->gain, old);
        f->splits[feature]++;
        for (int k = 0; k < 2; k++) {
            if (r->is_met[child[k]])
                return wr_fail(err, WR_ECORRUPT, "tree's node %lld has two parents",
                               (long long)child[k]);
            r->is_met[child[k]] = 1;
            r->order[known++] = (uint32_t)child[k];
        }
    }
    *used += (uint32_t)known;
    return WR_OK;
}

static wr_status read_names(wr_booster_flat *f, const wr_ubj *u,
                            const wr_ubj_value *learner, wr_err *err)
{
    wr_ubj_value names, v;
    size_t bad;
    size_t at;
    WR_TRY(get(&names, u, learner, "feature_names", err));
    if (names.type != '[' || names.item || names.count != f->features)
        return wr_fail(err, WR_ECORRUPT, "model has %u features and %zu names",
                       f->features, names.type == '[' ? names.count : 0);
    f->text = wr_calloc(names.end - names.at + names.count, 1);
    f->name = wr_calloc(f->features, sizeof *f->name);
    if (!f->text || !f->name)
        return wr_fail(err, WR_ENOMEM, "%u feature names", f->features);
    at = names.at;
    char *to = f->text;
    for (uint32_t i = 0; i < f->features; i++) {
        if (!wr_ubj_read(&v, u, at, &bad) || v.type != 'S' || v.count == 0 ||
            memchr(u->p + v.at, 0, v.count))
            return wr_fail(err, WR_ECORRUPT, "model's feature %u has no name", i + 1);
        memcpy(to, u->p + v.at, v.count);
        f->name[i] = to;
        to += v.count + 1;
        at = v.end;
    }
    return WR_OK;
}

/* Everything before the trees. */
static wr_status read_head(wr_booster_flat *f, reader *r, wr_err *err)
{
    const wr_ubj *u = &r->u;
    wr_ubj_value top, learner, param, gbm, model, v;
    size_t bad = 0;
    double features, base;
    if (!wr_ubj_read(&top, u, 0, &bad))
        return wr_fail(err, WR_ECORRUPT, "model is no UBJSON at byte %zu", bad);
    if (top.end != u->len)
        return wr_fail(err, WR_ECORRUPT, "%zu bytes behind the model", u->len - top.end);
    WR_TRY(get(&learner, u, &top, "learner", err));
    WR_TRY(want_name(u, &learner, "objective", "binary:logistic", err));
    WR_TRY(want_name(u, &learner, "gradient_booster", "gbtree", err));
    WR_TRY(get(&param, u, &learner, "learner_model_param", err));
    WR_TRY(want_number(u, &param, "num_class", 0, err));
    WR_TRY(want_number(u, &param, "num_target", 1, err));
    WR_TRY(get_number(&features, u, &param, "num_feature", err));
    WR_TRY(get_number(&base, u, &param, "base_score", err));
    if (!(features >= 1 && features <= 1 << 24))
        return wr_fail(err, WR_ECORRUPT, "model of %g features", features);
    if (!(base > 0 && base < 1))
        return wr_fail(err, WR_ECORRUPT, "model's base_score is %g", base);
    f->features = (uint32_t)features;
    f->base = -logf(1.0f / (float)base - 1.0f); /* the library's own expression */
    WR_TRY(read_names(f, u, &learner, err));

    WR_TRY(get(&gbm, u, &learner, "gradient_booster", err));
    WR_TRY(get(&model, u, &gbm, "model", err));
    WR_TRY(get(&r->trees, u, &model, "trees", err));
    if (r->trees.type != '[' || r->trees.item)
        return wr_fail(err, WR_ECORRUPT, "model's 'trees' is no array of trees");
    if (r->trees.count > WR_BOOSTER_TREES_MAX)
        return wr_fail(err, WR_ELIMIT, "model of %zu trees, over %d", r->trees.count,
                       WR_BOOSTER_TREES_MAX);
    f->trees = (uint32_t)r->trees.count;
    WR_TRY(get(&param, u, &model, "gbtree_model_param", err));
    WR_TRY(want_number(u, &param, "num_trees", f->trees, err));
    WR_TRY(want_number(u, &param, "num_parallel_tree", 1, err));
    WR_TRY(get(&v, u, &model, "tree_info", err)); /* class of each tree: 0 */
    if (v.type != '[' || v.item || v.count != f->trees)
        return wr_fail(err, WR_ECORRUPT, "model's 'tree_info' is not of %u trees",
                       f->trees);
    for (size_t i = 0, at = v.at; i < v.count; i++) {
        wr_ubj_value one;
        if (!wr_ubj_read(&one, u, at, &bad) || one.type != 'i' || u->p[one.at] != 0)
            return wr_fail(err, WR_ECORRUPT, "model's tree %zu has a class", i);
        at = one.end;
    }
    return WR_OK;
}

static wr_status count_nodes(reader *r, wr_err *err)
{
    size_t bad;
    for (size_t i = 0, at = r->trees.at; i < r->trees.count; i++) {
        wr_ubj_value t, left;
        (void)wr_ubj_read(&t, &r->u, at, &bad); /* was read with the whole */
        WR_TRY(get(&left, &r->u, &t, "left_children", err));
        r->nodes += left.count;
        r->nodes_most = left.count > r->nodes_most ? left.count : r->nodes_most;
        at = t.end;
    }
    if (r->nodes > WR_BOOSTER_NODES_MAX)
        return wr_fail(err, WR_ELIMIT, "model of %zu nodes, over %d", r->nodes,
                       WR_BOOSTER_NODES_MAX);
    return WR_OK;
}

static wr_status read_trees(wr_booster_flat *f, reader *r, wr_err *err)
{
    uint32_t used = 0;
    size_t bad;
    for (size_t i = 0, at = r->trees.at; i < r->trees.count; i++) {
        wr_ubj_value t;
        columns c = {0};
        (void)wr_ubj_read(&t, &r->u, at, &bad);
        WR_TRY(get_columns(&c, &r->u, &t, err));
        WR_TRY(check_nodes(&c, &r->u, f->features, err));
        WR_TRY(add_tree(f, &f->t[i], &used, &c, r, err));
        at = t.end;
    }
    return WR_OK;
}

wr_status wr_booster_flat_new(wr_booster_flat **out, const void *ubj, size_t len,
                              wr_err *err)
{
    reader r = {.u = {.p = ubj, .len = len}};
    WR_AUTO(wr_booster_flat) f = wr_calloc(1, sizeof *f);
    if (!f)
        return wr_fail(err, WR_ENOMEM, "model");
    WR_TRY(read_head(f, &r, err));
    WR_TRY(count_nodes(&r, err));
    WR_AUTO_ARRAY uint32_t *order = wr_calloc(r.nodes_most, sizeof *order);
    WR_AUTO_ARRAY uint8_t *is_met = wr_calloc(r.nodes_most, 1);
    f->t = wr_calloc(f->trees, sizeof *f->t);
    f->n = wr_calloc(r.nodes, sizeof *f->n);
    f->gain = wr_calloc(f->features, sizeof *f->gain);
    f->splits = wr_calloc(f->features, sizeof *f->splits);
    if (!order || !is_met || !f->t || !f->n || !f->gain || !f->splits)
        return wr_fail(err, WR_ENOMEM, "model of %zu nodes", r.nodes);
    r.order = order;
    r.is_met = is_met;
    WR_TRY(read_trees(f, &r, err));
    *out = WR_STEAL(f);
    return WR_OK;
}

void wr_booster_flat_free(wr_booster_flat *f)
{
    if (!f)
        return;
    wr_free(f->t);
    wr_free(f->n);
    wr_free(f->text);
    wr_free(f->name);
    wr_free(f->gain);
    wr_free(f->splits);
    wr_free(f);
}

uint32_t wr_booster_flat_features(const wr_booster_flat *f)
{
    return f->features;
}

uint32_t wr_booster_flat_trees(const wr_booster_flat *f)
{
    return f->trees;
}

const char *const *wr_booster_flat_names(const wr_booster_flat *f)
{
    return f->name;
}

const double *wr_booster_flat_gain(const wr_booster_flat *f)
{
    return f->gain;
}

const uint32_t *wr_booster_flat_splits(const wr_booster_flat *f)
{
    return f->splits;
}

/* A leaf stays where it is. */
static inline uint32_t step(const node *n, uint32_t at, const float *x)
{
    const node *here = &n[at];
    const float v = x[here->feature & FEATURE_OF];
    const uint32_t is_left =
        (uint32_t)(v < here->at) | ((uint32_t)(v != v) & (here->feature >> 31));
    return here->child + ((here->feature >> 30) & 1 & (is_left ^ 1));
}

float wr_booster_flat_margin(const wr_booster_flat *f, const float *x)
{
    float sum = f->base;
    uint32_t i = 0;
    for (; i + LANES <= f->trees; i += LANES) {
        const tree *t = &f->t[i];
        uint32_t at[LANES];
        uint32_t depth = 0;
        for (uint32_t k = 0; k < LANES; k++) {
            at[k] = t[k].root;
            depth = t[k].depth > depth ? t[k].depth : depth;
        }
        for (uint32_t d = 0; d < depth; d++)
            for (uint32_t k = 0; k < LANES; k++)
                at[k] = step(f->n, at[k], x);
        for (uint32_t k = 0; k < LANES; k++)
            sum += f->n[at[k]].at;
    }
    for (; i < f->trees; i++) {
        uint32_t at = f->t[i].root;
        for (uint32_t d = 0; d < f->t[i].depth; d++)
            at = step(f->n, at, x);
        sum += f->n[at].at;
    }
    return sum;
}

void wr_booster_flat_margins(float *margin, const wr_booster_flat *f, const float *x,
                             size_t rows)
{
    const size_t d = f->features;
#pragma omp parallel for default(none) shared(margin, f, x, rows, d) \
    schedule(static, ROWS_PER_TASK)
    for (size_t i = 0; i < rows; i++)
        margin[i] = wr_booster_flat_margin(f, x + i * d);
}
