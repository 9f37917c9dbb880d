#include "wr_test.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "model/chain.h"

static const wr_chain *find(const char *name)
{
    const wr_chain *c = NULL;
    wr_err why = {0};
    if (wr_chain_find(&c, wr_text_of(name), &why) != WR_OK)
        fail_msg("%s: %s", name, why.msg);
    return c;
}

static void test_chain_find__names_of_one_chain(void **state)
{
    (void)state;
    static const char *const same[][6] = {
        {"eip155:1", "ETH", "eth", "ethereum", "Ethereum"},
        {"eip155:56", "BSC", "BNB", "bep20"},
        {"eip155:137", "MATIC", "POL", "polygon"},
        {"eip155:42161", "ARB"},
        {"eip155:61", "ETC"},
        {"bip122:000000000019d6689c085ae165831e93", "BTC", "XBT", "bitcoin", "Bitcoin"},
        {"bip122:12a765e31ffd4059bada1e25190f6e98", "LTC"},
        {"bip122:000000000000000000651ef99cb9fcbe", "BCH"},
        {"bip122:000000000000000001d956714215d96f", "BSV"},
        {"bip122:00000ffd590b1485b3caadc19b22e637", "DASH"},
        {"bip122:00040fe8ec8471911baa1db1266ea15d", "ZEC"},
        {"bip122:1a91e3dace36e2be3bf030a65679fe82", "DOGE"},
        {"bip122:bitcoin-gold", "BTG"},
        {"bip122:00000fc63692467faeb20cdb3b53200d", "XVG"},
        {"tron:0x2b6653dc", "TRX", "tron", "tron:728126428"},
        {"solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp", "SOL"},
        {"xrpl:0", "XRP", "Ripple"},
        {"monero:mainnet", "XMR"},
        {"cip34:1-764824073", "ADA"},
    };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        const wr_chain *c = find(same[i][0]);
        assert_string_equal(c->id, same[i][0]);
        for (size_t k = 1; k < 6 && same[i][k]; k++)
            assert_ptr_equal(find(same[i][k]), c);
    }
}

static void test_chain_find__assets_and_rules(void **state)
{
    (void)state;
    const wr_chain *eth = find("ETH");
    assert_string_equal(eth->asset, "ETH");
    assert_int_equal(eth->decimals, 18);
    assert_int_equal(eth->address_kind, WR_ADDRESS_EVM);
    assert_false(eth->is_utxo);
    const wr_chain *btc = find("BTC");
    assert_string_equal(btc->asset, "BTC");
    assert_int_equal(btc->decimals, 8);
    assert_int_equal(btc->address_kind, WR_ADDRESS_BITCOIN);
    assert_true(btc->is_utxo);
    assert_int_equal(find("BCH")->address_kind, WR_ADDRESS_CASHADDR);
    assert_int_equal(find("TRX")->address_kind, WR_ADDRESS_TRON);
    assert_int_equal(find("SOL")->address_kind, WR_ADDRESS_SOLANA);
    assert_int_equal(find("XMR")->address_kind, WR_ADDRESS_PLAIN);
}

static void test_chain_find__declared_ones(void **state)
{
    (void)state;
    const wr_chain *evm = find("eip155:123456789");
    assert_string_equal(evm->id, "eip155:123456789");
    assert_string_equal(evm->asset, "NATIVE");
    assert_int_equal(evm->decimals, 18);
    assert_int_equal(evm->address_kind, WR_ADDRESS_EVM);
    const wr_chain *bank = find("opaque:My_Bank-1");
    assert_string_equal(bank->id, "opaque:My_Bank-1");
    assert_string_equal(bank->asset, "UNIT");
    assert_int_equal(bank->decimals, 2);
    assert_int_equal(bank->address_kind, WR_ADDRESS_OPAQUE);
    assert_ptr_equal(find("opaque:My_Bank-1"), bank);
    assert_ptr_not_equal(find("opaque:my_bank-1"), bank); /* references have case */
    assert_string_equal(find("opaque:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")->id,
                        "opaque:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    const wr_chain *coin = find("bip122:00000000000000000000000000000abc");
    assert_true(coin->is_utxo);
    assert_int_equal(coin->address_kind, WR_ADDRESS_BASE58);
}

static void refuse(wr_status want, const char *name, const char *msg)
{
    const wr_chain *c = NULL;
    wr_err why = {0};
    assert_int_equal(wr_chain_find(&c, wr_text_of(name), &why), want);
    assert_string_equal(why.msg, msg);
    assert_null(c);
}

static void test_chain_find__refuses(void **state)
{
    (void)state;
    refuse(WR_EPARSE, "", "chain '' is neither CAIP-2 nor a known name");
    refuse(WR_EPARSE, NULL, "chain '' is neither CAIP-2 nor a known name");
    refuse(WR_EPARSE, "NOPE", "chain 'NOPE' is neither CAIP-2 nor a known name");
    refuse(WR_EPARSE, "eip155:", "chain 'eip155:' is neither CAIP-2 nor a known name");
    refuse(WR_EPARSE, "EIP155:1", "chain 'EIP155:1' is neither CAIP-2 nor a known name");
    refuse(WR_EPARSE, "ab:1", "chain 'ab:1' is neither CAIP-2 nor a known name");
    refuse(WR_EPARSE, "eip155:1 ",
           "chain 'eip155:1 ' is neither CAIP-2 nor a known name");
    refuse(WR_EPARSE, "opaque:a:b",
           "chain 'opaque:a:b' is neither CAIP-2 nor a known name");
    refuse(
        WR_EPARSE, "opaque:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "chain 'opaque:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' is neither CAIP-2 nor a known"
        " name");
    refuse(WR_ENOTFOUND, "cosmos:osmosis-1",
           "chain 'cosmos:osmosis-1' is not known; opaque:NAME declares one");
    refuse(WR_ENOTFOUND, "eip155:0",
           "chain 'eip155:0' is not known; opaque:NAME declares one");
    refuse(WR_ENOTFOUND, "eip155:01",
           "chain 'eip155:01' is not known; opaque:NAME declares one");
    refuse(WR_ENOTFOUND, "eip155:one",
           "chain 'eip155:one' is not known; opaque:NAME declares one");
    refuse(WR_ENOTFOUND, "bip122:xyz",
           "chain 'bip122:xyz' is not known; opaque:NAME declares one");
}

enum { THREADS = 4, NAMES = 200 };
static const wr_chain *found[THREADS][NAMES];

static void *find_many(void *arg)
{
    const wr_chain **mine = arg;
    for (int i = 0; i < NAMES; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "opaque:shared%d", i);
        (void)!wr_chain_find(&mine[i], wr_text_of(name), NULL);
    }
    return NULL;
}

static void test_chain_find__threads_agree(void **state)
{
    (void)state;
    pthread_t t[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&t[i], NULL, find_many, (void *)found[i]), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(t[i], NULL), 0);
    for (int k = 0; k < NAMES; k++) {
        assert_non_null(found[0][k]);
        for (int i = 1; i < THREADS; i++)
            assert_ptr_equal(found[i][k], found[0][k]);
    }
}

/* Runs last: the table stays full for the life of the process. */
static void test_chain_peek__leaves_no_trace(void **state)
{
    (void)state;
    wr_chain own;
    wr_chain other;
    const wr_chain *a = NULL;
    const wr_chain *b = NULL;
    assert_ok(wr_chain_peek(&a, &own, WR_TEXT_LIT("ETH"), &err));
    assert_ptr_equal(a, find("eip155:1"));
    for (int i = 0; i < 2 * WR_CHAIN_COUNT_MAX; i++) { /* more than the table holds */
        char name[32];
        (void)snprintf(name, sizeof name, "opaque:peek%d", i);
        assert_ok(wr_chain_peek(&a, &own, wr_text_of(name), &err));
        assert_ptr_equal(a, &own);
        assert_string_equal(own.id, name);
    }
    assert_int_equal(own.address_kind, WR_ADDRESS_OPAQUE);
    assert_ok(wr_chain_peek(&b, &other, WR_TEXT_LIT("opaque:peeked"), &err));
    const wr_chain *named = find("opaque:peeked");
    assert_ptr_not_equal(named, b);
    assert_ok(wr_chain_peek(&b, &other, WR_TEXT_LIT("opaque:peeked"), &err));
    assert_ptr_equal(named, b); /* now that a record has named it */
    b = NULL;
    assert_err(WR_EPARSE, wr_chain_peek(&b, &other, WR_TEXT_LIT("no chain"), &err));
    assert_err(WR_ENOTFOUND, wr_chain_peek(&b, &other, WR_TEXT_LIT("nochain:1"), &err));
    assert_null(b);
}

static void test_chain_find__limit(void **state)
{
    (void)state;
    const wr_chain *first = find("opaque:n0");
    wr_status s = WR_OK;
    wr_err why = {0};
    int n = 0;
    while (s == WR_OK && n <= WR_CHAIN_COUNT_MAX) {
        char name[32];
        const wr_chain *c;
        (void)snprintf(name, sizeof name, "opaque:n%d", n++);
        s = wr_chain_find(&c, wr_text_of(name), &why);
    }
    assert_int_equal(s, WR_ELIMIT);
    assert_non_null(strstr(why.msg, ": over 4096 chains"));
    assert_ptr_equal(find("opaque:n0"), first);
    assert_string_equal(find("ETH")->id, "eip155:1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_chain_find__names_of_one_chain),
        wr_unit_test(test_chain_find__assets_and_rules),
        wr_unit_test(test_chain_find__declared_ones),
        wr_unit_test(test_chain_find__refuses),
        wr_unit_test(test_chain_find__threads_agree),
        wr_unit_test(test_chain_peek__leaves_no_trace),
        wr_unit_test(test_chain_find__limit),
    };
    return cmocka_run_group_tests_name("model.chain", tests, NULL, NULL);
}
