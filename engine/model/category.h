/*
 * category.h - what a label says a wallet is: categories are data (data/categories.yaml).
 *
 * At most WR_CATEGORY_MAX categories; their order in the file is their index in every
 * [C] array.  INTERPOL / GraphSense concept ids and source words map onto them.
 * Immutable after load; readers share it.
 */
#ifndef WR_MODEL_CATEGORY_H
#define WR_MODEL_CATEGORY_H

#include <stdbool.h>
#include <stdint.h>

#include "util/err.h"
#include "util/text.h"

enum { WR_CATEGORY_MAX = 16, WR_CATEGORY_ID_MAX = 31, WR_CONCEPT_MAX = 256 };

typedef enum wr_category_kind {
    WR_CATEGORY_ILLICIT, /* injects taint; stop */
    WR_CATEGORY_RISKY,   /* injects taint; stop (mixer service, gambling, …) */
    WR_CATEGORY_SERVICE, /* stop: what leaves it is not its depositor's coin */
} wr_category_kind;

typedef struct wr_category {
    char id[WR_CATEGORY_ID_MAX + 1]; /* "sanctions" */
    char name[64];                   /* "Sanctioned entity" */
    double weight;                   /* severity w_c in [0, 1]; 0 for services */
    double rho0;                     /* share at which w_c is reached, in (0, 1] */
    wr_category_kind kind;
} wr_category;

typedef struct wr_taxonomy {
    uint32_t count; /* C */
    wr_category category[WR_CATEGORY_MAX];
    uint32_t concept_count;
    struct {
        char word[48]; /* lower case: "phishing", "sextortion", "ofac-sanctions-lists" */
        uint8_t category;
    } concept[WR_CONCEPT_MAX]; /* sorted by word */
} wr_taxonomy;

/* Index of a category id, or of a concept word (case-insensitive); -1 when neither. */
int wr_taxonomy_find(const wr_taxonomy *tx, wr_text id_or_concept);

#endif
