#include "pipeline/scorer/learned.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/scorer/learned_int.h"

enum {
    THREADS_MAX = 256,
    HEAD_MAX = 32,     /* "calibration 18446744073709551615\n" is as long as it gets */
    BLOCK_ROWS = 4096, /* scored at a time: the columns of the forest side by side */
    ROWS_PER_TASK = 64
};

static const char MAGIC[] = "wrmodel 1\n";

typedef enum part_kind { MANIFEST, TREES, CALIBRATION, FOREST, DRIFT, PARTS } part_kind;

static const char *const NAME[PARTS] = {
    [MANIFEST] = "manifest", [TREES] = "trees", [CALIBRATION] = "calibration",
    [FOREST] = "forest",     [DRIFT] = "drift",
};

typedef struct part {
    const char *p;
    size_t len;
} part;

/* --- to bytes --------------------------------------------------------------------- */

static void add_part(wr_buf *out, part_kind kind, const void *bytes, size_t len)
{
    wr_buf_addf(out, "%s %zu\n", NAME[kind], len);
    wr_buf_add(out, bytes, len);
    wr_buf_add(out, "\n", 1);
}

static int column_of(const wr_booster *b, wr_text name)
{
    const char *const *own;
    const uint32_t features = wr_booster_features_of(b, &own);
    for (uint32_t i = 0; i < features; i++)
        if (wr_text_eq(wr_text_of(own[i]), name))
            return (int)i;
    return -1;
}

/* The manifest is what names the columns later: it must name these. */
static wr_status check_columns(const wr_learned_parts *p, const wr_manifest *m,
                               wr_err *err)
{
    const char *const *name;
    const uint32_t features = wr_booster_features_of(p->booster, &name);
    const uint32_t want = wr_forest_features(p->forest);
    if (m->forest_columns.count != want)
        return wr_fail(err, WR_EINVAL, "manifest: %u forest_columns for a forest of %u",
                       m->forest_columns.count, want);
    for (uint32_t k = 0; k < want; k++) {
        const uint32_t at = p->forest_column[k];
        if (at >= features)
            return wr_fail(err, WR_EINVAL,
                           "column %u of the forest is column %u of %u of the trees", k,
                           at, features);
        if (!wr_text_eq(m->forest_columns.at[k], wr_text_of(name[at])))
            return wr_fail(err, WR_EINVAL,
                           "manifest: forest_columns has '%s' where the forest has '%s'",
                           wr_text_quote(m->forest_columns.at[k], 60).s, name[at]);
    }
    return WR_OK;
}

static wr_status check_parts(const wr_learned_parts *p, wr_err *err)
{
    wr_err why = {0};
    wr_manifest m;
    wr_arena arena;
    wr_arena_init(&arena, 0);
    wr_status s = wr_manifest_read(&m, p->manifest, strlen(p->manifest), &arena, &why);
    if (s == WR_OK)
        s = check_columns(p, &m, err);
    else
        s = wr_fail(err, s == WR_ENOMEM ? s : WR_EINVAL, "manifest: %s", why.msg);
    wr_arena_release(&arena);
    return s;
}

static void print_drift(wr_buf *b, const wr_drift *drift, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        wr_drift_print(b, &drift[i]);
}

static wr_status add_text_parts(wr_buf *out, part_kind kind, const wr_learned_parts *p,
                                wr_err *err)
{
    wr_buf text;
    wr_buf_init(&text, SIZE_MAX / 2);
    if (kind == CALIBRATION)
        wr_calibration_print(&text, p->calibration);
    else {
        print_drift(&text, p->drift, wr_booster_features_of(p->booster, NULL));
        print_drift(&text, p->score_drift, 1);
    }
    const wr_status s = wr_buf_status(&text, NAME[kind], err);
    if (s == WR_OK)
        add_part(out, kind, text.p, text.len);
    wr_buf_release(&text);
    return s;
}

static wr_status add_forest(wr_buf *out, const wr_forest *f, wr_err *err)
{
    void *bytes;
    size_t len;
    WR_TRY(wr_forest_save(&bytes, &len, f, err));
    add_part(out, FOREST, bytes, len);
    wr_free(bytes);
    return WR_OK;
}

wr_status wr_learned_pack(wr_buf *out, const wr_learned_parts *p, wr_err *err)
{
    size_t len;
    WR_TRY(check_parts(p, err));
    wr_buf_adds(out, MAGIC);
    add_part(out, MANIFEST, p->manifest, strlen(p->manifest));
    const void *trees = wr_booster_bytes(p->booster, &len);
    add_part(out, TREES, trees, len);
    WR_TRY(add_text_parts(out, CALIBRATION, p, err));
    WR_TRY(add_forest(out, p->forest, err));
    WR_TRY(add_text_parts(out, DRIFT, p, err));
    return wr_buf_status(out, "model", err);
}

/* --- from bytes ------------------------------------------------------------------- */

static int kind_of(const char *name, size_t len)
{
    for (int k = 0; k < PARTS; k++)
        if (strlen(NAME[k]) == len && memcmp(NAME[k], name, len) == 0)
            return k;
    return -1;
}

/* "name length\n" at p; false when it is no such line.  *head is its length. */
static bool read_head(const char *p, size_t left, size_t *name_len, size_t *len,
                      size_t *head)
{
    const size_t look = left < HEAD_MAX ? left : HEAD_MAX;
    size_t i = 0;
    while (i < look && p[i] >= 'a' && p[i] <= 'z')
        i++;
    *name_len = i;
    if (i == 0 || i == look || p[i++] != ' ' || i == look || p[i] == '0')
        return false;
    *len = 0;
    const size_t from = i;
    for (; i < look && p[i] >= '0' && p[i] <= '9'; i++)
        if (__builtin_mul_overflow(*len, 10, len) ||
            __builtin_add_overflow(*len, (size_t)(p[i] - '0'), len))
            return false;
    if (i == from || i == look || p[i++] != '\n')
        return false;
    *head = i;
    return true;
}

/* Takes the part that must come next off `rest`. */
static wr_status next_part(part *out, part *rest, part_kind want, wr_err *err)
{
    size_t name_len, len, head;
    if (rest->len == 0)
        return wr_fail(err, WR_ECORRUPT, "part '%s' is missing", NAME[want]);
    if (!read_head(rest->p, rest->len, &name_len, &len, &head))
        return wr_fail(err, WR_ECORRUPT, "part '%s': its first line is damaged",
                       NAME[want]);
    const int kind = kind_of(rest->p, name_len);
    if (kind >= 0 && kind < (int)want)
        return wr_fail(err, WR_ECORRUPT, "part '%s' is there twice", NAME[kind]);
    if (kind != (int)want)
        return wr_fail(err, WR_ECORRUPT, "part '%s' is missing: part '%.*s' follows",
                       NAME[want], (int)name_len, rest->p);
    rest->p += head;
    rest->len -= head;
    if (rest->len <= len)
        return wr_fail(err, WR_ECORRUPT, "part '%s' is cut off: %zu bytes of %zu",
                       NAME[want], rest->len, len);
    if (rest->p[len] != '\n')
        return wr_fail(err, WR_ECORRUPT, "part '%s' does not end where it says",
                       NAME[want]);
    *out = (part){rest->p, len};
    rest->p += len + 1;
    rest->len -= len + 1;
    return WR_OK;
}

static wr_status split(part out[PARTS], const void *bytes, size_t len, wr_err *err)
{
    const size_t magic = sizeof MAGIC - 1;
    part rest = {bytes, len};
    size_t name_len, part_len, head;
    if (len < magic || memcmp(bytes, MAGIC, magic) != 0)
        return wr_fail(err, WR_ECORRUPT, "no model: %zu bytes without 'wrmodel 1'", len);
    rest.p += magic;
    rest.len -= magic;
    for (int k = 0; k < PARTS; k++)
        WR_TRY(next_part(&out[k], &rest, (part_kind)k, err));
    if (rest.len == 0)
        return WR_OK;
    const int kind = read_head(rest.p, rest.len, &name_len, &part_len, &head)
                         ? kind_of(rest.p, name_len)
                         : -1;
    if (kind >= 0)
        return wr_fail(err, WR_ECORRUPT, "part '%s' is there twice", NAME[kind]);
    return wr_fail(err, WR_ECORRUPT, "%zu bytes behind part '%s'", rest.len, NAME[DRIFT]);
}

/* What a reader of a part said, with the part; all but no memory is damage. */
static wr_status blame(part_kind kind, wr_status s, const wr_err *why, wr_err *err)
{
    return wr_fail(err, s == WR_ENOMEM ? s : WR_ECORRUPT, "part '%s': %s", NAME[kind],
                   why->msg);
}

static char *text_of(part p) /* with a NUL; NULL without memory */
{
    char *text = wr_calloc(p.len + 1, 1);
    if (text)
        memcpy(text, p.p, p.len);
    return text;
}

/* One way of writing a text: what we print of it must be what was there. */
static wr_status check_same(part_kind kind, part p, wr_buf *again, wr_err *err)
{
    wr_status s = wr_buf_status(again, NAME[kind], err);
    if (s == WR_OK && (again->len != p.len || memcmp(again->p, p.p, p.len) != 0))
        s = wr_fail(err, WR_ECORRUPT, "part '%s': not as this program writes it",
                    NAME[kind]);
    wr_buf_release(again);
    return s;
}

static wr_status take_manifest(wr_learned *l, part p, wr_err *err)
{
    wr_err why = {0};
    l->text = text_of(p);
    if (!l->text)
        return wr_fail(err, WR_ENOMEM, "manifest of %zu bytes", p.len);
    const wr_status s = wr_manifest_read(&l->manifest, l->text, p.len, &l->arena, &why);
    return s == WR_OK ? WR_OK : blame(MANIFEST, s, &why, err);
}

/* Names as training gives them (booster.h): they go into cards and tables as they are. */
static wr_status check_names(const wr_booster *b, wr_err *err)
{
    static const char ALLOWED[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
    const char *const *name;
    const uint32_t features = wr_booster_features_of(b, &name);
    for (uint32_t i = 0; i < features; i++) {
        const size_t len = strlen(name[i]);
        if (len == 0 || len > WR_BOOSTER_NAME_MAX || strspn(name[i], ALLOWED) != len)
            return wr_fail(err, WR_ECORRUPT, "part 'trees': '%s' is no name of a column",
                           wr_text_quote(wr_text_of(name[i]), 60).s);
    }
    return WR_OK;
}

static wr_status take_trees(wr_learned *l, part p, uint32_t threads, wr_err *err)
{
    wr_err why = {0};
    const wr_status s = wr_booster_load(&l->booster, p.p, p.len, NULL, threads, &why);
    return s == WR_OK ? check_names(l->booster, err) : blame(TREES, s, &why, err);
}

static wr_status take_calibration(wr_learned *l, part p, wr_err *err)
{
    wr_err why = {0};
    wr_buf again;
    WR_AUTO_ARRAY char *text = text_of(p);
    if (!text)
        return wr_fail(err, WR_ENOMEM, "calibration of %zu bytes", p.len);
    const wr_status s = wr_calibration_parse(&l->calibration, text, &why);
    if (s != WR_OK)
        return blame(CALIBRATION, s, &why, err);
    wr_buf_init(&again, p.len + 1);
    wr_calibration_print(&again, &l->calibration);
    if (again.status == WR_ELIMIT) /* longer than what it was read from */
        wr_buf_clear(&again);
    return check_same(CALIBRATION, p, &again, err);
}

static wr_status take_forest(wr_learned *l, part p, wr_err *err)
{
    wr_err why = {0};
    const wr_manifest_texts *name = &l->manifest.forest_columns;
    const wr_status s = wr_forest_load(&l->forest, p.p, p.len, &why);
    if (s != WR_OK)
        return blame(FOREST, s, &why, err);
    const uint32_t columns = wr_forest_features(l->forest);
    if (name->count != columns)
        return wr_fail(err, WR_ECORRUPT,
                       "part 'forest': %u columns, the manifest names %u", columns,
                       name->count);
    l->forest_column = wr_calloc(columns, sizeof *l->forest_column);
    if (!l->forest_column)
        return wr_fail(err, WR_ENOMEM, "%u columns", columns);
    for (uint32_t k = 0; k < columns; k++) {
        const int at = column_of(l->booster, name->at[k]);
        if (at < 0)
            return wr_fail(err, WR_ECORRUPT,
                           "part 'manifest': forest column '%s' is none of the trees",
                           wr_text_quote(name->at[k], 60).s);
        l->forest_column[k] = (uint32_t)at;
    }
    return WR_OK;
}

static wr_status read_lines(wr_learned *l, char *text, uint32_t lines, wr_err *err)
{
    wr_err why = {0};
    for (uint32_t i = 0; i < lines; i++) {
        char *end = strchr(text, '\n');
        if (!end)
            return wr_fail(err, WR_ECORRUPT, "part 'drift': %u lines of %u", i, lines);
        *end = '\0';
        const wr_status s = wr_drift_parse(&l->drift[i], text, &why);
        if (s != WR_OK)
            return wr_fail(err, WR_ECORRUPT, "part 'drift': line %u: %s", i + 1, why.msg);
        text = end + 1;
    }
    return WR_OK;
}

static wr_status take_drift(wr_learned *l, part p, wr_err *err)
{
    wr_buf again;
    const uint32_t lines = wr_booster_features_of(l->booster, NULL) + 1;
    WR_AUTO_ARRAY char *text = text_of(p);
    l->drift = wr_calloc(lines, sizeof *l->drift);
    if (!text || !l->drift)
        return wr_fail(err, WR_ENOMEM, "drift of %zu bytes", p.len);
    WR_TRY(read_lines(l, text, lines, err));
    wr_buf_init(&again, p.len + 1);
    print_drift(&again, l->drift, lines);
    if (again.status == WR_ELIMIT)
        wr_buf_clear(&again);
    return check_same(DRIFT, p, &again, err);
}

static wr_status name_it(wr_learned *l, const void *bytes, size_t len, wr_err *err)
{
    wr_digest d;
    WR_TRY(wr_digest_init(&d, err));
    wr_digest_add(&d, bytes, len);
    wr_digest_hex_of(&d, &l->digest);
    wr_digest_release(&d);
    if (!l->digest.s[0])
        return wr_fail(err, WR_ENOMEM, "digest of %zu bytes", len);
    (void)snprintf(l->id, sizeof l->id, "m%.12s", l->digest.s);
    return WR_OK;
}

static void release(wr_learned *l)
{
    wr_free(l->text);
    wr_arena_release(&l->arena);
    wr_booster_free(l->booster);
    wr_calibration_release(&l->calibration);
    wr_forest_free(l->forest);
    wr_free(l->forest_column);
    wr_free(l->drift);
    wr_free(l);
}

wr_status wr_learned_unpack(wr_learned **out, const void *bytes, size_t len,
                            uint32_t threads, wr_err *err)
{
    part p[PARTS];
    if (threads < 1 || threads > THREADS_MAX)
        return wr_fail(err, WR_EINVAL, "threads %u outside 1..%d", threads, THREADS_MAX);
    WR_TRY(split(p, bytes, len, err));
    WR_AUTO(wr_learned) l = wr_calloc(1, sizeof *l);
    if (!l)
        return wr_fail(err, WR_ENOMEM, "model");
    atomic_init(&l->refs, 1);
    wr_arena_init(&l->arena, 0);
    WR_TRY(take_manifest(l, p[MANIFEST], err));
    WR_TRY(take_trees(l, p[TREES], threads, err));
    WR_TRY(take_calibration(l, p[CALIBRATION], err));
    WR_TRY(take_forest(l, p[FOREST], err));
    WR_TRY(take_drift(l, p[DRIFT], err));
    WR_TRY(name_it(l, bytes, len, err));
    *out = WR_STEAL(l);
    return WR_OK;
}

wr_learned *wr_learned_acquire(wr_learned *l)
{
    atomic_fetch_add(&l->refs, 1);
    return l;
}

void wr_learned_unref(wr_learned *l)
{
    if (l && atomic_fetch_sub(&l->refs, 1) == 1)
        release(l);
}

/* --- reading ---------------------------------------------------------------------- */

const char *wr_learned_id(const wr_learned *l)
{
    return l->id;
}

const wr_digest_hex *wr_learned_digest(const wr_learned *l)
{
    return &l->digest;
}

const char *wr_learned_manifest(const wr_learned *l)
{
    return l->text;
}

double wr_learned_threshold(const wr_learned *l)
{
    const wr_text t = l->manifest.threshold; /* a number as text, and so ends with NUL */
    return t.len ? strtod(t.p, NULL) : (double)NAN;
}

const wr_booster *wr_learned_booster(const wr_learned *l)
{
    return l->booster;
}

const wr_drift *wr_learned_drift(const wr_learned *l)
{
    return l->drift;
}

const wr_drift *wr_learned_score_drift(const wr_learned *l)
{
    return &l->drift[wr_booster_features_of(l->booster, NULL)];
}

/* --- scoring ---------------------------------------------------------------------- */

/* p of rows, a row at a time; rows whose margin is no number come back as NaN. */
static void probabilities(double *p, const wr_learned *l, const float *x, size_t rows)
{
    const wr_booster_flat *trees = wr_booster_flat_of(l->booster);
    const wr_calibration *c = &l->calibration;
    const size_t d = wr_booster_flat_features(trees);
#pragma omp parallel for default(none) shared(p, x, rows, trees, c, d) \
    schedule(static, ROWS_PER_TASK)
    for (size_t i = 0; i < rows; i++) {
        const double margin = (double)wr_booster_flat_margin(trees, x + i * d);
        p[i] = isnan(margin) ? margin : wr_calibration_apply(c, margin);
    }
}

/* Columns of the forest, side by side. */
static void gather(float *to, const wr_learned *l, const float *x, size_t rows)
{
    const size_t d = wr_booster_features_of(l->booster, NULL);
    const size_t k = wr_forest_features(l->forest);
    const uint32_t *column = l->forest_column;
#pragma omp parallel for default(none) shared(to, x, rows, d, k, column) \
    schedule(static, ROWS_PER_TASK)
    for (size_t i = 0; i < rows; i++)
        for (size_t c = 0; c < k; c++)
            to[i * k + c] = x[i * d + column[c]];
}

static wr_status novelties(double *novelty, const wr_learned *l, const float *x,
                           size_t rows, wr_err *err)
{
    const size_t d = wr_booster_features_of(l->booster, NULL);
    const size_t at_once = rows < BLOCK_ROWS ? rows : BLOCK_ROWS;
    WR_AUTO_ARRAY float *part_x =
        wr_calloc(at_once, wr_forest_features(l->forest) * sizeof *part_x);
    if (!part_x)
        return wr_fail(err, WR_ENOMEM, "%zu rows of the forest", at_once);
    for (size_t from = 0; from < rows; from += at_once) {
        const size_t n = rows - from < at_once ? rows - from : at_once;
        gather(part_x, l, x + from * d, n);
        wr_forest_scores(novelty + from, l->forest, part_x, n);
    }
    return WR_OK;
}

wr_status wr_learned_score(double *p, double *novelty, const wr_learned *l,
                           const float *x, size_t rows, wr_err *err)
{
    if (rows == 0)
        return WR_OK;
    probabilities(p, l, x, rows);
    for (size_t i = 0; i < rows; i++) /* only trees that were made up overflow */
        if (isnan(p[i]))
            return wr_fail(err, WR_ECORRUPT, "row %zu: the trees add up to no number", i);
    return novelty ? novelties(novelty, l, x, rows, err) : WR_OK;
}
