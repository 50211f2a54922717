// SPDX-License-Identifier: GPL-2.0
/* Counters, the reasons behind them, and doc/counters.rst, all from tbl/reasons.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/reason.h"
#include "out.h"
#include "postern.h"

static const struct {
	const char *origin;	/* as in tbl/reasons.h */
	const char *title;
} groups[] = {
	{ "SCREEN", "Frames refused at the subscriber side" },
	{ "STEER", "Packets from subscribers to port 25" },
	{ "BACK", "Packets from outside" },
	{ "SESSION", "Why sessions ended" },
	{ "MESSAGE", "What became of messages" },
	{ "NOTE", "Worth knowing" },
};

#define GROUPS (sizeof(groups) / sizeof(groups[0]))

static bool in_group(size_t group, unsigned int reason)
{
	return strcmp(reason_origin(reason), groups[group].origin) == 0;
}

/* One object, name to value: what a script asks for is then one step away. */
static int print_json(const uint64_t *counters)
{
	static char buf[POSTERN_R_COUNT * 64 + 64];
	struct json json;

	json_begin(&json, buf, sizeof(buf));
	for (unsigned int i = 0; i < POSTERN_R_COUNT; i++)
		json_number(&json, reason_name(i), (int64_t)counters[i]);
	if (json_end(&json) < 0)
		return cli_fail("the counters do not fit into the record");
	fputs(buf, stdout);
	return CLI_OK;
}

static void print_group(size_t group, const uint64_t *counters, bool all)
{
	bool titled = false;

	for (unsigned int i = 0; i < POSTERN_R_COUNT; i++) {
		if (!in_group(group, i) || (!counters[i] && !all))
			continue;
		if (!titled)
			printf("%s:\n", groups[group].title);
		titled = true;
		printf("  %-22s %12llu  %s\n", reason_name(i),
		       (unsigned long long)counters[i], reason_text(i));
	}
}

int cmd_counters(struct cli *cli)
{
	static uint64_t counters[POSTERN_R_COUNT];
	bool all = cli_option(cli, "all");
	uint64_t any = 0;
	int err, status = cli_open(cli);

	if (status)
		return status;
	err = steering_counters(cli->steering, counters);
	if (err)
		return cli_fail("cannot read the counters: %s", strerror(-err));
	if (cli->json)
		return print_json(counters);
	for (unsigned int i = 0; i < POSTERN_R_COUNT; i++)
		any |= counters[i];
	if (!any && !all)
		puts("All counters are zero.");
	for (size_t i = 0; i < GROUPS; i++)
		print_group(i, counters, all);
	return CLI_OK;
}

static const struct column reason_columns[] = {
	{ "number", "", false },
	{ "name", "REASON", false },
	{ "origin", "ORIGIN", false },
	{ "effect", "EFFECT", false },
	{ "text", "MEANING", false },
	{ 0 },
};

/* "PASS" as a word of a sentence. */
static char *lower(const char *word, char *out, size_t size)
{
	size_t i = 0;

	for (; word[i] && i + 1 < size; i++)
		out[i] = (char)(word[i] | 0x20);
	out[i] = '\0';
	return out;
}

int cmd_reasons(struct cli *cli)
{
	struct table *t = table_new(reason_columns, cli->json);

	if (!t)
		return cli_fail("out of memory");
	for (unsigned int i = 0; i < POSTERN_R_COUNT; i++) {
		char origin[16], effect[16];

		table_number(t, i);
		table_text(t, reason_name(i));
		table_text(t, lower(reason_origin(i), origin, sizeof(origin)));
		table_text(t, lower(reason_effect(i), effect, sizeof(effect)));
		table_text(t, reason_text(i));
		table_row(t);
	}
	table_end(t, NULL);
	return CLI_OK;
}

static void rule(char c, size_t length)
{
	while (length--)
		putchar(c);
	putchar('\n');
}

static void manual_group(size_t group)
{
	printf("\n%s\n", groups[group].title);
	rule('-', strlen(groups[group].title));
	putchar('\n');
	for (unsigned int i = 0; i < POSTERN_R_COUNT; i++) {
		char effect[16];

		if (in_group(group, i))
			printf("``%s`` (%s)\n    %s.\n\n", reason_name(i),
			       lower(reason_effect(i), effect, sizeof(effect)),
			       reason_text(i));
	}
}

int cmd_manual(struct cli *cli)
{
	(void)cli;
	puts(".. Made by `postern manual counters` from include/tbl/reasons.h; do not edit.\n\n"
	     "Reasons and counters\n====================\n\n"
	     "Every packet not steered, every session ended and every message has one named\n"
	     "reason. The name is the counter in ``postern counters``, the word in the event\n"
	     "log and the word in ``postern watch``. In brackets stands what follows from it:\n"
	     "``pass`` untouched, ``steer`` to the inspector, ``local`` to a connection of\n"
	     "ours, ``reset``, ``drop``; for sessions ``close`` (orderly) or ``abort``\n"
	     "(reset); ``count`` where nothing follows.");
	for (size_t i = 0; i < GROUPS; i++)
		manual_group(i);
	return CLI_OK;
}
