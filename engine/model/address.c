#include "model/address.h"

#include <assert.h>
#include <stdio.h>

#include "model/address_int.h"

enum { QUOTE_MAX = 60, EVM_HEX = 40, EVM_LEN = 2 + EVM_HEX };

static wr_status refuse(wr_err *err, const wr_chain *chain, wr_text t, const char *why)
{
    if (t.len == 0)
        return wr_fail(err, WR_EPARSE, "address is empty");
    return wr_fail(err, WR_EPARSE, "address '%s' on %s: %s",
                   wr_text_quote(t, QUOTE_MAX).s, chain->id, why);
}

static const char wrong_checksum[] = "wrong checksum";
static const char wrong_alphabet[] = "a character outside the alphabet";
static const char wrong_length[] = "wrong length";
static const char wrong_network[] = "prefix of another network or kind";

/* Per byte of a word: top bit set where the byte is at least n; bytes are below 0x80. */
static uint64_t bytes_from(uint64_t bytes, uint64_t n)
{
    const uint64_t ones = 0x0101010101010101ULL;
    return bytes + (0x80 - n) * ones;
}

enum { SEEN_LOWER = 1, SEEN_UPPER = 2 };

/*
 * Hex in lower case, eight characters at a time: out [len], len a multiple of 8.  Returns
 * the kinds of letters seen, or -1 with a wrong character.  Setting bit 0x20 lowers a
 * letter and leaves a digit as it is.
 */
static int lower_hex(char *out, const char *p, size_t len)
{
    const uint64_t tops = 0x8080808080808080ULL;
    const uint64_t case_bits = 0x2020202020202020ULL;
    uint64_t lower_seen = 0;
    uint64_t upper_seen = 0;
    uint64_t wrong = 0;
    assert(len % 8 == 0);
    for (size_t i = 0; i < len; i += 8) {
        uint64_t word;
        memcpy(&word, p + i, sizeof word);
        uint64_t low7 = word & ~tops;
        uint64_t lowered = low7 | case_bits;
        uint64_t digits = bytes_from(low7, '0') & ~bytes_from(low7, '9' + 1);
        uint64_t letters =
            bytes_from(lowered, 'a') & ~bytes_from(lowered, 'f' + 1) & tops;
        uint64_t is_low = (word & case_bits) << 2;
        wrong |= (~(digits | letters) | word) & tops;
        lower_seen |= letters & is_low;
        upper_seen |= letters & ~is_low;
        memcpy(out + i, &lowered, sizeof lowered);
    }
    if (wrong)
        return -1;
    return (lower_seen ? SEEN_LOWER : 0) | (upper_seen ? SEEN_UPPER : 0);
}

/* EIP-55: a letter is upper case where the hash of the lower-case text has a nibble >= 8.
 */
static bool has_eip55_case(const char *mixed, const char *lower)
{
    uint8_t hash[32];
    wr_keccak256(hash, lower, EVM_HEX);
    for (unsigned i = 0; i < EVM_HEX; i++) {
        unsigned nibble = i % 2 ? hash[i / 2] & 15u : hash[i / 2] >> 4;
        bool is_letter = lower[i] >= 'a';
        bool is_upper = mixed[i] != lower[i];
        if (is_letter && is_upper != (nibble >= 8))
            return false;
    }
    return true;
}

static wr_status evm(char *out, size_t *len, const wr_chain *chain, wr_text t,
                     wr_err *err)
{
    if (t.len < 2 || t.p[0] != '0' || t.p[1] != 'x')
        return refuse(err, chain, t, "does not begin with 0x");
    if (t.len != EVM_LEN)
        return refuse(err, chain, t, wrong_length);
    char lower[EVM_HEX];
    int seen = lower_hex(lower, t.p + 2, EVM_HEX);
    if (seen < 0)
        return refuse(err, chain, t, wrong_alphabet);
    if (seen == (SEEN_LOWER | SEEN_UPPER) && !has_eip55_case(t.p + 2, lower))
        return refuse(err, chain, t, "wrong checksum (EIP-55)");
    out[0] = '0';
    out[1] = 'x';
    memcpy(out + 2, lower, EVM_HEX);
    out[EVM_LEN] = '\0';
    *len = EVM_LEN;
    return WR_OK;
}

static void copy_out(char *out, size_t *len, wr_text t)
{
    memcpy(out, t.p, t.len);
    out[t.len] = '\0';
    *len = t.len;
}

/* Base58check bytes with the checksum held; NULL or what is wrong. */
static const char *read_base58check(uint8_t *bytes, int *count, wr_text t)
{
    enum { SHORTEST = 5, LONGEST = 59 };
    int n = wr_base58_decode(bytes, LONGEST, t);
    if (n == -1)
        return wrong_alphabet;
    if (n < SHORTEST)
        return wrong_length;
    if (!wr_base58_check(bytes, (size_t)n))
        return wrong_checksum;
    *count = n;
    return NULL;
}

static size_t put_version(uint8_t *bytes, const wr_utxo_rule *rule, unsigned version)
{
    if (rule->version_bytes == 1) {
        bytes[0] = (uint8_t)version;
        return 1;
    }
    bytes[0] = (uint8_t)(version >> 8);
    bytes[1] = (uint8_t)version;
    return 2;
}

static wr_status utxo_base58(char *out, size_t *len, const wr_chain *chain, wr_text t,
                             wr_err *err)
{
    const wr_utxo_rule *rule = chain->rule;
    uint8_t bytes[WR_BASE58_BYTES_MAX];
    int n;
    const char *why = read_base58check(bytes, &n, t);
    if (why)
        return refuse(err, chain, t, why);
    unsigned version = rule->version_bytes == 1 ? bytes[0] : bytes[0] * 256u + bytes[1];
    bool is_old = rule->p2sh_old != 0 && version == rule->p2sh_old;
    if (version != rule->p2pkh && version != rule->p2sh && !is_old)
        return refuse(err, chain, t, wrong_network);
    int hash_bytes = n - rule->version_bytes - 4;
    bool is_long = chain->address_kind == WR_ADDRESS_CASHADDR && version == rule->p2sh &&
                   hash_bytes == WR_HASH_BYTES_MAX; /* P2SH32 */
    if (hash_bytes != 20 && !is_long)
        return refuse(err, chain, t, wrong_length);
    if (is_old) {
        (void)put_version(bytes, rule, rule->p2sh);
        *len = wr_base58_encode(out, bytes, wr_base58_seal(bytes, (size_t)n - 4));
    } else {
        copy_out(out, len, t);
    }
    return WR_OK;
}

static const char *fault_text(wr_bech32_fault fault)
{
    static const char *const text[] = {
        [WR_BECH32_OK] = "",
        [WR_BECH32_CASE] = "upper and lower case mixed",
        [WR_BECH32_ALPHABET] = wrong_alphabet,
        [WR_BECH32_LENGTH] = wrong_length,
        [WR_BECH32_CHECKSUM] = wrong_checksum,
        [WR_BECH32_VERSION] = "unknown version or type",
        [WR_BECH32_PROGRAM] = "wrong length of its hash",
        [WR_BECH32_PADDING] = "padding is not zero",
    };
    return text[fault];
}

static bool begins_with(wr_text t, const char *lower, char mark)
{
    uint32_t i = 0;
    for (; lower[i]; i++)
        if (i >= t.len || (t.p[i] | 0x20) != lower[i])
            return false;
    return i < t.len && t.p[i] == mark;
}

static wr_status bitcoin(char *out, size_t *len, const wr_chain *chain, wr_text t,
                         wr_err *err)
{
    static const char *const segwit[] = {"bc", "tb", "bcrt", "ltc", "tltc", "btg", "dgb"};
    const wr_utxo_rule *rule = chain->rule;
    if (rule->hrp && begins_with(t, rule->hrp, '1')) {
        wr_bech32_fault fault = wr_segwit_canonical(out, rule->hrp, t);
        if (fault != WR_BECH32_OK)
            return refuse(err, chain, t, fault_text(fault));
        *len = t.len;
        return WR_OK;
    }
    for (size_t i = 0; i < sizeof segwit / sizeof *segwit; i++)
        if (begins_with(t, segwit[i], '1'))
            return refuse(err, chain, t, wrong_network);
    return utxo_base58(out, len, chain, t, err);
}

/*
 * The old spelling?  A CashAddr without its prefix begins with its type, one of q p z r;
 * base58 rarely does, and then its checksum decides.
 */
static bool is_legacy(wr_text t)
{
    uint8_t bytes[WR_BASE58_BYTES_MAX];
    int n;
    if (t.len == 0 || memchr(t.p, ':', t.len))
        return false;
    return !strchr("qpzr", t.p[0] | 0x20) || !read_base58check(bytes, &n, t);
}

static wr_status cashaddr(char *out, size_t *len, const wr_chain *chain, wr_text t,
                          wr_err *err)
{
    const wr_utxo_rule *rule = chain->rule;
    if (is_legacy(t))
        return utxo_base58(out, len, chain, t, err);
    if (begins_with(t, "bchtest", ':') || begins_with(t, "bchreg", ':'))
        return refuse(err, chain, t, wrong_network);
    uint8_t hash[WR_HASH_BYTES_MAX];
    size_t hash_len;
    bool is_script;
    wr_bech32_fault fault =
        wr_cashaddr_decode(hash, &hash_len, &is_script, rule->cash_prefix, t);
    if (fault != WR_BECH32_OK)
        return refuse(err, chain, t, fault_text(fault));
    uint8_t bytes[WR_BASE58_BYTES_MAX];
    size_t n = put_version(bytes, rule, is_script ? rule->p2sh : rule->p2pkh);
    memcpy(bytes + n, hash, hash_len);
    *len = wr_base58_encode(out, bytes, wr_base58_seal(bytes, n + hash_len));
    return WR_OK;
}

/* Tron (version 0x41), and chains of which only base58check is known (any version). */
static wr_status base58check(char *out, size_t *len, const wr_chain *chain, wr_text t,
                             wr_err *err)
{
    enum { TRON_VERSION = 0x41, HASHED = 1 + 20 + 4, LONGEST = 2 + 32 + 4 };
    bool is_tron = chain->address_kind == WR_ADDRESS_TRON;
    uint8_t bytes[WR_BASE58_BYTES_MAX];
    int n;
    const char *why = read_base58check(bytes, &n, t);
    if (!why && (n < HASHED || n > (is_tron ? HASHED : LONGEST)))
        why = wrong_length;
    if (!why && is_tron && bytes[0] != TRON_VERSION)
        why = wrong_network;
    if (why)
        return refuse(err, chain, t, why);
    copy_out(out, len, t);
    return WR_OK;
}

static wr_status solana(char *out, size_t *len, const wr_chain *chain, wr_text t,
                        wr_err *err)
{
    enum { KEY_BYTES = 32 };
    uint8_t bytes[WR_BASE58_BYTES_MAX];
    int n = wr_base58_decode(bytes, KEY_BYTES, t);
    if (n != KEY_BYTES)
        return refuse(err, chain, t, n == -1 ? wrong_alphabet : wrong_length);
    copy_out(out, len, t);
    return WR_OK;
}

/* NULL, or why t is not one line of readable text without blanks at its ends. */
static const char *unreadable(wr_text t, uint32_t max)
{
    if (t.len > max)
        return wrong_length;
    if (t.p[0] == ' ' || t.p[t.len - 1] == ' ')
        return "a blank at an end";
    for (uint32_t i = 0; i < t.len;) {
        int step = wr_utf8_step(t.p + i, t.len - i);
        unsigned char ch = (unsigned char)t.p[i];
        if (step < 0)
            return "invalid UTF-8";
        bool is_c1 = step == 2 && ch == 0xC2 && (unsigned char)t.p[i + 1] < 0xA0;
        bool is_break = step == 3 && memcmp(t.p + i, "\xE2\x80", 2) == 0 &&
                        ((unsigned char)t.p[i + 2] & 0xFE) == 0xA8; /* U+2028, U+2029 */
        if (ch < ' ' || ch == 0x7F || is_c1 || is_break)
            return "a control character";
        i += (uint32_t)step;
    }
    return NULL;
}

static wr_status opaque(char *out, size_t *len, const wr_chain *chain, wr_text t,
                        wr_err *err)
{
    const char *why = t.len ? unreadable(t, WR_ADDRESS_MAX) : wrong_length;
    if (!why && wr_address_is_hub(t))
        why = "tx: is kept for transactions";
    if (why)
        return refuse(err, chain, t, why);
    copy_out(out, len, t);
    return WR_OK;
}

/* CAIP-10's alphabet and '_' (TON's base64url). */
static wr_status plain(char *out, size_t *len, const wr_chain *chain, wr_text t,
                       wr_err *err)
{
    if (t.len == 0 || t.len > WR_ADDRESS_MAX)
        return refuse(err, chain, t, wrong_length);
    for (uint32_t i = 0; i < t.len; i++) {
        char ch = t.p[i];
        bool is_letter = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z');
        bool is_digit = ch >= '0' && ch <= '9';
        if (!is_letter && !is_digit && ch != '-' && ch != '.' && ch != '%' && ch != '_')
            return refuse(err, chain, t, wrong_alphabet);
    }
    copy_out(out, len, t);
    return WR_OK;
}

wr_status wr_address_canonical(char *out, size_t *len, const wr_chain *chain, wr_text t,
                               wr_err *err)
{
    size_t unused;
    size_t *n = len ? len : &unused;
    switch (chain->address_kind) {
    case WR_ADDRESS_EVM:
        return evm(out, n, chain, t, err);
    case WR_ADDRESS_BITCOIN:
        return bitcoin(out, n, chain, t, err);
    case WR_ADDRESS_CASHADDR:
        return cashaddr(out, n, chain, t, err);
    case WR_ADDRESS_TRON:
    case WR_ADDRESS_BASE58:
        return base58check(out, n, chain, t, err);
    case WR_ADDRESS_SOLANA:
        return solana(out, n, chain, t, err);
    case WR_ADDRESS_PLAIN:
        return plain(out, n, chain, t, err);
    case WR_ADDRESS_OPAQUE:
        return opaque(out, n, chain, t, err);
    }
    return wr_fail(err, WR_EINVAL, "chain %s has no address rule", chain->id);
}

wr_status wr_address_parse_caip10(const wr_chain **chain, char *out, size_t *len,
                                  wr_text t, wr_err *err)
{
    const char *first = t.p ? memchr(t.p, ':', t.len) : NULL;
    const char *second = NULL;
    if (first)
        second = memchr(first + 1, ':', (size_t)(t.p + t.len - first - 1));
    if (!second)
        return wr_fail(err, WR_EPARSE, "'%s' is not namespace:reference:address",
                       wr_text_quote(t, QUOTE_MAX).s);
    wr_text id = {.p = t.p, .len = (uint32_t)(second - t.p)};
    wr_text address = {.p = second + 1, .len = t.len - id.len - 1};
    const wr_chain *found;
    WR_TRY(wr_chain_find(&found, id, err));
    WR_TRY(wr_address_canonical(out, len, found, address, err));
    *chain = found;
    return WR_OK;
}

void wr_address_caip10(char *out, const wr_chain *chain, wr_text address)
{
    (void)snprintf(out, WR_CAIP10_MAX + 1, "%s:%.*s", chain->id, WR_TEXT_ARG(address));
}

static const char hub_prefix[] = "tx:";
enum { HUB_PREFIX_LEN = sizeof hub_prefix - 1 };

void wr_address_hub(char *out, wr_text tx_hash)
{
    assert(tx_hash.len <= WR_ADDRESS_MAX - HUB_PREFIX_LEN);
    memcpy(out, hub_prefix, HUB_PREFIX_LEN);
    memcpy(out + HUB_PREFIX_LEN, tx_hash.p, tx_hash.len);
    out[HUB_PREFIX_LEN + tx_hash.len] = '\0';
}

bool wr_address_is_hub(wr_text address)
{
    return address.len > HUB_PREFIX_LEN &&
           memcmp(address.p, hub_prefix, HUB_PREFIX_LEN) == 0;
}

/* Canonical bech32 has no capital; its prefix is letters only, up to the first '1'.
 * Returns what all of one version share, 0 when it is no bech32. */
static uint32_t bech32_prefix(wr_text t)
{
    uint32_t one = 0;
    while (one < t.len && t.p[one] >= 'a' && t.p[one] <= 'z')
        one++;
    if (one < 2 || one + 1 >= t.len || t.p[one] != '1')
        return 0;
    for (uint32_t i = one; i < t.len; i++)
        if (t.p[i] >= 'A' && t.p[i] <= 'Z')
            return 0;
    return one + 2; /* and the character of the version */
}

static uint32_t shared_prefix(const wr_chain *chain, wr_text t)
{
    switch (chain->address_kind) {
    case WR_ADDRESS_EVM:
        return 2;
    case WR_ADDRESS_BITCOIN: {
        const uint32_t n = bech32_prefix(t);
        return n ? n : 1;
    }
    case WR_ADDRESS_CASHADDR: /* legacy base58 */
    case WR_ADDRESS_TRON:
    case WR_ADDRESS_BASE58:
        return 1;
    case WR_ADDRESS_OPAQUE:
    case WR_ADDRESS_SOLANA:
    case WR_ADDRESS_PLAIN:
        return 0;
    }
    return 0;
}

uint64_t wr_address_look(const wr_chain *chain, wr_text address)
{
    enum { SIDE = 4 };
    const uint32_t skip = shared_prefix(chain, address);
    if (wr_address_is_hub(address) || address.len < skip + 2 * SIDE)
        return 0;
    uint64_t look = 0;
    for (uint32_t i = 0; i < SIDE; i++)
        look = look << 8 | (uint8_t)address.p[skip + i];
    for (uint32_t i = 0; i < SIDE; i++)
        look = look << 8 | (uint8_t)address.p[address.len - SIDE + i];
    return look;
}

static wr_status refuse_hash(wr_err *err, const wr_chain *chain, wr_text t,
                             const char *why)
{
    if (t.len == 0)
        return wr_fail(err, WR_EPARSE, "transaction hash is empty");
    return wr_fail(err, WR_EPARSE, "transaction hash '%s' on %s: %s",
                   wr_text_quote(t, QUOTE_MAX).s, chain->id, why);
}

wr_status wr_tx_hash_canonical(char *out, size_t *len, const wr_chain *chain, wr_text t,
                               wr_err *err)
{
    enum { HASH_HEX = 64, SIGNATURE_BYTES = 64 };
    size_t unused;
    size_t *n = len ? len : &unused;
    wr_address_kind kind = chain->address_kind;
    if (t.len == 0)
        return refuse_hash(err, chain, t, wrong_length);
    if (kind == WR_ADDRESS_OPAQUE || kind == WR_ADDRESS_PLAIN) {
        const char *why = unreadable(t, WR_TX_HASH_MAX);
        if (why)
            return refuse_hash(err, chain, t, why);
        copy_out(out, n, t);
        return WR_OK;
    }
    if (kind == WR_ADDRESS_SOLANA) {
        uint8_t bytes[SIGNATURE_BYTES];
        int got = wr_base58_decode(bytes, SIGNATURE_BYTES, t);
        if (got != SIGNATURE_BYTES)
            return refuse_hash(err, chain, t, got == -1 ? wrong_alphabet : wrong_length);
        copy_out(out, n, t);
        return WR_OK;
    }
    bool has_0x = t.len > 2 && t.p[0] == '0' && (t.p[1] == 'x' || t.p[1] == 'X');
    wr_text hex = {.p = t.p + (has_0x ? 2 : 0), .len = t.len - (has_0x ? 2u : 0u)};
    if (hex.len != HASH_HEX)
        return refuse_hash(err, chain, t, wrong_length);
    char lower[HASH_HEX];
    if (lower_hex(lower, hex.p, HASH_HEX) < 0)
        return refuse_hash(err, chain, t, wrong_alphabet);
    copy_out(out, n, (wr_text){.p = lower, .len = HASH_HEX});
    return WR_OK;
}
