#include "api/access_log.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "util/mem.h"

enum { BUFFER_BYTES = 1 << 18, LINE_BYTES = 512, FLUSH_MS = 200 };

struct wr_access_log {
    int fd;
    pthread_t thread;
    pthread_mutex_t lock;  /* of fill */
    pthread_mutex_t write; /* of spare and the order of writes; taken before lock */
    pthread_cond_t stop;
    bool is_stopping;
    size_t len;
    char *fill, *spare; /* [BUFFER_BYTES] */
};

static void write_all(int fd, const char *p, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return; /* nowhere left to tell */
        p += n;
        len -= (size_t)n;
    }
}

static void flush(wr_access_log *l)
{
    (void)pthread_mutex_lock(&l->write);
    (void)pthread_mutex_lock(&l->lock);
    char *full = l->fill;
    size_t len = l->len;
    l->fill = l->spare;
    l->spare = full;
    l->len = 0;
    (void)pthread_mutex_unlock(&l->lock);
    write_all(l->fd, full, len);
    (void)pthread_mutex_unlock(&l->write);
}

static void *flusher(void *ctx)
{
    wr_access_log *l = ctx;
    bool is_stopping = false;
    while (!is_stopping) {
        struct timespec until;
        (void)clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += FLUSH_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        (void)pthread_mutex_lock(&l->lock);
        if (!l->is_stopping)
            (void)pthread_cond_timedwait(&l->stop, &l->lock, &until);
        is_stopping = l->is_stopping;
        bool is_empty = l->len == 0;
        (void)pthread_mutex_unlock(&l->lock);
        if (!is_empty)
            flush(l);
    }
    return NULL;
}

wr_status wr_access_log_open(wr_access_log **out, int fd, wr_err *err)
{
    wr_access_log *l = wr_calloc(1, sizeof *l);
    if (!l)
        return wr_fail(err, WR_ENOMEM, "request log");
    l->fd = fd;
    l->fill = wr_calloc(1, BUFFER_BYTES);
    l->spare = wr_calloc(1, BUFFER_BYTES);
    (void)pthread_mutex_init(&l->lock, NULL);
    (void)pthread_mutex_init(&l->write, NULL);
    (void)pthread_cond_init(&l->stop, NULL);
    bool is_memory = l->fill && l->spare;
    if (!is_memory || pthread_create(&l->thread, NULL, flusher, l) != 0) {
        wr_free(l->fill);
        wr_free(l->spare);
        wr_free(l);
        return wr_fail(err, is_memory ? WR_EIO : WR_ENOMEM, "request log: no %s",
                       is_memory ? "thread" : "memory");
    }
    *out = l;
    return WR_OK;
}

void wr_access_log_close(wr_access_log *l)
{
    if (!l)
        return;
    (void)pthread_mutex_lock(&l->lock);
    l->is_stopping = true;
    (void)pthread_cond_signal(&l->stop);
    (void)pthread_mutex_unlock(&l->lock);
    (void)pthread_join(l->thread, NULL);
    flush(l);
    (void)pthread_mutex_destroy(&l->lock);
    (void)pthread_mutex_destroy(&l->write);
    (void)pthread_cond_destroy(&l->stop);
    wr_free(l->fill);
    wr_free(l->spare);
    wr_free(l);
}

typedef struct line_out {
    char s[LINE_BYTES];
    size_t len;
} line_out;

static void put(line_out *o, const char *s)
{
    size_t n = strlen(s);
    size_t room = LINE_BYTES - 1 - o->len; /* the last byte is the line's end */
    n = n < room ? n : room;
    memcpy(o->s + o->len, s, n);
    o->len += n;
}

/* At least `digits` of them, zeros in front. */
static void put_number(line_out *o, uint64_t v, int digits)
{
    char text[21];
    size_t n = sizeof text - 1;
    text[n] = '\0';
    for (; v > 0 || digits > 0; v /= 10, digits--)
        text[--n] = (char)('0' + v % 10);
    put(o, text + n);
}

void wr_access_log_add(wr_access_log *l, const wr_access_line *line)
{
    line_out o;
    uint64_t us = line->us > 0 ? (uint64_t)line->us : 0;
    o.len = 0;
    put(&o, line->time);
    put(&o, ".");
    put_number(&o, (uint64_t)line->ms, 3);
    put(&o, "Z info request id=");
    put(&o, line->id);
    put(&o, " method=");
    put(&o, line->method);
    put(&o, " route=");
    put(&o, line->route);
    put(&o, " status=");
    put_number(&o, (uint64_t)line->status, 3);
    put(&o, " ms=");
    put_number(&o, us / 1000, 1);
    put(&o, ".");
    put_number(&o, us % 1000, 3);
    put(&o, " bytes=");
    put_number(&o, line->bytes, 1);
    o.s[o.len++] = '\n';
    for (;;) {
        (void)pthread_mutex_lock(&l->lock);
        bool is_room = l->len + o.len <= BUFFER_BYTES;
        if (is_room) {
            memcpy(l->fill + l->len, o.s, o.len);
            l->len += o.len;
        }
        (void)pthread_mutex_unlock(&l->lock);
        if (is_room)
            return;
        flush(l);
    }
}
