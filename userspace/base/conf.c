// SPDX-License-Identifier: GPL-2.0
/*
 * Reads postern.conf: the text is cleaned (conf_clean.c), parsed (conf_grammar.c),
 * put into its structs by the rows of tbl/params.h (conf_rows.c, conf_value.c)
 * and checked across them (conf_check.c). One bad value does not hide the next.
 */
#include "base/conf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/conf_private.h"

#define CONF_MOST_OCTETS	(16 * 1024 * 1024)
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

/* Values of one section, or of the file's own level, into the struct at @base. */
static void fill_params(const struct conf_origin *origin, cfg_t *cfg,
			const struct conf_param *params, size_t count, void *base)
{
	for (size_t i = 0; i < count; i++) {
		const struct conf_given *g = cfg ? conf_given(cfg, params[i].name) : NULL;

		conf_default(&params[i], base, origin->faults);
		if (g)
			conf_value(&params[i], g->text, base, g->line, origin->faults);
	}
}

/* Append the section @title, which the file need not have (@cfg NULL), to its array. */
static void fill_section(const struct conf_origin *origin, struct conf *conf,
			 const struct conf_section *s, const char *title, cfg_t *cfg)
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
			 const struct conf_section *s)
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

	fill_params(origin, origin->cfg, conf_globals, conf_global_count, conf);
	for (size_t i = 0; i < CONF_SECTIONS && !err; i++)
		err = fill_sections(origin, conf, &conf_sections[i]);
	return err;
}

/* The text, cleaned, into @conf; faults are gathered on the way. */
static int build(struct conf *conf, char *text, size_t len, struct conf_faults *faults)
{
	struct conf_origin origin = { .faults = faults };
	int err;

	conf_clean(text, len, faults);
	if (faults->count)
		return 0;
	err = conf_parse(&origin, text, len);
	if (err)
		return err;
	err = fill(&origin, conf);
	if (!err && !origin.stopped && !faults->no_memory)
		conf_check(conf, &origin, faults);
	conf_parse_end(&origin);
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

static void free_sections(struct conf *conf, const struct conf_section *s)
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
	for (size_t i = 0; i < CONF_SECTIONS; i++)
		free_sections(conf, &conf_sections[i]);
	free_params(conf_globals, conf_global_count, conf);
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
