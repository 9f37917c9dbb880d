#include "api/page_token.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/digest.h"

enum { CHECK_BYTES = 4, RAW_MAX = 1 + WR_PAGE_PAYLOAD_MAX + CHECK_BYTES };

_Static_assert((RAW_MAX + 2) / 3 * 4 <= WR_PAGE_TOKEN_MAX, "a full token fits");

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                             "0123456789-_";

static void add_check(unsigned char *raw, size_t len)
{
    uint64_t h = wr_hash64(raw, len, 0x70616765);
    for (int i = 0; i < CHECK_BYTES; i++)
        raw[len + (size_t)i] = (unsigned char)(h >> (8 * i));
}

void wr_page_token_write(char out[WR_PAGE_TOKEN_MAX + 1], char list, const char *payload)
{
    unsigned char raw[RAW_MAX + 2] = {0}; /* + 2: the last triple may be short */
    size_t len = strlen(payload);
    assert(len <= WR_PAGE_PAYLOAD_MAX);
    raw[0] = (unsigned char)list;
    memcpy(raw + 1, payload, len);
    add_check(raw, len + 1);
    len += 1 + CHECK_BYTES;
    size_t n = 0;
    for (size_t i = 0; i < len; i += 3) {
        uint32_t v = (uint32_t)raw[i] << 16 | (uint32_t)raw[i + 1] << 8 | raw[i + 2];
        size_t chars = len - i > 2 ? 4 : len - i + 1;
        for (size_t k = 0; k < chars; k++)
            out[n++] = digits[v >> (18 - 6 * k) & 63];
    }
    out[n] = '\0';
}

wr_status wr_page_token_read(char payload[WR_PAGE_PAYLOAD_MAX + 1], char list,
                             wr_text token, wr_err *err)
{
    unsigned char raw[WR_PAGE_TOKEN_MAX];
    size_t len = 0;
    uint32_t bits = 0;
    uint32_t held = 0;
    if (token.len == 0 || token.len > WR_PAGE_TOKEN_MAX)
        return wr_fail(err, WR_EPARSE, "not a page token");
    for (uint32_t i = 0; i < token.len; i++) {
        const char *at = token.p[i] ? strchr(digits, token.p[i]) : NULL;
        if (!at)
            return wr_fail(err, WR_EPARSE, "not a page token");
        bits = bits << 6 | (uint32_t)(at - digits);
        held += 6;
        if (held >= 8) {
            held -= 8;
            raw[len++] = (unsigned char)(bits >> held);
        }
    }
    unsigned char check[RAW_MAX];
    if (len < 1 + CHECK_BYTES || len > RAW_MAX)
        return wr_fail(err, WR_EPARSE, "not a page token");
    size_t body = len - CHECK_BYTES;
    memcpy(check, raw, body);
    add_check(check, body);
    if (memcmp(check + body, raw + body, CHECK_BYTES) != 0 ||
        raw[0] != (unsigned char)list)
        return wr_fail(err, WR_EPARSE, "not a page token of this list");
    memcpy(payload, raw + 1, body - 1);
    payload[body - 1] = '\0';
    return WR_OK;
}

bool wr_page_word(const char **p, char *out, size_t cap)
{
    size_t n = strcspn(*p, " ");
    if (n == 0 || n >= cap)
        return false;
    memcpy(out, *p, n);
    out[n] = '\0';
    *p += n + ((*p)[n] == ' ');
    return true;
}

bool wr_page_u64(const char **p, int base, uint64_t max, uint64_t *out)
{
    char word[24];
    if (!wr_page_word(p, word, sizeof word))
        return false;
    if (word[strspn(word, base == 16 ? "0123456789abcdef" : "0123456789")] != '\0')
        return false;
    errno = 0;
    *out = strtoull(word, NULL, base);
    return errno == 0 && *out <= max;
}
