/*
 * manifest.h - what training wrote about a model, read back.
 *
 * A JSON object that travels with the bytes of the model (pipeline/scorer/learned.h):
 *
 *   kind, as_of, seed, threshold   text or number
 *   data, parameters, fit          { name: text or number, … }
 *   groups, forest_columns, limits [ text, … ]
 *   blocks                         [ { name, from, to, rows, bad, incidents }, … ]
 *   metrics                        { set: { name: figure, … }, …, by_typology: [ … ] }
 *     a figure                     number, or { value, low, high },
 *                                  or [ { budget, value }, … ]
 *     by_typology                  [ { name, incidents, wallets, recall }, … ]
 *
 * Any key may be missing or null, and keys that are not listed are passed over: an old
 * program shows a new model, without what it does not know.  A listed key of another
 * shape is an error.  Scalars are kept as text, numbers as short as they read back the
 * same, times (as_of, from, to) that are unix seconds as RFC 3339; everything stays in
 * the order of the document.
 * Thread: safe.
 */
#ifndef WR_CODEC_MANIFEST_H
#define WR_CODEC_MANIFEST_H

#include "util/arena.h"

enum { WR_MANIFEST_MAX_BYTES = 4 << 20, WR_MANIFEST_FIGURES_MAX = 500 };

typedef struct wr_manifest_item {
    wr_text name, value;
} wr_manifest_item;

typedef struct wr_manifest_items {
    uint32_t count;
    const wr_manifest_item *at; /* [count] */
} wr_manifest_items;

typedef struct wr_manifest_texts {
    uint32_t count;
    const wr_text *at; /* [count] */
} wr_manifest_texts;

typedef struct wr_manifest_block {
    wr_text name, from, to, rows, bad, incidents; /* absent: {NULL, 0} */
} wr_manifest_block;

typedef struct wr_manifest_figure {
    wr_text set, name;
    double budget;    /* NaN: of all rows */
    double value;     /* finite */
    double low, high; /* NaN: no interval */
} wr_manifest_figure;

typedef struct wr_manifest_typology {
    wr_text name, incidents, wallets;
    double recall; /* NaN: not told */
} wr_manifest_typology;

typedef struct wr_manifest {
    wr_text kind, as_of, seed, threshold; /* absent: {NULL, 0} */
    wr_manifest_items data, parameters, fit;
    wr_manifest_texts groups, forest_columns, limits;
    uint32_t blocks;
    const wr_manifest_block *block; /* [blocks] */
    uint32_t figures;
    const wr_manifest_figure *figure; /* [figures], set by set */
    uint32_t typologies;
    const wr_manifest_typology *typology; /* [typologies] */
} wr_manifest;

/*
 * out     all of it in arena; untouched on failure
 * Errors  WR_EPARSE (no JSON object, or names the key), WR_ELIMIT (bytes, figures),
 *         WR_ENOMEM
 */
wr_status wr_manifest_read(wr_manifest *out, const char *json, size_t len,
                           wr_arena *arena, wr_err *err) WR_NODISCARD;

/* Value of that name; {NULL, 0} when it is not there. */
wr_text wr_manifest_value(const wr_manifest_items *items, const char *name);
/* Block of that name, or NULL. */
const wr_manifest_block *wr_manifest_block_of(const wr_manifest *m, const char *name);
/* Figure of that name over all rows, or NULL. */
const wr_manifest_figure *wr_manifest_figure_of(const wr_manifest *m, const char *set,
                                                const char *name);

#endif
