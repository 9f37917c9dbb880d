/*
 * What a store on PostgreSQL does when something dies: the writer (kill -9), the server
 * (stopped as by a power cut), the connection (ended by an administrator, or lost exactly
 * at commit).  Nothing is half stored, counters agree with rows, the handle goes on.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "made_transfers.h"
#include "pg_db.h"
#include "pg_proxy.h"
#include "store/store.h"
#include "wr_test.h"

enum { BATCH = 40, WALLETS = 300 };

static const wr_text source = {.p = "file:fault", .len = 10};

/* Transfers first .. first + n - 1 with the mark that says so. */
static wr_status put_marked(wr_store *st, uint64_t first, size_t n, wr_put_result *res,
                            wr_err *err)
{
    static _Thread_local made_transfer text[2000];
    static _Thread_local wr_transfer t[2000];
    const wr_chain *chain = NULL;
    WR_TRY(wr_chain_find(&chain, WR_TEXT_LIT("opaque:fault"), err));
    for (size_t i = 0; i < n; i++)
        t[i] = make_transfer(&text[i], chain, first + i, WALLETS, 0);
    const wr_source_mark mark = {.source = source,
                                 .next_offset = (int64_t)(first + n),
                                 .status = "running",
                                 .records = n};
    const wr_put put = {.transfer = t, .transfer_count = n, .mark = &mark};
    return wr_store_put(st, &put, NULL, res, err);
}

static uint64_t next_offset(const char *dsn)
{
    PGconn *c = wr_test_pg_connect(dsn);
    long long v =
        wr_test_pg_number(c, "select coalesce(max(next_offset), 0) from ingestion_state");
    PQfinish(c);
    return (uint64_t)v;
}

/* Rows, counters and totals tell the same story, and it is the one of `rows` transfers.
 */
static void check_whole(const char *dsn, uint64_t rows)
{
    PGconn *c = wr_test_pg_connect(dsn);
    assert_int_equal(wr_test_pg_number(c, "select count(*) from transactions"), rows);
    assert_int_equal(
        wr_test_pg_number(c, "select coalesce(sum(transfers), 0) from store_totals"),
        rows);
    assert_int_equal(
        wr_test_pg_number(c, "select coalesce(sum(inserted), 0) from ingestion_state"),
        rows);
    assert_int_equal(
        wr_test_pg_number(c, "select coalesce(sum(records), 0) from ingestion_state"),
        rows);
    assert_int_equal(wr_test_pg_number(
                         c,
                         "select count(*) from wallets w where not exists (select 1 from "
                         "transactions t where w.wallet_id in (t.from_id, t.to_id))"),
                     0);
    PQfinish(c);
}

/* --- kill -9
 * ------------------------------------------------------------------------------ */

static void write_until_killed(const char *dsn, uint64_t first)
{
    wr_store *st = NULL;
    wr_put_result res;
    if (wr_store_open(&st, dsn, NULL) != WR_OK)
        _exit(1);
    while (put_marked(st, first, BATCH, &res, NULL) == WR_OK)
        first += BATCH;
    _exit(1);
}

static void test_kill__writer_at_random_points(void **state)
{
    (void)state;
    enum { KILLS = 25, KILLS_MOST = 500 }; /* a busy machine may need more for a commit */
    wr_rng r = {.s = 9};
    uint64_t done = 0;
    for (int i = 0; i < KILLS || (done == 0 && i < KILLS_MOST); i++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            write_until_killed(wr_test_pg_dsn, done);
        (void)usleep((useconds_t)(20000 + wr_rng_below(&r, 80000)));
        (void)kill(child, SIGKILL);
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status)); /* it did not stop by itself */
        /* its session may still be ending: the next writer waits for nothing of it */
        done = next_offset(wr_test_pg_dsn);
    }
    (void)usleep(300000); /* a commit that was under way has now arrived or not */
    done = next_offset(wr_test_pg_dsn);
    assert_true(done > 0);
    assert_int_equal(done % BATCH, 0);
    check_whole(wr_test_pg_dsn, done);
}

/* --- the server goes down
 * ------------------------------------------------------------------ */

static char crash_dir[64];

typedef struct crasher {
    pthread_t thread;
    bool is_ok;
} crasher;

static int start_server(void **state)
{
    (void)state;
    (void)snprintf(crash_dir, sizeof crash_dir, "/tmp/wr-pg-fault-XXXXXX");
    return mkdtemp(crash_dir) && wr_test_pg_script("start", crash_dir) ? 0 : -1;
}

static int stop_server(void **state)
{
    bool is_stopped = wr_test_pg_script("stop", crash_dir);
    (void)rmdir(crash_dir);
    return is_stopped ? wr_test_no_blocks_left(state) : -1;
}

static void *crash_soon(void *ctx)
{
    crasher *c = ctx;
    (void)usleep(400000);
    c->is_ok = wr_test_pg_script("crash", crash_dir);
    return NULL;
}

static void put_until_error(wr_store *st, uint64_t *stored, wr_err *err)
{
    wr_put_result res;
    while (put_marked(st, *stored, 2000, &res, err) == WR_OK)
        *stored += 2000;
}

static void test_crash__server_stops_in_mid_batch(void **state)
{
    (void)state;
    crasher c = {0};
    char dsn[WR_TEST_PG_DSN_MAX];
    wr_migrate_report rep;
    wr_put_result res;
    wr_store *st = NULL;
    uint64_t stored = 0;
    wr_err why = {0};
    wr_test_pg_read_dsn(dsn, crash_dir);
    assert_ok(wr_store_open(&st, dsn, &err));
    assert_ok(wr_store_migrate(st, &rep, &err));
    assert_int_equal(pthread_create(&c.thread, NULL, crash_soon, &c), 0);
    put_until_error(st, &stored, &why);
    (void)pthread_join(c.thread, NULL);
    assert_true(c.is_ok);
    assert_int_equal(why.code, WR_EIO);
    assert_non_null(strstr(why.msg, "postgresql: "));
    /* still down: says so, again and again */
    assert_err(WR_EIO, put_marked(st, stored, 10, &res, &err));
    assert_true(wr_test_pg_script("up", crash_dir));
    /* what the failed call left is all or nothing, and the same handle goes on from it */
    uint64_t marked = next_offset(dsn);
    assert_true(marked == stored || marked == stored + 2000);
    assert_ok(put_marked(st, marked, 2000, &res, &err));
    assert_int_equal(res.inserted, 2000);
    check_whole(dsn, marked + 2000);
    wr_store_close(st);
}

/* --- the connection is lost at commit
 * --------------------------------------------------------- */

static void lose(pg_proxy_mode mode, bool is_stored)
{
    pg_proxy p;
    char dsn[WR_TEST_PG_DSN_MAX];
    wr_put_result res;
    wr_store *st = NULL;
    pg_proxy_start(&p, dsn);
    assert_ok(wr_store_open(&st, dsn, &err));
    assert_ok(put_marked(st, 0, BATCH, &res, &err));
    atomic_store(&p.mode, (int)mode);
    if (is_stored) { /* the transaction's number tells: the caller need not know */
        assert_ok(put_marked(st, BATCH, BATCH, &res, &err));
        assert_int_equal(res.inserted, BATCH);
    } else {
        assert_err(WR_EIO, put_marked(st, BATCH, BATCH, &res, &err));
    }
    assert_int_equal(atomic_load(&p.mode), PG_PROXY_PASS); /* it was lost */
    check_whole(wr_test_pg_dsn, is_stored ? 2 * BATCH : BATCH);
    assert_ok(put_marked(st, is_stored ? 2 * BATCH : BATCH, BATCH, &res, &err));
    check_whole(wr_test_pg_dsn, is_stored ? 3 * BATCH : 2 * BATCH);
    wr_store_close(st);
    pg_proxy_stop(&p);
}

static void test_commit__request_lost(void **state)
{
    (void)state;
    lose(PG_PROXY_LOSE_COMMIT, false);
}

static void test_commit__answer_lost(void **state)
{
    (void)state;
    lose(PG_PROXY_LOSE_ANSWER, true);
}

/* --- an administrator ends the session
 * ----------------------------------------------------------- */

static void end_sessions(void)
{
    PGconn *c = wr_test_pg_connect(wr_test_pg_dsn);
    (void)wr_test_pg_number(
        c, "select count(pg_terminate_backend(pid, 5000)) from pg_stat_activity "
           "where datname = current_database() and usename = current_user "
           "and pid <> pg_backend_pid()");
    PQfinish(c);
}

static void test_session__ended_while_idle_is_not_noticed(void **state)
{
    (void)state;
    wr_store *st = wr_test_pg_open();
    wr_put_result res;
    wr_counts counts;
    int64_t seq;
    assert_ok(put_marked(st, 0, BATCH, &res, &err));
    end_sessions();
    assert_ok(wr_store_safe_seq(st, &seq, &err));
    assert_int_equal(seq, BATCH);
    end_sessions();
    assert_ok(put_marked(st, BATCH, BATCH, &res, &err));
    end_sessions();
    assert_ok(wr_store_counts(st, &counts, &err));
    assert_int_equal(counts.transfers, 2 * BATCH);
    wr_store_close(st);
}

/* What the ended session had not told is made up for: the next wait is woken. */
static void test_session__ended_between_waits_is_an_error_once(void **state)
{
    (void)state;
    wr_store *st = wr_test_pg_open();
    wr_store *writer = NULL;
    wr_put_result res;
    int64_t seq;
    bool is_woken;
    assert_ok(wr_store_wait(st, 1, &is_woken, &err));
    assert_false(is_woken);
    end_sessions();
    is_woken = true;
    wr_err why = {0};
    assert_int_equal(wr_store_wait(st, 60000, &is_woken, &why), WR_EIO);
    assert_non_null(strstr(why.msg, "connection lost while waiting"));
    assert_ok(wr_store_wait(st, 60000, &is_woken, &err));
    assert_true(is_woken);
    assert_ok(wr_store_wait(st, 1, &is_woken, &err));
    assert_false(is_woken);

    end_sessions(); /* another call notices first */
    assert_ok(wr_store_safe_seq(st, &seq, &err));
    assert_int_equal(seq, 0);
    assert_ok(wr_store_open(&writer, wr_test_pg_dsn, &err));
    assert_ok(put_marked(writer, 0, BATCH, &res, &err));
    assert_ok(wr_store_wait(st, 60000, &is_woken, &err));
    assert_true(is_woken);
    wr_store_close(writer);
    wr_store_close(st);
}

/* A transaction that is rolled back is no news, one that commits is. */
static void test_wait__told_at_the_commit(void **state)
{
    (void)state;
    wr_store *st = wr_test_pg_open();
    PGconn *c = wr_test_pg_connect(wr_test_pg_dsn);
    static const char insert[] =
        "begin; insert into transactions (time, from_id, to_id, value, asset_id, flags, "
        "chain_id, decimals, position, amount, tx_hash) values "
        "(1, 1, 2, 0, 0, 0, 1, 0, 0, 1, 'x')";
    bool is_woken;
    assert_ok(wr_store_wait(st, 0, &is_woken, &err));
    wr_test_pg_run(c, insert);
    assert_ok(wr_store_wait(st, 30, &is_woken, &err));
    assert_false(is_woken);
    wr_test_pg_run(c, "rollback");
    assert_ok(wr_store_wait(st, 30, &is_woken, &err));
    assert_false(is_woken);
    wr_test_pg_run(c, insert);
    wr_test_pg_run(c, "commit");
    assert_ok(wr_store_wait(st, 60000, &is_woken, &err));
    assert_true(is_woken);
    PQfinish(c);
    wr_store_close(st);
}

static wr_status end_it(void *ctx, const wr_edge_row *row, size_t n, wr_err *err)
{
    (void)row;
    (void)n;
    (void)err;
    if (!*(bool *)ctx)
        end_sessions();
    *(bool *)ctx = true;
    return WR_OK;
}

static void test_session__ended_in_mid_scan_is_an_error_once(void **state)
{
    (void)state;
    enum { ROWS = 400000 }; /* more than fits the sockets' buffers */
    wr_store *st = wr_test_pg_open();
    PGconn *c = wr_test_pg_connect(wr_test_pg_dsn);
    int64_t safe;
    bool has_ended = false;
    wr_test_pg_run(
        c, "insert into transactions (time, from_id, to_id, value, asset_id, flags, "
           "chain_id, decimals, position, amount, tx_hash) select 1, 1, 2, 0, 0, 0, "
           "1, 0, i, 1, 'x' from generate_series(1, 400000) i");
    PQfinish(c);
    assert_ok(wr_store_safe_seq(st, &safe, &err));
    assert_int_equal(safe, ROWS);
    assert_err(WR_EIO, wr_store_scan_edges(st, 0, safe, end_it, &has_ended, &err));
    assert_true(has_ended);
    assert_ok(wr_store_scan_edges(st, 0, safe, end_it, &has_ended, &err));
    wr_store_close(st);
}

/* --- a callback that has had enough
 * ----------------------------------------------------------------- */

static wr_status stop_at_once(void *ctx, const wr_edge_row *row, size_t n, wr_err *err)
{
    (void)ctx;
    (void)row;
    return wr_fail(err, WR_ESTOPPED, "stopped after %zu rows", n);
}

static wr_status stop_at_label(void *ctx, const wr_label_row *row, wr_err *err)
{
    (void)ctx;
    return wr_fail(err, WR_ESTOPPED, "stopped at label %lld", (long long)row->id);
}

static void test_callback__its_error_ends_the_scan_and_the_handle_goes_on(void **state)
{
    (void)state;
    wr_store *st = wr_test_pg_open();
    wr_put_result res;
    wr_labels_report rep;
    const wr_chain *chain = NULL;
    static wr_label label[3000];
    static char address[3000][16];
    for (uint64_t i = 0; i < 5; i++)
        assert_ok(put_marked(st, i * 2000, 2000, &res, &err));
    assert_ok(wr_chain_find(&chain, WR_TEXT_LIT("opaque:fault"), &err));
    for (int i = 0; i < 3000; i++) {
        (void)snprintf(address[i], sizeof address[i], "a%d", i);
        label[i] = (wr_label){.chain = chain,
                              .address = wr_text_of(address[i]),
                              .category = WR_TEXT_LIT("theft"),
                              .source = WR_TEXT_LIT("list"),
                              .valid_from_s = WR_TIME_NONE,
                              .valid_to_s = WR_TIME_NONE};
    }
    assert_ok(wr_store_labels_put(st, label, 3000, &rep, &err));
    assert_err(WR_ESTOPPED, wr_store_scan_edges(st, 0, 10000, stop_at_once, NULL, &err));
    assert_err(WR_ESTOPPED, wr_store_labels_list(st, -1, NULL, false, 0, 0, stop_at_label,
                                                 NULL, &err));
    assert_ok(put_marked(st, 10000, 10, &res, &err));
    assert_int_equal(res.inserted, 10);
    wr_store_close(st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_pg_test(test_callback__its_error_ends_the_scan_and_the_handle_goes_on),
        wr_pg_test(test_session__ended_while_idle_is_not_noticed),
        wr_pg_test(test_session__ended_between_waits_is_an_error_once),
        wr_pg_test(test_wait__told_at_the_commit),
        wr_pg_test(test_session__ended_in_mid_scan_is_an_error_once),
        wr_pg_test(test_commit__request_lost),
        wr_pg_test(test_commit__answer_lost),
        wr_pg_test(test_kill__writer_at_random_points),
        cmocka_unit_test_setup_teardown(test_crash__server_stops_in_mid_batch,
                                        start_server, stop_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
