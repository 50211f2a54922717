// SPDX-License-Identifier: GPL-2.0
/* The verdict as a whole: rules, early rejection, limits, reuse of scans. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "verdict/verdict.h"

#define GTUBE "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"

#define RULE(name, place, regex, points, ...)					\
	{ .title = (char *)(name), .where = CONF_WHERE_##place,			\
	  .pattern = (char *)(regex), .text = (char *)"", .score = (points), __VA_ARGS__ }

struct engine {
	struct verdict_rules *rules;
	struct verdict_bench *bench;
};

static void engine_open(struct engine *e, struct conf_rule *rows, size_t count)
{
	struct conf conf = { .rules = rows, .rule_count = count };
	char err[256] = "";

	cr_assert_eq(verdict_rules_new(&conf, &e->rules, err, sizeof(err)), 0, "%s", err);
	cr_assert_eq(verdict_bench_new(e->rules, &e->bench), 0);
}

static void engine_close(struct engine *e)
{
	verdict_bench_free(e->bench);
	verdict_rules_free(e->rules);
}

/* Judge @text fed in steps of @step octets. */
static struct verdict judge(struct engine *e, const char *text, size_t step)
{
	struct facts facts = { 0 };
	struct verdict_scan *scan;
	struct verdict v;
	size_t len = strlen(text);

	cr_assert_eq(verdict_scan_new(e->bench, &scan), 0);
	for (size_t at = 0; at < len; at += step)
		verdict_scan_feed(scan, text + at, len - at < step ? len - at : step);
	verdict_scan_end(scan, &facts, 100, &v);
	return v;
}

static bool has(const struct verdict *v, const char *rule)
{
	for (uint32_t i = 0; i < v->count; i++) {
		if (strcmp(v->findings[i].rule, rule) == 0)
			return true;
	}
	return false;
}

Test(verdict, plain_message_is_accepted)
{
	struct engine e;
	struct verdict v;

	engine_open(&e, NULL, 0);
	v = judge(&e, "Subject: hi\r\n\r\nSee http://www.example.com/a?b=c.\r\n", 1);
	cr_expect_eq(v.action, VERDICT_ACCEPT);
	cr_expect_eq(v.found, 0);
	cr_expect_eq(v.score, 0);
	cr_expect_not(v.unscanned);
	engine_close(&e);
}

Test(verdict, gtube_is_refused_as_soon_as_it_is_seen)
{
	static const char head[] = "Subject: t\r\n\r\n";
	struct facts facts = { 0 };
	struct verdict_scan *scan;
	struct engine e;
	struct verdict v;

	engine_open(&e, NULL, 0);
	cr_assert_eq(verdict_scan_new(e.bench, &scan), 0);
	verdict_scan_feed(scan, head, strlen(head));
	verdict_scan_feed(scan, GTUBE, strlen(GTUBE) - 1);
	cr_expect_not(verdict_scan_certain(scan));
	verdict_scan_feed(scan, "X", 1);
	cr_expect(verdict_scan_certain(scan));
	verdict_scan_end(scan, &facts, 100, &v);
	cr_expect_eq(v.action, VERDICT_REJECT);
	cr_expect(has(&v, "rules:GTUBE"));
	cr_expect(v.findings[0].reject);

	/* A finding that is enough alone does not ask for the score. */
	v = judge(&e, "\r\n" GTUBE "\r\n", 7);
	cr_expect_eq(v.action, VERDICT_REJECT);
	engine_close(&e);
}

Test(verdict, gtube_is_found_wherever_a_body_may_hide_it)
{
	static const char *const messages[] = {
		"\r\n" GTUBE,						/* no header */
		"no header at all\r\n" GTUBE "\r\n",
		GTUBE,							/* one line, not ended */
		"Content-Type: text/plain\nx-y: z\n\n" GTUBE "\n",	/* bare LF */
		"Content-Transfer-Encoding: base64\r\n\r\n"
		"WEpTKkM0SkRCUUFETjEuTlNCTjMqMklETkVOKkdUVUJFLVNUQU5EQVJELUFO\r\n"
		"VEktVUJFLVRFU1QtRU1BSUwqQy4zNFg=\r\n",
		"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
		"XJS*C4JDBQADN1=2ENSBN3*2ID=\r\nNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X",
		"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
		"Content-Type: message/rfc822\r\n\r\n"
		"Content-Type: multipart/alternative; boundary=\"b c\"\r\n\r\n--b c\r\n"
		"Content-Transfer-Encoding: BASE64\r\n\r\n"
		"WEpTKkM0SkRCUUFETjEuTlNCTjMqMklETkVOKkdUVUJFLVNUQU5EQVJELUFOVEkt\r\n"
		"VUJFLVRFU1QtRU1BSUwqQy4zNFg=\r\n--b c--\r\n--b--\r\n",
	};
	struct engine e;

	engine_open(&e, NULL, 0);
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		struct verdict v = judge(&e, messages[i], 1 + i);

		cr_expect_eq(v.action, VERDICT_REJECT, "message %zu", i);
	}
	engine_close(&e);
}

Test(verdict, rules_look_where_they_are_told)
{
	struct conf_rule rows[] = {
		RULE("head", HEADER, "^subject:.*cheap", 10, .caseless = true),
		RULE("body", BODY, "^cheap pills\\r?$", 20),
		RULE("url", URL, "^http://([a-z0-9-]+\\.)*bad\\.example/", 40),
	};
	struct engine e;
	struct verdict v;

	engine_open(&e, rows, 3);
	v = judge(&e, "Subject: so CHEAP\r\n\r\ncheap pills\r\nHTTP://b%61d.example/x\r\n", 5);
	cr_expect_eq(v.score, 10 + 20 + 40 + 100);
	cr_expect(has(&v, "rules:head") && has(&v, "rules:body") && has(&v, "rules:url"));
	cr_expect_str_eq(v.findings[2].detail, "http://bad.example/x");
	/* The body's line in the header, and the header's in the body. */
	v = judge(&e, "X: y\r\n\r\nSubject: cheap\r\nCHEAP PILLS\r\nbad.example/", 64);
	cr_expect_eq(v.found, 0);
	/* Every match of a rule is one finding. */
	v = judge(&e, "S: y\r\n\r\ncheap pills\r\ncheap pills\r\n", 3);
	cr_expect_eq(v.score, 20);
	cr_expect_eq(v.found, 1);
	engine_close(&e);
}

Test(verdict, anchors_at_the_very_end_of_header_and_body)
{
	struct conf_rule rows[] = {
		RULE("head", HEADER, "last: x\\r\\n\\r\\n\\z", 1),
		RULE("body", BODY, "the end\\z", 2),
	};
	struct engine e;

	engine_open(&e, rows, 2);
	cr_expect_eq(judge(&e, "last: x\r\n\r\nthe end", 4).score, 3);
	cr_expect_eq(judge(&e, "last: x\r\n\r\nthe end.", 4).score, 1);
	engine_close(&e);
}

Test(verdict, score_decides_at_the_threshold)
{
	struct conf_rule rows[] = {
		RULE("plus", BODY, "plus", 120), RULE("minus", BODY, "minus", -21),
		RULE("one", BODY, "one", 1),
	};
	struct engine e;

	engine_open(&e, rows, 3);
	cr_expect_eq(judge(&e, "\r\nplus minus\r\n", 99).action, VERDICT_ACCEPT);
	cr_expect_eq(judge(&e, "\r\nplus minus one\r\n", 99).action, VERDICT_REJECT);
	cr_expect_eq(judge(&e, "\r\nplus minus one\r\n", 99).score, 100);
	engine_close(&e);
}

Test(verdict, bad_patterns_are_named)
{
	struct conf_rule rows[] = {
		RULE("fine", BODY, "ok", 1), RULE("open", BODY, "a(b", 1),
		RULE("nothing", URL, "x*", 1), RULE("behind", HEADER, "(?<=a)b(?=c)", 1),
	};
	struct conf conf = { .rules = rows, .rule_count = 4 };
	struct verdict_rules *rules = NULL;
	char err[1024], tiny[12];

	cr_assert_eq(verdict_rules_new(&conf, &rules, err, sizeof(err)), -EINVAL);
	cr_expect_null(rules);
	cr_expect_not_null(strstr(err, "rule open: "), "%s", err);
	cr_expect_not_null(strstr(err, "rule nothing: "), "%s", err);
	cr_expect_not_null(strstr(err, "rule behind: "), "%s", err);
	cr_expect_null(strstr(err, "fine"), "%s", err);
	cr_expect_null(strstr(err, "GTUBE"), "%s", err);
	cr_assert_eq(verdict_rules_new(&conf, &rules, tiny, sizeof(tiny)), -EINVAL);
	cr_expect_lt(strlen(tiny), sizeof(tiny));
}

Test(verdict, more_findings_than_fit_are_counted)
{
	struct conf_rule rows[40];
	char names[40][8];
	struct engine e;
	struct verdict v;

	for (size_t i = 0; i < 40; i++) {
		snprintf(names[i], sizeof(names[i]), "r%zu", i);
		rows[i] = (struct conf_rule)RULE(names[i], BODY, "word", 1);
	}
	engine_open(&e, rows, 40);
	v = judge(&e, "\r\nword\r\n", 2);
	cr_expect_eq(v.found, 40);
	cr_expect_eq(v.count, FACTS_FINDINGS);
	cr_expect_eq(v.score, 40);
	engine_close(&e);
}

Test(verdict, scans_are_reused_clean)
{
	struct conf_rule rows[] = { RULE("ab", BODY, "ab", 1), RULE("h", HEADER, "he", 1) };
	struct verdict_scan *scan, *second;
	struct engine e;

	engine_open(&e, rows, 2);
	/* Thrown away in the middle of everything. */
	cr_assert_eq(verdict_scan_new(e.bench, &scan), 0);
	verdict_scan_feed(scan, "h: 1\r\nContent-Type: multipart/x; boundary=q\r\n\r\n--q", 50);
	verdict_scan_free(scan);
	cr_assert_eq(verdict_scan_new(e.bench, &second), 0);
	cr_expect_eq(scan, second, "the bench keeps scans");
	verdict_scan_free(second);
	cr_expect_eq(judge(&e, "x: y\r\n\r\na", 9).found, 0);
	cr_expect_eq(judge(&e, "x: y\r\n\r\nb", 9).found, 0);
	cr_expect_eq(judge(&e, "h", 9).found, 0);
	cr_expect_eq(judge(&e, "e", 9).found, 0);
	cr_expect_eq(judge(&e, "he: 1\r\n\r\nab", 9).found, 2);
	cr_expect_eq(judge(&e, "\r\n" GTUBE, 9).action, VERDICT_REJECT);
	cr_assert_eq(verdict_scan_new(e.bench, &scan), 0);
	cr_expect_not(verdict_scan_certain(scan));
	verdict_scan_free(scan);
	verdict_scan_free(NULL);
	engine_close(&e);
}

/*
 * vectorscan 5.4.9 loses matches where a call ends between two octets that it
 * skips ahead for. Nobody may pass by cutting his message there.
 */
Test(verdict, no_match_is_lost_where_the_octets_are_cut)
{
	struct conf_rule rows[] = {
		RULE("h", HEADER, "subject:.*x$", 1, .caseless = true),
		RULE("b", BODY, "^B?y?[y]\\r?$", 2, .caseless = true),
		RULE("c", BODY, "[0-9]{1,2}c[a-f]*", 4),
	};
	char text[512];
	struct engine e;

	/* Words only. */
	engine_open(&e, NULL, 0);
	for (int pad = 0; pad < 64; pad++) {
		sprintf(text, "A: b\n\n%0*d\n%s%.*s", pad, 1, GTUBE, pad, GTUBE);
		for (size_t step = 1; step < 80; step++)
			cr_assert_eq(judge(&e, text, step).found, 1, "pad %d step %zu", pad, step);
	}
	engine_close(&e);
	/* Pairs that are skipped ahead for. */
	engine_open(&e, rows, 3);
	for (int pad = 0; pad < 64; pad++) {
		sprintf(text, "A: %0*d\nsubject:%0*dx\nsender: somebody or other\n\n"
			"%0*d\r\nyy\r\nzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz7czzzzzzzzzzz\r\n",
			pad, 1, 64 - pad, 1, pad, 1);
		for (size_t step = 1; step < 80; step++)
			cr_assert_eq(judge(&e, text, step).score, 7, "pad %d step %zu", pad, step);
	}
	engine_close(&e);
}

Test(verdict, a_pattern_does_not_match_across_parts)
{
	struct conf_rule rows[] = { RULE("ab", BODY, "ab", 1) };
	struct engine e;

	engine_open(&e, rows, 1);
	cr_expect_eq(judge(&e, "Content-Type: multipart/mixed; boundary=q\r\n\r\n--q\r\n"
			   "Content-Transfer-Encoding: base64\r\n\r\nYQ==\r\n--q\r\n"
			   "Content-Transfer-Encoding: base64\r\n\r\nYg==\r\n", 99).found, 0);
	engine_close(&e);
}

Test(verdict, what_a_limit_cut_is_said)
{
	char text[2048] = "";
	struct engine e;

	engine_open(&e, NULL, 0);
	for (int i = 0; i < 9; i++)
		sprintf(text + strlen(text), "Content-Type: multipart/mixed; boundary=%d\r\n\r\n"
			"--%d\r\n", i, i);
	strcat(text, "\r\n" GTUBE);
	cr_expect(judge(&e, text, 100).unscanned);
	cr_expect_eq(judge(&e, text, 100).action, VERDICT_REJECT, "found all the same");
	engine_close(&e);
}

Test(verdict, two_messages_at_once_do_not_mix)
{
	struct conf_rule rows[] = { RULE("ab", BODY, "ab", 1) };
	struct facts facts = { 0 };
	struct verdict_scan *a, *b;
	struct verdict va, vb;
	struct engine e;

	engine_open(&e, rows, 1);
	cr_assert_eq(verdict_scan_new(e.bench, &a), 0);
	cr_assert_eq(verdict_scan_new(e.bench, &b), 0);
	verdict_scan_feed(a, "\r\na", 3);
	verdict_scan_feed(b, "\r\nx", 3);
	verdict_scan_feed(a, "b", 1);
	verdict_scan_feed(b, "b", 1);
	verdict_scan_end(a, &facts, 100, &va);
	verdict_scan_end(b, &facts, 100, &vb);
	cr_expect_eq(va.found, 1);
	cr_expect_eq(vb.found, 0);
	engine_close(&e);
}

/* A message in which everything happens: each cut of it must judge alike. */
static const char everything[] =
	"Subject: cheap\r\n"
	"List-Unsubscribe: <http://w%77w.header.example/>\r\n"
	"Content-Type: multipart/mixed;\r\n\tboundary=\"=_b:1\"\r\n\r\n"
	"preamble http://0x7f000001/\r\n"
	"--=_b:1\r\nContent-Type: text/html; charset=x\r\n"
	"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
	"<a href=3D\"http://w=77w.bank.com-x@evil.ex=\r\nample/\">"
	"&#104;ttp://&#x65;x.example</a>\r\n"
	"--=_b:2\r\n-\r\n--\r\n"
	"--=_b:1\r\nContent-Type: TEXT/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n"
	"aHR0cDovL2V4JTYxbXBsZS5jb20vIHRoZSBlbmQ=\r\n"
	"--=_b:1--\r\nepilogue http:\\\\good.example\\@bad.example/http://1.2.3.4/the end";

static bool same(const struct verdict *a, const struct verdict *b)
{
	if (a->action != b->action || a->score != b->score || a->found != b->found ||
	    a->count != b->count || a->unscanned != b->unscanned)
		return false;
	for (uint32_t i = 0; i < a->count; i++) {
		if (strcmp(a->findings[i].rule, b->findings[i].rule) ||
		    strcmp(a->findings[i].detail, b->findings[i].detail))
			return false;
	}
	return true;
}

Test(verdict, every_split_gives_the_same_findings)
{
	struct conf_rule rows[] = {
		RULE("head", HEADER, "cheap\\r\\nList", 1), RULE("text", BODY, "/ the end\\r?$", 2),
		RULE("raw", BODY, "--=_b:1--\\r\\nepi", 4), RULE("url", URL, "evil\\.example", 8),
		RULE("last", BODY, "4/the end\\z", 16),
	};
	size_t len = strlen(everything);
	struct facts facts = { 0 };
	struct verdict_scan *scan;
	struct engine e;
	struct verdict whole, cut;

	engine_open(&e, rows, 5);
	whole = judge(&e, everything, len);
	cr_expect_eq(whole.found, 5 + 7, "found %u", whole.found);
	for (size_t step = 1; step < len; step++) {
		cut = judge(&e, everything, step);
		cr_expect(same(&whole, &cut), "steps of %zu", step);
	}
	for (size_t at = 0; at <= len; at++) {
		cr_assert_eq(verdict_scan_new(e.bench, &scan), 0);
		verdict_scan_feed(scan, everything, at);
		verdict_scan_feed(scan, everything + at, len - at);
		verdict_scan_end(scan, &facts, 100, &cut);
		cr_expect(same(&whole, &cut), "cut at %zu", at);
	}
	engine_close(&e);
}
