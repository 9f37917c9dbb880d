/*
 * learned.h - a trained scorer as one value: trees, calibration, novelty, drift, and
 * where they come from.
 *
 * The bytes are what the registry keeps (store.h) and what the digest is of:
 *
 *   "wrmodel 1\n", then parts: name, length, bytes
 *     manifest     canonical JSON: data, blocks, parameters, metrics, limits (train.h)
 *     trees        UBJSON of the booster; the names of the columns are inside
 *     calibration  text (calibrate.h)
 *     forest       bytes (forest.h); on columns that the manifest names
 *     drift        one line per column of the trees, then one for the probability
 *
 * A part is "name length\n", the bytes and a line feed, in this order, each once.  Texts
 * have one way of being written.  Same training, same bytes: no clock, no host, no user
 * enters.  Bytes that were damaged or made up are refused by name of the part. Immutable,
 * counted.  Thread: safe.
 */
#ifndef WR_PIPELINE_SCORER_LEARNED_H
#define WR_PIPELINE_SCORER_LEARNED_H

#include "scoring/booster.h"
#include "scoring/calibrate.h"
#include "scoring/drift.h"
#include "scoring/forest.h"
#include "util/digest.h"

typedef struct wr_learned wr_learned;

enum { WR_LEARNED_ID_MAX = 13 }; /* "m" and the first 12 hex digits of the digest */

typedef struct wr_learned_parts {
    const wr_booster *booster;
    const wr_calibration *calibration;
    const wr_forest *forest;
    const uint32_t *forest_column; /* [wr_forest_features] columns of the trees */
    const wr_drift *drift;         /* [features of the booster] */
    const wr_drift *score_drift;   /* of the probability */
    const char *manifest;          /* a JSON object */
} wr_learned_parts;

/*
 * Appends the bytes to out; errors of memory stick there.
 * Errors  WR_EINVAL (manifest that is none: codec/manifest.h, a column outside the
 *         trees', forest_columns of the manifest that are not the names of
 *         forest_column), WR_ENOMEM
 */
wr_status wr_learned_pack(wr_buf *out, const wr_learned_parts *p,
                          wr_err *err) WR_NODISCARD;

/*
 * threads  1..256, of batch prediction
 * Errors   WR_ECORRUPT (part, and what is wrong), WR_EINVAL (threads), WR_ENOMEM
 */
wr_status wr_learned_unpack(wr_learned **out, const void *bytes, size_t len,
                            uint32_t threads, wr_err *err) WR_NODISCARD;
wr_learned *wr_learned_acquire(wr_learned *l);
void wr_learned_unref(wr_learned *l); /* accepts NULL */
WR_DEFINE_AUTO(wr_learned, wr_learned_unref)

const char *wr_learned_id(const wr_learned *l);
const wr_digest_hex *wr_learned_digest(const wr_learned *l); /* of the bytes */
const char *wr_learned_manifest(const wr_learned *l);
double wr_learned_threshold(const wr_learned *l); /* of the manifest; NaN: none */
const wr_booster *wr_learned_booster(const wr_learned *l);
const wr_drift *wr_learned_drift(const wr_learned *l); /* [features] */
const wr_drift *wr_learned_score_drift(const wr_learned *l);

/*
 * Calibrated probability and novelty of rows.
 *
 * p        [rows]; novelty [rows] or NULL
 * x        [rows * features of the booster], finite or NaN
 * Errors   WR_ENOMEM, WR_ECORRUPT (trees that were made up: a row adds up to no number)
 * Thread   safe; the caller's OpenMP team; same bytes for any number of threads
 */
wr_status wr_learned_score(double *p, double *novelty, const wr_learned *l,
                           const float *x, size_t rows, wr_err *err) WR_NODISCARD;

/*
 * The model card: Markdown, from the manifest and the table of features; what the
 * manifest does not tell is left out.  Appends; errors of memory stick in out.
 */
wr_status wr_learned_card(wr_buf *out, const wr_learned *l, wr_err *err) WR_NODISCARD;

#endif
