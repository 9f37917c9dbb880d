#include "codec_test.h"

#include <zlib.h>

/* --- rows ------------------------------------------------------------------------- */

static void test_next__rows_in_order(void **state)
{
    (void)state;
    wr_buf want;
    wr_buf_init(&want, PRINT_MAX);
    print_row(&want, "a", "b", "h1", "");
    print_row(&want, "c", "d", "h2", "note");
    expect(ROW_HEAD "a,b,5,1700000000,h1,,\n"
                    ",b,5,1700000000,h0,,x\n"
                    "c,d,5,1700000000,h2,note,x\n",
           want.p, "D 2 [from] from is empty | 21: ,b,5,1700000000,h0,,x\n");
    wr_buf_release(&want);
}

static void test_next__line_ends_and_blank_lines(void **state)
{
    (void)state;
    static const char *const text[] = {
        ROW_HEAD "a,b,5,1700000000,h1,,\nc,d,5,1700000000,h2,m,\n",
        ROW_HEAD "a,b,5,1700000000,h1,,\nc,d,5,1700000000,h2,m,",
        "\n\r\n" ROW_HEAD "\n\na,b,5,1700000000,h1,,\n  \n\r\nc,d,5,1700000000,h2,m,\n\n",
        "\xef\xbb\xbf" ROW_HEAD "a,b,5,1700000000,h1,,\nc,d,5,1700000000,h2,m,\n",
        "from,to,amount,time,hash,memo\r\na,b,5,1700000000,h1,\r\nc,d,5,1700000000,h2,"
        "m\r\n",
        "\"from\",\"to\",\"amount\",\"time\",\"hash\",\"memo\"\r\n\"a\",\"b\",\"5\","
        "\"1700000000\",\"h1\","
        "\"\"\r\n\"c\",d,5,\"1700000000\",h2,\"m\"",
        "from;to;amount;time;hash;memo\na;b;5;1700000000;h1;\nc;d;5;1700000000;h2;m\n",
        "from\tto\tamount\ttime\thash\tmemo\na\tb\t5\t1700000000\th1\t\nc\td\t5\t17000000"
        "00\th2\tm\n",
    };
    wr_buf want;
    wr_buf_init(&want, PRINT_MAX);
    print_row(&want, "a", "b", "h1", "");
    print_row(&want, "c", "d", "h2", "m");
    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
        expect(text[i], want.p, "");
    wr_buf_release(&want);
}

static void test_next__quotes(void **state)
{
    (void)state;
    wr_buf want;
    wr_buf_init(&want, PRINT_MAX);
    print_row(&want, "a", "b", "h1", "x, \"y\"\nz");
    print_row(&want, "a\"", "b\"\"c", "h2", "\"");
    expect(ROW_HEAD "\"a\",b,5,1700000000,h1,\"x, \"\"y\"\"\nz\",\n"
                    "a\",b\"\"c,5,1700000000,h2,\"\"\"\",\"\n\n\"\n",
           want.p, "");
    wr_buf_release(&want);
}

static void test_next__bad_rows(void **state)
{
    (void)state;
    wr_buf want;
    wr_buf_init(&want, PRINT_MAX);
    print_row(&want, "c", "d", "h2", "");
    expect(ROW_HEAD "a,b,5,1700000000,h1,\n"
                    "a,b,5,1700000000,h1,,,\n"
                    "\"a\"x,b,5,1700000000,h1,,\n"
                    "c,d,5,1700000000,h2,,\n"
                    "a,b,5,1700000000,h1,\"open,\n"
                    "x\n",
           want.p,
           "D 1 [] 6 columns, the header has 7 | 20: a,b,5,1700000000,h1,\n"
           "D 2 [] 8 columns, the header has 7 | 22: a,b,5,1700000000,h1,,,\n"
           "D 3 [] text behind a closing quote | 24: \"a\"x,b,5,1700000000,h1,,\n"
           "D 5 [] a quote that does not close | 26: a,b,5,1700000000,h1,\"open,\n"
           "D 6 [] 1 columns, the header has 7 | 1: x\n");
    wr_buf_release(&want);
}

static void test_next__bytes_that_are_no_text(void **state)
{
    (void)state;
    static const char text[] = ROW_HEAD "a\0b,b,5,1700000000,h1,,\n"
                                        "a,b,5,1700000000,h2,\xff\xfe,\n"
                                        "a,b,5,1700000000,h3,,\xc3\n"
                                        "\xc3\xa9,b,5,1700000000,h4,,\xe2\x82\xac\n";
    wr_buf want;
    wr_buf_init(&want, PRINT_MAX);
    print_row(&want, "\xc3\xa9", "b", "h4", "");
    wr_buf out;
    totals sum = {0};
    const file f = file_of(text, sizeof text - 1);
    wr_transfer_reader_opts o = reader_opts(&f);
    o.transfer.chain = "opaque:t";
    wr_buf_init(&out, PRINT_MAX);
    wr_buf in;
    wr_buf_init(&in, PRINT_MAX);
    assert_ok(load(&o, &in, &out, &sum, &err));
    assert_string_equal(in.p, want.p);
    assert_int_equal(sum.dead, 3);
    static const char nul[] = "D 1 [from] from: a NUL byte at byte 1 | 23: a\0b,";
    assert_memory_equal(out.p, nul, sizeof nul - 1);
    assert_non_null(memmem(out.p, out.len,
                           "D 2 [memo] memo: bytes that are no UTF-8 at byte 20", 51));
    assert_non_null(
        memmem(out.p, out.len, "D 3 [] bytes that are no UTF-8 at byte 21", 41));
    wr_buf_release(&in);
    wr_buf_release(&out);
    wr_buf_release(&want);
    file_remove(&f);
}

/* --- limits ----------------------------------------------------------------------- */

/* One record of `len` bytes between two good ones; all of it comes out once. */
static void expect_long(const char *head, const char *good, const char *record,
                        size_t len, bool is_last, const char *words)
{
    wr_buf text;
    totals sum = {0};
    wr_buf out;
    wr_buf_init(&text, PRINT_MAX);
    wr_buf_init(&out, PRINT_MAX);
    wr_buf_addf(&text, "%s%s", head, good);
    wr_buf_add(&text, record, len);
    if (!is_last)
        wr_buf_addf(&text, "\n%s", good);
    const file f = file_of(text.p, text.len);
    for (uint32_t rows = 1; rows <= 100000; rows += 99999) {
        wr_transfer_reader_opts o = reader_opts(&f);
        o.batch_rows = rows;
        o.transfer.chain = "opaque:t";
        wr_buf_clear(&out);
        sum = (totals){0};
        assert_ok(load(&o, NULL, &out, &sum, &err));
        assert_int_equal(sum.records, is_last ? 2 : 3);
        assert_int_equal(sum.transfers, is_last ? 1 : 2);
        assert_int_equal(sum.next.offset, text.len);
        char want[200];
        const size_t n =
            (size_t)snprintf(want, sizeof want, "D 2 [] %s | %zu: ", words, len);
        assert_memory_equal(out.p, want, n);
        assert_int_equal(out.len, n + WR_DEAD_RAW_MAX + 1);
        assert_memory_equal(out.p + n, record, WR_DEAD_RAW_MAX);
    }
    wr_buf_release(&text);
    wr_buf_release(&out);
    file_remove(&f);
}

static void test_next__ten_megabyte_lines(void **state)
{
    (void)state;
    enum { LONG = 10 * 1024 * 1024, JUST = WR_RECORD_MAX_BYTES + 1 };
    static const char row[] = "a,b,5,1700000000,h1,,\n";
    static const char json[] =
        "{\"from\":\"a\",\"to\":\"b\",\"amount\":5,\"time\":1700000000}\n";
    char *record = wr_calloc(LONG, 1);
    char long_words[80];
    char just_words[80];
    (void)snprintf(long_words, sizeof long_words,
                   "record of %d bytes is over the limit of %d", (int)LONG,
                   (int)WR_RECORD_MAX_BYTES);
    (void)snprintf(just_words, sizeof just_words,
                   "record of %d bytes is over the limit of %d", (int)JUST,
                   (int)WR_RECORD_MAX_BYTES);
    memset(record, 'x', LONG);
    for (int is_last = 0; is_last < 2; is_last++) {
        expect_long(ROW_HEAD, row, record, LONG, is_last, long_words);
        expect_long("", json, record, LONG, is_last, long_words);
        expect_long(ROW_HEAD, row, record, JUST, is_last, just_words);
        expect_long("", json, record, JUST, is_last, just_words);
    }
    memset(record, ',', LONG); /* more columns than anybody has */
    expect_long(ROW_HEAD, row, record, LONG, false, long_words);
    wr_free(record);
}

static void test_next__longest_record_that_is_taken(void **state)
{
    (void)state;
    wr_buf text;
    wr_buf want;
    wr_buf_init(&text, PRINT_MAX);
    wr_buf_init(&want, PRINT_MAX);
    wr_buf_adds(&text, ROW_HEAD);
    const size_t head = text.len;
    wr_buf_adds(&text, "a,b,5,1700000000,h1,,");
    while (text.len - head < WR_RECORD_MAX_BYTES)
        wr_buf_add(&text, "xxxxxxxxxxxxxxxx",
                   text.len - head + 16 <= WR_RECORD_MAX_BYTES ? 16 : 1);
    wr_buf_adds(&text, "\nc,d,5,1700000000,h2,,\n");
    print_row(&want, "a", "b", "h1", "");
    print_row(&want, "c", "d", "h2", "");
    expect_load(text.p, text.len, "opaque:t", want.p, "");
    wr_buf_release(&text);
    wr_buf_release(&want);
}

/* A quote that closes only behind the limit: its first line is refused, the rest is read.
 */
static void test_next__quote_that_closes_too_late(void **state)
{
    (void)state;
    enum { LINES = 60000 };
    wr_buf text;
    totals sum = {0};
    wr_buf out;
    wr_buf_init(&text, PRINT_MAX);
    wr_buf_init(&out, PRINT_MAX);
    wr_buf_adds(&text, ROW_HEAD "a,b,5,1700000000,h1,\"never,\n");
    for (int i = 0; i < LINES; i++)
        wr_buf_addf(&text, "a,b,5,1700000000,h%d,,\n", i);
    wr_buf_adds(&text, "a,b,5,1700000000,h1,\",\n");
    assert_true(text.len > WR_RECORD_MAX_BYTES);
    const file f = file_of(text.p, text.len);
    wr_transfer_reader_opts o = reader_opts(&f);
    o.transfer.chain = "opaque:t";
    assert_ok(load(&o, NULL, &out, &sum, &err));
    assert_int_equal(sum.records, LINES + 2);
    assert_int_equal(sum.transfers, LINES);
    assert_memory_equal(out.p, "D 1 [] a quote that does not close | 27: a,b", 43);
    wr_buf_release(&text);
    wr_buf_release(&out);
    file_remove(&f);
}

static void test_next__nothing_but_blank_lines(void **state)
{
    (void)state;
    enum { BLANKS = 3000000 };
    wr_buf text;
    wr_buf want;
    wr_buf_init(&text, PRINT_MAX);
    wr_buf_init(&want, PRINT_MAX);
    wr_buf_adds(&text, ROW_HEAD);
    for (int i = 0; i < BLANKS / 10; i++)
        wr_buf_adds(&text, "\n\n\n\n\n\n\n\n\n\n");
    wr_buf_adds(&text, "a,b,5,1700000000,h1,,\n");
    print_row(&want, "a", "b", "h1", "");
    expect_load(text.p, text.len, "opaque:t", want.p, "");
    wr_buf_release(&text);
    wr_buf_release(&want);
}

/* --- keys ------------------------------------------------------------------------- */

static void test_next__equal_rows_without_hash_are_two(void **state)
{
    (void)state;
    static const char text[] = "from,to,amount,time\n"
                               "a,b,5,1700000000\nc,d,5,1700000000\na,b,5,1700000000\n"
                               "a,b,5,1700000000\nc,d,6,1700000000\n";
    const file f = file_of(text, sizeof text - 1);
    wr_transfer_reader_opts o = reader_opts(&f);
    o.transfer.chain = "opaque:t";
    static const uint32_t position[] = {0, 0, 1, 2, 0};
    char *first = NULL;
    for (uint32_t rows = 1; rows < 7; rows++) {
        WR_AUTO(wr_transfer_reader) r = NULL;
        wr_transfer_batch b = {0};
        wr_buf all;
        size_t n = 0;
        wr_buf_init(&all, PRINT_MAX);
        o.batch_rows = rows;
        assert_ok(wr_transfer_reader_open(&r, &o, &err));
        do {
            assert_ok(wr_transfer_reader_next(r, &b, &err));
            for (size_t i = 0; i < b.transfer_count; i++, n++) {
                assert_int_equal(b.transfer[i].position, position[n]);
                print_transfer(&all, &b.transfer[i]);
            }
            assert_true(b.records <= rows);
        } while (b.records);
        assert_int_equal(n, 5);
        if (first)
            assert_string_equal(all.p, first);
        else
            first = wr_buf_steal(&all, NULL);
        wr_buf_release(&all);
        wr_transfer_batch_release(&b);
    }
    wr_free(first);
    file_remove(&f);
}

static void test_next__several_transfers_of_one_hash(void **state)
{
    (void)state;
    static const char text[] =
        "from,to,amount,time,hash\n"
        "a,b,5,1700000000,h\na,c,5,1700000000,h\na,b,5,1700000000,h\n";
    const file f = file_of(text, sizeof text - 1);
    wr_transfer_reader_opts o = reader_opts(&f);
    wr_transfer_batch b = {0};
    o.transfer.chain = "opaque:t";
    for (int rule = WR_POSITION_BY_FORMAT; rule <= WR_POSITION_DERIVED; rule++) {
        WR_AUTO(wr_transfer_reader) r = NULL;
        o.transfer.position_rule = (wr_position_rule)rule;
        assert_ok(wr_transfer_reader_open(&r, &o, &err));
        assert_ok(wr_transfer_reader_next(r, &b, &err));
        const wr_transfer *t = b.transfer;
        assert_int_equal(b.transfer_count, 3);
        if (rule != WR_POSITION_DERIVED) {
            assert_int_equal(t[0].position | t[1].position | t[2].position, 0);
            continue;
        }
        assert_in_range(t[0].position, UINT32_C(1) << 30, INT32_MAX);
        assert_int_equal(t[0].position, t[2].position);
        assert_int_not_equal(t[0].position, t[1].position);
    }
    wr_transfer_batch_release(&b);
    file_remove(&f);
}

/* --- damaged files ---------------------------------------------------------------- */

static void test_next__truncated_gzip(void **state)
{
    (void)state;
    wr_rng rng = {.s = 9};
    wr_buf text;
    wr_buf_init(&text, PRINT_MAX);
    wr_buf_adds(&text, ROW_HEAD);
    for (int i = 0; i < 20000; i++)
        wr_buf_addf(&text, "a,b,5,1700000000,h%llu,,\n",
                    (unsigned long long)wr_rng_u64(&rng));
    unsigned char *zip = wr_calloc(text.len, 1);
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY),
                     Z_OK);
    z.next_in = (unsigned char *)text.p;
    z.avail_in = (uInt)text.len;
    z.next_out = zip;
    z.avail_out = (uInt)text.len;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    const size_t n = text.len - z.avail_out;
    (void)deflateEnd(&z);
    const file f = file_of(zip, n / 2);
    wr_transfer_reader_opts o = reader_opts(&f);
    o.transfer.chain = "opaque:t";
    for (uint32_t rows = 300; rows <= 30000; rows *= 100) {
        totals sum = {0};
        wr_err why = {0};
        o.batch_rows = rows;
        assert_int_equal(load(&o, NULL, NULL, &sum, &why), WR_ECORRUPT);
        assert_non_null(strstr(why.msg, "gzip data is cut off"));
        assert_true(sum.transfers > 5000 && sum.transfers < 15000);
        assert_int_equal(sum.dead, 0); /* the cut row is not taken for a whole one */
        size_t lines = 0;
        for (size_t i = 0; i < sum.next.offset; i++)
            lines += text.p[i] == '\n';
        assert_int_equal(lines, sum.transfers + 1);
    }
    wr_free(zip);
    wr_buf_release(&text);
    file_remove(&f);
}

static void test_open__damaged_at_once(void **state)
{
    (void)state;
    const file f = file_of("\x1f\x8b\x08", 3);
    wr_transfer_reader_opts o = reader_opts(&f);
    wr_transfer_reader *r = NULL;
    assert_err(WR_ECORRUPT, wr_transfer_reader_open(&r, &o, &err));
    file_remove(&f);
}

/* --- the rest --------------------------------------------------------------------- */

static void test_tell__where_and_what(void **state)
{
    (void)state;
    const file f = file_of(ROW_HEAD "a,b,5,1700000000,h1,,\n", strlen(ROW_HEAD) + 22);
    wr_transfer_reader_opts o = reader_opts(&f);
    WR_AUTO(wr_transfer_reader) r = NULL;
    o.transfer.chain = "opaque:t";
    o.source = NULL;
    assert_ok(wr_transfer_reader_open(&r, &o, &err));
    assert_string_equal(wr_transfer_reader_format(r), "csv");
    assert_int_equal(wr_transfer_reader_tell(r).file_total, strlen(ROW_HEAD) + 22);
    assert_int_equal(wr_transfer_reader_tell(r).kind, WR_INPUT_PLAIN);
    wr_transfer_reader_close(NULL);
    file_remove(&f);
}

static void test_open__source_is_the_file_name(void **state)
{
    (void)state;
    const file f = file_of(ROW_HEAD "x\n", strlen(ROW_HEAD) + 2);
    wr_transfer_reader_opts o = reader_opts(&f);
    WR_AUTO(wr_transfer_reader) r = NULL;
    wr_transfer_batch b = {0};
    char want[100];
    o.transfer.chain = "opaque:t";
    o.source = NULL;
    (void)snprintf(want, sizeof want, "file:%s", f.path + strlen("/tmp/"));
    assert_ok(wr_transfer_reader_open(&r, &o, &err));
    assert_ok(wr_transfer_reader_next(r, &b, &err));
    assert_int_equal(b.dead_count, 1);
    assert_int_equal(b.dead[0].source.len, strlen(want));
    assert_memory_equal(b.dead[0].source.p, want, strlen(want));
    wr_transfer_batch_release(&b);
    file_remove(&f);
}

static wr_status load_once(const file *f, wr_err *err)
{
    wr_transfer_reader_opts o = reader_opts(f);
    totals sum = {0};
    o.transfer.chain = "opaque:t";
    return load(&o, NULL, NULL, &sum, err);
}

static void test_load__out_of_memory(void **state)
{
    (void)state;
    static const char text[] = "from,to,amount,time,memo\n"
                               "a,b,5,1700000000,\"q\"\"q\"\na,b,5,1700000000,\na,,\n";
    file f = file_of(text, sizeof text - 1);
    assert_oom_safe(load_once(&f, &err));
    file_remove(&f);
    static const char json[] =
        "{\"from\":\"a\",\"to\":\"\\u00e9\",\"amount\":1,\"time\":1700000000}\n{}\n";
    f = file_of(json, sizeof json - 1);
    assert_oom_safe(load_once(&f, &err));
    file_remove(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_next__rows_in_order),
        wr_unit_test(test_next__line_ends_and_blank_lines),
        wr_unit_test(test_next__quotes),
        wr_unit_test(test_next__bad_rows),
        wr_unit_test(test_next__bytes_that_are_no_text),
        wr_unit_test(test_next__ten_megabyte_lines),
        wr_unit_test(test_next__longest_record_that_is_taken),
        wr_unit_test(test_next__quote_that_closes_too_late),
        wr_unit_test(test_next__nothing_but_blank_lines),
        wr_unit_test(test_next__equal_rows_without_hash_are_two),
        wr_unit_test(test_next__several_transfers_of_one_hash),
        wr_unit_test(test_next__truncated_gzip),
        wr_unit_test(test_open__damaged_at_once),
        wr_unit_test(test_tell__where_and_what),
        wr_unit_test(test_open__source_is_the_file_name),
        wr_unit_test(test_load__out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
