/*
 * The registry of trained models: what is kept, how a model is named, which one is
 * active.
 */
#include <pthread.h>

#include "contract.h"
#include "store/migrations_int.h"
#include "util/digest.h"

enum { MODELS_MAX = 16, BIG = 3000000 };

typedef struct models {
    wr_model m[MODELS_MAX];
    wr_buf text[MODELS_MAX][8];
    size_t n;
} models;

static void keep(wr_buf *b, wr_text *t)
{
    wr_buf_init(b, 1 << 24);
    if (t->p) {
        wr_buf_add(b, t->p, t->len);
        t->p = wr_buf_cstr(b);
    }
}

static wr_status add_model(void *ctx, const wr_model *m, wr_err *err)
{
    models *l = ctx;
    (void)err;
    assert_true(l->n < MODELS_MAX);
    wr_model *own = &l->m[l->n];
    *own = *m;
    wr_text *text[] = {&own->id,           &own->digest,   &own->kind, &own->created_by,
                       &own->activated_by, &own->manifest, &own->card, &own->bytes};
    for (size_t i = 0; i < 8; i++)
        keep(&l->text[l->n][i], text[i]);
    l->n++;
    return WR_OK;
}

static void clear(models *l)
{
    for (size_t k = 0; k < l->n; k++)
        for (size_t i = 0; i < 8; i++)
            wr_buf_release(&l->text[k][i]);
    l->n = 0;
}

static models got; /* too big for a stack */

static void list(wr_store *st)
{
    clear(&got);
    assert_ok(wr_store_models(st, add_model, &got, &err));
}

/* A model of these bytes; its digest is kept in *d. */
static wr_model model(const char *id, const char *kind, wr_text bytes, int64_t created_s,
                      wr_digest_hex *d)
{
    wr_digest sum;
    assert_ok(wr_digest_init(&sum, &err));
    wr_digest_add(&sum, bytes.p, bytes.len);
    wr_digest_hex_of(&sum, d);
    wr_digest_release(&sum);
    return (wr_model){.id = wr_text_of(id),
                      .digest = wr_text_of(d->s),
                      .kind = wr_text_of(kind),
                      .created_s = created_s,
                      .created_by = WR_TEXT_LIT("trainer"),
                      .manifest = WR_TEXT_LIT("{\"kind\":\"wallet\"}"),
                      .card = WR_TEXT_LIT("# Model\n"),
                      .bytes = bytes};
}

static void put(wr_store *st, const char *id, const char *kind, int64_t created_s)
{
    wr_digest_hex d;
    bool is_new = false;
    const wr_model m = model(id, kind, wr_text_of(id), created_s, &d);
    assert_ok(wr_store_model_put(st, &m, &is_new, &err));
    assert_true(is_new);
}

static void activate(wr_store *st, const char *name, const char *now, const char *former)
{
    wr_model_switch sw;
    assert_ok(
        wr_store_model_activate(st, name, NULL, WR_TEXT_LIT("boss"), 77, &sw, &err));
    assert_string_equal(sw.id, now);
    assert_string_equal(sw.former, former);
    assert_true(sw.is_changed);
}

static wr_model_status status_of(wr_store *st, const char *id)
{
    list(st);
    for (size_t i = 0; i < got.n; i++)
        if (wr_text_eq(got.m[i].id, wr_text_of(id)))
            return got.m[i].status;
    fail_msg("no model %s", id);
    return WR_MODEL_STATUS_COUNT;
}

/* --- keeping ------------------------------------------------------------------------ */

static void test_model_put__comes_back(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    static char big[BIG];
    wr_rng r = {.s = 3};
    for (size_t i = 0; i < BIG; i++) /* every byte, NUL among them */
        big[i] = (char)wr_rng_below(&r, 256);
    wr_digest_hex d;
    wr_model m = model("m0123456789ab", "wallet", (wr_text){big, BIG}, 1700000000, &d);
    m.status = WR_MODEL_ACTIVE; /* is not the caller's to say */
    m.activated_s = 5;
    m.activated_by = WR_TEXT_LIT("nobody");
    bool is_new = false;
    assert_ok(wr_store_model_put(st, &m, &is_new, &err));
    assert_true(is_new);
    clear(&got);
    assert_ok(wr_store_model_get(st, "m0123456789ab", NULL, add_model, &got, &err));
    assert_int_equal(got.n, 1);
    const wr_model *g = &got.m[0];
    assert_text(g->id, "m0123456789ab");
    assert_text(g->digest, d.s);
    assert_text(g->kind, "wallet");
    assert_int_equal(g->status, WR_MODEL_CANDIDATE);
    assert_int_equal(g->created_s, 1700000000);
    assert_text(g->created_by, "trainer");
    assert_int_equal(g->activated_s, 0);
    assert_absent(g->activated_by);
    assert_text(g->manifest, m.manifest.p);
    assert_text(g->card, m.card.p);
    assert_int_equal(g->bytes.len, BIG);
    assert_memory_equal(g->bytes.p, big, BIG);
    clear(&got);
}

static void test_model_put__twice_changes_nothing(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    wr_digest_hex d;
    bool is_new = false;
    put(st, "m1111", "wallet", 10);
    activate(st, "m1111", "m1111", "");
    wr_model m = model("m1111", "wallet", WR_TEXT_LIT("m1111"), 99, &d);
    m.created_by = WR_TEXT_LIT("another");
    m.card = WR_TEXT_LIT("another");
    is_new = true;
    assert_ok(wr_store_model_put(st, &m, &is_new, &err));
    assert_false(is_new);
    list(st);
    assert_int_equal(got.n, 1);
    assert_int_equal(got.m[0].created_s, 10);
    assert_int_equal(got.m[0].status, WR_MODEL_ACTIVE);
    assert_text(got.m[0].created_by, "trainer");
    assert_text(got.m[0].card, "# Model\n");
    clear(&got);
}

static void test_model_put__same_id_other_digest(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    wr_digest_hex d;
    bool is_new = true;
    put(st, "m1111", "wallet", 10);
    const wr_model m = model("m1111", "wallet", WR_TEXT_LIT("others"), 10, &d);
    assert_err_says(WR_ECONFLICT, d.s, wr_store_model_put(st, &m, &is_new, &err));
    assert_true(is_new); /* untouched */
    clear(&got);
    assert_ok(wr_store_model_get(st, "m1111", NULL, add_model, &got, &err));
    assert_text(got.m[0].bytes, "m1111");
    clear(&got);
}

static void test_model_put__refused(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    wr_digest_hex d;
    bool is_new = false;
    const wr_model good = model("m1111", "wallet", WR_TEXT_LIT("bytes"), 10, &d);
    wr_model m = good;
    m.id = (wr_text){0};
    assert_err_says(WR_EINVAL, "id", wr_store_model_put(st, &m, &is_new, &err));
    m.id = WR_TEXT_LIT("active");
    assert_err_says(WR_EINVAL, "active", wr_store_model_put(st, &m, &is_new, &err));
    m.id = WR_TEXT_LIT("none");
    assert_err_says(WR_EINVAL, "none", wr_store_model_put(st, &m, &is_new, &err));
    m.id = WR_TEXT_LIT("m2345678901234567890123456789012");
    assert_err_says(WR_EINVAL, "no id", wr_store_model_put(st, &m, &is_new, &err));
    m = good;
    m.kind = WR_TEXT_LIT("");
    assert_err_says(WR_EINVAL, "kind", wr_store_model_put(st, &m, &is_new, &err));
    m = good;
    m.manifest = (wr_text){0};
    assert_err_says(WR_EINVAL, "manifest", wr_store_model_put(st, &m, &is_new, &err));
    m = good;
    m.bytes.len = 0;
    assert_err_says(WR_EINVAL, "bytes", wr_store_model_put(st, &m, &is_new, &err));
    m = good;
    m.bytes.len = 4; /* not what the digest is of */
    assert_err_says(WR_EINVAL, "not that of the bytes",
                    wr_store_model_put(st, &m, &is_new, &err));
    m = good;
    m.bytes.len = WR_MODEL_MAX_BYTES + 1;
    assert_err_says(WR_ELIMIT, "model of", wr_store_model_put(st, &m, &is_new, &err));
    m = good;
    m.card.len = WR_MODEL_TEXT_MAX + 1;
    assert_err_says(WR_ELIMIT, "card of", wr_store_model_put(st, &m, &is_new, &err));
    list(st);
    assert_int_equal(got.n, 0);
}

/* What may be missing comes back as an empty text; names from outside need not be UTF-8.
 */
static void test_model_put__odd_texts(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    wr_digest_hex d;
    bool is_new = false;
    wr_model m = model("m1111", "wallet", WR_TEXT_LIT("b"), 10, &d);
    m.card = (wr_text){0};
    m.created_by = (wr_text){0};
    assert_ok(wr_store_model_put(st, &m, &is_new, &err));
    assert_ok(wr_store_model_activate(st, "m1111", NULL, WR_TEXT_LIT("a\xff\xfe"), 1,
                                      NULL, &err));
    list(st);
    assert_text(got.m[0].card, "");
    assert_text(got.m[0].created_by, "");
    assert_int_equal(got.m[0].activated_by.p[0], 'a');
    clear(&got);
}

/* --- list and names ----------------------------------------------------------------- */

static void test_models__newest_first_without_bytes(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    list(st);
    assert_int_equal(got.n, 0);
    put(st, "mbbbb", "wallet", 10);
    put(st, "mcccc", "wallet", 30);
    put(st, "maaaa", "transfer", 10);
    put(st, "mdddd", "wallet", 20);
    list(st);
    static const char *const want[] = {"mcccc", "mdddd", "maaaa", "mbbbb"};
    assert_int_equal(got.n, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_text(got.m[i].id, want[i]);
        assert_absent(got.m[i].bytes);
        assert_text(got.m[i].manifest, "{\"kind\":\"wallet\"}");
    }
    clear(&got);
}

static wr_status stop(void *ctx, const wr_model *m, wr_err *err)
{
    (void)m;
    ++*(int *)ctx;
    return wr_fail(err, WR_ESTOPPED, "enough");
}

static void test_models__callback_stops(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    int calls = 0;
    put(st, "maaaa", "wallet", 1);
    put(st, "mbbbb", "wallet", 2);
    assert_err(WR_ESTOPPED, wr_store_models(st, stop, &calls, &err));
    assert_err(WR_ESTOPPED, wr_store_model_get(st, "maaaa", NULL, stop, &calls, &err));
    assert_int_equal(calls, 2);
    list(st);
    assert_int_equal(got.n, 2);
    clear(&got);
}

static void assert_found(wr_store *st, const char *name, const char *kind,
                         const char *want)
{
    clear(&got);
    assert_ok(wr_store_model_get(st, name, kind, add_model, &got, &err));
    assert_int_equal(got.n, 1);
    assert_text(got.m[0].id, want);
    clear(&got);
}

#define assert_not_found(st, name, kind, code, part) \
    assert_err_says(code, part, wr_store_model_get(st, name, kind, add_model, &got, &err))

static void test_model_get__by_name(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    put(st, "mabc1000", "wallet", 1);
    put(st, "mabc2000", "wallet", 2);
    put(st, "mabd1000", "transfer", 3);
    put(st, "mabc", "wallet", 4); /* an id that others begin with */
    clear(&got);
    assert_found(st, "mabc1000", NULL, "mabc1000");
    assert_found(st, "mabc1", NULL, "mabc1000");
    assert_found(st, "mabd", NULL, "mabd1000");
    assert_found(st, "mabd", "transfer", "mabd1000");
    assert_found(st, "mabc", NULL, "mabc");
    assert_not_found(st, "mabd", "wallet", WR_ENOTFOUND, "no wallet model 'mabd'");
    assert_not_found(st, "mabx", NULL, WR_ENOTFOUND, "no model 'mabx'");
    assert_not_found(st, "mabc10001", NULL, WR_ENOTFOUND, "'mabc10001'");
    assert_not_found(st, "mab", NULL, WR_EINVAL, "'mab' is too short");
    assert_not_found(st, "", NULL, WR_EINVAL, "too short");
    assert_not_found(st, "none", NULL, WR_ENOTFOUND, "'none'");
    assert_not_found(st, "MABC", NULL, WR_ENOTFOUND, "'MABC'");
    assert_not_found(st, "%abc", NULL, WR_ENOTFOUND, "'%abc'");
    put(st, "mxyz1000", "wallet", 5);
    put(st, "mxyz2000", "wallet", 6);
    assert_not_found(st, "mxyz", NULL, WR_EINVAL, "is 2 models, mxyz2000 and mxyz1000");
    assert_int_equal(got.n, 0);
}

static void test_model_get__active(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    put(st, "mw111", "wallet", 1);
    put(st, "mt111", "transfer", 2);
    clear(&got);
    assert_not_found(st, "active", NULL, WR_ENOTFOUND, "no model is active");
    assert_not_found(st, "active", "wallet", WR_ENOTFOUND, "no wallet model is active");
    activate(st, "mw111", "mw111", "");
    assert_found(st, "active", NULL, "mw111");
    assert_found(st, "active", "wallet", "mw111");
    assert_not_found(st, "active", "transfer", WR_ENOTFOUND, "no transfer model");
    activate(st, "mt11", "mt111", "");
    assert_found(st, "active", "wallet", "mw111");
    assert_found(st, "active", "transfer", "mt111");
    assert_not_found(st, "active", NULL, WR_EINVAL, "mt111 and mw111");
}

/* --- which one is active ------------------------------------------------------------ */

static void test_model_activate__one_of_a_kind(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    put(st, "mw111", "wallet", 1);
    put(st, "mw222", "wallet", 2);
    put(st, "mt111", "transfer", 3);
    activate(st, "mt111", "mt111", "");
    activate(st, "mw111", "mw111", "");
    activate(st, "mw222", "mw222", "mw111");
    assert_int_equal(status_of(st, "mw111"), WR_MODEL_RETIRED);
    assert_int_equal(status_of(st, "mw222"), WR_MODEL_ACTIVE);
    assert_int_equal(status_of(st, "mt111"), WR_MODEL_ACTIVE);
    activate(st, "mw11", "mw111", "mw222"); /* and back */
    assert_int_equal(status_of(st, "mw111"), WR_MODEL_ACTIVE);
    assert_int_equal(status_of(st, "mw222"), WR_MODEL_RETIRED);
    for (size_t i = 0; i < got.n; i++) {
        assert_int_equal(got.m[i].activated_s, 77);
        assert_text(got.m[i].activated_by, "boss");
    }
    clear(&got);
}

static void test_model_activate__again_changes_nothing(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    wr_model_switch sw;
    put(st, "mw111", "wallet", 1);
    activate(st, "mw111", "mw111", "");
    assert_ok(
        wr_store_model_activate(st, "mw111", NULL, WR_TEXT_LIT("else"), 99, &sw, &err));
    assert_false(sw.is_changed);
    assert_string_equal(sw.id, "mw111");
    assert_string_equal(sw.former, "");
    list(st);
    assert_int_equal(got.m[0].activated_s, 77);
    assert_text(got.m[0].activated_by, "boss");
    clear(&got);
}

static void test_model_activate__none(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    const wr_text by = WR_TEXT_LIT("boss");
    put(st, "mw111", "wallet", 1);
    put(st, "mt111", "transfer", 2);
    assert_err_says(WR_ENOTFOUND, "no model is active",
                    wr_store_model_activate(st, "none", NULL, by, 1, NULL, &err));
    activate(st, "mw111", "mw111", "");
    activate(st, "mt111", "mt111", "");
    assert_err_says(WR_EINVAL, "name one, or a kind",
                    wr_store_model_activate(st, "none", NULL, by, 1, NULL, &err));
    assert_ok(wr_store_model_activate(st, "none", "wallet", by, 1, NULL, &err));
    assert_int_equal(status_of(st, "mw111"), WR_MODEL_RETIRED);
    assert_int_equal(status_of(st, "mt111"), WR_MODEL_ACTIVE);
    activate(st, "none", "", "mt111");
    assert_int_equal(status_of(st, "mt111"), WR_MODEL_RETIRED);
    clear(&got);
}

static void test_model_activate__unknown_leaves_the_active(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    const wr_text by = WR_TEXT_LIT("boss");
    wr_model_switch sw = {.former = "untouched"};
    put(st, "mw111", "wallet", 1);
    activate(st, "mw111", "mw111", "");
    assert_err(WR_ENOTFOUND, wr_store_model_activate(st, "mw99", NULL, by, 1, &sw, &err));
    assert_err(WR_ENOTFOUND,
               wr_store_model_activate(st, "mw111", "transfer", by, 1, &sw, &err));
    assert_err(WR_EINVAL, wr_store_model_activate(st, "m", NULL, by, 1, &sw, &err));
    assert_string_equal(sw.former, "untouched");
    assert_int_equal(status_of(st, "mw111"), WR_MODEL_ACTIVE);
    clear(&got);
}

static void test_models__without_tables_are_errors(void **state)
{
    (void)state;
    char dsn[CT_DSN_MAX];
    ct.fresh(dsn);
    WR_AUTO(wr_store) st = ct_again(dsn);
    wr_digest_hex d;
    bool is_new = false;
    const wr_model m = model("mw111", "wallet", WR_TEXT_LIT("b"), 1, &d);
    clear(&got);
    assert_err(WR_EIO, wr_store_models(st, add_model, &got, &err));
    assert_err(WR_EIO, wr_store_model_get(st, "mw111", NULL, add_model, &got, &err));
    assert_err(WR_EIO, wr_store_model_put(st, &m, &is_new, &err));
    wr_migrate_report rep;
    assert_ok(wr_store_migrate(st, &rep, &err));
    put(st, "mw111", "wallet", 1);
}

/* --- on a database that others see ---------------------------------------------------
 */

static void test_model_get__rotten_bytes_are_refused(void **state)
{
    (void)state;
    char dsn[CT_DSN_MAX];
    WR_AUTO(wr_store) st = ct_open(dsn);
    put(st, "mw111", "wallet", 1);
    ct.exec(dsn, "update model_registry set digest = 'abc'");
    clear(&got);
    assert_err_says(WR_ECORRUPT, "model mw111",
                    wr_store_model_get(st, "mw111", NULL, add_model, &got, &err));
    assert_int_equal(got.n, 0);
}

enum { SWITCHERS = 4, SWITCHES = 12 };

typedef struct switcher {
    pthread_t thread;
    const char *dsn;
    char id[8];
    int failed;
} switcher;

static void *switch_often(void *arg)
{
    switcher *w = arg;
    wr_store *st = NULL;
    wr_err err = {0};
    if (wr_store_open_ready(&st, w->dsn, &err) != WR_OK) {
        w->failed = SWITCHES;
        return NULL;
    }
    for (int i = 0; i < SWITCHES; i++)
        w->failed += wr_store_model_activate(st, w->id, NULL, WR_TEXT_LIT("w"), i, NULL,
                                             &err) != WR_OK;
    wr_store_close(st);
    return NULL;
}

static void test_model_activate__at_once(void **state)
{
    (void)state;
    char dsn[CT_DSN_MAX];
    WR_AUTO(wr_store) st = ct_open(dsn);
    switcher w[SWITCHERS];
    for (int i = 0; i < SWITCHERS; i++) {
        w[i] = (switcher){.dsn = dsn};
        (void)snprintf(w[i].id, sizeof w[i].id, "mw%d00", i);
        put(st, w[i].id, "wallet", i);
    }
    for (int i = 0; i < SWITCHERS; i++)
        assert_int_equal(pthread_create(&w[i].thread, NULL, switch_often, &w[i]), 0);
    int failed = 0;
    for (int i = 0; i < SWITCHERS; i++) {
        assert_int_equal(pthread_join(w[i].thread, NULL), 0);
        failed += w[i].failed;
    }
    assert_int_equal(failed, 0);
    list(st);
    int active = 0;
    for (size_t i = 0; i < got.n; i++)
        active += got.m[i].status == WR_MODEL_ACTIVE;
    assert_int_equal(active, 1);
    clear(&got);
}

/* A store of the schema before, with records, becomes one with a registry. */
static void test_migrate__from_the_schema_before(void **state)
{
    (void)state;
    char dsn[CT_DSN_MAX];
    wr_store *old = ct_open(dsn);
    const wr_transfer t = ct_transfer(1, 0, "a", "b", 1);
    ct_put_new(old, &t, 1);
    wr_store_close(old);
    ct.exec(dsn, "drop table model_registry");
    ct.exec(dsn, "delete from schema_migrations where number = 8");
    WR_AUTO(wr_store) st = ct_again(dsn);
    wr_migrate_report rep;
    assert_err_says(WR_ECONFLICT, "run walletrisk migrate",
                    wr_store_check_schema(st, &err));
    assert_ok(wr_store_migrate(st, &rep, &err));
    assert_int_equal(rep.before, 7);
    assert_true(rep.after >= 8);
    wr_counts c;
    assert_ok(wr_store_counts(st, &c, &err));
    assert_int_equal(c.transfers, 1);
    put(st, "mw111", "wallet", 1);
    list(st);
    assert_int_equal(got.n, 1);
    clear(&got);
}

int contract_model(void)
{
    const struct CMUnitTest any[] = {
        wr_unit_test(test_model_put__comes_back),
        wr_unit_test(test_model_put__twice_changes_nothing),
        wr_unit_test(test_model_put__same_id_other_digest),
        wr_unit_test(test_model_put__refused),
        wr_unit_test(test_model_put__odd_texts),
        wr_unit_test(test_models__newest_first_without_bytes),
        wr_unit_test(test_models__callback_stops),
        wr_unit_test(test_model_get__by_name),
        wr_unit_test(test_model_get__active),
        wr_unit_test(test_model_activate__one_of_a_kind),
        wr_unit_test(test_model_activate__again_changes_nothing),
        wr_unit_test(test_model_activate__none),
        wr_unit_test(test_model_activate__unknown_leaves_the_active),
        wr_unit_test(test_models__without_tables_are_errors),
    };
    const struct CMUnitTest shared[] = {
        wr_unit_test(test_model_get__rotten_bytes_are_refused),
        wr_unit_test(test_model_activate__at_once),
        wr_unit_test(test_migrate__from_the_schema_before),
    };
    int failed = cmocka_run_group_tests_name("models", any, NULL, NULL);
    if (ct.is_shared)
        failed += cmocka_run_group_tests_name("models, shared", shared, NULL, NULL);
    return failed;
}
