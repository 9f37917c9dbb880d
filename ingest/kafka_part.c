/* One partition: what comes in, and its open batch. */
#include <string.h>

#include "ingest/kafka_consume_int.h"
#include "util/clock.h"

/* --- partitions and batches -----------------------------------------------------------
 */

wr_kafka_part *wr_kafka_part_of(wr_kafka_consumer *c, int32_t partition)
{
    const size_t at = (size_t)partition;
    const size_t had = c->part_cap;
    if (at >= had) {
        wr_kafka_part **all = wr_grow(c->part, &c->part_cap, at + 1, sizeof *all);
        if (!all) {
            (void)wr_fail(&c->fatal, WR_ENOMEM, "partition %d", partition);
            return NULL;
        }
        c->part = all;
        memset(all + had, 0, (c->part_cap - had) * sizeof *all);
    }
    if (c->part[at])
        return c->part[at];
    wr_kafka_part *p = wr_calloc(1, sizeof *p);
    if (!p) {
        (void)wr_fail(&c->fatal, WR_ENOMEM, "partition %d", partition);
        return NULL;
    }
    p->id = partition;
    p->committed = p->seen = p->target = -1;
    c->part[at] = p;
    return p;
}

static wr_kafka_batch *new_batch(wr_kafka_consumer *c, wr_kafka_part *p, int64_t from)
{
    wr_kafka_batch *b = c->spare;
    if (b) {
        c->spare = b->next;
        c->spare_count--;
    } else if (wr_kafka_batch_new(&b, &c->fatal) != WR_OK) {
        return NULL;
    }
    wr_kafka_batch_begin(b, p->id, from, atomic_load(&p->epoch));
    return b;
}

void wr_kafka_batch_recycle(wr_kafka_consumer *c, wr_kafka_batch *b)
{
    if (!b)
        return;
    if (c->spare_count >= WR_KAFKA_SPARE_MAX) {
        wr_kafka_batch_free(b);
        return;
    }
    b->next = c->spare;
    c->spare = b;
    c->spare_count++;
}

void wr_kafka_part_drop(wr_kafka_consumer *c, wr_kafka_part *p)
{
    (void)atomic_fetch_add_explicit(&p->epoch, 1, memory_order_acq_rel);
    if (!p->open)
        return;
    c->buffered_bytes -= wr_kafka_batch_bytes(p->open);
    wr_kafka_batch_recycle(c, p->open);
    p->open = NULL;
}

/* --- to the writer --------------------------------------------------------------------
 */

static void submit(wr_kafka_consumer *c, wr_kafka_part *p, wr_kafka_batch *b,
                   const char *status, const char *last_error)
{
    wr_kafka_job *job = wr_calloc(1, sizeof *job);
    if (!job) {
        (void)wr_fail(&c->fatal, WR_ENOMEM, "job of the writer");
        c->buffered_bytes -= wr_kafka_batch_bytes(b);
        wr_kafka_batch_recycle(c, b);
        return;
    }
    int64_t low = 0;
    int64_t high = 0;
    if (!rd_kafka_get_watermark_offsets(c->client.rk, c->o->topic, p->id, &low, &high) &&
        high > 0)
        p->high = high;
    /* A cached watermark may be older than the messages that have come since. */
    if (p->high && p->high < b->next_offset)
        p->high = b->next_offset;
    b->high_watermark = p->high;
    *job = (wr_kafka_job){.partition = p->id,
                          .batch = b,
                          .epoch_now = &p->epoch,
                          .epoch = b->epoch,
                          .tally = &p->tally,
                          .status = status,
                          .last_error = last_error};
    p->under_way++;
    c->under_way++;
    wr_kafka_writer_submit(c->writer, job);
}

void wr_kafka_part_flush(wr_kafka_consumer *c, wr_kafka_part *p)
{
    wr_kafka_batch *b = p->open;
    if (!b || wr_kafka_batch_is_empty(b))
        return;
    p->open = NULL;
    submit(c, p, b, "running", NULL);
}

void wr_kafka_part_mark(wr_kafka_consumer *c, wr_kafka_part *p, const char *status,
                        const char *last_error)
{
    wr_kafka_batch *b = new_batch(c, p, p->is_known ? p->stored : p->next);
    if (!b)
        return;
    wr_kafka_batch_skip(b, p->next);
    submit(c, p, b, status, last_error);
}

/* --- from the client ------------------------------------------------------------------
 */

/*
 * Is this the place where the partition goes on?  A jump right behind a seek must be seen
 * twice: the first may come from a message that the client had in hand before it.
 */
static bool is_in_place(wr_kafka_consumer *c, wr_kafka_part *p, int64_t offset)
{
    if (p->state != WR_KAFKA_RUNNING || c->is_closing || offset < p->next)
        return false;
    if (p->is_unsure && offset > p->next && offset != p->seen) {
        p->seen = offset;
        (void)wr_kafka_seek(c, p);
        return false;
    }
    p->is_unsure = false;
    p->seen = -1;
    return true;
}

/* The open batch; NULL: out of memory. */
static wr_kafka_batch *open_batch(wr_kafka_consumer *c, wr_kafka_part *p)
{
    if (!p->open) {
        p->open = new_batch(c, p, p->next);
        if (p->open)
            c->buffered_bytes += wr_kafka_batch_bytes(p->open);
    }
    return p->open;
}

void wr_kafka_part_take(wr_kafka_consumer *c, wr_kafka_part *p,
                        const rd_kafka_message_t *m)
{
    if (!is_in_place(c, p, m->offset))
        return;
    wr_kafka_batch *b = open_batch(c, p);
    if (!b)
        return;
    const wr_kafka_message msg = {
        .offset = m->offset,
        .key = {.p = m->key, .len = (uint32_t)m->key_len},
        .payload = {.p = m->payload, .len = (uint32_t)m->len},
    };
    const size_t before = wr_kafka_batch_bytes(b);
    if (wr_kafka_batch_add(b, c->o->decoder, c->source, &msg, &c->fatal) != WR_OK)
        return; /* fatal: nothing of it will be stored */
    c->buffered_bytes += wr_kafka_batch_bytes(b) - before;
    p->next = b->next_offset;
    if (wr_kafka_batch_is_full(b, &c->o->limits))
        wr_kafka_part_flush(c, p);
}

void wr_kafka_part_end(wr_kafka_consumer *c, wr_kafka_part *p, int64_t offset)
{
    if (!is_in_place(c, p, offset) || offset == p->next)
        return;
    wr_kafka_batch *b = open_batch(c, p);
    if (!b)
        return;
    wr_kafka_batch_skip(b, offset);
    p->next = offset;
}
