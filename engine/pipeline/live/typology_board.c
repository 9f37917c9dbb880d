#include "pipeline/live/typology_board.h"

#include <stdatomic.h>
#include <string.h>

#include "pipeline/live/board_pages.h"
#include "util/mem.h"

enum {
    LATE = WR_TYPOLOGY_COUNT, /* the kind of a record that counts late transfers */
    REASON = 5,               /* words, see pack() */
    WORDS = REASON + WR_TYPOLOGY_SEQS,
};

typedef struct record {
    struct record *next; /* of the same wallet; set before the record can be seen */
    uint64_t kind;       /* likewise: wr_typology, or LATE */
    wr_board_word at[WORDS];
} record;

struct wr_typology_board {
    atomic_int refs;
    uint32_t from_s;
    atomic_bool is_missing;
    wr_board_pages pages;
};

wr_status wr_typology_board_new(wr_typology_board **out, uint32_t from_s, wr_err *err)
{
    wr_typology_board *b = wr_calloc(1, sizeof *b);
    if (!b)
        return wr_fail(err, WR_ENOMEM, "board of typologies");
    const wr_status st = wr_board_pages_init(&b->pages, err);
    if (st != WR_OK) {
        wr_free(b);
        return st;
    }
    atomic_init(&b->refs, 1);
    b->from_s = from_s;
    *out = b;
    return WR_OK;
}

wr_typology_board *wr_typology_board_acquire(wr_typology_board *b)
{
    atomic_fetch_add(&b->refs, 1);
    return b;
}

void wr_typology_board_unref(wr_typology_board *b)
{
    if (!b || atomic_fetch_sub(&b->refs, 1) != 1)
        return;
    wr_board_pages_release(&b->pages);
    wr_free(b);
}

/* --- writing ---------------------------------------------------------------------------
 */

static record *find(record *r, uint64_t kind)
{
    while (r && r->kind != kind)
        r = r->next;
    return r;
}

/* Words of zero say nothing: a reader cannot tell it from no record. */
static wr_status put(wr_typology_board *b, uint32_t wallet_id, uint64_t kind,
                     const uint64_t w[WORDS], wr_err *err)
{
    wr_board_slot *first = wr_board_slot_of(&b->pages, wallet_id, err);
    if (!first)
        return WR_ENOMEM;
    record *head = atomic_load_explicit(first, memory_order_relaxed);
    record *r = find(head, kind);
    if (!r && !w[0])
        return WR_OK;
    if (!r) {
        r = wr_board_record(&b->pages, sizeof *r, err);
        if (!r)
            return WR_ENOMEM;
        r->next = head;
        r->kind = kind;
        atomic_store_explicit(first, r, memory_order_release);
    }
    for (int i = 0; i < WORDS; i++)
        atomic_store_explicit(&r->at[i], w[i], memory_order_relaxed);
    return WR_OK;
}

void wr_typology_board_begin(wr_typology_board *b)
{
    wr_board_pages_begin(&b->pages);
}

static void pack(uint64_t w[WORDS], const wr_reason_typology *r,
                 const int64_t seq[WR_TYPOLOGY_SEQS])
{
    w[0] = r->hits;
    w[1] = r->transfers | (uint64_t)r->is_root << 32 | (uint64_t)r->is_partial << 33;
    memcpy(&w[2], &r->strength, sizeof w[2]);
    memcpy(&w[3], &r->amount, sizeof w[3]);
    w[4] = (uint64_t)r->first_s << 32 | (uint32_t)r->last_s;
    for (int i = 0; i < WR_TYPOLOGY_SEQS; i++)
        w[REASON + i] = (uint64_t)seq[i];
}

static void unpack(wr_typology_now *out, uint8_t typology, const uint64_t w[WORDS])
{
    wr_reason_typology *r = &out->reason;
    *r = (wr_reason_typology){.typology = typology,
                              .hits = (uint32_t)w[0],
                              .transfers = (uint32_t)w[1],
                              .is_root = w[1] >> 32 & 1,
                              .is_partial = w[1] >> 33 & 1,
                              .first_s = (int64_t)(w[4] >> 32),
                              .last_s = (int64_t)(uint32_t)w[4]};
    memcpy(&r->strength, &w[2], sizeof r->strength);
    memcpy(&r->amount, &w[3], sizeof r->amount);
    for (int i = 0; i < WR_TYPOLOGY_SEQS; i++)
        out->seq[i] = (int64_t)w[REASON + i];
}

wr_status wr_typology_board_put(wr_typology_board *b, uint32_t wallet_id,
                                const wr_reason_typology *r,
                                const int64_t seq[WR_TYPOLOGY_SEQS], wr_err *err)
{
    uint64_t w[WORDS];
    pack(w, r, seq);
    return put(b, wallet_id, r->typology, w, err);
}

wr_status wr_typology_board_put_late(wr_typology_board *b, uint32_t wallet_id,
                                     uint32_t late, wr_err *err)
{
    const uint64_t w[WORDS] = {late};
    return put(b, wallet_id, LATE, w, err);
}

void wr_typology_board_end(wr_typology_board *b)
{
    wr_board_pages_end(&b->pages);
}

void wr_typology_board_miss(wr_typology_board *b)
{
    atomic_store(&b->is_missing, true);
}

/* --- reading ---------------------------------------------------------------------------
 */

typedef struct wanted {
    const wr_typology_board *b;
    uint32_t wallet_id;
    wr_typologies_now *out;
} wanted;

static void copy(void *ctx)
{
    const wanted *x = ctx;
    wr_typologies_now *out = x->out;
    wr_typology_now by[WR_TYPOLOGY_COUNT];
    memset(by, 0, sizeof by);
    *out = (wr_typologies_now){.is_followed = true, .from_s = x->b->from_s};
    const record *first = wr_board_record_of(&x->b->pages, x->wallet_id);
    for (const record *r = first; r; r = r->next) {
        uint64_t w[WORDS];
        for (int i = 0; i < WORDS; i++)
            w[i] = atomic_load_explicit(&r->at[i], memory_order_relaxed);
        if (r->kind == LATE)
            out->late = (uint32_t)w[0];
        else
            unpack(&by[r->kind], (uint8_t)r->kind, w);
    }
    for (int t = 0; t < WR_TYPOLOGY_COUNT; t++)
        if (by[t].reason.hits)
            out->found[out->count++] = by[t];
}

void wr_typology_board_get(const wr_typology_board *b, uint32_t wallet_id,
                           wr_typologies_now *out)
{
    wanted x = {.b = b, .wallet_id = wallet_id, .out = out};
    wr_board_read(&b->pages, copy, &x);
    out->is_complete = !atomic_load(&b->is_missing); /* after: never too good */
}

uint64_t wr_typology_board_bytes(const wr_typology_board *b)
{
    return sizeof *b + wr_board_pages_bytes(&b->pages);
}
