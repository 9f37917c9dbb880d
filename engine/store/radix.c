#include "store/radix_int.h"

#include <string.h>

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS };

/* One pass; false when all words have the same digit and nothing was moved. */
static int pass(const uint64_t *v, uint64_t *out, size_t n, unsigned shift)
{
    size_t at[DIGITS] = {0};
    for (size_t i = 0; i < n; i++)
        at[v[i] >> shift & (DIGITS - 1)]++;
    if (at[v[0] >> shift & (DIGITS - 1)] == n)
        return 0;
    size_t sum = 0;
    for (size_t d = 0; d < DIGITS; d++) {
        size_t count = at[d];
        at[d] = sum;
        sum += count;
    }
    for (size_t i = 0; i < n; i++)
        out[at[v[i] >> shift & (DIGITS - 1)]++] = v[i];
    return 1;
}

void wr_radix_sort(uint64_t *v, uint64_t *scratch, size_t n, unsigned low_bit)
{
    uint64_t *from = v;
    uint64_t *to = scratch;
    for (unsigned shift = low_bit; n > 1 && shift < 64; shift += DIGIT_BITS) {
        if (!pass(from, to, n, shift))
            continue;
        uint64_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != v && n > 0)
        memcpy(v, from, n * sizeof *v);
}
