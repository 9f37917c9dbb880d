/*
 * wire.h - one accepted request's bytes in and out, without saying whose server it is.
 *
 * server.c fills it from civetweb; unit tests fill it from arrays.  Thread: the worker's.
 */
#ifndef WR_API_WIRE_H
#define WR_API_WIRE_H

#include <stddef.h>
#include <stdint.h>

typedef struct wr_wire {
    /* Up to len body bytes; 0 = the body has ended, < 0 = it broke off or timed out. */
    int (*read)(void *ctx, void *buf, size_t len);
    /* All len bytes; fewer or < 0 = the client is gone. */
    int (*write)(void *ctx, const void *bytes, size_t len);
    /*
     * Bytes of head, then body, that go out at once without waiting; the rest is write's.
     * 0 = none, for whatever reason.  May be NULL.
     */
    size_t (*write_now)(void *ctx, const void *head, size_t head_len, const void *body,
                        size_t body_len);
    /* Reads fail from this monotonic time on; 0 = no end.  May be NULL. */
    void (*set_end)(void *ctx, int64_t mono_us);
    void *ctx;
} wr_wire;

static inline void wr_wire_set_end(const wr_wire *w, int64_t mono_us)
{
    if (w->set_end)
        w->set_end(w->ctx, mono_us);
}

static inline size_t wr_wire_write_now(const wr_wire *w, const void *head,
                                       size_t head_len, const void *body, size_t body_len)
{
    return w->write_now ? w->write_now(w->ctx, head, head_len, body, body_len) : 0;
}

/* A request as parsed, before anything in it is believed. */
typedef struct wr_raw_header {
    const char *name, *value;
} wr_raw_header;

enum { WR_RAW_HEADER_MAX = 64 };

typedef struct wr_raw_request {
    const char *method, *version;
    const char *path;  /* as sent, percent-encoded, without the query */
    const char *query; /* as sent, NULL = none */
    const wr_raw_header *header;
    int header_count; /* WR_RAW_HEADER_MAX: there may have been more */
} wr_raw_request;

#endif
