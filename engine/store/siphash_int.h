/*
 * siphash_int.h - SipHash-2-4, the hash that is written into a database file.
 *
 * wr_hash64 is for tables in memory and may change; what lies in a file may not.  Keyed,
 * so that a sender who does not know a database's key cannot aim at one slot.
 * Source  Aumasson, Bernstein, "SipHash: a fast short-input PRF", INDOCRYPT 2012
 * Thread: safe.
 */
#ifndef WR_STORE_SIPHASH_INT_H
#define WR_STORE_SIPHASH_INT_H

#include <stddef.h>
#include <stdint.h>

enum { WR_SIPHASH_KEY_BYTES = 16 };

uint64_t wr_siphash(const uint8_t key[WR_SIPHASH_KEY_BYTES], const void *bytes,
                    size_t len);

#endif
