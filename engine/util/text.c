#include "util/text.h"

int wr_utf8_step(const char *text, size_t n)
{
    const unsigned char *p = (const unsigned char *)text;
    unsigned char lo = 0x80;
    unsigned char hi = 0xBF;
    int more;
    if (p[0] < 0x80)
        return 1;
    if (p[0] >= 0xC2 && p[0] <= 0xDF) {
        more = 1;
    } else if (p[0] >= 0xE0 && p[0] <= 0xEF) {
        more = 2;
        lo = p[0] == 0xE0 ? 0xA0 : lo; /* overlong */
        hi = p[0] == 0xED ? 0x9F : hi; /* surrogates */
    } else if (p[0] >= 0xF0 && p[0] <= 0xF4) {
        more = 3;
        lo = p[0] == 0xF0 ? 0x90 : lo;
        hi = p[0] == 0xF4 ? 0x8F : hi; /* above U+10FFFF */
    } else {
        return -1;
    }
    for (int i = 1; i <= more; i++) {
        if ((size_t)i >= n || p[i] < lo || p[i] > hi)
            return -i;
        lo = 0x80;
        hi = 0xBF;
    }
    return more + 1;
}

bool wr_utf8_is_valid(wr_text t)
{
    for (uint32_t i = 0; i < t.len;) {
        int step = wr_utf8_step(t.p + i, t.len - i);
        if (step < 0)
            return false;
        i += (uint32_t)step;
    }
    return true;
}

wr_quote wr_text_quote(wr_text t, uint32_t max_bytes)
{
    wr_quote q;
    uint32_t cap = max_bytes < sizeof q.s - 4 ? max_bytes : (uint32_t)sizeof q.s - 4;
    uint32_t n = t.len < cap ? t.len : cap;
    for (uint32_t i = 0; i < n; i++)
        q.s[i] = (char)(t.p[i] >= ' ' && t.p[i] <= '~' ? t.p[i] : '?');
    memcpy(q.s + n, t.len > n ? "..." : "", t.len > n ? 4 : 1);
    return q;
}
