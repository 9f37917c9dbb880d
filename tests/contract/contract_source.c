#include "contract.h"
#include "util/clock.h"

static void mark(wr_store *st, const wr_source_mark *m, const wr_transfer *t, size_t n)
{
    wr_put p = {.transfer = t, .transfer_count = n, .mark = m};
    wr_put_result res;
    assert_ok(wr_store_put(st, &p, NULL, &res, &err));
}

static void test_source_get__unknown(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    wr_arena a;
    wr_source s = {.partition = 5};
    wr_arena_init(&a, 0);
    assert_err_says(WR_ENOTFOUND, "'kafka:x' partition 2",
                    wr_store_source_get(st, &s, &a, WR_TEXT_LIT("kafka:x"), 2, &err));
    assert_int_equal(s.partition, 5);
    wr_arena_release(&a);
}

static void test_source__counters_add_up_and_the_rest_is_replaced(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    int64_t begin_s = wr_clock_wall_s();
    wr_transfer t[] = {ct_transfer(1, 0, "a", "b", 1), ct_transfer(2, 0, "a", "b", 1)};
    wr_source_mark m = {.source = WR_TEXT_LIT("kafka:tx"),
                        .partition = 2,
                        .next_offset = 100,
                        .resume = WR_TEXT_LIT("digest"),
                        .status = "running",
                        .last_error = WR_TEXT_LIT("slow"),
                        .records = 2,
                        .gaps = 98};
    mark(st, &m, t, 2);
    m.next_offset = INT64_MAX;
    m.resume = (wr_text){0};
    m.last_error = (wr_text){0};
    m.status = "complete";
    m.records = 1;
    m.gaps = 5;
    mark(st, &m, t, 1);
    wr_arena a;
    wr_source s;
    wr_arena_init(&a, 0);
    assert_ok(wr_store_source_get(st, &s, &a, m.source, 2, &err));
    assert_text(s.source, "kafka:tx");
    assert_int_equal(s.partition, 2);
    assert_int_equal(s.next_offset, INT64_MAX);
    assert_absent(s.resume);
    assert_absent(s.last_error);
    assert_text(s.status, "complete");
    assert_int_equal(s.records, 3);
    assert_int_equal(s.gaps, 103);
    assert_int_equal(s.inserted, 2);
    assert_int_equal(s.duplicates, 1);
    assert_int_equal(s.dead, 0);
    assert_in_range(s.first_s, begin_s, wr_clock_wall_s());
    assert_in_range(s.updated_s, s.first_s, wr_clock_wall_s());
    wr_arena_release(&a);
}

typedef struct list {
    char text[16][24];
    size_t n;
} list;

static wr_status add_source(void *ctx, const wr_source *s, wr_err *err)
{
    list *l = ctx;
    (void)err;
    assert_true(l->n < 16);
    (void)snprintf(l->text[l->n++], 24, "%.*s/%d", WR_TEXT_ARG(s->source), s->partition);
    return WR_OK;
}

static void test_sources__by_name_then_partition(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    list l = {0};
    assert_ok(wr_store_sources(st, add_source, &l, &err));
    assert_int_equal(l.n, 0);
    static const struct {
        const char *source;
        int32_t partition;
    } in[] = {{"kafka:b", 10},        {"kafka:b", 2},  {"file:z", 0},
              {"kafka:a", INT32_MAX}, {"kafka:a", -1}, {"http", 0}};
    for (size_t i = 0; i < 6; i++) {
        wr_source_mark m = {.source = wr_text_of(in[i].source),
                            .partition = in[i].partition,
                            .status = "running"};
        mark(st, &m, NULL, 0);
    }
    assert_ok(wr_store_sources(st, add_source, &l, &err));
    static const char *const want[] = {"file:z/0",           "http/0",    "kafka:a/-1",
                                       "kafka:a/2147483647", "kafka:b/2", "kafka:b/10"};
    assert_int_equal(l.n, 6);
    for (size_t i = 0; i < 6; i++)
        assert_string_equal(l.text[i], want[i]);
}

static wr_status stop_here(void *ctx, const wr_source *s, wr_err *err)
{
    (void)s;
    ++*(int *)ctx;
    return wr_fail(err, WR_ESTOPPED, "stopped");
}

static void test_sources__callback_can_stop(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    for (int32_t i = 0; i < 3; i++) {
        wr_source_mark m = {
            .source = WR_TEXT_LIT("s"), .partition = i, .status = "running"};
        mark(st, &m, NULL, 0);
    }
    int calls = 0;
    assert_err(WR_ESTOPPED, wr_store_sources(st, stop_here, &calls, &err));
    assert_int_equal(calls, 1);
    list l = {0};
    assert_ok(wr_store_sources(st, add_source, &l, &err)); /* the handle is still good */
    assert_int_equal(l.n, 3);
}

/* --- dead letters ------------------------------------------------------------------- */

typedef struct letters {
    int64_t id[32], position[32];
    uint64_t raw_bytes;
    char raw[WR_DEAD_RAW_MAX];
    uint32_t raw_len;
    size_t n;
} letters;

static wr_status add_letter(void *ctx, const wr_dead_row *d, wr_err *err)
{
    letters *l = ctx;
    (void)err;
    assert_true(l->n < 32);
    l->id[l->n] = d->id;
    l->position[l->n++] = d->letter.position;
    assert_true(d->letter.raw.len <= WR_DEAD_RAW_MAX);
    assert_non_null(d->letter.raw.p);
    memcpy(l->raw, d->letter.raw.p, d->letter.raw.len);
    l->raw_len = d->letter.raw.len;
    l->raw_bytes = d->letter.raw_bytes;
    assert_true(d->at_s > 1600000000);
    return WR_OK;
}

static void put_dead(wr_store *st, const wr_dead_letter *d, size_t n)
{
    wr_put p = {.dead = d, .dead_count = n};
    wr_put_result res;
    assert_ok(wr_store_put(st, &p, NULL, &res, &err));
    assert_int_equal(res.dead, n);
}

static void test_dead_list__pages_and_sources(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    static letters l;
    l = (letters){0};
    assert_ok(wr_store_dead_list(st, (wr_text){0}, 0, 10, add_letter, &l, &err));
    assert_int_equal(l.n, 0);
    for (int64_t i = 0; i < 10; i++) {
        wr_dead_letter d = {.source = i % 2 ? WR_TEXT_LIT("odd") : WR_TEXT_LIT("even"),
                            .position = i,
                            .raw = WR_TEXT_LIT("x"),
                            .raw_bytes = 1,
                            .reason = WR_TEXT_LIT("because")};
        put_dead(st, &d, 1);
    }
    int64_t after = 0;
    for (int64_t i = 0; i < 10; i += 3) {
        l = (letters){0};
        assert_ok(
            wr_store_dead_list(st, WR_TEXT_LIT(""), after, 3, add_letter, &l, &err));
        assert_int_equal(l.n, i == 9 ? 1 : 3);
        for (size_t k = 0; k < l.n; k++) {
            assert_int_equal(l.position[k], i + (int64_t)k);
            assert_true(l.id[k] > after);
            after = l.id[k];
        }
    }
    l = (letters){0};
    assert_ok(wr_store_dead_list(st, WR_TEXT_LIT("odd"), 0, 32, add_letter, &l, &err));
    assert_int_equal(l.n, 5);
    for (size_t k = 0; k < 5; k++)
        assert_int_equal(l.position[k], 2 * (int64_t)k + 1);
    l = (letters){0};
    assert_ok(wr_store_dead_list(st, WR_TEXT_LIT("none"), 0, 32, add_letter, &l, &err));
    assert_ok(wr_store_dead_list(st, WR_TEXT_LIT("odd"), 0, 0, add_letter, &l, &err));
    assert_int_equal(l.n, 0);
}

static void test_dead_list__any_bytes_come_back(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    static letters l;
    static char bytes[WR_DEAD_RAW_MAX + 100];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 7); /* NUL and invalid UTF-8 among them */
    wr_dead_letter d = {.source = WR_TEXT_LIT("f"),
                        .raw = {.p = bytes, .len = sizeof bytes},
                        .raw_bytes = 10000000,
                        .reason = WR_TEXT_LIT("too long")};
    put_dead(st, &d, 1);
    l = (letters){0};
    assert_ok(wr_store_dead_list(st, (wr_text){0}, 0, 10, add_letter, &l, &err));
    assert_int_equal(l.raw_len, WR_DEAD_RAW_MAX); /* cut, and the full length is known */
    assert_memory_equal(l.raw, bytes, WR_DEAD_RAW_MAX);
    assert_int_equal(l.raw_bytes, 10000000);
    d.raw = (wr_text){0};
    put_dead(st, &d, 1);
    assert_ok(wr_store_dead_list(st, (wr_text){0}, l.id[0], 10, add_letter, &l, &err));
    assert_int_equal(l.n, 2);
    assert_int_equal(l.raw_len, 0);
}

/* Whether the other one is stored already or stands in the same batch. */
static void test_dead_list__conflicts_know_their_position(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    wr_transfer old = ct_transfer(1, 0, "a", "b", 1);
    ct_put_new(st, &old, 1);
    wr_transfer t[] = {ct_transfer(2, 0, "a", "b", 1), ct_transfer(2, 0, "a", "b", 2),
                       ct_transfer(1, 0, "a", "b", 3), ct_transfer(1, 0, "a", "b", 1)};
    const int64_t position[] = {40, 41, INT64_MAX, 43};
    wr_source_mark m = {.source = WR_TEXT_LIT("f"), .status = "running", .records = 4};
    wr_put p = {.transfer = t, .transfer_count = 4, .position = position, .mark = &m};
    wr_put_result res;
    assert_ok(wr_store_put(st, &p, NULL, &res, &err));
    assert_int_equal(res.conflicts, 2);
    static letters l;
    l = (letters){0};
    assert_ok(wr_store_dead_list(st, m.source, 0, 10, add_letter, &l, &err));
    assert_int_equal(l.n, 2);
    assert_int_equal(l.position[0], 41);
    assert_int_equal(l.position[1], INT64_MAX);
}

/* One put of source s: a good transfer, a repetition of it, `dead` letters from `at` on.
 */
static void read_source(wr_store *st, const char *s, int32_t partition, int64_t at,
                        size_t dead, bool is_restart)
{
    wr_dead_letter d[4];
    wr_transfer t = ct_transfer(1, 0, "a", "b", 1);
    for (size_t i = 0; i < dead; i++)
        d[i] = (wr_dead_letter){.source = wr_text_of(s),
                                .partition = partition,
                                .position = at + (int64_t)i,
                                .reason = WR_TEXT_LIT("bad")};
    wr_source_mark m = {.source = wr_text_of(s),
                        .partition = partition,
                        .status = "running",
                        .records = dead + 1,
                        .is_restart = is_restart};
    wr_put p = {
        .transfer = &t, .transfer_count = 1, .dead = d, .dead_count = dead, .mark = &m};
    wr_put_result res;
    assert_ok(wr_store_put(st, &p, NULL, &res, &err));
    assert_int_equal(res.dead, dead);
}

static void check_source(wr_store *st, uint64_t records, uint64_t inserted,
                         uint64_t duplicates, uint64_t dead)
{
    wr_arena a;
    wr_source s;
    wr_arena_init(&a, 0);
    assert_ok(wr_store_source_get(st, &s, &a, WR_TEXT_LIT("f"), 0, &err));
    assert_int_equal(s.records, records);
    assert_int_equal(s.inserted, inserted);
    assert_int_equal(s.duplicates, duplicates);
    assert_int_equal(s.dead, dead);
    wr_arena_release(&a);
}

static void test_restart__letters_of_the_newest_reading(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    static letters l;
    wr_counts c;
    read_source(st, "f", 0, 10, 3, true); /* nothing was there: as any other */
    read_source(st, "f", 1, 50, 1, false);
    read_source(st, "g", 0, 60, 1, false);
    read_source(st, "f", 0, 13, 1, false);
    check_source(st, 6, 1, 1, 4);
    assert_ok(wr_store_counts(st, &c, &err));
    assert_int_equal(c.dead, 6);

    read_source(st, "f", 0, 10, 2, true);
    check_source(st, 5, 1, 2, 2);
    l = (letters){0};
    assert_ok(wr_store_dead_list(st, WR_TEXT_LIT("f"), 0, 32, add_letter, &l, &err));
    assert_int_equal(l.n, 3);
    assert_int_equal(l.position[0], 50); /* the other partition stays */
    assert_int_equal(l.position[1], 10);
    assert_int_equal(l.position[2], 11);
    assert_true(l.id[1] > l.id[0] && l.id[2] > l.id[1]);
    read_source(st, "f", 0, 12, 1, false); /* goes on: nothing is taken away */
    check_source(st, 7, 1, 3, 3);
    assert_ok(wr_store_counts(st, &c, &err));
    assert_int_equal(c.dead, 5);
    assert_int_equal(c.wallets, 2);
    read_source(st, "f", 0, 0, 0, true);
    check_source(st, 5, 1, 4, 0);
    assert_ok(wr_store_counts(st, &c, &err));
    assert_int_equal(c.dead, 2);
}

int contract_source(void)
{
    const struct CMUnitTest any[] = {
        wr_unit_test(test_source_get__unknown),
        wr_unit_test(test_source__counters_add_up_and_the_rest_is_replaced),
        wr_unit_test(test_sources__by_name_then_partition),
        wr_unit_test(test_sources__callback_can_stop),
        wr_unit_test(test_dead_list__pages_and_sources),
        wr_unit_test(test_dead_list__any_bytes_come_back),
        wr_unit_test(test_dead_list__conflicts_know_their_position),
        wr_unit_test(test_restart__letters_of_the_newest_reading),
    };
    return cmocka_run_group_tests_name("source", any, NULL, NULL);
}
