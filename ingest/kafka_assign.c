/* Which partitions are ours, and where they begin. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ingest/kafka_consume_int.h"
#include "util/clock.h"
#include "util/log.h"

enum {
    WATERMARK_TIMEOUT_MS = 2000,
    SEEK_TIMEOUT_MS = 5000,
    RETRY_US = 500000,
    REVOKE_WAIT_MS = 2000,
    BEYOND_MAX = 4, /* a broker that starts may know less for a moment */
};

wr_status wr_kafka_begin_at(int64_t *begin, uint64_t *lost, const char *topic,
                            int32_t partition, bool is_known, int64_t stored, int64_t low,
                            int64_t high, wr_err *err)
{
    if (is_known && stored > high)
        return wr_fail(
            err, WR_ECONFLICT,
            "topic '%s' partition %" PRId32 " ends at %" PRId64
            ", the database stands at %" PRId64
            ": the topic was made anew; give it another name, or take its rows "
            "out of ingestion_state",
            topic, partition, high, stored);
    *begin = is_known && stored > low ? stored : low;
    *lost = is_known && stored < low ? (uint64_t)(low - stored) : 0;
    return WR_OK;
}

static void submit_read(wr_kafka_consumer *c, wr_kafka_part *p)
{
    wr_kafka_job *job = wr_calloc(1, sizeof *job);
    if (!job) {
        (void)wr_fail(&c->fatal, WR_ENOMEM, "job of the writer");
        return;
    }
    *job = (wr_kafka_job){.partition = p->id,
                          .epoch_now = &p->epoch,
                          .epoch = atomic_load(&p->epoch),
                          .tally = &p->tally};
    p->state = WR_KAFKA_READING;
    c->under_way++;
    wr_kafka_writer_submit(c->writer, job);
}

void wr_kafka_relocate(wr_kafka_consumer *c, wr_kafka_part *p)
{
    wr_kafka_part_drop(c, p);
    submit_read(c, p);
}

void wr_kafka_take_read(wr_kafka_consumer *c, const wr_kafka_job *job)
{
    wr_kafka_part *p = c->part[job->partition];
    if (job->epoch != atomic_load(&p->epoch) || p->state != WR_KAFKA_READING)
        return;
    p->is_known = job->is_known;
    p->stored = job->next_offset;
    p->state = WR_KAFKA_LOCATING;
    p->beyond = 0;
}

/* --- where it begins ------------------------------------------------------------------
 */

static void say_lost(const wr_kafka_consumer *c, const wr_kafka_part *p, uint64_t lost,
                     int64_t low)
{
    char partition[16];
    char count[24];
    char from[24];
    char to[24];
    (void)snprintf(partition, sizeof partition, "%" PRId32, p->id);
    (void)snprintf(count, sizeof count, "%" PRIu64, lost);
    (void)snprintf(from, sizeof from, "%" PRId64, p->stored);
    (void)snprintf(to, sizeof to, "%" PRId64, low);
    wr_log(WR_LOG_ERROR, "offsets_lost", "topic", c->o->topic, "partition", partition,
           "offsets", count, "stored", from, "log_start", to, NULL);
}

/* false: ask again later. */
static bool locate_one(wr_kafka_consumer *c, wr_kafka_part *p)
{
    int64_t low = 0;
    int64_t high = 0;
    uint64_t lost = 0;
    p->retry_us = wr_clock_mono_us() + RETRY_US;
    if (rd_kafka_query_watermark_offsets(c->client.rk, c->o->topic, p->id, &low, &high,
                                         WATERMARK_TIMEOUT_MS))
        return false;
    wr_kafka_client_is_up(&c->client);
    wr_err why = {0};
    if (wr_kafka_begin_at(&p->next, &lost, c->o->topic, p->id, p->is_known, p->stored,
                          low, high, &why) != WR_OK) {
        if (++p->beyond >= BEYOND_MAX)
            (void)wr_fail(&c->fatal, why.code, "%s", why.msg);
        return false;
    }
    p->high = high;
    if (p->target < 0)
        p->target = high;
    if (lost) {
        say_lost(c, p, lost, low);
        p->n.lost += lost;
    }
    p->state = WR_KAFKA_LOCATED;
    return true;
}

/* The client is at p->next, or will be: say so in the database. */
static void run(wr_kafka_consumer *c, wr_kafka_part *p)
{
    p->state = WR_KAFKA_RUNNING;
    p->is_pending = false;
    p->is_unsure = true;
    p->seen = -1;
    p->retry_us = 0;
    wr_kafka_part_mark(c, p, "running", NULL);
}

bool wr_kafka_seek(wr_kafka_consumer *c, wr_kafka_part *p)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, c->o->topic, p->id)->offset = p->next;
    rd_kafka_error_t *e = rd_kafka_seek_partitions(c->client.rk, list, SEEK_TIMEOUT_MS);
    const bool is_done = !e && !list->elems[0].err;
    if (!is_done) {
        wr_log(WR_LOG_WARN, "seek_again", "error",
               e ? rd_kafka_error_string(e) : rd_kafka_err2str(list->elems[0].err), NULL);
        p->retry_us = wr_clock_mono_us() + RETRY_US;
        wr_kafka_relocate(c, p);
    }
    if (e)
        rd_kafka_error_destroy(e);
    rd_kafka_topic_partition_list_destroy(list);
    return is_done;
}

/* --- assignments ----------------------------------------------------------------------
 */

static bool is_cooperative(rd_kafka_t *rk)
{
    const char *how = rd_kafka_rebalance_protocol(rk);
    return how && strcmp(how, "COOPERATIVE") == 0;
}

static void check(const char *what, rd_kafka_error_t *e, rd_kafka_resp_err_t code)
{
    if (e || code)
        wr_log(WR_LOG_WARN, "assignment", "step", what, "error",
               e ? rd_kafka_error_string(e) : rd_kafka_err2str(code), NULL);
    if (e)
        rd_kafka_error_destroy(e);
}

/* list NULL: nothing. */
static void assign(wr_kafka_consumer *c, const rd_kafka_topic_partition_list_t *list)
{
    if (is_cooperative(c->client.rk))
        check("assign", rd_kafka_incremental_assign(c->client.rk, list), 0);
    else
        check("assign", NULL, rd_kafka_assign(c->client.rk, list));
}

static void unassign(wr_kafka_consumer *c, const rd_kafka_topic_partition_list_t *list)
{
    if (is_cooperative(c->client.rk))
        check("unassign", rd_kafka_incremental_unassign(c->client.rk, list), 0);
    else
        check("unassign", NULL, rd_kafka_assign(c->client.rk, NULL));
}

void wr_kafka_forget_pending(wr_kafka_consumer *c)
{
    if (!c->pending)
        return;
    rd_kafka_topic_partition_list_t *none = rd_kafka_topic_partition_list_new(0);
    for (int i = 0; i < c->pending->cnt; i++) {
        wr_kafka_part *p = c->part[c->pending->elems[i].partition];
        wr_kafka_part_drop(c, p);
        p->state = WR_KAFKA_GONE;
        p->is_pending = false;
    }
    rd_kafka_topic_partition_list_destroy(c->pending);
    c->pending = NULL;
    assign(c, none);
    rd_kafka_topic_partition_list_destroy(none);
}

static void take_over(wr_kafka_consumer *c, const rd_kafka_topic_partition_list_t *list)
{
    if (c->pending)
        rd_kafka_topic_partition_list_destroy(c->pending);
    c->pending = rd_kafka_topic_partition_list_copy(list);
    c->is_assigned = true;
    c->assigned_us = wr_clock_mono_us();
    for (int i = 0; i < list->cnt; i++) {
        wr_kafka_part *p = wr_kafka_part_of(c, list->elems[i].partition);
        if (!p)
            return;
        p->is_pending = true;
        p->retry_us = 0;
        p->target = -1;
        wr_kafka_relocate(c, p);
    }
}

/* The put in hand is let finish, so that whoever comes next need not be fenced. */
static void await_puts(wr_kafka_consumer *c, const rd_kafka_topic_partition_list_t *list)
{
    const int64_t until_us = wr_clock_mono_us() + (int64_t)REVOKE_WAIT_MS * 1000;
    for (int i = 0; i < list->cnt; i++) {
        const wr_kafka_part *p = c->part[list->elems[i].partition];
        int64_t now_us;
        while (p->under_way && (now_us = wr_clock_mono_us()) < until_us) {
            wr_kafka_writer_wait(c->writer, (until_us - now_us) / 1000 + 1);
            wr_kafka_take_answers(c);
        }
    }
}

static void give_up(wr_kafka_consumer *c, const rd_kafka_topic_partition_list_t *list)
{
    for (int i = 0; i < list->cnt; i++) {
        wr_kafka_part *p = wr_kafka_part_of(c, list->elems[i].partition);
        if (!p)
            return;
        p->state = WR_KAFKA_GONE;
        p->is_pending = false;
        wr_kafka_part_drop(c, p);
    }
    await_puts(c, list);
}

void wr_kafka_on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t what,
                           rd_kafka_topic_partition_list_t *list, void *opaque)
{
    wr_kafka_consumer *c = ((wr_kafka_client *)opaque)->owner;
    char count[16];
    (void)snprintf(count, sizeof count, "%d", list->cnt);
    const bool is_assign = what == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
    wr_log(WR_LOG_INFO, is_assign ? "assigned" : "revoked", "partitions", count,
           "protocol", rd_kafka_rebalance_protocol(rk), NULL);
    if (is_assign && !c->is_closing) {
        take_over(c, list); /* the client gets it when all offsets are known */
        return;
    }
    if (is_assign) {
        rd_kafka_topic_partition_list_t *none = rd_kafka_topic_partition_list_new(0);
        assign(c, none);
        rd_kafka_topic_partition_list_destroy(none);
        return;
    }
    if (c->pending) {
        rd_kafka_topic_partition_list_destroy(c->pending);
        c->pending = NULL;
    }
    give_up(c, list);
    if (c->is_paused) /* the client remembers it over assignments */
        (void)rd_kafka_resume_partitions(rk, list);
    unassign(c, list);
}

/* Give the waiting assignment to the client when all of it is located. */
static void assign_pending(wr_kafka_consumer *c)
{
    for (int i = 0; i < c->pending->cnt; i++) {
        const wr_kafka_part *p = c->part[c->pending->elems[i].partition];
        if (p->state != WR_KAFKA_LOCATED)
            return;
        c->pending->elems[i].offset = p->next;
    }
    rd_kafka_topic_partition_list_t *list = c->pending;
    c->pending = NULL;
    assign(c, list);
    if (c->is_paused)
        (void)rd_kafka_pause_partitions(c->client.rk, list);
    else
        (void)rd_kafka_resume_partitions(c->client.rk, list);
    for (int i = 0; i < list->cnt; i++)
        run(c, c->part[list->elems[i].partition]);
    rd_kafka_topic_partition_list_destroy(list);
}

void wr_kafka_locate(wr_kafka_consumer *c)
{
    const int64_t now_us = wr_clock_mono_us();
    for (size_t i = 0; i < c->part_cap; i++) {
        wr_kafka_part *p = c->part[i];
        if (!p || p->state != WR_KAFKA_LOCATING || now_us < p->retry_us)
            continue;
        if (!locate_one(c, p))
            break; /* the broker does not answer: no use in asking for the others now */
        if (!p->is_pending && wr_kafka_seek(c, p))
            run(c, p);
    }
    if (c->pending)
        assign_pending(c);
}
