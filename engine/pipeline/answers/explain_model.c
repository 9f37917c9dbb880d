/* What each feature added to the probability of one wallet: SHAP. */
#include <math.h>
#include <stdlib.h>

#include "pipeline/answers/explanation.h"
#include "pipeline/run/assess_int.h"
#include "pipeline/scorer/column_words.h"

enum { WORDS_MAX = 1024 };

typedef struct share {
    uint32_t column; /* of the model */
    double added;
} share;

static int by_size(const void *pa, const void *pb)
{
    const share *x = pa;
    const share *y = pb;
    const double a = fabs(x->added);
    const double b = fabs(y->added);
    if (a > b || a < b)
        return a > b ? -1 : 1;
    return (x->column > y->column) - (x->column < y->column);
}

typedef void words_fn(wr_buf *out, const wr_column_words *w);

/* null for a name that this program does not know */
static void put_words(wr_json_out *j, const char *key, const wr_column_words *w,
                      words_fn *fn)
{
    wr_buf b;
    wr_buf_init(&b, WORDS_MAX);
    fn(&b, w);
    wr_json_kv_cstr(j, key, w->feature ? wr_buf_cstr(&b) : NULL);
    wr_buf_release(&b);
}

static void put_feature(wr_json_out *j, const char *name, float value, double added)
{
    const wr_column_words w = wr_column_words_of(WR_FEATURE_WALLET, name);
    wr_json_open(j, '{');
    wr_json_kv_cstr(j, "name", name);
    put_words(j, "meaning", &w, wr_column_meaning);
    put_words(j, "unit", &w, wr_column_unit);
    wr_json_kv_f64(j, "value", (double)value);
    wr_json_kv_f64(j, "contribution", added);
    wr_json_close(j, '}');
}

/* added [n + 1]: the last is the mean margin. */
static void put_shares(wr_json_out *j, const char *const *name, const float *row,
                       const double *added, share *s, uint32_t n)
{
    double margin = added[n];
    double other = 0;
    for (uint32_t k = 0; k < n; k++) {
        margin += added[k];
        s[k] = (share){.column = k, .added = added[k]};
    }
    qsort(s, n, sizeof *s, by_size);
    wr_json_kv_f64(j, "margin_mean", added[n]);
    wr_json_kv_f64(j, "margin", margin);
    wr_json_key(j, "features");
    wr_json_open(j, '[');
    for (uint32_t k = 0; k < n; k++) {
        if (k < WR_EXPLANATION_FEATURES)
            put_feature(j, name[s[k].column], row[s[k].column], s[k].added);
        else
            other += s[k].added;
    }
    wr_json_close(j, ']');
    wr_json_kv_f64(j, "other_contribution", other);
}

static void put_nothing(wr_json_out *j)
{
    static const char *const key[] = {"margin_mean", "margin", "features",
                                      "other_contribution"};
    for (size_t k = 0; k < sizeof key / sizeof *key; k++) {
        wr_json_key(j, key[k]);
        wr_json_null(j);
    }
}

wr_status wr_explain_model(wr_json_out *j, const wr_assessment *a, wr_vid v, wr_err *err)
{
    const wr_learned *l = a->cfg->model;
    if (!l || v == WR_VID_NONE) {
        wr_json_null(j);
        return WR_OK;
    }
    const char *const *name = NULL;
    const uint32_t n = wr_booster_features_of(wr_learned_booster(l), &name);
    const float *row = wr_kept_rows_find(&a->rows, v);
    WR_AUTO_ARRAY double *added = wr_calloc(n + 1, sizeof *added);
    WR_AUTO_ARRAY share *s = wr_calloc(n, sizeof *s);
    if (!added || !s)
        return wr_fail(err, WR_ENOMEM, "contributions of %u features", n);
    if (row)
        WR_TRY(wr_booster_contributions(added, wr_learned_booster(l), row, 1, err));
    wr_json_open(j, '{');
    wr_json_kv_cstr(j, "id", wr_learned_id(l));
    wr_json_kv_f64(j, "probability", a->probability[v]);
    wr_json_kv_f64(j, "novelty", a->novelty[v]);
    if (row)
        put_shares(j, name, row, added, s, n);
    else
        put_nothing(j);
    wr_json_close(j, '}');
    return WR_OK;
}
