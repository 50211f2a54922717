// SPDX-License-Identifier: GPL-2.0
/* Pools and classes. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "out.h"
#include "postern.h"
#include "times.h"

/* "25%" or "25". */
static int share(const struct cli *cli, const char *what, const char *text, unsigned long *out)
{
	char digits[8] = "";
	size_t len = strlen(text);

	if (len && text[len - 1] == '%')
		len--;
	if (len < sizeof(digits)) {
		memcpy(digits, text, len);
		digits[len] = '\0';
		if (strspn(digits, "0123456789") == len && len)
			return cli_number(cli, what, digits, 0, 100, out);
	}
	return cli_usage(cli, "%s %s: expected a share from 0%% to 100%%", what, text);
}

/* The length of a line in mapped bits: at least the prefix, at most an address. */
static int line_length(const struct cli *cli, const struct postern_prefix *prefix,
		       struct postern_pool *pool)
{
	const char *text = cli_option(cli, "line");
	unsigned int skip = addr_is_v4(&prefix->addr) ? 96 : 0;
	unsigned long bits = skip ? 32 : 64;
	int status;

	if (!text && prefix->prefix_len > bits + skip)
		bits = prefix->prefix_len - skip;
	if (text) {
		status = cli_number(cli, "--line", text, prefix->prefix_len - skip, 128 - skip,
				    &bits);
		if (status)
			return status;
	}
	pool->line_len = (__u8)(bits + skip);
	return CLI_OK;
}

static int pool_arguments(const struct cli *cli, struct postern_prefix *prefix,
			  struct postern_pool *pool)
{
	const char *treatment = cli_option(cli, "treatment"), *part = cli_option(cli, "rollout");
	unsigned int word = 0;
	unsigned long rollout = 100;
	int status = cli_prefix(cli, cli->argv[0], prefix);

	if (!status)
		status = line_length(cli, prefix, pool);
	/* Without "inherit": a pool has nothing to inherit from. */
	if (!status && treatment)
		status = cli_word(cli, "--treatment", treatment, treatment_words + POSTERN_STEER,
				  &word);
	if (!status && part)
		status = share(cli, "--rollout", part, &rollout);
	pool->treatment = (__u8)(word + POSTERN_STEER);
	pool->prefix_len = (__u8)prefix->prefix_len;
	pool->rollout = (__u8)rollout;
	pool->flags = cli_option(cli, "block-inbound") ? POSTERN_POOL_BLOCK_INBOUND : 0;
	return status;
}

int cmd_pool_add(struct cli *cli)
{
	const char *class = cli_option(cli, "class");
	struct postern_pool pool = { 0 };
	struct postern_prefix prefix;
	unsigned int class_id;
	char text[ADDR_TEXT];
	int status = pool_arguments(cli, &prefix, &pool);

	if (!status)
		status = cli_open(cli);
	if (status)
		return status;
	if (change_class_find(&cli->change, class ? class : "default", &class_id))
		return cli_fail("%s", cli->change.error);
	pool.class = (__u8)class_id;
	if (change_pool_set(&cli->change, &prefix, &pool))
		return cli_fail("%s", cli->change.error);
	return cli_done(cli, "pool %s: %s, class %s, lines of /%u, enforced for %u%%",
			prefix_text(&prefix, text), treatment_words[pool.treatment],
			class ? class : "default",
			pool.line_len - (addr_is_v4(&prefix.addr) ? 96U : 0U), pool.rollout);
}

int cli_delete(struct cli *cli, int (*del)(struct change *c, const struct postern_prefix *prefix,
					   bool *from_file), const char *done)
{
	struct postern_prefix prefix;
	bool from_file = false;
	char text[ADDR_TEXT];
	int status = cli_prefix(cli, cli->argv[0], &prefix);

	if (!status)
		status = cli_open(cli);
	if (status)
		return status;
	if (del(&cli->change, &prefix, &from_file))
		return cli_fail("%s", cli->change.error);
	prefix_text(&prefix, text);
	if (from_file)
		cli_note("%s comes from %s: unless it is removed there, the next `postern up` "
			 "brings it back", text, cli->change.conf_file);
	return cli_done(cli, "%s %s", text, done);
}

int cmd_pool_del(struct cli *cli)
{
	return cli_delete(cli, change_pool_del, "is no pool any more: its lines are not filtered");
}

int cmd_pool_rollout(struct cli *cli)
{
	struct postern_prefix prefix;
	bool from_file = false;
	unsigned long rollout;
	char text[ADDR_TEXT];
	int status = cli_prefix(cli, cli->argv[0], &prefix);

	if (!status)
		status = share(cli, "rollout", cli->argv[1], &rollout);
	if (!status)
		status = cli_open(cli);
	if (status)
		return status;
	if (change_pool_rollout(&cli->change, &prefix, (unsigned int)rollout, &from_file))
		return cli_fail("%s", cli->change.error);
	prefix_text(&prefix, text);
	if (from_file)
		cli_note("%s comes from %s: the next `postern up` sets it as it is there", text,
			 cli->change.conf_file);
	return cli_done(cli, "pool %s: enforced for %lu%% of its lines, the rest in shadow", text,
			rollout);
}

static const struct column pool_columns[] = {
	{ "prefix", "POOL", false },
	{ "treatment", "TREATMENT", false },
	{ "class", "CLASS", false },
	{ "line", "LINE", true },
	{ "rollout", "ENFORCED", true },
	{ "block_inbound", "BLOCK-INBOUND", false },
	{ "source", "SOURCE", false },
	{ 0 },
};

struct listing {
	struct cli *cli;
	struct table *table;
};

static int pool_row(void *arg, const struct postern_prefix *key,
		    const struct postern_pool *pool)
{
	struct listing *l = arg;
	char text[ADDR_TEXT], class[POSTERN_CLASS_NAME] = "";

	if (pool->flags & POSTERN_POOL_OVERRIDE)
		return 0;
	change_class_name(&l->cli->change, pool->class, class);
	table_text(l->table, prefix_text(key, text));
	table_text(l->table, pool->treatment <= POSTERN_REFUSE ?
		   treatment_words[pool->treatment] : "?");
	table_text(l->table, class);
	table_number(l->table, pool->line_len - (addr_is_v4(&key->addr) ? 96 : 0));
	table_share(l->table, pool->rollout);
	table_flag(l->table, pool->flags & POSTERN_POOL_BLOCK_INBOUND);
	table_text(l->table, pool->flags & POSTERN_POOL_CONF ? "file" : "hand");
	table_row(l->table);
	return 0;
}

int cmd_pool_list(struct cli *cli)
{
	struct listing l = { .cli = cli };
	int err, status = cli_open(cli);

	if (status)
		return status;
	l.table = table_new(pool_columns, cli->json);
	if (!l.table)
		return cli_fail("out of memory");
	err = steering_pool_each(cli->steering, pool_row, &l);
	table_end(l.table, "There is no pool: nothing is filtered.");
	return err ? cli_fail("cannot read the pools: %s", strerror(-err)) : CLI_OK;
}

static const struct column class_columns[] = {
	{ "number", "", true },
	{ "name", "CLASS", false },
	{ "fail", "FAIL", false },
	{ "mode", "MODE", false },
	{ "syn_rate", "CONNECTIONS/S", true },
	{ "syn_burst", "BURST", true },
	{ 0 },
};

static void class_row(struct table *t, unsigned int id, const struct postern_class *class)
{
	table_number(t, id);
	table_text(t, class->name);
	table_text(t, class->fail == POSTERN_FAIL_OPEN ? "open" : "reset");
	table_text(t, class->mode == POSTERN_SHADOW ? "shadow" : "enforce");
	if (class->syn_interval) {
		/* Rounded: the interval was, when it was made from the rate. */
		table_number(t, (int64_t)((1000000000 + class->syn_interval / 2) /
					  class->syn_interval));
		table_number(t, (int64_t)(class->syn_tolerance / class->syn_interval));
	} else {
		table_empty(t);
		table_empty(t);
	}
	table_row(t);
}

int cmd_class_list(struct cli *cli)
{
	struct postern_class class;
	struct table *t;
	int status = cli_open(cli);

	if (status)
		return status;
	t = table_new(class_columns, cli->json);
	if (!t)
		return cli_fail("out of memory");
	for (unsigned int id = 0; id < POSTERN_MAX_CLASSES; id++)
		if (steering_class_get(cli->steering, id, &class) == 0 && class.name[0])
			class_row(t, id, &class);
	table_end(t, "No class is loaded.");
	return CLI_OK;
}
