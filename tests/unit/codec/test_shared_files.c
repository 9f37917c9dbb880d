/*
 * Real and third-party files of ../shared/data load with nothing refused.  They are not
 * part of the repository; without them these tests skip, by name.
 */
#include "codec_test.h"

/* unzip -p archive member >file, with what every build machine has */
#define UNZIP                                                   \
    "python3 -c 'import sys, zipfile; sys.stdout.buffer.write(" \
    "zipfile.ZipFile(sys.argv[1]).read(sys.argv[2]))'"

/* Loads a whole file and counts; a second load is the same byte for byte. */
static void expect_file(const char *path, const char *format, uint64_t records,
                        uint64_t transfers)
{
    if (access(path, R_OK) != 0) {
        print_message("not there: %s\n", path);
        skip();
    }
    wr_transfer_reader_opts o = WR_TRANSFER_READER_OPTS_INIT;
    o.path = path;
    uint64_t digest = 0;
    for (int again = 0; again < 2; again++) {
        WR_AUTO(wr_transfer_reader) r = NULL;
        totals sum = {0};
        wr_buf out;
        wr_buf_init(&out, PRINT_MAX);
        assert_ok(wr_transfer_reader_open(&r, &o, &err));
        assert_string_equal(wr_transfer_reader_format(r), format);
        assert_ok(drain(r, NULL, &out, &sum, &err));
        assert_string_equal(wr_buf_cstr(&out), ""); /* nothing is refused */
        assert_int_equal(sum.records, records);
        assert_int_equal(sum.transfers, transfers);
        assert_int_equal(sum.dead, 0);
        if (again)
            assert_int_equal(sum.next.digest, digest);
        digest = sum.next.digest;
        wr_buf_release(&out);
    }
}

#define SHARED WR_SHARED_DIR "/data/"

static void test_shared__eth_phish_set1(void **state)
{
    (void)state;
    expect_file(SHARED "eth_phish_set1/eth_phish_set1_transactions.csv.gz", "eth", 24221,
                24221);
}

static void test_shared__mftracer_atomic(void **state)
{
    (void)state;
    expect_file(SHARED "mftracer_atomic/Atomic.csv", "mftracer", 1080, 1080);
}

static void test_shared__amlworld(void **state)
{
    (void)state;
    expect_file(SHARED "amlworld_hi_small_patterns/laundering_transactions.csv",
                "amlworld", 3209, 3209);
    expect_file(SHARED "amlworld_hi_small_patterns/transactions_sample_1000.csv",
                "amlworld", 1000, 1000);
}

static void test_shared__amlgentex(void **state)
{
    (void)state;
    expect_file(SHARED "amlgentex_run_seed0/tx_log_trimmed.csv.gz", "amlgentex", 678984,
                678984);
}

/* The samples come packed; unpacked beside the test as its documented command does. */
static void unpacked(const char *archive, const char *command, const char *member,
                     const char *format, uint64_t records, uint64_t transfers)
{
    if (access(archive, R_OK) != 0) {
        print_message("not there: %s\n", archive);
        skip();
    }
    char line[1200];
    char path[] = "/tmp/wr_codec_member_XXXXXX";
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)close(fd);
    (void)snprintf(line, sizeof line, "%s '%s' '%s' >%s", command, archive, member, path);
    if (system(line) != 0) {
        (void)unlink(path);
        print_message("cannot unpack %s\n", archive);
        skip();
    }
    expect_file(path, format, records, transfers);
    (void)unlink(path);
}

static void test_shared__amlsim(void **state)
{
    (void)state;
    unpacked(SHARED "amlsim_20k/20K_cycle200.tgz", "tar -xOzf",
             "20K_cycle200/transactions.csv", "amlsim", 117805, 117805);
    unpacked(SHARED "amlsim_20k/20K_fanin200cycle200.tgz", "tar -xOzf",
             "20K_fanin200cycle200/transactions.csv", "amlsim", 120558, 120558);
}

static void test_shared__coinjoin(void **state)
{
    (void)state;
    static const char zip[] = SHARED "coinjoin_bitcoin/dumplings__sw_202403.zip";
    unpacked(zip, UNZIP, "Scanner/SamouraiCoinJoins.txt", "dumplings", 1403, 20428);
    unpacked(zip, UNZIP, "Scanner/SamouraiTx0s.txt", "dumplings", 900, 10053);
    unpacked(zip, UNZIP, "Scanner/SamouraiPostMixTxs.txt", "dumplings", 2636, 19134);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_shared__eth_phish_set1),
        wr_unit_test(test_shared__mftracer_atomic),
        wr_unit_test(test_shared__amlworld),
        wr_unit_test(test_shared__amlgentex),
        wr_unit_test(test_shared__amlsim),
        wr_unit_test(test_shared__coinjoin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
