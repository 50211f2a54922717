// SPDX-License-Identifier: GPL-2.0
/*
 * postern, the operator's tool: loads and unloads steering, edits policy,
 * reads everything. Works on the pinned maps and the state store, so it needs
 * no daemon. One thread, one command, then it ends.
 */
#include <stdio.h>

#include "postern.h"

int main(int argc, char **argv)
{
	struct cli cli = { 0 };
	int status = cli_parse(&cli, argc, argv);

	if (status < 0) {
		status = cli.command->run(&cli);
		cli_close(&cli);
	}
	if (fflush(stdout) || ferror(stdout)) {
		perror("postern: standard output");
		return status ? status : CLI_FAILED;
	}
	return status;
}
