#include "codec/explanation_text.h"

#include "wr_test.h"

#define WALLET                                                                          \
    "{'id':'eip155:1:0xv','state':'scored','score':87.5,'level':'severe','category':'"  \
    "hack',"                                                                            \
    "'run_id':'r1','is_labelled':false,'received':10.5,'sent':4,'tx_in':3,'tx_out':1,"  \
    "'counterparties_in':2,'counterparties_out':1,'first_seen':'2025-01-01T00:00:00Z'," \
    "'last_seen':'2025-01-02T00:00:00Z',"                                               \
    "'exposures':[{'category_id':'hack','direction':'receiving','direct_value':1.5,"    \
    "'indirect_value':2,'direct_share':0.15,'indirect_share':0.2,'holdings_share':0.1," \
    "'static_share':0.25,'min_hops':1}],"                                               \
    "'origins':{'sources':[{'id':'eip155:1:0xs','category_id':'hack','value':1.5}],"    \
    "'other_value':0.25},"                                                              \
    "'reasons':[{'part':87.5,'message':'received from Stolen funds'}]}"

#define PATHS                                                                            \
    "{'exposed_value':3.5,'explained_value':3,'residual_value':0.5,'is_truncated':true," \
    "'paths':[{'category_id':'hack','value':3,'share':0.857,'hops':2,'steps':["          \
    "{'time':'2025-01-01T00:00:00Z','value':9,'from':'eip155:1:0xs','to':'eip155:1:0xu'" \
    ","                                                                                  \
    "'tx_hash':'ab12','position':7},"                                                    \
    "{'time':'2025-01-01T06:00:00Z','value':8,'from':'eip155:1:0xu','to':'eip155:1:0xv'" \
    "}"                                                                                  \
    "]}],'contacts':[]}"

#define CONTACTS                                                                         \
    "{'exposed_value':0,'explained_value':0,'residual_value':0,'is_truncated':false,"    \
    "'paths':[],'contacts':[{'category_id':'phishing','hops':1,'steps':["                \
    "{'time':'2025-01-03T00:00:00Z','value':2,'from':'eip155:1:0xv','to':'eip155:1:0xp'" \
    "}"                                                                                  \
    "]}]}"

#define TYPOLOGIES                                                                  \
    "{'from':'2024-10-04T00:00:00Z','hit_count':3,'hits':[{'typology':'fan_in',"    \
    "'role':'member','strength':0.75,'amount':1200,'first':'2025-01-01T00:00:00Z'," \
    "'last':'2025-01-01T01:00:00Z','is_partial':false,'is_hub_truncated':true,"     \
    "'member_count':13,'members':['eip155:1:0xr'],'transfer_count':12}]}"

#define WORLDS                                                                  \
    "{'score':87.5,'without_label':[{'id':'eip155:1:0xs','category_id':'hack'," \
    "'is_own':false,'score':12.25},{'id':'eip155:1:0xv','category_id':'scam',"  \
    "'is_own':true,'score':null}],'as_of':{'time':'2025-01-01T12:00:00Z',"      \
    "'state':'scored','score':3,'received':9,'sent':0}}"

/* Single quotes above, so that the JSON can be read. */
static wr_status render(wr_buf *out, const char *quoted, wr_err *e)
{
    char json[4096];
    size_t n = 0;
    for (; quoted[n]; n++) {
        assert_true(n + 1 < sizeof json);
        json[n] = quoted[n] == '\'' ? '"' : quoted[n];
    }
    wr_buf_init(out, 1 << 16);
    return wr_explanation_text(out, (wr_text){json, (uint32_t)n}, e);
}

static void test_explanation_text__says_everything_in_order(void **state)
{
    (void)state;
    static const char *const line[] = {
        "eip155:1:0xv\n",
        "87.50  severe, hack   (scored, run r1)",
        "received 10.5 in 3 transfers from 2 wallets",
        "sent     4 in 1 transfers to 1 wallets",
        "seen     2025-01-01T00:00:00Z to 2025-01-02T00:00:00Z",
        " 87.50  received from Stolen funds",
        "receiving  hack                          1.5            2   35.00%",
        "   10.00%   25.00%     1\n",
        "1.5  hack         eip155:1:0xs",
        "0.25  other sources",
        "Patterns that it is part of, from 2024-10-04T00:00:00Z\n",
        "fan_in             member  strength 0.75, 1200 in 12 transfers, 13 wallets",
        " (the search was cut)\n      2025-01-01T00:00:00Z to 2025-01-01T01:00:00Z",
        ", root eip155:1:0xr\n",
        "and 2 more\n",
        "Where it came from\n  3.5 exposed = 3 on the paths below + 0.5 residual",
        " (the search was cut)\n  1. hack, 2 hops: 3 (85.70 %)",
        "2025-01-01T00:00:00Z             9  eip155:1:0xs -> eip155:1:0xu",
        "tx ab12, position 7",
        "2025-01-01T06:00:00Z             8  eip155:1:0xu -> eip155:1:0xv",
        "Where it went",
        "contact: phishing, 1 hops",
        "2025-01-03T00:00:00Z             2  eip155:1:0xv -> eip155:1:0xp",
        "What if (the run said 87.50)\n",
        "   12.25  without the label hack: eip155:1:0xs\n",
        "       ?  without its own label scam: eip155:1:0xv\n",
        "    3.00  as of 2025-01-01T12:00:00Z, received 9, sent 0 (scored)\n",
    };
    wr_buf b;
    assert_ok(render(&b,
                     "{'wallet':" WALLET ",'typologies':" TYPOLOGIES
                     ",'received_paths':" PATHS ",'sent_paths':" CONTACTS
                     ",'counterfactuals':" WORLDS "}",
                     &err));
    wr_buf_adds(&b, "");
    const char *at = b.p;
    for (size_t i = 0; i < sizeof line / sizeof *line; i++) {
        const char *found = strstr(at, line[i]);
        if (!found)
            print_error("not after the lines before it: %s\nin:\n%s\n", line[i], at);
        assert_non_null(found);
        at = found;
    }
    wr_buf_release(&b);
}

static void test_explanation_text__wallet_of_which_nothing_is_known(void **state)
{
    (void)state;
    wr_buf b;
    assert_ok(render(&b, "{'wallet':{'id':'eip155:1:0xv','state':'scored'}}", &err));
    assert_non_null(strstr(b.p, "no reason"));
    assert_null(strstr(b.p, "Where"));
    assert_null(strstr(b.p, "Exposure"));
    assert_null(strstr(b.p, "Patterns"));
    assert_null(strstr(b.p, "What if"));
    wr_buf_release(&b);
}

static void test_explanation_text__no_explanation(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "[]", "{}", "{'wallet':1}", "{'wallet':{}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        wr_buf b;
        assert_err(WR_EPARSE, render(&b, bad[i], &err));
        wr_buf_release(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_explanation_text__says_everything_in_order),
        wr_unit_test(test_explanation_text__wallet_of_which_nothing_is_known),
        wr_unit_test(test_explanation_text__no_explanation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
