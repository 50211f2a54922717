// SPDX-License-Identifier: GPL-2.0
/*
 * One message through the engines: MIME reader, rules, links; then the
 * verdict. A scan and its bench belong to one thread. What was found is kept
 * as bits and written out at the end in a fixed order, so the verdict does
 * not depend on how the message was cut.
 */
#include <errno.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "verdict/links.h"
#include "verdict/mime.h"
#include "verdict/rules.h"
#include "verdict/verdict.h"

/* Scans kept for the next message by each bench. */
#define IDLE_SCANS	64
/* URLs kept to show what a URL rule matched. */
#define URLS_KEPT	8

enum stream { STREAM_HEADER, STREAM_BODY, STREAM_TEXT, STREAM_COUNT };

static const enum conf_where stream_where[STREAM_COUNT] = {
	[STREAM_HEADER] = CONF_WHERE_HEADER,
	[STREAM_BODY] = CONF_WHERE_BODY,	/* the body as it is */
	[STREAM_TEXT] = CONF_WHERE_BODY,	/* text whose transfer encoding was undone */
};

struct verdict_bench {
	const struct verdict_rules *rules;
	hs_scratch_t	*scratch;
	struct verdict_scan *idle;
	size_t		idle_count;
};

struct url_kept {
	unsigned int	rule;
	char		text[FACTS_DETAIL];
};

struct verdict_scan {
	struct verdict_bench *bench;
	struct verdict_scan *next;	/* in bench->idle */
	hs_stream_t	*streams[STREAM_COUNT];
	struct mime	mime;
	struct links	links;
	bool		certain;	/* a rule matched that is enough alone */
	bool		failed;		/* vectorscan gave an error */
	bool		decoded;	/* STREAM_TEXT has seen some of this part */
	size_t		urls_kept;
	struct url_kept	urls[URLS_KEPT];
	uint8_t		matched[];	/* one octet for each rule */
};

static int on_match(unsigned int id, unsigned long long from, unsigned long long to,
		    unsigned int flags, void *context)
{
	struct verdict_scan *scan = context;

	(void)from;
	(void)to;
	(void)flags;
	scan->matched[id] = 1;
	scan->certain |= scan->bench->rules->rules[id].reject;
	return 0;
}

static void stream_feed(struct verdict_scan *scan, enum stream which, const char *data, size_t len)
{
	const size_t most = scan->bench->rules->piece[stream_where[which]];

	while (scan->streams[which] && len) {
		size_t n = len < most ? len : most;

		if (hs_scan_stream(scan->streams[which], data, (unsigned int)n, 0,
				   scan->bench->scratch, on_match, scan) != HS_SUCCESS)
			scan->failed = true;
		data += n;
		len -= n;
	}
}

/* The stream ends: what matches only there matches now. Ready for reuse. */
static void stream_end(struct verdict_scan *scan, enum stream which)
{
	hs_stream_t *stream = scan->streams[which];

	if (stream &&
	    hs_reset_stream(stream, 0, scan->bench->scratch, on_match, scan) != HS_SUCCESS)
		scan->failed = true;
}

static void on_header(void *owner, const char *data, size_t len)
{
	struct verdict_scan *scan = owner;

	stream_feed(scan, STREAM_HEADER, data, len);
	links_feed(&scan->links, data, len, false);
}

static void on_body(void *owner, const char *data, size_t len)
{
	stream_feed(owner, STREAM_BODY, data, len);
}

static void on_text(void *owner, const struct mime_text *text)
{
	struct verdict_scan *scan = owner;

	if (text->decoded) {
		stream_feed(scan, STREAM_TEXT, text->data, text->len);
		scan->decoded = true;
	}
	links_feed(&scan->links, text->data, text->len, text->html);
}

static void on_part(void *owner)
{
	struct verdict_scan *scan = owner;

	links_break(&scan->links);
	if (scan->decoded)
		stream_feed(scan, STREAM_TEXT, "\r\n", 2);
	scan->decoded = false;
}

static const struct mime_ops mime_ops = {
	.header = on_header,
	.body = on_body,
	.text = on_text,
	.part = on_part,
};

struct url_in_hand {
	struct verdict_scan *scan;
	const char *text;
};

static int on_url_match(unsigned int id, unsigned long long from, unsigned long long to,
			unsigned int flags, void *context)
{
	struct url_in_hand *hand = context;
	struct verdict_scan *scan = hand->scan;

	if (!scan->matched[id] && scan->urls_kept < URLS_KEPT) {
		struct url_kept *kept = &scan->urls[scan->urls_kept++];

		kept->rule = id;
		snprintf(kept->text, sizeof(kept->text), "%s", hand->text);
	}
	return on_match(id, from, to, flags, scan);
}

static void on_url(void *owner, const char *text, size_t len)
{
	struct verdict_scan *scan = owner;
	struct url_in_hand hand = { .scan = scan, .text = text };
	const hs_database_t *base = scan->bench->rules->base[CONF_WHERE_URL];

	if (hs_scan(base, text, (unsigned int)len, 0, scan->bench->scratch, on_url_match,
		    &hand) != HS_SUCCESS)
		scan->failed = true;
}

static const struct links_ops links_ops = { .url = on_url };
static const struct links_ops links_ops_no_rules = { .url = NULL };

int verdict_bench_new(const struct verdict_rules *r, struct verdict_bench **out)
{
	struct verdict_bench *b = calloc(1, sizeof(*b));

	if (!b)
		return -ENOMEM;
	b->rules = r;
	if (r->scratch && hs_clone_scratch(r->scratch, &b->scratch) != HS_SUCCESS) {
		free(b);
		return -ENOMEM;
	}
	*out = b;
	return 0;
}

static void scan_destroy(struct verdict_scan *scan)
{
	for (int i = 0; i < STREAM_COUNT; i++) {
		if (scan->streams[i])
			hs_close_stream(scan->streams[i], NULL, NULL, NULL);
	}
	free(scan);
}

void verdict_bench_free(struct verdict_bench *b)
{
	if (!b)
		return;
	while (b->idle) {
		struct verdict_scan *scan = b->idle;

		b->idle = scan->next;
		scan_destroy(scan);
	}
	hs_free_scratch(b->scratch);
	free(b);
}

static struct verdict_scan *scan_create(struct verdict_bench *b)
{
	struct verdict_scan *scan = calloc(1, sizeof(*scan) + b->rules->count);

	if (!scan)
		return NULL;
	scan->bench = b;
	for (int i = 0; i < STREAM_COUNT; i++) {
		const hs_database_t *base = b->rules->base[stream_where[i]];

		if (base && hs_open_stream(base, 0, &scan->streams[i]) != HS_SUCCESS) {
			scan_destroy(scan);
			return NULL;
		}
	}
	return scan;
}

size_t verdict_scan_octets(const struct verdict_bench *b)
{
	size_t octets = sizeof(struct verdict_scan) + b->rules->count, stream;

	for (int i = 0; i < STREAM_COUNT; i++) {
		const hs_database_t *base = b->rules->base[stream_where[i]];

		if (base && hs_stream_size(base, &stream) == HS_SUCCESS)
			octets += stream;
	}
	return octets;
}

int verdict_scan_new(struct verdict_bench *b, struct verdict_scan **out)
{
	struct verdict_scan *scan = b->idle;

	if (scan) {
		b->idle = scan->next;
		b->idle_count--;
	} else {
		scan = scan_create(b);
	}
	if (!scan)
		return -ENOMEM;
	scan->next = NULL;
	scan->certain = false;
	scan->failed = false;
	scan->decoded = false;
	scan->urls_kept = 0;
	memset(scan->matched, 0, b->rules->count);
	mime_init(&scan->mime, &mime_ops, scan);
	links_init(&scan->links, b->rules->base[CONF_WHERE_URL] ? &links_ops : &links_ops_no_rules,
		   scan);
	*out = scan;
	return 0;
}

/* Back to the bench; the streams are at their start. */
static void scan_release(struct verdict_scan *scan)
{
	struct verdict_bench *b = scan->bench;

	if (b->idle_count == IDLE_SCANS || scan->failed) {
		scan_destroy(scan);
		return;
	}
	scan->next = b->idle;
	b->idle = scan;
	b->idle_count++;
}

void verdict_scan_feed(struct verdict_scan *scan, const char *data, size_t len)
{
	mime_feed(&scan->mime, data, len);
}

bool verdict_scan_certain(const struct verdict_scan *scan)
{
	return scan->certain;
}

static void finding_add(struct verdict *v, int64_t *score, const struct finding *f)
{
	*score += f->score;
	v->found++;
	if (f->reject)
		v->action = VERDICT_REJECT;
	if (v->count < FACTS_FINDINGS)
		v->findings[v->count++] = *f;
}

/* What a rule matched, as far as it is known: the URL, or why the rule exists. */
static const char *rule_detail(const struct verdict_scan *scan, unsigned int id)
{
	const struct rule *rule = &scan->bench->rules->rules[id];

	for (size_t i = 0; i < scan->urls_kept; i++) {
		if (scan->urls[i].rule == id)
			return scan->urls[i].text;
	}
	return rule->text;
}

static void findings_of_rules(const struct verdict_scan *scan, struct verdict *v, int64_t *score)
{
	const struct verdict_rules *r = scan->bench->rules;

	for (unsigned int i = 0; i < r->count; i++) {
		struct finding f = { .score = r->rules[i].score, .reject = r->rules[i].reject };

		if (!scan->matched[i])
			continue;
		snprintf(f.rule, sizeof(f.rule), "%s", r->rules[i].name);
		snprintf(f.detail, sizeof(f.detail), "%s", rule_detail(scan, i));
		finding_add(v, score, &f);
	}
}

static void findings_of_links(const struct verdict_scan *scan, struct verdict *v, int64_t *score)
{
	for (unsigned int i = 0; i < LINK_COUNT; i++) {
		struct finding f = { .score = link_rows[i].score };

		if (!(scan->links.found & 1u << i))
			continue;
		snprintf(f.rule, sizeof(f.rule), "links:%s", link_rows[i].rule);
		snprintf(f.detail, sizeof(f.detail), "%s", scan->links.detail[i]);
		finding_add(v, score, &f);
	}
}

static int32_t clamp(int64_t score)
{
	if (score > INT32_MAX)
		return INT32_MAX;
	return score < INT32_MIN ? INT32_MIN : (int32_t)score;
}

int verdict_scan_end(struct verdict_scan *scan, const struct facts *facts,
		     int64_t reject_score, struct verdict *out)
{
	int64_t score = 0;

	(void)facts;
	mime_end(&scan->mime);
	for (int i = 0; i < STREAM_COUNT; i++)
		stream_end(scan, (enum stream)i);
	*out = (struct verdict){ .action = VERDICT_ACCEPT };
	findings_of_rules(scan, out, &score);
	findings_of_links(scan, out, &score);
	out->score = clamp(score);
	out->unscanned = scan->failed || scan->mime.cut;
	if (score >= reject_score)
		out->action = VERDICT_REJECT;
	if (scan->failed && out->action == VERDICT_ACCEPT)
		out->action = VERDICT_TEMPFAIL;
	scan_release(scan);
	return 0;
}

void verdict_scan_free(struct verdict_scan *scan)
{
	if (!scan)
		return;
	for (int i = 0; i < STREAM_COUNT; i++) {
		/* Without a callback nothing is matched at the end. */
		if (scan->streams[i] && hs_reset_stream(scan->streams[i], 0, NULL, NULL, NULL))
			scan->failed = true;
	}
	scan_release(scan);
}
