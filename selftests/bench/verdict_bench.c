// SPDX-License-Identifier: GPL-2.0
/*
 * How fast one thread judges content. Messages of several kinds, of wanted
 * mail and of the worst that somebody may send, are made here.
 *
 *   verdict_bench [--octets N] [--rules N] [KIND...]   MB/s of each kind
 *   verdict_bench --once KIND [--octets N]	one message, for callgrind
 *
 * --rules adds so many operator's rules of each place.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "verdict/verdict.h"

#define BLOCK	(16 * 1024)		/* as a session reads */
#define SECONDS	0.5

#define PROSE								\
	"The committee met again on Tuesday and moved the date; details at\r\n" \
	"https://www.example.org/minutes/2024/05?item=7 and in the folder.\r\n" \
	"If you cannot come, tell Anne (anne@example.org) before Friday.\r\n"
#define HTML								\
	"<tr><td style=\"font-family:Arial;color:#333\">"		\
	"<a href=\"https://news.example.com/r/?u=https%3A%2F%2Fexample.com%2Fa&amp;id=99\">" \
	"<img src=\"//img.example.com/a.png\" width=\"1\"></a>"	\
	"&nbsp;Read&#8217;s more</td></tr>\r\n"
#define QUOTED								\
	"<td style=3D\"font-family:Arial;color:#333\"><a href=3D\"https://news.e=\r\n" \
	"xample.com/r/?u=3D1&amp;id=3D99\">caf=C3=A9</a>&nbsp;Read more</td>=20\r\n"
#define BASE64	"PHRkIHN0eWxlPSJmb250LWZhbWlseTpBcmlhbCI+PGEgaHJlZj0iaHR0cHM6Ly9leGFtcGxl\r\n"
#define MIXED	"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"

struct kind {
	const char	*name;
	const char	*head;
	const char	*body;		/* repeated */
	bool		wanted;		/* as real mail is */
};

static const struct kind kinds[] = {
	{ "prose", "Subject: minutes\r\n\r\n", PROSE, true },
	{ "html", "Content-Type: text/html\r\n\r\n", HTML, true },
	{ "quoted", "Content-Type: text/html\r\n"
	  "Content-Transfer-Encoding: quoted-printable\r\n\r\n", QUOTED, true },
	{ "base64", "Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n",
	  BASE64, true },
	{ "multipart", MIXED "\r\n", PROSE, true },
	{ "picture", MIXED "Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n",
	  BASE64, true },
	{ "fields", "", "X-Field: some value that nobody reads\r\n", false },
	{ "folds", "Content-Type: multipart/mixed;\r\n", "\tboundary=\"\r\n", false },
	{ "broken-fields", "Subject: x\r\n", "no colon here", false },
	{ "schemes", "\r\n", "http://", false },
	{ "half-schemes", "\r\n", "http:/", false },
	{ "words", "\r\n", " www.", false },
	{ "one-host", "\r\nhttp://", "a", false },
	{ "one-path", "\r\nhttp://a/", "/", false },
	{ "users", "\r\nhttp://", "a.com@", false },
	{ "percent", "\r\nhttp://", "%61", false },
	{ "short-urls", "\r\n", "http://%61 ", false },
	{ "ampersands", "Content-Type: text/html\r\n\r\n", "&", false },
	{ "references", "Content-Type: text/html\r\n\r\nhttp://", "&#x61;", false },
	{ "half-references", "Content-Type: text/html\r\n\r\n", "&#00000000", false },
	{ "gtube", "\r\n", "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34Y",
	  false },
	{ "equals", "Content-Transfer-Encoding: quoted-printable\r\n\r\n", "=", false },
	{ "zeros", "Content-Transfer-Encoding: base64\r\n\r\n", "A", false },
	{ "padding", "Content-Transfer-Encoding: base64\r\n\r\n", "AA==", false },
	{ "dashes", MIXED "\r\n", "--\r\n", false },
	{ "half-boundaries", MIXED "\r\n", "--bb\r\n", false },
	{ "boundaries", MIXED "\r\n", "--b\r\n", false },
	{ "nested", "", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n", false },
	{ "messages", "", "Content-Type: message/rfc822\r\n\r\n", false },
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

struct message {
	char	*text;
	size_t	len;
};

static struct message make(const struct kind *k, size_t octets)
{
	struct message m = { .text = malloc(octets + 512) };
	size_t body = strlen(k->body);

	if (!m.text)
		exit(1);
	m.len = strlen(k->head);
	memcpy(m.text, k->head, m.len);
	while (m.len < octets) {
		memcpy(m.text + m.len, k->body, body);
		m.len += body;
	}
	return m;
}

static void judge(struct verdict_bench *bench, const struct message *m)
{
	struct facts facts = { .octets = m->len };
	struct verdict_scan *scan;
	struct verdict v;

	if (verdict_scan_new(bench, &scan))
		exit(1);
	for (size_t at = 0; at < m->len; at += BLOCK)
		verdict_scan_feed(scan, m->text + at, m->len - at < BLOCK ? m->len - at : BLOCK);
	verdict_scan_end(scan, &facts, 100, &v);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void measure(struct verdict_bench *bench, const struct kind *k, size_t octets)
{
	struct message m = make(k, octets);
	double start = now(), spent;
	size_t count = 0;

	do {
		judge(bench, &m);
		count++;
		spent = now() - start;
	} while (spent < SECONDS);
	printf("verdict %-16s %-7s %8.0f MB/s %10.1f us/message\n", k->name,
	       k->wanted ? "wanted" : "hostile", (double)(m.len * count) / spent / 1e6,
	       spent / (double)count * 1e6);
	free(m.text);
}

/* Rules as an operator may write them: words, and hosts. */
static struct conf_rule *make_rules(size_t count)
{
	struct conf_rule *rules = calloc(3 * count + 1, sizeof(*rules));
	char text[96];

	for (size_t i = 0; rules && i < 3 * count; i++) {
		size_t n = i / 3;

		snprintf(text, sizeof(text), i % 3 == CONF_WHERE_URL ?
			 "^https?://([a-z0-9-]+\\.)*blocked%zu\\.example/" :
			 "pill[s5]? no\\.? ?%zu\\b.{0,20}cheap", n);
		rules[i] = (struct conf_rule){ .title = strdup(text), .text = strdup(""),
			.pattern = strdup(text), .where = (int)(i % 3), .caseless = true,
			.score = 1 };
	}
	return rules;
}

static const struct kind *kind_find(const char *name)
{
	for (size_t i = 0; i < KINDS; i++) {
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	}
	fprintf(stderr, "verdict_bench: %s: expected one of", name);
	for (size_t i = 0; i < KINDS; i++)
		fprintf(stderr, " %s", kinds[i].name);
	fprintf(stderr, "\n");
	exit(2);
}

struct arguments {
	const char *once;
	size_t octets, rules;
};

static void read_arguments(int argc, char **argv, struct arguments *a)
{
	static const struct option options[] = {
		{ "octets", required_argument, NULL, 'o' },
		{ "rules", required_argument, NULL, 'r' },
		{ "once", required_argument, NULL, '1' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'o')
			a->octets = strtoul(optarg, NULL, 10);
		else if (c == 'r')
			a->rules = strtoul(optarg, NULL, 10);
		else if (c == '1')
			a->once = optarg;
		else
			exit(2);
	}
}

static struct verdict_bench *bench_open(size_t rules)
{
	struct conf conf = { .rules = make_rules(rules), .rule_count = 3 * rules };
	struct verdict_rules *compiled;
	struct verdict_bench *bench;
	char err[512] = "";

	if (!conf.rules || verdict_rules_new(&conf, &compiled, err, sizeof(err)) ||
	    verdict_bench_new(compiled, &bench)) {
		fprintf(stderr, "verdict_bench: %s\n", err);
		exit(1);
	}
	return bench;
}

int main(int argc, char **argv)
{
	struct arguments a = { .octets = 100 * 1000 };
	struct verdict_bench *bench;

	read_arguments(argc, argv, &a);
	bench = bench_open(a.rules);
	if (a.once) {
		struct message m = make(kind_find(a.once), a.octets);

		judge(bench, &m);
		return 0;
	}
	for (size_t i = 0; i < KINDS && optind == argc; i++)
		measure(bench, &kinds[i], a.octets);
	for (int i = optind; i < argc; i++)
		measure(bench, kind_find(argv[i]), a.octets);
	return 0;
}
