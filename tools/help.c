// SPDX-License-Identifier: GPL-2.0
/* Help, made from the rows of the commands. */
#include <stdio.h>
#include <string.h>

#include "postern.h"

#define LEFT	26	/* columns of a command and its operands */

static const struct option_row global_rows[] = {
	{ "conf", "FILE", "configuration; else $POSTERN_CONF, else " CONF_DEFAULT_FILE },
	{ "json", NULL, "print JSON, one object a line" },
	{ "help", NULL, "help on the program or on a command" },
	{ "version", NULL, "version of the program" },
	{ 0 },
};

static void print_options(const char *title, const struct option_row *row)
{
	if (!row)
		return;
	printf("\n%s:\n", title);
	for (; row->name; row++) {
		char left[40];

		snprintf(left, sizeof(left), "--%s%s%s", row->name, row->value ? " " : "",
			 row->value ? row->value : "");
		printf("  %-22s  %s\n", left, row->help);
	}
}

static void print_command(const struct command *command)
{
	char left[80];

	snprintf(left, sizeof(left), "%s%s%s", command->name, *command->operands ? " " : "",
		 command->operands);
	if (strlen(left) > LEFT)
		printf("  %s\n  %-*s  %s\n", left, LEFT, "", command->help);
	else
		printf("  %-*s  %s\n", LEFT, left, command->help);
}

void help_all(void)
{
	puts("Usage: postern [--conf FILE] [--json] COMMAND ...\n\n"
	     "Guards port 25 of dynamic address pools; see postern(8).\n\nCommands:");
	for (size_t i = 0; i < command_count; i++)
		if (*commands[i].help)
			print_command(&commands[i]);
	print_options("Options", global_rows);
}

void help_command(const struct command *command)
{
	printf("Usage: postern %s%s%s%s\n\n%c%s.\n", command->name,
	       command->options ? " [OPTION...]" : "", *command->operands ? " " : "",
	       command->operands, command->help[0] >= 'a' && command->help[0] <= 'z' ?
	       command->help[0] - 'a' + 'A' : command->help[0],
	       *command->help ? command->help + 1 : "");
	print_options("Options", command->options);
	print_options("Options of every command", global_rows);
}

size_t help_group(const char *group)
{
	size_t count = 0, len = strlen(group);

	for (size_t i = 0; i < command_count; i++) {
		if (strncmp(commands[i].name, group, len) != 0 || commands[i].name[len] != ' ')
			continue;
		if (!count++)
			printf("Usage: postern %s COMMAND ...\n\nCommands:\n", group);
		print_command(&commands[i]);
	}
	return count;
}
