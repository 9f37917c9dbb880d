#include <stdio.h>
#include <time.h>

#include "store/store_pg_int.h"

enum { PRIMARY_MAX = 200, VERSION_MIN = 130000 };

/* --- errors ---------------------------------------------------------------------------
 */

bool wr_pg_has_sqlstate(const PGresult *res, const char *sqlstate)
{
    const char *s = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    return s && strncmp(s, sqlstate, strlen(sqlstate)) == 0;
}

bool wr_pg_is_lost(const wr_pg_store *st)
{
    return !st->conn || PQstatus(st->conn) != CONNECTION_OK;
}

/* Length of the first line of a libpq message. */
static int first_line(const char *msg)
{
    int len = 0;
    while (msg[len] && msg[len] != '\n' && len < PRIMARY_MAX)
        len++;
    return len;
}

/* The server ended the session (08 connection, 57P0x shutdown) or the socket is gone. */
static bool is_session_over(const wr_pg_store *st, const PGresult *res)
{
    return wr_pg_is_lost(st) ||
           (res && (wr_pg_has_sqlstate(res, "08") || wr_pg_has_sqlstate(res, "57P0")));
}

static wr_status status_of(const PGresult *res)
{
    static const struct {
        const char *sqlstate;
        wr_status s;
    } map[] = {
        {"55P03", WR_ETIMEOUT}, /* lock_not_available */
        {"57014", WR_ETIMEOUT}, /* query_canceled: statement_timeout */
        {"40P01", WR_ETIMEOUT}, /* deadlock_detected */
        {"40001", WR_ETIMEOUT}, /* serialization_failure */
        {"53300", WR_ETIMEOUT}, /* too_many_connections */
        {"2200H", WR_ELIMIT},   /* sequence_generator_limit_exceeded */
    };
    for (size_t i = 0; i < sizeof map / sizeof map[0]; i++)
        if (wr_pg_has_sqlstate(res, map[i].sqlstate))
            return map[i].s;
    return WR_EIO;
}

static bool is_schema_missing(const PGresult *res) /* table, column, function */
{
    return wr_pg_has_sqlstate(res, "42P01") || wr_pg_has_sqlstate(res, "42703") ||
           wr_pg_has_sqlstate(res, "42883");
}

/* Another transaction was in the way: done again, the same work may go through. */
static bool is_race(const PGresult *res)
{
    static const char *const sqlstate[] = {"23505", "55P03", "40P01", "40001"};
    for (size_t i = 0; i < sizeof sqlstate / sizeof sqlstate[0]; i++)
        if (wr_pg_has_sqlstate(res, sqlstate[i]))
            return true;
    return false;
}

wr_status wr_pg_fail(wr_pg_store *st, const PGresult *res, wr_err *err)
{
    st->is_race = is_race(res);
    const char *primary = res ? PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    const char *sqlstate = res ? PQresultErrorField(res, PG_DIAG_SQLSTATE) : NULL;
    if (!primary)
        primary = st->conn ? PQerrorMessage(st->conn) : "no connection";
    int len = first_line(primary);
    if (is_session_over(st, res))
        return wr_fail(
            err, WR_EIO,
            "postgresql: connection lost (%.*s); nothing of this call was stored: "
            "repeat it, the next call connects again",
            len, primary);
    wr_status s = sqlstate ? status_of(res) : WR_EIO;
    return wr_fail(err, s, "postgresql: %.*s (sqlstate %s)%s", len, primary,
                   sqlstate ? sqlstate : "none",
                   is_schema_missing(res) ? ": run walletrisk migrate" : "");
}

/* --- connection -----------------------------------------------------------------------
 */

/* Blank out every occurrence of secret in text (a C string). */
static void mask(char *text, const char *secret, size_t len)
{
    if (len == 0)
        return;
    for (char *at = text; (at = strstr(at, secret)) != NULL; at += len)
        memset(at, '*', len);
}

/* libpq quotes parts of a DSN in some messages: none of them may carry the password. */
static void mask_password(const wr_pg_store *st, char *text)
{
    const char *at = strstr(st->dsn, "://");
    const char *begin[2] = {at ? strchr(at + 3, ':') : NULL,
                            strstr(st->dsn, "password=")};
    const char *end_set[2] = {"@/?", "&"};
    size_t skip[2] = {1, strlen("password=")};
    for (int i = 0; i < 2; i++) {
        char secret[256];
        if (!begin[i])
            continue;
        size_t len = strcspn(begin[i] + skip[i], end_set[i]);
        if (len == 0 || len >= sizeof secret)
            continue;
        memcpy(secret, begin[i] + skip[i], len);
        secret[len] = '\0';
        mask(text, secret, len);
    }
    char *parse_msg = NULL;
    PQconninfoOption *opts = PQconninfoParse(st->dsn, &parse_msg);
    for (PQconninfoOption *o = opts; o && o->keyword; o++)
        if (o->val && strcmp(o->keyword, "password") == 0)
            mask(text, o->val, strlen(o->val));
    PQconninfoFree(opts);
    PQfreemem(parse_msg);
}

static void ignore_notice(void *ctx, const PGresult *res)
{
    (void)ctx;
    (void)res;
}

void wr_pg_disconnect(wr_pg_store *st)
{
    PQfinish(st->conn);
    st->conn = NULL;
    st->is_in_tx = false;
    st->is_listening = false;
    st->prepared_count = 0;
    wr_pg_names_forget(st);
}

static wr_status connect_failed(wr_pg_store *st, wr_err *err)
{
    char text[512];
    const char *msg = st->conn ? PQerrorMessage(st->conn) : "out of memory";
    (void)snprintf(text, sizeof text, "%s", msg);
    mask_password(st, text);
    wr_status s =
        wr_fail(err, WR_EIO, "postgresql: cannot connect: %.*s", first_line(text), text);
    wr_pg_disconnect(st);
    return s;
}

/* Set for every session: results must not depend on a role's or database's settings. */
static const char session_sql[] =
    "set client_encoding to 'UTF8'; set standard_conforming_strings to on;"
    "set default_transaction_isolation to 'read committed'; set extra_float_digits to 1;"
    "set client_min_messages to warning; set jit to off";

static wr_status check_dsn(const wr_pg_store *st, wr_err *err)
{
    char *msg = NULL;
    PQconninfoOption *opts = PQconninfoParse(st->dsn, &msg);
    if (opts) {
        PQconninfoFree(opts);
        return WR_OK;
    }
    char text[512];
    (void)snprintf(text, sizeof text, "%s", msg ? msg : "out of memory");
    PQfreemem(msg);
    mask_password(st, text);
    return wr_fail(err, WR_EINVAL, "postgresql: %.*s", first_line(text), text);
}

/* pg_xact_status and pg_current_xact_id came with 13; tests run on 15. */
static wr_status check_server(const wr_pg_store *st, wr_err *err)
{
    const char *encoding = PQparameterStatus(st->conn, "server_encoding");
    if (PQserverVersion(st->conn) < VERSION_MIN)
        return wr_fail(err, WR_EINVAL,
                       "postgresql: server version is %d: 13 or newer needed",
                       PQserverVersion(st->conn) / 10000);
    if (!encoding || strcmp(encoding, "UTF8") != 0)
        return wr_fail(err, WR_EINVAL,
                       "postgresql: database encoding is %s: create it with UTF8",
                       encoding ? encoding : "unknown");
    return WR_OK;
}

wr_status wr_pg_ready(wr_pg_store *st, wr_err *err)
{
    static const char *const keyword[] = {"connect_timeout", "application_name",
                                          "keepalives_idle", "dbname", NULL};
    if (!wr_pg_is_lost(st))
        return WR_OK;
    wr_pg_disconnect(st);
    WR_TRY(check_dsn(st, err));
    const char *value[] = {"10", "walletrisk", "60", st->dsn,
                           NULL}; /* the DSN's own win */
    st->conn = PQconnectdbParams(keyword, value, 1);
    if (wr_pg_is_lost(st))
        return connect_failed(st, err);
    PQsetNoticeReceiver(st->conn, ignore_notice, NULL);
    wr_status s = check_server(st, err);
    if (s != WR_OK) {
        wr_pg_disconnect(st);
        return s;
    }
    return wr_pg_command(st, session_sql, err);
}

/* --- commands and transactions --------------------------------------------------------
 */

wr_status wr_pg_command(wr_pg_store *st, const char *sql, wr_err *err)
{
    WR_AUTO(PGresult) res = PQexec(st->conn, sql);
    if (PQresultStatus(res) != PGRES_COMMAND_OK && PQresultStatus(res) != PGRES_TUPLES_OK)
        return wr_pg_fail(st, res, err);
    return WR_OK;
}

static void roll_back(wr_pg_store *st)
{
    wr_pg_names_rolled_back(st);
    if (wr_pg_is_lost(st) || (PQtransactionStatus(st->conn) != PQTRANS_IDLE &&
                              wr_pg_command(st, "rollback", NULL) != WR_OK))
        wr_pg_disconnect(st);
}

wr_status wr_pg_begin(wr_pg_store *st, const char *sql, wr_err *err)
{
    WR_TRY(wr_pg_ready(st, err));
    wr_err first = {0};
    wr_status s = wr_pg_command(st, sql, &first);
    if (s != WR_OK &&
        wr_pg_is_lost(st)) { /* it had died while idle: nothing was under way */
        WR_TRY(wr_pg_ready(st, err));
        first = (wr_err){0};
        s = wr_pg_command(st, sql, &first);
    }
    if (s != WR_OK) {
        roll_back(st);
        return wr_fail(err, s, "%s", first.msg);
    }
    st->is_in_tx = true;
    return WR_OK;
}

wr_status wr_pg_end(wr_pg_store *st, wr_status s, wr_err *err)
{
    if (s == WR_OK)
        s = wr_pg_command(st, "commit", err);
    if (s == WR_OK) {
        wr_pg_names_committed(st);
    } else {
        roll_back(st);
    }
    st->is_in_tx = false;
    return s;
}

/* --- statements -------------------------------------------------------------------- */

/* Name of a prepared statement; prepares it on first use in this connection. */
static wr_status prepare(wr_pg_store *st, char name[16], const char *sql,
                         const wr_pg_args *a, wr_err *err)
{
    int i = 0;
    while (i < st->prepared_count && st->prepared[i] != sql)
        i++;
    (void)snprintf(name, 16, "wr%d", i);
    if (i < st->prepared_count)
        return WR_OK;
    if (i == WR_PG_PREPARED_MAX)
        return wr_fail(err, WR_ELIMIT, "over %d prepared statements", i);
    WR_AUTO(PGresult)
    res = PQprepare(st->conn, name, sql, a ? a->n : 0, a ? a->type : NULL);
    if (PQresultStatus(res) != PGRES_COMMAND_OK)
        return wr_pg_fail(st, res, err);
    st->prepared[st->prepared_count++] = sql;
    return WR_OK;
}

static PGresult *exec_once(wr_pg_store *st, const char *name, const wr_pg_args *a)
{
    return a ? PQexecPrepared(st->conn, name, a->n, a->val, a->len, a->format, 1)
             : PQexecPrepared(st->conn, name, 0, NULL, NULL, NULL, 1);
}

static wr_status try_exec(wr_pg_store *st, PGresult **out, const char *sql,
                          const wr_pg_args *a, wr_err *err)
{
    char name[16];
    WR_TRY(prepare(st, name, sql, a, err));
    WR_AUTO(PGresult) res = exec_once(st, name, a);
    if (PQresultStatus(res) != PGRES_COMMAND_OK && PQresultStatus(res) != PGRES_TUPLES_OK)
        return wr_pg_fail(st, res, err);
    if (out)
        *out = WR_STEAL(res);
    return WR_OK;
}

wr_status wr_pg_exec(wr_pg_store *st, PGresult **out, const char *sql,
                     const wr_pg_args *a, wr_err *err)
{
    if (st->is_in_tx)
        return try_exec(st, out, sql, a, err);
    WR_TRY(wr_pg_ready(st, err));
    wr_err first = {0};
    wr_status s = try_exec(st, out, sql, a, &first);
    if (s == WR_OK || !wr_pg_is_lost(st))
        return s == WR_OK ? s : wr_fail(err, s, "%s", first.msg);
    /* Outside a transaction there are only reads: the dead connection costs one retry. */
    WR_TRY(wr_pg_ready(st, err));
    return try_exec(st, out, sql, a, err);
}

wr_status wr_pg_exec_i64(wr_pg_store *st, int64_t *out, const char *sql,
                         const wr_pg_args *a, wr_err *err)
{
    WR_AUTO(PGresult) res = NULL;
    WR_TRY(wr_pg_exec(st, &res, sql, a, err));
    if (PQntuples(res) != 1 || PQnfields(res) < 1 || wr_pg_is_null(res, 0, 0))
        return wr_fail(err, WR_ECORRUPT, "postgresql: no number from: %.80s", sql);
    *out = wr_pg_i64(res, 0, 0);
    return WR_OK;
}

wr_status wr_pg_lock(wr_pg_store *st, int32_t which, wr_err *err)
{
    static const char sql[] = "select pg_advisory_xact_lock($1, $2)";
    wr_pg_args a = {0};
    wr_pg_arg_i32(&a, WR_PG_LOCK_SPACE);
    wr_pg_arg_i32(&a, which);
    return wr_pg_exec(st, NULL, sql, &a, err);
}

/* --- streams ----------------------------------------------------------------------- */

/* Nobody wants the rest: ask the server to stop, read what is still on its way. */
static void stream_abandon(wr_pg_store *st)
{
    char why[128];
    PGcancel *cancel = PQgetCancel(st->conn);
    if (cancel && !PQcancel(cancel, why, sizeof why))
        why[0] = '\0'; /* then the rows are read to their end: slower, nothing else */
    PQfreeCancel(cancel);
    PGresult *res;
    while ((res = PQgetResult(st->conn)) != NULL)
        PQclear(res);
}

static wr_status stream_send(wr_pg_store *st, const char *sql, const wr_pg_args *a,
                             wr_err *err)
{
    int sent =
        PQsendQueryParams(st->conn, sql, a ? a->n : 0, a ? a->type : NULL,
                          a ? a->val : NULL, a ? a->len : NULL, a ? a->format : NULL, 1);
    return sent && PQsetSingleRowMode(st->conn) ? WR_OK : wr_pg_fail(st, NULL, err);
}

static wr_status stream_rows(wr_pg_store *st, wr_pg_row_fn fn, void *ctx, bool *has_rows,
                             wr_err *err)
{
    wr_status s = WR_OK;
    for (;;) {
        WR_AUTO(PGresult) res = PQgetResult(st->conn);
        if (!res)
            return s;
        ExecStatusType kind = PQresultStatus(res);
        if (kind == PGRES_SINGLE_TUPLE) {
            *has_rows = true;
            s = fn(ctx, res, err);
            if (s != WR_OK) {
                stream_abandon(st);
                return s;
            }
        } else if (kind != PGRES_TUPLES_OK && kind != PGRES_COMMAND_OK && s == WR_OK) {
            s = wr_pg_fail(st, res, err);
        }
    }
}

wr_status wr_pg_stream(wr_pg_store *st, const char *sql, const wr_pg_args *a,
                       wr_pg_row_fn fn, void *ctx, wr_err *err)
{
    bool has_rows = false;
    if (!st->is_in_tx)
        WR_TRY(wr_pg_ready(st, err));
    wr_err first = {0};
    wr_status s = stream_send(st, sql, a, &first);
    if (s == WR_OK)
        s = stream_rows(st, fn, ctx, &has_rows, &first);
    if (s != WR_OK && wr_pg_is_lost(st) && !st->is_in_tx && !has_rows) {
        WR_TRY(wr_pg_ready(st, err));
        first = (wr_err){0};
        s = stream_send(st, sql, a, &first);
        if (s == WR_OK)
            s = stream_rows(st, fn, ctx, &has_rows, &first);
    }
    return s == WR_OK ? s : wr_fail(err, s, "%s", first.msg);
}
