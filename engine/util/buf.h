/*
 * buf.h - growable byte buffer that is created with its maximum (after curl's dynbuf).
 *
 * Always NUL-terminated behind len.  The first failure (out of memory, over the
 * maximum) sticks: later appends do nothing and wr_buf_status tells which it was,
 * so that a writer checks once at the end.  Thread: one object one thread.
 */
#ifndef WR_UTIL_BUF_H
#define WR_UTIL_BUF_H

#include <stddef.h>

#include "util/err.h"
#include "util/mem.h"
#include "util/text.h"

typedef struct wr_buf {
    char *p; /* NULL while empty; owned */
    size_t len;
    size_t cap;
    size_t max;
    wr_status status;
} wr_buf;

void wr_buf_init(wr_buf *b, size_t max_bytes);
void wr_buf_release(wr_buf *b); /* safe on a zeroed struct */
void wr_buf_clear(wr_buf *b);   /* len = 0, status = WR_OK; keeps the memory */

void wr_buf_add(wr_buf *b, const void *bytes, size_t len);
void wr_buf_adds(wr_buf *b, const char *cstr);
void wr_buf_addf(wr_buf *b, const char *fmt, ...) WR_PRINTF(2, 3);

/* WR_OK, WR_ENOMEM or WR_ELIMIT ("%s: over %zu bytes", what, max). */
wr_status wr_buf_status(const wr_buf *b, const char *what, wr_err *err) WR_NODISCARD;

/* Take the bytes (NUL-terminated, wr_free); b is empty afterwards. */
char *wr_buf_steal(wr_buf *b, size_t *len);

static inline const char *wr_buf_cstr(const wr_buf *b)
{
    return b->p ? b->p : "";
}

#endif
