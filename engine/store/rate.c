#include "store/rate_int.h"

#include <math.h>

static const double window_s[WR_RATE_COUNT] = {60, 300, 900};

void wr_rates_read(const wr_rates *r, int64_t now_us, double *out)
{
    const double gap_s = now_us > r->at_us ? (double)(now_us - r->at_us) / 1e6 : 0;
    for (int i = 0; i < WR_RATE_COUNT; i++) {
        out[i] = r->per_s[i] * exp(-gap_s / window_s[i]);
        if (out[i] < WR_RATE_SMALLEST)
            out[i] = 0;
    }
}

void wr_rates_add(wr_rates *r, uint64_t n, int64_t now_us)
{
    wr_rates_read(r, now_us, r->per_s);
    for (int i = 0; i < WR_RATE_COUNT; i++)
        r->per_s[i] += (double)n / window_s[i];
    if (now_us > r->at_us)
        r->at_us = now_us;
}
