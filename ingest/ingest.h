/*
 * ingest.h - the walletrisk-ingest program: records in, each once and only once.
 *
 * Knows files, simulators and Kafka on one side and store.h on the other; never
 * a graph.  Thread: main only.
 */
#ifndef WR_INGEST_INGEST_H
#define WR_INGEST_INGEST_H

#include "store/store.h"
#include "util/command.h"

extern const wr_command wr_ingest_commands[]; /* ends with name NULL */

wr_status wr_ingest_cmd_file(wr_command_line *cl, wr_err *err) WR_NODISCARD;
wr_status wr_ingest_cmd_kafka(wr_command_line *cl, wr_err *err) WR_NODISCARD;
wr_status wr_ingest_cmd_simulate(wr_command_line *cl, wr_err *err) WR_NODISCARD;
wr_status wr_ingest_cmd_produce(wr_command_line *cl, wr_err *err) WR_NODISCARD;
wr_status wr_ingest_cmd_status(wr_command_line *cl, wr_err *err) WR_NODISCARD;
wr_status wr_ingest_cmd_dead_list(wr_command_line *cl, wr_err *err) WR_NODISCARD;
wr_status wr_ingest_cmd_dead_show(wr_command_line *cl, wr_err *err) WR_NODISCARD;
wr_status wr_ingest_cmd_dead_replay(wr_command_line *cl, wr_err *err) WR_NODISCARD;

/* Store of cfg.dsn, schema checked. */
wr_status wr_ingest_open_store(wr_store **out, const wr_command_line *cl,
                               wr_err *err) WR_NODISCARD;

#endif
