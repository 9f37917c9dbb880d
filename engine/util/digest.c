#include "util/digest.h"

#include <assert.h>
#include <openssl/evp.h>
#include <string.h>

#include "util/mem.h"

enum { CHUNK = 1 << 20 };

/* ctx is freed and NULL once libcrypto failed; the digest then stays "" to its end. */
wr_status wr_digest_init(wr_digest *d, wr_err *err)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (!ctx || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1) {
        EVP_MD_CTX_free(ctx);
        return wr_fail(err, WR_ENOMEM, "digest: libcrypto has no memory for SHA-256");
    }
    d->ctx = ctx;
    return WR_OK;
}

void wr_digest_release(wr_digest *d)
{
    EVP_MD_CTX_free(d->ctx);
    d->ctx = NULL;
}

void wr_digest_add(wr_digest *d, const void *bytes, size_t len)
{
    if (d->ctx && EVP_DigestUpdate(d->ctx, bytes, len) != 1)
        wr_digest_release(d);
}

void wr_digest_add_u64(wr_digest *d, uint64_t v)
{
    uint8_t le[8];
    for (unsigned i = 0; i < 8; i++)
        le[i] = (uint8_t)(v >> (8 * i));
    wr_digest_add(d, le, sizeof le);
}

void wr_digest_add_f64(wr_digest *d, double v)
{
    assert(v == v); /* NaN has many bit patterns: nothing to prove anything with */
    double plain = v == 0.0 ? 0.0 : v;
    uint64_t bits;
    memcpy(&bits, &plain, sizeof bits);
    wr_digest_add_u64(d, bits);
}

void wr_digest_add_text(wr_digest *d, const char *s)
{
    size_t len = strlen(s);
    wr_digest_add_u64(d, len);
    wr_digest_add(d, s, len);
}

void wr_digest_hex_of(const wr_digest *d, wr_digest_hex *out)
{
    static const char hex[] = "0123456789abcdef";
    uint8_t raw[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    out->s[0] = '\0';
    EVP_MD_CTX *copy = d->ctx ? EVP_MD_CTX_new() : NULL;
    if (copy && EVP_MD_CTX_copy_ex(copy, d->ctx) == 1 &&
        EVP_DigestFinal_ex(copy, raw, &len) == 1 && len == WR_SHA256_BYTES) {
        for (size_t i = 0; i < WR_SHA256_BYTES; i++) {
            out->s[2 * i] = hex[raw[i] >> 4];
            out->s[2 * i + 1] = hex[raw[i] & 15];
        }
        out->s[WR_SHA256_HEX] = '\0';
    }
    EVP_MD_CTX_free(copy);
}

wr_status wr_digest_array(uint8_t out[WR_SHA256_BYTES], const void *bytes, size_t len,
                          wr_err *err)
{
    const uint8_t *p = bytes;
    size_t nchunk = len / CHUNK + (len % CHUNK != 0);
    WR_AUTO_ARRAY uint8_t *sums = wr_calloc(nchunk, WR_SHA256_BYTES);
    if (!sums)
        return wr_fail(err, WR_ENOMEM, "digest: %zu chunk sums", nchunk);

    const EVP_MD *sha256 = EVP_sha256();
    int bad = 0;
#pragma omp parallel for default(none) shared(p, len, nchunk, sums, sha256) \
    reduction(|                                                             \
              : bad) schedule(static) if (nchunk > 1)
    for (size_t k = 0; k < nchunk; k++) {
        size_t n = len - k * CHUNK < CHUNK ? len - k * CHUNK : CHUNK;
        bad |= EVP_Digest(p + k * CHUNK, n, sums + k * WR_SHA256_BYTES, NULL, sha256,
                          NULL) != 1;
    }
    uint8_t whole[WR_SHA256_BYTES];
    if (bad || EVP_Digest(sums, nchunk * WR_SHA256_BYTES, whole, NULL, sha256, NULL) != 1)
        return wr_fail(err, WR_ENOMEM, "digest: libcrypto has no memory for SHA-256");
    memcpy(out, whole, sizeof whole);
    return WR_OK;
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 u128;
    u128 r = (u128)a * b;
    return (uint64_t)r ^ (uint64_t)(r >> 64);
}

static uint64_t read64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static uint64_t read32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

uint64_t wr_hash64(const void *bytes, size_t len, uint64_t seed)
{
    const uint64_t k0 = 0xA0761D6478BD642FULL;
    const uint64_t k1 = 0xE7037ED1A0B428DBULL;
    const uint8_t *p = bytes;
    size_t left = len;
    uint64_t h = seed ^ mix(seed ^ k0, k1);
    for (; left > 16; p += 16, left -= 16)
        h = mix(read64(p) ^ k1, read64(p + 8) ^ h);
    uint64_t a = 0;
    uint64_t b = 0;
    if (left >= 8) {
        a = read64(p);
        b = read64(p + left - 8);
    } else if (left >= 4) {
        a = read32(p);
        b = read32(p + left - 4);
    } else if (left > 0) {
        a = ((uint64_t)p[0] << 16) | ((uint64_t)p[left >> 1] << 8) | p[left - 1];
    }
    return mix(k1 ^ len, mix(a ^ k1, b ^ h));
}
