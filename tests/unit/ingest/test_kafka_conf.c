#include "wr_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ingest/kafka_conf.h"

static wr_kafka_conn conn_of(const char *setting)
{
    wr_kafka_conn c = {.brokers = "127.0.0.1:9092"};
    if (setting)
        c.setting = (wr_arg_list){.item = {setting}, .count = 1};
    return c;
}

static void check(const wr_kafka_conf *c, size_t at, const char *key, const char *value,
                  const char *origin)
{
    assert_true(at < c->count);
    assert_string_equal(c->setting[at].key, key);
    assert_string_equal(c->setting[at].value, value);
    assert_string_equal(c->setting[at].origin, origin);
}

static void test_conf__flags(void **state)
{
    (void)state;
    WR_AUTO(wr_kafka_conf) c = NULL;
    wr_kafka_conn conn =
        conn_of("fetch.wait.max.ms=5,client.id=a b,partition.assignment.strategy=range,"
                "roundrobin,debug=");
    conn.setting.item[conn.setting.count++] = "ssl.ca.location=/etc/x=y";
    assert_ok(wr_kafka_conf_new(&c, &conn, &err));
    assert_string_equal(c->brokers, "127.0.0.1:9092");
    assert_int_equal(c->count, 5);
    check(c, 0, "fetch.wait.max.ms", "5", "--kafka");
    check(c, 1, "client.id", "a b", "--kafka");
    check(c, 2, "partition.assignment.strategy", "range,roundrobin", "--kafka");
    check(c, 3, "debug", "", "--kafka");
    check(c, 4, "ssl.ca.location", "/etc/x=y", "--kafka");
}

static void refuse(const char *setting, const char *message)
{
    wr_kafka_conf *c = NULL;
    wr_kafka_conn conn = conn_of(setting);
    wr_err err = {0};
    assert_int_equal(wr_kafka_conf_new(&c, &conn, &err), WR_EINVAL);
    assert_null(c);
    assert_string_equal(err.msg, message);
}

static void test_conf__refused(void **state)
{
    (void)state;
    refuse("rubbish", "--kafka wants key=value");
    refuse("=1", "--kafka wants key=value");
    refuse("Client.Id=1", "--kafka wants key=value");
    refuse("client.id=1,group.id=x",
           "--kafka: group.id is not for you to set: --group names it");
    refuse("enable.auto.commit=true",
           "--kafka: enable.auto.commit is not for you to set: the offset is kept in the "
           "database, with the rows");
    refuse("isolation.level=read_uncommitted",
           "--kafka: isolation.level is not for you to set: records of aborted "
           "transactions must not be stored");
    refuse("acks=1",
           "--kafka: acks is not for you to set: every replica must have what is "
           "called delivered");
    refuse("max.in.flight=5",
           "--kafka: max.in.flight is not for you to set: a batch must "
           "not overtake one that is sent again");
    refuse("bootstrap.servers=x:1",
           "--kafka: bootstrap.servers is not for you to set: --brokers names them");
    refuse("sasl.password=hunter22",
           "--kafka: sasl.password is a secret and others can read a command line: give "
           "it as WALLETRISK_KAFKA_SASL_PASSWORD or in --kafka-config");
    refuse("ssl.key.pem=x",
           "--kafka: ssl.key.pem is a secret and others can read a command line: give it "
           "as WALLETRISK_KAFKA_SSL_KEY_PEM or in --kafka-config");
}

static void test_conf__environment(void **state)
{
    (void)state;
    WR_AUTO(wr_kafka_conf) c = NULL;
    wr_kafka_conn conn = conn_of("client.id=flag");
    conn.brokers = NULL;
    assert_err(WR_EINVAL, wr_kafka_conf_new(&c, &conn, &err));
    assert_int_equal(setenv("WALLETRISK_KAFKA_BROKERS", "10.0.0.1:1", 1), 0);
    assert_int_equal(setenv("WALLETRISK_KAFKA_SASL_PASSWORD", "a=b,c=d", 1), 0);
    assert_ok(wr_kafka_conf_new(&c, &conn, &err));
    assert_string_equal(c->brokers, "10.0.0.1:1");
    assert_int_equal(c->count, 2);
    check(c, 0, "sasl.password", "a=b,c=d", "WALLETRISK_KAFKA_SASL_PASSWORD");
    check(c, 1, "client.id", "flag", "--kafka"); /* the later wins */
    assert_int_equal(unsetenv("WALLETRISK_KAFKA_SASL_PASSWORD"), 0);
    assert_int_equal(setenv("WALLETRISK_KAFKA_GROUP_ID", "x", 1), 0);
    wr_kafka_conf *none = NULL;
    wr_err err = {0};
    assert_int_equal(wr_kafka_conf_new(&none, &conn, &err), WR_EINVAL);
    assert_string_equal(
        err.msg,
        "WALLETRISK_KAFKA_GROUP_ID: group.id is not for you to set: --group names it");
    assert_int_equal(unsetenv("WALLETRISK_KAFKA_GROUP_ID"), 0);
    assert_int_equal(unsetenv("WALLETRISK_KAFKA_BROKERS"), 0);
}

static char path[] = "/tmp/wr_kafka_conf_XXXXXX";

static void write_file(const char *text)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
}

static void test_conf__file(void **state)
{
    (void)state;
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
    WR_AUTO(wr_kafka_conf) c = NULL;
    wr_kafka_conn conn = conn_of(NULL);
    conn.config_file = path;
    write_file("# comment\n; too\n\n  security.protocol =  SASL_SSL \r\n"
               "sasl.password=a = b # no comment\n");
    char origin[64];
    assert_ok(wr_kafka_conf_new(&c, &conn, &err));
    assert_int_equal(c->count, 2);
    (void)snprintf(origin, sizeof origin, "%s:4", path);
    check(c, 0, "security.protocol", "SASL_SSL", origin);
    (void)snprintf(origin, sizeof origin, "%s:5", path);
    check(c, 1, "sasl.password", "a = b # no comment", origin);

    char want[128];
    wr_kafka_conf *none = NULL;
    wr_err err = {0};
    write_file("client.id = x\nhunter22\n");
    assert_int_equal(wr_kafka_conf_new(&none, &conn, &err), WR_EINVAL);
    (void)snprintf(want, sizeof want, "%s:2: wants key = value", path);
    assert_string_equal(err.msg, want);
    assert_int_equal(unlink(path), 0);
    err = (wr_err){0};
    assert_int_equal(wr_kafka_conf_new(&none, &conn, &err), WR_EIO);
    (void)snprintf(want, sizeof want, "--kafka-config: %s: No such file or directory",
                   path);
    assert_string_equal(err.msg, want);
}

static wr_status make_and_free(const wr_kafka_conn *conn, wr_err *err)
{
    WR_AUTO(wr_kafka_conf) c = NULL;
    return wr_kafka_conf_new(&c, conn, err);
}

static void test_conf__no_memory(void **state)
{
    (void)state;
    const wr_kafka_conn conn = conn_of("client.id=a,debug=b");
    assert_oom_safe(make_and_free(&conn, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_conf__flags),       wr_unit_test(test_conf__refused),
        wr_unit_test(test_conf__environment), wr_unit_test(test_conf__file),
        wr_unit_test(test_conf__no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
