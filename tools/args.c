// SPDX-License-Identifier: GPL-2.0
/*
 * The command line: options of the program, the command's name of one word or
 * two, its options (rows) and operands in any order.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "postern.h"

#ifndef POSTERN_VERSION
#define POSTERN_VERSION	"0.1"
#endif

enum { OPT_CONF = 0x100, OPT_JSON, OPT_HELP, OPT_VERSION, OPT_OWN };

static const struct option global_options[] = {
	{ "conf", required_argument, NULL, OPT_CONF },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ 0 },
};

#define GLOBALS	(sizeof(global_options) / sizeof(global_options[0]) - 1)

static int fault(const char *command, const char *what, const char *arg)
{
	cli_fail("%s%s%s: %s", command, *command ? ": " : "", arg, what);
	fprintf(stderr, "See `postern %s%s--help`.\n", command, *command ? " " : "");
	return CLI_USAGE;
}

static int help(const struct command *command)
{
	if (command)
		help_command(command);
	else
		help_all();
	return CLI_OK;
}

static int version(void)
{
	puts("postern " POSTERN_VERSION);
	return CLI_OK;
}

/* An option that every command takes. -1: go on. */
static int take_global(struct cli *cli, int option)
{
	switch (option) {
	case OPT_CONF:
		cli->conf_file = optarg;
		/* For the commands that read their own arguments. */
		setenv("POSTERN_CONF", optarg, 1);
		return -1;
	case OPT_JSON:
		cli->json = true;
		return -1;
	case OPT_HELP:
		return help(cli->command);
	case OPT_VERSION:
		return version();
	default:
		return -1;
	}
}

/* The argument that getopt_long() stumbled over, as it was written. */
static const char *culprit(char **argv, int at)
{
	return argv[at - 1];
}

static int parse_globals(struct cli *cli, int argc, char **argv)
{
	int option, status = -1;

	opterr = 0;
	while (status < 0 &&
	       (option = getopt_long(argc, argv, "+:", global_options, NULL)) != -1) {
		if (option == '?')
			return fault("", "no such option", culprit(argv, optind));
		if (option == ':')
			return fault("", "expected a value behind it", culprit(argv, optind));
		status = take_global(cli, option);
	}
	return status;
}

/* The command that the words at @argv name; *used is their number. */
static const struct command *find(int argc, char **argv, int *used)
{
	for (size_t i = 0; i < command_count; i++) {
		const char *name = commands[i].name, *space = strchr(name, ' ');
		size_t first = space ? (size_t)(space - name) : strlen(name);

		if (strlen(argv[0]) != first || strncmp(argv[0], name, first) != 0)
			continue;
		*used = space ? 2 : 1;
		if (!space || (argc > 1 && strcmp(argv[1], space + 1) == 0))
			return &commands[i];
	}
	return NULL;
}

static int no_command(int argc, char **argv)
{
	bool asked = argc > 1 && strcmp(argv[1], "--help") == 0;

	if (asked && help_group(argv[0]))
		return CLI_OK;
	if (argc > 1 && argv[1][0] != '-')
		cli_fail("%s %s: no such command", argv[0], argv[1]);
	else
		cli_fail("%s: no such command, or not all of it", argv[0]);
	if (!help_group(argv[0]))
		fputs("See `postern --help`.\n", stderr);
	return CLI_USAGE;
}

/* The program's options and behind them the command's own, for getopt_long(). */
static void collect(const struct command *command, struct option *out)
{
	const struct option_row *row = command->options;

	memcpy(out, global_options, sizeof(global_options));
	for (out += GLOBALS; row && row->name; row++, out++)
		*out = (struct option){ row->name, row->value ? required_argument : no_argument,
					NULL, OPT_OWN };
	memset(out, 0, sizeof(*out));
}

static int parse_options(struct cli *cli, int argc, char **argv)
{
	struct option options[GLOBALS + CLI_OPTIONS + 1];
	int option, index, status = -1;

	collect(cli->command, options);
	optind = 0;
	while (status < 0 && (option = getopt_long(argc, argv, ":", options, &index)) != -1) {
		if (option == '?')
			return fault(cli->command->name, "no such option",
				     culprit(argv, optind));
		if (option == ':')
			return fault(cli->command->name, "expected a value behind it",
				     culprit(argv, optind));
		if (option == OPT_OWN)
			cli->option[(size_t)index - GLOBALS] = optarg ? optarg : "";
		else
			status = take_global(cli, option);
	}
	cli->argc = argc - optind;
	cli->argv = argv + optind;
	return status;
}

static int check_count(const struct cli *cli)
{
	const struct command *command = cli->command;

	if (cli->argc < command->least)
		return cli_usage(cli, "expected %s", command->operands);
	if (command->most >= 0 && cli->argc > command->most)
		return cli_usage(cli, "%s: one argument too many", cli->argv[command->most]);
	return -1;
}

/* A command that reads its own arguments also gets the --json that stood before it. */
static int run_raw(const struct cli *cli, int argc, char **argv)
{
	char json[] = "--json", **more = calloc((size_t)argc + 2, sizeof(*more));
	int status;

	if (!more)
		return cli_fail("out of memory");
	more[0] = argv[0];
	more[1] = json;
	memcpy(more + 2, argv + 1, (size_t)(argc - 1) * sizeof(*more));
	optind = 1;
	status = cli->json ? cli->command->raw(argc + 1, more) : cli->command->raw(argc, argv);
	free(more);
	return status;
}

int cli_parse(struct cli *cli, int argc, char **argv)
{
	int used, status = parse_globals(cli, argc, argv);

	if (status >= 0)
		return status;
	argc -= optind;
	argv += optind;
	if (!argc) {
		help_all();
		return CLI_USAGE;
	}
	cli->command = find(argc, argv, &used);
	if (!cli->command)
		return no_command(argc, argv);
	if (cli->command->raw)
		return run_raw(cli, argc, argv);
	status = parse_options(cli, argc - used + 1, argv + used - 1);
	return status >= 0 ? status : check_count(cli);
}

const char *cli_option(const struct cli *cli, const char *name)
{
	const struct option_row *row = cli->command->options;

	for (size_t i = 0; row && row[i].name; i++)
		if (strcmp(row[i].name, name) == 0)
			return cli->option[i];
	return NULL;
}
