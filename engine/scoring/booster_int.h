/*
 * booster_int.h - XGBoost's C API as our statuses: the only door to the library.
 *
 * booster_lib.c alone includes it.  Every call makes the library silent for the calling
 * thread first (its verbosity and its log callback are per thread) and turns a refusal
 * into one line: the library's own message without time, file and stack trace.
 * Handles are the library's; what it lends ("borrowed") lives until the next call on the
 * same handle by the same thread.
 */
#ifndef WR_SCORING_BOOSTER_INT_H
#define WR_SCORING_BOOSTER_INT_H

#include "scoring/booster.h"
#include "util/mem.h"

enum { WR_BOOSTER_TEXT_MAX = 64 }; /* bytes of one parameter's value */

typedef struct wr_xgb_matrix wr_xgb_matrix; /* DMatrixHandle */
typedef struct wr_xgb_model wr_xgb_model;   /* BoosterHandle */

typedef enum wr_xgb_kind {
    WR_XGB_MARGIN = 1,
    WR_XGB_CONTRIBUTIONS = 2,
} wr_xgb_kind;

/* Copies x [rows * features]; NaN = missing. */
wr_status wr_xgb_matrix_new(wr_xgb_matrix **out, const float *x, size_t rows,
                            uint32_t features, uint32_t threads,
                            wr_err *err) WR_NODISCARD;
void wr_xgb_matrix_free(wr_xgb_matrix *m);
WR_DEFINE_AUTO(wr_xgb_matrix, wr_xgb_matrix_free)

/* matrix [count]: the matrices whose predictions it keeps from round to round. */
wr_status wr_xgb_model_new(wr_xgb_model **out, wr_xgb_matrix *const *matrix, size_t count,
                           wr_err *err) WR_NODISCARD;
void wr_xgb_model_free(wr_xgb_model *m);
WR_DEFINE_AUTO(wr_xgb_model, wr_xgb_model_free)

wr_status wr_xgb_model_set(wr_xgb_model *m, const char *key, const char *value,
                           wr_err *err) WR_NODISCARD;
wr_status wr_xgb_model_set_names(wr_xgb_model *m, const char *const *name, uint32_t count,
                                 wr_err *err) WR_NODISCARD;
/* One more tree from gradients [rows]; the arrays are read only. */
wr_status wr_xgb_model_boost(wr_xgb_model *m, wr_xgb_matrix *train, float *gradient,
                             float *hessian, size_t rows, wr_err *err) WR_NODISCARD;
/* A copy of the first `rounds` rounds. */
wr_status wr_xgb_model_first(wr_xgb_model **out, wr_xgb_model *m, uint32_t rounds,
                             wr_err *err) WR_NODISCARD;
/* *bytes borrowed: UBJSON. */
wr_status wr_xgb_model_save(wr_xgb_model *m, const char **bytes, size_t *len,
                            wr_err *err) WR_NODISCARD;
wr_status wr_xgb_model_load(wr_xgb_model *m, const void *bytes, size_t len,
                            wr_err *err) WR_NODISCARD;

/*
 * Of the rows of a matrix; *value borrowed, *count values in all.  is_training: as the
 * next round sees it.  Not thread-safe: one model one thread.
 */
wr_status wr_xgb_model_predict(const float **value, size_t *count, wr_xgb_model *m,
                               wr_xgb_matrix *of, wr_xgb_kind kind, bool is_training,
                               wr_err *err) WR_NODISCARD;
/* Margins of x [rows * features] without a matrix; *value borrowed.  Thread-safe. */
wr_status wr_xgb_model_margins(const float **value, size_t *count, wr_xgb_model *m,
                               const float *x, size_t rows, uint32_t features,
                               wr_err *err) WR_NODISCARD;

/* Names, counts and values a model may have: WR_EINVAL with the name or option. */
wr_status wr_booster_check_opts(const wr_booster_opts *o, wr_err *err) WR_NODISCARD;
wr_status wr_booster_check_list(const wr_booster_features *f, wr_err *err) WR_NODISCARD;

#endif
