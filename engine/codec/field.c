#include "codec/field_int.h"

#include <stdlib.h>

typedef struct alias {
    const char *plain; /* in compare form; the table is sorted by it */
    wr_field field;
} alias;

static const alias ALIAS[] = {
    {"amount", WR_F_AMOUNT},
    {"amountbase", WR_F_AMOUNT},
    {"amountusd", WR_F_VALUE_USD},
    {"amountwei", WR_F_AMOUNT},
    {"asset", WR_F_ASSET},
    {"block", WR_F_BLOCK},
    {"blockchain", WR_F_CHAIN},
    {"blockheight", WR_F_BLOCK},
    {"blockno", WR_F_BLOCK},
    {"blocknumber", WR_F_BLOCK},
    {"blocktime", WR_F_TIME},
    {"blocktimestamp", WR_F_TIME},
    {"chain", WR_F_CHAIN},
    {"chainid", WR_F_CHAIN},
    {"contractaddress", WR_F_CONTRACT},
    {"currency", WR_F_ASSET},
    {"date", WR_F_TIME},
    {"datetime", WR_F_TIME},
    {"decimals", WR_F_DECIMALS},
    {"description", WR_F_MEMO},
    {"dest", WR_F_TO},
    {"destination", WR_F_TO},
    {"destinationaddress", WR_F_TO},
    {"dst", WR_F_TO},
    {"from", WR_F_FROM},
    {"fromaddress", WR_F_FROM},
    {"hash", WR_F_TX_HASH},
    {"height", WR_F_BLOCK},
    {"inputs", WR_F_INPUTS},
    {"iserror", WR_F_IS_ERROR},
    {"logindex", WR_F_POSITION},
    {"memo", WR_F_MEMO},
    {"message", WR_F_MEMO},
    {"namedest", WR_F_TO},
    {"nameorig", WR_F_FROM},
    {"network", WR_F_CHAIN},
    {"note", WR_F_MEMO},
    {"outputs", WR_F_OUTPUTS},
    {"position", WR_F_POSITION},
    {"receiver", WR_F_TO},
    {"receiveraddress", WR_F_TO},
    {"recipient", WR_F_TO},
    {"recipientaddress", WR_F_TO},
    {"satoshis", WR_F_AMOUNT},
    {"sender", WR_F_FROM},
    {"senderaddress", WR_F_FROM},
    {"source", WR_F_FROM},
    {"sourceaddress", WR_F_FROM},
    {"sourcenodeid", WR_F_FROM},
    {"src", WR_F_FROM},
    {"symbol", WR_F_SYMBOL},
    {"target", WR_F_TO},
    {"targetaddress", WR_F_TO},
    {"targetnodeid", WR_F_TO},
    {"time", WR_F_TIME},
    {"timestamp", WR_F_TIME},
    {"to", WR_F_TO},
    {"toaddress", WR_F_TO},
    {"token", WR_F_ASSET},
    {"tokenaddress", WR_F_ASSET},
    {"tokendecimal", WR_F_DECIMALS},
    {"tokendecimals", WR_F_DECIMALS},
    {"tokensymbol", WR_F_SYMBOL},
    {"transactionhash", WR_F_TX_HASH},
    {"transactionindex", WR_F_TX_INDEX},
    {"txhash", WR_F_TX_HASH},
    {"txid", WR_F_TX_HASH},
    {"txindex", WR_F_TX_INDEX},
    {"unixtimestamp", WR_F_TIME},
    {"usdvalue", WR_F_VALUE_USD},
    {"value", WR_F_VALUE},
    {"valuebtc", WR_F_VALUE},
    {"valuedecimal", WR_F_VALUE},
    {"valueeth", WR_F_VALUE},
    {"valueinusd", WR_F_VALUE_USD},
    {"valuesat", WR_F_AMOUNT},
    {"valueusd", WR_F_VALUE_USD},
    {"valuewei", WR_F_AMOUNT},
    {"vin", WR_F_INPUTS},
    {"vout", WR_F_OUTPUTS},
};

static const alias ENTRY_ALIAS[] = {
    {"addr", WR_F_ADDRESS},        {"address", WR_F_ADDRESS},
    {"amount", WR_F_AMOUNT},       {"amountbase", WR_F_AMOUNT},
    {"satoshis", WR_F_AMOUNT},     {"script", WR_F_SCRIPT},
    {"scriptpubkey", WR_F_SCRIPT}, {"scriptpubkeyaddress", WR_F_ADDRESS},
    {"value", WR_F_VALUE},         {"valuebtc", WR_F_VALUE},
    {"valuesat", WR_F_AMOUNT},
};

const char *wr_field_name(wr_field f)
{
    static const char *const name[WR_F_COUNT] = {
        [WR_F_NONE] = "",
        [WR_F_CHAIN] = "chain",
        [WR_F_TX_HASH] = "tx_hash",
        [WR_F_POSITION] = "position",
        [WR_F_TX_INDEX] = "tx_index",
        [WR_F_BLOCK] = "block",
        [WR_F_TIME] = "time",
        [WR_F_FROM] = "from",
        [WR_F_TO] = "to",
        [WR_F_CONTRACT] = "contract_address",
        [WR_F_ASSET] = "asset",
        [WR_F_SYMBOL] = "symbol",
        [WR_F_AMOUNT] = "amount",
        [WR_F_VALUE] = "value",
        [WR_F_VALUE_USD] = "value_usd",
        [WR_F_DECIMALS] = "decimals",
        [WR_F_MEMO] = "memo",
        [WR_F_IS_ERROR] = "is_error",
        [WR_F_FROM_BANK] = "from_bank",
        [WR_F_TO_BANK] = "to_bank",
        [WR_F_CLOCK] = "clock",
        [WR_F_VALUE_IN] = "value_in",
        [WR_F_VALUE_OUT] = "value_out",
        [WR_F_STATUS] = "status",
        [WR_F_INPUTS] = "inputs",
        [WR_F_OUTPUTS] = "outputs",
        [WR_F_ADDRESS] = "address",
        [WR_F_SCRIPT] = "script",
    };
    return name[f];
}

void wr_field_plain(char out[WR_NAME_MAX + 1], wr_text name)
{
    size_t n = 0;
    for (uint32_t i = 0; i < name.len && n < WR_NAME_MAX; i++) {
        char c = name.p[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if (c != ' ' && c != '_' && c != '-' && c != '.' && c != '(' && c != ')')
            out[n++] = c;
    }
    out[n] = '\0';
}

static int by_plain(const void *key, const void *item)
{
    return strcmp(key, ((const alias *)item)->plain);
}

static wr_field find_in(const alias *table, size_t count, wr_text name)
{
    char plain[WR_NAME_MAX + 1];
    wr_field_plain(plain, name);
    const alias *a = bsearch(plain, table, count, sizeof *table, by_plain);
    return a ? a->field : WR_F_NONE;
}

wr_field wr_field_find(wr_text name)
{
    return find_in(ALIAS, sizeof ALIAS / sizeof *ALIAS, name);
}

wr_field wr_field_find_entry(wr_text name)
{
    return find_in(ENTRY_ALIAS, sizeof ENTRY_ALIAS / sizeof *ENTRY_ALIAS, name);
}

uint32_t wr_layout_add(wr_layout *l, wr_field f, wr_text name)
{
    uint32_t slot = f;
    if (f != WR_F_NONE && l->name[f].p) {
        if (l->alt_count == WR_ALT_MAX)
            return WR_F_NONE;
        l->alt_of[l->alt_count] = (uint8_t)f;
        slot = WR_F_COUNT + l->alt_count++;
    }
    if (slot != WR_F_NONE)
        l->name[slot] = name;
    return slot;
}
