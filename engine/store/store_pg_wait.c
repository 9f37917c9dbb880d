#include <errno.h>
#include <poll.h>

#include "store/store_pg_int.h"
#include "util/clock.h"

/*
 * Waiting for news: triggers of migration 0007 notify "walletrisk" and the server sends
 * that at the commit.  The channel belongs to the database, so other schemas wake us too.
 *
 * libpq keeps notifications that arrive while other commands run until somebody asks, and
 * nobody but this file does.  What a lost connection had not delivered is gone: the first
 * wait on the new one therefore answers at once.
 */

/* Take what libpq has read; true when it was news. */
static bool take_notifications(wr_pg_store *st)
{
    bool has_any = false;
    for (PGnotify *n = PQnotifies(st->conn); n; n = PQnotifies(st->conn)) {
        has_any = true;
        PQfreemem(n);
    }
    return has_any;
}

static wr_status lost(wr_pg_store *st, wr_err *err)
{
    wr_pg_disconnect(st);
    return wr_fail(err, WR_EIO,
                   "postgresql: connection lost while waiting for news: the "
                   "next call connects again");
}

/* Read what has arrived, without waiting. */
static wr_status consume(wr_pg_store *st, bool *is_woken, wr_err *err)
{
    if (!PQconsumeInput(st->conn) || wr_pg_is_lost(st))
        return lost(st, err);
    *is_woken = take_notifications(st);
    return WR_OK;
}

static wr_status poll_socket(wr_pg_store *st, int64_t end_us, bool *is_woken, wr_err *err)
{
    WR_TRY(consume(st, is_woken, err));
    for (;;) {
        const int64_t left_us = end_us - wr_clock_mono_us();
        if (*is_woken || left_us <= 0)
            return WR_OK;
        struct pollfd p = {.fd = PQsocket(st->conn), .events = POLLIN};
        const int64_t left_ms = (left_us + 999) / 1000;
        int n = poll(&p, 1, left_ms < INT32_MAX ? (int)left_ms : INT32_MAX);
        if (n < 0 && errno != EINTR)
            return lost(st, err);
        WR_TRY(consume(st, is_woken, err));
    }
}

wr_status wr_pg_wait(wr_store *base, int64_t wait_ms, bool *is_woken, wr_err *err)
{
    wr_pg_store *st = wr_pg_of(base);
    const int64_t end_us = wr_clock_mono_us() + wait_ms * 1000;
    const bool has_missed = st->has_listened;
    bool is_news = false;
    if (st->is_listening && wr_pg_is_lost(st))
        return lost(st, err);
    WR_TRY(wr_pg_ready(st, err));
    if (!st->is_listening) {
        WR_TRY(wr_pg_command(st, "listen walletrisk", err));
        st->is_listening = st->has_listened = true;
        if (has_missed) {
            *is_woken = true;
            return WR_OK;
        }
    }
    WR_TRY(poll_socket(st, end_us, &is_news, err));
    *is_woken = is_news;
    return WR_OK;
}
