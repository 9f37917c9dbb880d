#include "util/args.h"

#include <stdlib.h>
#include <string.h>

#include "wr_test.h"

typedef struct flags {
    bool is_json;
    const char *run_id;
    int64_t limit;
    double score;
    wr_arg_list set;
} flags;

/* argv with its program's name first; what is left comes back in argc and argv. */
static wr_status parse(flags *f, int *argc, char **argv, FILE *help, wr_err *err)
{
    const wr_arg arg[] = {
        {"json", WR_ARG_FLAG, &f->is_json, 0, 0, "as JSON"},
        {"run", WR_ARG_TEXT, &f->run_id, 0, 0, "ID  of this run (the newest)"},
        {"limit", WR_ARG_INT, &f->limit, 1, 100, "N  at most so many (10)"},
        {"score", WR_ARG_NUMBER, &f->score, 0, 1, "S  at least this"},
        {"set", WR_ARG_LIST, &f->set, 0, 0, "K=V  several times"},
    };
    const wr_args a = {.usage = "prog PATH [flags]",
                       .purpose = "What it is for.",
                       .arg = arg,
                       .count = sizeof arg / sizeof *arg,
                       .words_min = 1,
                       .words_max = 2,
                       .program = WR_PROGRAM_INGEST};
    if (help)
        wr_args_help(help, &a);
    return help ? WR_OK : wr_args_parse(&a, argc, argv, err);
}

enum { WORDS_MAX = 8, WORD_MAX = 24 };

/* The line cut at blanks, as main gets it. */
static wr_status parse_line(flags *f, int *argc, char **argv, const char *line,
                            wr_err *err)
{
    static char word[WORDS_MAX][WORD_MAX];
    *argc = 0;
    while (*line) {
        const size_t len = strcspn(line, " ");
        assert_true(*argc < WORDS_MAX && len < WORD_MAX);
        memcpy(word[*argc], line, len);
        word[*argc][len] = '\0';
        argv[*argc] = word[*argc];
        (*argc)++;
        line += len + (line[len] == ' ');
    }
    return parse(f, argc, argv, NULL, err);
}

static void test_args_parse__flags_and_words_in_any_order(void **state)
{
    (void)state;
    flags f = {.limit = 10};
    char *argv[WORDS_MAX];
    int argc;
    assert_ok(parse_line(&f, &argc, argv, "prog --json a --limit=7 b --score 0.5", &err));
    assert_true(f.is_json && f.limit == 7 && f.score == 0.5 && !f.run_id);
    assert_int_equal(argc, 3);
    assert_string_equal(argv[1], "a");
    assert_string_equal(argv[2], "b");
    assert_ok(parse_line(&f, &argc, argv, "prog --run r1 -- --json", &err));
    assert_string_equal(f.run_id, "r1");
    assert_int_equal(argc, 2);
    assert_string_equal(argv[1], "--json");
}

static void test_args_parse__list(void **state)
{
    (void)state;
    flags f = {0};
    char *argv[2 * WR_ARG_LIST_MAX + 4] = {(char[]){"prog"}, (char[]){"a"}};
    int argc;
    assert_ok(parse_line(&f, &argc, argv, "prog --set a=1 x --set=b=2", &err));
    assert_int_equal(f.set.count, 2);
    assert_string_equal(f.set.item[0], "a=1");
    assert_string_equal(f.set.item[1], "b=2");
    char flag[] = "--set=c";
    argc = 2;
    for (int i = 0; i < WR_ARG_LIST_MAX - 1; i++)
        argv[argc++] = flag;
    wr_err err = {0};
    assert_int_equal(parse(&f, &argc, argv, NULL, &err), WR_EINVAL);
    assert_string_equal(err.msg, "--set: given more than 64 times");
}

static void test_args_parse__refused_by_name(void **state)
{
    (void)state;
    static const char *const line[][2] = {
        {"prog a --nope", "--nope"},   {"prog a --limit", "--limit"},
        {"prog a --limit x", "'x'"},   {"prog a --limit 101", "101"},
        {"prog a --limit 1.5", "1.5"}, {"prog a --score nan", "nan"},
        {"prog a --json=1", "--json"}, {"prog a b c", "'c' is a word too many"},
        {"prog", "0 of 1 words"},
    };
    for (size_t i = 0; i < sizeof line / sizeof *line; i++) {
        flags f = {.limit = 10};
        char *argv[WORDS_MAX];
        int argc;
        wr_err err = {0};
        assert_int_equal(parse_line(&f, &argc, argv, line[i][0], &err), WR_EINVAL);
        if (!strstr(err.msg, line[i][1]))
            fail_msg("'%s': '%s'", line[i][0], err.msg);
    }
}

static void test_args_parse__a_list_keeps_all_in_order(void **state)
{
    (void)state;
    wr_arg_list list = {0};
    const wr_arg arg[] = {{"set", WR_ARG_LIST, &list, 0, 0, "K=V  a property"}};
    const wr_args args = {.usage = "prog", .purpose = "p", .arg = arg, .count = 1};
    char *argv[2 * WR_ARG_LIST_MAX + 4] = {(char[]){"prog"}, (char[]){"--set"},
                                           (char[]){"a=1"}, (char[]){"--set=b=2"}, NULL};
    int argc = 4;
    assert_ok(wr_args_parse(&args, &argc, argv, &err));
    assert_int_equal(list.count, 2);
    assert_string_equal(list.item[0], "a=1");
    assert_string_equal(list.item[1], "b=2");
    char flag[] = "--set=x";
    for (argc = 1; argc <= WR_ARG_LIST_MAX + 1; argc++)
        argv[argc] = flag;
    list.count = 0;
    wr_err why = {0};
    assert_int_equal(wr_args_parse(&args, &argc, argv, &why), WR_EINVAL);
    assert_non_null(strstr(why.msg, "--set: given more than 64 times"));
}

static void test_args_help__texts_begin_in_one_column(void **state)
{
    (void)state;
    flags f = {0};
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    assert_non_null(to);
    assert_ok(parse(&f, NULL, NULL, to, &err));
    assert_int_equal(fclose(to), 0);
    assert_non_null(strstr(text, "\n    --json                         as JSON\n"));
    assert_non_null(
        strstr(text, "\n    --limit N                      at most so many (10)\n"));
    assert_non_null(strstr(text, "\n    --help                         this text\n"));
    assert_non_null(strstr(text, "\nexit codes: 0 done, 1 failed, 2 wrong usage\n"));
    int options = 0;
    for (const char *p = text; (p = strstr(p, "\n    --")); p++, options++) {
        const char *column = p + 1 + 4 + WR_HELP_COLUMN;
        assert_true(column[0] == ' ' && column[1] != ' ');
    }
    assert_true(options > 8);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_args_parse__flags_and_words_in_any_order),
        wr_unit_test(test_args_parse__list),
        wr_unit_test(test_args_parse__refused_by_name),
        wr_unit_test(test_args_parse__a_list_keeps_all_in_order),
        wr_unit_test(test_args_help__texts_begin_in_one_column),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
