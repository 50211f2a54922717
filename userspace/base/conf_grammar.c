// SPDX-License-Identifier: GPL-2.0
/*
 * The grammar of postern.conf, which is libconfuse's: its tables from our rows,
 * its complaints in our words. All values are text with a line here. Not
 * thread-safe, because libconfuse is not.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf_private.h"

/* libconfuse hands no pointer through to its callbacks. */
static struct conf_origin *reading;

/* libconfuse's words for a broken grammar, and what the operator is told instead. */
static const struct {
	const char *begins;
	const char *told;		/* %1$s: the name or token it speaks of */
} grammar[] = {
	{ "missing equal sign", "\"%1$s\" stands without =, expected NAME = VALUE" },
	{ "missing title", "%1$s stands without a title, expected %1$s \"TITLE\" { ... }" },
	{ "missing opening brace", "%1$s stands without {, expected %1$s \"TITLE\" { ... }" },
	{ "found duplicate title", "second section \"%1$s\" of its kind, expected one" },
	{ "unexpected", "unexpected \"%1$s\", expected NAME = VALUE or a section" },
	{ "premature end of file", "file ends before a value" },
};

static void list_names(const struct conf_param *params, size_t count, char *out, size_t size)
{
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < count && len < size; i++)
		len += (size_t)snprintf(out + len, size - len, "%s%s",
					i == 0 ? "" : i + 1 < count ? ", " : " or ",
					params[i].name);
}

static const struct conf_section *section_find(const char *name)
{
	for (size_t i = 0; i < CONF_SECTIONS; i++)
		if (strcmp(conf_sections[i].name, name) == 0)
			return &conf_sections[i];
	return NULL;
}

static void unknown_name(const cfg_t *cfg, const char *name)
{
	const struct conf_section *s = section_find(cfg->name);
	char names[512];

	if (s) {
		list_names(s->params, s->param_count, names, sizeof(names));
		conf_fault(reading->faults, cfg->line, "unknown parameter \"%s\" in %s, "
			   "expected %s", name, s->name, names);
	} else {
		conf_fault(reading->faults, cfg->line, "unknown parameter or section \"%s\", "
			   "expected one of postern.conf(5)", name);
	}
}

/*
 * libconfuse takes an unknown name for a parameter and then misses its equal
 * sign. Was that so on this line? Then it was meant as a section.
 */
static bool unknown_section(const cfg_t *cfg, const char *fmt, const char *name)
{
	const struct conf_faults *f = reading->faults;
	struct conf_fault *last = f->count ? &f->rows[f->count - 1] : NULL;
	char *text;

	if (strncmp(fmt, "missing equal sign", 18) != 0 || !last || last->line != cfg->line ||
	    strncmp(last->text, "unknown ", 8) != 0)
		return false;
	if (asprintf(&text, "unknown section \"%s\", expected interface, class, pool, destination "
		     "or rule", name) < 0)
		return false;
	free(last->text);
	last->text = text;
	return true;
}

/* libconfuse found a fault. An unknown name alone does not end its reading. */
static void on_error(cfg_t *cfg, const char *fmt, va_list args)
{
	const char *name = strchr(fmt, '%') ? va_arg(args, const char *) : "";

	if (strncmp(fmt, "no such option", 14) == 0) {
		unknown_name(cfg, name);
		return;
	}
	reading->stopped = true;
	if (unknown_section(cfg, fmt, name))
		return;
	for (size_t i = 0; i < sizeof(grammar) / sizeof(grammar[0]); i++) {
		if (strncmp(fmt, grammar[i].begins, strlen(grammar[i].begins)) == 0) {
			conf_fault(reading->faults, cfg->line, grammar[i].told, name);
			return;
		}
	}
	conf_fault(reading->faults, cfg->line, "cannot be read near \"%s\"", name);
}

/* Keep a value with its line. The option's comment, which we do not use, marks it as given. */
static int on_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	size_t size = strlen(value) + 1;
	struct conf_given *g = malloc(sizeof(*g) + size);

	if (!g) {
		reading->faults->no_memory = true;
		return -1;
	}
	if (opt->comment)
		conf_fault(reading->faults, cfg->line, "%s is given a second time", opt->name);
	cfg_opt_setcomment(opt, (char *)"given");
	g->line = cfg->line;
	memcpy(g->text, value, size);
	*(void **)result = g;
	return 0;
}

static void put_params(cfg_opt_t *opts, const struct conf_param *params, size_t count)
{
	for (size_t i = 0; i < count; i++)
		opts[i] = (cfg_opt_t)CFG_PTR_CB(params[i].name, 0, CFGF_NODEFAULT, on_value, free);
}

/* The section of no name, which no file can spell, keeps the line on which the outer one began. */
static void put_section(cfg_opt_t *opt, cfg_opt_t *subs, const struct conf_section *s)
{
	static cfg_opt_t nothing[] = { CFG_END() };

	subs[0] = (cfg_opt_t)CFG_SEC("", nothing, CFGF_NONE);
	put_params(subs + 1, s->params, s->param_count);
	*opt = (cfg_opt_t)CFG_SEC(s->name, subs, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES);
}

/* What libconfuse is told of the file; it copies the tables. Zeroes end a table. */
static cfg_t *grammar_new(void)
{
	cfg_opt_t *opts = calloc(conf_global_count + CONF_SECTIONS + 1, sizeof(*opts));
	cfg_opt_t (*subs)[CONF_MOST_PARAMS + 2] = calloc(CONF_SECTIONS, sizeof(*subs));
	cfg_t *cfg = NULL;

	if (opts && subs) {
		put_params(opts, conf_globals, conf_global_count);
		for (size_t i = 0; i < CONF_SECTIONS; i++)
			put_section(&opts[conf_global_count + i], subs[i], &conf_sections[i]);
		cfg = cfg_init(opts, CFGF_KEYSTRVAL);
	}
	free(opts);
	free(subs);
	return cfg;
}

const struct conf_given *conf_given(cfg_t *cfg, const char *param)
{
	cfg_opt_t *opt = cfg_getopt(cfg, param);

	return opt && opt->nvalues ? opt->values[0]->ptr : NULL;
}

static cfg_t *section_get(const struct conf_origin *origin, const char *kind, const char *title)
{
	return cfg_opt_gettsec(cfg_getopt(origin->cfg, kind), title);
}

int conf_line(const struct conf_origin *origin, const char *kind, const char *title,
	      const char *param)
{
	cfg_t *cfg = kind ? section_get(origin, kind, title) : origin->cfg;
	const struct conf_given *g = cfg && param ? conf_given(cfg, param) : NULL;

	if (g)
		return g->line;
	return cfg && kind ? cfg_opt_getnsec(cfg_getnopt(cfg, 0), 0)->line : 0;
}

static void parse(struct conf_origin *origin, char *text, size_t len)
{
	FILE *fp = fmemopen(text, len, "r");

	if (!fp) {
		origin->faults->no_memory = true;
		return;
	}
	if (cfg_parse_fp(origin->cfg, fp) != CFG_SUCCESS && !origin->stopped)
		origin->faults->no_memory = true;
	fclose(fp);
}

int conf_parse(struct conf_origin *origin, char *text, size_t len)
{
	origin->cfg = grammar_new();
	if (!origin->cfg)
		return -ENOMEM;
	cfg_set_error_function(origin->cfg, on_error);
	reading = origin;
	if (len)		/* fmemopen() refuses an empty one */
		parse(origin, text, len);
	return 0;
}

void conf_parse_end(struct conf_origin *origin)
{
	cfg_free(origin->cfg);
	reading = NULL;
}
