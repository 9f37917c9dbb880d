/*
 * Which transfers of a batch are new.
 *
 * transaction_keys holds one 64-bit key per transfer.  A unique index on the natural key
 * itself takes 45 bytes a row, and at millions of rows each batch rewrites most of it;
 * this takes 16.  A key that is taken is looked at in transactions: the same natural key
 * makes the transfer a repetition, another one means that two keys fell on one number,
 * and the next number is tried.  So the answer is exact, whatever the hash does.
 *
 * Keys are taken in ascending order, because neighbours then lie on the same page: twice
 * the speed of arrival order from some 500 000 rows on.
 */
#include <assert.h>

#include "store/radix_int.h"
#include "store/sqlite_int.h"

enum { GROUP = 16 }; /* keys of one insert statement */

static wr_status load_secret(wr_sqlite *q, wr_err *err)
{
    static const char sql[] =
        "select value from store_settings where name = 'transaction_key_secret'";
    WR_SQLITE_STMT *s = NULL;
    bool has_row = false;
    if (q->has_key_secret)
        return WR_OK;
    WR_TRY(wr_sqlite_stmt(q, sql, &s, err));
    WR_TRY(wr_sqlite_step(q, s, &has_row, err));
    if (!has_row || sqlite3_column_bytes(s, 0) != WR_SIPHASH_KEY_BYTES)
        return wr_fail(err, WR_ECORRUPT,
                       "store_settings: transaction_key_secret is missing");
    memcpy(q->key_secret, sqlite3_column_blob(s, 0), WR_SIPHASH_KEY_BYTES);
    q->has_key_secret = true;
    return WR_OK;
}

static wr_text hash_of(const wr_sqlite_batch *b, size_t i)
{
    return (wr_text){.p = (const char *)b->hash + b->hash_at[i],
                     .len = (uint32_t)(b->hash_at[i + 1] - b->hash_at[i])};
}

static void put_le32(uint8_t out[4], uint32_t v)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(v >> (8 * i));
}

static uint64_t natural_key(const wr_sqlite *q, const wr_sqlite_batch *b, size_t i)
{
    uint8_t bytes[8 + WR_STORE_HASH_BYTES];
    wr_text hash = hash_of(b, i);
    put_le32(bytes, b->chain_id[i]);
    put_le32(bytes + 4, b->put->transfer[i].position);
    memcpy(bytes + 8, hash.p, hash.len);
    return (wr_siphash(q->key_secret, bytes, 8 + hash.len) & q->key_mask) + q->key_base;
}

/* Does the row of transactions at seq have the natural key of transfer i? */
static wr_status is_key_of_row(wr_sqlite *q, const wr_sqlite_batch *b, size_t i,
                               int64_t seq, bool *is_same, wr_err *err)
{
    static const char sql[] =
        "select chain_id, position, tx_hash from transactions where seq = ?";
    WR_SQLITE_STMT *s = NULL;
    bool has_row = false;
    WR_TRY(wr_sqlite_stmt(q, sql, &s, err));
    (void)sqlite3_bind_int64(s, 1, seq);
    WR_TRY(wr_sqlite_step(q, s, &has_row, err));
    if (!has_row)
        return wr_fail(err, WR_ECORRUPT,
                       "transaction_keys names seq %lld, which is not in "
                       "transactions",
                       (long long)seq);
    wr_text stored = {.p = sqlite3_column_blob(s, 2),
                      .len = (uint32_t)sqlite3_column_bytes(s, 2)};
    *is_same = sqlite3_column_int64(s, 0) == b->chain_id[i] &&
               sqlite3_column_int64(s, 1) == b->put->transfer[i].position &&
               wr_text_eq(stored, hash_of(b, i));
    return WR_OK;
}

static bool is_key_of_other(const wr_sqlite_batch *b, size_t i, size_t other)
{
    return b->chain_id[i] == b->chain_id[other] &&
           b->put->transfer[i].position == b->put->transfer[other].position &&
           wr_text_eq(hash_of(b, i), hash_of(b, other));
}

static wr_status seq_at_key(wr_sqlite *q, uint64_t key, int64_t *seq, wr_err *err)
{
    static const char sql[] = "select seq from transaction_keys where key = ?";
    WR_SQLITE_STMT *s = NULL;
    bool has_row = false;
    WR_TRY(wr_sqlite_stmt(q, sql, &s, err));
    (void)sqlite3_bind_int64(s, 1, (int64_t)key);
    WR_TRY(wr_sqlite_step(q, s, &has_row, err));
    assert(has_row);
    *seq = sqlite3_column_int64(s, 0);
    return WR_OK;
}

/* Take a key for transfer i, or find the row or transfer that has its natural key. */
static wr_status take(wr_sqlite *q, wr_sqlite_batch *b, uint64_t key, size_t i,
                      wr_err *err)
{
    static const char sql[] =
        "insert into transaction_keys (key, seq) values (?, ?) on conflict do nothing";
    WR_SQLITE_STMT *insert = NULL;
    WR_TRY(wr_sqlite_stmt(q, sql, &insert, err));
    for (;; key++) {
        int64_t seq = b->base_seq + 1 + (int64_t)i;
        (void)sqlite3_bind_int64(insert, 1, (int64_t)key);
        (void)sqlite3_bind_int64(insert, 2, seq);
        WR_TRY(wr_sqlite_run(q, insert, err));
        if (sqlite3_changes(q->db) == 1)
            return WR_OK;
        bool is_same = false;
        WR_TRY(seq_at_key(q, key, &seq, err));
        if (seq > b->base_seq)
            is_same = is_key_of_other(b, i, (size_t)(seq - b->base_seq - 1));
        else
            WR_TRY(is_key_of_row(q, b, i, seq, &is_same, err));
        if (is_same) {
            b->outcome[i] = WR_PUT_DUPLICATE; /* or a conflict: put.c compares */
            b->rival[i] = (uint64_t)seq;
            return WR_OK;
        }
    }
}

/*
 * A group of transfers in the order of their keys.  One statement for all; when not every
 * key was free, those that do not carry their transfer's seq are taken one by one.
 */
static wr_status take_group(wr_sqlite *q, wr_sqlite_batch *b, const uint64_t *key,
                            const size_t at[GROUP], wr_err *err)
{
#define PAIRS4 "(?, ?), (?, ?), (?, ?), (?, ?)"
    static const char sql[] =
        "insert into transaction_keys (key, seq) values " PAIRS4 ", " PAIRS4 ", " PAIRS4
        ", " PAIRS4 " on conflict do nothing";
    WR_SQLITE_STMT *insert = NULL;
    WR_TRY(wr_sqlite_stmt(q, sql, &insert, err));
    for (int k = 0; k < GROUP; k++) {
        (void)sqlite3_bind_int64(insert, 2 * k + 1, (int64_t)key[at[k]]);
        (void)sqlite3_bind_int64(insert, 2 * k + 2, b->base_seq + 1 + (int64_t)at[k]);
    }
    WR_TRY(wr_sqlite_run(q, insert, err));
    if (sqlite3_changes(q->db) == GROUP)
        return WR_OK;
    for (int k = 0; k < GROUP; k++) {
        int64_t seq;
        WR_TRY(seq_at_key(q, key[at[k]], &seq, err));
        if (seq != b->base_seq + 1 + (int64_t)at[k])
            WR_TRY(take(q, b, key[at[k]], at[k], err));
    }
    return WR_OK;
}

/*
 * Order of the batch by the upper bits of the keys: word = upper bits of the key, then
 * the index in as many low bits as it needs.  Equal keys stay in array order, so that the
 * first of two equal transfers is the new one.
 */
static unsigned sort_keys(uint64_t *word, uint64_t *scratch, const uint64_t *key,
                          size_t n)
{
    unsigned low = 1;
    while (low < 63 && (n - 1) >> low)
        low++;
    uint64_t mask = (UINT64_C(1) << low) - 1;
    for (size_t i = 0; i < n; i++)
        word[i] = (key[i] & ~mask) | i;
    wr_radix_sort(word, scratch, n, low);
    return low;
}

wr_status wr_sqlite_keys_take(wr_sqlite *q, wr_sqlite_batch *b, wr_err *err)
{
    size_t n = b->put->transfer_count;
    WR_TRY(load_secret(q, err));
    WR_AUTO_ARRAY uint64_t *key = wr_calloc(n, sizeof *key);
    WR_AUTO_ARRAY uint64_t *word = wr_calloc(n, sizeof *word);
    WR_AUTO_ARRAY uint64_t *scratch = wr_calloc(n, sizeof *scratch);
    if (!key || !word || !scratch)
        return wr_fail(err, WR_ENOMEM, "keys of %zu transfers", n);
    for (size_t i = 0; i < n; i++)
        key[i] = natural_key(q, b, i);
    uint64_t mask = (UINT64_C(1) << sort_keys(word, scratch, key, n)) - 1;

    memset(b->outcome, WR_PUT_INSERTED, n);
    size_t i = 0;
    for (; i + GROUP <= n; i += GROUP) {
        size_t at[GROUP];
        for (size_t k = 0; k < GROUP; k++)
            at[k] = (size_t)(word[i + k] & mask);
        WR_TRY(take_group(q, b, key, at, err));
    }
    for (; i < n; i++) {
        size_t at = (size_t)(word[i] & mask);
        WR_TRY(take(q, b, key[at], at, err));
    }
    return WR_OK;
}
