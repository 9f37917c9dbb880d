#include "ingest/kafka_batch.h"

#include <assert.h>
#include <string.h>

#include "util/clock.h"

static const char tombstone[] = "message without a value (tombstone)";
static const char empty[] = "message is empty";

wr_status wr_kafka_batch_new(wr_kafka_batch **out, wr_err *err)
{
    wr_kafka_batch *b = wr_calloc(1, sizeof *b);
    if (!b)
        return wr_fail(err, WR_ENOMEM, "batch");
    wr_arena_init(&b->arena, 0);
    wr_arena_init(&b->scratch, 0);
    *out = b;
    return WR_OK;
}

void wr_kafka_batch_free(wr_kafka_batch *b)
{
    if (!b)
        return;
    wr_arena_release(&b->arena);
    wr_arena_release(&b->scratch);
    wr_free(b->transfer);
    wr_free(b->position);
    wr_free(b->dead);
    wr_free(b->original);
    wr_free(b);
}

void wr_kafka_batch_begin(wr_kafka_batch *b, int32_t partition, int64_t from_offset,
                          unsigned epoch)
{
    wr_arena_reset(&b->arena);
    b->partition = partition;
    b->from_offset = b->next_offset = from_offset;
    b->messages = b->gaps = 0;
    b->transfer_count = b->dead_count = 0;
    b->begun_us = 0;
    b->high_watermark = 0;
    b->is_dead_sent = b->is_tried = false;
    b->epoch = epoch;
    b->next = NULL;
}

/* --- one message ---------------------------------------------------------------------
 */

static wr_status no_memory(wr_err *err)
{
    return wr_fail(err, WR_ENOMEM, "batch of Kafka messages");
}

/* A present text stays present, also when it is empty. */
static wr_status keep_text(wr_text *out, wr_kafka_batch *b, wr_text t, wr_err *err)
{
    *out = t.p ? wr_arena_text(&b->arena, t) : (wr_text){0};
    return t.p && !out->p ? no_memory(err) : WR_OK;
}

static wr_status keep_texts(wr_transfer *t, wr_kafka_batch *b, wr_err *err)
{
    WR_TRY(keep_text(&t->tx_hash, b, t->tx_hash, err));
    WR_TRY(keep_text(&t->from, b, t->from, err));
    WR_TRY(keep_text(&t->to, b, t->to, err));
    WR_TRY(keep_text(&t->asset, b, t->asset, err));
    return keep_text(&t->memo, b, t->memo, err);
}

static wr_status keep_transfers(wr_kafka_batch *b, const wr_transfer_list *list,
                                int64_t offset, wr_err *err)
{
    const size_t count = b->transfer_count + list->count;
    wr_transfer *t = wr_grow(b->transfer, &b->transfer_cap, count, sizeof *t);
    b->transfer = t ? t : b->transfer;
    int64_t *at = wr_grow(b->position, &b->position_cap, count, sizeof *at);
    b->position = at ? at : b->position;
    if (!t || !at)
        return no_memory(err);
    memcpy(t + b->transfer_count, list->item, list->count * sizeof *t);
    for (size_t i = b->transfer_count; i < count; i++) {
        WR_TRY(keep_texts(&t[i], b, err));
        at[i] = offset;
    }
    b->transfer_count = count;
    return WR_OK;
}

static wr_status keep_letter(wr_kafka_batch *b, wr_text source, const wr_kafka_message *m,
                             const char *field, const char *reason, wr_err *err)
{
    const size_t count = b->dead_count + 1;
    wr_dead_letter *dead = wr_grow(b->dead, &b->dead_cap, count, sizeof *dead);
    b->dead = dead ? dead : b->dead;
    wr_kafka_original *from = wr_grow(b->original, &b->original_cap, count, sizeof *from);
    b->original = from ? from : b->original;
    if (!dead || !from)
        return no_memory(err);
    wr_kafka_original *o = &from[b->dead_count];
    WR_TRY(keep_text(&o->key, b, m->key, err));
    WR_TRY(keep_text(&o->payload, b, m->payload, err));
    wr_dead_letter *l = &dead[b->dead_count];
    *l = (wr_dead_letter){
        .source = source,
        .partition = b->partition,
        .position = m->offset,
        .raw = {.p = o->payload.p ? o->payload.p : "",
                .len =
                    o->payload.len < WR_DEAD_RAW_MAX ? o->payload.len : WR_DEAD_RAW_MAX},
        .raw_bytes = o->payload.len,
    };
    WR_TRY(keep_text(&l->field, b, wr_text_of(field), err));
    WR_TRY(keep_text(&l->reason, b, wr_text_of(reason), err));
    b->dead_count = count;
    return WR_OK;
}

static wr_status decode(wr_kafka_batch *b, const wr_transfer_decoder *d, wr_text source,
                        const wr_kafka_message *m, wr_err *err)
{
    if (!m->payload.p)
        return keep_letter(b, source, m, "", tombstone, err);
    if (!m->payload.len)
        return keep_letter(b, source, m, "", empty, err);
    wr_transfer_list list = {0};
    wr_field_errors wrong;
    wr_err why = {0};
    wr_arena_reset(&b->scratch);
    const wr_status s = wr_transfer_json_decode(&list, d, m->payload.p, m->payload.len,
                                                &b->scratch, &wrong, &why);
    if (s == WR_OK)
        return keep_transfers(b, &list, m->offset, err);
    if (s != WR_EPARSE && s != WR_ELIMIT)
        return wr_fail(err, s, "%s", why.msg);
    assert(wrong.count > 0);
    return keep_letter(b, source, m, wrong.item[0].field, wrong.item[0].detail, err);
}

wr_status wr_kafka_batch_add(wr_kafka_batch *b, const wr_transfer_decoder *d,
                             wr_text source, const wr_kafka_message *m, wr_err *err)
{
    if (m->offset < b->next_offset)
        return WR_OK;
    wr_kafka_batch_skip(b, m->offset);
    WR_TRY(decode(b, d, source, m, err));
    b->next_offset = m->offset + 1;
    b->messages++;
    if (!b->begun_us)
        b->begun_us = wr_clock_mono_us();
    return WR_OK;
}

void wr_kafka_batch_skip(wr_kafka_batch *b, int64_t offset)
{
    if (offset <= b->next_offset)
        return;
    b->gaps += (uint64_t)(offset - b->next_offset);
    b->next_offset = offset;
    if (!b->begun_us)
        b->begun_us = wr_clock_mono_us();
}

/* --- a whole batch -------------------------------------------------------------------
 */

size_t wr_kafka_batch_bytes(const wr_kafka_batch *b)
{
    return b->arena.used_bytes +
           b->transfer_count * (sizeof *b->transfer + sizeof *b->position) +
           b->dead_count * (sizeof *b->dead + sizeof *b->original);
}

bool wr_kafka_batch_is_full(const wr_kafka_batch *b, const wr_kafka_limits *l)
{
    return b->transfer_count + b->dead_count >= l->rows ||
           wr_kafka_batch_bytes(b) >= l->bytes;
}

bool wr_kafka_batch_is_due(const wr_kafka_batch *b, const wr_kafka_limits *l,
                           int64_t now_us)
{
    return !wr_kafka_batch_is_empty(b) && now_us - b->begun_us >= l->flush_us;
}

void wr_kafka_batch_put(const wr_kafka_batch *b, wr_text source, wr_source_mark *mark,
                        wr_put *put)
{
    *mark = (wr_source_mark){.source = source,
                             .partition = b->partition,
                             .next_offset = b->next_offset,
                             .status = "running",
                             .records = b->transfer_count + b->dead_count,
                             .gaps = b->gaps,
                             .is_fenced = true,
                             .from_offset = b->from_offset,
                             .messages = b->messages,
                             .high_watermark = b->high_watermark};
    *put = (wr_put){.transfer = b->transfer,
                    .transfer_count = b->transfer_count,
                    .position = b->position,
                    .dead = b->dead,
                    .dead_count = b->dead_count,
                    .mark = mark};
}
