// SPDX-License-Identifier: GPL-2.0
/* Exemptions and refusals: two commands of one kind. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "base/clock.h"
#include "control/map_edit.h"
#include "out.h"
#include "postern.h"
#include "times.h"

static enum postern_treatment treatment_of(const struct cli *cli)
{
	return cli->command->name[0] == 'e' ? POSTERN_EXEMPT : POSTERN_REFUSE;
}

static const char *done_word(enum postern_treatment treatment)
{
	return treatment == POSTERN_EXEMPT ? "exempt" : "refused";
}

static int find_target(struct cli *cli, unsigned int flags, struct change_target *target)
{
	if (cli_option(cli, "subscriber"))
		flags |= CHANGE_NAME;
	if (cli_option(cli, "new"))
		flags |= CHANGE_MAKE;
	return change_target_find(&cli->change, cli->argv[0], flags, target) ?
	       cli_fail("%s", cli->change.error) : CLI_OK;
}

int cmd_treat_add(struct cli *cli)
{
	enum postern_treatment treatment = treatment_of(cli);
	const char *why = cli_option(cli, "why");
	char text[STATE_NAME], local[TIMES_TEXT], utc[TIMES_TEXT];
	struct change_target target;
	uint64_t until;
	int status = cli_until(cli, &until);

	if (!status && why && strlen(why) >= STATE_WHY)
		status = cli_usage(cli, "--why: expected at most %d octets", STATE_WHY - 1);
	if (!status)
		status = cli_open(cli);
	if (!status)
		status = find_target(cli, 0, &target);
	if (status)
		return status;
	if (change_treat(&cli->change, &target, treatment, until, why ? why : ""))
		return cli_fail("%s", cli->change.error);
	change_target_text(&target, text);
	if (!until)
		return cli_done(cli, "%s is %s", text, done_word(treatment));
	return cli_done(cli, "%s is %s until %s (%s)", text, done_word(treatment),
			times_local(until, local), times_utc(until, utc));
}

int cmd_treat_del(struct cli *cli)
{
	enum postern_treatment treatment = treatment_of(cli);
	struct change_target target;
	char text[STATE_NAME];
	int status = cli_open(cli);

	if (!status)
		status = find_target(cli, CHANGE_KNOWN, &target);
	if (status)
		return status;
	if (change_untreat(&cli->change, &target, treatment))
		return cli_fail("%s", cli->change.error);
	return cli_done(cli, "%s is no longer %s", change_target_text(&target, text),
			done_word(treatment));
}

static const struct column treat_columns[] = {
	{ "scope", "SCOPE", false },
	{ "target", "TARGET", false },
	{ "until", "UNTIL", false },
	{ "state", "STATE", false },
	{ "since", "SINCE", false },
	{ "who", "WHO", false },
	{ "why", "WHY", false },
	{ 0 },
};

struct treat_listing {
	struct cli *cli;
	struct table *table;
	enum postern_treatment treatment;
	bool all;
};

static const char *const scope_words[] = {
	[STATE_LINE] = "line",
	[STATE_PREFIX] = "prefix",
	[STATE_SUBSCRIBER] = "subscriber",
};

/* What the maps make of a treatment of a line or a prefix. */
static const char *map_state(struct cli *cli, const struct state_treatment *t)
{
	struct postern_line line;
	struct postern_pool pool;
	unsigned int found;

	if (t->scope == STATE_LINE)
		found = steering_line_get(cli->steering, &t->prefix.addr, &line) ?
			POSTERN_INHERIT : line.treatment;
	else
		found = steering_pool_get(cli->steering, &t->prefix, &pool) ||
			!(pool.flags & POSTERN_POOL_OVERRIDE) ? POSTERN_INHERIT : pool.treatment;
	if (found == t->treatment)
		return "in force";
	return found == POSTERN_REFUSE ? "outdone by a refusal" : "not in force";
}

static const char *treat_state(struct cli *cli, const struct state_treatment *t)
{
	uint64_t until;

	if (!change_in_force(t, &until))
		return "lapsed";
	if (!cli->steering)
		return "steering not loaded";
	return t->scope == STATE_SUBSCRIBER ? "in force" : map_state(cli, t);
}

static int treat_row(void *arg, const struct state_treatment *t)
{
	struct treat_listing *l = arg;
	char text[STATE_NAME] = "?";
	uint64_t until;

	if (t->treatment != l->treatment || (!l->all && !change_in_force(t, &until)))
		return 0;
	if (t->scope == STATE_SUBSCRIBER)
		state_subscriber_name(l->cli->state, t->subscriber, text);
	else
		prefix_text(&t->prefix, text);
	table_text(l->table, scope_words[t->scope]);
	table_text(l->table, text);
	table_time(l->table, t->until);
	table_text(l->table, treat_state(l->cli, t));
	table_time(l->table, t->since);
	table_text(l->table, t->who);
	table_text(l->table, t->why);
	table_row(l->table);
	return 0;
}

/* An entry of the maps that the store does not explain. */
static void unknown_row(struct treat_listing *l, enum state_scope scope,
			const struct postern_prefix *prefix, uint64_t until)
{
	char text[ADDR_TEXT];

	table_text(l->table, scope_words[scope]);
	table_text(l->table, prefix_text(prefix, text));
	table_time(l->table, times_wall_of_boot(until));
	table_text(l->table, "in force");
	table_empty(l->table);
	table_empty(l->table);
	table_text(l->table, l->cli->state ? "(not in the state store)" : "");
	table_row(l->table);
}

static bool lapsed(uint64_t until)
{
	return until && until <= clock_boot();
}

static bool in_store(struct treat_listing *l, enum state_scope scope,
		     const struct postern_prefix *prefix)
{
	struct state_treatment t, key = { .scope = scope, .prefix = *prefix };

	return l->cli->state && state_treatment_get(l->cli->state, &key, &t) == 0;
}

static int map_pool_row(void *arg, const struct postern_prefix *key,
			const struct postern_pool *pool)
{
	struct treat_listing *l = arg;

	if ((pool->flags & POSTERN_POOL_OVERRIDE) && pool->treatment == l->treatment &&
	    !lapsed(pool->until) && !in_store(l, STATE_PREFIX, key))
		unknown_row(l, STATE_PREFIX, key, pool->until);
	return 0;
}

/* Lines of subscribers stand in the store by the subscriber. */
static int map_line_row(void *arg, const struct postern_addr *key,
			const struct postern_line *line)
{
	struct treat_listing *l = arg;
	struct postern_prefix prefix = { .addr = *key, .prefix_len = 128 };
	struct postern_pool pool;

	if (line->treatment != l->treatment || lapsed(line->until) ||
	    (line->subscriber && l->cli->state))
		return 0;
	if (steering_pool_match(l->cli->steering, key, &pool) == 0)
		prefix.prefix_len = pool.line_len;
	if (!in_store(l, STATE_LINE, &prefix))
		unknown_row(l, STATE_LINE, &prefix, line->until);
	return 0;
}

static int list_all(struct treat_listing *l)
{
	struct cli *cli = l->cli;
	int err = 0;

	if (cli->state && state_treatment_each(cli->state, treat_row, l))
		return cli_fail("state store: %s", state_error(cli->state));
	if (cli->steering)
		err = steering_pool_each(cli->steering, map_pool_row, l);
	if (cli->steering && !err)
		err = steering_line_each(cli->steering, map_line_row, l);
	return err ? cli_fail("cannot read the maps: %s", strerror(-err)) : CLI_OK;
}

int cmd_treat_list(struct cli *cli)
{
	struct treat_listing l = { .cli = cli, .treatment = treatment_of(cli),
				   .all = cli_option(cli, "all") };
	int status = cli_open(cli);

	if (status)
		return status;
	if (!cli->steering && !cli->state)
		return cli_fail("neither the state store nor steering can be read");
	l.table = table_new(treat_columns, cli->json);
	if (!l.table)
		return cli_fail("out of memory");
	status = list_all(&l);
	table_end(l.table, l.treatment == POSTERN_EXEMPT ? "Nothing is exempt." :
							    "Nothing is refused.");
	return status;
}
