#include <stdio.h>
#include <time.h>

#include "store/store_pg_int.h"

enum {
    COPY_HEAD = 19, /* signature 11, flags 4, extension length 4 */
    NUMERIC_BASE = 10000,
};

static const char copy_head[COPY_HEAD] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0";

/* --- numeric ----------------------------------------------------------------------- */

/*
 * numeric on the wire: digit count, weight of the first digit, sign, display scale, then
 * base-10000 digits, all 16 bits.
 */
size_t wr_pg_numeric_pack(char out[WR_PG_NUMERIC_BYTES], wr_amount a)
{
    uint16_t digit[10];
    size_t n = 0;
    while (a) {
        digit[n++] = (uint16_t)(a % NUMERIC_BASE);
        a /= NUMERIC_BASE;
    }
    wr_pg_store_be16(out, (uint16_t)n);
    wr_pg_store_be16(out + 2, (uint16_t)(n ? n - 1 : 0));
    wr_pg_store_be16(out + 4, 0);
    wr_pg_store_be16(out + 6, 0);
    for (size_t i = 0; i < n; i++)
        wr_pg_store_be16(out + 8 + 2 * i, digit[n - 1 - i]);
    return 8 + 2 * n;
}

/* Trailing zero digits may be left out by the sender: weight counts, not the digit count.
 */
wr_amount wr_pg_numeric_unpack(const char *p, size_t len)
{
    wr_amount a = 0;
    if (len < 8)
        return 0;
    size_t n = wr_pg_load_be16(p);
    int weight = (int16_t)wr_pg_load_be16(p + 2);
    for (size_t i = 0; (int)i <= weight; i++) {
        bool is_sent = i < n && 10 + 2 * i <= len;
        a = a * NUMERIC_BASE + (is_sent ? wr_pg_load_be16(p + 8 + 2 * i) : 0);
    }
    return a;
}

/* --- COPY … FROM STDIN ------------------------------------------------------------- */

static void flush(wr_pg_copy *c)
{
    if (c->used && !c->is_broken && PQputCopyData(c->conn, c->buf, (int)c->used) != 1)
        c->is_broken = true;
    c->used = 0;
}

static char *room(wr_pg_copy *c, size_t bytes)
{
    if (bytes > WR_PG_COPY_BYTES - c->used)
        flush(c);
    char *p = c->buf + c->used;
    c->used += bytes;
    return p;
}

wr_status wr_pg_copy_begin(wr_pg_store *st, const char *sql, wr_err *err)
{
    WR_AUTO(PGresult) res = PQexec(st->conn, sql);
    if (PQresultStatus(res) != PGRES_COPY_IN)
        return wr_pg_fail(st, res, err);
    wr_pg_copy *c = st->copy;
    c->conn = st->conn;
    c->used = 0;
    c->is_broken = false;
    memcpy(room(c, COPY_HEAD), copy_head, COPY_HEAD);
    return WR_OK;
}

void wr_pg_copy_row(wr_pg_copy *c, int columns)
{
    wr_pg_store_be16(room(c, 2), (uint16_t)columns);
}

void wr_pg_copy_i16(wr_pg_copy *c, int32_t v)
{
    char *p = room(c, 6);
    wr_pg_store_be32(p, 2);
    wr_pg_store_be16(p + 4, (uint16_t)v);
}

void wr_pg_copy_i32(wr_pg_copy *c, int32_t v)
{
    char *p = room(c, 8);
    wr_pg_store_be32(p, 4);
    wr_pg_store_be32(p + 4, (uint32_t)v);
}

void wr_pg_copy_i64(wr_pg_copy *c, int64_t v)
{
    char *p = room(c, 12);
    wr_pg_store_be32(p, 8);
    wr_pg_store_be64(p + 4, (uint64_t)v);
}

void wr_pg_copy_f64(wr_pg_copy *c, double v)
{
    uint64_t u;
    memcpy(&u, &v, sizeof u);
    wr_pg_copy_i64(c, (int64_t)u);
}

void wr_pg_copy_bytes(wr_pg_copy *c, const void *p, size_t len)
{
    wr_pg_store_be32(room(c, 4), (uint32_t)len);
    if (len <= WR_PG_COPY_BYTES) {
        if (len)
            memcpy(room(c, len), p, len);
        return;
    }
    flush(c);
    if (!c->is_broken && PQputCopyData(c->conn, p, (int)len) != 1)
        c->is_broken = true;
}

void wr_pg_copy_null(wr_pg_copy *c)
{
    wr_pg_store_be32(room(c, 4), UINT32_MAX);
}

/* All results of the COPY; the first error counts. */
static wr_status copy_results(wr_pg_store *st, uint64_t *rows, wr_err *err)
{
    wr_status s = WR_OK;
    for (;;) {
        WR_AUTO(PGresult) res = PQgetResult(st->conn);
        if (!res)
            return s;
        if (s != WR_OK)
            continue;
        if (PQresultStatus(res) == PGRES_COMMAND_OK) {
            *rows = wr_pg_row_count(res);
        } else {
            s = wr_pg_fail(st, res, err);
        }
    }
}

wr_status wr_pg_copy_end(wr_pg_store *st, wr_status s, uint64_t *rows, wr_err *err)
{
    wr_pg_copy *c = st->copy;
    if (s == WR_OK) {
        wr_pg_store_be16(room(c, 2), UINT16_MAX); /* trailer */
        flush(c);
    }
    uint64_t taken = 0;
    if (PQputCopyEnd(st->conn, s == WR_OK ? NULL : "given up by the client") != 1)
        return s == WR_OK ? wr_pg_fail(st, NULL, err) : s;
    wr_status done = copy_results(st, &taken, s == WR_OK ? err : NULL);
    if (s == WR_OK)
        s = done;
    if (s == WR_OK)
        *rows = taken;
    return s;
}

/* --- COPY … TO STDOUT -------------------------------------------------------------- */

/* Length of the row at p (count and fields); 0 when it does not end inside len. */
static size_t row_len(const char *p, size_t len, int columns)
{
    size_t at = 2;
    for (int i = 0; i < columns; i++) {
        if (len - at < 4)
            return 0;
        uint32_t n = wr_pg_load_be32(p + at);
        at += 4;
        if (n == UINT32_MAX)
            continue;
        if (len - at < n)
            return 0;
        at += n;
    }
    return at;
}

/*
 * One message holds whole rows; the first one starts with the head, the last is the
 * trailer.  PostgreSQL sends a row a message, but the protocol does not promise it.
 */
static wr_status message_rows(const char *p, size_t len, bool *has_head, int columns,
                              wr_pg_copy_row_fn fn, void *ctx, wr_err *err)
{
    if (!*has_head) {
        if (len < COPY_HEAD || memcmp(p, copy_head, COPY_HEAD) != 0)
            return wr_fail(err, WR_ECORRUPT,
                           "postgresql: COPY data without its signature");
        *has_head = true;
        p += COPY_HEAD;
        len -= COPY_HEAD;
    }
    while (len >= 2 && wr_pg_load_be16(p) != UINT16_MAX) {
        size_t n = wr_pg_load_be16(p) == columns ? row_len(p, len, columns) : 0;
        if (n == 0)
            return wr_fail(err, WR_ECORRUPT, "postgresql: COPY row of %zu bytes is cut",
                           len);
        WR_TRY(fn(ctx, p, n, err));
        p += n;
        len -= n;
    }
    return WR_OK;
}

static void copy_abandon(wr_pg_store *st)
{
    char why[128];
    PGcancel *cancel = PQgetCancel(st->conn);
    if (cancel)
        (void)PQcancel(cancel, why,
                       sizeof why); /* in vain: the rows are read to their end */
    PQfreeCancel(cancel);
    char *message = NULL;
    while (PQgetCopyData(st->conn, &message, 0) > 0)
        PQfreemem(message);
}

static wr_status copy_out_start(wr_pg_store *st, const char *sql, wr_err *err)
{
    WR_AUTO(PGresult) res = PQexec(st->conn, sql);
    return PQresultStatus(res) == PGRES_COPY_OUT ? WR_OK : wr_pg_fail(st, res, err);
}

/*
 * As PQgetCopyData for message number i.  PostgreSQL sends 8 KiB at a time, and to wake
 * who waits for each costs it a tenth of its time: in a long scan we doze instead, and
 * find many.
 */
static int next_message(wr_pg_store *st, uint64_t i, char **message)
{
    enum { SHORT_SCAN = 2048, DOZE_NS = 200000 };
    const struct timespec doze = {.tv_nsec = DOZE_NS};
    if (i < SHORT_SCAN)
        return PQgetCopyData(st->conn, message, 0);
    int len = PQgetCopyData(st->conn, message, 1);
    while (len == 0 && PQconsumeInput(st->conn)) {
        len = PQgetCopyData(st->conn, message, 1);
        if (len == 0)
            (void)nanosleep(&doze, NULL);
    }
    return len;
}

wr_status wr_pg_copy_out(wr_pg_store *st, const char *sql, int columns,
                         wr_pg_copy_row_fn fn, void *ctx, wr_err *err)
{
    WR_TRY(copy_out_start(st, sql, err));
    bool has_head = false;
    wr_status s = WR_OK;
    char *message = NULL;
    int len;
    for (uint64_t i = 0; s == WR_OK && (len = next_message(st, i, &message)) > 0; i++) {
        s = message_rows(message, (size_t)len, &has_head, columns, fn, ctx, err);
        PQfreemem(message);
    }
    if (s != WR_OK)
        copy_abandon(st);
    uint64_t rows;
    wr_status done = copy_results(st, &rows, s == WR_OK ? err : NULL);
    return s == WR_OK ? done : s;
}
