#include "scoring/stream_int.h"

#include <string.h>

#include "scoring/ledger.h"

enum { ASSETS = 1 << 16, BLOCKS_PER_PROGRESS = 1 << 11 };

static wr_status check_values(const wr_columns *col, wr_err *err)
{
    uint64_t bad = 0;
    for (uint64_t i = 0; i < col->m; i++)
        bad += !(col->value[i] >= 0 && col->value[i] <= WR_LEDGER_VALUE_MAX);
    if (!bad)
        return WR_OK;
    uint64_t i = 0;
    while (col->value[i] >= 0 && col->value[i] <= WR_LEDGER_VALUE_MAX)
        i++;
    return wr_fail(err, WR_EINVAL, "transfer %lu: value %g, wanted 0..%g",
                   (unsigned long)i, col->value[i], WR_LEDGER_VALUE_MAX);
}

static void fill_kind(uint8_t *kind, const wr_flow *fl)
{
    const wr_seeds *s = fl->seeds;
    for (uint32_t v = 0; v < fl->n; v++) {
        int c = s->category[v];
        unsigned k = wr_flow_is_hub(fl, v) ? WR_KIND_HUB : 0;
        if (c >= 0) {
            bool is_dated =
                (s->from_s && s->from_s[v] > 0) || (s->to_s && s->to_s[v] < UINT32_MAX);
            k |= (unsigned)(c + 1) | (is_dated ? WR_KIND_DATED : 0u) |
                 (s->kind[c] == WR_CATEGORY_SERVICE ? WR_KIND_SERVICE : 0u);
        }
        kind[v] = (uint8_t)k;
    }
}

/* Stable counting sort of positions by asset; nothing to do when there is one asset. */
static wr_status split_assets(wr_stream *s, wr_err *err)
{
    const wr_columns *col = &s->fl->col;
    WR_AUTO_ARRAY uint64_t *count = wr_calloc(ASSETS + 1, sizeof *count);
    if (!count)
        return wr_fail(err, WR_ENOMEM, "assets");
    for (uint64_t i = 0; i < col->m; i++)
        count[col->asset[i] + 1u]++;
    uint32_t distinct = 0;
    for (uint32_t k = 1; k <= ASSETS; k++)
        distinct += count[k] > 0;
    if (distinct <= 1)
        return WR_OK;

    s->order = wr_calloc(col->m, sizeof *s->order);
    s->asset_first = wr_calloc(distinct + 1u, sizeof *s->asset_first);
    if (!s->order || !s->asset_first)
        return wr_fail(err, WR_ENOMEM, "order of %lu transfers by asset",
                       (unsigned long)col->m);
    uint32_t list = 0;
    for (uint32_t k = 1; k <= ASSETS; k++) {
        list += count[k] > 0;
        count[k] += count[k - 1];
        s->asset_first[list] = count[k];
    }
    for (uint64_t i = 0; i < col->m; i++)
        s->order[count[col->asset[i]]++] = (uint32_t)i;
    s->asset_count = distinct;
    return WR_OK;
}

wr_status wr_stream_init(wr_stream *out, const wr_flow *fl, wr_direction direction,
                         bool is_split, wr_err *err)
{
    if (fl->seeds->n != fl->n)
        return wr_fail(err, WR_EINVAL, "labels of %u wallets for a graph of %u",
                       fl->seeds->n, fl->n);
    if (fl->col.m >= UINT32_MAX)
        return wr_fail(err, WR_ELIMIT, "%lu transfers, at most %lu",
                       (unsigned long)fl->col.m, (unsigned long)UINT32_MAX - 1);
    WR_TRY(check_values(&fl->col, err));

    WR_STREAM_AUTO wr_stream s = {.fl = fl, .direction = direction, .asset_count = 1};
    s.kind = wr_calloc(fl->n, sizeof *s.kind);
    if (!s.kind)
        return wr_fail(err, WR_ENOMEM, "kinds of %u wallets", fl->n);
    fill_kind(s.kind, fl);
    if (is_split && fl->col.asset)
        WR_TRY(split_assets(&s, err));
    *out = s;
    s = (wr_stream){0};
    return WR_OK;
}

void wr_stream_release(wr_stream *s)
{
    wr_free(s->kind);
    wr_free(s->order);
    wr_free(s->asset_first);
    *s = (wr_stream){0};
}

/* One list of transfers being read: steps [next, end) of it are still to come. */
typedef struct cursor {
    uint64_t first, next, end;
} cursor;

static size_t decode(const wr_stream *s, cursor *k, wr_stream_item *item, size_t room)
{
    const wr_columns *col = &s->fl->col;
    bool is_sending = s->direction == WR_SENDING;
    size_t got = 0;
    while (got < room && k->next < k->end) {
        uint64_t i = is_sending ? k->first + (k->end - 1 - k->next) : k->next;
        k->next++;
        if (s->order)
            i = s->order[i];
        wr_vid from = col->from[i], to = col->to[i];
        item[got] = (wr_stream_item){.a = col->value[i],
                                     .u = is_sending ? to : from,
                                     .v = is_sending ? from : to,
                                     .t = col->time_s[i],
                                     .at = (uint32_t)i};
        got += from != to && col->value[i] > 0;
    }
    return got;
}

static wr_status run_list(const wr_stream *s, const wr_stream_use *use, cursor k,
                          wr_err *err)
{
    wr_stream_item item[WR_STREAM_BLOCK + WR_STREAM_AHEAD];
    size_t have = 0;
    for (uint64_t blocks = 0;; blocks++) {
        if (use->pg && blocks % BLOCKS_PER_PROGRESS == 0)
            WR_TRY(wr_progress_at(use->pg, use->phase, k.next, s->fl->col.m, err));
        have += decode(s, &k, item + have, WR_STREAM_BLOCK + WR_STREAM_AHEAD - have);
        if (!have)
            return WR_OK;
        wr_stream_block b = {.item = item, .count = have};
        if (b.count > WR_STREAM_BLOCK)
            b.count = WR_STREAM_BLOCK;
        b.ahead = have - b.count;
        WR_TRY(use->block(use->ctx, &b, err));
        memmove(item, item + b.count, b.ahead * sizeof *item);
        have = b.ahead;
    }
}

/* First step of a list whose position is not below pause_at. */
static uint64_t pause_of(const wr_stream *s, const wr_stream_use *use, cursor k)
{
    if (!s->order)
        return use->pause_at < k.end ? use->pause_at : k.end;
    while (k.next < k.end) {
        const uint64_t mid = k.next + (k.end - k.next) / 2;
        if (s->order[mid] < use->pause_at)
            k.next = mid + 1;
        else
            k.end = mid;
    }
    return k.next;
}

static wr_status run_paused(const wr_stream *s, const wr_stream_use *use, cursor k,
                            wr_err *err)
{
    if (!use->pause)
        return run_list(s, use, k, err);
    const uint64_t at = pause_of(s, use, k);
    WR_TRY(run_list(s, use, (cursor){k.first, k.next, at}, err));
    WR_TRY(use->pause(use->ctx, s->order, at, k.end, err));
    return run_list(s, use, (cursor){k.first, at, k.end}, err);
}

static wr_status fold_list(const wr_stream *s, const wr_stream_use *use, uint64_t first,
                           uint64_t end, wr_err *err)
{
    for (uint64_t i = first; i < end; i++) {
        WR_TRY(use->fold(use->ctx, s->fl->col.from[s->order[i]], err));
        WR_TRY(use->fold(use->ctx, s->fl->col.to[s->order[i]], err));
    }
    return WR_OK;
}

wr_status wr_stream_run(const wr_stream *s, const wr_stream_use *use, wr_err *err)
{
    if (s->asset_count == 1)
        return run_paused(s, use, (cursor){0, 0, s->fl->col.m}, err);
    for (uint32_t k = 0; k < s->asset_count; k++) {
        uint64_t first = s->asset_first[k], end = s->asset_first[k + 1];
        if (use->asset)
            *use->asset = s->fl->col.asset[s->order[first]];
        WR_TRY(run_paused(s, use, (cursor){first, first, end}, err));
        if (use->fold)
            WR_TRY(fold_list(s, use, first, end, err));
    }
    return WR_OK;
}
