/*
 * occurrence_int.h - how many times a key was seen before.
 *
 * A set of 64-bit keys (open addressing, 8 bytes a slot, at most 3/4 full) and, beside
 * it, counts of the few keys that came more than once.  Two different records with the
 * same 64 bits only get different counts, which harms nothing: their 128-bit hashes
 * differ. Thread: one object one thread.
 */
#ifndef WR_CODEC_OCCURRENCE_INT_H
#define WR_CODEC_OCCURRENCE_INT_H

#include <stdint.h>

#include "util/err.h"

enum { WR_OCCURRENCE_BITS_MAX = 28 }; /* slots: 2 GiB */

typedef struct wr_key_table {
    uint64_t *key;   /* [1 << bits], 0 = empty */
    uint32_t *count; /* [1 << bits], NULL in the set of all keys */
    uint32_t bits;
    uint64_t used;
} wr_key_table;

typedef struct wr_occurrence {
    wr_key_table once;  /* every key */
    wr_key_table again; /* keys that came more than once, with how often */
} wr_occurrence;

void wr_occurrence_release(wr_occurrence *o); /* safe on a zeroed struct */

/*
 * Count key (not 0); *before = times it was counted before.
 * Errors  WR_ELIMIT (more than 3/4 of 2^28 keys), WR_ENOMEM
 * Cost    one random memory access
 */
wr_status wr_occurrence_count(wr_occurrence *o, uint64_t key, uint32_t *before,
                              wr_err *err) WR_NODISCARD;

#endif
