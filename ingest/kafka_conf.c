#include "ingest/kafka_conf.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/text.h"

extern char **environ;

enum { LINE_MAX_BYTES = 16384, KEY_MAX_BYTES = 128 };

static const char env_prefix[] = "WALLETRISK_KAFKA_";
static const char env_brokers[] = "WALLETRISK_KAFKA_BROKERS";

/* Keys that decide whether promises hold: not for a user to change. */
static const struct {
    const char *key, *why;
} owned[] = {
    {"bootstrap.servers", "--brokers names them"},
    {"metadata.broker.list", "--brokers names them"},
    {"group.id", "--group names it"},
    {"enable.auto.commit", "the offset is kept in the database, with the rows"},
    {"auto.commit.enable", "the offset is kept in the database, with the rows"},
    {"auto.commit.interval.ms", "the offset is kept in the database, with the rows"},
    {"enable.auto.offset.store", "the offset is kept in the database, with the rows"},
    {"offset.store.method", "the offset is kept in the database, with the rows"},
    {"auto.offset.reset", "the database says where to begin"},
    {"isolation.level", "records of aborted transactions must not be stored"},
    {"enable.partition.eof", "gaps at the end of a partition are counted by it"},
    {"enable.idempotence", "a retry must not write a record twice"},
    {"acks", "every replica must have what is called delivered"},
    {"request.required.acks", "every replica must have what is called delivered"},
    {"max.in.flight", "a batch must not overtake one that is sent again"},
    {"max.in.flight.requests.per.connection",
     "a batch must not overtake one that is sent again"},
    {"transactional.id", "--transactional names it"},
};

/* --- one setting ---------------------------------------------------------------------
 */

bool wr_kafka_key_is_secret(const char *key)
{
    static const char *const part[] = {"password", "secret", "key.pem",
                                       "oauthbearer.config"};
    for (size_t i = 0; i < sizeof part / sizeof *part; i++)
        if (strstr(key, part[i]))
            return true;
    return false;
}

static char *copy(const char *p, size_t len)
{
    char *out = wr_calloc(len + 1, 1);
    if (out)
        memcpy(out, p, len);
    return out;
}

static wr_status add(wr_kafka_conf *c, wr_text key, wr_text value, const char *origin,
                     wr_err *err)
{
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        if (wr_text_eq(key, wr_text_of(owned[i].key)))
            return wr_fail(err, WR_EINVAL, "%s: %s is not for you to set: %s", origin,
                           owned[i].key, owned[i].why);
    wr_kafka_setting *s = wr_grow(c->setting, &c->cap, c->count + 1, sizeof *s);
    if (!s)
        return wr_fail(err, WR_ENOMEM, "settings of Kafka");
    c->setting = s;
    s = &c->setting[c->count++];
    *s = (wr_kafka_setting){.key = copy(key.p, key.len),
                            .value = copy(value.p, value.len),
                            .origin = copy(origin, strlen(origin))};
    if (!s->key || !s->value || !s->origin)
        return wr_fail(err, WR_ENOMEM, "settings of Kafka");
    return WR_OK;
}

static bool is_key_byte(char ch)
{
    return islower((unsigned char)ch) || isdigit((unsigned char)ch) || ch == '.' ||
           ch == '_' || ch == '-';
}

/* Length of the key that "key=" at p begins with; 0 = none is there. */
static size_t key_before_eq(const char *p)
{
    size_t len = 0;
    while (is_key_byte(p[len]))
        len++;
    return len && len < KEY_MAX_BYTES && p[len] == '=' ? len : 0;
}

/* --- flags ----------------------------------------------------------------------------
 */

/* The comma that ends a value: the next one that a key follows. */
static const char *value_end(const char *p)
{
    for (const char *c = strchr(p, ','); c; c = strchr(c + 1, ','))
        if (key_before_eq(c + 1))
            return c;
    return p + strlen(p);
}

/* Of sasl.password in SASL_PASSWORD, and back. */
static char variable_byte(char ch)
{
    if (ch == '.')
        return '_';
    return (char)toupper((unsigned char)ch);
}

static char key_byte(char ch)
{
    if (ch == '_')
        return '.';
    return (char)tolower((unsigned char)ch);
}

static wr_status check_no_secret(wr_text key, wr_err *err)
{
    char name[KEY_MAX_BYTES];
    (void)snprintf(name, sizeof name, "%.*s", WR_TEXT_ARG(key));
    if (!wr_kafka_key_is_secret(name))
        return WR_OK;
    char variable[KEY_MAX_BYTES];
    size_t i = 0;
    for (; name[i]; i++)
        variable[i] = variable_byte(name[i]);
    variable[i] = '\0';
    return wr_fail(err, WR_EINVAL,
                   "--kafka: %s is a secret and others can read a command line: give it "
                   "as %s%s or in --kafka-config",
                   name, env_prefix, variable);
}

static wr_status add_flag(wr_kafka_conf *c, const char *text, wr_err *err)
{
    while (*text) {
        const size_t len = key_before_eq(text);
        if (!len) /* not quoted: a password may have come without its key */
            return wr_fail(err, WR_EINVAL, "--kafka wants key=value");
        const wr_text key = {text, (uint32_t)len};
        const char *value = text + len + 1;
        const char *end = value_end(value);
        WR_TRY(check_no_secret(key, err));
        WR_TRY(add(c, key, (wr_text){value, (uint32_t)(end - value)}, "--kafka", err));
        text = *end ? end + 1 : end;
    }
    return WR_OK;
}

/* --- environment ----------------------------------------------------------------------
 */

static wr_status add_environment(wr_kafka_conf *c, wr_err *err)
{
    const size_t prefix = sizeof env_prefix - 1;
    for (char **e = environ; e && *e; e++) {
        const char *eq = strchr(*e, '=');
        if (!eq || strncmp(*e, env_prefix, prefix) != 0 ||
            strncmp(*e + prefix, "JARS=", 5) == 0) /* deploy/kafka/broker.sh reads it */
            continue;
        char name[KEY_MAX_BYTES];
        const int len =
            snprintf(name, sizeof name, "%.*s", (int)(eq - *e), *e) < (int)sizeof name
                ? (int)(eq - *e)
                : (int)sizeof name - 1;
        if (strcmp(name, env_brokers) == 0)
            continue;
        char key[KEY_MAX_BYTES];
        size_t k = 0;
        for (int i = (int)prefix; i < len; i++)
            key[k++] = key_byte(name[i]);
        key[k] = '\0';
        WR_TRY(add(c, wr_text_of(key), wr_text_of(eq + 1), name, err));
    }
    return WR_OK;
}

/* --- file -----------------------------------------------------------------------------
 */

static wr_text trimmed(const char *p, const char *end)
{
    while (p < end && isspace((unsigned char)*p))
        p++;
    while (end > p && isspace((unsigned char)end[-1]))
        end--;
    return (wr_text){p, (uint32_t)(end - p)};
}

static wr_status add_line(wr_kafka_conf *c, const char *line, const char *origin,
                          wr_err *err)
{
    const wr_text all = trimmed(line, line + strlen(line));
    if (!all.len || *all.p == '#' || *all.p == ';')
        return WR_OK;
    const char *eq = memchr(all.p, '=', all.len);
    const wr_text key = trimmed(all.p, eq ? eq : all.p);
    if (!key.len)
        return wr_fail(err, WR_EINVAL, "%s: wants key = value", origin);
    return add(c, key, trimmed(eq + 1, all.p + all.len), origin, err);
}

static wr_status add_file(wr_kafka_conf *c, const char *path, wr_err *err)
{
    FILE *f = fopen(path, "r");
    if (!f)
        return wr_fail(err, WR_EIO, "--kafka-config: %s: %s", path, strerror(errno));
    char *line = wr_calloc(LINE_MAX_BYTES, 1);
    wr_status s = line ? WR_OK : wr_fail(err, WR_ENOMEM, "settings of Kafka");
    for (int no = 1; s == WR_OK && fgets(line, LINE_MAX_BYTES, f); no++) {
        char origin[256];
        (void)snprintf(origin, sizeof origin, "%.200s:%d", path, no);
        if (strlen(line) == LINE_MAX_BYTES - 1)
            s = wr_fail(err, WR_EINVAL, "%s: a line over %d bytes", origin,
                        LINE_MAX_BYTES - 2);
        else
            s = add_line(c, line, origin, err);
    }
    if (s == WR_OK && ferror(f))
        s = wr_fail(err, WR_EIO, "--kafka-config: %s: %s", path, strerror(errno));
    (void)fclose(f);
    wr_free(line);
    return s;
}

/* --- all of it ------------------------------------------------------------------------
 */

static wr_status fill(wr_kafka_conf *c, const wr_kafka_conn *conn, wr_err *err)
{
    const char *brokers = conn->brokers ? conn->brokers : getenv(env_brokers);
    if (!brokers || !*brokers)
        return wr_fail(err, WR_EINVAL,
                       "no brokers: give --brokers HOST:PORT[,HOST:PORT] or %s",
                       env_brokers);
    c->brokers = copy(brokers, strlen(brokers));
    if (!c->brokers)
        return wr_fail(err, WR_ENOMEM, "settings of Kafka");
    if (conn->config_file)
        WR_TRY(add_file(c, conn->config_file, err));
    WR_TRY(add_environment(c, err));
    for (size_t i = 0; i < conn->setting.count; i++)
        WR_TRY(add_flag(c, conn->setting.item[i], err));
    return WR_OK;
}

wr_status wr_kafka_conf_new(wr_kafka_conf **out, const wr_kafka_conn *conn, wr_err *err)
{
    WR_AUTO(wr_kafka_conf) c = wr_calloc(1, sizeof *c);
    if (!c)
        return wr_fail(err, WR_ENOMEM, "settings of Kafka");
    WR_TRY(fill(c, conn, err));
    *out = WR_STEAL(c);
    return WR_OK;
}

void wr_kafka_conf_free(wr_kafka_conf *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->count; i++) {
        wr_free(c->setting[i].key);
        wr_free(c->setting[i].value);
        wr_free(c->setting[i].origin);
    }
    wr_free(c->setting);
    wr_free(c->brokers);
    wr_free(c);
}
