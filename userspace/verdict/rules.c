// SPDX-License-Identifier: GPL-2.0
/*
 * Compiles rules. Runs once at start and at each reload, in whatever thread
 * reads the configuration.
 *
 * Flags: a pattern counts once for a message (SINGLEMATCH); ^ and $ mean
 * lines (MULTILINE); patterns are octets, not UTF-8; one that matches nothing
 * at all is refused (no ALLOWEMPTY), as it would match every message.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verdict/rules.h"
#include "verdict/verdict.h"

struct report {
	const char *file;	/* where the rules come from, or NULL */
	char	*text;
	size_t	size;
	size_t	len;
	bool	any;
};

static const struct conf_rule shipped[] = {
#define RULE(name, place, any_case, points, alone, regex, why)			\
	{ .title = name, .where = CONF_WHERE_##place, .caseless = any_case,	\
	  .score = points, .reject = alone, .pattern = regex, .text = why },
#include "tbl/shipped_rules.h"
#undef RULE
};

#define SHIPPED (sizeof(shipped) / sizeof(shipped[0]))

static const unsigned int modes[RULES_WHERE] = {
	[CONF_WHERE_HEADER] = HS_MODE_STREAM,
	[CONF_WHERE_BODY] = HS_MODE_STREAM,
	[CONF_WHERE_URL] = HS_MODE_BLOCK,
};

/* One line of the report: "FILE:LINE: rule NAME: ..." */
__attribute__((format(printf, 3, 4)))
static void report(struct report *r, const struct rule *rule, const char *fmt, ...)
{
	size_t room = r->size - r->len;
	char where[300] = "";
	va_list ap;
	int n;

	if (rule->line && r->file)
		snprintf(where, sizeof(where), "%s:%d: ", r->file, rule->line);
	n = snprintf(r->text + r->len, room, "%s%srule %s: ", r->any ? "\n" : "", where,
		     rule->title);
	r->len += (size_t)n < room ? (size_t)n : room - 1;
	room = r->size - r->len;
	va_start(ap, fmt);
	n = vsnprintf(r->text + r->len, room, fmt, ap);
	va_end(ap);
	r->len += (size_t)n < room ? (size_t)n : room - 1;
	r->any = true;
}

static void rule_fill(struct rule *rule, const struct conf_rule *from)
{
	snprintf(rule->name, sizeof(rule->name), "rules:%s", from->title);
	snprintf(rule->text, sizeof(rule->text), "%s", from->text);
	rule->title = from->title;
	rule->line = from->pattern_line;
	rule->pattern = from->pattern;
	rule->where = (enum conf_where)from->where;
	rule->flags = HS_FLAG_MULTILINE | HS_FLAG_SINGLEMATCH;
	if (from->caseless)
		rule->flags |= HS_FLAG_CASELESS;
	rule->score = (int32_t)from->score;
	rule->reject = from->reject;
}

/* Look at each pattern alone, so that the report names all that are wrong. */
static int rules_check(const struct verdict_rules *r, struct report *err)
{
	for (size_t i = 0; i < r->count; i++) {
		const struct rule *rule = &r->rules[i];
		hs_expr_info_t *info = NULL;
		hs_compile_error_t *error = NULL;

		if (hs_expression_info(rule->pattern, rule->flags, &info, &error) != HS_SUCCESS)
			report(err, rule, "pattern cannot be used: %s",
			       error ? error->message : "no memory");
		else if (info->min_width == 0)
			report(err, rule,
			       "pattern matches the empty string, so it would match every message");
		free(info);
		hs_free_compile_error(error);
	}
	return err->any ? -EINVAL : 0;
}

/* The rules of one place, as columns for the compiler. */
struct columns {
	const char	**patterns;
	unsigned int	*flags;
	unsigned int	*ids;
	unsigned int	count;
};

static void columns_fill(struct columns *c, const struct verdict_rules *r, enum conf_where where)
{
	c->count = 0;
	for (size_t i = 0; i < r->count; i++) {
		if (r->rules[i].where != where)
			continue;
		c->patterns[c->count] = r->rules[i].pattern;
		c->flags[c->count] = r->rules[i].flags;
		c->ids[c->count++] = (unsigned int)i;
	}
}

static int base_compile(struct verdict_rules *r, enum conf_where where, struct columns *c,
			struct report *err)
{
	hs_compile_error_t *error = NULL;
	struct rule all = { .title = "(all)" };
	const struct rule *rule = &all;

	columns_fill(c, r, where);
	if (!c->count)
		return 0;
	if (hs_compile_multi(c->patterns, c->flags, c->ids, c->count, modes[where], NULL,
			     &r->base[where], &error) != HS_SUCCESS) {
		if (error && error->expression >= 0)
			rule = &r->rules[c->ids[error->expression]];
		report(err, rule, "pattern cannot be compiled: %s",
		       error ? error->message : "no memory");
		hs_free_compile_error(error);
		return -EINVAL;
	}
	if (modes[where] == HS_MODE_STREAM)
		r->piece[where] = rules_piece(c->patterns, c->count);
	if (hs_alloc_scratch(r->base[where], &r->scratch) != HS_SUCCESS)
		return -ENOMEM;
	return 0;
}

static int rules_compile(struct verdict_rules *r, struct report *err)
{
	struct columns c = {
		.patterns = calloc(r->count, sizeof(*c.patterns)),
		.flags = calloc(r->count, sizeof(*c.flags)),
		.ids = calloc(r->count, sizeof(*c.ids)),
	};
	int rc = c.patterns && c.flags && c.ids ? 0 : -ENOMEM;

	for (int where = 0; where < RULES_WHERE && !rc; where++)
		rc = base_compile(r, (enum conf_where)where, &c, err);
	free(c.patterns);
	free(c.flags);
	free(c.ids);
	return rc;
}

int verdict_rules_new(const struct conf *conf, struct verdict_rules **out, char *err,
		      size_t err_size)
{
	struct report report = { .file = conf->file, .text = err, .size = err_size };
	struct verdict_rules *r = calloc(1, sizeof(*r));
	int rc = -ENOMEM;

	if (!r)
		return rc;
	r->count = SHIPPED + conf->rule_count;
	r->rules = calloc(r->count, sizeof(*r->rules));
	if (!r->rules)
		goto free_rules;
	for (size_t i = 0; i < r->count; i++)
		rule_fill(&r->rules[i], i < SHIPPED ? &shipped[i] : &conf->rules[i - SHIPPED]);
	rc = rules_check(r, &report);
	if (!rc)
		rc = rules_compile(r, &report);
	if (rc)
		goto free_rules;
	*out = r;
	return 0;

free_rules:
	verdict_rules_free(r);
	return rc;
}

void verdict_rules_free(struct verdict_rules *r)
{
	if (!r)
		return;
	hs_free_scratch(r->scratch);
	for (int where = 0; where < RULES_WHERE; where++)
		hs_free_database(r->base[where]);
	free(r->rules);
	free(r);
}
