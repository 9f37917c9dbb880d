/*
 * typology_story.h - a stream of typologies listened to, and held against the batch run.
 *
 * A story is what the news said so far, hit by hit: of each its root, its edges, its last
 * strength.  story_assert_told asks whether it is what wr_typology_find says.  Header
 * only; one per test program.
 */
#ifndef WR_TYPOLOGY_STORY_H
#define WR_TYPOLOGY_STORY_H

#include "scoring/typology_live.h"
#include "typology_ref.h"

/* Hit by hit in order of number, typology beside. */
typedef struct story {
    ref_set s;
    uint8_t typology[REF_HITS];
    uint64_t hits[WR_TYPOLOGY_COUNT]; /* compared so far; the caller's to read */
} story;

static inline void story_listen(story *st, const wr_typology_told *told)
{
    for (size_t i = 0; i < told->count; i++) {
        const wr_typology_news *n = &told->news[i];
        if (n->is_early) {
            assert_true(n->hit == 0 && !n->is_new && n->edge_count > 1);
            continue;
        }
        if (n->is_new) {
            assert_int_equal(n->hit, st->s.count + 1);
            st->typology[st->s.count] = n->typology;
            ref_new(&st->s, n->root);
        }
        if (n->replaces) {
            assert_true(n->replaces < n->hit || !n->is_new);
            st->typology[n->replaces - 1] = WR_TYPOLOGY_COUNT;
        }
        assert_true(n->hit >= 1 && n->hit <= st->s.count);
        assert_true(n->edge_count > 0 ||
                    (n->typology == WR_TYPOLOGY_MIXER && !n->is_new));
        ref_hit *h = &st->s.hit[n->hit - 1];
        assert_int_equal(h->root, n->root);
        assert_int_equal(st->typology[n->hit - 1], n->typology);
        h->variant = n->variant;
        h->strength = n->strength;
        for (size_t k = 0; k < n->edge_count; k++)
            ref_edge(h, told->edge[n->edge + k]);
    }
}

/* The typologies in `which`, one by one, under options o. */
static inline void story_assert_told(story *st, const ref_world *w,
                                     const wr_typology_opts *o, uint32_t which,
                                     uint64_t seed)
{
    static ref_set want;
    for (int t = 0; t < WR_TYPOLOGY_COUNT; t++) {
        if (!(which >> t & 1))
            continue;
        want.count = 0;
        for (uint32_t i = 0; i < st->s.count; i++)
            if (st->typology[i] == t)
                want.hit[want.count++] = st->s.hit[i];
        WR_TYPOLOGY_HITS_AUTO wr_typology_hits h = {0};
        assert_ok(wr_typology_find(&h, &w->in, 1U << t, o, NULL, &err));
        if (h.count != want.count)
            fail_msg("seed %lu: %s: %lu hits, %u were told", (unsigned long)seed,
                     wr_typology_name((wr_typology)t), (unsigned long)h.count,
                     want.count);
        ref_assert_equal(&h, &want, w, seed);
        st->hits[t] += h.count;
    }
}

static inline wr_typology_transfer story_transfer(const ref_world *w, uint32_t i)
{
    return (wr_typology_transfer){.value = w->g.value[i],
                                  .from = w->g.from[i],
                                  .to = w->g.to[i],
                                  .time_s = w->g.time_s[i],
                                  .ref = i};
}

/* Push all of w and end; with is_each compare after every transfer, too. */
static inline void story_replay(story *st, const ref_world *w, uint32_t which,
                                uint64_t seed, bool is_each)
{
    WR_AUTO(wr_typology_live) l = NULL;
    wr_typology_told told = {0};
    st->s.count = 0;
    assert_ok(wr_typology_live_new(&l, &w->in, which, &w->o, &err));
    for (uint32_t i = 0; i < w->g.m; i++) {
        const wr_typology_transfer t = story_transfer(w, i);
        assert_ok(wr_typology_live_push(&told, l, &t, &err));
        story_listen(st, &told);
        wr_typology_opts o = w->o;
        o.to_s = t.time_s + 1 < o.to_s ? t.time_s + 1 : o.to_s;
        if (is_each && o.to_s >= o.from_s)
            story_assert_told(st, w, &o, which, seed);
    }
    assert_ok(wr_typology_live_end(&told, l, &err));
    story_listen(st, &told);
    story_assert_told(st, w, &w->o, which, seed);
}

/* The same without a listener, for memory that runs out. */
static inline wr_status story_run(const ref_world *w, uint32_t which, wr_err *err)
{
    WR_AUTO(wr_typology_live) l = NULL;
    wr_typology_told told = {0};
    WR_TRY(wr_typology_live_new(&l, &w->in, which, &w->o, err));
    for (uint32_t i = 0; i < w->g.m; i++) {
        const wr_typology_transfer t = story_transfer(w, i);
        WR_TRY(wr_typology_live_push(&told, l, &t, err));
    }
    return wr_typology_live_end(&told, l, err);
}

#endif
