/*
 * vid_set_int.h - the few wallets a local search meets, numbered 0.. as they are met.
 *
 * A table with linear probing, so that a search pays for what it touches and not for n.
 * The caller keeps what it knows of each wallet in arrays beside v.  One object one
 * thread.
 */
#ifndef WR_SCORING_VID_SET_INT_H
#define WR_SCORING_VID_SET_INT_H

#include "graph/snapshot.h"
#include "util/mem.h"

#define WR_VID_SET_NONE UINT32_MAX

typedef struct wr_vid_set {
    wr_vid *v; /* [count], in order of meeting */
    size_t count, cap;
    uint32_t *table; /* [table_size] number + 1, 0 = free */
    size_t table_size;
} wr_vid_set;

/* Number of v, or WR_VID_SET_NONE. */
uint32_t wr_vid_set_find(const wr_vid_set *s, wr_vid v);
/* The same; a wallet not met before gets number s->count.  Errors  WR_ENOMEM */
wr_status wr_vid_set_add(uint32_t *number, wr_vid_set *s, wr_vid v,
                         wr_err *err) WR_NODISCARD;
/* Empty; keeps its memory.  Cost  O(count), not O(table). */
void wr_vid_set_clear(wr_vid_set *s);
void wr_vid_set_release(wr_vid_set *s); /* safe on a zeroed struct */

#endif
