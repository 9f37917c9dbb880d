/*
 * One writer, many readers.  A batch is a new wallet, a payment from the purse (vertex 0)
 * to it and one of the same value back through a base wallet: in every published state
 * the purse got what it paid, every new wallet is found and has exactly its two
 * transfers.  Half a batch breaks all three.
 */
#include <pthread.h>
#include <sched.h>

#include "delta_test.h"

enum { BASE = 50, BATCHES = 4000, READERS = 3, LOOKS_MIN = 50 };

typedef struct shared {
    wr_delta *d;
    atomic_bool is_done;
    atomic_uint looks;
} shared;

static double value_of(uint32_t batch)
{
    return (double)(1 + batch % 5);
}

/* Sum of v's transfers of one way, and how many; descending positions or NaN. */
static double sum_of(const wr_delta_view *w, wr_vid v, int way, uint64_t *count)
{
    double sum = 0.0;
    uint64_t last = w->m;
    for (uint64_t i = wr_delta_newest(w, v, way); i != WR_DELTA_END;
         i = wr_delta_before(w, i, way)) {
        const wr_delta_row row = wr_delta_row_at(w, i);
        if (i >= last || (way == WR_DELTA_OUT ? row.from : row.to) != v)
            return __builtin_nan("");
        last = i;
        sum += row.value;
        ++*count;
    }
    return sum;
}

static bool is_found(const wr_delta_view *w, uint32_t batch)
{
    char name[80];
    const wr_vid v = wr_delta_vertex(w, &test_chain, wallet_text(name, BASE + batch, 3));
    return v == BASE + batch && wr_delta_wallet(w, v) == BASE + batch + 1 &&
           wr_delta_is_hub(w, v) == ((BASE + batch) % 3 == 0);
}

static bool is_wallet_whole(const wr_delta_view *w, uint32_t batch)
{
    const wr_vid v = BASE + batch;
    uint64_t count = 0;
    return is_found(w, batch) && sum_of(w, v, WR_DELTA_IN, &count) == value_of(batch) &&
           sum_of(w, v, WR_DELTA_OUT, &count) == value_of(batch) && count == 2;
}

static bool are_pairs_whole(const wr_delta_view *w, uint32_t batches)
{
    WR_AUTO_ARRAY wr_delta_pair *out = NULL;
    size_t count = 0;
    if (wr_delta_pairs(&out, &count, w, 0, WR_DELTA_OUT, NULL) != WR_OK)
        return false;
    bool is_good = count == batches;
    for (size_t i = 0; is_good && i < count; i++)
        is_good = out[i].nbr == BASE + i && out[i].count == 1 &&
                  out[i].value == (float)value_of((uint32_t)i);
    return is_good;
}

static bool is_whole(const wr_delta_view *w, wr_rng *r)
{
    const uint32_t batches = w->n - BASE;
    /* first what nothing but the view leads to: lists would bring their own order */
    if (batches > 0 &&
        (!is_found(w, batches - 1) || wr_delta_row_at(w, w->m - 1).to != 0))
        return false;
    uint64_t paid_count = 0;
    uint64_t got_count = 0;
    const double paid = sum_of(w, 0, WR_DELTA_OUT, &paid_count);
    const double got = sum_of(w, 0, WR_DELTA_IN, &got_count);
    if (w->m != 3 * (uint64_t)batches || paid != got || paid_count != batches ||
        got_count != batches)
        return false;
    char name[80]; /* one that a later batch brings is not there yet */
    if (wr_delta_vertex(w, &test_chain, wallet_text(name, w->n, 3)) != WR_VID_NONE)
        return false;
    for (int k = 0; batches > 0 && k < 20; k++)
        if (!is_wallet_whole(w, (uint32_t)wr_rng_below(r, batches)))
            return false;
    return batches == 0 || is_wallet_whole(w, batches - 1);
}

/* Returns how many looks were bad: no assertion outside the test's thread. */
static void *read_on(void *arg)
{
    shared *s = arg;
    wr_delta *d = s->d; /* the test acquired one reference for each reader */
    wr_rng r = {.s = 5};
    uintptr_t bad = 0;
    wr_delta_view old = wr_delta_read(d);
    for (unsigned k = 0; !atomic_load(&s->is_done) || k < LOOKS_MIN; k++) {
        const wr_delta_view w = wr_delta_read(d);
        bad += w.m < old.m || w.n < old.n || !is_whole(&w, &r);
        bad += !is_whole(&old, &r); /* by now the writer is far ahead of it */
        if (k % 8 == 0)
            bad += !are_pairs_whole(&w, w.n - BASE);
        if (k % 4 == 0)
            old = w;
        atomic_fetch_add(&s->looks, 1);
    }
    wr_delta_unref(d);
    return (void *)bad; /* NOLINT(performance-no-int-to-ptr): a count, not an address */
}

/* Waits in the middle of a batch, so that readers look then and keep up with growth. */
static bool write_batch(shared *s, uint32_t batch)
{
    wr_delta *d = s->d;
    char name[80];
    wr_vid v = WR_VID_NONE;
    bool is_new = false;
    const wr_text text = wallet_text(name, BASE + batch, 3);
    if (wr_delta_add_wallet(d, &v, BASE + batch + 1, &test_chain, text, NULL) != WR_OK)
        return false;
    const wr_vid middle = 1 + batch % (BASE - 1);
    const wr_vid way[4] = {0, v, middle, 0};
    for (int k = 0; k < 3; k++) {
        const wr_delta_row row = {.seq = 3 * (int64_t)batch + k,
                                  .value = value_of(batch),
                                  .time_s = 1600000000 + batch,
                                  .from = way[k],
                                  .to = way[k + 1]};
        if (wr_delta_append(d, &row, &is_new, NULL) != WR_OK)
            return false;
        while (k == 1 && atomic_load(&s->looks) < batch / 10)
            (void)sched_yield();
    }
    wr_delta_publish(d);
    return true;
}

static void test_delta__no_reader_sees_half_a_batch(void **state)
{
    (void)state;
    shared s = {.d = bare_delta(BASE)};
    pthread_t reader[READERS];
    for (int i = 0; i < READERS; i++) {
        (void)wr_delta_acquire(s.d);
        assert_int_equal(pthread_create(&reader[i], NULL, read_on, &s), 0);
    }
    uint32_t failed = 0;
    for (uint32_t i = 0; i < BATCHES; i++)
        failed += !write_batch(&s, i);
    const wr_delta_view last = wr_delta_read(s.d);
    wr_delta_unref(s.d); /* a reader is the last owner */
    atomic_store(&s.is_done, true);
    uintptr_t bad = 0;
    for (int i = 0; i < READERS; i++) {
        void *result = NULL;
        assert_int_equal(pthread_join(reader[i], &result), 0);
        bad += (uintptr_t)result;
    }
    assert_int_equal(failed, 0);
    assert_int_equal(bad, 0);
    assert_int_equal(last.m, 3 * BATCHES);
    assert_int_equal(last.n, BASE + BATCHES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_delta__no_reader_sees_half_a_batch),
    };
    return cmocka_run_group_tests_name("graph/delta_threads", tests, NULL, NULL);
}
