#include "labels_test.h"

/* --- the other formats -------------------------------------------------------------- */

static void test_graphsense__pack_is_the_source_and_source_the_page(void **state)
{
    (void)state;
    check(
        "tags_flat.csv",
        "address,currency,label,category_or_abuse,confidence,lastmod,source,pack\n" P2PKH
        ",BTC,Some Entity,exploit,forensic,2022-01-24,https://x.example,Some.yaml\n",
        NULL,
        BTC "|" P2PKH "|hack|50|graphsense:Some.yaml|https://x.example||Some Entity||\n",
        "");
}

static void test_tagpack__header_is_inherited(void **state)
{
    (void)state;
    check(
        "packs/p.yaml.gz",
        "title: T\ncreator: C\ncurrency: ETH\nconfidence: web_crawl\nsource: https://h\n"
        "category: exchange\ntags:\n"
        "  - {address: '" EVM1 "', label: one}\n"
        "  - address: '" EVM2 "'\n"
        "    label: two\n"
        "    abuse: heist\n"
        "    confidence: ownership\n"
        "    actor: bob\n"
        "    source: https://t\n"
        "  - {address: " P2PKH ", network: BTC, label: three, category: none,"
        " concepts: [a, ofac]}\n"
        "  - {tx_hash: abc, label: four}\n"
        "  - {address: '0x12', label: five}\n",
        NULL,
        "eip155:1|" EVM1 "|exchange|20|graphsense:p.yaml|https://h||one||\n"
        "eip155:1|" EVM2 "|hack|100|graphsense:p.yaml|https://t|bob|two||\n" BTC "|" P2PKH
        "|sanctions|20|graphsense:p.yaml|https://h||three||\n",
        "16 bad field: a tag of a transaction, not of an address\n"
        "17 invalid address: address '0x12' on eip155:1: wrong length\n");
}

static void test_tagpack__errors(void **state)
{
    (void)state;
    check_fails("p.yaml", "", WR_EPARSE, "p.yaml: empty");
    check_fails("p.yaml", "title: x\n", WR_EPARSE, "p.yaml:1: no 'tags': not a TagPack");
    check_fails("p.yaml", "- a\n", WR_EPARSE, "p.yaml:1: no 'tags': not a TagPack");
    check_fails("p.yaml", "tags: {a: b}\n", WR_EPARSE, "p.yaml:1: 'tags' must be a list");
    seen s;
    begin(&s);
    assert_err(WR_EPARSE, read_len(&s, "p.yaml", "a: [", 4, NULL, &err));
    assert_err(WR_EPARSE, read_len(&s, "p.yaml", "tags: *x\n", 9, NULL, &err));
    end(&s);
    check("p.yaml", "tags: []\n", NULL, "", "");
}

static void test_ofac__txt_and_json_give_the_same(void **state)
{
    (void)state;
#define SANCTIONED BTC "|" P2PKH "|sanctions|60|ofac:sanctioned_addresses_XBT."
    check("d/sanctioned_addresses_XBT.txt",
          "# comment, with a comma\n\n  " P2PKH " \r\nrubbish\n" P2PKH, NULL,
          SANCTIONED "txt|||"
                     "||\n",
          "4 invalid address: address 'rubbish' on " BTC ": wrong checksum\n"
          "5 repeated: " P2PKH " sanctions was there before\n");
    check("d/sanctioned_addresses_XBT.json", "[\n\"" P2PKH "\", 7, \"rubbish\"]", NULL,
          SANCTIONED "json|||"
                     "||\n",
          "2 bad field: entry 2 is no text\n"
          "3 invalid address: address 'rubbish' on " BTC ": wrong checksum\n");
}

static void test_ofac__chain_comes_from_name_or_option(void **state)
{
    (void)state;
    check("list.txt", EVM1 "\n", NULL, "", "1 unknown chain: no chain given (--chain)\n");
    check("list.txt", EVM1 "\n",
          &(wr_labels_opts){.chain = WR_TEXT_LIT("ETH"), .confidence = -1},
          "eip155:1|" EVM1 "|sanctions|60|ofac:list.txt|||"
          "||\n",
          "");
    check("list.txt", "", NULL, "", "");
    check_fails("x.json", "[1", WR_EPARSE,
                "x.json: line 1: ']' expected near end of file");
    check_fails("x.json", " [[\"a\"]", WR_EPARSE,
                "x.json: line 1: ']' expected near end of file");
}

static void test_etherscan__one_label_a_category(void **state)
{
    (void)state;
    check("etherscan_all.json",
          "{\"" EVM1
          "\": {\"name\": \"Eve\", \"labels\": [\"cex\", \"heist\", \"binance\"]},\n"
          "\"" EVM2 "\": {\"name\": \"\", \"labels\": [\"take-action\"]},\n"
          "\"" EVM2 "0\": {\"name\": \"n\", \"labels\": [\"cex\"]},\n"
          "\"" P2PKH "\": {\"name\": \"n\", \"labels\": []}, \"x\": 5}",
          NULL,
          "eip155:1|" EVM1 "|exchange|50|etherscan:etherscan_all.json|||Eve||\n"
          "eip155:1|" EVM1 "|hack|50|etherscan:etherscan_all.json|||Eve||\n",
          "2 unknown category: unknown category 'take-action'\n"
          "3 invalid address: address '" EVM2 "0' on eip155:1: wrong length\n"
          "4 no category: no category for 'n'\n"
          "5 no category: no category for 'x'\n");
    check("bscscan.json", "{\"" EVM1 "\": {\"labels\": [\"cex\"]}}", NULL,
          "eip155:56|" EVM1 "|exchange|50|etherscan:bscscan.json|||"
          "||\n",
          "");
    check_fails("e.json", "{\"a\": 1, \"a\": 2}", WR_EPARSE,
                "e.json: line 1: duplicate object key near '\"a\"'");
    wr_err err = {0};
    seen s;
    begin(&s);
    const wr_labels_opts o = {.format = WR_LABELS_ETHERSCAN, .confidence = -1};
    assert_int_equal(read_len(&s, "e.json", "[]", 2, &o, &err), WR_EPARSE);
    assert_string_equal(err.msg, "e.json: expected an object of addresses");
    end(&s);
}

/* --- real lists --------------------------------------------------------------------- */

static bool has_shared(const char *path)
{
    if (access(path, R_OK) == 0)
        return true;
    print_message("%s is missing\n", path);
    return false;
}

static const wr_taxonomy *shipped_taxonomy(void)
{
    static wr_taxonomy tx;
    static char text[1 << 16];
    if (!tx.count) {
        FILE *f = fopen(WR_SOURCE_DIR "/data/categories.yaml", "rb");
        assert_non_null(f);
        size_t n = fread(text, 1, sizeof text, f);
        assert_int_equal(fclose(f), 0);
        assert_ok(wr_taxonomy_from_yaml(&tx, "categories.yaml", text, n, &err));
    }
    return &tx;
}

static void read_real(seen *s, const char *path)
{
    begin(s);
    const wr_labels_opts o = {.taxonomy = shipped_taxonomy(), .confidence = -1};
    const wr_labels_sink sink = {.take = take, .issue = take_issue, .ctx = s};
    s->labels.max = 1; /* counts only */
    assert_ok(wr_labels_read(path, &o, &sink, &err));
}

static void test_real__graphsense_rows_are_labels_or_issues(void **state)
{
    (void)state;
    const char *path = WR_SHARED_DIR "/data/labels_graphsense_tagpacks/tags_flat.csv.gz";
    if (!has_shared(path))
        skip();
    seen s;
    read_real(&s, path);
    assert_int_equal(s.label_count + s.issue_count, 524170);
    assert_true(s.label_count > 510000);
    assert_int_equal(s.count[WR_LABEL_NO_CATEGORY],
                     8666); /* rows with an empty category */
    assert_int_equal(s.count[WR_LABEL_UNKNOWN_CATEGORY], 591); /* rows that say "user" */
    assert_int_equal(s.count[WR_LABEL_BAD_FIELD], 0);
    end(&s);
}

static void test_real__ofac_lists_of_every_asset(void **state)
{
    (void)state;
    static const struct {
        const char *asset;
        size_t rows, foreign;
    } list[] = {{"ARB", 1, 0},   {"BCH", 7, 0},  {"BSC", 1, 0},  {"BSV", 1, 0},
                {"BTG", 1, 0},   {"DASH", 3, 0}, {"ETC", 1, 0},  {"ETH", 152, 0},
                {"LTC", 10, 0},  {"TRX", 6, 0},  {"USDC", 2, 0}, {"USDT", 26, 0},
                {"XBT", 435, 1}, {"XMR", 3, 0},  {"XRP", 1, 0},  {"XVG", 1, 0},
                {"ZEC", 3, 0}};
    for (size_t i = 0; i < 2 * (sizeof list / sizeof *list); i++) {
        char path[512];
        (void)snprintf(path, sizeof path,
                       "%s/data/labels_ofac/sanctioned_addresses_%s.%s", WR_SHARED_DIR,
                       list[i / 2].asset, i % 2 ? "json" : "txt");
        if (!has_shared(path))
            skip();
        seen s;
        read_real(&s, path);
        if (s.label_count + s.issue_count != list[i / 2].rows ||
            s.issue_count != list[i / 2].foreign)
            fail_msg("%s: %zu labels, issues: %s", path, s.label_count,
                     wr_buf_cstr(&s.issues));
        end(&s);
    }
}

static void test_real__etherscan_dumps(void **state)
{
    (void)state;
    static const char *const list[] = {"etherscan", "bscscan", "polygonscan"};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        char path[512];
        (void)snprintf(path, sizeof path,
                       "%s/data/labels_etherscan/%s_combinedAllLabels.json",
                       WR_SHARED_DIR, list[i]);
        if (!has_shared(path))
            skip();
        seen s;
        read_real(&s, path);
        assert_true(s.label_count > 100);
        assert_int_equal(s.count[WR_LABEL_UNKNOWN_CHAIN], 0);
        assert_int_equal(s.count[WR_LABEL_BAD_FIELD], 0);
        end(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_graphsense__pack_is_the_source_and_source_the_page),
        wr_unit_test(test_tagpack__header_is_inherited),
        wr_unit_test(test_tagpack__errors),
        wr_unit_test(test_ofac__txt_and_json_give_the_same),
        wr_unit_test(test_ofac__chain_comes_from_name_or_option),
        wr_unit_test(test_etherscan__one_label_a_category),
        wr_unit_test(test_real__graphsense_rows_are_labels_or_issues),
        wr_unit_test(test_real__ofac_lists_of_every_asset),
        wr_unit_test(test_real__etherscan_dumps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
