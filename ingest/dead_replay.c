#include "ingest/dead_replay.h"

#include <inttypes.h>
#include <stdio.h>

enum { BATCH = 500, PUT_ATTEMPTS = 10, WHY_MAX = WR_DEAD_REASON_MAX + WR_DEAD_FIELD_MAX };

typedef struct letter {
    wr_dead_row row;   /* texts in the arena */
    uint32_t first, n; /* its transfers, once decoded */
    bool is_done;
} letter;

typedef struct replay {
    wr_dead_replay_report *rep;
    wr_store *st;
    const wr_dead_replay_opts *o;
    wr_arena arena; /* of the batch */
    letter item[BATCH];
    uint32_t count;
    int64_t last_seen_id;  /* by the page at hand */
    size_t id_at;          /* ids taken so far */
    wr_transfer *transfer; /* [transfer_count] of one source */
    int64_t *position;
    uint8_t *outcome;
    size_t transfer_count, transfer_cap, position_cap, outcome_cap;
    int64_t resolved[BATCH];
    uint32_t resolved_count;
} replay;

/* --- letters ---------------------------------------------------------------------- */

static bool keep_text(replay *r, wr_text *t)
{
    if (!t->p)
        return true;
    *t = wr_arena_text(&r->arena, *t);
    return t->p != NULL;
}

static wr_status take_letter(void *ctx, const wr_dead_row *d, wr_err *err)
{
    replay *r = ctx;
    r->last_seen_id = d->id;
    if ((r->o->source.len && !wr_text_eq(d->letter.source, r->o->source)) ||
        (r->o->partition >= 0 && d->letter.partition != r->o->partition))
        return WR_OK;
    letter *l = &r->item[r->count];
    *l = (letter){.row = *d};
    wr_dead_letter *t = &l->row.letter;
    if (!keep_text(r, &t->source) || !keep_text(r, &t->raw) || !keep_text(r, &t->field) ||
        !keep_text(r, &t->reason))
        return wr_fail(err, WR_ENOMEM, "no memory for a dead letter");
    r->count++;
    return WR_OK;
}

static wr_status next_of_ids(replay *r, wr_err *err)
{
    while (r->count < BATCH && r->id_at < r->o->id_count) {
        const int64_t id = r->o->id[r->id_at++];
        const uint32_t before = r->count;
        WR_TRY(wr_store_dead_list(r->st, r->o->source, id - 1, 1, take_letter, r, err));
        if (r->count > before && r->item[before].row.id != id)
            r->count = before;
        r->rep->missing += r->count == before;
    }
    return WR_OK;
}

/* Letters with after < id <= upto; an empty page that has seen none is the end. */
static wr_status next_page(replay *r, int64_t upto_id, bool *is_end, wr_err *err)
{
    const int64_t after_id = r->last_seen_id;
    r->count = 0;
    wr_arena_reset(&r->arena);
    if (r->o->id) {
        WR_TRY(next_of_ids(r, err));
        *is_end = r->count == 0 && r->id_at == r->o->id_count;
        return WR_OK;
    }
    WR_TRY(wr_store_dead_list(r->st, r->o->source, after_id, BATCH, take_letter, r, err));
    *is_end = r->last_seen_id == after_id || after_id >= upto_id;
    while (r->count && r->item[r->count - 1].row.id > upto_id)
        r->count--; /* came while we worked, perhaps from us */
    return WR_OK;
}

static wr_status note_id(void *ctx, const wr_dead_row *d, wr_err *err)
{
    int64_t *id = ctx;
    (void)err;
    *id = d->id;
    return WR_OK;
}

/* The newest letter there is. */
static wr_status find_last(replay *r, int64_t *last_id, wr_err *err)
{
    int64_t before;
    *last_id = 0;
    do {
        before = *last_id;
        WR_TRY(wr_store_dead_list(r->st, r->o->source, before, 100000, note_id, last_id,
                                  err));
    } while (*last_id != before);
    return WR_OK;
}

static void tell(replay *r, const letter *l, wr_dead_fate fate, const char *why)
{
    r->rep->replayed += fate == WR_DEAD_REPLAYED;
    r->rep->refused += fate == WR_DEAD_REFUSED;
    r->rep->cut += fate == WR_DEAD_CUT;
    r->rep->rows += fate == WR_DEAD_ROW;
    r->rep->no_source += fate == WR_DEAD_NO_SOURCE;
    if (r->o->told)
        r->o->told(r->o->ctx, &l->row, fate, why);
}

/* --- what a letter holds ---------------------------------------------------------- */

static bool begins(wr_text t, const char *head)
{
    const size_t len = strlen(head);
    return t.len >= len && memcmp(t.p, head, len) == 0;
}

static bool is_of_file(const wr_dead_letter *l)
{
    return begins(l->source, "file:") || begins(l->source, "stdin:");
}

static bool is_object(wr_text raw)
{
    uint32_t i = 0;
    while (i < raw.len && (unsigned char)raw.p[i] <= ' ')
        i++;
    return i < raw.len && raw.p[i] == '{';
}

static void why_cut(char why[WHY_MAX], const wr_dead_letter *l)
{
    (void)snprintf(why, WHY_MAX,
                   "only the first %u of its %" PRIu64 " bytes are kept: %s", l->raw.len,
                   l->raw_bytes,
                   begins(l->source, "kafka:")
                       ? "the whole message is in the dead topic, produce it from there"
                   : is_of_file(l) ? "correct the file and load it again with --reread"
                                   : "send the record again");
}

static wr_status add_transfers(replay *r, letter *l, const wr_transfer_list *list,
                               wr_err *err)
{
    const size_t want = r->transfer_count + list->count;
    wr_transfer *t = wr_grow(r->transfer, &r->transfer_cap, want, sizeof *t);
    r->transfer = t ? t : r->transfer;
    int64_t *position = wr_grow(r->position, &r->position_cap, want, sizeof *position);
    r->position = position ? position : r->position;
    uint8_t *outcome = wr_grow(r->outcome, &r->outcome_cap, want, sizeof *outcome);
    r->outcome = outcome ? outcome : r->outcome;
    if (!t || !position || !outcome)
        return wr_fail(err, WR_ENOMEM, "no memory for transfers of dead letters");
    l->first = (uint32_t)r->transfer_count;
    l->n = list->count;
    for (uint32_t i = 0; i < list->count; i++) {
        t[r->transfer_count] = list->item[i];
        position[r->transfer_count++] = l->row.letter.position;
    }
    r->resolved[r->resolved_count++] = l->row.id;
    return WR_OK;
}

static wr_status decode_letter(replay *r, letter *l, wr_err *err)
{
    const wr_dead_letter *d = &l->row.letter;
    wr_transfer_list list = {0};
    wr_field_errors errors;
    wr_err why = {0};
    char text[WHY_MAX];
    if (d->raw_bytes > d->raw.len) {
        why_cut(text, d);
        tell(r, l, WR_DEAD_CUT, text);
        return WR_OK;
    }
    if (is_of_file(d) && !is_object(d->raw)) {
        tell(r, l, WR_DEAD_ROW,
             "no JSON object, and a row of a file cannot be read without its header: "
             "correct the file and load it again with --reread");
        return WR_OK;
    }
    const wr_status s = wr_transfer_json_decode(&list, r->o->decoder, d->raw.p,
                                                d->raw.len, &r->arena, &errors, &why);
    if (s == WR_OK)
        return add_transfers(r, l, &list, err);
    if (s == WR_ENOMEM)
        return wr_fail(err, s, "%s", why.msg);
    tell(r, l, WR_DEAD_REFUSED, why.msg);
    return WR_OK;
}

/* --- storing ---------------------------------------------------------------------- */

static wr_status put_at(replay *r, const wr_source *at, wr_put_result *res, wr_err *err)
{
    const bool has_offsets = at->first_offset >= 0;
    const wr_source_mark mark = {.source = at->source,
                                 .partition = at->partition,
                                 .next_offset = at->next_offset,
                                 .resume = at->resume,
                                 .status = at->status.p ? at->status.p : "stopped",
                                 .last_error = at->last_error,
                                 .records = r->transfer_count,
                                 .is_fenced = has_offsets,
                                 .from_offset = has_offsets ? at->next_offset : 0};
    const wr_put put = {.transfer = r->transfer,
                        .transfer_count = r->transfer_count,
                        .position = r->position,
                        .mark = &mark,
                        .resolved = r->resolved,
                        .resolved_count = r->resolved_count};
    return wr_store_put(r->st, &put, r->outcome, res, err);
}

/* A consumer may take a batch between our look at the source and our put: look again. */
static wr_status put(replay *r, const wr_dead_letter *of, bool *is_kept,
                     wr_put_result *res, wr_err *err)
{
    wr_err why = {0};
    *is_kept = true;
    for (int i = 0; i < PUT_ATTEMPTS; i++) {
        wr_source at = {0};
        why = (wr_err){0};
        wr_status s =
            wr_store_source_get(r->st, &at, &r->arena, of->source, of->partition, &why);
        if (s == WR_ENOTFOUND) {
            *is_kept = false;
            return WR_OK;
        }
        if (s == WR_OK)
            s = put_at(r, &at, res, &why);
        if (s != WR_ECONFLICT)
            return s == WR_OK ? s : wr_fail(err, s, "%s", why.msg);
    }
    return wr_fail(err, WR_ECONFLICT, "%s", why.msg);
}

static bool is_conflict(const replay *r, const letter *l)
{
    for (uint32_t i = l->first; i < l->first + l->n; i++)
        if (r->outcome[i] == WR_PUT_CONFLICT)
            return true;
    return false;
}

static void tell_stored(replay *r, const letter *l, bool is_kept)
{
    if (!l->n)
        return;
    if (!is_kept)
        tell(
            r, l, WR_DEAD_NO_SOURCE,
            "its source is not kept, so nothing could be counted: send the record again");
    else if (!r->o->is_dry && is_conflict(r, l))
        tell(r, l, WR_DEAD_REFUSED,
             "its key is stored with other content: it is a letter again, with a new id");
    else
        tell(r, l, WR_DEAD_REPLAYED, "");
}

static bool is_same_source(const letter *a, const letter *b)
{
    return a->row.letter.partition == b->row.letter.partition &&
           wr_text_eq(a->row.letter.source, b->row.letter.source);
}

/* All letters of the batch that share the source of item[from], in one transaction. */
static wr_status replay_source(replay *r, uint32_t from, wr_err *err)
{
    wr_put_result res = {0};
    bool is_kept = true;
    r->transfer_count = 0;
    r->resolved_count = 0;
    for (uint32_t i = from; i < r->count; i++)
        if (!r->item[i].is_done && is_same_source(&r->item[i], &r->item[from])) {
            r->rep->letters++;
            WR_TRY(decode_letter(r, &r->item[i], err));
        }
    if (r->transfer_count && !r->o->is_dry)
        WR_TRY(put(r, &r->item[from].row.letter, &is_kept, &res, err));
    r->rep->transfers += is_kept ? r->transfer_count : 0;
    r->rep->inserted += res.inserted;
    r->rep->duplicates += res.duplicates;
    r->rep->conflicts += res.conflicts;
    for (uint32_t i = from; i < r->count; i++)
        if (!r->item[i].is_done && is_same_source(&r->item[i], &r->item[from])) {
            tell_stored(r, &r->item[i], is_kept);
            r->item[i].is_done = true;
        }
    return WR_OK;
}

static wr_status replay_all(replay *r, wr_err *err)
{
    int64_t upto_id = 0;
    bool is_end = false;
    if (!r->o->id)
        WR_TRY(find_last(r, &upto_id, err));
    for (;;) {
        WR_TRY(wr_progress_at(r->o->pg, "dead letters", r->rep->letters,
                              r->o->id ? r->o->id_count : 0, err));
        WR_TRY(next_page(r, upto_id, &is_end, err));
        if (is_end)
            return WR_OK;
        for (uint32_t i = 0; i < r->count; i++)
            if (!r->item[i].is_done)
                WR_TRY(replay_source(r, i, err));
    }
}

wr_status wr_dead_replay(wr_dead_replay_report *rep, wr_store *st,
                         const wr_dead_replay_opts *o, wr_err *err)
{
    *rep = (wr_dead_replay_report){0};
    WR_AUTO_ARRAY replay *r = wr_calloc(1, sizeof *r);
    if (!r)
        return wr_fail(err, WR_ENOMEM, "no memory to replay dead letters");
    r->rep = rep;
    r->st = st;
    r->o = o;
    wr_arena_init(&r->arena, 0);
    const wr_status s = replay_all(r, err);
    wr_arena_release(&r->arena);
    wr_free(r->transfer);
    wr_free(r->position);
    wr_free(r->outcome);
    return s;
}

wr_status wr_dead_id_parse(int64_t *id, wr_text t, wr_err *err)
{
    enum { DIGITS_MAX = 18 };
    int64_t v = t.len <= DIGITS_MAX ? 0 : -1;
    for (uint32_t i = 0; v >= 0 && i < t.len; i++) {
        const unsigned digit = (unsigned char)t.p[i] - (unsigned)'0';
        v = digit > 9 ? -1 : v * 10 + digit;
    }
    if (v <= 0)
        return wr_fail(err, WR_EINVAL, "'%s' is no id of a dead letter (see dead list)",
                       wr_text_quote(t, 40).s);
    *id = v;
    return WR_OK;
}
