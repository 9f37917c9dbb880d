#include "model/chain.h"

#include <assert.h>
#include <pthread.h>

#include "model/address_int.h"
#include "util/digest.h"

static const wr_utxo_rule rule_btc = {1, 0x00, 0x05, 0, "bc", NULL};
static const wr_utxo_rule rule_ltc = {1, 0x30, 0x32, 0x05, "ltc", NULL};
static const wr_utxo_rule rule_bch = {1, 0x00, 0x05, 0, NULL, "bitcoincash"};
static const wr_utxo_rule rule_dash = {1, 0x4C, 0x10, 0, NULL, NULL};
static const wr_utxo_rule rule_zec = {2, 0x1CB8, 0x1CBD, 0, NULL, NULL};
static const wr_utxo_rule rule_doge = {1, 0x1E, 0x16, 0, NULL, NULL};
static const wr_utxo_rule rule_btg = {1, 0x26, 0x17, 0, "btg", NULL};
static const wr_utxo_rule rule_xvg = {1, 0x1E, 0x21, 0, NULL, NULL};
static const wr_utxo_rule rule_dgb = {1, 0x1E, 0x3F, 0x05, "dgb", NULL};

#define EVM(id, asset)                                       \
    {                                                        \
        "eip155:" id, asset, 18, false, WR_ADDRESS_EVM, NULL \
    }
#define UTXO(id, asset, digits, r)                                  \
    {                                                               \
        "bip122:" id, asset, digits, true, WR_ADDRESS_BITCOIN, &(r) \
    }
#define PLAIN(id, asset, digits)                         \
    {                                                    \
        id, asset, digits, false, WR_ADDRESS_PLAIN, NULL \
    }

/* A known chain and the other names it goes by, lower case, separated by blanks. */
static const struct known {
    wr_chain chain;
    const char *aliases;
} known[] = {
    {EVM("1", "ETH"), "eth ethereum"},
    {EVM("10", "ETH"), "optimism op"},
    {EVM("30", "RBTC"), "rbtc rootstock"},
    {EVM("50", "XDC"), "xdc xinfin"},
    {EVM("56", "BNB"), "bsc bnb bep20 binance-smart-chain"},
    {EVM("61", "ETC"), "etc ethereum-classic"},
    {EVM("100", "XDAI"), "gnosis xdai"},
    {EVM("137", "POL"), "matic pol polygon"},
    {EVM("250", "FTM"), "ftm fantom"},
    {EVM("321", "KCS"), "kcs kcc"},
    {EVM("324", "ETH"), "zksync"},
    {EVM("8453", "ETH"), "base"},
    {EVM("42161", "ETH"), "arb arbitrum"},
    {EVM("42170", "ETH"), "arbitrum-nova"},
    {EVM("43114", "AVAX"), "avax avalanche"},
    {EVM("59144", "ETH"), "linea"},
    {UTXO("000000000019d6689c085ae165831e93", "BTC", 8, rule_btc), "btc xbt bitcoin"},
    {UTXO("12a765e31ffd4059bada1e25190f6e98", "LTC", 8, rule_ltc), "ltc litecoin"},
    {{"bip122:000000000000000000651ef99cb9fcbe", "BCH", 8, true, WR_ADDRESS_CASHADDR,
      &rule_bch},
     "bch bitcoin-cash"},
    {{"bip122:000000000000000001d956714215d96f", "BSV", 8, true, WR_ADDRESS_CASHADDR,
      &rule_bch}, /* it began with Bitcoin Cash's prefix and versions */
     "bsv bitcoin-sv"},
    {UTXO("00000ffd590b1485b3caadc19b22e637", "DASH", 8, rule_dash), "dash"},
    {UTXO("00040fe8ec8471911baa1db1266ea15d", "ZEC", 8, rule_zec), "zec zcash"},
    {UTXO("1a91e3dace36e2be3bf030a65679fe82", "DOGE", 8, rule_doge),
     "doge dogecoin bip122:00000000001a91e3dace36e2be3bf030"},
    {UTXO("bitcoin-gold", "BTG", 8, rule_btg), "btg bitcoin-gold"},
    {UTXO("00000fc63692467faeb20cdb3b53200d", "XVG", 6, rule_xvg), "xvg verge"},
    {UTXO("7497ea1b465eb39f1c8f507bc877078f", "DGB", 8, rule_dgb), "dgb digibyte"},
    {{"tron:0x2b6653dc", "TRX", 6, false, WR_ADDRESS_TRON, NULL},
     "trx tron tron:728126428"},
    {{"solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp", "SOL", 9, false, WR_ADDRESS_SOLANA,
      NULL},
     "sol solana"},
    {PLAIN("xrpl:0", "XRP", 6), "xrp ripple"},
    {PLAIN("monero:mainnet", "XMR", 12), "xmr monero"},
    {PLAIN("cip34:1-764824073", "ADA", 6), "ada cardano"},
    {PLAIN("stellar:pubnet", "XLM", 7), "xlm stellar"},
    {PLAIN("algorand:wGHE2Pwdvd7S12BL5FaOP20EGYesN73k", "ALGO", 6), "algo algorand"},
    {PLAIN("polkadot:91b171bb158e2d3848fa23a9f1c25182", "DOT", 10), "dot polkadot"},
    {PLAIN("polkadot:b0a8d493285c2df73290dfb7e61f870f", "KSM", 12), "ksm kusama"},
    {PLAIN("cosmos:cosmoshub-4", "ATOM", 6), "atom cosmos"},
    {PLAIN("cosmos:Binance-Chain-Tigris", "BNB", 8), "bep2 binance-chain"},
    {PLAIN("antelope:aca376f206b8fc25a6ed44dbdc66547c", "EOS", 4), "eos"},
    {PLAIN("tezos:NetXdQprcVkpaWU", "XTZ", 6), "xtz tezos"},
    {PLAIN("near:mainnet", "NEAR", 24), "near"},
    {PLAIN("hedera:mainnet", "HBAR", 8), "hbar hedera"},
    {PLAIN("fil:f", "FIL", 18), "fil filecoin"},
    {PLAIN("sui:mainnet", "SUI", 9), "sui"},
    {PLAIN("aptos:1", "APT", 8), "apt aptos"},
    {PLAIN("tvm:-239", "TON", 9), "ton"},
};
enum {
    KNOWN_COUNT = sizeof known / sizeof *known,
    SLOT_COUNT = 16384, /* a power of two, over three times all names at most */
    NAMESPACE_MIN = 3,
    NAMESPACE_MAX = 8,
    REFERENCE_MAX = 32,
};

typedef struct slot {
    wr_text name;
    const wr_chain *chain; /* NULL = empty */
} slot;

/* Guarded by the mutex: what is handed out never changes again, the rest may. */
static pthread_mutex_t table_mutex = PTHREAD_MUTEX_INITIALIZER;
static slot slots[SLOT_COUNT];
static wr_chain added[WR_CHAIN_COUNT_MAX - KNOWN_COUNT];
static unsigned added_count;
static bool is_filled;

static slot *find_slot(wr_text name)
{
    uint64_t h = wr_hash64(name.p, name.len, 0);
    for (;; h++) {
        slot *s = &slots[h & (SLOT_COUNT - 1)];
        if (!s->chain || wr_text_eq(s->name, name))
            return s;
    }
}

static void add_name(wr_text name, const wr_chain *chain)
{
    slot *s = find_slot(name);
    assert(!s->chain); /* two chains under one name: the table is wrong */
    *s = (slot){.name = name, .chain = chain};
}

static void fill_table(void)
{
    for (const struct known *k = known; k < known + KNOWN_COUNT; k++) {
        add_name(wr_text_of(k->chain.id), &k->chain);
        for (const char *p = k->aliases; *p;) {
            size_t len = strcspn(p, " ");
            add_name((wr_text){.p = p, .len = (uint32_t)len}, &k->chain);
            p += len + (p[len] == ' ');
        }
    }
    is_filled = true;
}

static bool is_alnum(char ch)
{
    return (ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'z') ||
           (ch >= 'A' && ch <= 'Z');
}

/* CAIP-2: namespace [-a-z0-9]{3,8}, ':', reference [-_a-zA-Z0-9]{1,32}. */
static bool is_caip2(wr_text id, uint32_t *colon)
{
    uint32_t n = 0;
    while (n < id.len && id.p[n] != ':')
        n++;
    if (n < NAMESPACE_MIN || n > NAMESPACE_MAX || n + 1 >= id.len ||
        id.len - n - 1 > REFERENCE_MAX)
        return false;
    for (uint32_t i = 0; i < n; i++)
        if ((!is_alnum(id.p[i]) && id.p[i] != '-') || (id.p[i] >= 'A' && id.p[i] <= 'Z'))
            return false;
    for (uint32_t i = n + 1; i < id.len; i++)
        if (!is_alnum(id.p[i]) && id.p[i] != '-' && id.p[i] != '_')
            return false;
    *colon = n;
    return true;
}

/* EIP-155 chain ids are plain numbers without leading zeros. */
static bool is_evm_reference(wr_text reference)
{
    for (uint32_t i = 0; i < reference.len; i++)
        if (reference.p[i] < '0' || reference.p[i] > '9')
            return false;
    return reference.p[0] != '0';
}

/* 32 digits of a block hash. */
static bool is_block_reference(wr_text reference)
{
    for (uint32_t i = 0; i < reference.len; i++)
        if (!(reference.p[i] >= '0' && reference.p[i] <= '9') &&
            !(reference.p[i] >= 'a' && reference.p[i] <= 'f'))
            return false;
    return reference.len == REFERENCE_MAX;
}

/* A chain that the table does not name but its id declares. */
static bool declare(wr_chain *chain, wr_text id, uint32_t colon)
{
    wr_text space = {.p = id.p, .len = colon};
    wr_text reference = {.p = id.p + colon + 1, .len = id.len - colon - 1};
    if (wr_text_eq(space, WR_TEXT_LIT("opaque")))
        *chain =
            (wr_chain){.asset = "UNIT", .decimals = 2, .address_kind = WR_ADDRESS_OPAQUE};
    else if (wr_text_eq(space, WR_TEXT_LIT("eip155")) && is_evm_reference(reference))
        *chain =
            (wr_chain){.asset = "NATIVE", .decimals = 18, .address_kind = WR_ADDRESS_EVM};
    else if (wr_text_eq(space, WR_TEXT_LIT("bip122")) && is_block_reference(reference))
        *chain = (wr_chain){.asset = "NATIVE",
                            .decimals = 8,
                            .is_utxo = true,
                            .address_kind = WR_ADDRESS_BASE58};
    else
        return false;
    memcpy(chain->id, id.p, id.len); /* is_caip2 holds it to WR_CHAIN_ID_MAX */
    return true;
}

/* own NULL: a fresh chain is added to the table; else it is described there. */
static wr_status find_locked(const wr_chain **out, wr_chain *own, wr_text id, wr_err *err)
{
    enum { QUOTE_MAX = 60 };
    char lower[WR_CHAIN_ID_MAX + 1];
    uint32_t colon = 0;
    wr_text name = id;
    if (!is_filled)
        fill_table();
    bool is_id = is_caip2(id, &colon);
    if (!is_id && id.len > 0 && id.len < sizeof lower) {
        for (uint32_t i = 0; i < id.len; i++)
            lower[i] = (char)(id.p[i] >= 'A' && id.p[i] <= 'Z' ? id.p[i] + 32 : id.p[i]);
        name.p = memchr(id.p, ':', id.len) ? id.p : lower;
    }
    slot *s = id.len <= WR_CHAIN_ID_MAX ? find_slot(name) : NULL;
    if (s && s->chain) {
        *out = s->chain;
        return WR_OK;
    }
    if (!is_id)
        return wr_fail(err, WR_EPARSE, "chain '%s' is neither CAIP-2 nor a known name",
                       wr_text_quote(id, QUOTE_MAX).s);
    wr_chain fresh;
    if (!declare(&fresh, id, colon))
        return wr_fail(err, WR_ENOTFOUND,
                       "chain '%s' is not known; opaque:NAME declares one",
                       wr_text_quote(id, QUOTE_MAX).s);
    if (own) {
        *own = fresh;
        *out = own;
        return WR_OK;
    }
    if (added_count == sizeof added / sizeof *added)
        return wr_fail(err, WR_ELIMIT, "chain '%s': over %d chains",
                       wr_text_quote(id, QUOTE_MAX).s, WR_CHAIN_COUNT_MAX);
    wr_chain *c = &added[added_count++];
    *c = fresh;
    *s = (slot){.name = wr_text_of(c->id), .chain = c};
    *out = c;
    return WR_OK;
}

wr_status wr_chain_find(const wr_chain **out, wr_text id, wr_err *err)
{
    (void)pthread_mutex_lock(&table_mutex);
    wr_status s = find_locked(out, NULL, id, err);
    (void)pthread_mutex_unlock(&table_mutex);
    return s;
}

wr_status wr_chain_peek(const wr_chain **out, wr_chain *own, wr_text id, wr_err *err)
{
    (void)pthread_mutex_lock(&table_mutex);
    wr_status s = find_locked(out, own, id, err);
    (void)pthread_mutex_unlock(&table_mutex);
    return s;
}
