/*
 * Random sequences of writes, given to the store under test and to the memory store: all
 * that can be read afterwards must be the same text.
 */
#include "contract.h"

enum { STEPS = 40, NAMES = 12, BATCH_MAX = 30, RESOLVED_MAX = 64, LABELS_MAX = 4096 };

static const char *const name[NAMES] = {"n0", "n1", "n2", "n3", "n4",  "n5",
                                        "n6", "n7", "n8", "n9", "n10", "n11"};

typedef struct pair {
    wr_store *st, *ref;
    wr_rng rng;
    unsigned runs;
} pair;

static unsigned below(pair *p, unsigned bound)
{
    return (unsigned)wr_rng_below(&p->rng, bound);
}

static const wr_chain *any_chain(pair *p)
{
    return ct_chain(below(p, 4) ? NULL : "opaque:other");
}

/* Where the source of m stands; 0 when it is not there. */
static int64_t stands_at(pair *p, const wr_source_mark *m)
{
    wr_source s = {0};
    wr_arena a;
    wr_arena_init(&a, 0);
    wr_status got = wr_store_source_get(p->ref, &s, &a, m->source, m->partition, NULL);
    wr_arena_release(&a);
    return got == WR_OK ? s.next_offset : 0;
}

/* Half of the marks are fenced, and most of these where the source stands. */
static void fence_mark(pair *p, wr_source_mark *m)
{
    if (below(p, 2) == 0)
        return;
    m->is_fenced = true;
    m->from_offset = stands_at(p, m) + (below(p, 4) ? 0 : 1);
    m->messages = below(p, 5);
    m->next_offset = m->from_offset + (int64_t)(m->messages + m->gaps);
    m->high_watermark = below(p, 2) ? m->next_offset + below(p, 9) : 0;
}

typedef struct letter_ids {
    int64_t id[RESOLVED_MAX];
    size_t n;
    wr_rng rng; /* the same for both stores: letters are chosen by rank */
} letter_ids;

static wr_status choose_letter(void *ctx, const wr_dead_row *d, wr_err *err)
{
    letter_ids *l = ctx;
    (void)err;
    if (wr_rng_below(&l->rng, 4) == 0 && l->n < RESOLVED_MAX)
        l->id[l->n++] = d->id;
    return WR_OK;
}

static letter_ids choose_letters(wr_store *st, wr_rng rng)
{
    letter_ids l = {.rng = rng};
    assert_ok(wr_store_dead_list(st, (wr_text){0}, 0, 100000, choose_letter, &l, &err));
    return l;
}

/* The put goes to both, each with its own ids of letters; both must answer the same. */
static void put_both(pair *p, wr_put *put)
{
    static letter_ids resolved[2];
    wr_store *const st[2] = {p->st, p->ref};
    uint8_t outcome[2][BATCH_MAX];
    wr_put_result res[2] = {{0}};
    wr_err err[2] = {{.code = WR_OK}, {.code = WR_OK}};
    wr_status s[2];
    const wr_rng rng = wr_rng_fork(&p->rng, 2);
    const bool is_resolving = put->mark && below(p, 2);
    for (int k = 0; k < 2; k++) {
        resolved[k] = choose_letters(st[k], rng);
        put->resolved = resolved[k].id;
        put->resolved_count = is_resolving ? resolved[k].n : 0;
        s[k] = wr_store_put(st[k], put, outcome[k], &res[k], &err[k]);
    }
    assert_int_equal(resolved[0].n, resolved[1].n);
    assert_int_equal(s[0], s[1]);
    if (s[0] != WR_OK) {
        assert_int_equal(s[0], WR_ECONFLICT);
        assert_true(put->mark && put->mark->is_fenced);
        assert_string_equal(err[0].msg, err[1].msg);
        return;
    }
    assert_memory_equal(&res[0], &res[1], sizeof res[0]);
    assert_memory_equal(outcome[0], outcome[1], put->transfer_count);
    assert_int_equal(res[0].inserted + res[0].duplicates + res[0].conflicts,
                     put->transfer_count);
}

static void step_put(pair *p)
{
    wr_transfer t[BATCH_MAX];
    wr_dead_letter d[3];
    int64_t position[BATCH_MAX];
    size_t n = below(p, BATCH_MAX + 1);
    size_t dead = below(p, 4);
    for (size_t i = 0; i < n; i++) {
        /* few hashes and amounts: repetitions and contradictions abound */
        t[i] = ct_transfer(below(p, 60), below(p, 2), name[below(p, NAMES)],
                           name[below(p, NAMES)], below(p, 3));
        t[i].chain = any_chain(p);
        position[i] = 100 + (int64_t)i;
        if (below(p, 3) == 0) { /* make a repetition likely */
            t[i].from = wr_text_of(name[t[i].position]);
            t[i].to = wr_text_of(name[t[i].position + 1]);
            t[i].amount_base = 1;
        }
        if (below(p, 5) == 0)
            t[i].asset = wr_text_of(name[below(p, 3)]);
        if (below(p, 5) == 0)
            t[i].memo = wr_text_of(name[below(p, NAMES)]);
    }
    for (size_t i = 0; i < dead; i++)
        d[i] = (wr_dead_letter){.source = wr_text_of(name[below(p, 3)]),
                                .position = (int64_t)i,
                                .raw = wr_text_of(name[below(p, NAMES)]),
                                .raw_bytes = 3,
                                .field = WR_TEXT_LIT("from"),
                                .reason = WR_TEXT_LIT("random")};
    wr_source_mark m = {.source = wr_text_of(name[below(p, 3)]),
                        .partition = (int32_t)below(p, 2),
                        .next_offset = below(p, 1000),
                        .status = "running",
                        .records = n + dead,
                        .gaps = below(p, 3),
                        .is_restart = below(p, 4) == 0};
    wr_put put = {.transfer = t,
                  .transfer_count = n,
                  .position = below(p, 2) ? position : NULL,
                  .dead = d,
                  .dead_count = dead,
                  .mark = below(p, 4) ? &m : NULL,
                  .is_names_first = below(p, 2)};
    fence_mark(p, &m);
    put_both(p, &put);
}

static void step_labels(pair *p)
{
    wr_label l[BATCH_MAX];
    size_t n = below(p, BATCH_MAX + 1);
    for (size_t i = 0; i < n; i++) {
        l[i] = ct_label(name[below(p, NAMES)], name[below(p, 2)], name[below(p, 2)]);
        l[i].chain = any_chain(p);
        l[i].confidence = (uint8_t)below(p, 3);
        if (below(p, 2))
            l[i].uri = wr_text_of(name[below(p, 2)]);
        if (below(p, 4) == 0)
            l[i].valid_from_s = below(p, 2);
    }
    wr_labels_report rep[2];
    assert_ok(wr_store_labels_put(p->st, l, n, &rep[0], &err));
    assert_ok(wr_store_labels_put(p->ref, l, n, &rep[1], &err));
    assert_memory_equal(&rep[0], &rep[1], sizeof rep[0]);
}

static void step_remove(pair *p)
{
    wr_label_filter f = {0};
    if (below(p, 2))
        f.chain = any_chain(p);
    if (below(p, 2))
        f.address = wr_text_of(name[below(p, NAMES)]);
    if (below(p, 2))
        f.source = wr_text_of(name[below(p, 3)]);
    if (below(p, 2) || (!f.chain && !f.address.p && !f.source.p))
        f.category = wr_text_of(name[below(p, 3)]);
    uint64_t removed[2];
    assert_ok(wr_store_labels_remove(p->st, &f, &removed[0], &err));
    assert_ok(wr_store_labels_remove(p->ref, &f, &removed[1], &err));
    assert_int_equal(removed[0], removed[1]);
}

/* Scores are published under the ids that each store itself has given. */
static void publish(wr_store *st, const wr_run *r, const wr_chain *chain, wr_rng rng)
{
    wr_score s[NAMES];
    size_t n = 0;
    for (size_t i = 0; i < NAMES; i++) {
        uint32_t id;
        wr_err err = {0};
        double score = (double)wr_rng_below(&rng, 5) / 4.0;
        if (wr_store_wallet_find(st, chain, wr_text_of(name[i]), &id, &err) == WR_OK)
            s[n++] = (wr_score){.wallet_id = id,
                                .level = (uint8_t)(i % WR_LEVEL_COUNT),
                                .category = (int8_t)(i % 3),
                                .is_labelled = i % 2,
                                .score = score,
                                .base = score / 2,
                                .reasons = i % 4 ? WR_TEXT_LIT("[]") : (wr_text){0}};
    }
    assert_ok(ct_scores_put(st, r, s, n, &err));
}

static void step_run(pair *p)
{
    char id[16];
    (void)snprintf(id, sizeof id, "r%03u", p->runs++);
    wr_run r = ct_run(id);
    r.max_seq = p->runs;
    if (below(p, 3) == 0) {
        r.status = below(p, 2) ? WR_RUN_RUNNING : WR_RUN_FAILED;
        assert_ok(wr_store_run_put(p->st, &r, &err));
        assert_ok(wr_store_run_put(p->ref, &r, &err));
        return;
    }
    const wr_chain *chain = any_chain(p);
    wr_rng rng = wr_rng_fork(&p->rng, 1);
    publish(p->st, &r, chain, rng);
    publish(p->ref, &r, chain, rng);
}

static void compare(pair *p)
{
    wr_buf a;
    wr_buf b;
    wr_buf_init(&a, 64 << 20);
    wr_buf_init(&b, 64 << 20);
    ct_dump(p->st, &a);
    ct_dump(p->ref, &b);
    bool is_same = a.len == b.len && memcmp(a.p, b.p, a.len) == 0;
    size_t at = 0;
    while (!is_same && at < a.len && at < b.len && a.p[at] == b.p[at])
        at++;
    while (!is_same && at > 0 && a.p[at - 1] != '\n')
        at--;
    if (!is_same)
        fail_msg("stores differ:\n%s: %.300s\nmemory: %.300s", ct.name, a.p + at,
                 b.p + at);
    wr_buf_release(&a);
    wr_buf_release(&b);
}

static wr_status add_seq(void *ctx, const wr_transfer_row *row, wr_err *err)
{
    wr_buf *b = ctx;
    (void)err;
    wr_buf_addf(b, "%.*s/%u ", WR_TEXT_ARG(row->transfer.tx_hash),
                row->transfer.position);
    return WR_OK;
}

static void compare_histories(pair *p)
{
    for (size_t i = 0; i < NAMES; i++) {
        wr_buf a;
        wr_buf b;
        wr_buf_init(&a, 1 << 20);
        wr_buf_init(&b, 1 << 20);
        wr_text who = wr_text_of(name[i]);
        uint32_t limit = 1 + below(p, 40);
        assert_ok(wr_store_wallet_transfers(p->st, ct_chain(NULL), who, 0, limit, add_seq,
                                            &a, &err));
        assert_ok(wr_store_wallet_transfers(p->ref, ct_chain(NULL), who, 0, limit,
                                            add_seq, &b, &err));
        assert_string_equal(wr_buf_cstr(&a), wr_buf_cstr(&b));
        wr_buf_release(&a);
        wr_buf_release(&b);
    }
}

typedef struct label_ids {
    bool is_there[LABELS_MAX]; /* by id */
} label_ids;

static wr_status add_label_id(void *ctx, const wr_label_row *row, wr_err *err)
{
    label_ids *l = ctx;
    if (row->id >= LABELS_MAX || l->is_there[row->id])
        return wr_fail(err, WR_ECORRUPT, "label %lld", (long long)row->id);
    l->is_there[row->id] = true;
    return WR_OK;
}

static wr_status add_wallet_ids(void *ctx, const wr_wallet_row *row, size_t n,
                                wr_err *err)
{
    uint32_t *id = ctx; /* [1 + 2 * NAMES], count first */
    (void)err;
    for (size_t i = 0; i < n; i++)
        id[++id[0]] = row[i].id;
    return WR_OK;
}

/* The two other ways to the labels say what the list says, at every revision. */
static void check_labels(wr_store *st)
{
    static label_ids list[2];
    static label_ids in_graph;
    static label_ids of;
    static label_ids changed;
    uint32_t wallet[1 + 2 * NAMES] = {0};
    int64_t last;
    assert_ok(wr_store_label_rev(st, &last, &err));
    assert_ok(wr_store_scan_wallets(st, 0, add_wallet_ids, wallet, &err));
    list[0] = (label_ids){0};
    for (int64_t rev = 1; rev <= last; rev++) {
        label_ids *now = &list[rev % 2];
        const label_ids *before = &list[(rev + 1) % 2];
        *now = in_graph = of = changed = (label_ids){0};
        assert_ok(
            wr_store_labels_list(st, rev, NULL, false, 0, 0, add_label_id, now, &err));
        assert_ok(wr_store_labels_list(st, rev, NULL, true, 0, 0, add_label_id, &in_graph,
                                       &err));
        assert_ok(
            wr_store_labels_of(st, rev, wallet + 1, wallet[0], add_label_id, &of, &err));
        assert_ok(
            wr_store_labels_changed(st, rev - 1, rev, 0, add_label_id, &changed, &err));
        assert_memory_equal(&of, &in_graph, sizeof of);
        for (size_t i = 0; i < LABELS_MAX; i++)
            assert_int_equal(changed.is_there[i],
                             now->is_there[i] != before->is_there[i]);
    }
}

static void random_life(uint64_t seed)
{
    pair p = {.st = ct_open(NULL), .rng = {.s = seed}};
    wr_migrate_report rep;
    assert_ok(wr_store_open(&p.ref, "memory:", &err));
    assert_ok(wr_store_migrate(p.ref, &rep, &err));
    for (int i = 0; i < STEPS; i++) {
        switch (below(&p, 8)) {
        case 0:
            step_run(&p);
            break;
        case 1:
            step_remove(&p);
            break;
        case 2:
        case 3:
            step_labels(&p);
            break;
        default:
            step_put(&p);
            break;
        }
        if (i % 8 == 7)
            compare(&p);
    }
    compare_histories(&p);
    check_labels(p.st);
    check_labels(p.ref);
    wr_store_close(p.st);
    wr_store_close(p.ref);
}

static void test_random__same_as_the_memory_store(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++)
        random_life(seed);
}

int contract_random(void)
{
    const struct CMUnitTest any[] = {
        wr_unit_test(test_random__same_as_the_memory_store),
    };
    return cmocka_run_group_tests_name("random", any, NULL, NULL);
}
