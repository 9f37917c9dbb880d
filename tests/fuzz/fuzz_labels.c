/*
 * Label lists: the first byte picks the format, the rest is the file.  Whatever comes in
 * gives checked labels, issues or an error, and what is given can be written as our own
 * CSV and read back.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec/labels.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

typedef struct seen {
    size_t labels;
    wr_buf csv; /* NULL max: count only */
} seen;

static wr_status take(void *ctx, const wr_label *l, size_t n, wr_err *err)
{
    (void)err;
    seen *s = ctx;
    for (size_t i = 0; i < n; i++, l++) {
        char again[WR_ADDRESS_MAX + 1];
        require(wr_address_canonical(again, NULL, l->chain, l->address, NULL) == WR_OK);
        require(wr_text_eq(wr_text_of(again), l->address));
        require(l->confidence <= 100 && l->source.len > 0);
        const wr_text text[] = {l->source, l->uri, l->actor, l->name};
        for (size_t k = 0; k < 4; k++) {
            require(text[k].len <= WR_LABEL_TEXT_MAX && wr_utf8_is_valid(text[k]));
            for (uint32_t b = 0; b < text[k].len; b++)
                require((unsigned char)text[k].p[b] >= 0x20);
        }
        s->labels++;
        wr_label_to_csv(&s->csv, l);
    }
    return WR_OK;
}

static void issue(void *ctx, const wr_label_issue *i)
{
    (void)ctx;
    require(i->line > 0 && i->message[0] && i->kind < WR_LABEL_ISSUE_COUNT);
    for (const char *p = i->message; *p; p++)
        require((unsigned char)*p >= 0x20);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const name[] = {
        "list", "l.csv", "l.csv", "p.yaml", "a_ETH.txt", "a_XBT.json", "etherscan.json"};
    static wr_taxonomy tx = {.count = 2,
                             .category = {{.id = "hack", .weight = 1, .rho0 = 1},
                                          {.id = "cex", .kind = WR_CATEGORY_SERVICE}}};
    if (size == 0 || size > 1 << 20)
        return 0;
    const int pick = data[0] % WR_LABELS_FORMAT_COUNT;
    wr_labels_opts o = {
        .format = (wr_labels_format)pick, .taxonomy = &tx, .confidence = -1};
    if (data[0] & 64)
        o.chain = WR_TEXT_LIT("ETH");
    if (data[0] & 128)
        o.category = WR_TEXT_LIT("hack");
    seen s = {0};
    wr_buf_init(&s.csv, 64 << 20);
    wr_buf_adds(&s.csv, WR_LABEL_CSV_HEADER);
    const wr_labels_sink sink = {.take = take, .issue = issue, .ctx = &s};
    const wr_text bytes = {(const char *)data + 1, (uint32_t)(size - 1)};
    wr_err err = {0};
    if (wr_labels_read_bytes(name[pick], bytes, &o, &sink, &err) != WR_OK)
        require(err.msg[0] != '\0');
    const size_t first = s.labels;
    seen again = {0};
    wr_buf_init(&again.csv, 64 << 20);
    wr_buf_adds(&again.csv, WR_LABEL_CSV_HEADER);
    o = (wr_labels_opts){.format = WR_LABELS_CSV, .taxonomy = &tx, .confidence = -1};
    const wr_labels_sink back = {.take = take, .issue = issue, .ctx = &again};
    require(wr_labels_read_bytes("x.csv", (wr_text){s.csv.p, (uint32_t)s.csv.len}, &o,
                                 &back, NULL) == WR_OK);
    require(again.labels == first && again.csv.len == s.csv.len &&
            memcmp(again.csv.p, s.csv.p, s.csv.len) == 0);
    wr_buf_release(&s.csv);
    wr_buf_release(&again.csv);
    return 0;
}
