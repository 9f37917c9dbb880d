#include "util/command.h"

#include <omp.h>
#include <stdio.h>
#include <string.h>

#include "util/log.h"

enum { EXIT_OK, EXIT_FAILED, EXIT_USAGE };

typedef struct program {
    const char *name;
    wr_program who;
    const wr_command *table;
} program;

static void print_help(FILE *to, const program *p)
{
    (void)fprintf(to, "usage: %s COMMAND [flags]   (COMMAND --help tells more)\n\n",
                  p->name);
    for (const wr_command *c = p->table; c->name; c++)
        (void)fprintf(to, "    %-*s %s\n", (int)WR_HELP_COLUMN, c->name, c->text);
    wr_config_help(to, p->who);
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

static const wr_command *find_command(const wr_command *table, int argc, char **argv,
                                      int *words)
{
    for (const wr_command *c = table; c->name; c++)
        if ((*words = match(c->name, argc, argv)) > 0)
            return c;
    return NULL;
}

static int report(const program *p, wr_status s, const wr_err *err)
{
    if (s == WR_OK)
        return EXIT_OK;
    (void)fprintf(stderr, "%s: %s\n", p->name,
                  err->msg[0] ? err->msg : wr_status_name(s));
    return s == WR_EINVAL ? EXIT_USAGE : EXIT_FAILED;
}

static bool is_help_asked(int argc, char **argv)
{
    return argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0;
}

static int run(const program *p, wr_command_line *cl, int argc, char **argv)
{
    wr_err err = {0};
    int words = 0;
    const wr_command *command = find_command(p->table, argc, argv, &words);
    if (!command) {
        (void)fprintf(stderr, "%s: no command '%s' (see %s --help)\n", p->name,
                      argc > 1 ? argv[1] : "", p->name);
        return EXIT_USAGE;
    }
    cl->argc = argc - words;
    cl->argv = argv + words;
    wr_progress_line_init(&cl->line);
    cl->pg = (wr_progress){.show = wr_progress_line_show,
                           .ctx = &cl->line,
                           .stop = wr_progress_catch_signals()};
    wr_status s = command->run(cl, &err);
    wr_progress_line_done(&cl->line);
    if (s == WR_ESTOPPED && err.code == WR_OK)
        return EXIT_OK; /* --help */
    return report(p, s, &err);
}

int wr_command_main(const char *name, wr_program who, const wr_command *table, int argc,
                    char **argv)
{
    const program p = {.name = name, .who = who, .table = table};
    wr_err err = {0};
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        (void)printf("%s %s\n", name, WR_VERSION);
        return EXIT_OK;
    }
    if (is_help_asked(argc, argv)) {
        print_help(argc < 2 ? stderr : stdout, &p);
        return argc < 2 ? EXIT_USAGE : EXIT_OK;
    }
    wr_command_line cl = {0};
    if (wr_config_load(&cl.cfg, who, &argc, argv, &err) != WR_OK)
        return report(&p, WR_EINVAL, &err);
    wr_log_set_level(wr_log_level_of(cl.cfg.log_level));
    if (cl.cfg.threads > 0)
        omp_set_num_threads((int)cl.cfg.threads);
    return run(&p, &cl, argc, argv);
}
