#include "model/script.h"

#include <stdio.h>

#include "model/address_int.h"
#include "util/digest.h"

enum { /* script opcodes that standard forms are made of */
       OP_0 = 0x00,
       OP_1 = 0x51,
       OP_16 = 0x60,
       OP_RETURN = 0x6a,
       OP_DUP = 0x76,
       OP_EQUAL = 0x87,
       OP_EQUALVERIFY = 0x88,
       OP_HASH160 = 0xa9,
       OP_CHECKSIG = 0xac,
       HASH_LEN = 20,
       PROGRAM_MIN = 2,
       PROGRAM_MAX = 40
};

static const char charset[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/* BIP-173: the checksum is a BCH code over 5-bit groups. */
static uint32_t polymod(uint32_t sum, uint8_t group)
{
    static const uint32_t generator[5] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd,
                                          0x2a1462b3};
    const uint32_t top = sum >> 25;
    sum = (sum & 0x1ffffff) << 5 ^ group;
    for (unsigned i = 0; i < 5; i++)
        sum ^= (top >> i & 1) ? generator[i] : 0;
    return sum;
}

/* Version and program in groups of five bits; returns their number. */
static size_t to_groups(uint8_t *group, uint8_t version, const uint8_t *program,
                        size_t len)
{
    size_t n = 0;
    uint32_t bits = 0;
    unsigned held = 0;
    group[n++] = version;
    for (size_t i = 0; i < len; i++) {
        bits = (bits << 8 | program[i]) & 0xfff;
        for (held += 8; held >= 5; held -= 5)
            group[n++] = bits >> (held - 5) & 31;
    }
    if (held)
        group[n++] = (uint8_t)(bits << (5 - held) & 31);
    return n;
}

static void segwit(char *out, const char *hrp, uint8_t version, const uint8_t *program,
                   size_t len)
{
    uint8_t group[1 + (PROGRAM_MAX * 8 + 4) / 5];
    const size_t groups = to_groups(group, version, program, len);
    const size_t hrp_len = strlen(hrp);
    uint32_t sum = 1;
    for (size_t i = 0; i < hrp_len; i++)
        sum = polymod(sum, (uint8_t)hrp[i] >> 5);
    sum = polymod(sum, 0);
    for (size_t i = 0; i < hrp_len; i++)
        sum = polymod(sum, (uint8_t)hrp[i] & 31);
    char *p = out;
    for (size_t i = 0; i < hrp_len; i++)
        *p++ = hrp[i];
    *p++ = '1';
    for (size_t i = 0; i < groups; i++) {
        sum = polymod(sum, group[i]);
        *p++ = charset[group[i]];
    }
    for (unsigned i = 0; i < 6; i++)
        sum = polymod(sum, 0);
    sum ^= version ? 0x2bc830a3 : 1; /* bech32m from version 1 on */
    for (unsigned i = 0; i < 6; i++)
        *p++ = charset[sum >> (5 * (5 - i)) & 31];
    *p = '\0';
}

static void base58(char *out, const wr_utxo_rule *rule, unsigned version,
                   const uint8_t *hash)
{
    uint8_t bytes[WR_BASE58_BYTES_MAX];
    size_t n = 0;
    if (rule->version_bytes == 2)
        bytes[n++] = (uint8_t)(version >> 8);
    bytes[n++] = (uint8_t)version;
    memcpy(bytes + n, hash, HASH_LEN);
    (void)wr_base58_encode(out, bytes, wr_base58_seal(bytes, n + HASH_LEN));
}

/* The witness program's version 0..16, or -1. */
static int witness_version(const uint8_t *s, size_t len)
{
    if (len < 2 + PROGRAM_MIN || len > 2 + PROGRAM_MAX || s[1] != len - 2)
        return -1;
    if (s[0] == OP_0)
        return len == 2 + HASH_LEN || len == 2 + 32 ? 0 : -1;
    return s[0] >= OP_1 && s[0] <= OP_16 ? s[0] - OP_1 + 1 : -1;
}

static wr_status script_hash(char *out, const uint8_t *script, size_t len, wr_err *err)
{
    wr_digest d = {0};
    wr_digest_hex hex;
    WR_TRY(wr_digest_init(&d, err));
    wr_digest_add(&d, script, len);
    wr_digest_hex_of(&d, &hex);
    wr_digest_release(&d);
    if (!hex.s[0])
        return wr_fail(err, WR_ENOMEM, "no memory for the digest of a script");
    (void)snprintf(out, WR_ADDRESS_MAX + 1, "script:%s", hex.s);
    return WR_OK;
}

static bool has_scripts(const wr_chain *chain)
{
    return chain->address_kind == WR_ADDRESS_BITCOIN ||
           chain->address_kind == WR_ADDRESS_CASHADDR;
}

wr_status wr_script_address(char *out, wr_script_kind *kind, const wr_chain *chain,
                            const uint8_t *script, size_t len, wr_err *err)
{
    if (!has_scripts(chain))
        return wr_fail(err, WR_EINVAL, "addresses on %s are not made of scripts",
                       chain->id);
    const wr_utxo_rule *rule = chain->rule;
    const int version = rule->hrp ? witness_version(script, len) : -1;
    *kind = WR_SCRIPT_ADDRESS;
    if (len && script[0] == OP_RETURN) {
        *kind = WR_SCRIPT_DATA;
        out[0] = '\0';
    } else if (len == 25 && script[0] == OP_DUP && script[1] == OP_HASH160 &&
               script[2] == HASH_LEN && script[23] == OP_EQUALVERIFY &&
               script[24] == OP_CHECKSIG) {
        base58(out, rule, rule->p2pkh, script + 3);
    } else if (len == 23 && script[0] == OP_HASH160 && script[1] == HASH_LEN &&
               script[22] == OP_EQUAL) {
        base58(out, rule, rule->p2sh, script + 2);
    } else if (version >= 0) {
        segwit(out, rule->hrp, (uint8_t)version, script + 2, len - 2);
    } else {
        *kind = WR_SCRIPT_HASH;
        return script_hash(out, script, len, err);
    }
    return WR_OK;
}

bool wr_script_is_hash(const wr_chain *chain, wr_text t)
{
    static const char head[] = "script:";
    const uint32_t head_len = sizeof head - 1;
    if (!has_scripts(chain) || t.len != head_len + 64 || memcmp(t.p, head, head_len) != 0)
        return false;
    for (uint32_t i = head_len; i < t.len; i++)
        if (!((t.p[i] >= '0' && t.p[i] <= '9') || (t.p[i] >= 'a' && t.p[i] <= 'f')))
            return false;
    return true;
}
