#include "codec/truth.h"

#include <string.h>

#include "codec/input.h"
#include "util/buf.h"

enum { FILE_MAX_BYTES = 256 << 20, COLUMNS_MAX = 64 };

typedef struct line {
    wr_text field[COLUMNS_MAX];
    size_t count;
    size_t number; /* 1-based */
} line;

/* Next line of [*p, end); false at the end. */
static bool take_line(line *l, const char **p, const char *end)
{
    if (*p == end)
        return false;
    l->number++;
    l->count = 0;
    for (;;) {
        const char *at = *p;
        while (at < end && *at != ',' && *at != '\n')
            at++;
        uint32_t len = (uint32_t)(at - *p);
        if (len && (at == end || *at == '\n') && (*p)[len - 1] == '\r')
            len--;
        if (l->count < COLUMNS_MAX)
            l->field[l->count++] = (wr_text){*p, len};
        const bool is_over = at == end || *at == '\n';
        *p = at + (at < end);
        if (is_over)
            return true;
    }
}

static int find(const line *head, const char *name)
{
    for (size_t i = 0; i < head->count; i++)
        if (wr_text_eq(head->field[i], wr_text_of(name)))
            return (int)i;
    return -1;
}

static int find_flag(const line *head, wr_text flag)
{
    for (size_t i = 0; i < head->count; i++) {
        const wr_text t = head->field[i];
        if (flag.len ? wr_text_eq(t, flag) : t.len > 3 && memcmp(t.p, "is_", 3) == 0)
            return (int)i;
    }
    return -1;
}

/* What stays the same from row to row; columns, -1 = there is none. */
typedef struct reading {
    const char *path;
    const wr_chain *chain;
    int address, flag, incident, typology, record;
    wr_truth_fn fn;
    wr_truth_wallet_fn wallet_fn;
    void *ctx;
} reading;

static wr_text field(const line *l, int at)
{
    return at >= 0 && (size_t)at < l->count ? l->field[at] : (wr_text){0};
}

static wr_status read_address(char text[WR_ADDRESS_MAX + 1], wr_text *out,
                              const reading *r, const line *l, wr_err *err)
{
    size_t len = 0;
    wr_err why = {0};
    if (wr_address_canonical(text, &len, r->chain, field(l, r->address), &why) != WR_OK)
        return wr_fail(err, WR_EPARSE, "%s:%zu: %s", r->path, l->number, why.msg);
    *out = (wr_text){text, (uint32_t)len};
    return WR_OK;
}

static wr_status read_flag_row(const reading *r, const line *l, wr_err *err)
{
    if ((int)l->count <= r->address || (int)l->count <= r->flag)
        return wr_fail(err, WR_EPARSE, "%s:%zu: %zu columns", r->path, l->number,
                       l->count);
    const wr_text f = l->field[r->flag];
    if (f.len != 1 || (f.p[0] != '0' && f.p[0] != '1'))
        return wr_fail(err, WR_EPARSE, "%s:%zu: '%.*s' is neither 0 nor 1", r->path,
                       l->number, WR_TEXT_ARG(f));
    char text[WR_ADDRESS_MAX + 1];
    wr_text address;
    WR_TRY(read_address(text, &address, r, l, err));
    return r->fn(r->ctx, address, f.p[0] == '1', err);
}

static wr_status read_wallet_row(const reading *r, const line *l, wr_err *err)
{
    const bool is_unknown = wr_text_eq(field(l, r->record), WR_TEXT_LIT("unknown"));
    if (r->record >= 0 && !is_unknown &&
        !wr_text_eq(field(l, r->record), WR_TEXT_LIT("wallet")))
        return WR_OK;
    char text[WR_ADDRESS_MAX + 1];
    wr_truth_wallet w = {.incident = field(l, r->incident),
                         .typology = field(l, r->typology),
                         .is_unknown = is_unknown};
    WR_TRY(read_address(text, &w.address, r, l, err));
    return r->wallet_fn(r->ctx, &w, err);
}

static wr_status read_head(reading *r, const line *head, wr_text flag, wr_err *err)
{
    r->address = find(head, "address");
    r->flag = r->incident = r->typology = r->record = -1;
    if (r->fn) {
        r->flag = find_flag(head, flag);
    } else {
        if (r->address < 0)
            r->address = find(head, "id");
        r->incident = find(head, "incident");
        r->typology = find(head, "typology");
        r->record = find(head, "record");
    }
    if (r->address < 0 || (r->fn && r->flag < 0))
        return wr_fail(err, WR_EPARSE, "%s: no column '%s'", r->path,
                       r->address < 0 ? "address" : "is_…");
    return WR_OK;
}

static wr_status read_rows(reading *r, wr_text bytes, wr_text flag, wr_err *err)
{
    const char *p = bytes.p;
    const char *end = p + bytes.len;
    line l = {0};
    if (!take_line(&l, &p, end))
        return wr_fail(err, WR_EPARSE, "%s: empty", r->path);
    WR_TRY(read_head(r, &l, flag, err));
    while (take_line(&l, &p, end))
        if (l.count > 1 || l.field[0].len)
            WR_TRY(r->fn ? read_flag_row(r, &l, err) : read_wallet_row(r, &l, err));
    return WR_OK;
}

static wr_status read_file(reading *r, wr_text flag, wr_err *err)
{
    wr_buf b;
    wr_buf_init(&b, FILE_MAX_BYTES);
    wr_status s = wr_input_read_all(&b, r->path, err);
    if (s == WR_OK)
        s = read_rows(r, (wr_text){wr_buf_cstr(&b), (uint32_t)b.len}, flag, err);
    wr_buf_release(&b);
    return s;
}

wr_status wr_truth_read(const char *path, const wr_chain *chain, wr_text flag,
                        wr_truth_fn fn, void *ctx, wr_err *err)
{
    reading r = {.path = path, .chain = chain, .fn = fn, .ctx = ctx};
    return read_file(&r, flag, err);
}

wr_status wr_truth_read_incidents(const char *path, const wr_chain *chain,
                                  wr_truth_wallet_fn fn, void *ctx, wr_err *err)
{
    reading r = {.path = path, .chain = chain, .wallet_fn = fn, .ctx = ctx};
    return read_file(&r, (wr_text){0}, err);
}
