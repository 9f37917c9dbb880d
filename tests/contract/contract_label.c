#include "contract.h"

enum { ROWS = 64 };

typedef struct labels {
    char text[ROWS][80]; /* address source category confidence */
    int64_t id[ROWS];
    uint32_t wallet_id[ROWS];
    size_t n;
} labels;

static wr_status add_label(void *ctx, const wr_label_row *r, wr_err *err)
{
    labels *l = ctx;
    (void)err;
    assert_true(l->n < ROWS);
    assert_true(r->added_s > 1600000000);
    l->id[l->n] = r->id;
    l->wallet_id[l->n] = r->wallet_id;
    (void)snprintf(l->text[l->n++], sizeof l->text[0], "%.*s %.*s %.*s %u",
                   WR_TEXT_ARG(r->label.address), WR_TEXT_ARG(r->label.source),
                   WR_TEXT_ARG(r->label.category), r->label.confidence);
    return WR_OK;
}

static wr_labels_report put(wr_store *st, const wr_label *l, size_t n)
{
    wr_labels_report rep;
    assert_ok(wr_store_labels_put(st, l, n, &rep, &err));
    assert_int_equal(rep.added + rep.updated + rep.unchanged, n);
    return rep;
}

static labels list(wr_store *st, int64_t rev, const wr_label_filter *f)
{
    labels l = {0};
    assert_ok(wr_store_labels_list(st, rev, f, false, 0, 0, add_label, &l, &err));
    return l;
}

static int64_t revision(wr_store *st)
{
    wr_counts c;
    assert_ok(wr_store_counts(st, &c, &err));
    return c.label_rev;
}

static void test_labels__added_updated_unchanged(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    wr_label l[] = {ct_label("a", "ofac", "sanctions"),
                    ct_label("b", "ofac", "sanctions"), ct_label("a", "own", "sanctions"),
                    ct_label("a", "ofac", "scam")};
    assert_int_equal(put(st, NULL, 0).added, 0);
    assert_int_equal(revision(st), 0);
    assert_int_equal(put(st, l, 4).added, 4);
    assert_int_equal(revision(st), 1);
    assert_int_equal(put(st, l, 4).unchanged, 4);
    assert_int_equal(revision(st), 1); /* nothing changed, no revision */
    l[1].confidence = 90;
    wr_labels_report rep = put(st, l, 4);
    assert_int_equal(rep.updated, 1);
    assert_int_equal(rep.unchanged, 3);
    assert_int_equal(revision(st), 2);
    labels now = list(st, -1, NULL);
    assert_int_equal(now.n, 4);
    wr_counts c;
    assert_ok(wr_store_counts(st, &c, &err));
    assert_int_equal(c.labels, 4);
}

static wr_status same_label(void *ctx, const wr_label_row *r, wr_err *err)
{
    const wr_label *want = ctx;
    (void)err;
    const wr_label *got = &r->label;
    assert_ptr_equal(got->chain, want->chain);
    assert_true(wr_text_eq(got->address, want->address));
    assert_true(wr_text_eq(got->category, want->category));
    assert_true(wr_text_eq(got->source, want->source));
    assert_true(wr_text_eq(got->uri, want->uri));
    assert_true(wr_text_eq(got->actor, want->actor));
    assert_true(wr_text_eq(got->name, want->name));
    assert_int_equal(got->confidence, want->confidence);
    assert_int_equal(got->valid_from_s, want->valid_from_s);
    assert_int_equal(got->valid_to_s, want->valid_to_s);
    return WR_OK;
}

/* Each field alone is a change, and comes back as it was. */
static void test_labels__every_field_counts(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    static char longest[WR_LABEL_TEXT_MAX];
    memset(longest, 'n', sizeof longest);
    wr_label l = ct_label("a", "src", "scam");
    for (int step = 0; step < 7; step++) {
        if (step == 1)
            l.uri = WR_TEXT_LIT("https://example.org/?a=1");
        if (step == 2)
            l.actor = WR_TEXT_LIT("actor");
        if (step == 3)
            l.name = (wr_text){.p = longest, .len = sizeof longest};
        if (step == 4)
            l.valid_from_s = 0;
        if (step == 5)
            l.valid_to_s = INT64_MAX;
        if (step == 6)
            l.confidence = 100;
        wr_labels_report rep = put(st, &l, 1);
        assert_int_equal(rep.added, step == 0);
        assert_int_equal(rep.updated, step != 0);
        assert_int_equal(put(st, &l, 1).unchanged, 1);
        assert_ok(wr_store_labels_list(st, -1, NULL, false, 0, 0, same_label, &l, &err));
        assert_int_equal(list(st, -1, NULL).n, 1);
    }
}

static void test_labels__same_key_twice_the_last_wins(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    wr_label l[] = {ct_label("a", "s", "scam"), ct_label("a", "s", "scam"),
                    ct_label("a", "s", "scam")};
    l[1].confidence = 70;
    l[2].confidence = 70;
    wr_labels_report rep = put(st, l, 3);
    assert_int_equal(rep.added, 1);
    assert_int_equal(rep.updated, 1);
    assert_int_equal(rep.unchanged, 1);
    labels now = list(st, -1, NULL);
    assert_int_equal(now.n, 1);
    assert_string_equal(now.text[0], "a s scam 70");
    assert_int_equal(list(st, 1, NULL).n, 1);
}

static void test_labels__old_revisions_can_be_read(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    wr_label l[] = {ct_label("a", "s", "scam"), ct_label("b", "s", "scam")};
    (void)put(st, l, 1); /* rev 1: a 50 */
    (void)put(st, l, 2); /* rev 2: a 50, b 50 */
    l[0].confidence = 60;
    (void)put(st, l, 1); /* rev 3: b 50, a 60 */
    uint64_t removed = 0;
    wr_label_filter f = {.chain = ct_chain(NULL), .address = WR_TEXT_LIT("b")};
    assert_ok(wr_store_labels_remove(st, &f, &removed, &err)); /* rev 4: a 60 */
    assert_int_equal(removed, 1);
    assert_int_equal(revision(st), 4);
    assert_int_equal(list(st, 0, NULL).n, 0);
    labels r = list(st, 1, NULL);
    assert_int_equal(r.n, 1);
    assert_string_equal(r.text[0], "a s scam 50");
    r = list(st, 2, NULL);
    assert_int_equal(r.n, 2);
    assert_string_equal(r.text[1], "b s scam 50");
    r = list(st, 3, NULL);
    assert_int_equal(r.n, 2);
    assert_string_equal(r.text[0], "b s scam 50");
    assert_string_equal(r.text[1], "a s scam 60");
    r = list(st, 4, NULL);
    assert_int_equal(r.n, 1);
    assert_string_equal(r.text[0], "a s scam 60");
    labels now = list(st, -1, NULL);
    assert_memory_equal(&now, &r, sizeof now);
    r = list(st, 99, NULL); /* a revision to come is like now */
    assert_memory_equal(&now, &r, sizeof now);
    wr_label_filter old = {.chain = ct_chain(NULL), .address = WR_TEXT_LIT("b")};
    assert_int_equal(list(st, 2, &old).n, 1);
    assert_int_equal(list(st, 4, &old).n, 0);
    (void)put(st, l + 1, 1); /* back again: added, not updated */
    assert_int_equal(list(st, -1, &old).n, 1);
}

static void test_labels_remove__empty_filter_is_refused(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    wr_label l = ct_label("a", "s", "scam");
    (void)put(st, &l, 1);
    wr_label_filter f = {0};
    uint64_t removed = 5;
    assert_err_says(WR_EINVAL, "empty filter",
                    wr_store_labels_remove(st, &f, &removed, &err));
    assert_int_equal(removed, 5);
    assert_int_equal(list(st, -1, NULL).n, 1);
}

static void test_labels_remove__nothing_makes_no_revision(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    wr_label l = ct_label("a", "s", "scam");
    (void)put(st, &l, 1);
    uint64_t removed = 5;
    wr_label_filter f = {.source = WR_TEXT_LIT("other")};
    assert_ok(wr_store_labels_remove(st, &f, &removed, &err));
    assert_int_equal(removed, 0);
    f = (wr_label_filter){.chain = ct_chain("opaque:unseen")};
    assert_ok(wr_store_labels_remove(st, &f, &removed, &err));
    assert_int_equal(removed, 0);
    assert_int_equal(revision(st), 1);
}

/* Six labels; each filter with what it must leave, by hand. */
static void test_labels_list__filters(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    wr_label l[] = {ct_label("a", "s1", "scam"),  ct_label("a", "s1", "mixer"),
                    ct_label("a", "s2", "scam"),  ct_label("b", "s1", "scam"),
                    ct_label("b", "s2", "mixer"), ct_label("a", "s1", "scam")};
    l[5].chain = ct_chain("opaque:other");
    (void)put(st, l, 6);
    const wr_chain *c = ct_chain(NULL);
    const struct {
        wr_label_filter f;
        const char *want; /* indices */
    } at[] = {
        {{0}, "012345"},
        {{.chain = c}, "01234"},
        {{.chain = l[5].chain}, "5"},
        {{.chain = ct_chain("opaque:unseen")}, ""},
        {{.address = WR_TEXT_LIT("a")}, "0125"},
        {{.chain = c, .address = WR_TEXT_LIT("a")}, "012"},
        {{.chain = c, .address = WR_TEXT_LIT("a"), .source = WR_TEXT_LIT("s1")}, "01"},
        {{.source = WR_TEXT_LIT("s2")}, "24"},
        {{.category = WR_TEXT_LIT("mixer")}, "14"},
        {{.source = WR_TEXT_LIT("s2"), .category = WR_TEXT_LIT("scam")}, "2"},
        {{.chain = c, .address = WR_TEXT_LIT("zz")}, ""},
    };
    for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) {
        labels got = list(st, -1, &at[i].f);
        assert_int_equal(got.n, strlen(at[i].want));
        for (size_t k = 0; k < got.n; k++) {
            const wr_label *w = &l[at[i].want[k] - '0'];
            char text[80];
            (void)snprintf(text, sizeof text, "%s %s %s 50", w->address.p, w->source.p,
                           w->category.p);
            assert_string_equal(got.text[k], text);
        }
    }
    uint64_t removed;
    assert_ok(wr_store_labels_remove(st, &at[9].f, &removed, &err));
    assert_int_equal(removed, 1);
    assert_ok(wr_store_labels_remove(st, &at[5].f, &removed, &err));
    assert_int_equal(removed, 2);
    assert_int_equal(list(st, -1, NULL).n, 3);
}

static void test_labels_list__pages(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    static const char *const name[] = {"g", "f", "e", "d", "c", "b", "a"};
    for (size_t i = 0; i < 7; i++) {
        wr_label l = ct_label(name[i], "s", "scam");
        (void)put(st, &l, 1);
    }
    int64_t after = 0;
    size_t seen = 0;
    for (int page = 0; page < 4; page++) {
        labels l = {0};
        assert_ok(
            wr_store_labels_list(st, -1, NULL, false, after, 2, add_label, &l, &err));
        assert_int_equal(l.n, page < 3 ? 2 : 1);
        for (size_t i = 0; i < l.n; i++) {
            assert_int_equal(l.text[i][0], name[seen++][0]);
            assert_true(l.id[i] > after);
            after = l.id[i];
        }
    }
    assert_int_equal(seen, 7);
}

/* The wallet of a label is looked up when it is listed. */
static void test_labels_list__wallet_ids(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    wr_label l[] = {ct_label("a", "s", "scam"), ct_label("b", "s", "scam"),
                    ct_label("a", "s", "scam")};
    l[2].chain = ct_chain("opaque:other");
    (void)put(st, l, 3);
    labels got = {0};
    assert_ok(wr_store_labels_list(st, -1, NULL, true, 0, 0, add_label, &got, &err));
    assert_int_equal(got.n, 0);
    got = list(st, -1, NULL);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(got.wallet_id[i], 0);
    wr_transfer t = ct_transfer(1, 0, "x", "a", 1);
    ct_put_new(st, &t, 1);
    uint32_t id;
    assert_ok(wr_store_wallet_find(st, t.chain, t.to, &id, &err));
    got = (labels){0};
    assert_ok(wr_store_labels_list(st, -1, NULL, true, 0, 0, add_label, &got, &err));
    assert_int_equal(got.n, 1); /* not the one of the same name on another chain */
    assert_int_equal(got.wallet_id[0], id);
    wr_label_filter f = {.chain = t.chain, .address = WR_TEXT_LIT("a")};
    got = (labels){0};
    assert_ok(wr_store_labels_list(st, -1, &f, true, 0, 0, add_label, &got, &err));
    assert_int_equal(got.n, 1);
    f.address = WR_TEXT_LIT("b");
    got = (labels){0};
    assert_ok(wr_store_labels_list(st, -1, &f, true, 0, 0, add_label, &got, &err));
    assert_int_equal(got.n, 0);
}

static wr_status stop_label(void *ctx, const wr_label_row *r, wr_err *err)
{
    (void)ctx;
    (void)r;
    return wr_fail(err, WR_ESTOPPED, "stopped");
}

static void test_labels_list__callback_can_stop(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    wr_label l[] = {ct_label("a", "s", "scam"), ct_label("b", "s", "scam")};
    (void)put(st, l, 2);
    assert_err(WR_ESTOPPED,
               wr_store_labels_list(st, -1, NULL, false, 0, 0, stop_label, NULL, &err));
    assert_int_equal(put(st, l, 2).unchanged, 2);
}

static wr_status put_with(wr_store *st, const wr_label *l, long k, wr_labels_report *rep)
{
    wr_err e = {0};
    wr_mem_test_fail_after(k);
    wr_status s = wr_store_labels_put(st, l, 2, rep, &e);
    wr_mem_test_fail_after(-1);
    assert_int_equal(s, e.code);
    return s;
}

static void test_labels_put__out_of_memory_changes_nothing(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    wr_label l[] = {ct_label("a", "s", "scam"), ct_label("b", "s", "scam")};
    (void)put(st, l, 1);
    l[0].confidence = 99;
    l[1].chain = ct_chain("opaque:other");
    wr_labels_report rep = {0};
    long k = 0;
    for (wr_status s = put_with(st, l, k, &rep); s != WR_OK;
         s = put_with(st, l, ++k, &rep)) {
        assert_int_equal(s, WR_ENOMEM);
        labels now = list(st, -1, NULL);
        assert_int_equal(now.n, 1);
        assert_string_equal(now.text[0], "a s scam 50");
        assert_true(k < 1000);
    }
    assert_int_equal(rep.added, 1);
    assert_int_equal(rep.updated, 1);
}

int contract_label(void)
{
    const struct CMUnitTest any[] = {
        wr_unit_test(test_labels__added_updated_unchanged),
        wr_unit_test(test_labels__every_field_counts),
        wr_unit_test(test_labels__same_key_twice_the_last_wins),
        wr_unit_test(test_labels__old_revisions_can_be_read),
        wr_unit_test(test_labels_remove__empty_filter_is_refused),
        wr_unit_test(test_labels_remove__nothing_makes_no_revision),
        wr_unit_test(test_labels_list__filters),
        wr_unit_test(test_labels_list__pages),
        wr_unit_test(test_labels_list__wallet_ids),
        wr_unit_test(test_labels_list__callback_can_stop),
        wr_unit_test(test_labels_put__out_of_memory_changes_nothing),
    };
    return cmocka_run_group_tests_name("label", any, NULL, NULL);
}
