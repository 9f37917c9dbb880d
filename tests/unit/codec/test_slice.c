#include "codec_test.h"

#include <omp.h>

/* --- whole = in pieces ------------------------------------------------------------ */

static void random_ndjson(wr_rng *rng, wr_buf *b, int rows)
{
    for (int i = 0; i < rows; i++) {
        const uint64_t kind = wr_rng_below(rng, 40);
        if (kind == 0)
            wr_buf_adds(b, "{\"from\":\n");
        else if (kind == 1)
            wr_buf_adds(b, "\n  \n");
        else if (kind == 2)
            wr_buf_addf(
                b,
                "{\"txid\":\"t%d\",\"time\":1700000000,\"inputs\":[{\"address\":\"a\","
                "\"value\":2},{\"address\":\"b\",\"value\":1}],\"outputs\":["
                "{\"address\":\"c\",\"value\":2.5}]}\n",
                i);
        else
            wr_buf_addf(
                b,
                "{\"from\":\"a%d\",\"to\":\"%s\",\"amount\":%d,\"time\":1700000000%s}\n",
                (int)wr_rng_below(rng, 5), kind == 3 ? "\\u00e9" : "b",
                (int)wr_rng_below(rng, 3), kind % 2 ? ",\"hash\":\"h\"" : "");
    }
}

static void same_for_any_thread_and_batch(const wr_buf *text)
{
    static const uint32_t rows[] = {1000000, 999, 40000};
    const file f = file_of(text->p, text->len);
    char *first = NULL;
    wr_transfer_mark end = {0};
    const int threads_before = omp_get_max_threads();
    for (int threads = 1; threads <= 8; threads *= 2)
        for (int i = 0; i < 3; i++) {
            wr_transfer_reader_opts o = reader_opts(&f);
            wr_buf in;
            wr_buf out;
            totals sum = {0};
            o.transfer.chain = "opaque:t";
            o.batch_rows = rows[i];
            omp_set_num_threads(threads);
            wr_buf_init(&in, PRINT_MAX);
            wr_buf_init(&out, PRINT_MAX);
            assert_ok(load(&o, &in, &out, &sum, &err));
            wr_buf_add(&in, out.p, out.len);
            if (!first) {
                assert_true(text->len > (size_t)1 << 20); /* more slices than threads */
                assert_true(sum.dead > 100 && sum.transfers > 1000);
                end = sum.next;
                first = wr_buf_steal(&in, NULL);
            } else if (strcmp(in.p, first) != 0) {
                fail_msg("%d threads, batches of %u: another result", threads, rows[i]);
            }
            assert_memory_equal(&sum.next, &end, sizeof end);
            assert_int_equal(sum.next.offset, text->len);
            wr_buf_release(&in);
            wr_buf_release(&out);
        }
    omp_set_num_threads(threads_before);
    wr_free(first);
    file_remove(&f);
}

static void test_next__same_bits_for_any_thread_count(void **state)
{
    (void)state;
    wr_rng rng = {.s = 21};
    wr_buf text;
    wr_buf_init(&text, PRINT_MAX);
    random_csv(&rng, &text, 20000);
    same_for_any_thread_and_batch(&text);
    wr_buf_clear(&text);
    random_ndjson(&rng, &text, 20000);
    same_for_any_thread_and_batch(&text);
    wr_buf_release(&text);
}

/* To the comma or line end behind a field. */
static const char *slow_field(const char *p, const char *end, wr_buf *field)
{
    if (*p == '"') {
        for (p++; *p != '"' || p[1] == '"'; p++) {
            wr_buf_add(field, p, 1);
            p += *p == '"';
        }
        p++;
    }
    for (; p < end && *p != ',' && *p != '\n'; p++)
        if (*p != '\r')
            wr_buf_add(field, p, 1);
    return p;
}

/*
 * Rows as a plain state machine reads them; NULL text is not possible here.  Only files
 * whose quotes are all in order.
 */
static void slow_rows(const char *p, const char *end, wr_buf *out)
{
    wr_buf field;
    wr_buf_init(&field, PRINT_MAX);
    while (p < end) {
        wr_buf memo;
        wr_buf_init(&memo, PRINT_MAX);
        int column = 0;
        bool is_row = false;
        while (p < end && !is_row) {
            wr_buf_clear(&field);
            p = slow_field(p, end, &field);
            if (column == 5)
                wr_buf_add(&memo, field.p, field.len);
            column++;
            is_row = p == end || *p == '\n';
            p++;
        }
        if (column == 7) {
            wr_buf_adds(out, "'");
            wr_buf_add(out, memo.p, memo.len);
            wr_buf_adds(out, "'\n");
        }
        wr_buf_release(&memo);
    }
    wr_buf_release(&field);
}

static void test_next__agrees_with_a_slow_parser(void **state)
{
    (void)state;
    wr_rng rng = {.s = 33};
    wr_buf text;
    wr_buf want;
    wr_buf got;
    wr_buf_init(&text, PRINT_MAX);
    wr_buf_init(&want, PRINT_MAX);
    wr_buf_init(&got, PRINT_MAX);
    wr_buf_adds(&text, ROW_HEAD);
    const size_t head = text.len;
    for (int i = 0; i < 12000; i++) {
        static const char alphabet[] = "ab,\n\r\" x";
        wr_buf_addf(&text, "a,b,5,1700000000,h%d,", i);
        const uint64_t len = wr_rng_below(&rng, 200);
        const bool is_quoted = wr_rng_below(&rng, 2);
        wr_buf_adds(&text, is_quoted ? "\"m" : "m");
        for (uint64_t k = 0; k < len; k++) {
            const char c = alphabet[wr_rng_below(&rng, is_quoted ? 8 : 2)];
            wr_buf_add(&text, c == '"' ? "\"\"" : &c, c == '"' ? 2 : 1);
        }
        wr_buf_adds(&text, is_quoted ? "m\"," : "m,");
        wr_buf_adds(&text, wr_rng_below(&rng, 2) ? "\n" : "\r\n");
    }
    slow_rows(text.p + head, text.p + text.len, &want);
    const file f = file_of(text.p, text.len);
    wr_transfer_reader_opts o = reader_opts(&f);
    WR_AUTO(wr_transfer_reader) r = NULL;
    wr_transfer_batch b = {0};
    o.transfer.chain = "opaque:t";
    assert_ok(wr_transfer_reader_open(&r, &o, &err));
    do {
        assert_ok(wr_transfer_reader_next(r, &b, &err));
        assert_int_equal(b.dead_count, 0);
        for (size_t i = 0; i < b.transfer_count; i++) {
            wr_buf_adds(&got, "'");
            wr_buf_add(&got, b.transfer[i].memo.p, b.transfer[i].memo.len);
            wr_buf_adds(&got, "'\n");
        }
    } while (b.records);
    assert_true(text.len > (size_t)1 << 20);
    assert_int_equal(got.len, want.len);
    assert_memory_equal(got.p, want.p, want.len);
    wr_transfer_batch_release(&b);
    wr_buf_release(&text);
    wr_buf_release(&want);
    wr_buf_release(&got);
    file_remove(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_next__same_bits_for_any_thread_count),
        wr_unit_test(test_next__agrees_with_a_slow_parser),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
