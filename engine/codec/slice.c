#include "codec/slice_int.h"

#include <assert.h>
#include <stdio.h>

void wr_slice_init(wr_slice *s)
{
    *s = (wr_slice){0};
    wr_arena_init(&s->arena, 0);
    wr_buf_init(&s->json.text, 3 * (size_t)WR_RECORD_MAX_BYTES + 16);
}

void wr_slice_release(wr_slice *s)
{
    wr_arena_release(&s->arena);
    wr_buf_release(&s->json.text);
    wr_transfer_sink_release(&s->sink);
    wr_free(s->dead);
    *s = (wr_slice){0};
}

bool wr_slice_refuse(wr_slice *s, const wr_slice_job *job, wr_text raw,
                     uint64_t raw_bytes, const char *field, const char *reason)
{
    wr_dead_letter *dead =
        wr_grow(s->dead, &s->dead_cap, s->dead_count + 1, sizeof *dead);
    if (dead)
        s->dead = dead;
    const wr_text name = wr_arena_text(&s->arena, wr_text_of(field));
    const wr_text why = wr_arena_text(&s->arena, wr_text_of(reason));
    if (!dead || !name.p || !why.p) {
        s->status = WR_ENOMEM;
        return false;
    }
    s->dead[s->dead_count++] = (wr_dead_letter){
        .source = job->source,
        .position = (int64_t)s->records,
        .raw = {.p = raw.p, .len = raw.len < WR_DEAD_RAW_MAX ? raw.len : WR_DEAD_RAW_MAX},
        .raw_bytes = raw_bytes,
        .field = name,
        .reason = why,
    };
    return true;
}

/* One record as the cutter found it. */
typedef struct record {
    const char *p;    /* start */
    const char *end;  /* of its text, line break left out */
    const char *next; /* start of the next one */
    const char *what; /* the cutter's objection, or NULL */
    uint32_t columns;
} record;

/* --- cutting ---------------------------------------------------------------------- */

static wr_row_state cut_line(const wr_slice_job *job, const char *p, record *rec)
{
    const char *end = job->text + job->len;
    const char *lf = memchr(p, '\n', (size_t)(end - p));
    if (!lf && !job->is_last)
        return WR_ROW_PARTIAL;
    const char *to = lf ? lf : end;
    rec->next = lf ? lf + 1 : end;
    rec->end = to > p && to[-1] == '\r' ? to - 1 : to;
    const char *c = p;
    while (c < rec->end && (*c == ' ' || *c == '\t' || *c == '\r'))
        c++;
    return c == rec->end ? WR_ROW_BLANK : WR_ROW_OK;
}

static wr_row_state cut(wr_slice *s, const wr_slice_job *job, const char *p, record *rec)
{
    *rec = (record){.p = p};
    if (job->d->preset->kind != WR_RECORD_CSV)
        return cut_line(job, p, rec);
    wr_row row;
    const wr_row_state state = wr_csv_row(job->csv, p, job->text + job->len, job->is_last,
                                          s->fields.slot, &s->arena, &row);
    rec->next = row.next;
    rec->end = row.end;
    rec->what = row.what;
    rec->columns = row.columns;
    return state;
}

/* --- bytes that are no text ------------------------------------------------------- */

/* Any NUL or byte above 0x7f?  A plain loop that the compiler makes vectors of. */
static bool has_odd_bytes(const char *p, size_t len)
{
    unsigned char odd = 0;
    for (size_t i = 0; i < len; i++)
        odd |= (unsigned char)((signed char)p[i] < 1);
    return odd;
}

/* Name of the field that holds byte `at`; "" when no field does. */
static wr_field field_at(const wr_fields *r, const char *at)
{
    for (uint32_t i = 1; i < WR_SLOT_COUNT; i++) {
        const wr_text t = r->slot[i];
        if (t.p && at >= t.p && at < t.p + t.len)
            return i < WR_F_COUNT ? (wr_field)i
                                  : (wr_field)r->layout->alt_of[i - WR_F_COUNT];
    }
    return WR_F_NONE;
}

static bool check_text(wr_slice *s, const record *rec)
{
    const size_t len = (size_t)(rec->end - rec->p);
    for (size_t i = 0; i < len;) {
        const int step = wr_utf8_step(rec->p + i, len - i);
        if (step > 0 && rec->p[i]) {
            i += (size_t)step;
            continue;
        }
        const wr_field f = field_at(&s->fields, rec->p + i);
        wr_decode_error(&s->w, f, (wr_text){0}, WR_CODE_SYNTAX, "%s%s%s at byte %zu",
                        wr_field_name(f), f ? ": " : "",
                        rec->p[i] ? "bytes that are no UTF-8" : "a NUL byte", i);
        return false;
    }
    return true;
}

/* --- records ---------------------------------------------------------------------- */

static bool csv_record(wr_slice *s, const wr_csv *csv, const record *rec)
{
    const wr_text none = {0};
    assert(csv);
    if (rec->what == wr_row_columns)
        wr_decode_error(&s->w, WR_F_NONE, none, WR_CODE_SYNTAX,
                        "%u columns, the header has %u", rec->columns, csv->columns);
    else if (rec->what)
        wr_decode_error(&s->w, WR_F_NONE, none, WR_CODE_SYNTAX, "%s", rec->what);
    if (rec->what)
        return false;
    wr_transfer *t = wr_transfer_sink_next(&s->sink);
    s->w.is_nomem = s->w.is_nomem || !t;
    if (!t || !wr_decode_record(&s->w, &s->fields, t))
        return false;
    wr_transfer_sink_keep(&s->sink, s->w.key);
    return true;
}

/* is_odd: bytes in it may be no text. */
static void take_record(wr_slice *s, const wr_slice_job *job, const record *rec,
                        bool is_odd)
{
    const uint64_t bytes = (uint64_t)(rec->end - rec->p);
    const wr_text raw = {.p = rec->p,
                         .len = bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX};
    bool is_ok = false;
    s->errors.count = 0;
    s->w.is_nomem = false;
    s->sink.now = (uint32_t)s->records;
    if (bytes > WR_RECORD_MAX_BYTES)
        wr_decode_error(&s->w, WR_F_NONE, (wr_text){0}, WR_CODE_LIMIT,
                        "record of %llu bytes is over the limit of %d",
                        (unsigned long long)bytes, (int)WR_RECORD_MAX_BYTES);
    else if (job->d->preset->kind == WR_RECORD_JSON)
        is_ok = wr_json_record(&s->w, &s->json, rec->p, raw.len, true, &s->sink);
    else if (is_odd && !check_text(s, rec))
        is_ok = false;
    else if (job->d->preset->kind == WR_RECORD_CSV)
        is_ok = csv_record(s, job->csv, rec);
    else
        is_ok = wr_dumplings_record(&s->w, &s->fields, raw, &s->sink);
    if (s->w.is_nomem)
        s->status = WR_ENOMEM;
    else if (!is_ok)
        (void)wr_slice_refuse(s, job, raw, bytes, s->errors.item[0].field,
                              s->errors.item[0].detail);
    s->records++;
}

void wr_slice_decode(wr_slice *s, const wr_slice_job *job, size_t start, size_t border,
                     uint64_t max_records)
{
    wr_arena_reset(&s->arena);
    s->sink.count = 0;
    s->dead_count = 0;
    s->records = 0;
    s->status = WR_OK;
    s->start = start;
    s->w = (wr_decode){
        .d = job->d, .arena = &s->arena, .now_s = job->now_s, .errors = &s->errors};
    s->json.keys.count = 0; /* learned under other options, or moved since */
    if (job->csv)
        s->fields = (wr_fields){.layout = &job->csv->layout};
    const char *p = job->text + start;
    const char *to = job->text + border;
    const bool is_odd = start < border && has_odd_bytes(p, border - start);
    while (p < to && s->records < max_records && s->status == WR_OK) {
        record rec;
        const wr_row_state state = cut(s, job, p, &rec);
        if (state == WR_ROW_PARTIAL)
            break;
        if (state == WR_ROW_NOMEM)
            s->status = WR_ENOMEM;
        else if (state != WR_ROW_BLANK)
            take_record(s, job, &rec, is_odd || rec.end > to);
        if (state == WR_ROW_BAD) /* its slots may point into the rows behind it */
            s->fields = (wr_fields){.layout = s->fields.layout};
        if (s->status == WR_OK)
            p = rec.next;
    }
    s->end = (size_t)(p - job->text);
}
