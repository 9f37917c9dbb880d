#include "api/store_pool.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

enum { WAIT_S = 2, HANDLES_MAX = 64 };

struct wr_store_pool {
    pthread_mutex_t lock;
    pthread_cond_t returned;
    char *dsn;
    uint32_t max, opened, idle_count;
    wr_store *idle[HANDLES_MAX];
};

wr_status wr_store_pool_open(wr_store_pool **out, const char *dsn, uint32_t max,
                             wr_err *err)
{
    size_t len = strlen(dsn) + 1;
    wr_store_pool *p = wr_calloc(1, sizeof *p);
    if (!p)
        return wr_fail(err, WR_ENOMEM, "store pool");
    p->dsn = wr_calloc(len, 1);
    if (!p->dsn) {
        wr_free(p);
        return wr_fail(err, WR_ENOMEM, "store pool");
    }
    memcpy(p->dsn, dsn, len);
    p->max = max < 1 ? 1 : max > HANDLES_MAX ? HANDLES_MAX : max;
    (void)pthread_mutex_init(&p->lock, NULL);
    pthread_condattr_t attr;
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&p->returned, &attr);
    (void)pthread_condattr_destroy(&attr);
    *out = p;
    return WR_OK;
}

void wr_store_pool_close(wr_store_pool *p)
{
    if (!p)
        return;
    for (uint32_t i = 0; i < p->idle_count; i++)
        wr_store_close(p->idle[i]);
    (void)pthread_cond_destroy(&p->returned);
    (void)pthread_mutex_destroy(&p->lock);
    wr_free(p->dsn);
    wr_free(p);
}

/* Opening takes a while: not under the lock, only the place is reserved. */
static wr_status open_one(wr_store_pool *p, wr_store **st, wr_err *err)
{
    wr_status s = wr_store_open_ready(st, p->dsn, err);
    if (s == WR_OK)
        return WR_OK;
    (void)pthread_mutex_lock(&p->lock);
    p->opened--;
    (void)pthread_cond_signal(&p->returned);
    (void)pthread_mutex_unlock(&p->lock);
    return s;
}

wr_status wr_store_pool_take(wr_store_pool *p, wr_store **st, wr_err *err)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += WAIT_S;
    int waited = 0;
    bool is_new = false;
    *st = NULL;
    (void)pthread_mutex_lock(&p->lock);
    while (p->idle_count == 0 && p->opened == p->max && waited == 0)
        waited = pthread_cond_timedwait(&p->returned, &p->lock, &until);
    if (p->idle_count > 0) {
        *st = p->idle[--p->idle_count];
    } else if (p->opened < p->max) {
        p->opened++;
        is_new = true;
    }
    (void)pthread_mutex_unlock(&p->lock);
    if (is_new)
        return open_one(p, st, err);
    if (!*st)
        return wr_fail(err, WR_ETIMEOUT, "all %u store handles in use for %d s", p->max,
                       (int)WAIT_S);
    return WR_OK;
}

void wr_store_pool_give(wr_store_pool *p, wr_store *st, wr_status last)
{
    if (!st)
        return;
    bool is_broken = last == WR_EIO || last == WR_ECORRUPT;
    if (is_broken)
        wr_store_close(st);
    (void)pthread_mutex_lock(&p->lock);
    if (is_broken)
        p->opened--;
    else
        p->idle[p->idle_count++] = st;
    (void)pthread_cond_signal(&p->returned);
    (void)pthread_mutex_unlock(&p->lock);
}
