/*
 * page_token.h - opaque next_page tokens: which list, where to go on, and a check.
 *
 * base64url of: list letter, payload, 4 bytes of hash.  The hash catches tokens that were
 * cut, edited or given to another list; it is no secret, so what a payload says is
 * checked like any other value from outside.  Thread: safe.
 */
#ifndef WR_API_PAGE_TOKEN_H
#define WR_API_PAGE_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/err.h"
#include "util/text.h"

enum { WR_PAGE_PAYLOAD_MAX = 360, WR_PAGE_TOKEN_MAX = 512 };

/* payload: text, at most WR_PAGE_PAYLOAD_MAX bytes. */
void wr_page_token_write(char out[WR_PAGE_TOKEN_MAX + 1], char list, const char *payload);

/* Errors  WR_EPARSE */
wr_status wr_page_token_read(char payload[WR_PAGE_PAYLOAD_MAX + 1], char list,
                             wr_text token, wr_err *err) WR_NODISCARD;

/* Payloads are words with one blank between; *p moves behind the word and its blank. */
bool wr_page_word(const char **p, char *out, size_t cap /* with the NUL */);
bool wr_page_u64(const char **p, int base, uint64_t max, uint64_t *out);

#endif
