/*
 * config.h - the one table of options of all three programs.
 *
 * defaults < file (--config, INI "key = value") < WALLETRISK_<KEY> environment < flags
 * (--key value, --key=value).  An unknown key in a file, the environment or on the
 * command line is an error that names it; a number outside its range too.  Secrets
 * (WR_OPT_SECRET) come from environment or file only, and print as "***".
 * `--help` texts and deploy/config.example.ini are written from the table.
 *
 * Layout: one struct of plain fields, one row per field in config.c:
 *   { "http_port", WR_OPT_INT, offsetof(...), "8080", 0, 65535, "port", "text…", programs }
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
    char dsn[WR_CONFIG_TEXT_MAX];        /* sqlite:PATH | postgresql://… | memory: */
    char data_dir[WR_CONFIG_TEXT_MAX];   /* folder with categories.yaml, policy.yaml */
    char log_level[16];                  /* debug | info | warn | error */
    int64_t threads;                     /* OpenMP threads, 0 = all cores */
    int64_t batch_rows;                  /* ingest: rows per database transaction */
    char http_host[64];                  /* api: loopback address */
    int64_t http_port;                   /* api: 0 = any free port */
    int64_t http_threads;                /* api: worker threads */
    int64_t http_body_max_bytes;         /* api: largest request body */
    int64_t http_queue_ms;               /* api: how long a drain may take */
    char snapshot_file[WR_CONFIG_TEXT_MAX]; /* "" = none */
    double static_gamma;                 /* damping of the static exposure */
    double static_eps;                   /* certified max-norm error of the same */
    int64_t static_iter_max;
    int64_t top_k_sources;               /* attribution list length per wallet */
    int64_t poison_hops;                 /* reach of the poison view */
} wr_config;

/*
 * Fill cfg from all four layers.  Consumes the options it knows from argv (any
 * position before "--"); what is left (command words, command flags) stays in
 * argv[1..*argc-1] in order.
 * Errors  WR_EINVAL (names the key, the value, the range), WR_EIO (config file)
 */
wr_status wr_config_load(wr_config *cfg, wr_program who, int *argc, char **argv,
                         wr_err *err) WR_NODISCARD;

/* The options of one program, for --help. */
void wr_config_help(FILE *to, wr_program who);
/* The commented example file with every option; tests hold deploy/config.example.ini to it. */
void wr_config_example(FILE *to);
/* key = value lines as loaded, secrets as ***. */
void wr_config_print(FILE *to, const wr_config *cfg);

#endif
