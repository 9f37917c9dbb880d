/*
 * kafka_conf.h - settings of the Kafka client: what a user may give, and from where.
 *
 * Everything librdkafka knows passes through as key=value: from a file, from the
 * environment, from flags; the later wins.  Two kinds of key are refused by name, with
 * the reason: those that we must own so that nothing is lost or stored twice, and secrets
 * on a command line, which other users of a machine can read.
 *
 *   file         "key = value" a line, '#' or ';' begins a comment line
 *   environment  WALLETRISK_KAFKA_SASL_PASSWORD is sasl.password; ..._BROKERS the brokers
 *   flags        "key=value", or several with commas: "a=1,b=2"; a comma that no key=
 *                follows belongs to the value ("partition.assignment.strategy=range,…")
 *
 * No message quotes the value of a secret.  Whether librdkafka knows a key is asked
 * later, when a client is made (kafka_client_int.h).  Thread: main only.
 */
#ifndef WR_INGEST_KAFKA_CONF_H
#define WR_INGEST_KAFKA_CONF_H

#include "util/args.h"
#include "util/mem.h"
#include "util/text.h"

typedef struct wr_kafka_conn {
    const char *brokers;     /* host:port,…; NULL = WALLETRISK_KAFKA_BROKERS */
    const char *config_file; /* NULL = none */
    wr_arg_list setting;     /* of the flags */
} wr_kafka_conn;

typedef struct wr_kafka_setting {
    char *key, *value;
    char *origin; /* "--kafka", "WALLETRISK_KAFKA_DEBUG", "client.conf:3" */
} wr_kafka_setting;

typedef struct wr_kafka_conf {
    char *brokers;
    wr_kafka_setting *setting; /* [count] in the order in which they take effect */
    size_t count, cap;
} wr_kafka_conf;

/*
 * Errors  WR_EINVAL (no brokers; no key=value; a key of ours or a secret on the command
 *         line: names key and reason), WR_EIO (the file), WR_ENOMEM
 */
wr_status wr_kafka_conf_new(wr_kafka_conf **out, const wr_kafka_conn *conn,
                            wr_err *err) WR_NODISCARD;
void wr_kafka_conf_free(wr_kafka_conf *c); /* accepts NULL */
WR_DEFINE_AUTO(wr_kafka_conf, wr_kafka_conf_free)

/* Its value must be in no message. */
bool wr_kafka_key_is_secret(const char *key);

#endif
