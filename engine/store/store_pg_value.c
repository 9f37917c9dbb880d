#include <assert.h>

#include "store/store_pg_int.h"

/* --- arguments --------------------------------------------------------------------- */

static void arg_add(wr_pg_args *a, Oid type, const char *p, size_t len)
{
    int i = a->n++;
    a->type[i] = type;
    a->val[i] = p;
    a->len[i] = (int)len;
    a->format[i] = 1;
}

void wr_pg_arg_i16(wr_pg_args *a, int32_t v)
{
    char *p = a->space[a->n];
    wr_pg_store_be16(p, (uint16_t)v);
    arg_add(a, WR_PG_OID_INT2, p, 2);
}

void wr_pg_arg_i32(wr_pg_args *a, int32_t v)
{
    char *p = a->space[a->n];
    wr_pg_store_be32(p, (uint32_t)v);
    arg_add(a, WR_PG_OID_INT4, p, 4);
}

void wr_pg_arg_i64(wr_pg_args *a, int64_t v)
{
    char *p = a->space[a->n];
    wr_pg_store_be64(p, (uint64_t)v);
    arg_add(a, WR_PG_OID_INT8, p, 8);
}

void wr_pg_arg_f64(wr_pg_args *a, double v)
{
    uint64_t u;
    memcpy(&u, &v, sizeof u);
    char *p = a->space[a->n];
    wr_pg_store_be64(p, u);
    arg_add(a, WR_PG_OID_FLOAT8, p, 8);
}

void wr_pg_arg_text(wr_pg_args *a, wr_text t)
{
    arg_add(a, WR_PG_OID_TEXT, t.p, t.len);
}

void wr_pg_arg_bytes(wr_pg_args *a, Oid type, const void *p, size_t len)
{
    arg_add(a, type, p ? p : "", len);
}

void wr_pg_arg_null(wr_pg_args *a, Oid type)
{
    arg_add(a, type, NULL, 0);
}

enum { ARRAY_HEAD = 20 }; /* dimensions, has-null, element type, length, lower bound */

void wr_pg_array_begin(wr_buf *b)
{
    static const char head[ARRAY_HEAD] = {0};
    wr_buf_clear(b);
    wr_buf_add(b, head, sizeof head);
}

void wr_pg_array_bytes(wr_buf *b, const void *p, size_t len)
{
    char head[4];
    wr_pg_store_be32(head, (uint32_t)len);
    wr_buf_add(b, head, sizeof head);
    if (len)
        wr_buf_add(b, p, len);
}

void wr_pg_array_i16(wr_buf *b, int32_t v)
{
    char cell[6] = {0, 0, 0, 2};
    wr_pg_store_be16(cell + 4, (uint16_t)v);
    wr_buf_add(b, cell, sizeof cell);
}

void wr_pg_array_i32(wr_buf *b, int32_t v)
{
    char cell[8] = {0, 0, 0, 4};
    wr_pg_store_be32(cell + 4, (uint32_t)v);
    wr_buf_add(b, cell, sizeof cell);
}

void wr_pg_array_i64(wr_buf *b, int64_t v)
{
    char cell[12] = {0, 0, 0, 8};
    wr_pg_store_be64(cell + 4, (uint64_t)v);
    wr_buf_add(b, cell, sizeof cell);
}

static Oid array_of(Oid element)
{
    switch (element) {
    case WR_PG_OID_INT2:
        return WR_PG_OID_INT2_ARRAY;
    case WR_PG_OID_INT4:
        return WR_PG_OID_INT4_ARRAY;
    case WR_PG_OID_INT8:
        return WR_PG_OID_INT8_ARRAY;
    case WR_PG_OID_TEXT:
        return WR_PG_OID_TEXT_ARRAY;
    default:
        assert(element == WR_PG_OID_BYTEA);
        return WR_PG_OID_BYTEA_ARRAY;
    }
}

wr_status wr_pg_arg_array(wr_pg_args *a, wr_buf *b, Oid element, size_t n, wr_err *err)
{
    WR_TRY(wr_buf_status(b, "array parameter", err));
    if (b->len > INT32_MAX || n > INT32_MAX)
        return wr_fail(err, WR_ELIMIT, "array parameter of %zu bytes", b->len);
    wr_pg_store_be32(b->p, 1);
    wr_pg_store_be32(b->p + 4, 0);
    wr_pg_store_be32(b->p + 8, element);
    wr_pg_store_be32(b->p + 12, (uint32_t)n);
    wr_pg_store_be32(b->p + 16, 1);
    arg_add(a, array_of(element), b->p, b->len);
    return WR_OK;
}

wr_status wr_pg_arg_ids(wr_pg_args *a, wr_buf *b, const uint32_t *id, size_t n,
                        wr_err *err)
{
    size_t kept = 0;
    wr_pg_array_begin(b);
    for (size_t i = 0; i < n; i++) {
        if (id[i] > INT32_MAX)
            continue;
        wr_pg_array_i32(b, (int32_t)id[i]);
        kept++;
    }
    return wr_pg_arg_array(a, b, WR_PG_OID_INT4, kept, err);
}

/* --- results ----------------------------------------------------------------------- */

int64_t wr_pg_i64(const PGresult *res, int row, int col)
{
    const char *p = PQgetvalue(res, row, col);
    switch (PQgetlength(res, row, col)) {
    case 1:
        return *p; /* boolean */
    case 2:
        return (int16_t)wr_pg_load_be16(p);
    case 4:
        return (int32_t)wr_pg_load_be32(p);
    case 8:
        return (int64_t)wr_pg_load_be64(p);
    default:
        return 0; /* null */
    }
}

double wr_pg_f64(const PGresult *res, int row, int col)
{
    return PQgetlength(res, row, col) == 8 ? wr_pg_load_f64(PQgetvalue(res, row, col))
                                           : 0;
}

wr_text wr_pg_text(const PGresult *res, int row, int col)
{
    if (wr_pg_is_null(res, row, col))
        return (wr_text){0};
    return (wr_text){.p = PQgetvalue(res, row, col),
                     .len = (uint32_t)PQgetlength(res, row, col)};
}

wr_amount wr_pg_amount(const PGresult *res, int row, int col)
{
    return wr_pg_numeric_unpack(PQgetvalue(res, row, col),
                                (size_t)PQgetlength(res, row, col));
}

uint64_t wr_pg_row_count(PGresult *res)
{
    uint64_t n = 0;
    for (const char *p = PQcmdTuples(res); *p >= '0' && *p <= '9'; p++)
        n = n * 10 + (uint64_t)(*p - '0');
    return n;
}

/* --- text -------------------------------------------------------------------------- */

/* Length of the UTF-8 sequence at p that PostgreSQL accepts; 0 = none. */
static uint32_t utf8_len(const unsigned char *p, uint32_t left)
{
    static const struct {
        unsigned char lead_min, lead_max, second_min, second_max;
        uint32_t len;
    } form[] = {
        {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3},
        {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
        {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    if (p[0] < 0x80)
        return p[0] != 0;
    for (size_t i = 0; i < sizeof form / sizeof form[0]; i++) {
        if (p[0] < form[i].lead_min || p[0] > form[i].lead_max)
            continue;
        if (left < form[i].len || p[1] < form[i].second_min || p[1] > form[i].second_max)
            return 0;
        for (uint32_t k = 2; k < form[i].len; k++)
            if ((p[k] & 0xc0) != 0x80)
                return 0;
        return form[i].len;
    }
    return 0;
}

wr_status wr_pg_clean_text(wr_text *out, wr_arena *arena, wr_text t, wr_err *err)
{
    const unsigned char *p = (const unsigned char *)t.p;
    uint32_t bad = 0;
    for (uint32_t i = 0; i < t.len;) {
        uint32_t len = utf8_len(p + i, t.len - i);
        bad += len == 0;
        i += len ? len : 1;
    }
    if (bad == 0) {
        *out = t;
        return WR_OK;
    }
    char *copy = wr_arena_alloc(arena, (size_t)t.len + 2 * (size_t)bad + 1);
    if (!copy)
        return wr_fail(err, WR_ENOMEM, "text of %u bytes", t.len);
    uint32_t used = 0;
    for (uint32_t i = 0; i < t.len;) {
        uint32_t len = utf8_len(p + i, t.len - i);
        memcpy(copy + used, len ? t.p + i : "\xef\xbf\xbd", len ? len : 3);
        used += len ? len : 3;
        i += len ? len : 1;
    }
    *out = (wr_text){.p = copy, .len = used};
    return WR_OK;
}
