#include "codec_test.h"

#include "codec/preset_int.h"

/* Derived keys and positions as KEY and POS: test_transfer_json pins them. */
static void mask(char *text)
{
    char *to = text;
    for (const char *p = text; *p;) {
        if (strncmp(p, "derived:", 8) == 0) {
            memcpy(to, "KEY", 3);
            to += 3;
            p += 8 + 32;
        } else if (*p == '/' && strtoul(p + 1, NULL, 10) >= 1UL << 30) {
            p += 1 + strspn(p + 1, "0123456789");
            memcpy(to, "/POS", 4);
            to += 4;
        } else {
            *to++ = *p++;
        }
    }
    *to = '\0';
}

/* Load with detection, then with the format's name: the same, and what is expected. */
static void expect_format(const char *format, const char *text, const char *accepted,
                          const char *refused)
{
    const file f = file_of(text, strlen(text));
    for (int is_named = 0; is_named < 2; is_named++) {
        wr_transfer_reader_opts o = reader_opts(&f);
        wr_buf in;
        wr_buf out;
        totals sum = {0};
        WR_AUTO(wr_transfer_reader) r = NULL;
        o.transfer.format = is_named ? format : NULL;
        wr_buf_init(&in, PRINT_MAX);
        wr_buf_init(&out, PRINT_MAX);
        assert_ok(wr_transfer_reader_open(&r, &o, &err));
        assert_string_equal(wr_transfer_reader_format(r), format);
        assert_ok(drain(r, &in, &out, &sum, &err));
        mask(in.p);
        assert_string_equal(wr_buf_cstr(&in), accepted);
        assert_string_equal(wr_buf_cstr(&out), refused);
        wr_buf_release(&in);
        wr_buf_release(&out);
    }
    file_remove(&f);
}

#define A "0x00000000000000000000000000000000000000aa"
#define B "0x00000000000000000000000000000000000000bb"
#define C "0x00000000000000000000000000000000000000cc"
#define H "0000000000000000000000000000000000000000000000000000000000000001"

static void test_preset__etherscan(void **state)
{
    (void)state;
    expect_format(
        "etherscan",
        "\"Transaction Hash\",\"Blockno\",\"UnixTimestamp\",\"DateTime "
        "(UTC)\",\"From\",\"To\","
        "\"ContractAddress\",\"Value_IN(ETH)\",\"Value_OUT(ETH)\",\"CurrentValue @ "
        "$1800/Eth\","
        "\"TxnFee(ETH)\",\"TxnFee(USD)\",\"Historical "
        "$Price/Eth\",\"Status\",\"ErrCode\",\"Method\"\n"
        "\"0x" H "\",\"17\",\"1700000000\",\"2023-11-14 22:13:20\",\"" A "\",\"" B
        "\",\"\",\"0\",\"1.5\","
        "\"2700\",\"0.001\",\"1.8\",\"1800\",\"\",\"\",\"Transfer\"\n"
        "\"0x" H "\",\"17\",\"1700000000\",\"2023-11-14 22:13:20\",\"" B "\",\"" A
        "\",\"\",\"2\",\"0\","
        "\"2700\",\"0.001\",\"1.8\",\"1800\",\"\",\"\",\"Transfer\"\n"
        "\"0x" H "\",\"17\",\"1700000000\",\"2023-11-14 22:13:20\",\"" A "\",\"\",\"" C
        "\",\"0\",\"0\","
        "\"2700\",\"0.001\",\"1.8\",\"1800\",\"\",\"\",\"0x6080\"\n"
        "\"0x" H "\",\"17\",\"1700000000\",\"2023-11-14 22:13:20\",\"" A "\",\"" B
        "\",\"\",\"1\",\"2\","
        "\"\",\"\",\"\",\"\",\"\",\"\",\"\"\n"
        "\"0x" H "\",\"17\",\"1700000000\",\"2023-11-14 22:13:20\",\"" A "\",\"" B
        "\",\"\",\"0\",\"9\","
        "\"\",\"\",\"\",\"\",\"Error(0)\",\"out of gas\",\"\"\n",
        "T eip155:1 " H "/0 b17 t1700000000 " A " > " B
        " 1500000000000000000 ETH/18 f1 v1.5 ''\n"
        "T eip155:1 " H "/0 b17 t1700000000 " B " > " A
        " 2000000000000000000 ETH/18 f1 v2 ''\n"
        "T eip155:1 " H "/0 b17 t1700000000 " A " > " C " 0 ETH/18 f1 v0 ''\n",
        "D 4 [value_in] Value_IN(ETH) '1' and Value_OUT(ETH) '2' disagree | 230: \"0x" H
        "\",\"17\",\"1700000000\",\"2023-11-14 22:13:20\",\"" A "\",\"" B
        "\",\"\",\"1\",\"2\",\"\",\"\",\"\",\"\",\"\",\"\",\"\"\n"
        "D 5 [status] Status 'Error(0)': the transaction failed and moved nothing | 248: "
        "\"0x" H "\",\"17\",\"1700000000\",\"2023-11-14 22:13:20\",\"" A "\",\"" B
        "\",\"\",\"0\",\"9\",\"\",\"\",\"\",\"\",\"Error(0)\",\"out of gas\",\"\"\n");
}

/* The asset in the header names the chain, unless one was given. */
static void test_preset__etherscan_of_another_chain(void **state)
{
    (void)state;
    static const char head[] =
        "Txhash,Blockno,UnixTimestamp,From,To,Value_IN(%s),Value_OUT(%s)\n" H
        ",17,1700000000," A "," B ",0,1\n";
    static const struct {
        const char *symbol, *chain, *want, *asset;
        wr_status status;
    } row[] = {
        {"BNB", NULL, "eip155:56", "BNB", WR_OK},
        {"MATIC", NULL, "eip155:137", "POL", WR_OK},
        {"ETH", "eip155:10", "eip155:10", "ETH", WR_OK},
        {"XYZ", "eip155:1", "eip155:1", "XYZ", WR_OK},
        {"XYZ", NULL, NULL, NULL, WR_EINVAL},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        char text[600];
        const int n = snprintf(text, sizeof text, head, row[i].symbol, row[i].symbol);
        const file f = file_of(text, (size_t)n);
        wr_transfer_reader_opts o = reader_opts(&f);
        WR_AUTO(wr_transfer_reader) r = NULL;
        wr_transfer_batch b = {0};
        wr_err why = {0};
        o.transfer.chain = row[i].chain;
        assert_int_equal(wr_transfer_reader_open(&r, &o, &why), row[i].status);
        if (row[i].status == WR_OK) {
            assert_ok(wr_transfer_reader_next(r, &b, &err));
            assert_int_equal(b.transfer_count, 1);
            assert_string_equal(b.transfer[0].chain->id, row[i].want);
            assert_true(wr_text_eq(b.transfer[0].asset, wr_text_of(row[i].asset)));
            wr_transfer_batch_release(&b);
        } else {
            assert_non_null(strstr(why.msg, "'Value_IN(XYZ)': no chain is known"));
        }
        file_remove(&f);
    }
}

static void test_preset__etherscan_token(void **state)
{
    (void)state;
    static const char text[] =
        "Txhash,Blockno,UnixTimestamp,DateTime,From,To,TokenValue,USDValueDayOfTx,"
        "ContractAddress,TokenName,TokenSymbol\n"
        "0x" H ",17,1700000000,x," A "," B ",\"1,234,567.5\",N/A," C ",Tok,TOK\n"
        "0x" H ",17,1700000000,x," A "," B ",\"1,2345\",N/A," C ",Tok,TOK\n";
    const file f = file_of(text, sizeof text - 1);
    wr_transfer_reader_opts o = reader_opts(&f);
    WR_AUTO(wr_transfer_reader) r = NULL;
    wr_transfer_batch b = {0};
    assert_ok(wr_transfer_reader_open(&r, &o, &err));
    assert_string_equal(wr_transfer_reader_format(r), "etherscan-token");
    assert_ok(wr_transfer_reader_next(r, &b, &err));
    assert_int_equal(b.transfer_count, 1);
    assert_true(wr_text_eq(b.transfer[0].asset, WR_TEXT_LIT("erc20:" C)));
    assert_float_equal(b.transfer[0].value, 1234567.5, 0);
    assert_in_range(b.transfer[0].position, UINT32_C(1) << 30, INT32_MAX);
    assert_int_equal(b.dead_count, 1);
    wr_transfer_batch_release(&b);
    file_remove(&f);
}

static void test_preset__etherscan_internal(void **state)
{
    (void)state;
    static const char text[] =
        "\"Parent Txhash\",\"Blockno\",\"UnixTimestamp\",\"DateTime "
        "(UTC)\",\"ParentTxFrom\","
        "\"ParentTxTo\",\"ParentTxETH_Value\",\"From\",\"TxTo\",\"ContractAddress\","
        "\"Value_IN(ETH)\",\"Value_OUT(ETH)\",\"Status\"\n"
        "0x" H ",17,1700000000,x," C "," C ",5," A "," B ",,0.25,0,0\n"
        "0x" H ",17,1700000000,x," C "," C ",5," B "," A ",,0,0.25,0\n";
    const file f = file_of(text, sizeof text - 1);
    wr_transfer_reader_opts o = reader_opts(&f);
    WR_AUTO(wr_transfer_reader) r = NULL;
    wr_transfer_batch b = {0};
    assert_ok(wr_transfer_reader_open(&r, &o, &err));
    assert_string_equal(wr_transfer_reader_format(r), "etherscan-internal");
    assert_ok(wr_transfer_reader_next(r, &b, &err));
    assert_int_equal(b.transfer_count, 2);
    assert_true(wr_text_eq(b.transfer[0].from, WR_TEXT_LIT(A)));
    assert_true(wr_text_eq(b.transfer[0].to, WR_TEXT_LIT(B)));
    assert_int_not_equal(b.transfer[0].position, b.transfer[1].position);
    wr_transfer_batch_release(&b);
    file_remove(&f);
}

static void test_preset__blockscout(void **state)
{
    (void)state;
    expect_format(
        "blockscout",
        "TxHash,BlockNumber,UnixTimestamp,FromAddress,ToAddress,ContractAddress,Type,"
        "Value,Fee,"
        "Status,ErrCode,CurrentPrice,TxDateOpeningPrice,TxDateClosingPrice\r\n"
        "0x" H
        ",17,2023-11-14 22:13:20.000000Z,0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed," B
        ",,OUT,1500000000000000000,21000,ok,,1,1,1\r\n"
        "0x" H ",17,2023-11-14 22:13:20.000000Z," A "," B
        ",,OUT,1,21000,error,x,1,1,1\r\n",
        "T eip155:1 " H
        "/0 b17 t1700000000 0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed > " B
        " 1500000000000000000 ETH/18 f1 v1.5 ''\n",
        "D 2 [status] Status 'error': the transaction failed and moved nothing | 210: "
        "0x" H ",17,2023-11-14 22:13:20.000000Z," A "," B
        ",,OUT,1,21000,error,x,1,1,1\n");
}

static void test_preset__eth_and_mftracer(void **state)
{
    (void)state;
    expect_format("eth",
                  "block_number,timestamp,tx_hash,from,to,value_eth,call_type\n"
                  "17,1700000000,0x" H "," A "," B ",0.00044099999996313603,call\n"
                  "17,1700000000,0x" H "," A "," B ",9.11e-16,call\n",
                  "T eip155:1 " H "/POS b17 t1700000000 " A " > " B
                  " 440999999963136 ETH/18 f1 v0.00044099999996313597 ''\n"
                  "T eip155:1 " H "/POS b17 t1700000000 " A " > " B
                  " 911 ETH/18 f1 v9.1100000000000001e-16 ''\n",
                  "");
    expect_format("mftracer",
                  "Timestamp,Block,Tx_hash,From,From_label,To,To_label,Value_in_USD\n"
                  "2023-11-14 22:13:20,17,0x" H "," A ",Hack," B
                  ",Mixer,5998.4812999999995\n",
                  "T eip155:1 " H "/POS b17 t1700000000 " A " > " B
                  " 5998481300 USD/6 f0 v5998.4812999999995 ''\n",
                  "");
}

/* The same transfer, once with the noise of a double: one key, one amount. */
static void test_preset__eth_noise_of_doubles(void **state)
{
    (void)state;
    static const char *const pair[][2] = {
        {"185.08041819999997", "185.0804182"},
        {"0.011", "0.011000000000000001"},
        {"2005.2972679406198", "2005.29726794062"},
        {"9.110000000000001e-10", "9.11e-10"},
        {"1.123456789012345678", "1.123456789012345678"}, /* no double's digits */
        {"1234567890123456", "1234567890123460"},
    };
    static const char *const wei[] = {
        "185080418200000000000",  "11000000000000000",
        "2005297267940620000000", "911000000",
        "1123456789012345678",    "1234567890123460000000000000000000"};
    for (size_t i = 0; i < sizeof pair / sizeof *pair; i++) {
        char text[600];
        const int n = snprintf(text, sizeof text,
                               "tx_hash,from,to,value_eth,timestamp\n" H "," A "," B
                               ",%s,1700000000\n" H "," A "," B ",%s,1700000000\n",
                               pair[i][0], pair[i][1]);
        const file f = file_of(text, (size_t)n);
        wr_transfer_reader_opts o = reader_opts(&f);
        WR_AUTO(wr_transfer_reader) r = NULL;
        wr_transfer_batch b = {0};
        char amount[WR_AMOUNT_TEXT_MAX];
        assert_ok(wr_transfer_reader_open(&r, &o, &err));
        assert_ok(wr_transfer_reader_next(r, &b, &err));
        assert_int_equal(b.transfer_count, 2);
        assert_int_equal(b.transfer[0].position, b.transfer[1].position);
        for (int k = 0; k < 2; k++) {
            wr_amount_format(amount, b.transfer[k].amount_base);
            assert_string_equal(amount, wei[i]);
        }
        wr_transfer_batch_release(&b);
        file_remove(&f);
    }
}

static void test_preset__banks(void **state)
{
    (void)state;
    expect_format(
        "saml-d",
        "Time,Date,Sender_account,Receiver_account,Amount,Payment_currency,"
        "Received_currency,Sender_bank_location,Receiver_bank_location,Payment_type,"
        "Is_laundering,Laundering_type\n"
        "22:13:20,2023-11-14,8724731955,2769355426,1459.15,UK pounds,UK pounds,UK,UK,"
        "Cash Deposit,0,Normal_Cash_Deposits\n",
        "T opaque:saml-d KEY/0 b-1 t1700000000 8724731955 > 2769355426 145915 UK pounds/2"
        " f1 v1459.1500000000001 'Cash Deposit'\n",
        "");
    expect_format(
        "amlworld",
        "Timestamp,From Bank,Account,To Bank,Account,Amount Received,Receiving Currency,"
        "Amount Paid,Payment Currency,Payment Format,Is Laundering\n"
        "2023/11/14 22:13,010,8000EBD30,010,8000EBD31,3697.34,US Dollar,3697.34,"
        "US Dollar,Reinvestment,0\n",
        "T opaque:amlworld KEY/0 b-1 t1699999980 010:8000EBD30 > 010:8000EBD31"
        " 369734000000 US Dollar/8 f0 v3697.3400000000001 'Reinvestment'\n",
        "");
    expect_format(
        "amlsim",
        "sourceNodeId,targetNodeId,value,time\n280,15349,147.8,0\n280,15349,147.8,150\n",
        "T opaque:amlsim KEY/0 b-1 t1483228800 280 > 15349 14780 UNIT/2 f1"
        " v147.80000000000001 ''\n"
        "T opaque:amlsim KEY/0 b-1 t1496188800 280 > 15349 14780 UNIT/2 f1"
        " v147.80000000000001 ''\n",
        "");
    expect_format(
        "amlgentex",
        "step,type,amount,nameOrig,nameDest,bankOrig,bankDest,isSAR,patternID,modelType\n"
        "0,INITALBALANCE,40649.62,-2,0,source,bank_a,0,-1,0\n"
        "1,CASH,1.0000005,7,-1,bank_a,sink,0,-1,0\n"
        "1,CASH,1,-3,-1,bank_a,sink,0,-1,0\n",
        "T opaque:amlgentex KEY/0 b-1 t1483228800 source > 0 40649620000 UNIT/6 f1"
        " v40649.620000000003 'INITALBALANCE'\n"
        "T opaque:amlgentex KEY/0 b-1 t1483315200 7 > sink 1000000 UNIT/6 f1 v1 'CASH'\n"
        "T opaque:amlgentex KEY/0 b-1 t1483315200 -3 > sink 1000000 UNIT/6 f1 v1 "
        "'CASH'\n",
        "");
}

static void test_preset__duplicate_listed_column(void **state)
{
    (void)state;
    static const char text[] =
        "Timestamp,From Bank,Account,To Bank,Account,Account,Amount Paid,"
        "Payment Currency,Payment Format\n";
    const file f = file_of(text, sizeof text - 1);
    wr_transfer_reader_opts o = reader_opts(&f);
    wr_transfer_reader *r = NULL;
    wr_err why = {0};
    assert_int_equal(wr_transfer_reader_open(&r, &o, &why), WR_EPARSE);
    assert_string_equal(why.msg,
                        "header: column 'Account' comes twice (columns 3 and 6)");
    file_remove(&f);
}

static void test_preset__options_come_first(void **state)
{
    (void)state;
    const file f =
        file_of("sourceNodeId,targetNodeId,value,time,w\n1,2,147.8,10,3\n", 54);
    wr_transfer_reader_opts o = reader_opts(&f);
    WR_AUTO(wr_transfer_reader) r = NULL;
    wr_transfer_batch b = {0};
    o.transfer.chain = "opaque:other";
    o.transfer.asset = "EUR";
    o.transfer.decimals = 3;
    o.transfer.step_base_s = 1600000000;
    o.transfer.step_s = 60;
    o.transfer.map = "value=w";
    assert_ok(wr_transfer_reader_open(&r, &o, &err));
    assert_ok(wr_transfer_reader_next(r, &b, &err));
    assert_int_equal(b.transfer_count, 1);
    assert_string_equal(b.transfer[0].chain->id, "opaque:other");
    assert_true(wr_text_eq(b.transfer[0].asset, WR_TEXT_LIT("EUR")));
    assert_int_equal(b.transfer[0].time_s, 1600000600);
    assert_int_equal((int64_t)b.transfer[0].amount_base, 3000);
    wr_transfer_batch_release(&b);
    file_remove(&f);
}

#define TXID "d19450c00be0fdbb560e4de48ca9ad66e73875cd4bd1adff856eedb1a4ee8b00"
#define W1   "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
#define BTC  "T bip122:000000000019d6689c085ae165831e93 " TXID

static void test_preset__dumplings(void **state)
{
    (void)state;
    expect_format(
        "dumplings",
        TXID
        ":::00:::1770:::1700000000:::" TXID
        "-0-5000000+0014751e76e8199196d454941c45d1b3a323f1433bd6+TxWitnessV0Keyhash}"
        "{" TXID "-12-7+5121+Unknown:::0+6a0568656c6c6f+TxNullData}{"
        "5000000+0014751e76e8199196d454941c45d1b3a323f1433bd6+TxWitnessV0Keyhash\n" TXID
        ":::00:::1770:::1700000000:::" TXID "-0-5\n" TXID
        ":::00:::1770:::1700000000:::" TXID "-0-5:::1+00+x\n",
        BTC "/0 b-1 t1700000000 " W1 " > tx:" TXID
            " 5000000 BTC/8 f5 v0.050000000000000003 ''\n" BTC "/1 b-1 t1700000000 "
            "script:5441d9317b5a66fa6ec1646484017597b66132cd8c85651b4300c69a09cedd15"
            " > tx:" TXID " 7 BTC/8 f5 v7.0000000000000005e-08 ''\n" BTC
            "/3 b-1 t1700000000 tx:" TXID " > " W1
            " 5000000 BTC/8 f3 v0.050000000000000003 ''\n",
        "D 2 [] not 6 parts separated by ':::' | 160: " TXID
        ":::00:::1770:::1700000000:::" TXID "-0-5\n"
        "D 3 [inputs] inputs[0] is not amount+script+type | 169: " TXID
        ":::00:::1770:::1700000000:::" TXID "-0-5:::1+00+x\n");
}

static void test_formats__each_has_its_preset(void **state)
{
    (void)state;
    size_t n = 0;
    for (const wr_transfer_format *f = wr_transfer_formats(); f->name; f++, n++) {
        assert_non_null(wr_preset_find(f->name));
        assert_true(strlen(f->text) > 10);
        wr_transfer_opts o = WR_TRANSFER_OPTS_INIT;
        wr_transfer_decoder *d = NULL;
        o.format = f->name;
        assert_ok(wr_transfer_decoder_new(&d, &o, &err));
        wr_transfer_decoder_free(d);
    }
    assert_int_equal(n, 14);
    assert_null(wr_preset_find("excel"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_preset__etherscan),
        wr_unit_test(test_preset__etherscan_of_another_chain),
        wr_unit_test(test_preset__etherscan_token),
        wr_unit_test(test_preset__etherscan_internal),
        wr_unit_test(test_preset__blockscout),
        wr_unit_test(test_preset__eth_and_mftracer),
        wr_unit_test(test_preset__eth_noise_of_doubles),
        wr_unit_test(test_preset__banks),
        wr_unit_test(test_preset__duplicate_listed_column),
        wr_unit_test(test_preset__options_come_first),
        wr_unit_test(test_preset__dumplings),
        wr_unit_test(test_formats__each_has_its_preset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
