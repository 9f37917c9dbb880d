#include "live_test.h"

#include <fcntl.h>
#include <sys/stat.h>

enum { KINDS = WR_KEPT_NOT_WRITTEN + 1 };

/* What was said of the file since the last look. */
typedef struct heard {
    int count[KINDS];
    char text[KINDS][WR_ERR_MSG_MAX];
} heard;

static heard said;
static char file[64]; /* of the snapshot */

static void hear(void *ctx, wr_kept what, const char *text)
{
    (void)ctx;
    said.count[what]++;
    (void)snprintf(said.text[what], sizeof said.text[what], "%s", text);
}

/* Exactly these events, each naming the file. */
static void assert_said(int used, int unused, int refused, int written, int not_written)
{
    const int want[KINDS] = {used, unused, refused, written, not_written};
    for (int i = 0; i < KINDS; i++) {
        if (said.count[i] != want[i])
            fail_msg("event %d: %d times, wanted %d: %s", i, said.count[i], want[i],
                     said.text[i]);
        if (said.count[i] && !strstr(said.text[i], file))
            fail_msg("event %d does not name the file: %s", i, said.text[i]);
    }
}

static void assert_refused(const char *reason)
{
    if (said.count[WR_KEPT_REFUSED] != 1 || !strstr(said.text[WR_KEPT_REFUSED], file) ||
        !strstr(said.text[WR_KEPT_REFUSED], reason))
        fail_msg("wanted '%s', said '%s'", reason, said.text[WR_KEPT_REFUSED]);
}

static void restart(fixture *f)
{
    wr_live_close(f->lv);
    f->lv = NULL;
    assert_ok(wr_live_open(&f->lv, f->dsn, f->cfg, 0, &err));
    wr_live_keep(f->lv, file, hear, NULL);
    said = (heard){0};
}

static fixture begin_kept(void)
{
    fixture f = begin();
    (void)snprintf(file, sizeof file, "%s/graph.snap", f.dir);
    restart(&f);
    return f;
}

static void run_well(fixture *f, wr_job_kind kind)
{
    said = (heard){0};
    wr_job_status job = run_job(f, kind);
    if (job.status != WR_RUN_COMPLETE)
        fail_msg("job: %s", job.error);
}

static void restart_and_restore(fixture *f)
{
    restart(f);
    run_well(f, WR_JOB_RESTORE);
}

/* A snapshot of a file cannot be changed: marking hubs is refused. */
static bool is_from_file(wr_snapshot *g)
{
    return wr_snapshot_mark_hub(g, 0, NULL) != WR_OK;
}

static wr_digest_hex output_of(fixture *f)
{
    wr_view v = wr_live_view(f->lv);
    assert_non_null(v.assessment);
    const wr_digest_hex d = wr_assessment_run(v.assessment)->output_digest;
    wr_view_release(&v);
    return d;
}

static size_t file_bytes(void)
{
    struct stat s;
    assert_int_equal(stat(file, &s), 0);
    return (size_t)s.st_size;
}

static void flip(size_t at, unsigned bit)
{
    uint8_t x = 0;
    const int fd = open(file, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &x, 1, (off_t)at), 1);
    x ^= (uint8_t)(1U << bit);
    assert_int_equal(pwrite(fd, &x, 1, (off_t)at), 1);
    (void)close(fd);
}

/* --- restarts -------------------------------------------------------------------- */

static void test_keep__restart_takes_the_graph_from_the_file(void **state)
{
    (void)state;
    fixture f = begin_kept();
    test_random(f.st, 200, 1000, 4);
    run_well(&f, WR_JOB_SCORE);
    assert_said(0, 0, 0, 1, 0);
    const wr_digest_hex before = output_of(&f);
    restart_and_restore(&f);
    assert_said(1, 0, 0, 0, 0);
    assert_non_null(strstr(said.text[WR_KEPT_USED], "1000 transfers up to seq 1000"));
    assert_string_equal(output_of(&f).s, before.s);
    wr_view v = wr_live_view(f.lv);
    assert_true(is_from_file(v.graph));
    assert_ptr_equal(v.graph, wr_assessment_snapshot(v.assessment));
    assert_int_equal(v.graph_max_seq, 1000);
    wr_view_release(&v);
    end(&f);
}

static void test_keep__without_a_run_the_newest_graph_is_kept(void **state)
{
    (void)state;
    fixture f = begin_kept();
    test_random(f.st, 50, 200, 5);
    run_well(&f, WR_JOB_RESTORE); /* no file yet: nothing to complain about */
    assert_said(0, 0, 0, 1, 0);
    run_well(&f, WR_JOB_RELOAD);
    assert_said(0, 0, 0, 0, 0); /* it is there already */
    restart_and_restore(&f);
    assert_said(1, 0, 0, 0, 0);
    end(&f);
}

static void test_keep__a_job_that_changes_nothing_leaves_the_file(void **state)
{
    (void)state;
    fixture f = begin_kept();
    test_random(f.st, 50, 200, 6);
    run_well(&f, WR_JOB_SCORE);
    assert_said(0, 0, 0, 1, 0);
    run_well(&f, WR_JOB_SCORE);
    assert_said(0, 0, 0, 0, 0);
    assert_int_equal(unlink(file), 0);
    run_well(&f, WR_JOB_RELOAD);
    assert_said(0, 0, 0, 1, 0);
    end(&f);
}

/* --- bounds ---------------------------------------------------------------------- */

static const test_pay later[] = {{"w1", "w2", 5, 2000000}};

static void test_keep__older_file_serves_its_run_and_never_as_newest(void **state)
{
    (void)state;
    fixture f = begin_kept();
    test_random(f.st, 100, 500, 7);
    run_well(&f, WR_JOB_SCORE);
    test_put(f.st, later, 1, 9000);
    for (int round = 0; round < 2; round++) {
        restart_and_restore(&f);
        assert_said(1, 0, 0, 0, 0); /* the run's graph stays in it: needed again */
        wr_view v = wr_live_view(f.lv);
        assert_int_equal(v.graph_max_seq, 501);
        assert_int_equal(wr_snapshot_columns(v.graph).m, 501);
        assert_false(is_from_file(v.graph));
        assert_int_equal(wr_assessment_run(v.assessment)->transfers, 500);
        assert_true(is_from_file(wr_assessment_snapshot(v.assessment)));
        wr_view_release(&v);
    }
    run_well(&f, WR_JOB_RELOAD);
    assert_said(0, 0, 0, 0, 0);
    run_well(&f, WR_JOB_SCORE);
    assert_said(0, 0, 0, 1, 0);
    end(&f);
}

static void test_keep__older_file_that_nobody_needs_is_replaced(void **state)
{
    (void)state;
    fixture f = begin_kept();
    test_random(f.st, 100, 500, 8);
    run_well(&f, WR_JOB_RELOAD);
    test_put(f.st, later, 1, 9000);
    restart_and_restore(&f);
    assert_said(0, 1, 0, 1, 0);
    wr_view v = wr_live_view(f.lv);
    assert_int_equal(wr_snapshot_columns(v.graph).m, 501);
    wr_view_release(&v);
    end(&f);
}

/* --- refused --------------------------------------------------------------------- */

/* The same answers as before, from the store, and the file is good again. */
static void assert_refused_and_mended(fixture *f, const char *reason, const char *output)
{
    restart_and_restore(f);
    assert_said(0, 0, 1, 1, 0);
    assert_refused(reason);
    assert_string_equal(output_of(f).s, output);
    restart_and_restore(f);
    assert_said(1, 0, 0, 0, 0);
    assert_string_equal(output_of(f).s, output);
}

static void test_keep__one_bit_is_enough(void **state)
{
    (void)state;
    fixture f = begin_kept();
    test_random(f.st, 60, 300, 9);
    run_well(&f, WR_JOB_SCORE);
    const wr_digest_hex before = output_of(&f);
    const size_t bytes = file_bytes();
    wr_rng r = {.s = 1};
    for (int i = 0; i < 20; i++) {
        flip(wr_rng_below(&r, (uint32_t)bytes), (unsigned)wr_rng_below(&r, 8));
        assert_refused_and_mended(&f, "graph.snap: ", before.s);
    }
    flip(bytes - 70, 0); /* in the note: the graph is whole, whose it is no longer sure */
    assert_refused_and_mended(&f, "section note", before.s);
    end(&f);
}

static void test_keep__cut_empty_or_something_else(void **state)
{
    (void)state;
    fixture f = begin_kept();
    test_random(f.st, 60, 300, 10);
    run_well(&f, WR_JOB_SCORE);
    const wr_digest_hex before = output_of(&f);
    assert_int_equal(truncate(file, (off_t)file_bytes() - 1), 0);
    assert_refused_and_mended(&f, "header says", before.s);
    assert_int_equal(truncate(file, 100), 0);
    assert_refused_and_mended(&f, "cut at 100 bytes", before.s);
    assert_int_equal(truncate(file, 0), 0);
    assert_refused_and_mended(&f, "not a walletrisk snapshot", before.s);
    end(&f);
}

static void test_keep__file_of_another_store(void **state)
{
    (void)state;
    char foreign[sizeof file];
    fixture a = begin_kept();
    test_random(a.st, 50, 200, 11);
    run_well(&a, WR_JOB_SCORE);
    (void)snprintf(foreign, sizeof foreign, "%s", file);
    fixture b = begin_kept();
    (void)snprintf(file, sizeof file, "%s", foreign);
    restart(&b);
    test_random(b.st, 50, 200, 11); /* even with the same records */
    run_well(&b, WR_JOB_RESTORE);
    assert_said(0, 0, 1, 1, 0);
    assert_refused("of store ");
    end(&a);
    end(&b);
}

static void copy_file(const char *from, const char *to)
{
    static char bytes[1 << 22];
    FILE *in = fopen(from, "rb");
    FILE *out = fopen(to, "wb");
    assert_non_null(in);
    assert_non_null(out);
    const size_t n = fread(bytes, 1, sizeof bytes, in);
    assert_true(n < sizeof bytes);
    assert_int_equal(fwrite(bytes, 1, n, out), n);
    (void)fclose(in);
    assert_int_equal(fclose(out), 0);
}

/* Nobody has the store open during `from` -> `to`. */
static void move_store(fixture *f, const char *from, const char *to)
{
    char a[64];
    char b[64];
    wr_live_close(f->lv);
    f->lv = NULL;
    wr_store_close(f->st);
    (void)snprintf(a, sizeof a, "%s/%s", f->dir, from);
    (void)snprintf(b, sizeof b, "%s/%s", f->dir, to);
    copy_file(a, b);
    f->st = test_store(f->dsn);
    restart(f);
}

/* A backup keeps the store's id, so the id alone does not tell. */
static void test_keep__store_put_back_to_a_backup(void **state)
{
    (void)state;
    static const test_pay one[] = {{"w1", "w2", 5, 2000000}};
    static const test_pay other[] = {{"w1", "w2", 6, 2000000}};
    fixture f = begin_kept();
    test_random(f.st, 50, 200, 12);
    move_store(&f, "w.db", "backup.db");
    test_put(f.st, one, 1, 9000);
    run_well(&f, WR_JOB_SCORE);
    move_store(&f, "backup.db", "w.db");
    run_well(&f, WR_JOB_RESTORE);
    assert_refused("newer than the store");
    assert_said(0, 0, 1, 1, 0);

    test_put(f.st, one, 1, 9000);
    run_well(&f, WR_JOB_SCORE);
    move_store(&f, "backup.db", "w.db");
    test_put(f.st, other, 1, 9000);
    run_well(&f, WR_JOB_RESTORE);
    assert_refused("another transfer with seq 201");
    end(&f);
}

/* Same last transfer, another one before it: the run's record tells. */
static void test_keep__graph_that_the_run_did_not_have(void **state)
{
    (void)state;
    static const test_pay one[] = {{"w1", "w2", 5, 2000000}, {"w2", "w3", 5, 2000001}};
    static const test_pay other[] = {{"w1", "w2", 6, 2000000}, {"w2", "w3", 5, 2000001}};
    fixture f = begin_kept();
    test_random(f.st, 50, 200, 13);
    move_store(&f, "w.db", "backup.db");
    test_put(f.st, one, 2, 9000);
    run_well(&f, WR_JOB_SCORE);
    char aside[sizeof file + 8];
    (void)snprintf(aside, sizeof aside, "%s.a", file);
    copy_file(file, aside);
    move_store(&f, "backup.db", "w.db");
    test_put(f.st, other, 2, 9000);
    run_well(&f, WR_JOB_SCORE);
    const wr_digest_hex mine = output_of(&f);
    copy_file(aside, file);
    assert_refused_and_mended(&f, " recorded ", mine.s);
    end(&f);
}

static void test_keep__folder_that_cannot_be_written(void **state)
{
    (void)state;
    fixture f = begin_kept();
    (void)snprintf(file, sizeof file, "%s/missing/graph.snap", f.dir);
    test_random(f.st, 50, 200, 14);
    for (int i = 0; i < 2; i++) {
        run_well(&f, i ? WR_JOB_RELOAD : WR_JOB_SCORE);
        assert_said(0, 0, 0, 0, 1);
        assert_non_null(strstr(said.text[WR_KEPT_NOT_WRITTEN], "No such file"));
    }
    restart_and_restore(&f);
    assert_said(0, 0, 0, 0, 1);
    (void)output_of(&f);
    end(&f);
}

/* --- alone ----------------------------------------------------------------------- */

static wr_loaded whole_graph(wr_store *st)
{
    wr_loaded l = {.max_seq = -1};
    assert_ok(wr_load_snapshot(&l.g, st, &l.max_seq, &l.unpriced, NULL, &err));
    return l;
}

static void test_put_take__all_that_is_known_comes_back(void **state)
{
    (void)state;
    char dir[] = "/tmp/wr_keep_XXXXXX";
    assert_non_null(mkdtemp(dir));
    (void)snprintf(file, sizeof file, "%s/graph.snap", dir);
    wr_keep k = {.path = file, .fn = hear};
    WR_AUTO(wr_store) st = test_store("memory:");
    for (int empty = 1; empty >= 0; empty--) {
        if (!empty)
            test_random(st, 50, 200, 15);
        wr_loaded l = whole_graph(st);
        l.unpriced = 77;
        said = (heard){0};
        wr_keep_put(&k, st, &l);
        assert_said(0, 0, 0, 1, 0);
        wr_loaded back = {0};
        wr_keep_take(&k, &back, st, "", l.max_seq);
        assert_said(1, 0, 0, 1, 0);
        assert_int_equal(back.max_seq, l.max_seq);
        assert_int_equal(back.unpriced, 77);
        wr_digest_hex want;
        assert_ok(wr_snapshot_digest(l.g, &want, &err));
        assert_string_equal(back.digest.s, want.s);
        assert_ok(wr_snapshot_digest(back.g, &want, &err));
        assert_string_equal(back.digest.s, want.s);
        wr_loaded_release(&l);
        wr_loaded_release(&back);
    }
    wr_keep_put(&(wr_keep){0}, st, &(wr_loaded){0}); /* no file: nothing happens */
    remove_folder(dir);
}

static void test_put_take__out_of_memory(void **state)
{
    (void)state;
    char dir[] = "/tmp/wr_keep_XXXXXX";
    assert_non_null(mkdtemp(dir));
    (void)snprintf(file, sizeof file, "%s/graph.snap", dir);
    wr_keep k = {.path = file, .fn = hear};
    WR_AUTO(wr_store) st = test_store("memory:");
    test_random(st, 20, 60, 16);
    wr_loaded l = whole_graph(st);
    const long live = wr_mem_test_live();
    said = (heard){0};
    for (long n = 0; !said.count[WR_KEPT_WRITTEN]; n++) {
        wr_mem_test_fail_after(n);
        wr_keep_put(&k, st, &l);
        wr_mem_test_fail_after(-1);
        assert_int_equal(wr_mem_test_live(), live);
        assert_true(n < 1000);
    }
    assert_true(said.count[WR_KEPT_NOT_WRITTEN] > 3);
    for (long n = 0; !said.count[WR_KEPT_USED]; n++) {
        wr_loaded back = {0};
        wr_mem_test_fail_after(n);
        wr_keep_take(&k, &back, st, "", l.max_seq);
        wr_mem_test_fail_after(-1);
        wr_loaded_release(&back);
        assert_int_equal(wr_mem_test_live(), live);
        assert_true(n < 1000);
    }
    assert_true(said.count[WR_KEPT_REFUSED] > 3);
    wr_loaded_release(&l);
    remove_folder(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_keep__restart_takes_the_graph_from_the_file),
        wr_unit_test(test_keep__without_a_run_the_newest_graph_is_kept),
        wr_unit_test(test_keep__a_job_that_changes_nothing_leaves_the_file),
        wr_unit_test(test_keep__older_file_serves_its_run_and_never_as_newest),
        wr_unit_test(test_keep__older_file_that_nobody_needs_is_replaced),
        wr_unit_test(test_keep__one_bit_is_enough),
        wr_unit_test(test_keep__cut_empty_or_something_else),
        wr_unit_test(test_keep__file_of_another_store),
        wr_unit_test(test_keep__store_put_back_to_a_backup),
        wr_unit_test(test_keep__graph_that_the_run_did_not_have),
        wr_unit_test(test_keep__folder_that_cannot_be_written),
        wr_unit_test(test_put_take__all_that_is_known_comes_back),
        wr_unit_test(test_put_take__out_of_memory),
    };
    return cmocka_run_group_tests_name("pipeline/keep", tests, NULL, NULL);
}
