// SPDX-License-Identifier: GPL-2.0
/* Exchangers with a rule of their own: the provider's smarthost and the like. */
#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "out.h"
#include "postern.h"

int cmd_destination_add(struct cli *cli)
{
	const char *class = cli_option(cli, "class");
	struct postern_destination value = { .rule = POSTERN_DEST_PASS };
	struct postern_prefix prefix;
	unsigned int class_id = 0;
	char text[ADDR_TEXT];
	int status = cli_prefix(cli, cli->argv[0], &prefix);

	if (!status && class && cli_option(cli, "pass"))
		status = cli_usage(cli, "--pass and --class together: expected one of them");
	if (!status)
		status = cli_open(cli);
	if (status)
		return status;
	if (class && change_class_find(&cli->change, class, &class_id))
		return cli_fail("%s", cli->change.error);
	value.rule = class ? POSTERN_DEST_CLASS : POSTERN_DEST_PASS;
	value.class = (__u8)class_id;
	value.prefix_len = (__u8)prefix.prefix_len;
	if (change_destination_set(&cli->change, &prefix, &value))
		return cli_fail("%s", cli->change.error);
	prefix_text(&prefix, text);
	if (class)
		return cli_done(cli, "connections to %s are steered under class %s", text, class);
	return cli_done(cli, "connections to %s pass untouched", text);
}

int cmd_destination_del(struct cli *cli)
{
	return cli_delete(cli, change_destination_del, "has no rule of its own any more");
}

static const struct column destination_columns[] = {
	{ "prefix", "DESTINATION", false },
	{ "rule", "RULE", false },
	{ "class", "CLASS", false },
	{ "source", "SOURCE", false },
	{ 0 },
};

static const char *const rule_words[] = {
	[POSTERN_DEST_OWN] = "own",
	[POSTERN_DEST_PASS] = "pass",
	[POSTERN_DEST_CLASS] = "class",
};

struct listing {
	struct cli *cli;
	struct table *table;
	bool all;
};

static const char *source_of(const struct postern_destination *value)
{
	if (value->rule == POSTERN_DEST_OWN)
		return "router";
	return value->flags & POSTERN_DEST_CONF ? "file" : "hand";
}

static int destination_row(void *arg, const struct postern_prefix *key,
			   const struct postern_destination *value)
{
	struct listing *l = arg;
	char text[ADDR_TEXT], class[POSTERN_CLASS_NAME] = "";

	if (value->rule == POSTERN_DEST_OWN && !l->all)
		return 0;
	if (value->rule == POSTERN_DEST_CLASS)
		change_class_name(&l->cli->change, value->class, class);
	table_text(l->table, prefix_text(key, text));
	table_text(l->table, value->rule <= POSTERN_DEST_CLASS ? rule_words[value->rule] : "?");
	table_text(l->table, class);
	table_text(l->table, source_of(value));
	table_row(l->table);
	return 0;
}

int cmd_destination_list(struct cli *cli)
{
	struct listing l = { .cli = cli, .all = cli_option(cli, "all") };
	int err, status = cli_open(cli);

	if (status)
		return status;
	l.table = table_new(destination_columns, cli->json);
	if (!l.table)
		return cli_fail("out of memory");
	err = steering_destination_each(cli->steering, destination_row, &l);
	table_end(l.table, "No destination has a rule of its own.");
	return err ? cli_fail("cannot read the destinations: %s", strerror(-err)) : CLI_OK;
}
