// SPDX-License-Identifier: GPL-2.0
/*
 * Reads postern.conf. libconfuse does the grammar; everything that it is told
 * about parameters is generated from the rows of tbl/params.h. All values
 * reach us as text with their line, so that one bad value does not hide the
 * next. Not thread-safe, because libconfuse is not: for start-up and reload.
 */
#include "base/conf.h"

#include <confuse.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/conf_private.h"

#define CONF_MOST_OCTETS	(16 * 1024 * 1024)
#define ROWS(a)			(sizeof(a) / sizeof((a)[0]))

#define ROW(type, name, kind, def, low, high, unit) \
	{ #name, CONF_KIND_##kind, def, low, high, unit, offsetof(struct type, name) },

static const struct conf_param global_params[] = {
#define PARAM_GLOBAL(name, kind, def, low, high, unit, text) \
	ROW(conf, name, kind, def, low, high, unit)
#include "tbl/params.h"
};
static const struct conf_param interface_params[] = {
#define PARAM_INTERFACE(name, kind, def, low, high, unit, text) \
	ROW(conf_interface, name, kind, def, low, high, unit)
#include "tbl/params.h"
};
static const struct conf_param class_params[] = {
#define PARAM_CLASS(name, kind, def, low, high, unit, text) \
	ROW(conf_class, name, kind, def, low, high, unit)
#include "tbl/params.h"
};
static const struct conf_param pool_params[] = {
#define PARAM_POOL(name, kind, def, low, high, unit, text) \
	ROW(conf_pool, name, kind, def, low, high, unit)
#include "tbl/params.h"
};
static const struct conf_param destination_params[] = {
#define PARAM_DESTINATION(name, kind, def, low, high, unit, text) \
	ROW(conf_destination, name, kind, def, low, high, unit)
#include "tbl/params.h"
};
static const struct conf_param rule_params[] = {
#define PARAM_RULE(name, kind, def, low, high, unit, text) \
	ROW(conf_rule, name, kind, def, low, high, unit)
#include "tbl/params.h"
};

/* A kind of titled section. Every struct of one begins with its title. */
struct section {
	const char *name;
	const struct conf_param *params;
	size_t param_count;
	size_t size;		/* of the struct */
	size_t rows_at;		/* offset in struct conf of the array */
	size_t count_at;
	size_t most;
	const char *first;	/* title of the one that is always there, at index 0 */
};

#define SECTION(name, field, most, first) \
	{ #name, name##_params, ROWS(name##_params), sizeof(struct conf_##name), \
	  offsetof(struct conf, field), offsetof(struct conf, name##_count), most, first }

static const struct section sections[] = {
	SECTION(interface, interfaces, 4096, NULL),
	SECTION(class, classes, POSTERN_MAX_CLASSES, "default"),
	SECTION(pool, pools, POSTERN_MAX_POOLS, NULL),
	SECTION(destination, destinations, POSTERN_MAX_DESTINATIONS, NULL),
	SECTION(rule, rules, 10000, NULL),
};

/* A value as written. */
struct given {
	int line;
	char text[];
};

struct conf_origin {
	cfg_t *cfg;
	struct conf_faults *faults;
	bool stopped;		/* the grammar was broken; the rest was not read */
};

/* libconfuse hands no pointer through to its callbacks. */
static struct conf_origin *reading;

void conf_fault(struct conf_faults *f, int line, const char *fmt, ...)
{
	struct conf_fault *rows = reallocarray(f->rows, f->count + 1, sizeof(*rows));
	char *text = NULL;
	va_list args;
	int len;

	if (rows)
		f->rows = rows;
	va_start(args, fmt);
	len = vasprintf(&text, fmt, args);
	va_end(args);
	if (!rows || len < 0) {
		f->no_memory = true;
		if (len >= 0)
			free(text);
		return;
	}
	rows[f->count++] = (struct conf_fault){ line, text };
}

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

static const struct section *section_find(const char *name)
{
	for (size_t i = 0; i < ROWS(sections); i++)
		if (strcmp(sections[i].name, name) == 0)
			return &sections[i];
	return NULL;
}

static void unknown_name(const cfg_t *cfg, const char *name)
{
	const struct section *s = section_find(cfg->name);
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
	for (size_t i = 0; i < ROWS(grammar); i++) {
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
	struct given *g = malloc(sizeof(*g) + size);

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

/* What libconfuse is told of the file. It copies the tables. */
static cfg_t *grammar_new(void)
{
	static cfg_opt_t nothing[] = { CFG_END() };
	cfg_opt_t opts[ROWS(global_params) + ROWS(sections) + 1] = { CFG_END() };
	cfg_opt_t subs[ROWS(sections)][32] = { { CFG_END() } };

	put_params(opts, global_params, ROWS(global_params));
	for (size_t i = 0; i < ROWS(sections); i++) {
		/*
		 * The section of no name, which no file can spell, keeps the
		 * line on which the one around it began.
		 */
		subs[i][0] = (cfg_opt_t)CFG_SEC("", nothing, CFGF_NONE);
		put_params(subs[i] + 1, sections[i].params, sections[i].param_count);
		opts[ROWS(global_params) + i] = (cfg_opt_t)CFG_SEC(sections[i].name, subs[i],
			CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES);
	}
	return cfg_init(opts, CFGF_KEYSTRVAL);
}

static const struct given *given_find(cfg_t *cfg, const char *param)
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
	const struct given *g = cfg && param ? given_find(cfg, param) : NULL;

	if (g)
		return g->line;
	return cfg && kind ? cfg_opt_getnsec(cfg_getnopt(cfg, 0), 0)->line : 0;
}

/* Values of one section, or of the file's own level, into the struct at @base. */
static void fill_params(const struct conf_origin *origin, cfg_t *cfg,
			const struct conf_param *params, size_t count, void *base)
{
	for (size_t i = 0; i < count; i++) {
		const struct given *g = cfg ? given_find(cfg, params[i].name) : NULL;

		conf_default(&params[i], base, origin->faults);
		if (g)
			conf_value(&params[i], g->text, base, g->line, origin->faults);
	}
}

/* Append the section @title, which the file need not have (@cfg NULL), to its array. */
static void fill_section(const struct conf_origin *origin, struct conf *conf,
			 const struct section *s, const char *title, cfg_t *cfg)
{
	size_t *count = (size_t *)((char *)conf + s->count_at);
	char *rows = *(char **)((char *)conf + s->rows_at);
	char *row = rows + (*count)++ * s->size;

	*(char **)row = strdup(title);
	if (!*(char **)row)
		origin->faults->no_memory = true;
	fill_params(origin, cfg, s->params, s->param_count, row);
}

static int fill_sections(const struct conf_origin *origin, struct conf *conf,
			 const struct section *s)
{
	cfg_opt_t *opt = cfg_getopt(origin->cfg, s->name);
	unsigned int given = cfg_opt_size(opt);
	void *rows = calloc(given + 1, s->size);

	if (!rows)
		return -ENOMEM;
	*(void **)((char *)conf + s->rows_at) = rows;
	if (s->first)
		fill_section(origin, conf, s, s->first, cfg_opt_gettsec(opt, s->first));
	for (unsigned int i = 0; i < given; i++) {
		cfg_t *cfg = cfg_opt_getnsec(opt, i);

		if (!s->first || strcmp(cfg_title(cfg), s->first) != 0)
			fill_section(origin, conf, s, cfg_title(cfg), cfg);
	}
	if (*(size_t *)((char *)conf + s->count_at) > s->most)
		conf_fault(origin->faults, 0, "too many sections %s, expected at most %zu",
			   s->name, s->most);
	return 0;
}

static int fill(const struct conf_origin *origin, struct conf *conf)
{
	int err = 0;

	fill_params(origin, origin->cfg, global_params, ROWS(global_params), conf);
	for (size_t i = 0; i < ROWS(sections) && !err; i++)
		err = fill_sections(origin, conf, &sections[i]);
	return err;
}

/* @text is not empty. */
static void parse(struct conf_origin *origin, char *text, size_t len)
{
	FILE *fp = fmemopen(text, len, "r");

	if (!fp) {
		origin->faults->no_memory = true;
		return;
	}
	reading = origin;
	if (cfg_parse_fp(origin->cfg, fp) != CFG_SUCCESS && !origin->stopped)
		origin->faults->no_memory = true;
	fclose(fp);
}

/* The text, cleaned, into @conf; faults are gathered on the way. */
static int build(struct conf *conf, char *text, size_t len, struct conf_faults *faults)
{
	struct conf_origin origin = { .faults = faults };
	int err;

	conf_clean(text, len, faults);
	if (faults->count)
		return 0;
	origin.cfg = grammar_new();
	if (!origin.cfg)
		return -ENOMEM;
	cfg_set_error_function(origin.cfg, on_error);
	if (len)
		parse(&origin, text, len);
	err = fill(&origin, conf);
	if (!err && !origin.stopped && !faults->no_memory)
		conf_check(conf, &origin, faults);
	cfg_free(origin.cfg);
	reading = NULL;
	return err;
}

/* All octets of @fp with a NUL behind them; -errno, -EFBIG. */
static int read_all(FILE *fp, char **text, size_t *len)
{
	*text = malloc(CONF_MOST_OCTETS + 1);
	if (!*text)
		return -ENOMEM;
	*len = fread(*text, 1, CONF_MOST_OCTETS + 1, fp);
	if (ferror(fp))
		return -errno;
	if (*len > CONF_MOST_OCTETS)
		return -EFBIG;
	(*text)[*len] = '\0';
	return 0;
}

static int by_line(const void *a, const void *b)
{
	const struct conf_fault *x = a, *y = b;

	return (x->line > y->line) - (x->line < y->line);
}

/* One line into @err; false when there is no room. */
static bool tell(char **err, size_t *room, const char *file, const struct conf_fault *fault)
{
	char where[16] = "";
	int len;

	if (fault->line)
		snprintf(where, sizeof(where), ":%d", fault->line);
	len = snprintf(*err, *room, "%s%s: %s\n", file, where, fault->text);
	if (len < 0 || (size_t)len >= *room) {
		**err = '\0';
		return false;
	}
	*err += len;
	*room -= (size_t)len;
	return true;
}

/* Every fault that fits into @err; the last line feed is left out. */
static void tell_all(const char *file, struct conf_faults *faults, char *err, size_t room)
{
	char *p = err;

	if (!room)
		return;
	*err = '\0';
	qsort(faults->rows, faults->count, sizeof(faults->rows[0]), by_line);
	for (size_t i = 0; i < faults->count; i++)
		if (!tell(&p, &room, file, &faults->rows[i]))
			break;
	if (p > err)
		p[-1] = '\0';
}

static void faults_free(struct conf_faults *faults)
{
	for (size_t i = 0; i < faults->count; i++)
		free(faults->rows[i].text);
	free(faults->rows);
}

/* @fp NULL: the defaults. */
static int read_file(const char *file, FILE *fp, struct conf *conf, char *err, size_t err_size)
{
	struct conf_faults faults = { 0 };
	char *text = NULL;
	size_t len = 0;
	int rc;

	conf->file = strdup(fp ? file : "");
	rc = !conf->file ? -ENOMEM : fp ? read_all(fp, &text, &len) : 0;
	if (!rc)
		rc = build(conf, text, len, &faults);
	if (!rc && faults.no_memory)
		rc = -ENOMEM;
	if (!rc && faults.count) {
		tell_all(file, &faults, err, err_size);
		rc = -EINVAL;
	} else if (rc) {
		snprintf(err, err_size, "%s: %s", file, strerror(-rc));
	}
	faults_free(&faults);
	free(text);
	return rc;
}

int conf_read(const char *file, struct conf **out, char *err, size_t err_size)
{
	const char *named = file ? file : getenv("POSTERN_CONF");
	const char *path = named && *named ? named : CONF_DEFAULT_FILE;
	struct conf *conf = calloc(1, sizeof(*conf));
	FILE *fp;
	int rc;

	if (!conf) {
		snprintf(err, err_size, "%s: %s", path, strerror(ENOMEM));
		return -ENOMEM;
	}
	fp = fopen(path, "re");
	if (fp || (errno == ENOENT && path != named)) {
		rc = read_file(path, fp, conf, err, err_size);
	} else {
		rc = -errno;
		snprintf(err, err_size, "%s: %s", path, strerror(-rc));
	}
	if (fp)
		fclose(fp);
	if (rc) {
		conf_free(conf);
		return rc;
	}
	*out = conf;
	return 0;
}

static void free_params(const struct conf_param *params, size_t count, void *base)
{
	for (size_t i = 0; i < count; i++)
		if (params[i].kind == CONF_KIND_TEXT)
			free(*(char **)((char *)base + params[i].offset));
}

static void free_sections(struct conf *conf, const struct section *s)
{
	size_t count = *(size_t *)((char *)conf + s->count_at);
	char *rows = *(char **)((char *)conf + s->rows_at);

	for (size_t i = 0; i < count; i++) {
		free(*(char **)(rows + i * s->size));
		free_params(s->params, s->param_count, rows + i * s->size);
	}
	free(rows);
}

void conf_free(struct conf *conf)
{
	if (!conf)
		return;
	for (size_t i = 0; i < ROWS(sections); i++)
		free_sections(conf, &sections[i]);
	free_params(global_params, ROWS(global_params), conf);
	free(conf->file);
	free(conf);
}

unsigned int conf_workers(const struct conf *conf)
{
	long workers = conf->workers ? (long)conf->workers : sysconf(_SC_NPROCESSORS_ONLN);

	if (workers < 1)
		return 1;
	return workers < POSTERN_KEEPER_ROW ? (unsigned int)workers : POSTERN_KEEPER_ROW;
}

int conf_class_find(const struct conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->class_count; i++)
		if (strcmp(conf->classes[i].title, name) == 0)
			return (int)i;
	return -1;
}
