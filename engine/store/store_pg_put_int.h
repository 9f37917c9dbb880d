/*
 * store_pg_put_int.h - one batch on its way into PostgreSQL.
 *
 * The names of a batch (chains, assets, addresses) are made distinct first; rows point to
 * them by index, so that each name is looked up once however often it occurs:
 *
 *     row i ── chain[i] ──> chains[]   {wr_chain, id}
 *           ── asset[i] ──> assets[]   {chain, text, id}
 *           ── from[i], to[i] ──> wallets[] {chain, text, id}
 *
 * Then every row gets a fate (judge), the names of new rows get ids (intern), new rows
 * are copied in (put).  Lives for one wr_store_put; a retry starts again at the ids.
 */
#ifndef WR_STORE_STORE_PG_PUT_INT_H
#define WR_STORE_STORE_PG_PUT_INT_H

#include "store/store_pg_int.h"

#define WR_PG_NO_ROW UINT32_MAX

typedef struct wr_pg_batch_chain {
    const wr_chain *chain;
    uint32_t id; /* 0 = not in the database (yet) */
    bool is_needed;
} wr_pg_batch_chain;

typedef struct wr_pg_batch_asset {
    wr_text asset;
    uint32_t chain;
    uint8_t decimals; /* of the first row that names it */
    bool is_needed;
    int64_t id; /* -1 = not in the database (yet) */
} wr_pg_batch_asset;

typedef struct wr_pg_batch_wallet {
    wr_text address;
    uint32_t chain;
    uint32_t id; /* 0 = not in the database (yet) */
    bool is_needed;
} wr_pg_batch_wallet;

/* A row of the database that has the key of a row of the batch. */
typedef struct wr_pg_hit {
    uint32_t row; /* of the batch */
    uint32_t from, to;
    int64_t seq, time_s, asset;
    wr_amount amount_base;
} wr_pg_hit;

typedef struct wr_pg_batch {
    const wr_put *put;
    uint32_t n;
    wr_arena arena; /* packed hashes, dead letters; outlives retries */

    uint32_t *chain, *asset, *from, *to; /* [n] */
    wr_text *hash;                       /* [n] packed */
    uint32_t
        *twin; /* [n] first row of the batch with the same key, WR_PG_NO_ROW = itself */
    uint8_t *fate;       /* [n] wr_put_outcome */
    int64_t *stored_seq; /* [n] of a conflict: the row in its way; 0 = the twin */
    bool has_twins;
    wr_pg_hit *hit; /* what the look found, until it is judged */
    size_t hit_count, hit_cap;

    wr_pg_dict chain_dict, asset_dict, wallet_dict;
    wr_pg_batch_chain *chains;
    wr_pg_batch_asset *assets;
    wr_pg_batch_wallet *wallets;
    size_t chain_count, asset_count, wallet_count;

    wr_buf array[4]; /* statement parameters under construction */
    wr_put_result res;
    uint64_t new_wallets; /* rows that this try added */
    uint64_t gone;        /* dead letters that a restart took away */
} wr_pg_batch;

enum { WR_PG_CHUNK = 32768 }; /* rows or names looked up by one statement */

/* Distinct names, packed hashes, twins.  WR_ENOMEM, WR_ELIMIT (over 2^32 - 2 rows). */
wr_status wr_pg_batch_init(wr_pg_batch *b, const wr_put *put, wr_err *err) WR_NODISCARD;
void wr_pg_batch_release(wr_pg_batch *b);

/* Ids that the database has; inside the put's transaction. */
wr_status wr_pg_batch_resolve_chains(wr_pg_store *st, wr_pg_batch *b,
                                     wr_err *err) WR_NODISCARD;
wr_status wr_pg_batch_resolve_names(wr_pg_store *st, wr_pg_batch *b,
                                    wr_err *err) WR_NODISCARD;
/* Ids for the names of rows whose fate is WR_PUT_INSERTED. */
wr_status wr_pg_batch_intern(wr_pg_store *st, wr_pg_batch *b, wr_err *err) WR_NODISCARD;
/* After the commit: wallets go to the cache. */
void wr_pg_batch_remember(wr_pg_store *st, const wr_pg_batch *b);

/*
 * How much to look before inserting: nothing but twins, a sample, or every key.
 * Sets fate, stored_seq and the counts of res.  A sample that finds something looks at
 * all.
 */
typedef enum wr_pg_look { WR_PG_LOOK_SAMPLE, WR_PG_LOOK_ALL } wr_pg_look;
wr_status wr_pg_batch_judge(wr_pg_store *st, wr_pg_batch *b, wr_pg_look how,
                            wr_err *err) WR_NODISCARD;
/* Dead letters of the conflicts, in array order: letters [b->res.conflicts], in arena. */
wr_status wr_pg_batch_letters(wr_pg_store *st, wr_pg_batch *b, wr_dead_letter *letters,
                              wr_err *err) WR_NODISCARD;

#endif
