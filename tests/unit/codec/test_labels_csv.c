#include "labels_test.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_csv__every_column_in_any_order),
        wr_unit_test(test_csv__defaults_of_options_and_format),
        wr_unit_test(test_csv__delimiters_bom_crlf_and_blanks),
        wr_unit_test(test_csv__quotes_and_lines_inside_them),
        wr_unit_test(test_csv__broken_rows_are_issues_of_their_line),
        wr_unit_test(test_csv__header_errors),
        wr_unit_test(test_to_csv__reads_back_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
