// SPDX-License-Identifier: GPL-2.0
/* The settings of a scenario: rows of tbl/params.h, and who talks to whom. */
#include <string.h>

#include "base/addr.h"
#include "base/conf_private.h"
#include "play.h"
#include "stage.h"

/* What most scenarios want: replies that are short to write down. */
static const char *const defaults[] = {
	"client 10.64.0.2",
	"server 198.51.100.25",
	"port 25",
	"received false",
	"auth_text use port 587",
	"help_url http://help.example/",
};

static const struct conf_param *find(const struct conf_param *rows, size_t count,
				     const char *name, size_t len)
{
	for (size_t i = 0; i < count; i++)
		if (strlen(rows[i].name) == len && !memcmp(rows[i].name, name, len))
			return &rows[i];
	return NULL;
}

static const struct conf_section *class_section(void)
{
	for (size_t i = 0; i < CONF_SECTIONS; i++)
		if (!strcmp(conf_sections[i].name, "class"))
			return &conf_sections[i];
	return NULL;
}

/* A parameter of the class, else a global one. */
static bool set_param(struct conf *conf, const char *name, size_t len, const char *value)
{
	const struct conf_section *class = class_section();
	const struct conf_param *p = find(class->params, class->param_count, name, len);
	struct conf_faults faults = { 0 };
	void *base = &conf->classes[0];

	if (!p) {
		p = find(conf_globals, conf_global_count, name, len);
		base = conf;
	}
	if (!p)
		return false;
	if (conf_value(p, value, base, 0, &faults)) {
		fprintf(stderr, "%s\n", faults.count ? faults.rows[0].text : "no memory");
		return false;
	}
	return true;
}

static bool word_is(const char *text, size_t len, const char *word)
{
	return strlen(word) == len && !memcmp(word, text, len);
}

static bool set(struct conf *conf, const char *text)
{
	size_t len = strcspn(text, " ");
	const char *value = text[len] ? text + len + 1 : "";

	if (word_is(text, len, "client"))
		return !addr_parse(value, &stage.client);
	if (word_is(text, len, "server"))
		return !addr_parse(value, &stage.server);
	if (word_is(text, len, "port")) {
		stage.port = (unsigned int)strtoul(value, NULL, 10);
		return true;
	}
	return set_param(conf, text, len, value);
}

struct conf *play_conf(const struct scenario *s)
{
	struct conf *conf;
	char err[512];

	if (conf_read("/dev/null", &conf, err, sizeof(err))) {
		fprintf(stderr, "%s\n", err);
		return NULL;
	}
	for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++)
		set(conf, defaults[i]);
	for (size_t i = 0; i < s->count; i++) {
		if (s->lines[i].kind != 's' || set(conf, s->lines[i].text.data))
			continue;
		fprintf(stderr, "%s:%u: cannot be set: %s\n", s->file, s->lines[i].number,
			s->lines[i].text.data);
		conf_free(conf);
		return NULL;
	}
	return conf;
}
