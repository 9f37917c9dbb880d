/*
 * shelf.h - trained scorers in and out of the store's registry.
 */
#ifndef WR_PIPELINE_SHELF_H
#define WR_PIPELINE_SHELF_H

#include "pipeline/learned.h"
#include "store/store.h"

/*
 * By name: an id, the beginning of one, or "active" (store.h).
 * Errors  WR_ENOTFOUND; WR_ECORRUPT (bytes that are not those of its digest, or no
 *         model), of the store
 */
wr_status wr_shelf_get(wr_learned **out, wr_store *st, const char *name,
                       wr_err *err) WR_NODISCARD;
/* By its digest. */
wr_status wr_shelf_get_digest(wr_learned **out, wr_store *st, const wr_digest_hex *digest,
                              wr_err *err) WR_NODISCARD;
/* The active one, or *out = NULL when there is none. */
wr_status wr_shelf_active(wr_learned **out, wr_store *st, wr_err *err) WR_NODISCARD;

/*
 * Keep a scorer as a candidate, with its card.
 * bytes   of l
 * is_new  false: it was there
 */
wr_status wr_shelf_put(wr_store *st, const wr_learned *l, wr_text bytes, wr_text by,
                       int64_t now_s, bool *is_new, wr_err *err) WR_NODISCARD;

#endif
