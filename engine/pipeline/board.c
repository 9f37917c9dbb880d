#include "pipeline/board.h"

#include <sched.h>
#include <stdatomic.h>
#include <string.h>

enum {
    PAGE = 4096,
    PAGES = 1 << 20,       /* wallet ids are 32 bits */
    CHUNK_BYTES = 1 << 18, /* of records */
    LANES_8 = 4,           /* received direct taint sent_direct */
    SPINS = 64,            /* before a reader lets the writer run */
    HEAD_WORDS = 17,       /* see pack() */
};

typedef _Atomic uint64_t word;
typedef struct page {
    struct page *next; /* the writer's list of all */
    _Atomic(word *) record[PAGE];
} page;

typedef struct chunk {
    struct chunk *next;
    word at[];
} chunk;

struct wr_board {
    atomic_int refs;
    uint32_t c;
    size_t words;           /* of a record */
    _Atomic uint32_t named; /* columns that have a category */
    uint8_t category[WR_CATEGORY_MAX];
    wr_typology_board *typologies; /* or NULL */
    _Atomic uint64_t version;
    _Atomic int64_t seq;
    atomic_bool is_given_up;
    _Atomic(page *) *page; /* [PAGES] */

    /* the writer's own */
    page *pages;
    chunk *chunks;
    size_t chunk_used; /* words of the newest chunk */
    uint64_t bytes;
};

wr_status wr_board_new(wr_board **out, uint32_t c, wr_err *err)
{
    wr_board *b = wr_calloc(1, sizeof *b);
    if (b)
        b->page = wr_calloc(PAGES, sizeof *b->page);
    if (!b || !b->page) {
        wr_free(b);
        return wr_fail(err, WR_ENOMEM, "board");
    }
    atomic_init(&b->refs, 1);
    b->c = c;
    b->words = HEAD_WORDS + (size_t)c * LANES_8 + c /* two floats */ + (c + 7) / 8;
    b->bytes = sizeof *b;
    *out = b;
    return WR_OK;
}

void wr_board_name(wr_board *b, uint8_t category)
{
    const uint32_t k = atomic_load_explicit(&b->named, memory_order_relaxed);
    b->category[k] = category;
    atomic_store_explicit(&b->named, k + 1, memory_order_release);
}

uint32_t wr_board_columns(const wr_board *b, uint8_t category[WR_CATEGORY_MAX])
{
    const uint32_t c = atomic_load_explicit(&b->named, memory_order_acquire);
    memcpy(category, b->category, c);
    return c;
}

wr_board *wr_board_acquire(wr_board *b)
{
    atomic_fetch_add(&b->refs, 1);
    return b;
}

void wr_board_unref(wr_board *b)
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
    wr_typology_board_unref(b->typologies);
    wr_free(b->page);
    wr_free(b);
}

void wr_board_set_typologies(wr_board *b, wr_typology_board *t)
{
    b->typologies = t ? wr_typology_board_acquire(t) : NULL;
}

const wr_typology_board *wr_board_typologies(const wr_board *b)
{
    return b->typologies;
}

/* --- records as words ------------------------------------------------------------------
 */

static uint64_t word_of(double x)
{
    uint64_t w;
    memcpy(&w, &x, sizeof w);
    return w;
}

static double double_of(uint64_t w)
{
    double x;
    memcpy(&x, &w, sizeof x);
    return x;
}

static void pack(uint64_t *w, const wr_board_entry *e, uint32_t c)
{
    const wr_ledger_view *v = &e->in.view;
    const double head[] = {
        v->total,        v->balance,           v->overdraft, v->received_unknown,
        v->held_unknown, (double)v->max_share, e->sent,      e->own_confidence};
    const uint64_t count[] = {e->activity.in_count,
                              e->activity.out_count,
                              e->activity.in_degree,
                              e->activity.out_degree,
                              (uint64_t)e->activity.first_s,
                              (uint64_t)e->activity.last_s,
                              (uint64_t)(int64_t)e->own_category,
                              (uint64_t)e->is_exact | (uint64_t)e->has_newer << 1,
                              0};
    for (size_t i = 0; i < sizeof head / sizeof *head; i++)
        *w++ = word_of(head[i]);
    memcpy(w, count, sizeof count);
    w += sizeof count / sizeof *count;
    for (uint32_t k = 0; k < c; k++) {
        *w++ = word_of(e->in.received[k]);
        *w++ = word_of(e->in.direct[k]);
        *w++ = word_of(e->in.taint[k]);
        *w++ = word_of(e->sent_direct[k]);
    }
    for (uint32_t k = 0; k < c; k++) {
        const float two[] = {e->in.mean_hops[k], e->in.held_hops[k]};
        memcpy(w++, two, sizeof two);
    }
    memcpy(w, v->min_hops, c);
}

static void unpack(wr_board_entry *e, const uint64_t *w, uint32_t c)
{
    wr_ledger_view *v = &e->in.view;
    *v = (wr_ledger_view){.total = double_of(w[0]),
                          .balance = double_of(w[1]),
                          .overdraft = double_of(w[2]),
                          .received_unknown = double_of(w[3]),
                          .held_unknown = double_of(w[4]),
                          .max_share = (float)double_of(w[5]),
                          .max_at = UINT32_MAX,
                          .received = e->in.received,
                          .direct = e->in.direct,
                          .taint = e->in.taint,
                          .mean_hops = e->in.mean_hops,
                          .held_hops = e->in.held_hops};
    e->sent = double_of(w[6]);
    e->own_confidence = double_of(w[7]);
    e->activity = (wr_activity){.in_count = w[8],
                                .out_count = w[9],
                                .in_degree = (uint32_t)w[10],
                                .out_degree = (uint32_t)w[11],
                                .first_s = (int64_t)w[12],
                                .last_s = (int64_t)w[13]};
    e->own_category = (int)(int64_t)w[14];
    e->is_exact = w[15] & 1;
    e->has_newer = w[15] & 2;
    w += HEAD_WORDS;
    for (uint32_t k = 0; k < c; k++) {
        e->in.received[k] = double_of(*w++);
        e->in.direct[k] = double_of(*w++);
        e->in.taint[k] = double_of(*w++);
        e->sent_direct[k] = double_of(*w++);
    }
    for (uint32_t k = 0; k < c; k++) {
        float two[2];
        memcpy(two, w++, sizeof two);
        e->in.mean_hops[k] = two[0];
        e->in.held_hops[k] = two[1];
    }
    memcpy(v->min_hops, w, c);
}

/* --- writing ---------------------------------------------------------------------------
 */

static word *take_record(wr_board *b, wr_err *err)
{
    const size_t room = CHUNK_BYTES / sizeof(word);
    if (!b->chunks || b->chunk_used + b->words > room) {
        chunk *k = wr_calloc(1, sizeof *k + CHUNK_BYTES);
        if (!k) {
            (void)wr_fail(err, WR_ENOMEM, "records of the board");
            return NULL;
        }
        k->next = b->chunks;
        b->chunks = k;
        b->chunk_used = 0;
        b->bytes += sizeof *k + CHUNK_BYTES;
    }
    word *at = b->chunks->at + b->chunk_used;
    b->chunk_used += b->words;
    return at;
}

wr_status wr_board_reserve(wr_board *b, uint32_t wallet_id, wr_err *err)
{
    _Atomic(page *) *to = &b->page[wallet_id / PAGE];
    page *p = atomic_load_explicit(to, memory_order_relaxed);
    if (!p) {
        p = wr_calloc(1, sizeof *p);
        if (!p)
            return wr_fail(err, WR_ENOMEM, "page of the board");
        b->bytes += sizeof *p;
        p->next = b->pages;
        b->pages = p;
        atomic_store_explicit(to, p, memory_order_release);
    }
    _Atomic(word *) *slot = &p->record[wallet_id % PAGE];
    if (atomic_load_explicit(slot, memory_order_relaxed))
        return WR_OK;
    word *r = take_record(b, err);
    if (!r)
        return WR_ENOMEM;
    /* nobody can tell it from a record that says nothing: is_there comes with _put */
    atomic_store_explicit(slot, r, memory_order_release);
    return WR_OK;
}

void wr_board_begin(wr_board *b)
{
    const uint64_t v = atomic_load_explicit(&b->version, memory_order_relaxed);
    atomic_store_explicit(&b->version, v + 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
}

void wr_board_put(wr_board *b, uint32_t wallet_id, const wr_board_entry *e)
{
    enum { WORDS_MAX = HEAD_WORDS + WR_CATEGORY_MAX * (LANES_8 + 1) + 2 };
    uint64_t w[WORDS_MAX] = {0};
    page *p = atomic_load_explicit(&b->page[wallet_id / PAGE], memory_order_relaxed);
    word *r = atomic_load_explicit(&p->record[wallet_id % PAGE], memory_order_relaxed);
    pack(w, e, b->c);
    w[HEAD_WORDS - 1] = 1; /* it is there */
    for (size_t i = 0; i < b->words; i++)
        atomic_store_explicit(&r[i], w[i], memory_order_relaxed);
}

void wr_board_end(wr_board *b, int64_t seq)
{
    const uint64_t v = atomic_load_explicit(&b->version, memory_order_relaxed);
    atomic_store_explicit(&b->seq, seq, memory_order_relaxed);
    atomic_store_explicit(&b->version, v + 1, memory_order_release);
}

void wr_board_give_up(wr_board *b)
{
    atomic_store(&b->is_given_up, true);
}

/* --- reading ---------------------------------------------------------------------------
 */

static bool copy(const wr_board *b, uint32_t wallet_id, wr_board_entry *out)
{
    enum { WORDS_MAX = HEAD_WORDS + WR_CATEGORY_MAX * (LANES_8 + 1) + 2 };
    uint64_t w[WORDS_MAX];
    page *p = atomic_load_explicit(&b->page[wallet_id / PAGE], memory_order_acquire);
    word *r = p ? atomic_load_explicit(&p->record[wallet_id % PAGE], memory_order_acquire)
                : NULL;
    if (!r)
        return false;
    for (size_t i = 0; i < b->words; i++)
        w[i] = atomic_load_explicit(&r[i], memory_order_relaxed);
    if (!w[HEAD_WORDS - 1])
        return false;
    unpack(out, w, b->c);
    return true;
}

int64_t wr_board_get(const wr_board *b, const uint32_t *wallet_id, size_t n,
                     wr_board_entry *out, bool *is_there)
{
    for (uint64_t tries = 1;; tries++) {
        const uint64_t before = atomic_load_explicit(&b->version, memory_order_acquire);
        if (before % 2 == 0) {
            const int64_t seq = atomic_load_explicit(&b->seq, memory_order_relaxed);
            for (size_t i = 0; i < n; i++)
                is_there[i] = copy(b, wallet_id[i], &out[i]);
            atomic_thread_fence(memory_order_acquire);
            if (atomic_load_explicit(&b->version, memory_order_relaxed) == before)
                return seq;
        }
        if (tries % SPINS == 0)
            (void)sched_yield();
    }
}

int64_t wr_board_seq(const wr_board *b)
{
    return atomic_load_explicit(&b->seq, memory_order_relaxed);
}

bool wr_board_is_given_up(const wr_board *b)
{
    return atomic_load(&b->is_given_up);
}

uint64_t wr_board_bytes(const wr_board *b)
{
    return b->bytes;
}
