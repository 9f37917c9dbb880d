/*
 * settings.h - everything about a score that is configuration, as one value with a
 * digest.
 *
 * Made from data/categories.yaml, data/policy.yaml and the scoring options.  The text is
 * canonical JSON that holds the two files as they were read and the options; it is stored
 * with every run, and wr_settings_parse makes the same settings from it a year later.
 * Immutable after load, counted.  Thread: safe to share.
 */
#ifndef WR_PIPELINE_INPUT_SETTINGS_H
#define WR_PIPELINE_INPUT_SETTINGS_H

#include "model/policy.h"
#include "pipeline/input/typology_policy.h"
#include "pipeline/scorer/learned.h"
#include "util/config.h"
#include "util/digest.h"
#include "util/mem.h"

enum { WR_ORIGINS_MAX = 32 };

typedef struct wr_scoring_opts {
    double gamma, eps; /* 5.2 static exposure */
    uint32_t iter_max;
    uint32_t top_k; /* attribution list length, 1..WR_ORIGINS_MAX */
    uint32_t poison_hops;
} wr_scoring_opts;

typedef struct wr_settings {
    wr_taxonomy taxonomy;
    wr_policy policy;
    wr_typology_policy typology; /* of the policy's section `typologies` */
    wr_scoring_opts opts;
    char *text;           /* canonical JSON, NUL-terminated */
    wr_digest_hex digest; /* of text */
    /* The trained scorer; both NULL/empty = none.  Parsed from a text that names one,
     * only the digest is there (wr_settings_with_model). */
    wr_digest_hex model_digest;
    wr_learned *model;
    uint32_t live_window; /* transfers that a live state can take back; no score depends
                             on it; 0 = WR_LIVE_WINDOW */
} wr_settings;

/*
 * data_dir: cfg->data_dir, or when empty the first of $WALLETRISK_DATA_DIR, ./data and
 * the data folder of the source tree that holds categories.yaml.
 * Errors  WR_EIO (file), WR_EPARSE (file, line, what), WR_EINVAL (number out of range)
 */
wr_status wr_settings_load(wr_settings **out, const wr_config *cfg,
                           wr_err *err) WR_NODISCARD;
wr_status wr_settings_parse(wr_settings **out, const char *text,
                            wr_err *err) WR_NODISCARD;
/*
 * The same settings, scored by this model (NULL: by none); one reference to it is taken.
 * Errors  WR_ENOMEM
 */
wr_status wr_settings_with_model(wr_settings **out, const wr_settings *s,
                                 wr_learned *model, wr_err *err) WR_NODISCARD;
wr_settings *wr_settings_acquire(wr_settings *s);
void wr_settings_unref(wr_settings *s); /* accepts NULL */
WR_DEFINE_AUTO(wr_settings, wr_settings_unref)

#endif
