#include "pipeline/live/board.h"

#include <stdatomic.h>
#include <string.h>

#include "pipeline/live/board_pages.h"

/*
 * A record in words:
 *
 *     head (see pack_head)   HEAD_WORDS, the last one is the state
 *     min_hops               a byte for each column of the board
 *     lanes                  LANE_WORDS for each column that is not all zero
 *
 * Most wallets have no or one category, so a record has room for 0, 1, 2, 4, 8 or 16
 * lanes (its size).  When it needs more it gets another record, and the old one is used
 * for the next wallet that needs one of that size: a reader who still copies it finds
 * that the version has changed.
 */
enum {
    HEAD_WORDS = 13,
    STATE = HEAD_WORDS - 1,
    LANE_WORDS = 5,
    SIZES = 6,
    WORDS_MAX = HEAD_WORDS + (WR_CATEGORY_MAX + 7) / 8 + WR_CATEGORY_MAX * LANE_WORDS,
};

/* The state: max_share in the lower half; bit per lane, own category + 1, flags, size. */
enum { MASK_AT = 32, CATEGORY_AT = 48, FLAGS_AT = 56, SIZE_AT = 60 };
enum { IS_EXACT = 1, HAS_NEWER = 2 };

struct wr_board {
    atomic_int refs;
    uint32_t c;
    size_t hop_words;
    _Atomic uint32_t named; /* columns that have a category */
    uint8_t category[WR_CATEGORY_MAX];
    wr_typology_board *typologies; /* or NULL */
    _Atomic int64_t seq;
    atomic_bool is_given_up;
    wr_board_pages pages;
    wr_board_word *idle[SIZES]; /* the writer's: not used any more, linked by word 0 */
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
    b->hop_words = (c + 7) / 8;
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

static uint64_t word_of_two(uint32_t low, uint32_t high)
{
    return low | (uint64_t)high << 32;
}

static uint32_t bits_of(float x)
{
    uint32_t w;
    memcpy(&w, &x, sizeof w);
    return w;
}

static float float_of(uint32_t w)
{
    float x;
    memcpy(&x, &w, sizeof x);
    return x;
}

static unsigned room_of(unsigned size)
{
    return size ? 1U << (size - 1) : 0;
}

static unsigned size_for(unsigned lanes)
{
    unsigned size = 0;
    while (room_of(size) < lanes)
        size++;
    return size;
}

static unsigned size_of(uint64_t state)
{
    return (unsigned)(state >> SIZE_AT);
}

static uint32_t mask_of(uint64_t state)
{
    return (uint16_t)(state >> MASK_AT);
}

static void pack_lane(uint64_t w[LANE_WORDS], const wr_board_entry *e, uint32_t k)
{
    w[0] = word_of(e->in.received[k]);
    w[1] = word_of(e->in.direct[k]);
    w[2] = word_of(e->in.taint[k]);
    w[3] = word_of(e->sent_direct[k]);
    w[4] = word_of_two(bits_of(e->in.mean_hops[k]), bits_of(e->in.held_hops[k]));
}

static void unpack_lane(wr_board_entry *e, uint32_t k, const uint64_t w[LANE_WORDS])
{
    e->in.received[k] = double_of(w[0]);
    e->in.direct[k] = double_of(w[1]);
    e->in.taint[k] = double_of(w[2]);
    e->sent_direct[k] = double_of(w[3]);
    e->in.mean_hops[k] = float_of((uint32_t)w[4]);
    e->in.held_hops[k] = float_of((uint32_t)(w[4] >> 32));
}

static void pack_head(uint64_t w[HEAD_WORDS], const wr_board_entry *e)
{
    const wr_ledger_view *v = &e->in.view;
    const wr_activity *a = &e->activity;
    const uint64_t flags = (e->is_exact ? IS_EXACT : 0) | (e->has_newer ? HAS_NEWER : 0);
    const uint64_t head[] = {word_of(v->total),
                             word_of(v->balance),
                             word_of(v->overdraft),
                             word_of(v->received_unknown),
                             word_of(v->held_unknown),
                             word_of(e->sent),
                             word_of(e->own_confidence),
                             a->in_count,
                             a->out_count,
                             word_of_two(a->in_degree, a->out_degree),
                             (uint64_t)a->first_s,
                             (uint64_t)a->last_s,
                             bits_of(v->max_share) |
                                 (uint64_t)(e->own_category + 1) << CATEGORY_AT |
                                 flags << FLAGS_AT};
    memcpy(w, head, sizeof head);
}

/* Returns the words used; all but the record's size is in the state. */
static size_t pack(uint64_t w[WORDS_MAX], const wr_board_entry *e, const wr_board *b)
{
    static const uint64_t nothing[LANE_WORDS];
    uint64_t *lane = w + HEAD_WORDS + b->hop_words;
    pack_head(w, e);
    memcpy(w + HEAD_WORDS, e->in.view.min_hops, b->c);
    for (uint32_t k = 0; k < b->c; k++) {
        pack_lane(lane, e, k);
        if (memcmp(lane, nothing, sizeof nothing) == 0)
            continue;
        w[STATE] |= 1ULL << (MASK_AT + k);
        lane += LANE_WORDS;
    }
    return (size_t)(lane - w);
}

static void unpack(wr_board_entry *e, const uint64_t *w, const wr_board *b)
{
    static const uint64_t nothing[LANE_WORDS];
    wr_ledger_view *v = &e->in.view;
    const uint64_t state = w[STATE];
    const uint64_t *lane = w + HEAD_WORDS + b->hop_words;
    *v = (wr_ledger_view){.total = double_of(w[0]),
                          .balance = double_of(w[1]),
                          .overdraft = double_of(w[2]),
                          .received_unknown = double_of(w[3]),
                          .held_unknown = double_of(w[4]),
                          .max_share = float_of((uint32_t)state),
                          .max_at = UINT32_MAX,
                          .received = e->in.received,
                          .direct = e->in.direct,
                          .taint = e->in.taint,
                          .mean_hops = e->in.mean_hops,
                          .held_hops = e->in.held_hops};
    e->sent = double_of(w[5]);
    e->own_confidence = double_of(w[6]);
    e->activity = (wr_activity){.in_count = w[7],
                                .out_count = w[8],
                                .in_degree = (uint32_t)w[9],
                                .out_degree = (uint32_t)(w[9] >> 32),
                                .first_s = (int64_t)w[10],
                                .last_s = (int64_t)w[11]};
    e->own_category = (int)(uint8_t)(state >> CATEGORY_AT) - 1;
    e->is_exact = state >> FLAGS_AT & IS_EXACT;
    e->has_newer = state >> FLAGS_AT & HAS_NEWER;
    memcpy(v->min_hops, w + HEAD_WORDS, b->c);
    for (uint32_t k = 0; k < b->c; k++) {
        const bool is_there = mask_of(state) >> k & 1;
        unpack_lane(e, k, is_there ? lane : nothing);
        lane += is_there ? LANE_WORDS : 0;
    }
}

/* --- writing ---------------------------------------------------------------------------
 */

static wr_board_word *take_record(wr_board *b, unsigned size, wr_err *err)
{
    wr_board_word *r = b->idle[size];
    if (!r) {
        const size_t words = HEAD_WORDS + b->hop_words + LANE_WORDS * room_of(size);
        return wr_board_record(&b->pages, words * sizeof *r, err);
    }
    b->idle[size] =
        (wr_board_word *)(uintptr_t)atomic_load_explicit(&r[0], memory_order_relaxed);
    return r;
}

static void let_go(wr_board *b, wr_board_word *r, unsigned size)
{
    atomic_store_explicit(&r[0], (uintptr_t)b->idle[size], memory_order_relaxed);
    b->idle[size] = r;
}

/* The slot's record, with room for so many lanes; *size: of it. */
static wr_board_word *record_for(wr_board *b, wr_board_slot *slot, unsigned lanes,
                                 unsigned *size, wr_err *err)
{
    wr_board_word *old = atomic_load_explicit(slot, memory_order_relaxed);
    if (old) {
        *size = size_of(atomic_load_explicit(&old[STATE], memory_order_relaxed));
        if (room_of(*size) >= lanes)
            return old;
    }
    const unsigned want = size_for(lanes);
    wr_board_word *r = take_record(b, want, err);
    if (r && old)
        let_go(b, old, *size);
    *size = want;
    return r;
}

void wr_board_begin(wr_board *b)
{
    wr_board_pages_begin(&b->pages);
}

wr_status wr_board_put(wr_board *b, uint32_t wallet_id, const wr_board_entry *e,
                       wr_err *err)
{
    uint64_t w[WORDS_MAX] = {0};
    const size_t words = pack(w, e, b);
    const unsigned lanes = (unsigned)__builtin_popcount(mask_of(w[STATE]));
    unsigned size;
    wr_board_slot *slot = wr_board_slot_of(&b->pages, wallet_id, err);
    wr_board_word *r = slot ? record_for(b, slot, lanes, &size, err) : NULL;
    if (!r)
        return WR_ENOMEM;
    w[STATE] |= (uint64_t)size << SIZE_AT;
    for (size_t i = 0; i < words; i++)
        atomic_store_explicit(&r[i], w[i], memory_order_relaxed);
    atomic_store_explicit(slot, r, memory_order_release);
    return WR_OK;
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

/* Never beyond the record, also when the writer is at it: a state's lanes have room. */
static bool copy(const wr_board *b, uint32_t wallet_id, wr_board_entry *out)
{
    uint64_t w[WORDS_MAX];
    wr_board_word *r = wr_board_record_of(&b->pages, wallet_id);
    if (!r)
        return false;
    const uint64_t state = atomic_load_explicit(&r[STATE], memory_order_relaxed);
    const size_t words = HEAD_WORDS + b->hop_words +
                         LANE_WORDS * (size_t)__builtin_popcount(mask_of(state));
    for (size_t i = 0; i < words; i++)
        w[i] = atomic_load_explicit(&r[i], memory_order_relaxed);
    w[STATE] = state;
    unpack(out, w, b);
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
