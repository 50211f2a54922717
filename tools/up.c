// SPDX-License-Identifier: GPL-2.0
/*
 * Loading and unloading steering. `up` then restores what the state store
 * holds; a store that cannot be read leaves the pools of the file in force
 * and is said, with a status of its own.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "out.h"
#include "postern.h"

struct told {
	size_t fatal, notes;
	bool json;
	struct table *table;
};

static const struct column finding_columns[] = {
	{ "fatal", "FATAL", false },
	{ "finding", "FINDING", false },
	{ 0 },
};

static void tell(void *arg, bool fatal, const char *line)
{
	struct told *told = arg;

	if (fatal)
		told->fatal++;
	else
		told->notes++;
	if (told->table) {
		table_flag(told->table, fatal);
		table_text(told->table, line);
		table_row(told->table);
	} else if (fatal) {
		cli_fail("%s", line);
	} else {
		cli_note("%s", line);
	}
}

static int restore(struct cli *cli)
{
	char words[512] = "";
	size_t missing = 0;

	if (steering_open(cli->conf, &cli->steering))
		return cli_fail("steering is up but cannot be opened");
	if (state_open(cli->conf->state_dir, &cli->state, words, sizeof(words))) {
		cli->state = NULL;
		cli_fail("state store: %s", words);
		cli_note("nothing that was set by hand is in force: exemptions, refusals, pools, "
			 "destinations and subscribers; the pools of %s are",
			 cli->change.conf_file);
		return CLI_PARTLY;
	}
	cli->change.state = cli->state;
	cli->change.steering = cli->steering;
	if (change_restore(&cli->change, &missing)) {
		cli_fail("%s", cli->change.error);
		cli_note("not all that was set by hand is in force; the pools of %s are",
			 cli->change.conf_file);
		return CLI_PARTLY;
	}
	return missing ? CLI_PARTLY : CLI_OK;
}

int cmd_up(struct cli *cli)
{
	struct told told = { 0 };
	struct steering_report report = { .say = tell, .arg = &told };
	int err, status = cli_open(cli);

	if (status)
		return status;
	err = steering_up(cli->conf, &report);
	if (err && !told.fatal)
		return cli_fail("steering could not be brought up: %s", strerror(-err));
	if (err)
		return cli_fail("steering is not up: nothing was left attached by this call");
	status = restore(cli);
	if (status == CLI_FAILED)
		return status;
	cli_done(cli, status == CLI_OK ? "steering is up" :
		 "steering is up; something that was set by hand is missing, see above");
	return status;
}

int cmd_down(struct cli *cli)
{
	struct told told = { 0 };
	struct steering_report report = { .say = tell, .arg = &told };
	int err, status = cli_open(cli);

	if (status)
		return status;
	err = steering_down(cli->conf, &report);
	if (err)
		return cli_fail("steering is not down: %s", strerror(-err));
	return cli_done(cli, "steering is down");
}

int cmd_check(struct cli *cli)
{
	struct told told = { 0 };
	struct steering_report report = { .say = tell, .arg = &told };
	int fatal, status = cli_open(cli);

	if (status)
		return status;
	if (cli->json) {
		told.table = table_new(finding_columns, true);
		if (!told.table)
			return cli_fail("out of memory");
	}
	fatal = steering_check(cli->conf, &report);
	if (told.table)
		table_end(told.table, NULL);
	else if (!fatal)
		puts("Nothing stands in the way of `postern up`.");
	return fatal ? CLI_FAILED : CLI_OK;
}
