// SPDX-License-Identifier: GPL-2.0
/* Who is on which line: by hand what accounting reports otherwise. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "control/map_edit.h"
#include "out.h"
#include "postern.h"
#include "times.h"

int cmd_subscriber_bind(struct cli *cli)
{
	struct postern_prefix line;
	struct postern_addr addr;
	char text[ADDR_TEXT];
	int status = cli_address(cli, cli->argv[1], &addr);

	if (!status)
		status = cli_open(cli);
	if (status)
		return status;
	if (change_bind(&cli->change, cli->argv[0], &addr) ||
	    change_line_of(&cli->change, &addr, &line))
		return cli_fail("%s", cli->change.error);
	return cli_done(cli, "%s is on the line %s", cli->argv[0], prefix_text(&line, text));
}

int cmd_subscriber_unbind(struct cli *cli)
{
	struct postern_prefix line;
	int status = cli_prefix(cli, cli->argv[0], &line);

	if (!status)
		status = cli_open(cli);
	if (status)
		return status;
	if (change_unbind(&cli->change, &line))
		return cli_fail("%s", cli->change.error);
	return cli_done(cli, "nobody is on the line of %s any more", cli->argv[0]);
}

static const struct column subscriber_columns[] = {
	{ "subscriber", "SUBSCRIBER", false },
	{ "id", "", true },
	{ "treatment", "TREATMENT", false },
	{ "until", "UNTIL", false },
	{ "lines", "LINES", true },
	{ 0 },
};

struct subscriber_listing {
	struct cli *cli;
	struct table *table;
	int error;
};

static int count_line(void *arg, const struct postern_prefix *line, uint64_t subscriber)
{
	(void)line;
	(void)subscriber;
	++*(int64_t *)arg;
	return 0;
}

/* What was said of the subscriber as a whole, unless it has lapsed. */
static void print_treatment(struct state *state, struct table *t, uint64_t id)
{
	struct state_treatment found, key = { .scope = STATE_SUBSCRIBER, .subscriber = id };
	uint64_t unused;

	if (state_treatment_get(state, &key, &found) || !change_in_force(&found, &unused)) {
		table_empty(t);
		table_empty(t);
		return;
	}
	table_text(t, treatment_words[found.treatment]);
	table_time(t, found.until);
}

static int subscriber_row(void *arg, uint64_t id, const char *name)
{
	struct subscriber_listing *l = arg;
	struct state *state = l->cli->state;
	int64_t lines = 0;
	int err = state_line_each(state, id, count_line, &lines);

	if (err)
		return err;
	table_text(l->table, name);
	table_number(l->table, (int64_t)id);
	print_treatment(state, l->table, id);
	table_number(l->table, lines);
	table_row(l->table);
	return 0;
}

int cmd_subscriber_list(struct cli *cli)
{
	struct subscriber_listing l = { .cli = cli };
	int err, status = cli_open(cli);

	if (status)
		return status;
	if (!cli->state)
		return CLI_FAILED;	/* cli_open() has said why */
	l.table = table_new(subscriber_columns, cli->json);
	if (!l.table)
		return cli_fail("out of memory");
	err = state_subscriber_each(cli->state, subscriber_row, &l);
	table_end(l.table, "No subscriber is known.");
	return err ? cli_fail("state store: %s", state_error(cli->state)) : CLI_OK;
}

static const struct column line_columns[] = {
	{ "subscriber", "", false },
	{ "line", "LINE", false },
	{ "treatment", "IN FORCE", false },
	{ "class", "CLASS", false },
	{ "mode", "MODE", false },
	{ 0 },
};

static int line_row(void *arg, const struct postern_prefix *line, uint64_t subscriber)
{
	struct subscriber_listing *l = arg;
	static const struct postern_addr nowhere;
	struct steering_line found;
	char text[ADDR_TEXT], class[POSTERN_CLASS_NAME] = "";
	int err = l->cli->steering ?
		  steering_resolve(l->cli->steering, &line->addr, &nowhere, &found) : -ENOENT;

	(void)subscriber;
	table_text(l->table, l->cli->argv[0]);
	table_text(l->table, prefix_text(line, text));
	if (err) {
		table_text(l->table, l->cli->steering ? "in no pool" : "steering not loaded");
		table_empty(l->table);
		table_empty(l->table);
	} else {
		change_class_name(&l->cli->change, found.class_id, class);
		table_text(l->table, treatment_words[found.treatment]);
		table_text(l->table, class);
		table_text(l->table, found.shadow ? "shadow" : "enforce");
	}
	table_row(l->table);
	return 0;
}

/* For people: what was said of the subscriber, above his lines. */
static void print_said(struct cli *cli, uint64_t id)
{
	struct state_treatment t, key = { .scope = STATE_SUBSCRIBER, .subscriber = id };
	char until[TIMES_TEXT];
	uint64_t unused;

	if (cli->json || state_treatment_get(cli->state, &key, &t) ||
	    !change_in_force(&t, &unused))
		return;
	cli_done(cli, "%s is %s%s%s; set by %s: %s", cli->argv[0],
		 t.treatment == POSTERN_EXEMPT ? "exempt" : "refused",
		 t.until ? " until " : "", t.until ? times_local(t.until, until) : "", t.who,
		 *t.why ? t.why : "(no reason given)");
}

int cmd_subscriber_show(struct cli *cli)
{
	struct subscriber_listing l = { .cli = cli };
	uint64_t id;
	int err, status = cli_open(cli);

	if (status)
		return status;
	err = state_subscriber_find(cli->state, cli->argv[0], &id);
	if (err == -ENOENT)
		return cli_fail("%s: no such subscriber; `postern subscriber list` shows them",
				cli->argv[0]);
	if (err)
		return cli_fail("state store: %s", state_error(cli->state));
	print_said(cli, id);
	l.table = table_new(line_columns, cli->json);
	if (!l.table)
		return cli_fail("out of memory");
	err = state_line_each(cli->state, id, line_row, &l);
	table_end(l.table, "No line is bound to this subscriber.");
	return err ? cli_fail("state store: %s", state_error(cli->state)) : CLI_OK;
}
