/* Letters tried again, on the memory store and on SQLite: what goes, what stays, and that
 * every source adds up at each step. */
#include "wr_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ingest/dead_replay.h"

#define A     "0x1fb7bd310d95f2a6d9baaf8a8a430a9a04453a8b"
#define B     "0xb5aef1de312925438c00d12fca19c8d8a99e3d1e"
#define TX(n) "000000000000000000000000000000000000000000000000000000000000000" #n
/* Needs a chain, which only the options of a replay give. */
#define NO_CHAIN(n, value)                                                            \
    "{\"tx_hash\":\"" TX(n) "\",\"from\":\"" A "\",\"to\":\"" B "\",\"value\":" value \
                            ",\"time\":1600000000}"
#define UTXO                                                                   \
    "{\"chain\":\"BTC\",\"txid\":\"" TX(                                       \
        9) "\",\"time\":1600000000,\"inputs\":[{"                              \
           "\"address\":\"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa\",\"value\":1}]," \
           "\"outputs\":[{"                                                    \
           "\"address\":\"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa\",\"value\":0.5}]}"

typedef struct told {
    uint32_t count[5];
    char why[WR_DEAD_REASON_MAX + 100]; /* the last one */
} told;

static void take_fate(void *ctx, const wr_dead_row *d, wr_dead_fate fate, const char *why)
{
    told *t = ctx;
    assert_true(d->id > 0);
    t->count[fate]++;
    (void)snprintf(t->why, sizeof t->why, "%s", why);
}

static wr_store *open_store(const char *dsn)
{
    wr_store *st = NULL;
    wr_migrate_report rep;
    assert_ok(wr_store_open(&st, dsn, &err));
    assert_ok(wr_store_migrate(st, &rep, &err));
    return st;
}

/* One more letter of a source, at the next offset when the source keeps them. */
static void add_letter(wr_store *st, const char *source, int32_t partition,
                       const char *raw, uint64_t more_bytes)
{
    wr_arena arena;
    wr_source at = {0};
    wr_err why = {0};
    wr_put_result res;
    wr_arena_init(&arena, 0);
    const bool is_new = wr_store_source_get(st, &at, &arena, wr_text_of(source),
                                            partition, &why) == WR_ENOTFOUND;
    const int64_t offset = is_new ? 5 : at.next_offset;
    const bool is_kafka = strncmp(source, "kafka:", 6) == 0;
    const wr_dead_letter letter = {.source = wr_text_of(source),
                                   .partition = partition,
                                   .position = offset,
                                   .raw = wr_text_of(raw),
                                   .raw_bytes = strlen(raw) + more_bytes,
                                   .field = WR_TEXT_LIT("chain"),
                                   .reason = WR_TEXT_LIT("chain is missing")};
    const wr_source_mark mark = {.source = letter.source,
                                 .partition = partition,
                                 .next_offset = offset + 1,
                                 .resume = WR_TEXT_LIT("1:2:3"),
                                 .status = "running",
                                 .records = 1,
                                 .messages = is_kafka,
                                 .is_fenced = is_kafka,
                                 .from_offset = offset,
                                 .high_watermark = is_kafka ? 99 : 0};
    const wr_put put = {.dead = &letter, .dead_count = 1, .mark = &mark};
    assert_ok(wr_store_put(st, &put, NULL, &res, &err));
    wr_arena_release(&arena);
}

typedef struct sums {
    uint64_t sources, records, inserted, duplicates, dead;
} sums;

static wr_status add_source(void *ctx, const wr_source *s, wr_err *err)
{
    sums *t = ctx;
    (void)err;
    assert_true(wr_source_adds_up(s));
    assert_string_equal(s->status.p, "running");
    assert_true(wr_text_eq(s->resume, WR_TEXT_LIT("1:2:3")));
    t->sources++;
    t->records += s->records;
    t->inserted += s->inserted;
    t->duplicates += s->duplicates;
    t->dead += s->dead;
    return WR_OK;
}

/* Every source adds up and is where it was; the sums over all of them. */
static void sums_are(wr_store *st, uint64_t inserted, uint64_t duplicates, uint64_t dead)
{
    sums t = {0};
    wr_counts counts;
    assert_ok(wr_store_sources(st, add_source, &t, &err));
    assert_int_equal(t.inserted, inserted);
    assert_int_equal(t.duplicates, duplicates);
    assert_int_equal(t.dead, dead);
    assert_int_equal(t.records, inserted + duplicates + dead);
    assert_ok(wr_store_counts(st, &counts, &err));
    assert_int_equal(counts.transfers, inserted);
    assert_int_equal(counts.dead, dead);
}

static wr_dead_replay_report replay(wr_store *st, wr_dead_replay_opts o,
                                    const char *chain, told *t)
{
    wr_transfer_opts decode = WR_TRANSFER_OPTS_INIT;
    WR_AUTO(wr_transfer_decoder) d = NULL;
    wr_dead_replay_report r;
    decode.chain = chain;
    assert_ok(wr_transfer_decoder_new(&d, &decode, &err));
    *t = (told){0};
    o.decoder = d;
    o.told = take_fate;
    o.ctx = t;
    assert_ok(wr_dead_replay(&r, st, &o, &err));
    assert_int_equal(r.letters, r.replayed + r.refused + r.cut + r.rows + r.no_source);
    assert_int_equal(t->count[WR_DEAD_REPLAYED], r.replayed);
    assert_int_equal(t->count[WR_DEAD_REFUSED], r.refused);
    return r;
}

#define ALL ((wr_dead_replay_opts){.partition = -1})

static void check_fates(wr_store *st)
{
    told t;
    add_letter(st, "kafka:t", 0, NO_CHAIN(1, "1"), 0);
    add_letter(st, "kafka:t", 1, NO_CHAIN(2, "1"), 0);
    add_letter(st, "kafka:t", 0, "hello", 0);
    add_letter(st, "kafka:t", 0, "{\"cut\":", 5000000);
    add_letter(st, "file:a.csv:1", 0, "0x1,a,b,7", 0);
    add_letter(st, "file:b.ndjson:1", 0, " " NO_CHAIN(3, "1"), 0);
    add_letter(st, "kafka:t", 1, UTXO, 0);
    sums_are(st, 0, 0, 7);

    wr_dead_replay_opts dry = ALL;
    dry.is_dry = true;
    wr_dead_replay_report r = replay(st, dry, "ETH", &t);
    assert_int_equal(r.letters, 7);
    assert_int_equal(r.replayed, 4);
    assert_int_equal(r.transfers, 5);
    sums_are(st, 0, 0, 7);

    r = replay(st, ALL, NULL, &t); /* nothing was put right: the chain is missing still */
    assert_int_equal(r.replayed, 1);
    assert_int_equal(r.inserted, 2); /* of the UTXO transaction */
    assert_int_equal(r.refused, 4);
    assert_int_equal(r.cut, 1);
    assert_int_equal(r.rows, 1);
    sums_are(st, 2, 0, 6);

    r = replay(st, ALL, "ETH", &t);
    assert_int_equal(r.letters, 6);
    assert_int_equal(r.inserted, 3);
    assert_int_equal(r.refused, 1);
    sums_are(st, 5, 0, 3);
    r = replay(st, ALL, "ETH", &t);
    assert_int_equal(r.letters, 3);
    assert_int_equal(r.replayed, 0);
    sums_are(st, 5, 0, 3);
}

static void check_duplicate_and_conflict(wr_store *st)
{
    told t;
    add_letter(st, "kafka:t", 0, NO_CHAIN(1, "1"), 0);
    add_letter(st, "kafka:t", 0, NO_CHAIN(1, "1"), 0);
    add_letter(st, "kafka:t", 0, NO_CHAIN(1, "2"), 0);
    wr_dead_replay_report r = replay(st, ALL, "ETH", &t);
    assert_int_equal(r.inserted, 1);
    assert_int_equal(r.duplicates, 1);
    assert_int_equal(r.conflicts, 1);
    assert_int_equal(r.replayed, 2);
    sums_are(st, 1, 1, 1);
    r = replay(st, ALL, "ETH", &t); /* it says its chain now, and is refused again */
    assert_int_equal(r.letters, 1);
    assert_int_equal(r.refused, 1);
    assert_string_equal(
        t.why,
        "its key is stored with other content: it is a letter again, with a new id");
    sums_are(st, 1, 1, 1);
}

static void check_choice(wr_store *st)
{
    told t;
    for (int32_t i = 0; i < 6; i++)
        add_letter(st, i < 4 ? "kafka:t" : "kafka:u", i % 2, NO_CHAIN(1, "1"), 0);
    wr_dead_replay_opts o = ALL;
    o.is_dry = true;
    o.source = WR_TEXT_LIT("kafka:t");
    assert_int_equal(replay(st, o, "ETH", &t).letters, 4);
    o.partition = 1;
    assert_int_equal(replay(st, o, "ETH", &t).letters, 2);
    const int64_t id[] = {1, 2, 5, 6, 70};
    o = ALL;
    o.id = id;
    o.id_count = 5;
    wr_dead_replay_report r = replay(st, o, "ETH", &t);
    assert_int_equal(r.letters, 4);
    assert_int_equal(r.missing, 1);
    assert_int_equal(r.inserted, 1);
    assert_int_equal(r.duplicates, 3);
    sums_are(st, 1, 3, 2);
    r = replay(st, o, "ETH", &t);
    assert_int_equal(r.letters, 0);
    assert_int_equal(r.missing, 5);
    sums_are(st, 1, 3, 2);
}

/* More than one page, of which some stay: nobody is looked at twice or left out. */
static void check_pages(wr_store *st)
{
    told t;
    for (int i = 0; i < 1234; i++)
        add_letter(st, "kafka:t", i % 3, i % 5 ? NO_CHAIN(1, "1") : "no", 0);
    wr_dead_replay_report r = replay(st, ALL, "ETH", &t);
    assert_int_equal(r.letters, 1234);
    assert_int_equal(r.refused, 247);
    sums_are(st, 1, 986, 247);
}

static void on_both(void (*check)(wr_store *st))
{
    char path[] = "/tmp/wr_dead_XXXXXX";
    char dsn[64];
    WR_AUTO(wr_store) memory = open_store("memory:");
    check(memory);
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
    (void)snprintf(dsn, sizeof dsn, "sqlite:%s", path);
    wr_store *sqlite = open_store(dsn);
    check(sqlite);
    wr_store_close(sqlite);
    assert_int_equal(unlink(path), 0);
}

static void test_replay__what_goes_and_what_stays(void **state)
{
    (void)state;
    on_both(check_fates);
}

static void test_replay__duplicates_and_conflicts(void **state)
{
    (void)state;
    on_both(check_duplicate_and_conflict);
}

static void test_replay__only_those_that_were_asked_for(void **state)
{
    (void)state;
    on_both(check_choice);
}

static void test_replay__many_pages(void **state)
{
    (void)state;
    on_both(check_pages);
}

static void stays(const char *source, const char *raw, uint64_t more, wr_dead_fate fate,
                  const char *words)
{
    told t;
    WR_AUTO(wr_store) st = open_store("memory:");
    add_letter(st, source, 0, raw, more);
    (void)replay(st, ALL, "ETH", &t);
    assert_int_equal(t.count[fate], 1);
    if (!strstr(t.why, words))
        fail_msg("'%s' is not in '%s'", words, t.why);
}

static void test_replay__reasons_say_what_to_do(void **state)
{
    (void)state;
    stays("kafka:t", "{", 9000, WR_DEAD_CUT,
          "only the first 1 of its 9001 bytes are kept: the whole message is in the dead "
          "topic");
    stays("file:a", "{", 9000, WR_DEAD_CUT, "load it again with --reread");
    stays("http", "{", 9000, WR_DEAD_CUT, "send the record again");
    stays("file:a", "1,2,3", 0, WR_DEAD_ROW, "cannot be read without its header");
    stays("kafka:t", "1,2,3", 0, WR_DEAD_REFUSED, "json:");
    stays("kafka:t", NO_CHAIN(1, "-1"), 0, WR_DEAD_REFUSED, "'-1'");
}

static wr_status replay_quietly(wr_store *st, const wr_transfer_decoder *d, wr_err *err)
{
    wr_dead_replay_report r;
    wr_dead_replay_opts o = ALL;
    o.decoder = d;
    o.is_dry = true;
    return wr_dead_replay(&r, st, &o, err);
}

static void test_replay__oom(void **state)
{
    (void)state;
    wr_transfer_opts decode = WR_TRANSFER_OPTS_INIT;
    WR_AUTO(wr_transfer_decoder) d = NULL;
    WR_AUTO(wr_store) st = open_store("memory:");
    decode.chain = "ETH";
    assert_ok(wr_transfer_decoder_new(&d, &decode, &err));
    add_letter(st, "kafka:t", 0, NO_CHAIN(1, "1"), 0);
    assert_oom_safe(replay_quietly(st, d, &err));
}

static void test_id_parse(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "0", "-1", "1x", " 1", "1.0", "99999999999999999999", "1000000000000000000"};
    int64_t id = 0;
    assert_ok(wr_dead_id_parse(&id, WR_TEXT_LIT("7"), &err));
    assert_int_equal(id, 7);
    assert_ok(wr_dead_id_parse(&id, WR_TEXT_LIT("999999999999999999"), &err));
    assert_int_equal(id, 999999999999999999);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        wr_err why = {0};
        assert_int_equal(wr_dead_id_parse(&id, wr_text_of(bad[i]), &why), WR_EINVAL);
        assert_non_null(strstr(why.msg, "is no id of a dead letter"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_replay__what_goes_and_what_stays),
        wr_unit_test(test_replay__duplicates_and_conflicts),
        wr_unit_test(test_replay__only_those_that_were_asked_for),
        wr_unit_test(test_replay__many_pages),
        wr_unit_test(test_replay__reasons_say_what_to_do),
        wr_unit_test(test_replay__oom),
        wr_unit_test(test_id_parse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
