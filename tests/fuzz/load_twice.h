/*
 * load_twice.h - arbitrary bytes as a file of transfers: every record is accepted or
 * refused exactly once, whole = in batches = gone on with after a stop.
 */
#ifndef WR_FUZZ_LOAD_TWICE_H
#define WR_FUZZ_LOAD_TWICE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "codec/transfer_reader.h"
#include "util/digest.h"

static void require(bool holds)
{
    if (!holds)
        abort();
}

typedef struct load {
    uint64_t records, transfers, dead;
    uint64_t accepted, refused; /* hashes, in order */
    wr_transfer_mark first;     /* after the first batch */
} load;

static uint64_t mix_text(uint64_t h, wr_text t)
{
    return wr_hash64(t.len ? t.p : "", t.len, h + t.len);
}

static uint64_t mix_transfer(uint64_t h, const wr_transfer *t)
{
    require(t->chain && t->tx_hash.len && t->from.len && t->to.len && t->asset.len);
    require(t->from.len <= WR_ADDRESS_MAX && t->to.len <= WR_ADDRESS_MAX);
    require(t->tx_hash.len <= WR_TX_HASH_MAX && t->memo.len <= WR_MEMO_MAX);
    require(t->time_s >= WR_TIME_MIN_S && t->value >= 0 && t->value < 1e40);
    require(wr_utf8_is_valid(t->memo) && wr_utf8_is_valid(t->from));
    h = mix_text(h, t->tx_hash);
    h = mix_text(mix_text(h, t->from), t->to);
    h = mix_text(mix_text(h, t->asset), t->memo);
    const uint64_t rest[] = {(uint64_t)t->amount_base,
                             (uint64_t)(t->amount_base >> 64),
                             (uint64_t)t->time_s,
                             (uint64_t)t->block,
                             t->position,
                             t->flags};
    return wr_hash64(rest, sizeof rest, h);
}

static uint64_t mix_dead(uint64_t h, const wr_dead_letter *d, uint64_t record)
{
    require(d->position > (int64_t)record && d->reason.len && d->raw.len <= d->raw_bytes);
    require(d->raw.len <= WR_DEAD_RAW_MAX && d->reason.len < WR_DEAD_REASON_MAX);
    require(wr_utf8_is_valid(d->reason));
    h = mix_text(mix_text(h, d->reason), d->field);
    return wr_hash64(&d->position, sizeof d->position, mix_text(h, d->raw));
}

/* From where the reader is to the end. */
static void drain(wr_transfer_reader *r, load *l)
{
    wr_transfer_batch b = {0};
    do {
        wr_err err = {0};
        const wr_status s = wr_transfer_reader_next(r, &b, &err);
        require(s == WR_OK || s == WR_ECORRUPT); /* the bytes may be a broken gzip */
        if (s != WR_OK)
            break;
        for (size_t i = 0; i < b.transfer_count; i++)
            l->accepted = mix_transfer(l->accepted, &b.transfer[i]);
        for (size_t i = 0; i < b.dead_count; i++) {
            l->refused = mix_dead(l->refused, &b.dead[i], l->records);
            require(b.dead[i].position <= (int64_t)(l->records + b.records));
        }
        require(b.dead_count <= b.records &&
                b.transfer_count + b.dead_count >= b.records);
        if (!l->records)
            l->first = b.next;
        l->records += b.records;
        l->transfers += b.transfer_count;
        l->dead += b.dead_count;
        require(b.next.record == l->records);
    } while (b.records);
    wr_transfer_batch_release(&b);
}

/* is_one_each: CSV, a record is one transfer or one dead letter. */
static void load_twice(const void *bytes, size_t size, const char *format,
                       bool is_one_each)
{
    char path[64];
    const int fd = memfd_create("fuzz", 0);
    require(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    wr_transfer_reader_opts o = WR_TRANSFER_READER_OPTS_INIT;
    o.path = path;
    o.source = "fuzz";
    o.transfer.format = format;
    o.transfer.chain = "opaque:fuzz";
    o.transfer.now_s = 1900000000;
    load whole = {0};
    load parts = {0};
    wr_transfer_reader *r = NULL;
    if (wr_transfer_reader_open(&r, &o, NULL) == WR_OK) {
        drain(r, &whole);
        wr_transfer_reader_close(r);
        r = NULL;
        require(!is_one_each || whole.transfers + whole.dead == whole.records);
        o.batch_rows = 1;
        require(wr_transfer_reader_open(&r, &o, NULL) == WR_OK);
        drain(r, &parts);
        wr_transfer_reader_close(r);
        r = NULL;
        require(whole.records == parts.records && whole.accepted == parts.accepted &&
                whole.refused == parts.refused);
        if (parts.records) { /* stop after the first batch, go on */
            load rest = {.records = parts.first.record};
            require(wr_transfer_reader_open(&r, &o, NULL) == WR_OK);
            require(wr_transfer_reader_skip(r, &parts.first, NULL) == WR_OK);
            drain(r, &rest);
            wr_transfer_reader_close(r);
            require(rest.records == whole.records);
        }
    }
    (void)close(fd);
}

#endif
