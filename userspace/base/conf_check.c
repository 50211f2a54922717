// SPDX-License-Identifier: GPL-2.0
/* What no row of tbl/params.h can check alone, and the fields derived from titles. */
#include <net/if.h>
#include <string.h>

#include "base/addr.h"
#include "base/conf_private.h"

#define V4_BITS 96	/* of ::ffff:0:0/96, by which mapped lengths exceed IPv4's */

struct check {
	struct conf *conf;
	const struct conf_origin *origin;
	struct conf_faults *faults;
};

static int line_of(const struct check *k, const char *kind, const char *title, const char *param)
{
	return conf_line(k->origin, kind, title, param);
}

/* Text for SMTP replies and header lines. */
static bool is_ascii(const char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			return false;
	return true;
}

static bool is_path(const char *text)
{
	return !*text || *text == '/';
}

#define LETTERS_DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

static bool is_hostname(const char *text)
{
	static const char set[] = LETTERS_DIGITS ".-";

	return !text[strspn(text, set)] && !strstr(text, "..") && *text != '.' && *text != '-';
}

static bool is_word(const char *text)
{
	static const char set[] = LETTERS_DIGITS "_.-";

	return *text && !text[strspn(text, set)];
}

static void check_global_texts(const struct check *k)
{
	const struct {
		const char *name, *value;
		bool (*good)(const char *text);
		const char *expected;
	} rows[] = {
		{ "run_dir", k->conf->run_dir, is_path, "an absolute path" },
		{ "state_dir", k->conf->state_dir, is_path, "an absolute path" },
		{ "event_log", k->conf->event_log, is_path, "an absolute path or nothing" },
		{ "hostname", k->conf->hostname, is_hostname, "a name such as filter.example.net" },
		{ "keeper_user", k->conf->keeper_user, is_word, "the name of a user" },
		{ "inspector_user", k->conf->inspector_user, is_word, "the name of a user" },
		{ "clerk_user", k->conf->clerk_user, is_word, "the name of a user" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (!rows[i].good(rows[i].value))
			conf_fault(k->faults, line_of(k, NULL, NULL, rows[i].name),
				   "%s = \"%s\", expected %s", rows[i].name, rows[i].value,
				   rows[i].expected);
}

static void check_globals(const struct check *k)
{
	const struct conf *c = k->conf;

	check_global_texts(k);
	if (c->mark & ~c->mark_mask)
		conf_fault(k->faults, line_of(k, NULL, NULL, "mark"), "mark = 0x%llx has bits "
			   "outside of mark_mask, expected bits of 0x%llx alone",
			   (unsigned long long)c->mark, (unsigned long long)c->mark_mask);
	if (c->dot_timeout < c->verdict_timeout)
		conf_fault(k->faults, line_of(k, NULL, NULL, "dot_timeout"), "dot_timeout is "
			   "shorter than verdict_timeout, expected at least as long");
}

static void check_interfaces(const struct check *k)
{
	for (size_t i = 0; i < k->conf->interface_count; i++) {
		const char *title = k->conf->interfaces[i].title;

		if (!*title || strlen(title) >= IFNAMSIZ || strpbrk(title, "/ \t:"))
			conf_fault(k->faults, line_of(k, "interface", title, NULL),
				   "interface \"%s\", expected a name of 1 to %d octets without "
				   "/, : and blanks", title, IFNAMSIZ - 1);
	}
}

static void check_class(const struct check *k, const struct conf_class *c)
{
	if (!is_word(c->title) || strlen(c->title) >= POSTERN_CLASS_NAME)
		conf_fault(k->faults, line_of(k, "class", c->title, NULL), "class \"%s\", expected "
			   "1 to %d letters, digits, dots, hyphens and underscores",
			   c->title, POSTERN_CLASS_NAME - 1);
	if (!is_ascii(c->auth_text))
		conf_fault(k->faults, line_of(k, "class", c->title, "auth_text"),
			   "auth_text, expected printable ASCII");
	if (!is_ascii(c->help_url))
		conf_fault(k->faults, line_of(k, "class", c->title, "help_url"),
			   "help_url, expected printable ASCII");
}

/* Parse the title of a pool or destination; false after a fault. */
static bool check_prefix(const struct check *k, const char *kind, const char *title,
			 struct postern_prefix *out)
{
	int err = prefix_parse(title, out);

	if (err)
		conf_fault(k->faults, line_of(k, kind, title, NULL), "%s \"%s\": %s", kind, title,
			   prefix_error(err));
	return !err;
}

/* Titles differ as text already; these are prefixes spelt in two ways. */
static void check_twice(const struct check *k, const char *kind, const char *title,
			const char *other)
{
	conf_fault(k->faults, line_of(k, kind, title, NULL), "%s \"%s\" is the same prefix as "
		   "\"%s\" on line %d, expected one of them", kind, title, other,
		   line_of(k, kind, other, NULL));
}

static bool prefix_equal(const struct postern_prefix *a, const struct postern_prefix *b)
{
	return a->prefix_len == b->prefix_len && addr_equal(&a->addr, &b->addr);
}

static int check_class_name(const struct check *k, const char *kind, const char *title,
			    const char *name)
{
	int id = conf_class_find(k->conf, name);

	if (id < 0)
		conf_fault(k->faults, line_of(k, kind, title, "class"), "class \"%s\" of %s \"%s\" "
			   "is not defined, expected default or a section class \"%s\" { ... }",
			   name, kind, title, name);
	return id;
}

/* A line is one IPv4 address, or an IPv6 prefix no larger than the pool. */
static void check_line(const struct check *k, struct conf_pool *p)
{
	bool v4 = addr_is_v4(&p->prefix.addr) && p->prefix.prefix_len >= V4_BITS;
	int64_t shortest = v4 ? 32 : (int64_t)p->prefix.prefix_len;

	if (p->line == 0)
		p->line = v4 ? 32 : 64;
	if (v4 && p->line != 32)
		conf_fault(k->faults, line_of(k, "pool", p->title, "line"), "line = %lld in IPv4 "
			   "pool \"%s\", expected 32", (long long)p->line, p->title);
	else if (p->line < shortest)
		conf_fault(k->faults, line_of(k, "pool", p->title, "line"), "line = %lld is "
			   "shorter than pool \"%s\", expected %lld to 128", (long long)p->line,
			   p->title, (long long)shortest);
}

static void check_pool(const struct check *k, size_t at)
{
	struct conf_pool *pools = k->conf->pools, *p = &pools[at];

	p->class_id = check_class_name(k, "pool", p->title, p->class);
	if (!check_prefix(k, "pool", p->title, &p->prefix))
		return;
	check_line(k, p);
	for (size_t i = 0; i < at; i++)
		if (prefix_equal(&pools[i].prefix, &p->prefix))
			check_twice(k, "pool", p->title, pools[i].title);
}

static void check_destination(const struct check *k, size_t at)
{
	struct conf_destination *all = k->conf->destinations, *d = &all[at];
	bool by_class = d->rule == POSTERN_DEST_CLASS - POSTERN_DEST_PASS;

	d->class_id = -1;
	if (by_class && !*d->class)
		conf_fault(k->faults, line_of(k, "destination", d->title, "rule"), "destination "
			   "\"%s\" has rule = class, expected class = NAME too", d->title);
	else if (by_class)
		d->class_id = check_class_name(k, "destination", d->title, d->class);
	else if (*d->class)
		conf_fault(k->faults, line_of(k, "destination", d->title, "class"), "destination "
			   "\"%s\" has a class, expected rule = class with it", d->title);
	if (!check_prefix(k, "destination", d->title, &d->prefix))
		return;
	for (size_t i = 0; i < at; i++)
		if (prefix_equal(&all[i].prefix, &d->prefix))
			check_twice(k, "destination", d->title, all[i].title);
}

static void check_rule(const struct check *k, struct conf_rule *r)
{
	r->pattern_line = line_of(k, "rule", r->title, "pattern");
	if (!is_word(r->title) || strlen(r->title) > 40)
		conf_fault(k->faults, line_of(k, "rule", r->title, NULL), "rule \"%s\", expected 1 "
			   "to 40 letters, digits, dots, hyphens and underscores", r->title);
	if (!*r->pattern)
		conf_fault(k->faults, line_of(k, "rule", r->title, "pattern"), "rule \"%s\" has no "
			   "pattern, expected pattern = 'REGULAR EXPRESSION'", r->title);
}

void conf_check(struct conf *conf, const struct conf_origin *origin, struct conf_faults *faults)
{
	const struct check k = { conf, origin, faults };

	check_globals(&k);
	check_interfaces(&k);
	for (size_t i = 0; i < conf->class_count; i++)
		check_class(&k, &conf->classes[i]);
	for (size_t i = 0; i < conf->pool_count; i++)
		check_pool(&k, i);
	for (size_t i = 0; i < conf->destination_count; i++)
		check_destination(&k, i);
	for (size_t i = 0; i < conf->rule_count; i++)
		check_rule(&k, &conf->rules[i]);
}
