#include "scoring/booster.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scoring/booster_int.h"
#include "util/text.h"

enum { THREADS_MAX = 256 };

struct wr_booster {
    char *bytes; /* [len], as trained or loaded */
    size_t len;
    wr_booster_flat *flat;
    wr_xgb_model *lib;
    uint32_t threads;
    pthread_mutex_t *lock; /* of predictions through a matrix, which the library caches */
};

typedef struct place {
    const char *name;
    uint32_t i;
} place;

double wr_booster_probability(double margin)
{
    if (margin >= 0.0)
        return 1.0 / (1.0 + exp(-margin));
    const double e = exp(margin);
    return e / (1.0 + e);
}

/* The first prediction configures the model, which is not thread-safe: do it here. */
static wr_status warm_up(wr_booster *b, wr_err *err)
{
    const uint32_t features = wr_booster_flat_features(b->flat);
    const float *value;
    size_t count;
    WR_AUTO_ARRAY float *x = wr_calloc(features, sizeof *x);
    if (!x)
        return wr_fail(err, WR_ENOMEM, "row of %u", features);
    WR_TRY(wr_xgb_model_margins(&value, &count, b->lib, x, 1, features, err));
    if (count != 1)
        return wr_fail(err, WR_ECORRUPT, "model gives %zu margins for a row", count);
    return WR_OK;
}

wr_status wr_booster_load(wr_booster **out, const void *bytes, size_t len,
                          const wr_booster_features *want, uint32_t threads, wr_err *err)
{
    char text[WR_BOOSTER_TEXT_MAX];
    if (threads < 1 || threads > THREADS_MAX)
        return wr_fail(err, WR_EINVAL, "threads %u outside 1..%d", threads, THREADS_MAX);
    WR_AUTO(wr_booster) b = wr_calloc(1, sizeof *b);
    if (!b)
        return wr_fail(err, WR_ENOMEM, "model");
    b->threads = threads;
    WR_TRY(wr_booster_flat_new(&b->flat, bytes, len, err));
    if (want)
        WR_TRY(wr_booster_check_features(b, want->name, want->count, err));
    b->bytes = wr_calloc(len, 1);
    if (!b->bytes)
        return wr_fail(err, WR_ENOMEM, "model of %zu bytes", len);
    memcpy(b->bytes, bytes, len);
    b->len = len;
    WR_TRY(wr_xgb_model_new(&b->lib, NULL, 0, err));
    (void)snprintf(text, sizeof text, "%u", threads);
    WR_TRY(wr_xgb_model_set(b->lib, "nthread", text, err));
    WR_TRY(wr_xgb_model_set(b->lib, "verbosity", "0", err));
    WR_TRY(wr_xgb_model_load(b->lib, bytes, len, err));
    WR_TRY(warm_up(b, err));
    b->lock = wr_calloc(1, sizeof *b->lock);
    if (!b->lock || pthread_mutex_init(b->lock, NULL) != 0) {
        wr_free(WR_STEAL(b->lock)); /* not one to destroy */
        return wr_fail(err, WR_ENOMEM, "lock");
    }
    *out = WR_STEAL(b);
    return WR_OK;
}

void wr_booster_free(wr_booster *b)
{
    if (!b)
        return;
    wr_xgb_model_free(b->lib);
    wr_booster_flat_free(b->flat);
    if (b->lock)
        (void)pthread_mutex_destroy(b->lock);
    wr_free(b->lock);
    wr_free(b->bytes);
    wr_free(b);
}

const void *wr_booster_bytes(const wr_booster *b, size_t *len)
{
    *len = b->len;
    return b->bytes;
}

uint32_t wr_booster_features_of(const wr_booster *b, const char *const **name)
{
    if (name)
        *name = wr_booster_flat_names(b->flat);
    return wr_booster_flat_features(b->flat);
}

uint32_t wr_booster_rounds(const wr_booster *b)
{
    return wr_booster_flat_trees(b->flat);
}

const wr_booster_flat *wr_booster_flat_of(const wr_booster *b)
{
    return b->flat;
}

static int by_name(const void *pa, const void *pb)
{
    const place *a = pa;
    const place *b = pb;
    const int order = strcmp(a->name, b->name);
    return order ? order : (a->i > b->i) - (a->i < b->i);
}

static place *sorted(const char *const *name, uint32_t count)
{
    place *p = wr_calloc(count, sizeof *p);
    for (uint32_t i = 0; p && i < count; i++)
        p[i] = (place){name[i], i};
    if (p)
        qsort(p, count, sizeof *p, by_name);
    return p;
}

static const place *find(const place *p, uint32_t count, const char *name)
{
    uint32_t lo = 0;
    uint32_t hi = count;
    while (lo < hi) {
        const uint32_t mid = lo + (hi - lo) / 2;
        const int order = strcmp(p[mid].name, name);
        if (order == 0)
            return &p[mid];
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

static wr_quote quoted(const char *name)
{
    return wr_text_quote(wr_text_of(name), 48);
}

wr_status wr_booster_check_features(const wr_booster *b, const char *const *name,
                                    uint32_t count, wr_err *err)
{
    const uint32_t features = wr_booster_flat_features(b->flat);
    const char *const *own = wr_booster_flat_names(b->flat);
    WR_AUTO_ARRAY place *theirs = sorted(name, count);
    WR_AUTO_ARRAY place *ours = sorted(own, features);
    if (!theirs || !ours)
        return wr_fail(err, WR_ENOMEM, "%u feature names", features);
    for (uint32_t i = 0; i < features; i++)
        if (!find(theirs, count, own[i]))
            return wr_fail(err, WR_ECONFLICT,
                           "feature '%s' is in the model and not in the data",
                           quoted(own[i]).s);
    for (uint32_t i = 0; i < count; i++)
        if (!find(ours, features, name[i]))
            return wr_fail(err, WR_ECONFLICT,
                           "feature '%s' is in the data and not in the model",
                           quoted(name[i]).s);
    for (uint32_t i = 0; i < features; i++)
        if (i >= count || strcmp(own[i], name[i]) != 0)
            return wr_fail(err, WR_ECONFLICT,
                           "feature '%s' is number %u in the model and %u in the data",
                           quoted(own[i]).s, i + 1, find(theirs, count, own[i])->i + 1);
    if (count > features) /* all are in place and one comes again */
        return wr_fail(err, WR_ECONFLICT, "feature '%s' is twice in the data",
                       quoted(name[features]).s);
    return WR_OK;
}

wr_status wr_booster_predict(double *out, const wr_booster *b, const float *x,
                             size_t rows, wr_booster_kind kind, wr_err *err)
{
    const float *margin;
    size_t count;
    if (rows == 0)
        return WR_OK;
    WR_TRY(wr_xgb_model_margins(&margin, &count, b->lib, x, rows,
                                wr_booster_flat_features(b->flat), err));
    if (count != rows)
        return wr_fail(err, WR_EINVAL, "%zu predictions for %zu rows", count, rows);
    for (size_t i = 0; i < rows; i++)
        out[i] = kind == WR_BOOSTER_MARGIN ? (double)margin[i]
                                           : wr_booster_probability((double)margin[i]);
    return WR_OK;
}

static wr_status contributions(double *out, const wr_booster *b, wr_xgb_matrix *m,
                               size_t want, wr_err *err)
{
    const float *value;
    size_t count;
    WR_TRY(wr_xgb_model_predict(&value, &count, b->lib, m, WR_XGB_CONTRIBUTIONS, false,
                                err));
    if (count != want)
        return wr_fail(err, WR_EINVAL, "%zu contributions, not %zu", count, want);
    for (size_t i = 0; i < want; i++)
        out[i] = (double)value[i];
    return WR_OK;
}

wr_status wr_booster_contributions(double *out, const wr_booster *b, const float *x,
                                   size_t rows, wr_err *err)
{
    const uint32_t features = wr_booster_flat_features(b->flat);
    if (rows == 0)
        return WR_OK;
    WR_AUTO(wr_xgb_matrix) m = NULL;
    WR_TRY(wr_xgb_matrix_new(&m, x, rows, features, b->threads, err));
    (void)pthread_mutex_lock(b->lock);
    const wr_status s = contributions(out, b, m, rows * (features + 1ULL), err);
    (void)pthread_mutex_unlock(b->lock);
    return s;
}

void wr_booster_importance(const wr_booster *b, double *gain, uint32_t *splits)
{
    const uint32_t features = wr_booster_flat_features(b->flat);
    if (gain)
        memcpy(gain, wr_booster_flat_gain(b->flat), features * sizeof *gain);
    if (splits)
        memcpy(splits, wr_booster_flat_splits(b->flat), features * sizeof *splits);
}
