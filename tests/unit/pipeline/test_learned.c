/*
 * A trained scorer as bytes: there and back, what its numbers are made of, and every way
 * in which the bytes can be wrong.
 */
#include "pipeline/scorer/learned.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "model_gen.h"

enum { PARTS = 5, FLIPS = 3000 };

static const char *const PART[PARTS] = {"manifest", "trees", "calibration", "forest",
                                        "drift"};
static const char HEAD[] = "wrmodel 1\n";

/* A model, its bytes and the value read from them. */
typedef struct kit {
    gen_model g;
    wr_buf bytes;
    wr_learned *l;
} kit;

static void kit_init(kit *k, bool is_isotonic)
{
    gen_model_init(&k->g, NULL, "wallet", 3, is_isotonic);
    const wr_learned_parts p = gen_parts(&k->g);
    wr_buf_init(&k->bytes, 1 << 26);
    assert_ok(wr_learned_pack(&k->bytes, &p, &err));
    k->l = NULL;
    assert_ok(wr_learned_unpack(&k->l, k->bytes.p, k->bytes.len, 1, &err));
}

static void kit_release(kit *k)
{
    wr_learned_unref(k->l);
    wr_buf_release(&k->bytes);
    gen_model_release(&k->g);
}

static void test_learned_pack__same_bytes_there_and_back(void **state)
{
    (void)state;
    for (int is_isotonic = 0; is_isotonic < 2; is_isotonic++) {
        kit k;
        wr_buf again;
        kit_init(&k, is_isotonic);
        assert_string_equal(wr_learned_manifest(k.l), k.g.manifest.p);
        wr_learned_parts p = gen_parts(&k.g);
        p.booster = wr_learned_booster(k.l);
        p.drift = wr_learned_drift(k.l);
        p.score_drift = wr_learned_score_drift(k.l);
        p.manifest = wr_learned_manifest(k.l);
        wr_buf_init(&again, 1 << 26);
        assert_ok(wr_learned_pack(&again, &p, &err));
        assert_int_equal(again.len, k.bytes.len);
        assert_memory_equal(again.p, k.bytes.p, again.len);
        wr_buf_release(&again);
        kit_release(&k);
    }
}

static void test_learned_id__is_of_the_digest(void **state)
{
    (void)state;
    kit k;
    wr_digest d;
    wr_digest_hex want;
    kit_init(&k, false);
    assert_ok(wr_digest_init(&d, &err));
    wr_digest_add(&d, k.bytes.p, k.bytes.len);
    wr_digest_hex_of(&d, &want);
    wr_digest_release(&d);
    assert_string_equal(wr_learned_digest(k.l)->s, want.s);
    assert_int_equal(strlen(wr_learned_id(k.l)), 13);
    assert_int_equal(wr_learned_id(k.l)[0], 'm');
    assert_memory_equal(wr_learned_id(k.l) + 1, want.s, 12);
    wr_buf other; /* another training, another name */
    WR_AUTO(wr_learned) l = NULL;
    gen_model_bytes(&other, "wallet", 4);
    assert_ok(wr_learned_unpack(&l, other.p, other.len, 1, &err));
    assert_string_not_equal(wr_learned_id(l), wr_learned_id(k.l));
    wr_buf_release(&other);
    kit_release(&k);
}

static void test_learned_score__what_it_is_made_of(void **state)
{
    (void)state;
    for (int is_isotonic = 0; is_isotonic < 2; is_isotonic++) {
        kit k;
        kit_init(&k, is_isotonic);
        const gen_rows *r = &k.g.rows;
        double *p = wr_calloc(r->rows, sizeof *p);
        double *novelty = wr_calloc(r->rows, sizeof *novelty);
        double *margin = wr_calloc(r->rows, sizeof *margin);
        assert_ok(wr_learned_score(p, novelty, k.l, r->x, r->rows, &err));
        assert_ok(wr_booster_predict(margin, k.g.booster, r->x, r->rows,
                                     WR_BOOSTER_MARGIN, &err));
        for (size_t i = 0; i < r->rows; i++) {
            float x[GEN_FOREST];
            for (int c = 0; c < GEN_FOREST; c++)
                x[c] = r->x[i * r->features + k.g.column[c]];
            assert_true(p[i] == wr_calibration_apply(&k.g.calibration, margin[i]));
            assert_true(novelty[i] == wr_forest_score(k.g.forest, x));
        }
        wr_free(p);
        wr_free(novelty);
        wr_free(margin);
        kit_release(&k);
    }
}

static void test_learned_score__same_bytes_for_any_thread_count(void **state)
{
    (void)state;
    kit k;
    kit_init(&k, true);
    enum { ROWS = 9000 }; /* more than two blocks */
    gen_rows r;
    gen_rows_init(&r, ROWS, GEN_COLUMNS, 20, 9);
    double *want = wr_calloc((size_t)2 * ROWS, sizeof *want);
    double *got = wr_calloc((size_t)2 * ROWS, sizeof *got);
    const int before = omp_get_max_threads();
    const int threads[] = {1, 2, 4, 8};
    for (size_t t = 0; t < 4; t++) {
        omp_set_num_threads(threads[t]);
        double *to = t == 0 ? want : got;
        assert_ok(wr_learned_score(to, to + ROWS, k.l, r.x, ROWS, &err));
        if (t > 0)
            assert_memory_equal(got, want, (size_t)2 * ROWS * sizeof *got);
    }
    omp_set_num_threads(before);
    /* one row alone, and without novelty, says the same */
    for (size_t i = 0; i < ROWS; i += 997) {
        assert_ok(wr_learned_score(got, NULL, k.l, r.x + i * GEN_COLUMNS, 1, &err));
        assert_true(got[0] == want[i]);
    }
    assert_ok(wr_learned_score(NULL, NULL, k.l, NULL, 0, &err));
    wr_free(want);
    wr_free(got);
    gen_rows_release(&r);
    kit_release(&k);
}

static void test_learned_acquire__lives_until_the_last_leaves(void **state)
{
    (void)state;
    kit k;
    kit_init(&k, false);
    wr_learned *second = wr_learned_acquire(k.l);
    assert_ptr_equal(second, k.l);
    wr_learned_unref(k.l);
    double p;
    assert_ok(wr_learned_score(&p, NULL, second, k.g.rows.x, 1, &err));
    wr_learned_unref(NULL);
    kit_release(&k);
}

static void test_learned_pack__refused(void **state)
{
    (void)state;
    kit k;
    wr_buf b;
    kit_init(&k, false);
    wr_buf_init(&b, 1 << 26);
    wr_learned_parts p = gen_parts(&k.g);
    static const char *const BAD[] = {"",
                                      "[]",
                                      "no",
                                      "{\"kind\":}",
                                      "{\"data\":[]}",
                                      "{}",
                                      "{\"forest_columns\":[\"a\",\"b\",\"c\"]}"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        p.manifest = BAD[i];
        assert_err(WR_EINVAL, wr_learned_pack(&b, &p, &err));
    }
    p = gen_parts(&k.g);
    uint32_t column[GEN_FOREST] = {7, 0, GEN_COLUMNS};
    p.forest_column = column;
    assert_err(WR_EINVAL, wr_learned_pack(&b, &p, &err));
    column[2] = 5; /* inside, but not the one that the manifest names */
    assert_err(WR_EINVAL, wr_learned_pack(&b, &p, &err));
    assert_int_equal(b.len, 0);
    wr_buf_release(&b);
    kit_release(&k);
}

/* --- wrong bytes ------------------------------------------------------------------ */

/* Where part `at` begins (its first line) and how long it is with that line. */
static char *find_part(const wr_buf *b, int at, size_t *len)
{
    char *p = b->p + strlen(HEAD);
    for (int k = 0;; k++) {
        char *end;
        const char *digits = strchr(p, ' ') + 1;
        const size_t bytes = strtoull(digits, &end, 10);
        *len = (size_t)(end + 1 - p) + bytes + 1;
        if (k == at)
            return p;
        p += *len;
    }
}

static void assert_refused(const char *p, size_t len, const char *part, const char *why)
{
    wr_learned *l = NULL;
    wr_err err = {0};
    const wr_status s = wr_learned_unpack(&l, p, len, 1, &err);
    if (s != WR_ECORRUPT || err.code != s || !strstr(err.msg, part) ||
        !strstr(err.msg, why))
        fail_msg("wanted '%s' and '%s', got %s: %s", part, why, wr_status_name(s),
                 err.msg);
    assert_null(l);
}

/* bytes with `cut` of them at `from` taken out and `put` in their place */
static void assert_spliced(const wr_buf *b, const char *from, size_t cut, const char *put,
                           size_t put_len, const char *part, const char *why)
{
    const size_t before = (size_t)(from - b->p);
    char *copy = wr_calloc(b->len - cut + put_len, 1); /* exact, for ASan */
    memcpy(copy, b->p, before);
    memcpy(copy + before, put, put_len);
    memcpy(copy + before + put_len, from + cut, b->len - before - cut);
    assert_refused(copy, b->len - cut + put_len, part, why);
    wr_free(copy);
}

static void test_learned_unpack__each_part_missing_or_twice(void **state)
{
    (void)state;
    kit k;
    kit_init(&k, false);
    for (int i = 0; i < PARTS; i++) {
        size_t len, last_len;
        const char *p = find_part(&k.bytes, i, &len);
        const char *last = find_part(&k.bytes, PARTS - 1, &last_len);
        assert_spliced(&k.bytes, p, len, "", 0, PART[i], "missing");
        assert_spliced(&k.bytes, p, 0, p, len, PART[i], "twice");
        assert_spliced(&k.bytes, last + last_len, 0, p, len, PART[i], "twice");
    }
    assert_spliced(&k.bytes, k.bytes.p + k.bytes.len, 0, "x", 1, "drift", "behind");
    assert_spliced(&k.bytes, k.bytes.p + strlen(HEAD), 0, "extra 1\nx\n", 10, "manifest",
                   "part 'extra' follows");
    kit_release(&k);
}

static void test_learned_unpack__each_part_cut(void **state)
{
    (void)state;
    kit k;
    kit_init(&k, false);
    for (int i = 0; i < PARTS; i++) {
        size_t len;
        const char *p = find_part(&k.bytes, i, &len);
        const size_t head = (size_t)(strchr(p, '\n') + 1 - p);
        const size_t at = (size_t)(p - k.bytes.p);
        /* the file ends within it */
        for (size_t left = at; left < at + len; left += 1 + len / 50) {
            char *copy = wr_calloc(left, 1);
            memcpy(copy, k.bytes.p, left);
            assert_refused(copy, left, PART[i], "");
            wr_free(copy);
        }
        /* its last byte is gone, and it does not know; then with its new length */
        assert_spliced(&k.bytes, p + len - 2, 1, "", 0, PART[i], "");
        char line[64];
        const int n = snprintf(line, sizeof line, "%s %zu\n", PART[i], len - head - 2);
        wr_buf b;
        wr_buf_init(&b, 1 << 26);
        wr_buf_add(&b, k.bytes.p, at);
        wr_buf_add(&b, line, (size_t)n);
        wr_buf_add(&b, p + head, len - head - 2);
        wr_buf_add(&b, p + len - 1, k.bytes.len - at - len + 1);
        assert_refused(b.p, b.len, PART[i], "");
        wr_buf_release(&b);
    }
    static const char *const SHORT[] = {"", "w", "wrmodel 1",
                                        "wrmodel 2\nmanifest 2\n{}\n"};
    for (size_t i = 0; i < 4; i++)
        assert_refused(SHORT[i], strlen(SHORT[i]), "no model", "wrmodel 1");
    assert_refused(HEAD, strlen(HEAD), "manifest", "missing");
    kit_release(&k);
}

static void test_learned_unpack__each_part_damaged(void **state)
{
    (void)state;
    kit k;
    kit_init(&k, true);
    static const char *const WHY[PARTS] = {"no JSON object", "", "calibration", "forest",
                                           "line 1"};
    for (int i = 0; i < PARTS; i++) {
        size_t len;
        char *p = find_part(&k.bytes, i, &len);
        char *body = strchr(p, '\n') + 1;
        assert_spliced(&k.bytes, body, 1, "\xff", 1, PART[i], WHY[i]);
        assert_spliced(&k.bytes, body, 1, "", 0, PART[i], "");
        /* first lines that are none */
        const size_t name = strlen(PART[i]);
        assert_spliced(&k.bytes, p + name, 1, "", 0, PART[i], "first line");
        assert_spliced(&k.bytes, p + name + 1, 0, "0", 1, PART[i], "first line");
        assert_spliced(&k.bytes, p + name + 1, 0, "-", 1, PART[i], "first line");
        assert_spliced(&k.bytes, p + name + 1, 0, "99999999999999999999", 20, PART[i],
                       "first line");
        assert_spliced(&k.bytes, p + name + 1, 0, "9999999", 7, PART[i], "cut off");
        assert_spliced(&k.bytes, p + name, 0, "x", 1, PART[i], "missing");
    }
    kit_release(&k);
}

/* Replaces the first `what` behind the start of part `at`, with its length set right. */
static void assert_edited(const wr_buf *b, int at, const char *what, const char *by,
                          const char *part, const char *why)
{
    size_t len;
    const char *p = find_part(b, at, &len);
    const char *body = strchr(p, '\n') + 1;
    const char *end = p + len - 1;
    const char *spot = memmem(body, (size_t)(end - body), what, strlen(what));
    assert_non_null(spot);
    wr_buf e;
    wr_buf_init(&e, 1 << 26);
    wr_buf_add(&e, b->p, (size_t)(p - b->p));
    wr_buf_addf(&e, "%s %zu\n", PART[at],
                (size_t)(end - body) - strlen(what) + strlen(by));
    wr_buf_add(&e, body, (size_t)(spot - body));
    wr_buf_adds(&e, by);
    const char *rest = spot + strlen(what);
    wr_buf_add(&e, rest, b->len - (size_t)(rest - b->p));
    assert_refused(e.p, e.len, part, why);
    wr_buf_release(&e);
}

static void test_learned_unpack__parts_that_do_not_fit_each_other(void **state)
{
    (void)state;
    kit k;
    kit_init(&k, false);
    assert_edited(&k.bytes, 0, "f07.in_24h", "f07.in_25h", "manifest", "f07.in_25h");
    assert_edited(&k.bytes, 0, "\"f07.in_24h\",", "", "forest", "3 columns");
    assert_edited(&k.bytes, 0, "\"data\":{", "\"data\":7,\"x\":{", "manifest", "'data'");
    assert_edited(&k.bytes, 1, "f03.in_24h", "f03|in_24h", "trees", "no name");
    assert_edited(&k.bytes, 2, " platt", "  platt", "calibration", "as this program");
    assert_edited(&k.bytes, 4, "drift 1 ", "drift 1  ", "drift", "as this program");
    assert_edited(&k.bytes, 4, "\n", " ", "drift", "line 1");
    size_t len;
    const char *p = find_part(&k.bytes, 4, &len); /* one line less than columns + 1 */
    const char *body = strchr(p, '\n') + 1;
    const size_t line = (size_t)(strchr(body, '\n') + 1 - body);
    char *first = wr_calloc(line + 1, 1);
    memcpy(first, body, line);
    assert_edited(&k.bytes, 4, first, "", "drift", "12 lines of 13");
    char *twice = wr_calloc(2 * line + 1, 1);
    memcpy(twice, body, line);
    memcpy(twice + line, body, line);
    assert_edited(&k.bytes, 4, first, twice, "drift", "as this program");
    wr_free(first);
    wr_free(twice);
    /* a NUL ends no text */
    const char *cal = find_part(&k.bytes, 2, &len);
    assert_spliced(&k.bytes, cal + len - 2, 1, "\0", 1, "calibration", "as this program");
    kit_release(&k);
}

/* Some flips leave a model (a digit of a knot): then it scores; nothing may crash. */
static void test_learned_unpack__flipped_bytes_never_crash(void **state)
{
    (void)state;
    kit k;
    kit_init(&k, true);
    wr_rng r = {.s = 5};
    char *copy = wr_calloc(k.bytes.len, 1);
    int refused = 0;
    for (int i = 0; i < FLIPS; i++) {
        memcpy(copy, k.bytes.p, k.bytes.len);
        for (uint64_t n = 1 + wr_rng_below(&r, 3); n > 0; n--) {
            size_t len; /* a part at random, or trees would take them all */
            const char *p = find_part(&k.bytes, (int)wr_rng_below(&r, PARTS), &len);
            char *at = copy + (p - k.bytes.p) + wr_rng_below(&r, len);
            *at = (char)(unsigned char)(*at ^ (1 << wr_rng_below(&r, 8)));
        }
        WR_AUTO(wr_learned) l = NULL;
        wr_err why = {0};
        const wr_status s = wr_learned_unpack(&l, copy, k.bytes.len, 1, &why);
        if (s != WR_OK) {
            assert_int_equal(s, WR_ECORRUPT);
            assert_true(strncmp(why.msg, "part '", 6) == 0);
            refused++;
            continue;
        }
        wr_buf card;
        double p, novelty;
        wr_buf_init(&card, 1 << 22);
        const wr_status scored = wr_learned_score(&p, &novelty, l, k.g.rows.x, 1, NULL);
        assert_true(scored == WR_ECORRUPT || (p > 0 && p < 1 && novelty >= 0));
        assert_ok(wr_learned_card(&card, l, &err));
        wr_buf_release(&card);
    }
    assert_true(refused > FLIPS / 2 && refused < FLIPS);
    wr_free(copy);
    kit_release(&k);
}

static wr_status unpack_once(const wr_buf *b, wr_err *err)
{
    wr_learned *l = NULL;
    const wr_status s = wr_learned_unpack(&l, b->p, b->len, 1, err);
    wr_learned_unref(l);
    return s;
}

static wr_status use_once(const kit *k, wr_err *err)
{
    double p[2], novelty[2];
    wr_buf out;
    const wr_learned_parts parts = gen_parts(&k->g);
    wr_buf_init(&out, 1 << 26);
    wr_status s = wr_learned_pack(&out, &parts, err);
    if (s == WR_OK)
        s = wr_learned_card(&out, k->l, err);
    if (s == WR_OK)
        s = wr_learned_score(p, novelty, k->l, k->g.rows.x, 2, err);
    wr_buf_release(&out);
    return s;
}

static void test_learned__oom(void **state)
{
    (void)state;
    kit k;
    kit_init(&k, true);
    assert_oom_safe(unpack_once(&k.bytes, &err));
    assert_oom_safe(use_once(&k, &err));
    kit_release(&k);
}

static void test_learned_unpack__threads(void **state)
{
    (void)state;
    kit k;
    wr_learned *l = NULL;
    kit_init(&k, false);
    assert_err(WR_EINVAL, wr_learned_unpack(&l, k.bytes.p, k.bytes.len, 0, &err));
    assert_err(WR_EINVAL, wr_learned_unpack(&l, k.bytes.p, k.bytes.len, 257, &err));
    kit_release(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_learned_pack__same_bytes_there_and_back),
        wr_unit_test(test_learned_id__is_of_the_digest),
        wr_unit_test(test_learned_score__what_it_is_made_of),
        wr_unit_test(test_learned_score__same_bytes_for_any_thread_count),
        wr_unit_test(test_learned_acquire__lives_until_the_last_leaves),
        wr_unit_test(test_learned_pack__refused),
        wr_unit_test(test_learned_unpack__each_part_missing_or_twice),
        wr_unit_test(test_learned_unpack__each_part_cut),
        wr_unit_test(test_learned_unpack__each_part_damaged),
        wr_unit_test(test_learned_unpack__parts_that_do_not_fit_each_other),
        wr_unit_test(test_learned_unpack__flipped_bytes_never_crash),
        wr_unit_test(test_learned__oom),
        wr_unit_test(test_learned_unpack__threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
