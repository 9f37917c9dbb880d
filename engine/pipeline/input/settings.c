#include "pipeline/input/settings.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "codec/settings_text.h"
#include "codec/settings_yaml.h"
#include "util/json_out.h"

enum { FILE_MAX_BYTES = 1 << 20, PATH_MAX_BYTES = 2048 };

/* The public part first: a wr_settings * is a box *. */
typedef struct box {
    wr_settings s;
    atomic_int refs;
} box;

static void box_free(box *b)
{
    if (b) {
        wr_learned_unref(b->s.model);
        wr_free(b->s.text);
    }
    wr_free(b);
}
WR_DEFINE_AUTO(box, box_free)

static wr_status read_file(wr_buf *out, const char *path, wr_err *err)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return wr_fail(err, WR_EIO, "%s: %s", path, strerror(errno));
    char chunk[16384];
    size_t got;
    while ((got = fread(chunk, 1, sizeof chunk, f)) > 0)
        wr_buf_add(out, chunk, got);
    int failed = ferror(f);
    (void)fclose(f);
    if (failed)
        return wr_fail(err, WR_EIO, "%s: read error", path);
    return wr_buf_status(out, path, err);
}

static const char *data_dir(const wr_config *cfg, char *path)
{
    const char *try[] = {cfg->data_dir, getenv("WALLETRISK_DATA_DIR"), "data",
                         WR_DATA_DIR};
    if (cfg->data_dir[0])
        return cfg->data_dir;
    for (size_t i = 1; i < sizeof try / sizeof *try; i++) {
        if (!try[i] || !try[i][0])
            continue;
        (void)snprintf(path, PATH_MAX_BYTES, "%s/categories.yaml", try[i]);
        if (access(path, R_OK) == 0)
            return try[i];
    }
    return "data";
}

static wr_status check_options(const wr_scoring_opts *o, wr_err *err)
{
    if (!(o->gamma > 0.0 && o->gamma < 1.0))
        return wr_fail(err, WR_EINVAL, "static_gamma %g not in (0,1)", o->gamma);
    if (!(o->eps > 0.0 && o->eps < 1.0))
        return wr_fail(err, WR_EINVAL, "static_eps %g not in (0,1)", o->eps);
    if (o->iter_max < 1 || o->top_k < 1 || o->top_k > WR_ORIGINS_MAX ||
        o->poison_hops < 1 || o->poison_hops > 64)
        return wr_fail(err, WR_EINVAL, "static_iter_max, top_k_sources or poison_hops");
    return WR_OK;
}

static void write_text(wr_buf *out, wr_text categories, wr_text policy,
                       const wr_scoring_opts *o, wr_text model)
{
    wr_json_out j = wr_json_out_on(out);
    wr_json_open(&j, '{');
    wr_json_kv_text(&j, "categories_yaml", categories);
    wr_json_kv_text(&j, "policy_yaml", policy);
    wr_json_key(&j, "options");
    wr_json_open(&j, '{');
    wr_json_kv_f64(&j, "static_gamma", o->gamma);
    wr_json_kv_f64(&j, "static_eps", o->eps);
    wr_json_kv_u64(&j, "static_iter_max", o->iter_max);
    wr_json_kv_u64(&j, "top_k_sources", o->top_k);
    wr_json_kv_u64(&j, "poison_hops", o->poison_hops);
    wr_json_close(&j, '}');
    if (model.len)
        wr_json_kv_text(&j, "model", model);
    wr_json_close(&j, '}');
}

static wr_status keep_model(wr_settings *s, wr_text digest, wr_err *err)
{
    if (!digest.len)
        return WR_OK;
    if (digest.len != WR_SHA256_HEX)
        return wr_fail(err, WR_EPARSE, "settings: model '%.*s' is no digest",
                       WR_TEXT_ARG(digest));
    memcpy(s->model_digest.s, digest.p, digest.len);
    return WR_OK;
}

/* model: its digest; absent = none. */
static wr_status make(wr_settings **out, wr_text categories, wr_text policy,
                      const wr_scoring_opts *opts, wr_text model, wr_err *err)
{
    WR_TRY(check_options(opts, err));
    WR_AUTO(box) b = wr_calloc(1, sizeof *b);
    if (!b)
        return wr_fail(err, WR_ENOMEM, "settings");
    wr_settings *s = &b->s;
    s->opts = *opts;
    WR_TRY(wr_taxonomy_from_yaml(&s->taxonomy, "categories.yaml", categories.p,
                                 categories.len, err));
    WR_TRY(wr_policy_from_yaml(&s->policy, &s->taxonomy, "policy.yaml", policy.p,
                               policy.len, err));
    WR_TRY(wr_typology_policy_from_yaml(&s->typology, &s->taxonomy, "policy.yaml", policy,
                                        err));
    WR_TRY(keep_model(s, model, err));
    wr_buf text;
    wr_buf_init(&text, (size_t)16 * FILE_MAX_BYTES);
    write_text(&text, categories, policy, opts, model);
    wr_status st = wr_buf_status(&text, "settings text", err);
    s->text = wr_buf_steal(&text, NULL);
    wr_buf_release(&text);
    WR_TRY(st);
    wr_digest d;
    WR_TRY(wr_digest_init(&d, err));
    wr_digest_add_text(&d, s->text);
    wr_digest_hex_of(&d, &s->digest);
    wr_digest_release(&d);
    atomic_init(&b->refs, 1);
    *out = &b->s;
    b = NULL;
    return WR_OK;
}

static wr_status load_from(wr_settings **out, const char *dir,
                           const wr_scoring_opts *opts, wr_buf *categories,
                           wr_buf *policy, wr_err *err)
{
    char path[PATH_MAX_BYTES];
    (void)snprintf(path, sizeof path, "%s/categories.yaml", dir);
    WR_TRY(read_file(categories, path, err));
    (void)snprintf(path, sizeof path, "%s/policy.yaml", dir);
    WR_TRY(read_file(policy, path, err));
    return make(out, (wr_text){categories->p, (uint32_t)categories->len},
                (wr_text){policy->p, (uint32_t)policy->len}, opts, (wr_text){0}, err);
}

wr_status wr_settings_load(wr_settings **out, const wr_config *cfg, wr_err *err)
{
    const wr_scoring_opts opts = {
        .gamma = cfg->static_gamma,
        .eps = cfg->static_eps,
        .iter_max = (uint32_t)cfg->static_iter_max,
        .top_k = (uint32_t)cfg->top_k_sources,
        .poison_hops = (uint32_t)cfg->poison_hops,
    };
    char path[PATH_MAX_BYTES];
    wr_buf categories;
    wr_buf policy;
    wr_buf_init(&categories, FILE_MAX_BYTES);
    wr_buf_init(&policy, FILE_MAX_BYTES);
    wr_status s = load_from(out, data_dir(cfg, path), &opts, &categories, &policy, err);
    wr_buf_release(&categories);
    wr_buf_release(&policy);
    return s;
}

/* From a text; model: another one than the text names, or NULL = the one it names. */
static wr_status parse(wr_settings **out, const char *text, const wr_text *model,
                       wr_err *err)
{
    wr_settings_option o[] = {
        {.name = "static_gamma"},  {.name = "static_eps"},  {.name = "static_iter_max"},
        {.name = "top_k_sources"}, {.name = "poison_hops"},
    };
    wr_arena arena;
    wr_arena_init(&arena, (size_t)8 * FILE_MAX_BYTES);
    wr_text categories = {0};
    wr_text policy = {0};
    wr_text named = {0};
    wr_status s = wr_settings_text_read(&categories, &policy, &named, o,
                                        sizeof o / sizeof *o, text, &arena, err);
    if (s == WR_OK) {
        const wr_scoring_opts opts = {.gamma = o[0].value,
                                      .eps = o[1].value,
                                      .iter_max = (uint32_t)o[2].value,
                                      .top_k = (uint32_t)o[3].value,
                                      .poison_hops = (uint32_t)o[4].value};
        s = make(out, categories, policy, &opts, model ? *model : named, err);
    }
    wr_arena_release(&arena);
    return s;
}

wr_status wr_settings_parse(wr_settings **out, const char *text, wr_err *err)
{
    return parse(out, text, NULL, err);
}

wr_status wr_settings_with_model(wr_settings **out, const wr_settings *s,
                                 wr_learned *model, wr_err *err)
{
    const wr_text digest = model ? wr_text_of(wr_learned_digest(model)->s) : (wr_text){0};
    WR_TRY(parse(out, s->text, &digest, err));
    (*out)->live_window = s->live_window;
    (*out)->model = model ? wr_learned_acquire(model) : NULL;
    return WR_OK;
}

wr_settings *wr_settings_acquire(wr_settings *s)
{
    atomic_fetch_add(&((box *)s)->refs, 1);
    return s;
}

void wr_settings_unref(wr_settings *s)
{
    if (s && atomic_fetch_sub(&((box *)s)->refs, 1) == 1)
        box_free((box *)s);
}
