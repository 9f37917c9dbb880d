#include <stdio.h>
#include <string.h>

#include "ingest/kafka_client_int.h"
#include "util/log.h"

enum { REASON_MAX = 512 };

/* --- callbacks ------------------------------------------------------------------------
 */

/* librdkafka's own lines; levels are syslog's.  Lost connections come as errors, too. */
static void on_log(const rd_kafka_t *rk, int level, const char *facility,
                   const char *text)
{
    (void)rk;
    const wr_log_level ours = level <= 2 ? WR_LOG_ERROR : WR_LOG_DEBUG;
    wr_log(ours, "librdkafka", "facility", facility, "text", text, NULL);
}

static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
    wr_kafka_client *k = opaque;
    char text[REASON_MAX];
    if (code == RD_KAFKA_RESP_ERR__FATAL) {
        const rd_kafka_resp_err_t e = rd_kafka_fatal_error(rk, text, sizeof text);
        (void)wr_fail(&k->fatal, WR_EIO, "%s: %s", rd_kafka_err2name(e), text);
        return;
    }
    if (code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
        (void)snprintf(k->last_error, sizeof k->last_error, "%s", reason);
    const bool is_refusal =
        code == RD_KAFKA_RESP_ERR__AUTHENTICATION || code == RD_KAFKA_RESP_ERR__SSL;
    if (k->is_down || !(is_refusal || code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN))
        return;
    k->is_down = true;
    wr_log(WR_LOG_WARN, "kafka_down", "client", k->name, "error",
           k->last_error[0] ? k->last_error : reason, NULL);
}

void wr_kafka_client_is_up(wr_kafka_client *k)
{
    if (!k->is_down)
        return;
    k->is_down = false;
    k->last_error[0] = '\0';
    wr_log(WR_LOG_INFO, "kafka_up", "client", k->name, NULL);
}

wr_status wr_kafka_status(rd_kafka_resp_err_t e)
{
    if (e == RD_KAFKA_RESP_ERR__TIMED_OUT || e == RD_KAFKA_RESP_ERR__TRANSPORT ||
        e == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
        return WR_ETIMEOUT;
    if (e == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
        e == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC)
        return WR_ENOTFOUND;
    return WR_EIO;
}

/* --- settings -------------------------------------------------------------------------
 */

static wr_status set_ours(rd_kafka_conf_t *rc, const wr_kafka_pair *pair, wr_err *err)
{
    char why[REASON_MAX];
    for (; pair && pair->key; pair++)
        if (rd_kafka_conf_set(rc, pair->key, pair->value, why, sizeof why) !=
            RD_KAFKA_CONF_OK)
            return wr_fail(err, WR_EINVAL, "%s: %s", pair->key, why);
    return WR_OK;
}

static wr_status set_users(rd_kafka_conf_t *rc, const wr_kafka_conf *c, wr_err *err)
{
    for (size_t i = 0; i < c->count; i++) {
        const wr_kafka_setting *s = &c->setting[i];
        char why[REASON_MAX];
        const rd_kafka_conf_res_t r =
            rd_kafka_conf_set(rc, s->key, s->value, why, sizeof why);
        if (r == RD_KAFKA_CONF_OK)
            continue;
        if (r == RD_KAFKA_CONF_UNKNOWN)
            return wr_fail(err, WR_EINVAL, "%s: librdkafka has no setting '%s'",
                           s->origin, s->key);
        if (wr_kafka_key_is_secret(s->key))
            return wr_fail(err, WR_EINVAL, "%s: %s: its value is not accepted", s->origin,
                           s->key);
        return wr_fail(err, WR_EINVAL, "%s: %s: %s", s->origin, s->key, why);
    }
    return WR_OK;
}

/*
 * A message that is called delivered is in the log, and once.  One request at a time: a
 * broker (before 4.5, KAFKA-15591) takes any first sequence number into a partition that
 * is empty, so with more in flight a first batch is refused (the leader is not there
 * yet), the second taken, and librdkafka, which sees the second acknowledged, calls the
 * first delivered, too: it is lost.
 */
static const wr_kafka_pair every_producer[] = {
    {"enable.idempotence", "true"},
    {"acks", "all"},
    {"max.in.flight.requests.per.connection", "1"},
    {0},
};

static wr_status fill_conf(rd_kafka_conf_t *rc, wr_kafka_client *k,
                           const wr_kafka_client_opts *o, wr_err *err)
{
    const wr_kafka_pair brokers[] = {{"bootstrap.servers", o->conf->brokers}, {0}};
    rd_kafka_conf_set_opaque(rc, k);
    rd_kafka_conf_set_log_cb(rc, on_log);
    rd_kafka_conf_set_error_cb(rc, on_error);
    if (o->prepare)
        o->prepare(rc);
    WR_TRY(set_ours(rc, o->preset, err));
    WR_TRY(set_users(rc, o->conf, err));
    WR_TRY(set_ours(rc, o->owned, err));
    if (o->type == RD_KAFKA_PRODUCER)
        WR_TRY(set_ours(rc, every_producer, err));
    return set_ours(rc, brokers, err);
}

wr_status wr_kafka_client_init(wr_kafka_client *k, const wr_kafka_client_opts *o,
                               wr_err *err)
{
    rd_kafka_conf_t *rc = rd_kafka_conf_new();
    char why[REASON_MAX];
    wr_status s = fill_conf(rc, k, o, err);
    if (s == WR_OK) {
        k->rk =
            rd_kafka_new(o->type, rc, why, sizeof why); /* takes rc when it succeeds */
        if (k->rk)
            return WR_OK;
        s = wr_fail(err, WR_EINVAL, "settings of Kafka: %s", why);
    }
    rd_kafka_conf_destroy(rc);
    return s;
}

void wr_kafka_client_release(wr_kafka_client *k)
{
    if (k->rk) /* a consumer has been closed, or does not wait for it */
        rd_kafka_destroy_flags(k->rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    k->rk = NULL;
}
