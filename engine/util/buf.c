#include "util/buf.h"

#include <stdarg.h>
#include <stdio.h>

void wr_buf_init(wr_buf *b, size_t max_bytes)
{
    *b = (wr_buf){.max = max_bytes};
}

void wr_buf_release(wr_buf *b)
{
    wr_free(b->p);
    *b = (wr_buf){.max = b->max};
}

void wr_buf_clear(wr_buf *b)
{
    b->len = 0;
    b->status = WR_OK;
    if (b->p)
        b->p[0] = '\0';
}

/* Room for `more` bytes and the NUL; 0 = not (the status tells why). */
static int reserve(wr_buf *b, size_t more)
{
    if (b->status != WR_OK)
        return 0;
    if (more > b->max - b->len) { /* len <= max always */
        b->status = WR_ELIMIT;
        return 0;
    }
    if (b->p && more < b->cap - b->len)
        return 1;
    size_t want;
    char *p = NULL;
    if (!__builtin_add_overflow(b->len + more, 1, &want))
        p = wr_grow(b->p, &b->cap, want, 1);
    if (!p) {
        b->status = WR_ENOMEM;
        return 0;
    }
    b->p = p;
    return 1;
}

void wr_buf_add(wr_buf *b, const void *bytes, size_t len)
{
    if (!reserve(b, len))
        return;
    if (len)
        memcpy(b->p + b->len, bytes, len);
    b->len += len;
    b->p[b->len] = '\0';
}

void wr_buf_adds(wr_buf *b, const char *cstr)
{
    wr_buf_add(b, cstr, strlen(cstr));
}

void wr_buf_addf(wr_buf *b, const char *fmt, ...)
{
    char small[256];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(small, sizeof small, fmt, ap);
    va_end(ap);
    if (n < 0) { /* an encoding error of the format: nothing was written */
        if (b->status == WR_OK)
            b->status = WR_ENOMEM;
        return;
    }
    size_t len = (size_t)n;
    if (len < sizeof small) {
        wr_buf_add(b, small, len);
        return;
    }
    if (!reserve(b, len))
        return;
    va_start(ap, fmt);
    (void)vsnprintf(b->p + b->len, len + 1, fmt, ap);
    va_end(ap);
    b->len += len;
}

wr_status wr_buf_status(const wr_buf *b, const char *what, wr_err *err)
{
    if (b->status == WR_OK)
        return WR_OK;
    if (b->status == WR_ELIMIT)
        return wr_fail(err, WR_ELIMIT, "%s: over %zu bytes", what, b->max);
    return wr_fail(err, b->status, "%s: out of memory at %zu bytes", what, b->len);
}

char *wr_buf_steal(wr_buf *b, size_t *len)
{
    if (!b->p)
        wr_buf_add(b, "", 0); /* an empty text is still a text */
    char *p = b->p;
    if (len)
        *len = p ? b->len : 0;
    *b = (wr_buf){.max = b->max};
    return p;
}
