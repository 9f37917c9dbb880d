#include "util/args.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* "limit" and "N  at most so many" -> "    --limit N          at most so many" */
static void print_arg(FILE *to, const wr_arg *arg)
{
    const char *text = arg->text;
    const char *gap = arg->kind == WR_ARG_FLAG ? NULL : strstr(text, "  ");
    char flag[64];
    (void)snprintf(flag, sizeof flag, "--%s%s%.*s", arg->name, gap ? " " : "",
                   gap ? (int)(gap - text) : 0, text);
    (void)fprintf(to, "    %-*s %s\n", (int)WR_HELP_COLUMN, flag, gap ? gap + 2 : text);
}

void wr_args_help(FILE *to, const wr_args *a)
{
    static const wr_arg help = {.name = "help", .text = "this text"};
    (void)fprintf(to, "usage: %s\n%s\n\nflags:\n", a->usage, a->purpose);
    for (size_t i = 0; i < a->count; i++)
        print_arg(to, &a->arg[i]);
    print_arg(to, &help);
    wr_config_help(to, a->program);
}

static const wr_arg *find(const wr_args *a, const char *name, size_t len)
{
    for (size_t i = 0; i < a->count; i++)
        if (strlen(a->arg[i].name) == len && memcmp(a->arg[i].name, name, len) == 0)
            return &a->arg[i];
    return NULL;
}

static wr_status parse_number(const wr_arg *arg, const char *value, double *out,
                              wr_err *err)
{
    char *end = NULL;
    errno = 0;
    *out = strtod(value, &end);
    if (end == value || *end || errno || !isfinite(*out))
        return wr_fail(err, WR_EINVAL, "--%s: '%s' is not a number", arg->name, value);
    if (*out < arg->min || *out > arg->max)
        return wr_fail(err, WR_EINVAL, "--%s: %s is outside %.15g..%.15g", arg->name,
                       value, arg->min, arg->max);
    return WR_OK;
}

static wr_status add(wr_arg_list *l, const wr_arg *arg, const char *value, wr_err *err)
{
    if (l->count == WR_ARG_LIST_MAX)
        return wr_fail(err, WR_EINVAL, "--%s: given more than %d times", arg->name,
                       (int)WR_ARG_LIST_MAX);
    l->item[l->count++] = value;
    return WR_OK;
}

static wr_status set(const wr_arg *arg, const char *value, wr_err *err)
{
    double number = 0.0;
    switch (arg->kind) {
    case WR_ARG_FLAG:
        *(bool *)arg->to = true;
        return WR_OK;
    case WR_ARG_TEXT:
        *(const char **)arg->to = value;
        return WR_OK;
    case WR_ARG_INT:
        WR_TRY(parse_number(arg, value, &number, err));
        if (number != floor(number))
            return wr_fail(err, WR_EINVAL, "--%s: '%s' is no whole number", arg->name,
                           value);
        *(int64_t *)arg->to = (int64_t)number;
        return WR_OK;
    case WR_ARG_NUMBER:
        return parse_number(arg, value, arg->to, err);
    case WR_ARG_LIST:
        return add(arg->to, arg, value, err);
    }
    return wr_fail(err, WR_EINVAL, "--%s: kind %d", arg->name, (int)arg->kind);
}

/* One flag at argv[*i]; steps over its value. */
static wr_status take_flag(const wr_args *a, int *i, int argc, char **argv, wr_err *err)
{
    const char *name = argv[*i] + 2;
    const char *eq = strchr(name, '=');
    const wr_arg *arg = find(a, name, eq ? (size_t)(eq - name) : strlen(name));
    if (!arg)
        return wr_fail(err, WR_EINVAL, "unknown flag '%s' (see --help)", argv[*i]);
    if (arg->kind == WR_ARG_FLAG && eq)
        return wr_fail(err, WR_EINVAL, "--%s takes no value", arg->name);
    if (arg->kind == WR_ARG_FLAG || eq)
        return set(arg, eq ? eq + 1 : NULL, err);
    if (*i + 1 >= argc)
        return wr_fail(err, WR_EINVAL, "--%s needs a value", arg->name);
    return set(arg, argv[++*i], err);
}

wr_status wr_args_parse(const wr_args *a, int *argc, char **argv, wr_err *err)
{
    int words = 0;
    bool is_flags_over = false;
    for (int i = 1; i < *argc; i++) {
        if (!is_flags_over && strcmp(argv[i], "--help") == 0) {
            wr_args_help(stdout, a);
            return WR_ESTOPPED;
        }
        if (!is_flags_over && strcmp(argv[i], "--") == 0)
            is_flags_over = true;
        else if (!is_flags_over && strncmp(argv[i], "--", 2) == 0)
            WR_TRY(take_flag(a, &i, *argc, argv, err));
        else
            argv[1 + words++] = argv[i];
    }
    *argc = 1 + words;
    argv[*argc] = NULL;
    if (words < a->words_min)
        return wr_fail(err, WR_EINVAL, "%d of %d words given; usage: %s", words,
                       a->words_min, a->usage);
    if (a->words_max >= 0 && words > a->words_max)
        return wr_fail(err, WR_EINVAL, "'%s' is a word too many; usage: %s",
                       argv[1 + a->words_max], a->usage);
    return WR_OK;
}
