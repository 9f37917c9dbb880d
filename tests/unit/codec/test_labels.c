#include "wr_test.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "codec/labels.h"
#include "codec/settings_yaml.h"
#include "util/clock.h"

#define BTC   "bip122:000000000019d6689c085ae165831e93"
#define EVM1  "0x1fb7bd310d95f2a6d9baaf8a8a430a9a04453a8b"
#define EVM2  "0xb5aef1de312925438c00d12fca19c8d8a99e3d1e"
#define P2PKH "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"

static const wr_taxonomy *taxonomy(void)
{
    static wr_taxonomy tx;
    static const char text[] =
        "categories:\n"
        "  - {id: sanctions, name: S, kind: illicit, weight: 1, rho0: 0.1, words: "
        "[ofac]}\n"
        "  - {id: hack, name: H, kind: illicit, weight: 1, rho0: 0.1, words: [exploit, "
        "heist]}\n"
        "  - {id: exchange, name: E, kind: service, words: [cex, binance]}\n";
    if (!tx.count)
        assert_ok(wr_taxonomy_from_yaml(&tx, "c.yaml", text, sizeof text - 1, &err));
    return &tx;
}

/* Everything that a list gave, as text: one line a label, one line an issue. */
typedef struct seen {
    wr_buf labels, issues;
    size_t label_count, issue_count;
    uint64_t count[WR_LABEL_ISSUE_COUNT];
    long fail_after; /* labels; < 0 = never */
} seen;

static void put_time(wr_buf *b, int64_t time_s)
{
    char t[WR_RFC3339_MAX] = "";
    if (time_s != WR_TIME_NONE)
        wr_time_format(t, time_s);
    wr_buf_addf(b, "|%s", t);
}

static wr_status take(void *ctx, const wr_label *l, size_t n, wr_err *err)
{
    seen *s = ctx;
    for (size_t i = 0; i < n; i++, l++) {
        s->label_count++;
        wr_buf_addf(&s->labels, "%s|%.*s|%.*s|%u|%.*s|%.*s|%.*s|%.*s", l->chain->id,
                    WR_TEXT_ARG(l->address), WR_TEXT_ARG(l->category), l->confidence,
                    WR_TEXT_ARG(l->source), WR_TEXT_ARG(l->uri), WR_TEXT_ARG(l->actor),
                    WR_TEXT_ARG(l->name));
        put_time(&s->labels, l->valid_from_s);
        put_time(&s->labels, l->valid_to_s);
        wr_buf_adds(&s->labels, "\n");
    }
    if (s->fail_after >= 0 && s->label_count > (size_t)s->fail_after)
        return wr_fail(err, WR_EIO, "the store is gone");
    return WR_OK;
}

static void take_issue(void *ctx, const wr_label_issue *i)
{
    seen *s = ctx;
    s->issue_count++;
    s->count[i->kind]++;
    wr_buf_addf(&s->issues, "%" PRIu64 " %s: %s\n", i->line, wr_label_issue_name(i->kind),
                i->message);
}

static void begin(seen *s)
{
    *s = (seen){.fail_after = -1};
    wr_buf_init(&s->labels, 64 << 20);
    wr_buf_init(&s->issues, 64 << 20);
}

static void end(seen *s)
{
    wr_buf_release(&s->labels);
    wr_buf_release(&s->issues);
}

static wr_status read_len(seen *s, const char *name, const char *text, size_t len,
                          const wr_labels_opts *more, wr_err *err)
{
    wr_labels_opts o = more ? *more : (wr_labels_opts){.confidence = -1};
    o.taxonomy = taxonomy();
    const wr_labels_sink sink = {.take = take, .issue = take_issue, .ctx = s};
    return wr_labels_read_bytes(name, (wr_text){text, (uint32_t)len}, &o, &sink, err);
}

/* Labels and issues must be exactly these. */
static void check(const char *name, const char *text, const wr_labels_opts *more,
                  const char *labels, const char *issues)
{
    seen s;
    begin(&s);
    assert_ok(read_len(&s, name, text, strlen(text), more, &err));
    assert_string_equal(wr_buf_cstr(&s.labels), labels);
    assert_string_equal(wr_buf_cstr(&s.issues), issues);
    end(&s);
}

static void check_fails(const char *name, const char *text, wr_status want,
                        const char *message)
{
    seen s;
    wr_err err = {0};
    begin(&s);
    assert_int_equal(read_len(&s, name, text, strlen(text), NULL, &err), want);
    assert_string_equal(err.msg, message);
    assert_int_equal(s.label_count, 0);
    end(&s);
}

/* --- own CSV ------------------------------------------------------------------------ */

static void test_csv__every_column_in_any_order(void **state)
{
    (void)state;
    check(
        "own.csv",
        "Name,actor,URI,source,confidence,Valid From,valid_to,category,chain,address,x\n"
        "Eve,eve,https://e.example,list,77,2020-01-02,2021-01-02T03:04:05Z,Exploit,ETH,"
        "0x1FB7bd310d95f2a6d9baaf8a8a430a9a04453a8b,ignored\n",
        &(wr_labels_opts){.confidence = -1}, "",
        "2 invalid address: address '0x1FB7bd310d95f2a6d9baaf8a8a430a9a04453a8b' on "
        "eip155:1: wrong checksum (EIP-55)\n");
    check(
        "own.csv",
        "Name,actor,URI,source,confidence,Valid From,valid_to,category,chain,address,x\n"
        "Eve,eve,https://"
        "e.example,list,77,2020-01-02,2021-01-02T03:04:05Z,Exploit,ETH," EVM1
        ",ignored\n",
        NULL,
        "eip155:1|" EVM1 "|hack|77|list|https://e.example|eve|Eve|2020-01-02T00:00:00Z|"
        "2021-01-02T03:04:05Z\n",
        "");
}

static void test_csv__defaults_of_options_and_format(void **state)
{
    (void)state;
    const wr_labels_opts o = {.chain = WR_TEXT_LIT("BTC"),
                              .category = WR_TEXT_LIT("cex"),
                              .source = WR_TEXT_LIT("mine"),
                              .confidence = 33,
                              .format = WR_LABELS_CSV};
    check("dir/own.csv.gz", "address\n" P2PKH "\n", &o,
          BTC "|" P2PKH "|exchange|33|mine||||"
              "|\n",
          "");
    check("dir/own.csv.gz", "address,chain,category\n" P2PKH ",xbt,hack\n", NULL,
          BTC "|" P2PKH "|hack|5|file:own.csv|||"
              "||\n",
          "");
}

static void test_csv__delimiters_bom_crlf_and_blanks(void **state)
{
    (void)state;
    const char *const label = "eip155:1|" EVM1 "|hack|5|file:l.csv|||n||\n";
    static const char *const text[] = {
        "\xEF\xBB\xBF"
        "address,chain,category,name\r\n" EVM1 ",ETH,hack,n\r\n",
        "address;chain;category;name\n" EVM1 ";ETH;hack;n\n",
        "address\tchain\tcategory\tname\n" EVM1 "\tETH\thack\tn",
        " address , chain , category , name\n\n \n" EVM1 " , ETH,  hack ,\tn \r\n\n",
        "\"address\",\"chain\",\"category\",\"name\"\n\"" EVM1
        "\",\"ETH\",\"hack\",\"n\"\n",
    };
    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
        check("l.csv", text[i], NULL, label, "");
}

static void test_csv__quotes_and_lines_inside_them(void **state)
{
    (void)state;
    check("l.csv",
          "address,chain,category,name\n" EVM1
          ",ETH,hack,\"two\nlines, \"\"quoted\"\"\"\n" EVM2 ",ETH,nothing,x\n",
          NULL, "eip155:1|" EVM1 "|hack|5|file:l.csv|||two lines, \"quoted\"||\n",
          "4 unknown category: unknown category 'nothing'\n");
}

static void test_csv__broken_rows_are_issues_of_their_line(void **state)
{
    (void)state;
    check("l.csv",
          "address,chain,category\n" EVM1 ",ETH\n" EVM1 ",ETH,hack,more\n\"" EVM1
          "\"x,ETH,hack\n" EVM2 ",ETH,hack\n\"open,ETH,hack\n",
          NULL,
          "eip155:1|" EVM2 "|hack|5|file:l.csv|||"
          "||\n",
          "2 bad field: 2 columns, the header has 3\n"
          "3 bad field: 4 columns, the header has 3\n"
          "4 bad field: text behind a closing quote\n"
          "6 bad field: a quote that does not close\n");
}

static void test_csv__header_errors(void **state)
{
    (void)state;
    check_fails("l.csv", "", WR_EPARSE, "l.csv: empty");
    check_fails("l.csv", "chain,category\nETH,hack\n", WR_EPARSE,
                "l.csv: the header has no column 'address'");
    check_fails("l.csv", "address,Wallet,chain\n", WR_EPARSE,
                "l.csv: the header has a second column for 'Wallet'");
    check_fails("l.csv", "\"address,chain\n", WR_EPARSE,
                "l.csv: header: a quote that does not close");
    wr_buf wide;
    wr_buf_init(&wide, 1 << 10);
    wr_buf_adds(&wide, "address");
    for (size_t i = 0; i < 40; i++)
        wr_buf_adds(&wide, ",c");
    check_fails("l.csv", wr_buf_cstr(&wide), WR_EPARSE,
                "l.csv: a header of 1..32 columns was expected");
    wr_buf_release(&wide);
}

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

/* --- writing ------------------------------------------------------------------------ */

static void test_to_csv__reads_back_the_same(void **state)
{
    (void)state;
    static const char *const names[] = {
        "plain", "with, comma", "\"quoted\"", "=1+1", "+49",      "-x",         "@cmd",
        "'=x",   "''=x",        "'x",         "' =x", "\xC3\xA9", "semi;colon", ""};
    const wr_chain *chain = NULL;
    assert_ok(wr_chain_find(&chain, WR_TEXT_LIT("opaque:bank"), &err));
    wr_buf out;
    wr_buf_init(&out, 1 << 20);
    wr_buf_adds(&out, WR_LABEL_CSV_HEADER);
    seen want;
    begin(&want);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char address[16];
        (void)snprintf(address, sizeof address, "-%zu", i);
        const wr_label l = {.chain = chain,
                            .address = wr_text_of(address),
                            .category = WR_TEXT_LIT("hack"),
                            .confidence = (uint8_t)i,
                            .source = WR_TEXT_LIT("=list"),
                            .uri = WR_TEXT_LIT("https://e.example/?a=1,2"),
                            .actor = wr_text_of(names[i]),
                            .name = wr_text_of(names[i]),
                            .valid_from_s = i % 2 ? WR_TIME_NONE : 1600000000,
                            .valid_to_s = i % 3 ? WR_TIME_NONE : 1700000000};
        wr_label_to_csv(&out, &l);
        assert_ok(take(&want, &l, 1, &err));
    }
    check("export.csv", wr_buf_cstr(&out), NULL, wr_buf_cstr(&want.labels), "");
    for (const char *p = wr_buf_cstr(&out); (p = strpbrk(p, ",\n")) && p[1]; p++)
        assert_null(strchr("=+@", p[1])); /* no field begins as a formula does */
    end(&want);
    wr_buf_release(&out);
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
        wr_unit_test(test_csv__every_column_in_any_order),
        wr_unit_test(test_csv__defaults_of_options_and_format),
        wr_unit_test(test_csv__delimiters_bom_crlf_and_blanks),
        wr_unit_test(test_csv__quotes_and_lines_inside_them),
        wr_unit_test(test_csv__broken_rows_are_issues_of_their_line),
        wr_unit_test(test_csv__header_errors),
        wr_unit_test(test_entry__each_issue_names_the_value),
        wr_unit_test(test_entry__nul_bytes_stay_out),
        wr_unit_test(test_entry__control_characters_become_blanks),
        wr_unit_test(test_entry__long_text_is_cut_at_a_character),
        wr_unit_test(test_entry__repeats_are_issues_and_the_first_counts),
        wr_unit_test(test_entry__tokens_stand_for_the_chain_of_the_address),
        wr_unit_test(test_entry__every_graphsense_confidence),
        wr_unit_test(test_graphsense__pack_is_the_source_and_source_the_page),
        wr_unit_test(test_tagpack__header_is_inherited),
        wr_unit_test(test_tagpack__errors),
        wr_unit_test(test_ofac__txt_and_json_give_the_same),
        wr_unit_test(test_ofac__chain_comes_from_name_or_option),
        wr_unit_test(test_etherscan__one_label_a_category),
        wr_unit_test(test_read__batches_and_a_sink_that_fails),
        wr_unit_test(test_read__out_of_memory_leaves_nothing),
        wr_unit_test(test_read__file_gzip_and_missing),
        wr_unit_test(test_format_names__round_trip),
        wr_unit_test(test_to_csv__reads_back_the_same),
        wr_unit_test(test_real__graphsense_rows_are_labels_or_issues),
        wr_unit_test(test_real__ofac_lists_of_every_asset),
        wr_unit_test(test_real__etherscan_dumps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
