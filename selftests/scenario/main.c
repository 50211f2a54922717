// SPDX-License-Identifier: GPL-2.0
/*
 * Plays scenarios, each in every form: selftests/scenario/README.rst.
 *
 * usage: scenario [-v] [-c CASES] [FILE.scn...] [PART-OF-NAME...]
 *   -v  the dialogue of each, played once and whole
 *   -c  report which of the cases (E numbers) that this file names, or E1 to
 *       E88 while it does not exist, have no scenario
 */
#include <ctype.h>
#include <glob.h>
#include <libgen.h>
#include <unistd.h>

#include "play.h"
#include "stage.h"

#define FOLDER		"selftests/scenario"
#define LAST_CASE	88
#define EVERY_CUT	600	/* octets of a step that is cut behind each */

struct options {
	bool		show;
	const char	*cases;
	const char	*parts[64];	/* of names */
	size_t		part_count;
	bool		all_files;
};

static unsigned long runs;

static bool play_form(struct play *p, struct form form)
{
	p->form = form;
	runs++;
	return play_run(p);
}

static bool play_cuts(struct play *p)
{
	size_t steps = p->steps;

	for (size_t step = 0; step < steps; step++) {
		size_t len = p->step_len[step], stride = 1 + len / EVERY_CUT;

		for (size_t at = 1; at < len; at += stride)
			if (!play_form(p, (struct form){ .step = step, .at = at }))
				return false;
	}
	return true;
}

static bool play_forms(struct play *p)
{
	static const struct form forms[] = {
		{ .step = SIZE_MAX },
		{ .step = SIZE_MAX, .each = 1 },
		{ .step = SIZE_MAX, .each = 7 },
		{ .step = SIZE_MAX, .hurdle = HURDLE_ONE_OCTET },
		{ .step = SIZE_MAX, .hurdle = HURDLE_SHORT },
	};

	if (p->show)
		return play_form(p, forms[0]);
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (!play_form(p, forms[i]))
			return false;
	return play_cuts(p);
}

static bool play_scenario(const struct scenario *s, bool show)
{
	static struct play p;
	struct conf *conf = play_conf(s);
	bool ok;

	if (!conf) {
		printf("not ok scenario: %s - %s:%u its settings\n", s->name, s->file, s->number);
		return false;
	}
	p.scenario = s;
	p.show = show;
	stage_up(conf);
	ok = play_forms(&p);
	stage_down();
	conf_free(conf);
	if (ok)
		printf("ok scenario: %s\n", s->name);
	else
		printf("not ok scenario: %s - %s\n", s->name, p.fault);
	return ok;
}

static bool chosen(const struct options *o, const struct scenario *s)
{
	for (size_t i = 0; i < o->part_count; i++)
		if (strstr(s->name, o->parts[i]))
			return true;
	return !o->part_count;
}

/* Which cases there are: every E number of the file. */
static void read_cases(const char *file, bool cases[SCRIPT_CASES])
{
	FILE *fp = fopen(file, "r");
	char *line = NULL, *at, *end;
	size_t size = 0;
	unsigned long n;

	for (n = 1; !fp && n <= LAST_CASE; n++)
		cases[n] = true;
	while (fp && getline(&line, &size, fp) >= 0) {
		for (at = line; (at = strchr(at, 'E')); at++) {
			n = strtoul(at + 1, &end, 10);
			if (end > at + 1 && isdigit((unsigned char)at[1]) && n < SCRIPT_CASES &&
			    (at == line || !isalnum((unsigned char)at[-1])))
				cases[n] = true;
		}
	}
	free(line);
	if (fp)
		fclose(fp);
}

static bool report_cases(const struct script *s, const char *file)
{
	bool cases[SCRIPT_CASES] = { false }, ok = true;

	read_cases(file, cases);
	for (size_t i = 0; i < s->count; i++)
		for (size_t n = 0; n < SCRIPT_CASES; n++)
			cases[n] &= !s->scenarios[i].cases[n];
	for (size_t n = 0; n < SCRIPT_CASES; n++) {
		if (!cases[n])
			continue;
		printf("%sE%zu", ok ? "not ok scenario: every case has one - none for " : " ", n);
		ok = false;
	}
	printf(ok ? "ok scenario: every case has one\n" : "\n");
	return ok;
}

static bool read_all(struct script *s)
{
	glob_t found;
	bool ok = !glob(FOLDER "/*.scn", 0, NULL, &found);

	for (size_t i = 0; ok && i < found.gl_pathc; i++)
		if (strcmp(found.gl_pathv[i], FOLDER "/blocks.scn") != 0)
			ok = script_read(s, found.gl_pathv[i]);
	globfree(&found);
	return ok;
}

static bool read_options(struct options *o, struct script *s, int argc, char **argv)
{
	int c;

	o->all_files = true;
	while ((c = getopt(argc, argv, "vc:")) >= 0) {
		if (c == 'v')
			o->show = true;
		else if (c == 'c')
			o->cases = optarg;
		else
			return false;
	}
	for (; optind < argc; optind++) {
		const char *end = strrchr(argv[optind], '.');

		if (end && !strcmp(end, ".scn")) {
			o->all_files = false;
			if (!script_read(s, argv[optind]))
				return false;
		} else if (o->part_count < 64) {
			o->parts[o->part_count++] = argv[optind];
		}
	}
	return true;
}

int main(int argc, char **argv)
{
	struct options o = { 0 };
	struct script s = { 0 };
	size_t played = 0;
	bool ok = true;

	if (!script_read(&s, FOLDER "/blocks.scn") || !read_options(&o, &s, argc, argv) ||
	    (o.all_files && !read_all(&s))) {
		printf("not ok scenario: scripts are read - see above\n");
		return 2;
	}
	for (size_t i = 0; i < s.count; i++) {
		if (!chosen(&o, &s.scenarios[i]))
			continue;
		ok &= play_scenario(&s.scenarios[i], o.show);
		played++;
	}
	if (o.cases)
		ok &= report_cases(&s, o.cases);
	printf("# %zu scenarios, %lu runs\n", played, runs);
	script_free(&s);
	return ok && played ? 0 : 1;
}
