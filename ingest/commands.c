#include "ingest/ingest.h"

const wr_command wr_ingest_commands[] = {
    {"file", wr_ingest_cmd_file,
     "load CSV or NDJSON files, plain, .gz or .zst; '-' is stdin"},
    {"kafka", wr_ingest_cmd_kafka,
     "consume transfers from a Kafka topic, each exactly once"},
    {"simulate", wr_ingest_cmd_simulate,
     "make transfers with planted crimes and their truth"},
    {"produce", wr_ingest_cmd_produce, "publish files or a simulation to a Kafka topic"},
    {"status", wr_ingest_cmd_status, "where every source stands, and whether it adds up"},
    {"dead list", wr_ingest_cmd_dead_list,
     "records that were refused, with field and reason"},
    {"dead show", wr_ingest_cmd_dead_show, "all that is kept of one refused record"},
    {"dead replay", wr_ingest_cmd_dead_replay, "try refused records again"},
    {0},
};

wr_status wr_ingest_open_store(wr_store **out, const wr_command_line *cl, wr_err *err)
{
    return wr_store_open_ready(out, cl->cfg.dsn, err);
}
