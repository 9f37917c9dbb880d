#include "pipeline/live/board.h"

#include <stdatomic.h>
#include <string.h>

#include "pipeline/live/board_pages.h"

enum {
    LANES_8 = 4,     /* received direct taint sent_direct */
    HEAD_WORDS = 17, /* see pack() */
    WORDS_MAX = HEAD_WORDS + WR_CATEGORY_MAX * (LANES_8 + 1) + 2,
};

struct wr_board {
    atomic_int refs;
    uint32_t c;
    size_t words;           /* of a record */
    _Atomic uint32_t named; /* columns that have a category */
    uint8_t category[WR_CATEGORY_MAX];
    wr_typology_board *typologies; /* or NULL */
    _Atomic int64_t seq;
    atomic_bool is_given_up;
    wr_board_pages pages;
};

wr_status wr_board_new(wr_board **out, uint32_t c, wr_err *err)
{
    wr_board *b = wr_calloc(1, sizeof *b);
    if (!b)
        return wr_fail(err, WR_ENOMEM, "board");
    const wr_status st = wr_board_pages_init(&b->pages, err);
    if (st != WR_OK) {
        wr_free(b);
        return st;
    }
    atomic_init(&b->refs, 1);
    b->c = c;
    b->words = HEAD_WORDS + (size_t)c * LANES_8 + c /* two floats */ + (c + 7) / 8;
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
    wr_typology_board_unref(b->typologies);
    wr_board_pages_release(&b->pages);
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

wr_status wr_board_reserve(wr_board *b, uint32_t wallet_id, wr_err *err)
{
    wr_board_slot *slot = wr_board_slot_of(&b->pages, wallet_id, err);
    if (!slot)
        return WR_ENOMEM;
    if (atomic_load_explicit(slot, memory_order_relaxed))
        return WR_OK;
    wr_board_word *r = wr_board_record(&b->pages, b->words * sizeof(wr_board_word), err);
    if (!r)
        return WR_ENOMEM;
    /* nobody can tell it from a record that says nothing: is_there comes with _put */
    atomic_store_explicit(slot, r, memory_order_release);
    return WR_OK;
}

void wr_board_begin(wr_board *b)
{
    wr_board_pages_begin(&b->pages);
}

void wr_board_put(wr_board *b, uint32_t wallet_id, const wr_board_entry *e)
{
    uint64_t w[WORDS_MAX] = {0};
    wr_board_word *r = wr_board_record_of(&b->pages, wallet_id);
    pack(w, e, b->c);
    w[HEAD_WORDS - 1] = 1; /* it is there */
    for (size_t i = 0; i < b->words; i++)
        atomic_store_explicit(&r[i], w[i], memory_order_relaxed);
}

void wr_board_end(wr_board *b, int64_t seq)
{
    atomic_store_explicit(&b->seq, seq, memory_order_relaxed);
    wr_board_pages_end(&b->pages);
}

void wr_board_give_up(wr_board *b)
{
    atomic_store(&b->is_given_up, true);
}

/* --- reading ---------------------------------------------------------------------------
 */

static bool copy(const wr_board *b, uint32_t wallet_id, wr_board_entry *out)
{
    uint64_t w[WORDS_MAX];
    wr_board_word *r = wr_board_record_of(&b->pages, wallet_id);
    if (!r)
        return false;
    for (size_t i = 0; i < b->words; i++)
        w[i] = atomic_load_explicit(&r[i], memory_order_relaxed);
    if (!w[HEAD_WORDS - 1])
        return false;
    unpack(out, w, b->c);
    return true;
}

typedef struct wanted {
    const wr_board *b;
    const uint32_t *wallet_id;
    size_t n;
    wr_board_entry *out;
    bool *is_there;
    int64_t seq;
} wanted;

static void copy_all(void *ctx)
{
    wanted *x = ctx;
    x->seq = atomic_load_explicit(&x->b->seq, memory_order_relaxed);
    for (size_t i = 0; i < x->n; i++)
        x->is_there[i] = copy(x->b, x->wallet_id[i], &x->out[i]);
}

int64_t wr_board_get(const wr_board *b, const uint32_t *wallet_id, size_t n,
                     wr_board_entry *out, bool *is_there)
{
    wanted x = {.b = b, .wallet_id = wallet_id, .n = n, .out = out, .is_there = is_there};
    wr_board_read(&b->pages, copy_all, &x);
    return x.seq;
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
    return sizeof *b + wr_board_pages_bytes(&b->pages);
}
