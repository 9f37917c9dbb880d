#include "codec/mark_int.h"

#include <stdio.h>
#include <string.h>

#include "codec/transfer_reader.h"
#include "util/digest.h"

static void chain(wr_prefix *p, uint64_t block_hash)
{
    p->state = wr_hash64(&block_hash, sizeof block_hash, p->state);
}

/* count <= WR_PREFIX_RUN whole blocks. */
static void add_blocks(wr_prefix *p, const char *bytes, size_t count)
{
    uint64_t *run = p->run;
#pragma omp parallel for schedule(static) default(none) \
    shared(run, bytes, count) if (count >= 64)
    for (size_t i = 0; i < count; i++)
        run[i] = wr_hash64(bytes + i * WR_PREFIX_BLOCK, WR_PREFIX_BLOCK, 0);
    for (size_t i = 0; i < count; i++)
        chain(p, run[i]);
}

void wr_prefix_add(wr_prefix *p, const char *bytes, size_t len)
{
    while (len) {
        size_t n = len / WR_PREFIX_BLOCK;
        if (!p->fill && n) {
            n = n < WR_PREFIX_RUN ? n : WR_PREFIX_RUN;
            add_blocks(p, bytes, n);
            n *= WR_PREFIX_BLOCK;
        } else {
            const size_t room = WR_PREFIX_BLOCK - p->fill;
            n = len < room ? len : room;
            memcpy(p->block + p->fill, bytes, n);
            p->fill += n;
            if (p->fill == WR_PREFIX_BLOCK) {
                chain(p, wr_hash64(p->block, WR_PREFIX_BLOCK, 0));
                p->fill = 0;
            }
        }
        bytes += n;
        len -= n;
    }
}

uint64_t wr_prefix_value(const wr_prefix *p)
{
    return wr_hash64(p->block, p->fill, ~p->state);
}

void wr_transfer_mark_format(char out[WR_TRANSFER_MARK_TEXT], const wr_transfer_mark *m)
{
    (void)snprintf(out, WR_TRANSFER_MARK_TEXT, "1:%llu:%llu:%016llx",
                   (unsigned long long)m->record, (unsigned long long)m->offset,
                   (unsigned long long)m->digest);
}

wr_status wr_transfer_mark_parse(wr_transfer_mark *m, wr_text t, wr_err *err)
{
    char text[WR_TRANSFER_MARK_TEXT] = "";
    char again[WR_TRANSFER_MARK_TEXT] = "";
    unsigned long long record;
    unsigned long long offset;
    unsigned long long digest;
    if (t.len && t.len < sizeof text)
        memcpy(text, t.p, t.len);
    if (sscanf(text, "1:%20llu:%20llu:%16llx", &record, &offset, &digest) == 3) {
        const wr_transfer_mark got = {
            .record = record, .offset = offset, .digest = digest};
        wr_transfer_mark_format(again, &got);
        if (strcmp(text, again) == 0) {
            *m = got;
            return WR_OK;
        }
    }
    return wr_fail(err, WR_EPARSE, "'%s' is no place in a file to go on at",
                   wr_text_quote(t, 60).s);
}
