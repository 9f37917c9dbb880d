/*
 * command.h - a program of sub-commands: one table names them, one main runs them.
 *
 * A command parses its flags (args.h), opens what it needs, prints to stdout and returns
 * a status; wr_command_main turns that into exit codes 0 ok, 1 failed, 2 usage.
 * Thread: main only.
 */
#ifndef WR_UTIL_COMMAND_H
#define WR_UTIL_COMMAND_H

#include "util/args.h"
#include "util/progress.h"

typedef struct wr_command_line {
    wr_config cfg;
    int argc; /* argv[0] = the command's last word, then what is left for it */
    char **argv;
    wr_progress_line line;
    wr_progress pg; /* draws on line, stops on SIGINT and SIGTERM */
} wr_command_line;

typedef struct wr_command {
    const char *name; /* "top" or "labels load" */
    wr_status (*run)(wr_command_line *cl, wr_err *err);
    const char *text;
} wr_command;

/* table ends with name NULL; `name` of the program is what messages begin with. */
int wr_command_main(const char *name, wr_program who, const wr_command *table, int argc,
                    char **argv);

#endif
