#include "codec_test.h"

#include "codec/truth.h"

typedef struct got {
    wr_buf text;
} got;

static const wr_chain *chain(void)
{
    const wr_chain *c = NULL;
    assert_ok(wr_chain_find(&c, WR_TEXT_LIT("opaque:test"), &err));
    return c;
}

static wr_status take_flag(void *ctx, wr_text address, bool is_bad, wr_err *e)
{
    (void)e;
    got *g = ctx;
    wr_buf_addf(&g->text, "%.*s=%d;", WR_TEXT_ARG(address), is_bad);
    return WR_OK;
}

static wr_status take_wallet(void *ctx, const wr_truth_wallet *w, wr_err *e)
{
    (void)e;
    got *g = ctx;
    wr_buf_addf(&g->text, "%.*s/%.*s/%.*s%s;", WR_TEXT_ARG(w->address),
                WR_TEXT_ARG(w->incident), WR_TEXT_ARG(w->typology),
                w->is_unknown ? "?" : "");
    return WR_OK;
}

/* What the reader made of `csv`; is_flag: 0 and 1, else incidents. */
static void reads(const char *csv, bool is_flag, const char *want)
{
    const file f = file_of(csv, strlen(csv));
    got g = {0};
    wr_buf_init(&g.text, 1 << 16);
    assert_ok(is_flag ? wr_truth_read(f.path, chain(), (wr_text){0}, take_flag, &g, &err)
                      : wr_truth_read_incidents(f.path, chain(), take_wallet, &g, &err));
    assert_string_equal(wr_buf_cstr(&g.text), want);
    wr_buf_release(&g.text);
    file_remove(&f);
}

static void refuses(const char *csv, bool is_flag, const char *why)
{
    const file f = file_of(csv, strlen(csv));
    got g = {0};
    wr_buf_init(&g.text, 1 << 16);
    wr_err e = {0};
    const wr_status s =
        is_flag ? wr_truth_read(f.path, chain(), (wr_text){0}, take_flag, &g, &e)
                : wr_truth_read_incidents(f.path, chain(), take_wallet, &g, &e);
    assert_int_equal(s, WR_EPARSE);
    assert_non_null(strstr(e.msg, why));
    wr_buf_release(&g.text);
    file_remove(&f);
}

static void test_truth__flags(void **state)
{
    (void)state;
    reads("x,address,is_phish\n1,a,1\n2,b,0\r\n\n3,c,1", true, "a=1;b=0;c=1;");
    reads("is_x,address\n", true, "");
    refuses("", true, "empty");
    refuses("address,flag\na,1\n", true, "no column 'is_");
    refuses("is_bad\n1\n", true, "no column 'address'");
    refuses("address,is_bad\na,2\n", true, ":2: '2' is neither 0 nor 1");
    refuses("address,is_bad\na\n", true, ":2: 1 columns");
}

static void test_truth__incidents(void **state)
{
    (void)state;
    reads(
        "incident,typology,record,role,id,time\n"
        "1,theft,wallet,source,a,5\n1,theft,transfer,,0xff,5\n2,cycle,wallet,layer,b,6\n",
        false, "a/1/theft;b/2/cycle;");
    reads("address\na\nb\n", false, "a//;b//;");
    reads("record,address,incident\nunknown,a,\nwallet,b,1\nunknowns,c,2\n", false,
          "a//?;b/1/;");
    refuses("record,address\nunknown\n", false, ":2: ");
    reads("typology,address\nx,a\n,b\n", false, "a//x;b//;");
    refuses("incident,typology\n1,x\n", false, "no column 'address'");
    refuses("incident,address\n1\n", false, ":2: ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_truth__flags),
        wr_unit_test(test_truth__incidents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
