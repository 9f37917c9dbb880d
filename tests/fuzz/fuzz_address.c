/*
 * Addresses and transaction hashes: the first byte picks a chain, the rest is the text.
 * What is accepted must canonicalise to itself, end in NUL within its bound and be no
 * hub.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_address(const wr_chain *c, wr_text t)
{
    char out[WR_ADDRESS_MAX + 1];
    char again[WR_ADDRESS_MAX + 1];
    size_t len = 0;
    wr_err err = {0};
    if (wr_address_canonical(out, &len, c, t, &err) != WR_OK) {
        require(err.code == WR_EPARSE && err.msg[0] != '\0');
        return;
    }
    require(len > 0 && len <= WR_ADDRESS_MAX && strlen(out) == len);
    wr_text first = {.p = out, .len = (uint32_t)len};
    require(!wr_address_is_hub(first));
    require(wr_address_canonical(again, NULL, c, first, NULL) == WR_OK);
    require(strcmp(out, again) == 0);
}

static void check_hash(const wr_chain *c, wr_text t)
{
    char out[WR_TX_HASH_MAX + 1];
    char again[WR_TX_HASH_MAX + 1];
    size_t len = 0;
    if (wr_tx_hash_canonical(out, &len, c, t, NULL) != WR_OK)
        return;
    require(len > 0 && len <= WR_TX_HASH_MAX && strlen(out) == len);
    wr_text first = {.p = out, .len = (uint32_t)len};
    require(wr_tx_hash_canonical(again, NULL, c, first, NULL) == WR_OK);
    require(strcmp(out, again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const name[] = {"ETH",
                                       "BTC",
                                       "LTC",
                                       "BCH",
                                       "ZEC",
                                       "DOGE",
                                       "TRX",
                                       "SOL",
                                       "XRP",
                                       "opaque:fuzz",
                                       "bip122:0123456789abcdef0123456789abcdef"};
    enum { NAMES = sizeof name / sizeof *name };
    if (size == 0 || size > UINT32_MAX)
        return 0;
    const wr_chain *c = NULL;
    size_t pick =
        data[0] >= 'a' && data[0] < 'a' + NAMES ? data[0] - (size_t)'a' : data[0];
    require(wr_chain_find(&c, wr_text_of(name[pick % NAMES]), NULL) == WR_OK);
    wr_text t = {.p = (const char *)data + 1, .len = (uint32_t)(size - 1)};
    check_address(c, t);
    check_hash(c, t);

    /* a declared chain fills the table: only ids that are known already */
    char out[WR_ADDRESS_MAX + 1];
    if (t.len > 9 && memcmp(t.p, "eip155:1:", 9) == 0)
        (void)!wr_address_parse_caip10(&c, out, NULL, t, NULL);
    return 0;
}
