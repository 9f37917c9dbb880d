/*
 * digest.h - SHA-256, the one digest that evidence carries (OpenSSL libcrypto).
 *
 * Multi-byte values enter little-endian by the typed helpers, so that a digest does
 * not depend on the machine.  Thread: one object one thread.
 */
#ifndef WR_UTIL_DIGEST_H
#define WR_UTIL_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "util/err.h"

enum { WR_SHA256_BYTES = 32, WR_SHA256_HEX = 64 };

typedef struct wr_digest {
    void *ctx; /* EVP_MD_CTX, owned */
} wr_digest;

/* A digest in lower-case hex, NUL-terminated. */
typedef struct wr_digest_hex {
    char s[WR_SHA256_HEX + 1];
} wr_digest_hex;

wr_status wr_digest_init(wr_digest *d, wr_err *err) WR_NODISCARD;
void wr_digest_release(wr_digest *d); /* safe on a zeroed struct */
void wr_digest_add(wr_digest *d, const void *bytes, size_t len);
void wr_digest_add_u64(wr_digest *d, uint64_t v);
void wr_digest_add_f64(wr_digest *d, double v);       /* bits; -0.0 enters as 0.0 */
void wr_digest_add_text(wr_digest *d, const char *s); /* length first, then bytes */
/* Result so far; the object may be fed further.  "" if libcrypto failed on the way. */
void wr_digest_hex_of(const wr_digest *d, wr_digest_hex *out);

/*
 * Digest of a long array, the same for any number of threads: SHA-256 over the
 * SHA-256 values of 1 MiB chunks in order.  Uses the caller's OpenMP team.
 * Errors  WR_ENOMEM
 */
wr_status wr_digest_array(uint8_t out[WR_SHA256_BYTES], const void *bytes, size_t len,
                          wr_err *err) WR_NODISCARD;

/* 64-bit hash for tables (not evidence): seeded wyhash-style mix, own code. */
uint64_t wr_hash64(const void *bytes, size_t len, uint64_t seed);

#endif
