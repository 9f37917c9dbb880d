#include "codec/preset_int.h"

static const wr_preset_column SAML_D[] = {
    {"date", WR_F_TIME},          {"time", WR_F_CLOCK},   {"senderaccount", WR_F_FROM},
    {"receiveraccount", WR_F_TO}, {"amount", WR_F_VALUE}, {"paymentcurrency", WR_F_ASSET},
    {"paymenttype", WR_F_MEMO},   {NULL, WR_F_NONE},
};
static const char *const SAML_D_SIGN[] = {
    "time", "date", "senderaccount", "receiveraccount", "paymentcurrency", NULL};

/* The raw file names two columns "Account"; flattened ones have names of their own. */
static const wr_preset_column AMLWORLD[] = {
    {"timestamp", WR_F_TIME},       {"frombank", WR_F_FROM_BANK},
    {"frombankid", WR_F_FROM_BANK}, {"account", WR_F_FROM},
    {"fromaccount", WR_F_FROM},     {"fromaccountid", WR_F_FROM},
    {"tobank", WR_F_TO_BANK},       {"tobankid", WR_F_TO_BANK},
    {"account", WR_F_TO},           {"account1", WR_F_TO},
    {"toaccount", WR_F_TO},         {"toaccountid", WR_F_TO},
    {"amountpaid", WR_F_VALUE},     {"paymentcurrency", WR_F_ASSET},
    {"paymentformat", WR_F_MEMO},   {NULL, WR_F_NONE},
};
static const char *const AMLWORLD_SIGN[] = {"timestamp", "amountpaid", "paymentcurrency",
                                            "paymentformat", NULL};

static const wr_preset_column AMLSIM[] = {
    {"sourcenodeid", WR_F_FROM}, {"targetnodeid", WR_F_TO}, {"value", WR_F_VALUE},
    {"time", WR_F_TIME},         {NULL, WR_F_NONE},
};
static const char *const AMLSIM_SIGN[] = {"sourcenodeid", "targetnodeid", "value", "time",
                                          NULL};

static const wr_preset_column AMLGENTEX[] = {
    {"step", WR_F_TIME},    {"nameorig", WR_F_FROM}, {"namedest", WR_F_TO},
    {"amount", WR_F_VALUE}, {"type", WR_F_MEMO},     {NULL, WR_F_NONE},
};
static const char *const AMLGENTEX_SIGN[] = {"step",     "type",     "amount",
                                             "nameorig", "namedest", NULL};

/* A transaction moves its own value once, so position 0 is right. */
static const wr_preset_column ETHERSCAN[] = {
    {"transactionhash", WR_F_TX_HASH},
    {"txhash", WR_F_TX_HASH},
    {"blockno", WR_F_BLOCK},
    {"unixtimestamp", WR_F_TIME},
    {"from", WR_F_FROM},
    {"to", WR_F_TO},
    {"contractaddress", WR_F_CONTRACT},
    {"valuein*", WR_F_VALUE_IN},
    {"valueout*", WR_F_VALUE_OUT},
    {"status", WR_F_STATUS},
    {NULL, WR_F_NONE},
};
static const char *const ETHERSCAN_SIGN[] = {"blockno",  "unixtimestamp", "from",
                                             "valuein*", "valueout*",     NULL};

/* Internal transfers: ParentTxFrom/To are the outer call's, From/TxTo the transfer's. */
static const wr_preset_column ETHERSCAN_INTERNAL[] = {
    {"parenttxhash", WR_F_TX_HASH},
    {"transactionhash", WR_F_TX_HASH},
    {"txhash", WR_F_TX_HASH},
    {"blockno", WR_F_BLOCK},
    {"unixtimestamp", WR_F_TIME},
    {"from", WR_F_FROM},
    {"txto", WR_F_TO},
    {"to", WR_F_TO},
    {"contractaddress", WR_F_CONTRACT},
    {"valuein*", WR_F_VALUE_IN},
    {"valueout*", WR_F_VALUE_OUT},
    {"status", WR_F_STATUS},
    {NULL, WR_F_NONE},
};
static const char *const ETHERSCAN_INTERNAL_SIGN[] = {
    "blockno", "unixtimestamp", "parenttxfrom", "from", "valuein*", "valueout*", NULL};

static const wr_preset_column ETHERSCAN_TOKEN[] = {
    {"transactionhash", WR_F_TX_HASH},
    {"txhash", WR_F_TX_HASH},
    {"blockno", WR_F_BLOCK},
    {"unixtimestamp", WR_F_TIME},
    {"from", WR_F_FROM},
    {"to", WR_F_TO},
    {"tokenvalue", WR_F_VALUE},
    {"contractaddress", WR_F_ASSET},
    {NULL, WR_F_NONE},
};
static const char *const ETHERSCAN_TOKEN_SIGN[] = {
    "blockno", "unixtimestamp", "from", "to", "tokenvalue", "contractaddress", NULL};

static const wr_preset_column BLOCKSCOUT[] = {
    {"txhash", WR_F_TX_HASH},
    {"blocknumber", WR_F_BLOCK},
    {"unixtimestamp", WR_F_TIME},
    {"fromaddress", WR_F_FROM},
    {"toaddress", WR_F_TO},
    {"contractaddress", WR_F_CONTRACT},
    {"value", WR_F_AMOUNT},
    {"status", WR_F_STATUS},
    {NULL, WR_F_NONE},
};
static const char *const BLOCKSCOUT_SIGN[] = {
    "txhash", "blocknumber", "unixtimestamp", "fromaddress", "toaddress", "value", NULL};

static const wr_preset_column MFTRACER[] = {
    {"timestamp", WR_F_TIME}, {"block", WR_F_BLOCK}, {"txhash", WR_F_TX_HASH},
    {"from", WR_F_FROM},      {"to", WR_F_TO},       {"valueinusd", WR_F_VALUE_USD},
    {NULL, WR_F_NONE},
};
static const char *const MFTRACER_SIGN[] = {"timestamp", "txhash",     "from",
                                            "to",        "valueinusd", NULL};

static const char *const ETH_SIGN[] = {"from", "to", "valueeth", NULL};

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

static const wr_preset PRESET[] = {
    {.name = "csv", .kind = WR_RECORD_CSV, .decimals = -1},
    {.name = "ndjson", .kind = WR_RECORD_JSON, .decimals = -1},
    {.name = "utxo", .kind = WR_RECORD_JSON, .chain = "BTC", .decimals = -1},
    {.name = "dumplings", .kind = WR_RECORD_DUMPLINGS, .chain = "BTC", .decimals = -1},
    {.name = "etherscan-internal",
     .chain = "eip155:1",
     .decimals = 18,
     .is_rounding = true,
     .position_rule = WR_POSITION_DERIVED,
     .quirks = WR_QUIRK_HEADER_ASSET | WR_QUIRK_THOUSANDS,
     .column = ETHERSCAN_INTERNAL,
     .sign = ETHERSCAN_INTERNAL_SIGN},
    {.name = "etherscan",
     .chain = "eip155:1",
     .decimals = 18,
     .is_rounding = true,
     .quirks = WR_QUIRK_HEADER_ASSET | WR_QUIRK_THOUSANDS,
     .column = ETHERSCAN,
     .sign = ETHERSCAN_SIGN},
    {.name = "etherscan-token",
     .chain = "eip155:1",
     .decimals = 18,
     .is_rounding = true,
     .position_rule = WR_POSITION_DERIVED,
     .quirks = WR_QUIRK_THOUSANDS,
     .column = ETHERSCAN_TOKEN,
     .sign = ETHERSCAN_TOKEN_SIGN},
    {.name = "blockscout",
     .chain = "eip155:1",
     .decimals = 18,
     .column = BLOCKSCOUT,
     .sign = BLOCKSCOUT_SIGN},
    {.name = "eth",
     .chain = "eip155:1",
     .decimals = 18,
     .is_rounding = true,
     .position_rule = WR_POSITION_DERIVED,
     .quirks = WR_QUIRK_DOUBLES,
     .sign = ETH_SIGN},
    {.name = "mftracer",
     .chain = "eip155:1",
     .asset = "USD",
     .decimals = 6,
     .is_rounding = true,
     .position_rule = WR_POSITION_DERIVED,
     .column = MFTRACER,
     .sign = MFTRACER_SIGN},
    {.name = "saml-d",
     .chain = "opaque:saml-d",
     .decimals = 2,
     .is_rounding = true,
     .column = SAML_D,
     .sign = SAML_D_SIGN},
    {.name = "amlworld",
     .chain = "opaque:amlworld",
     .decimals = 8,
     .is_rounding = true,
     .column = AMLWORLD,
     .sign = AMLWORLD_SIGN},
    {.name = "amlsim",
     .chain = "opaque:amlsim",
     .decimals = 2,
     .is_rounding = true,
     .time_unit = WR_TIME_STEPS,
     .column = AMLSIM,
     .sign = AMLSIM_SIGN},
    {.name = "amlgentex",
     .chain = "opaque:amlgentex",
     .decimals = 6,
     .is_rounding = true,
     .time_unit = WR_TIME_STEPS,
     .quirks = WR_QUIRK_SOURCE_SINK,
     .column = AMLGENTEX,
     .sign = AMLGENTEX_SIGN},
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

static bool has_sign(const wr_preset *p, const wr_text *name, uint32_t count)
{
    if (!p->sign)
        return false;
    for (const char *const *s = p->sign; *s; s++) {
        bool is_there = false;
        for (uint32_t i = 0; i < count && !is_there; i++)
            is_there = wr_name_is(name[i], *s);
        if (!is_there)
            return false;
    }
    return true;
}

const wr_preset *wr_preset_of_header(const wr_text *name, uint32_t count)
{
    for (size_t i = 0; i < PRESET_COUNT; i++)
        if (has_sign(&PRESET[i], name, count))
            return &PRESET[i];
    return wr_preset_find("csv");
}
