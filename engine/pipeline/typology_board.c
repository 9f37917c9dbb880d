#include "pipeline/typology_board.h"

#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "util/mem.h"

enum {
    PAGE = 4096,
    PAGES = 1 << 20,          /* wallet ids are 32 bits */
    CHUNK = 2048,             /* records */
    SPINS = 64,               /* before a reader lets the writer run */
    LATE = WR_TYPOLOGY_COUNT, /* the kind of a record that counts late transfers */
    WORDS = 5,                /* see pack() */
};

typedef _Atomic uint64_t word;
typedef struct record {
    struct record *next; /* of the same wallet; set before the record can be seen */
    uint64_t kind;       /* likewise: wr_typology, or LATE */
    word at[WORDS];
} record;

typedef struct page {
    struct page *next; /* the writer's list of all */
    _Atomic(record *) first[PAGE];
} page;

typedef struct chunk {
    struct chunk *next;
    record at[CHUNK];
} chunk;

struct wr_typology_board {
    atomic_int refs;
    uint32_t from_s;
    _Atomic uint64_t version;
    atomic_bool is_missing;
    _Atomic uint64_t bytes;
    _Atomic(page *) *page; /* [PAGES] */

    /* the writer's own */
    page *pages;
    chunk *chunks;
    size_t chunk_used;
};

wr_status wr_typology_board_new(wr_typology_board **out, uint32_t from_s, wr_err *err)
{
    wr_typology_board *b = wr_calloc(1, sizeof *b);
    if (b)
        b->page = wr_calloc(PAGES, sizeof *b->page);
    if (!b || !b->page) {
        wr_free(b);
        return wr_fail(err, WR_ENOMEM, "board of typologies");
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
    for (page *p = b->pages; p;) {
        page *next = p->next;
        wr_free(p);
        p = next;
    }
    for (chunk *k = b->chunks; k;) {
        chunk *next = k->next;
        wr_free(k);
        k = next;
    }
    wr_free(b->page);
    wr_free(b);
}

/* --- writing ---------------------------------------------------------------------------
 */

static _Atomic(record *) *reach(wr_typology_board *b, uint32_t wallet_id, wr_err *err)
{
    _Atomic(page *) *to = &b->page[wallet_id / PAGE];
    page *p = atomic_load_explicit(to, memory_order_relaxed);
    if (!p) {
        p = wr_calloc(1, sizeof *p);
        if (!p) {
            (void)wr_fail(err, WR_ENOMEM, "page of the board of typologies");
            return NULL;
        }
        atomic_fetch_add(&b->bytes, sizeof *p);
        p->next = b->pages;
        b->pages = p;
        atomic_store_explicit(to, p, memory_order_release);
    }
    return &p->first[wallet_id % PAGE];
}

static record *find(record *r, uint64_t kind)
{
    while (r && r->kind != kind)
        r = r->next;
    return r;
}

static record *take_record(wr_typology_board *b, wr_err *err)
{
    if (!b->chunks || b->chunk_used == CHUNK) {
        chunk *k = wr_calloc(1, sizeof *k);
        if (!k) {
            (void)wr_fail(err, WR_ENOMEM, "records of the board of typologies");
            return NULL;
        }
        k->next = b->chunks;
        b->chunks = k;
        b->chunk_used = 0;
        atomic_fetch_add(&b->bytes, sizeof *k);
    }
    return &b->chunks->at[b->chunk_used++];
}

/* Words of zero say nothing: a reader cannot tell it from no record. */
static wr_status put(wr_typology_board *b, uint32_t wallet_id, uint64_t kind,
                     const uint64_t w[WORDS], wr_err *err)
{
    _Atomic(record *) *first = reach(b, wallet_id, err);
    if (!first)
        return WR_ENOMEM;
    record *head = atomic_load_explicit(first, memory_order_relaxed);
    record *r = find(head, kind);
    if (!r && !w[0])
        return WR_OK;
    if (!r) {
        r = take_record(b, err);
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
    const uint64_t v = atomic_load_explicit(&b->version, memory_order_relaxed);
    atomic_store_explicit(&b->version, v + 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
}

static void pack(uint64_t w[WORDS], const wr_reason_typology *r)
{
    w[0] = r->hits;
    w[1] = r->transfers | (uint64_t)r->is_root << 32 | (uint64_t)r->is_partial << 33;
    memcpy(&w[2], &r->strength, sizeof w[2]);
    memcpy(&w[3], &r->amount, sizeof w[3]);
    w[4] = (uint64_t)r->first_s << 32 | (uint32_t)r->last_s;
}

static void unpack(wr_reason_typology *r, uint8_t typology, const uint64_t w[WORDS])
{
    *r = (wr_reason_typology){.typology = typology,
                              .hits = (uint32_t)w[0],
                              .transfers = (uint32_t)w[1],
                              .is_root = w[1] >> 32 & 1,
                              .is_partial = w[1] >> 33 & 1,
                              .first_s = (int64_t)(w[4] >> 32),
                              .last_s = (int64_t)(uint32_t)w[4]};
    memcpy(&r->strength, &w[2], sizeof r->strength);
    memcpy(&r->amount, &w[3], sizeof r->amount);
}

wr_status wr_typology_board_put(wr_typology_board *b, uint32_t wallet_id,
                                const wr_reason_typology *r, wr_err *err)
{
    uint64_t w[WORDS];
    pack(w, r);
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
    const uint64_t v = atomic_load_explicit(&b->version, memory_order_relaxed);
    atomic_store_explicit(&b->version, v + 1, memory_order_release);
}

void wr_typology_board_miss(wr_typology_board *b)
{
    atomic_store(&b->is_missing, true);
}

/* --- reading ---------------------------------------------------------------------------
 */

static const record *first_of(const wr_typology_board *b, uint32_t wallet_id)
{
    page *p = atomic_load_explicit(&b->page[wallet_id / PAGE], memory_order_acquire);
    return p ? atomic_load_explicit(&p->first[wallet_id % PAGE], memory_order_acquire)
             : NULL;
}

static void copy(const wr_typology_board *b, uint32_t wallet_id, wr_typologies_now *out)
{
    wr_reason_typology by[WR_TYPOLOGY_COUNT] = {{0}};
    *out = (wr_typologies_now){.is_followed = true, .from_s = b->from_s};
    for (const record *r = first_of(b, wallet_id); r; r = r->next) {
        uint64_t w[WORDS];
        for (int i = 0; i < WORDS; i++)
            w[i] = atomic_load_explicit(&r->at[i], memory_order_relaxed);
        if (r->kind == LATE)
            out->late = (uint32_t)w[0];
        else
            unpack(&by[r->kind], (uint8_t)r->kind, w);
    }
    for (int t = 0; t < WR_TYPOLOGY_COUNT; t++)
        if (by[t].hits)
            out->reason[out->count++] = by[t];
}

void wr_typology_board_get(const wr_typology_board *b, uint32_t wallet_id,
                           wr_typologies_now *out)
{
    for (uint64_t tries = 1;; tries++) {
        const uint64_t before = atomic_load_explicit(&b->version, memory_order_acquire);
        if (before % 2 == 0) {
            copy(b, wallet_id, out);
            atomic_thread_fence(memory_order_acquire);
            if (atomic_load_explicit(&b->version, memory_order_relaxed) == before)
                break;
        }
        if (tries % SPINS == 0)
            (void)sched_yield();
    }
    out->is_complete = !atomic_load(&b->is_missing); /* after: never too good */
}

uint64_t wr_typology_board_bytes(const wr_typology_board *b)
{
    return sizeof *b + atomic_load(&b->bytes);
}
