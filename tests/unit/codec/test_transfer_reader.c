#include "codec_test.h"

#include <omp.h>
#include <zlib.h>

#define ROW_HEAD "from,to,amount,time,hash,memo,extra\n"

/* What an accepted row of these tests prints as. */
static void print_row(wr_buf *b, const char *from, const char *to, const char *hash,
                      const char *memo)
{
    wr_buf_addf(b, "T opaque:t %s/0 b-1 t1700000000 %s > %s 5 UNIT/2 f1 v%.17g '%s'\n",
                hash, from, to, 0.05, memo);
}

static void expect(const char *text, const char *accepted, const char *refused)
{
    expect_load(text, strlen(text), "opaque:t", accepted, refused);
}

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

/* --- headers ---------------------------------------------------------------------- */

static void refuse_open(const char *text, const wr_transfer_opts *opts, wr_status status,
                        const char *words)
{
    const file f = file_of(text, strlen(text));
    wr_transfer_reader_opts o = reader_opts(&f);
    wr_transfer_reader *r = NULL;
    wr_err why = {0};
    if (opts)
        o.transfer = *opts;
    else
        o.transfer.chain = "opaque:t";
    assert_int_equal(wr_transfer_reader_open(&r, &o, &why), status);
    if (!strstr(why.msg, words))
        fail_msg("'%s' is not in '%s'", words, why.msg);
    assert_null(r);
    file_remove(&f);
}

static void test_open__headers_refused(void **state)
{
    (void)state;
    refuse_open("", NULL, WR_EPARSE, "is empty");
    refuse_open("\n \n", NULL, WR_EPARSE, "is empty");
    refuse_open(
        "a,b,c\n1,2,3\n", NULL, WR_EPARSE,
        "header has no column for from, to, amount or value, time; it has: a, b, c");
    refuse_open("from,to,when,amount\n", NULL, WR_EPARSE,
                "no column for time; it has: from, to");
    refuse_open("from,to,From,amount,time\n", NULL, WR_EPARSE,
                "column 'From' comes twice (columns 1 and 3)");
    refuse_open("from,\"to,amount,time\n", NULL, WR_EPARSE, "column 2 has a quote");
    refuse_open("[{}]", NULL, WR_EPARSE, "jq -c");
    refuse_open("fr\xffom,to,amount,time\n", NULL, WR_EPARSE, "no UTF-8");
    const wr_transfer_opts none = WR_TRANSFER_OPTS_INIT;
    refuse_open("from,to,amount,time\n", &none, WR_EINVAL, "no chain");
    wr_transfer_opts o = WR_TRANSFER_OPTS_INIT;
    o.chain = "opaque:t";
    o.map = "memo=note2";
    refuse_open("from,to,amount,time\n", &o, WR_EINVAL,
                "the header has no column 'note2'");
    o.map = NULL;
    o.format = "nope";
    refuse_open("from,to,amount,time\n", &o, WR_EINVAL, "format 'nope' is unknown");
    wr_transfer_reader_opts ro = WR_TRANSFER_READER_OPTS_INIT;
    wr_transfer_reader *r = NULL;
    ro.path = "/tmp/wr_codec_none";
    assert_err(WR_EIO, wr_transfer_reader_open(&r, &ro, &err));
    ro.batch_rows = 0;
    assert_err(WR_EINVAL, wr_transfer_reader_open(&r, &ro, &err));
}

static void test_open__too_many_columns_or_bytes(void **state)
{
    (void)state;
    enum { LONG = WR_RECORD_MAX_BYTES + 10 };
    char *text = wr_calloc(LONG + 1, 1);
    memset(text, ',', 1024);
    refuse_open(text, NULL, WR_EPARSE, "more than 1024 columns");
    memset(text, 'x', LONG);
    refuse_open(text, NULL, WR_EPARSE, "the header is over the limit");
    wr_free(text);
}

static void test_open__spellings_map_and_unknown_columns(void **state)
{
    (void)state;
    const file f =
        file_of("junk,Sender,payee,from,amount,Block Timestamp,Transaction-Hash,x,x\n"
                "1,a,b,zz,5,1700000000,h1,2,3\n",
                97);
    wr_transfer_reader_opts o = reader_opts(&f);
    wr_buf in;
    wr_buf want;
    totals sum = {0};
    o.transfer.chain = "opaque:t";
    o.transfer.map = "to=payee,from=Sender";
    wr_buf_init(&in, PRINT_MAX);
    wr_buf_init(&want, PRINT_MAX);
    print_row(&want, "a", "b", "h1", "");
    assert_ok(load(&o, &in, NULL, &sum, &err));
    assert_string_equal(in.p, want.p);
    wr_buf_release(&in);
    wr_buf_release(&want);
    file_remove(&f);
}

static void test_next__second_spellings(void **state)
{
    (void)state;
    wr_buf want;
    wr_buf_init(&want, PRINT_MAX);
    print_row(&want, "a", "b", "h1", "");
    print_row(&want, "a", "b", "h2", "");
    expect("from,sender,to,amount,value,time,hash\n"
           "a,a,b,5,0.05,1700000000,h1\n"
           ",a,b,,0.050,1700000000,h2\n"
           "a,c,b,5,,1700000000,h3\n"
           "a,a,b,5,0.06,1700000000,h4\n",
           want.p,
           "D 3 [from] from 'a' and sender 'c' disagree | 22: a,c,b,5,,1700000000,h3\n"
           "D 4 [amount] amount '5' and value '0.06' disagree (2 decimals) | 26: "
           "a,a,b,5,0.06,1700000000,h4\n");
    wr_buf_release(&want);
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

/* --- whole = in pieces ------------------------------------------------------------ */

/* Rows of all sorts; three kinds of trouble, line breaks and quotes inside quotes. */
static void random_csv(wr_rng *rng, wr_buf *b, int rows)
{
    wr_buf_adds(b, ROW_HEAD);
    for (int i = 0; i < rows; i++) {
        const uint64_t kind = wr_rng_below(rng, 100);
        wr_buf_addf(b, "a%d,b%d,5,1700000000,", (int)wr_rng_below(rng, 50), i % 7);
        if (wr_rng_below(rng, 3))
            wr_buf_addf(b, "h%d", i);
        wr_buf_adds(b, ",");
        if (kind < 10)
            wr_buf_addf(b, "\"%.*s\n%.*s\"\"q,\"", (int)wr_rng_below(rng, 30),
                        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", (int)wr_rng_below(rng, 30),
                        "\n,\n,\n,\n,\n,\n,\n,\n,\n,\n,\n,\n,\n,\n,\n,");
        else if (kind == 10)
            wr_buf_adds(b, "\"open");
        else if (kind == 11)
            wr_buf_adds(b, "\"shut\" tail");
        else if (kind == 12)
            wr_buf_adds(b, "one,more");
        else
            wr_buf_addf(b, "%.*s", (int)kind,
                        "memo memo memo memo memo memo memo memo memo memo"
                        " memo memo memo memo memo memo memo memo memo ");
        wr_buf_adds(b, kind % 9 ? ",\n" : ",x\r\n");
    }
}

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
                assert_true(text->len > 1024 * 1024); /* more slices than threads */
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
            if (*p == '"') {
                for (p++; *p != '"' || p[1] == '"'; p++) {
                    wr_buf_add(&field, p, 1);
                    p += *p == '"';
                }
                p++;
            }
            while (p < end && *p != ',' && *p != '\n') {
                if (*p != '\r')
                    wr_buf_add(&field, p, 1);
                p++;
            }
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
    assert_true(text.len > 1024 * 1024);
    assert_int_equal(got.len, want.len);
    assert_memory_equal(got.p, want.p, want.len);
    wr_transfer_batch_release(&b);
    wr_buf_release(&text);
    wr_buf_release(&want);
    wr_buf_release(&got);
    file_remove(&f);
}

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
        wr_unit_test(test_open__headers_refused),
        wr_unit_test(test_open__too_many_columns_or_bytes),
        wr_unit_test(test_open__spellings_map_and_unknown_columns),
        wr_unit_test(test_next__second_spellings),
        wr_unit_test(test_next__ten_megabyte_lines),
        wr_unit_test(test_next__longest_record_that_is_taken),
        wr_unit_test(test_next__quote_that_closes_too_late),
        wr_unit_test(test_next__nothing_but_blank_lines),
        wr_unit_test(test_next__equal_rows_without_hash_are_two),
        wr_unit_test(test_next__several_transfers_of_one_hash),
        wr_unit_test(test_next__same_bits_for_any_thread_count),
        wr_unit_test(test_next__agrees_with_a_slow_parser),
        wr_unit_test(test_skip__goes_on_where_it_stopped),
        wr_unit_test(test_skip__changed_file),
        wr_unit_test(test_mark_parse__refused),
        wr_unit_test(test_next__truncated_gzip),
        wr_unit_test(test_open__damaged_at_once),
        wr_unit_test(test_tell__where_and_what),
        wr_unit_test(test_open__source_is_the_file_name),
        wr_unit_test(test_load__out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
