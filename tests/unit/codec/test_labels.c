#include "labels_test.h"

/* --- what an entry can have wrong --------------------------------------------------- */

static void test_entry__each_issue_names_the_value(void **state)
{
    (void)state;
    static const struct {
        const char *row, *issue;
    } bad[] = {
        {EVM1 ",ETH,nobody,,,,,", "unknown category: unknown category 'nobody'"},
        {EVM1 ",ETH,\"a\x1b[31m\xff\",,,,,",
         "unknown category: unknown category 'a?[31m?'"},
        {EVM1 ",ETH,,,,,,", "no category: no category for '" EVM1 "'"},
        {EVM1 ",ETH,,,,,,some name", "no category: no category for 'some name'"},
        {EVM1 ",,hack,,,,,", "unknown chain: no chain given (--chain)"},
        {EVM1 ",Planets,hack,,,,,",
         "unknown chain: chain 'Planets' is neither CAIP-2 nor a known name"},
        {EVM1 ",foo:bar,hack,,,,,",
         "unknown chain: chain 'foo:bar' is not known; opaque:NAME declares one"},
        {",ETH,hack,,,,,", "invalid address: address is empty"},
        {"0x1234,ETH,hack,,,,,",
         "invalid address: address '0x1234' on eip155:1: wrong length"},
        {"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb,BTC,hack,,,,,",
         "invalid address: address '1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb' on " BTC
         ": wrong checksum"},
        {EVM1 ",ETH,hack,101,,,,",
         "bad field: confidence '101' is neither 0..100 nor a GraphSense level"},
        {EVM1 ",ETH,hack,-1,,,,",
         "bad field: confidence '-1' is neither 0..100 nor a GraphSense level"},
        {EVM1 ",ETH,hack,7.5,,,,",
         "bad field: confidence '7.5' is neither 0..100 nor a GraphSense level"},
        {EVM1 ",ETH,hack,sure,,,,",
         "bad field: confidence 'sure' is neither 0..100 nor a GraphSense level"},
        {EVM1 ",ETH,hack,,2020-13-01,,,", "bad field: valid_from: "},
        {EVM1 ",ETH,hack,,,yesterday,,", "bad field: valid_to: "},
        {EVM1 ",ETH,hack,,2021-01-01,2021-01-01,,",
         "bad field: valid_to is not after valid_from"},
        {EVM1 ",ETH,hack,,,,\xff\xfe,", "bad field: source '?"
                                        "?' is not UTF-8 text"},
        {EVM1 ",ETH,hack,,,,,\xc3(", "bad field: name '?(' is not UTF-8 text"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[512];
        char want[256];
        seen s;
        (void)snprintf(
            text, sizeof text,
            "address,chain,category,confidence,valid_from,valid_to,source,name\n%s\n",
            bad[i].row);
        (void)snprintf(want, sizeof want, "2 %s", bad[i].issue);
        begin(&s);
        assert_ok(read_len(&s, "l.csv", text, strlen(text), NULL, &err));
        assert_int_equal(s.label_count, 0);
        assert_int_equal(s.issue_count, 1);
        if (strncmp(wr_buf_cstr(&s.issues), want, strlen(want)) != 0)
            fail_msg("row %zu: wanted '%s', got '%s'", i, want, wr_buf_cstr(&s.issues));
        end(&s);
    }
}

static void test_entry__nul_bytes_stay_out(void **state)
{
    (void)state;
    static const char text[] = "address,chain,category,name\n" EVM1 ",ETH,hack,a\0b\n"
                               "0x\0,ETH,hack,n\n" EVM1 ",ETH,ha\0ck,n\n";
    seen s;
    begin(&s);
    assert_ok(read_len(&s, "l.csv", text, sizeof text - 1, NULL, &err));
    assert_int_equal(s.label_count, 0);
    assert_int_equal(s.issue_count, 3);
    assert_int_equal(s.count[WR_LABEL_BAD_FIELD], 1);
    assert_int_equal(s.count[WR_LABEL_BAD_ADDRESS], 1);
    assert_int_equal(s.count[WR_LABEL_UNKNOWN_CATEGORY], 1);
    end(&s);
}

static void test_entry__control_characters_become_blanks(void **state)
{
    (void)state;
    check("l.csv",
          "address,chain,category,name,uri\n" EVM1
          ",ETH,hack,red \x1b[31m\x7f text,u\x01v\n",
          NULL, "eip155:1|" EVM1 "|hack|5|file:l.csv|u v||red  [31m  text||\n", "");
}

static void test_entry__long_text_is_cut_at_a_character(void **state)
{
    (void)state;
    wr_buf text;
    wr_buf_init(&text, 1 << 12);
    wr_buf_adds(&text, "address,chain,category,name\n" EVM1 ",ETH,hack,x");
    for (int i = 0; i < 200; i++)
        wr_buf_adds(&text, "\xC3\xA9"); /* 1 + 400 bytes */
    seen s;
    begin(&s);
    assert_ok(read_len(&s, "l.csv", text.p, text.len, NULL, &err));
    wr_buf_release(&text);
    const char *name = strstr(wr_buf_cstr(&s.labels), "|||x");
    assert_non_null(name);
    assert_int_equal(strcspn(name + 3, "|"), 255); /* 1 + 127 * 2, the 256th would cut */
    end(&s);
}

static void test_entry__repeats_are_issues_and_the_first_counts(void **state)
{
    (void)state;
    check("l.csv",
          "address,chain,category,name,source\n" EVM1 ",ETH,hack,first,a\n" EVM1
          ",eip155:1,exploit,second,a\n" EVM1 ",ETH,hack,other list,b\n" EVM1
          ",ETH,cex,other category,a\n" EVM1 ",BSC,hack,other chain,a\n",
          NULL,
          "eip155:1|" EVM1 "|hack|5|a|||first||\n"
          "eip155:1|" EVM1 "|hack|5|b|||other list||\n"
          "eip155:1|" EVM1 "|exchange|5|a|||other category||\n"
          "eip155:56|" EVM1 "|hack|5|a|||other chain||\n",
          "3 repeated: " EVM1 " hack was there before\n");
}

static void test_entry__tokens_stand_for_the_chain_of_the_address(void **state)
{
    (void)state;
    check("l.csv",
          "address,chain,category\n" EVM1
          ",USDT,hack\nTUCsTq7TofTCJRRoHk6RvhMoS2mJLm5Yzq,"
          "usdt,hack\n" P2PKH ",USDT,hack\n" EVM2 ",Usdc,hack\n",
          NULL,
          "eip155:1|" EVM1 "|hack|5|file:l.csv|||"
          "||\n"
          "tron:0x2b6653dc|TUCsTq7TofTCJRRoHk6RvhMoS2mJLm5Yzq|hack|5|file:l.csv|||"
          "||\n" BTC "|" P2PKH "|hack|5|file:l.csv|||"
          "||\n"
          "eip155:1|" EVM2 "|hack|5|file:l.csv|||"
          "||\n",
          "");
}

static void test_entry__every_graphsense_confidence(void **state)
{
    (void)state;
    static const struct {
        const char *word;
        int level;
    } table[] = {{"override", 100},
                 {"ownership", 100},
                 {"ledger_immanent", 100},
                 {"manual_transaction", 90},
                 {"service_api", 70},
                 {"forensic_investigation", 70},
                 {"authority_data", 60},
                 {"trusted_provider", 50},
                 {"service_data", 50},
                 {"forensic", 50},
                 {"untrusted_transaction", 40},
                 {"web_crawl", 20},
                 {"heuristic", 10},
                 {"unknown", 5},
                 {"0", 0},
                 {"100", 100}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char text[256];
        char want[256];
        (void)snprintf(text, sizeof text,
                       "address,chain,category,confidence\n%s,ETH,hack,%s\n", EVM1,
                       table[i].word);
        (void)snprintf(want, sizeof want, "eip155:1|%s|hack|%d|file:l.csv|||||\n", EVM1,
                       table[i].level);
        check("l.csv", text, NULL, want, "");
    }
}

/* --- the whole ---------------------------------------------------------------------- */

static void test_read__batches_and_a_sink_that_fails(void **state)
{
    (void)state;
    enum { ROWS = 10000 }; /* more than two batches */
    seen s;
    wr_buf text;
    wr_buf_init(&text, 8 << 20);
    wr_buf_adds(&text, "address,chain,category\n");
    for (int i = 0; i < ROWS; i++)
        wr_buf_addf(&text, "0x%040x,ETH,hack\n", i + 1);
    begin(&s);
    assert_ok(read_len(&s, "l.csv", text.p, text.len, NULL, &err));
    assert_int_equal(s.label_count, ROWS);
    assert_int_equal(s.issue_count, 0);
    end(&s);
    begin(&s);
    s.fail_after = 5000;
    assert_err(WR_EIO, read_len(&s, "l.csv", text.p, text.len, NULL, &err));
    assert_true(s.label_count < ROWS);
    end(&s);
    wr_buf_release(&text);
}

static void test_read__out_of_memory_leaves_nothing(void **state)
{
    (void)state;
    static const char text[] = "address,chain,category,name\n" EVM1
                               ",ETH,hack,\"a \"\"b\"\"\"\n" EVM2 ",ETH,hack,n\n";
    const wr_labels_opts o = {.taxonomy = taxonomy(), .confidence = -1};
    seen s;
    begin(&s);
    wr_buf_add(&s.labels, "", 1); /* the test's own buffers must not grow */
    wr_labels_sink sink = {.take = take, .ctx = &s};
    s.labels.max = 0;
    assert_oom_safe(wr_labels_read_bytes("l.csv", WR_TEXT_LIT(text), &o, &sink, &err));
    assert_oom_safe(
        wr_labels_read_bytes("a_ETH.txt", WR_TEXT_LIT(EVM1 "\n"), &o, &sink, &err));
    end(&s);
}

static void test_read__file_gzip_and_missing(void **state)
{
    (void)state;
    char path[] = "/tmp/wr_labels_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    static const char text[] = "address,chain,category\n" EVM1 ",ETH,hack\n";
    assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
    assert_int_equal(close(fd), 0);
    seen s;
    begin(&s);
    const wr_labels_opts o = {.taxonomy = taxonomy(), .confidence = -1};
    const wr_labels_sink sink = {.take = take, .issue = take_issue, .ctx = &s};
    assert_ok(wr_labels_read(path, &o, &sink, &err));
    assert_int_equal(s.label_count, 1);
    assert_int_equal(unlink(path), 0);
    assert_err(WR_EIO, wr_labels_read(path, &o, &sink, &err));
    end(&s);
}

static void test_format_names__round_trip(void **state)
{
    (void)state;
    for (int f = 0; f < WR_LABELS_FORMAT_COUNT; f++) {
        wr_labels_format got = WR_LABELS_FORMAT_COUNT;
        const char *name = wr_labels_format_name((wr_labels_format)f);
        assert_ok(wr_labels_format_parse(&got, wr_text_of(name), &err));
        assert_int_equal(got, f);
    }
    wr_labels_format f;
    wr_err err = {0};
    assert_int_equal(wr_labels_format_parse(&f, WR_TEXT_LIT("x\x1b"), &err), WR_EINVAL);
    assert_string_equal(err.msg,
                        "label format 'x?' is none of auto, csv, graphsense, tagpack, "
                        "ofac-txt, ofac-json, etherscan");
    assert_string_equal(wr_labels_format_name((wr_labels_format)99), "unknown");
    assert_string_equal(wr_label_issue_name((wr_label_issue_kind)99), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_entry__each_issue_names_the_value),
        wr_unit_test(test_entry__nul_bytes_stay_out),
        wr_unit_test(test_entry__control_characters_become_blanks),
        wr_unit_test(test_entry__long_text_is_cut_at_a_character),
        wr_unit_test(test_entry__repeats_are_issues_and_the_first_counts),
        wr_unit_test(test_entry__tokens_stand_for_the_chain_of_the_address),
        wr_unit_test(test_entry__every_graphsense_confidence),
        wr_unit_test(test_read__batches_and_a_sink_that_fails),
        wr_unit_test(test_read__out_of_memory_leaves_nothing),
        wr_unit_test(test_read__file_gzip_and_missing),
        wr_unit_test(test_format_names__round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
