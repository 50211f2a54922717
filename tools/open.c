// SPDX-License-Identifier: GPL-2.0
/*
 * What commands stand on: rights, configuration, the loaded steering, the
 * state store. Each failure says what to do about it.
 */
#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "postern.h"

#define CONF_FAULTS	4096

static int open_conf(struct cli *cli)
{
	char faults[CONF_FAULTS] = "";
	int err = conf_read(cli->conf_file, &cli->conf, faults, sizeof(faults));
	char *rest = faults, *line;

	if (!err)
		return CLI_OK;
	while ((line = strsep(&rest, "\n")))
		if (*line)
			cli_fail("%s", line);
	if (!faults[0])
		cli_fail("cannot read the configuration: %s", strerror(-err));
	if (!(cli->command->needs & WANTS_CONF) || conf_read("/dev/null", &cli->conf, faults,
							    sizeof(faults)))
		return CLI_FAILED;
	cli_note("going on with the defaults: run_dir is %s", cli->conf->run_dir);
	return CLI_OK;
}

static int open_steering(struct cli *cli)
{
	int err = steering_open(cli->conf, &cli->steering);

	if (!err)
		return CLI_OK;
	cli->steering = NULL;
	if (cli->command->needs & WANTS_STEERING && err == -ENOENT)
		return CLI_OK;
	if (err == -ENOENT)
		return cli_fail("steering is not loaded; run `postern up`");
	if (err == -EPROTO)
		return cli_fail("another release of Postern is loaded; run `postern down` of "
				"that release, or `postern up` to replace it");
	return cli_fail("cannot open the loaded steering in %s: %s", cli->conf->run_dir,
			strerror(-err));
}

void cli_want_state(struct cli *cli)
{
	char words[512] = "";

	if (state_open(cli->conf->state_dir, &cli->state, words, sizeof(words)) == 0)
		return;
	cli->state = NULL;
	if (cli->command->needs & NEEDS_STATE)
		cli_fail("state store: %s", words);
	else
		cli_note("state store: %s", words);
}

static int open_state(struct cli *cli)
{
	cli_want_state(cli);
	return !cli->state && (cli->command->needs & NEEDS_STATE) ? CLI_FAILED : CLI_OK;
}

/* Who gave the command: for the audit, so a login rather than "root" if there is one. */
static void find_who(char who[STATE_WHO])
{
	const char *sudo = getenv("SUDO_USER");
	unsigned int uid = (unsigned int)-1;
	FILE *file = sudo ? NULL : fopen("/proc/self/loginuid", "re");
	struct passwd *user;

	if (file) {
		if (fscanf(file, "%u", &uid) != 1)
			uid = (unsigned int)-1;
		fclose(file);
	}
	user = getpwuid(uid == (unsigned int)-1 ? getuid() : uid);
	snprintf(who, STATE_WHO, "%s", sudo ? sudo : user ? user->pw_name : "?");
}

/* An interrupt must not fall between map and store; the end of the command is near. */
static void hold_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static void say_change(void *arg, const char *line)
{
	(void)arg;
	cli_note("%s", line);
}

int cli_open(struct cli *cli)
{
	unsigned int needs = cli->command->needs;
	int status = CLI_OK;

	if ((needs & NEEDS_ROOT) && geteuid() != 0)
		return cli_fail("`postern %s` needs root: the maps and the state store are root's",
				cli->command->name);
	if (needs & (NEEDS_CONF | WANTS_CONF))
		status = open_conf(cli);
	if (!status && (needs & (NEEDS_STEERING | WANTS_STEERING)))
		status = open_steering(cli);
	if (!status && (needs & (NEEDS_STATE | WANTS_STATE)))
		status = open_state(cli);
	if (status)
		return status;
	if (needs & NEEDS_STATE)
		hold_signals();
	find_who(cli->who);
	cli->change = (struct change){ .state = cli->state, .steering = cli->steering,
		.conf_file = cli->conf && *cli->conf->file ? cli->conf->file : "postern.conf",
		.who = cli->who, .say = say_change };
	return CLI_OK;
}

void cli_close(struct cli *cli)
{
	change_end(&cli->change);
	state_close(cli->state);
	if (cli->steering)
		steering_close(cli->steering);
	conf_free(cli->conf);
}
