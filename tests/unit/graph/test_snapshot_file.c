#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "graph_test.h"
#include "snapshot_seal.h"

static char folder[64];
static char path[128];
static char tmp_path[136];

static int make_folder(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/wr_snapshot_XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    (void)snprintf(path, sizeof path, "%s/graph.wrsnap", folder);
    (void)snprintf(tmp_path, sizeof tmp_path, "%s.tmp", path);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(folder); /* fails when something was left behind */
}

static bool exists(const char *name)
{
    struct stat st;
    return stat(name, &st) == 0;
}

typedef struct bytes {
    uint8_t *p;
    size_t len;
} bytes;

static bytes read_bytes(void)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    const long len = ftell(f);
    assert_true(len > 0);
    bytes b = {.len = (size_t)len};
    b.p = wr_calloc(b.len, 1);
    assert_non_null(b.p);
    assert_int_equal(fseek(f, 0, SEEK_SET), 0);
    assert_int_equal(fread(b.p, 1, b.len, f), b.len);
    (void)fclose(f);
    return b;
}

static void write_bytes(const void *p, size_t len)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(p, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

/* Wallets with gaps in their ids on two chains; vertex 3 is a hub. */
static wr_ids *gappy_ids(uint32_t n)
{
    wr_ids *ids = NULL;
    const wr_chain *chain[2] = {0};
    assert_ok(wr_chain_find(&chain[0], WR_TEXT_LIT("opaque:test"), &err));
    assert_ok(wr_chain_find(
        &chain[1], WR_TEXT_LIT("bip122:000000000019d6689c085ae165831e93"), &err));
    assert_ok(wr_ids_new(&ids, &err));
    for (uint32_t v = 0; v < n; v++) {
        char name[80];
        (void)snprintf(name, sizeof name, v == 3 ? "tx:%064" PRIx32 : "w%" PRIu32, v);
        assert_ok(wr_ids_add(ids, 3 * v + 2, chain[v % 2], wr_text_of(name), &err));
    }
    return ids;
}

static wr_snapshot *random_graph(uint64_t seed, uint32_t n, uint64_t m, bool has_ids)
{
    wr_rng r = {.s = seed};
    wr_edges e;
    random_rows(&e, &r,
                &(rows_shape){.n = n,
                              .m = m,
                              .times = 1 + (uint32_t)m / 2,
                              .seq_kind = (int)(seed % 5),
                              .has_asset = seed % 2});
    wr_ids *ids = !has_ids ? NULL : seed % 3 ? gappy_ids(n) : numbered_ids(n, 4);
    wr_snapshot *g = NULL;
    assert_ok(wr_snapshot_build(&g, &e, ids, n, NULL, &err));
    return g;
}

static void check_same_ids(const wr_ids *a, const wr_ids *b)
{
    assert_int_equal(wr_ids_count(a), wr_ids_count(b));
    for (uint32_t v = 0; v < wr_ids_count(a); v++) {
        assert_int_equal(wr_ids_wallet(a, v), wr_ids_wallet(b, v));
        assert_string_equal(wr_ids_chain(a, v)->id, wr_ids_chain(b, v)->id);
        assert_true(wr_text_eq(wr_ids_address(a, v), wr_ids_address(b, v)));
        assert_int_equal(wr_ids_vertex(b, wr_ids_chain(b, v), wr_ids_address(a, v)), v);
        assert_int_equal(wr_ids_vertex_of_wallet(b, wr_ids_wallet(a, v)), v);
    }
    assert_ok(wr_ids_check(b, &err));
}

/* --- there and back ------------------------------------------------------------------
 */

static void check_round_trip(const wr_snapshot *g, bool is_trusted)
{
    wr_buf note;
    wr_buf_init(&note, 100);
    assert_ok(wr_snapshot_save(g, path, WR_TEXT_LIT("{\"max_seq\":7}"), &err));
    assert_false(exists(tmp_path));
    WR_AUTO(wr_snapshot) back = NULL;
    const wr_snapshot_load_opts opts = {.is_trusted = is_trusted};
    assert_ok(wr_snapshot_load(&back, path, &note, &opts, &err));
    const char *array = differing(g, back);
    if (array)
        fail_msg("%s differs", array);
    assert_string_equal(note.p, "{\"max_seq\":7}");
    assert_int_equal(!wr_snapshot_ids(g), !wr_snapshot_ids(back));
    if (wr_snapshot_ids(g))
        check_same_ids(wr_snapshot_ids(g), wr_snapshot_ids(back));
    wr_digest_hex a;
    wr_digest_hex b;
    assert_ok(wr_snapshot_digest(g, &a, &err));
    assert_ok(wr_snapshot_digest(back, &b, &err));
    assert_string_equal(a.s, b.s);
    assert_ok(wr_snapshot_check(back, &err));
    assert_int_equal(wr_snapshot_bytes(g), wr_snapshot_bytes(back));
    assert_true(wr_snapshot_held_bytes(back) >= wr_snapshot_bytes(back)); /* the file */
    assert_true(!wr_snapshot_ids(back) || wr_ids_bytes(wr_snapshot_ids(back)) > 0);
    wr_buf_release(&note);
}

static void test_file__round_trips(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 60; seed++) {
        const uint32_t n = seed < 4 ? (uint32_t)seed : 1 + (uint32_t)(seed * 7 % 90);
        WR_AUTO(wr_snapshot)
        g = random_graph(seed, n, seed % 4 ? seed * 13 : 0, seed % 5 > 0);
        check_round_trip(g, seed % 2);
    }
    WR_AUTO(wr_snapshot) big = random_graph(3, 5000, 200000, true);
    check_round_trip(big, false);
}

static void test_load__without_note_and_options(void **state)
{
    (void)state;
    WR_AUTO(wr_snapshot) g = random_graph(1, 9, 30, true);
    assert_ok(wr_snapshot_save(g, path, (wr_text){0}, &err));
    WR_AUTO(wr_snapshot) back = NULL;
    assert_ok(wr_snapshot_load(&back, path, NULL, NULL, &err));
    assert_null(differing(g, back));
    wr_err fault = {0};
    assert_int_equal(wr_snapshot_mark_hub(back, 1, &fault), WR_EINVAL);
    assert_string_equal(fault.msg, "hub 1 with n=9 in a mapped snapshot");
}

static void test_save__readers_of_the_old_file_keep_it(void **state)
{
    (void)state;
    WR_AUTO(wr_snapshot) first = random_graph(1, 50, 300, true);
    WR_AUTO(wr_snapshot) second = random_graph(2, 70, 500, true);
    assert_ok(wr_snapshot_save(first, path, (wr_text){0}, &err));
    WR_AUTO(wr_snapshot) reader = NULL;
    assert_ok(wr_snapshot_load(&reader, path, NULL, NULL, &err));
    assert_ok(wr_snapshot_save(second, path, (wr_text){0}, &err));
    assert_null(differing(first, reader));
    WR_AUTO(wr_snapshot) later = NULL;
    assert_ok(wr_snapshot_load(&later, path, NULL, NULL, &err));
    assert_null(differing(second, later));
}

/* --- damage ---------------------------------------------------------------------------
 */

/* `owner`: the section whose name the message must have; NULL = any. */
static void refuse_file(const char *what, const char *owner)
{
    wr_err fault = {0};
    wr_snapshot *g = NULL;
    wr_buf note;
    wr_buf_init(&note, 10000);
    const wr_status s = wr_snapshot_load(&g, path, &note, NULL, &fault);
    if (s != WR_ECORRUPT && s != WR_EPARSE)
        fail_msg("%s: %s '%s'", what, wr_status_name(s), fault.msg);
    if (!strstr(fault.msg, path))
        fail_msg("%s: no path in '%s'", what, fault.msg);
    if (owner && !strstr(fault.msg, owner))
        fail_msg("%s of '%s': '%s'", what, owner, fault.msg);
    assert_null(g);
    assert_int_equal(note.len, 0);
}

static const char *section_at(const wr_file_header *h, size_t at)
{
    for (int k = 0; k < WR_SECTION_COUNT; k++)
        if (h->entry[k].offset && at >= h->entry[k].offset &&
            at < h->entry[k].offset + h->entry[k].bytes)
            return h->entry[k].name;
    return at < sizeof *h ? NULL : "padding";
}

static void put_byte(size_t at, uint8_t x)
{
    const int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, &x, 1, (off_t)at), 1);
    (void)close(fd);
}

static void test_load__every_flipped_byte_is_noticed(void **state)
{
    (void)state;
    WR_AUTO(wr_snapshot) g = random_graph(5, 12, 25, true);
    assert_ok(wr_snapshot_save(g, path, WR_TEXT_LIT("note"), &err));
    bytes b = read_bytes();
    wr_file_header h;
    memcpy(&h, b.p, sizeof h);
    for (size_t at = 0; at < b.len; at++) {
        char what[64];
        (void)snprintf(what, sizeof what, "byte %zu", at);
        put_byte(at, b.p[at] ^ (uint8_t)(1U << at % 8));
        refuse_file(what, section_at(&h, at));
        put_byte(at, b.p[at]);
    }
    WR_AUTO(wr_snapshot) back = NULL;
    assert_ok(wr_snapshot_load(&back, path, NULL, NULL, &err)); /* all put back */
    wr_free(b.p);
}

static void test_load__cut_or_grown(void **state)
{
    (void)state;
    WR_AUTO(wr_snapshot) g = random_graph(5, 12, 25, true);
    assert_ok(wr_snapshot_save(g, path, WR_TEXT_LIT("note"), &err));
    bytes b = read_bytes();
    for (size_t len = 0; len < b.len; len += len < 4000 ? 37 : 1 + len / 50) {
        write_bytes(b.p, len);
        refuse_file("cut", NULL);
    }
    write_bytes(b.p, b.len - 1);
    refuse_file("cut by one", NULL);
    uint8_t *longer = wr_calloc(b.len + 64, 1);
    assert_non_null(longer);
    memcpy(longer, b.p, b.len);
    write_bytes(longer, b.len + 1);
    refuse_file("grown by one", NULL);
    write_bytes(longer, b.len + 64);
    refuse_file("grown by 64", NULL);
    wr_free(longer);
    wr_free(b.p);
}

static void check_message(wr_status want, const char *format)
{
    char msg[400];
    (void)snprintf(msg, sizeof msg, "%s%s", path, format);
    wr_err fault = {0};
    wr_snapshot *g = NULL;
    assert_int_equal(wr_snapshot_load(&g, path, NULL, NULL, &fault), want);
    assert_string_equal(fault.msg, msg);
}

static void test_load__says_what_is_wrong(void **state)
{
    (void)state;
    check_message(WR_ENOTFOUND, ": No such file or directory");
    write_bytes("", 0);
    check_message(WR_EPARSE, ": not a walletrisk snapshot");
    write_bytes("<?xml version=\"1.0\"?>", 21);
    check_message(WR_EPARSE, ": not a walletrisk snapshot");

    WR_AUTO(wr_snapshot) g = random_graph(5, 12, 25, true);
    assert_ok(wr_snapshot_save(g, path, (wr_text){0}, &err));
    bytes b = read_bytes();
    wr_file_header h;
    memcpy(&h, b.p, sizeof h);
    write_bytes(b.p, 500);
    check_message(WR_ECORRUPT, ": header: cut at 500 bytes");

    for (uint32_t version = 2; version <= 4; version += 2) { /* older, newer */
        wr_file_header other = h;
        other.version = version;
        memcpy(b.p, &other, sizeof other);
        seal(b.p, b.len);
        write_bytes(b.p, b.len);
        check_message(WR_EPARSE, version == 2
                                     ? ": snapshot version 2, this program reads 3"
                                     : ": snapshot version 4, this program reads 3");
    }

    wr_file_header foreign = h;
    foreign.byte_order = __builtin_bswap32(h.byte_order);
    memcpy(b.p, &foreign, sizeof foreign);
    write_bytes(b.p, b.len);
    check_message(WR_EPARSE, ": header: byte order 04030201");

    memcpy(b.p, &h, sizeof h);
    b.p[h.entry[WR_SECTION_VALUE].offset] ^= 1;
    write_bytes(b.p, b.len);
    check_message(WR_ECORRUPT, ": section value: wrong digest");
    b.p[h.entry[WR_SECTION_VALUE].offset] ^= 1;
    b.p[100] ^= 1;
    write_bytes(b.p, b.len);
    check_message(WR_ECORRUPT, ": header: wrong digest");
    wr_free(b.p);
}

static void test_load__a_folder_is_no_snapshot(void **state)
{
    (void)state;
    wr_snapshot *g = NULL;
    wr_err fault = {0};
    assert_int_equal(wr_snapshot_load(&g, folder, NULL, NULL, &fault), WR_EPARSE);
    assert_non_null(strstr(fault.msg, "not a walletrisk snapshot"));
}

static void test_load__unreadable(void **state)
{
    (void)state;
    char name[200];
    (void)snprintf(name, sizeof name, "%s/x/y", path); /* a file is no folder */
    write_bytes("x", 1);
    wr_snapshot *g = NULL;
    assert_err(WR_EIO, wr_snapshot_load(&g, name, NULL, NULL, &err));
}

/* A forger recomputes the digests: whatever loads must still be a valid graph. */
static void test_load__forged_files_are_refused_or_valid(void **state)
{
    (void)state;
    WR_AUTO(wr_snapshot) g = random_graph(5, 12, 25, true);
    assert_ok(wr_snapshot_save(g, path, WR_TEXT_LIT("note"), &err));
    bytes b = read_bytes();
    uint8_t *forged = wr_calloc(b.len, 1);
    assert_non_null(forged);
    wr_rng r = {.s = 4};
    int refused = 0;
    for (size_t at = 0; at < b.len; at++) {
        memcpy(forged, b.p, b.len);
        forged[at] = (uint8_t)wr_rng_u64(&r);
        seal(forged, b.len);
        write_bytes(forged, b.len);
        WR_AUTO(wr_snapshot) back = NULL;
        wr_err fault = {0};
        if (wr_snapshot_load(&back, path, NULL, NULL, &fault) != WR_OK) {
            assert_null(back);
            if (!strstr(fault.msg, path))
                fail_msg("byte %zu: no path in '%s'", at, fault.msg);
            refused++;
            continue;
        }
        assert_ok(wr_snapshot_check(back, &err));
    }
    assert_true(refused > (int)b.len / 4);
    wr_free(forged);
    wr_free(b.p);
}

/* --- what can go wrong while writing
 * ----------------------------------------------------- */

static void test_save__refuses(void **state)
{
    (void)state;
    WR_AUTO(wr_snapshot) g = random_graph(1, 9, 30, true);
    char name[200];
    (void)snprintf(name, sizeof name, "%s/missing/graph", folder);
    wr_err fault = {0};
    assert_int_equal(wr_snapshot_save(g, name, (wr_text){0}, &fault), WR_EIO);
    assert_non_null(strstr(fault.msg, "missing/graph"));

    (void)snprintf(name, sizeof name, "%s/folder", folder);
    assert_int_equal(mkdir(name, 0700), 0);
    assert_err(WR_EIO, wr_snapshot_save(g, name, (wr_text){0}, &err));
    assert_int_equal(rmdir(name), 0); /* and no folder.tmp: remove_folder sees it */

    static char note[WR_SNAPSHOT_NOTE_MAX + 1];
    memset(note, 'n', sizeof note);
    fault = (wr_err){0};
    assert_int_equal(wr_snapshot_save(g, path, (wr_text){note, sizeof note}, &fault),
                     WR_ELIMIT);
    assert_string_equal(fault.msg, "note of 4097 bytes (limit 4096)");
    assert_ok(wr_snapshot_save(g, path, (wr_text){note, WR_SNAPSHOT_NOTE_MAX}, &err));
    WR_AUTO(wr_snapshot) back = NULL;
    wr_buf b;
    wr_buf_init(&b, WR_SNAPSHOT_NOTE_MAX);
    assert_ok(wr_snapshot_load(&back, path, &b, NULL, &err));
    assert_int_equal(b.len, WR_SNAPSHOT_NOTE_MAX);
    wr_buf_release(&b);
    wr_buf_init(&b, 10); /* too small for the note */
    wr_snapshot *none = NULL;
    assert_err(WR_ELIMIT, wr_snapshot_load(&none, path, &b, NULL, &err));
    wr_buf_release(&b);
}

static void test_save__full_disk_keeps_the_old_file(void **state)
{
    (void)state;
    WR_AUTO(wr_snapshot) old = random_graph(1, 9, 30, true);
    WR_AUTO(wr_snapshot) g = random_graph(2, 400, 3000, true);
    assert_ok(wr_snapshot_save(old, path, (wr_text){0}, &err));
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    for (rlim_t limit = 0; limit < 100000; limit += 20000) {
        const struct rlimit small = {.rlim_cur = limit, .rlim_max = before.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        wr_err fault = {0};
        const wr_status s = wr_snapshot_save(g, path, (wr_text){0}, &fault);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        assert_int_equal(s, WR_EIO);
        assert_non_null(strstr(fault.msg, path));
        assert_false(exists(tmp_path));
    }
    (void)signal(SIGXFSZ, handler);
    WR_AUTO(wr_snapshot) back = NULL;
    assert_ok(wr_snapshot_load(&back, path, NULL, NULL, &err));
    assert_null(differing(old, back));
}

static void test_save__takes_over_what_a_killed_writer_left(void **state)
{
    (void)state;
    WR_AUTO(wr_snapshot) g = random_graph(1, 9, 30, true);
    assert_ok(wr_snapshot_save(g, path, (wr_text){0}, &err));
    assert_int_equal(rename(path, tmp_path), 0);
    const int fd = open(tmp_path, O_WRONLY | O_APPEND);
    assert_true(fd >= 0);
    static const char junk[50000];
    assert_int_equal(write(fd, junk, sizeof junk), (ssize_t)sizeof junk);

    assert_int_equal(flock(fd, LOCK_EX), 0); /* that writer lives */
    wr_err fault = {0};
    assert_int_equal(wr_snapshot_save(g, path, (wr_text){0}, &fault), WR_ECONFLICT);
    assert_non_null(strstr(fault.msg, "another process is writing it"));
    assert_true(exists(tmp_path));

    (void)close(fd); /* that writer is dead */
    assert_ok(wr_snapshot_save(g, path, (wr_text){0}, &err));
    assert_false(exists(tmp_path));
    WR_AUTO(wr_snapshot) back = NULL;
    assert_ok(wr_snapshot_load(&back, path, NULL, NULL, &err));
    assert_null(differing(g, back));
}

static wr_status load_and_drop(wr_err *fault)
{
    WR_AUTO(wr_snapshot) g = NULL;
    return wr_snapshot_load(&g, path, NULL, NULL, fault);
}

static void test_file__out_of_memory(void **state)
{
    (void)state;
    WR_AUTO(wr_snapshot) g = random_graph(1, 9, 30, true);
    assert_oom_safe(wr_snapshot_save(g, path, WR_TEXT_LIT("n"), &err));
    assert_false(exists(tmp_path));
    assert_oom_safe(load_and_drop(&err));
}

#define file_test(f) cmocka_unit_test_setup_teardown(f, make_folder, after)
static int after(void **state)
{
    return remove_folder(state) || wr_test_no_blocks_left(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        file_test(test_file__round_trips),
        file_test(test_load__without_note_and_options),
        file_test(test_save__readers_of_the_old_file_keep_it),
        file_test(test_load__every_flipped_byte_is_noticed),
        file_test(test_load__cut_or_grown),
        file_test(test_load__says_what_is_wrong),
        file_test(test_load__a_folder_is_no_snapshot),
        file_test(test_load__unreadable),
        file_test(test_load__forged_files_are_refused_or_valid),
        file_test(test_save__refuses),
        file_test(test_save__full_disk_keeps_the_old_file),
        file_test(test_save__takes_over_what_a_killed_writer_left),
        file_test(test_file__out_of_memory),
    };
    return cmocka_run_group_tests_name("graph/snapshot_file", tests, NULL, NULL);
}
