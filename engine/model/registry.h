/*
 * registry.h - a trained model as the registry keeps it (table model_registry).
 *
 * The bytes are pipeline/scorer/learned.h's; a store does not look into them.  Of each
 * kind at most one model is active: the one that scores.
 */
#ifndef WR_MODEL_REGISTRY_H
#define WR_MODEL_REGISTRY_H

#include <stddef.h>
#include <stdint.h>

#include "util/text.h"

enum {
    WR_MODEL_ID_MAX = 31,
    WR_MODEL_PREFIX_MIN = 4,      /* characters that may stand for an id */
    WR_MODEL_MAX_BYTES = 1 << 29, /* PostgreSQL takes 1 GiB per value, SQLite 10^9 */
    WR_MODEL_TEXT_MAX = 16 << 20, /* manifest, card */
};

typedef enum wr_model_status {
    WR_MODEL_CANDIDATE,
    WR_MODEL_ACTIVE,
    WR_MODEL_RETIRED,
    WR_MODEL_STATUS_COUNT
} wr_model_status;

const char *wr_model_status_name(wr_model_status s); /* "candidate" … */

typedef struct wr_model {
    wr_text id;     /* 1..WR_MODEL_ID_MAX characters */
    wr_text digest; /* SHA-256 of the bytes, 64 hex digits */
    wr_text kind;   /* "wallet" | "transfer" */
    wr_model_status status;
    int64_t created_s;
    wr_text created_by;
    int64_t activated_s;  /* the last time; 0 = never */
    wr_text activated_by; /* absent: never */
    wr_text manifest;     /* JSON */
    wr_text card;         /* Markdown */
    wr_text bytes;        /* absent in lists */
} wr_model;

#endif
