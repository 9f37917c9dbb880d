#include "wr_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/buf.h"
#include "util/config.h"

enum { ARGS = 16 };

/* Load from literals: copies them to where a main would have its argv. */
static wr_status load(wr_config *cfg, wr_program who, const char **argv, int *argc,
                      wr_err *err)
{
    static char store[ARGS][2048];
    char *copy[ARGS] = {0};
    for (*argc = 0; argv[*argc]; ++*argc) {
        copy[*argc] = store[*argc];
        (void)snprintf(store[*argc], sizeof store[0], "%s", argv[*argc]);
    }
    wr_status s = wr_config_load(cfg, who, argc, copy, err);
    for (int i = 0; i < ARGS; i++)
        argv[i] = copy[i];
    return s;
}

static void write_file(char path[64], const char *text)
{
    (void)snprintf(path, 64, "/tmp/wr_config_XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    (void)close(fd);
}

static int clean_env(void **state)
{
    (void)state;
    return unsetenv("WALLETRISK_HTTP_PORT") | unsetenv("WALLETRISK_CONFIG") |
           unsetenv("WALLETRISK_NO_SUCH") | unsetenv("WALLETRISK_TEST_X") |
           unsetenv("WALLETRISK_KAFKA_SASL_PASSWORD") | unsetenv("WALLETRISK_dsn") |
           wr_test_no_blocks_left(state);
}

static void test_config_load__defaults(void **state)
{
    (void)state;
    wr_config cfg;
    int argc;
    const char *argv[ARGS] = {"prog"};
    assert_ok(load(&cfg, WR_PROGRAM_ALL, argv, &argc, &err));
    assert_string_equal(cfg.dsn, "sqlite:walletrisk.db");
    assert_string_equal(cfg.data_dir, "");
    assert_string_equal(cfg.log_level, "info");
    assert_int_equal(cfg.threads, 0);
    assert_int_equal(cfg.batch_rows, 250000);
    assert_string_equal(cfg.http_host, "127.0.0.1");
    assert_int_equal(cfg.http_port, 8080);
    assert_int_equal(cfg.http_threads, 96);
    assert_int_equal(cfg.http_body_max_bytes, 16 << 20);
    assert_int_equal(cfg.http_drain_ms, 10000);
    assert_int_equal(cfg.live_fold_rows, 1000000);
    assert_int_equal(cfg.live_state_mb, 4096);
    assert_true(cfg.static_gamma == 0.85);
    assert_true(cfg.static_eps == 1e-6);
    assert_int_equal(cfg.static_iter_max, 100);
    assert_int_equal(cfg.top_k_sources, 8);
    assert_int_equal(cfg.poison_hops, 6);
    assert_int_equal(argc, 1);
}

static void test_config_load__each_layer_beats_the_one_before(void **state)
{
    (void)state;
    char path[64];
    write_file(path, "# comment\r\n; another\n\n http_port =  1001 \nbatch_rows=7\n"
                     "dsn = \"memory: \"\nlog_level = warn");
    wr_config cfg;
    int argc;
    const char *argv[ARGS] = {"prog", "--config", path};
    assert_ok(load(&cfg, WR_PROGRAM_API, argv, &argc, &err));
    assert_int_equal(cfg.http_port, 1001);
    assert_int_equal(cfg.batch_rows, 7);
    assert_string_equal(cfg.dsn, "memory: ");
    assert_string_equal(cfg.log_level, "warn");

    (void)setenv("WALLETRISK_HTTP_PORT", "1002", 1);
    (void)setenv("WALLETRISK_CONFIG", path, 1);
    (void)setenv("WALLETRISK_TEST_X", "not ours", 1);
    (void)setenv("WALLETRISK_KAFKA_SASL_PASSWORD", "not ours either", 1);
    const char *argv2[ARGS] = {"prog"};
    assert_ok(load(&cfg, WR_PROGRAM_API, argv2, &argc, &err));
    assert_int_equal(cfg.http_port, 1002);
    assert_int_equal(cfg.batch_rows, 7);

    const char *argv3[ARGS] = {"prog", "--http-port=1003"};
    assert_ok(load(&cfg, WR_PROGRAM_API, argv3, &argc, &err));
    assert_int_equal(cfg.http_port, 1003);
    assert_int_equal(argc, 1);
    (void)unlink(path);
}

static void test_config_load__leaves_the_commands_own_words(void **state)
{
    (void)state;
    wr_config cfg;
    int argc;
    const char *argv[ARGS] = {"prog",  "--threads", "2",  "top",     "--limit", "5",
                              "--dsn", "memory:",   "--", "--dsn=x", NULL};
    assert_ok(load(&cfg, WR_PROGRAM_CLI, argv, &argc, &err));
    assert_int_equal(cfg.threads, 2);
    assert_string_equal(cfg.dsn, "memory:");
    const char *left[] = {"prog", "top", "--limit", "5", "--", "--dsn=x"};
    assert_int_equal(argc, 6);
    for (int i = 0; i < argc; i++)
        assert_string_equal(argv[i], left[i]);

    const char *other[ARGS] = {"prog", "--http-port",
                               "1"}; /* not an option of this program */
    assert_ok(load(&cfg, WR_PROGRAM_CLI, other, &argc, &err));
    assert_int_equal(argc, 3);
    assert_int_equal(cfg.http_port, 8080);
}

static void expect_refused(const char *flag, const char *value, const char *want)
{
    const char *argv[ARGS] = {"prog", flag, value};
    wr_config cfg;
    int argc;
    wr_err why = {0};
    assert_int_equal(load(&cfg, WR_PROGRAM_ALL, argv, &argc, &why), WR_EINVAL);
    assert_string_equal(why.msg, want);
}

static void test_config_load__refuses_values(void **state)
{
    (void)state;
    expect_refused("--http-port", "65536",
                   "--http-port: http_port = '65536' is outside 0..65535");
    expect_refused("--http-port", "-1",
                   "--http-port: http_port = '-1' is outside 0..65535");
    expect_refused("--http-port", "1.5",
                   "--http-port: http_port = '1.5' is not a whole number");
    expect_refused("--threads", "", "--threads: threads = '' is not a whole number");
    expect_refused("--threads", " 1", "--threads: threads = ' 1' is not a whole number");
    expect_refused("--threads", "0x10",
                   "--threads: threads = '0x10' is not a whole number");
    expect_refused("--static-gamma", "nan",
                   "--static-gamma: static_gamma = 'nan' is not a number");
    expect_refused("--static-gamma", "1",
                   "--static-gamma: static_gamma = '1' is outside 0..0.999");
    expect_refused("--static-eps", "1e999",
                   "--static-eps: static_eps = '1e999' is not a number");
    expect_refused("--log-level", "war",
                   "--log-level: log_level = 'war' is none of debug|info|warn|error");
    expect_refused("--log-level", "",
                   "--log-level: log_level = '' is none of debug|info|warn|error");
    expect_refused("--dsn", NULL, "--dsn: needs a value");
    expect_refused("--config", NULL, "--config: needs a value");
    expect_refused("--dsn", "a\nb", "--dsn: dsn holds a control character");
    char longest[WR_CONFIG_TEXT_MAX + 1];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    expect_refused("--dsn", longest, "--dsn: dsn is 1024 bytes, at most 1023 fit");
}

static void expect_file_refused(const char *text, const char *want)
{
    char path[64];
    write_file(path, text);
    const char *argv[ARGS] = {"prog", "--config", path};
    wr_config cfg;
    int argc;
    wr_err why = {0};
    assert_int_equal(load(&cfg, WR_PROGRAM_ALL, argv, &argc, &why), WR_EINVAL);
    assert_non_null(strstr(why.msg, want));
    assert_memory_equal(why.msg, path, strlen(path));
    (void)unlink(path);
}

static void test_config_load__refuses_files(void **state)
{
    (void)state;
    expect_file_refused("dsn = a\nhttp_prot = 1\n", ":2: unknown key 'http_prot'");
    expect_file_refused("dsn = a\n[api]\n", ":2: '[api]' is not key = value");
    expect_file_refused("dsn = a\ndsn = b\n", ":2: dsn stands twice");
    expect_file_refused("threads = many\n", ":1: threads = 'many' is not a whole number");
    char big[5000];
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    expect_file_refused(big, ":1: line over");

    const char *argv[ARGS] = {"prog", "--config", "/no/such/file"};
    wr_config cfg;
    int argc;
    wr_err why = {0};
    assert_int_equal(load(&cfg, WR_PROGRAM_ALL, argv, &argc, &why), WR_EIO);
    assert_string_equal(why.msg, "config file /no/such/file: No such file or directory");
    const char *folder[ARGS] = {"prog", "--config", "/"};
    assert_err(WR_EIO, load(&cfg, WR_PROGRAM_ALL, folder, &argc, &err));
}

static void test_config_load__refuses_environment(void **state)
{
    (void)state;
    wr_config cfg;
    int argc;
    const char *argv[ARGS] = {"prog"};
    (void)setenv("WALLETRISK_NO_SUCH", "1", 1);
    wr_err why = {0};
    assert_int_equal(load(&cfg, WR_PROGRAM_ALL, argv, &argc, &why), WR_EINVAL);
    assert_string_equal(why.msg, "unknown environment variable 'WALLETRISK_NO_SUCH'");
    (void)unsetenv("WALLETRISK_NO_SUCH");
    (void)setenv("WALLETRISK_dsn", "memory:", 1);
    assert_err(WR_EINVAL, load(&cfg, WR_PROGRAM_ALL, argv, &argc, &err));
}

static void check_mask(const char *dsn, const char *want)
{
    char out[WR_CONFIG_TEXT_MAX];
    wr_config_mask_dsn(out, dsn);
    assert_string_equal(out, want);
}

static void test_config_mask_dsn__hides_passwords(void **state)
{
    (void)state;
    check_mask("sqlite:walletrisk.db", "sqlite:walletrisk.db");
    check_mask("memory:", "memory:");
    check_mask("", "");
    check_mask("postgresql://h:5432/db", "postgresql://h:5432/db");
    check_mask("postgresql://u@h/db", "postgresql://u@h/db");
    check_mask("postgresql://u:s3cret@h:5432/db", "postgresql://u:***@h:5432/db");
    check_mask("postgresql://u:s@c:r@h/db", "postgresql://u:***@h/db");
    check_mask("postgresql://u:s?cret@h/db?x=1", "postgresql://u:***@h/db?x=1");
    check_mask("postgresql://u:s/cret@h/db", "postgresql://u:***@h/db");
    check_mask("postgresql://h/db?user=u&password=s3cret&x=1",
               "postgresql://h/db?user=u&password=***&x=1");
    check_mask("postgresql://h/db?sslpassword=s", "postgresql://h/db?sslpassword=***");
    check_mask("postgresql://h/db?p%61ssword=s", "postgresql://h/db?p%61ssword=***");
    check_mask("host=h password=s3cret dbname=d", "host=h password=*** dbname=d");
    check_mask("host=h PASSWORD = 'a b\\' c' dbname = d",
               "host=h PASSWORD = *** dbname = d");
    check_mask("password=s\\ t user=u", "password=*** user=u");
    char longest[WR_CONFIG_TEXT_MAX] = "password=a x=";
    memset(longest + 13, 'y', sizeof longest - 14);
    char out[WR_CONFIG_TEXT_MAX];
    wr_config_mask_dsn(out, longest);
    assert_int_equal(strlen(out), WR_CONFIG_TEXT_MAX - 1);
}

/* Everything that `print` writes to a stream; caller frees. */
static char *printed(void (*print)(FILE *, const void *), const void *arg)
{
    FILE *f = tmpfile();
    assert_non_null(f);
    print(f, arg);
    rewind(f);
    char *text = wr_calloc(65536, 1);
    assert_true(fread(text, 1, 65535, f) > 0);
    (void)fclose(f);
    return text;
}

static void print_config(FILE *f, const void *cfg)
{
    wr_config_print(f, cfg);
}

static void print_example(FILE *f, const void *unused)
{
    (void)unused;
    wr_config_example(f);
}

static void print_cli_help(FILE *f, const void *unused)
{
    (void)unused;
    wr_config_help(f, WR_PROGRAM_CLI);
}

static void test_config_print__reads_back_and_hides(void **state)
{
    (void)state;
    wr_config cfg;
    int argc;
    const char *argv[ARGS] = {"prog", "--dsn", "postgresql://u:s3cret@h/db",
                              "--threads=3"};
    assert_ok(load(&cfg, WR_PROGRAM_ALL, argv, &argc, &err));
    char *text = printed(print_config, &cfg);
    assert_null(strstr(text, "s3cret"));
    assert_non_null(strstr(text, "dsn = postgresql://u:***@h/db\n"));
    char path[64];
    write_file(path, text);
    const char *argv2[ARGS] = {"prog", "--config", path};
    wr_config back;
    assert_ok(load(&back, WR_PROGRAM_ALL, argv2, &argc, &err));
    memcpy(cfg.dsn, back.dsn, sizeof cfg.dsn); /* the one line that differs */
    assert_memory_equal(&cfg, &back, sizeof cfg);
    (void)unlink(path);
    wr_free(text);
}

static void test_config_help__only_this_programs_flags(void **state)
{
    (void)state;
    char *text = printed(print_cli_help, NULL);
    assert_non_null(strstr(text, "--static-gamma SHARE"));
    assert_non_null(strstr(text, "(default 0.85; 0..0.999)"));
    assert_null(strstr(text, "--http-port"));
    wr_free(text);
}

static void test_config_example__file_in_deploy_is_current(void **state)
{
    (void)state;
    char *want = printed(print_example, NULL);
    char *got = wr_calloc(65536, 1);
    FILE *f = fopen(WR_SOURCE_DIR "/deploy/config.example.ini", "r");
    assert_non_null(f);
    assert_true(fread(got, 1, 65535, f) > 0);
    (void)fclose(f);
    assert_string_equal(got, want);

    size_t n = 0; /* with every '#key' made live it is a valid file of defaults */
    for (char *p = want; *p; p++)
        if (*p != '#' || p[1] == ' ')
            want[n++] = *p;
    want[n] = '\0';
    char path[64];
    write_file(path, want);
    wr_config a;
    wr_config b;
    int argc;
    const char *argv[ARGS] = {"prog", "--config", path};
    const char *none[ARGS] = {"prog"};
    assert_ok(load(&a, WR_PROGRAM_ALL, argv, &argc, &err));
    assert_ok(load(&b, WR_PROGRAM_ALL, none, &argc, &err));
    assert_memory_equal(&a, &b, sizeof a);
    (void)unlink(path);
    wr_free(want);
    wr_free(got);
}

#define config_test(f) cmocka_unit_test_teardown(f, clean_env)

int main(void)
{
    const struct CMUnitTest tests[] = {
        config_test(test_config_load__defaults),
        config_test(test_config_load__each_layer_beats_the_one_before),
        config_test(test_config_load__leaves_the_commands_own_words),
        config_test(test_config_load__refuses_values),
        config_test(test_config_load__refuses_files),
        config_test(test_config_load__refuses_environment),
        config_test(test_config_mask_dsn__hides_passwords),
        config_test(test_config_print__reads_back_and_hides),
        config_test(test_config_help__only_this_programs_flags),
        config_test(test_config_example__file_in_deploy_is_current),
    };
    return cmocka_run_group_tests_name("util.config", tests, NULL, NULL);
}
