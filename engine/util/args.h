/*
 * args.h - flags and words of one command, from a table that also writes its --help.
 *
 * wr_config_load has taken the options that all programs share; what is left belongs to
 * the command.  "--name value", "--name=value", "--flag"; "--" ends the flags.  An
 * unknown flag, a missing value and a number outside its range are errors by name.
 * Thread: main only.
 */
#ifndef WR_UTIL_ARGS_H
#define WR_UTIL_ARGS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "util/config.h"

typedef enum wr_arg_kind {
    WR_ARG_FLAG,   /* bool * */
    WR_ARG_TEXT,   /* const char ** */
    WR_ARG_INT,    /* int64_t * */
    WR_ARG_NUMBER, /* double * */
    WR_ARG_LIST,   /* wr_arg_list *: may be given several times */
} wr_arg_kind;

enum { WR_ARG_LIST_MAX = 64 };
typedef struct wr_arg_list {
    const char *item[WR_ARG_LIST_MAX]; /* [count], in the order given */
    size_t count;
} wr_arg_list;

typedef struct wr_arg {
    const char *name; /* without the dashes */
    wr_arg_kind kind;
    void *to;         /* holds the default on entry */
    double min, max;  /* of numbers */
    const char *text; /* for --help: "N  at most so many rows", of a flag "as JSON" */
} wr_arg;

typedef struct wr_args {
    const char *usage;   /* "walletrisk top [flags]" */
    const char *purpose; /* one sentence */
    const wr_arg *arg;   /* [count] */
    size_t count;
    int words_min, words_max; /* words beside the flags; max -1 = any number */
    wr_program program;       /* whose shared options --help adds */
} wr_args;

/*
 * Parse argv[1..*argc-1]; the words are left there, in order, and *argc is 1 + their
 * number.  --help prints to stdout and answers WR_ESTOPPED.
 * Errors  WR_EINVAL
 */
wr_status wr_args_parse(const wr_args *a, int *argc, char **argv,
                        wr_err *err) WR_NODISCARD;

void wr_args_help(FILE *to, const wr_args *a);

#endif
