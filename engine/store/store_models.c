#include <assert.h>
#include <stdio.h>

#include "store/backend_int.h"
#include "util/digest.h"

static const char ACTIVE[] = "active";
static const char NONE[] = "none";

/* --- what may be kept ------------------------------------------------------------- */

static wr_status digest_of(wr_digest_hex *out, wr_text bytes, wr_err *err)
{
    wr_digest d;
    WR_TRY(wr_digest_init(&d, err));
    wr_digest_add(&d, bytes.p, bytes.len);
    wr_digest_hex_of(&d, out);
    wr_digest_release(&d);
    return out->s[0] ? WR_OK : wr_fail(err, WR_ENOMEM, "digest");
}

static bool is_word(wr_text t, const char *word)
{
    return wr_text_eq(t, wr_text_of(word));
}

static wr_status check_size(const char *what, wr_text t, uint32_t max, wr_err *err)
{
    if (t.len > max)
        return wr_fail(err, WR_ELIMIT, "%s of %u bytes is over the limit of %u", what,
                       t.len, max);
    return WR_OK;
}

static wr_status check_model(const wr_model *m, wr_err *err)
{
    wr_digest_hex own;
    if (m->id.len == 0 || m->id.len > WR_MODEL_ID_MAX || is_word(m->id, ACTIVE) ||
        is_word(m->id, NONE))
        return wr_fail(err, WR_EINVAL, "'%s' is no id of a model",
                       wr_text_quote(m->id, 40).s);
    if (m->kind.len == 0 || m->kind.len > WR_MODEL_ID_MAX)
        return wr_fail(err, WR_EINVAL, "'%s' is no kind of model",
                       wr_text_quote(m->kind, 40).s);
    if (m->manifest.len == 0 || m->bytes.len == 0)
        return wr_fail(err, WR_EINVAL, "a model without %s",
                       m->bytes.len ? "manifest" : "bytes");
    WR_TRY(check_size("manifest", m->manifest, WR_MODEL_TEXT_MAX, err));
    WR_TRY(check_size("card", m->card, WR_MODEL_TEXT_MAX, err));
    WR_TRY(check_size("model", m->bytes, WR_MODEL_MAX_BYTES, err));
    WR_TRY(digest_of(&own, m->bytes, err));
    if (!is_word(m->digest, own.s))
        return wr_fail(err, WR_EINVAL, "digest '%s' is not that of the bytes",
                       wr_text_quote(m->digest, 60).s);
    return WR_OK;
}

wr_status wr_store_model_conflict(const wr_model *m, wr_text stored, wr_err *err)
{
    return wr_fail(err, WR_ECONFLICT,
                   "model %.*s is there with digest %.*s, not with %.*s",
                   WR_TEXT_ARG(m->id), WR_TEXT_ARG(stored), WR_TEXT_ARG(m->digest));
}

wr_status wr_store_model_status(wr_model_status *out, wr_text word, wr_err *err)
{
    for (int s = 0; s < WR_MODEL_STATUS_COUNT; s++)
        if (is_word(word, wr_model_status_name((wr_model_status)s))) {
            *out = (wr_model_status)s;
            return WR_OK;
        }
    return wr_fail(err, WR_ECORRUPT, "model_registry: status '%s'",
                   wr_text_quote(word, 40).s);
}

wr_status wr_store_model_put(wr_store *st, const wr_model *m, bool *is_new, wr_err *err)
{
    assert(st && m && is_new);
    const wr_text none = WR_TEXT_LIT("");
    WR_TRY(check_model(m, err));
    wr_model own = *m;
    own.status = WR_MODEL_CANDIDATE;
    own.activated_s = 0;
    own.activated_by = (wr_text){0};
    own.created_by = m->created_by.p ? m->created_by : none;
    own.card = m->card.p ? m->card : none;
    return st->be->model_put(st, &own, is_new, err);
}

wr_status wr_store_models(wr_store *st, wr_model_fn fn, void *ctx, wr_err *err)
{
    assert(st && fn);
    return st->be->models(st, fn, ctx, err);
}

/* --- from a name to a model -------------------------------------------------------- */

typedef struct found {
    const char *name, *kind_wanted; /* kind NULL = any */
    bool is_active_wanted;
    bool is_exact;
    unsigned hits;
    char id[2][WR_MODEL_ID_MAX + 1]; /* of the first two hits */
    char kind[WR_MODEL_ID_MAX + 1];  /* of the first */
    bool is_active;                  /* the first */
} found;

static void copy(char out[WR_MODEL_ID_MAX + 1], wr_text t)
{
    (void)snprintf(out, WR_MODEL_ID_MAX + 1, "%.*s", WR_TEXT_ARG(t));
}

static wr_status look(void *ctx, const wr_model *m, wr_err *err)
{
    found *f = ctx;
    const size_t len = strlen(f->name);
    (void)err;
    if (f->is_exact || (f->kind_wanted && !is_word(m->kind, f->kind_wanted)))
        return WR_OK;
    if (f->is_active_wanted ? m->status != WR_MODEL_ACTIVE
                            : len > m->id.len || memcmp(m->id.p, f->name, len) != 0)
        return WR_OK;
    if (!f->is_active_wanted && len == m->id.len) {
        f->is_exact = true;
        f->hits = 0; /* of longer ids that begin so */
    }
    if (f->hits < 2)
        copy(f->id[f->hits], m->id);
    if (f->hits++ == 0) {
        copy(f->kind, m->kind);
        f->is_active = m->status == WR_MODEL_ACTIVE;
    }
    return WR_OK;
}

static wr_status find(found *f, wr_store *st, const char *name, const char *kind,
                      wr_err *err)
{
    const char *of_kind = kind ? kind : "";
    const char *blank = kind ? " " : "";
    *f = (found){.name = name, .kind_wanted = kind};
    f->is_active_wanted = strcmp(name, ACTIVE) == 0;
    WR_TRY(st->be->models(st, look, f, err));
    if (f->is_active_wanted && f->hits == 0)
        return wr_fail(err, WR_ENOTFOUND, "no %s%smodel is active", of_kind, blank);
    if (!f->is_exact && strlen(name) < WR_MODEL_PREFIX_MIN)
        return wr_fail(err, WR_EINVAL, "'%s' is too short: an id, or %d characters of it",
                       wr_text_quote(wr_text_of(name), 40).s, WR_MODEL_PREFIX_MIN);
    if (f->hits == 0)
        return wr_fail(err, WR_ENOTFOUND, "no %s%smodel '%s'", of_kind, blank,
                       wr_text_quote(wr_text_of(name), 40).s);
    if (f->hits > 1)
        return wr_fail(err, WR_EINVAL, "'%s' is %u models, %s and %s among them%s",
                       wr_text_quote(wr_text_of(name), 40).s, f->hits, f->id[0], f->id[1],
                       f->is_active_wanted ? ": name one, or a kind" : "");
    return WR_OK;
}

typedef struct checked {
    wr_model_fn fn;
    void *ctx;
} checked;

/* Scores on a rotten bit would be evidence that nobody can reproduce. */
static wr_status give_checked(void *ctx, const wr_model *m, wr_err *err)
{
    const checked *c = ctx;
    wr_digest_hex own;
    WR_TRY(digest_of(&own, m->bytes, err));
    if (!is_word(m->digest, own.s))
        return wr_fail(err, WR_ECORRUPT,
                       "model %.*s: its bytes have digest %s, not the recorded %s",
                       WR_TEXT_ARG(m->id), own.s, wr_text_quote(m->digest, 60).s);
    return c->fn(c->ctx, m, err);
}

wr_status wr_store_model_get(wr_store *st, const char *name, const char *kind,
                             wr_model_fn fn, void *ctx, wr_err *err)
{
    assert(st && name && fn);
    found f;
    checked c = {fn, ctx};
    WR_TRY(find(&f, st, name, kind, err));
    return st->be->model_get(st, f.id[0], give_checked, &c, err);
}

wr_status wr_store_model_activate(wr_store *st, const char *name, const char *kind,
                                  wr_text by, int64_t at_s, wr_model_switch *out,
                                  wr_err *err)
{
    assert(st && name);
    found f, former;
    wr_model_switch done = {.is_changed = true};
    const bool is_none = strcmp(name, NONE) == 0;
    WR_TRY(find(&f, st, is_none ? ACTIVE : name, kind, err));
    if (is_none) {
        copy(done.former, wr_text_of(f.id[0]));
    } else {
        copy(done.id, wr_text_of(f.id[0]));
        done.is_changed = !f.is_active;
        if (done.is_changed && find(&former, st, ACTIVE, f.kind, NULL) == WR_OK)
            copy(done.former, wr_text_of(former.id[0]));
    }
    const wr_model_activation sw = {
        .id = done.id, .kind = f.kind, .by = by.p ? by : WR_TEXT_LIT(""), .at_s = at_s};
    if (done.is_changed)
        WR_TRY(st->be->model_switch(st, &sw, err));
    if (out)
        *out = done;
    return WR_OK;
}
