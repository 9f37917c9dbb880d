#include "codec_test.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_open__headers_refused),
        wr_unit_test(test_open__too_many_columns_or_bytes),
        wr_unit_test(test_open__spellings_map_and_unknown_columns),
        wr_unit_test(test_next__second_spellings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
