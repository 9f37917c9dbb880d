#include "codec/preset_int.h"

/* What a column is for: its field alone, or also to tell the export by its header. */
enum { READ = 0, SIGN = 1 };

static const wr_preset_column SAML_D[] = {
    {"date", WR_F_TIME, SIGN},          {"time", WR_F_CLOCK, SIGN},
    {"senderaccount", WR_F_FROM, SIGN}, {"receiveraccount", WR_F_TO, SIGN},
    {"amount", WR_F_VALUE, READ},       {"paymentcurrency", WR_F_ASSET, SIGN},
    {"paymenttype", WR_F_MEMO, READ},   {NULL, WR_F_NONE, READ},
};

/* The raw file names two columns "Account"; flattened ones have names of their own. */
static const wr_preset_column AMLWORLD[] = {
    {"timestamp", WR_F_TIME, SIGN},       {"frombank", WR_F_FROM_BANK, READ},
    {"frombankid", WR_F_FROM_BANK, READ}, {"account", WR_F_FROM, READ},
    {"fromaccount", WR_F_FROM, READ},     {"fromaccountid", WR_F_FROM, READ},
    {"tobank", WR_F_TO_BANK, READ},       {"tobankid", WR_F_TO_BANK, READ},
    {"account", WR_F_TO, READ},           {"account1", WR_F_TO, READ},
    {"toaccount", WR_F_TO, READ},         {"toaccountid", WR_F_TO, READ},
    {"amountpaid", WR_F_VALUE, SIGN},     {"paymentcurrency", WR_F_ASSET, SIGN},
    {"paymentformat", WR_F_MEMO, SIGN},   {NULL, WR_F_NONE, READ},
};

static const wr_preset_column AMLSIM[] = {
    {"sourcenodeid", WR_F_FROM, SIGN}, {"targetnodeid", WR_F_TO, SIGN},
    {"value", WR_F_VALUE, SIGN},       {"time", WR_F_TIME, SIGN},
    {NULL, WR_F_NONE, READ},
};

static const wr_preset_column AMLGENTEX[] = {
    {"step", WR_F_TIME, SIGN},   {"nameorig", WR_F_FROM, SIGN},
    {"namedest", WR_F_TO, SIGN}, {"amount", WR_F_VALUE, SIGN},
    {"type", WR_F_MEMO, SIGN},   {NULL, WR_F_NONE, READ},
};

/* Etherscan: what all its exports have, and what those of the chain's own coin add. */
/* (clang-format takes the last braces of such a list for a block.) */
/* clang-format off */
#define ETHERSCAN_ALL \
    {"transactionhash", WR_F_TX_HASH, READ}, \
    {"txhash", WR_F_TX_HASH, READ}, \
    {"blockno", WR_F_BLOCK, SIGN}, \
    {"unixtimestamp", WR_F_TIME, SIGN}, \
    {"from", WR_F_FROM, SIGN}
#define ETHERSCAN_COIN \
    {"contractaddress", WR_F_CONTRACT, READ}, \
    {"valuein*", WR_F_VALUE_IN, SIGN}, \
    {"valueout*", WR_F_VALUE_OUT, SIGN}, \
    {"status", WR_F_STATUS, READ}
/* clang-format on */

/* A transaction moves its own value once, so position 0 is right. */
static const wr_preset_column ETHERSCAN[] = {
    ETHERSCAN_ALL,
    {"to", WR_F_TO, READ},
    ETHERSCAN_COIN,
    {NULL, WR_F_NONE, READ},
};

/* Internal transfers: ParentTxFrom/To are the outer call's, From/TxTo the transfer's. */
static const wr_preset_column ETHERSCAN_INTERNAL[] = {
    {"parenttxfrom", WR_F_NONE, SIGN},
    {"parenttxhash", WR_F_TX_HASH, READ},
    ETHERSCAN_ALL,
    {"txto", WR_F_TO, READ},
    {"to", WR_F_TO, READ},
    ETHERSCAN_COIN,
    {NULL, WR_F_NONE, READ},
};

static const wr_preset_column ETHERSCAN_TOKEN[] = {
    ETHERSCAN_ALL,
    {"to", WR_F_TO, SIGN},
    {"tokenvalue", WR_F_VALUE, SIGN},
    {"contractaddress", WR_F_ASSET, SIGN},
    {NULL, WR_F_NONE, READ},
};

static const wr_preset_column BLOCKSCOUT[] = {
    {"txhash", WR_F_TX_HASH, SIGN},
    {"blocknumber", WR_F_BLOCK, SIGN},
    {"unixtimestamp", WR_F_TIME, SIGN},
    {"fromaddress", WR_F_FROM, SIGN},
    {"toaddress", WR_F_TO, SIGN},
    {"contractaddress", WR_F_CONTRACT, READ},
    {"value", WR_F_AMOUNT, SIGN},
    {"status", WR_F_STATUS, READ},
    {NULL, WR_F_NONE, READ},
};

static const wr_preset_column MFTRACER[] = {
    {"timestamp", WR_F_TIME, SIGN}, {"block", WR_F_BLOCK, READ},
    {"txhash", WR_F_TX_HASH, SIGN}, {"from", WR_F_FROM, SIGN},
    {"to", WR_F_TO, SIGN},          {"valueinusd", WR_F_VALUE_USD, SIGN},
    {NULL, WR_F_NONE, READ},
};

static const wr_preset_column ETH[] = {
    {"from", WR_F_FROM, SIGN},
    {"to", WR_F_TO, SIGN},
    {"valueeth", WR_F_VALUE, SIGN},
    {NULL, WR_F_NONE, READ},
};

/* Texts for --help; PRESET has a row for each. */
static const wr_transfer_format FORMAT[] = {
    {"csv", "CSV with a header of accepted names (or --map)"},
    {"ndjson", "one JSON object per line: transfers or UTXO transactions"},
    {"utxo", "NDJSON of UTXO transactions (inputs, outputs) on Bitcoin"},
    {"dumplings", "Dumplings lines: txid:::block:::size:::time:::inputs:::outputs"},
    {"etherscan", "Etherscan CSV export of transactions (BscScan, PolygonScan, ...)"},
    {"etherscan-internal", "Etherscan CSV export of internal transactions"},
    {"etherscan-token", "Etherscan CSV export of token transfers"},
    {"blockscout", "Blockscout CSV export of transactions (value in wei)"},
    {"eth", "Ethereum CSV with decimal value_eth (eth-phish, XBlock)"},
    {"mftracer", "MFTracer ground truth (Value_in_USD)"},
    {"saml-d", "SAML-D, on opaque:saml-d"},
    {"amlworld", "IBM AMLworld, accounts bank:account on opaque:amlworld"},
    {"amlsim", "IBM AMLSim transactions.csv on opaque:amlsim, time in days"},
    {"amlgentex", "AMLGentex transaction log on opaque:amlgentex, time in days"},
    {NULL, NULL},
};

#define ETHER .chain = "eip155:1", .decimals = 18

static const wr_preset PRESET[] = {
    {.name = "csv", .kind = WR_RECORD_CSV, .decimals = -1},
    {.name = "ndjson", .kind = WR_RECORD_JSON, .decimals = -1},
    {.name = "utxo", .kind = WR_RECORD_JSON, .chain = "BTC", .decimals = -1},
    {.name = "dumplings", .kind = WR_RECORD_DUMPLINGS, .chain = "BTC", .decimals = -1},
    {.name = "etherscan-internal",
     ETHER,
     .is_rounding = true,
     .position_rule = WR_POSITION_DERIVED,
     .quirks = WR_QUIRK_HEADER_ASSET | WR_QUIRK_THOUSANDS,
     .column = ETHERSCAN_INTERNAL},
    {.name = "etherscan",
     ETHER,
     .is_rounding = true,
     .quirks = WR_QUIRK_HEADER_ASSET | WR_QUIRK_THOUSANDS,
     .column = ETHERSCAN},
    {.name = "etherscan-token",
     ETHER,
     .is_rounding = true,
     .position_rule = WR_POSITION_DERIVED,
     .quirks = WR_QUIRK_THOUSANDS,
     .column = ETHERSCAN_TOKEN},
    {.name = "blockscout", ETHER, .column = BLOCKSCOUT},
    {.name = "eth",
     ETHER,
     .is_rounding = true,
     .position_rule = WR_POSITION_DERIVED,
     .quirks = WR_QUIRK_DOUBLES,
     .column = ETH,
     .is_open = true},
    {.name = "mftracer",
     .chain = "eip155:1",
     .asset = "USD",
     .decimals = 6,
     .is_rounding = true,
     .position_rule = WR_POSITION_DERIVED,
     .column = MFTRACER},
    {.name = "saml-d",
     .chain = "opaque:saml-d",
     .decimals = 2,
     .is_rounding = true,
     .column = SAML_D},
    {.name = "amlworld",
     .chain = "opaque:amlworld",
     .decimals = 8,
     .is_rounding = true,
     .column = AMLWORLD},
    {.name = "amlsim",
     .chain = "opaque:amlsim",
     .decimals = 2,
     .is_rounding = true,
     .time_unit = WR_TIME_STEPS,
     .column = AMLSIM},
    {.name = "amlgentex",
     .chain = "opaque:amlgentex",
     .decimals = 6,
     .is_rounding = true,
     .time_unit = WR_TIME_STEPS,
     .quirks = WR_QUIRK_SOURCE_SINK,
     .column = AMLGENTEX},
};
enum { PRESET_COUNT = sizeof PRESET / sizeof *PRESET };

const wr_transfer_format *wr_transfer_formats(void)
{
    return FORMAT;
}

const wr_preset *wr_preset_find(const char *name)
{
    for (size_t i = 0; i < PRESET_COUNT; i++)
        if (strcmp(PRESET[i].name, name) == 0)
            return &PRESET[i];
    return NULL;
}

bool wr_name_is(wr_text name, const char *wanted)
{
    char plain[WR_NAME_MAX + 1];
    wr_field_plain(plain, name);
    size_t len = strlen(wanted);
    if (len && wanted[len - 1] == '*')
        return strncmp(plain, wanted, len - 1) == 0;
    return strcmp(plain, wanted) == 0;
}

static bool has_signs(const wr_preset *p, const wr_text *name, uint32_t count)
{
    bool has_all = p->column != NULL;
    for (const wr_preset_column *c = p->column; has_all && c->plain; c++) {
        bool is_there = !c->is_sign;
        for (uint32_t i = 0; i < count && !is_there; i++)
            is_there = wr_name_is(name[i], c->plain);
        has_all = is_there;
    }
    return has_all;
}

const wr_preset *wr_preset_of_header(const wr_text *name, uint32_t count)
{
    for (size_t i = 0; i < PRESET_COUNT; i++)
        if (has_signs(&PRESET[i], name, count))
            return &PRESET[i];
    return wr_preset_find("csv");
}
