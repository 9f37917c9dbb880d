/*
 * config.h - the one table of options of all three programs.
 *
 * defaults < file (--config FILE or WALLETRISK_CONFIG, INI "key = value") <
 * WALLETRISK_<KEY> environment < flags (--key value, --key=value, '-' for '_').  An
 * unknown key in the file or the environment is an error that names it; a value outside
 * its range too.  A file and the environment may hold the keys of all programs; a flag
 * is taken only by a program that uses it.  WALLETRISK_TEST_* belongs to the tests,
 * WALLETRISK_KAFKA_* to the Kafka client (ingest/kafka_conf.h).
 * A database password prints as "***"; give it by file or environment, as other users
 * of a machine can read a command line.
 * `--help` texts and deploy/config.example.ini are written from the table.
 *
 * File: one "key = value" a line, '#' or ';' begins a comment line, a value may stand
 * in double quotes (kept as is inside), no sections, no key twice.
 *
 * Layout: one struct of plain fields, one row per field in config.c.  Thread: main only.
 */
#ifndef WR_UTIL_CONFIG_H
#define WR_UTIL_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "util/err.h"

typedef enum wr_program {
    WR_PROGRAM_CLI = 1,
    WR_PROGRAM_INGEST = 2,
    WR_PROGRAM_API = 4,
    WR_PROGRAM_ALL = 7,
} wr_program;

enum { WR_CONFIG_TEXT_MAX = 1024 };

typedef struct wr_config {
    char dsn[WR_CONFIG_TEXT_MAX];      /* sqlite:PATH | postgresql://… | memory: */
    char data_dir[WR_CONFIG_TEXT_MAX]; /* categories.yaml, policy.yaml; "" = built in */
    char log_level[16];                /* debug | info | warn | error */
    int64_t threads;                   /* OpenMP threads, 0 = all cores */
    char snapshot_file[WR_CONFIG_TEXT_MAX]; /* graph kept for the next start; "" = none */
    int64_t batch_rows;                     /* ingest: rows per database transaction */
    char http_host[64];                     /* api: loopback address */
    int64_t http_port;                      /* api: 0 = any free port */
    int64_t http_threads;                   /* api: worker threads */
    int64_t http_body_max_bytes;            /* api: largest request body */
    int64_t http_timeout_ms;                /* api: how long a head or body may take */
    int64_t http_drain_ms;  /* api: how long requests may finish on SIGTERM */
    int64_t live_fold_rows; /* api: transfers behind the graph before it is made anew */
    int64_t live_state_mb;  /* api: live state above which a run is scored; 0 = never */
    double static_gamma;    /* damping of the static exposure */
    double static_eps;      /* certified max-norm error of the same */
    int64_t static_iter_max;
    int64_t top_k_sources; /* attribution list length per wallet */
    int64_t poison_hops;   /* reach of the poison view */
} wr_config;

/*
 * Fill cfg from all four layers.  Consumes the options it knows from argv (any
 * position before "--"); what is left (command words, command flags) stays in
 * argv[1..*argc-1] in order, "--" and what is behind it included: an unknown flag is
 * the command's business.  cfg and argv are unspecified on failure.
 * Errors  WR_EINVAL (names the key, the value, the range), WR_EIO (config file)
 */
wr_status wr_config_load(wr_config *cfg, wr_program who, int *argc, char **argv,
                         wr_err *err) WR_NODISCARD;

enum { WR_HELP_COLUMN = 30 }; /* width of what stands before a text of --help */

/* The end of every --help: the options that all commands of a program have, exit codes.
 */
void wr_config_help(FILE *to, wr_program who);
/* The commented example file with every option; tests hold deploy/config.example.ini to
 * it. */
void wr_config_example(FILE *to);
/* key = value lines as loaded, passwords as ***. */
void wr_config_print(FILE *to, const wr_config *cfg);

/*
 * A DSN that may be shown: passwords of a URI's user part, of its query and of a
 * key=value DSN become "***".  In doubt it hides too much.
 */
void wr_config_mask_dsn(char out[WR_CONFIG_TEXT_MAX], const char *dsn);

#endif
