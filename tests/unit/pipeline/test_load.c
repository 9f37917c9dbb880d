#include <omp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/input/load.h"
#include "pipeline_test.h"
#include "random_store.h"

/* --- stores: memory has one handle, a file as many as are wanted ------------------- */

static char dir[64];
static char file_dsn[96];

static int make_file(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof dir, "/tmp/wr-load.XXXXXX");
    assert_non_null(mkdtemp(dir));
    (void)snprintf(file_dsn, sizeof file_dsn, "sqlite:%s/db", dir);
    WR_AUTO(wr_store) st = test_store(file_dsn);
    random_put(st, 0, RANDOM_TRANSFERS);
    return 0;
}

static int remove_file(void **state)
{
    static const char *const suffix[] = {"", "-wal", "-shm"};
    char path[128];
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(path, sizeof path, "%s/db%s", dir, suffix[i]);
        (void)unlink(path);
    }
    return rmdir(dir);
}

static wr_store *open_file(void)
{
    wr_store *st = NULL;
    assert_ok(wr_store_open(&st, file_dsn, &err));
    return st;
}

typedef struct loaded_facts {
    wr_digest_hex digest;
    uint64_t m, unpriced;
    uint32_t n;
} loaded_facts;

static loaded_facts load_upto(wr_store *st, int64_t upto)
{
    WR_AUTO(wr_snapshot) g = NULL;
    loaded_facts f = {.n = 0};
    assert_ok(wr_load_snapshot(&g, st, &upto, &f.unpriced, NULL, &err));
    assert_ok(wr_snapshot_digest(g, &f.digest, &err));
    f.m = wr_snapshot_columns(g).m;
    f.n = wr_snapshot_n(g);
    return f;
}

static void assert_same(const loaded_facts *a, const loaded_facts *b)
{
    assert_string_equal(a->digest.s, b->digest.s);
    assert_int_equal(a->m, b->m);
    assert_int_equal(a->n, b->n);
    assert_int_equal(a->unpriced, b->unpriced);
}

/* --- tests ------------------------------------------------------------------------- */

/* However many handles read it, and up to wherever: the graph that one handle reads. */
static void test_load__any_number_of_handles(void **state)
{
    (void)state;
    static const int64_t upto[] = {0, 1, 777, 70000, 140001, RANDOM_TRANSFERS};
    const int threads = omp_get_max_threads();
    WR_AUTO(wr_store) file = open_file();
    for (size_t i = 0; i < sizeof upto / sizeof *upto; i++) {
        omp_set_num_threads(1);
        const loaded_facts want = load_upto(file, upto[i]);
        assert_int_equal(want.m, upto[i]);
        for (int k = 2; k <= 4; k++) {
            omp_set_num_threads(k);
            const loaded_facts got = load_upto(file, upto[i]);
            assert_same(&want, &got);
        }
    }
    omp_set_num_threads(threads);
}

/* The reference store, which has one, says the same. */
static void test_load__as_from_memory(void **state)
{
    (void)state;
    enum { FIRST = 2000 };
    WR_AUTO(wr_store) plain = test_store("memory:");
    WR_AUTO(wr_store) file = open_file();
    random_put(plain, 0, FIRST);
    const loaded_facts want = load_upto(plain, -1);
    const loaded_facts got = load_upto(file, FIRST);
    assert_int_equal(want.m, FIRST);
    assert_same(&want, &got);
}

/* Wallets that only later transfers name are no vertices. */
static void test_load__wallets_of_later_transfers(void **state)
{
    (void)state;
    WR_AUTO(wr_store) file = open_file();
    const loaded_facts f = load_upto(file, 100);
    assert_in_range(f.n, 100, 200);
    const loaded_facts all = load_upto(file, -1);
    assert_int_equal(all.n, RANDOM_WALLETS);
}

static void test_load__empty_store(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = test_store("memory:");
    const loaded_facts f = load_upto(st, -1);
    assert_int_equal(f.m, 0);
    assert_int_equal(f.n, 0);
}

typedef struct stopper {
    atomic_bool stop;
    uint64_t shown, last, total;
} stopper;

static void show(void *ctx, const char *phase, uint64_t done, uint64_t total)
{
    stopper *s = ctx;
    if (strcmp(phase, "read transfers") != 0)
        return;
    s->shown++;
    s->last = done;
    s->total = total;
    if (done > RANDOM_TRANSFERS / 2)
        atomic_store(&s->stop, true);
}

/* Rows of all handles are counted; a stop ends all of them, and the handle goes on. */
static void test_load__stopped_on_request(void **state)
{
    (void)state;
    WR_AUTO(wr_store) file = open_file();
    WR_AUTO(wr_snapshot) g = NULL;
    stopper s = {.shown = 0};
    const wr_progress pg = {.show = show, .ctx = &s, .stop = &s.stop};
    int64_t upto = -1;
    assert_err(WR_ESTOPPED, wr_load_snapshot(&g, file, &upto, NULL, &pg, &err));
    assert_null(g);
    assert_int_equal(upto, -1);
    assert_true(s.shown > 1);
    assert_true(s.last <= s.total);
    assert_int_equal(s.total, RANDOM_TRANSFERS);
    const loaded_facts f = load_upto(file, -1);
    assert_int_equal(f.m, RANDOM_TRANSFERS);
}

static wr_status load_and_drop(wr_store *st, wr_err *err)
{
    WR_AUTO(wr_snapshot) g = NULL;
    int64_t upto = -1;
    return wr_load_snapshot(&g, st, &upto, NULL, NULL, err);
}

static void test_load__out_of_memory(void **state)
{
    (void)state;
    WR_AUTO(wr_store) file = open_file();
    assert_ok(load_and_drop(file, &err)); /* what the handle keeps is kept from here on */
    assert_oom_safe(load_and_drop(file, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_load__any_number_of_handles),
        wr_unit_test(test_load__as_from_memory),
        wr_unit_test(test_load__wallets_of_later_transfers),
        wr_unit_test(test_load__empty_store),
        wr_unit_test(test_load__stopped_on_request),
        wr_unit_test(test_load__out_of_memory),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
