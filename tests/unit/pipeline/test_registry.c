/*
 * A trained scorer into the store and back: same bytes, same scores, and what is refused.
 */
#include "pipeline/scorer/registry.h"

#include <string.h>

#include "model_gen.h"
#include "pipeline_test.h"

typedef struct kit {
    gen_model g;
    wr_buf bytes;
    wr_learned *l;
    wr_store *st;
} kit;

static void kit_init(kit *k, const char *kind)
{
    gen_model_init(&k->g, NULL, kind, 3, false);
    const wr_learned_parts p = gen_parts(&k->g);
    wr_buf_init(&k->bytes, 1 << 26);
    assert_ok(wr_learned_pack(&k->bytes, &p, &err));
    k->l = NULL;
    assert_ok(wr_learned_unpack(&k->l, k->bytes.p, k->bytes.len, 1, &err));
    k->st = test_store("memory:");
}

static void kit_release(kit *k)
{
    wr_store_close(k->st);
    wr_learned_unref(k->l);
    wr_buf_release(&k->bytes);
    gen_model_release(&k->g);
}

static wr_text bytes_of(const kit *k)
{
    return (wr_text){k->bytes.p, (uint32_t)k->bytes.len};
}

static void test_registry_put__there_and_back(void **state)
{
    (void)state;
    kit k;
    bool is_new = false;
    kit_init(&k, "wallet");
    assert_ok(
        wr_registry_put(k.st, k.l, bytes_of(&k), WR_TEXT_LIT("me"), 5, &is_new, &err));
    assert_true(is_new);
    assert_ok(
        wr_registry_put(k.st, k.l, bytes_of(&k), WR_TEXT_LIT("me"), 6, &is_new, &err));
    assert_false(is_new);

    wr_arena arena;
    wr_buf card;
    wr_model m;
    wr_arena_init(&arena, 0);
    assert_ok(wr_registry_get(&m, &arena, k.st, wr_learned_id(k.l), NULL, &err));
    assert_string_equal(m.id.p, wr_learned_id(k.l));
    assert_string_equal(m.digest.p, wr_learned_digest(k.l)->s);
    assert_string_equal(m.kind.p, "wallet");
    assert_string_equal(m.manifest.p, wr_learned_manifest(k.l));
    assert_int_equal(m.created_s, 5);
    assert_int_equal(m.bytes.len, k.bytes.len);
    assert_memory_equal(m.bytes.p, k.bytes.p, k.bytes.len);
    wr_buf_init(&card, 1 << 20);
    assert_ok(wr_learned_card(&card, k.l, &err));
    assert_string_equal(m.card.p, card.p);
    wr_buf_release(&card);
    wr_arena_release(&arena);

    WR_AUTO(wr_learned) back = NULL;
    char part[8];
    (void)snprintf(part, sizeof part, "%.6s", wr_learned_id(k.l));
    assert_ok(wr_registry_load(&back, k.st, part, "wallet", 1, &err));
    double p[2], q[2];
    assert_ok(wr_learned_score(p, NULL, k.l, k.g.rows.x, 2, &err));
    assert_ok(wr_learned_score(q, NULL, back, k.g.rows.x, 2, &err));
    assert_memory_equal(p, q, sizeof p);
    kit_release(&k);
}

static void test_registry_put__refused(void **state)
{
    (void)state;
    kit k;
    bool is_new = false;
    const wr_text by = WR_TEXT_LIT("me");
    kit_init(&k, "person");
    assert_err(WR_EINVAL, wr_registry_put(k.st, k.l, bytes_of(&k), by, 5, &is_new, &err));
    kit_release(&k);
    kit_init(&k, "transfer");
    wr_text cut = bytes_of(&k);
    cut.len--;
    assert_err(WR_EINVAL, wr_registry_put(k.st, k.l, cut, by, 5, &is_new, &err));
    assert_false(is_new);
    WR_AUTO(wr_learned) none = NULL;
    assert_err(WR_ENOTFOUND, wr_registry_load(&none, k.st, "active", NULL, 1, &err));
    assert_err(WR_EINVAL, wr_registry_load(&none, k.st, "m", NULL, 1, &err));
    kit_release(&k);
}

/* What another program put there under the right digest, and is no model. */
static void test_registry_load__no_model(void **state)
{
    (void)state;
    kit k;
    wr_digest d;
    wr_digest_hex hex;
    bool is_new = false;
    kit_init(&k, "wallet");
    wr_model m = {.id = WR_TEXT_LIT("mfalse"),
                  .kind = WR_TEXT_LIT("wallet"),
                  .manifest = WR_TEXT_LIT("{}"),
                  .bytes = WR_TEXT_LIT("no model")};
    assert_ok(wr_digest_init(&d, &err));
    wr_digest_add(&d, m.bytes.p, m.bytes.len);
    wr_digest_hex_of(&d, &hex);
    wr_digest_release(&d);
    m.digest = wr_text_of(hex.s);
    assert_ok(wr_store_model_put(k.st, &m, &is_new, &err));
    WR_AUTO(wr_learned) l = NULL;
    assert_err(WR_ECORRUPT, wr_registry_load(&l, k.st, "mfalse", NULL, 1, &err));
    m.id = WR_TEXT_LIT("mwrong"); /* a model, and not this one */
    m.bytes = bytes_of(&k);
    m.digest = wr_text_of(wr_learned_digest(k.l)->s);
    assert_ok(wr_store_model_put(k.st, &m, &is_new, &err));
    assert_err(WR_ECORRUPT, wr_registry_load(&l, k.st, "mwrong", NULL, 1, &err));
    kit_release(&k);
}

static wr_status get_once(kit *k, wr_err *err)
{
    wr_arena arena;
    wr_model m;
    wr_learned *l = NULL;
    wr_arena_init(&arena, 0);
    wr_status s = wr_registry_get(&m, &arena, k->st, wr_learned_id(k->l), NULL, err);
    if (s == WR_OK)
        s = wr_registry_load(&l, k->st, wr_learned_id(k->l), NULL, 1, err);
    wr_learned_unref(l);
    wr_arena_release(&arena);
    return s;
}

static void test_registry__oom(void **state)
{
    (void)state;
    kit k;
    bool is_new = false;
    kit_init(&k, "wallet");
    assert_ok(
        wr_registry_put(k.st, k.l, bytes_of(&k), WR_TEXT_LIT("me"), 5, &is_new, &err));
    assert_oom_safe(get_once(&k, &err));
    kit_release(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_registry_put__there_and_back),
        wr_unit_test(test_registry_put__refused),
        wr_unit_test(test_registry_load__no_model),
        wr_unit_test(test_registry__oom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
