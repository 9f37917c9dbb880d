/*
 * What a trained model is kept as: the first byte picks boosted trees (then also by the
 * library, once we let them pass), a forest, a calibration, drift bins or all of them as
 * one value.  What is accepted answers with finite numbers and, where we write it, comes
 * back the same.
 */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/scorer/learned.h"
#include "scoring/booster.h"
#include "scoring/calibrate.h"
#include "scoring/drift.h"
#include "scoring/forest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_MAX = 1 << 22 };

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void booster(const uint8_t *p, size_t n)
{
    wr_booster *b = NULL;
    double margin = 0.0;
    if (wr_booster_load(&b, p, n, NULL, 1, NULL) != WR_OK)
        return;
    float *x = wr_calloc(wr_booster_features_of(b, NULL), sizeof *x);
    require(x && wr_booster_predict(&margin, b, x, 1, WR_BOOSTER_MARGIN, NULL) == WR_OK);
    const double flat = (double)wr_booster_flat_margin(wr_booster_flat_of(b), x);
    require(flat == margin || (isnan(flat) && isnan(margin)));
    wr_free(x);
    wr_booster_free(b);
}

static void forest(const uint8_t *p, size_t n)
{
    wr_forest *f = NULL;
    void *again = NULL;
    size_t len;
    if (wr_forest_load(&f, p, n, NULL) != WR_OK)
        return;
    float *x = wr_calloc(wr_forest_features(f), sizeof *x);
    require(x && isfinite(wr_forest_path(f, x)));
    require(wr_forest_save(&again, &len, f, NULL) == WR_OK);
    require(len == n && memcmp(again, p, n) == 0);
    wr_free(again);
    wr_free(x);
    wr_forest_free(f);
}

static void calibration(const char *text)
{
    wr_calibration c, d;
    wr_buf b, again;
    if (wr_calibration_parse(&c, text, NULL) != WR_OK)
        return;
    const double low = wr_calibration_apply(&c, -1.0);
    const double high = wr_calibration_apply(&c, 1.0);
    require(low > 0.0 && high < 1.0 && low <= high);
    wr_buf_init(&b, TEXT_MAX);
    wr_buf_init(&again, TEXT_MAX);
    wr_calibration_print(&b, &c);
    require(wr_calibration_parse(&d, wr_buf_cstr(&b), NULL) == WR_OK);
    wr_calibration_print(&again, &d);
    require(strcmp(wr_buf_cstr(&b), wr_buf_cstr(&again)) == 0);
    wr_buf_release(&b);
    wr_buf_release(&again);
    wr_calibration_release(&c);
    wr_calibration_release(&d);
}

static void drift(const char *text)
{
    wr_drift d, e;
    wr_buf b, again;
    uint64_t count[WR_DRIFT_BINS_MAX + 1] = {0};
    double psi;
    if (wr_drift_parse(&d, text, NULL) != WR_OK)
        return;
    count[wr_drift_bin(&d, 0.5)] = 3;
    require(wr_drift_psi(&psi, &d, count, NULL) == WR_OK && psi >= 0.0);
    wr_buf_init(&b, TEXT_MAX);
    wr_buf_init(&again, TEXT_MAX);
    wr_drift_print(&b, &d);
    require(wr_drift_parse(&e, wr_buf_cstr(&b), NULL) == WR_OK);
    wr_drift_print(&again, &e);
    require(strcmp(wr_buf_cstr(&b), wr_buf_cstr(&again)) == 0);
    wr_buf_release(&b);
    wr_buf_release(&again);
}

static void learned(const char *p, size_t n)
{
    wr_learned *l = NULL;
    wr_buf card;
    double prob, novelty;
    if (wr_learned_unpack(&l, p, n, 1, NULL) != WR_OK)
        return;
    float *x = wr_calloc(wr_booster_features_of(wr_learned_booster(l), NULL), sizeof *x);
    require(x != NULL);
    const wr_status s = wr_learned_score(&prob, &novelty, l, x, 1, NULL);
    require(s == WR_ECORRUPT || (s == WR_OK && prob > 0.0 && prob < 1.0));
    require(s != WR_OK || (novelty >= 0.0 && novelty <= 1.0));
    wr_buf_init(&card, 1 << 26);
    require(wr_learned_card(&card, l, NULL) == WR_OK);
    wr_buf_release(&card);
    wr_free(x);
    wr_learned_unref(l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    char *p = wr_calloc(size, 1); /* what follows the first byte, and a NUL */
    require(p != NULL);
    memcpy(p, data + 1, size - 1);
    switch (data[0] % 8) {
    case 0:
        booster((const uint8_t *)p, size - 1);
        break;
    case 1:
        forest((const uint8_t *)p, size - 1);
        break;
    case 2:
        calibration(p);
        break;
    case 3:
        drift(p);
        break;
    default:
        learned(p, size - 1);
    }
    wr_free(p);
    return 0;
}
