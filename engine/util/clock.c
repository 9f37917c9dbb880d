#include "util/clock.h"

#include <stdbool.h>
#include <time.h>

enum { DAY_S = 86400 };

static int64_t read_us(clockid_t id)
{
    struct timespec ts;
    (void)clock_gettime(id, &ts); /* both ids exist on every Linux */
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t wr_clock_wall_us(void)
{
    return read_us(CLOCK_REALTIME);
}

int64_t wr_clock_wall_s(void)
{
    return wr_clock_wall_us() / 1000000;
}

int64_t wr_clock_mono_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

/* Days since 1970-01-01 of a proleptic Gregorian date; years begin in March inside. */
static int64_t days_from_civil(int64_t y, int64_t m, int64_t d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + doe - 719468;
}

static void civil_from_days(int64_t z, int64_t *y, int64_t *m, int64_t *d)
{
    z += 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    *d = doy - (153 * mp + 2) / 5 + 1;
    *m = mp + (mp < 10 ? 3 : -9);
    *y = yoe + era * 400 + (*m <= 2);
}

static char *put_digits(char *p, int64_t v, int width)
{
    for (int i = width - 1; i >= 0; i--, v /= 10)
        p[i] = (char)('0' + v % 10);
    return p + width;
}

void wr_time_format(char out[WR_RFC3339_MAX], int64_t time_s)
{
    const int64_t least = INT64_C(-62167219200); /* 0000-01-01T00:00:00Z */
    const int64_t most = INT64_C(253402300799);  /* 9999-12-31T23:59:59Z */
    int64_t t = time_s < least ? least : time_s > most ? most : time_s;
    int64_t days = (t >= 0 ? t : t - (DAY_S - 1)) / DAY_S;
    int64_t s = t - days * DAY_S;
    int64_t y;
    int64_t m;
    int64_t d;
    civil_from_days(days, &y, &m, &d);
    char *p = put_digits(out, y, 4);
    *p++ = '-';
    p = put_digits(p, m, 2);
    *p++ = '-';
    p = put_digits(p, d, 2);
    *p++ = 'T';
    p = put_digits(p, s / 3600, 2);
    *p++ = ':';
    p = put_digits(p, s / 60 % 60, 2);
    *p++ = ':';
    p = put_digits(p, s % 60, 2);
    *p++ = 'Z';
    *p = '\0';
}

/* A reading place that never passes its end. */
typedef struct cursor {
    const char *p, *end;
} cursor;

static bool take_digits(cursor *c, int width, int64_t *out)
{
    if (c->end - c->p < width)
        return false;
    int64_t v = 0;
    for (int i = 0; i < width; i++) {
        if (c->p[i] < '0' || c->p[i] > '9')
            return false;
        v = v * 10 + (c->p[i] - '0');
    }
    c->p += width;
    *out = v;
    return true;
}

static bool take_one_of(cursor *c, const char *set)
{
    if (c->p == c->end || !*c->p || !strchr(set, *c->p))
        return false;
    c->p++;
    return true;
}

static bool parse_date(cursor *c, int64_t *days)
{
    static const char len[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t y;
    int64_t m;
    int64_t d;
    if (!take_digits(c, 4, &y) || c->p == c->end)
        return false;
    const char sep[2] = {*c->p, '\0'};
    if ((sep[0] != '-' && sep[0] != '/') || !take_one_of(c, sep) ||
        !take_digits(c, 2, &m) || !take_one_of(c, sep) || !take_digits(c, 2, &d))
        return false;
    if (m < 1 || m > 12 || d < 1)
        return false;
    bool is_leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    if (d > len[m - 1] + (m == 2 && is_leap))
        return false;
    *days = days_from_civil(y, m, d);
    return true;
}

static bool parse_clock(cursor *c, int64_t *second)
{
    int64_t h;
    int64_t m;
    int64_t s = 0;
    if (!take_digits(c, 2, &h) || !take_one_of(c, ":") || !take_digits(c, 2, &m))
        return false;
    if (take_one_of(c, ":")) {
        if (!take_digits(c, 2, &s))
            return false;
        if (take_one_of(c, ".,")) {
            if (!take_one_of(c, "0123456789"))
                return false;
            while (take_one_of(c, "0123456789"))
                continue;
        }
    }
    if (h > 23 || m > 59 || s > 60)
        return false;
    *second = h * 3600 + m * 60 + s;
    return true;
}

/* Z, +hh:mm, -hh:mm, " UTC" or nothing, and then the end. */
static bool parse_offset(cursor *c, int64_t *offset_s)
{
    *offset_s = 0;
    if (c->p == c->end)
        return true;
    if (c->end - c->p == 4 && memcmp(c->p, " UTC", 4) == 0)
        return true;
    bool is_west = *c->p == '-';
    if (take_one_of(c, "Zz"))
        return c->p == c->end;
    int64_t h;
    int64_t m;
    if (!take_one_of(c, "+-") || !take_digits(c, 2, &h) || !take_one_of(c, ":") ||
        !take_digits(c, 2, &m) || h > 23 || m > 59)
        return false;
    *offset_s = (h * 3600 + m * 60) * (is_west ? -1 : 1);
    return c->p == c->end;
}

static bool parse_time(cursor *c, int64_t *time_s)
{
    int64_t days;
    int64_t second = 0;
    int64_t offset_s = 0;
    if (!parse_date(c, &days))
        return false;
    if (c->p != c->end && (!take_one_of(c, "Tt _") || !parse_clock(c, &second) ||
                           !parse_offset(c, &offset_s)))
        return false;
    *time_s = days * DAY_S + second - offset_s;
    return true;
}

wr_status wr_time_parse(int64_t *time_s, wr_text t, wr_err *err)
{
    enum { QUOTE_MAX = 40 };
    cursor c = {.p = t.p, .end = t.p ? t.p + t.len : NULL};
    int64_t v;
    if (t.len == 0)
        return wr_fail(err, WR_EPARSE, "time: empty");
    if (!parse_time(&c, &v))
        return wr_fail(err, WR_EPARSE, "time '%s' is not RFC 3339",
                       wr_text_quote(t, QUOTE_MAX).s);
    *time_s = v;
    return WR_OK;
}
