/*
 * walletrisk: set up the store, load labels, score, look and prove.
 */
#include "cli/cli.h"

int main(int argc, char **argv)
{
    return wr_command_main("walletrisk", WR_PROGRAM_CLI, wr_cli_commands, argc, argv);
}
