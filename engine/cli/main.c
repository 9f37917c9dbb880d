/*
 * walletrisk: set up the store, load labels, score, look and prove.
 */
#include <omp.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "util/log.h"

enum { EXIT_OK, EXIT_FAILED, EXIT_USAGE };

static void print_help(FILE *to)
{
    (void)fputs("usage: walletrisk COMMAND [flags]   (COMMAND --help tells more)\n\n", to);
    for (const wr_command *c = wr_commands; c->name; c++)
        (void)fprintf(to, "  %-18s %s\n", c->name, c->text);
    (void)fputs("\noptions of every command:\n", to);
    wr_config_help(to, WR_PROGRAM_CLI);
}

/* Number of words of argv[1..] that command `name` takes up; 0 = not this one. */
static int match(const char *name, int argc, char **argv)
{
    const char *space = strchr(name, ' ');
    const size_t first = space ? (size_t)(space - name) : strlen(name);
    if (argc < 2 || strlen(argv[1]) != first || memcmp(argv[1], name, first) != 0)
        return 0;
    if (!space)
        return 1;
    return argc >= 3 && strcmp(argv[2], space + 1) == 0 ? 2 : 0;
}

static const wr_command *find_command(int argc, char **argv, int *words)
{
    for (const wr_command *c = wr_commands; c->name; c++)
        if ((*words = match(c->name, argc, argv)) > 0)
            return c;
    return NULL;
}

static int report(wr_status s, const wr_err *err)
{
    if (s == WR_OK)
        return EXIT_OK;
    (void)fprintf(stderr, "walletrisk: %s\n", err->msg[0] ? err->msg : wr_status_name(s));
    return s == WR_EINVAL ? EXIT_USAGE : EXIT_FAILED;
}

static bool is_help_asked(int argc, char **argv)
{
    return argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0;
}

int main(int argc, char **argv)
{
    wr_err err = {0};
    wr_cli cli = {0};
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        (void)puts("walletrisk " WR_VERSION);
        return EXIT_OK;
    }
    if (is_help_asked(argc, argv)) {
        print_help(argc < 2 ? stderr : stdout);
        return argc < 2 ? EXIT_USAGE : EXIT_OK;
    }
    wr_status s = wr_config_load(&cli.cfg, WR_PROGRAM_CLI, &argc, argv, &err);
    if (s != WR_OK)
        return report(WR_EINVAL, &err);
    wr_log_set_level(wr_log_level_of(cli.cfg.log_level));
    if (cli.cfg.threads > 0)
        omp_set_num_threads((int)cli.cfg.threads);

    int words = 0;
    const wr_command *command = find_command(argc, argv, &words);
    if (!command) {
        (void)fprintf(stderr, "walletrisk: no command '%s' (see walletrisk --help)\n",
                      argc > 1 ? argv[1] : "");
        return EXIT_USAGE;
    }
    cli.argc = argc - words;
    cli.argv = argv + words;
    wr_progress_line_init(&cli.line);
    cli.pg = (wr_progress){.show = wr_progress_line_show,
                           .ctx = &cli.line,
                           .stop = wr_progress_catch_signals()};
    s = command->run(&cli, &err);
    wr_progress_line_done(&cli.line);
    if (s == WR_ESTOPPED && err.code == WR_OK)
        return EXIT_OK; /* --help */
    return report(s, &err);
}
