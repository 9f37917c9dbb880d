#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "scoring/booster_int.h"
#include "util/text.h"

enum { ROUNDS_MAX = 10000, THREADS_MAX = 256, DEPTH_MAX = 16, BIN_MAX = 65536 };

static wr_status whole(const char *name, uint64_t v, uint64_t least, uint64_t most,
                       wr_err *err)
{
    if (v < least || v > most)
        return wr_fail(err, WR_EINVAL, "%s %llu outside %llu..%llu", name,
                       (unsigned long long)v, (unsigned long long)least,
                       (unsigned long long)most);
    return WR_OK;
}

static wr_status within(const char *name, double v, double least, double most,
                        wr_err *err)
{
    if (!(v >= least && v <= most))
        return wr_fail(err, WR_EINVAL, "%s %g outside %g..%g", name, v, least, most);
    return WR_OK;
}

static wr_status above_zero(const char *name, double v, double most, wr_err *err)
{
    if (!(v > 0.0 && v <= most))
        return wr_fail(err, WR_EINVAL, "%s %g outside 0 (excluded)..%g", name, v, most);
    return WR_OK;
}

wr_status wr_booster_check_opts(const wr_booster_opts *o, wr_err *err)
{
    WR_TRY(whole("max_depth", o->max_depth, 1, DEPTH_MAX, err));
    WR_TRY(whole("rounds", o->rounds, 1, ROUNDS_MAX, err));
    WR_TRY(whole("patience", o->patience, 0, ROUNDS_MAX, err));
    WR_TRY(whole("max_bin", o->max_bin, 2, BIN_MAX, err));
    WR_TRY(whole("seed", o->seed, 0, INT32_MAX, err));
    WR_TRY(whole("threads", o->threads, 1, THREADS_MAX, err));
    WR_TRY(above_zero("eta", o->eta, 1, err));
    WR_TRY(above_zero("subsample", o->subsample, 1, err));
    WR_TRY(above_zero("colsample_bytree", o->colsample_bytree, 1, err));
    WR_TRY(above_zero("scale_pos_weight", o->scale_pos_weight, 1e6, err));
    WR_TRY(within("min_child_weight", o->min_child_weight, 0, 1e9, err));
    WR_TRY(within("lambda", o->lambda, 0, 1e9, err));
    return within("base_prob", o->base_prob, 1e-6, 1 - 1e-6, err);
}

static bool is_name(const char *s)
{
    const size_t n = strnlen(s, WR_BOOSTER_NAME_MAX + 1);
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)s[i]) && !strchr("_.-", s[i]))
            return false;
    return n > 0 && n <= WR_BOOSTER_NAME_MAX;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

wr_status wr_booster_check_list(const wr_booster_features *f, wr_err *err)
{
    WR_TRY(whole("features", f->count, 1, WR_BOOSTER_FEATURES_MAX, err));
    WR_AUTO_ARRAY const char **name = wr_calloc(f->count, sizeof *name);
    if (!name)
        return wr_fail(err, WR_ENOMEM, "%u feature names", f->count);
    for (uint32_t i = 0; i < f->count; i++) {
        name[i] = f->name[i];
        if (!is_name(name[i]))
            return wr_fail(err, WR_EINVAL,
                           "feature %u: name '%s' is not 1..%d of [A-Za-z0-9_.-]", i + 1,
                           wr_text_quote(wr_text_of(name[i]), 32).s, WR_BOOSTER_NAME_MAX);
        if (f->monotone && (f->monotone[i] < -1 || f->monotone[i] > 1))
            return wr_fail(err, WR_EINVAL, "feature '%s': monotone %d outside -1..1",
                           wr_text_quote(wr_text_of(name[i]), 48).s, f->monotone[i]);
    }
    qsort(name, f->count, sizeof *name, by_text);
    for (uint32_t i = 1; i < f->count; i++)
        if (strcmp(name[i - 1], name[i]) == 0)
            return wr_fail(err, WR_EINVAL, "feature '%s' twice",
                           wr_text_quote(wr_text_of(name[i]), 48).s);
    return WR_OK;
}
