#include "codec_test.h"

/* --- going on --------------------------------------------------------------------- */

/* Stop after `batches`, open again, skip: both parts together are the whole. */
static void expect_resumed(const file *f, const char *accepted, const char *refused,
                           uint32_t rows, int batches)
{
    wr_transfer_reader_opts o = reader_opts(f);
    wr_buf in;
    wr_buf out;
    totals sum = {0};
    wr_transfer_batch b = {0};
    char mark[WR_TRANSFER_MARK_TEXT];
    wr_transfer_mark to = {0};
    wr_buf_init(&in, PRINT_MAX);
    wr_buf_init(&out, PRINT_MAX);
    o.transfer.chain = "opaque:t";
    o.batch_rows = rows;
    wr_transfer_reader *r = NULL;
    assert_ok(wr_transfer_reader_open(&r, &o, &err));
    for (int i = 0; i < batches; i++) {
        assert_ok(wr_transfer_reader_next(r, &b, &err));
        add_batch(&in, &out, &sum, &b);
    }
    wr_transfer_mark_format(mark, &sum.next);
    wr_transfer_batch_release(&b);
    wr_transfer_reader_close(r);

    r = NULL;
    assert_ok(wr_transfer_mark_parse(&to, wr_text_of(mark), &err));
    o.batch_rows = 5000;
    assert_ok(wr_transfer_reader_open(&r, &o, &err));
    assert_ok(wr_transfer_reader_skip(r, &to, &err));
    assert_ok(drain(r, &in, &out, &sum, &err));
    wr_transfer_reader_close(r);
    assert_string_equal(in.p, accepted);
    assert_string_equal(out.p, refused);
    wr_buf_release(&in);
    wr_buf_release(&out);
}

static void test_skip__goes_on_where_it_stopped(void **state)
{
    (void)state;
    wr_rng rng = {.s = 3};
    wr_buf text;
    wr_buf in;
    totals sum = {0};
    wr_buf_init(&text, PRINT_MAX);
    wr_buf out;
    wr_buf_init(&in, PRINT_MAX);
    wr_buf_init(&out, PRINT_MAX);
    random_csv(&rng, &text, 6000);
    text.p[text.len - 1] = 'y'; /* the last row has no line break */
    const file f = file_of(text.p, text.len);
    wr_transfer_reader_opts o = reader_opts(&f);
    o.transfer.chain = "opaque:t";
    o.batch_rows = 1000000;
    assert_ok(load(&o, &in, &out, &sum, &err));
    assert_true(sum.records > 5000);
    expect_resumed(&f, in.p, out.p, 777, 0);
    expect_resumed(&f, in.p, out.p, 777, 1);
    expect_resumed(&f, in.p, out.p, 777, 5);
    expect_resumed(&f, in.p, out.p, 1, 3);
    expect_resumed(&f, in.p, out.p, 1000000, 1);
    expect_resumed(&f, in.p, out.p, 1000000, 2);
    wr_buf_release(&text);
    wr_buf_release(&in);
    wr_buf_release(&out);
    file_remove(&f);
}

static void test_skip__changed_file(void **state)
{
    (void)state;
    static char text[] = ROW_HEAD "a,b,5,1700000000,h1,,\nc,d,5,1700000000,h2,,\n"
                                  "e,f,5,1700000000,h3,,\n";
    const size_t len = sizeof text - 1;
    file f = file_of(text, len);
    wr_transfer_reader_opts o = reader_opts(&f);
    wr_transfer_batch b = {0};
    wr_transfer_reader *r = NULL;
    o.transfer.chain = "opaque:t";
    o.batch_rows = 2;
    assert_ok(wr_transfer_reader_open(&r, &o, &err));
    assert_ok(wr_transfer_reader_next(r, &b, &err));
    const wr_transfer_mark mark = b.next;
    assert_int_equal(mark.record, 2);
    assert_int_equal(mark.offset, strlen(ROW_HEAD) + 44);
    wr_transfer_batch_release(&b);
    wr_transfer_reader_close(r);
    file_remove(&f);

    for (int change = 0; change < 4; change++) {
        char other[sizeof text];
        size_t n = len;
        memcpy(other, text, sizeof text);
        if (change == 0)
            other[strlen(ROW_HEAD)] = 'z';
        else if (change == 1)
            n = strlen(ROW_HEAD) + 22;
        else if (change == 2)
            other[strlen(ROW_HEAD) + 43] = ',';
        else
            other[len - 5] = '9'; /* behind the mark: of no interest */
        f = file_of(other, n);
        o.path = f.path;
        r = NULL;
        assert_ok(wr_transfer_reader_open(&r, &o, &err));
        wr_err why = {0};
        const wr_status s = wr_transfer_reader_skip(r, &mark, &why);
        assert_int_equal(s, change < 3 ? WR_ECONFLICT : WR_OK);
        if (change < 3)
            assert_string_equal(why.msg,
                                "test: its first 80 bytes are not the ones that were "
                                "loaded before");
        wr_transfer_reader_close(r);
        file_remove(&f);
    }
}

static void test_mark_parse__refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "1",
                                      "2:1:1:0000000000000000",
                                      "1:1:1:0",
                                      "1:-1:1:0000000000000000",
                                      "1:1:1:00000000000000000",
                                      "1:1:1:000000000000000g",
                                      "1:01:1:0000000000000000"};
    wr_transfer_mark m;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_err(WR_EPARSE, wr_transfer_mark_parse(&m, wr_text_of(bad[i]), &err));
    char text[WR_TRANSFER_MARK_TEXT];
    const wr_transfer_mark most = {UINT64_MAX, UINT64_MAX, UINT64_MAX};
    wr_transfer_mark_format(text, &most);
    assert_ok(wr_transfer_mark_parse(&m, wr_text_of(text), &err));
    assert_memory_equal(&m, &most, sizeof m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_skip__goes_on_where_it_stopped),
        wr_unit_test(test_skip__changed_file),
        wr_unit_test(test_mark_parse__refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
