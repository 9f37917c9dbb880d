/*
 * walletrisk-ingest: transfers from files and simulators into the store.
 */
#include "ingest/ingest.h"

int main(int argc, char **argv)
{
    return wr_command_main("walletrisk-ingest", WR_PROGRAM_INGEST, wr_ingest_commands,
                           argc, argv);
}
