/*
 * codec_test.h - files for readers under test, and a whole load written out as one text,
 * so that two ways of loading compare by strcmp.
 */
#ifndef WR_CODEC_TEST_H
#define WR_CODEC_TEST_H

#include "wr_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "codec/transfer_reader.h"
#include "util/buf.h"

enum { NOW_S = 1900000000 /* tests do not depend on the day they run */ };

/* A file of these bytes in /tmp; removed by file_remove. */
typedef struct file {
    char path[64];
} file;

static inline file file_of(const void *bytes, size_t len)
{
    file f = {.path = "/tmp/wr_codec_XXXXXX"};
    int fd = mkstemp(f.path);
    assert_true(fd >= 0);
    for (size_t at = 0; at < len;) {
        ssize_t n = write(fd, (const char *)bytes + at, len - at);
        assert_true(n > 0);
        at += (size_t)n;
    }
    assert_int_equal(close(fd), 0);
    return f;
}

static inline void file_remove(const file *f)
{
    assert_int_equal(unlink(f->path), 0);
}

static inline wr_transfer_reader_opts reader_opts(const file *f)
{
    wr_transfer_reader_opts o = WR_TRANSFER_READER_OPTS_INIT;
    o.path = f->path;
    o.source = "test";
    o.transfer.now_s = NOW_S;
    return o;
}

static inline void print_transfer(wr_buf *out, const wr_transfer *t)
{
    char amount[WR_AMOUNT_TEXT_MAX];
    wr_amount_format(amount, t->amount_base);
    wr_buf_addf(out, "T %s %.*s/%u b%lld t%lld %.*s > %.*s %s %.*s/%u", t->chain->id,
                WR_TEXT_ARG(t->tx_hash), t->position, (long long)t->block,
                (long long)t->time_s, WR_TEXT_ARG(t->from), WR_TEXT_ARG(t->to), amount,
                WR_TEXT_ARG(t->asset), t->decimals);
    wr_buf_addf(out, " f%u v%.17g '", t->flags, t->value);
    wr_buf_add(out, t->memo.p, t->memo.len);
    wr_buf_adds(out, "'\n");
}

static inline void print_dead(wr_buf *out, const wr_dead_letter *d)
{
    wr_buf_addf(out, "D %lld [%.*s] %.*s | %llu: ", (long long)d->position,
                WR_TEXT_ARG(d->field), WR_TEXT_ARG(d->reason),
                (unsigned long long)d->raw_bytes);
    wr_buf_add(out, d->raw.p, d->raw.len);
    wr_buf_adds(out, "\n");
}

typedef struct totals {
    uint64_t records, transfers, dead, batches;
    wr_transfer_mark next;
} totals;

static inline void add_batch(wr_buf *accepted, wr_buf *refused, totals *sum,
                             const wr_transfer_batch *b)
{
    for (size_t i = 0; accepted && i < b->transfer_count; i++)
        print_transfer(accepted, &b->transfer[i]);
    for (size_t i = 0; refused && i < b->dead_count; i++)
        print_dead(refused, &b->dead[i]);
    sum->records += b->records;
    sum->transfers += b->transfer_count;
    sum->dead += b->dead_count;
    sum->batches += b->records > 0;
    sum->next = b->next;
}

/* Everything from here to the end of the file. */
static inline wr_status drain(wr_transfer_reader *r, wr_buf *accepted, wr_buf *refused,
                              totals *sum, wr_err *err)
{
    wr_transfer_batch b = {0};
    wr_status s;
    do {
        s = wr_transfer_reader_next(r, &b, err);
        if (s == WR_OK)
            add_batch(accepted, refused, sum, &b);
    } while (s == WR_OK && b.records);
    wr_transfer_batch_release(&b);
    return s;
}

static inline wr_status load(const wr_transfer_reader_opts *o, wr_buf *accepted,
                             wr_buf *refused, totals *sum, wr_err *err)
{
    WR_AUTO(wr_transfer_reader) r = NULL;
    WR_TRY(wr_transfer_reader_open(&r, o, err));
    return drain(r, accepted, refused, sum, err);
}

enum { PRINT_MAX = 1 << 30 };

/* Load bytes and compare what is accepted and refused with these texts. */
static inline void expect_load(const char *bytes, size_t len, const char *chain,
                               const char *accepted, const char *refused)
{
    const file f = file_of(bytes, len);
    wr_transfer_reader_opts o = reader_opts(&f);
    wr_buf in;
    wr_buf out;
    totals sum = {0};
    o.transfer.chain = chain;
    wr_buf_init(&in, PRINT_MAX);
    wr_buf_init(&out, PRINT_MAX);
    assert_ok(load(&o, &in, &out, &sum, &err));
    if (accepted)
        assert_string_equal(wr_buf_cstr(&in), accepted);
    if (refused)
        assert_string_equal(wr_buf_cstr(&out), refused);
    assert_true(sum.dead <= sum.records);
    wr_buf_release(&in);
    wr_buf_release(&out);
    file_remove(&f);
}

#define ROW_HEAD "from,to,amount,time,hash,memo,extra\n"

/* What an accepted row of these tests prints as. */
static inline void print_row(wr_buf *b, const char *from, const char *to,
                             const char *hash, const char *memo)
{
    wr_buf_addf(b, "T opaque:t %s/0 b-1 t1700000000 %s > %s 5 UNIT/2 f1 v%.17g '%s'\n",
                hash, from, to, 0.05, memo);
}

static inline void expect(const char *text, const char *accepted, const char *refused)
{
    expect_load(text, strlen(text), "opaque:t", accepted, refused);
}

/* Rows of all sorts; three kinds of trouble, line breaks and quotes inside quotes. */
static inline void random_csv(wr_rng *rng, wr_buf *b, int rows)
{
    wr_buf_adds(b, ROW_HEAD);
    for (int i = 0; i < rows; i++) {
        const uint64_t kind = wr_rng_below(rng, 100);
        wr_buf_addf(b, "a%d,b%d,5,1700000000,", (int)wr_rng_below(rng, 50), i % 7);
        if (wr_rng_below(rng, 3))
            wr_buf_addf(b, "h%d", i);
        wr_buf_adds(b, ",");
        if (kind < 10)
            wr_buf_addf(b, "\"%.*s\n%.*s\"\"q,\"", (int)wr_rng_below(rng, 30),
                        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", (int)wr_rng_below(rng, 30),
                        "\n,\n,\n,\n,\n,\n,\n,\n,\n,\n,\n,\n,\n,\n,\n,");
        else if (kind == 10)
            wr_buf_adds(b, "\"open");
        else if (kind == 11)
            wr_buf_adds(b, "\"shut\" tail");
        else if (kind == 12)
            wr_buf_adds(b, "one,more");
        else
            wr_buf_addf(b, "%.*s", (int)kind,
                        "memo memo memo memo memo memo memo memo memo memo"
                        " memo memo memo memo memo memo memo memo memo ");
        wr_buf_adds(b, kind % 9 ? ",\n" : ",x\r\n");
    }
}

#endif
