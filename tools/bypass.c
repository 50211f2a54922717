// SPDX-License-Identifier: GPL-2.0
/*
 * Mode and bypass: the one settings row, edited in place. Nothing else needs
 * to work for it: no daemon, no state store, no faultless configuration.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "postern.h"
#include "times.h"

/* For the record only, when all is done and said: nothing waits for the store. */
static int record(struct cli *cli, const char *what)
{
	const char *why = cli_option(cli, "why");
	char line[512];

	fflush(stdout);
	cli_want_state(cli);
	if (!cli->state)
		return CLI_OK;
	snprintf(line, sizeof(line), "%s%s%s", what, why ? ": " : "", why ? why : "");
	if (state_audit(cli->state, cli->who, line))
		cli_note("not noted in the audit: %s", state_error(cli->state));
	return CLI_OK;
}

/* Read, let @edit change, write. Returns a status. */
static int edit_settings(struct cli *cli, void (*edit)(struct postern_settings *s, uint64_t value),
			 uint64_t value)
{
	struct postern_settings settings;
	int err = steering_settings_get(cli->steering, &settings);

	if (!err) {
		edit(&settings, value);
		err = steering_settings_set(cli->steering, &settings);
	}
	return err ? cli_fail("cannot change the settings: %s", strerror(-err)) : CLI_OK;
}

static void edit_mode(struct postern_settings *s, uint64_t value)
{
	s->mode = (__u32)value;
}

static void edit_bypass(struct postern_settings *s, uint64_t value)
{
	s->bypass_until = value;
}

int cmd_mode(struct cli *cli)
{
	static const char *const words[] = { "enforce", "shadow", NULL };
	char what[32];
	unsigned int mode;
	int status = cli_word(cli, "mode", cli->argv[0], words, &mode);

	if (!status)
		status = cli_open(cli);
	if (!status)
		status = edit_settings(cli, edit_mode, mode);
	if (status)
		return status;
	cli_done(cli, "mode is %s", words[mode]);
	if (cli->conf->mode != (int)mode)
		cli_note("%s says mode = %s: the next `postern up` sets that again",
			 cli->change.conf_file, words[cli->conf->mode]);
	snprintf(what, sizeof(what), "mode %s", words[mode]);
	return record(cli, what);
}

int cmd_bypass_on(struct cli *cli)
{
	char local[TIMES_TEXT], utc[TIMES_TEXT];
	uint64_t until;
	int status = cli_until(cli, &until);

	if (!status)
		status = cli_open(cli);
	if (!status)
		status = edit_settings(cli, edit_bypass,
				       until ? times_boot_of_wall(until) : POSTERN_FOREVER);
	if (status)
		return status;
	if (until)
		cli_done(cli, "bypass is ON, port 25 is not filtered, until %s (%s)",
			 times_local(until, local), times_utc(until, utc));
	else
		cli_done(cli, "bypass is ON, port 25 is not filtered, until "
			 "`postern bypass off`");
	return record(cli, "bypass on");
}


int cmd_bypass_off(struct cli *cli)
{
	int status = cli_open(cli);

	if (!status)
		status = edit_settings(cli, edit_bypass, 0);
	if (status)
		return status;
	cli_done(cli, "bypass is off");
	return record(cli, "bypass off");
}
