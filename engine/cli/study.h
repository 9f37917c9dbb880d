/*
 * study.h - what train and evaluate work on: the store's graph and labels, and a list of
 * who was bad.
 */
#ifndef WR_CLI_STUDY_H
#define WR_CLI_STUDY_H

#include "cli/cli.h"
#include "pipeline/learning/evaluate.h"

typedef struct wr_study_flags {
    const char *truth, *chain, *from, *as_of; /* times as text, NULL = the whole */
    bool is_json;
} wr_study_flags;

#define WR_STUDY_FLAG_ROWS(f)                                                             \
    {"labels",                                                                            \
     WR_ARG_TEXT,                                                                         \
     &(f)->truth,                                                                         \
     0,                                                                                   \
     0,                                                                                   \
     "FILE  CSV of who was bad: address or id, incident, typology; default: the "         \
     "store's illicit labels"},                                                           \
        {"chain", WR_ARG_TEXT, &(f)->chain, 0, 0, "C  of its addresses (eip155:1337)"},   \
        {"as-of", WR_ARG_TEXT, &(f)->as_of,                                               \
         0,       0,           "TIME  nothing later is seen (behind the last transfer)"}, \
    {                                                                                     \
        "json", WR_ARG_FLAG, &(f)->is_json, 0, 0, "as JSON"                               \
    }

typedef struct wr_study {
    wr_store *st;
    wr_settings *cfg;
    wr_snapshot *g;
    wr_label_set labels;
    wr_truth_set truth;
    uint32_t from_s, as_of_s;
} wr_study;

/* Errors  of the store, of settings and of the truth; WR_EINVAL (times) */
wr_status wr_study_open(wr_study *s, wr_cli *cli, const wr_study_flags *f,
                        wr_err *err) WR_NODISCARD;
void wr_study_close(wr_study *s); /* safe on a zeroed struct */
wr_train_input wr_study_input(const wr_study *s);

#endif
