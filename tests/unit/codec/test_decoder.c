#include "transfer_json_test.h"

static void test_decode__options(void **state)
{
    (void)state;
    wr_transfer_opts o = WR_TRANSFER_OPTS_INIT;
    o.map = "from=payer,amount=cents";
    o.chain = "opaque:bank";
    o.asset = "EUR";
    o.decimals = 2;
    o.position_rule = WR_POSITION_DERIVED;
    accepts_with(
        &o,
        "{\"payer\":\"a\",\"from\":\"b\",\"to\":\"c\",\"cents\":\"250\",\"amount\":\"x\","
        "\"time\":1700000000}",
        "T opaque:bank derived:667dbfe61d6c95f5f6365cd2a1a980bc/0 b-1 t1700000000 a > c "
        "250 EUR/2 f1 v2.5 ''\n");
    o = (wr_transfer_opts)WR_TRANSFER_OPTS_INIT;
    o.chain = "ETH";
    o.is_rounding = 1;
    o.time_unit = WR_TIME_STEPS;
    o.step_base_s = 1600000000;
    o.step_s = 60;
    accepts_with(&o,
                 "{\"hash\":\"" H "\"," SENT
                 ",\"value\":\"0.00000000000000000151\",\"time\":2}",
                 "T eip155:1 " H "/0 b-1 t1600000120 " A " > " B
                 " 2 ETH/18 f1 v2.0000000000000001e-18 ''\n");
}

static void test_decoder_new__refused(void **state)
{
    (void)state;
    static const struct {
        wr_transfer_opts o;
        wr_status status;
        const char *words;
    } bad[] = {
        {{.format = "xls", .decimals = -1}, WR_EINVAL, "format 'xls' is unknown"},
        {{.map = "from", .decimals = -1}, WR_EINVAL, "'from' is not field=column"},
        {{.map = "from=a,b=c", .decimals = -1}, WR_EINVAL, "'b' is no field"},
        {{.chain = "nope", .decimals = -1}, WR_EPARSE, "nope"},
        {{.chain = "nope:1", .decimals = -1}, WR_ENOTFOUND, "nope"},
        {{.decimals = 37}, WR_EINVAL, "37"},
        {{.decimals = -1, .step_s = -1}, WR_EINVAL, "-1"},
        {{.asset = "0123456789012345678901234567890123456789012345678901234567890123x",
          .decimals = -1},
         WR_EINVAL,
         "longer than 64"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        wr_transfer_decoder *d = NULL;
        wr_err why = {0};
        assert_int_equal(wr_transfer_decoder_new(&d, &bad[i].o, &why), bad[i].status);
        if (!strstr(why.msg, bad[i].words))
            fail_msg("'%s' is not in '%s'", bad[i].words, why.msg);
        assert_null(d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_decode__options),
        wr_unit_test(test_decoder_new__refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
