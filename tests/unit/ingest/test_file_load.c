#include "wr_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ingest/file_load.h"
#include "util/buf.h"

#define A "0x1fb7bd310d95f2a6d9baaf8a8a430a9a04453a8b"
#define B "0xb5aef1de312925438c00d12fca19c8d8a99e3d1e"

static char path[] = "/tmp/wr_file_load_XXXXXX";

static void write_file(const char *text)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
}

/* A CSV of rows first..last-1. */
static void write_rows(int first, int last)
{
    wr_buf b;
    wr_buf_init(&b, 1 << 20);
    wr_buf_adds(&b, "tx_hash,from,to,value,time\n");
    for (int i = first; i < last; i++)
        wr_buf_addf(&b, "0x%064x,%s,%s,1.5,1600000000\n", i + 1, A, B);
    write_file(wr_buf_cstr(&b));
    wr_buf_release(&b);
}

static wr_store *open_store(void)
{
    wr_store *st = NULL;
    wr_migrate_report rep;
    assert_ok(wr_store_open(&st, "memory:", &err));
    assert_ok(wr_store_migrate(st, &rep, &err));
    return st;
}

static wr_file_load_opts opts(void)
{
    wr_file_load_opts o = {.reader = WR_TRANSFER_READER_OPTS_INIT};
    o.reader.path = path;
    o.reader.batch_rows = 3;
    o.reader.transfer.chain = "ETH";
    return o;
}

static void check(const wr_file_load_report *r, uint64_t records, uint64_t inserted,
                  uint64_t duplicates, uint64_t dead, uint64_t skipped)
{
    assert_int_equal(r->records, records);
    assert_int_equal(r->inserted, inserted);
    assert_int_equal(r->duplicates, duplicates);
    assert_int_equal(r->dead, dead);
    assert_int_equal(r->skipped, skipped);
}

static void test_load__again_and_longer(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = open_store();
    wr_file_load_opts o = opts();
    wr_file_load_report r;
    o.source = "log"; /* the file is shorter than the part that would name it */
    write_rows(0, 10);
    assert_ok(wr_file_load(&r, st, &o, &err));
    check(&r, 10, 10, 0, 0, 0);
    assert_string_equal(r.source, "log");
    assert_string_equal(r.format, "csv");
    assert_ok(wr_file_load(&r, st, &o, &err));
    check(&r, 0, 0, 0, 0, 10);
    write_rows(0, 14);
    assert_ok(wr_file_load(&r, st, &o, &err));
    check(&r, 4, 4, 0, 0, 10);
    assert_false(r.is_changed);
    write_rows(1, 15);
    assert_ok(wr_file_load(&r, st, &o, &err));
    check(&r, 14, 1, 13, 0, 0);
    assert_true(r.is_changed);
    o.is_reread = true;
    assert_ok(wr_file_load(&r, st, &o, &err));
    check(&r, 14, 0, 14, 0, 0);
    assert_false(r.is_changed);
}

static void test_load__name_comes_from_path_and_first_bytes(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = open_store();
    const wr_file_load_opts o = opts();
    wr_file_load_report a;
    wr_file_load_report b;
    char head[64];
    (void)snprintf(head, sizeof head, "file:%s:", path + strlen("/tmp/"));
    write_rows(0, 2);
    assert_ok(wr_file_load(&a, st, &o, &err));
    assert_int_equal(strncmp(a.source, head, strlen(head)), 0);
    assert_int_equal(strlen(a.source), strlen(head) + 16);
    write_rows(2, 4);
    assert_ok(wr_file_load(&b, st, &o, &err));
    assert_string_not_equal(a.source, b.source);
    check(&b, 2, 2, 0, 0, 0);
}

static void test_load__header_alone_and_one_bad_row(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = open_store();
    const wr_file_load_opts o = opts();
    wr_file_load_report r;
    write_rows(0, 0);
    assert_ok(wr_file_load(&r, st, &o, &err));
    check(&r, 0, 0, 0, 0, 0);
    write_file("tx_hash,from,to,value,time\nx,y\n");
    assert_ok(wr_file_load(&r, st, &o, &err));
    check(&r, 1, 0, 0, 1, 0);
    wr_counts c;
    assert_ok(wr_store_counts(st, &c, &err));
    assert_int_equal(c.dead, 1);
}

typedef struct letters {
    int64_t position[8];
    size_t n;
} letters;

static wr_status add_letter(void *ctx, const wr_dead_row *d, wr_err *err)
{
    letters *l = ctx;
    (void)err;
    assert_true(l->n < 8);
    l->position[l->n++] = d->letter.position;
    return WR_OK;
}

static void check_letters(wr_store *st, const char *source, const int64_t *want, size_t n)
{
    letters l = {0};
    wr_source s;
    wr_arena arena;
    wr_arena_init(&arena, 0);
    assert_ok(wr_store_dead_list(st, wr_text_of(source), 0, 8, add_letter, &l, &err));
    assert_int_equal(l.n, n);
    assert_memory_equal(l.position, want, n * sizeof *want);
    assert_ok(wr_store_source_get(st, &s, &arena, wr_text_of(source), 0, &err));
    assert_int_equal(s.dead, n);
    assert_int_equal(s.records, s.inserted + s.duplicates + s.dead);
    wr_arena_release(&arena);
}

typedef struct row {
    int tx;
    const char *value;
} row;

static void write_values(const row *r, size_t n)
{
    wr_buf b;
    wr_buf_init(&b, 1 << 20);
    wr_buf_adds(&b, "tx_hash,from,to,value,time\n");
    for (size_t i = 0; i < n; i++)
        wr_buf_addf(&b, "0x%064x,%s,%s,%s,1600000000\n", r[i].tx, A, B, r[i].value);
    write_file(wr_buf_cstr(&b));
    wr_buf_release(&b);
}

/* Rows 2 and 6 are bad, row 5 has the key of row 1 and another amount. */
static void test_load__reread_leaves_each_letter_once(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = open_store();
    wr_file_load_opts o = opts();
    wr_file_load_report r;
    const int64_t bad[] = {2, 6,
                           5}; /* by batches of three; the conflict is last in its */
    o.source = "log";
    const row first[] = {{1, "1"}, {2, "x"}, {3, "1"}, {4, "1"}, {1, "2"}, {5, "x"}};
    const row later[] = {{1, "1"}, {2, "x"}, {3, "1"}, {4, "2"}, {6, "2"}, {5, "1"}};
    write_values(first, 6);
    assert_ok(wr_file_load(&r, st, &o, &err));
    check(&r, 6, 3, 0, 3, 0);
    assert_int_equal(r.conflicts, 1);
    check_letters(st, "log", bad, 3);
    o.is_reread = true;
    for (int i = 0; i < 2; i++) {
        assert_ok(wr_file_load(&r, st, &o, &err));
        check(&r, 6, 0, 3, 3, 0);
        check_letters(st, "log", bad, 3);
    }
    o.is_reread = false;
    write_values(later, 6);
    assert_ok(wr_file_load(&r, st, &o, &err)); /* corrected: read again by itself */
    assert_true(r.is_changed);
    check(&r, 6, 2, 2, 2, 0);
    check_letters(st, "log", (const int64_t[]){2, 4}, 2);
}

/* Stops when it has shown `allowed` batches. */
typedef struct stopper {
    atomic_bool stop;
    int allowed;
} stopper;

static void show(void *ctx, const char *phase, uint64_t done, uint64_t total)
{
    (void)phase;
    (void)done;
    (void)total;
    stopper *s = ctx;
    if (s->allowed-- == 0)
        s->stop = true;
}

static void test_load__stop_leaves_the_mark(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = open_store();
    wr_file_load_opts o = opts();
    wr_file_load_report r;
    stopper s = {.allowed = 2};
    const wr_progress pg = {.show = show, .ctx = &s, .stop = &s.stop};
    write_rows(0, 10);
    o.pg = &pg;
    assert_err(WR_ESTOPPED, wr_file_load(&r, st, &o, &err));
    assert_int_equal(r.records % 3, 0);
    assert_in_range(r.records, 1, 9);
    const uint64_t done = r.records;
    wr_source source;
    wr_arena arena;
    wr_arena_init(&arena, 0);
    assert_ok(wr_store_source_get(st, &source, &arena, wr_text_of(r.source), 0, &err));
    assert_true(wr_text_eq(source.status, WR_TEXT_LIT("stopped")));
    assert_int_equal(source.records, done);
    wr_arena_release(&arena);
    o.pg = NULL;
    assert_ok(wr_file_load(&r, st, &o, &err));
    check(&r, 10 - done, 10 - done, 0, 0, done);
}

static void test_load__errors(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = open_store();
    wr_file_load_opts o = opts();
    wr_file_load_report r;
    write_file("a,b\n1,2\n");
    assert_err(WR_EPARSE, wr_file_load(&r, st, &o, &err));
    write_rows(0, 1);
    char wide[257];
    memset(wide, 's', 256);
    wide[256] = '\0';
    o.source = wide;
    assert_err(WR_EINVAL, wr_file_load(&r, st, &o, &err));
    wide[255] = '\0';
    assert_ok(wr_file_load(&r, st, &o, &err));
    o.source = "";
    assert_err(WR_EINVAL, wr_file_load(&r, st, &o, &err));
    o.source = NULL;
    o.reader.path = "/nowhere/x.csv";
    assert_err(WR_EIO, wr_file_load(&r, st, &o, &err));
    check(&r, 0, 0, 0, 0, 0);
    assert_int_equal(wr_file_load(&r, st, &o, NULL), WR_EIO);
}

static void test_load__source_is_text_whatever_it_was(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = open_store();
    wr_file_load_opts o = opts();
    wr_file_load_report r;
    write_rows(0, 1);
    o.source = "a\x1b[2J\xff";
    assert_ok(wr_file_load(&r, st, &o, &err));
    assert_string_equal(r.source, "a?[2J?");
}

static int make_path(void **state)
{
    (void)state;
    const int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int drop_path(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_load__again_and_longer),
        wr_unit_test(test_load__name_comes_from_path_and_first_bytes),
        wr_unit_test(test_load__header_alone_and_one_bad_row),
        wr_unit_test(test_load__reread_leaves_each_letter_once),
        wr_unit_test(test_load__stop_leaves_the_mark),
        wr_unit_test(test_load__errors),
        wr_unit_test(test_load__source_is_text_whatever_it_was),
    };
    return cmocka_run_group_tests(tests, make_path, drop_path);
}
