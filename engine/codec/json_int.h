/*
 * json_int.h - one JSON object as a wr_fields: a fast way and a complete way.
 *
 *   flat   an object of plain strings, numbers, true, false, null; ASCII, no escapes
 *   whole  everything else, through jansson: nesting, escapes, UTF-8, and every error
 *
 * What the flat way cannot take it leaves alone, so all errors are worded in one place.
 * Both end in the same list of (key, text) pairs; numbers are texts as written.
 *
 * Records of one file have the same keys in the same order, so the map from keys to slots
 * is kept from the record before (wr_json_keys) and compared, not searched.
 */
#ifndef WR_CODEC_JSON_INT_H
#define WR_CODEC_JSON_INT_H

#include "codec/decode_int.h"
#include "codec/utxo_int.h"
#include "util/buf.h"

enum { WR_JSON_KEYS_MAX = 32 };

typedef struct wr_json_pairs {
    uint32_t count;
    wr_text key[WR_JSON_KEYS_MAX];
    wr_text value[WR_JSON_KEYS_MAX]; /* {NULL, 0} for null */
} wr_json_pairs;

typedef struct wr_json_keys {
    uint32_t count;
    char text[WR_JSON_KEYS_MAX][WR_NAME_MAX + 1];
    wr_text key[WR_JSON_KEYS_MAX]; /* into text */
    uint8_t slot[WR_JSON_KEYS_MAX];
    wr_layout layout;
    wr_fields fields; /* only slots of the layout are ever set */
} wr_json_keys;

/* All that decoding JSON records needs beside wr_decode; zero it before first use. */
typedef struct wr_json_state {
    wr_json_pairs pairs;
    wr_json_keys keys;
    wr_buf text; /* guarded copy for jansson; release */
} wr_json_state;

/* False: not flat (or wrong); nothing is reported.  Pairs point into p[0..len-1]. */
bool wr_json_flat(wr_json_pairs *out, const char *p, size_t len);

/*
 * Check size, depth and numbers, and copy with every number quoted, so that jansson
 * keeps its text.  False: an error was added to w, or is_nomem.
 */
bool wr_json_guard(wr_decode *w, wr_buf *out, const char *p, size_t len);

/* Fill keys->fields from pairs.  False: too many spellings (error added). */
bool wr_json_assign(wr_decode *w, wr_json_keys *keys, const wr_json_pairs *pairs);

/*
 * Decode one object to transfers appended to sink.  Texts point into p or the arena.
 * False: errors were added, or w->is_nomem.  is_flat_allowed = false for tests.
 */
bool wr_json_record(wr_decode *w, wr_json_state *st, const char *p, size_t len,
                    bool is_flat_allowed, wr_transfer_sink *sink);

/* End of a number token at p (past it), or NULL when it is no JSON number. */
const char *wr_json_number_end(const char *p, const char *end);

#endif
