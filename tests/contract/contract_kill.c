/*
 * A writer that is killed with SIGKILL, again and again, at random moments: what is
 * committed is whole (rows, counters and source mark agree), and the load that goes on
 * from the mark ends where an undisturbed one ends.
 */
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "contract.h"

enum { TRANSFERS = 4000, KILLS_MAX = 30, BATCH_MAX = 120 };

static const char source[] = "file:kill.csv";

/* Record i of the imaginary file; some repeat or contradict an earlier one. */
static wr_transfer record(unsigned i)
{
    static char name[200][8];
    unsigned from = i * 7 % 200;
    unsigned to = i * 13 % 199;
    (void)snprintf(name[from], sizeof name[0], "w%u", from);
    (void)snprintf(name[to], sizeof name[0], "w%u", to);
    wr_transfer t = ct_transfer(i, 0, name[from], name[to], i);
    if (i % 50 == 49)
        t.tx_hash = ct_hash(i - 20); /* contradicts i - 20 */
    return t;
}

/* Put records from `first` on, in batches of changing size. */
static wr_status load(wr_store *st, unsigned first, wr_err *err)
{
    static wr_transfer t[BATCH_MAX];
    for (unsigned size = 1; first < TRANSFERS; size = size % BATCH_MAX + 17) {
        unsigned n = TRANSFERS - first < size ? TRANSFERS - first : size;
        n = n > BATCH_MAX ? BATCH_MAX : n;
        for (unsigned i = 0; i < n; i++)
            t[i] = record(first + i);
        first += n;
        wr_source_mark m = {.source = wr_text_of(source),
                            .next_offset = first,
                            .status = first == TRANSFERS ? "complete" : "running",
                            .records = n};
        wr_put p = {.transfer = t, .transfer_count = n, .mark = &m};
        wr_put_result res;
        WR_TRY(wr_store_put(st, &p, NULL, &res, err));
    }
    return WR_OK;
}

static unsigned offset_of(wr_store *st)
{
    wr_arena a;
    wr_source s;
    wr_arena_init(&a, 0);
    wr_status got = wr_store_source_get(st, &s, &a, wr_text_of(source), 0, NULL);
    wr_arena_release(&a);
    return got == WR_OK ? (unsigned)s.next_offset : 0;
}

static int writer(const char *dsn)
{
    wr_store *st = NULL;
    wr_err err = {0};
    wr_status s = wr_store_open(&st, dsn, &err);
    if (s == WR_OK)
        s = wr_store_bulk_begin(st, &err);
    if (s == WR_OK)
        s = load(st, offset_of(st), &err);
    wr_store_close(st);
    if (s != WR_OK)
        (void)fprintf(stderr, "writer: %s\n", err.msg);
    return s == WR_OK ? 0 : 1;
}

static wr_status count_edges(void *ctx, const wr_edge_row *row, size_t n, wr_err *err)
{
    (void)row;
    (void)err;
    *(uint64_t *)ctx += n;
    return WR_OK;
}

/* Rows, counters and mark of what is there now; true when the load is complete. */
static bool check(const char *dsn)
{
    WR_AUTO(wr_store) st = ct_again(dsn);
    wr_counts c;
    wr_source s = {0};
    wr_arena a;
    uint64_t rows = 0;
    wr_arena_init(&a, 0);
    assert_ok(wr_store_counts(st, &c, &err));
    assert_ok(wr_store_scan_edges(st, 0, INT64_MAX, count_edges, &rows, &err));
    if (wr_store_source_get(st, &s, &a, wr_text_of(source), 0, NULL) == WR_OK)
        assert_int_equal(s.next_offset, (int64_t)s.records);
    wr_arena_release(&a);
    assert_int_equal(rows, c.transfers);
    assert_int_equal(s.inserted, rows);
    assert_int_equal(s.dead, c.dead);
    assert_int_equal(s.inserted + s.duplicates + s.dead, s.records);
    return s.records == TRANSFERS;
}

static void pause_us(long us)
{
    struct timespec t = {.tv_nsec = us * 1000};
    (void)nanosleep(&t, NULL);
}

static void test_kill__load_ends_as_if_nothing_had_happened(void **state)
{
    (void)state;
    char dsn[CT_DSN_MAX];
    wr_store_close(ct_open(dsn));
    wr_rng rng = {.s = 42};
    bool is_complete = false;
    int killed = 0;
    for (int i = 0; !is_complete && i < 500; i++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
            _exit(writer(dsn));
        if (killed < KILLS_MAX) {
            pause_us(1000 + (long)wr_rng_below(&rng, 9000));
            (void)kill(pid, SIGKILL);
        }
        int status = 0;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        killed += WIFSIGNALED(status);
        assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
        is_complete = check(dsn);
    }
    assert_true(is_complete);
    assert_true(killed > 0);

    WR_AUTO(wr_store) ref = NULL;
    wr_migrate_report rep;
    assert_ok(wr_store_open(&ref, "memory:", &err));
    assert_ok(wr_store_migrate(ref, &rep, &err));
    assert_ok(load(ref, 0, &err));
    WR_AUTO(wr_store) st = ct_again(dsn);
    wr_buf got;
    wr_buf want;
    wr_buf_init(&got, 64 << 20);
    wr_buf_init(&want, 64 << 20);
    ct_dump(st, &got);
    ct_dump(ref, &want);
    assert_string_equal(wr_buf_cstr(&got), wr_buf_cstr(&want));
    wr_buf_release(&got);
    wr_buf_release(&want);
}

int contract_kill(void)
{
    const struct CMUnitTest shared[] = {
        wr_unit_test(test_kill__load_ends_as_if_nothing_had_happened),
    };
    return ct.is_shared ? cmocka_run_group_tests_name("kill", shared, NULL, NULL) : 0;
}
