#include "transfer_json_test.h"

static void test_decode__utxo(void **state)
{
    (void)state;
    accepts(
        UTXO
        "\"block\":5,\"inputs\":[{\"address\":\"" W1
        "\",\"value\":0.5},{\"address\":\"" W2
        "\",\"amount\":70}],\"outputs\":[{\"address\":null,\"script\":\"6a00\",\"value\":"
        "0},"
        "{\"script\":\"0014751e76e8199196d454941c45d1b3a323f1433bd6\",\"value\":\"0.4\"},"
        "{\"script\":\"51\",\"satoshis\":1}]}",
        BTC "/0 b5 t1700000000 " W1 " > tx:" H " 50000000 BTC/8 f5 v0.5 ''\n" BTC
            "/1 b5 t1700000000 " W2 " > tx:" H
            " 70 BTC/8 f5 v6.9999999999999997e-07 ''\n" BTC "/3 b5 t1700000000 tx:" H
            " > " W1 " 40000000 BTC/8 f3 v0.40000000000000002 ''\n" BTC
            "/4 b5 t1700000000 tx:" H
            " > script:4ae81572f06e1b88fd5ced7a1a000945432e83e1551e6f721ee9c00b8cc33260"
            " 1 BTC/8 f3 v1e-08 ''\n");
    accepts(UTXO "\"inputs\":[],\"outputs\":[{\"address\":\"" W1 "\",\"value\":6.25}]}",
            BTC "/0 b-1 t1700000000 tx:" H " > " W1 " 625000000 BTC/8 f3 v6.25 ''\n");
}

static void test_decode__utxo_refused(void **state)
{
    (void)state;
#define IN "\"inputs\":[{\"address\":\"" W1 "\",\"value\":1}],"
    refuses(UTXO IN "\"outputs\":[{\"address\":\"" W2 "\",\"value\":1.1}]}", "/outputs",
            "conflict", "outputs",
            "outputs (110000000) are worth more than inputs (100000000)");
    refuses(UTXO IN "\"outputs\":[{\"address\":\"" W2 "\",\"value\":-1}]}",
            "/outputs/0/value", "invalid", "outputs",
            "outputs[0].value: amount '-1' is negative");
    refuses(UTXO IN "\"vout\":[{\"address\":\"" W2 "x\",\"value\":1}]}",
            "/vout/0/address", "invalid", "outputs", "vout[0].address");
    refuses(UTXO IN "\"outputs\":[{\"value\":1}]}", "/outputs/0/address", "missing",
            "outputs", "address is missing");
    refuses(UTXO "\"inputs\":[{\"address\":\"" W2 "\"}]}", "/inputs/0/value", "missing",
            "inputs", "amount is missing");
    refuses(UTXO "\"inputs\":[{\"address\":\"" W2 "\",\"value\":1,\"amount\":1}]}",
            "/inputs/0/amount", "invalid", "inputs", "amount '1' and value '1' disagree");
    refuses(UTXO "\"inputs\":[5]}", "/inputs", "invalid", "inputs",
            "inputs[0] is not an object");
    refuses(UTXO "\"inputs\":[{\"script\":\"zz\",\"value\":1}]}", "/inputs/0/script",
            "invalid", "inputs", "hex");
    refuses(UTXO "\"inputs\":[],\"outputs\":[]}", "/outputs", "missing", "outputs",
            "moves anything");
    refuses(UTXO IN "\"from\":\"" W1 "\"}", "/inputs", "conflict", "inputs",
            "one or the other");
    refuses("{\"chain\":\"BTC\",\"time\":1700000000," IN "\"outputs\":[]}", "/tx_hash",
            "missing", "tx_hash", "names the hub");
#undef IN
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_decode__utxo),
        wr_unit_test(test_decode__utxo_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
