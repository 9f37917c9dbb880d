#include "wr_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ingest/kafka_writer_int.h"
#include "util/rng.h"

#define GOOD                                                                        \
    "{\"chain\":\"ETH\",\"tx_hash\":"                                               \
    "\"0x000000000000000000000000000000000000000000000000000000000000%04d\","       \
    "\"from\":\"0x1fb7bd310d95f2a6d9baaf8a8a430a9a04453a8b\","                      \
    "\"to\":\"0xb5aef1de312925438c00d12fca19c8d8a99e3d1e\",\"value\":1.5,\"time\":" \
    "1600000000}"

/* No test here has a dead letter: the dead topic is not touched. */
typedef struct desk {
    wr_kafka_writer *w;
    wr_kafka_dead dead;
    wr_transfer_decoder *decoder;
    atomic_uint epoch;
    wr_kafka_tally tally;
    atomic_uint woken;
} desk;

static void wake(void *ctx)
{
    (void)atomic_fetch_add(&((desk *)ctx)->woken, 1);
}

static void start_at(desk *d, const char *dsn, int lanes)
{
    *d = (desk){0};
    wr_store *st = NULL;
    wr_migrate_report rep;
    wr_transfer_opts o = WR_TRANSFER_OPTS_INIT;
    assert_ok(wr_store_open(&st, dsn, &err));
    assert_ok(wr_store_migrate(st, &rep, &err));
    assert_ok(wr_transfer_decoder_new(&d->decoder, &o, &err));
    const wr_kafka_writer_opts w = {.dsn = dsn,
                                    .source = "kafka:t",
                                    .dead = &d->dead,
                                    .lanes = lanes,
                                    .wake = wake,
                                    .ctx = d};
    assert_ok(wr_kafka_writer_start(&d->w, &w, st, &err));
}

static void start(desk *d)
{
    start_at(d, "memory:", 0);
}

static void stop(desk *d)
{
    wr_kafka_writer_stop(d->w);
    wr_transfer_decoder_free(d->decoder);
}

static wr_kafka_job *new_job(desk *d, wr_kafka_batch *b)
{
    wr_kafka_job *job = wr_calloc(1, sizeof *job);
    assert_non_null(job);
    *job = (wr_kafka_job){.partition = b ? b->partition : 1,
                          .batch = b,
                          .epoch_now = &d->epoch,
                          .epoch = atomic_load(&d->epoch),
                          .tally = &d->tally,
                          .status = "running"};
    return job;
}

/* Offsets from..to-1, each a transfer of that number + first. */
static wr_kafka_batch *batch_in(desk *d, int32_t partition, int first, int from, int to)
{
    wr_kafka_batch *b = NULL;
    assert_ok(wr_kafka_batch_new(&b, &err));
    wr_kafka_batch_begin(b, partition, from, atomic_load(&d->epoch));
    for (int i = from; i < to; i++) {
        char text[512];
        (void)snprintf(text, sizeof text, GOOD, first + i);
        const wr_kafka_message m = {.offset = i, .payload = wr_text_of(text)};
        assert_ok(wr_kafka_batch_add(b, d->decoder, WR_TEXT_LIT("kafka:t"), &m, &err));
    }
    return b;
}

static wr_kafka_batch *batch_of(desk *d, int from, int to)
{
    return batch_in(d, 1, 0, from, to);
}

static wr_kafka_job *answer(desk *d)
{
    wr_kafka_job *job = NULL;
    for (int i = 0; i < 100 && !job; i++) {
        wr_kafka_writer_wait(d->w, 100);
        job = wr_kafka_writer_take(d->w);
    }
    assert_non_null(job);
    return job;
}

static void put(desk *d, wr_kafka_batch *b, wr_kafka_outcome want, uint64_t inserted)
{
    wr_kafka_writer_submit(d->w, new_job(d, b));
    wr_kafka_job *job = answer(d);
    assert_int_equal(job->outcome, want);
    assert_int_equal(job->res.inserted, inserted);
    assert_ok(wr_kafka_writer_check(d->w, &err));
    wr_kafka_job_free(job);
}

static void stands_at(desk *d, bool is_known, int64_t next)
{
    wr_kafka_writer_submit(d->w, new_job(d, NULL));
    wr_kafka_job *job = answer(d);
    assert_int_equal(job->outcome, WR_KAFKA_READ);
    assert_int_equal(job->is_known, is_known);
    assert_int_equal(job->next_offset, next);
    wr_kafka_job_free(job);
}

static void test_writer__stores_and_reads(void **state)
{
    (void)state;
    desk d;
    start(&d);
    stands_at(&d, false, 0);
    put(&d, batch_of(&d, 10, 13), WR_KAFKA_STORED, 3);
    stands_at(&d, true, 13);
    put(&d, batch_of(&d, 13, 15), WR_KAFKA_STORED, 2);
    assert_null(wr_kafka_writer_take(d.w));
    stop(&d);
    assert_int_equal(atomic_load(&d.woken), 4);
}

static void test_writer__fence(void **state)
{
    (void)state;
    desk d;
    start(&d);
    put(&d, batch_of(&d, 0, 5), WR_KAFKA_STORED, 5);
    put(&d, batch_of(&d, 0, 5), WR_KAFKA_FENCED, 0); /* another member's */
    put(&d, batch_of(&d, 3, 9), WR_KAFKA_FENCED, 0);
    put(&d, batch_of(&d, 7, 9), WR_KAFKA_FENCED, 0);
    stands_at(&d, true, 5);
    stop(&d);
}

static void test_writer__lost_answer(void **state)
{
    (void)state;
    desk d;
    start(&d);
    stands_at(&d, false, 0);
    put(&d, batch_of(&d, 0, 5), WR_KAFKA_STORED, 5);
    wr_kafka_batch *b = batch_of(&d, 0, 5); /* as if the answer had not come */
    b->is_tried = true;
    put(&d, b, WR_KAFKA_STORED, 0); /* it is there, and was counted */
    b = batch_of(&d, 2, 7);         /* ends where the database does not stand */
    b->is_tried = true;
    put(&d, b, WR_KAFKA_FENCED, 0);
    stands_at(&d, true, 5);
    stop(&d);
}

static void test_writer__epoch(void **state)
{
    (void)state;
    desk d;
    start(&d);
    wr_kafka_job *old = new_job(&d, batch_of(&d, 0, 5));
    (void)atomic_fetch_add(&d.epoch, 1);
    wr_kafka_writer_submit(d.w, old);
    wr_kafka_job *job = answer(&d);
    assert_ptr_equal(job, old);
    assert_int_equal(job->outcome, WR_KAFKA_DROPPED);
    wr_kafka_job_free(job);
    stands_at(&d, false, 0);
    put(&d, batch_of(&d, 0, 5), WR_KAFKA_STORED, 5);
    stop(&d);
}

/* Each partition in order, whichever lane has it, and everything once. */
static void test_writer__lanes_keep_the_order_of_a_partition(void **state)
{
    (void)state;
    enum { PARTS = 5, BATCHES = 40, ROWS = 3 };
    char dir[] = "/tmp/wr-lanes.XXXXXX";
    char path[48], dsn[64];
    desk d;
    wr_kafka_tally tally[PARTS] = {{0}};
    int64_t next[PARTS] = {0};
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof path, "%s/w.db", dir);
    (void)snprintf(dsn, sizeof dsn, "sqlite:%s", path);
    start_at(&d, dsn, WR_KAFKA_LANES_MAX);
    wr_rng r = {.s = 3};
    int sent[PARTS] = {0};
    for (int left = PARTS * BATCHES; left > 0;) {
        const int p = (int)wr_rng_below(&r, PARTS);
        if (sent[p] == BATCHES)
            continue;
        wr_kafka_job *job =
            new_job(&d, batch_in(&d, p, p * 1000, sent[p] * ROWS, (sent[p] + 1) * ROWS));
        job->tally = &tally[p];
        wr_kafka_writer_submit(d.w, job);
        sent[p]++;
        left--;
    }
    for (int k = 0; k < PARTS * BATCHES; k++) {
        wr_kafka_job *job = answer(&d);
        assert_int_equal(job->outcome, WR_KAFKA_STORED);
        assert_int_equal(job->res.inserted, ROWS);
        assert_int_equal(job->batch->from_offset, next[job->partition]);
        next[job->partition] = job->batch->next_offset;
        wr_kafka_job_free(job);
    }
    for (int p = 0; p < PARTS; p++)
        assert_int_equal(tally[p].inserted, BATCHES * ROWS);
    stop(&d);
    for (const char *const *e = (const char *const[]){"", "-wal", "-shm", NULL}; *e;
         e++) {
        char file[80];
        (void)snprintf(file, sizeof file, "%s%s", path, *e);
        (void)unlink(file);
    }
    assert_int_equal(rmdir(dir), 0);
}

static void test_writer__stop_frees_what_waits(void **state)
{
    (void)state;
    desk d;
    start(&d);
    for (int i = 0; i < 200; i++)
        wr_kafka_writer_submit(d.w, new_job(&d, batch_of(&d, i, i + 1)));
    stop(&d); /* wr_unit_test counts the blocks */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_writer__stores_and_reads),
        wr_unit_test(test_writer__fence),
        wr_unit_test(test_writer__lost_answer),
        wr_unit_test(test_writer__epoch),
        wr_unit_test(test_writer__lanes_keep_the_order_of_a_partition),
        wr_unit_test(test_writer__stop_frees_what_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
