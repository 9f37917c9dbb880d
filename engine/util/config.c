#include "util/config.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;

typedef enum option_kind { OPT_TEXT, OPT_DSN, OPT_CHOICE, OPT_INT, OPT_REAL } option_kind;

typedef struct option {
    const char *key;
    size_t offset;
    size_t cap; /* bytes of a text field */
    const char *preset;
    double min, max;  /* of numbers; both are exact in a double */
    const char *unit; /* placeholder in --help; for a choice "a|b|c" */
    const char *text;
    option_kind kind;
    unsigned programs;
} option;

#define TEXT(type, field, value, shown_unit, about, who)                                 \
    {                                                                                    \
        .key = #field, .offset = offsetof(wr_config, field),                             \
        .cap = sizeof(((wr_config *)0)->field), .preset = (value), .unit = (shown_unit), \
        .text = (about), .kind = (type), .programs = (who)                               \
    }
#define NUMBER(type, field, value, least, most, shown_unit, about, who)         \
    {                                                                           \
        .key = #field, .offset = offsetof(wr_config, field), .preset = (value), \
        .min = (least), .max = (most), .unit = (shown_unit), .text = (about),   \
        .kind = (type), .programs = (who)                                       \
    }

static const option table[] = {
    TEXT(OPT_DSN, dsn, "sqlite:walletrisk.db", "DSN",
         "store: sqlite:PATH, postgresql://HOST/DB or memory:", WR_PROGRAM_ALL),
    TEXT(OPT_TEXT, data_dir, "", "DIR",
         "folder of categories.yaml and policy.yaml; empty = the one of this build",
         WR_PROGRAM_ALL),
    TEXT(OPT_CHOICE, log_level, "info", "debug|info|warn|error",
         "least level that is logged", WR_PROGRAM_ALL),
    NUMBER(OPT_INT, threads, "0", 0, 1024, "N", "compute threads; 0 = all cores",
           WR_PROGRAM_ALL),
    TEXT(OPT_TEXT, snapshot_file, "", "PATH",
         "keep the graph in this file for a faster start; empty = read the store",
         WR_PROGRAM_CLI | WR_PROGRAM_API),
    NUMBER(OPT_INT, batch_rows, "250000", 1, 1000000, "ROWS",
           "rows per database transaction of an ingest", WR_PROGRAM_INGEST),
    TEXT(OPT_TEXT, http_host, "127.0.0.1", "ADDRESS", "address to serve on",
         WR_PROGRAM_API),
    NUMBER(OPT_INT, http_port, "8080", 0, 65535, "PORT",
           "port to serve on; 0 = any free one", WR_PROGRAM_API),
    NUMBER(OPT_INT, http_threads, "96", 1, 1024, "N", "worker threads of the server",
           WR_PROGRAM_API),
    NUMBER(OPT_INT, http_body_max_bytes, "16777216", 1024, 1073741824, "BYTES",
           "largest request body", WR_PROGRAM_API),
    NUMBER(OPT_INT, http_timeout_ms, "10000", 100, 600000, "MS",
           "how long a request's head or body may take to arrive", WR_PROGRAM_API),
    NUMBER(OPT_INT, http_drain_ms, "10000", 0, 600000, "MS",
           "how long running requests may finish after SIGTERM", WR_PROGRAM_API),
    NUMBER(OPT_INT, live_fold_rows, "1000000", 1000, 1000000000, "ROWS",
           "transfers behind the graph before a new one is made in the background",
           WR_PROGRAM_API),
    NUMBER(OPT_INT, live_state_mb, "4096", 0, 1000000, "MB",
           "live state beyond which the server scores a run of its own; 0 = never",
           WR_PROGRAM_API),
    NUMBER(OPT_REAL, static_gamma, "0.85", 0, 0.999, "SHARE",
           "damping of the static exposure", WR_PROGRAM_CLI | WR_PROGRAM_API),
    NUMBER(OPT_REAL, static_eps, "1e-06", 1e-12, 0.1, "SHARE",
           "certified largest error of the static exposure",
           WR_PROGRAM_CLI | WR_PROGRAM_API),
    NUMBER(OPT_INT, static_iter_max, "100", 1, 10000, "N",
           "most steps of the static exposure", WR_PROGRAM_CLI | WR_PROGRAM_API),
    NUMBER(OPT_INT, top_k_sources, "8", 1, 32, "N", "sources named per wallet",
           WR_PROGRAM_CLI | WR_PROGRAM_API),
    NUMBER(OPT_INT, poison_hops, "6", 1, 32, "HOPS", "reach of the poison view",
           WR_PROGRAM_CLI | WR_PROGRAM_API),
};
enum { OPTION_COUNT = sizeof table / sizeof *table, LINE_BYTES = 4096 };

static const option *const table_end = table + OPTION_COUNT;

static char *text_field(wr_config *cfg, const option *o)
{
    return (char *)cfg + o->offset;
}

static const char *text_value(const wr_config *cfg, const option *o)
{
    return (const char *)cfg + o->offset;
}

static wr_status set_text(wr_config *cfg, const option *o, const char *value,
                          const char *where, wr_err *err)
{
    size_t len = strlen(value);
    if (len >= o->cap)
        return wr_fail(err, WR_EINVAL, "%s: %s is %zu bytes, at most %zu fit", where,
                       o->key, len, o->cap - 1);
    for (const char *p = value; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            return wr_fail(err, WR_EINVAL, "%s: %s holds a control character", where,
                           o->key);
    memcpy(text_field(cfg, o), value, len + 1);
    return WR_OK;
}

static bool is_choice(const char *choices, const char *value)
{
    size_t len = strlen(value);
    for (const char *p = choices; len > 0 && p; p = strchr(p, '|')) {
        p += *p == '|';
        if (strncmp(p, value, len) == 0 && (p[len] == '|' || p[len] == '\0'))
            return true;
    }
    return false;
}

/* A plain decimal number: no blanks, hex, inf or nan, which strtod would all take. */
static bool read_number(double *out, const char *value)
{
    if (!*value || value[strspn(value, "0123456789+-.eE")] != '\0')
        return false;
    char *end;
    *out = strtod(value, &end);
    return *end == '\0' && isfinite(*out);
}

static wr_status set_number(wr_config *cfg, const option *o, const char *value,
                            const char *where, wr_err *err)
{
    double v;
    bool is_int = o->kind == OPT_INT;
    if (!read_number(&v, value) || (is_int && v != floor(v)))
        return wr_fail(err, WR_EINVAL, "%s: %s = '%.60s' is not %s number", where, o->key,
                       value, is_int ? "a whole" : "a");
    if (v < o->min || v > o->max)
        return wr_fail(err, WR_EINVAL, "%s: %s = '%.60s' is outside %.12g..%.12g", where,
                       o->key, value, o->min, o->max);
    char *field = text_field(cfg, o);
    if (is_int) {
        int64_t whole = (int64_t)v;
        memcpy(field, &whole, sizeof whole);
    } else {
        memcpy(field, &v, sizeof v);
    }
    return WR_OK;
}

static wr_status set_option(wr_config *cfg, const option *o, const char *value,
                            const char *where, wr_err *err)
{
    if (o->kind == OPT_INT || o->kind == OPT_REAL)
        return set_number(cfg, o, value, where, err);
    if (o->kind == OPT_CHOICE && !is_choice(o->unit, value))
        return wr_fail(err, WR_EINVAL, "%s: %s = '%.60s' is none of %s", where, o->key,
                       value, o->unit);
    return set_text(cfg, o, value, where, err);
}

static const option *find_key(const char *key)
{
    for (const option *o = table; o < table_end; o++) {
        if (strcmp(o->key, key) == 0)
            return o;
    }
    return NULL;
}

static char *trim(char *s)
{
    while (*s == ' ' || *s == '\t')
        s++;
    size_t len = strlen(s);
    while (len > 0 && strchr(" \t\r\n", s[len - 1]))
        s[--len] = '\0';
    return s;
}

static wr_status file_line(wr_config *cfg, char *line, const char *where, bool *is_set,
                           wr_err *err)
{
    char *key = trim(line);
    if (!*key || *key == '#' || *key == ';')
        return WR_OK;
    char *eq = strchr(key, '=');
    if (!eq)
        return wr_fail(err, WR_EINVAL, "%s: '%.60s' is not key = value", where, key);
    *eq = '\0';
    char *value = trim(eq + 1);
    key = trim(key);
    const option *o = find_key(key);
    if (!o)
        return wr_fail(err, WR_EINVAL, "%s: unknown key '%.60s'", where, key);
    if (is_set[o - table])
        return wr_fail(err, WR_EINVAL, "%s: %s stands twice", where, key);
    is_set[o - table] = true;
    size_t len = strlen(value);
    if (len >= 2 && value[0] == '"' && value[len - 1] == '"') {
        value[len - 1] = '\0';
        value++;
    }
    return set_option(cfg, o, value, where, err);
}

static wr_status read_lines(wr_config *cfg, FILE *f, const char *path, wr_err *err)
{
    char line[LINE_BYTES];
    bool is_set[OPTION_COUNT] = {false};
    for (unsigned no = 1; fgets(line, sizeof line, f); no++) {
        char where[WR_ERR_MSG_MAX / 2];
        (void)snprintf(where, sizeof where, "%.120s:%u", path, no);
        size_t len = strlen(line);
        bool is_whole = len > 0 && (line[len - 1] == '\n' || feof(f));
        if (!is_whole)
            return wr_fail(err, WR_EINVAL, "%s: line over %d bytes or with a NUL", where,
                           LINE_BYTES - 2);
        WR_TRY(file_line(cfg, line, where, is_set, err));
    }
    if (ferror(f))
        return wr_fail(err, WR_EIO, "%s: %s", path, strerror(errno));
    return WR_OK;
}

static wr_status load_file(wr_config *cfg, const char *path, wr_err *err)
{
    FILE *f = fopen(path, "re");
    if (!f)
        return wr_fail(err, WR_EIO, "config file %s: %s", path, strerror(errno));
    wr_status s = read_lines(cfg, f, path, err);
    (void)fclose(f);
    return s;
}

static const char env_prefix[] = "WALLETRISK_";
enum { ENV_PREFIX_LEN = sizeof env_prefix - 1 };

static wr_status load_env(wr_config *cfg, wr_err *err)
{
    for (char **e = environ; e && *e; e++) {
        const char *eq = strchr(*e, '=');
        if (!eq || strncmp(*e, env_prefix, ENV_PREFIX_LEN) != 0)
            continue;
        char name[64];
        int len = (int)(eq - *e);
        (void)snprintf(name, sizeof name, "%.*s", len, *e);
        if (strncmp(name + ENV_PREFIX_LEN, "TEST_", 5) == 0 ||
            strncmp(name + ENV_PREFIX_LEN, "KAFKA_", 6) == 0 ||
            strcmp(name + ENV_PREFIX_LEN, "CONFIG") == 0)
            continue;
        char key[sizeof name];
        size_t i = 0;
        bool is_upper = true; /* WALLETRISK_dsn would be a second spelling */
        for (const char *p = name + ENV_PREFIX_LEN; *p; p++) {
            is_upper = is_upper && !islower((unsigned char)*p);
            key[i++] = (char)tolower((unsigned char)*p);
        }
        key[i] = '\0';
        const option *o = is_upper ? find_key(key) : NULL;
        if (!o)
            return wr_fail(err, WR_EINVAL, "unknown environment variable '%s'", name);
        WR_TRY(set_option(cfg, o, eq + 1, name, err));
    }
    return WR_OK;
}

/* "--http-port" or "--http-port=80" names an option of this program? */
static const option *find_flag(const char *arg, unsigned who, size_t *name_len)
{
    if (strncmp(arg, "--", 2) != 0)
        return NULL;
    *name_len = strcspn(arg, "=");
    for (const option *o = table; o < table_end; o++) {
        if (!(o->programs & who) || strlen(o->key) + 2 != *name_len)
            continue;
        size_t i = 2;
        while (i < *name_len && (arg[i] == '-' ? '_' : arg[i]) == o->key[i - 2])
            i++;
        if (i == *name_len)
            return o;
    }
    return NULL;
}

static bool is_config_flag(const char *arg, size_t *name_len)
{
    *name_len = strcspn(arg, "=");
    return *name_len == 8 && strncmp(arg, "--config", 8) == 0;
}

/* One walk over argv: visits --config only, or applies and removes what it knows. */
static wr_status walk_flags(wr_config *cfg, unsigned who, int *argc, char **argv,
                            const char **file, wr_err *err)
{
    int kept = 1;
    bool is_open = true; /* until "--" */
    for (int i = 1; i < *argc; i++) {
        size_t len = 0;
        is_open = is_open && strcmp(argv[i], "--") != 0;
        const option *o = is_open ? find_flag(argv[i], who, &len) : NULL;
        bool is_file = is_open && !o && is_config_flag(argv[i], &len);
        if (!o && !is_file) {
            argv[kept++] = argv[i];
            continue;
        }
        char flag[64];
        (void)snprintf(flag, sizeof flag, "%.*s", (int)len, argv[i]);
        const char *value = argv[i][len] == '=' ? argv[i] + len + 1 : NULL;
        int first = i;
        if (!value && i + 1 < *argc)
            value = argv[++i];
        if (!value)
            return wr_fail(err, WR_EINVAL, "%s: needs a value", flag);
        if (is_file)
            *file = value;
        else if (cfg)
            WR_TRY(set_option(cfg, o, value, flag, err));
        for (int k = first; !cfg && k <= i; k++)
            argv[kept++] = argv[k];
    }
    *argc = kept;
    return WR_OK;
}

wr_status wr_config_load(wr_config *cfg, wr_program who, int *argc, char **argv,
                         wr_err *err)
{
    memset(cfg, 0, sizeof *cfg);
    for (const option *o = table; o < table_end; o++) {
        WR_TRY(set_option(cfg, o, o->preset, "default", err));
    }
    const char *file = getenv("WALLETRISK_CONFIG");
    WR_TRY(walk_flags(NULL, who, argc, argv, &file, err));
    if (file && *file)
        WR_TRY(load_file(cfg, file, err));
    WR_TRY(load_env(cfg, err));
    return walk_flags(cfg, who, argc, argv, &file, err);
}

static void print_flag(FILE *to, const option *o)
{
    char flag[64];
    int len = snprintf(flag, sizeof flag, "--%s %s", o->key,
                       o->kind == OPT_CHOICE ? "LEVEL" : o->unit);
    for (char *p = flag; p < flag + len && *p != ' '; p++)
        *p = (char)(*p == '_' ? '-' : *p);
    (void)fprintf(to, "    %-*s %s", (int)WR_HELP_COLUMN, flag, o->text);
}

/* "8080; 0..65535", "info; debug|info|warn|error", "empty" */
static void print_domain(FILE *to, const option *o)
{
    (void)fputs(*o->preset ? o->preset : "empty", to);
    if (o->kind == OPT_CHOICE)
        (void)fprintf(to, "; %s", o->unit);
    else if (o->kind == OPT_INT || o->kind == OPT_REAL)
        (void)fprintf(to, "; %.12g..%.12g", o->min, o->max);
}

void wr_config_help(FILE *to, wr_program who)
{
    (void)fprintf(to,
                  "\noptions (or from a file, or as WALLETRISK_<NAME>):\n    %-*s %s\n",
                  (int)WR_HELP_COLUMN, "--config FILE", "read options from FILE");
    for (const option *o = table; o < table_end; o++) {
        if (!(o->programs & (unsigned)who))
            continue;
        print_flag(to, o);
        (void)fputs(" (default ", to);
        print_domain(to, o);
        (void)fputs(")\n", to);
    }
    (void)fputs("\nexit codes: 0 done, 1 failed, 2 wrong usage\n", to);
}

void wr_config_example(FILE *to)
{
    (void)fputs(
        "# walletrisk options.  defaults < this file < WALLETRISK_<KEY> < flags.\n"
        "# Lines with '#' show the defaults.  An unknown key is an error.\n",
        to);
    for (const option *o = table; o < table_end; o++) {
        (void)fprintf(to, "\n# %s\n# (default ", o->text);
        print_domain(to, o);
        (void)fprintf(to, ")\n#%s =%s%s\n", o->key, *o->preset ? " " : "", o->preset);
    }
}

void wr_config_print(FILE *to, const wr_config *cfg)
{
    for (const option *o = table; o < table_end; o++) {
        char shown[WR_CONFIG_TEXT_MAX];
        const char *field = text_value(cfg, o);
        (void)fprintf(to, "%s = ", o->key);
        if (o->kind == OPT_INT) {
            int64_t v;
            memcpy(&v, field, sizeof v);
            (void)fprintf(to, "%" PRId64 "\n", v);
        } else if (o->kind == OPT_REAL) {
            double v;
            memcpy(&v, field, sizeof v);
            (void)fprintf(to, "%.15g\n", v);
        } else if (o->kind == OPT_DSN) {
            wr_config_mask_dsn(shown, field);
            (void)fprintf(to, "%s\n", shown);
        } else {
            (void)fprintf(to, "%s\n", field);
        }
    }
}
