/* Segwit addresses (BIP-173, BIP-350) and CashAddr: the same alphabet of 32 characters
 * under two different checksums. */
#include <string.h>

#include "model/address_int.h"

enum { SEGWIT_MAX = 90, CASH_MAX = 112, SUM_SEGWIT = 6, SUM_CASH = 8 };

/* Value of a character plus one; 0 = none.  Both cases: case is checked apart. */
static const uint8_t value_plus1[256] = {
    ['q'] = 1,  ['p'] = 2,  ['z'] = 3,  ['r'] = 4,  ['y'] = 5,  ['9'] = 6,  ['x'] = 7,
    ['8'] = 8,  ['g'] = 9,  ['f'] = 10, ['2'] = 11, ['t'] = 12, ['v'] = 13, ['d'] = 14,
    ['w'] = 15, ['0'] = 16, ['s'] = 17, ['3'] = 18, ['j'] = 19, ['n'] = 20, ['5'] = 21,
    ['4'] = 22, ['k'] = 23, ['h'] = 24, ['c'] = 25, ['e'] = 26, ['6'] = 27, ['m'] = 28,
    ['u'] = 29, ['a'] = 30, ['7'] = 31, ['l'] = 32, ['Q'] = 1,  ['P'] = 2,  ['Z'] = 3,
    ['R'] = 4,  ['Y'] = 5,  ['X'] = 7,  ['G'] = 9,  ['F'] = 10, ['T'] = 12, ['V'] = 13,
    ['D'] = 14, ['W'] = 15, ['S'] = 17, ['J'] = 19, ['N'] = 20, ['K'] = 23, ['H'] = 24,
    ['C'] = 25, ['E'] = 26, ['M'] = 28, ['U'] = 29, ['A'] = 30, ['L'] = 32,
};

static bool is_mixed_case(wr_text t)
{
    bool has_upper = false;
    bool has_lower = false;
    for (uint32_t i = 0; i < t.len; i++) {
        has_upper = has_upper || (t.p[i] >= 'A' && t.p[i] <= 'Z');
        has_lower = has_lower || (t.p[i] >= 'a' && t.p[i] <= 'z');
    }
    return has_upper && has_lower;
}

static char to_lower(char ch)
{
    return (char)(ch >= 'A' && ch <= 'Z' ? ch - 'A' + 'a' : ch);
}

/* Characters to 5-bit values; false = one is outside the alphabet. */
static bool read_values(uint8_t *out, const char *p, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        uint8_t v = value_plus1[(unsigned char)p[i]];
        if (v == 0)
            return false;
        out[i] = (uint8_t)(v - 1);
    }
    return true;
}

/* 5-bit groups to bytes, at most max; -1 = too many, or a padding that is not < 5 zeros.
 */
static int to_bytes(uint8_t *out, size_t max, const uint8_t *group, size_t len)
{
    unsigned bits = 0;
    unsigned held = 0;
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        bits = (bits << 5 | group[i]) & 0xFFF;
        held += 5;
        if (held < 8)
            continue;
        if (n == max)
            return -1;
        held -= 8;
        out[n++] = (uint8_t)(bits >> held);
    }
    if (held >= 5 || (bits & ((1u << held) - 1)) != 0)
        return -1;
    return (int)n;
}

static uint32_t segwit_step(uint32_t c, uint8_t v)
{
    static const uint32_t generator[5] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd,
                                          0x2a1462b3};
    uint32_t top = c >> 25;
    c = (c & 0x1ffffff) << 5 ^ v;
    for (unsigned i = 0; i < 5; i++)
        c ^= (top >> i & 1) ? generator[i] : 0;
    return c;
}

static uint32_t segwit_sum(const char *hrp, const uint8_t *group, size_t len)
{
    uint32_t c = 1;
    for (const char *p = hrp; *p; p++)
        c = segwit_step(c, (uint8_t)((unsigned char)*p >> 5));
    c = segwit_step(c, 0);
    for (const char *p = hrp; *p; p++)
        c = segwit_step(c, (uint8_t)(*p & 31));
    for (size_t i = 0; i < len; i++)
        c = segwit_step(c, group[i]);
    return c;
}

wr_bech32_fault wr_segwit_canonical(char *out, const char *hrp, wr_text t)
{
    enum { BECH32 = 1, BECH32M = 0x2bc830a3, PROGRAM_MAX = 40, VERSION_MAX = 16 };
    size_t skip = strlen(hrp) + 1; /* the caller has seen hrp and the '1' */
    if (t.len > SEGWIT_MAX || t.len < skip + 1 + SUM_SEGWIT)
        return WR_BECH32_LENGTH;
    if (is_mixed_case(t))
        return WR_BECH32_CASE;
    uint8_t group[SEGWIT_MAX];
    size_t len = t.len - skip;
    if (!read_values(group, t.p + skip, len))
        return WR_BECH32_ALPHABET;
    if (segwit_sum(hrp, group, len) != (group[0] == 0 ? BECH32 : BECH32M))
        return WR_BECH32_CHECKSUM;
    if (group[0] > VERSION_MAX)
        return WR_BECH32_VERSION;
    uint8_t program[SEGWIT_MAX];
    int bytes = to_bytes(program, sizeof program, group + 1, len - 1 - SUM_SEGWIT);
    if (bytes < 0)
        return WR_BECH32_PADDING;
    if (bytes < 2 || bytes > PROGRAM_MAX || (group[0] == 0 && bytes != 20 && bytes != 32))
        return WR_BECH32_PROGRAM;
    for (uint32_t i = 0; i < t.len; i++)
        out[i] = to_lower(t.p[i]);
    out[t.len] = '\0';
    return WR_BECH32_OK;
}

static uint64_t cash_step(uint64_t c, uint8_t v)
{
    static const uint64_t generator[5] = {0x98f2bc8e61, 0x79b76d99e2, 0xf33e5fb3c4,
                                          0xae2eabe2a8, 0x1e4f43e470};
    uint64_t top = c >> 35;
    c = (c & 0x07ffffffff) << 5 ^ v;
    for (unsigned i = 0; i < 5; i++)
        c ^= (top >> i & 1) ? generator[i] : 0;
    return c;
}

static uint64_t cash_sum(const char *prefix, const uint8_t *group, size_t len)
{
    uint64_t c = 1;
    for (const char *p = prefix; *p; p++)
        c = cash_step(c, (uint8_t)(*p & 31));
    c = cash_step(c, 0);
    for (size_t i = 0; i < len; i++)
        c = cash_step(c, group[i]);
    return c ^ 1;
}

wr_bech32_fault wr_cashaddr_decode(uint8_t *hash, size_t *hash_len, bool *is_script,
                                   const char *prefix, wr_text t)
{
    enum { TYPE_SCRIPT = 1, TYPE_TOKEN = 2, SIZE_20 = 0, SIZE_32 = 3 };
    if (is_mixed_case(t))
        return WR_BECH32_CASE;
    size_t skip = strlen(prefix) + 1;
    bool has_prefix = t.len > skip && t.p[skip - 1] == ':';
    for (size_t i = 0; has_prefix && i < skip - 1; i++)
        has_prefix = to_lower(t.p[i]) == prefix[i];
    const char *p = has_prefix ? t.p + skip : t.p;
    size_t len = has_prefix ? t.len - skip : t.len;
    uint8_t group[CASH_MAX];
    if (len > CASH_MAX || len < SUM_CASH + 2)
        return WR_BECH32_LENGTH;
    if (!read_values(group, p, len))
        return WR_BECH32_ALPHABET;
    if (cash_sum(prefix, group, len) != 0)
        return WR_BECH32_CHECKSUM;
    uint8_t bytes[CASH_MAX];
    int n = to_bytes(bytes, sizeof bytes, group, len - SUM_CASH);
    if (n < 1)
        return WR_BECH32_PADDING;
    unsigned type = bytes[0] >> 3;
    unsigned size = bytes[0] & 7;
    if (type > (TYPE_TOKEN | TYPE_SCRIPT)) /* also the reserved top bit */
        return WR_BECH32_VERSION;
    size_t want = size == SIZE_20 ? 20 : 32;
    bool is_for_script = (type & TYPE_SCRIPT) != 0;
    if ((size != SIZE_20 && !(size == SIZE_32 && is_for_script)) || (size_t)n != 1 + want)
        return WR_BECH32_PROGRAM; /* a key hash has 20 bytes, a script's 20 or 32 */
    memcpy(hash, bytes + 1, want);
    *hash_len = want;
    *is_script = is_for_script;
    return WR_BECH32_OK;
}
