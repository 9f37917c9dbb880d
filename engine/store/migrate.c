#include <assert.h>
#include <inttypes.h>

#include "store/backend_int.h"

/* What of a database's schema agrees with this program. */
typedef struct schema_state {
    const char *dialect;
    uint32_t applied; /* highest number applied; 0 = empty database */
    uint32_t newest;  /* highest number this program knows */
} schema_state;

static const wr_migration *find_migration(const char *dialect, uint32_t number)
{
    for (const wr_migration *m = wr_migrations; m->dialect; m++)
        if (m->number == number && strcmp(m->dialect, dialect) == 0)
            return m;
    return NULL;
}

static uint32_t newest_of(const char *dialect)
{
    uint32_t newest = 0;
    for (const wr_migration *m = wr_migrations; m->dialect; m++)
        if (m->number > newest && strcmp(m->dialect, dialect) == 0)
            newest = m->number;
    return newest;
}

/* Rows come in ascending order: 1, 2, … without a hole. */
static wr_status check_row(void *ctx, const wr_schema_row *row, wr_err *err)
{
    schema_state *s = ctx;
    if (row->number > s->newest)
        return wr_fail(err, WR_ECORRUPT,
                       "database has migration %04" PRIu32
                       ", this program knows %04" PRIu32
                       " at most: use the newer program",
                       row->number, s->newest);
    if (row->number != s->applied + 1)
        return wr_fail(err, WR_ECORRUPT,
                       "migration %04" PRIu32 " is missing before %04" PRIu32,
                       s->applied + 1, row->number);
    const wr_migration *m = find_migration(s->dialect, row->number);
    assert(m);
    if (!wr_text_eq(row->sha256, wr_text_of(m->sha256)))
        return wr_fail(err, WR_ECORRUPT,
                       "migration %04" PRIu32 " (%s) was applied with other content: "
                       "checksum %.*s…, this program has %.*s…",
                       row->number, m->name,
                       row->sha256.len < 12 ? (int)row->sha256.len : 12,
                       row->sha256.len ? row->sha256.p : "", 12, m->sha256);
    s->applied = row->number;
    return WR_OK;
}

static wr_status read_state(wr_store *st, schema_state *s, wr_err *err)
{
    *s = (schema_state){.dialect = st->be->dialect, .newest = newest_of(st->be->dialect)};
    return st->be->schema_read(st, check_row, s, err);
}

/* One migration under the backend's lock.  is_done: nothing was missing. */
static wr_status apply_next(wr_store *st, schema_state *before, bool *is_done,
                            wr_err *err)
{
    WR_TRY(st->be->schema_begin(st, err));
    /* Read again inside the lock: another starter may have applied it meanwhile. */
    wr_status s = read_state(st, before, err);
    *is_done = s == WR_OK && before->applied == before->newest;
    if (s == WR_OK && !*is_done) {
        const wr_migration *m = find_migration(before->dialect, before->applied + 1);
        s = m ? st->be->schema_apply(st, m, err)
              : wr_fail(err, WR_ECORRUPT, "this program has no migration %04" PRIu32,
                        before->applied + 1);
        if (s != WR_OK)
            s = wr_fail_ctx(err, s, "applying migration %04" PRIu32, before->applied + 1);
    }
    wr_status ended = st->be->schema_end(st, s == WR_OK, s == WR_OK ? err : NULL);
    return s == WR_OK ? ended : s;
}

wr_status wr_store_migrate(wr_store *st, wr_migrate_report *rep, wr_err *err)
{
    assert(st && rep);
    schema_state state;
    /* Without the lock first: a start on a finished schema waits for no writer. */
    WR_TRY(read_state(st, &state, err));
    wr_migrate_report done = {.before = state.applied};
    bool is_done = state.applied == state.newest;
    while (!is_done)
        WR_TRY(apply_next(st, &state, &is_done, err));
    done.after = state.applied;
    if (st->be->schema_ready)
        WR_TRY(st->be->schema_ready(st, err));
    *rep = done;
    return WR_OK;
}

wr_status wr_store_check_schema(wr_store *st, wr_err *err)
{
    assert(st);
    schema_state s;
    wr_err why = {0};
    wr_status read = read_state(st, &s, &why);
    if (read == WR_ECORRUPT)
        return wr_fail(err, WR_ECONFLICT, "%s", why.msg);
    if (read != WR_OK)
        return wr_fail(err, read, "%s", why.msg);
    if (s.applied != s.newest)
        return wr_fail(err, WR_ECONFLICT,
                       "database has schema %" PRIu32 ", this program needs %" PRIu32
                       ": run walletrisk migrate",
                       s.applied, s.newest);
    return WR_OK;
}
