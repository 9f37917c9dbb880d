/*
 * registry.h - trained scorers into the store and back.
 *
 * The store keeps bytes and texts (store.h), learned.h knows what is in them; only here
 * the two meet.  Thread: as the store: one handle one thread.
 */
#ifndef WR_PIPELINE_SCORER_REGISTRY_H
#define WR_PIPELINE_SCORER_REGISTRY_H

#include "pipeline/scorer/learned.h"
#include "store/store.h"

/*
 * Keep the scorer `l` and the bytes that it was read from, as a candidate, with its card.
 *
 * by, at_s  who registers it, and when (wall clock)
 * is_new    false: it was there already, and nothing was changed
 * Errors    WR_EINVAL (its manifest names no kind of feature.h, bytes that are not l's),
 *           WR_ELIMIT (bytes), and of wr_store_model_put
 */
wr_status wr_registry_put(wr_store *st, const wr_learned *l, wr_text bytes, wr_text by,
                          int64_t at_s, bool *is_new, wr_err *err) WR_NODISCARD;

/*
 * A record with its bytes, copied into arena.
 * name, kind  as store.h: id, a part of it, "active"
 * Errors      of wr_store_model_get, WR_ENOMEM
 */
wr_status wr_registry_get(wr_model *out, wr_arena *arena, wr_store *st, const char *name,
                          const char *kind, wr_err *err) WR_NODISCARD;

/*
 * The scorer itself.
 * threads  1..256, of wr_learned_unpack
 * Errors   of wr_store_model_get and wr_learned_unpack; WR_ECORRUPT (under an id that is
 *          not its own)
 */
wr_status wr_registry_load(wr_learned **out, wr_store *st, const char *name,
                           const char *kind, uint32_t threads, wr_err *err) WR_NODISCARD;

/*
 * The wallets' scorer: the active one, or *out = NULL when there is none; or that of a
 * digest.  On the caller's OpenMP threads.
 * Errors  of wr_registry_load; WR_ECONFLICT (the model of that id has another digest)
 */
wr_status wr_registry_active(wr_learned **out, wr_store *st, wr_err *err) WR_NODISCARD;
wr_status wr_registry_of_digest(wr_learned **out, wr_store *st,
                                const wr_digest_hex *digest, wr_err *err) WR_NODISCARD;

#endif
