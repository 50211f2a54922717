// SPDX-License-Identifier: GPL-2.0
/*
 * postern judge: arguments, files, output. One message is judged at a time, in
 * the order of the arguments; directories are walked in the order of names.
 */
#include <errno.h>
#include <fts.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "judge.h"
#include "out.h"
#include "postern.h"

static const char *const action_words[] = {
	[VERDICT_ACCEPT] = "accept",
	[VERDICT_REJECT] = "reject",
	[VERDICT_TEMPFAIL] = "tempfail",
	[VERDICT_DROP] = "drop",
};

static const char usage[] =
	"Usage: postern judge [--conf FILE] [--class NAME] [--text] FILE...\n"
	"\n"
	"Judges messages as the inspector would, without any network. FILE is a\n"
	"message, an SMTP dialogue (lines \"C: ...\" and \"S: ...\"), a directory of\n"
	"them, or - for one message on standard input. Each message gives one JSON\n"
	"object on a line of its own.\n"
	"\n"
	"  --conf FILE   rules and classes from FILE instead of postern.conf\n"
	"  --class NAME  limits of this class instead of \"default\"\n"
	"  --text        lines for people instead of JSON\n"
	"  --json        JSON, as without it\n"
	"\n"
	"Exit status: 0 all were judged, whatever the verdicts; 1 something could not\n"
	"be read or judged; 2 wrong arguments.\n";

void judge_fail(struct judge *j, const char *file, const char *fmt, ...)
{
	char name[1024], text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fflush(stdout);
	fprintf(stderr, "postern judge: %s: %s\n", out_escape(file, name, sizeof(name)), text);
	j->failed = true;
}

static const char *action_word(const struct judged *m)
{
	return m->no_verdict ? "none" : action_words[m->verdict.action];
}

static void print_json(const struct judged *m)
{
	const struct verdict *v = &m->verdict;
	static char buf[64 * 1024];
	struct json json;

	json_begin(&json, buf, sizeof(buf));
	json_text(&json, "file", m->file);
	if (m->message)
		json_number(&json, "message", m->message);
	json_text(&json, "verdict", action_word(m));
	json_number(&json, "score", v->score);
	json_open(&json, "findings", '[');
	for (uint32_t i = 0; i < v->count; i++) {
		json_open(&json, NULL, '{');
		json_text(&json, "rule", v->findings[i].rule);
		json_number(&json, "score", v->findings[i].score);
		json_flag(&json, "reject", v->findings[i].reject);
		json_text(&json, "detail", v->findings[i].detail);
		json_close(&json, '}');
	}
	json_close(&json, ']');
	json_number(&json, "found", v->found);
	json_flag(&json, "unscanned", v->unscanned);
	if (m->outcome) {
		json_text(&json, "outcome", m->outcome);
		json_number(&json, "reply", m->reply);
	}
	if (json_end(&json) > 0)
		fputs(buf, stdout);
}

static void print_line(const struct judged *m)
{
	const struct verdict *v = &m->verdict;
	char text[4 * FACTS_DETAIL], name[1024];

	printf("%s", out_escape(m->file, name, sizeof(name)));
	if (m->message)
		printf(" message %u", m->message);
	printf(": %s, score %d", action_word(m), v->score);
	if (v->unscanned)
		printf(", not scanned in full");
	if (m->outcome)
		printf(", %s with reply %u", m->outcome, m->reply);
	printf("\n");
	for (uint32_t i = 0; i < v->count; i++) {
		printf("  %s", out_escape(v->findings[i].rule, text, sizeof(text)));
		printf(" %+d%s", v->findings[i].score,
		       v->findings[i].reject ? " and enough alone" : "");
		if (v->findings[i].detail[0])
			printf(": %s", out_escape(v->findings[i].detail, text, sizeof(text)));
		printf("\n");
	}
	if (v->found > v->count)
		printf("  and %u more\n", v->found - v->count);
}

void judge_print(const struct judge *j, const struct judged *m)
{
	if (j->json)
		print_json(m);
	else
		print_line(m);
}

/*
 * Line ends as they would be on the wire: a lone LF or a lone CR becomes CRLF.
 * @cr carries "the last octet was a CR" from block to block. @out has room for
 * twice @len and one more. Returns the octets written.
 */
static size_t to_crlf(const char *in, size_t len, char *out, bool *cr)
{
	size_t made = 0;

	for (size_t i = 0; i < len; i++) {
		if (*cr && in[i] != '\n')
			out[made++] = '\n';
		if (in[i] == '\n' && !*cr)
			out[made++] = '\r';
		out[made++] = in[i];
		*cr = in[i] == '\r';
	}
	return made;
}

/* Read the rest of @in into @scan. Returns 0 or -errno. */
static int feed_file(struct verdict_scan *scan, struct facts *facts, FILE *in)
{
	static char block[32 * 1024], wire[2 * sizeof(block) + 1];
	bool cr = false;
	size_t len, made;

	while ((len = fread(block, 1, sizeof(block), in)) > 0) {
		made = to_crlf(block, len, wire, &cr);
		verdict_scan_feed(scan, wire, made);
		facts->octets += made;
	}
	if (ferror(in))
		return errno ? -errno : -EIO;
	if (cr)
		verdict_scan_feed(scan, "\n", 1);
	return 0;
}

static void judge_message(struct judge *j, const char *file, FILE *in)
{
	struct judged m = { .file = file };
	struct facts facts = { .recipients = 1 };
	struct verdict_scan *scan;
	int rc;

	rc = verdict_scan_new(j->bench, &scan);
	if (rc) {
		judge_fail(j, file, "%s", strerror(-rc));
		return;
	}
	rc = feed_file(scan, &facts, in);
	if (rc) {
		verdict_scan_free(scan);
		judge_fail(j, file, "cannot read: %s", strerror(-rc));
		return;
	}
	verdict_scan_end(scan, &facts, j->conf->classes[j->class_id].reject_score, &m.verdict);
	judge_print(j, &m);
}

/* Is the first line that is no comment one of a dialogue? Leaves @in at its start. */
static bool is_transcript(FILE *in)
{
	char *line = NULL;
	size_t size = 0;
	bool yes = false;

	while (getline(&line, &size, in) > 0) {
		yes = strncmp(line, "S: ", 3) == 0 || strncmp(line, "C: ", 3) == 0;
		if (line[0] != '#')
			break;
	}
	free(line);
	rewind(in);
	return yes;
}

/* Does it begin as a session does, without marks? Judged as one message it would mislead. */
static bool is_unmarked_dialogue(FILE *in)
{
	char start[5] = "";
	size_t len = fread(start, 1, sizeof(start), in);

	rewind(in);
	return len == sizeof(start) && (strncasecmp(start, "EHLO ", 5) == 0 ||
					strncasecmp(start, "HELO ", 5) == 0 ||
					strncmp(start, "220 ", 4) == 0);
}

static void judge_file(struct judge *j, const char *file)
{
	FILE *in = fopen(file, "re");

	if (!in) {
		judge_fail(j, file, "cannot open: %s", strerror(errno));
		return;
	}
	if (is_transcript(in))
		judge_transcript(j, file, in);
	else if (is_unmarked_dialogue(in))
		judge_fail(j, file, "looks like an SMTP dialogue; expected lines that begin with "
			   "\"C: \" for the client and \"S: \" for the exchanger");
	else
		judge_message(j, file, in);
	fclose(in);
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static void judge_entry(struct judge *j, const FTSENT *entry)
{
	switch (entry->fts_info) {
	case FTS_D:
	case FTS_DP:
	case FTS_SL:		/* links within a directory are not followed */
	case FTS_DEFAULT:
		return;
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		judge_fail(j, entry->fts_path, "cannot read: %s", strerror(entry->fts_errno));
		return;
	default:
		judge_file(j, entry->fts_path);
	}
}

static void judge_path(struct judge *j, char *path)
{
	char *paths[] = { path, NULL };
	FTS *tree;
	FTSENT *entry;

	if (strcmp(path, "-") == 0) {
		judge_message(j, path, stdin);
		return;
	}
	tree = fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, by_name);
	if (!tree) {
		judge_fail(j, path, "cannot read: %s", strerror(errno));
		return;
	}
	while ((entry = fts_read(tree)))
		judge_entry(j, entry);
	fts_close(tree);
}

static int judge_open(struct judge *j, const char *conf_file, const char *class)
{
	char err[4096] = "";
	int rc = conf_read(conf_file, &j->conf, err, sizeof(err));

	if (rc) {
		fprintf(stderr, "postern judge: %s\n", err[0] ? err : strerror(-rc));
		return CLI_FAILED;
	}
	j->class_id = conf_class_find(j->conf, class);
	if (j->class_id < 0) {
		judge_fail(j, class, "no such class in the configuration");
		return CLI_USAGE;
	}
	rc = verdict_rules_new(j->conf, &j->rules, err, sizeof(err));
	if (!rc)
		rc = verdict_bench_new(j->rules, &j->bench);
	if (rc)
		fprintf(stderr, "postern judge: %s\n", err[0] ? err : strerror(-rc));
	return rc ? CLI_FAILED : CLI_OK;
}

static void judge_close(struct judge *j)
{
	verdict_bench_free(j->bench);
	verdict_rules_free(j->rules);
	conf_free(j->conf);
}

struct arguments {
	const char *conf_file;
	const char *class;
	bool text;
	bool help;
};

/* Returns the index of the first file, or -1 after saying what is wrong. */
static int read_arguments(int argc, char **argv, struct arguments *a)
{
	static const struct option options[] = {
		{ "conf", required_argument, NULL, 'c' },
		{ "class", required_argument, NULL, 'k' },
		{ "json", no_argument, NULL, 'j' },
		{ "text", no_argument, NULL, 't' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int c;

	optind = 0;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'c')
			a->conf_file = optarg;
		else if (c == 'k')
			a->class = optarg;
		else if (c == 'j' || c == 't')
			a->text = c == 't';
		else if (c == 'h')
			a->help = true;
		else
			return -1;
	}
	if (optind == argc && !a->help) {
		fprintf(stderr, "postern judge: expected at least one FILE\n");
		return -1;
	}
	return optind;
}

int cmd_judge(int argc, char **argv)
{
	struct arguments a = { .class = "default" };
	struct judge j = { 0 };
	int first = read_arguments(argc, argv, &a), status;

	if (first < 0) {
		fputs(usage, stderr);
		return CLI_USAGE;
	}
	if (a.help) {
		fputs(usage, stdout);
		return CLI_OK;
	}
	j.json = !a.text;
	status = judge_open(&j, a.conf_file, a.class);
	for (int i = first; i < argc && !status; i++)
		judge_path(&j, argv[i]);
	judge_close(&j);
	if (status)
		return status;
	return j.failed ? CLI_FAILED : CLI_OK;
}
