/*
 * Texts: what PostgreSQL's UTF-8 refuses is replaced, passwords stay out of messages, and
 * running out of memory leaves nothing behind.
 */
#include <stdlib.h>
#include <string.h>

#include "made_transfers.h"
#include "pg_db.h"
#include "pg_proxy.h"
#include "store/store.h"
#include "wr_test.h"

/* --- passwords
 * -------------------------------------------------------------------------- */

static void test_open__no_message_shows_the_password(void **state)
{
    (void)state;
    static const char *const dsn[] = {
        "postgresql://u:geheim@127.0.0.1:1/x",          /* nobody listens */
        "postgresql://u:geheim@[::1/x",                 /* libpq quotes the whole URI */
        "postgresql://u:geheim@127.0.0.1:port/x",       /* not a port */
        "postgresql://u@127.0.0.1:1/x?password=geheim", /* as a parameter */
        "postgresql://u@127.0.0.1/x?password=geheim&no=1", /* unknown parameter */
        "postgresql://u:geh%65im@127.0.0.1:1/x",           /* percent-encoded */
        "postgres://u:geheim%zz@127.0.0.1/x",              /* libpq quotes the token */
        "postgresql://geheim:geheim@/x?host=/nowhere",
    };
    for (size_t i = 0; i < sizeof dsn / sizeof dsn[0]; i++) {
        wr_store *st = NULL;
        wr_err err = {0};
        wr_status s = wr_store_open(&st, dsn[i], &err);
        if (s != WR_EIO && s != WR_EINVAL)
            fail_msg("%s: %s", dsn[i], wr_status_name(s));
        assert_null(st);
        if (strncmp(err.msg, "postgresql: ", 12) != 0 || strstr(err.msg, "geheim") ||
            strstr(err.msg, "geh%65im") || strchr(err.msg, '\n'))
            fail_msg("%s: %s", dsn[i], err.msg);
    }
}

static void test_open__wrong_password(void **state)
{
    (void)state;
    pg_proxy p;
    char dsn[WR_TEST_PG_DSN_MAX];
    wr_store *st = NULL;
    wr_err err = {0};
    pg_proxy_start(&p, dsn);
    char *at = strchr(dsn, '@'); /* the last letter of the password */
    at[-1] = at[-1] == '0' ? '1' : '0';
    assert_int_equal(wr_store_open(&st, dsn, &err), WR_EIO);
    assert_non_null(strstr(err.msg, "password authentication failed"));
    *at = '\0';
    assert_null(strstr(err.msg, strrchr(dsn, ':') + 1));
    pg_proxy_stop(&p);
}

/* --- bytes that are no UTF-8
 * --------------------------------------------------------------- */

typedef struct texts {
    char memo[64], reason[64], field[64], raw[64], name[64];
} texts;

static void keep(char out[64], wr_text t)
{
    (void)snprintf(out, 64, "%.*s", WR_TEXT_ARG(t));
}

static wr_status keep_transfer(void *ctx, const wr_transfer_row *row, wr_err *err)
{
    (void)err;
    keep(((texts *)ctx)->memo, row->transfer.memo);
    return WR_OK;
}

static wr_status keep_dead(void *ctx, const wr_dead_row *d, wr_err *err)
{
    (void)err;
    keep(((texts *)ctx)->reason, d->letter.reason);
    keep(((texts *)ctx)->field, d->letter.field);
    keep(((texts *)ctx)->raw, d->letter.raw);
    return WR_OK;
}

static wr_status keep_label(void *ctx, const wr_label_row *row, wr_err *err)
{
    (void)err;
    keep(((texts *)ctx)->name, row->label.name);
    return WR_OK;
}

static void test_put__bytes_that_are_no_utf8(void **state)
{
    (void)state;
    wr_store *st = wr_test_pg_open();
    made_transfer text;
    texts got = {0};
    wr_put_result res;
    wr_labels_report rep;
    const wr_chain *chain = NULL;
    assert_ok(wr_chain_find(&chain, WR_TEXT_LIT("opaque:text"), &err));
    wr_transfer t = make_transfer(&text, chain, 1, 10, 0);
    t.memo = WR_TEXT_LIT("a\xff"
                         "b\0c\xed\xa0\x80"); /* a NUL, half a surrogate pair */
    const wr_dead_letter dead = {.source = WR_TEXT_LIT("s\xc3"),
                                 .raw = WR_TEXT_LIT("raw \xfe"),
                                 .raw_bytes = 5,
                                 .field = WR_TEXT_LIT("to"),
                                 .reason = WR_TEXT_LIT("not an address: '\xc0\xaf'")};
    const wr_put put = {
        .transfer = &t, .transfer_count = 1, .dead = &dead, .dead_count = 1};
    assert_ok(wr_store_put(st, &put, NULL, &res, &err));
    assert_ok(wr_store_transfer_get(st, 1, keep_transfer, &got, &err));
    assert_string_equal(got.memo, "a\xef\xbf\xbd"
                                  "b\xef\xbf\xbd"
                                  "c\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    assert_ok(wr_store_dead_list(st, (wr_text){0}, 0, 10, keep_dead, &got, &err));
    assert_string_equal(got.reason, "not an address: '\xef\xbf\xbd\xef\xbf\xbd'");
    assert_string_equal(got.raw, "raw \xfe"); /* bytes stay bytes */
    const wr_label label = {.chain = chain,
                            .address = WR_TEXT_LIT("w1"),
                            .category = WR_TEXT_LIT("theft"),
                            .source = WR_TEXT_LIT("list"),
                            .name = WR_TEXT_LIT("gr\xfcn"),
                            .valid_from_s = WR_TIME_NONE,
                            .valid_to_s = WR_TIME_NONE};
    assert_ok(wr_store_labels_put(st, &label, 1, &rep, &err));
    assert_ok(wr_store_labels_list(st, -1, NULL, false, 0, 0, keep_label, &got, &err));
    assert_string_equal(got.name, "gr\xef\xbf\xbdn");
    assert_ok(wr_store_labels_put(st, &label, 1, &rep, &err));
    assert_int_equal(rep.unchanged,
                     1); /* the replaced text is compared, not the raw one */
    wr_store_close(st);
}

/* Every place of a UTF-8 table: shortest, longest, over-long, beyond, surrogate, cut. */
static void test_put__utf8_that_is_fine_stays(void **state)
{
    (void)state;
    static const char good[] =
        "\x01\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80"
        "\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf";
    wr_store *st = wr_test_pg_open();
    made_transfer text;
    texts got = {0};
    wr_put_result res;
    const wr_chain *chain = NULL;
    assert_ok(wr_chain_find(&chain, WR_TEXT_LIT("opaque:text"), &err));
    wr_transfer t = make_transfer(&text, chain, 1, 10, 0);
    t.memo = wr_text_of(good);
    const wr_put put = {.transfer = &t, .transfer_count = 1};
    assert_ok(wr_store_put(st, &put, NULL, &res, &err));
    assert_ok(wr_store_transfer_get(st, 1, keep_transfer, &got, &err));
    assert_string_equal(got.memo, good);
    wr_store_close(st);
}

/* --- memory
 * ------------------------------------------------------------------------------------ */

static wr_status open_and_close(wr_err *err)
{
    wr_store *st = NULL;
    WR_TRY(wr_store_open(&st, wr_test_pg_dsn, err));
    wr_store_close(st);
    return WR_OK;
}

static wr_status count_edges(void *ctx, const wr_edge_row *row, size_t n, wr_err *err)
{
    (void)row;
    (void)err;
    *(size_t *)ctx += n;
    return WR_OK;
}

static wr_status count_wallets(void *ctx, const wr_wallet_row *row, size_t n, wr_err *err)
{
    (void)row;
    (void)err;
    *(size_t *)ctx += n;
    return WR_OK;
}

/* A handle of its own each time: what it caches is not a leak. */
static wr_status read_all(wr_err *err)
{
    wr_store *st = NULL;
    size_t n = 0;
    int64_t seq = 0;
    WR_TRY(wr_store_open(&st, wr_test_pg_dsn, err));
    wr_status s = wr_store_safe_seq(st, &seq, err);
    if (s == WR_OK)
        s = wr_store_scan_edges(st, 0, seq, count_edges, &n, err);
    if (s == WR_OK)
        s = wr_store_scan_wallets(st, 0, count_wallets, &n, err);
    wr_store_close(st);
    return s;
}

static wr_status label_some(wr_err *err)
{
    wr_store *st = NULL;
    wr_labels_report rep;
    const wr_chain *chain = NULL;
    uint64_t removed;
    WR_TRY(wr_chain_find(&chain, WR_TEXT_LIT("opaque:text"), err));
    const wr_label label = {.chain = chain,
                            .address = WR_TEXT_LIT("w1"),
                            .category = WR_TEXT_LIT("theft"),
                            .source = WR_TEXT_LIT("list"),
                            .name = WR_TEXT_LIT("gr\xfcn"),
                            .valid_from_s = WR_TIME_NONE,
                            .valid_to_s = WR_TIME_NONE};
    const wr_label_filter all = {.source = WR_TEXT_LIT("list")};
    WR_TRY(wr_store_open(&st, wr_test_pg_dsn, err));
    wr_status s = wr_store_labels_put(st, &label, 1, &rep, err);
    if (s == WR_OK)
        s = wr_store_labels_remove(st, &all, &removed, err);
    wr_store_close(st);
    return s;
}

static void test_memory__running_out_leaves_nothing(void **state)
{
    (void)state;
    wr_store *st = wr_test_pg_open();
    made_transfer text[20];
    wr_transfer t[20];
    wr_put_result res;
    const wr_chain *chain = NULL;
    assert_ok(wr_chain_find(&chain, WR_TEXT_LIT("opaque:text"), &err));
    for (size_t i = 0; i < 20; i++)
        t[i] = make_transfer(&text[i], chain, i, 10, 0);
    const wr_put put = {.transfer = t, .transfer_count = 20};
    assert_ok(wr_store_put(st, &put, NULL, &res, &err));
    wr_store_close(st);
    assert_oom_safe(open_and_close(&err));
    assert_oom_safe(read_all(&err));
    assert_oom_safe(label_some(&err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_open__no_message_shows_the_password),
        wr_pg_test(test_open__wrong_password),
        wr_pg_test(test_put__bytes_that_are_no_utf8),
        wr_pg_test(test_put__utf8_that_is_fine_stays),
        wr_pg_test(test_memory__running_out_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
