/*
 * Amounts: the first byte gives decimals and rounding, the rest is the text.  What is
 * accepted must come back from its own formatted text, and its double must be sane.
 */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/amount.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_amount(wr_amount a, unsigned decimals)
{
    char text[WR_VALUE_TEXT_MAX];
    wr_amount back = ~a;
    wr_amount_format(text, a);
    require(wr_amount_parse(&back, wr_text_of(text), NULL) == WR_OK && back == a);
    wr_amount_format_units(text, a, decimals);
    require(wr_amount_parse_units(&back, wr_text_of(text), decimals, 0, NULL) == WR_OK);
    require(back == a);
    double value = wr_amount_value(a, decimals);
    require(isfinite(value) && value == strtod(text, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > UINT32_MAX)
        return 0;
    unsigned decimals = data[0] % (WR_DECIMALS_MAX + 1);
    wr_text t = {.p = (const char *)data + 1, .len = (uint32_t)(size - 1)};
    wr_amount a;
    if (wr_amount_parse(&a, t, NULL) == WR_OK)
        check_amount(a, decimals);
    wr_status exact = wr_amount_parse_units(&a, t, decimals, 0, NULL);
    if (exact == WR_OK)
        check_amount(a, decimals);
    wr_amount rounded;
    if (wr_amount_parse_units(&rounded, t, decimals, 1, NULL) == WR_OK) {
        check_amount(rounded, decimals);
        require(exact != WR_OK || rounded == a);
    } else {
        require(exact != WR_OK);
    }
    double v;
    if (wr_number_parse(&v, t, NULL) == WR_OK)
        require(isfinite(v));
    return 0;
}
