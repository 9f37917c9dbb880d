/* Topics: is it there, how large may a message be, make one. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ingest/kafka_client_int.h"

enum { ADMIN_TIMEOUT_MS = 15000 };

wr_status wr_kafka_topic_find(wr_kafka_client *k, const char *topic, int32_t *partitions,
                              int timeout_ms, wr_err *err)
{
    rd_kafka_topic_t *rkt = rd_kafka_topic_new(k->rk, topic, NULL);
    if (!rkt)
        return wr_fail(err, WR_EINVAL, "topic '%s': %s", topic,
                       rd_kafka_err2str(rd_kafka_last_error()));
    const struct rd_kafka_metadata *md = NULL;
    rd_kafka_resp_err_t e = rd_kafka_metadata(k->rk, 0, rkt, &md, timeout_ms);
    int32_t count = 0;
    if (!e && md->topic_cnt == 1) {
        e = md->topics[0].err;
        count = md->topics[0].partition_cnt;
    }
    if (md)
        rd_kafka_metadata_destroy(md);
    rd_kafka_topic_destroy(rkt);
    if (e)
        return wr_fail(err, wr_kafka_status(e), "topic '%s': %s", topic,
                       k->last_error[0] && wr_kafka_status(e) == WR_ETIMEOUT
                           ? k->last_error
                           : rd_kafka_err2str(e));
    *partitions = count;
    return WR_OK;
}

/* --- admin requests -------------------------------------------------------------------
 */

/* Wait for the one answer of a request on q. */
static wr_status await(rd_kafka_event_t **out, rd_kafka_queue_t *q, const char *topic,
                       wr_err *err)
{
    rd_kafka_event_t *ev = rd_kafka_queue_poll(q, ADMIN_TIMEOUT_MS + 1000);
    const rd_kafka_resp_err_t e =
        ev ? rd_kafka_event_error(ev) : RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (!e) {
        *out = ev;
        return WR_OK;
    }
    const char *text = ev ? rd_kafka_event_error_string(ev) : NULL;
    const wr_status s = wr_fail(err, wr_kafka_status(e), "topic '%s': %s", topic,
                                text ? text : rd_kafka_err2str(e));
    if (ev)
        rd_kafka_event_destroy(ev);
    return s;
}

static rd_kafka_AdminOptions_t *admin_options(wr_kafka_client *k, rd_kafka_admin_op_t op)
{
    char why[128];
    rd_kafka_AdminOptions_t *o = rd_kafka_AdminOptions_new(k->rk, op);
    /* Cannot be refused: the time is a constant inside the range. */
    (void)rd_kafka_AdminOptions_set_request_timeout(o, ADMIN_TIMEOUT_MS, why, sizeof why);
    return o;
}

static wr_status read_max_bytes(int64_t *bytes, rd_kafka_event_t *ev, const char *topic,
                                wr_err *err)
{
    size_t n = 0;
    const rd_kafka_ConfigResource_t **r = rd_kafka_DescribeConfigs_result_resources(
        rd_kafka_event_DescribeConfigs_result(ev), &n);
    if (n != 1)
        return wr_fail(err, WR_EIO, "topic '%s': no answer about its settings", topic);
    const rd_kafka_resp_err_t e = rd_kafka_ConfigResource_error(r[0]);
    if (e)
        return wr_fail(err, wr_kafka_status(e), "topic '%s': %s", topic,
                       rd_kafka_err2str(e));
    const rd_kafka_ConfigEntry_t **entry = rd_kafka_ConfigResource_configs(r[0], &n);
    for (size_t i = 0; i < n; i++)
        if (strcmp(rd_kafka_ConfigEntry_name(entry[i]), "max.message.bytes") == 0 &&
            rd_kafka_ConfigEntry_value(entry[i])) {
            *bytes = strtoll(rd_kafka_ConfigEntry_value(entry[i]), NULL, 10);
            return WR_OK;
        }
    return wr_fail(err, WR_EIO, "topic '%s': its max.message.bytes is not told", topic);
}

wr_status wr_kafka_topic_max_bytes(wr_kafka_client *k, const char *topic, int64_t *bytes,
                                   wr_err *err)
{
    rd_kafka_queue_t *q = rd_kafka_queue_new(k->rk);
    rd_kafka_AdminOptions_t *o = admin_options(k, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    rd_kafka_ConfigResource_t *r =
        rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic);
    rd_kafka_DescribeConfigs(k->rk, &r, 1, o, q);
    rd_kafka_event_t *ev = NULL;
    wr_status s = await(&ev, q, topic, err);
    if (s == WR_OK) {
        s = read_max_bytes(bytes, ev, topic, err);
        rd_kafka_event_destroy(ev);
    }
    rd_kafka_ConfigResource_destroy(r);
    rd_kafka_AdminOptions_destroy(o);
    rd_kafka_queue_destroy(q);
    return s;
}

static wr_status read_made(rd_kafka_event_t *ev, const char *topic, wr_err *err)
{
    size_t n = 0;
    const rd_kafka_topic_result_t **r =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(ev), &n);
    const rd_kafka_resp_err_t e =
        n == 1 ? rd_kafka_topic_result_error(r[0]) : RD_KAFKA_RESP_ERR__FAIL;
    if (!e || e == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
        return WR_OK;
    const char *text = n == 1 ? rd_kafka_topic_result_error_string(r[0]) : NULL;
    return wr_fail(err, wr_kafka_status(e),
                   "topic '%s' is missing and not to be made: %s", topic,
                   text ? text : rd_kafka_err2str(e));
}

wr_status wr_kafka_topic_make(wr_kafka_client *k, const char *topic, int64_t max_bytes,
                              wr_err *err)
{
    char why[256];
    char value[24];
    (void)snprintf(value, sizeof value, "%" PRId64, max_bytes);
    rd_kafka_NewTopic_t *t = rd_kafka_NewTopic_new(topic, 1, -1, why, sizeof why);
    if (!t)
        return wr_fail(err, WR_EINVAL, "topic '%s': %s", topic, why);
    wr_status s = WR_OK;
    if (rd_kafka_NewTopic_set_config(t, "max.message.bytes", value))
        s = wr_fail(err, WR_EINVAL, "topic '%s': max.message.bytes %s", topic, value);
    rd_kafka_queue_t *q = rd_kafka_queue_new(k->rk);
    rd_kafka_AdminOptions_t *o = admin_options(k, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    if (s == WR_OK) {
        rd_kafka_CreateTopics(k->rk, &t, 1, o, q);
        rd_kafka_event_t *ev = NULL;
        s = await(&ev, q, topic, err);
        if (s == WR_OK) {
            s = read_made(ev, topic, err);
            rd_kafka_event_destroy(ev);
        }
    }
    rd_kafka_AdminOptions_destroy(o);
    rd_kafka_queue_destroy(q);
    rd_kafka_NewTopic_destroy(t);
    return s;
}
