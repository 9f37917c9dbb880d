#include "scoring/booster_int.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <xgboost/c_api.h>

enum { ARRAY_TEXT = 160 };

/* Its prefix is "[12:00:00] path:line: "; what follows the first line is a stack trace.
 */
static wr_status refused(wr_err *err, wr_status code)
{
    const char *text = XGBGetLastError();
    if (text[0] == '[') {
        const char *end = strchr(text, '\n');
        const char *path = strchr(text, ' ');
        const char *rest = path ? strstr(path, ": ") : NULL;
        if (rest && (!end || rest < end))
            text = rest + 2;
    }
    if (strstr(text, "bad_alloc"))
        code = WR_ENOMEM;
    return wr_fail(err, code, "xgboost: %.*s", (int)strcspn(text, "\r\n"), text);
}

static void ignore(const char *line)
{
    (void)line;
}

static void silence(void)
{
    static _Thread_local bool is_silent;
    if (is_silent)
        return;
    is_silent = XGBRegisterLogCallback(ignore) == 0 &&
                XGBSetGlobalConfig("{\"verbosity\": 0}") == 0;
}

/* NumPy's array interface, the way in for a dense matrix. */
static void array_text(char out[ARRAY_TEXT], const float *x, size_t rows,
                       uint32_t features)
{
    (void)snprintf(out, ARRAY_TEXT,
                   "{\"data\": [%" PRIuPTR ", true], \"shape\": [%zu, %" PRIu32 "], "
                   "\"typestr\": \"<f4\", \"version\": 3}",
                   (uintptr_t)x, rows, features);
}

wr_status wr_xgb_matrix_new(wr_xgb_matrix **out, const float *x, size_t rows,
                            uint32_t features, uint32_t threads, wr_err *err)
{
    char array[ARRAY_TEXT];
    char config[WR_BOOSTER_TEXT_MAX];
    DMatrixHandle m = NULL;
    silence();
    array_text(array, x, rows, features);
    (void)snprintf(config, sizeof config, "{\"missing\": NaN, \"nthread\": %" PRIu32 "}",
                   threads);
    if (XGDMatrixCreateFromDense(array, config, &m) != 0)
        return refused(err, WR_EINVAL);
    *out = m;
    return WR_OK;
}

void wr_xgb_matrix_free(wr_xgb_matrix *m)
{
    if (m)
        (void)XGDMatrixFree(m);
}

wr_status wr_xgb_model_new(wr_xgb_model **out, wr_xgb_matrix *const *matrix, size_t count,
                           wr_err *err)
{
    DMatrixHandle handle[2] = {NULL, NULL};
    BoosterHandle m = NULL;
    silence();
    for (size_t i = 0; i < count; i++)
        handle[i] = matrix[i];
    if (XGBoosterCreate(handle, count, &m) != 0)
        return refused(err, WR_EINVAL);
    *out = m;
    return WR_OK;
}

void wr_xgb_model_free(wr_xgb_model *m)
{
    if (m)
        (void)XGBoosterFree(m);
}

wr_status wr_xgb_model_set(wr_xgb_model *m, const char *key, const char *value,
                           wr_err *err)
{
    silence();
    return XGBoosterSetParam(m, key, value) == 0 ? WR_OK : refused(err, WR_EINVAL);
}

wr_status wr_xgb_model_set_names(wr_xgb_model *m, const char *const *name, uint32_t count,
                                 wr_err *err)
{
    silence();
    WR_AUTO_ARRAY const char **copy = wr_calloc(count, sizeof *copy);
    if (!copy)
        return wr_fail(err, WR_ENOMEM, "%" PRIu32 " feature names", count);
    for (uint32_t i = 0; i < count; i++)
        copy[i] = name[i];
    return XGBoosterSetStrFeatureInfo(m, "feature_name", copy, count) == 0
               ? WR_OK
               : refused(err, WR_EINVAL);
}

wr_status wr_xgb_model_boost(wr_xgb_model *m, wr_xgb_matrix *train, float *gradient,
                             float *hessian, size_t rows, wr_err *err)
{
    silence();
    return XGBoosterBoostOneIter(m, train, gradient, hessian, rows) == 0
               ? WR_OK
               : refused(err, WR_EINVAL);
}

wr_status wr_xgb_model_first(wr_xgb_model **out, wr_xgb_model *m, uint32_t rounds,
                             wr_err *err)
{
    BoosterHandle first = NULL;
    silence();
    if (XGBoosterSlice(m, 0, (int)rounds, 1, &first) != 0)
        return refused(err, WR_EINVAL);
    *out = first;
    return WR_OK;
}

wr_status wr_xgb_model_save(wr_xgb_model *m, const char **bytes, size_t *len, wr_err *err)
{
    bst_ulong n = 0;
    silence();
    if (XGBoosterSaveModelToBuffer(m, "{\"format\": \"ubj\"}", &n, bytes) != 0)
        return refused(err, WR_EINVAL);
    *len = n;
    return WR_OK;
}

wr_status wr_xgb_model_load(wr_xgb_model *m, const void *bytes, size_t len, wr_err *err)
{
    silence();
    return XGBoosterLoadModelFromBuffer(m, bytes, len) == 0 ? WR_OK
                                                            : refused(err, WR_ECORRUPT);
}

static size_t shape_size(const bst_ulong *shape, bst_ulong dims)
{
    size_t n = 1;
    for (bst_ulong i = 0; i < dims; i++)
        n *= shape[i];
    return n;
}

wr_status wr_xgb_model_predict(const float **value, size_t *count, wr_xgb_model *m,
                               wr_xgb_matrix *of, wr_xgb_kind kind, bool is_training,
                               wr_err *err)
{
    char config[ARRAY_TEXT];
    const bst_ulong *shape = NULL;
    bst_ulong dims = 0;
    silence();
    (void)snprintf(config, sizeof config,
                   "{\"type\": %d, \"training\": %s, \"iteration_begin\": 0, "
                   "\"iteration_end\": 0, \"strict_shape\": false}",
                   (int)kind, is_training ? "true" : "false");
    if (XGBoosterPredictFromDMatrix(m, of, config, &shape, &dims, value) != 0)
        return refused(err, WR_EINVAL);
    *count = shape_size(shape, dims);
    return WR_OK;
}

wr_status wr_xgb_model_margins(const float **value, size_t *count, wr_xgb_model *m,
                               const float *x, size_t rows, uint32_t features,
                               wr_err *err)
{
    /* "cache_id" is asked for by 1.7 though nothing is cached on this path */
    static const char config[] =
        "{\"type\": 1, \"training\": false, \"iteration_begin\": 0, "
        "\"iteration_end\": 0, \"strict_shape\": false, \"cache_id\": 0, "
        "\"missing\": NaN}";
    char array[ARRAY_TEXT];
    const bst_ulong *shape = NULL;
    bst_ulong dims = 0;
    silence();
    array_text(array, x, rows, features);
    if (XGBoosterPredictFromDense(m, array, config, NULL, &shape, &dims, value) != 0)
        return refused(err, WR_EINVAL);
    *count = shape_size(shape, dims);
    return WR_OK;
}
